#pragma once

#include <memory>
#include <optional>
#include <string>

#include "app/clients.hpp"
#include "app/toolbox.hpp"
#include "base/clock.hpp"
#include "net/blocking_pool.hpp"
#include "net/loop/loop.hpp"
#include "net/operation_target.hpp"

namespace spikard::cli {

/// The toolbox of a command: one loop, turned by this thread, and the clients of spikard.toml and the environment, or of one URL.
class Runtime {
 public:
  /// `client`: a name of `services.<subsystem>`. `url` empty: what is configured, else the default.
  [[nodiscard]] static Result<std::unique_ptr<Runtime>> open(app::Subsystem subsystem, const std::string& client,
                                                             const std::string& url);
  ~Runtime();

  [[nodiscard]] Result<Document> call(Operation operation, Document args, net::OperationStream* stream = nullptr);
  [[nodiscard]] net::Loop& loop() noexcept { return *loop_; }
  [[nodiscard]] app::Clients& clients() noexcept { return *clients_; }

 private:
  Runtime() = default;
  RealClock clock_;
  std::unique_ptr<net::Loop> loop_;
  std::unique_ptr<net::BlockingPool> pool_;
  services::Manifest manifest_;
  std::unique_ptr<app::Clients> clients_;
  app::Toolbox toolbox_;
  std::uint32_t client_ = 0;
};

}  // namespace spikard::cli
