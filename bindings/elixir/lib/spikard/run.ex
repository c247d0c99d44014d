defmodule Spikard.Run do
  @moduledoc false
  alias Spikard.{App, ConfigError, Native, Server}

  @doc "What the program says about its first listener."
  def listen(plan, opts) do
    given = for {key, name} <- [host: "address", port: "port"], opts[key] != nil, into: %{}, do: {name, opts[key]}
    http = plan.manifest["http"]

    cond do
      given == %{} ->
        plan

      http == nil ->
        raise ConfigError, "host, port: expected an application that serves HTTP; this one has no routes, no event endpoints and no `http` in its config"

      true ->
        {first, rest} =
          case(http["listeners"],
            do:
              (
                [first | rest] -> {first, rest}
                _ -> {%{"address" => "127.0.0.1", "port" => 8000}, []}
              )
          )

        put_in(plan.manifest["http"]["listeners"], [Map.merge(first, given) | rest])
    end
  end

  def run(app, opts) do
    app = if is_atom(app), do: app.app(), else: app
    plan = App.plan(app) |> listen(opts)

    code =
      if System.get_env("SPIKARD_PRINT_MANIFEST") == "1" do
        IO.puts(Spikard.JSON.encode!(plan.manifest))
        0
      else
        serve(plan)
      end

    if Keyword.get(opts, :halt, true), do: System.halt(code), else: code
  end

  # Signals are its own before anything says that it is ready.
  defp serve(plan) do
    Native.signals(self())

    case GenServer.start(Server, plan: plan, configured: true) do
      {:ok, server} ->
        wait(server, nil)

      {:error, error} ->
        IO.puts(:stderr, "spikard: #{if is_exception(error), do: Exception.message(error), else: inspect(error)}")
        1
    end
  end

  # The first signal drains, a further one cuts it short.
  defp wait(server, task) do
    ref = task && task.ref

    receive do
      {:spikard_signal, _} when task == nil -> wait(server, Elixir.Task.async(fn -> Server.stop(server, []) end))
      {:spikard_signal, _} -> Elixir.Task.async(fn -> Server.stop(server, force: true) end) && wait(server, task)
      {^ref, report} when ref != nil -> trunc(report["exit_code"] || 0)
    end
  end
end

defmodule Spikard.LoggerHandler do
  @moduledoc false
  # What Logger gets becomes a record for the exporter of the application that runs there.
  alias Spikard.{Runtime, Scope, Telemetry}

  def attach(_ref), do: :logger.add_handler(:spikard, __MODULE__, %{level: :all})
  def detach(ref), do: if(:persistent_term.get({Scope, :live}, []) -- [ref] == [], do: :logger.remove_handler(:spikard))

  def log(%{level: level, msg: msg, meta: meta}, _) do
    with false <- Process.get(:spikard_logging, false), %Scope{} = scope <- Scope.here(), %Runtime{traced: true} = rt <- Runtime.get(scope.ref) do
      Process.put(:spikard_logging, true)

      attributes =
        for {key, value} <- meta,
            key not in [:pid, :gl, :time, :file, :line, :mfa, :domain, :report_cb],
            is_binary(value) or is_number(value) or is_boolean(value),
            into: %{},
            do: {to_string(key), value}

      Telemetry.record(rt, scope, level(level), text(msg, meta), attributes, false)
      Process.delete(:spikard_logging)
    end

    :ok
  end

  defp level(level) when level in [:emergency, :alert, :critical, :error], do: "error"
  defp level(:warning), do: "warn"
  defp level(:debug), do: "debug"
  defp level(_), do: "info"
  defp text({:string, text}, _), do: IO.chardata_to_string(text)
  defp text({:report, report}, %{report_cb: cb}) when is_function(cb, 1), do: report |> cb.() |> formatted()
  defp text({:report, report}, _), do: inspect(report)
  defp text({format, args}, _), do: formatted({format, args})
  defp formatted({format, args}), do: :io_lib.format(format, args) |> IO.chardata_to_string()
end
