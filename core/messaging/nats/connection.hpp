#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/cancel.hpp"
#include "base/function.hpp"
#include "base/node.hpp"
#include "base/task.hpp"
#include "messaging/nats/options.hpp"
#include "messaging/nats/protocol.hpp"
#include "net/await.hpp"
#include "net/http_client/servers.hpp"
#include "net/loop/loop.hpp"
#include "net/service_thread.hpp"
#include "net/stream.hpp"
#include "net/tls.hpp"

namespace spikard::messaging::nats {

/// A message to the server that is answered, or one of a subscription.
struct Outgoing {
  Outgoing() = default;
  Outgoing(std::string to, std::string body, std::string with = {})
      : subject(std::move(to)), payload(std::move(body)), headers(std::move(with)) {}
  std::string subject;
  std::string payload;
  std::string headers;  ///< a whole block, or empty
};

/// What came back for one of those; an error in its place where nothing did.
struct Reply {
  std::optional<Error> error{};
  int status = 0;  ///< of a header that stands for an answer (404); 0: none
  std::string description{};
  Headers headers{};
  Headers own{};
  std::string payload{};
};

struct Incoming {
  static constexpr int reconnected = -1;  ///< as a status: the server has forgotten what was asked of it
  int status = 0;
  std::string subject{};
  std::string reply{};
  std::string description{};
  Headers headers{};
  Headers own{};
  std::string payload{};
};

/// A subscription's messages on their way from the connection's thread to its own. Bounded; over it they are dropped and counted.
class Feed {
 public:
  Feed(net::Loop& loop, std::size_t max_messages, std::size_t max_bytes)
      : mailbox_(loop.mailbox()), max_messages_(max_messages), max_bytes_(max_bytes) {}
  /// The loop's thread. Set when there is something; null once nobody listens.
  void listen(net::Event* arrived) noexcept { arrived_ = arrived; }
  [[nodiscard]] std::vector<Incoming> take();
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

 private:
  friend class Connection;
  /// The connection's thread; `tell` after a batch of them.
  void push(Incoming incoming);
  static void tell(const std::shared_ptr<Feed>& self);

  const std::shared_ptr<net::Loop::Mailbox> mailbox_;
  const std::size_t max_messages_;
  const std::size_t max_bytes_;
  std::atomic<std::uint64_t> dropped_{0};
  net::Event* arrived_ = nullptr;  // the loop's thread only
  std::mutex mutex_;
  std::vector<Incoming> items_;
  std::size_t bytes_ = 0;
  bool told_ = false;
};

/// One connection to a cluster, made again whenever it breaks, on one loop of its own. Everything that was sent and not answered
/// is sent again on the next connection, in its order, so whoever publishes gives messages an id by which the server knows them.
/// Waits are bounded by `NatsOptions::timeout`, on this loop's (real) clock. What may be called from any thread says so.
class Connection final : public std::enable_shared_from_this<Connection>, private net::TurnEnd {
 public:
  Connection(net::Loop& loop, NatsOptions options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] const NatsOptions& options() const noexcept { return options_; }
  /// Any thread: the longest message the server takes, headers included.
  [[nodiscard]] std::size_t max_payload() const noexcept { return max_payload_.load(std::memory_order_relaxed); }

  // Any thread, awaited on `loop`; a caller that gives up leaves nothing behind.
  /// Sends all, in order, and gives an answer for each. An error: none was sent.
  [[nodiscard]] Task<Result<std::vector<Reply>>> exchange(net::Loop& loop, std::vector<Outgoing> messages);
  [[nodiscard]] Task<Result<Reply>> ask(net::Loop& loop, Outgoing message);
  /// `commands` (PUB ... without an answer, in one text) have reached the server.
  [[nodiscard]] Task<Result<void>> confirm(net::Loop& loop, std::string commands);

  /// Any thread. `subject` may have wildcards. Nothing is fed once `unsubscribe` is confirmed by a `confirm` after it.
  [[nodiscard]] std::uint64_t subscribe(std::shared_ptr<Feed> feed, std::string subject, std::string queue = {});
  void unsubscribe(std::uint64_t sid);
  /// Any thread: sent when there is a connection, forgotten when there is none.
  void send(std::string commands);
  /// Any thread: a subject that nobody else has, for `subscribe`.
  [[nodiscard]] std::string inbox();

  // The connection's loop.
  /// `first` says whether it could connect at all, within connect_timeout; then it goes on or, after an error, has ended.
  void start(Function<void(Result<void>)> first);
  void stop(Function<void()> done);

 private:
  struct Exchange;
  struct Confirm;
  struct Pending {
    std::shared_ptr<Exchange> exchange;  // null: finished
    std::size_t index = 0;
    Outgoing message;
    Instant again{};       // not before: nobody was there to answer
    bool written = false;  // once, at least: its outcome is unknown
    bool counted = false;  // in the window
  };
  struct Subscription {
    std::shared_ptr<Feed> feed;
    std::string command;
  };

  [[nodiscard]] Task<> run();
  [[nodiscard]] Task<Result<void>> connect_any();
  [[nodiscard]] Task<Result<void>> connect_one(Server server, std::string address);
  [[nodiscard]] Task<Result<std::string>> read_info(net::Stream* stream);
  [[nodiscard]] Result<std::string> connect_command(Value info) const;
  [[nodiscard]] Task<Result<void>> greet(net::Stream* stream, std::string command);
  [[nodiscard]] Task<Result<void>> serve();
  void connected();
  void disconnected();
  [[nodiscard]] Result<void> handle(const Parser::Event& event);
  void message(const Parser::Event& event);
  void answered(std::uint64_t number, const Parser::Event& event);
  void server_error(std::string_view text);
  void learn(Value info);
  void add(std::shared_ptr<Exchange> exchange);
  void add(std::shared_ptr<Confirm> confirm);
  void write_more();
  void write(Pending& pending, std::uint64_t number);
  void finish(Pending& pending, Reply reply);
  void forget_finished();
  void expire();
  void ping();
  void flush();
  void on_turn_end() override { flush(); }
  void queue_flush() { loop_.at_turn_end(*this); }
  [[nodiscard]] Error timed_out(bool written) const;

  net::Loop& loop_;
  const NatsOptions options_;
  const std::string inbox_;  // `_INBOX.ID.`
  net::Servers servers_;
  std::shared_ptr<net::TlsContext> tls_;
  std::atomic<std::size_t> max_payload_{1U << 20U};
  std::atomic<std::uint64_t> next_sid_{2};
  std::atomic<std::uint64_t> next_inbox_{1};

  Function<void(Result<void>)> first_;
  Function<void()> stopped_;
  CancelSource life_;
  CancelSource session_;
  bool stopping_ = false;
  bool connected_ = false;
  bool running_ = false;
  std::unique_ptr<net::Stream> stream_;
  std::optional<Parser> parser_;
  std::shared_ptr<bool> alive_;  // as long as the session
  Instant heard_{};
  std::string reply_;  // room for it
  std::string out_;
  std::size_t out_sent_ = 0;
  std::string last_failure_;

  std::deque<Pending> pending_;  // by number, from first_number_ on
  std::uint64_t first_number_ = 1;
  std::uint64_t next_write_ = 1;  // the first that was not written on this connection
  std::size_t in_flight_ = 0;
  std::size_t in_flight_bytes_ = 0;
  std::vector<std::uint64_t> again_;                 // nobody was there to answer
  std::deque<std::shared_ptr<Exchange>> exchanges_;  // by deadline
  std::deque<std::shared_ptr<Confirm>> confirms_;
  std::size_t confirms_written_ = 0;
  std::size_t confirms_pinged_ = 0;  // of those, the ones before the last PING
  std::deque<std::size_t> pings_;    // outstanding: how many confirms each one covers
  std::unordered_map<std::uint64_t, Subscription> subscriptions_;
  std::vector<std::shared_ptr<Feed>> touched_;
  net::Timer deadline_;
  net::Timer ping_timer_;
};

/// A connection with the thread it lives on.
class Wire {
 public:
  /// Blocks until it is connected, or has failed to be within connect_timeout.
  [[nodiscard]] static Result<std::unique_ptr<Wire>> open(NatsOptions options);
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  [[nodiscard]] const std::shared_ptr<Connection>& connection() const noexcept { return connection_; }
  /// Runs it on the connection's thread and blocks until it has ended: for start-up.
  [[nodiscard]] Result<void> run(Function<Task<Result<void>>(net::Loop&)> task);

 private:
  Wire() = default;
  RealClock clock_;
  std::unique_ptr<net::ServiceThread> thread_;
  std::shared_ptr<Connection> connection_;
};

}  // namespace spikard::messaging::nats
