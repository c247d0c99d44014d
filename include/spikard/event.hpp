#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "base/task.hpp"
#include "cloudevents/event.hpp"
#include "cloudevents/sink.hpp"
#include "net/blocking_pool.hpp"
#include "net/loop/loop.hpp"
#include "spikard/clients.hpp"
#include "spikard/handler.hpp"

namespace spikard {

using cloudevents::Event;
/// What a handler of events says: `EventOutcome::ack()`, `nack(requeue)`, `retry(after)`, `reply(event)`.
using cloudevents::EventOutcome;

/// What a handler of events has beside the event: `app.event(...)`. Valid until the handler has ended.
class EventWork : public HasClients<EventWork> {
 public:
  EventWork(app::Application& application, net::Loop& loop, cloudevents::Delivery delivery)
      : application_(&application), loop_(&loop), delivery_(std::move(delivery)) {}

  [[nodiscard]] app::Application& application() const noexcept { return *application_; }
  [[nodiscard]] net::Loop& loop() const noexcept { return *loop_; }
  [[nodiscard]] const Event& event() const noexcept { return *delivery_.event; }
  [[nodiscard]] telemetry::SpanContext trace() const { return delivery_.trace; }
  /// cancelled when nobody waits for the handler any more: the sender has gone, its time-out has passed, the application stops.
  [[nodiscard]] Task<Result<void>> sleep(Duration after) const { return net::sleep(*loop_, after); }
  /// Runs a function that blocks on the pool and comes back with a Result of what it returned. It must own what it uses.
  template <class F>
  [[nodiscard]] auto blocking(F fn) const {
    return net::blocking(*loop_, detail::blocking_pool(*application_), std::move(fn));
  }

 private:
  app::Application* application_;
  net::Loop* loop_;
  cloudevents::Delivery delivery_;
};

namespace detail {

/// Called on any of the I/O loops, on several at once.
using EventHandler = std::function<Task<EventOutcome>(cloudevents::Delivery, app::Application&, net::Loop&)>;

template <class R>
EventOutcome event_outcome_of(R&& value) {
  using V = std::remove_cvref_t<R>;
  if constexpr (std::is_same_v<V, EventOutcome>) {
    return std::forward<R>(value);
  } else if constexpr (std::is_same_v<V, Event>) {
    return EventOutcome::reply(std::forward<R>(value));
  } else if constexpr (std::is_same_v<V, std::optional<Event>>) {
    return value ? EventOutcome::reply(*std::forward<R>(value)) : EventOutcome::ack();
  } else {
    static_assert(is_result<V>::value,
                  "a handler of events returns nothing, an Event, std::optional<Event>, an EventOutcome or a Result of these");
    if (!value.ok()) return EventOutcome::fail(std::string(name_of(value.error().kind())), value.error().to_string());
    if constexpr (std::is_void_v<typename V::value_type>) return EventOutcome::ack();
    else return event_outcome_of(std::forward<R>(value).value());
  }
}

template <class A>
decltype(auto) event_argument(EventWork& work) {
  using V = std::remove_cvref_t<A>;
  static_assert(std::is_same_v<V, Event> || std::is_same_v<V, EventWork>,
                "a handler takes const Event& and EventWork&, in any order");
  if constexpr (std::is_same_v<V, Event>) return (work.event());
  else return (work);
}

/// Owns the function and the event for as long as it runs.
template <class F>
Task<EventOutcome> run_event(std::shared_ptr<F> fn, EventWork work) {
  using S = Signature<F>;
  using R = typename S::Return;
  const auto call = [&]<class... A>(std::tuple<A...>*) -> R { return (*fn)(event_argument<A>(work)...); };
  constexpr auto* types = static_cast<typename S::Args*>(nullptr);
  if constexpr (task_of<R>::value) {
    using T = typename task_of<R>::type;
    R task = call(types);
    if constexpr (std::is_void_v<T>) {
      co_await std::move(task);
      co_return EventOutcome::ack();
    } else {
      T value = co_await std::move(task);
      co_return event_outcome_of(std::move(value));
    }
  } else if constexpr (std::is_void_v<R>) {
    call(types);
    co_return EventOutcome::ack();
  } else {
    co_return event_outcome_of(call(types));
  }
}

template <class F>
EventHandler make_event_handler(F given) {
  auto fn = std::make_shared<F>(std::move(given));
  return [fn = std::move(fn)](cloudevents::Delivery delivery, app::Application& application, net::Loop& loop) {
    return run_event<F>(fn, EventWork(application, loop, std::move(delivery)));
  };
}

}  // namespace detail
}  // namespace spikard
