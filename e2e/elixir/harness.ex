defmodule E2E.NotBuilt do
  defexception [:message]
  def only(map, known, where), do: for({key, _} <- map, key not in String.split(known), do: raise(__MODULE__, "not built: #{where}.#{key}")) && :ok
end

defmodule E2E.Store do
  @moduledoc "What the handlers of a case keep: an ordered log per name, and counters."

  @doc "A table of the harness's own process, so that it outlives who asked for it."
  def new do
    table = :ets.new(:e2e, [:ordered_set, :public])
    owner = Process.whereis(:e2e)
    if owner != self(), do: :ets.give_away(table, owner, nil)
    table
  end

  def add(table, name, value), do: :ets.insert(table, {{name, System.unique_integer([:monotonic])}, value})
  def all(table, name), do: :ets.match(table, {{name, :_}, :"$1"}) |> Enum.map(&hd/1)
  def count(table, name, by \\ 1), do: :ets.update_counter(table, {:count, name}, by, {{:count, name}, 0})
end

defmodule E2E.Application do
  @moduledoc "Builds the application of a case (fixtures/README.md section 1) through the package's public API."
  import E2E.NotBuilt, only: [only: 3]
  alias E2E.{NotBuilt, Script, Store}
  alias Spikard.{Problem, Request, Response}

  @handler_keys %{
    "respond" => "kind status headers cookies body",
    "echo" => "kind status parts",
    "problem" => "kind problem",
    "fail" => "kind message",
    "sleep" => "kind ms then",
    "stream" => "kind media_type chunks delay_ms fail_after",
    "background" => "kind list field",
    "background_list" => "kind list",
    "publish" => "kind topic payload",
    "log" => "kind level message attributes then"
  }

  def make(spec, store) do
    only(spec, "config hooks dependencies routes cloudevents consumers env", "app")
    config = spec["config"] || %{}
    only(config, "request_id timeout limits telemetry auth cors compression static_files rate_limit", "config")
    {telemetry, http} = Map.pop(config, "telemetry")
    # A case has the routes it names, and no others: no health routes.
    manifest = %{"log" => %{"level" => "warn"}, "shutdown" => %{"timeout_ms" => 2000}, "http" => Map.put(http, "health", %{"enabled" => false})}
    manifest = if telemetry, do: Map.put(manifest, "telemetry", telemetry), else: manifest
    routes = spec["routes"] || []
    broker = spec["consumers"] != nil or Enum.any?(routes, &(&1["handler"]["kind"] == "publish"))
    manifest = if broker, do: Map.put(manifest, "services", %{"messaging" => %{"default" => %{"url" => "memory:"}}}), else: manifest
    app = Spikard.new("case", config: manifest)
    app = if spec["cloudevents"], do: events(app, store, spec["cloudevents"]), else: app
    app = Enum.reduce(spec["consumers"] || [], app, &consumer(&2, &1))

    app =
      Enum.reduce(spec["dependencies"] || [], app, fn one, app ->
        {data, value, opts} = dependency(store, one)
        Spikard.add_dependency(app, data, value, opts)
      end)

    only(spec["hooks"] || %{}, "on_request pre_validation pre_handler on_response on_error", "hooks")

    app =
      for {phase, hooks} <- spec["hooks"] || %{}, one <- hooks, reduce: app, do: (app -> Spikard.hook(app, String.to_existing_atom(phase), hook(store, one)))

    Enum.reduce(routes, app, &route(&2, store, &1))
  end

  defp route(app, store, spec) do
    only(spec, "method path parameters body inject inject_types dependencies handler", "route")
    data = Map.drop(spec, ["handler", "dependencies"])
    data = if data["body"], do: put_in(data["body"]["as"], "nodes"), else: data
    own = for one <- spec["dependencies"] || [], do: dependency(store, one)
    own = for {data, value, opts} <- own, do: {data, value, opts[:dispose]}
    Spikard.add_route(app, data, handler(store, spec, spec["handler"]), dependencies: own)
  end

  # ---- handlers

  defp handler(store, route, spec) do
    known = @handler_keys[spec["kind"]] || raise(NotBuilt, "not built: handler #{spec["kind"]}")
    only(spec, known, "handler")
    next = if spec["then"], do: handler(store, route, spec["then"])

    case spec["kind"] do
      "respond" ->
        fn _ -> response(spec) end

      "echo" ->
        fn request -> echo(route, request, spec) end

      "problem" ->
        fn _ -> raise Problem.from(spec["problem"]) end

      "fail" ->
        fn _ -> raise spec["message"] || "fail" end

      "sleep" ->
        fn request -> Spikard.sleep(spec["ms"]) && next.(request) end

      "stream" ->
        fn _ -> Spikard.stream(chunks(spec), media_type: spec["media_type"]) end

      "background" ->
        fn request ->
          value = request.body[spec["field"]]
          Spikard.background(fn -> Store.add(store, {:list, spec["list"]}, value) end)
          Spikard.json(%{queued: true}, status: 202)
        end

      "background_list" ->
        fn _ -> %{spec["list"] => Store.all(store, {:list, spec["list"]})} end

      "publish" ->
        fn _ ->
          payload =
            case(spec["payload"],
              do:
                (
                  %{"$text" => text} -> text
                  %{"$bytes" => data} -> Base.decode64!(data)
                  other -> other
                )
            )

          {:ok, _} = Spikard.Messaging.publish(Spikard.Messaging.client(), spec["topic"], payload)
          Spikard.empty(202)
        end

      "log" ->
        fn request -> Spikard.log(spec["level"], spec["message"], spec["attributes"] || %{}) && next.(request) end
    end
  end

  defp response(spec) do
    content =
      case spec["body"] do
        nil -> nil
        %{"text" => text} -> {:text, text}
        %{"base64" => data} -> {:bytes, Base.decode64!(data)}
        %{"json" => value} -> {:json, value}
      end

    headers = for {name, value} <- spec["headers"] || %{}, line <- List.wrap(value), do: {name, line}
    response = %Response{status: spec["status"] || 200, headers: headers, media_type: spec["body"]["media_type"], content: content}

    Enum.reduce(spec["cookies"] || [], response, fn c, response ->
      Response.put_cookie(response, c["name"], c["value"] || "",
        max_age: c["max_age"],
        domain: c["domain"],
        path: c["path"],
        same_site: c["same_site"],
        secure: c["secure"],
        http_only: c["http_only"]
      )
    end)
  end

  # Uploaded files as an echo has them: text where the bytes are UTF-8, else base64.
  defp shown(list) when is_list(list), do: Enum.map(list, &shown/1)

  defp shown(%{"filename" => _, "content" => content} = file) when is_binary(content),
    do:
      file
      |> Map.delete("content")
      |> Map.put(if(String.valid?(content), do: "text", else: "base64"), if(String.valid?(content), do: content, else: Base.encode64(content)))

  defp shown(%_{} = struct), do: struct
  defp shown(map) when is_map(map), do: Map.new(map, fn {key, value} -> {key, shown(value)} end)
  defp shown(value), do: value

  defp echo(route, request, spec) do
    out =
      for part <- spec["parts"] || [], into: %{} do
        case part do
          "body" -> {part, shown(request.body)}
          "auth" -> {part, Request.auth(request)}
          "context" -> {part, request.context}
          part when part in ~w(path query headers cookies) -> {part, Map.fetch!(request, String.to_existing_atom(part))}
          part -> {part, for(name <- route["inject"] || [], do: %{name: name, value: request.deps[name]})}
        end
      end

    Spikard.json(out, status: spec["status"] || 200)
  end

  defp chunks(spec) do
    fails = if spec["fail_after"] && spec["fail_after"] <= length(spec["chunks"]), do: spec["fail_after"]

    Stream.resource(
      fn -> {0, spec["chunks"]} end,
      fn
        {^fails, _} when fails != nil ->
          raise "the stream fails, as the case says"

        {_, []} ->
          {:halt, nil}

        {i, [chunk | rest]} ->
          if i > 0 && spec["delay_ms"], do: Spikard.sleep(spec["delay_ms"])

          data =
            case(chunk,
              do:
                (
                  %{"json" => value} -> Spikard.JSON.encode!(value)
                  %{"text" => text} -> text
                  %{"base64" => data} -> Base.decode64!(data)
                )
            )

          {[data], {i + 1, rest}}
      end,
      fn _ -> :ok end
    )
  end

  # ---- hooks

  defp unauthorized(token), do: Problem.new(status: 401, headers: [{"www-authenticate", if(token, do: "Bearer error=\"invalid_token\"", else: "Bearer")}])

  defp hook(store, spec) do
    known = %{
      "set_context" => "kind key value",
      "append_context" => "kind key value",
      "set_response_header" => "kind name value",
      "append_response_header" => "kind name value",
      "respond" => "kind status headers body",
      "fail" => "kind message",
      "require_bearer" => "kind tokens",
      "require_context" => "kind key equals",
      "limit_calls" => "kind max retry_after"
    }

    only(spec, known[spec["kind"]] || raise(NotBuilt, "not built: hook #{spec["kind"]}"), "hook")
    key = make_ref()

    case spec["kind"] do
      "set_context" ->
        &Request.assign(&1, spec["key"], spec["value"])

      "append_context" ->
        fn request -> Request.assign(request, spec["key"], List.wrap(request.context[spec["key"]]) ++ [spec["value"]]) end

      "set_response_header" ->
        &Request.put_resp_header(&1, spec["name"], spec["value"])

      "append_response_header" ->
        &Request.add_resp_header(&1, spec["name"], spec["value"])

      "respond" ->
        fn _ -> response(spec) end

      "fail" ->
        fn _ -> raise spec["message"] || "fail" end

      "require_bearer" ->
        &bearer(&1, spec["tokens"])

      "require_context" ->
        fn request -> if request.context[spec["key"]] != spec["equals"], do: raise(Problem, 403) end

      "limit_calls" ->
        fn _ -> if Store.count(store, key) > spec["max"], do: raise(Problem, status: 429, headers: [{"retry-after", to_string(spec["retry_after"] || 1)}]) end
    end
  end

  defp bearer(request, tokens) do
    case String.split(Request.header(request, "authorization") || "", " ", parts: 2) do
      [scheme, token] when token != "" ->
        unless String.downcase(scheme) == "bearer", do: raise(unauthorized(false))
        unless Map.has_key?(tokens, token), do: raise(unauthorized(true))
        Enum.reduce(tokens[token], request, fn {key, value}, request -> Request.assign(request, key, value) end)

      _ ->
        raise unauthorized(false)
    end
  end

  # ---- dependencies

  defp dependency(store, spec) do
    only(spec, "name kind value async depends_on scope produces cleanup", "dependency")
    name = spec["name"]
    data = Map.take(spec, ~w(name kind scope depends_on))

    if spec["kind"] == "value" do
      {data, spec["value"], []}
    else
      make = fn _ ->
        Store.add(store, :trace, "open:#{name}")
        produce(store, name, spec["produces"])
      end

      {data, make, if(spec["cleanup"], do: [dispose: fn _ -> Store.add(store, :trace, "close:#{name}") end], else: [])}
    end
  end

  defp produce(_, _, nil), do: nil
  defp produce(_, _, %{"object" => object}), do: object
  defp produce(store, name, "counter"), do: %{"instance" => Store.count(store, {:made, name})}

  defp produce(_, _, "uuid") do
    <<a::32, b::16, c::12, _::4, d::14, _::2, e::48>> = :crypto.strong_rand_bytes(16)

    <<a::32, b::16, 4::4, c::12, 2::2, d::14, e::48>>
    |> Base.encode16(case: :lower)
    |> String.replace(~r/(.{8})(.{4})(.{4})(.{4})(.{12})/, "\\1-\\2-\\3-\\4-\\5")
  end

  defp produce(_, _, other), do: raise(NotBuilt, "not built: produces #{inspect(other)}")

  # ---- events and consumers

  defp events(app, store, spec) do
    only(spec, "path handler dispatch allowed_origins allowed_rate", "cloudevents")
    handler = spec["handler"]
    only(handler, "kind event message", "cloudevents.handler")
    unless handler["kind"] in ~w(echo_event reply_event fail), do: raise(NotBuilt, "not built: handler #{handler["kind"]}")
    app = Spikard.event_endpoint(app, spec["path"], Map.take(spec, ~w(allowed_origins allowed_rate)))

    run = fn name ->
      fn event ->
        Store.add(store, :events, %{"event" => Spikard.CloudEvent.to_map(event), "handler" => name})
        if handler["kind"] == "fail", do: raise(handler["message"] || "fail")
        if handler["kind"] == "reply_event", do: Spikard.CloudEvent.from(handler["event"])
      end
    end

    dispatch = spec["dispatch"] || %{}
    app = Enum.reduce(dispatch, app, fn {type, name}, app -> Spikard.event(app, type, run.(name), path: spec["path"]) end)
    if dispatch["*"], do: app, else: Spikard.event(app, "*", run.("default"), path: spec["path"])
  end

  defp consumer(app, spec) do
    only(spec, "topic group handler", "consumers")
    script = Script.new(spec["handler"])
    handle = fn message -> Script.run(script, message.payload, %{"payload" => message.payload}) end
    Spikard.consumer(app, spec["topic"], handle, group: spec["group"], name: "#{spec["topic"]}.#{spec["group"]}")
  end
end

defmodule E2E.Script do
  @moduledoc "The nth delivery of a payload, or the nth run of a task, takes the nth entry of its sequence, then the default. Keeps what was done, and how much at once."
  alias E2E.{NotBuilt, Store}
  defstruct [:spec, :store]

  def new(spec) do
    NotBuilt.only(spec, "default known outcomes", "handler")
    %__MODULE__{spec: spec, store: Store.new()}
  end

  def run(%__MODULE__{spec: spec, store: store}, name, what) do
    entry =
      case Enum.find(spec["outcomes"] || [], &((&1["payload"] || &1["task"]) == name)) do
        nil -> spec["default"]
        one -> Enum.at(one["sequence"], Store.count(store, {:taken, name}) - 1, spec["default"])
      end

    now = Store.count(store, :now)
    Store.count(store, :most, max(0, now - Store.count(store, :most, 0)))

    entry =
      try do
        slept(entry)
      rescue
        error in Spikard.CancelledError ->
          Store.count(store, :cancellations)
          if error.reason == :deadline and not dead?(store), do: done(store, what, "timeout")
          reraise error, __STACKTRACE__
      after
        Store.count(store, :now, -1)
      end

    unless dead?(store), do: settle(store, entry, what)
  end

  defp slept(%{"sleep_ms" => ms} = entry), do: Spikard.sleep(ms) && slept(entry["then"])
  defp slept(entry), do: entry
  defp dead?(store), do: :ets.member(store, :dead)
  defp done(store, what, outcome), do: Store.add(store, :done, Map.put(what, "outcome", outcome))

  defp settle(store, entry, what) do
    case entry do
      "ack" -> done(store, what, "ack") && :ok
      "throw" -> done(store, what, "error") && raise("the script threw")
      %{"nack" => opts} -> done(store, what, "nack") && {:nack, requeue: opts["requeue"]}
      %{"retry" => opts} -> done(store, what, "retry") && {:retry, opts["after_ms"]}
      %{"fatal" => text} -> done(store, what, "fatal") && raise(Spikard.Fatal, to_string(text))
      %{"result" => value} -> done(store, what, "done") && {:ok, value}
      other -> raise NotBuilt, "not built: outcome #{inspect(other)}"
    end
  end
end

defmodule E2E.Harness do
  @moduledoc "The harness of the fixture player (e2e/README.md): JSON lines in and out, one application at a time."
  import E2E.NotBuilt, only: [only: 3]
  alias E2E.{NotBuilt, Store, Toolbox}

  def main do
    Process.register(self(), :e2e)
    :ok = :logger.set_primary_config(:level, :warning)
    Logger.configure_backend(:console, device: :standard_error)
    :io.setopts(:standard_io, encoding: :latin1, binary: true)
    state = loop(%{store: Store.new(), test: nil, toolbox: nil, told: %{}})
    state |> close() |> stop(nil)
    System.halt(0)
  end

  defp loop(state) do
    case IO.binread(:stdio, :line) do
      line when is_binary(line) ->
        {answer, state} = answer(Spikard.JSON.decode!(line), state)
        IO.binwrite(:stdio, [Spikard.JSON.encode!(answer), ?\n])
        loop(state)

      _ ->
        state
    end
  end

  defp answer(request, state) do
    {answer, state} = op(request["op"], request, state)
    {Map.put(answer, "ok", true), state}
  rescue
    error in NotBuilt ->
      {refused(%{"type" => "not_built", "message" => error.message}), state}

    error in Spikard.Error ->
      {refused(%{"kind" => Atom.to_string(error.kind), "detail" => error.detail, "message" => error.message}), state}

    error in Spikard.ConfigError ->
      type =
        case(Regex.run(~r/: ([a-z]+_(?:dependency|mismatch)): /, error.message),
          do:
            (
              [_, type] -> type
              _ -> "invalid_argument"
            )
        )

      {refused(%{"type" => type, "message" => error.message}), state}

    error ->
      {refused(%{"type" => inspect(error.__struct__), "message" => Exception.format(:error, error, __STACKTRACE__)}), state}
  end

  defp refused(error), do: %{"ok" => false, "error" => error}

  defp op("start", request, state) do
    only(request, "op app", "start")
    {_, state} = stop(state, nil)
    store = Store.new()
    app = E2E.Application.make(request["app"], store)
    test = Spikard.Test.start(app, env: request["app"]["env"], configured: Map.has_key?(request["app"], "env"))
    {%{"port" => test.port}, %{state | store: store, test: test, told: %{}}}
  end

  defp op("stop", request, state) do
    only(request, "op drain_timeout_ms", "stop")
    {report, state} = stop(state, request["drain_timeout_ms"])
    {%{"report" => report}, state}
  end

  defp op("trace", _, state), do: {%{"dependency_trace" => Store.all(state.store, :trace)}, state}
  defp op("events", _, state), do: {%{"events" => Store.all(state.store, :events)}, state}

  defp op(what, _, state) when what in ["spans", "logs", "metrics"] do
    running = state.test || state.toolbox.test
    client = Spikard.Telemetry.client()
    # a virtual clock does not move for it
    ask = fn fun -> Spikard.Test.peek(running, fun) end

    new =
      ask.(fn ->
        case(what,
          do:
            (
              "spans" -> Spikard.Telemetry.take_spans!(client)
              "logs" -> Spikard.Telemetry.take_logs!(client)
              "metrics" -> Spikard.Telemetry.collect_metrics!(client)
            )
        )
      end)

    all = if what == "metrics", do: new, else: (state.told[what] || []) ++ new
    {%{what => all}, %{state | told: Map.put(state.told, what, all)}}
  end

  defp op("backends", request, state), do: {%{"backends" => Toolbox.backends(request["subsystem"])}, state}

  defp op("client", request, state) do
    only(request, "op client", "client")
    state = close(state)
    toolbox = Toolbox.open(request["client"])
    {%{"capabilities" => toolbox.capabilities}, %{state | toolbox: toolbox, told: %{}}}
  end

  defp op("do", request, state) do
    only(request, "op do args", "do")
    {%{"result" => Toolbox.run(state.toolbox, request["do"], request["args"])}, state}
  end

  defp op("close", _, state), do: {%{}, close(state)}
  defp op(other, _, _), do: raise(NotBuilt, "not built: op #{other}")

  defp close(%{toolbox: nil} = state), do: state
  defp close(state), do: Toolbox.close(state.toolbox) && %{state | toolbox: nil}

  defp stop(%{test: nil} = state, _), do: {nil, state}
  defp stop(state, ms), do: {Spikard.Test.stop(state.test, if(ms, do: [timeout_ms: ms], else: [])), %{state | test: nil}}
end
