// Generated from spec/services by codegen. Do not edit.
/** The manifest: an application as data. Members keep the names that spikard.toml and the other languages have. */

/**
 * How topics and the patterns of consumers are written on an embedded broker: like those of the broker it stands in for.
 *
 * `auto`: A pattern is NATS (`orders.*`, `orders.>`) or MQTT (`orders/+`, `orders/#`) by its wildcards; without one it is a topic.
 * `nats`: Tokens between dots; `*` is one token, `>` one or more at the end.
 * `mqtt`: Levels between slashes; `+` is one level, `#` any number at the end, the level above included.
 * `amqp`: Words between dots; `*` is one word, `#` any number.
 */
export type TopicStyle = 'auto' | 'nats' | 'mqtt' | 'amqp';

/**
 * Where a group begins that the broker does not know yet.
 *
 * `latest`: With what is published from now on.
 * `earliest`: With the oldest message that is still kept.
 */
export type StartFrom = 'latest' | 'earliest';

/**
 * How the wait grows from failure to failure.
 *
 * `exponential`: `initial_ms` times `factor` to the power of the failures before.
 * `constant`: Always `initial_ms`.
 */
export type BackoffKind = 'exponential' | 'constant';

/**
 * How an event is laid out in a message.
 *
 * `binary`: Attributes as headers, the data as the body.
 * `structured`: The whole event as a JSON document.
 */
export type EventMode = 'binary' | 'structured';

/**
 * Which of the protocol bindings lays an event out in a broker's message.
 *
 * `auto`: The one of the broker: kafka for `kafka:`, amqp for `amqp:`, nats for `nats:`, mqtt for `mqtt:`; for `redis:`, `memory:` and `sqlite:`, which have none, the same headers as Kafka.
 * `kafka`: Headers `ce_...` and `content-type`.
 * `amqp`: Application properties `cloudEvents:...`.
 * `mqtt3`: MQTT 3.1.1: structured only.
 * `mqtt5`: User properties with the names of the attributes.
 * `nats`: Headers `ce-...`, as those of HTTP (binding 1.0.3); a message without them is read as the JSON document (1.0.2).
 * `redis`: Fields `ce_...` and `content-type` beside the payload.
 */
export type EventBinding = 'auto' | 'kafka' | 'amqp' | 'mqtt3' | 'mqtt5' | 'nats' | 'redis';

/**
 * Clients of the toolbox that faults are made in.
 *
 * `cache`: Caches.
 * `storage`: Stores of objects.
 * `db`: Databases.
 * `messaging`: Message brokers.
 * `tasks`: Stores of tasks.
 */
export type FaultyClients = 'cache' | 'storage' | 'db' | 'messaging' | 'tasks';

/**
 * Method of a route. HEAD comes with GET; OPTIONS is answered with Allow unless a route has it.
 *
 * `GET`
 * `HEAD`
 * `POST`
 * `PUT`
 * `PATCH`
 * `DELETE`
 * `OPTIONS`
 * `TRACE`
 */
export type HttpMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS' | 'TRACE';

/**
 * Where a parameter is read from.
 *
 * `path`: A segment of the path.
 * `query`: The query string.
 * `header`: A request header.
 * `cookie`: A cookie.
 */
export type ParameterIn = 'path' | 'query' | 'header' | 'cookie';

/**
 * How arrays and objects are laid out as text (OpenAPI 3.1).
 *
 * `form`: `a=1&a=2` exploded, `a=1,2` not.
 * `simple`: `1,2`; path and header.
 * `pipeDelimited`: `1|2`; query.
 * `spaceDelimited`: `1 2`; query.
 * `semicolonDelimited`: `1;2`; query.
 * `deepObject`: `a[b]=1`; query.
 */
export type ParameterStyle = 'form' | 'simple' | 'pipeDelimited' | 'spaceDelimited' | 'semicolonDelimited' | 'deepObject';

/**
 * How a request body reaches the handler.
 *
 * `buffer`: Whole, before the handler starts.
 * `stream`: In chunks against credit while the handler runs. It is not parsed or validated.
 */
export type BodyMode = 'buffer' | 'stream';

/**
 * In which form a buffered JSON body is handed over.
 *
 * `nodes`: Parsed, as 16-byte nodes.
 * `text`: Checked by the core, handed over as its text for hosts whose own parser is faster.
 * `raw`: Bytes as they came.
 */
export type BodyAs = 'nodes' | 'text' | 'raw';

/**
 * A type of JSON.
 *
 * `null`
 * `boolean`
 * `integer`: A number without fraction.
 * `number`
 * `string`
 * `array`
 * `object`
 */
export type JsonType = 'null' | 'boolean' | 'integer' | 'number' | 'string' | 'array' | 'object';

/**
 * How a dependency comes to be.
 *
 * `value`: It is there from the start.
 * `factory`: The host makes it when it is first needed.
 */
export type DependencyKind = 'value' | 'factory';

/**
 * How long what a factory made is kept.
 *
 * `singleton`: For the life of the application.
 * `request`: For one request.
 * `transient`: For one use; each place that injects it gets its own.
 */
export type DependencyScope = 'singleton' | 'request' | 'transient';

/**
 * What becomes of a request from an origin that is not allowed.
 *
 * `serve`: It is served without CORS headers; the browser keeps the answer from the page.
 * `reject`: It gets 403.
 */
export type CorsDisallowed = 'serve' | 'reject';

/**
 * Who has a bucket of their own.
 *
 * `ip`: Each address of a peer; all peers of a UNIX socket share one.
 * `header`: Each value of a header; a request without it counts for its address.
 */
export type RateLimitBy = 'ip' | 'header';

/**
 * Signature of a JSON Web Token (RFC 7518, RFC 8037). Only the configured one is taken, whatever a token says.
 *
 * `HS256`: HMAC with SHA-256.
 * `HS384`: HMAC with SHA-384.
 * `HS512`: HMAC with SHA-512.
 * `RS256`: RSA PKCS #1 v1.5 with SHA-256.
 * `RS384`: RSA PKCS #1 v1.5 with SHA-384.
 * `RS512`: RSA PKCS #1 v1.5 with SHA-512.
 * `PS256`: RSA-PSS with SHA-256.
 * `PS384`: RSA-PSS with SHA-384.
 * `PS512`: RSA-PSS with SHA-512.
 * `ES256`: ECDSA on P-256 with SHA-256.
 * `ES384`: ECDSA on P-384 with SHA-384.
 * `ES512`: ECDSA on P-521 with SHA-512.
 * `EdDSA`: Ed25519.
 */
export type JwtAlgorithm = 'HS256' | 'HS384' | 'HS512' | 'RS256' | 'RS384' | 'RS512' | 'PS256' | 'PS384' | 'PS512' | 'ES256' | 'ES384' | 'ES512' | 'EdDSA';

/**
 * A coding of Content-Encoding.
 *
 * `gzip`
 * `deflate`: The zlib format (RFC 9110); the bare one that some clients send is taken too.
 * `br`: Brotli.
 * `zstd`: Windows of up to 8 MiB (RFC 8878).
 */
export type ContentCoding = 'gzip' | 'deflate' | 'br' | 'zstd';

/**
 * Where the bucket stands in a URL.
 *
 * `virtual`: The first label of the host.
 * `path`: The first segment of the path.
 */
export type S3Addressing = 'virtual' | 'path';

/**
 * What becomes of the times of a schedule at which no scheduler ran.
 *
 * `skip`: They are left out.
 * `once`: One job stands for all of them: the latest.
 * `all`: One job for each.
 */
export type Misfire = 'skip' | 'once' | 'all';

/**
 * What becomes of a time of a schedule while the job before has not ended.
 *
 * `allow`: A job is made all the same.
 * `forbid`: The time is left out.
 */
export type Overlap = 'allow' | 'forbid';

/**
 * Where spans, metrics and log records go.
 *
 * `none`: Nowhere. Metrics are still kept for `metrics_path`.
 * `memory`: Kept in the process for tests.
 * `otlp_http`: To a collector by OTLP over HTTP, as protobuf.
 * `otlp_http_json`: To a collector by OTLP over HTTP, as JSON.
 * `otlp_grpc`: To a collector by OTLP over gRPC.
 */
export type TelemetryExporter = 'none' | 'memory' | 'otlp_http' | 'otlp_http_json' | 'otlp_grpc';

/**
 * Which traces are recorded; those of `OTEL_TRACES_SAMPLER`.
 *
 * `always_on`: All.
 * `always_off`: None.
 * `traceidratio`: The share `sampler_arg` of all traces, decided by the trace's id.
 * `parentbased_always_on`: As the caller decided; all where there is none.
 * `parentbased_always_off`: As the caller decided; none where there is none.
 * `parentbased_traceidratio`: As the caller decided; the share `sampler_arg` where there is none.
 */
export type TelemetrySampler = 'always_on' | 'always_off' | 'traceidratio' | 'parentbased_always_on' | 'parentbased_always_off' | 'parentbased_traceidratio';

/**
 * How what is exported is compressed.
 *
 * `none`: Not at all.
 * `gzip`: By gzip.
 */
export type TelemetryCompression = 'none' | 'gzip';

/**
 * Where an application's time comes from.
 *
 * `real`: The machine's monotonic clock.
 * `virtual`: A clock that `test.advance` moves. A release build refuses it unless SPIKARD_TEST=1.
 */
export type ClockKind = 'real' | 'virtual';

/**
 * Who does the I/O of a port.
 *
 * `inline`: The thread that polls the port.
 * `thread`: Threads of the core; the port only takes what they have made ready.
 */
export type Drive = 'inline' | 'thread';

/**
 * A part of an application that a process may run alone, so that one image scales each part by itself.
 *
 * `web`: The HTTP server, and the CloudEvents that come through it.
 * `consumer`: Message consumers.
 * `worker`: Task workers.
 * `scheduler`: Schedules.
 */
export type Role = 'web' | 'consumer' | 'worker' | 'scheduler';

/**
 * How a log record is written.
 *
 * `json`: One JSON object a line.
 * `human`: Text for people at a terminal.
 */
export type LogFormat = 'json' | 'human';

/**
 * The lowest level that is written.
 *
 * `trace`: Everything.
 * `debug`: What a developer asks for.
 * `info`: Start, stop and one line for what operators want to know.
 * `warn`: Something is off and was dealt with.
 * `error`: Something failed.
 * `off`: Nothing.
 */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'off';

/** A cache. `memory:` (and the part of `tiered+redis:` that is in memory) keeps at most `max_bytes` or `max_entries`, whichever is given (both hold where both are); what goes first is decided by how often and how lately it was asked for (W-TinyLFU). `redis:` has no such bounds: its server decides. */
export interface CacheConfig {
  /** `memory:`, `redis://HOST:6379/DB` (also `rediss:`, `redis+unix:`, `redis+sentinel:`, `redis+cluster:`), or one of these behind `tiered+`: memory in front of it. Default: `"memory:"`. */
  readonly url?: string;
  /** The most that `memory:` holds, keys, values and about 90 bytes an entry counted. Null: 64 MiB, or no limit of bytes where `max_entries` is given. In bytes. Default: `null`. */
  readonly max_bytes?: number | null;
  /** The most entries that `memory:` holds. Null: as many as `max_bytes` allows. Default: `null`. */
  readonly max_entries?: number | null;
  /** How long an entry lives that was set without a time. Null: for ever. In ms. Default: `null`. */
  readonly default_ttl_ms?: number | null;
}

/** A message broker. */
export interface MessagingConfig {
  /** `memory:`, `sqlite:FILE`, or the URL of another backend. Default: `"sqlite:data/app.db"`. */
  readonly url?: string;
  /** The delivery store of `mqtt:`: `sqlite:FILE`, where messages lie from their arrival until they are settled, or `memory:` for what may be lost. Not the file of a `sqlite:` broker. Default: `"sqlite:data/deliveries.db"`. */
  readonly store?: string;
  /** How patterns are written, on `memory:` and `sqlite:`. Default: `"auto"`. */
  readonly topics?: TopicStyle;
  /** The longest payload that is taken; keys and headers come on top (64 KiB together). In bytes. Default: `1048576`. */
  readonly max_message_bytes?: number;
  /** What `memory:` may hold, dead letters included; at the limit `publish` is refused (rate_limited). In bytes. Default: `268435456`. */
  readonly max_bytes?: number;
  /** How long a message that no group waits for is kept for replay, on `memory:`, `sqlite:` and `redis:`. `memory:` gives it up earlier when it needs the room. Dead letters stay until they are redriven or purged. In ms. Default: `86400000`. */
  readonly retention_ms?: number;
  /** How often `sqlite:` looks for what other processes did. Within a process consumers are woken at once. In ms. Default: `50`. */
  readonly poll_ms?: number;
}

/** When a message comes again after its handler failed. */
export interface Backoff {
  /** How the wait grows. Default: `"exponential"`. */
  readonly kind?: BackoffKind;
  /** The wait after the first failure. In ms. Default: `1000`. */
  readonly initial_ms?: number;
  /** A number from 1 to 100; null for 2. Default: `null`. */
  readonly factor?: unknown;
  /** The longest wait. In ms. Default: `300000`. */
  readonly max_ms?: number;
  /** Takes off up to this part of each wait, at random, so that failures do not come back together. Default: `0`. */
  readonly jitter_percent?: number;
}

/** A subscription whose messages a handler of the application takes. */
export interface Consumer {
  /** Its name in reports, logs and telemetry; unique. */
  readonly name: string;
  /** Which of `services.messaging`. Default: `"default"`. */
  readonly client?: string;
  /** Topic or pattern. */
  readonly topic: string;
  /** Each message goes to one consumer of a group. What a group has taken is remembered by its name and topic; empty for the name of the consumer. Default: `""`. */
  readonly group?: string;
  /** Handlers at once, in each process. Default: `16`. */
  readonly concurrency?: number;
  /** Messages in hand, those included that wait for a handler; 0 for as many as `concurrency`. Default: `0`. */
  readonly max_in_flight?: number;
  /** A message waits until the one before it of the same key is settled, its retries included, in the whole group. Messages without a key do not wait. Default: `false`. */
  readonly ordered?: boolean;
  /** After 1 + `max_retries` tries a message goes to the dead letters. Default: `3`. */
  readonly max_retries?: number;
  /** When it comes again after an exception or a time-out. Default: `its own defaults`. */
  readonly backoff?: Backoff;
  /** Topic for what is given up. Null: it is dropped and counted. Default: `null`. */
  readonly dead_letter?: string | null;
  /** A message whose consumer died goes to another one after this time. A consumer that lives keeps its messages, however long a handler takes. In ms. Default: `10000`. */
  readonly ack_wait_ms?: number;
  /** The longest a handler may take; then it is cancelled and the message comes again. Null for no limit. In ms. Default: `null`. */
  readonly handler_timeout_ms?: number | null;
  /** Where a new group begins. Default: `"latest"`. */
  readonly start_from?: StartFrom;
  /** JSON Schema 2020-12 of the payload, which is then JSON. A message that does not fit goes to the dead letters at once, with its validation errors. Default: `null`. */
  readonly schema?: unknown;
}

/** Which events go to which handler. Patterns are exact text, or have `*` for any run of characters. */
export interface EventSubscription {
  /** Number of the handler in the port; several subscriptions may name the same. */
  readonly handler: number;
  /** Pattern of the event's type; case counts. Exact beats a pattern, a longer pattern a shorter one. Default: `"*"`. */
  readonly type?: string;
  /** Pattern of its source. Default: `"*"`. */
  readonly source?: string;
  /** Pattern of its subject; an event without one fits `*` only. Default: `"*"`. */
  readonly subject?: string;
}

/** Remembers the events that were handled, by source and id, for this endpoint or consumer group alone, and acknowledges one that comes again without running its handler. What a handler refused is not remembered. */
export interface EventInbox {
  /** Which of `services.db` keeps it. Default: `"default"`. */
  readonly db?: string;
  /** How long an event is remembered. In ms. Default: `604800000`. */
  readonly retention_ms?: number;
}

/** A path that takes CloudEvents over HTTP and hands them to the application's event handlers. */
export interface EventEndpoint {
  /** Where events are posted; `/` for Knative and Cloud Functions. */
  readonly path: string;
  /** Which events go to which handler; the best fit takes it. Default: `[]`. */
  readonly subscriptions?: readonly EventSubscription[];
  /** Number of the handler of what no subscription takes. Null: refused with 400. Default: `null`. */
  readonly handler?: number | null;
  /** Senders that the webhook handshake grants (`WebHook-Request-Origin`, DNS names in any case, `*.example.com`, `*` for all). Empty: it grants none, and no origin is looked at. Default: `[]`. */
  readonly allowed_origins?: readonly string[];
  /** What the handshake grants; requests beyond it get 429. It counts in each process. Null: no limit (`*`). In requests a minute. Default: `null`. */
  readonly allowed_rate?: number | null;
  /** Hosts to which a `WebHook-Request-Callback` may be sent (`example.com`, `*.example.com`, with `:port` where it is not 443). A handshake that names such a host is granted by the callback, any other at once. Default: `[]`. */
  readonly callback_hosts?: readonly string[];
  /** Callbacks over plain http: are allowed as well (tests). Default: `false`. */
  readonly callback_plain?: boolean;
  /** Events of one batch; more gets 413. Default: `5000`. */
  readonly max_batch?: number;
  /** Events of one batch in hand at once; they begin in their order. Default: `16`. */
  readonly batch_concurrency?: number;
  /** Time-out of a request; null for the HTTP server's. In ms. Default: `null`. */
  readonly timeout_ms?: number | null;
  /** Handles an event once; null for at least once. Default: `null`. */
  readonly inbox?: EventInbox | null;
}

/** A subscription to a broker whose messages are CloudEvents. */
export interface EventConsumer {
  /** The consumer of the messages. */
  readonly consumer: Consumer;
  /** How events are laid out in its messages. Default: `"auto"`. */
  readonly binding?: EventBinding;
  /** Which events go to which handler; the best fit takes it. Default: `[]`. */
  readonly subscriptions?: readonly EventSubscription[];
  /** Number of the handler of what no subscription takes. Null: to the dead letter. Default: `null`. */
  readonly handler?: number | null;
  /** Which of `services.events` takes the events that handlers answer with. Empty: an answer is a failure. Default: `""`. */
  readonly reply?: string;
  /** Handles an event once; null for at least once. Default: `null`. */
  readonly inbox?: EventInbox | null;
}

/** When a failed delivery is tried again. */
export interface EventRetry {
  /** Tries after the first. Default: `5`. */
  readonly max_retries?: number;
  /** Wait before the first retry. A longer Retry-After of the receiver wins. In ms. Default: `200`. */
  readonly initial_ms?: number;
  /** Each wait is this part of the one before. Default: `200`. */
  readonly factor_percent?: number;
  /** The longest wait, Retry-After included. In ms. Default: `30000`. */
  readonly max_ms?: number;
  /** Takes off up to this part of a wait, at random. Default: `20`. */
  readonly jitter_percent?: number;
}

/** Where an application sends events. */
export interface EventSender {
  /** An `http:` or `https:` URL, or `messaging:CLIENT/TOPIC` for a broker of `services.messaging`. `K_SINK` of the environment (Knative) sets that of `default`. Default: `""`. */
  readonly url?: string;
  /** How events are laid out. Batches are always structured. Default: `"binary"`. */
  readonly mode?: EventMode;
  /** How they are laid out in a broker's messages. Default: `"auto"`. */
  readonly binding?: EventBinding;
  /** The `source` of events that have none. Default: `""`. */
  readonly source?: string;
  /** Attributes that every event gets; they replace its own. `K_CE_OVERRIDES` of the environment sets those of `default` beside `K_SINK`. Default: `{}`. */
  readonly extensions?: Readonly<Record<string, string>>;
  /** Value of `WebHook-Request-Origin`; empty: not sent. Default: `""`. */
  readonly origin?: string;
  /** Further headers of every request, such as Authorization. Values are kept out of logs. Default: `{}`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The longest a try may take. In ms. Default: `10000`. */
  readonly timeout_ms?: number;
  /** When a failed delivery is tried again. Default: `its own defaults`. */
  readonly retry?: EventRetry;
}

/** How many connections a client uses at once. */
export interface DbPool {
  /** Queries, streams and transactions at once in this process; one more waits. Default: `5`. */
  readonly max?: number;
  /** How long to wait for a connection; then the error is timeout, pool_timeout. In ms. Default: `5000`. */
  readonly acquire_timeout_ms?: number;
}

/** A database. */
export interface DbConfig {
  /** `sqlite:FILE`, `sqlite::memory:`, `postgres://USER:PASSWORD@HOST/DATABASE`, `mysql://USER:PASSWORD@HOST/DATABASE` (docs/guide/db.md has their options), or the URL of another backend. SQLite: `?synchronous=normal` trades the last commits before a power cut for speed, `&busy_timeout_ms=N` is how long to wait for another process. Default: `"sqlite:data/app.db"`. */
  readonly url?: string;
  /** Connections. Default: `its own defaults`. */
  readonly pool?: DbPool;
  /** The longest a statement may take (for a stream or cursor: the longest between two parts); then it is interrupted. Null for no limit. In ms. Default: `30000`. */
  readonly statement_timeout_ms?: number | null;
  /** The longest a transaction may stay open; then it is rolled back. Null for no limit. In ms. Default: `60000`. */
  readonly transaction_timeout_ms?: number | null;
  /** Prepared statements kept on each connection. Default: `128`. */
  readonly statement_cache?: number;
  /** Most rows that `query` gives; more is too_large: stream them, or use a cursor. Default: `100000`. */
  readonly max_rows?: number;
  /** Folder of `NNNN_name.sql` files; empty for none. Default: `""`. */
  readonly migrations?: string;
  /** Apply what is missing of `migrations` when the application starts. Default: `false`. */
  readonly migrate_on_start?: boolean;
}

/** What goes wrong in the clients of the toolbox under test, by chance but always the same: whether the n-th call of an operation fails is decided by the seed, the client, the operation, what it is about (a statement, a topic, a task) and n. Each chance is a number from 0 to 1; null is 0. */
export interface Faults {
  /** Another seed, other faults. Default: `1`. */
  readonly seed?: number;
  /** The chance that an operation fails with `unavailable` before it takes effect. Default: `null`. */
  readonly unavailable?: unknown;
  /** The chance that an operation takes effect and then fails with `outcome_unknown`. Default: `null`. */
  readonly lost_answer?: unknown;
  /** The chance that an operation waits first, on the virtual clock. Default: `null`. */
  readonly delay?: unknown;
  /** The longest such wait. In ms. Default: `1000`. */
  readonly delay_ms?: number;
  /** The chance that a message or task comes again after it was done, as if that had not been heard; at most three times. Default: `null`. */
  readonly repeated?: unknown;
  /** The clients that have faults; none named: all. Default: `[]`. */
  readonly only?: readonly FaultyClients[];
}

/** TLS of a listener (1.2 and 1.3). Files are read again when they change; connections that exist keep what they have. */
export interface Tls {
  /** PEM file, the leaf first. */
  readonly certificate: string;
  /** PEM file of the private key. */
  readonly key: string;
  /** Protocols offered, best first. Default: `["http/1.1"]`. */
  readonly alpn?: readonly string[];
}

/** An address that is listened on. */
export interface Listener {
  /** An IPv4 or IPv6 address, or `unix:/path`. Default: `"127.0.0.1"`. */
  readonly address?: string;
  /** TCP port; 0 takes a free one, which `spk_info` tells. Ignored with `unix:`. Default: `8000`. */
  readonly port?: number;
  /** TLS; null for plain text. Default: `null`. */
  readonly tls?: Tls | null;
}

/** A declared parameter, as in OpenAPI. It reaches the handler validated and coerced to the type of its schema. */
export interface Parameter {
  /** Where it is read from. */
  readonly in: ParameterIn;
  /** Its name; headers in any case. */
  readonly name: string;
  /** Missing is an error. Path parameters always are. Default: `false`. */
  readonly required?: boolean;
  /** JSON Schema 2020-12; `default` stands for a missing one. Null: any text. Default: `null`. */
  readonly schema?: unknown;
  /** Layout; null is `simple` for path and header, `form` for query and cookie. Default: `null`. */
  readonly style?: ParameterStyle | null;
  /** Each element by itself; null is true for `form` and `deepObject`, else false. Default: `null`. */
  readonly explode?: boolean | null;
}

/** What a file field of a multipart body must be. Errors are at `["files", NAME]`. */
export interface FileField {
  /** A file must be there. Default: `false`. */
  readonly required?: boolean;
  /** Media types that a part may declare; none: any. Default: `[]`. */
  readonly content_types?: readonly string[];
  /** An empty file is refused, and one whose first bytes are those of another type than it declares (PNG, JPEG, GIF and PDF are known). Default: `false`. */
  readonly sniff?: boolean;
  /** Largest file; more gets 413. Null for the application's `multipart.file_bytes`. In bytes. Default: `null`. */
  readonly max_bytes?: number | null;
}

/** What a route takes as its request body. */
export interface Body {
  /** Media types that are taken; others get 415. Default: `["application/json"]`. */
  readonly content_types?: readonly string[];
  /** JSON Schema 2020-12; null for no validation. Default: `null`. */
  readonly schema?: unknown;
  /** An empty body is an error. Default: `true`. */
  readonly required?: boolean;
  /** How the body reaches the handler. Default: `"buffer"`. */
  readonly mode?: BodyMode;
  /** File fields of a multipart body, by name. Default: `{}`. */
  readonly files?: Readonly<Record<string, FileField>>;
  /** In which form a buffered JSON body is handed over. Default: `"nodes"`. */
  readonly as?: BodyAs;
  /** Largest body of this route; more gets 413. Null for the application's `limits.body_bytes`. In bytes. Default: `null`. */
  readonly max_bytes?: number | null;
}

/** Something a handler takes that the application provides. */
export interface Dependency {
  /** Number of the dependency in the port; unique over the application and all routes. */
  readonly id: number;
  /** Name that `inject` and `depends_on` use. */
  readonly name: string;
  /** How it comes to be. Default: `"value"`. */
  readonly kind?: DependencyKind;
  /** How long what a factory made is kept. A value is always a singleton. Default: `"request"`. */
  readonly scope?: DependencyScope;
  /** Names of the dependencies a factory takes, in order. Default: `[]`. */
  readonly depends_on?: readonly string[];
  /** The host is told when it is no longer used, in reverse order of making. Default: `false`. */
  readonly cleanup?: boolean;
  /** JSON type of a value, checked against `inject_types`. Default: `null`. */
  readonly type?: JsonType | null;
  /** The host's token of a value; a factory gives its token each time. Default: `0`. */
  readonly token?: number;
}

/** Bearer tokens that are JSON Web Tokens (RFC 7519). A token must be signed with `algorithm`; `exp` and `nbf` count where it has them. */
export interface Jwt {
  /** The only signature that is taken. Default: `"HS256"`. */
  readonly algorithm?: JwtAlgorithm;
  /** Key of HS256, HS384 and HS512. Kept out of logs and errors. Default: `""`. */
  readonly secret?: string;
  /** Key of the other algorithms: PEM text, of a public key or a certificate. Default: `""`. */
  readonly public_key?: string;
  /** A PEM file with it, instead. Default: `""`. */
  readonly public_key_file?: string;
  /** A file with a set of keys (RFC 7517), instead: a token's `kid` says which. Read at start-up. Default: `""`. */
  readonly jwks_file?: string;
  /** `iss` that a token must have; null for any. Default: `null`. */
  readonly issuer?: string | null;
  /** `aud` of a token must have one of these; none: any. Default: `[]`. */
  readonly audience?: readonly string[];
  /** How far clocks may differ where `exp` and `nbf` are looked at. In s. Default: `0`. */
  readonly leeway?: number;
  /** Claims that must be there, else 403. Default: `[]`. */
  readonly required_claims?: readonly string[];
}

/** Keys in a header or a query parameter, compared in constant time. */
export interface ApiKey {
  /** Header it is read from; empty for none. Default: `"X-API-Key"`. */
  readonly header?: string;
  /** Query parameter it is read from where there is no such header; empty for none. Default: `""`. */
  readonly query?: string;
  /** The keys that are good. Kept out of logs and errors. Default: `[]`. */
  readonly keys?: readonly string[];
}

/** Names and passwords (RFC 7617), compared in constant time. */
export interface Basic {
  /** Realm of the challenge. Default: `"api"`. */
  readonly realm?: string;
  /** Passwords by name. Kept out of logs and errors. Default: `{}`. */
  readonly users?: Readonly<Record<string, string>>;
}

/** Who may call. With several schemes an Authorization header decides alone, by its scheme; an API key counts where there is none. With no scheme everybody may. */
export interface Auth {
  /** Bearer tokens. Default: `null`. */
  readonly jwt?: Jwt | null;
  /** Names and passwords. Default: `null`. */
  readonly basic?: Basic | null;
  /** API keys. Default: `null`. */
  readonly api_key?: ApiKey | null;
}

/** A method and a path with what the core checks before the handler runs. */
export interface Route {
  /** Its method. */
  readonly method: HttpMethod;
  /** `/users/{id:int}`; types int, float, bool, uuid, date, datetime, str, path (the rest). */
  readonly path: string;
  /** Name in logs, telemetry and OpenAPI. Default: `""`. */
  readonly name?: string;
  /** Declared parameters; the handler gets them in this order. Default: `[]`. */
  readonly parameters?: readonly Parameter[];
  /** The request body; null when the route takes none. Default: `null`. */
  readonly body?: Body | null;
  /** Names of the dependencies the handler takes, in order. Default: `[]`. */
  readonly inject?: readonly string[];
  /** JSON types that injected values must have; checked at start-up. Default: `{}`. */
  readonly inject_types?: Readonly<Record<string, JsonType>>;
  /** Dependencies of this route; one with the name of an application's replaces it. Default: `[]`. */
  readonly dependencies?: readonly Dependency[];
  /** Who may call this route, instead of the application's `auth`; `{}` lets everybody. Null for the application's. Default: `null`. */
  readonly auth?: Auth | null;
  /** Scopes that a token's `scope` (or `scp`, or `scopes`) must all have, else 403. Default: `[]`. */
  readonly scopes?: readonly string[];
  /** Time-out of this route; null for the application's. In ms. Default: `null`. */
  readonly timeout_ms?: number | null;
  /** A C++ handler that blocks: it runs on the blocking pool. Hosts decide this themselves. Default: `false`. */
  readonly blocking?: boolean;
}

/** Names of the hooks of each phase, in the order they run. A name is for logs; the number of a hook in the port is its place. */
export interface Hooks {
  /** After routing and authentication, before the body is read. Default: `[]`. */
  readonly on_request?: readonly string[];
  /** After the body was read, before it is validated. Default: `[]`. */
  readonly pre_validation?: readonly string[];
  /** After validation, before the handler. Default: `[]`. */
  readonly pre_handler?: readonly string[];
  /** After the handler has answered. Default: `[]`. */
  readonly on_response?: readonly string[];
  /** Instead of `on_response` after an exception. Default: `[]`. */
  readonly on_error?: readonly string[];
}

/** A request id taken from the client or made. */
export interface RequestId {
  /** Requests get an id, and answers tell it. Default: `false`. */
  readonly enabled?: boolean;
  /** Header it is read from and written to. Default: `"x-request-id"`. */
  readonly header?: string;
}

/** The longest a request may take. */
export interface Timeout {
  /** From the end of the request head to the start of the answer; null for none. In ms. Default: `null`. */
  readonly ms?: number | null;
  /** Status of the answer when it is over. Default: `408`. */
  readonly status?: number;
}

/** Limits on what a client may send or hold. */
export interface Limits {
  /** Request body; more gets 413. In bytes. Default: `10485760`. */
  readonly body_bytes?: number;
  /** Request line and headers; more gets 431. In bytes. Default: `65536`. */
  readonly header_bytes?: number;
  /** Number of request headers; more gets 431. Default: `128`. */
  readonly header_count?: number;
  /** Request target; more gets 414. In bytes. Default: `8192`. */
  readonly uri_bytes?: number;
  /** Containers inside each other in a JSON body; more gets 400. Default: `128`. */
  readonly json_depth?: number;
  /** From the first byte of a request to the end of its head. In ms. Default: `10000`. */
  readonly header_timeout_ms?: number;
  /** Between two reads of a request body. In ms. Default: `30000`. */
  readonly body_timeout_ms?: number;
  /** Of a kept connection between two requests. In ms. Default: `75000`. */
  readonly idle_timeout_ms?: number;
  /** Without progress in sending an answer. In ms. Default: `30000`. */
  readonly write_timeout_ms?: number;
  /** Open connections of an I/O loop; further ones wait to be accepted. Default: `65536`. */
  readonly connections?: number;
  /** Requests of one connection in flight at once; further ones are not read yet. Default: `64`. */
  readonly pipeline?: number;
}

/** Limits of multipart/form-data bodies beside `limits.body_bytes`. They are parsed while they arrive. */
export interface Multipart {
  /** Parts of a body; more gets 413. Default: `1000`. */
  readonly parts?: number;
  /** Headers of a part; more gets 413. In bytes. Default: `16384`. */
  readonly header_bytes?: number;
  /** Text fields of a body together; more gets 413. In bytes. Default: `1048576`. */
  readonly field_bytes?: number;
  /** Largest file; more gets 413. Null for no limit but the body's. In bytes. Default: `null`. */
  readonly file_bytes?: number | null;
  /** Files of a body that are kept in memory, together. A file that does not fit goes to a temporary file, which is deleted when the request has ended. In bytes. Default: `1048576`. */
  readonly memory_bytes?: number;
  /** Folder of the temporary files. Default: `"/tmp"`. */
  readonly directory?: string;
}

/** Buffered request bodies with a Content-Encoding, decoded while they arrive. */
export interface Decompression {
  /** Codings that are taken, one a body; others get 415 with Accept-Encoding. Default: `["gzip", "deflate", "br"]`. */
  readonly encodings?: readonly ContentCoding[];
  /** Largest body once decoded; more gets 413. Null for the body's own limit, which always holds for what was sent. In bytes. Default: `null`. */
  readonly max_bytes?: number | null;
}

/** The health endpoints. A route with the same path wins. */
export interface Health {
  /** They are served. Default: `true`. */
  readonly enabled?: boolean;
  /** 200 while the process works. Default: `"/healthz"`. */
  readonly live?: string;
  /** 200 while every required component is ready and no drain has begun, else 503. Default: `"/readyz"`. */
  readonly ready?: string;
}

/** Cross-origin requests (Fetch). Preflights are answered before routing and authentication; all answers, errors too, have the headers. */
export interface Cors {
  /** Origins as browsers send them, `https://app.example.com`, compared exactly; `*` for all. Default: `[]`. */
  readonly allow_origins?: readonly string[];
  /** Regular expressions (ECMA-262) that the whole of an origin must match. Default: `[]`. */
  readonly allow_origin_patterns?: readonly string[];
  /** Methods that a preflight may ask for, in upper case; `*` for all. Default: `["GET", "HEAD", "POST"]`. */
  readonly allow_methods?: readonly string[];
  /** Request headers that a preflight may ask for, in any case; `*` for all. Default: `[]`. */
  readonly allow_headers?: readonly string[];
  /** Response headers that pages may read. Default: `[]`. */
  readonly expose_headers?: readonly string[];
  /** Pages may send cookies and credentials. With `*` the origin is then named in the answer. Default: `false`. */
  readonly allow_credentials?: boolean;
  /** How long a browser may keep a preflight's answer; null for its own default. In s. Default: `null`. */
  readonly max_age?: number | null;
  /** What becomes of a request from another origin. A preflight always gets 403. Default: `"serve"`. */
  readonly on_disallowed?: CorsDisallowed;
}

/** Coding of answers by Accept-Encoding (RFC 9110 12.5.3), streamed ones too. Text, JSON, XML, JavaScript and SVG are coded; what is coded already, ranges and `no-transform` are not. */
export interface Compression {
  /** Offer gzip. Default: `true`. */
  readonly gzip?: boolean;
  /** Offer br. Default: `true`. */
  readonly brotli?: boolean;
  /** Offer zstd. Default: `false`. */
  readonly zstd?: boolean;
  /** Shorter bodies are sent as they are. In bytes. Default: `1024`. */
  readonly min_size?: number;
  /** From fast to small, on the scale of brotli; gzip ends at 9. Default: `4`. */
  readonly quality?: number;
}

/** Files of a folder. A path without a file goes on to the routes. Hidden files (`.x`, but not `.well-known`) are not served, nor links out of the folder. */
export interface StaticFiles {
  /** Path that they are below, as `/static`; `/` for all paths. */
  readonly prefix: string;
  /** The folder. It must be there at start-up. */
  readonly directory: string;
  /** A folder's path with `/` at its end gives its index.html; without, it is redirected there. Default: `false`. */
  readonly index_file?: boolean;
  /** Value of Cache-Control; null for none. Default: `null`. */
  readonly cache_control?: string | null;
  /** Serve `x.js.br`, `.zst` or `.gz` for `x.js` to those who accept it. Default: `false`. */
  readonly precompressed?: boolean;
}

/** Token buckets in memory, shared by the loops of a process. Without a token the answer is 429 with Retry-After. Health and metrics paths are not counted. */
export interface RateLimit {
  /** Tokens a bucket gets in a second: a number over 0, such as 0.5. */
  readonly per_second: unknown;
  /** Tokens a bucket holds at most. Default: `1`. */
  readonly burst?: number;
  /** Who has a bucket. Default: `"ip"`. */
  readonly by?: RateLimitBy;
  /** Name of the header where `by` is header. Default: `""`. */
  readonly header?: string;
  /** Buckets kept at most; over it the one that was used longest ago goes. Default: `100000`. */
  readonly max_keys?: number;
}

/** Headers that every answer has unless the handler set them itself. An empty text leaves one out. */
export interface SecurityHeaders {
  /** X-Content-Type-Options. Default: `"nosniff"`. */
  readonly content_type_options?: string;
  /** X-Frame-Options. Default: `"DENY"`. */
  readonly frame_options?: string;
  /** Referrer-Policy. Default: `"no-referrer"`. */
  readonly referrer_policy?: string;
  /** Strict-Transport-Security, on encrypted connections only. Default: `"max-age=31536000"`. */
  readonly strict_transport_security?: string;
  /** Content-Security-Policy. Default: `""`. */
  readonly content_security_policy?: string;
  /** Permissions-Policy. Default: `""`. */
  readonly permissions_policy?: string;
  /** Cross-Origin-Opener-Policy. Default: `""`. */
  readonly cross_origin_opener_policy?: string;
  /** Cross-Origin-Resource-Policy. Default: `""`. */
  readonly cross_origin_resource_policy?: string;
}

/** The HTTP server. */
export interface HttpConfig {
  /** Addresses; none: reached in memory only. `run()` of a binding adds 127.0.0.1:8000 when there is none. Default: `[]`. */
  readonly listeners?: readonly Listener[];
  /** Routes; the index of one is its id. Default: `[]`. */
  readonly routes?: readonly Route[];
  /** Hooks of the application. Default: `its own defaults`. */
  readonly hooks?: Hooks;
  /** Dependencies of the application. Default: `[]`. */
  readonly dependencies?: readonly Dependency[];
  /** Request ids. Default: `its own defaults`. */
  readonly request_id?: RequestId;
  /** Time-out of every request. Default: `its own defaults`. */
  readonly timeout?: Timeout;
  /** Limits on what a client may send or hold. Default: `its own defaults`. */
  readonly limits?: Limits;
  /** Who may call; null for everybody. Default: `null`. */
  readonly auth?: Auth | null;
  /** Bodies with a Content-Encoding; null leaves them as they are. Default: `null`. */
  readonly decompression?: Decompression | null;
  /** Limits of multipart bodies. Default: `its own defaults`. */
  readonly multipart?: Multipart;
  /** Values of Host that are served, without port, `*.example.com` for all below; others get 400. None: all. Default: `[]`. */
  readonly trusted_hosts?: readonly string[];
  /** How fast clients may ask; null for no limit. Default: `null`. */
  readonly rate_limit?: RateLimit | null;
  /** Folders that are served; the longest prefix that has the file counts. Default: `[]`. */
  readonly static_files?: readonly StaticFiles[];
  /** Cross-origin requests; null for none. Default: `null`. */
  readonly cors?: Cors | null;
  /** Coding of answers; null for none. Default: `null`. */
  readonly compression?: Compression | null;
  /** Security headers of every answer; null for none. Default: `null`. */
  readonly security_headers?: SecurityHeaders | null;
  /** What the `type` of a problem document starts with. Default: `"https://spikard.dev/problems/"`. */
  readonly problem_base?: string;
  /** Health endpoints. Default: `its own defaults`. */
  readonly health?: Health;
  /** Value of the Server header; null for none. Default: `null`. */
  readonly server_header?: string | null;
}

/** Signed URLs of `memory:` and `file:`, which the application's own HTTP server answers. */
export interface StoragePresign {
  /** What stands before the path of a signed URL, `https://files.example.com`. Empty: the address of the first TCP listener, which is no use to others where that is 0.0.0.0 or behind a proxy: say it there. Default: `""`. */
  readonly base_url?: string;
  /** Path below which signed URLs are answered; the name of the store comes next. Default: `"/_spikard/storage"`. */
  readonly path?: string;
  /** Key of the signatures, and of the tokens of listings and uploads. Empty: a random one, which `file:` keeps in its folder and `memory:` forgets at the end of the process; elsewhere the key or secret of the store that is in the configuration, without which there are no uploads in parts. Default: `""`. */
  readonly secret?: string;
  /** Largest body that a signed PUT takes, also of one part of an upload; more gets 413. In bytes. Default: `5368709120`. */
  readonly max_upload_bytes?: number;
}

/** What `s3:` needs beside the bucket. */
export interface S3Options {
  /** Region of the bucket. Default: `"us-east-1"`. */
  readonly region?: string;
  /** `https://host[:port]` without the bucket. Empty: that of AWS in the region. Default: `""`. */
  readonly endpoint?: string;
  /** Where the bucket stands in a URL. Default: `"virtual"`. */
  readonly addressing?: S3Addressing;
  /** Access key id. Empty, with `secret_key`: the usual chain of AWS (environment, profile, web identity, container, machine). Default: `""`. */
  readonly access_key?: string;
  /** Secret access key. Default: `""`. */
  readonly secret_key?: string;
  /** Token of temporary credentials; empty for none. Default: `""`. */
  readonly session_token?: string;
  /** Profile of the chain. Empty: that of `AWS_PROFILE`, or `default`. Default: `""`. */
  readonly profile?: string;
}

/** What `gcs:` needs beside the bucket. */
export interface GcsOptions {
  /** `https://host[:port]`. Empty: that of Google. Default: `""`. */
  readonly endpoint?: string;
  /** JSON of a service account or another credential. Empty, with `credential_file`: the application default credentials. Default: `""`. */
  readonly credential?: string;
  /** File with that JSON. Default: `""`. */
  readonly credential_file?: string;
  /** Requests without credentials: emulators, public buckets. Default: `false`. */
  readonly anonymous?: boolean;
}

/** What `azblob:` needs beside the container. */
export interface AzblobOptions {
  /** Name of the storage account. Default: `""`. */
  readonly account?: string;
  /** `https://host[:port]`, with the account in the path where it is not in the host. Empty: that of Azure for the account. Default: `""`. */
  readonly endpoint?: string;
  /** Key of the account, base64. Empty, with `sas_token`: the usual chain of Azure (environment, workload identity, machine). Default: `""`. */
  readonly account_key?: string;
  /** A shared access signature instead of a key. Default: `""`. */
  readonly sas_token?: string;
  /** Requests without credentials: public containers. Default: `false`. */
  readonly anonymous?: boolean;
}

/** How stores on other machines are spoken to. */
export interface StorageTransfer {
  /** Longest silence of the server; then the request is made again. In ms. Default: `30000`. */
  readonly timeout_ms?: number;
  /** How often a request is made again after a failure that may pass, with growing pauses. Default: `3`. */
  readonly max_retries?: number;
  /** Parts of one streamed write that are sent at once; each is held in memory (8 MiB). Default: `2`. */
  readonly concurrency?: number;
}

/** A store of objects. */
export interface StorageConfig {
  /** `memory:`, `file:DIR`, `s3://BUCKET`, `gcs://BUCKET`, `azblob://CONTAINER`, or the scheme of another service of OpenDAL with its members in `options`: `webdav:`. Default: `"file:data/objects"`. */
  readonly url?: string;
  /** Largest object (or range) that `read` gives in one piece; more is too_large: stream it. In bytes. Default: `67108864`. */
  readonly max_read_bytes?: number;
  /** All objects of a `memory:` store together; a write over it is too_large. In bytes. Default: `1073741824`. */
  readonly max_memory_bytes?: number;
  /** `file:` waits until a write or delete is on the disk. Without it an object is still old or new after a crash of the process, but a power cut may lose it. Default: `true`. */
  readonly durable?: boolean;
  /** Signed URLs of `memory:` and `file:`. Default: `its own defaults`. */
  readonly presign?: StoragePresign;
  /** Of `s3:` only. Default: `its own defaults`. */
  readonly s3?: S3Options;
  /** Of `gcs:` only. Default: `its own defaults`. */
  readonly gcs?: GcsOptions;
  /** Of `azblob:` only. Default: `its own defaults`. */
  readonly azblob?: AzblobOptions;
  /** Of OpenDAL's further services, by the names they have there. Values are kept out of logs. Default: `{}`. */
  readonly options?: Readonly<Record<string, string>>;
  /** Of all but `memory:` and `file:`. Default: `its own defaults`. */
  readonly transfer?: StorageTransfer;
}

/** A store of tasks. */
export interface TasksConfig {
  /** `memory:`, `sqlite:FILE`, or the URL of another backend. Default: `"sqlite:data/app.db"`. */
  readonly url?: string;
  /** How long completed jobs and their results are kept. In ms. Default: `86400000`. */
  readonly retention_ms?: number;
  /** How long discarded and cancelled jobs are kept. In ms. Default: `604800000`. */
  readonly failed_retention_ms?: number;
  /** How often a worker looks for what other processes enqueued, where the store does not tell it. In ms. Default: `100`. */
  readonly poll_ms?: number;
}

/** What runs the tasks of a queue in this application. */
export interface Worker {
  /** Its name in reports, logs and telemetry; unique. */
  readonly name: string;
  /** Which of `services.tasks`. Default: `"default"`. */
  readonly client?: string;
  /** Its queue. Default: `"default"`. */
  readonly queue?: string;
  /** Handlers at once, in each process. Default: `16`. */
  readonly concurrency?: number;
  /** A job comes back this long after its worker died; renewed every third of it while the handler runs. In ms. Default: `10000`. */
  readonly lease_ms?: number;
  /** The longest a run may take where the task has no limit of its own; null for none. In ms. Default: `null`. */
  readonly timeout_ms?: number | null;
  /** Names it has handlers for; any other is discarded with the code unknown_task. Empty: all. Default: `[]`. */
  readonly tasks?: readonly string[];
}

/** A task that is enqueued by the clock. */
export interface Schedule {
  /** Its name; the same in every process of the application. */
  readonly name: string;
  /** Which of `services.tasks`. Default: `"default"`. */
  readonly client?: string;
  /** Five or six fields, or a macro such as `@daily`. */
  readonly cron: string;
  /** A name of the IANA data base, such as `Europe/Berlin`. Default: `"UTC"`. */
  readonly timezone?: string;
  /** Where its jobs go. Default: `"default"`. */
  readonly queue?: string;
  /** The task's name. Empty: the schedule's. Default: `""`. */
  readonly task?: string;
  /** The arguments of every job. Default: `null`. */
  readonly args?: unknown;
  /** Higher goes first. Default: `0`. */
  readonly priority?: number;
  /** Runs of a job at most. Default: `5`. */
  readonly max_attempts?: number;
  /** The longest a run may take; null for the worker's limit. In ms. Default: `null`. */
  readonly timeout_ms?: number | null;
  /** What becomes of times at which no scheduler ran. Default: `"once"`. */
  readonly misfire?: Misfire;
  /** What becomes of a time while the job before has not ended. Default: `"allow"`. */
  readonly overlap?: Overlap;
}

/** Telemetry. Off unless an exporter is named here or by the environment (`OTEL_TRACES_EXPORTER`, `OTEL_METRICS_EXPORTER`, `OTEL_LOGS_EXPORTER`, or any of the `OTEL_EXPORTER_OTLP_...ENDPOINT` variables). What is null here comes from the `OTEL_...` variable it names, else from OpenTelemetry's default. `OTEL_SDK_DISABLED=true` turns everything off. */
export interface TelemetryConfig {
  /** Where it goes; null for what `OTEL_TRACES_EXPORTER` and its like say. Default: `null`. */
  readonly exporter?: TelemetryExporter | null;
  /** Resource attribute `service.name`; null for `OTEL_SERVICE_NAME`, else the name of the application. Default: `null`. */
  readonly service_name?: string | null;
  /** Further resource attributes. `OTEL_RESOURCE_ATTRIBUTES` is merged with them, what stands here wins. Default: `{}`. */
  readonly resource?: Readonly<Record<string, string>>;
  /** Which traces are recorded (`OTEL_TRACES_SAMPLER`, `parentbased_always_on`). Default: `null`. */
  readonly sampler?: TelemetrySampler | null;
  /** The share of the two ratio samplers, a number from 0 to 1 (`OTEL_TRACES_SAMPLER_ARG`, 1). Default: `null`. */
  readonly sampler_arg?: unknown;
  /** Base URL of the collector, to which `/v1/traces`, `/v1/metrics` and `/v1/logs` are added but for gRPC (`OTEL_EXPORTER_OTLP_ENDPOINT`, `http://localhost:4318`, for gRPC `http://localhost:4317`). Default: `null`. */
  readonly endpoint?: string | null;
  /** Header fields sent to the collector, beside those of `OTEL_EXPORTER_OTLP_HEADERS`. Never logged. Default: `{}`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** PEM file of the roots that an `https` collector is checked against (`OTEL_EXPORTER_OTLP_CERTIFICATE`, the system's). Default: `null`. */
  readonly certificate?: string | null;
  /** How it is compressed (`OTEL_EXPORTER_OTLP_COMPRESSION`, none). Default: `null`. */
  readonly compression?: TelemetryCompression | null;
  /** Spans are made and exported. Default: `true`. */
  readonly traces?: boolean;
  /** Metrics are exported. Default: `true`. */
  readonly metrics?: boolean;
  /** Log records are exported. Default: `true`. */
  readonly logs?: boolean;
  /** The longest that one export may take, retries included (`OTEL_EXPORTER_OTLP_TIMEOUT`, 10000). In ms. Default: `null`. */
  readonly export_timeout_ms?: number | null;
  /** The longest that a span or log record waits for its batch (`OTEL_BSP_SCHEDULE_DELAY`, `OTEL_BLRP_SCHEDULE_DELAY`, 5000 and 1000). In ms. Default: `null`. */
  readonly schedule_delay_ms?: number | null;
  /** Spans, and log records, that may wait; one more is dropped and counted (`OTEL_BSP_MAX_QUEUE_SIZE`, `OTEL_BLRP_MAX_QUEUE_SIZE`, 2048). Default: `null`. */
  readonly max_queue_size?: number | null;
  /** Spans, and log records, of one request to the collector (`OTEL_BSP_MAX_EXPORT_BATCH_SIZE`, `OTEL_BLRP_MAX_EXPORT_BATCH_SIZE`, 512). Default: `null`. */
  readonly max_export_batch_size?: number | null;
  /** Time between two exports of the metrics (`OTEL_METRIC_EXPORT_INTERVAL`, 60000). In ms. Default: `null`. */
  readonly metric_interval_ms?: number | null;
  /** Path at which the application's HTTP server answers with all metrics, in the text format of Prometheus or, where the client prefers it, OpenMetrics. Null: nowhere. Default: `null`. */
  readonly metrics_path?: string | null;
}

/** The four spans of the drain (docs/guide/shutdown.md). Exit never takes longer than their sum. */
export interface Shutdown {
  /** Time between readiness turning 503 and the end of accepting, for load balancers. In ms. Default: `0`. */
  readonly delay_ms?: number;
  /** What is in flight may take this long to finish. In ms. Default: `20000`. */
  readonly timeout_ms?: number;
  /** Cancelled handlers may take this long to end. In ms. Default: `1000`. */
  readonly cleanup_ms?: number;
  /** Telemetry and logs may take this long to be written. In ms. Default: `2000`. */
  readonly flush_ms?: number;
}

/** Structured logging. */
export interface Log {
  /** How a record is written. Default: `"json"`. */
  readonly format?: LogFormat;
  /** The lowest level that is written. Default: `"info"`. */
  readonly level?: LogLevel;
}

/** The toolbox, by name. A name is what code asks for; `default` is there without being named here. */
export interface Services {
  /** Caches. Default: `{}`. */
  readonly cache?: Readonly<Record<string, CacheConfig>>;
  /** Stores of objects. Default: `{}`. */
  readonly storage?: Readonly<Record<string, StorageConfig>>;
  /** Databases. Default: `{}`. */
  readonly db?: Readonly<Record<string, DbConfig>>;
  /** Message brokers. Default: `{}`. */
  readonly messaging?: Readonly<Record<string, MessagingConfig>>;
  /** Stores of tasks. Default: `{}`. */
  readonly tasks?: Readonly<Record<string, TasksConfig>>;
  /** Where events are sent. Default: `{}`. */
  readonly events?: Readonly<Record<string, EventSender>>;
}

/** The whole application. */
export interface Manifest {
  /** Name of the application, in logs and telemetry. Default: `"app"`. */
  readonly name?: string;
  /** Where time comes from. Default: `"real"`. */
  readonly clock?: ClockKind;
  /** I/O loops of a C++ program, or of a port with the threaded drive. Default: `1`. */
  readonly io_threads?: number;
  /** Who does the I/O of a port. Default: `"inline"`. */
  readonly drive?: Drive;
  /** SIGTERM and SIGINT begin the drain, SIGHUP reads certificates again (C++ and C programs). Off in an application embedded in another program. Default: `true`. */
  readonly handle_signals?: boolean;
  /** The HTTP server; null for an application without one. Default: `null`. */
  readonly http?: HttpConfig | null;
  /** What this process runs; none: everything. `SPIKARD_ROLES=web,worker`. Default: `[]`. */
  readonly roles?: readonly Role[];
  /** For tests: `sqlite:` files become `sqlite::memory:` and `file:` folders `memory:`, so that nothing is left behind and nothing is met. Default: `false`. */
  readonly in_memory_stores?: boolean;
  /** For tests: what goes wrong in the clients of the toolbox. Needs the virtual clock. Default: `null`. */
  readonly faults?: Faults | null;
  /** The toolbox: caches, object stores, databases, brokers, task stores. Default: `its own defaults`. */
  readonly services?: Services;
  /** Message consumers; the index of one is its number in the port. Default: `[]`. */
  readonly consumers?: readonly Consumer[];
  /** Task workers; the index of one is its number in the port. Default: `[]`. */
  readonly workers?: readonly Worker[];
  /** Tasks enqueued by the clock. Default: `[]`. */
  readonly schedules?: readonly Schedule[];
  /** Paths that take CloudEvents. Their subscriptions name handlers by their number in the port. Default: `[]`. */
  readonly events?: readonly EventEndpoint[];
  /** Message consumers whose messages are CloudEvents. Default: `[]`. */
  readonly event_consumers?: readonly EventConsumer[];
  /** Traces, metrics and logs. Default: `its own defaults`. */
  readonly telemetry?: TelemetryConfig;
  /** The drain. Default: `its own defaults`. */
  readonly shutdown?: Shutdown;
  /** Logging. Default: `its own defaults`. */
  readonly log?: Log;
}
