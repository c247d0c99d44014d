#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/cancel.hpp"
#include "base/function.hpp"
#include "base/result.hpp"
#include "http/compiled.hpp"
#include "http/sink.hpp"
#include "net/blocking_pool.hpp"
#include "net/loop/loop.hpp"
#include "net/transport.hpp"
#include "telemetry/provider.hpp"

namespace spikard::http {

namespace detail {
class ServerImpl;
}

class Singletons;
/// What singleton factories have made: one for all servers of a process. The first request that needs one makes it, the others
/// wait.
[[nodiscard]] std::shared_ptr<Singletons> make_singletons();

/// The text of all metrics.
struct Exposition {
  std::string content_type;
  std::string body;
};

struct ServerOptions {
  std::shared_ptr<Singletons> singletons{};  ///< null: the server has its own
  /// What `/readyz` says; null: ready until a drain begins. Asked on the loop's thread.
  Function<bool()> ready{};
  /// Null: no spans and metrics of requests.
  std::shared_ptr<telemetry::Provider> telemetry{};
  /// Where `metrics` is served; empty: nowhere. It gets the request's Accept. On the loop's thread.
  std::string metrics_path{};
  Function<Exposition(std::string_view)> metrics{};
  /// Writes temporary files of uploads; outlives the server. Null: the loop does.
  net::BlockingPool* pool = nullptr;
  /// A handler, hook or factory threw (`Failure` is borrowed for the call): for the log.
  Function<void(const Exchange&, const Failure&)> on_failure{};
};

struct ServerCounts {
  std::uint64_t finished = 0;  ///< requests whose answer went out in full
  std::uint64_t abandoned =
      0;  ///< requests cut off by cancel_all or close: never answered, or with a 503, or in the middle of the answer
  std::uint64_t in_flight = 0;  ///< read from their first byte, not yet finished
  std::uint64_t connections = 0;
};

/// HTTP/1.1 on one loop: listeners → connections → exchanges → the sink. Every call on the loop's thread, but `counts`.
///
/// In a turn: all ready connections are read and parsed, then all requests are handled (the sink is called), then
/// `Sink::on_batch_end`, then each connection writes once.
class Server {
 public:
  /// `loop` and `sink` outlive the server.
  [[nodiscard]] static Result<std::unique_ptr<Server>> create(net::Loop& loop, std::shared_ptr<const CompiledHttp> app,
                                                              Sink& sink, ServerOptions options = {});
  /// As `close`.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] Result<void> listen(std::unique_ptr<net::Listener> listener);
  /// A connection made elsewhere (memory_pair). Its peer becomes a client.
  void adopt(std::unique_ptr<net::Transport> transport);

  /// The exchange of this id, or null when its final command was given. O(1).
  [[nodiscard]] Exchange* find(std::uint64_t id) noexcept;
  /// Handles what is parsed and writes what is answered now, instead of at the turn's end: for sinks that answer between turns (a
  /// port's submit).
  void flush();
  /// Keeps the exchange's record past its final command, until `release` of it. Once an exchange.
  const RequestRecord* hold(Exchange& exchange);
  void release(const RequestRecord* record);
  /// Where the records lie, but those flagged too big for it: address and size of one mapping.
  [[nodiscard]] std::pair<const void*, std::size_t> region() const noexcept;

  // -- drain, in this order (DESIGN.md section 6)
  /// Accepts what is in the listeners' queues, then closes them.
  void stop_accepting();
  /// From now on answers say `Connection: close`. Idle connections get FIN and are read until the peer closes, for 1 s at most; a
  /// request of which a byte had arrived is answered in full.
  void begin_drain();
  /// `fn` runs once when no request is in flight and nothing waits to be written; at once if so.
  void when_idle(Function<void()> fn);
  /// Fires all tokens. Where no head was sent the client gets 503 and `Connection: close`, else its answer is cut off. All of
  /// these count as abandoned. What their handlers still owe is ignored.
  void cancel_all(CancelReason reason = CancelReason::shutdown);
  /// Disposes this process's singletons that have a clean-up, newest first, through the sink; then calls `done`. After the last
  /// request, on one server.
  void dispose_singletons(Function<void()> done);
  /// Closes every connection at once; exchanges go, also those still owed. The sink is not called any more.
  void close();

  /// Thread-safe.
  [[nodiscard]] ServerCounts counts() const noexcept;

 private:
  explicit Server(std::unique_ptr<detail::ServerImpl> impl);
  std::unique_ptr<detail::ServerImpl> impl_;
};

}  // namespace spikard::http
