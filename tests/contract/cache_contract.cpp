// What every cache does (fixtures/README.md section 5, spec/operations/cache.yaml). A backend joins by one line below.
#include "cache_contract.hpp"

#include <random>

#include "cache/memory/memory.hpp"
#include "cache_deferred.hpp"
#include "server.hpp"

namespace spikard::cache {

using namespace std::chrono_literals;

namespace {

std::shared_ptr<Cache> opened(Clock& clock, const services::CacheConfig& config, std::shared_ptr<Cache>*) {
  const Environment environment(clock);
  Result<std::shared_ptr<Cache>> cache = cache::open(config, environment);
  EXPECT_TRUE(cache.ok()) << cache.error().to_string();
  return std::move(cache).value();
}

std::shared_ptr<Cache> deferred(Clock& clock, const services::CacheConfig& config, std::shared_ptr<Cache>*) {
  MemoryOptions options;
  options.max_entries = config.max_entries.value_or(0);
  Cache::Options about(clock);
  about.default_ttl = static_cast<Millis>(config.default_ttl_ms.value_or(forever));
  return std::make_shared<Cache>(std::make_unique<Deferred>(std::make_unique<Memory>(clock, options)), about);
}

#ifdef SPIKARD_CACHE_REDIS
/// On an empty prefix of its own.
template <bool tiered>
std::shared_ptr<Cache> on_redis(Clock& clock, const services::CacheConfig& config, std::shared_ptr<Cache>* beside) {
  services::CacheConfig mine = config;
  mine.url = (tiered ? "tiered+" : "") + contract::server_setting("REDIS_URL") +
             "?prefix=spikard-test:" + std::to_string(std::random_device()());
  *beside = opened(clock, mine, nullptr);
  return opened(clock, mine, nullptr);
}

const Contender on_servers[] = {
    {"redis", on_redis<false>, true, true},
    {"tiered", on_redis<true>, true, true},
};
#endif

const Contender contenders[] = {
    {"memory", opened},
    {"memory_deferred", deferred},
};

std::string text_of(const Result<std::optional<Payload>>& value) {
  if (!value.ok())
    return value.error().kind() == ErrorKind::internal ? value.error().detail() : std::string(name_of(value.error().kind()));
  return *value ? std::string((*value)->view()) : "-";
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Backends, CacheContract, testing::ValuesIn(contenders),
                         [](const auto& info) { return info.param.name; });

#ifdef SPIKARD_CACHE_REDIS
INSTANTIATE_TEST_SUITE_P(Server_redis, CacheContract, testing::ValuesIn(on_servers),
                         [](const auto& info) { return info.param.name; });
#endif

// ---- entries ---------------------------------------------------------------------------------------------------------------

TEST_P(CacheContract, A_value_is_there_until_it_is_deleted) {
  EXPECT_EQ(get("k"), "-");
  set("k", "v");
  EXPECT_EQ(get("k"), "v");
  EXPECT_TRUE(*run(client_.exists(caller_, "k")));
  EXPECT_TRUE(*run(client_.remove(caller_, "k")));
  EXPECT_FALSE(*run(client_.remove(caller_, "k")));
  EXPECT_FALSE(*run(client_.exists(caller_, "k")));
  EXPECT_EQ(get("k"), "-");
}

TEST_P(CacheContract, Values_and_keys_are_any_bytes) {
  const std::string key("a\0b\xff", 4);
  const std::string value("\0\r\n\xfe", 4);
  set(key, value);
  EXPECT_EQ(get(key), value);
  EXPECT_EQ(get(std::string("a\0c\xff", 4)), "-");
  set("empty", "");
  EXPECT_EQ(get("empty"), "");
  EXPECT_TRUE(*run(client_.exists(caller_, "empty")));
  set("", "of the empty key");
  EXPECT_EQ(get(""), "of the empty key");
}

TEST_P(CacheContract, A_value_that_was_read_stays_what_it_was) {
  set("k", "old");
  const auto old = run(client_.get(caller_, "k"));
  set("k", "new");
  EXPECT_TRUE(*run(client_.remove(caller_, "k")));
  EXPECT_EQ((*old)->view(), "old");
}

TEST_P(CacheContract, Keys_of_16384_bytes_are_the_longest) {
  const std::string longest(16384, 'k');
  set(longest, "v");
  EXPECT_EQ(get(longest), "v");
  const auto longer = run(client_.get(caller_, longest + "k"));
  ASSERT_FALSE(longer.ok());
  EXPECT_EQ(longer.error().kind(), ErrorKind::invalid_argument);
}

// ---- time ------------------------------------------------------------------------------------------------------------------

TEST_P(CacheContract, An_entry_lives_exactly_as_long_as_its_ttl) {
  set("k", "v", 1000ms);
  advance(999ms);
  EXPECT_EQ(get("k"), "v");
  advance(1ms);
  EXPECT_EQ(get("k"), "-");
  EXPECT_FALSE(*run(client_.exists(caller_, "k")));
  EXPECT_FALSE(*run(client_.remove(caller_, "k")));
}

TEST_P(CacheContract, Reading_does_not_prolong_writing_begins_anew) {
  set("k", "v", 1000ms);
  advance(600ms);
  EXPECT_EQ(get("k"), "v");
  advance(600ms);
  EXPECT_EQ(get("k"), "-");
  set("k", "1", 1000ms);
  advance(600ms);
  set("k", "2", 1000ms);
  advance(600ms);
  EXPECT_EQ(get("k"), "2");
  set("k", "3");  // for ever now
  advance(10'000ms);
  EXPECT_EQ(get("k"), "3");
}

TEST_P(CacheContract, The_default_counts_where_none_is_given) {
  services::CacheConfig config;
  config.default_ttl_ms = 1000;
  open(config);
  set("a", "1");
  set("b", "2", 5000ms);
  set("c", "3", Ttl::forever());
  EXPECT_EQ(*run(client_.increment(caller_, "n", 7)), 7);
  EXPECT_EQ(ttl("a"), "1000");
  EXPECT_EQ(ttl("c"), "forever");
  EXPECT_EQ(ttl("n"), "1000");
  EXPECT_TRUE(*run(client_.touch(caller_, "b")));
  advance(1001ms);
  EXPECT_EQ(get("a") + get("b") + get("c") + get("n"), "--3-");
}

TEST_P(CacheContract, A_ttl_below_a_millisecond_is_refused) {
  for (const auto wrong : {0ms, -1ms}) {
    const auto done = run(client_.set(caller_, "k", "v", Ttl(wrong)));
    ASSERT_FALSE(done.ok());
    EXPECT_EQ(done.error().kind(), ErrorKind::invalid_argument);
    EXPECT_FALSE(run(client_.touch(caller_, "k", Ttl(wrong))).ok());
    EXPECT_FALSE(run(client_.set_if_absent(caller_, "k", "v", SetOptions(Ttl(wrong)))).ok());
  }
  EXPECT_EQ(get("k"), "-");
}

TEST_P(CacheContract, Ttls_of_thirty_and_of_300_million_years) {
  set("thirty", "v", 946'080'000'000ms);
  set("most", "v", Ttl(std::chrono::milliseconds(INT64_MAX)));
  advance(1'000'000'000ms);
  EXPECT_EQ(get("thirty"), "v");
  EXPECT_EQ(ttl("thirty"), "945080000000");
  EXPECT_EQ(get("most"), "v");
}

TEST_P(CacheContract, Ttl_says_what_is_left) {
  EXPECT_EQ(ttl("k"), "not_found");
  set("k", "v");
  EXPECT_EQ(ttl("k"), "forever");
  set("k", "v", 1000ms);
  advance(400ms);
  EXPECT_EQ(ttl("k"), "600");
  advance(600ms);
  EXPECT_EQ(ttl("k"), "not_found");
}

TEST_P(CacheContract, Touch_gives_a_new_time_from_now) {
  EXPECT_FALSE(*run(client_.touch(caller_, "k", 500ms)));
  EXPECT_FALSE(*run(client_.exists(caller_, "k")));
  set("k", "v", 1000ms);
  advance(900ms);
  EXPECT_TRUE(*run(client_.touch(caller_, "k", 1000ms)));
  advance(999ms);
  EXPECT_EQ(get("k"), "v");
  EXPECT_TRUE(*run(client_.touch(caller_, "k", Ttl::forever())));
  EXPECT_EQ(ttl("k"), "forever");
  EXPECT_TRUE(*run(client_.touch(caller_, "k", 10ms)));
  advance(10ms);
  EXPECT_FALSE(*run(client_.touch(caller_, "k", 10ms)));
}

// ---- counters and conditions -----------------------------------------------------------------------------------------------

TEST_P(CacheContract, Increment_counts_from_nought_and_leaves_the_time) {
  EXPECT_EQ(*run(client_.increment(caller_, "n")), 1);
  EXPECT_EQ(*run(client_.increment(caller_, "n", 41)), 42);
  EXPECT_EQ(*run(client_.increment(caller_, "n", -50)), -8);
  EXPECT_EQ(get("n"), "-8");
  set("t", "10", 1000ms);
  advance(600ms);
  EXPECT_EQ(*run(client_.increment(caller_, "t", 5, 9000ms)), 15);
  EXPECT_EQ(ttl("t"), "400");
  EXPECT_EQ(*run(client_.increment(caller_, "new", 1, 500ms)), 1);
  EXPECT_EQ(ttl("new"), "500");
  advance(400ms);
  EXPECT_EQ(*run(client_.increment(caller_, "t")), 1) << "its time was over";
}

TEST_P(CacheContract, Increment_of_what_is_no_integer_leaves_it) {
  for (const std::string_view text : {"", "abc", "1.5", "1e3", "+1", " 1", "1 ", "01", "-0", "-", "0x1", "9223372036854775808"}) {
    set("k", text);
    const auto value = run(client_.increment(caller_, "k"));
    ASSERT_FALSE(value.ok()) << text;
    EXPECT_EQ(value.error().kind(), ErrorKind::invalid_argument);
    EXPECT_EQ(value.error().detail(), "not_an_integer") << text;
    EXPECT_EQ(get("k"), text);
  }
}

TEST_P(CacheContract, Increment_beyond_64_bits_is_out_of_range_and_leaves_it) {
  set("k", "9223372036854775807");
  const auto over = run(client_.increment(caller_, "k"));
  ASSERT_FALSE(over.ok());
  EXPECT_EQ(over.error().kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(over.error().detail(), "out_of_range");
  EXPECT_EQ(get("k"), "9223372036854775807");
  EXPECT_EQ(*run(client_.increment(caller_, "k", INT64_MIN)), -1);
  set("k", "-9223372036854775808");
  EXPECT_FALSE(run(client_.increment(caller_, "k", -1)).ok());
  EXPECT_EQ(*run(client_.increment(caller_, "k", 0)), INT64_MIN);
}

TEST_P(CacheContract, Set_if_absent_sets_once_and_again_after_its_time) {
  EXPECT_TRUE(*run(client_.set_if_absent(caller_, "lock", "me", SetOptions(1000ms))));
  EXPECT_FALSE(*run(client_.set_if_absent(caller_, "lock", "you", SetOptions(1000ms))));
  EXPECT_EQ(get("lock"), "me");
  EXPECT_EQ(ttl("lock"), "1000");
  advance(1000ms);
  EXPECT_TRUE(*run(client_.set_if_absent(caller_, "lock", "you")));
  EXPECT_EQ(get("lock"), "you");
  EXPECT_EQ(ttl("lock"), "forever");
}

TEST_P(CacheContract, Delete_if_looks_at_the_value) {
  EXPECT_FALSE(*run(client_.remove_if(caller_, "lock", "")));
  set("lock", "me", 1000ms);
  EXPECT_FALSE(*run(client_.remove_if(caller_, "lock", "you")));
  EXPECT_FALSE(*run(client_.remove_if(caller_, "lock", "me2")));
  EXPECT_EQ(get("lock"), "me");
  EXPECT_TRUE(*run(client_.remove_if(caller_, "lock", "me")));
  EXPECT_EQ(get("lock"), "-");
  set("lock", "me", 1000ms);
  advance(1000ms);
  EXPECT_FALSE(*run(client_.remove_if(caller_, "lock", "me")));
}

// ---- many, namespaces, tags ------------------------------------------------------------------------------------------------

TEST_P(CacheContract, Many_at_once_in_the_order_asked_for) {
  const std::vector<Item> items{{"a", "1"}, {"b", "2"}, {"a", "3"}};
  ASSERT_TRUE(run(client_.set_many(caller_, items, SetOptions(100ms))).ok());
  const std::vector<std::string> keys{"b", "x", "a", "b"};
  const auto values = run(client_.get_many(caller_, keys));
  ASSERT_TRUE(values.ok());
  std::string seen;
  for (const auto& value : *values) seen += value ? value->view() : "-";
  EXPECT_EQ(seen, "2-32");
  EXPECT_TRUE(run(client_.get_many(caller_, std::vector<std::string>{}))->empty());
  EXPECT_TRUE(run(client_.set_many(caller_, std::vector<Item>{})).ok());
  advance(100ms);
  const auto gone = run(client_.get_many(caller_, keys));
  for (const auto& value : *gone) EXPECT_FALSE(value);
}

TEST_P(CacheContract, Namespaces_do_not_run_together) {
  const Client x = client_.in("x");
  const Client xy = client_.in("x:y");
  const Client star = client_.in("*");
  ASSERT_TRUE(run(x.set(caller_, "y:k", "1")).ok());
  ASSERT_TRUE(run(x.set(caller_, "k*", "s")).ok());
  ASSERT_TRUE(run(x.set(caller_, "kk", "t")).ok());
  ASSERT_TRUE(run(star.set(caller_, "k", "u")).ok());
  set("k", "none");
  EXPECT_EQ(get(xy, "k"), "-");
  EXPECT_EQ(get(client_, "y:k"), "-");
  EXPECT_EQ(get(client_.in("xy"), ":k"), "-");
  EXPECT_TRUE(*run(x.remove(caller_, "k*")));
  EXPECT_EQ(get(x, "kk"), "t");
  EXPECT_EQ(*run(x.count(caller_)), 2U);
  ASSERT_TRUE(run(star.clear(caller_)).ok());
  EXPECT_EQ(get(star, "k"), "-");
  EXPECT_EQ(get(x, "kk"), "t");
  EXPECT_EQ(get("k"), "none");
  ASSERT_TRUE(run(client_.clear(caller_)).ok());
  EXPECT_EQ(get("k"), "-");
  EXPECT_EQ(get(x, "y:k"), "1");
  EXPECT_EQ(*run(client_.count(caller_)), 0U);
}

TEST_P(CacheContract, Count_leaves_out_what_is_over) {
  set("a", "1");
  set("b", "2", 1000ms);
  set("a", "3");
  EXPECT_EQ(*run(client_.count(caller_)), 2U);
  advance(1000ms);
  EXPECT_EQ(*run(client_.count(caller_)), 1U);
}

TEST_P(CacheContract, Clear_of_many_thousand) {
  const Client other = client_.in("other");
  for (int n = 0; n < 5000; ++n) {
    set(std::to_string(n), "v");
    if (n % 5 == 0) ASSERT_TRUE(run(other.set(caller_, std::to_string(n), "v")).ok());
  }
  EXPECT_EQ(*run(client_.count(caller_)), 5000U);
  ASSERT_TRUE(run(client_.clear(caller_)).ok());
  EXPECT_EQ(*run(client_.count(caller_)), 0U);
  EXPECT_EQ(*run(other.count(caller_)), 1000U);
}

TEST_P(CacheContract, Tags_find_entries_of_every_namespace) {
  if (!GetParam().tags) GTEST_SKIP() << "no tags";
  const auto tagged = [](std::vector<std::string> tags) { return SetOptions().with_tags(std::move(tags)); };
  const Client other = client_.in("other");
  set("a", "1", tagged({"red", "big"}));
  set("b", "2", tagged({"red", "red"}));
  set("c", "3", tagged({"blue"}));
  set("d", "4");
  ASSERT_TRUE(run(other.set(caller_, "a", "5", tagged({"big"}))).ok());
  const std::vector<std::string> big{"big", "nobody's"};
  ASSERT_TRUE(run(client_.invalidate_tags(caller_, big)).ok());
  EXPECT_EQ(get("a") + get("b") + get("c") + get("d") + get(other, "a"), "-234-");
  set("b", "6", tagged({"blue"}));  // a new value has its own tags
  const std::vector<std::string> red{"red"};
  ASSERT_TRUE(run(client_.invalidate_tags(caller_, red)).ok());
  EXPECT_EQ(get("b"), "6");
  const std::vector<std::string> blue{"blue"};
  ASSERT_TRUE(run(client_.invalidate_tags(caller_, blue)).ok());
  EXPECT_EQ(get("b") + get("c") + get("d"), "--4");
}

TEST_P(CacheContract, Tags_of_many_thousand) {
  if (!GetParam().tags) GTEST_SKIP() << "no tags";
  for (int n = 0; n < 5000; ++n) set(std::to_string(n), "v", SetOptions().with_tags({n % 2 == 0 ? "even" : "odd", "all"}));
  const std::vector<std::string> odd{"odd"};
  ASSERT_TRUE(run(client_.invalidate_tags(caller_, odd)).ok());
  EXPECT_EQ(*run(client_.count(caller_)), 2500U);
  const std::vector<std::string> all{"all"};
  ASSERT_TRUE(run(client_.invalidate_tags(caller_, all)).ok());
  EXPECT_EQ(*run(client_.count(caller_)), 0U);
}

// ---- loads -----------------------------------------------------------------------------------------------------------------

namespace {

/// A loader that counts its runs, sleeps and gives `outcome` ("-": nothing, "!": an error), changed by the test as it goes on.
struct Source {
  explicit Source(net::Loop& on) : loop(&on) {}
  net::Loop* loop;
  std::chrono::milliseconds takes{50};
  std::string outcome = "v";
  int runs = 0;
  int ended = 0;
  int cancelled = 0;

  [[nodiscard]] Loader loader() {
    return [this]() -> Task<Result<std::optional<std::string>>> {
      using Made = Result<std::optional<std::string>>;
      ++runs;
      const std::string what = outcome;
      if (takes > 0ms) {
        const Result<void> slept = co_await net::sleep(*loop, takes);
        if (!slept.ok()) {
          ++cancelled;
          co_return Made(slept.error());
        }
      }
      ++ended;
      if (what == "!") co_return Made(Error(ErrorKind::unavailable, "the source is down"));
      if (what == "-") co_return Made(std::optional<std::string>());
      co_return Made(std::optional<std::string>(what));
    };
  }
};

}  // namespace

TEST_P(CacheContract, One_load_for_many_callers) {
  Source source(*loop_);
  std::vector<std::shared_ptr<std::optional<Loaded>>> callers;
  for (int n = 0; n < 5; ++n)
    callers.push_back(start(client_.get_or_load(caller_, "k", LoadOptions(1000ms), source.loader()).task()));
  settle();
  EXPECT_FALSE(callers[0]->has_value());
  advance(50ms);
  for (const auto& caller : callers) {
    ASSERT_TRUE(caller->has_value());
    EXPECT_EQ(text_of(**caller), "v");
  }
  EXPECT_EQ(source.runs, 1);
  EXPECT_EQ(get("k"), "v");
  EXPECT_EQ(ttl("k"), "1000");
  source.outcome = "w";
  EXPECT_EQ(text_of(run(client_.get_or_load(caller_, "k", LoadOptions(), source.loader()))), "v");
  advance(1000ms);
  source.takes = 0ms;
  EXPECT_EQ(text_of(run(client_.get_or_load(caller_, "k", LoadOptions(), source.loader()))), "w");
  EXPECT_EQ(source.runs, 2);
  const LoadStatistics now = client_.statistics();
  EXPECT_EQ(now.loads, 2U);
  EXPECT_EQ(now.load_failures, 0U);
}

TEST_P(CacheContract, Loads_of_different_keys_do_not_wait_for_each_other) {
  Source slow(*loop_);
  Source quick(*loop_);
  quick.takes = 0ms;
  auto first = start(client_.get_or_load(caller_, "slow", LoadOptions(), slow.loader()).task());
  settle();
  EXPECT_EQ(text_of(run(client_.get_or_load(caller_, "quick", LoadOptions(), quick.loader()))), "v");
  EXPECT_EQ(text_of(run(client_.in("n").get_or_load(caller_, "slow", LoadOptions(), quick.loader()))), "v");
  EXPECT_FALSE(first->has_value());
  advance(50ms);
  EXPECT_EQ(text_of(**first), "v");
}

TEST_P(CacheContract, A_load_that_fails_fails_for_all_and_is_not_kept) {
  Source source(*loop_);
  source.outcome = "!";
  auto a = start(client_.get_or_load(caller_, "k", LoadOptions(), source.loader()).task());
  auto b = start(client_.get_or_load(caller_, "k", LoadOptions(), source.loader()).task());
  advance(50ms);
  EXPECT_EQ(text_of(**a), "load_failed");
  EXPECT_EQ(text_of(**b), "load_failed");
  EXPECT_NE((**a).error().message().find("the source is down"), std::string::npos);
  EXPECT_EQ(source.runs, 1);
  EXPECT_EQ(get("k"), "-");
  source.outcome = "v";
  source.takes = 0ms;
  EXPECT_EQ(text_of(run(client_.get_or_load(caller_, "k", LoadOptions(), source.loader()))), "v");
  EXPECT_EQ(client_.statistics().load_failures, 1U);
}

TEST_P(CacheContract, A_loader_that_throws_has_failed) {
  Loader load = []() -> Task<Result<std::optional<std::string>>> {
    throw std::runtime_error("thrown");
    co_return Result<std::optional<std::string>>(std::optional<std::string>());
  };
  EXPECT_EQ(text_of(run(client_.get_or_load(caller_, "k", LoadOptions(), std::move(load)))), "load_failed");
}

TEST_P(CacheContract, A_stale_value_stands_in_for_a_failed_load) {
  Source source(*loop_);
  source.takes = 0ms;
  LoadOptions options(1000ms);
  options.stale_if_error = 5000ms;
  EXPECT_EQ(text_of(run(client_.get_or_load(caller_, "k", options, source.loader()))), "v");
  advance(1000ms);
  EXPECT_EQ(get("k"), "-");
  EXPECT_FALSE(*run(client_.exists(caller_, "k")));
  EXPECT_EQ(*run(client_.count(caller_)), 0U);
  EXPECT_EQ(ttl("k"), "not_found");
  source.outcome = "!";
  EXPECT_EQ(text_of(run(client_.get_or_load(caller_, "k", options, source.loader()))), "v");
  EXPECT_EQ(source.runs, 2);
  advance(4999ms);
  EXPECT_EQ(text_of(run(client_.get_or_load(caller_, "k", options, source.loader()))), "v");
  advance(1ms);
  EXPECT_EQ(text_of(run(client_.get_or_load(caller_, "k", options, source.loader()))), "load_failed");
  source.outcome = "w";
  EXPECT_EQ(text_of(run(client_.get_or_load(caller_, "k", options, source.loader()))), "w");
  EXPECT_TRUE(*run(client_.remove(caller_, "k")));
  source.outcome = "!";
  EXPECT_EQ(text_of(run(client_.get_or_load(caller_, "k", options, source.loader()))), "load_failed") << "it was deleted";
}

TEST_P(CacheContract, That_there_is_nothing_is_remembered) {
  Source source(*loop_);
  source.takes = 0ms;
  source.outcome = "-";
  LoadOptions options;
  EXPECT_EQ(text_of(run(client_.get_or_load(caller_, "k", options, source.loader()))), "-");
  EXPECT_EQ(text_of(run(client_.get_or_load(caller_, "k", options, source.loader()))), "-");
  EXPECT_EQ(source.runs, 2) << "not without negative_ttl";
  options.negative_ttl = 1000ms;
  EXPECT_EQ(text_of(run(client_.get_or_load(caller_, "k", options, source.loader()))), "-");
  source.outcome = "v";
  EXPECT_EQ(text_of(run(client_.get_or_load(caller_, "k", options, source.loader()))), "-");
  EXPECT_EQ(source.runs, 3);
  EXPECT_EQ(get("k"), "-");
  EXPECT_FALSE(*run(client_.exists(caller_, "k")));
  EXPECT_EQ(*run(client_.count(caller_)), 0U);
  EXPECT_FALSE(*run(client_.touch(caller_, "k", Ttl::forever())));
  advance(1000ms);
  EXPECT_EQ(text_of(run(client_.get_or_load(caller_, "k", options, source.loader()))), "v");
  source.outcome = "-";
  EXPECT_TRUE(*run(client_.remove(caller_, "k")));
  EXPECT_EQ(text_of(run(client_.get_or_load(caller_, "k", options, source.loader()))), "-");
  EXPECT_FALSE(*run(client_.remove(caller_, "k"))) << "there is nothing";
  source.outcome = "v";
  EXPECT_EQ(text_of(run(client_.get_or_load(caller_, "k", options, source.loader()))), "v") << "but now nobody knows";
  source.outcome = "-";
  EXPECT_TRUE(*run(client_.remove(caller_, "k")));
  EXPECT_EQ(text_of(run(client_.get_or_load(caller_, "k", options, source.loader()))), "-");
  EXPECT_TRUE(*run(client_.set_if_absent(caller_, "k", "set")));
  EXPECT_EQ(text_of(run(client_.get_or_load(caller_, "k", options, source.loader()))), "set");
}

TEST_P(CacheContract, A_value_near_its_end_is_loaded_again_in_the_background) {
  Source source(*loop_);
  source.takes = 0ms;
  LoadOptions options(1000ms);
  options.early_refresh = 200ms;
  EXPECT_EQ(text_of(run(client_.get_or_load(caller_, "k", options, source.loader()))), "v");
  source.takes = 50ms;
  source.outcome = "w";
  advance(800ms);
  EXPECT_EQ(text_of(run(client_.get_or_load(caller_, "k", options, source.loader()))), "v");
  EXPECT_EQ(source.runs, 1) << "200 ms are left, not less";
  advance(1ms);
  EXPECT_EQ(text_of(run(client_.get_or_load(caller_, "k", options, source.loader()))), "v");
  EXPECT_EQ(text_of(run(client_.get_or_load(caller_, "k", options, source.loader()))), "v");
  EXPECT_EQ(source.runs, 2) << "one of them begins, both have the value at once";
  advance(50ms);
  EXPECT_EQ(get("k"), "w");
  EXPECT_EQ(ttl("k"), "1000");
  source.outcome = "!";
  advance(900ms);
  EXPECT_EQ(text_of(run(client_.get_or_load(caller_, "k", options, source.loader()))), "w");
  advance(50ms);
  EXPECT_EQ(source.runs, 3);
  EXPECT_EQ(get("k"), "w") << "a failed one changes nothing";
  EXPECT_EQ(ttl("k"), "50");
}

TEST_P(CacheContract, Each_caller_waits_as_long_as_it_wants) {
  Source source(*loop_);
  LoadOptions hasty;
  hasty.wait = 20ms;
  auto first = start(client_.get_or_load(caller_, "k", hasty, source.loader()).task());
  auto second = start(client_.get_or_load(caller_, "k", LoadOptions(), source.loader()).task());
  auto third = start(client_.get_or_load(caller_, "k", hasty, source.loader()).task());
  advance(19ms);
  EXPECT_FALSE(first->has_value() || second->has_value() || third->has_value());
  advance(1ms);
  EXPECT_EQ(text_of(**first), "timeout") << "the one who began it";
  EXPECT_EQ(text_of(**third), "timeout");
  EXPECT_FALSE(second->has_value());
  advance(30ms);
  EXPECT_EQ(text_of(**second), "v");
  EXPECT_EQ(source.runs, 1);
}

TEST_P(CacheContract, A_cancelled_caller_does_not_end_the_load_of_others) {
  Source source(*loop_);
  CancelSource cancel;
  auto first = start(client_.get_or_load(caller_, "k", LoadOptions(), source.loader()).task(), cancel.token());
  settle();
  auto second = start(client_.get_or_load(caller_, "k", LoadOptions(), source.loader()).task());
  settle();
  cancel.cancel();
  settle();
  EXPECT_EQ(text_of(**first), "cancelled");
  EXPECT_FALSE(second->has_value());
  advance(50ms);
  EXPECT_EQ(text_of(**second), "v");
  EXPECT_EQ(source.runs, 1);
  EXPECT_EQ(source.cancelled, 0);
}

TEST_P(CacheContract, A_load_that_nobody_waits_for_is_cancelled) {
  Source source(*loop_);
  CancelSource cancel;
  auto first = start(client_.get_or_load(caller_, "k", LoadOptions(), source.loader()).task(), cancel.token());
  settle();
  cancel.cancel();
  settle();
  EXPECT_EQ(text_of(**first), "cancelled");
  EXPECT_EQ(source.cancelled, 1);
  EXPECT_EQ(get("k"), "-");
  source.takes = 0ms;
  EXPECT_EQ(text_of(run(client_.get_or_load(caller_, "k", LoadOptions(), source.loader()))), "v");
}

TEST_P(CacheContract, A_late_loader_is_replaced_and_its_value_thrown_away) {
  Source late(*loop_);
  late.takes = 500ms;
  late.outcome = "late";
  Source good(*loop_);
  good.outcome = "good";
  LoadOptions options;
  options.load_timeout = 100ms;
  auto first = start(client_.get_or_load(caller_, "k", options, late.loader()).task());
  settle();
  auto second = start(client_.get_or_load(caller_, "k", options, good.loader()).task());
  advance(100ms);
  EXPECT_EQ(good.runs, 1);
  EXPECT_EQ(late.cancelled, 1);
  advance(50ms);
  EXPECT_EQ(text_of(**first), "good");
  EXPECT_EQ(text_of(**second), "good");
  advance(1000ms);
  EXPECT_EQ(get("k"), "good");
}

TEST_P(CacheContract, A_long_load_keeps_its_right_for_all_its_time) {
  // Two processes where the backend is shared; a lease is shorter than the load.
  Source source(*loop_);
  source.takes = 25'000ms;
  auto first = start(client_.get_or_load(caller_, "k", LoadOptions(60'000ms), source.loader()).task());
  settle();
  auto second =
      start(Client(beside_ ? beside_ : client_.cache()).get_or_load(caller_, "k", LoadOptions(60'000ms), source.loader()).task());
  for (int n = 0; n < 24; ++n) advance(1000ms);
  EXPECT_FALSE(first->has_value() || second->has_value());
  advance(1000ms);
  advance(100ms);
  ASSERT_TRUE(first->has_value() && second->has_value());
  EXPECT_EQ(text_of(**first) + text_of(**second), "vv");
  EXPECT_EQ(source.runs, 1);
}

TEST_P(CacheContract, What_is_changed_during_a_load_is_not_overwritten_by_it) {
  const auto during = [&](const std::function<void()>& change) {
    Source source(*loop_);
    LoadOptions options;
    options.tags = {"tag"};
    auto caller = start(client_.get_or_load(caller_, "k", options, source.loader()).task());
    advance(10ms);
    change();
    advance(40ms);
    EXPECT_EQ(text_of(**caller), "v") << "its caller has it all the same";
    const std::string there = get("k");
    EXPECT_TRUE(run(client_.remove(caller_, "k")).ok());
    return there;
  };
  EXPECT_EQ(during([] {}), "v");
  EXPECT_EQ(during([&] { (void)run(client_.remove(caller_, "k")); }), "-");
  EXPECT_EQ(during([&] { set("k", "newer"); }), "newer");
  const std::vector<Item> items{{"first", "1"}, {"k", "newest"}};
  EXPECT_EQ(during([&] { (void)run(client_.set_many(caller_, items)); }), "newest");
  EXPECT_EQ(during([&] { (void)run(client_.clear(caller_)); }), "-");
  EXPECT_EQ(during([&] { (void)run(client_.in("other").clear(caller_)); }), "v");
  if (GetParam().tags) {
    const std::vector<std::string> tags{"tag"};
    EXPECT_EQ(during([&] { (void)run(client_.invalidate_tags(caller_, tags)); }), "-");
  }
}

TEST_P(CacheContract, Two_steps_for_hosts_a_loader_that_gives_up_hands_on) {
  Cache& cache = *client_.cache();
  auto first = run(cache.begin_load(caller_, "", "k", LoadOptions(1000ms)));
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE(first->loads);
  auto second = start(cache.begin_load(caller_, "", "k", LoadOptions(1000ms)));
  auto third = start(cache.begin_load(caller_, "", "k", LoadOptions(1000ms)));
  settle();
  EXPECT_FALSE(second->has_value());
  ASSERT_TRUE(run(cache.end_load(&caller_, first->flight, Cache::End::given_up, {}, {})).ok());
  settle();
  ASSERT_TRUE(second->has_value());
  EXPECT_TRUE((**second)->loads);
  EXPECT_NE((**second)->flight, first->flight);
  EXPECT_FALSE(third->has_value());
  EXPECT_EQ(text_of(run(cache.end_load(&caller_, first->flight, Cache::End::value, "old", {}))), "old") << "answered, not kept";
  EXPECT_EQ(get("k"), "-");
  EXPECT_EQ(text_of(run(cache.end_load(&caller_, (**second)->flight, Cache::End::value, "v", {}))), "v");
  settle();
  ASSERT_TRUE(third->has_value());
  EXPECT_FALSE((**third)->loads);
  EXPECT_EQ((**third)->value->view(), "v");
  EXPECT_EQ(ttl("k"), "1000");
}

TEST_P(CacheContract, One_made_the_loader_that_is_gone_hands_on) {
  Cache& cache = *client_.cache();
  auto first = run(cache.begin_load(caller_, "", "k", LoadOptions()));
  CancelSource cancel;
  auto second = start(cache.begin_load(caller_, "", "k", LoadOptions()), cancel.token());
  auto third = start(cache.begin_load(caller_, "", "k", LoadOptions()));
  settle();
  cancel.cancel();
  ASSERT_TRUE(run(cache.end_load(&caller_, first->flight, Cache::End::given_up, {}, {})).ok());
  settle();
  ASSERT_TRUE(second->has_value() && third->has_value());
  // Cancelled before or after it was told: one of them loads.
  EXPECT_TRUE((*third)->ok() && (**third)->loads);
}

TEST_P(CacheContract, Options_of_loads_are_checked) {
  Source source(*loop_);
  const auto refused = [&](const std::function<void(LoadOptions&)>& change) {
    LoadOptions options;
    change(options);
    const auto value = run(client_.get_or_load(caller_, "k", options, source.loader()));
    return !value.ok() && value.error().kind() == ErrorKind::invalid_argument;
  };
  EXPECT_TRUE(refused([](LoadOptions& o) { o.ttl = Ttl(0ms); }));
  EXPECT_TRUE(refused([](LoadOptions& o) { o.wait = 0ms; }));
  EXPECT_TRUE(refused([](LoadOptions& o) { o.load_timeout = 0ms; }));
  EXPECT_TRUE(refused([](LoadOptions& o) { o.negative_ttl = -1ms; }));
  EXPECT_TRUE(refused([](LoadOptions& o) { o.tags = {""}; }));
  EXPECT_EQ(source.runs, 0);
}

TEST_P(CacheContract, Statistics_count_hits_and_misses) {
  set("k", "v", 1000ms);
  get("k");
  get("k");
  get("x");
  advance(1000ms);
  get("k");
  const LoadStatistics now = client_.statistics();
  EXPECT_EQ(now.hits, 2U);
  EXPECT_EQ(now.misses, 2U);
  EXPECT_EQ(now.expirations, 1U);
  EXPECT_EQ(now.entries, 0U);
}

}  // namespace spikard::cache
