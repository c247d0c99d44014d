#include <algorithm>
#include <unordered_map>

#include "app/faults/backends.hpp"

namespace spikard::app {
namespace {

using messaging::Message;
using worker_loop::Settlement;
using worker_loop::WorkItem;

/// Of what was done, some is given back to the broker as if nobody had said so.
class FaultySubscription final : public messaging::Subscription {
 public:
  FaultySubscription(std::unique_ptr<messaging::Subscription> inner, FaultSite site, std::string group, net::Loop& loop)
      : inner_(std::move(inner)), site_(std::move(site)), group_(std::move(group)), loop_(loop) {}

  Task<Result<std::vector<WorkItem>>> pull(std::uint32_t max) override {
    using R = Result<std::vector<WorkItem>>;
    Task<R> call = inner_->pull(max);
    R items = co_await std::move(call);
    if (items.ok()) {
      for (const WorkItem& item : *items) {
        const std::uint64_t number = item.position != 0 ? item.position : item.id;
        held_[item.id] = group_ + " " + item.name + " " + std::to_string(number);
      }
    }
    co_return items;
  }

  Task<Result<std::vector<std::uint64_t>>> settle(std::span<const Settlement> settlements) override {
    std::vector<Settlement> changed(settlements.begin(), settlements.end());
    return settled(std::move(changed));
  }
  Task<Result<std::vector<std::uint64_t>>> extend(std::span<const std::uint64_t> ids) override { return inner_->extend(ids); }
  [[nodiscard]] Duration lease() const noexcept override { return inner_->lease(); }
  Task<Result<void>> close() override { return inner_->close(); }

 private:
  Task<Result<std::vector<std::uint64_t>>> settled(std::vector<Settlement> settlements) {
    using R = Result<std::vector<std::uint64_t>>;
    std::vector<std::pair<std::uint64_t, FaultPlace>> again;
    for (Settlement& one : settlements) {
      const auto held = held_.find(one.id);
      if (held == held_.end()) continue;
      if (one.kind == Settlement::Kind::ack) {
        Faults::Repeat what = site_.faults->repeat(site_.client, "deliver", held->second);
        if (what.again) {
          one.kind = Settlement::Kind::hand_back;
          again.emplace_back(one.id, std::move(what.place));
        }
      }
    }
    Task<R> call = inner_->settle(settlements);
    R not_ours = co_await std::move(call);
    if (!not_ours.ok()) co_return not_ours;
    for (const Settlement& one : settlements) {
      if (one.kind != Settlement::Kind::keep) held_.erase(one.id);
    }
    for (auto& [id, place] : again) {
      if (std::find(not_ours->begin(), not_ours->end(), id) != not_ours->end()) continue;
      site_.faults->note(loop_.clock(), std::move(place), FaultKind::repeated);
    }
    co_return not_ours;
  }

  const std::unique_ptr<messaging::Subscription> inner_;
  const FaultSite site_;
  const std::string group_;
  net::Loop& loop_;
  std::unordered_map<std::uint64_t, std::string> held_;  // which message each delivery is of
};

class FaultyBackend final : public messaging::Backend {
 public:
  FaultyBackend(std::shared_ptr<messaging::Backend> inner, FaultSite site)
      : inner_(std::move(inner)), site_(std::move(site)), capabilities_(inner_->capabilities()) {
    capabilities_.confirms_at_once = false;  // it may have to wait
  }

  const messaging::Capabilities& capabilities() const noexcept override { return capabilities_; }
  std::string_view system() const noexcept override { return inner_->system(); }

  Task<Result<std::vector<std::uint64_t>>> publish(net::Caller caller, std::vector<Message> messages) override {
    net::Loop& loop = *caller.loop;
    std::string topic = topic_of(messages);
    auto task = inner_->publish(std::move(caller), std::move(messages));
    return inject(site_, loop, "publish", std::move(topic), Effect::some, std::move(task));
  }
  /// Its answer is the transaction's.
  Task<Result<bool>> publish_in(net::Caller caller, store::Transaction& transaction, std::vector<Message> messages) override {
    net::Loop& loop = *caller.loop;
    std::string topic = topic_of(messages);
    auto task = inner_->publish_in(std::move(caller), transaction, std::move(messages));
    return inject(site_, loop, "publish_in", std::move(topic), Effect::none, std::move(task));
  }
  Task<Result<std::unique_ptr<messaging::Subscription>>> subscribe(net::Loop& loop,
                                                                   messaging::SubscribeOptions options) override {
    std::string group = options.group;
    return wrapped(site_, std::move(group), loop, inner_->subscribe(loop, std::move(options)));
  }

  Task<Result<messaging::DeadLetterPage>> list_dead_letters(net::Caller caller, messaging::DeadLetterQuery query) override {
    net::Loop& loop = *caller.loop;
    std::string topic = query.topic;
    auto task = inner_->list_dead_letters(std::move(caller), std::move(query));
    return inject(site_, loop, "list_dead_letters", std::move(topic), Effect::none, std::move(task));
  }
  Task<Result<std::uint64_t>> redrive(net::Caller caller, messaging::DeadLetterSelection which, std::string to) override {
    net::Loop& loop = *caller.loop;
    std::string topic = which.topic;
    auto task = inner_->redrive(std::move(caller), std::move(which), std::move(to));
    return inject(site_, loop, "redrive", std::move(topic), Effect::some, std::move(task));
  }
  Task<Result<std::uint64_t>> purge(net::Caller caller, messaging::DeadLetterSelection which) override {
    net::Loop& loop = *caller.loop;
    std::string topic = which.topic;
    auto task = inner_->purge(std::move(caller), std::move(which));
    return inject(site_, loop, "purge", std::move(topic), Effect::some, std::move(task));
  }
  Task<Result<void>> seek(net::Caller caller, messaging::TopicPattern pattern, std::string group,
                          messaging::Place place) override {
    net::Loop& loop = *caller.loop;
    std::string subject = group;
    auto task = inner_->seek(std::move(caller), std::move(pattern), std::move(group), place);
    return inject(site_, loop, "seek", std::move(subject), Effect::some, std::move(task));
  }
  Task<Result<std::vector<messaging::GroupInfo>>> groups(net::Caller caller) override {
    net::Loop& loop = *caller.loop;
    return inject(site_, loop, "groups", "", Effect::none, inner_->groups(std::move(caller)));
  }
  Task<Result<bool>> delete_group(net::Caller caller, messaging::GroupName name) override {
    net::Loop& loop = *caller.loop;
    std::string group = name.group;
    auto task = inner_->delete_group(std::move(caller), std::move(name));
    return inject(site_, loop, "delete_group", std::move(group), Effect::some, std::move(task));
  }
  messaging::BackendCounts counts() const noexcept override { return inner_->counts(); }

 private:
  using Subscribed = Result<std::unique_ptr<messaging::Subscription>>;
  static std::string topic_of(const std::vector<Message>& messages) {
    return messages.empty() ? std::string() : messages.front().topic;
  }
  static Task<Subscribed> wrapped(FaultSite site, std::string group, net::Loop& loop, Task<Subscribed> task) {
    Subscribed made = co_await std::move(task);
    if (!made.ok()) co_return made;
    std::unique_ptr<messaging::Subscription> faulty =
        std::make_unique<FaultySubscription>(std::move(*made), std::move(site), std::move(group), loop);
    co_return Subscribed(std::move(faulty));
  }

  const std::shared_ptr<messaging::Backend> inner_;
  const FaultSite site_;
  messaging::Capabilities capabilities_;
};

}  // namespace

std::shared_ptr<messaging::Backend> with_faults(std::shared_ptr<messaging::Backend> backend, FaultSite site) {
  return std::make_shared<FaultyBackend>(std::move(backend), std::move(site));
}

}  // namespace spikard::app
