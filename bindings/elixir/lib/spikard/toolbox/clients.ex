defmodule Spikard.Cache do
  @moduledoc "A cache. Values are bytes."
  use Spikard.Generated.Cache

  @doc "Option: `:namespace`, whose keys are other keys than those of another."
  def client(name \\ "default", opts \\ []), do: %Client{group: :cache, name: name, namespace: opts[:namespace]}

  @doc "The value, loaded by `loader` when it is not there (nil: there is nothing to find). One caller loads a key at a time, the others wait for it."
  def get_or_load(client, key, loader, opts \\ []) do
    with {:ok, begun} <- get_or_begin_load(client, key, opts) do
      case begun do
        %{state: "value", flight: nil, value: value} -> {:ok, value}
        %{state: "value", flight: flight, value: value} -> later(client, flight, loader, value)
        %{flight: flight} -> load(client, flight, loader)
      end
    end
  end

  def get_or_load!(client, key, loader, opts \\ []), do: Client.bang(get_or_load(client, key, loader, opts))

  # The value is there and old: what it is now is loaded beside.
  defp later(client, flight, loader, value) do
    {scope, _} = Spikard.Scope.here!("cache")
    spawn(fn -> Spikard.Scope.within(%{scope | id: 0}, fn -> load(client, flight, loader) end) end)
    {:ok, value}
  end

  defp load(client, flight, loader) do
    try do
      {:loaded, loader.()}
    rescue
      error in Spikard.CancelledError ->
        end_load(client, flight, "given_up")
        reraise error, __STACKTRACE__

      error ->
        {:failed, Exception.message(error)}
    else
      {:loaded, {:ok, value}} -> {:loaded, value}
      {:loaded, {:error, error}} -> {:failed, if(is_exception(error), do: Exception.message(error), else: inspect(error))}
      loaded -> loaded
    end
    |> case do
      {:failed, message} -> end_load(client, flight, "failed", message: message)
      {:loaded, nil} -> end_load(client, flight, "absent")
      {:loaded, value} -> end_load(client, flight, "value", value: value)
    end
  end
end

defmodule Spikard.Storage do
  @moduledoc "A store of objects."
  use Spikard.Generated.Storage
  import Spikard.Generated.Abi
  require Spikard.Generated.Abi

  def client(name \\ "default"), do: %Client{group: :storage, name: name}

  @doc "An object as the answer of a handler: the core serves it, with ETag, conditions and ranges. Options: `:content_type`, `:cache_control`, `:content_disposition`."
  def object(client, key, opts \\ []), do: served(client, op_storage_read_stream(), 0, key, opts)

  @doc "The body of a request as an object, from a handler of a route with `stream: true` that has not read it."
  def accept(client, key, opts \\ []), do: served(client, op_storage_write_stream(), opts[:status] || 201, key, opts)

  defp served(client, operation, status, key, opts) do
    {_, _, number} = Client.where(client)
    args = for name <- [:content_type, :cache_control, :content_disposition], opts[name] != nil, into: %{"key" => key}, do: {Atom.to_string(name), opts[name]}
    %Spikard.Served{operation: operation, client: number, args: args, status: status}
  end

  @doc "All objects below a prefix, page by page."
  def iterate(client, prefix \\ "", opts \\ []) do
    Stream.resource(
      fn -> Keyword.take(opts, [:start_after]) end,
      fn
        nil ->
          {:halt, nil}

        more ->
          page = list!(client, [prefix: prefix] ++ more)
          {page.entries, page.next && [token: page.next]}
      end,
      fn _ -> :ok end
    )
  end
end

defmodule Spikard.Messaging do
  @moduledoc "A message broker. Text and bytes go as they are, everything else as JSON."
  use Spikard.Generated.Messaging

  def client(name \\ "default"), do: %Client{group: :messaging, name: name}

  def publish(client, topic, payload, opts), do: super(client, topic, payload(payload), opts)

  def publish_batch(client, messages, opts) do
    super(
      client,
      Enum.map(messages, fn message -> message |> Map.new(fn {key, value} -> {to_string(key), value} end) |> Map.update("payload", "", &payload/1) end),
      opts
    )
  end

  defp payload({:bytes, _} = bytes), do: bytes
  defp payload(payload) when is_binary(payload), do: {:bytes, payload}
  defp payload(payload), do: {:bytes, Spikard.JSON.encode!(payload)}

  @doc "Starts a consumer beside those of the application, which runs until `stop/2`. Options: `:name`, `:schema`, and those of `start_consumer/4`."
  def consume(client, topic, handler, opts \\ []) do
    {own, rest} = Keyword.split(opts, [:name, :schema, :cancel])
    {_, rt, _} = Client.where(client)
    user = Spikard.Server.dynamic(rt, %{handler: handler, schema: own[:schema], cancel: own[:cancel] || :message})
    rest = if own[:schema], do: Keyword.put(rest, :schema, Spikard.Schema.json(own[:schema])), else: rest

    case start_consumer(client, own[:name] || topic, topic, Keyword.put(rest, :user, user)) do
      {:ok, number} -> {:ok, {:consumer, client, number, user}}
      error -> Spikard.Server.forget(rt, user) && error
    end
  end

  @doc "Takes nothing new, waits for its handlers, hands back what is left."
  def stop({:consumer, client, number, user}, opts \\ []) do
    {_, rt, _} = Client.where(client)
    result = stop_consumer(client, number, drain_timeout_ms: opts[:timeout_ms] || 20_000)
    Spikard.Server.forget(rt, user)
    result
  end

  @doc "For tests: as if its process had died."
  def kill({:consumer, client, number, _}), do: kill_consumer(client, number)
end

defmodule Spikard.Tasks do
  @moduledoc "A store of tasks."
  use Spikard.Generated.Tasks

  def client(name \\ "default"), do: %Client{group: :tasks, name: name}

  @doc "Starts a worker beside those of the application, which runs until `stop/2`. `handlers`: a map by the tasks' names, or one function of the arguments and the run for all."
  def work(client, handlers, opts \\ []) do
    {name, rest} = Keyword.pop(opts, :name)
    queue = opts[:queue] || "default"
    all = is_function(handlers)
    tasks = if all, do: %{"" => plan(handlers)}, else: Map.new(handlers, fn {task, handler} -> {to_string(task), plan(handler)} end)
    {_, rt, _} = Client.where(client)
    user = Spikard.Server.dynamic(rt, %{queue: queue, client: client.name, tasks: tasks})
    rest = if all, do: rest, else: Keyword.put(rest, :tasks, Map.keys(tasks))

    case start_worker(client, name || queue, Keyword.merge(rest, queue: queue, user: user)) do
      {:error, _} = error -> Spikard.Server.forget(rt, user) && error
      _ -> {:ok, {:worker, client, name || queue, user}}
    end
  end

  defp plan(handler), do: %{handler: handler, schema: nil, cancel: :message}

  @doc "Takes nothing new, waits for what runs, hands back what is left."
  def stop({:worker, client, name, user}, opts \\ []) do
    {_, rt, _} = Client.where(client)
    result = stop_worker(client, name, timeout_ms: opts[:timeout_ms] || 20_000)
    Spikard.Server.forget(rt, user)
    result
  end

  @doc "For tests: as if its process had died."
  def kill({:worker, client, name, _}), do: kill_worker(client, name)
end

defmodule Spikard.Cron do
  @moduledoc "What cron expressions mean."
  use Spikard.Generated.Cron
  def client(name \\ "default"), do: %Client{group: :cron, name: name}
end

defmodule Spikard.CloudEvents do
  @moduledoc "Sends events where `services.events` says, and reads and writes messages of them."
  use Spikard.Generated.CloudEvents
  def client(name \\ "default"), do: %Client{group: __group__(), name: name}
end

defmodule Spikard.Telemetry do
  @moduledoc "Spans, log records and metrics of the application's own code, beside those of the core."
  use Spikard.Generated.Telemetry
  import Spikard.Generated.Abi
  require Spikard.Generated.Abi
  alias Spikard.{Native, Runtime, Scope}

  def client(name \\ "default"), do: %Client{group: :telemetry, name: name}

  defmodule Span do
    @moduledoc "A span in hand."
    defstruct [:number, :traceparent, :key]
  end

  @doc "Runs `fun` in a span; it may take the `Span`. Options: `:kind`, `:attributes`, `:links`, `:parent` (a traceparent; an empty one begins a trace). An exception is noted and makes its status error."
  def span(name, opts \\ [], fun) do
    case Scope.here() do
      nil -> run(fun, nil)
      scope -> spanned(scope, name, opts, fun)
    end
  end

  defp spanned(scope, name, opts, fun) do
    args =
      for {key, value} <- [
            name: name,
            kind: opts[:kind] || :internal,
            traceparent: opts[:parent] || scope.span,
            tracestate: opts[:tracestate],
            attributes: opts[:attributes],
            links: opts[:links]
          ],
          value != nil,
          into: %{},
          do: {Atom.to_string(key), value}

    rt = Runtime.get(scope.ref)
    {:ok, begun} = Client.invoke(rt, scope, op_telemetry_start_span(), 0, args)
    span = %Span{number: begun["span"], traceparent: begun["traceparent"], key: make_ref()}
    Process.put(span.key, %{})

    try do
      Scope.within(%{scope | span: span.traceparent || scope.span}, fn -> run(fun, span) end)
    catch
      kind, reason ->
        error = if kind == :error, do: Exception.normalize(:error, reason, __STACKTRACE__), else: reason
        record_exception(span, error, __STACKTRACE__)
        set_status(span, :error, if(is_exception(error), do: Exception.message(error), else: inspect(error)))
        finish(rt, scope, span)
        :erlang.raise(kind, reason, __STACKTRACE__)
    else
      value ->
        finish(rt, scope, span)
        value
    end
  end

  defp run(fun, _) when is_function(fun, 0), do: fun.()
  defp run(fun, span), do: fun.(span)

  defp finish(rt, scope, span) do
    said = Process.delete(span.key) || %{}
    if span.number not in [0, nil], do: Client.invoke(rt, scope, op_telemetry_end_span(), 0, Map.put(said, "span", span.number))
  end

  defp note(nil, _), do: :ok
  defp note(span, change), do: Process.put(span.key, change.(Process.get(span.key, %{}))) && :ok

  def set_attribute(span, name, value),
    do: note(span, &Map.update(&1, "attributes", %{to_string(name) => value}, fn all -> Map.put(all, to_string(name), value) end))

  def set_status(span, status, message \\ nil),
    do: note(span, &Map.merge(&1, if(message, do: %{"status" => to_string(status), "message" => message}, else: %{"status" => to_string(status)})))

  def rename(span, name), do: note(span, &Map.put(&1, "name", name))

  def add_event(span, name, attributes \\ %{}) do
    event = %{"name" => name, "time_unix_nano" => System.os_time(:nanosecond), "attributes" => attributes}
    note(span, &Map.update(&1, "events", [event], fn all -> all ++ [event] end))
  end

  def record_exception(span, error, stack \\ []) do
    {type, message} = if is_exception(error), do: {inspect(error.__struct__), Exception.message(error)}, else: {"exit", inspect(error)}
    add_event(span, "exception", %{"exception.type" => type, "exception.message" => message, "exception.stacktrace" => Exception.format_stacktrace(stack)})
  end

  @doc "The context of the innermost span here, as the header `traceparent` carries it."
  def traceparent do
    case Scope.here() do
      nil -> nil
      %{span: span} when span != nil -> span
      scope -> with({:ok, %{"traceparent" => text}} <- Client.invoke(Runtime.get(scope.ref), scope, op_telemetry_context(), 0, %{}), do: text, else: (_ -> nil))
    end
  end

  @doc "A record of the application's log (`Spikard.log/3`): a line, and a record for the exporter."
  def write(level, message, attributes \\ %{}) do
    with %Scope{} = scope <- Scope.here(),
         %Runtime{} = rt <- Runtime.get(scope.ref),
         do: record(rt, scope, to_string(level), message, Map.new(attributes), true)

    :ok
  end

  @doc false
  def record(rt, scope, level, message, attributes, line) do
    args = %{"level" => level, "message" => message, "attributes" => attributes, "line" => line}
    args = if scope.span, do: Map.put(args, "traceparent", scope.span), else: args
    Runtime.command(rt, cmd_call(), scope.id, user: Native.next_user(), arg: op_telemetry_log(), body: {:nodes, args})
  end
end
