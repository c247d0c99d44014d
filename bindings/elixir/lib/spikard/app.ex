defmodule Spikard.App do
  @moduledoc """
  An application as data and functions, made by the functions of `Spikard` or by `use Spikard.Router`. Nothing is opened until it runs.
  """
  alias Spikard.{ConfigError, Schema, Value}

  defstruct name: "app",
            config: %{},
            logger: false,
            routes: [],
            hooks: %{on_request: [], pre_validation: [], pre_handler: [], on_response: [], on_error: []},
            dependencies: [],
            services: %{},
            consumers: [],
            tasks: [],
            workers: %{},
            schedules: [],
            events: [],
            endpoints: [],
            event_consumers: [],
            on_start: [],
            on_stop: []

  @type t :: %__MODULE__{}
  @phases [:on_request, :pre_validation, :pre_handler, :on_response, :on_error]
  @groups %{"path" => :path, "query" => :query, "header" => :headers, "cookie" => :cookies}
  @segments %{
    "int" => :integer,
    "float" => :float,
    "bool" => :boolean,
    "uuid" => :uuid,
    "date" => :date,
    "datetime" => :datetime
  }

  def phases, do: @phases

  # ---- routes

  @doc false
  def route(%__MODULE__{} = app, method, path, opts, handler) do
    unless is_function(handler, 0) or is_function(handler, 1), do: raise(ConfigError, "#{method} #{path}: the handler is no function of a request")
    path = Regex.replace(~r"(?<=/):([A-Za-z_][A-Za-z0-9_]*)", path, "{\\1}")
    segments = Regex.scan(~r/\{([A-Za-z_][A-Za-z0-9_]*)(?::([^{}]+))?\}/, path) |> Enum.map(fn [_, name | kind] -> {name, List.first(kind)} end)
    declared = Map.new(opts[:path] || [], fn {name, type} -> {Atom.to_string(name), type} end)

    in_path =
      for {name, kind} <- segments do
        type = declared[name] || Map.get(@segments, kind, :string)
        {%{"in" => "path", "name" => name, "required" => true, "schema" => Schema.json(type)}, {:path, String.to_atom(name), type}}
      end

    for {name, _} <- declared, not List.keymember?(segments, name, 0), do: raise(ConfigError, "#{method} #{path}: there is no segment '#{name}'")
    others = Enum.flat_map([query: "query", headers: "header", cookies: "cookie"], fn {group, place} -> parameters(group, place, opts[group]) end)
    parameters = in_path ++ others
    data = %{"method" => method, "path" => path, "name" => opts[:name] || "#{method} #{path}", "parameters" => Enum.map(parameters, &elem(&1, 0))}
    data = if opts[:timeout_ms], do: Map.put(data, "timeout_ms", opts[:timeout_ms]), else: data
    data = if opts[:inject], do: Map.put(data, "inject", Enum.map(opts[:inject], &to_string/1)), else: data
    {body, data} = body(opts, data, "#{method} #{path}")

    plan = %{
      handler: handler,
      status: opts[:status] || 200,
      path: path,
      parameters: Enum.map(parameters, &elem(&1, 1)),
      inject: opts[:inject] || [],
      body: body,
      schema: opts[:body],
      cancel: opts[:cancel] || :message
    }

    %{app | routes: app.routes ++ [{data, plan, []}]}
  end

  defp parameters(_, _, nil), do: []

  defp parameters(group, place, module) when is_atom(module) do
    unless Schema.schema?(module), do: raise(ConfigError, "#{group}: #{inspect(module)} is no schema")
    parameters(group, place, Enum.map(module.__spikard_schema__(:fields), fn {name, type, opts} -> {name, {type, opts}} end))
  end

  defp parameters(group, place, list) do
    for {name, given} <- list do
      {type, opts} = typed(given)
      wire = opts[:name] || if(group == :headers, do: name |> to_string() |> String.replace("_", "-"), else: to_string(name))
      required = Keyword.get(opts, :required, not Keyword.has_key?(opts, :default) and not match?({:nullable, _}, type) and not (opts[:nullable] || false))
      {%{"in" => place, "name" => wire, "required" => required, "schema" => Schema.json({type, opts})}, {group, name, type}}
    end
  end

  defp typed({type, opts}) when is_list(opts) and type not in [:array, :map, :enum, :nullable], do: {type, opts}
  defp typed([{_, _} | _] = opts), do: Keyword.pop!(opts, :type)
  defp typed(type), do: {type, []}

  defp body(opts, data, where) do
    cond do
      opts[:stream] ->
        if opts[:body], do: raise(ConfigError, "#{where}: a streamed body has no schema; read it by Spikard.Request.stream/1")
        {:stream, Map.put(data, "body", %{"mode" => "stream", "required" => false, "content_types" => ["*/*"], "as" => "raw"})}

      opts[:raw] ->
        {:raw, Map.put(data, "body", %{"content_types" => opts[:content_types] || ["*/*"], "required" => opts[:body_required] || false, "as" => "raw"})}

      opts[:body] ->
        required = Keyword.get(opts, :body_required, true)
        body = %{"content_types" => opts[:content_types] || ["application/json"], "required" => required, "schema" => Schema.json(opts[:body]), "as" => "nodes"}
        {:nodes, Map.put(data, "body", body)}

      true ->
        {:none, data}
    end
  end

  @doc false
  # A route as data (a route of the manifest, names as text). `dependencies`: of this route alone.
  def add_route(%__MODULE__{} = app, data, handler, opts) do
    body = data["body"]

    as =
      cond do
        body == nil -> :none
        body["mode"] == "stream" -> :stream
        true -> String.to_existing_atom(body["as"] || "nodes")
      end

    declared = for p <- data["parameters"] || [], do: {@groups[p["in"]], if(p["in"] == "header", do: String.downcase(p["name"]), else: p["name"]), nil}
    # What only the path names comes after those, in its order.
    named = for [_, name] <- Regex.scan(~r/\{([A-Za-z_][A-Za-z0-9_]*)(?::[^{}]+)?\}/, data["path"]), {:path, name, nil} not in declared, do: {:path, name, nil}
    parameters = declared ++ named

    plan = %{
      handler: handler,
      status: opts[:status] || 200,
      path: data["path"],
      parameters: parameters,
      inject: data["inject"] || [],
      body: as,
      schema: nil,
      cancel: opts[:cancel] || :message
    }

    %{app | routes: app.routes ++ [{data, plan, opts[:dependencies] || []}]}
  end

  # ---- hooks, dependencies, services

  @doc false
  def hook(%__MODULE__{} = app, phase, fun, name) do
    unless phase in @phases, do: raise(ConfigError, "#{inspect(phase)} is no phase of a request; expected one of #{Enum.join(@phases, ", ")}")
    %{app | hooks: Map.update!(app.hooks, phase, &(&1 ++ [{name || Atom.to_string(phase), fun}]))}
  end

  @doc false
  def dependency(%__MODULE__{} = app, spec, value, opts), do: %{app | dependencies: app.dependencies ++ [{spec, value, opts[:dispose]}]}

  @doc false
  def service(%__MODULE__{} = app, group, name, config) do
    group = to_string(group)
    before = get_in(app.services, [group, name]) || %{}

    %{
      app
      | services:
          Map.update(
            app.services,
            group,
            %{name => merge(before, Value.plain(Map.new(config)))},
            &Map.put(&1, name, merge(before, Value.plain(Map.new(config))))
          )
    }
  end

  # Something uses it: it is there by the core's defaults.
  defp uses(app, group, name), do: if(name == "default", do: app, else: service(app, group, name, %{}))

  # ---- messages, tasks, events

  @doc false
  def consumer(%__MODULE__{} = app, topic, opts, handler) do
    {own, rest} = Keyword.split(opts, [:schema, :name, :client, :cancel])
    data = rest |> Map.new() |> Value.plain() |> Map.merge(%{"name" => own[:name] || topic, "topic" => topic})
    data = if own[:schema], do: Map.put(data, "schema", Schema.json(own[:schema])), else: data
    data = if own[:client], do: Map.put(data, "client", own[:client]), else: data
    plan = %{handler: handler, schema: own[:schema], cancel: own[:cancel] || :message}
    %{app | consumers: app.consumers ++ [{data, plan}]} |> uses(:messaging, own[:client] || "default")
  end

  @doc false
  def task(%__MODULE__{} = app, %Spikard.Task{} = task) do
    if Enum.any?(app.tasks, &({&1.client, &1.queue, &1.name} == {task.client, task.queue, task.name})),
      do: raise(ConfigError, "there are two tasks '#{task.name}' in queue '#{task.queue}'")

    %{app | tasks: app.tasks ++ [task]} |> uses(:tasks, task.client)
  end

  @doc false
  def worker(%__MODULE__{} = app, queue, opts) do
    {client, rest} = Keyword.pop(opts, :client, "default")
    %{app | workers: Map.put(app.workers, {client, queue}, Value.plain(Map.new(rest)))}
  end

  @doc false
  def schedule(%__MODULE__{} = app, cron, task, opts) do
    data = opts |> Map.new() |> Value.plain()
    data = Map.merge(%{"name" => task.name}, data) |> Map.merge(%{"cron" => cron, "task" => task.name, "queue" => task.queue})
    data = if task.client == "default", do: data, else: Map.put(data, "client", task.client)
    %{app | schedules: app.schedules ++ [data]}
  end

  @doc false
  def event(%__MODULE__{} = app, type, opts, handler) do
    subscription =
      for {key, value} <- [type: type, source: opts[:source], subject: opts[:subject]],
          value not in [nil, "*"],
          into: %{"handler" => length(app.events)},
          do: {Atom.to_string(key), value}

    app = %{app | events: app.events ++ [%{handler: handler, schema: opts[:schema], cancel: opts[:cancel] || :message}]}

    if opts[:topic] do
      client = opts[:client] || "default"
      key = {client, opts[:topic], opts[:group] || ""}
      app |> event_consumer(key, %{}) |> subscribe(:event_consumers, key, subscription) |> uses(:messaging, client)
    else
      path = opts[:path] || "/events"
      app |> endpoint(path, %{}) |> subscribe(:endpoints, path, subscription)
    end
  end

  @doc false
  def endpoint(%__MODULE__{} = app, path, opts), do: keyed(app, :endpoints, path, %{"path" => path}, opts)

  @doc false
  def event_consumer(%__MODULE__{} = app, {client, topic, group} = key, opts) do
    consumer = %{"name" => "events.#{topic}", "topic" => topic}
    consumer = if group == "", do: consumer, else: Map.put(consumer, "group", group)
    consumer = if client == "default", do: consumer, else: Map.put(consumer, "client", client)
    keyed(app, :event_consumers, key, %{"consumer" => consumer}, opts)
  end

  defp keyed(app, field, key, first, opts) do
    list = Map.fetch!(app, field)
    before = List.keyfind(list, key, 0, {key, first})
    Map.put(app, field, List.keystore(list, key, 0, {key, merge(elem(before, 1), Value.plain(Map.new(opts)))}))
  end

  defp subscribe(app, field, key, subscription) do
    {_, data} = List.keyfind(Map.fetch!(app, field), key, 0)
    Map.put(app, field, List.keystore(Map.fetch!(app, field), key, 0, {key, Map.update(data, "subscriptions", [subscription], &(&1 ++ [subscription]))}))
  end

  # ---- what it becomes

  @doc false
  # The manifest and, by its numbers, the code behind it.
  def plan(%__MODULE__{} = app) do
    {dependencies, state} = Enum.map_reduce(app.dependencies, %{factories: %{}, tokens: %{}, id: 0, token: 1}, &dependency_data/2)

    {routes, state} =
      Enum.map_reduce(app.routes, state, fn {data, plan, own}, state ->
        {own, state} = Enum.map_reduce(own, state, &dependency_data/2)
        {{if(own == [], do: data, else: Map.put(data, "dependencies", own)), plan}, state}
      end)

    http = %{
      "listeners" => [],
      "routes" => Enum.map(routes, &elem(&1, 0)),
      "hooks" => Map.new(@phases, fn phase -> {Atom.to_string(phase), Enum.map(app.hooks[phase], &elem(&1, 0))} end),
      "dependencies" => dependencies
    }

    {workers, worker_plans} = workers(app)
    config = Value.plain(app.config)
    manifest = %{"name" => app.name, "handle_signals" => false, "http" => http}
    manifest = if app.logger, do: Map.put(manifest, "log", %{"level" => "off"}), else: manifest

    services =
      app.services
      |> Enum.map(fn {group, clients} -> {group, clients |> Enum.reject(fn {name, config} -> name == "default" and config == %{} end) |> Map.new()} end)

    services = services |> Enum.reject(fn {_, clients} -> clients == %{} end) |> Map.new()

    manifest =
      for {key, value} <- [
            {"services", services},
            {"consumers", Enum.map(app.consumers, &elem(&1, 0))},
            {"workers", workers},
            {"schedules", app.schedules},
            {"events", Enum.map(app.endpoints, &elem(&1, 1))},
            {"event_consumers", Enum.map(app.event_consumers, &elem(&1, 1))}
          ],
          value not in [%{}, []],
          into: manifest,
          do: {key, value}

    # Nothing is served.
    works = app.consumers != [] or workers != []
    manifest = if works and routes == [] and app.endpoints == [] and not Map.has_key?(config, "http"), do: Map.delete(manifest, "http"), else: manifest

    %{
      manifest: merge(manifest, config),
      routes: routes |> Enum.map(&elem(&1, 1)) |> List.to_tuple(),
      hooks: Map.new(Enum.with_index(@phases), fn {phase, i} -> {i, app.hooks[phase] |> Enum.map(&elem(&1, 1)) |> List.to_tuple()} end),
      factories: state.factories,
      tokens: state.tokens,
      consumers: app.consumers |> Enum.map(&elem(&1, 1)) |> List.to_tuple(),
      workers: List.to_tuple(worker_plans),
      events: List.to_tuple(app.events),
      on_start: app.on_start,
      on_stop: app.on_stop,
      logger: app.logger
    }
  end

  defp workers(app) do
    queues = app.tasks |> Enum.group_by(&{&1.client, &1.queue})

    for {{client, queue}, _} <- app.workers,
        not Map.has_key?(queues, {client, queue}),
        do: raise(ConfigError, "worker: no task is in queue '#{queue}' of tasks client '#{client}'")

    for {{client, queue}, tasks} <- Enum.sort_by(queues, &elem(&1, 0)) do
      data = %{"name" => if(client == "default", do: queue, else: "#{client}.#{queue}")}
      data = data |> Map.merge(app.workers[{client, queue}] || %{}) |> Map.merge(%{"queue" => queue, "tasks" => Enum.map(tasks, & &1.name)})
      data = if client == "default", do: data, else: Map.put(data, "client", client)
      {data, %{queue: queue, client: client, tasks: Map.new(tasks, &{&1.name, %{handler: &1.handler, schema: &1.schema, cancel: &1.cancel}})}}
    end
    |> Enum.unzip()
  end

  defp dependency_data({spec, value, dispose}, state) do
    data = spec |> Map.new(fn {key, value} -> {to_string(key), value} end) |> Map.put("id", state.id)
    data = data |> Map.update("kind", "value", &to_string/1) |> Map.reject(fn {_, value} -> value == nil end)
    data = if data["depends_on"], do: Map.update!(data, "depends_on", fn names -> Enum.map(names, &to_string/1) end), else: data
    data = if data["scope"], do: Map.update!(data, "scope", &to_string/1), else: data

    if data["kind"] == "value" do
      data = data |> Map.put("token", state.token) |> Map.put("type", json_type(value))
      {data, %{state | tokens: Map.put(state.tokens, state.token, value), token: state.token + 1, id: state.id + 1}}
    else
      # The core says when a value is no longer used, so that nothing made for a request outlives it.
      factory = %{make: value, needs: spec[:depends_on] || spec["depends_on"] || [], dispose: dispose}
      {Map.put(data, "cleanup", true), %{state | factories: Map.put(state.factories, state.id, factory), id: state.id + 1}}
    end
  end

  @doc false
  # The JSON type of a dependency's value; nil for what is not JSON's.
  def json_type(nil), do: "null"
  def json_type(value) when is_boolean(value), do: "boolean"
  def json_type(value) when is_binary(value), do: "string"
  def json_type(value) when is_integer(value), do: "integer"
  def json_type(value) when is_float(value), do: "number"
  def json_type(value) when is_list(value), do: "array"
  def json_type(value) when is_map(value) and not is_struct(value), do: "object"
  def json_type(_), do: nil

  @doc false
  def merge(%{} = a, %{} = b), do: Map.merge(a, b, fn _, x, y -> if(is_map(x) and is_map(y), do: merge(x, y), else: y) end)
end
