#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "net/transport.hpp"

namespace spikard::messaging::nats {

/// A transport that may be started again, by another handler: a NATS server speaks in clear first, and TLS begins behind that.
class Upgradable final : public net::Transport, private net::IoHandler {
 public:
  explicit Upgradable(std::unique_ptr<net::Transport> inner) noexcept : inner_(std::move(inner)) {}

  Result<void> start(net::IoHandler* handler) override {
    handler_ = handler;
    if (std::exchange(started_, true)) return {};
    return inner_->start(this);
  }
  net::IoResult read(void* into, std::size_t room) override { return inner_->read(into, room); }
  net::IoResult write(const ::iovec* parts, int count) override { return inner_->write(parts, count); }
  void shutdown_write() override { inner_->shutdown_write(); }
  void close(bool reset) override { inner_->close(reset); }
  const std::string& peer() const noexcept override { return inner_->peer(); }
  std::string_view failure() const noexcept override { return inner_->failure(); }

  /// The same for a while: does not close it. Gone before this.
  class Borrowed;

 private:
  void on_io(std::uint32_t events) override {
    if (handler_ != nullptr) handler_->on_io(events);
  }
  std::unique_ptr<net::Transport> inner_;
  net::IoHandler* handler_ = nullptr;
  bool started_ = false;
};

class Upgradable::Borrowed final : public net::Transport {
 public:
  explicit Borrowed(Upgradable& of) noexcept : of_(of) {}
  Result<void> start(net::IoHandler* handler) override { return of_.start(handler); }
  net::IoResult read(void* into, std::size_t room) override { return of_.read(into, room); }
  net::IoResult write(const ::iovec* parts, int count) override { return of_.write(parts, count); }
  void shutdown_write() override {}
  void close(bool) override { of_.handler_ = nullptr; }
  const std::string& peer() const noexcept override { return of_.peer(); }
  std::string_view failure() const noexcept override { return of_.failure(); }

 private:
  Upgradable& of_;
};

}  // namespace spikard::messaging::nats
