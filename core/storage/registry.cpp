#include "storage/registry.hpp"

#include <string_view>
#include <utility>

#include "base/redact.hpp"
#include "storage/memory/memory.hpp"
#ifdef SPIKARD_STORAGE_FILE
#include "storage/file/file.hpp"
#endif
#ifdef SPIKARD_STORAGE_S3
#include "storage/s3/s3.hpp"
#endif

namespace spikard::storage {

namespace {

SignedUrlsOptions urls_of(const services::StorageConfig& config, const Environment& environment) {
  SignedUrlsOptions out;
  out.base_url = config.presign.base_url.empty() ? environment.base_url : config.presign.base_url;
  out.path = config.presign.path;
  out.name = environment.name;
  out.secret = config.presign.secret;
  return out;
}

[[maybe_unused]] Error not_built(std::string_view scheme, std::string_view option) {
  return {ErrorKind::unsupported,
          "url: " + std::string(scheme) + ": is not in this build; configure it with " + std::string(option) + "=ON"};
}

Result<std::shared_ptr<Backend>> open_memory(const services::StorageConfig& config, const Environment& environment) {
  if (config.url != "memory:") return invalid_argument("url: expected 'memory:' without more");
  MemoryOptions options;
  options.max_bytes = config.max_memory_bytes;
  options.urls = urls_of(config, environment);
  return make_memory(*environment.clock, std::move(options));
}

Result<std::shared_ptr<Backend>> open_file(const services::StorageConfig& config, const Environment& environment) {
#ifdef SPIKARD_STORAGE_FILE
  std::string_view root = std::string_view(config.url).substr(5);
  // file:///dir and file:dir; file://host/dir means another machine.
  if (root.starts_with("//")) {
    root.remove_prefix(2);
    if (!root.starts_with('/')) return invalid_argument("url: expected file:DIR or file:///DIR");
  }
  if (root.empty() || root.find('\0') != root.npos) return invalid_argument("url: expected file:DIR");
  FileOptions options;
  options.root = root;
  options.durable = config.durable;
  options.urls = urls_of(config, environment);
  return make_file(*environment.clock, *environment.pool, std::move(options));
#else
  (void)config, (void)environment;
  return not_built("file", "SPIKARD_STORAGE_FILE");
#endif
}

Result<std::shared_ptr<Backend>> open_s3(const services::StorageConfig& config, const Environment& environment) {
#ifdef SPIKARD_STORAGE_S3
  const std::string_view rest = std::string_view(config.url).substr(3);
  if (!rest.starts_with("//")) return invalid_argument("url: expected s3://BUCKET");
  return make_s3(*environment.clock, std::string(rest.substr(2)), config.s3);
#else
  (void)config, (void)environment;
  return not_built("s3", "SPIKARD_STORAGE_S3");
#endif
}

}  // namespace

Result<std::shared_ptr<Backend>> open(const services::StorageConfig& config, const Environment& environment) {
  const std::string_view url = config.url;
  const std::string_view scheme = url.substr(0, url.find(':'));
  if (url.find(':') == url.npos) return invalid_argument("url: expected memory:, file:DIR or s3://BUCKET");
  if (scheme == "memory") return open_memory(config, environment);
  if (scheme == "file") return open_file(config, environment);
  if (scheme == "s3") return open_s3(config, environment);
  return invalid_argument("url: no storage backend for '" + redact_urls(url) + "'; expected memory:, file:DIR or s3://BUCKET");
}

}  // namespace spikard::storage
