defmodule Spikard.Transaction do
  @moduledoc "A transaction, or a nested scope of one. Statements (`Spikard.Database`), tasks, messages and invalidations in it happen together or not at all."
  alias Spikard.{Client, Database}
  defstruct [:client, :number, nested: false]
  @type t :: %__MODULE__{}

  defimpl Spikard.Plain do
    def plain(transaction), do: transaction.number
  end

  def commit(%__MODULE__{} = tx) do
    with {:error, _} = error <- Database.commit(tx.client, tx.number, savepoint: tx.nested) do
      Database.rollback(tx.client, tx.number, savepoint: tx.nested)
      error
    end
  end

  def rollback(%__MODULE__{} = tx), do: Database.rollback(tx.client, tx.number, savepoint: tx.nested)

  @doc "A scope that may fail while the transaction goes on."
  def savepoint(%__MODULE__{} = tx, body), do: with(:ok <- Database.savepoint(tx.client, tx.number), do: through(%{tx | nested: true}, body))

  @doc false
  def through(tx, body) do
    try do
      body.(tx)
    catch
      kind, reason ->
        stack = __STACKTRACE__
        rollback(tx)
        :erlang.raise(kind, reason, stack)
    else
      {:error, _} = error -> rollback(tx) && error
      {:ok, value} -> with(:ok <- commit(tx), do: {:ok, value})
      value -> with(:ok <- commit(tx), do: {:ok, value})
    end
  end

  @doc "Enqueues a task when the transaction commits."
  def enqueue(%__MODULE__{} = tx, %Spikard.Task{} = task, args, opts \\ []), do: Spikard.Task.enqueue(task, args, Keyword.put(opts, :transaction, tx.number))

  @doc "Publishes a message when the transaction commits (outbox)."
  def publish(%__MODULE__{} = tx, topic, payload, opts \\ []) do
    {client, opts} = Keyword.pop(opts, :client, "default")
    Spikard.Messaging.publish(Spikard.Messaging.client(client), topic, payload, Keyword.put(opts, :transaction, tx.number))
  end

  @doc "Deletes keys, and what has one of the tags, from a cache when the transaction commits."
  def invalidate(%__MODULE__{} = tx, keys, opts \\ []) do
    {client, opts} = Keyword.pop(opts, :client, "default")
    Spikard.Cache.invalidate(Spikard.Cache.client(client), [keys: List.wrap(keys), transaction: tx.number] ++ opts)
  end

  @doc "Notes (source, id); false when it was there: what this transaction does was done before."
  def inbox(%__MODULE__{} = tx, source, id), do: Database.inbox(tx.client, tx.number, source, id)
  def inbox!(tx, source, id), do: Client.bang(inbox(tx, source, id))
end

defmodule Spikard.Database do
  @moduledoc """
  A database. `?`, `$1` and `:name` are placeholders on all of them; parameters are a list, or a map by name. Instants are DateTime, decimals `Spikard.Decimal`. Statements take a client or a
  `Spikard.Transaction`.
  """
  use Spikard.Generated.Database
  import Spikard.Generated.Abi
  require Spikard.Generated.Abi
  alias Spikard.{Decimal, Transaction}

  def client(name \\ "default"), do: %Client{group: :db, name: name}

  @forms ~w($int64 $decimal $timestamp $bytes $json $float)

  @doc "The rows of a statement: `%{rows, columns, types}`."
  def query(on, sql, opts),
    do:
      on(on, opts, fn client, opts ->
        with({:ok, result} <- super(client, sql, opts), do: {:ok, %{result | rows: own(result.rows, result.columns, result.types)}})
      end)

  @known [params: {"params", :any}, transaction: {"transaction", :any}, timeout_ms: {"timeout_ms", :any}]

  @doc "The first row, or nil."
  def first(on, sql, opts) do
    on(on, opts, fn client, opts ->
      {scope, rt, number} = Client.where(client)

      # In the order of its columns, which a map does not keep: the types are in that order.
      with {:ok, result} <- Client.invoke(rt, scope, op_db_first(), number, Client.arguments(client, [{"sql", sql, :any}], opts, @known), 2) do
        {_, row} = List.keyfind(result, "row", 0, {"row", nil})
        {_, types} = List.keyfind(result, "types", 0, {"types", []})
        {:ok, row && [Map.new(row)] |> own(Enum.map(row, &elem(&1, 0)), types) |> hd()}
      end
    end)
  end

  def execute(on, sql, opts), do: on(on, opts, fn client, opts -> super(client, sql, opts) end)
  def batch(on, sql, params, opts), do: on(on, opts, fn client, opts -> super(client, sql, Enum.map(params, &parameters/1), opts) end)
  def query_stream(on, sql, opts), do: on(on, opts, fn client, opts -> super(client, sql, opts) end)
  def open_cursor(on, sql, opts), do: on(on, opts, fn client, opts -> super(client, sql, opts) end)

  @doc "The rows as the answer of a handler, without their coming here."
  def served(client, sql, opts \\ []) do
    {_, _, number} = Client.where(client)

    args =
      for {key, value} <- [params: parameters(opts[:params]), timeout_ms: opts[:timeout_ms]],
          value != nil,
          into: %{"sql" => sql},
          do: {Atom.to_string(key), value}

    %Spikard.Served{operation: op_db_query_stream(), client: number, args: args, status: 0}
  end

  @doc "The rows one by one, read as they are taken. Option: `:at_once`."
  def iterate(on, sql, opts \\ []) do
    {at_once, opts} = Keyword.pop(opts, :at_once, 256)
    client = if match?(%Transaction{}, on), do: on.client, else: on

    Stream.resource(
      fn -> Client.bang(open_cursor(on, sql, opts)) end,
      fn
        {:done, _} = done ->
          {:halt, done}

        opened ->
          page = fetch!(client, opened.cursor, max: at_once)
          rows = own(page.rows, opened.columns, Map.get(opened, :types) || [])
          {rows, if(page.done, do: {:done, opened}, else: opened)}
      end,
      fn
        {:done, _} -> :ok
        opened -> close_cursor(client, opened.cursor)
      end
    )
  end

  @doc "Runs `body` in a transaction: commits at its end, rolls back when it raises or gives `{:error, _}`; `{:ok, value}` or `{:error, reason}`."
  def transaction(client, body, opts \\ []) do
    with {:ok, number} <- begin(client, opts), do: Transaction.through(%Transaction{client: client, number: number}, body)
  end

  def transaction!(client, body, opts \\ []), do: Client.bang(transaction(client, body, opts))

  @doc "A transaction by hand: `Spikard.Transaction.commit/1` or `rollback/1` it."
  def open(client, opts \\ []), do: with({:ok, number} <- begin(client, opts), do: {:ok, %Transaction{client: client, number: number}})

  defp on(%Transaction{client: client, number: number}, opts, run), do: run.(client, Keyword.put(prepared(opts), :transaction, number))
  defp on(client, opts, run), do: run.(client, prepared(opts))
  defp prepared(opts), do: if(Keyword.has_key?(opts, :params), do: Keyword.update!(opts, :params, &parameters/1), else: opts)

  @doc false
  def parameters(nil), do: nil
  def parameters(list) when is_list(list), do: if(list != [] and Keyword.keyword?(list), do: named(list), else: Enum.map(list, &parameter/1))
  def parameters(map) when is_map(map), do: named(map)
  defp named(all), do: Map.new(all, fn {name, value} -> {to_string(name), parameter(value)} end)

  defp parameter(%Decimal{text: text}), do: %{"$decimal" => text}
  defp parameter(%DateTime{} = at), do: %{"$timestamp" => DateTime.to_iso8601(at)}
  defp parameter(%_{} = struct), do: struct
  defp parameter(map) when is_map(map), do: if(map_size(map) == 1 and hd(Map.keys(map)) in @forms, do: map, else: %{"$json" => map})
  defp parameter(list) when is_list(list), do: %{"$json" => list}

  defp parameter(integer) when is_integer(integer) and (integer > 0x7FFFFFFFFFFFFFFF or integer < -0x8000000000000000),
    do: %{"$decimal" => Integer.to_string(integer)}

  defp parameter(value), do: value

  @doc false
  def own(rows, columns, types) do
    convert = for {column, type} <- Enum.zip(columns, types), type in ["decimal", "timestamp"], do: {column, type}

    if convert == [],
      do: rows,
      else: Enum.map(rows, fn row -> Enum.reduce(convert, row, fn {column, type}, row -> Map.update!(row, column, &typed(type, &1)) end) end)
  end

  defp typed(_, nil), do: nil
  defp typed("decimal", %Decimal{} = value), do: value
  defp typed("decimal", value), do: Decimal.new(to_string(value))
  # Without a zone it is no instant.
  defp typed("timestamp", text) when is_binary(text),
    do: with(true <- text =~ ~r/(Z|[+-]\d\d:\d\d)$/, {:ok, at, _} <- DateTime.from_iso8601(text), do: at, else: (_ -> text))

  defp typed(_, value), do: value
end
