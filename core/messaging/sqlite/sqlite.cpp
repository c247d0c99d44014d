#include "messaging/sqlite/sqlite.hpp"

#include <random>
#include <unordered_map>

#include "messaging/registry.hpp"
#include "net/await.hpp"
#include "store/sqlite/databases.hpp"
#include "store/sqlite/transaction_part.hpp"

namespace spikard::messaging::sqlite {
namespace {

constexpr std::uint64_t trim_every = 256;       // messages published
constexpr std::uint32_t take_limit = 256;       // messages taken in one transaction
constexpr std::size_t trim_limit = 1000;        // rows a trim looks at: more than came in since the last
constexpr std::size_t dead_letter_chunk = 200;  // dead letters moved in one transaction

constexpr Capabilities sqlite_capabilities{.at_least_once = true,
                                           .durable = true,
                                           .shared = true,
                                           .replay = true,
                                           .wildcards = true,
                                           .key_order = true,
                                           .positions = true,
                                           .batch_atomic = true,
                                           .dead_letters = true,
                                           .groups = true,
                                           .owns_delays = true,
                                           .confirms_at_once = false,
                                           .exact_deliveries = true};

}  // namespace

class SqliteSubscription final : public messaging::Subscription {
 public:
  SqliteSubscription(net::Loop& loop, std::shared_ptr<SqliteBackend> backend, SubscribeOptions options, std::int64_t group_id)
      : loop_(loop),
        backend_(std::move(backend)),
        options_(std::move(options)),
        name_{options_.group, options_.pattern.text()},
        group_id_(group_id),
        arrived_(loop),
        timer_(loop, [this] { arrived_.set(); }),
        new_(backend_->database_->subscribe(
            options_.pattern.exact() ? SqliteBackend::topic_signal(options_.pattern.text())
                                     : std::string(SqliteBackend::any_signal),
            loop, [this] { arrived_.set(); }, backend_->options_.poll)),
        group_(backend_->database_->subscribe(
            SqliteBackend::group_signal(name_), loop, [this] { arrived_.set(); }, Duration::zero())) {
    std::random_device random;
    next_delivery_ = static_cast<std::int64_t>(((static_cast<std::uint64_t>(random()) << 32U) | random()) >> 2U) + 1;
    const std::lock_guard lock(backend_->mutex_);
    backend_->consumed_.emplace(name_.topic, name_.group);
  }
  ~SqliteSubscription() override {
    const std::lock_guard lock(backend_->mutex_);
    backend_->consumed_.erase(backend_->consumed_.find({name_.topic, name_.group}));
  }

  Task<Result<std::vector<worker_loop::WorkItem>>> pull(std::uint32_t max) override {
    using Items = Result<std::vector<worker_loop::WorkItem>>;
    max = std::min(max, take_limit);
    for (;;) {
      arrived_.reset();
      // While it comes in full batches there is more; else a look, which takes no lock, comes first.
      if (!full_) {
        Result<Outlook> outlook = co_await look_ahead();
        if (!outlook.ok()) co_return Items(std::move(outlook).error());
        if (!outlook->now) {
          Result<void> waited = co_await wait(outlook->next);
          if (!waited.ok()) co_return Items(std::move(waited).error());
          continue;
        }
      }
      full_ = false;
      Result<Taken> taken = co_await take_some(max);
      if (!taken.ok()) co_return Items(std::move(taken).error());
      full_ = taken->items.size() == max || taken->more;
      if (taken->items.empty()) {
        if (taken->more) continue;
        Result<void> waited = co_await wait(taken->next);
        if (!waited.ok()) co_return Items(std::move(waited).error());
        continue;
      }
      for (std::size_t i = 0; i < taken->items.size(); ++i) {
        taken->items[i].id = next_id_;
        held_.emplace(next_id_++, std::move(taken->held[i]));
      }
      co_return Items(std::move(taken->items));
    }
  }

  Task<Result<std::vector<std::uint64_t>>> settle(std::span<const worker_loop::Settlement> settlements) override {
    using Ids = Result<std::vector<std::uint64_t>>;
    struct Job {
      worker_loop::Settlement settlement;
      Held held;
    };
    std::vector<Job> jobs;
    std::vector<std::uint64_t> not_ours;
    for (const worker_loop::Settlement& one : settlements) {
      const auto held = held_.find(one.id);
      if (held == held_.end()) not_ours.push_back(one.id);
      else jobs.push_back(Job{one, held->second});
    }
    struct Done {
      std::vector<std::uint64_t> not_ours;
      std::uint64_t acked = 0;
      std::uint64_t dead_lettered = 0;
      std::uint64_t dropped = 0;
    };
    SettleOptions options;
    options.group = options_.group;
    options.dead_letter = options_.dead_letter;
    auto work = [jobs = std::move(jobs), options = std::move(options), group_id = group_id_, clock = &backend_->clock_,
                 database = backend_->database_,
                 signal = SqliteBackend::group_signal(name_)](Connection& connection) -> Result<Done> {
      Done done;
      SettleOptions now = options;
      now.now = clock->wall();
      bool woken = false;
      for (const Job& job : jobs) {
        Result<Settled> settled = sqlite::settle(connection, group_id, now, job.held, job.settlement, woken);
        if (!settled.ok()) return std::move(settled).error();
        switch (*settled) {
          case Settled::not_ours: done.not_ours.push_back(job.settlement.id); break;
          case Settled::done: done.acked += job.settlement.kind == worker_loop::Settlement::Kind::ack ? 1 : 0; break;
          case Settled::dead_lettered: ++done.dead_lettered; break;
          case Settled::dropped: ++done.dropped; break;
        }
      }
      if (done.dead_lettered > 0) SqliteBackend::wake(connection, database, {now.dead_letter});
      if (woken)
        connection.after_commit([weak = std::weak_ptr(database), signal] {
          if (const auto still = weak.lock()) still->notify(signal);
        });
      return done;
    };
    Result<Done> done = co_await backend_->database_->write(loop_, std::move(work));
    if (!done.ok()) co_return Ids(std::move(done).error());
    for (const worker_loop::Settlement& one : settlements) {
      if (one.kind != worker_loop::Settlement::Kind::keep) held_.erase(one.id);
    }
    for (const std::uint64_t id : done->not_ours) held_.erase(id);
    not_ours.insert(not_ours.end(), done->not_ours.begin(), done->not_ours.end());
    backend_->acked_.fetch_add(done->acked, std::memory_order_relaxed);
    backend_->dead_lettered_.fetch_add(done->dead_lettered, std::memory_order_relaxed);
    backend_->dropped_.fetch_add(done->dropped, std::memory_order_relaxed);
    co_return Ids(std::move(not_ours));
  }

  Task<Result<std::vector<std::uint64_t>>> extend(std::span<const std::uint64_t> ids) override {
    using Ids = Result<std::vector<std::uint64_t>>;
    std::vector<std::pair<std::uint64_t, Held>> jobs;
    std::vector<std::uint64_t> lost;
    for (const std::uint64_t id : ids) {
      const auto held = held_.find(id);
      if (held == held_.end()) lost.push_back(id);
      else jobs.emplace_back(id, held->second);
    }
    auto work = [jobs = std::move(jobs), group_id = group_id_, clock = &backend_->clock_,
                 lease = options_.ack_wait](Connection& connection) -> Result<std::vector<std::uint64_t>> {
      std::vector<std::uint64_t> gone;
      const Nanos end = nanos(clock->wall() + lease);
      for (const auto& [id, held] : jobs) {
        Result<bool> ours = sqlite::extend(connection, group_id, held, end);
        if (!ours.ok()) return std::move(ours).error();
        if (!*ours) gone.push_back(id);
      }
      return gone;
    };
    Result<std::vector<std::uint64_t>> gone = co_await backend_->database_->write(loop_, std::move(work));
    if (!gone.ok()) co_return Ids(std::move(gone).error());
    for (const std::uint64_t id : *gone) held_.erase(id);
    lost.insert(lost.end(), gone->begin(), gone->end());
    co_return Ids(std::move(lost));
  }

  Duration lease() const noexcept override { return options_.ack_wait; }
  Task<Result<void>> close() override { co_return Result<void>(); }

 private:
  [[nodiscard]] Task<Result<Outlook>> look_ahead() {
    auto work = [pattern = options_.pattern, group = options_.group, clock = &backend_->clock_](Connection& connection) {
      return sqlite::look(connection, pattern, group, nanos(clock->wall()));
    };
    Result<Outlook> outlook = co_await backend_->database_->read(loop_, std::move(work));
    co_return outlook;
  }
  [[nodiscard]] Task<Result<Taken>> take_some(std::uint32_t max) {
    TakeOptions options(options_.pattern, options_.group);
    options.max = max;
    options.first_delivery = next_delivery_;
    next_delivery_ += max;
    auto work = [options = std::move(options), clock = &backend_->clock_,
                 lease = options_.ack_wait](Connection& connection) -> Result<Taken> {
      TakeOptions now = options;
      now.now = nanos(clock->wall());
      now.lease_end = nanos(clock->wall() + lease);
      return sqlite::take(connection, now);
    };
    Result<Taken> taken = co_await backend_->database_->write(loop_, std::move(work));
    if (taken.ok()) group_id_ = taken->group_id;
    co_return taken;
  }
  /// Until somebody tells, or `next` is there.
  [[nodiscard]] Task<Result<void>> wait(std::optional<Nanos> next) {
    if (next) timer_.start(std::max(WallTime(Duration(*next)) - backend_->clock_.wall(), Duration::zero()));
    else timer_.stop();
    Result<void> waited = co_await arrived_.wait();
    timer_.stop();
    co_return waited;
  }

  net::Loop& loop_;
  const std::shared_ptr<SqliteBackend> backend_;
  const SubscribeOptions options_;
  const GroupName name_;
  std::int64_t group_id_;
  net::Event arrived_;
  net::Timer timer_;
  store::sqlite::Subscription new_;
  store::sqlite::Subscription group_;
  std::unordered_map<std::uint64_t, Held> held_;
  std::uint64_t next_id_ = 1;
  std::int64_t next_delivery_ = 1;
  bool full_ = true;
};

Result<std::shared_ptr<Backend>> SqliteBackend::open(Clock& clock, std::shared_ptr<Database> database, SqliteOptions options) {
  SPIKARD_TRY(database->migrate("messaging", schema()));
  return std::shared_ptr<Backend>(new SqliteBackend(clock, std::move(database), options));
}

const Capabilities& SqliteBackend::capabilities() const noexcept { return sqlite_capabilities; }

void SqliteBackend::wake(Connection& connection, const std::shared_ptr<Database>& database, std::vector<std::string> topics) {
  connection.after_commit([weak = std::weak_ptr(database), topics = std::move(topics)] {
    const auto still = weak.lock();
    if (still == nullptr) return;
    const std::string* last = nullptr;
    for (const std::string& topic : topics) {
      if (last == nullptr || *last != topic) still->notify(topic_signal(topic));
      last = &topic;
    }
    still->notify(any_signal);
  });
}

Result<std::vector<std::uint64_t>> SqliteBackend::insert_all(Connection& connection, const std::shared_ptr<Database>& database,
                                                             const std::vector<Message>& messages, Millis now) {
  std::vector<std::uint64_t> positions;
  positions.reserve(messages.size());
  std::vector<std::string> topics;
  for (const Message& one : messages) {
    Result<Position> position = insert(connection, one, {}, false, now);
    if (!position.ok()) return std::move(position).error();
    positions.push_back(static_cast<std::uint64_t>(*position));
    if (topics.empty() || topics.back() != one.topic) topics.push_back(one.topic);
  }
  wake(connection, database, std::move(topics));
  return positions;
}

Task<Result<std::vector<std::uint64_t>>> SqliteBackend::publish(net::Caller caller, std::vector<Message> messages) {
  net::Loop& loop = *caller.loop;
  const std::size_t count = messages.size();
  auto work = [messages = std::move(messages), database = database_, clock = &clock_](Connection& connection) {
    return insert_all(connection, database, messages, floor_millis(clock->wall()));
  };
  Result<std::vector<std::uint64_t>> positions = co_await database_->write(loop, std::move(work));
  if (positions.ok()) {
    published_.fetch_add(count, std::memory_order_relaxed);
    maybe_trim(loop, count);
  }
  co_return positions;
}

Task<Result<bool>> SqliteBackend::publish_in(net::Caller caller, store::Transaction& transaction, std::vector<Message> messages) {
  store::sqlite::TransactionPart* part = transaction.sqlite();
  if (part == nullptr || transaction.database() != database_->id()) co_return Result<bool>(false);
  const std::size_t count = messages.size();
  auto work = [messages = std::move(messages), database = database_, clock = &clock_](Connection& connection) {
    return insert_all(connection, database, messages, floor_millis(clock->wall()));
  };
  Result<std::vector<std::uint64_t>> positions = co_await part->run(*caller.loop, std::move(work));
  if (!positions.ok()) co_return Result<bool>(std::move(positions).error());
  transaction.after_commit([self = shared_from_this(), loop = caller.loop, count] {
    self->published_.fetch_add(count, std::memory_order_relaxed);
    self->maybe_trim(*loop, count);
  });
  co_return Result<bool>(true);
}

Task<Result<std::unique_ptr<messaging::Subscription>>> SqliteBackend::subscribe(net::Loop& loop, SubscribeOptions options) {
  using Made = Result<std::unique_ptr<messaging::Subscription>>;
  auto work = [pattern = options.pattern, group = options.group, earliest = options.earliest,
               ordered = options.ordered](Connection& connection) {
    return open_group(connection, pattern, group, earliest ? std::optional<Position>(0) : std::nullopt, ordered);
  };
  Result<GroupRow> group = co_await database_->write(loop, std::move(work));
  if (!group.ok()) co_return Made(std::move(group).error());
  std::unique_ptr<messaging::Subscription> made =
      std::make_unique<SqliteSubscription>(loop, shared_from_this(), std::move(options), group->id);
  co_return Made(std::move(made));
}

Task<Result<DeadLetterPage>> SqliteBackend::list_dead_letters(net::Caller caller, DeadLetterQuery query) {
  auto work = [query = std::move(query)](Connection& connection) { return dead_letters(connection, query); };
  Result<DeadLetterPage> page = co_await database_->read(*caller.loop, std::move(work));
  co_return page;
}

Task<Result<std::uint64_t>> SqliteBackend::each_dead_letter(
    net::Caller caller, DeadLetterSelection which,
    std::function<Result<std::uint64_t>(Connection&, const std::string&, std::span<const std::uint64_t>)> step) {
  std::uint64_t count = 0;
  std::uint64_t after = 0;
  std::size_t begun = 0;
  // What becomes a dead letter meanwhile, one of these again perhaps, is none of all.
  Result<Position> last = co_await database_->read(*caller.loop, last_position);
  if (!last.ok()) co_return Result<std::uint64_t>(std::move(last).error());
  for (;;) {
    std::vector<std::uint64_t> positions;
    if (which.positions) {
      const std::size_t size = std::min(dead_letter_chunk, which.positions->size() - begun);
      const auto first = which.positions->begin() + static_cast<std::ptrdiff_t>(begun);
      positions.assign(first, first + static_cast<std::ptrdiff_t>(size));
      begun += size;
    } else {
      auto find = [topic = which.topic, after, last = *last](Connection& connection) {
        return dead_positions(connection, topic, after, last, dead_letter_chunk);
      };
      Result<std::vector<std::uint64_t>> found = co_await database_->read(*caller.loop, std::move(find));
      if (!found.ok()) co_return Result<std::uint64_t>(std::move(found).error());
      positions = std::move(*found);
    }
    if (positions.empty()) co_return Result<std::uint64_t>(count);
    after = positions.back();
    auto work = [step, topic = which.topic, positions = std::move(positions)](Connection& connection) {
      return step(connection, topic, positions);
    };
    Result<std::uint64_t> done = co_await database_->write(*caller.loop, std::move(work));
    if (!done.ok()) co_return Result<std::uint64_t>(std::move(done).error());
    count += *done;
  }
}

Task<Result<std::uint64_t>> SqliteBackend::redrive(net::Caller caller, DeadLetterSelection which, std::string to) {
  auto step = [to = std::move(to), database = database_, clock = &clock_](
                  Connection& connection, const std::string& topic,
                  std::span<const std::uint64_t> positions) -> Result<std::uint64_t> {
    Result<std::vector<std::string>> topics = sqlite::redrive(connection, topic, positions, to, floor_millis(clock->wall()));
    if (!topics.ok()) return std::move(topics).error();
    const std::uint64_t count = topics->size();
    if (count > 0) wake(connection, database, std::move(*topics));
    return count;
  };
  Result<std::uint64_t> count = co_await each_dead_letter(std::move(caller), std::move(which), std::move(step));
  co_return count;
}

Task<Result<std::uint64_t>> SqliteBackend::purge(net::Caller caller, DeadLetterSelection which) {
  auto step = [database = database_](Connection& connection, const std::string& topic,
                                     std::span<const std::uint64_t> positions) -> Result<std::uint64_t> {
    bool woken = false;
    Result<std::uint64_t> count = sqlite::purge(connection, topic, positions, woken);
    if (count.ok() && woken) wake(connection, database, {topic});
    return count;
  };
  Result<std::uint64_t> count = co_await each_dead_letter(std::move(caller), std::move(which), std::move(step));
  co_return count;
}

Task<Result<void>> SqliteBackend::seek(net::Caller caller, TopicPattern pattern, std::string group, Place place) {
  const std::string signal = group_signal(GroupName{group, pattern.text()});
  auto work = [pattern = std::move(pattern), group = std::move(group), place = std::move(place), signal = signal,
               weak = std::weak_ptr(database_)](Connection& connection) -> Result<void> {
    if (Result<void> done = sqlite::seek(connection, pattern, group, place); !done.ok()) return done;
    connection.after_commit([weak, signal] {
      if (const auto still = weak.lock()) still->notify(signal);
    });
    return {};
  };
  Result<void> done = co_await database_->write(*caller.loop, std::move(work));
  co_return done;
}

Task<Result<std::vector<GroupInfo>>> SqliteBackend::groups(net::Caller caller) {
  auto work = [](Connection& connection) { return sqlite::groups(connection); };
  Result<std::vector<GroupInfo>> found = co_await database_->read(*caller.loop, std::move(work));
  co_return found;
}

Task<Result<bool>> SqliteBackend::delete_group(net::Caller caller, GroupName name) {
  {
    const std::lock_guard lock(mutex_);
    if (consumed_.contains({name.topic, name.group})) {
      co_return Result<bool>(
          Error(ErrorKind::conflict, "the group has consumers").with("group", name.group).with_retry(RetryClass::permanent));
    }
  }
  auto work = [name = std::move(name), clock = &clock_](Connection& connection) {
    return sqlite::delete_group(connection, name, nanos(clock->wall()));
  };
  Result<bool> deleted = co_await database_->write(*caller.loop, std::move(work));
  co_return deleted;
}

BackendCounts SqliteBackend::counts() const noexcept {
  BackendCounts out;
  out.published = published_.load(std::memory_order_relaxed);
  out.acked = acked_.load(std::memory_order_relaxed);
  out.dead_lettered = dead_lettered_.load(std::memory_order_relaxed);
  out.dropped = dropped_.load(std::memory_order_relaxed);
  return out;
}

// In passing, as messages come in: nobody waits for it, and what fails is tried with the next ones.
void SqliteBackend::maybe_trim(net::Loop& loop, std::size_t published) {
  if (since_trim_.fetch_add(published, std::memory_order_relaxed) + published < trim_every) return;
  if (trimming_.exchange(true)) return;
  since_trim_.store(0, std::memory_order_relaxed);
  auto work = [self = shared_from_this()](Connection& connection) -> Result<void> {
    Position from = self->trim_from_;
    const Millis before = floor_millis(self->clock_.wall() - self->options_.retention);
    if (Result<void> done = trim(connection, from, before, trim_limit); !done.ok()) return done;
    connection.after_commit([self, from] { self->trim_from_ = from; });
    return {};
  };
  spawn(database_->write(loop, std::move(work)),
        [self = shared_from_this()](const std::exception_ptr&, const std::optional<Result<void>>&) {
          self->trimming_.store(false);
        });
}

void register_sqlite(Registry& registry) {
  registry.add("sqlite", [](const services::MessagingConfig& config, const Environment& environment) {
    using Opened = Result<std::shared_ptr<Backend>>;
    if (environment.databases == nullptr) return Opened(Error(ErrorKind::unsupported, "url: no SQLite here"));
    Result<std::shared_ptr<store::sqlite::Database>> database = environment.databases->open(config.url);
    if (!database.ok()) return Opened(std::move(database).error());
    SqliteOptions options;
    options.retention = std::chrono::milliseconds(config.retention_ms);
    options.poll = std::chrono::milliseconds(config.poll_ms);
    return SqliteBackend::open(*environment.clock, std::move(database).value(), options);
  });
}

}  // namespace spikard::messaging::sqlite
