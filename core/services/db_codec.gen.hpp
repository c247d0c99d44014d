// Generated from spec/services/db.yaml by codegen. Do not edit.
#pragma once

#include "services/db.gen.hpp"

namespace spikard::services::detail {

class Decoder;

void decode(Decoder& d, Value v, DbPool& out);
void encode(const DbPool& in, NodeBuilder& out);
void decode(Decoder& d, Value v, DbConfig& out);
void encode(const DbConfig& in, NodeBuilder& out);

}  // namespace spikard::services::detail
