#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "messaging/client.hpp"
#include "messaging/operations.hpp"
#include "messaging/registry.hpp"
#include "net/virtual_clock.hpp"

namespace spikard::messaging {

using Strings = std::vector<std::string>;

/// What a handler does with a delivery: `sleep` first, then the outcome.
struct Step {
  Step(worker_loop::Outcome what) : outcome(std::move(what)) {}
  Step(Duration first, worker_loop::Outcome then) : sleep(first), outcome(std::move(then)) {}
  Duration sleep{};
  worker_loop::Outcome outcome;
};

/// Handlers by script: the nth delivery of a payload takes its nth step, else it is acked. Writes down what was settled, as
/// `payload#delivery_count outcome`.
class Script final : public worker_loop::WorkSink {
 public:
  explicit Script(net::Loop& loop) : loop_(loop) {}
  void attach(const std::shared_ptr<worker_loop::WorkerLoop>& worker) override { worker_ = worker; }
  void on_work(std::uint64_t ticket, std::shared_ptr<const worker_loop::WorkItem> item) override {
    Step step = worker_loop::Outcome::ack();
    std::deque<Step>& steps = script[item->payload];
    if (!steps.empty()) {
      step = steps.front();
      steps.pop_front();
    }
    running_.emplace(ticket, Running{item, step.outcome, nullptr});
    begun.push_back(loop_.clock().now());
    most = std::max(most, running_.size());
    items.push_back(item);
    if (step.sleep <= Duration::zero()) {
      end(ticket);
      return;
    }
    auto timer = std::make_unique<net::Timer>(loop_, [this, ticket] { end(ticket); });
    timer->start(step.sleep);
    running_.find(ticket)->second.timer = std::move(timer);
  }
  void on_cancel(std::uint64_t ticket, CancelReason reason) override {
    const auto at = running_.find(ticket);
    if (at == running_.end()) return;
    if (reason == CancelReason::deadline) note(*at->second.item, "timeout");
    else cancelled.push_back(at->second.item->payload);
    running_.erase(at);
  }

  std::map<std::string, std::deque<Step>> script;
  Strings handled;
  Strings cancelled;
  std::vector<std::shared_ptr<const worker_loop::WorkItem>> items;
  std::vector<Instant> begun;  // of each of those
  std::size_t most = 0;

 private:
  struct Running {
    std::shared_ptr<const worker_loop::WorkItem> item;
    worker_loop::Outcome outcome;
    std::unique_ptr<net::Timer> timer;
  };
  void note(const worker_loop::WorkItem& item, std::string_view outcome) {
    handled.push_back(item.payload + "#" + std::to_string(item.delivery_count) + " " + std::string(outcome));
  }
  void end(std::uint64_t ticket) {
    auto at = running_.find(ticket);
    note(*at->second.item, worker_loop::name_of(at->second.outcome.kind));
    worker_loop::Outcome outcome = std::move(at->second.outcome);
    auto worker = worker_.lock();
    if (worker != nullptr) worker->complete(ticket, std::move(outcome));
    const std::unique_ptr<net::Timer> timer = std::move(at->second.timer);  // perhaps the one that runs
    running_.erase(at);
  }

  net::Loop& loop_;
  std::weak_ptr<worker_loop::WorkerLoop> worker_;
  std::map<std::uint64_t, Running> running_;
};

/// One backend under test: opens it, again after a restart.
struct BackendCase {
  using Open = std::function<Result<std::shared_ptr<Backend>>(Clock&)>;
  std::string name;
  /// A fresh place each time it is called; what it returns opens that place.
  std::function<Open()> place;
  /// A server, whose waits are its own: the rig runs in real time, and turns the loop until what is expected is there.
  bool real_time = false;
  /// The shortest that such a server lets a dead consumer keep what it held.
  Duration lease = std::chrono::seconds(1);
  /// Why a test cannot run here where no capability says so; empty: it can.
  std::function<std::string(std::string_view test)> skip{};
};
inline void PrintTo(const BackendCase& one, std::ostream* out) { *out << one.name; }

/// A client and everything it needs on this thread. On a virtual clock, or, with a server, in real time: then `until` and the
/// comparison of `handled` turn the loop until it is so (10 s at most), and `advance` is a short look at whether anything else
/// comes.
struct Rig : ::testing::TestWithParam<BackendCase> {
  static constexpr Duration quiet = std::chrono::milliseconds(50);

  const bool real = GetParam().real_time;
  /// For what a server does in its own time; a dead consumer's lease may come first.
  [[nodiscard]] static Duration patience() { return std::chrono::seconds(8) + 2 * GetParam().lease; }
  net::VirtualClock clock;
  RealClock real_clock;
  std::unique_ptr<net::Loop> loop = net::Loop::create(time()).value();
  BackendCase::Open open_again = GetParam().place();
  std::shared_ptr<Backend> backend;
  std::shared_ptr<Client> client;
  ClientOptions client_options;

  void SetUp() override {
    const std::string test = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    const std::string why = GetParam().skip ? GetParam().skip(test.substr(0, test.find('/'))) : std::string();
    if (!why.empty()) GTEST_SKIP() << why;
    open();
  }
  void TearDown() override {
    for (auto& [name, one] : consumers) {
      if (one.consumer != nullptr) one.consumer->kill();
    }
    advance(quiet);
    consumers.clear();
    client.reset();
    backend.reset();
  }
  [[nodiscard]] Clock& time() { return real ? static_cast<Clock&>(real_clock) : clock; }
  void open() {
    Result<std::shared_ptr<Backend>> opened = open_again(time());
    ASSERT_TRUE(opened.ok()) << opened.error().to_string();
    backend = std::move(opened).value();
    client = std::make_shared<Client>(backend, client_options);
  }
  /// As if the process had been killed and started again.
  void restart() {
    for (auto& [name, one] : consumers) {
      if (one.consumer != nullptr) one.consumer->kill();
    }
    advance(Duration::zero());
    consumers.clear();
    client.reset();
    backend.reset();
    open();
  }

  template <class T>
  T await(Task<T> task) {
    std::optional<T> value;
    bool ended = false;
    spawn(std::move(task), [&](const std::exception_ptr& error, std::optional<T> v) {
      EXPECT_EQ(error, nullptr);
      if (v.has_value()) value.emplace(std::move(*v));
      ended = true;
    });
    for (int i = 0; i < 100000 && !ended; ++i) loop->turn(10);
    EXPECT_TRUE(ended);
    return std::move(*value);
  }
  /// What a server does in its own time. On a virtual clock it is so already.
  template <class Condition>
  bool until(Condition condition) {
    const Instant deadline = real_clock.now() + patience();
    while (real && !condition() && real_clock.now() < deadline) loop->turn(10);
    const bool good = condition();
    EXPECT_TRUE(good) << "not within " << std::chrono::duration_cast<std::chrono::seconds>(patience()).count() << " s";
    return good;
  }
  void turn_for(Duration time_span) {
    const Instant end = real_clock.now() + time_span;
    while (real_clock.now() < end) loop->turn(5);
  }
  /// Time that the test needs to pass: so much on the virtual clock, so much in real time.
  void pause(Duration by, Duration in_real_time) {
    if (real) turn_for(in_real_time);
    else advance(by);
  }
  /// Short where time is real.
  [[nodiscard]] Duration either(Duration on_virtual, Duration in_real_time) const { return real ? in_real_time : on_virtual; }
  void advance(Duration by) {
    if (real) return turn_for(std::clamp<Duration>(by, std::chrono::milliseconds(2), quiet));
    const auto done = std::make_shared<std::atomic<bool>>(false);  // told on whatever thread finished last
    clock.advance(by, [done, mailbox = loop->mailbox()] {
      done->store(true);
      mailbox->post([] {});
    });
    for (int i = 0; i < 100000 && !done->load(); ++i) loop->turn(10);
    ASSERT_TRUE(done->load());
  }
  void settle() { advance(Duration::zero()); }
  [[nodiscard]] net::Caller caller() const { return net::Caller(*loop); }

  std::uint64_t publish(Message message) {
    Result<std::uint64_t> position = await(client->publish(caller(), std::move(message)));
    EXPECT_TRUE(position.ok()) << position.error().to_string();
    settle();
    return position.ok() ? *position : 0;
  }
  std::uint64_t publish(const std::string& topic, const std::string& payload) { return publish(Message(topic, payload)); }

  struct Running {
    std::shared_ptr<Script> script;
    std::shared_ptr<Consumer> consumer;
  };
  std::map<std::string, Running> consumers;

  [[nodiscard]] Duration lease() const { return either(std::chrono::seconds(3), GetParam().lease); }
  [[nodiscard]] services::Consumer config(const std::string& name, const std::string& topic,
                                          const std::string& group = "g") const {
    services::Consumer out;
    out.name = name;
    out.topic = topic;
    out.group = group;
    out.ack_wait_ms = static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(lease()).count());
    out.backoff.initial_ms = 100;
    out.backoff.max_ms = 1000;
    return out;
  }
  Script& start(const services::Consumer& config, std::map<std::string, std::deque<Step>> script = {}) {
    Running& one = consumers[config.name];
    one.script = std::make_shared<Script>(*loop);
    one.script->script = std::move(script);
    Result<ConsumerOptions> options = client->consumer_options(config);
    EXPECT_TRUE(options.ok()) << options.error().to_string();
    Result<std::shared_ptr<Consumer>> started = await(client->start_consumer(*loop, std::move(options).value(), one.script));
    EXPECT_TRUE(started.ok()) << started.error().to_string();
    one.consumer = std::move(started).value();
    settle();
    return *one.script;
  }
  Consumer::Stopped stop(const std::string& name, Duration limit = std::chrono::seconds(20)) {
    const Consumer::Stopped out = await(consumers.at(name).consumer->stop(limit));
    settle();
    consumers.at(name).consumer = nullptr;
    return out;
  }
  void kill(const std::string& name) {
    consumers.at(name).consumer->kill();
    consumers.at(name).consumer = nullptr;
    settle();
  }
  /// What a consumer has handled: equal as soon as it is so, and for a moment after.
  class Handled {
   public:
    Handled(Rig& rig, std::string name) : rig_(rig), name_(std::move(name)) {}
    [[nodiscard]] const Strings& now() const { return rig_.consumers.at(name_).script->handled; }
    [[nodiscard]] std::size_t size() const { return now().size(); }
    [[nodiscard]] const std::string& back() const { return now().back(); }
    [[nodiscard]] auto begin() const { return now().begin(); }
    [[nodiscard]] auto end() const { return now().end(); }
    [[nodiscard]] const std::string& operator[](std::size_t i) const { return now()[i]; }
    friend bool operator==(const Handled& one, const Strings& expected) {
      if (one.rig_.real) {
        const Instant deadline = one.rig_.real_clock.now() + patience();
        while (one.now().size() < expected.size() && one.rig_.real_clock.now() < deadline) one.rig_.loop->turn(10);
        one.rig_.turn_for(quiet);
      }
      return one.now() == expected;
    }
    friend void PrintTo(const Handled& one, std::ostream* out) { *out << ::testing::PrintToString(one.now()); }

   private:
    Rig& rig_;
    std::string name_;
  };
  [[nodiscard]] Handled handled(const std::string& name) { return {*this, name}; }
  /// So many, and then what they are.
  const Strings& handled(const std::string& name, std::size_t count) {
    until([&] { return handled(name).size() >= count; });
    return consumers.at(name).script->handled;
  }

  std::vector<DeadLetter> dead_letters(const std::string& topic) {
    DeadLetterQuery query(topic);
    query.payloads = true;
    Result<DeadLetterPage> page = await(client->list_dead_letters(caller(), std::move(query)));
    EXPECT_TRUE(page.ok()) << page.error().to_string();
    return page.ok() ? std::move(page->messages) : std::vector<DeadLetter>();
  }
  /// As soon as there are so many.
  std::vector<DeadLetter> dead_letters(const std::string& topic, std::size_t count) {
    std::vector<DeadLetter> out;
    until([&] {
      out = dead_letters(topic);
      return out.size() >= count;
    });
    return out;
  }
  static std::string header(const DeadLetter& letter, std::string_view name) {
    const std::string* value = find_header(letter.message.headers, name);
    return value == nullptr ? "(none)" : *value;
  }
};

}  // namespace spikard::messaging
