defmodule Spikard.HTTP do
  @moduledoc false
  # The process of one request or hook: calls the code and sends its answer.
  import Spikard.Generated.Abi
  require Spikard.Generated.Abi
  alias Spikard.{CancelledError, Problem, Request, Response, Runtime, Scope, Served, Value}

  @credit 65_536

  def request(ref, route, id, record) do
    rt = Runtime.get(ref)
    plan = elem(rt.plan.routes, route)
    Scope.enter(%Scope{ref: ref, id: id})
    Process.put(:spikard_jobs, [])

    try do
      request = Request.read(rt, plan, record, id)
      finish(rt, id, plan, call(plan.handler, request))
    catch
      kind, reason -> failed(rt, id, kind, reason, __STACKTRACE__)
    end

    for job <- Enum.reverse(Process.get(:spikard_jobs)), do: Spikard.Server.background(rt, job)
  end

  defp call(handler, _) when is_function(handler, 0), do: handler.()
  defp call(handler, request), do: handler.(request)

  defp finish(rt, id, plan, %Response{content: {:chunks, chunks}} = response), do: stream(rt, id, plan, response, chunks)

  defp finish(rt, id, _, %Served{} = served) do
    Runtime.command(rt, cmd_reply(), id,
      status: served.status,
      format: body_operation(),
      arg: served.operation,
      client: served.client,
      body: {:nodes, served.args},
      decimals: :form
    )
  end

  defp finish(rt, id, plan, value) do
    {status, {format, headers, body}} = Response.render(value, plan.status, rt.problem_base)
    Runtime.command(rt, cmd_reply(), id, status: status, format: format, head: headers, body: body)
  end

  defp failed(rt, id, :error, %CancelledError{}, _), do: Runtime.command(rt, cmd_abort(), id)
  defp failed(rt, id, :error, %Problem{} = problem, _), do: finish(rt, id, %{status: 500}, problem)

  defp failed(rt, id, kind, reason, stack) do
    if rt.plan.hooks[4] != {}, do: :ets.insert(rt.table, {{:error, id}, error_of(kind, reason, stack)})
    fail(rt, id, kind, reason, stack)
  end

  defp error_of(kind, reason, stack), do: if(kind == :error, do: Exception.normalize(:error, reason, stack), else: {kind, reason})

  @doc "FAIL: told to the log, never to clients."
  def fail(rt, id, kind, reason, stack, flags \\ 0) do
    described = describe(kind, reason, stack)
    Spikard.Log.failure(rt, kind, reason, stack)
    Runtime.command(rt, cmd_fail(), id, flags: flags, body: {:nodes, described})
  end

  def describe(kind, reason, stack) do
    case kind == :error && Exception.normalize(:error, reason, stack) do
      %module{} = error -> %{type: inspect(module), message: Exception.message(error), trace: Exception.format_stacktrace(stack)}
      _ -> %{type: Atom.to_string(kind), message: inspect(reason), trace: Exception.format_stacktrace(stack)}
    end
  end

  # ---- streamed answers

  defp stream(rt, id, _plan, response, chunks) do
    if reason = Scope.cancelled(), do: raise(CancelledError, reason: reason)
    Runtime.command(rt, cmd_head(), id, status: Response.checked(response.status), head: Response.typed(response))

    Enum.reduce(chunks, @credit, fn chunk, credit ->
      if reason = Scope.cancelled(), do: raise(CancelledError, reason: reason)
      send_chunks(rt, id, chunk |> IO.iodata_to_binary(), credit)
    end)

    Runtime.command(rt, cmd_end(), id)
  end

  defp send_chunks(_, _, "", credit), do: credit

  defp send_chunks(rt, id, data, credit) do
    {part, rest} = if byte_size(data) <= @credit, do: {data, ""}, else: {binary_part(data, 0, @credit), binary_part(data, @credit, byte_size(data) - @credit)}
    Runtime.command(rt, cmd_chunk(), id, body: part)
    send_chunks(rt, id, rest, credit(id, credit - byte_size(part)))
  end

  defp credit(id, credit) do
    receive do
      {:spikard_more, ^id, n} -> credit(id, credit + n)
      {:spikard_cancel, ^id, reason} -> Scope.cancelled!(reason)
    after
      if(credit > 0, do: 0, else: :infinity) -> credit
    end
  end

  # ---- hooks

  def hook(ref, phase, index, id, record, answer) do
    rt = Runtime.get(ref)
    plan = elem(rt.plan.routes, Runtime.u32(record, request_route()))
    Scope.enter(%Scope{ref: ref, id: id})

    try do
      request = Request.read(rt, plan, record, id) |> answered(answer) |> with_error(rt, phase)
      run = elem(rt.plan.hooks[phase], index)
      Runtime.command(rt, cmd_result(), id, body: result(run, request, rt))
    catch
      kind, reason -> fail(rt, id, kind, reason, __STACKTRACE__)
    end
  end

  defp answered(request, nil), do: request

  defp answered(request, record) do
    {offset, count} = Runtime.view(record, record_meta())
    %{request | status: Runtime.u32(record, record_status()), response_headers: Spikard.Native.pairs(record, offset, count)}
  end

  defp with_error(request, rt, 4) do
    case :ets.take(rt.table, {:error, request.id}) do
      [{_, error}] -> %{request | error: error}
      _ -> request
    end
  end

  defp with_error(request, _, _), do: request

  # What it returns: the request (perhaps changed), nothing, or an answer.
  defp result(run, request, rt) do
    case call_hook(run, request) do
      %Request{draft: nil} -> nil
      %Request{draft: draft} -> {:nodes, drafted(draft)}
      ok when ok in [nil, :ok] -> nil
      {%Request{draft: draft}, answer} -> {:nodes, Map.put(drafted(draft || %{context: [], set: [], append: []}), "answer", answer(answer, request, rt))}
      value -> {:nodes, %{"answer" => answer(value, request, rt)}}
    end
  end

  defp call_hook(run, request) do
    run.(request)
  rescue
    problem in Problem -> problem
  end

  defp drafted(draft) do
    for {key, value} <- [{"context", Map.new(draft.context)}, {"set", draft.set}, {"append", draft.append}], value not in [%{}, []], into: %{}, do: {key, value}
  end

  defp answer(value, request, rt) do
    {status, {format, headers, body}} = Response.render(value, request.status || 200, rt.problem_base)

    body =
      case body do
        {:nodes, value} -> Value.plain(value)
        nil -> {:bytes, ""}
        data -> {:bytes, IO.iodata_to_binary(data)}
      end

    %{"status" => status, "format" => format, "headers" => Enum.map(headers, fn {name, value} -> [name, value] end), "body" => body}
  end
end
