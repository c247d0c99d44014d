defmodule Spikard.Runtime do
  @moduledoc false
  # A running application as its processes see it; by number in `:persistent_term`, so that nothing of it is copied.
  import Spikard.Generated.Abi
  require Spikard.Generated.Abi
  alias Spikard.{Error, Native, Value}

  defstruct [:ref, :app, :port, :server, :table, :plan, :info, :problem_base, :traced, :configured]

  def put(%__MODULE__{ref: ref} = rt), do: :persistent_term.put({__MODULE__, ref}, rt)
  def erase(ref), do: :persistent_term.erase({__MODULE__, ref})
  def get(ref), do: :persistent_term.get({__MODULE__, ref}, nil)

  @doc "A command. Fields: flags, status, format, user, arg, client, head, body, pid."
  def command(rt, op, id, fields \\ []) do
    case write(rt, op, id, fields, fields[:body]) do
      {:error, :prepare} -> written(write(rt, op, id, fields, {:nodes, Value.plain(elem(fields[:body], 1), Keyword.get(fields, :decimals, :number))}), fields)
      result -> written(result, fields)
    end
  end

  defp write(rt, op, id, f, body) do
    Native.submit(
      rt.port,
      op,
      id,
      f[:flags] || 0,
      f[:status] || 0,
      f[:format] || 0,
      f[:user] || 0,
      f[:arg] || 0,
      f[:client] || 0,
      f[:head] || nil,
      body,
      f[:pid]
    )
  end

  defp written(:ok, _), do: :ok
  defp written({:error, :closed}, _), do: :closed
  defp written({:error, :memory}, _), do: raise("out of memory")

  defp written({:error, _}, fields),
    do: raise(ArgumentError, "#{inspect(fields[:body], limit: 20)} cannot be sent: neither a value of JSON, nor text, nor bytes")

  # Owners of operations that another subsystem's clients have.
  @owners %{cron: :tasks}

  def client_number(rt, group, name) do
    names = get_in(rt.info, ["clients", Atom.to_string(Map.get(@owners, group, group))]) || []

    case Enum.find_index(names, &(&1 == name)) do
      nil -> raise Spikard.ConfigError, "there is no #{group} client '#{name}'; those of the application: #{Enum.join(names, ", ")}"
      at -> at
    end
  end

  @doc "A part of a record as {offset, length}."
  def view(record, at) do
    <<_::binary-size(at), offset::little-32, length::little-32, _::binary>> = record
    {offset, length}
  end

  def part(record, at) do
    {offset, length} = view(record, at)
    if length == 0, do: "", else: binary_part(record, offset, length)
  end

  def u32(record, at) do
    <<_::binary-size(at), value::little-32, _::binary>> = record
    value
  end

  @doc "What DONE says: {:ok, result} or {:error, error}."
  def outcome(record, ordered \\ 0)
  def outcome(nil, _), do: {:ok, %{}}

  def outcome(record, ordered) do
    case u32(record, record_status()) do
      0 ->
        {offset, count} = view(record, record_nodes())
        {:ok, if(count == 0, do: %{}, else: hd(Value.nodes(record, offset, 1, ordered)))}

      kind ->
        alias Spikard.Generated.Errors
        message = part(record, record_body())
        {:error, Error.new(Errors.kind(kind), message, part(record, record_key()), Errors.retry(u32(record, record_attempt())))}
    end
  end
end

defmodule Spikard.Scope do
  @moduledoc false
  # For which request, message or task of which application a process works. Tasks of a handler find it by `$callers`.
  import Spikard.Generated.Abi
  require Spikard.Generated.Abi
  alias Spikard.{CancelledError, Runtime}

  defstruct [:ref, id: 0, span: nil]
  @key :spikard_scope

  def enter(%__MODULE__{} = scope), do: Process.put(@key, scope)
  def leave(nil), do: Process.delete(@key)
  def leave(scope), do: Process.put(@key, scope)
  def own, do: Process.get(@key)

  def here do
    case Process.get(@key) || inherited(Process.get(:"$callers", [])) do
      nil -> only()
      scope -> scope
    end
  end

  def here!(what) do
    case here() do
      nil -> raise Spikard.ConfigError, "#{what}: no application runs here; use it in a handler, a task, or between start and stop"
      scope -> {scope, Runtime.get(scope.ref) || raise(Spikard.ConfigError, "#{what}: the application has ended")}
    end
  end

  defp inherited([]), do: nil

  defp inherited([pid | rest]) do
    with true <- node(pid) == node(), {:dictionary, dictionary} <- Process.info(pid, :dictionary), {@key, scope} <- List.keyfind(dictionary, @key, 0) do
      scope
    else
      _ -> inherited(rest)
    end
  end

  # Where code runs outside of any handler: the only application here.
  defp only do
    case :persistent_term.get({__MODULE__, :live}, []) do
      [ref] -> %__MODULE__{ref: ref}
      _ -> nil
    end
  end

  def opened(ref),
    do:
      :global.trans({__MODULE__, self()}, fn -> :persistent_term.put({__MODULE__, :live}, [ref | :persistent_term.get({__MODULE__, :live}, [])]) end, [node()])

  def closed(ref),
    do:
      :global.trans(
        {__MODULE__, self()},
        fn -> :persistent_term.put({__MODULE__, :live}, List.delete(:persistent_term.get({__MODULE__, :live}, []), ref)) end,
        [node()]
      )

  @doc "Runs `fun` with a scope, and puts back the one before."
  def within(scope, fun) do
    before = enter(scope)

    try do
      fun.()
    after
      leave(before)
    end
  end

  def reason(1), do: :requested
  def reason(2), do: :deadline
  def reason(3), do: :client_gone
  def reason(4), do: :shutdown
  def reason(_), do: :requested

  @doc "Notes that this handler is cancelled, and raises."
  def cancelled!(reason) do
    Process.put(:spikard_cancelled, reason)
    raise CancelledError, reason: reason
  end

  def cancelled do
    receive do
      {:spikard_cancel, _, reason} -> Process.put(:spikard_cancelled, reason)
    after
      0 -> :ok
    end

    Process.get(:spikard_cancelled)
  end

  @doc "Waits for the end of an operation of this process."
  def await(rt, scope, user, ordered \\ 0) do
    id = scope.id

    receive do
      {:spikard_done, ^user, :closed} ->
        raise CancelledError, reason: :shutdown

      {:spikard_done, ^user, record} ->
        Runtime.outcome(record, ordered)

      {:spikard_cancel, ^id, reason} when id != 0 ->
        Runtime.command(rt, cmd_cancel(), 0, user: user)
        cancelled!(reason)
    end
  end
end
