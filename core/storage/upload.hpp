#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "storage/object.hpp"

namespace spikard::storage {

/// S3's limits, which hold everywhere: parts, bytes of each but the last, bytes of an object.
inline constexpr std::uint32_t max_parts = 10'000;
inline constexpr std::uint64_t min_part_bytes = std::uint64_t{5} << 20U;
inline constexpr std::uint64_t max_part_bytes = std::uint64_t{4000} << 20U;  // Azure's
inline constexpr std::uint64_t max_object_bytes = std::uint64_t{5} << 40U;
/// GCS takes no other pieces.
inline constexpr std::uint64_t part_unit = std::uint64_t{1} << 18U;
/// An upload can be completed so long after its URLs have expired, for what had begun before; then its parts may be taken away.
inline constexpr Duration upload_grace = std::chrono::hours(24);

/// A large object that others are to upload in parts, straight to the store.
struct UploadOptions {
  UploadOptions() = default;
  std::uint64_t size = 0;                              ///< of the object, in bytes: 1 to 5 TiB
  std::uint64_t part_bytes = std::uint64_t{8} << 20U;  ///< 5 to 4000 MiB; rounded up to 256 KiB, and to what 10,000 parts need
  WriteOptions write;                                  ///< what is kept beside it; conditions are checked when it is completed
  std::string origin;              ///< `https://HOST[:PORT]` of the pages whose scripts upload: GCS answers no others
  std::uint32_t expires_s = 3600;  ///< how long the URLs are good for: 1 to 604800
};

/// One request that the uploader makes: this method, URL and headers, and the `size` bytes of the object from `offset`.
struct UploadPart {
  std::uint32_t number = 0;  ///< from 1
  std::string method;
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

struct UploadPlan {
  std::string upload;  ///< opaque: for `complete_upload` and `abort_upload`. It can be read, not forged
  std::string key;
  std::vector<UploadPart> parts;
  bool ordered = false;  ///< one part after the other, by their numbers
  WallTime expires_at{};
};

/// A plan without its URLs, as its token keeps it.
struct Upload {
  std::string id;  ///< what the store calls it
  std::uint64_t size = 0;
  std::uint64_t part_bytes = 0;
  WriteOptions write;
  WallTime expires_at{};

  [[nodiscard]] std::uint32_t parts() const noexcept { return static_cast<std::uint32_t>((size + part_bytes - 1) / part_bytes); }
  [[nodiscard]] std::uint64_t offset_of(std::uint32_t number) const noexcept { return (number - 1) * part_bytes; }
  [[nodiscard]] std::uint64_t size_of(std::uint32_t number) const noexcept {
    return std::min(part_bytes, size - offset_of(number));
  }
};

/// A part where it arrives, of the stores whose parts our own HTTP server takes.
struct UploadTarget {
  std::string upload;  ///< its id
  std::uint32_t number = 0;
  std::uint64_t size = 0;
};

/// Checks all but `write`, and makes parts as large as 10,000 of them must be. Errors: invalid_argument, naming the member.
[[nodiscard]] Result<void> check_and_fit(UploadOptions& options);

/// A token is its plan behind a code that only who has the store's secret can make; it is good for one key of one store.
[[nodiscard]] std::string upload_token(std::string_view secret, std::string_view store, std::string_view key,
                                       const Upload& upload);
/// Errors: invalid_upload.
[[nodiscard]] Result<Upload> read_upload_token(std::string_view secret, std::string_view store, std::string_view key,
                                               std::string_view token);

/// As many etags as parts, or none. Errors: invalid_argument.
[[nodiscard]] Result<void> check_etags(const Upload& upload, const std::vector<std::string>& etags);
/// What arrived of a part; null for nothing. Errors: invalid_part.
[[nodiscard]] Result<void> check_part(const Upload& upload, std::uint32_t number, const ObjectInfo* arrived,
                                      const std::vector<std::string>& etags);

[[nodiscard]] Error no_such_upload(std::string_view key);
[[nodiscard]] Error invalid_part(std::string message);

}  // namespace spikard::storage
