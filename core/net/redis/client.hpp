#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/function.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "net/await.hpp"
#include "net/redis/command.hpp"
#include "net/redis/connection.hpp"
#include "net/redis/resp.hpp"
#include "net/redis/url.hpp"

namespace spikard::net::redis {

namespace detail {
class Link;
class Cluster;

template <class Decode, class R>
struct Decoder final : Sink {
  explicit Decoder(Decode of) : decode(std::move(of)) {}
  void take(View reply) override { out.emplace(decode(reply)); }
  Decode decode;
  std::optional<R> out;
};
}  // namespace detail

/// A connection of one owner, for commands that wait on the server (XREADGROUP BLOCK, BLPOP). One command at a time. A command
/// that is cancelled or takes longer than it may closes the connection: what the server does with it then is unknown.
/// `Client::unblock` ends a wait without that.
class Dedicated {
 public:
  explicit Dedicated(std::shared_ptr<Connection> connection) noexcept : connection_(std::move(connection)) {}
  ~Dedicated() { close(); }
  Dedicated(const Dedicated&) = delete;
  Dedicated& operator=(const Dedicated&) = delete;

  /// `longest`: more than the command is to wait there. Errors as Client::run; an error of the server leaves the connection open.
  [[nodiscard]] Task<Result<Reply>> run(Command command, Duration longest);
  /// As Client::run.
  template <class Decode>
  [[nodiscard]] auto run(Command command, Duration longest, Decode decode) -> Task<std::invoke_result_t<Decode&, View>> {
    using R = std::invoke_result_t<Decode&, View>;
    detail::Decoder<Decode, R> sink(std::move(decode));
    Result<void> done = co_await transact(command, longest, sink);
    if (!done.ok()) co_return R(std::move(done).error());
    co_return std::move(*sink.out);
  }
  [[nodiscard]] bool is_open() const noexcept { return connection_->is_open(); }
  /// For `Client::unblock`.
  [[nodiscard]] std::int64_t id() const noexcept { return connection_->id(); }
  void close();

 private:
  [[nodiscard]] Task<Result<void>> transact(const Command& command, Duration longest, Sink& sink);

  std::shared_ptr<Connection> connection_;
};

/// A message of pub/sub, borrowed.
struct Message {
  std::string_view channel;
  std::string_view payload;
  std::string_view pattern{};  ///< that it matched, where it came by one
};

/// What a Feed listens to.
struct Listening {
  Listening() = default;
  std::vector<std::string> channels{};
  std::vector<std::string> patterns{};
  /// CLIENT TRACKING with BCAST: prefixes of keys whose changes are told (one `""`: of all). Needs RESP3.
  std::vector<std::string> tracked{};
  Function<void(const Message&)> on_message{};
  /// A key of `tracked` changed, expired or was evicted; nothing: any may have (FLUSHALL).
  Function<void(std::optional<std::string_view>)> on_changed{};
  /// True: listening from now on. False: what happens from now on is not heard; it is tried again, unless it was closed.
  Function<void(bool)> on_state{};
};

/// A connection that listens, made again whenever it is lost. Callbacks run on the client's loop; in them it may be closed.
class Feed final : public std::enable_shared_from_this<Feed> {
 public:
  Feed(std::shared_ptr<class Client> client, Listening to);
  ~Feed();
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  [[nodiscard]] bool listening() const noexcept { return listening_; }
  /// Any thread.
  [[nodiscard]] bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }
  /// Until it listens. Errors that trying again does not cure (login, a server without RESP3), or cancelled.
  [[nodiscard]] Task<Result<void>> ready();
  void close();

 private:
  friend class Client;
  void start();
  static Task<void> keep(std::shared_ptr<Feed> self);
  [[nodiscard]] Task<Result<void>> listen(std::shared_ptr<Connection> connection);
  void take(View pushed);
  void state(bool up);

  std::shared_ptr<Client> client_;
  Listening to_;
  std::shared_ptr<Connection> connection_;
  CancelSource ends_;
  Event changed_;
  std::optional<Error> failed_;
  std::size_t unconfirmed_ = 0;
  bool listening_ = false;
  std::atomic<bool> closed_{false};
};

/// A Redis as one loop sees it: commands of all its tasks are pipelined on one connection (one a node of a cluster), made when
/// first needed and again when lost. Thread: its loop's.
///
/// What becomes of a command:
/// - Not yet sent when the connection goes: it is sent on the next one, for at most `wait`.
/// - Sent, and the answer lost: outcome_unknown; one that only `reads` is sent once more, then unavailable or timeout.
/// - Refused by a server that is loading, being failed over or resharded: it is tried again, for at most `wait`.
/// - Its waiter cancelled: cancelled; the answer is thrown away when it comes.
/// Errors of the server: error_of (error.hpp).
class Client final : public std::enable_shared_from_this<Client> {
 public:
  Client(Loop& loop, Options options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] Loop& loop() const noexcept { return dialer_->loop; }
  [[nodiscard]] const Options& options() const noexcept { return dialer_->options; }

  [[nodiscard]] Task<Result<Reply>> run(Command command);
  /// `decode(View)` makes a Result<T> of the answer, without a copy of it; errors of the server do not reach it.
  template <class Decode>
  [[nodiscard]] auto run(Command command, Decode decode) -> Task<std::invoke_result_t<Decode&, View>> {
    using R = std::invoke_result_t<Decode&, View>;
    detail::Decoder<Decode, R> sink(std::move(decode));
    Result<void> done = co_await transact(command, sink);
    if (!done.ok()) co_return R(std::move(done).error());
    co_return std::move(*sink.out);
  }
  /// Sent together, answered in their order. On a cluster each goes to its node. What a lost connection makes of one it makes of
  /// each; a failed one does not stop the others.
  [[nodiscard]] Task<std::vector<Result<Reply>>> run_all(std::vector<Command> commands);
  /// MULTI, the commands, EXEC on one node (keys of one slot). Answers of the commands in their order; the error of one is an
  /// error-kind reply. Never sent twice.
  [[nodiscard]] Task<Result<Reply>> transaction(std::vector<Command> commands);

  /// A connection of its own, on the node of `key` in a cluster.
  [[nodiscard]] Task<Result<std::unique_ptr<Dedicated>>> dedicated(std::string key = {});
  /// Ends the wait of a blocking command (CLIENT UNBLOCK): it answers as if its time were over. `key` as of `dedicated`.
  [[nodiscard]] Task<Result<bool>> unblock(std::int64_t id, std::string key = {});
  /// Begins at once; `Feed::ready` waits for it. Ends when the feed is closed, or with the client.
  [[nodiscard]] std::shared_ptr<Feed> listen(Listening to);

  /// Whether a command can be run (PING).
  [[nodiscard]] Task<Result<void>> ping();
  /// Ends every connection; who waits is told (unavailable). For good.
  void close();
  [[nodiscard]] bool closed() const noexcept { return closed_; }

 private:
  friend class Feed;
  [[nodiscard]] Task<Result<void>> transact(const Command& command, Sink& sink);
  /// Where a command goes: a connection that is open.
  [[nodiscard]] Task<Result<std::shared_ptr<Connection>>> route(std::optional<std::string> key, Instant until);
  [[nodiscard]] std::shared_ptr<Connection> route_now(const Command& command);
  [[nodiscard]] Task<Result<std::shared_ptr<Connection>>> open_own(std::string key, Use use);

  const std::shared_ptr<Dialer> dialer_;
  std::shared_ptr<detail::Link> link_;        // but of a cluster
  std::shared_ptr<detail::Cluster> cluster_;  // of a cluster
  std::vector<std::weak_ptr<Feed>> feeds_;
  std::vector<std::weak_ptr<Connection>> own_;
  bool closed_ = false;
};

}  // namespace spikard::net::redis
