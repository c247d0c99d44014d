#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/function.hpp"
#include "base/task.hpp"
#include "messaging/backend.hpp"
#include "net/loop/loop.hpp"
#include "services/messaging.gen.hpp"
#include "telemetry/provider.hpp"
#include "validation/schema.hpp"
#include "worker_loop/task_sink.hpp"
#include "worker_loop/worker_loop.hpp"

namespace spikard::messaging {

/// A consumer of the manifest, or one that an operation starts (spec/services/messaging.yaml), checked and ready to start.
struct ConsumerOptions {
  /// Errors: invalid_argument naming the field below `path`. `style`: the client's.
  [[nodiscard]] static Result<ConsumerOptions> from(const services::Consumer& config, TopicStyle style,
                                                    const std::string& path = {});

  std::string name;
  SubscribeOptions subscribe;
  worker_loop::WorkerLoopOptions work;
  std::shared_ptr<const validation::Schema> schema;  ///< of the payload, or null

 private:
  explicit ConsumerOptions(TopicPattern pattern) : subscribe(std::move(pattern)) {}
};

/// A running consumer: a subscription, its worker loop, the check of the messages, their spans. Made by Client::start_consumer;
/// everything on the loop it was started on, but for `WorkerLoop::complete`. Dropped without `close` it is a consumer that died.
class Consumer final : public std::enable_shared_from_this<Consumer> {
 public:
  ~Consumer();
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return worker_->name(); }

  // The drain, step by step (worker_loop/worker_loop.hpp), for a component of the application.
  void stop_taking(Function<void()> done) { worker_->stop_taking(std::move(done)); }
  void finish(Function<void()> idle) { worker_->finish(std::move(idle)); }
  void cancel() { worker_->cancel(); }
  /// Cancels, leaves the group, and then `done`: nothing of it runs any more. May come twice, and while it stops.
  void close(Function<void()> done);
  /// A stop, a close or a kill was begun.
  [[nodiscard]] bool closing() const noexcept { return closing_; }
  [[nodiscard]] const worker_loop::WorkerCounts& counts() const noexcept { return worker_->counts(); }

  struct Stopped {
    bool drained = true;
    std::uint64_t unfinished = 0;  ///< handlers that were cancelled
  };
  /// All of it: takes nothing new, waits up to `limit` for the handlers, hands back the rest. Once.
  [[nodiscard]] Task<Stopped> stop(Duration limit);
  /// As if its process had died: nothing is acked or handed back any more.
  void kill();

 private:
  friend class Client;
  class Gate;
  struct Instruments {
    telemetry::Tracer tracer;
    std::string system;
    telemetry::Counter consumed;
    telemetry::Histogram duration;
  };
  struct Parts;  // what the worker loop stands on: lives until that has ended, whatever becomes of the Consumer
  Consumer(net::Loop& loop, ConsumerOptions options, Instruments instruments, std::unique_ptr<Subscription> subscription,
           std::shared_ptr<worker_loop::WorkSink> sink);

  net::Loop& loop_;
  std::shared_ptr<Parts> parts_;
  std::shared_ptr<worker_loop::WorkerLoop> worker_;
  bool closing_ = false;
};

/// What a C++ handler is given; the answer is a worker_loop::Outcome: ack, nack, reject or retry, and an exception is an error.
using Inbound = std::shared_ptr<const worker_loop::WorkItem>;
using Handler = std::function<Task<worker_loop::Outcome>(Inbound)>;
/// Handlers as coroutines on these loops (worker_loop/task_sink.hpp).
[[nodiscard]] std::shared_ptr<worker_loop::WorkSink> handler_sink(const std::vector<net::Loop*>& loops, Handler handler);

}  // namespace spikard::messaging
