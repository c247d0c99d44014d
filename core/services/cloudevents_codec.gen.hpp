// Generated from spec/services/cloudevents.yaml by codegen. Do not edit.
#pragma once

#include "services/messaging_codec.gen.hpp"
#include "services/cloudevents.gen.hpp"

namespace spikard::services::detail {

class Decoder;

void decode(Decoder& d, Value v, EventMode& out);
void decode(Decoder& d, Value v, EventBinding& out);
void decode(Decoder& d, Value v, EventSubscription& out);
void encode(const EventSubscription& in, NodeBuilder& out);
void decode(Decoder& d, Value v, EventInbox& out);
void encode(const EventInbox& in, NodeBuilder& out);
void decode(Decoder& d, Value v, EventEndpoint& out);
void encode(const EventEndpoint& in, NodeBuilder& out);
void decode(Decoder& d, Value v, EventConsumer& out);
void encode(const EventConsumer& in, NodeBuilder& out);
void decode(Decoder& d, Value v, EventRetry& out);
void encode(const EventRetry& in, NodeBuilder& out);
void decode(Decoder& d, Value v, EventSender& out);
void encode(const EventSender& in, NodeBuilder& out);

}  // namespace spikard::services::detail
