#include "base/cancel.hpp"

namespace spikard {
namespace detail {

void CancelState::release(CancelState* s) noexcept {
  while (s != nullptr && --s->refs == 0) {
    // A child holds its parent, so children are gone by now; callbacks hold their token, so they are gone too.
    CancelState* parent = s->parent;
    if (parent != nullptr) {
      if (s->prev_sibling != nullptr) s->prev_sibling->next_sibling = s->next_sibling;
      else if (parent->first_child == s) parent->first_child = s->next_sibling;
      if (s->next_sibling != nullptr) s->next_sibling->prev_sibling = s->prev_sibling;
    }
    delete s;
    s = parent;
  }
}

void CancelState::cancel(CancelReason why) {
  if (reason != CancelReason::none) return;
  ++refs;  // a callback may drop the last token
  reason = why;
  // Callbacks may unhook others, so take them off one at a time; the same for children, which unlink themselves when released.
  while (first_callback != nullptr) {
    CancelCallback* callback = first_callback;
    first_callback = callback->next_;
    if (first_callback != nullptr) first_callback->prev_ = nullptr;
    callback->linked_ = false;
    Function<void(CancelReason)> fn = std::move(callback->fn_);
    fn(why);
  }
  while (true) {
    CancelState* child = first_child;
    while (child != nullptr && child->reason != CancelReason::none) child = child->next_sibling;
    if (child == nullptr) break;
    child->cancel(why);
  }
  release(this);
}

}  // namespace detail

CancelSource::CancelSource(const CancelToken& parent) : state_(new detail::CancelState) {
  if (parent.state_ == nullptr) return;
  detail::CancelState* up = parent.state_;
  detail::CancelState::retain(up);
  state_->parent = up;
  state_->next_sibling = up->first_child;
  if (up->first_child != nullptr) up->first_child->prev_sibling = state_;
  up->first_child = state_;
  if (up->reason != CancelReason::none) state_->reason = up->reason;
}

CancelSource::~CancelSource() { detail::CancelState::release(state_); }

CancelCallback::CancelCallback(const CancelToken& token, Function<void(CancelReason)> fn) : token_(token), fn_(std::move(fn)) {
  detail::CancelState* state = token_.state_;
  if (state == nullptr) return;
  if (state->reason != CancelReason::none) {
    Function<void(CancelReason)> now = std::move(fn_);
    now(state->reason);
    return;
  }
  next_ = state->first_callback;
  if (next_ != nullptr) next_->prev_ = this;
  state->first_callback = this;
  linked_ = true;
}

CancelCallback::~CancelCallback() {
  if (!linked_) return;
  if (prev_ != nullptr) prev_->next_ = next_;
  else token_.state_->first_callback = next_;
  if (next_ != nullptr) next_->prev_ = prev_;
}

}  // namespace spikard
