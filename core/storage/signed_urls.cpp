#include "storage/signed_urls.hpp"

#include <charconv>
#include <chrono>
#include <utility>

#include "base/base64.hpp"
#include "net/signing/hash.hpp"

namespace spikard::storage {

namespace signing = net::signing;

namespace {

std::string text_of(const UploadTarget& part) {
  return "upload=" + signing::uri_encode(part.upload, false) + "&part=" + std::to_string(part.number) +
         "&size=" + std::to_string(part.size);
}

template <class T>
bool number_from(std::string_view text, T& out) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), out);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

}  // namespace

std::string_view name_of(PresignMethod method) noexcept {
  switch (method) {
    case PresignMethod::get: return "GET";
    case PresignMethod::put: return "PUT";
    case PresignMethod::head: return "HEAD";
  }
  return "";
}

SignedUrls::SignedUrls(SignedUrlsOptions options) : options_(std::move(options)) {
  std::string_view path = options_.path;
  while (path.ends_with('/')) path.remove_suffix(1);
  path_ = path;
  if (!path_.starts_with('/')) path_.insert(path_.begin(), '/');
  path_ += "/" + signing::uri_encode(options_.name, false) + "/";
}

std::string SignedUrls::signature(PresignMethod method, std::string_view key, std::string_view part,
                                  std::string_view expires) const {
  std::string text = part.empty() ? "spikard-storage-url-1\n" : "spikard-storage-part-1\n";
  text.append(name_of(method)).append("\n").append(expires).append("\n");
  if (!part.empty()) text.append(part).append("\n");
  // Lengths, for names and keys may hold line breaks.
  text.append(std::to_string(options_.name.size())).append("\n").append(options_.name).append("\n").append(key);
  return base64::encode_url(signing::hmac_sha256(options_.secret, text));
}

PresignedUrl SignedUrls::url(PresignMethod method, std::string_view key, std::string_view part, std::uint32_t expires_s,
                             const Clock& clock) const {
  PresignedUrl out;
  const auto at = std::chrono::floor<std::chrono::seconds>(clock.wall()) + std::chrono::seconds(expires_s);
  out.expires_at = at;
  const std::string expires = std::to_string(at.time_since_epoch().count());
  std::string_view base = options_.base_url;
  while (base.ends_with('/')) base.remove_suffix(1);
  out.url = base;
  out.url += path_ + signing::uri_encode(key, true) + "?";
  if (!part.empty()) out.url.append(part).append("&");
  out.url += "expires=" + expires + "&signature=" + signature(method, key, part, expires);
  return out;
}

PresignedUrl SignedUrls::make(PresignMethod method, std::string_view key, std::uint32_t expires_s, const Clock& clock) const {
  return url(method, key, {}, expires_s, clock);
}

PresignedUrl SignedUrls::make_part(std::string_view key, const UploadTarget& part, std::uint32_t expires_s,
                                   const Clock& clock) const {
  return url(PresignMethod::put, key, text_of(part), expires_s, clock);
}

UploadPlan SignedUrls::plan(std::string_view key, std::string id, const UploadOptions& options, const Clock& clock) const {
  Upload upload;
  upload.size = options.size;
  upload.part_bytes = options.part_bytes;
  UploadPlan out;
  for (std::uint32_t number = 1; number <= upload.parts(); ++number) {
    UploadTarget target;
    target.upload = id;
    target.number = number;
    target.size = upload.size_of(number);
    PresignedUrl made = make_part(key, target, options.expires_s, clock);
    out.expires_at = made.expires_at;
    UploadPart& part = out.parts.emplace_back();
    part.number = number;
    part.method = "PUT";
    part.url = std::move(made.url);
    part.offset = upload.offset_of(number);
    part.size = target.size;
  }
  out.upload = std::move(id);
  return out;
}

SignedUrls::Verdict SignedUrls::check(PresignMethod method, std::string_view key, std::string_view query, const Clock& clock,
                                      std::optional<UploadTarget>* part) const {
  std::string_view expires;
  std::string_view given;
  UploadTarget target;
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query = end == query.npos ? std::string_view() : query.substr(end + 1);
    if (pair.starts_with("expires=")) expires = pair.substr(8);
    if (pair.starts_with("signature=")) given = pair.substr(10);
    if (pair.starts_with("upload=")) target.upload = pair.substr(7);
    if (pair.starts_with("part=") && !number_from(pair.substr(5), target.number)) return Verdict::wrong;
    if (pair.starts_with("size=") && !number_from(pair.substr(5), target.size)) return Verdict::wrong;
  }
  const bool of_part = !target.upload.empty();
  if (of_part && (part == nullptr || method != PresignMethod::put)) return Verdict::wrong;
  const std::string scope = of_part ? text_of(target) : std::string();
  if (!signing::equal_in_constant_time(signature(method, key, scope, expires), given)) return Verdict::wrong;
  std::int64_t seconds = 0;
  if (!number_from(expires, seconds)) return Verdict::wrong;
  const auto now = std::chrono::floor<std::chrono::seconds>(clock.wall()).time_since_epoch().count();
  if (now >= seconds) return Verdict::expired;
  if (of_part) *part = std::move(target);
  return Verdict::good;
}

}  // namespace spikard::storage
