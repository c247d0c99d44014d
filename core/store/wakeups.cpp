#include "store/wakeups.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

namespace spikard::store {

/// Belongs to its loop, but for `posted`.
class Wakeups::Subscription : public std::enable_shared_from_this<Subscription> {
 public:
  Subscription(std::shared_ptr<Wakeups> owner, net::Loop& loop, std::string topic, Duration poll, Function<void()> fn)
      : loop_(loop), topic_(std::move(topic)), owner_(std::move(owner)), fn_(std::move(fn)), poll_(poll), timer_(loop, [this] {
          timer_.start(poll_);
          fn_();
        }) {
    // A virtual clock would go from poll to poll for ever; tests notify.
    if (!loop.clock().is_virtual()) timer_.start(poll_);
  }
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;
  ~Subscription() { owner_->remove(this); }

  /// Any thread, with the owner's mutex held.
  void tell() {
    if (posted_.exchange(true, std::memory_order_acq_rel)) return;
    loop_.post([weak = weak_from_this()] {
      const std::shared_ptr<Subscription> self = weak.lock();
      if (self == nullptr) return;
      self->posted_.store(false, std::memory_order_release);
      self->fn_();
    });
  }

  net::Loop& loop_;
  const std::string topic_;

 private:
  const std::shared_ptr<Wakeups> owner_;
  Function<void()> fn_;
  const Duration poll_;
  net::Timer timer_;
  std::atomic<bool> posted_{false};
};

std::shared_ptr<void> Wakeups::subscribe(net::Loop& loop, std::string topic, Duration poll, Function<void()> fn) {
  auto made =
      std::make_shared<Subscription>(shared_from_this(), loop, std::move(topic), std::max(poll, least_poll_), std::move(fn));
  {
    const std::lock_guard lock(mutex_);
    subscriptions_.emplace(made->topic_, made.get());
  }
  joined(loop);
  return made;
}

void Wakeups::remove(Subscription* subscription) noexcept {
  bool last = false;
  {
    const std::lock_guard lock(mutex_);
    for (auto [at, end] = subscriptions_.equal_range(subscription->topic_); at != end; ++at) {
      if (at->second != subscription) continue;
      subscriptions_.erase(at);
      break;
    }
    last = std::none_of(subscriptions_.begin(), subscriptions_.end(),
                        [&](const auto& one) { return &one.second->loop_ == &subscription->loop_; });
  }
  if (last) left(subscription->loop_);
}

void Wakeups::notify(std::string_view topic) {
  const std::lock_guard lock(mutex_);
  for (auto [at, end] = subscriptions_.equal_range(topic); at != end; ++at) at->second->tell();
}

void Wakeups::notify_on(net::Loop& loop, const std::string* topic) {
  const std::lock_guard lock(mutex_);
  for (auto& [name, subscription] : subscriptions_) {
    if (&subscription->loop_ == &loop && (topic == nullptr || name == *topic)) subscription->tell();
  }
}

}  // namespace spikard::store
