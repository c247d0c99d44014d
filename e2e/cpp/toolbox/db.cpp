// The ops of `db` (fixtures/README.md section 5) on the C++ client.
#include <cstdlib>
#include <map>
#include <optional>

#include "db/registry.hpp"
#include "mysql_database.hpp"
#include "postgres_schema.hpp"
#include "store/sqlite/databases.hpp"
#include "toolbox/toolbox.hpp"

namespace spikard::e2e {
namespace {

using R = Result<Document>;

std::string sql_of(Value args) {
  const Value sql = args.find("sql");
  if (!sql.is_string()) throw NotBuilt("sql that is no text");  // the player chooses by the driver
  return std::string(sql.text());
}

Document params_of(Value args) {
  const Value params = args.find("params");
  return params ? Document(params) : Document();
}

void tagged(NodeBuilder& out, std::string_view tag, std::string_view text) {
  out.begin_object();
  out.key(tag);
  out.string(text);
  out.end();
}

/// Rows as the fixtures write them: what JSON has no form for is tagged.
Document rows_of(const db::Rows& rows) {
  NodeBuilder out;
  out.begin_object();
  out.key("rows");
  out.begin_array();
  for (const Value row : rows.rows.root().elements()) {
    out.begin_object();
    std::size_t column = 0;
    for (const auto& [key, value] : row.members()) {
      const db::ColumnType type = rows.columns[column++].type;
      out.key(key);
      if (type == db::ColumnType::timestamp && value.is_string()) {
        tagged(out, "$timestamp", value.text());
      } else if (value.is(NodeType::numtext)) {
        tagged(out, "$decimal", value.text());
      } else {
        out.copy(value);
      }
    }
    out.end();
  }
  out.end();
  out.key("columns");
  out.begin_array();
  for (const db::Column& column : rows.columns) out.string(column.name);
  out.end();
  out.end();
  return Document(std::move(out));
}

Document affected_of(std::uint64_t affected) {
  NodeBuilder out;
  out.begin_object();
  out.key("affected");
  out.uinteger(affected);
  out.end();
  return Document(std::move(out));
}

class DbClient final : public ToolboxClient {
 public:
  DbClient(Stage& stage, Value config) : stage_(stage), databases_(stage.pool()) {
    only(config, {"driver", "pool"}, "db");
    services::DbConfig options;
    const std::string_view driver = text_or(config, "driver", "sqlite");
    if (driver == "sqlite") {
      options.url = "sqlite:" + stage.folder() + "/case.db";
    } else if (driver == "sqlite_memory") {
      options.url = "sqlite::memory:";
    } else if (driver == "postgres") {
      options.url = schema_.emplace().url();
    } else if (driver == "mysql") {
      options.url = mysql_database_.emplace().url();
    } else {
      throw NotBuilt("driver " + std::string(driver));
    }
    if (const Value pool = config.find("pool")) {
      only(pool, {"max", "acquire_timeout_ms"}, "pool");
      options.pool.max = static_cast<std::uint32_t>(int_or(pool, "max", options.pool.max));
      options.pool.acquire_timeout_ms =
          static_cast<std::uint32_t>(int_or(pool, "acquire_timeout_ms", options.pool.acquire_timeout_ms));
    }
    db::Environment environment(stage.pool());
    environment.databases = &databases_;
    environment.postgres = &servers_;
    environment.mysql = &mysql_servers_;
    environment.tracer = stage.tracer();
    Result<std::shared_ptr<db::Client>> opened = db::open(options, environment);
    if (!opened.ok()) throw Failed(std::move(opened).error());
    client_ = std::move(*opened);
  }

  Task<R> run(std::string op, Document args) override {
    const Value in = args.root();
    const net::Caller caller(stage_.loop());
    if (op == "close") {
      client_->close();
      co_return R(nothing());
    }
    if (op == "execute") {
      std::optional<Result<std::uint64_t>> done;
      if (in.find("tx")) {
        done.emplace(co_await transaction(in).execute(caller, sql_of(in), params_of(in)));
      } else {
        done.emplace(co_await client_->execute(caller, sql_of(in), params_of(in)));
      }
      if (!done->ok()) co_return R(std::move(*done).error());
      co_return R(affected_of(**done));
    }
    if (op == "query") {
      std::optional<Result<db::Rows>> rows;
      if (in.find("tx")) {
        rows.emplace(co_await transaction(in).query(caller, sql_of(in), params_of(in)));
      } else {
        rows.emplace(co_await client_->query(caller, sql_of(in), params_of(in)));
      }
      if (!rows->ok()) co_return R(std::move(*rows).error());
      co_return R(rows_of(**rows));
    }
    if (op == "begin") {
      only(in, {"tx", "isolation", "read_only"}, op);
      const Value read_only = in.find("read_only");
      db::TransactionOptions options(read_only && read_only.as_bool());
      if (const std::string_view isolation = text_or(in, "isolation"); isolation == "serializable") {
        options.isolation = db::Isolation::serializable;
      } else if (isolation == "repeatable_read") {
        options.isolation = db::Isolation::repeatable_read;
      } else if (isolation == "read_committed") {
        options.isolation = db::Isolation::read_committed;
      } else if (!isolation.empty()) {
        throw NotBuilt("isolation " + std::string(isolation));
      }
      Result<std::shared_ptr<db::Transaction>> begun = co_await client_->begin(caller, options);
      if (!begun.ok()) co_return R(std::move(begun).error());
      transactions_[name_of(in)] = std::move(*begun);
      co_return R(nothing());
    }
    if (op == "commit" || op == "rollback") {
      Result<void> done;
      if (op == "commit") {
        done = co_await transaction(in).commit(caller);
      } else {
        done = co_await transaction(in).rollback(caller);
      }
      if (!done.ok()) co_return R(std::move(done).error());
      co_return R(nothing());
    }
    if (op == "drop_transaction") {
      transactions_.erase(name_of(in));
      co_return R(nothing());
    }
    if (op == "transaction") {
      only(in, {"body"}, op);
      const Value body = in.find("body");
      auto scope = [body, caller](db::Transaction& tx) { return play(tx, caller, body); };
      Result<void> done = co_await client_->transaction(caller, std::move(scope));
      if (!done.ok()) co_return R(std::move(done).error());
      co_return R(nothing());
    }
    throw NotBuilt("op " + op);
  }

  Task<R> close() override {
    transactions_.clear();
    client_->close();
    co_return R(nothing());
  }

  ~DbClient() override {
    transactions_.clear();
    client_.reset();
    databases_.close();
  }

 private:
  static std::string name_of(Value args) { return std::string(text_or(args, "tx")); }
  db::Transaction& transaction(Value args) {
    const auto found = transactions_.find(name_of(args));
    if (found == transactions_.end()) throw std::runtime_error("no transaction " + name_of(args));
    return *found->second;
  }

  /// The statements of a scope; `fail` throws, as a user's function would.
  static Task<Result<void>> play(db::Transaction& tx, net::Caller caller, Value body) {
    for (const Value step : body.elements()) {
      if (const Value nested = step.find("nested")) {
        only(step, {"nested", "swallow"}, "nested");
        auto scope = [nested, caller](db::Transaction& inner) { return play(inner, caller, nested); };
        Result<void> done = co_await tx.nested(caller, std::move(scope));
        const Value swallow = step.find("swallow");
        if (!done.ok() && !(swallow && swallow.as_bool())) co_return done;
        continue;
      }
      if (const Value fail = step.find("fail")) throw std::runtime_error(std::string(fail.text()));
      only(step, {"sql", "params"}, "statement");
      Result<std::uint64_t> done = co_await tx.execute(caller, sql_of(step), params_of(step));
      if (!done.ok()) co_return Result<void>(std::move(done).error());
    }
    co_return Result<void>();
  }

  Stage& stage_;
  store::sqlite::Databases databases_;
  store::postgres::Databases servers_;
  std::optional<contract::PostgresSchema> schema_;
  store::mysql::Databases mysql_servers_;
  std::optional<contract::MysqlDatabase> mysql_database_;
  std::shared_ptr<db::Client> client_;
  std::map<std::string, std::shared_ptr<db::Transaction>> transactions_;
};

Task<Result<std::shared_ptr<ToolboxClient>>> open(Stage& stage, Document config) {
  std::shared_ptr<ToolboxClient> client = std::make_shared<DbClient>(stage, config.root());
  co_return Result<std::shared_ptr<ToolboxClient>>(std::move(client));
}

}  // namespace

Subsystem db_subsystem() {
  std::vector<std::string> backends{"sqlite"};
  if (std::getenv("SPIKARD_TEST_POSTGRES_URL") != nullptr) backends.emplace_back("postgres");
  if (std::getenv("SPIKARD_TEST_MYSQL_URL") != nullptr) backends.emplace_back("mysql");
  return {"db", std::move(backends), open};
}

}  // namespace spikard::e2e
