#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "app/cloudevents_gate.hpp"
#include "app/event_client.hpp"
#include "cloudevents/dispatch.hpp"
#include "cloudevents/message.hpp"
#include "cloudevents/sink.hpp"
#include "net/loop/loop.hpp"
#include "services/cloudevents.gen.hpp"
#include "worker_loop/worker_loop.hpp"

namespace spikard::app {

/// A loop and who handles events on it.
struct EventLane {
  net::Loop* loop;
  cloudevents::EventSink* sink;
};

/// CloudEvents in a broker's messages: what a consumer hands its messages to (`event_consumers` of the manifest). Decodes on the
/// consumer's loop, hands the event to a lane, brings the outcome back:
///
/// | outcome | message |
/// | --- | --- |
/// | ack | acked |
/// | reply | acked once the reply was sent |
/// | nack | dead letter |
/// | retry | again after its time |
/// | fail | again with the consumer's backoff |
///
/// What is no event, and what no subscription takes, goes to the dead letter at once. The lanes outlive the consumer.
class EventWorkSink final : public worker_loop::WorkSink,
                            public cloudevents::EventSource,
                            public std::enable_shared_from_this<EventWorkSink> {
 public:
  struct Options {
    Options() = default;
    std::shared_ptr<EventGate> gate{};       ///< where the consumer has an inbox
    std::shared_ptr<EventClient> replies{};  ///< where it has `reply`
  };
  /// `scheme` of the broker's URL, for binding `auto`.
  EventWorkSink(services::EventConsumer config, std::string_view scheme, std::vector<EventLane> lanes, Options options);

  void attach(const std::shared_ptr<worker_loop::WorkerLoop>& worker) override { worker_ = worker; }
  void on_work(std::uint64_t ticket, std::shared_ptr<const worker_loop::WorkItem> item) override;
  void on_cancel(std::uint64_t ticket, CancelReason reason) override;
  /// On the lane's loop.
  void complete(std::uint64_t ticket, cloudevents::EventOutcome outcome) override;

 private:
  [[nodiscard]] EventLane& lane_of(std::uint64_t ticket) noexcept { return lanes_[ticket % lanes_.size()]; }
  [[nodiscard]] Task<> handle(std::uint64_t ticket, cloudevents::Delivery delivery);
  [[nodiscard]] Task<> finish(std::uint64_t ticket, std::shared_ptr<const cloudevents::Event> event, telemetry::SpanContext trace,
                              cloudevents::EventOutcome outcome);
  void settle(std::uint64_t ticket, worker_loop::Outcome outcome);

  const services::EventConsumer config_;
  const std::string who_;  // for the gate
  const cloudevents::Binding binding_;
  const cloudevents::Dispatch dispatch_;
  std::vector<EventLane> lanes_;
  const Options options_;
  std::weak_ptr<worker_loop::WorkerLoop> worker_;
  std::mutex mutex_;  // lanes and the consumer's loop
  struct Held {
    std::shared_ptr<const cloudevents::Event> event;
    telemetry::SpanContext trace;
  };
  std::unordered_map<std::uint64_t, Held> held_;  // with a handler
  std::unordered_set<std::uint64_t> asked_;       // with the gate: a cancelled one is gone, and reaches no handler
};

}  // namespace spikard::app
