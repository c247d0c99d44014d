#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "net/await.hpp"
#include "net/operation_target.hpp"
#include "spikard/spikard.h"

namespace spikard::abi {

class Port;

/// One operation of the toolbox that a host has started on a port: it runs on the application's service loop, its events go to
/// the port's. Everything here but the constructor runs on the service loop; the port posts to it, and it posts back.
class Call final : public net::OperationStream, public std::enable_shared_from_this<Call> {
 public:
  /// On the port's loop. `alive` is the port's, read there only.
  Call(Port& port, std::shared_ptr<bool> alive, net::Loop& port_loop, net::Loop& service, std::uint64_t id, std::uint64_t user);

  void run(net::OperationTarget& target, Operation operation, Document args, telemetry::SpanContext trace, bool streamed);
  void cancel() { cancel_.cancel(CancelReason::requested); }
  /// A part of the streamed argument; `last` ends it.
  void input(std::string chunk, bool last);
  /// The host gives up before the end of its streamed argument.
  void give_up();
  void credit(std::uint64_t bytes);

  [[nodiscard]] net::Loop& service() const noexcept { return service_; }
  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
  [[nodiscard]] std::uint64_t user() const noexcept { return user_; }

  // net::OperationStream
  [[nodiscard]] Task<Result<void>> write(std::string chunk) override;
  [[nodiscard]] Task<Result<std::optional<std::string>>> read() override;

 private:
  template <class F>
  void to_port(F fn);

  Port& port_;
  const std::shared_ptr<bool> alive_;
  const std::shared_ptr<net::Loop::Mailbox> port_loop_;
  net::Loop& service_;
  const std::uint64_t id_;
  const std::uint64_t user_;
  CancelSource cancel_;
  net::Event changed_;
  std::deque<std::string> input_;
  std::int64_t credit_;
  bool last_ = false;
  bool gave_up_ = false;
};

}  // namespace spikard::abi
