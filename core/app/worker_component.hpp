#pragma once

#include <memory>
#include <string>

#include "app/application.hpp"
#include "app/component.hpp"
#include "worker_loop/worker_loop.hpp"

namespace spikard::app {

/// A consumer or worker as a component: one `worker_loop::WorkerLoop` on the service loop, and the source and sink it works
/// between.
class WorkerComponent final : public Component {
 public:
  struct Parts {
    std::unique_ptr<worker_loop::Source> source;
    std::unique_ptr<worker_loop::WorkSink> sink;
  };
  /// Called once, on the service loop's thread, as the application starts; its error stops the start-up.
  using Make = Function<Result<Parts>(net::Loop&)>;
  WorkerComponent(Application& application, worker_loop::WorkerLoopOptions options, Make make)
      : application_(application), options_(std::move(options)), make_(std::move(make)) {}
  ~WorkerComponent() override;

  [[nodiscard]] std::string_view name() const noexcept override { return options_.name; }
  [[nodiscard]] Result<void> start() override;
  void stop_taking(Function<void()> done) override { worker_->stop_taking(std::move(done)); }
  void finish(Function<void()> idle) override { worker_->finish(std::move(idle)); }
  void cancel() override { worker_->cancel(); }
  void close(Function<void()> done) override;
  /// Settled, in whatever way: finished. What was lost comes again by itself, and counts nowhere.
  [[nodiscard]] Counts counts() const override;

 private:
  [[nodiscard]] Result<void> begin();

  Application& application_;
  worker_loop::WorkerLoopOptions options_;
  Make make_;
  Parts parts_;
  std::shared_ptr<worker_loop::WorkerLoop> worker_;
};

}  // namespace spikard::app
