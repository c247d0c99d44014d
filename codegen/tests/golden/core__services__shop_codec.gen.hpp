// Generated from spec/services/shop.yaml by codegen. Do not edit.
#pragma once

#include "services/shop.gen.hpp"

namespace spikard::services::detail {

class Decoder;

void decode(Decoder& d, Value v, Colour& out);
void decode(Decoder& d, Value v, Wheel& out);
void encode(const Wheel& in, NodeBuilder& out);
void decode(Decoder& d, Value v, Shop& out);
void encode(const Shop& in, NodeBuilder& out);

}  // namespace spikard::services::detail
