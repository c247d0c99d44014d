// Code generated from spec/services by codegen. DO NOT EDIT.

// Package manifest is the application as plain data: what crosses to the core once. Applications write parts of it as configuration; the core checks all of it.
package manifest

// TopicStyle: how topics and the patterns of consumers are written on an embedded broker: like those of the broker it stands in for.
type TopicStyle string

const (
	// TopicStyleAuto: a pattern is NATS (`orders.*`, `orders.>`) or MQTT (`orders/+`, `orders/#`) by its wildcards; without one it is a topic.
	TopicStyleAuto TopicStyle = "auto"
	// TopicStyleNats: tokens between dots; `*` is one token, `>` one or more at the end.
	TopicStyleNats TopicStyle = "nats"
	// TopicStyleMqtt: levels between slashes; `+` is one level, `#` any number at the end, the level above included.
	TopicStyleMqtt TopicStyle = "mqtt"
	// TopicStyleAmqp: words between dots; `*` is one word, `#` any number.
	TopicStyleAmqp TopicStyle = "amqp"
)

// StartFrom: where a group begins that the broker does not know yet.
type StartFrom string

const (
	// StartFromLatest: with what is published from now on.
	StartFromLatest StartFrom = "latest"
	// StartFromEarliest: with the oldest message that is still kept.
	StartFromEarliest StartFrom = "earliest"
)

// BackoffKind: how the wait grows from failure to failure.
type BackoffKind string

const (
	// BackoffKindExponential: `initial_ms` times `factor` to the power of the failures before.
	BackoffKindExponential BackoffKind = "exponential"
	// BackoffKindConstant: always `initial_ms`.
	BackoffKindConstant BackoffKind = "constant"
)

// EventMode: how an event is laid out in a message.
type EventMode string

const (
	// EventModeBinary: attributes as headers, the data as the body.
	EventModeBinary EventMode = "binary"
	// EventModeStructured: the whole event as a JSON document.
	EventModeStructured EventMode = "structured"
)

// EventBinding: which of the protocol bindings lays an event out in a broker's message.
type EventBinding string

const (
	// EventBindingAuto: the one of the broker: kafka for `kafka:`, amqp for `amqp:`, nats for `nats:`, mqtt for `mqtt:`; for `redis:`, `memory:` and
	// `sqlite:`, which have none, the same headers as Kafka.
	EventBindingAuto EventBinding = "auto"
	// EventBindingKafka: headers `ce_...` and `content-type`.
	EventBindingKafka EventBinding = "kafka"
	// EventBindingAmqp: application properties `cloudEvents:...`.
	EventBindingAmqp EventBinding = "amqp"
	// EventBindingMqtt3: MQTT 3.1.1: structured only.
	EventBindingMqtt3 EventBinding = "mqtt3"
	// EventBindingMqtt5: user properties with the names of the attributes.
	EventBindingMqtt5 EventBinding = "mqtt5"
	// EventBindingNats: headers `ce-...`, as those of HTTP (binding 1.0.3); a message without them is read as the JSON document (1.0.2).
	EventBindingNats EventBinding = "nats"
	// EventBindingRedis: fields `ce_...` and `content-type` beside the payload.
	EventBindingRedis EventBinding = "redis"
)

// FaultyClients: clients of the toolbox that faults are made in.
type FaultyClients string

const (
	// FaultyClientsCache: caches.
	FaultyClientsCache FaultyClients = "cache"
	// FaultyClientsStorage: stores of objects.
	FaultyClientsStorage FaultyClients = "storage"
	// FaultyClientsDB: databases.
	FaultyClientsDB FaultyClients = "db"
	// FaultyClientsMessaging: message brokers.
	FaultyClientsMessaging FaultyClients = "messaging"
	// FaultyClientsTasks: stores of tasks.
	FaultyClientsTasks FaultyClients = "tasks"
)

// HttpMethod: method of a route. HEAD comes with GET; OPTIONS is answered with Allow unless a route has it.
type HttpMethod string

const (
	// HttpMethodGET: see the type.
	HttpMethodGET HttpMethod = "GET"
	// HttpMethodHEAD: see the type.
	HttpMethodHEAD HttpMethod = "HEAD"
	// HttpMethodPOST: see the type.
	HttpMethodPOST HttpMethod = "POST"
	// HttpMethodPUT: see the type.
	HttpMethodPUT HttpMethod = "PUT"
	// HttpMethodPATCH: see the type.
	HttpMethodPATCH HttpMethod = "PATCH"
	// HttpMethodDELETE: see the type.
	HttpMethodDELETE HttpMethod = "DELETE"
	// HttpMethodOPTIONS: see the type.
	HttpMethodOPTIONS HttpMethod = "OPTIONS"
	// HttpMethodTRACE: see the type.
	HttpMethodTRACE HttpMethod = "TRACE"
)

// ParameterIn: where a parameter is read from.
type ParameterIn string

const (
	// ParameterInPath: a segment of the path.
	ParameterInPath ParameterIn = "path"
	// ParameterInQuery: the query string.
	ParameterInQuery ParameterIn = "query"
	// ParameterInHeader: a request header.
	ParameterInHeader ParameterIn = "header"
	// ParameterInCookie: a cookie.
	ParameterInCookie ParameterIn = "cookie"
)

// ParameterStyle: how arrays and objects are laid out as text (OpenAPI 3.1).
type ParameterStyle string

const (
	// ParameterStyleForm: `a=1&a=2` exploded, `a=1,2` not.
	ParameterStyleForm ParameterStyle = "form"
	// ParameterStyleSimple: `1,2`; path and header.
	ParameterStyleSimple ParameterStyle = "simple"
	// ParameterStylePipeDelimited: `1|2`; query.
	ParameterStylePipeDelimited ParameterStyle = "pipeDelimited"
	// ParameterStyleSpaceDelimited: `1 2`; query.
	ParameterStyleSpaceDelimited ParameterStyle = "spaceDelimited"
	// ParameterStyleSemicolonDelimited: `1;2`; query.
	ParameterStyleSemicolonDelimited ParameterStyle = "semicolonDelimited"
	// ParameterStyleDeepObject: `a[b]=1`; query.
	ParameterStyleDeepObject ParameterStyle = "deepObject"
)

// BodyMode: how a request body reaches the handler.
type BodyMode string

const (
	// BodyModeBuffer: whole, before the handler starts.
	BodyModeBuffer BodyMode = "buffer"
	// BodyModeStream: in chunks against credit while the handler runs. It is not parsed or validated.
	BodyModeStream BodyMode = "stream"
)

// BodyAs: in which form a buffered JSON body is handed over.
type BodyAs string

const (
	// BodyAsNodes: parsed, as 16-byte nodes.
	BodyAsNodes BodyAs = "nodes"
	// BodyAsText: checked by the core, handed over as its text for hosts whose own parser is faster.
	BodyAsText BodyAs = "text"
	// BodyAsRaw: bytes as they came.
	BodyAsRaw BodyAs = "raw"
)

// JsonType: a type of JSON.
type JsonType string

const (
	// JsonTypeNull: see the type.
	JsonTypeNull JsonType = "null"
	// JsonTypeBoolean: see the type.
	JsonTypeBoolean JsonType = "boolean"
	// JsonTypeInteger: a number without fraction.
	JsonTypeInteger JsonType = "integer"
	// JsonTypeNumber: see the type.
	JsonTypeNumber JsonType = "number"
	// JsonTypeString: see the type.
	JsonTypeString JsonType = "string"
	// JsonTypeArray: see the type.
	JsonTypeArray JsonType = "array"
	// JsonTypeObject: see the type.
	JsonTypeObject JsonType = "object"
)

// DependencyKind: how a dependency comes to be.
type DependencyKind string

const (
	// DependencyKindValue: it is there from the start.
	DependencyKindValue DependencyKind = "value"
	// DependencyKindFactory: the host makes it when it is first needed.
	DependencyKindFactory DependencyKind = "factory"
)

// DependencyScope: how long what a factory made is kept.
type DependencyScope string

const (
	// DependencyScopeSingleton: for the life of the application.
	DependencyScopeSingleton DependencyScope = "singleton"
	// DependencyScopeRequest: for one request.
	DependencyScopeRequest DependencyScope = "request"
	// DependencyScopeTransient: for one use; each place that injects it gets its own.
	DependencyScopeTransient DependencyScope = "transient"
)

// CorsDisallowed: what becomes of a request from an origin that is not allowed.
type CorsDisallowed string

const (
	// CorsDisallowedServe: it is served without CORS headers; the browser keeps the answer from the page.
	CorsDisallowedServe CorsDisallowed = "serve"
	// CorsDisallowedReject: it gets 403.
	CorsDisallowedReject CorsDisallowed = "reject"
)

// RateLimitBy: who has a bucket of their own.
type RateLimitBy string

const (
	// RateLimitByIP: each address of a peer; all peers of a UNIX socket share one.
	RateLimitByIP RateLimitBy = "ip"
	// RateLimitByHeader: each value of a header; a request without it counts for its address.
	RateLimitByHeader RateLimitBy = "header"
)

// JwtAlgorithm: signature of a JSON Web Token (RFC 7518, RFC 8037). Only the configured one is taken, whatever a token says.
type JwtAlgorithm string

const (
	// JwtAlgorithmHS256: HMAC with SHA-256.
	JwtAlgorithmHS256 JwtAlgorithm = "HS256"
	// JwtAlgorithmHS384: HMAC with SHA-384.
	JwtAlgorithmHS384 JwtAlgorithm = "HS384"
	// JwtAlgorithmHS512: HMAC with SHA-512.
	JwtAlgorithmHS512 JwtAlgorithm = "HS512"
	// JwtAlgorithmRS256: RSA PKCS #1 v1.5 with SHA-256.
	JwtAlgorithmRS256 JwtAlgorithm = "RS256"
	// JwtAlgorithmRS384: RSA PKCS #1 v1.5 with SHA-384.
	JwtAlgorithmRS384 JwtAlgorithm = "RS384"
	// JwtAlgorithmRS512: RSA PKCS #1 v1.5 with SHA-512.
	JwtAlgorithmRS512 JwtAlgorithm = "RS512"
	// JwtAlgorithmPS256: RSA-PSS with SHA-256.
	JwtAlgorithmPS256 JwtAlgorithm = "PS256"
	// JwtAlgorithmPS384: RSA-PSS with SHA-384.
	JwtAlgorithmPS384 JwtAlgorithm = "PS384"
	// JwtAlgorithmPS512: RSA-PSS with SHA-512.
	JwtAlgorithmPS512 JwtAlgorithm = "PS512"
	// JwtAlgorithmES256: ECDSA on P-256 with SHA-256.
	JwtAlgorithmES256 JwtAlgorithm = "ES256"
	// JwtAlgorithmES384: ECDSA on P-384 with SHA-384.
	JwtAlgorithmES384 JwtAlgorithm = "ES384"
	// JwtAlgorithmES512: ECDSA on P-521 with SHA-512.
	JwtAlgorithmES512 JwtAlgorithm = "ES512"
	// JwtAlgorithmEdDSA: ed25519.
	JwtAlgorithmEdDSA JwtAlgorithm = "EdDSA"
)

// ContentCoding: a coding of Content-Encoding.
type ContentCoding string

const (
	// ContentCodingGzip: see the type.
	ContentCodingGzip ContentCoding = "gzip"
	// ContentCodingDeflate: the zlib format (RFC 9110); the bare one that some clients send is taken too.
	ContentCodingDeflate ContentCoding = "deflate"
	// ContentCodingBr: brotli.
	ContentCodingBr ContentCoding = "br"
	// ContentCodingZstd: windows of up to 8 MiB (RFC 8878).
	ContentCodingZstd ContentCoding = "zstd"
)

// S3Addressing: where the bucket stands in a URL.
type S3Addressing string

const (
	// S3AddressingVirtual: the first label of the host.
	S3AddressingVirtual S3Addressing = "virtual"
	// S3AddressingPath: the first segment of the path.
	S3AddressingPath S3Addressing = "path"
)

// Misfire: what becomes of the times of a schedule at which no scheduler ran.
type Misfire string

const (
	// MisfireSkip: they are left out.
	MisfireSkip Misfire = "skip"
	// MisfireOnce: one job stands for all of them: the latest.
	MisfireOnce Misfire = "once"
	// MisfireAll: one job for each.
	MisfireAll Misfire = "all"
)

// Overlap: what becomes of a time of a schedule while the job before has not ended.
type Overlap string

const (
	// OverlapAllow: a job is made all the same.
	OverlapAllow Overlap = "allow"
	// OverlapForbid: the time is left out.
	OverlapForbid Overlap = "forbid"
)

// TelemetryExporter: where spans, metrics and log records go.
type TelemetryExporter string

const (
	// TelemetryExporterNone: nowhere. Metrics are still kept for `metrics_path`.
	TelemetryExporterNone TelemetryExporter = "none"
	// TelemetryExporterMemory: kept in the process for tests.
	TelemetryExporterMemory TelemetryExporter = "memory"
	// TelemetryExporterOtlpHTTP: to a collector by OTLP over HTTP, as protobuf.
	TelemetryExporterOtlpHTTP TelemetryExporter = "otlp_http"
	// TelemetryExporterOtlpHTTPJSON: to a collector by OTLP over HTTP, as JSON.
	TelemetryExporterOtlpHTTPJSON TelemetryExporter = "otlp_http_json"
	// TelemetryExporterOtlpGrpc: to a collector by OTLP over gRPC.
	TelemetryExporterOtlpGrpc TelemetryExporter = "otlp_grpc"
)

// TelemetrySampler: which traces are recorded; those of `OTEL_TRACES_SAMPLER`.
type TelemetrySampler string

const (
	// TelemetrySamplerAlwaysOn: all.
	TelemetrySamplerAlwaysOn TelemetrySampler = "always_on"
	// TelemetrySamplerAlwaysOff: none.
	TelemetrySamplerAlwaysOff TelemetrySampler = "always_off"
	// TelemetrySamplerTraceidratio: the share `sampler_arg` of all traces, decided by the trace's id.
	TelemetrySamplerTraceidratio TelemetrySampler = "traceidratio"
	// TelemetrySamplerParentbasedAlwaysOn: as the caller decided; all where there is none.
	TelemetrySamplerParentbasedAlwaysOn TelemetrySampler = "parentbased_always_on"
	// TelemetrySamplerParentbasedAlwaysOff: as the caller decided; none where there is none.
	TelemetrySamplerParentbasedAlwaysOff TelemetrySampler = "parentbased_always_off"
	// TelemetrySamplerParentbasedTraceidratio: as the caller decided; the share `sampler_arg` where there is none.
	TelemetrySamplerParentbasedTraceidratio TelemetrySampler = "parentbased_traceidratio"
)

// TelemetryCompression: how what is exported is compressed.
type TelemetryCompression string

const (
	// TelemetryCompressionNone: not at all.
	TelemetryCompressionNone TelemetryCompression = "none"
	// TelemetryCompressionGzip: by gzip.
	TelemetryCompressionGzip TelemetryCompression = "gzip"
)

// ClockKind: where an application's time comes from.
type ClockKind string

const (
	// ClockKindReal: the machine's monotonic clock.
	ClockKindReal ClockKind = "real"
	// ClockKindVirtual: a clock that `test.advance` moves. A release build refuses it unless SPIKARD_TEST=1.
	ClockKindVirtual ClockKind = "virtual"
)

// Drive: who does the I/O of a port.
type Drive string

const (
	// DriveInline: the thread that polls the port.
	DriveInline Drive = "inline"
	// DriveThread: threads of the core; the port only takes what they have made ready.
	DriveThread Drive = "thread"
)

// Role: a part of an application that a process may run alone, so that one image scales each part by itself.
type Role string

const (
	// RoleWeb: the HTTP server, and the CloudEvents that come through it.
	RoleWeb Role = "web"
	// RoleConsumer: message consumers.
	RoleConsumer Role = "consumer"
	// RoleWorker: task workers.
	RoleWorker Role = "worker"
	// RoleScheduler: schedules.
	RoleScheduler Role = "scheduler"
)

// LogFormat: how a log record is written.
type LogFormat string

const (
	// LogFormatJSON: one JSON object a line.
	LogFormatJSON LogFormat = "json"
	// LogFormatHuman: text for people at a terminal.
	LogFormatHuman LogFormat = "human"
)

// LogLevel: the lowest level that is written.
type LogLevel string

const (
	// LogLevelTrace: everything.
	LogLevelTrace LogLevel = "trace"
	// LogLevelDebug: what a developer asks for.
	LogLevelDebug LogLevel = "debug"
	// LogLevelInfo: start, stop and one line for what operators want to know.
	LogLevelInfo LogLevel = "info"
	// LogLevelWarn: something is off and was dealt with.
	LogLevelWarn LogLevel = "warn"
	// LogLevelError: something failed.
	LogLevelError LogLevel = "error"
	// LogLevelOff: nothing.
	LogLevelOff LogLevel = "off"
)

// CacheConfig: a cache. `memory:` (and the part of `tiered+redis:` that is in memory) keeps at most `max_bytes` or `max_entries`, whichever is given
// (both hold where both are); what goes first is decided by how often and how lately it was asked for (W-TinyLFU). `redis:` has no such bounds: its
// server decides.
type CacheConfig struct {
	// `memory:`, `redis://HOST:6379/DB` (also `rediss:`, `redis+unix:`, `redis+sentinel:`, `redis+cluster:`), or one of these behind `tiered+`: memory
	// in front of it.
	URL string `json:"url,omitzero"`
	// The most that `memory:` holds, keys, values and about 90 bytes an entry counted. Null: 64 MiB, or no limit of bytes where `max_entries` is given.
	MaxBytes *uint64 `json:"max_bytes,omitzero"`
	// The most entries that `memory:` holds. Null: as many as `max_bytes` allows.
	MaxEntries *uint64 `json:"max_entries,omitzero"`
	// How long an entry lives that was set without a time. Null: for ever.
	DefaultTTLMs *uint64 `json:"default_ttl_ms,omitzero"`
}

// MessagingConfig: a message broker.
type MessagingConfig struct {
	// `memory:`, `sqlite:FILE`, or the URL of another backend.
	URL string `json:"url,omitzero"`
	// The delivery store of `mqtt:`: `sqlite:FILE`, where messages lie from their arrival until they are settled, or `memory:` for what may be lost. Not
	// the file of a `sqlite:` broker.
	Store string `json:"store,omitzero"`
	// How patterns are written, on `memory:` and `sqlite:`.
	Topics TopicStyle `json:"topics,omitzero"`
	// The longest payload that is taken; keys and headers come on top (64 KiB together).
	MaxMessageBytes uint32 `json:"max_message_bytes,omitzero"`
	// What `memory:` may hold, dead letters included; at the limit `publish` is refused (rate_limited).
	MaxBytes uint64 `json:"max_bytes,omitzero"`
	// How long a message that no group waits for is kept for replay, on `memory:`, `sqlite:` and `redis:`. `memory:` gives it up earlier when it needs
	// the room. Dead letters stay until they are redriven or purged.
	RetentionMs *uint64 `json:"retention_ms,omitzero"`
	// How often `sqlite:` looks for what other processes did. Within a process consumers are woken at once.
	PollMs uint32 `json:"poll_ms,omitzero"`
}

// Backoff: when a message comes again after its handler failed.
type Backoff struct {
	// How the wait grows.
	Kind BackoffKind `json:"kind,omitzero"`
	// The wait after the first failure.
	InitialMs *uint32 `json:"initial_ms,omitzero"`
	// A number from 1 to 100; null for 2.
	Factor any `json:"factor,omitzero"`
	// The longest wait.
	MaxMs *uint32 `json:"max_ms,omitzero"`
	// Takes off up to this part of each wait, at random, so that failures do not come back together.
	JitterPercent uint8 `json:"jitter_percent,omitzero"`
}

// Consumer: a subscription whose messages a handler of the application takes.
type Consumer struct {
	// Its name in reports, logs and telemetry; unique.
	Name string `json:"name"`
	// Which of `services.messaging`.
	Client string `json:"client,omitzero"`
	// Topic or pattern.
	Topic string `json:"topic"`
	// Each message goes to one consumer of a group. What a group has taken is remembered by its name and topic; empty for the name of the consumer.
	Group string `json:"group,omitzero"`
	// Handlers at once, in each process.
	Concurrency uint32 `json:"concurrency,omitzero"`
	// Messages in hand, those included that wait for a handler; 0 for as many as `concurrency`.
	MaxInFlight uint32 `json:"max_in_flight,omitzero"`
	// A message waits until the one before it of the same key is settled, its retries included, in the whole group. Messages without a key do not wait.
	Ordered bool `json:"ordered,omitzero"`
	// After 1 + `max_retries` tries a message goes to the dead letters.
	MaxRetries *uint32 `json:"max_retries,omitzero"`
	// When it comes again after an exception or a time-out.
	Backoff Backoff `json:"backoff,omitzero"`
	// Topic for what is given up. Null: it is dropped and counted.
	DeadLetter *string `json:"dead_letter,omitzero"`
	// A message whose consumer died goes to another one after this time. A consumer that lives keeps its messages, however long a handler takes.
	AckWaitMs uint32 `json:"ack_wait_ms,omitzero"`
	// The longest a handler may take; then it is cancelled and the message comes again. Null for no limit.
	HandlerTimeoutMs *uint32 `json:"handler_timeout_ms,omitzero"`
	// Where a new group begins.
	StartFrom StartFrom `json:"start_from,omitzero"`
	// JSON Schema 2020-12 of the payload, which is then JSON. A message that does not fit goes to the dead letters at once, with its validation errors.
	Schema any `json:"schema,omitzero"`
}

// EventSubscription: which events go to which handler. Patterns are exact text, or have `*` for any run of characters.
type EventSubscription struct {
	// Number of the handler in the port; several subscriptions may name the same.
	Handler uint32 `json:"handler"`
	// Pattern of the event's type; case counts. Exact beats a pattern, a longer pattern a shorter one.
	Type string `json:"type,omitzero"`
	// Pattern of its source.
	Source string `json:"source,omitzero"`
	// Pattern of its subject; an event without one fits `*` only.
	Subject string `json:"subject,omitzero"`
}

// EventInbox: remembers the events that were handled, by source and id, for this endpoint or consumer group alone, and acknowledges one that comes again
// without running its handler. What a handler refused is not remembered.
type EventInbox struct {
	// Which of `services.db` keeps it.
	DB string `json:"db,omitzero"`
	// How long an event is remembered.
	RetentionMs uint64 `json:"retention_ms,omitzero"`
}

// EventEndpoint: a path that takes CloudEvents over HTTP and hands them to the application's event handlers.
type EventEndpoint struct {
	// Where events are posted; `/` for Knative and Cloud Functions.
	Path string `json:"path"`
	// Which events go to which handler; the best fit takes it.
	Subscriptions []EventSubscription `json:"subscriptions,omitzero"`
	// Number of the handler of what no subscription takes. Null: refused with 400.
	Handler *uint32 `json:"handler,omitzero"`
	// Senders that the webhook handshake grants (`WebHook-Request-Origin`, DNS names in any case, `*.example.com`, `*` for all). Empty: it grants none,
	// and no origin is looked at.
	AllowedOrigins []string `json:"allowed_origins,omitzero"`
	// What the handshake grants; requests beyond it get 429. It counts in each process. Null: no limit (`*`).
	AllowedRate *uint32 `json:"allowed_rate,omitzero"`
	// Hosts to which a `WebHook-Request-Callback` may be sent (`example.com`, `*.example.com`, with `:port` where it is not 443). A handshake that names
	// such a host is granted by the callback, any other at once.
	CallbackHosts []string `json:"callback_hosts,omitzero"`
	// Callbacks over plain http: are allowed as well (tests).
	CallbackPlain bool `json:"callback_plain,omitzero"`
	// Events of one batch; more gets 413.
	MaxBatch uint32 `json:"max_batch,omitzero"`
	// Events of one batch in hand at once; they begin in their order.
	BatchConcurrency uint32 `json:"batch_concurrency,omitzero"`
	// Time-out of a request; null for the HTTP server's.
	TimeoutMs *uint32 `json:"timeout_ms,omitzero"`
	// Handles an event once; null for at least once.
	Inbox *EventInbox `json:"inbox,omitzero"`
}

// EventConsumer: a subscription to a broker whose messages are CloudEvents.
type EventConsumer struct {
	// The consumer of the messages.
	Consumer Consumer `json:"consumer"`
	// How events are laid out in its messages.
	Binding EventBinding `json:"binding,omitzero"`
	// Which events go to which handler; the best fit takes it.
	Subscriptions []EventSubscription `json:"subscriptions,omitzero"`
	// Number of the handler of what no subscription takes. Null: to the dead letter.
	Handler *uint32 `json:"handler,omitzero"`
	// Which of `services.events` takes the events that handlers answer with. Empty: an answer is a failure.
	Reply string `json:"reply,omitzero"`
	// Handles an event once; null for at least once.
	Inbox *EventInbox `json:"inbox,omitzero"`
}

// EventRetry: when a failed delivery is tried again.
type EventRetry struct {
	// Tries after the first.
	MaxRetries *uint32 `json:"max_retries,omitzero"`
	// Wait before the first retry. A longer Retry-After of the receiver wins.
	InitialMs uint32 `json:"initial_ms,omitzero"`
	// Each wait is this part of the one before.
	FactorPercent uint32 `json:"factor_percent,omitzero"`
	// The longest wait, Retry-After included.
	MaxMs uint32 `json:"max_ms,omitzero"`
	// Takes off up to this part of a wait, at random.
	JitterPercent *uint32 `json:"jitter_percent,omitzero"`
}

// EventSender: where an application sends events.
type EventSender struct {
	// An `http:` or `https:` URL, or `messaging:CLIENT/TOPIC` for a broker of `services.messaging`. `K_SINK` of the environment (Knative) sets that of
	// `default`.
	URL string `json:"url,omitzero"`
	// How events are laid out. Batches are always structured.
	Mode EventMode `json:"mode,omitzero"`
	// How they are laid out in a broker's messages.
	Binding EventBinding `json:"binding,omitzero"`
	// The `source` of events that have none.
	Source string `json:"source,omitzero"`
	// Attributes that every event gets; they replace its own. `K_CE_OVERRIDES` of the environment sets those of `default` beside `K_SINK`.
	Extensions map[string]string `json:"extensions,omitzero"`
	// Value of `WebHook-Request-Origin`; empty: not sent.
	Origin string `json:"origin,omitzero"`
	// Further headers of every request, such as Authorization. Values are kept out of logs.
	Headers map[string]string `json:"headers,omitzero"`
	// The longest a try may take.
	TimeoutMs uint32 `json:"timeout_ms,omitzero"`
	// When a failed delivery is tried again.
	Retry EventRetry `json:"retry,omitzero"`
}

// DbPool: how many connections a client uses at once.
type DbPool struct {
	// Queries, streams and transactions at once in this process; one more waits.
	Max uint32 `json:"max,omitzero"`
	// How long to wait for a connection; then the error is timeout, pool_timeout.
	AcquireTimeoutMs *uint32 `json:"acquire_timeout_ms,omitzero"`
}

// DbConfig: a database.
type DbConfig struct {
	// `sqlite:FILE`, `sqlite::memory:`, `postgres://USER:PASSWORD@HOST/DATABASE`, `mysql://USER:PASSWORD@HOST/DATABASE` (docs/guide/db.md has their
	// options), or the URL of another backend. SQLite: `?synchronous=normal` trades the last commits before a power cut for speed, `&busy_timeout_ms=N`
	// is how long to wait for another process.
	URL string `json:"url,omitzero"`
	// Connections.
	Pool DbPool `json:"pool,omitzero"`
	// The longest a statement may take (for a stream or cursor: the longest between two parts); then it is interrupted. Null for no limit.
	StatementTimeoutMs Optional[*uint32] `json:"statement_timeout_ms,omitzero"`
	// The longest a transaction may stay open; then it is rolled back. Null for no limit.
	TransactionTimeoutMs Optional[*uint32] `json:"transaction_timeout_ms,omitzero"`
	// Prepared statements kept on each connection.
	StatementCache uint32 `json:"statement_cache,omitzero"`
	// Most rows that `query` gives; more is too_large: stream them, or use a cursor.
	MaxRows uint32 `json:"max_rows,omitzero"`
	// Folder of `NNNN_name.sql` files; empty for none.
	Migrations string `json:"migrations,omitzero"`
	// Apply what is missing of `migrations` when the application starts.
	MigrateOnStart bool `json:"migrate_on_start,omitzero"`
}

// Faults: what goes wrong in the clients of the toolbox under test, by chance but always the same: whether the n-th call of an operation fails is
// decided by the seed, the client, the operation, what it is about (a statement, a topic, a task) and n. Each chance is a number from 0 to 1; null is 0.
type Faults struct {
	// Another seed, other faults.
	Seed *uint64 `json:"seed,omitzero"`
	// The chance that an operation fails with `unavailable` before it takes effect.
	Unavailable any `json:"unavailable,omitzero"`
	// The chance that an operation takes effect and then fails with `outcome_unknown`.
	LostAnswer any `json:"lost_answer,omitzero"`
	// The chance that an operation waits first, on the virtual clock.
	Delay any `json:"delay,omitzero"`
	// The longest such wait.
	DelayMs uint32 `json:"delay_ms,omitzero"`
	// The chance that a message or task comes again after it was done, as if that had not been heard; at most three times.
	Repeated any `json:"repeated,omitzero"`
	// The clients that have faults; none named: all.
	Only []FaultyClients `json:"only,omitzero"`
}

// Tls: TLS of a listener (1.2 and 1.3). Files are read again when they change; connections that exist keep what they have.
type Tls struct {
	// PEM file, the leaf first.
	Certificate string `json:"certificate"`
	// PEM file of the private key.
	Key string `json:"key"`
	// Protocols offered, best first.
	ALPN Optional[[]string] `json:"alpn,omitzero"`
}

// Listener: an address that is listened on.
type Listener struct {
	// An IPv4 or IPv6 address, or `unix:/path`.
	Address string `json:"address,omitzero"`
	// TCP port; 0 takes a free one, which `spk_info` tells. Ignored with `unix:`.
	Port *uint16 `json:"port,omitzero"`
	// TLS; null for plain text.
	TLS *Tls `json:"tls,omitzero"`
}

// Parameter: a declared parameter, as in OpenAPI. It reaches the handler validated and coerced to the type of its schema.
type Parameter struct {
	// Where it is read from.
	In ParameterIn `json:"in"`
	// Its name; headers in any case.
	Name string `json:"name"`
	// Missing is an error. Path parameters always are.
	Required bool `json:"required,omitzero"`
	// JSON Schema 2020-12; `default` stands for a missing one. Null: any text.
	Schema any `json:"schema,omitzero"`
	// Layout; null is `simple` for path and header, `form` for query and cookie.
	Style *ParameterStyle `json:"style,omitzero"`
	// Each element by itself; null is true for `form` and `deepObject`, else false.
	Explode *bool `json:"explode,omitzero"`
}

// FileField: what a file field of a multipart body must be. Errors are at `["files", NAME]`.
type FileField struct {
	// A file must be there.
	Required bool `json:"required,omitzero"`
	// Media types that a part may declare; none: any.
	ContentTypes []string `json:"content_types,omitzero"`
	// An empty file is refused, and one whose first bytes are those of another type than it declares (PNG, JPEG, GIF and PDF are known).
	Sniff bool `json:"sniff,omitzero"`
	// Largest file; more gets 413. Null for the application's `multipart.file_bytes`.
	MaxBytes *uint64 `json:"max_bytes,omitzero"`
}

// Body: what a route takes as its request body.
type Body struct {
	// Media types that are taken; others get 415.
	ContentTypes Optional[[]string] `json:"content_types,omitzero"`
	// JSON Schema 2020-12; null for no validation.
	Schema any `json:"schema,omitzero"`
	// An empty body is an error.
	Required *bool `json:"required,omitzero"`
	// How the body reaches the handler.
	Mode BodyMode `json:"mode,omitzero"`
	// File fields of a multipart body, by name.
	Files map[string]FileField `json:"files,omitzero"`
	// In which form a buffered JSON body is handed over.
	As BodyAs `json:"as,omitzero"`
	// Largest body of this route; more gets 413. Null for the application's `limits.body_bytes`.
	MaxBytes *uint64 `json:"max_bytes,omitzero"`
}

// Dependency: something a handler takes that the application provides.
type Dependency struct {
	// Number of the dependency in the port; unique over the application and all routes.
	ID uint32 `json:"id"`
	// Name that `inject` and `depends_on` use.
	Name string `json:"name"`
	// How it comes to be.
	Kind DependencyKind `json:"kind,omitzero"`
	// How long what a factory made is kept. A value is always a singleton.
	Scope DependencyScope `json:"scope,omitzero"`
	// Names of the dependencies a factory takes, in order.
	DependsOn []string `json:"depends_on,omitzero"`
	// The host is told when it is no longer used, in reverse order of making.
	Cleanup bool `json:"cleanup,omitzero"`
	// JSON type of a value, checked against `inject_types`.
	Type *JsonType `json:"type,omitzero"`
	// The host's token of a value; a factory gives its token each time.
	Token uint64 `json:"token,omitzero"`
}

// Jwt: bearer tokens that are JSON Web Tokens (RFC 7519). A token must be signed with `algorithm`; `exp` and `nbf` count where it has them.
type Jwt struct {
	// The only signature that is taken.
	Algorithm JwtAlgorithm `json:"algorithm,omitzero"`
	// Key of HS256, HS384 and HS512. Kept out of logs and errors.
	Secret string `json:"secret,omitzero"`
	// Key of the other algorithms: PEM text, of a public key or a certificate.
	PublicKey string `json:"public_key,omitzero"`
	// A PEM file with it, instead.
	PublicKeyFile string `json:"public_key_file,omitzero"`
	// A file with a set of keys (RFC 7517), instead: a token's `kid` says which. Read at start-up.
	JwksFile string `json:"jwks_file,omitzero"`
	// `iss` that a token must have; null for any.
	Issuer *string `json:"issuer,omitzero"`
	// `aud` of a token must have one of these; none: any.
	Audience []string `json:"audience,omitzero"`
	// How far clocks may differ where `exp` and `nbf` are looked at.
	Leeway uint32 `json:"leeway,omitzero"`
	// Claims that must be there, else 403.
	RequiredClaims []string `json:"required_claims,omitzero"`
}

// ApiKey: keys in a header or a query parameter, compared in constant time.
type ApiKey struct {
	// Header it is read from; empty for none.
	Header *string `json:"header,omitzero"`
	// Query parameter it is read from where there is no such header; empty for none.
	Query string `json:"query,omitzero"`
	// The keys that are good. Kept out of logs and errors.
	Keys []string `json:"keys,omitzero"`
}

// Basic: names and passwords (RFC 7617), compared in constant time.
type Basic struct {
	// Realm of the challenge.
	Realm string `json:"realm,omitzero"`
	// Passwords by name. Kept out of logs and errors.
	Users map[string]string `json:"users,omitzero"`
}

// Auth: who may call. With several schemes an Authorization header decides alone, by its scheme; an API key counts where there is none. With no scheme
// everybody may.
type Auth struct {
	// Bearer tokens.
	JWT *Jwt `json:"jwt,omitzero"`
	// Names and passwords.
	Basic *Basic `json:"basic,omitzero"`
	// API keys.
	APIKey *ApiKey `json:"api_key,omitzero"`
}

// Route: a method and a path with what the core checks before the handler runs.
type Route struct {
	// Its method.
	Method HttpMethod `json:"method"`
	// `/users/{id:int}`; types int, float, bool, uuid, date, datetime, str, path (the rest).
	Path string `json:"path"`
	// Name in logs, telemetry and OpenAPI.
	Name string `json:"name,omitzero"`
	// Declared parameters; the handler gets them in this order.
	Parameters []Parameter `json:"parameters,omitzero"`
	// The request body; null when the route takes none.
	Body *Body `json:"body,omitzero"`
	// Names of the dependencies the handler takes, in order.
	Inject []string `json:"inject,omitzero"`
	// JSON types that injected values must have; checked at start-up.
	InjectTypes map[string]JsonType `json:"inject_types,omitzero"`
	// Dependencies of this route; one with the name of an application's replaces it.
	Dependencies []Dependency `json:"dependencies,omitzero"`
	// Who may call this route, instead of the application's `auth`; `{}` lets everybody. Null for the application's.
	Auth *Auth `json:"auth,omitzero"`
	// Scopes that a token's `scope` (or `scp`, or `scopes`) must all have, else 403.
	Scopes []string `json:"scopes,omitzero"`
	// Time-out of this route; null for the application's.
	TimeoutMs *uint32 `json:"timeout_ms,omitzero"`
	// A C++ handler that blocks: it runs on the blocking pool. Hosts decide this themselves.
	Blocking bool `json:"blocking,omitzero"`
}

// Hooks: names of the hooks of each phase, in the order they run. A name is for logs; the number of a hook in the port is its place.
type Hooks struct {
	// After routing and authentication, before the body is read.
	OnRequest []string `json:"on_request,omitzero"`
	// After the body was read, before it is validated.
	PreValidation []string `json:"pre_validation,omitzero"`
	// After validation, before the handler.
	PreHandler []string `json:"pre_handler,omitzero"`
	// After the handler has answered.
	OnResponse []string `json:"on_response,omitzero"`
	// Instead of `on_response` after an exception.
	OnError []string `json:"on_error,omitzero"`
}

// RequestId: a request id taken from the client or made.
type RequestId struct {
	// Requests get an id, and answers tell it.
	Enabled bool `json:"enabled,omitzero"`
	// Header it is read from and written to.
	Header string `json:"header,omitzero"`
}

// Timeout: the longest a request may take.
type Timeout struct {
	// From the end of the request head to the start of the answer; null for none.
	Ms *uint32 `json:"ms,omitzero"`
	// Status of the answer when it is over.
	Status uint16 `json:"status,omitzero"`
}

// Limits: limits on what a client may send or hold.
type Limits struct {
	// Request body; more gets 413.
	BodyBytes *uint64 `json:"body_bytes,omitzero"`
	// Request line and headers; more gets 431.
	HeaderBytes uint32 `json:"header_bytes,omitzero"`
	// Number of request headers; more gets 431.
	HeaderCount uint32 `json:"header_count,omitzero"`
	// Request target; more gets 414.
	URIBytes uint32 `json:"uri_bytes,omitzero"`
	// Containers inside each other in a JSON body; more gets 400.
	JSONDepth uint32 `json:"json_depth,omitzero"`
	// From the first byte of a request to the end of its head.
	HeaderTimeoutMs uint32 `json:"header_timeout_ms,omitzero"`
	// Between two reads of a request body.
	BodyTimeoutMs uint32 `json:"body_timeout_ms,omitzero"`
	// Of a kept connection between two requests.
	IdleTimeoutMs uint32 `json:"idle_timeout_ms,omitzero"`
	// Without progress in sending an answer.
	WriteTimeoutMs uint32 `json:"write_timeout_ms,omitzero"`
	// Open connections of an I/O loop; further ones wait to be accepted.
	Connections uint32 `json:"connections,omitzero"`
	// Requests of one connection in flight at once; further ones are not read yet.
	Pipeline uint32 `json:"pipeline,omitzero"`
}

// Multipart: limits of multipart/form-data bodies beside `limits.body_bytes`. They are parsed while they arrive.
type Multipart struct {
	// Parts of a body; more gets 413.
	Parts uint32 `json:"parts,omitzero"`
	// Headers of a part; more gets 413.
	HeaderBytes uint32 `json:"header_bytes,omitzero"`
	// Text fields of a body together; more gets 413.
	FieldBytes *uint64 `json:"field_bytes,omitzero"`
	// Largest file; more gets 413. Null for no limit but the body's.
	FileBytes *uint64 `json:"file_bytes,omitzero"`
	// Files of a body that are kept in memory, together. A file that does not fit goes to a temporary file, which is deleted when the request has ended.
	MemoryBytes *uint64 `json:"memory_bytes,omitzero"`
	// Folder of the temporary files.
	Directory string `json:"directory,omitzero"`
}

// Decompression: buffered request bodies with a Content-Encoding, decoded while they arrive.
type Decompression struct {
	// Codings that are taken, one a body; others get 415 with Accept-Encoding.
	Encodings Optional[[]ContentCoding] `json:"encodings,omitzero"`
	// Largest body once decoded; more gets 413. Null for the body's own limit, which always holds for what was sent.
	MaxBytes *uint64 `json:"max_bytes,omitzero"`
}

// Health: the health endpoints. A route with the same path wins.
type Health struct {
	// They are served.
	Enabled *bool `json:"enabled,omitzero"`
	// 200 while the process works.
	Live string `json:"live,omitzero"`
	// 200 while every required component is ready and no drain has begun, else 503.
	Ready string `json:"ready,omitzero"`
}

// Cors: cross-origin requests (Fetch). Preflights are answered before routing and authentication; all answers, errors too, have the headers.
type Cors struct {
	// Origins as browsers send them, `https://app.example.com`, compared exactly; `*` for all.
	AllowOrigins []string `json:"allow_origins,omitzero"`
	// Regular expressions (ECMA-262) that the whole of an origin must match.
	AllowOriginPatterns []string `json:"allow_origin_patterns,omitzero"`
	// Methods that a preflight may ask for, in upper case; `*` for all.
	AllowMethods Optional[[]string] `json:"allow_methods,omitzero"`
	// Request headers that a preflight may ask for, in any case; `*` for all.
	AllowHeaders []string `json:"allow_headers,omitzero"`
	// Response headers that pages may read.
	ExposeHeaders []string `json:"expose_headers,omitzero"`
	// Pages may send cookies and credentials. With `*` the origin is then named in the answer.
	AllowCredentials bool `json:"allow_credentials,omitzero"`
	// How long a browser may keep a preflight's answer; null for its own default.
	MaxAge *uint32 `json:"max_age,omitzero"`
	// What becomes of a request from another origin. A preflight always gets 403.
	OnDisallowed CorsDisallowed `json:"on_disallowed,omitzero"`
}

// Compression: coding of answers by Accept-Encoding (RFC 9110 12.5.3), streamed ones too. Text, JSON, XML, JavaScript and SVG are coded; what is coded
// already, ranges and `no-transform` are not.
type Compression struct {
	// Offer gzip.
	Gzip *bool `json:"gzip,omitzero"`
	// Offer br.
	Brotli *bool `json:"brotli,omitzero"`
	// Offer zstd.
	Zstd bool `json:"zstd,omitzero"`
	// Shorter bodies are sent as they are.
	MinSize *uint32 `json:"min_size,omitzero"`
	// From fast to small, on the scale of brotli; gzip ends at 9.
	Quality *uint32 `json:"quality,omitzero"`
}

// StaticFiles: files of a folder. A path without a file goes on to the routes. Hidden files (`.x`, but not `.well-known`) are not served, nor links out
// of the folder.
type StaticFiles struct {
	// Path that they are below, as `/static`; `/` for all paths.
	Prefix string `json:"prefix"`
	// The folder. It must be there at start-up.
	Directory string `json:"directory"`
	// A folder's path with `/` at its end gives its index.html; without, it is redirected there.
	IndexFile bool `json:"index_file,omitzero"`
	// Value of Cache-Control; null for none.
	CacheControl *string `json:"cache_control,omitzero"`
	// Serve `x.js.br`, `.zst` or `.gz` for `x.js` to those who accept it.
	Precompressed bool `json:"precompressed,omitzero"`
}

// RateLimit: token buckets in memory, shared by the loops of a process. Without a token the answer is 429 with Retry-After. Health and metrics paths are
// not counted.
type RateLimit struct {
	// Tokens a bucket gets in a second: a number over 0, such as 0.5.
	PerSecond any `json:"per_second"`
	// Tokens a bucket holds at most.
	Burst uint32 `json:"burst,omitzero"`
	// Who has a bucket.
	By RateLimitBy `json:"by,omitzero"`
	// Name of the header where `by` is header.
	Header string `json:"header,omitzero"`
	// Buckets kept at most; over it the one that was used longest ago goes.
	MaxKeys uint32 `json:"max_keys,omitzero"`
}

// SecurityHeaders: headers that every answer has unless the handler set them itself. An empty text leaves one out.
type SecurityHeaders struct {
	// X-Content-Type-Options.
	ContentTypeOptions *string `json:"content_type_options,omitzero"`
	// X-Frame-Options.
	FrameOptions *string `json:"frame_options,omitzero"`
	// Referrer-Policy.
	ReferrerPolicy *string `json:"referrer_policy,omitzero"`
	// Strict-Transport-Security, on encrypted connections only.
	StrictTransportSecurity *string `json:"strict_transport_security,omitzero"`
	// Content-Security-Policy.
	ContentSecurityPolicy string `json:"content_security_policy,omitzero"`
	// Permissions-Policy.
	PermissionsPolicy string `json:"permissions_policy,omitzero"`
	// Cross-Origin-Opener-Policy.
	CrossOriginOpenerPolicy string `json:"cross_origin_opener_policy,omitzero"`
	// Cross-Origin-Resource-Policy.
	CrossOriginResourcePolicy string `json:"cross_origin_resource_policy,omitzero"`
}

// HttpConfig: the HTTP server.
type HttpConfig struct {
	// Addresses; none: reached in memory only. `run()` of a binding adds 127.0.0.1:8000 when there is none.
	Listeners []Listener `json:"listeners,omitzero"`
	// Routes; the index of one is its id.
	Routes []Route `json:"routes,omitzero"`
	// Hooks of the application.
	Hooks Hooks `json:"hooks,omitzero"`
	// Dependencies of the application.
	Dependencies []Dependency `json:"dependencies,omitzero"`
	// Request ids.
	RequestID RequestId `json:"request_id,omitzero"`
	// Time-out of every request.
	Timeout Timeout `json:"timeout,omitzero"`
	// Limits on what a client may send or hold.
	Limits Limits `json:"limits,omitzero"`
	// Who may call; null for everybody.
	Auth *Auth `json:"auth,omitzero"`
	// Bodies with a Content-Encoding; null leaves them as they are.
	Decompression *Decompression `json:"decompression,omitzero"`
	// Limits of multipart bodies.
	Multipart Multipart `json:"multipart,omitzero"`
	// Values of Host that are served, without port, `*.example.com` for all below; others get 400. None: all.
	TrustedHosts []string `json:"trusted_hosts,omitzero"`
	// How fast clients may ask; null for no limit.
	RateLimit *RateLimit `json:"rate_limit,omitzero"`
	// Folders that are served; the longest prefix that has the file counts.
	StaticFiles []StaticFiles `json:"static_files,omitzero"`
	// Cross-origin requests; null for none.
	CORS *Cors `json:"cors,omitzero"`
	// Coding of answers; null for none.
	Compression *Compression `json:"compression,omitzero"`
	// Security headers of every answer; null for none.
	SecurityHeaders *SecurityHeaders `json:"security_headers,omitzero"`
	// What the `type` of a problem document starts with.
	ProblemBase *string `json:"problem_base,omitzero"`
	// Health endpoints.
	Health Health `json:"health,omitzero"`
	// Value of the Server header; null for none.
	ServerHeader *string `json:"server_header,omitzero"`
}

// StoragePresign: signed URLs of `memory:` and `file:`, which the application's own HTTP server answers.
type StoragePresign struct {
	// What stands before the path of a signed URL, `https://files.example.com`. Empty: the address of the first TCP listener, which is no use to others
	// where that is 0.0.0.0 or behind a proxy: say it there.
	BaseURL string `json:"base_url,omitzero"`
	// Path below which signed URLs are answered; the name of the store comes next.
	Path string `json:"path,omitzero"`
	// Key of the signatures, and of the tokens of listings and uploads. Empty: a random one, which `file:` keeps in its folder and `memory:` forgets at
	// the end of the process; elsewhere the key or secret of the store that is in the configuration, without which there are no uploads in parts.
	Secret string `json:"secret,omitzero"`
	// Largest body that a signed PUT takes, also of one part of an upload; more gets 413.
	MaxUploadBytes uint64 `json:"max_upload_bytes,omitzero"`
}

// S3Options: what `s3:` needs beside the bucket.
type S3Options struct {
	// Region of the bucket.
	Region string `json:"region,omitzero"`
	// `https://host[:port]` without the bucket. Empty: that of AWS in the region.
	Endpoint string `json:"endpoint,omitzero"`
	// Where the bucket stands in a URL.
	Addressing S3Addressing `json:"addressing,omitzero"`
	// Access key id. Empty, with `secret_key`: the usual chain of AWS (environment, profile, web identity, container, machine).
	AccessKey string `json:"access_key,omitzero"`
	// Secret access key.
	SecretKey string `json:"secret_key,omitzero"`
	// Token of temporary credentials; empty for none.
	SessionToken string `json:"session_token,omitzero"`
	// Profile of the chain. Empty: that of `AWS_PROFILE`, or `default`.
	Profile string `json:"profile,omitzero"`
}

// GcsOptions: what `gcs:` needs beside the bucket.
type GcsOptions struct {
	// `https://host[:port]`. Empty: that of Google.
	Endpoint string `json:"endpoint,omitzero"`
	// JSON of a service account or another credential. Empty, with `credential_file`: the application default credentials.
	Credential string `json:"credential,omitzero"`
	// File with that JSON.
	CredentialFile string `json:"credential_file,omitzero"`
	// Requests without credentials: emulators, public buckets.
	Anonymous bool `json:"anonymous,omitzero"`
}

// AzblobOptions: what `azblob:` needs beside the container.
type AzblobOptions struct {
	// Name of the storage account.
	Account string `json:"account,omitzero"`
	// `https://host[:port]`, with the account in the path where it is not in the host. Empty: that of Azure for the account.
	Endpoint string `json:"endpoint,omitzero"`
	// Key of the account, base64. Empty, with `sas_token`: the usual chain of Azure (environment, workload identity, machine).
	AccountKey string `json:"account_key,omitzero"`
	// A shared access signature instead of a key.
	SasToken string `json:"sas_token,omitzero"`
	// Requests without credentials: public containers.
	Anonymous bool `json:"anonymous,omitzero"`
}

// StorageTransfer: how stores on other machines are spoken to.
type StorageTransfer struct {
	// Longest silence of the server; then the request is made again.
	TimeoutMs uint32 `json:"timeout_ms,omitzero"`
	// How often a request is made again after a failure that may pass, with growing pauses.
	MaxRetries *uint32 `json:"max_retries,omitzero"`
	// Parts of one streamed write that are sent at once; each is held in memory (8 MiB).
	Concurrency uint32 `json:"concurrency,omitzero"`
}

// StorageConfig: a store of objects.
type StorageConfig struct {
	// `memory:`, `file:DIR`, `s3://BUCKET`, `gcs://BUCKET`, `azblob://CONTAINER`, or the scheme of another service of OpenDAL with its members in
	// `options`: `webdav:`.
	URL string `json:"url,omitzero"`
	// Largest object (or range) that `read` gives in one piece; more is too_large: stream it.
	MaxReadBytes uint64 `json:"max_read_bytes,omitzero"`
	// All objects of a `memory:` store together; a write over it is too_large.
	MaxMemoryBytes uint64 `json:"max_memory_bytes,omitzero"`
	// `file:` waits until a write or delete is on the disk. Without it an object is still old or new after a crash of the process, but a power cut may
	// lose it.
	Durable *bool `json:"durable,omitzero"`
	// Signed URLs of `memory:` and `file:`.
	Presign StoragePresign `json:"presign,omitzero"`
	// Of `s3:` only.
	S3 S3Options `json:"s3,omitzero"`
	// Of `gcs:` only.
	GCS GcsOptions `json:"gcs,omitzero"`
	// Of `azblob:` only.
	Azblob AzblobOptions `json:"azblob,omitzero"`
	// Of OpenDAL's further services, by the names they have there. Values are kept out of logs.
	Options map[string]string `json:"options,omitzero"`
	// Of all but `memory:` and `file:`.
	Transfer StorageTransfer `json:"transfer,omitzero"`
}

// TasksConfig: a store of tasks.
type TasksConfig struct {
	// `memory:`, `sqlite:FILE`, or the URL of another backend.
	URL string `json:"url,omitzero"`
	// How long completed jobs and their results are kept.
	RetentionMs uint64 `json:"retention_ms,omitzero"`
	// How long discarded and cancelled jobs are kept.
	FailedRetentionMs uint64 `json:"failed_retention_ms,omitzero"`
	// How often a worker looks for what other processes enqueued, where the store does not tell it.
	PollMs uint32 `json:"poll_ms,omitzero"`
}

// Worker: what runs the tasks of a queue in this application.
type Worker struct {
	// Its name in reports, logs and telemetry; unique.
	Name string `json:"name"`
	// Which of `services.tasks`.
	Client string `json:"client,omitzero"`
	// Its queue.
	Queue string `json:"queue,omitzero"`
	// Handlers at once, in each process.
	Concurrency uint32 `json:"concurrency,omitzero"`
	// A job comes back this long after its worker died; renewed every third of it while the handler runs.
	LeaseMs uint32 `json:"lease_ms,omitzero"`
	// The longest a run may take where the task has no limit of its own; null for none.
	TimeoutMs *uint32 `json:"timeout_ms,omitzero"`
	// Names it has handlers for; any other is discarded with the code unknown_task. Empty: all.
	Tasks []string `json:"tasks,omitzero"`
}

// Schedule: a task that is enqueued by the clock.
type Schedule struct {
	// Its name; the same in every process of the application.
	Name string `json:"name"`
	// Which of `services.tasks`.
	Client string `json:"client,omitzero"`
	// Five or six fields, or a macro such as `@daily`.
	Cron string `json:"cron"`
	// A name of the IANA data base, such as `Europe/Berlin`.
	Timezone string `json:"timezone,omitzero"`
	// Where its jobs go.
	Queue string `json:"queue,omitzero"`
	// The task's name. Empty: the schedule's.
	Task string `json:"task,omitzero"`
	// The arguments of every job.
	Args any `json:"args,omitzero"`
	// Higher goes first.
	Priority int32 `json:"priority,omitzero"`
	// Runs of a job at most.
	MaxAttempts uint32 `json:"max_attempts,omitzero"`
	// The longest a run may take; null for the worker's limit.
	TimeoutMs *uint32 `json:"timeout_ms,omitzero"`
	// What becomes of times at which no scheduler ran.
	Misfire Misfire `json:"misfire,omitzero"`
	// What becomes of a time while the job before has not ended.
	Overlap Overlap `json:"overlap,omitzero"`
}

// TelemetryConfig: telemetry. Off unless an exporter is named here or by the environment (`OTEL_TRACES_EXPORTER`, `OTEL_METRICS_EXPORTER`,
// `OTEL_LOGS_EXPORTER`, or any of the `OTEL_EXPORTER_OTLP_...ENDPOINT` variables). What is null here comes from the `OTEL_...` variable it names, else
// from OpenTelemetry's default. `OTEL_SDK_DISABLED=true` turns everything off.
type TelemetryConfig struct {
	// Where it goes; null for what `OTEL_TRACES_EXPORTER` and its like say.
	Exporter *TelemetryExporter `json:"exporter,omitzero"`
	// Resource attribute `service.name`; null for `OTEL_SERVICE_NAME`, else the name of the application.
	ServiceName *string `json:"service_name,omitzero"`
	// Further resource attributes. `OTEL_RESOURCE_ATTRIBUTES` is merged with them, what stands here wins.
	Resource map[string]string `json:"resource,omitzero"`
	// Which traces are recorded (`OTEL_TRACES_SAMPLER`, `parentbased_always_on`).
	Sampler *TelemetrySampler `json:"sampler,omitzero"`
	// The share of the two ratio samplers, a number from 0 to 1 (`OTEL_TRACES_SAMPLER_ARG`, 1).
	SamplerArg any `json:"sampler_arg,omitzero"`
	// Base URL of the collector, to which `/v1/traces`, `/v1/metrics` and `/v1/logs` are added but for gRPC (`OTEL_EXPORTER_OTLP_ENDPOINT`,
	// `http://localhost:4318`, for gRPC `http://localhost:4317`).
	Endpoint *string `json:"endpoint,omitzero"`
	// Header fields sent to the collector, beside those of `OTEL_EXPORTER_OTLP_HEADERS`. Never logged.
	Headers map[string]string `json:"headers,omitzero"`
	// PEM file of the roots that an `https` collector is checked against (`OTEL_EXPORTER_OTLP_CERTIFICATE`, the system's).
	Certificate *string `json:"certificate,omitzero"`
	// How it is compressed (`OTEL_EXPORTER_OTLP_COMPRESSION`, none).
	Compression *TelemetryCompression `json:"compression,omitzero"`
	// Spans are made and exported.
	Traces *bool `json:"traces,omitzero"`
	// Metrics are exported.
	Metrics *bool `json:"metrics,omitzero"`
	// Log records are exported.
	Logs *bool `json:"logs,omitzero"`
	// The longest that one export may take, retries included (`OTEL_EXPORTER_OTLP_TIMEOUT`, 10000).
	ExportTimeoutMs *uint32 `json:"export_timeout_ms,omitzero"`
	// The longest that a span or log record waits for its batch (`OTEL_BSP_SCHEDULE_DELAY`, `OTEL_BLRP_SCHEDULE_DELAY`, 5000 and 1000).
	ScheduleDelayMs *uint32 `json:"schedule_delay_ms,omitzero"`
	// Spans, and log records, that may wait; one more is dropped and counted (`OTEL_BSP_MAX_QUEUE_SIZE`, `OTEL_BLRP_MAX_QUEUE_SIZE`, 2048).
	MaxQueueSize *uint32 `json:"max_queue_size,omitzero"`
	// Spans, and log records, of one request to the collector (`OTEL_BSP_MAX_EXPORT_BATCH_SIZE`, `OTEL_BLRP_MAX_EXPORT_BATCH_SIZE`, 512).
	MaxExportBatchSize *uint32 `json:"max_export_batch_size,omitzero"`
	// Time between two exports of the metrics (`OTEL_METRIC_EXPORT_INTERVAL`, 60000).
	MetricIntervalMs *uint32 `json:"metric_interval_ms,omitzero"`
	// Path at which the application's HTTP server answers with all metrics, in the text format of Prometheus or, where the client prefers it,
	// OpenMetrics. Null: nowhere.
	MetricsPath *string `json:"metrics_path,omitzero"`
}

// Shutdown: the four spans of the drain (docs/guide/shutdown.md). Exit never takes longer than their sum.
type Shutdown struct {
	// Time between readiness turning 503 and the end of accepting, for load balancers.
	DelayMs uint32 `json:"delay_ms,omitzero"`
	// What is in flight may take this long to finish.
	TimeoutMs *uint32 `json:"timeout_ms,omitzero"`
	// Cancelled handlers may take this long to end.
	CleanupMs *uint32 `json:"cleanup_ms,omitzero"`
	// Telemetry and logs may take this long to be written.
	FlushMs *uint32 `json:"flush_ms,omitzero"`
}

// Log: structured logging.
type Log struct {
	// How a record is written.
	Format LogFormat `json:"format,omitzero"`
	// The lowest level that is written.
	Level LogLevel `json:"level,omitzero"`
}

// Services: the toolbox, by name. A name is what code asks for; `default` is there without being named here.
type Services struct {
	// Caches.
	Cache map[string]CacheConfig `json:"cache,omitzero"`
	// Stores of objects.
	Storage map[string]StorageConfig `json:"storage,omitzero"`
	// Databases.
	DB map[string]DbConfig `json:"db,omitzero"`
	// Message brokers.
	Messaging map[string]MessagingConfig `json:"messaging,omitzero"`
	// Stores of tasks.
	Tasks map[string]TasksConfig `json:"tasks,omitzero"`
	// Where events are sent.
	Events map[string]EventSender `json:"events,omitzero"`
}

// Manifest: the whole application.
type Manifest struct {
	// Name of the application, in logs and telemetry.
	Name string `json:"name,omitzero"`
	// Where time comes from.
	Clock ClockKind `json:"clock,omitzero"`
	// I/O loops of a C++ program, or of a port with the threaded drive.
	IoThreads uint32 `json:"io_threads,omitzero"`
	// Who does the I/O of a port.
	Drive Drive `json:"drive,omitzero"`
	// SIGTERM and SIGINT begin the drain, SIGHUP reads certificates again (C++ and C programs). Off in an application embedded in another program.
	HandleSignals *bool `json:"handle_signals,omitzero"`
	// The HTTP server; null for an application without one.
	HTTP *HttpConfig `json:"http,omitzero"`
	// What this process runs; none: everything. `SPIKARD_ROLES=web,worker`.
	Roles []Role `json:"roles,omitzero"`
	// For tests: `sqlite:` files become `sqlite::memory:` and `file:` folders `memory:`, so that nothing is left behind and nothing is met.
	InMemoryStores bool `json:"in_memory_stores,omitzero"`
	// For tests: what goes wrong in the clients of the toolbox. Needs the virtual clock.
	Faults *Faults `json:"faults,omitzero"`
	// The toolbox: caches, object stores, databases, brokers, task stores.
	Services Services `json:"services,omitzero"`
	// Message consumers; the index of one is its number in the port.
	Consumers []Consumer `json:"consumers,omitzero"`
	// Task workers; the index of one is its number in the port.
	Workers []Worker `json:"workers,omitzero"`
	// Tasks enqueued by the clock.
	Schedules []Schedule `json:"schedules,omitzero"`
	// Paths that take CloudEvents. Their subscriptions name handlers by their number in the port.
	Events []EventEndpoint `json:"events,omitzero"`
	// Message consumers whose messages are CloudEvents.
	EventConsumers []EventConsumer `json:"event_consumers,omitzero"`
	// Traces, metrics and logs.
	Telemetry TelemetryConfig `json:"telemetry,omitzero"`
	// The drain.
	Shutdown Shutdown `json:"shutdown,omitzero"`
	// Logging.
	Log Log `json:"log,omitzero"`
}
