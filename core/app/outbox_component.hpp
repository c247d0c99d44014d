#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "app/clients.hpp"
#include "app/component.hpp"
#include "base/log.hpp"
#include "db/relay.hpp"
#include "net/loop/loop.hpp"

namespace spikard::app {

/// The relays of an application's databases: what a transaction gave to a broker or a task store in another database is handed
/// over after the commit. A database gets its relay with the first such transaction, or at once where it has an outbox already.
/// Entries that are left at the end stay in the database for the next start, or another process.
class OutboxComponent final : public Component {
 public:
  OutboxComponent(Clients& clients, log::Logger& logger) : clients_(clients), logger_(logger) {}
  ~OutboxComponent() override;

  /// The service loop is there: databases that were opened before and from now on are watched. Its thread, or before it turns.
  void run_on(net::Loop& service);
  /// A database was opened. Any thread.
  void opened(std::shared_ptr<db::Client> client);

  [[nodiscard]] std::string_view name() const noexcept override { return "outbox"; }
  [[nodiscard]] Result<void> start() override { return {}; }
  // Handlers in hand may still commit; what they leave is durable.
  void stop_taking(Function<void()> done) override { done(); }
  void finish(Function<void()> idle) override { idle(); }
  void cancel() override {}
  void close(Function<void()> done) override;
  [[nodiscard]] Counts counts() const override;

 private:
  struct Watched;
  void watch(std::shared_ptr<db::Client> client);
  [[nodiscard]] Task<Result<void>> deliver(net::Caller caller, const db::Relay::Entry& entry);

  Clients& clients_;
  log::Logger& logger_;
  std::mutex mutex_;
  net::Loop* loop_ = nullptr;
  bool closed_ = false;
  std::vector<std::shared_ptr<db::Client>> early_;
  std::vector<std::shared_ptr<Watched>> watched_;  // on the loop's thread
};

}  // namespace spikard::app
