# The orders service: ../orders/API.md is its interface, docs/guide/orders.md its story.
defmodule Orders.Item do
  use Spikard.Schema

  schema closed: true do
    field :sku, :string, pattern: "^[A-Z]{3}-[0-9]{4}$"
    field :quantity, :integer, minimum: 1, maximum: 1000
    field :price, :float, minimum: 0
  end
end

defmodule Orders.New do
  use Spikard.Schema

  schema closed: true do
    field :customer, :string, min_length: 1, max_length: 100
    embeds_many(:items, Orders.Item, min_items: 1, max_items: 50)
    field :note, :string, nullable: true, max_length: 500, required: false
  end
end

defmodule Orders do
  use Spikard.Router, name: "orders", config: %{http: %{limits: %{body_bytes: 100 * 1024 * 1024}}}
  alias Spikard.{Cache, CloudEvent, CloudEvents, Database, JSON, Problem, Request, Storage, Task, Transaction}

  # One file for rows, messages and tasks, so that a transaction holds all three; a folder for objects.
  @file_url "sqlite:data/orders.db"
  @migrations Path.expand("../orders/migrations", __DIR__)
  @statuses ~w(new confirmed shipped cancelled)
  # A map and no struct: what was not sent is not the same as null.
  @patch %{
    type: "object",
    properties: %{status: %{enum: @statuses}, note: %{type: ["string", "null"], maxLength: 500}},
    additionalProperties: false
  }
  @columns "id, customer, status, items, note, total, attachment"

  post "/orders", :create, body: Orders.New

  get "/orders", :list,
    query: [
      status: {%{enum: ~w(new confirmed shipped cancelled)}, required: false},
      limit: {:integer, minimum: 1, maximum: 100, default: 20},
      offset: {:integer, minimum: 0, default: 0}
    ]

  get "/orders/feed", :feed
  get "/orders/{id:int}", :read
  patch "/orders/{id:int}", :change, body: Orders.patch()
  put "/orders/{id:int}/attachment", :attach, stream: true
  get "/orders/{id:int}/invoice", :invoice_url
  get "/customers/{name}", :customer
  consume "orders.created", :count_customer, group: "customers", start_from: "earliest", dead_letter: "orders.dead"
  event "com.example.shipment.sent", :shipped

  def init(app) do
    app
    |> Spikard.service(:db, url: @file_url, migrations: @migrations, migrate_on_start: true)
    |> Spikard.service(:messaging, url: @file_url)
    |> Spikard.service(:tasks, url: @file_url)
    |> Spikard.service(:storage, url: "file:data/objects")
    |> Spikard.service(:cache, url: "memory:")
    |> Spikard.task(invoice())
    |> Spikard.task(report())
    |> Spikard.schedule("0 3 * * *", report(), name: "nightly")
    |> Spikard.on_start(fn -> :pg.start(__MODULE__) end)
    |> tell_others(System.get_env("ORDERS_EVENTS_URL"))
  end

  # `orders.confirmed` goes to whoever listens there, as a CloudEvent.
  defp tell_others(app, url) when url in [nil, ""], do: app

  defp tell_others(app, url) do
    send = fn %{json: order} ->
      event = %CloudEvent{
        type: "com.example.order.confirmed",
        source: "/orders",
        id: "order-#{order["id"]}-confirmed",
        subject: "orders/#{order["id"]}",
        data: order
      }

      CloudEvents.send!(CloudEvents.client(), event)
    end

    app
    |> Spikard.service(:events, url: url, source: "/orders")
    |> Spikard.consumer("orders.confirmed", send, group: "events", dead_letter: "orders.dead")
  end

  def patch, do: @patch
  defp db, do: Database.client()
  defp files, do: Storage.client()
  defp none(id), do: Problem.new(status: 404, detail: "No order #{id}")

  # ---- the orders in SQL

  defp find(on, id), do: Database.first!(on, "SELECT #{@columns} FROM orders WHERE id = ?", params: [id])

  # By the cache: of many who ask at once one loads.
  defp cached(id) do
    load = fn -> with(%{} = order <- find(db(), id), do: JSON.encode!(order)) end
    with text when is_binary(text) <- Cache.get_or_load!(Cache.client(), "order:#{id}", load, ttl_ms: 600_000), do: JSON.decode!(text)
  end

  # What every change does, in its transaction: the row, a message that says so, and the order out of the cache.
  defp save(tx, topic, order) do
    params = [order["status"], order["note"], order["attachment"], order["id"]]
    Database.execute!(tx, "UPDATE orders SET status = ?, note = ?, attachment = ? WHERE id = ?", params: params)
    {:ok, _} = Transaction.publish(tx, topic, order, key: to_string(order["id"]))
    :ok = Transaction.invalidate(tx, "order:#{order["id"]}")
    order
  end

  # ---- HTTP

  # The row, the message and the task are one transaction: all of them, or none.
  def create(%{body: new}) do
    total = floor(Enum.reduce(new.items, 0, &(&2 + &1.quantity * &1.price)) * 100 + 0.5) / 100

    order =
      Database.transaction!(db(), fn tx ->
        sql = "INSERT INTO orders (customer, items, note, total, placed_at) VALUES (?, ?, ?, ?, CURRENT_TIMESTAMP) RETURNING #{@columns}"
        order = Database.first!(tx, sql, params: [new.customer, new.items, new.note, total])
        {:ok, _} = Transaction.publish(tx, "orders.created", order, key: to_string(order["id"]))
        {:ok, _} = Transaction.enqueue(tx, invoice(), order["id"])
        order
      end)

    tell("created", order)
    Spikard.json(order, status: 201, headers: [location: "/orders/#{order["id"]}"])
  end

  def list(%{query: %{status: status, limit: limit, offset: offset}}) do
    which = "WHERE ($1 IS NULL OR status = $1)"
    orders = Database.query!(db(), "SELECT #{@columns} FROM orders #{which} ORDER BY id LIMIT $2 OFFSET $3", params: [status, limit, offset]).rows
    %{orders: orders, total: Database.first!(db(), "SELECT count(*) AS n FROM orders #{which}", params: [status])["n"]}
  end

  def read(%{path: %{id: id}}), do: cached(id) || none(id)

  def change(%{path: %{id: id}, body: body}) do
    order =
      Database.transaction!(db(), fn tx ->
        order = find(tx, id) || raise(none(id))
        if order["status"] in ~w(shipped cancelled), do: raise(Problem, status: 409, detail: "Order #{id} is #{order["status"]}")
        save(tx, "orders.updated", Map.merge(order, body))
      end)

    tell("updated", order)
    order
  end

  # Streamed into the store; nothing of it is seen before all of it is there.
  def attach(%{path: %{id: id}} = request) do
    cached(id) || raise(none(id))
    Process.put(:digest, {0, :crypto.hash_init(:sha256)})

    chunks =
      Stream.each(Request.stream(request), fn chunk ->
        {size, state} = Process.get(:digest)
        Process.put(:digest, {size + byte_size(chunk), :crypto.hash_update(state, chunk)})
      end)

    Storage.write_stream!(files(), "attachments/#{id}", chunks)
    {size, state} = Process.get(:digest)
    attachment = %{"size" => size, "sha256" => state |> :crypto.hash_final() |> Base.encode16(case: :lower)}

    order =
      Database.transaction!(db(), fn tx ->
        order = find(tx, id) || raise(none(id))
        save(tx, "orders.updated", %{order | "attachment" => attachment})
      end)

    tell("attached", order)
    Map.put(attachment, "order", id)
  end

  # A link that works for fifteen minutes without any credentials.
  def invoice_url(%{path: %{id: id}}) do
    unless Storage.exists!(files(), invoice_key(id)), do: raise(Problem, status: 404, detail: "No invoice for order #{id} yet")
    %{url: Storage.presign!(files(), "GET", invoice_key(id), expires_s: 900).url}
  end

  def customer(%{path: %{name: name}}) do
    Database.first!(db(), "SELECT name, orders, spent FROM customers WHERE name = ?", params: [name]) || Problem.new(status: 404, detail: "No customer #{name}")
  end

  # To everyone who follows the feed.
  defp tell(change, order) do
    event = "event: order\ndata: #{JSON.encode!(%{change: change, order: order})}\n\n"
    for pid <- :pg.get_members(__MODULE__, :feed), do: send(pid, {:order, event})
  end

  # Listening begins here, before the client hears that it is connected. The process ends with the client.
  def feed(_) do
    :pg.join(__MODULE__, :feed, self())

    events =
      Stream.resource(
        fn -> if(Spikard.stopping?(), do: :over, else: :open) end,
        fn
          :over ->
            {:halt, :over}

          :open ->
            receive do
              {:order, event} -> {[event], :open}
              :spikard_stopping -> {["retry: 1000\n\n"], :over}
              {:spikard_cancel, _, _} -> {:halt, :over}
            end
        end,
        fn _ -> :pg.leave(__MODULE__, :feed, self()) end
      )

    Spikard.stream(Stream.concat([": connected\n\n"], events), media_type: "text/event-stream", headers: [cache_control: "no-cache"])
  end

  # ---- what follows from an order, after the answer

  # Who has ordered what. The inbox makes it once, however often the message comes.
  def count_customer(%{json: order}) do
    Database.transaction!(db(), fn tx ->
      if Transaction.inbox!(tx, "customers", to_string(order["id"])) do
        sql =
          "INSERT INTO customers (name, orders, spent) VALUES ($1, 1, $2) ON CONFLICT (name) DO UPDATE SET orders = customers.orders + 1, spent = customers.spent + excluded.spent"

        Database.execute!(tx, sql, params: [order["customer"], order["total"]])
      end

      :ok
    end)
  end

  # Renders the invoice, then confirms the order. Run twice it does the same again.
  def invoice, do: Task.new("invoice", &render_invoice/1)

  defp render_invoice(id) do
    order = cached(id) || raise("no order #{id}")
    key = invoice_key(id)
    Storage.write!(files(), key, render(order), content_type: "text/html; charset=utf-8", cache_control: "private, max-age=3600")

    confirmed =
      Database.transaction!(db(), fn tx ->
        with(%{"status" => "new"} = order <- find(tx, id), do: save(tx, "orders.confirmed", %{order | "status" => "confirmed"}), else: (_ -> nil))
      end)

    if confirmed do
      tell("confirmed", confirmed)
      Spikard.log(:info, "the invoice was rendered", %{"order.id" => id, "order.invoice" => key})
    end

    {:ok, key}
  end

  defp invoice_key(id), do: "invoices/#{id}.html"
  defp escape(text), do: String.replace(text, ["&", "<", ">", "\"", "'"], fn <<c>> -> "&##{c};" end)
  defp money(n), do: :erlang.float_to_binary(n / 1, decimals: 2)

  defp render(order) do
    title = "Invoice #{order["id"]}"
    rows = for item <- order["items"], do: "<tr><td>#{escape(item["sku"])}</td><td>#{item["quantity"]}</td><td>#{money(item["price"])}</td></tr>\n"

    """
    <!doctype html><meta charset="utf-8"><title>#{title}</title>
    <h1>#{title}</h1>
    <p>#{escape(order["customer"])}</p>
    <table>
    #{rows}</table>
    <p>Total: #{money(order["total"])}</p>
    """
  end

  # Every night: what was sold, by customer, as an object of its own.
  def report, do: Task.new("report", &render_report/2)

  defp render_report(_, run) do
    rows = Database.query!(db(), "SELECT name, orders, spent FROM customers ORDER BY spent DESC, name").rows
    key = "reports/#{DateTime.to_date(run.scheduled_at || DateTime.utc_now())}.json"
    Storage.write!(files(), key, JSON.encode!(rows), content_type: "application/json")
    {:ok, key}
  end

  # Expected {"order": id}: anything else comes to nothing, however often it is sent.
  def shipped(%{data: %{"order" => id}}) when is_integer(id) do
    order =
      Database.transaction!(db(), fn tx ->
        case find(tx, id) do
          order when order == nil or :erlang.map_get("status", order) == "shipped" -> nil
          order -> save(tx, "orders.updated", %{order | "status" => "shipped"})
        end
      end)

    if order, do: tell("updated", order)
    :ok
  end

  def shipped(_), do: {:nack, requeue: false}
end
