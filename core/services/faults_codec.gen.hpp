// Generated from spec/services/faults.yaml by codegen. Do not edit.
#pragma once

#include "services/faults.gen.hpp"

namespace spikard::services::detail {

class Decoder;

void decode(Decoder& d, Value v, FaultyClients& out);
void decode(Decoder& d, Value v, Faults& out);
void encode(const Faults& in, NodeBuilder& out);

}  // namespace spikard::services::detail
