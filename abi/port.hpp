#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "app/application.hpp"
#include "call.hpp"
#include "cloudevents/sink.hpp"
#include "http/sink.hpp"
#include "net/loop/loop.hpp"
#include "spikard/spikard.h"
#include "work.hpp"

namespace spikard::abi {

/// One port: an I/O loop of an application whose handlers live in a host language. Implements the sinks by queueing events, and
/// applies the host's commands.
///
/// Inline drive: everything happens on the thread that polls. Threaded drive: a core thread turns the loop; the host only takes
/// events and hands over copies of commands.
class Port final : public http::Sink, public cloudevents::EventSink, private net::TurnEnd {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Port>> open(std::shared_ptr<app::Application> application,
                                                          std::shared_ptr<Ports> ports);
  ~Port() override;

  int fd() const noexcept;
  int poll(spk_event* events, std::uint32_t max, std::int32_t timeout_ms);
  int submit(const spk_cmd* commands, std::uint32_t n);
  int call(const spk_cmd& command, const spk_record** out);
  void wake();
  /// Address and size of the mapping that records lie in, but those too big for it.
  [[nodiscard]] std::pair<const void*, std::size_t> region() const noexcept {
    return io_->server() == nullptr ? std::pair<const void*, std::size_t>{nullptr, 0} : io_->server()->region();
  }

  /// What a streamed answer, and each direction of a streamed operation, may send before the other side has granted more.
  static constexpr std::size_t stream_credit = 65536;

  /// Handlers' work in hand: requests, messages, tasks. Any thread.
  [[nodiscard]] std::size_t owed() const noexcept { return owed_.load(std::memory_order_relaxed); }
  /// Any thread, as long as the port is open (Ports sees to it).
  void post(Function<void(Port&)> fn);

  // For PortSink, on the port's loop.
  /// Tells the host; its answer goes to `delivery`, and then `answered` is called. Returns the id.
  std::uint64_t deliver(std::unique_ptr<Delivery> delivery, Function<void()> answered);
  void cancel_delivery(std::uint64_t id, CancelReason reason);

  // For Call, on the port's loop.
  void call_chunk(std::uint64_t id, std::string_view chunk);
  void call_credit(std::uint64_t id, std::size_t bytes);
  void call_done(std::uint64_t id, Result<Document> result);

  // http::Sink
  void on_request(http::Exchange& exchange) override;
  void on_chunk(http::Exchange& exchange, http::BodyChunk chunk) override;
  void on_cancel(http::Exchange& exchange, CancelReason reason) override;
  void on_credit(http::Exchange& exchange) override;
  void on_hook(http::Exchange& exchange, http::HookPhase phase, std::uint32_t hook) override;
  void on_factory(http::Exchange& exchange, std::uint32_t dependency, std::span<const std::uint64_t> arguments) override;
  void on_dispose(http::Exchange& exchange, std::uint32_t dependency, std::uint64_t token) override;

  // cloudevents::EventSink; sources are on this loop
  void on_event(std::uint64_t ticket, cloudevents::Delivery delivery, cloudevents::EventSource& source) override;
  void on_cancel(std::uint64_t ticket, cloudevents::EventSource& source, CancelReason reason) override;

 private:
  enum class Owed : std::uint8_t { nothing, request, streaming, hook, factory, dispose };
  /// What the host owes for one exchange, by the id's slot.
  struct Entry {
    http::Exchange* exchange = nullptr;
    std::uint64_t id = 0;
    Owed owed = Owed::nothing;
    bool streaming_behind = false;  // while on_response hooks of a streamed answer run, its END is owed as well
    std::uint32_t uncredited = 0;   // answer bytes taken since the last CREDIT event
    std::uint64_t covered = 0;      // request-body bytes the host paid for beyond whole chunks
    std::deque<std::pair<http::BodyChunk, std::unique_ptr<char[]>>> chunks;  // waiting for their CREDIT
    std::unique_ptr<char[]> extra;  // the spk_record that goes with a HOOK or FACTORY event
    std::uint32_t waits = 0;        // of its handler in the core: timers, operations
  };
  /// A message or task with the host.
  struct Work {
    std::unique_ptr<Delivery> delivery;
    Function<void()> answered;
    std::unique_ptr<char[]> record;
    std::uint32_t waits = 0;
  };
  /// A CloudEvent with the host.
  struct OwedEvent {
    cloudevents::EventSource* source = nullptr;
    std::uint64_t ticket = 0;
    std::unique_ptr<char[]> record;
    std::uint32_t waits = 0;
    telemetry::SpanContext trace{};
  };
  struct Pending;  // a TIMER in progress
  /// An operation of the toolbox in progress.
  struct Running {
    std::shared_ptr<Call> call;
    std::uint64_t waiter = 0;
    std::deque<std::pair<std::size_t, std::unique_ptr<char[]>>> chunks;  // waiting for their CREDIT
    std::uint64_t covered = 0;
  };
  /// What came with DONE, and the chunks before it that the host has not paid for: until RELEASE.
  struct Finished {
    std::unique_ptr<char[]> record;
    std::deque<std::pair<std::size_t, std::unique_ptr<char[]>>> chunks;
  };

  Port(std::shared_ptr<app::Application> application, std::shared_ptr<Ports> ports);
  Entry& entry_of(http::Exchange& exchange);
  Entry* find(std::uint64_t id);
  void owe(Entry& entry, Owed what);
  void settle(Entry& entry);
  void no_longer_owed(std::uint32_t& waits);
  void rest(std::uint32_t& waits);
  void drop_owed_work();
  [[nodiscard]] static bool streams(const Entry& entry) noexcept {
    return entry.owed == Owed::streaming || entry.streaming_behind;
  }
  void push(const spk_event& event);
  [[nodiscard]] int poll_events(spk_event* events, std::uint32_t max, std::int32_t timeout_ms);
  int take(spk_event* events, std::uint32_t max);
  void publish();
  void on_turn_end() override { publish(); }

  int apply(const spk_cmd& command);
  int apply_reply(const spk_cmd& command);
  int reply_by_operation(const spk_cmd& command, Entry& entry);
  int apply_result(const spk_cmd& command);
  int apply_hook_result(Entry& entry, Value nodes);
  int apply_fail(const spk_cmd& command);
  int apply_credit(const spk_cmd& command);
  int apply_chunk(const spk_cmd& command);
  int start_timer(const spk_cmd& command);
  int start_call(const spk_cmd& command);
  int start_operation(const spk_cmd& command, std::uint64_t id, Value arguments);
  /// Commands on the id of an operation in progress: its streamed argument and result.
  int apply_to_call(const spk_cmd& command);
  int apply_to_work(const spk_cmd& command);
  int apply_to_event(const spk_cmd& command);
  void cancel_pending(std::uint64_t user);
  void done(std::uint64_t user, std::uint64_t id, const Error* error, Value result);
  /// The handler of `id` (a request, a message, a task) begins or ends a wait of the core's: with virtual time it is at rest
  /// then.
  [[nodiscard]] std::uint32_t* waits_of(std::uint64_t id);
  bool begin_wait(std::uint64_t id);
  /// Of a request, message, task or event with the host.
  [[nodiscard]] telemetry::SpanContext trace_of(std::uint64_t id);
  /// What a CALL belongs to: the span that it names, else that of the request, message or task it is made for.
  [[nodiscard]] telemetry::SpanContext trace_for(const spk_cmd& call);
  void end_wait(std::uint64_t id);
  void finish_pending(Pending& pending, const Error* error);
  struct HostTask;  // what a background task of the host's waits in for its ACK or FAIL
  Task<void> run_background(std::uint64_t user);
  void end_background(HostTask& task);
  void state(app::State state);
  static bool read_head(const spk_cmd& command, std::vector<http::HeaderField>& out);

  std::shared_ptr<app::Application> application_;
  const std::shared_ptr<Ports> ports_;
  std::unique_ptr<app::IoUnit> io_;
  std::atomic<std::size_t> owed_{0};
  bool virtual_time_ = false;

  std::vector<spk_event> queue_;
  std::size_t taken_ = 0;
  std::atomic<std::uint32_t> cancels_{0};  // CANCEL events of a virtual clock that the host has not seen, or not got over yet
  std::uint32_t cancels_told_ = 0;         // of those: in the batch that the host has now
  std::vector<Entry> entries_;
  std::vector<http::HeaderField> head_scratch_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Pending>> pending_;  // by our id
  std::unordered_map<std::uint64_t, Finished> results_;                  // DONE records until RELEASE
  std::unordered_map<std::uint64_t, Running> calls_;                     // by our id
  std::unordered_map<std::uint64_t, Work> works_;                        // by our id
  std::unordered_map<std::uint64_t, OwedEvent> events_;                  // by our id
  std::unordered_map<std::uint64_t, HostTask*> background_;              // running, by their id
  std::uint64_t next_id_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

  // Threaded drive.
  bool threaded_ = false;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<spk_event> shared_;
  int shared_fd_ = -1;
  std::atomic<bool> woken_{false};
};

}  // namespace spikard::abi
