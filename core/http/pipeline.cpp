// The order of things (fixtures/README.md section 2, "Order of things"). Size limits, the declared body limit and routing come
// before, in connection.cpp; places for further middleware are marked where they belong.
#include <algorithm>

#include "http/connection.hpp"
#include "http/exchange.hpp"
#include "http/media_type.hpp"
#include "http/server_impl.hpp"

namespace spikard::http::detail {

ServerExchange::ServerExchange(ServerImpl& server, std::uint32_t slot)
    : server_(server), slot_(slot), timer_(server.loop, [this] { on_timeout(); }) {}

void ServerExchange::open(Connection* connection, Block* of) {
  connection_ = connection;
  block = of;
  used = 0;
  route = nullptr;
  next = nullptr;
  allow = extra = {};
  origin = {};
  credit = 65536;
  framing = h1::Framing::none;
  content_length = 0;
  keep_alive = true;
  encoded = false;
  decoded_ = 0;
  head_method = http10 = expects_continue = continue_due = body_done = body_wanted = false;
  complete = closes = cut = head_sent = false;
  user = nullptr;
  phase_ = Phase::on_request;
  owed_other_ = Other::nothing;
  owed_handler_ = dead_ = in_after_ = after_error_ = ended_early_ = false;
  sent_status_ = 0;
  chunked_out_ = over_mark_ = warned_ = length_framed_ = mismatch_ = false;
  early_ = 0;
  hook_ = 0;
  step_ = 0;
  media_ = MediaKind::none;
}

void ServerExchange::begin() {
  if (route != nullptr && route->auth != nullptr) phase_ = Phase::authentication;
  if (route != nullptr && route->timeout_ms != 0) {
    block->record().deadline_ms = route->timeout_ms;
    timer_.start(std::chrono::milliseconds(route->timeout_ms));
  }
  queue();
}

void ServerExchange::queue() {
  if (phase_ != Phase::free) server_.queue_ready(*this);
}

void ServerExchange::advance() {
  if (phase_ == Phase::free || in_advance_) return;
  in_advance_ = true;
  for (bool go_on = true; go_on && owed_other_ == Other::nothing;) {
    if (dead_) break;
    switch (phase_) {
      case Phase::authentication:
        if (authenticate()) phase_ = Phase::on_request;
        break;
      case Phase::on_request:
        if (run_hooks(HookPhase::on_request) && phase_ == Phase::on_request) phase_ = Phase::media;
        break;
      case Phase::media:
        if (check_media()) phase_ = route->streams_body ? Phase::pre_validation : Phase::body;
        break;
      case Phase::body:
        if (body_done && !spooling()) {
          phase_ = Phase::pre_validation;
        } else {
          if (!body_wanted && connection_ != nullptr) {
            body_wanted = true;
            connection_->want_body(*this);
          }
          go_on = (body_done && !spooling()) || phase_ != Phase::body;
        }
        break;
      case Phase::pre_validation:
        if (run_hooks(HookPhase::pre_validation) && phase_ == Phase::pre_validation) phase_ = Phase::validation;
        break;
      case Phase::validation:
        if (validate()) phase_ = Phase::pre_handler;
        break;
      case Phase::pre_handler:
        if (run_hooks(HookPhase::pre_handler) && phase_ == Phase::pre_handler) phase_ = Phase::dependencies;
        break;
      case Phase::dependencies:
        if (route->dependencies.inject.empty() || resolve()) {
          if (phase_ == Phase::dependencies) phase_ = Phase::handler;
        } else {
          go_on = phase_ != Phase::dependencies;
        }
        break;
      case Phase::handler:
        if (owed_handler_) {
          go_on = false;
          break;
        }
        block->record().size = used;
        owed_handler_ = true;
        server_.sink.on_request(*this);
        if (owed_handler_ && route->streams_body && !body_wanted && connection_ != nullptr) {
          body_wanted = true;
          if (body_done) server_.sink.on_chunk(*this, BodyChunk(nullptr, 0, true));
          else connection_->want_body(*this);
        }
        break;
      case Phase::after:
        // A failing on_response hook turns to on_error, in the same phase: then its hooks come first.
        if (const bool error = after_error_;
            run_hooks(error ? HookPhase::on_error : HookPhase::on_response) && phase_ == Phase::after && after_error_ == error)
          finish_after();
        break;
      case Phase::free:
      case Phase::streaming:
      case Phase::answered:
      case Phase::alone: go_on = false; break;
    }
  }
  if (owed_other_ == Other::nothing && !owed_handler_ && (dead_ || phase_ == Phase::answered)) dispose();
  in_advance_ = false;
  release_if_done();
}

bool ServerExchange::run_hooks(HookPhase phase) {
  const std::uint32_t count = server_.plan.hook_count(phase);
  const Phase before = phase_;
  const bool error_before = after_error_;
  while (hook_ < count) {
    block->record().size = used;
    owed_other_ = Other::hook;
    server_.sink.on_hook(*this, phase, hook_++);
    if (owed_other_ == Other::hook) return false;
    if (phase_ != before || dead_ || after_error_ != error_before) return true;
  }
  hook_ = 0;
  return true;
}

void ServerExchange::hook_done(const HookResult& result) {
  if (owed_other_ != Other::hook) return;
  owed_other_ = Other::nothing;
  if (dead_) return settled();
  if (result.context.exists()) merge_context(result.context);
  if (dead_ || phase_ == Phase::answered) return settled();
  for (const HeaderField& field : result.set) answer_.set(field.name, field.value, true);
  for (const HeaderField& field : result.append) answer_.set(field.name, field.value, false);
  if (!in_after_) early_ = answer_.fields.size();
  if (result.answer != nullptr) {
    if (in_after_) {
      std::erase_if(answer_.fields, [](const Answer::Field& f) {
        return f.name.size() > 8 && equals_ignoring_case(std::string_view(f.name).substr(0, 8), "content-");
      });
      early_ = answer_.fields.size();
      store(*result.answer);
    } else {
      short_circuit(*result.answer);
    }
  }
  if (!in_advance_) queue();
}

void ServerExchange::short_circuit(const Reply& reply) {
  if (timer_.armed()) timer_.stop();
  store(reply);
  after(HookPhase::on_response);
}

void ServerExchange::merge_context(Value members) {
  RequestRecord& record = block->record();
  const Value old = record.value(record.context);
  NodeBuilder& merged = server_.scratch;
  merged.clear();
  merged.begin_object();
  if (old.is_object()) {
    for (const auto& [key, value] : old.members()) {
      if (members.find(key).exists()) continue;
      merged.key(key);
      merged.copy(value);
    }
  }
  if (members.is_object()) {
    for (const auto& [key, value] : members.members()) {
      merged.key(key);
      merged.copy(value);
    }
  }
  merged.end();
  View where;
  if (!append_nodes(merged.root(), where)) return no_memory();
  block->record().context = where;
}

bool ServerExchange::authenticate() {
  NodeBuilder& identity = server_.scratch;
  identity.clear();
  Authenticator::Outcome outcome =
      route->auth->check(block->record(), route->scopes, server_.loop.clock().wall(), server_.reader, identity);
  if (outcome.status != 0) {
    challenge = std::move(outcome.challenge);
    problem(outcome.status == 401 ? problems::unauthorized : problems::forbidden, outcome.why, true);
    return false;
  }
  View where;
  if (!append_nodes(identity.root(), where)) return no_memory(), false;
  block->record().auth = where;
  return true;
}

bool ServerExchange::check_media() {
  media_ = MediaKind::none;
  if (!route->takes_body) return true;
  const RequestRecord& record = block->record();
  std::string_view header;
  bool there = false;
  for (const ViewPair* pair = record.header_begin(); pair != record.header_end(); ++pair) {
    if (record.text(pair->name) == "content-type") {
      header = record.text(pair->value);
      there = true;
      break;
    }
  }
  const bool has_body = framing == h1::Framing::chunked || content_length > 0;
  if (!there && !has_body) return true;
  const std::optional<MediaType> type = parse_media_type(there ? header : std::string_view("application/json"));
  if (!type || std::none_of(route->content_types.begin(), route->content_types.end(),
                            [&](const std::string& one) { return accepts(one, *type); })) {
    problem(problems::unsupported_media_type, "The route does not take this Content-Type", true);
    return false;
  }
  if (encoded && !check_coding()) return false;
  if (type->is_json()) {
    if (!type->is_utf8()) {
      problem(problems::unsupported_charset, "JSON is UTF-8", true);
      return false;
    }
    media_ = MediaKind::json;
  } else if (type->is_form()) {
    media_ = MediaKind::form;
  } else if (type->is_multipart_form()) {
    if (type->boundary.empty()) {
      problem(problems::bad_request, "The multipart Content-Type lacks a boundary", true);
      return false;
    }
    media_ = MediaKind::multipart;
    if (route->takes_parts) {
      upload_ = std::make_unique<Upload>(*route, server_.plan.config.multipart, type->boundary, server_.loop, server_.pool());
      upload_->ready = [this] {
        if (connection_ != nullptr) connection_->more_credit();
        if (body_done) queue();
      };
    }
  } else if (equals_ignoring_case(type->type, "text")) {
    media_ = MediaKind::text;
  } else {
    media_ = MediaKind::raw;
  }
  return true;
}

bool ServerExchange::check_coding() {
  const RequestRecord& record = block->record();
  std::string_view named;
  bool several = false;
  for (const ViewPair* pair = record.header_begin(); pair != record.header_end(); ++pair) {
    if (record.text(pair->name) != "content-encoding") continue;
    several = !named.empty();
    named = record.text(pair->value);
  }
  if (!several && (named.empty() || equals_ignoring_case(named, "identity"))) return true;
  for (const services::ContentCoding coding : server_.plan.config.decompression->encodings) {
    const std::string_view name = services::name_of(coding);
    const bool same =
        equals_ignoring_case(named, name) || (coding == services::ContentCoding::gzip && equals_ignoring_case(named, "x-gzip"));
    if (several || !same) continue;
    decoder_ = ContentDecoder::make(coding);
    return true;
  }
  problem(problems::unsupported_media_type, "The server does not take this Content-Encoding", true);
  return false;
}

bool ServerExchange::take_piece(std::string_view bytes, bool last) {
  refusal_ = nullptr;
  if (decoder_ == nullptr) {
    if (upload_->take(bytes)) return true;
  } else {
    const ContentDecoder::Status status = decoder_->push(bytes, *this);
    if (status == ContentDecoder::Status::good && (!last || decoder_->finished())) return true;
    if (status != ContentDecoder::Status::stopped) {
      refusal_ = &problems::bad_request;
      refusal_detail_ = "The body is not what its Content-Encoding says";
      return false;
    }
  }
  if (refusal_ == nullptr) {
    refusal_ = upload_->failure();
    refusal_detail_ = upload_->detail();
  }
  return false;
}

bool ServerExchange::on_decoded(std::string_view bytes) {
  const services::HttpConfig& config = server_.plan.config;
  const std::uint64_t limit = config.decompression->max_bytes.value_or(route->max_body_bytes.value_or(config.limits.body_bytes));
  decoded_ += bytes.size();
  if (decoded_ > limit) {
    refusal_ = &problems::payload_too_large;
    refusal_detail_ = "The decoded body is larger than " + std::to_string(limit) + " bytes";
    return false;
  }
  if (upload_ != nullptr) return upload_->take(bytes);
  const std::uint32_t at = append(bytes.size(), 1);
  if (at == 0) {
    refusal_ = &problems::service_unavailable;
    refusal_detail_ = "The request does not fit into memory";
    return false;
  }
  std::copy_n(bytes.data(), bytes.size(), block->base() + at);
  block->record().body.len += static_cast<std::uint32_t>(bytes.size());
  return true;
}

void ServerExchange::body_complete() {
  body_done = true;
  if (upload_ != nullptr) upload_->finish();
  if (phase_ == Phase::body && body_wanted) queue();
}

void ServerExchange::body_broken(const ProblemKind& kind, std::string_view detail) {
  body_done = true;
  closes = true;
  if (head_sent || complete) {
    kill(CancelReason::client_gone);
    if (!complete && connection_ != nullptr) completed(false);
    return;
  }
  if (owed_handler_ || owed_other_ != Other::nothing) kill(CancelReason::client_gone);
  problem(kind, detail, false);
}

void ServerExchange::after(HookPhase phase) {
  in_after_ = true;
  after_error_ = phase == HookPhase::on_error;
  hook_ = 0;
  phase_ = Phase::after;
  if (!in_advance_) queue();
}

void ServerExchange::finish_after() {
  if (answer_.streamed) {
    phase_ = Phase::streaming;
    send_stream_head(answer_.status, response_headers());
    if (complete) return;
    if (!held_.empty() && connection_ != nullptr) send_chunk(held_);
    held_.clear();
    if (ended_early_) end();
    return;
  }
  send_answer();
}

void ServerExchange::server_error() {
  // A streamed answer whose head is out can only be cut off.
  if (head_sent) {
    closes = true;
    phase_ = Phase::answered;
    completed(false);
    if (!in_advance_) queue();
    return;
  }
  if (timer_.armed()) timer_.stop();
  held_.clear();
  std::string& body = server_.scratch_text;
  body.clear();
  append_problem(body, server_.plan.config.problem_base, problems::internal_server_error,
                 "The server could not handle the request");
  const HeaderField type{"content-type", problem_media_type};
  if (server_.plan.hook_count(HookPhase::on_error) == 0 && early_ == 0) {
    send(500, {&type, 0}, problem_media_type, body);
    if (!in_advance_) queue();
    return;
  }
  answer_.fields.resize(std::min(early_, answer_.fields.size()));
  answer_.streamed = false;
  store({.status = 500, .format = BodyFormat::raw, .headers = {&type, 1}, .body = body});
  after(HookPhase::on_error);
}

void ServerExchange::problem(const ProblemKind& kind, std::string_view detail, bool hooks, std::uint16_t status,
                             std::string_view errors_json, bool as_exception) {
  if (timer_.armed()) timer_.stop();
  std::string body;
  append_problem(body, server_.plan.config.problem_base, kind, detail, status, {}, errors_json);
  const HeaderField type{"content-type", problem_media_type};
  const std::uint16_t code = status != 0 ? status : kind.status;
  HeaderField fields[5] = {type};
  std::size_t count = 1;
  if (!challenge.empty()) fields[count++] = {"www-authenticate", challenge};
  if (!allow.empty()) fields[count++] = {"allow", allow};
  if (encoded && kind.status == problems::unsupported_media_type.status)
    fields[count++] = {"accept-encoding", server_.plan.accept_encoding};
  if (!extra.empty()) fields[count++] = {extra, extra_value};
  const std::span<const HeaderField> with_type(fields, count);
  if (!stores(hooks, as_exception)) {
    send(code, with_type, {}, body);
    if (!in_advance_) queue();
    return;
  }
  answer_.fields.resize(std::min(early_, answer_.fields.size()));
  answer_.streamed = false;
  store({.status = code, .format = BodyFormat::raw, .headers = with_type, .body = body});
  if (hooks) {
    after(as_exception ? HookPhase::on_error : HookPhase::on_response);
  } else {
    send_answer();
    if (!in_advance_) queue();
  }
}

bool ServerExchange::stores(bool hooks, bool as_exception) const noexcept {
  return early_ != 0 || (hooks && server_.plan.hook_count(as_exception ? HookPhase::on_error : HookPhase::on_response) != 0);
}

void ServerExchange::on_timeout() {
  if (head_sent || complete || phase_ == Phase::free || phase_ == Phase::answered) return;
  dead_ = true;
  if (cancel_) cancel_->cancel(CancelReason::deadline);
  if (owed()) server_.sink.on_cancel(*this, CancelReason::deadline);
  if (complete) return;
  problem(problems::request_timeout, "The request took too long", false, server_.plan.config.timeout.status);
}

void ServerExchange::warn(CancelReason reason) {
  if (warned_ || dead_ || !owed()) return;
  warned_ = true;
  if (cancel_) cancel_->cancel(reason);
  server_.sink.on_cancel(*this, reason);
}

void ServerExchange::kill(CancelReason reason) {
  if (dead_ || phase_ == Phase::free) return;
  const bool told = warned_;
  dead_ = true;
  if (timer_.armed()) timer_.stop();
  if (cancel_) cancel_->cancel(reason);
  if (!told && owed()) server_.sink.on_cancel(*this, reason);
  if (!owed() && !in_advance_) queue();
}

void ServerExchange::cancel_now(CancelReason reason) {
  if (phase_ == Phase::alone) return;
  const bool answered = complete;
  kill(reason);
  if (answered || connection_ == nullptr) return;
  cut = true;
  if (head_sent) {
    closes = true;
    phase_ = Phase::answered;
    connection_->take_no_more();
    completed(false);
  } else {
    closes = next == nullptr;
    problem(problems::service_unavailable, "The server is stopping", false);
  }
}

void ServerExchange::forget() {
  connection_ = nullptr;
  dead_ = true;
  owed_handler_ = false;
  owed_other_ = Other::nothing;
  queued = false;
  give_up_claims();
  slots_.clear();
  if (timer_.armed()) timer_.stop();
  if (cancel_) cancel_->cancel(CancelReason::shutdown);
  release_if_done();
}

void ServerExchange::settled() {
  if (!owed() && !in_advance_) queue();
}

void ServerExchange::let_go() {
  connection_ = nullptr;
  pending.clear();
  release_if_done();
}

void ServerExchange::release_if_done() {
  if (in_advance_ || queued || connection_ != nullptr || owed() || phase_ == Phase::free) return;
  if (!slots_.empty()) return queue();  // something is to be disposed of yet
  if (!complete && !dead_) return;
  if (server_.telemetry != nullptr) {
    server_.telemetry->cut(observed, sent_status_, "cancelled");
    observed.span = {};
  }
  phase_ = Phase::free;
  if (timer_.armed()) timer_.stop();
  cancel_.reset();
  upload_.reset();
  decoder_.reset();
  answer_.clear();
  held_.clear();
  pending.clear();
  request_id.clear();
  challenge.clear();
  file_.reset();
  drop_encoder();
  ++generation_;
  if (generation_ == 0) generation_ = 1;
  server_.close_exchange(*this);
}

CancelToken ServerExchange::token() noexcept {
  if (!cancel_) {
    cancel_.emplace();
    if (dead_ || warned_) cancel_->cancel(CancelReason::requested);
  }
  return cancel_->token();
}

telemetry::SpanContext ServerExchange::trace() const {
  if (server_.telemetry != nullptr && observed.span.context().valid()) return observed.span.context();
  return block == nullptr ? telemetry::SpanContext() : trace_of(block->record());
}

void ServerExchange::log(std::string_view type, std::string_view message) {
  server_.failed(*this, {.type = type, .message = message, .trace = {}});
}

}  // namespace spikard::http::detail
