// Generated from spec/services/http.yaml by codegen. Do not edit.
#pragma once

#include "services/http.gen.hpp"

namespace spikard::services::detail {

class Decoder;

void decode(Decoder& d, Value v, HttpMethod& out);
void decode(Decoder& d, Value v, ParameterIn& out);
void decode(Decoder& d, Value v, ParameterStyle& out);
void decode(Decoder& d, Value v, BodyMode& out);
void decode(Decoder& d, Value v, BodyAs& out);
void decode(Decoder& d, Value v, JsonType& out);
void decode(Decoder& d, Value v, DependencyKind& out);
void decode(Decoder& d, Value v, DependencyScope& out);
void decode(Decoder& d, Value v, CorsDisallowed& out);
void decode(Decoder& d, Value v, RateLimitBy& out);
void decode(Decoder& d, Value v, JwtAlgorithm& out);
void decode(Decoder& d, Value v, ContentCoding& out);
void decode(Decoder& d, Value v, Tls& out);
void encode(const Tls& in, NodeBuilder& out);
void decode(Decoder& d, Value v, Listener& out);
void encode(const Listener& in, NodeBuilder& out);
void decode(Decoder& d, Value v, Parameter& out);
void encode(const Parameter& in, NodeBuilder& out);
void decode(Decoder& d, Value v, FileField& out);
void encode(const FileField& in, NodeBuilder& out);
void decode(Decoder& d, Value v, Body& out);
void encode(const Body& in, NodeBuilder& out);
void decode(Decoder& d, Value v, Dependency& out);
void encode(const Dependency& in, NodeBuilder& out);
void decode(Decoder& d, Value v, Jwt& out);
void encode(const Jwt& in, NodeBuilder& out);
void decode(Decoder& d, Value v, ApiKey& out);
void encode(const ApiKey& in, NodeBuilder& out);
void decode(Decoder& d, Value v, Basic& out);
void encode(const Basic& in, NodeBuilder& out);
void decode(Decoder& d, Value v, Auth& out);
void encode(const Auth& in, NodeBuilder& out);
void decode(Decoder& d, Value v, Route& out);
void encode(const Route& in, NodeBuilder& out);
void decode(Decoder& d, Value v, Hooks& out);
void encode(const Hooks& in, NodeBuilder& out);
void decode(Decoder& d, Value v, RequestId& out);
void encode(const RequestId& in, NodeBuilder& out);
void decode(Decoder& d, Value v, Timeout& out);
void encode(const Timeout& in, NodeBuilder& out);
void decode(Decoder& d, Value v, Limits& out);
void encode(const Limits& in, NodeBuilder& out);
void decode(Decoder& d, Value v, Multipart& out);
void encode(const Multipart& in, NodeBuilder& out);
void decode(Decoder& d, Value v, Decompression& out);
void encode(const Decompression& in, NodeBuilder& out);
void decode(Decoder& d, Value v, Health& out);
void encode(const Health& in, NodeBuilder& out);
void decode(Decoder& d, Value v, Cors& out);
void encode(const Cors& in, NodeBuilder& out);
void decode(Decoder& d, Value v, Compression& out);
void encode(const Compression& in, NodeBuilder& out);
void decode(Decoder& d, Value v, StaticFiles& out);
void encode(const StaticFiles& in, NodeBuilder& out);
void decode(Decoder& d, Value v, RateLimit& out);
void encode(const RateLimit& in, NodeBuilder& out);
void decode(Decoder& d, Value v, SecurityHeaders& out);
void encode(const SecurityHeaders& in, NodeBuilder& out);
void decode(Decoder& d, Value v, HttpConfig& out);
void encode(const HttpConfig& in, NodeBuilder& out);

}  // namespace spikard::services::detail
