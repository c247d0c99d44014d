#include "messaging/amqp/subscription.hpp"

#include <algorithm>
#include <functional>

namespace spikard::messaging::amqp {
namespace {

constexpr std::uint32_t max_batch = 512;  // given to the worker loop at once

/// Of our ids only: others may use one twice.
std::uint64_t hash_of(std::string_view id) {
  if (!id.starts_with("spk-")) return 0;
  const std::uint64_t hash = std::hash<std::string_view>()(id);
  return hash == 0 ? 1 : hash;
}

std::int64_t millis_of(WallTime time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

/// The same message once more, to `queue`, which remembers `record`.
Result<Outgoing> copy_of(const Received& received, std::string payload, const std::string& queue, const Record& record,
                         std::int64_t due_ms = 0) {
  Outgoing out;
  out.routing_key = queue;
  out.mandatory = true;
  out.message_id = received.id;
  Extras extras;
  extras.id = received.id;
  extras.for_group = received.for_group;
  extras.with_topic = true;
  extras.due_ms = due_ms;
  extras.record = record;
  extras.time = received.time;
  Result<std::string> properties = properties_for(received.message, extras);
  if (!properties.ok()) return std::move(properties).error();
  out.properties = std::move(*properties);
  out.payload = std::move(payload);
  return out;
}

}  // namespace

void AmqpSubscription::Done::remember() {
  // A connection may break again before what was done on the one before has come back.
  if (known_.size() > ring_.size()) known_.clear();
  for (const std::uint64_t hash : ring_) {
    if (hash != 0) known_.insert(hash);
  }
  ring_.fill(0);
}

AmqpSubscription::AmqpSubscription(net::Loop& loop, std::shared_ptr<AmqpBackend> backend, SubscribeOptions options)
    : loop_(loop),
      backend_(std::move(backend)),
      options_(std::move(options)),
      queue_(group_queue(backend_->options_.name, options_.group, options_.pattern.text())),
      arrived_(loop),
      returned_(std::make_shared<net::Event>(loop)) {
  consume();
}

AmqpSubscription::~AmqpSubscription() {
  feed_->listen(nullptr);
  if (consuming_) backend_->wire_->consumer().end(consumer_);
}

void AmqpSubscription::consume() {
  feed_ = std::make_shared<Feed>(loop_);
  feed_->listen(&arrived_);
  const auto prefetch = static_cast<std::uint16_t>(std::clamp<std::uint32_t>(options_.max_in_flight, 1, UINT16_MAX));
  consumer_ = backend_->wire_->consumer().consume(feed_, queue_, prefetch, !options_.ordered);
  session_ = 0;
  consuming_ = true;
  ended_.reset();
}

/// What the session before gave out has gone back to the queue.
void AmqpSubscription::lose() {
  buffer_.clear();
  if (return_ != nullptr) return_->buffer.clear();
  if (held_.empty() && stale_.empty()) return done_.remember();
  stale_.clear();
  for (const auto& [id, one] : held_) {
    if (one.id_hash != 0) stale_.emplace(one.id_hash, id);
  }
  held_.clear();
  done_.remember();
}

void AmqpSubscription::absorb() {
  for (Feed::Item& item : feed_->take()) {
    switch (item.kind) {
      case Feed::Item::Kind::message:
        if (item.session == session_) (return_ != nullptr ? return_->buffer : buffer_).push_back(std::move(item.message));
        break;
      case Feed::Item::Kind::begun:
        lose();
        session_ = item.session;
        break;
      case Feed::Item::Kind::ended:
        lose();
        session_ = 0;
        consuming_ = false;
        ended_ = std::move(item.error);
        break;
    }
  }
}

Task<Result<std::vector<worker_loop::WorkItem>>> AmqpSubscription::pull(std::uint32_t max) {
  using Items = Result<std::vector<worker_loop::WorkItem>>;
  for (;;) {
    arrived_.reset();
    absorb();
    if (!consuming_) {
      // The queue was deleted, or its server is not there.
      Result<void> made = co_await backend_->make_group(loop_, options_);
      if (!made.ok()) co_return Items(std::move(made).error());
      const std::optional<Error> why = std::exchange(ended_, std::nullopt);
      consume();
      // Not at once for ever.
      if (why && why->kind() != ErrorKind::not_found) co_return Items(*why);
    }
    if (!buffer_.empty()) {
      Items items = co_await deliver(max);
      if (!items.ok() || !items->empty()) co_return items;
      continue;
    }
    Result<void> waited = co_await arrived_.wait();
    if (!waited.ok()) {
      retire();
      co_return Items(std::move(waited).error());
    }
  }
}

Task<Result<std::vector<worker_loop::WorkItem>>> AmqpSubscription::deliver(std::uint32_t max) {
  using Items = Result<std::vector<worker_loop::WorkItem>>;
  const std::size_t count = std::min<std::size_t>({buffer_.size(), max, max_batch});
  std::vector<worker_loop::WorkItem> items;
  std::vector<Settling> unseen;
  std::optional<Received> early;
  for (std::size_t i = 0; i < count; ++i) {
    Incoming incoming = std::move(buffer_.front());
    buffer_.pop_front();
    Result<Received> received = received_of(incoming, false);
    if (!received.ok()) {
      unseen.push_back({incoming.tag, true});  // nobody can ever read it
      backend_->dropped_.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    Message& message = received->message;
    const std::uint64_t hash = hash_of(received->id);
    if ((!received->for_group.empty() && received->for_group != options_.group) || !options_.pattern.matches(message.topic) ||
        (incoming.redelivered && done_.take(hash))) {
      unseen.push_back({incoming.tag, true});
      continue;
    }
    if (received->due_ms > millis_of(RealClock().wall())) {
      if (items.empty()) early.emplace(std::move(*received));
      buffer_.push_front(std::move(incoming));
      break;
    }
    worker_loop::WorkItem& item = items.emplace_back();
    // One that comes again while its handler runs is the same to the worker loop, which ends that one.
    const auto before = stale_.find(hash);
    item.id = before != stale_.end() ? before->second : next_id_++;
    if (before != stale_.end()) stale_.erase(before);
    item.name = std::move(message.topic);
    item.payload = incoming.payload;
    if (message.key) {
      item.key = std::move(*message.key);
      item.has_key = true;
    }
    item.headers = std::move(message.headers);
    item.enqueued = received->time;
    item.tries = received->record.tries + received->returned;
    item.delivery_count = received->record.deliveries + received->returned + 1;
    item.failures = received->record.failures;
    item.first_error = std::move(received->record.first_error);
    Held held;
    held.message = std::move(incoming);
    held.id_hash = hash;
    held_.insert_or_assign(item.id, std::move(held));
  }
  if (!unseen.empty()) backend_->wire_->consumer().settle(consumer_, session_, std::move(unseen));
  if (early) {
    Result<void> put_off = co_await wait_longer(&*early);
    if (!put_off.ok()) co_return Items(std::move(put_off).error());
  }
  co_return Items(std::move(items));
}

/// The first of the buffer, whose wait was longer than a queue can be: into the next one.
Task<Result<void>> AmqpSubscription::wait_longer(const Received* received) {
  const Duration left = std::chrono::milliseconds(received->due_ms - millis_of(RealClock().wall()));
  const std::uint64_t step = step_of(left);
  const std::uint64_t tag = buffer_.front().tag;
  const std::uint64_t session = session_;
  Record record = received->record;
  record.tries += received->returned;
  record.deliveries += received->returned;
  Result<Outgoing> copy = copy_of(*received, buffer_.front().payload, queue_, record, received->due_ms);
  if (!copy.ok()) co_return std::move(copy).error();
  copy->exchange = delay_name(backend_->options_.name, step);
  Result<void> made = co_await backend_->make_delay(loop_, step);
  if (!made.ok()) co_return made;
  std::vector<Outgoing> one;
  one.push_back(std::move(*copy));
  Result<void> confirmed = co_await backend_->wire_->publisher().publish(loop_, std::move(one));
  if (!confirmed.ok()) co_return confirmed;
  if (session_ == session && !buffer_.empty() && buffer_.front().tag == tag) buffer_.pop_front();
  std::vector<Settling> done{{tag, true}};
  backend_->wire_->consumer().settle(consumer_, session, std::move(done));
  co_return Result<void>();
}

void AmqpSubscription::retire() {
  absorb();
  if (!consuming_ || return_ != nullptr) return;
  auto what = return_ = std::make_shared<Return>();
  what->backend = backend_;
  what->loop = &loop_;
  what->feed = feed_;
  what->queue = queue_;
  what->consumer = consumer_;
  what->session = session_;
  what->ordered = options_.ordered;
  what->buffer = std::exchange(buffer_, {});
  ++*returning_;
  returned_->reset();
  spawn(give_back(std::move(what)), [returning = returning_, returned = std::weak_ptr(returned_)](
                                        const std::exception_ptr&, const std::optional<Result<void>>&) {
    --*returning;
    if (const auto still = returned.lock(); still != nullptr && *returning == 0) still->set();
  });
}

Task<Result<void>> AmqpSubscription::give_back(std::shared_ptr<Return> what) {
  Connection& consumer = what->backend->wire_->consumer();
  Result<void> paused = co_await consumer.pause(*what->loop, what->consumer);
  if (!paused.ok()) co_return paused;
  // What came until then. Where a new session has begun it has gone back already, and counts as tried.
  for (Feed::Item& item : what->feed->take()) {
    if (item.kind != Feed::Item::Kind::message) co_return Result<void>();
    if (item.session == what->session) what->buffer.push_back(std::move(item.message));
  }
  std::vector<Outgoing> copies;
  std::vector<Settling> settlings;
  for (Incoming& one : what->buffer) {
    const std::uint64_t tag = one.tag;
    Result<Received> received = received_of(one, false);
    if (what->ordered || !received.ok()) {
      settlings.push_back({tag, false});  // back to its place in the order
      continue;
    }
    Record record = received->record;
    record.tries += received->returned;
    record.deliveries += received->returned;  // nobody has seen it
    Result<Outgoing> copy = copy_of(*received, std::move(one.payload), what->queue, record);
    if (!copy.ok()) co_return std::move(copy).error();
    copies.push_back(std::move(*copy));
    settlings.push_back({tag, true});
  }
  Result<void> confirmed = co_await what->backend->wire_->publisher().publish(*what->loop, std::move(copies));
  if (!confirmed.ok()) co_return confirmed;
  consumer.settle(what->consumer, what->session, std::move(settlings));
  co_return Result<void>();
}

bool AmqpSubscription::by_nack(const worker_loop::Settlement& one) const noexcept {
  using Kind = worker_loop::Settlement::Kind;
  if (one.kind == Kind::hand_back) return options_.ordered;
  return one.kind == Kind::again && one.failures == 0 && one.first_error.empty() && one.after <= Duration::zero();
}

Result<Outgoing> AmqpSubscription::dead_letter(const worker_loop::Settlement& settlement, Incoming original) {
  Result<Received> received = received_of(original);
  if (!received.ok()) return std::move(received).error();
  const Message letter =
      dead_letter_of(received->message, options_.dead_letter, given_up_of(options_.group, settlement), loop_.clock().wall());
  Outgoing out;
  out.exchange = dead_exchange(backend_->options_.name);
  out.routing_key = routing_key(options_.dead_letter);
  out.mandatory = true;
  out.message_id = backend_->next_id();
  Extras extras;
  extras.id = out.message_id;
  extras.queue = queue_;
  extras.position = backend_->next_position();
  extras.time = RealClock().wall();
  Result<std::string> properties = properties_for(letter, extras);
  if (!properties.ok()) return std::move(properties).error();
  out.properties = std::move(*properties);
  out.payload = std::move(received->message.payload);
  return out;
}

Task<Result<std::vector<Outgoing>>> AmqpSubscription::prepare(const std::vector<worker_loop::Settlement>* settlements) {
  using Kind = worker_loop::Settlement::Kind;
  using Out = Result<std::vector<Outgoing>>;
  std::vector<Outgoing> out;
  for (const worker_loop::Settlement& one : *settlements) {
    const auto held = held_.find(one.id);
    if (held == held_.end() || one.kind == Kind::ack || one.kind == Kind::keep || by_nack(one)) continue;
    Incoming original = held->second.message;
    if (one.kind == Kind::dead_letter) {
      if (options_.dead_letter.empty()) continue;
      Result<Outgoing> letter = dead_letter(one, std::move(original));
      if (!letter.ok()) co_return Out(std::move(letter).error());
      out.push_back(std::move(*letter));
      continue;
    }
    Result<Received> received = received_of(original, false);
    if (!received.ok()) co_return Out(std::move(received).error());
    const Duration after = one.kind == Kind::again ? one.after : Duration::zero();
    std::int64_t due_ms = 0;
    if (after > std::chrono::milliseconds(max_step_ms))
      due_ms = millis_of(RealClock().wall()) + std::chrono::duration_cast<std::chrono::milliseconds>(after).count() + 1;
    Result<Outgoing> copy = copy_of(*received, std::move(original.payload), queue_, Record::of(one), due_ms);
    if (!copy.ok()) co_return Out(std::move(copy).error());
    if (after > Duration::zero()) {
      const std::uint64_t step = step_of(after);
      Result<void> made = co_await backend_->make_delay(loop_, step);
      if (!made.ok()) co_return Out(std::move(made).error());
      copy->exchange = delay_name(backend_->options_.name, step);
    }
    out.push_back(std::move(*copy));
  }
  co_return Out(std::move(out));
}

Task<Result<void>> AmqpSubscription::publish(const std::vector<worker_loop::Settlement>* settlements) {
  for (bool again : {true, false}) {
    Result<std::vector<Outgoing>> before = co_await prepare(settlements);
    if (!before.ok()) co_return std::move(before).error();
    if (before->empty()) co_return Result<void>();
    Result<void> confirmed = co_await backend_->wire_->publisher().publish(loop_, std::move(*before));
    if (confirmed.ok() || confirmed.error().kind() != ErrorKind::not_found || !again) co_return confirmed;
    // Somebody has deleted a queue or an exchange: as it was at the beginning.
    backend_->forget_delays();
    Result<void> made = co_await backend_->make_group(loop_, options_);
    if (!made.ok()) co_return made;
  }
  co_return Result<void>();
}

Task<Result<std::vector<std::uint64_t>>> AmqpSubscription::settle(std::span<const worker_loop::Settlement> settlements) {
  using Ids = Result<std::vector<std::uint64_t>>;
  using Kind = worker_loop::Settlement::Kind;
  // What goes back must not come again to us.
  if (std::any_of(settlements.begin(), settlements.end(), [](const auto& one) { return one.kind == Kind::hand_back; })) {
    Result<void> returned = co_await retired();
    if (!returned.ok()) co_return Ids(std::move(returned).error());
  }
  absorb();
  const std::uint64_t consumer = consumer_;
  const std::uint64_t session = session_;
  std::vector<worker_loop::Settlement> ours;
  std::vector<std::uint64_t> not_ours;
  for (const worker_loop::Settlement& one : settlements) {
    if (held_.contains(one.id)) {
      ours.push_back(one);
      continue;
    }
    not_ours.push_back(one.id);
    // It comes again, and its work is done.
    const auto stale = std::find_if(stale_.begin(), stale_.end(), [&](const auto& entry) { return entry.second == one.id; });
    if (stale == stale_.end() || one.kind != Kind::ack) continue;
    done_.add_known(stale->first);
    stale_.erase(stale);
  }
  Result<void> published = co_await publish(&ours);
  if (!published.ok()) co_return Ids(std::move(published).error().with_retry(RetryClass::temporary));
  std::vector<Settling> settlings;
  std::uint64_t acked = 0;
  std::uint64_t dead = 0;
  for (const worker_loop::Settlement& one : ours) {
    if (one.kind == Kind::keep) continue;
    const auto held = held_.find(one.id);
    if (held == held_.end() || session_ != session || consumer_ != consumer) {
      not_ours.push_back(one.id);  // the session ended meanwhile
      continue;
    }
    settlings.push_back({held->second.message.tag, !by_nack(one)});
    if (one.kind == Kind::ack) {
      ++acked;
      done_.add(held->second.id_hash);
    }
    if (one.kind == Kind::dead_letter) ++dead;
    held_.erase(held);
  }
  if (!settlings.empty()) backend_->wire_->consumer().settle(consumer, session, std::move(settlings));
  backend_->acked_.fetch_add(acked, std::memory_order_relaxed);
  (options_.dead_letter.empty() ? backend_->dropped_ : backend_->dead_lettered_).fetch_add(dead, std::memory_order_relaxed);
  co_return Ids(std::move(not_ours));
}

Task<Result<std::vector<std::uint64_t>>> AmqpSubscription::extend(std::span<const std::uint64_t> ids) {
  absorb();
  std::vector<std::uint64_t> lost;
  for (const std::uint64_t id : ids) {
    if (!held_.contains(id)) lost.push_back(id);
  }
  co_return Result<std::vector<std::uint64_t>>(std::move(lost));
}

Task<Result<void>> AmqpSubscription::retired() {
  retire();
  while (*returning_ > 0) {
    Result<void> waited = co_await returned_->wait();
    if (!waited.ok()) co_return waited;
  }
  co_return Result<void>();
}

Task<Result<void>> AmqpSubscription::close() {
  Result<void> returned = co_await retired();
  if (!returned.ok()) co_return returned;
  if (!consuming_) co_return Result<void>();
  // Behind what was settled.
  Result<void> seen = co_await backend_->wire_->consumer().pause(loop_, consumer_);
  consuming_ = false;
  backend_->wire_->consumer().end(consumer_);
  co_return seen;
}

}  // namespace spikard::messaging::amqp
