#include "db/operations.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "db/migrations.hpp"
#include "store/outbox.hpp"

namespace spikard::db {

/// The members of an operation's arguments; the first problem stays.
class Operations::Args {
 public:
  Args(Value root, std::initializer_list<std::string_view> known) : root_(root) {
    if (!root.exists() || root.is_null()) return;
    if (!root.is_object()) {
      fail("expected an object");
      return;
    }
    for (const auto& [key, value] : root.members()) {
      if (std::find(known.begin(), known.end(), key) == known.end()) fail(std::string(key) + ": no such argument");
    }
  }
  /// sql, params, transaction, timeout_ms and more.
  static Args statement(Value root) { return Args(root, {"sql", "params", "transaction", "timeout_ms", "format"}); }

  [[nodiscard]] Value find(std::string_view name) const {
    if (!root_.is_object()) return {};
    const Value value = root_.find(name);
    return value.is_null() ? Value() : value;
  }
  [[nodiscard]] std::string text(std::string_view name, bool required) {
    const Value value = find(name);
    if (!value.exists()) {
      if (required) fail(std::string(name) + ": missing");
      return {};
    }
    if (!value.is_string() || (required && value.text().empty())) {
      fail(std::string(name) + ": expected text");
      return {};
    }
    return std::string(value.text());
  }
  [[nodiscard]] std::optional<std::uint64_t> integer(std::string_view name, std::uint64_t min, std::uint64_t max) {
    const Value value = find(name);
    if (!value.exists()) return std::nullopt;
    const bool good = value.is(NodeType::uinteger) || (value.is(NodeType::integer) && value.as_int() >= 0);
    const std::uint64_t number = good ? value.as_uint() : 0;
    if (!good || number < min || number > max) {
      fail(std::string(name) + ": expected an integer from " + std::to_string(min) + " to " + std::to_string(max));
      return std::nullopt;
    }
    return number;
  }
  [[nodiscard]] std::uint64_t required_integer(std::string_view name) {
    if (!find(name).exists()) fail(std::string(name) + ": missing");
    return integer(name, 0, ~std::uint64_t{0}).value_or(0);
  }
  [[nodiscard]] bool boolean(std::string_view name) {
    const Value value = find(name);
    if (!value.exists()) return false;
    if (!value.is(NodeType::boolean)) {
      fail(std::string(name) + ": expected true or false");
      return false;
    }
    return value.as_bool();
  }
  [[nodiscard]] Document params() const {
    const Value value = find("params");
    return value.exists() ? Document(value) : Document();
  }
  [[nodiscard]] CallOptions options() {
    CallOptions out;
    if (const auto ms = integer("timeout_ms", 1, UINT32_MAX); ms.has_value()) out.timeout = std::chrono::milliseconds(*ms);
    return out;
  }
  [[nodiscard]] bool ndjson() {
    const std::string format = text("format", false);
    if (!format.empty() && format != "json" && format != "ndjson") fail("format: expected json or ndjson");
    return format == "ndjson";
  }
  void fail(std::string what) {
    if (problem_.empty()) problem_ = std::move(what);
  }
  [[nodiscard]] bool good() const noexcept { return problem_.empty(); }
  [[nodiscard]] Error error() const { return invalid_argument(problem_); }

 private:
  Value root_;
  std::string problem_;
};

/// A cursor of a host; one that is not fetched from for its time-out is closed, for it holds a connection.
struct Operations::OpenCursor {
  OpenCursor(net::Loop& loop, std::unique_ptr<Stream> of_stream, std::shared_ptr<Transaction> of, Function<void()> expired)
      : transaction(std::move(of)), stream(std::move(of_stream)), idle(loop, std::move(expired)) {}
  std::shared_ptr<Transaction> transaction;  // outlives its stream
  std::unique_ptr<Stream> stream;
  net::Timer idle;
  bool busy = false;
};

namespace {

using R = Result<Document>;

constexpr std::size_t chunk_size = 65536;

Document empty() {
  NodeBuilder out;
  out.begin_object();
  out.end();
  return Document(std::move(out));
}

template <class Fill>
Document object(Fill&& fill) {
  NodeBuilder out;
  out.begin_object();
  fill(out);
  out.end();
  return Document(std::move(out));
}

void columns_into(NodeBuilder& out, const std::vector<Column>& columns) {
  out.key("columns");
  out.begin_array();
  for (const Column& column : columns) out.string(column.name);
  out.end();
  out.key("types");
  out.begin_array();
  for (const Column& column : columns) out.string(name_of(column.type));
  out.end();
}

}  // namespace

Operations::Operations(std::shared_ptr<Client> client, net::BlockingPool& pool, store::OpenTransactions& open,
                       std::string migrations)
    : client_(std::move(client)), pool_(pool), open_(open), migrations_(std::move(migrations)) {}

Operations::~Operations() { close(); }

void Operations::close() {
  cursors_.clear();
  for (const auto& [number, transaction] : transactions_) {
    transaction->on_expired(nullptr);
    open_.remove(number);
  }
  transactions_.clear();
}

void Operations::over(std::uint64_t number) {
  const auto at = transactions_.find(number);
  if (at == transactions_.end()) return;
  const std::shared_ptr<Transaction> ended = std::move(at->second);
  transactions_.erase(at);
  ended->on_expired(nullptr);
  open_.end(number, ended->refusal());
}

Result<std::shared_ptr<Transaction>> Operations::transaction(std::uint64_t number) const {
  const auto found = transactions_.find(number);
  if (found != transactions_.end()) return found->second;
  Result<std::shared_ptr<store::Transaction>> ended = open_.find(number);
  if (!ended.ok()) return std::move(ended).error();
  return Error(ErrorKind::not_found, "transaction: there is no open transaction " + std::to_string(number));  // another db's
}

Task<R> Operations::call(net::Caller caller, Operation operation, Document args, net::OperationStream* stream) {
  switch (operation) {
    case Operation::db_query: return query(std::move(caller), std::move(args), false);
    case Operation::db_first: return query(std::move(caller), std::move(args), true);
    case Operation::db_execute: return execute(std::move(caller), std::move(args), false);
    case Operation::db_batch: return execute(std::move(caller), std::move(args), true);
    case Operation::db_query_stream: return query_stream(std::move(caller), std::move(args), stream);
    case Operation::db_begin: return begin(std::move(caller), std::move(args));
    case Operation::db_commit: return end(std::move(caller), std::move(args), true);
    case Operation::db_rollback: return end(std::move(caller), std::move(args), false);
    case Operation::db_savepoint: return savepoint(std::move(caller), std::move(args));
    case Operation::db_open_cursor: return open_cursor(std::move(caller), std::move(args));
    case Operation::db_fetch: return fetch(std::move(caller), std::move(args));
    case Operation::db_migrate: return migrate(std::move(caller), std::move(args), true);
    case Operation::db_migration_status: return migrate(std::move(caller), std::move(args), false);
    case Operation::db_inbox: return inbox(std::move(caller), std::move(args));
    case Operation::db_stats: return stats(std::move(caller));
    default: break;
  }
  return [](Operations& self, Operation op, Document given) -> Task<R> {
    if (op == Operation::db_close) {
      self.close();
      self.client_->close();
      co_return R(empty());
    }
    if (op == Operation::db_close_cursor) {
      Args in(given.root(), {"cursor"});
      const std::uint64_t number = in.required_integer("cursor");
      if (!in.good()) co_return R(in.error());
      self.cursors_.erase(number);
      co_return R(empty());
    }
    co_return R(Error(ErrorKind::unsupported, "no operation of db"));
  }(*this, operation, std::move(args));
}

Task<R> Operations::query(net::Caller caller, Document args, bool first) {
  Args in(args.root(), {"sql", "params", "transaction", "timeout_ms"});
  std::string sql = in.text("sql", true);
  const std::optional<std::uint64_t> number = in.integer("transaction", 0, ~std::uint64_t{0});
  const CallOptions options = in.options();
  if (!in.good()) co_return R(in.error());
  auto rows = std::make_shared<NodeRows>(first ? NodeRows::Form::row : NodeRows::Form::rows);
  RowLimits limits(first ? 1 : client_->options().max_rows, ~std::size_t{0});
  limits.partial = first;
  std::optional<Result<Outcome>> outcome;
  if (number.has_value()) {
    Result<std::shared_ptr<Transaction>> tx = transaction(*number);
    if (!tx.ok()) co_return R(std::move(tx).error());
    const std::shared_ptr<Transaction> held = *tx;
    outcome.emplace(co_await held->query_into(caller, std::move(sql), in.params(), rows, limits, options));
  } else {
    outcome.emplace(co_await client_->query_into(caller, std::move(sql), in.params(), rows, limits, options));
  }
  if (!outcome->ok()) co_return R(std::move(*outcome).error());
  co_return R(rows->result());
}

Task<R> Operations::execute(net::Caller caller, Document args, bool batch) {
  Args in(args.root(), {"sql", "params", "transaction", "timeout_ms"});
  std::string sql = in.text("sql", true);
  const std::optional<std::uint64_t> number = in.integer("transaction", 0, ~std::uint64_t{0});
  const CallOptions options = in.options();
  if (batch && !in.find("params").exists()) in.fail("params: missing");
  if (!in.good()) co_return R(in.error());
  std::optional<Result<std::uint64_t>> affected;
  if (number.has_value()) {
    Result<std::shared_ptr<Transaction>> tx = transaction(*number);
    if (!tx.ok()) co_return R(std::move(tx).error());
    const std::shared_ptr<Transaction> held = *tx;
    if (batch) {
      affected.emplace(co_await held->batch(caller, std::move(sql), in.params(), options));
    } else {
      affected.emplace(co_await held->execute(caller, std::move(sql), in.params(), options));
    }
  } else if (batch) {
    affected.emplace(co_await client_->batch(caller, std::move(sql), in.params(), options));
  } else {
    affected.emplace(co_await client_->execute(caller, std::move(sql), in.params(), options));
  }
  if (!affected->ok()) co_return R(std::move(*affected).error());
  co_return R(object([&](NodeBuilder& out) {
    out.key("affected");
    out.uinteger(**affected);
  }));
}

Task<Result<std::unique_ptr<Stream>>> Operations::open_stream(net::Caller caller, Args& args, std::shared_ptr<Transaction> tx) {
  std::string sql = args.text("sql", true);
  const CallOptions options = args.options();
  if (!args.good()) co_return Result<std::unique_ptr<Stream>>(args.error());
  if (tx != nullptr) {
    Result<std::unique_ptr<Stream>> stream = co_await tx->stream(caller, std::move(sql), args.params(), options);
    co_return stream;
  }
  Result<std::unique_ptr<Stream>> stream = co_await client_->stream(caller, std::move(sql), args.params(), options);
  co_return stream;
}

Result<StreamArguments> read_stream_arguments(Value arguments) {
  Operations::Args in(arguments, {"sql", "params", "timeout_ms", "format"});
  StreamArguments out;
  out.sql = in.text("sql", true);
  out.params = in.params();
  out.options = in.options();
  out.ndjson = in.ndjson();
  if (!in.good()) return in.error();
  return out;
}

Task<R> Operations::query_stream(net::Caller caller, Document args, net::OperationStream* out) {
  if (out == nullptr) co_return R(invalid_argument("db.query_stream needs a stream"));
  Args in = Args::statement(args.root());
  const bool ndjson = in.ndjson();
  std::shared_ptr<Transaction> tx;
  if (const auto number = in.integer("transaction", 0, ~std::uint64_t{0}); number.has_value()) {
    Result<std::shared_ptr<Transaction>> found = transaction(*number);
    if (!found.ok()) co_return R(std::move(found).error());
    tx = *found;
  }
  Result<std::unique_ptr<Stream>> stream = co_await open_stream(caller, in, tx);
  if (!stream.ok()) co_return R(std::move(stream).error());
  auto rows = std::make_shared<JsonRows>(ndjson ? JsonFormat::ndjson : JsonFormat::array);
  rows->begin((*stream)->columns());
  const RowLimits limits(~std::uint64_t{0}, chunk_size);
  for (bool more = true; more;) {
    Result<bool> next = co_await (*stream)->next(*caller.loop, rows, limits);
    if (!next.ok()) co_return R(std::move(next).error());
    more = *next;
    if (!more) rows->finish();
    if (rows->size() == 0) continue;
    std::string chunk(rows->view());
    rows->clear();
    Result<void> written = co_await out->write(std::move(chunk));
    if (!written.ok()) co_return R(std::move(written).error());
  }
  const std::uint64_t count = (*stream)->rows();
  co_return R(object([&](NodeBuilder& result) {
    result.key("rows");
    result.uinteger(count);
  }));
}

Task<R> Operations::begin(net::Caller caller, Document args) {
  Args in(args.root(), {"isolation", "read_only"});
  const std::string isolation = in.text("isolation", false);
  TransactionOptions options(in.boolean("read_only"));
  if (isolation == "read_committed") {
    options.isolation = Isolation::read_committed;
  } else if (isolation == "repeatable_read") {
    options.isolation = Isolation::repeatable_read;
  } else if (isolation == "serializable") {
    options.isolation = Isolation::serializable;
  } else if (!isolation.empty()) {
    in.fail("isolation: expected read_committed, repeatable_read or serializable");
  }
  if (!in.good()) co_return R(in.error());
  Result<std::shared_ptr<Transaction>> begun = co_await client_->begin(caller, options);
  if (!begun.ok()) co_return R(std::move(begun).error());
  const std::shared_ptr<Transaction> tx = std::move(*begun);
  const std::uint64_t number = open_.add(tx);
  transactions_.emplace(number, tx);
  tx->on_expired([this, number] { over(number); });
  co_return R(object([&](NodeBuilder& out) {
    out.key("transaction");
    out.uinteger(number);
  }));
}

Task<R> Operations::end(net::Caller caller, Document args, bool commit) {
  Args in(args.root(), {"transaction", "savepoint"});
  const std::uint64_t number = in.required_integer("transaction");
  const bool scope = in.boolean("savepoint");
  if (!in.good()) co_return R(in.error());
  Result<std::shared_ptr<Transaction>> found = transaction(number);
  if (!found.ok()) {
    // Undoing what has ended by itself is fine.
    if (commit || scope || found.error().kind() == ErrorKind::not_found) co_return R(std::move(found).error());
    open_.remove(number);
    co_return R(empty());
  }
  const std::shared_ptr<Transaction> tx = *found;
  Result<void> done;
  if (scope) {
    if (commit) {
      done = co_await tx->release(caller);
    } else {
      done = co_await tx->rollback_to(caller);
    }
  } else if (commit) {
    done = co_await tx->commit(caller);
  } else {
    done = co_await tx->rollback(caller);
  }
  if (!scope && (done.ok() || !commit)) {
    tx->on_expired(nullptr);
    open_.remove(number);
    transactions_.erase(number);
  } else if (!scope) {
    // A commit that failed has ended it, too; its number stays for the rollback that callers add, for a while.
    over(number);
  }
  if (!done.ok()) co_return R(std::move(done).error());
  co_return R(empty());
}

Task<R> Operations::savepoint(net::Caller caller, Document args) {
  Args in(args.root(), {"transaction"});
  const std::uint64_t number = in.required_integer("transaction");
  if (!in.good()) co_return R(in.error());
  Result<std::shared_ptr<Transaction>> found = transaction(number);
  if (!found.ok()) co_return R(std::move(found).error());
  const std::shared_ptr<Transaction> tx = *found;
  Result<void> done = co_await tx->savepoint(caller);
  if (!done.ok()) co_return R(std::move(done).error());
  co_return R(empty());
}

Task<R> Operations::open_cursor(net::Caller caller, Document args) {
  Args in(args.root(), {"sql", "params", "transaction", "timeout_ms"});
  std::shared_ptr<Transaction> tx;
  if (const auto number = in.integer("transaction", 0, ~std::uint64_t{0}); number.has_value()) {
    Result<std::shared_ptr<Transaction>> found = transaction(*number);
    if (!found.ok()) co_return R(std::move(found).error());
    tx = *found;
  }
  Result<std::unique_ptr<Stream>> stream = co_await open_stream(caller, in, tx);
  if (!stream.ok()) co_return R(std::move(stream).error());
  const std::uint64_t number = ++last_cursor_;
  const std::vector<Column> columns = (*stream)->columns();
  auto cursor = std::make_shared<OpenCursor>(*caller.loop, std::move(*stream), tx, [this, number] { cursors_.erase(number); });
  cursors_.emplace(number, cursor);
  if (client_->options().statement_timeout.has_value()) cursor->idle.start(*client_->options().statement_timeout);
  co_return R(object([&](NodeBuilder& out) {
    out.key("cursor");
    out.uinteger(number);
    columns_into(out, columns);
  }));
}

Task<R> Operations::fetch(net::Caller caller, Document args) {
  Args in(args.root(), {"cursor", "max"});
  const std::uint64_t number = in.required_integer("cursor");
  const std::uint64_t max = in.integer("max", 1, 65536).value_or(256);
  if (!in.good()) co_return R(in.error());
  const auto found = cursors_.find(number);
  if (found == cursors_.end())
    co_return R(Error(ErrorKind::not_found, "cursor: there is no open cursor " + std::to_string(number)));
  const std::shared_ptr<OpenCursor> cursor = found->second;
  if (cursor->busy) co_return R(Error(ErrorKind::conflict, "cursor: it is being fetched from"));
  cursor->busy = true;
  cursor->idle.stop();
  auto rows = std::make_shared<NodeRows>();
  rows->begin(cursor->stream->columns());
  const RowLimits limits(max, ~std::size_t{0});
  Result<bool> more = co_await cursor->stream->next(*caller.loop, rows, limits);
  cursor->busy = false;
  const bool open = cursors_.contains(number);
  if (!more.ok() || !*more) {
    cursors_.erase(number);
  } else if (open && client_->options().statement_timeout.has_value()) {
    cursor->idle.start(*client_->options().statement_timeout);
  }
  if (!more.ok()) co_return R(std::move(more).error());
  const Document taken = rows->take();
  co_return R(object([&](NodeBuilder& out) {
    out.key("rows");
    out.copy(taken.root());
    out.key("done");
    out.boolean(!*more);
  }));
}

Task<R> Operations::migrate(net::Caller caller, Document args, bool apply) {
  Args in(args.root(), {"folder"});
  std::string folder = in.text("folder", false);
  if (!in.good()) co_return R(in.error());
  if (folder.empty()) folder = migrations_;
  Migrations migrations(client_, pool_, folder);
  if (apply) {
    Result<std::vector<std::string>> names = co_await migrations.apply(caller);
    if (!names.ok()) co_return R(std::move(names).error());
    co_return R(object([&](NodeBuilder& out) {
      out.key("applied");
      out.begin_array();
      for (const std::string& name : *names) out.string(name);
      out.end();
    }));
  }
  Result<std::vector<MigrationStatus>> status = co_await migrations.status(caller);
  if (!status.ok()) co_return R(std::move(status).error());
  co_return R(object([&](NodeBuilder& out) {
    out.key("migrations");
    out.begin_array();
    for (const MigrationStatus& one : *status) {
      out.begin_object();
      out.key("name");
      out.string(one.name);
      out.key("state");
      out.string(name_of(one.state));
      out.key("applied_at");
      if (one.applied_at.empty()) {
        out.null();
      } else {
        out.string(one.applied_at);
      }
      out.end();
    }
    out.end();
  }));
}

Task<R> Operations::inbox(net::Caller caller, Document args) {
  (void)caller;
  Args in(args.root(), {"transaction", "source", "id"});
  const std::uint64_t number = in.required_integer("transaction");
  std::string source = in.text("source", true);
  std::string id = in.text("id", true);
  if (!in.good()) co_return R(in.error());
  Result<std::shared_ptr<Transaction>> found = transaction(number);
  if (!found.ok()) co_return R(std::move(found).error());
  const std::shared_ptr<Transaction> tx = *found;
  Result<bool> first = co_await tx->inbox(std::move(source), std::move(id));
  if (!first.ok()) co_return R(std::move(first).error());
  co_return R(object([&](NodeBuilder& out) {
    out.key("first");
    out.boolean(*first);
  }));
}

Task<R> Operations::stats(net::Caller caller) {
  std::uint64_t waiting = 0;
  std::uint64_t refused = 0;
  const std::string sql = "SELECT count(*) AS n, count(CASE WHEN target LIKE '" + std::string(store::outbox_refused) +
                          "%' THEN 1 END) AS refused FROM spikard_outbox";
  Result<std::optional<Rows>> outbox = co_await client_->first(caller, sql);
  if (outbox.ok() && outbox->has_value()) {
    const Value row = (*outbox)->rows.root().at(0);
    refused = row.find("refused").as_uint();
    waiting = row.find("n").as_uint() - refused;
  }
  if (!outbox.ok() && outbox.error().detail() != "undefined_table") co_return R(std::move(outbox).error());
  co_return R(object([&](NodeBuilder& out) {
    out.key("backend");
    out.string(client_->backend().scheme());
    out.key("in_use");
    out.uinteger(client_->in_use());
    out.key("waiting");
    out.uinteger(client_->waiting());
    out.key("transactions");
    out.uinteger(transactions_.size());
    out.key("cursors");
    out.uinteger(cursors_.size());
    out.key("outbox");
    out.uinteger(waiting);
    out.key("refused");
    out.uinteger(refused);
  }));
}

}  // namespace spikard::db
