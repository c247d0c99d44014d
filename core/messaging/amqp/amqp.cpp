#include "messaging/amqp/amqp.hpp"

#include <algorithm>
#include <unordered_set>

#include "messaging/amqp/subscription.hpp"
#include "messaging/registry.hpp"
#include "net/signing/hash.hpp"

namespace spikard::messaging::amqp {
namespace {

constexpr std::size_t chunk = 256;  // messages that are looked at at a time
constexpr Duration lock_again = std::chrono::milliseconds(20);
constexpr std::string_view id_prefix = "spk-";

constexpr Capabilities amqp_capabilities{.at_least_once = true,
                                         .durable = true,
                                         .shared = true,
                                         .replay = false,
                                         .wildcards = true,
                                         .key_order = false,
                                         .positions = false,
                                         .batch_atomic = false,
                                         .dead_letters = true,
                                         .groups = false,
                                         .owns_delays = false,
                                         .confirms_at_once = false,
                                         .exact_deliveries = true,
                                         .headers = true,
                                         .recalls = false};

Error unsupported(std::string_view what) { return {ErrorKind::unsupported, "AMQP 0-9-1 has no " + std::string(what)}; }

template <class Put, class... Arguments>
Call call_of(MethodId expected, Put put, Arguments&&... arguments) {
  std::string frame;
  put(frame, std::uint16_t{0}, std::forward<Arguments>(arguments)...);
  return {expected, std::move(frame)};
}
Call exchange_call(std::string_view name, std::string_view type) {
  return call_of(MethodId::exchange_declare_ok, put_exchange_declare, name, type);
}
Call bind_call(std::string_view queue, std::string_view exchange, std::string_view key) {
  return call_of(MethodId::queue_bind_ok, put_queue_bind, queue, exchange, key);
}

WallTime time_of_position(std::uint64_t position) {
  return WallTime(std::chrono::microseconds(static_cast<std::int64_t>(position)));
}

/// Somebody else's message among the dead letters has no position: one that stays the same.
std::uint64_t position_of(const Received& letter) {
  if (letter.position != 0) return letter.position;
  constexpr std::uint64_t below = (1ULL << 50U) - 1;
  return (std::hash<std::string>()(letter.id + '\0' + letter.message.topic) & below) + 1;
}

}  // namespace

AmqpBackend::AmqpBackend(AmqpOptions options, std::unique_ptr<Wire> wire)
    : options_(std::move(options)),
      id_base_(std::string(id_prefix) + net::signing::hex(net::signing::random_bytes(8)) + "-"),
      wire_(std::move(wire)) {}

Result<std::shared_ptr<Backend>> AmqpBackend::open(AmqpOptions options) {
  Result<std::unique_ptr<Wire>> wire = Wire::open(options);
  if (!wire.ok()) return std::move(wire).error();
  std::shared_ptr<AmqpBackend> made(new AmqpBackend(std::move(options), std::move(*wire)));
  Result<void> prepared = made->wire_->run([backend = made.get()](net::Loop& loop) { return backend->prepare(&loop); });
  if (!prepared.ok()) return std::move(prepared).error();
  return std::shared_ptr<Backend>(std::move(made));
}

const Capabilities& AmqpBackend::capabilities() const noexcept { return amqp_capabilities; }

// ---- exchanges and queues ------------------------------------------------------------------------------------------

Task<Result<void>> AmqpBackend::prepare(net::Loop* loop) {
  const std::string dead = dead_exchange(options_.name);
  std::vector<Call> calls;
  calls.push_back(exchange_call(options_.name, "topic"));
  calls.push_back(exchange_call(dead, "topic"));
  // Who consumes a topic of dead letters gets them as well.
  calls.push_back(call_of(MethodId::exchange_bind_ok, put_exchange_bind, options_.name, dead, "#"));
  Result<void> made = co_await run(*loop, std::move(calls));
  co_return made;
}

Task<Result<void>> AmqpBackend::run(net::Loop& loop, std::vector<Call> calls) {
  Connection& connection = wire_->consumer();
  const std::uint64_t conversation = connection.converse();
  Result<std::vector<Reply>> replies = co_await connection.call(loop, conversation, std::move(calls));
  connection.hang_up(conversation);
  if (!replies.ok()) co_return std::move(replies).error();
  co_return Result<void>();
}

Call AmqpBackend::declare_queue(std::string_view queue, std::string arguments) const {
  QueueOptions options;
  options.arguments = std::move(arguments);
  put_entry(options.arguments, "x-queue-type", std::string_view("quorum"));
  if (options_.replicas != 0) put_entry(options.arguments, "x-quorum-initial-group-size", std::int64_t{options_.replicas});
  return call_of(MethodId::queue_declare_ok, put_queue_declare, queue, options);
}

Task<Result<void>> AmqpBackend::make_group(net::Loop& loop, SubscribeOptions options) {
  const std::string queue = group_queue(options_.name, options.group, options.pattern.text());
  std::string arguments;
  if (options.ordered) put_entry(arguments, "x-single-active-consumer", true);
  // From 4.0 on a message that came back 20 times is thrown away, unless told otherwise; before, there is no limit to lift.
  if (wire_->consumer().server_major() >= 4) put_entry(arguments, "x-delivery-limit", std::int64_t{-1});
  std::vector<Call> calls;
  calls.push_back(declare_queue(queue, std::move(arguments)));
  calls.push_back(bind_call(queue, options_.name, binding_key(options.pattern)));
  Result<void> made = co_await run(loop, std::move(calls));
  if (!made.ok() && made.error().kind() == ErrorKind::condition_failed) {
    // It is there, and was made otherwise: by a consumer that was (not) ordered, by an operator.
    QueueOptions passive;
    passive.passive = true;
    calls.clear();
    calls.push_back(call_of(MethodId::queue_declare_ok, put_queue_declare, queue, passive));
    calls.push_back(bind_call(queue, options_.name, binding_key(options.pattern)));
    made = co_await run(loop, std::move(calls));
  }
  if (!made.ok()) co_return std::move(made).error().with("group", options.group);
  if (options.dead_letter.empty()) co_return Result<void>();
  made = co_await make_dead_queue(loop, options.dead_letter);
  co_return made;
}

Task<Result<void>> AmqpBackend::make_dead_queue(net::Loop& loop, std::string topic) {
  const std::string queue = dead_queue(options_.name, topic);
  std::string arguments;
  if (wire_->consumer().server_major() >= 4) put_entry(arguments, "x-delivery-limit", std::int64_t{-1});
  std::vector<Call> calls;
  calls.push_back(declare_queue(queue, std::move(arguments)));
  calls.push_back(bind_call(queue, dead_exchange(options_.name), routing_key(topic)));
  Result<void> made = co_await run(loop, std::move(calls));
  if (!made.ok()) co_return std::move(made).error().with("dead_letter", topic);
  co_return Result<void>();
}

// Messages wait in a queue of their length of delay, and go by their routing key, which is the queue of their group.
Task<Result<void>> AmqpBackend::make_delay(net::Loop& loop, std::uint64_t step_ms) {
  {
    const std::lock_guard lock(mutex_);
    if (delays_.contains(step_ms)) co_return Result<void>();
  }
  const std::string name = delay_name(options_.name, step_ms);
  std::string arguments;
  put_entry(arguments, "x-message-ttl", static_cast<std::int64_t>(step_ms));
  put_entry(arguments, "x-dead-letter-exchange", std::string_view());
  // Without these the broker gives a message out of its hands before the next queue has it.
  put_entry(arguments, "x-dead-letter-strategy", std::string_view("at-least-once"));
  put_entry(arguments, "x-overflow", std::string_view("reject-publish"));
  std::vector<Call> calls;
  calls.push_back(exchange_call(name, "fanout"));
  calls.push_back(declare_queue(name, std::move(arguments)));
  calls.push_back(bind_call(name, name, ""));
  Result<void> made = co_await run(loop, std::move(calls));
  if (!made.ok()) co_return made;
  const std::lock_guard lock(mutex_);
  delays_.insert(step_ms);
  co_return Result<void>();
}

void AmqpBackend::forget_delays() {
  const std::lock_guard lock(mutex_);
  delays_.clear();
}

// ---- messages ------------------------------------------------------------------------------------------------------

std::string AmqpBackend::next_id() { return id_base_ + std::to_string(next_id_.fetch_add(1, std::memory_order_relaxed)); }

std::uint64_t AmqpBackend::next_position() {
  const auto now = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(RealClock().wall().time_since_epoch()).count());
  std::uint64_t last = last_position_.load(std::memory_order_relaxed);
  std::uint64_t next = 0;
  do next = std::max(last + 1, now);
  while (!last_position_.compare_exchange_weak(last, next, std::memory_order_relaxed));
  return next;
}

Task<Result<std::vector<std::uint64_t>>> AmqpBackend::publish(net::Caller caller, std::vector<Message> messages) {
  using Positions = Result<std::vector<std::uint64_t>>;
  std::vector<Outgoing> out;
  out.reserve(messages.size());
  const WallTime now = RealClock().wall();
  for (Message& one : messages) {
    Outgoing& message = out.emplace_back();
    message.exchange = options_.name;
    message.routing_key = routing_key(one.topic);
    message.message_id = next_id();
    message.mandatory = options_.mandatory;
    Extras extras;
    extras.id = message.message_id;
    extras.time = now;
    Result<std::string> properties = properties_for(one, extras);
    if (!properties.ok()) co_return Positions(std::move(properties).error());
    message.properties = std::move(*properties);
    message.payload = std::move(one.payload);
  }
  const std::size_t count = out.size();
  Result<void> confirmed = co_await wire_->publisher().publish(*caller.loop, std::move(out));
  if (!confirmed.ok()) co_return Positions(std::move(confirmed).error());
  published_.fetch_add(count, std::memory_order_relaxed);
  co_return Positions(std::vector<std::uint64_t>());
}

Task<Result<std::unique_ptr<messaging::Subscription>>> AmqpBackend::subscribe(net::Loop& loop, SubscribeOptions options) {
  using Made = Result<std::unique_ptr<messaging::Subscription>>;
  Result<void> group = co_await make_group(loop, options);
  if (!group.ok()) co_return Made(std::move(group).error());
  std::unique_ptr<messaging::Subscription> made =
      std::make_unique<AmqpSubscription>(loop, shared_from_this(), std::move(options));
  co_return Made(std::move(made));
}

// ---- looking through a queue ---------------------------------------------------------------------------------------

// What somebody else has in hand meanwhile would be missing: whoever looks holds a queue that one connection alone may have.
Task<Result<void>> AmqpBackend::lock(net::Loop* loop, std::string queue) {
  const Instant deadline = loop->clock().now() + options_.timeout;
  const std::string name = lock_queue(queue);
  for (;;) {
    bool first = false;
    {
      const std::lock_guard guard(mutex_);
      first = browsed_.insert(queue).second;
    }
    if (first) {
      QueueOptions exclusive;
      exclusive.exclusive = true;
      std::vector<Call> calls;
      calls.push_back(call_of(MethodId::queue_declare_ok, put_queue_declare, name, exclusive));
      Result<void> ours = co_await run(*loop, std::move(calls));
      if (ours.ok()) co_return ours;
      {
        const std::lock_guard guard(mutex_);
        browsed_.erase(queue);
      }
      if (ours.error().kind() != ErrorKind::conflict) co_return ours;
    }
    if (loop->clock().now() >= deadline) {
      co_return Error(ErrorKind::conflict, "somebody else looks through these dead letters all the time")
          .with("queue", queue)
          .with_retry(RetryClass::temporary);
    }
    Result<void> waited = co_await net::sleep(*loop, lock_again);
    if (!waited.ok()) co_return waited;
  }
}

Task<Result<void>> AmqpBackend::unlock(net::Loop* loop, std::string queue) {
  std::vector<Call> calls;
  calls.push_back(call_of(MethodId::queue_delete_ok, put_queue_delete, lock_queue(queue)));
  // Where this fails its connection is gone, and the queue with it.
  Result<void> done = co_await run(*loop, std::move(calls));
  const std::lock_guard guard(mutex_);
  browsed_.erase(queue);
  co_return done;
}

Task<Result<std::uint64_t>> AmqpBackend::browse(net::Loop& loop, std::string queue, bool with_payload, Look look) {
  using Count = Result<std::uint64_t>;
  Result<void> locked = co_await lock(&loop, queue);
  if (!locked.ok()) co_return Count(std::move(locked).error());
  struct Held {
    std::shared_ptr<AmqpBackend> backend;
    net::Loop* loop;
    const std::string* queue;
    ~Held() {
      if (backend == nullptr) return;
      Task<Result<void>> unlocking = backend->unlock(loop, *queue);
      spawn(std::move(unlocking), [backend = backend](const std::exception_ptr&, const std::optional<Result<void>>&) {});
    }
  } held{shared_from_this(), &loop, &queue};
  Task<Count> looking = browse_locked(&loop, &queue, with_payload, &look);
  Count count = co_await net::with_deadline(loop, options_.timeout * 3, std::move(looking));
  if (!count.ok() && count.error().kind() == ErrorKind::cancelled) co_return count;
  held.backend = nullptr;
  Result<void> unlocked = co_await unlock(&loop, queue);
  (void)unlocked;
  co_return count;
}

Task<Result<std::uint64_t>> AmqpBackend::browse_locked(net::Loop* loop, const std::string* queue, bool with_payload, Look* look) {
  using Count = Result<std::uint64_t>;
  Connection& connection = wire_->consumer();
  struct Talk {
    Connection& connection;
    std::uint64_t number;
    ~Talk() { connection.hang_up(number); }  // what is not acked goes back
  } const talk{connection, connection.converse()};
  std::vector<Call> calls;
  std::uint64_t taken = 0;
  // The first says how many there are: a count that a quorum queue tells otherwise may not know yet of what has just come back.
  std::uint64_t left = 1;
  for (bool first = true; left > 0; first = false) {
    calls.clear();
    const std::size_t count = std::min<std::uint64_t>(left, chunk);
    for (std::size_t i = 0; i < count; ++i) calls.push_back(call_of(MethodId::basic_get_ok, put_get, *queue));
    Result<std::vector<Reply>> replies = co_await connection.call(*loop, talk.number, std::move(calls));
    if (!replies.ok()) {
      if (first && replies.error().kind() == ErrorKind::not_found) co_return Count(std::uint64_t{0});
      co_return Count(std::move(replies).error());
    }
    left -= count;
    if (first && replies->front().message) left = replies->front().message->left;
    Result<std::uint64_t> went = co_await look_at(loop, talk.number, &*replies, with_payload, look);
    if (!went.ok()) co_return went;
    taken += *went;
    if (!replies->back().message) break;
  }
  // All the rest goes back before somebody else looks.
  calls.clear();
  calls.push_back(call_of(Call::none, put_nack, std::uint64_t{0}, true));
  calls.push_back(call_of(MethodId::basic_qos_ok, put_qos, std::uint16_t{0}));
  Result<std::vector<Reply>> back = co_await connection.call(*loop, talk.number, std::move(calls));
  if (!back.ok()) co_return Count(std::move(back).error());
  co_return Count(taken);
}

Task<Result<std::uint64_t>> AmqpBackend::look_at(net::Loop* loop, std::uint64_t conversation, std::vector<Reply>* replies,
                                                 bool with_payload, Look* look) {
  using Count = Result<std::uint64_t>;
  std::vector<Outgoing> instead;
  std::vector<Call> acks;
  for (Reply& reply : *replies) {
    if (!reply.message) break;
    Result<Received> received = received_of(*reply.message, with_payload);
    if (!received.ok()) continue;  // nobody can read it: it stays
    Result<Verdict> verdict = (*look)(std::move(*received));
    if (!verdict.ok()) co_return Count(std::move(verdict).error());
    if (!verdict->take) continue;
    if (verdict->instead) instead.push_back(std::move(*verdict->instead));
    acks.push_back(call_of(Call::none, put_ack, reply.message->tag, false));
  }
  if (acks.empty()) co_return Count(std::uint64_t{0});
  const std::uint64_t taken = acks.size();
  Result<void> confirmed = co_await wire_->publisher().publish(*loop, std::move(instead));
  if (!confirmed.ok()) co_return Count(std::move(confirmed).error());
  acks.push_back(call_of(MethodId::basic_qos_ok, put_qos, std::uint16_t{0}));  // answered behind them
  Result<std::vector<Reply>> done = co_await wire_->consumer().call(*loop, conversation, std::move(acks));
  if (!done.ok()) co_return Count(std::move(done).error());
  co_return Count(taken);
}

// ---- dead letters --------------------------------------------------------------------------------------------------

Task<Result<DeadLetterPage>> AmqpBackend::list_dead_letters(net::Caller caller, DeadLetterQuery query) {
  DeadLetterPage page;
  const auto earlier = [](const DeadLetter& a, const DeadLetter& b) { return a.position < b.position; };
  Look look = [&](Received received) {
    if (received.message.topic != query.topic) return Result<Verdict>(Verdict());
    DeadLetter letter;
    letter.position = position_of(received);
    if (letter.position <= query.after) return Result<Verdict>(Verdict());
    letter.time = received.position != 0 ? time_of_position(letter.position) : received.time;
    letter.size = received.message.payload.size();
    if (!query.payloads) received.message.payload.clear();
    letter.message = std::move(received.message);
    page.messages.insert(std::upper_bound(page.messages.begin(), page.messages.end(), letter, earlier), std::move(letter));
    if (page.messages.size() > query.limit) {
      page.messages.pop_back();
      page.more = true;
    }
    return Result<Verdict>(Verdict());
  };
  std::string queue = dead_queue(options_.name, query.topic);
  Result<std::uint64_t> done = co_await browse(*caller.loop, std::move(queue), true, std::move(look));
  if (!done.ok()) co_return Result<DeadLetterPage>(std::move(done).error());
  co_return Result<DeadLetterPage>(std::move(page));
}

Task<Result<std::uint64_t>> AmqpBackend::redrive(net::Caller caller, DeadLetterSelection which, std::string to) {
  std::unordered_set<std::uint64_t> positions;
  if (which.positions) positions.insert(which.positions->begin(), which.positions->end());
  Look look = [&](Received received) {
    Verdict verdict;
    if (received.message.topic != which.topic || (which.positions && !positions.contains(position_of(received))))
      return Result<Verdict>(std::move(verdict));
    const std::string queue = to.empty() ? received.queue : std::string();
    std::optional<Redriven> redriven = messaging::redriven(std::move(received.message), to);
    if (!redriven) return Result<Verdict>(std::move(verdict));
    Outgoing out;
    out.exchange = queue.empty() ? options_.name : std::string();
    out.routing_key = queue.empty() ? routing_key(redriven->message.topic) : queue;
    out.mandatory = true;
    out.message_id = next_id();
    Extras extras;
    extras.id = out.message_id;
    extras.for_group = redriven->for_group;
    extras.with_topic = true;
    extras.time = RealClock().wall();
    Result<std::string> properties = properties_for(redriven->message, extras);
    if (!properties.ok()) return Result<Verdict>(std::move(properties).error());
    out.properties = std::move(*properties);
    out.payload = std::move(redriven->message.payload);
    verdict.take = true;
    verdict.instead = std::move(out);
    return Result<Verdict>(std::move(verdict));
  };
  std::string queue = dead_queue(options_.name, which.topic);
  Result<std::uint64_t> count = co_await browse(*caller.loop, std::move(queue), true, std::move(look));
  co_return count;
}

Task<Result<std::uint64_t>> AmqpBackend::purge(net::Caller caller, DeadLetterSelection which) {
  std::unordered_set<std::uint64_t> positions;
  if (which.positions) positions.insert(which.positions->begin(), which.positions->end());
  Look look = [&](const Received& received) {
    Verdict verdict;
    verdict.take = received.message.topic == which.topic && (!which.positions || positions.contains(position_of(received)));
    return Result<Verdict>(std::move(verdict));
  };
  std::string queue = dead_queue(options_.name, which.topic);
  Result<std::uint64_t> count = co_await browse(*caller.loop, std::move(queue), false, std::move(look));
  co_return count;
}

// ---- what there is not ---------------------------------------------------------------------------------------------

Task<Result<void>> AmqpBackend::seek(net::Caller caller, TopicPattern pattern, std::string group, Place place) {
  (void)caller, (void)pattern, (void)group, (void)place;
  co_return unsupported("replay");
}
Task<Result<std::vector<GroupInfo>>> AmqpBackend::groups(net::Caller caller) {
  (void)caller;
  co_return Result<std::vector<GroupInfo>>(unsupported("list of queues"));
}
Task<Result<bool>> AmqpBackend::delete_group(net::Caller caller, GroupName name) {
  (void)caller, (void)name;
  co_return Result<bool>(unsupported("list of queues"));
}

BackendCounts AmqpBackend::counts() const noexcept {
  BackendCounts out;
  out.published = published_.load(std::memory_order_relaxed);
  out.acked = acked_.load(std::memory_order_relaxed);
  out.dead_lettered = dead_lettered_.load(std::memory_order_relaxed);
  out.dropped = dropped_.load(std::memory_order_relaxed);
  return out;
}

void register_amqp(Registry& registry) {
  for (const char* scheme : {"amqp", "amqps"}) {
    registry.add(scheme, [](const services::MessagingConfig& config, const Environment&) {
      Result<AmqpOptions> options = AmqpOptions::parse(config.url);
      if (!options.ok()) return Result<std::shared_ptr<Backend>>(std::move(options).error());
      return AmqpBackend::open(std::move(*options));
    });
  }
}

}  // namespace spikard::messaging::amqp
