// Generated from spec/services/storage.yaml by codegen. Do not edit.
#pragma once

#include "services/storage.gen.hpp"

namespace spikard::services::detail {

class Decoder;

void decode(Decoder& d, Value v, StorageConfig& out);
void encode(const StorageConfig& in, NodeBuilder& out);

}  // namespace spikard::services::detail
