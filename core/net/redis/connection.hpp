#pragma once

#include <coroutine>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/function.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "net/http_client/resolver.hpp"
#include "net/redis/resp.hpp"
#include "net/redis/url.hpp"
#include "net/tls.hpp"
#include "net/transport.hpp"
#include "net/virtual_clock.hpp"

namespace spikard::net::redis {

/// What connections of one loop are made with.
struct Dialer {
  Dialer(Loop& of_loop, Options of) : loop(of_loop), options(std::move(of)), resolver(of_loop) {}
  [[nodiscard]] Result<std::shared_ptr<TlsContext>> tls();
  Loop& loop;
  const Options options;
  Resolver resolver;

 private:
  std::shared_ptr<TlsContext> tls_;
};

/// What a connection is for.
enum class Use : std::uint8_t {
  commands,
  blocking,   ///< of commands that wait on the server: a virtual clock does not wait for them
  messages,   ///< pub/sub and tracking: what comes unasked goes to `on_push`
  sentinel,   ///< a sentinel: no database, its own login
  redirected  ///< of a cluster: no database
};

/// Takes answers, in the order of the commands. A view is valid until the call returns.
class Sink {
 public:
  virtual void take(View reply) = 0;

 protected:
  ~Sink() = default;
};

/// One connection, logged in, on which commands are pipelined. What is submitted in a turn of the loop is written at its end, in
/// one go. Its first waiter's time decides: when that is over, the connection is given up, for whoever stands behind it would
/// wait as long. Of one loop; closing it answers all who wait.
class Connection final : public std::enable_shared_from_this<Connection>, private IoHandler, private TurnEnd {
 public:
  /// unavailable, timeout, permission_denied (login), cancelled.
  [[nodiscard]] static Task<Result<std::shared_ptr<Connection>>> open(std::shared_ptr<Dialer> dialer, Endpoint endpoint, Use use);
  Connection(std::shared_ptr<Dialer> dialer, Endpoint endpoint, Use use);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] bool is_open() const noexcept { return transport_ != nullptr && !lost_; }
  [[nodiscard]] const Endpoint& endpoint() const noexcept { return endpoint_; }
  /// RESP3 was agreed on.
  [[nodiscard]] bool pushes() const noexcept { return resp3_; }
  /// As the server counts its clients; 0 where it did not say.
  [[nodiscard]] std::int64_t id() const noexcept { return id_; }
  /// Commands without an answer.
  [[nodiscard]] std::size_t waiting() const noexcept { return slots_.size(); }
  [[nodiscard]] Dialer& dialer() const noexcept { return *dialer_; }

  /// Messages, and what RESP3 pushes.
  void on_push(Function<void(View)> fn) { on_push_ = std::move(fn); }
  /// Once, when it is lost or closed.
  void on_lost(Function<void(const Error&)> fn) { on_lost_ = std::move(fn); }
  void close(const Error& why);

  /// Of commands without an answer (SUBSCRIBE where messages are pushed).
  [[nodiscard]] Result<void> send(std::string_view bytes);

 private:
  friend class Exchange;
  struct Slot {
    class Exchange* waiter;  // null: gone
    std::uint32_t left;
    std::uint64_t begin;  // of its bytes, in all that was ever submitted
    Instant due;
  };

  [[nodiscard]] Task<Result<void>> connect();
  [[nodiscard]] Task<Result<void>> greet();
  [[nodiscard]] Task<Result<Reply>> ask(std::string bytes);
  [[nodiscard]] Result<void> attach(std::unique_ptr<Transport> transport);

  /// rate_limited when too much waits. Returns its number.
  [[nodiscard]] Result<std::uint64_t> submit(std::string_view bytes, std::uint32_t replies, Duration timeout, Exchange* waiter);
  void forget(std::uint64_t number) noexcept;
  void on_io(std::uint32_t events) override;
  void on_turn_end() override;
  void flush();
  void read();
  /// False once it is lost.
  [[nodiscard]] bool take_replies();
  void deliver(View reply);
  void on_due();
  void lose(const Error& why);
  void settle() noexcept;
  [[nodiscard]] Error broken() const;

  const std::shared_ptr<Dialer> dialer_;
  const Endpoint endpoint_;
  const Use use_;
  std::unique_ptr<Transport> transport_;
  bool lost_ = false;
  bool ready_ = false;
  bool resp3_ = false;
  std::int64_t id_ = 0;

  std::deque<Slot> slots_;
  std::uint64_t first_ = 0;  // number of the first slot
  Timer timer_;
  std::optional<Busy> busy_;

  std::string out_;
  std::size_t out_at_ = 0;
  std::uint64_t submitted_ = 0;  // bytes, ever
  std::uint64_t written_ = 0;

  std::string in_;  // its size is its room
  std::size_t filled_ = 0;
  Parser parser_;
  Function<void(View)> on_push_;
  Function<void(const Error&)> on_lost_;
};

/// One or more commands sent together, awaited once by one task: its answers go to the sink. Cancelled, the answers are thrown
/// away when they come, and the connection goes on.
class Exchange final {
 public:
  struct Outcome {
    enum class End : std::uint8_t { answered, lost, refused, cancelled };
    End end = End::answered;
    bool sent = false;  ///< of `lost`: the server may have seen it
    std::optional<Error> why{};
  };
  /// `bytes` and `sink` are borrowed.
  Exchange(std::shared_ptr<Connection> connection, std::string_view bytes, std::uint32_t replies, Duration timeout, Sink& sink,
           CancelToken token)
      : connection_(std::move(connection)),
        bytes_(bytes),
        replies_(replies),
        timeout_(timeout),
        sink_(sink),
        token_(std::move(token)) {}
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  [[nodiscard]] bool await_ready() noexcept;
  [[nodiscard]] bool await_suspend(std::coroutine_handle<> waiting);
  [[nodiscard]] Outcome await_resume() noexcept { return std::move(outcome_); }

 private:
  friend class Connection;
  void take(View reply, bool last);
  void lost(const Error& why, bool sent);

  std::shared_ptr<Connection> connection_;
  std::string_view bytes_;
  std::uint32_t replies_;
  Duration timeout_;
  Sink& sink_;
  CancelToken token_;
  std::optional<CancelCallback> hook_;
  std::coroutine_handle<> waiting_;
  std::optional<std::uint64_t> number_;
  Outcome outcome_;
};

}  // namespace spikard::net::redis
