#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/cancel.hpp"
#include "base/function.hpp"
#include "base/task.hpp"
#include "messaging/amqp/methods.hpp"
#include "messaging/amqp/options.hpp"
#include "messaging/answer.hpp"
#include "net/await.hpp"
#include "net/http_client/servers.hpp"
#include "net/loop/loop.hpp"
#include "net/service_thread.hpp"
#include "net/stream.hpp"
#include "net/tls.hpp"

namespace spikard::messaging::amqp {

/// The one mapping of AMQP's reply codes (0-9-1, section 1.2).
[[nodiscard]] Error error_of(std::uint16_t code, std::string_view text);

inline constexpr std::size_t least_frame = 4096;  ///< 0-9-1, section 4.2.3

/// A message to an exchange; the empty one leads to the queue whose name the routing key is.
struct Outgoing {
  std::string exchange{};
  std::string routing_key{};
  std::string properties{};  ///< `properties_of`
  std::string payload{};
  std::string message_id{};  ///< that of the properties: what comes back is known by it
  bool mandatory = false;    ///< fails with not_found where no queue takes it
};

/// A message that came.
struct Incoming {
  std::uint64_t tag = 0;
  bool redelivered = false;
  std::uint32_t left = 0;  ///< of a get: how many are ready behind it
  std::string exchange{};
  std::string routing_key{};
  std::string properties{};
  std::string payload{};
};

/// One method of a conversation: a frame for channel 0 (the channel is put in), and what answers it; `none` where nothing does.
struct Call {
  static constexpr MethodId none{};
  Call(MethodId expected, std::string bytes) : expects(expected), frame(std::move(bytes)) {}
  MethodId expects;
  std::string frame;
};
struct Reply {
  std::optional<Incoming> message{};  ///< basic.get-ok
};

struct Settling {
  std::uint64_t tag = 0;
  bool ack = true;  ///< false: back to the queue
};

/// A consumer's messages on their way from the connection's thread to its own. No more than its prefetch count at once.
class Feed {
 public:
  /// What a session of the consumer brought: sessions are counted from 1, and tags are of their session.
  struct Item {
    enum class Kind : std::uint8_t {
      message,
      begun,  ///< a new session: what the ones before brought is not ours any more
      ended,  ///< by the server, `error` says why; it does not begin again
    };
    Kind kind = Kind::message;
    std::uint64_t session = 0;
    Incoming message{};
    std::optional<Error> error{};
  };
  explicit Feed(net::Loop& loop) : mailbox_(loop.mailbox()) {}
  /// The loop's thread. Set when there is something; null once nobody listens.
  void listen(net::Event* arrived) noexcept { arrived_ = arrived; }
  [[nodiscard]] std::vector<Item> take();

 private:
  friend class Connection;
  void push(Item item);
  static void tell(const std::shared_ptr<Feed>& self);

  const std::shared_ptr<net::Loop::Mailbox> mailbox_;
  net::Event* arrived_ = nullptr;  // the loop's thread only
  std::mutex mutex_;
  std::vector<Item> items_;
  bool told_ = false;
};

/// One connection to a broker, made again whenever it breaks, on one loop of its own. What was published and not confirmed is
/// published again on the next connection, in its order and with the same message id; consumers begin a new session. Waits are
/// bounded by `AmqpOptions::timeout`, on this loop's (real) clock. What may be called from any thread says so.
class Connection final : public std::enable_shared_from_this<Connection>, private net::TurnEnd {
 public:
  Connection(net::Loop& loop, AmqpOptions options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] const AmqpOptions& options() const noexcept { return options_; }
  /// Any thread: of RabbitMQ, 0 where it does not say. Known once it was connected.
  [[nodiscard]] int server_major() const noexcept { return server_major_.load(std::memory_order_relaxed); }

  // Any thread, awaited on `loop`; a caller that gives up leaves nothing behind.
  /// Done when the broker has confirmed all. The first error of any.
  [[nodiscard]] Task<Result<void>> publish(net::Loop& loop, std::vector<Outgoing> messages);

  /// Any thread: a channel of its own, opened by its first `call`, for methods that are answered one after another. It ends with
  /// its connection, or with an error of the server.
  [[nodiscard]] std::uint64_t converse();
  [[nodiscard]] Task<Result<std::vector<Reply>>> call(net::Loop& loop, std::uint64_t conversation, std::vector<Call> calls);
  void hang_up(std::uint64_t conversation);

  /// Any thread. Deliveries go to `feed`, session by session. `gets`: the queue allows basic.get (one with a single active
  /// consumer does not).
  [[nodiscard]] std::uint64_t consume(std::shared_ptr<Feed> feed, std::string queue, std::uint16_t prefetch, bool gets);
  /// Any thread: acknowledges, or gives back; nothing where that session is over.
  void settle(std::uint64_t consumer, std::uint64_t session, std::vector<Settling> settlings);
  /// Any thread, awaited on `loop`: the server gives no more, and has seen what was settled; what it had given stays ours.
  [[nodiscard]] Task<Result<void>> pause(net::Loop& loop, std::uint64_t consumer);
  /// Any thread: ends it at once; what is not settled goes back to the queue.
  void end(std::uint64_t consumer);

  // The connection's loop.
  /// `first` says whether it could connect at all, within connect_timeout; then it goes on or, after an error, has ended.
  void start(Function<void(Result<void>)> first);
  void stop(Function<void()> done);

 private:
  struct Batch;
  struct Calls;
  struct Pending {
    std::shared_ptr<Batch> batch;  // null: finished
    Outgoing message;
    std::uint64_t tag = 0;  // on this channel; 0: not written there
    bool written = false;   // once, at least: its outcome is unknown
    bool returned = false;
  };
  struct Conversation {
    std::uint16_t channel = 0;
    std::shared_ptr<Calls> calls;
  };
  struct Consumer {
    std::shared_ptr<Feed> feed;
    std::string queue;
    std::uint16_t prefetch = 1;
    std::uint16_t channel = 0;
    std::uint64_t session = 0;
    bool gets = true;
    bool paused = false;
    std::optional<Waiting<Result<void>>> pausing{};
    Instant deadline{};
  };
  enum class Use : std::uint8_t { none, publisher, conversation, consumer };
  struct Channel {
    Use use = Use::none;
    bool open = false;
    bool closing = false;
    std::uint64_t number = 0;                // of the conversation, the consumer
    MethodId content{};                      // whose content comes in
    std::optional<std::uint64_t> missing{};  // of its body; nothing: its header
    Incoming incoming{};
  };

  [[nodiscard]] Task<> run();
  [[nodiscard]] Task<Result<void>> connect_any();
  [[nodiscard]] Task<Result<void>> connect_one(Server server, std::string address);
  [[nodiscard]] Task<Result<void>> greet();
  [[nodiscard]] Task<Result<void>> await_method(MethodId expected);
  [[nodiscard]] Result<void> read_greeting(const Start& start);
  [[nodiscard]] Result<std::shared_ptr<net::TlsContext>> tls();
  [[nodiscard]] Task<Result<void>> serve();
  void connected();
  void disconnected();

  [[nodiscard]] Result<void> handle(const Frame& frame);
  [[nodiscard]] Result<void> on_method(std::uint16_t id, const Method& method);
  [[nodiscard]] Result<void> on_connection_method(const Method& method);
  [[nodiscard]] Result<void> on_content(std::uint16_t id, const Frame& frame);
  void on_message(std::uint16_t id);
  [[nodiscard]] Result<void> on_channel_closed(std::uint16_t id, const Method& method);
  [[nodiscard]] Result<void> on_confirm(const Method& method);
  void on_returned(std::string_view properties);
  void on_channel_open(std::uint16_t id);
  void on_reply(std::uint16_t id, const Method& method, std::optional<Incoming> message);

  [[nodiscard]] std::uint16_t open_channel(Use use, std::uint64_t number);
  void close_channel(std::uint16_t id);

  void add(std::shared_ptr<Batch> batch);
  void write_more();
  void finish(Pending& pending, std::optional<Error> error);
  void forget_finished();
  void publisher_failed(const Error& error);

  void add(std::shared_ptr<Calls> calls);
  void write_calls(std::uint64_t number);
  void end_calls(std::uint64_t number, Result<void> how);
  void end_conversation(std::uint64_t number);
  void begin_session(std::uint64_t number);
  void consumer_failed(std::uint64_t number, Error error);
  void feed(const Consumer& consumer, Incoming message);
  void next_of_pause(Consumer& consumer, MethodId answer);
  void paused(Consumer& consumer, Result<void> how);

  void expire();
  void beat();
  void flush();
  void on_turn_end() override { flush(); }
  void queue_flush() { loop_.at_turn_end(*this); }
  [[nodiscard]] Error timed_out(bool written) const;

  net::Loop& loop_;
  const AmqpOptions options_;
  net::Servers servers_;
  std::shared_ptr<net::TlsContext> tls_;
  std::atomic<int> server_major_{0};
  std::atomic<std::uint64_t> next_number_{1};
  std::atomic<std::size_t> frame_max_{least_frame};

  Function<void(Result<void>)> first_;
  Function<void()> stopped_;
  CancelSource life_;
  CancelSource link_;
  bool stopping_ = false;
  bool connected_ = false;
  bool running_ = false;
  std::unique_ptr<net::Stream> stream_;
  std::optional<FrameReader> reader_;
  std::shared_ptr<bool> alive_;  // as long as the connection
  Tune tune_;
  Instant heard_{};
  Instant said_{};
  std::string out_;
  std::size_t out_sent_ = 0;
  std::string last_failure_;
  std::string blocked_;  // why; empty: it is not

  std::vector<Channel> channels_;  // by id, 0 is never used
  std::uint16_t publisher_ = 0;    // its channel
  bool publisher_ready_ = false;   // and it confirms
  bool flow_stopped_ = false;      // by channel.flow
  std::deque<Pending> pending_;    // by number, from first_pending_ on
  std::uint64_t first_pending_ = 1;
  std::uint64_t next_write_ = 1;
  std::uint64_t next_tag_ = 1;
  std::deque<std::pair<std::uint64_t, std::uint64_t>> unconfirmed_;  // tag, number
  std::size_t in_flight_bytes_ = 0;
  std::uint64_t careful_until_ = 0;             // one of these closes the channel: one at a time
  std::deque<std::shared_ptr<Batch>> batches_;  // by deadline

  std::unordered_map<std::uint64_t, Conversation> conversations_;
  std::map<std::uint64_t, Consumer> consumers_;
  std::vector<std::shared_ptr<Feed>> touched_;
  net::Timer deadline_;
  net::Timer heartbeat_;
};

/// Two connections with the thread they live on: a broker that has had enough reads no more of the one that publishes, and the
/// acknowledgements of the other still reach it.
class Wire {
 public:
  /// Blocks until they are connected, or have failed to be within connect_timeout.
  [[nodiscard]] static Result<std::unique_ptr<Wire>> open(const AmqpOptions& options);
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  [[nodiscard]] Connection& publisher() const noexcept { return *publisher_; }
  [[nodiscard]] Connection& consumer() const noexcept { return *consumer_; }
  /// Runs it on their thread and blocks until it has ended: for start-up.
  [[nodiscard]] Result<void> run(Function<Task<Result<void>>(net::Loop&)> task);

 private:
  Wire() = default;
  RealClock clock_;
  std::unique_ptr<net::ServiceThread> thread_;
  std::shared_ptr<Connection> publisher_;
  std::shared_ptr<Connection> consumer_;
};

}  // namespace spikard::messaging::amqp
