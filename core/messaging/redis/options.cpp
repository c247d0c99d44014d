#include "messaging/redis/options.hpp"

#include <array>
#include <charconv>
#include <optional>

namespace spikard::messaging::redis {
namespace {

constexpr std::array<std::string_view, 4> own_options{"mode", "prefix", "max_length", "poll_ms"};
constexpr std::uint64_t most_length = std::uint64_t{1} << 53U;  // scripts count in doubles

std::optional<std::uint64_t> number(std::string_view text, std::uint64_t least, std::uint64_t most) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value < least || value > most)
    return std::nullopt;
  return value;
}

}  // namespace

Result<RedisOptions> RedisOptions::parse(std::string_view url) {
  Result<net::redis::Options> server = net::redis::Options::parse(url, own_options);
  if (!server.ok()) return std::move(server).error();
  RedisOptions out;
  out.server = std::move(*server);
  if (out.server.client_name.empty()) out.server.client_name = "spikard-messaging";
  for (const auto& [name, value] : out.server.extra) {
    if (name == "mode") {
      if (value != "streams" && value != "pubsub") return invalid_argument("url: option mode: expected streams or pubsub");
      out.mode = value == "streams" ? Mode::streams : Mode::pubsub;
    } else if (name == "prefix") {
      if (value.empty() || value.size() > 256 || value.find_first_of("{}") != std::string::npos)
        return invalid_argument("url: option prefix: expected 1 to 256 bytes without braces");
      out.prefix = value;
    } else if (name == "max_length") {
      const auto length = number(value, 0, most_length);
      if (!length) return invalid_argument("url: option max_length: expected 0 to 9007199254740992");
      out.max_length = *length;
    } else {
      const auto ms = number(value, 1, 60'000);
      if (!ms) return invalid_argument("url: option poll_ms: expected 1 to 60000");
      out.poll = std::chrono::milliseconds(*ms);
    }
  }
  return out;
}

}  // namespace spikard::messaging::redis
