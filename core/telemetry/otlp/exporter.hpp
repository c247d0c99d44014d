#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.hpp"
#include "base/function.hpp"
#include "net/loop/loop.hpp"
#include "telemetry/exporter.hpp"
#include "telemetry/otlp/encode.hpp"
#include "telemetry/provider.hpp"
#include "telemetry/settings.hpp"

namespace spikard::telemetry::otlp {

/// What became of the items of one signal: ended = exported + dropped + failed + waiting, at any time.
struct Counts {
  std::uint64_t ended = 0;
  std::uint64_t exported = 0;  ///< the collector has them
  std::uint64_t dropped = 0;   ///< the queue was full, or the exporter stopped with them in it
  std::uint64_t failed = 0;    ///< given up, or refused by the collector
  std::uint64_t waiting = 0;   ///< in the queue or on their way
};

/// OTLP over HTTP or gRPC. Items are encoded on the thread that ends them and put into a bounded queue, under a lock that is held
/// to copy a few hundred bytes; a queue that is full drops the newest and counts. Everything else happens on the loop it is
/// attached to: batches, compression, sending, retries. A collector that is down, slow or silent costs its queue and nothing
/// more.
class OtlpExporter final : public Exporter, public std::enable_shared_from_this<OtlpExporter> {
 public:
  /// `settings` as settings_from made them. `warn` (any thread) is told when exporting begins to fail, and when it works again.
  OtlpExporter(Settings settings, Function<void(const std::string&)> warn);
  ~OtlpExporter() override;

  void on_span(const SpanData& span) noexcept override;
  void on_log(const LogRecord& record) noexcept override;

  /// Begins to export, on `loop`'s thread; once. `provider` (its metrics) outlives `detach`.
  [[nodiscard]] Result<void> attach(net::Loop& loop, Provider& provider);
  /// Exports what waits now, the metrics too, and calls `done` (true: the collector has all of it) within `timeout`. On the
  /// loop's thread.
  void flush(Duration timeout, Function<void(bool)> done);
  /// Stops at once; what waits is dropped and counted. On the loop's thread, or when the loop does not run any more. Idempotent.
  void detach();

  [[nodiscard]] Counts spans() const;
  [[nodiscard]] Counts logs() const;

 private:
  struct Batch {
    std::string bytes;
    std::size_t count = 0;
  };
  /// The queue of one signal.
  struct Queue {
    Signal signal = Signal::traces;
    SignalSettings to;
    BatchSettings limits;
    Encoding encoding = Encoding::protobuf;
    mutable std::mutex mutex;
    std::deque<Batch> batches;  // all but the last are full
    Counts counts;
    bool told = false;  // the loop knows that a batch is full
  };
  class Worker;

  template <class Append>
  void add(Queue& queue, Append append) noexcept;

  const Settings settings_;
  Queue spans_;
  Queue logs_;
  Function<void(const std::string&)> warn_;
  std::mutex mailbox_mutex_;
  std::shared_ptr<net::Loop::Mailbox> mailbox_;  // null while detached
  std::unique_ptr<Worker> worker_;
};

}  // namespace spikard::telemetry::otlp
