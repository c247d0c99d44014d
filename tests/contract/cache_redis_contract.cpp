// What only a cache on a server can be asked: several processes (here: several caches of one name), connections that go, times of
// the server itself.
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "cache/client.hpp"
#include "cache/redis/redis.hpp"
#include "cache/registry.hpp"
#include "cache/tiered/tiered.hpp"
#include "net/redis/client.hpp"
#include "net/virtual_clock.hpp"
#include "proxy.hpp"
#include "server.hpp"

namespace spikard::cache {

using namespace std::chrono_literals;

namespace {

/// On the real clock. The parameter stands before the URL's scheme.
class CacheOnRedis : public testing::TestWithParam<std::string> {
 protected:
  CacheOnRedis() : loop_(std::move(net::Loop::create(clock_)).value()), caller_(*loop_) {
    loop_->turn(0);
    url_ = contract::server_setting("REDIS_URL");
    server_ = net::redis::Options::parse(url_)->endpoints.front().text();
    prefix_ = "spikard-test:" + std::to_string(std::random_device()());
    raw_ = std::make_shared<net::redis::Client>(*loop_, *net::redis::Options::parse(url_));
  }
  ~CacheOnRedis() override { raw_->close(); }

  /// As if in another process.
  Client open(std::string url = {}, std::string_view more = {}) {
    services::CacheConfig config;
    config.url = GetParam() + (url.empty() ? url_ : url) + "?prefix=" + prefix_ + std::string(more);
    const Environment environment(clock_);
    Result<std::shared_ptr<Cache>> cache = cache::open(config, environment);
    EXPECT_TRUE(cache.ok()) << cache.error().to_string();
    return Client(std::move(*cache));
  }
  Client through(const contract::Proxy& proxy, std::string_view more = {}) { return open("redis://" + proxy.address(), more); }
  bool is_tiered() const { return !GetParam().empty(); }
  static Tiered& tiered(const Client& client) { return static_cast<Tiered&>(client.cache()->backend()); }

  template <class F>
  void until(F done) {
    const Instant limit = clock_.now() + 20s;
    while (!done() && clock_.now() < limit) loop_->turn(20);
    ASSERT_TRUE(done()) << "not in 20 s";
  }
  template <class T>
  std::shared_ptr<std::optional<Result<T>>> start(Task<Result<T>> task, CancelToken token = {}) {
    auto out = std::make_shared<std::optional<Result<T>>>();
    loop_->post([task = std::move(task), out, token = std::move(token)]() mutable {
      spawn(std::move(task).with_token(std::move(token)), [out](std::exception_ptr error, std::optional<Result<T>> value) {
        EXPECT_FALSE(error) << "an exception";
        if (value) out->emplace(std::move(*value));
      });
    });
    return out;
  }
  template <class T>
  Result<T> run(Task<Result<T>> task) {
    auto out = start(std::move(task));
    until([&] { return out->has_value(); });
    if (!out->has_value()) return internal_error("it did not end");
    return std::move(**out);
  }
  template <class T>
  Result<T> run(Answer<T> answer) {
    return run(std::move(answer).task());
  }
  static std::string text_of(const Result<std::optional<Payload>>& value) {
    if (!value.ok()) return std::string(name_of(value.error().kind()));
    return *value ? std::string((*value)->view()) : "-";
  }
  std::string get(const Client& client, std::string_view key) { return text_of(run(client.get(caller_, key))); }
  std::string set(const Client& client, std::string_view key, std::string_view value, const SetOptions& options = {}) {
    const Result<void> done = run(client.set(caller_, key, value, options));
    return done.ok() ? "ok" : std::string(name_of(done.error().kind()));
  }
  /// Until the other process sees it: a word of the server's is on its way.
  void sees(const Client& client, std::string_view key, std::string_view value) {
    const Instant limit = clock_.now() + 20s;
    std::string seen;
    while ((seen = get(client, key)) != value && clock_.now() < limit) loop_->turn(5);
    EXPECT_EQ(seen, value);
  }
  std::int64_t integer(net::redis::Command command) { return run(raw_->run(std::move(command)))->integer().value_or(-1); }
  std::int64_t keys() {
    net::redis::Command command("EVAL");
    command.arg("return #redis.call('KEYS', ARGV[1])").arg(0).arg(prefix_ + "*");
    return integer(std::move(command));
  }
  void warm(const Client& client) {
    if (!is_tiered()) return;
    (void)get(client, "warm");
    until([&] { return tiered(client).trusted(); });
  }

  RealClock clock_;
  std::unique_ptr<net::Loop> loop_;
  net::Caller caller_;
  std::string url_;
  std::string server_;
  std::string prefix_;
  std::shared_ptr<net::redis::Client> raw_;
};

INSTANTIATE_TEST_SUITE_P(Server_redis, CacheOnRedis, testing::Values("", "tiered+"),
                         [](const auto& about) { return about.param.empty() ? "redis" : "tiered"; });

struct Source {
  explicit Source(net::Loop& on) : loop(&on), go(on) {}
  net::Loop* loop;
  net::Event go;
  std::string outcome = "v";
  int runs = 0;
  [[nodiscard]] Loader loader() {
    return [this]() -> Task<Result<std::optional<std::string>>> {
      using Made = Result<std::optional<std::string>>;
      ++runs;
      const Result<void> waited = co_await go.wait();
      if (!waited.ok()) co_return Made(waited.error());
      if (outcome == "!") co_return Made(Error(ErrorKind::unavailable, "the source is down"));
      if (outcome == "-") co_return Made(std::optional<std::string>());
      co_return Made(std::optional<std::string>(outcome));
    };
  }
};

}  // namespace

TEST_P(CacheOnRedis, What_one_process_writes_another_reads) {
  const Client a = open();
  const Client b = open();
  warm(a), warm(b);
  EXPECT_EQ(set(a, "k", "1"), "ok");
  EXPECT_EQ(get(a, "k") + get(b, "k"), "11");
  EXPECT_EQ(set(b, "k", "2"), "ok");
  EXPECT_EQ(get(b, "k"), "2") << "its own writes at once";
  sees(a, "k", "2");
  EXPECT_TRUE(*run(a.remove(caller_, "k")));
  EXPECT_EQ(get(a, "k"), "-");
  sees(b, "k", "-");
  EXPECT_EQ(*run(a.increment(caller_, "n", 5)), 5);
  EXPECT_EQ(*run(b.increment(caller_, "n", 5)), 10);
  sees(a, "n", "10");
}

TEST_P(CacheOnRedis, Clear_and_tags_reach_every_process_and_leave_nothing) {
  const Client a = open();
  const Client b = open();
  warm(a), warm(b);
  const SetOptions tagged = SetOptions().with_tags({"red"});
  for (int n = 0; n < 20; ++n) EXPECT_EQ(set(a.in("x"), std::to_string(n), "v", tagged), "ok");
  for (int n = 0; n < 20; ++n) EXPECT_EQ(set(a.in("y"), std::to_string(n), "v"), "ok");
  for (const char* space : {"x", "y"}) EXPECT_EQ(get(b.in(space), "7"), "v");
  const std::vector<std::string> red{"red"};
  ASSERT_TRUE(run(a.invalidate_tags(caller_, red)).ok());
  EXPECT_EQ(get(a.in("x"), "7"), "-");
  sees(b.in("x"), "7", "-");
  EXPECT_EQ(get(b.in("y"), "7"), "v");
  ASSERT_TRUE(run(a.in("y").clear(caller_)).ok());
  EXPECT_EQ(get(a.in("y"), "7"), "-");
  sees(b.in("y"), "7", "-");
  EXPECT_EQ(*run(b.in("y").count(caller_)), 0U);
  // Two generations and the namespaces of a tag.
  until([&] { return keys() <= 3; });
}

TEST_P(CacheOnRedis, One_process_loads_for_all) {
  const Client a = open();
  const Client b = open();
  warm(a), warm(b);
  Source source(*loop_);
  auto first = start(a.get_or_load(caller_, "k", LoadOptions(60'000ms), source.loader()).task());
  until([&] { return source.runs == 1; });
  auto second = start(b.get_or_load(caller_, "k", LoadOptions(60'000ms), source.loader()).task());
  auto third = start(b.get_or_load(caller_, "k", LoadOptions(60'000ms), source.loader()).task());
  for (int n = 0; n < 10; ++n) loop_->turn(10);
  EXPECT_FALSE(first->has_value() || second->has_value() || third->has_value());
  source.go.set();
  until([&] { return first->has_value() && second->has_value() && third->has_value(); });
  EXPECT_EQ(text_of(**first) + text_of(**second) + text_of(**third), "vvv");
  EXPECT_EQ(source.runs, 1);
}

TEST_P(CacheOnRedis, A_load_that_fails_or_is_given_up_lets_another_process_load) {
  const Client a = open();
  const Client b = open();
  Source bad(*loop_);
  bad.outcome = "!";
  Source good(*loop_);
  good.go.set();
  auto first = start(a.get_or_load(caller_, "k", LoadOptions(60'000ms), bad.loader()).task());
  until([&] { return bad.runs == 1; });
  auto second = start(b.get_or_load(caller_, "k", LoadOptions(60'000ms), good.loader()).task());
  for (int n = 0; n < 5; ++n) loop_->turn(10);
  EXPECT_EQ(good.runs, 0);
  bad.go.set();
  until([&] { return first->has_value() && second->has_value(); });
  EXPECT_EQ(text_of(**first), "internal");
  EXPECT_EQ(text_of(**second), "v");

  Source never(*loop_);
  CancelSource cancel;
  auto third = start(a.get_or_load(caller_, "other", LoadOptions(60'000ms), never.loader()).task(), cancel.token());
  until([&] { return never.runs == 1; });
  auto fourth = start(b.get_or_load(caller_, "other", LoadOptions(60'000ms), good.loader()).task());
  for (int n = 0; n < 5; ++n) loop_->turn(10);
  cancel.cancel();
  until([&] { return third->has_value() && fourth->has_value(); });
  EXPECT_EQ(text_of(**third), "cancelled");
  EXPECT_EQ(text_of(**fourth), "v");
  EXPECT_EQ(good.runs, 2);
}

TEST_P(CacheOnRedis, A_process_that_died_loading_blocks_nobody_longer_than_its_lease) {
  const Client b = open();
  {
    // Nobody ends this load.
    const Client a = open();
    LoadOptions options(60'000ms);
    options.load_timeout = 300ms;
    const auto begun = run(a.cache()->begin_load(caller_, "", "k", options));
    ASSERT_TRUE(begun.ok() && begun->loads);
  }
  Source good(*loop_);
  good.go.set();
  const Instant begun = clock_.now();
  EXPECT_EQ(text_of(run(b.get_or_load(caller_, "k", LoadOptions(60'000ms), good.loader()))), "v");
  EXPECT_GE(clock_.now() - begun, 100ms);
  EXPECT_LT(clock_.now() - begun, 5s);
}

TEST_P(CacheOnRedis, The_rights_that_the_guide_names_are_enough) {
  const std::string user = "u" + std::to_string(std::random_device()());
  net::redis::Command make("ACL");
  make.arg("SETUSER").arg(user).arg("on").arg(">pw").arg("~" + prefix_ + ":*");
  for (const char* may : {"+mget",     "+get",         "+getrange", "+set",      "+evalsha",
                          "+eval",     "+scan",        "+sadd",     "+smembers", "+client|tracking",
                          "+setrange", "+pexpire",     "+persist",  "+unlink",   "+del",
                          "+exists",   "+pttl",        "+incrby",   "+srem",     "+spop",
                          "+scard",    "+srandmember", "+hello",    "+select",   "+ping"})
    make.arg(may);
  ASSERT_TRUE(run(raw_->run(std::move(make))).ok());
  const Client a = open("redis://" + user + ":pw@" + server_);
  warm(a);
  const std::vector<std::string> tags{"t"};
  const std::vector<std::string> names{"k"};
  EXPECT_EQ(set(a, "k", "v", SetOptions(60'000ms).with_tags(tags)), "ok");
  EXPECT_EQ(get(a, "k"), "v");
  EXPECT_TRUE(run(a.touch(caller_, "k", 1000ms)).ok());
  EXPECT_TRUE(run(a.touch(caller_, "k", Ttl::forever())).ok());
  EXPECT_TRUE(run(a.ttl(caller_, "k")).ok());
  EXPECT_EQ(*run(a.count(caller_)), 1U);
  EXPECT_TRUE(run(a.get_many(caller_, names)).ok());
  EXPECT_EQ(run(a.increment(caller_, "k")).error().detail(), "not_an_integer");
  EXPECT_EQ(*run(a.increment(caller_, "n")), 1);
  EXPECT_TRUE(*run(a.set_if_absent(caller_, "absent", "v")));
  EXPECT_TRUE(*run(a.remove_if(caller_, "absent", "v")));
  EXPECT_FALSE(*run(a.remove(caller_, "absent")));
  EXPECT_TRUE(run(a.invalidate_tags(caller_, tags)).ok());
  EXPECT_EQ(get(a, "k"), "-");
  Source good(*loop_);
  good.go.set();
  EXPECT_EQ(text_of(run(a.get_or_load(caller_, "loaded", LoadOptions(60'000ms), good.loader()))), "v");
  EXPECT_TRUE(run(a.clear(caller_)).ok());
  EXPECT_EQ(*run(a.count(caller_)), 0U);
  net::redis::Command gone("ACL");
  gone.arg("DELUSER").arg(user);
  EXPECT_EQ(integer(std::move(gone)), 1);
}

TEST_P(CacheOnRedis, What_another_process_changes_during_a_load_is_not_overwritten) {
  const Client a = open();
  const Client b = open();
  warm(a), warm(b);
  const auto during = [&](const std::function<void()>& change) {
    Source source(*loop_);
    LoadOptions options(60'000ms);
    options.tags = {"tag"};
    auto load = start(a.get_or_load(caller_, "k", options, source.loader()).task());
    until([&] { return source.runs == 1; });
    change();
    source.go.set();
    until([&] { return load->has_value(); });
    EXPECT_EQ(text_of(**load), "v") << "its caller has it all the same";
    const std::string there = get(b, "k");
    EXPECT_TRUE(run(b.remove(caller_, "k")).ok());
    sees(a, "k", "-");
    return there;
  };
  EXPECT_EQ(during([] {}), "v");
  EXPECT_EQ(during([&] { (void)run(b.remove(caller_, "k")); }), "-");
  EXPECT_EQ(during([&] { set(b, "k", "newer"); }), "newer");
  EXPECT_EQ(during([&] { (void)run(b.clear(caller_)); }), "-");
  EXPECT_EQ(during([&] { (void)run(b.in("other").clear(caller_)); }), "v");
  const std::vector<std::string> tags{"tag"};
  EXPECT_EQ(during([&] { (void)run(b.invalidate_tags(caller_, tags)); }), "-");
}

TEST_P(CacheOnRedis, The_server_forgets_what_is_over) {
  const Client a = open();
  EXPECT_EQ(set(a, "k", "v", SetOptions(1ms)), "ok");
  EXPECT_EQ(set(a, "t", "v", SetOptions(1ms).with_tags({"t"})), "ok");
  EXPECT_EQ(set(a, "long", "v", SetOptions(60'000ms)), "ok");
  until([&] { return get(a, "k") == "-"; });
  // Left: the generation, `long`, the namespaces of the tag; its set went with its last member.
  until([&] { return keys() == 3; });
}

TEST_P(CacheOnRedis, A_cut_connection_is_healed_and_nothing_is_believed_meanwhile) {
  contract::Proxy proxy(*loop_, server_);
  const Client far = through(proxy, "&wait_ms=5000");
  const Client near = open();
  warm(far);
  ASSERT_EQ(set(near, "k", "1"), "ok");
  sees(far, "k", "1");
  for (int round = 2; round < 6; ++round) {
    proxy.refuse(true);
    proxy.cut();
    if (is_tiered()) until([&] { return !tiered(far).trusted(); });
    ASSERT_EQ(set(near, "k", std::to_string(round)), "ok");  // nobody tells the one that is cut off
    proxy.refuse(false);
    EXPECT_EQ(get(far, "k"), std::to_string(round));
    if (is_tiered()) {
      until([&] { return tiered(far).trusted(); });
      EXPECT_EQ(get(far, "k"), std::to_string(round));
    }
  }
}

TEST_P(CacheOnRedis, Without_a_server_every_operation_is_unavailable_and_says_nothing_secret) {
  contract::Proxy proxy(*loop_, server_);
  const Client far = open("redis://me:topsecret@" + proxy.address(), "&wait_ms=50");
  proxy.refuse(true);
  const auto value = run(far.get(caller_, "k"));
  EXPECT_EQ(text_of(value), "unavailable");
  EXPECT_EQ(value.error().to_string().find("topsecret"), std::string::npos);
  EXPECT_EQ(set(far, "k", "v"), "unavailable");
  Source good(*loop_);
  good.go.set();
  EXPECT_EQ(text_of(run(far.get_or_load(caller_, "k", LoadOptions(), good.loader()))), "unavailable");
  const std::vector<std::string> names{"k"};
  EXPECT_EQ(run(far.get_many(caller_, names)).error().kind(), ErrorKind::unavailable);
  EXPECT_EQ(run(far.invalidate_tags(caller_, names)).error().kind(), ErrorKind::unavailable);
  EXPECT_EQ(run(far.clear(caller_)).error().kind(), ErrorKind::unavailable);
  EXPECT_EQ(run(far.count(caller_)).error().kind(), ErrorKind::unavailable);
}

TEST_P(CacheOnRedis, A_write_whose_answer_is_lost_is_outcome_unknown_and_the_front_forgets) {
  contract::Proxy proxy(*loop_, server_);
  const Client far = through(proxy, "&wait_ms=5000");
  warm(far);
  ASSERT_EQ(set(far, "k", "1"), "ok");
  sees(far, "k", "1");
  proxy.freeze(true);
  auto writing = start(far.set(caller_, "k", "2", SetOptions()).task());
  for (int n = 0; n < 3; ++n) loop_->turn(1);
  proxy.cut();
  proxy.freeze(false);
  until([&] { return writing->has_value(); });
  ASSERT_FALSE((*writing)->ok());
  EXPECT_EQ((*writing)->error().kind(), ErrorKind::outcome_unknown);
  const std::string there = get(open(), "k");
  EXPECT_EQ(get(far, "k"), there);
}

TEST_P(CacheOnRedis, Foreign_values_under_our_names_are_misses) {
  const Client a = open();
  ASSERT_EQ(set(a, "k", "v"), "ok");
  net::redis::Command command("SET");
  command.key(redis::Names(prefix_).entry({"", "k"})).arg("what somebody else wrote there, longer than a header");
  ASSERT_TRUE(run(raw_->run(std::move(command))).ok());
  sees(a, "k", "-");
  EXPECT_FALSE(*run(a.exists(caller_, "k")));
  EXPECT_EQ(*run(a.increment(caller_, "k")), 1);
  EXPECT_EQ(*run(a.count(caller_)), 1U);
}

TEST_P(CacheOnRedis, Members_of_tags_that_went_by_themselves_are_cleaned_up) {
  const Client a = open();
  for (int n = 0; n < 400; ++n) {
    ASSERT_EQ(set(a, std::to_string(n), "v", SetOptions(60'000ms).with_tags({"t"})), "ok");
    ASSERT_TRUE(*run(a.remove(caller_, std::to_string(n))));
  }
  net::redis::Command command("SCARD");
  command.key(redis::Names(prefix_).tag("", "t"));
  EXPECT_LT(integer(std::move(command)), 100);
}

TEST_P(CacheOnRedis, Several_loops_on_threads_of_their_own_share_one_cache) {
  const Client shared = open();
  constexpr int threads = 4;
  constexpr int rounds = 150;
  std::atomic<int> failed{0};
  const auto work = [&](int id) {
    auto loop = std::move(net::Loop::create(clock_)).value();
    const net::Caller caller(*loop);
    bool done = false;
    const auto all = [&, id]() -> Task<void> {
      const std::vector<std::string> tags{"t"};
      for (int n = 0; n < rounds; ++n) {
        const std::string key = std::to_string(n % 7);
        const SetOptions options = SetOptions(60'000ms).with_tags(tags);
        const auto put = co_await shared.set(caller, key, std::to_string(id), options);
        const auto value = co_await shared.get(caller, key);
        const auto count = co_await shared.increment(caller, "n");
        if (n % 10 == 0) (void)co_await shared.invalidate_tags(caller, tags);
        if (n % 50 == 0) (void)co_await shared.in("other").clear(caller);
        Loader load = []() -> Task<Result<std::optional<std::string>>> {
          co_return Result<std::optional<std::string>>(std::optional<std::string>("loaded"));
        };
        const std::string other = "loaded" + key;
        const auto loaded = co_await shared.get_or_load(caller, other, LoadOptions(5ms), std::move(load));
        if (!put.ok() || !value.ok() || !count.ok() || !loaded.ok() || (*loaded)->view() != "loaded") ++failed;
      }
      done = true;
    };
    loop->post([&] { spawn(all(), [](const std::exception_ptr&) {}); });
    const Instant limit = clock_.now() + 60s;
    while (!done && clock_.now() < limit) loop->turn(20);
    if (!done) ++failed;
  };
  std::vector<std::thread> running;
  for (int id = 0; id < threads; ++id) running.emplace_back(work, id);
  for (std::thread& thread : running) thread.join();
  EXPECT_EQ(failed.load(), 0);
  EXPECT_EQ(get(shared, "n"), std::to_string(threads * rounds)) << "its loops are gone, the cache is not";
}

TEST_P(CacheOnRedis, A_front_answers_at_once_and_hears_of_changes_and_flushes) {
  if (!is_tiered()) GTEST_SKIP() << "has no front";
  const Client a = open();
  const Client b = open();
  warm(a);
  ASSERT_EQ(set(b, "k", "1"), "ok");
  sees(a, "k", "1");
  until([&] {
    (void)get(a, "k");
    return a.get(caller_, "k").ready();
  });
  EXPECT_TRUE(a.cache()->backend().nearby({"", "k"}));
  ASSERT_EQ(set(b, "k", "2"), "ok");
  sees(a, "k", "2");
  // What is read again and again while it changes is never older than the change that was told last.
  for (int n = 0; n < 300; ++n) {
    auto reading = start(a.get(caller_, "k").task());
    ASSERT_EQ(set(b, "k", std::to_string(n)), "ok");
    until([&] { return reading->has_value(); });
  }
  sees(a, "k", "299");
  until([&] {
    (void)get(a, "k");
    return a.get(caller_, "k").ready();
  });
  EXPECT_EQ(get(a, "k"), "299");
}

}  // namespace spikard::cache
