#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/function.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "net/http_client/resolver.hpp"
#include "net/tls.hpp"
#include "store/channel.hpp"
#include "store/mysql/options.hpp"
#include "store/mysql/wire.hpp"
#include "store/owned_tasks.hpp"

namespace spikard::store::mysql {

/// What the connections of one database share. Thread-safe.
struct Context {
  Options options;
  std::shared_ptr<net::TlsContext> tls;  ///< null: ssl-mode=disabled
  std::uint32_t statement_cache = 128;

  [[nodiscard]] static Result<std::shared_ptr<Context>> make(Options options);
};

using Fields = std::vector<wire::Field>;

/// A statement that the server has parsed.
struct Prepared {
  std::string sql;
  std::uint32_t id = 0;
  std::uint16_t parameters = 0;
  std::shared_ptr<const Fields> fields;  ///< as the latest run had them; never null
  bool changes_session = false;
};

/// A parameter as COM_STMT_EXECUTE has it.
struct Argument {
  std::uint8_t type = wire::type::null;
  std::string bytes;  ///< without the length that texts have
  Argument() = default;
  Argument(std::uint8_t of_type, std::string value) : type(of_type), bytes(std::move(value)) {}
};
[[nodiscard]] Argument text_argument(std::string_view text);
[[nodiscard]] Argument integer_argument(std::int64_t value);
[[nodiscard]] Argument real_argument(double value);

/// Who takes the rows of one statement.
class Receiver {
 public:
  /// Before the rows. An error is that of the statement; its rows are then passed over.
  virtual Result<void> columns(const std::shared_ptr<const Fields>& fields) = 0;
  /// A binary row. False: enough for now.
  virtual bool row(std::string_view body) = 0;

 protected:
  ~Receiver() = default;
};

/// One session of a server, on one loop, used by one task at a time. Commands are written one after the other and answered in
/// that order; one that fails does not stop those behind it, so what is written together is either one transaction that is rolled
/// back after an error, or does no harm.
///
/// A task that is cancelled while it waits asks the server to stop the statement (KILL QUERY on a connection of its own, with the
/// same TLS settings) and waits for the answer; so the session is in order afterwards, or `broken()`.
class Connection final : public Channel {
 public:
  struct Outcome {
    std::uint64_t affected = 0;
    std::uint64_t last_id = 0;
    std::uint64_t rows = 0;  ///< that came, wanted or not
    bool has_columns = false;
  };

  /// Tries the hosts in their order. Errors: unavailable, permission_denied (authentication, TLS), not_found (no such database),
  /// unsupported (an authentication plugin), timeout, cancelled.
  [[nodiscard]] static Task<Result<std::unique_ptr<Connection>>> open(net::Loop& loop, std::shared_ptr<Context> context,
                                                                      net::Resolver& resolver);
  ~Connection() override;

  // -- statements. Nothing is sent before `sync` or `prepare`.

  /// From the cache, or by a round trip, with what was written before it.
  [[nodiscard]] Task<Result<std::shared_ptr<Prepared>>> prepare(std::string sql);
  /// A statement as text, without parameters; its rows are passed over.
  void control(std::string_view sql);
  /// `receiver` null: its rows are passed over.
  void execute(std::shared_ptr<Prepared> prepared, std::span<const Argument> arguments, Receiver* receiver);
  /// Sends what was written and waits for all answers. The first error. Where a receiver had enough, its other rows are passed
  /// over; a statement that only reads is stopped when they are many.
  [[nodiscard]] Task<Result<void>> sync(bool stops_reads = false);
  /// Of the commands since the one before the last `sync`, in their order.
  [[nodiscard]] std::span<const Outcome> outcomes() const noexcept { return outcomes_; }
  [[nodiscard]] Outcome last() const noexcept { return outcomes_.empty() ? Outcome() : outcomes_.back(); }

  /// What was executed is to be read in parts.
  void begin_rows();
  /// The rows, until their receiver had enough (true), or to the end.
  [[nodiscard]] Task<Result<bool>> rows();
  void receive_into(Receiver* receiver) noexcept;
  [[nodiscard]] bool in_rows() const noexcept { return in_rows_; }
  /// The others are not wanted any more.
  [[nodiscard]] Task<Result<void>> skip_rows(bool stops_reads);

  /// `prepare`, `execute` and `sync` in one, with the rows as texts: for statements of our own.
  struct Rows;
  [[nodiscard]] Task<Result<Rows>> query(std::string sql, std::vector<Argument> arguments = {});
  struct Query;
  /// Several, answered together: behind one that fails the others run all the same. With what was written before them.
  [[nodiscard]] Task<Result<std::vector<Rows>>> query_all(std::vector<Query> queries);
  /// To be sent with the next of these, or `sync`.
  [[nodiscard]] Task<Result<void>> later(std::string sql, std::vector<Argument> arguments);

  // -- transactions. One that lost itself (a deadlock) takes nothing with it that is not in a transaction: autocommit is off
  // until it ends.

  /// To be sent with what follows. `how`: `ISOLATION LEVEL ...`, or empty for the server's.
  void begin(std::string_view how = {}, bool read_only = false);
  [[nodiscard]] Task<Result<void>> commit();
  [[nodiscard]] Task<Result<void>> rollback();

  // -- its state

  /// Asks the server to stop what runs.
  void cancel();
  /// The answer to what was sent did not come.
  [[nodiscard]] bool lost() const noexcept { return lost_; }
  /// Something of the answer had come before it broke.
  [[nodiscard]] bool answered() const noexcept { return answered_; }
  /// Nothing is under way.
  [[nodiscard]] bool idle() const noexcept { return !broken_ && !exchanging_ && out_.empty() && !in_rows_; }
  [[nodiscard]] bool in_transaction() const noexcept { return begun_; }
  /// A statement changed what the next user would find.
  [[nodiscard]] bool dirty() const noexcept { return dirty_; }
  /// Brings any state back to a fresh one, or breaks it: stops, rolls back, resets.
  [[nodiscard]] Task<void> recover();
  void forget(const std::string& sql);
  void close() noexcept;
  /// While it is idle: it broke. May destroy it.
  void on_broken(Function<void()> fn) { on_broken_ = std::move(fn); }

  [[nodiscard]] const std::string& version() const noexcept { return version_; }
  [[nodiscard]] std::uint32_t id() const noexcept { return id_; }
  [[nodiscard]] Context& context() noexcept { return *context_; }
  /// In use for the first time.
  [[nodiscard]] bool fresh() const noexcept { return uses_ == 0; }
  void used() noexcept { ++uses_; }

 private:
  struct Place;
  struct Cancelling;
  /// What an answer is awaited for.
  struct Operation {
    enum class Kind : std::uint8_t { command, prepare, execute };
    Kind kind = Kind::command;
    std::shared_ptr<Prepared> statement{};
    Receiver* receiver = nullptr;
  };
  /// Where in an answer the next packet stands.
  enum class Part : std::uint8_t { head, parameters, fields, eof_of_parameters, eof_of_fields, rows };
  enum class Until : std::uint8_t { done, enough };

  Connection(net::Loop& loop, std::shared_ptr<Context> context, std::unique_ptr<net::Transport> transport, Place place);
  static Task<Result<std::unique_ptr<Connection>>> attempt(net::Loop& loop, std::shared_ptr<Context> context, Place place);
  static Task<void> send_kill(net::Loop& loop, std::shared_ptr<Context> context, std::shared_ptr<const Place> place,
                              std::uint32_t id, std::shared_ptr<Cancelling> state);
  [[nodiscard]] Task<Result<void>> log_in(wire::Handshake server, bool encrypted, std::uint8_t sequence);
  [[nodiscard]] Task<Result<std::string_view>> packet();
  [[nodiscard]] Task<Result<void>> set_up(bool again);
  [[nodiscard]] Task<Result<std::shared_ptr<Prepared>>> prepare_for(std::string sql, std::size_t parameters);
  [[nodiscard]] Task<Result<void>> receive(Until until);
  [[nodiscard]] Task<Result<void>> settle_cancel();
  /// One packet of the answers. False: not understood.
  [[nodiscard]] bool take(std::string_view body);
  [[nodiscard]] bool take_head(std::string_view body);
  [[nodiscard]] bool take_field(std::string_view body);
  [[nodiscard]] bool take_row(std::string_view body);
  void fields_are_over();
  [[nodiscard]] bool ended(const std::optional<wire::Done>& done);
  void next_operation() noexcept;
  void fail_with(const wire::ServerError& error);
  void add(Operation operation);
  void command(std::string_view sql);
  void ends_manual();
  void exchange();
  void on_lost(std::string_view why) override;
  void on_unasked() override;
  void fail(Error why);
  [[nodiscard]] Error lost_error() const;

  const std::shared_ptr<Context> context_;
  const std::shared_ptr<const Place> place_;
  wire::Reader reader_;
  std::string version_;
  std::uint64_t capabilities_ = 0;
  std::uint32_t id_ = 0;

  std::vector<Operation> operations_;
  std::vector<Outcome> outcomes_;
  std::size_t at_ = 0;  // the operation whose answer comes next
  std::optional<Error> error_;
  Part part_ = Part::head;
  std::uint64_t left_ = 0;     // definitions that are still to come
  std::uint64_t columns_ = 0;  // of the statement that is being prepared
  std::shared_ptr<Fields> reading_;
  std::shared_ptr<const Fields> fields_;
  bool more_results_ = false;  // this result is not the first of its statement
  std::size_t passed_over_ = 0;

  std::list<std::shared_ptr<Prepared>> recent_;
  std::unordered_map<std::string_view, std::list<std::shared_ptr<Prepared>>::iterator> prepared_;

  std::shared_ptr<Cancelling> cancelling_;
  OwnedTasks requests_;  // to cancel
  net::Timer give_up_;
  Function<void()> on_broken_;
  std::uint64_t uses_ = 0;
  std::optional<Error> why_broken_;
  bool ready_ = false;
  bool lost_ = false;
  bool answered_ = false;
  bool exchanging_ = false;
  bool in_rows_ = false;
  bool paused_ = false;
  bool stops_reads_ = false;
  bool unsent_ = true;   // of the operations
  bool manual_ = false;  // autocommit is off, or will be with what is written
  bool begun_ = false;
  bool dirty_ = false;
  bool stopping_ = false;                            // a read, of which nobody wants more
  std::uint16_t status_ = wire::status::autocommit;  // as the server said last
};

struct Connection::Query {
  std::string sql;
  std::vector<Argument> arguments;
  Query() = default;
  Query(std::string text, std::vector<Argument> values) : sql(std::move(text)), arguments(std::move(values)) {}
};

/// Rows as they came: numbers as digits, text as it is.
struct Connection::Rows {
  std::size_t columns = 0;
  std::vector<std::optional<std::string>> values{};
  std::uint64_t affected = 0;
  std::uint64_t last_id = 0;
  [[nodiscard]] std::size_t size() const noexcept { return columns == 0 ? 0 : values.size() / columns; }
  [[nodiscard]] const std::optional<std::string>& at(std::size_t row, std::size_t column) const {
    return values[row * columns + column];
  }
};

}  // namespace spikard::store::mysql
