#include "net/mqtt/client.hpp"

#include <algorithm>
#include <random>

#include "net/mqtt/reason.hpp"
#include "net/transport.hpp"

namespace spikard::net::mqtt {
namespace {

constexpr std::size_t read_size = 64U << 10U;
constexpr Duration first_backoff = std::chrono::milliseconds(50);
constexpr Duration last_backoff = std::chrono::seconds(2);
constexpr Duration steady = std::chrono::seconds(5);  // a connection that lasted so long was a good one
constexpr std::size_t max_pings = 1000;
constexpr Duration look_every = std::chrono::milliseconds(100);

Error error(ErrorKind kind, std::string message) { return Error(kind, std::move(message)).with_operation("net.mqtt"); }

SessionOptions session_options(const ClientOptions& options) {
  SessionOptions out;
  out.version = options.version;
  out.receive_maximum = options.receive_maximum;
  out.send_maximum = options.send_maximum > 0 ? options.send_maximum : options.version == Version::v5 ? 1024 : 20;
  return out;
}

}  // namespace

Client::Client(net::Loop& loop, ClientOptions options)
    : loop_(loop),
      options_(std::move(options)),
      session_(session_options(options_), *this),
      servers_(loop, options_.servers),
      clean_(options_.clean_start),
      room_(loop),
      deadline_(loop, [this] { expire(); }),
      keep_(loop, [this] { tick(); }) {}

Client::~Client() = default;

void Client::start(Done first) {
  first_ = std::move(first);
  running_ = true;
  spawn(run(), [self = shared_from_this()](const std::exception_ptr&) {
    self->running_ = false;
    if (self->stopped_) std::exchange(self->stopped_, {})();
  });
}

void Client::stop(Function<void()> done) {
  stopping_ = true;
  if (!running_) return done();
  stopped_ = std::move(done);
  if (session_.connected()) {
    Notice bye;
    if (encode(session_.output(), options_.version, bye).ok()) flush();
  }
  life_.cancel(CancelReason::shutdown);
}

Task<> Client::run() {
  std::minstd_rand random(std::random_device{}());
  Duration backoff = first_backoff;
  while (!stopping_) {
    link_ = CancelSource(life_.token());
    Task<Result<void>> connecting =
        net::with_deadline(loop_, options_.connect_timeout + look_every, connect_any()).with_token(link_.token());
    Result<void> up = co_await std::move(connecting);
    if (!up.ok() && up.error().kind() == ErrorKind::timeout) up = error(ErrorKind::unavailable, "no MQTT server answers");
    if (first_) {
      const bool over = !up.ok();
      if (!over) connected(*connack_);
      std::exchange(first_, {})(over ? Result<void>(up.error()) : Result<void>());
      if (over) break;
    } else if (up.ok()) {
      connected(*connack_);
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
  ended_ = true;
  deadline_.stop();
  for (auto& [number, one] : std::exchange(waiting_, {})) {
    const bool sent = session_.abandon(number);
    one.done(error(sent ? ErrorKind::outcome_unknown : ErrorKind::unavailable, "the MQTT client was closed"));
  }
  for (Done& done : std::exchange(pings_, {})) {
    if (done) done(error(ErrorKind::unavailable, "the MQTT client was closed"));
  }
}

Task<Result<void>> Client::connect_any() {
  Task<Result<void>> connecting =
      servers_.connect(options_.connect_timeout, "net.mqtt",
                       [this](Server server, std::string address) { return connect_one(std::move(server), std::move(address)); });
  Result<void> up = co_await std::move(connecting);
  co_return up;
}

Task<Result<void>> Client::connect_one(Server server, std::string address) {
  stream_.reset();
  Result<std::unique_ptr<net::Transport>> transport = net::connect(loop_, address);
  if (!transport.ok()) co_return std::move(transport).error();
  if (options_.tls) {
    if (tls_ == nullptr) {
      net::TlsClientOptions client;
      client.ca = options_.ca;
      client.verify = options_.verify;
      Result<std::shared_ptr<net::TlsContext>> made = net::TlsContext::client(std::move(client));
      if (!made.ok()) co_return std::move(made).error();
      tls_ = std::move(*made);
    }
    transport = tls_->wrap(loop_, std::move(*transport), server.host);
    if (!transport.ok()) co_return std::move(transport).error();
  }
  stream_ = std::make_unique<net::Stream>(loop_, std::move(*transport));
  if (Result<void> started = stream_->start(); !started.ok()) co_return started;
  reader_.emplace(options_.version, options_.max_packet);
  Result<Connack> connack = co_await greet();
  if (!connack.ok()) co_return std::move(connack).error();
  connack_ = std::move(*connack);
  co_return Result<void>();
}

Connect Client::greeting() const {
  Connect out;
  out.version = options_.version;
  out.client_id = options_.client_id;
  out.clean_start = options_.version == Version::v5 ? clean_ : options_.clean_start;
  out.keep_alive = static_cast<std::uint16_t>(options_.keep_alive.count());
  out.user = options_.user;
  out.password = options_.password;
  out.will = options_.will;
  if (options_.version == Version::v5) {
    if (options_.session_expiry > std::chrono::seconds(0)) {
      const auto most = std::min<std::int64_t>(options_.session_expiry.count(), UINT32_MAX);
      out.properties.add(PropertyId::session_expiry, static_cast<std::uint32_t>(most));
    }
    out.properties.add(PropertyId::receive_maximum, std::uint32_t{options_.receive_maximum});
    out.properties.add(PropertyId::maximum_packet_size, options_.max_packet);
  }
  return out;
}

Task<Result<Connack>> Client::greet() {
  using Greeted = Result<Connack>;
  std::string text;
  if (Result<void> said = encode(text, options_.version, greeting()); !said.ok()) co_return Greeted(std::move(said).error());
  Result<void> sent = co_await stream_->write(text);
  if (!sent.ok()) co_return Greeted(std::move(sent).error());
  for (;;) {
    Result<std::optional<Packet>> packet = reader_->next();
    if (!packet.ok()) co_return Greeted(std::move(packet).error());
    if (packet->has_value()) {
      auto* connack = std::get_if<Connack>(&**packet);
      if (connack == nullptr) co_return Greeted(error(ErrorKind::corrupt, "MQTT: the server's first packet is no CONNACK"));
      if (connack->reason == 0) co_return Greeted(std::move(*connack));
      if (options_.version == Version::v3_1_1 || connack->reason < 0x80) co_return Greeted(error_of_return_code(connack->reason));
      co_return Greeted(error_of(connack->reason, connack->properties));
    }
    Result<std::size_t> got = co_await stream_->read(reader_->room(4096), 4096);
    if (!got.ok()) co_return Greeted(std::move(got).error());
    if (*got == 0) co_return Greeted(error(ErrorKind::unavailable, stream_->transport().peer() + " hung up"));
    reader_->filled(*got);
  }
}

Task<Result<void>> Client::serve() {
  net::Event next_turn(loop_);
  for (;;) {
    for (;;) {
      if (!session_.may_read()) {
        room_.reset();
        flush();
        Result<void> waited = co_await room_.wait();
        if (!waited.ok()) co_return waited;
        continue;
      }
      Result<std::optional<Packet>> packet = reader_->next();
      if (!packet.ok()) co_return std::move(packet).error();
      if (!packet->has_value()) break;
      if (Result<void> good = session_.handle(std::move(**packet)); !good.ok()) co_return good;
    }
    queue_flush();
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

void Client::connected(const Connack& connack) {
  ++connections_;
  clean_ = false;
  alive_ = std::make_shared<bool>(true);
  last_failure_.clear();
  heard_ = said_ = loop_.now();
  written_ = 0;
  keep_alive_ = options_.keep_alive;
  if (const auto said = connack.properties.number(PropertyId::server_keep_alive); said && *said > 0)
    keep_alive_ = std::chrono::seconds(*said);
  stream_->on_change([this] { flush(); });
  session_.begin(connack);
  for (std::size_t i = 0; i < pings_.size(); ++i) session_.ping();
  keep_.start(std::max<Duration>(keep_alive_ / 2, look_every));
  queue_flush();
}

void Client::disconnected() {
  if (!session_.connected()) return;
  session_.end();
  alive_.reset();
  keep_.stop();
  written_ = 0;
  std::erase_if(pings_, [](const Done& done) { return !done; });
  if (stream_ != nullptr) stream_->on_change(nullptr);
}

void Client::publish(Publish message, Done done) {
  if (ended_ || stopping_) return done(error(ErrorKind::unavailable, "the MQTT client was closed"));
  Result<std::uint64_t> number = session_.publish(std::move(message));
  if (!number.ok()) return done(std::move(number).error());
  wait_for(*number, std::move(done));
  session_.write_more();
  queue_flush();
}

void Client::subscribe(Filter filter, Done done) {
  if (ended_ || stopping_) return done(error(ErrorKind::unavailable, "the MQTT client was closed"));
  if (!is_filter(filter.filter)) return done(error_of(0x8f));
  wait_for(session_.subscribe(std::move(filter)), std::move(done));
  queue_flush();
}

void Client::unsubscribe(std::string filter, Done done) {
  if (ended_ || stopping_) return done(error(ErrorKind::unavailable, "the MQTT client was closed"));
  if (!is_filter(filter)) return done(error_of(0x8f));
  wait_for(session_.unsubscribe(std::move(filter)), std::move(done));
  queue_flush();
}

void Client::acknowledge(Delivery delivery) {
  session_.acknowledge(delivery);
  if (session_.may_read()) room_.set();
  if (session_.connected()) queue_flush();
}

void Client::ping(Done done) {
  if (ended_ || stopping_) return done(error(ErrorKind::unavailable, "the MQTT client was closed"));
  send_ping(std::move(done));
}

void Client::send_ping(Done done) {
  pings_.push_back(std::move(done));
  session_.ping();
  queue_flush();
}

void Client::on_message(Publish message, Delivery delivery) {
  if (message_) message_(std::move(message), delivery);
  else session_.acknowledge(delivery);
}

void Client::on_pong() {
  if (pings_.empty()) return;
  Done done = std::move(pings_.front());
  pings_.pop_front();
  if (done) done(Result<void>());
}

void Client::wait_for(std::uint64_t number, Done done) {
  const Instant deadline = loop_.now() + options_.timeout;
  waiting_.emplace(number, Waiting{std::move(done), deadline});
  deadlines_.emplace_back(deadline, number);
  if (!deadline_.armed()) deadline_.start(look_every);
}

void Client::answer(std::uint64_t number, std::optional<Error> failure) {
  const auto at = waiting_.find(number);
  if (at == waiting_.end()) return;
  Done done = std::move(at->second.done);
  waiting_.erase(at);
  done(failure ? Result<void>(std::move(*failure)) : Result<void>());
}

Error Client::timed_out(bool sent) const {
  std::string why = session_.connected() ? "the MQTT server did not answer in time" : "no connection to the MQTT server";
  if (!last_failure_.empty()) why += ": " + last_failure_;
  return error(sent ? ErrorKind::outcome_unknown : ErrorKind::unavailable, std::move(why)).with_retry(RetryClass::temporary);
}

void Client::expire() {
  const Instant now = loop_.now();
  while (!deadlines_.empty()) {
    const auto [deadline, number] = deadlines_.front();
    const auto at = waiting_.find(number);
    if (at != waiting_.end() && deadline > now) break;
    deadlines_.pop_front();
    if (at == waiting_.end()) continue;
    Done done = std::move(at->second.done);
    waiting_.erase(at);
    done(timed_out(session_.abandon(number)));
  }
  if (!deadlines_.empty()) deadline_.start(look_every);
}

// Every half of the time the server grants.
void Client::tick() {
  if (!session_.connected()) return;
  const Instant now = loop_.now();
  const Duration half = std::max<Duration>(keep_alive_ / 2, look_every);
  if (!pings_.empty() && now - heard_ >= half * 2 && session_.may_read()) {
    last_failure_ = "the MQTT server is silent";
    link_.cancel(CancelReason::deadline);
    return;
  }
  if (now - said_ >= half - look_every || now - heard_ >= half - look_every) {
    if (pings_.size() < max_pings) send_ping(nullptr);
  }
  keep_.start(half);
}

void Client::flush() {
  if (!session_.connected()) return;
  for (;;) {
    std::string& out = session_.output();
    bool full = false;
    while (written_ < out.size()) {
      const net::IoResult put = stream_->try_write(std::string_view(out).substr(written_));
      if (put.status == net::IoStatus::would_block) {
        full = true;
        break;
      }
      if (put.status != net::IoStatus::ok) return;  // the reading side sees it as well
      written_ += put.bytes;
      said_ = loop_.now();
    }
    if (written_ == out.size()) out.clear();
    else out.erase(0, written_);
    written_ = 0;
    if (full) return;
    session_.write_more();
    if (out.empty()) return;
  }
}

}  // namespace spikard::net::mqtt
