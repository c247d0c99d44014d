#pragma once

#include <memory>

#include "messaging/kafka/settings.hpp"
#include "messaging/kafka/transport.hpp"

namespace spikard::messaging {
class Registry;
}

namespace spikard::messaging::kafka {

/// `kafka+rdkafka:` and `kafkas+rdkafka:`, with the options of `kafka:`. librdkafka produces, fetches, commits, and is the
/// group's member; topics, offsets and groups are asked about by our own client.
void register_rdkafka(Registry& registry);

[[nodiscard]] std::shared_ptr<Transport> rdkafka_transport(const Settings& settings);

}  // namespace spikard::messaging::kafka
