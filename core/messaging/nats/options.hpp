#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "messaging/url.hpp"

namespace spikard::messaging::nats {

/// What a URL says: `nats://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]...][?OPTION=VALUE&...]`. docs/guide/messaging.md lists the
/// options.
struct NatsOptions {
  std::vector<Server> servers;
  std::string user{};
  std::string password{};
  std::string token{};
  std::string seed{};  ///< of an nkey
  std::string jwt{};   ///< with its seed: a .creds file
  bool tls = false;
  std::string ca{};
  bool verify = true;
  bool jetstream = true;
  std::string stream = "spikard";
  std::string prefix = "spikard.";  ///< before the topic, in a subject; ends with a dot, or is empty
  std::string domain{};
  bool create = true;  ///< the stream, where it is not there
  bool memory_storage = false;
  std::uint32_t replicas = 1;
  Duration max_age{std::chrono::hours(7 * 24)};  ///< of a message in the stream; zero: for ever
  Duration timeout{std::chrono::seconds(10)};    ///< of everything the server is asked
  Duration connect_timeout{std::chrono::seconds(5)};
  Duration ping{std::chrono::seconds(5)};  ///< how often an idle connection is looked at

  /// invalid_argument naming the part of the URL, and never a secret. Reads the files that `creds` and `nkey` name.
  [[nodiscard]] static Result<NatsOptions> parse(std::string_view url);
};

}  // namespace spikard::messaging::nats
