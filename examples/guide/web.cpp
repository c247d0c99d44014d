#include <spikard/spikard.hpp>

using namespace spikard;

struct Counter {
  int value = 0;
};

int main() {
  App app;
  app.http().request_id.enabled = true;
  app.http().timeout.ms = 5000;

  // Parameters from everywhere; a std::optional may be missing.
  app.get("/search", [](Query<"q"> q, Query<"tag", std::vector<std::string>> tags, Header<"accept-language", std::optional<std::string>> language,
                        Cookie<"theme", std::string, DefaultText<"light">> theme) {
    return *q + ", " + std::to_string(tags->size()) + " tags, " + language->value_or("any") + ", " + *theme;
  });

  // What is made once, and injected by name.
  app.dependency("counter", Scope::singleton, [] { return Counter{}; });
  app.post("/count", [](Inject<"counter", Counter> counter) { return std::to_string(++counter->value); });

  // A hook before every handler may answer itself.
  app.pre_handler([](Hook& hook) {
    if (hook.request().path() == "/private" && hook.request().header("authorization") != "Bearer sesame") throw Problem::unauthorized("Say the word");
  });
  app.get("/private", [] { return "treasure"; });

  // A streamed answer; write() waits while the client is slow.
  app.get("/lines", [](Query<"n", int, Ge<1>, Le<1000>, Default<3>> n) {
    return StreamingResponse{
        .produce = [count = *n](BodyWriter& out) -> Task<void> {
          for (int i = 1; i <= count; ++i) {
            std::string line = "line " + std::to_string(i) + "\n";
            const Result<void> sent = co_await out.write(std::move(line));
            if (!sent.ok()) co_return;  // the client has gone
          }
        },
        .media_type = "text/plain"};
  });

  // Work after the answer.
  app.post("/mail", [](Context& ctx) {
    ctx.background([] { /* send it */ });
    ctx.status(202);
    return "queued";
  });
  return app.run();
}
