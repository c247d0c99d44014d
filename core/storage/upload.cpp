#include "storage/upload.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/base64.hpp"
#include "base/json.hpp"
#include "net/signing/hash.hpp"

namespace spikard::storage {

namespace {

constexpr std::size_t mac_bytes = 16;
constexpr std::uint32_t max_expires_s = 604'800;

Error not_a_token() {
  return invalid_argument("upload: expected the 'upload' of a plan of this key and store").with_detail("invalid_upload");
}

std::string mac_of(std::string_view secret, std::string_view store, std::string_view key, std::string_view plan) {
  std::string text = "spikard-storage-upload-1\n";
  text += std::to_string(store.size()) + "\n" + std::to_string(key.size()) + "\n";
  text.append(store).append(key).append(plan);
  return net::signing::hmac_sha256(secret, text).substr(0, mac_bytes);
}

bool is_origin(std::string_view text) {
  if (!text.starts_with("https://") && !text.starts_with("http://")) return false;
  const std::string_view host = text.substr(text.find("://") + 3);
  static constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[]";
  return !host.empty() && host.find_first_not_of(allowed) == host.npos;
}

void put(json::Writer& out, std::string_view name, const std::optional<std::string>& value) {
  if (!value.has_value()) return;
  out.key(name);
  out.string(*value);
}

std::string plan_text(const Upload& upload) {
  std::string text;
  json::Writer out(text);
  out.begin_object();
  out.key("id");
  out.string(upload.id);
  out.key("size");
  out.uinteger(upload.size);
  out.key("part_bytes");
  out.uinteger(upload.part_bytes);
  out.key("expires");
  out.integer(std::chrono::floor<std::chrono::seconds>(upload.expires_at).time_since_epoch().count());
  put(out, "content_type", upload.write.content_type);
  put(out, "cache_control", upload.write.cache_control);
  put(out, "content_disposition", upload.write.content_disposition);
  put(out, "if_match", upload.write.conditions.if_match);
  put(out, "if_none_match", upload.write.conditions.if_none_match);
  out.key("metadata");
  out.begin_object();
  for (const auto& [name, value] : upload.write.metadata) {
    out.key(name);
    out.string(value);
  }
  out.end_object();
  out.end_object();
  return text;
}

std::optional<std::string> text_of(Value plan, std::string_view name) {
  const Value v = plan.find(name);
  if (!v || !v.is_string()) return std::nullopt;
  return std::string(v.text());
}

std::uint64_t number_of(Value plan, std::string_view name) {
  const Value v = plan.find(name);
  return v.is(NodeType::integer) && v.as_int() > 0 ? static_cast<std::uint64_t>(v.as_int()) : 0;
}

}  // namespace

Result<void> check_and_fit(UploadOptions& options) {
  if (options.size < 1 || options.size > max_object_bytes)
    return invalid_argument("size: expected 1 to " + std::to_string(max_object_bytes) + " bytes");
  if (options.part_bytes < min_part_bytes || options.part_bytes > max_part_bytes) {
    return invalid_argument("part_bytes: expected " + std::to_string(min_part_bytes) + " to " + std::to_string(max_part_bytes) +
                            " bytes");
  }
  if (options.expires_s < 1 || options.expires_s > max_expires_s)
    return invalid_argument("expires_s: expected 1 to " + std::to_string(max_expires_s));
  if (!options.origin.empty() && !is_origin(options.origin))
    return invalid_argument("origin: expected https://HOST[:PORT] or http://HOST[:PORT]");
  const std::uint64_t needed = std::max(options.part_bytes, (options.size + max_parts - 1) / max_parts);
  options.part_bytes = (needed + part_unit - 1) / part_unit * part_unit;
  return {};
}

std::string upload_token(std::string_view secret, std::string_view store, std::string_view key, const Upload& upload) {
  const std::string plan = plan_text(upload);
  return base64::encode_url(mac_of(secret, store, key, plan) + plan);
}

Result<Upload> read_upload_token(std::string_view secret, std::string_view store, std::string_view key, std::string_view token) {
  const std::optional<std::string> raw = base64::decode_url(token);
  if (!raw.has_value() || raw->size() < mac_bytes) return not_a_token();
  const std::string_view plan = std::string_view(*raw).substr(mac_bytes);
  if (!net::signing::equal_in_constant_time(mac_of(secret, store, key, plan), std::string_view(*raw).substr(0, mac_bytes)))
    return not_a_token();
  const Result<Document> document = json::parse(plan);
  if (!document.ok() || !document->root().is_object()) return not_a_token();
  const Value root = document->root();
  Upload out;
  out.id = text_of(root, "id").value_or(std::string());
  out.size = number_of(root, "size");
  out.part_bytes = number_of(root, "part_bytes");
  out.expires_at = WallTime(std::chrono::seconds(number_of(root, "expires")));
  out.write.content_type = text_of(root, "content_type");
  out.write.cache_control = text_of(root, "cache_control");
  out.write.content_disposition = text_of(root, "content_disposition");
  out.write.conditions.if_match = text_of(root, "if_match");
  out.write.conditions.if_none_match = text_of(root, "if_none_match");
  if (const Value metadata = root.find("metadata"); metadata && metadata.is_object())
    for (const auto entry : metadata.members())
      if (entry.value.is_string()) out.write.metadata.emplace(std::string(entry.key), std::string(entry.value.text()));
  // What another version of ours may have written.
  if (out.id.empty() || out.size == 0 || out.part_bytes == 0 || (out.size - 1) / out.part_bytes >= max_parts)
    return not_a_token();
  return out;
}

Result<void> check_etags(const Upload& upload, const std::vector<std::string>& etags) {
  if (etags.empty() || etags.size() == upload.parts()) return {};
  return invalid_argument("etags: expected none or one for each of the " + std::to_string(upload.parts()) + " parts, they are " +
                          std::to_string(etags.size()));
}

Result<void> check_part(const Upload& upload, std::uint32_t number, const ObjectInfo* arrived,
                        const std::vector<std::string>& etags) {
  const std::string part = "part " + std::to_string(number);
  if (arrived == nullptr) return invalid_part(part + " of " + std::to_string(upload.parts()) + " is missing");
  if (arrived->size != upload.size_of(number)) {
    return invalid_part(part + " has " + std::to_string(arrived->size) + " bytes, expected " +
                        std::to_string(upload.size_of(number)));
  }
  if (etags.empty()) return {};
  const std::string& told = etags[number - 1];
  if (!told.empty() && told != arrived->etag && "\"" + told + "\"" != arrived->etag)
    return invalid_part(part + " has another etag");
  return {};
}

Error no_such_upload(std::string_view key) {
  return Error(ErrorKind::not_found, "no such upload of '" + std::string(key) + "': it was completed, aborted or taken away")
      .with_detail("no_such_upload");
}

Error invalid_part(std::string message) {
  return Error(ErrorKind::conflict, std::move(message)).with_detail("invalid_part").with_retry(RetryClass::permanent);
}

}  // namespace spikard::storage
