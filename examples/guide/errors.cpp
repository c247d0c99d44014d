#include <spikard/spikard.hpp>

#include <stdexcept>

using namespace spikard;

int main() {
  App app;
  app.http().problem_base = "https://shop.example/problems/";

  app.get("/orders/{id:int}", [](Path<"id", int> id) -> std::string {
    if (*id != 1) throw Problem::not_found("No order " + std::to_string(*id));
    return "order 1";
  });
  app.get("/crash", []() -> std::string { throw std::runtime_error("password is hunter2"); });
  app.on_error([](Hook& hook) { hook.set_header("x-support", "help@shop.example"); });
  return app.run();
}
