#include "storage/s3/s3.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "net/signing/hash.hpp"
#include "net/signing/sigv4.hpp"

namespace spikard::storage {

namespace {

namespace signing = net::signing;

struct Endpoint {
  std::string scheme;
  std::string authority;  ///< host, and port where it is not the scheme's own
  std::string path;       ///< without a slash at its end
};

Result<Endpoint> endpoint_from(std::string_view text) {
  const Error wrong = invalid_argument("s3.endpoint: expected https://HOST[:PORT] or http://HOST[:PORT]");
  Endpoint out;
  const std::size_t scheme = text.find("://");
  if (scheme == text.npos) return wrong;
  out.scheme = text.substr(0, scheme);
  if (out.scheme != "https" && out.scheme != "http") return wrong;
  text.remove_prefix(scheme + 3);
  const std::size_t slash = std::min(text.find('/'), text.size());
  out.authority = text.substr(0, slash);
  out.path = text.substr(slash);
  while (out.path.ends_with('/')) out.path.pop_back();
  if (out.authority.empty() || out.authority.find_first_of("@?# ") != std::string::npos ||
      out.path.find_first_of("?#") != std::string::npos)
    return wrong;
  for (char& c : out.authority)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  // Clients leave the scheme's own port out of Host, and Host is signed.
  const std::string_view own_port = out.scheme == "https" ? ":443" : ":80";
  if (out.authority.ends_with(own_port)) out.authority.resize(out.authority.size() - own_port.size());
  return out;
}

Error no_transfers() {
  return {ErrorKind::unsupported,
          "s3: signs URLs only in this build; transfers need the OpenDAL backend (SPIKARD_STORAGE_OPENDAL)"};
}

class S3Backend final : public Backend {
 public:
  S3Backend(const Clock& clock, Endpoint endpoint, std::string bucket, std::string folder, const services::S3Options& options)
      : clock_(clock),
        endpoint_(std::move(endpoint)),
        bucket_(std::move(bucket)),
        folder_(std::move(folder)),
        path_style_(options.addressing == services::S3Addressing::path) {
    with_.credentials = {options.access_key, options.secret_key, options.session_token};
    with_.region = options.region;
    with_.service = "s3";
    with_.encode_path = false;
    with_.normalize_path = false;
  }

  [[nodiscard]] std::string_view name() const noexcept override { return "s3"; }
  [[nodiscard]] const Capabilities& capabilities() const noexcept override { return capabilities_; }
  [[nodiscard]] std::string_view secret() const noexcept override { return with_.credentials.secret_key; }

  [[nodiscard]] Task<Result<ObjectInfo>> stat(net::Loop&, std::string) override { co_return Result<ObjectInfo>(no_transfers()); }
  [[nodiscard]] Task<Result<Object>> get(net::Loop&, std::string, ReadOptions, std::uint64_t) override {
    co_return Result<Object>(no_transfers());
  }
  [[nodiscard]] Task<Result<std::unique_ptr<Reader>>> read(net::Loop&, std::string, ReadOptions) override {
    co_return Result<std::unique_ptr<Reader>>(no_transfers());
  }
  [[nodiscard]] Task<Result<ObjectInfo>> put(net::Loop&, std::string, std::string, WriteOptions) override {
    co_return Result<ObjectInfo>(no_transfers());
  }
  [[nodiscard]] Task<Result<std::unique_ptr<Writer>>> write(net::Loop&, std::string, WriteOptions) override {
    co_return Result<std::unique_ptr<Writer>>(no_transfers());
  }
  [[nodiscard]] Task<Result<std::vector<DeleteFailure>>> remove(net::Loop&, std::vector<std::string>) override {
    co_return Result<std::vector<DeleteFailure>>(no_transfers());
  }
  [[nodiscard]] Task<Result<ListPage>> list(net::Loop&, ListQuery) override { co_return Result<ListPage>(no_transfers()); }
  [[nodiscard]] Task<Result<ObjectInfo>> copy(net::Loop&, std::string, std::string, WriteConditions) override {
    co_return Result<ObjectInfo>(no_transfers());
  }
  [[nodiscard]] Task<Result<ObjectInfo>> rename(net::Loop&, std::string, std::string, WriteConditions) override {
    co_return Result<ObjectInfo>(no_transfers());
  }

  [[nodiscard]] Task<Result<UploadPlan>> begin_upload(net::Loop&, std::string, UploadOptions) override {
    co_return Result<UploadPlan>(no_transfers());
  }
  [[nodiscard]] Task<Result<ObjectInfo>> complete_upload(net::Loop&, std::string, Upload, std::vector<std::string>) override {
    co_return Result<ObjectInfo>(no_transfers());
  }
  [[nodiscard]] Task<Result<void>> abort_upload(net::Loop&, std::string, Upload) override {
    co_return Result<void>(no_transfers());
  }

  [[nodiscard]] Task<Result<PresignedUrl>> presign(net::Loop&, PresignMethod method, std::string key,
                                                   std::uint32_t expires_s) override {
    signing::SigV4 with = with_;
    with.time = clock_.wall();
    signing::SigningRequest request;
    request.method = name_of(method);
    const std::string host = path_style_ ? endpoint_.authority : bucket_ + "." + endpoint_.authority;
    request.path = endpoint_.path + (path_style_ ? "/" + signing::uri_encode(bucket_, false) : std::string()) + "/" +
                   signing::uri_encode(folder_ + key, true);
    request.headers.emplace_back("Host", host);
    const signing::Signed made = signing::sign_query(with, request, signing::unsigned_payload, expires_s);
    PresignedUrl out;
    out.url = endpoint_.scheme + "://" + host + request.path + "?" + made.query;
    out.expires_at = std::chrono::floor<std::chrono::seconds>(with.time) + std::chrono::seconds(expires_s);
    co_return Result<PresignedUrl>(std::move(out));
  }

 private:
  static constexpr Capabilities capabilities_{
      .transfer = false, .metadata = false, .conditional_write = false, .atomic_rename = false, .uploads = false};
  const Clock& clock_;
  const Endpoint endpoint_;
  const std::string bucket_;
  const std::string folder_;
  const bool path_style_;
  signing::SigV4 with_;
};

}  // namespace

Result<std::shared_ptr<Backend>> make_s3(const Clock& clock, std::string bucket, std::string folder,
                                         const services::S3Options& options) {
  if (bucket.empty() || bucket.find_first_of("/?#@ ") != std::string::npos) return invalid_argument("url: expected s3://BUCKET");
  if (options.access_key.empty() || options.secret_key.empty())
    return invalid_argument("s3.access_key, s3.secret_key: expected the credentials that URLs are signed with");
  const std::string of_aws = "https://s3." + options.region + ".amazonaws.com";
  Result<Endpoint> endpoint = endpoint_from(options.endpoint.empty() ? of_aws : options.endpoint);
  if (!endpoint.ok()) return std::move(endpoint).error();
  std::shared_ptr<Backend> out =
      std::make_shared<S3Backend>(clock, std::move(*endpoint), std::move(bucket), std::move(folder), options);
  return out;
}

}  // namespace spikard::storage
