// Generated from spec/services/http.yaml by codegen. Do not edit.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/node.hpp"
#include "base/result.hpp"

namespace spikard::services {

/// Method of a route. HEAD comes with GET; OPTIONS is answered with Allow unless a route has it.
enum class HttpMethod : std::uint8_t {
  get,
  head,
  post,
  put,
  patch,
  del,
  options,
  trace,
};
[[nodiscard]] std::string_view name_of(HttpMethod v) noexcept;
[[nodiscard]] std::optional<HttpMethod> http_method_from(std::string_view text) noexcept;

/// Where a parameter is read from.
enum class ParameterIn : std::uint8_t {
  path,  ///< A segment of the path.
  query,  ///< The query string.
  header,  ///< A request header.
  cookie,  ///< A cookie.
};
[[nodiscard]] std::string_view name_of(ParameterIn v) noexcept;
[[nodiscard]] std::optional<ParameterIn> parameter_in_from(std::string_view text) noexcept;

/// How arrays and objects are laid out as text (OpenAPI 3.1).
enum class ParameterStyle : std::uint8_t {
  form,  ///< `a=1&a=2` exploded, `a=1,2` not.
  simple,  ///< `1,2`; path and header.
  pipe_delimited,  ///< `1|2`; query.
  space_delimited,  ///< `1 2`; query.
  semicolon_delimited,  ///< `1;2`; query.
  deep_object,  ///< `a[b]=1`; query.
};
[[nodiscard]] std::string_view name_of(ParameterStyle v) noexcept;
[[nodiscard]] std::optional<ParameterStyle> parameter_style_from(std::string_view text) noexcept;

/// How a request body reaches the handler.
enum class BodyMode : std::uint8_t {
  buffer,  ///< Whole, before the handler starts.
  stream,  ///< In chunks against credit while the handler runs. It is not parsed or validated.
};
[[nodiscard]] std::string_view name_of(BodyMode v) noexcept;
[[nodiscard]] std::optional<BodyMode> body_mode_from(std::string_view text) noexcept;

/// In which form a buffered JSON body is handed over.
enum class BodyAs : std::uint8_t {
  nodes,  ///< Parsed, as 16-byte nodes.
  text,  ///< Checked by the core, handed over as its text for hosts whose own parser is faster.
  raw,  ///< Bytes as they came.
};
[[nodiscard]] std::string_view name_of(BodyAs v) noexcept;
[[nodiscard]] std::optional<BodyAs> body_as_from(std::string_view text) noexcept;

/// A type of JSON.
enum class JsonType : std::uint8_t {
  None,
  boolean,
  integer,  ///< A number without fraction.
  number,
  string,
  array,
  object,
};
[[nodiscard]] std::string_view name_of(JsonType v) noexcept;
[[nodiscard]] std::optional<JsonType> json_type_from(std::string_view text) noexcept;

/// How a dependency comes to be.
enum class DependencyKind : std::uint8_t {
  value,  ///< It is there from the start.
  factory,  ///< The host makes it when it is first needed.
};
[[nodiscard]] std::string_view name_of(DependencyKind v) noexcept;
[[nodiscard]] std::optional<DependencyKind> dependency_kind_from(std::string_view text) noexcept;

/// How long what a factory made is kept.
enum class DependencyScope : std::uint8_t {
  singleton,  ///< For the life of the application.
  request,  ///< For one request.
  transient,  ///< For one use; each place that injects it gets its own.
};
[[nodiscard]] std::string_view name_of(DependencyScope v) noexcept;
[[nodiscard]] std::optional<DependencyScope> dependency_scope_from(std::string_view text) noexcept;

/// What becomes of a request from an origin that is not allowed.
enum class CorsDisallowed : std::uint8_t {
  serve,  ///< It is served without CORS headers; the browser keeps the answer from the page.
  reject,  ///< It gets 403.
};
[[nodiscard]] std::string_view name_of(CorsDisallowed v) noexcept;
[[nodiscard]] std::optional<CorsDisallowed> cors_disallowed_from(std::string_view text) noexcept;

/// Who has a bucket of their own.
enum class RateLimitBy : std::uint8_t {
  ip,  ///< Each address of a peer; all peers of a UNIX socket share one.
  header,  ///< Each value of a header; a request without it counts for its address.
};
[[nodiscard]] std::string_view name_of(RateLimitBy v) noexcept;
[[nodiscard]] std::optional<RateLimitBy> rate_limit_by_from(std::string_view text) noexcept;

/// Signature of a JSON Web Token (RFC 7518, RFC 8037). Only the configured one is taken, whatever a token says.
enum class JwtAlgorithm : std::uint8_t {
  hs256,  ///< HMAC with SHA-256.
  hs384,  ///< HMAC with SHA-384.
  hs512,  ///< HMAC with SHA-512.
  rs256,  ///< RSA PKCS #1 v1.5 with SHA-256.
  rs384,  ///< RSA PKCS #1 v1.5 with SHA-384.
  rs512,  ///< RSA PKCS #1 v1.5 with SHA-512.
  ps256,  ///< RSA-PSS with SHA-256.
  ps384,  ///< RSA-PSS with SHA-384.
  ps512,  ///< RSA-PSS with SHA-512.
  es256,  ///< ECDSA on P-256 with SHA-256.
  es384,  ///< ECDSA on P-384 with SHA-384.
  es512,  ///< ECDSA on P-521 with SHA-512.
  eddsa,  ///< Ed25519.
};
[[nodiscard]] std::string_view name_of(JwtAlgorithm v) noexcept;
[[nodiscard]] std::optional<JwtAlgorithm> jwt_algorithm_from(std::string_view text) noexcept;

/// A coding of Content-Encoding.
enum class ContentCoding : std::uint8_t {
  gzip,
  deflate,  ///< The zlib format (RFC 9110); the bare one that some clients send is taken too.
  br,  ///< Brotli.
  zstd,  ///< Windows of up to 8 MiB (RFC 8878).
};
[[nodiscard]] std::string_view name_of(ContentCoding v) noexcept;
[[nodiscard]] std::optional<ContentCoding> content_coding_from(std::string_view text) noexcept;

/// TLS of a listener (1.2 and 1.3). Files are read again when they change; connections that exist keep what they have.
struct Tls {
  std::string certificate{};  ///< PEM file, the leaf first.
  std::string key{};  ///< PEM file of the private key.
  std::vector<std::string> alpn = {"http/1.1"};  ///< Protocols offered, best first.
};
[[nodiscard]] bool operator==(const Tls& a, const Tls& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<Tls> tls_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const Tls& in, NodeBuilder& out);

/// An address that is listened on.
struct Listener {
  std::string address = "127.0.0.1";  ///< An IPv4 or IPv6 address, or `unix:/path`.
  std::uint16_t port = 8000;  ///< TCP port; 0 takes a free one, which `spk_info` tells. Ignored with `unix:`.
  std::optional<Tls> tls{};  ///< TLS; null for plain text.
};
[[nodiscard]] bool operator==(const Listener& a, const Listener& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<Listener> listener_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const Listener& in, NodeBuilder& out);

/// A declared parameter, as in OpenAPI. It reaches the handler validated and coerced to the type of its schema.
struct Parameter {
  ParameterIn in{};  ///< Where it is read from.
  std::string name{};  ///< Its name; headers in any case.
  bool required = false;  ///< Missing is an error. Path parameters always are.
  Document schema{};  ///< JSON Schema 2020-12; `default` stands for a missing one. Null: any text.
  std::optional<ParameterStyle> style{};  ///< Layout; null is `simple` for path and header, `form` for query and cookie.
  std::optional<bool> explode{};  ///< Each element by itself; null is true for `form` and `deepObject`, else false.
};
[[nodiscard]] bool operator==(const Parameter& a, const Parameter& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<Parameter> parameter_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const Parameter& in, NodeBuilder& out);

/// What a file field of a multipart body must be. Errors are at `["files", NAME]`.
struct FileField {
  bool required = false;  ///< A file must be there.
  std::vector<std::string> content_types{};  ///< Media types that a part may declare; none: any.
  bool sniff = false;  ///< An empty file is refused, and one whose first bytes are those of another type than it declares (PNG, JPEG, GIF and PDF are known).
  std::optional<std::uint64_t> max_bytes{};  ///< Largest file; more gets 413. Null for the application's `multipart.file_bytes`.
};
[[nodiscard]] bool operator==(const FileField& a, const FileField& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<FileField> file_field_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const FileField& in, NodeBuilder& out);

/// What a route takes as its request body.
struct Body {
  std::vector<std::string> content_types = {"application/json"};  ///< Media types that are taken; others get 415.
  Document schema{};  ///< JSON Schema 2020-12; null for no validation.
  bool required = true;  ///< An empty body is an error.
  BodyMode mode = BodyMode::buffer;  ///< How the body reaches the handler.
  std::map<std::string, FileField> files{};  ///< File fields of a multipart body, by name.
  BodyAs as = BodyAs::nodes;  ///< In which form a buffered JSON body is handed over.
  std::optional<std::uint64_t> max_bytes{};  ///< Largest body of this route; more gets 413. Null for the application's `limits.body_bytes`.
};
[[nodiscard]] bool operator==(const Body& a, const Body& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<Body> body_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const Body& in, NodeBuilder& out);

/// Something a handler takes that the application provides.
struct Dependency {
  std::uint32_t id{};  ///< Number of the dependency in the port; unique over the application and all routes.
  std::string name{};  ///< Name that `inject` and `depends_on` use.
  DependencyKind kind = DependencyKind::value;  ///< How it comes to be.
  DependencyScope scope = DependencyScope::request;  ///< How long what a factory made is kept. A value is always a singleton.
  std::vector<std::string> depends_on{};  ///< Names of the dependencies a factory takes, in order.
  bool cleanup = false;  ///< The host is told when it is no longer used, in reverse order of making.
  std::optional<JsonType> type{};  ///< JSON type of a value, checked against `inject_types`.
  std::uint64_t token = 0;  ///< The host's token of a value; a factory gives its token each time.
};
[[nodiscard]] bool operator==(const Dependency& a, const Dependency& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<Dependency> dependency_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const Dependency& in, NodeBuilder& out);

/// Bearer tokens that are JSON Web Tokens (RFC 7519). A token must be signed with `algorithm`; `exp` and `nbf` count where it has them.
struct Jwt {
  JwtAlgorithm algorithm = JwtAlgorithm::hs256;  ///< The only signature that is taken.
  std::string secret{};  ///< Key of HS256, HS384 and HS512. Kept out of logs and errors.
  std::string public_key{};  ///< Key of the other algorithms: PEM text, of a public key or a certificate.
  std::string public_key_file{};  ///< A PEM file with it, instead.
  std::string jwks_file{};  ///< A file with a set of keys (RFC 7517), instead: a token's `kid` says which. Read at start-up.
  std::optional<std::string> issuer{};  ///< `iss` that a token must have; null for any.
  std::vector<std::string> audience{};  ///< `aud` of a token must have one of these; none: any.
  std::uint32_t leeway = 0;  ///< How far clocks may differ where `exp` and `nbf` are looked at.
  std::vector<std::string> required_claims{};  ///< Claims that must be there, else 403.
};
[[nodiscard]] bool operator==(const Jwt& a, const Jwt& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<Jwt> jwt_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const Jwt& in, NodeBuilder& out);

/// Keys in a header or a query parameter, compared in constant time.
struct ApiKey {
  std::string header = "X-API-Key";  ///< Header it is read from; empty for none.
  std::string query{};  ///< Query parameter it is read from where there is no such header; empty for none.
  std::vector<std::string> keys{};  ///< The keys that are good. Kept out of logs and errors.
};
[[nodiscard]] bool operator==(const ApiKey& a, const ApiKey& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<ApiKey> api_key_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const ApiKey& in, NodeBuilder& out);

/// Names and passwords (RFC 7617), compared in constant time.
struct Basic {
  std::string realm = "api";  ///< Realm of the challenge.
  std::map<std::string, std::string> users{};  ///< Passwords by name. Kept out of logs and errors.
};
[[nodiscard]] bool operator==(const Basic& a, const Basic& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<Basic> basic_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const Basic& in, NodeBuilder& out);

/// Who may call. With several schemes an Authorization header decides alone, by its scheme; an API key counts where there is none. With no scheme everybody may.
struct Auth {
  std::optional<Jwt> jwt{};  ///< Bearer tokens.
  std::optional<Basic> basic{};  ///< Names and passwords.
  std::optional<ApiKey> api_key{};  ///< API keys.
};
[[nodiscard]] bool operator==(const Auth& a, const Auth& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<Auth> auth_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const Auth& in, NodeBuilder& out);

/// A method and a path with what the core checks before the handler runs.
struct Route {
  HttpMethod method{};  ///< Its method.
  std::string path{};  ///< `/users/{id:int}`; types int, float, bool, uuid, date, datetime, str, path (the rest).
  std::string name{};  ///< Name in logs, telemetry and OpenAPI.
  std::vector<Parameter> parameters{};  ///< Declared parameters; the handler gets them in this order.
  std::optional<Body> body{};  ///< The request body; null when the route takes none.
  std::vector<std::string> inject{};  ///< Names of the dependencies the handler takes, in order.
  std::map<std::string, JsonType> inject_types{};  ///< JSON types that injected values must have; checked at start-up.
  std::vector<Dependency> dependencies{};  ///< Dependencies of this route; one with the name of an application's replaces it.
  std::optional<Auth> auth{};  ///< Who may call this route, instead of the application's `auth`; `{}` lets everybody. Null for the application's.
  std::vector<std::string> scopes{};  ///< Scopes that a token's `scope` (or `scp`, or `scopes`) must all have, else 403.
  std::optional<std::uint32_t> timeout_ms{};  ///< Time-out of this route; null for the application's.
  bool blocking = false;  ///< A C++ handler that blocks: it runs on the blocking pool. Hosts decide this themselves.
};
[[nodiscard]] bool operator==(const Route& a, const Route& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<Route> route_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const Route& in, NodeBuilder& out);

/// Names of the hooks of each phase, in the order they run. A name is for logs; the number of a hook in the port is its place.
struct Hooks {
  std::vector<std::string> on_request{};  ///< After routing and authentication, before the body is read.
  std::vector<std::string> pre_validation{};  ///< After the body was read, before it is validated.
  std::vector<std::string> pre_handler{};  ///< After validation, before the handler.
  std::vector<std::string> on_response{};  ///< After the handler has answered.
  std::vector<std::string> on_error{};  ///< Instead of `on_response` after an exception.
};
[[nodiscard]] bool operator==(const Hooks& a, const Hooks& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<Hooks> hooks_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const Hooks& in, NodeBuilder& out);

/// A request id taken from the client or made.
struct RequestId {
  bool enabled = false;  ///< Requests get an id, and answers tell it.
  std::string header = "x-request-id";  ///< Header it is read from and written to.
};
[[nodiscard]] bool operator==(const RequestId& a, const RequestId& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<RequestId> request_id_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const RequestId& in, NodeBuilder& out);

/// The longest a request may take.
struct Timeout {
  std::optional<std::uint32_t> ms{};  ///< From the end of the request head to the start of the answer; null for none.
  std::uint16_t status = 408;  ///< Status of the answer when it is over.
};
[[nodiscard]] bool operator==(const Timeout& a, const Timeout& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<Timeout> timeout_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const Timeout& in, NodeBuilder& out);

/// Limits on what a client may send or hold.
struct Limits {
  std::uint64_t body_bytes = 10485760;  ///< Request body; more gets 413.
  std::uint32_t header_bytes = 65536;  ///< Request line and headers; more gets 431.
  std::uint32_t header_count = 128;  ///< Number of request headers; more gets 431.
  std::uint32_t uri_bytes = 8192;  ///< Request target; more gets 414.
  std::uint32_t json_depth = 128;  ///< Containers inside each other in a JSON body; more gets 400.
  std::uint32_t header_timeout_ms = 10000;  ///< From the first byte of a request to the end of its head.
  std::uint32_t body_timeout_ms = 30000;  ///< Between two reads of a request body.
  std::uint32_t idle_timeout_ms = 75000;  ///< Of a kept connection between two requests.
  std::uint32_t write_timeout_ms = 30000;  ///< Without progress in sending an answer.
  std::uint32_t connections = 65536;  ///< Open connections of an I/O loop; further ones wait to be accepted.
  std::uint32_t pipeline = 64;  ///< Requests of one connection in flight at once; further ones are not read yet.
};
[[nodiscard]] bool operator==(const Limits& a, const Limits& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<Limits> limits_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const Limits& in, NodeBuilder& out);

/// Limits of multipart/form-data bodies beside `limits.body_bytes`. They are parsed while they arrive.
struct Multipart {
  std::uint32_t parts = 1000;  ///< Parts of a body; more gets 413.
  std::uint32_t header_bytes = 16384;  ///< Headers of a part; more gets 413.
  std::uint64_t field_bytes = 1048576;  ///< Text fields of a body together; more gets 413.
  std::optional<std::uint64_t> file_bytes{};  ///< Largest file; more gets 413. Null for no limit but the body's.
  std::uint64_t memory_bytes = 1048576;  ///< Files of a body that are kept in memory, together. A file that does not fit goes to a temporary file, which is deleted when the request has ended.
  std::string directory = "/tmp";  ///< Folder of the temporary files.
};
[[nodiscard]] bool operator==(const Multipart& a, const Multipart& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<Multipart> multipart_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const Multipart& in, NodeBuilder& out);

/// Buffered request bodies with a Content-Encoding, decoded while they arrive.
struct Decompression {
  std::vector<ContentCoding> encodings = {ContentCoding::gzip, ContentCoding::deflate, ContentCoding::br};  ///< Codings that are taken, one a body; others get 415 with Accept-Encoding.
  std::optional<std::uint64_t> max_bytes{};  ///< Largest body once decoded; more gets 413. Null for the body's own limit, which always holds for what was sent.
};
[[nodiscard]] bool operator==(const Decompression& a, const Decompression& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<Decompression> decompression_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const Decompression& in, NodeBuilder& out);

/// The health endpoints. A route with the same path wins.
struct Health {
  bool enabled = true;  ///< They are served.
  std::string live = "/healthz";  ///< 200 while the process works.
  std::string ready = "/readyz";  ///< 200 while every required component is ready and no drain has begun, else 503.
};
[[nodiscard]] bool operator==(const Health& a, const Health& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<Health> health_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const Health& in, NodeBuilder& out);

/// Cross-origin requests (Fetch). Preflights are answered before routing and authentication; all answers, errors too, have the headers.
struct Cors {
  std::vector<std::string> allow_origins{};  ///< Origins as browsers send them, `https://app.example.com`, compared exactly; `*` for all.
  std::vector<std::string> allow_origin_patterns{};  ///< Regular expressions (ECMA-262) that the whole of an origin must match.
  std::vector<std::string> allow_methods = {"GET", "HEAD", "POST"};  ///< Methods that a preflight may ask for, in upper case; `*` for all.
  std::vector<std::string> allow_headers{};  ///< Request headers that a preflight may ask for, in any case; `*` for all.
  std::vector<std::string> expose_headers{};  ///< Response headers that pages may read.
  bool allow_credentials = false;  ///< Pages may send cookies and credentials. With `*` the origin is then named in the answer.
  std::optional<std::uint32_t> max_age{};  ///< How long a browser may keep a preflight's answer; null for its own default.
  CorsDisallowed on_disallowed = CorsDisallowed::serve;  ///< What becomes of a request from another origin. A preflight always gets 403.
};
[[nodiscard]] bool operator==(const Cors& a, const Cors& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<Cors> cors_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const Cors& in, NodeBuilder& out);

/// Coding of answers by Accept-Encoding (RFC 9110 12.5.3), streamed ones too. Text, JSON, XML, JavaScript and SVG are coded; what is coded already, ranges and `no-transform` are not.
struct Compression {
  bool gzip = true;  ///< Offer gzip.
  bool brotli = true;  ///< Offer br.
  bool zstd = false;  ///< Offer zstd.
  std::uint32_t min_size = 1024;  ///< Shorter bodies are sent as they are.
  std::uint32_t quality = 4;  ///< From fast to small, on the scale of brotli; gzip ends at 9.
};
[[nodiscard]] bool operator==(const Compression& a, const Compression& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<Compression> compression_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const Compression& in, NodeBuilder& out);

/// Files of a folder. A path without a file goes on to the routes. Hidden files (`.x`, but not `.well-known`) are not served, nor links out of the folder.
struct StaticFiles {
  std::string prefix{};  ///< Path that they are below, as `/static`; `/` for all paths.
  std::string directory{};  ///< The folder. It must be there at start-up.
  bool index_file = false;  ///< A folder's path with `/` at its end gives its index.html; without, it is redirected there.
  std::optional<std::string> cache_control{};  ///< Value of Cache-Control; null for none.
  bool precompressed = false;  ///< Serve `x.js.br`, `.zst` or `.gz` for `x.js` to those who accept it.
};
[[nodiscard]] bool operator==(const StaticFiles& a, const StaticFiles& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<StaticFiles> static_files_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const StaticFiles& in, NodeBuilder& out);

/// Token buckets in memory, shared by the loops of a process. Without a token the answer is 429 with Retry-After. Health and metrics paths are not counted.
struct RateLimit {
  Document per_second{};  ///< Tokens a bucket gets in a second: a number over 0, such as 0.5.
  std::uint32_t burst = 1;  ///< Tokens a bucket holds at most.
  RateLimitBy by = RateLimitBy::ip;  ///< Who has a bucket.
  std::string header{};  ///< Name of the header where `by` is header.
  std::uint32_t max_keys = 100000;  ///< Buckets kept at most; over it the one that was used longest ago goes.
};
[[nodiscard]] bool operator==(const RateLimit& a, const RateLimit& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<RateLimit> rate_limit_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const RateLimit& in, NodeBuilder& out);

/// Headers that every answer has unless the handler set them itself. An empty text leaves one out.
struct SecurityHeaders {
  std::string content_type_options = "nosniff";  ///< X-Content-Type-Options.
  std::string frame_options = "DENY";  ///< X-Frame-Options.
  std::string referrer_policy = "no-referrer";  ///< Referrer-Policy.
  std::string strict_transport_security = "max-age=31536000";  ///< Strict-Transport-Security, on encrypted connections only.
  std::string content_security_policy{};  ///< Content-Security-Policy.
  std::string permissions_policy{};  ///< Permissions-Policy.
  std::string cross_origin_opener_policy{};  ///< Cross-Origin-Opener-Policy.
  std::string cross_origin_resource_policy{};  ///< Cross-Origin-Resource-Policy.
};
[[nodiscard]] bool operator==(const SecurityHeaders& a, const SecurityHeaders& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<SecurityHeaders> security_headers_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const SecurityHeaders& in, NodeBuilder& out);

/// The HTTP server.
struct HttpConfig {
  std::vector<Listener> listeners{};  ///< Addresses; none: reached in memory only. `run()` of a binding adds 127.0.0.1:8000 when there is none.
  std::vector<Route> routes{};  ///< Routes; the index of one is its id.
  Hooks hooks{};  ///< Hooks of the application.
  std::vector<Dependency> dependencies{};  ///< Dependencies of the application.
  RequestId request_id{};  ///< Request ids.
  Timeout timeout{};  ///< Time-out of every request.
  Limits limits{};  ///< Limits on what a client may send or hold.
  std::optional<Auth> auth{};  ///< Who may call; null for everybody.
  std::optional<Decompression> decompression{};  ///< Bodies with a Content-Encoding; null leaves them as they are.
  Multipart multipart{};  ///< Limits of multipart bodies.
  std::vector<std::string> trusted_hosts{};  ///< Values of Host that are served, without port, `*.example.com` for all below; others get 400. None: all.
  std::optional<RateLimit> rate_limit{};  ///< How fast clients may ask; null for no limit.
  std::vector<StaticFiles> static_files{};  ///< Folders that are served; the longest prefix that has the file counts.
  std::optional<Cors> cors{};  ///< Cross-origin requests; null for none.
  std::optional<Compression> compression{};  ///< Coding of answers; null for none.
  std::optional<SecurityHeaders> security_headers{};  ///< Security headers of every answer; null for none.
  std::string problem_base = "https://spikard.dev/problems/";  ///< What the `type` of a problem document starts with.
  Health health{};  ///< Health endpoints.
  std::optional<std::string> server_header{};  ///< Value of the Server header; null for none.
};
[[nodiscard]] bool operator==(const HttpConfig& a, const HttpConfig& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<HttpConfig> http_config_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const HttpConfig& in, NodeBuilder& out);

}  // namespace spikard::services
