#include "messaging/redis/subscription.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <tuple>

#include "net/await.hpp"

namespace spikard::messaging::redis {
namespace {

using net::redis::Command;
using net::redis::Reply;
using net::redis::View;

constexpr std::uint32_t max_batch = 512;                     // given to the worker loop at once
constexpr std::size_t together = 512;                        // leases renewed by one script
constexpr Duration silent_consumer = std::chrono::hours(1);  // then it is gone, if it has nothing
/// What became of a delivery is told however late, as long as nobody else was given it: it may spare others the same.
constexpr Duration however_late = std::chrono::hours(24 * 365);
constexpr Duration wake_pause = std::chrono::milliseconds(5);
constexpr Duration wake_patience = std::chrono::seconds(1);

std::int64_t millis(Duration time) { return std::chrono::ceil<std::chrono::milliseconds>(time).count(); }

std::string member_of(std::string_view id, std::string_view stream) { return std::string(id) + " " + std::string(stream); }

std::string name_of_consumer(const std::string& name) {
  std::random_device random;
  std::array<char, 18> suffix{};
  const std::uint64_t number = static_cast<std::uint64_t>(random()) << 32U | random();
  std::snprintf(suffix.data(), suffix.size(), "-%016llx", static_cast<unsigned long long>(number));
  return name + suffix.data();
}

/// What another attempt may cure is said to be so, for the worker loop tries again then.
Error passing(Error error) {
  switch (error.kind()) {
    case ErrorKind::unavailable:
    case ErrorKind::timeout:
    case ErrorKind::outcome_unknown:
    case ErrorKind::rate_limited: return std::move(error).with_retry(RetryClass::temporary);
    default: return error;
  }
}

}  // namespace

RedisSubscription::RedisSubscription(net::Loop& loop, std::shared_ptr<RedisBackend> backend, SubscribeOptions options,
                                     RedisBackend::Group group)
    : loop_(loop),
      backend_(std::move(backend)),
      options_(std::move(options)),
      me_(name_of_consumer(options_.consumer)),
      client_(backend_->client(loop)),
      group_(std::move(group)),
      topics_changed_(loop),
      timer_(loop, [this] {
        more_topics_ = true;
        topics_changed_.set();
      }) {
  const std::lock_guard lock(backend_->mutex_);
  backend_->consumed_.emplace(options_.pattern.text(), options_.group);
}

RedisSubscription::~RedisSubscription() {
  if (feed_ != nullptr) feed_->close();
  if (reader_ != nullptr) {
    reader_->waits = false;
    reader_->connection->close();
  }
  const std::lock_guard lock(backend_->mutex_);
  backend_->consumed_.erase(backend_->consumed_.find({options_.pattern.text(), options_.group}));
}

Task<Result<void>> RedisSubscription::listen() {
  if (options_.pattern.exact()) co_return Result<void>();
  net::redis::Listening to;
  to.channels.push_back(backend_->names_.bell());
  const auto changed = [this] {
    more_topics_ = true;
    topics_changed_.set();
    wake();
  };
  to.on_message = [this, changed](const net::redis::Message& message) {
    if (options_.pattern.matches(message.payload)) changed();
  };
  to.on_state = [changed](bool up) {
    if (up) changed();
  };
  feed_ = client_->listen(std::move(to));
  Task<Result<void>> ready = feed_->ready();
  co_return co_await net::with_deadline(loop_, client_->options().connect_timeout, std::move(ready));
}

// ---- taking --------------------------------------------------------------------------------------------------------

std::vector<worker_loop::WorkItem> RedisSubscription::give(std::uint32_t max) {
  std::vector<worker_loop::WorkItem> out;
  while (!fetched_.empty() && out.size() < max) {
    Fetched& one = fetched_.front();
    one.item.id = next_id_;
    held_.emplace(next_id_++, std::move(one.held));
    out.push_back(std::move(one.item));
    fetched_.pop_front();
  }
  return out;
}

void RedisSubscription::accept(std::string_view stream, View id, std::uint64_t count, View fields, std::string_view record) {
  const std::optional<EntryId> read = EntryId::parse(id.text());
  if (!read) return;
  Entry entry = read_fields(fields, backend_->names_.topic_of_stream(stream));
  if (!entry.for_group.empty() && entry.for_group != options_.group) {
    skipped_.emplace_back(stream, id.text());
    return;
  }
  if (count > 1) {
    // Its lease ran out while it was here, or the worker loop gave up telling what became of it.
    std::erase_if(held_, [&](const auto& one) { return one.second.id == id.text() && one.second.stream == stream; });
  }
  Fetched& out = fetched_.emplace_back();
  out.held.stream = stream;
  out.held.id = id.text();
  out.held.count = count;
  out.held.recorded = !record.empty();
  worker_loop::WorkItem& item = out.item;
  item.position = read->position();
  item.name = std::move(entry.message.topic);
  item.payload = std::move(entry.message.payload);
  item.has_key = entry.message.key.has_value();
  item.key = std::move(entry.message.key).value_or(std::string());
  item.headers = std::move(entry.message.headers);
  item.enqueued = WallTime(std::chrono::milliseconds(std::min<std::uint64_t>(read->ms, INT64_MAX / 1'000'000)));
  count_tries(item, count, record.empty() ? std::nullopt : Record::parse(record));
}

Result<void> RedisSubscription::accept_all(View answer) {
  if (answer.size() % 5 != 1) return internal_error("messaging.redis: the server's answer is none of ours");
  auto at = answer.begin();
  for (std::size_t i = 1; i < answer.size(); i += 5) {
    const View stream = *++at;
    const View id = *++at;
    const View count = *++at;
    const View fields = *++at;
    const View record = *++at;
    accept(stream.text(), id, static_cast<std::uint64_t>(std::max<std::int64_t>(count.integer().value_or(1), 1)), fields,
           record.text());
  }
  return {};
}

Task<Result<std::vector<worker_loop::WorkItem>>> RedisSubscription::pull(std::uint32_t max) {
  using Items = Result<std::vector<worker_loop::WorkItem>>;
  max = std::clamp(max, 1U, max_batch);
  CancelToken token = co_await current_token();
  for (;;) {
    if (!fetched_.empty()) co_return Items(give(max));
    if (token.cancelled()) co_return Items(Error(ErrorKind::cancelled, "the caller gave up").with_operation("messaging.pull"));
    Result<void> done;
    if (std::exchange(more_topics_, false)) {
      done = co_await renew();
      more_topics_ = more_topics_ || !done.ok();
    } else if (group_.streams.empty()) {
      done = co_await wait_for_topics();
    } else if (lost_) {
      done = co_await recover(max);
    } else if (loop_.now() >= next_look_) {
      done = co_await look(max);
    } else {
      done = co_await read(max);
    }
    // Somebody moved the group to another place, or deleted it.
    if (!done.ok() && done.error().kind() == ErrorKind::not_found) done = co_await renew();
    if (done.ok() && !skipped_.empty()) done = co_await skip();
    if (!done.ok() && fetched_.empty()) co_return Items(std::move(done).error());
  }
}

Task<Result<void>> RedisSubscription::renew() {
  Task<Result<RedisBackend::Group>> opening = backend_->open_group(loop_, options_);
  Result<RedisBackend::Group> group = co_await std::move(opening);
  if (!group.ok()) co_return std::move(group).error();
  if (group->name != group_.name) {
    // What we hold counts no more.
    held_.clear();
    fetched_.clear();
    skipped_.clear();
  }
  group_ = std::move(*group);
  co_return Result<void>();
}

Task<Result<void>> RedisSubscription::wait_for_topics() {
  timer_.start(backend_->options_.poll);
  topics_changed_.reset();
  Result<void> waited = co_await topics_changed_.wait();
  timer_.stop();
  co_return waited;
}

// A call that takes messages is not cut off: what it brings would be forgotten.
Task<Result<void>> RedisSubscription::look(std::uint32_t max) {
  Command command(backend_->scripts_.look, 2 + group_.streams.size());
  command.key(backend_->names_.due(group_.name)).key(backend_->names_.records(group_.name));
  for (const std::string& one : group_.streams) command.key(one);
  command.arg(group_.name).arg(me_).arg(millis(options_.ack_wait)).arg(max).arg(millis(silent_consumer));
  Duration next = backend_->options_.poll;
  const auto decode = [&](View answer) -> Result<void> {
    if (Result<void> good = accept_all(answer); !good.ok()) return good;
    const std::int64_t due = answer[0].integer().value_or(-1);
    if (due >= 0) next = std::min<Duration>(next, std::chrono::milliseconds(std::min<std::int64_t>(due, 60'000)));
    return {};
  };
  Task<Result<void>> looking = client_->run(std::move(command), decode);
  looking = std::move(looking).with_token(CancelToken());
  Result<void> done = co_await std::move(looking);
  if (done.ok()) next_look_ = loop_.now() + next;
  else lost_ = true;
  co_return done;
}

Task<Result<void>> RedisSubscription::recover(std::uint32_t max) {
  Command command(backend_->scripts_.recover, 2 + group_.streams.size());
  command.key(backend_->names_.due(group_.name)).key(backend_->names_.records(group_.name));
  for (const std::string& one : group_.streams) command.key(one);
  command.arg(group_.name).arg(me_).arg(max);
  for (const auto& [id, held] : held_) command.arg(member_of(held.id, held.stream));
  std::size_t count = 0;
  const auto decode = [&](View answer) -> Result<void> {
    count = answer.size() / 5;
    return accept_all(answer);
  };
  Task<Result<void>> recovering = client_->run(std::move(command), decode);
  recovering = std::move(recovering).with_token(CancelToken());
  Result<void> done = co_await std::move(recovering);
  if (done.ok()) lost_ = count >= max;
  co_return done;
}

Task<Result<void>> RedisSubscription::read(std::uint32_t max) {
  if (reader_ == nullptr || !reader_->connection->is_open()) {
    const std::string& key = group_.streams.front();
    Task<Result<std::unique_ptr<net::redis::Dedicated>>> opening = client_->dedicated(key);
    Result<std::unique_ptr<net::redis::Dedicated>> connection = co_await std::move(opening);
    if (!connection.ok()) co_return std::move(connection).error();
    reader_ = std::make_shared<Reader>();
    reader_->client = client_;
    reader_->connection = std::move(*connection);
    reader_->key = key;
  }
  const std::shared_ptr<Reader> reader = reader_;
  const std::size_t streams = group_.streams.size();
  const Duration left = std::clamp<Duration>(next_look_ - loop_.now(), std::chrono::milliseconds(1), backend_->options_.poll);
  Command command("XREADGROUP");
  command.arg("GROUP").arg(group_.name).arg(me_);
  command.arg("COUNT").arg(std::max<std::size_t>(max / streams, 1)).arg("BLOCK").arg(millis(left)).arg("STREAMS");
  for (const std::string& one : group_.streams) command.arg(one);
  for (std::size_t i = 0; i < streams; ++i) command.arg(">");
  const auto take = [this](View stream, View entries) {
    for (const View one : entries) {
      if (one.size() == 2) accept(stream.text(), one[0], 1, one[1], {});
    }
  };
  const auto decode = [&](View answer) -> Result<void> {
    for (auto at = answer.begin(); at != answer.end(); ++at) {
      const View first = *at;
      if (answer.kind() == net::redis::Kind::map) take(first, *++at);
      else if (first.size() == 2) take(first[0], first[1]);
    }
    return {};
  };
  ++reader->round;
  reader->waits = true;
  // The wait is ended on the server, so that what it gives out at that moment is not lost.
  CancelToken token = co_await current_token();
  const CancelCallback hook(token, [this](CancelReason) { wake(); });
  Task<Result<void>> reading = reader->connection->run(std::move(command), left + client_->options().timeout, decode);
  reading = std::move(reading).with_token(CancelToken());
  Result<void> done = co_await std::move(reading);
  reader->waits = false;
  if (!done.ok() && !reader->connection->is_open()) lost_ = true;
  if (done.ok() && fetched_.empty()) next_look_ = loop_.now();
  if (streams > 1) {
    std::sort(fetched_.begin(), fetched_.end(), [](const Fetched& a, const Fetched& b) {
      return std::tie(a.item.position, a.held.stream) < std::tie(b.item.position, b.held.stream);
    });
  }
  co_return done;
}

Task<Result<void>> RedisSubscription::skip() {
  std::vector<Command> commands;
  for (const auto& [stream, id] : skipped_) {
    Command command("XACK");
    command.key(stream).arg(group_.name).arg(id);
    commands.push_back(std::move(command));
  }
  skipped_.clear();
  // One that fails comes again after its lease.
  Task<std::vector<Result<Reply>>> acking = client_->run_all(std::move(commands));
  acking = std::move(acking).with_token(CancelToken());
  (void)co_await std::move(acking);
  co_return Result<void>();
}

void RedisSubscription::wake() {
  if (reader_ == nullptr || !reader_->waits || std::exchange(reader_->waking, true)) return;
  spawn(unblock(&loop_, reader_), [](const std::exception_ptr&) {});
}

Task<void> RedisSubscription::unblock(net::Loop* loop, std::shared_ptr<Reader> reader) {
  const Instant end = loop->now() + wake_patience;
  const std::uint64_t round = reader->round;
  // It may be on its way to the server, where there is nothing to end yet.
  while (reader->waits && reader->round == round) {
    Task<Result<bool>> ending = reader->client->unblock(reader->connection->id(), reader->key);
    Result<bool> ended = co_await net::with_deadline(*loop, wake_patience, std::move(ending));
    (void)ended;
    if (!reader->waits || reader->round != round) break;
    if (loop->now() >= end) {
      reader->connection->close();
      break;
    }
    Result<void> slept = co_await net::sleep(*loop, wake_pause);
    if (!slept.ok()) break;
  }
  reader->waking = false;
}

void RedisSubscription::wake_by(Instant due) {
  if (due >= next_look_) return;
  next_look_ = due;
  wake();
}

// ---- settling ------------------------------------------------------------------------------------------------------

Command RedisSubscription::in_hand(const net::redis::Script& script, const Held& held, bool with_due) const {
  Command out(script, with_due ? 3 : 5);
  if (with_due) out.key(backend_->names_.due(group_.name));
  out.key(backend_->names_.records(group_.name)).key(held.stream);
  return out;
}

Command RedisSubscription::back(const Held& held, Duration lease, Duration after, std::string_view record) const {
  Command out = in_hand(backend_->scripts_.back, held, true);
  out.arg(group_.name).arg(me_).arg(held.id).arg(held.count).arg(millis(lease)).arg(millis(after)).arg(record);
  return out;
}

Command RedisSubscription::bury(const Held& held, const Message& letter) const {
  const Names& names = backend_->names_;
  Command out = in_hand(backend_->scripts_.bury, held, false);
  out.key(names.stream(letter.topic)).key(names.dead(letter.topic)).key(names.topics());
  out.arg(group_.name).arg(me_).arg(held.id).arg(held.count).arg(millis(however_late)).arg(letter.topic).arg(names.bell());
  append_fields(out, letter);
  return out;
}

Task<Result<void>> RedisSubscription::ack(const Settlements* ours) {
  std::map<std::string_view, std::vector<std::string_view>> ids;
  std::vector<std::string> records;
  for (const worker_loop::Settlement& one : *ours) {
    if (one.kind != worker_loop::Settlement::Kind::ack) continue;
    const Held& held = held_.find(one.id)->second;
    ids[held.stream].push_back(held.id);
    if (held.recorded) records.push_back(member_of(held.id, held.stream));
  }
  if (ids.empty()) co_return Result<void>();
  std::vector<Command> commands;
  for (const auto& [stream, of_stream] : ids) {
    Command command("XACK", 64 + 32 * of_stream.size());
    command.key(stream).arg(group_.name);
    for (const std::string_view id : of_stream) command.arg(id);
    commands.push_back(std::move(command));
  }
  if (!records.empty()) {
    Command command("HDEL");
    command.key(backend_->names_.records(group_.name));
    for (const std::string& one : records) command.arg(one);
    commands.push_back(std::move(command));
  }
  Task<std::vector<Result<Reply>>> acking = client_->run_all(std::move(commands));
  std::vector<Result<Reply>> replies = co_await std::move(acking);
  for (std::size_t i = 0; i < replies.size(); ++i) {
    if (!replies[i].ok()) co_return std::move(replies[i]).error();
    if (i < ids.size())
      backend_->acked_.fetch_add(static_cast<std::uint64_t>(replies[i]->integer().value_or(0)), std::memory_order_relaxed);
  }
  co_return Result<void>();
}

Task<Result<std::unordered_map<std::uint64_t, Message>>> RedisSubscription::originals(const Settlements* ours) {
  using Found = Result<std::unordered_map<std::uint64_t, Message>>;
  std::unordered_map<std::uint64_t, Message> out;
  std::vector<std::uint64_t> ids;
  std::vector<Command> commands;
  for (const worker_loop::Settlement& one : *ours) {
    if (one.kind != worker_loop::Settlement::Kind::dead_letter || options_.dead_letter.empty()) continue;
    const Held& held = held_.find(one.id)->second;
    Command command("XRANGE");
    command.key(held.stream).arg(held.id).arg(held.id).reads();
    commands.push_back(std::move(command));
    ids.push_back(one.id);
  }
  if (commands.empty()) co_return Found(std::move(out));
  Task<std::vector<Result<Reply>>> asking = client_->run_all(std::move(commands));
  std::vector<Result<Reply>> replies = co_await std::move(asking);
  for (std::size_t i = 0; i < replies.size(); ++i) {
    if (!replies[i].ok()) co_return Found(std::move(replies[i]).error());
    const View entries = replies[i]->view();
    const auto held = held_.find(ids[i]);
    if (entries.size() != 1 || entries[0].size() != 2 || held == held_.end()) continue;  // it is gone
    out.emplace(ids[i], read_fields(entries[0][1], backend_->names_.topic_of_stream(held->second.stream)).message);
  }
  co_return Found(std::move(out));
}

Task<Result<void>> RedisSubscription::settle_rest(const Settlements* ours, std::vector<std::uint64_t>* not_ours) {
  using Kind = worker_loop::Settlement::Kind;
  Result<std::unordered_map<std::uint64_t, Message>> letters = co_await originals(ours);
  if (!letters.ok()) co_return std::move(letters).error();
  const WallTime now = loop_.clock().wall();
  std::vector<const worker_loop::Settlement*> asked;
  std::vector<Command> commands;
  for (const worker_loop::Settlement& one : *ours) {
    const auto found = held_.find(one.id);
    if (one.kind == Kind::ack || found == held_.end()) continue;  // the group moved meanwhile
    Held& held = found->second;
    asked.push_back(&one);
    if (one.kind == Kind::dead_letter) {
      const auto letter = letters->find(one.id);
      if (letter != letters->end()) {
        commands.push_back(
            bury(held, dead_letter_of(letter->second, options_.dead_letter, given_up_of(options_.group, one), now)));
        continue;
      }
      Command command("XACK");
      command.key(held.stream).arg(group_.name).arg(held.id);
      commands.push_back(std::move(command));
      continue;
    }
    const bool told = told_by_count(one) && !held.recorded;
    const std::string record = told ? std::string() : Record::of(one, held.count, now).text();
    if (one.kind == Kind::keep) {
      Command command = in_hand(backend_->scripts_.keep, held, true);
      command.arg(group_.name).arg(me_).arg(held.id).arg(held.count).arg(millis(options_.ack_wait)).arg(0).arg(record);
      commands.push_back(std::move(command));
      held.recorded = true;
    } else {
      commands.push_back(back(held, one.kind == Kind::again ? however_late : options_.ack_wait, one.after, record));
    }
  }
  if (commands.empty()) co_return Result<void>();
  Task<std::vector<Result<Reply>>> asking = client_->run_all(std::move(commands));
  std::vector<Result<Reply>> replies = co_await std::move(asking);
  std::uint64_t dead = 0;
  for (Result<Reply>& one : replies) {
    if (!one.ok()) co_return std::move(one).error();
  }
  for (std::size_t i = 0; i < replies.size(); ++i) {
    if (replies[i]->integer() == 0) not_ours->push_back(asked[i]->id);
    else if (asked[i]->kind == Kind::dead_letter) ++dead;
    else if (asked[i]->kind != Kind::keep) wake_by(loop_.now() + asked[i]->after);
  }
  (options_.dead_letter.empty() ? backend_->dropped_ : backend_->dead_lettered_).fetch_add(dead, std::memory_order_relaxed);
  co_return Result<void>();
}

Task<Result<std::vector<std::uint64_t>>> RedisSubscription::settle(std::span<const worker_loop::Settlement> settlements) {
  using Ids = Result<std::vector<std::uint64_t>>;
  Settlements ours;
  std::vector<std::uint64_t> not_ours;
  for (const worker_loop::Settlement& one : settlements) {
    if (held_.contains(one.id)) ours.push_back(one);
    else not_ours.push_back(one.id);
  }
  Result<void> done = co_await ack(&ours);
  if (!done.ok()) co_return Ids(passing(std::move(done).error()));
  std::vector<std::uint64_t> lost;
  done = co_await settle_rest(&ours, &lost);
  if (!done.ok()) co_return Ids(passing(std::move(done).error()));
  for (const worker_loop::Settlement& one : ours) {
    if (one.kind != worker_loop::Settlement::Kind::keep) held_.erase(one.id);
  }
  for (const std::uint64_t id : lost) held_.erase(id);
  not_ours.insert(not_ours.end(), lost.begin(), lost.end());
  co_return Ids(std::move(not_ours));
}

Task<Result<std::vector<std::uint64_t>>> RedisSubscription::extend(std::span<const std::uint64_t> ids) {
  using Ids = Result<std::vector<std::uint64_t>>;
  std::vector<std::uint64_t> lost;
  // What waits here for room in the worker loop as well.
  struct One {
    std::uint64_t id;  // 0: not given out yet
    std::string entry;
    std::uint64_t count;
  };
  std::map<std::string, std::vector<One>> of_stream;
  for (const std::uint64_t id : ids) {
    const auto held = held_.find(id);
    if (held == held_.end()) lost.push_back(id);
    else of_stream[held->second.stream].push_back(One{id, held->second.id, held->second.count});
  }
  for (const Fetched& one : fetched_) of_stream[one.held.stream].push_back(One{0, one.held.id, one.held.count});
  std::vector<Command> commands;
  std::vector<std::pair<std::string, std::vector<One>>> asked;
  for (auto& [stream, all] : of_stream) {
    for (std::size_t begun = 0; begun < all.size(); begun += together) {
      const auto first = all.begin() + static_cast<std::ptrdiff_t>(begun);
      const auto last = first + static_cast<std::ptrdiff_t>(std::min(together, all.size() - begun));
      Command command(backend_->scripts_.extend, 1);
      command.key(stream).arg(group_.name).arg(me_).arg(millis(options_.ack_wait));
      for (auto one = first; one != last; ++one) command.arg(one->entry).arg(one->count);
      commands.push_back(std::move(command));
      asked.emplace_back(stream, std::vector<One>(first, last));
    }
  }
  Task<std::vector<Result<Reply>>> asking = client_->run_all(std::move(commands));
  std::vector<Result<Reply>> replies = co_await std::move(asking);
  for (std::size_t i = 0; i < replies.size(); ++i) {
    if (!replies[i].ok() && replies[i].error().kind() == ErrorKind::not_found) {
      // Somebody moved the group to another place, or deleted it.
      held_.clear();
      co_return Ids(std::vector<std::uint64_t>(ids.begin(), ids.end()));
    }
    if (!replies[i].ok()) co_return Ids(std::move(replies[i]).error());
    for (const View gone : replies[i]->view()) {
      for (const One& one : asked[i].second) {
        if (one.entry != gone.text()) continue;
        if (one.id != 0) {
          lost.push_back(one.id);
          held_.erase(one.id);
        } else {
          std::erase_if(fetched_,
                        [&](const Fetched& other) { return other.held.id == one.entry && other.held.stream == asked[i].first; });
        }
      }
    }
  }
  co_return Ids(std::move(lost));
}

Task<Result<void>> RedisSubscription::close() {
  if (feed_ != nullptr) feed_->close();
  std::vector<Command> commands;
  for (const Fetched& one : fetched_) {
    worker_loop::Settlement unseen;
    unseen.kind = worker_loop::Settlement::Kind::hand_back;
    unseen.tries = one.item.tries;
    unseen.failures = one.item.failures;
    unseen.delivery_count = one.item.delivery_count - 1;
    unseen.first_error = one.item.first_error;
    commands.push_back(
        back(one.held, options_.ack_wait, Duration::zero(), Record::of(unseen, one.held.count, loop_.clock().wall()).text()));
  }
  fetched_.clear();
  if (!group_.streams.empty()) {
    Command leave(backend_->scripts_.leave, group_.streams.size());
    for (const std::string& one : group_.streams) leave.key(one);
    leave.arg(group_.name).arg(me_);
    commands.push_back(std::move(leave));
  }
  Task<std::vector<Result<Reply>>> leaving = client_->run_all(std::move(commands));
  std::vector<Result<Reply>> replies = co_await std::move(leaving);
  for (Result<Reply>& one : replies) {
    if (!one.ok()) co_return std::move(one).error();
  }
  co_return Result<void>();
}

}  // namespace spikard::messaging::redis
