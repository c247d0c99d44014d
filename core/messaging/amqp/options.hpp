#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "messaging/url.hpp"

namespace spikard::messaging::amqp {

/// What a URL says: `amqp[s]://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]...][/VHOST][?OPTION=VALUE&...]`. docs/guide/messaging.md
/// lists the options.
struct AmqpOptions {
  std::vector<Server> servers{};  ///< tried in turn
  std::string user = "guest";     ///< RabbitMQ takes `guest` from its own machine only
  std::string password = "guest";
  bool external = false;  ///< SASL EXTERNAL: the client's certificate says who we are
  std::string vhost = "/";
  bool tls = false;
  std::string ca{};           ///< PEM file; empty: the system's
  std::string certificate{};  ///< PEM file of our own, with `key`
  std::string key{};
  bool verify = true;
  std::string name = "spikard";  ///< of the exchange; other names begin with it and a dot
  bool mandatory = false;        ///< publishing to a topic that no group takes fails (not_found)
  std::uint32_t replicas = 0;    ///< `x-quorum-initial-group-size` of queues that are made; 0: the server's default
  std::chrono::seconds heartbeat{4};
  Duration timeout{std::chrono::seconds(10)};  ///< of everything the server is asked
  Duration connect_timeout{std::chrono::seconds(5)};

  /// invalid_argument naming the part of the URL, and never a secret.
  [[nodiscard]] static Result<AmqpOptions> parse(std::string_view url);
};

}  // namespace spikard::messaging::amqp
