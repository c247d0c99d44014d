defmodule Spikard.Server do
  @moduledoc false
  # Owns an application: opens it, gives each event a process of its own, tells those what concerns them, and drains it at the end.
  use GenServer
  import Spikard.Generated.Abi
  require Spikard.Generated.Abi
  alias Spikard.{App, ConfigError, HTTP, Native, Runtime, Scope, Value, Work}

  defstruct [:rt, :plan, owed: %{}, pids: %{}, makers: %{}, waiting: [], report: nil, draining: false]

  # ---- from outside

  def value(rt, token), do: :ets.lookup_element(rt.table, {:token, token}, 2)

  @doc "Runs `job` after the answer."
  def background(rt, job) do
    user = Native.next_user()
    :ets.insert(rt.table, {{:job, user}, job})
    Runtime.command(rt, cmd_call(), 0, arg: op_background_run(), user: user)
  end

  @doc "Notes a handler for what an operation starts; the number to tell it."
  def dynamic(rt, plan) do
    user = Native.next_user()
    :ets.insert(rt.table, {{:dynamic, user}, plan})
    user
  end

  def forget(rt, user), do: :ets.delete(rt.table, {:dynamic, user})

  @doc "The pid for the names that other functions take: a pid, a registered name, or a child's name."
  def runtime(server), do: GenServer.call(server, :runtime, :infinity)

  @doc "Begins the drain and waits for its report."
  def stop(server, opts), do: GenServer.call(server, {:stop, opts}, :infinity)

  # ---- its life

  @impl true
  def init(opts) do
    Process.flag(:trap_exit, true)
    plan = Keyword.fetch!(opts, :plan)

    with {:ok, app} <- open(plan.manifest, opts),
         :ok <- told(Native.app_start(app), app),
         {:ok, port} <- told(Native.port_open(app, self()), app) do
      table = :ets.new(:spikard, [:public, read_concurrency: true, write_concurrency: true])
      for {token, value} <- plan.tokens, do: :ets.insert(table, {{:token, token}, value})
      info = Spikard.JSON.decode!(Native.app_info(app))
      traced = info["telemetry"] == true

      rt = %Runtime{
        ref: make_ref(),
        app: app,
        port: port,
        server: self(),
        table: table,
        plan: plan,
        info: info,
        problem_base: info["problem_base"],
        traced: traced,
        configured: opts[:configured]
      }

      Runtime.put(rt)
      Scope.opened(rt.ref)
      if traced, do: Spikard.LoggerHandler.attach(rt.ref)
      started(%__MODULE__{rt: rt, plan: plan})
    else
      {:error, error} -> {:stop, error}
    end
  end

  # Its operations are answered while what comes meanwhile waits in the mailbox.
  defp started(state) do
    Scope.within(%Scope{ref: state.rt.ref}, fn -> Enum.each(state.plan.on_start, & &1.()) end)
    {:ok, state}
  catch
    kind, reason ->
      close(state)
      {:stop, if(kind == :error, do: Exception.normalize(:error, reason, __STACKTRACE__), else: {kind, reason})}
  end

  # The environment is the process's: two applications must not be opened at once.
  defp open(manifest, opts) do
    :global.trans(
      {{__MODULE__, :environment}, self()},
      fn ->
        Native.sync_env(Map.to_list(Map.merge(System.get_env(), opts[:env] || %{})))

        try do
          case Native.app_open(Spikard.JSON.encode!(manifest), opts[:configured] == true) do
            {:ok, app} -> {:ok, app}
            error -> error(error)
          end
        after
          if opts[:env], do: Native.sync_env(Map.to_list(System.get_env()))
        end
      end,
      [node()]
    )
  end

  defp told({:error, _, _} = error, app) do
    Native.app_close(app)
    error(error)
  end

  defp told(result, _), do: result
  defp error({:error, code, message}) when code in [e_config(), e_unsupported()], do: {:error, %ConfigError{message: message}}
  defp error({:error, _, message}), do: {:error, Spikard.Error.new(:unavailable, message)}

  @impl true
  def handle_call(:runtime, _from, state), do: {:reply, state.rt, state}

  def handle_call({:stop, opts}, from, state) do
    state = drain(state, opts)
    {:noreply, %{state | waiting: [from | state.waiting]}}
  end

  defp drain(state, opts) do
    unless state.draining, do: Native.app_drain(state.rt.app, opts[:timeout_ms])
    if opts[:force], do: Native.app_drain(state.rt.app, nil)
    %{state | draining: true}
  end

  @impl true
  def handle_info(message, state) do
    case message do
      {:spikard_events, events} -> Enum.reduce(events, state, &event/2) |> next()
      {:DOWN, monitor, :process, _, reason} -> {:noreply, down(state, monitor, reason)}
      _ -> {:noreply, state}
    end
  end

  defp next(%{report: nil} = state), do: {:noreply, state}

  defp next(state) do
    for from <- state.waiting, do: GenServer.reply(from, state.report)
    {:stop, :normal, state}
  end

  @impl true
  def terminate(_reason, %{report: nil} = state), do: state |> drain([]) |> until_stopped()
  def terminate(_, _), do: :ok

  defp until_stopped(%{report: nil} = state) do
    receive do
      {:spikard_events, events} -> Enum.reduce(events, state, &event/2) |> until_stopped()
      {:DOWN, monitor, :process, _, reason} -> state |> down(monitor, reason) |> until_stopped()
    end
  end

  defp until_stopped(state), do: state

  defp close(state) do
    rt = state.rt
    if rt.traced, do: Spikard.LoggerHandler.detach(rt.ref)
    Scope.closed(rt.ref)
    for {pid, _} <- Map.values(state.owed), do: send(pid, {:spikard_cancel, 0, :shutdown})
    Native.port_close(rt.port)
    report = Native.app_report(rt.app)
    Native.app_close(rt.app)
    Runtime.erase(rt.ref)
    :ets.delete(rt.table)
    if report == "", do: %{}, else: Spikard.JSON.decode!(report)
  end

  # ---- events: {kind, flags, route, id, user, arg, record, answer so far}

  defp event({ev_request(), _, route, id, _, _, record, _}, state) do
    ref = state.rt.ref
    plan = elem(state.plan.routes, route)
    start(state, id, {:request, plan.cancel}, fn -> HTTP.request(ref, route, id, record) end)
  end

  defp event({ev_hook(), _, index, id, _, phase, record, answer}, state) do
    ref = state.rt.ref
    start(state, id, {:hook, :message}, fn -> HTTP.hook(ref, phase, index, id, record, answer) end)
  end

  defp event({kind, _, route, id, user, _, record, _}, state) when kind in [ev_message(), ev_cloudevent()] or (kind == ev_task() and record != nil) do
    ref = state.rt.ref
    work = Work.read(state.rt, kind, route, user, record)
    start(state, id, {:work, work.cancel}, fn -> Work.run(ref, work, id) end)
  end

  defp event({ev_task(), _, _, id, user, _, nil, _}, state) do
    ref = state.rt.ref
    [{_, job}] = :ets.take(state.rt.table, {:job, user})
    start(state, id, {:work, :message}, fn -> Work.background(ref, job, id) end)
  end

  defp event({ev_factory(), _, dependency, id, _, _, record, _}, state) do
    ref = state.rt.ref
    {offset, count} = Runtime.view(record, record_nodes())
    tokens = if count == 0, do: [], else: record |> Value.nodes(offset, 1) |> hd()
    server = self()
    start(state, id, {:factory, :message}, fn -> Spikard.Dependency.run(ref, server, dependency, id, tokens) end)
  end

  defp event({ev_dispose(), _, _, id, _, token, _, _}, state) do
    {maker, makers} = Map.pop(state.makers, token)
    :ets.delete(state.rt.table, {:token, token})
    arg = if id == 0, do: token, else: 0

    case :ets.take(state.rt.table, {:maker, token}) do
      [{_, pid}] -> send(pid, {:spikard_dispose, id, arg})
      [] -> Runtime.command(state.rt, cmd_result(), id, arg: arg)
    end

    _ = maker
    %{state | makers: makers}
  end

  defp event({ev_cancel(), _, _, id, _, why, _, _}, state) do
    case state.owed do
      %{^id => {pid, {_, :exit}}} -> Process.exit(pid, {:spikard, Scope.reason(why)})
      %{^id => {pid, _}} -> send(pid, {:spikard_cancel, id, Scope.reason(why)})
      _ -> :ok
    end

    state
  end

  defp event({ev_chunk(), flags, _, id, _, _, record, _}, state) do
    data = if record == nil, do: "", else: Runtime.part(record, record_body())
    tell(state, id, {:spikard_body, id, data, Bitwise.band(flags, f_last()) != 0})
  end

  defp event({ev_credit(), _, _, id, _, amount, _, _}, state), do: tell(state, id, {:spikard_more, id, amount})

  defp event({ev_state(), _, _, _, _, now, _, _}, state) do
    if now >= 2, do: :ets.insert(state.rt.table, {:stopping, true})
    if now >= 2, do: for({pid, _} <- Map.values(state.owed), do: send(pid, :spikard_stopping))
    if now == 3, do: stopped(state), else: state
  end

  # A job that was refused; all other ends go to who waits.
  defp event({ev_done(), _, _, _, user, _, record, _}, state) do
    with [_] <- :ets.take(state.rt.table, {:job, user}), {:error, error} <- Runtime.outcome(record) do
      require Logger
      Logger.error("a background task was refused: #{error.message}", domain: [:spikard])
    end

    state
  end

  defp event(_, state), do: state

  defp stopped(%{report: nil} = state) do
    try do
      Scope.within(%Scope{ref: state.rt.ref}, fn -> Enum.each(state.plan.on_stop, & &1.()) end)
    catch
      kind, reason -> Spikard.Log.failure(state.rt, kind, reason, __STACKTRACE__)
    end

    %{state | report: close(state)}
  end

  defp stopped(state), do: state

  # ---- processes

  defp start(state, id, what, run) do
    {pid, monitor} = :erlang.spawn_opt(run, [:monitor])
    %{state | owed: Map.put(state.owed, id, {pid, what}), pids: Map.put(state.pids, monitor, {id, pid, what})}
  end

  defp tell(state, id, message) do
    case state.owed do
      %{^id => {pid, _}} -> send(pid, message)
      _ -> :ok
    end

    state
  end

  defp down(state, monitor, reason) do
    case Map.pop(state.pids, monitor) do
      {nil, _} ->
        state

      {{id, pid, what}, pids} ->
        owed = if match?(%{^id => {^pid, _}}, state.owed), do: Map.delete(state.owed, id), else: state.owed
        if reason not in [:normal, :noproc] and state.report == nil, do: died(state.rt, id, what, reason)
        %{state | pids: pids, owed: owed}
    end
  end

  # It was ended from outside: what it owed is given in its place. One that had answered before owes nothing, and then this does nothing.
  defp died(rt, id, {:request, _}, {:spikard, _}), do: Runtime.command(rt, cmd_abort(), id)
  defp died(rt, id, {:work, _}, {:spikard, _}), do: Runtime.command(rt, cmd_nack(), id, flags: f_requeue())
  defp died(rt, id, _, reason), do: HTTP.fail(rt, id, :exit, reason, [])
end

defmodule Spikard.Dependency do
  @moduledoc false
  # The process of one value that a factory makes: it lives as long as the value, so that what belongs to it does as well.
  import Spikard.Generated.Abi
  require Spikard.Generated.Abi
  alias Spikard.{App, HTTP, Native, Runtime, Scope, Server}

  def run(ref, _server, dependency, id, tokens) do
    rt = Runtime.get(ref)
    factory = Map.fetch!(rt.plan.factories, dependency)
    scope = %Scope{ref: ref, id: id}
    Scope.enter(scope)

    try do
      deps = Enum.zip(factory.needs, tokens) |> Map.new(fn {name, token} -> {name, Server.value(rt, token)} end)
      made(if(is_function(factory.make, 0), do: factory.make.(), else: factory.make.(deps)), factory.dispose)
    catch
      kind, reason -> HTTP.fail(rt, id, kind, reason, __STACKTRACE__)
    else
      {value, close} ->
        token = 0x100000000 + Native.next_user()
        :ets.insert(rt.table, [{{:token, token}, value}, {{:maker, token}, self()}])
        type = App.json_type(value)
        Runtime.command(rt, cmd_result(), id, arg: token, body: type && {:nodes, type})
        Scope.enter(%Scope{ref: ref})
        dispose(rt, close)
    end
  end

  defp made({:dispose, value, close}, _) when is_function(close), do: {value, close}
  defp made(value, close) when is_function(close, 1), do: {value, {close, value}}
  defp made(value, close), do: {value, close}

  defp dispose(rt, close) do
    receive do
      {:spikard_dispose, id, arg} ->
        try do
          case close do
            nil -> :ok
            close when is_function(close, 0) -> close.()
            {close, value} -> close.(value)
          end
        catch
          kind, reason -> HTTP.fail(rt, id, kind, reason, __STACKTRACE__)
        else
          _ -> Runtime.command(rt, cmd_result(), id, arg: arg)
        end
    end
  end
end
