defmodule Spikard.Client do
  @moduledoc "A client of the toolbox by its name in `services`. It belongs to no application: each use goes to the one that runs where it is used."
  import Spikard.Generated.Abi
  require Spikard.Generated.Abi
  alias Spikard.{ByteStream, Error, Native, Runtime, Scope}

  defstruct [:group, name: "default", namespace: nil]
  @type t :: %__MODULE__{}
  @credit 65_536

  @doc false
  def bang(:ok), do: :ok
  def bang({:ok, value}), do: value
  def bang({:error, error}), do: raise(error)

  @doc false
  def call(client, operation, args, opts, known, results) do
    {scope, rt, number} = where(client)
    with {:ok, value} <- invoke(rt, scope, operation, number, arguments(client, args, opts, known)), do: result(value, results)
  end

  @doc false
  def invoke(rt, scope, operation, number, args, ordered \\ 0) do
    user = Native.next_user()

    case begin(rt, scope, operation, number, args, user, 0) do
      :ok -> Scope.await(rt, scope, user, ordered)
      :closed -> closed()
    end
  end

  defp begin(rt, scope, operation, number, args, user, flags) do
    Runtime.command(rt, cmd_call(), scope.id,
      user: user,
      arg: operation,
      client: number,
      flags: flags,
      head: scope.span,
      body: {:nodes, args},
      decimals: :form,
      pid: self()
    )
  end

  defp closed, do: {:error, Error.new(:unavailable, "the application has ended")}

  @doc false
  def where(%__MODULE__{group: group, name: name}) do
    {scope, rt} = Scope.here!("#{group} client '#{name}'")
    {scope, rt, Runtime.client_number(rt, group, name)}
  end

  @doc false
  def arguments(client, args, opts, known) do
    named = Map.new(args, fn {name, value, kind} -> {name, sent(kind, value)} end)

    named =
      Enum.reduce(opts, named, fn {key, value}, out ->
        case List.keyfind(known, key, 0) do
          {_, {name, kind}} -> Map.put(out, name, sent(kind, value))
          nil -> raise ArgumentError, "unknown option #{inspect(key)}; there are #{Enum.map_join(known, ", ", fn {name, _} -> inspect(name) end)}"
        end
      end)

    if client.namespace != nil and List.keymember?(known, :namespace, 0), do: Map.put_new(named, "namespace", client.namespace), else: named
  end

  defp sent(_, nil), do: nil
  defp sent(:bytes, {:bytes, data}), do: {:bytes, IO.iodata_to_binary(data)}
  defp sent(:bytes, value), do: {:bytes, IO.iodata_to_binary(value)}
  defp sent({:map, kind}, map), do: Map.new(map, fn {key, value} -> {to_string(key), sent(kind, value)} end)
  defp sent({:list, kind}, list), do: Enum.map(list, &sent(kind, &1))
  defp sent(_, value), do: value

  @doc false
  def result(_, []), do: :ok
  def result(value, [{name, _, default}]), do: {:ok, Map.get(value, name, default)}
  def result(value, many), do: {:ok, Map.new(many, fn {name, key, default} -> {key, Map.get(value, name, default)} end)}

  @doc false
  def stream(client, operation, args, opts, known, results),
    do: struct(ByteStream, client: client, operation: operation, args: arguments(client, args, opts, known), results: results)

  # ---- streams into operations

  @doc false
  # When the chunks fail, so does the operation, and nothing is written.
  def send(client, operation, args, opts, known, results, chunks) do
    {scope, rt, number} = where(client)
    user = Native.next_user()

    case begin(rt, scope, operation, number, arguments(client, args, opts, known), user, f_stream()) do
      :closed -> closed()
      :ok -> with {:ok, value} <- sending(rt, scope, user, chunks), do: result(value, results)
    end
  end

  defp sending(rt, scope, user, chunks) do
    state = Enum.reduce_while(chunks, {nil, 0}, fn chunk, state -> write(rt, scope, user, IO.iodata_to_binary(chunk), state) end)

    case named(rt, scope, user, state) do
      {:done, result} ->
        result

      {id, _} ->
        Runtime.command(rt, cmd_end(), id)
        Scope.await(rt, scope, user)
    end
  catch
    kind, reason ->
      stack = __STACKTRACE__
      give_up(rt, user)
      :erlang.raise(kind, reason, stack)
  end

  defp write(_, _, _, "", state), do: {:cont, state}

  defp write(rt, scope, user, data, state) do
    case credit(rt, scope, user, state) do
      {:done, _} = done ->
        {:halt, done}

      {id, credit} ->
        {part, rest} =
          if byte_size(data) <= @credit, do: {data, ""}, else: {binary_part(data, 0, @credit), binary_part(data, @credit, byte_size(data) - @credit)}

        Runtime.command(rt, cmd_chunk(), id, body: part)
        write(rt, scope, user, rest, {id, credit - byte_size(part)})
    end
  end

  defp credit(_, _, _, {id, credit} = state) when id != nil and id != :done and credit > 0, do: state
  defp credit(_, _, _, {:done, _} = done), do: done
  defp credit(rt, scope, user, state), do: credit(rt, scope, user, turn(scope, user, state))
  defp named(rt, scope, user, {nil, _} = state), do: named(rt, scope, user, turn(scope, user, state))
  defp named(_, _, _, state), do: state

  defp turn(%{id: id}, user, {_, credit}) do
    receive do
      {:spikard_credit, ^user, stream, n} ->
        Process.put({:spikard_stream, user}, stream)
        {stream, credit + n}

      {:spikard_done, ^user, :closed} ->
        {:done, closed()}

      {:spikard_done, ^user, record} ->
        {:done, Runtime.outcome(record)}

      {:spikard_cancel, ^id, reason} when id != 0 ->
        Scope.cancelled!(reason)
    end
  end

  defp give_up(rt, user) do
    case Process.delete({:spikard_stream, user}) do
      nil -> Runtime.command(rt, cmd_cancel(), 0, user: user)
      id -> Runtime.command(rt, cmd_abort(), id)
    end

    receive do
      {:spikard_done, ^user, _} -> :ok
    end
  end
end

defmodule Spikard.ByteStream do
  @moduledoc "A streamed result: an Enumerable of its chunks. It begins with the first that is asked for; leaving it before its end cancels it. Failures are raised."
  import Spikard.Generated.Abi
  require Spikard.Generated.Abi
  alias Spikard.{Client, Error, Native, Runtime, Scope}

  defstruct [:client, :operation, :args, :results]
  @type t :: %__MODULE__{}

  @doc "All of it, and what the operation says at its end."
  def read(%__MODULE__{} = stream) do
    {chunks, result} =
      Enum.reduce(chunks(stream), {[], nil}, fn chunk, {all, result} -> if(is_binary(chunk), do: {[chunk | all], result}, else: {all, elem(chunk, 1)}) end)

    {:ok, chunks |> Enum.reverse() |> IO.iodata_to_binary(), result}
  rescue
    error in Error -> {:error, error}
  end

  @doc false
  # The chunks, and `{:result, value}` at the end.
  def chunks(stream), do: Stream.resource(fn -> begin(stream) end, &next/1, &close/1)

  defp begin(stream) do
    {scope, rt, number} = Client.where(stream.client)
    user = Native.next_user()
    fields = [user: user, arg: stream.operation, client: number, flags: f_stream(), head: scope.span, body: {:nodes, stream.args}, decimals: :form, pid: self()]
    if Runtime.command(rt, cmd_call(), scope.id, fields) == :closed, do: raise(Error.new(:unavailable, "the application has ended"))
    {stream, rt, scope, user}
  end

  defp next({:over, _}), do: {:halt, nil}

  defp next({stream, rt, %{id: id}, user} = state) do
    receive do
      {:spikard_chunk, ^user, from, data} ->
        if data != "", do: Runtime.command(rt, cmd_credit(), from, arg: byte_size(data))
        {if(data == "", do: [], else: [data]), state}

      {:spikard_done, ^user, :closed} ->
        raise Spikard.CancelledError, reason: :shutdown

      {:spikard_done, ^user, record} ->
        value = record |> Runtime.outcome() |> Client.bang()

        given =
          case Client.result(value, stream.results),
            do:
              (
                {:ok, result} -> result
                :ok -> nil
              )

        {[{:result, given}], {:over, user}}

      {:spikard_cancel, ^id, reason} when id != 0 ->
        Runtime.command(rt, cmd_cancel(), 0, user: user)
        Scope.cancelled!(reason)
    end
  end

  defp close(nil), do: :ok
  defp close({:over, _}), do: :ok

  defp close({_, rt, _, user}) do
    Runtime.command(rt, cmd_cancel(), 0, user: user)
    :ok
  end

  defimpl Enumerable do
    def count(_), do: {:error, __MODULE__}
    def member?(_, _), do: {:error, __MODULE__}
    def slice(_), do: {:error, __MODULE__}
    def reduce(stream, acc, fun), do: stream |> Spikard.ByteStream.chunks() |> Stream.filter(&is_binary/1) |> Enumerable.reduce(acc, fun)
  end
end
