#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "storage/backend.hpp"
#include "storage/upload.hpp"

namespace spikard::storage {

/// Where and with what a store signs.
struct SignedUrlsOptions {
  std::string base_url;  ///< `https://files.example.com`, or empty for URLs that begin with the path
  std::string path;      ///< `/_spikard/storage`
  std::string name;      ///< of the store among the application's
  std::string secret;
};

/// URLs for one method, one key and one span of time, signed by HMAC-SHA-256:
/// `BASE PATH/NAME/KEY?expires=SECONDS&signature=TEXT`. Immutable, thread-safe.
class SignedUrls {
 public:
  explicit SignedUrls(SignedUrlsOptions options);

  [[nodiscard]] PresignedUrl make(PresignMethod method, std::string_view key, std::uint32_t expires_s, const Clock& clock) const;

  /// For a part of an upload, of the size that it says: `BASE PATH/NAME/KEY?upload=ID&part=N&size=BYTES&expires=...`.
  [[nodiscard]] PresignedUrl make_part(std::string_view key, const UploadTarget& part, std::uint32_t expires_s,
                                       const Clock& clock) const;

  /// The parts of an upload of this id.
  [[nodiscard]] UploadPlan plan(std::string_view key, std::string id, const UploadOptions& options, const Clock& clock) const;

  enum class Verdict : std::uint8_t { good, expired, wrong };
  /// `key` is decoded, `query` as in the request line. `part` gets what a part's URL says; null: such a URL is wrong.
  [[nodiscard]] Verdict check(PresignMethod method, std::string_view key, std::string_view query, const Clock& clock,
                              std::optional<UploadTarget>* part = nullptr) const;

  /// What its URLs have before the key, with a slash at the end: `/_spikard/storage/default/`.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::string_view secret() const noexcept { return options_.secret; }

 private:
  /// `part`: what a part's URL has before `expires`; empty for others.
  [[nodiscard]] std::string signature(PresignMethod method, std::string_view key, std::string_view part,
                                      std::string_view expires) const;
  [[nodiscard]] PresignedUrl url(PresignMethod method, std::string_view key, std::string_view part, std::uint32_t expires_s,
                                 const Clock& clock) const;

  const SignedUrlsOptions options_;
  std::string path_;
};

}  // namespace spikard::storage
