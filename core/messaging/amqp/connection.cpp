#include "messaging/amqp/connection.hpp"

#include <algorithm>
#include <charconv>
#include <future>
#include <random>

#include "net/transport.hpp"

namespace spikard::messaging::amqp {
namespace {

constexpr std::size_t read_size = 64U << 10U;
constexpr std::uint32_t our_frame_max = 128U << 10U;
constexpr std::uint16_t our_channel_max = 2047;
constexpr Duration first_backoff = std::chrono::milliseconds(50);
constexpr Duration last_backoff = std::chrono::seconds(2);
constexpr Duration steady = std::chrono::seconds(5);  // a connection that lasted so long was a good one
constexpr Duration look_every = std::chrono::milliseconds(100);

Error error(ErrorKind kind, std::string message) { return Error(kind, std::move(message)).with_operation("messaging.amqp"); }

/// Nought is no limit.
template <class T>
T lower(T ours, T theirs) {
  return theirs == 0 ? ours : std::min(ours, theirs);
}

}  // namespace

Error error_of(std::uint16_t code, std::string_view text) {
  ErrorKind kind = ErrorKind::internal;
  RetryClass retry = RetryClass::permanent;
  switch (code) {
    case 311: kind = ErrorKind::too_large; break;
    case 312:
    case 404: kind = ErrorKind::not_found; break;
    case 403:
    case 530: kind = ErrorKind::permission_denied; break;
    case 405: kind = ErrorKind::conflict; break;
    case 406: kind = ErrorKind::condition_failed; break;
    case 402: kind = ErrorKind::invalid_argument; break;
    case 540: kind = ErrorKind::unsupported; break;
    case 313:
    case 320:
    case 506:
    case 541:
      kind = ErrorKind::unavailable;
      retry = RetryClass::temporary;
      break;
    default: break;
  }
  return error(kind, "the broker says: " + std::to_string(code) + " " + std::string(text)).with_retry(retry);
}

std::vector<Feed::Item> Feed::take() {
  const std::lock_guard lock(mutex_);
  told_ = false;
  return std::exchange(items_, {});
}

void Feed::push(Item item) {
  const std::lock_guard lock(mutex_);
  items_.push_back(std::move(item));
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

Connection::Connection(net::Loop& loop, AmqpOptions options)
    : loop_(loop),
      options_(std::move(options)),
      servers_(loop, options_.servers),
      deadline_(loop, [this] { expire(); }),
      heartbeat_(loop, [this] { beat(); }) {}

Connection::~Connection() = default;

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
  if (connected_) {
    put_close(out_, 0);
    flush();
  }
  life_.cancel(CancelReason::shutdown);
}

Task<> Connection::run() {
  std::minstd_rand random(std::random_device{}());
  Duration backoff = first_backoff;
  while (!stopping_) {
    link_ = CancelSource(life_.token());
    Task<Result<void>> connecting =
        net::with_deadline(loop_, options_.connect_timeout + look_every, connect_any()).with_token(link_.token());
    Result<void> up = co_await std::move(connecting);
    if (!up.ok() && up.error().kind() == ErrorKind::timeout) up = error(ErrorKind::unavailable, "no broker answers");
    if (up.ok()) connected();
    if (first_) {
      const bool over = !up.ok();
      std::exchange(first_, {})(up);
      if (over) break;
    }
    if (up.ok() && !stopping_) {
      const Instant since = loop_.now();
      Task<Result<void>> serving = serve().with_token(link_.token());
      up = co_await std::move(serving);
      if (loop_.now() - since >= steady) backoff = first_backoff;
    }
    disconnected();
    stream_.reset();
    if (!up.ok() && up.error().kind() != ErrorKind::cancelled) last_failure_ = up.error().message();
    if (stopping_) break;
    const auto jitter = std::uniform_int_distribution<std::int64_t>(0, backoff.count() / 2)(random);
    Task<Result<void>> wait = net::sleep(loop_, backoff - Duration(jitter)).with_token(life_.token());
    Result<void> waited = co_await std::move(wait);
    (void)waited;
    backoff = std::min(backoff * 2, last_backoff);
  }
  disconnected();
  stream_.reset();
  stopping_ = true;
  deadline_.stop();
  for (Pending& one : pending_) {
    if (one.batch != nullptr)
      finish(one, error(one.written ? ErrorKind::outcome_unknown : ErrorKind::unavailable, "the client was closed"));
  }
  std::vector<std::uint64_t> open;
  for (const auto& [number, one] : conversations_) open.push_back(number);
  for (const std::uint64_t number : open) end_calls(number, error(ErrorKind::unavailable, "the client was closed"));
  for (auto& [number, one] : consumers_) paused(one, error(ErrorKind::unavailable, "the client was closed"));
}

// ---- connecting ----------------------------------------------------------------------------------------------------

Task<Result<void>> Connection::connect_any() {
  Task<Result<void>> connecting = servers_.connect(
      options_.connect_timeout, "messaging.amqp",
      [this](net::Server server, std::string address) { return connect_one(std::move(server), std::move(address)); });
  Result<void> up = co_await std::move(connecting);
  co_return up;
}

Result<std::shared_ptr<net::TlsContext>> Connection::tls() {
  if (tls_ == nullptr) {
    net::TlsClientOptions client;
    client.ca = options_.ca;
    client.verify = options_.verify;
    client.certificate = options_.certificate;
    client.key = options_.key;
    Result<std::shared_ptr<net::TlsContext>> made = net::TlsContext::client(std::move(client));
    if (!made.ok()) return made;
    tls_ = std::move(*made);
  }
  return tls_;
}

Task<Result<void>> Connection::connect_one(Server server, std::string address) {
  stream_.reset();
  Result<std::unique_ptr<net::Transport>> transport = net::connect(loop_, address);
  if (!transport.ok()) co_return std::move(transport).error();
  if (options_.tls) {
    Result<std::shared_ptr<net::TlsContext>> context = tls();
    if (!context.ok()) co_return std::move(context).error();
    transport = (*context)->wrap(loop_, std::move(*transport), server.host);
    if (!transport.ok()) co_return std::move(transport).error();
  }
  stream_ = std::make_unique<net::Stream>(loop_, std::move(*transport));
  if (Result<void> started = stream_->start(); !started.ok()) co_return started;
  reader_.emplace(our_frame_max);
  out_ = protocol_header;
  Result<void> greeted = co_await greet();
  out_.clear();
  co_return greeted;
}

/// Start, tune, open. Each `await_method` writes what is in out_ first.
Task<Result<void>> Connection::greet() {
  constexpr MethodId steps[] = {MethodId::connection_start, MethodId::connection_tune, MethodId::connection_open_ok};
  for (const MethodId step : steps) {
    Result<void> done = co_await await_method(step);
    if (!done.ok()) co_return done;
  }
  co_return Result<void>();
}

Task<Result<void>> Connection::await_method(MethodId expected) {
  Result<void> sent = co_await stream_->write(out_);
  out_.clear();
  if (!sent.ok()) co_return sent;
  for (;;) {
    Frame frame;
    Result<bool> whole = reader_->next(frame);
    if (!whole.ok()) co_return std::move(whole).error();
    if (*whole) {
      if (frame.type == FrameType::heartbeat) continue;
      if (frame.type != FrameType::method) co_return error(ErrorKind::corrupt, "AMQP: no method where one must come");
      Result<Method> method = read_method(frame.payload);
      if (!method.ok()) co_return std::move(method).error();
      if (method->id == MethodId::connection_close) {
        Result<Close> close = read_close(*method);
        if (!close.ok()) co_return std::move(close).error();
        co_return error_of(close->code, close->text);
      }
      if (method->id == MethodId::connection_secure)
        co_return error(ErrorKind::unsupported, "the broker asks for another step of SASL");
      if (method->id != expected) co_return error(ErrorKind::corrupt, "AMQP: another method than the one that must come");
      if (expected == MethodId::connection_start) {
        Result<Start> start = read_start(*method);
        if (!start.ok()) co_return std::move(start).error();
        co_return read_greeting(*start);
      }
      if (expected == MethodId::connection_tune) {
        Result<Tune> tune = read_tune(*method);
        if (!tune.ok()) co_return std::move(tune).error();
        tune_.channel_max = lower(our_channel_max, tune->channel_max);
        tune_.frame_max = lower(our_frame_max, tune->frame_max);
        tune_.heartbeat = lower(static_cast<std::uint16_t>(options_.heartbeat.count()), tune->heartbeat);
        if (tune_.frame_max < least_frame) co_return error(ErrorKind::corrupt, "AMQP: a longest frame below 4096 bytes");
        put_tune_ok(out_, tune_);
        put_open(out_, options_.vhost);
      }
      co_return Result<void>();
    }
    Result<std::size_t> got = co_await stream_->read(reader_->room(4096), 4096);
    if (!got.ok()) co_return std::move(got).error();
    // Old brokers hang up where they refuse a password.
    if (*got == 0 && expected == MethodId::connection_tune)
      co_return error(ErrorKind::permission_denied, stream_->transport().peer() + " hung up on our login");
    if (*got == 0) co_return error(ErrorKind::unavailable, stream_->transport().peer() + " hung up");
    reader_->filled(*got);
  }
}

Result<void> Connection::read_greeting(const Start& start) {
  if (start.major != 0) return error(ErrorKind::corrupt, "AMQP: the broker does not speak 0-9-1");
  const bool good = each_entry(start.server_properties, [this](std::string_view name, const Field& value) {
    if (name != "version" || value.kind != Field::Kind::text) return;
    int major = 0;
    std::from_chars(value.text.data(), value.text.data() + value.text.size(), major);
    server_major_.store(major, std::memory_order_relaxed);
  });
  if (!good) return error(ErrorKind::corrupt, "AMQP: a table that is cut off");
  Login login;
  login.mechanism = options_.external ? "EXTERNAL" : "PLAIN";
  if (!options_.external) login.response = std::string(1, '\0') + options_.user + std::string(1, '\0') + options_.password;
  const std::string offered = " " + std::string(start.mechanisms) + " ";
  if (offered.find(" " + login.mechanism + " ") == std::string::npos)
    return error(ErrorKind::unsupported, "the broker has no SASL " + login.mechanism);
  put_start_ok(out_, login);
  return {};
}

// ---- being connected -----------------------------------------------------------------------------------------------

Task<Result<void>> Connection::serve() {
  net::Event next_turn(loop_);
  for (;;) {
    for (;;) {
      Frame frame;
      Result<bool> whole = reader_->next(frame);
      if (!whole.ok()) co_return std::move(whole).error();
      if (!*whole) break;
      if (Result<void> good = handle(frame); !good.ok()) co_return good;
    }
    for (const std::shared_ptr<Feed>& feed : touched_) Feed::tell(feed);
    touched_.clear();
    forget_finished();
    write_more();
    Result<std::size_t> got = co_await stream_->read(reader_->room(read_size), read_size);
    if (!got.ok()) co_return std::move(got).error();
    if (*got == 0) co_return error(ErrorKind::unavailable, stream_->transport().peer() + " hung up");
    reader_->filled(*got);
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

void Connection::beat() {
  if (!connected_ || tune_.heartbeat == 0) return;
  const Duration every = std::chrono::seconds(tune_.heartbeat);
  const Instant now = loop_.now();
  if (now - heard_ >= every * 2) {
    last_failure_ = "the broker is silent";
    link_.cancel(CancelReason::deadline);
    return;
  }
  if (now - said_ >= every / 2 && out_.empty()) {
    put_heartbeat(out_);
    queue_flush();
  }
  heartbeat_.start(every / 4);
}

void Connection::flush() {
  if (!connected_) return;
  while (out_sent_ < out_.size()) {
    const net::IoResult put = stream_->try_write(std::string_view(out_).substr(out_sent_));
    if (put.status == net::IoStatus::would_block) break;
    if (put.status != net::IoStatus::ok) return;  // the reading side sees it as well
    out_sent_ += put.bytes;
    said_ = loop_.now();
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

Error Connection::timed_out(bool written) const {
  std::string why = connected_ ? "the broker did not answer in time" : "no connection to the broker";
  if (!blocked_.empty()) why = "the broker takes no messages: " + blocked_;
  else if (flow_stopped_) why = "the broker takes no messages: channel.flow";
  if (!last_failure_.empty()) why += ": " + last_failure_;
  return error(written ? ErrorKind::outcome_unknown : ErrorKind::unavailable, std::move(why)).with_retry(RetryClass::temporary);
}

// ---- their thread --------------------------------------------------------------------------------------------------

Result<std::unique_ptr<Wire>> Wire::open(const AmqpOptions& options) {
  std::unique_ptr<Wire> wire(new Wire);
  Result<std::unique_ptr<net::ServiceThread>> thread = net::ServiceThread::start(wire->clock_, "spikard-amqp");
  if (!thread.ok()) return std::move(thread).error();
  wire->thread_ = std::move(*thread);
  net::Loop& loop = wire->thread_->loop();
  for (std::shared_ptr<Connection>* one : {&wire->publisher_, &wire->consumer_}) {
    auto promise = std::make_shared<std::promise<Result<void>>>();
    std::future<Result<void>> up = promise->get_future();
    loop.post([one, &loop, options, promise] {
      *one = std::make_shared<Connection>(loop, options);
      (*one)->start([promise](Result<void> how) { promise->set_value(std::move(how)); });
    });
    if (Result<void> how = up.get(); !how.ok()) return std::move(how).error();
  }
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
  for (const std::shared_ptr<Connection>& one : {publisher_, consumer_}) {
    if (one == nullptr) continue;
    std::promise<void> promise;
    std::future<void> done = promise.get_future();
    thread_->loop().post([&] { one->stop([&promise] { promise.set_value(); }); });
    done.wait();
  }
  thread_->stop();
  publisher_.reset();
  consumer_.reset();
}

}  // namespace spikard::messaging::amqp
