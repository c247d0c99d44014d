#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cache/backend.hpp"

namespace spikard::cache::redis {

/// What stands before every value (and every lease) on the server, so that the core's clock decides, whatever the server's says:
///
///     0       0x10 and flags: 1 absent (a remembered "there is nothing"), 2 tags
///     1 - 8   when its time is over, ms since 1970 of the writer's clock, big-endian; 0: never
///     9 - 16  when not even its grace is left
///     17 - 24 the generation of its namespace; another one has been cleared away
///     25      with tags: how many, then 8 bytes of the hash of each
struct Header {
  static constexpr std::size_t size = 25;
  static constexpr unsigned char version = 0x10;
  static constexpr unsigned char is_absent = 1;
  static constexpr unsigned char has_tags = 2;

  unsigned char flags = 0;
  std::uint64_t ends = 0;
  std::uint64_t gone = 0;
  std::string_view generation{};
  std::string_view rest{};  ///< the value

  [[nodiscard]] bool absent() const noexcept { return (flags & is_absent) != 0; }
  [[nodiscard]] bool over(Millis now) const noexcept { return ends != 0 && static_cast<std::uint64_t>(now) >= ends; }
  [[nodiscard]] bool forgotten(Millis now) const noexcept { return gone != 0 && static_cast<std::uint64_t>(now) >= gone; }
  [[nodiscard]] Millis left(Millis now) const noexcept { return ends == 0 ? forever : static_cast<Millis>(ends) - now; }
  /// Nothing for what is not one: another program's value.
  [[nodiscard]] static std::optional<Header> read(std::string_view stored) noexcept {
    Header out;
    if (stored.size() < size || (static_cast<unsigned char>(stored[0]) & 0xf0U) != version) return std::nullopt;
    out.flags = static_cast<unsigned char>(stored[0]) & 0x0fU;
    out.ends = number(stored.data() + 1);
    out.gone = number(stored.data() + 9);
    out.generation = stored.substr(17, 8);
    std::size_t at = size;
    if ((out.flags & has_tags) != 0) {
      if (stored.size() <= at) return std::nullopt;
      at += 1 + std::size_t{8} * static_cast<unsigned char>(stored[at]);
      if (stored.size() < at) return std::nullopt;
    }
    out.rest = stored.substr(at);
    return out;
  }
  [[nodiscard]] static std::uint64_t number(const char* from) noexcept {
    std::uint64_t out = 0;
    for (int n = 0; n < 8; ++n) out = out << 8U | static_cast<unsigned char>(from[n]);
    return out;
  }
  static void append(std::string& to, std::uint64_t number) {
    for (int n = 7; n >= 0; --n) to.push_back(static_cast<char>(number >> (static_cast<unsigned>(n) * 8U)));
  }
};

/// What a Put is on the server, but for the generation, which the script fills in.
struct Stored {
  /// Beyond it (some 140,000 years) is for ever: Lua's numbers are exact up to 2^53.
  static constexpr Millis most = Millis{1} << 52U;
  Stored(Millis now_floor, Millis now_ceil, const Put& put);
  std::string head;  ///< flags, ends, gone
  std::string tags;  ///< how many, hashes; empty without
  Millis lives = 0;  ///< until it is gone, from now; 0: for ever
};

[[nodiscard]] std::uint64_t hash_of_tag(std::string_view tag) noexcept;
/// `tags` as a header has them.
[[nodiscard]] std::string tag_hashes(std::span<const std::string> tags);

/// Names on the server. All of a namespace share the hash tag `{LENGTH:SPACE}`, so that a cluster keeps it in one place.
class Names {
 public:
  explicit Names(std::string prefix) : prefix_(std::move(prefix)) {}
  [[nodiscard]] const std::string& prefix() const noexcept { return prefix_; }
  [[nodiscard]] std::string entry(Key key) const { return name(key.space, 'e', key.name); }
  [[nodiscard]] std::string lease(Key key) const { return name(key.space, 'l', key.name); }
  [[nodiscard]] std::string tag(std::string_view space, std::string_view tag) const { return name(space, 't', tag); }
  [[nodiscard]] std::string generation(std::string_view space) const { return name(space, 'g', {}); }
  /// Of one moment inside a script.
  [[nodiscard]] std::string scratch(std::string_view space) const { return name(space, 's', {}); }
  /// The set of namespaces where a tag was used.
  [[nodiscard]] std::string spaces_of(std::string_view tag) const { return prefix_ + ":tag:" + std::string(tag); }
  /// A pattern of SCAN for all entries of a namespace.
  [[nodiscard]] std::string entries(std::string_view space) const;
  /// What all of these names begin with.
  [[nodiscard]] std::string all() const { return prefix_ + ":"; }

  struct Parsed {
    char kind = 0;  ///< e, l, t, g, s
    std::string_view space;
    std::string_view name;
  };
  [[nodiscard]] std::optional<Parsed> parse(std::string_view full) const;

 private:
  [[nodiscard]] std::string name(std::string_view space, char kind, std::string_view rest) const {
    std::string out;
    out.reserve(prefix_.size() + space.size() + rest.size() + 16);
    out.append(prefix_).append(":{").append(std::to_string(space.size())).append(":").append(space).append("}:");
    out.push_back(kind);
    out.push_back(':');
    out.append(rest);
    return out;
  }
  std::string prefix_;
};

}  // namespace spikard::cache::redis
