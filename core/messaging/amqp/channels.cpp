// What goes on in a connection's channels: publishing, conversations, consumers.
#include <algorithm>

#include "messaging/amqp/connection.hpp"

namespace spikard::messaging::amqp {
namespace {

constexpr std::size_t window = 4096;              // messages that are not confirmed
constexpr std::size_t window_bytes = 16U << 20U;  // of those
constexpr std::size_t max_waiting = 64U << 10U;   // messages behind the window
constexpr std::size_t max_out = 64U << 20U;       // bytes that a slow broker has not taken
constexpr std::uint64_t max_body = 128U << 20U;   // RabbitMQ's own limit
constexpr Duration look_every = std::chrono::milliseconds(100);
constexpr std::string_view consumer_tag = "c";  // one a channel

Error error(ErrorKind kind, std::string message) { return Error(kind, std::move(message)).with_operation("messaging.amqp"); }
Error lost() { return error(ErrorKind::unavailable, "the connection to the broker is gone").with_retry(RetryClass::temporary); }
Error closed() { return error(ErrorKind::unavailable, "the client was closed"); }

void set_channel(std::string& frame, std::uint16_t id) {
  frame[1] = static_cast<char>(id >> 8U);
  frame[2] = static_cast<char>(id);
}

}  // namespace

struct Connection::Batch {
  std::vector<Outgoing> messages;  // until they are pending
  std::size_t count = 0;
  std::size_t open = 0;
  std::uint64_t first = 0;  // numbers
  Instant deadline{};
  std::optional<Error> failure;
  Waiting<Result<void>> waiting;
};
struct Connection::Calls {
  std::vector<Call> calls;
  std::vector<Reply> replies;
  std::size_t awaited = 0;  // the call whose answer comes next
  Instant deadline{};
  Waiting<Result<std::vector<Reply>>> waiting;
};

// ---- any thread ----------------------------------------------------------------------------------------------------

Task<Result<void>> Connection::publish(net::Loop& loop, std::vector<Outgoing> messages) {
  if (messages.empty()) co_return Result<void>();
  for (const Outgoing& one : messages) {
    if (one.properties.size() + 12 + frame_overhead <= least_frame) continue;
    const std::size_t most = frame_max_.load(std::memory_order_relaxed) - 12 - frame_overhead;
    if (one.properties.size() > most) {
      co_return error(ErrorKind::too_large, "headers longer than a frame of the broker")
          .with("size", std::to_string(one.properties.size()))
          .with("frame_max", std::to_string(most));
    }
  }
  auto batch = std::make_shared<Batch>();
  batch->messages = std::move(messages);
  auto answer = std::make_shared<Answer<Result<void>>>(loop);
  batch->waiting = {answer, loop};
  loop_.post([self = shared_from_this(), batch = std::move(batch)]() mutable { self->add(std::move(batch)); });
  Result<void> waited = co_await answer->done.wait();
  if (!waited.ok()) co_return waited;
  co_return std::move(*answer->value);
}

std::uint64_t Connection::converse() {
  const std::uint64_t number = next_number_.fetch_add(1, std::memory_order_relaxed);
  loop_.post([self = shared_from_this(), number] { self->conversations_.try_emplace(number); });
  return number;
}

Task<Result<std::vector<Reply>>> Connection::call(net::Loop& loop, std::uint64_t conversation, std::vector<Call> calls) {
  using Replies = Result<std::vector<Reply>>;
  auto all = std::make_shared<Calls>();
  all->calls = std::move(calls);
  auto answer = std::make_shared<Answer<Replies>>(loop);
  all->waiting = {answer, loop};
  loop_.post([self = shared_from_this(), all = std::move(all), conversation]() mutable {
    if (self->stopping_) return all->waiting.tell(closed());
    const auto at = self->conversations_.find(conversation);
    if (at == self->conversations_.end()) return all->waiting.tell(lost());
    at->second.calls = all;
    self->add(std::move(all));
    self->write_calls(conversation);
  });
  Result<void> waited = co_await answer->done.wait();
  if (!waited.ok()) co_return Replies(std::move(waited).error());
  co_return std::move(*answer->value);
}

void Connection::hang_up(std::uint64_t conversation) {
  loop_.post([self = shared_from_this(), conversation] { self->end_conversation(conversation); });
}

std::uint64_t Connection::consume(std::shared_ptr<Feed> feed, std::string queue, std::uint16_t prefetch, bool gets) {
  const std::uint64_t number = next_number_.fetch_add(1, std::memory_order_relaxed);
  loop_.post([self = shared_from_this(), feed = std::move(feed), queue = std::move(queue), prefetch, gets, number]() mutable {
    Consumer& one = self->consumers_[number];
    one.feed = std::move(feed);
    one.queue = std::move(queue);
    one.prefetch = prefetch;
    one.gets = gets;
    if (self->connected_) self->begin_session(number);
  });
  return number;
}

void Connection::settle(std::uint64_t consumer, std::uint64_t session, std::vector<Settling> settlings) {
  loop_.post([self = shared_from_this(), consumer, session, settlings = std::move(settlings)] {
    const auto at = self->consumers_.find(consumer);
    if (!self->connected_ || at == self->consumers_.end() || at->second.session != session || at->second.channel == 0) return;
    for (const Settling& one : settlings) {
      if (one.ack) put_ack(self->out_, at->second.channel, one.tag);
      else put_nack(self->out_, at->second.channel, one.tag);
    }
    self->queue_flush();
  });
}

Task<Result<void>> Connection::pause(net::Loop& loop, std::uint64_t consumer) {
  auto answer = std::make_shared<Answer<Result<void>>>(loop);
  loop_.post([self = shared_from_this(), consumer, waiting = Waiting<Result<void>>(answer, loop)]() mutable {
    const auto at = self->consumers_.find(consumer);
    if (self->stopping_ || at == self->consumers_.end()) return waiting.tell(closed());
    Consumer& one = at->second;
    const bool again = std::exchange(one.paused, true);
    // Without a channel it has nothing, and gets nothing.
    if (!self->connected_ || one.channel == 0) return waiting.tell(Result<void>());
    if (again) put_qos(self->out_, one.channel, one.prefetch);
    else if (one.gets) put_get(self->out_, one.channel, one.queue);
    else put_cancel(self->out_, one.channel, consumer_tag);
    one.pausing = std::move(waiting);
    one.deadline = self->loop_.now() + self->options_.timeout;
    if (!self->deadline_.armed()) self->deadline_.start(look_every);
    self->queue_flush();
  });
  Result<void> waited = co_await answer->done.wait();
  if (!waited.ok()) co_return waited;
  co_return std::move(*answer->value);
}

void Connection::end(std::uint64_t consumer) {
  loop_.post([self = shared_from_this(), consumer] {
    const auto at = self->consumers_.find(consumer);
    if (at == self->consumers_.end()) return;
    if (self->connected_ && at->second.channel != 0) self->close_channel(at->second.channel);
    self->consumers_.erase(at);
  });
}

// ---- channels ------------------------------------------------------------------------------------------------------

void Connection::connected() {
  connected_ = true;
  alive_ = std::make_shared<bool>(true);
  last_failure_.clear();
  heard_ = said_ = loop_.now();
  frame_max_.store(tune_.frame_max, std::memory_order_relaxed);
  channels_.assign(std::size_t{1}, Channel());
  stream_->on_change([this] { flush(); });
  if (tune_.heartbeat != 0) heartbeat_.start(std::chrono::seconds(tune_.heartbeat) / Duration::rep{4});
  std::vector<std::uint64_t> numbers;
  for (const auto& [number, one] : consumers_) numbers.push_back(number);
  for (const std::uint64_t number : numbers) begin_session(number);
  numbers.clear();
  for (const auto& [number, one] : conversations_) numbers.push_back(number);
  for (const std::uint64_t number : numbers) write_calls(number);
  write_more();
  queue_flush();
}

void Connection::disconnected() {
  if (!std::exchange(connected_, false)) return;
  alive_.reset();
  heartbeat_.stop();
  if (stream_ != nullptr) stream_->on_change(nullptr);
  out_.clear();
  out_sent_ = 0;
  blocked_.clear();
  channels_.clear();
  publisher_ = 0;
  for (const std::shared_ptr<Feed>& feed : touched_) Feed::tell(feed);
  touched_.clear();
  publisher_failed(lost());
  std::vector<std::uint64_t> open;
  for (const auto& [number, one] : conversations_) {
    if (one.channel != 0) open.push_back(number);
  }
  // What was begun on the channel that is gone cannot go on on another one.
  for (const std::uint64_t number : open) end_calls(number, lost());
  for (auto& [number, one] : consumers_) {
    one.channel = 0;
    paused(one, Result<void>());
  }
}

std::uint16_t Connection::open_channel(Use use, std::uint64_t number) {
  std::size_t id = 1;
  while (id < channels_.size() && channels_[id].use != Use::none) ++id;
  if (id > tune_.channel_max) return 0;
  if (id == channels_.size()) channels_.emplace_back();
  channels_[id] = Channel();
  channels_[id].use = use;
  channels_[id].number = number;
  put_plain(out_, static_cast<std::uint16_t>(id), MethodId::channel_open, std::string_view("\0", 1));
  queue_flush();
  return static_cast<std::uint16_t>(id);
}

void Connection::close_channel(std::uint16_t id) {
  Channel& channel = channels_[id];
  if (std::exchange(channel.closing, true)) return;
  put_close(out_, id);
  queue_flush();
}

Result<void> Connection::handle(const Frame& frame) {
  if (frame.type == FrameType::heartbeat) return {};
  if (frame.channel == 0) {
    if (frame.type != FrameType::method) return error(ErrorKind::corrupt, "AMQP: content on channel 0");
    Result<Method> method = read_method(frame.payload);
    if (!method.ok()) return std::move(method).error();
    return on_connection_method(*method);
  }
  if (frame.channel >= channels_.size() || channels_[frame.channel].use == Use::none)
    return error(ErrorKind::corrupt, "AMQP: a frame for a channel that is not open");
  if (frame.type != FrameType::method) return on_content(frame.channel, frame);
  Result<Method> method = read_method(frame.payload);
  if (!method.ok()) return std::move(method).error();
  return on_method(frame.channel, *method);
}

Result<void> Connection::on_connection_method(const Method& method) {
  switch (method.id) {
    case MethodId::connection_close: {
      Result<Close> close = read_close(method);
      if (!close.ok()) return std::move(close).error();
      put_plain(out_, 0, MethodId::connection_close_ok);
      flush();
      return error_of(close->code, close->text);
    }
    case MethodId::connection_close_ok: return lost();
    case MethodId::connection_blocked: {
      Result<std::string_view> reason = read_reason(method);
      if (!reason.ok()) return std::move(reason).error();
      blocked_ = reason->empty() ? "no reason given" : std::string(*reason);
      return {};
    }
    case MethodId::connection_unblocked: blocked_.clear(); return {};
    default: return error(ErrorKind::corrupt, "AMQP: an unexpected method on channel 0");
  }
}

Result<void> Connection::on_method(std::uint16_t id, const Method& method) {
  Channel& channel = channels_[id];
  if (channel.content != MethodId{}) return error(ErrorKind::corrupt, "AMQP: a method in the middle of a message");
  switch (method.id) {
    case MethodId::channel_close: return on_channel_closed(id, method);
    case MethodId::channel_close_ok: channel = Channel(); return {};
    case MethodId::channel_open_ok:
      channel.open = true;
      if (!channel.closing) on_channel_open(id);
      return {};
    case MethodId::channel_flow: {
      Result<bool> active = read_flow(method);
      if (!active.ok()) return std::move(active).error();
      if (channel.use == Use::publisher) flow_stopped_ = !*active;
      put_plain(out_, id, MethodId::channel_flow_ok, std::string_view(*active ? "\1" : "\0", 1));
      queue_flush();
      return {};
    }
    case MethodId::basic_deliver:
    case MethodId::basic_get_ok: {
      Result<Deliver> deliver = read_deliver(method);
      if (!deliver.ok()) return std::move(deliver).error();
      channel.content = method.id;
      channel.missing.reset();
      channel.incoming.tag = deliver->tag;
      channel.incoming.redelivered = deliver->redelivered;
      channel.incoming.left = deliver->left;
      channel.incoming.exchange = deliver->exchange;
      channel.incoming.routing_key = deliver->routing_key;
      return {};
    }
    case MethodId::basic_return:
      channel.content = method.id;
      channel.missing.reset();
      return {};
    case MethodId::basic_ack:
    case MethodId::basic_nack:
      if (channel.use == Use::publisher) return on_confirm(method);
      return error(ErrorKind::corrupt, "AMQP: a confirm where nothing was published");
    case MethodId::basic_cancel: {
      if (channel.use != Use::consumer || channel.closing) return {};
      const std::uint64_t number = channel.number;
      close_channel(id);
      consumer_failed(number, error(ErrorKind::not_found, "the broker gives no more of this queue: it was deleted, or moved"));
      return {};
    }
    default:
      if (!channel.closing) on_reply(id, method, std::nullopt);
      return {};
  }
}

Result<void> Connection::on_content(std::uint16_t id, const Frame& frame) {
  Channel& channel = channels_[id];
  if (channel.content == MethodId{} || (frame.type == FrameType::header) == channel.missing.has_value())
    return error(ErrorKind::corrupt, "AMQP: content where none belongs");
  if (frame.type == FrameType::header) {
    Result<ContentHeader> header = read_content_header(frame.payload);
    if (!header.ok()) return std::move(header).error();
    if (header->body_size > max_body) return error(ErrorKind::corrupt, "AMQP: a message longer than 128 MiB");
    channel.missing = header->body_size;
    channel.incoming.properties = header->properties;
    channel.incoming.payload.clear();
    channel.incoming.payload.reserve(std::min<std::size_t>(header->body_size, 1U << 20U));
  } else {
    if (frame.payload.size() > *channel.missing) return error(ErrorKind::corrupt, "AMQP: a body longer than its header says");
    channel.incoming.payload += frame.payload;
    *channel.missing -= frame.payload.size();
  }
  if (*channel.missing == 0) on_message(id);
  return {};
}

void Connection::on_message(std::uint16_t id) {
  Channel& channel = channels_[id];
  const MethodId what = std::exchange(channel.content, MethodId{});
  channel.missing.reset();
  Incoming incoming = std::exchange(channel.incoming, Incoming());
  if (channel.closing) return;
  if (what == MethodId::basic_return) return on_returned(incoming.properties);
  if (what == MethodId::basic_get_ok) {
    Method method;
    method.id = what;
    return on_reply(id, method, std::move(incoming));
  }
  const auto at = channel.use == Use::consumer ? consumers_.find(channel.number) : consumers_.end();
  if (at == consumers_.end()) return;
  feed(at->second, std::move(incoming));
}

void Connection::feed(const Consumer& consumer, Incoming message) {
  Feed::Item item;
  item.session = consumer.session;
  item.message = std::move(message);
  consumer.feed->push(std::move(item));
  if (touched_.empty() || touched_.back() != consumer.feed) touched_.push_back(consumer.feed);
}

Result<void> Connection::on_channel_closed(std::uint16_t id, const Method& method) {
  Result<Close> close = read_close(method);
  if (!close.ok()) return std::move(close).error();
  Error why = error_of(close->code, close->text);
  const Channel channel = std::exchange(channels_[id], Channel());
  put_plain(out_, id, MethodId::channel_close_ok);
  queue_flush();
  if (channel.closing) return {};
  if (channel.use == Use::conversation) end_calls(channel.number, std::move(why));
  if (channel.use == Use::consumer) consumer_failed(channel.number, std::move(why));
  if (channel.use == Use::publisher) {
    publisher_ = 0;
    publisher_failed(why);
    write_more();
  }
  return {};
}

void Connection::on_channel_open(std::uint16_t id) {
  const Channel& channel = channels_[id];
  switch (channel.use) {
    case Use::publisher: put_plain(out_, id, MethodId::confirm_select, std::string_view("\0", 1)); break;
    case Use::conversation:
      for (Call& one : conversations_.at(channel.number).calls->calls) {
        set_channel(one.frame, id);
        out_ += one.frame;
      }
      break;
    case Use::consumer: {
      const Consumer& consumer = consumers_.at(channel.number);
      if (consumer.paused) break;
      put_qos(out_, id, consumer.prefetch);
      put_consume(out_, id, consumer.queue, consumer_tag);
      break;
    }
    case Use::none: break;
  }
  queue_flush();
}

void Connection::on_reply(std::uint16_t id, const Method& method, std::optional<Incoming> message) {
  const Channel& channel = channels_[id];
  if (channel.use == Use::publisher) {
    publisher_ready_ = publisher_ready_ || method.id == MethodId::confirm_select_ok;
    write_more();
    return;
  }
  if (channel.use == Use::consumer) {
    const auto at = consumers_.find(channel.number);
    if (at == consumers_.end()) return;
    if (message) feed(at->second, std::move(*message));
    if (at->second.pausing) next_of_pause(at->second, method.id);
    return;
  }
  const auto at = conversations_.find(channel.number);
  if (at == conversations_.end() || at->second.calls == nullptr) return;
  Calls& calls = *at->second.calls;
  while (calls.awaited < calls.calls.size() && calls.calls[calls.awaited].expects == Call::none) ++calls.awaited;
  if (calls.awaited == calls.calls.size()) return;
  const MethodId expected = calls.calls[calls.awaited].expects;
  if (method.id != expected && !(expected == MethodId::basic_get_ok && method.id == MethodId::basic_get_empty)) return;
  calls.replies[calls.awaited].message = std::move(message);
  ++calls.awaited;
  while (calls.awaited < calls.calls.size() && calls.calls[calls.awaited].expects == Call::none) ++calls.awaited;
  if (calls.awaited == calls.calls.size()) end_calls(channel.number, Result<void>());
}

// ---- publishing ----------------------------------------------------------------------------------------------------

void Connection::add(std::shared_ptr<Batch> batch) {
  if (stopping_ || pending_.size() + batch->messages.size() > window + max_waiting) {
    batch->waiting.tell(stopping_ ? closed() : error(ErrorKind::rate_limited, "too many messages wait for the broker"));
    return;
  }
  batch->deadline = loop_.now() + options_.timeout;
  batch->count = batch->open = batch->messages.size();
  batch->first = first_pending_ + pending_.size();
  for (Outgoing& message : batch->messages) {
    Pending& one = pending_.emplace_back();
    one.batch = batch;
    one.message = std::move(message);
  }
  batch->messages.clear();
  batches_.push_back(std::move(batch));
  if (!deadline_.armed()) deadline_.start(look_every);
  write_more();
}

void Connection::write_more() {
  if (!connected_ || !blocked_.empty() || flow_stopped_) return;
  const std::uint64_t end = first_pending_ + pending_.size();
  if (next_write_ >= end) return;
  if (publisher_ == 0) {
    next_tag_ = 1;
    publisher_ = open_channel(Use::publisher, 0);
    publisher_ready_ = false;
    return;
  }
  if (!publisher_ready_) return;
  for (; next_write_ < end; ++next_write_) {
    Pending& one = pending_[next_write_ - first_pending_];
    if (one.batch == nullptr) continue;
    const bool careful = next_write_ < careful_until_;
    if (unconfirmed_.size() >= (careful ? 1 : window) || in_flight_bytes_ >= window_bytes || out_.size() - out_sent_ > max_out)
      return;
    const Outgoing& message = one.message;
    put_publish(out_, publisher_, message.exchange, message.routing_key, message.mandatory, message.properties, message.payload,
                tune_.frame_max);
    one.written = true;
    one.returned = false;
    one.tag = next_tag_++;
    unconfirmed_.emplace_back(one.tag, next_write_);
    in_flight_bytes_ += message.payload.size() + message.properties.size();
    queue_flush();
  }
}

Result<void> Connection::on_confirm(const Method& method) {
  Result<Confirm> confirm = read_confirm(method);
  if (!confirm.ok()) return std::move(confirm).error();
  const auto one_of = [&](std::uint64_t number) {
    if (number < first_pending_) return;
    Pending& one = pending_[number - first_pending_];
    if (one.tag == 0) return;
    one.tag = 0;
    in_flight_bytes_ -= one.message.payload.size() + one.message.properties.size();
    if (one.batch == nullptr) return;
    std::optional<Error> why;
    if (method.id == MethodId::basic_nack) {
      why = error(ErrorKind::unavailable, "the broker could not take the message").with_retry(RetryClass::temporary);
    } else if (one.returned) {
      why = error(ErrorKind::not_found, "no queue takes the message").with("routing_key", one.message.routing_key);
    }
    finish(one, std::move(why));
  };
  if (confirm->multiple) {
    while (!unconfirmed_.empty() && (confirm->tag == 0 || unconfirmed_.front().first <= confirm->tag)) {
      one_of(unconfirmed_.front().second);
      unconfirmed_.pop_front();
    }
    return {};
  }
  const auto at = std::lower_bound(unconfirmed_.begin(), unconfirmed_.end(), std::pair(confirm->tag, std::uint64_t{0}));
  if (at == unconfirmed_.end() || at->first != confirm->tag) return {};
  one_of(at->second);
  unconfirmed_.erase(at);
  return {};
}

// It comes before the confirm of its message, which is the oldest one with this id.
void Connection::on_returned(std::string_view properties) {
  const Result<Properties> read = read_properties(properties);
  if (!read.ok()) return;
  for (const auto& [tag, number] : unconfirmed_) {
    Pending& one = pending_[number - first_pending_];
    if (one.message.message_id != read->message_id || !one.message.mandatory || std::exchange(one.returned, true)) continue;
    return;
  }
}

void Connection::finish(Pending& one, std::optional<Error> why) {
  const std::shared_ptr<Batch> batch = std::move(one.batch);
  one.batch = nullptr;
  if (why && !batch->failure) batch->failure = std::move(why);
  if (--batch->open == 0) batch->waiting.tell(batch->failure ? Result<void>(std::move(*batch->failure)) : Result<void>());
}

void Connection::forget_finished() {
  while (!pending_.empty() && pending_.front().batch == nullptr && pending_.front().tag == 0) {
    pending_.pop_front();
    ++first_pending_;
  }
  next_write_ = std::max(next_write_, first_pending_);
  while (!batches_.empty() && batches_.front()->open == 0) batches_.pop_front();
}

// Its channel is gone, with the connection or because of one of the messages on it: they are written again, one at a time where
// one is to blame, until the channel that it closes says which.
void Connection::publisher_failed(const Error& why) {
  flow_stopped_ = false;
  if (connected_ && !unconfirmed_.empty()) {
    const std::uint64_t last = unconfirmed_.back().second;
    if (unconfirmed_.size() == 1 && last < careful_until_) {
      Pending& guilty = pending_[last - first_pending_];
      if (guilty.batch != nullptr) finish(guilty, why);
    }
    careful_until_ = std::max(careful_until_, last + 1);
  }
  for (Pending& one : pending_) one.tag = 0;
  unconfirmed_.clear();
  in_flight_bytes_ = 0;
  forget_finished();
  next_write_ = first_pending_;
}

// ---- conversations -------------------------------------------------------------------------------------------------

void Connection::add(std::shared_ptr<Calls> calls) {
  calls->replies.resize(calls->calls.size());
  calls->deadline = loop_.now() + options_.timeout;
  if (!deadline_.armed()) deadline_.start(look_every);
}

void Connection::write_calls(std::uint64_t number) {
  Conversation& one = conversations_.at(number);
  if (!connected_ || one.calls == nullptr) return;
  if (one.channel == 0) {
    one.channel = open_channel(Use::conversation, number);
    if (one.channel == 0) end_calls(number, error(ErrorKind::rate_limited, "too many channels of one connection"));
    return;
  }
  if (!channels_[one.channel].open) return;
  on_channel_open(one.channel);
  // Where nothing is answered there is nothing to wait for.
  const std::vector<Call>& calls = one.calls->calls;
  if (std::all_of(calls.begin(), calls.end(), [](const Call& call) { return call.expects == Call::none; }))
    end_calls(number, Result<void>());
}

/// After an error the conversation is over as well.
void Connection::end_calls(std::uint64_t number, Result<void> how) {
  const auto at = conversations_.find(number);
  if (at == conversations_.end()) return;
  const std::shared_ptr<Calls> calls = std::move(at->second.calls);
  at->second.calls = nullptr;
  const bool good = how.ok();
  if (calls != nullptr) {
    if (good) calls->waiting.tell(std::move(calls->replies));
    else calls->waiting.tell(std::move(how).error());
  }
  if (!good) end_conversation(number);
}

void Connection::end_conversation(std::uint64_t number) {
  const auto at = conversations_.find(number);
  if (at == conversations_.end()) return;
  const std::uint16_t id = at->second.channel;
  conversations_.erase(at);
  if (connected_ && id != 0 && channels_[id].use == Use::conversation && channels_[id].number == number) close_channel(id);
}

// ---- consumers -----------------------------------------------------------------------------------------------------

void Connection::begin_session(std::uint64_t number) {
  Consumer& one = consumers_.at(number);
  ++one.session;
  Feed::Item begun;
  begun.kind = Feed::Item::Kind::begun;
  begun.session = one.session;
  one.feed->push(std::move(begun));
  Feed::tell(one.feed);
  if (one.paused) return;
  one.channel = open_channel(Use::consumer, number);
  if (one.channel == 0) consumer_failed(number, error(ErrorKind::rate_limited, "too many channels of one connection"));
}

void Connection::consumer_failed(std::uint64_t number, Error why) {
  const auto at = consumers_.find(number);
  if (at == consumers_.end()) return;
  paused(at->second, why);
  Feed::Item ended;
  ended.kind = Feed::Item::Kind::ended;
  ended.session = at->second.session;
  ended.error = std::move(why);
  at->second.feed->push(std::move(ended));
  Feed::tell(at->second.feed);
  consumers_.erase(at);
}

// RabbitMQ drops what a quorum queue gives to a consumer that is cancelled at that moment, until its channel ends. An ack that is
// on its way makes the queue give more: a get goes the same way behind it, and its answer comes behind what was given by then.
void Connection::next_of_pause(Consumer& one, MethodId answer) {
  switch (answer) {
    case MethodId::basic_get_ok:
    case MethodId::basic_get_empty: put_cancel(out_, one.channel, consumer_tag); break;
    case MethodId::basic_cancel_ok: put_qos(out_, one.channel, one.prefetch); break;
    case MethodId::basic_qos_ok: paused(one, Result<void>()); break;
    default: break;
  }
  queue_flush();
}

void Connection::paused(Consumer& consumer, Result<void> how) {
  if (!consumer.pausing) return;
  Waiting<Result<void>> waiting = std::move(*consumer.pausing);
  consumer.pausing.reset();
  for (const std::shared_ptr<Feed>& feed : touched_) Feed::tell(feed);  // before it
  waiting.tell(std::move(how));
}

void Connection::expire() {
  const Instant now = loop_.now();
  for (; !batches_.empty() && (batches_.front()->open == 0 || batches_.front()->deadline <= now); batches_.pop_front()) {
    const std::shared_ptr<Batch> batch = batches_.front();
    const std::uint64_t end = batch->first + batch->count;
    for (std::uint64_t number = std::max(batch->first, first_pending_); batch->open > 0 && number < end; ++number) {
      Pending& one = pending_[number - first_pending_];
      if (one.batch == batch) finish(one, timed_out(one.written));
    }
  }
  forget_finished();
  std::vector<std::uint64_t> late;
  bool more = !batches_.empty();
  for (const auto& [number, one] : conversations_) {
    if (one.calls == nullptr) continue;
    if (one.calls->deadline <= now) late.push_back(number);
    else more = true;
  }
  for (const std::uint64_t number : late) end_calls(number, timed_out(false));
  for (auto& [number, one] : consumers_) {
    if (one.pausing && one.deadline <= now) paused(one, timed_out(false));
    more = more || one.pausing;
  }
  write_more();
  if (more) deadline_.start(look_every);
}

}  // namespace spikard::messaging::amqp
