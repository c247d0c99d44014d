#include "messaging/nats/subscription.hpp"

#include <algorithm>

#include "base/base64.hpp"
#include "base/json.hpp"

namespace spikard::messaging::nats {
namespace {

constexpr Duration pull_expires = std::chrono::seconds(30);
constexpr Duration pull_heartbeat = std::chrono::seconds(5);
constexpr std::size_t max_fetched = 64U << 10U;  // messages; a pull asks for no more than there is room for
constexpr std::size_t max_fetched_bytes = 512U << 20U;
constexpr std::uint32_t max_asked = 16U << 10U;
constexpr std::uint32_t max_batch = 512;  // given to the worker loop at once

}  // namespace

NatsSubscription::NatsSubscription(net::Loop& loop, std::shared_ptr<NatsBackend> backend, SubscribeOptions options,
                                   std::string consumer)
    : loop_(loop),
      backend_(std::move(backend)),
      options_(std::move(options)),
      id_(group_id(options_.group, options_.pattern.text())),
      consumer_(std::move(consumer)),
      arrived_(loop),
      timer_(loop,
             [this] {
               if (intake_) intake_->silent = true;
               arrived_.set();
             }),
      returned_(std::make_shared<net::Event>(loop)) {
  const std::lock_guard lock(backend_->mutex_);
  backend_->consumed_.insert(id_);
}

NatsSubscription::~NatsSubscription() {
  if (intake_) {
    intake_->feed->listen(nullptr);
    backend_->connection().unsubscribe(intake_->sid);
  }
  const std::lock_guard lock(backend_->mutex_);
  backend_->consumed_.erase(backend_->consumed_.find(id_));
}

void NatsSubscription::open_intake() {
  Intake& intake = intake_.emplace();
  intake.feed = std::make_shared<Feed>(loop_, max_fetched, max_fetched_bytes);
  intake.feed->listen(&arrived_);
  intake.inbox = backend_->connection().inbox();
  intake.sid = backend_->connection().subscribe(intake.feed, intake.inbox);
}

void NatsSubscription::absorb(Intake& intake) {
  for (Incoming& one : intake.feed->take()) {
    if (one.status == 0) {
      if (intake.outstanding > 0) --intake.outstanding;
      intake.buffer.push_back(std::move(one));
      continue;
    }
    if (one.status == 100) continue;
    // The end of a request: what it did not bring is to be asked for again.
    const std::string* missing = find_header(one.headers, "Nats-Pending-Messages");
    const std::uint64_t count = missing == nullptr ? intake.outstanding : std::strtoull(missing->c_str(), nullptr, 10);
    intake.outstanding -= std::min(intake.outstanding, count);
    if (one.status == 503 || (one.status == 409 && one.description.find("Deleted") != std::string::npos)) {
      intake.gone = true;
      intake.outstanding = 0;
    }
  }
}

void NatsSubscription::request(std::uint32_t max) {
  Intake& intake = *intake_;
  max = std::min(max, max_asked);
  // Few large requests rather than many small ones.
  if (intake.outstanding >= max || (intake.outstanding > 0 && (max - intake.outstanding) * 4 < options_.max_in_flight)) return;
  const auto batch = static_cast<std::uint32_t>(max - intake.outstanding);
  std::string pull;
  append_publish(pull, backend_->api("CONSUMER.MSG.NEXT." + backend_->options_.stream + "." + consumer_), intake.inbox, {},
                 pull_request(batch, pull_expires, pull_heartbeat));
  intake.outstanding += batch;
  backend_->connection().send(std::move(pull));
}

Task<Result<std::vector<worker_loop::WorkItem>>> NatsSubscription::pull(std::uint32_t max) {
  using Items = Result<std::vector<worker_loop::WorkItem>>;
  for (;;) {
    arrived_.reset();
    if (!intake_) open_intake();
    absorb(*intake_);
    if (intake_->gone) {
      Result<void> renewed = co_await renew();
      if (!renewed.ok()) {
        retire();
        co_return Items(std::move(renewed).error());
      }
      continue;
    }
    if (!intake_->buffer.empty()) {
      Items items = co_await deliver(max);
      if (!items.ok()) {
        if (items.error().kind() == ErrorKind::cancelled) retire();
        co_return items;
      }
      if (!items->empty()) co_return items;
      continue;
    }
    // Not a word, no heartbeat even: the request is lost.
    if (std::exchange(intake_->silent, false)) intake_->outstanding = 0;
    request(max);
    timer_.start(pull_heartbeat * 2 + std::chrono::seconds(1));
    Result<void> waited = co_await arrived_.wait();
    timer_.stop();
    if (!waited.ok()) {
      retire();
      co_return Items(std::move(waited).error());
    }
  }
}

Task<Result<NatsSubscription::Records>> NatsSubscription::records_of(NatsBackend* backend, net::Loop* loop,
                                                                     const std::string* consumer,
                                                                     const std::deque<Incoming>* messages, std::size_t count) {
  Records out(count);
  std::vector<Outgoing> asks;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < count; ++i) {
    const std::optional<Delivered> delivered = delivered_of((*messages)[i].reply);
    if (!delivered || delivered->count < 2) continue;
    places.push_back(i);
    asks.emplace_back(backend->api("STREAM.MSG.GET." + backend->state_stream_),
                      "{\"last_by_subj\":\"" + backend->record_subject(*consumer, delivered->sequence) + "\"}");
  }
  if (asks.empty()) co_return Result<Records>(std::move(out));
  Result<std::vector<Reply>> replies = co_await backend->connection().exchange(*loop, std::move(asks));
  if (!replies.ok()) co_return Result<Records>(std::move(replies).error());
  for (std::size_t i = 0; i < places.size(); ++i) {
    Result<Document> answer = answer_of((*replies)[i]);
    if (!answer.ok()) {
      if (answer.error().kind() == ErrorKind::not_found) continue;
      co_return Result<Records>(std::move(answer).error());
    }
    const Value message = answer->root().find("message");
    const Value data = message.is_object() ? message.find("data") : Value();
    const std::optional<std::string> text = data.is_string() ? base64::decode(data.text()) : std::nullopt;
    if (text) out[places[i]] = Record::parse(*text);
  }
  co_return Result<Records>(std::move(out));
}

Task<Result<std::vector<worker_loop::WorkItem>>> NatsSubscription::deliver(std::uint32_t max) {
  using Items = Result<std::vector<worker_loop::WorkItem>>;
  std::deque<Incoming>& buffer = intake_->buffer;
  const std::size_t count = std::min<std::size_t>({buffer.size(), max, max_batch});
  Result<Records> records = co_await records_of(backend_.get(), &loop_, &consumer_, &buffer, count);
  if (!records.ok()) co_return Items(std::move(records).error());
  std::vector<worker_loop::WorkItem> items;
  std::string unseen;
  const Instant until = loop_.now() + options_.ack_wait;
  for (std::size_t i = 0; i < count; ++i) {
    Incoming incoming = std::move(buffer.front());
    buffer.pop_front();
    const std::optional<Delivered> delivered = delivered_of(incoming.reply);
    if (!delivered) continue;
    Received received = received_of(backend_->options_.prefix, incoming.subject, std::move(incoming.headers), incoming.own,
                                    std::move(incoming.payload));
    Message& message = received.message;
    if ((!received.for_group.empty() && received.for_group != options_.group) || !options_.pattern.matches(message.topic)) {
      append_publish(unseen, incoming.reply, {}, {}, "+ACK");
      continue;
    }
    worker_loop::WorkItem& item = items.emplace_back();
    item.id = item.position = delivered->sequence;
    item.name = std::move(message.topic);
    item.payload = std::move(message.payload);
    if (message.key) {
      item.key = std::move(*message.key);
      item.has_key = true;
    }
    item.headers = std::move(message.headers);
    item.enqueued = delivered->published;
    count_tries(item, delivered->count, (*records)[i]);
    Held held;
    held.reply = std::move(incoming.reply);
    held.count = delivered->count;
    held.recorded = (*records)[i].has_value();
    held.until = until;
    held_.insert_or_assign(item.id, std::move(held));
  }
  if (!unseen.empty()) backend_->connection().send(std::move(unseen));
  co_return Items(std::move(items));
}

// Somebody moved the group to another place, or deleted it: what we hold counts no more.
Task<Result<void>> NatsSubscription::renew() {
  Result<std::string> consumer = co_await backend_->open_group(loop_, options_);
  if (!consumer.ok()) co_return std::move(consumer).error();
  if (*consumer != consumer_) {
    held_.clear();
    intake_->buffer.clear();
  }
  consumer_ = std::move(*consumer);
  intake_->gone = false;
  intake_->outstanding = 0;
  co_return Result<void>();
}

void NatsSubscription::retire() {
  if (!intake_) return;
  intake_->feed->listen(nullptr);
  auto what = std::make_shared<Return>();
  what->backend = backend_;
  what->consumer = consumer_;
  what->loop = &loop_;
  what->intake = std::move(*intake_);
  intake_.reset();
  ++*returning_;
  returned_->reset();
  spawn(give_back(std::move(what)), [returning = returning_, returned = std::weak_ptr(returned_)](
                                        const std::exception_ptr&, const std::optional<Result<void>>&) {
    --*returning;
    if (const auto still = returned.lock(); still != nullptr && *returning == 0) still->set();
  });
}

Task<Result<void>> NatsSubscription::give_back(std::shared_ptr<Return> what) {
  Connection& connection = what->backend->connection();
  connection.unsubscribe(what->intake.sid);
  Result<void> seen = co_await connection.confirm(*what->loop, {});
  if (!seen.ok()) co_return seen;
  absorb(what->intake);
  std::deque<Incoming>& buffer = what->intake.buffer;
  if (buffer.empty() || what->intake.gone) co_return Result<void>();
  Result<Records> records = co_await records_of(what->backend.get(), what->loop, &what->consumer, &buffer, buffer.size());
  if (!records.ok()) co_return std::move(records).error();
  std::vector<Outgoing> puts;
  std::string commands;
  for (std::size_t i = 0; i < buffer.size(); ++i) {
    const std::optional<Delivered> delivered = delivered_of(buffer[i].reply);
    if (!delivered) continue;
    worker_loop::WorkItem item;
    count_tries(item, delivered->count, (*records)[i]);
    Record record;
    record.tries = item.tries;
    record.deliveries = static_cast<std::int64_t>(item.delivery_count) - 1;  // nobody has seen it
    record.count = static_cast<std::int64_t>(delivered->count);
    record.failures = item.failures;
    record.first_error = item.first_error;
    puts.emplace_back(what->backend->record_subject(what->consumer, delivered->sequence), record.text());
    append_publish(commands, buffer[i].reply, {}, {}, "-NAK");
  }
  Result<std::vector<std::uint64_t>> put = co_await what->backend->store(*what->loop, std::move(puts));
  if (!put.ok()) co_return std::move(put).error();
  Result<void> done = co_await connection.confirm(*what->loop, std::move(commands));
  co_return done;
}

Task<Result<std::vector<Outgoing>>> NatsSubscription::prepare(const std::vector<worker_loop::Settlement>* settlements) {
  using Kind = worker_loop::Settlement::Kind;
  std::vector<Outgoing> out;
  std::vector<std::uint64_t> dead;
  const WallTime now = loop_.clock().wall();
  const WallTime real = RealClock().wall();  // the server's waits are of real time
  for (const worker_loop::Settlement& one : *settlements) {
    const Held& held = held_.find(one.id)->second;
    if (one.kind == Kind::ack) continue;
    if (one.kind == Kind::dead_letter) {
      if (!options_.dead_letter.empty()) dead.push_back(one.id);
      continue;
    }
    const bool told = told_by_count(one) && one.after <= Duration::zero() && !held.recorded;
    if (!told) out.emplace_back(backend_->record_subject(consumer_, one.id), Record::of(one, held.count, real).text());
  }
  if (dead.empty()) co_return Result<std::vector<Outgoing>>(std::move(out));
  Result<std::vector<std::optional<NatsBackend::Stored>>> originals = co_await backend_->fetch(loop_, dead);
  if (!originals.ok()) co_return Result<std::vector<Outgoing>>(std::move(originals).error());
  for (std::size_t i = 0; i < dead.size(); ++i) {
    std::optional<NatsBackend::Stored>& original = (*originals)[i];
    if (!original) continue;  // it is gone: purged, or too old
    const auto at = std::find_if(settlements->begin(), settlements->end(), [&](const auto& one) { return one.id == dead[i]; });
    Received received = received_of(backend_->options_.prefix, original->subject, std::move(original->headers), original->own,
                                    std::move(original->payload));
    const Message letter = dead_letter_of(received.message, options_.dead_letter, given_up_of(options_.group, *at), now);
    // One that was sent and whose original was not settled is not sent twice.
    const std::string id = std::string(id_prefix) + "dead-" + consumer_ + "-" + std::to_string(dead[i]);
    HeaderExtras extras;
    extras.id = id;
    extras.dead = true;
    extras.keep = backend_->message_ttl_;
    out.push_back(backend_->outgoing(letter, extras));
  }
  co_return Result<std::vector<Outgoing>>(std::move(out));
}

Task<Result<std::vector<std::uint64_t>>> NatsSubscription::settle(std::span<const worker_loop::Settlement> settlements) {
  using Ids = Result<std::vector<std::uint64_t>>;
  using Kind = worker_loop::Settlement::Kind;
  std::vector<worker_loop::Settlement> ours;
  std::vector<std::uint64_t> not_ours;
  const Instant now = loop_.now();
  for (const worker_loop::Settlement& one : settlements) {
    const auto held = held_.find(one.id);
    // Work that is done is told, however late: it may spare others the same.
    const bool late = held != held_.end() && held->second.until <= now && one.kind != Kind::ack;
    if (held == held_.end() || late) {
      not_ours.push_back(one.id);
      if (late) held_.erase(held);
    } else {
      ours.push_back(one);
    }
  }
  Result<std::vector<Outgoing>> before = co_await prepare(&ours);
  if (!before.ok()) co_return Ids(std::move(before).error());
  if (!before->empty()) {
    Result<std::vector<std::uint64_t>> stored = co_await backend_->store(loop_, std::move(*before));
    if (!stored.ok()) co_return Ids(std::move(stored).error().with_retry(RetryClass::temporary));
  }
  std::string commands;
  std::string after;  // nobody waits for it
  std::uint64_t acked = 0;
  std::uint64_t dead = 0;
  for (const worker_loop::Settlement& one : ours) {
    const auto held = held_.find(one.id);
    if (held == held_.end()) continue;  // the group moved meanwhile
    const std::string& reply = held->second.reply;
    switch (one.kind) {
      case Kind::ack:
        append_publish(commands, reply, {}, {}, "+ACK");
        ++acked;
        break;
      case Kind::again:
      case Kind::hand_back: append_publish(commands, reply, {}, {}, nak(one.after)); break;
      case Kind::dead_letter:
        append_publish(commands, reply, {}, {}, "+TERM");
        ++dead;
        break;
      case Kind::keep: held->second.recorded = true; break;
    }
    if ((one.kind == Kind::ack || one.kind == Kind::dead_letter) && held->second.recorded) {
      append_publish(after, backend_->api("STREAM.PURGE." + backend_->state_stream_), {}, {},
                     "{\"filter\":\"" + backend_->record_subject(consumer_, one.id) + "\"}");
    }
  }
  if (!commands.empty()) {
    Result<void> done = co_await backend_->connection().confirm(loop_, std::move(commands));
    if (!done.ok()) co_return Ids(std::move(done).error());
  }
  if (!after.empty()) backend_->connection().send(std::move(after));
  for (const worker_loop::Settlement& one : ours) {
    if (one.kind != Kind::keep) held_.erase(one.id);
  }
  backend_->acked_.fetch_add(acked, std::memory_order_relaxed);
  (options_.dead_letter.empty() ? backend_->dropped_ : backend_->dead_lettered_).fetch_add(dead, std::memory_order_relaxed);
  co_return Ids(std::move(not_ours));
}

Task<Result<std::vector<std::uint64_t>>> NatsSubscription::extend(std::span<const std::uint64_t> ids) {
  using Ids = Result<std::vector<std::uint64_t>>;
  std::vector<std::uint64_t> lost;
  std::vector<std::uint64_t> kept;
  std::string commands;
  for (const std::uint64_t id : ids) {
    const auto held = held_.find(id);
    if (held == held_.end()) {
      lost.push_back(id);
      continue;
    }
    append_publish(commands, held->second.reply, {}, {}, "+WPI");
    kept.push_back(id);
  }
  if (commands.empty()) co_return Ids(std::move(lost));
  const Instant until = loop_.now() + options_.ack_wait;
  Result<void> done = co_await backend_->connection().confirm(loop_, std::move(commands));
  if (!done.ok()) co_return Ids(std::move(done).error());
  for (const std::uint64_t id : kept) {
    if (const auto held = held_.find(id); held != held_.end()) held->second.until = until;
  }
  co_return Ids(std::move(lost));
}

Task<Result<void>> NatsSubscription::close() {
  retire();
  while (*returning_ > 0) {
    Result<void> waited = co_await returned_->wait();
    if (!waited.ok()) co_return waited;
  }
  co_return Result<void>();
}

}  // namespace spikard::messaging::nats
