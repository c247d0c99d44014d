#include "net/blocking_pool.hpp"

#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <system_error>

#include "net/virtual_clock.hpp"

namespace spikard::net {

BlockingPool::BlockingPool(Clock& clock, BlockingPoolOptions options)
    : options_(options), virtual_clock_(clock.is_virtual() ? static_cast<VirtualClock*>(&clock) : nullptr) {}

BlockingPool::~BlockingPool() { stop(); }

Result<void> BlockingPool::run(Function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return Error(ErrorKind::unavailable, "the blocking pool is stopped").with_operation("net.blocking");
    if (queue_.size() >= idle_ + std::max<std::size_t>(options_.queue, 1) && threads_.size() >= options_.threads) {
      return Error(ErrorKind::rate_limited, "the blocking pool's queue is full")
          .with_operation("net.blocking")
          .with("queue", std::to_string(options_.queue));
    }
    if (queue_.size() >= idle_ && threads_.size() < std::max<std::uint32_t>(options_.threads, 1)) {
      // Signals belong to the host's threads.
      ::sigset_t all;
      ::sigset_t before;
      ::sigfillset(&all);
      ::pthread_sigmask(SIG_SETMASK, &all, &before);
      try {
        threads_.emplace_back([this] { work(); });
      } catch (const std::system_error& error) {
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        if (threads_.empty())
          return Error(ErrorKind::unavailable, std::string("blocking pool: ") + error.what()).with_operation("net.blocking");
      }
      ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    if (virtual_clock_ != nullptr) virtual_clock_->busy();
    queue_.push_back(std::move(job));
  }
  arrived_.notify_one();
  return {};
}

void BlockingPool::work() {
  ::pthread_setname_np(::pthread_self(), "spikard-block");
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    arrived_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    --idle_;
    if (stopping_) return;
    Function<void()> job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    job();
    job.reset();
    if (virtual_clock_ != nullptr) virtual_clock_->idle();
    lock.lock();
  }
}

void BlockingPool::stop() {
  std::deque<Function<void()>> dropped;
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(queue_);
    threads.swap(threads_);
  }
  arrived_.notify_all();
  while (!dropped.empty()) {
    dropped.pop_front();
    if (virtual_clock_ != nullptr) virtual_clock_->idle();
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace spikard::net
