defmodule Spikard do
  @moduledoc """
  Services on the Spikard core. An application is a value:

      app =
        Spikard.new("hello")
        |> Spikard.get("/hello/:name", fn request -> %{hello: request.path.name} end)

      Spikard.run(app, port: 8000)

  or a module with `use Spikard.Router`; below a supervisor it is the child `{Spikard, app: app, port: 8000}`.
  """
  import Spikard.Generated.Abi
  require Spikard.Generated.Abi
  alias Spikard.{App, Response, Runtime, Scope, Server, Task}

  # ---- an application

  @doc "An application. Options: `:config` (as in spikard.toml), `:logger` (failures of handlers go to Logger, and the core's own log is silent)."
  def new(name \\ "app", opts \\ []),
    do: struct(App, Keyword.merge([name: name], Keyword.take(opts, [:config, :logger])) |> Keyword.update(:config, %{}, &(&1 || %{})))

  @doc "Lays configuration over what is there."
  def config(%App{} = app, config), do: %{app | config: App.merge(Spikard.Value.plain(app.config), Spikard.Value.plain(Map.new(config)))}

  @doc "A client's configuration: `service(app, :cache, url: ...)`."
  def service(app, group, name \\ "default", config), do: App.service(app, group, name, config)

  @doc """
  A route. The handler gets a `Spikard.Request`; what it may return is told in `Spikard.Response`.

  Options: `:path`, `:query`, `:headers`, `:cookies` (parameters as `name: type`, `name: {type, opts}`, or a module of `Spikard.Schema`), `:body` (a type), `:raw`, `:stream`, `:content_types`,
  `:body_required`, `:inject`, `:status`, `:name`, `:timeout_ms`, and `:cancel`: `:message` (the process hears of it where it waits) or `:exit` (it is ended).
  """
  def route(%App{} = app, method, path, handler, opts \\ []), do: App.route(app, method |> to_string() |> String.upcase(), path, opts, handler)

  for method <- [:get, :head, :post, :put, :patch, :delete, :options] do
    @doc "A route; see `route/5`."
    def unquote(method)(%App{} = app, path, handler, opts \\ []), do: route(app, unquote(method), path, handler, opts)
  end

  @doc "A route as data, with the names of the manifest."
  def add_route(%App{} = app, data, handler, opts \\ []), do: App.add_route(app, data, handler, opts)

  @doc "A hook in a phase: `:on_request`, `:pre_validation`, `:pre_handler`, `:on_response`, `:on_error`. It gives back the request, nothing, or an answer."
  def hook(%App{} = app, phase, fun, name \\ nil), do: App.hook(app, phase, fun, name)

  @doc "A value that routes may inject."
  def value(%App{} = app, name, value), do: App.dependency(app, %{name: to_string(name), kind: :value}, value, [])

  @doc "A dependency that is made when it is needed. Options: `:scope` (`:request`, `:singleton`, ...), `:depends_on`, `:dispose` (gets the value at its end)."
  def factory(%App{} = app, name, make, opts \\ []) do
    spec =
      for {key, value} <- [scope: opts[:scope], depends_on: opts[:depends_on]], value != nil, into: %{name: to_string(name), kind: :factory}, do: {key, value}

    App.dependency(app, spec, make, dispose: opts[:dispose])
  end

  @doc "A dependency as data."
  def add_dependency(%App{} = app, data, value, opts \\ []), do: App.dependency(app, data, value, opts)

  @doc "A consumer of messages. Options: those of `Spikard.Messaging.consume/4`, `:name`, `:client`, `:schema`."
  def consumer(%App{} = app, topic, handler, opts \\ []), do: App.consumer(app, topic, opts, handler)

  @doc "Adds a `Spikard.Task` to those that this application's workers run."
  def task(%App{} = app, %Task{} = task), do: App.task(app, task)

  @doc "Options of a queue's worker: `:concurrency`, `:lease_ms`, ..."
  def worker(%App{} = app, queue \\ "default", opts), do: App.worker(app, queue, opts)

  @doc "Runs a task by a cron expression."
  def schedule(%App{} = app, cron, %Task{} = task, opts \\ []), do: App.schedule(app, cron, task, opts)

  @doc "A handler of CloudEvents of a type; `*` is all others. Options: `:path` or `:topic`, `:source`, `:subject`, `:group`, `:client`, `:schema`."
  def event(%App{} = app, type, handler, opts \\ []), do: App.event(app, type, opts, handler)

  @doc "Options of the endpoint of events at a path."
  def event_endpoint(%App{} = app, path, opts), do: App.endpoint(app, path, opts)

  @doc "Called before anything is served."
  def on_start(%App{} = app, fun), do: %{app | on_start: app.on_start ++ [fun]}
  @doc "Called after the drain."
  def on_stop(%App{} = app, fun), do: %{app | on_stop: app.on_stop ++ [fun]}
  @doc "The manifest of an application."
  def manifest(%App{} = app), do: App.plan(app).manifest

  # ---- running

  @doc "Serves until SIGTERM or SIGINT, drains, and ends the program. With `SPIKARD_PRINT_MANIFEST=1` it prints the manifest instead. Options: `:host`, `:port`, `halt: false` (gives the exit code)."
  def run(app, opts \\ []), do: Spikard.Run.run(app, opts)

  @doc "Starts an application in this process's supervision: see `child_spec/1`."
  def start_link(opts) do
    app = Keyword.fetch!(opts, :app)
    app = if is_atom(app), do: app.app(), else: app
    plan = App.plan(app) |> Spikard.Run.listen(opts)
    GenServer.start_link(Server, [plan: plan, configured: Keyword.get(opts, :configured, true)], Keyword.take(opts, [:name]))
  end

  @doc "For a supervisor: `{Spikard, app: app, port: 8000}`. Options: `:app` (or a module of `Spikard.Router`), `:name`, `:host`, `:port`, `:id`."
  def child_spec(opts), do: %{id: opts[:id] || opts[:name] || __MODULE__, start: {__MODULE__, :start_link, [opts]}, shutdown: :infinity}

  @doc "Drains an application that `start_link/1` has started; the drain's report."
  def stop(server, opts \\ []), do: Server.stop(server, opts)

  @doc "What the core says of a running application: addresses, clients."
  def info(server), do: Server.runtime(server).info

  # ---- answers

  def json(value, opts \\ []), do: response({:json, value}, opts)
  def text(text, opts \\ []), do: response({:text, text}, opts)
  def bytes(data, opts \\ []), do: response({:bytes, data}, opts)
  def empty(status \\ 204, opts \\ []), do: response(nil, Keyword.put(opts, :status, status))
  @doc "An answer of chunks, sent as they come and no faster than the client takes them."
  def stream(chunks, opts \\ []), do: response({:chunks, chunks}, opts)

  defp response(content, opts) do
    headers = for {name, value} <- opts[:headers] || [], do: {to_string(name), to_string(value)}
    %Response{status: opts[:status] || 200, headers: headers, media_type: opts[:media_type], content: content}
  end

  # ---- inside handlers

  @doc "Runs `job` after the answer. The drain waits for it."
  def background(job) when is_function(job, 0) do
    {scope, rt} = Scope.here!("background")

    case Process.get(:spikard_jobs) do
      jobs when is_list(jobs) and scope.id != 0 -> Process.put(:spikard_jobs, [job | jobs])
      _ -> Server.background(rt, job)
    end

    :ok
  end

  @doc "Waits, by the application's clock; raises `Spikard.CancelledError` when the work is cancelled meanwhile."
  def sleep(ms) when is_integer(ms) and ms >= 0 do
    {scope, rt} = Scope.here!("sleep")
    user = Spikard.Native.next_user()
    if Runtime.command(rt, cmd_timer(), scope.id, arg: ms, user: user, pid: self()) == :closed, do: raise(Spikard.CancelledError, reason: :shutdown)
    Scope.await(rt, scope, user)
    :ok
  end

  @doc "Why the work in hand is cancelled, or nil."
  def cancelled, do: Scope.cancelled()

  @doc "Whether the graceful end has begun. The processes of handlers get the message `:spikard_stopping` when it does."
  def stopping? do
    {_, rt} = Scope.here!("stopping")
    :ets.member(rt.table, :stopping)
  end

  defdelegate span(name, opts \\ [], fun), to: Spikard.Telemetry
  defdelegate traceparent, to: Spikard.Telemetry
  defdelegate log(level, message, attributes \\ %{}), to: Spikard.Telemetry, as: :write
end
