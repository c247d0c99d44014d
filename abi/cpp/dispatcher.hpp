#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "app/application.hpp"
#include "http/sink.hpp"
#include "spikard/app.hpp"

namespace spikard {

struct App::State {
  services::Manifest manifest;
  std::vector<detail::Handler> handlers;  // by route
  std::vector<Function<Task<void>(Hook&)>> hooks[5];
  struct Factory {
    RawFactory make;
    RawCleanup cleanup;
    std::unique_ptr<detail::Injected> value;  // of a value dependency
  };
  std::vector<Factory> factories;  // by dependency id
  std::weak_ptr<app::Application> running;
};

namespace detail {

/// http::Sink over an App's functions: direct calls, no port.
class Dispatcher final : public http::Sink {
 public:
  Dispatcher(std::shared_ptr<App::State> state, app::Application& application, net::Loop& loop)
      : state_(std::move(state)), application_(application), loop_(loop) {}
  ~Dispatcher() override { *alive_ = false; }

  [[nodiscard]] net::Loop& loop() const noexcept { return loop_; }
  void background(Function<Task<void>()> task);

  void on_request(http::Exchange& exchange) override;
  void on_chunk(http::Exchange& exchange, http::BodyChunk chunk) override;
  void on_cancel(http::Exchange& exchange, CancelReason reason) override;
  void on_credit(http::Exchange& exchange) override;
  void on_hook(http::Exchange& exchange, http::HookPhase phase, std::uint32_t hook) override;
  void on_factory(http::Exchange& exchange, std::uint32_t dependency, std::span<const std::uint64_t> arguments) override;
  void on_dispose(http::Exchange& exchange, std::uint32_t dependency, std::uint64_t token) override;

 private:
  std::shared_ptr<App::State> state_;
  app::Application& application_;
  net::Loop& loop_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace detail
}  // namespace spikard
