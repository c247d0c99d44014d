#include "storage/client.hpp"

#include <algorithm>
#include <utility>

#include "base/base64.hpp"
#include "net/signing/hash.hpp"
#include "storage/key.hpp"

namespace spikard::storage {

namespace {

constexpr std::size_t max_many = 1000;
constexpr std::uint32_t max_expires_s = 604'800;
constexpr std::size_t mac_bytes = 12;

/// One call's span and name, and what came of it.
class Call {
 public:
  Call(const telemetry::Tracer& tracer, const net::Caller& caller, std::string_view operation, std::string_view backend,
       std::string_view key = {})
      : operation_(operation) {
    if (!tracer) return;
    span_ = tracer.start("storage." + std::string(operation), telemetry::SpanKind::client, caller.trace);
    if (!span_.recording()) return;
    span_.set("storage.operation", operation);
    span_.set("storage.backend", backend);
    if (!key.empty()) span_.set("storage.key", key);
  }
  Call(Call&&) noexcept = default;
  Call& operator=(Call&&) = delete;
  ~Call() {
    if (span_.recording()) (void)fail(Error(ErrorKind::cancelled, "the caller gave up"));
  }
  void set(std::string_view name, std::string_view value) { span_.set(name, value); }

  /// Ends it; the error gets the operation's name.
  template <class T>
  Result<T> end(Result<T> result) {
    if (result.ok()) {
      succeed();
      return result;
    }
    return fail(std::move(result).error());
  }
  Error fail(Error error) {
    if (error.operation().empty()) error = std::move(error).with_operation("storage." + std::string(operation_));
    span_.set("storage.outcome", name_of(error.kind()));
    span_.fail(error);
    span_.end();
    return error;
  }
  void succeed() {
    span_.set("storage.outcome", "ok");
    span_.end();
  }
  [[nodiscard]] bool recording() const noexcept { return span_.recording(); }

 private:
  std::string_view operation_;  // static text
  telemetry::Span span_;
};

/// A stream's span lasts as long as the stream: one that is dropped between its first part and its end was cancelled; one that
/// was not read at all is for what it says of the object.
class TracedReader final : public Reader {
 public:
  TracedReader(std::unique_ptr<Reader> inner, Call call) : inner_(std::move(inner)), call_(std::move(call)) {}
  ~TracedReader() override {
    if (!begun_) call_.succeed();
  }
  [[nodiscard]] const ObjectInfo& info() const noexcept override { return inner_->info(); }
  [[nodiscard]] Span span() const noexcept override { return inner_->span(); }
  [[nodiscard]] Task<Result<std::string>> next() override {
    begun_ = true;
    auto work = inner_->next();
    Result<std::string> part = co_await work;
    if (!part.ok()) co_return call_.end(std::move(part));
    done_ += part->size();
    if (part->empty() || done_ == inner_->span().size) call_.succeed();
    co_return part;
  }

 private:
  std::unique_ptr<Reader> inner_;
  Call call_;
  bool begun_ = false;
  std::uint64_t done_ = 0;
};

class TracedWriter final : public Writer {
 public:
  TracedWriter(std::unique_ptr<Writer> inner, Call call) : inner_(std::move(inner)), call_(std::move(call)) {}
  ~TracedWriter() override {
    if (call_.recording())
      (void)call_.fail(Error(ErrorKind::cancelled, "the writer gave up before the end").with_detail("aborted"));
  }
  [[nodiscard]] Task<Result<void>> write(std::string part) override {
    auto work = inner_->write(std::move(part));
    Result<void> written = co_await work;
    if (!written.ok()) co_return call_.end(std::move(written));
    co_return written;
  }
  [[nodiscard]] Task<Result<ObjectInfo>> finish() override {
    auto work = inner_->finish();
    Result<ObjectInfo> info = co_await work;
    co_return call_.end(std::move(info));
  }

 private:
  std::unique_ptr<Writer> inner_;
  Call call_;
};

Result<void> check_range(const ReadOptions& options) {
  if (options.suffix.has_value() && (options.offset.has_value() || options.length.has_value()))
    return invalid_argument("suffix: expected without offset and length");
  return {};
}

}  // namespace

Client::Client(std::shared_ptr<Backend> backend, const services::StorageConfig& config, telemetry::Tracer tracer)
    : backend_(std::move(backend)),
      tracer_(std::move(tracer)),
      url_(config.url),
      max_read_bytes_(config.max_read_bytes),
      max_upload_bytes_(config.presign.max_upload_bytes) {}

Result<std::shared_ptr<Client>> Client::open(const services::StorageConfig& config, const Environment& environment) {
  Result<std::shared_ptr<Backend>> backend = storage::open(config, environment);
  if (!backend.ok()) return std::move(backend).error();
  return std::make_shared<Client>(std::move(*backend), config, environment.tracer);
}

Task<Result<Object>> Client::read(net::Caller caller, std::string key, ReadOptions options) {
  Call call(tracer_, caller, "read", backend_->name(), key);
  Result<void> checked = check_key(key);
  if (checked.ok()) checked = check_range(options);
  if (!checked.ok()) co_return call.end(Result<Object>(std::move(checked).error()));
  auto work = backend_->get(*caller.loop, std::move(key), std::move(options), max_read_bytes_);
  Result<Object> object = co_await work;
  co_return call.end(std::move(object));
}

Task<Result<std::unique_ptr<Reader>>> Client::open_read(net::Caller caller, std::string key, ReadOptions options) {
  Call call(tracer_, caller, "read", backend_->name(), key);
  using Out = Result<std::unique_ptr<Reader>>;
  Result<void> checked = check_key(key);
  if (checked.ok()) checked = check_range(options);
  if (!checked.ok()) co_return call.end(Out(std::move(checked).error()));
  auto work = backend_->read(*caller.loop, std::move(key), std::move(options));
  Out reader = co_await work;
  if (!reader.ok() || !call.recording()) co_return call.end(std::move(reader));
  std::unique_ptr<Reader> traced = std::make_unique<TracedReader>(std::move(*reader), std::move(call));
  co_return Out(std::move(traced));
}

Task<Result<ObjectInfo>> Client::write(net::Caller caller, std::string key, std::string data, WriteOptions options) {
  Call call(tracer_, caller, "write", backend_->name(), key);
  Result<void> checked = check_key(key);
  if (checked.ok()) checked = check_and_fold(options);
  if (!checked.ok()) co_return call.end(Result<ObjectInfo>(std::move(checked).error()));
  auto work = backend_->put(*caller.loop, std::move(key), std::move(data), std::move(options));
  Result<ObjectInfo> info = co_await work;
  co_return call.end(std::move(info));
}

Task<Result<std::unique_ptr<Writer>>> Client::open_write(net::Caller caller, std::string key, WriteOptions options) {
  Call call(tracer_, caller, "write", backend_->name(), key);
  using Out = Result<std::unique_ptr<Writer>>;
  Result<void> checked = check_key(key);
  if (checked.ok()) checked = check_and_fold(options);
  if (!checked.ok()) co_return call.end(Out(std::move(checked).error()));
  auto work = backend_->write(*caller.loop, std::move(key), std::move(options));
  Out writer = co_await work;
  if (!writer.ok() || !call.recording()) co_return call.end(std::move(writer));
  std::unique_ptr<Writer> traced = std::make_unique<TracedWriter>(std::move(*writer), std::move(call));
  co_return Out(std::move(traced));
}

Task<Result<ObjectInfo>> Client::stat(net::Caller caller, std::string key) {
  Call call(tracer_, caller, "stat", backend_->name(), key);
  Result<void> checked = check_key(key);
  if (!checked.ok()) co_return call.end(Result<ObjectInfo>(std::move(checked).error()));
  auto work = backend_->stat(*caller.loop, std::move(key));
  Result<ObjectInfo> info = co_await work;
  co_return call.end(std::move(info));
}

Task<Result<bool>> Client::exists(net::Caller caller, std::string key) {
  Call call(tracer_, caller, "exists", backend_->name(), key);
  Result<void> checked = check_key(key);
  if (!checked.ok()) co_return call.end(Result<bool>(std::move(checked).error()));
  auto work = backend_->stat(*caller.loop, std::move(key));
  Result<ObjectInfo> info = co_await work;
  if (info.ok()) co_return call.end(Result<bool>(true));
  if (info.error().kind() == ErrorKind::not_found) co_return call.end(Result<bool>(false));
  co_return call.end(Result<bool>(std::move(info).error()));
}

Task<Result<void>> Client::remove(net::Caller caller, std::string key) {
  Call call(tracer_, caller, "delete", backend_->name(), key);
  Result<void> checked = check_key(key);
  if (!checked.ok()) co_return call.end(std::move(checked));
  std::vector<std::string> keys;
  keys.push_back(std::move(key));
  auto work = backend_->remove(*caller.loop, std::move(keys));
  Result<std::vector<DeleteFailure>> failures = co_await work;
  if (!failures.ok()) co_return call.end(Result<void>(std::move(failures).error()));
  if (!failures->empty()) co_return call.end(Result<void>(std::move(failures->front().error)));
  co_return call.end(Result<void>());
}

Task<Result<std::vector<DeleteFailure>>> Client::remove_many(net::Caller caller, std::vector<std::string> keys) {
  Call call(tracer_, caller, "delete_many", backend_->name());
  using Out = Result<std::vector<DeleteFailure>>;
  if (keys.size() > max_many) {
    Error error =
        invalid_argument("keys: expected " + std::to_string(max_many) + " at most, they are " + std::to_string(keys.size()));
    co_return call.end(Out(std::move(error)));
  }
  std::vector<DeleteFailure> refused;
  std::vector<std::string> good;
  for (std::string& key : keys) {
    if (Result<void> checked = check_key(key); checked.ok()) {
      good.push_back(std::move(key));
    } else {
      refused.push_back({std::move(key), std::move(checked).error()});
    }
  }
  if (!good.empty()) {
    auto work = backend_->remove(*caller.loop, std::move(good));
    Out failures = co_await work;
    if (!failures.ok()) co_return call.end(std::move(failures));
    for (DeleteFailure& failure : *failures) refused.push_back(std::move(failure));
  }
  co_return call.end(Out(std::move(refused)));
}

// A token is the backend's place behind a code that only who has the store's secret can make: what was not given out, or not for
// this prefix and delimiter, is found out.
std::string Client::token_of(const ListOptions& options, std::string_view cursor) const {
  std::string text = "spikard-storage-page-1\n";
  text += std::to_string(options.prefix.size()) + "\n" + std::to_string(options.delimiter.size()) + "\n";
  text.append(options.prefix).append(options.delimiter).append(cursor);
  // Without a secret anybody can make one up: it gives no access to anything.
  const std::string open = "spikard-storage-tokens:" + url_;
  const std::string_view key = backend_->secret().empty() ? open : backend_->secret();
  std::string token = net::signing::hmac_sha256(key, text).substr(0, mac_bytes);
  token.append(cursor);
  return base64::encode_url(token);
}

std::optional<std::string> Client::cursor_of(const ListOptions& options) const {
  const std::optional<std::string> raw = base64::decode_url(*options.token);
  if (!raw.has_value() || raw->size() < mac_bytes) return std::nullopt;
  std::string cursor = raw->substr(mac_bytes);
  if (!net::signing::equal_in_constant_time(token_of(options, cursor), *options.token)) return std::nullopt;
  return cursor;
}

Task<Result<Listing>> Client::list(net::Caller caller, ListOptions options) {
  Call call(tracer_, caller, "list", backend_->name());
  if (options.limit < 1 || options.limit > max_page) {
    Error error = invalid_argument("limit: expected 1 to " + std::to_string(max_page));
    co_return call.end(Result<Listing>(std::move(error)));
  }
  ListQuery query;
  if (options.token.has_value()) {
    query.cursor = cursor_of(options);
    if (!query.cursor.has_value()) {
      Error error = invalid_argument("token: expected the 'next' of a page with this prefix and delimiter");
      co_return call.end(Result<Listing>(std::move(error)));
    }
  }
  query.prefix = options.prefix;
  query.delimiter = options.delimiter;
  query.start_after = options.start_after;
  query.limit = options.limit;
  auto work = backend_->list(*caller.loop, std::move(query));
  Result<ListPage> page = co_await work;
  if (!page.ok()) co_return call.end(Result<Listing>(std::move(page).error()));
  Listing out;
  out.entries = std::move(page->entries);
  out.prefixes = std::move(page->prefixes);
  if (page->cursor.has_value()) out.next = token_of(options, *page->cursor);
  co_return call.end(Result<Listing>(std::move(out)));
}

Task<Result<ObjectInfo>> Client::copy(net::Caller caller, std::string source, std::string target, WriteConditions conditions) {
  Call call(tracer_, caller, "copy", backend_->name(), source);
  call.set("storage.target", target);
  Result<void> checked = check_key(source);
  if (checked.ok()) checked = check_key(target);
  if (checked.ok()) checked = check_conditions_form(conditions);
  if (!checked.ok()) co_return call.end(Result<ObjectInfo>(std::move(checked).error()));
  auto work = backend_->copy(*caller.loop, std::move(source), std::move(target), std::move(conditions));
  Result<ObjectInfo> info = co_await work;
  co_return call.end(std::move(info));
}

Task<Result<ObjectInfo>> Client::rename(net::Caller caller, std::string source, std::string target, WriteConditions conditions) {
  Call call(tracer_, caller, "rename", backend_->name(), source);
  call.set("storage.target", target);
  Result<void> checked = check_key(source);
  if (checked.ok()) checked = check_key(target);
  if (checked.ok()) checked = check_conditions_form(conditions);
  if (!checked.ok()) co_return call.end(Result<ObjectInfo>(std::move(checked).error()));
  auto work = backend_->rename(*caller.loop, std::move(source), std::move(target), std::move(conditions));
  Result<ObjectInfo> info = co_await work;
  co_return call.end(std::move(info));
}

Task<Result<PresignedUrl>> Client::presign(net::Caller caller, PresignMethod method, std::string key, std::uint32_t expires_s) {
  Call call(tracer_, caller, "presign", backend_->name(), key);
  Result<void> checked = check_key(key);
  if (checked.ok() && (expires_s < 1 || expires_s > max_expires_s))
    checked = invalid_argument("expires_s: expected 1 to " + std::to_string(max_expires_s));
  if (!checked.ok()) co_return call.end(Result<PresignedUrl>(std::move(checked).error()));
  auto work = backend_->presign(*caller.loop, method, std::move(key), expires_s);
  Result<PresignedUrl> url = co_await work;
  co_return call.end(std::move(url));
}

Result<void> Client::check_plan(UploadOptions& options) const {
  if (!backend_->capabilities().uploads)
    return Error(ErrorKind::unsupported, std::string(backend_->name()) + ": the store has no uploads in parts by signed URLs");
  if (backend_->secret().empty()) {
    return invalid_argument(
        "presign.secret: expected where the configuration of the store has no key of its own: tokens of uploads are signed with "
        "it");
  }
  SPIKARD_TRY(check_and_fit(options));
  if (backend_->signed_urls() != nullptr && std::min(options.part_bytes, options.size) > max_upload_bytes_) {
    return invalid_argument("part_bytes: a part would have more than presign.max_upload_bytes (" +
                            std::to_string(max_upload_bytes_) + ")");
  }
  return check_and_fold(options.write);
}

Result<Upload> Client::upload_of(std::string_view key, std::string_view token) const {
  SPIKARD_TRY(check_key(key));
  // Nobody was given one that was signed with nothing.
  if (backend_->secret().empty()) return invalid_argument("presign.secret: expected for uploads").with_detail("invalid_upload");
  return read_upload_token(backend_->secret(), url_, key, token);
}

Task<Result<UploadPlan>> Client::plan_upload(net::Caller caller, std::string key, UploadOptions options) {
  Call call(tracer_, caller, "plan_upload", backend_->name(), key);
  Result<void> checked = check_key(key);
  if (checked.ok()) checked = check_plan(options);
  if (!checked.ok()) co_return call.end(Result<UploadPlan>(std::move(checked).error()));
  Upload upload;
  upload.size = options.size;
  upload.part_bytes = options.part_bytes;
  upload.write = options.write;
  auto work = backend_->begin_upload(*caller.loop, key, std::move(options));
  Result<UploadPlan> plan = co_await work;
  if (plan.ok()) {
    upload.id = std::move(plan->upload);
    upload.expires_at = plan->expires_at;
    plan->upload = upload_token(backend_->secret(), url_, key, upload);
    plan->key = std::move(key);
  }
  co_return call.end(std::move(plan));
}

Task<Result<ObjectInfo>> Client::complete_upload(net::Caller caller, std::string key, std::string upload,
                                                 std::vector<std::string> etags) {
  Call call(tracer_, caller, "complete_upload", backend_->name(), key);
  Result<Upload> planned = upload_of(key, upload);
  if (planned.ok() && caller.loop->clock().wall() > planned->expires_at + upload_grace)
    planned = invalid_argument("upload: its time is over").with_detail("invalid_upload");
  if (planned.ok())
    if (Result<void> checked = check_etags(*planned, etags); !checked.ok()) planned = std::move(checked).error();
  if (!planned.ok()) co_return call.end(Result<ObjectInfo>(std::move(planned).error()));
  auto work = backend_->complete_upload(*caller.loop, std::move(key), std::move(*planned), std::move(etags));
  Result<ObjectInfo> info = co_await work;
  co_return call.end(std::move(info));
}

Task<Result<void>> Client::abort_upload(net::Caller caller, std::string key, std::string upload) {
  Call call(tracer_, caller, "abort_upload", backend_->name(), key);
  Result<Upload> planned = upload_of(key, upload);
  if (!planned.ok()) co_return call.end(Result<void>(std::move(planned).error()));
  auto work = backend_->abort_upload(*caller.loop, std::move(key), std::move(*planned));
  Result<void> aborted = co_await work;
  co_return call.end(std::move(aborted));
}

Task<Result<std::unique_ptr<Writer>>> Client::write_part(net::Caller caller, std::string key, UploadTarget target) {
  Call call(tracer_, caller, "write_part", backend_->name(), key);
  using Out = Result<std::unique_ptr<Writer>>;
  if (Result<void> checked = check_key(key); !checked.ok()) co_return call.end(Out(std::move(checked).error()));
  auto work = backend_->write_part(*caller.loop, std::move(key), std::move(target));
  Out writer = co_await work;
  if (!writer.ok() || !call.recording()) co_return call.end(std::move(writer));
  std::unique_ptr<Writer> traced = std::make_unique<TracedWriter>(std::move(*writer), std::move(call));
  co_return Out(std::move(traced));
}

}  // namespace spikard::storage
