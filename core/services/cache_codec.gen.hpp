// Generated from spec/services/cache.yaml by codegen. Do not edit.
#pragma once

#include "services/cache.gen.hpp"

namespace spikard::services::detail {

class Decoder;

void decode(Decoder& d, Value v, CacheConfig& out);
void encode(const CacheConfig& in, NodeBuilder& out);

}  // namespace spikard::services::detail
