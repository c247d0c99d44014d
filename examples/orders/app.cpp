#include <openssl/evp.h>

#include <cstdio>

#include "orders.hpp"

using namespace spikard;

namespace orders {
namespace {

using FeedRef = Inject<"feed", std::shared_ptr<Feed>>;

Problem none(std::int64_t id) { return Problem::not_found("No order " + std::to_string(id)); }

/// The row, the message and the task are one transaction: all of them, or none.
Task<Result<Response>> create(Body<NewOrder> body, FeedRef feed, Context& ctx) {
  using R = Result<Response>;
  auto write = [&](db::Transaction& tx) -> Task<Result<Order>> {
    Result<Order> order = co_await insert(tx, ctx, std::move(*body));
    if (!order.ok()) co_return order;
    Result<void> told = co_await announce(ctx.messaging(), ctx, tx, "created", *order);
    if (!told.ok()) co_return Result<Order>(std::move(told).error());
    std::vector<tasks::NewJob> jobs;
    jobs.emplace_back("default", "invoice", to_json(InvoiceArgs{order->id}));
    auto enqueued = co_await ctx.tasks().enqueue_in(ctx, tx, std::move(jobs));
    if (!enqueued.ok()) co_return Result<Order>(std::move(enqueued).error());
    co_return order;
  };
  Result<Order> made = co_await ctx.db().transaction(ctx, std::move(write));
  if (!made.ok()) co_return R(std::move(made).error());
  (*feed)->tell("created", *made);
  co_return R(Response::json(*made, 201).header("location", "/orders/" + std::to_string(made->id)));
}

Task<Result<Order>> read(Path<"id", std::int64_t> id, Context& ctx) {
  Result<std::optional<Order>> found = co_await find(ctx.cache(), ctx.db(), ctx, *id);
  if (!found.ok()) co_return Result<Order>(std::move(found).error());
  if (!*found) throw none(*id);
  co_return Result<Order>(std::move(**found));
}

Task<Result<OrderList>> list(Query<"status", std::optional<Status>> status,
                             Query<"limit", int, Ge<1>, Le<100>, Default<20>> limit,
                             Query<"offset", std::int64_t, Ge<0>, Default<0>> offset, Context& ctx) {
  return page(ctx.db(), ctx, *status, *limit, *offset);
}

/// Changes an order by `change`, which may throw a Problem, with all that belongs to a change.
template <class F>
Task<Result<Order>> change_order(Context& ctx, std::shared_ptr<Feed> feed, std::int64_t id, std::string name, F change) {
  std::optional<Problem> problem;
  auto write = [&](db::Transaction& tx) -> Task<Result<Order>> {
    Result<std::optional<Order>> found = co_await find(tx, ctx, id);
    if (!found.ok()) co_return Result<Order>(std::move(found).error());
    if (!*found) problem = none(id);
    else problem = change(**found);
    if (problem) co_return Result<Order>(Error(ErrorKind::conflict, "refused"));
    Result<void> updated = co_await update(tx, ctx, **found);
    if (!updated.ok()) co_return Result<Order>(std::move(updated).error());
    Result<void> told = co_await announce(ctx.messaging(), ctx, tx, name == "attached" ? "updated" : name, **found);
    if (!told.ok()) co_return Result<Order>(std::move(told).error());
    co_return Result<Order>(**found);
  };
  Result<Order> changed = co_await ctx.db().transaction(ctx, std::move(write));
  if (problem) throw *problem;
  if (!changed.ok()) co_return changed;
  (void)co_await ctx.cache().remove(ctx, cache_key(id));
  feed->tell(name, *changed);
  co_return changed;
}

Task<Result<Order>> patch(Path<"id", std::int64_t> id, Body<OrderPatch> patch, FeedRef feed, Context& ctx) {
  auto change = [id = *id, patch = *patch](Order& order) -> std::optional<Problem> {
    if (order.status == Status::shipped || order.status == Status::cancelled) {
      return Problem::conflict("Order " + std::to_string(id) +
                               (order.status == Status::shipped ? " is shipped" : " is cancelled"));
    }
    if (patch.status) order.status = *patch.status;
    if (patch.note) order.note = *patch.note;
    return std::nullopt;
  };
  return change_order(ctx, *feed, *id, "updated", std::move(change));
}

/// SHA-256 of what goes by.
class Digest {
 public:
  Digest() : digest_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) { EVP_DigestInit_ex(digest_.get(), EVP_sha256(), nullptr); }
  void add(std::string_view part) { EVP_DigestUpdate(digest_.get(), part.data(), part.size()); }
  std::string hex() {
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    EVP_DigestFinal_ex(digest_.get(), hash, &length);
    std::string out;
    for (unsigned i = 0; i < length; ++i) {
      char two[3];
      std::snprintf(two, sizeof two, "%02x", hash[i]);
      out += two;
    }
    return out;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> digest_;
};

/// Streamed into the store; nothing of it is seen before it is there.
Task<Result<Attached>> attach(Path<"id", std::int64_t> id, BodyStream body, FeedRef feed, Context& ctx) {
  using R = Result<Attached>;
  Result<std::optional<Order>> found = co_await find(ctx.cache(), ctx.db(), ctx, *id);
  if (!found.ok()) co_return R(std::move(found).error());
  if (!*found) throw none(*id);
  auto opened = co_await ctx.storage().open_write(ctx, "attachments/" + std::to_string(*id));
  if (!opened.ok()) co_return R(std::move(opened).error());
  Digest digest;
  Attachment attachment;
  while (true) {
    auto part = co_await body.next();
    if (!part.ok()) co_return R(std::move(part).error());
    if (!*part) break;
    digest.add(**part);
    attachment.size += (*part)->size();
    Result<void> written = co_await (*opened)->write(std::move(**part));
    if (!written.ok()) co_return R(std::move(written).error());
  }
  auto stored = co_await (*opened)->finish();
  if (!stored.ok()) co_return R(std::move(stored).error());
  attachment.sha256 = digest.hex();
  auto change = [attachment](Order& order) -> std::optional<Problem> {
    order.attachment = attachment;
    return std::nullopt;
  };
  Result<Order> changed = co_await change_order(ctx, *feed, *id, "attached", std::move(change));
  if (!changed.ok()) co_return R(std::move(changed).error());
  co_return R(Attached{*id, attachment.size, attachment.sha256});
}

/// A link to the invoice that works for fifteen minutes without any credentials.
Task<Result<Link>> invoice_link(Path<"id", std::int64_t> id, Context& ctx) {
  using R = Result<Link>;
  const std::string key = invoice_key(*id);
  Result<bool> there = co_await ctx.storage().exists(ctx, key);
  if (!there.ok()) co_return R(std::move(there).error());
  if (!*there) throw Problem::not_found("No invoice for order " + std::to_string(*id) + " yet");
  Result<storage::PresignedUrl> url = co_await ctx.storage().presign(ctx, storage::PresignMethod::get, key, 900);
  if (!url.ok()) co_return R(std::move(url).error());
  co_return R(Link{std::move(url->url)});
}

Task<Result<Customer>> customer(Path<"name"> name, Context& ctx) {
  using R = Result<Customer>;
  Result<db::Rows> rows =
      co_await ctx.db().query(ctx, "SELECT name, orders, spent FROM customers WHERE name = ?", json_list(*name));
  if (!rows.ok()) co_return R(std::move(rows).error());
  if (rows->rows.root().size() == 0) throw Problem::not_found("No customer " + *name);
  co_return R(from_validated<Customer>(rows->rows.root().at(0)));
}

Task<void> follow(std::shared_ptr<Feed::Watcher> watcher, CancelToken stopping, BodyWriter& out) {
  const CancelCallback close(stopping, [&](CancelReason) { watcher->queue.close(); });
  auto sent = co_await out.write(": connected\n\n");
  while (sent.ok()) {
    auto event = co_await watcher->queue.pop();
    if (!event.ok()) break;  // the service stops, the client was too slow, or it has gone
    sent = co_await out.write(std::move(event).value());
  }
  if (sent.ok()) (void)co_await out.write("retry: 1000\n\n");
}

StreamingResponse follow_feed(FeedRef feed, Context& ctx) {
  auto watcher = std::make_shared<Feed::Watcher>(*feed, ctx.loop());
  return {.produce = [watcher, stopping = ctx.stopping()](BodyWriter& out) { return follow(watcher, stopping, out); },
          .media_type = "text/event-stream",
          .headers = {{"cache-control", "no-cache"}}};
}

}  // namespace

App make_app() {
  App app;
  app.manifest().name = "orders";
  app.http().limits.body_bytes = 100 * 1024 * 1024;
  services::Services& services = app.manifest().services;
  // One file for rows, messages and tasks, so that a transaction holds all three; a folder for objects.
  for (std::string* url : {&services.db["default"].url, &services.messaging["default"].url, &services.tasks["default"].url})
    *url = "sqlite:data/orders.db";
  services.db["default"].migrations = ORDERS_MIGRATIONS;
  services.db["default"].migrate_on_start = true;
  services.storage["default"].url = "file:data/objects";

  auto feed = std::make_shared<Feed>();
  app.value("feed", feed);
  app.post("/orders", create);
  app.get("/orders", list);
  app.get("/orders/feed", follow_feed);
  app.get("/orders/{id:int}", read);
  app.patch("/orders/{id:int}", patch);
  app.put("/orders/{id:int}/attachment", attach);
  app.get("/orders/{id:int}/invoice", invoice_link);
  app.get("/customers/{name}", customer);
  add_work(app, feed);
  return app;
}

}  // namespace orders
