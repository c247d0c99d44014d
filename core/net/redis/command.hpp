#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace spikard::net::redis {

/// Of a cluster: of what stands in the first `{}` that is not empty, else of the whole key.
[[nodiscard]] std::uint16_t slot_of(std::string_view key) noexcept;

/// A script that the server runs, by its hash; it is sent whole where the server does not know it. Make it once and keep it.
class Script {
 public:
  explicit Script(std::string_view body);
  [[nodiscard]] const std::string& body() const noexcept { return body_; }
  /// SHA-1 in hexadecimal.
  [[nodiscard]] const std::string& sha() const noexcept { return sha_; }

 private:
  std::string body_;
  std::string sha_;
};

/// A command, encoded as it is written: one buffer whatever its arguments.
///
///     Command set("SET");
///     set.key(name).arg(value).arg("PX").arg(ms);
class Command {
 public:
  explicit Command(std::string_view name, std::size_t expected_bytes = 128) {
    bytes_.reserve(room + expected_bytes);
    bytes_.resize(room);
    arg(name);
  }
  /// EVALSHA with so many keys; they come next, by `key`. `script` outlives it.
  Command(const Script& script, std::size_t keys, std::size_t expected_bytes = 256);

  Command& arg(std::string_view text) {
    char head[24];
    head[0] = '$';
    char* end = std::to_chars(head + 1, head + sizeof head, text.size()).ptr;
    *end++ = '\r';
    *end++ = '\n';
    bytes_.append(head, static_cast<std::size_t>(end - head));
    bytes_.append(text);
    bytes_.append("\r\n", 2);
    ++count_;
    return *this;
  }
  template <std::integral T>
  Command& arg(T number) {
    char text[24];
    return arg(std::string_view(text, static_cast<std::size_t>(std::to_chars(text, text + sizeof text, number).ptr - text)));
  }
  /// The first one says where a cluster has it.
  Command& key(std::string_view name) {
    if (key_at_ == 0) {
      key_at_ = bytes_.size();
      key_size_ = name.size();
    }
    return arg(name);
  }
  /// It has no key, but goes where this one is.
  Command& near(std::string_view name) {
    near_ = name;
    return *this;
  }
  /// It changes nothing on the server: where its answer was lost it is sent once more.
  Command& reads() noexcept {
    reads_ = true;
    return *this;
  }
  /// Instead of the client's `timeout`.
  Command& within(Duration time) noexcept {
    timeout_ = time;
    return *this;
  }

  /// As it is sent.
  [[nodiscard]] std::string_view bytes() const noexcept;
  /// The same with the script's text in the place of its hash. Only of a script's.
  [[nodiscard]] std::string with_body() const;
  [[nodiscard]] std::optional<std::string_view> routing_key() const noexcept;
  [[nodiscard]] bool only_reads() const noexcept { return reads_; }
  [[nodiscard]] std::optional<Duration> timeout() const noexcept { return timeout_; }
  [[nodiscard]] const Script* script() const noexcept { return script_; }

 private:
  static constexpr std::size_t room = 16;  // for `*N` before the arguments
  mutable std::string bytes_;
  std::uint32_t count_ = 0;
  bool reads_ = false;
  std::size_t key_at_ = 0;
  std::size_t key_size_ = 0;
  std::string near_;
  std::optional<Duration> timeout_;
  const Script* script_ = nullptr;
};

}  // namespace spikard::net::redis
