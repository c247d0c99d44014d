// Core NATS: publish and subscribe without JetStream.
#include <algorithm>

#include "messaging/nats/nats.hpp"

namespace spikard::messaging::nats {
namespace {

constexpr std::size_t max_waiting = 64U << 10U;         // messages of a subscription that its handlers have not taken
constexpr std::size_t max_waiting_bytes = 256U << 20U;  // of those; more is dropped and counted
constexpr std::uint32_t max_batch = 512;

constexpr Capabilities core_capabilities{.at_least_once = false,
                                         .durable = false,
                                         .shared = true,
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
  return {ErrorKind::unsupported, "core NATS has no " + std::string(what) + " (`jetstream=false` in the URL)"};
}

struct Counters {
  std::atomic<std::uint64_t> published{0};
  std::atomic<std::uint64_t> acked{0};
  std::atomic<std::uint64_t> dropped{0};
};

/// A queue subscription, one for each subject that the pattern may be.
class CoreSubscription final : public messaging::Subscription {
 public:
  CoreSubscription(net::Loop& loop, std::shared_ptr<Wire> wire, std::shared_ptr<Counters> counters, SubscribeOptions options)
      : loop_(loop),
        wire_(std::move(wire)),
        counters_(std::move(counters)),
        options_(std::move(options)),
        prefix_(wire_->connection()->options().prefix),
        arrived_(loop),
        feed_(std::make_shared<Feed>(loop, max_waiting, max_waiting_bytes)) {
    feed_->listen(&arrived_);
    const std::string queue = group_id(options_.group, options_.pattern.text());
    for (const std::string& one : filters_of(prefix_, options_.pattern))
      sids_.push_back(wire_->connection()->subscribe(feed_, one, queue));
  }
  ~CoreSubscription() override {
    feed_->listen(nullptr);
    for (const std::uint64_t sid : sids_) wire_->connection()->unsubscribe(sid);
  }

  Task<Result<std::vector<worker_loop::WorkItem>>> pull(std::uint32_t max) override {
    using Items = Result<std::vector<worker_loop::WorkItem>>;
    for (;;) {
      arrived_.reset();
      for (Incoming& one : feed_->take()) buffer_.push_back(std::move(one));
      const std::uint64_t dropped = feed_->dropped();
      counters_->dropped.fetch_add(dropped - std::exchange(dropped_, dropped), std::memory_order_relaxed);
      std::vector<worker_loop::WorkItem> items;
      while (!buffer_.empty() && items.size() < std::min(max, max_batch)) {
        Incoming incoming = std::move(buffer_.front());
        buffer_.pop_front();
        if (incoming.status != 0) continue;
        Received received =
            received_of(prefix_, incoming.subject, std::move(incoming.headers), incoming.own, std::move(incoming.payload));
        if (!options_.pattern.matches(received.message.topic)) continue;
        worker_loop::WorkItem& item = items.emplace_back();
        item.id = next_id_++;
        item.name = std::move(received.message.topic);
        item.payload = std::move(received.message.payload);
        item.has_key = received.message.key.has_value();
        item.key = std::move(received.message.key).value_or(std::string());
        item.headers = std::move(received.message.headers);
        item.enqueued = loop_.clock().wall();
      }
      if (!items.empty()) co_return Items(std::move(items));
      if (!buffer_.empty()) continue;
      Result<void> waited = co_await arrived_.wait();
      if (!waited.ok()) co_return Items(std::move(waited).error());
    }
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
  Task<Result<void>> close() override { co_return Result<void>(); }

 private:
  net::Loop& loop_;
  const std::shared_ptr<Wire> wire_;
  const std::shared_ptr<Counters> counters_;
  const SubscribeOptions options_;
  const std::string prefix_;
  net::Event arrived_;
  const std::shared_ptr<Feed> feed_;
  std::vector<std::uint64_t> sids_;
  std::deque<Incoming> buffer_;
  std::uint64_t dropped_ = 0;
  std::uint64_t next_id_ = 1;
};

class CoreBackend final : public Backend {
 public:
  explicit CoreBackend(std::shared_ptr<Wire> wire) : wire_(std::move(wire)) {}

  const Capabilities& capabilities() const noexcept override { return core_capabilities; }
  std::string_view system() const noexcept override { return "nats"; }

  Task<Result<std::vector<std::uint64_t>>> publish(net::Caller caller, std::vector<Message> messages) override {
    using Positions = Result<std::vector<std::uint64_t>>;
    Connection& connection = *wire_->connection();
    const std::string& prefix = connection.options().prefix;
    std::string commands;
    for (const Message& one : messages) {
      const std::string headers = header_block(prefix, one, {});
      const bool bare = headers.size() == headers_begin.size() + 2;
      if (headers.size() + one.payload.size() > connection.max_payload()) {
        co_return Positions(Error(ErrorKind::too_large, "longer, with its headers, than the server takes")
                                .with("max_payload", std::to_string(connection.max_payload())));
      }
      append_publish(commands, subject_of(prefix, one.topic), {}, bare ? std::string_view() : headers, one.payload);
    }
    Result<void> done = co_await connection.confirm(*caller.loop, std::move(commands));
    if (!done.ok()) co_return Positions(std::move(done).error());
    counters_->published.fetch_add(messages.size(), std::memory_order_relaxed);
    co_return Positions(std::vector<std::uint64_t>());
  }
  Task<Result<std::unique_ptr<messaging::Subscription>>> subscribe(net::Loop& loop, SubscribeOptions options) override {
    using Made = Result<std::unique_ptr<messaging::Subscription>>;
    std::unique_ptr<messaging::Subscription> made =
        std::make_unique<CoreSubscription>(loop, wire_, counters_, std::move(options));
    // The server knows it: what is published from now on comes.
    Result<void> known = co_await wire_->connection()->confirm(loop, {});
    if (!known.ok()) co_return Made(std::move(known).error());
    co_return Made(std::move(made));
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
  const std::shared_ptr<Wire> wire_;
  const std::shared_ptr<Counters> counters_ = std::make_shared<Counters>();
};

}  // namespace

Result<std::shared_ptr<Backend>> open_core(NatsOptions options) {
  Result<std::unique_ptr<Wire>> wire = Wire::open(std::move(options));
  if (!wire.ok()) return std::move(wire).error();
  return std::shared_ptr<Backend>(std::make_shared<CoreBackend>(std::shared_ptr<Wire>(std::move(*wire))));
}

}  // namespace spikard::messaging::nats
