// Generated from spec/services/storage.yaml by codegen. Do not edit.
#pragma once

#include "services/storage.gen.hpp"

namespace spikard::services::detail {

class Decoder;

void decode(Decoder& d, Value v, S3Addressing& out);
void decode(Decoder& d, Value v, StoragePresign& out);
void encode(const StoragePresign& in, NodeBuilder& out);
void decode(Decoder& d, Value v, S3Options& out);
void encode(const S3Options& in, NodeBuilder& out);
void decode(Decoder& d, Value v, GcsOptions& out);
void encode(const GcsOptions& in, NodeBuilder& out);
void decode(Decoder& d, Value v, AzblobOptions& out);
void encode(const AzblobOptions& in, NodeBuilder& out);
void decode(Decoder& d, Value v, StorageTransfer& out);
void encode(const StorageTransfer& in, NodeBuilder& out);
void decode(Decoder& d, Value v, StorageConfig& out);
void encode(const StorageConfig& in, NodeBuilder& out);

}  // namespace spikard::services::detail
