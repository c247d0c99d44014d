#include "net/redis/connection.hpp"

#include <sys/uio.h>

#include <algorithm>
#include <cstring>

#include "net/await.hpp"
#include "net/redis/command.hpp"
#include "net/redis/error.hpp"

namespace spikard::net::redis {
namespace {

constexpr std::size_t least_room = 16384;
constexpr std::size_t kept_room = 1U << 20U;

Error error(ErrorKind kind, std::string message) { return Error(kind, std::move(message)).with_operation("net.redis"); }

class Keep final : public Sink {
 public:
  void take(View reply) override { reply_ = Reply(reply); }
  [[nodiscard]] Reply& reply() noexcept { return reply_; }

 private:
  Reply reply_;
};

/// Errors of a login never show what the server says of its arguments.
Error login_failed(std::string_view text) {
  const Error plain = error_of(text);
  return Error(plain.kind(), "the login failed: " + std::string(code_of(text)))
      .with_retry(plain.retry())
      .with_operation("net.redis");
}

}  // namespace

Result<std::shared_ptr<TlsContext>> Dialer::tls() {
  if (tls_ == nullptr) {
    TlsClientOptions client;
    client.ca = options.tls_ca;
    client.verify = options.tls_verify;
    auto made = TlsContext::client(std::move(client));
    if (!made.ok()) return std::move(made).error();
    tls_ = std::move(made).value();
  }
  return tls_;
}

// ---- waiting ----------------------------------------------------------------------------------------------------------------

Exchange::~Exchange() {
  if (number_ && waiting_) connection_->forget(*number_);
}

bool Exchange::await_ready() noexcept {
  if (!token_.cancelled()) return false;
  outcome_.end = Outcome::End::cancelled;
  return true;
}

bool Exchange::await_suspend(std::coroutine_handle<> waiting) {
  Result<std::uint64_t> number = connection_->submit(bytes_, replies_, timeout_, this);
  if (!number.ok()) {
    outcome_.end = Outcome::End::refused;
    outcome_.why = std::move(number).error();
    return false;
  }
  number_ = *number;
  waiting_ = waiting;
  if (token_.can_be_cancelled()) {
    hook_.emplace(token_, [this](CancelReason) {
      connection_->forget(*number_);
      outcome_.end = Outcome::End::cancelled;
      std::exchange(waiting_, {}).resume();
    });
  }
  return true;
}

void Exchange::take(View reply, bool last) {
  sink_.take(reply);
  if (!last) return;
  hook_.reset();
  std::exchange(waiting_, {}).resume();
}

void Exchange::lost(const Error& why, bool sent) {
  outcome_.end = Outcome::End::lost;
  outcome_.sent = sent;
  outcome_.why = why;
  hook_.reset();
  std::exchange(waiting_, {}).resume();
}

// ---- the connection ---------------------------------------------------------------------------------------------------------

Connection::Connection(std::shared_ptr<Dialer> dialer, Endpoint endpoint, Use use)
    : dialer_(std::move(dialer)), endpoint_(std::move(endpoint)), use_(use), timer_(dialer_->loop, [this] { on_due(); }) {}

Connection::~Connection() {
  if (transport_ != nullptr) transport_->close();
}

Error Connection::broken() const {
  const std::string_view why = transport_ == nullptr ? std::string_view() : transport_->failure();
  std::string message = (ready_ ? "the connection to " : "cannot connect to ") + endpoint_.text();
  if (ready_) message += " broke";
  if (!why.empty()) message.append(": ").append(why);
  return error(ErrorKind::unavailable, std::move(message));
}

Result<void> Connection::attach(std::unique_ptr<Transport> transport) {
  transport_ = std::move(transport);
  return transport_->start(this);
}

Task<Result<std::shared_ptr<Connection>>> Connection::open(std::shared_ptr<Dialer> dialer, Endpoint endpoint, Use use) {
  using Made = Result<std::shared_ptr<Connection>>;
  const Busy busy(dialer->loop.clock());
  std::vector<std::string> addresses;
  if (endpoint.path.empty()) {
    Task<Result<std::vector<std::string>>> resolving = dialer->resolver.resolve(endpoint.host, endpoint.port);
    auto resolved = co_await net::with_deadline(dialer->loop, dialer->options.connect_timeout, std::move(resolving));
    if (!resolved.ok()) co_return Made(std::move(resolved).error());
    addresses = std::move(*resolved);
  } else {
    addresses.push_back("unix:" + endpoint.path);
  }
  std::optional<Error> first;
  const Duration each = dialer->options.connect_timeout / static_cast<long>(addresses.size());
  for (const std::string& address : addresses) {
    auto connection = std::make_shared<Connection>(dialer, endpoint, use);
    auto transport = net::connect(dialer->loop, address);
    if (!transport.ok()) {
      if (!first) first = std::move(transport).error();
      continue;
    }
    std::unique_ptr<Transport> raw = std::move(transport).value();
    if (dialer->options.tls && endpoint.path.empty()) {
      auto context = dialer->tls();
      if (!context.ok()) co_return Made(std::move(context).error());
      auto wrapped = (*context)->wrap(dialer->loop, std::move(raw), endpoint.host);
      if (!wrapped.ok()) co_return Made(std::move(wrapped).error());
      raw = std::move(wrapped).value();
    }
    if (auto attached = connection->attach(std::move(raw)); !attached.ok()) co_return Made(std::move(attached).error());
    Task<Result<void>> greeting = connection->greet();
    Result<void> greeted = co_await net::with_deadline(dialer->loop, each, std::move(greeting));
    if (greeted.ok()) {
      connection->ready_ = true;
      if (!connection->is_open()) co_return Made(connection->broken());
      co_return Made(std::move(connection));
    }
    Error why = std::move(greeted).error();
    connection->close(why);
    if (why.kind() == ErrorKind::timeout)
      why = error(ErrorKind::unavailable, "connecting to " + endpoint.text() + " took too long");
    if (why.kind() != ErrorKind::unavailable) co_return Made(std::move(why));
    if (!first) first = std::move(why);
  }
  if (!first) first = error(ErrorKind::unavailable, "there is no address of " + endpoint.text());
  co_return Made(*std::move(first));
}

Task<Result<Reply>> Connection::ask(std::string bytes) {
  Keep keep;
  CancelToken token = co_await current_token();
  Exchange exchange(shared_from_this(), bytes, 1, dialer_->options.connect_timeout, keep, std::move(token));
  Exchange::Outcome outcome = co_await exchange;
  switch (outcome.end) {
    case Exchange::Outcome::End::answered: co_return Result<Reply>(std::move(keep.reply()));
    case Exchange::Outcome::End::cancelled: co_return Result<Reply>(error(ErrorKind::cancelled, "connecting was cancelled"));
    default: co_return Result<Reply>(*std::move(outcome.why));
  }
}

/// HELLO with the login and the name; without RESP3 one by one.
Task<Result<void>> Connection::greet() {
  const Options& options = dialer_->options;
  const bool sentinel = use_ == Use::sentinel;
  const bool login = !options.password.empty() && (!sentinel || options.sentinel_auth);
  const std::string user = options.user.empty() ? "default" : options.user;
  bool old = options.protocol == 2;
  if (!old) {
    Command hello("HELLO");
    hello.arg(3);
    if (login) hello.arg("AUTH").arg(user).arg(options.password);
    if (!options.client_name.empty()) hello.arg("SETNAME").arg(options.client_name);
    Result<Reply> reply = co_await ask(std::string(hello.bytes()));
    if (!reply.ok()) co_return Result<void>(std::move(reply).error());
    if (reply->kind() == Kind::error) {
      const std::string_view code = code_of(reply->text());
      const ErrorKind kind = error_of(reply->text()).kind();
      old = code == "NOPROTO" || (code == "ERR" && kind == ErrorKind::unsupported);
      if (!old) co_return Result<void>(login_failed(reply->text()));
    } else {
      resp3_ = true;
      if (const auto id = reply->view().find("id")) id_ = id->integer().value_or(0);
    }
  }
  if (old) {
    if (login) {
      Command auth("AUTH");
      if (!options.user.empty()) auth.arg(options.user);
      auth.arg(options.password);
      Result<Reply> reply = co_await ask(std::string(auth.bytes()));
      if (!reply.ok()) co_return Result<void>(std::move(reply).error());
      if (reply->kind() == Kind::error) co_return Result<void>(login_failed(reply->text()));
    }
    if (!options.client_name.empty()) {
      Command name("CLIENT");
      name.arg("SETNAME").arg(options.client_name);
      Result<Reply> reply = co_await ask(std::string(name.bytes()));  // a server that cannot is as good
      if (!reply.ok()) co_return Result<void>(std::move(reply).error());
    }
    Command who("CLIENT");
    who.arg("ID");
    Result<Reply> reply = co_await ask(std::string(who.bytes()));
    if (!reply.ok()) co_return Result<void>(std::move(reply).error());
    if (reply->kind() == Kind::error && code_of(reply->text()) == "NOAUTH") co_return Result<void>(login_failed(reply->text()));
    id_ = reply->integer().value_or(0);
  }
  if (options.database != 0 && !sentinel && use_ != Use::redirected) {
    Command select("SELECT");
    select.arg(options.database);
    Result<Reply> reply = co_await ask(std::string(select.bytes()));
    if (!reply.ok()) co_return Result<void>(std::move(reply).error());
    if (reply->kind() == Kind::error) co_return Result<void>(error_of(reply->text()).with_operation("net.redis"));
  }
  co_return Result<void>();
}

Result<std::uint64_t> Connection::submit(std::string_view bytes, std::uint32_t replies, Duration timeout, Exchange* waiter) {
  if (!is_open()) return broken();
  const Options& options = dialer_->options;
  if (slots_.size() >= options.max_waiting)
    return error(ErrorKind::rate_limited, "too many commands wait for answers of " + endpoint_.text());
  // A single one that is larger is the server's to refuse.
  if (out_.size() > out_at_ && out_.size() - out_at_ + bytes.size() > options.max_waiting_bytes)
    return error(ErrorKind::rate_limited, "too many bytes wait to be sent to " + endpoint_.text());
  const Instant due = dialer_->loop.now() + timeout;
  const std::uint64_t number = first_ + slots_.size();
  if (replies > 0) {
    slots_.push_back({waiter, replies, submitted_, due});
    if (!busy_ && use_ != Use::blocking) busy_.emplace(dialer_->loop.clock());
    if (!timer_.armed() || due < timer_.when()) timer_.start_at(due);
  }
  out_.append(bytes);
  submitted_ += bytes.size();
  dialer_->loop.at_turn_end(*this);
  return number;
}

Result<void> Connection::send(std::string_view bytes) {
  Result<std::uint64_t> number = submit(bytes, 0, Duration::zero(), nullptr);
  if (!number.ok()) return std::move(number).error();
  return {};
}

void Connection::forget(std::uint64_t number) noexcept {
  if (number >= first_ && number - first_ < slots_.size()) slots_[number - first_].waiter = nullptr;
}

void Connection::on_turn_end() { flush(); }

void Connection::flush() {
  while (is_open() && out_at_ < out_.size()) {
    const ::iovec part{out_.data() + out_at_, out_.size() - out_at_};
    const IoResult put = transport_->write(&part, 1);
    if (put.status == IoStatus::would_block) break;
    if (put.status != IoStatus::ok) return lose(broken());
    out_at_ += put.bytes;
    written_ += put.bytes;  // a short one is tried again: TLS takes 64 KiB at a time and tells nobody that they went
  }
  if (out_at_ == out_.size()) {
    out_at_ = 0;
    if (out_.capacity() > kept_room) out_ = std::string();
    else out_.clear();
  } else if (out_at_ > kept_room) {
    out_.erase(0, out_at_);
    out_at_ = 0;
  }
}

void Connection::on_io(std::uint32_t) {
  const std::shared_ptr<Connection> self = weak_from_this().lock();
  if (self == nullptr) return;
  if (out_at_ < out_.size()) flush();
  if (is_open()) read();
}

void Connection::read() {
  for (;;) {
    if (in_.size() - filled_ < 4096) {
      // What was announced is made room for as it comes.
      const std::size_t wanted = std::max(parser_.wanted() + 4096, filled_ + least_room);
      in_.resize(std::max(least_room, std::min(wanted, std::max(in_.size() * 2, filled_ + least_room))));
    }
    const std::size_t room = in_.size() - filled_;
    const IoResult got = transport_->read(in_.data() + filled_, room);
    if (got.status == IoStatus::would_block) return;
    if (got.status != IoStatus::ok) return lose(broken());
    filled_ += got.bytes;
    if (!take_replies()) return;
    if (got.bytes < room) return;
  }
}

bool Connection::take_replies() {
  std::size_t at = 0;
  while (at < filled_) {
    const std::string_view rest(in_.data() + at, filled_ - at);
    const Parser::Status status = parser_.parse(rest);
    if (status == Parser::Status::more) break;
    if (status == Parser::Status::broken) {
      lose(error(ErrorKind::corrupt, endpoint_.text() + " sent what is no RESP: " + std::string(parser_.problem())));
      return false;
    }
    deliver(parser_.view(rest));
    if (!is_open()) return false;
    at += parser_.consumed();
    parser_.next();
  }
  filled_ -= at;
  if (at > 0 && filled_ > 0) std::memmove(in_.data(), in_.data() + at, filled_);
  if (filled_ == 0 && in_.size() > kept_room) {
    in_.resize(least_room);
    in_.shrink_to_fit();
  }
  return true;
}

namespace {

/// Whether an answer of RESP2 is a message of pub/sub.
bool is_message(View reply) {
  if (reply.kind() != Kind::array || reply.size() < 2) return false;
  const std::string_view what = reply[0].text();
  return what == "message" || what == "pmessage" || what == "smessage" || what == "subscribe" || what == "psubscribe" ||
         what == "ssubscribe" || what == "unsubscribe" || what == "punsubscribe" || what == "sunsubscribe";
}

}  // namespace

void Connection::deliver(View reply) {
  if (reply.kind() == Kind::push || (use_ == Use::messages && is_message(reply))) {
    if (on_push_) on_push_(reply);
    return;
  }
  if (slots_.empty()) {
    if (reply.is_error()) return lose(error_of(reply.text()).with_operation("net.redis"));
    return lose(error(ErrorKind::corrupt, endpoint_.text() + " answered what was not asked"));
  }
  Slot& slot = slots_.front();
  Exchange* const waiter = slot.waiter;
  const bool last = --slot.left == 0;
  if (last) {
    slots_.pop_front();
    ++first_;
  }
  if (waiter != nullptr) waiter->take(reply, last);
  settle();
}

void Connection::settle() noexcept {
  if (slots_.empty()) busy_.reset();
}

void Connection::on_due() {
  const std::shared_ptr<Connection> self = shared_from_this();
  if (slots_.empty()) return;
  if (dialer_->loop.now() < slots_.front().due) return timer_.start_at(slots_.front().due);
  lose(error(ErrorKind::timeout, endpoint_.text() + " did not answer in time"));
}

void Connection::close(const Error& why) {
  if (!lost_) lose(why);
}

void Connection::lose(const Error& why) {
  if (lost_) return;
  const std::shared_ptr<Connection> self = shared_from_this();
  lost_ = true;
  const Error reason = why;  // whoever is told may destroy what it came from
  if (transport_ != nullptr) transport_->close();
  timer_.stop();
  while (!slots_.empty()) {  // whoever is told may make another one go
    const Slot slot = slots_.front();
    slots_.pop_front();
    ++first_;
    if (slot.waiter != nullptr) slot.waiter->lost(reason, slot.begin < written_);
  }
  busy_.reset();
  if (on_lost_) {
    Function<void(const Error&)> tell = std::move(on_lost_);
    tell(reason);
  }
}

}  // namespace spikard::net::redis
