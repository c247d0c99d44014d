// Our Redis client on a real server: what it promises of commands when connections go (core/net/redis/client.hpp).
#include "net/redis/client.hpp"

#include <gtest/gtest.h>

#include <random>

#include "net/redis/pool.hpp"
#include "proxy.hpp"
#include "server.hpp"

namespace spikard::net::redis {

using namespace std::chrono_literals;

namespace {

/// On the real clock; `GetParam()` is what stands behind the URL.
class RedisClient : public testing::TestWithParam<std::string> {
 protected:
  RedisClient() : loop_(std::move(Loop::create(clock_)).value()) {
    const std::string url = contract::server_setting("REDIS_URL");
    const Result<Options> options = Options::parse(url);
    EXPECT_TRUE(options.ok());
    server_ = options->endpoints.front().text();
    prefix_ = "spikard-test:" + std::to_string(std::random_device()()) + ":";
    loop_->turn(0);
    client_ = open(url);
  }
  ~RedisClient() override {
    if (client_ != nullptr) client_->close();
  }
  std::shared_ptr<Client> open(std::string url, std::string_view more = {}) {
    url += GetParam();
    if (!more.empty()) url.append(url.find('?') == std::string::npos ? "?" : "&").append(more);
    Result<Options> options = Options::parse(url);
    EXPECT_TRUE(options.ok()) << options.error().message();
    return std::make_shared<Client>(*loop_, std::move(*options));
  }
  std::shared_ptr<Client> through(const contract::Proxy& proxy, std::string_view more = {}) {
    return open("redis://" + proxy.address(), more);
  }
  template <class F>
  void until(F done, std::chrono::seconds longest = 20s) {
    const Instant limit = clock_.now() + longest;
    while (!done() && clock_.now() < limit) loop_->turn(20);
    ASSERT_TRUE(done()) << "not in " << longest.count() << " s";
  }
  template <class T>
  std::shared_ptr<std::optional<T>> start(Task<T> task, CancelToken token = {}) {
    auto out = std::make_shared<std::optional<T>>();
    loop_->post([task = std::move(task), out, token = std::move(token)]() mutable {
      spawn(std::move(task).with_token(std::move(token)), [out](std::exception_ptr error, std::optional<T> value) {
        EXPECT_FALSE(error) << "an exception";
        if (value) out->emplace(std::move(*value));
      });
    });
    return out;
  }
  template <class T>
  T run(Task<T> task) {
    auto out = start(std::move(task));
    until([&] { return out->has_value(); });
    return std::move(**out);
  }
  std::string key(std::string_view name) const { return prefix_ + std::string(name); }
  static std::string text_of(const Result<Reply>& reply) {
    if (!reply.ok()) return std::string(name_of(reply.error().kind()));
    if (reply->is_null()) return "-";
    return std::string(reply->text());
  }
  std::string set(Client& client, std::string_view name, std::string_view value) {
    Command command("SET");
    command.key(key(name)).arg(value).arg("PX").arg(60000);
    return text_of(run(client.run(std::move(command))));
  }
  Command get(std::string_view name) const {
    Command command("GET");
    command.key(key(name)).reads();
    return command;
  }

  RealClock clock_;
  std::string server_;
  std::string prefix_;
  std::unique_ptr<Loop> loop_;
  std::shared_ptr<Client> client_;
};

INSTANTIATE_TEST_SUITE_P(Server_redis, RedisClient, testing::Values("", "?protocol=2"),
                         [](const auto& about) { return about.param.empty() ? "resp3" : "resp2"; });

}  // namespace

TEST_P(RedisClient, Commands_and_their_answers) {
  EXPECT_EQ(set(*client_, "k", std::string("a\0\r\n", 4)), "OK");
  EXPECT_EQ(text_of(run(client_->run(get("k")))), std::string("a\0\r\n", 4));
  EXPECT_EQ(text_of(run(client_->run(get("none")))), "-");
  Command length("STRLEN");
  length.key(key("k"));
  const auto size =
      run(client_->run(std::move(length), [](View view) -> Result<std::int64_t> { return view.integer().value_or(-1); }));
  EXPECT_EQ(*size, 4);
  Command push("RPUSH");
  push.key(key("k")).arg("x");
  const auto refused = run(client_->run(std::move(push)));
  EXPECT_EQ(refused.error().kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(refused.error().context().front().second, "WRONGTYPE");
  const std::string large(3U << 20U, 'x');
  EXPECT_EQ(set(*client_, "large", large), "OK");
  EXPECT_EQ(text_of(run(client_->run(get("large")))), large);
}

TEST_P(RedisClient, Ten_thousand_commands_at_once_on_one_connection_answered_in_order) {
  contract::Proxy proxy(*loop_, server_);
  auto client = through(proxy);
  std::vector<std::shared_ptr<std::optional<Result<Reply>>>> out;
  for (int n = 0; n < 10'000; ++n) {
    Command echo("ECHO");
    echo.arg(n).reads();
    out.push_back(start(client->run(std::move(echo))));
  }
  until([&] { return std::all_of(out.begin(), out.end(), [](const auto& one) { return one->has_value(); }); });
  for (int n = 0; n < 10'000; ++n) EXPECT_EQ(text_of(**out[static_cast<std::size_t>(n)]), std::to_string(n));
  EXPECT_EQ(proxy.accepted(), 1U);
  client->close();
}

TEST_P(RedisClient, Several_together_and_as_a_transaction) {
  std::vector<Command> commands;
  for (int n = 0; n < 3; ++n) {
    Command count("INCRBY");
    count.key(key("n")).arg(n + 1);
    commands.push_back(std::move(count));
  }
  Command wrong("NOSUCHCOMMAND");
  commands.push_back(std::move(wrong));
  commands.push_back(get("n"));
  const auto answers = run(client_->run_all(std::move(commands)));
  ASSERT_EQ(answers.size(), 5U);
  EXPECT_EQ(text_of(answers[0]) + text_of(answers[1]) + text_of(answers[2]), "136");
  EXPECT_EQ(text_of(answers[3]), "unsupported");
  EXPECT_EQ(text_of(answers[4]), "6");
  std::vector<Command> both;
  Command again("INCR");
  again.key(key("n"));
  both.push_back(std::move(again));
  both.push_back(get("n"));
  const auto done = run(client_->transaction(std::move(both)));
  ASSERT_TRUE(done.ok()) << done.error().to_string();
  EXPECT_EQ(done->view()[0].integer(), 7);
  EXPECT_EQ(done->view()[1].text(), "7");
  std::vector<Command> broken;
  broken.emplace_back("NOSUCHCOMMAND");
  EXPECT_EQ(text_of(run(client_->transaction(std::move(broken)))), "condition_failed");
  EXPECT_EQ(text_of(run(client_->run(get("n")))), "7") << "the connection goes on";
}

TEST_P(RedisClient, A_script_that_the_server_does_not_know_is_sent_whole) {
  const Script script("return {KEYS[1], ARGV[1], '" + prefix_ + "'}");
  for (int n = 0; n < 2; ++n) {
    Command eval(script, 1);
    eval.key(key("k")).arg("a");
    const auto reply = run(client_->run(std::move(eval)));
    ASSERT_TRUE(reply.ok()) << reply.error().to_string();
    EXPECT_EQ(reply->view()[0].text(), key("k"));
    EXPECT_EQ(reply->view()[2].text(), prefix_);
  }
}

TEST_P(RedisClient, A_cancelled_waiter_leaves_the_pipeline_in_step) {
  std::mt19937 random(7);
  std::vector<std::pair<int, std::shared_ptr<std::optional<Result<Reply>>>>> out;
  std::vector<std::unique_ptr<CancelSource>> sources;
  std::size_t cancelled = 0;
  for (int round = 0; round < 100; ++round) {
    for (int n = 0; n < 20; ++n) {
      Command echo("ECHO");
      echo.arg(round * 20 + n);
      sources.push_back(std::make_unique<CancelSource>());
      out.emplace_back(round * 20 + n, start(client_->run(std::move(echo)), sources.back()->token()));
    }
    loop_->turn(0);
    for (int n = 0; n < 10; ++n) sources[sources.size() - 1 - random() % 20]->cancel();
    loop_->turn(0);
  }
  until([&] { return std::all_of(out.begin(), out.end(), [](const auto& one) { return one.second->has_value(); }); });
  for (const auto& [n, reply] : out) {
    if (text_of(**reply) == "cancelled") ++cancelled;
    else EXPECT_EQ(text_of(**reply), std::to_string(n));
  }
  EXPECT_GT(cancelled, 300U);
  EXPECT_LT(cancelled, 1001U);
}

TEST_P(RedisClient, A_cut_is_healed_reads_are_sent_again_and_writes_are_outcome_unknown) {
  contract::Proxy proxy(*loop_, server_);
  auto client = through(proxy);
  ASSERT_EQ(set(*client, "k", "v"), "OK");
  proxy.freeze(true);
  auto read = start(client->run(get("k")));
  Command count("INCR");
  count.key(key("n"));
  auto written = start(client->run(std::move(count)));
  for (int n = 0; n < 5; ++n) loop_->turn(1);
  EXPECT_FALSE(read->has_value() || written->has_value());
  proxy.cut();
  proxy.freeze(false);
  until([&] { return read->has_value() && written->has_value(); });
  EXPECT_EQ(text_of(**read), "v");
  EXPECT_EQ(text_of(**written), "outcome_unknown");
  EXPECT_EQ(proxy.accepted(), 2U);
  client->close();
}

TEST_P(RedisClient, What_was_not_sent_waits_for_the_next_connection) {
  contract::Proxy proxy(*loop_, server_);
  auto client = through(proxy, "wait_ms=10000");
  proxy.refuse(true);
  Command count("INCR");
  count.key(key("n"));
  auto written = start(client->run(std::move(count)));
  until([&] { return proxy.accepted() >= 3; });
  EXPECT_FALSE(written->has_value());
  proxy.refuse(false);
  until([&] { return written->has_value(); });
  EXPECT_EQ(text_of(**written), "1");
  client->close();
}

TEST_P(RedisClient, Without_a_server_it_is_unavailable_within_wait) {
  contract::Proxy proxy(*loop_, server_);
  proxy.refuse(true);
  auto client = through(proxy, "wait_ms=100");
  const Instant begun = clock_.now();
  EXPECT_EQ(text_of(run(client->run(get("k")))), "unavailable");
  EXPECT_LT(clock_.now() - begun, 5s);
  client->close();
  EXPECT_EQ(text_of(run(client->run(get("k")))), "unavailable");
}

TEST_P(RedisClient, A_server_that_does_not_answer_is_given_up_after_the_timeout) {
  contract::Proxy proxy(*loop_, server_);
  auto client = through(proxy, "timeout_ms=100");
  ASSERT_EQ(set(*client, "k", "v"), "OK");
  proxy.freeze(true);
  const Instant begun = clock_.now();
  auto read = start(client->run(get("k")));
  until([&] { return read->has_value(); });
  EXPECT_EQ(text_of(**read), "timeout");
  EXPECT_LT(clock_.now() - begun, 3s);
  auto connecting = start(client->run(get("k")));
  proxy.freeze(false);
  until([&] { return connecting->has_value(); });
  EXPECT_EQ(text_of(**connecting), "v");
  client->close();
}

TEST_P(RedisClient, Cut_at_random_bytes_no_answer_goes_to_another_question) {
  contract::Proxy proxy(*loop_, server_);
  auto client = through(proxy, "wait_ms=10000");
  std::mt19937 random(11);
  int answered = 0;
  int unknown = 0;
  for (int n = 0; n < 3000; n += 20) {
    if (n % 100 == 0) proxy.cut_after(random() % 3000);
    std::vector<std::shared_ptr<std::optional<Result<Reply>>>> out;
    for (int i = 0; i < 20; ++i) {
      Command echo("ECHO");
      echo.arg(n + i);
      out.push_back(start(client->run(std::move(echo))));
    }
    until([&] { return std::all_of(out.begin(), out.end(), [](const auto& one) { return one->has_value(); }); });
    for (int i = 0; i < 20; ++i) {
      const std::string text = text_of(**out[static_cast<std::size_t>(i)]);
      if (text == "outcome_unknown") ++unknown;
      else EXPECT_EQ(text, std::to_string(n + i));
      answered += text == "outcome_unknown" ? 0 : 1;
    }
  }
  EXPECT_GT(proxy.cuts(), 5U);
  EXPECT_GT(unknown, 0);
  EXPECT_EQ(answered + unknown, 3000);
  client->close();
}

TEST_P(RedisClient, Too_many_waiting_commands_are_refused) {
  contract::Proxy proxy(*loop_, server_);
  auto client = through(proxy, "max_waiting=3&max_waiting_bytes=1000");
  ASSERT_TRUE(run(client->ping()).ok());
  proxy.freeze(true);
  std::vector<std::shared_ptr<std::optional<Result<Reply>>>> out;
  for (int n = 0; n < 4; ++n) out.push_back(start(client->run(get("k"))));
  until([&] { return out[3]->has_value(); });
  EXPECT_EQ(text_of(**out[3]), "rate_limited");
  proxy.freeze(false);
  until([&] { return out[2]->has_value(); });
  EXPECT_EQ(text_of(**out[2]), "-");
  client->close();
}

TEST_P(RedisClient, A_wrong_password_is_said_at_once_and_without_it) {
  Result<Options> options = Options::parse("redis://me:topsecret@" + server_ + GetParam());
  auto client = std::make_shared<Client>(*loop_, *options);
  const Instant begun = clock_.now();
  const auto refused = run(client->ping());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::permission_denied);
  EXPECT_EQ(refused.error().to_string().find("topsecret"), std::string::npos);
  EXPECT_LT(clock_.now() - begun, 900ms);
  client->close();
}

TEST_P(RedisClient, A_user_of_an_access_list_a_name_and_a_database) {
  const std::string user = "u" + std::to_string(std::random_device()());
  Command make("ACL");
  make.arg("SETUSER")
      .arg(user)
      .arg("on")
      .arg(">p@ss/w:rd")
      .arg("~" + prefix_ + "*")
      .arg("+get")
      .arg("+set")
      .arg("+select")
      .arg("+client")
      .arg("+hello");
  ASSERT_EQ(text_of(run(client_->run(std::move(make)))), "OK");
  auto client = open("redis://" + user + ":p%40ss%2Fw%3Ard@" + server_ + "/1", "client_name=spikard-test");
  EXPECT_EQ(set(*client, "k", "in 1"), "OK");
  EXPECT_EQ(text_of(run(client->run(get("k")))), "in 1");
  EXPECT_EQ(text_of(run(client_->run(get("k")))), "-") << "another database";
  Command foreign("GET");
  foreign.key("foreign");
  EXPECT_EQ(text_of(run(client->run(std::move(foreign)))), "permission_denied");
  Command name("CLIENT");
  name.arg("GETNAME");
  EXPECT_EQ(text_of(run(client->run(std::move(name)))), "spikard-test");
  Command gone("ACL");
  gone.arg("DELUSER").arg(user);
  EXPECT_EQ(text_of(run(client_->run(std::move(gone)))), "1");
  client->close();
}

TEST_P(RedisClient, A_blocking_command_waits_on_a_connection_of_its_own) {
  auto own = run(client_->dedicated());
  ASSERT_TRUE(own.ok()) << own.error().to_string();
  Command pop("BLPOP");
  pop.key(key("list")).arg(0);
  auto popped = start((*own)->run(std::move(pop), 60s));
  EXPECT_EQ(text_of(run(client_->run(get("other")))), "-") << "nobody waits for it";
  Command push("RPUSH");
  push.key(key("list")).arg("x");
  EXPECT_EQ(text_of(run(client_->run(std::move(push)))), "1");
  until([&] { return popped->has_value(); });
  EXPECT_EQ((**popped)->view()[1].text(), "x");

  Command again("BLPOP");
  again.key(key("list")).arg(0);
  auto ended = start((*own)->run(std::move(again), 60s));
  for (bool done = false; !done;) {  // it may not have begun to wait
    const auto unblocked = run(client_->unblock((*own)->id()));
    ASSERT_TRUE(unblocked.ok());
    done = *unblocked;
  }
  until([&] { return ended->has_value(); });
  EXPECT_EQ(text_of(**ended), "-");
  EXPECT_TRUE((*own)->is_open());

  CancelSource cancel;
  Command third("BLPOP");
  third.key(key("list")).arg(0);
  auto cancelled = start((*own)->run(std::move(third), 60s), cancel.token());
  loop_->turn(0);
  cancel.cancel();
  until([&] { return cancelled->has_value(); });
  EXPECT_EQ(text_of(**cancelled), "cancelled");
  EXPECT_FALSE((*own)->is_open());
}

TEST_P(RedisClient, A_feed_hears_messages_again_after_a_cut) {
  contract::Proxy proxy(*loop_, server_);
  auto client = through(proxy);
  std::vector<std::string> heard;
  std::vector<bool> states;
  Listening to;
  to.channels = {key("a"), key("b")};
  to.patterns = {key("p*")};
  to.on_message = [&](const Message& message) {
    heard.push_back(std::string(message.channel).substr(prefix_.size()) + "=" + std::string(message.payload) +
                    (message.pattern.empty() ? "" : "*"));
  };
  to.on_state = [&](bool up) { states.push_back(up); };
  const auto feed = client->listen(std::move(to));
  ASSERT_TRUE(run(feed->ready()).ok());
  const auto publish = [&](std::string_view channel, std::string_view text) {
    Command command("PUBLISH");
    command.arg(key(channel)).arg(text);
    return text_of(run(client_->run(std::move(command))));
  };
  EXPECT_EQ(publish("a", "1"), "1");
  EXPECT_EQ(publish("p1", "2"), "1");
  EXPECT_EQ(publish("other", "3"), "0");
  until([&] { return heard.size() == 2; });
  proxy.cut();
  until([&] { return states.size() == 3 && feed->listening(); });
  EXPECT_EQ(states, (std::vector<bool>{true, false, true}));
  EXPECT_EQ(publish("b", "4"), "1");
  until([&] { return heard.size() == 3; });
  EXPECT_EQ(heard, (std::vector<std::string>{"a=1", "p1=2*", "b=4"}));
  feed->close();
  client->close();
}

TEST_P(RedisClient, A_feed_hears_of_changed_keys) {
  std::vector<std::string> changed;
  Listening to;
  to.tracked = {prefix_};
  to.on_changed = [&](std::optional<std::string_view> name) { changed.push_back(name ? std::string(*name) : "all"); };
  const auto feed = client_->listen(std::move(to));
  const auto ready = run(feed->ready());
  if (!GetParam().empty()) {
    ASSERT_FALSE(ready.ok());
    EXPECT_EQ(ready.error().kind(), ErrorKind::unsupported);
    feed->close();
    return;
  }
  ASSERT_TRUE(ready.ok()) << ready.error().to_string();
  EXPECT_EQ(set(*client_, "k", "v"), "OK");
  until([&] { return !changed.empty(); });
  EXPECT_EQ(changed, (std::vector<std::string>{key("k")}));
  feed->close();
}

TEST_P(RedisClient, A_pool_has_one_client_a_loop_and_closes_it_when_the_loop_goes) {
  auto pool = std::make_unique<Pool>(*Options::parse(contract::server_setting("REDIS_URL") + GetParam()));
  const auto here = pool->on(*loop_);
  EXPECT_EQ(here, pool->on(*loop_));
  EXPECT_TRUE(run(here->ping()).ok());
  std::weak_ptr<Client> there;
  {
    auto other = std::move(Loop::create(clock_)).value();
    other->turn(0);
    auto client = pool->on(*other);
    EXPECT_NE(client, here);
    bool done = false;
    other->post([&, task = client->ping()]() mutable {
      spawn(std::move(task), [&](std::exception_ptr, std::optional<Result<void>> value) { done = value && value->ok(); });
    });
    const Instant limit = clock_.now() + 10s;
    while (!done && clock_.now() < limit) other->turn(10);
    EXPECT_TRUE(done);
    there = client;
  }
  EXPECT_TRUE(there.expired());
  pool.reset();
  EXPECT_TRUE(here->closed());
}

}  // namespace spikard::net::redis
