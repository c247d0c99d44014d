#include "db/client.hpp"

#include <filesystem>

#include "db/core.hpp"
#include "db/instant.hpp"

namespace spikard::db {

ClientOptions::ClientOptions(const services::DbConfig& config)
    : max_connections(config.pool.max),
      acquire_timeout(std::chrono::milliseconds(config.pool.acquire_timeout_ms)),
      max_rows(config.max_rows) {
  const auto ms = [](const std::optional<std::uint32_t>& value) -> std::optional<Duration> {
    if (!value.has_value()) return std::nullopt;
    return std::chrono::milliseconds(*value);
  };
  statement_timeout = ms(config.statement_timeout_ms);
  transaction_timeout = ms(config.transaction_timeout_ms);
}

namespace detail {

Core::Core(std::shared_ptr<Backend> of_backend, ClientOptions of_options, telemetry::Tracer of_tracer)
    : backend(std::move(of_backend)),
      options(of_options),
      tracer(std::move(of_tracer)),
      duration(tracer.histogram("db.client.operation.duration", "s", "Duration of database client operations.")),
      // A file's folder says more of the machine than traces should.
      name_space(std::filesystem::path(backend->name_space()).filename().string()),
      limiter(std::make_shared<Limiter>(of_options.max_connections)) {}

void Core::outbox_grew() {
  const std::lock_guard lock(listeners_mutex);
  std::erase_if(listeners, [](const std::weak_ptr<OutboxListener>& weak) {
    const std::shared_ptr<OutboxListener> listener = weak.lock();
    if (listener == nullptr) return true;
    if (!listener->posted.exchange(true, std::memory_order_acq_rel)) {
      net::Loop* loop = listener->loop;
      loop->post([weak] {
        const std::shared_ptr<OutboxListener> self = weak.lock();
        if (self == nullptr) return;
        self->posted.store(false, std::memory_order_release);
        if (self->alive) self->fn();
      });
    }
    return false;
  });
}

Call::Call(Core& core, const net::Caller& caller, std::string_view operation, std::string_view sql, bool has_params)
    : core_(core), clock_(caller.loop->clock()), begun_(clock_.now()), operation_(operation) {
  if (!core.tracer) {
    span_ = telemetry::Span(caller.trace);
    return;
  }
  const std::string_view system = core.backend->system();
  span_ = core.tracer.start(operation.empty() ? system : operation, telemetry::SpanKind::client, caller.trace);
  if (!span_.recording()) return;
  span_.set("db.system.name", system);
  span_.set("db.namespace", core.name_space);
  if (!operation.empty()) span_.set("db.operation.name", operation);
  // Where the values are parameters the text has none; else they are taken out.
  if (!sql.empty()) {
    if (has_params) {
      span_.set("db.query.text", sql);
    } else {
      span_.set("db.query.text", store::without_literals(sql, core.backend->dialect()));
    }
  }
}

void Call::note(const Error* error) {
  if (error != nullptr) span_.fail(*error);
  if (!core_.duration) return;
  const std::string_view type =
      error == nullptr ? std::string_view() : (error->detail().empty() ? spikard::name_of(error->kind()) : error->detail());
  if (error == nullptr) {
    core_.duration.record(clock_.now() - begun_, {{"db.system.name", core_.backend->system()}, {"db.operation.name", operation_}},
                          span_.context());
  } else {
    core_.duration.record(clock_.now() - begun_,
                          {{"db.system.name", core_.backend->system()}, {"db.operation.name", operation_}, {"error.type", type}},
                          span_.context());
  }
}

void add_param(NodeBuilder& out, const Decimal& v) {
  out.begin_object();
  out.key("$decimal");
  out.string(v.text);
  out.end();
}

void add_param(NodeBuilder& out, WallTime v) {
  out.begin_object();
  out.key("$timestamp");
  out.string(to_rfc3339(std::chrono::floor<std::chrono::microseconds>(v).time_since_epoch().count()));
  out.end();
}

}  // namespace detail

namespace {

bool some(const Document& params) {
  const Value root = params.root();
  return root.exists() && (root.is_array() || root.is_object()) && root.size() > 0;
}

Error closed_error() { return Error(ErrorKind::unavailable, "the client is closed").with_detail("closed"); }

}  // namespace

std::shared_ptr<Client> Client::make(std::shared_ptr<Backend> backend, ClientOptions options, telemetry::Tracer tracer) {
  return std::shared_ptr<Client>(new Client(std::make_shared<detail::Core>(std::move(backend), options, std::move(tracer))));
}

Client::~Client() = default;

Task<Result<Outcome>> Client::query_into(net::Caller caller, std::string sql, Document params, std::shared_ptr<RowWriter> rows,
                                         RowLimits limits, CallOptions options) {
  using R = Result<Outcome>;
  const std::shared_ptr<detail::Core> core = core_;
  const std::string keyword = store::first_keyword(sql, core->backend->dialect());
  detail::Call call(*core, caller, keyword, sql, some(params));
  if (core->closed.load(std::memory_order_acquire)) co_return call.ended(R(closed_error()));
  Result<Statement> made = make_statement(sql, params.root(), core->backend->dialect());
  if (!made.ok()) co_return call.ended(R(std::move(made).error()));
  auto statement = std::make_shared<const Statement>(std::move(*made));
  Result<Limiter::Permit> permit = co_await core->limiter->acquire(*caller.loop, core->options.acquire_timeout);
  if (!permit.ok()) co_return call.ended(R(std::move(permit).error()));
  Task<R> task = core->backend->run(*caller.loop, statement, rows, limits, core->options.acquire_timeout);
  R outcome = co_await detail::guarded(*caller.loop, std::move(task), core->timeout(options));
  if (outcome.ok() && rows != nullptr) call.rows(outcome->rows);
  co_return call.ended(std::move(outcome));
}

Task<Result<Rows>> Client::query(net::Caller caller, std::string sql, Document params, CallOptions options) {
  auto rows = std::make_shared<NodeRows>();
  const RowLimits limits(core_->options.max_rows, ~std::size_t{0});
  Result<Outcome> outcome = co_await query_into(caller, std::move(sql), std::move(params), rows, limits, options);
  if (!outcome.ok()) co_return Result<Rows>(std::move(outcome).error());
  Rows result;
  result.columns = rows->columns();
  result.rows = rows->take();
  co_return Result<Rows>(std::move(result));
}

Task<Result<std::optional<Rows>>> Client::first(net::Caller caller, std::string sql, Document params, CallOptions options) {
  using R = Result<std::optional<Rows>>;
  auto rows = std::make_shared<NodeRows>();
  RowLimits limits(1, ~std::size_t{0});
  limits.partial = true;
  Result<Outcome> outcome = co_await query_into(caller, std::move(sql), std::move(params), rows, limits, options);
  if (!outcome.ok()) co_return R(std::move(outcome).error());
  if (outcome->rows == 0) co_return R(std::optional<Rows>());
  Rows result;
  result.columns = rows->columns();
  result.rows = rows->take();
  co_return R(std::optional<Rows>(std::move(result)));
}

Task<Result<std::uint64_t>> Client::execute(net::Caller caller, std::string sql, Document params, CallOptions options) {
  Result<Outcome> outcome = co_await query_into(caller, std::move(sql), std::move(params), nullptr, RowLimits(), options);
  if (!outcome.ok()) co_return Result<std::uint64_t>(std::move(outcome).error());
  co_return Result<std::uint64_t>(outcome->affected);
}

Task<Result<std::uint64_t>> Client::batch(net::Caller caller, std::string sql, Document sets, CallOptions options) {
  using R = Result<std::uint64_t>;
  const std::shared_ptr<detail::Core> core = core_;
  detail::Call call(*core, caller, "BATCH " + store::first_keyword(sql, core->backend->dialect()), sql, true);
  if (core->closed.load(std::memory_order_acquire)) co_return call.ended(R(closed_error()));
  Result<Batch> made = make_batch(sql, sets.root(), core->backend->dialect());
  if (!made.ok()) co_return call.ended(R(std::move(made).error()));
  auto batch = std::make_shared<const Batch>(std::move(*made));
  call.batch(batch->sets.size());
  Result<Limiter::Permit> permit = co_await core->limiter->acquire(*caller.loop, core->options.acquire_timeout);
  if (!permit.ok()) co_return call.ended(R(std::move(permit).error()));
  Task<Result<Outcome>> task = core->backend->batch(*caller.loop, batch, core->options.acquire_timeout);
  Result<Outcome> outcome = co_await detail::guarded(*caller.loop, std::move(task), core->timeout(options));
  if (!outcome.ok()) co_return call.ended(R(std::move(outcome).error()));
  co_return call.ended(R(outcome->affected));
}

Task<Result<std::unique_ptr<Stream>>> Client::stream(net::Caller caller, std::string sql, Document params, CallOptions options) {
  using R = Result<std::unique_ptr<Stream>>;
  const std::shared_ptr<detail::Core> core = core_;
  detail::Call call(*core, caller, store::first_keyword(sql, core->backend->dialect()), sql, some(params));
  if (core->closed.load(std::memory_order_acquire)) co_return call.ended(R(closed_error()));
  Result<Statement> made = make_statement(sql, params.root(), core->backend->dialect());
  if (!made.ok()) co_return call.ended(R(std::move(made).error()));
  auto statement = std::make_shared<const Statement>(std::move(*made));
  Result<Limiter::Permit> permit = co_await core->limiter->acquire(*caller.loop, core->options.acquire_timeout);
  if (!permit.ok()) co_return call.ended(R(std::move(permit).error()));
  Task<Result<std::unique_ptr<Cursor>>> task = core->backend->open(*caller.loop, statement, core->options.acquire_timeout);
  Result<std::unique_ptr<Cursor>> cursor = co_await detail::guarded(*caller.loop, std::move(task), core->timeout(options));
  if (!cursor.ok()) co_return call.ended(R(std::move(cursor).error()));
  co_return R(std::make_unique<Stream>(core, std::move(*cursor), std::move(*permit), core->timeout(options), call.take()));
}

Task<Result<std::shared_ptr<Transaction>>> Client::begin(net::Caller caller, TransactionOptions options) {
  using R = Result<std::shared_ptr<Transaction>>;
  const std::shared_ptr<detail::Core> core = core_;
  if (core->closed.load(std::memory_order_acquire)) co_return R(closed_error());
  Result<Limiter::Permit> permit = co_await core->limiter->acquire(*caller.loop, core->options.acquire_timeout);
  if (!permit.ok()) co_return R(std::move(permit).error());
  options.acquire = core->options.acquire_timeout;
  Result<std::unique_ptr<Session>> session = co_await core->backend->begin(*caller.loop, options);
  if (!session.ok()) co_return R(std::move(session).error());
  co_return R(std::make_shared<Transaction>(core, *caller.loop, std::move(*session), std::move(*permit)));
}

std::shared_ptr<Client> Client::untraced() const { return make(core_->backend, core_->options); }

std::shared_ptr<detail::OutboxListener> Client::listen_to_outbox(net::Loop& loop, Function<void()> fn) {
  auto listener = std::make_shared<detail::OutboxListener>();
  listener->loop = &loop;
  listener->fn = std::move(fn);
  const std::lock_guard lock(core_->listeners_mutex);
  core_->listeners.push_back(listener);
  return listener;
}

void Client::close() {
  if (core_->closed.exchange(true, std::memory_order_acq_rel)) return;
  core_->limiter->close();
  core_->backend->close();
}

Backend& Client::backend() noexcept { return *core_->backend; }
const ClientOptions& Client::options() const noexcept { return core_->options; }
std::uint32_t Client::in_use() const { return core_->limiter->in_use(); }
std::uint32_t Client::waiting() const { return core_->limiter->waiting(); }

// -- streams

Stream::Stream(std::shared_ptr<detail::Core> core, std::unique_ptr<Cursor> cursor, Limiter::Permit permit,
               std::optional<Duration> timeout, telemetry::Span span) noexcept
    : core_(std::move(core)),
      columns_(cursor->columns()),
      cursor_(std::move(cursor)),
      permit_(std::move(permit)),
      timeout_(timeout),
      span_(std::move(span)) {}

Stream::~Stream() { close(); }

void Stream::close() noexcept {
  cursor_.reset();
  permit_.release();
  span_.set("db.response.returned_rows", count_);
  span_.end();
  if (ended_) std::exchange(ended_, nullptr)(false);
}

class Stream::Reading {
 public:
  explicit Reading(bool& flag) noexcept : flag_(flag) { flag_ = true; }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
  ~Reading() { flag_ = false; }

 private:
  bool& flag_;
};

/// Its transaction ran out while nobody read.
void Stream::expire(Error why) {
  span_.fail(why);
  over_ = std::move(why);
  close();
}

Task<Result<bool>> Stream::next(net::Loop& loop, std::shared_ptr<RowWriter> rows, RowLimits limits) {
  if (over_.has_value()) co_return Result<bool>(*std::exchange(over_, std::nullopt));
  if (cursor_ == nullptr) co_return Result<bool>(false);
  Task<Result<Outcome>> task = cursor_->fetch(loop, std::move(rows), limits);
  std::optional<Reading> reading(reading_);
  Result<Outcome> outcome = co_await detail::guarded(loop, std::move(task), timeout_, life_);
  reading.reset();
  // What had come before it was told to stop keeps the transaction no longer, either.
  if (outcome.ok() && outcome->more && life_.cancelled())
    outcome = Error(ErrorKind::cancelled, "the transaction was open for longer than it may");
  if (!outcome.ok()) {
    span_.fail(outcome.error());
    if (ended_) std::exchange(ended_, nullptr)(true);
    close();
    co_return Result<bool>(std::move(outcome).error());
  }
  count_ += outcome->rows;
  const bool more = outcome->more;
  if (!more) close();
  co_return Result<bool>(more);
}

Task<Result<Document>> Stream::next(net::Loop& loop, std::uint64_t rows) {
  auto writer = std::make_shared<NodeRows>();
  writer->begin(columns_);
  const RowLimits limits(rows, ~std::size_t{0});
  Result<bool> more = co_await next(loop, writer, limits);
  if (!more.ok()) co_return Result<Document>(std::move(more).error());
  co_return Result<Document>(writer->take());
}

}  // namespace spikard::db
