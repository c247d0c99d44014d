# Generated from spec/services by codegen. Do not edit.
"""The application manifest as dataclasses (made here, checked by the core) and as typed dictionaries (for configuration that users write)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

TopicStyle = Literal["auto", "nats", "mqtt", "amqp"]
"""How topics and the patterns of consumers are written on an embedded broker: like those of the broker it stands in for."""

StartFrom = Literal["latest", "earliest"]
"""Where a group begins that the broker does not know yet."""

BackoffKind = Literal["exponential", "constant"]
"""How the wait grows from failure to failure."""

EventMode = Literal["binary", "structured"]
"""How an event is laid out in a message."""

EventBinding = Literal["auto", "kafka", "amqp", "mqtt3", "mqtt5", "nats", "redis"]
"""Which of the protocol bindings lays an event out in a broker's message."""

FaultyClients = Literal["cache", "storage", "db", "messaging", "tasks"]
"""Clients of the toolbox that faults are made in."""

HttpMethod = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
"""Method of a route. HEAD comes with GET; OPTIONS is answered with Allow unless a route has it."""

ParameterIn = Literal["path", "query", "header", "cookie"]
"""Where a parameter is read from."""

ParameterStyle = Literal["form", "simple", "pipeDelimited", "spaceDelimited", "semicolonDelimited", "deepObject"]
"""How arrays and objects are laid out as text (OpenAPI 3.1)."""

BodyMode = Literal["buffer", "stream"]
"""How a request body reaches the handler."""

BodyAs = Literal["nodes", "text", "raw"]
"""In which form a buffered JSON body is handed over."""

JsonType = Literal["null", "boolean", "integer", "number", "string", "array", "object"]
"""A type of JSON."""

DependencyKind = Literal["value", "factory"]
"""How a dependency comes to be."""

DependencyScope = Literal["singleton", "request", "transient"]
"""How long what a factory made is kept."""

CorsDisallowed = Literal["serve", "reject"]
"""What becomes of a request from an origin that is not allowed."""

RateLimitBy = Literal["ip", "header"]
"""Who has a bucket of their own."""

JwtAlgorithm = Literal["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signature of a JSON Web Token (RFC 7518, RFC 8037). Only the configured one is taken, whatever a token says."""

ContentCoding = Literal["gzip", "deflate", "br", "zstd"]
"""A coding of Content-Encoding."""

S3Addressing = Literal["virtual", "path"]
"""Where the bucket stands in a URL."""

Misfire = Literal["skip", "once", "all"]
"""What becomes of the times of a schedule at which no scheduler ran."""

Overlap = Literal["allow", "forbid"]
"""What becomes of a time of a schedule while the job before has not ended."""

TelemetryExporter = Literal["none", "memory", "otlp_http", "otlp_http_json", "otlp_grpc"]
"""Where spans, metrics and log records go."""

TelemetrySampler = Literal["always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"]
"""Which traces are recorded; those of `OTEL_TRACES_SAMPLER`."""

TelemetryCompression = Literal["none", "gzip"]
"""How what is exported is compressed."""

ClockKind = Literal["real", "virtual"]
"""Where an application's time comes from."""

Drive = Literal["inline", "thread"]
"""Who does the I/O of a port."""

Role = Literal["web", "consumer", "worker", "scheduler"]
"""A part of an application that a process may run alone, so that one image scales each part by itself."""

LogFormat = Literal["json", "human"]
"""How a log record is written."""

LogLevel = Literal["trace", "debug", "info", "warn", "error", "off"]
"""The lowest level that is written."""


@dataclass
class CacheConfig:
    """A cache. `memory:` (and the part of `tiered+redis:` that is in memory) keeps at most `max_bytes` or `max_entries`, whichever is given (both hold where both are); what goes first is decided by how often and how lately it was asked for (W-TinyLFU). `redis:` has no such bounds: its server decides."""

    url: str = "memory:"
    """`memory:`, `redis://HOST:6379/DB` (also `rediss:`, `redis+unix:`, `redis+sentinel:`, `redis+cluster:`), or one of these behind `tiered+`: memory in front of it."""
    max_bytes: int | None = None
    """The most that `memory:` holds, keys, values and about 90 bytes an entry counted. Null: 64 MiB, or no limit of bytes where `max_entries` is given."""
    max_entries: int | None = None
    """The most entries that `memory:` holds. Null: as many as `max_bytes` allows."""
    default_ttl_ms: int | None = None
    """How long an entry lives that was set without a time. Null: for ever."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.url != "memory:":
            out["url"] = self.url
        if self.max_bytes is not None:
            out["max_bytes"] = self.max_bytes
        if self.max_entries is not None:
            out["max_entries"] = self.max_entries
        if self.default_ttl_ms is not None:
            out["default_ttl_ms"] = self.default_ttl_ms
        return out


@dataclass
class MessagingConfig:
    """A message broker."""

    url: str = "sqlite:data/app.db"
    """`memory:`, `sqlite:FILE`, or the URL of another backend."""
    store: str = "sqlite:data/deliveries.db"
    """The delivery store of `mqtt:`: `sqlite:FILE`, where messages lie from their arrival until they are settled, or `memory:` for what may be lost. Not the file of a `sqlite:` broker."""
    topics: TopicStyle = "auto"
    """How patterns are written, on `memory:` and `sqlite:`."""
    max_message_bytes: int = 1048576
    """The longest payload that is taken; keys and headers come on top (64 KiB together)."""
    max_bytes: int = 268435456
    """What `memory:` may hold, dead letters included; at the limit `publish` is refused (rate_limited)."""
    retention_ms: int = 86400000
    """How long a message that no group waits for is kept for replay, on `memory:`, `sqlite:` and `redis:`. `memory:` gives it up earlier when it needs the room. Dead letters stay until they are redriven or purged."""
    poll_ms: int = 50
    """How often `sqlite:` looks for what other processes did. Within a process consumers are woken at once."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.url != "sqlite:data/app.db":
            out["url"] = self.url
        if self.store != "sqlite:data/deliveries.db":
            out["store"] = self.store
        if self.topics != "auto":
            out["topics"] = self.topics
        if self.max_message_bytes != 1048576:
            out["max_message_bytes"] = self.max_message_bytes
        if self.max_bytes != 268435456:
            out["max_bytes"] = self.max_bytes
        if self.retention_ms != 86400000:
            out["retention_ms"] = self.retention_ms
        if self.poll_ms != 50:
            out["poll_ms"] = self.poll_ms
        return out


@dataclass
class Backoff:
    """When a message comes again after its handler failed."""

    kind: BackoffKind = "exponential"
    """How the wait grows."""
    initial_ms: int = 1000
    """The wait after the first failure."""
    factor: Any = None
    """A number from 1 to 100; null for 2."""
    max_ms: int = 300000
    """The longest wait."""
    jitter_percent: int = 0
    """Takes off up to this part of each wait, at random, so that failures do not come back together."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.kind != "exponential":
            out["kind"] = self.kind
        if self.initial_ms != 1000:
            out["initial_ms"] = self.initial_ms
        if self.factor is not None:
            out["factor"] = self.factor
        if self.max_ms != 300000:
            out["max_ms"] = self.max_ms
        if self.jitter_percent != 0:
            out["jitter_percent"] = self.jitter_percent
        return out


@dataclass
class Consumer:
    """A subscription whose messages a handler of the application takes."""

    name: str
    """Its name in reports, logs and telemetry; unique."""
    topic: str
    """Topic or pattern."""
    client: str = "default"
    """Which of `services.messaging`."""
    group: str = ""
    """Each message goes to one consumer of a group. What a group has taken is remembered by its name and topic; empty for the name of the consumer."""
    concurrency: int = 16
    """Handlers at once, in each process."""
    max_in_flight: int = 0
    """Messages in hand, those included that wait for a handler; 0 for as many as `concurrency`."""
    ordered: bool = False
    """A message waits until the one before it of the same key is settled, its retries included, in the whole group. Messages without a key do not wait."""
    max_retries: int = 3
    """After 1 + `max_retries` tries a message goes to the dead letters."""
    backoff: Backoff = field(default_factory=Backoff)
    """When it comes again after an exception or a time-out."""
    dead_letter: str | None = None
    """Topic for what is given up. Null: it is dropped and counted."""
    ack_wait_ms: int = 10000
    """A message whose consumer died goes to another one after this time. A consumer that lives keeps its messages, however long a handler takes."""
    handler_timeout_ms: int | None = None
    """The longest a handler may take; then it is cancelled and the message comes again. Null for no limit."""
    start_from: StartFrom = "latest"
    """Where a new group begins."""
    schema: Any = None
    """JSON Schema 2020-12 of the payload, which is then JSON. A message that does not fit goes to the dead letters at once, with its validation errors."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        out["name"] = self.name
        if self.client != "default":
            out["client"] = self.client
        out["topic"] = self.topic
        if self.group:
            out["group"] = self.group
        if self.concurrency != 16:
            out["concurrency"] = self.concurrency
        if self.max_in_flight != 0:
            out["max_in_flight"] = self.max_in_flight
        if self.ordered:
            out["ordered"] = self.ordered
        if self.max_retries != 3:
            out["max_retries"] = self.max_retries
        if backoff := self.backoff.to_dict():
            out["backoff"] = backoff
        if self.dead_letter is not None:
            out["dead_letter"] = self.dead_letter
        if self.ack_wait_ms != 10000:
            out["ack_wait_ms"] = self.ack_wait_ms
        if self.handler_timeout_ms is not None:
            out["handler_timeout_ms"] = self.handler_timeout_ms
        if self.start_from != "latest":
            out["start_from"] = self.start_from
        if self.schema is not None:
            out["schema"] = self.schema
        return out


@dataclass
class EventSubscription:
    """Which events go to which handler. Patterns are exact text, or have `*` for any run of characters."""

    handler: int
    """Number of the handler in the port; several subscriptions may name the same."""
    type: str = "*"
    """Pattern of the event's type; case counts. Exact beats a pattern, a longer pattern a shorter one."""
    source: str = "*"
    """Pattern of its source."""
    subject: str = "*"
    """Pattern of its subject; an event without one fits `*` only."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        out["handler"] = self.handler
        if self.type != "*":
            out["type"] = self.type
        if self.source != "*":
            out["source"] = self.source
        if self.subject != "*":
            out["subject"] = self.subject
        return out


@dataclass
class EventInbox:
    """Remembers the events that were handled, by source and id, for this endpoint or consumer group alone, and acknowledges one that comes again without running its handler. What a handler refused is not remembered."""

    db: str = "default"
    """Which of `services.db` keeps it."""
    retention_ms: int = 604800000
    """How long an event is remembered."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.db != "default":
            out["db"] = self.db
        if self.retention_ms != 604800000:
            out["retention_ms"] = self.retention_ms
        return out


@dataclass
class EventEndpoint:
    """A path that takes CloudEvents over HTTP and hands them to the application's event handlers."""

    path: str
    """Where events are posted; `/` for Knative and Cloud Functions."""
    subscriptions: list[EventSubscription] = field(default_factory=list)
    """Which events go to which handler; the best fit takes it."""
    handler: int | None = None
    """Number of the handler of what no subscription takes. Null: refused with 400."""
    allowed_origins: list[str] = field(default_factory=list)
    """Senders that the webhook handshake grants (`WebHook-Request-Origin`, DNS names in any case, `*.example.com`, `*` for all). Empty: it grants none, and no origin is looked at."""
    allowed_rate: int | None = None
    """What the handshake grants; requests beyond it get 429. It counts in each process. Null: no limit (`*`)."""
    callback_hosts: list[str] = field(default_factory=list)
    """Hosts to which a `WebHook-Request-Callback` may be sent (`example.com`, `*.example.com`, with `:port` where it is not 443). A handshake that names such a host is granted by the callback, any other at once."""
    callback_plain: bool = False
    """Callbacks over plain http: are allowed as well (tests)."""
    max_batch: int = 5000
    """Events of one batch; more gets 413."""
    batch_concurrency: int = 16
    """Events of one batch in hand at once; they begin in their order."""
    timeout_ms: int | None = None
    """Time-out of a request; null for the HTTP server's."""
    inbox: EventInbox | None = None
    """Handles an event once; null for at least once."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        out["path"] = self.path
        if self.subscriptions:
            out["subscriptions"] = [v.to_dict() for v in self.subscriptions]
        if self.handler is not None:
            out["handler"] = self.handler
        if self.allowed_origins:
            out["allowed_origins"] = list(self.allowed_origins)
        if self.allowed_rate is not None:
            out["allowed_rate"] = self.allowed_rate
        if self.callback_hosts:
            out["callback_hosts"] = list(self.callback_hosts)
        if self.callback_plain:
            out["callback_plain"] = self.callback_plain
        if self.max_batch != 5000:
            out["max_batch"] = self.max_batch
        if self.batch_concurrency != 16:
            out["batch_concurrency"] = self.batch_concurrency
        if self.timeout_ms is not None:
            out["timeout_ms"] = self.timeout_ms
        if self.inbox is not None:
            out["inbox"] = self.inbox.to_dict()
        return out


@dataclass
class EventConsumer:
    """A subscription to a broker whose messages are CloudEvents."""

    consumer: Consumer
    """The consumer of the messages."""
    binding: EventBinding = "auto"
    """How events are laid out in its messages."""
    subscriptions: list[EventSubscription] = field(default_factory=list)
    """Which events go to which handler; the best fit takes it."""
    handler: int | None = None
    """Number of the handler of what no subscription takes. Null: to the dead letter."""
    reply: str = ""
    """Which of `services.events` takes the events that handlers answer with. Empty: an answer is a failure."""
    inbox: EventInbox | None = None
    """Handles an event once; null for at least once."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        out["consumer"] = self.consumer.to_dict()
        if self.binding != "auto":
            out["binding"] = self.binding
        if self.subscriptions:
            out["subscriptions"] = [v.to_dict() for v in self.subscriptions]
        if self.handler is not None:
            out["handler"] = self.handler
        if self.reply:
            out["reply"] = self.reply
        if self.inbox is not None:
            out["inbox"] = self.inbox.to_dict()
        return out


@dataclass
class EventRetry:
    """When a failed delivery is tried again."""

    max_retries: int = 5
    """Tries after the first."""
    initial_ms: int = 200
    """Wait before the first retry. A longer Retry-After of the receiver wins."""
    factor_percent: int = 200
    """Each wait is this part of the one before."""
    max_ms: int = 30000
    """The longest wait, Retry-After included."""
    jitter_percent: int = 20
    """Takes off up to this part of a wait, at random."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.max_retries != 5:
            out["max_retries"] = self.max_retries
        if self.initial_ms != 200:
            out["initial_ms"] = self.initial_ms
        if self.factor_percent != 200:
            out["factor_percent"] = self.factor_percent
        if self.max_ms != 30000:
            out["max_ms"] = self.max_ms
        if self.jitter_percent != 20:
            out["jitter_percent"] = self.jitter_percent
        return out


@dataclass
class EventSender:
    """Where an application sends events."""

    url: str = ""
    """An `http:` or `https:` URL, or `messaging:CLIENT/TOPIC` for a broker of `services.messaging`. `K_SINK` of the environment (Knative) sets that of `default`."""
    mode: EventMode = "binary"
    """How events are laid out. Batches are always structured."""
    binding: EventBinding = "auto"
    """How they are laid out in a broker's messages."""
    source: str = ""
    """The `source` of events that have none."""
    extensions: dict[str, str] = field(default_factory=dict)
    """Attributes that every event gets; they replace its own. `K_CE_OVERRIDES` of the environment sets those of `default` beside `K_SINK`."""
    origin: str = ""
    """Value of `WebHook-Request-Origin`; empty: not sent."""
    headers: dict[str, str] = field(default_factory=dict)
    """Further headers of every request, such as Authorization. Values are kept out of logs."""
    timeout_ms: int = 10000
    """The longest a try may take."""
    retry: EventRetry = field(default_factory=EventRetry)
    """When a failed delivery is tried again."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.url:
            out["url"] = self.url
        if self.mode != "binary":
            out["mode"] = self.mode
        if self.binding != "auto":
            out["binding"] = self.binding
        if self.source:
            out["source"] = self.source
        if self.extensions:
            out["extensions"] = dict(self.extensions)
        if self.origin:
            out["origin"] = self.origin
        if self.headers:
            out["headers"] = dict(self.headers)
        if self.timeout_ms != 10000:
            out["timeout_ms"] = self.timeout_ms
        if retry := self.retry.to_dict():
            out["retry"] = retry
        return out


@dataclass
class DbPool:
    """How many connections a client uses at once."""

    max: int = 5
    """Queries, streams and transactions at once in this process; one more waits."""
    acquire_timeout_ms: int = 5000
    """How long to wait for a connection; then the error is timeout, pool_timeout."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.max != 5:
            out["max"] = self.max
        if self.acquire_timeout_ms != 5000:
            out["acquire_timeout_ms"] = self.acquire_timeout_ms
        return out


@dataclass
class DbConfig:
    """A database."""

    url: str = "sqlite:data/app.db"
    """`sqlite:FILE`, `sqlite::memory:`, `postgres://USER:PASSWORD@HOST/DATABASE`, `mysql://USER:PASSWORD@HOST/DATABASE` (docs/guide/db.md has their options), or the URL of another backend. SQLite: `?synchronous=normal` trades the last commits before a power cut for speed, `&busy_timeout_ms=N` is how long to wait for another process."""
    pool: DbPool = field(default_factory=DbPool)
    """Connections."""
    statement_timeout_ms: int | None = 30000
    """The longest a statement may take (for a stream or cursor: the longest between two parts); then it is interrupted. Null for no limit."""
    transaction_timeout_ms: int | None = 60000
    """The longest a transaction may stay open; then it is rolled back. Null for no limit."""
    statement_cache: int = 128
    """Prepared statements kept on each connection."""
    max_rows: int = 100000
    """Most rows that `query` gives; more is too_large: stream them, or use a cursor."""
    migrations: str = ""
    """Folder of `NNNN_name.sql` files; empty for none."""
    migrate_on_start: bool = False
    """Apply what is missing of `migrations` when the application starts."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.url != "sqlite:data/app.db":
            out["url"] = self.url
        if pool := self.pool.to_dict():
            out["pool"] = pool
        if self.statement_timeout_ms != 30000:
            out["statement_timeout_ms"] = self.statement_timeout_ms
        if self.transaction_timeout_ms != 60000:
            out["transaction_timeout_ms"] = self.transaction_timeout_ms
        if self.statement_cache != 128:
            out["statement_cache"] = self.statement_cache
        if self.max_rows != 100000:
            out["max_rows"] = self.max_rows
        if self.migrations:
            out["migrations"] = self.migrations
        if self.migrate_on_start:
            out["migrate_on_start"] = self.migrate_on_start
        return out


@dataclass
class Faults:
    """What goes wrong in the clients of the toolbox under test, by chance but always the same: whether the n-th call of an operation fails is decided by the seed, the client, the operation, what it is about (a statement, a topic, a task) and n. Each chance is a number from 0 to 1; null is 0."""

    seed: int = 1
    """Another seed, other faults."""
    unavailable: Any = None
    """The chance that an operation fails with `unavailable` before it takes effect."""
    lost_answer: Any = None
    """The chance that an operation takes effect and then fails with `outcome_unknown`."""
    delay: Any = None
    """The chance that an operation waits first, on the virtual clock."""
    delay_ms: int = 1000
    """The longest such wait."""
    repeated: Any = None
    """The chance that a message or task comes again after it was done, as if that had not been heard; at most three times."""
    only: list[FaultyClients] = field(default_factory=list)
    """The clients that have faults; none named: all."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.seed != 1:
            out["seed"] = self.seed
        if self.unavailable is not None:
            out["unavailable"] = self.unavailable
        if self.lost_answer is not None:
            out["lost_answer"] = self.lost_answer
        if self.delay is not None:
            out["delay"] = self.delay
        if self.delay_ms != 1000:
            out["delay_ms"] = self.delay_ms
        if self.repeated is not None:
            out["repeated"] = self.repeated
        if self.only:
            out["only"] = list(self.only)
        return out


@dataclass
class Tls:
    """TLS of a listener (1.2 and 1.3). Files are read again when they change; connections that exist keep what they have."""

    certificate: str
    """PEM file, the leaf first."""
    key: str
    """PEM file of the private key."""
    alpn: list[str] = field(default_factory=lambda: ["http/1.1"])
    """Protocols offered, best first."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        out["certificate"] = self.certificate
        out["key"] = self.key
        if self.alpn != ["http/1.1"]:
            out["alpn"] = list(self.alpn)
        return out


@dataclass
class Listener:
    """An address that is listened on."""

    address: str = "127.0.0.1"
    """An IPv4 or IPv6 address, or `unix:/path`."""
    port: int = 8000
    """TCP port; 0 takes a free one, which `spk_info` tells. Ignored with `unix:`."""
    tls: Tls | None = None
    """TLS; null for plain text."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.address != "127.0.0.1":
            out["address"] = self.address
        if self.port != 8000:
            out["port"] = self.port
        if self.tls is not None:
            out["tls"] = self.tls.to_dict()
        return out


@dataclass
class Parameter:
    """A declared parameter, as in OpenAPI. It reaches the handler validated and coerced to the type of its schema."""

    in_: ParameterIn
    """Where it is read from."""
    name: str
    """Its name; headers in any case."""
    required: bool = False
    """Missing is an error. Path parameters always are."""
    schema: Any = None
    """JSON Schema 2020-12; `default` stands for a missing one. Null: any text."""
    style: ParameterStyle | None = None
    """Layout; null is `simple` for path and header, `form` for query and cookie."""
    explode: bool | None = None
    """Each element by itself; null is true for `form` and `deepObject`, else false."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        out["in"] = self.in_
        out["name"] = self.name
        if self.required:
            out["required"] = self.required
        if self.schema is not None:
            out["schema"] = self.schema
        if self.style is not None:
            out["style"] = self.style
        if self.explode is not None:
            out["explode"] = self.explode
        return out


@dataclass
class FileField:
    """What a file field of a multipart body must be. Errors are at `["files", NAME]`."""

    required: bool = False
    """A file must be there."""
    content_types: list[str] = field(default_factory=list)
    """Media types that a part may declare; none: any."""
    sniff: bool = False
    """An empty file is refused, and one whose first bytes are those of another type than it declares (PNG, JPEG, GIF and PDF are known)."""
    max_bytes: int | None = None
    """Largest file; more gets 413. Null for the application's `multipart.file_bytes`."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.required:
            out["required"] = self.required
        if self.content_types:
            out["content_types"] = list(self.content_types)
        if self.sniff:
            out["sniff"] = self.sniff
        if self.max_bytes is not None:
            out["max_bytes"] = self.max_bytes
        return out


@dataclass
class Body:
    """What a route takes as its request body."""

    content_types: list[str] = field(default_factory=lambda: ["application/json"])
    """Media types that are taken; others get 415."""
    schema: Any = None
    """JSON Schema 2020-12; null for no validation."""
    required: bool = True
    """An empty body is an error."""
    mode: BodyMode = "buffer"
    """How the body reaches the handler."""
    files: dict[str, FileField] = field(default_factory=dict)
    """File fields of a multipart body, by name."""
    as_: BodyAs = "nodes"
    """In which form a buffered JSON body is handed over."""
    max_bytes: int | None = None
    """Largest body of this route; more gets 413. Null for the application's `limits.body_bytes`."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.content_types != ["application/json"]:
            out["content_types"] = list(self.content_types)
        if self.schema is not None:
            out["schema"] = self.schema
        if not self.required:
            out["required"] = self.required
        if self.mode != "buffer":
            out["mode"] = self.mode
        if self.files:
            out["files"] = {k: v.to_dict() for k, v in self.files.items()}
        if self.as_ != "nodes":
            out["as"] = self.as_
        if self.max_bytes is not None:
            out["max_bytes"] = self.max_bytes
        return out


@dataclass
class Dependency:
    """Something a handler takes that the application provides."""

    id: int
    """Number of the dependency in the port; unique over the application and all routes."""
    name: str
    """Name that `inject` and `depends_on` use."""
    kind: DependencyKind = "value"
    """How it comes to be."""
    scope: DependencyScope = "request"
    """How long what a factory made is kept. A value is always a singleton."""
    depends_on: list[str] = field(default_factory=list)
    """Names of the dependencies a factory takes, in order."""
    cleanup: bool = False
    """The host is told when it is no longer used, in reverse order of making."""
    type: JsonType | None = None
    """JSON type of a value, checked against `inject_types`."""
    token: int = 0
    """The host's token of a value; a factory gives its token each time."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        out["id"] = self.id
        out["name"] = self.name
        if self.kind != "value":
            out["kind"] = self.kind
        if self.scope != "request":
            out["scope"] = self.scope
        if self.depends_on:
            out["depends_on"] = list(self.depends_on)
        if self.cleanup:
            out["cleanup"] = self.cleanup
        if self.type is not None:
            out["type"] = self.type
        if self.token != 0:
            out["token"] = self.token
        return out


@dataclass
class Jwt:
    """Bearer tokens that are JSON Web Tokens (RFC 7519). A token must be signed with `algorithm`; `exp` and `nbf` count where it has them."""

    algorithm: JwtAlgorithm = "HS256"
    """The only signature that is taken."""
    secret: str = ""
    """Key of HS256, HS384 and HS512. Kept out of logs and errors."""
    public_key: str = ""
    """Key of the other algorithms: PEM text, of a public key or a certificate."""
    public_key_file: str = ""
    """A PEM file with it, instead."""
    jwks_file: str = ""
    """A file with a set of keys (RFC 7517), instead: a token's `kid` says which. Read at start-up."""
    issuer: str | None = None
    """`iss` that a token must have; null for any."""
    audience: list[str] = field(default_factory=list)
    """`aud` of a token must have one of these; none: any."""
    leeway: int = 0
    """How far clocks may differ where `exp` and `nbf` are looked at."""
    required_claims: list[str] = field(default_factory=list)
    """Claims that must be there, else 403."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.algorithm != "HS256":
            out["algorithm"] = self.algorithm
        if self.secret:
            out["secret"] = self.secret
        if self.public_key:
            out["public_key"] = self.public_key
        if self.public_key_file:
            out["public_key_file"] = self.public_key_file
        if self.jwks_file:
            out["jwks_file"] = self.jwks_file
        if self.issuer is not None:
            out["issuer"] = self.issuer
        if self.audience:
            out["audience"] = list(self.audience)
        if self.leeway != 0:
            out["leeway"] = self.leeway
        if self.required_claims:
            out["required_claims"] = list(self.required_claims)
        return out


@dataclass
class ApiKey:
    """Keys in a header or a query parameter, compared in constant time."""

    header: str = "X-API-Key"
    """Header it is read from; empty for none."""
    query: str = ""
    """Query parameter it is read from where there is no such header; empty for none."""
    keys: list[str] = field(default_factory=list)
    """The keys that are good. Kept out of logs and errors."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.header != "X-API-Key":
            out["header"] = self.header
        if self.query:
            out["query"] = self.query
        if self.keys:
            out["keys"] = list(self.keys)
        return out


@dataclass
class Basic:
    """Names and passwords (RFC 7617), compared in constant time."""

    realm: str = "api"
    """Realm of the challenge."""
    users: dict[str, str] = field(default_factory=dict)
    """Passwords by name. Kept out of logs and errors."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.realm != "api":
            out["realm"] = self.realm
        if self.users:
            out["users"] = dict(self.users)
        return out


@dataclass
class Auth:
    """Who may call. With several schemes an Authorization header decides alone, by its scheme; an API key counts where there is none. With no scheme everybody may."""

    jwt: Jwt | None = None
    """Bearer tokens."""
    basic: Basic | None = None
    """Names and passwords."""
    api_key: ApiKey | None = None
    """API keys."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.jwt is not None:
            out["jwt"] = self.jwt.to_dict()
        if self.basic is not None:
            out["basic"] = self.basic.to_dict()
        if self.api_key is not None:
            out["api_key"] = self.api_key.to_dict()
        return out


@dataclass
class Route:
    """A method and a path with what the core checks before the handler runs."""

    method: HttpMethod
    """Its method."""
    path: str
    """`/users/{id:int}`; types int, float, bool, uuid, date, datetime, str, path (the rest)."""
    name: str = ""
    """Name in logs, telemetry and OpenAPI."""
    parameters: list[Parameter] = field(default_factory=list)
    """Declared parameters; the handler gets them in this order."""
    body: Body | None = None
    """The request body; null when the route takes none."""
    inject: list[str] = field(default_factory=list)
    """Names of the dependencies the handler takes, in order."""
    inject_types: dict[str, JsonType] = field(default_factory=dict)
    """JSON types that injected values must have; checked at start-up."""
    dependencies: list[Dependency] = field(default_factory=list)
    """Dependencies of this route; one with the name of an application's replaces it."""
    auth: Auth | None = None
    """Who may call this route, instead of the application's `auth`; `{}` lets everybody. Null for the application's."""
    scopes: list[str] = field(default_factory=list)
    """Scopes that a token's `scope` (or `scp`, or `scopes`) must all have, else 403."""
    timeout_ms: int | None = None
    """Time-out of this route; null for the application's."""
    blocking: bool = False
    """A C++ handler that blocks: it runs on the blocking pool. Hosts decide this themselves."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        out["method"] = self.method
        out["path"] = self.path
        if self.name:
            out["name"] = self.name
        if self.parameters:
            out["parameters"] = [v.to_dict() for v in self.parameters]
        if self.body is not None:
            out["body"] = self.body.to_dict()
        if self.inject:
            out["inject"] = list(self.inject)
        if self.inject_types:
            out["inject_types"] = dict(self.inject_types)
        if self.dependencies:
            out["dependencies"] = [v.to_dict() for v in self.dependencies]
        if self.auth is not None:
            out["auth"] = self.auth.to_dict()
        if self.scopes:
            out["scopes"] = list(self.scopes)
        if self.timeout_ms is not None:
            out["timeout_ms"] = self.timeout_ms
        if self.blocking:
            out["blocking"] = self.blocking
        return out


@dataclass
class Hooks:
    """Names of the hooks of each phase, in the order they run. A name is for logs; the number of a hook in the port is its place."""

    on_request: list[str] = field(default_factory=list)
    """After routing and authentication, before the body is read."""
    pre_validation: list[str] = field(default_factory=list)
    """After the body was read, before it is validated."""
    pre_handler: list[str] = field(default_factory=list)
    """After validation, before the handler."""
    on_response: list[str] = field(default_factory=list)
    """After the handler has answered."""
    on_error: list[str] = field(default_factory=list)
    """Instead of `on_response` after an exception."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.on_request:
            out["on_request"] = list(self.on_request)
        if self.pre_validation:
            out["pre_validation"] = list(self.pre_validation)
        if self.pre_handler:
            out["pre_handler"] = list(self.pre_handler)
        if self.on_response:
            out["on_response"] = list(self.on_response)
        if self.on_error:
            out["on_error"] = list(self.on_error)
        return out


@dataclass
class RequestId:
    """A request id taken from the client or made."""

    enabled: bool = False
    """Requests get an id, and answers tell it."""
    header: str = "x-request-id"
    """Header it is read from and written to."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.enabled:
            out["enabled"] = self.enabled
        if self.header != "x-request-id":
            out["header"] = self.header
        return out


@dataclass
class Timeout:
    """The longest a request may take."""

    ms: int | None = None
    """From the end of the request head to the start of the answer; null for none."""
    status: int = 408
    """Status of the answer when it is over."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.ms is not None:
            out["ms"] = self.ms
        if self.status != 408:
            out["status"] = self.status
        return out


@dataclass
class Limits:
    """Limits on what a client may send or hold."""

    body_bytes: int = 10485760
    """Request body; more gets 413."""
    header_bytes: int = 65536
    """Request line and headers; more gets 431."""
    header_count: int = 128
    """Number of request headers; more gets 431."""
    uri_bytes: int = 8192
    """Request target; more gets 414."""
    json_depth: int = 128
    """Containers inside each other in a JSON body; more gets 400."""
    header_timeout_ms: int = 10000
    """From the first byte of a request to the end of its head."""
    body_timeout_ms: int = 30000
    """Between two reads of a request body."""
    idle_timeout_ms: int = 75000
    """Of a kept connection between two requests."""
    write_timeout_ms: int = 30000
    """Without progress in sending an answer."""
    connections: int = 65536
    """Open connections of an I/O loop; further ones wait to be accepted."""
    pipeline: int = 64
    """Requests of one connection in flight at once; further ones are not read yet."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.body_bytes != 10485760:
            out["body_bytes"] = self.body_bytes
        if self.header_bytes != 65536:
            out["header_bytes"] = self.header_bytes
        if self.header_count != 128:
            out["header_count"] = self.header_count
        if self.uri_bytes != 8192:
            out["uri_bytes"] = self.uri_bytes
        if self.json_depth != 128:
            out["json_depth"] = self.json_depth
        if self.header_timeout_ms != 10000:
            out["header_timeout_ms"] = self.header_timeout_ms
        if self.body_timeout_ms != 30000:
            out["body_timeout_ms"] = self.body_timeout_ms
        if self.idle_timeout_ms != 75000:
            out["idle_timeout_ms"] = self.idle_timeout_ms
        if self.write_timeout_ms != 30000:
            out["write_timeout_ms"] = self.write_timeout_ms
        if self.connections != 65536:
            out["connections"] = self.connections
        if self.pipeline != 64:
            out["pipeline"] = self.pipeline
        return out


@dataclass
class Multipart:
    """Limits of multipart/form-data bodies beside `limits.body_bytes`. They are parsed while they arrive."""

    parts: int = 1000
    """Parts of a body; more gets 413."""
    header_bytes: int = 16384
    """Headers of a part; more gets 413."""
    field_bytes: int = 1048576
    """Text fields of a body together; more gets 413."""
    file_bytes: int | None = None
    """Largest file; more gets 413. Null for no limit but the body's."""
    memory_bytes: int = 1048576
    """Files of a body that are kept in memory, together. A file that does not fit goes to a temporary file, which is deleted when the request has ended."""
    directory: str = "/tmp"
    """Folder of the temporary files."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.parts != 1000:
            out["parts"] = self.parts
        if self.header_bytes != 16384:
            out["header_bytes"] = self.header_bytes
        if self.field_bytes != 1048576:
            out["field_bytes"] = self.field_bytes
        if self.file_bytes is not None:
            out["file_bytes"] = self.file_bytes
        if self.memory_bytes != 1048576:
            out["memory_bytes"] = self.memory_bytes
        if self.directory != "/tmp":
            out["directory"] = self.directory
        return out


@dataclass
class Decompression:
    """Buffered request bodies with a Content-Encoding, decoded while they arrive."""

    encodings: list[ContentCoding] = field(default_factory=lambda: ["gzip", "deflate", "br"])
    """Codings that are taken, one a body; others get 415 with Accept-Encoding."""
    max_bytes: int | None = None
    """Largest body once decoded; more gets 413. Null for the body's own limit, which always holds for what was sent."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.encodings != ["gzip", "deflate", "br"]:
            out["encodings"] = list(self.encodings)
        if self.max_bytes is not None:
            out["max_bytes"] = self.max_bytes
        return out


@dataclass
class Health:
    """The health endpoints. A route with the same path wins."""

    enabled: bool = True
    """They are served."""
    live: str = "/healthz"
    """200 while the process works."""
    ready: str = "/readyz"
    """200 while every required component is ready and no drain has begun, else 503."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if not self.enabled:
            out["enabled"] = self.enabled
        if self.live != "/healthz":
            out["live"] = self.live
        if self.ready != "/readyz":
            out["ready"] = self.ready
        return out


@dataclass
class Cors:
    """Cross-origin requests (Fetch). Preflights are answered before routing and authentication; all answers, errors too, have the headers."""

    allow_origins: list[str] = field(default_factory=list)
    """Origins as browsers send them, `https://app.example.com`, compared exactly; `*` for all."""
    allow_origin_patterns: list[str] = field(default_factory=list)
    """Regular expressions (ECMA-262) that the whole of an origin must match."""
    allow_methods: list[str] = field(default_factory=lambda: ["GET", "HEAD", "POST"])
    """Methods that a preflight may ask for, in upper case; `*` for all."""
    allow_headers: list[str] = field(default_factory=list)
    """Request headers that a preflight may ask for, in any case; `*` for all."""
    expose_headers: list[str] = field(default_factory=list)
    """Response headers that pages may read."""
    allow_credentials: bool = False
    """Pages may send cookies and credentials. With `*` the origin is then named in the answer."""
    max_age: int | None = None
    """How long a browser may keep a preflight's answer; null for its own default."""
    on_disallowed: CorsDisallowed = "serve"
    """What becomes of a request from another origin. A preflight always gets 403."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.allow_origins:
            out["allow_origins"] = list(self.allow_origins)
        if self.allow_origin_patterns:
            out["allow_origin_patterns"] = list(self.allow_origin_patterns)
        if self.allow_methods != ["GET", "HEAD", "POST"]:
            out["allow_methods"] = list(self.allow_methods)
        if self.allow_headers:
            out["allow_headers"] = list(self.allow_headers)
        if self.expose_headers:
            out["expose_headers"] = list(self.expose_headers)
        if self.allow_credentials:
            out["allow_credentials"] = self.allow_credentials
        if self.max_age is not None:
            out["max_age"] = self.max_age
        if self.on_disallowed != "serve":
            out["on_disallowed"] = self.on_disallowed
        return out


@dataclass
class Compression:
    """Coding of answers by Accept-Encoding (RFC 9110 12.5.3), streamed ones too. Text, JSON, XML, JavaScript and SVG are coded; what is coded already, ranges and `no-transform` are not."""

    gzip: bool = True
    """Offer gzip."""
    brotli: bool = True
    """Offer br."""
    zstd: bool = False
    """Offer zstd."""
    min_size: int = 1024
    """Shorter bodies are sent as they are."""
    quality: int = 4
    """From fast to small, on the scale of brotli; gzip ends at 9."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if not self.gzip:
            out["gzip"] = self.gzip
        if not self.brotli:
            out["brotli"] = self.brotli
        if self.zstd:
            out["zstd"] = self.zstd
        if self.min_size != 1024:
            out["min_size"] = self.min_size
        if self.quality != 4:
            out["quality"] = self.quality
        return out


@dataclass
class StaticFiles:
    """Files of a folder. A path without a file goes on to the routes. Hidden files (`.x`, but not `.well-known`) are not served, nor links out of the folder."""

    prefix: str
    """Path that they are below, as `/static`; `/` for all paths."""
    directory: str
    """The folder. It must be there at start-up."""
    index_file: bool = False
    """A folder's path with `/` at its end gives its index.html; without, it is redirected there."""
    cache_control: str | None = None
    """Value of Cache-Control; null for none."""
    precompressed: bool = False
    """Serve `x.js.br`, `.zst` or `.gz` for `x.js` to those who accept it."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        out["prefix"] = self.prefix
        out["directory"] = self.directory
        if self.index_file:
            out["index_file"] = self.index_file
        if self.cache_control is not None:
            out["cache_control"] = self.cache_control
        if self.precompressed:
            out["precompressed"] = self.precompressed
        return out


@dataclass
class RateLimit:
    """Token buckets in memory, shared by the loops of a process. Without a token the answer is 429 with Retry-After. Health and metrics paths are not counted."""

    per_second: Any
    """Tokens a bucket gets in a second: a number over 0, such as 0.5."""
    burst: int = 1
    """Tokens a bucket holds at most."""
    by: RateLimitBy = "ip"
    """Who has a bucket."""
    header: str = ""
    """Name of the header where `by` is header."""
    max_keys: int = 100000
    """Buckets kept at most; over it the one that was used longest ago goes."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        out["per_second"] = self.per_second
        if self.burst != 1:
            out["burst"] = self.burst
        if self.by != "ip":
            out["by"] = self.by
        if self.header:
            out["header"] = self.header
        if self.max_keys != 100000:
            out["max_keys"] = self.max_keys
        return out


@dataclass
class SecurityHeaders:
    """Headers that every answer has unless the handler set them itself. An empty text leaves one out."""

    content_type_options: str = "nosniff"
    """X-Content-Type-Options."""
    frame_options: str = "DENY"
    """X-Frame-Options."""
    referrer_policy: str = "no-referrer"
    """Referrer-Policy."""
    strict_transport_security: str = "max-age=31536000"
    """Strict-Transport-Security, on encrypted connections only."""
    content_security_policy: str = ""
    """Content-Security-Policy."""
    permissions_policy: str = ""
    """Permissions-Policy."""
    cross_origin_opener_policy: str = ""
    """Cross-Origin-Opener-Policy."""
    cross_origin_resource_policy: str = ""
    """Cross-Origin-Resource-Policy."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.content_type_options != "nosniff":
            out["content_type_options"] = self.content_type_options
        if self.frame_options != "DENY":
            out["frame_options"] = self.frame_options
        if self.referrer_policy != "no-referrer":
            out["referrer_policy"] = self.referrer_policy
        if self.strict_transport_security != "max-age=31536000":
            out["strict_transport_security"] = self.strict_transport_security
        if self.content_security_policy:
            out["content_security_policy"] = self.content_security_policy
        if self.permissions_policy:
            out["permissions_policy"] = self.permissions_policy
        if self.cross_origin_opener_policy:
            out["cross_origin_opener_policy"] = self.cross_origin_opener_policy
        if self.cross_origin_resource_policy:
            out["cross_origin_resource_policy"] = self.cross_origin_resource_policy
        return out


@dataclass
class HttpConfig:
    """The HTTP server."""

    listeners: list[Listener] = field(default_factory=list)
    """Addresses; none: reached in memory only. `run()` of a binding adds 127.0.0.1:8000 when there is none."""
    routes: list[Route] = field(default_factory=list)
    """Routes; the index of one is its id."""
    hooks: Hooks = field(default_factory=Hooks)
    """Hooks of the application."""
    dependencies: list[Dependency] = field(default_factory=list)
    """Dependencies of the application."""
    request_id: RequestId = field(default_factory=RequestId)
    """Request ids."""
    timeout: Timeout = field(default_factory=Timeout)
    """Time-out of every request."""
    limits: Limits = field(default_factory=Limits)
    """Limits on what a client may send or hold."""
    auth: Auth | None = None
    """Who may call; null for everybody."""
    decompression: Decompression | None = None
    """Bodies with a Content-Encoding; null leaves them as they are."""
    multipart: Multipart = field(default_factory=Multipart)
    """Limits of multipart bodies."""
    trusted_hosts: list[str] = field(default_factory=list)
    """Values of Host that are served, without port, `*.example.com` for all below; others get 400. None: all."""
    rate_limit: RateLimit | None = None
    """How fast clients may ask; null for no limit."""
    static_files: list[StaticFiles] = field(default_factory=list)
    """Folders that are served; the longest prefix that has the file counts."""
    cors: Cors | None = None
    """Cross-origin requests; null for none."""
    compression: Compression | None = None
    """Coding of answers; null for none."""
    security_headers: SecurityHeaders | None = None
    """Security headers of every answer; null for none."""
    problem_base: str = "https://spikard.dev/problems/"
    """What the `type` of a problem document starts with."""
    health: Health = field(default_factory=Health)
    """Health endpoints."""
    server_header: str | None = None
    """Value of the Server header; null for none."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.listeners:
            out["listeners"] = [v.to_dict() for v in self.listeners]
        if self.routes:
            out["routes"] = [v.to_dict() for v in self.routes]
        if hooks := self.hooks.to_dict():
            out["hooks"] = hooks
        if self.dependencies:
            out["dependencies"] = [v.to_dict() for v in self.dependencies]
        if request_id := self.request_id.to_dict():
            out["request_id"] = request_id
        if timeout := self.timeout.to_dict():
            out["timeout"] = timeout
        if limits := self.limits.to_dict():
            out["limits"] = limits
        if self.auth is not None:
            out["auth"] = self.auth.to_dict()
        if self.decompression is not None:
            out["decompression"] = self.decompression.to_dict()
        if multipart := self.multipart.to_dict():
            out["multipart"] = multipart
        if self.trusted_hosts:
            out["trusted_hosts"] = list(self.trusted_hosts)
        if self.rate_limit is not None:
            out["rate_limit"] = self.rate_limit.to_dict()
        if self.static_files:
            out["static_files"] = [v.to_dict() for v in self.static_files]
        if self.cors is not None:
            out["cors"] = self.cors.to_dict()
        if self.compression is not None:
            out["compression"] = self.compression.to_dict()
        if self.security_headers is not None:
            out["security_headers"] = self.security_headers.to_dict()
        if self.problem_base != "https://spikard.dev/problems/":
            out["problem_base"] = self.problem_base
        if health := self.health.to_dict():
            out["health"] = health
        if self.server_header is not None:
            out["server_header"] = self.server_header
        return out


@dataclass
class StoragePresign:
    """Signed URLs of `memory:` and `file:`, which the application's own HTTP server answers."""

    base_url: str = ""
    """What stands before the path of a signed URL, `https://files.example.com`. Empty: the address of the first TCP listener, which is no use to others where that is 0.0.0.0 or behind a proxy: say it there."""
    path: str = "/_spikard/storage"
    """Path below which signed URLs are answered; the name of the store comes next."""
    secret: str = ""
    """Key of the signatures, and of the tokens of listings and uploads. Empty: a random one, which `file:` keeps in its folder and `memory:` forgets at the end of the process; elsewhere the key or secret of the store that is in the configuration, without which there are no uploads in parts."""
    max_upload_bytes: int = 5368709120
    """Largest body that a signed PUT takes, also of one part of an upload; more gets 413."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.base_url:
            out["base_url"] = self.base_url
        if self.path != "/_spikard/storage":
            out["path"] = self.path
        if self.secret:
            out["secret"] = self.secret
        if self.max_upload_bytes != 5368709120:
            out["max_upload_bytes"] = self.max_upload_bytes
        return out


@dataclass
class S3Options:
    """What `s3:` needs beside the bucket."""

    region: str = "us-east-1"
    """Region of the bucket."""
    endpoint: str = ""
    """`https://host[:port]` without the bucket. Empty: that of AWS in the region."""
    addressing: S3Addressing = "virtual"
    """Where the bucket stands in a URL."""
    access_key: str = ""
    """Access key id. Empty, with `secret_key`: the usual chain of AWS (environment, profile, web identity, container, machine)."""
    secret_key: str = ""
    """Secret access key."""
    session_token: str = ""
    """Token of temporary credentials; empty for none."""
    profile: str = ""
    """Profile of the chain. Empty: that of `AWS_PROFILE`, or `default`."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.region != "us-east-1":
            out["region"] = self.region
        if self.endpoint:
            out["endpoint"] = self.endpoint
        if self.addressing != "virtual":
            out["addressing"] = self.addressing
        if self.access_key:
            out["access_key"] = self.access_key
        if self.secret_key:
            out["secret_key"] = self.secret_key
        if self.session_token:
            out["session_token"] = self.session_token
        if self.profile:
            out["profile"] = self.profile
        return out


@dataclass
class GcsOptions:
    """What `gcs:` needs beside the bucket."""

    endpoint: str = ""
    """`https://host[:port]`. Empty: that of Google."""
    credential: str = ""
    """JSON of a service account or another credential. Empty, with `credential_file`: the application default credentials."""
    credential_file: str = ""
    """File with that JSON."""
    anonymous: bool = False
    """Requests without credentials: emulators, public buckets."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.endpoint:
            out["endpoint"] = self.endpoint
        if self.credential:
            out["credential"] = self.credential
        if self.credential_file:
            out["credential_file"] = self.credential_file
        if self.anonymous:
            out["anonymous"] = self.anonymous
        return out


@dataclass
class AzblobOptions:
    """What `azblob:` needs beside the container."""

    account: str = ""
    """Name of the storage account."""
    endpoint: str = ""
    """`https://host[:port]`, with the account in the path where it is not in the host. Empty: that of Azure for the account."""
    account_key: str = ""
    """Key of the account, base64. Empty, with `sas_token`: the usual chain of Azure (environment, workload identity, machine)."""
    sas_token: str = ""
    """A shared access signature instead of a key."""
    anonymous: bool = False
    """Requests without credentials: public containers."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.account:
            out["account"] = self.account
        if self.endpoint:
            out["endpoint"] = self.endpoint
        if self.account_key:
            out["account_key"] = self.account_key
        if self.sas_token:
            out["sas_token"] = self.sas_token
        if self.anonymous:
            out["anonymous"] = self.anonymous
        return out


@dataclass
class StorageTransfer:
    """How stores on other machines are spoken to."""

    timeout_ms: int = 30000
    """Longest silence of the server; then the request is made again."""
    max_retries: int = 3
    """How often a request is made again after a failure that may pass, with growing pauses."""
    concurrency: int = 2
    """Parts of one streamed write that are sent at once; each is held in memory (8 MiB)."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.timeout_ms != 30000:
            out["timeout_ms"] = self.timeout_ms
        if self.max_retries != 3:
            out["max_retries"] = self.max_retries
        if self.concurrency != 2:
            out["concurrency"] = self.concurrency
        return out


@dataclass
class StorageConfig:
    """A store of objects."""

    url: str = "file:data/objects"
    """`memory:`, `file:DIR`, `s3://BUCKET`, `gcs://BUCKET`, `azblob://CONTAINER`, or the scheme of another service of OpenDAL with its members in `options`: `webdav:`."""
    max_read_bytes: int = 67108864
    """Largest object (or range) that `read` gives in one piece; more is too_large: stream it."""
    max_memory_bytes: int = 1073741824
    """All objects of a `memory:` store together; a write over it is too_large."""
    durable: bool = True
    """`file:` waits until a write or delete is on the disk. Without it an object is still old or new after a crash of the process, but a power cut may lose it."""
    presign: StoragePresign = field(default_factory=StoragePresign)
    """Signed URLs of `memory:` and `file:`."""
    s3: S3Options = field(default_factory=S3Options)
    """Of `s3:` only."""
    gcs: GcsOptions = field(default_factory=GcsOptions)
    """Of `gcs:` only."""
    azblob: AzblobOptions = field(default_factory=AzblobOptions)
    """Of `azblob:` only."""
    options: dict[str, str] = field(default_factory=dict)
    """Of OpenDAL's further services, by the names they have there. Values are kept out of logs."""
    transfer: StorageTransfer = field(default_factory=StorageTransfer)
    """Of all but `memory:` and `file:`."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.url != "file:data/objects":
            out["url"] = self.url
        if self.max_read_bytes != 67108864:
            out["max_read_bytes"] = self.max_read_bytes
        if self.max_memory_bytes != 1073741824:
            out["max_memory_bytes"] = self.max_memory_bytes
        if not self.durable:
            out["durable"] = self.durable
        if presign := self.presign.to_dict():
            out["presign"] = presign
        if s3 := self.s3.to_dict():
            out["s3"] = s3
        if gcs := self.gcs.to_dict():
            out["gcs"] = gcs
        if azblob := self.azblob.to_dict():
            out["azblob"] = azblob
        if self.options:
            out["options"] = dict(self.options)
        if transfer := self.transfer.to_dict():
            out["transfer"] = transfer
        return out


@dataclass
class TasksConfig:
    """A store of tasks."""

    url: str = "sqlite:data/app.db"
    """`memory:`, `sqlite:FILE`, or the URL of another backend."""
    retention_ms: int = 86400000
    """How long completed jobs and their results are kept."""
    failed_retention_ms: int = 604800000
    """How long discarded and cancelled jobs are kept."""
    poll_ms: int = 100
    """How often a worker looks for what other processes enqueued, where the store does not tell it."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.url != "sqlite:data/app.db":
            out["url"] = self.url
        if self.retention_ms != 86400000:
            out["retention_ms"] = self.retention_ms
        if self.failed_retention_ms != 604800000:
            out["failed_retention_ms"] = self.failed_retention_ms
        if self.poll_ms != 100:
            out["poll_ms"] = self.poll_ms
        return out


@dataclass
class Worker:
    """What runs the tasks of a queue in this application."""

    name: str
    """Its name in reports, logs and telemetry; unique."""
    client: str = "default"
    """Which of `services.tasks`."""
    queue: str = "default"
    """Its queue."""
    concurrency: int = 16
    """Handlers at once, in each process."""
    lease_ms: int = 10000
    """A job comes back this long after its worker died; renewed every third of it while the handler runs."""
    timeout_ms: int | None = None
    """The longest a run may take where the task has no limit of its own; null for none."""
    tasks: list[str] = field(default_factory=list)
    """Names it has handlers for; any other is discarded with the code unknown_task. Empty: all."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        out["name"] = self.name
        if self.client != "default":
            out["client"] = self.client
        if self.queue != "default":
            out["queue"] = self.queue
        if self.concurrency != 16:
            out["concurrency"] = self.concurrency
        if self.lease_ms != 10000:
            out["lease_ms"] = self.lease_ms
        if self.timeout_ms is not None:
            out["timeout_ms"] = self.timeout_ms
        if self.tasks:
            out["tasks"] = list(self.tasks)
        return out


@dataclass
class Schedule:
    """A task that is enqueued by the clock."""

    name: str
    """Its name; the same in every process of the application."""
    cron: str
    """Five or six fields, or a macro such as `@daily`."""
    client: str = "default"
    """Which of `services.tasks`."""
    timezone: str = "UTC"
    """A name of the IANA data base, such as `Europe/Berlin`."""
    queue: str = "default"
    """Where its jobs go."""
    task: str = ""
    """The task's name. Empty: the schedule's."""
    args: Any = None
    """The arguments of every job."""
    priority: int = 0
    """Higher goes first."""
    max_attempts: int = 5
    """Runs of a job at most."""
    timeout_ms: int | None = None
    """The longest a run may take; null for the worker's limit."""
    misfire: Misfire = "once"
    """What becomes of times at which no scheduler ran."""
    overlap: Overlap = "allow"
    """What becomes of a time while the job before has not ended."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        out["name"] = self.name
        if self.client != "default":
            out["client"] = self.client
        out["cron"] = self.cron
        if self.timezone != "UTC":
            out["timezone"] = self.timezone
        if self.queue != "default":
            out["queue"] = self.queue
        if self.task:
            out["task"] = self.task
        if self.args is not None:
            out["args"] = self.args
        if self.priority != 0:
            out["priority"] = self.priority
        if self.max_attempts != 5:
            out["max_attempts"] = self.max_attempts
        if self.timeout_ms is not None:
            out["timeout_ms"] = self.timeout_ms
        if self.misfire != "once":
            out["misfire"] = self.misfire
        if self.overlap != "allow":
            out["overlap"] = self.overlap
        return out


@dataclass
class TelemetryConfig:
    """Telemetry. Off unless an exporter is named here or by the environment (`OTEL_TRACES_EXPORTER`, `OTEL_METRICS_EXPORTER`, `OTEL_LOGS_EXPORTER`, or any of the `OTEL_EXPORTER_OTLP_...ENDPOINT` variables). What is null here comes from the `OTEL_...` variable it names, else from OpenTelemetry's default. `OTEL_SDK_DISABLED=true` turns everything off."""

    exporter: TelemetryExporter | None = None
    """Where it goes; null for what `OTEL_TRACES_EXPORTER` and its like say."""
    service_name: str | None = None
    """Resource attribute `service.name`; null for `OTEL_SERVICE_NAME`, else the name of the application."""
    resource: dict[str, str] = field(default_factory=dict)
    """Further resource attributes. `OTEL_RESOURCE_ATTRIBUTES` is merged with them, what stands here wins."""
    sampler: TelemetrySampler | None = None
    """Which traces are recorded (`OTEL_TRACES_SAMPLER`, `parentbased_always_on`)."""
    sampler_arg: Any = None
    """The share of the two ratio samplers, a number from 0 to 1 (`OTEL_TRACES_SAMPLER_ARG`, 1)."""
    endpoint: str | None = None
    """Base URL of the collector, to which `/v1/traces`, `/v1/metrics` and `/v1/logs` are added but for gRPC (`OTEL_EXPORTER_OTLP_ENDPOINT`, `http://localhost:4318`, for gRPC `http://localhost:4317`)."""
    headers: dict[str, str] = field(default_factory=dict)
    """Header fields sent to the collector, beside those of `OTEL_EXPORTER_OTLP_HEADERS`. Never logged."""
    certificate: str | None = None
    """PEM file of the roots that an `https` collector is checked against (`OTEL_EXPORTER_OTLP_CERTIFICATE`, the system's)."""
    compression: TelemetryCompression | None = None
    """How it is compressed (`OTEL_EXPORTER_OTLP_COMPRESSION`, none)."""
    traces: bool = True
    """Spans are made and exported."""
    metrics: bool = True
    """Metrics are exported."""
    logs: bool = True
    """Log records are exported."""
    export_timeout_ms: int | None = None
    """The longest that one export may take, retries included (`OTEL_EXPORTER_OTLP_TIMEOUT`, 10000)."""
    schedule_delay_ms: int | None = None
    """The longest that a span or log record waits for its batch (`OTEL_BSP_SCHEDULE_DELAY`, `OTEL_BLRP_SCHEDULE_DELAY`, 5000 and 1000)."""
    max_queue_size: int | None = None
    """Spans, and log records, that may wait; one more is dropped and counted (`OTEL_BSP_MAX_QUEUE_SIZE`, `OTEL_BLRP_MAX_QUEUE_SIZE`, 2048)."""
    max_export_batch_size: int | None = None
    """Spans, and log records, of one request to the collector (`OTEL_BSP_MAX_EXPORT_BATCH_SIZE`, `OTEL_BLRP_MAX_EXPORT_BATCH_SIZE`, 512)."""
    metric_interval_ms: int | None = None
    """Time between two exports of the metrics (`OTEL_METRIC_EXPORT_INTERVAL`, 60000)."""
    metrics_path: str | None = None
    """Path at which the application's HTTP server answers with all metrics, in the text format of Prometheus or, where the client prefers it, OpenMetrics. Null: nowhere."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.exporter is not None:
            out["exporter"] = self.exporter
        if self.service_name is not None:
            out["service_name"] = self.service_name
        if self.resource:
            out["resource"] = dict(self.resource)
        if self.sampler is not None:
            out["sampler"] = self.sampler
        if self.sampler_arg is not None:
            out["sampler_arg"] = self.sampler_arg
        if self.endpoint is not None:
            out["endpoint"] = self.endpoint
        if self.headers:
            out["headers"] = dict(self.headers)
        if self.certificate is not None:
            out["certificate"] = self.certificate
        if self.compression is not None:
            out["compression"] = self.compression
        if not self.traces:
            out["traces"] = self.traces
        if not self.metrics:
            out["metrics"] = self.metrics
        if not self.logs:
            out["logs"] = self.logs
        if self.export_timeout_ms is not None:
            out["export_timeout_ms"] = self.export_timeout_ms
        if self.schedule_delay_ms is not None:
            out["schedule_delay_ms"] = self.schedule_delay_ms
        if self.max_queue_size is not None:
            out["max_queue_size"] = self.max_queue_size
        if self.max_export_batch_size is not None:
            out["max_export_batch_size"] = self.max_export_batch_size
        if self.metric_interval_ms is not None:
            out["metric_interval_ms"] = self.metric_interval_ms
        if self.metrics_path is not None:
            out["metrics_path"] = self.metrics_path
        return out


@dataclass
class Shutdown:
    """The four spans of the drain (docs/guide/shutdown.md). Exit never takes longer than their sum."""

    delay_ms: int = 0
    """Time between readiness turning 503 and the end of accepting, for load balancers."""
    timeout_ms: int = 20000
    """What is in flight may take this long to finish."""
    cleanup_ms: int = 1000
    """Cancelled handlers may take this long to end."""
    flush_ms: int = 2000
    """Telemetry and logs may take this long to be written."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.delay_ms != 0:
            out["delay_ms"] = self.delay_ms
        if self.timeout_ms != 20000:
            out["timeout_ms"] = self.timeout_ms
        if self.cleanup_ms != 1000:
            out["cleanup_ms"] = self.cleanup_ms
        if self.flush_ms != 2000:
            out["flush_ms"] = self.flush_ms
        return out


@dataclass
class Log:
    """Structured logging."""

    format: LogFormat = "json"
    """How a record is written."""
    level: LogLevel = "info"
    """The lowest level that is written."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.format != "json":
            out["format"] = self.format
        if self.level != "info":
            out["level"] = self.level
        return out


@dataclass
class Services:
    """The toolbox, by name. A name is what code asks for; `default` is there without being named here."""

    cache: dict[str, CacheConfig] = field(default_factory=dict)
    """Caches."""
    storage: dict[str, StorageConfig] = field(default_factory=dict)
    """Stores of objects."""
    db: dict[str, DbConfig] = field(default_factory=dict)
    """Databases."""
    messaging: dict[str, MessagingConfig] = field(default_factory=dict)
    """Message brokers."""
    tasks: dict[str, TasksConfig] = field(default_factory=dict)
    """Stores of tasks."""
    events: dict[str, EventSender] = field(default_factory=dict)
    """Where events are sent."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.cache:
            out["cache"] = {k: v.to_dict() for k, v in self.cache.items()}
        if self.storage:
            out["storage"] = {k: v.to_dict() for k, v in self.storage.items()}
        if self.db:
            out["db"] = {k: v.to_dict() for k, v in self.db.items()}
        if self.messaging:
            out["messaging"] = {k: v.to_dict() for k, v in self.messaging.items()}
        if self.tasks:
            out["tasks"] = {k: v.to_dict() for k, v in self.tasks.items()}
        if self.events:
            out["events"] = {k: v.to_dict() for k, v in self.events.items()}
        return out


@dataclass
class Manifest:
    """The whole application."""

    name: str = "app"
    """Name of the application, in logs and telemetry."""
    clock: ClockKind = "real"
    """Where time comes from."""
    io_threads: int = 1
    """I/O loops of a C++ program, or of a port with the threaded drive."""
    drive: Drive = "inline"
    """Who does the I/O of a port."""
    handle_signals: bool = True
    """SIGTERM and SIGINT begin the drain, SIGHUP reads certificates again (C++ and C programs). Off in an application embedded in another program."""
    http: HttpConfig | None = None
    """The HTTP server; null for an application without one."""
    roles: list[Role] = field(default_factory=list)
    """What this process runs; none: everything. `SPIKARD_ROLES=web,worker`."""
    in_memory_stores: bool = False
    """For tests: `sqlite:` files become `sqlite::memory:` and `file:` folders `memory:`, so that nothing is left behind and nothing is met."""
    faults: Faults | None = None
    """For tests: what goes wrong in the clients of the toolbox. Needs the virtual clock."""
    services: Services = field(default_factory=Services)
    """The toolbox: caches, object stores, databases, brokers, task stores."""
    consumers: list[Consumer] = field(default_factory=list)
    """Message consumers; the index of one is its number in the port."""
    workers: list[Worker] = field(default_factory=list)
    """Task workers; the index of one is its number in the port."""
    schedules: list[Schedule] = field(default_factory=list)
    """Tasks enqueued by the clock."""
    events: list[EventEndpoint] = field(default_factory=list)
    """Paths that take CloudEvents. Their subscriptions name handlers by their number in the port."""
    event_consumers: list[EventConsumer] = field(default_factory=list)
    """Message consumers whose messages are CloudEvents."""
    telemetry: TelemetryConfig = field(default_factory=TelemetryConfig)
    """Traces, metrics and logs."""
    shutdown: Shutdown = field(default_factory=Shutdown)
    """The drain."""
    log: Log = field(default_factory=Log)
    """Logging."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.name != "app":
            out["name"] = self.name
        if self.clock != "real":
            out["clock"] = self.clock
        if self.io_threads != 1:
            out["io_threads"] = self.io_threads
        if self.drive != "inline":
            out["drive"] = self.drive
        if not self.handle_signals:
            out["handle_signals"] = self.handle_signals
        if self.http is not None:
            out["http"] = self.http.to_dict()
        if self.roles:
            out["roles"] = list(self.roles)
        if self.in_memory_stores:
            out["in_memory_stores"] = self.in_memory_stores
        if self.faults is not None:
            out["faults"] = self.faults.to_dict()
        if services := self.services.to_dict():
            out["services"] = services
        if self.consumers:
            out["consumers"] = [v.to_dict() for v in self.consumers]
        if self.workers:
            out["workers"] = [v.to_dict() for v in self.workers]
        if self.schedules:
            out["schedules"] = [v.to_dict() for v in self.schedules]
        if self.events:
            out["events"] = [v.to_dict() for v in self.events]
        if self.event_consumers:
            out["event_consumers"] = [v.to_dict() for v in self.event_consumers]
        if telemetry := self.telemetry.to_dict():
            out["telemetry"] = telemetry
        if shutdown := self.shutdown.to_dict():
            out["shutdown"] = shutdown
        if log := self.log.to_dict():
            out["log"] = log
        return out


class CacheConfigDict(TypedDict, total=False):
    """A cache. `memory:` (and the part of `tiered+redis:` that is in memory) keeps at most `max_bytes` or `max_entries`, whichever is given (both hold where both are); what goes first is decided by how often and how lately it was asked for (W-TinyLFU). `redis:` has no such bounds: its server decides."""

    url: str
    """`memory:`, `redis://HOST:6379/DB` (also `rediss:`, `redis+unix:`, `redis+sentinel:`, `redis+cluster:`), or one of these behind `tiered+`: memory in front of it."""
    max_bytes: int | None
    """The most that `memory:` holds, keys, values and about 90 bytes an entry counted. Null: 64 MiB, or no limit of bytes where `max_entries` is given."""
    max_entries: int | None
    """The most entries that `memory:` holds. Null: as many as `max_bytes` allows."""
    default_ttl_ms: int | None
    """How long an entry lives that was set without a time. Null: for ever."""

class MessagingConfigDict(TypedDict, total=False):
    """A message broker."""

    url: str
    """`memory:`, `sqlite:FILE`, or the URL of another backend."""
    store: str
    """The delivery store of `mqtt:`: `sqlite:FILE`, where messages lie from their arrival until they are settled, or `memory:` for what may be lost. Not the file of a `sqlite:` broker."""
    topics: TopicStyle
    """How patterns are written, on `memory:` and `sqlite:`."""
    max_message_bytes: int
    """The longest payload that is taken; keys and headers come on top (64 KiB together)."""
    max_bytes: int
    """What `memory:` may hold, dead letters included; at the limit `publish` is refused (rate_limited)."""
    retention_ms: int
    """How long a message that no group waits for is kept for replay, on `memory:`, `sqlite:` and `redis:`. `memory:` gives it up earlier when it needs the room. Dead letters stay until they are redriven or purged."""
    poll_ms: int
    """How often `sqlite:` looks for what other processes did. Within a process consumers are woken at once."""

class BackoffDict(TypedDict, total=False):
    """When a message comes again after its handler failed."""

    kind: BackoffKind
    """How the wait grows."""
    initial_ms: int
    """The wait after the first failure."""
    factor: Any
    """A number from 1 to 100; null for 2."""
    max_ms: int
    """The longest wait."""
    jitter_percent: int
    """Takes off up to this part of each wait, at random, so that failures do not come back together."""

class ConsumerDict(TypedDict, total=False):
    """A subscription whose messages a handler of the application takes."""

    name: str
    """Its name in reports, logs and telemetry; unique."""
    client: str
    """Which of `services.messaging`."""
    topic: str
    """Topic or pattern."""
    group: str
    """Each message goes to one consumer of a group. What a group has taken is remembered by its name and topic; empty for the name of the consumer."""
    concurrency: int
    """Handlers at once, in each process."""
    max_in_flight: int
    """Messages in hand, those included that wait for a handler; 0 for as many as `concurrency`."""
    ordered: bool
    """A message waits until the one before it of the same key is settled, its retries included, in the whole group. Messages without a key do not wait."""
    max_retries: int
    """After 1 + `max_retries` tries a message goes to the dead letters."""
    backoff: BackoffDict
    """When it comes again after an exception or a time-out."""
    dead_letter: str | None
    """Topic for what is given up. Null: it is dropped and counted."""
    ack_wait_ms: int
    """A message whose consumer died goes to another one after this time. A consumer that lives keeps its messages, however long a handler takes."""
    handler_timeout_ms: int | None
    """The longest a handler may take; then it is cancelled and the message comes again. Null for no limit."""
    start_from: StartFrom
    """Where a new group begins."""
    schema: Any
    """JSON Schema 2020-12 of the payload, which is then JSON. A message that does not fit goes to the dead letters at once, with its validation errors."""

class EventSubscriptionDict(TypedDict, total=False):
    """Which events go to which handler. Patterns are exact text, or have `*` for any run of characters."""

    handler: int
    """Number of the handler in the port; several subscriptions may name the same."""
    type: str
    """Pattern of the event's type; case counts. Exact beats a pattern, a longer pattern a shorter one."""
    source: str
    """Pattern of its source."""
    subject: str
    """Pattern of its subject; an event without one fits `*` only."""

class EventInboxDict(TypedDict, total=False):
    """Remembers the events that were handled, by source and id, for this endpoint or consumer group alone, and acknowledges one that comes again without running its handler. What a handler refused is not remembered."""

    db: str
    """Which of `services.db` keeps it."""
    retention_ms: int
    """How long an event is remembered."""

class EventEndpointDict(TypedDict, total=False):
    """A path that takes CloudEvents over HTTP and hands them to the application's event handlers."""

    path: str
    """Where events are posted; `/` for Knative and Cloud Functions."""
    subscriptions: list[EventSubscriptionDict]
    """Which events go to which handler; the best fit takes it."""
    handler: int | None
    """Number of the handler of what no subscription takes. Null: refused with 400."""
    allowed_origins: list[str]
    """Senders that the webhook handshake grants (`WebHook-Request-Origin`, DNS names in any case, `*.example.com`, `*` for all). Empty: it grants none, and no origin is looked at."""
    allowed_rate: int | None
    """What the handshake grants; requests beyond it get 429. It counts in each process. Null: no limit (`*`)."""
    callback_hosts: list[str]
    """Hosts to which a `WebHook-Request-Callback` may be sent (`example.com`, `*.example.com`, with `:port` where it is not 443). A handshake that names such a host is granted by the callback, any other at once."""
    callback_plain: bool
    """Callbacks over plain http: are allowed as well (tests)."""
    max_batch: int
    """Events of one batch; more gets 413."""
    batch_concurrency: int
    """Events of one batch in hand at once; they begin in their order."""
    timeout_ms: int | None
    """Time-out of a request; null for the HTTP server's."""
    inbox: EventInboxDict | None
    """Handles an event once; null for at least once."""

class EventConsumerDict(TypedDict, total=False):
    """A subscription to a broker whose messages are CloudEvents."""

    consumer: ConsumerDict
    """The consumer of the messages."""
    binding: EventBinding
    """How events are laid out in its messages."""
    subscriptions: list[EventSubscriptionDict]
    """Which events go to which handler; the best fit takes it."""
    handler: int | None
    """Number of the handler of what no subscription takes. Null: to the dead letter."""
    reply: str
    """Which of `services.events` takes the events that handlers answer with. Empty: an answer is a failure."""
    inbox: EventInboxDict | None
    """Handles an event once; null for at least once."""

class EventRetryDict(TypedDict, total=False):
    """When a failed delivery is tried again."""

    max_retries: int
    """Tries after the first."""
    initial_ms: int
    """Wait before the first retry. A longer Retry-After of the receiver wins."""
    factor_percent: int
    """Each wait is this part of the one before."""
    max_ms: int
    """The longest wait, Retry-After included."""
    jitter_percent: int
    """Takes off up to this part of a wait, at random."""

class EventSenderDict(TypedDict, total=False):
    """Where an application sends events."""

    url: str
    """An `http:` or `https:` URL, or `messaging:CLIENT/TOPIC` for a broker of `services.messaging`. `K_SINK` of the environment (Knative) sets that of `default`."""
    mode: EventMode
    """How events are laid out. Batches are always structured."""
    binding: EventBinding
    """How they are laid out in a broker's messages."""
    source: str
    """The `source` of events that have none."""
    extensions: dict[str, str]
    """Attributes that every event gets; they replace its own. `K_CE_OVERRIDES` of the environment sets those of `default` beside `K_SINK`."""
    origin: str
    """Value of `WebHook-Request-Origin`; empty: not sent."""
    headers: dict[str, str]
    """Further headers of every request, such as Authorization. Values are kept out of logs."""
    timeout_ms: int
    """The longest a try may take."""
    retry: EventRetryDict
    """When a failed delivery is tried again."""

class DbPoolDict(TypedDict, total=False):
    """How many connections a client uses at once."""

    max: int
    """Queries, streams and transactions at once in this process; one more waits."""
    acquire_timeout_ms: int
    """How long to wait for a connection; then the error is timeout, pool_timeout."""

class DbConfigDict(TypedDict, total=False):
    """A database."""

    url: str
    """`sqlite:FILE`, `sqlite::memory:`, `postgres://USER:PASSWORD@HOST/DATABASE`, `mysql://USER:PASSWORD@HOST/DATABASE` (docs/guide/db.md has their options), or the URL of another backend. SQLite: `?synchronous=normal` trades the last commits before a power cut for speed, `&busy_timeout_ms=N` is how long to wait for another process."""
    pool: DbPoolDict
    """Connections."""
    statement_timeout_ms: int | None
    """The longest a statement may take (for a stream or cursor: the longest between two parts); then it is interrupted. Null for no limit."""
    transaction_timeout_ms: int | None
    """The longest a transaction may stay open; then it is rolled back. Null for no limit."""
    statement_cache: int
    """Prepared statements kept on each connection."""
    max_rows: int
    """Most rows that `query` gives; more is too_large: stream them, or use a cursor."""
    migrations: str
    """Folder of `NNNN_name.sql` files; empty for none."""
    migrate_on_start: bool
    """Apply what is missing of `migrations` when the application starts."""

class FaultsDict(TypedDict, total=False):
    """What goes wrong in the clients of the toolbox under test, by chance but always the same: whether the n-th call of an operation fails is decided by the seed, the client, the operation, what it is about (a statement, a topic, a task) and n. Each chance is a number from 0 to 1; null is 0."""

    seed: int
    """Another seed, other faults."""
    unavailable: Any
    """The chance that an operation fails with `unavailable` before it takes effect."""
    lost_answer: Any
    """The chance that an operation takes effect and then fails with `outcome_unknown`."""
    delay: Any
    """The chance that an operation waits first, on the virtual clock."""
    delay_ms: int
    """The longest such wait."""
    repeated: Any
    """The chance that a message or task comes again after it was done, as if that had not been heard; at most three times."""
    only: list[FaultyClients]
    """The clients that have faults; none named: all."""

class TlsDict(TypedDict, total=False):
    """TLS of a listener (1.2 and 1.3). Files are read again when they change; connections that exist keep what they have."""

    certificate: str
    """PEM file, the leaf first."""
    key: str
    """PEM file of the private key."""
    alpn: list[str]
    """Protocols offered, best first."""

class ListenerDict(TypedDict, total=False):
    """An address that is listened on."""

    address: str
    """An IPv4 or IPv6 address, or `unix:/path`."""
    port: int
    """TCP port; 0 takes a free one, which `spk_info` tells. Ignored with `unix:`."""
    tls: TlsDict | None
    """TLS; null for plain text."""

ParameterDict = TypedDict(
    "ParameterDict",
    {
        "in": "ParameterIn",
        "name": "str",
        "required": "bool",
        "schema": "Any",
        "style": "ParameterStyle | None",
        "explode": "bool | None",
    },
    total=False,
)
"""A declared parameter, as in OpenAPI. It reaches the handler validated and coerced to the type of its schema."""

class FileFieldDict(TypedDict, total=False):
    """What a file field of a multipart body must be. Errors are at `["files", NAME]`."""

    required: bool
    """A file must be there."""
    content_types: list[str]
    """Media types that a part may declare; none: any."""
    sniff: bool
    """An empty file is refused, and one whose first bytes are those of another type than it declares (PNG, JPEG, GIF and PDF are known)."""
    max_bytes: int | None
    """Largest file; more gets 413. Null for the application's `multipart.file_bytes`."""

BodyDict = TypedDict(
    "BodyDict",
    {
        "content_types": "list[str]",
        "schema": "Any",
        "required": "bool",
        "mode": "BodyMode",
        "files": "dict[str, FileFieldDict]",
        "as": "BodyAs",
        "max_bytes": "int | None",
    },
    total=False,
)
"""What a route takes as its request body."""

class DependencyDict(TypedDict, total=False):
    """Something a handler takes that the application provides."""

    id: int
    """Number of the dependency in the port; unique over the application and all routes."""
    name: str
    """Name that `inject` and `depends_on` use."""
    kind: DependencyKind
    """How it comes to be."""
    scope: DependencyScope
    """How long what a factory made is kept. A value is always a singleton."""
    depends_on: list[str]
    """Names of the dependencies a factory takes, in order."""
    cleanup: bool
    """The host is told when it is no longer used, in reverse order of making."""
    type: JsonType | None
    """JSON type of a value, checked against `inject_types`."""
    token: int
    """The host's token of a value; a factory gives its token each time."""

class JwtDict(TypedDict, total=False):
    """Bearer tokens that are JSON Web Tokens (RFC 7519). A token must be signed with `algorithm`; `exp` and `nbf` count where it has them."""

    algorithm: JwtAlgorithm
    """The only signature that is taken."""
    secret: str
    """Key of HS256, HS384 and HS512. Kept out of logs and errors."""
    public_key: str
    """Key of the other algorithms: PEM text, of a public key or a certificate."""
    public_key_file: str
    """A PEM file with it, instead."""
    jwks_file: str
    """A file with a set of keys (RFC 7517), instead: a token's `kid` says which. Read at start-up."""
    issuer: str | None
    """`iss` that a token must have; null for any."""
    audience: list[str]
    """`aud` of a token must have one of these; none: any."""
    leeway: int
    """How far clocks may differ where `exp` and `nbf` are looked at."""
    required_claims: list[str]
    """Claims that must be there, else 403."""

class ApiKeyDict(TypedDict, total=False):
    """Keys in a header or a query parameter, compared in constant time."""

    header: str
    """Header it is read from; empty for none."""
    query: str
    """Query parameter it is read from where there is no such header; empty for none."""
    keys: list[str]
    """The keys that are good. Kept out of logs and errors."""

class BasicDict(TypedDict, total=False):
    """Names and passwords (RFC 7617), compared in constant time."""

    realm: str
    """Realm of the challenge."""
    users: dict[str, str]
    """Passwords by name. Kept out of logs and errors."""

class AuthDict(TypedDict, total=False):
    """Who may call. With several schemes an Authorization header decides alone, by its scheme; an API key counts where there is none. With no scheme everybody may."""

    jwt: JwtDict | None
    """Bearer tokens."""
    basic: BasicDict | None
    """Names and passwords."""
    api_key: ApiKeyDict | None
    """API keys."""

class RouteDict(TypedDict, total=False):
    """A method and a path with what the core checks before the handler runs."""

    method: HttpMethod
    """Its method."""
    path: str
    """`/users/{id:int}`; types int, float, bool, uuid, date, datetime, str, path (the rest)."""
    name: str
    """Name in logs, telemetry and OpenAPI."""
    parameters: list[ParameterDict]
    """Declared parameters; the handler gets them in this order."""
    body: BodyDict | None
    """The request body; null when the route takes none."""
    inject: list[str]
    """Names of the dependencies the handler takes, in order."""
    inject_types: dict[str, JsonType]
    """JSON types that injected values must have; checked at start-up."""
    dependencies: list[DependencyDict]
    """Dependencies of this route; one with the name of an application's replaces it."""
    auth: AuthDict | None
    """Who may call this route, instead of the application's `auth`; `{}` lets everybody. Null for the application's."""
    scopes: list[str]
    """Scopes that a token's `scope` (or `scp`, or `scopes`) must all have, else 403."""
    timeout_ms: int | None
    """Time-out of this route; null for the application's."""
    blocking: bool
    """A C++ handler that blocks: it runs on the blocking pool. Hosts decide this themselves."""

class HooksDict(TypedDict, total=False):
    """Names of the hooks of each phase, in the order they run. A name is for logs; the number of a hook in the port is its place."""

    on_request: list[str]
    """After routing and authentication, before the body is read."""
    pre_validation: list[str]
    """After the body was read, before it is validated."""
    pre_handler: list[str]
    """After validation, before the handler."""
    on_response: list[str]
    """After the handler has answered."""
    on_error: list[str]
    """Instead of `on_response` after an exception."""

class RequestIdDict(TypedDict, total=False):
    """A request id taken from the client or made."""

    enabled: bool
    """Requests get an id, and answers tell it."""
    header: str
    """Header it is read from and written to."""

class TimeoutDict(TypedDict, total=False):
    """The longest a request may take."""

    ms: int | None
    """From the end of the request head to the start of the answer; null for none."""
    status: int
    """Status of the answer when it is over."""

class LimitsDict(TypedDict, total=False):
    """Limits on what a client may send or hold."""

    body_bytes: int
    """Request body; more gets 413."""
    header_bytes: int
    """Request line and headers; more gets 431."""
    header_count: int
    """Number of request headers; more gets 431."""
    uri_bytes: int
    """Request target; more gets 414."""
    json_depth: int
    """Containers inside each other in a JSON body; more gets 400."""
    header_timeout_ms: int
    """From the first byte of a request to the end of its head."""
    body_timeout_ms: int
    """Between two reads of a request body."""
    idle_timeout_ms: int
    """Of a kept connection between two requests."""
    write_timeout_ms: int
    """Without progress in sending an answer."""
    connections: int
    """Open connections of an I/O loop; further ones wait to be accepted."""
    pipeline: int
    """Requests of one connection in flight at once; further ones are not read yet."""

class MultipartDict(TypedDict, total=False):
    """Limits of multipart/form-data bodies beside `limits.body_bytes`. They are parsed while they arrive."""

    parts: int
    """Parts of a body; more gets 413."""
    header_bytes: int
    """Headers of a part; more gets 413."""
    field_bytes: int
    """Text fields of a body together; more gets 413."""
    file_bytes: int | None
    """Largest file; more gets 413. Null for no limit but the body's."""
    memory_bytes: int
    """Files of a body that are kept in memory, together. A file that does not fit goes to a temporary file, which is deleted when the request has ended."""
    directory: str
    """Folder of the temporary files."""

class DecompressionDict(TypedDict, total=False):
    """Buffered request bodies with a Content-Encoding, decoded while they arrive."""

    encodings: list[ContentCoding]
    """Codings that are taken, one a body; others get 415 with Accept-Encoding."""
    max_bytes: int | None
    """Largest body once decoded; more gets 413. Null for the body's own limit, which always holds for what was sent."""

class HealthDict(TypedDict, total=False):
    """The health endpoints. A route with the same path wins."""

    enabled: bool
    """They are served."""
    live: str
    """200 while the process works."""
    ready: str
    """200 while every required component is ready and no drain has begun, else 503."""

class CorsDict(TypedDict, total=False):
    """Cross-origin requests (Fetch). Preflights are answered before routing and authentication; all answers, errors too, have the headers."""

    allow_origins: list[str]
    """Origins as browsers send them, `https://app.example.com`, compared exactly; `*` for all."""
    allow_origin_patterns: list[str]
    """Regular expressions (ECMA-262) that the whole of an origin must match."""
    allow_methods: list[str]
    """Methods that a preflight may ask for, in upper case; `*` for all."""
    allow_headers: list[str]
    """Request headers that a preflight may ask for, in any case; `*` for all."""
    expose_headers: list[str]
    """Response headers that pages may read."""
    allow_credentials: bool
    """Pages may send cookies and credentials. With `*` the origin is then named in the answer."""
    max_age: int | None
    """How long a browser may keep a preflight's answer; null for its own default."""
    on_disallowed: CorsDisallowed
    """What becomes of a request from another origin. A preflight always gets 403."""

class CompressionDict(TypedDict, total=False):
    """Coding of answers by Accept-Encoding (RFC 9110 12.5.3), streamed ones too. Text, JSON, XML, JavaScript and SVG are coded; what is coded already, ranges and `no-transform` are not."""

    gzip: bool
    """Offer gzip."""
    brotli: bool
    """Offer br."""
    zstd: bool
    """Offer zstd."""
    min_size: int
    """Shorter bodies are sent as they are."""
    quality: int
    """From fast to small, on the scale of brotli; gzip ends at 9."""

class StaticFilesDict(TypedDict, total=False):
    """Files of a folder. A path without a file goes on to the routes. Hidden files (`.x`, but not `.well-known`) are not served, nor links out of the folder."""

    prefix: str
    """Path that they are below, as `/static`; `/` for all paths."""
    directory: str
    """The folder. It must be there at start-up."""
    index_file: bool
    """A folder's path with `/` at its end gives its index.html; without, it is redirected there."""
    cache_control: str | None
    """Value of Cache-Control; null for none."""
    precompressed: bool
    """Serve `x.js.br`, `.zst` or `.gz` for `x.js` to those who accept it."""

class RateLimitDict(TypedDict, total=False):
    """Token buckets in memory, shared by the loops of a process. Without a token the answer is 429 with Retry-After. Health and metrics paths are not counted."""

    per_second: Any
    """Tokens a bucket gets in a second: a number over 0, such as 0.5."""
    burst: int
    """Tokens a bucket holds at most."""
    by: RateLimitBy
    """Who has a bucket."""
    header: str
    """Name of the header where `by` is header."""
    max_keys: int
    """Buckets kept at most; over it the one that was used longest ago goes."""

class SecurityHeadersDict(TypedDict, total=False):
    """Headers that every answer has unless the handler set them itself. An empty text leaves one out."""

    content_type_options: str
    """X-Content-Type-Options."""
    frame_options: str
    """X-Frame-Options."""
    referrer_policy: str
    """Referrer-Policy."""
    strict_transport_security: str
    """Strict-Transport-Security, on encrypted connections only."""
    content_security_policy: str
    """Content-Security-Policy."""
    permissions_policy: str
    """Permissions-Policy."""
    cross_origin_opener_policy: str
    """Cross-Origin-Opener-Policy."""
    cross_origin_resource_policy: str
    """Cross-Origin-Resource-Policy."""

class HttpConfigDict(TypedDict, total=False):
    """The HTTP server."""

    listeners: list[ListenerDict]
    """Addresses; none: reached in memory only. `run()` of a binding adds 127.0.0.1:8000 when there is none."""
    routes: list[RouteDict]
    """Routes; the index of one is its id."""
    hooks: HooksDict
    """Hooks of the application."""
    dependencies: list[DependencyDict]
    """Dependencies of the application."""
    request_id: RequestIdDict
    """Request ids."""
    timeout: TimeoutDict
    """Time-out of every request."""
    limits: LimitsDict
    """Limits on what a client may send or hold."""
    auth: AuthDict | None
    """Who may call; null for everybody."""
    decompression: DecompressionDict | None
    """Bodies with a Content-Encoding; null leaves them as they are."""
    multipart: MultipartDict
    """Limits of multipart bodies."""
    trusted_hosts: list[str]
    """Values of Host that are served, without port, `*.example.com` for all below; others get 400. None: all."""
    rate_limit: RateLimitDict | None
    """How fast clients may ask; null for no limit."""
    static_files: list[StaticFilesDict]
    """Folders that are served; the longest prefix that has the file counts."""
    cors: CorsDict | None
    """Cross-origin requests; null for none."""
    compression: CompressionDict | None
    """Coding of answers; null for none."""
    security_headers: SecurityHeadersDict | None
    """Security headers of every answer; null for none."""
    problem_base: str
    """What the `type` of a problem document starts with."""
    health: HealthDict
    """Health endpoints."""
    server_header: str | None
    """Value of the Server header; null for none."""

class StoragePresignDict(TypedDict, total=False):
    """Signed URLs of `memory:` and `file:`, which the application's own HTTP server answers."""

    base_url: str
    """What stands before the path of a signed URL, `https://files.example.com`. Empty: the address of the first TCP listener, which is no use to others where that is 0.0.0.0 or behind a proxy: say it there."""
    path: str
    """Path below which signed URLs are answered; the name of the store comes next."""
    secret: str
    """Key of the signatures, and of the tokens of listings and uploads. Empty: a random one, which `file:` keeps in its folder and `memory:` forgets at the end of the process; elsewhere the key or secret of the store that is in the configuration, without which there are no uploads in parts."""
    max_upload_bytes: int
    """Largest body that a signed PUT takes, also of one part of an upload; more gets 413."""

class S3OptionsDict(TypedDict, total=False):
    """What `s3:` needs beside the bucket."""

    region: str
    """Region of the bucket."""
    endpoint: str
    """`https://host[:port]` without the bucket. Empty: that of AWS in the region."""
    addressing: S3Addressing
    """Where the bucket stands in a URL."""
    access_key: str
    """Access key id. Empty, with `secret_key`: the usual chain of AWS (environment, profile, web identity, container, machine)."""
    secret_key: str
    """Secret access key."""
    session_token: str
    """Token of temporary credentials; empty for none."""
    profile: str
    """Profile of the chain. Empty: that of `AWS_PROFILE`, or `default`."""

class GcsOptionsDict(TypedDict, total=False):
    """What `gcs:` needs beside the bucket."""

    endpoint: str
    """`https://host[:port]`. Empty: that of Google."""
    credential: str
    """JSON of a service account or another credential. Empty, with `credential_file`: the application default credentials."""
    credential_file: str
    """File with that JSON."""
    anonymous: bool
    """Requests without credentials: emulators, public buckets."""

class AzblobOptionsDict(TypedDict, total=False):
    """What `azblob:` needs beside the container."""

    account: str
    """Name of the storage account."""
    endpoint: str
    """`https://host[:port]`, with the account in the path where it is not in the host. Empty: that of Azure for the account."""
    account_key: str
    """Key of the account, base64. Empty, with `sas_token`: the usual chain of Azure (environment, workload identity, machine)."""
    sas_token: str
    """A shared access signature instead of a key."""
    anonymous: bool
    """Requests without credentials: public containers."""

class StorageTransferDict(TypedDict, total=False):
    """How stores on other machines are spoken to."""

    timeout_ms: int
    """Longest silence of the server; then the request is made again."""
    max_retries: int
    """How often a request is made again after a failure that may pass, with growing pauses."""
    concurrency: int
    """Parts of one streamed write that are sent at once; each is held in memory (8 MiB)."""

class StorageConfigDict(TypedDict, total=False):
    """A store of objects."""

    url: str
    """`memory:`, `file:DIR`, `s3://BUCKET`, `gcs://BUCKET`, `azblob://CONTAINER`, or the scheme of another service of OpenDAL with its members in `options`: `webdav:`."""
    max_read_bytes: int
    """Largest object (or range) that `read` gives in one piece; more is too_large: stream it."""
    max_memory_bytes: int
    """All objects of a `memory:` store together; a write over it is too_large."""
    durable: bool
    """`file:` waits until a write or delete is on the disk. Without it an object is still old or new after a crash of the process, but a power cut may lose it."""
    presign: StoragePresignDict
    """Signed URLs of `memory:` and `file:`."""
    s3: S3OptionsDict
    """Of `s3:` only."""
    gcs: GcsOptionsDict
    """Of `gcs:` only."""
    azblob: AzblobOptionsDict
    """Of `azblob:` only."""
    options: dict[str, str]
    """Of OpenDAL's further services, by the names they have there. Values are kept out of logs."""
    transfer: StorageTransferDict
    """Of all but `memory:` and `file:`."""

class TasksConfigDict(TypedDict, total=False):
    """A store of tasks."""

    url: str
    """`memory:`, `sqlite:FILE`, or the URL of another backend."""
    retention_ms: int
    """How long completed jobs and their results are kept."""
    failed_retention_ms: int
    """How long discarded and cancelled jobs are kept."""
    poll_ms: int
    """How often a worker looks for what other processes enqueued, where the store does not tell it."""

class WorkerDict(TypedDict, total=False):
    """What runs the tasks of a queue in this application."""

    name: str
    """Its name in reports, logs and telemetry; unique."""
    client: str
    """Which of `services.tasks`."""
    queue: str
    """Its queue."""
    concurrency: int
    """Handlers at once, in each process."""
    lease_ms: int
    """A job comes back this long after its worker died; renewed every third of it while the handler runs."""
    timeout_ms: int | None
    """The longest a run may take where the task has no limit of its own; null for none."""
    tasks: list[str]
    """Names it has handlers for; any other is discarded with the code unknown_task. Empty: all."""

class ScheduleDict(TypedDict, total=False):
    """A task that is enqueued by the clock."""

    name: str
    """Its name; the same in every process of the application."""
    client: str
    """Which of `services.tasks`."""
    cron: str
    """Five or six fields, or a macro such as `@daily`."""
    timezone: str
    """A name of the IANA data base, such as `Europe/Berlin`."""
    queue: str
    """Where its jobs go."""
    task: str
    """The task's name. Empty: the schedule's."""
    args: Any
    """The arguments of every job."""
    priority: int
    """Higher goes first."""
    max_attempts: int
    """Runs of a job at most."""
    timeout_ms: int | None
    """The longest a run may take; null for the worker's limit."""
    misfire: Misfire
    """What becomes of times at which no scheduler ran."""
    overlap: Overlap
    """What becomes of a time while the job before has not ended."""

class TelemetryConfigDict(TypedDict, total=False):
    """Telemetry. Off unless an exporter is named here or by the environment (`OTEL_TRACES_EXPORTER`, `OTEL_METRICS_EXPORTER`, `OTEL_LOGS_EXPORTER`, or any of the `OTEL_EXPORTER_OTLP_...ENDPOINT` variables). What is null here comes from the `OTEL_...` variable it names, else from OpenTelemetry's default. `OTEL_SDK_DISABLED=true` turns everything off."""

    exporter: TelemetryExporter | None
    """Where it goes; null for what `OTEL_TRACES_EXPORTER` and its like say."""
    service_name: str | None
    """Resource attribute `service.name`; null for `OTEL_SERVICE_NAME`, else the name of the application."""
    resource: dict[str, str]
    """Further resource attributes. `OTEL_RESOURCE_ATTRIBUTES` is merged with them, what stands here wins."""
    sampler: TelemetrySampler | None
    """Which traces are recorded (`OTEL_TRACES_SAMPLER`, `parentbased_always_on`)."""
    sampler_arg: Any
    """The share of the two ratio samplers, a number from 0 to 1 (`OTEL_TRACES_SAMPLER_ARG`, 1)."""
    endpoint: str | None
    """Base URL of the collector, to which `/v1/traces`, `/v1/metrics` and `/v1/logs` are added but for gRPC (`OTEL_EXPORTER_OTLP_ENDPOINT`, `http://localhost:4318`, for gRPC `http://localhost:4317`)."""
    headers: dict[str, str]
    """Header fields sent to the collector, beside those of `OTEL_EXPORTER_OTLP_HEADERS`. Never logged."""
    certificate: str | None
    """PEM file of the roots that an `https` collector is checked against (`OTEL_EXPORTER_OTLP_CERTIFICATE`, the system's)."""
    compression: TelemetryCompression | None
    """How it is compressed (`OTEL_EXPORTER_OTLP_COMPRESSION`, none)."""
    traces: bool
    """Spans are made and exported."""
    metrics: bool
    """Metrics are exported."""
    logs: bool
    """Log records are exported."""
    export_timeout_ms: int | None
    """The longest that one export may take, retries included (`OTEL_EXPORTER_OTLP_TIMEOUT`, 10000)."""
    schedule_delay_ms: int | None
    """The longest that a span or log record waits for its batch (`OTEL_BSP_SCHEDULE_DELAY`, `OTEL_BLRP_SCHEDULE_DELAY`, 5000 and 1000)."""
    max_queue_size: int | None
    """Spans, and log records, that may wait; one more is dropped and counted (`OTEL_BSP_MAX_QUEUE_SIZE`, `OTEL_BLRP_MAX_QUEUE_SIZE`, 2048)."""
    max_export_batch_size: int | None
    """Spans, and log records, of one request to the collector (`OTEL_BSP_MAX_EXPORT_BATCH_SIZE`, `OTEL_BLRP_MAX_EXPORT_BATCH_SIZE`, 512)."""
    metric_interval_ms: int | None
    """Time between two exports of the metrics (`OTEL_METRIC_EXPORT_INTERVAL`, 60000)."""
    metrics_path: str | None
    """Path at which the application's HTTP server answers with all metrics, in the text format of Prometheus or, where the client prefers it, OpenMetrics. Null: nowhere."""

class ShutdownDict(TypedDict, total=False):
    """The four spans of the drain (docs/guide/shutdown.md). Exit never takes longer than their sum."""

    delay_ms: int
    """Time between readiness turning 503 and the end of accepting, for load balancers."""
    timeout_ms: int
    """What is in flight may take this long to finish."""
    cleanup_ms: int
    """Cancelled handlers may take this long to end."""
    flush_ms: int
    """Telemetry and logs may take this long to be written."""

class LogDict(TypedDict, total=False):
    """Structured logging."""

    format: LogFormat
    """How a record is written."""
    level: LogLevel
    """The lowest level that is written."""

class ServicesDict(TypedDict, total=False):
    """The toolbox, by name. A name is what code asks for; `default` is there without being named here."""

    cache: dict[str, CacheConfigDict]
    """Caches."""
    storage: dict[str, StorageConfigDict]
    """Stores of objects."""
    db: dict[str, DbConfigDict]
    """Databases."""
    messaging: dict[str, MessagingConfigDict]
    """Message brokers."""
    tasks: dict[str, TasksConfigDict]
    """Stores of tasks."""
    events: dict[str, EventSenderDict]
    """Where events are sent."""

class ManifestDict(TypedDict, total=False):
    """The whole application."""

    name: str
    """Name of the application, in logs and telemetry."""
    clock: ClockKind
    """Where time comes from."""
    io_threads: int
    """I/O loops of a C++ program, or of a port with the threaded drive."""
    drive: Drive
    """Who does the I/O of a port."""
    handle_signals: bool
    """SIGTERM and SIGINT begin the drain, SIGHUP reads certificates again (C++ and C programs). Off in an application embedded in another program."""
    http: HttpConfigDict | None
    """The HTTP server; null for an application without one."""
    roles: list[Role]
    """What this process runs; none: everything. `SPIKARD_ROLES=web,worker`."""
    in_memory_stores: bool
    """For tests: `sqlite:` files become `sqlite::memory:` and `file:` folders `memory:`, so that nothing is left behind and nothing is met."""
    faults: FaultsDict | None
    """For tests: what goes wrong in the clients of the toolbox. Needs the virtual clock."""
    services: ServicesDict
    """The toolbox: caches, object stores, databases, brokers, task stores."""
    consumers: list[ConsumerDict]
    """Message consumers; the index of one is its number in the port."""
    workers: list[WorkerDict]
    """Task workers; the index of one is its number in the port."""
    schedules: list[ScheduleDict]
    """Tasks enqueued by the clock."""
    events: list[EventEndpointDict]
    """Paths that take CloudEvents. Their subscriptions name handlers by their number in the port."""
    event_consumers: list[EventConsumerDict]
    """Message consumers whose messages are CloudEvents."""
    telemetry: TelemetryConfigDict
    """Traces, metrics and logs."""
    shutdown: ShutdownDict
    """The drain."""
    log: LogDict
    """Logging."""
