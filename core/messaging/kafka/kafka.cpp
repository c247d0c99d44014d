#include "messaging/kafka/kafka.hpp"

#include <algorithm>

#include "messaging/registry.hpp"

namespace spikard::messaging::kafka {
namespace {

constexpr Capabilities kafka_capabilities{.at_least_once = true,
                                          .durable = true,
                                          .shared = true,
                                          .replay = true,
                                          .wildcards = false,
                                          .key_order = false,
                                          .positions = true,
                                          .batch_atomic = false,
                                          .dead_letters = true,
                                          .groups = true,
                                          .owns_delays = false,
                                          .confirms_at_once = false,
                                          .exact_deliveries = true};

}  // namespace

/// The source of a worker loop. Destroyed without `close` it is a member that died: the brokers hear no more of it.
class KafkaSubscription final : public Subscription {
 public:
  KafkaSubscription(std::shared_ptr<KafkaBackend> backend, std::shared_ptr<Work> work)
      : backend_(std::move(backend)), work_(std::move(work)) {}
  ~KafkaSubscription() override { work_->abandon(); }

  Task<Result<std::vector<worker_loop::WorkItem>>> pull(std::uint32_t max) override { return work_->pull(max); }
  Task<Result<std::vector<std::uint64_t>>> settle(std::span<const worker_loop::Settlement> settlements) override {
    std::vector<worker_loop::Settlement> all(settlements.begin(), settlements.end());
    Result<std::vector<std::uint64_t>> not_ours = co_await work_->settle(std::move(all));
    backend_->counted(work_->take_counts());
    co_return not_ours;
  }
  Task<Result<std::vector<std::uint64_t>>> extend(std::span<const std::uint64_t> ids) override {
    co_return Result<std::vector<std::uint64_t>>(work_->lost(ids));
  }
  Duration lease() const noexcept override { return work_->lease(); }
  Task<Result<void>> close() override { return work_->close(); }

 private:
  const std::shared_ptr<KafkaBackend> backend_;
  const std::shared_ptr<Work> work_;
};

KafkaBackend::~KafkaBackend() {
  for (Seat& seat : seats_) {
    // Its connections belong to its loop's thread.
    seat.mailbox->post([client = std::move(seat.client)] { client.cluster->close(); });
  }
}

const Capabilities& KafkaBackend::capabilities() const noexcept { return kafka_capabilities; }

LoopClient KafkaBackend::client_of(net::Loop& loop) {
  const std::lock_guard lock(mutex_);
  for (const Seat& seat : seats_) {
    if (seat.mailbox == loop.mailbox()) return seat.client;
  }
  LoopClient client;
  client.cluster = std::make_shared<net::kafka::Cluster>(loop, settings_.cluster);
  client.producer = transport_->sender(client.cluster);
  seats_.push_back({loop.mailbox(), client});
  return client;
}

Names KafkaBackend::names_of(const std::string& topic, const std::string& group) const {
  Names out;
  out.group = settings_.group(group);
  out.topic = settings_.topic(topic);
  out.retry_topic = settings_.retry_topic(topic, group);
  return out;
}

std::vector<KafkaBackend::Local> KafkaBackend::locals(const std::string& group, const std::string& topic) {
  std::vector<Local> out;
  const std::lock_guard lock(mutex_);
  std::erase_if(locals_, [](const Local& one) { return one.work.expired(); });
  for (const Local& one : locals_) {
    if (one.name.group == group && (topic.empty() || one.name.topic == topic)) out.push_back(one);
  }
  return out;
}

void KafkaBackend::counted(const WorkCounts& counts) noexcept {
  acked_.fetch_add(counts.acked, std::memory_order_relaxed);
  dead_lettered_.fetch_add(counts.dead_lettered, std::memory_order_relaxed);
  dropped_.fetch_add(counts.dropped, std::memory_order_relaxed);
}

Task<Result<std::vector<std::uint64_t>>> KafkaBackend::publish(net::Caller caller, std::vector<Message> messages) {
  using Positions = Result<std::vector<std::uint64_t>>;
  const std::shared_ptr<KafkaBackend> self = shared_from_this();
  const LoopClient client = client_of(*caller.loop);
  const std::int64_t now = millis_of(clock_.wall());
  std::vector<net::kafka::OutRecord> records;
  records.reserve(messages.size());
  for (Message& one : messages) {
    if (Result<void> good = check_name(one.topic); !good.ok()) co_return Positions(std::move(good).error());
    std::string topic = settings_.topic(one.topic);
    records.push_back(to_record(std::move(topic), std::move(one), now));
  }
  Result<std::vector<net::kafka::Produced>> places = co_await client.producer->send(std::move(records));
  if (!places.ok()) co_return Positions(std::move(places).error());
  std::vector<std::uint64_t> positions;
  positions.reserve(places->size());
  for (const net::kafka::Produced& one : *places)
    positions.push_back(one.offset < 0 ? 0 : position_of(one.partition, one.offset));
  published_.fetch_add(positions.size(), std::memory_order_relaxed);
  co_return Positions(std::move(positions));
}

Task<Result<std::unique_ptr<Subscription>>> KafkaBackend::subscribe(net::Loop& loop, SubscribeOptions options) {
  using Made = Result<std::unique_ptr<Subscription>>;
  const std::shared_ptr<KafkaBackend> self = shared_from_this();
  const LoopClient client = client_of(loop);
  const std::string topic = options.pattern.text();
  if (Result<void> good = check_name(topic); !good.ok()) co_return Made(std::move(good).error());
  Names names = names_of(topic, options.group);
  if (!options.dead_letter.empty()) {
    if (Result<void> good = check_name(options.dead_letter); !good.ok()) co_return Made(std::move(good).error());
    names.dead_letter = settings_.topic(options.dead_letter);
  }
  Result<net::kafka::TopicInfo> there = co_await client.cluster->ensure(names.topic);
  if (!there.ok()) co_return Made(std::move(there).error());
  net::kafka::TopicSettings retry = settings_.cluster->topics;
  retry.partitions = 1;  // who has it works on as many at a time as it likes
  Result<net::kafka::TopicInfo> waits = co_await client.cluster->ensure_as(names.retry_topic, std::move(retry));
  if (!waits.ok()) co_return Made(std::move(waits).error());
  std::optional<std::string> instance;
  if (settings_.instance) instance = *settings_.instance + "." + options.consumer;
  const GroupName name{options.group, topic};
  const auto work =
      std::make_shared<Work>(client, *transport_, std::move(names), std::move(options), std::move(instance), clock_);
  Result<void> started = co_await work->start();
  if (!started.ok()) {
    work->abandon();
    co_return Made(std::move(started).error());
  }
  {
    const std::lock_guard lock(mutex_);
    locals_.push_back({name, loop.mailbox(), work});
  }
  std::unique_ptr<Subscription> out = std::make_unique<KafkaSubscription>(self, work);
  co_return Made(std::move(out));
}

BackendCounts KafkaBackend::counts() const noexcept {
  BackendCounts out;
  out.published = published_.load(std::memory_order_relaxed);
  out.acked = acked_.load(std::memory_order_relaxed);
  out.dead_lettered = dead_lettered_.load(std::memory_order_relaxed);
  out.dropped = dropped_.load(std::memory_order_relaxed);
  return out;
}

void register_kafka(Registry& registry) {
  const auto open = [](const services::MessagingConfig& config, const Environment& environment) {
    using Opened = Result<std::shared_ptr<Backend>>;
    Result<Settings> settings = Settings::parse(config.url);
    if (!settings.ok()) return Opened(std::move(settings).error());
    std::shared_ptr<Transport> transport = own_transport(settings->producer);
    return Opened(std::make_shared<KafkaBackend>(*environment.clock, std::move(settings).value(), std::move(transport)));
  };
  registry.add("kafka", open);
  registry.add("kafkas", open);
}

}  // namespace spikard::messaging::kafka
