// Code generated from spec/services by codegen. DO NOT EDIT.

//! The application as plain data: what crosses to the core once. Applications write parts of it as configuration; the core checks all of it.
//! `None` is the default of a member: `CacheConfig { url: Some("memory:".into()), ..Default::default() }`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::Value;

/// How topics and the patterns of consumers are written on an embedded broker: like those of the broker it stands in for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum TopicStyle {
    /// A pattern is NATS (`orders.*`, `orders.>`) or MQTT (`orders/+`, `orders/#`) by its wildcards; without one it is a topic.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// Tokens between dots; `*` is one token, `>` one or more at the end.
    #[serde(rename = "nats")]
    Nats,
    /// Levels between slashes; `+` is one level, `#` any number at the end, the level above included.
    #[serde(rename = "mqtt")]
    Mqtt,
    /// Words between dots; `*` is one word, `#` any number.
    #[serde(rename = "amqp")]
    Amqp,
}

/// Where a group begins that the broker does not know yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum StartFrom {
    /// With what is published from now on.
    #[default]
    #[serde(rename = "latest")]
    Latest,
    /// With the oldest message that is still kept.
    #[serde(rename = "earliest")]
    Earliest,
}

/// How the wait grows from failure to failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum BackoffKind {
    /// `initial_ms` times `factor` to the power of the failures before.
    #[default]
    #[serde(rename = "exponential")]
    Exponential,
    /// Always `initial_ms`.
    #[serde(rename = "constant")]
    Constant,
}

/// How an event is laid out in a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum EventMode {
    /// Attributes as headers, the data as the body.
    #[default]
    #[serde(rename = "binary")]
    Binary,
    /// The whole event as a JSON document.
    #[serde(rename = "structured")]
    Structured,
}

/// Which of the protocol bindings lays an event out in a broker's message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum EventBinding {
    /// The one of the broker: kafka for `kafka:`, amqp for `amqp:`, nats for `nats:`, mqtt for `mqtt:`; for `redis:`, `memory:` and `sqlite:`, which have
    /// none, the same headers as Kafka.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// Headers `ce_...` and `content-type`.
    #[serde(rename = "kafka")]
    Kafka,
    /// Application properties `cloudEvents:...`.
    #[serde(rename = "amqp")]
    Amqp,
    /// MQTT 3.1.1: structured only.
    #[serde(rename = "mqtt3")]
    Mqtt3,
    /// User properties with the names of the attributes.
    #[serde(rename = "mqtt5")]
    Mqtt5,
    /// Headers `ce-...`, as those of HTTP (binding 1.0.3); a message without them is read as the JSON document (1.0.2).
    #[serde(rename = "nats")]
    Nats,
    /// Fields `ce_...` and `content-type` beside the payload.
    #[serde(rename = "redis")]
    Redis,
}

/// Clients of the toolbox that faults are made in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum FaultyClients {
    /// Caches.
    #[default]
    #[serde(rename = "cache")]
    Cache,
    /// Stores of objects.
    #[serde(rename = "storage")]
    Storage,
    /// Databases.
    #[serde(rename = "db")]
    Db,
    /// Message brokers.
    #[serde(rename = "messaging")]
    Messaging,
    /// Stores of tasks.
    #[serde(rename = "tasks")]
    Tasks,
}

/// Method of a route. HEAD comes with GET; OPTIONS is answered with Allow unless a route has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum HttpMethod {
    /// See the type.
    #[default]
    #[serde(rename = "GET")]
    Get,
    /// See the type.
    #[serde(rename = "HEAD")]
    Head,
    /// See the type.
    #[serde(rename = "POST")]
    Post,
    /// See the type.
    #[serde(rename = "PUT")]
    Put,
    /// See the type.
    #[serde(rename = "PATCH")]
    Patch,
    /// See the type.
    #[serde(rename = "DELETE")]
    Delete,
    /// See the type.
    #[serde(rename = "OPTIONS")]
    Options,
    /// See the type.
    #[serde(rename = "TRACE")]
    Trace,
}

/// Where a parameter is read from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum ParameterIn {
    /// A segment of the path.
    #[default]
    #[serde(rename = "path")]
    Path,
    /// The query string.
    #[serde(rename = "query")]
    Query,
    /// A request header.
    #[serde(rename = "header")]
    Header,
    /// A cookie.
    #[serde(rename = "cookie")]
    Cookie,
}

/// How arrays and objects are laid out as text (OpenAPI 3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum ParameterStyle {
    /// `a=1&a=2` exploded, `a=1,2` not.
    #[default]
    #[serde(rename = "form")]
    Form,
    /// `1,2`; path and header.
    #[serde(rename = "simple")]
    Simple,
    /// `1|2`; query.
    #[serde(rename = "pipeDelimited")]
    PipeDelimited,
    /// `1 2`; query.
    #[serde(rename = "spaceDelimited")]
    SpaceDelimited,
    /// `1;2`; query.
    #[serde(rename = "semicolonDelimited")]
    SemicolonDelimited,
    /// `a[b]=1`; query.
    #[serde(rename = "deepObject")]
    DeepObject,
}

/// How a request body reaches the handler.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum BodyMode {
    /// Whole, before the handler starts.
    #[default]
    #[serde(rename = "buffer")]
    Buffer,
    /// In chunks against credit while the handler runs. It is not parsed or validated.
    #[serde(rename = "stream")]
    Stream,
}

/// In which form a buffered JSON body is handed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum BodyAs {
    /// Parsed, as 16-byte nodes.
    #[default]
    #[serde(rename = "nodes")]
    Nodes,
    /// Checked by the core, handed over as its text for hosts whose own parser is faster.
    #[serde(rename = "text")]
    Text,
    /// Bytes as they came.
    #[serde(rename = "raw")]
    Raw,
}

/// A type of JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum JsonType {
    /// See the type.
    #[default]
    #[serde(rename = "null")]
    Null,
    /// See the type.
    #[serde(rename = "boolean")]
    Boolean,
    /// A number without fraction.
    #[serde(rename = "integer")]
    Integer,
    /// See the type.
    #[serde(rename = "number")]
    Number,
    /// See the type.
    #[serde(rename = "string")]
    String,
    /// See the type.
    #[serde(rename = "array")]
    Array,
    /// See the type.
    #[serde(rename = "object")]
    Object,
}

/// How a dependency comes to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum DependencyKind {
    /// It is there from the start.
    #[default]
    #[serde(rename = "value")]
    Value,
    /// The host makes it when it is first needed.
    #[serde(rename = "factory")]
    Factory,
}

/// How long what a factory made is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum DependencyScope {
    /// For the life of the application.
    #[default]
    #[serde(rename = "singleton")]
    Singleton,
    /// For one request.
    #[serde(rename = "request")]
    Request,
    /// For one use; each place that injects it gets its own.
    #[serde(rename = "transient")]
    Transient,
}

/// What becomes of a request from an origin that is not allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum CorsDisallowed {
    /// It is served without CORS headers; the browser keeps the answer from the page.
    #[default]
    #[serde(rename = "serve")]
    Serve,
    /// It gets 403.
    #[serde(rename = "reject")]
    Reject,
}

/// Who has a bucket of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum RateLimitBy {
    /// Each address of a peer; all peers of a UNIX socket share one.
    #[default]
    #[serde(rename = "ip")]
    Ip,
    /// Each value of a header; a request without it counts for its address.
    #[serde(rename = "header")]
    Header,
}

/// Signature of a JSON Web Token (RFC 7518, RFC 8037). Only the configured one is taken, whatever a token says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum JwtAlgorithm {
    /// HMAC with SHA-256.
    #[default]
    #[serde(rename = "HS256")]
    Hs256,
    /// HMAC with SHA-384.
    #[serde(rename = "HS384")]
    Hs384,
    /// HMAC with SHA-512.
    #[serde(rename = "HS512")]
    Hs512,
    /// RSA PKCS #1 v1.5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// RSA PKCS #1 v1.5 with SHA-384.
    #[serde(rename = "RS384")]
    Rs384,
    /// RSA PKCS #1 v1.5 with SHA-512.
    #[serde(rename = "RS512")]
    Rs512,
    /// RSA-PSS with SHA-256.
    #[serde(rename = "PS256")]
    Ps256,
    /// RSA-PSS with SHA-384.
    #[serde(rename = "PS384")]
    Ps384,
    /// RSA-PSS with SHA-512.
    #[serde(rename = "PS512")]
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// ECDSA on P-384 with SHA-384.
    #[serde(rename = "ES384")]
    Es384,
    /// ECDSA on P-521 with SHA-512.
    #[serde(rename = "ES512")]
    Es512,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

/// A coding of Content-Encoding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum ContentCoding {
    /// See the type.
    #[default]
    #[serde(rename = "gzip")]
    Gzip,
    /// The zlib format (RFC 9110); the bare one that some clients send is taken too.
    #[serde(rename = "deflate")]
    Deflate,
    /// Brotli.
    #[serde(rename = "br")]
    Br,
    /// Windows of up to 8 MiB (RFC 8878).
    #[serde(rename = "zstd")]
    Zstd,
}

/// Where the bucket stands in a URL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum S3Addressing {
    /// The first label of the host.
    #[default]
    #[serde(rename = "virtual")]
    Virtual,
    /// The first segment of the path.
    #[serde(rename = "path")]
    Path,
}

/// What becomes of the times of a schedule at which no scheduler ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Misfire {
    /// They are left out.
    #[default]
    #[serde(rename = "skip")]
    Skip,
    /// One job stands for all of them: the latest.
    #[serde(rename = "once")]
    Once,
    /// One job for each.
    #[serde(rename = "all")]
    All,
}

/// What becomes of a time of a schedule while the job before has not ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Overlap {
    /// A job is made all the same.
    #[default]
    #[serde(rename = "allow")]
    Allow,
    /// The time is left out.
    #[serde(rename = "forbid")]
    Forbid,
}

/// Where spans, metrics and log records go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum TelemetryExporter {
    /// Nowhere. Metrics are still kept for `metrics_path`.
    #[default]
    #[serde(rename = "none")]
    None,
    /// Kept in the process for tests.
    #[serde(rename = "memory")]
    Memory,
    /// To a collector by OTLP over HTTP, as protobuf.
    #[serde(rename = "otlp_http")]
    OtlpHttp,
    /// To a collector by OTLP over HTTP, as JSON.
    #[serde(rename = "otlp_http_json")]
    OtlpHttpJson,
    /// To a collector by OTLP over gRPC.
    #[serde(rename = "otlp_grpc")]
    OtlpGrpc,
}

/// Which traces are recorded; those of `OTEL_TRACES_SAMPLER`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum TelemetrySampler {
    /// All.
    #[default]
    #[serde(rename = "always_on")]
    AlwaysOn,
    /// None.
    #[serde(rename = "always_off")]
    AlwaysOff,
    /// The share `sampler_arg` of all traces, decided by the trace's id.
    #[serde(rename = "traceidratio")]
    Traceidratio,
    /// As the caller decided; all where there is none.
    #[serde(rename = "parentbased_always_on")]
    ParentbasedAlwaysOn,
    /// As the caller decided; none where there is none.
    #[serde(rename = "parentbased_always_off")]
    ParentbasedAlwaysOff,
    /// As the caller decided; the share `sampler_arg` where there is none.
    #[serde(rename = "parentbased_traceidratio")]
    ParentbasedTraceidratio,
}

/// How what is exported is compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum TelemetryCompression {
    /// Not at all.
    #[default]
    #[serde(rename = "none")]
    None,
    /// By gzip.
    #[serde(rename = "gzip")]
    Gzip,
}

/// Where an application's time comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum ClockKind {
    /// The machine's monotonic clock.
    #[default]
    #[serde(rename = "real")]
    Real,
    /// A clock that `test.advance` moves. A release build refuses it unless SPIKARD_TEST=1.
    #[serde(rename = "virtual")]
    Virtual,
}

/// Who does the I/O of a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Drive {
    /// The thread that polls the port.
    #[default]
    #[serde(rename = "inline")]
    Inline,
    /// Threads of the core; the port only takes what they have made ready.
    #[serde(rename = "thread")]
    Thread,
}

/// A part of an application that a process may run alone, so that one image scales each part by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Role {
    /// The HTTP server, and the CloudEvents that come through it.
    #[default]
    #[serde(rename = "web")]
    Web,
    /// Message consumers.
    #[serde(rename = "consumer")]
    Consumer,
    /// Task workers.
    #[serde(rename = "worker")]
    Worker,
    /// Schedules.
    #[serde(rename = "scheduler")]
    Scheduler,
}

/// How a log record is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum LogFormat {
    /// One JSON object a line.
    #[default]
    #[serde(rename = "json")]
    Json,
    /// Text for people at a terminal.
    #[serde(rename = "human")]
    Human,
}

/// The lowest level that is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum LogLevel {
    /// Everything.
    #[default]
    #[serde(rename = "trace")]
    Trace,
    /// What a developer asks for.
    #[serde(rename = "debug")]
    Debug,
    /// Start, stop and one line for what operators want to know.
    #[serde(rename = "info")]
    Info,
    /// Something is off and was dealt with.
    #[serde(rename = "warn")]
    Warn,
    /// Something failed.
    #[serde(rename = "error")]
    Error,
    /// Nothing.
    #[serde(rename = "off")]
    Off,
}

/// A cache. `memory:` (and the part of `tiered+redis:` that is in memory) keeps at most `max_bytes` or `max_entries`, whichever is given (both hold where
/// both are); what goes first is decided by how often and how lately it was asked for (W-TinyLFU). `redis:` has no such bounds: its server decides.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CacheConfig {
    /// `memory:`, `redis://HOST:6379/DB` (also `rediss:`, `redis+unix:`, `redis+sentinel:`, `redis+cluster:`), or one of these behind `tiered+`: memory
    /// in front of it.
    #[serde(rename = "url", skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The most that `memory:` holds, keys, values and about 90 bytes an entry counted. Null: 64 MiB, or no limit of bytes where `max_entries` is given.
    #[serde(rename = "max_bytes", skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// The most entries that `memory:` holds. Null: as many as `max_bytes` allows.
    #[serde(rename = "max_entries", skip_serializing_if = "Option::is_none")]
    pub max_entries: Option<u64>,
    /// How long an entry lives that was set without a time. Null: for ever.
    #[serde(rename = "default_ttl_ms", skip_serializing_if = "Option::is_none")]
    pub default_ttl_ms: Option<u64>,
}

/// A message broker.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MessagingConfig {
    /// `memory:`, `sqlite:FILE`, or the URL of another backend.
    #[serde(rename = "url", skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The delivery store of `mqtt:`: `sqlite:FILE`, where messages lie from their arrival until they are settled, or `memory:` for what may be lost. Not
    /// the file of a `sqlite:` broker.
    #[serde(rename = "store", skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// How patterns are written, on `memory:` and `sqlite:`.
    #[serde(rename = "topics", skip_serializing_if = "Option::is_none")]
    pub topics: Option<TopicStyle>,
    /// The longest payload that is taken; keys and headers come on top (64 KiB together).
    #[serde(rename = "max_message_bytes", skip_serializing_if = "Option::is_none")]
    pub max_message_bytes: Option<u32>,
    /// What `memory:` may hold, dead letters included; at the limit `publish` is refused (rate_limited).
    #[serde(rename = "max_bytes", skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// How long a message that no group waits for is kept for replay, on `memory:`, `sqlite:` and `redis:`. `memory:` gives it up earlier when it needs
    /// the room. Dead letters stay until they are redriven or purged.
    #[serde(rename = "retention_ms", skip_serializing_if = "Option::is_none")]
    pub retention_ms: Option<u64>,
    /// How often `sqlite:` looks for what other processes did. Within a process consumers are woken at once.
    #[serde(rename = "poll_ms", skip_serializing_if = "Option::is_none")]
    pub poll_ms: Option<u32>,
}

/// When a message comes again after its handler failed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Backoff {
    /// How the wait grows.
    #[serde(rename = "kind", skip_serializing_if = "Option::is_none")]
    pub kind: Option<BackoffKind>,
    /// The wait after the first failure.
    #[serde(rename = "initial_ms", skip_serializing_if = "Option::is_none")]
    pub initial_ms: Option<u32>,
    /// A number from 1 to 100; null for 2.
    #[serde(rename = "factor", skip_serializing_if = "Option::is_none")]
    pub factor: Option<Value>,
    /// The longest wait.
    #[serde(rename = "max_ms", skip_serializing_if = "Option::is_none")]
    pub max_ms: Option<u32>,
    /// Takes off up to this part of each wait, at random, so that failures do not come back together.
    #[serde(rename = "jitter_percent", skip_serializing_if = "Option::is_none")]
    pub jitter_percent: Option<u8>,
}

/// A subscription whose messages a handler of the application takes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Consumer {
    /// Its name in reports, logs and telemetry; unique.
    #[serde(rename = "name")]
    pub name: String,
    /// Which of `services.messaging`.
    #[serde(rename = "client", skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Topic or pattern.
    #[serde(rename = "topic")]
    pub topic: String,
    /// Each message goes to one consumer of a group. What a group has taken is remembered by its name and topic; empty for the name of the consumer.
    #[serde(rename = "group", skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Handlers at once, in each process.
    #[serde(rename = "concurrency", skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// Messages in hand, those included that wait for a handler; 0 for as many as `concurrency`.
    #[serde(rename = "max_in_flight", skip_serializing_if = "Option::is_none")]
    pub max_in_flight: Option<u32>,
    /// A message waits until the one before it of the same key is settled, its retries included, in the whole group. Messages without a key do not wait.
    #[serde(rename = "ordered", skip_serializing_if = "Option::is_none")]
    pub ordered: Option<bool>,
    /// After 1 + `max_retries` tries a message goes to the dead letters.
    #[serde(rename = "max_retries", skip_serializing_if = "Option::is_none")]
    pub max_retries: Option<u32>,
    /// When it comes again after an exception or a time-out.
    #[serde(rename = "backoff", skip_serializing_if = "Option::is_none")]
    pub backoff: Option<Backoff>,
    /// Topic for what is given up. Null: it is dropped and counted.
    #[serde(rename = "dead_letter", skip_serializing_if = "Option::is_none")]
    pub dead_letter: Option<String>,
    /// A message whose consumer died goes to another one after this time. A consumer that lives keeps its messages, however long a handler takes.
    #[serde(rename = "ack_wait_ms", skip_serializing_if = "Option::is_none")]
    pub ack_wait_ms: Option<u32>,
    /// The longest a handler may take; then it is cancelled and the message comes again. Null for no limit.
    #[serde(rename = "handler_timeout_ms", skip_serializing_if = "Option::is_none")]
    pub handler_timeout_ms: Option<u32>,
    /// Where a new group begins.
    #[serde(rename = "start_from", skip_serializing_if = "Option::is_none")]
    pub start_from: Option<StartFrom>,
    /// JSON Schema 2020-12 of the payload, which is then JSON. A message that does not fit goes to the dead letters at once, with its validation errors.
    #[serde(rename = "schema", skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
}

/// Which events go to which handler. Patterns are exact text, or have `*` for any run of characters.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EventSubscription {
    /// Number of the handler in the port; several subscriptions may name the same.
    #[serde(rename = "handler")]
    pub handler: u32,
    /// Pattern of the event's type; case counts. Exact beats a pattern, a longer pattern a shorter one.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// Pattern of its source.
    #[serde(rename = "source", skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Pattern of its subject; an event without one fits `*` only.
    #[serde(rename = "subject", skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// Remembers the events that were handled, by source and id, for this endpoint or consumer group alone, and acknowledges one that comes again without
/// running its handler. What a handler refused is not remembered.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EventInbox {
    /// Which of `services.db` keeps it.
    #[serde(rename = "db", skip_serializing_if = "Option::is_none")]
    pub db: Option<String>,
    /// How long an event is remembered.
    #[serde(rename = "retention_ms", skip_serializing_if = "Option::is_none")]
    pub retention_ms: Option<u64>,
}

/// A path that takes CloudEvents over HTTP and hands them to the application's event handlers.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EventEndpoint {
    /// Where events are posted; `/` for Knative and Cloud Functions.
    #[serde(rename = "path")]
    pub path: String,
    /// Which events go to which handler; the best fit takes it.
    #[serde(rename = "subscriptions", skip_serializing_if = "Option::is_none")]
    pub subscriptions: Option<Vec<EventSubscription>>,
    /// Number of the handler of what no subscription takes. Null: refused with 400.
    #[serde(rename = "handler", skip_serializing_if = "Option::is_none")]
    pub handler: Option<u32>,
    /// Senders that the webhook handshake grants (`WebHook-Request-Origin`, DNS names in any case, `*.example.com`, `*` for all). Empty: it grants none,
    /// and no origin is looked at.
    #[serde(rename = "allowed_origins", skip_serializing_if = "Option::is_none")]
    pub allowed_origins: Option<Vec<String>>,
    /// What the handshake grants; requests beyond it get 429. It counts in each process. Null: no limit (`*`).
    #[serde(rename = "allowed_rate", skip_serializing_if = "Option::is_none")]
    pub allowed_rate: Option<u32>,
    /// Hosts to which a `WebHook-Request-Callback` may be sent (`example.com`, `*.example.com`, with `:port` where it is not 443). A handshake that names
    /// such a host is granted by the callback, any other at once.
    #[serde(rename = "callback_hosts", skip_serializing_if = "Option::is_none")]
    pub callback_hosts: Option<Vec<String>>,
    /// Callbacks over plain http: are allowed as well (tests).
    #[serde(rename = "callback_plain", skip_serializing_if = "Option::is_none")]
    pub callback_plain: Option<bool>,
    /// Events of one batch; more gets 413.
    #[serde(rename = "max_batch", skip_serializing_if = "Option::is_none")]
    pub max_batch: Option<u32>,
    /// Events of one batch in hand at once; they begin in their order.
    #[serde(rename = "batch_concurrency", skip_serializing_if = "Option::is_none")]
    pub batch_concurrency: Option<u32>,
    /// Time-out of a request; null for the HTTP server's.
    #[serde(rename = "timeout_ms", skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u32>,
    /// Handles an event once; null for at least once.
    #[serde(rename = "inbox", skip_serializing_if = "Option::is_none")]
    pub inbox: Option<EventInbox>,
}

/// A subscription to a broker whose messages are CloudEvents.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EventConsumer {
    /// The consumer of the messages.
    #[serde(rename = "consumer")]
    pub consumer: Consumer,
    /// How events are laid out in its messages.
    #[serde(rename = "binding", skip_serializing_if = "Option::is_none")]
    pub binding: Option<EventBinding>,
    /// Which events go to which handler; the best fit takes it.
    #[serde(rename = "subscriptions", skip_serializing_if = "Option::is_none")]
    pub subscriptions: Option<Vec<EventSubscription>>,
    /// Number of the handler of what no subscription takes. Null: to the dead letter.
    #[serde(rename = "handler", skip_serializing_if = "Option::is_none")]
    pub handler: Option<u32>,
    /// Which of `services.events` takes the events that handlers answer with. Empty: an answer is a failure.
    #[serde(rename = "reply", skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// Handles an event once; null for at least once.
    #[serde(rename = "inbox", skip_serializing_if = "Option::is_none")]
    pub inbox: Option<EventInbox>,
}

/// When a failed delivery is tried again.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EventRetry {
    /// Tries after the first.
    #[serde(rename = "max_retries", skip_serializing_if = "Option::is_none")]
    pub max_retries: Option<u32>,
    /// Wait before the first retry. A longer Retry-After of the receiver wins.
    #[serde(rename = "initial_ms", skip_serializing_if = "Option::is_none")]
    pub initial_ms: Option<u32>,
    /// Each wait is this part of the one before.
    #[serde(rename = "factor_percent", skip_serializing_if = "Option::is_none")]
    pub factor_percent: Option<u32>,
    /// The longest wait, Retry-After included.
    #[serde(rename = "max_ms", skip_serializing_if = "Option::is_none")]
    pub max_ms: Option<u32>,
    /// Takes off up to this part of a wait, at random.
    #[serde(rename = "jitter_percent", skip_serializing_if = "Option::is_none")]
    pub jitter_percent: Option<u32>,
}

/// Where an application sends events.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EventSender {
    /// An `http:` or `https:` URL, or `messaging:CLIENT/TOPIC` for a broker of `services.messaging`. `K_SINK` of the environment (Knative) sets that of
    /// `default`.
    #[serde(rename = "url", skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// How events are laid out. Batches are always structured.
    #[serde(rename = "mode", skip_serializing_if = "Option::is_none")]
    pub mode: Option<EventMode>,
    /// How they are laid out in a broker's messages.
    #[serde(rename = "binding", skip_serializing_if = "Option::is_none")]
    pub binding: Option<EventBinding>,
    /// The `source` of events that have none.
    #[serde(rename = "source", skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Attributes that every event gets; they replace its own. `K_CE_OVERRIDES` of the environment sets those of `default` beside `K_SINK`.
    #[serde(rename = "extensions", skip_serializing_if = "Option::is_none")]
    pub extensions: Option<BTreeMap<String, String>>,
    /// Value of `WebHook-Request-Origin`; empty: not sent.
    #[serde(rename = "origin", skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Further headers of every request, such as Authorization. Values are kept out of logs.
    #[serde(rename = "headers", skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<String, String>>,
    /// The longest a try may take.
    #[serde(rename = "timeout_ms", skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u32>,
    /// When a failed delivery is tried again.
    #[serde(rename = "retry", skip_serializing_if = "Option::is_none")]
    pub retry: Option<EventRetry>,
}

/// How many connections a client uses at once.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DbPool {
    /// Queries, streams and transactions at once in this process; one more waits.
    #[serde(rename = "max", skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    /// How long to wait for a connection; then the error is timeout, pool_timeout.
    #[serde(rename = "acquire_timeout_ms", skip_serializing_if = "Option::is_none")]
    pub acquire_timeout_ms: Option<u32>,
}

/// A database.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DbConfig {
    /// `sqlite:FILE`, `sqlite::memory:`, `postgres://USER:PASSWORD@HOST/DATABASE`, `mysql://USER:PASSWORD@HOST/DATABASE` (docs/guide/db.md has their
    /// options), or the URL of another backend. SQLite: `?synchronous=normal` trades the last commits before a power cut for speed, `&busy_timeout_ms=N`
    /// is how long to wait for another process.
    #[serde(rename = "url", skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Connections.
    #[serde(rename = "pool", skip_serializing_if = "Option::is_none")]
    pub pool: Option<DbPool>,
    /// The longest a statement may take (for a stream or cursor: the longest between two parts); then it is interrupted. Null for no limit.
    #[serde(rename = "statement_timeout_ms", skip_serializing_if = "Option::is_none")]
    pub statement_timeout_ms: Option<Option<u32>>,
    /// The longest a transaction may stay open; then it is rolled back. Null for no limit.
    #[serde(rename = "transaction_timeout_ms", skip_serializing_if = "Option::is_none")]
    pub transaction_timeout_ms: Option<Option<u32>>,
    /// Prepared statements kept on each connection.
    #[serde(rename = "statement_cache", skip_serializing_if = "Option::is_none")]
    pub statement_cache: Option<u32>,
    /// Most rows that `query` gives; more is too_large: stream them, or use a cursor.
    #[serde(rename = "max_rows", skip_serializing_if = "Option::is_none")]
    pub max_rows: Option<u32>,
    /// Folder of `NNNN_name.sql` files; empty for none.
    #[serde(rename = "migrations", skip_serializing_if = "Option::is_none")]
    pub migrations: Option<String>,
    /// Apply what is missing of `migrations` when the application starts.
    #[serde(rename = "migrate_on_start", skip_serializing_if = "Option::is_none")]
    pub migrate_on_start: Option<bool>,
}

/// What goes wrong in the clients of the toolbox under test, by chance but always the same: whether the n-th call of an operation fails is decided by the
/// seed, the client, the operation, what it is about (a statement, a topic, a task) and n. Each chance is a number from 0 to 1; null is 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Faults {
    /// Another seed, other faults.
    #[serde(rename = "seed", skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The chance that an operation fails with `unavailable` before it takes effect.
    #[serde(rename = "unavailable", skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<Value>,
    /// The chance that an operation takes effect and then fails with `outcome_unknown`.
    #[serde(rename = "lost_answer", skip_serializing_if = "Option::is_none")]
    pub lost_answer: Option<Value>,
    /// The chance that an operation waits first, on the virtual clock.
    #[serde(rename = "delay", skip_serializing_if = "Option::is_none")]
    pub delay: Option<Value>,
    /// The longest such wait.
    #[serde(rename = "delay_ms", skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u32>,
    /// The chance that a message or task comes again after it was done, as if that had not been heard; at most three times.
    #[serde(rename = "repeated", skip_serializing_if = "Option::is_none")]
    pub repeated: Option<Value>,
    /// The clients that have faults; none named: all.
    #[serde(rename = "only", skip_serializing_if = "Option::is_none")]
    pub only: Option<Vec<FaultyClients>>,
}

/// TLS of a listener (1.2 and 1.3). Files are read again when they change; connections that exist keep what they have.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Tls {
    /// PEM file, the leaf first.
    #[serde(rename = "certificate")]
    pub certificate: String,
    /// PEM file of the private key.
    #[serde(rename = "key")]
    pub key: String,
    /// Protocols offered, best first.
    #[serde(rename = "alpn", skip_serializing_if = "Option::is_none")]
    pub alpn: Option<Vec<String>>,
}

/// An address that is listened on.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Listener {
    /// An IPv4 or IPv6 address, or `unix:/path`.
    #[serde(rename = "address", skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// TCP port; 0 takes a free one, which `spk_info` tells. Ignored with `unix:`.
    #[serde(rename = "port", skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// TLS; null for plain text.
    #[serde(rename = "tls", skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
}

/// A declared parameter, as in OpenAPI. It reaches the handler validated and coerced to the type of its schema.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Parameter {
    /// Where it is read from.
    #[serde(rename = "in")]
    pub r#in: ParameterIn,
    /// Its name; headers in any case.
    #[serde(rename = "name")]
    pub name: String,
    /// Missing is an error. Path parameters always are.
    #[serde(rename = "required", skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
    /// JSON Schema 2020-12; `default` stands for a missing one. Null: any text.
    #[serde(rename = "schema", skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// Layout; null is `simple` for path and header, `form` for query and cookie.
    #[serde(rename = "style", skip_serializing_if = "Option::is_none")]
    pub style: Option<ParameterStyle>,
    /// Each element by itself; null is true for `form` and `deepObject`, else false.
    #[serde(rename = "explode", skip_serializing_if = "Option::is_none")]
    pub explode: Option<bool>,
}

/// What a file field of a multipart body must be. Errors are at `["files", NAME]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FileField {
    /// A file must be there.
    #[serde(rename = "required", skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
    /// Media types that a part may declare; none: any.
    #[serde(rename = "content_types", skip_serializing_if = "Option::is_none")]
    pub content_types: Option<Vec<String>>,
    /// An empty file is refused, and one whose first bytes are those of another type than it declares (PNG, JPEG, GIF and PDF are known).
    #[serde(rename = "sniff", skip_serializing_if = "Option::is_none")]
    pub sniff: Option<bool>,
    /// Largest file; more gets 413. Null for the application's `multipart.file_bytes`.
    #[serde(rename = "max_bytes", skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
}

/// What a route takes as its request body.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Body {
    /// Media types that are taken; others get 415.
    #[serde(rename = "content_types", skip_serializing_if = "Option::is_none")]
    pub content_types: Option<Vec<String>>,
    /// JSON Schema 2020-12; null for no validation.
    #[serde(rename = "schema", skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// An empty body is an error.
    #[serde(rename = "required", skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
    /// How the body reaches the handler.
    #[serde(rename = "mode", skip_serializing_if = "Option::is_none")]
    pub mode: Option<BodyMode>,
    /// File fields of a multipart body, by name.
    #[serde(rename = "files", skip_serializing_if = "Option::is_none")]
    pub files: Option<BTreeMap<String, FileField>>,
    /// In which form a buffered JSON body is handed over.
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    pub r#as: Option<BodyAs>,
    /// Largest body of this route; more gets 413. Null for the application's `limits.body_bytes`.
    #[serde(rename = "max_bytes", skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
}

/// Something a handler takes that the application provides.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Dependency {
    /// Number of the dependency in the port; unique over the application and all routes.
    #[serde(rename = "id")]
    pub id: u32,
    /// Name that `inject` and `depends_on` use.
    #[serde(rename = "name")]
    pub name: String,
    /// How it comes to be.
    #[serde(rename = "kind", skip_serializing_if = "Option::is_none")]
    pub kind: Option<DependencyKind>,
    /// How long what a factory made is kept. A value is always a singleton.
    #[serde(rename = "scope", skip_serializing_if = "Option::is_none")]
    pub scope: Option<DependencyScope>,
    /// Names of the dependencies a factory takes, in order.
    #[serde(rename = "depends_on", skip_serializing_if = "Option::is_none")]
    pub depends_on: Option<Vec<String>>,
    /// The host is told when it is no longer used, in reverse order of making.
    #[serde(rename = "cleanup", skip_serializing_if = "Option::is_none")]
    pub cleanup: Option<bool>,
    /// JSON type of a value, checked against `inject_types`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub r#type: Option<JsonType>,
    /// The host's token of a value; a factory gives its token each time.
    #[serde(rename = "token", skip_serializing_if = "Option::is_none")]
    pub token: Option<u64>,
}

/// Bearer tokens that are JSON Web Tokens (RFC 7519). A token must be signed with `algorithm`; `exp` and `nbf` count where it has them.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Jwt {
    /// The only signature that is taken.
    #[serde(rename = "algorithm", skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<JwtAlgorithm>,
    /// Key of HS256, HS384 and HS512. Kept out of logs and errors.
    #[serde(rename = "secret", skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Key of the other algorithms: PEM text, of a public key or a certificate.
    #[serde(rename = "public_key", skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// A PEM file with it, instead.
    #[serde(rename = "public_key_file", skip_serializing_if = "Option::is_none")]
    pub public_key_file: Option<String>,
    /// A file with a set of keys (RFC 7517), instead: a token's `kid` says which. Read at start-up.
    #[serde(rename = "jwks_file", skip_serializing_if = "Option::is_none")]
    pub jwks_file: Option<String>,
    /// `iss` that a token must have; null for any.
    #[serde(rename = "issuer", skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// `aud` of a token must have one of these; none: any.
    #[serde(rename = "audience", skip_serializing_if = "Option::is_none")]
    pub audience: Option<Vec<String>>,
    /// How far clocks may differ where `exp` and `nbf` are looked at.
    #[serde(rename = "leeway", skip_serializing_if = "Option::is_none")]
    pub leeway: Option<u32>,
    /// Claims that must be there, else 403.
    #[serde(rename = "required_claims", skip_serializing_if = "Option::is_none")]
    pub required_claims: Option<Vec<String>>,
}

/// Keys in a header or a query parameter, compared in constant time.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ApiKey {
    /// Header it is read from; empty for none.
    #[serde(rename = "header", skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Query parameter it is read from where there is no such header; empty for none.
    #[serde(rename = "query", skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The keys that are good. Kept out of logs and errors.
    #[serde(rename = "keys", skip_serializing_if = "Option::is_none")]
    pub keys: Option<Vec<String>>,
}

/// Names and passwords (RFC 7617), compared in constant time.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Basic {
    /// Realm of the challenge.
    #[serde(rename = "realm", skip_serializing_if = "Option::is_none")]
    pub realm: Option<String>,
    /// Passwords by name. Kept out of logs and errors.
    #[serde(rename = "users", skip_serializing_if = "Option::is_none")]
    pub users: Option<BTreeMap<String, String>>,
}

/// Who may call. With several schemes an Authorization header decides alone, by its scheme; an API key counts where there is none. With no scheme
/// everybody may.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Auth {
    /// Bearer tokens.
    #[serde(rename = "jwt", skip_serializing_if = "Option::is_none")]
    pub jwt: Option<Jwt>,
    /// Names and passwords.
    #[serde(rename = "basic", skip_serializing_if = "Option::is_none")]
    pub basic: Option<Basic>,
    /// API keys.
    #[serde(rename = "api_key", skip_serializing_if = "Option::is_none")]
    pub api_key: Option<ApiKey>,
}

/// A method and a path with what the core checks before the handler runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Route {
    /// Its method.
    #[serde(rename = "method")]
    pub method: HttpMethod,
    /// `/users/{id:int}`; types int, float, bool, uuid, date, datetime, str, path (the rest).
    #[serde(rename = "path")]
    pub path: String,
    /// Name in logs, telemetry and OpenAPI.
    #[serde(rename = "name", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Declared parameters; the handler gets them in this order.
    #[serde(rename = "parameters", skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Vec<Parameter>>,
    /// The request body; null when the route takes none.
    #[serde(rename = "body", skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    /// Names of the dependencies the handler takes, in order.
    #[serde(rename = "inject", skip_serializing_if = "Option::is_none")]
    pub inject: Option<Vec<String>>,
    /// JSON types that injected values must have; checked at start-up.
    #[serde(rename = "inject_types", skip_serializing_if = "Option::is_none")]
    pub inject_types: Option<BTreeMap<String, JsonType>>,
    /// Dependencies of this route; one with the name of an application's replaces it.
    #[serde(rename = "dependencies", skip_serializing_if = "Option::is_none")]
    pub dependencies: Option<Vec<Dependency>>,
    /// Who may call this route, instead of the application's `auth`; `{}` lets everybody. Null for the application's.
    #[serde(rename = "auth", skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    /// Scopes that a token's `scope` (or `scp`, or `scopes`) must all have, else 403.
    #[serde(rename = "scopes", skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// Time-out of this route; null for the application's.
    #[serde(rename = "timeout_ms", skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u32>,
    /// A C++ handler that blocks: it runs on the blocking pool. Hosts decide this themselves.
    #[serde(rename = "blocking", skip_serializing_if = "Option::is_none")]
    pub blocking: Option<bool>,
}

/// Names of the hooks of each phase, in the order they run. A name is for logs; the number of a hook in the port is its place.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Hooks {
    /// After routing and authentication, before the body is read.
    #[serde(rename = "on_request", skip_serializing_if = "Option::is_none")]
    pub on_request: Option<Vec<String>>,
    /// After the body was read, before it is validated.
    #[serde(rename = "pre_validation", skip_serializing_if = "Option::is_none")]
    pub pre_validation: Option<Vec<String>>,
    /// After validation, before the handler.
    #[serde(rename = "pre_handler", skip_serializing_if = "Option::is_none")]
    pub pre_handler: Option<Vec<String>>,
    /// After the handler has answered.
    #[serde(rename = "on_response", skip_serializing_if = "Option::is_none")]
    pub on_response: Option<Vec<String>>,
    /// Instead of `on_response` after an exception.
    #[serde(rename = "on_error", skip_serializing_if = "Option::is_none")]
    pub on_error: Option<Vec<String>>,
}

/// A request id taken from the client or made.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RequestId {
    /// Requests get an id, and answers tell it.
    #[serde(rename = "enabled", skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Header it is read from and written to.
    #[serde(rename = "header", skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
}

/// The longest a request may take.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Timeout {
    /// From the end of the request head to the start of the answer; null for none.
    #[serde(rename = "ms", skip_serializing_if = "Option::is_none")]
    pub ms: Option<u32>,
    /// Status of the answer when it is over.
    #[serde(rename = "status", skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

/// Limits on what a client may send or hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Limits {
    /// Request body; more gets 413.
    #[serde(rename = "body_bytes", skip_serializing_if = "Option::is_none")]
    pub body_bytes: Option<u64>,
    /// Request line and headers; more gets 431.
    #[serde(rename = "header_bytes", skip_serializing_if = "Option::is_none")]
    pub header_bytes: Option<u32>,
    /// Number of request headers; more gets 431.
    #[serde(rename = "header_count", skip_serializing_if = "Option::is_none")]
    pub header_count: Option<u32>,
    /// Request target; more gets 414.
    #[serde(rename = "uri_bytes", skip_serializing_if = "Option::is_none")]
    pub uri_bytes: Option<u32>,
    /// Containers inside each other in a JSON body; more gets 400.
    #[serde(rename = "json_depth", skip_serializing_if = "Option::is_none")]
    pub json_depth: Option<u32>,
    /// From the first byte of a request to the end of its head.
    #[serde(rename = "header_timeout_ms", skip_serializing_if = "Option::is_none")]
    pub header_timeout_ms: Option<u32>,
    /// Between two reads of a request body.
    #[serde(rename = "body_timeout_ms", skip_serializing_if = "Option::is_none")]
    pub body_timeout_ms: Option<u32>,
    /// Of a kept connection between two requests.
    #[serde(rename = "idle_timeout_ms", skip_serializing_if = "Option::is_none")]
    pub idle_timeout_ms: Option<u32>,
    /// Without progress in sending an answer.
    #[serde(rename = "write_timeout_ms", skip_serializing_if = "Option::is_none")]
    pub write_timeout_ms: Option<u32>,
    /// Open connections of an I/O loop; further ones wait to be accepted.
    #[serde(rename = "connections", skip_serializing_if = "Option::is_none")]
    pub connections: Option<u32>,
    /// Requests of one connection in flight at once; further ones are not read yet.
    #[serde(rename = "pipeline", skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<u32>,
}

/// Limits of multipart/form-data bodies beside `limits.body_bytes`. They are parsed while they arrive.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Multipart {
    /// Parts of a body; more gets 413.
    #[serde(rename = "parts", skip_serializing_if = "Option::is_none")]
    pub parts: Option<u32>,
    /// Headers of a part; more gets 413.
    #[serde(rename = "header_bytes", skip_serializing_if = "Option::is_none")]
    pub header_bytes: Option<u32>,
    /// Text fields of a body together; more gets 413.
    #[serde(rename = "field_bytes", skip_serializing_if = "Option::is_none")]
    pub field_bytes: Option<u64>,
    /// Largest file; more gets 413. Null for no limit but the body's.
    #[serde(rename = "file_bytes", skip_serializing_if = "Option::is_none")]
    pub file_bytes: Option<u64>,
    /// Files of a body that are kept in memory, together. A file that does not fit goes to a temporary file, which is deleted when the request has ended.
    #[serde(rename = "memory_bytes", skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Folder of the temporary files.
    #[serde(rename = "directory", skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
}

/// Buffered request bodies with a Content-Encoding, decoded while they arrive.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Decompression {
    /// Codings that are taken, one a body; others get 415 with Accept-Encoding.
    #[serde(rename = "encodings", skip_serializing_if = "Option::is_none")]
    pub encodings: Option<Vec<ContentCoding>>,
    /// Largest body once decoded; more gets 413. Null for the body's own limit, which always holds for what was sent.
    #[serde(rename = "max_bytes", skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
}

/// The health endpoints. A route with the same path wins.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Health {
    /// They are served.
    #[serde(rename = "enabled", skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// 200 while the process works.
    #[serde(rename = "live", skip_serializing_if = "Option::is_none")]
    pub live: Option<String>,
    /// 200 while every required component is ready and no drain has begun, else 503.
    #[serde(rename = "ready", skip_serializing_if = "Option::is_none")]
    pub ready: Option<String>,
}

/// Cross-origin requests (Fetch). Preflights are answered before routing and authentication; all answers, errors too, have the headers.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Cors {
    /// Origins as browsers send them, `https://app.example.com`, compared exactly; `*` for all.
    #[serde(rename = "allow_origins", skip_serializing_if = "Option::is_none")]
    pub allow_origins: Option<Vec<String>>,
    /// Regular expressions (ECMA-262) that the whole of an origin must match.
    #[serde(rename = "allow_origin_patterns", skip_serializing_if = "Option::is_none")]
    pub allow_origin_patterns: Option<Vec<String>>,
    /// Methods that a preflight may ask for, in upper case; `*` for all.
    #[serde(rename = "allow_methods", skip_serializing_if = "Option::is_none")]
    pub allow_methods: Option<Vec<String>>,
    /// Request headers that a preflight may ask for, in any case; `*` for all.
    #[serde(rename = "allow_headers", skip_serializing_if = "Option::is_none")]
    pub allow_headers: Option<Vec<String>>,
    /// Response headers that pages may read.
    #[serde(rename = "expose_headers", skip_serializing_if = "Option::is_none")]
    pub expose_headers: Option<Vec<String>>,
    /// Pages may send cookies and credentials. With `*` the origin is then named in the answer.
    #[serde(rename = "allow_credentials", skip_serializing_if = "Option::is_none")]
    pub allow_credentials: Option<bool>,
    /// How long a browser may keep a preflight's answer; null for its own default.
    #[serde(rename = "max_age", skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u32>,
    /// What becomes of a request from another origin. A preflight always gets 403.
    #[serde(rename = "on_disallowed", skip_serializing_if = "Option::is_none")]
    pub on_disallowed: Option<CorsDisallowed>,
}

/// Coding of answers by Accept-Encoding (RFC 9110 12.5.3), streamed ones too. Text, JSON, XML, JavaScript and SVG are coded; what is coded already,
/// ranges and `no-transform` are not.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Compression {
    /// Offer gzip.
    #[serde(rename = "gzip", skip_serializing_if = "Option::is_none")]
    pub gzip: Option<bool>,
    /// Offer br.
    #[serde(rename = "brotli", skip_serializing_if = "Option::is_none")]
    pub brotli: Option<bool>,
    /// Offer zstd.
    #[serde(rename = "zstd", skip_serializing_if = "Option::is_none")]
    pub zstd: Option<bool>,
    /// Shorter bodies are sent as they are.
    #[serde(rename = "min_size", skip_serializing_if = "Option::is_none")]
    pub min_size: Option<u32>,
    /// From fast to small, on the scale of brotli; gzip ends at 9.
    #[serde(rename = "quality", skip_serializing_if = "Option::is_none")]
    pub quality: Option<u32>,
}

/// Files of a folder. A path without a file goes on to the routes. Hidden files (`.x`, but not `.well-known`) are not served, nor links out of the
/// folder.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct StaticFiles {
    /// Path that they are below, as `/static`; `/` for all paths.
    #[serde(rename = "prefix")]
    pub prefix: String,
    /// The folder. It must be there at start-up.
    #[serde(rename = "directory")]
    pub directory: String,
    /// A folder's path with `/` at its end gives its index.html; without, it is redirected there.
    #[serde(rename = "index_file", skip_serializing_if = "Option::is_none")]
    pub index_file: Option<bool>,
    /// Value of Cache-Control; null for none.
    #[serde(rename = "cache_control", skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<String>,
    /// Serve `x.js.br`, `.zst` or `.gz` for `x.js` to those who accept it.
    #[serde(rename = "precompressed", skip_serializing_if = "Option::is_none")]
    pub precompressed: Option<bool>,
}

/// Token buckets in memory, shared by the loops of a process. Without a token the answer is 429 with Retry-After. Health and metrics paths are not
/// counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RateLimit {
    /// Tokens a bucket gets in a second: a number over 0, such as 0.5.
    #[serde(rename = "per_second")]
    pub per_second: Value,
    /// Tokens a bucket holds at most.
    #[serde(rename = "burst", skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
    /// Who has a bucket.
    #[serde(rename = "by", skip_serializing_if = "Option::is_none")]
    pub by: Option<RateLimitBy>,
    /// Name of the header where `by` is header.
    #[serde(rename = "header", skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Buckets kept at most; over it the one that was used longest ago goes.
    #[serde(rename = "max_keys", skip_serializing_if = "Option::is_none")]
    pub max_keys: Option<u32>,
}

/// Headers that every answer has unless the handler set them itself. An empty text leaves one out.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SecurityHeaders {
    /// X-Content-Type-Options.
    #[serde(rename = "content_type_options", skip_serializing_if = "Option::is_none")]
    pub content_type_options: Option<String>,
    /// X-Frame-Options.
    #[serde(rename = "frame_options", skip_serializing_if = "Option::is_none")]
    pub frame_options: Option<String>,
    /// Referrer-Policy.
    #[serde(rename = "referrer_policy", skip_serializing_if = "Option::is_none")]
    pub referrer_policy: Option<String>,
    /// Strict-Transport-Security, on encrypted connections only.
    #[serde(rename = "strict_transport_security", skip_serializing_if = "Option::is_none")]
    pub strict_transport_security: Option<String>,
    /// Content-Security-Policy.
    #[serde(rename = "content_security_policy", skip_serializing_if = "Option::is_none")]
    pub content_security_policy: Option<String>,
    /// Permissions-Policy.
    #[serde(rename = "permissions_policy", skip_serializing_if = "Option::is_none")]
    pub permissions_policy: Option<String>,
    /// Cross-Origin-Opener-Policy.
    #[serde(rename = "cross_origin_opener_policy", skip_serializing_if = "Option::is_none")]
    pub cross_origin_opener_policy: Option<String>,
    /// Cross-Origin-Resource-Policy.
    #[serde(rename = "cross_origin_resource_policy", skip_serializing_if = "Option::is_none")]
    pub cross_origin_resource_policy: Option<String>,
}

/// The HTTP server.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct HttpConfig {
    /// Addresses; none: reached in memory only. `run()` of a binding adds 127.0.0.1:8000 when there is none.
    #[serde(rename = "listeners", skip_serializing_if = "Option::is_none")]
    pub listeners: Option<Vec<Listener>>,
    /// Routes; the index of one is its id.
    #[serde(rename = "routes", skip_serializing_if = "Option::is_none")]
    pub routes: Option<Vec<Route>>,
    /// Hooks of the application.
    #[serde(rename = "hooks", skip_serializing_if = "Option::is_none")]
    pub hooks: Option<Hooks>,
    /// Dependencies of the application.
    #[serde(rename = "dependencies", skip_serializing_if = "Option::is_none")]
    pub dependencies: Option<Vec<Dependency>>,
    /// Request ids.
    #[serde(rename = "request_id", skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    /// Time-out of every request.
    #[serde(rename = "timeout", skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Timeout>,
    /// Limits on what a client may send or hold.
    #[serde(rename = "limits", skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// Who may call; null for everybody.
    #[serde(rename = "auth", skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    /// Bodies with a Content-Encoding; null leaves them as they are.
    #[serde(rename = "decompression", skip_serializing_if = "Option::is_none")]
    pub decompression: Option<Decompression>,
    /// Limits of multipart bodies.
    #[serde(rename = "multipart", skip_serializing_if = "Option::is_none")]
    pub multipart: Option<Multipart>,
    /// Values of Host that are served, without port, `*.example.com` for all below; others get 400. None: all.
    #[serde(rename = "trusted_hosts", skip_serializing_if = "Option::is_none")]
    pub trusted_hosts: Option<Vec<String>>,
    /// How fast clients may ask; null for no limit.
    #[serde(rename = "rate_limit", skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// Folders that are served; the longest prefix that has the file counts.
    #[serde(rename = "static_files", skip_serializing_if = "Option::is_none")]
    pub static_files: Option<Vec<StaticFiles>>,
    /// Cross-origin requests; null for none.
    #[serde(rename = "cors", skip_serializing_if = "Option::is_none")]
    pub cors: Option<Cors>,
    /// Coding of answers; null for none.
    #[serde(rename = "compression", skip_serializing_if = "Option::is_none")]
    pub compression: Option<Compression>,
    /// Security headers of every answer; null for none.
    #[serde(rename = "security_headers", skip_serializing_if = "Option::is_none")]
    pub security_headers: Option<SecurityHeaders>,
    /// What the `type` of a problem document starts with.
    #[serde(rename = "problem_base", skip_serializing_if = "Option::is_none")]
    pub problem_base: Option<String>,
    /// Health endpoints.
    #[serde(rename = "health", skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// Value of the Server header; null for none.
    #[serde(rename = "server_header", skip_serializing_if = "Option::is_none")]
    pub server_header: Option<String>,
}

/// Signed URLs of `memory:` and `file:`, which the application's own HTTP server answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct StoragePresign {
    /// What stands before the path of a signed URL, `https://files.example.com`. Empty: the address of the first TCP listener, which is no use to others
    /// where that is 0.0.0.0 or behind a proxy: say it there.
    #[serde(rename = "base_url", skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// Path below which signed URLs are answered; the name of the store comes next.
    #[serde(rename = "path", skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Key of the signatures, and of the tokens of listings and uploads. Empty: a random one, which `file:` keeps in its folder and `memory:` forgets at
    /// the end of the process; elsewhere the key or secret of the store that is in the configuration, without which there are no uploads in parts.
    #[serde(rename = "secret", skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Largest body that a signed PUT takes, also of one part of an upload; more gets 413.
    #[serde(rename = "max_upload_bytes", skip_serializing_if = "Option::is_none")]
    pub max_upload_bytes: Option<u64>,
}

/// What `s3:` needs beside the bucket.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct S3Options {
    /// Region of the bucket.
    #[serde(rename = "region", skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// `https://host[:port]` without the bucket. Empty: that of AWS in the region.
    #[serde(rename = "endpoint", skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Where the bucket stands in a URL.
    #[serde(rename = "addressing", skip_serializing_if = "Option::is_none")]
    pub addressing: Option<S3Addressing>,
    /// Access key id. Empty, with `secret_key`: the usual chain of AWS (environment, profile, web identity, container, machine).
    #[serde(rename = "access_key", skip_serializing_if = "Option::is_none")]
    pub access_key: Option<String>,
    /// Secret access key.
    #[serde(rename = "secret_key", skip_serializing_if = "Option::is_none")]
    pub secret_key: Option<String>,
    /// Token of temporary credentials; empty for none.
    #[serde(rename = "session_token", skip_serializing_if = "Option::is_none")]
    pub session_token: Option<String>,
    /// Profile of the chain. Empty: that of `AWS_PROFILE`, or `default`.
    #[serde(rename = "profile", skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}

/// What `gcs:` needs beside the bucket.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct GcsOptions {
    /// `https://host[:port]`. Empty: that of Google.
    #[serde(rename = "endpoint", skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// JSON of a service account or another credential. Empty, with `credential_file`: the application default credentials.
    #[serde(rename = "credential", skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// File with that JSON.
    #[serde(rename = "credential_file", skip_serializing_if = "Option::is_none")]
    pub credential_file: Option<String>,
    /// Requests without credentials: emulators, public buckets.
    #[serde(rename = "anonymous", skip_serializing_if = "Option::is_none")]
    pub anonymous: Option<bool>,
}

/// What `azblob:` needs beside the container.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct AzblobOptions {
    /// Name of the storage account.
    #[serde(rename = "account", skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// `https://host[:port]`, with the account in the path where it is not in the host. Empty: that of Azure for the account.
    #[serde(rename = "endpoint", skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Key of the account, base64. Empty, with `sas_token`: the usual chain of Azure (environment, workload identity, machine).
    #[serde(rename = "account_key", skip_serializing_if = "Option::is_none")]
    pub account_key: Option<String>,
    /// A shared access signature instead of a key.
    #[serde(rename = "sas_token", skip_serializing_if = "Option::is_none")]
    pub sas_token: Option<String>,
    /// Requests without credentials: public containers.
    #[serde(rename = "anonymous", skip_serializing_if = "Option::is_none")]
    pub anonymous: Option<bool>,
}

/// How stores on other machines are spoken to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct StorageTransfer {
    /// Longest silence of the server; then the request is made again.
    #[serde(rename = "timeout_ms", skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u32>,
    /// How often a request is made again after a failure that may pass, with growing pauses.
    #[serde(rename = "max_retries", skip_serializing_if = "Option::is_none")]
    pub max_retries: Option<u32>,
    /// Parts of one streamed write that are sent at once; each is held in memory (8 MiB).
    #[serde(rename = "concurrency", skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
}

/// A store of objects.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct StorageConfig {
    /// `memory:`, `file:DIR`, `s3://BUCKET`, `gcs://BUCKET`, `azblob://CONTAINER`, or the scheme of another service of OpenDAL with its members in
    /// `options`: `webdav:`.
    #[serde(rename = "url", skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Largest object (or range) that `read` gives in one piece; more is too_large: stream it.
    #[serde(rename = "max_read_bytes", skip_serializing_if = "Option::is_none")]
    pub max_read_bytes: Option<u64>,
    /// All objects of a `memory:` store together; a write over it is too_large.
    #[serde(rename = "max_memory_bytes", skip_serializing_if = "Option::is_none")]
    pub max_memory_bytes: Option<u64>,
    /// `file:` waits until a write or delete is on the disk. Without it an object is still old or new after a crash of the process, but a power cut may
    /// lose it.
    #[serde(rename = "durable", skip_serializing_if = "Option::is_none")]
    pub durable: Option<bool>,
    /// Signed URLs of `memory:` and `file:`.
    #[serde(rename = "presign", skip_serializing_if = "Option::is_none")]
    pub presign: Option<StoragePresign>,
    /// Of `s3:` only.
    #[serde(rename = "s3", skip_serializing_if = "Option::is_none")]
    pub s3: Option<S3Options>,
    /// Of `gcs:` only.
    #[serde(rename = "gcs", skip_serializing_if = "Option::is_none")]
    pub gcs: Option<GcsOptions>,
    /// Of `azblob:` only.
    #[serde(rename = "azblob", skip_serializing_if = "Option::is_none")]
    pub azblob: Option<AzblobOptions>,
    /// Of OpenDAL's further services, by the names they have there. Values are kept out of logs.
    #[serde(rename = "options", skip_serializing_if = "Option::is_none")]
    pub options: Option<BTreeMap<String, String>>,
    /// Of all but `memory:` and `file:`.
    #[serde(rename = "transfer", skip_serializing_if = "Option::is_none")]
    pub transfer: Option<StorageTransfer>,
}

/// A store of tasks.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TasksConfig {
    /// `memory:`, `sqlite:FILE`, or the URL of another backend.
    #[serde(rename = "url", skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// How long completed jobs and their results are kept.
    #[serde(rename = "retention_ms", skip_serializing_if = "Option::is_none")]
    pub retention_ms: Option<u64>,
    /// How long discarded and cancelled jobs are kept.
    #[serde(rename = "failed_retention_ms", skip_serializing_if = "Option::is_none")]
    pub failed_retention_ms: Option<u64>,
    /// How often a worker looks for what other processes enqueued, where the store does not tell it.
    #[serde(rename = "poll_ms", skip_serializing_if = "Option::is_none")]
    pub poll_ms: Option<u32>,
}

/// What runs the tasks of a queue in this application.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Worker {
    /// Its name in reports, logs and telemetry; unique.
    #[serde(rename = "name")]
    pub name: String,
    /// Which of `services.tasks`.
    #[serde(rename = "client", skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Its queue.
    #[serde(rename = "queue", skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Handlers at once, in each process.
    #[serde(rename = "concurrency", skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// A job comes back this long after its worker died; renewed every third of it while the handler runs.
    #[serde(rename = "lease_ms", skip_serializing_if = "Option::is_none")]
    pub lease_ms: Option<u32>,
    /// The longest a run may take where the task has no limit of its own; null for none.
    #[serde(rename = "timeout_ms", skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u32>,
    /// Names it has handlers for; any other is discarded with the code unknown_task. Empty: all.
    #[serde(rename = "tasks", skip_serializing_if = "Option::is_none")]
    pub tasks: Option<Vec<String>>,
}

/// A task that is enqueued by the clock.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Schedule {
    /// Its name; the same in every process of the application.
    #[serde(rename = "name")]
    pub name: String,
    /// Which of `services.tasks`.
    #[serde(rename = "client", skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Five or six fields, or a macro such as `@daily`.
    #[serde(rename = "cron")]
    pub cron: String,
    /// A name of the IANA data base, such as `Europe/Berlin`.
    #[serde(rename = "timezone", skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// Where its jobs go.
    #[serde(rename = "queue", skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// The task's name. Empty: the schedule's.
    #[serde(rename = "task", skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The arguments of every job.
    #[serde(rename = "args", skip_serializing_if = "Option::is_none")]
    pub args: Option<Value>,
    /// Higher goes first.
    #[serde(rename = "priority", skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// Runs of a job at most.
    #[serde(rename = "max_attempts", skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// The longest a run may take; null for the worker's limit.
    #[serde(rename = "timeout_ms", skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u32>,
    /// What becomes of times at which no scheduler ran.
    #[serde(rename = "misfire", skip_serializing_if = "Option::is_none")]
    pub misfire: Option<Misfire>,
    /// What becomes of a time while the job before has not ended.
    #[serde(rename = "overlap", skip_serializing_if = "Option::is_none")]
    pub overlap: Option<Overlap>,
}

/// Telemetry. Off unless an exporter is named here or by the environment (`OTEL_TRACES_EXPORTER`, `OTEL_METRICS_EXPORTER`, `OTEL_LOGS_EXPORTER`, or any
/// of the `OTEL_EXPORTER_OTLP_...ENDPOINT` variables). What is null here comes from the `OTEL_...` variable it names, else from OpenTelemetry's default.
/// `OTEL_SDK_DISABLED=true` turns everything off.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TelemetryConfig {
    /// Where it goes; null for what `OTEL_TRACES_EXPORTER` and its like say.
    #[serde(rename = "exporter", skip_serializing_if = "Option::is_none")]
    pub exporter: Option<TelemetryExporter>,
    /// Resource attribute `service.name`; null for `OTEL_SERVICE_NAME`, else the name of the application.
    #[serde(rename = "service_name", skip_serializing_if = "Option::is_none")]
    pub service_name: Option<String>,
    /// Further resource attributes. `OTEL_RESOURCE_ATTRIBUTES` is merged with them, what stands here wins.
    #[serde(rename = "resource", skip_serializing_if = "Option::is_none")]
    pub resource: Option<BTreeMap<String, String>>,
    /// Which traces are recorded (`OTEL_TRACES_SAMPLER`, `parentbased_always_on`).
    #[serde(rename = "sampler", skip_serializing_if = "Option::is_none")]
    pub sampler: Option<TelemetrySampler>,
    /// The share of the two ratio samplers, a number from 0 to 1 (`OTEL_TRACES_SAMPLER_ARG`, 1).
    #[serde(rename = "sampler_arg", skip_serializing_if = "Option::is_none")]
    pub sampler_arg: Option<Value>,
    /// Base URL of the collector, to which `/v1/traces`, `/v1/metrics` and `/v1/logs` are added but for gRPC (`OTEL_EXPORTER_OTLP_ENDPOINT`,
    /// `http://localhost:4318`, for gRPC `http://localhost:4317`).
    #[serde(rename = "endpoint", skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Header fields sent to the collector, beside those of `OTEL_EXPORTER_OTLP_HEADERS`. Never logged.
    #[serde(rename = "headers", skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<String, String>>,
    /// PEM file of the roots that an `https` collector is checked against (`OTEL_EXPORTER_OTLP_CERTIFICATE`, the system's).
    #[serde(rename = "certificate", skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// How it is compressed (`OTEL_EXPORTER_OTLP_COMPRESSION`, none).
    #[serde(rename = "compression", skip_serializing_if = "Option::is_none")]
    pub compression: Option<TelemetryCompression>,
    /// Spans are made and exported.
    #[serde(rename = "traces", skip_serializing_if = "Option::is_none")]
    pub traces: Option<bool>,
    /// Metrics are exported.
    #[serde(rename = "metrics", skip_serializing_if = "Option::is_none")]
    pub metrics: Option<bool>,
    /// Log records are exported.
    #[serde(rename = "logs", skip_serializing_if = "Option::is_none")]
    pub logs: Option<bool>,
    /// The longest that one export may take, retries included (`OTEL_EXPORTER_OTLP_TIMEOUT`, 10000).
    #[serde(rename = "export_timeout_ms", skip_serializing_if = "Option::is_none")]
    pub export_timeout_ms: Option<u32>,
    /// The longest that a span or log record waits for its batch (`OTEL_BSP_SCHEDULE_DELAY`, `OTEL_BLRP_SCHEDULE_DELAY`, 5000 and 1000).
    #[serde(rename = "schedule_delay_ms", skip_serializing_if = "Option::is_none")]
    pub schedule_delay_ms: Option<u32>,
    /// Spans, and log records, that may wait; one more is dropped and counted (`OTEL_BSP_MAX_QUEUE_SIZE`, `OTEL_BLRP_MAX_QUEUE_SIZE`, 2048).
    #[serde(rename = "max_queue_size", skip_serializing_if = "Option::is_none")]
    pub max_queue_size: Option<u32>,
    /// Spans, and log records, of one request to the collector (`OTEL_BSP_MAX_EXPORT_BATCH_SIZE`, `OTEL_BLRP_MAX_EXPORT_BATCH_SIZE`, 512).
    #[serde(rename = "max_export_batch_size", skip_serializing_if = "Option::is_none")]
    pub max_export_batch_size: Option<u32>,
    /// Time between two exports of the metrics (`OTEL_METRIC_EXPORT_INTERVAL`, 60000).
    #[serde(rename = "metric_interval_ms", skip_serializing_if = "Option::is_none")]
    pub metric_interval_ms: Option<u32>,
    /// Path at which the application's HTTP server answers with all metrics, in the text format of Prometheus or, where the client prefers it,
    /// OpenMetrics. Null: nowhere.
    #[serde(rename = "metrics_path", skip_serializing_if = "Option::is_none")]
    pub metrics_path: Option<String>,
}

/// The four spans of the drain (docs/guide/shutdown.md). Exit never takes longer than their sum.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Shutdown {
    /// Time between readiness turning 503 and the end of accepting, for load balancers.
    #[serde(rename = "delay_ms", skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u32>,
    /// What is in flight may take this long to finish.
    #[serde(rename = "timeout_ms", skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u32>,
    /// Cancelled handlers may take this long to end.
    #[serde(rename = "cleanup_ms", skip_serializing_if = "Option::is_none")]
    pub cleanup_ms: Option<u32>,
    /// Telemetry and logs may take this long to be written.
    #[serde(rename = "flush_ms", skip_serializing_if = "Option::is_none")]
    pub flush_ms: Option<u32>,
}

/// Structured logging.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Log {
    /// How a record is written.
    #[serde(rename = "format", skip_serializing_if = "Option::is_none")]
    pub format: Option<LogFormat>,
    /// The lowest level that is written.
    #[serde(rename = "level", skip_serializing_if = "Option::is_none")]
    pub level: Option<LogLevel>,
}

/// The toolbox, by name. A name is what code asks for; `default` is there without being named here.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Services {
    /// Caches.
    #[serde(rename = "cache", skip_serializing_if = "Option::is_none")]
    pub cache: Option<BTreeMap<String, CacheConfig>>,
    /// Stores of objects.
    #[serde(rename = "storage", skip_serializing_if = "Option::is_none")]
    pub storage: Option<BTreeMap<String, StorageConfig>>,
    /// Databases.
    #[serde(rename = "db", skip_serializing_if = "Option::is_none")]
    pub db: Option<BTreeMap<String, DbConfig>>,
    /// Message brokers.
    #[serde(rename = "messaging", skip_serializing_if = "Option::is_none")]
    pub messaging: Option<BTreeMap<String, MessagingConfig>>,
    /// Stores of tasks.
    #[serde(rename = "tasks", skip_serializing_if = "Option::is_none")]
    pub tasks: Option<BTreeMap<String, TasksConfig>>,
    /// Where events are sent.
    #[serde(rename = "events", skip_serializing_if = "Option::is_none")]
    pub events: Option<BTreeMap<String, EventSender>>,
}

/// The whole application.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Manifest {
    /// Name of the application, in logs and telemetry.
    #[serde(rename = "name", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where time comes from.
    #[serde(rename = "clock", skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockKind>,
    /// I/O loops of a C++ program, or of a port with the threaded drive.
    #[serde(rename = "io_threads", skip_serializing_if = "Option::is_none")]
    pub io_threads: Option<u32>,
    /// Who does the I/O of a port.
    #[serde(rename = "drive", skip_serializing_if = "Option::is_none")]
    pub drive: Option<Drive>,
    /// SIGTERM and SIGINT begin the drain, SIGHUP reads certificates again (C++ and C programs). Off in an application embedded in another program.
    #[serde(rename = "handle_signals", skip_serializing_if = "Option::is_none")]
    pub handle_signals: Option<bool>,
    /// The HTTP server; null for an application without one.
    #[serde(rename = "http", skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpConfig>,
    /// What this process runs; none: everything. `SPIKARD_ROLES=web,worker`.
    #[serde(rename = "roles", skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<Role>>,
    /// For tests: `sqlite:` files become `sqlite::memory:` and `file:` folders `memory:`, so that nothing is left behind and nothing is met.
    #[serde(rename = "in_memory_stores", skip_serializing_if = "Option::is_none")]
    pub in_memory_stores: Option<bool>,
    /// For tests: what goes wrong in the clients of the toolbox. Needs the virtual clock.
    #[serde(rename = "faults", skip_serializing_if = "Option::is_none")]
    pub faults: Option<Faults>,
    /// The toolbox: caches, object stores, databases, brokers, task stores.
    #[serde(rename = "services", skip_serializing_if = "Option::is_none")]
    pub services: Option<Services>,
    /// Message consumers; the index of one is its number in the port.
    #[serde(rename = "consumers", skip_serializing_if = "Option::is_none")]
    pub consumers: Option<Vec<Consumer>>,
    /// Task workers; the index of one is its number in the port.
    #[serde(rename = "workers", skip_serializing_if = "Option::is_none")]
    pub workers: Option<Vec<Worker>>,
    /// Tasks enqueued by the clock.
    #[serde(rename = "schedules", skip_serializing_if = "Option::is_none")]
    pub schedules: Option<Vec<Schedule>>,
    /// Paths that take CloudEvents. Their subscriptions name handlers by their number in the port.
    #[serde(rename = "events", skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<EventEndpoint>>,
    /// Message consumers whose messages are CloudEvents.
    #[serde(rename = "event_consumers", skip_serializing_if = "Option::is_none")]
    pub event_consumers: Option<Vec<EventConsumer>>,
    /// Traces, metrics and logs.
    #[serde(rename = "telemetry", skip_serializing_if = "Option::is_none")]
    pub telemetry: Option<TelemetryConfig>,
    /// The drain.
    #[serde(rename = "shutdown", skip_serializing_if = "Option::is_none")]
    pub shutdown: Option<Shutdown>,
    /// Logging.
    #[serde(rename = "log", skip_serializing_if = "Option::is_none")]
    pub log: Option<Log>,
}
