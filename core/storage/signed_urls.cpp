#include "storage/signed_urls.hpp"

#include <charconv>
#include <chrono>
#include <utility>

#include "base/base64.hpp"
#include "net/signing/hash.hpp"

namespace spikard::storage {

namespace signing = net::signing;

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

std::string SignedUrls::signature(PresignMethod method, std::string_view key, std::string_view expires) const {
  std::string text = "spikard-storage-url-1\n";
  text.append(name_of(method)).append("\n").append(expires).append("\n");
  // Lengths, for names and keys may hold line breaks.
  text.append(std::to_string(options_.name.size())).append("\n").append(options_.name).append("\n").append(key);
  return base64::encode_url(signing::hmac_sha256(options_.secret, text));
}

PresignedUrl SignedUrls::make(PresignMethod method, std::string_view key, std::uint32_t expires_s, const Clock& clock) const {
  PresignedUrl out;
  const auto at = std::chrono::floor<std::chrono::seconds>(clock.wall()) + std::chrono::seconds(expires_s);
  out.expires_at = at;
  const std::string expires = std::to_string(at.time_since_epoch().count());
  std::string_view base = options_.base_url;
  while (base.ends_with('/')) base.remove_suffix(1);
  out.url = base;
  out.url += path_ + signing::uri_encode(key, true) + "?expires=" + expires + "&signature=" + signature(method, key, expires);
  return out;
}

SignedUrls::Verdict SignedUrls::check(PresignMethod method, std::string_view key, std::string_view query,
                                      const Clock& clock) const {
  std::string_view expires;
  std::string_view given;
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query = end == query.npos ? std::string_view() : query.substr(end + 1);
    if (pair.starts_with("expires=")) expires = pair.substr(8);
    if (pair.starts_with("signature=")) given = pair.substr(10);
  }
  if (!signing::equal_in_constant_time(signature(method, key, expires), given)) return Verdict::wrong;
  std::int64_t seconds = 0;
  const auto parsed = std::from_chars(expires.data(), expires.data() + expires.size(), seconds);
  if (parsed.ec != std::errc() || parsed.ptr != expires.data() + expires.size()) return Verdict::wrong;
  const auto now = std::chrono::floor<std::chrono::seconds>(clock.wall()).time_since_epoch().count();
  return now >= seconds ? Verdict::expired : Verdict::good;
}

}  // namespace spikard::storage
