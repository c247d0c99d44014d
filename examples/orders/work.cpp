// What follows from an order, after the answer: a projection, an invoice, a report every night, events in and out.
#include <cstdlib>
#include <ctime>

#include "orders.hpp"

using namespace spikard;

namespace orders {
namespace {

/// `orders.created` → who has ordered what. The inbox makes it once, however often the message comes.
Task<Result<void>> count_customer(Order order, Message& message) {
  auto write = [&](db::Transaction& tx) -> Task<Result<void>> {
    Result<bool> fresh = co_await tx.inbox("customers", std::to_string(order.id));
    if (!fresh.ok()) co_return std::move(fresh).error();
    if (!*fresh) co_return Result<void>();
    Json params = json_list(order.customer, order.total);
    Result<std::uint64_t> done = co_await tx.execute(
        message,
        "INSERT INTO customers (name, orders, spent) VALUES ($1, 1, $2) "
        "ON CONFLICT (name) DO UPDATE SET orders = customers.orders + 1, spent = customers.spent + excluded.spent",
        std::move(params));
    if (!done.ok()) co_return std::move(done).error();
    co_return Result<void>();
  };
  co_return co_await message.db().transaction(message, std::move(write));
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#x27;"; break;
      default: out.push_back(c);
    }
  }
  return out;
}

std::string money(double amount) {
  char text[64];
  std::snprintf(text, sizeof text, "%.2f", amount);
  return text;
}

std::string render(const Order& order) {
  std::string html = "<!doctype html><meta charset=\"utf-8\"><title>Invoice " + std::to_string(order.id) +
                     "</title>\n<h1>Invoice " + std::to_string(order.id) + "</h1>\n<p>" + escaped(order.customer) +
                     "</p>\n<table>\n";
  for (const Item& item : order.items) {
    html += "<tr><td>" + escaped(item.sku) + "</td><td>" + std::to_string(item.quantity) + "</td><td>" + money(item.price) +
            "</td></tr>\n";
  }
  return html + "</table>\n<p>Total: " + money(order.total) + "</p>\n";
}

/// Renders the invoice, then confirms the order. Run twice it does the same again.
Task<Result<std::string>> invoice(InvoiceArgs args, TaskRun& run, std::shared_ptr<Feed> feed) {
  using R = Result<std::string>;
  const std::string key = invoice_key(args.order);
  Result<std::optional<Order>> found = co_await find(run.cache(), run.db(), run, args.order);
  if (!found.ok()) co_return R(std::move(found).error());
  if (!*found) co_return R(Error(ErrorKind::not_found, "no order " + std::to_string(args.order)));
  storage::WriteOptions options;
  options.content_type = "text/html; charset=utf-8";
  options.cache_control = "private, max-age=3600";
  Result<storage::ObjectInfo> written = co_await run.storage().write(run, key, render(**found), std::move(options));
  if (!written.ok()) co_return R(std::move(written).error());
  std::optional<Order> confirmed;
  auto confirm = [&](db::Transaction& tx) -> Task<Result<void>> {
    Result<std::optional<Order>> order = co_await find(tx, run, args.order);
    if (!order.ok()) co_return std::move(order).error();
    if (!*order || (*order)->status != Status::new_) co_return Result<void>();
    (*order)->status = Status::confirmed;
    Result<void> updated = co_await update(tx, run, **order);
    if (!updated.ok()) co_return updated;
    confirmed = **order;
    co_return co_await announce(run.messaging(), run, tx, "confirmed", **order);
  };
  Result<void> done = co_await run.db().transaction(run, std::move(confirm));
  if (!done.ok()) co_return R(std::move(done).error());
  if (confirmed) {
    (void)co_await run.cache().remove(run, cache_key(args.order));
    feed->tell("confirmed", *confirmed);
    run.log(log::Level::info, "the invoice was rendered", {{"order.id", args.order}, {"order.invoice", key}});
  }
  co_return R(key);
}

/// `orders.confirmed` → a CloudEvent for whoever listens at $ORDERS_EVENTS_URL.
Task<Result<void>> tell_others(Order order, Message& message) {
  Event event("com.example.order.confirmed", "", "order-" + std::to_string(order.id) + "-confirmed");
  event.subject = "orders/" + std::to_string(order.id);
  const Json data = to_document(order);
  event.set_json(data.root());
  Result<app::EventSent> sent = co_await message.events().send(message, std::move(event));
  if (!sent.ok()) co_return std::move(sent).error();
  co_return Result<void>();
}

/// `com.example.shipment.sent` → the order is shipped.
Task<Result<EventOutcome>> shipped(const Event& event, EventWork& work, std::shared_ptr<Feed> feed) {
  using R = Result<EventOutcome>;
  if (!event.data || event.data->kind() != cloudevents::Data::Kind::json || !event.data->value().is_object() ||
      !event.data->value().find("order").is(NodeType::integer))
    co_return R(EventOutcome::nack(false, "expected data {\"order\": id}"));
  const std::int64_t id = event.data->value().find("order").as_int();
  std::optional<Order> changed;
  auto write = [&](db::Transaction& tx) -> Task<Result<void>> {
    Result<std::optional<Order>> order = co_await find(tx, work, id);
    if (!order.ok()) co_return std::move(order).error();
    if (!*order || (*order)->status == Status::shipped) co_return Result<void>();
    (*order)->status = Status::shipped;
    Result<void> updated = co_await update(tx, work, **order);
    if (!updated.ok()) co_return updated;
    changed = **order;
    co_return co_await announce(work.messaging(), work, tx, "updated", **order);
  };
  Result<void> done = co_await work.db().transaction(work, std::move(write));
  if (!done.ok()) co_return R(std::move(done).error());
  if (changed) {
    (void)co_await work.cache().remove(work, cache_key(id));
    feed->tell("updated", *changed);
  }
  co_return R(EventOutcome::ack());
}

/// Every night: what was sold, by customer, as an object of its own.
Task<Result<std::string>> report(TaskRun& run) {
  using R = Result<std::string>;
  Result<db::Rows> rows = co_await run.db().query(run, "SELECT name, orders, spent FROM customers ORDER BY spent DESC, name");
  if (!rows.ok()) co_return R(std::move(rows).error());
  const WallTime night = run.scheduled_at().value_or(run.loop().clock().wall());  // of which it tells, however late it runs
  const auto seconds = static_cast<std::time_t>(std::chrono::floor<std::chrono::seconds>(night.time_since_epoch()).count());
  std::tm day{};
  gmtime_r(&seconds, &day);
  char key[32];
  std::strftime(key, sizeof key, "reports/%Y-%m-%d.json", &day);
  storage::WriteOptions options;
  options.content_type = "application/json";
  Result<storage::ObjectInfo> written =
      co_await run.storage().write(run, key, json::to_string(rows->rows.root()), std::move(options));
  if (!written.ok()) co_return R(std::move(written).error());
  co_return R(std::string(key));
}

}  // namespace

Task<Result<void>> announce(messaging::Client& broker, net::Caller caller, db::Transaction& tx, std::string change, Order order) {
  std::vector<messaging::Message> messages;
  messages.emplace_back("orders." + change, to_json(order), std::to_string(order.id));
  return broker.publish_in(std::move(caller), tx, std::move(messages));
}

void Feed::tell(std::string_view change, const Order& order) {
  if (watchers_.empty()) return;
  const std::string event =
      "event: order\ndata: {\"change\":" + spikard::to_json(change) + ",\"order\":" + spikard::to_json(order) + "}\n\n";
  for (Watcher* watcher : watchers_) {
    if (!watcher->queue.push(std::string(event))) watcher->queue.close();
  }
}

void add_work(App& app, std::shared_ptr<Feed> feed) {
  services::Consumer projection;
  projection.group = "customers";
  projection.start_from = services::StartFrom::earliest;
  projection.dead_letter = "orders.dead";
  app.consumer("orders.created", projection, count_customer);

  app.task("invoice", [feed](InvoiceArgs args, TaskRun& run) { return invoice(args, run, feed); });
  app.task("report", report);
  app.schedule("nightly", "0 3 * * *", "report");

  app.event(
      "com.example.shipment.sent", [feed](const Event& event, EventWork& work) { return shipped(event, work, feed); }, "/events");
  if (const char* url = std::getenv("ORDERS_EVENTS_URL"); url != nullptr && *url != '\0') {
    services::EventSender& sender = app.manifest().services.events["default"];
    sender.url = url;
    sender.source = "/orders";
    services::Consumer outward;
    outward.group = "events";
    outward.dead_letter = "orders.dead";
    app.consumer("orders.confirmed", outward, tell_others);
  }
}

}  // namespace orders
