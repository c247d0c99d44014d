#include "messaging/registry.hpp"

#include <array>

namespace spikard::messaging {
namespace {

struct Known {
  std::string_view scheme;
  std::string_view option;
};
constexpr std::array known{Known{"memory", "SPIKARD_MESSAGING_MEMORY"},
                           Known{"sqlite", "SPIKARD_MESSAGING_SQLITE"},
                           Known{"mqtt", "SPIKARD_MESSAGING_MQTT"},
                           Known{"mqtts", "SPIKARD_MESSAGING_MQTT"},
                           Known{"nats", "SPIKARD_MESSAGING_NATS"},
                           Known{"kafka", "SPIKARD_MESSAGING_KAFKA"},
                           Known{"kafkas", "SPIKARD_MESSAGING_KAFKA"},
                           Known{"redis", "SPIKARD_MESSAGING_REDIS"},
                           Known{"rediss", "SPIKARD_MESSAGING_REDIS"},
                           Known{"amqp", "SPIKARD_MESSAGING_AMQP"},
                           Known{"amqps", "SPIKARD_MESSAGING_AMQP"},
                           Known{"kafka+rdkafka", "SPIKARD_MESSAGING_RDKAFKA"},
                           Known{"kafkas+rdkafka", "SPIKARD_MESSAGING_RDKAFKA"}};

}  // namespace

Result<std::shared_ptr<Backend>> Registry::open(const services::MessagingConfig& config, const Environment& environment) const {
  const std::string_view url = config.url;
  const std::size_t colon = url.find(':');
  const std::string_view scheme = url.substr(0, colon == std::string_view::npos ? 0 : colon);
  if (const auto found = backends_.find(scheme); found != backends_.end()) return found->second(config, environment);
  for (const Known& one : known) {
    if (one.scheme == scheme) {
      return Error(ErrorKind::unsupported, "url: this build has no `" + std::string(scheme) + ":` for messaging; build with " +
                                               std::string(one.option) + "=ON");
    }
  }
  std::string names;
  for (const auto& [name, open] : backends_) names += (names.empty() ? "`" : ", `") + name + ":`";
  return invalid_argument("url: expected one that begins with " + names);
}

Result<std::shared_ptr<Backend>> open(const services::MessagingConfig& config, const Environment& environment) {
  Registry registry;
  register_builtin_backends(registry);
  return registry.open(config, environment);
}

}  // namespace spikard::messaging
