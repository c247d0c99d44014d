# Generated from spec/operations by codegen. Do not edit.
# Clients of the toolbox: one function an operation. The modules that applications use (lib/spikard/toolbox) take these in and add what is native to Elixir. Spans of time are in milliseconds.

defmodule Spikard.Generated.Cache do
  @moduledoc false

  defmacro __using__(_) do
    quote location: :keep do
      alias Spikard.Client

      @doc false
      def __group__, do: :cache

      @doc ~S"""
      The value of a key; null for a miss.

        * `key`: The key.

      Options:

        * `:namespace`: The namespace. Default: `""`.

      Gives null for a miss.

      Errors: `:invalid_argument`, `:unavailable`, `:timeout`.
      """
      @spec get(Client.t(), String.t(), keyword()) :: {:ok, binary() | nil} | {:error, Spikard.Error.t()}
      def get(client, key, opts \\ []),
        do: Client.call(client, 32, [{"key", key, :any}], opts, [namespace: {"namespace", :any}], [{"value", :value, nil}])

      @doc "As `get`, but raises `Spikard.Error`."
      @spec get!(Client.t(), String.t(), keyword()) :: binary() | nil
      def get!(client, key, opts \\ []), do: Client.bang(get(client, key, opts))

      @doc ~S"""
      Sets a key, whatever was there.

        * `key`: The key.
        * `value`: The value.

      Options:

        * `:ttl_ms`: How long it lives. Null: as long as the cache's default says. In ms. Default: `nil`.
        * `:forever`: No time limit, whatever the default. Default: `false`.
        * `:tags`: What `cache.invalidate_tags` finds it by. Default: `[]`.
        * `:weight`: What it counts towards the cache's limit, in its unit (entries or bytes). 0: one entry, or its bytes. Default: `0`.
        * `:namespace`: The namespace. Default: `""`.

      Errors: `:invalid_argument`, `:too_large`, `:unavailable`, `:timeout`.
      """
      @spec set(Client.t(), String.t(), iodata(), keyword()) :: :ok | {:error, Spikard.Error.t()}
      def set(client, key, value, opts \\ []),
        do: Client.call(client, 33, [{"key", key, :any}, {"value", value, :bytes}], opts, [ttl_ms: {"ttl_ms", :any}, forever: {"forever", :any}, tags: {"tags", :any}, weight: {"weight", :any}, namespace: {"namespace", :any}], [])

      @doc "As `set`, but raises `Spikard.Error`."
      @spec set!(Client.t(), String.t(), iodata(), keyword()) :: :ok
      def set!(client, key, value, opts \\ []), do: Client.bang(set(client, key, value, opts))

      @doc ~S"""
      Deletes a key.

        * `key`: The key.

      Options:

        * `:namespace`: The namespace. Default: `""`.

      Gives whether it was there.

      Errors: `:invalid_argument`, `:unavailable`, `:timeout`.
      """
      @spec delete(Client.t(), String.t(), keyword()) :: {:ok, boolean()} | {:error, Spikard.Error.t()}
      def delete(client, key, opts \\ []),
        do: Client.call(client, 34, [{"key", key, :any}], opts, [namespace: {"namespace", :any}], [{"value", :value, nil}])

      @doc "As `delete`, but raises `Spikard.Error`."
      @spec delete!(Client.t(), String.t(), keyword()) :: boolean()
      def delete!(client, key, opts \\ []), do: Client.bang(delete(client, key, opts))

      @doc ~S"""
      Whether a key is there. Counts as no use of it.

        * `key`: The key.

      Options:

        * `:namespace`: The namespace. Default: `""`.

      Gives whether it is there.

      Errors: `:invalid_argument`, `:unavailable`, `:timeout`.
      """
      @spec exists(Client.t(), String.t(), keyword()) :: {:ok, boolean()} | {:error, Spikard.Error.t()}
      def exists(client, key, opts \\ []),
        do: Client.call(client, 35, [{"key", key, :any}], opts, [namespace: {"namespace", :any}], [{"value", :value, nil}])

      @doc "As `exists`, but raises `Spikard.Error`."
      @spec exists!(Client.t(), String.t(), keyword()) :: boolean()
      def exists!(client, key, opts \\ []), do: Client.bang(exists(client, key, opts))

      @doc ~S"""
      Gives a key a new time to live, from now.

        * `key`: The key.

      Options:

        * `:ttl_ms`: How long it lives from now. Null: as long as the cache's default says. In ms. Default: `nil`.
        * `:forever`: No time limit, whatever the default. Default: `false`.
        * `:namespace`: The namespace. Default: `""`.

      Gives whether it is there.

      Errors: `:invalid_argument`, `:unavailable`, `:timeout`.
      """
      @spec touch(Client.t(), String.t(), keyword()) :: {:ok, boolean()} | {:error, Spikard.Error.t()}
      def touch(client, key, opts \\ []),
        do: Client.call(client, 36, [{"key", key, :any}], opts, [ttl_ms: {"ttl_ms", :any}, forever: {"forever", :any}, namespace: {"namespace", :any}], [{"value", :value, nil}])

      @doc "As `touch`, but raises `Spikard.Error`."
      @spec touch!(Client.t(), String.t(), keyword()) :: boolean()
      def touch!(client, key, opts \\ []), do: Client.bang(touch(client, key, opts))

      @doc ~S"""
      How long a key has left. A miss is not_found.

        * `key`: The key.

      Options:

        * `:namespace`: The namespace. Default: `""`.

      Gives null: for ever.

      Errors: `:not_found`, `:invalid_argument`, `:unavailable`, `:timeout`.
      """
      @spec ttl(Client.t(), String.t(), keyword()) :: {:ok, non_neg_integer() | nil} | {:error, Spikard.Error.t()}
      def ttl(client, key, opts \\ []),
        do: Client.call(client, 37, [{"key", key, :any}], opts, [namespace: {"namespace", :any}], [{"value", :value, nil}])

      @doc "As `ttl`, but raises `Spikard.Error`."
      @spec ttl!(Client.t(), String.t(), keyword()) :: non_neg_integer() | nil
      def ttl!(client, key, opts \\ []), do: Client.bang(ttl(client, key, opts))

      @doc ~S"""
      Adds to an integer that is kept as decimal text, from nought where there is none. The time to live stays. A value that is no integer of 64 bits is invalid_argument with detail not_an_integer, a result that is none out_of_range; both leave the value.

        * `key`: The key.

      Options:

        * `:by`: What to add; may be negative. Default: `1`.
        * `:ttl_ms`: How long it lives if this makes it. Null: as long as the cache's default says. In ms. Default: `nil`.
        * `:forever`: No time limit if this makes it. Default: `false`.
        * `:namespace`: The namespace. Default: `""`.

      Gives the new value.

      Errors: `:invalid_argument`, `:unavailable`, `:timeout`.
      """
      @spec increment(Client.t(), String.t(), keyword()) :: {:ok, integer()} | {:error, Spikard.Error.t()}
      def increment(client, key, opts \\ []),
        do: Client.call(client, 38, [{"key", key, :any}], opts, [by: {"by", :any}, ttl_ms: {"ttl_ms", :any}, forever: {"forever", :any}, namespace: {"namespace", :any}], [{"value", :value, nil}])

      @doc "As `increment`, but raises `Spikard.Error`."
      @spec increment!(Client.t(), String.t(), keyword()) :: integer()
      def increment!(client, key, opts \\ []), do: Client.bang(increment(client, key, opts))

      @doc ~S"""
      Sets a key that is not there.

        * `key`: The key.
        * `value`: The value.

      Options:

        * `:ttl_ms`: How long it lives. Null: as long as the cache's default says. In ms. Default: `nil`.
        * `:forever`: No time limit, whatever the default. Default: `false`.
        * `:tags`: What `cache.invalidate_tags` finds it by. Default: `[]`.
        * `:weight`: As in `cache.set`. Default: `0`.
        * `:namespace`: The namespace. Default: `""`.

      Gives whether it was set.

      Errors: `:invalid_argument`, `:too_large`, `:unavailable`, `:timeout`.
      """
      @spec set_if_absent(Client.t(), String.t(), iodata(), keyword()) :: {:ok, boolean()} | {:error, Spikard.Error.t()}
      def set_if_absent(client, key, value, opts \\ []),
        do: Client.call(client, 39, [{"key", key, :any}, {"value", value, :bytes}], opts, [ttl_ms: {"ttl_ms", :any}, forever: {"forever", :any}, tags: {"tags", :any}, weight: {"weight", :any}, namespace: {"namespace", :any}], [{"value", :value, nil}])

      @doc "As `set_if_absent`, but raises `Spikard.Error`."
      @spec set_if_absent!(Client.t(), String.t(), iodata(), keyword()) :: boolean()
      def set_if_absent!(client, key, value, opts \\ []), do: Client.bang(set_if_absent(client, key, value, opts))

      @doc ~S"""
      Deletes a key if it has this value.

        * `key`: The key.
        * `equals`: The value it must have.

      Options:

        * `:namespace`: The namespace. Default: `""`.

      Gives whether it was deleted.

      Errors: `:invalid_argument`, `:unavailable`, `:timeout`.
      """
      @spec delete_if(Client.t(), String.t(), iodata(), keyword()) :: {:ok, boolean()} | {:error, Spikard.Error.t()}
      def delete_if(client, key, equals, opts \\ []),
        do: Client.call(client, 40, [{"key", key, :any}, {"equals", equals, :bytes}], opts, [namespace: {"namespace", :any}], [{"value", :value, nil}])

      @doc "As `delete_if`, but raises `Spikard.Error`."
      @spec delete_if!(Client.t(), String.t(), iodata(), keyword()) :: boolean()
      def delete_if!(client, key, equals, opts \\ []), do: Client.bang(delete_if(client, key, equals, opts))

      @doc ~S"""
      The values of keys, in their order; a key may be there twice. At most 65536 keys.

        * `keys`: The keys.

      Options:

        * `:namespace`: The namespace. Default: `""`.

      Gives one for each key; null for a miss.

      Errors: `:invalid_argument`, `:unavailable`, `:timeout`.
      """
      @spec get_many(Client.t(), [String.t()], keyword()) :: {:ok, [binary() | nil]} | {:error, Spikard.Error.t()}
      def get_many(client, keys, opts \\ []),
        do: Client.call(client, 41, [{"keys", keys, :any}], opts, [namespace: {"namespace", :any}], [{"value", :value, nil}])

      @doc "As `get_many`, but raises `Spikard.Error`."
      @spec get_many!(Client.t(), [String.t()], keyword()) :: [binary() | nil]
      def get_many!(client, keys, opts \\ []), do: Client.bang(get_many(client, keys, opts))

      @doc ~S"""
      Sets many keys, one after the other; not atomic. At most 65536.

        * `items`: Values by key.

      Options:

        * `:ttl_ms`: How long they live. Null: as long as the cache's default says. In ms. Default: `nil`.
        * `:forever`: No time limit, whatever the default. Default: `false`.
        * `:tags`: What `cache.invalidate_tags` finds them by. Default: `[]`.
        * `:namespace`: The namespace. Default: `""`.

      Errors: `:invalid_argument`, `:too_large`, `:unavailable`, `:timeout`.
      """
      @spec set_many(Client.t(), %{optional(String.t()) => iodata()}, keyword()) :: :ok | {:error, Spikard.Error.t()}
      def set_many(client, items, opts \\ []),
        do: Client.call(client, 42, [{"items", items, {:map, :bytes}}], opts, [ttl_ms: {"ttl_ms", :any}, forever: {"forever", :any}, tags: {"tags", :any}, namespace: {"namespace", :any}], [])

      @doc "As `set_many`, but raises `Spikard.Error`."
      @spec set_many!(Client.t(), %{optional(String.t()) => iodata()}, keyword()) :: :ok
      def set_many!(client, items, opts \\ []), do: Client.bang(set_many(client, items, opts))

      @doc ~S"""
      Deletes every key of the namespace.

      Options:

        * `:namespace`: The namespace. Default: `""`.

      Errors: `:invalid_argument`, `:unavailable`, `:timeout`.
      """
      @spec clear(Client.t(), keyword()) :: :ok | {:error, Spikard.Error.t()}
      def clear(client, opts \\ []),
        do: Client.call(client, 43, [], opts, [namespace: {"namespace", :any}], [])

      @doc "As `clear`, but raises `Spikard.Error`."
      @spec clear!(Client.t(), keyword()) :: :ok
      def clear!(client, opts \\ []), do: Client.bang(clear(client, opts))

      @doc ~S"""
      How many keys the namespace has. Looks at every entry of the cache.

      Options:

        * `:namespace`: The namespace. Default: `""`.

      Gives how many.

      Errors: `:invalid_argument`, `:unavailable`, `:timeout`.
      """
      @spec count(Client.t(), keyword()) :: {:ok, non_neg_integer()} | {:error, Spikard.Error.t()}
      def count(client, opts \\ []),
        do: Client.call(client, 44, [], opts, [namespace: {"namespace", :any}], [{"value", :value, nil}])

      @doc "As `count`, but raises `Spikard.Error`."
      @spec count!(Client.t(), keyword()) :: non_neg_integer()
      def count!(client, opts \\ []), do: Client.bang(count(client, opts))

      @doc ~S"""
      Deletes every key of any namespace that was set with one of these tags.

        * `tags`: The tags.

      Errors: `:invalid_argument`, `:unsupported`, `:unavailable`, `:timeout`.
      """
      @spec invalidate_tags(Client.t(), [String.t()], keyword()) :: :ok | {:error, Spikard.Error.t()}
      def invalidate_tags(client, tags, opts \\ []),
        do: Client.call(client, 45, [{"tags", tags, :any}], opts, [], [])

      @doc "As `invalidate_tags`, but raises `Spikard.Error`."
      @spec invalidate_tags!(Client.t(), [String.t()], keyword()) :: :ok
      def invalidate_tags!(client, tags, opts \\ []), do: Client.bang(invalidate_tags(client, tags, opts))

      @doc ~S"""
      The value of a key, or the duty to load it. See above for what a binding makes of it. A load that another caller has begun is waited for; it fails as that one failed (internal, detail load_failed).

        * `key`: The key.

      Options:

        * `:ttl_ms`: How long the loaded value lives. Null: as long as the cache's default says. In ms. Default: `nil`.
        * `:forever`: No time limit for the loaded value. Default: `false`.
        * `:negative_ttl_ms`: How long it is remembered that the loader found nothing. 0: not at all. In ms. Default: `0`.
        * `:stale_if_error_ms`: How long past its time the loaded value is kept, to be answered when a load fails. In ms. Default: `0`.
        * `:early_refresh_ms`: A hit with less than this left makes one caller load it again in the background. In ms. Default: `0`.
        * `:wait_ms`: How long to wait for another caller's load; then timeout. Null: as long as it takes. In ms. Default: `nil`.
        * `:load_timeout_ms`: A load that takes longer is given to another caller; its result is then thrown away. In ms. Default: `30000`.
        * `:tags`: Tags of the loaded value. Default: `[]`.
        * `:weight`: Weight of the loaded value, as in `cache.set`. Default: `0`.
        * `:namespace`: The namespace. Default: `""`.

      Gives a map:

        * `:state`: `value`, or `load`: the caller must load and call `cache.end_load`.
        * `:value`: With `value`: the value; null is known not to exist.
        * `:flight`: What to give to `cache.end_load`; with `value`: load in the background.

      Errors: `:invalid_argument`, `:timeout`, `:cancelled`, `:unavailable`, `:internal`.
      """
      @spec get_or_begin_load(Client.t(), String.t(), keyword()) :: {:ok, %{state: String.t(), value: binary() | nil, flight: non_neg_integer() | nil}} | {:error, Spikard.Error.t()}
      def get_or_begin_load(client, key, opts \\ []),
        do: Client.call(client, 46, [{"key", key, :any}], opts, [ttl_ms: {"ttl_ms", :any}, forever: {"forever", :any}, negative_ttl_ms: {"negative_ttl_ms", :any}, stale_if_error_ms: {"stale_if_error_ms", :any}, early_refresh_ms: {"early_refresh_ms", :any}, wait_ms: {"wait_ms", :any}, load_timeout_ms: {"load_timeout_ms", :any}, tags: {"tags", :any}, weight: {"weight", :any}, namespace: {"namespace", :any}], [{"state", :state, nil}, {"value", :value, nil}, {"flight", :flight, nil}])

      @doc "As `get_or_begin_load`, but raises `Spikard.Error`."
      @spec get_or_begin_load!(Client.t(), String.t(), keyword()) :: %{state: String.t(), value: binary() | nil, flight: non_neg_integer() | nil}
      def get_or_begin_load!(client, key, opts \\ []), do: Client.bang(get_or_begin_load(client, key, opts))

      @doc ~S"""
      Ends a load. `failed` answers the old value where one was kept (`stale_if_error_ms`), else internal with detail load_failed and the message; so it does for all who wait. `given_up` makes one of those who wait the loader. A flight that is over (`load_timeout_ms`) takes no result: the value is answered to its caller, but not kept.

        * `flight`: From `cache.get_or_begin_load`.
        * `outcome`: `value`, `absent` (there is nothing), `failed` or `given_up`.

      Options:

        * `:value`: With `value`: what was loaded. Default: `nil`.
        * `:message`: With `failed`: why, for the callers' errors. Default: `""`.

      Gives what the caller answers.

      Errors: `:invalid_argument`, `:internal`, `:unavailable`.
      """
      @spec end_load(Client.t(), non_neg_integer(), String.t(), keyword()) :: {:ok, binary() | nil} | {:error, Spikard.Error.t()}
      def end_load(client, flight, outcome, opts \\ []),
        do: Client.call(client, 47, [{"flight", flight, :any}, {"outcome", outcome, :any}], opts, [value: {"value", :bytes}, message: {"message", :any}], [{"value", :value, nil}])

      @doc "As `end_load`, but raises `Spikard.Error`."
      @spec end_load!(Client.t(), non_neg_integer(), String.t(), keyword()) :: binary() | nil
      def end_load!(client, flight, outcome, opts \\ []), do: Client.bang(end_load(client, flight, outcome, opts))

      @doc ~S"""
      What the cache counted since it was opened, over all namespaces, in this process.

      Gives a map:

        * `:hits`: Reads that found a value.
        * `:misses`: Reads that found none.
        * `:evictions`: Entries that had to go for want of room.
        * `:expirations`: Entries removed because their time was over.
        * `:loads`: Loads that succeeded, those that found nothing included.
        * `:load_failures`: Loads that failed.
        * `:entries`: Entries present, expired ones that are not yet removed included.
        * `:weight`: Their weight, in the unit of the limit.
        * `:max_weight`: The limit: entries, or bytes.

      Errors: `:unavailable`.
      """
      @spec stats(Client.t(), keyword()) :: {:ok, %{hits: non_neg_integer(), misses: non_neg_integer(), evictions: non_neg_integer(), expirations: non_neg_integer(), loads: non_neg_integer(), load_failures: non_neg_integer(), entries: non_neg_integer(), weight: non_neg_integer(), max_weight: non_neg_integer()}} | {:error, Spikard.Error.t()}
      def stats(client, opts \\ []),
        do: Client.call(client, 48, [], opts, [], [{"hits", :hits, nil}, {"misses", :misses, nil}, {"evictions", :evictions, nil}, {"expirations", :expirations, nil}, {"loads", :loads, nil}, {"load_failures", :load_failures, nil}, {"entries", :entries, nil}, {"weight", :weight, nil}, {"max_weight", :max_weight, nil}])

      @doc "As `stats`, but raises `Spikard.Error`."
      @spec stats!(Client.t(), keyword()) :: %{hits: non_neg_integer(), misses: non_neg_integer(), evictions: non_neg_integer(), expirations: non_neg_integer(), loads: non_neg_integer(), load_failures: non_neg_integer(), entries: non_neg_integer(), weight: non_neg_integer(), max_weight: non_neg_integer()}
      def stats!(client, opts \\ []), do: Client.bang(stats(client, opts))

      @doc ~S"""
      Deletes keys, and what was set with one of the tags; in a transaction of `db` when it commits, and not at all when it does not.

      Options:

        * `:keys`: The keys. Default: `[]`.
        * `:tags`: The tags, of any namespace. Default: `[]`.
        * `:namespace`: The namespace of the keys. Default: `""`.
        * `:transaction`: The transaction of `db`. Default: `nil`.

      Errors: `:invalid_argument`, `:not_found`, `:unsupported`, `:unavailable`, `:timeout`.
      """
      @spec invalidate(Client.t(), keyword()) :: :ok | {:error, Spikard.Error.t()}
      def invalidate(client, opts \\ []),
        do: Client.call(client, 49, [], opts, [keys: {"keys", :any}, tags: {"tags", :any}, namespace: {"namespace", :any}, transaction: {"transaction", :any}], [])

      @doc "As `invalidate`, but raises `Spikard.Error`."
      @spec invalidate!(Client.t(), keyword()) :: :ok
      def invalidate!(client, opts \\ []), do: Client.bang(invalidate(client, opts))

      defoverridable get: 3, set: 4, delete: 3, exists: 3, touch: 3, ttl: 3, increment: 3, set_if_absent: 4, delete_if: 4, get_many: 3, set_many: 3, clear: 2, count: 2, invalidate_tags: 3, get_or_begin_load: 3, end_load: 4, stats: 2, invalidate: 2
    end
  end
end

defmodule Spikard.Generated.CloudEvents do
  @moduledoc false

  defmacro __using__(_) do
    quote location: :keep do
      alias Spikard.Client

      @doc false
      def __group__, do: :cloudevents

      @doc ~S"""
      Lays an event out in a message of a protocol. Completes at once.

        * `event`: The event. In mode batched an array of events.

      Options:

        * `:binding`: http, kafka, amqp, mqtt3, mqtt5, nats or redis. Default: `"http"`.
        * `:mode`: binary, structured, or (http) batched. mqtt3 has structured only. Default: `"binary"`.
        * `:key_mapper`: kafka, redis: the attribute whose value is the message's key, such as partitionkey. Empty: no key. Default: `""`.

      Gives a map:

        * `:headers`: Headers as an object of text (http, kafka, redis), else null.
        * `:properties`: Application or user properties as an object of text, with their prefix (amqp, mqtt5), else null.
        * `:property_prefix`: What the names in `properties` begin with.
        * `:content_type`: The media type of the message, which is also among the headers where they have it; null for none.
        * `:body`: The body; empty when there is no data.
        * `:has_body`: False: the event has no data.
        * `:key`: The message's key, or null.

      Errors: `:invalid_argument`, `:unsupported`.
      """
      @spec encode(Client.t(), term(), keyword()) :: {:ok, %{headers: term(), properties: term(), property_prefix: String.t(), content_type: term(), body: binary(), has_body: boolean(), key: term()}} | {:error, Spikard.Error.t()}
      def encode(client, event, opts \\ []),
        do: Client.call(client, 192, [{"event", event, :any}], opts, [binding: {"binding", :any}, mode: {"mode", :any}, key_mapper: {"key_mapper", :any}], [{"headers", :headers, nil}, {"properties", :properties, nil}, {"property_prefix", :property_prefix, nil}, {"content_type", :content_type, nil}, {"body", :body, nil}, {"has_body", :has_body, nil}, {"key", :key, nil}])

      @doc "As `encode`, but raises `Spikard.Error`."
      @spec encode!(Client.t(), term(), keyword()) :: %{headers: term(), properties: term(), property_prefix: String.t(), content_type: term(), body: binary(), has_body: boolean(), key: term()}
      def encode!(client, event, opts \\ []), do: Client.bang(encode(client, event, opts))

      @doc ~S"""
      Reads the events of a message. Completes at once.

      Options:

        * `:binding`: http, kafka, amqp, mqtt3, mqtt5, nats or redis. Default: `"http"`.
        * `:headers`: An object of text, or an array of [name, value] where a name comes more than once. Default: `nil`.
        * `:properties`: The same for amqp and mqtt5; amqp's booleans and integers may come as such. Default: `nil`.
        * `:content_type`: The protocol's own property (amqp, mqtt5). Default: `""`.
        * `:body`: The body; empty for none. Default: `""`.

      Gives a map:

        * `:events`: The events, valid; one unless it is a batch.
        * `:mode`: binary, structured or batched.

      Errors: `:invalid_argument`, `:unsupported`.
      """
      @spec decode(Client.t(), keyword()) :: {:ok, %{events: term(), mode: String.t()}} | {:error, Spikard.Error.t()}
      def decode(client, opts \\ []),
        do: Client.call(client, 193, [], opts, [binding: {"binding", :any}, headers: {"headers", :any}, properties: {"properties", :any}, content_type: {"content_type", :any}, body: {"body", :bytes}], [{"events", :events, nil}, {"mode", :mode, nil}])

      @doc "As `decode`, but raises `Spikard.Error`."
      @spec decode!(Client.t(), keyword()) :: %{events: term(), mode: String.t()}
      def decode!(client, opts \\ []), do: Client.bang(decode(client, opts))

      @doc ~S"""
      Checks an event against the specification, its text included. Completes at once.

        * `event`: The event.

      Gives what is wrong, a line each; empty: the event is valid.
      """
      @spec validate(Client.t(), term(), keyword()) :: {:ok, [String.t()]} | {:error, Spikard.Error.t()}
      def validate(client, event, opts \\ []),
        do: Client.call(client, 194, [{"event", event, :any}], opts, [], [{"problems", :problems, nil}])

      @doc "As `validate`, but raises `Spikard.Error`."
      @spec validate!(Client.t(), term(), keyword()) :: [String.t()]
      def validate!(client, event, opts \\ []), do: Client.bang(validate(client, event, opts))

      @doc ~S"""
      Sends an event where `services.events` says and waits until it was taken, with retries. A missing id is made (UUID), a missing source is the sender's, a missing time is now.

        * `event`: The event.

      Options:

        * `:mode`: binary or structured. Empty: as configured. Default: `""`.
        * `:key`: Brokers: the message's key. Empty: its `partitionkey`, if it has one. Default: `""`.

      Gives a map:

        * `:id`: The event's id.
        * `:status`: HTTP: the status that took it; 0 for a broker.
        * `:attempts`: Tries, the last one included.
        * `:reply`: The event that answered, or null.

      Errors: `:invalid_argument`, `:permission_denied`, `:not_found`, `:unavailable`, `:rate_limited`, `:timeout`, `:cancelled`, `:outcome_unknown`, `:unsupported`.
      """
      @spec send(Client.t(), term(), keyword()) :: {:ok, %{id: String.t(), status: integer(), attempts: non_neg_integer(), reply: term()}} | {:error, Spikard.Error.t()}
      def send(client, event, opts \\ []),
        do: Client.call(client, 195, [{"event", event, :any}], opts, [mode: {"mode", :any}, key: {"key", :any}], [{"id", :id, nil}, {"status", :status, nil}, {"attempts", :attempts, nil}, {"reply", :reply, nil}])

      @doc "As `send`, but raises `Spikard.Error`."
      @spec send!(Client.t(), term(), keyword()) :: %{id: String.t(), status: integer(), attempts: non_neg_integer(), reply: term()}
      def send!(client, event, opts \\ []), do: Client.bang(send(client, event, opts))

      @doc ~S"""
      Sends events together: as one batch over HTTP, one message each to a broker.

        * `events`: An array of events.

      Gives a map:

        * `:ids`: Their ids, in order.
        * `:status`: HTTP: the status that took them; 0 for a broker.
        * `:attempts`: Tries, the last one included.

      Errors: `:invalid_argument`, `:permission_denied`, `:not_found`, `:unavailable`, `:rate_limited`, `:timeout`, `:cancelled`, `:outcome_unknown`, `:unsupported`.
      """
      @spec send_batch(Client.t(), term(), keyword()) :: {:ok, %{ids: [String.t()], status: integer(), attempts: non_neg_integer()}} | {:error, Spikard.Error.t()}
      def send_batch(client, events, opts \\ []),
        do: Client.call(client, 196, [{"events", events, :any}], opts, [], [{"ids", :ids, nil}, {"status", :status, nil}, {"attempts", :attempts, nil}])

      @doc "As `send_batch`, but raises `Spikard.Error`."
      @spec send_batch!(Client.t(), term(), keyword()) :: %{ids: [String.t()], status: integer(), attempts: non_neg_integer()}
      def send_batch!(client, events, opts \\ []), do: Client.bang(send_batch(client, events, opts))

      defoverridable encode: 3, decode: 2, validate: 3, send: 3, send_batch: 3
    end
  end
end

defmodule Spikard.Generated.Cron do
  @moduledoc false

  defmacro __using__(_) do
    quote location: :keep do
      alias Spikard.Client

      @doc false
      def __group__, do: :cron

      @doc ~S"""
      The next times of an expression, strictly after `after`; fewer when there are no more. Result: `times`, RFC 3339 text in UTC.

        * `expr`: Five or six fields, or a macro such as `@daily`.

      Options:

        * `:timezone`: A name of the IANA data base. Default: `"UTC"`.
        * `:after`: An instant: RFC 3339 text or ms since the epoch. Null: now. Default: `nil`.
        * `:count`: How many. Default: `1`.

      Gives instants, RFC 3339 in UTC.

      Errors: `:invalid_argument`.
      """
      @spec next(Client.t(), String.t(), keyword()) :: {:ok, [String.t()]} | {:error, Spikard.Error.t()}
      def next(client, expr, opts \\ []),
        do: Client.call(client, 188, [{"expr", expr, :any}], opts, [timezone: {"timezone", :any}, after: {"after", :any}, count: {"count", :any}], [{"times", :times, nil}])

      @doc "As `next`, but raises `Spikard.Error`."
      @spec next!(Client.t(), String.t(), keyword()) :: [String.t()]
      def next!(client, expr, opts \\ []), do: Client.bang(next(client, expr, opts))

      defoverridable next: 3
    end
  end
end

defmodule Spikard.Generated.Database do
  @moduledoc false

  defmacro __using__(_) do
    quote location: :keep do
      alias Spikard.Client

      @doc false
      def __group__, do: :db

      @doc ~S"""
      The rows of a statement.

        * `sql`: One statement.

      Options:

        * `:params`: Its parameters: a list, or an object; null for none. Default: `nil`.
        * `:transaction`: The transaction it is part of. Default: `nil`.
        * `:timeout_ms`: Longest it may take. Null: the configuration's `statement_timeout_ms`. In ms. Default: `nil`.

      Gives a map:

        * `:rows`: A list of objects.
        * `:columns`: Names, in the order of the statement.
        * `:types`: Of the columns.

      Errors: `:invalid_argument`, `:already_exists`, `:conflict`, `:too_large`, `:timeout`, `:unavailable`.
      """
      @spec query(Client.t(), String.t(), keyword()) :: {:ok, %{rows: term(), columns: [String.t()], types: [String.t()]}} | {:error, Spikard.Error.t()}
      def query(client, sql, opts \\ []),
        do: Client.call(client, 96, [{"sql", sql, :any}], opts, [params: {"params", :any}, transaction: {"transaction", :any}, timeout_ms: {"timeout_ms", :any}], [{"rows", :rows, nil}, {"columns", :columns, nil}, {"types", :types, nil}])

      @doc "As `query`, but raises `Spikard.Error`."
      @spec query!(Client.t(), String.t(), keyword()) :: %{rows: term(), columns: [String.t()], types: [String.t()]}
      def query!(client, sql, opts \\ []), do: Client.bang(query(client, sql, opts))

      @doc ~S"""
      The first row of a statement, null when there is none. The others are not read.

        * `sql`: One statement.

      Options:

        * `:params`: Its parameters: a list, or an object; null for none. Default: `nil`.
        * `:transaction`: The transaction it is part of. Default: `nil`.
        * `:timeout_ms`: Longest it may take. Null: the configuration's `statement_timeout_ms`. In ms. Default: `nil`.

      Gives a map:

        * `:row`: An object, or null.
        * `:types`: Of the columns.

      Errors: `:invalid_argument`, `:already_exists`, `:conflict`, `:timeout`, `:unavailable`.
      """
      @spec first(Client.t(), String.t(), keyword()) :: {:ok, %{row: term(), types: [String.t()]}} | {:error, Spikard.Error.t()}
      def first(client, sql, opts \\ []),
        do: Client.call(client, 97, [{"sql", sql, :any}], opts, [params: {"params", :any}, transaction: {"transaction", :any}, timeout_ms: {"timeout_ms", :any}], [{"row", :row, nil}, {"types", :types, nil}])

      @doc "As `first`, but raises `Spikard.Error`."
      @spec first!(Client.t(), String.t(), keyword()) :: %{row: term(), types: [String.t()]}
      def first!(client, sql, opts \\ []), do: Client.bang(first(client, sql, opts))

      @doc ~S"""
      Runs a statement and passes over its rows.

        * `sql`: One statement.

      Options:

        * `:params`: Its parameters: a list, or an object; null for none. Default: `nil`.
        * `:transaction`: The transaction it is part of. Default: `nil`.
        * `:timeout_ms`: Longest it may take. Null: the configuration's `statement_timeout_ms`. In ms. Default: `nil`.

      Gives rows that matched (were inserted, updated to whatever, deleted); 0 for other statements.

      Errors: `:invalid_argument`, `:already_exists`, `:conflict`, `:timeout`, `:unavailable`.
      """
      @spec execute(Client.t(), String.t(), keyword()) :: {:ok, non_neg_integer()} | {:error, Spikard.Error.t()}
      def execute(client, sql, opts \\ []),
        do: Client.call(client, 98, [{"sql", sql, :any}], opts, [params: {"params", :any}, transaction: {"transaction", :any}, timeout_ms: {"timeout_ms", :any}], [{"affected", :affected, nil}])

      @doc "As `execute`, but raises `Spikard.Error`."
      @spec execute!(Client.t(), String.t(), keyword()) :: non_neg_integer()
      def execute!(client, sql, opts \\ []), do: Client.bang(execute(client, sql, opts))

      @doc ~S"""
      Runs one statement once for each set of parameters, all of it in one transaction (or the one that is named).

        * `sql`: One statement.
        * `params`: A list with the parameters of each run (lists or objects).

      Options:

        * `:transaction`: The transaction it is part of. Default: `nil`.
        * `:timeout_ms`: Longest all of it may take. Null: the configuration's `statement_timeout_ms`. In ms. Default: `nil`.

      Gives rows that matched, of all runs.

      Errors: `:invalid_argument`, `:already_exists`, `:conflict`, `:timeout`, `:unavailable`.
      """
      @spec batch(Client.t(), String.t(), term(), keyword()) :: {:ok, non_neg_integer()} | {:error, Spikard.Error.t()}
      def batch(client, sql, params, opts \\ []),
        do: Client.call(client, 99, [{"sql", sql, :any}, {"params", params, :any}], opts, [transaction: {"transaction", :any}, timeout_ms: {"timeout_ms", :any}], [{"affected", :affected, nil}])

      @doc "As `batch`, but raises `Spikard.Error`."
      @spec batch!(Client.t(), String.t(), term(), keyword()) :: non_neg_integer()
      def batch!(client, sql, params, opts \\ []), do: Client.bang(batch(client, sql, params, opts))

      @doc ~S"""
      Streamed: the rows of a statement as JSON text, read no faster than they are taken. `format` json: one array; ndjson: one object a line. In JSON text decimals are numbers with all their digits, timestamps text, bytes base64.

        * `sql`: One statement.

      Options:

        * `:params`: Its parameters: a list, or an object; null for none. Default: `nil`.
        * `:format`: `json` or `ndjson`. Default: `"json"`.
        * `:transaction`: The transaction it is part of. Default: `nil`.
        * `:timeout_ms`: Longest between two parts. Null: the configuration's `statement_timeout_ms`. In ms. Default: `nil`.

      Gives how many there were.

      Errors: `:invalid_argument`, `:already_exists`, `:conflict`, `:cancelled`, `:timeout`, `:unavailable`.
      """
      @spec query_stream(Client.t(), String.t(), keyword()) :: Spikard.ByteStream.t()
      def query_stream(client, sql, opts \\ []),
        do: Client.stream(client, 100, [{"sql", sql, :any}], opts, [params: {"params", :any}, format: {"format", :any}, transaction: {"transaction", :any}, timeout_ms: {"timeout_ms", :any}], [{"rows", :rows, nil}])

      @doc ~S"""
      Begins a transaction. It holds a connection until `db.commit` or `db.rollback`; after `transaction_timeout_ms` it is rolled back. After a failed statement only rollback is left (conflict, transaction_aborted).

      Options:

        * `:isolation`: `read_committed`, `repeatable_read` or `serializable`; empty for the database's default. SQLite always is serializable. Default: `""`.
        * `:read_only`: It only reads. On SQLite it then does not wait for those that write. Default: `false`.

      Gives its number.

      Errors: `:invalid_argument`, `:timeout`, `:unavailable`.
      """
      @spec begin(Client.t(), keyword()) :: {:ok, non_neg_integer()} | {:error, Spikard.Error.t()}
      def begin(client, opts \\ []),
        do: Client.call(client, 101, [], opts, [isolation: {"isolation", :any}, read_only: {"read_only", :any}], [{"transaction", :transaction, nil}])

      @doc "As `begin`, but raises `Spikard.Error`."
      @spec begin!(Client.t(), keyword()) :: non_neg_integer()
      def begin!(client, opts \\ []), do: Client.bang(begin(client, opts))

      @doc ~S"""
      Commits and ends a transaction; with `savepoint` ends the innermost nested scope and keeps what it did.

        * `transaction`: The transaction.

      Options:

        * `:savepoint`: Only the innermost nested scope. Default: `false`.

      Errors: `:not_found`, `:conflict`, `:timeout`, `:unavailable`, `:outcome_unknown`.
      """
      @spec commit(Client.t(), non_neg_integer(), keyword()) :: :ok | {:error, Spikard.Error.t()}
      def commit(client, transaction, opts \\ []),
        do: Client.call(client, 102, [{"transaction", transaction, :any}], opts, [savepoint: {"savepoint", :any}], [])

      @doc "As `commit`, but raises `Spikard.Error`."
      @spec commit!(Client.t(), non_neg_integer(), keyword()) :: :ok
      def commit!(client, transaction, opts \\ []), do: Client.bang(commit(client, transaction, opts))

      @doc ~S"""
      Undoes and ends a transaction; with `savepoint` the innermost nested scope, after which the transaction can go on.

        * `transaction`: The transaction.

      Options:

        * `:savepoint`: Only the innermost nested scope. Default: `false`.

      Errors: `:not_found`, `:conflict`, `:unavailable`.
      """
      @spec rollback(Client.t(), non_neg_integer(), keyword()) :: :ok | {:error, Spikard.Error.t()}
      def rollback(client, transaction, opts \\ []),
        do: Client.call(client, 103, [{"transaction", transaction, :any}], opts, [savepoint: {"savepoint", :any}], [])

      @doc "As `rollback`, but raises `Spikard.Error`."
      @spec rollback!(Client.t(), non_neg_integer(), keyword()) :: :ok
      def rollback!(client, transaction, opts \\ []), do: Client.bang(rollback(client, transaction, opts))

      @doc ~S"""
      Opens a nested scope in a transaction.

        * `transaction`: The transaction.

      Errors: `:not_found`, `:conflict`, `:timeout`, `:unavailable`.
      """
      @spec savepoint(Client.t(), non_neg_integer(), keyword()) :: :ok | {:error, Spikard.Error.t()}
      def savepoint(client, transaction, opts \\ []),
        do: Client.call(client, 104, [{"transaction", transaction, :any}], opts, [], [])

      @doc "As `savepoint`, but raises `Spikard.Error`."
      @spec savepoint!(Client.t(), non_neg_integer(), keyword()) :: :ok
      def savepoint!(client, transaction, opts \\ []), do: Client.bang(savepoint(client, transaction, opts))

      @doc ~S"""
      Begins to read the rows of a statement; it holds a connection until `db.close_cursor` or its end.

        * `sql`: One statement.

      Options:

        * `:params`: Its parameters: a list, or an object; null for none. Default: `nil`.
        * `:transaction`: The transaction it is part of; it cannot do anything else meanwhile. Default: `nil`.
        * `:timeout_ms`: Longest a `db.fetch` may take. Null: the configuration's `statement_timeout_ms`. In ms. Default: `nil`.

      Gives a map:

        * `:cursor`: Its number.
        * `:columns`: Names, in the order of the statement.
        * `:types`: Of the columns.

      Errors: `:invalid_argument`, `:already_exists`, `:conflict`, `:timeout`, `:unavailable`.
      """
      @spec open_cursor(Client.t(), String.t(), keyword()) :: {:ok, %{cursor: non_neg_integer(), columns: [String.t()], types: [String.t()]}} | {:error, Spikard.Error.t()}
      def open_cursor(client, sql, opts \\ []),
        do: Client.call(client, 105, [{"sql", sql, :any}], opts, [params: {"params", :any}, transaction: {"transaction", :any}, timeout_ms: {"timeout_ms", :any}], [{"cursor", :cursor, nil}, {"columns", :columns, nil}, {"types", :types, nil}])

      @doc "As `open_cursor`, but raises `Spikard.Error`."
      @spec open_cursor!(Client.t(), String.t(), keyword()) :: %{cursor: non_neg_integer(), columns: [String.t()], types: [String.t()]}
      def open_cursor!(client, sql, opts \\ []), do: Client.bang(open_cursor(client, sql, opts))

      @doc ~S"""
      The next rows of a cursor. It closes itself at the end and after an error.

        * `cursor`: The cursor.

      Options:

        * `:max`: Most rows to give. Default: `256`.

      Gives a map:

        * `:rows`: A list of objects.
        * `:done`: There are no more; the cursor is closed.

      Errors: `:not_found`, `:invalid_argument`, `:conflict`, `:timeout`, `:unavailable`.
      """
      @spec fetch(Client.t(), non_neg_integer(), keyword()) :: {:ok, %{rows: term(), done: boolean()}} | {:error, Spikard.Error.t()}
      def fetch(client, cursor, opts \\ []),
        do: Client.call(client, 106, [{"cursor", cursor, :any}], opts, [max: {"max", :any}], [{"rows", :rows, nil}, {"done", :done, nil}])

      @doc "As `fetch`, but raises `Spikard.Error`."
      @spec fetch!(Client.t(), non_neg_integer(), keyword()) :: %{rows: term(), done: boolean()}
      def fetch!(client, cursor, opts \\ []), do: Client.bang(fetch(client, cursor, opts))

      @doc ~S"""
      Ends a cursor. One that is not there is fine.

        * `cursor`: The cursor.

      Errors: `:unavailable`.
      """
      @spec close_cursor(Client.t(), non_neg_integer(), keyword()) :: :ok | {:error, Spikard.Error.t()}
      def close_cursor(client, cursor, opts \\ []),
        do: Client.call(client, 107, [{"cursor", cursor, :any}], opts, [], [])

      @doc "As `close_cursor`, but raises `Spikard.Error`."
      @spec close_cursor!(Client.t(), non_neg_integer(), keyword()) :: :ok
      def close_cursor!(client, cursor, opts \\ []), do: Client.bang(close_cursor(client, cursor, opts))

      @doc ~S"""
      Applies the files of the migrations folder that were not applied yet, in order, each in a transaction, once for any number of processes. A file that was changed after it was applied is conflict, and nothing is done.

      Options:

        * `:folder`: Another folder than the configuration's `migrations`. Default: `""`.

      Gives files applied now.

      Errors: `:invalid_argument`, `:not_found`, `:conflict`, `:timeout`, `:unavailable`.
      """
      @spec migrate(Client.t(), keyword()) :: {:ok, [String.t()]} | {:error, Spikard.Error.t()}
      def migrate(client, opts \\ []),
        do: Client.call(client, 108, [], opts, [folder: {"folder", :any}], [{"applied", :applied, nil}])

      @doc "As `migrate`, but raises `Spikard.Error`."
      @spec migrate!(Client.t(), keyword()) :: [String.t()]
      def migrate!(client, opts \\ []), do: Client.bang(migrate(client, opts))

      @doc ~S"""
      What is applied and what is not.

      Options:

        * `:folder`: Another folder than the configuration's `migrations`. Default: `""`.

      Gives alist of `{name, state, applied_at}`, in order; state is `applied`, `pending`, `changed` (the file differs from what was applied) or `missing` (applied, but there is no such file).

      Errors: `:invalid_argument`, `:not_found`, `:timeout`, `:unavailable`.
      """
      @spec migration_status(Client.t(), keyword()) :: {:ok, term()} | {:error, Spikard.Error.t()}
      def migration_status(client, opts \\ []),
        do: Client.call(client, 109, [], opts, [folder: {"folder", :any}], [{"migrations", :migrations, nil}])

      @doc "As `migration_status`, but raises `Spikard.Error`."
      @spec migration_status!(Client.t(), keyword()) :: term()
      def migration_status!(client, opts \\ []), do: Client.bang(migration_status(client, opts))

      @doc ~S"""
      Notes (source, id) in a transaction and says whether it was new. What a handler does in the same transaction then happens once, however often a message or an event is delivered.

        * `transaction`: The transaction.
        * `source`: Where it came from: a topic and group, or an event's source.
        * `id`: Its identity there.

      Gives it was not there before.

      Errors: `:not_found`, `:conflict`, `:timeout`, `:unavailable`.
      """
      @spec inbox(Client.t(), non_neg_integer(), String.t(), String.t(), keyword()) :: {:ok, boolean()} | {:error, Spikard.Error.t()}
      def inbox(client, transaction, source, id, opts \\ []),
        do: Client.call(client, 110, [{"transaction", transaction, :any}, {"source", source, :any}, {"id", id, :any}], opts, [], [{"first", :first, nil}])

      @doc "As `inbox`, but raises `Spikard.Error`."
      @spec inbox!(Client.t(), non_neg_integer(), String.t(), String.t(), keyword()) :: boolean()
      def inbox!(client, transaction, source, id, opts \\ []), do: Client.bang(inbox(client, transaction, source, id, opts))

      @doc ~S"""
      What the client is doing.

      Gives a map:

        * `:backend`: The scheme of its URL.
        * `:in_use`: Connections in use.
        * `:waiting`: Calls that wait for one.
        * `:transactions`: Open transactions of hosts.
        * `:cursors`: Open cursors.
        * `:outbox`: Entries of the outbox that were not delivered yet.
        * `:refused`: Entries of the outbox that their target refused for good, set aside.

      Errors: `:unavailable`.
      """
      @spec stats(Client.t(), keyword()) :: {:ok, %{backend: String.t(), in_use: non_neg_integer(), waiting: non_neg_integer(), transactions: non_neg_integer(), cursors: non_neg_integer(), outbox: non_neg_integer(), refused: non_neg_integer()}} | {:error, Spikard.Error.t()}
      def stats(client, opts \\ []),
        do: Client.call(client, 111, [], opts, [], [{"backend", :backend, nil}, {"in_use", :in_use, nil}, {"waiting", :waiting, nil}, {"transactions", :transactions, nil}, {"cursors", :cursors, nil}, {"outbox", :outbox, nil}, {"refused", :refused, nil}])

      @doc "As `stats`, but raises `Spikard.Error`."
      @spec stats!(Client.t(), keyword()) :: %{backend: String.t(), in_use: non_neg_integer(), waiting: non_neg_integer(), transactions: non_neg_integer(), cursors: non_neg_integer(), outbox: non_neg_integer(), refused: non_neg_integer()}
      def stats!(client, opts \\ []), do: Client.bang(stats(client, opts))

      @doc ~S"""
      Closes the client; what comes after is unavailable, closed.
      """
      @spec close(Client.t(), keyword()) :: :ok | {:error, Spikard.Error.t()}
      def close(client, opts \\ []),
        do: Client.call(client, 112, [], opts, [], [])

      @doc "As `close`, but raises `Spikard.Error`."
      @spec close!(Client.t(), keyword()) :: :ok
      def close!(client, opts \\ []), do: Client.bang(close(client, opts))

      defoverridable query: 3, first: 3, execute: 3, batch: 4, query_stream: 3, begin: 2, commit: 3, rollback: 3, savepoint: 3, open_cursor: 3, fetch: 3, close_cursor: 3, migrate: 2, migration_status: 2, inbox: 5, stats: 2, close: 2
    end
  end
end

defmodule Spikard.Generated.Messaging do
  @moduledoc false

  defmacro __using__(_) do
    quote location: :keep do
      alias Spikard.Client

      @doc false
      def __group__, do: :messaging

      @doc ~S"""
      Done when the broker has the message: nothing that was confirmed is lost. The trace of the caller goes with it (traceparent) unless the headers have one.

        * `topic`: A topic, not a pattern.
        * `payload`: Any bytes, also none; text as UTF-8.

      Options:

        * `:key`: Messages of one key stay in order for consumers that are `ordered`. Default: `nil`.
        * `:headers`: Any text. Names are kept as they are and are not empty. Default: `%{}`.
        * `:transaction`: A transaction of `db`: the message is published when it commits, and not at all when it does not. Default: `nil`.

      Gives null where the broker does not tell, or it is not committed yet.

      Errors: `:invalid_argument`, `:too_large`, `:rate_limited`, `:unavailable`, `:timeout`, `:cancelled`, `:outcome_unknown`, `:unsupported`.
      """
      @spec publish(Client.t(), String.t(), iodata(), keyword()) :: {:ok, non_neg_integer() | nil} | {:error, Spikard.Error.t()}
      def publish(client, topic, payload, opts \\ []),
        do: Client.call(client, 128, [{"topic", topic, :any}, {"payload", payload, :bytes}], opts, [key: {"key", :any}, headers: {"headers", :any}, transaction: {"transaction", :any}], [{"position", :position, nil}])

      @doc "As `publish`, but raises `Spikard.Error`."
      @spec publish!(Client.t(), String.t(), iodata(), keyword()) :: non_neg_integer() | nil
      def publish!(client, topic, payload, opts \\ []), do: Client.bang(publish(client, topic, payload, opts))

      @doc ~S"""
      Several in one go, in this order: with one confirmation, and on `memory:` and `sqlite:` all or none.

        * `messages`: An array of objects `{topic, payload, key, headers}`, as in `messaging.publish`; at most 10000.

      Gives in the same order; empty where the broker does not tell.

      Errors: `:invalid_argument`, `:too_large`, `:rate_limited`, `:unavailable`, `:timeout`, `:cancelled`, `:outcome_unknown`.
      """
      @spec publish_batch(Client.t(), term(), keyword()) :: {:ok, [non_neg_integer()]} | {:error, Spikard.Error.t()}
      def publish_batch(client, messages, opts \\ []),
        do: Client.call(client, 129, [{"messages", messages, :any}], opts, [], [{"positions", :positions, nil}])

      @doc "As `publish_batch`, but raises `Spikard.Error`."
      @spec publish_batch!(Client.t(), term(), keyword()) :: [non_neg_integer()]
      def publish_batch!(client, messages, opts \\ []), do: Client.bang(publish_batch(client, messages, opts))

      @doc ~S"""
      Starts a consumer beside those of the manifest, with the same options. Its messages come as events of the port, like theirs.

        * `name`: Its name in reports, logs and telemetry.
        * `topic`: Topic or pattern.

      Options:

        * `:group`: Each message goes to one consumer of a group; empty for `name`. Default: `""`.
        * `:concurrency`: Handlers at once. Default: `16`.
        * `:max_in_flight`: Messages in hand, those included that wait for a handler; 0 for as many as `concurrency`. Default: `0`.
        * `:ordered`: A message waits until the one before it of the same key is settled. Default: `false`.
        * `:max_retries`: After 1 + `max_retries` tries a message goes to the dead letters. Default: `3`.
        * `:backoff`: An object `{kind, initial_ms, factor, max_ms, jitter_percent}`, as `Backoff` of the manifest; null for its defaults. Default: `nil`.
        * `:dead_letter`: Topic for what is given up. Null: it is dropped and counted. Default: `nil`.
        * `:ack_wait_ms`: A message whose consumer died goes to another one after this time. In ms. Default: `10000`.
        * `:handler_timeout_ms`: The longest a handler may take. Null for no limit. In ms. Default: `nil`.
        * `:start_from`: `latest` or `earliest`: where a new group begins. Default: `"latest"`.
        * `:schema`: JSON Schema 2020-12 of the payload. Default: `nil`.
        * `:user`: Comes back as `user` of its events. Default: `0`.

      Gives its number, for the operations below and in its events.

      Errors: `:invalid_argument`, `:already_exists`, `:unavailable`, `:unsupported`.
      """
      @spec start_consumer(Client.t(), String.t(), String.t(), keyword()) :: {:ok, non_neg_integer()} | {:error, Spikard.Error.t()}
      def start_consumer(client, name, topic, opts \\ []),
        do: Client.call(client, 130, [{"name", name, :any}, {"topic", topic, :any}], opts, [group: {"group", :any}, concurrency: {"concurrency", :any}, max_in_flight: {"max_in_flight", :any}, ordered: {"ordered", :any}, max_retries: {"max_retries", :any}, backoff: {"backoff", :any}, dead_letter: {"dead_letter", :any}, ack_wait_ms: {"ack_wait_ms", :any}, handler_timeout_ms: {"handler_timeout_ms", :any}, start_from: {"start_from", :any}, schema: {"schema", :any}, user: {"user", :any}], [{"consumer", :consumer, nil}])

      @doc "As `start_consumer`, but raises `Spikard.Error`."
      @spec start_consumer!(Client.t(), String.t(), String.t(), keyword()) :: non_neg_integer()
      def start_consumer!(client, name, topic, opts \\ []), do: Client.bang(start_consumer(client, name, topic, opts))

      @doc ~S"""
      Takes nothing new, waits for the handlers, then cancels those that are left and hands their messages back at once, without using up a try.

        * `consumer`: What `messaging.start_consumer` gave.

      Options:

        * `:drain_timeout_ms`: How long to wait for handlers. In ms. Default: `20000`.

      Gives a map:

        * `:drained`: All of them finished.
        * `:unfinished`: Messages whose handlers were cancelled.

      Errors: `:invalid_argument`, `:not_found`.
      """
      @spec stop_consumer(Client.t(), non_neg_integer(), keyword()) :: {:ok, %{drained: boolean(), unfinished: non_neg_integer()}} | {:error, Spikard.Error.t()}
      def stop_consumer(client, consumer, opts \\ []),
        do: Client.call(client, 131, [{"consumer", consumer, :any}], opts, [drain_timeout_ms: {"drain_timeout_ms", :any}], [{"drained", :drained, nil}, {"unfinished", :unfinished, nil}])

      @doc "As `stop_consumer`, but raises `Spikard.Error`."
      @spec stop_consumer!(Client.t(), non_neg_integer(), keyword()) :: %{drained: boolean(), unfinished: non_neg_integer()}
      def stop_consumer!(client, consumer, opts \\ []), do: Client.bang(stop_consumer(client, consumer, opts))

      @doc ~S"""
      For tests: as if its process had died. Nothing is acked or handed back; its messages come again when their leases run out.

        * `consumer`: What `messaging.start_consumer` gave.

      Errors: `:invalid_argument`, `:not_found`.
      """
      @spec kill_consumer(Client.t(), non_neg_integer(), keyword()) :: :ok | {:error, Spikard.Error.t()}
      def kill_consumer(client, consumer, opts \\ []),
        do: Client.call(client, 132, [{"consumer", consumer, :any}], opts, [], [])

      @doc "As `kill_consumer`, but raises `Spikard.Error`."
      @spec kill_consumer!(Client.t(), non_neg_integer(), keyword()) :: :ok
      def kill_consumer!(client, consumer, opts \\ []), do: Client.bang(kill_consumer(client, consumer, opts))

      @doc ~S"""
      The dead letters of a topic, oldest first.

        * `topic`: The dead letter topic.

      Options:

        * `:after`: Only those behind this position. Default: `0`.
        * `:limit`: How many at most. Default: `100`.
        * `:payloads`: With their payloads. Default: `false`.

      Gives a map:

        * `:messages`: An array of objects `{position, topic, original_topic, group, reason, delivery_count, error, first_error, trace_id, validation_errors, key, headers, size, time, payload}`; `payload` is bytes, null if not asked for.
        * `:next`: `after` for the next page; null when there is none.

      Errors: `:invalid_argument`, `:unavailable`, `:unsupported`.
      """
      @spec list_dead_letters(Client.t(), String.t(), keyword()) :: {:ok, %{messages: term(), next: non_neg_integer() | nil}} | {:error, Spikard.Error.t()}
      def list_dead_letters(client, topic, opts \\ []),
        do: Client.call(client, 133, [{"topic", topic, :any}], opts, [after: {"after", :any}, limit: {"limit", :any}, payloads: {"payloads", :any}], [{"messages", :messages, nil}, {"next", :next, nil}])

      @doc "As `list_dead_letters`, but raises `Spikard.Error`."
      @spec list_dead_letters!(Client.t(), String.t(), keyword()) :: %{messages: term(), next: non_neg_integer() | nil}
      def list_dead_letters!(client, topic, opts \\ []), do: Client.bang(list_dead_letters(client, topic, opts))

      @doc ~S"""
      One dead letter with its payload; it stays where it is.

        * `topic`: The dead letter topic.
        * `position`: Which.

      Gives as in `messaging.list_dead_letters`.

      Errors: `:invalid_argument`, `:not_found`, `:unavailable`, `:unsupported`.
      """
      @spec peek_dead_letter(Client.t(), String.t(), non_neg_integer(), keyword()) :: {:ok, term()} | {:error, Spikard.Error.t()}
      def peek_dead_letter(client, topic, position, opts \\ []),
        do: Client.call(client, 134, [{"topic", topic, :any}, {"position", position, :any}], opts, [], [{"message", :message, nil}])

      @doc "As `peek_dead_letter`, but raises `Spikard.Error`."
      @spec peek_dead_letter!(Client.t(), String.t(), non_neg_integer(), keyword()) :: term()
      def peek_dead_letter!(client, topic, position, opts \\ []), do: Client.bang(peek_dead_letter(client, topic, position, opts))

      @doc ~S"""
      Sends dead letters to where they came from, for the group that gave them up, with all their tries again; each leaves the dead letters as it is sent.

        * `topic`: The dead letter topic.

      Options:

        * `:positions`: Which; null for all. Default: `nil`.
        * `:to`: Another topic instead, for all its groups. Default: `nil`.

      Gives how many.

      Errors: `:invalid_argument`, `:unavailable`, `:unsupported`.
      """
      @spec redrive_dead_letters(Client.t(), String.t(), keyword()) :: {:ok, non_neg_integer()} | {:error, Spikard.Error.t()}
      def redrive_dead_letters(client, topic, opts \\ []),
        do: Client.call(client, 135, [{"topic", topic, :any}], opts, [positions: {"positions", :any}, to: {"to", :any}], [{"count", :count, nil}])

      @doc "As `redrive_dead_letters`, but raises `Spikard.Error`."
      @spec redrive_dead_letters!(Client.t(), String.t(), keyword()) :: non_neg_integer()
      def redrive_dead_letters!(client, topic, opts \\ []), do: Client.bang(redrive_dead_letters(client, topic, opts))

      @doc ~S"""
      Deletes dead letters.

        * `topic`: The dead letter topic.

      Options:

        * `:positions`: Which; null for all. Default: `nil`.

      Gives how many.

      Errors: `:invalid_argument`, `:unavailable`, `:unsupported`.
      """
      @spec purge_dead_letters(Client.t(), String.t(), keyword()) :: {:ok, non_neg_integer()} | {:error, Spikard.Error.t()}
      def purge_dead_letters(client, topic, opts \\ []),
        do: Client.call(client, 136, [{"topic", topic, :any}], opts, [positions: {"positions", :any}], [{"count", :count, nil}])

      @doc "As `purge_dead_letters`, but raises `Spikard.Error`."
      @spec purge_dead_letters!(Client.t(), String.t(), keyword()) :: non_neg_integer()
      def purge_dead_letters!(client, topic, opts \\ []), do: Client.bang(purge_dead_letters(client, topic, opts))

      @doc ~S"""
      Replay: the group goes on with the first message at or after this place, and gets what comes after it again. Deliveries of later messages that are in hand count no more; earlier ones that are not settled yet stay. Makes the group when it is not there. Exactly one of `position`, `time` and `from`.

        * `group`: The group.
        * `topic`: Its topic or pattern.

      Options:

        * `:position`: A position. Default: `nil`.
        * `:time`: When it was published, RFC 3339. Default: `nil`.
        * `:from`: `earliest` or `latest`. Default: `nil`.

      Errors: `:invalid_argument`, `:unavailable`, `:unsupported`.
      """
      @spec seek(Client.t(), String.t(), String.t(), keyword()) :: :ok | {:error, Spikard.Error.t()}
      def seek(client, group, topic, opts \\ []),
        do: Client.call(client, 137, [{"group", group, :any}, {"topic", topic, :any}], opts, [position: {"position", :any}, time: {"time", :any}, from: {"from", :any}], [])

      @doc "As `seek`, but raises `Spikard.Error`."
      @spec seek!(Client.t(), String.t(), String.t(), keyword()) :: :ok
      def seek!(client, group, topic, opts \\ []), do: Client.bang(seek(client, group, topic, opts))

      @doc ~S"""
      The groups that the broker knows, by topic and name.

      Gives an array of objects `{group, topic, waiting, in_hand, delayed}`: messages not given out yet, given out, and waiting for their next try.

      Errors: `:unavailable`, `:unsupported`.
      """
      @spec groups(Client.t(), keyword()) :: {:ok, term()} | {:error, Spikard.Error.t()}
      def groups(client, opts \\ []),
        do: Client.call(client, 138, [], opts, [], [{"groups", :groups, nil}])

      @doc "As `groups`, but raises `Spikard.Error`."
      @spec groups!(Client.t(), keyword()) :: term()
      def groups!(client, opts \\ []), do: Client.bang(groups(client, opts))

      @doc ~S"""
      Forgets a group that nobody consumes any more: nothing is kept for it from then on.

        * `group`: The group.
        * `topic`: Its topic or pattern.

      Gives it was there.

      Errors: `:invalid_argument`, `:conflict`, `:unavailable`, `:unsupported`.
      """
      @spec delete_group(Client.t(), String.t(), String.t(), keyword()) :: {:ok, boolean()} | {:error, Spikard.Error.t()}
      def delete_group(client, group, topic, opts \\ []),
        do: Client.call(client, 139, [{"group", group, :any}, {"topic", topic, :any}], opts, [], [{"deleted", :deleted, nil}])

      @doc "As `delete_group`, but raises `Spikard.Error`."
      @spec delete_group!(Client.t(), String.t(), String.t(), keyword()) :: boolean()
      def delete_group!(client, group, topic, opts \\ []), do: Client.bang(delete_group(client, group, topic, opts))

      @doc ~S"""
      Whether a pattern stands for a topic. A pattern that is not one in this style stands for none.

        * `style`: `nats`, `mqtt`, `amqp` or `auto`.
        * `pattern`: The pattern.
        * `topic`: The topic.

      Gives it does.

      Errors: `:invalid_argument`.
      """
      @spec topic_match(Client.t(), String.t(), String.t(), String.t(), keyword()) :: {:ok, boolean()} | {:error, Spikard.Error.t()}
      def topic_match(client, style, pattern, topic, opts \\ []),
        do: Client.call(client, 140, [{"style", style, :any}, {"pattern", pattern, :any}, {"topic", topic, :any}], opts, [], [{"value", :value, nil}])

      @doc "As `topic_match`, but raises `Spikard.Error`."
      @spec topic_match!(Client.t(), String.t(), String.t(), String.t(), keyword()) :: boolean()
      def topic_match!(client, style, pattern, topic, opts \\ []), do: Client.bang(topic_match(client, style, pattern, topic, opts))

      @doc ~S"""
      Counts of this process since its start.

      Gives a map:

        * `:messages_published`: Confirmed.
        * `:messages_acked`: Handled.
        * `:messages_dead_lettered`: Gone to a dead letter topic.
        * `:messages_dropped`: Given up where there is no dead letter topic.
      """
      @spec stats(Client.t(), keyword()) :: {:ok, %{messages_published: non_neg_integer(), messages_acked: non_neg_integer(), messages_dead_lettered: non_neg_integer(), messages_dropped: non_neg_integer()}} | {:error, Spikard.Error.t()}
      def stats(client, opts \\ []),
        do: Client.call(client, 141, [], opts, [], [{"messages_published", :messages_published, nil}, {"messages_acked", :messages_acked, nil}, {"messages_dead_lettered", :messages_dead_lettered, nil}, {"messages_dropped", :messages_dropped, nil}])

      @doc "As `stats`, but raises `Spikard.Error`."
      @spec stats!(Client.t(), keyword()) :: %{messages_published: non_neg_integer(), messages_acked: non_neg_integer(), messages_dead_lettered: non_neg_integer(), messages_dropped: non_neg_integer()}
      def stats!(client, opts \\ []), do: Client.bang(stats(client, opts))

      defoverridable publish: 4, publish_batch: 3, start_consumer: 4, stop_consumer: 3, kill_consumer: 3, list_dead_letters: 3, peek_dead_letter: 4, redrive_dead_letters: 3, purge_dead_letters: 3, seek: 4, groups: 2, delete_group: 4, topic_match: 5, stats: 2
    end
  end
end

defmodule Spikard.Generated.Storage do
  @moduledoc false

  defmacro __using__(_) do
    quote location: :keep do
      alias Spikard.Client

      @doc false
      def __group__, do: :storage

      @doc ~S"""
      An object, or a part of it, in one piece. At most `max_read_bytes` of the store; more is too_large.

        * `key`: The key.

      Options:

        * `:offset`: First byte. At or after the end is invalid_argument, detail range_not_satisfiable. In bytes. Default: `nil`.
        * `:length`: How many bytes; an end past the object is cut. 0 is refused. In bytes. Default: `nil`.
        * `:suffix`: The last so many bytes, without `offset` and `length`. 0 is refused. In bytes. Default: `nil`.
        * `:if_match`: Only if the object has this etag. Default: `nil`.
        * `:if_none_match`: Only if the object has another etag than this. Default: `nil`.

      Gives a map:

        * `:data`: The bytes.
        * `:offset`: Where in the object they begin. In bytes.
        * `:object`: The object.

      Errors: `:invalid_argument`, `:not_found`, `:condition_failed`, `:too_large`, `:unavailable`.
      """
      @spec read(Client.t(), String.t(), keyword()) :: {:ok, %{data: binary(), offset: non_neg_integer(), object: term()}} | {:error, Spikard.Error.t()}
      def read(client, key, opts \\ []),
        do: Client.call(client, 64, [{"key", key, :any}], opts, [offset: {"offset", :any}, length: {"length", :any}, suffix: {"suffix", :any}, if_match: {"if_match", :any}, if_none_match: {"if_none_match", :any}], [{"data", :data, nil}, {"offset", :offset, nil}, {"object", :object, nil}])

      @doc "As `read`, but raises `Spikard.Error`."
      @spec read!(Client.t(), String.t(), keyword()) :: %{data: binary(), offset: non_neg_integer(), object: term()}
      def read!(client, key, opts \\ []), do: Client.bang(read(client, key, opts))

      @doc ~S"""
      An object, or a part of it, in chunks. The object read is that of the beginning, whatever is written meanwhile.

        * `key`: The key.

      Options:

        * `:offset`: First byte. At or after the end is invalid_argument, detail range_not_satisfiable. In bytes. Default: `nil`.
        * `:length`: How many bytes; an end past the object is cut. 0 is refused. In bytes. Default: `nil`.
        * `:suffix`: The last so many bytes, without `offset` and `length`. 0 is refused. In bytes. Default: `nil`.
        * `:if_match`: Only if the object has this etag. Default: `nil`.
        * `:if_none_match`: Only if the object has another etag than this. Default: `nil`.

      Gives a map:

        * `:offset`: Where in the object the chunks began. In bytes.
        * `:size`: How many bytes the chunks had. In bytes.
        * `:object`: The object.

      Errors: `:invalid_argument`, `:not_found`, `:condition_failed`, `:cancelled`, `:unavailable`.
      """
      @spec read_stream(Client.t(), String.t(), keyword()) :: Spikard.ByteStream.t()
      def read_stream(client, key, opts \\ []),
        do: Client.stream(client, 65, [{"key", key, :any}], opts, [offset: {"offset", :any}, length: {"length", :any}, suffix: {"suffix", :any}, if_match: {"if_match", :any}, if_none_match: {"if_none_match", :any}], [{"offset", :offset, nil}, {"size", :size, nil}, {"object", :object, nil}])

      @doc ~S"""
      Writes an object whole, metadata included: what was there is replaced in one step. Returns when it is durable.

        * `key`: The key.
        * `data`: The content; text is its UTF-8.

      Options:

        * `:content_type`: Content-Type that readers are told. Default: `nil`.
        * `:cache_control`: Cache-Control that readers are told. Default: `nil`.
        * `:content_disposition`: Content-Disposition that readers are told. Default: `nil`.
        * `:metadata`: An object of texts, names and texts together 2048 bytes at most. Names are tokens as in HTTP headers and become lower case. Default: `nil`.
        * `:if_match`: Only if the object that is there has this etag. Default: `nil`.
        * `:if_none_match`: `*`: only if nothing is there. Default: `nil`.

      Gives the object as it is now.

      Errors: `:invalid_argument`, `:condition_failed`, `:too_large`, `:unavailable`.
      """
      @spec write(Client.t(), String.t(), iodata(), keyword()) :: {:ok, term()} | {:error, Spikard.Error.t()}
      def write(client, key, data, opts \\ []),
        do: Client.call(client, 66, [{"key", key, :any}, {"data", data, :bytes}], opts, [content_type: {"content_type", :any}, cache_control: {"cache_control", :any}, content_disposition: {"content_disposition", :any}, metadata: {"metadata", :any}, if_match: {"if_match", :any}, if_none_match: {"if_none_match", :any}], [{"object", :object, nil}])

      @doc "As `write`, but raises `Spikard.Error`."
      @spec write!(Client.t(), String.t(), iodata(), keyword()) :: term()
      def write!(client, key, data, opts \\ []), do: Client.bang(write(client, key, data, opts))

      @doc ~S"""
      As `storage.write`, from chunks. A caller that gives up before the last chunk leaves everything as it was: cancelled, detail aborted.

        * `key`: The key.

      Options:

        * `:content_type`: Content-Type that readers are told. Default: `nil`.
        * `:cache_control`: Cache-Control that readers are told. Default: `nil`.
        * `:content_disposition`: Content-Disposition that readers are told. Default: `nil`.
        * `:metadata`: An object of texts, names and texts together 2048 bytes at most. Names are tokens as in HTTP headers and become lower case. Default: `nil`.
        * `:if_match`: Only if the object that is there has this etag. Default: `nil`.
        * `:if_none_match`: `*`: only if nothing is there. Default: `nil`.

      Gives the object as it is now.

      Errors: `:invalid_argument`, `:condition_failed`, `:cancelled`, `:too_large`, `:unavailable`.
      """
      @spec write_stream(Client.t(), String.t(), Enumerable.t(), keyword()) :: {:ok, term()} | {:error, Spikard.Error.t()}
      def write_stream(client, key, chunks, opts \\ []),
        do: Client.send(client, 67, [{"key", key, :any}], opts, [content_type: {"content_type", :any}, cache_control: {"cache_control", :any}, content_disposition: {"content_disposition", :any}, metadata: {"metadata", :any}, if_match: {"if_match", :any}, if_none_match: {"if_none_match", :any}], [{"object", :object, nil}], chunks)

      @doc "As `write_stream`, but raises `Spikard.Error`."
      @spec write_stream!(Client.t(), String.t(), Enumerable.t(), keyword()) :: term()
      def write_stream!(client, key, chunks, opts \\ []), do: Client.bang(write_stream(client, key, chunks, opts))

      @doc ~S"""
      What is known of an object, without its content.

        * `key`: The key.

      Gives the object as it is now.

      Errors: `:invalid_argument`, `:not_found`, `:unavailable`.
      """
      @spec stat(Client.t(), String.t(), keyword()) :: {:ok, term()} | {:error, Spikard.Error.t()}
      def stat(client, key, opts \\ []),
        do: Client.call(client, 68, [{"key", key, :any}], opts, [], [{"object", :object, nil}])

      @doc "As `stat`, but raises `Spikard.Error`."
      @spec stat!(Client.t(), String.t(), keyword()) :: term()
      def stat!(client, key, opts \\ []), do: Client.bang(stat(client, key, opts))

      @doc ~S"""
      Whether there is an object of this key.

        * `key`: The key.

      Gives whether it is there.

      Errors: `:invalid_argument`, `:unavailable`.
      """
      @spec exists(Client.t(), String.t(), keyword()) :: {:ok, boolean()} | {:error, Spikard.Error.t()}
      def exists(client, key, opts \\ []),
        do: Client.call(client, 69, [{"key", key, :any}], opts, [], [{"value", :value, nil}])

      @doc "As `exists`, but raises `Spikard.Error`."
      @spec exists!(Client.t(), String.t(), keyword()) :: boolean()
      def exists!(client, key, opts \\ []), do: Client.bang(exists(client, key, opts))

      @doc ~S"""
      Deletes an object. One that is not there is no error.

        * `key`: The key.

      Errors: `:invalid_argument`, `:unavailable`.
      """
      @spec delete(Client.t(), String.t(), keyword()) :: :ok | {:error, Spikard.Error.t()}
      def delete(client, key, opts \\ []),
        do: Client.call(client, 70, [{"key", key, :any}], opts, [], [])

      @doc "As `delete`, but raises `Spikard.Error`."
      @spec delete!(Client.t(), String.t(), keyword()) :: :ok
      def delete!(client, key, opts \\ []), do: Client.bang(delete(client, key, opts))

      @doc ~S"""
      Deletes objects, each by itself.

        * `keys`: The keys, 1000 at most.

      Gives an array of `{key, kind, detail, message}`: those that could not be deleted.

      Errors: `:invalid_argument`, `:unavailable`.
      """
      @spec delete_many(Client.t(), [String.t()], keyword()) :: {:ok, term()} | {:error, Spikard.Error.t()}
      def delete_many(client, keys, opts \\ []),
        do: Client.call(client, 71, [{"keys", keys, :any}], opts, [], [{"errors", :errors, nil}])

      @doc "As `delete_many`, but raises `Spikard.Error`."
      @spec delete_many!(Client.t(), [String.t()], keyword()) :: term()
      def delete_many!(client, keys, opts \\ []), do: Client.bang(delete_many(client, keys, opts))

      @doc ~S"""
      A page of objects in the order of the UTF-8 bytes of their keys. With a delimiter, keys that have it after the prefix are rolled up to one prefix each.

      Options:

        * `:prefix`: Only keys that begin with this. Default: `""`.
        * `:delimiter`: What ends a rolled-up prefix, `/` as a rule. Empty: nothing is rolled up. Default: `""`.
        * `:start_after`: Only what is strictly greater. Default: `""`.
        * `:limit`: Entries and prefixes of a page together. Default: `1000`.
        * `:token`: `next` of the page before, with the same prefix and delimiter. A place in the order of keys, not a snapshot. Default: `nil`.

      Gives a map:

        * `:entries`: An array of `{key, size, etag, last_modified}`.
        * `:prefixes`: The rolled-up prefixes, each with its delimiter.
        * `:next`: `token` of the next page; null on the last.

      Errors: `:invalid_argument`, `:unavailable`.
      """
      @spec list(Client.t(), keyword()) :: {:ok, %{entries: term(), prefixes: [String.t()], next: String.t() | nil}} | {:error, Spikard.Error.t()}
      def list(client, opts \\ []),
        do: Client.call(client, 72, [], opts, [prefix: {"prefix", :any}, delimiter: {"delimiter", :any}, start_after: {"start_after", :any}, limit: {"limit", :any}, token: {"token", :any}], [{"entries", :entries, nil}, {"prefixes", :prefixes, nil}, {"next", :next, nil}])

      @doc "As `list`, but raises `Spikard.Error`."
      @spec list!(Client.t(), keyword()) :: %{entries: term(), prefixes: [String.t()], next: String.t() | nil}
      def list!(client, opts \\ []), do: Client.bang(list(client, opts))

      @doc ~S"""
      Copies an object, metadata included, onto another key of the same store.

        * `source`: The key that is read.
        * `target`: The key that is written; what was there is replaced.

      Options:

        * `:if_match`: Only if the object that is there has this etag. Default: `nil`.
        * `:if_none_match`: `*`: only if nothing is there. Default: `nil`.

      Gives the object as it is now.

      Errors: `:invalid_argument`, `:not_found`, `:condition_failed`, `:too_large`, `:unavailable`.
      """
      @spec copy(Client.t(), String.t(), String.t(), keyword()) :: {:ok, term()} | {:error, Spikard.Error.t()}
      def copy(client, source, target, opts \\ []),
        do: Client.call(client, 73, [{"source", source, :any}, {"target", target, :any}], opts, [if_match: {"if_match", :any}, if_none_match: {"if_none_match", :any}], [{"object", :object, nil}])

      @doc "As `copy`, but raises `Spikard.Error`."
      @spec copy!(Client.t(), String.t(), String.t(), keyword()) :: term()
      def copy!(client, source, target, opts \\ []), do: Client.bang(copy(client, source, target, opts))

      @doc ~S"""
      Moves an object, metadata included, to another key of the same store. One step where the backend says so (`memory:`, `file:`), else a copy and a delete.

        * `source`: The key that is read.
        * `target`: The key that is written; what was there is replaced.

      Options:

        * `:if_match`: Only if the object that is there has this etag. Default: `nil`.
        * `:if_none_match`: `*`: only if nothing is there. Default: `nil`.

      Gives the object as it is now.

      Errors: `:invalid_argument`, `:not_found`, `:condition_failed`, `:unavailable`.
      """
      @spec rename(Client.t(), String.t(), String.t(), keyword()) :: {:ok, term()} | {:error, Spikard.Error.t()}
      def rename(client, source, target, opts \\ []),
        do: Client.call(client, 74, [{"source", source, :any}, {"target", target, :any}], opts, [if_match: {"if_match", :any}, if_none_match: {"if_none_match", :any}], [{"object", :object, nil}])

      @doc "As `rename`, but raises `Spikard.Error`."
      @spec rename!(Client.t(), String.t(), String.t(), keyword()) :: term()
      def rename!(client, source, target, opts \\ []), do: Client.bang(rename(client, source, target, opts))

      @doc ~S"""
      A URL that lets whoever has it do one thing with one object for a while, without credentials.

        * `method`: `GET`, `PUT` or `HEAD`.
        * `key`: The key.

      Options:

        * `:expires_s`: How long it is good for. In s. Default: `900`.

      Gives a map:

        * `:url`: The URL.
        * `:expires_at`: When it ends, in ms since the epoch. In ms.

      Errors: `:invalid_argument`, `:unsupported`.
      """
      @spec presign(Client.t(), String.t(), String.t(), keyword()) :: {:ok, %{url: String.t(), expires_at: integer()}} | {:error, Spikard.Error.t()}
      def presign(client, method, key, opts \\ []),
        do: Client.call(client, 75, [{"method", method, :any}, {"key", key, :any}], opts, [expires_s: {"expires_s", :any}], [{"url", :url, nil}, {"expires_at", :expires_at, nil}])

      @doc "As `presign`, but raises `Spikard.Error`."
      @spec presign!(Client.t(), String.t(), String.t(), keyword()) :: %{url: String.t(), expires_at: integer()}
      def presign!(client, method, key, opts \\ []), do: Client.bang(presign(client, method, key, opts))

      @doc ~S"""
      Lets others, a browser perhaps, upload a large object in parts straight to the store, without credentials: what each part's request is. The object is there once `storage.complete_upload` was called.

        * `key`: The key.
        * `size`: Size of the object. In bytes.

      Options:

        * `:part_bytes`: Size of each part but the last. Rounded up to 256 KiB, and to what 10,000 parts need. In bytes. Default: `8388608`.
        * `:content_type`: Content-Type that readers are told. Default: `nil`.
        * `:cache_control`: Cache-Control that readers are told. Default: `nil`.
        * `:content_disposition`: Content-Disposition that readers are told. Default: `nil`.
        * `:metadata`: An object of texts, names and texts together 2048 bytes at most. Names are tokens as in HTTP headers and become lower case. Default: `nil`.
        * `:if_match`: Only if the object that is there has this etag. Default: `nil`.
        * `:if_none_match`: `*`: only if nothing is there. Default: `nil`.
        * `:origin`: `https://HOST[:PORT]` of the pages whose scripts upload: the session of `gcs:` answers the browser for no other. Stores besides look at their CORS rules only. Default: `nil`.
        * `:expires_s`: How long the URLs are good for. A part that has begun by then is taken. In s. Default: `3600`.

      Gives a map:

        * `:upload`: Opaque, for the two operations below. It can be read, not forged, and is for this key and store only.
        * `:key`: The key.
        * `:parts`: An array of `{number, method, url, headers, offset, size}`: a request with these headers, whose body is the `size` bytes of the object from `offset`. Numbers are from 1. Any 2xx says that the part arrived; where parts are ordered, 308 too.
        * `:ordered`: Whether parts must be sent one after the other (`gcs:`).
        * `:expires_at`: When the URLs end, in ms since the epoch. The upload can be completed until a day later. In ms.

      Errors: `:invalid_argument`, `:unsupported`, `:too_large`, `:unavailable`.
      """
      @spec plan_upload(Client.t(), String.t(), non_neg_integer(), keyword()) :: {:ok, %{upload: String.t(), key: String.t(), parts: term(), ordered: boolean(), expires_at: integer()}} | {:error, Spikard.Error.t()}
      def plan_upload(client, key, size, opts \\ []),
        do: Client.call(client, 76, [{"key", key, :any}, {"size", size, :any}], opts, [part_bytes: {"part_bytes", :any}, content_type: {"content_type", :any}, cache_control: {"cache_control", :any}, content_disposition: {"content_disposition", :any}, metadata: {"metadata", :any}, if_match: {"if_match", :any}, if_none_match: {"if_none_match", :any}, origin: {"origin", :any}, expires_s: {"expires_s", :any}], [{"upload", :upload, nil}, {"key", :key, nil}, {"parts", :parts, nil}, {"ordered", :ordered, nil}, {"expires_at", :expires_at, nil}])

      @doc "As `plan_upload`, but raises `Spikard.Error`."
      @spec plan_upload!(Client.t(), String.t(), non_neg_integer(), keyword()) :: %{upload: String.t(), key: String.t(), parts: term(), ordered: boolean(), expires_at: integer()}
      def plan_upload!(client, key, size, opts \\ []), do: Client.bang(plan_upload(client, key, size, opts))

      @doc ~S"""
      Makes the parts the object, in one step. A part that is missing, has another size or another etag is conflict, detail invalid_part: it can be uploaded and the upload completed then. One that the store does not know (any more) is not_found, detail no_such_upload.

        * `key`: The key of the plan.
        * `upload`: `upload` of the plan. Anything else is invalid_argument, detail invalid_upload.

      Options:

        * `:etags`: The `ETag` of each part's answer, in the order of parts: that no other bytes came after it. None, or an empty text, where it is not known (`gcs:` and `azblob:` tell none). Default: `[]`.

      Gives the object as it is now.

      Errors: `:invalid_argument`, `:not_found`, `:condition_failed`, `:conflict`, `:too_large`, `:outcome_unknown`, `:unavailable`.
      """
      @spec complete_upload(Client.t(), String.t(), String.t(), keyword()) :: {:ok, term()} | {:error, Spikard.Error.t()}
      def complete_upload(client, key, upload, opts \\ []),
        do: Client.call(client, 77, [{"key", key, :any}, {"upload", upload, :any}], opts, [etags: {"etags", :any}], [{"object", :object, nil}])

      @doc "As `complete_upload`, but raises `Spikard.Error`."
      @spec complete_upload!(Client.t(), String.t(), String.t(), keyword()) :: term()
      def complete_upload!(client, key, upload, opts \\ []), do: Client.bang(complete_upload(client, key, upload, opts))

      @doc ~S"""
      Takes away what arrived. One that was completed or aborted is no error, and what was completed stays.

        * `key`: The key of the plan.
        * `upload`: `upload` of the plan. Anything else is invalid_argument, detail invalid_upload.

      Errors: `:invalid_argument`, `:unavailable`.
      """
      @spec abort_upload(Client.t(), String.t(), String.t(), keyword()) :: :ok | {:error, Spikard.Error.t()}
      def abort_upload(client, key, upload, opts \\ []),
        do: Client.call(client, 78, [{"key", key, :any}, {"upload", upload, :any}], opts, [], [])

      @doc "As `abort_upload`, but raises `Spikard.Error`."
      @spec abort_upload!(Client.t(), String.t(), String.t(), keyword()) :: :ok
      def abort_upload!(client, key, upload, opts \\ []), do: Client.bang(abort_upload(client, key, upload, opts))

      defoverridable read: 3, read_stream: 3, write: 4, write_stream: 4, stat: 3, exists: 3, delete: 3, delete_many: 3, list: 2, copy: 4, rename: 4, presign: 4, plan_upload: 4, complete_upload: 4, abort_upload: 4
    end
  end
end

defmodule Spikard.Generated.Tasks do
  @moduledoc false

  defmacro __using__(_) do
    quote location: :keep do
      alias Spikard.Client

      @doc false
      def __group__, do: :tasks

      @doc ~S"""
      Puts one task into a queue. With `unique_key`, gives the job of that key that has not ended, if there is one.

        * `task`: Name of the task; a worker has a handler for it.

      Options:

        * `:queue`: The queue. Default: `"default"`.
        * `:args`: What the handler gets, as JSON. Default: `nil`.
        * `:delay_ms`: Not before this long from now. In ms. Default: `0`.
        * `:run_at`: Not before this instant: RFC 3339 text or ms since the epoch. Not with `delay_ms`. Default: `nil`.
        * `:priority`: Higher goes first; first come among equals. Default: `0`.
        * `:max_attempts`: Runs at most, the first one included. Default: `5`.
        * `:backoff`: `{initial_ms, factor, max_ms, jitter_percent}` between failed runs. Null: 1000, 2, 300000, 10. An object without `jitter_percent` has none. Default: `nil`.
        * `:timeout_ms`: A run that takes longer is cancelled and has failed. 0: the worker's limit. In ms. Default: `0`.
        * `:unique_key`: At most one job of this key that has not ended is in the store. Empty: none. Default: `""`.
        * `:concurrency_key`: Of the jobs of this key at most `concurrency_limit` run at a time, over all workers. Empty: none. Default: `""`.
        * `:concurrency_limit`: See `concurrency_key`. Default: `1`.
        * `:depends_on`: Ids of jobs that must complete before this one begins. When one is discarded or cancelled, so is this one (cancelled, with the reason). Default: `[]`.
        * `:batch`: Id of a batch that is not done, which this job joins. Default: `""`.
        * `:tags`: For people and lists. Default: `[]`.
        * `:retention_ms`: How long the job and its result are kept after its end. 0: the store's default. In ms. Default: `0`.
        * `:transaction`: A transaction of `db`: the task is enqueued when it commits, and not at all when it does not. A store in another database gets it through the outbox; the result then has no id (empty). Default: `nil`.

      Gives a map:

        * `:id`: The job's id.
        * `:created`: False: it was there (`unique_key`).

      Errors: `:invalid_argument`, `:not_found`, `:conflict`, `:unavailable`.
      """
      @spec enqueue(Client.t(), String.t(), keyword()) :: {:ok, %{id: String.t(), created: boolean()}} | {:error, Spikard.Error.t()}
      def enqueue(client, task, opts \\ []),
        do: Client.call(client, 160, [{"task", task, :any}], opts, [queue: {"queue", :any}, args: {"args", :any}, delay_ms: {"delay_ms", :any}, run_at: {"run_at", :any}, priority: {"priority", :any}, max_attempts: {"max_attempts", :any}, backoff: {"backoff", :any}, timeout_ms: {"timeout_ms", :any}, unique_key: {"unique_key", :any}, concurrency_key: {"concurrency_key", :any}, concurrency_limit: {"concurrency_limit", :any}, depends_on: {"depends_on", :any}, batch: {"batch", :any}, tags: {"tags", :any}, retention_ms: {"retention_ms", :any}, transaction: {"transaction", :any}], [{"id", :id, nil}, {"created", :created, nil}])

      @doc "As `enqueue`, but raises `Spikard.Error`."
      @spec enqueue!(Client.t(), String.t(), keyword()) :: %{id: String.t(), created: boolean()}
      def enqueue!(client, task, opts \\ []), do: Client.bang(enqueue(client, task, opts))

      @doc ~S"""
      Puts many tasks into queues in one transaction: all of them or none.

        * `jobs`: An array of objects with the arguments of `tasks.enqueue`, 10000 at most.

      Gives for each, in order, `{id, created}`.

      Errors: `:invalid_argument`, `:not_found`, `:conflict`, `:unavailable`.
      """
      @spec enqueue_many(Client.t(), term(), keyword()) :: {:ok, term()} | {:error, Spikard.Error.t()}
      def enqueue_many(client, jobs, opts \\ []),
        do: Client.call(client, 161, [{"jobs", jobs, :any}], opts, [], [{"jobs", :jobs, nil}])

      @doc "As `enqueue_many`, but raises `Spikard.Error`."
      @spec enqueue_many!(Client.t(), term(), keyword()) :: term()
      def enqueue_many!(client, jobs, opts \\ []), do: Client.bang(enqueue_many(client, jobs, opts))

      @doc ~S"""
      Puts many tasks into queues as one batch, in one transaction. When all of them have ended, `callback` is released.

        * `jobs`: An array of objects with the arguments of `tasks.enqueue`, 1 to 10000.

      Options:

        * `:callback`: A job (arguments of `tasks.enqueue`) that is pending until the batch is done; it finds the batch by `tasks.batch`, whose id is its `batch_done`. Null: none. Default: `nil`.

      Gives a map:

        * `:batch`: The batch's id.
        * `:jobs`: For each, in order, `{id, created}`.
        * `:callback`: Id of the callback's job, or null.

      Errors: `:invalid_argument`, `:not_found`, `:conflict`, `:unavailable`.
      """
      @spec enqueue_batch(Client.t(), term(), keyword()) :: {:ok, %{batch: String.t(), jobs: term(), callback: term()}} | {:error, Spikard.Error.t()}
      def enqueue_batch(client, jobs, opts \\ []),
        do: Client.call(client, 162, [{"jobs", jobs, :any}], opts, [callback: {"callback", :any}], [{"batch", :batch, nil}, {"jobs", :jobs, nil}, {"callback", :callback, nil}])

      @doc "As `enqueue_batch`, but raises `Spikard.Error`."
      @spec enqueue_batch!(Client.t(), term(), keyword()) :: %{batch: String.t(), jobs: term(), callback: term()}
      def enqueue_batch!(client, jobs, opts \\ []), do: Client.bang(enqueue_batch(client, jobs, opts))

      @doc ~S"""
      How far a batch is.

        * `id`: The batch's id.

      Gives a map:

        * `:id`: Its id.
        * `:total`: Jobs in it.
        * `:pending`: Jobs that have not ended.
        * `:completed`: Jobs that completed.
        * `:cancelled`: Jobs that were cancelled.
        * `:discarded`: Jobs that were discarded.
        * `:done`: All have ended.
        * `:callback`: Id of the callback's job, or null.

      Errors: `:not_found`.
      """
      @spec batch(Client.t(), String.t(), keyword()) :: {:ok, %{id: String.t(), total: non_neg_integer(), pending: non_neg_integer(), completed: non_neg_integer(), cancelled: non_neg_integer(), discarded: non_neg_integer(), done: boolean(), callback: term()}} | {:error, Spikard.Error.t()}
      def batch(client, id, opts \\ []),
        do: Client.call(client, 163, [{"id", id, :any}], opts, [], [{"id", :id, nil}, {"total", :total, nil}, {"pending", :pending, nil}, {"completed", :completed, nil}, {"cancelled", :cancelled, nil}, {"discarded", :discarded, nil}, {"done", :done, nil}, {"callback", :callback, nil}])

      @doc "As `batch`, but raises `Spikard.Error`."
      @spec batch!(Client.t(), String.t(), keyword()) :: %{id: String.t(), total: non_neg_integer(), pending: non_neg_integer(), completed: non_neg_integer(), cancelled: non_neg_integer(), discarded: non_neg_integer(), done: boolean(), callback: term()}
      def batch!(client, id, opts \\ []), do: Client.bang(batch(client, id, opts))

      @doc ~S"""
      A job as it is now.

        * `id`: The job's id.

      Gives a map:

        * `:id`: Its id.
        * `:queue`: Its queue.
        * `:task`: The task's name.
        * `:args`: Its arguments.
        * `:state`: pending, scheduled, available, running, retryable, completed, cancelled or discarded.
        * `:priority`: Its priority.
        * `:attempt`: Runs begun, those that do not count left out.
        * `:max_attempts`: Runs at most.
        * `:run_at`: Not before this instant. In ms.
        * `:enqueued_at`: When it was enqueued. In ms.
        * `:started_at`: When the latest run began, or null.
        * `:ended_at`: When it ended, or null.
        * `:scheduled_at`: The occurrence of its schedule that it stands for, or null.
        * `:schedule`: Its schedule, or null.
        * `:worker`: Who runs it, or null.
        * `:unique_key`: Its unique key, or null.
        * `:concurrency_key`: Its concurrency key, or null.
        * `:batch`: Its batch, or null.
        * `:batch_done`: The batch whose callback it is, or null.
        * `:tags`: Its tags.
        * `:progress`: What its handler told last, or null.
        * `:result`: What its handler returned, or null.
        * `:error`: The latest error, or the reason of its cancellation; null for none.
        * `:error_code`: error, timeout, fatal, lease_lost, unknown_task, dependency or a code of the handler's; null for none.

      Errors: `:not_found`.
      """
      @spec job(Client.t(), String.t(), keyword()) :: {:ok, %{id: String.t(), queue: String.t(), task: String.t(), args: term(), state: String.t(), priority: integer(), attempt: non_neg_integer(), max_attempts: non_neg_integer(), run_at: integer(), enqueued_at: integer(), started_at: term(), ended_at: term(), scheduled_at: term(), schedule: term(), worker: term(), unique_key: term(), concurrency_key: term(), batch: term(), batch_done: term(), tags: [String.t()], progress: term(), result: term(), error: term(), error_code: term()}} | {:error, Spikard.Error.t()}
      def job(client, id, opts \\ []),
        do: Client.call(client, 164, [{"id", id, :any}], opts, [], [{"id", :id, nil}, {"queue", :queue, nil}, {"task", :task, nil}, {"args", :args, nil}, {"state", :state, nil}, {"priority", :priority, nil}, {"attempt", :attempt, nil}, {"max_attempts", :max_attempts, nil}, {"run_at", :run_at, nil}, {"enqueued_at", :enqueued_at, nil}, {"started_at", :started_at, nil}, {"ended_at", :ended_at, nil}, {"scheduled_at", :scheduled_at, nil}, {"schedule", :schedule, nil}, {"worker", :worker, nil}, {"unique_key", :unique_key, nil}, {"concurrency_key", :concurrency_key, nil}, {"batch", :batch, nil}, {"batch_done", :batch_done, nil}, {"tags", :tags, nil}, {"progress", :progress, nil}, {"result", :result, nil}, {"error", :error, nil}, {"error_code", :error_code, nil}])

      @doc "As `job`, but raises `Spikard.Error`."
      @spec job!(Client.t(), String.t(), keyword()) :: %{id: String.t(), queue: String.t(), task: String.t(), args: term(), state: String.t(), priority: integer(), attempt: non_neg_integer(), max_attempts: non_neg_integer(), run_at: integer(), enqueued_at: integer(), started_at: term(), ended_at: term(), scheduled_at: term(), schedule: term(), worker: term(), unique_key: term(), concurrency_key: term(), batch: term(), batch_done: term(), tags: [String.t()], progress: term(), result: term(), error: term(), error_code: term()}
      def job!(client, id, opts \\ []), do: Client.bang(job(client, id, opts))

      @doc ~S"""
      Jobs in the order of their ids.

      Options:

        * `:queue`: Of this queue only. Default: `""`.
        * `:state`: In this state only. Default: `""`.
        * `:task`: Of this name only. Default: `""`.
        * `:schedule`: Of this schedule only. Default: `""`.
        * `:batch`: Of this batch only. Default: `""`.
        * `:after`: Only ids after this one: the last of the page before. Default: `""`.
        * `:limit`: How many at most. Default: `100`.

      Gives each as `tasks.job` gives it.

      Errors: `:invalid_argument`.
      """
      @spec list(Client.t(), keyword()) :: {:ok, term()} | {:error, Spikard.Error.t()}
      def list(client, opts \\ []),
        do: Client.call(client, 165, [], opts, [queue: {"queue", :any}, state: {"state", :any}, task: {"task", :any}, schedule: {"schedule", :any}, batch: {"batch", :any}, after: {"after", :any}, limit: {"limit", :any}], [{"jobs", :jobs, nil}])

      @doc "As `list`, but raises `Spikard.Error`."
      @spec list!(Client.t(), keyword()) :: term()
      def list!(client, opts \\ []), do: Client.bang(list(client, opts))

      @doc ~S"""
      Ends a job that has not ended. A running handler is told and its result is thrown away; jobs that depend on it are cancelled too.

        * `id`: The job's id.

      Options:

        * `:reason`: Kept as the job's error. Default: `""`.

      Gives false: it had ended.

      Errors: `:not_found`.
      """
      @spec cancel(Client.t(), String.t(), keyword()) :: {:ok, boolean()} | {:error, Spikard.Error.t()}
      def cancel(client, id, opts \\ []),
        do: Client.call(client, 166, [{"id", id, :any}], opts, [reason: {"reason", :any}], [{"cancelled", :cancelled, nil}])

      @doc "As `cancel`, but raises `Spikard.Error`."
      @spec cancel!(Client.t(), String.t(), keyword()) :: boolean()
      def cancel!(client, id, opts \\ []), do: Client.bang(cancel(client, id, opts))

      @doc ~S"""
      Lets a job that has ended run once more.

        * `id`: The job's id.

      Gives false: it has not ended.

      Errors: `:not_found`, `:conflict`.
      """
      @spec retry(Client.t(), String.t(), keyword()) :: {:ok, boolean()} | {:error, Spikard.Error.t()}
      def retry(client, id, opts \\ []),
        do: Client.call(client, 167, [{"id", id, :any}], opts, [], [{"retried", :retried, nil}])

      @doc "As `retry`, but raises `Spikard.Error`."
      @spec retry!(Client.t(), String.t(), keyword()) :: boolean()
      def retry!(client, id, opts \\ []), do: Client.bang(retry(client, id, opts))

      @doc ~S"""
      All queues with their counts and settings.

      Gives each `{queue, paused, rate_limit, pending, scheduled, available, running, retryable, completed, cancelled, discarded}`.
      """
      @spec queues(Client.t(), keyword()) :: {:ok, term()} | {:error, Spikard.Error.t()}
      def queues(client, opts \\ []),
        do: Client.call(client, 168, [], opts, [], [{"queues", :queues, nil}])

      @doc "As `queues`, but raises `Spikard.Error`."
      @spec queues!(Client.t(), keyword()) :: term()
      def queues!(client, opts \\ []), do: Client.bang(queues(client, opts))

      @doc ~S"""
      Jobs of a queue that neither run nor have ended.

      Options:

        * `:queue`: The queue. Default: `"default"`.

      Gives how many.
      """
      @spec pending_count(Client.t(), keyword()) :: {:ok, non_neg_integer()} | {:error, Spikard.Error.t()}
      def pending_count(client, opts \\ []),
        do: Client.call(client, 169, [], opts, [queue: {"queue", :any}], [{"count", :count, nil}])

      @doc "As `pending_count`, but raises `Spikard.Error`."
      @spec pending_count!(Client.t(), keyword()) :: non_neg_integer()
      def pending_count!(client, opts \\ []), do: Client.bang(pending_count(client, opts))

      @doc ~S"""
      No worker, in no process, takes from this queue until `tasks.resume`. What runs goes on.

      Options:

        * `:queue`: The queue. Default: `"default"`.
      """
      @spec pause(Client.t(), keyword()) :: :ok | {:error, Spikard.Error.t()}
      def pause(client, opts \\ []),
        do: Client.call(client, 170, [], opts, [queue: {"queue", :any}], [])

      @doc "As `pause`, but raises `Spikard.Error`."
      @spec pause!(Client.t(), keyword()) :: :ok
      def pause!(client, opts \\ []), do: Client.bang(pause(client, opts))

      @doc ~S"""
      Workers take from this queue again.

      Options:

        * `:queue`: The queue. Default: `"default"`.
      """
      @spec resume(Client.t(), keyword()) :: :ok | {:error, Spikard.Error.t()}
      def resume(client, opts \\ []),
        do: Client.call(client, 171, [], opts, [queue: {"queue", :any}], [])

      @doc "As `resume`, but raises `Spikard.Error`."
      @spec resume!(Client.t(), keyword()) :: :ok
      def resume!(client, opts \\ []), do: Client.bang(resume(client, opts))

      @doc ~S"""
      How many jobs of a queue may begin in a span of time, over all workers of all processes (a token bucket).

      Options:

        * `:queue`: The queue. Default: `"default"`.
        * `:count`: So many. 0: no limit. Default: `0`.
        * `:period_ms`: In this span. In ms. Default: `1000`.
        * `:burst`: So many at once after a rest. 0: as `count`. Default: `0`.

      Errors: `:invalid_argument`.
      """
      @spec set_rate_limit(Client.t(), keyword()) :: :ok | {:error, Spikard.Error.t()}
      def set_rate_limit(client, opts \\ []),
        do: Client.call(client, 172, [], opts, [queue: {"queue", :any}, count: {"count", :any}, period_ms: {"period_ms", :any}, burst: {"burst", :any}], [])

      @doc "As `set_rate_limit`, but raises `Spikard.Error`."
      @spec set_rate_limit!(Client.t(), keyword()) :: :ok
      def set_rate_limit!(client, opts \\ []), do: Client.bang(set_rate_limit(client, opts))

      @doc ~S"""
      What a handler tells about its run. conflict when the lease was lost.

        * `id`: The job's id.
        * `lease`: The run's fencing token.
        * `progress`: Any JSON.

      Errors: `:not_found`, `:conflict`.
      """
      @spec progress(Client.t(), String.t(), non_neg_integer(), term(), keyword()) :: :ok | {:error, Spikard.Error.t()}
      def progress(client, id, lease, progress, opts \\ []),
        do: Client.call(client, 173, [{"id", id, :any}, {"lease", lease, :any}, {"progress", progress, :any}], opts, [], [])

      @doc "As `progress`, but raises `Spikard.Error`."
      @spec progress!(Client.t(), String.t(), non_neg_integer(), term(), keyword()) :: :ok
      def progress!(client, id, lease, progress, opts \\ []), do: Client.bang(progress(client, id, lease, progress, opts))

      @doc ~S"""
      Renews a run's lease now and says whether it is still this worker's. Workers do so by themselves; this is for a handler that is about to do what cannot be undone.

        * `id`: The job's id.
        * `lease`: The run's fencing token.

      Options:

        * `:lease_ms`: From now. In ms. Default: `10000`.

      Gives false: lost or cancelled.
      """
      @spec heartbeat(Client.t(), String.t(), non_neg_integer(), keyword()) :: {:ok, boolean()} | {:error, Spikard.Error.t()}
      def heartbeat(client, id, lease, opts \\ []),
        do: Client.call(client, 174, [{"id", id, :any}, {"lease", lease, :any}], opts, [lease_ms: {"lease_ms", :any}], [{"held", :held, nil}])

      @doc "As `heartbeat`, but raises `Spikard.Error`."
      @spec heartbeat!(Client.t(), String.t(), non_neg_integer(), keyword()) :: boolean()
      def heartbeat!(client, id, lease, opts \\ []), do: Client.bang(heartbeat(client, id, lease, opts))

      @doc ~S"""
      Waits until a job has ended and gives it as `tasks.job` does.

        * `id`: The job's id.

      Options:

        * `:timeout_ms`: At most this long; then timeout. In ms. Default: `30000`.

      Gives the job.

      Errors: `:not_found`, `:timeout`.
      """
      @spec wait(Client.t(), String.t(), keyword()) :: {:ok, term()} | {:error, Spikard.Error.t()}
      def wait(client, id, opts \\ []),
        do: Client.call(client, 175, [{"id", id, :any}], opts, [timeout_ms: {"timeout_ms", :any}], [{"job", :job, nil}])

      @doc "As `wait`, but raises `Spikard.Error`."
      @spec wait!(Client.t(), String.t(), keyword()) :: term()
      def wait!(client, id, opts \\ []), do: Client.bang(wait(client, id, opts))

      @doc ~S"""
      Starts a worker beside those of the manifest. Its tasks come as SPK_EV_TASK.

        * `name`: Its name; unique among those that run.

      Options:

        * `:queue`: The queue. Default: `"default"`.
        * `:concurrency`: Handlers at once. Default: `16`.
        * `:lease_ms`: A job comes back this long after its worker died; renewed every third of it. In ms. Default: `10000`.
        * `:timeout_ms`: For tasks without a limit of their own. 0: none. In ms. Default: `0`.
        * `:tasks`: Names it has handlers for; any other is discarded with the code unknown_task. Null: all. Default: `nil`.
        * `:user`: Comes back as `user` of its events. Default: `0`.

      Errors: `:invalid_argument`, `:already_exists`, `:unavailable`.
      """
      @spec start_worker(Client.t(), String.t(), keyword()) :: :ok | {:error, Spikard.Error.t()}
      def start_worker(client, name, opts \\ []),
        do: Client.call(client, 176, [{"name", name, :any}], opts, [queue: {"queue", :any}, concurrency: {"concurrency", :any}, lease_ms: {"lease_ms", :any}, timeout_ms: {"timeout_ms", :any}, tasks: {"tasks", :any}, user: {"user", :any}], [])

      @doc "As `start_worker`, but raises `Spikard.Error`."
      @spec start_worker!(Client.t(), String.t(), keyword()) :: :ok
      def start_worker!(client, name, opts \\ []), do: Client.bang(start_worker(client, name, opts))

      @doc ~S"""
      Drains a worker: takes no more, finishes what runs within the time, hands back the rest without using up an attempt.

        * `name`: Its name.

      Options:

        * `:timeout_ms`: For what runs. In ms. Default: `20000`.

      Gives a map:

        * `:drained`: Everything finished in time.
        * `:unfinished`: Handed back.

      Errors: `:not_found`.
      """
      @spec stop_worker(Client.t(), String.t(), keyword()) :: {:ok, %{drained: boolean(), unfinished: non_neg_integer()}} | {:error, Spikard.Error.t()}
      def stop_worker(client, name, opts \\ []),
        do: Client.call(client, 177, [{"name", name, :any}], opts, [timeout_ms: {"timeout_ms", :any}], [{"drained", :drained, nil}, {"unfinished", :unfinished, nil}])

      @doc "As `stop_worker`, but raises `Spikard.Error`."
      @spec stop_worker!(Client.t(), String.t(), keyword()) :: %{drained: boolean(), unfinished: non_neg_integer()}
      def stop_worker!(client, name, opts \\ []), do: Client.bang(stop_worker(client, name, opts))

      @doc ~S"""
      For tests: the worker dies without a word, as if its process were gone.

        * `name`: Its name.

      Errors: `:not_found`.
      """
      @spec kill_worker(Client.t(), String.t(), keyword()) :: :ok | {:error, Spikard.Error.t()}
      def kill_worker(client, name, opts \\ []),
        do: Client.call(client, 178, [{"name", name, :any}], opts, [], [])

      @doc "As `kill_worker`, but raises `Spikard.Error`."
      @spec kill_worker!(Client.t(), String.t(), keyword()) :: :ok
      def kill_worker!(client, name, opts \\ []), do: Client.bang(kill_worker(client, name, opts))

      @doc ~S"""
      Makes or changes a schedule, which any running scheduler of this store fires. Times not yet reached follow the new expression.

        * `name`: Its name; unique in the store.
        * `cron`: Five or six fields, or a macro such as `@daily`.
        * `task`: The task's name.

      Options:

        * `:timezone`: A name of the IANA data base. Default: `"UTC"`.
        * `:queue`: Where its jobs go. Default: `"default"`.
        * `:args`: The arguments of every job. Default: `nil`.
        * `:priority`: As in `tasks.enqueue`. Default: `0`.
        * `:max_attempts`: As in `tasks.enqueue`. Default: `5`.
        * `:timeout_ms`: As in `tasks.enqueue`. In ms. Default: `0`.
        * `:misfire`: What becomes of times at which no scheduler ran: skip, once (one job for all of them), all (one for each). Default: `"once"`.
        * `:overlap`: forbid: a time is left out while the job before has not ended. Default: `"allow"`.

      Gives the next time, ms since the epoch, or null.

      Errors: `:invalid_argument`.
      """
      @spec schedule(Client.t(), String.t(), String.t(), String.t(), keyword()) :: {:ok, term()} | {:error, Spikard.Error.t()}
      def schedule(client, name, cron, task, opts \\ []),
        do: Client.call(client, 179, [{"name", name, :any}, {"cron", cron, :any}, {"task", task, :any}], opts, [timezone: {"timezone", :any}, queue: {"queue", :any}, args: {"args", :any}, priority: {"priority", :any}, max_attempts: {"max_attempts", :any}, timeout_ms: {"timeout_ms", :any}, misfire: {"misfire", :any}, overlap: {"overlap", :any}], [{"next", :next, nil}])

      @doc "As `schedule`, but raises `Spikard.Error`."
      @spec schedule!(Client.t(), String.t(), String.t(), String.t(), keyword()) :: term()
      def schedule!(client, name, cron, task, opts \\ []), do: Client.bang(schedule(client, name, cron, task, opts))

      @doc ~S"""
      Takes a schedule away. Its jobs stay.

        * `name`: Its name.

      Gives false: there was none.
      """
      @spec unschedule(Client.t(), String.t(), keyword()) :: {:ok, boolean()} | {:error, Spikard.Error.t()}
      def unschedule(client, name, opts \\ []),
        do: Client.call(client, 180, [{"name", name, :any}], opts, [], [{"removed", :removed, nil}])

      @doc "As `unschedule`, but raises `Spikard.Error`."
      @spec unschedule!(Client.t(), String.t(), keyword()) :: boolean()
      def unschedule!(client, name, opts \\ []), do: Client.bang(unschedule(client, name, opts))

      @doc ~S"""
      All schedules of the store.

      Gives each with the arguments of `tasks.schedule`, `next` and `last` (ms since the epoch, or null).
      """
      @spec schedules(Client.t(), keyword()) :: {:ok, term()} | {:error, Spikard.Error.t()}
      def schedules(client, opts \\ []),
        do: Client.call(client, 181, [], opts, [], [{"schedules", :schedules, nil}])

      @doc "As `schedules`, but raises `Spikard.Error`."
      @spec schedules!(Client.t(), keyword()) :: term()
      def schedules!(client, opts \\ []), do: Client.bang(schedules(client, opts))

      @doc ~S"""
      Starts a scheduler beside that of the manifest. Any number may run, in any number of processes: each time of a schedule makes one job.

      Options:

        * `:name`: Its name; unique among those that run. Default: `"default"`.

      Errors: `:already_exists`.
      """
      @spec start_scheduler(Client.t(), keyword()) :: :ok | {:error, Spikard.Error.t()}
      def start_scheduler(client, opts \\ []),
        do: Client.call(client, 182, [], opts, [name: {"name", :any}], [])

      @doc "As `start_scheduler`, but raises `Spikard.Error`."
      @spec start_scheduler!(Client.t(), keyword()) :: :ok
      def start_scheduler!(client, opts \\ []), do: Client.bang(start_scheduler(client, opts))

      @doc ~S"""
      Stops a scheduler.

      Options:

        * `:name`: Its name. Default: `"default"`.

      Errors: `:not_found`.
      """
      @spec stop_scheduler(Client.t(), keyword()) :: :ok | {:error, Spikard.Error.t()}
      def stop_scheduler(client, opts \\ []),
        do: Client.call(client, 183, [], opts, [name: {"name", :any}], [])

      @doc "As `stop_scheduler`, but raises `Spikard.Error`."
      @spec stop_scheduler!(Client.t(), keyword()) :: :ok
      def stop_scheduler!(client, opts \\ []), do: Client.bang(stop_scheduler(client, opts))

      defoverridable enqueue: 3, enqueue_many: 3, enqueue_batch: 3, batch: 3, job: 3, list: 2, cancel: 3, retry: 3, queues: 2, pending_count: 2, pause: 2, resume: 2, set_rate_limit: 2, progress: 5, heartbeat: 4, wait: 3, start_worker: 3, stop_worker: 3, kill_worker: 3, schedule: 5, unschedule: 3, schedules: 2, start_scheduler: 2, stop_scheduler: 2
    end
  end
end

defmodule Spikard.Generated.Telemetry do
  @moduledoc false

  defmacro __using__(_) do
    quote location: :keep do
      alias Spikard.Client

      @doc false
      def __group__, do: :telemetry

      @doc ~S"""
      The context of the request, message or task whose handler calls.

      Gives a map:

        * `:traceparent`: Null where there is none.
        * `:tracestate`: As it came.
        * `:baggage`: As it came.
      """
      @spec context(Client.t(), keyword()) :: {:ok, %{traceparent: String.t() | nil, tracestate: String.t() | nil, baggage: String.t() | nil}} | {:error, Spikard.Error.t()}
      def context(client, opts \\ []),
        do: Client.call(client, 224, [], opts, [], [{"traceparent", :traceparent, nil}, {"tracestate", :tracestate, nil}, {"baggage", :baggage, nil}])

      @doc "As `context`, but raises `Spikard.Error`."
      @spec context!(Client.t(), keyword()) :: %{traceparent: String.t() | nil, tracestate: String.t() | nil, baggage: String.t() | nil}
      def context!(client, opts \\ []), do: Client.bang(context(client, opts))

      @doc ~S"""
      Begins a span. It must be ended; at most 65536 of an application are open at once, of one more only the context is handed on.

        * `name`: What is done, of few different values.

      Options:

        * `:kind`: `internal`, `server`, `client`, `producer` or `consumer`. Default: `"internal"`.
        * `:traceparent`: The parent. Default: `nil`.
        * `:tracestate`: Of a parent that is given. Default: `nil`.
        * `:baggage`: Of a parent that is given. Default: `nil`.
        * `:attributes`: An object of texts, numbers, booleans and lists of one of them. Default: `nil`.
        * `:links`: A list of traceparents. Default: `nil`.

      Gives a map:

        * `:span`: Its number for `telemetry.end_span`; 0 for one that is not recorded, which need not be ended.
        * `:traceparent`: Its context, to hand on.

      Errors: `:invalid_argument`.
      """
      @spec start_span(Client.t(), String.t(), keyword()) :: {:ok, %{span: non_neg_integer(), traceparent: String.t() | nil}} | {:error, Spikard.Error.t()}
      def start_span(client, name, opts \\ []),
        do: Client.call(client, 225, [{"name", name, :any}], opts, [kind: {"kind", :any}, traceparent: {"traceparent", :any}, tracestate: {"tracestate", :any}, baggage: {"baggage", :any}, attributes: {"attributes", :any}, links: {"links", :any}], [{"span", :span, nil}, {"traceparent", :traceparent, nil}])

      @doc "As `start_span`, but raises `Spikard.Error`."
      @spec start_span!(Client.t(), String.t(), keyword()) :: %{span: non_neg_integer(), traceparent: String.t() | nil}
      def start_span!(client, name, opts \\ []), do: Client.bang(start_span(client, name, opts))

      @doc ~S"""
      Ends a span. A number that is not open any more is ignored.

        * `span`: As `telemetry.start_span` gave it.

      Options:

        * `:name`: A new name. Default: `nil`.
        * `:attributes`: Further attributes; they replace those of the same name. Default: `nil`.
        * `:events`: A list of `{name, time_unix_nano, attributes}`; `exception` is one by the semantic conventions. Default: `nil`.
        * `:status`: `unset`, `ok` or `error`. Default: `"unset"`.
        * `:message`: Of status error. Default: `nil`.

      Errors: `:invalid_argument`.
      """
      @spec end_span(Client.t(), non_neg_integer(), keyword()) :: :ok | {:error, Spikard.Error.t()}
      def end_span(client, span, opts \\ []),
        do: Client.call(client, 226, [{"span", span, :any}], opts, [name: {"name", :any}, attributes: {"attributes", :any}, events: {"events", :any}, status: {"status", :any}, message: {"message", :any}], [])

      @doc "As `end_span`, but raises `Spikard.Error`."
      @spec end_span!(Client.t(), non_neg_integer(), keyword()) :: :ok
      def end_span!(client, span, opts \\ []), do: Client.bang(end_span(client, span, opts))

      @doc ~S"""
      A log record: a line of the application's log with trace and span id, and a record for the exporter.

        * `message`: The text. User information in URLs is redacted.

      Options:

        * `:level`: `trace`, `debug`, `info`, `warn` or `error`. Default: `"info"`.
        * `:attributes`: As of a span. Values of names that are secret are redacted. Default: `nil`.
        * `:traceparent`: The span it belongs to. Default: `nil`.
        * `:line`: Off: only the exporter gets it (the host writes the line itself). Default: `true`.

      Errors: `:invalid_argument`.
      """
      @spec log(Client.t(), String.t(), keyword()) :: :ok | {:error, Spikard.Error.t()}
      def log(client, message, opts \\ []),
        do: Client.call(client, 227, [{"message", message, :any}], opts, [level: {"level", :any}, attributes: {"attributes", :any}, traceparent: {"traceparent", :any}, line: {"line", :any}], [])

      @doc "As `log`, but raises `Spikard.Error`."
      @spec log!(Client.t(), String.t(), keyword()) :: :ok
      def log!(client, message, opts \\ []), do: Client.bang(log(client, message, opts))

      @doc ~S"""
      Adds to a sum.

        * `name`: The instrument, `shop.orders.created`. It is made with the first call.

      Options:

        * `:value`: A number, not below nought where it only grows; null is 1. Default: `nil`.
        * `:up_down`: The sum goes both ways. Default: `false`.
        * `:unit`: By UCUM: `s`, `By`, `{order}`. Default: `""`.
        * `:description`: For people. Default: `""`.
        * `:attributes`: As of a span; of few different values. Default: `nil`.

      Errors: `:invalid_argument`.
      """
      @spec add(Client.t(), String.t(), keyword()) :: :ok | {:error, Spikard.Error.t()}
      def add(client, name, opts \\ []),
        do: Client.call(client, 228, [{"name", name, :any}], opts, [value: {"value", :any}, up_down: {"up_down", :any}, unit: {"unit", :any}, description: {"description", :any}, attributes: {"attributes", :any}], [])

      @doc "As `add`, but raises `Spikard.Error`."
      @spec add!(Client.t(), String.t(), keyword()) :: :ok
      def add!(client, name, opts \\ []), do: Client.bang(add(client, name, opts))

      @doc ~S"""
      Records a value of a distribution.

        * `name`: The instrument. It is made with the first call.
        * `value`: A number.

      Options:

        * `:unit`: By UCUM. Default: `""`.
        * `:description`: For people. Default: `""`.
        * `:boundaries`: Upper bounds of the buckets, ascending; null for those that are advised for seconds. Default: `nil`.
        * `:attributes`: As of a span; of few different values. Default: `nil`.

      Errors: `:invalid_argument`.
      """
      @spec record(Client.t(), String.t(), term(), keyword()) :: :ok | {:error, Spikard.Error.t()}
      def record(client, name, value, opts \\ []),
        do: Client.call(client, 229, [{"name", name, :any}, {"value", value, :any}], opts, [unit: {"unit", :any}, description: {"description", :any}, boundaries: {"boundaries", :any}, attributes: {"attributes", :any}], [])

      @doc "As `record`, but raises `Spikard.Error`."
      @spec record!(Client.t(), String.t(), term(), keyword()) :: :ok
      def record!(client, name, value, opts \\ []), do: Client.bang(record(client, name, value, opts))

      @doc ~S"""
      Exports what waits now. Done when the collector has it or it was given up.

      Options:

        * `:timeout_ms`: The longest it may take. In ms. Default: `2000`.

      Gives whether everything was taken by the collector.
      """
      @spec flush(Client.t(), keyword()) :: {:ok, boolean()} | {:error, Spikard.Error.t()}
      def flush(client, opts \\ []),
        do: Client.call(client, 230, [], opts, [timeout_ms: {"timeout_ms", :any}], [{"flushed", :flushed, nil}])

      @doc "As `flush`, but raises `Spikard.Error`."
      @spec flush!(Client.t(), keyword()) :: boolean()
      def flush!(client, opts \\ []), do: Client.bang(flush(client, opts))

      @doc ~S"""
      What became of spans and log records since the start.

      Gives a map:

        * `:spans`: `{ended, exported, dropped, failed, waiting}`: dropped did not fit into the queue, failed were given up by the exporter.
        * `:logs`: The same of log records.
      """
      @spec statistics(Client.t(), keyword()) :: {:ok, %{spans: term(), logs: term()}} | {:error, Spikard.Error.t()}
      def statistics(client, opts \\ []),
        do: Client.call(client, 231, [], opts, [], [{"spans", :spans, nil}, {"logs", :logs, nil}])

      @doc "As `statistics`, but raises `Spikard.Error`."
      @spec statistics!(Client.t(), keyword()) :: %{spans: term(), logs: term()}
      def statistics!(client, opts \\ []), do: Client.bang(statistics(client, opts))

      @doc ~S"""
      The spans that ended since the last call, of exporter `memory`.

      Gives alist of `{name, kind, status, status_message, trace_id, span_id, parent_span_id, trace_state, start_unix_nano, end_unix_nano, attributes, events, links, resource}`.

      Errors: `:unsupported`.
      """
      @spec take_spans(Client.t(), keyword()) :: {:ok, term()} | {:error, Spikard.Error.t()}
      def take_spans(client, opts \\ []),
        do: Client.call(client, 240, [], opts, [], [{"spans", :spans, nil}])

      @doc "As `take_spans`, but raises `Spikard.Error`."
      @spec take_spans!(Client.t(), keyword()) :: term()
      def take_spans!(client, opts \\ []), do: Client.bang(take_spans(client, opts))

      @doc ~S"""
      The log records since the last call, of exporter `memory`.

      Gives alist of `{time_unix_nano, severity, body, attributes, trace_id, span_id}`.

      Errors: `:unsupported`.
      """
      @spec take_logs(Client.t(), keyword()) :: {:ok, term()} | {:error, Spikard.Error.t()}
      def take_logs(client, opts \\ []),
        do: Client.call(client, 241, [], opts, [], [{"logs", :logs, nil}])

      @doc "As `take_logs`, but raises `Spikard.Error`."
      @spec take_logs!(Client.t(), keyword()) :: term()
      def take_logs!(client, opts \\ []), do: Client.bang(take_logs(client, opts))

      @doc ~S"""
      All metrics now, whatever the exporter.

      Gives alist of `{name, unit, description, type, points, boundaries}`.
      """
      @spec collect_metrics(Client.t(), keyword()) :: {:ok, term()} | {:error, Spikard.Error.t()}
      def collect_metrics(client, opts \\ []),
        do: Client.call(client, 242, [], opts, [], [{"metrics", :metrics, nil}])

      @doc "As `collect_metrics`, but raises `Spikard.Error`."
      @spec collect_metrics!(Client.t(), keyword()) :: term()
      def collect_metrics!(client, opts \\ []), do: Client.bang(collect_metrics(client, opts))

      @doc ~S"""
      Reads a traceparent (W3C Trace Context).

        * `value`: The header's text.

      Gives `{trace_id, parent_id, sampled}`, or null where it is not valid.
      """
      @spec parse_traceparent(Client.t(), String.t(), keyword()) :: {:ok, term()} | {:error, Spikard.Error.t()}
      def parse_traceparent(client, value, opts \\ []),
        do: Client.call(client, 248, [{"value", value, :any}], opts, [], [{"value", :value, nil}])

      @doc "As `parse_traceparent`, but raises `Spikard.Error`."
      @spec parse_traceparent!(Client.t(), String.t(), keyword()) :: term()
      def parse_traceparent!(client, value, opts \\ []), do: Client.bang(parse_traceparent(client, value, opts))

      @doc ~S"""
      Reads a tracestate (W3C Trace Context).

        * `values`: The texts of all header lines, in order.

      Gives alist of pairs; empty when anything in it is invalid.

      Errors: `:invalid_argument`.
      """
      @spec parse_tracestate(Client.t(), term(), keyword()) :: {:ok, term()} | {:error, Spikard.Error.t()}
      def parse_tracestate(client, values, opts \\ []),
        do: Client.call(client, 249, [{"values", values, :any}], opts, [], [{"value", :value, nil}])

      @doc "As `parse_tracestate`, but raises `Spikard.Error`."
      @spec parse_tracestate!(Client.t(), term(), keyword()) :: term()
      def parse_tracestate!(client, values, opts \\ []), do: Client.bang(parse_tracestate(client, values, opts))

      @doc ~S"""
      Reads baggage (W3C Baggage).

        * `values`: The texts of all header lines, in order.

      Gives alist of `{key, value, properties}`, `properties` only where there are some; what is invalid is left out.

      Errors: `:invalid_argument`.
      """
      @spec parse_baggage(Client.t(), term(), keyword()) :: {:ok, term()} | {:error, Spikard.Error.t()}
      def parse_baggage(client, values, opts \\ []),
        do: Client.call(client, 250, [{"values", values, :any}], opts, [], [{"value", :value, nil}])

      @doc "As `parse_baggage`, but raises `Spikard.Error`."
      @spec parse_baggage!(Client.t(), term(), keyword()) :: term()
      def parse_baggage!(client, values, opts \\ []), do: Client.bang(parse_baggage(client, values, opts))

      defoverridable context: 2, start_span: 3, end_span: 3, log: 3, add: 3, record: 4, flush: 2, statistics: 2, take_spans: 2, take_logs: 2, collect_metrics: 2, parse_traceparent: 3, parse_tracestate: 3, parse_baggage: 3
    end
  end
end
