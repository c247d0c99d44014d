#pragma once

#include <memory>

#include "messaging/kafka/settings.hpp"
#include "messaging/kafka/transport.hpp"

namespace spikard::messaging::kafka::rd {

class Producer;
/// Idempotent, acks=all; one for all loops.
[[nodiscard]] std::shared_ptr<Producer> make_producer(const Settings& settings);
[[nodiscard]] std::shared_ptr<Sender> make_sender(std::shared_ptr<Producer> producer,
                                                  std::shared_ptr<net::kafka::Cluster> cluster);

}  // namespace spikard::messaging::kafka::rd
