#include "net/redis/client.hpp"

#include <algorithm>

#include "net/await.hpp"
#include "net/redis/error.hpp"
#include "net/redis/link.hpp"

namespace spikard::net::redis {
namespace {

using Made = Result<std::shared_ptr<Connection>>;
using End = Exchange::Outcome::End;

constexpr std::string_view asking = "*1\r\n$6\r\nASKING\r\n";
constexpr Duration retry_pause = std::chrono::milliseconds(20);
constexpr Duration node_patience = std::chrono::milliseconds(200);
constexpr Duration quiet = std::chrono::seconds(10);  // of a feed, before it is asked whether it is alive

Error error(ErrorKind kind, std::string message) { return Error(kind, std::move(message)).with_operation("net.redis"); }
Error is_closed() { return error(ErrorKind::unavailable, "the client is closed"); }
Error gave_up() { return error(ErrorKind::cancelled, "the caller gave up"); }

Error lost(const Exchange::Outcome& outcome, bool only_reads) {
  if (only_reads || !outcome.sent) return *outcome.why;
  return error(ErrorKind::outcome_unknown, "the answer was lost: " + outcome.why->message());
}

/// Errors of the server stay here; the rest goes on.
class Verdict final : public Sink {
 public:
  Verdict(Sink& to, std::size_t skip) noexcept : to_(to), skip_(skip) {}
  void take(View reply) override {
    if (skip_ > 0) {
      --skip_;
    } else if (reply.is_error()) {
      refused_ = reply.text();
    } else {
      to_.take(reply);
    }
  }
  [[nodiscard]] const std::optional<std::string>& refused() const noexcept { return refused_; }

 private:
  Sink& to_;
  std::size_t skip_;
  std::optional<std::string> refused_;
};

class Keep final : public Sink {
 public:
  explicit Keep(std::size_t skip = 0) noexcept : skip_(skip) {}
  void take(View reply) override {
    if (skip_ > 0) --skip_;
    else reply_ = Reply(reply);
  }
  [[nodiscard]] Reply& reply() noexcept { return reply_; }

 private:
  std::size_t skip_;
  Reply reply_;
};

class Gather final : public Sink {
 public:
  void take(View reply) override { replies.emplace_back(reply); }
  std::vector<Reply> replies;
};

/// What another try may cure, at the same place or another.
bool passes(std::string_view code) noexcept {
  return code == "LOADING" || code == "MASTERDOWN" || code == "TRYAGAIN" || code == "CLUSTERDOWN";
}

}  // namespace

// ---- client -----------------------------------------------------------------------------------------------------------------

Client::Client(Loop& loop, Options options) : dialer_(std::make_shared<Dialer>(loop, std::move(options))) {
  const Options& how = dialer_->options;
  switch (how.topology) {
    case Topology::single: link_ = std::make_shared<detail::Link>(dialer_, how.endpoints.front(), Use::commands); break;
    case Topology::sentinel: link_ = std::make_shared<detail::Link>(dialer_); break;
    case Topology::cluster: cluster_ = std::make_shared<detail::Cluster>(dialer_); break;
  }
}

Client::~Client() { close(); }

void Client::close() {
  if (closed_) return;
  closed_ = true;
  for (const auto& weak : feeds_) {
    if (const auto feed = weak.lock()) feed->close();
  }
  for (const auto& weak : own_) {
    if (const auto connection = weak.lock()) connection->close(is_closed());
  }
  const auto link = link_;  // what is told may let go of this client
  const auto cluster = cluster_;
  if (link != nullptr) link->close();
  if (cluster != nullptr) cluster->close();
}

std::shared_ptr<Connection> Client::route_now(const Command& command) {
  if (link_ != nullptr) return link_->now();
  const std::shared_ptr<detail::Link> link = cluster_->link_of(command.routing_key());
  return link == nullptr ? nullptr : link->now();
}

Task<Made> Client::route(std::optional<std::string> key, Instant until) {
  if (closed_) co_return Made(is_closed());
  if (link_ != nullptr) {
    Task<Made> getting = link_->get(until);
    co_return co_await std::move(getting);
  }
  for (;;) {
    std::optional<std::string_view> where;
    if (key) where = *key;
    std::shared_ptr<detail::Link> link = cluster_->link_of(where);
    if (link == nullptr) {
      Result<void> learned = co_await cluster_->learn(until);
      if (!learned.ok()) co_return Made(std::move(learned).error());
      link = cluster_->link_of(where);
      if (link == nullptr) co_return Made(error(ErrorKind::unavailable, "no node of the cluster has the key's slot"));
    }
    const Instant now = loop().now();
    Made made = co_await link->get(std::min(until, now + node_patience));
    if (made.ok() || made.error().kind() != ErrorKind::unavailable || loop().now() >= until || closed_) co_return made;
    cluster_->doubt();
  }
}

Task<Result<void>> Client::transact(const Command& command, Sink& sink) {
  const std::shared_ptr<Client> self = shared_from_this();
  CancelToken token = co_await current_token();
  const Duration timeout = command.timeout().value_or(options().timeout);
  const Instant until = loop().now() + options().wait;
  std::string other;  // what is sent instead of the command as it is
  std::optional<Endpoint> ask;
  bool whole_script = false;
  int tries_lost = 0;
  int redirections = 0;
  for (;;) {
    std::shared_ptr<Connection> connection;
    if (ask) {
      Made made = co_await cluster_->link_to(*ask)->get(until);
      if (!made.ok()) co_return Result<void>(std::move(made).error());
      connection = std::move(*made);
    } else {
      connection = route_now(command);
    }
    if (connection == nullptr) {
      std::optional<std::string> key;
      if (cluster_ != nullptr && command.routing_key()) key = std::string(*command.routing_key());
      Made made = co_await route(std::move(key), until);
      if (!made.ok()) co_return Result<void>(std::move(made).error());
      connection = std::move(*made);
    }
    std::string_view bytes = command.bytes();
    if (whole_script) other = command.with_body();
    else if (ask) other = std::string(bytes);
    if (ask) other.insert(0, asking);
    if (ask || whole_script) bytes = other;
    Verdict verdict(sink, ask ? 1 : 0);
    Exchange exchange(connection, bytes, ask ? 2 : 1, timeout, verdict, token);
    Exchange::Outcome outcome = co_await exchange;
    ask.reset();
    const bool late = loop().now() >= until;
    if (outcome.end == End::cancelled) co_return Result<void>(gave_up());
    if (outcome.end == End::refused) {
      if (outcome.why->kind() != ErrorKind::unavailable || late || closed_) co_return Result<void>(*std::move(outcome.why));
      continue;
    }
    if (outcome.end == End::lost) {
      if (cluster_ != nullptr) cluster_->doubt();
      const bool again =
          !closed_ &&
          (outcome.sent ? command.only_reads() && outcome.why->kind() != ErrorKind::timeout && ++tries_lost == 1 : !late);
      if (!again) co_return Result<void>(lost(outcome, command.only_reads()));
      continue;
    }
    if (!verdict.refused()) co_return Result<void>();
    const std::string& refused = *verdict.refused();
    const std::string_view code = code_of(refused);
    if (code == "NOSCRIPT" && command.script() != nullptr && !whole_script) {
      whole_script = true;
      continue;
    }
    if (cluster_ != nullptr && redirections < 8) {
      if (auto redirection = detail::redirection_of(refused, connection->endpoint())) {
        ++redirections;
        if (redirection->ask) ask = std::move(redirection->to);
        else cluster_->moved(redirection->slot, redirection->to);
        continue;
      }
    }
    const bool demoted = code == "READONLY" && options().topology != Topology::single;
    if ((passes(code) || demoted) && !late) {
      if (demoted && link_ != nullptr) link_->give_up(error_of(refused));
      if (cluster_ != nullptr) cluster_->doubt();
      const Result<void> slept = co_await sleep(loop(), retry_pause);
      if (!slept.ok()) co_return Result<void>(gave_up());
      continue;
    }
    co_return Result<void>(error_of(refused).with_operation("net.redis"));
  }
}

Task<Result<Reply>> Client::run(Command command) {
  Keep keep;
  Result<void> done = co_await transact(command, keep);
  if (!done.ok()) co_return Result<Reply>(std::move(done).error());
  co_return Result<Reply>(std::move(keep.reply()));
}

Task<std::vector<Result<Reply>>> Client::run_all(std::vector<Command> commands) {
  const std::shared_ptr<Client> self = shared_from_this();
  std::vector<std::optional<Result<Reply>>> out(commands.size());
  CancelToken token = co_await current_token();
  const Instant until = loop().now() + options().wait;
  for (std::size_t first = 0; first < commands.size(); ++first) {
    if (out[first]) continue;
    // Those that go the same way.
    std::optional<std::string> key;
    if (cluster_ != nullptr && commands[first].routing_key()) key = std::string(*commands[first].routing_key());
    Made made = co_await route(std::move(key), until);
    if (!made.ok()) {
      out[first] = Result<Reply>(std::move(made).error());
      continue;
    }
    std::vector<std::size_t> together;
    std::string bytes;
    Duration timeout = options().timeout;
    for (std::size_t n = first; n < commands.size(); ++n) {
      if (out[n] || (cluster_ != nullptr && n != first && route_now(commands[n]) != *made)) continue;
      together.push_back(n);
      bytes += commands[n].bytes();
      timeout = std::max(timeout, commands[n].timeout().value_or(Duration::zero()));
    }
    Gather gather;
    Exchange exchange(*made, bytes, static_cast<std::uint32_t>(together.size()), timeout, gather, token);
    Exchange::Outcome outcome = co_await exchange;
    for (std::size_t n = 0; n < together.size(); ++n) {
      const Command& command = commands[together[n]];
      std::optional<Result<Reply>>& place = out[together[n]];
      bool alone = false;
      if (n < gather.replies.size()) {
        Reply& reply = gather.replies[n];
        if (reply.kind() != Kind::error) {
          place = Result<Reply>(std::move(reply));
          continue;
        }
        const std::string_view code = code_of(reply.text());
        alone = passes(code) || code == "NOSCRIPT" || code == "MOVED" || code == "ASK" || code == "READONLY";
        if (!alone) place = Result<Reply>(error_of(reply.text()).with_operation("net.redis"));
      } else if (outcome.end == End::cancelled) {
        place = Result<Reply>(gave_up());
      } else if (outcome.end == End::refused) {
        place = Result<Reply>(*outcome.why);
      } else {
        alone = !closed_ && outcome.why->kind() != ErrorKind::timeout && (command.only_reads() || !outcome.sent);
        if (!alone) place = Result<Reply>(lost(outcome, command.only_reads()));
      }
      if (!alone) continue;
      Keep keep;
      Result<void> done = co_await transact(command, keep);
      if (done.ok()) place = Result<Reply>(std::move(keep.reply()));
      else place = Result<Reply>(std::move(done).error());
    }
  }
  std::vector<Result<Reply>> answers;
  answers.reserve(out.size());
  for (auto& one : out) answers.push_back(*std::move(one));
  co_return answers;
}

Task<Result<Reply>> Client::transaction(std::vector<Command> commands) {
  const std::shared_ptr<Client> self = shared_from_this();
  CancelToken token = co_await current_token();
  const Instant until = loop().now() + options().wait;
  std::string bytes = "*1\r\n$5\r\nMULTI\r\n";
  std::optional<std::string> key;
  for (const Command& command : commands) {
    bytes += command.bytes();
    if (!key && command.routing_key()) key = std::string(*command.routing_key());
  }
  bytes += "*1\r\n$4\r\nEXEC\r\n";
  for (;;) {
    Made made = co_await route(key, until);
    if (!made.ok()) co_return Result<Reply>(std::move(made).error());
    Keep keep(commands.size() + 1);
    Exchange exchange(*made, bytes, static_cast<std::uint32_t>(commands.size() + 2), options().timeout, keep, token);
    Exchange::Outcome outcome = co_await exchange;
    if (outcome.end == End::cancelled) co_return Result<Reply>(gave_up());
    if (outcome.end == End::refused) co_return Result<Reply>(*std::move(outcome.why));
    if (outcome.end == End::lost) {
      if (!outcome.sent && !closed_ && loop().now() < until) continue;
      co_return Result<Reply>(lost(outcome, false));
    }
    if (keep.reply().kind() == Kind::error) co_return Result<Reply>(error_of(keep.reply().text()).with_operation("net.redis"));
    co_return Result<Reply>(std::move(keep.reply()));
  }
}

Task<Made> Client::open_own(std::string key, Use use) {
  if (closed_) co_return Made(is_closed());
  std::shared_ptr<detail::Link> link = link_;
  if (link == nullptr) {
    std::optional<std::string_view> where;
    if (!key.empty()) where = key;
    link = cluster_->link_of(where);
    if (link == nullptr) {
      const Instant until = loop().now() + options().connect_timeout;
      Result<void> learned = co_await cluster_->learn(until);
      if (!learned.ok()) co_return Made(std::move(learned).error());
      link = cluster_->link_of(where);
      if (link == nullptr) co_return Made(error(ErrorKind::unavailable, "no node of the cluster has the key's slot"));
    }
  }
  const std::shared_ptr<Client> self = shared_from_this();
  Made made = co_await link->another(use);
  if (made.ok() && closed_) {
    (*made)->close(is_closed());
    co_return Made(is_closed());
  }
  if (made.ok()) {
    std::erase_if(own_, [](const auto& weak) { return weak.expired(); });
    own_.emplace_back(*made);
  } else if (cluster_ != nullptr) {
    cluster_->doubt();
  }
  co_return made;
}

Task<Result<std::unique_ptr<Dedicated>>> Client::dedicated(std::string key) {
  using Owned = Result<std::unique_ptr<Dedicated>>;
  Made made = co_await open_own(std::move(key), Use::blocking);
  if (!made.ok()) co_return Owned(std::move(made).error());
  co_return Owned(std::make_unique<Dedicated>(std::move(*made)));
}

Task<Result<bool>> Client::unblock(std::int64_t id, std::string key) {
  Command command("CLIENT");
  command.arg("UNBLOCK").arg(id).near(key);
  Result<Reply> reply = co_await run(std::move(command));
  if (!reply.ok()) co_return Result<bool>(std::move(reply).error());
  co_return Result<bool>(reply->integer() == 1);
}

Task<Result<void>> Client::ping() {
  Command command("PING");
  command.reads();
  Result<Reply> reply = co_await run(std::move(command));
  if (!reply.ok()) co_return Result<void>(std::move(reply).error());
  co_return Result<void>();
}

std::shared_ptr<Feed> Client::listen(Listening to) {
  auto feed = std::make_shared<Feed>(shared_from_this(), std::move(to));
  std::erase_if(feeds_, [](const auto& weak) { return weak.expired(); });
  feeds_.emplace_back(feed);
  feed->start();
  return feed;
}

// ---- a connection of one owner ----------------------------------------------------------------------------------------------

Task<Result<void>> Dedicated::transact(const Command& command, Duration longest, Sink& sink) {
  const std::shared_ptr<Connection> connection = connection_;
  CancelToken token = co_await current_token();
  std::string bytes(command.bytes());
  for (bool whole_script = false;; whole_script = true) {
    Verdict verdict(sink, 0);
    Exchange exchange(connection, bytes, 1, longest, verdict, token);
    Exchange::Outcome outcome = co_await exchange;
    if (outcome.end == End::cancelled) {
      connection->close(gave_up());
      co_return Result<void>(gave_up());
    }
    if (outcome.end == End::refused) co_return Result<void>(*std::move(outcome.why));
    if (outcome.end == End::lost) co_return Result<void>(lost(outcome, command.only_reads()));
    if (!verdict.refused()) co_return Result<void>();
    const std::string& refused = *verdict.refused();
    if (code_of(refused) != "NOSCRIPT" || command.script() == nullptr || whole_script)
      co_return Result<void>(error_of(refused).with_operation("net.redis"));
    bytes = command.with_body();
  }
}

Task<Result<Reply>> Dedicated::run(Command command, Duration longest) {
  Keep keep;
  Result<void> done = co_await transact(command, longest, keep);
  if (!done.ok()) co_return Result<Reply>(std::move(done).error());
  co_return Result<Reply>(std::move(keep.reply()));
}

void Dedicated::close() { connection_->close(is_closed()); }

// ---- listening --------------------------------------------------------------------------------------------------------------

Feed::Feed(std::shared_ptr<Client> client, Listening to)
    : client_(std::move(client)), to_(std::move(to)), changed_(client_->loop()) {}
Feed::~Feed() {
  if (connection_ != nullptr) connection_->close(is_closed());
}

void Feed::start() {
  spawn(keep(shared_from_this()).with_token(ends_.token()), [](const std::exception_ptr&) {});
}

void Feed::close() {
  if (closed_) return;
  closed_ = true;
  const std::shared_ptr<Feed> self = shared_from_this();
  state(false);
  changed_.set();
  if (connection_ != nullptr) connection_->close(is_closed());
  ends_.cancel();
}

void Feed::state(bool up) {
  if (listening_ == up) return;
  listening_ = up;
  changed_.set();
  if (to_.on_state) to_.on_state(up);
}

void Feed::take(View pushed) {
  if (closed_ || pushed.size() < 2) return;
  const View what = pushed[0];
  if (what.text() == "message" || what.text() == "smessage" || what.text() == "pmessage") {
    const bool by_pattern = what.text() == "pmessage";
    if (pushed.size() < (by_pattern ? 4U : 3U) || !to_.on_message) return;
    Message message;
    if (by_pattern) message.pattern = pushed[1].text();
    message.channel = pushed[by_pattern ? 2 : 1].text();
    message.payload = pushed[by_pattern ? 3 : 2].text();
    to_.on_message(message);
  } else if (what.text() == "subscribe" || what.text() == "psubscribe") {
    if (unconfirmed_ > 0 && --unconfirmed_ == 0) changed_.set();
  } else if (what.text() == "invalidate" && to_.on_changed) {
    const View keys = pushed[1];
    if (!keys.has_elements()) return to_.on_changed(std::nullopt);
    for (const View key : keys) {
      if (closed_) return;
      to_.on_changed(key.text());
    }
  }
}

Task<Result<void>> Feed::listen(std::shared_ptr<Connection> connection) {
  const Duration patience = client_->options().connect_timeout;
  connection->on_push([weak = weak_from_this()](View pushed) {
    if (const auto feed = weak.lock()) feed->take(pushed);
  });
  connection->on_lost([weak = weak_from_this()](const Error&) {
    const auto feed = weak.lock();
    if (feed == nullptr) return;
    feed->state(false);
    feed->changed_.set();
  });
  if (!to_.tracked.empty()) {
    if (!connection->pushes())
      co_return Result<void>(error(ErrorKind::unsupported, "the server has no RESP3, which tracking needs (Redis 6)"));
    Command track("CLIENT");
    track.arg("TRACKING").arg("ON").arg("BCAST").arg("NOLOOP");
    for (const std::string& prefix : to_.tracked) track.arg("PREFIX").arg(prefix);
    Result<Reply> reply = co_await detail::ask(connection, track, patience);
    if (!reply.ok()) co_return Result<void>(std::move(reply).error());
  }
  const Busy busy(client_->loop().clock());
  unconfirmed_ = to_.channels.size() + to_.patterns.size();
  std::string bytes;
  const auto append = [&](std::string_view name, const std::vector<std::string>& names) {
    if (names.empty()) return;
    Command command(name);
    for (const std::string& one : names) command.arg(one);
    bytes += command.bytes();
  };
  append("SUBSCRIBE", to_.channels);
  append("PSUBSCRIBE", to_.patterns);
  if (!bytes.empty()) {
    if (auto sent = connection->send(bytes); !sent.ok()) co_return sent;
  }
  const Instant until = client_->loop().now() + patience;
  while (unconfirmed_ > 0 && connection->is_open() && !closed_) {
    const Duration left = until - client_->loop().now();
    if (left <= Duration::zero()) co_return Result<void>(error(ErrorKind::timeout, "the subscription was not confirmed in time"));
    changed_.reset();
    Task<Result<void>> waiting = changed_.wait();
    Result<void> waited = co_await with_deadline(client_->loop(), left, std::move(waiting));
    if (!waited.ok() && waited.error().kind() == ErrorKind::cancelled) co_return waited;
  }
  if (!connection->is_open()) co_return Result<void>(error(ErrorKind::unavailable, "the connection was lost"));
  co_return Result<void>();
}

Task<void> Feed::keep(std::shared_ptr<Feed> self) {
  Feed& feed = *self;
  Loop& loop = feed.client_->loop();
  Duration backoff = feed.client_->options().backoff_min;
  while (!feed.closed_) {
    Made made = co_await feed.client_->open_own(std::string(), Use::messages);
    Result<void> listened = error(ErrorKind::unavailable, "not connected");
    if (made.ok()) {
      feed.connection_ = std::move(*made);
      const std::shared_ptr<Connection> connection = feed.connection_;
      if (feed.closed_) break;
      listened = co_await feed.listen(connection);
      if (listened.ok()) {
        backoff = feed.client_->options().backoff_min;
        feed.failed_.reset();
        feed.state(true);
        while (connection->is_open() && !feed.closed_) {
          feed.changed_.reset();
          Task<Result<void>> waiting = feed.changed_.wait();
          if (!loop.clock().is_virtual()) waiting = with_deadline(loop, quiet, std::move(waiting));
          Result<void> waited = co_await std::move(waiting);
          if (feed.closed_ || !connection->is_open()) break;
          if (!waited.ok() && waited.error().kind() == ErrorKind::timeout) {
            Command ping("PING");
            (void)co_await detail::ask(connection, ping, feed.client_->options().timeout);
          }
        }
      }
      connection->close(is_closed());
      feed.state(false);
    } else {
      listened = std::move(made).error();
    }
    if (feed.closed_) break;
    if (!listened.ok()) {
      feed.failed_ = std::move(listened).error();
      feed.changed_.set();
    }
    const Result<void> slept = co_await sleep(loop, backoff);
    if (!slept.ok()) break;
    backoff = std::min(backoff * 2, feed.client_->options().backoff_max);
  }
  if (feed.connection_ != nullptr) feed.connection_->close(is_closed());
  feed.changed_.set();
}

Task<Result<void>> Feed::ready() {
  const std::shared_ptr<Feed> self = shared_from_this();
  for (;;) {
    if (closed_) co_return Result<void>(is_closed());
    if (listening_) co_return Result<void>();
    if (failed_ && failed_->retry() == RetryClass::permanent) co_return Result<void>(*failed_);
    changed_.reset();
    Result<void> waited = co_await changed_.wait();
    if (!waited.ok()) co_return waited;
  }
}

}  // namespace spikard::net::redis
