#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "app/application.hpp"
#include "app/event_handlers.hpp"
#include "http/sink.hpp"
#include "spikard/app.hpp"

namespace spikard {

/// Everything an App was given. Shared by the dispatchers of all loops; changed only before they exist.
struct App::State {
  services::Manifest manifest;
  std::vector<detail::Handler> handlers;  // by route
  std::vector<HookFunction> hooks[5];
  struct Factory {
    RawFactory make;
    RawCleanup cleanup;
    std::unique_ptr<detail::Injected> value;  // of a value dependency
  };
  std::vector<Factory> factories;                                           // by dependency id
  std::vector<detail::WorkHandler> consumers;                               // by place in the manifest
  std::map<std::string, std::map<std::string, detail::WorkHandler>> tasks;  // by queue and name
  std::vector<detail::EventHandler> events;                                 // by number
  std::weak_ptr<app::Application> running;
};

namespace detail {

/// http::Sink over an App's functions: direct calls, no port. One a loop. Handlers that have not ended when it goes are
/// destroyed.
class Dispatcher final : public http::Sink {
 public:
  Dispatcher(std::shared_ptr<App::State> state, app::Application& application, app::IoUnit& unit);
  ~Dispatcher() override;

  [[nodiscard]] net::Loop& loop() const noexcept { return loop_; }
  [[nodiscard]] net::BlockingPool& pool() const noexcept { return application_.pool(); }
  [[nodiscard]] std::string_view problem_base() const noexcept { return state_->manifest.http->problem_base; }
  [[nodiscard]] app::Application& application() const noexcept { return application_; }
  [[nodiscard]] log::Logger& logger() const noexcept { return application_.logger(); }
  [[nodiscard]] cloudevents::EventSink& events() noexcept { return *events_; }
  /// Not null once requests come.
  [[nodiscard]] app::StorageHttp& storage_http() const noexcept { return *unit_.storage_http(); }
  [[nodiscard]] app::DbHttp& db_http() const noexcept { return *unit_.db_http(); }
  [[nodiscard]] CancelToken stopping() const noexcept { return stopping_.token(); }
  /// After the answer, which goes out with this turn.
  void background(Function<Task<void>()> work);
  void run(Running running) {
    running.live->link(live_);
    running.live->frame.resume();
  }

  void on_request(http::Exchange& exchange) override;
  void on_chunk(http::Exchange& exchange, http::BodyChunk chunk) override;
  void on_cancel(http::Exchange& exchange, CancelReason reason) override;
  void on_credit(http::Exchange& exchange) override;
  void on_hook(http::Exchange& exchange, http::HookPhase phase, std::uint32_t hook) override;
  void on_factory(http::Exchange& exchange, std::uint32_t dependency, std::span<const std::uint64_t> arguments) override;
  void on_dispose(http::Exchange& exchange, std::uint32_t dependency, std::uint64_t token) override;
  void on_close() override;

 private:
  void hook_done(Hook& hook, const std::exception_ptr& error);
  Running run_hook(std::unique_ptr<Hook> hook, Task<void> given);

  std::shared_ptr<App::State> state_;
  app::Application& application_;
  app::IoUnit& unit_;
  net::Loop& loop_;
  worker_loop::Background& background_;
  std::unique_ptr<app::EventHandlers> events_;
  LiveFrame* live_ = nullptr;
  CancelSource stopping_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace detail
}  // namespace spikard
