#include "tasks/memory/hub.hpp"

#include <atomic>
#include <map>
#include <mutex>
#include <random>
#include <utility>
#include <vector>

namespace spikard::tasks {
namespace {

struct Subscriber {
  Subscriber(net::Loop& of_loop, Function<void()> f) : loop(&of_loop), fn(std::move(f)) {}
  net::Loop* loop;
  Function<void()> fn;
  std::atomic<bool> posted{false};
  bool gone = false;  // touched on the loop's thread
};

}  // namespace

struct Hub::State {
  std::mutex mutex;
  std::map<std::pair<Backend::Topic, std::string>, std::vector<std::shared_ptr<Subscriber>>> subscribers;
};

Hub::Hub() : state_(std::make_shared<State>()) {
  std::random_device random;
  for (int i = 0; i < 3; ++i) token_ += (i == 0 ? "" : ".") + std::to_string(random());
}
Hub::~Hub() = default;

std::shared_ptr<void> Hub::subscribe(net::Loop& loop, Backend::Topic topic, std::string queue, Function<void()> fn) {
  auto one = std::make_shared<Subscriber>(loop, std::move(fn));
  const auto key = std::make_pair(topic, std::move(queue));
  {
    const std::lock_guard lock(state_->mutex);
    state_->subscribers[key].push_back(one);
  }
  return {one.get(), [state = state_, one, key](void*) {
            one->gone = true;
            const std::lock_guard lock(state->mutex);
            const auto at = state->subscribers.find(key);
            if (at == state->subscribers.end()) return;
            std::erase(at->second, one);
            if (at->second.empty()) state->subscribers.erase(at);
          }};
}

void Hub::notify(Backend::Topic topic, const std::string& queue) {
  const std::lock_guard lock(state_->mutex);
  const auto at = state_->subscribers.find({topic, queue});
  if (at == state_->subscribers.end()) return;
  for (const std::shared_ptr<Subscriber>& one : at->second) {
    if (one->posted.exchange(true)) continue;
    one->loop->post([one] {
      one->posted.store(false);
      if (!one->gone) one->fn();
    });
  }
}

std::shared_ptr<Hub> Hubs::of(const std::string& store) {
  const std::lock_guard lock(mutex_);
  std::erase_if(hubs_, [](const auto& one) { return one.second.expired(); });
  std::weak_ptr<Hub>& known = hubs_[store];
  std::shared_ptr<Hub> hub = known.lock();
  if (hub == nullptr) known = hub = std::make_shared<Hub>();
  return hub;
}

}  // namespace spikard::tasks
