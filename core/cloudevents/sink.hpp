#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/cancel.hpp"
#include "base/clock.hpp"
#include "cloudevents/event.hpp"
#include "telemetry/context.hpp"

namespace spikard::cloudevents {

/// What became of an event's handler.
struct EventOutcome {
  enum class Kind : std::uint8_t {
    ack,     ///< done: 204
    nack,    ///< refused for good: 400; a broker's message goes to the dead letter
    retry,   ///< again, not before `after`: 503 with Retry-After
    reply,   ///< done, with an event as the answer: 200 in binary mode
    fail,    ///< the handler threw: 500; a broker's message comes again with backoff
    timeout  ///< nobody waits any more
  };
  Kind kind = Kind::ack;
  Duration after{};
  std::optional<Event> event;  ///< reply
  std::string type;            ///< fail: the exception's type
  std::string message;         ///< fail, nack: for the log, never for the sender
  std::string trace;           ///< fail

  static EventOutcome ack() { return {}; }
  static EventOutcome nack(bool requeue, std::string why = {}) {
    EventOutcome o;
    o.kind = requeue ? Kind::retry : Kind::nack;
    o.message = std::move(why);
    return o;
  }
  static EventOutcome retry(Duration after) {
    EventOutcome o;
    o.kind = Kind::retry;
    o.after = after;
    return o;
  }
  static EventOutcome reply(Event with) {
    EventOutcome o;
    o.kind = Kind::reply;
    o.event = std::move(with);
    return o;
  }
  static EventOutcome fail(std::string type, std::string message, std::string trace = {}) {
    EventOutcome o;
    o.kind = Kind::fail;
    o.type = std::move(type);
    o.message = std::move(message);
    o.trace = std::move(trace);
    return o;
  }
};

/// One event on its way to a handler.
struct Delivery {
  std::shared_ptr<const Event> event;
  std::uint32_t handler = 0;  ///< its number, from the manifest's subscriptions
  telemetry::SpanContext trace{};
};

/// Where an event came from and its outcome goes: an HTTP request, a broker's message.
class EventSource {
 public:
  /// Exactly once for each ticket, on the thread that called on_event or, where a source says so, on any. Unknown tickets and
  /// those that were cancelled are ignored.
  virtual void complete(std::uint64_t ticket, EventOutcome outcome) = 0;

 protected:
  ~EventSource() = default;
};

/// The handler side: the C++ dispatcher and the port implement it. Calls must not throw.
class EventSink {
 public:
  virtual ~EventSink() = default;
  /// Owes `source.complete(ticket, ...)`, at once or later. Tickets are unique within a source.
  virtual void on_event(std::uint64_t ticket, Delivery delivery, EventSource& source) = 0;
  /// Nobody waits for the outcome any more; it is still owed, and ignored.
  virtual void on_cancel(std::uint64_t ticket, EventSource& source, CancelReason reason) = 0;
};

}  // namespace spikard::cloudevents
