#include <spikard/spikard.hpp>

using namespace spikard;

int main() {
  App app;
  app.manifest().name = "shop";
  app.manifest().telemetry.metrics_path = "/metrics";

  app.get("/orders/{id:int}", [](Context& ctx, Path<"id", int> id) -> std::string {
    auto span = ctx.span("price", {{"shop.order", *id}});  // below the request's span, ends with this block
    ctx.telemetry().counter("shop.orders.read", "{order}", "Orders that were read").add(1, {{"shop.region", "eu"}});
    ctx.log(log::Level::info, "an order was read", {{"shop.order", *id}});
    return "order " + std::to_string(*id);
  });
  return app.run();
}
