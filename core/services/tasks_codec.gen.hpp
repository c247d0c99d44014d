// Generated from spec/services/tasks.yaml by codegen. Do not edit.
#pragma once

#include "services/tasks.gen.hpp"

namespace spikard::services::detail {

class Decoder;

void decode(Decoder& d, Value v, Misfire& out);
void decode(Decoder& d, Value v, Overlap& out);
void decode(Decoder& d, Value v, TasksConfig& out);
void encode(const TasksConfig& in, NodeBuilder& out);
void decode(Decoder& d, Value v, Worker& out);
void encode(const Worker& in, NodeBuilder& out);
void decode(Decoder& d, Value v, Schedule& out);
void encode(const Schedule& in, NodeBuilder& out);

}  // namespace spikard::services::detail
