#pragma once

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/function.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "net/http_client/resolver.hpp"
#include "net/loop/loop.hpp"
#include "net/tls.hpp"
#include "net/transport.hpp"
#include "net/virtual_clock.hpp"
#include "store/channel.hpp"
#include "store/owned_tasks.hpp"
#include "store/postgres/options.hpp"
#include "store/postgres/scram.hpp"
#include "store/postgres/wire.hpp"

namespace spikard::store::postgres {

/// What the connections of one database share. Thread-safe.
struct Context {
  Options options;
  std::shared_ptr<net::TlsContext> tls;  ///< null: sslmode=disable
  std::uint32_t statement_cache = 128;
  /// Statements have no names: a pooler gives each transaction another server. Found out by the errors that this brings.
  std::atomic<bool> unnamed{false};

  [[nodiscard]] static Result<std::shared_ptr<Context>> make(Options options);

  /// Whether a notification comes from a connection of this process.
  [[nodiscard]] bool is_ours(std::uint32_t pid) const;
  void add(std::uint32_t pid);
  void remove(std::uint32_t pid);

 private:
  mutable std::mutex mutex_;
  std::multiset<std::uint32_t> pids_;
};

/// A statement that the server has parsed.
struct Prepared {
  std::string sql;
  std::string name;  ///< empty: parsed with each run
  std::vector<std::uint32_t> parameters;
  std::vector<wire::Field> fields;
  std::string formats;  ///< of the results, as Bind has them
  bool changes_session = false;
};

/// A parameter as Bind has it.
struct Argument {
  enum class Format : std::uint8_t { null, text, binary };
  Format format = Format::null;
  std::string bytes;
  Argument() = default;
  Argument(Format of_format, std::string value) : format(of_format), bytes(std::move(value)) {}
};
[[nodiscard]] Argument text_argument(std::string_view text);
[[nodiscard]] Argument integer_argument(std::int64_t value);
[[nodiscard]] Argument array_argument(std::span<const std::int64_t> values);
/// Null for an element without a value.
[[nodiscard]] Argument array_argument(std::span<const std::optional<std::string_view>> values);

/// Who takes the rows of one statement.
class Receiver {
 public:
  /// A DataRow. False: enough for now.
  virtual bool row(std::string_view body) = 0;

 protected:
  ~Receiver() = default;
};

/// One session of a server, on one loop, used by one task at a time. Messages are written one after the other and answered in
/// that order; what follows up to the next `sync` is one transaction unless one was begun.
///
/// A task that is cancelled while it waits asks the server to cancel (CancelRequest on a connection of its own, over the same
/// TLS) and waits for the answer; so the session is in order afterwards, or `broken()`.
class Connection final : public Channel {
 public:
  struct Outcome {
    std::uint64_t affected = 0;
    bool more = false;  ///< its row limit was reached
  };

  /// Tries the hosts in their order. Errors: unavailable, permission_denied (authentication), not_found (no such database),
  /// timeout, cancelled.
  [[nodiscard]] static Task<Result<std::unique_ptr<Connection>>> open(net::Loop& loop, std::shared_ptr<Context> context,
                                                                      net::Resolver& resolver);
  ~Connection() override;

  // -- one statement after the other. Nothing is sent before `sync`, `flush` or `prepare`.

  /// From the cache, or by a round trip.
  [[nodiscard]] Task<Result<std::shared_ptr<const Prepared>>> prepare(std::string sql);
  /// A statement without parameters and rows (BEGIN, COMMIT, SAVEPOINT).
  void control(std::string_view sql);
  /// `max_rows` 0: all. `receiver` null: its rows are passed over. `as_text`: the results, whatever their types.
  void bind(const std::shared_ptr<const Prepared>& prepared, std::span<const Argument> arguments, Receiver* receiver,
            std::uint32_t max_rows = 0, bool as_text = false);
  /// Ends what was written and waits for all answers. The first error. Where a receiver had enough, its other rows are passed
  /// over.
  [[nodiscard]] Task<Result<void>> sync();
  /// Waits for the answers so far, with the transaction left open. After an error everything is as after `sync`.
  [[nodiscard]] Task<Result<void>> flush();
  /// Of the statements since the one before the last `sync`, in their order (`control` among them).
  [[nodiscard]] std::vector<Outcome> outcomes() const;
  [[nodiscard]] Outcome last() const { return operations_.empty() ? Outcome() : operations_.back().outcome; }
  /// The tag of the last command.
  [[nodiscard]] const std::string& last_tag() const noexcept { return last_tag_; }

  /// The rows of one statement in parts. Writes what was bound; `hold` keeps its transaction open until `end`.
  void begin_rows(bool hold);
  /// The next ones of the statement that reached its row limit, in a transaction.
  void continue_rows(Receiver* receiver, std::uint32_t max_rows);
  /// Until its receiver had enough (true), or to its end.
  [[nodiscard]] Task<Result<bool>> rows();
  /// After the last row of a held one: commits.
  [[nodiscard]] Task<Result<void>> end();
  void receive_into(Receiver* receiver) noexcept;
  [[nodiscard]] bool in_rows() const noexcept { return in_rows_; }

  /// `prepare`, `bind` and `sync` in one; the rows as texts.
  struct Rows;
  [[nodiscard]] Task<Result<Rows>> query(std::string sql, std::vector<Argument> arguments = {});
  struct Query;
  /// Several, in one round trip.
  [[nodiscard]] Task<Result<std::vector<Rows>>> query_all(std::vector<Query> queries);
  /// To be sent with the next `sync`, `flush` or `query`.
  [[nodiscard]] Task<Result<void>> later(std::string sql, std::vector<Argument> arguments);

  /// From here on `prepare` and `query` leave one transaction open until the next `sync`, without a BEGIN: what was written so
  /// far is undone by an error or when the connection is given back.
  void begin_unit() noexcept { unit_ = true; }

  // -- its state

  /// Asks the server to stop what runs.
  void cancel();
  /// The answer to what was sent did not come.
  [[nodiscard]] bool lost() const noexcept { return lost_; }
  /// Something of the answer had come before it broke.
  [[nodiscard]] bool answered() const noexcept { return answered_; }
  /// Nothing is under way.
  [[nodiscard]] bool idle() const noexcept { return !broken_ && !exchanging_ && out_.empty() && !in_rows_; }
  [[nodiscard]] bool in_transaction() const noexcept { return status_ != 'I'; }
  [[nodiscard]] char status() const noexcept { return status_; }
  /// A statement changed what the next user would find.
  [[nodiscard]] bool dirty() const noexcept { return dirty_; }
  /// What was begun with `begin_rows` in a transaction and is not wanted any more.
  [[nodiscard]] Task<Result<void>> skip_rows();
  /// Brings any state back to a fresh one, or breaks it: cancels, rolls back, resets.
  [[nodiscard]] Task<void> recover();
  void forget(const std::string& sql);
  void forget_all();
  void close() noexcept;

  /// While it is idle: it broke, or a notification came. They may destroy it.
  void on_broken(Function<void()> fn) { on_broken_ = std::move(fn); }
  void on_notification(Function<void(std::string_view channel, std::string_view payload, std::uint32_t pid)> fn) {
    on_notification_ = std::move(fn);
  }
  [[nodiscard]] std::string_view parameter(std::string_view name) const;
  [[nodiscard]] std::uint32_t pid() const noexcept { return pid_; }
  [[nodiscard]] const Context& context() const noexcept { return *context_; }
  [[nodiscard]] Context& context() noexcept { return *context_; }
  /// In use for the first time.
  [[nodiscard]] bool fresh() const noexcept { return uses_ == 0; }
  void used() noexcept { ++uses_; }

 private:
  struct Place;
  struct Cancelling;
  /// What an answer is awaited for.
  struct Operation {
    enum class Kind : std::uint8_t { describe, execute };
    Kind kind = Kind::execute;
    std::shared_ptr<Prepared> describes{};
    std::shared_ptr<const Prepared> runs{};
    Receiver* receiver = nullptr;
    Outcome outcome{};
  };
  enum class Until : std::uint8_t { ready, operations, enough };

  Connection(net::Loop& loop, std::shared_ptr<Context> context, std::unique_ptr<net::Transport> transport, std::string address,
             std::string name);
  static Task<Result<std::unique_ptr<Connection>>> attempt(net::Loop& loop, std::shared_ptr<Context> context, Place place,
                                                           Options::Target target);
  static Task<void> send_cancel(net::Loop& loop, std::shared_ptr<Context> context, std::string address, std::string name,
                                std::uint32_t pid, std::string key, std::shared_ptr<Cancelling> state);
  [[nodiscard]] Task<Result<void>> startup();
  [[nodiscard]] Result<void> authenticate(std::string_view body);
  [[nodiscard]] Task<Result<bool>> suits(Options::Target target);
  [[nodiscard]] Task<Result<void>> receive(Until until);
  [[nodiscard]] Task<Result<bool>> settle_cancel();
  void on_lost(std::string_view why) override;
  void on_unasked() override;
  void asynchronous(const wire::Message& message);
  void fail(Error why);
  void add(Operation operation);
  [[nodiscard]] Error lost_error() const;

  const std::shared_ptr<Context> context_;
  const std::string address_;
  const std::string host_;
  wire::Reader reader_;

  std::vector<Operation> operations_;
  std::size_t at_ = 0;  // the operation whose answer comes next
  std::optional<Error> error_;
  std::string last_tag_;

  char status_ = 'I';
  std::uint32_t pid_ = 0;
  std::string key_;
  std::vector<std::pair<std::string, std::string>> parameters_;
  std::unique_ptr<Scram> scram_;

  std::list<std::shared_ptr<Prepared>> recent_;
  std::unordered_map<std::string_view, std::list<std::shared_ptr<Prepared>>::iterator> prepared_;
  std::uint64_t names_ = 0;
  const std::string prefix_;

  std::shared_ptr<Cancelling> cancelling_;
  OwnedTasks requests_;  // to cancel
  net::Timer give_up_;
  Function<void()> on_broken_;
  Function<void(std::string_view, std::string_view, std::uint32_t)> on_notification_;
  std::uint64_t uses_ = 0;
  std::optional<Error> why_broken_;
  bool ready_ = false;
  bool lost_ = false;
  bool answered_ = false;
  bool exchanging_ = false;
  bool in_rows_ = false;
  bool held_ = false;  // in_rows_, without a Sync so far
  bool paused_ = false;
  bool unsent_ = true;  // of the operations
  bool unit_ = false;
  bool dirty_ = false;
};

struct Connection::Query {
  std::string sql;
  std::vector<Argument> arguments;
  Query() = default;
  Query(std::string text, std::vector<Argument> values) : sql(std::move(text)), arguments(std::move(values)) {}
};

/// Rows as they came, for statements of our own (text of numbers, binary for what is binary).
struct Connection::Rows {
  std::size_t columns = 0;
  std::vector<std::optional<std::string>> values{};
  std::uint64_t affected = 0;
  [[nodiscard]] std::size_t size() const noexcept { return columns == 0 ? 0 : values.size() / columns; }
  [[nodiscard]] const std::optional<std::string>& at(std::size_t row, std::size_t column) const {
    return values[row * columns + column];
  }
};

}  // namespace spikard::store::postgres
