// Generated from spec/services/storage.yaml by codegen. Do not edit.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/node.hpp"
#include "base/result.hpp"

namespace spikard::services {

/// Where the bucket stands in a URL.
enum class S3Addressing : std::uint8_t {
  virtual_,  ///< The first label of the host.
  path,  ///< The first segment of the path.
};
[[nodiscard]] std::string_view name_of(S3Addressing v) noexcept;
[[nodiscard]] std::optional<S3Addressing> s3_addressing_from(std::string_view text) noexcept;

/// Signed URLs of `memory:` and `file:`, which the application's own HTTP server answers.
struct StoragePresign {
  std::string base_url{};  ///< What stands before the path of a signed URL, `https://files.example.com`. Empty: the address of the first TCP listener, which is no use to others where that is 0.0.0.0 or behind a proxy: say it there.
  std::string path = "/_spikard/storage";  ///< Path below which signed URLs are answered; the name of the store comes next.
  std::string secret{};  ///< Key of the signatures, and of the tokens of listings and uploads. Empty: a random one, which `file:` keeps in its folder and `memory:` forgets at the end of the process; elsewhere the key or secret of the store that is in the configuration, without which there are no uploads in parts.
  std::uint64_t max_upload_bytes = 5368709120;  ///< Largest body that a signed PUT takes, also of one part of an upload; more gets 413.
};
[[nodiscard]] bool operator==(const StoragePresign& a, const StoragePresign& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<StoragePresign> storage_presign_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const StoragePresign& in, NodeBuilder& out);

/// What `s3:` needs beside the bucket.
struct S3Options {
  std::string region = "us-east-1";  ///< Region of the bucket.
  std::string endpoint{};  ///< `https://host[:port]` without the bucket. Empty: that of AWS in the region.
  S3Addressing addressing = S3Addressing::virtual_;  ///< Where the bucket stands in a URL.
  std::string access_key{};  ///< Access key id. Empty, with `secret_key`: the usual chain of AWS (environment, profile, web identity, container, machine).
  std::string secret_key{};  ///< Secret access key.
  std::string session_token{};  ///< Token of temporary credentials; empty for none.
  std::string profile{};  ///< Profile of the chain. Empty: that of `AWS_PROFILE`, or `default`.
};
[[nodiscard]] bool operator==(const S3Options& a, const S3Options& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<S3Options> s3_options_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const S3Options& in, NodeBuilder& out);

/// What `gcs:` needs beside the bucket.
struct GcsOptions {
  std::string endpoint{};  ///< `https://host[:port]`. Empty: that of Google.
  std::string credential{};  ///< JSON of a service account or another credential. Empty, with `credential_file`: the application default credentials.
  std::string credential_file{};  ///< File with that JSON.
  bool anonymous = false;  ///< Requests without credentials: emulators, public buckets.
};
[[nodiscard]] bool operator==(const GcsOptions& a, const GcsOptions& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<GcsOptions> gcs_options_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const GcsOptions& in, NodeBuilder& out);

/// What `azblob:` needs beside the container.
struct AzblobOptions {
  std::string account{};  ///< Name of the storage account.
  std::string endpoint{};  ///< `https://host[:port]`, with the account in the path where it is not in the host. Empty: that of Azure for the account.
  std::string account_key{};  ///< Key of the account, base64. Empty, with `sas_token`: the usual chain of Azure (environment, workload identity, machine).
  std::string sas_token{};  ///< A shared access signature instead of a key.
  bool anonymous = false;  ///< Requests without credentials: public containers.
};
[[nodiscard]] bool operator==(const AzblobOptions& a, const AzblobOptions& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<AzblobOptions> azblob_options_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const AzblobOptions& in, NodeBuilder& out);

/// How stores on other machines are spoken to.
struct StorageTransfer {
  std::uint32_t timeout_ms = 30000;  ///< Longest silence of the server; then the request is made again.
  std::uint32_t max_retries = 3;  ///< How often a request is made again after a failure that may pass, with growing pauses.
  std::uint32_t concurrency = 2;  ///< Parts of one streamed write that are sent at once; each is held in memory (8 MiB).
};
[[nodiscard]] bool operator==(const StorageTransfer& a, const StorageTransfer& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<StorageTransfer> storage_transfer_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const StorageTransfer& in, NodeBuilder& out);

/// A store of objects.
struct StorageConfig {
  std::string url = "file:data/objects";  ///< `memory:`, `file:DIR`, `s3://BUCKET`, `gcs://BUCKET`, `azblob://CONTAINER`, or the scheme of another service of OpenDAL with its members in `options`: `webdav:`.
  std::uint64_t max_read_bytes = 67108864;  ///< Largest object (or range) that `read` gives in one piece; more is too_large: stream it.
  std::uint64_t max_memory_bytes = 1073741824;  ///< All objects of a `memory:` store together; a write over it is too_large.
  bool durable = true;  ///< `file:` waits until a write or delete is on the disk. Without it an object is still old or new after a crash of the process, but a power cut may lose it.
  StoragePresign presign{};  ///< Signed URLs of `memory:` and `file:`.
  S3Options s3{};  ///< Of `s3:` only.
  GcsOptions gcs{};  ///< Of `gcs:` only.
  AzblobOptions azblob{};  ///< Of `azblob:` only.
  std::map<std::string, std::string> options{};  ///< Of OpenDAL's further services, by the names they have there. Values are kept out of logs.
  StorageTransfer transfer{};  ///< Of all but `memory:` and `file:`.
};
[[nodiscard]] bool operator==(const StorageConfig& a, const StorageConfig& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<StorageConfig> storage_config_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const StorageConfig& in, NodeBuilder& out);

}  // namespace spikard::services
