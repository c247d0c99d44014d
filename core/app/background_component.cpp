#include "app/background_component.hpp"

namespace spikard::app {

void BackgroundComponent::finish(Function<void()> idle) {
  idle_ = std::move(idle);
  waiting_.store(true);
  look();
}

void BackgroundComponent::look() {
  if (!idle_ || running_.load() != 0) return;
  waiting_.store(false);
  Function<void()> idle = std::move(idle_);
  idle();
}

void BackgroundComponent::ended(bool finished) noexcept {
  (finished ? finished_ : failed_).fetch_add(1);
  if (running_.fetch_sub(1) == 1 && waiting_.load() && loop_ != nullptr) {
    loop_->post([this] { look(); });
  }
}

void BackgroundComponent::close(Function<void()> done) {
  abandoned_ = running_.load();
  idle_ = nullptr;
  done();
}

Counts BackgroundComponent::counts() const {
  return {.finished = finished_.load() + failed_.load(), .handed_back = 0, .abandoned = abandoned_, .in_flight = running_.load()};
}

}  // namespace spikard::app
