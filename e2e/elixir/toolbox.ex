defmodule E2E.Toolbox do
  @moduledoc "The toolbox's side of the harness: one case's client through the package's public API, under a virtual clock, or in real time where a server owns the waits."
  import E2E.NotBuilt, only: [only: 3]
  alias E2E.{NotBuilt, Script, Servers, Store}
  alias Spikard.{Cache, Client, CloudEvents, Cron, Database, Messaging, Storage, Tasks, Telemetry, Test, Transaction}

  defstruct [:kind, :config, :test, :folder, :state, :drop, capabilities: []]

  defmodule GaveUp do
    defexception message: "the writer gave up"
  end

  @backends %{
    "cache" => ["memory"],
    "storage" => ["memory", "fs"],
    "db" => ["sqlite"],
    "messaging" => ["memory", "sqlite"],
    "tasks" => ["memory", "sqlite"],
    "cron" => [],
    "cloudevents" => [],
    "telemetry" => []
  }
  def backends(kind), do: (@backends[kind] || raise(NotBuilt, "not built: client #{kind}")) ++ Servers.backends(kind)

  def open(client) do
    {telemetry, own} = if map_size(client) > 1, do: Map.pop(client, "telemetry"), else: {nil, client}

    [{kind, config}] =
      case(Map.to_list(own),
        do:
          (
            [one] -> [one]
            many -> raise(NotBuilt, "not built: client #{inspect(many)}")
          )
      )

    backends(kind)
    folder = Path.join(System.tmp_dir!(), "spikard-e2e-#{System.pid()}-#{System.unique_integer([:positive])}")
    File.mkdir_p!(folder)
    manifest = %{"log" => %{"level" => "error"}, "http" => nil, "shutdown" => %{"timeout_ms" => 2000}}
    manifest = if telemetry, do: Map.put(manifest, "telemetry", telemetry), else: manifest
    backend = config["backend"] || config["driver"]
    {services, create, drop} = place(kind, backend, config, folder)
    real = Servers.real_time?(kind, backend)

    test =
      if real do
        Test.start(Spikard.new("case", config: Map.put(manifest, "services", services)))
      else
        Test.start_virtual(Spikard.new("case", config: manifest), services: services, start: config["clock"])
      end

    toolbox = %__MODULE__{
      kind: kind,
      config: config,
      test: test,
      folder: folder,
      state: Store.new(),
      drop: drop,
      capabilities: capabilities(kind, backend, real)
    }

    try do
      Test.run(test, create)
      toolbox
    rescue
      error ->
        close(toolbox)
        reraise error, __STACKTRACE__
    end
  end

  defp capabilities("storage", _, _), do: ~w(metadata conditional_write uploads)
  defp capabilities("messaging", backend, real), do: if(backend in ~w(amqp mqtt), do: [], else: ["replay"]) ++ if(real, do: ["real_time"], else: [])
  defp capabilities(_, _, _), do: []

  # What else the case says of the client stays: a case with a bucket names a server of its own.
  defp place(kind, backend, config, folder) do
    case if(Map.has_key?(config, "bucket"), do: nil, else: Servers.place(kind, backend, folder)) do
      nil -> {services(kind, config, folder), fn -> :ok end, fn -> :ok end}
      {services, create, drop} -> {merged(services, kind, Map.drop(config, ~w(backend driver clock))), create, drop}
    end
  end

  defp merged(services, kind, more), do: update_in(services[kind]["default"], &Map.merge(&1, more))

  defp url(kind, urls, folder), do: String.replace(urls[kind] || raise(NotBuilt, "not built: backend #{kind}"), "FOLDER", folder)

  defp services("cache", config, folder) do
    only(config, "backend default_ttl_ms max_entries", "cache")
    %{"cache" => %{"default" => config |> Map.delete("backend") |> Map.put("url", url(config["backend"], %{"memory" => "memory:"}, folder))}}
  end

  defp services("storage", %{"backend" => "s3", "bucket" => bucket} = config, _) do
    only(config, "backend bucket region endpoint addressing access_key secret_key clock", "storage")
    %{"storage" => %{"default" => %{"url" => "s3://#{bucket}", "s3" => Map.drop(config, ~w(backend bucket clock))}}}
  end

  defp services("storage", config, folder) do
    only(config, "backend", "storage")
    %{"storage" => %{"default" => %{"url" => url(config["backend"], %{"memory" => "memory:", "fs" => "file:FOLDER/objects"}, folder)}}}
  end

  defp services("db", config, folder) do
    only(config, "driver pool", "db")
    %{"db" => %{"default" => config |> Map.take(["pool"]) |> Map.put("url", url(config["driver"], %{"sqlite" => "sqlite:FOLDER/test.db"}, folder))}}
  end

  defp services(kind, config, folder) when kind in ["messaging", "tasks"] do
    only(config, if(kind == "tasks", do: "backend clock", else: "backend"), kind)
    %{kind => %{"default" => %{"url" => url(config["backend"], %{"memory" => "memory:", "sqlite" => "sqlite:FOLDER/test.db"}, folder)}}}
  end

  defp services(_, _, _), do: %{}

  def close(toolbox) do
    Test.run(toolbox.test, fn ->
      for {{:started, _}, one} <- :ets.tab2list(toolbox.state), do: kill(one)
      for {{:tx, _}, tx} <- :ets.tab2list(toolbox.state), do: Transaction.rollback(tx)
      toolbox.drop.()
    end)

    Test.stop(toolbox.test, force: true)
    File.rm_rf!(toolbox.folder)
    true
  end

  def run(toolbox, "advance_clock", args), do: Test.advance(toolbox.test, args["ms"]) && nil
  def run(toolbox, op, args), do: Test.run(toolbox.test, fn -> perform(toolbox, op, unpacked(args)) end)

  defp perform(toolbox, op, args) do
    op(toolbox.kind, op, args, toolbox.state) |> packed()
  end

  # `$bytes` as bytes, at any depth; the other forms as they stand.
  defp unpacked(%{"$bytes" => data} = map) when map_size(map) == 1, do: {:bytes, Base.decode64!(data)}
  defp unpacked(map) when is_map(map), do: Map.new(map, fn {key, value} -> {key, unpacked(value)} end)
  defp unpacked(list) when is_list(list), do: Enum.map(list, &unpacked/1)
  defp unpacked(value), do: value

  defp packed({:bytes, nil}), do: nil
  defp packed({:bytes, data}), do: %{"$bytes" => Base.encode64(data)}
  defp packed(%Spikard.Decimal{text: text}), do: %{"$decimal" => text}
  defp packed(%DateTime{} = at), do: %{"$timestamp" => DateTime.to_iso8601(at)}
  defp packed(map) when is_map(map), do: Map.new(map, fn {key, value} -> {to_string(key), packed(value)} end)
  defp packed(list) when is_list(list), do: Enum.map(list, &packed/1)
  defp packed(:ok), do: nil
  defp packed(text) when is_binary(text), do: if(String.valid?(text), do: text, else: %{"$bytes" => Base.encode64(text)})

  defp packed(integer) when is_integer(integer) and (integer > 0x7FFFFFFFFFFFFFFF or integer < -0x8000000000000000),
    do: %{"$int64" => Integer.to_string(integer)}

  defp packed(value), do: value

  defp plain({:bytes, data}), do: data
  defp plain(text), do: text

  @names ~w(ttl_ms forever tags by offset length suffix if_match if_none_match content_type cache_control content_disposition metadata prefix delimiter start_after limit token part_bytes etags
            key headers delay_ms run_at priority max_attempts unique_key unique_policy unique_ttl_ms concurrency_key backoff timeout_ms queue args tags timezone after count binding mode key_mapper
            properties body isolation read_only pool lease_ms group max_retries dead_letter ordered start_from ack_wait_ms handler_timeout_ms misfire overlap)a
  # Options as a keyword list; the package refuses those that it does not know.
  defp opts(args, without \\ []) do
    for {key, value} <- args, key not in without do
      {Enum.find(@names, &(Atom.to_string(&1) == key)) || String.to_atom(key), value}
    end
  end

  # ---- cache

  defp ttl(%{"ttl_ms" => nil}), do: [forever: true]
  defp ttl(%{"ttl_ms" => ms}), do: [ttl_ms: ms]
  defp ttl(_), do: []

  defp cache(state), do: Cache.client("default", namespace: value(state, :namespace))

  defp value(state, key),
    do:
      case(:ets.lookup(state, key),
        do:
          (
            [{_, value}] -> value
            [] -> nil
          )
      )

  defp op("cache", op, args, state) do
    cache = cache(state)
    key = args["key"]

    case op do
      "get" -> {:bytes, Cache.get!(cache, key)}
      "set" -> Cache.set!(cache, key, args["value"], ttl(args))
      "delete" -> Cache.delete!(cache, key)
      "exists" -> Cache.exists!(cache, key)
      "count" -> Cache.count!(cache)
      "clear" -> Cache.clear!(cache)
      "get_many" -> Cache.get_many!(cache, args["keys"]) |> many()
      "set_many" -> Cache.set_many!(cache, args["items"], ttl(args))
      "set_if_absent" -> Cache.set_if_absent!(cache, key, args["value"], ttl(args))
      "delete_if" -> Cache.delete_if!(cache, key, args["equals"])
      "increment" -> Cache.increment!(cache, key, opts(Map.take(args, ["by"])))
      "touch" -> Cache.touch!(cache, key, ttl(args))
      "ttl" -> Cache.ttl!(cache, key)
      "use_namespace" -> :ets.insert(state, {:namespace, args["namespace"]}) && nil
      "get_or_load" -> load(cache, key, args, 1) |> then(fn {[value], loads} -> %{"value" => value, "loaded" => loads > 0} end)
      "get_or_load_concurrent" -> load(cache, key, args, args["callers"]) |> then(fn {values, loads} -> %{"values" => values, "loads" => loads} end)
      _ -> missing(op)
    end
  end

  defp op("storage", op, args, _) do
    storage = Storage.client()
    key = args["key"]

    case op do
      "write" -> Storage.write!(storage, key, args["data"], opts(args, ["key", "data"]))
      "read" -> {:bytes, Storage.read!(storage, key, opts(args, ["key"])).data}
      "stat" -> Storage.stat!(storage, key)
      "exists" -> Storage.exists!(storage, key)
      "delete" -> Storage.delete!(storage, key)
      "copy" -> Storage.copy!(storage, args["source"], args["target"])
      "list" -> Storage.list!(storage, opts(args))
      "presign" -> Storage.presign!(storage, args["method"], key, expires_s: args["expires_s"]).url
      "plan_upload" -> Storage.plan_upload!(storage, key, args["size"], opts(args, ["key", "size"]))
      "complete_upload" -> Storage.complete_upload!(storage, key, args["upload"], opts(args, ["key", "upload"]))
      "abort_upload" -> Storage.abort_upload!(storage, key, args["upload"])
      "write_stream" -> write_stream(storage, key, args)
      _ -> missing(op)
    end
  end

  defp op("db", op, args, state) do
    db = Database.client()
    on = if args["tx"], do: value(state, {:tx, args["tx"]}), else: db

    case op do
      "execute" ->
        %{"affected" => Database.execute!(on, args["sql"], params(args))}

      "query" ->
        Database.query!(on, args["sql"], params(args)) |> rows()

      "begin" ->
        only(args, "tx isolation read_only", "begin")
        tx = Client.bang(Database.open(db, opts(args, ["tx"])))
        :ets.insert(state, {{:tx, args["tx"]}, tx}) && nil

      "commit" ->
        Client.bang(Transaction.commit(on))

      "rollback" ->
        Client.bang(Transaction.rollback(on))

      "drop_transaction" ->
        Transaction.rollback(on) && nil

      "transaction" ->
        transaction(db, args["body"])

      "close" ->
        Database.close!(db)

      _ ->
        missing(op)
    end
  end

  defp op("messaging", op, args, state) do
    messaging = Messaging.client()

    case op do
      "publish" ->
        Messaging.publish!(messaging, args["topic"], args["payload"], opts(args, ["topic", "payload"])) && nil

      "start_consumer" ->
        only(
          args,
          "name topic group handler max_retries dead_letter backoff ack_wait_ms handler_timeout_ms max_concurrency ordered start_from",
          "start_consumer"
        )

        script = Script.new(args["handler"])

        handle = fn message ->
          Script.run(script, message.payload, %{"payload" => message.payload, "headers" => Map.new(message.headers), "delivery_count" => message.delivery_count})
        end

        options = opts(Map.take(args, ~w(group max_retries dead_letter backoff ordered start_from ack_wait_ms handler_timeout_ms))) ++ concurrency(args)
        start(state, args["name"], script, Messaging.consume(messaging, args["topic"], handle, [name: args["name"]] ++ options))

      "stop_consumer" ->
        taken(state, args["consumer"]) |> Messaging.stop() |> Client.bang() && nil

      "kill_consumer" ->
        kill(state, args["consumer"])

      "expect_handled" ->
        for(one <- Store.all(script(state, args["consumer"]), :done), do: Map.update!(one, "payload", &{:bytes, &1}))

      "expect_dead_letters" ->
        for(one <- Messaging.list_dead_letters!(messaging, args["topic"], payloads: true).messages, do: Map.update(one, "payload", nil, &{:bytes, &1}))

      "metric" ->
        Messaging.stats!(messaging)[String.to_existing_atom(args["name"])]

      "topic_match" ->
        Messaging.topic_match!(messaging, args["style"], args["pattern"], args["topic"])

      _ ->
        handling(op, args, state)
    end
  end

  defp op("tasks", op, args, state) do
    tasks = Tasks.client()

    case op do
      "enqueue" ->
        Tasks.enqueue!(tasks, args["task"], opts(args, ["task"]))

      "start_worker" ->
        only(args, "name queue handler max_concurrency lease_ms", "start_worker")
        script = Script.new(args["handler"])
        handle = fn _, run -> Script.run(script, run.name, %{"task" => run.name, "attempt" => run.attempt}) end
        handlers = if args["handler"]["known"], do: Map.new(args["handler"]["known"], &{&1, handle}), else: handle

        start(
          state,
          args["name"],
          script,
          Tasks.work(tasks, handlers, [name: args["name"], queue: args["queue"]] ++ opts(Map.take(args, ["lease_ms"])) ++ concurrency(args))
        )

      "kill_worker" ->
        kill(state, args["worker"])

      "expect_runs" ->
        Store.all(script(state, args["worker"]), :done)

      "cancellations_seen" ->
        Store.count(script(state, args["worker"]), :cancellations, 0)

      "job" ->
        Tasks.job!(tasks, args["id"])

      "retry_job" ->
        Tasks.retry!(tasks, args["id"])

      "cancel" ->
        Tasks.cancel!(tasks, args["id"])

      "pending_count" ->
        Tasks.pending_count!(tasks, queue: args["queue"])

      "schedule" ->
        only(args, "name cron timezone queue task misfire overlap instance", "schedule")
        Tasks.schedule!(tasks, args["name"], args["cron"], args["task"], opts(Map.take(args, ~w(timezone queue misfire overlap))))
        scheduler(tasks, state, args["instance"] || "default")

      "start_scheduler" ->
        scheduler(tasks, state, "default")

      "stop_scheduler" ->
        for {{:scheduler, name}, _} <- :ets.tab2list(state), do: :ets.delete(state, {:scheduler, name}) && Tasks.stop_scheduler!(tasks, name: name)
        nil

      "expect_scheduled" ->
        for(job <- Tasks.list!(tasks, schedule: args["name"], limit: 1000), do: instant(job["scheduled_at"]))

      _ ->
        handling(op, args, state)
    end
  end

  defp op("cron", "next", args, _), do: Cron.next!(Cron.client(), args["expr"], opts(args, ["expr"]))

  defp op("cloudevents", "encode", args, _) do
    made = CloudEvents.encode!(CloudEvents.client(), args["event"], opts(args, ["event"]))

    made
    |> Map.new(fn {key, value} -> {key, if(key == :body and value != nil, do: {:bytes, value}, else: value)} end)
    |> Map.reject(fn {_, value} -> value == nil end)
  end

  defp op("cloudevents", "decode", args, _) do
    %{events: [event | _]} = CloudEvents.decode!(CloudEvents.client(), opts(args))
    Map.reject(event, fn {key, value} -> key == "data" and value == nil end)
  end

  defp op("telemetry", "parse_traceparent", args, _), do: Telemetry.parse_traceparent!(Telemetry.client(), args["value"])
  defp op("telemetry", "parse_tracestate", args, _), do: Telemetry.parse_tracestate!(Telemetry.client(), args["values"])
  defp op("telemetry", "parse_baggage", args, _), do: Telemetry.parse_baggage!(Telemetry.client(), args["values"])
  defp op(_, op, _, _), do: missing(op)

  defp missing(op), do: raise(NotBuilt, "not built: op #{op}")
  defp many(map) when is_map(map), do: Map.new(map, fn {key, value} -> {key, {:bytes, value}} end)
  defp many(list), do: Enum.map(list, &{:bytes, &1})

  defp load(cache, key, args, callers) do
    spec = args["load"]
    only(spec, "value fail sleep_ms", "load")
    counts = Store.new()

    loader = fn ->
      Store.count(counts, :loads)
      if spec["sleep_ms"], do: Spikard.sleep(spec["sleep_ms"])
      if spec["fail"], do: raise(spec["fail"])
      spec["value"]
    end

    results = for(_ <- 1..callers, do: Task.async(fn -> Cache.get_or_load(cache, key, loader, ttl(args)) end)) |> Task.await_many(:infinity)
    {Enum.map(results, &{:bytes, Client.bang(&1)}), Store.count(counts, :loads, 0)}
  end

  defp write_stream(storage, key, %{"pattern" => pattern, "piece" => piece} = args) do
    data = String.duplicate(plain(pattern["repeat"]), div(pattern["bytes"], byte_size(plain(pattern["repeat"]))) + 1) |> binary_part(0, pattern["bytes"])
    stop = args["abort_after"]

    pieces =
      Stream.unfold(0, fn
        at when stop != nil and at >= stop -> raise GaveUp
        at when at >= byte_size(data) -> nil
        at -> {binary_part(data, at, min(piece, byte_size(data) - at)), at + piece}
      end)

    Storage.write_stream!(storage, key, pieces)
  rescue
    GaveUp -> raise Spikard.Error.new(:cancelled, "the writer gave up", "aborted")
  end

  # ---- databases

  defp params(%{"params" => params}), do: [params: params(params)]
  defp params(list) when is_list(list), do: Enum.map(list, &param/1)
  defp params(map) when is_map(map) and not is_map_key(map, "sql"), do: Map.new(map, fn {key, value} -> {key, param(value)} end)
  defp params(_), do: []

  defp param(%{"$int64" => text}), do: String.to_integer(text)
  defp param(%{"$decimal" => text}), do: Spikard.Decimal.new(text)
  # A DateTime has microseconds: what is finer, or no instant at all, the core is told as it stands.
  defp param(%{"$timestamp" => text} = form),
    do: with(true <- text =~ ~r/^[0-9T:-]+(\.\d{1,6})?Z$/, {:ok, at, _} <- DateTime.from_iso8601(text), do: at, else: (_ -> form))

  defp param(value), do: value

  defp rows(result) do
    kinds = Map.new(Enum.zip(result.columns, result.types))
    rows = for row <- result.rows, do: Map.new(row, fn {column, value} -> {column, cell(kinds[column], value)} end)
    %{"rows" => rows, "columns" => result.columns}
  end

  defp cell("timestamp", text) when is_binary(text), do: %{"$timestamp" => text}
  defp cell("bytes", data) when is_binary(data), do: {:bytes, data}
  defp cell(_, value), do: value

  defmodule Scope do
    defexception [:message]
  end

  defp transaction(db, body) do
    Client.bang(Database.transaction(db, fn tx -> play(tx, body) end))
    nil
  rescue
    error in Scope -> raise Spikard.Error.new(:internal, error.message, "scope_failed")
  end

  defp play(tx, statements) do
    for statement <- statements do
      cond do
        statement["fail"] -> raise Scope, statement["fail"]
        statement["nested"] -> nested(tx, statement)
        true -> Database.execute!(tx, statement["sql"], params(statement))
      end
    end

    :ok
  end

  defp nested(tx, statement) do
    Client.bang(Transaction.savepoint(tx, fn inner -> play(inner, statement["nested"]) end))
  rescue
    error in Scope -> unless statement["swallow"], do: reraise(error, __STACKTRACE__)
  end

  # ---- consumers and workers

  defp concurrency(%{"max_concurrency" => n}), do: [concurrency: n]
  defp concurrency(_), do: []

  defp start(state, name, script, begun) do
    :ets.insert(state, [{{:script, name}, script.store}, {{:started, name}, Client.bang(begun)}])
    nil
  end

  defp script(state, name), do: value(state, {:script, name})
  defp taken(state, name), do: with([{_, one}] <- :ets.take(state, {:started, name}), do: one)

  defp kill(state, name) do
    :ets.insert(script(state, name), {:dead, true})
    kill(taken(state, name))
  end

  defp kill({:consumer, _, _, _} = one), do: Messaging.kill(one) && nil
  defp kill({:worker, _, _, _} = one), do: Tasks.kill(one) && nil

  defp handling("max_in_flight", args, state), do: Store.count(script(state, args["consumer"] || args["worker"]), :most, 0)

  # The stops go on beside what comes next, in a process of their own.
  defp handling("shutdown_begin", args, state) do
    all = for {{:started, name}, one} <- :ets.tab2list(state), do: :ets.delete(state, {:started, name}) && one
    {scope, _} = Spikard.Scope.here!("shutdown")
    results = Store.new()

    for one <- all do
      spawn(fn ->
        Spikard.Scope.enter(scope)
        module = if elem(one, 0) == :consumer, do: Messaging, else: Tasks
        Store.add(results, :stopped, Client.bang(module.stop(one, timeout_ms: args["drain_timeout_ms"])))
        for [pid] <- :ets.match(results, {{:waiter, :_}, :"$1"}), do: send(pid, :stopped)
      end)
    end

    :ets.insert(state, {:stopping, {results, length(all)}})
    nil
  end

  defp handling("shutdown_wait", _, state) do
    {results, count} = value(state, :stopping)
    Store.add(results, :waiter, self())
    all = stopped(results, count)
    %{"drained" => Enum.all?(all, & &1.drained), "unfinished" => all |> Enum.map(& &1.unfinished) |> Enum.sum()}
  end

  defp handling(op, _, _), do: missing(op)

  defp stopped(results, count) do
    all = Store.all(results, :stopped)
    if length(all) == count, do: all, else: receive(do: (:stopped -> stopped(results, count)))
  end

  defp scheduler(tasks, state, instance) do
    if :ets.insert_new(state, {{:scheduler, instance}, true}), do: Tasks.start_scheduler!(tasks, name: instance)
    nil
  end

  defp instant(nil), do: nil
  defp instant(ms) when is_integer(ms), do: ms |> DateTime.from_unix!(:millisecond) |> DateTime.to_iso8601() |> String.replace(".000Z", "Z")
  defp instant(text), do: String.replace(text, ".000Z", "Z")
end
