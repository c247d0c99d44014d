#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/function.hpp"
#include "net/await.hpp"
#include "net/loop/loop.hpp"
#include "worker_loop/source.hpp"

namespace spikard::worker_loop {

struct WorkerLoopOptions {
  std::string name;                 ///< in reports
  std::uint32_t concurrency = 1;    ///< handlers at once
  std::uint32_t max_in_flight = 0;  ///< items in hand, those that wait for a handler included; 0: as concurrency
  bool ordered = false;             ///< an item waits for the one before it of the same key
  Duration handler_timeout{};       ///< zero: none
  RetryPolicy retry{};
  std::uint64_t seed = 1;            ///< of the jitter
  WorkObserver* observer = nullptr;  ///< outlives the loop
};

/// For the report of a drain.
struct WorkerCounts {
  std::uint64_t acked = 0;
  std::uint64_t failed = 0;         ///< errors, time-outs, nacks, retries: settled, but not by ack
  std::uint64_t dead_lettered = 0;  ///< of those
  std::uint64_t handed_back = 0;
  std::uint64_t lost = 0;       ///< the lease ran out, or it could not be settled: it comes again by itself
  std::uint64_t abandoned = 0;  ///< cut off, and handing back failed
  std::uint64_t in_hand = 0;
  std::uint64_t running = 0;
};

/// The one consumer and worker skeleton: pulls from a source, runs at most `concurrency` handlers, keeps leases alive meanwhile,
/// decides what becomes of a failure, and drains. All on one loop, the service loop's, so that a handler that blocks its thread
/// costs neither lease nor session.
///
/// Thread: its loop's, except `complete`. Source and sink outlive it; destroy it on its thread, after `close` is done.
class WorkerLoop final : public std::enable_shared_from_this<WorkerLoop>, private net::TurnEnd {
 public:
  [[nodiscard]] static std::shared_ptr<WorkerLoop> create(net::Loop& loop, Source& source, WorkSink& sink,
                                                          WorkerLoopOptions options);
  ~WorkerLoop();
  WorkerLoop(const WorkerLoop&) = delete;
  WorkerLoop& operator=(const WorkerLoop&) = delete;

  void start();
  /// Any thread: what became of a ticket. Unknown and cancelled ones are ignored.
  void complete(std::uint64_t ticket, Outcome outcome);

  /// The source has taken these back (a job that was cancelled elsewhere): their handlers are told, and nothing is settled.
  /// Unknown ids are ignored.
  void revoke(std::span<const std::uint64_t> ids);

  // The drain (DESIGN.md section 6), in this order; each may be left out but close, and each may come twice: both are told.
  /// Pulls no more; items that no handler has begun go back at once. `done` when no more can come in.
  void stop_taking(Function<void()> done);
  /// `idle` once nothing is in hand, at once if so.
  void finish(Function<void()> idle);
  /// Cancels the handlers and hands back everything in hand, in one settlement and without using up a try.
  void cancel();
  /// Cancels, and `done` when nothing of it runs any more. After it the source may go.
  void close(Function<void()> done);
  /// As if the process had died: no settlement and no extension from now on (tests, a lost session). The handlers are cancelled.
  void abandon();

  [[nodiscard]] const WorkerCounts& counts() const noexcept;
  [[nodiscard]] const std::string& name() const noexcept { return options_.name; }

 private:
  enum class Place : std::uint8_t { waiting, running, kept, settling };
  struct Held {
    std::shared_ptr<WorkItem> item;
    std::uint64_t ticket = 0;
    Place place = Place::waiting;
    std::unique_ptr<net::Timer> timer;  // time-out of a handler, wait of a kept one
  };
  using HeldMap = std::unordered_map<std::uint64_t, std::unique_ptr<Held>>;  // by ticket

  WorkerLoop(net::Loop& loop, Source& source, WorkSink& sink, WorkerLoopOptions options);
  void on_turn_end() override;
  [[nodiscard]] Task<> pull_all();
  [[nodiscard]] Task<> flush();
  [[nodiscard]] Task<> extend_all();
  void accept(WorkItem item);
  void line_up(Held& held);
  void start_ready();
  void run(Held& held);
  void completed(std::uint64_t ticket, Outcome outcome);
  void again_here(Held& held, Settlement settlement);
  void settle(Held& held, Settlement settlement);
  void hand_back(Held& held);
  void settled(std::uint64_t ticket, Settlement::Kind kind, bool ours);
  void lost(std::uint64_t id);
  void cut(Held& held, CancelReason reason);
  void forget(std::uint64_t ticket);
  void next_of_key(const std::string& key, std::uint64_t ticket);
  void look();
  [[nodiscard]] double random();
  void begin(Task<> task, bool& flag);

  net::Loop& loop_;
  Source& source_;
  WorkSink& sink_;
  const WorkerLoopOptions options_;
  mutable WorkerCounts counts_;
  std::minstd_rand random_;
  CancelSource stop_pulling_;
  CancelSource stop_all_;
  net::Event room_;
  net::Timer lease_timer_;
  HeldMap held_;
  std::unordered_map<std::uint64_t, std::uint64_t> tickets_;  // by the source's id
  std::deque<std::uint64_t> ready_;
  std::unordered_map<std::string, std::deque<std::uint64_t>> keys_;  // first: the one that runs, is kept or is being settled
  std::vector<std::pair<std::uint64_t, Settlement>> settlements_;    // not with the source yet
  std::uint64_t next_ticket_ = 1;
  std::uint32_t running_ = 0;
  bool pulling_ = false;
  bool flushing_ = false;
  bool extending_ = false;
  bool stopping_ = false;
  bool cancelled_ = false;
  bool dead_ = false;
  bool looking_ = false;
  Function<void()> stopped_;
  Function<void()> idle_;
  Function<void()> closed_;
};

}  // namespace spikard::worker_loop
