// Generated from spec/services/cloudevents.yaml by codegen. Do not edit.
#pragma once

#include "services/cloudevents.gen.hpp"

namespace spikard::services::detail {

class Decoder;

void decode(Decoder& d, Value v, EventEndpoint& out);
void encode(const EventEndpoint& in, NodeBuilder& out);

}  // namespace spikard::services::detail
