// The workloads of bench/README.md in C++.
#include <optional>
#include <string>
#include <vector>

#include <spikard/spikard.hpp>

namespace bench {

struct Item {
  std::string sku;
  int quantity{};
  double price{};
};
BOOST_DESCRIBE_STRUCT(Item, (), (sku, quantity, price))
SPIKARD_CONSTRAIN(Item, sku, pattern("^[A-Z]{3}-[0-9]{4}$"))
SPIKARD_CONSTRAIN(Item, quantity, ge(1), le(1000))
SPIKARD_CONSTRAIN(Item, price, ge(0))

struct Order {
  std::string customer;
  std::vector<Item> items;
  std::optional<std::string> note;
};
BOOST_DESCRIBE_STRUCT(Order, (), (customer, items, note))
SPIKARD_CONSTRAIN(Order, customer, min_length(1), max_length(100))
SPIKARD_CONSTRAIN(Order, items, min_items(1), max_items(50))
SPIKARD_CONSTRAIN(Order, note, max_length(500))

struct FreeItem {
  std::string sku;
  int quantity{};
  double price{};
};
BOOST_DESCRIBE_STRUCT(FreeItem, (), (sku, quantity, price))

struct FreeOrder {
  std::string customer;
  std::vector<FreeItem> items;
  std::optional<std::string> note;
};
BOOST_DESCRIBE_STRUCT(FreeOrder, (), (customer, items, note))

struct Receipt {
  std::string customer;
  std::size_t items{};
  double total{};
};
BOOST_DESCRIBE_STRUCT(Receipt, (), (customer, items, total))

struct User {
  int id{};
  bool verbose{};
  std::string name;
};
BOOST_DESCRIBE_STRUCT(User, (), (id, verbose, name))

struct Article {
  int id{};
  std::string name;
  std::string sku;
  double price{};
  int quantity{};
  bool active{};
  std::optional<std::string> note;
};
BOOST_DESCRIBE_STRUCT(Article, (), (id, name, sku, price, quantity, active, note))

template <class T>
spikard::Response accept(const T& order) {
  double total = 0;
  for (const auto& item : order.items) total += item.quantity * item.price;
  return spikard::Response::json(Receipt{order.customer, order.items.size(), total}, 201);
}

}  // namespace bench

int main() {
  using namespace spikard;
  std::vector<bench::Article> articles;
  for (int i = 0; i < 200; ++i) {
    articles.push_back(
        {i, "Item number " + std::to_string(i), "ABC-" + std::to_string(1000 + i), 9.99 + i, i % 17, i % 2 == 0, std::nullopt});
  }
  App app;
  app.get("/plain", [] { return std::string("Hello, World!"); });
  app.get("/users/{id:int}", [](Path<"id", int, Ge<1>> id, Query<"verbose", bool, Default<false>> verbose) {
    return bench::User{*id, *verbose, "user " + std::to_string(*id)};
  });
  app.post("/orders", [](Body<bench::Order> order) { return bench::accept(*order); });
  app.post("/orders-unchecked", [](Body<bench::FreeOrder> order) { return bench::accept(*order); });
  app.get("/list", [articles]() -> const std::vector<bench::Article>& { return articles; });
  return app.run();
}
