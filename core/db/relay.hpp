#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/function.hpp"
#include "db/client.hpp"
#include "net/await.hpp"
#include "store/transaction.hpp"

namespace spikard::db {

struct RelayOptions {
  RelayOptions() = default;
  std::uint32_t batch = 100;                              ///< entries read at once
  Duration lease = std::chrono::seconds(10);              ///< after which another process takes over from one that died
  Duration poll = std::chrono::seconds(1);                ///< for entries of other processes; real clocks only
  Duration first_retry = std::chrono::milliseconds(100);  ///< of a target that refused, doubled each time
  Duration last_retry = std::chrono::seconds(30);
};

/// Hands the entries of a database's outbox to whom they are for, at least once and, for each target, in the order they were
/// committed; deletes what was delivered. Any number of processes may run one: a lease in the database lets one work at a time.
/// A target that refuses is tried again for as long as it takes and holds up nobody else. An entry that it will never take, by
/// the error's kind and retry class, is set aside: it stays in the table, for `refused.` and its target (`store/outbox.hpp`), and
/// the next ones go on. Belongs to one loop.
class Relay : public std::enable_shared_from_this<Relay> {
 public:
  struct Entry {
    std::uint64_t id = 0;
    std::string key;  ///< the id, the database it is in and when it came: the same for no other entry of whatever database
    store::OutboxEntry what;
  };
  /// Returns when the entry is safe at its target (the publish is confirmed).
  using Deliver = Function<Task<Result<void>>(net::Caller caller, const Entry& entry)>;

  [[nodiscard]] static std::shared_ptr<Relay> make(std::shared_ptr<Client> client, net::Loop& loop, Deliver deliver,
                                                   RelayOptions options = {});
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  /// What cannot be delivered, each time it is tried: for the log.
  void on_error(Function<void(const Entry&, const Error&)> fn) { on_error_ = std::move(fn); }
  /// What was set aside, once. The entry as it was.
  void on_refused(Function<void(const Entry&, const Error&)> fn) { on_refused_ = std::move(fn); }
  void start();
  /// Takes no more; `done` once the delivery in hand has ended, with the lease given up. At most once.
  void stop(Function<void()> done);
  /// There may be something to do.
  void wake();
  [[nodiscard]] std::uint64_t delivered() const noexcept { return delivered_; }
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }

 private:
  struct Target {
    Instant blocked_until{};
    Duration pause{};
  };
  Relay(std::shared_ptr<Client> client, net::Loop& loop, Deliver deliver, RelayOptions options);
  [[nodiscard]] Task<void> run();
  [[nodiscard]] Task<Result<void>> prepare();
  [[nodiscard]] Task<Result<bool>> hold();
  [[nodiscard]] Task<Result<std::size_t>> pass();
  [[nodiscard]] Task<Result<void>> set_aside(std::uint64_t id, std::string target);
  void arm();

  std::shared_ptr<Client> watched_;
  std::shared_ptr<Client> client_;  // its polls are nobody's trace
  net::Loop& loop_;
  Deliver deliver_;
  const RelayOptions options_;
  const std::string owner_;
  Function<void(const Entry&, const Error&)> on_error_;
  Function<void(const Entry&, const Error&)> on_refused_;
  net::Event wake_;
  net::Timer timer_;
  CancelSource stopping_;
  bool started_ = false;
  bool ended_ = true;
  bool prepared_ = false;
  std::string source_;  // of this database, as long as it is
  Function<void()> done_;
  Instant held_until_{};
  std::map<std::string, Target, std::less<>> targets_;
  std::uint64_t delivered_ = 0;
  std::uint64_t refused_ = 0;
  std::shared_ptr<detail::OutboxListener> listener_;
};

}  // namespace spikard::db
