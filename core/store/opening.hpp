#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/task.hpp"
#include "net/await.hpp"
#include "net/transport.hpp"

namespace spikard::store {

/// A plain connection on which something is said before TLS begins; afterwards it hands everything on.
class Opening final : public net::Transport, private net::IoHandler {
 public:
  Opening(net::Loop& loop, std::unique_ptr<net::Transport> inner) : inner_(std::move(inner)), changed_(loop) {}
  ~Opening() override { inner_->close(false); }

  [[nodiscard]] Result<void> begin() { return inner_->start(this); }
  /// All of it. unavailable, cancelled.
  [[nodiscard]] Task<Result<void>> send(std::string bytes);
  /// Exactly `count` bytes. What comes behind them before TLS begins would be of somebody else (CVE-2021-23222): it stays unread,
  /// and TLS takes it for nonsense.
  [[nodiscard]] Task<Result<std::string>> receive(std::size_t count);

  Result<void> start(net::IoHandler* handler) override {
    handler_ = handler;
    return {};
  }
  net::IoResult read(void* into, std::size_t room) override { return inner_->read(into, room); }
  net::IoResult write(const ::iovec* parts, int count) override { return inner_->write(parts, count); }
  void shutdown_write() override { inner_->shutdown_write(); }
  void close(bool reset) override { inner_->close(reset); }
  const std::string& peer() const noexcept override { return inner_->peer(); }
  bool flushed() const noexcept override { return inner_->flushed(); }
  std::string_view failure() const noexcept override { return inner_->failure(); }

 private:
  [[nodiscard]] Error broken() const;
  void on_io(std::uint32_t events) override {
    if (handler_ != nullptr) return handler_->on_io(events);  // may destroy this
    changed_.set();
  }
  std::unique_ptr<net::Transport> inner_;
  net::Event changed_;
  net::IoHandler* handler_ = nullptr;
};

}  // namespace spikard::store
