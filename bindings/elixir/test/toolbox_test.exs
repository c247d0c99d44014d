defmodule Spikard.ToolboxTest do
  use ExUnit.Case
  alias Spikard.{Cache, Database, Messaging, Storage, Test, Transaction}

  defp virtual(app), do: Test.start_virtual(Spikard.config(app, %{log: %{level: "off"}, http: nil}))

  test "a client's errors: tuples and exceptions" do
    test = virtual(Spikard.new("t"))
    assert {:error, %Spikard.Error{kind: :not_found}} = Test.run(test, fn -> Storage.read(Storage.client(), "nothing") end)
    assert_raise Spikard.Error, fn -> Test.run(test, fn -> Storage.read!(Storage.client(), "nothing") end) end
    assert_raise ArgumentError, fn -> Test.run(test, fn -> Cache.get(Cache.client(), "k", nothing: 1) end) end
    Test.stop(test)
  end

  test "time is the virtual clock's" do
    test = virtual(Spikard.new("t"))
    cache = Cache.client()
    Test.run(test, fn -> Cache.set!(cache, "k", "v", ttl_ms: 60_000) end)
    assert Test.run(test, fn -> Cache.get!(cache, "k") end) == "v"
    Test.advance(test, 60_000)
    assert Test.run(test, fn -> Cache.get!(cache, "k") end) == nil
    Test.stop(test)
  end

  test "streams into and out of storage, and one that is left" do
    test = virtual(Spikard.new("t"))
    data = :binary.copy("abcdefgh", 100_000)

    Test.run(test, fn ->
      storage = Storage.client()
      Storage.write_stream!(storage, "big", for(<<part::binary-size(50_000) <- data>>, do: part))
      assert storage |> Storage.read_stream("big") |> Enum.join() == data
      assert storage |> Storage.read_stream("big") |> Enum.take(1) |> hd() |> byte_size() > 0
      assert_raise RuntimeError, fn -> Storage.write_stream!(storage, "no", Stream.map(1..3, fn n -> if n == 3, do: raise("no"), else: "x" end)) end
      refute Storage.exists!(storage, "no")
    end)

    Test.stop(test)
  end

  test "a transaction is all or nothing" do
    test = virtual(Spikard.new("t"))

    Test.run(test, fn ->
      db = Database.client()
      Database.execute!(db, "CREATE TABLE t (n INTEGER)")
      assert {:ok, 3} = Database.transaction(db, fn tx -> Database.execute!(tx, "INSERT INTO t VALUES (1), (2), (3)") end)
      assert_raise RuntimeError, fn -> Database.transaction(db, fn tx -> Database.execute!(tx, "DELETE FROM t") && raise("no") end) end
      assert {:error, :no} = Database.transaction(db, fn tx -> Database.execute!(tx, "DELETE FROM t") && {:error, :no} end)

      Database.transaction!(db, fn tx ->
        assert {:error, :inner} = Transaction.savepoint(tx, fn tx -> Database.execute!(tx, "DELETE FROM t") && {:error, :inner} end)
        :ok
      end)

      assert Database.first!(db, "SELECT n FROM t WHERE n = ?", params: [9]) == nil
      Database.execute!(db, "CREATE TABLE u (z TIMESTAMP, a TEXT, b BLOB)")
      Database.execute!(db, "INSERT INTO u VALUES (?, ?, ?)", params: [~U[2026-01-02 03:04:05Z], "text", {:bytes, <<1, 255>>}])
      assert %{"z" => ~U[2026-01-02 03:04:05Z], "a" => "text", "b" => <<1, 255>>} = Database.first!(db, "SELECT * FROM u")
      assert Enum.map(Database.iterate(db, "SELECT n FROM t ORDER BY n", at_once: 2), & &1["n"]) == [1, 2, 3]
    end)

    Test.stop(test)
  end

  test "consumers, tasks, schedules" do
    me = self()

    mail =
      Spikard.Task.new("mail", fn args, run -> send(me, {:mail, args["to"], run.attempt}) && if(run.attempt == 1, do: {:error, :later}, else: {:ok, "sent"}) end)

    tick = Spikard.Task.new("tick", fn _ -> send(me, :tick) && :ok end)

    app =
      Spikard.new("t")
      |> Spikard.consumer("orders", fn message ->
        send(me, {:message, message.json, message.delivery_count}) && if(message.delivery_count == 1, do: :nack, else: :ok)
      end)
      |> Spikard.task(mail)
      |> Spikard.task(tick)
      |> Spikard.schedule("0 * * * *", tick)

    test = virtual(app)
    Test.run(test, fn -> Messaging.publish!(Messaging.client(), "orders", %{id: 1}) end)
    assert_received {:message, %{"id" => 1}, 1}
    Test.advance(test, 60_000)
    assert_received {:message, %{"id" => 1}, 2}
    Test.run(test, fn -> Spikard.Task.enqueue!(mail, %{to: "ann"}) end)
    assert_received {:mail, "ann", 1}
    Test.advance(test, 120_000)
    assert_received {:mail, "ann", 2}
    Test.advance(test, 3 * 3_600_000)
    for _ <- 1..3, do: assert_received(:tick)
    Test.stop(test)
  end
end
