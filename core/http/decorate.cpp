// Where middleware meets a request and its answer. What is off costs one test of the plan.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "http/conditions.hpp"
#include "http/connection.hpp"
#include "http/exchange.hpp"
#include "http/h1/response_writer.hpp"
#include "http/media_type.hpp"
#include "http/server_impl.hpp"

namespace spikard::http::detail {
namespace {

/// Bytes of a file that wait for the client at most, and how many are read at a time.
constexpr std::size_t file_mark = 128 * 1024;
constexpr std::size_t file_piece = 64 * 1024;

constexpr ProblemKind precondition_failed{412, "precondition-failed", "Precondition Failed"};
constexpr ProblemKind range_not_satisfiable{416, "range-not-satisfiable", "Range Not Satisfiable"};

bool has_field(std::span<const HeaderField> fields, std::string_view name) noexcept {
  return std::any_of(fields.begin(), fields.end(), [&](const HeaderField& f) { return equals_ignoring_case(f.name, name); });
}

/// The configuration decides about these, not a handler.
bool is_cors_field(std::string_view name) noexcept {
  return name.size() > 15 && (equals_ignoring_case(name, "access-control-allow-origin") ||
                              equals_ignoring_case(name, "access-control-allow-credentials") ||
                              equals_ignoring_case(name, "access-control-expose-headers"));
}

AcceptEncoding accept_encoding(const RequestRecord& record) noexcept {
  AcceptEncoding accept;
  for (const ViewPair* pair = record.header_begin(); pair != record.header_end(); ++pair) {
    if (record.text(pair->name) == "accept-encoding") accept.add(record.text(pair->value));
  }
  return accept;
}

/// example.com of `Example.com:8000`; nothing of what is no host.
bool trusts(const std::vector<std::string>& hosts, std::string_view host) noexcept {
  if (host.starts_with('[')) host = host.substr(0, host.find(']') + 1);
  else host = host.substr(0, host.find(':'));
  if (host.ends_with('.')) host.remove_suffix(1);
  return std::any_of(hosts.begin(), hosts.end(), [&](const std::string& one) {
    if (!one.starts_with('.')) return equals_ignoring_case(one, host);
    return host.size() > one.size() && equals_ignoring_case(host.substr(host.size() - one.size()), one);
  });
}

}  // namespace

void Connection::set_origin(ServerExchange& exchange) const {
  if (server_.plan.cors == nullptr) return;
  const RequestRecord& record = exchange.block->record();
  for (const ViewPair* pair = record.header_begin(); pair != record.header_end(); ++pair) {
    if (record.text(pair->name) != "origin") continue;
    if (server_.plan.cors->allows(record.text(pair->value))) exchange.origin = pair->value;
    return;
  }
}

bool Connection::refused_early(ServerExchange& exchange) {
  const Compiled& plan = server_.plan;
  const RequestRecord& record = exchange.block->record();
  if (!plan.hosts.empty() && !trusts(plan.hosts, header_of(record, "host"))) {
    exchange.problem(problems::bad_request, "The host is not one of this server", false);
    return true;
  }
  if (plan.limiter == nullptr) return false;
  std::string key;
  if (!plan.limit_header.empty() && has_header(record, plan.limit_header)) {
    const std::string_view value = header_of(record, plan.limit_header);
    key = "h";
    key.append(value.substr(0, 128));
    // Keys are kept: a long value is told by its hash.
    if (value.size() > 128) key.append(std::to_string(std::hash<std::string_view>()(value)));
  } else {
    key = "a";
    key.append(address_of(peer()));
  }
  const std::uint32_t wait = plan.limiter->take(key, server_.loop.now());
  if (wait == 0) return false;
  exchange.extra = "retry-after";
  exchange.extra_value = std::to_string(wait);
  exchange.problem(problems::too_many_requests, "Too many requests; try again later", false);
  return true;
}

bool Connection::file_answers(ServerExchange& exchange, const Router::Match& match) {
  const StaticFolders* folders = server_.plan.folders.get();
  if (folders == nullptr) return false;
  const RequestRecord& record = exchange.block->record();
  const std::string_view path = record.text(record.path);
  if (!folders->covers(path)) return false;
  const bool reads = record.method == Method::get || record.method == Method::head;
  // A route takes the methods that files lack; a preflight is CORS's.
  if (!reads && match.outcome == Router::Outcome::found) return false;
  if (record.method == Method::options && server_.plan.cors != nullptr && has_header(record, "access-control-request-method"))
    return false;
  StaticFile file;
  const StaticFolders::Found found = folders->find(path, accept_encoding(record), file);
  if (found == StaticFolders::Found::nothing) return false;
  if (!reads) {
    exchange.allow = "GET, HEAD";
    exchange.problem(problems::method_not_allowed, "Files are read with GET and HEAD", false);
  } else if (found == StaticFolders::Found::folder) {
    std::string location(path);
    location += '/';
    if (record.query.len != 0) location.append("?").append(record.text(record.query));
    exchange.answer_redirect(location);
  } else {
    exchange.answer_file(std::move(file));
  }
  return true;
}

bool Connection::cors_answers(ServerExchange& exchange) {
  const Cors* cors = server_.plan.cors.get();
  if (cors == nullptr) return false;
  const RequestRecord& record = exchange.block->record();
  if (!has_header(record, "origin")) return false;
  const bool allowed = exchange.origin.len != 0;
  if (record.method != Method::options || !has_header(record, "access-control-request-method")) {
    if (allowed || !cors->rejects()) return false;
    exchange.problem(problems::forbidden, "The origin is not allowed", false);
    return true;
  }
  const std::string_view method = header_of(record, "access-control-request-method");
  std::string headers;
  for (const ViewPair* pair = record.header_begin(); pair != record.header_end(); ++pair) {
    if (record.text(pair->name) == "access-control-request-headers")
      headers.append(headers.empty() ? "" : ", ").append(record.text(pair->value));
  }
  if (!allowed || !cors->fits(method, headers)) {
    exchange.origin = {};
    exchange.problem(problems::forbidden, allowed ? "The preflight asks for more than is allowed" : "The origin is not allowed",
                     false);
    return true;
  }
  exchange.answer_preflight(method, headers);
  return true;
}

void ServerExchange::answer_preflight(std::string_view method, std::string_view headers) {
  std::vector<HeaderField> fields;
  server_.plan.cors->append_preflight(method, headers, fields);
  send(204, fields, {}, {});
  release_if_done();
}

void ServerExchange::answer_redirect(std::string_view location) {
  const HeaderField field{"location", location};
  send(308, {&field, 1}, {}, {});
  release_if_done();
}

void ServerExchange::answer_file(StaticFile file) {
  const RequestRecord& record = block->record();
  char date[imf_fixdate_size];
  put_imf_fixdate(date, std::chrono::floor<std::chrono::seconds>(file.modified).time_since_epoch().count());
  HeaderField fields[9];
  std::size_t count = 0;
  fields[count++] = {"etag", file.etag};
  fields[count++] = {"last-modified", {date, sizeof date}};
  if (!file.cache_control.empty()) fields[count++] = {"cache-control", file.cache_control};
  if (file.varies) fields[count++] = {"vary", "Accept-Encoding"};
  const auto refuse = [&](const ProblemKind& kind, std::string_view detail) { problem(kind, detail, false); };
  switch (check_preconditions(record, file.etag, file.modified)) {
    case Precondition::proceed: break;
    case Precondition::not_modified: send(304, {fields, count}, {}, {}); return release_if_done();
    case Precondition::failed: return refuse(precondition_failed, "The file is in another state");
  }
  fields[count++] = {"content-type", file.content_type};
  fields[count++] = {"accept-ranges", "bytes"};
  if (file.coding != Coding::identity) fields[count++] = {"content-encoding", coding_name(file.coding)};
  file_at_ = 0;
  file_left_ = file.size;
  std::uint16_t status = 200;
  std::string range_text;
  // Range is for GET alone (RFC 9110 section 14.2); more than one range may be ignored, and is.
  if (record.method == Method::get && has_header(record, "range") && range_stands(record, file.etag, file.modified)) {
    if (const std::optional<ByteRange> range = parse_range(header_of(record, "range"))) {
      const std::uint64_t first = range->first ? *range->first : file.size - std::min(*range->last, file.size);
      if (first >= file.size) {
        extra = "content-range";
        extra_value = "bytes */" + std::to_string(file.size);
        return refuse(range_not_satisfiable, "The range is behind the end of the file");
      }
      const std::uint64_t last = range->first && range->last ? std::min(*range->last, file.size - 1) : file.size - 1;
      file_at_ = first;
      file_left_ = last - first + 1;
      status = 206;
      range_text = "bytes " + std::to_string(first) + "-" + std::to_string(last) + "/" + std::to_string(file.size);
      fields[count++] = {"content-range", range_text};
    }
  }
  const std::string length = std::to_string(file_left_);
  fields[count++] = {"content-length", length};
  if (file_left_ > file_piece)
    ::posix_fadvise(file.handle.fd(), static_cast<off_t>(file_at_), static_cast<off_t>(file_left_), POSIX_FADV_SEQUENTIAL);
  phase_ = Phase::streaming;
  send_stream_head(status, {fields, count});
  if (phase_ != Phase::streaming) return release_if_done();  // the head was refused
  if (head_method) {
    end_stream();
    return release_if_done();
  }
  file_ = std::move(file.handle);
  if (connection_ != nullptr && connection_->is_front(*this)) pump_file();
}

void ServerExchange::pump_file() {
  while (file_left_ != 0) {
    if (connection_ == nullptr || connection_->buffered() >= file_mark) return;
    const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(file_left_, file_piece));
    // Uncoded bytes go straight to where they are sent from.
    std::string& into = encoder_ == nullptr ? connection_->out() : server_.scratch_text;
    if (encoder_ != nullptr) into.clear();
    const std::size_t before = into.size();
    into.resize(before + piece);
    const ::ssize_t got = ::pread(file_.fd(), into.data() + before, piece, static_cast<::off_t>(file_at_));
    into.resize(before + static_cast<std::size_t>(std::max<::ssize_t>(got, 0)));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {  // shorter than it was, or broken: the connection's end tells the client
      file_.reset();
      closes = true;
      phase_ = Phase::answered;
      drop_encoder();
      connection_->take_no_more();
      completed(false);
      return release_if_done();
    }
    file_at_ += static_cast<std::uint64_t>(got);
    file_left_ -= static_cast<std::uint64_t>(got);
    if (encoder_ != nullptr) send_chunk(into);
    else length_left_ -= static_cast<std::uint64_t>(got);
    connection_->mark_dirty();
  }
  file_.reset();
  end_stream();
  release_if_done();
}

Coding ServerExchange::choose_coding(std::uint16_t status, std::span<const HeaderField> fields, std::string_view content_type,
                                     std::optional<std::uint64_t> size) {
  const CodingView view = may_be_coded(status, fields, content_type);
  varies_ = view.may_vary;
  if (!view.may_code || block == nullptr || (size && (*size == 0 || *size < server_.plan.config.compression->min_size)))
    return Coding::identity;
  return accept_encoding(block->record()).best(*server_.plan.codings);
}

std::span<const HeaderField> ServerExchange::with_own(std::span<const HeaderField> fields, Coding coding) {
  const Compiled& plan = server_.plan;
  const bool id = !request_id.empty() && !has_field(fields, plan.request_id_header);
  if (!id && !plan.decorates) return fields;
  fields_.clear();
  for (const HeaderField& field : fields) {
    if (plan.cors != nullptr && is_cors_field(field.name)) continue;
    fields_.push_back(field);
    if (coding == Coding::identity) continue;
    // Other bytes than those that the tag was made for (RFC 9110 section 8.8.1); ranges of them cannot be had.
    if (equals_ignoring_case(field.name, "etag") && !field.value.starts_with("W/")) {
      server_.scratch_etag.assign("W/").append(field.value);
      fields_.back().value = server_.scratch_etag;
    } else if (equals_ignoring_case(field.name, "accept-ranges")) {
      fields_.pop_back();
    }
  }
  if (id) fields_.push_back({plan.request_id_header, request_id});
  if (!plan.decorates) return fields_;
  if (plan.codings && varies_) fields_.push_back({"vary", "Accept-Encoding"});
  if (coding != Coding::identity) fields_.push_back({"content-encoding", coding_name(coding)});
  if (plan.cors != nullptr) plan.cors->append(origin.len == 0 ? std::string_view() : block->record().text(origin), fields_);
  for (const HeaderField& field : plan.security) {
    if (!has_field(fields, field.name)) fields_.push_back(field);
  }
  if (!plan.transport_security.empty() && connection_ != nullptr && connection_->encrypted() &&
      !has_field(fields, "strict-transport-security"))
    fields_.push_back({"strict-transport-security", plan.transport_security});
  return fields_;
}

void ServerExchange::drop_encoder() {
  if (encoder_ != nullptr) server_.give_encoder(coding_, std::move(encoder_));
  coding_ = Coding::identity;
}

}  // namespace spikard::http::detail
