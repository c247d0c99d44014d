#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "http/connection.hpp"
#include "http/date.hpp"
#include "http/exchange.hpp"
#include "http/plan.hpp"
#include "http/server.hpp"
#include "http/singletons.hpp"

namespace spikard::http::detail {

/// The server of one loop. Owns connections, exchanges, blocks and buffers; runs the phases of a turn.
class ServerImpl final : public net::TurnEnd {
 public:
  ServerImpl(net::Loop& loop, std::shared_ptr<const CompiledHttp> app, Sink& sink, ServerOptions options,
             std::unique_ptr<BlockPool> blocks);
  ~ServerImpl();

  void on_turn_end() override;
  void flush();
  void adopt(std::unique_ptr<net::Transport> transport);
  [[nodiscard]] Result<void> listen(std::unique_ptr<net::Listener> listener);
  [[nodiscard]] ServerExchange* find(std::uint64_t id) noexcept;
  const RequestRecord* hold(Exchange& exchange);
  void release(const RequestRecord* record);
  void stop_accepting();
  void begin_drain();
  void when_idle(Function<void()> fn);
  void cancel_all(CancelReason reason);
  void dispose_singletons(Function<void()> done);
  void close();
  [[nodiscard]] ServerCounts counts() const noexcept;

  // -- for connections and exchanges
  [[nodiscard]] ServerExchange& open_exchange(Connection* connection, Block* block);
  void close_exchange(ServerExchange& exchange);
  void queue_ready(ServerExchange& exchange);
  void queue_pump(Connection& connection);
  void queue_write(Connection& connection);
  void bury(Connection& connection);
  [[nodiscard]] std::string take_buffer();
  void give_buffer(std::string&& buffer);
  void answered(std::uint64_t count) noexcept { add(finished_, count); }
  void cut(std::uint64_t count) noexcept { add(abandoned_, count); }
  void check_idle();
  [[nodiscard]] bool is_ready();
  [[nodiscard]] const std::string& metrics_path() const noexcept { return options_.metrics_path; }
  [[nodiscard]] Exposition metrics(std::string_view accept) { return options_.metrics(accept); }
  [[nodiscard]] net::BlockingPool* pool() const noexcept { return options_.pool; }
  [[nodiscard]] bool draining() const noexcept { return draining_; }
  void failed(ServerExchange& exchange, const Failure& failure);
  [[nodiscard]] std::string_view date() { return date_.text(loop.clock().wall()); }
  [[nodiscard]] std::string_view server_header() const noexcept {
    return plan.config.server_header ? std::string_view(*plan.config.server_header) : std::string_view();
  }
  void make_request_id(std::string& out);
  /// `body` coded whole, in `scratch_coded`. False when memory is short.
  [[nodiscard]] bool encode(Coding coding, std::string_view body);
  /// Null when memory is short.
  [[nodiscard]] std::unique_ptr<Encoder> take_encoder(Coding coding);
  void give_encoder(Coding coding, std::unique_ptr<Encoder> encoder);

  net::Loop& loop;
  const std::shared_ptr<const CompiledHttp> app;
  const Compiled& plan;
  Sink& sink;
  const std::shared_ptr<Singletons> singletons;
  const std::unique_ptr<BlockPool> blocks;
  json::Reader reader;
  NodeBuilder scratch;  ///< for one step at a time
  NodeBuilder scratch2;
  std::string scratch_text;
  std::string scratch_coded;  ///< an answer or a chunk, coded
  std::string scratch_etag;
  std::unique_ptr<RequestTelemetry> telemetry;  ///< null where it is off
  std::unique_ptr<ViewPair[]> pairs;            ///< of a head that came in one piece
  /// For callbacks from other threads or later turns: empty when the server is gone.
  std::shared_ptr<ServerImpl*> self;

 private:
  static void add(std::atomic<std::uint64_t>& to, std::uint64_t n) noexcept {
    to.store(to.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  bool run_phases();
  void admit(std::unique_ptr<net::Transport> transport);
  void dispose_next();

  ServerOptions options_;
  DateCache date_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<std::unique_ptr<Connection>> buried_;
  std::deque<std::unique_ptr<net::Transport>> waiting_;  // over limits.connections
  std::vector<std::unique_ptr<ServerExchange>> exchanges_;
  std::vector<std::uint32_t> free_exchanges_;
  ServerExchange* ready_first_ = nullptr;
  ServerExchange* ready_last_ = nullptr;
  std::vector<Connection*> pumps_;
  std::vector<Connection*> writes_;
  std::vector<Connection*> round_;
  std::vector<std::string> buffers_;
  std::vector<std::unique_ptr<Encoder>> encoders_[coding_count];
  std::vector<Function<void()>> on_idle_;
  std::vector<Singletons::Disposable> disposing_;
  Function<void()> disposed_;
  std::uint64_t random_[2];
  bool draining_ = false;
  bool accepting_ = true;
  bool closed_ = false;
  bool in_phases_ = false;
  std::atomic<std::uint64_t> finished_{0};
  std::atomic<std::uint64_t> abandoned_{0};
  std::atomic<std::uint64_t> in_flight_{0};
  std::atomic<std::uint64_t> connection_count_{0};
};

}  // namespace spikard::http::detail
