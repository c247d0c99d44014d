#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "messaging/backend.hpp"
#include "messaging/sqlite/tables.hpp"
#include "store/sqlite/database.hpp"

namespace spikard::messaging {
class Registry;
}

namespace spikard::messaging::sqlite {

/// `sqlite:FILE`
void register_sqlite(Registry& registry);

struct SqliteOptions {
  SqliteOptions() = default;
  Duration retention{std::chrono::hours(24)};
  Duration poll{std::chrono::milliseconds(50)};
};

/// The broker in a SQLite file (README.md: the tables), for several processes. Everything is a short transaction on the blocking
/// pool; those that wait at the same time are one commit.
class SqliteBackend final : public Backend, public std::enable_shared_from_this<SqliteBackend> {
 public:
  /// Makes the tables. Blocks. `clock` outlives it.
  [[nodiscard]] static Result<std::shared_ptr<Backend>> open(Clock& clock, std::shared_ptr<store::sqlite::Database> database,
                                                             SqliteOptions options);

  [[nodiscard]] const Capabilities& capabilities() const noexcept override;
  [[nodiscard]] std::string_view system() const noexcept override { return "sqlite"; }
  [[nodiscard]] Task<Result<std::vector<std::uint64_t>>> publish(net::Caller caller, std::vector<Message> messages) override;
  [[nodiscard]] Task<Result<bool>> publish_in(net::Caller caller, store::Transaction& transaction,
                                              std::vector<Message> messages) override;
  [[nodiscard]] Task<Result<std::unique_ptr<Subscription>>> subscribe(net::Loop& loop, SubscribeOptions options) override;
  [[nodiscard]] Task<Result<DeadLetterPage>> list_dead_letters(net::Caller caller, DeadLetterQuery query) override;
  [[nodiscard]] Task<Result<std::uint64_t>> redrive(net::Caller caller, DeadLetterSelection which, std::string to) override;
  [[nodiscard]] Task<Result<std::uint64_t>> purge(net::Caller caller, DeadLetterSelection which) override;
  [[nodiscard]] Task<Result<void>> seek(net::Caller caller, TopicPattern pattern, std::string group, Place place) override;
  [[nodiscard]] Task<Result<std::vector<GroupInfo>>> groups(net::Caller caller) override;
  [[nodiscard]] Task<Result<bool>> delete_group(net::Caller caller, GroupName name) override;
  [[nodiscard]] BackendCounts counts() const noexcept override;

 private:
  friend class SqliteSubscription;
  using Database = store::sqlite::Database;
  SqliteBackend(Clock& clock, std::shared_ptr<Database> database, SqliteOptions options)
      : clock_(clock), database_(std::move(database)), options_(options) {}

  /// Names of wake-ups (Database::notify).
  [[nodiscard]] static std::string topic_signal(const std::string& topic) { return "messaging.topic:" + topic; }
  [[nodiscard]] static std::string group_signal(const GroupName& name) {
    return "messaging.group:" + name.topic + " " + name.group;
  }
  static constexpr std::string_view any_signal = "messaging";

  /// After this connection's commit: who waits for one of these topics looks again.
  static void wake(Connection& connection, const std::shared_ptr<Database>& database, std::vector<std::string> topics);
  [[nodiscard]] static Result<std::vector<std::uint64_t>> insert_all(Connection& connection,
                                                                     const std::shared_ptr<Database>& database,
                                                                     const std::vector<Message>& messages, Millis now);
  [[nodiscard]] Task<Result<std::uint64_t>> each_dead_letter(
      net::Caller caller, DeadLetterSelection which,
      std::function<Result<std::uint64_t>(Connection&, const std::string&, std::span<const std::uint64_t>)> step);
  void maybe_trim(net::Loop& loop, std::size_t published);

  Clock& clock_;
  const std::shared_ptr<Database> database_;
  const SqliteOptions options_;
  std::atomic<std::uint64_t> published_{0};
  std::atomic<std::uint64_t> acked_{0};
  std::atomic<std::uint64_t> dead_lettered_{0};
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<std::uint64_t> since_trim_{0};
  std::atomic<bool> trimming_{false};
  Position trim_from_ = 0;  // of the trim in progress

  std::mutex mutex_;
  std::multiset<std::pair<std::string, std::string>> consumed_;  // topic and name of groups that this process consumes
};

}  // namespace spikard::messaging::sqlite
