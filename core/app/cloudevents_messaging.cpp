#include "app/cloudevents_messaging.hpp"

#include "base/assert.hpp"

namespace spikard::app {
namespace {

using cloudevents::EventOutcome;
using worker_loop::Outcome;

cloudevents::Binding binding_for(services::EventBinding configured, std::string_view scheme) noexcept {
  if (configured == services::EventBinding::automatic) return cloudevents::binding_of_scheme(scheme);
  return static_cast<cloudevents::Binding>(configured);
}

std::string who_of(const services::Consumer& consumer) {
  return "messaging:" + consumer.client + "/" + consumer.topic + " " + (consumer.group.empty() ? consumer.name : consumer.group);
}

}  // namespace

EventWorkSink::EventWorkSink(services::EventConsumer config, std::string_view scheme, std::vector<EventLane> lanes,
                             Options options)
    : config_(std::move(config)),
      who_(who_of(config_.consumer)),
      binding_(binding_for(config_.binding, scheme)),
      dispatch_(config_.subscriptions, config_.handler),
      lanes_(std::move(lanes)),
      options_(std::move(options)) {
  SPIKARD_ASSERT(!lanes_.empty(), "events need a loop to be handled on");
}

void EventWorkSink::on_work(std::uint64_t ticket, std::shared_ptr<const worker_loop::WorkItem> item) {
  std::vector<cloudevents::FieldView> fields;
  fields.reserve(item->headers.size());
  for (const auto& [name, value] : item->headers) fields.push_back({name, value});
  auto decoded = cloudevents::decode_broker(binding_, fields, {}, item->payload);
  if (!decoded.ok()) return settle(ticket, Outcome::reject("no CloudEvent: " + decoded.error().message()));
  cloudevents::Delivery delivery;
  delivery.event = std::make_shared<const cloudevents::Event>(std::move(decoded->events.at(0)));
  delivery.trace = item->trace;
  const std::optional<std::uint32_t> handler = dispatch_.handler_of(*delivery.event);
  if (!handler) return settle(ticket, Outcome::reject("no handler takes events of type " + delivery.event->type));
  delivery.handler = *handler;
  lane_of(ticket).loop->post([self = shared_from_this(), ticket, delivery = std::move(delivery)]() mutable {
    spawn(self->handle(ticket, std::move(delivery)), [self, ticket](const std::exception_ptr& error) {
      if (!error) return;
      {
        const std::lock_guard lock(self->mutex_);
        self->asked_.erase(ticket);
      }
      self->settle(ticket, Outcome::error("the inbox failed"));
    });
  });
}

Task<> EventWorkSink::handle(std::uint64_t ticket, cloudevents::Delivery delivery) {
  EventLane& lane = lane_of(ticket);
  if (config_.inbox && options_.gate != nullptr) {
    {
      const std::lock_guard lock(mutex_);
      asked_.insert(ticket);
    }
    std::string who = who_;
    const Result<bool> is_new = co_await options_.gate->is_new(*lane.loop, *config_.inbox, std::move(who), delivery.event);
    bool held = false;
    {
      const std::lock_guard lock(mutex_);
      held = asked_.erase(ticket) != 0;
    }
    if (!held) {  // cancelled meanwhile: the lane's sink may be gone
      settle(ticket, Outcome::error("cancelled"));
      co_return;
    }
    if (!is_new.ok()) {
      settle(ticket, Outcome::error("inbox: " + is_new.error().to_string()));
      co_return;
    }
    if (!*is_new) {
      settle(ticket, Outcome::ack());
      co_return;
    }
  }
  {
    const std::lock_guard lock(mutex_);
    held_.insert_or_assign(ticket, Held{delivery.event, delivery.trace});
  }
  lane.sink->on_event(ticket, std::move(delivery), *this);
}

void EventWorkSink::on_cancel(std::uint64_t ticket, CancelReason reason) {
  lane_of(ticket).loop->post([self = shared_from_this(), ticket, reason] {
    {
      const std::lock_guard lock(self->mutex_);
      if (!self->held_.contains(ticket)) {
        self->asked_.erase(ticket);
        return;
      }
    }
    self->lane_of(ticket).sink->on_cancel(ticket, *self, reason);
  });
}

void EventWorkSink::complete(std::uint64_t ticket, EventOutcome outcome) {
  Held held;
  {
    const std::lock_guard lock(mutex_);
    const auto found = held_.find(ticket);
    if (found == held_.end()) return;
    held = std::move(found->second);
    held_.erase(found);
  }
  switch (outcome.kind) {
    case EventOutcome::Kind::retry: return settle(ticket, Outcome::retry(outcome.after));
    case EventOutcome::Kind::timeout: return settle(ticket, Outcome::error("the handler took too long"));
    case EventOutcome::Kind::fail: return settle(ticket, Outcome::error(outcome.message));
    case EventOutcome::Kind::ack:
    case EventOutcome::Kind::nack:
    case EventOutcome::Kind::reply: break;
  }
  spawn(finish(ticket, std::move(held.event), std::move(held.trace), std::move(outcome)),
        [self = shared_from_this(), ticket](const std::exception_ptr& error) {
          if (error) self->settle(ticket, Outcome::error("the outcome could not be noted"));
        });
}

Task<> EventWorkSink::finish(std::uint64_t ticket, std::shared_ptr<const cloudevents::Event> event, telemetry::SpanContext trace,
                             EventOutcome outcome) {
  net::Loop& loop = *lane_of(ticket).loop;
  if (outcome.kind == EventOutcome::Kind::reply && outcome.event) {
    if (options_.replies == nullptr) {
      settle(ticket, Outcome::error("the handler answered with an event, and the consumer has no `reply`"));
      co_return;
    }
    const Result<EventSent> sent = co_await options_.replies->send(net::Caller(loop, trace), std::move(*outcome.event));
    if (!sent.ok()) {
      settle(ticket, Outcome::error("the reply was not sent: " + sent.error().to_string()));
      co_return;
    }
  }
  const bool refused = outcome.kind == EventOutcome::Kind::nack;
  if (config_.inbox && options_.gate != nullptr && !refused) {
    std::string who = who_;
    const Result<void> noted = co_await options_.gate->handled(loop, *config_.inbox, std::move(who), event);
    if (!noted.ok()) {
      settle(ticket, Outcome::error("inbox: " + noted.error().to_string()));
      co_return;
    }
  }
  settle(ticket, refused ? Outcome::reject(outcome.message) : Outcome::ack());
}

void EventWorkSink::settle(std::uint64_t ticket, Outcome outcome) {
  if (const auto worker = worker_.lock()) worker->complete(ticket, std::move(outcome));
}

}  // namespace spikard::app
