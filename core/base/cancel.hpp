#pragma once

#include <cstdint>
#include <utility>

#include "base/function.hpp"

namespace spikard {

enum class CancelReason : std::uint8_t { none, requested, deadline, client_gone, shutdown };

class CancelCallback;

namespace detail {
/// One node of the cancellation tree. Belongs to one loop: the counts are plain, and every use is on that loop's thread.
struct CancelState {
  std::uint32_t refs = 1;
  CancelReason reason = CancelReason::none;
  CancelState* parent = nullptr;
  CancelState* first_child = nullptr;
  CancelState* next_sibling = nullptr;
  CancelState* prev_sibling = nullptr;
  CancelCallback* first_callback = nullptr;

  static void retain(CancelState* s) noexcept {
    if (s != nullptr) ++s->refs;
  }
  static void release(CancelState* s) noexcept;
  void cancel(CancelReason why);
};
}  // namespace detail

/// Asks "was this cancelled, and why". Copyable, one word; a default one is never cancelled. Single-threaded like its loop: to
/// cancel from another thread, post to the loop.
class CancelToken {
 public:
  CancelToken() noexcept = default;
  CancelToken(const CancelToken& other) noexcept : state_(other.state_) { detail::CancelState::retain(state_); }
  CancelToken(CancelToken&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  CancelToken& operator=(CancelToken other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~CancelToken() { detail::CancelState::release(state_); }

  [[nodiscard]] bool can_be_cancelled() const noexcept { return state_ != nullptr; }
  [[nodiscard]] bool cancelled() const noexcept { return state_ != nullptr && state_->reason != CancelReason::none; }
  [[nodiscard]] CancelReason reason() const noexcept { return state_ == nullptr ? CancelReason::none : state_->reason; }

 private:
  friend class CancelSource;
  friend class CancelCallback;
  explicit CancelToken(detail::CancelState* state) noexcept : state_(state) { detail::CancelState::retain(state_); }
  detail::CancelState* state_ = nullptr;
};

/// The one who may cancel. A source made with a parent token is cancelled with it. Destroying a source cancels nothing.
class CancelSource {
 public:
  CancelSource() : state_(new detail::CancelState) {}
  explicit CancelSource(const CancelToken& parent);
  CancelSource(CancelSource&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  CancelSource& operator=(CancelSource&& other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  CancelSource(const CancelSource&) = delete;
  CancelSource& operator=(const CancelSource&) = delete;
  ~CancelSource();

  [[nodiscard]] CancelToken token() const noexcept { return CancelToken(state_); }
  /// Runs the callbacks of this node and of all below it, newest first; the first reason stays. Idempotent.
  void cancel(CancelReason why = CancelReason::requested) { state_->cancel(why); }

 private:
  detail::CancelState* state_;
};

/// Calls `fn(reason)` once when the token is cancelled: at once in the constructor if it already is. Destroying it unhooks it.
class CancelCallback {
 public:
  CancelCallback(const CancelToken& token, Function<void(CancelReason)> fn);
  CancelCallback(const CancelCallback&) = delete;
  CancelCallback& operator=(const CancelCallback&) = delete;
  ~CancelCallback();

 private:
  friend struct detail::CancelState;
  CancelToken token_;
  Function<void(CancelReason)> fn_;
  CancelCallback* next_ = nullptr;
  CancelCallback* prev_ = nullptr;
  bool linked_ = false;
};

}  // namespace spikard
