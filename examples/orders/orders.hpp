#pragma once

#include <filesystem>
#include <map>
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

/// Orders in memory, and who watches them. The service has one I/O thread, and so needs no locks.
class Store {
 public:
  Store();
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  Order& add(NewOrder order);
  /// Throws the 404 problem.
  Order& find(std::int64_t id);
  [[nodiscard]] OrderList list(std::optional<Status> status, std::size_t limit, std::size_t offset) const;
  /// To every watcher, as an event of the feed.
  void tell(std::string_view change, const Order& order);
  [[nodiscard]] std::filesystem::path attachment_path(std::int64_t id) const;

  /// Gets what `tell` says for as long as it lives. One that falls a thousand events behind is closed.
  class Watcher {
   public:
    Watcher(std::shared_ptr<Store> store, spikard::net::Loop& loop) : queue(loop, 1000), store_(std::move(store)) {
      store_->watchers_.insert(this);
    }
    ~Watcher() { store_->watchers_.erase(this); }
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;
    spikard::net::Queue<std::string> queue;

   private:
    std::shared_ptr<Store> store_;
  };

 private:
  std::map<std::int64_t, Order> orders_;
  std::set<Watcher*> watchers_;
  std::filesystem::path folder_;
};

/// The service, not yet listening.
[[nodiscard]] spikard::App make_app();

}  // namespace orders
