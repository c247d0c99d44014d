#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <spikard/spikard.hpp>

/// The orders service of API.md.
namespace orders {

enum class Status { new_, confirmed, shipped, cancelled };
BOOST_DESCRIBE_ENUM(Status, new_, confirmed, shipped, cancelled)

struct Item {
  std::string sku;
  int quantity{};
  double price{};
  static constexpr bool spikard_closed = true;
};
BOOST_DESCRIBE_STRUCT(Item, (), (sku, quantity, price))
SPIKARD_CONSTRAIN(Item, sku, pattern("^[A-Z]{3}-[0-9]{4}$"))
SPIKARD_CONSTRAIN(Item, quantity, ge(1), le(1000))
SPIKARD_CONSTRAIN(Item, price, ge(0))

struct NewOrder {
  std::string customer;
  std::vector<Item> items;
  std::optional<std::string> note;
  static constexpr bool spikard_closed = true;
};
BOOST_DESCRIBE_STRUCT(NewOrder, (), (customer, items, note))
SPIKARD_CONSTRAIN(NewOrder, customer, min_length(1), max_length(100))
SPIKARD_CONSTRAIN(NewOrder, items, min_items(1), max_items(50))
SPIKARD_CONSTRAIN(NewOrder, note, max_length(500))

struct OrderPatch {
  spikard::Given<Status> status;
  spikard::Given<std::optional<std::string>> note;
  static constexpr bool spikard_closed = true;
};
BOOST_DESCRIBE_STRUCT(OrderPatch, (), (status, note))
SPIKARD_CONSTRAIN(OrderPatch, note, max_length(500))

struct Attachment {
  std::uint64_t size{};
  std::string sha256;
};
BOOST_DESCRIBE_STRUCT(Attachment, (), (size, sha256))

struct Order {
  std::int64_t id{};
  std::string customer;
  Status status{};
  std::vector<Item> items;
  std::optional<std::string> note;
  double total{};
  std::optional<Attachment> attachment;
};
BOOST_DESCRIBE_STRUCT(Order, (), (id, customer, status, items, note, total, attachment))

struct OrderList {
  std::vector<Order> orders;
  std::size_t total{};
};
BOOST_DESCRIBE_STRUCT(OrderList, (), (orders, total))

struct Attached {
  std::int64_t order{};
  std::uint64_t size{};
  std::string sha256;
};
BOOST_DESCRIBE_STRUCT(Attached, (), (order, size, sha256))

/// What the worker renders and where it lies.
struct InvoiceArgs {
  std::int64_t order{};
};
BOOST_DESCRIBE_STRUCT(InvoiceArgs, (), (order))

struct Link {
  std::string url;
};
BOOST_DESCRIBE_STRUCT(Link, (), (url))

struct Customer {
  std::string name;
  std::int64_t orders{};
  double spent{};
};
BOOST_DESCRIBE_STRUCT(Customer, (), (name, orders, spent))

struct Shipment {
  std::int64_t order{};
};
BOOST_DESCRIBE_STRUCT(Shipment, (), (order))

/// Who follows `/orders/feed`. It tells what this process does; the service has one I/O thread, and so needs no locks.
class Feed {
 public:
  /// To every watcher.
  void tell(std::string_view change, const Order& order);

  /// Gets what `tell` says for as long as it lives. One that falls a thousand events behind is closed.
  class Watcher {
   public:
    Watcher(std::shared_ptr<Feed> feed, spikard::net::Loop& loop) : queue(loop, 1000), feed_(std::move(feed)) {
      feed_->watchers_.insert(this);
    }
    ~Watcher() { feed_->watchers_.erase(this); }
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;
    spikard::net::Queue<std::string> queue;

   private:
    std::shared_ptr<Feed> feed_;
  };

 private:
  std::set<Watcher*> watchers_;
};

// ---- store.cpp: the orders in SQL. `caller`: on whose behalf.

/// Nothing where there is no such order. By the cache.
[[nodiscard]] spikard::Task<spikard::Result<std::optional<Order>>> find(spikard::cache::Client& cache, spikard::db::Client& db,
                                                                        spikard::net::Caller caller, std::int64_t id);
/// In a transaction, uncached.
[[nodiscard]] spikard::Task<spikard::Result<std::optional<Order>>> find(spikard::db::Transaction& tx, spikard::net::Caller caller,
                                                                        std::int64_t id);
[[nodiscard]] spikard::Task<spikard::Result<Order>> insert(spikard::db::Transaction& tx, spikard::net::Caller caller,
                                                           NewOrder order);
[[nodiscard]] spikard::Task<spikard::Result<void>> update(spikard::db::Transaction& tx, spikard::net::Caller caller, Order order);
[[nodiscard]] spikard::Task<spikard::Result<OrderList>> page(spikard::db::Client& db, spikard::net::Caller caller,
                                                             std::optional<Status> status, int limit, std::int64_t offset);

// ---- work.cpp: what follows from an order, after the answer: consumers, tasks, the nightly report, events in and out
void add_work(spikard::App& app, std::shared_ptr<Feed> feed);

/// What every change of an order does, in its transaction: the row, and a message `orders.<change>` that says so.
[[nodiscard]] spikard::Task<spikard::Result<void>> announce(spikard::messaging::Client& broker, spikard::net::Caller caller,
                                                            spikard::db::Transaction& tx, std::string change, Order order);
[[nodiscard]] inline std::string cache_key(std::int64_t id) { return "order:" + std::to_string(id); }
[[nodiscard]] inline std::string invoice_key(std::int64_t id) { return "invoices/" + std::to_string(id) + ".html"; }

/// The service, not yet listening. Everything lies in data/: one SQLite file and a folder of objects.
[[nodiscard]] spikard::App make_app();

}  // namespace orders
