// Generated from spec/services by codegen. Do not edit.
package dev.spikard;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * The manifest as classes: what {@link App#config} takes, and the options of clients. Only what is set is told to the core, which has the defaults and checks all of it.
 *
 * <pre>{@code
 * app.config(new Config.Manifest().shutdown(new Config.Shutdown().timeout(Duration.ofSeconds(5))));
 * }</pre>
 */
public final class Config {
  private Config() {}

  /** How topics and the patterns of consumers are written on an embedded broker: like those of the broker it stands in for. */
  public enum TopicStyle implements ConfigText {
    /** A pattern is NATS ({@code orders.*}, {@code orders.>}) or MQTT ({@code orders/+}, {@code orders/#}) by its wildcards; without one it is a topic. */
    AUTO("auto"),
    /** Tokens between dots; {@code *} is one token, {@code >} one or more at the end. */
    NATS("nats"),
    /** Levels between slashes; {@code +} is one level, {@code #} any number at the end, the level above included. */
    MQTT("mqtt"),
    /** Words between dots; {@code *} is one word, {@code #} any number. */
    AMQP("amqp");

    private final String text;

    TopicStyle(String text) {
      this.text = text;
    }

    @Override
    public String text() {
      return text;
    }
  }

  /** Where a group begins that the broker does not know yet. */
  public enum StartFrom implements ConfigText {
    /** With what is published from now on. */
    LATEST("latest"),
    /** With the oldest message that is still kept. */
    EARLIEST("earliest");

    private final String text;

    StartFrom(String text) {
      this.text = text;
    }

    @Override
    public String text() {
      return text;
    }
  }

  /** How the wait grows from failure to failure. */
  public enum BackoffKind implements ConfigText {
    /** {@code initial_ms} times {@code factor} to the power of the failures before. */
    EXPONENTIAL("exponential"),
    /** Always {@code initial_ms}. */
    CONSTANT("constant");

    private final String text;

    BackoffKind(String text) {
      this.text = text;
    }

    @Override
    public String text() {
      return text;
    }
  }

  /** How an event is laid out in a message. */
  public enum EventMode implements ConfigText {
    /** Attributes as headers, the data as the body. */
    BINARY("binary"),
    /** The whole event as a JSON document. */
    STRUCTURED("structured");

    private final String text;

    EventMode(String text) {
      this.text = text;
    }

    @Override
    public String text() {
      return text;
    }
  }

  /** Which of the protocol bindings lays an event out in a broker's message. */
  public enum EventBinding implements ConfigText {
    /** The one of the broker: kafka for {@code kafka:}, amqp for {@code amqp:}, nats for {@code nats:}, mqtt for {@code mqtt:}; for {@code redis:}, {@code memory:} and {@code sqlite:}, which have none, the same headers as Kafka. */
    AUTO("auto"),
    /** Headers {@code ce_...} and {@code content-type}. */
    KAFKA("kafka"),
    /** Application properties {@code cloudEvents:...}. */
    AMQP("amqp"),
    /** MQTT 3.1.1: structured only. */
    MQTT3("mqtt3"),
    /** User properties with the names of the attributes. */
    MQTT5("mqtt5"),
    /** Headers {@code ce-...}, as those of HTTP (binding 1.0.3); a message without them is read as the JSON document (1.0.2). */
    NATS("nats"),
    /** Fields {@code ce_...} and {@code content-type} beside the payload. */
    REDIS("redis");

    private final String text;

    EventBinding(String text) {
      this.text = text;
    }

    @Override
    public String text() {
      return text;
    }
  }

  /** Clients of the toolbox that faults are made in. */
  public enum FaultyClients implements ConfigText {
    /** Caches. */
    CACHE("cache"),
    /** Stores of objects. */
    STORAGE("storage"),
    /** Databases. */
    DB("db"),
    /** Message brokers. */
    MESSAGING("messaging"),
    /** Stores of tasks. */
    TASKS("tasks");

    private final String text;

    FaultyClients(String text) {
      this.text = text;
    }

    @Override
    public String text() {
      return text;
    }
  }

  /** Method of a route. HEAD comes with GET; OPTIONS is answered with Allow unless a route has it. */
  public enum HttpMethod implements ConfigText {
    /** GET */
    GET("GET"),
    /** HEAD */
    HEAD("HEAD"),
    /** POST */
    POST("POST"),
    /** PUT */
    PUT("PUT"),
    /** PATCH */
    PATCH("PATCH"),
    /** DELETE */
    DELETE("DELETE"),
    /** OPTIONS */
    OPTIONS("OPTIONS"),
    /** TRACE */
    TRACE("TRACE");

    private final String text;

    HttpMethod(String text) {
      this.text = text;
    }

    @Override
    public String text() {
      return text;
    }
  }

  /** Where a parameter is read from. */
  public enum ParameterIn implements ConfigText {
    /** A segment of the path. */
    PATH("path"),
    /** The query string. */
    QUERY("query"),
    /** A request header. */
    HEADER("header"),
    /** A cookie. */
    COOKIE("cookie");

    private final String text;

    ParameterIn(String text) {
      this.text = text;
    }

    @Override
    public String text() {
      return text;
    }
  }

  /** How arrays and objects are laid out as text (OpenAPI 3.1). */
  public enum ParameterStyle implements ConfigText {
    /** {@code a=1&a=2} exploded, {@code a=1,2} not. */
    FORM("form"),
    /** {@code 1,2}; path and header. */
    SIMPLE("simple"),
    /** {@code 1|2}; query. */
    PIPEDELIMITED("pipeDelimited"),
    /** {@code 1 2}; query. */
    SPACEDELIMITED("spaceDelimited"),
    /** {@code 1;2}; query. */
    SEMICOLONDELIMITED("semicolonDelimited"),
    /** {@code a[b]=1}; query. */
    DEEPOBJECT("deepObject");

    private final String text;

    ParameterStyle(String text) {
      this.text = text;
    }

    @Override
    public String text() {
      return text;
    }
  }

  /** How a request body reaches the handler. */
  public enum BodyMode implements ConfigText {
    /** Whole, before the handler starts. */
    BUFFER("buffer"),
    /** In chunks against credit while the handler runs. It is not parsed or validated. */
    STREAM("stream");

    private final String text;

    BodyMode(String text) {
      this.text = text;
    }

    @Override
    public String text() {
      return text;
    }
  }

  /** In which form a buffered JSON body is handed over. */
  public enum BodyAs implements ConfigText {
    /** Parsed, as 16-byte nodes. */
    NODES("nodes"),
    /** Checked by the core, handed over as its text for hosts whose own parser is faster. */
    TEXT("text"),
    /** Bytes as they came. */
    RAW("raw");

    private final String text;

    BodyAs(String text) {
      this.text = text;
    }

    @Override
    public String text() {
      return text;
    }
  }

  /** A type of JSON. */
  public enum JsonType implements ConfigText {
    /** null */
    NULL("null"),
    /** boolean */
    BOOLEAN("boolean"),
    /** A number without fraction. */
    INTEGER("integer"),
    /** number */
    NUMBER("number"),
    /** string */
    STRING("string"),
    /** array */
    ARRAY("array"),
    /** object */
    OBJECT("object");

    private final String text;

    JsonType(String text) {
      this.text = text;
    }

    @Override
    public String text() {
      return text;
    }
  }

  /** How a dependency comes to be. */
  public enum DependencyKind implements ConfigText {
    /** It is there from the start. */
    VALUE("value"),
    /** The host makes it when it is first needed. */
    FACTORY("factory");

    private final String text;

    DependencyKind(String text) {
      this.text = text;
    }

    @Override
    public String text() {
      return text;
    }
  }

  /** How long what a factory made is kept. */
  public enum DependencyScope implements ConfigText {
    /** For the life of the application. */
    SINGLETON("singleton"),
    /** For one request. */
    REQUEST("request"),
    /** For one use; each place that injects it gets its own. */
    TRANSIENT("transient");

    private final String text;

    DependencyScope(String text) {
      this.text = text;
    }

    @Override
    public String text() {
      return text;
    }
  }

  /** What becomes of a request from an origin that is not allowed. */
  public enum CorsDisallowed implements ConfigText {
    /** It is served without CORS headers; the browser keeps the answer from the page. */
    SERVE("serve"),
    /** It gets 403. */
    REJECT("reject");

    private final String text;

    CorsDisallowed(String text) {
      this.text = text;
    }

    @Override
    public String text() {
      return text;
    }
  }

  /** Who has a bucket of their own. */
  public enum RateLimitBy implements ConfigText {
    /** Each address of a peer; all peers of a UNIX socket share one. */
    IP("ip"),
    /** Each value of a header; a request without it counts for its address. */
    HEADER("header");

    private final String text;

    RateLimitBy(String text) {
      this.text = text;
    }

    @Override
    public String text() {
      return text;
    }
  }

  /** Signature of a JSON Web Token (RFC 7518, RFC 8037). Only the configured one is taken, whatever a token says. */
  public enum JwtAlgorithm implements ConfigText {
    /** HMAC with SHA-256. */
    HS256("HS256"),
    /** HMAC with SHA-384. */
    HS384("HS384"),
    /** HMAC with SHA-512. */
    HS512("HS512"),
    /** RSA PKCS #1 v1.5 with SHA-256. */
    RS256("RS256"),
    /** RSA PKCS #1 v1.5 with SHA-384. */
    RS384("RS384"),
    /** RSA PKCS #1 v1.5 with SHA-512. */
    RS512("RS512"),
    /** RSA-PSS with SHA-256. */
    PS256("PS256"),
    /** RSA-PSS with SHA-384. */
    PS384("PS384"),
    /** RSA-PSS with SHA-512. */
    PS512("PS512"),
    /** ECDSA on P-256 with SHA-256. */
    ES256("ES256"),
    /** ECDSA on P-384 with SHA-384. */
    ES384("ES384"),
    /** ECDSA on P-521 with SHA-512. */
    ES512("ES512"),
    /** Ed25519. */
    EDDSA("EdDSA");

    private final String text;

    JwtAlgorithm(String text) {
      this.text = text;
    }

    @Override
    public String text() {
      return text;
    }
  }

  /** A coding of Content-Encoding. */
  public enum ContentCoding implements ConfigText {
    /** gzip */
    GZIP("gzip"),
    /** The zlib format (RFC 9110); the bare one that some clients send is taken too. */
    DEFLATE("deflate"),
    /** Brotli. */
    BR("br"),
    /** Windows of up to 8 MiB (RFC 8878). */
    ZSTD("zstd");

    private final String text;

    ContentCoding(String text) {
      this.text = text;
    }

    @Override
    public String text() {
      return text;
    }
  }

  /** Where the bucket stands in a URL. */
  public enum S3Addressing implements ConfigText {
    /** The first label of the host. */
    VIRTUAL("virtual"),
    /** The first segment of the path. */
    PATH("path");

    private final String text;

    S3Addressing(String text) {
      this.text = text;
    }

    @Override
    public String text() {
      return text;
    }
  }

  /** What becomes of the times of a schedule at which no scheduler ran. */
  public enum Misfire implements ConfigText {
    /** They are left out. */
    SKIP("skip"),
    /** One job stands for all of them: the latest. */
    ONCE("once"),
    /** One job for each. */
    ALL("all");

    private final String text;

    Misfire(String text) {
      this.text = text;
    }

    @Override
    public String text() {
      return text;
    }
  }

  /** What becomes of a time of a schedule while the job before has not ended. */
  public enum Overlap implements ConfigText {
    /** A job is made all the same. */
    ALLOW("allow"),
    /** The time is left out. */
    FORBID("forbid");

    private final String text;

    Overlap(String text) {
      this.text = text;
    }

    @Override
    public String text() {
      return text;
    }
  }

  /** Where spans, metrics and log records go. */
  public enum TelemetryExporter implements ConfigText {
    /** Nowhere. Metrics are still kept for {@code metrics_path}. */
    NONE("none"),
    /** Kept in the process for tests. */
    MEMORY("memory"),
    /** To a collector by OTLP over HTTP, as protobuf. */
    OTLP_HTTP("otlp_http"),
    /** To a collector by OTLP over HTTP, as JSON. */
    OTLP_HTTP_JSON("otlp_http_json"),
    /** To a collector by OTLP over gRPC. */
    OTLP_GRPC("otlp_grpc");

    private final String text;

    TelemetryExporter(String text) {
      this.text = text;
    }

    @Override
    public String text() {
      return text;
    }
  }

  /** Which traces are recorded; those of {@code OTEL_TRACES_SAMPLER}. */
  public enum TelemetrySampler implements ConfigText {
    /** All. */
    ALWAYS_ON("always_on"),
    /** None. */
    ALWAYS_OFF("always_off"),
    /** The share {@code sampler_arg} of all traces, decided by the trace's id. */
    TRACEIDRATIO("traceidratio"),
    /** As the caller decided; all where there is none. */
    PARENTBASED_ALWAYS_ON("parentbased_always_on"),
    /** As the caller decided; none where there is none. */
    PARENTBASED_ALWAYS_OFF("parentbased_always_off"),
    /** As the caller decided; the share {@code sampler_arg} where there is none. */
    PARENTBASED_TRACEIDRATIO("parentbased_traceidratio");

    private final String text;

    TelemetrySampler(String text) {
      this.text = text;
    }

    @Override
    public String text() {
      return text;
    }
  }

  /** How what is exported is compressed. */
  public enum TelemetryCompression implements ConfigText {
    /** Not at all. */
    NONE("none"),
    /** By gzip. */
    GZIP("gzip");

    private final String text;

    TelemetryCompression(String text) {
      this.text = text;
    }

    @Override
    public String text() {
      return text;
    }
  }

  /** Where an application's time comes from. */
  public enum ClockKind implements ConfigText {
    /** The machine's monotonic clock. */
    REAL("real"),
    /** A clock that {@code test.advance} moves. A release build refuses it unless SPIKARD_TEST=1. */
    VIRTUAL("virtual");

    private final String text;

    ClockKind(String text) {
      this.text = text;
    }

    @Override
    public String text() {
      return text;
    }
  }

  /** Who does the I/O of a port. */
  public enum Drive implements ConfigText {
    /** The thread that polls the port. */
    INLINE("inline"),
    /** Threads of the core; the port only takes what they have made ready. */
    THREAD("thread");

    private final String text;

    Drive(String text) {
      this.text = text;
    }

    @Override
    public String text() {
      return text;
    }
  }

  /** A part of an application that a process may run alone, so that one image scales each part by itself. */
  public enum Role implements ConfigText {
    /** The HTTP server, and the CloudEvents that come through it. */
    WEB("web"),
    /** Message consumers. */
    CONSUMER("consumer"),
    /** Task workers. */
    WORKER("worker"),
    /** Schedules. */
    SCHEDULER("scheduler");

    private final String text;

    Role(String text) {
      this.text = text;
    }

    @Override
    public String text() {
      return text;
    }
  }

  /** How a log record is written. */
  public enum LogFormat implements ConfigText {
    /** One JSON object a line. */
    JSON("json"),
    /** Text for people at a terminal. */
    HUMAN("human");

    private final String text;

    LogFormat(String text) {
      this.text = text;
    }

    @Override
    public String text() {
      return text;
    }
  }

  /** The lowest level that is written. */
  public enum LogLevel implements ConfigText {
    /** Everything. */
    TRACE("trace"),
    /** What a developer asks for. */
    DEBUG("debug"),
    /** Start, stop and one line for what operators want to know. */
    INFO("info"),
    /** Something is off and was dealt with. */
    WARN("warn"),
    /** Something failed. */
    ERROR("error"),
    /** Nothing. */
    OFF("off");

    private final String text;

    LogLevel(String text) {
      this.text = text;
    }

    @Override
    public String text() {
      return text;
    }
  }

  /** A cache. {@code memory:} (and the part of {@code tiered+redis:} that is in memory) keeps at most {@code max_bytes} or {@code max_entries}, whichever is given (both hold where both are); what goes first is decided by how often and how lately it was asked for (W-TinyLFU). {@code redis:} has no such bounds: its server decides. */
  public static final class CacheConfig extends ConfigObject<CacheConfig> {
    /** {@code memory:}, {@code redis://HOST:6379/DB} (also {@code rediss:}, {@code redis+unix:}, {@code redis+sentinel:}, {@code redis+cluster:}), or one of these behind {@code tiered+}: memory in front of it. */
    public CacheConfig url(String value) {
      return put("url", value);
    }

    /** The most that {@code memory:} holds, keys, values and about 90 bytes an entry counted. Null: 64 MiB, or no limit of bytes where {@code max_entries} is given. */
    public CacheConfig maxBytes(Long value) {
      return put("max_bytes", value);
    }

    /** The most entries that {@code memory:} holds. Null: as many as {@code max_bytes} allows. */
    public CacheConfig maxEntries(Long value) {
      return put("max_entries", value);
    }

    /** How long an entry lives that was set without a time. Null: for ever. */
    public CacheConfig defaultTtl(Duration value) {
      return put("default_ttl_ms", millis(value));
    }
  }

  /** A message broker. */
  public static final class MessagingConfig extends ConfigObject<MessagingConfig> {
    /** {@code memory:}, {@code sqlite:FILE}, or the URL of another backend. */
    public MessagingConfig url(String value) {
      return put("url", value);
    }

    /** The delivery store of {@code mqtt:}: {@code sqlite:FILE}, where messages lie from their arrival until they are settled, or {@code memory:} for what may be lost. Not the file of a {@code sqlite:} broker. */
    public MessagingConfig store(String value) {
      return put("store", value);
    }

    /** How patterns are written, on {@code memory:} and {@code sqlite:}. */
    public MessagingConfig topics(TopicStyle value) {
      return put("topics", value);
    }

    /** The longest payload that is taken; keys and headers come on top (64 KiB together). */
    public MessagingConfig maxMessageBytes(long value) {
      return put("max_message_bytes", value);
    }

    /** What {@code memory:} may hold, dead letters included; at the limit {@code publish} is refused (rate_limited). */
    public MessagingConfig maxBytes(long value) {
      return put("max_bytes", value);
    }

    /** How long a message that no group waits for is kept for replay, on {@code memory:}, {@code sqlite:} and {@code redis:}. {@code memory:} gives it up earlier when it needs the room. Dead letters stay until they are redriven or purged. */
    public MessagingConfig retention(Duration value) {
      return put("retention_ms", millis(value));
    }

    /** How often {@code sqlite:} looks for what other processes did. Within a process consumers are woken at once. */
    public MessagingConfig poll(Duration value) {
      return put("poll_ms", millis(value));
    }
  }

  /** When a message comes again after its handler failed. */
  public static final class Backoff extends ConfigObject<Backoff> {
    /** How the wait grows. */
    public Backoff kind(BackoffKind value) {
      return put("kind", value);
    }

    /** The wait after the first failure. */
    public Backoff initial(Duration value) {
      return put("initial_ms", millis(value));
    }

    /** A number from 1 to 100; null for 2. */
    public Backoff factor(Object value) {
      return put("factor", value);
    }

    /** The longest wait. */
    public Backoff max(Duration value) {
      return put("max_ms", millis(value));
    }

    /** Takes off up to this part of each wait, at random, so that failures do not come back together. */
    public Backoff jitterPercent(int value) {
      return put("jitter_percent", value);
    }
  }

  /** A subscription whose messages a handler of the application takes. */
  public static final class Consumer extends ConfigObject<Consumer> {
    /** Its name in reports, logs and telemetry; unique. */
    public Consumer name(String value) {
      return put("name", value);
    }

    /** Which of {@code services.messaging}. */
    public Consumer client(String value) {
      return put("client", value);
    }

    /** Topic or pattern. */
    public Consumer topic(String value) {
      return put("topic", value);
    }

    /** Each message goes to one consumer of a group. What a group has taken is remembered by its name and topic; empty for the name of the consumer. */
    public Consumer group(String value) {
      return put("group", value);
    }

    /** Handlers at once, in each process. */
    public Consumer concurrency(long value) {
      return put("concurrency", value);
    }

    /** Messages in hand, those included that wait for a handler; 0 for as many as {@code concurrency}. */
    public Consumer maxInFlight(long value) {
      return put("max_in_flight", value);
    }

    /** A message waits until the one before it of the same key is settled, its retries included, in the whole group. Messages without a key do not wait. */
    public Consumer ordered(boolean value) {
      return put("ordered", value);
    }

    /** After 1 + {@code max_retries} tries a message goes to the dead letters. */
    public Consumer maxRetries(long value) {
      return put("max_retries", value);
    }

    /** When it comes again after an exception or a time-out. */
    public Consumer backoff(Backoff value) {
      return put("backoff", value);
    }

    /** Topic for what is given up. Null: it is dropped and counted. */
    public Consumer deadLetter(String value) {
      return put("dead_letter", value);
    }

    /** A message whose consumer died goes to another one after this time. A consumer that lives keeps its messages, however long a handler takes. */
    public Consumer ackWait(Duration value) {
      return put("ack_wait_ms", millis(value));
    }

    /** The longest a handler may take; then it is cancelled and the message comes again. Null for no limit. */
    public Consumer handlerTimeout(Duration value) {
      return put("handler_timeout_ms", millis(value));
    }

    /** Where a new group begins. */
    public Consumer startFrom(StartFrom value) {
      return put("start_from", value);
    }

    /** JSON Schema 2020-12 of the payload, which is then JSON. A message that does not fit goes to the dead letters at once, with its validation errors. */
    public Consumer schema(Object value) {
      return put("schema", value);
    }
  }

  /** Which events go to which handler. Patterns are exact text, or have {@code *} for any run of characters. */
  public static final class EventSubscription extends ConfigObject<EventSubscription> {
    /** Number of the handler in the port; several subscriptions may name the same. */
    public EventSubscription handler(long value) {
      return put("handler", value);
    }

    /** Pattern of the event's type; case counts. Exact beats a pattern, a longer pattern a shorter one. */
    public EventSubscription type(String value) {
      return put("type", value);
    }

    /** Pattern of its source. */
    public EventSubscription source(String value) {
      return put("source", value);
    }

    /** Pattern of its subject; an event without one fits {@code *} only. */
    public EventSubscription subject(String value) {
      return put("subject", value);
    }
  }

  /** Remembers the events that were handled, by source and id, for this endpoint or consumer group alone, and acknowledges one that comes again without running its handler. What a handler refused is not remembered. */
  public static final class EventInbox extends ConfigObject<EventInbox> {
    /** Which of {@code services.db} keeps it. */
    public EventInbox db(String value) {
      return put("db", value);
    }

    /** How long an event is remembered. */
    public EventInbox retention(Duration value) {
      return put("retention_ms", millis(value));
    }
  }

  /** A path that takes CloudEvents over HTTP and hands them to the application's event handlers. */
  public static final class EventEndpoint extends ConfigObject<EventEndpoint> {
    /** Where events are posted; {@code /} for Knative and Cloud Functions. */
    public EventEndpoint path(String value) {
      return put("path", value);
    }

    /** Which events go to which handler; the best fit takes it. */
    public EventEndpoint subscriptions(List<EventSubscription> value) {
      return put("subscriptions", value);
    }

    /** Number of the handler of what no subscription takes. Null: refused with 400. */
    public EventEndpoint handler(Long value) {
      return put("handler", value);
    }

    /** Senders that the webhook handshake grants ({@code WebHook-Request-Origin}, DNS names in any case, {@code *.example.com}, {@code *} for all). Empty: it grants none, and no origin is looked at. */
    public EventEndpoint allowedOrigins(List<String> value) {
      return put("allowed_origins", value);
    }

    /** What the handshake grants; requests beyond it get 429. It counts in each process. Null: no limit ({@code *}). */
    public EventEndpoint allowedRate(Long value) {
      return put("allowed_rate", value);
    }

    /** Hosts to which a {@code WebHook-Request-Callback} may be sent ({@code example.com}, {@code *.example.com}, with {@code :port} where it is not 443). A handshake that names such a host is granted by the callback, any other at once. */
    public EventEndpoint callbackHosts(List<String> value) {
      return put("callback_hosts", value);
    }

    /** Callbacks over plain http: are allowed as well (tests). */
    public EventEndpoint callbackPlain(boolean value) {
      return put("callback_plain", value);
    }

    /** Events of one batch; more gets 413. */
    public EventEndpoint maxBatch(long value) {
      return put("max_batch", value);
    }

    /** Events of one batch in hand at once; they begin in their order. */
    public EventEndpoint batchConcurrency(long value) {
      return put("batch_concurrency", value);
    }

    /** Time-out of a request; null for the HTTP server's. */
    public EventEndpoint timeout(Duration value) {
      return put("timeout_ms", millis(value));
    }

    /** Handles an event once; null for at least once. */
    public EventEndpoint inbox(EventInbox value) {
      return put("inbox", value);
    }
  }

  /** A subscription to a broker whose messages are CloudEvents. */
  public static final class EventConsumer extends ConfigObject<EventConsumer> {
    /** The consumer of the messages. */
    public EventConsumer consumer(Consumer value) {
      return put("consumer", value);
    }

    /** How events are laid out in its messages. */
    public EventConsumer binding(EventBinding value) {
      return put("binding", value);
    }

    /** Which events go to which handler; the best fit takes it. */
    public EventConsumer subscriptions(List<EventSubscription> value) {
      return put("subscriptions", value);
    }

    /** Number of the handler of what no subscription takes. Null: to the dead letter. */
    public EventConsumer handler(Long value) {
      return put("handler", value);
    }

    /** Which of {@code services.events} takes the events that handlers answer with. Empty: an answer is a failure. */
    public EventConsumer reply(String value) {
      return put("reply", value);
    }

    /** Handles an event once; null for at least once. */
    public EventConsumer inbox(EventInbox value) {
      return put("inbox", value);
    }
  }

  /** When a failed delivery is tried again. */
  public static final class EventRetry extends ConfigObject<EventRetry> {
    /** Tries after the first. */
    public EventRetry maxRetries(long value) {
      return put("max_retries", value);
    }

    /** Wait before the first retry. A longer Retry-After of the receiver wins. */
    public EventRetry initial(Duration value) {
      return put("initial_ms", millis(value));
    }

    /** Each wait is this part of the one before. */
    public EventRetry factorPercent(long value) {
      return put("factor_percent", value);
    }

    /** The longest wait, Retry-After included. */
    public EventRetry max(Duration value) {
      return put("max_ms", millis(value));
    }

    /** Takes off up to this part of a wait, at random. */
    public EventRetry jitterPercent(long value) {
      return put("jitter_percent", value);
    }
  }

  /** Where an application sends events. */
  public static final class EventSender extends ConfigObject<EventSender> {
    /** An {@code http:} or {@code https:} URL, or {@code messaging:CLIENT/TOPIC} for a broker of {@code services.messaging}. {@code K_SINK} of the environment (Knative) sets that of {@code default}. */
    public EventSender url(String value) {
      return put("url", value);
    }

    /** How events are laid out. Batches are always structured. */
    public EventSender mode(EventMode value) {
      return put("mode", value);
    }

    /** How they are laid out in a broker's messages. */
    public EventSender binding(EventBinding value) {
      return put("binding", value);
    }

    /** The {@code source} of events that have none. */
    public EventSender source(String value) {
      return put("source", value);
    }

    /** Attributes that every event gets; they replace its own. {@code K_CE_OVERRIDES} of the environment sets those of {@code default} beside {@code K_SINK}. */
    public EventSender extensions(Map<String, String> value) {
      return put("extensions", value);
    }

    /** Value of {@code WebHook-Request-Origin}; empty: not sent. */
    public EventSender origin(String value) {
      return put("origin", value);
    }

    /** Further headers of every request, such as Authorization. Values are kept out of logs. */
    public EventSender headers(Map<String, String> value) {
      return put("headers", value);
    }

    /** The longest a try may take. */
    public EventSender timeout(Duration value) {
      return put("timeout_ms", millis(value));
    }

    /** When a failed delivery is tried again. */
    public EventSender retry(EventRetry value) {
      return put("retry", value);
    }
  }

  /** How many connections a client uses at once. */
  public static final class DbPool extends ConfigObject<DbPool> {
    /** Queries, streams and transactions at once in this process; one more waits. */
    public DbPool max(long value) {
      return put("max", value);
    }

    /** How long to wait for a connection; then the error is timeout, pool_timeout. */
    public DbPool acquireTimeout(Duration value) {
      return put("acquire_timeout_ms", millis(value));
    }
  }

  /** A database. */
  public static final class DbConfig extends ConfigObject<DbConfig> {
    /** {@code sqlite:FILE}, {@code sqlite::memory:}, {@code postgres://USER:PASSWORD@HOST/DATABASE}, {@code mysql://USER:PASSWORD@HOST/DATABASE} (docs/guide/db.md has their options), or the URL of another backend. SQLite: {@code ?synchronous=normal} trades the last commits before a power cut for speed, {@code &busy_timeout_ms=N} is how long to wait for another process. */
    public DbConfig url(String value) {
      return put("url", value);
    }

    /** Connections. */
    public DbConfig pool(DbPool value) {
      return put("pool", value);
    }

    /** The longest a statement may take (for a stream or cursor: the longest between two parts); then it is interrupted. Null for no limit. */
    public DbConfig statementTimeout(Duration value) {
      return put("statement_timeout_ms", millis(value));
    }

    /** The longest a transaction may stay open; then it is rolled back. Null for no limit. */
    public DbConfig transactionTimeout(Duration value) {
      return put("transaction_timeout_ms", millis(value));
    }

    /** Prepared statements kept on each connection. */
    public DbConfig statementCache(long value) {
      return put("statement_cache", value);
    }

    /** Most rows that {@code query} gives; more is too_large: stream them, or use a cursor. */
    public DbConfig maxRows(long value) {
      return put("max_rows", value);
    }

    /** Folder of {@code NNNN_name.sql} files; empty for none. */
    public DbConfig migrations(String value) {
      return put("migrations", value);
    }

    /** Apply what is missing of {@code migrations} when the application starts. */
    public DbConfig migrateOnStart(boolean value) {
      return put("migrate_on_start", value);
    }
  }

  /** What goes wrong in the clients of the toolbox under test, by chance but always the same: whether the n-th call of an operation fails is decided by the seed, the client, the operation, what it is about (a statement, a topic, a task) and n. Each chance is a number from 0 to 1; null is 0. */
  public static final class Faults extends ConfigObject<Faults> {
    /** Another seed, other faults. */
    public Faults seed(long value) {
      return put("seed", value);
    }

    /** The chance that an operation fails with {@code unavailable} before it takes effect. */
    public Faults unavailable(Object value) {
      return put("unavailable", value);
    }

    /** The chance that an operation takes effect and then fails with {@code outcome_unknown}. */
    public Faults lostAnswer(Object value) {
      return put("lost_answer", value);
    }

    /** The chance that an operation waits first, on the virtual clock. */
    public Faults delay(Object value) {
      return put("delay", value);
    }

    /** The longest such wait. */
    public Faults delay(Duration value) {
      return put("delay_ms", millis(value));
    }

    /** The chance that a message or task comes again after it was done, as if that had not been heard; at most three times. */
    public Faults repeated(Object value) {
      return put("repeated", value);
    }

    /** The clients that have faults; none named: all. */
    public Faults only(List<FaultyClients> value) {
      return put("only", value);
    }
  }

  /** TLS of a listener (1.2 and 1.3). Files are read again when they change; connections that exist keep what they have. */
  public static final class Tls extends ConfigObject<Tls> {
    /** PEM file, the leaf first. */
    public Tls certificate(String value) {
      return put("certificate", value);
    }

    /** PEM file of the private key. */
    public Tls key(String value) {
      return put("key", value);
    }

    /** Protocols offered, best first. */
    public Tls alpn(List<String> value) {
      return put("alpn", value);
    }
  }

  /** An address that is listened on. */
  public static final class Listener extends ConfigObject<Listener> {
    /** An IPv4 or IPv6 address, or {@code unix:/path}. */
    public Listener address(String value) {
      return put("address", value);
    }

    /** TCP port; 0 takes a free one, which {@code spk_info} tells. Ignored with {@code unix:}. */
    public Listener port(int value) {
      return put("port", value);
    }

    /** TLS; null for plain text. */
    public Listener tls(Tls value) {
      return put("tls", value);
    }
  }

  /** A declared parameter, as in OpenAPI. It reaches the handler validated and coerced to the type of its schema. */
  public static final class Parameter extends ConfigObject<Parameter> {
    /** Where it is read from. */
    public Parameter in(ParameterIn value) {
      return put("in", value);
    }

    /** Its name; headers in any case. */
    public Parameter name(String value) {
      return put("name", value);
    }

    /** Missing is an error. Path parameters always are. */
    public Parameter required(boolean value) {
      return put("required", value);
    }

    /** JSON Schema 2020-12; {@code default} stands for a missing one. Null: any text. */
    public Parameter schema(Object value) {
      return put("schema", value);
    }

    /** Layout; null is {@code simple} for path and header, {@code form} for query and cookie. */
    public Parameter style(ParameterStyle value) {
      return put("style", value);
    }

    /** Each element by itself; null is true for {@code form} and {@code deepObject}, else false. */
    public Parameter explode(Boolean value) {
      return put("explode", value);
    }
  }

  /** What a file field of a multipart body must be. Errors are at {@code ["files", NAME]}. */
  public static final class FileField extends ConfigObject<FileField> {
    /** A file must be there. */
    public FileField required(boolean value) {
      return put("required", value);
    }

    /** Media types that a part may declare; none: any. */
    public FileField contentTypes(List<String> value) {
      return put("content_types", value);
    }

    /** An empty file is refused, and one whose first bytes are those of another type than it declares (PNG, JPEG, GIF and PDF are known). */
    public FileField sniff(boolean value) {
      return put("sniff", value);
    }

    /** Largest file; more gets 413. Null for the application's {@code multipart.file_bytes}. */
    public FileField maxBytes(Long value) {
      return put("max_bytes", value);
    }
  }

  /** What a route takes as its request body. */
  public static final class Body extends ConfigObject<Body> {
    /** Media types that are taken; others get 415. */
    public Body contentTypes(List<String> value) {
      return put("content_types", value);
    }

    /** JSON Schema 2020-12; null for no validation. */
    public Body schema(Object value) {
      return put("schema", value);
    }

    /** An empty body is an error. */
    public Body required(boolean value) {
      return put("required", value);
    }

    /** How the body reaches the handler. */
    public Body mode(BodyMode value) {
      return put("mode", value);
    }

    /** File fields of a multipart body, by name. */
    public Body files(Map<String, FileField> value) {
      return put("files", value);
    }

    /** In which form a buffered JSON body is handed over. */
    public Body as(BodyAs value) {
      return put("as", value);
    }

    /** Largest body of this route; more gets 413. Null for the application's {@code limits.body_bytes}. */
    public Body maxBytes(Long value) {
      return put("max_bytes", value);
    }
  }

  /** Something a handler takes that the application provides. */
  public static final class Dependency extends ConfigObject<Dependency> {
    /** Number of the dependency in the port; unique over the application and all routes. */
    public Dependency id(long value) {
      return put("id", value);
    }

    /** Name that {@code inject} and {@code depends_on} use. */
    public Dependency name(String value) {
      return put("name", value);
    }

    /** How it comes to be. */
    public Dependency kind(DependencyKind value) {
      return put("kind", value);
    }

    /** How long what a factory made is kept. A value is always a singleton. */
    public Dependency scope(DependencyScope value) {
      return put("scope", value);
    }

    /** Names of the dependencies a factory takes, in order. */
    public Dependency dependsOn(List<String> value) {
      return put("depends_on", value);
    }

    /** The host is told when it is no longer used, in reverse order of making. */
    public Dependency cleanup(boolean value) {
      return put("cleanup", value);
    }

    /** JSON type of a value, checked against {@code inject_types}. */
    public Dependency type(JsonType value) {
      return put("type", value);
    }

    /** The host's token of a value; a factory gives its token each time. */
    public Dependency token(long value) {
      return put("token", value);
    }
  }

  /** Bearer tokens that are JSON Web Tokens (RFC 7519). A token must be signed with {@code algorithm}; {@code exp} and {@code nbf} count where it has them. */
  public static final class Jwt extends ConfigObject<Jwt> {
    /** The only signature that is taken. */
    public Jwt algorithm(JwtAlgorithm value) {
      return put("algorithm", value);
    }

    /** Key of HS256, HS384 and HS512. Kept out of logs and errors. */
    public Jwt secret(String value) {
      return put("secret", value);
    }

    /** Key of the other algorithms: PEM text, of a public key or a certificate. */
    public Jwt publicKey(String value) {
      return put("public_key", value);
    }

    /** A PEM file with it, instead. */
    public Jwt publicKeyFile(String value) {
      return put("public_key_file", value);
    }

    /** A file with a set of keys (RFC 7517), instead: a token's {@code kid} says which. Read at start-up. */
    public Jwt jwksFile(String value) {
      return put("jwks_file", value);
    }

    /** {@code iss} that a token must have; null for any. */
    public Jwt issuer(String value) {
      return put("issuer", value);
    }

    /** {@code aud} of a token must have one of these; none: any. */
    public Jwt audience(List<String> value) {
      return put("audience", value);
    }

    /** How far clocks may differ where {@code exp} and {@code nbf} are looked at. */
    public Jwt leeway(long value) {
      return put("leeway", value);
    }

    /** Claims that must be there, else 403. */
    public Jwt requiredClaims(List<String> value) {
      return put("required_claims", value);
    }
  }

  /** Keys in a header or a query parameter, compared in constant time. */
  public static final class ApiKey extends ConfigObject<ApiKey> {
    /** Header it is read from; empty for none. */
    public ApiKey header(String value) {
      return put("header", value);
    }

    /** Query parameter it is read from where there is no such header; empty for none. */
    public ApiKey query(String value) {
      return put("query", value);
    }

    /** The keys that are good. Kept out of logs and errors. */
    public ApiKey keys(List<String> value) {
      return put("keys", value);
    }
  }

  /** Names and passwords (RFC 7617), compared in constant time. */
  public static final class Basic extends ConfigObject<Basic> {
    /** Realm of the challenge. */
    public Basic realm(String value) {
      return put("realm", value);
    }

    /** Passwords by name. Kept out of logs and errors. */
    public Basic users(Map<String, String> value) {
      return put("users", value);
    }
  }

  /** Who may call. With several schemes an Authorization header decides alone, by its scheme; an API key counts where there is none. With no scheme everybody may. */
  public static final class Auth extends ConfigObject<Auth> {
    /** Bearer tokens. */
    public Auth jwt(Jwt value) {
      return put("jwt", value);
    }

    /** Names and passwords. */
    public Auth basic(Basic value) {
      return put("basic", value);
    }

    /** API keys. */
    public Auth apiKey(ApiKey value) {
      return put("api_key", value);
    }
  }

  /** A method and a path with what the core checks before the handler runs. */
  public static final class Route extends ConfigObject<Route> {
    /** Its method. */
    public Route method(HttpMethod value) {
      return put("method", value);
    }

    /** {@code /users/{id:int}}; types int, float, bool, uuid, date, datetime, str, path (the rest). */
    public Route path(String value) {
      return put("path", value);
    }

    /** Name in logs, telemetry and OpenAPI. */
    public Route name(String value) {
      return put("name", value);
    }

    /** Declared parameters; the handler gets them in this order. */
    public Route parameters(List<Parameter> value) {
      return put("parameters", value);
    }

    /** The request body; null when the route takes none. */
    public Route body(Body value) {
      return put("body", value);
    }

    /** Names of the dependencies the handler takes, in order. */
    public Route inject(List<String> value) {
      return put("inject", value);
    }

    /** JSON types that injected values must have; checked at start-up. */
    public Route injectTypes(Map<String, JsonType> value) {
      return put("inject_types", value);
    }

    /** Dependencies of this route; one with the name of an application's replaces it. */
    public Route dependencies(List<Dependency> value) {
      return put("dependencies", value);
    }

    /** Who may call this route, instead of the application's {@code auth}; {@code {}} lets everybody. Null for the application's. */
    public Route auth(Auth value) {
      return put("auth", value);
    }

    /** Scopes that a token's {@code scope} (or {@code scp}, or {@code scopes}) must all have, else 403. */
    public Route scopes(List<String> value) {
      return put("scopes", value);
    }

    /** Time-out of this route; null for the application's. */
    public Route timeout(Duration value) {
      return put("timeout_ms", millis(value));
    }

    /** A C++ handler that blocks: it runs on the blocking pool. Hosts decide this themselves. */
    public Route blocking(boolean value) {
      return put("blocking", value);
    }
  }

  /** Names of the hooks of each phase, in the order they run. A name is for logs; the number of a hook in the port is its place. */
  public static final class Hooks extends ConfigObject<Hooks> {
    /** After routing and authentication, before the body is read. */
    public Hooks onRequest(List<String> value) {
      return put("on_request", value);
    }

    /** After the body was read, before it is validated. */
    public Hooks preValidation(List<String> value) {
      return put("pre_validation", value);
    }

    /** After validation, before the handler. */
    public Hooks preHandler(List<String> value) {
      return put("pre_handler", value);
    }

    /** After the handler has answered. */
    public Hooks onResponse(List<String> value) {
      return put("on_response", value);
    }

    /** Instead of {@code on_response} after an exception. */
    public Hooks onError(List<String> value) {
      return put("on_error", value);
    }
  }

  /** A request id taken from the client or made. */
  public static final class RequestId extends ConfigObject<RequestId> {
    /** Requests get an id, and answers tell it. */
    public RequestId enabled(boolean value) {
      return put("enabled", value);
    }

    /** Header it is read from and written to. */
    public RequestId header(String value) {
      return put("header", value);
    }
  }

  /** The longest a request may take. */
  public static final class Timeout extends ConfigObject<Timeout> {
    /** From the end of the request head to the start of the answer; null for none. */
    public Timeout ms(Long value) {
      return put("ms", value);
    }

    /** Status of the answer when it is over. */
    public Timeout status(int value) {
      return put("status", value);
    }
  }

  /** Limits on what a client may send or hold. */
  public static final class Limits extends ConfigObject<Limits> {
    /** Request body; more gets 413. */
    public Limits bodyBytes(long value) {
      return put("body_bytes", value);
    }

    /** Request line and headers; more gets 431. */
    public Limits headerBytes(long value) {
      return put("header_bytes", value);
    }

    /** Number of request headers; more gets 431. */
    public Limits headerCount(long value) {
      return put("header_count", value);
    }

    /** Request target; more gets 414. */
    public Limits uriBytes(long value) {
      return put("uri_bytes", value);
    }

    /** Containers inside each other in a JSON body; more gets 400. */
    public Limits jsonDepth(long value) {
      return put("json_depth", value);
    }

    /** From the first byte of a request to the end of its head. */
    public Limits headerTimeout(Duration value) {
      return put("header_timeout_ms", millis(value));
    }

    /** Between two reads of a request body. */
    public Limits bodyTimeout(Duration value) {
      return put("body_timeout_ms", millis(value));
    }

    /** Of a kept connection between two requests. */
    public Limits idleTimeout(Duration value) {
      return put("idle_timeout_ms", millis(value));
    }

    /** Without progress in sending an answer. */
    public Limits writeTimeout(Duration value) {
      return put("write_timeout_ms", millis(value));
    }

    /** Open connections of an I/O loop; further ones wait to be accepted. */
    public Limits connections(long value) {
      return put("connections", value);
    }

    /** Requests of one connection in flight at once; further ones are not read yet. */
    public Limits pipeline(long value) {
      return put("pipeline", value);
    }
  }

  /** Limits of multipart/form-data bodies beside {@code limits.body_bytes}. They are parsed while they arrive. */
  public static final class Multipart extends ConfigObject<Multipart> {
    /** Parts of a body; more gets 413. */
    public Multipart parts(long value) {
      return put("parts", value);
    }

    /** Headers of a part; more gets 413. */
    public Multipart headerBytes(long value) {
      return put("header_bytes", value);
    }

    /** Text fields of a body together; more gets 413. */
    public Multipart fieldBytes(long value) {
      return put("field_bytes", value);
    }

    /** Largest file; more gets 413. Null for no limit but the body's. */
    public Multipart fileBytes(Long value) {
      return put("file_bytes", value);
    }

    /** Files of a body that are kept in memory, together. A file that does not fit goes to a temporary file, which is deleted when the request has ended. */
    public Multipart memoryBytes(long value) {
      return put("memory_bytes", value);
    }

    /** Folder of the temporary files. */
    public Multipart directory(String value) {
      return put("directory", value);
    }
  }

  /** Buffered request bodies with a Content-Encoding, decoded while they arrive. */
  public static final class Decompression extends ConfigObject<Decompression> {
    /** Codings that are taken, one a body; others get 415 with Accept-Encoding. */
    public Decompression encodings(List<ContentCoding> value) {
      return put("encodings", value);
    }

    /** Largest body once decoded; more gets 413. Null for the body's own limit, which always holds for what was sent. */
    public Decompression maxBytes(Long value) {
      return put("max_bytes", value);
    }
  }

  /** The health endpoints. A route with the same path wins. */
  public static final class Health extends ConfigObject<Health> {
    /** They are served. */
    public Health enabled(boolean value) {
      return put("enabled", value);
    }

    /** 200 while the process works. */
    public Health live(String value) {
      return put("live", value);
    }

    /** 200 while every required component is ready and no drain has begun, else 503. */
    public Health ready(String value) {
      return put("ready", value);
    }
  }

  /** Cross-origin requests (Fetch). Preflights are answered before routing and authentication; all answers, errors too, have the headers. */
  public static final class Cors extends ConfigObject<Cors> {
    /** Origins as browsers send them, {@code https://app.example.com}, compared exactly; {@code *} for all. */
    public Cors allowOrigins(List<String> value) {
      return put("allow_origins", value);
    }

    /** Regular expressions (ECMA-262) that the whole of an origin must match. */
    public Cors allowOriginPatterns(List<String> value) {
      return put("allow_origin_patterns", value);
    }

    /** Methods that a preflight may ask for, in upper case; {@code *} for all. */
    public Cors allowMethods(List<String> value) {
      return put("allow_methods", value);
    }

    /** Request headers that a preflight may ask for, in any case; {@code *} for all. */
    public Cors allowHeaders(List<String> value) {
      return put("allow_headers", value);
    }

    /** Response headers that pages may read. */
    public Cors exposeHeaders(List<String> value) {
      return put("expose_headers", value);
    }

    /** Pages may send cookies and credentials. With {@code *} the origin is then named in the answer. */
    public Cors allowCredentials(boolean value) {
      return put("allow_credentials", value);
    }

    /** How long a browser may keep a preflight's answer; null for its own default. */
    public Cors maxAge(Long value) {
      return put("max_age", value);
    }

    /** What becomes of a request from another origin. A preflight always gets 403. */
    public Cors onDisallowed(CorsDisallowed value) {
      return put("on_disallowed", value);
    }
  }

  /** Coding of answers by Accept-Encoding (RFC 9110 12.5.3), streamed ones too. Text, JSON, XML, JavaScript and SVG are coded; what is coded already, ranges and {@code no-transform} are not. */
  public static final class Compression extends ConfigObject<Compression> {
    /** Offer gzip. */
    public Compression gzip(boolean value) {
      return put("gzip", value);
    }

    /** Offer br. */
    public Compression brotli(boolean value) {
      return put("brotli", value);
    }

    /** Offer zstd. */
    public Compression zstd(boolean value) {
      return put("zstd", value);
    }

    /** Shorter bodies are sent as they are. */
    public Compression minSize(long value) {
      return put("min_size", value);
    }

    /** From fast to small, on the scale of brotli; gzip ends at 9. */
    public Compression quality(long value) {
      return put("quality", value);
    }
  }

  /** Files of a folder. A path without a file goes on to the routes. Hidden files ({@code .x}, but not {@code .well-known}) are not served, nor links out of the folder. */
  public static final class StaticFiles extends ConfigObject<StaticFiles> {
    /** Path that they are below, as {@code /static}; {@code /} for all paths. */
    public StaticFiles prefix(String value) {
      return put("prefix", value);
    }

    /** The folder. It must be there at start-up. */
    public StaticFiles directory(String value) {
      return put("directory", value);
    }

    /** A folder's path with {@code /} at its end gives its index.html; without, it is redirected there. */
    public StaticFiles indexFile(boolean value) {
      return put("index_file", value);
    }

    /** Value of Cache-Control; null for none. */
    public StaticFiles cacheControl(String value) {
      return put("cache_control", value);
    }

    /** Serve {@code x.js.br}, {@code .zst} or {@code .gz} for {@code x.js} to those who accept it. */
    public StaticFiles precompressed(boolean value) {
      return put("precompressed", value);
    }
  }

  /** Token buckets in memory, shared by the loops of a process. Without a token the answer is 429 with Retry-After. Health and metrics paths are not counted. */
  public static final class RateLimit extends ConfigObject<RateLimit> {
    /** Tokens a bucket gets in a second: a number over 0, such as 0.5. */
    public RateLimit perSecond(Object value) {
      return put("per_second", value);
    }

    /** Tokens a bucket holds at most. */
    public RateLimit burst(long value) {
      return put("burst", value);
    }

    /** Who has a bucket. */
    public RateLimit by(RateLimitBy value) {
      return put("by", value);
    }

    /** Name of the header where {@code by} is header. */
    public RateLimit header(String value) {
      return put("header", value);
    }

    /** Buckets kept at most; over it the one that was used longest ago goes. */
    public RateLimit maxKeys(long value) {
      return put("max_keys", value);
    }
  }

  /** Headers that every answer has unless the handler set them itself. An empty text leaves one out. */
  public static final class SecurityHeaders extends ConfigObject<SecurityHeaders> {
    /** X-Content-Type-Options. */
    public SecurityHeaders contentTypeOptions(String value) {
      return put("content_type_options", value);
    }

    /** X-Frame-Options. */
    public SecurityHeaders frameOptions(String value) {
      return put("frame_options", value);
    }

    /** Referrer-Policy. */
    public SecurityHeaders referrerPolicy(String value) {
      return put("referrer_policy", value);
    }

    /** Strict-Transport-Security, on encrypted connections only. */
    public SecurityHeaders strictTransportSecurity(String value) {
      return put("strict_transport_security", value);
    }

    /** Content-Security-Policy. */
    public SecurityHeaders contentSecurityPolicy(String value) {
      return put("content_security_policy", value);
    }

    /** Permissions-Policy. */
    public SecurityHeaders permissionsPolicy(String value) {
      return put("permissions_policy", value);
    }

    /** Cross-Origin-Opener-Policy. */
    public SecurityHeaders crossOriginOpenerPolicy(String value) {
      return put("cross_origin_opener_policy", value);
    }

    /** Cross-Origin-Resource-Policy. */
    public SecurityHeaders crossOriginResourcePolicy(String value) {
      return put("cross_origin_resource_policy", value);
    }
  }

  /** The HTTP server. */
  public static final class HttpConfig extends ConfigObject<HttpConfig> {
    /** Addresses; none: reached in memory only. {@code run()} of a binding adds 127.0.0.1:8000 when there is none. */
    public HttpConfig listeners(List<Listener> value) {
      return put("listeners", value);
    }

    /** Routes; the index of one is its id. */
    public HttpConfig routes(List<Route> value) {
      return put("routes", value);
    }

    /** Hooks of the application. */
    public HttpConfig hooks(Hooks value) {
      return put("hooks", value);
    }

    /** Dependencies of the application. */
    public HttpConfig dependencies(List<Dependency> value) {
      return put("dependencies", value);
    }

    /** Request ids. */
    public HttpConfig requestId(RequestId value) {
      return put("request_id", value);
    }

    /** Time-out of every request. */
    public HttpConfig timeout(Timeout value) {
      return put("timeout", value);
    }

    /** Limits on what a client may send or hold. */
    public HttpConfig limits(Limits value) {
      return put("limits", value);
    }

    /** Who may call; null for everybody. */
    public HttpConfig auth(Auth value) {
      return put("auth", value);
    }

    /** Bodies with a Content-Encoding; null leaves them as they are. */
    public HttpConfig decompression(Decompression value) {
      return put("decompression", value);
    }

    /** Limits of multipart bodies. */
    public HttpConfig multipart(Multipart value) {
      return put("multipart", value);
    }

    /** Values of Host that are served, without port, {@code *.example.com} for all below; others get 400. None: all. */
    public HttpConfig trustedHosts(List<String> value) {
      return put("trusted_hosts", value);
    }

    /** How fast clients may ask; null for no limit. */
    public HttpConfig rateLimit(RateLimit value) {
      return put("rate_limit", value);
    }

    /** Folders that are served; the longest prefix that has the file counts. */
    public HttpConfig staticFiles(List<StaticFiles> value) {
      return put("static_files", value);
    }

    /** Cross-origin requests; null for none. */
    public HttpConfig cors(Cors value) {
      return put("cors", value);
    }

    /** Coding of answers; null for none. */
    public HttpConfig compression(Compression value) {
      return put("compression", value);
    }

    /** Security headers of every answer; null for none. */
    public HttpConfig securityHeaders(SecurityHeaders value) {
      return put("security_headers", value);
    }

    /** What the {@code type} of a problem document starts with. */
    public HttpConfig problemBase(String value) {
      return put("problem_base", value);
    }

    /** Health endpoints. */
    public HttpConfig health(Health value) {
      return put("health", value);
    }

    /** Value of the Server header; null for none. */
    public HttpConfig serverHeader(String value) {
      return put("server_header", value);
    }
  }

  /** Signed URLs of {@code memory:} and {@code file:}, which the application's own HTTP server answers. */
  public static final class StoragePresign extends ConfigObject<StoragePresign> {
    /** What stands before the path of a signed URL, {@code https://files.example.com}. Empty: the address of the first TCP listener, which is no use to others where that is 0.0.0.0 or behind a proxy: say it there. */
    public StoragePresign baseUrl(String value) {
      return put("base_url", value);
    }

    /** Path below which signed URLs are answered; the name of the store comes next. */
    public StoragePresign path(String value) {
      return put("path", value);
    }

    /** Key of the signatures, and of the tokens of listings and uploads. Empty: a random one, which {@code file:} keeps in its folder and {@code memory:} forgets at the end of the process; elsewhere the key or secret of the store that is in the configuration, without which there are no uploads in parts. */
    public StoragePresign secret(String value) {
      return put("secret", value);
    }

    /** Largest body that a signed PUT takes, also of one part of an upload; more gets 413. */
    public StoragePresign maxUploadBytes(long value) {
      return put("max_upload_bytes", value);
    }
  }

  /** What {@code s3:} needs beside the bucket. */
  public static final class S3Options extends ConfigObject<S3Options> {
    /** Region of the bucket. */
    public S3Options region(String value) {
      return put("region", value);
    }

    /** {@code https://host[:port]} without the bucket. Empty: that of AWS in the region. */
    public S3Options endpoint(String value) {
      return put("endpoint", value);
    }

    /** Where the bucket stands in a URL. */
    public S3Options addressing(S3Addressing value) {
      return put("addressing", value);
    }

    /** Access key id. Empty, with {@code secret_key}: the usual chain of AWS (environment, profile, web identity, container, machine). */
    public S3Options accessKey(String value) {
      return put("access_key", value);
    }

    /** Secret access key. */
    public S3Options secretKey(String value) {
      return put("secret_key", value);
    }

    /** Token of temporary credentials; empty for none. */
    public S3Options sessionToken(String value) {
      return put("session_token", value);
    }

    /** Profile of the chain. Empty: that of {@code AWS_PROFILE}, or {@code default}. */
    public S3Options profile(String value) {
      return put("profile", value);
    }
  }

  /** What {@code gcs:} needs beside the bucket. */
  public static final class GcsOptions extends ConfigObject<GcsOptions> {
    /** {@code https://host[:port]}. Empty: that of Google. */
    public GcsOptions endpoint(String value) {
      return put("endpoint", value);
    }

    /** JSON of a service account or another credential. Empty, with {@code credential_file}: the application default credentials. */
    public GcsOptions credential(String value) {
      return put("credential", value);
    }

    /** File with that JSON. */
    public GcsOptions credentialFile(String value) {
      return put("credential_file", value);
    }

    /** Requests without credentials: emulators, public buckets. */
    public GcsOptions anonymous(boolean value) {
      return put("anonymous", value);
    }
  }

  /** What {@code azblob:} needs beside the container. */
  public static final class AzblobOptions extends ConfigObject<AzblobOptions> {
    /** Name of the storage account. */
    public AzblobOptions account(String value) {
      return put("account", value);
    }

    /** {@code https://host[:port]}, with the account in the path where it is not in the host. Empty: that of Azure for the account. */
    public AzblobOptions endpoint(String value) {
      return put("endpoint", value);
    }

    /** Key of the account, base64. Empty, with {@code sas_token}: the usual chain of Azure (environment, workload identity, machine). */
    public AzblobOptions accountKey(String value) {
      return put("account_key", value);
    }

    /** A shared access signature instead of a key. */
    public AzblobOptions sasToken(String value) {
      return put("sas_token", value);
    }

    /** Requests without credentials: public containers. */
    public AzblobOptions anonymous(boolean value) {
      return put("anonymous", value);
    }
  }

  /** How stores on other machines are spoken to. */
  public static final class StorageTransfer extends ConfigObject<StorageTransfer> {
    /** Longest silence of the server; then the request is made again. */
    public StorageTransfer timeout(Duration value) {
      return put("timeout_ms", millis(value));
    }

    /** How often a request is made again after a failure that may pass, with growing pauses. */
    public StorageTransfer maxRetries(long value) {
      return put("max_retries", value);
    }

    /** Parts of one streamed write that are sent at once; each is held in memory (8 MiB). */
    public StorageTransfer concurrency(long value) {
      return put("concurrency", value);
    }
  }

  /** A store of objects. */
  public static final class StorageConfig extends ConfigObject<StorageConfig> {
    /** {@code memory:}, {@code file:DIR}, {@code s3://BUCKET}, {@code gcs://BUCKET}, {@code azblob://CONTAINER}, or the scheme of another service of OpenDAL with its members in {@code options}: {@code webdav:}. */
    public StorageConfig url(String value) {
      return put("url", value);
    }

    /** Largest object (or range) that {@code read} gives in one piece; more is too_large: stream it. */
    public StorageConfig maxReadBytes(long value) {
      return put("max_read_bytes", value);
    }

    /** All objects of a {@code memory:} store together; a write over it is too_large. */
    public StorageConfig maxMemoryBytes(long value) {
      return put("max_memory_bytes", value);
    }

    /** {@code file:} waits until a write or delete is on the disk. Without it an object is still old or new after a crash of the process, but a power cut may lose it. */
    public StorageConfig durable(boolean value) {
      return put("durable", value);
    }

    /** Signed URLs of {@code memory:} and {@code file:}. */
    public StorageConfig presign(StoragePresign value) {
      return put("presign", value);
    }

    /** Of {@code s3:} only. */
    public StorageConfig s3(S3Options value) {
      return put("s3", value);
    }

    /** Of {@code gcs:} only. */
    public StorageConfig gcs(GcsOptions value) {
      return put("gcs", value);
    }

    /** Of {@code azblob:} only. */
    public StorageConfig azblob(AzblobOptions value) {
      return put("azblob", value);
    }

    /** Of OpenDAL's further services, by the names they have there. Values are kept out of logs. */
    public StorageConfig options(Map<String, String> value) {
      return put("options", value);
    }

    /** Of all but {@code memory:} and {@code file:}. */
    public StorageConfig transfer(StorageTransfer value) {
      return put("transfer", value);
    }
  }

  /** A store of tasks. */
  public static final class TasksConfig extends ConfigObject<TasksConfig> {
    /** {@code memory:}, {@code sqlite:FILE}, or the URL of another backend. */
    public TasksConfig url(String value) {
      return put("url", value);
    }

    /** How long completed jobs and their results are kept. */
    public TasksConfig retention(Duration value) {
      return put("retention_ms", millis(value));
    }

    /** How long discarded and cancelled jobs are kept. */
    public TasksConfig failedRetention(Duration value) {
      return put("failed_retention_ms", millis(value));
    }

    /** How often a worker looks for what other processes enqueued, where the store does not tell it. */
    public TasksConfig poll(Duration value) {
      return put("poll_ms", millis(value));
    }
  }

  /** What runs the tasks of a queue in this application. */
  public static final class Worker extends ConfigObject<Worker> {
    /** Its name in reports, logs and telemetry; unique. */
    public Worker name(String value) {
      return put("name", value);
    }

    /** Which of {@code services.tasks}. */
    public Worker client(String value) {
      return put("client", value);
    }

    /** Its queue. */
    public Worker queue(String value) {
      return put("queue", value);
    }

    /** Handlers at once, in each process. */
    public Worker concurrency(long value) {
      return put("concurrency", value);
    }

    /** A job comes back this long after its worker died; renewed every third of it while the handler runs. */
    public Worker lease(Duration value) {
      return put("lease_ms", millis(value));
    }

    /** The longest a run may take where the task has no limit of its own; null for none. */
    public Worker timeout(Duration value) {
      return put("timeout_ms", millis(value));
    }

    /** Names it has handlers for; any other is discarded with the code unknown_task. Empty: all. */
    public Worker tasks(List<String> value) {
      return put("tasks", value);
    }
  }

  /** A task that is enqueued by the clock. */
  public static final class Schedule extends ConfigObject<Schedule> {
    /** Its name; the same in every process of the application. */
    public Schedule name(String value) {
      return put("name", value);
    }

    /** Which of {@code services.tasks}. */
    public Schedule client(String value) {
      return put("client", value);
    }

    /** Five or six fields, or a macro such as {@code @daily}. */
    public Schedule cron(String value) {
      return put("cron", value);
    }

    /** A name of the IANA data base, such as {@code Europe/Berlin}. */
    public Schedule timezone(String value) {
      return put("timezone", value);
    }

    /** Where its jobs go. */
    public Schedule queue(String value) {
      return put("queue", value);
    }

    /** The task's name. Empty: the schedule's. */
    public Schedule task(String value) {
      return put("task", value);
    }

    /** The arguments of every job. */
    public Schedule args(Object value) {
      return put("args", value);
    }

    /** Higher goes first. */
    public Schedule priority(int value) {
      return put("priority", value);
    }

    /** Runs of a job at most. */
    public Schedule maxAttempts(long value) {
      return put("max_attempts", value);
    }

    /** The longest a run may take; null for the worker's limit. */
    public Schedule timeout(Duration value) {
      return put("timeout_ms", millis(value));
    }

    /** What becomes of times at which no scheduler ran. */
    public Schedule misfire(Misfire value) {
      return put("misfire", value);
    }

    /** What becomes of a time while the job before has not ended. */
    public Schedule overlap(Overlap value) {
      return put("overlap", value);
    }
  }

  /** Telemetry. Off unless an exporter is named here or by the environment ({@code OTEL_TRACES_EXPORTER}, {@code OTEL_METRICS_EXPORTER}, {@code OTEL_LOGS_EXPORTER}, or any of the {@code OTEL_EXPORTER_OTLP_...ENDPOINT} variables). What is null here comes from the {@code OTEL_...} variable it names, else from OpenTelemetry's default. {@code OTEL_SDK_DISABLED=true} turns everything off. */
  public static final class TelemetryConfig extends ConfigObject<TelemetryConfig> {
    /** Where it goes; null for what {@code OTEL_TRACES_EXPORTER} and its like say. */
    public TelemetryConfig exporter(TelemetryExporter value) {
      return put("exporter", value);
    }

    /** Resource attribute {@code service.name}; null for {@code OTEL_SERVICE_NAME}, else the name of the application. */
    public TelemetryConfig serviceName(String value) {
      return put("service_name", value);
    }

    /** Further resource attributes. {@code OTEL_RESOURCE_ATTRIBUTES} is merged with them, what stands here wins. */
    public TelemetryConfig resource(Map<String, String> value) {
      return put("resource", value);
    }

    /** Which traces are recorded ({@code OTEL_TRACES_SAMPLER}, {@code parentbased_always_on}). */
    public TelemetryConfig sampler(TelemetrySampler value) {
      return put("sampler", value);
    }

    /** The share of the two ratio samplers, a number from 0 to 1 ({@code OTEL_TRACES_SAMPLER_ARG}, 1). */
    public TelemetryConfig samplerArg(Object value) {
      return put("sampler_arg", value);
    }

    /** Base URL of the collector, to which {@code /v1/traces}, {@code /v1/metrics} and {@code /v1/logs} are added but for gRPC ({@code OTEL_EXPORTER_OTLP_ENDPOINT}, {@code http://localhost:4318}, for gRPC {@code http://localhost:4317}). */
    public TelemetryConfig endpoint(String value) {
      return put("endpoint", value);
    }

    /** Header fields sent to the collector, beside those of {@code OTEL_EXPORTER_OTLP_HEADERS}. Never logged. */
    public TelemetryConfig headers(Map<String, String> value) {
      return put("headers", value);
    }

    /** PEM file of the roots that an {@code https} collector is checked against ({@code OTEL_EXPORTER_OTLP_CERTIFICATE}, the system's). */
    public TelemetryConfig certificate(String value) {
      return put("certificate", value);
    }

    /** How it is compressed ({@code OTEL_EXPORTER_OTLP_COMPRESSION}, none). */
    public TelemetryConfig compression(TelemetryCompression value) {
      return put("compression", value);
    }

    /** Spans are made and exported. */
    public TelemetryConfig traces(boolean value) {
      return put("traces", value);
    }

    /** Metrics are exported. */
    public TelemetryConfig metrics(boolean value) {
      return put("metrics", value);
    }

    /** Log records are exported. */
    public TelemetryConfig logs(boolean value) {
      return put("logs", value);
    }

    /** The longest that one export may take, retries included ({@code OTEL_EXPORTER_OTLP_TIMEOUT}, 10000). */
    public TelemetryConfig exportTimeout(Duration value) {
      return put("export_timeout_ms", millis(value));
    }

    /** The longest that a span or log record waits for its batch ({@code OTEL_BSP_SCHEDULE_DELAY}, {@code OTEL_BLRP_SCHEDULE_DELAY}, 5000 and 1000). */
    public TelemetryConfig scheduleDelay(Duration value) {
      return put("schedule_delay_ms", millis(value));
    }

    /** Spans, and log records, that may wait; one more is dropped and counted ({@code OTEL_BSP_MAX_QUEUE_SIZE}, {@code OTEL_BLRP_MAX_QUEUE_SIZE}, 2048). */
    public TelemetryConfig maxQueueSize(Long value) {
      return put("max_queue_size", value);
    }

    /** Spans, and log records, of one request to the collector ({@code OTEL_BSP_MAX_EXPORT_BATCH_SIZE}, {@code OTEL_BLRP_MAX_EXPORT_BATCH_SIZE}, 512). */
    public TelemetryConfig maxExportBatchSize(Long value) {
      return put("max_export_batch_size", value);
    }

    /** Time between two exports of the metrics ({@code OTEL_METRIC_EXPORT_INTERVAL}, 60000). */
    public TelemetryConfig metricInterval(Duration value) {
      return put("metric_interval_ms", millis(value));
    }

    /** Path at which the application's HTTP server answers with all metrics, in the text format of Prometheus or, where the client prefers it, OpenMetrics. Null: nowhere. */
    public TelemetryConfig metricsPath(String value) {
      return put("metrics_path", value);
    }
  }

  /** The four spans of the drain (docs/guide/shutdown.md). Exit never takes longer than their sum. */
  public static final class Shutdown extends ConfigObject<Shutdown> {
    /** Time between readiness turning 503 and the end of accepting, for load balancers. */
    public Shutdown delay(Duration value) {
      return put("delay_ms", millis(value));
    }

    /** What is in flight may take this long to finish. */
    public Shutdown timeout(Duration value) {
      return put("timeout_ms", millis(value));
    }

    /** Cancelled handlers may take this long to end. */
    public Shutdown cleanup(Duration value) {
      return put("cleanup_ms", millis(value));
    }

    /** Telemetry and logs may take this long to be written. */
    public Shutdown flush(Duration value) {
      return put("flush_ms", millis(value));
    }
  }

  /** Structured logging. */
  public static final class Log extends ConfigObject<Log> {
    /** How a record is written. */
    public Log format(LogFormat value) {
      return put("format", value);
    }

    /** The lowest level that is written. */
    public Log level(LogLevel value) {
      return put("level", value);
    }
  }

  /** The toolbox, by name. A name is what code asks for; {@code default} is there without being named here. */
  public static final class Services extends ConfigObject<Services> {
    /** Caches. */
    public Services cache(Map<String, CacheConfig> value) {
      return put("cache", value);
    }

    /** Stores of objects. */
    public Services storage(Map<String, StorageConfig> value) {
      return put("storage", value);
    }

    /** Databases. */
    public Services db(Map<String, DbConfig> value) {
      return put("db", value);
    }

    /** Message brokers. */
    public Services messaging(Map<String, MessagingConfig> value) {
      return put("messaging", value);
    }

    /** Stores of tasks. */
    public Services tasks(Map<String, TasksConfig> value) {
      return put("tasks", value);
    }

    /** Where events are sent. */
    public Services events(Map<String, EventSender> value) {
      return put("events", value);
    }
  }

  /** The whole application. */
  public static final class Manifest extends ConfigObject<Manifest> {
    /** Name of the application, in logs and telemetry. */
    public Manifest name(String value) {
      return put("name", value);
    }

    /** Where time comes from. */
    public Manifest clock(ClockKind value) {
      return put("clock", value);
    }

    /** I/O loops of a C++ program, or of a port with the threaded drive. */
    public Manifest ioThreads(long value) {
      return put("io_threads", value);
    }

    /** Who does the I/O of a port. */
    public Manifest drive(Drive value) {
      return put("drive", value);
    }

    /** SIGTERM and SIGINT begin the drain, SIGHUP reads certificates again (C++ and C programs). Off in an application embedded in another program. */
    public Manifest handleSignals(boolean value) {
      return put("handle_signals", value);
    }

    /** The HTTP server; null for an application without one. */
    public Manifest http(HttpConfig value) {
      return put("http", value);
    }

    /** What this process runs; none: everything. {@code SPIKARD_ROLES=web,worker}. */
    public Manifest roles(List<Role> value) {
      return put("roles", value);
    }

    /** For tests: {@code sqlite:} files become {@code sqlite::memory:} and {@code file:} folders {@code memory:}, so that nothing is left behind and nothing is met. */
    public Manifest inMemoryStores(boolean value) {
      return put("in_memory_stores", value);
    }

    /** For tests: what goes wrong in the clients of the toolbox. Needs the virtual clock. */
    public Manifest faults(Faults value) {
      return put("faults", value);
    }

    /** The toolbox: caches, object stores, databases, brokers, task stores. */
    public Manifest services(Services value) {
      return put("services", value);
    }

    /** Message consumers; the index of one is its number in the port. */
    public Manifest consumers(List<Consumer> value) {
      return put("consumers", value);
    }

    /** Task workers; the index of one is its number in the port. */
    public Manifest workers(List<Worker> value) {
      return put("workers", value);
    }

    /** Tasks enqueued by the clock. */
    public Manifest schedules(List<Schedule> value) {
      return put("schedules", value);
    }

    /** Paths that take CloudEvents. Their subscriptions name handlers by their number in the port. */
    public Manifest events(List<EventEndpoint> value) {
      return put("events", value);
    }

    /** Message consumers whose messages are CloudEvents. */
    public Manifest eventConsumers(List<EventConsumer> value) {
      return put("event_consumers", value);
    }

    /** Traces, metrics and logs. */
    public Manifest telemetry(TelemetryConfig value) {
      return put("telemetry", value);
    }

    /** The drain. */
    public Manifest shutdown(Shutdown value) {
      return put("shutdown", value);
    }

    /** Logging. */
    public Manifest log(Log value) {
      return put("log", value);
    }
  }
}
