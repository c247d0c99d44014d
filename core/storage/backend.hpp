#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/task.hpp"
#include "net/loop/loop.hpp"
#include "storage/object.hpp"
#include "storage/upload.hpp"

namespace spikard::storage {

class SignedUrls;

/// What a backend can do. Where it cannot, the call is `unsupported`.
struct Capabilities {
  bool transfer = true;           ///< anything but presign
  bool metadata = true;           ///< content type and its like, user metadata
  bool conditional_write = true;  ///< if_match, if_none_match, in one step with the write
  bool atomic_rename = true;      ///< else a copy and a delete
  bool presign = true;
  bool uploads = true;   ///< in parts by others
  bool new_etag = true;  ///< every write has another etag, also of the same bytes
};

/// A read in progress: of one state of the object, whatever is written meanwhile. Belongs to the loop it was opened on. May be
/// destroyed at any time, also while `next` waits.
class Reader {
 public:
  virtual ~Reader() = default;
  [[nodiscard]] virtual const ObjectInfo& info() const noexcept = 0;
  /// What it reads of the object.
  [[nodiscard]] virtual Span span() const noexcept = 0;
  /// The next part, at most 256 KiB; empty after the last.
  [[nodiscard]] virtual Task<Result<std::string>> next() = 0;
};

/// A write in progress: nothing of it is seen before `finish`. Belongs to the loop it was opened on. Destroyed without `finish`,
/// it leaves everything as it was.
class Writer {
 public:
  virtual ~Writer() = default;
  /// Waits for room: at most about 1 MiB is held in memory (a part's size, where parts must be larger). After an error only
  /// destruction is left.
  [[nodiscard]] virtual Task<Result<void>> write(std::string part) = 0;
  /// The conditions are checked here, in one step with the write.
  [[nodiscard]] virtual Task<Result<ObjectInfo>> finish() = 0;
};

/// An object read in one piece.
struct Object {
  ObjectInfo info;
  Span span;
  std::string data;
};

enum class PresignMethod : std::uint8_t { get, put, head };
[[nodiscard]] std::string_view name_of(PresignMethod method) noexcept;

struct PresignedUrl {
  std::string url;
  WallTime expires_at{};
};

/// One of many deletes that failed.
struct DeleteFailure {
  std::string key;
  Error error;
};

/// The port of object stores. Thread-safe: calls come from several loops at once; each goes on on the loop it was given, which is
/// the awaiting task's. Keys, metadata and conditions were checked for their form before (client.hpp). README.md says how each
/// kind of server keeps these promises.
///
/// Errors: a backend maps its native ones in one function. not_found (read, stat, copy, rename of what is not there; never
/// delete), condition_failed, invalid_argument/range_not_satisfiable, too_large, permission_denied, unavailable (temporary),
/// outcome_unknown (a change whose answer was lost), corrupt, unsupported.
class Backend {
 public:
  virtual ~Backend() = default;
  /// `memory`, `file`, `s3`: for spans and messages.
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  [[nodiscard]] virtual const Capabilities& capabilities() const noexcept = 0;

  [[nodiscard]] virtual Task<Result<ObjectInfo>> stat(net::Loop& loop, std::string key) = 0;
  /// too_large when the span has more than `max_bytes`; nothing is read then.
  [[nodiscard]] virtual Task<Result<Object>> get(net::Loop& loop, std::string key, ReadOptions options,
                                                 std::uint64_t max_bytes) = 0;
  [[nodiscard]] virtual Task<Result<std::unique_ptr<Reader>>> read(net::Loop& loop, std::string key, ReadOptions options) = 0;
  [[nodiscard]] virtual Task<Result<ObjectInfo>> put(net::Loop& loop, std::string key, std::string data,
                                                     WriteOptions options) = 0;
  [[nodiscard]] virtual Task<Result<std::unique_ptr<Writer>>> write(net::Loop& loop, std::string key, WriteOptions options) = 0;
  /// Each by itself. An error of the whole: nothing is known of any.
  [[nodiscard]] virtual Task<Result<std::vector<DeleteFailure>>> remove(net::Loop& loop, std::vector<std::string> keys) = 0;
  [[nodiscard]] virtual Task<Result<ListPage>> list(net::Loop& loop, ListQuery query) = 0;
  /// Onto itself: the object is written anew with what it has.
  [[nodiscard]] virtual Task<Result<ObjectInfo>> copy(net::Loop& loop, std::string source, std::string target,
                                                      WriteConditions conditions) = 0;
  /// Onto itself: nothing happens.
  [[nodiscard]] virtual Task<Result<ObjectInfo>> rename(net::Loop& loop, std::string source, std::string target,
                                                        WriteConditions conditions) = 0;
  [[nodiscard]] virtual Task<Result<PresignedUrl>> presign(net::Loop& loop, PresignMethod method, std::string key,
                                                           std::uint32_t expires_s) = 0;

  /// `upload` of the plan is the store's id. Errors of the three: no_such_upload, invalid_part.
  [[nodiscard]] virtual Task<Result<UploadPlan>> begin_upload(net::Loop& loop, std::string key, UploadOptions options) = 0;
  /// Every part is there, as large as planned and, where an etag is told, with that one; then they are the object, in one step.
  [[nodiscard]] virtual Task<Result<ObjectInfo>> complete_upload(net::Loop& loop, std::string key, Upload upload,
                                                                 std::vector<std::string> etags) = 0;
  /// What is not there any more is no error.
  [[nodiscard]] virtual Task<Result<void>> abort_upload(net::Loop& loop, std::string key, Upload upload) = 0;
  /// Where a part arrives, of stores whose signed URLs our own HTTP server answers: its etag is what `finish` tells.
  [[nodiscard]] virtual Task<Result<std::unique_ptr<Writer>>> write_part(net::Loop&, std::string, UploadTarget) {
    co_return Result<std::unique_ptr<Writer>>(Error(ErrorKind::unsupported, "parts go to the store itself"));
  }

  /// The signed URLs of this store that our own HTTP server answers; null where the store's server does.
  [[nodiscard]] virtual const SignedUrls* signed_urls() const noexcept { return nullptr; }
  /// Key for what the client signs (tokens of pages and uploads): the same in every process that shares the store. Empty where
  /// the configuration has nothing secret.
  [[nodiscard]] virtual std::string_view secret() const noexcept = 0;
};

}  // namespace spikard::storage
