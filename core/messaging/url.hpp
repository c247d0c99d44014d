#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "net/server.hpp"

namespace spikard::messaging {

using net::Server;

/// `SCHEME://[USER[:PASSWORD]@]HOST[:PORT][,HOST[:PORT]...][/PATH][?NAME=VALUE&...]`, decoded. A broker's options are a loop over
/// `options`. Errors are invalid_argument naming the part of the URL, and never a secret.
struct BrokerUrl {
  std::optional<std::string> user{};
  std::optional<std::string> password{};
  std::vector<Server> servers{};
  std::optional<std::string> path{};  ///< behind the slash
  std::vector<std::pair<std::string, std::string>> options{};

  /// `rest` is what follows `//`.
  [[nodiscard]] static Result<BrokerUrl> parse(std::string_view rest, std::uint16_t default_port);
};

[[nodiscard]] Error bad_url(std::string_view what, std::string_view expected);
/// Values of options: the whole text.
[[nodiscard]] Result<void> read_flag(std::string_view name, std::string_view text, bool& into);
[[nodiscard]] Result<void> read_number(std::string_view name, std::string_view text, std::uint64_t least, std::uint64_t most,
                                       std::uint64_t& into);
[[nodiscard]] Result<void> read_millis(std::string_view name, std::string_view text, std::uint64_t least, std::uint64_t most,
                                       Duration& into);

}  // namespace spikard::messaging
