# Generated from spec/services by codegen. Do not edit.
defmodule Spikard.Manifest do
  @moduledoc """
  The manifest: an application as data. Maps of these types, with the names that spikard.toml and the other languages have; keyword lists do as well.
  """

  @typedoc """
  How topics and the patterns of consumers are written on an embedded broker: like those of the broker it stands in for.

    * `:auto`: A pattern is NATS (`orders.*`, `orders.>`) or MQTT (`orders/+`, `orders/#`) by its wildcards; without one it is a topic.
    * `:nats`: Tokens between dots; `*` is one token, `>` one or more at the end.
    * `:mqtt`: Levels between slashes; `+` is one level, `#` any number at the end, the level above included.
    * `:amqp`: Words between dots; `*` is one word, `#` any number.
  """
  @type topic_style :: :auto | :nats | :mqtt | :amqp

  @typedoc """
  Where a group begins that the broker does not know yet.

    * `:latest`: With what is published from now on.
    * `:earliest`: With the oldest message that is still kept.
  """
  @type start_from :: :latest | :earliest

  @typedoc """
  How the wait grows from failure to failure.

    * `:exponential`: `initial_ms` times `factor` to the power of the failures before.
    * `:constant`: Always `initial_ms`.
  """
  @type backoff_kind :: :exponential | :constant

  @typedoc """
  How an event is laid out in a message.

    * `:binary`: Attributes as headers, the data as the body.
    * `:structured`: The whole event as a JSON document.
  """
  @type event_mode :: :binary | :structured

  @typedoc """
  Which of the protocol bindings lays an event out in a broker's message.

    * `:auto`: The one of the broker: kafka for `kafka:`, amqp for `amqp:`, nats for `nats:`, mqtt for `mqtt:`; for `redis:`, `memory:` and `sqlite:`, which have none, the same headers as Kafka.
    * `:kafka`: Headers `ce_...` and `content-type`.
    * `:amqp`: Application properties `cloudEvents:...`.
    * `:mqtt3`: MQTT 3.1.1: structured only.
    * `:mqtt5`: User properties with the names of the attributes.
    * `:nats`: Headers `ce-...`, as those of HTTP (binding 1.0.3); a message without them is read as the JSON document (1.0.2).
    * `:redis`: Fields `ce_...` and `content-type` beside the payload.
  """
  @type event_binding :: :auto | :kafka | :amqp | :mqtt3 | :mqtt5 | :nats | :redis

  @typedoc """
  Clients of the toolbox that faults are made in.

    * `:cache`: Caches.
    * `:storage`: Stores of objects.
    * `:db`: Databases.
    * `:messaging`: Message brokers.
    * `:tasks`: Stores of tasks.
  """
  @type faulty_clients :: :cache | :storage | :db | :messaging | :tasks

  @typedoc """
  Method of a route. HEAD comes with GET; OPTIONS is answered with Allow unless a route has it.

    * `:GET`
    * `:HEAD`
    * `:POST`
    * `:PUT`
    * `:PATCH`
    * `:DELETE`
    * `:OPTIONS`
    * `:TRACE`
  """
  @type http_method :: :GET | :HEAD | :POST | :PUT | :PATCH | :DELETE | :OPTIONS | :TRACE

  @typedoc """
  Where a parameter is read from.

    * `:path`: A segment of the path.
    * `:query`: The query string.
    * `:header`: A request header.
    * `:cookie`: A cookie.
  """
  @type parameter_in :: :path | :query | :header | :cookie

  @typedoc """
  How arrays and objects are laid out as text (OpenAPI 3.1).

    * `:form`: `a=1&a=2` exploded, `a=1,2` not.
    * `:simple`: `1,2`; path and header.
    * `:pipeDelimited`: `1|2`; query.
    * `:spaceDelimited`: `1 2`; query.
    * `:semicolonDelimited`: `1;2`; query.
    * `:deepObject`: `a[b]=1`; query.
  """
  @type parameter_style :: :form | :simple | :pipeDelimited | :spaceDelimited | :semicolonDelimited | :deepObject

  @typedoc """
  How a request body reaches the handler.

    * `:buffer`: Whole, before the handler starts.
    * `:stream`: In chunks against credit while the handler runs. It is not parsed or validated.
  """
  @type body_mode :: :buffer | :stream

  @typedoc """
  In which form a buffered JSON body is handed over.

    * `:nodes`: Parsed, as 16-byte nodes.
    * `:text`: Checked by the core, handed over as its text for hosts whose own parser is faster.
    * `:raw`: Bytes as they came.
  """
  @type body_as :: :nodes | :text | :raw

  @typedoc """
  A type of JSON.

    * `:null`
    * `:boolean`
    * `:integer`: A number without fraction.
    * `:number`
    * `:string`
    * `:array`
    * `:object`
  """
  @type json_type :: :null | :boolean | :integer | :number | :string | :array | :object

  @typedoc """
  How a dependency comes to be.

    * `:value`: It is there from the start.
    * `:factory`: The host makes it when it is first needed.
  """
  @type dependency_kind :: :value | :factory

  @typedoc """
  How long what a factory made is kept.

    * `:singleton`: For the life of the application.
    * `:request`: For one request.
    * `:transient`: For one use; each place that injects it gets its own.
  """
  @type dependency_scope :: :singleton | :request | :transient

  @typedoc """
  What becomes of a request from an origin that is not allowed.

    * `:serve`: It is served without CORS headers; the browser keeps the answer from the page.
    * `:reject`: It gets 403.
  """
  @type cors_disallowed :: :serve | :reject

  @typedoc """
  Who has a bucket of their own.

    * `:ip`: Each address of a peer; all peers of a UNIX socket share one.
    * `:header`: Each value of a header; a request without it counts for its address.
  """
  @type rate_limit_by :: :ip | :header

  @typedoc """
  Signature of a JSON Web Token (RFC 7518, RFC 8037). Only the configured one is taken, whatever a token says.

    * `:HS256`: HMAC with SHA-256.
    * `:HS384`: HMAC with SHA-384.
    * `:HS512`: HMAC with SHA-512.
    * `:RS256`: RSA PKCS #1 v1.5 with SHA-256.
    * `:RS384`: RSA PKCS #1 v1.5 with SHA-384.
    * `:RS512`: RSA PKCS #1 v1.5 with SHA-512.
    * `:PS256`: RSA-PSS with SHA-256.
    * `:PS384`: RSA-PSS with SHA-384.
    * `:PS512`: RSA-PSS with SHA-512.
    * `:ES256`: ECDSA on P-256 with SHA-256.
    * `:ES384`: ECDSA on P-384 with SHA-384.
    * `:ES512`: ECDSA on P-521 with SHA-512.
    * `:EdDSA`: Ed25519.
  """
  @type jwt_algorithm :: :HS256 | :HS384 | :HS512 | :RS256 | :RS384 | :RS512 | :PS256 | :PS384 | :PS512 | :ES256 | :ES384 | :ES512 | :EdDSA

  @typedoc """
  A coding of Content-Encoding.

    * `:gzip`
    * `:deflate`: The zlib format (RFC 9110); the bare one that some clients send is taken too.
    * `:br`: Brotli.
    * `:zstd`: Windows of up to 8 MiB (RFC 8878).
  """
  @type content_coding :: :gzip | :deflate | :br | :zstd

  @typedoc """
  Where the bucket stands in a URL.

    * `:virtual`: The first label of the host.
    * `:path`: The first segment of the path.
  """
  @type s3_addressing :: :virtual | :path

  @typedoc """
  What becomes of the times of a schedule at which no scheduler ran.

    * `:skip`: They are left out.
    * `:once`: One job stands for all of them: the latest.
    * `:all`: One job for each.
  """
  @type misfire :: :skip | :once | :all

  @typedoc """
  What becomes of a time of a schedule while the job before has not ended.

    * `:allow`: A job is made all the same.
    * `:forbid`: The time is left out.
  """
  @type overlap :: :allow | :forbid

  @typedoc """
  Where spans, metrics and log records go.

    * `:none`: Nowhere. Metrics are still kept for `metrics_path`.
    * `:memory`: Kept in the process for tests.
    * `:otlp_http`: To a collector by OTLP over HTTP, as protobuf.
    * `:otlp_http_json`: To a collector by OTLP over HTTP, as JSON.
    * `:otlp_grpc`: To a collector by OTLP over gRPC.
  """
  @type telemetry_exporter :: :none | :memory | :otlp_http | :otlp_http_json | :otlp_grpc

  @typedoc """
  Which traces are recorded; those of `OTEL_TRACES_SAMPLER`.

    * `:always_on`: All.
    * `:always_off`: None.
    * `:traceidratio`: The share `sampler_arg` of all traces, decided by the trace's id.
    * `:parentbased_always_on`: As the caller decided; all where there is none.
    * `:parentbased_always_off`: As the caller decided; none where there is none.
    * `:parentbased_traceidratio`: As the caller decided; the share `sampler_arg` where there is none.
  """
  @type telemetry_sampler :: :always_on | :always_off | :traceidratio | :parentbased_always_on | :parentbased_always_off | :parentbased_traceidratio

  @typedoc """
  How what is exported is compressed.

    * `:none`: Not at all.
    * `:gzip`: By gzip.
  """
  @type telemetry_compression :: :none | :gzip

  @typedoc """
  Where an application's time comes from.

    * `:real`: The machine's monotonic clock.
    * `:virtual`: A clock that `test.advance` moves. A release build refuses it unless SPIKARD_TEST=1.
  """
  @type clock_kind :: :real | :virtual

  @typedoc """
  Who does the I/O of a port.

    * `:inline`: The thread that polls the port.
    * `:thread`: Threads of the core; the port only takes what they have made ready.
  """
  @type drive :: :inline | :thread

  @typedoc """
  A part of an application that a process may run alone, so that one image scales each part by itself.

    * `:web`: The HTTP server, and the CloudEvents that come through it.
    * `:consumer`: Message consumers.
    * `:worker`: Task workers.
    * `:scheduler`: Schedules.
  """
  @type role :: :web | :consumer | :worker | :scheduler

  @typedoc """
  How a log record is written.

    * `:json`: One JSON object a line.
    * `:human`: Text for people at a terminal.
  """
  @type log_format :: :json | :human

  @typedoc """
  The lowest level that is written.

    * `:trace`: Everything.
    * `:debug`: What a developer asks for.
    * `:info`: Start, stop and one line for what operators want to know.
    * `:warn`: Something is off and was dealt with.
    * `:error`: Something failed.
    * `:off`: Nothing.
  """
  @type log_level :: :trace | :debug | :info | :warn | :error | :off

  @typedoc """
  A cache. `memory:` (and the part of `tiered+redis:` that is in memory) keeps at most `max_bytes` or `max_entries`, whichever is given (both hold where both are); what goes first is decided by how often and how lately it was asked for (W-TinyLFU). `redis:` has no such bounds: its server decides.

    * `:url`: `memory:`, `redis://HOST:6379/DB` (also `rediss:`, `redis+unix:`, `redis+sentinel:`, `redis+cluster:`), or one of these behind `tiered+`: memory in front of it. Default: `"memory:"`.
    * `:max_bytes`: The most that `memory:` holds, keys, values and about 90 bytes an entry counted. Null: 64 MiB, or no limit of bytes where `max_entries` is given. In bytes.
    * `:max_entries`: The most entries that `memory:` holds. Null: as many as `max_bytes` allows.
    * `:default_ttl_ms`: How long an entry lives that was set without a time. Null: for ever. In ms.
  """
  @type cache_config :: %{
          optional(:url) => String.t(),
          optional(:max_bytes) => non_neg_integer() | nil,
          optional(:max_entries) => non_neg_integer() | nil,
          optional(:default_ttl_ms) => non_neg_integer() | nil
        }

  @typedoc """
  A message broker.

    * `:url`: `memory:`, `sqlite:FILE`, or the URL of another backend. Default: `"sqlite:data/app.db"`.
    * `:store`: The delivery store of `mqtt:`: `sqlite:FILE`, where messages lie from their arrival until they are settled, or `memory:` for what may be lost. Not the file of a `sqlite:` broker. Default: `"sqlite:data/deliveries.db"`.
    * `:topics`: How patterns are written, on `memory:` and `sqlite:`. Default: `"auto"`.
    * `:max_message_bytes`: The longest payload that is taken; keys and headers come on top (64 KiB together). In bytes. Default: `1048576`.
    * `:max_bytes`: What `memory:` may hold, dead letters included; at the limit `publish` is refused (rate_limited). In bytes. Default: `268435456`.
    * `:retention_ms`: How long a message that no group waits for is kept for replay, on `memory:`, `sqlite:` and `redis:`. `memory:` gives it up earlier when it needs the room. Dead letters stay until they are redriven or purged. In ms. Default: `86400000`.
    * `:poll_ms`: How often `sqlite:` looks for what other processes did. Within a process consumers are woken at once. In ms. Default: `50`.
  """
  @type messaging_config :: %{
          optional(:url) => String.t(),
          optional(:store) => String.t(),
          optional(:topics) => topic_style(),
          optional(:max_message_bytes) => non_neg_integer(),
          optional(:max_bytes) => non_neg_integer(),
          optional(:retention_ms) => non_neg_integer(),
          optional(:poll_ms) => non_neg_integer()
        }

  @typedoc """
  When a message comes again after its handler failed.

    * `:kind`: How the wait grows. Default: `"exponential"`.
    * `:initial_ms`: The wait after the first failure. In ms. Default: `1000`.
    * `:factor`: A number from 1 to 100; null for 2.
    * `:max_ms`: The longest wait. In ms. Default: `300000`.
    * `:jitter_percent`: Takes off up to this part of each wait, at random, so that failures do not come back together. Default: `0`.
  """
  @type backoff :: %{
          optional(:kind) => backoff_kind(),
          optional(:initial_ms) => non_neg_integer(),
          optional(:factor) => term(),
          optional(:max_ms) => non_neg_integer(),
          optional(:jitter_percent) => integer()
        }

  @typedoc """
  A subscription whose messages a handler of the application takes.

    * `:name`: Its name in reports, logs and telemetry; unique.
    * `:client`: Which of `services.messaging`. Default: `"default"`.
    * `:topic`: Topic or pattern.
    * `:group`: Each message goes to one consumer of a group. What a group has taken is remembered by its name and topic; empty for the name of the consumer. Default: `""`.
    * `:concurrency`: Handlers at once, in each process. Default: `16`.
    * `:max_in_flight`: Messages in hand, those included that wait for a handler; 0 for as many as `concurrency`. Default: `0`.
    * `:ordered`: A message waits until the one before it of the same key is settled, its retries included, in the whole group. Messages without a key do not wait. Default: `false`.
    * `:max_retries`: After 1 + `max_retries` tries a message goes to the dead letters. Default: `3`.
    * `:backoff`: When it comes again after an exception or a time-out.
    * `:dead_letter`: Topic for what is given up. Null: it is dropped and counted.
    * `:ack_wait_ms`: A message whose consumer died goes to another one after this time. A consumer that lives keeps its messages, however long a handler takes. In ms. Default: `10000`.
    * `:handler_timeout_ms`: The longest a handler may take; then it is cancelled and the message comes again. Null for no limit. In ms.
    * `:start_from`: Where a new group begins. Default: `"latest"`.
    * `:schema`: JSON Schema 2020-12 of the payload, which is then JSON. A message that does not fit goes to the dead letters at once, with its validation errors.
  """
  @type consumer :: %{
          required(:name) => String.t(),
          optional(:client) => String.t(),
          required(:topic) => String.t(),
          optional(:group) => String.t(),
          optional(:concurrency) => non_neg_integer(),
          optional(:max_in_flight) => non_neg_integer(),
          optional(:ordered) => boolean(),
          optional(:max_retries) => non_neg_integer(),
          optional(:backoff) => backoff(),
          optional(:dead_letter) => String.t() | nil,
          optional(:ack_wait_ms) => non_neg_integer(),
          optional(:handler_timeout_ms) => non_neg_integer() | nil,
          optional(:start_from) => start_from(),
          optional(:schema) => term()
        }

  @typedoc """
  Which events go to which handler. Patterns are exact text, or have `*` for any run of characters.

    * `:handler`: Number of the handler in the port; several subscriptions may name the same.
    * `:type`: Pattern of the event's type; case counts. Exact beats a pattern, a longer pattern a shorter one. Default: `"*"`.
    * `:source`: Pattern of its source. Default: `"*"`.
    * `:subject`: Pattern of its subject; an event without one fits `*` only. Default: `"*"`.
  """
  @type event_subscription :: %{
          required(:handler) => non_neg_integer(),
          optional(:type) => String.t(),
          optional(:source) => String.t(),
          optional(:subject) => String.t()
        }

  @typedoc """
  Remembers the events that were handled, by source and id, for this endpoint or consumer group alone, and acknowledges one that comes again without running its handler. What a handler refused is not remembered.

    * `:db`: Which of `services.db` keeps it. Default: `"default"`.
    * `:retention_ms`: How long an event is remembered. In ms. Default: `604800000`.
  """
  @type event_inbox :: %{
          optional(:db) => String.t(),
          optional(:retention_ms) => non_neg_integer()
        }

  @typedoc """
  A path that takes CloudEvents over HTTP and hands them to the application's event handlers.

    * `:path`: Where events are posted; `/` for Knative and Cloud Functions.
    * `:subscriptions`: Which events go to which handler; the best fit takes it. Default: `[]`.
    * `:handler`: Number of the handler of what no subscription takes. Null: refused with 400.
    * `:allowed_origins`: Senders that the webhook handshake grants (`WebHook-Request-Origin`, DNS names in any case, `*.example.com`, `*` for all). Empty: it grants none, and no origin is looked at. Default: `[]`.
    * `:allowed_rate`: What the handshake grants; requests beyond it get 429. It counts in each process. Null: no limit (`*`). In requests a minute.
    * `:callback_hosts`: Hosts to which a `WebHook-Request-Callback` may be sent (`example.com`, `*.example.com`, with `:port` where it is not 443). A handshake that names such a host is granted by the callback, any other at once. Default: `[]`.
    * `:callback_plain`: Callbacks over plain http: are allowed as well (tests). Default: `false`.
    * `:max_batch`: Events of one batch; more gets 413. Default: `5000`.
    * `:batch_concurrency`: Events of one batch in hand at once; they begin in their order. Default: `16`.
    * `:timeout_ms`: Time-out of a request; null for the HTTP server's. In ms.
    * `:inbox`: Handles an event once; null for at least once.
  """
  @type event_endpoint :: %{
          required(:path) => String.t(),
          optional(:subscriptions) => [event_subscription()],
          optional(:handler) => non_neg_integer() | nil,
          optional(:allowed_origins) => [String.t()],
          optional(:allowed_rate) => non_neg_integer() | nil,
          optional(:callback_hosts) => [String.t()],
          optional(:callback_plain) => boolean(),
          optional(:max_batch) => non_neg_integer(),
          optional(:batch_concurrency) => non_neg_integer(),
          optional(:timeout_ms) => non_neg_integer() | nil,
          optional(:inbox) => event_inbox() | nil
        }

  @typedoc """
  A subscription to a broker whose messages are CloudEvents.

    * `:consumer`: The consumer of the messages.
    * `:binding`: How events are laid out in its messages. Default: `"auto"`.
    * `:subscriptions`: Which events go to which handler; the best fit takes it. Default: `[]`.
    * `:handler`: Number of the handler of what no subscription takes. Null: to the dead letter.
    * `:reply`: Which of `services.events` takes the events that handlers answer with. Empty: an answer is a failure. Default: `""`.
    * `:inbox`: Handles an event once; null for at least once.
  """
  @type event_consumer :: %{
          required(:consumer) => consumer(),
          optional(:binding) => event_binding(),
          optional(:subscriptions) => [event_subscription()],
          optional(:handler) => non_neg_integer() | nil,
          optional(:reply) => String.t(),
          optional(:inbox) => event_inbox() | nil
        }

  @typedoc """
  When a failed delivery is tried again.

    * `:max_retries`: Tries after the first. Default: `5`.
    * `:initial_ms`: Wait before the first retry. A longer Retry-After of the receiver wins. In ms. Default: `200`.
    * `:factor_percent`: Each wait is this part of the one before. Default: `200`.
    * `:max_ms`: The longest wait, Retry-After included. In ms. Default: `30000`.
    * `:jitter_percent`: Takes off up to this part of a wait, at random. Default: `20`.
  """
  @type event_retry :: %{
          optional(:max_retries) => non_neg_integer(),
          optional(:initial_ms) => non_neg_integer(),
          optional(:factor_percent) => non_neg_integer(),
          optional(:max_ms) => non_neg_integer(),
          optional(:jitter_percent) => non_neg_integer()
        }

  @typedoc """
  Where an application sends events.

    * `:url`: An `http:` or `https:` URL, or `messaging:CLIENT/TOPIC` for a broker of `services.messaging`. `K_SINK` of the environment (Knative) sets that of `default`. Default: `""`.
    * `:mode`: How events are laid out. Batches are always structured. Default: `"binary"`.
    * `:binding`: How they are laid out in a broker's messages. Default: `"auto"`.
    * `:source`: The `source` of events that have none. Default: `""`.
    * `:extensions`: Attributes that every event gets; they replace its own. `K_CE_OVERRIDES` of the environment sets those of `default` beside `K_SINK`. Default: `%{}`.
    * `:origin`: Value of `WebHook-Request-Origin`; empty: not sent. Default: `""`.
    * `:headers`: Further headers of every request, such as Authorization. Values are kept out of logs. Default: `%{}`.
    * `:timeout_ms`: The longest a try may take. In ms. Default: `10000`.
    * `:retry`: When a failed delivery is tried again.
  """
  @type event_sender :: %{
          optional(:url) => String.t(),
          optional(:mode) => event_mode(),
          optional(:binding) => event_binding(),
          optional(:source) => String.t(),
          optional(:extensions) => %{optional(String.t()) => String.t()},
          optional(:origin) => String.t(),
          optional(:headers) => %{optional(String.t()) => String.t()},
          optional(:timeout_ms) => non_neg_integer(),
          optional(:retry) => event_retry()
        }

  @typedoc """
  How many connections a client uses at once.

    * `:max`: Queries, streams and transactions at once in this process; one more waits. Default: `5`.
    * `:acquire_timeout_ms`: How long to wait for a connection; then the error is timeout, pool_timeout. In ms. Default: `5000`.
  """
  @type db_pool :: %{
          optional(:max) => non_neg_integer(),
          optional(:acquire_timeout_ms) => non_neg_integer()
        }

  @typedoc """
  A database.

    * `:url`: `sqlite:FILE`, `sqlite::memory:`, `postgres://USER:PASSWORD@HOST/DATABASE`, `mysql://USER:PASSWORD@HOST/DATABASE` (docs/guide/db.md has their options), or the URL of another backend. SQLite: `?synchronous=normal` trades the last commits before a power cut for speed, `&busy_timeout_ms=N` is how long to wait for another process. Default: `"sqlite:data/app.db"`.
    * `:pool`: Connections.
    * `:statement_timeout_ms`: The longest a statement may take (for a stream or cursor: the longest between two parts); then it is interrupted. Null for no limit. In ms. Default: `30000`.
    * `:transaction_timeout_ms`: The longest a transaction may stay open; then it is rolled back. Null for no limit. In ms. Default: `60000`.
    * `:statement_cache`: Prepared statements kept on each connection. Default: `128`.
    * `:max_rows`: Most rows that `query` gives; more is too_large: stream them, or use a cursor. Default: `100000`.
    * `:migrations`: Folder of `NNNN_name.sql` files; empty for none. Default: `""`.
    * `:migrate_on_start`: Apply what is missing of `migrations` when the application starts. Default: `false`.
  """
  @type db_config :: %{
          optional(:url) => String.t(),
          optional(:pool) => db_pool(),
          optional(:statement_timeout_ms) => non_neg_integer() | nil,
          optional(:transaction_timeout_ms) => non_neg_integer() | nil,
          optional(:statement_cache) => non_neg_integer(),
          optional(:max_rows) => non_neg_integer(),
          optional(:migrations) => String.t(),
          optional(:migrate_on_start) => boolean()
        }

  @typedoc """
  What goes wrong in the clients of the toolbox under test, by chance but always the same: whether the n-th call of an operation fails is decided by the seed, the client, the operation, what it is about (a statement, a topic, a task) and n. Each chance is a number from 0 to 1; null is 0.

    * `:seed`: Another seed, other faults. Default: `1`.
    * `:unavailable`: The chance that an operation fails with `unavailable` before it takes effect.
    * `:lost_answer`: The chance that an operation takes effect and then fails with `outcome_unknown`.
    * `:delay`: The chance that an operation waits first, on the virtual clock.
    * `:delay_ms`: The longest such wait. In ms. Default: `1000`.
    * `:repeated`: The chance that a message or task comes again after it was done, as if that had not been heard; at most three times.
    * `:only`: The clients that have faults; none named: all. Default: `[]`.
  """
  @type faults :: %{
          optional(:seed) => non_neg_integer(),
          optional(:unavailable) => term(),
          optional(:lost_answer) => term(),
          optional(:delay) => term(),
          optional(:delay_ms) => non_neg_integer(),
          optional(:repeated) => term(),
          optional(:only) => [faulty_clients()]
        }

  @typedoc """
  TLS of a listener (1.2 and 1.3). Files are read again when they change; connections that exist keep what they have.

    * `:certificate`: PEM file, the leaf first.
    * `:key`: PEM file of the private key.
    * `:alpn`: Protocols offered, best first. Default: `["http/1.1"]`.
  """
  @type tls :: %{
          required(:certificate) => String.t(),
          required(:key) => String.t(),
          optional(:alpn) => [String.t()]
        }

  @typedoc """
  An address that is listened on.

    * `:address`: An IPv4 or IPv6 address, or `unix:/path`. Default: `"127.0.0.1"`.
    * `:port`: TCP port; 0 takes a free one, which `spk_info` tells. Ignored with `unix:`. Default: `8000`.
    * `:tls`: TLS; null for plain text.
  """
  @type listener :: %{
          optional(:address) => String.t(),
          optional(:port) => integer(),
          optional(:tls) => tls() | nil
        }

  @typedoc """
  A declared parameter, as in OpenAPI. It reaches the handler validated and coerced to the type of its schema.

    * `:in`: Where it is read from.
    * `:name`: Its name; headers in any case.
    * `:required`: Missing is an error. Path parameters always are. Default: `false`.
    * `:schema`: JSON Schema 2020-12; `default` stands for a missing one. Null: any text.
    * `:style`: Layout; null is `simple` for path and header, `form` for query and cookie.
    * `:explode`: Each element by itself; null is true for `form` and `deepObject`, else false.
  """
  @type parameter :: %{
          required(:in) => parameter_in(),
          required(:name) => String.t(),
          optional(:required) => boolean(),
          optional(:schema) => term(),
          optional(:style) => parameter_style() | nil,
          optional(:explode) => boolean() | nil
        }

  @typedoc """
  What a file field of a multipart body must be. Errors are at `["files", NAME]`.

    * `:required`: A file must be there. Default: `false`.
    * `:content_types`: Media types that a part may declare; none: any. Default: `[]`.
    * `:sniff`: An empty file is refused, and one whose first bytes are those of another type than it declares (PNG, JPEG, GIF and PDF are known). Default: `false`.
    * `:max_bytes`: Largest file; more gets 413. Null for the application's `multipart.file_bytes`. In bytes.
  """
  @type file_field :: %{
          optional(:required) => boolean(),
          optional(:content_types) => [String.t()],
          optional(:sniff) => boolean(),
          optional(:max_bytes) => non_neg_integer() | nil
        }

  @typedoc """
  What a route takes as its request body.

    * `:content_types`: Media types that are taken; others get 415. Default: `["application/json"]`.
    * `:schema`: JSON Schema 2020-12; null for no validation.
    * `:required`: An empty body is an error. Default: `true`.
    * `:mode`: How the body reaches the handler. Default: `"buffer"`.
    * `:files`: File fields of a multipart body, by name. Default: `%{}`.
    * `:as`: In which form a buffered JSON body is handed over. Default: `"nodes"`.
    * `:max_bytes`: Largest body of this route; more gets 413. Null for the application's `limits.body_bytes`. In bytes.
  """
  @type body :: %{
          optional(:content_types) => [String.t()],
          optional(:schema) => term(),
          optional(:required) => boolean(),
          optional(:mode) => body_mode(),
          optional(:files) => %{optional(String.t()) => file_field()},
          optional(:as) => body_as(),
          optional(:max_bytes) => non_neg_integer() | nil
        }

  @typedoc """
  Something a handler takes that the application provides.

    * `:id`: Number of the dependency in the port; unique over the application and all routes.
    * `:name`: Name that `inject` and `depends_on` use.
    * `:kind`: How it comes to be. Default: `"value"`.
    * `:scope`: How long what a factory made is kept. A value is always a singleton. Default: `"request"`.
    * `:depends_on`: Names of the dependencies a factory takes, in order. Default: `[]`.
    * `:cleanup`: The host is told when it is no longer used, in reverse order of making. Default: `false`.
    * `:type`: JSON type of a value, checked against `inject_types`.
    * `:token`: The host's token of a value; a factory gives its token each time. Default: `0`.
  """
  @type dependency :: %{
          required(:id) => non_neg_integer(),
          required(:name) => String.t(),
          optional(:kind) => dependency_kind(),
          optional(:scope) => dependency_scope(),
          optional(:depends_on) => [String.t()],
          optional(:cleanup) => boolean(),
          optional(:type) => json_type() | nil,
          optional(:token) => non_neg_integer()
        }

  @typedoc """
  Bearer tokens that are JSON Web Tokens (RFC 7519). A token must be signed with `algorithm`; `exp` and `nbf` count where it has them.

    * `:algorithm`: The only signature that is taken. Default: `"HS256"`.
    * `:secret`: Key of HS256, HS384 and HS512. Kept out of logs and errors. Default: `""`.
    * `:public_key`: Key of the other algorithms: PEM text, of a public key or a certificate. Default: `""`.
    * `:public_key_file`: A PEM file with it, instead. Default: `""`.
    * `:jwks_file`: A file with a set of keys (RFC 7517), instead: a token's `kid` says which. Read at start-up. Default: `""`.
    * `:issuer`: `iss` that a token must have; null for any.
    * `:audience`: `aud` of a token must have one of these; none: any. Default: `[]`.
    * `:leeway`: How far clocks may differ where `exp` and `nbf` are looked at. In s. Default: `0`.
    * `:required_claims`: Claims that must be there, else 403. Default: `[]`.
  """
  @type jwt :: %{
          optional(:algorithm) => jwt_algorithm(),
          optional(:secret) => String.t(),
          optional(:public_key) => String.t(),
          optional(:public_key_file) => String.t(),
          optional(:jwks_file) => String.t(),
          optional(:issuer) => String.t() | nil,
          optional(:audience) => [String.t()],
          optional(:leeway) => non_neg_integer(),
          optional(:required_claims) => [String.t()]
        }

  @typedoc """
  Keys in a header or a query parameter, compared in constant time.

    * `:header`: Header it is read from; empty for none. Default: `"X-API-Key"`.
    * `:query`: Query parameter it is read from where there is no such header; empty for none. Default: `""`.
    * `:keys`: The keys that are good. Kept out of logs and errors. Default: `[]`.
  """
  @type api_key :: %{
          optional(:header) => String.t(),
          optional(:query) => String.t(),
          optional(:keys) => [String.t()]
        }

  @typedoc """
  Names and passwords (RFC 7617), compared in constant time.

    * `:realm`: Realm of the challenge. Default: `"api"`.
    * `:users`: Passwords by name. Kept out of logs and errors. Default: `%{}`.
  """
  @type basic :: %{
          optional(:realm) => String.t(),
          optional(:users) => %{optional(String.t()) => String.t()}
        }

  @typedoc """
  Who may call. With several schemes an Authorization header decides alone, by its scheme; an API key counts where there is none. With no scheme everybody may.

    * `:jwt`: Bearer tokens.
    * `:basic`: Names and passwords.
    * `:api_key`: API keys.
  """
  @type auth :: %{
          optional(:jwt) => jwt() | nil,
          optional(:basic) => basic() | nil,
          optional(:api_key) => api_key() | nil
        }

  @typedoc """
  A method and a path with what the core checks before the handler runs.

    * `:method`: Its method.
    * `:path`: `/users/{id:int}`; types int, float, bool, uuid, date, datetime, str, path (the rest).
    * `:name`: Name in logs, telemetry and OpenAPI. Default: `""`.
    * `:parameters`: Declared parameters; the handler gets them in this order. Default: `[]`.
    * `:body`: The request body; null when the route takes none.
    * `:inject`: Names of the dependencies the handler takes, in order. Default: `[]`.
    * `:inject_types`: JSON types that injected values must have; checked at start-up. Default: `%{}`.
    * `:dependencies`: Dependencies of this route; one with the name of an application's replaces it. Default: `[]`.
    * `:auth`: Who may call this route, instead of the application's `auth`; `{}` lets everybody. Null for the application's.
    * `:scopes`: Scopes that a token's `scope` (or `scp`, or `scopes`) must all have, else 403. Default: `[]`.
    * `:timeout_ms`: Time-out of this route; null for the application's. In ms.
    * `:blocking`: A C++ handler that blocks: it runs on the blocking pool. Hosts decide this themselves. Default: `false`.
  """
  @type route :: %{
          required(:method) => http_method(),
          required(:path) => String.t(),
          optional(:name) => String.t(),
          optional(:parameters) => [parameter()],
          optional(:body) => body() | nil,
          optional(:inject) => [String.t()],
          optional(:inject_types) => %{optional(String.t()) => json_type()},
          optional(:dependencies) => [dependency()],
          optional(:auth) => auth() | nil,
          optional(:scopes) => [String.t()],
          optional(:timeout_ms) => non_neg_integer() | nil,
          optional(:blocking) => boolean()
        }

  @typedoc """
  Names of the hooks of each phase, in the order they run. A name is for logs; the number of a hook in the port is its place.

    * `:on_request`: After routing and authentication, before the body is read. Default: `[]`.
    * `:pre_validation`: After the body was read, before it is validated. Default: `[]`.
    * `:pre_handler`: After validation, before the handler. Default: `[]`.
    * `:on_response`: After the handler has answered. Default: `[]`.
    * `:on_error`: Instead of `on_response` after an exception. Default: `[]`.
  """
  @type hooks :: %{
          optional(:on_request) => [String.t()],
          optional(:pre_validation) => [String.t()],
          optional(:pre_handler) => [String.t()],
          optional(:on_response) => [String.t()],
          optional(:on_error) => [String.t()]
        }

  @typedoc """
  A request id taken from the client or made.

    * `:enabled`: Requests get an id, and answers tell it. Default: `false`.
    * `:header`: Header it is read from and written to. Default: `"x-request-id"`.
  """
  @type request_id :: %{
          optional(:enabled) => boolean(),
          optional(:header) => String.t()
        }

  @typedoc """
  The longest a request may take.

    * `:ms`: From the end of the request head to the start of the answer; null for none. In ms.
    * `:status`: Status of the answer when it is over. Default: `408`.
  """
  @type timeout_config :: %{
          optional(:ms) => non_neg_integer() | nil,
          optional(:status) => integer()
        }

  @typedoc """
  Limits on what a client may send or hold.

    * `:body_bytes`: Request body; more gets 413. In bytes. Default: `10485760`.
    * `:header_bytes`: Request line and headers; more gets 431. In bytes. Default: `65536`.
    * `:header_count`: Number of request headers; more gets 431. Default: `128`.
    * `:uri_bytes`: Request target; more gets 414. In bytes. Default: `8192`.
    * `:json_depth`: Containers inside each other in a JSON body; more gets 400. Default: `128`.
    * `:header_timeout_ms`: From the first byte of a request to the end of its head. In ms. Default: `10000`.
    * `:body_timeout_ms`: Between two reads of a request body. In ms. Default: `30000`.
    * `:idle_timeout_ms`: Of a kept connection between two requests. In ms. Default: `75000`.
    * `:write_timeout_ms`: Without progress in sending an answer. In ms. Default: `30000`.
    * `:connections`: Open connections of an I/O loop; further ones wait to be accepted. Default: `65536`.
    * `:pipeline`: Requests of one connection in flight at once; further ones are not read yet. Default: `64`.
  """
  @type limits :: %{
          optional(:body_bytes) => non_neg_integer(),
          optional(:header_bytes) => non_neg_integer(),
          optional(:header_count) => non_neg_integer(),
          optional(:uri_bytes) => non_neg_integer(),
          optional(:json_depth) => non_neg_integer(),
          optional(:header_timeout_ms) => non_neg_integer(),
          optional(:body_timeout_ms) => non_neg_integer(),
          optional(:idle_timeout_ms) => non_neg_integer(),
          optional(:write_timeout_ms) => non_neg_integer(),
          optional(:connections) => non_neg_integer(),
          optional(:pipeline) => non_neg_integer()
        }

  @typedoc """
  Limits of multipart/form-data bodies beside `limits.body_bytes`. They are parsed while they arrive.

    * `:parts`: Parts of a body; more gets 413. Default: `1000`.
    * `:header_bytes`: Headers of a part; more gets 413. In bytes. Default: `16384`.
    * `:field_bytes`: Text fields of a body together; more gets 413. In bytes. Default: `1048576`.
    * `:file_bytes`: Largest file; more gets 413. Null for no limit but the body's. In bytes.
    * `:memory_bytes`: Files of a body that are kept in memory, together. A file that does not fit goes to a temporary file, which is deleted when the request has ended. In bytes. Default: `1048576`.
    * `:directory`: Folder of the temporary files. Default: `"/tmp"`.
  """
  @type multipart :: %{
          optional(:parts) => non_neg_integer(),
          optional(:header_bytes) => non_neg_integer(),
          optional(:field_bytes) => non_neg_integer(),
          optional(:file_bytes) => non_neg_integer() | nil,
          optional(:memory_bytes) => non_neg_integer(),
          optional(:directory) => String.t()
        }

  @typedoc """
  Buffered request bodies with a Content-Encoding, decoded while they arrive.

    * `:encodings`: Codings that are taken, one a body; others get 415 with Accept-Encoding. Default: `["gzip", "deflate", "br"]`.
    * `:max_bytes`: Largest body once decoded; more gets 413. Null for the body's own limit, which always holds for what was sent. In bytes.
  """
  @type decompression :: %{
          optional(:encodings) => [content_coding()],
          optional(:max_bytes) => non_neg_integer() | nil
        }

  @typedoc """
  The health endpoints. A route with the same path wins.

    * `:enabled`: They are served. Default: `true`.
    * `:live`: 200 while the process works. Default: `"/healthz"`.
    * `:ready`: 200 while every required component is ready and no drain has begun, else 503. Default: `"/readyz"`.
  """
  @type health :: %{
          optional(:enabled) => boolean(),
          optional(:live) => String.t(),
          optional(:ready) => String.t()
        }

  @typedoc """
  Cross-origin requests (Fetch). Preflights are answered before routing and authentication; all answers, errors too, have the headers.

    * `:allow_origins`: Origins as browsers send them, `https://app.example.com`, compared exactly; `*` for all. Default: `[]`.
    * `:allow_origin_patterns`: Regular expressions (ECMA-262) that the whole of an origin must match. Default: `[]`.
    * `:allow_methods`: Methods that a preflight may ask for, in upper case; `*` for all. Default: `["GET", "HEAD", "POST"]`.
    * `:allow_headers`: Request headers that a preflight may ask for, in any case; `*` for all. Default: `[]`.
    * `:expose_headers`: Response headers that pages may read. Default: `[]`.
    * `:allow_credentials`: Pages may send cookies and credentials. With `*` the origin is then named in the answer. Default: `false`.
    * `:max_age`: How long a browser may keep a preflight's answer; null for its own default. In s.
    * `:on_disallowed`: What becomes of a request from another origin. A preflight always gets 403. Default: `"serve"`.
  """
  @type cors :: %{
          optional(:allow_origins) => [String.t()],
          optional(:allow_origin_patterns) => [String.t()],
          optional(:allow_methods) => [String.t()],
          optional(:allow_headers) => [String.t()],
          optional(:expose_headers) => [String.t()],
          optional(:allow_credentials) => boolean(),
          optional(:max_age) => non_neg_integer() | nil,
          optional(:on_disallowed) => cors_disallowed()
        }

  @typedoc """
  Coding of answers by Accept-Encoding (RFC 9110 12.5.3), streamed ones too. Text, JSON, XML, JavaScript and SVG are coded; what is coded already, ranges and `no-transform` are not.

    * `:gzip`: Offer gzip. Default: `true`.
    * `:brotli`: Offer br. Default: `true`.
    * `:zstd`: Offer zstd. Default: `false`.
    * `:min_size`: Shorter bodies are sent as they are. In bytes. Default: `1024`.
    * `:quality`: From fast to small, on the scale of brotli; gzip ends at 9. Default: `4`.
  """
  @type compression :: %{
          optional(:gzip) => boolean(),
          optional(:brotli) => boolean(),
          optional(:zstd) => boolean(),
          optional(:min_size) => non_neg_integer(),
          optional(:quality) => non_neg_integer()
        }

  @typedoc """
  Files of a folder. A path without a file goes on to the routes. Hidden files (`.x`, but not `.well-known`) are not served, nor links out of the folder.

    * `:prefix`: Path that they are below, as `/static`; `/` for all paths.
    * `:directory`: The folder. It must be there at start-up.
    * `:index_file`: A folder's path with `/` at its end gives its index.html; without, it is redirected there. Default: `false`.
    * `:cache_control`: Value of Cache-Control; null for none.
    * `:precompressed`: Serve `x.js.br`, `.zst` or `.gz` for `x.js` to those who accept it. Default: `false`.
  """
  @type static_files :: %{
          required(:prefix) => String.t(),
          required(:directory) => String.t(),
          optional(:index_file) => boolean(),
          optional(:cache_control) => String.t() | nil,
          optional(:precompressed) => boolean()
        }

  @typedoc """
  Token buckets in memory, shared by the loops of a process. Without a token the answer is 429 with Retry-After. Health and metrics paths are not counted.

    * `:per_second`: Tokens a bucket gets in a second: a number over 0, such as 0.5.
    * `:burst`: Tokens a bucket holds at most. Default: `1`.
    * `:by`: Who has a bucket. Default: `"ip"`.
    * `:header`: Name of the header where `by` is header. Default: `""`.
    * `:max_keys`: Buckets kept at most; over it the one that was used longest ago goes. Default: `100000`.
  """
  @type rate_limit :: %{
          required(:per_second) => term(),
          optional(:burst) => non_neg_integer(),
          optional(:by) => rate_limit_by(),
          optional(:header) => String.t(),
          optional(:max_keys) => non_neg_integer()
        }

  @typedoc """
  Headers that every answer has unless the handler set them itself. An empty text leaves one out.

    * `:content_type_options`: X-Content-Type-Options. Default: `"nosniff"`.
    * `:frame_options`: X-Frame-Options. Default: `"DENY"`.
    * `:referrer_policy`: Referrer-Policy. Default: `"no-referrer"`.
    * `:strict_transport_security`: Strict-Transport-Security, on encrypted connections only. Default: `"max-age=31536000"`.
    * `:content_security_policy`: Content-Security-Policy. Default: `""`.
    * `:permissions_policy`: Permissions-Policy. Default: `""`.
    * `:cross_origin_opener_policy`: Cross-Origin-Opener-Policy. Default: `""`.
    * `:cross_origin_resource_policy`: Cross-Origin-Resource-Policy. Default: `""`.
  """
  @type security_headers :: %{
          optional(:content_type_options) => String.t(),
          optional(:frame_options) => String.t(),
          optional(:referrer_policy) => String.t(),
          optional(:strict_transport_security) => String.t(),
          optional(:content_security_policy) => String.t(),
          optional(:permissions_policy) => String.t(),
          optional(:cross_origin_opener_policy) => String.t(),
          optional(:cross_origin_resource_policy) => String.t()
        }

  @typedoc """
  The HTTP server.

    * `:listeners`: Addresses; none: reached in memory only. `run()` of a binding adds 127.0.0.1:8000 when there is none. Default: `[]`.
    * `:routes`: Routes; the index of one is its id. Default: `[]`.
    * `:hooks`: Hooks of the application.
    * `:dependencies`: Dependencies of the application. Default: `[]`.
    * `:request_id`: Request ids.
    * `:timeout`: Time-out of every request.
    * `:limits`: Limits on what a client may send or hold.
    * `:auth`: Who may call; null for everybody.
    * `:decompression`: Bodies with a Content-Encoding; null leaves them as they are.
    * `:multipart`: Limits of multipart bodies.
    * `:trusted_hosts`: Values of Host that are served, without port, `*.example.com` for all below; others get 400. None: all. Default: `[]`.
    * `:rate_limit`: How fast clients may ask; null for no limit.
    * `:static_files`: Folders that are served; the longest prefix that has the file counts. Default: `[]`.
    * `:cors`: Cross-origin requests; null for none.
    * `:compression`: Coding of answers; null for none.
    * `:security_headers`: Security headers of every answer; null for none.
    * `:problem_base`: What the `type` of a problem document starts with. Default: `"https://spikard.dev/problems/"`.
    * `:health`: Health endpoints.
    * `:server_header`: Value of the Server header; null for none.
  """
  @type http_config :: %{
          optional(:listeners) => [listener()],
          optional(:routes) => [route()],
          optional(:hooks) => hooks(),
          optional(:dependencies) => [dependency()],
          optional(:request_id) => request_id(),
          optional(:timeout) => timeout_config(),
          optional(:limits) => limits(),
          optional(:auth) => auth() | nil,
          optional(:decompression) => decompression() | nil,
          optional(:multipart) => multipart(),
          optional(:trusted_hosts) => [String.t()],
          optional(:rate_limit) => rate_limit() | nil,
          optional(:static_files) => [static_files()],
          optional(:cors) => cors() | nil,
          optional(:compression) => compression() | nil,
          optional(:security_headers) => security_headers() | nil,
          optional(:problem_base) => String.t(),
          optional(:health) => health(),
          optional(:server_header) => String.t() | nil
        }

  @typedoc """
  Signed URLs of `memory:` and `file:`, which the application's own HTTP server answers.

    * `:base_url`: What stands before the path of a signed URL, `https://files.example.com`. Empty: the address of the first TCP listener, which is no use to others where that is 0.0.0.0 or behind a proxy: say it there. Default: `""`.
    * `:path`: Path below which signed URLs are answered; the name of the store comes next. Default: `"/_spikard/storage"`.
    * `:secret`: Key of the signatures, and of the tokens of listings and uploads. Empty: a random one, which `file:` keeps in its folder and `memory:` forgets at the end of the process; elsewhere the key or secret of the store that is in the configuration, without which there are no uploads in parts. Default: `""`.
    * `:max_upload_bytes`: Largest body that a signed PUT takes, also of one part of an upload; more gets 413. In bytes. Default: `5368709120`.
  """
  @type storage_presign :: %{
          optional(:base_url) => String.t(),
          optional(:path) => String.t(),
          optional(:secret) => String.t(),
          optional(:max_upload_bytes) => non_neg_integer()
        }

  @typedoc """
  What `s3:` needs beside the bucket.

    * `:region`: Region of the bucket. Default: `"us-east-1"`.
    * `:endpoint`: `https://host[:port]` without the bucket. Empty: that of AWS in the region. Default: `""`.
    * `:addressing`: Where the bucket stands in a URL. Default: `"virtual"`.
    * `:access_key`: Access key id. Empty, with `secret_key`: the usual chain of AWS (environment, profile, web identity, container, machine). Default: `""`.
    * `:secret_key`: Secret access key. Default: `""`.
    * `:session_token`: Token of temporary credentials; empty for none. Default: `""`.
    * `:profile`: Profile of the chain. Empty: that of `AWS_PROFILE`, or `default`. Default: `""`.
  """
  @type s3_options :: %{
          optional(:region) => String.t(),
          optional(:endpoint) => String.t(),
          optional(:addressing) => s3_addressing(),
          optional(:access_key) => String.t(),
          optional(:secret_key) => String.t(),
          optional(:session_token) => String.t(),
          optional(:profile) => String.t()
        }

  @typedoc """
  What `gcs:` needs beside the bucket.

    * `:endpoint`: `https://host[:port]`. Empty: that of Google. Default: `""`.
    * `:credential`: JSON of a service account or another credential. Empty, with `credential_file`: the application default credentials. Default: `""`.
    * `:credential_file`: File with that JSON. Default: `""`.
    * `:anonymous`: Requests without credentials: emulators, public buckets. Default: `false`.
  """
  @type gcs_options :: %{
          optional(:endpoint) => String.t(),
          optional(:credential) => String.t(),
          optional(:credential_file) => String.t(),
          optional(:anonymous) => boolean()
        }

  @typedoc """
  What `azblob:` needs beside the container.

    * `:account`: Name of the storage account. Default: `""`.
    * `:endpoint`: `https://host[:port]`, with the account in the path where it is not in the host. Empty: that of Azure for the account. Default: `""`.
    * `:account_key`: Key of the account, base64. Empty, with `sas_token`: the usual chain of Azure (environment, workload identity, machine). Default: `""`.
    * `:sas_token`: A shared access signature instead of a key. Default: `""`.
    * `:anonymous`: Requests without credentials: public containers. Default: `false`.
  """
  @type azblob_options :: %{
          optional(:account) => String.t(),
          optional(:endpoint) => String.t(),
          optional(:account_key) => String.t(),
          optional(:sas_token) => String.t(),
          optional(:anonymous) => boolean()
        }

  @typedoc """
  How stores on other machines are spoken to.

    * `:timeout_ms`: Longest silence of the server; then the request is made again. In ms. Default: `30000`.
    * `:max_retries`: How often a request is made again after a failure that may pass, with growing pauses. Default: `3`.
    * `:concurrency`: Parts of one streamed write that are sent at once; each is held in memory (8 MiB). Default: `2`.
  """
  @type storage_transfer :: %{
          optional(:timeout_ms) => non_neg_integer(),
          optional(:max_retries) => non_neg_integer(),
          optional(:concurrency) => non_neg_integer()
        }

  @typedoc """
  A store of objects.

    * `:url`: `memory:`, `file:DIR`, `s3://BUCKET`, `gcs://BUCKET`, `azblob://CONTAINER`, or the scheme of another service of OpenDAL with its members in `options`: `webdav:`. Default: `"file:data/objects"`.
    * `:max_read_bytes`: Largest object (or range) that `read` gives in one piece; more is too_large: stream it. In bytes. Default: `67108864`.
    * `:max_memory_bytes`: All objects of a `memory:` store together; a write over it is too_large. In bytes. Default: `1073741824`.
    * `:durable`: `file:` waits until a write or delete is on the disk. Without it an object is still old or new after a crash of the process, but a power cut may lose it. Default: `true`.
    * `:presign`: Signed URLs of `memory:` and `file:`.
    * `:s3`: Of `s3:` only.
    * `:gcs`: Of `gcs:` only.
    * `:azblob`: Of `azblob:` only.
    * `:options`: Of OpenDAL's further services, by the names they have there. Values are kept out of logs. Default: `%{}`.
    * `:transfer`: Of all but `memory:` and `file:`.
  """
  @type storage_config :: %{
          optional(:url) => String.t(),
          optional(:max_read_bytes) => non_neg_integer(),
          optional(:max_memory_bytes) => non_neg_integer(),
          optional(:durable) => boolean(),
          optional(:presign) => storage_presign(),
          optional(:s3) => s3_options(),
          optional(:gcs) => gcs_options(),
          optional(:azblob) => azblob_options(),
          optional(:options) => %{optional(String.t()) => String.t()},
          optional(:transfer) => storage_transfer()
        }

  @typedoc """
  A store of tasks.

    * `:url`: `memory:`, `sqlite:FILE`, or the URL of another backend. Default: `"sqlite:data/app.db"`.
    * `:retention_ms`: How long completed jobs and their results are kept. In ms. Default: `86400000`.
    * `:failed_retention_ms`: How long discarded and cancelled jobs are kept. In ms. Default: `604800000`.
    * `:poll_ms`: How often a worker looks for what other processes enqueued, where the store does not tell it. In ms. Default: `100`.
  """
  @type tasks_config :: %{
          optional(:url) => String.t(),
          optional(:retention_ms) => non_neg_integer(),
          optional(:failed_retention_ms) => non_neg_integer(),
          optional(:poll_ms) => non_neg_integer()
        }

  @typedoc """
  What runs the tasks of a queue in this application.

    * `:name`: Its name in reports, logs and telemetry; unique.
    * `:client`: Which of `services.tasks`. Default: `"default"`.
    * `:queue`: Its queue. Default: `"default"`.
    * `:concurrency`: Handlers at once, in each process. Default: `16`.
    * `:lease_ms`: A job comes back this long after its worker died; renewed every third of it while the handler runs. In ms. Default: `10000`.
    * `:timeout_ms`: The longest a run may take where the task has no limit of its own; null for none. In ms.
    * `:tasks`: Names it has handlers for; any other is discarded with the code unknown_task. Empty: all. Default: `[]`.
  """
  @type worker :: %{
          required(:name) => String.t(),
          optional(:client) => String.t(),
          optional(:queue) => String.t(),
          optional(:concurrency) => non_neg_integer(),
          optional(:lease_ms) => non_neg_integer(),
          optional(:timeout_ms) => non_neg_integer() | nil,
          optional(:tasks) => [String.t()]
        }

  @typedoc """
  A task that is enqueued by the clock.

    * `:name`: Its name; the same in every process of the application.
    * `:client`: Which of `services.tasks`. Default: `"default"`.
    * `:cron`: Five or six fields, or a macro such as `@daily`.
    * `:timezone`: A name of the IANA data base, such as `Europe/Berlin`. Default: `"UTC"`.
    * `:queue`: Where its jobs go. Default: `"default"`.
    * `:task`: The task's name. Empty: the schedule's. Default: `""`.
    * `:args`: The arguments of every job.
    * `:priority`: Higher goes first. Default: `0`.
    * `:max_attempts`: Runs of a job at most. Default: `5`.
    * `:timeout_ms`: The longest a run may take; null for the worker's limit. In ms.
    * `:misfire`: What becomes of times at which no scheduler ran. Default: `"once"`.
    * `:overlap`: What becomes of a time while the job before has not ended. Default: `"allow"`.
  """
  @type schedule :: %{
          required(:name) => String.t(),
          optional(:client) => String.t(),
          required(:cron) => String.t(),
          optional(:timezone) => String.t(),
          optional(:queue) => String.t(),
          optional(:task) => String.t(),
          optional(:args) => term(),
          optional(:priority) => integer(),
          optional(:max_attempts) => non_neg_integer(),
          optional(:timeout_ms) => non_neg_integer() | nil,
          optional(:misfire) => misfire(),
          optional(:overlap) => overlap()
        }

  @typedoc """
  Telemetry. Off unless an exporter is named here or by the environment (`OTEL_TRACES_EXPORTER`, `OTEL_METRICS_EXPORTER`, `OTEL_LOGS_EXPORTER`, or any of the `OTEL_EXPORTER_OTLP_...ENDPOINT` variables). What is null here comes from the `OTEL_...` variable it names, else from OpenTelemetry's default. `OTEL_SDK_DISABLED=true` turns everything off.

    * `:exporter`: Where it goes; null for what `OTEL_TRACES_EXPORTER` and its like say.
    * `:service_name`: Resource attribute `service.name`; null for `OTEL_SERVICE_NAME`, else the name of the application.
    * `:resource`: Further resource attributes. `OTEL_RESOURCE_ATTRIBUTES` is merged with them, what stands here wins. Default: `%{}`.
    * `:sampler`: Which traces are recorded (`OTEL_TRACES_SAMPLER`, `parentbased_always_on`).
    * `:sampler_arg`: The share of the two ratio samplers, a number from 0 to 1 (`OTEL_TRACES_SAMPLER_ARG`, 1).
    * `:endpoint`: Base URL of the collector, to which `/v1/traces`, `/v1/metrics` and `/v1/logs` are added but for gRPC (`OTEL_EXPORTER_OTLP_ENDPOINT`, `http://localhost:4318`, for gRPC `http://localhost:4317`).
    * `:headers`: Header fields sent to the collector, beside those of `OTEL_EXPORTER_OTLP_HEADERS`. Never logged. Default: `%{}`.
    * `:certificate`: PEM file of the roots that an `https` collector is checked against (`OTEL_EXPORTER_OTLP_CERTIFICATE`, the system's).
    * `:compression`: How it is compressed (`OTEL_EXPORTER_OTLP_COMPRESSION`, none).
    * `:traces`: Spans are made and exported. Default: `true`.
    * `:metrics`: Metrics are exported. Default: `true`.
    * `:logs`: Log records are exported. Default: `true`.
    * `:export_timeout_ms`: The longest that one export may take, retries included (`OTEL_EXPORTER_OTLP_TIMEOUT`, 10000). In ms.
    * `:schedule_delay_ms`: The longest that a span or log record waits for its batch (`OTEL_BSP_SCHEDULE_DELAY`, `OTEL_BLRP_SCHEDULE_DELAY`, 5000 and 1000). In ms.
    * `:max_queue_size`: Spans, and log records, that may wait; one more is dropped and counted (`OTEL_BSP_MAX_QUEUE_SIZE`, `OTEL_BLRP_MAX_QUEUE_SIZE`, 2048).
    * `:max_export_batch_size`: Spans, and log records, of one request to the collector (`OTEL_BSP_MAX_EXPORT_BATCH_SIZE`, `OTEL_BLRP_MAX_EXPORT_BATCH_SIZE`, 512).
    * `:metric_interval_ms`: Time between two exports of the metrics (`OTEL_METRIC_EXPORT_INTERVAL`, 60000). In ms.
    * `:metrics_path`: Path at which the application's HTTP server answers with all metrics, in the text format of Prometheus or, where the client prefers it, OpenMetrics. Null: nowhere.
  """
  @type telemetry_config :: %{
          optional(:exporter) => telemetry_exporter() | nil,
          optional(:service_name) => String.t() | nil,
          optional(:resource) => %{optional(String.t()) => String.t()},
          optional(:sampler) => telemetry_sampler() | nil,
          optional(:sampler_arg) => term(),
          optional(:endpoint) => String.t() | nil,
          optional(:headers) => %{optional(String.t()) => String.t()},
          optional(:certificate) => String.t() | nil,
          optional(:compression) => telemetry_compression() | nil,
          optional(:traces) => boolean(),
          optional(:metrics) => boolean(),
          optional(:logs) => boolean(),
          optional(:export_timeout_ms) => non_neg_integer() | nil,
          optional(:schedule_delay_ms) => non_neg_integer() | nil,
          optional(:max_queue_size) => non_neg_integer() | nil,
          optional(:max_export_batch_size) => non_neg_integer() | nil,
          optional(:metric_interval_ms) => non_neg_integer() | nil,
          optional(:metrics_path) => String.t() | nil
        }

  @typedoc """
  The four spans of the drain (docs/guide/shutdown.md). Exit never takes longer than their sum.

    * `:delay_ms`: Time between readiness turning 503 and the end of accepting, for load balancers. In ms. Default: `0`.
    * `:timeout_ms`: What is in flight may take this long to finish. In ms. Default: `20000`.
    * `:cleanup_ms`: Cancelled handlers may take this long to end. In ms. Default: `1000`.
    * `:flush_ms`: Telemetry and logs may take this long to be written. In ms. Default: `2000`.
  """
  @type shutdown :: %{
          optional(:delay_ms) => non_neg_integer(),
          optional(:timeout_ms) => non_neg_integer(),
          optional(:cleanup_ms) => non_neg_integer(),
          optional(:flush_ms) => non_neg_integer()
        }

  @typedoc """
  Structured logging.

    * `:format`: How a record is written. Default: `"json"`.
    * `:level`: The lowest level that is written. Default: `"info"`.
  """
  @type log :: %{
          optional(:format) => log_format(),
          optional(:level) => log_level()
        }

  @typedoc """
  The toolbox, by name. A name is what code asks for; `default` is there without being named here.

    * `:cache`: Caches. Default: `%{}`.
    * `:storage`: Stores of objects. Default: `%{}`.
    * `:db`: Databases. Default: `%{}`.
    * `:messaging`: Message brokers. Default: `%{}`.
    * `:tasks`: Stores of tasks. Default: `%{}`.
    * `:events`: Where events are sent. Default: `%{}`.
  """
  @type services :: %{
          optional(:cache) => %{optional(String.t()) => cache_config()},
          optional(:storage) => %{optional(String.t()) => storage_config()},
          optional(:db) => %{optional(String.t()) => db_config()},
          optional(:messaging) => %{optional(String.t()) => messaging_config()},
          optional(:tasks) => %{optional(String.t()) => tasks_config()},
          optional(:events) => %{optional(String.t()) => event_sender()}
        }

  @typedoc """
  The whole application.

    * `:name`: Name of the application, in logs and telemetry. Default: `"app"`.
    * `:clock`: Where time comes from. Default: `"real"`.
    * `:io_threads`: I/O loops of a C++ program, or of a port with the threaded drive. Default: `1`.
    * `:drive`: Who does the I/O of a port. Default: `"inline"`.
    * `:handle_signals`: SIGTERM and SIGINT begin the drain, SIGHUP reads certificates again (C++ and C programs). Off in an application embedded in another program. Default: `true`.
    * `:http`: The HTTP server; null for an application without one.
    * `:roles`: What this process runs; none: everything. `SPIKARD_ROLES=web,worker`. Default: `[]`.
    * `:in_memory_stores`: For tests: `sqlite:` files become `sqlite::memory:` and `file:` folders `memory:`, so that nothing is left behind and nothing is met. Default: `false`.
    * `:faults`: For tests: what goes wrong in the clients of the toolbox. Needs the virtual clock.
    * `:services`: The toolbox: caches, object stores, databases, brokers, task stores.
    * `:consumers`: Message consumers; the index of one is its number in the port. Default: `[]`.
    * `:workers`: Task workers; the index of one is its number in the port. Default: `[]`.
    * `:schedules`: Tasks enqueued by the clock. Default: `[]`.
    * `:events`: Paths that take CloudEvents. Their subscriptions name handlers by their number in the port. Default: `[]`.
    * `:event_consumers`: Message consumers whose messages are CloudEvents. Default: `[]`.
    * `:telemetry`: Traces, metrics and logs.
    * `:shutdown`: The drain.
    * `:log`: Logging.
  """
  @type manifest :: %{
          optional(:name) => String.t(),
          optional(:clock) => clock_kind(),
          optional(:io_threads) => non_neg_integer(),
          optional(:drive) => drive(),
          optional(:handle_signals) => boolean(),
          optional(:http) => http_config() | nil,
          optional(:roles) => [role()],
          optional(:in_memory_stores) => boolean(),
          optional(:faults) => faults() | nil,
          optional(:services) => services(),
          optional(:consumers) => [consumer()],
          optional(:workers) => [worker()],
          optional(:schedules) => [schedule()],
          optional(:events) => [event_endpoint()],
          optional(:event_consumers) => [event_consumer()],
          optional(:telemetry) => telemetry_config(),
          optional(:shutdown) => shutdown(),
          optional(:log) => log()
        }
end
