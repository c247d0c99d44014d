#include "net/kafka/connection.hpp"

#include <sys/uio.h>

#include <algorithm>

#include "net/kafka/error.hpp"
#include "net/kafka/wire.hpp"

namespace spikard::net::kafka {
namespace {

constexpr std::size_t read_size = 64U << 10U;
constexpr std::size_t kept_capacity = 1U << 20U;

Error error(ErrorKind kind, std::string message) { return Error(kind, std::move(message)).with_operation("net.kafka"); }

}  // namespace

Connection::Connection(Loop& loop, std::shared_ptr<const ConnectionOptions> options, std::unique_ptr<Transport> transport,
                       std::string address)
    : loop_(loop), options_(std::move(options)), address_(std::move(address)), transport_(std::move(transport)) {
  ranges_.fill({std::int16_t{-1}, std::int16_t{-1}});
  ranges_[static_cast<std::size_t>(ApiKey::api_versions)] = {std::int16_t{0}, std::int16_t{0}};
}

Connection::~Connection() { transport_->close(); }

Task<Result<std::shared_ptr<Connection>>> Connection::open(Loop& loop, Resolver& resolver,
                                                           std::shared_ptr<const ConnectionOptions> options, std::string host,
                                                           std::uint16_t port) {
  using Opened = Result<std::shared_ptr<Connection>>;
  Task<Result<std::vector<std::string>>> lookup = with_deadline(loop, options->connect_timeout, resolver.resolve(host, port));
  Result<std::vector<std::string>> addresses = co_await std::move(lookup);
  if (!addresses.ok()) co_return Opened(std::move(addresses).error());
  const std::string name = host + ":" + std::to_string(port);
  std::optional<Error> first;
  for (const std::string& address : *addresses) {
    Result<std::unique_ptr<Transport>> made = net::connect(loop, address);
    if (!made.ok()) co_return Opened(std::move(made).error());
    std::unique_ptr<Transport> transport = std::move(made).value();
    if (options->tls != nullptr) {
      Result<std::unique_ptr<Transport>> wrapped = options->tls->wrap(loop, std::move(transport), host);
      if (!wrapped.ok()) co_return Opened(std::move(wrapped).error());
      transport = std::move(wrapped).value();
    }
    std::shared_ptr<Connection> connection(new Connection(loop, options, std::move(transport), name));
    if (Result<void> started = connection->transport_->start(connection.get()); !started.ok())
      co_return Opened(std::move(started).error());
    Task<Result<void>> greeting = with_deadline(loop, options->connect_timeout, connection->greet());
    Result<void> greeted = co_await std::move(greeting);
    if (greeted.ok()) co_return Opened(std::move(connection));
    Error why = std::move(greeted).error();
    connection->close(why);
    if (why.kind() == ErrorKind::cancelled) co_return Opened(std::move(why));
    if (why.kind() == ErrorKind::timeout || why.kind() == ErrorKind::outcome_unknown)
      why = error(ErrorKind::unavailable, "connecting to " + name + " failed: " + why.message());
    if (!first) first.emplace(std::move(why));
  }
  co_return Opened(*std::move(first));
}

Task<Result<void>> Connection::greet() {
  const std::shared_ptr<Connection> self = shared_from_this();
  ApiVersionsRequest request;
  Result<ApiVersionsAnswer> versions = co_await call<ApiVersionsAnswer>(self, request);
  if (!versions.ok()) co_return std::move(versions).error();
  if (versions->error != code_ok) co_return broker_error(versions->error, "ApiVersions");
  for (const ApiVersionsAnswer::Range& one : versions->ranges) {
    if (one.key >= 0 && static_cast<std::size_t>(one.key) < ranges_.size())
      ranges_[static_cast<std::size_t>(one.key)] = {one.least, one.most};
  }
  if (options_->sasl == SaslMechanism::none) co_return Result<void>();
  Result<void> known = co_await authenticate();
  co_return known;
}

Task<Result<std::string>> Connection::exchange(std::string bytes) {
  SaslAuthenticateRequest request;
  request.bytes = std::move(bytes);
  Result<SaslAuthenticateAnswer> answer = co_await call<SaslAuthenticateAnswer>(shared_from_this(), std::move(request));
  if (!answer.ok()) co_return Result<std::string>(std::move(answer).error());
  if (answer->error != code_ok) co_return Result<std::string>(broker_error(answer->error, "SASL authentication"));
  co_return Result<std::string>(std::move(answer->bytes));
}

Task<Result<void>> Connection::authenticate() {
  SaslHandshakeRequest request;
  request.mechanism = name_of(options_->sasl);
  Result<SaslHandshakeAnswer> shake = co_await call<SaslHandshakeAnswer>(shared_from_this(), std::move(request));
  if (!shake.ok()) co_return std::move(shake).error();
  if (shake->error != code_ok) {
    std::string offered;
    for (const std::string& one : shake->mechanisms) offered += (offered.empty() ? "" : ", ") + one;
    co_return broker_error(shake->error, "SASL handshake").with("offered", offered);
  }
  if (options_->sasl == SaslMechanism::plain) {
    std::string text("\0", 1);
    text += options_->user;
    text += '\0';
    text += options_->password;
    Result<std::string> done = co_await exchange(std::move(text));
    if (!done.ok()) co_return std::move(done).error();
    co_return Result<void>();
  }
  Scram scram(options_->sasl, options_->user, options_->password, scram_nonce());
  Result<std::string> server_first = co_await exchange(scram.first());
  if (!server_first.ok()) co_return std::move(server_first).error();
  Result<std::string> proof = scram.last(*server_first);
  if (!proof.ok()) co_return std::move(proof).error();
  Result<std::string> server_last = co_await exchange(std::move(proof).value());
  if (!server_last.ok()) co_return std::move(server_last).error();
  co_return scram.verify(*server_last);
}

Result<std::int16_t> Connection::version(ApiKey key) const {
  const Api& ours = api(key);
  const auto [least, most] = ranges_[static_cast<std::size_t>(key)];
  const std::int16_t version = options_->oldest_versions ? std::max(ours.least, least) : std::min(ours.most, most);
  if (version >= std::max(ours.least, least) && version <= std::min(ours.most, most)) return version;
  return error(ErrorKind::unsupported, "the broker " + address_ + " speaks no version of " + std::string(name_of(key)) +
                                           " that this client speaks (Kafka 2.3 or newer)")
      .with("ours", std::to_string(ours.least) + "-" + std::to_string(ours.most))
      .with("theirs", std::to_string(least) + "-" + std::to_string(most));
}

Task<Result<Reply>> Connection::ask(ApiKey key, std::int16_t version, std::string body, Duration limit) {
  if (broken_) co_return Result<Reply>(*broken_);
  const std::shared_ptr<Connection> self = shared_from_this();
  const auto mine = std::make_shared<Waiting>(loop_);
  mine->correlation = next_correlation_;
  next_correlation_ = next_correlation_ == 0x7fffffff ? 1 : next_correlation_ + 1;
  mine->key = key;
  mine->version = version;
  out_ += frame(key, version, mine->correlation, options_->client_id, body);
  waiting_.push_back(mine);
  loop_.at_turn_end(*this);
  body.clear();
  Task<Result<void>> wait = with_deadline(loop_, limit, mine->done.wait());
  Result<void> waited = co_await std::move(wait);
  if (mine->result) co_return std::move(*mine->result);
  if (!waited.ok() && waited.error().kind() == ErrorKind::timeout)
    close(error(ErrorKind::outcome_unknown, std::string(name_of(key)) + ": no answer of " + address_ + " in time")
              .with_retry(RetryClass::temporary));
  if (mine->result) co_return std::move(*mine->result);
  co_return Result<Reply>(std::move(waited).error());
}

void Connection::close(Error why) {
  if (broken_) return;
  broken_.emplace(std::move(why));
  transport_->close();
  for (const std::shared_ptr<Waiting>& one : std::exchange(waiting_, {})) {
    one->result.emplace(*broken_);
    one->done.set();
  }
  out_.clear();
  in_.clear();
}

void Connection::on_io(std::uint32_t) {
  if (broken_) return;
  const std::shared_ptr<Connection> self = shared_from_this();
  read();
  if (!broken_) flush();
}

void Connection::read() {
  for (;;) {
    const std::size_t had = in_.size();
    std::size_t room = read_size;
    if (had >= 4) {
      const std::uint32_t size = Reader(in_, false).u32();
      if (size + 4 > had + room) room = std::min<std::size_t>(size + 4 - had, 1U << 20U);
    }
    in_.resize(had + room);
    const IoResult got = transport_->read(in_.data() + had, room);
    in_.resize(had + (got.status == IoStatus::ok ? got.bytes : 0));
    if (got.status == IoStatus::would_block) return;
    if (got.status != IoStatus::ok) {
      const std::string_view reason = transport_->failure();
      std::string message = "the connection to " + address_ + (got.status == IoStatus::eof ? " was closed" : " broke");
      if (!reason.empty()) message.append(": ").append(reason);
      // What was written may have been done.
      close(error(waiting_.empty() || written_ == 0 ? ErrorKind::unavailable : ErrorKind::outcome_unknown, std::move(message))
                .with_retry(RetryClass::temporary));
      return;
    }
    std::size_t at = 0;
    while (in_.size() - at >= 4) {
      const std::uint32_t size = Reader(std::string_view(in_).substr(at), false).u32();
      if (size < 4 || size > options_->max_answer_bytes) {
        close(error(ErrorKind::corrupt, "an answer of " + address_ + " has a length that cannot be"));
        return;
      }
      if (in_.size() - at - 4 < size) break;
      std::string text = in_.substr(at + 4, size);
      at += 4 + size;
      take(std::move(text));
      if (broken_) return;
    }
    in_.erase(0, at);
    if (in_.empty() && in_.capacity() > kept_capacity) in_ = std::string();
    if (got.bytes < room) return;
  }
}

void Connection::take(std::string text) {
  const std::int32_t correlation = Reader(text, false).i32();
  if (waiting_.empty() || waiting_.front()->correlation != correlation) {
    close(error(ErrorKind::corrupt, "an answer of " + address_ + " is to no request"));
    return;
  }
  const std::shared_ptr<Waiting> one = std::move(waiting_.front());
  waiting_.pop_front();
  Result<Answer> answer = open_answer(one->key, one->version, text);
  if (!answer.ok()) {
    one->result.emplace(answer.error());
    one->done.set();
    close(std::move(answer).error());
    return;
  }
  Reply reply;
  reply.body_at = text.size() - answer->body.size();
  reply.version = one->version;
  reply.text = std::move(text);
  one->result.emplace(std::move(reply));
  one->done.set();
}

void Connection::flush() {
  std::size_t at = 0;
  while (!broken_ && at < out_.size()) {
    const ::iovec part{out_.data() + at, out_.size() - at};
    const IoResult put = transport_->write(&part, 1);
    if (put.status == IoStatus::would_block) break;
    if (put.status != IoStatus::ok) {
      close(error(ErrorKind::unavailable, "the connection to " + address_ + " broke").with_retry(RetryClass::temporary));
      return;
    }
    at += put.bytes;
    written_ += put.bytes;
  }
  out_.erase(0, at);
}

}  // namespace spikard::net::kafka
