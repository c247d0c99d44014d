// Generated from spec/services/storage.yaml by codegen. Do not edit.
#include "services/storage.gen.hpp"

#include <array>
#include <utility>

#include "services/codec.hpp"
#include "services/storage_codec.gen.hpp"

namespace spikard::services {

namespace {
constexpr std::array<std::string_view, 2> s3_addressing_names{"virtual", "path"};
}
std::string_view name_of(S3Addressing v) noexcept {
  return s3_addressing_names[static_cast<std::size_t>(v)];
}
std::optional<S3Addressing> s3_addressing_from(std::string_view text) noexcept {
  for (std::size_t i = 0; i < s3_addressing_names.size(); ++i) {
    if (s3_addressing_names[i] == text) return static_cast<S3Addressing>(i);
  }
  return std::nullopt;
}

namespace detail {

void decode(Decoder& d, Value v, S3Addressing& out) {
  if (const auto i = d.choice(v, s3_addressing_names)) out = static_cast<S3Addressing>(*i);
}

void decode(Decoder& d, Value v, StoragePresign& out) {
  static constexpr std::array<std::string_view, 4> known{"base_url", "path", "secret", "max_upload_bytes"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "base_url")) {
    d.text(m.value(), out.base_url);
  }
  if (const auto m = d.member(v, "path")) {
    d.text(m.value(), out.path, 1);
  }
  if (const auto m = d.member(v, "secret")) {
    d.text(m.value(), out.secret);
  }
  if (const auto m = d.member(v, "max_upload_bytes")) {
    d.integer(m.value(), out.max_upload_bytes, 1U, 18446744073709551615ULL);
  }
}

void encode(const StoragePresign& in, NodeBuilder& out) {
  static const StoragePresign defaults;
  out.begin_object();
  if (!in.base_url.empty()) {
    out.key("base_url");
    out.string(in.base_url);
  }
  if (!(in.path == defaults.path)) {
    out.key("path");
    out.string(in.path);
  }
  if (!in.secret.empty()) {
    out.key("secret");
    out.string(in.secret);
  }
  if (!(in.max_upload_bytes == defaults.max_upload_bytes)) {
    out.key("max_upload_bytes");
    out.uinteger(in.max_upload_bytes);
  }
  out.end();
}

void decode(Decoder& d, Value v, S3Options& out) {
  static constexpr std::array<std::string_view, 7> known{"region", "endpoint", "addressing", "access_key", "secret_key", "session_token", "profile"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "region")) {
    d.text(m.value(), out.region, 1);
  }
  if (const auto m = d.member(v, "endpoint")) {
    d.text(m.value(), out.endpoint);
  }
  if (const auto m = d.member(v, "addressing")) {
    decode(d, m.value(), out.addressing);
  }
  if (const auto m = d.member(v, "access_key")) {
    d.text(m.value(), out.access_key);
  }
  if (const auto m = d.member(v, "secret_key")) {
    d.text(m.value(), out.secret_key);
  }
  if (const auto m = d.member(v, "session_token")) {
    d.text(m.value(), out.session_token);
  }
  if (const auto m = d.member(v, "profile")) {
    d.text(m.value(), out.profile);
  }
}

void encode(const S3Options& in, NodeBuilder& out) {
  static const S3Options defaults;
  out.begin_object();
  if (!(in.region == defaults.region)) {
    out.key("region");
    out.string(in.region);
  }
  if (!in.endpoint.empty()) {
    out.key("endpoint");
    out.string(in.endpoint);
  }
  if (!(in.addressing == defaults.addressing)) {
    out.key("addressing");
    out.string(name_of(in.addressing));
  }
  if (!in.access_key.empty()) {
    out.key("access_key");
    out.string(in.access_key);
  }
  if (!in.secret_key.empty()) {
    out.key("secret_key");
    out.string(in.secret_key);
  }
  if (!in.session_token.empty()) {
    out.key("session_token");
    out.string(in.session_token);
  }
  if (!in.profile.empty()) {
    out.key("profile");
    out.string(in.profile);
  }
  out.end();
}

void decode(Decoder& d, Value v, GcsOptions& out) {
  static constexpr std::array<std::string_view, 4> known{"endpoint", "credential", "credential_file", "anonymous"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "endpoint")) {
    d.text(m.value(), out.endpoint);
  }
  if (const auto m = d.member(v, "credential")) {
    d.text(m.value(), out.credential);
  }
  if (const auto m = d.member(v, "credential_file")) {
    d.text(m.value(), out.credential_file);
  }
  if (const auto m = d.member(v, "anonymous")) {
    d.boolean(m.value(), out.anonymous);
  }
}

void encode(const GcsOptions& in, NodeBuilder& out) {
  out.begin_object();
  if (!in.endpoint.empty()) {
    out.key("endpoint");
    out.string(in.endpoint);
  }
  if (!in.credential.empty()) {
    out.key("credential");
    out.string(in.credential);
  }
  if (!in.credential_file.empty()) {
    out.key("credential_file");
    out.string(in.credential_file);
  }
  if (in.anonymous) {
    out.key("anonymous");
    out.boolean(in.anonymous);
  }
  out.end();
}

void decode(Decoder& d, Value v, AzblobOptions& out) {
  static constexpr std::array<std::string_view, 5> known{"account", "endpoint", "account_key", "sas_token", "anonymous"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "account")) {
    d.text(m.value(), out.account);
  }
  if (const auto m = d.member(v, "endpoint")) {
    d.text(m.value(), out.endpoint);
  }
  if (const auto m = d.member(v, "account_key")) {
    d.text(m.value(), out.account_key);
  }
  if (const auto m = d.member(v, "sas_token")) {
    d.text(m.value(), out.sas_token);
  }
  if (const auto m = d.member(v, "anonymous")) {
    d.boolean(m.value(), out.anonymous);
  }
}

void encode(const AzblobOptions& in, NodeBuilder& out) {
  out.begin_object();
  if (!in.account.empty()) {
    out.key("account");
    out.string(in.account);
  }
  if (!in.endpoint.empty()) {
    out.key("endpoint");
    out.string(in.endpoint);
  }
  if (!in.account_key.empty()) {
    out.key("account_key");
    out.string(in.account_key);
  }
  if (!in.sas_token.empty()) {
    out.key("sas_token");
    out.string(in.sas_token);
  }
  if (in.anonymous) {
    out.key("anonymous");
    out.boolean(in.anonymous);
  }
  out.end();
}

void decode(Decoder& d, Value v, StorageTransfer& out) {
  static constexpr std::array<std::string_view, 3> known{"timeout_ms", "max_retries", "concurrency"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "timeout_ms")) {
    d.integer(m.value(), out.timeout_ms, 1U, 4294967295U);
  }
  if (const auto m = d.member(v, "max_retries")) {
    d.integer(m.value(), out.max_retries, 0U, 20U);
  }
  if (const auto m = d.member(v, "concurrency")) {
    d.integer(m.value(), out.concurrency, 1U, 16U);
  }
}

void encode(const StorageTransfer& in, NodeBuilder& out) {
  static const StorageTransfer defaults;
  out.begin_object();
  if (!(in.timeout_ms == defaults.timeout_ms)) {
    out.key("timeout_ms");
    out.uinteger(in.timeout_ms);
  }
  if (!(in.max_retries == defaults.max_retries)) {
    out.key("max_retries");
    out.uinteger(in.max_retries);
  }
  if (!(in.concurrency == defaults.concurrency)) {
    out.key("concurrency");
    out.uinteger(in.concurrency);
  }
  out.end();
}

void decode(Decoder& d, Value v, StorageConfig& out) {
  static constexpr std::array<std::string_view, 10> known{"url", "max_read_bytes", "max_memory_bytes", "durable", "presign", "s3", "gcs", "azblob", "options", "transfer"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "url")) {
    d.text(m.value(), out.url, 1);
  }
  if (const auto m = d.member(v, "max_read_bytes")) {
    d.integer(m.value(), out.max_read_bytes, 1U, 18446744073709551615ULL);
  }
  if (const auto m = d.member(v, "max_memory_bytes")) {
    d.integer(m.value(), out.max_memory_bytes, 1U, 18446744073709551615ULL);
  }
  if (const auto m = d.member(v, "durable")) {
    d.boolean(m.value(), out.durable);
  }
  if (const auto m = d.member(v, "presign")) {
    decode(d, m.value(), out.presign);
  }
  if (const auto m = d.member(v, "s3")) {
    decode(d, m.value(), out.s3);
  }
  if (const auto m = d.member(v, "gcs")) {
    decode(d, m.value(), out.gcs);
  }
  if (const auto m = d.member(v, "azblob")) {
    decode(d, m.value(), out.azblob);
  }
  if (const auto m = d.member(v, "options")) {
    if (d.any_object(m.value())) {
      out.options.clear();
      for (const auto each : m.value().members()) {
        const auto entry = d.entry(each.value, each.key);
        auto& slot = out.options[std::string(each.key)];
        d.text(entry.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "transfer")) {
    decode(d, m.value(), out.transfer);
  }
}

void encode(const StorageConfig& in, NodeBuilder& out) {
  static const StorageConfig defaults;
  out.begin_object();
  if (!(in.url == defaults.url)) {
    out.key("url");
    out.string(in.url);
  }
  if (!(in.max_read_bytes == defaults.max_read_bytes)) {
    out.key("max_read_bytes");
    out.uinteger(in.max_read_bytes);
  }
  if (!(in.max_memory_bytes == defaults.max_memory_bytes)) {
    out.key("max_memory_bytes");
    out.uinteger(in.max_memory_bytes);
  }
  if (!in.durable) {
    out.key("durable");
    out.boolean(in.durable);
  }
  if (!(in.presign == defaults.presign)) {
    out.key("presign");
    encode(in.presign, out);
  }
  if (!(in.s3 == defaults.s3)) {
    out.key("s3");
    encode(in.s3, out);
  }
  if (!(in.gcs == defaults.gcs)) {
    out.key("gcs");
    encode(in.gcs, out);
  }
  if (!(in.azblob == defaults.azblob)) {
    out.key("azblob");
    encode(in.azblob, out);
  }
  if (!in.options.empty()) {
    out.key("options");
    out.begin_object();
    for (const auto& [key, each] : in.options) {
      out.key(key);
      out.string(each);
    }
    out.end();
  }
  if (!(in.transfer == defaults.transfer)) {
    out.key("transfer");
    encode(in.transfer, out);
  }
  out.end();
}

}  // namespace detail

bool operator==(const StoragePresign& a, const StoragePresign& b) {
  return a.base_url == b.base_url &&
         a.path == b.path &&
         a.secret == b.secret &&
         a.max_upload_bytes == b.max_upload_bytes;
}

Result<StoragePresign> storage_presign_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  StoragePresign out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const StoragePresign& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const S3Options& a, const S3Options& b) {
  return a.region == b.region &&
         a.endpoint == b.endpoint &&
         a.addressing == b.addressing &&
         a.access_key == b.access_key &&
         a.secret_key == b.secret_key &&
         a.session_token == b.session_token &&
         a.profile == b.profile;
}

Result<S3Options> s3_options_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  S3Options out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const S3Options& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const GcsOptions& a, const GcsOptions& b) {
  return a.endpoint == b.endpoint &&
         a.credential == b.credential &&
         a.credential_file == b.credential_file &&
         a.anonymous == b.anonymous;
}

Result<GcsOptions> gcs_options_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  GcsOptions out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const GcsOptions& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const AzblobOptions& a, const AzblobOptions& b) {
  return a.account == b.account &&
         a.endpoint == b.endpoint &&
         a.account_key == b.account_key &&
         a.sas_token == b.sas_token &&
         a.anonymous == b.anonymous;
}

Result<AzblobOptions> azblob_options_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  AzblobOptions out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const AzblobOptions& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const StorageTransfer& a, const StorageTransfer& b) {
  return a.timeout_ms == b.timeout_ms &&
         a.max_retries == b.max_retries &&
         a.concurrency == b.concurrency;
}

Result<StorageTransfer> storage_transfer_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  StorageTransfer out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const StorageTransfer& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const StorageConfig& a, const StorageConfig& b) {
  return a.url == b.url &&
         a.max_read_bytes == b.max_read_bytes &&
         a.max_memory_bytes == b.max_memory_bytes &&
         a.durable == b.durable &&
         a.presign == b.presign &&
         a.s3 == b.s3 &&
         a.gcs == b.gcs &&
         a.azblob == b.azblob &&
         a.options == b.options &&
         a.transfer == b.transfer;
}

Result<StorageConfig> storage_config_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  StorageConfig out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const StorageConfig& in, NodeBuilder& out) { detail::encode(in, out); }

}  // namespace spikard::services
