#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/cancel.hpp"
#include "base/function.hpp"
#include "base/task.hpp"
#include "net/await.hpp"
#include "net/http_client/servers.hpp"
#include "net/loop/loop.hpp"
#include "net/mqtt/options.hpp"
#include "net/mqtt/session.hpp"
#include "net/stream.hpp"
#include "net/tls.hpp"

namespace spikard::net::mqtt {

/// One client of a broker on one loop, by callbacks: a Session on a connection that is made again, with backoff, whenever it
/// breaks. Everything on the loop's thread; its waits run on the loop's clock (a real one).
///
///     client->on_message([&](Publish message, Delivery delivery) { keep(message); client->acknowledge(delivery); });
///     client->subscribe(filter, [](Result<void>) {});
///     client->start([](Result<void> up) {});
class Client final : public std::enable_shared_from_this<Client>, private SessionEvents, private net::TurnEnd {
 public:
  using Done = Function<void(Result<void>)>;
  Client(net::Loop& loop, ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] const ClientOptions& options() const noexcept { return options_; }
  /// Before `start`.
  void on_message(Function<void(Publish, Delivery)> fn) { message_ = std::move(fn); }

  /// `first` hears whether it could connect at all, within connect_timeout; after an error it has ended.
  void start(Done first);
  /// Writes DISCONNECT behind what was acknowledged; the session stays as long as `session_expiry` says. What waits fails:
  /// outcome_unknown where it was sent, else unavailable. Idempotent.
  void stop(Function<void()> done);

  /// Confirmed as its QoS says. Fails after `timeout`: outcome_unknown where it was sent, else unavailable and it will not be.
  void publish(Publish message, Done done);
  /// A filter that is_filter takes.
  void subscribe(Filter filter, Done done);
  void unsubscribe(std::string filter, Done done);
  void acknowledge(Delivery delivery);
  /// The server has seen all that was sent before, and we what it sent before its answer.
  void ping(Done done);

  [[nodiscard]] const Session& session() const noexcept { return session_; }
  [[nodiscard]] bool connected() const noexcept { return session_.connected(); }
  /// Connections that were made.
  [[nodiscard]] std::uint64_t connections() const noexcept { return connections_; }
  /// Why there is none, for errors and logs; never a secret.
  [[nodiscard]] const std::string& last_failure() const noexcept { return last_failure_; }

 private:
  struct Waiting {
    Done done;
    Instant deadline{};
  };

  [[nodiscard]] Task<> run();
  [[nodiscard]] Task<Result<void>> connect_any();
  [[nodiscard]] Task<Result<void>> connect_one(Server server, std::string address);
  [[nodiscard]] Task<Result<Connack>> greet();
  [[nodiscard]] Task<Result<void>> serve();
  [[nodiscard]] Connect greeting() const;
  void connected(const Connack& connack);
  void disconnected();
  void wait_for(std::uint64_t number, Done done);
  void answer(std::uint64_t number, std::optional<Error> failure);
  void expire();
  void tick();
  void send_ping(Done done);
  void flush();
  void queue_flush() { loop_.at_turn_end(*this); }
  void on_turn_end() override { flush(); }
  [[nodiscard]] Error timed_out(bool sent) const;

  void on_message(Publish message, Delivery delivery) override;
  void on_published(std::uint64_t number, std::optional<Error> failure) override { answer(number, std::move(failure)); }
  void on_granted(std::uint64_t number, std::optional<Error> failure) override { answer(number, std::move(failure)); }
  void on_pong() override;

  net::Loop& loop_;
  ClientOptions options_;
  Session session_;
  net::Servers servers_;
  std::shared_ptr<net::TlsContext> tls_;
  Function<void(Publish, Delivery)> message_;
  Done first_;
  Function<void()> stopped_;
  CancelSource life_;
  CancelSource link_;
  bool running_ = false;
  bool stopping_ = false;
  bool ended_ = false;
  bool clean_ = false;  // the next connection forgets the session
  std::uint64_t connections_ = 0;
  std::string last_failure_;
  std::unique_ptr<net::Stream> stream_;
  std::optional<Reader> reader_;
  std::optional<Connack> connack_;  // of the connection that is being made
  std::shared_ptr<bool> alive_;     // as long as the connection
  std::size_t written_ = 0;         // of the session's output
  net::Event room_;                 // in our hand
  Duration keep_alive_{};
  Instant heard_{};
  Instant said_{};

  std::unordered_map<std::uint64_t, Waiting> waiting_;
  std::deque<std::pair<Instant, std::uint64_t>> deadlines_;
  std::deque<Done> pings_;  // PINGREQs that are not answered; null: to keep the connection
  net::Timer deadline_;
  net::Timer keep_;
};

}  // namespace spikard::net::mqtt
