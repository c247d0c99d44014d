#pragma once

#include <memory>
#include <string>

#include "base/cancel.hpp"
#include "http/block.hpp"
#include "http/h1/chunked.hpp"
#include "http/h1/request_parser.hpp"
#include "http/problem.hpp"
#include "http/router.hpp"
#include "net/loop/loop.hpp"
#include "net/transport.hpp"

namespace spikard::http::detail {

class ServerExchange;
class ServerImpl;
struct RoutePlan;

/// One HTTP/1.1 connection: bytes in → exchanges in order → bytes out. Never calls the handler side but for chunks of a streamed
/// body and cancellation; the server does that in its own phase.
///
/// Memory: while idle it holds no block and no buffer. Bytes are read straight into the block of the request they begin; what
/// follows a request in the same read is copied to the next one's block.
///
/// The peer's end of stream is not a disconnect by itself (RFC 9112 section 9.6 allows half-close): requests in hand get
/// `half_close_grace`, then their handlers are told (CancelReason::client_gone), and an answer they still give is still written.
/// A reset, a failed write or a close of both directions cancels at once.
class Connection final : public net::IoHandler {
 public:
  Connection(ServerImpl& server, std::unique_ptr<net::Transport> transport);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] bool start();
  void on_io(std::uint32_t events) override;
  /// Reads and parses as far as may be.
  void pump();
  /// Writes what there is, once.
  void flush();

  // -- its exchanges
  [[nodiscard]] std::string& out();
  [[nodiscard]] bool is_front(const ServerExchange& exchange) const noexcept { return first_ == &exchange; }
  [[nodiscard]] std::size_t buffered() const noexcept { return out_.size() - out_at_; }
  /// The answer has been made in full.
  void completed();
  /// The exchange wants its body now.
  void want_body(ServerExchange& exchange);
  /// No one wants it any more: it is read and dropped. False when that would be too much: the connection must close after the
  /// answer.
  [[nodiscard]] bool drop_body(ServerExchange& exchange);
  void more_credit() { queue_pump(); }
  void mark_dirty();
  /// No further request is read from it.
  void take_no_more() noexcept { no_more_ = true; }
  /// Bytes of a further request were read, or an exchange follows: an answer before them must not close.
  [[nodiscard]] bool more_follows(const ServerExchange& exchange) const noexcept;
  [[nodiscard]] const std::string& peer() const noexcept { return transport_->peer(); }
  [[nodiscard]] bool encrypted() const noexcept { return transport_->encrypted(); }

  // -- the server
  void begin_drain();
  /// Closes at once. Exchanges are let go of, and their handlers told.
  void gone(CancelReason reason, bool reset = false);
  /// `gone` when the server closes: the handler side is not called, what was in hand counts as abandoned.
  void shut();
  [[nodiscard]] bool closed() const noexcept { return closed_; }
  [[nodiscard]] bool busy() const noexcept { return first_ != nullptr || partial() || buffered() != 0; }
  [[nodiscard]] std::uint64_t unflushed() const noexcept { return unflushed_; }
  [[nodiscard]] ServerExchange* first() const noexcept { return first_; }

  bool dirty = false;     // in the server's list of those that write
  bool pumping = false;   // in the server's list of those that read on
  std::size_t index = 0;  // in the server's connections

 private:
  enum class Body : std::uint8_t { none, in_place, append, stream, drop };

  void read_some();
  void consume();
  [[nodiscard]] bool parse_head();
  [[nodiscard]] bool consume_body();
  [[nodiscard]] std::uint64_t body_limit(const RoutePlan* route) const noexcept;
  void accept_head(const h1::Head& head, const ViewPair* pairs);
  [[nodiscard]] bool take_rest(std::uint32_t from);
  void set_request_id(ServerExchange& exchange, const ViewPair* pairs, std::uint32_t count);
  [[nodiscard]] bool is_own_path(std::string_view path) const noexcept;
  [[nodiscard]] bool own_path(ServerExchange& exchange);
  // decorate.cpp: what middleware decides between the limits and routing. True when it has answered.
  void set_origin(ServerExchange& exchange) const;
  [[nodiscard]] bool refused_early(ServerExchange& exchange);
  [[nodiscard]] bool file_answers(ServerExchange& exchange, const Router::Match& match);
  [[nodiscard]] bool cors_answers(ServerExchange& exchange);
  void refuse(const ProblemKind& kind, std::string_view detail);
  void peer_ended();
  [[nodiscard]] bool wants_bytes() const noexcept;
  [[nodiscard]] bool partial() const noexcept { return in_ != nullptr && body_ == Body::none && in_end_ > in_begin_; }
  [[nodiscard]] ServerExchange& push(Block* block);
  void drop_input();
  void deliver(std::string_view data, bool last);
  void finish_body();
  void queue_pump();
  void close_after_writing();
  void linger();
  void on_timer();
  void arm();
  [[nodiscard]] Instant deadline() const noexcept;

  ServerImpl& server_;
  std::unique_ptr<net::Transport> transport_;
  // input
  Block* in_ = nullptr;  // holds bytes not yet taken, or null
  std::uint32_t in_begin_ = 0;
  std::uint32_t in_end_ = 0;
  h1::RequestParser parser_;
  std::unique_ptr<ViewPair[]> pairs_;  // of a head that came in parts
  h1::ChunkedDecoder chunks_;
  ServerExchange* reading_ = nullptr;  // whose body is being read
  Body body_ = Body::none;
  bool body_chunked_ = false;
  std::uint64_t body_left_ = 0;
  std::uint64_t body_seen_ = 0;
  // pipeline
  ServerExchange* first_ = nullptr;
  ServerExchange* last_ = nullptr;
  std::uint32_t pipelined_ = 0;
  // output
  std::string out_;
  std::size_t out_at_ = 0;
  std::uint64_t unflushed_ = 0;  // answers made whose last byte is still in out_
  // state
  bool readable_ = false;
  bool blocked_ = false;  // the last write would have blocked
  bool peer_ended_ = false;
  bool graced_ = false;   // the half-close grace is over
  bool no_more_ = false;  // no further request is taken
  bool closing_ = false;  // closes when everything is written
  bool lingering_ = false;
  bool closed_ = false;
  Instant since_{};  // of the present wait for input
  Instant write_since_{};
  Instant ended_at_{};
  Instant linger_until_{};
  net::Timer timer_;
};

}  // namespace spikard::http::detail
