#include <benchmark/benchmark.h>

#include "spikard/codec.hpp"

namespace bench {

struct Product {
  std::int64_t id{};
  std::string name;
  double price{};
  bool active{};
  std::vector<std::string> tags;
  std::string description;
};
BOOST_DESCRIBE_STRUCT(Product, (), (id, name, price, active, tags, description))

struct Item {
  std::string sku;
  int quantity{};
  double price{};
};
BOOST_DESCRIBE_STRUCT(Item, (), (sku, quantity, price))
struct Customer {
  std::string name;
  std::string email;
};
BOOST_DESCRIBE_STRUCT(Customer, (), (name, email))
struct Order {
  Customer customer;
  std::vector<Item> items;
  std::optional<std::string> note;
};
BOOST_DESCRIBE_STRUCT(Order, (), (customer, items, note))

}  // namespace bench

namespace spikard {
namespace {

/// 200 objects, about 20 KB.
void write_products(benchmark::State& state) {
  std::vector<bench::Product> products;
  for (int i = 0; i < 200; ++i)
    products.push_back({i, "product number " + std::to_string(i), i * 1.25, i % 2 == 0, {"red", "blue"}, "a rather fine thing"});
  std::size_t size = 0;
  for (auto _ : state) {
    JsonOut& out = JsonOut::scratch();
    detail::write_json(out, products);
    size = out.size();
    benchmark::DoNotOptimize(out.view().data());
  }
  state.SetLabel(std::to_string(size) + " bytes");
}

void read_order(benchmark::State& state) {
  bench::Order order{.customer = {"Ada Lovelace", "ada@example.com"}, .items = {}, .note = "leave at the door"};
  for (int i = 0; i < 8; ++i) order.items.push_back({"ABC-000" + std::to_string(i), i + 1, 12.99});
  const Document document = json::parse(to_json(order)).value();
  for (auto _ : state) benchmark::DoNotOptimize(from_validated<bench::Order>(document.root()));
}

BENCHMARK(write_products);
BENCHMARK(read_order);

}  // namespace
}  // namespace spikard
