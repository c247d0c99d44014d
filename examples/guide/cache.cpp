#include <spikard/spikard.hpp>

#include <atomic>

using namespace spikard;
using namespace std::chrono_literals;

int main() {
  App app;
  std::atomic<int> asked{0};  // how often the slow source was

  app.get("/users/{id:int}", [&asked](Path<"id", int> id, Context& ctx) -> Task<std::string> {
    const int user = *id;
    cache::LoadOptions options(cache::Ttl(10min));
    options.negative_ttl = 30s;    // remembers who does not exist
    options.stale_if_error = 1h;   // an old answer is better than none
    options.early_refresh = 1min;  // and in the last minute one caller renews it in the background
    options.tags = {"users"};
    cache::Loader load = [&asked, user]() -> Task<Result<std::optional<std::string>>> {
      ++asked;
      using Found = Result<std::optional<std::string>>;
      if (user > 100) co_return Found(std::optional<std::string>());
      co_return Found(std::optional<std::string>("user " + std::to_string(user)));
    };
    const std::string key = "user:" + std::to_string(user);
    auto found = co_await ctx.cache().get_or_load(ctx, key, std::move(options), std::move(load));
    if (!found.ok()) throw Problem(503, "unavailable", "Users cannot be read");
    if (!found->has_value()) throw Problem::not_found("No user " + std::to_string(user));
    co_return std::string((*found)->view());
  });
  app.get("/asked", [&asked] { return std::to_string(asked.load()); });

  app.post("/renamed", [](Context& ctx) -> Task<std::string> {
    const std::vector<std::string> tags{"users"};
    const auto done = co_await ctx.cache().invalidate_tags(ctx, tags);
    co_return done.ok() ? "forgotten" : done.error().message();
  });

  app.post("/visits", [](Context& ctx) -> Task<std::string> {
    // Keys of a namespace are its own; a counter lives as long as it was given when it began.
    const cache::Client visits = ctx.cache().in("visits");
    const auto count = co_await visits.increment(ctx, "today", 1, cache::Ttl(24h));
    co_return count.ok() ? std::to_string(*count) : count.error().message();
  });
  return app.run();
}
