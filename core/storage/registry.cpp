#include "storage/registry.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "base/redact.hpp"
#include "storage/key.hpp"
#include "storage/memory/memory.hpp"
#ifdef SPIKARD_STORAGE_FILE
#include "storage/file/file.hpp"
#endif
#ifdef SPIKARD_STORAGE_OPENDAL
#include "storage/opendal/opendal.hpp"
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

struct Place {
  std::string bucket;
  std::string folder;  ///< with a slash at its end, or empty
};

/// SCHEME://BUCKET or SCHEME://BUCKET/FOLDER.
[[maybe_unused]] Result<Place> place_in(std::string_view url, std::string_view scheme, std::string_view what) {
  const Error wrong = invalid_argument("url: expected " + std::string(scheme) + "://" + std::string(what) + " or " +
                                       std::string(scheme) + "://" + std::string(what) + "/FOLDER");
  std::string_view rest = url.substr(scheme.size() + 1);
  if (!rest.starts_with("//")) return wrong;
  rest.remove_prefix(2);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  Place out{std::string(rest.substr(0, slash)), std::string(rest.substr(std::min(slash + 1, rest.size())))};
  if (out.folder.starts_with('/')) return wrong;
  if (out.folder.ends_with('/')) out.folder.pop_back();
  // What every service's names are made of; how long, and in what order, is the service's to say.
  static constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._$";
  if (out.bucket.empty() || out.bucket.find_first_not_of(allowed) != out.bucket.npos) return wrong;
  if (!out.folder.empty()) {
    if (!valid_key(out.folder)) return wrong;
    out.folder.push_back('/');
  }
  return out;
}

#ifdef SPIKARD_STORAGE_OPENDAL

OpendalOptions opendal_options(std::string scheme, const services::StorageConfig& config, const std::string& credential) {
  OpendalOptions out;
  out.scheme = std::move(scheme);
  out.secret = config.presign.secret.empty() ? credential : config.presign.secret;
  out.settings = {{"spikard.timeout_ms", std::to_string(config.transfer.timeout_ms)},
                  {"spikard.max_retries", std::to_string(config.transfer.max_retries)},
                  {"spikard.concurrency", std::to_string(config.transfer.concurrency)}};
  return out;
}

Result<std::string> endpoint_in(const std::string& endpoint, std::string standard, std::string_view member) {
  if (endpoint.empty()) return standard;
  const bool scheme = endpoint.starts_with("https://") || endpoint.starts_with("http://");
  if (!scheme || endpoint.find_first_of("@?# ") != endpoint.npos || endpoint.ends_with("://"))
    return invalid_argument(std::string(member) + ": expected https://HOST[:PORT] or http://HOST[:PORT]");
  return endpoint;
}

Result<std::shared_ptr<Backend>> open_s3_by_opendal(const services::StorageConfig& config, const Environment& environment,
                                                    const Place& place) {
  const services::S3Options& s3 = config.s3;
  if (s3.access_key.empty() != s3.secret_key.empty())
    return invalid_argument("s3.access_key, s3.secret_key: expected both, or neither for the usual chain");
  const std::string china = s3.region.starts_with("cn-") ? ".cn" : "";
  Result<std::string> endpoint = endpoint_in(s3.endpoint, "https://s3." + s3.region + ".amazonaws.com" + china, "s3.endpoint");
  if (!endpoint.ok()) return std::move(endpoint).error();
  OpendalOptions options = opendal_options("s3", config, s3.secret_key);
  options.folder = place.folder;
  for (auto&& setting : std::initializer_list<std::pair<std::string, std::string>>{
           {"bucket", place.bucket},
           {"region", s3.region},
           {"endpoint", *endpoint},
           {"access_key_id", s3.access_key},
           {"secret_access_key", s3.secret_key},
           {"session_token", s3.session_token},
           {"profile", s3.profile},
           {"spikard.virtual_host", s3.addressing == services::S3Addressing::virtual_ ? "true" : "false"}})
    options.settings.push_back(setting);
#ifdef SPIKARD_STORAGE_S3
  // Signed here, by the application's clock, where nothing has to be fetched for it.
  if (!s3.access_key.empty()) {
    Result<std::shared_ptr<Backend>> presigner = make_s3(*environment.clock, place.bucket, place.folder, s3);
    if (!presigner.ok()) return std::move(presigner).error();
    options.presigner = std::move(*presigner);
  }
#else
  (void)environment;
#endif
  return make_opendal(std::move(options));
}
#endif

Result<std::shared_ptr<Backend>> open_s3(const services::StorageConfig& config, const Environment& environment) {
#if defined(SPIKARD_STORAGE_OPENDAL)
  Result<Place> place = place_in(config.url, "s3", "BUCKET");
  if (!place.ok()) return std::move(place).error();
  return open_s3_by_opendal(config, environment, *place);
#elif defined(SPIKARD_STORAGE_S3)
  Result<Place> place = place_in(config.url, "s3", "BUCKET");
  if (!place.ok()) return std::move(place).error();
  return make_s3(*environment.clock, std::move(place->bucket), std::move(place->folder), config.s3);
#else
  (void)config, (void)environment;
  return not_built("s3", "SPIKARD_STORAGE_OPENDAL");
#endif
}

Result<std::shared_ptr<Backend>> open_gcs(const services::StorageConfig& config) {
#ifdef SPIKARD_STORAGE_OPENDAL
  Result<Place> place = place_in(config.url, "gcs", "BUCKET");
  if (!place.ok()) return std::move(place).error();
  const services::GcsOptions& gcs = config.gcs;
  Result<std::string> endpoint = endpoint_in(gcs.endpoint, "https://storage.googleapis.com", "gcs.endpoint");
  if (!endpoint.ok()) return std::move(endpoint).error();
  OpendalOptions options = opendal_options("gcs", config, gcs.credential);
  options.folder = std::move(place->folder);
  options.settings.emplace_back("bucket", std::move(place->bucket));
  options.settings.emplace_back("endpoint", std::move(*endpoint));
  options.settings.emplace_back("credential", gcs.credential);
  options.settings.emplace_back("credential_path", gcs.credential_file);
  options.settings.emplace_back("spikard.anonymous", gcs.anonymous ? "true" : "false");
  return make_opendal(std::move(options));
#else
  (void)config;
  return not_built("gcs", "SPIKARD_STORAGE_OPENDAL");
#endif
}

Result<std::shared_ptr<Backend>> open_azblob(const services::StorageConfig& config) {
#ifdef SPIKARD_STORAGE_OPENDAL
  Result<Place> place = place_in(config.url, "azblob", "CONTAINER");
  if (!place.ok()) return std::move(place).error();
  const services::AzblobOptions& azblob = config.azblob;
  if (azblob.account.empty() && azblob.endpoint.empty())
    return invalid_argument("azblob.account: expected the name of the storage account, or azblob.endpoint");
  if (!azblob.account_key.empty() && azblob.account.empty())
    return invalid_argument("azblob.account: expected the account whose account_key is given");
  Result<std::string> endpoint =
      endpoint_in(azblob.endpoint, "https://" + azblob.account + ".blob.core.windows.net", "azblob.endpoint");
  if (!endpoint.ok()) return std::move(endpoint).error();
  OpendalOptions options = opendal_options("azblob", config, azblob.account_key);
  options.folder = std::move(place->folder);
  options.settings.emplace_back("container", std::move(place->bucket));
  options.settings.emplace_back("endpoint", std::move(*endpoint));
  options.settings.emplace_back("account_name", azblob.account);
  options.settings.emplace_back("account_key", azblob.account_key);
  std::string_view sas = azblob.sas_token;
  if (sas.starts_with('?')) sas.remove_prefix(1);
  options.settings.emplace_back("sas_token", sas);
  options.settings.emplace_back("spikard.anonymous", azblob.anonymous ? "true" : "false");
  return make_opendal(std::move(options));
#else
  (void)config;
  return not_built("azblob", "SPIKARD_STORAGE_OPENDAL");
#endif
}

Result<std::shared_ptr<Backend>> open_other(const services::StorageConfig& config, std::string_view scheme) {
#ifdef SPIKARD_STORAGE_OPENDAL
  if (config.url.size() != scheme.size() + 1)
    return invalid_argument("url: expected '" + std::string(scheme) + ":' without more; the rest is in options");
  OpendalOptions options = opendal_options(std::string(scheme), config, {});
  for (const auto& [name, value] : config.options) options.settings.emplace_back(name, value);
  return make_opendal(std::move(options));
#else
  (void)config;
  return not_built(scheme, "SPIKARD_STORAGE_OPENDAL");
#endif
}

// Of OpenDAL's services that are in the library (opendal/rust/Cargo.toml) and need nothing but HTTP.
constexpr std::string_view others[] = {"azdls", "b2", "cos", "obs", "oss", "swift", "webdav", "webhdfs"};

}  // namespace

Result<std::shared_ptr<Backend>> open(const services::StorageConfig& config, const Environment& environment) {
  const std::string_view url = config.url;
  const std::string_view scheme = url.substr(0, url.find(':'));
  if (url.find(':') == url.npos)
    return invalid_argument("url: expected memory:, file:DIR, s3://BUCKET, gcs://BUCKET or azblob://CONTAINER");
  if (scheme == "memory") return open_memory(config, environment);
  if (scheme == "file") return open_file(config, environment);
  if (scheme == "s3") return open_s3(config, environment);
  if (scheme == "gcs") return open_gcs(config);
  if (scheme == "azblob") return open_azblob(config);
  if (std::find(std::begin(others), std::end(others), scheme) != std::end(others)) return open_other(config, scheme);
  return invalid_argument("url: no storage backend for '" + redact_urls(url) +
                          "'; expected memory:, file:DIR, s3://BUCKET, gcs://BUCKET or azblob://CONTAINER");
}

}  // namespace spikard::storage
