#pragma once

#include <memory>

#include "messaging/kafka/rdkafka/handle.hpp"
#include "messaging/kafka/transport.hpp"

namespace spikard::messaging::kafka::rd {

[[nodiscard]] std::shared_ptr<Member> make_member(net::Loop& loop, Config connection, net::kafka::GroupOptions options,
                                                  net::kafka::GroupListener& listener, net::kafka::FetchTarget& target);

}  // namespace spikard::messaging::kafka::rd
