#include "http/singletons.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "http/server.hpp"
#include "http/test_server.hpp"

namespace spikard::http {
namespace {

TEST(SingletonsTest, claimed_made_given_up) {
  Singletons singletons;
  Singletons::Made made;
  int woken = 0;
  const auto wake = [&] { return [&woken] { ++woken; }; };
  EXPECT_EQ(singletons.claim(1, made, &woken, wake()), Singletons::State::claimed);
  EXPECT_EQ(singletons.claim(1, made, &woken, wake()), Singletons::State::waiting);
  singletons.give_up(1);
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(singletons.claim(1, made, &woken, wake()), Singletons::State::claimed);
  EXPECT_EQ(singletons.claim(1, made, &woken, wake()), Singletons::State::waiting);
  singletons.done(1, {9, "object"});
  EXPECT_EQ(woken, 2);
  EXPECT_EQ(singletons.claim(1, made, &woken, wake()), Singletons::State::made);
  EXPECT_EQ(made.token, 9U);
  EXPECT_EQ(singletons.claim(2, made, &woken, wake()), Singletons::State::claimed);
  EXPECT_EQ(singletons.claim(2, made, &woken, wake()), Singletons::State::waiting);
  singletons.forget(&woken);
  singletons.give_up(2);
  EXPECT_EQ(woken, 2);
  singletons.give_up(1);  // too late: it stays
  EXPECT_EQ(singletons.claim(1, made, &woken, wake()), Singletons::State::made);
}

/// Several servers, each on its thread, need one singleton at once: it is made once.
TEST(SingletonsTest, one_for_all_loops) {
  constexpr int threads = 4;
  const auto app = test::compile(R"({"dependencies": [{"id": 0, "name": "pool", "kind": "factory", "scope": "singleton"}],
    "routes": [{"method": "GET", "path": "/r", "inject": ["pool"]}]})");
  const auto singletons = make_singletons();
  std::atomic<int> made{0};
  std::vector<std::thread> running;
  for (int t = 0; t < threads; ++t) {
    running.emplace_back([&] {
      RealClock clock;
      auto loop = net::Loop::create(clock).value();
      test::ScriptedSink sink;
      sink.factories[0] = [&](Exchange& e, std::span<const std::uint64_t>) {
        ++made;
        loop->post([&sink, &e] { e.factory_done(77, "object"); });
      };
      sink.routes[0] = [](Exchange& e) {
        const RequestRecord& r = e.record();
        e.reply(
            {.format = BodyFormat::text, .body = std::to_string(*reinterpret_cast<const std::uint64_t*>(r.base() + r.deps.off))});
      };
      ServerOptions options;
      options.singletons = singletons;
      auto server = Server::create(*loop, app, sink, std::move(options)).value();
      net::MemoryPair pair = net::memory_pair(*loop);
      server->adopt(std::move(pair.a));
      net::test::Peer client(std::move(pair.b));
      client.send("GET /r HTTP/1.1\r\nHost: t\r\n\r\n");
      while (!client.in.ends_with("77")) loop->turn(1000);
      server.reset();
    });
  }
  for (std::thread& thread : running) thread.join();
  EXPECT_EQ(made, 1);
}

}  // namespace
}  // namespace spikard::http
