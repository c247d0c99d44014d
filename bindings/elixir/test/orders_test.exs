Code.require_file("../../../examples/orders_elixir/orders.ex", __DIR__)

defmodule OrdersTest do
  # examples/orders_elixir, by its interface (examples/orders/API.md): everything in memory, on a virtual clock.
  use ExUnit.Case
  alias Spikard.{JSON, Storage, Test}

  @ada %{customer: "Ada", items: [%{sku: "ABC-0001", quantity: 2, price: 9.5}]}
  @event [{"ce-specversion", "1.0"}, {"ce-type", "com.example.shipment.sent"}, {"ce-source", "/warehouse"}]

  setup do
    test = Orders.app() |> Spikard.config(%{log: %{level: "off"}}) |> Test.start_virtual()
    on_exit(fn -> if Process.alive?(test.server), do: Test.stop(test, force: true) end)
    %{app: test}
  end

  defp send_to(test, method, path, json \\ nil, headers \\ []) do
    {status, lines, body} = Test.request(test, method, path, [headers: headers] ++ if(method == :get, do: [], else: [json: json]))
    {status, if(Enum.any?(lines, fn {name, value} -> name == "content-type" and value =~ "json" end), do: JSON.decode!(body), else: body)}
  end

  test "create, read, list, patch", %{app: test} do
    order = %{
      "id" => 1,
      "customer" => "Ada",
      "status" => "new",
      "items" => [%{"sku" => "ABC-0001", "quantity" => 2, "price" => 9.5}],
      "note" => nil,
      "total" => 19.0,
      "attachment" => nil
    }

    assert {201, made} = send_to(test, :post, "/orders", @ada)
    assert made == order
    Test.settle(test)
    assert {200, %{"status" => "confirmed"}} = send_to(test, :get, "/orders/1")
    send_to(test, :post, "/orders", @ada)
    Test.settle(test)
    assert {200, %{"total" => 2, "orders" => [%{"id" => 1}]}} = send_to(test, :get, "/orders?limit=1")
    assert {200, %{"orders" => [%{"id" => 2}]}} = send_to(test, :get, "/orders?offset=1")
    assert {200, %{"total" => 0, "orders" => []}} = send_to(test, :get, "/orders?status=shipped")
    assert {422, _} = send_to(test, :get, "/orders?status=lost")
    assert {200, %{"note" => "ring twice"}} = send_to(test, :patch, "/orders/2", %{note: "ring twice"})
    assert {200, %{"note" => "ring twice", "status" => "shipped"}} = send_to(test, :patch, "/orders/2", %{status: "shipped"})
    assert {409, %{"detail" => "Order 2 is shipped"}} = send_to(test, :patch, "/orders/2", %{note: nil})
    assert {200, %{"note" => "x"}} = send_to(test, :patch, "/orders/1", %{note: "x"})
    assert {200, %{"note" => nil}} = send_to(test, :patch, "/orders/1", %{note: nil})
    assert {404, %{"detail" => "No order 7", "type" => "https://spikard.dev/problems/not-found"}} = send_to(test, :get, "/orders/7")
    assert {404, _} = send_to(test, :patch, "/orders/7", %{})
    assert {422, _} = send_to(test, :post, "/orders", Map.put(@ada, :extra, 1))
  end

  test "an order is counted and invoiced after the answer", %{app: test} do
    assert {404, _} = send_to(test, :get, "/orders/1/invoice")
    for _ <- 1..2, do: send_to(test, :post, "/orders", @ada)
    Test.settle(test)
    assert send_to(test, :get, "/customers/Ada") == {200, %{"name" => "Ada", "orders" => 2, "spent" => 38.0}}
    assert {404, %{"detail" => "No customer Bob"}} = send_to(test, :get, "/customers/Bob")
    {200, %{"url" => url}} = send_to(test, :get, "/orders/1/invoice")
    assert {200, text} = send_to(test, :get, url)
    assert text =~ "<p>Total: 19.00</p>"
    assert {403, _} = send_to(test, :get, url <> "0")
    Test.advance(test, 16 * 60_000)
    assert {403, _} = send_to(test, :get, url)
  end

  test "an attachment is streamed into the store", %{app: test} do
    data = String.duplicate("attachment", 100_000)
    sha256 = :crypto.hash(:sha256, data) |> Base.encode16(case: :lower)
    assert {404, _, _} = Test.request(test, :put, "/orders/1/attachment", body: data)
    send_to(test, :post, "/orders", @ada)
    assert {200, _, body} = Test.request(test, :put, "/orders/1/attachment", body: data)
    assert JSON.decode!(body) == %{"order" => 1, "size" => byte_size(data), "sha256" => sha256}
    assert Test.run(test, fn -> Storage.read!(Storage.client(), "attachments/1").data end) == data
  end

  test "shipments and the nightly report", %{app: test} do
    send_to(test, :post, "/orders", @ada)
    Test.settle(test)
    assert {204, _} = send_to(test, :post, "/events", %{order: 1}, [{"ce-id", "s-1"} | @event])
    assert {200, %{"status" => "shipped"}} = send_to(test, :get, "/orders/1")
    for wrong <- [%{order: "x"}, %{}, nil], do: assert({400, _} = send_to(test, :post, "/events", wrong, [{"ce-id", "s-2"} | @event]))
    Test.advance(test, 24 * 3_600_000)
    report = Test.run(test, fn -> Storage.read!(Storage.client(), "reports/2026-01-01.json").data end)
    assert JSON.decode!(report) == [%{"name" => "Ada", "orders" => 1, "spent" => 19}]
  end

  test "the feed tells every change, and ends with the application", %{app: test} do
    {:ok, socket} = :gen_tcp.connect({127, 0, 0, 1}, test.port, [:binary, active: false])
    :ok = :gen_tcp.send(socket, "GET /orders/feed HTTP/1.1\r\nhost: a\r\n\r\n")
    text = until(socket, ": connected", "")
    send_to(test, :post, "/orders", @ada)
    text = until(socket, "\"change\":\"created\"", text)
    text = until(socket, "\"change\":\"confirmed\"", text)
    stopping = Task.async(fn -> Test.stop(test) end)
    until(socket, "retry: 1000", text)
    assert Task.await(stopping)["exit_code"] == 0
  end

  defp until(socket, part, text) do
    if String.contains?(text, part) do
      text
    else
      {:ok, more} = :gen_tcp.recv(socket, 0, 20_000)
      until(socket, part, text <> more)
    end
  end
end
