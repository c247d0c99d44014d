// Generated from spec/services/manifest.yaml by codegen. Do not edit.
#pragma once

#include "services/http_codec.gen.hpp"
#include "services/cache_codec.gen.hpp"
#include "services/storage_codec.gen.hpp"
#include "services/db_codec.gen.hpp"
#include "services/messaging_codec.gen.hpp"
#include "services/tasks_codec.gen.hpp"
#include "services/cloudevents_codec.gen.hpp"
#include "services/telemetry_codec.gen.hpp"
#include "services/faults_codec.gen.hpp"
#include "services/manifest.gen.hpp"

namespace spikard::services::detail {

class Decoder;

void decode(Decoder& d, Value v, ClockKind& out);
void decode(Decoder& d, Value v, Drive& out);
void decode(Decoder& d, Value v, Role& out);
void decode(Decoder& d, Value v, LogFormat& out);
void decode(Decoder& d, Value v, LogLevel& out);
void decode(Decoder& d, Value v, Shutdown& out);
void encode(const Shutdown& in, NodeBuilder& out);
void decode(Decoder& d, Value v, Log& out);
void encode(const Log& in, NodeBuilder& out);
void decode(Decoder& d, Value v, Services& out);
void encode(const Services& in, NodeBuilder& out);
void decode(Decoder& d, Value v, Manifest& out);
void encode(const Manifest& in, NodeBuilder& out);

}  // namespace spikard::services::detail
