// Generated from spec/services/http.yaml by codegen. Do not edit.
#include "services/http.gen.hpp"

#include <array>
#include <utility>

#include "services/codec.hpp"
#include "services/http_codec.gen.hpp"

namespace spikard::services {

namespace {
constexpr std::array<std::string_view, 8> http_method_names{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"};
}
std::string_view name_of(HttpMethod v) noexcept {
  return http_method_names[static_cast<std::size_t>(v)];
}
std::optional<HttpMethod> http_method_from(std::string_view text) noexcept {
  for (std::size_t i = 0; i < http_method_names.size(); ++i) {
    if (http_method_names[i] == text) return static_cast<HttpMethod>(i);
  }
  return std::nullopt;
}

namespace {
constexpr std::array<std::string_view, 4> parameter_in_names{"path", "query", "header", "cookie"};
}
std::string_view name_of(ParameterIn v) noexcept {
  return parameter_in_names[static_cast<std::size_t>(v)];
}
std::optional<ParameterIn> parameter_in_from(std::string_view text) noexcept {
  for (std::size_t i = 0; i < parameter_in_names.size(); ++i) {
    if (parameter_in_names[i] == text) return static_cast<ParameterIn>(i);
  }
  return std::nullopt;
}

namespace {
constexpr std::array<std::string_view, 6> parameter_style_names{"form", "simple", "pipeDelimited", "spaceDelimited", "semicolonDelimited", "deepObject"};
}
std::string_view name_of(ParameterStyle v) noexcept {
  return parameter_style_names[static_cast<std::size_t>(v)];
}
std::optional<ParameterStyle> parameter_style_from(std::string_view text) noexcept {
  for (std::size_t i = 0; i < parameter_style_names.size(); ++i) {
    if (parameter_style_names[i] == text) return static_cast<ParameterStyle>(i);
  }
  return std::nullopt;
}

namespace {
constexpr std::array<std::string_view, 2> body_mode_names{"buffer", "stream"};
}
std::string_view name_of(BodyMode v) noexcept {
  return body_mode_names[static_cast<std::size_t>(v)];
}
std::optional<BodyMode> body_mode_from(std::string_view text) noexcept {
  for (std::size_t i = 0; i < body_mode_names.size(); ++i) {
    if (body_mode_names[i] == text) return static_cast<BodyMode>(i);
  }
  return std::nullopt;
}

namespace {
constexpr std::array<std::string_view, 3> body_as_names{"nodes", "text", "raw"};
}
std::string_view name_of(BodyAs v) noexcept {
  return body_as_names[static_cast<std::size_t>(v)];
}
std::optional<BodyAs> body_as_from(std::string_view text) noexcept {
  for (std::size_t i = 0; i < body_as_names.size(); ++i) {
    if (body_as_names[i] == text) return static_cast<BodyAs>(i);
  }
  return std::nullopt;
}

namespace {
constexpr std::array<std::string_view, 7> json_type_names{"null", "boolean", "integer", "number", "string", "array", "object"};
}
std::string_view name_of(JsonType v) noexcept {
  return json_type_names[static_cast<std::size_t>(v)];
}
std::optional<JsonType> json_type_from(std::string_view text) noexcept {
  for (std::size_t i = 0; i < json_type_names.size(); ++i) {
    if (json_type_names[i] == text) return static_cast<JsonType>(i);
  }
  return std::nullopt;
}

namespace {
constexpr std::array<std::string_view, 2> dependency_kind_names{"value", "factory"};
}
std::string_view name_of(DependencyKind v) noexcept {
  return dependency_kind_names[static_cast<std::size_t>(v)];
}
std::optional<DependencyKind> dependency_kind_from(std::string_view text) noexcept {
  for (std::size_t i = 0; i < dependency_kind_names.size(); ++i) {
    if (dependency_kind_names[i] == text) return static_cast<DependencyKind>(i);
  }
  return std::nullopt;
}

namespace {
constexpr std::array<std::string_view, 3> dependency_scope_names{"singleton", "request", "transient"};
}
std::string_view name_of(DependencyScope v) noexcept {
  return dependency_scope_names[static_cast<std::size_t>(v)];
}
std::optional<DependencyScope> dependency_scope_from(std::string_view text) noexcept {
  for (std::size_t i = 0; i < dependency_scope_names.size(); ++i) {
    if (dependency_scope_names[i] == text) return static_cast<DependencyScope>(i);
  }
  return std::nullopt;
}

namespace {
constexpr std::array<std::string_view, 2> cors_disallowed_names{"serve", "reject"};
}
std::string_view name_of(CorsDisallowed v) noexcept {
  return cors_disallowed_names[static_cast<std::size_t>(v)];
}
std::optional<CorsDisallowed> cors_disallowed_from(std::string_view text) noexcept {
  for (std::size_t i = 0; i < cors_disallowed_names.size(); ++i) {
    if (cors_disallowed_names[i] == text) return static_cast<CorsDisallowed>(i);
  }
  return std::nullopt;
}

namespace {
constexpr std::array<std::string_view, 2> rate_limit_by_names{"ip", "header"};
}
std::string_view name_of(RateLimitBy v) noexcept {
  return rate_limit_by_names[static_cast<std::size_t>(v)];
}
std::optional<RateLimitBy> rate_limit_by_from(std::string_view text) noexcept {
  for (std::size_t i = 0; i < rate_limit_by_names.size(); ++i) {
    if (rate_limit_by_names[i] == text) return static_cast<RateLimitBy>(i);
  }
  return std::nullopt;
}

namespace {
constexpr std::array<std::string_view, 13> jwt_algorithm_names{"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"};
}
std::string_view name_of(JwtAlgorithm v) noexcept {
  return jwt_algorithm_names[static_cast<std::size_t>(v)];
}
std::optional<JwtAlgorithm> jwt_algorithm_from(std::string_view text) noexcept {
  for (std::size_t i = 0; i < jwt_algorithm_names.size(); ++i) {
    if (jwt_algorithm_names[i] == text) return static_cast<JwtAlgorithm>(i);
  }
  return std::nullopt;
}

namespace {
constexpr std::array<std::string_view, 4> content_coding_names{"gzip", "deflate", "br", "zstd"};
}
std::string_view name_of(ContentCoding v) noexcept {
  return content_coding_names[static_cast<std::size_t>(v)];
}
std::optional<ContentCoding> content_coding_from(std::string_view text) noexcept {
  for (std::size_t i = 0; i < content_coding_names.size(); ++i) {
    if (content_coding_names[i] == text) return static_cast<ContentCoding>(i);
  }
  return std::nullopt;
}

namespace detail {

void decode(Decoder& d, Value v, HttpMethod& out) {
  if (const auto i = d.choice(v, http_method_names)) out = static_cast<HttpMethod>(*i);
}
void decode(Decoder& d, Value v, ParameterIn& out) {
  if (const auto i = d.choice(v, parameter_in_names)) out = static_cast<ParameterIn>(*i);
}
void decode(Decoder& d, Value v, ParameterStyle& out) {
  if (const auto i = d.choice(v, parameter_style_names)) out = static_cast<ParameterStyle>(*i);
}
void decode(Decoder& d, Value v, BodyMode& out) {
  if (const auto i = d.choice(v, body_mode_names)) out = static_cast<BodyMode>(*i);
}
void decode(Decoder& d, Value v, BodyAs& out) {
  if (const auto i = d.choice(v, body_as_names)) out = static_cast<BodyAs>(*i);
}
void decode(Decoder& d, Value v, JsonType& out) {
  if (const auto i = d.choice(v, json_type_names)) out = static_cast<JsonType>(*i);
}
void decode(Decoder& d, Value v, DependencyKind& out) {
  if (const auto i = d.choice(v, dependency_kind_names)) out = static_cast<DependencyKind>(*i);
}
void decode(Decoder& d, Value v, DependencyScope& out) {
  if (const auto i = d.choice(v, dependency_scope_names)) out = static_cast<DependencyScope>(*i);
}
void decode(Decoder& d, Value v, CorsDisallowed& out) {
  if (const auto i = d.choice(v, cors_disallowed_names)) out = static_cast<CorsDisallowed>(*i);
}
void decode(Decoder& d, Value v, RateLimitBy& out) {
  if (const auto i = d.choice(v, rate_limit_by_names)) out = static_cast<RateLimitBy>(*i);
}
void decode(Decoder& d, Value v, JwtAlgorithm& out) {
  if (const auto i = d.choice(v, jwt_algorithm_names)) out = static_cast<JwtAlgorithm>(*i);
}
void decode(Decoder& d, Value v, ContentCoding& out) {
  if (const auto i = d.choice(v, content_coding_names)) out = static_cast<ContentCoding>(*i);
}

void decode(Decoder& d, Value v, Tls& out) {
  static constexpr std::array<std::string_view, 3> known{"certificate", "key", "alpn"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "certificate", true)) {
    d.text(m.value(), out.certificate, 1);
  }
  if (const auto m = d.member(v, "key", true)) {
    d.text(m.value(), out.key, 1);
  }
  if (const auto m = d.member(v, "alpn")) {
    if (d.array(m.value())) {
      out.alpn.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.alpn.emplace_back();
        d.text(item.value(), slot);
      }
    }
  }
}

void encode(const Tls& in, NodeBuilder& out) {
  static const Tls defaults;
  out.begin_object();
  out.key("certificate");
  out.string(in.certificate);
  out.key("key");
  out.string(in.key);
  if (!(in.alpn == defaults.alpn)) {
    out.key("alpn");
    out.begin_array();
    for (const auto& each : in.alpn) {
      out.string(each);
    }
    out.end();
  }
  out.end();
}

void decode(Decoder& d, Value v, Listener& out) {
  static constexpr std::array<std::string_view, 3> known{"address", "port", "tls"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "address")) {
    d.text(m.value(), out.address, 1);
  }
  if (const auto m = d.member(v, "port")) {
    d.integer(m.value(), out.port, 0U, 65535U);
  }
  if (const auto m = d.member(v, "tls")) {
    if (m.value().is_null()) {
      out.tls.reset();
    } else {
      decode(d, m.value(), out.tls.emplace());
    }
  }
}

void encode(const Listener& in, NodeBuilder& out) {
  static const Listener defaults;
  out.begin_object();
  if (!(in.address == defaults.address)) {
    out.key("address");
    out.string(in.address);
  }
  if (!(in.port == defaults.port)) {
    out.key("port");
    out.uinteger(in.port);
  }
  if (in.tls.has_value()) {
    out.key("tls");
    encode(*in.tls, out);
  }
  out.end();
}

void decode(Decoder& d, Value v, Parameter& out) {
  static constexpr std::array<std::string_view, 6> known{"in", "name", "required", "schema", "style", "explode"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "in", true)) {
    decode(d, m.value(), out.in);
  }
  if (const auto m = d.member(v, "name", true)) {
    d.text(m.value(), out.name, 1);
  }
  if (const auto m = d.member(v, "required")) {
    d.boolean(m.value(), out.required);
  }
  if (const auto m = d.member(v, "schema")) {
    d.json(m.value(), out.schema);
  }
  if (const auto m = d.member(v, "style")) {
    if (m.value().is_null()) {
      out.style.reset();
    } else {
      decode(d, m.value(), out.style.emplace());
    }
  }
  if (const auto m = d.member(v, "explode")) {
    if (m.value().is_null()) {
      out.explode.reset();
    } else {
      d.boolean(m.value(), out.explode.emplace());
    }
  }
}

void encode(const Parameter& in, NodeBuilder& out) {
  out.begin_object();
  out.key("in");
  out.string(name_of(in.in));
  out.key("name");
  out.string(in.name);
  if (in.required) {
    out.key("required");
    out.boolean(in.required);
  }
  if (!in.schema.empty()) {
    out.key("schema");
    if (in.schema.empty()) out.null();
    else out.copy(in.schema.root());
  }
  if (in.style.has_value()) {
    out.key("style");
    out.string(name_of(*in.style));
  }
  if (in.explode.has_value()) {
    out.key("explode");
    out.boolean(*in.explode);
  }
  out.end();
}

void decode(Decoder& d, Value v, FileField& out) {
  static constexpr std::array<std::string_view, 4> known{"required", "content_types", "sniff", "max_bytes"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "required")) {
    d.boolean(m.value(), out.required);
  }
  if (const auto m = d.member(v, "content_types")) {
    if (d.array(m.value())) {
      out.content_types.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.content_types.emplace_back();
        d.text(item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "sniff")) {
    d.boolean(m.value(), out.sniff);
  }
  if (const auto m = d.member(v, "max_bytes")) {
    if (m.value().is_null()) {
      out.max_bytes.reset();
    } else {
      d.integer(m.value(), out.max_bytes.emplace(), 0U, 1099511627776ULL);
    }
  }
}

void encode(const FileField& in, NodeBuilder& out) {
  out.begin_object();
  if (in.required) {
    out.key("required");
    out.boolean(in.required);
  }
  if (!in.content_types.empty()) {
    out.key("content_types");
    out.begin_array();
    for (const auto& each : in.content_types) {
      out.string(each);
    }
    out.end();
  }
  if (in.sniff) {
    out.key("sniff");
    out.boolean(in.sniff);
  }
  if (in.max_bytes.has_value()) {
    out.key("max_bytes");
    out.uinteger(*in.max_bytes);
  }
  out.end();
}

void decode(Decoder& d, Value v, Body& out) {
  static constexpr std::array<std::string_view, 7> known{"content_types", "schema", "required", "mode", "files", "as", "max_bytes"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "content_types")) {
    if (d.array(m.value())) {
      out.content_types.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.content_types.emplace_back();
        d.text(item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "schema")) {
    d.json(m.value(), out.schema);
  }
  if (const auto m = d.member(v, "required")) {
    d.boolean(m.value(), out.required);
  }
  if (const auto m = d.member(v, "mode")) {
    decode(d, m.value(), out.mode);
  }
  if (const auto m = d.member(v, "files")) {
    if (d.any_object(m.value())) {
      out.files.clear();
      for (const auto each : m.value().members()) {
        const auto entry = d.entry(each.value, each.key);
        auto& slot = out.files[std::string(each.key)];
        decode(d, entry.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "as")) {
    decode(d, m.value(), out.as);
  }
  if (const auto m = d.member(v, "max_bytes")) {
    if (m.value().is_null()) {
      out.max_bytes.reset();
    } else {
      d.integer(m.value(), out.max_bytes.emplace(), 0U, 1099511627776ULL);
    }
  }
}

void encode(const Body& in, NodeBuilder& out) {
  static const Body defaults;
  out.begin_object();
  if (!(in.content_types == defaults.content_types)) {
    out.key("content_types");
    out.begin_array();
    for (const auto& each : in.content_types) {
      out.string(each);
    }
    out.end();
  }
  if (!in.schema.empty()) {
    out.key("schema");
    if (in.schema.empty()) out.null();
    else out.copy(in.schema.root());
  }
  if (!in.required) {
    out.key("required");
    out.boolean(in.required);
  }
  if (!(in.mode == defaults.mode)) {
    out.key("mode");
    out.string(name_of(in.mode));
  }
  if (!in.files.empty()) {
    out.key("files");
    out.begin_object();
    for (const auto& [key, each] : in.files) {
      out.key(key);
      encode(each, out);
    }
    out.end();
  }
  if (!(in.as == defaults.as)) {
    out.key("as");
    out.string(name_of(in.as));
  }
  if (in.max_bytes.has_value()) {
    out.key("max_bytes");
    out.uinteger(*in.max_bytes);
  }
  out.end();
}

void decode(Decoder& d, Value v, Dependency& out) {
  static constexpr std::array<std::string_view, 8> known{"id", "name", "kind", "scope", "depends_on", "cleanup", "type", "token"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "id", true)) {
    d.integer(m.value(), out.id, 0U, 4294967295U);
  }
  if (const auto m = d.member(v, "name", true)) {
    d.text(m.value(), out.name, 1);
  }
  if (const auto m = d.member(v, "kind")) {
    decode(d, m.value(), out.kind);
  }
  if (const auto m = d.member(v, "scope")) {
    decode(d, m.value(), out.scope);
  }
  if (const auto m = d.member(v, "depends_on")) {
    if (d.array(m.value())) {
      out.depends_on.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.depends_on.emplace_back();
        d.text(item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "cleanup")) {
    d.boolean(m.value(), out.cleanup);
  }
  if (const auto m = d.member(v, "type")) {
    if (m.value().is_null()) {
      out.type.reset();
    } else {
      decode(d, m.value(), out.type.emplace());
    }
  }
  if (const auto m = d.member(v, "token")) {
    d.integer(m.value(), out.token, 0U, 18446744073709551615ULL);
  }
}

void encode(const Dependency& in, NodeBuilder& out) {
  static const Dependency defaults;
  out.begin_object();
  out.key("id");
  out.uinteger(in.id);
  out.key("name");
  out.string(in.name);
  if (!(in.kind == defaults.kind)) {
    out.key("kind");
    out.string(name_of(in.kind));
  }
  if (!(in.scope == defaults.scope)) {
    out.key("scope");
    out.string(name_of(in.scope));
  }
  if (!in.depends_on.empty()) {
    out.key("depends_on");
    out.begin_array();
    for (const auto& each : in.depends_on) {
      out.string(each);
    }
    out.end();
  }
  if (in.cleanup) {
    out.key("cleanup");
    out.boolean(in.cleanup);
  }
  if (in.type.has_value()) {
    out.key("type");
    out.string(name_of(*in.type));
  }
  if (!(in.token == defaults.token)) {
    out.key("token");
    out.uinteger(in.token);
  }
  out.end();
}

void decode(Decoder& d, Value v, Jwt& out) {
  static constexpr std::array<std::string_view, 9> known{"algorithm", "secret", "public_key", "public_key_file", "jwks_file", "issuer", "audience", "leeway", "required_claims"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "algorithm")) {
    decode(d, m.value(), out.algorithm);
  }
  if (const auto m = d.member(v, "secret")) {
    d.text(m.value(), out.secret);
  }
  if (const auto m = d.member(v, "public_key")) {
    d.text(m.value(), out.public_key);
  }
  if (const auto m = d.member(v, "public_key_file")) {
    d.text(m.value(), out.public_key_file);
  }
  if (const auto m = d.member(v, "jwks_file")) {
    d.text(m.value(), out.jwks_file);
  }
  if (const auto m = d.member(v, "issuer")) {
    if (m.value().is_null()) {
      out.issuer.reset();
    } else {
      d.text(m.value(), out.issuer.emplace());
    }
  }
  if (const auto m = d.member(v, "audience")) {
    if (d.array(m.value())) {
      out.audience.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.audience.emplace_back();
        d.text(item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "leeway")) {
    d.integer(m.value(), out.leeway, 0U, 86400U);
  }
  if (const auto m = d.member(v, "required_claims")) {
    if (d.array(m.value())) {
      out.required_claims.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.required_claims.emplace_back();
        d.text(item.value(), slot);
      }
    }
  }
}

void encode(const Jwt& in, NodeBuilder& out) {
  static const Jwt defaults;
  out.begin_object();
  if (!(in.algorithm == defaults.algorithm)) {
    out.key("algorithm");
    out.string(name_of(in.algorithm));
  }
  if (!in.secret.empty()) {
    out.key("secret");
    out.string(in.secret);
  }
  if (!in.public_key.empty()) {
    out.key("public_key");
    out.string(in.public_key);
  }
  if (!in.public_key_file.empty()) {
    out.key("public_key_file");
    out.string(in.public_key_file);
  }
  if (!in.jwks_file.empty()) {
    out.key("jwks_file");
    out.string(in.jwks_file);
  }
  if (in.issuer.has_value()) {
    out.key("issuer");
    out.string(*in.issuer);
  }
  if (!in.audience.empty()) {
    out.key("audience");
    out.begin_array();
    for (const auto& each : in.audience) {
      out.string(each);
    }
    out.end();
  }
  if (!(in.leeway == defaults.leeway)) {
    out.key("leeway");
    out.uinteger(in.leeway);
  }
  if (!in.required_claims.empty()) {
    out.key("required_claims");
    out.begin_array();
    for (const auto& each : in.required_claims) {
      out.string(each);
    }
    out.end();
  }
  out.end();
}

void decode(Decoder& d, Value v, ApiKey& out) {
  static constexpr std::array<std::string_view, 3> known{"header", "query", "keys"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "header")) {
    d.text(m.value(), out.header, 0, 64);
  }
  if (const auto m = d.member(v, "query")) {
    d.text(m.value(), out.query, 0, 64);
  }
  if (const auto m = d.member(v, "keys")) {
    if (d.array(m.value())) {
      out.keys.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.keys.emplace_back();
        d.text(item.value(), slot);
      }
    }
  }
}

void encode(const ApiKey& in, NodeBuilder& out) {
  static const ApiKey defaults;
  out.begin_object();
  if (!(in.header == defaults.header)) {
    out.key("header");
    out.string(in.header);
  }
  if (!in.query.empty()) {
    out.key("query");
    out.string(in.query);
  }
  if (!in.keys.empty()) {
    out.key("keys");
    out.begin_array();
    for (const auto& each : in.keys) {
      out.string(each);
    }
    out.end();
  }
  out.end();
}

void decode(Decoder& d, Value v, Basic& out) {
  static constexpr std::array<std::string_view, 2> known{"realm", "users"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "realm")) {
    d.text(m.value(), out.realm, 1, 64);
  }
  if (const auto m = d.member(v, "users")) {
    if (d.any_object(m.value())) {
      out.users.clear();
      for (const auto each : m.value().members()) {
        const auto entry = d.entry(each.value, each.key);
        auto& slot = out.users[std::string(each.key)];
        d.text(entry.value(), slot);
      }
    }
  }
}

void encode(const Basic& in, NodeBuilder& out) {
  static const Basic defaults;
  out.begin_object();
  if (!(in.realm == defaults.realm)) {
    out.key("realm");
    out.string(in.realm);
  }
  if (!in.users.empty()) {
    out.key("users");
    out.begin_object();
    for (const auto& [key, each] : in.users) {
      out.key(key);
      out.string(each);
    }
    out.end();
  }
  out.end();
}

void decode(Decoder& d, Value v, Auth& out) {
  static constexpr std::array<std::string_view, 3> known{"jwt", "basic", "api_key"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "jwt")) {
    if (m.value().is_null()) {
      out.jwt.reset();
    } else {
      decode(d, m.value(), out.jwt.emplace());
    }
  }
  if (const auto m = d.member(v, "basic")) {
    if (m.value().is_null()) {
      out.basic.reset();
    } else {
      decode(d, m.value(), out.basic.emplace());
    }
  }
  if (const auto m = d.member(v, "api_key")) {
    if (m.value().is_null()) {
      out.api_key.reset();
    } else {
      decode(d, m.value(), out.api_key.emplace());
    }
  }
}

void encode(const Auth& in, NodeBuilder& out) {
  out.begin_object();
  if (in.jwt.has_value()) {
    out.key("jwt");
    encode(*in.jwt, out);
  }
  if (in.basic.has_value()) {
    out.key("basic");
    encode(*in.basic, out);
  }
  if (in.api_key.has_value()) {
    out.key("api_key");
    encode(*in.api_key, out);
  }
  out.end();
}

void decode(Decoder& d, Value v, Route& out) {
  static constexpr std::array<std::string_view, 12> known{"method", "path", "name", "parameters", "body", "inject", "inject_types", "dependencies", "auth", "scopes", "timeout_ms", "blocking"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "method", true)) {
    decode(d, m.value(), out.method);
  }
  if (const auto m = d.member(v, "path", true)) {
    d.text(m.value(), out.path, 1);
  }
  if (const auto m = d.member(v, "name")) {
    d.text(m.value(), out.name);
  }
  if (const auto m = d.member(v, "parameters")) {
    if (d.array(m.value())) {
      out.parameters.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.parameters.emplace_back();
        decode(d, item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "body")) {
    if (m.value().is_null()) {
      out.body.reset();
    } else {
      decode(d, m.value(), out.body.emplace());
    }
  }
  if (const auto m = d.member(v, "inject")) {
    if (d.array(m.value())) {
      out.inject.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.inject.emplace_back();
        d.text(item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "inject_types")) {
    if (d.any_object(m.value())) {
      out.inject_types.clear();
      for (const auto each : m.value().members()) {
        const auto entry = d.entry(each.value, each.key);
        auto& slot = out.inject_types[std::string(each.key)];
        decode(d, entry.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "dependencies")) {
    if (d.array(m.value())) {
      out.dependencies.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.dependencies.emplace_back();
        decode(d, item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "auth")) {
    if (m.value().is_null()) {
      out.auth.reset();
    } else {
      decode(d, m.value(), out.auth.emplace());
    }
  }
  if (const auto m = d.member(v, "scopes")) {
    if (d.array(m.value())) {
      out.scopes.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.scopes.emplace_back();
        d.text(item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "timeout_ms")) {
    if (m.value().is_null()) {
      out.timeout_ms.reset();
    } else {
      d.integer(m.value(), out.timeout_ms.emplace(), 1U, 86400000U);
    }
  }
  if (const auto m = d.member(v, "blocking")) {
    d.boolean(m.value(), out.blocking);
  }
}

void encode(const Route& in, NodeBuilder& out) {
  out.begin_object();
  out.key("method");
  out.string(name_of(in.method));
  out.key("path");
  out.string(in.path);
  if (!in.name.empty()) {
    out.key("name");
    out.string(in.name);
  }
  if (!in.parameters.empty()) {
    out.key("parameters");
    out.begin_array();
    for (const auto& each : in.parameters) {
      encode(each, out);
    }
    out.end();
  }
  if (in.body.has_value()) {
    out.key("body");
    encode(*in.body, out);
  }
  if (!in.inject.empty()) {
    out.key("inject");
    out.begin_array();
    for (const auto& each : in.inject) {
      out.string(each);
    }
    out.end();
  }
  if (!in.inject_types.empty()) {
    out.key("inject_types");
    out.begin_object();
    for (const auto& [key, each] : in.inject_types) {
      out.key(key);
      out.string(name_of(each));
    }
    out.end();
  }
  if (!in.dependencies.empty()) {
    out.key("dependencies");
    out.begin_array();
    for (const auto& each : in.dependencies) {
      encode(each, out);
    }
    out.end();
  }
  if (in.auth.has_value()) {
    out.key("auth");
    encode(*in.auth, out);
  }
  if (!in.scopes.empty()) {
    out.key("scopes");
    out.begin_array();
    for (const auto& each : in.scopes) {
      out.string(each);
    }
    out.end();
  }
  if (in.timeout_ms.has_value()) {
    out.key("timeout_ms");
    out.uinteger(*in.timeout_ms);
  }
  if (in.blocking) {
    out.key("blocking");
    out.boolean(in.blocking);
  }
  out.end();
}

void decode(Decoder& d, Value v, Hooks& out) {
  static constexpr std::array<std::string_view, 5> known{"on_request", "pre_validation", "pre_handler", "on_response", "on_error"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "on_request")) {
    if (d.array(m.value())) {
      out.on_request.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.on_request.emplace_back();
        d.text(item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "pre_validation")) {
    if (d.array(m.value())) {
      out.pre_validation.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.pre_validation.emplace_back();
        d.text(item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "pre_handler")) {
    if (d.array(m.value())) {
      out.pre_handler.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.pre_handler.emplace_back();
        d.text(item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "on_response")) {
    if (d.array(m.value())) {
      out.on_response.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.on_response.emplace_back();
        d.text(item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "on_error")) {
    if (d.array(m.value())) {
      out.on_error.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.on_error.emplace_back();
        d.text(item.value(), slot);
      }
    }
  }
}

void encode(const Hooks& in, NodeBuilder& out) {
  out.begin_object();
  if (!in.on_request.empty()) {
    out.key("on_request");
    out.begin_array();
    for (const auto& each : in.on_request) {
      out.string(each);
    }
    out.end();
  }
  if (!in.pre_validation.empty()) {
    out.key("pre_validation");
    out.begin_array();
    for (const auto& each : in.pre_validation) {
      out.string(each);
    }
    out.end();
  }
  if (!in.pre_handler.empty()) {
    out.key("pre_handler");
    out.begin_array();
    for (const auto& each : in.pre_handler) {
      out.string(each);
    }
    out.end();
  }
  if (!in.on_response.empty()) {
    out.key("on_response");
    out.begin_array();
    for (const auto& each : in.on_response) {
      out.string(each);
    }
    out.end();
  }
  if (!in.on_error.empty()) {
    out.key("on_error");
    out.begin_array();
    for (const auto& each : in.on_error) {
      out.string(each);
    }
    out.end();
  }
  out.end();
}

void decode(Decoder& d, Value v, RequestId& out) {
  static constexpr std::array<std::string_view, 2> known{"enabled", "header"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "enabled")) {
    d.boolean(m.value(), out.enabled);
  }
  if (const auto m = d.member(v, "header")) {
    d.text(m.value(), out.header, 1, 64);
  }
}

void encode(const RequestId& in, NodeBuilder& out) {
  static const RequestId defaults;
  out.begin_object();
  if (in.enabled) {
    out.key("enabled");
    out.boolean(in.enabled);
  }
  if (!(in.header == defaults.header)) {
    out.key("header");
    out.string(in.header);
  }
  out.end();
}

void decode(Decoder& d, Value v, Timeout& out) {
  static constexpr std::array<std::string_view, 2> known{"ms", "status"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "ms")) {
    if (m.value().is_null()) {
      out.ms.reset();
    } else {
      d.integer(m.value(), out.ms.emplace(), 1U, 86400000U);
    }
  }
  if (const auto m = d.member(v, "status")) {
    d.integer(m.value(), out.status, 400U, 599U);
  }
}

void encode(const Timeout& in, NodeBuilder& out) {
  static const Timeout defaults;
  out.begin_object();
  if (in.ms.has_value()) {
    out.key("ms");
    out.uinteger(*in.ms);
  }
  if (!(in.status == defaults.status)) {
    out.key("status");
    out.uinteger(in.status);
  }
  out.end();
}

void decode(Decoder& d, Value v, Limits& out) {
  static constexpr std::array<std::string_view, 11> known{"body_bytes", "header_bytes", "header_count", "uri_bytes", "json_depth", "header_timeout_ms", "body_timeout_ms", "idle_timeout_ms", "write_timeout_ms", "connections", "pipeline"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "body_bytes")) {
    d.integer(m.value(), out.body_bytes, 0U, 1099511627776ULL);
  }
  if (const auto m = d.member(v, "header_bytes")) {
    d.integer(m.value(), out.header_bytes, 256U, 16777216U);
  }
  if (const auto m = d.member(v, "header_count")) {
    d.integer(m.value(), out.header_count, 1U, 10000U);
  }
  if (const auto m = d.member(v, "uri_bytes")) {
    d.integer(m.value(), out.uri_bytes, 1U, 1048576U);
  }
  if (const auto m = d.member(v, "json_depth")) {
    d.integer(m.value(), out.json_depth, 1U, 1024U);
  }
  if (const auto m = d.member(v, "header_timeout_ms")) {
    d.integer(m.value(), out.header_timeout_ms, 1U, 86400000U);
  }
  if (const auto m = d.member(v, "body_timeout_ms")) {
    d.integer(m.value(), out.body_timeout_ms, 1U, 86400000U);
  }
  if (const auto m = d.member(v, "idle_timeout_ms")) {
    d.integer(m.value(), out.idle_timeout_ms, 1U, 86400000U);
  }
  if (const auto m = d.member(v, "write_timeout_ms")) {
    d.integer(m.value(), out.write_timeout_ms, 1U, 86400000U);
  }
  if (const auto m = d.member(v, "connections")) {
    d.integer(m.value(), out.connections, 1U, 16777216U);
  }
  if (const auto m = d.member(v, "pipeline")) {
    d.integer(m.value(), out.pipeline, 1U, 4096U);
  }
}

void encode(const Limits& in, NodeBuilder& out) {
  static const Limits defaults;
  out.begin_object();
  if (!(in.body_bytes == defaults.body_bytes)) {
    out.key("body_bytes");
    out.uinteger(in.body_bytes);
  }
  if (!(in.header_bytes == defaults.header_bytes)) {
    out.key("header_bytes");
    out.uinteger(in.header_bytes);
  }
  if (!(in.header_count == defaults.header_count)) {
    out.key("header_count");
    out.uinteger(in.header_count);
  }
  if (!(in.uri_bytes == defaults.uri_bytes)) {
    out.key("uri_bytes");
    out.uinteger(in.uri_bytes);
  }
  if (!(in.json_depth == defaults.json_depth)) {
    out.key("json_depth");
    out.uinteger(in.json_depth);
  }
  if (!(in.header_timeout_ms == defaults.header_timeout_ms)) {
    out.key("header_timeout_ms");
    out.uinteger(in.header_timeout_ms);
  }
  if (!(in.body_timeout_ms == defaults.body_timeout_ms)) {
    out.key("body_timeout_ms");
    out.uinteger(in.body_timeout_ms);
  }
  if (!(in.idle_timeout_ms == defaults.idle_timeout_ms)) {
    out.key("idle_timeout_ms");
    out.uinteger(in.idle_timeout_ms);
  }
  if (!(in.write_timeout_ms == defaults.write_timeout_ms)) {
    out.key("write_timeout_ms");
    out.uinteger(in.write_timeout_ms);
  }
  if (!(in.connections == defaults.connections)) {
    out.key("connections");
    out.uinteger(in.connections);
  }
  if (!(in.pipeline == defaults.pipeline)) {
    out.key("pipeline");
    out.uinteger(in.pipeline);
  }
  out.end();
}

void decode(Decoder& d, Value v, Multipart& out) {
  static constexpr std::array<std::string_view, 6> known{"parts", "header_bytes", "field_bytes", "file_bytes", "memory_bytes", "directory"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "parts")) {
    d.integer(m.value(), out.parts, 1U, 1000000U);
  }
  if (const auto m = d.member(v, "header_bytes")) {
    d.integer(m.value(), out.header_bytes, 64U, 1048576U);
  }
  if (const auto m = d.member(v, "field_bytes")) {
    d.integer(m.value(), out.field_bytes, 0U, 4294967296ULL);
  }
  if (const auto m = d.member(v, "file_bytes")) {
    if (m.value().is_null()) {
      out.file_bytes.reset();
    } else {
      d.integer(m.value(), out.file_bytes.emplace(), 0U, 1099511627776ULL);
    }
  }
  if (const auto m = d.member(v, "memory_bytes")) {
    d.integer(m.value(), out.memory_bytes, 0U, 1073741824U);
  }
  if (const auto m = d.member(v, "directory")) {
    d.text(m.value(), out.directory, 1);
  }
}

void encode(const Multipart& in, NodeBuilder& out) {
  static const Multipart defaults;
  out.begin_object();
  if (!(in.parts == defaults.parts)) {
    out.key("parts");
    out.uinteger(in.parts);
  }
  if (!(in.header_bytes == defaults.header_bytes)) {
    out.key("header_bytes");
    out.uinteger(in.header_bytes);
  }
  if (!(in.field_bytes == defaults.field_bytes)) {
    out.key("field_bytes");
    out.uinteger(in.field_bytes);
  }
  if (in.file_bytes.has_value()) {
    out.key("file_bytes");
    out.uinteger(*in.file_bytes);
  }
  if (!(in.memory_bytes == defaults.memory_bytes)) {
    out.key("memory_bytes");
    out.uinteger(in.memory_bytes);
  }
  if (!(in.directory == defaults.directory)) {
    out.key("directory");
    out.string(in.directory);
  }
  out.end();
}

void decode(Decoder& d, Value v, Decompression& out) {
  static constexpr std::array<std::string_view, 2> known{"encodings", "max_bytes"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "encodings")) {
    if (d.array(m.value())) {
      out.encodings.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.encodings.emplace_back();
        decode(d, item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "max_bytes")) {
    if (m.value().is_null()) {
      out.max_bytes.reset();
    } else {
      d.integer(m.value(), out.max_bytes.emplace(), 0U, 1099511627776ULL);
    }
  }
}

void encode(const Decompression& in, NodeBuilder& out) {
  static const Decompression defaults;
  out.begin_object();
  if (!(in.encodings == defaults.encodings)) {
    out.key("encodings");
    out.begin_array();
    for (const auto& each : in.encodings) {
      out.string(name_of(each));
    }
    out.end();
  }
  if (in.max_bytes.has_value()) {
    out.key("max_bytes");
    out.uinteger(*in.max_bytes);
  }
  out.end();
}

void decode(Decoder& d, Value v, Health& out) {
  static constexpr std::array<std::string_view, 3> known{"enabled", "live", "ready"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "enabled")) {
    d.boolean(m.value(), out.enabled);
  }
  if (const auto m = d.member(v, "live")) {
    d.text(m.value(), out.live, 1);
  }
  if (const auto m = d.member(v, "ready")) {
    d.text(m.value(), out.ready, 1);
  }
}

void encode(const Health& in, NodeBuilder& out) {
  static const Health defaults;
  out.begin_object();
  if (!in.enabled) {
    out.key("enabled");
    out.boolean(in.enabled);
  }
  if (!(in.live == defaults.live)) {
    out.key("live");
    out.string(in.live);
  }
  if (!(in.ready == defaults.ready)) {
    out.key("ready");
    out.string(in.ready);
  }
  out.end();
}

void decode(Decoder& d, Value v, Cors& out) {
  static constexpr std::array<std::string_view, 8> known{"allow_origins", "allow_origin_patterns", "allow_methods", "allow_headers", "expose_headers", "allow_credentials", "max_age", "on_disallowed"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "allow_origins")) {
    if (d.array(m.value())) {
      out.allow_origins.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.allow_origins.emplace_back();
        d.text(item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "allow_origin_patterns")) {
    if (d.array(m.value())) {
      out.allow_origin_patterns.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.allow_origin_patterns.emplace_back();
        d.text(item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "allow_methods")) {
    if (d.array(m.value())) {
      out.allow_methods.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.allow_methods.emplace_back();
        d.text(item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "allow_headers")) {
    if (d.array(m.value())) {
      out.allow_headers.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.allow_headers.emplace_back();
        d.text(item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "expose_headers")) {
    if (d.array(m.value())) {
      out.expose_headers.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.expose_headers.emplace_back();
        d.text(item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "allow_credentials")) {
    d.boolean(m.value(), out.allow_credentials);
  }
  if (const auto m = d.member(v, "max_age")) {
    if (m.value().is_null()) {
      out.max_age.reset();
    } else {
      d.integer(m.value(), out.max_age.emplace(), 0U, 86400U);
    }
  }
  if (const auto m = d.member(v, "on_disallowed")) {
    decode(d, m.value(), out.on_disallowed);
  }
}

void encode(const Cors& in, NodeBuilder& out) {
  static const Cors defaults;
  out.begin_object();
  if (!in.allow_origins.empty()) {
    out.key("allow_origins");
    out.begin_array();
    for (const auto& each : in.allow_origins) {
      out.string(each);
    }
    out.end();
  }
  if (!in.allow_origin_patterns.empty()) {
    out.key("allow_origin_patterns");
    out.begin_array();
    for (const auto& each : in.allow_origin_patterns) {
      out.string(each);
    }
    out.end();
  }
  if (!(in.allow_methods == defaults.allow_methods)) {
    out.key("allow_methods");
    out.begin_array();
    for (const auto& each : in.allow_methods) {
      out.string(each);
    }
    out.end();
  }
  if (!in.allow_headers.empty()) {
    out.key("allow_headers");
    out.begin_array();
    for (const auto& each : in.allow_headers) {
      out.string(each);
    }
    out.end();
  }
  if (!in.expose_headers.empty()) {
    out.key("expose_headers");
    out.begin_array();
    for (const auto& each : in.expose_headers) {
      out.string(each);
    }
    out.end();
  }
  if (in.allow_credentials) {
    out.key("allow_credentials");
    out.boolean(in.allow_credentials);
  }
  if (in.max_age.has_value()) {
    out.key("max_age");
    out.uinteger(*in.max_age);
  }
  if (!(in.on_disallowed == defaults.on_disallowed)) {
    out.key("on_disallowed");
    out.string(name_of(in.on_disallowed));
  }
  out.end();
}

void decode(Decoder& d, Value v, Compression& out) {
  static constexpr std::array<std::string_view, 5> known{"gzip", "brotli", "zstd", "min_size", "quality"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "gzip")) {
    d.boolean(m.value(), out.gzip);
  }
  if (const auto m = d.member(v, "brotli")) {
    d.boolean(m.value(), out.brotli);
  }
  if (const auto m = d.member(v, "zstd")) {
    d.boolean(m.value(), out.zstd);
  }
  if (const auto m = d.member(v, "min_size")) {
    d.integer(m.value(), out.min_size, 0U, 4294967295U);
  }
  if (const auto m = d.member(v, "quality")) {
    d.integer(m.value(), out.quality, 0U, 11U);
  }
}

void encode(const Compression& in, NodeBuilder& out) {
  static const Compression defaults;
  out.begin_object();
  if (!in.gzip) {
    out.key("gzip");
    out.boolean(in.gzip);
  }
  if (!in.brotli) {
    out.key("brotli");
    out.boolean(in.brotli);
  }
  if (in.zstd) {
    out.key("zstd");
    out.boolean(in.zstd);
  }
  if (!(in.min_size == defaults.min_size)) {
    out.key("min_size");
    out.uinteger(in.min_size);
  }
  if (!(in.quality == defaults.quality)) {
    out.key("quality");
    out.uinteger(in.quality);
  }
  out.end();
}

void decode(Decoder& d, Value v, StaticFiles& out) {
  static constexpr std::array<std::string_view, 5> known{"prefix", "directory", "index_file", "cache_control", "precompressed"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "prefix", true)) {
    d.text(m.value(), out.prefix, 1);
  }
  if (const auto m = d.member(v, "directory", true)) {
    d.text(m.value(), out.directory, 1);
  }
  if (const auto m = d.member(v, "index_file")) {
    d.boolean(m.value(), out.index_file);
  }
  if (const auto m = d.member(v, "cache_control")) {
    if (m.value().is_null()) {
      out.cache_control.reset();
    } else {
      d.text(m.value(), out.cache_control.emplace());
    }
  }
  if (const auto m = d.member(v, "precompressed")) {
    d.boolean(m.value(), out.precompressed);
  }
}

void encode(const StaticFiles& in, NodeBuilder& out) {
  out.begin_object();
  out.key("prefix");
  out.string(in.prefix);
  out.key("directory");
  out.string(in.directory);
  if (in.index_file) {
    out.key("index_file");
    out.boolean(in.index_file);
  }
  if (in.cache_control.has_value()) {
    out.key("cache_control");
    out.string(*in.cache_control);
  }
  if (in.precompressed) {
    out.key("precompressed");
    out.boolean(in.precompressed);
  }
  out.end();
}

void decode(Decoder& d, Value v, RateLimit& out) {
  static constexpr std::array<std::string_view, 5> known{"per_second", "burst", "by", "header", "max_keys"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "per_second", true)) {
    d.json(m.value(), out.per_second);
  }
  if (const auto m = d.member(v, "burst")) {
    d.integer(m.value(), out.burst, 1U, 4294967295U);
  }
  if (const auto m = d.member(v, "by")) {
    decode(d, m.value(), out.by);
  }
  if (const auto m = d.member(v, "header")) {
    d.text(m.value(), out.header);
  }
  if (const auto m = d.member(v, "max_keys")) {
    d.integer(m.value(), out.max_keys, 1U, 4294967295U);
  }
}

void encode(const RateLimit& in, NodeBuilder& out) {
  static const RateLimit defaults;
  out.begin_object();
  out.key("per_second");
  if (in.per_second.empty()) out.null();
  else out.copy(in.per_second.root());
  if (!(in.burst == defaults.burst)) {
    out.key("burst");
    out.uinteger(in.burst);
  }
  if (!(in.by == defaults.by)) {
    out.key("by");
    out.string(name_of(in.by));
  }
  if (!in.header.empty()) {
    out.key("header");
    out.string(in.header);
  }
  if (!(in.max_keys == defaults.max_keys)) {
    out.key("max_keys");
    out.uinteger(in.max_keys);
  }
  out.end();
}

void decode(Decoder& d, Value v, SecurityHeaders& out) {
  static constexpr std::array<std::string_view, 8> known{"content_type_options", "frame_options", "referrer_policy", "strict_transport_security", "content_security_policy", "permissions_policy", "cross_origin_opener_policy", "cross_origin_resource_policy"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "content_type_options")) {
    d.text(m.value(), out.content_type_options);
  }
  if (const auto m = d.member(v, "frame_options")) {
    d.text(m.value(), out.frame_options);
  }
  if (const auto m = d.member(v, "referrer_policy")) {
    d.text(m.value(), out.referrer_policy);
  }
  if (const auto m = d.member(v, "strict_transport_security")) {
    d.text(m.value(), out.strict_transport_security);
  }
  if (const auto m = d.member(v, "content_security_policy")) {
    d.text(m.value(), out.content_security_policy);
  }
  if (const auto m = d.member(v, "permissions_policy")) {
    d.text(m.value(), out.permissions_policy);
  }
  if (const auto m = d.member(v, "cross_origin_opener_policy")) {
    d.text(m.value(), out.cross_origin_opener_policy);
  }
  if (const auto m = d.member(v, "cross_origin_resource_policy")) {
    d.text(m.value(), out.cross_origin_resource_policy);
  }
}

void encode(const SecurityHeaders& in, NodeBuilder& out) {
  static const SecurityHeaders defaults;
  out.begin_object();
  if (!(in.content_type_options == defaults.content_type_options)) {
    out.key("content_type_options");
    out.string(in.content_type_options);
  }
  if (!(in.frame_options == defaults.frame_options)) {
    out.key("frame_options");
    out.string(in.frame_options);
  }
  if (!(in.referrer_policy == defaults.referrer_policy)) {
    out.key("referrer_policy");
    out.string(in.referrer_policy);
  }
  if (!(in.strict_transport_security == defaults.strict_transport_security)) {
    out.key("strict_transport_security");
    out.string(in.strict_transport_security);
  }
  if (!in.content_security_policy.empty()) {
    out.key("content_security_policy");
    out.string(in.content_security_policy);
  }
  if (!in.permissions_policy.empty()) {
    out.key("permissions_policy");
    out.string(in.permissions_policy);
  }
  if (!in.cross_origin_opener_policy.empty()) {
    out.key("cross_origin_opener_policy");
    out.string(in.cross_origin_opener_policy);
  }
  if (!in.cross_origin_resource_policy.empty()) {
    out.key("cross_origin_resource_policy");
    out.string(in.cross_origin_resource_policy);
  }
  out.end();
}

void decode(Decoder& d, Value v, HttpConfig& out) {
  static constexpr std::array<std::string_view, 19> known{"listeners", "routes", "hooks", "dependencies", "request_id", "timeout", "limits", "auth", "decompression", "multipart", "trusted_hosts", "rate_limit", "static_files", "cors", "compression", "security_headers", "problem_base", "health", "server_header"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "listeners")) {
    if (d.array(m.value())) {
      out.listeners.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.listeners.emplace_back();
        decode(d, item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "routes")) {
    if (d.array(m.value())) {
      out.routes.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.routes.emplace_back();
        decode(d, item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "hooks")) {
    decode(d, m.value(), out.hooks);
  }
  if (const auto m = d.member(v, "dependencies")) {
    if (d.array(m.value())) {
      out.dependencies.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.dependencies.emplace_back();
        decode(d, item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "request_id")) {
    decode(d, m.value(), out.request_id);
  }
  if (const auto m = d.member(v, "timeout")) {
    decode(d, m.value(), out.timeout);
  }
  if (const auto m = d.member(v, "limits")) {
    decode(d, m.value(), out.limits);
  }
  if (const auto m = d.member(v, "auth")) {
    if (m.value().is_null()) {
      out.auth.reset();
    } else {
      decode(d, m.value(), out.auth.emplace());
    }
  }
  if (const auto m = d.member(v, "decompression")) {
    if (m.value().is_null()) {
      out.decompression.reset();
    } else {
      decode(d, m.value(), out.decompression.emplace());
    }
  }
  if (const auto m = d.member(v, "multipart")) {
    decode(d, m.value(), out.multipart);
  }
  if (const auto m = d.member(v, "trusted_hosts")) {
    if (d.array(m.value())) {
      out.trusted_hosts.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.trusted_hosts.emplace_back();
        d.text(item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "rate_limit")) {
    if (m.value().is_null()) {
      out.rate_limit.reset();
    } else {
      decode(d, m.value(), out.rate_limit.emplace());
    }
  }
  if (const auto m = d.member(v, "static_files")) {
    if (d.array(m.value())) {
      out.static_files.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.static_files.emplace_back();
        decode(d, item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "cors")) {
    if (m.value().is_null()) {
      out.cors.reset();
    } else {
      decode(d, m.value(), out.cors.emplace());
    }
  }
  if (const auto m = d.member(v, "compression")) {
    if (m.value().is_null()) {
      out.compression.reset();
    } else {
      decode(d, m.value(), out.compression.emplace());
    }
  }
  if (const auto m = d.member(v, "security_headers")) {
    if (m.value().is_null()) {
      out.security_headers.reset();
    } else {
      decode(d, m.value(), out.security_headers.emplace());
    }
  }
  if (const auto m = d.member(v, "problem_base")) {
    d.text(m.value(), out.problem_base);
  }
  if (const auto m = d.member(v, "health")) {
    decode(d, m.value(), out.health);
  }
  if (const auto m = d.member(v, "server_header")) {
    if (m.value().is_null()) {
      out.server_header.reset();
    } else {
      d.text(m.value(), out.server_header.emplace());
    }
  }
}

void encode(const HttpConfig& in, NodeBuilder& out) {
  static const HttpConfig defaults;
  out.begin_object();
  if (!in.listeners.empty()) {
    out.key("listeners");
    out.begin_array();
    for (const auto& each : in.listeners) {
      encode(each, out);
    }
    out.end();
  }
  if (!in.routes.empty()) {
    out.key("routes");
    out.begin_array();
    for (const auto& each : in.routes) {
      encode(each, out);
    }
    out.end();
  }
  if (!(in.hooks == defaults.hooks)) {
    out.key("hooks");
    encode(in.hooks, out);
  }
  if (!in.dependencies.empty()) {
    out.key("dependencies");
    out.begin_array();
    for (const auto& each : in.dependencies) {
      encode(each, out);
    }
    out.end();
  }
  if (!(in.request_id == defaults.request_id)) {
    out.key("request_id");
    encode(in.request_id, out);
  }
  if (!(in.timeout == defaults.timeout)) {
    out.key("timeout");
    encode(in.timeout, out);
  }
  if (!(in.limits == defaults.limits)) {
    out.key("limits");
    encode(in.limits, out);
  }
  if (in.auth.has_value()) {
    out.key("auth");
    encode(*in.auth, out);
  }
  if (in.decompression.has_value()) {
    out.key("decompression");
    encode(*in.decompression, out);
  }
  if (!(in.multipart == defaults.multipart)) {
    out.key("multipart");
    encode(in.multipart, out);
  }
  if (!in.trusted_hosts.empty()) {
    out.key("trusted_hosts");
    out.begin_array();
    for (const auto& each : in.trusted_hosts) {
      out.string(each);
    }
    out.end();
  }
  if (in.rate_limit.has_value()) {
    out.key("rate_limit");
    encode(*in.rate_limit, out);
  }
  if (!in.static_files.empty()) {
    out.key("static_files");
    out.begin_array();
    for (const auto& each : in.static_files) {
      encode(each, out);
    }
    out.end();
  }
  if (in.cors.has_value()) {
    out.key("cors");
    encode(*in.cors, out);
  }
  if (in.compression.has_value()) {
    out.key("compression");
    encode(*in.compression, out);
  }
  if (in.security_headers.has_value()) {
    out.key("security_headers");
    encode(*in.security_headers, out);
  }
  if (!(in.problem_base == defaults.problem_base)) {
    out.key("problem_base");
    out.string(in.problem_base);
  }
  if (!(in.health == defaults.health)) {
    out.key("health");
    encode(in.health, out);
  }
  if (in.server_header.has_value()) {
    out.key("server_header");
    out.string(*in.server_header);
  }
  out.end();
}

}  // namespace detail

bool operator==(const Tls& a, const Tls& b) {
  return a.certificate == b.certificate &&
         a.key == b.key &&
         a.alpn == b.alpn;
}

Result<Tls> tls_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  Tls out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const Tls& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const Listener& a, const Listener& b) {
  return a.address == b.address &&
         a.port == b.port &&
         a.tls == b.tls;
}

Result<Listener> listener_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  Listener out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const Listener& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const Parameter& a, const Parameter& b) {
  return a.in == b.in &&
         a.name == b.name &&
         a.required == b.required &&
         detail::same(a.schema, b.schema) &&
         a.style == b.style &&
         a.explode == b.explode;
}

Result<Parameter> parameter_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  Parameter out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const Parameter& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const FileField& a, const FileField& b) {
  return a.required == b.required &&
         a.content_types == b.content_types &&
         a.sniff == b.sniff &&
         a.max_bytes == b.max_bytes;
}

Result<FileField> file_field_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  FileField out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const FileField& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const Body& a, const Body& b) {
  return a.content_types == b.content_types &&
         detail::same(a.schema, b.schema) &&
         a.required == b.required &&
         a.mode == b.mode &&
         a.files == b.files &&
         a.as == b.as &&
         a.max_bytes == b.max_bytes;
}

Result<Body> body_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  Body out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const Body& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const Dependency& a, const Dependency& b) {
  return a.id == b.id &&
         a.name == b.name &&
         a.kind == b.kind &&
         a.scope == b.scope &&
         a.depends_on == b.depends_on &&
         a.cleanup == b.cleanup &&
         a.type == b.type &&
         a.token == b.token;
}

Result<Dependency> dependency_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  Dependency out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const Dependency& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const Jwt& a, const Jwt& b) {
  return a.algorithm == b.algorithm &&
         a.secret == b.secret &&
         a.public_key == b.public_key &&
         a.public_key_file == b.public_key_file &&
         a.jwks_file == b.jwks_file &&
         a.issuer == b.issuer &&
         a.audience == b.audience &&
         a.leeway == b.leeway &&
         a.required_claims == b.required_claims;
}

Result<Jwt> jwt_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  Jwt out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const Jwt& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const ApiKey& a, const ApiKey& b) {
  return a.header == b.header &&
         a.query == b.query &&
         a.keys == b.keys;
}

Result<ApiKey> api_key_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  ApiKey out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const ApiKey& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const Basic& a, const Basic& b) {
  return a.realm == b.realm &&
         a.users == b.users;
}

Result<Basic> basic_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  Basic out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const Basic& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const Auth& a, const Auth& b) {
  return a.jwt == b.jwt &&
         a.basic == b.basic &&
         a.api_key == b.api_key;
}

Result<Auth> auth_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  Auth out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const Auth& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const Route& a, const Route& b) {
  return a.method == b.method &&
         a.path == b.path &&
         a.name == b.name &&
         a.parameters == b.parameters &&
         a.body == b.body &&
         a.inject == b.inject &&
         a.inject_types == b.inject_types &&
         a.dependencies == b.dependencies &&
         a.auth == b.auth &&
         a.scopes == b.scopes &&
         a.timeout_ms == b.timeout_ms &&
         a.blocking == b.blocking;
}

Result<Route> route_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  Route out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const Route& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const Hooks& a, const Hooks& b) {
  return a.on_request == b.on_request &&
         a.pre_validation == b.pre_validation &&
         a.pre_handler == b.pre_handler &&
         a.on_response == b.on_response &&
         a.on_error == b.on_error;
}

Result<Hooks> hooks_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  Hooks out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const Hooks& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const RequestId& a, const RequestId& b) {
  return a.enabled == b.enabled &&
         a.header == b.header;
}

Result<RequestId> request_id_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  RequestId out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const RequestId& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const Timeout& a, const Timeout& b) {
  return a.ms == b.ms &&
         a.status == b.status;
}

Result<Timeout> timeout_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  Timeout out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const Timeout& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const Limits& a, const Limits& b) {
  return a.body_bytes == b.body_bytes &&
         a.header_bytes == b.header_bytes &&
         a.header_count == b.header_count &&
         a.uri_bytes == b.uri_bytes &&
         a.json_depth == b.json_depth &&
         a.header_timeout_ms == b.header_timeout_ms &&
         a.body_timeout_ms == b.body_timeout_ms &&
         a.idle_timeout_ms == b.idle_timeout_ms &&
         a.write_timeout_ms == b.write_timeout_ms &&
         a.connections == b.connections &&
         a.pipeline == b.pipeline;
}

Result<Limits> limits_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  Limits out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const Limits& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const Multipart& a, const Multipart& b) {
  return a.parts == b.parts &&
         a.header_bytes == b.header_bytes &&
         a.field_bytes == b.field_bytes &&
         a.file_bytes == b.file_bytes &&
         a.memory_bytes == b.memory_bytes &&
         a.directory == b.directory;
}

Result<Multipart> multipart_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  Multipart out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const Multipart& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const Decompression& a, const Decompression& b) {
  return a.encodings == b.encodings &&
         a.max_bytes == b.max_bytes;
}

Result<Decompression> decompression_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  Decompression out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const Decompression& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const Health& a, const Health& b) {
  return a.enabled == b.enabled &&
         a.live == b.live &&
         a.ready == b.ready;
}

Result<Health> health_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  Health out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const Health& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const Cors& a, const Cors& b) {
  return a.allow_origins == b.allow_origins &&
         a.allow_origin_patterns == b.allow_origin_patterns &&
         a.allow_methods == b.allow_methods &&
         a.allow_headers == b.allow_headers &&
         a.expose_headers == b.expose_headers &&
         a.allow_credentials == b.allow_credentials &&
         a.max_age == b.max_age &&
         a.on_disallowed == b.on_disallowed;
}

Result<Cors> cors_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  Cors out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const Cors& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const Compression& a, const Compression& b) {
  return a.gzip == b.gzip &&
         a.brotli == b.brotli &&
         a.zstd == b.zstd &&
         a.min_size == b.min_size &&
         a.quality == b.quality;
}

Result<Compression> compression_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  Compression out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const Compression& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const StaticFiles& a, const StaticFiles& b) {
  return a.prefix == b.prefix &&
         a.directory == b.directory &&
         a.index_file == b.index_file &&
         a.cache_control == b.cache_control &&
         a.precompressed == b.precompressed;
}

Result<StaticFiles> static_files_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  StaticFiles out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const StaticFiles& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const RateLimit& a, const RateLimit& b) {
  return detail::same(a.per_second, b.per_second) &&
         a.burst == b.burst &&
         a.by == b.by &&
         a.header == b.header &&
         a.max_keys == b.max_keys;
}

Result<RateLimit> rate_limit_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  RateLimit out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const RateLimit& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const SecurityHeaders& a, const SecurityHeaders& b) {
  return a.content_type_options == b.content_type_options &&
         a.frame_options == b.frame_options &&
         a.referrer_policy == b.referrer_policy &&
         a.strict_transport_security == b.strict_transport_security &&
         a.content_security_policy == b.content_security_policy &&
         a.permissions_policy == b.permissions_policy &&
         a.cross_origin_opener_policy == b.cross_origin_opener_policy &&
         a.cross_origin_resource_policy == b.cross_origin_resource_policy;
}

Result<SecurityHeaders> security_headers_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  SecurityHeaders out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const SecurityHeaders& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const HttpConfig& a, const HttpConfig& b) {
  return a.listeners == b.listeners &&
         a.routes == b.routes &&
         a.hooks == b.hooks &&
         a.dependencies == b.dependencies &&
         a.request_id == b.request_id &&
         a.timeout == b.timeout &&
         a.limits == b.limits &&
         a.auth == b.auth &&
         a.decompression == b.decompression &&
         a.multipart == b.multipart &&
         a.trusted_hosts == b.trusted_hosts &&
         a.rate_limit == b.rate_limit &&
         a.static_files == b.static_files &&
         a.cors == b.cors &&
         a.compression == b.compression &&
         a.security_headers == b.security_headers &&
         a.problem_base == b.problem_base &&
         a.health == b.health &&
         a.server_header == b.server_header;
}

Result<HttpConfig> http_config_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  HttpConfig out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const HttpConfig& in, NodeBuilder& out) { detail::encode(in, out); }

}  // namespace spikard::services
