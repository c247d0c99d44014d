defmodule Spikard.Request do
  @moduledoc """
  A request as handlers and hooks see it. `path`, `query`, `headers` and `cookies` have the declared parameters, checked and coerced by the core; one that was not sent is its default, or nil.
  `body` is what the route says: a struct, plain data, or bytes. `deps` has what the route injects, `context` what hooks have set.
  """
  import Spikard.Generated.Abi
  require Spikard.Generated.Abi
  alias Spikard.{Runtime, Schema, Scope, Value}

  defstruct [
    :ref,
    :id,
    :record,
    :route,
    :method,
    :body,
    :error,
    :status,
    path: %{},
    query: %{},
    headers: %{},
    cookies: %{},
    deps: %{},
    context: %{},
    draft: nil,
    response_headers: []
  ]

  @type t :: %__MODULE__{}

  @methods {"", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "OTHER"}

  @doc false
  def read(rt, plan, record, id) do
    <<_::binary-size(request_method()), method, _::binary>> = record
    request = %__MODULE__{ref: rt.ref, id: id, record: record, route: plan.path, method: elem(@methods, method)}
    parameters(request, plan) |> Map.put(:body, body(record, plan)) |> Map.put(:deps, deps(rt, record, plan)) |> Map.put(:context, context(record))
  end

  defp parameters(request, plan) do
    {offset, count} = Runtime.view(request.record, request_params())
    values = if count == 0, do: [], else: Value.nodes(request.record, offset, min(count, length(plan.parameters)))

    groups =
      Enum.zip(plan.parameters, values)
      |> Enum.reduce(%{path: %{}, query: %{}, headers: %{}, cookies: %{}}, fn {{group, name, type}, value}, out ->
        value = if type == nil, do: value, else: Schema.load(type, value)
        %{out | group => Map.put(Map.fetch!(out, group), name, value)}
      end)

    struct(request, groups)
  end

  defp body(record, plan) do
    {offset, count} = Runtime.view(record, request_json())

    cond do
      count != 0 -> record |> Value.nodes(offset, 1) |> hd() |> loaded(plan.schema)
      plan.body == :raw -> Runtime.part(record, request_body())
      true -> nil
    end
  end

  defp loaded(value, nil), do: value
  defp loaded(value, type), do: Schema.load(type, value)

  defp deps(_, _, %{inject: []}), do: %{}

  defp deps(rt, record, plan) do
    {offset, count} = Runtime.view(record, request_deps())
    tokens = for <<token::little-64 <- binary_part(record, offset, 8 * count)>>, do: token
    Enum.zip(plan.inject, tokens) |> Map.new(fn {name, token} -> {name, Spikard.Server.value(rt, token)} end)
  end

  defp context(record) do
    {offset, count} = Runtime.view(record, request_context())
    if count == 0, do: %{}, else: record |> Value.nodes(offset, 1) |> hd()
  end

  @doc "All headers as they came, names in lower case."
  def all_headers(%__MODULE__{record: record}) do
    {offset, count} = Runtime.view(record, request_headers())
    Spikard.Native.pairs(record, offset, count)
  end

  @doc "A header by its name; several lines are joined with `, `. nil where there is none."
  def header(request, name) do
    lower = String.downcase(name)

    case for({^lower, value} <- all_headers(request), do: value) do
      [] -> nil
      lines -> Enum.join(lines, ", ")
    end
  end

  @doc "The path as it was sent, without the query."
  def raw_path(%__MODULE__{record: record}), do: Runtime.part(record, request_path())
  @doc "The query string as it was sent, without `?`."
  def query_string(%__MODULE__{record: record}), do: Runtime.part(record, request_query())
  @doc "The client's address."
  def peer(%__MODULE__{record: record}), do: Runtime.part(record, request_peer())
  @doc "The bytes of a buffered body."
  def bytes(%__MODULE__{record: record}), do: Runtime.part(record, request_body())

  @doc "10 or 11 for HTTP/1, 20 for HTTP/2."
  def version(%__MODULE__{record: record}) do
    <<_::binary-size(request_version()), version, _::binary>> = record
    version
  end

  @doc "Who it is, where the application authenticates."
  def auth(%__MODULE__{record: record}) do
    {offset, count} = Runtime.view(record, request_auth())
    if count == 0, do: nil, else: record |> Value.nodes(offset, 1) |> hd()
  end

  @doc "In a hook: a value of JSON for `context`, seen by what comes after."
  def assign(%__MODULE__{} = request, key, value),
    do: %{request | context: Map.put(request.context, to_string(key), value), draft: draft(request, :context, {to_string(key), value})}

  @doc "In a hook: a header of the answer, whatever it will be; lines of the same name are replaced."
  def put_resp_header(%__MODULE__{} = request, name, value), do: %{request | draft: draft(request, :set, [name, to_string(value)])}

  @doc "In a hook: a further line of a header of the answer."
  def add_resp_header(%__MODULE__{} = request, name, value), do: %{request | draft: draft(request, :append, [name, to_string(value)])}

  defp draft(request, kind, entry) do
    draft = request.draft || %{context: [], set: [], append: []}
    Map.update!(draft, kind, &(&1 ++ [entry]))
  end

  @doc "The body in chunks, of a route with `stream: true`. Taking one lets the client send more."
  def stream(%__MODULE__{} = request) do
    Stream.resource(fn -> false end, fn over -> next_chunk(request, over) end, fn _ -> :ok end)
  end

  defp next_chunk(_, true), do: {:halt, true}

  defp next_chunk(%{id: id, ref: ref}, false) do
    receive do
      {:spikard_body, ^id, data, last} ->
        if data != "", do: Runtime.command(Runtime.get(ref), cmd_credit(), id, arg: byte_size(data))
        {if(data == "", do: [], else: [data]), last}

      {:spikard_cancel, ^id, reason} ->
        Scope.cancelled!(reason)
    end
  end

  @doc "Whether nobody waits for the answer any more: nil, or `:client_gone`, `:deadline`, `:shutdown`, `:requested`."
  def cancelled(%__MODULE__{}), do: Scope.cancelled()
end
