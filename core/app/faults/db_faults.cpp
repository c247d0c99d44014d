#include "app/faults/backends.hpp"

namespace spikard::app {
namespace {

using db::Cursor;
using db::Outcome;
using db::RowLimits;
using db::RowWriter;
using db::Session;
using db::Statement;
using net::Loop;

/// Tables of the outbox, the inbox and their like: what the relay does there is no work of the application's, and how often it
/// looks depends on the threads.
bool is_upkeep(std::string_view sql) noexcept { return sql.find("spikard_") != std::string_view::npos; }

Effect effect_of(std::string_view keyword) noexcept { return keyword == "SELECT" ? Effect::none : Effect::some; }

/// In a transaction a statement's answer is lost with the transaction: that is `unavailable` here, and `commit` has the rest.
class FaultySession final : public Session {
 public:
  FaultySession(std::unique_ptr<Session> inner, FaultSite site) : inner_(std::move(inner)), site_(std::move(site)) {}

  Task<Result<Outcome>> run(Loop& loop, std::shared_ptr<const Statement> statement, std::shared_ptr<RowWriter> rows,
                            RowLimits limits) override {
    const std::string sql = statement->sql;
    auto task = inner_->run(loop, std::move(statement), std::move(rows), limits);
    return step(loop, "statement", sql, std::move(task));
  }
  Task<Result<Outcome>> batch(Loop& loop, std::shared_ptr<const db::Batch> batch) override {
    const std::string sql = batch->sql;
    return step(loop, "batch", sql, inner_->batch(loop, std::move(batch)));
  }
  Task<Result<std::unique_ptr<Cursor>>> open(Loop& loop, std::shared_ptr<const Statement> statement) override {
    const std::string sql = statement->sql;
    return step(loop, "stream", sql, inner_->open(loop, std::move(statement)));
  }
  Task<Result<void>> commit(Loop& loop) override {
    if (first_.empty()) return inner_->commit(loop);
    return inject(site_, loop, "commit", first_, Effect::some, inner_->commit(loop));
  }
  Task<Result<void>> rollback(Loop& loop) override { return inner_->rollback(loop); }
  Task<Result<void>> savepoint(Loop& loop) override { return inner_->savepoint(loop); }
  Task<Result<void>> release(Loop& loop) override { return inner_->release(loop); }
  Task<Result<void>> rollback_to(Loop& loop) override { return inner_->rollback_to(loop); }
  store::sqlite::TransactionPart* sqlite() noexcept override { return inner_->sqlite(); }
  store::postgres::TransactionPart* postgres() noexcept override { return inner_->postgres(); }
  store::mysql::TransactionPart* mysql() noexcept override { return inner_->mysql(); }

 private:
  /// A transaction is known by its first statement, and begins with it: a `begin` by itself would be about nothing, and its
  /// number depend on what else runs.
  template <class T>
  Task<Result<T>> step(Loop& loop, std::string operation, const std::string& sql, Task<Result<T>> task) {
    if (is_upkeep(sql)) return task;
    auto faulty = inject(site_, loop, std::move(operation), sql, Effect::none, std::move(task));
    if (!first_.empty()) return faulty;
    first_ = sql;
    return inject(site_, loop, "begin", sql, Effect::none, std::move(faulty));
  }

  const std::unique_ptr<Session> inner_;
  const FaultSite site_;
  std::string first_;
};

class FaultyBackend final : public db::Backend {
 public:
  FaultyBackend(std::shared_ptr<db::Backend> inner, FaultSite site) : inner_(std::move(inner)), site_(std::move(site)) {}

  std::string_view scheme() const noexcept override { return inner_->scheme(); }
  std::string_view system() const noexcept override { return inner_->system(); }
  std::string_view name_space() const noexcept override { return inner_->name_space(); }
  store::Dialect dialect() const noexcept override { return inner_->dialect(); }
  const std::string& id() const noexcept override { return inner_->id(); }
  db::Capabilities capabilities() const noexcept override { return inner_->capabilities(); }

  Task<Result<Outcome>> run(Loop& loop, std::shared_ptr<const Statement> statement, std::shared_ptr<RowWriter> rows,
                            RowLimits limits, Duration acquire) override {
    const std::string sql = statement->sql;
    const Effect effect = effect_of(statement->keyword);
    auto task = inner_->run(loop, std::move(statement), std::move(rows), limits, acquire);
    if (is_upkeep(sql)) return task;
    return inject(site_, loop, "run", sql, effect, std::move(task));
  }
  Task<Result<Outcome>> batch(Loop& loop, std::shared_ptr<const db::Batch> batch, Duration acquire) override {
    const std::string sql = batch->sql;
    auto task = inner_->batch(loop, std::move(batch), acquire);
    if (is_upkeep(sql)) return task;
    return inject(site_, loop, "batch", sql, Effect::some, std::move(task));
  }
  Task<Result<std::unique_ptr<Cursor>>> open(Loop& loop, std::shared_ptr<const Statement> statement, Duration acquire) override {
    const std::string sql = statement->sql;
    auto task = inner_->open(loop, std::move(statement), acquire);
    if (is_upkeep(sql)) return task;
    return inject(site_, loop, "stream", sql, Effect::none, std::move(task));
  }
  Task<Result<std::unique_ptr<Session>>> begin(Loop& loop, db::TransactionOptions options) override {
    return wrapped(site_, inner_->begin(loop, options));
  }
  Task<Result<bool>> script(Loop& loop, std::shared_ptr<const Script> script, Duration acquire) override {
    return inner_->script(loop, std::move(script), acquire);
  }
  Task<Result<void>> make_table(Loop& loop, std::string sql) override { return inner_->make_table(loop, std::move(sql)); }
  void close() override { inner_->close(); }

 private:
  static Task<Result<std::unique_ptr<Session>>> wrapped(FaultSite site, Task<Result<std::unique_ptr<Session>>> task) {
    using R = Result<std::unique_ptr<Session>>;
    R begun = co_await std::move(task);
    if (!begun.ok()) co_return begun;
    std::unique_ptr<Session> session = std::make_unique<FaultySession>(std::move(*begun), std::move(site));
    co_return R(std::move(session));
  }

  const std::shared_ptr<db::Backend> inner_;
  const FaultSite site_;
};

}  // namespace

std::shared_ptr<db::Backend> with_faults(std::shared_ptr<db::Backend> backend, FaultSite site) {
  return std::make_shared<FaultyBackend>(std::move(backend), std::move(site));
}

}  // namespace spikard::app
