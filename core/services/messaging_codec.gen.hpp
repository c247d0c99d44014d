// Generated from spec/services/messaging.yaml by codegen. Do not edit.
#pragma once

#include "services/messaging.gen.hpp"

namespace spikard::services::detail {

class Decoder;

void decode(Decoder& d, Value v, TopicStyle& out);
void decode(Decoder& d, Value v, StartFrom& out);
void decode(Decoder& d, Value v, BackoffKind& out);
void decode(Decoder& d, Value v, MessagingConfig& out);
void encode(const MessagingConfig& in, NodeBuilder& out);
void decode(Decoder& d, Value v, Backoff& out);
void encode(const Backoff& in, NodeBuilder& out);
void decode(Decoder& d, Value v, Consumer& out);
void encode(const Consumer& in, NodeBuilder& out);

}  // namespace spikard::services::detail
