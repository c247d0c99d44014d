#include <cmath>
#include <cstdlib>
#include <stdexcept>

#include "orders.hpp"

namespace orders {

Store::Store() {
  std::string name = (std::filesystem::temp_directory_path() / "orders-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a folder for attachments in " + name);
  folder_ = name;
}

Store::~Store() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

Order& Store::add(NewOrder order) {
  const auto id = static_cast<std::int64_t>(orders_.size()) + 1;
  double total = 0;
  for (const Item& item : order.items) total += item.quantity * item.price;
  return orders_[id] = {.id = id,
                        .customer = std::move(order.customer),
                        .status = Status::new_,
                        .items = std::move(order.items),
                        .note = std::move(order.note),
                        .total = std::round(total * 100) / 100,
                        .attachment = std::nullopt};
}

Order& Store::find(std::int64_t id) {
  const auto at = orders_.find(id);
  if (at == orders_.end()) throw spikard::Problem::not_found("No order " + std::to_string(id));
  return at->second;
}

OrderList Store::list(std::optional<Status> status, std::size_t limit, std::size_t offset) const {
  OrderList page;
  for (const auto& [id, order] : orders_) {
    if (status && order.status != *status) continue;
    if (page.total >= offset && page.orders.size() < limit) page.orders.push_back(order);
    ++page.total;
  }
  return page;
}

void Store::tell(std::string_view change, const Order& order) {
  if (watchers_.empty()) return;
  const std::string event =
      "event: order\ndata: {\"change\":" + spikard::to_json(change) + ",\"order\":" + spikard::to_json(order) + "}\n\n";
  for (Watcher* watcher : watchers_) {
    if (!watcher->queue.push(std::string(event))) watcher->queue.close();
  }
}

std::filesystem::path Store::attachment_path(std::int64_t id) const { return folder_ / std::to_string(id); }

}  // namespace orders
