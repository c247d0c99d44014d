#include "messaging/kafka/subscription.hpp"

#include <algorithm>

#include "messaging/text.hpp"
#include "net/kafka/error.hpp"

namespace spikard::messaging::kafka {
namespace {

using net::kafka::OffsetCommitRequest;
using net::kafka::OffsetFetchAnswer;
using net::kafka::OffsetFetchRequest;
using net::kafka::Record;
using std::chrono::seconds;

// With more than this in memory nothing more is fetched: all partitions together, and one of few or of many.
constexpr std::size_t max_bytes = 64U << 20U;
constexpr std::size_t most_part_bytes = 4U << 20U;
constexpr std::size_t least_part_bytes = 256U << 10U;
constexpr std::size_t max_part_entries = 20'000;
constexpr Duration commit_limit = seconds(30);

/// The brokers' default bounds (group.min.session.timeout.ms, group.max.session.timeout.ms).
Duration session_of(Duration ack_wait) { return std::clamp<Duration>(ack_wait, seconds(6), std::chrono::minutes(30)); }

std::uint32_t count_of(const std::string& text) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(number_of(text).value_or(0), 1'000'000));
}

/// Takes our own headers out of the message.
Incoming incoming_of(const std::string& topic, std::int32_t partition, Record record) {
  Incoming out;
  out.offset = record.offset;
  out.position = position_of(partition, record.offset);
  out.published = time_of(record.timestamp_ms);
  Message message = to_message(topic, std::move(record));
  for (const auto& [name, value] : message.headers) {
    if (!name.starts_with(own_header)) continue;
    if (name == topic_header) message.topic = value;
    else if (name == position_header) out.position = number_of(value).value_or(out.position);
    else if (name == time_header_ms) out.published = time_of(static_cast<std::int64_t>(number_of(value).value_or(0)));
    else if (name == due_header) out.due = time_of(static_cast<std::int64_t>(number_of(value).value_or(0)));
    else if (name == tries_header) out.counts.tries = count_of(value);
    else if (name == failures_header) out.counts.failures = count_of(value);
    else if (name == deliveries_header) out.counts.deliveries = count_of(value);
    else if (name == error_header_own) out.counts.first_error = value;
  }
  std::erase_if(message.headers, [](const auto& one) { return one.first.starts_with(own_header); });
  out.message = std::move(message);
  return out;
}

const std::string* header_of(const Record& record, std::string_view name) {
  for (const auto& [key, value] : record.headers) {
    if (key == name) return &value;
  }
  return nullptr;
}

}  // namespace

Work::Work(LoopClient client, Transport& transport, Names names, SubscribeOptions options, std::optional<std::string> instance,
           Clock& clock)
    : client_(std::move(client)),
      loop_(client_.cluster->loop()),
      clock_(clock),
      names_(std::move(names)),
      options_(std::move(options)),
      session_(session_of(options_.ack_wait)),
      arrived_(loop_),
      begun_(loop_),
      changed_(loop_),
      due_(loop_, [this] { arrived_.set(); }) {
  net::kafka::GroupOptions group;
  group.group = names_.group;
  group.instance = std::move(instance);
  group.topics = {names_.topic, names_.retry_topic};
  group.session_timeout = session_;
  group.heartbeat = std::min<Duration>(session_ / 12, seconds(3));
  member_ = transport.member(client_.cluster, std::move(group), *this, *this);
}

Task<Result<void>> Work::start() {
  const std::shared_ptr<Work> self = shared_from_this();
  member_->start();
  Task<Result<void>> wait = net::with_deadline(loop_, session_ + seconds(4), begun_.wait());
  Result<void> waited = co_await std::move(wait);
  if (failed_) co_return *failed_;
  if (!waited.ok() && waited.error().kind() == ErrorKind::cancelled) co_return waited;
  co_return Result<void>();
}

void Work::wake() {
  arrived_.set();
  changed_.set();
}

void Work::on_failed(const Error& why) {
  if (why.retry() == RetryClass::temporary) return;
  failed_.emplace(why);
  begun_.set();
  wake();
}

void Work::on_assigned(const std::vector<TopicPartition>& partitions) {
  spawn(begin(shared_from_this(), partitions), [](const std::exception_ptr&) {});
}

Task<> Work::begin(std::shared_ptr<Work> self, std::vector<TopicPartition> partitions) {
  net::kafka::Backoff backoff(self->loop_);
  while (!self->stopped_) {
    Result<void> done = co_await self->begin_all(&partitions);
    if (done.ok()) break;
    if (done.error().kind() == ErrorKind::cancelled) co_return;
    if (done.error().retry() != RetryClass::temporary && done.error().kind() != ErrorKind::not_found) {
      // Not ours any more, or it may not: the heartbeat says the first, nothing else says the second.
      if (done.error().kind() != ErrorKind::conflict) self->on_failed(done.error());
      co_return;
    }
    Result<void> slept = co_await backoff.wait();
    if (!slept.ok()) co_return;
  }
  self->begun_.set();
  self->member_->poke();
}

Task<Result<void>> Work::begin_all(const std::vector<TopicPartition>* partitions) {
  if (partitions->empty()) co_return Result<void>();
  Result<std::shared_ptr<net::kafka::Connection>> connection = co_await client_.cluster->coordinator(names_.group);
  if (!connection.ok()) co_return std::move(connection).error();
  OffsetFetchRequest request;
  request.group = names_.group;
  Result<OffsetFetchAnswer> answer =
      co_await net::kafka::call<OffsetFetchAnswer>(std::move(connection).value(), std::move(request));
  if (!answer.ok()) co_return std::move(answer).error();
  if (answer->error != net::kafka::code_ok) {
    client_.cluster->forget_coordinator(names_.group);
    co_return net::kafka::broker_error(answer->error, "OffsetFetch");
  }
  bool group_is_known = false;
  std::map<TopicPartition, const OffsetFetchAnswer::Partition*> known;
  for (const OffsetFetchAnswer::Partition& one : answer->partitions) {
    if (one.error != net::kafka::code_ok) co_return net::kafka::broker_error(one.error, "OffsetFetch");
    if (one.offset < 0) continue;
    known[{one.topic, one.id}] = &one;
    group_is_known = group_is_known || one.topic == names_.topic;
  }
  std::vector<OffsetCommitRequest::Partition> first;
  std::vector<std::pair<TopicPartition, PartitionWork>> made;
  for (const TopicPartition& one : *partitions) {
    if (const auto at = known.find(one); at != known.end()) {
      made.emplace_back(one, PartitionWork(at->second->offset, at->second->metadata));
      continue;
    }
    // A group begins where it says; a partition that came later is the group's from its beginning.
    const bool latest = one.topic == names_.topic && !group_is_known && !options_.earliest;
    Result<std::int64_t> offset =
        co_await client_.cluster->list_offset(one, latest ? net::kafka::latest_offset : net::kafka::earliest_offset);
    if (!offset.ok()) co_return std::move(offset).error();
    first.push_back({one.topic, one.partition, *offset, {}});
    made.emplace_back(one, PartitionWork(*offset, {}));
  }
  if (!first.empty()) {
    // So that what is published while nobody is there is the group's.
    Result<void> done = co_await member_->commit(std::move(first));
    if (!done.ok()) co_return done;
  }
  for (auto& [of, work] : made) {
    if (!member_->owns(of)) continue;  // it went on to another meanwhile
    Part fresh{std::move(work)};
    fresh.committed = fresh.work.version();
    fresh.serial = next_serial_++;
    parts_.insert_or_assign(of, std::move(fresh));
  }
  co_return Result<void>();
}

// Handlers end first: a partition is nobody else's as long as we have not said that we let go of it.
Task<> Work::on_revoked(std::vector<TopicPartition> partitions) {
  const std::shared_ptr<Work> self = shared_from_this();
  std::vector<Handed> leaving;
  for (const TopicPartition& one : partitions) {
    Part* mine = part(one);
    if (mine == nullptr) continue;
    mine->leaving = true;
    leaving.push_back({one, 0, mine->serial});
  }
  const auto still = [this](const Handed& one) {
    const Part* mine = part(one);
    return mine != nullptr && mine->leaving ? mine : nullptr;
  };
  while (!stopped_ && std::any_of(leaving.begin(), leaving.end(), [&](const Handed& one) {
    const Part* mine = still(one);
    return mine != nullptr && mine->work.in_hand() > 0;
  })) {
    changed_.reset();
    Result<void> waited = co_await changed_.wait();
    if (!waited.ok()) break;
  }
  std::erase_if(leaving, [&](const Handed& one) { return still(one) == nullptr; });
  Result<void> done = co_await committed(leaving);
  (void)done;  // else it is done once more elsewhere
  for (const Handed& one : leaving) {
    if (still(one) != nullptr) parts_.erase(one.of);
  }
}

void Work::on_kept(const std::vector<TopicPartition>& partitions) {
  for (const TopicPartition& one : partitions) {
    if (Part* mine = part(one)) mine->leaving = false;
  }
  wake();
  member_->poke();
}

void Work::on_lost() {
  ++losses_;
  parts_.clear();
  handed_.clear();
  wake();
}

Work::Part* Work::part(const TopicPartition& of) {
  const auto at = parts_.find(of);
  return at == parts_.end() ? nullptr : &at->second;
}

Work::Part* Work::part(const Handed& handed) {
  Part* out = part(handed.of);
  return out == nullptr || out->serial != handed.serial ? nullptr : out;
}

void Work::wanted(std::vector<Wanted>& out) {
  const std::size_t share = std::clamp(max_bytes / std::max<std::size_t>(parts_.size(), 1), least_part_bytes, most_part_bytes);
  for (auto& [of, mine] : parts_) {
    if (mine.leaving || mine.work.bytes() >= share || mine.work.size() >= max_part_entries) continue;
    out.push_back({of, mine.work.next_offset()});
  }
}

void Work::on_fetched(const TopicPartition& of, std::int64_t offset, net::kafka::Fetched fetched) {
  Part* mine = part(of);
  if (mine == nullptr || mine->work.next_offset() != offset) return;
  take_records(*mine, of, std::move(fetched));
  arrived_.set();
}

void Work::take_records(Part& mine, const TopicPartition& of, net::kafka::Fetched fetched) {
  const WallTime now = clock_.wall();
  if (fetched.log_start > 0) mine.work.drop_before(fetched.log_start);
  for (Record& record : fetched.data.records) {
    const std::int64_t offset = record.offset;
    if (const std::string* removed = header_of(record, removed_header)) {
      std::string_view list(*removed);
      while (!list.empty()) {
        const std::size_t comma = list.find(',');
        if (const auto gone = number_of(list.substr(0, comma))) mine.work.drop(static_cast<std::int64_t>(*gone));
        list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
      }
      mine.work.read_to(offset + 1);
      continue;
    }
    const std::string* group = header_of(record, for_group_header);
    if (group != nullptr && *group != options_.group) {
      mine.work.read_to(offset + 1);
      continue;
    }
    mine.work.add(incoming_of(options_.pattern.text(), of.partition, std::move(record)), now);
  }
  if (fetched.data.next_offset > mine.work.next_offset()) mine.work.read_to(fetched.data.next_offset);
}

void Work::on_out_of_range(const TopicPartition& of, std::int64_t) {
  if (Part* mine = part(of)) spawn(reset(shared_from_this(), of, mine->serial), [](const std::exception_ptr&) {});
}

// The broker has deleted it (retention, a purge), or the log is shorter than it was.
Task<> Work::reset(std::shared_ptr<Work> self, TopicPartition of, std::uint64_t serial) {
  Result<std::int64_t> start = co_await self->client_.cluster->list_offset(of, net::kafka::earliest_offset);
  Result<std::int64_t> end = co_await self->client_.cluster->list_offset(of, net::kafka::latest_offset);
  Part* mine = self->part(Handed{of, 0, serial});
  if (mine == nullptr || !start.ok() || !end.ok()) co_return;
  if (mine->work.next_offset() < *start) mine->work.drop_before(*start);
  else if (mine->work.next_offset() > *end) mine->work.seek(*end);
  self->member_->poke();
}

void Work::on_fetch_failed(const TopicPartition&, const Error& why) {
  if (why.kind() == ErrorKind::permission_denied) on_failed(why);
}

Task<Result<std::vector<worker_loop::WorkItem>>> Work::pull(std::uint32_t max) {
  using Items = Result<std::vector<worker_loop::WorkItem>>;
  const std::shared_ptr<Work> self = shared_from_this();
  for (;;) {
    arrived_.reset();
    if (failed_) co_return Items(*failed_);
    std::vector<worker_loop::WorkItem> items;
    std::optional<WallTime> due;
    const WallTime now = clock_.wall();
    std::vector<std::pair<const TopicPartition*, Part*>> mine;
    for (auto& [of, one] : parts_) {
      if (!one.leaving) mine.emplace_back(&of, &one);
    }
    // One of each in turn, so that none waits for another's backlog.
    for (std::size_t empty = 0; items.size() < max && empty < mine.size(); ++turn_) {
      const auto& [of, from] = mine[turn_ % mine.size()];
      const std::optional<PartitionWork::Given> given = from->work.take(now, options_.ordered);
      if (!given) {
        ++empty;
        continue;
      }
      empty = 0;
      worker_loop::WorkItem& item = items.emplace_back();
      item.id = next_id_++;
      handed_.emplace(item.id, Handed{*of, given->offset, from->serial});
      const Incoming& record = *given->record;
      item.position = record.position;
      item.name = record.message.topic;
      item.payload = record.message.payload;
      item.has_key = record.message.key.has_value();
      if (item.has_key) item.key = *record.message.key;
      item.headers = record.message.headers;
      item.delivery_count = given->delivery;
      item.tries = record.counts.tries;
      item.failures = record.counts.failures;
      item.first_error = record.counts.first_error;
      item.enqueued = record.published;
    }
    member_->poke();
    if (!items.empty()) {
      due_.stop();
      commit_soon();
      co_return Items(std::move(items));
    }
    for (const auto& [of, one] : mine) {
      const std::optional<WallTime> next = one->work.next_due();
      if (next && (!due || *next < *due)) due = next;
    }
    if (due) due_.start(std::max<Duration>(*due - now, std::chrono::milliseconds(1)));
    else due_.stop();
    Result<void> waited = co_await arrived_.wait();
    if (!waited.ok()) {
      due_.stop();
      co_return Items(std::move(waited).error());
    }
  }
}

bool Work::comes_by_retry_topic(const Incoming& original, const worker_loop::Settlement& settlement) const {
  if (settlement.kind != worker_loop::Settlement::Kind::again || settlement.after <= Duration::zero()) return false;
  return !(options_.ordered && original.message.key);  // its key waits for it here
}

std::optional<net::kafka::OutRecord> Work::copy_of(const Incoming& original, const worker_loop::Settlement& settlement) const {
  const WallTime now = clock_.wall();
  if (settlement.kind == worker_loop::Settlement::Kind::dead_letter) {
    if (names_.dead_letter.empty()) return std::nullopt;
    const GivenUp given_up = given_up_of(options_.group, settlement);
    return to_record(names_.dead_letter, dead_letter_of(original.message, {}, given_up, now), millis_of(now));
  }
  if (!comes_by_retry_topic(original, settlement)) return std::nullopt;
  Message message = original.message;
  const auto add = [&message](std::string_view name, std::string value) { message.headers.emplace_back(name, std::move(value)); };
  add(topic_header, original.message.topic);
  add(position_header, std::to_string(original.position));
  add(time_header_ms, std::to_string(millis_of(original.published)));
  // Up to the next millisecond: never before its time.
  add(due_header, std::to_string(millis_of(now + settlement.after + std::chrono::nanoseconds(999'999))));
  add(tries_header, std::to_string(settlement.tries));
  add(failures_header, std::to_string(settlement.failures));
  add(deliveries_header, std::to_string(settlement.delivery_count));
  if (!settlement.first_error.empty()) add(error_header_own, settlement.first_error);
  return to_record(names_.retry_topic, std::move(message), millis_of(now));
}

// Of what is still ours.
bool Work::apply(const Handed& handed, const worker_loop::Settlement& settlement) {
  using Kind = worker_loop::Settlement::Kind;
  Part* mine = part(handed);
  const Incoming* original = mine == nullptr ? nullptr : mine->work.find(handed.offset);
  if (original == nullptr) return false;
  Counts counts;
  counts.deliveries = settlement.delivery_count;
  counts.tries = settlement.tries;
  counts.failures = settlement.failures;
  counts.first_error = settlement.first_error;
  std::optional<WallTime> due;
  if (settlement.after > Duration::zero()) due = clock_.wall() + settlement.after;
  switch (settlement.kind) {
    case Kind::ack:
      if (!mine->work.finish(handed.offset)) return false;
      ++counts_.acked;
      return true;
    case Kind::dead_letter:
      if (!mine->work.finish(handed.offset)) return false;
      ++(names_.dead_letter.empty() ? counts_.dropped : counts_.dead_lettered);
      return true;
    case Kind::again:
      if (comes_by_retry_topic(*original, settlement)) return mine->work.finish(handed.offset);
      return mine->work.again(handed.offset, std::move(counts), due);
    case Kind::hand_back: return mine->work.again(handed.offset, std::move(counts), due);
    case Kind::keep:
      // Of the one that is being tried it is the next delivery that counts.
      return mine->work.keep(handed.offset, std::move(counts));
  }
  return false;
}

Task<Result<std::vector<std::uint64_t>>> Work::settle(std::vector<worker_loop::Settlement> settlements) {
  using Ids = Result<std::vector<std::uint64_t>>;
  const std::shared_ptr<Work> self = shared_from_this();
  std::vector<net::kafka::OutRecord> copies;
  for (const worker_loop::Settlement& one : settlements) {
    const auto at = handed_.find(one.id);
    Part* mine = at == handed_.end() ? nullptr : part(at->second);
    const Incoming* original = mine == nullptr ? nullptr : mine->work.find(at->second.offset);
    if (original == nullptr) continue;
    if (std::optional<net::kafka::OutRecord> copy = copy_of(*original, one)) copies.push_back(std::move(*copy));
  }
  if (!copies.empty()) {
    // Confirmed there before the original goes.
    Result<std::vector<net::kafka::Produced>> sent = co_await client_.producer->send(std::move(copies));
    if (!sent.ok()) co_return Ids(std::move(sent).error());
  }
  std::vector<std::uint64_t> not_ours;
  std::vector<Handed> settled;
  for (const worker_loop::Settlement& one : settlements) {
    const auto at = handed_.find(one.id);
    if (at == handed_.end() || !apply(at->second, one)) {
      not_ours.push_back(one.id);
      if (at != handed_.end()) handed_.erase(at);
      continue;
    }
    settled.push_back(at->second);
    if (one.kind != worker_loop::Settlement::Kind::keep) handed_.erase(at);
  }
  wake();
  if (settled.empty()) co_return Ids(std::move(not_ours));
  const std::uint64_t losses = losses_;
  Result<void> done = co_await committed(std::move(settled));
  if (losses != losses_) {
    // The group has gone on without us before it was committed.
    not_ours.clear();
    for (const worker_loop::Settlement& one : settlements) not_ours.push_back(one.id);
  }
  if (!done.ok() && done.error().kind() != ErrorKind::conflict) co_return Ids(std::move(done).error());
  co_return Ids(std::move(not_ours));
}

std::vector<std::uint64_t> Work::lost(std::span<const std::uint64_t> ids) {
  std::vector<std::uint64_t> out;
  for (const std::uint64_t id : ids) {
    const auto at = handed_.find(id);
    const auto mine = at == handed_.end() ? parts_.end() : parts_.find(at->second.of);
    const bool here =
        mine != parts_.end() && mine->second.serial == at->second.serial && mine->second.work.find(at->second.offset) != nullptr;
    if (here) continue;
    out.push_back(id);
    handed_.erase(id);
  }
  return out;
}

void Work::commit_soon() {
  if (committing_ || stopped_) return;
  committing_ = true;
  spawn(commit_all(shared_from_this()), [](const std::exception_ptr&) {});
}

// One commit at a time; what changes meanwhile is the next one.
Task<> Work::commit_all(std::shared_ptr<Work> self) {
  net::kafka::Backoff backoff(self->loop_);
  while (!self->stopped_) {
    std::vector<OffsetCommitRequest::Partition> partitions;
    std::vector<std::pair<Handed, std::uint64_t>> versions;
    for (const auto& [of, mine] : self->parts_) {
      if (mine.work.version() == mine.committed) continue;
      OffsetCommitRequest::Partition& one = partitions.emplace_back();
      one.topic = of.topic;
      one.id = of.partition;
      one.offset = mine.work.commit_offset();
      one.metadata = mine.work.note();
      versions.emplace_back(Handed{of, 0, mine.serial}, mine.work.version());
    }
    if (partitions.empty()) break;
    Result<void> done = co_await self->member_->commit(std::move(partitions));
    if (done.ok()) {
      backoff.reset();
      for (const auto& [of, version] : versions) {
        if (Part* mine = self->part(of)) mine->committed = std::max(mine->committed, version);
      }
      self->changed_.set();
      continue;
    }
    if (done.error().retry() != RetryClass::temporary) break;  // not ours: the heartbeat says so as well
    Result<void> slept = co_await backoff.wait();
    if (!slept.ok()) break;
  }
  self->committing_ = false;
  self->changed_.set();
}

Task<Result<void>> Work::committed(std::vector<Handed> what) {
  const std::shared_ptr<Work> self = shared_from_this();
  std::map<TopicPartition, std::pair<std::uint64_t, std::uint64_t>> versions;  // serial, version
  for (const Handed& one : what) {
    if (const Part* mine = part(one)) versions[one.of] = {one.serial, mine->work.version()};
  }
  const Instant until = loop_.now() + commit_limit;
  for (;;) {
    bool all = true;
    for (const auto& [of, wanted_version] : versions) {
      const Part* mine = part(Handed{of, 0, wanted_version.first});
      all = all && (mine == nullptr || mine->committed >= wanted_version.second);
    }
    if (all || stopped_) co_return Result<void>();
    if (loop_.now() >= until)
      co_return Error(ErrorKind::unavailable, "the commit was not confirmed in time").with_retry(RetryClass::permanent);
    changed_.reset();
    commit_soon();
    Task<Result<void>> wait = net::with_deadline(loop_, seconds(1), changed_.wait());
    Result<void> waited = co_await std::move(wait);
    if (!waited.ok() && waited.error().kind() == ErrorKind::cancelled) co_return waited;
  }
}

Task<Result<void>> Work::flush() {
  std::vector<Handed> all;
  for (const auto& [of, mine] : parts_) all.push_back({of, 0, mine.serial});
  Result<void> done = co_await committed(std::move(all));
  co_return done;
}

std::vector<std::int32_t> Work::partitions() const {
  std::vector<std::int32_t> out;
  for (const auto& [of, mine] : parts_) {
    if (of.topic == names_.topic && !mine.leaving) out.push_back(of.partition);
  }
  return out;
}

Task<Result<void>> Work::seek(std::map<std::int32_t, std::int64_t> targets) {
  for (auto& [of, mine] : parts_) {
    if (of.topic == names_.topic) {
      if (const auto target = targets.find(of.partition); target != targets.end()) mine.work.seek(target->second);
      continue;
    }
    // The old retries of what comes again are forgotten.
    for (const std::int64_t offset : mine.work.offsets()) {
      const Incoming* waits = mine.work.find(offset);
      const auto target = targets.find(partition_in(waits->position));
      if (target != targets.end() && offset_in(waits->position) >= target->second) mine.work.drop(offset);
    }
  }
  wake();
  member_->poke();
  Result<void> done = co_await flush();
  co_return done;
}

Task<Result<void>> Work::close() {
  const std::shared_ptr<Work> self = shared_from_this();
  member_->stop_reading();
  for (auto& [of, mine] : parts_) mine.leaving = true;
  Task<Result<void>> commit = net::with_deadline(loop_, seconds(5), flush());
  Result<void> done = co_await std::move(commit);
  stopped_ = true;
  co_await member_->leave();
  parts_.clear();
  wake();
  co_return done;
}

void Work::abandon() {
  stopped_ = true;
  due_.stop();
  member_->stop_reading();
  member_->abandon();
  parts_.clear();
  wake();
}

}  // namespace spikard::messaging::kafka
