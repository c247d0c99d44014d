#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/node.hpp"
#include "base/result.hpp"

namespace spikard::cli::crash {

/// How the application is interrupted. `start`: SIGKILL again, while it starts after a SIGKILL. `stop`: SIGSTOP for longer than
/// a lease, then SIGCONT.
enum class Kind : std::uint8_t { kill, start, term, stop };
inline constexpr std::array<std::string_view, 4> kind_names{"SIGKILL", "SIGKILL at start", "SIGTERM", "SIGSTOP"};
inline constexpr std::array<std::string_view, 4> kind_words{"kill", "start", "term", "stop"};
using Weights = std::array<std::uint32_t, 4>;

/// `kill=12,start=2`: what is not named has 0. Errors: invalid_argument.
[[nodiscard]] Result<Weights> parse_weights(std::string_view text);

struct Step {
  Duration after{};  ///< under load, since the one before was over
  Kind kind = Kind::kill;
  std::uint32_t process = 0;
  Duration extra{};  ///< `start`: how long the start is left alone
};
/// The same for the same seed, on every machine.
[[nodiscard]] std::vector<Step> schedule(std::uint64_t seed, std::uint32_t kills, const Weights& weights, std::uint32_t processes,
                                         Duration shortest, Duration longest);

/// What is put into a text: `{n}` counts from 1, `{uuid}` is its own, `{/id}` a member of the answer (RFC 6901).
struct Values {
  std::uint64_t n = 0;
  std::string uuid;
  Value answer{};
};
class Template {
 public:
  [[nodiscard]] static Template parse(std::string_view text);
  [[nodiscard]] bool counts() const noexcept { return has(Part::n); }
  [[nodiscard]] bool names() const noexcept { return has(Part::uuid); }
  [[nodiscard]] bool asks() const noexcept { return has(Part::member); }
  /// `in_path`: what is put in is percent-encoded. Errors: not_found for a member that the answer does not have.
  [[nodiscard]] Result<std::string> fill(const Values& values, bool in_path) const;

 private:
  struct Part {
    enum What : std::uint8_t { text, n, uuid, member } what;
    std::string text_;
  };
  [[nodiscard]] bool has(Part::What what) const noexcept;
  std::vector<Part> parts_;
};

/// `POST /orders {"id": "{uuid}"}`.
struct RequestTemplate {
  std::string text;
  std::string method;
  Template path;
  Template body;
  bool has_body = false;
  /// Makes something that must be kept. The others (GET, HEAD, and whatever names a member of an earlier answer) are only load.
  bool makes = false;
};
[[nodiscard]] Result<RequestTemplate> parse_request(std::string_view text);

/// A UUID (RFC 9562, version 8) of a run and a number in it.
[[nodiscard]] std::string uuid_of(std::uint64_t run, std::uint64_t n);
/// How people and SQL write it; nothing for null.
[[nodiscard]] std::string plain(Value value);

}  // namespace spikard::cli::crash
