defmodule Spikard.HTTPTest do
  use ExUnit.Case
  alias Spikard.Test

  defmodule Item do
    use Spikard.Schema

    schema do
      field :name, :string, min_length: 1
      field :count, :integer, minimum: 1, default: 1
      field :state, {:enum, [:new, :sold]}, default: :new
    end
  end

  defmodule Shop do
    use Spikard.Router, name: "shop"
    hook :on_request, :who
    get "/items/:id", :show, path: [id: :integer]
    post "/items", :create, body: Item, status: 201

    def who(request), do: Spikard.Request.assign(request, :who, "ann")
    def show(request), do: %{id: request.path.id, who: request.context["who"]}
    def create(%{body: %Item{} = item}), do: %{item | count: item.count + 1}
  end

  defp app, do: Spikard.new("test", config: %{log: %{level: "off"}, http: %{health: %{enabled: false}}})

  defp serve(app) do
    test = Test.start(app)
    on_exit(fn -> if Process.alive?(test.server), do: Test.stop(test, force: true) end)
    test
  end

  defp raw(test, text) do
    {:ok, socket} = :gen_tcp.connect({127, 0, 0, 1}, test.port, [:binary, active: false])
    :ok = :gen_tcp.send(socket, text)
    socket
  end

  test "a router: typed parameters, hooks, structs as bodies" do
    test = serve(Spikard.config(Shop.app(), %{log: %{level: "off"}}))
    assert {200, _, body} = Test.request(test, :get, "/items/7")
    assert Spikard.JSON.decode!(body) == %{"id" => 7, "who" => "ann"}
    assert {201, _, body} = Test.request(test, :post, "/items", json: %{name: "a", count: 2})
    assert Spikard.JSON.decode!(body) == %{"name" => "a", "count" => 3, "state" => "new"}
    assert {422, _, body} = Test.request(test, :post, "/items", json: %{name: "", count: 0})
    assert length(Spikard.JSON.decode!(body)["errors"]) == 2
  end

  test "an exception is a problem that says nothing, a problem says what it is" do
    test =
      serve(
        app()
        |> Spikard.get("/raise", fn _ -> raise "a secret" end)
        |> Spikard.get("/exit", fn _ -> exit(:secret) end)
        |> Spikard.get("/problem", fn _ -> raise Spikard.Problem, status: 409, detail: "taken" end)
      )

    for path <- ["/raise", "/exit"] do
      assert {500, headers, body} = Test.request(test, :get, path)
      assert {"content-type", "application/problem+json"} in headers
      refute body =~ "secret"
    end

    assert {409, _, body} = Test.request(test, :get, "/problem")
    assert %{"detail" => "taken", "title" => "Conflict"} = Spikard.JSON.decode!(body)
  end

  test "a process that is killed answers 500" do
    test = serve(app() |> Spikard.get("/killed", fn _ -> Process.exit(self(), :kill) end))
    assert {500, _, _} = Test.request(test, :get, "/killed")
  end

  test "handlers run beside each other: the later may end first" do
    me = self()

    test =
      serve(
        app()
        |> Spikard.get("/wait", fn _ ->
          send(me, {:waits, self()})
          receive(do: (:go -> %{late: true}))
        end)
        |> Spikard.get("/now", fn _ -> %{now: true} end)
      )

    slow = Task.async(fn -> Test.request(test, :get, "/wait") end)
    assert_receive {:waits, pid}, 5000
    assert {200, _, _} = Test.request(test, :get, "/now")
    send(pid, :go)
    assert {200, _, _} = Task.await(slow)
  end

  test "a client that goes cancels its handler" do
    me = self()

    handler = fn _ ->
      send(me, :began)

      try do
        Spikard.sleep(60_000)
      rescue
        error in Spikard.CancelledError -> send(me, {:cancelled, error.reason}) && reraise(error, __STACKTRACE__)
      end
    end

    test = serve(Spikard.get(app(), "/long", handler))
    socket = raw(test, "GET /long HTTP/1.1\r\nhost: a\r\n\r\n")
    assert_receive :began, 5000
    :gen_tcp.close(socket)
    assert_receive {:cancelled, :client_gone}, 5000
  end

  test "with cancel: :exit the process is ended" do
    me = self()

    test =
      serve(
        Spikard.get(
          app(),
          "/long",
          fn _ ->
            send(me, {:began, self()})
            Process.sleep(:infinity)
          end,
          cancel: :exit
        )
      )

    socket = raw(test, "GET /long HTTP/1.1\r\nhost: a\r\n\r\n")
    assert_receive {:began, pid}, 5000
    monitor = Process.monitor(pid)
    :gen_tcp.close(socket)
    assert_receive {:DOWN, ^monitor, :process, ^pid, {:spikard, :client_gone}}, 5000
  end

  test "a drain answers what it has begun" do
    me = self()

    test =
      serve(
        Spikard.get(app(), "/slow", fn _ ->
          send(me, {:began, self()})
          receive(do: (:go -> %{ok: true}))
        end)
      )

    asked = for _ <- 1..20, do: Task.async(fn -> Test.request(test, :get, "/slow") end)

    pids =
      for _ <- asked,
          do:
            (
              assert_receive({:began, pid}, 5000)
              pid
            )

    stopping = Task.async(fn -> Test.stop(test) end)
    for pid <- pids, do: send(pid, :go)
    assert Enum.all?(Task.await_many(asked), &match?({200, _, _}, &1))
    report = Task.await(stopping)
    assert report["components"]["http"] == %{"finished" => 20, "handed_back" => 0, "abandoned" => 0} or report["components"]["http"]["abandoned"] == 0
    assert report["exit_code"] == 0
  end

  test "bodies stream both ways" do
    test = serve(app() |> Spikard.post("/echo", fn request -> Spikard.stream(Spikard.Request.stream(request), media_type: "text/plain") end, stream: true))
    data = String.duplicate("0123456789", 50_000)
    assert {200, _, ^data} = Test.request(test, :post, "/echo", body: data, content_type: "text/plain")
  end

  test "dependencies are made and disposed of, jobs run after the answer" do
    me = self()
    app = app() |> Spikard.factory(:db, fn -> send(me, :open) && %{n: 1} end, scope: :request, dispose: fn value -> send(me, {:close, value}) end)
    test = serve(Spikard.get(app, "/", fn request -> Spikard.background(fn -> send(me, :job) end) && request.deps.db end, inject: [:db]))
    assert {200, _, ~s({"n":1})} = Test.request(test, :get, "/")
    assert_receive :open, 5000
    assert_receive {:close, %{n: 1}}, 5000
    assert_receive :job, 5000
  end

  test "below a supervisor" do
    me = self()
    app = app() |> Spikard.get("/", fn _ -> %{ok: 1} end) |> Spikard.on_stop(fn -> send(me, :stopped) end)
    {:ok, supervisor} = Supervisor.start_link([{Spikard, app: app, port: 0, name: :shop, configured: false}], strategy: :one_for_one)
    assert [_ | _] = Spikard.info(:shop)["addresses"]
    Supervisor.stop(supervisor)
    assert_receive :stopped, 5000
  end

  test "an application that is wrong is refused" do
    assert_raise Spikard.ConfigError, fn -> Test.start(app() |> Spikard.get("/x", fn _ -> 1 end, inject: [:nothing])) end
  end
end
