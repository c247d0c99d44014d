#include "orders.hpp"

#include <cmath>

using namespace spikard;

namespace orders {
namespace {

constexpr const char* columns = "id, customer, status, items, note, total, attachment";

std::optional<Order> first_of(const db::Rows& rows) {
  if (rows.rows.root().size() == 0) return std::nullopt;
  return from_validated<Order>(rows.rows.root().at(0));
}

Task<Result<std::optional<std::string>>> load(db::Client& db, net::Caller caller, std::int64_t id) {
  using Text = std::optional<std::string>;
  Result<db::Rows> rows =
      co_await db.query(caller, std::string("SELECT ") + columns + " FROM orders WHERE id = ?", json_list(id));
  if (!rows.ok()) co_return Result<Text>(std::move(rows).error());
  const std::optional<Order> order = first_of(*rows);
  Text text;
  if (order) text = to_json(*order);
  co_return Result<Text>(std::move(text));
}

}  // namespace

Task<Result<std::optional<Order>>> find(cache::Client& cache, db::Client& db, net::Caller caller, std::int64_t id) {
  using Found = std::optional<Order>;
  cache::LoadOptions options(cache::Ttl(std::chrono::minutes(10)));
  cache::Loader loader = [&db, caller, id] { return load(db, caller, id); };
  auto cached = co_await cache.get_or_load(caller, cache_key(id), std::move(options), std::move(loader));
  if (!cached.ok()) co_return Result<Found>(std::move(cached).error());
  if (!*cached) co_return Result<Found>(Found());
  const Json document = json::parse((*cached)->view()).value();
  co_return Result<Found>(Found(from_validated<Order>(document.root())));
}

Task<Result<std::optional<Order>>> find(db::Transaction& tx, net::Caller caller, std::int64_t id) {
  using Found = std::optional<Order>;
  Result<db::Rows> rows =
      co_await tx.query(caller, std::string("SELECT ") + columns + " FROM orders WHERE id = ?", json_list(id));
  if (!rows.ok()) co_return Result<Found>(std::move(rows).error());
  co_return Result<Found>(first_of(*rows));
}

Task<Result<Order>> insert(db::Transaction& tx, net::Caller caller, NewOrder order) {
  double total = 0;
  for (const Item& item : order.items) total += item.quantity * item.price;
  total = std::round(total * 100) / 100;
  Json params = json_list(order.customer, order.items, order.note, total);
  Result<db::Rows> rows = co_await tx.query(
      caller,
      std::string(
          "INSERT INTO orders (customer, items, note, total, placed_at) VALUES (?, ?, ?, ?, CURRENT_TIMESTAMP) RETURNING ") +
          columns,
      std::move(params));
  if (!rows.ok()) co_return Result<Order>(std::move(rows).error());
  co_return Result<Order>(*first_of(*rows));
}

Task<Result<void>> update(db::Transaction& tx, net::Caller caller, Order order) {
  Json params = json_list(order.status, order.note, order.attachment, order.id);
  Result<std::uint64_t> done =
      co_await tx.execute(caller, "UPDATE orders SET status = ?, note = ?, attachment = ? WHERE id = ?", std::move(params));
  if (!done.ok()) co_return std::move(done).error();
  co_return Result<void>();
}

Task<Result<OrderList>> page(db::Client& db, net::Caller caller, std::optional<Status> status, int limit, std::int64_t offset) {
  OrderList list;
  Json params = json_list(status, limit, offset);
  Result<db::Rows> rows = co_await db.query(
      caller,
      std::string("SELECT ") + columns + " FROM orders WHERE status = COALESCE($1, status) ORDER BY id LIMIT $2 OFFSET $3",
      std::move(params));
  if (!rows.ok()) co_return Result<OrderList>(std::move(rows).error());
  for (const Value row : rows->rows.root().elements()) list.orders.push_back(from_validated<Order>(row));
  Result<db::Rows> count =
      co_await db.query(caller, "SELECT count(*) AS n FROM orders WHERE status = COALESCE($1, status)", json_list(status));
  if (!count.ok()) co_return Result<OrderList>(std::move(count).error());
  list.total = static_cast<std::size_t>(count->rows.root().at(0).find("n").as_int());
  co_return Result<OrderList>(std::move(list));
}

}  // namespace orders
