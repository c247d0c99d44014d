#include <openssl/evp.h>

#include <cstdio>

#include "orders.hpp"

using namespace spikard;

namespace orders {
namespace {

using StoreRef = Inject<"store", std::shared_ptr<Store>>;

Response create(Body<NewOrder> body, StoreRef store, Context& ctx) {
  const Order& order = (*store)->add(std::move(*body));
  (*store)->tell("created", order);
  ctx.background([store = *store, id = order.id] {
    Order& made = store->find(id);
    if (made.status != Status::new_) return;
    made.status = Status::confirmed;
    store->tell("confirmed", made);
  });
  return Response::json(order, 201).header("location", "/orders/" + std::to_string(order.id));
}

const Order& read(Path<"id", std::int64_t> id, StoreRef store) { return (*store)->find(*id); }

OrderList list(Query<"status", std::optional<Status>> status, Query<"limit", int, Ge<1>, Le<100>, Default<20>> limit,
               Query<"offset", std::int64_t, Ge<0>, Default<0>> offset, StoreRef store) {
  return (*store)->list(*status, static_cast<std::size_t>(*limit), static_cast<std::size_t>(*offset));
}

const Order& patch(Path<"id", std::int64_t> id, Body<OrderPatch> change, StoreRef store) {
  Order& order = (*store)->find(*id);
  if (order.status == Status::shipped || order.status == Status::cancelled) {
    throw Problem::conflict("Order " + std::to_string(*id) + (order.status == Status::shipped ? " is shipped" : " is cancelled"));
  }
  if (change->status) order.status = *change->status;
  if (change->note) order.note = *change->note;
  (*store)->tell("updated", order);
  return order;
}

/// A file on the disk and the digest of what went into it; used on the blocking pool, one call at a time.
class Upload {
 public:
  explicit Upload(const std::filesystem::path& path)
      : path_(path),
        part_(path.string() + "." + std::to_string(reinterpret_cast<std::uintptr_t>(this)) +
              ".part"),  // two uploads of one order do not meet
        file_(std::fopen(part_.c_str(), "wb"), &std::fclose),
        digest_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
    if (file_ == nullptr || digest_ == nullptr) throw std::runtime_error("cannot write " + path.string());
    EVP_DigestInit_ex(digest_.get(), EVP_sha256(), nullptr);
  }
  ~Upload() {
    std::error_code ignored;
    std::filesystem::remove(part_, ignored);
  }
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;

  void add(const std::string& part) {
    if (std::fwrite(part.data(), 1, part.size(), file_.get()) != part.size())
      throw std::runtime_error("cannot write " + path_.string());
    EVP_DigestUpdate(digest_.get(), part.data(), part.size());
    size_ += part.size();
  }
  Attachment finish() {
    if (std::fclose(file_.release()) != 0) throw std::runtime_error("cannot write " + path_.string());
    std::filesystem::rename(part_, path_);
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    EVP_DigestFinal_ex(digest_.get(), hash, &length);
    std::string hex;
    for (unsigned i = 0; i < length; ++i) {
      char two[3];
      std::snprintf(two, sizeof two, "%02x", hash[i]);
      hex += two;
    }
    return {size_, hex};
  }

 private:
  std::filesystem::path path_;
  std::filesystem::path part_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> digest_;
  std::uint64_t size_ = 0;
};

Task<Result<Attached>> attach(Path<"id", std::int64_t> id, BodyStream body, StoreRef store, Context& ctx) {
  const auto orders = *store;
  const auto path = orders->attachment_path(orders->find(*id).id);
  auto open = [path] { return std::make_shared<Upload>(path); };
  auto opened = co_await ctx.blocking(std::move(open));
  if (!opened.ok()) co_return std::move(opened).error();
  const auto upload = std::move(opened).value();
  while (true) {
    auto part = co_await body.next();
    if (!part.ok()) co_return std::move(part).error();
    if (!*part) break;
    auto write = [upload, data = std::move(**part)] { upload->add(data); };
    const auto written = co_await ctx.blocking(std::move(write));
    if (!written.ok()) co_return written.error();
  }
  auto finish = [upload] { return upload->finish(); };
  auto finished = co_await ctx.blocking(std::move(finish));
  if (!finished.ok()) co_return std::move(finished).error();
  Order& order = orders->find(*id);
  order.attachment = std::move(finished).value();
  orders->tell("attached", order);
  co_return Attached{order.id, order.attachment->size, order.attachment->sha256};
}

Task<void> follow(std::shared_ptr<Store::Watcher> watcher, CancelToken stopping, BodyWriter& out) {
  const CancelCallback close(stopping, [&](CancelReason) { watcher->queue.close(); });
  auto sent = co_await out.write(": connected\n\n");
  while (sent.ok()) {
    auto event = co_await watcher->queue.pop();
    if (!event.ok()) break;  // the service stops, the client was too slow, or it has gone
    sent = co_await out.write(std::move(event).value());
  }
  if (sent.ok()) (void)co_await out.write("retry: 1000\n\n");
}

StreamingResponse feed(StoreRef store, Context& ctx) {
  auto watcher = std::make_shared<Store::Watcher>(*store, ctx.loop());
  return {.produce = [watcher, stopping = ctx.stopping()](BodyWriter& out) { return follow(watcher, stopping, out); },
          .media_type = "text/event-stream",
          .headers = {{"cache-control", "no-cache"}}};
}

}  // namespace

App make_app() {
  App app;
  app.manifest().name = "orders";
  app.http().limits.body_bytes = 100 * 1024 * 1024;
  app.value("store", std::make_shared<Store>());
  app.post("/orders", create);
  app.get("/orders", list);
  app.get("/orders/feed", feed);
  app.get("/orders/{id:int}", read);
  app.patch("/orders/{id:int}", patch);
  app.put("/orders/{id:int}/attachment", attach);
  return app;
}

}  // namespace orders
