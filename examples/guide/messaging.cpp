#include <spikard/spikard.hpp>

#include <mutex>

using namespace spikard;

struct Order {
  std::string id;
  int quantity = 1;
};
BOOST_DESCRIBE_STRUCT(Order, (), (id, quantity))
SPIKARD_CONSTRAIN(Order, quantity, ge(1))

struct Packed {
  std::mutex mutex;
  std::string lines;
};

int main() {
  App app;
  app.manifest().services.messaging["default"].url = "memory:";
  const auto packed = std::make_shared<Packed>();

  // Done when the broker has it.
  app.post("/orders", [](RawBody body, Context& ctx) -> Task<std::string> {
    messaging::Message message("orders.created", std::string(body.value));
    Result<std::uint64_t> position = co_await ctx.messaging().publish(ctx, std::move(message));
    if (!position.ok()) throw Problem::bad_request(position.error().message());
    ctx.status(202);
    co_return "published";
  });

  // One consumer of the group gets each message. What does not fit Order goes to the dead letters before the handler sees it.
  services::Consumer pack;
  pack.group = "packing";
  pack.max_retries = 2;
  pack.backoff.initial_ms = 10;
  pack.dead_letter = "dead.orders";
  app.consumer("orders.*", pack, [packed](Order order, Message& message) {
    if (order.id == "flaky" && message.delivery_count() < 3) throw std::runtime_error("the printer is out of paper");
    if (order.id == "unknown") return Outcome::reject("no such article");
    const std::lock_guard lock(packed->mutex);
    packed->lines += std::to_string(order.quantity) + " x " + order.id + ", delivery " + std::to_string(message.delivery_count()) + "\n";
    return Outcome::ack();
  });

  app.get("/packed", [packed] {
    const std::lock_guard lock(packed->mutex);
    return packed->lines;
  });
  app.get("/dead", [](Context& ctx) -> Task<std::string> {
    messaging::DeadLetterQuery query("dead.orders");
    Result<messaging::DeadLetterPage> page = co_await ctx.messaging().list_dead_letters(ctx, std::move(query));
    std::string lines;
    for (const messaging::DeadLetter& one : page.value().messages) {
      lines += *messaging::find_header(one.message.headers, messaging::reason_header) + ": " +
               *messaging::find_header(one.message.headers, messaging::error_header) + "\n";
    }
    co_return lines;
  });
  return app.run();
}
