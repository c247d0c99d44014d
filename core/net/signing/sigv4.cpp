#include "net/signing/sigv4.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "net/signing/hash.hpp"

namespace spikard::net::signing {

namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";
using Pairs = std::vector<std::pair<std::string, std::string>>;

/// 20150830T123600Z
std::string stamp(WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto day = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(seconds - day);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()), clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

/// RFC 3986 5.2.4 without repeated slashes.
std::string normalized(std::string_view path) {
  std::vector<std::string_view> kept;
  bool slash_at_end = true;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view segment = path.substr(at, end - at);
    slash_at_end = true;
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (!segment.empty() && segment != ".") {
      kept.push_back(segment);
      slash_at_end = end < path.size();
    }
    at = end + 1;
  }
  std::string out;
  for (const auto segment : kept) {
    out.push_back('/');
    out.append(segment);
  }
  if (out.empty() || slash_at_end) out.push_back('/');
  return out;
}

Pairs query_pairs(std::string_view query) {
  Pairs out;
  for (std::size_t at = 0; at < query.size();) {
    const std::size_t end = std::min(query.find('&', at), query.size());
    const std::string_view pair = query.substr(at, end - at);
    at = end + 1;
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view value = equals < pair.size() ? pair.substr(equals + 1) : std::string_view();
    out.emplace_back(uri_encode(uri_decode(pair.substr(0, equals)), false), uri_encode(uri_decode(value), false));
  }
  return out;
}

std::string canonical_query(Pairs pairs) {
  std::sort(pairs.begin(), pairs.end());
  std::string out;
  for (const auto& [name, value] : pairs) {
    if (!out.empty()) out.push_back('&');
    out.append(name).append("=").append(value);
  }
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

/// Without blanks around it; runs of blanks (folded lines too) are one.
std::string trimmed(std::string_view value) {
  std::string out;
  bool blank = false;
  for (const char c : value) {
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      blank = !out.empty();
      continue;
    }
    if (blank) out.push_back(' ');
    blank = false;
    out.push_back(c);
  }
  return out;
}

struct CanonicalHeaders {
  std::string block;
  std::string names;
};

CanonicalHeaders canonical_headers(const Pairs& headers) {
  std::map<std::string, std::string> sorted;
  for (const auto& [name, value] : headers) {
    const auto [at, fresh] = sorted.try_emplace(lower(name));
    if (!fresh) at->second.push_back(',');
    at->second.append(trimmed(value));
  }
  CanonicalHeaders out;
  for (const auto& [name, value] : sorted) {
    if (!out.names.empty()) out.names.push_back(';');
    out.names.append(name);
    out.block.append(name).append(":").append(value).push_back('\n');
  }
  return out;
}

struct Signer {
  explicit Signer(const SigV4& of) : with(of), time(stamp(of.time)), day(time.substr(0, 8)) {
    scope = fmt::format("{}/{}/{}/aws4_request", day, with.region, with.service);
  }

  [[nodiscard]] std::string credential() const { return with.credentials.access_key + "/" + scope; }

  void sign(Signed& out, const SigningRequest& request, const std::string& query, const CanonicalHeaders& headers,
            std::string_view payload_hash) const {
    std::string path = with.normalize_path ? normalized(request.path) : request.path;
    if (with.encode_path) path = uri_encode(path, true);
    out.canonical_request =
        fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, path, query, headers.block, headers.names, payload_hash);
    out.string_to_sign = fmt::format("{}\n{}\n{}\n{}", algorithm, time, scope, hex(sha256(out.canonical_request)));
    std::string key = hmac_sha256("AWS4" + with.credentials.secret_key, day);
    key = hmac_sha256(key, with.region);
    key = hmac_sha256(key, with.service);
    key = hmac_sha256(key, "aws4_request");
    out.signature = hex(hmac_sha256(key, out.string_to_sign));
  }

  const SigV4& with;
  std::string time;
  std::string day;
  std::string scope;
};

}  // namespace

Signed sign_headers(const SigV4& with, const SigningRequest& request, std::string_view payload_hash) {
  const Signer signer(with);
  const std::string& token = with.credentials.session_token;
  Signed out;
  if (!token.empty()) out.new_headers.emplace_back("X-Amz-Security-Token", token);
  out.new_headers.emplace_back("X-Amz-Date", signer.time);
  if (with.content_header) out.new_headers.emplace_back("x-amz-content-sha256", payload_hash);
  Pairs all = request.headers;
  for (const auto& header : out.new_headers)
    if (with.sign_session_token || header.first != "X-Amz-Security-Token") all.push_back(header);
  const CanonicalHeaders headers = canonical_headers(all);
  signer.sign(out, request, canonical_query(query_pairs(request.query)), headers, payload_hash);
  out.new_headers.emplace_back("Authorization", fmt::format("{} Credential={}, SignedHeaders={}, Signature={}", algorithm,
                                                            signer.credential(), headers.names, out.signature));
  return out;
}

Signed sign_query(const SigV4& with, const SigningRequest& request, std::string_view payload_hash, std::uint32_t expires_s) {
  const Signer signer(with);
  const CanonicalHeaders headers = canonical_headers(request.headers);
  Pairs added;
  added.emplace_back("X-Amz-Algorithm", algorithm);
  added.emplace_back("X-Amz-Credential", uri_encode(signer.credential(), false));
  added.emplace_back("X-Amz-Date", signer.time);
  added.emplace_back("X-Amz-SignedHeaders", uri_encode(headers.names, false));
  added.emplace_back("X-Amz-Expires", std::to_string(expires_s));
  Pairs canonical = query_pairs(request.query);
  canonical.insert(canonical.end(), added.begin(), added.end());
  if (const std::string& token = with.credentials.session_token; !token.empty()) {
    added.emplace_back("X-Amz-Security-Token", uri_encode(token, false));
    if (with.sign_session_token) canonical.push_back(added.back());
  }
  Signed out;
  signer.sign(out, request, canonical_query(std::move(canonical)), headers, payload_hash);
  added.emplace_back("X-Amz-Signature", out.signature);
  out.query = request.query;
  for (const auto& [name, value] : added) {
    if (!out.query.empty()) out.query.push_back('&');
    out.query.append(name).append("=").append(value);
  }
  return out;
}

}  // namespace spikard::net::signing
