// What the sink says, and the bytes it becomes.
#include <algorithm>
#include <charconv>

#include "http/connection.hpp"
#include "http/exchange.hpp"
#include "http/h1/response_writer.hpp"
#include "http/media_type.hpp"
#include "http/server_impl.hpp"

namespace spikard::http::detail {
namespace {

/// Streamed bytes that may wait for the client; over the high mark `write` says no, under the low one on_credit comes.
constexpr std::size_t high_mark = 256 * 1024;
constexpr std::size_t low_mark = 64 * 1024;

std::string_view default_type(BodyFormat format) noexcept {
  switch (format) {
    case BodyFormat::raw: return "application/octet-stream";
    case BodyFormat::text: return "text/plain; charset=utf-8";
    case BodyFormat::json:
    case BodyFormat::nodes: return "application/json";
  }
  return {};
}

bool has_field(std::span<const HeaderField> fields, std::string_view name) noexcept {
  return std::any_of(fields.begin(), fields.end(), [&](const HeaderField& f) { return equals_ignoring_case(f.name, name); });
}

}  // namespace

void Answer::set(std::string_view name, std::string_view value, bool replace) {
  const auto same = [&](const Field& f) { return equals_ignoring_case(f.name, name); };
  if (replace) {
    std::erase_if(fields, same);
  } else if (const auto at = std::find_if(fields.begin(), fields.end(), same);
             at != fields.end() && !equals_ignoring_case(name, "set-cookie")) {
    at->value.append(", ").append(value);
    return;
  }
  fields.push_back({std::string(name), std::string(value)});
}

std::span<const HeaderField> ServerExchange::response_headers() const noexcept {
  auto& view = const_cast<Answer&>(answer_).view;  // a cache of `fields`
  view.clear();
  for (const Answer::Field& field : answer_.fields) view.push_back({field.name, field.value});
  return view;
}

void ServerExchange::reply(const Reply& reply) {
  if (!owed_handler_) return;
  owed_handler_ = false;
  if (dead_) return settled();
  if (head_sent || in_after_) {  // a reply after start: the stream cannot be made right any more
    if (in_after_ && !answer_.streamed) return settled();
    return server_error();
  }
  if (timer_.armed()) timer_.stop();
  if (stores(true)) {
    store(reply);
    after(HookPhase::on_response);
    return;
  }
  std::string_view body = reply.body;
  if (reply.format == BodyFormat::nodes) {
    std::string& text = server_.scratch_text;
    text.clear();
    json::Writer(text).write(reply.value);
    body = text;
  }
  send(reply.status, reply.headers,
       body.empty() && reply.format == BodyFormat::raw ? std::string_view() : default_type(reply.format), body);
  if (!in_advance_) slots_.empty() ? release_if_done() : queue();
}

void ServerExchange::store(const Reply& reply) {
  answer_.status = reply.status;
  answer_.streamed = false;
  answer_.body.clear();
  if (reply.format == BodyFormat::nodes) json::Writer(answer_.body).write(reply.value);
  else answer_.body.assign(reply.body);
  // What earlier hooks set gives way to what the answer says itself.
  const auto early = answer_.fields.begin() + static_cast<std::ptrdiff_t>(std::min(early_, answer_.fields.size()));
  const auto kept = std::remove_if(answer_.fields.begin(), early, [&](const Answer::Field& f) {
    return has_field(reply.headers, f.name) && !equals_ignoring_case(f.name, "set-cookie");
  });
  answer_.fields.erase(kept, early);
  for (const HeaderField& field : reply.headers) answer_.fields.push_back({std::string(field.name), std::string(field.value)});
  if (!has_field(reply.headers, "content-type") && !(answer_.body.empty() && reply.format == BodyFormat::raw)) {
    answer_.set("content-type", default_type(reply.format), true);
  }
}

void ServerExchange::send_answer() { send(answer_.status, response_headers(), {}, answer_.body); }

std::string* ServerExchange::out() {
  if (connection_ == nullptr) return nullptr;
  return connection_->is_front(*this) ? &connection_->out() : &pending;
}

/// `reads_on`: the handler may take the rest of a streamed body while it answers; what is left is dropped when it ends.
bool ServerExchange::decide_close(bool reads_on) {
  if (connection_ == nullptr) return true;
  if (!closes && keep_alive && !(server_.draining() && !connection_->more_follows(*this))) {
    if (body_done || reads_on || connection_->drop_body(*this)) return false;
  }
  closes = true;
  connection_->take_no_more();
  return true;
}

void ServerExchange::send(std::uint16_t status, std::span<const HeaderField> fields, std::string_view content_type,
                          std::string_view body) {
  phase_ = Phase::answered;
  const bool close = decide_close();
  if (std::string* to = out()) {
    const Coding coding = server_.plan.codings ? choose_coding(status, fields, content_type, body.size()) : Coding::identity;
    const bool coded = coding != Coding::identity && server_.encode(coding, body);
    if (coded) body = server_.scratch_coded;
    const h1::ResponseHead head{.status = status,
                                .version = static_cast<std::uint8_t>(http10 ? 10 : 11),
                                .keep_alive = !close,
                                .body_end = h1::BodyEnd::length,
                                .content_length = body.size(),
                                .headers = with_own(fields, coded ? coding : Coding::identity),
                                .content_type = content_type,
                                .date = server_.date(),
                                .server = server_.server_header()};
    if (!h1::append_head(*to, head)) {
      refuse_head(fields);
      return server_error();
    }
    if (!head_method && !h1::bodiless(status)) to->append(body);
  }
  head_sent = true;
  sent_status_ = status;
  completed();
}

/// A header that cannot be sent is an error of whoever set it.
void ServerExchange::refuse_head(std::span<const HeaderField> fields) {
  const HeaderField* wrong = h1::refused_header(fields);
  log("invalid_header", wrong == nullptr ? std::string_view("a response header is invalid") : wrong->name);
  early_ = 0;
  answer_.fields.clear();
  in_after_ = true;
}

void ServerExchange::answer_options() {
  const HeaderField field{"allow", allow};
  send(204, {&field, 1}, {}, {});
  release_if_done();
}

void ServerExchange::answer_plain(std::uint16_t status, std::string_view body, std::string_view content_type) {
  send(status, {}, content_type, body);
  release_if_done();
}

void ServerExchange::completed(bool whole) {
  complete = true;
  if (server_.telemetry != nullptr) {
    if (whole) server_.telemetry->end(observed, sent_status_);
    else server_.telemetry->cut(observed, sent_status_, "aborted");
  }
  if (connection_ != nullptr) connection_->completed();
}

void ServerExchange::start(std::uint16_t status, std::span<const HeaderField> headers) {
  if (!owed_handler_ || dead_ || head_sent || in_after_) return;
  if (timer_.armed()) timer_.stop();
  if (stores(true)) {
    store({.status = status, .headers = headers});
    answer_.streamed = true;
    after(HookPhase::on_response);
    return;
  }
  phase_ = Phase::streaming;
  send_stream_head(status, headers);
}

void ServerExchange::send_stream_head(std::uint16_t status, std::span<const HeaderField> fields) {
  length_framed_ = false;
  for (const HeaderField& field : fields) {
    if (!equals_ignoring_case(field.name, "content-length")) continue;
    const auto [end, error] = std::from_chars(field.value.data(), field.value.data() + field.value.size(), length_left_);
    length_framed_ = error == std::errc() && end == field.value.data() + field.value.size();
  }
  const bool bodiless = h1::bodiless(status);
  coding_ = Coding::identity;
  if (server_.plan.codings && connection_ != nullptr) {
    coding_ = choose_coding(status, fields, {}, length_framed_ ? std::optional(length_left_) : std::nullopt);
    if (coding_ != Coding::identity && (encoder_ = server_.take_encoder(coding_)) == nullptr) coding_ = Coding::identity;
    if (coding_ != Coding::identity) length_framed_ = false;
  }
  if (!length_framed_ && http10) closes = true;
  const bool close = decide_close(route != nullptr && route->streams_body);
  chunked_out_ = !length_framed_ && !http10 && !bodiless;
  if (std::string* to = out()) {
    const h1::ResponseHead head{.status = status,
                                .version = static_cast<std::uint8_t>(http10 ? 10 : 11),
                                .keep_alive = !close,
                                .body_end = length_framed_ ? h1::BodyEnd::length
                                            : http10       ? h1::BodyEnd::close
                                                           : h1::BodyEnd::chunked,
                                .content_length = length_left_,
                                .headers = with_own(fields, coding_),
                                .content_type = {},
                                .date = server_.date(),
                                .server = server_.server_header()};
    if (!h1::append_head(*to, head)) {
      refuse_head(fields);
      dead_ = false;
      return server_error();
    }
    connection_->mark_dirty();
  }
  sent_status_ = status;
  if (bodiless || head_method) chunked_out_ = length_framed_ = false, head_method = true;
  head_sent = true;
}

void ServerExchange::send_chunk(std::string_view chunk) {
  // While hooks run, `held_` gets what goes behind the head that they may still change.
  std::string* to = answer_.streamed && in_after_ && !head_sent ? &held_ : out();
  if (to == nullptr || chunk.empty()) return;
  if (to == &held_) {
    to->append(chunk);
    return;
  }
  if (encoder_ != nullptr) {
    if (head_method) return;
    std::string& coded = server_.scratch_coded;
    coded.clear();
    if (!encoder_->feed(chunk, Encoder::Step::flush, coded)) throw std::bad_alloc();
    chunk = coded;
    if (chunk.empty()) return;
  }
  if (chunked_out_) {
    h1::append_chunk(*to, chunk);
  } else if (length_framed_) {
    to->append(chunk.substr(0, std::min<std::uint64_t>(chunk.size(), length_left_)));
    length_left_ -= std::min<std::uint64_t>(chunk.size(), length_left_);
  } else if (!head_method) {
    to->append(chunk);
  }
  connection_->mark_dirty();
}

bool ServerExchange::write(std::string_view chunk) {
  if (!owed_handler_ || dead_) return true;
  if (phase_ != Phase::streaming && !(in_after_ && answer_.streamed)) return true;
  send_chunk(chunk);
  const std::size_t waiting = connection_ == nullptr         ? 0
                              : connection_->is_front(*this) ? connection_->buffered()
                                                             : pending.size() + held_.size();
  if (waiting <= high_mark) return true;
  over_mark_ = true;
  return false;
}

void ServerExchange::on_drained() {
  if (file_.there()) return pump_file();
  if (!over_mark_ || !owed_handler_ || dead_ || connection_ == nullptr || connection_->buffered() > low_mark) return;
  over_mark_ = false;
  server_.sink.on_credit(*this);
}

void ServerExchange::end() {
  if (phase_ == Phase::after && in_after_ && answer_.streamed) {
    if (!owed_handler_) return;
    owed_handler_ = false;
    if (dead_) return settled();
    ended_early_ = true;
    return;
  }
  if (!owed_handler_ && !ended_early_) return;
  owed_handler_ = ended_early_ = false;
  if (dead_ || phase_ != Phase::streaming) return settled();
  end_stream();
  if (!in_advance_) slots_.empty() ? release_if_done() : queue();
}

void ServerExchange::end_stream() {
  if (std::string* to = out()) {
    if (encoder_ != nullptr && !head_method) {
      std::string& coded = server_.scratch_coded;
      coded.clear();
      if (!encoder_->feed({}, Encoder::Step::finish, coded)) throw std::bad_alloc();
      if (chunked_out_ && !coded.empty()) h1::append_chunk(*to, coded);
      else to->append(coded);
    }
    if (chunked_out_) to->append(h1::last_chunk);
    if (length_framed_ && length_left_ != 0) closes = true;  // shorter than it said: only the end of the connection can tell
    if (!body_done && !connection_->drop_body(*this)) closes = true;
  }
  drop_encoder();
  phase_ = Phase::answered;
  completed();
}

void ServerExchange::abort() {
  if (owed_other_ != Other::nothing && !owed_handler_) return;
  if (!owed_handler_) return;
  owed_handler_ = false;
  if (dead_) return settled();
  if (timer_.armed()) timer_.stop();
  closes = true;
  held_.clear();
  phase_ = Phase::answered;
  if (connection_ != nullptr) connection_->take_no_more();
  completed(false);
  if (!in_advance_) queue();
}

void ServerExchange::fail(const Failure& failure) {
  if (owed_other_ != Other::nothing) {
    const Other what = owed_other_;
    if (what == Other::dispose) {
      server_.failed(*this, failure);
      return dispose_done();
    }
    owed_other_ = Other::nothing;
    if (dead_) return settled();
    server_.failed(*this, failure);
    if (what == Other::factory) give_up_claims();
    if (in_after_ && after_error_) {  // the next on_error hook still gets its turn
      if (!in_advance_) queue();
      return;
    }
    return server_error();
  }
  if (!owed_handler_) return;
  owed_handler_ = false;
  if (dead_) return settled();
  if (!warned_) server_.failed(*this, failure);
  server_error();
}

void ServerExchange::grant(std::size_t bytes) {
  credit += bytes;
  if (connection_ != nullptr && !body_done) connection_->more_credit();
}

void ServerExchange::at_front() {
  if (connection_ == nullptr) return;
  if (!pending.empty()) {
    connection_->out().append(pending);
    pending.clear();
    connection_->mark_dirty();
  }
  if (continue_due && !head_sent) {
    connection_->out().append(h1::continue_response);
    connection_->mark_dirty();
  }
  continue_due = false;
  if (over_mark_) connection_->mark_dirty();
  if (file_.there()) pump_file();
}

}  // namespace spikard::http::detail
