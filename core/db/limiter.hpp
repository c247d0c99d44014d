#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "store/pending.hpp"

namespace spikard::db {

/// So many at once in a process, over all loops; the oldest waiter is served next. Thread-safe.
class Limiter : public std::enable_shared_from_this<Limiter> {
 public:
  explicit Limiter(std::uint32_t max) noexcept : max_(max) {}

  /// Held while a connection is in use.
  class Permit {
   public:
    Permit() = default;
    Permit(Permit&& other) noexcept = default;
    Permit& operator=(Permit&& other) noexcept {
      if (this != &other) {
        release();
        limiter_ = std::move(other.limiter_);
      }
      return *this;
    }
    ~Permit() { release(); }
    void release() noexcept {
      if (limiter_ != nullptr) std::exchange(limiter_, nullptr)->give_back();
    }

   private:
    friend class Limiter;
    explicit Permit(std::shared_ptr<Limiter> limiter) noexcept : limiter_(std::move(limiter)) {}
    std::shared_ptr<Limiter> limiter_;
  };

  /// Errors: timeout/pool_timeout, cancelled, unavailable/closed.
  [[nodiscard]] Task<Result<Permit>> acquire(net::Loop& loop, Duration limit);
  void close();
  [[nodiscard]] std::uint32_t in_use() const;
  [[nodiscard]] std::uint32_t waiting() const;

 private:
  struct Waiter;
  void give_back() noexcept;
  void give_up(const std::shared_ptr<Waiter>& waiter, Error why);

  const std::uint32_t max_;
  mutable std::mutex mutex_;
  std::uint32_t used_ = 0;
  bool closed_ = false;
  std::deque<std::shared_ptr<Waiter>> waiters_;
};

}  // namespace spikard::db
