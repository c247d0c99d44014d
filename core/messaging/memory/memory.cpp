#include "messaging/memory/memory.hpp"

#include <algorithm>

#include "messaging/registry.hpp"

namespace spikard::messaging::memory {
namespace {

constexpr std::size_t max_routes = 10'000;

constexpr Capabilities memory_capabilities{.at_least_once = true,
                                           .durable = false,
                                           .shared = false,
                                           .replay = true,
                                           .wildcards = true,
                                           .key_order = true,
                                           .positions = true,
                                           .batch_atomic = true,
                                           .dead_letters = true,
                                           .groups = true,
                                           .owns_delays = true,
                                           .confirms_at_once = true,
                                           .exact_deliveries = true};

}  // namespace

/// On its loop's thread; its group may be consumed on other loops as well.
class MemorySubscription final : public Subscription {
 public:
  MemorySubscription(net::Loop& loop, std::shared_ptr<MemoryBackend> backend, std::shared_ptr<Group> group,
                     SubscribeOptions options)
      : loop_(loop),
        backend_(std::move(backend)),
        group_(std::move(group)),
        options_(std::move(options)),
        arrived_(loop),
        timer_(loop, [this] { arrived_.set(); }),
        waker_(std::make_shared<Waker>(loop)) {
    waker_->event = &arrived_;
  }
  ~MemorySubscription() override {
    waker_->event = nullptr;
    const std::lock_guard lock(backend_->mutex_);
    group_->leave(waker_);
  }
  [[nodiscard]] const std::shared_ptr<Waker>& waker() const noexcept { return waker_; }

  Task<Result<std::vector<worker_loop::WorkItem>>> pull(std::uint32_t max) override {
    using Items = Result<std::vector<worker_loop::WorkItem>>;
    for (;;) {
      arrived_.reset();
      std::optional<Instant> next;
      std::vector<worker_loop::WorkItem> items;
      {
        const std::lock_guard lock(backend_->mutex_);
        items = group_->take(max, loop_.now(), options_.ack_wait, next);
        waker_->waiting = items.empty();
      }
      if (!items.empty()) {
        timer_.stop();
        co_return Items(std::move(items));
      }
      if (next) timer_.start_at(*next);
      else timer_.stop();
      Result<void> waited = co_await arrived_.wait();
      if (!waited.ok()) {
        timer_.stop();
        co_return Items(std::move(waited).error());
      }
    }
  }

  Task<Result<std::vector<std::uint64_t>>> settle(std::span<const worker_loop::Settlement> settlements) override {
    std::vector<std::uint64_t> not_ours;
    Wakers wake;
    std::uint64_t acked = 0;
    {
      const std::lock_guard lock(backend_->mutex_);
      const Instant now = loop_.now();
      for (const worker_loop::Settlement& one : settlements) {
        StoredPtr dead;
        if (!group_->settle(one, now, dead, wake)) not_ours.push_back(one.id);
        else if (one.kind == worker_loop::Settlement::Kind::ack) ++acked;
        if (dead != nullptr) backend_->give_up(dead, *group_, options_.dead_letter, one, wake);
      }
    }
    backend_->acked_.fetch_add(acked, std::memory_order_relaxed);
    MemoryBackend::wake(wake, &loop_);
    co_return Result<std::vector<std::uint64_t>>(std::move(not_ours));
  }

  Task<Result<std::vector<std::uint64_t>>> extend(std::span<const std::uint64_t> ids) override {
    std::vector<std::uint64_t> lost;
    {
      const std::lock_guard lock(backend_->mutex_);
      const Instant until = loop_.now() + options_.ack_wait;
      for (const std::uint64_t id : ids) {
        if (!group_->extend(id, until)) lost.push_back(id);
      }
    }
    co_return Result<std::vector<std::uint64_t>>(std::move(lost));
  }

  Duration lease() const noexcept override { return options_.ack_wait; }
  Task<Result<void>> close() override { co_return Result<void>(); }

 private:
  net::Loop& loop_;
  const std::shared_ptr<MemoryBackend> backend_;
  const std::shared_ptr<Group> group_;
  const SubscribeOptions options_;
  net::Event arrived_;
  net::Timer timer_;
  const std::shared_ptr<Waker> waker_;
};

const Capabilities& MemoryBackend::capabilities() const noexcept { return memory_capabilities; }

void MemoryBackend::wake(const Wakers& wakers, const net::Loop* here) {
  for (const std::shared_ptr<Waker>& waker : wakers) {
    if (waker->loop == here) {
      if (waker->event != nullptr) waker->event->set();
      continue;
    }
    waker->mailbox->post([waker] {
      if (waker->event != nullptr) waker->event->set();
    });
  }
}

const std::vector<MemoryBackend::GroupPtr>& MemoryBackend::groups_of(const std::string& topic) {
  if (const auto known = routes_.find(topic); known != routes_.end()) return known->second;
  if (routes_.size() >= max_routes) routes_.clear();
  std::vector<GroupPtr>& found = routes_[topic];
  for (const auto& [name, one] : groups_) {
    if (one->pattern().matches(topic)) found.push_back(one);
  }
  return found;
}

Result<void> MemoryBackend::make_room(std::size_t size) {
  // What could never fit takes nothing away from the replays.
  while (size <= options_.max_bytes && !log_.empty() && bytes_->load(std::memory_order_relaxed) + size > options_.max_bytes)
    log_.pop_front();
  if (bytes_->load(std::memory_order_relaxed) + size <= options_.max_bytes) return {};
  return Error(ErrorKind::rate_limited, "the broker in memory is full: its groups and dead letters hold all it may")
      .with("max_bytes", std::to_string(options_.max_bytes));
}

StoredPtr MemoryBackend::append(Message message, std::string for_group, Wakers& wake) {
  auto stored = std::make_shared<Stored>(bytes_, std::move(message));
  stored->position = next_position_++;
  stored->published = clock_.wall();
  stored->for_group = std::move(for_group);
  for (const GroupPtr& one : groups_of(stored->message.topic)) {
    if (one->wants(*stored)) one->add(stored, wake);
  }
  // A few at a time keep up: one came in.
  for (int i = 0; i < 4 && !log_.empty() && stored->published - log_.front()->published >= options_.retention; ++i)
    log_.pop_front();
  if (options_.retention > Duration::zero()) log_.push_back(stored);
  return stored;
}

Result<std::vector<std::uint64_t>> MemoryBackend::append_all(std::vector<Message>& messages, Wakers& wake) {
  std::size_t size = 0;
  for (const Message& one : messages) size += one.size() + Stored::overhead;
  std::vector<std::uint64_t> positions;
  positions.reserve(messages.size());
  {
    const std::lock_guard lock(mutex_);
    if (Result<void> room = make_room(size); !room.ok()) return std::move(room).error();
    for (Message& one : messages) positions.push_back(append(std::move(one), {}, wake)->position);
  }
  published_.fetch_add(positions.size(), std::memory_order_relaxed);
  return positions;
}

Task<Result<std::vector<std::uint64_t>>> MemoryBackend::publish(net::Caller caller, std::vector<Message> messages) {
  Wakers wakers;
  Result<std::vector<std::uint64_t>> positions = append_all(messages, wakers);
  wake(wakers, caller.loop);
  co_return positions;
}

Result<std::vector<std::uint64_t>> MemoryBackend::publish_now(std::vector<Message>& messages) {
  Wakers wakers;
  Result<std::vector<std::uint64_t>> positions = append_all(messages, wakers);
  wake(wakers, nullptr);
  return positions;
}

void MemoryBackend::replay(Group& group, Position from, Wakers& wake) {
  const auto first =
      std::lower_bound(log_.begin(), log_.end(), from, [](const StoredPtr& one, Position at) { return one->position < at; });
  for (auto at = first; at != log_.end(); ++at) {
    if (group.wants(**at)) group.add(*at, wake);
  }
}

MemoryBackend::GroupPtr MemoryBackend::group(const TopicPattern& pattern, const std::string& name, bool earliest) {
  GroupPtr& found = groups_[{pattern.text(), name}];
  if (found == nullptr) {
    found = std::make_shared<Group>(GroupName{name, pattern.text()}, pattern);
    routes_.clear();
    Wakers nobody;
    if (earliest) replay(*found, 0, nobody);
  }
  return found;
}

Task<Result<std::unique_ptr<Subscription>>> MemoryBackend::subscribe(net::Loop& loop, SubscribeOptions options) {
  GroupPtr found;
  Wakers wakers;
  std::unique_ptr<MemorySubscription> out;
  {
    const std::lock_guard lock(mutex_);
    found = group(options.pattern, options.group, options.earliest);
    const bool ordered = options.ordered;
    out = std::make_unique<MemorySubscription>(loop, shared_from_this(), found, std::move(options));
    found->join(out->waker(), ordered);
    found->wake_all(wakers);
  }
  wake(wakers, &loop);
  std::unique_ptr<Subscription> subscription = std::move(out);
  co_return Result<std::unique_ptr<Subscription>>(std::move(subscription));
}

void MemoryBackend::give_up(const StoredPtr& stored, const Group& group, const std::string& topic,
                            const worker_loop::Settlement& settlement, Wakers& wake) {
  if (topic.empty()) {
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  const GivenUp given_up = given_up_of(group.name().group, settlement);
  StoredPtr dead = append(dead_letter_of(stored->message, topic, given_up, clock_.wall()), {}, wake);
  const Position position = dead->position;
  dead_letters_[topic].emplace(position, std::move(dead));
  dead_lettered_.fetch_add(1, std::memory_order_relaxed);
}

Task<Result<DeadLetterPage>> MemoryBackend::list_dead_letters(net::Caller, DeadLetterQuery query) {
  DeadLetterPage page;
  const std::lock_guard lock(mutex_);
  const auto topic = dead_letters_.find(query.topic);
  if (topic == dead_letters_.end()) co_return Result<DeadLetterPage>(std::move(page));
  for (auto at = topic->second.upper_bound(query.after); at != topic->second.end(); ++at) {
    if (page.messages.size() == query.limit) {
      page.more = true;
      break;
    }
    const Stored& stored = *at->second;
    DeadLetter& out = page.messages.emplace_back();
    out.position = stored.position;
    out.time = stored.published;
    out.size = stored.message.payload.size();
    out.message = Message(stored.message.topic, query.payloads ? stored.message.payload : std::string(), stored.message.key,
                          stored.message.headers);
  }
  co_return Result<DeadLetterPage>(std::move(page));
}

Task<Result<std::uint64_t>> MemoryBackend::redrive(net::Caller caller, DeadLetterSelection which, std::string to) {
  std::uint64_t count = 0;
  Wakers wakers;
  {
    const std::lock_guard lock(mutex_);
    const auto topic = dead_letters_.find(which.topic);
    if (topic == dead_letters_.end()) co_return Result<std::uint64_t>(count);
    std::vector<Position> positions;
    if (which.positions) {
      positions = std::move(*which.positions);
    } else {
      for (const auto& [position, stored] : topic->second) positions.push_back(position);
    }
    for (const Position position : positions) {
      const auto at = topic->second.find(position);
      if (at == topic->second.end()) continue;
      std::optional<Redriven> back = redriven(at->second->message, to);
      if (!back) continue;
      topic->second.erase(at);
      append(std::move(back->message), std::move(back->for_group), wakers);
      ++count;
    }
    if (topic->second.empty()) dead_letters_.erase(topic);
  }
  wake(wakers, caller.loop);
  co_return Result<std::uint64_t>(count);
}

Task<Result<std::uint64_t>> MemoryBackend::purge(net::Caller caller, DeadLetterSelection which) {
  std::set<Position> gone;
  Wakers wakers;
  {
    const std::lock_guard lock(mutex_);
    const auto topic = dead_letters_.find(which.topic);
    if (topic == dead_letters_.end()) co_return Result<std::uint64_t>(0U);
    if (which.positions) {
      for (const Position position : *which.positions) {
        if (topic->second.erase(position) > 0) gone.insert(position);
      }
    } else {
      for (const auto& [position, stored] : topic->second) gone.insert(position);
      topic->second.clear();
    }
    if (topic->second.empty()) dead_letters_.erase(topic);
    for (const GroupPtr& one : groups_of(which.topic)) {
      for (const Position position : gone) one->drop(position, wakers);
    }
    std::erase_if(log_, [&gone](const StoredPtr& one) { return gone.contains(one->position); });
  }
  wake(wakers, caller.loop);
  co_return Result<std::uint64_t>(gone.size());
}

Task<Result<void>> MemoryBackend::seek(net::Caller caller, TopicPattern pattern, std::string name, Place place) {
  Wakers wakers;
  {
    const std::lock_guard lock(mutex_);
    Position from = next_position_;
    if (const auto* position = std::get_if<std::uint64_t>(&place)) {
      from = *position;
    } else if (const auto* time = std::get_if<WallTime>(&place)) {
      const WallTime since = std::chrono::floor<std::chrono::milliseconds>(*time);
      const auto at = std::find_if(log_.begin(), log_.end(), [since](const StoredPtr& one) { return one->published >= since; });
      if (at != log_.end()) from = (*at)->position;
    } else if (std::get<Beginning>(place).earliest) {
      from = 0;
    }
    const GroupPtr found = group(pattern, name, false);
    found->skip_to(from);
    replay(*found, from, wakers);
    found->wake_all(wakers);
  }
  wake(wakers, caller.loop);
  co_return Result<void>();
}

Task<Result<std::vector<GroupInfo>>> MemoryBackend::groups(net::Caller) {
  std::vector<GroupInfo> out;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, one] : groups_) out.push_back(one->info());
  co_return Result<std::vector<GroupInfo>>(std::move(out));
}

Task<Result<bool>> MemoryBackend::delete_group(net::Caller, GroupName name) {
  const std::lock_guard lock(mutex_);
  const auto found = groups_.find({name.topic, name.group});
  if (found == groups_.end()) co_return Result<bool>(false);
  if (found->second->consumed()) {
    co_return Result<bool>(
        Error(ErrorKind::conflict, "the group has consumers").with("group", name.group).with_retry(RetryClass::permanent));
  }
  groups_.erase(found);
  routes_.clear();
  co_return Result<bool>(true);
}

void register_memory(Registry& registry) {
  registry.add("memory", [](const services::MessagingConfig& config, const Environment& environment) {
    using Opened = Result<std::shared_ptr<Backend>>;
    if (config.url != "memory:") return Opened(invalid_argument("url: `memory:` has nothing behind it"));
    MemoryOptions options;
    options.max_bytes = config.max_bytes;
    options.retention = std::chrono::milliseconds(config.retention_ms);
    return Opened(std::make_shared<MemoryBackend>(*environment.clock, options));
  });
}

BackendCounts MemoryBackend::counts() const noexcept {
  BackendCounts out;
  out.published = published_.load(std::memory_order_relaxed);
  out.acked = acked_.load(std::memory_order_relaxed);
  out.dead_lettered = dead_lettered_.load(std::memory_order_relaxed);
  out.dropped = dropped_.load(std::memory_order_relaxed);
  return out;
}

}  // namespace spikard::messaging::memory
