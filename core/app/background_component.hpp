#pragma once

#include <atomic>

#include "app/component.hpp"
#include "net/loop/loop.hpp"

namespace spikard::app {

/// In-process background tasks (`ctx.background`, `background.run`): they run where their handlers run, this counts them for the drain.
class BackgroundComponent final : public Component {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "background"; }
  [[nodiscard]] Result<void> start() override { return {}; }
  // Handlers in hand may still start tasks, so nothing is refused before HTTP is done; `finish` waits for both.
  void stop_taking(Function<void()> done) override { done(); }
  void finish(Function<void()> idle) override;
  void cancel() override { cancelled_.store(true); }
  void close(Function<void()> done) override;
  [[nodiscard]] Counts counts() const override;

  void set_loop(net::Loop& loop) noexcept { loop_ = &loop; }
  void began() noexcept { running_.fetch_add(1); }
  void ended(bool finished) noexcept;

 private:
  void look();  // service loop

  net::Loop* loop_ = nullptr;
  std::atomic<std::uint64_t> running_{0};
  std::atomic<std::uint64_t> finished_{0};
  std::atomic<std::uint64_t> failed_{0};
  std::atomic<bool> cancelled_{false};
  std::atomic<bool> waiting_{false};
  Function<void()> idle_;
  std::uint64_t abandoned_ = 0;
};

}  // namespace spikard::app
