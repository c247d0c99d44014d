#include "storage/client.hpp"

#include <utility>

#include "base/base64.hpp"
#include "net/signing/hash.hpp"
#include "storage/key.hpp"

namespace spikard::storage {

namespace {

constexpr std::size_t max_many = 1000;
constexpr std::uint32_t max_expires_s = 604'800;
constexpr std::size_t mac_bytes = 12;

template <class T>
Result<T> named(Result<T> result, std::string_view operation) {
  if (result.ok() || !result.error().operation().empty()) return result;
  return std::move(result).error().with_operation(std::string(operation));
}

Result<void> check_range(const ReadOptions& options) {
  if (options.suffix.has_value() && (options.offset.has_value() || options.length.has_value()))
    return invalid_argument("suffix: expected without offset and length");
  return {};
}

}  // namespace

Client::Client(std::shared_ptr<Backend> backend, const services::StorageConfig& config)
    : backend_(std::move(backend)), max_read_bytes_(config.max_read_bytes), max_upload_bytes_(config.presign.max_upload_bytes) {}

Result<std::shared_ptr<Client>> Client::open(const services::StorageConfig& config, const Environment& environment) {
  Result<std::shared_ptr<Backend>> backend = storage::open(config, environment);
  if (!backend.ok()) return std::move(backend).error();
  return std::make_shared<Client>(std::move(*backend), config);
}

Task<Result<Object>> Client::read(net::Caller caller, std::string key, ReadOptions options) {
  Result<void> checked = check_key(key);
  if (checked.ok()) checked = check_range(options);
  if (!checked.ok()) co_return named(Result<Object>(std::move(checked).error()), "storage.read");
  auto work = backend_->get(*caller.loop, std::move(key), std::move(options), max_read_bytes_);
  Result<Object> object = co_await work;
  co_return named(std::move(object), "storage.read");
}

Task<Result<std::unique_ptr<Reader>>> Client::open_read(net::Caller caller, std::string key, ReadOptions options) {
  using Out = Result<std::unique_ptr<Reader>>;
  Result<void> checked = check_key(key);
  if (checked.ok()) checked = check_range(options);
  if (!checked.ok()) co_return named(Out(std::move(checked).error()), "storage.read");
  auto work = backend_->read(*caller.loop, std::move(key), std::move(options));
  Out reader = co_await work;
  co_return named(std::move(reader), "storage.read");
}

Task<Result<ObjectInfo>> Client::write(net::Caller caller, std::string key, std::string data, WriteOptions options) {
  Result<void> checked = check_key(key);
  if (checked.ok()) checked = check_and_fold(options);
  if (!checked.ok()) co_return named(Result<ObjectInfo>(std::move(checked).error()), "storage.write");
  auto work = backend_->put(*caller.loop, std::move(key), std::move(data), std::move(options));
  Result<ObjectInfo> info = co_await work;
  co_return named(std::move(info), "storage.write");
}

Task<Result<std::unique_ptr<Writer>>> Client::open_write(net::Caller caller, std::string key, WriteOptions options) {
  using Out = Result<std::unique_ptr<Writer>>;
  Result<void> checked = check_key(key);
  if (checked.ok()) checked = check_and_fold(options);
  if (!checked.ok()) co_return named(Out(std::move(checked).error()), "storage.write");
  auto work = backend_->write(*caller.loop, std::move(key), std::move(options));
  Out writer = co_await work;
  co_return named(std::move(writer), "storage.write");
}

Task<Result<ObjectInfo>> Client::stat(net::Caller caller, std::string key) {
  Result<void> checked = check_key(key);
  if (!checked.ok()) co_return named(Result<ObjectInfo>(std::move(checked).error()), "storage.stat");
  auto work = backend_->stat(*caller.loop, std::move(key));
  Result<ObjectInfo> info = co_await work;
  co_return named(std::move(info), "storage.stat");
}

Task<Result<bool>> Client::exists(net::Caller caller, std::string key) {
  Result<void> checked = check_key(key);
  if (!checked.ok()) co_return named(Result<bool>(std::move(checked).error()), "storage.exists");
  auto work = backend_->stat(*caller.loop, std::move(key));
  Result<ObjectInfo> info = co_await work;
  if (info.ok()) co_return Result<bool>(true);
  if (info.error().kind() == ErrorKind::not_found) co_return Result<bool>(false);
  co_return named(Result<bool>(std::move(info).error()), "storage.exists");
}

Task<Result<void>> Client::remove(net::Caller caller, std::string key) {
  Result<void> checked = check_key(key);
  if (!checked.ok()) co_return named(std::move(checked), "storage.delete");
  std::vector<std::string> keys;
  keys.push_back(std::move(key));
  auto work = backend_->remove(*caller.loop, std::move(keys));
  Result<std::vector<DeleteFailure>> failures = co_await work;
  if (!failures.ok()) co_return named(Result<void>(std::move(failures).error()), "storage.delete");
  if (!failures->empty()) co_return named(Result<void>(std::move(failures->front().error)), "storage.delete");
  co_return Result<void>();
}

Task<Result<std::vector<DeleteFailure>>> Client::remove_many(net::Caller caller, std::vector<std::string> keys) {
  using Out = Result<std::vector<DeleteFailure>>;
  if (keys.size() > max_many) {
    Error error =
        invalid_argument("keys: expected " + std::to_string(max_many) + " at most, they are " + std::to_string(keys.size()));
    co_return named(Out(std::move(error)), "storage.delete_many");
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
    if (!failures.ok()) co_return named(std::move(failures), "storage.delete_many");
    for (DeleteFailure& failure : *failures) refused.push_back(std::move(failure));
  }
  co_return Out(std::move(refused));
}

// A token is the backend's place behind a code that only who has the store's secret can make: what was not given out, or not for
// this prefix and delimiter, is found out.
std::string Client::token_of(const ListOptions& options, std::string_view cursor) const {
  std::string text = "spikard-storage-page-1\n";
  text += std::to_string(options.prefix.size()) + "\n" + std::to_string(options.delimiter.size()) + "\n";
  text.append(options.prefix).append(options.delimiter).append(cursor);
  std::string token = net::signing::hmac_sha256(backend_->secret(), text).substr(0, mac_bytes);
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
  if (options.limit < 1 || options.limit > max_page) {
    Error error = invalid_argument("limit: expected 1 to " + std::to_string(max_page));
    co_return named(Result<Listing>(std::move(error)), "storage.list");
  }
  ListQuery query;
  if (options.token.has_value()) {
    query.cursor = cursor_of(options);
    if (!query.cursor.has_value()) {
      Error error = invalid_argument("token: expected the 'next' of a page with this prefix and delimiter");
      co_return named(Result<Listing>(std::move(error)), "storage.list");
    }
  }
  query.prefix = options.prefix;
  query.delimiter = options.delimiter;
  query.start_after = options.start_after;
  query.limit = options.limit;
  auto work = backend_->list(*caller.loop, std::move(query));
  Result<ListPage> page = co_await work;
  if (!page.ok()) co_return named(Result<Listing>(std::move(page).error()), "storage.list");
  Listing out;
  out.entries = std::move(page->entries);
  out.prefixes = std::move(page->prefixes);
  if (page->cursor.has_value()) out.next = token_of(options, *page->cursor);
  co_return Result<Listing>(std::move(out));
}

Task<Result<ObjectInfo>> Client::copy(net::Caller caller, std::string source, std::string target, WriteConditions conditions) {
  Result<void> checked = check_key(source);
  if (checked.ok()) checked = check_key(target);
  if (checked.ok()) checked = check_conditions_form(conditions);
  if (!checked.ok()) co_return named(Result<ObjectInfo>(std::move(checked).error()), "storage.copy");
  auto work = backend_->copy(*caller.loop, std::move(source), std::move(target), std::move(conditions));
  Result<ObjectInfo> info = co_await work;
  co_return named(std::move(info), "storage.copy");
}

Task<Result<ObjectInfo>> Client::rename(net::Caller caller, std::string source, std::string target, WriteConditions conditions) {
  Result<void> checked = check_key(source);
  if (checked.ok()) checked = check_key(target);
  if (checked.ok()) checked = check_conditions_form(conditions);
  if (!checked.ok()) co_return named(Result<ObjectInfo>(std::move(checked).error()), "storage.rename");
  auto work = backend_->rename(*caller.loop, std::move(source), std::move(target), std::move(conditions));
  Result<ObjectInfo> info = co_await work;
  co_return named(std::move(info), "storage.rename");
}

Task<Result<PresignedUrl>> Client::presign(net::Caller caller, PresignMethod method, std::string key, std::uint32_t expires_s) {
  Result<void> checked = check_key(key);
  if (checked.ok() && (expires_s < 1 || expires_s > max_expires_s))
    checked = invalid_argument("expires_s: expected 1 to " + std::to_string(max_expires_s));
  if (!checked.ok()) co_return named(Result<PresignedUrl>(std::move(checked).error()), "storage.presign");
  auto work = backend_->presign(*caller.loop, method, std::move(key), expires_s);
  Result<PresignedUrl> url = co_await work;
  co_return named(std::move(url), "storage.presign");
}

}  // namespace spikard::storage
