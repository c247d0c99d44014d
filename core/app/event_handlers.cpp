#include "app/event_handlers.hpp"

#include <exception>
#include <typeinfo>

namespace spikard::app {
namespace {

cloudevents::EventOutcome failure(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return cloudevents::EventOutcome::fail(typeid(e).name(), e.what());
  } catch (...) {
    return cloudevents::EventOutcome::fail("exception", "something that is no std::exception");
  }
}

}  // namespace

/// A coroutine that the sink may destroy at any wait. At its end it takes itself away, then tells the outcome.
struct EventHandlers::Frame {
  struct promise_type {
    EventHandlers* self = nullptr;
    Key key{};
    cloudevents::EventOutcome outcome;

    promise_type(EventHandlers& of, const Key& with, Task<cloudevents::EventOutcome>&) noexcept : self(&of), key(with) {}
    Frame get_return_object() noexcept { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    struct End {
      bool await_ready() noexcept { return false; }
      void await_suspend(std::coroutine_handle<promise_type> frame) noexcept {
        const promise_type& promise = frame.promise();
        EventHandlers* const owner = promise.self;
        const Key of = promise.key;
        cloudevents::EventOutcome result = std::move(frame.promise().outcome);
        frame.destroy();
        owner->ended(of, std::move(result));
      }
      void await_resume() noexcept {}
    };
    End final_suspend() noexcept { return {}; }
    void return_value(cloudevents::EventOutcome value) noexcept { outcome = std::move(value); }
    void unhandled_exception() noexcept { outcome = failure(std::current_exception()); }
  };
  std::coroutine_handle<promise_type> handle;
};

EventHandlers::EventHandlers(net::Loop& loop, std::shared_ptr<const std::vector<Handler>> handlers)
    : loop_(loop), handlers_(std::move(handlers)) {}

EventHandlers::~EventHandlers() {
  const auto running = std::move(running_);
  running_.clear();
  for (const auto& [key, one] : running) one.frame.destroy();
}

EventHandlers::Frame EventHandlers::drive(EventHandlers& self, Key key, Task<cloudevents::EventOutcome> task) {
  (void)self, (void)key;  // the promise has them
  cloudevents::EventOutcome outcome = co_await std::move(task);
  co_return outcome;
}

void EventHandlers::on_event(std::uint64_t ticket, cloudevents::Delivery delivery, cloudevents::EventSource& source) {
  if (delivery.handler >= handlers_->size()) {
    return source.complete(ticket,
                           cloudevents::EventOutcome::fail("handler", "there is no handler " + std::to_string(delivery.handler)));
  }
  Task<cloudevents::EventOutcome> task;
  CancelSource cancel;
  try {
    task = (*handlers_)[delivery.handler](std::move(delivery), loop_).with_token(cancel.token());
  } catch (...) {
    return source.complete(ticket, failure(std::current_exception()));
  }
  const Key key{&source, ticket};
  const std::coroutine_handle<> frame = drive(*this, key, std::move(task)).handle;
  running_.insert_or_assign(key, Running{std::move(cancel), frame});
  frame.resume();
}

void EventHandlers::ended(Key key, cloudevents::EventOutcome outcome) {
  running_.erase(key);
  key.first->complete(key.second, std::move(outcome));
}

void EventHandlers::on_cancel(std::uint64_t ticket, cloudevents::EventSource& source, CancelReason reason) {
  const auto found = running_.find({&source, ticket});
  if (found == running_.end()) return;
  const CancelToken held = found->second.cancel.token();  // the callbacks may end the handler, which takes its entry away
  found->second.cancel.cancel(reason);
}

}  // namespace spikard::app
