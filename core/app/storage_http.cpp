#include "app/storage_http.hpp"

#include <chrono>
#include <deque>
#include <utility>

#include "base/json.hpp"
#include "http/conditions.hpp"
#include "http/date.hpp"
#include "storage/signed_urls.hpp"

namespace spikard::app {

namespace {

using http::ByteRange;
using http::has_header;
using http::header_of;
using http::HeaderField;
using http::parse_range;
using http::Precondition;

/// Longer than any transfer, for a route must have some limit of its own where the application has one.
constexpr std::uint32_t transfer_timeout_ms = 86'400'000;

/// The headers of an answer and what they point to.
class Fields {
 public:
  void add(std::string_view name, std::string value) {
    values_.push_back(std::move(value));
    fields_.push_back({name, values_.back()});
  }
  void add(std::string_view name, const std::optional<std::string>& given, const std::optional<std::string>& stored) {
    if (given.has_value()) {
      add(name, *given);
    } else if (stored.has_value()) {
      add(name, *stored);
    }
  }
  [[nodiscard]] std::span<const HeaderField> all() const noexcept { return fields_; }

 private:
  std::deque<std::string> values_;  // stay where they are
  std::vector<HeaderField> fields_;
};

void add_validators(Fields& fields, const storage::ObjectInfo& info, const ServeOptions& options) {
  fields.add("etag", info.etag);
  std::string date(http::imf_fixdate_size, ' ');
  http::put_imf_fixdate(date.data(), std::chrono::floor<std::chrono::seconds>(info.last_modified).time_since_epoch().count());
  fields.add("last-modified", std::move(date));
  fields.add("cache-control", options.cache_control, info.cache_control);
  for (const auto& [name, value] : options.headers) fields.add(name, value);
}

void add_content(Fields& fields, const storage::ObjectInfo& info, const ServeOptions& options) {
  fields.add("accept-ranges", "bytes");
  const std::optional<std::string> unknown = "application/octet-stream";
  fields.add("content-type", options.content_type, info.content_type.has_value() ? info.content_type : unknown);
  fields.add("content-disposition", options.content_disposition, info.content_disposition);
  fields.add("x-content-type-options", "nosniff");  // what was uploaded is what it says, not what it looks like
}

storage::ReadOptions options_of(const ByteRange& range) {
  storage::ReadOptions out;
  if (!range.first.has_value()) {
    out.suffix = range.last;
    return out;
  }
  out.offset = range.first;
  // `last` is inclusive; a length that does not fit is as good as none.
  if (range.last.has_value() && *range.last - *range.first < UINT64_MAX) out.length = *range.last - *range.first + 1;
  return out;
}

}  // namespace

// -- the routes of signed URLs

Result<std::shared_ptr<StorageRoutes>> StorageRoutes::create(const std::map<std::string, services::StorageConfig>& stores,
                                                             services::HttpConfig& http, Find find) {
  auto self = std::make_shared<StorageRoutes>();
  self->first_ = static_cast<std::uint32_t>(http.routes.size());
  self->find_ = std::move(find);
  for (const auto& [name, config] : stores) {
    if (!config.url.starts_with("memory:") && !config.url.starts_with("file:")) continue;
    storage::SignedUrlsOptions options;
    options.path = config.presign.path;
    options.name = name;
    const std::string& path = config.presign.path;
    if (name.empty() || path.find_first_of("{}?#%") != std::string::npos || path.find("//") != std::string::npos)
      return invalid_argument("services.storage." + name + ".presign.path: expected a path such as /_spikard/storage");
    services::Parameter key;
    key.in = services::ParameterIn::path;
    key.name = "key";
    key.required = true;
    services::Route route;
    route.path = storage::SignedUrls(std::move(options)).path() + "{key:path}";
    route.name = "storage " + name;
    route.parameters.push_back(std::move(key));
    route.timeout_ms = transfer_timeout_ms;
    route.method = services::HttpMethod::get;
    http.routes.push_back(route);
    services::Body body;
    body.content_types = {"*/*"};
    body.required = false;
    body.mode = services::BodyMode::stream;
    body.max_bytes = config.presign.max_upload_bytes;
    route.body = std::move(body);
    route.method = services::HttpMethod::put;
    http.routes.push_back(std::move(route));
    self->names_.push_back(name);
  }
  return self;
}

// -- jobs

struct StorageHttp::Transfer final : Job {
  Transfer(net::Loop& loop, http::Exchange& of, std::shared_ptr<storage::Client> store, std::string of_key,
           telemetry::SpanContext trace)
      : Job(loop, of, std::move(trace)), client(std::move(store)), key(std::move(of_key)), arrived(loop) {}
  std::shared_ptr<storage::Client> client;
  std::string key;
  std::optional<storage::UploadTarget> part;  ///< store: the body is this, not the object
  net::Event arrived;                         ///< store: a part of the body came
  std::deque<http::BodyChunk> parts;
};

StorageHttp::JobPtr StorageHttp::open(http::Exchange& exchange, std::shared_ptr<storage::Client> store, std::string key,
                                      telemetry::SpanContext trace) {
  return std::make_shared<Transfer>(loop(), exchange, std::move(store), std::move(key), std::move(trace));
}

void StorageHttp::serve(http::Exchange& exchange, std::shared_ptr<storage::Client> store, std::string key, ServeOptions options) {
  const JobPtr job = open(exchange, std::move(store), std::move(key), options.trace);
  begin(job, serving(job, std::move(options)));
}

void StorageHttp::store(http::Exchange& exchange, std::shared_ptr<storage::Client> store, std::string key, StoreOptions options,
                        std::deque<http::BodyChunk> arrived) {
  const JobPtr job = open(exchange, std::move(store), std::move(key), options.trace);
  job->parts = std::move(arrived);
  begin(job, storing(job, std::move(options)));
}

// -- http::Sink

void StorageHttp::on_request(http::Exchange& exchange) {
  if (signed_route(exchange)) {
    exchange.user = nullptr;  // not one of the inner sink's
    signed_request(exchange);
  } else {
    inner().on_request(exchange);
  }
}

void StorageHttp::on_chunk(http::Exchange& exchange, http::BodyChunk chunk) {
  const std::shared_ptr<Job> job = find(exchange);
  if (job == nullptr) {
    if (!signed_route(exchange)) inner().on_chunk(exchange, std::move(chunk));
    return;
  }
  auto& transfer = static_cast<Transfer&>(*job);
  transfer.parts.push_back(std::move(chunk));
  transfer.arrived.set();
}

void StorageHttp::on_credit(http::Exchange& exchange) {
  if (signed_route(exchange) && find(exchange) == nullptr) return;
  ExchangeJobs::on_credit(exchange);
}

void StorageHttp::signed_request(http::Exchange& exchange) {
  const http::RequestRecord& record = exchange.record();
  const auto forbid = [&](std::string_view why) { problem(exchange, 403, "forbidden", "Forbidden", why); };
  Result<std::shared_ptr<storage::Client>> client = routes_->store_of(record.route);
  if (!client.ok() || (*client)->signed_urls() == nullptr)
    return problem(exchange, 503, "service-unavailable", "Service Unavailable", "The store cannot be opened");
  const Node* nodes = record.nodes(record.params);
  const std::string key(nodes == nullptr ? std::string_view() : Value(nodes, record.base()).text());
  const storage::PresignMethod method = record.method == http::Method::put    ? storage::PresignMethod::put
                                        : record.method == http::Method::head ? storage::PresignMethod::head
                                                                              : storage::PresignMethod::get;
  std::optional<storage::UploadTarget> part;
  switch ((*client)->signed_urls()->check(method, key, record.text(record.query), loop().clock(), &part)) {
    case storage::SignedUrls::Verdict::wrong: return forbid("The URL is not signed for this");
    case storage::SignedUrls::Verdict::expired: return forbid("The URL has expired");
    case storage::SignedUrls::Verdict::good: break;
  }
  if (method == storage::PresignMethod::put) {
    StoreOptions options;
    options.max_bytes = (*client)->max_upload_bytes();
    if (part.has_value()) options.max_bytes = std::min(options.max_bytes, part->size);
    options.status = 200;
    const JobPtr job = open(exchange, std::move(*client), key, exchange.trace());
    job->part = std::move(part);
    return begin(job, storing(job, std::move(options)));
  }
  ServeOptions options;
  options.trace = exchange.trace();
  serve(exchange, std::move(*client), key, std::move(options));
}

// -- answers

void StorageHttp::refuse(Job& job, const Error& error) {
  job.answered = true;
  http::Exchange& exchange = *job.exchange;
  switch (error.kind()) {
    case ErrorKind::not_found:
      return problem(
          exchange, 404, "not-found", "Not Found",
          error.detail() == "no_such_upload" ? "The upload was completed, aborted or taken away" : "There is no such object");
    case ErrorKind::invalid_argument: return problem(exchange, 400, "bad-request", "Bad Request", error.message());
    case ErrorKind::condition_failed:
      return problem(exchange, 412, "precondition-failed", "Precondition Failed", "The condition does not hold");
    case ErrorKind::too_large: return problem(exchange, 413, "payload-too-large", "Payload Too Large", "The body is too large");
    case ErrorKind::cancelled: return exchange.abort();
    case ErrorKind::unavailable:
    case ErrorKind::rate_limited:
    case ErrorKind::timeout: return unavailable(exchange, "The store is not available");
    default: return fail(exchange, error.to_string());
  }
}

bool StorageHttp::conditions_hold(Job& job, const storage::ObjectInfo& info, const ServeOptions& options) {
  switch (check_preconditions(job.exchange->record(), info.etag, info.last_modified)) {
    case Precondition::proceed: return true;
    case Precondition::not_modified: {
      Fields fields;
      add_validators(fields, info, options);
      job.answered = true;
      job.exchange->reply({.status = 304, .headers = fields.all()});
      return false;
    }
    case Precondition::failed: refuse(job, Error(ErrorKind::condition_failed, "")); return false;
  }
  return true;
}

Task<void> StorageHttp::serving(JobPtr job, ServeOptions options) {
  const http::RequestRecord& record = job->exchange->record();
  if (record.method == http::Method::head) {
    auto work = job->client->stat(job->caller, job->key);
    Result<storage::ObjectInfo> info = co_await work;
    if (!info.ok()) {
      refuse(*job, info.error());
      co_return;
    }
    if (!conditions_hold(*job, *info, options)) co_return;
    Fields fields;
    add_validators(fields, *info, options);
    add_content(fields, *info, options);
    fields.add("content-length", std::to_string(info->size));
    job->answered = true;
    job->exchange->start(200, fields.all());
    job->exchange->end();
    co_return;
  }
  const auto range = has_header(record, "range") ? parse_range(header_of(record, "range")) : std::nullopt;
  if (range.has_value()) {
    storage::ReadOptions part = options_of(*range);
    auto work = answer_range(job, std::move(options), std::move(part));
    co_await work;
    co_return;
  }
  auto opening = job->client->open_read(job->caller, job->key);
  Result<std::unique_ptr<storage::Reader>> reader = co_await opening;
  if (!reader.ok()) {
    refuse(*job, reader.error());
    co_return;
  }
  auto work = answer_object(job, std::move(options), std::move(*reader), false);
  co_await work;
}

Task<void> StorageHttp::answer_range(JobPtr job, ServeOptions options, storage::ReadOptions range) {
  auto opening = job->client->open_read(job->caller, job->key, range);
  Result<std::unique_ptr<storage::Reader>> reader = co_await opening;
  const bool outside = !reader.ok() && reader.error().detail() == "range_not_satisfiable";
  if (!reader.ok() && !outside) {
    refuse(*job, reader.error());
    co_return;
  }
  bool partial = true;
  if (outside) {
    // Conditions come first, and If-Range may take the Range away.
    auto looking = job->client->stat(job->caller, job->key);
    Result<storage::ObjectInfo> info = co_await looking;
    if (!info.ok()) {
      refuse(*job, info.error());
      co_return;
    }
    if (!conditions_hold(*job, *info, options)) co_return;
    if (range_stands(job->exchange->record(), info->etag, info->last_modified)) {
      const std::string size = "bytes */" + std::to_string(info->size);
      const HeaderField field{"content-range", size};
      job->answered = true;
      problem(*job->exchange, 416, "range-not-satisfiable", "Range Not Satisfiable",
              "The range begins after the end of the object", {&field, 1});
      co_return;
    }
    partial = false;
  } else {
    const storage::ObjectInfo& info = (*reader)->info();
    partial = range_stands(job->exchange->record(), info.etag, info.last_modified);
    // A suffix of an empty object is the whole of it, which no Content-Range can say.
    if ((*reader)->span().size == 0) partial = false;
  }
  if (!partial && (outside || (*reader)->span().size != (*reader)->info().size)) {
    auto again = job->client->open_read(job->caller, job->key);
    reader = co_await again;
    if (!reader.ok()) {
      refuse(*job, reader.error());
      co_return;
    }
  }
  auto work = answer_object(job, std::move(options), std::move(*reader), partial);
  co_await work;
}

Task<void> StorageHttp::answer_object(JobPtr job, ServeOptions options, std::unique_ptr<storage::Reader> reader, bool partial) {
  const storage::ObjectInfo& info = reader->info();
  const storage::Span span = reader->span();
  if (!conditions_hold(*job, info, options)) co_return;
  auto reading = reader->next();
  Result<std::string> part = co_await reading;
  if (!part.ok()) {
    refuse(*job, part.error());
    co_return;
  }
  Fields fields;
  add_validators(fields, info, options);
  add_content(fields, info, options);
  if (partial) {
    fields.add("content-range", "bytes " + std::to_string(span.offset) + "-" + std::to_string(span.offset + span.size - 1) + "/" +
                                    std::to_string(info.size));
  }
  const std::uint16_t status = partial ? 206 : 200;
  if (part->size() == span.size) {
    job->answered = true;
    job->exchange->reply({.status = status, .headers = fields.all(), .body = *part});
    co_return;
  }
  fields.add("content-length", std::to_string(span.size));
  job->exchange->start(status, fields.all());
  for (;;) {
    job->room.reset();
    const bool room = job->exchange->write(*part);
    if (!room) {
      auto waiting = job->room.wait();
      Result<void> waited = co_await waiting;
      if (!waited.ok()) {
        job->answered = true;
        job->exchange->abort();
        co_return;
      }
    }
    auto next = reader->next();
    part = co_await next;
    const CancelToken token = co_await current_token();
    if (!part.ok() || token.cancelled()) {
      job->answered = true;
      job->exchange->abort();  // the length was promised: a broken answer must look broken
      co_return;
    }
    if (part->empty()) break;
  }
  job->answered = true;
  job->exchange->end();
}

// -- bodies

Task<void> StorageHttp::storing(JobPtr job, StoreOptions options) {
  const http::RequestRecord& record = job->exchange->record();
  const std::uint16_t status = options.status;
  const auto headers = std::move(options.headers);
  if (!options.write.content_type.has_value() && has_header(record, "content-type"))
    options.write.content_type = std::string(header_of(record, "content-type"));
  storage::WriteConditions& conditions = options.write.conditions;  // the handler's own go before the client's
  if (!conditions.if_match && has_header(record, "if-match")) conditions.if_match = std::string(header_of(record, "if-match"));
  if (!conditions.if_none_match && has_header(record, "if-none-match"))
    conditions.if_none_match = std::string(header_of(record, "if-none-match"));
  auto work = take_body(job, std::move(options));
  Result<storage::ObjectInfo> info = co_await work;
  if (!info.ok()) {
    refuse(*job, info.error());
    co_return;
  }
  std::string body;
  json::Writer out(body);
  out.begin_object();
  out.key("key");
  out.string(info->key);
  out.key("size");
  out.uinteger(info->size);
  out.key("etag");
  out.string(info->etag);
  out.end_object();
  Fields fields;
  fields.add("etag", info->etag);
  for (const auto& [name, value] : headers) fields.add(name, value);
  job->answered = true;
  job->exchange->reply({.status = status, .format = http::BodyFormat::json, .headers = fields.all(), .body = body});
}

Task<Result<storage::ObjectInfo>> StorageHttp::take_body(JobPtr job, StoreOptions options) {
  using Out = Result<storage::ObjectInfo>;
  const http::RequestRecord& record = job->exchange->record();
  const Error too_large(ErrorKind::too_large, "the body is too large");
  if ((record.flags & http::record_stream) == 0) {
    const std::string_view body = record.text(record.body);
    if (body.size() > options.max_bytes) co_return Out(too_large);
    auto work = job->client->write(job->caller, job->key, std::string(body), std::move(options.write));
    Out info = co_await work;
    co_return info;
  }
  Task<Result<std::unique_ptr<storage::Writer>>> opening;
  if (job->part.has_value()) {
    opening = job->client->write_part(job->caller, job->key, *job->part);
  } else {
    opening = job->client->open_write(job->caller, job->key, std::move(options.write));
  }
  Result<std::unique_ptr<storage::Writer>> writer = co_await opening;
  if (!writer.ok()) co_return Out(std::move(writer).error());
  std::uint64_t seen = 0;
  for (bool last = false; !last;) {
    while (job->parts.empty()) {
      job->arrived.reset();
      auto waiting = job->arrived.wait();
      Result<void> waited = co_await waiting;
      if (!waited.ok()) co_return Out(std::move(waited).error());
    }
    const http::BodyChunk part = std::move(job->parts.front());
    job->parts.pop_front();
    last = part.last();
    seen += part.data().size();
    if (seen > options.max_bytes) co_return Out(too_large);
    if (!part.data().empty()) {
      auto writing = (*writer)->write(std::string(part.data()));
      Result<void> written = co_await writing;
      if (!written.ok()) co_return Out(std::move(written).error());
      const CancelToken token = co_await current_token();
      if (token.cancelled()) co_return Out(Error(ErrorKind::cancelled, "the client is gone"));
      job->exchange->grant(part.data().size());
    }
  }
  if (job->part.has_value() && seen != job->part->size) {
    Error error =
        invalid_argument("the body has " + std::to_string(seen) + " bytes, the URL is for " + std::to_string(job->part->size));
    co_return Out(std::move(error));
  }
  auto finishing = (*writer)->finish();
  Out info = co_await finishing;
  co_return info;
}

}  // namespace spikard::app
