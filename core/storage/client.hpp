#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/task.hpp"
#include "net/operation_target.hpp"
#include "services/storage.gen.hpp"
#include "storage/backend.hpp"
#include "storage/registry.hpp"
#include "telemetry/provider.hpp"

namespace spikard::storage {

/// One page of a listing, as callers see it.
struct Listing {
  std::vector<ObjectInfo> entries;  ///< key, size, etag and last_modified only
  std::vector<std::string> prefixes;
  std::optional<std::string> next;  ///< token of the next page
};

/// `token` is the `next` of a page with the same prefix and delimiter.
struct ListOptions {
  ListOptions() = default;
  std::string prefix;
  std::string delimiter;
  std::string start_after;
  std::uint32_t limit = 1000;
  std::optional<std::string> token;
};

/// A store of objects, as C++ handlers and the application use it. Checks arguments, so that every backend refuses the same.
/// Shared and thread-safe; a call goes on on its caller's loop. Errors: backend.hpp; invalid_argument for arguments, detail
/// invalid_key for keys.
///
///     storage::Object invoice = *co_await store.read(caller, "invoices/7.pdf");
class Client {
 public:
  Client(std::shared_ptr<Backend> backend, const services::StorageConfig& config, telemetry::Tracer tracer = {});
  /// Opens the backend as well (registry.hpp).
  [[nodiscard]] static Result<std::shared_ptr<Client>> open(const services::StorageConfig& config,
                                                            const Environment& environment);

  [[nodiscard]] Task<Result<Object>> read(net::Caller caller, std::string key, ReadOptions options = {});
  [[nodiscard]] Task<Result<std::unique_ptr<Reader>>> open_read(net::Caller caller, std::string key, ReadOptions options = {});
  [[nodiscard]] Task<Result<ObjectInfo>> write(net::Caller caller, std::string key, std::string data, WriteOptions options = {});
  [[nodiscard]] Task<Result<std::unique_ptr<Writer>>> open_write(net::Caller caller, std::string key, WriteOptions options = {});
  [[nodiscard]] Task<Result<ObjectInfo>> stat(net::Caller caller, std::string key);
  [[nodiscard]] Task<Result<bool>> exists(net::Caller caller, std::string key);
  [[nodiscard]] Task<Result<void>> remove(net::Caller caller, std::string key);
  /// 1000 keys at most. A key that is refused is among the failures.
  [[nodiscard]] Task<Result<std::vector<DeleteFailure>>> remove_many(net::Caller caller, std::vector<std::string> keys);
  [[nodiscard]] Task<Result<Listing>> list(net::Caller caller, ListOptions options = {});
  [[nodiscard]] Task<Result<ObjectInfo>> copy(net::Caller caller, std::string source, std::string target,
                                              WriteConditions conditions = {});
  [[nodiscard]] Task<Result<ObjectInfo>> rename(net::Caller caller, std::string source, std::string target,
                                                WriteConditions conditions = {});
  /// `expires_s`: 1 to 604800.
  [[nodiscard]] Task<Result<PresignedUrl>> presign(net::Caller caller, PresignMethod method, std::string key,
                                                   std::uint32_t expires_s);

  /// A large object that others, a browser perhaps, upload in parts straight to the store: what each part's request is. The store
  /// keeps what arrives until `complete_upload`, `abort_upload`, or its own rule for uploads that nobody ended.
  ///
  ///     storage::UploadOptions options;
  ///     options.size = 40'000'000;
  ///     storage::UploadPlan plan = *co_await store.plan_upload(caller, "videos/7.mp4", options);
  [[nodiscard]] Task<Result<UploadPlan>> plan_upload(net::Caller caller, std::string key, UploadOptions options);
  /// `upload`: of the plan. `etags`: of the parts, in their order, as the uploader was told by `ETag`; none, or an empty one
  /// where it was told none. Until a day after the URLs have expired. Errors: invalid_upload, no_such_upload, invalid_part,
  /// condition_not_met.
  [[nodiscard]] Task<Result<ObjectInfo>> complete_upload(net::Caller caller, std::string key, std::string upload,
                                                         std::vector<std::string> etags = {});
  /// What arrived is taken away. One that was completed or aborted is no error. Errors: invalid_upload.
  [[nodiscard]] Task<Result<void>> abort_upload(net::Caller caller, std::string key, std::string upload);
  /// A part on its way to a store whose signed URLs our own HTTP server answers (`memory:`, `file:`).
  [[nodiscard]] Task<Result<std::unique_ptr<Writer>>> write_part(net::Caller caller, std::string key, UploadTarget target);

  [[nodiscard]] const Capabilities& capabilities() const noexcept { return backend_->capabilities(); }
  [[nodiscard]] std::string_view backend_name() const noexcept { return backend_->name(); }
  /// Null where another server answers the store's signed URLs.
  [[nodiscard]] const SignedUrls* signed_urls() const noexcept { return backend_->signed_urls(); }
  /// Largest body of a signed PUT.
  [[nodiscard]] std::uint64_t max_upload_bytes() const noexcept { return max_upload_bytes_; }

 private:
  [[nodiscard]] std::string token_of(const ListOptions& options, std::string_view cursor) const;
  [[nodiscard]] std::optional<std::string> cursor_of(const ListOptions& options) const;
  [[nodiscard]] Result<void> check_plan(UploadOptions& options) const;
  [[nodiscard]] Result<Upload> upload_of(std::string_view key, std::string_view token) const;

  const std::shared_ptr<Backend> backend_;
  const telemetry::Tracer tracer_;
  const std::string url_;
  const std::uint64_t max_read_bytes_;
  const std::uint64_t max_upload_bytes_;
};

}  // namespace spikard::storage
