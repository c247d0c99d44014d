defmodule Spikard.Test do
  @moduledoc """
  Applications in tests: `start/2` on a free port, `start_virtual/2` under a virtual clock, where time moves only by `advance/2`, through everything that comes due.

      test = Spikard.Test.start_virtual(app)
      Spikard.Test.run(test, fn -> Spikard.Task.enqueue!(send, %{to: "ann"}) end)
      Spikard.Test.advance(test, 3_600_000)
      Spikard.Test.stop(test)
  """
  import Spikard.Generated.Abi
  require Spikard.Generated.Abi
  alias Spikard.{App, Client, Native, Scope, Server}

  defstruct [:server, :rt, :port, virtual: false, host: "127.0.0.1"]
  @memory %{"cache" => "memory:", "storage" => "memory:", "db" => "sqlite::memory:", "messaging" => "memory:", "tasks" => "memory:"}

  @doc "On a free port of 127.0.0.1. Options: `:env`, `:configured`. Raises what start-up is refused for."
  def start(app, opts \\ []), do: app |> plan() |> started(opts, false)

  @doc "Under a virtual clock, everything in memory. Options: `:services` (by group and name), `:start` (a DateTime or text; default 2026-01-01T00:00:00Z), `:faults`."
  def start_virtual(app, opts \\ []) do
    plan = plan(app)
    given = Spikard.Value.plain(Map.new(opts[:services] || %{}))
    services = Map.new(@memory, fn {group, url} -> {group, clients(get_in(plan.manifest, ["services", group]) || %{}, given[group] || %{}, group, url)} end)
    manifest = plan.manifest |> Map.put("services", Map.merge(plan.manifest["services"] || %{}, services)) |> Map.put("clock", "virtual")
    manifest = if opts[:faults], do: Map.put(manifest, "faults", Spikard.Value.plain(Map.new(opts[:faults]))), else: manifest
    env = %{"SPIKARD_TEST" => "1"}

    env =
      case(opts[:start],
        do:
          (
            nil -> env
            %DateTime{} = at -> Map.put(env, "SPIKARD_TEST_START", DateTime.to_iso8601(at))
            at -> Map.put(env, "SPIKARD_TEST_START", at)
          )
      )

    test = started(%{plan | manifest: manifest}, [env: env], true)
    settle(test)
    test
  end

  defp clients(own, given, group, url) do
    for name <- Enum.uniq(["default" | Map.keys(own) ++ Map.keys(given)]), into: %{} do
      # What shares a file, and with it transactions, shares it in memory as well.
      shared = group in ["messaging", "tasks"] and String.starts_with?(own[name]["url"] || "", "sqlite:")
      {name, (own[name] || %{}) |> Map.put("url", if(shared, do: "sqlite::memory:", else: url)) |> Map.merge(given[name] || %{})}
    end
  end

  defp plan(app) do
    plan = App.plan(if(is_atom(app), do: app.app(), else: app))
    if plan.manifest["http"], do: put_in(plan.manifest["http"]["listeners"], [%{"address" => "127.0.0.1", "port" => 0}]), else: plan
  end

  defp started(plan, opts, virtual) do
    case GenServer.start(Server, plan: plan, env: opts[:env], configured: opts[:configured] || false) do
      {:ok, server} ->
        rt = Server.runtime(server)
        port = Enum.find_value(rt.info["addresses"] || [], fn address -> with [_, port] <- Regex.run(~r/:(\d+)$/, address), do: String.to_integer(port) end)
        %__MODULE__{server: server, rt: rt, port: port, virtual: virtual}

      {:error, error} when is_exception(error) ->
        raise error

      {:error, reason} ->
        raise "the application did not start: #{inspect(reason)}"
    end
  end

  def url(%__MODULE__{} = test, path \\ ""), do: "http://#{test.host}:#{test.port}#{path}"

  @doc "A request: `{status, headers, body}`. Options: `:headers`, `:json`, `:body`, `:content_type`."
  def request(%__MODULE__{} = test, method, path, opts \\ []) do
    {:ok, _} = Application.ensure_all_started(:inets)
    headers = for {name, value} <- opts[:headers] || [], do: {to_charlist(to_string(name)), to_charlist(to_string(value))}
    body = if Keyword.has_key?(opts, :json), do: Spikard.JSON.encode!(opts[:json]), else: opts[:body]
    at = if(String.starts_with?(path, "/"), do: url(test, path), else: path) |> String.to_charlist()
    request = if body == nil, do: {at, headers}, else: {at, headers, to_charlist(opts[:content_type] || "application/json"), body}
    {:ok, {{_, status, _}, lines, body}} = :httpc.request(method, request, [autoredirect: false], body_format: :binary)
    {status, Enum.map(lines, fn {name, value} -> {to_string(name), to_string(value)} end), body}
  end

  @doc "Drains and gives the report. `force: true` cuts it short."
  def stop(%__MODULE__{} = test, opts \\ []), do: Server.stop(test.server, opts)

  @doc "Moves a virtual clock, and returns when everything that can run then has run."
  def advance(test, ms), do: own(test, op_test_advance(), %{"ms" => ms})

  @doc "Until everything that can run at this time has run."
  def settle(test), do: own(test, op_test_settle(), %{})

  @doc "The faults that were made so far."
  def faults(test), do: own(test, op_test_faults(), %{})["faults"]

  defp own(test, operation, args), do: Client.bang(Client.invoke(test.rt, %Scope{ref: test.rt.ref}, operation, 0, args))

  @doc "Runs `fun` inside the application, to its end and that of all that it has begun. What waits for time gets it: a virtual clock moves only as far as `fun` waits for it."
  def run(%__MODULE__{} = test, fun) do
    parent = self()
    tag = make_ref()

    {_, monitor} =
      :erlang.spawn_opt(
        fn ->
          Scope.enter(%Scope{ref: test.rt.ref})

          send(
            parent,
            {tag,
             try do
               {:ok, fun.()}
             catch
               kind, reason -> {kind, reason, __STACKTRACE__}
             end}
          )
        end,
        [:monitor]
      )

    result = if test.virtual, do: moving(test, tag), else: receive(do: ({^tag, result} -> result))
    Process.demonitor(monitor, [:flush])

    case result do
      {:ok, value} -> value
      {kind, reason, stack} -> :erlang.raise(kind, reason, stack)
    end
  end

  @doc "As `run/2`, on a virtual clock that does not move for it."
  def peek(test, fun), do: run(%{test | virtual: false}, fun)

  defp moving(test, tag) do
    settled(test)

    receive do
      {^tag, result} ->
        settle(test)
        result
    after
      0 ->
        advance(test, 1)
        moving(test, tag)
    end
  end

  # Until nothing runs, neither here nor in the core: an operation that began and ended meanwhile has taken a number.
  defp settled(test) do
    {begun, waiting} = Native.waiting(test.rt.port)
    settle(test)
    quiet = quiet?()
    {now, still} = Native.waiting(test.rt.port)
    unless quiet and now == begun + 1 and Enum.sort(still) == Enum.sort(waiting) and quiet?(), do: settled(test)
  end

  defp quiet? do
    Enum.all?(Process.list(), fn pid ->
      pid == self() or match?({:status, status} when status in [:waiting, :suspended], Process.info(pid, :status)) or not Process.alive?(pid)
    end)
  end
end
