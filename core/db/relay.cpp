#include "db/relay.hpp"

#include <algorithm>
#include <atomic>
#include <random>
#include <utility>

#include "db/core.hpp"
#include "store/outbox.hpp"

namespace spikard::db {
namespace {

std::string make_owner() {
  // Different in every process and for every relay; no secret.
  std::random_device random;
  return std::to_string((std::uint64_t{random()} << 32) | random());
}

std::int64_t wall_ms(net::Loop& loop) {
  return std::chrono::floor<std::chrono::milliseconds>(loop.clock().wall()).time_since_epoch().count();
}

constexpr const char* relay_table =
    "CREATE TABLE IF NOT EXISTS spikard_outbox_relay (id INTEGER PRIMARY KEY, owner VARCHAR(64) NOT NULL, until_ms BIGINT NOT "
    "NULL)";

/// The same entry again would be refused again, whatever happens meanwhile. Who may not do it now may do so later, and a bug may
/// be mended.
bool is_for_good(const Error& error) noexcept {
  if (error.retry() != RetryClass::permanent) return false;
  switch (error.kind()) {
    case ErrorKind::permission_denied:
    case ErrorKind::cancelled:
    case ErrorKind::outcome_unknown:
    case ErrorKind::internal: return false;
    default: return true;
  }
}

}  // namespace

Relay::Relay(std::shared_ptr<Client> client, net::Loop& loop, Deliver deliver, RelayOptions options)
    : watched_(std::move(client)),
      client_(watched_->untraced()),
      loop_(loop),
      deliver_(std::move(deliver)),
      options_(options),
      owner_(make_owner()),
      wake_(loop),
      timer_(loop, [this] { wake_.set(); }) {}

Relay::~Relay() {
  if (listener_ != nullptr) listener_->alive = false;
}

std::shared_ptr<Relay> Relay::make(std::shared_ptr<Client> client, net::Loop& loop, Deliver deliver, RelayOptions options) {
  return std::shared_ptr<Relay>(new Relay(std::move(client), loop, std::move(deliver), options));
}

void Relay::wake() { wake_.set(); }

void Relay::start() {
  if (std::exchange(started_, true)) return;
  ended_ = false;
  const std::weak_ptr<Relay> weak = weak_from_this();
  listener_ = watched_->listen_to_outbox(loop_, [weak] {
    if (const auto self = weak.lock()) self->wake();
  });
  spawn(run().with_token(stopping_.token()), [self = shared_from_this()](std::exception_ptr) {
    self->timer_.stop();
    self->ended_ = true;
    if (self->done_) std::exchange(self->done_, nullptr)();
  });
}

void Relay::stop(Function<void()> done) {
  if (ended_) return done();
  done_ = std::move(done);
  stopping_.cancel(CancelReason::shutdown);
}

Task<Result<void>> Relay::prepare() {
  const store::Dialect dialect = client_->backend().dialect();
  for (const std::string& table : {store::outbox_table(dialect), std::string(relay_table)}) {
    Result<std::uint64_t> made = co_await client_->execute(net::Caller(loop_), table);
    if (!made.ok()) co_return Result<void>(std::move(made).error());
  }
  const std::string row = dialect == store::Dialect::mysql
                              ? "INSERT IGNORE INTO spikard_outbox_relay VALUES (1, '', 0)"
                              : "INSERT INTO spikard_outbox_relay VALUES (1, '', 0) ON CONFLICT DO NOTHING";
  Result<std::uint64_t> there = co_await client_->execute(net::Caller(loop_), row);
  if (!there.ok()) co_return Result<void>(std::move(there).error());
  // The database's own name, made once: paths and names may be the same elsewhere, or of another file tomorrow.
  const std::string name = dialect == store::Dialect::mysql
                               ? "INSERT IGNORE INTO spikard_outbox_relay VALUES (2, $1, 0)"
                               : "INSERT INTO spikard_outbox_relay VALUES (2, $1, 0) ON CONFLICT DO NOTHING";
  Document made = params(std::string_view(owner_));
  there = co_await client_->execute(net::Caller(loop_), name, std::move(made));
  if (!there.ok()) co_return Result<void>(std::move(there).error());
  Result<std::optional<Rows>> source =
      co_await client_->first(net::Caller(loop_), "SELECT owner FROM spikard_outbox_relay WHERE id = 2");
  if (!source.ok()) co_return Result<void>(std::move(source).error());
  if (source->has_value()) source_ = std::string((*source)->rows.root().at(0).find("owner").text());
  co_return Result<void>();
}

Task<Result<bool>> Relay::hold() {
  const Instant now = loop_.clock().now();
  // Renewed once half of it is over.
  if (now + options_.lease / 2 < held_until_) co_return Result<bool>(true);
  const std::int64_t at = wall_ms(loop_);
  const std::int64_t until = at + std::chrono::duration_cast<std::chrono::milliseconds>(options_.lease).count();
  Document values = params(std::string_view(owner_), until, at);
  Result<std::uint64_t> taken = co_await client_->execute(
      net::Caller(loop_),
      "UPDATE spikard_outbox_relay SET owner = $1, until_ms = $2 WHERE id = 1 AND (owner = $1 OR until_ms < $3)",
      std::move(values));
  if (!taken.ok()) co_return Result<bool>(std::move(taken).error());
  if (*taken == 1) held_until_ = now + options_.lease;
  co_return Result<bool>(*taken == 1);
}

Task<Result<std::size_t>> Relay::pass() {
  using R = Result<std::size_t>;
  // Targets that refused wait; their entries are passed over.
  const Instant now = loop_.clock().now();
  std::string sql = "SELECT id, target, kind, payload, created_at FROM spikard_outbox WHERE target NOT LIKE '" +
                    std::string(store::outbox_refused) + "%'";
  NodeBuilder blocked;
  blocked.begin_array();
  std::size_t count = 0;
  for (const auto& [name, target] : targets_) {
    if (target.blocked_until <= now) continue;
    sql += count == 0 ? " AND target NOT IN (" : ", ";
    sql += "$" + std::to_string(++count);
    blocked.string(name);
  }
  blocked.end();
  if (count > 0) sql += ")";
  sql += " ORDER BY id LIMIT " + std::to_string(options_.batch);
  Result<Rows> rows = co_await client_->query(net::Caller(loop_), std::move(sql), Document(std::move(blocked)));
  if (!rows.ok()) co_return R(std::move(rows).error());
  NodeBuilder gone;
  gone.begin_array();
  std::size_t done = 0;
  std::vector<std::string> refused;
  const CancelToken token = co_await current_token();
  std::optional<Error> failed;
  for (const Value row : rows->rows.root().elements()) {
    if (token.cancelled()) break;
    Entry entry;
    entry.id = row.find("id").as_uint();
    entry.key = source_ + "/" + std::to_string(entry.id);
    if (const Value came = row.find("created_at"); came.is_string()) entry.key += "/" + std::string(came.text());
    entry.what = store::OutboxEntry(std::string(row.find("target").text()), std::string(row.find("kind").text()),
                                    std::string(row.find("payload").text()));
    if (std::find(refused.begin(), refused.end(), entry.what.target) != refused.end()) continue;
    Result<bool> held = co_await hold();
    if (!held.ok() || !*held) {
      if (!held.ok()) failed = std::move(held).error();
      break;
    }
    Result<void> delivered = co_await deliver_(net::Caller(loop_), entry);
    Target& target = targets_[entry.what.target];
    if (!delivered.ok()) {
      if (delivered.error().kind() == ErrorKind::cancelled && token.cancelled()) break;
      if (is_for_good(delivered.error())) {
        Result<void> aside = co_await set_aside(entry.id, entry.what.target);
        if (aside.ok()) {
          ++refused_;
          if (on_refused_) on_refused_(entry, delivered.error());
          continue;
        }
      }
      if (on_error_) on_error_(entry, delivered.error());
      target.pause = target.pause == Duration::zero() ? options_.first_retry : std::min(target.pause * 2, options_.last_retry);
      target.blocked_until = loop_.clock().now() + target.pause;
      refused.push_back(entry.what.target);
      continue;
    }
    target.pause = Duration::zero();
    ++delivered_;
    ++done;
    gone.begin_array();
    gone.uinteger(entry.id);
    gone.end();
  }
  gone.end();
  if (done > 0) {
    // Also when it is being stopped: what was delivered must not be delivered again.
    Task<Result<std::uint64_t>> erase =
        client_->batch(net::Caller(loop_), "DELETE FROM spikard_outbox WHERE id = $1", Document(std::move(gone)));
    CancelSource never;
    Result<std::uint64_t> erased = co_await std::move(erase).with_token(never.token());
    if (!erased.ok()) co_return R(std::move(erased).error());
  }
  if (failed.has_value()) co_return R(std::move(*failed));
  co_return R(rows->rows.root().size() == options_.batch ? rows->rows.root().size() : 0);
}

Task<Result<void>> Relay::set_aside(std::uint64_t id, std::string target) {
  target.insert(0, store::outbox_refused);
  if (target.size() > 190) target.resize(190);  // MySQL's column
  Document values = params(std::string_view(target), id);
  Result<std::uint64_t> done =
      co_await client_->execute(net::Caller(loop_), "UPDATE spikard_outbox SET target = $1 WHERE id = $2", std::move(values));
  if (!done.ok()) co_return Result<void>(std::move(done).error());
  co_return Result<void>();
}

void Relay::arm() {
  // The next thing that comes by itself: a poll, a retry, the end of somebody else's lease.
  const Instant now = loop_.clock().now();
  std::optional<Instant> next;
  for (const auto& [name, target] : targets_) {
    if (target.blocked_until > now && (!next.has_value() || target.blocked_until < *next)) next = target.blocked_until;
  }
  if (held_until_ <= now) next = std::min(next.value_or(now + options_.lease / 2), now + options_.lease / 2);
  if (!loop_.clock().is_virtual()) next = std::min(next.value_or(now + options_.poll), now + options_.poll);
  if (next.has_value()) timer_.start_at(*next);
}

Task<void> Relay::run() {
  const CancelToken token = co_await current_token();
  Duration pause = options_.first_retry;
  while (!token.cancelled()) {
    wake_.reset();
    bool more = false;
    std::optional<Error> problem;
    if (!prepared_) {
      Result<void> ready = co_await prepare();
      prepared_ = ready.ok();
      if (!ready.ok()) problem = std::move(ready).error();
    }
    if (prepared_) {
      Result<bool> held = co_await hold();
      if (!held.ok()) {
        problem = std::move(held).error();
      } else if (*held) {
        Result<std::size_t> passed = co_await pass();
        if (passed.ok()) {
          more = *passed > 0;
        } else {
          problem = std::move(passed).error();
        }
      }
    }
    if (token.cancelled()) break;
    if (more) continue;
    if (problem.has_value()) {
      if (on_error_) on_error_(Entry(), *problem);
      timer_.start(pause);
      pause = std::min(pause * 2, options_.last_retry);
    } else {
      pause = options_.first_retry;
      arm();
    }
    Result<void> waited = co_await wake_.wait();
    if (!waited.ok()) break;
  }
  if (held_until_ > loop_.clock().now()) {
    // The next one need not wait for the lease to run out.
    Document values = params(std::string_view(owner_));
    Task<Result<std::uint64_t>> give = client_->execute(
        net::Caller(loop_), "UPDATE spikard_outbox_relay SET owner = '', until_ms = 0 WHERE id = 1 AND owner = $1",
        std::move(values));
    CancelSource never;
    (void)co_await std::move(give).with_token(never.token());
  }
}

}  // namespace spikard::db
