#include "messaging/nats/connection.hpp"

#include <algorithm>
#include <charconv>
#include <future>
#include <random>

#include "base/json.hpp"
#include "messaging/answer.hpp"
#include "messaging/nats/nkey.hpp"
#include "messaging/nats/upgradable.hpp"
#include "net/signing/hash.hpp"
#include "net/transport.hpp"

namespace spikard::messaging::nats {
namespace {

constexpr std::size_t read_size = 64U << 10U;
constexpr std::size_t window = 4096;              // messages under way; a server refuses more than it can queue
constexpr std::size_t window_bytes = 16U << 20U;  // of those
constexpr std::size_t max_waiting = 64U << 10U;   // messages behind the window
constexpr std::size_t max_out = 64U << 20U;       // bytes that a slow server has not taken
constexpr std::size_t max_servers = 64;           // those that a cluster tells of included
constexpr std::size_t max_message = 68U << 20U;   // max_message_bytes and its headers
constexpr Duration first_backoff = std::chrono::milliseconds(50);
constexpr Duration last_backoff = std::chrono::seconds(2);
constexpr Duration again_after = std::chrono::milliseconds(100);  // what nobody was there to answer
constexpr std::uint64_t inbox_sid = 1;

Error error(ErrorKind kind, std::string message) { return Error(kind, std::move(message)).with_operation("messaging.nats"); }

std::string random_name() { return net::signing::hex(net::signing::random_bytes(11)); }

/// A PubAck of an error that goes by: too much at once, no leader.
bool goes_by(std::string_view payload) {
  return payload.starts_with(R"({"error":{"code":503)") || payload.starts_with(R"({"error":{"code":429)");
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || text.empty() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void append_command(std::string& out, std::string_view a, std::uint64_t sid) {
  out.append(a).append(std::to_string(sid)).append("\r\n");
}

}  // namespace

struct Connection::Exchange {
  std::vector<Outgoing> messages;  // until they are pending
  std::vector<Reply> replies;
  std::size_t open = 0;
  std::uint64_t first = 0;  // numbers
  Instant deadline{};
  Waiting<Result<std::vector<Reply>>> waiting;
};
struct Connection::Confirm {
  std::string commands;
  Instant deadline{};
  bool over = false;
  std::uint64_t unsubscribed = 0;  // what has no feed any more then
  Waiting<Result<void>> waiting;
};

std::vector<Incoming> Feed::take() {
  const std::lock_guard lock(mutex_);
  told_ = false;
  bytes_ = 0;
  return std::exchange(items_, {});
}

void Feed::push(Incoming incoming) {
  const std::lock_guard lock(mutex_);
  const std::size_t size = incoming.payload.size();
  if (items_.size() >= max_messages_ || bytes_ + size > max_bytes_) {
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  bytes_ += size;
  items_.push_back(std::move(incoming));
}

void Feed::tell(const std::shared_ptr<Feed>& self) {
  {
    const std::lock_guard lock(self->mutex_);
    if (self->items_.empty() || std::exchange(self->told_, true)) return;
  }
  self->mailbox_->post([self] {
    if (self->arrived_ != nullptr) self->arrived_->set();
  });
}

Connection::Connection(net::Loop& loop, NatsOptions options)
    : loop_(loop),
      options_(std::move(options)),
      inbox_("_INBOX." + random_name() + "."),
      servers_(loop, options_.servers),
      deadline_(loop, [this] { expire(); }),
      ping_timer_(loop, [this] { ping(); }) {}

Connection::~Connection() = default;

// ---- any thread ----------------------------------------------------------------------------------------------------

Task<Result<std::vector<Reply>>> Connection::exchange(net::Loop& loop, std::vector<Outgoing> messages) {
  using Replies = Result<std::vector<Reply>>;
  if (messages.empty()) co_return Replies(std::vector<Reply>());
  const std::size_t limit = max_payload();
  for (const Outgoing& one : messages) {
    const std::size_t size = one.headers.size() + one.payload.size();
    if (size > limit) {
      co_return Replies(error(ErrorKind::too_large, "longer, with its headers, than the server takes")
                            .with("size", std::to_string(size))
                            .with("max_payload", std::to_string(limit)));
    }
  }
  auto exchange = std::make_shared<Exchange>();
  exchange->messages = std::move(messages);
  auto answer = std::make_shared<Answer<Replies>>(loop);
  exchange->waiting = {answer, loop};
  loop_.post([self = shared_from_this(), exchange = std::move(exchange)]() mutable { self->add(std::move(exchange)); });
  Result<void> waited = co_await answer->done.wait();
  if (!waited.ok()) co_return Replies(std::move(waited).error());
  co_return std::move(*answer->value);
}

Task<Result<Reply>> Connection::ask(net::Loop& loop, Outgoing message) {
  std::vector<Outgoing> one;
  one.push_back(std::move(message));
  Result<std::vector<Reply>> replies = co_await exchange(loop, std::move(one));
  if (!replies.ok()) co_return Result<Reply>(std::move(replies).error());
  Reply& reply = replies->front();
  if (reply.error) co_return Result<Reply>(std::move(*reply.error));
  co_return Result<Reply>(std::move(reply));
}

Task<Result<void>> Connection::confirm(net::Loop& loop, std::string commands) {
  auto confirm = std::make_shared<Confirm>();
  confirm->commands = std::move(commands);
  auto answer = std::make_shared<Answer<Result<void>>>(loop);
  confirm->waiting = {answer, loop};
  loop_.post([self = shared_from_this(), confirm = std::move(confirm)]() mutable { self->add(std::move(confirm)); });
  Result<void> waited = co_await answer->done.wait();
  if (!waited.ok()) co_return waited;
  co_return std::move(*answer->value);
}

std::uint64_t Connection::subscribe(std::shared_ptr<Feed> feed, std::string subject, std::string queue) {
  const std::uint64_t sid = next_sid_.fetch_add(1, std::memory_order_relaxed);
  std::string command = "SUB " + subject + " " + (queue.empty() ? "" : queue + " ");
  append_command(command, {}, sid);
  loop_.post([self = shared_from_this(), feed = std::move(feed), command = std::move(command), sid]() mutable {
    if (self->connected_) {
      self->out_ += command;
      self->queue_flush();
    }
    self->subscriptions_.insert_or_assign(sid, Subscription{std::move(feed), std::move(command)});
  });
  return sid;
}

void Connection::unsubscribe(std::uint64_t sid) {
  loop_.post([self = shared_from_this(), sid] {
    const auto at = self->subscriptions_.find(sid);
    if (at == self->subscriptions_.end()) return;
    if (!self->connected_) {
      self->subscriptions_.erase(at);
      return;
    }
    at->second.command.clear();
    // What is on its way still comes in until the server has seen it.
    auto seen = std::make_shared<Confirm>();
    append_command(seen->commands, "UNSUB ", sid);
    seen->unsubscribed = sid;
    self->add(std::move(seen));
  });
}

void Connection::send(std::string commands) {
  loop_.post([self = shared_from_this(), commands = std::move(commands)] {
    if (!self->connected_ || self->out_.size() - self->out_sent_ > max_out) return;
    self->out_ += commands;
    self->queue_flush();
  });
}

std::string Connection::inbox() {
  // Not below ours: that would be listened to for as long as we live.
  return inbox_.substr(0, inbox_.size() - 1) + "-" + std::to_string(next_inbox_.fetch_add(1, std::memory_order_relaxed));
}

// ---- the connection's loop -----------------------------------------------------------------------------------------

void Connection::start(Function<void(Result<void>)> first) {
  first_ = std::move(first);
  running_ = true;
  spawn(run(), [self = shared_from_this()](const std::exception_ptr&) {
    self->running_ = false;
    if (self->stopped_) std::exchange(self->stopped_, {})();
  });
}

void Connection::stop(Function<void()> done) {
  stopping_ = true;
  if (!running_) return done();
  stopped_ = std::move(done);
  if (connected_) flush();
  life_.cancel(CancelReason::shutdown);
}

Task<> Connection::run() {
  std::minstd_rand random(std::random_device{}());
  Duration backoff = first_backoff;
  while (!stopping_) {
    session_ = CancelSource(life_.token());
    Task<Result<void>> connecting =
        net::with_deadline(loop_, options_.connect_timeout + again_after, connect_any()).with_token(session_.token());
    Result<void> up = co_await std::move(connecting);
    if (!up.ok() && up.error().kind() == ErrorKind::timeout) up = error(ErrorKind::unavailable, "no server answers");
    if (first_) {
      const bool over = !up.ok();
      std::exchange(first_, {})(std::move(up));
      if (over) break;
      up = Result<void>();
    }
    if (stopping_) break;
    if (up.ok()) {
      backoff = first_backoff;
      connected();
      Task<Result<void>> serving = serve().with_token(session_.token());
      up = co_await std::move(serving);
      disconnected();
    }
    stream_.reset();
    if (!up.ok()) last_failure_ = up.error().message();
    if (stopping_) break;
    const auto jitter = std::uniform_int_distribution<std::int64_t>(0, backoff.count() / 2)(random);
    Task<Result<void>> wait = net::sleep(loop_, backoff - Duration(jitter)).with_token(life_.token());
    Result<void> waited = co_await std::move(wait);
    (void)waited;
    backoff = std::min(backoff * 2, last_backoff);
  }
  stream_.reset();
  deadline_.stop();
  for (Pending& one : pending_) {
    if (one.exchange != nullptr) {
      Reply closed;
      closed.error = error(one.written ? ErrorKind::outcome_unknown : ErrorKind::unavailable, "the client was closed");
      finish(one, std::move(closed));
    }
  }
  for (const auto& one : confirms_) {
    if (!std::exchange(one->over, true)) one->waiting.tell(error(ErrorKind::unavailable, "the client was closed"));
  }
}

Task<Result<void>> Connection::connect_any() {
  Task<Result<void>> connecting = servers_.connect(
      options_.connect_timeout, "messaging.nats",
      [this](net::Server server, std::string address) { return connect_one(std::move(server), std::move(address)); });
  Result<void> up = co_await std::move(connecting);
  co_return up;
}

Task<Result<void>> Connection::connect_one(Server server, std::string address) {
  stream_.reset();
  Result<std::unique_ptr<net::Transport>> raw = net::connect(loop_, address);
  if (!raw.ok()) co_return std::move(raw).error();
  auto transport = std::make_unique<Upgradable>(std::move(*raw));
  std::string text;
  {
    net::Stream clear(loop_, std::make_unique<Upgradable::Borrowed>(*transport));
    if (Result<void> started = clear.start(); !started.ok()) co_return started;
    Result<std::string> info = co_await read_info(&clear);
    if (!info.ok()) co_return std::move(info).error();
    text = std::move(*info);
  }
  Result<Document> info = json::parse(text);
  if (!info.ok() || !info->root().is_object()) co_return error(ErrorKind::corrupt, server.text() + " is no NATS server");
  const auto says = [&info](std::string_view name) {
    const Value value = info->root().find(name);
    return value.is(NodeType::boolean) && value.as_bool();
  };
  const bool encrypt = options_.tls || says("tls_required");
  if (encrypt && !says("tls_required") && !says("tls_available"))
    co_return error(ErrorKind::unavailable, server.text() + " has no TLS");
  if (encrypt) {
    if (tls_ == nullptr) {
      net::TlsClientOptions client;
      client.ca = options_.ca;
      client.verify = options_.verify;
      Result<std::shared_ptr<net::TlsContext>> made = net::TlsContext::client(std::move(client));
      if (!made.ok()) co_return std::move(made).error();
      tls_ = std::move(*made);
    }
    Result<std::unique_ptr<net::Transport>> wrapped = tls_->wrap(loop_, std::move(transport), server.host);
    if (!wrapped.ok()) co_return std::move(wrapped).error();
    stream_ = std::make_unique<net::Stream>(loop_, std::move(*wrapped));
  } else {
    stream_ = std::make_unique<net::Stream>(loop_, std::move(transport));
  }
  if (Result<void> started = stream_->start(); !started.ok()) co_return started;
  if (encrypt) {
    Result<void> shaken = co_await stream_->wait();
    if (!shaken.ok()) co_return shaken;
  }
  Result<std::string> command = connect_command(info->root());
  if (!command.ok()) co_return std::move(command).error();
  parser_.emplace(max_message);
  Result<void> greeted = co_await greet(stream_.get(), std::move(*command));
  if (greeted.ok()) learn(info->root());
  co_return greeted;
}

Task<Result<std::string>> Connection::read_info(net::Stream* stream) {
  std::string text;
  for (;;) {
    const std::size_t before = text.size();
    text.resize(before + 4096);
    Result<std::size_t> got = co_await stream->read(text.data() + before, 4096);
    if (!got.ok()) {
      if (got.error().kind() == ErrorKind::cancelled) co_return Result<std::string>(std::move(got).error());
      co_return Result<std::string>(error(ErrorKind::unavailable, "cannot connect to " + stream->transport().peer()));
    }
    if (*got == 0) co_return Result<std::string>(error(ErrorKind::unavailable, stream->transport().peer() + " hung up"));
    text.resize(before + *got);
    const std::size_t end = text.find('\n');
    if (end == std::string::npos && text.size() < Parser::max_line) continue;
    const std::size_t begin = text.find('{');
    if (end == std::string::npos || !text.starts_with("INFO ") || begin > end)
      co_return Result<std::string>(error(ErrorKind::corrupt, stream->transport().peer() + " is no NATS server"));
    co_return Result<std::string>(text.substr(begin, end - begin));
  }
}

Result<std::string> Connection::connect_command(Value info) const {
  std::string out = "CONNECT ";
  json::Writer writer(out);
  const auto pair = [&writer](std::string_view name, std::string_view value) {
    writer.key(name);
    writer.string(value);
  };
  writer.begin_object();
  for (const std::string_view no : {"verbose", "pedantic"}) {
    writer.key(no);
    writer.boolean(false);
  }
  for (const std::string_view yes : {"headers", "no_responders", "echo"}) {
    writer.key(yes);
    writer.boolean(true);
  }
  pair("name", "spikard");
  pair("lang", "cpp");
  pair("version", "1");
  writer.key("protocol");
  writer.integer(1);
  if (!options_.user.empty()) {
    pair("user", options_.user);
    pair("pass", options_.password);
  }
  if (!options_.token.empty()) pair("auth_token", options_.token);
  const Value nonce = info.find("nonce");
  if (!options_.seed.empty() && nonce.is_string()) {
    Result<std::string> signature = Nkey::sign(options_.seed, nonce.text());
    if (!signature.ok()) return signature;
    if (options_.jwt.empty()) {
      Result<std::string> key = Nkey::public_key(options_.seed);
      if (!key.ok()) return key;
      pair("nkey", *key);
    } else {
      pair("jwt", options_.jwt);
    }
    pair("sig", *signature);
  }
  writer.end_object();
  out += "\r\nPING\r\n";
  return out;
}

Task<Result<void>> Connection::greet(net::Stream* stream, std::string command) {
  Result<void> sent = co_await stream->write(command);
  if (!sent.ok()) co_return sent;
  for (;;) {
    Result<Parser::Event> event = parser_->next();
    if (!event.ok()) co_return std::move(event).error();
    if (event->kind == Parser::Kind::pong) co_return Result<void>();
    if (event->kind == Parser::Kind::error) {
      const std::string text(event->text);
      const bool refused = text.find("uthorization") != std::string::npos || text.find("uthentication") != std::string::npos;
      co_return error(refused ? ErrorKind::permission_denied : ErrorKind::unavailable, "the server says: " + text);
    }
    if (event->kind != Parser::Kind::none) continue;
    Result<std::size_t> got = co_await stream->read(parser_->room(4096), 4096);
    if (!got.ok()) co_return std::move(got).error();
    if (*got == 0) co_return error(ErrorKind::unavailable, stream->transport().peer() + " hung up");
    parser_->filled(*got);
  }
}

Task<Result<void>> Connection::serve() {
  net::Event next_turn(loop_);
  for (;;) {
    for (;;) {
      Result<Parser::Event> event = parser_->next();
      if (!event.ok()) co_return std::move(event).error();
      if (event->kind == Parser::Kind::none) break;
      if (Result<void> good = handle(*event); !good.ok()) co_return good;
    }
    for (const std::shared_ptr<Feed>& feed : touched_) Feed::tell(feed);
    touched_.clear();
    forget_finished();
    write_more();
    Result<std::size_t> got = co_await stream_->read(parser_->room(read_size), read_size);
    if (!got.ok()) co_return std::move(got).error();
    if (*got == 0) co_return error(ErrorKind::unavailable, stream_->transport().peer() + " hung up");
    parser_->filled(*got);
    heard_ = loop_.now();
    if (*got < read_size) continue;
    // There may be no end of it, and others of this loop want their turn.
    next_turn.reset();
    loop_.post([&next_turn, alive = std::weak_ptr(alive_)] {
      if (!alive.expired()) next_turn.set();
    });
    Result<void> waited = co_await next_turn.wait();
    if (!waited.ok()) co_return waited;
  }
}

void Connection::connected() {
  connected_ = true;
  alive_ = std::make_shared<bool>(true);
  last_failure_.clear();
  heard_ = loop_.now();
  stream_->on_change([this] { flush(); });
  out_ = "SUB " + inbox_ + "* ";
  append_command(out_, {}, inbox_sid);
  std::erase_if(subscriptions_, [](const auto& one) { return one.second.command.empty(); });
  for (auto& [sid, one] : subscriptions_) {
    out_ += one.command;
    Incoming again;
    again.status = Incoming::reconnected;
    one.feed->push(std::move(again));
    Feed::tell(one.feed);
  }
  std::erase_if(confirms_, [](const auto& one) { return one->over || one->unsubscribed != 0; });
  for (const auto& one : confirms_) out_ += one->commands;
  confirms_written_ = confirms_.size();
  write_more();
  ping_timer_.start(options_.ping);
  queue_flush();
}

void Connection::disconnected() {
  connected_ = false;
  alive_.reset();
  ping_timer_.stop();
  stream_->on_change(nullptr);
  out_.clear();
  out_sent_ = 0;
  pings_.clear();
  confirms_written_ = confirms_pinged_ = 0;
  in_flight_ = in_flight_bytes_ = 0;
  for (Pending& one : pending_) one.counted = false;
  again_.clear();
  forget_finished();
  next_write_ = first_number_;
}

Result<void> Connection::handle(const Parser::Event& event) {
  switch (event.kind) {
    case Parser::Kind::message: message(event); break;
    case Parser::Kind::ping:
      out_ += "PONG\r\n";
      queue_flush();
      break;
    case Parser::Kind::pong: {
      if (pings_.empty()) break;
      std::size_t count = pings_.front();
      pings_.pop_front();
      confirms_written_ -= count;
      confirms_pinged_ -= count;
      for (; count > 0; --count) {
        const std::shared_ptr<Confirm> one = std::move(confirms_.front());
        confirms_.pop_front();
        if (one->unsubscribed != 0) subscriptions_.erase(one->unsubscribed);
        if (!one->over) {
          for (const std::shared_ptr<Feed>& feed : touched_) Feed::tell(feed);  // before it
          one->waiting.tell(Result<void>());
        }
      }
      break;
    }
    case Parser::Kind::info:
      if (Result<Document> info = json::parse(event.text); info.ok() && info->root().is_object()) learn(info->root());
      break;
    case Parser::Kind::error: {
      server_error(event.text);
      break;
    }
    case Parser::Kind::none:
    case Parser::Kind::ok: break;
  }
  return {};
}

void Connection::message(const Parser::Event& event) {
  if (event.sid == inbox_sid) {
    if (!event.subject.starts_with(inbox_)) return;
    if (const auto which = number(event.subject.substr(inbox_.size()))) answered(*which, event);
    return;
  }
  const auto at = subscriptions_.find(event.sid);
  if (at == subscriptions_.end()) return;
  Incoming incoming;
  incoming.subject = event.subject;
  incoming.reply = event.reply;
  incoming.payload = event.payload;
  if (!event.headers.empty()) {
    Result<HeaderBlock> block = parse_headers(event.headers);
    if (!block.ok()) return;  // nobody can read it; JetStream brings it again
    incoming.status = block->status;
    incoming.description = std::move(block->description);
    incoming.headers = std::move(block->headers);
    incoming.own = std::move(block->own);
  }
  at->second.feed->push(std::move(incoming));
  if (touched_.empty() || touched_.back() != at->second.feed) touched_.push_back(at->second.feed);
}

void Connection::answered(std::uint64_t which, const Parser::Event& event) {
  if (which < first_number_ || which - first_number_ >= pending_.size()) return;
  Pending& one = pending_[which - first_number_];
  if (one.exchange == nullptr) return;
  Reply reply;
  if (!event.headers.empty()) {
    Result<HeaderBlock> block = parse_headers(event.headers);
    if (!block.ok()) {
      reply.error = std::move(block).error();
    } else {
      reply.status = block->status;
      reply.description = std::move(block->description);
      reply.headers = std::move(block->headers);
      reply.own = std::move(block->own);
    }
  }
  if (reply.status == 503 || goes_by(event.payload)) {
    one.again = loop_.now() + again_after;
    again_.push_back(which);
    return;
  }
  reply.payload = event.payload;
  finish(one, std::move(reply));
}

void Connection::server_error(std::string_view text) {
  last_failure_ = "the server says: " + std::string(text);
  constexpr std::string_view refused = "Permissions Violation for Publish to \"";
  if (!text.starts_with(refused)) return;
  const std::string_view subject = text.substr(refused.size(), text.find('"', refused.size()) - refused.size());
  for (Pending& one : pending_) {
    if (one.exchange == nullptr || !one.written || one.message.subject != subject) continue;
    Reply reply;
    reply.error = error(ErrorKind::permission_denied, "the server does not let us publish to " + std::string(subject));
    finish(one, std::move(reply));
  }
}

void Connection::learn(Value info) {
  if (const Value most = info.find("max_payload"); most.exists() && most.node().is_number())
    max_payload_.store(static_cast<std::size_t>(std::max<std::int64_t>(most.as_int(), 0)), std::memory_order_relaxed);
  const Value urls = info.find("connect_urls");
  if (!urls.is_array()) return;
  for (const Value one : urls.elements()) {
    if (!one.is_string() || servers_.size() >= max_servers) continue;
    const std::string_view text = one.text();
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) continue;
    Server server;
    server.host = text.substr(0, colon);
    if (server.host.size() > 2 && server.host.front() == '[') server.host = server.host.substr(1, server.host.size() - 2);
    const auto port = number(text.substr(colon + 1));
    if (!port || *port > 65535) continue;
    server.port = static_cast<std::uint16_t>(*port);
    servers_.add(std::move(server));
  }
}

void Connection::add(std::shared_ptr<Exchange> exchange) {
  if (stopping_ || pending_.size() + exchange->messages.size() > window + max_waiting) {
    exchange->waiting.tell(stopping_ ? error(ErrorKind::unavailable, "the client was closed")
                                     : error(ErrorKind::rate_limited, "too many messages wait for the server"));
    return;
  }
  exchange->deadline = loop_.now() + options_.timeout;
  exchange->open = exchange->messages.size();
  exchange->replies.resize(exchange->open);
  exchange->first = first_number_ + pending_.size();
  for (std::size_t i = 0; i < exchange->messages.size(); ++i) {
    Pending& one = pending_.emplace_back();
    one.exchange = exchange;
    one.index = i;
    one.message = std::move(exchange->messages[i]);
  }
  exchange->messages.clear();
  exchanges_.push_back(std::move(exchange));
  if (!deadline_.armed()) deadline_.start(again_after);
  write_more();
}

void Connection::add(std::shared_ptr<Confirm> confirm) {
  if (stopping_) {
    confirm->waiting.tell(error(ErrorKind::unavailable, "the client was closed"));
    return;
  }
  confirm->deadline = loop_.now() + options_.timeout;
  if (connected_) {
    out_ += confirm->commands;
    ++confirms_written_;
    queue_flush();
  }
  confirms_.push_back(std::move(confirm));
  if (!deadline_.armed()) deadline_.start(again_after);
}

void Connection::write_more() {
  if (!connected_) return;
  const std::uint64_t end = first_number_ + pending_.size();
  for (; next_write_ < end && in_flight_ < window && in_flight_bytes_ < window_bytes; ++next_write_) {
    Pending& one = pending_[next_write_ - first_number_];
    if (one.exchange != nullptr) write(one, next_write_);
  }
}

void Connection::write(Pending& one, std::uint64_t which) {
  const Outgoing& message = one.message;
  char digits[20];
  const auto digits_end = std::to_chars(digits, digits + sizeof digits, which).ptr;
  reply_.assign(inbox_).append(digits, digits_end);
  append_publish(out_, message.subject, reply_, message.headers, message.payload);
  one.written = true;
  if (!std::exchange(one.counted, true)) {
    ++in_flight_;
    in_flight_bytes_ += message.payload.size() + message.headers.size();
  }
  queue_flush();
}

void Connection::finish(Pending& one, Reply reply) {
  if (std::exchange(one.counted, false)) {
    --in_flight_;
    in_flight_bytes_ -= one.message.payload.size() + one.message.headers.size();
  }
  const std::shared_ptr<Exchange> exchange = std::move(one.exchange);
  one.exchange = nullptr;
  one.message = Outgoing();
  exchange->replies[one.index] = std::move(reply);
  if (--exchange->open == 0) exchange->waiting.tell(std::move(exchange->replies));
}

void Connection::forget_finished() {
  while (!pending_.empty() && pending_.front().exchange == nullptr) {
    pending_.pop_front();
    ++first_number_;
  }
  next_write_ = std::max(next_write_, first_number_);
  while (!exchanges_.empty() && exchanges_.front()->open == 0) exchanges_.pop_front();
}

Error Connection::timed_out(bool written) const {
  std::string why = connected_ ? "the server did not answer in time" : "no connection to the server";
  if (!last_failure_.empty()) why += ": " + last_failure_;
  return error(written ? ErrorKind::outcome_unknown : ErrorKind::unavailable, std::move(why)).with_retry(RetryClass::temporary);
}

void Connection::expire() {
  const Instant now = loop_.now();
  for (; !exchanges_.empty() && (exchanges_.front()->open == 0 || exchanges_.front()->deadline <= now); exchanges_.pop_front()) {
    const std::shared_ptr<Exchange> exchange = exchanges_.front();
    const std::uint64_t end = exchange->first + exchange->replies.size();
    for (std::uint64_t which = std::max(exchange->first, first_number_); exchange->open > 0 && which < end; ++which) {
      Pending& one = pending_[which - first_number_];
      if (one.exchange != exchange) continue;
      Reply late;
      late.error = timed_out(one.written);
      finish(one, std::move(late));
    }
  }
  forget_finished();
  for (const auto& one : confirms_) {
    if (one->deadline > now) break;
    if (!std::exchange(one->over, true)) one->waiting.tell(timed_out(false));
  }
  if (connected_ && !again_.empty()) {
    std::vector<std::uint64_t> due;
    std::erase_if(again_, [&](std::uint64_t which) {
      const bool there = which >= first_number_ && which - first_number_ < pending_.size();
      if (there && pending_[which - first_number_].again > now) return false;
      if (there) due.push_back(which);
      return true;
    });
    for (const std::uint64_t which : due) {
      Pending& one = pending_[which - first_number_];
      if (one.exchange != nullptr) write(one, which);
    }
  }
  write_more();
  if (!exchanges_.empty() || !confirms_.empty()) deadline_.start(again_after);
}

void Connection::ping() {
  if (!connected_) return;
  if (loop_.now() - heard_ >= options_.ping * 2) {
    last_failure_ = "the server is silent";
    session_.cancel(CancelReason::deadline);
    return;
  }
  out_ += "PING\r\n";
  // It covers what was written before it as well.
  pings_.push_back(confirms_written_ - confirms_pinged_);
  confirms_pinged_ = confirms_written_;
  queue_flush();
  ping_timer_.start(options_.ping);
}

void Connection::flush() {
  if (!connected_) return;
  if (confirms_written_ > confirms_pinged_) {
    out_ += "PING\r\n";
    pings_.push_back(confirms_written_ - confirms_pinged_);
    confirms_pinged_ = confirms_written_;
  }
  while (out_sent_ < out_.size()) {
    const net::IoResult put = stream_->try_write(std::string_view(out_).substr(out_sent_));
    if (put.status == net::IoStatus::would_block) break;
    if (put.status != net::IoStatus::ok) return;  // the reading side sees it as well
    out_sent_ += put.bytes;
  }
  if (out_sent_ == out_.size()) {
    out_.clear();
    out_sent_ = 0;
    if (out_.capacity() > (4U << 20U)) out_.shrink_to_fit();
  } else if (out_sent_ > (1U << 20U)) {
    out_.erase(0, out_sent_);
    out_sent_ = 0;
  }
}

// ---- its thread ----------------------------------------------------------------------------------------------------

Result<std::unique_ptr<Wire>> Wire::open(NatsOptions options) {
  std::unique_ptr<Wire> wire(new Wire);
  Result<std::unique_ptr<net::ServiceThread>> thread = net::ServiceThread::start(wire->clock_, "spikard-nats");
  if (!thread.ok()) return std::move(thread).error();
  wire->thread_ = std::move(*thread);
  net::Loop& loop = wire->thread_->loop();
  auto promise = std::make_shared<std::promise<Result<void>>>();
  std::future<Result<void>> up = promise->get_future();
  loop.post([wire = wire.get(), &loop, options = std::move(options), promise]() mutable {
    wire->connection_ = std::make_shared<Connection>(loop, std::move(options));
    wire->connection_->start([promise](Result<void> how) { promise->set_value(std::move(how)); });
  });
  if (Result<void> how = up.get(); !how.ok()) return std::move(how).error();
  return wire;
}

Result<void> Wire::run(Function<Task<Result<void>>(net::Loop&)> task) {
  std::promise<Result<void>> promise;
  std::future<Result<void>> done = promise.get_future();
  net::Loop& loop = thread_->loop();
  loop.post([&] {
    spawn(task(loop), [&promise](const std::exception_ptr& failure, std::optional<Result<void>> how) {
      if (failure != nullptr || !how) promise.set_value(internal_error("an exception at start-up"));
      else promise.set_value(std::move(*how));
    });
  });
  return done.get();
}

Wire::~Wire() {
  if (thread_ == nullptr) return;
  if (connection_ != nullptr) {
    std::promise<void> promise;
    std::future<void> done = promise.get_future();
    thread_->loop().post([&] { connection_->stop([&promise] { promise.set_value(); }); });
    done.wait();
  }
  thread_->stop();
  connection_.reset();
}

}  // namespace spikard::messaging::nats
