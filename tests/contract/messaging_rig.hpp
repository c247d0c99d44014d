#pragma once

#include <gtest/gtest.h>

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
  std::string name;
  /// A fresh place each time it is called; what it returns opens that place.
  std::function<std::function<Result<std::shared_ptr<Backend>>(net::VirtualClock&)>()> place;
};
inline void PrintTo(const BackendCase& one, std::ostream* out) { *out << one.name; }

/// A client on a virtual clock, everything on this thread.
struct Rig : ::testing::TestWithParam<BackendCase> {
  net::VirtualClock clock;
  std::unique_ptr<net::Loop> loop = net::Loop::create(clock).value();
  std::function<Result<std::shared_ptr<Backend>>(net::VirtualClock&)> open_again = GetParam().place();
  std::shared_ptr<Backend> backend;
  std::shared_ptr<Client> client;
  ClientOptions client_options;

  void SetUp() override { open(); }
  void TearDown() override {
    for (auto& [name, one] : consumers) {
      if (one.consumer != nullptr) one.consumer->kill();
    }
    advance(Duration::zero());
    consumers.clear();
    client.reset();
    backend.reset();
  }
  void open() {
    Result<std::shared_ptr<Backend>> opened = open_again(clock);
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
  void advance(Duration by) {
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

  static services::Consumer config(const std::string& name, const std::string& topic, const std::string& group = "g") {
    services::Consumer out;
    out.name = name;
    out.topic = topic;
    out.group = group;
    out.ack_wait_ms = 3000;
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
  [[nodiscard]] const Strings& handled(const std::string& name) { return consumers.at(name).script->handled; }

  std::vector<DeadLetter> dead_letters(const std::string& topic) {
    DeadLetterQuery query(topic);
    query.payloads = true;
    Result<DeadLetterPage> page = await(client->list_dead_letters(caller(), std::move(query)));
    EXPECT_TRUE(page.ok());
    return page.ok() ? std::move(page->messages) : std::vector<DeadLetter>();
  }
  static std::string header(const DeadLetter& letter, std::string_view name) {
    const std::string* value = find_header(letter.message.headers, name);
    return value == nullptr ? "(none)" : *value;
  }
};

}  // namespace spikard::messaging
