#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "app/application.hpp"
#include "app/clients.hpp"
#include "app/component.hpp"
#include "messaging/consumer.hpp"
#include "net/loop/loop.hpp"
#include "tasks/scheduler.hpp"
#include "tasks/worker.hpp"

namespace spikard::app {

/// A component that takes its work only once handlers are there: after the first I/O unit was opened. What cannot begin because
/// its store is not there yet is begun later.
class WorkComponent : public Component {
 public:
  /// On the service loop's thread, once. `begun`: it takes work now, or not yet, or never will. What fails is logged; what may
  /// work later (`RetryClass::temporary`) is tried again, and the component is not ready before.
  void begin(MakeWorkSink& make_sink, Function<void()> begun) {
    begun_ = std::move(begun);
    take_up(make_sink);
  }
  [[nodiscard]] bool ready() const noexcept override { return ready_.load(std::memory_order_acquire); }

 protected:
  virtual void take_up(MakeWorkSink& make_sink) = 0;
  void set_ready() {
    ready_.store(true, std::memory_order_release);
    set_begun();
  }
  void set_begun() {
    if (begun_) std::exchange(begun_, {})();
  }
  /// Calls `fn` after a wait that doubles from 1 s to 30 s. On the service loop's thread, as `stop_trying`.
  void try_again(net::Loop& loop, Function<void()> fn) {
    again_ = std::make_unique<net::Timer>(loop, std::move(fn));
    again_->start(wait_);
    wait_ = std::min<Duration>(2 * wait_, std::chrono::seconds(30));
  }
  void stop_trying() noexcept { again_.reset(); }

 private:
  std::unique_ptr<net::Timer> again_;
  Duration wait_{std::chrono::seconds(1)};
  std::atomic<bool> ready_{false};
  Function<void()> begun_;
};

/// A consumer of the manifest: of messages, or of the events in them.
class ConsumerComponent final : public WorkComponent {
 public:
  /// Who takes its messages; asked once, on the service loop. Null: nobody does.
  using MakeSink = Function<std::shared_ptr<worker_loop::WorkSink>(MakeWorkSink&)>;
  /// `where`: the field, for errors.
  ConsumerComponent(Application& application, Clients& clients, services::Consumer config, std::string where, MakeSink make_sink)
      : application_(application),
        clients_(clients),
        config_(std::move(config)),
        where_(std::move(where)),
        name_("consumer " + config_.name),
        make_sink_(std::move(make_sink)) {}

  [[nodiscard]] std::string_view name() const noexcept override { return name_; }
  [[nodiscard]] Result<void> start() override;
  void take_up(MakeWorkSink& make_sink) override;
  void stop_taking(Function<void()> done) override;
  void finish(Function<void()> idle) override;
  void cancel() override;
  void close(Function<void()> done) override;
  [[nodiscard]] Counts counts() const override;

 private:
  void subscribe();

  Application& application_;
  Clients& clients_;
  const services::Consumer config_;
  const std::string where_;
  const std::string name_;
  MakeSink make_sink_;
  std::shared_ptr<messaging::Client> client_;
  std::optional<messaging::ConsumerOptions> options_;
  std::shared_ptr<worker_loop::WorkSink> sink_;  ///< until it is the consumer's
  std::shared_ptr<messaging::Consumer> consumer_;
  bool stopping_ = false;
};

/// A task worker of the manifest.
class TaskWorkerComponent final : public WorkComponent {
 public:
  TaskWorkerComponent(Application& application, Clients& clients, std::uint32_t index)
      : application_(application), clients_(clients), index_(index), name_("worker " + config().name) {}
  ~TaskWorkerComponent() override;

  [[nodiscard]] std::string_view name() const noexcept override { return name_; }
  [[nodiscard]] Result<void> start() override;
  void take_up(MakeWorkSink& make_sink) override;
  void stop_taking(Function<void()> done) override;
  void finish(Function<void()> idle) override;
  void cancel() override;
  void close(Function<void()> done) override;
  [[nodiscard]] Counts counts() const override;

 private:
  [[nodiscard]] const services::Worker& config() const noexcept { return application_.manifest().workers[index_]; }

  Application& application_;
  Clients& clients_;
  const std::uint32_t index_;
  const std::string name_;
  std::shared_ptr<tasks::Client> client_;
  std::unique_ptr<worker_loop::WorkSink> sink_;
  tasks::WorkerParts parts_;
  std::shared_ptr<worker_loop::WorkerLoop> worker_;
};

/// The schedules of the manifest: one scheduler for each store that has some.
class SchedulerComponent final : public WorkComponent {
 public:
  SchedulerComponent(Application& application, Clients& clients) : application_(application), clients_(clients) {}
  ~SchedulerComponent() override { *alive_ = false; }

  [[nodiscard]] std::string_view name() const noexcept override { return "scheduler"; }
  [[nodiscard]] Result<void> start() override;
  void take_up(MakeWorkSink& make_sink) override;
  void stop_taking(Function<void()> done) override;
  void finish(Function<void()> idle) override { idle(); }
  void cancel() override {}
  void close(Function<void()> done) override { stop_taking(std::move(done)); }
  /// `finished`: occurrences that were fired.
  [[nodiscard]] Counts counts() const override;

 private:
  struct Store {
    std::shared_ptr<tasks::Client> client;
    std::vector<tasks::Schedule> schedules;
    std::size_t declared = 0;  ///< so many from the front
    std::shared_ptr<tasks::Scheduler> scheduler;
  };
  void begin_declaring();
  /// False: to be tried again.
  [[nodiscard]] Task<bool> declare();

  Application& application_;
  Clients& clients_;
  std::vector<Store> stores_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  bool stopping_ = false;
};

/// Consumers, workers and schedulers that operations started (`messaging.start_consumer`, `tasks.start_worker`).
class OperationsComponent final : public Component {
 public:
  explicit OperationsComponent(Clients& clients) : clients_(clients) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "operations"; }
  [[nodiscard]] Result<void> start() override { return {}; }
  void stop_taking(Function<void()> done) override;
  void finish(Function<void()> idle) override;
  void cancel() override;
  void close(Function<void()> done) override;
  [[nodiscard]] Counts counts() const override;

 private:
  Clients& clients_;
};

}  // namespace spikard::app
