#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/transport.hpp"

namespace spikard::contract {

/// Stands between a client and a server on one loop and does what networks do: cuts all connections, at once or in the middle of
/// something (after so many bytes), refuses new ones, or passes nothing on any more.
class Proxy {
 public:
  /// `upstream` as net::connect takes it.
  Proxy(net::Loop& loop, std::string upstream) : loop_(loop), upstream_(std::move(upstream)) {
    auto reserved = net::ReservedAddress::reserve({});
    EXPECT_TRUE(reserved.ok());
    address_ = reserved->address();
    listener_ = reserved->listen().value();
    EXPECT_TRUE(listener_->start(loop_, [this](std::unique_ptr<net::Transport> client) { accept(std::move(client)); }).ok());
  }
  ~Proxy() {
    listener_->close();
    cut();
  }
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  [[nodiscard]] const std::string& address() const noexcept { return address_; }
  [[nodiscard]] std::size_t accepted() const noexcept { return accepted_; }
  [[nodiscard]] std::size_t cuts() const noexcept { return cuts_; }
  /// Bytes of answers that passed.
  [[nodiscard]] std::uint64_t answered() const noexcept { return answered_; }

  /// Resets every connection.
  void cut() {
    ++cuts_;
    budget_ = std::numeric_limits<std::uint64_t>::max();
    for (const auto& pair : pairs_) pair->end(true);
  }
  /// Resets every connection when so many more bytes have passed, in both directions together.
  void cut_after(std::uint64_t bytes) { budget_ = bytes; }
  /// New connections are reset at once.
  void refuse(bool on) noexcept { refuses_ = on; }
  /// Nothing passes; what comes meanwhile does so later.
  void freeze(bool on) {
    frozen_ = on;
    if (on) return;
    const auto pairs = pairs_;
    for (const auto& pair : pairs) pair->pump();
  }

 private:
  struct Pair;
  struct End final : net::IoHandler {
    End(Pair& of, std::unique_ptr<net::Transport> t) : pair(of), transport(std::move(t)) {}
    void on_io(std::uint32_t) override { pair.pump(); }
    Pair& pair;
    std::unique_ptr<net::Transport> transport;
    std::string in;  // read and not passed on
    bool ended = false;
  };
  struct Pair : std::enable_shared_from_this<Pair> {
    Pair(Proxy& of, std::unique_ptr<net::Transport> a, std::unique_ptr<net::Transport> b)
        : proxy(of), client(*this, std::move(a)), server(*this, std::move(b)) {}
    void start() {
      (void)client.transport->start(&client);
      (void)server.transport->start(&server);
    }
    void pump() {
      const auto self = shared_from_this();
      if (done || proxy.frozen_) return;
      move(client, server, false);
      move(server, client, true);
      if ((client.ended && client.in.empty()) || (server.ended && server.in.empty())) end(false);
    }
    void move(End& from, End& to, bool answer) {
      char buffer[16384];
      while (!done && from.in.size() < (1U << 20U)) {
        const net::IoResult got = from.transport->read(buffer, sizeof buffer);
        if (got.status == net::IoStatus::would_block) break;
        if (got.status != net::IoStatus::ok) {
          from.ended = true;
          break;
        }
        from.in.append(buffer, got.bytes);
        if (got.bytes < sizeof buffer) break;
      }
      while (!done && !from.in.empty()) {
        const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(from.in.size(), proxy.budget_));
        if (room == 0) return proxy.cut();
        const ::iovec part{from.in.data(), room};
        const net::IoResult put = to.transport->write(&part, 1);
        if (put.status == net::IoStatus::would_block) break;
        if (put.status != net::IoStatus::ok) {
          to.ended = true;
          to.in.clear();
          from.in.clear();
          break;
        }
        from.in.erase(0, put.bytes);
        if (answer) proxy.answered_ += put.bytes;
        if (proxy.budget_ != std::numeric_limits<std::uint64_t>::max()) proxy.budget_ -= put.bytes;
      }
    }
    void end(bool reset) {
      if (done) return;
      done = true;
      client.transport->close(reset);
      server.transport->close(reset);
      proxy.sweep();
    }
    Proxy& proxy;
    End client;
    End server;
    bool done = false;
  };

  void accept(std::unique_ptr<net::Transport> client) {
    ++accepted_;
    auto server = net::connect(loop_, upstream_);
    if (refuses_ || !server.ok()) return client->close(true);
    auto pair = std::make_shared<Pair>(*this, std::move(client), std::move(*server));
    pairs_.push_back(pair);
    pair->start();
  }
  void sweep() {
    loop_.post([this, alive = std::weak_ptr(alive_)] {
      if (!alive.expired()) std::erase_if(pairs_, [](const auto& pair) { return pair->done; });
    });
  }

  net::Loop& loop_;
  const std::string upstream_;
  std::string address_;
  std::unique_ptr<net::Listener> listener_;
  std::vector<std::shared_ptr<Pair>> pairs_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  std::uint64_t budget_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t answered_ = 0;
  std::size_t accepted_ = 0;
  std::size_t cuts_ = 0;
  bool refuses_ = false;
  bool frozen_ = false;
};

}  // namespace spikard::contract
