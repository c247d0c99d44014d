defmodule Spikard.Message do
  @moduledoc "A message in hand. `json`: the payload as JSON; where the consumer has a schema it fits it, and is its struct. `delivery_count` counts this delivery, `tries` what was used up before it."
  defstruct [:topic, :payload, :key, :json, headers: [], delivery_count: 1, tries: 0, published: nil]
  @type t :: %__MODULE__{}
end

defmodule Spikard.TaskRun do
  @moduledoc "A run of a task. `attempt` counts the first run."
  defstruct [:name, :args, :id, :queue, :enqueued, :scheduled_at, :lease, :client, attempt: 1, headers: %{}]
  @type t :: %__MODULE__{}

  @doc "What others see of this run (`Spikard.Tasks.job/3`)."
  def progress(%__MODULE__{} = run, value), do: Spikard.Tasks.progress(Spikard.Tasks.client(run.client), run.id, run.lease, value)
  @doc "Whether this run still holds its job: to ask before what cannot be undone."
  def heartbeat(%__MODULE__{} = run), do: Spikard.Tasks.heartbeat(Spikard.Tasks.client(run.client), run.id, run.lease)
end

defmodule Spikard.Fatal do
  @moduledoc "Trying again is of no use: a message goes to the dead letters, a task is discarded."
  defexception message: "fatal"
end

defmodule Spikard.Task do
  @moduledoc """
  A task: work with a name, that workers run. The handler gets the arguments, or those and the `Spikard.TaskRun`.

  A message's or task's handler returns `:ok` or any value (done), `:nack`, `{:nack, requeue: false}`, `{:retry, ms}`, `{:fatal, reason}` or `{:error, reason}`, or raises.
  """
  defstruct [:name, :handler, :schema, queue: "default", client: "default", cancel: :message, options: []]
  @type t :: %__MODULE__{}

  @doc "Options: `:queue`, `:client`, `:schema`, `:cancel`, and those of `Spikard.Tasks.enqueue/3` as defaults."
  def new(name, handler, opts \\ []) do
    {own, options} = Keyword.split(opts, [:queue, :client, :schema, :cancel])
    struct(__MODULE__, [name: name, handler: handler, options: options] ++ own)
  end

  def enqueue(%__MODULE__{} = task, args, opts \\ []),
    do: Spikard.Tasks.enqueue(Spikard.Tasks.client(task.client), task.name, task.options |> Keyword.merge(opts) |> Keyword.merge(args: args, queue: task.queue))

  def enqueue!(task, args, opts \\ []), do: Spikard.Client.bang(enqueue(task, args, opts))
end

defmodule Spikard.CloudEvent do
  @moduledoc "An event (CloudEvents 1.0.2). `data`: JSON, text, or `{:bytes, binary}`; nil is none, or, with `null: true`, the null of JSON."
  defstruct [:type, :source, :id, :subject, :time, :datacontenttype, :dataschema, :data, null: false, specversion: "1.0", extensions: %{}]
  @type t :: %__MODULE__{}
  @attributes ~w(specversion id source type subject time datacontenttype dataschema)

  @doc "From the JSON format."
  def from(%{} = event) do
    data = if event["data_base64"], do: {:bytes, Base.decode64!(event["data_base64"])}, else: event["data"]
    attributes = for name <- @attributes, event[name] != nil, do: {String.to_existing_atom(name), event[name]}

    struct(
      __MODULE__,
      [data: data, null: Map.has_key?(event, "data") and event["data"] == nil, extensions: Map.drop(event, @attributes ++ ["data", "data_base64"])] ++
        attributes
    )
  end

  @doc "The JSON format."
  def to_map(%__MODULE__{} = event) do
    case event.data do
      {:bytes, data} -> Map.put(attributes(event), "data_base64", Base.encode64(data))
      nil when not event.null -> attributes(event)
      data -> Map.put(attributes(event), "data", data)
    end
  end

  @doc false
  def attributes(event),
    do: for(name <- @attributes, value = Map.get(event, String.to_existing_atom(name)), value != "", into: event.extensions, do: {name, value})

  defimpl Spikard.Plain do
    def plain(event) do
      attributes = Spikard.CloudEvent.attributes(event)
      if event.data == nil and not event.null, do: attributes, else: Map.put(attributes, "data", event.data)
    end
  end
end

defmodule Spikard.Work do
  @moduledoc false
  # The process of one message, task run, event or background job.
  import Spikard.Generated.Abi
  require Spikard.Generated.Abi
  alias Spikard.{CancelledError, CloudEvent, Fatal, HTTP, Message, Native, Runtime, Schema, Scope, TaskRun, Value}

  @by_operation 0xFFFFFFFF

  def read(rt, kind, route, user, record) do
    source = source(rt, kind, route, user)
    name = if kind == ev_task(), do: record |> described(0) |> Map.get("name")
    plan = if kind == ev_task() and source != nil, do: source.tasks[name] || source.tasks[""], else: source
    %{kind: kind, plan: plan, source: source, record: record, cancel: (plan && plan.cancel) || :message, name: name}
  end

  defp source(rt, _, @by_operation, user) do
    case :ets.lookup(rt.table, {:dynamic, user}) do
      [{_, plan}] -> plan
      [] -> nil
    end
  end

  defp source(rt, ev_cloudevent(), route, _), do: elem(rt.plan.events, route)
  defp source(rt, ev_message(), route, _), do: elem(rt.plan.consumers, route)
  defp source(rt, ev_task(), route, _), do: elem(rt.plan.workers, route)

  defp described(record, ordered) do
    {offset, count} = Runtime.view(record, record_nodes())
    if count == 0, do: %{}, else: record |> Value.nodes(offset, 1, ordered) |> hd()
  end

  def run(ref, work, id) do
    rt = Runtime.get(ref)
    Scope.enter(%Scope{ref: ref, id: id})

    try do
      if work.plan == nil, do: raise(Fatal, "there is no task '#{work.name}' here")
      settle(rt, id, work.kind, call(work, subject(work)))
    catch
      :error, %CancelledError{} -> Runtime.command(rt, cmd_nack(), id, flags: f_requeue())
      :error, %Fatal{} = error -> HTTP.fail(rt, id, :error, error, __STACKTRACE__, f_fatal())
      kind, reason -> HTTP.fail(rt, id, kind, reason, __STACKTRACE__)
    end
  end

  defp call(%{kind: ev_task(), plan: plan}, run) do
    cond do
      is_function(plan.handler, 2) -> plan.handler.(run.args, run)
      is_function(plan.handler, 1) -> plan.handler.(run.args)
    end
  end

  defp call(%{plan: plan}, subject), do: plan.handler.(subject)

  defp subject(%{kind: ev_cloudevent(), record: record, plan: plan}) do
    event = record |> described(-1) |> Map.fetch!("event") |> CloudEvent.from()
    if plan.schema, do: %{event | data: Schema.load(plan.schema, event.data)}, else: event
  end

  defp subject(%{kind: ev_message(), record: record, plan: plan}) do
    nodes = described(record, 0)
    payload = Runtime.part(record, record_body())
    {offset, count} = Runtime.view(record, record_meta())

    json =
      case Spikard.JSON.decode(payload) do
        {:ok, value} -> if(plan.schema, do: Schema.load(plan.schema, value), else: value)
        _ -> nil
      end

    %Message{
      topic: nodes["name"],
      payload: payload,
      key: nodes["key"],
      json: json,
      headers: Native.pairs(record, offset, count),
      delivery_count: Runtime.u32(record, record_attempt()),
      tries: nodes["tries"],
      published: instant(nodes["enqueued_ms"])
    }
  end

  defp subject(%{kind: ev_task(), record: record, plan: plan, source: source}) do
    nodes = described(record, 0)
    body = Runtime.part(record, record_body())
    {offset, count} = Runtime.view(record, record_meta())
    args = if body == "", do: nil, else: Spikard.JSON.decode!(body)

    %TaskRun{
      name: nodes["name"],
      args: if(plan.schema, do: Schema.load(plan.schema, args), else: args),
      id: nodes["id"] || "",
      queue: nodes["queue"] || source.queue,
      attempt: (nodes["tries"] || 0) + 1,
      headers: Map.new(Native.pairs(record, offset, count)),
      enqueued: instant(nodes["enqueued_ms"]),
      scheduled_at: instant(nodes["scheduled_at"]),
      lease: nodes["lease"] || 0,
      client: source.client
    }
  end

  defp instant(nil), do: nil
  defp instant(ms), do: DateTime.from_unix!(trunc(ms), :millisecond)

  defp settle(rt, id, kind, value) do
    case value do
      {:retry, ms} when is_integer(ms) and ms >= 0 -> Runtime.command(rt, cmd_retry(), id, arg: ms)
      :nack -> Runtime.command(rt, cmd_nack(), id, flags: f_requeue())
      {:nack, opts} -> Runtime.command(rt, cmd_nack(), id, flags: if(Keyword.get(opts, :requeue, true), do: f_requeue(), else: 0))
      {:fatal, reason} -> raise Fatal, if(is_binary(reason), do: reason, else: inspect(reason))
      {:error, %{__exception__: true} = error} -> raise error
      {:error, reason} -> raise "the handler failed: #{inspect(reason)}"
      %CloudEvent{} when kind == ev_cloudevent() -> Runtime.command(rt, cmd_result(), id, body: {:nodes, value})
      done when done in [:ok, :ack, nil] -> Runtime.command(rt, cmd_ack(), id)
      {:ok, value} when kind == ev_task() -> Runtime.command(rt, cmd_ack(), id, body: Spikard.JSON.encode!(value))
      value when kind == ev_task() -> Runtime.command(rt, cmd_ack(), id, body: Spikard.JSON.encode!(value))
      _ -> Runtime.command(rt, cmd_ack(), id)
    end
  end

  def background(ref, job, id) do
    rt = Runtime.get(ref)
    Scope.enter(%Scope{ref: ref, id: id})

    try do
      job.()
      Runtime.command(rt, cmd_ack(), id)
    catch
      kind, reason -> HTTP.fail(rt, id, kind, reason, __STACKTRACE__)
    end
  end
end
