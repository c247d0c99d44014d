// Redis pub/sub: every consumer that listens gets what is published then, whatever its group.
#include <algorithm>
#include <deque>

#include "messaging/redis/redis.hpp"
#include "net/await.hpp"

namespace spikard::messaging::redis {
namespace {

using net::redis::Command;
using net::redis::Reply;

constexpr std::size_t max_waiting = 64U << 10U;         // messages of a consumer that its handlers have not taken
constexpr std::size_t max_waiting_bytes = 256U << 20U;  // of those; more is dropped and counted
constexpr std::uint32_t max_batch = 512;

constexpr Capabilities pubsub_capabilities{.at_least_once = false,
                                           .durable = false,
                                           .shared = false,
                                           .replay = false,
                                           .wildcards = true,
                                           .key_order = false,
                                           .positions = false,
                                           .batch_atomic = false,
                                           .dead_letters = false,
                                           .groups = false,
                                           .owns_delays = false,
                                           .confirms_at_once = false,
                                           .exact_deliveries = true};

Error not_here(std::string_view what) {
  return {ErrorKind::unsupported, "Redis pub/sub has no " + std::string(what) + " (`mode=pubsub` in the URL)"};
}

struct Counters {
  std::atomic<std::uint64_t> published{0};
  std::atomic<std::uint64_t> acked{0};
  std::atomic<std::uint64_t> dropped{0};
};

class PubsubSubscription final : public messaging::Subscription {
 public:
  PubsubSubscription(net::Loop& loop, const std::shared_ptr<net::redis::Client>& client, const Names& names,
                     std::shared_ptr<Counters> counters, SubscribeOptions options)
      : loop_(loop), names_(names), counters_(std::move(counters)), options_(std::move(options)), arrived_(loop) {
    net::redis::Listening to;
    if (options_.pattern.exact()) to.channels.push_back(names_.channel(options_.pattern.text()));
    else to.patterns.push_back(names_.channels_of(options_.pattern));
    to.on_message = [this](const net::redis::Message& message) { take(message); };
    feed_ = client->listen(std::move(to));
  }
  ~PubsubSubscription() override { feed_->close(); }

  [[nodiscard]] Task<Result<void>> ready() { return feed_->ready(); }

  Task<Result<std::vector<worker_loop::WorkItem>>> pull(std::uint32_t max) override {
    using Items = Result<std::vector<worker_loop::WorkItem>>;
    while (waiting_.empty()) {
      arrived_.reset();
      Result<void> waited = co_await arrived_.wait();
      if (!waited.ok()) co_return Items(std::move(waited).error());
    }
    std::vector<worker_loop::WorkItem> items;
    while (!waiting_.empty() && items.size() < std::clamp(max, 1U, max_batch)) {
      bytes_ -= waiting_.front().payload.size();
      items.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
    co_return Items(std::move(items));
  }
  Task<Result<std::vector<std::uint64_t>>> settle(std::span<const worker_loop::Settlement> settlements) override {
    using Kind = worker_loop::Settlement::Kind;
    for (const worker_loop::Settlement& one : settlements) {
      // There is no second time.
      if (one.kind == Kind::ack) counters_->acked.fetch_add(1, std::memory_order_relaxed);
      else if (one.kind != Kind::keep) counters_->dropped.fetch_add(1, std::memory_order_relaxed);
    }
    co_return Result<std::vector<std::uint64_t>>(std::vector<std::uint64_t>());
  }
  Task<Result<std::vector<std::uint64_t>>> extend(std::span<const std::uint64_t>) override {
    co_return Result<std::vector<std::uint64_t>>(std::vector<std::uint64_t>());
  }
  Duration lease() const noexcept override { return {}; }
  Task<Result<void>> close() override {
    feed_->close();
    co_return Result<void>();
  }

 private:
  void take(const net::redis::Message& incoming) {
    const std::string_view topic = names_.topic_of_channel(incoming.channel);
    if (!options_.pattern.matches(topic)) return;
    if (waiting_.size() >= max_waiting || bytes_ + incoming.payload.size() > max_waiting_bytes) {
      counters_->dropped.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    Message message = read_channel_text(topic, incoming.payload);
    worker_loop::WorkItem& item = waiting_.emplace_back();
    item.id = next_id_++;
    item.name = std::move(message.topic);
    item.payload = std::move(message.payload);
    item.has_key = message.key.has_value();
    item.key = std::move(message.key).value_or(std::string());
    item.headers = std::move(message.headers);
    item.enqueued = loop_.clock().wall();
    bytes_ += item.payload.size();
    arrived_.set();
  }

  net::Loop& loop_;
  const Names names_;
  const std::shared_ptr<Counters> counters_;
  const SubscribeOptions options_;
  net::Event arrived_;
  std::shared_ptr<net::redis::Feed> feed_;
  std::deque<worker_loop::WorkItem> waiting_;
  std::size_t bytes_ = 0;
  std::uint64_t next_id_ = 1;
};

class PubsubBackend final : public Backend {
 public:
  explicit PubsubBackend(RedisOptions options)
      : options_(std::move(options)), names_(options_.prefix), pool_(std::make_shared<net::redis::Pool>(options_.server)) {}
  ~PubsubBackend() override { pool_->close(); }

  const Capabilities& capabilities() const noexcept override { return pubsub_capabilities; }
  std::string_view system() const noexcept override { return "redis"; }

  Task<Result<std::vector<std::uint64_t>>> publish(net::Caller caller, std::vector<Message> messages) override {
    using Positions = Result<std::vector<std::uint64_t>>;
    std::vector<Command> commands;
    commands.reserve(messages.size());
    for (const Message& one : messages) {
      Command command("PUBLISH", fields_size(one));
      command.arg(names_.channel(one.topic)).arg(channel_text(one));
      // All by one node, so that they keep their order.
      command.near(names_.topics());
      commands.push_back(std::move(command));
    }
    const std::shared_ptr<net::redis::Client> client = pool_->on(*caller.loop);
    Task<std::vector<Result<Reply>>> asking = client->run_all(std::move(commands));
    std::vector<Result<Reply>> replies = co_await std::move(asking);
    for (Result<Reply>& one : replies) {
      if (!one.ok()) co_return Positions(std::move(one).error());
    }
    counters_->published.fetch_add(messages.size(), std::memory_order_relaxed);
    co_return Positions(std::vector<std::uint64_t>());
  }
  Task<Result<std::unique_ptr<messaging::Subscription>>> subscribe(net::Loop& loop, SubscribeOptions options) override {
    using Made = Result<std::unique_ptr<messaging::Subscription>>;
    const std::shared_ptr<net::redis::Client> client = pool_->on(loop);
    auto made = std::make_unique<PubsubSubscription>(loop, client, names_, counters_, std::move(options));
    // The server knows it: what is published from now on comes.
    Task<Result<void>> waiting = made->ready();
    Result<void> ready = co_await net::with_deadline(loop, options_.server.connect_timeout, std::move(waiting));
    if (!ready.ok()) co_return Made(std::move(ready).error());
    std::unique_ptr<messaging::Subscription> out = std::move(made);
    co_return Made(std::move(out));
  }
  Task<Result<DeadLetterPage>> list_dead_letters(net::Caller, DeadLetterQuery) override {
    co_return Result<DeadLetterPage>(not_here("dead letters"));
  }
  Task<Result<std::uint64_t>> redrive(net::Caller, DeadLetterSelection, std::string) override {
    co_return Result<std::uint64_t>(not_here("dead letters"));
  }
  Task<Result<std::uint64_t>> purge(net::Caller, DeadLetterSelection) override {
    co_return Result<std::uint64_t>(not_here("dead letters"));
  }
  Task<Result<void>> seek(net::Caller, TopicPattern, std::string, Place) override { co_return not_here("replay"); }
  Task<Result<std::vector<GroupInfo>>> groups(net::Caller) override {
    co_return Result<std::vector<GroupInfo>>(not_here("list of groups"));
  }
  Task<Result<bool>> delete_group(net::Caller, GroupName) override { co_return Result<bool>(not_here("list of groups")); }
  BackendCounts counts() const noexcept override {
    BackendCounts out;
    out.published = counters_->published.load(std::memory_order_relaxed);
    out.acked = counters_->acked.load(std::memory_order_relaxed);
    out.dropped = counters_->dropped.load(std::memory_order_relaxed);
    return out;
  }

 private:
  const RedisOptions options_;
  const Names names_;
  const std::shared_ptr<net::redis::Pool> pool_;
  const std::shared_ptr<Counters> counters_ = std::make_shared<Counters>();
};

}  // namespace

std::shared_ptr<Backend> open_pubsub(RedisOptions options) { return std::make_shared<PubsubBackend>(std::move(options)); }

}  // namespace spikard::messaging::redis
