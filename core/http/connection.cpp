#include "http/connection.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "http/exchange.hpp"
#include "http/h1/response_writer.hpp"
#include "http/server_impl.hpp"

namespace spikard::http::detail {
namespace {

using std::chrono::milliseconds;

/// How long requests in hand may go on after the peer has ended its side, before their handlers are told.
constexpr Duration half_close_grace = milliseconds(1000);
constexpr Duration linger_time = milliseconds(1000);
/// A body that nobody wants is read and dropped up to this many bytes, to keep the connection.
constexpr std::uint64_t drop_limit = 65536;
constexpr std::size_t chunk_limit = 65536;
/// Reads of one connection in one turn.
constexpr int reads_a_turn = 16;
/// What a block should have left behind the body for headers, parameters and nodes of an ordinary request.
constexpr std::uint32_t tail_room = 2048;

}  // namespace

Connection::Connection(ServerImpl& server, std::unique_ptr<net::Transport> transport)
    : server_(server), transport_(std::move(transport)), timer_(server.loop, [this] { on_timer(); }) {}

Connection::~Connection() {
  if (in_ != nullptr) server_.blocks->give(in_);
}

bool Connection::start() {
  since_ = server_.loop.now();
  if (!transport_->start(this).ok()) return false;
  arm();
  return true;
}

void Connection::on_io(std::uint32_t events) {
  if (closed_) return;
  if (lingering_ && peer_ended_ && transport_->flushed()) return gone(CancelReason::none);
  if ((events & EPOLLERR) != 0 && !lingering_) {
    // What was read before may be answered by nobody any more.
    return gone(CancelReason::client_gone);
  }
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) != 0) {
    readable_ = true;
    pump();
    if (closed_) return;
  }
  if ((events & EPOLLHUP) != 0 && !lingering_ && peer_ended_) return gone(CancelReason::client_gone);
  if ((events & EPOLLOUT) != 0 && blocked_) {
    blocked_ = false;
    mark_dirty();
  }
}

bool Connection::wants_bytes() const noexcept {
  if (peer_ended_ || closed_) return false;
  switch (body_) {
    case Body::none: return !no_more_ && !closing_ && pipelined_ < server_.plan.config.limits.pipeline;
    case Body::in_place: return reading_->body_wanted;
    case Body::append: return reading_->body_wanted && !reading_->spooling();
    case Body::stream: return reading_->body_wanted && reading_->credit > 0 && in_begin_ == in_end_;
    case Body::drop: return true;
  }
  return false;
}

void Connection::pump() {
  if (closed_) return;
  if (lingering_) return drop_input();
  consume();
  for (int reads = 0; !closed_ && readable_ && wants_bytes();) {
    if (++reads > reads_a_turn) {
      queue_pump();
      break;
    }
    read_some();
    if (!closed_) consume();
  }
  if (closed_) return;
  // The end of the stream is worth knowing also while nothing is wanted: only a read tells it, and only when nothing is before
  // it.
  if (in_ != nullptr && in_begin_ == in_end_ && reading_ == nullptr) {
    server_.blocks->give(in_);
    in_ = nullptr;
  }
  arm();
}

void Connection::read_some() {
  char* into = nullptr;
  std::size_t room = 0;
  if (body_ == Body::in_place) {
    into = reading_->block->base() + reading_->block->record().body.off + body_seen_;
    room = body_left_;
  } else {
    if (in_ == nullptr) {
      in_ = server_.blocks->take();
      in_begin_ = in_end_ = Block::first_byte;
      if (in_ == nullptr) return gone(CancelReason::shutdown, true);
    }
    if (in_begin_ == in_end_) in_begin_ = in_end_ = Block::first_byte;
    if (in_->capacity() == in_end_) {
      // Only a head fills its block without being taken from it: the limits end that.
      Block* bigger = server_.blocks->grow(in_, in_end_, std::size_t{in_->capacity()} * 2);
      if (bigger == nullptr) return gone(CancelReason::shutdown, true);
      in_ = bigger;
    }
    into = in_->base() + in_end_;
    room = in_->capacity() - in_end_;
  }
  const net::IoResult got = transport_->read(into, room);
  switch (got.status) {
    case net::IoStatus::ok:
      if (got.bytes < room) readable_ = false;  // drained; what comes later tells by itself
      if (!partial()) since_ = server_.loop.now();
      if (body_ == Body::in_place) {
        body_seen_ += got.bytes;
        body_left_ -= got.bytes;
      } else {
        in_end_ += static_cast<std::uint32_t>(got.bytes);
      }
      return;
    case net::IoStatus::would_block: readable_ = false; return;
    case net::IoStatus::eof: peer_ended(); return;
    case net::IoStatus::error: return gone(CancelReason::client_gone);
  }
}

void Connection::consume() {
  for (;;) {
    if (closed_) return;
    if (body_ != Body::none) {
      if (!consume_body()) return;
      continue;
    }
    if (in_ == nullptr || in_begin_ == in_end_ || no_more_ || closing_ || pipelined_ >= server_.plan.config.limits.pipeline)
      return;
    if (!parse_head()) return;
  }
}

bool Connection::parse_head() {
  ViewPair* pairs = pairs_ != nullptr ? pairs_.get() : server_.pairs.get();
  const h1::Parse state = parser_.parse(in_->base(), in_begin_, in_end_, pairs, server_.plan.head_limits);
  if (state == h1::Parse::need_more) {
    if (peer_ended_) {
      refuse(problems::bad_request, "The request ended before its head did");
      return false;
    }
    if (pairs_ == nullptr) {
      const std::size_t count = std::max<std::size_t>(server_.plan.head_limits.header_count, 1);
      pairs_ = std::make_unique<ViewPair[]>(count);
      std::copy_n(pairs, count, pairs_.get());
    }
    return false;
  }
  if (state == h1::Parse::error) {
    const h1::HeadError error = parser_.error();
    const ProblemKind* kind = problems::find(error.slug);
    const ProblemKind found = kind != nullptr ? *kind : ProblemKind{error.status, error.slug, error.slug};
    refuse(found, error.message);
    return false;
  }
  const h1::Head head = parser_.head();
  accept_head(head, pairs);
  pairs_.reset();
  parser_.reset();
  return true;
}

/// An answer to what is no request; the connection ends with it.
void Connection::refuse(const ProblemKind& kind, std::string_view detail) {
  Block* block = in_;
  in_ = nullptr;
  ServerExchange& exchange = push(block);
  exchange.used = in_end_;
  in_begin_ = in_end_ = Block::first_byte;
  exchange.body_done = true;
  exchange.closes = true;
  no_more_ = true;
  set_request_id(exchange, nullptr, 0);
  pairs_.reset();
  parser_.reset();
  exchange.problem(kind, detail, false);
}

ServerExchange& Connection::push(Block* block) {
  ServerExchange& exchange = server_.open_exchange(this, block);
  if (last_ == nullptr || first_ == nullptr) first_ = &exchange;
  else last_->next = &exchange;
  last_ = &exchange;
  ++pipelined_;
  return exchange;
}

void Connection::set_request_id(ServerExchange& exchange, const ViewPair* pairs, std::uint32_t count) {
  const std::string& name = server_.plan.request_id_header;
  if (name.empty()) return;
  const RequestRecord& record = exchange.block->record();
  for (std::uint32_t i = 0; i < count; ++i) {
    if (record.text(pairs[i].name) != name) continue;
    const std::string_view given = record.text(pairs[i].value);
    if (given.empty() || given.size() > 200 || !h1::is_field_value(given)) break;
    exchange.request_id = given;
    return;
  }
  server_.make_request_id(exchange.request_id);
}

/// What follows byte `from` of the block goes to a block of its own, which becomes the input.
bool Connection::take_rest(std::uint32_t from) {
  if (from >= in_end_) {
    in_ = nullptr;
    in_begin_ = in_end_ = Block::first_byte;
    return true;
  }
  const std::uint32_t size = in_end_ - from;
  Block* rest = server_.blocks->take(Block::first_byte + size + 1024);
  if (rest == nullptr) return false;
  std::memcpy(rest->base() + Block::first_byte, in_->base() + from, size);
  in_ = rest;
  in_begin_ = Block::first_byte;
  in_end_ = Block::first_byte + size;
  return true;
}

std::uint64_t Connection::body_limit(const RoutePlan* route) const noexcept {
  return route != nullptr && route->max_body_bytes ? *route->max_body_bytes : server_.plan.config.limits.body_bytes;
}

void Connection::accept_head(const h1::Head& head, const ViewPair* pairs) {
  Block* block = in_;
  ServerExchange& exchange = push(block);
  RequestRecord& record = block->record();
  record.id = exchange.id();
  record.method = head.method;
  record.version = head.version;
  record.path = head.path;
  record.query = head.query;
  exchange.framing = head.framing;
  exchange.content_length = head.content_length;
  exchange.keep_alive = head.keep_alive;
  exchange.head_method = head.method == Method::head;
  exchange.http10 = head.version == 10;
  exchange.expects_continue = head.expect_continue;
  if (!head.keep_alive) no_more_ = true;
  set_request_id(exchange, pairs, head.header_count);

  std::string_view original;  // a method that is none of the known ones
  if (head.method == Method::other && server_.telemetry != nullptr) {
    original = {block->base() + in_begin_, head.end - in_begin_};
    original.remove_prefix(std::min(original.find_first_not_of("\r\n"), original.size()));
    original = original.substr(0, std::min(original.find(' '), std::size_t{32}));
  }

  std::string_view captures[Router::max_captures];
  Router::Match match = server_.plan.router.match(head.method, record.text(head.path), captures);
  const RoutePlan* plan = match.outcome == Router::Outcome::found ? &server_.plan.routes[match.route] : nullptr;
  const std::uint64_t limit = body_limit(plan);
  const bool too_large = head.framing == h1::Framing::length && head.content_length > limit;
  if (!too_large && plan != nullptr) {
    exchange.route = plan;
    record.route = match.route;
    exchange.capture_count = match.captures;
    for (std::uint32_t i = 0; i < match.captures; ++i) {
      exchange.captures[i] = {static_cast<std::uint32_t>(captures[i].data() - block->base()),
                              static_cast<std::uint32_t>(captures[i].size())};
    }
  }

  // Where the body's bytes that came along belong, and what is left for the next request.
  const std::uint32_t arrived = in_end_ - head.end;
  const bool stream = exchange.route != nullptr && exchange.route->streams_body;
  if (server_.plan.config.decompression && exchange.route != nullptr && exchange.route->takes_body && !stream) {
    for (std::uint32_t i = 0; i < head.header_count; ++i) exchange.encoded |= record.text(pairs[i].name) == "content-encoding";
  }
  const bool appended =
      exchange.encoded || head.framing == h1::Framing::chunked || (exchange.route != nullptr && exchange.route->takes_parts);
  const bool in_place =
      head.framing == h1::Framing::length && head.content_length > 0 && exchange.route != nullptr && !stream && !appended;
  std::uint32_t body_end = head.end;
  bool fits = true;
  if (in_place) {
    const auto here = static_cast<std::uint32_t>(std::min<std::uint64_t>(arrived, head.content_length));
    const std::uint64_t whole = std::uint64_t{head.end} + head.content_length;
    fits = take_rest(head.end + here);
    if (fits && whole + tail_room > block->capacity()) {
      Block* bigger = server_.blocks->grow(block, head.end + here, whole + tail_room + head.header_count * sizeof(ViewPair));
      if (bigger == nullptr) fits = false;
      else exchange.block = block = bigger;
    }
    if (fits) {
      block->record().body = {head.end, static_cast<std::uint32_t>(head.content_length)};
      body_end = static_cast<std::uint32_t>(whole);
      body_seen_ = here;
      body_left_ = head.content_length - here;
      exchange.body_done = body_left_ == 0;
      if (!exchange.body_done) body_ = Body::in_place;
    }
  } else {
    fits = take_rest(head.end);
    exchange.body_done = head.framing == h1::Framing::none || (head.framing == h1::Framing::length && head.content_length == 0);
    body_seen_ = 0;
    body_left_ = head.framing == h1::Framing::length ? head.content_length : 0;
    if (!exchange.body_done) body_ = stream ? Body::stream : appended ? Body::append : Body::drop;
  }
  if (!fits && in_ == block) in_ = nullptr;
  body_chunked_ = head.framing == h1::Framing::chunked;
  if (body_ != Body::none) {
    reading_ = &exchange;
    if (body_chunked_) chunks_.reset();
  }
  exchange.used = body_end;
  const std::uint32_t at = exchange.append(head.header_count * sizeof(ViewPair), alignof(ViewPair));
  const std::uint32_t peer_at = at == 0 ? 0 : exchange.append(peer().size(), 1);
  if (!fits || at == 0 || peer_at == 0) {
    no_more_ = true;
    exchange.closes = true;
    return exchange.problem(problems::service_unavailable, "The request does not fit into memory", false);
  }
  block = exchange.block;
  if (head.header_count != 0) std::memcpy(block->base() + at, pairs, head.header_count * sizeof(ViewPair));
  block->record().headers = {at, head.header_count};
  std::memcpy(block->base() + peer_at, peer().data(), peer().size());
  block->record().peer = {peer_at, static_cast<std::uint32_t>(peer().size())};
  if (stream) block->record().flags |= record_stream;

  bool begun = false;
  const auto observe = [&] {
    if (server_.telemetry != nullptr && !std::exchange(begun, true))
      server_.telemetry->begin(exchange.observed, block->record(), exchange.route, transport_->encrypted(), original);
  };
  // Trusted hosts, rate limit, declared body limit, static files, CORS, in this order; then routing.
  bool early = server_.plan.decides_early;
  if (early) {
    set_origin(exchange);
    early = match.outcome != Router::Outcome::not_found || !is_own_path(block->record().text(head.path));
  }
  if (early) {
    observe();
    if (refused_early(exchange)) return;
  }
  if (too_large) {
    observe();
    return exchange.problem(problems::payload_too_large, "The body is larger than " + std::to_string(limit) + " bytes", false);
  }
  if (early && (file_answers(exchange, match) || cors_answers(exchange))) return;
  switch (match.outcome) {
    case Router::Outcome::found: observe(); return exchange.begin();
    case Router::Outcome::not_found:
      if (own_path(exchange)) return;
      observe();
      return exchange.problem(problems::not_found, "No route has this path", false);
    case Router::Outcome::method_not_allowed:
      exchange.allow = match.allow;
      observe();
      return exchange.problem(problems::method_not_allowed, "The path has no route for this method", false);
    case Router::Outcome::options:
      exchange.allow = match.allow;
      observe();
      return exchange.answer_options();
  }
}

bool Connection::is_own_path(std::string_view path) const noexcept {
  const services::Health& health = server_.plan.config.health;
  return (health.enabled && (path == health.live || path == health.ready)) ||
         (!server_.metrics_path().empty() && path == server_.metrics_path());
}

bool Connection::own_path(ServerExchange& exchange) {
  const services::Health& health = server_.plan.config.health;
  const RequestRecord& record = exchange.block->record();
  const std::string_view path = record.text(record.path);
  const bool metrics = !server_.metrics_path().empty() && path == server_.metrics_path();
  const bool live = health.enabled && path == health.live;
  if (!is_own_path(path)) return false;
  if (record.method != Method::get && record.method != Method::head) {
    exchange.allow = "GET, HEAD";
    exchange.problem(problems::method_not_allowed, "The path has no route for this method", false);
    return true;
  }
  if (metrics) {
    std::string_view accept;
    for (const ViewPair* pair = record.header_begin(); pair != record.header_end(); ++pair) {
      if (record.text(pair->name) == "accept") accept = record.text(pair->value);
    }
    const Exposition text = server_.metrics(accept);
    exchange.answer_plain(200, text.body, text.content_type);
  } else if (live || server_.is_ready()) {
    exchange.answer_plain(200, R"({"status":"ok"})");
  } else {
    exchange.answer_plain(503, R"({"status":"unavailable"})");
  }
  return true;
}

void Connection::want_body(ServerExchange& exchange) {
  if (reading_ != &exchange) return;
  if (exchange.expects_continue && body_seen_ == 0 && in_begin_ == in_end_ && !exchange.http10) {
    if (is_front(exchange)) {
      out().append(h1::continue_response);
      mark_dirty();
    } else {
      exchange.continue_due = true;
    }
  }
  exchange.expects_continue = false;
  since_ = server_.loop.now();
  if (body_ == Body::append) {
    exchange.block->record().body = {exchange.used, 0};
  }
  queue_pump();
}

bool Connection::consume_body() {
  ServerExchange* exchange = reading_;
  if (body_ == Body::in_place) {
    if (body_left_ != 0) return false;
    finish_body();
    return true;
  }
  if (body_ != Body::drop && !exchange->body_wanted) return false;
  if (in_begin_ == in_end_ && (body_chunked_ || body_left_ != 0)) return false;
  if (body_ == Body::stream && exchange->credit == 0) return false;
  if (body_ == Body::append && exchange->spooling()) return false;

  std::size_t available = in_end_ - in_begin_;
  if (body_ == Body::stream) available = std::min({available, exchange->credit, chunk_limit});
  char* data = in_ == nullptr ? nullptr : in_->base() + in_begin_;
  std::size_t produced = 0;
  bool last = false;
  if (body_chunked_) {
    const h1::ChunkedDecoder::Result got = chunks_.decode(data, available);
    if (got.status == h1::ChunkedDecoder::Status::error) {
      in_begin_ = in_end_;
      body_ = Body::none;
      reading_ = nullptr;
      no_more_ = true;
      if (exchange != nullptr) exchange->body_broken(problems::bad_request, chunks_.error());
      return false;
    }
    in_begin_ += static_cast<std::uint32_t>(got.consumed);
    produced = got.produced;
    last = got.status == h1::ChunkedDecoder::Status::done;
  } else {
    produced = static_cast<std::size_t>(std::min<std::uint64_t>(available, body_left_));
    in_begin_ += static_cast<std::uint32_t>(produced);
    body_left_ -= produced;
    last = body_left_ == 0;
  }
  body_seen_ += produced;
  if (body_ == Body::drop) {
    if (body_chunked_ && body_seen_ > drop_limit) {  // cannot happen for lengths: drop_body looked
      no_more_ = true;
      return false;
    }
  } else if (body_seen_ > body_limit(exchange->route)) {
    in_begin_ = in_end_;
    body_ = Body::none;
    reading_ = nullptr;
    no_more_ = true;
    exchange->body_broken(problems::payload_too_large,
                          "The body is larger than " + std::to_string(body_limit(exchange->route)) + " bytes");
    return false;
  } else if (body_ == Body::stream) {
    if (last) exchange->body_done = true;
    if (produced > 0 || last) deliver({data, produced}, last);
    if (closed_) return false;
    if (reading_ != exchange) return true;
  } else if (exchange->takes_pieces()) {
    if (!exchange->take_piece({data, produced}, last)) {
      in_begin_ = in_end_;
      body_ = Body::none;
      reading_ = nullptr;
      no_more_ = true;
      exchange->pieces_refused();
      return false;
    }
  } else if (produced > 0) {
    const std::uint32_t at = exchange->append(produced, 1);
    if (at == 0) {
      body_ = Body::none;
      reading_ = nullptr;
      no_more_ = true;
      exchange->body_broken(problems::service_unavailable, "The request does not fit into memory");
      return false;
    }
    std::memcpy(exchange->block->base() + at, data, produced);
    exchange->block->record().body.len += static_cast<std::uint32_t>(produced);
  }
  if (last) finish_body();
  return true;
}

void Connection::deliver(std::string_view data, bool last) {
  auto copy = std::make_unique<char[]>(data.size());
  std::memcpy(copy.get(), data.data(), data.size());
  ServerExchange& exchange = *reading_;
  exchange.credit -= data.size();
  server_.sink.on_chunk(exchange, BodyChunk(std::move(copy), data.size(), last));
}

void Connection::finish_body() {
  ServerExchange* exchange = reading_;
  reading_ = nullptr;
  body_ = Body::none;
  since_ = server_.loop.now();
  if (exchange != nullptr) exchange->body_complete();
}

bool Connection::drop_body(ServerExchange& exchange) {
  if (reading_ != &exchange) return true;
  const bool small = !body_chunked_ && body_left_ <= drop_limit && !exchange.expects_continue;
  if (!small) {
    reading_ = nullptr;
    body_ = Body::none;
    no_more_ = true;
    return false;
  }
  reading_ = nullptr;
  body_ = Body::drop;
  queue_pump();
  return true;
}

bool Connection::more_follows(const ServerExchange& exchange) const noexcept {
  return exchange.next != nullptr || (!no_more_ && partial());
}

void Connection::completed() {
  while (first_ != nullptr && first_->complete) {
    ServerExchange& exchange = *first_;
    first_ = exchange.next;
    if (first_ == nullptr) last_ = nullptr;
    --pipelined_;
    if (reading_ == &exchange) {  // answered before its body was read, and the connection ends
      reading_ = nullptr;
      body_ = Body::none;
    }
    if (exchange.cut) server_.cut(1);
    else ++unflushed_;
    if (exchange.closes) closing_ = true;
    exchange.let_go();
    if (closing_) return close_after_writing();
    if (first_ != nullptr) first_->at_front();
  }
  if (first_ == nullptr) since_ = server_.loop.now();
  mark_dirty();
  if (readable_ || (in_ != nullptr && in_begin_ != in_end_)) queue_pump();
}

/// The last answer this connection gives was made: requests behind it go unanswered, as RFC 9112 section 9.6 has it.
void Connection::close_after_writing() {
  no_more_ = true;
  while (first_ != nullptr) {
    ServerExchange& exchange = *first_;
    first_ = exchange.next;
    --pipelined_;
    exchange.kill(CancelReason::client_gone);
    exchange.let_go();
  }
  last_ = nullptr;
  reading_ = nullptr;
  body_ = Body::none;
  mark_dirty();
}

std::string& Connection::out() {
  if (out_.capacity() < 64) out_ = server_.take_buffer();
  return out_;
}

void Connection::mark_dirty() {
  if (!closed_) server_.queue_write(*this);
}

void Connection::queue_pump() {
  if (!closed_) server_.queue_pump(*this);
}

void Connection::flush() {
  if (closed_) return;
  while (out_at_ < out_.size() && !blocked_) {
    const ::iovec part{out_.data() + out_at_, out_.size() - out_at_};
    const net::IoResult put = transport_->write(&part, 1);
    if (put.status == net::IoStatus::ok) {
      out_at_ += put.bytes;
      write_since_ = server_.loop.now();
    } else if (put.status == net::IoStatus::would_block) {
      blocked_ = true;
      if (write_since_ == Instant{}) write_since_ = server_.loop.now();
    } else {
      return gone(CancelReason::client_gone);
    }
  }
  if (out_at_ == out_.size()) {
    out_at_ = 0;
    if (!out_.empty()) server_.give_buffer(std::move(out_));
    out_ = std::string();
    server_.answered(unflushed_);
    unflushed_ = 0;
    write_since_ = Instant{};
    if (closing_) return linger();
    if (peer_ended_ && first_ == nullptr) return linger();
    if (server_.draining() && first_ == nullptr && !partial() && body_ == Body::none) {
      no_more_ = true;
      return linger();
    }
  } else if (out_at_ > 65536) {
    out_.erase(0, out_at_);
    out_at_ = 0;
  }
  if (first_ != nullptr) first_->on_drained();
  if (!closed_) arm();
}

void Connection::peer_ended() {
  peer_ended_ = true;
  readable_ = false;
  ended_at_ = server_.loop.now();
  if (reading_ != nullptr && body_ != Body::drop) {
    ServerExchange* exchange = reading_;
    reading_ = nullptr;
    body_ = Body::none;
    no_more_ = true;
    exchange->body_broken(problems::bad_request, "The body ended before its length");
  } else {
    consume();
  }
  if (first_ == nullptr && buffered() == 0) gone(CancelReason::none);
}

void Connection::linger() {
  // Closing with unread input would reset the connection, and the answer might not arrive.
  transport_->shutdown_write();
  if (peer_ended_ && transport_->flushed()) return gone(CancelReason::none);
  lingering_ = true;
  linger_until_ = server_.loop.now() + linger_time;
  readable_ = true;
  drop_input();
}

void Connection::drop_input() {
  if (in_ == nullptr) in_ = server_.blocks->take();
  if (in_ == nullptr) return gone(CancelReason::none, true);
  for (int reads = 0; readable_ && !closed_;) {
    if (++reads > reads_a_turn) {
      queue_pump();
      break;
    }
    const net::IoResult got = transport_->read(in_->base(), in_->capacity());
    if (got.status == net::IoStatus::ok) readable_ = got.bytes == in_->capacity() || readable_;
    if (got.status == net::IoStatus::would_block) readable_ = false;
    if (got.status == net::IoStatus::eof || got.status == net::IoStatus::error) return gone(CancelReason::none);
  }
  server_.blocks->give(in_);
  in_ = nullptr;
  arm();
}

void Connection::begin_drain() {
  if (closed_ || lingering_) return;
  if (busy()) return;
  // What has arrived already is a request of ours.
  readable_ = true;
  pump();
  if (closed_ || busy()) return;
  no_more_ = true;
  linger();
}

void Connection::gone(CancelReason reason, bool reset) {
  if (closed_) return;
  closed_ = true;
  timer_.stop();
  transport_->close(reset);
  reading_ = nullptr;
  body_ = Body::none;
  while (first_ != nullptr) {
    ServerExchange& exchange = *first_;
    first_ = exchange.next;
    exchange.kill(reason);
    exchange.let_go();
  }
  last_ = nullptr;
  if (in_ != nullptr) server_.blocks->give(in_);
  in_ = nullptr;
  unflushed_ = 0;
  server_.bury(*this);
}

void Connection::shut() {
  server_.cut(unflushed_);
  for (ServerExchange* exchange = first_; exchange != nullptr;) {
    ServerExchange* following = exchange->next;
    if (!exchange->cut) server_.cut(1);
    exchange->forget();
    exchange = following;
  }
  first_ = last_ = nullptr;
  unflushed_ = 0;
  gone(CancelReason::shutdown);
}

Instant Connection::deadline() const noexcept {
  const services::Limits& limits = server_.plan.config.limits;
  Instant at = Instant::max();
  const auto no_later = [&](Instant when) { at = std::min(at, when); };
  if (lingering_) return linger_until_;
  if (buffered() != 0 && blocked_) no_later(write_since_ + milliseconds(limits.write_timeout_ms));
  if (partial() && pipelined_ < limits.pipeline) no_later(since_ + milliseconds(limits.header_timeout_ms));
  else if (body_ != Body::none && wants_bytes()) no_later(since_ + milliseconds(limits.body_timeout_ms));
  else if (first_ == nullptr && buffered() == 0) no_later(since_ + milliseconds(limits.idle_timeout_ms));
  if (peer_ended_ && first_ != nullptr && !graced_) no_later(ended_at_ + half_close_grace);
  return at;
}

void Connection::arm() {
  if (closed_) return;
  const Instant at = deadline();
  if (at == Instant::max() || (timer_.armed() && timer_.when() <= at)) return;
  timer_.start_at(at);
}

void Connection::on_timer() {
  const Instant now = server_.loop.now();
  if (deadline() > now) return arm();
  if (lingering_) return gone(CancelReason::none);
  const services::Limits& limits = server_.plan.config.limits;
  if (buffered() != 0 && blocked_ && write_since_ + milliseconds(limits.write_timeout_ms) <= now)
    return gone(CancelReason::client_gone, true);
  if (peer_ended_ && first_ != nullptr && !graced_ && ended_at_ + half_close_grace <= now) {
    graced_ = true;
    for (ServerExchange* e = first_; e != nullptr && !closed_;) {
      ServerExchange* following = e->next;
      e->warn(CancelReason::client_gone);
      e = following;
    }
  } else if (partial()) {
    refuse(problems::request_timeout, "The request head did not arrive in time");
  } else if (body_ != Body::none && reading_ != nullptr) {
    ServerExchange* exchange = reading_;
    reading_ = nullptr;
    body_ = Body::none;
    no_more_ = true;
    exchange->body_broken(problems::request_timeout, "The request body did not arrive in time");
  } else if (first_ == nullptr) {
    no_more_ = true;
    return linger();
  }
  if (!closed_) arm();
}

}  // namespace spikard::http::detail
