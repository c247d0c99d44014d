#include "http/middleware/auth.hpp"

#include <algorithm>
#include <memory>

#include "base/base64.hpp"
#include "http/h1/request_parser.hpp"
#include "http/h1/scan.hpp"
#include "http/media_type.hpp"
#include "http/urlencoded.hpp"
#include "net/signing/hash.hpp"

namespace spikard::http {
namespace {

using net::signing::equal_in_constant_time;
using net::signing::sha256;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), h1::scan::lower);
  return out;
}

std::string digest_of(std::string_view name, std::string_view password) { return sha256(name) + sha256(password); }

/// `Bearer abc`: the scheme, and what follows its blanks.
std::pair<std::string_view, std::string_view> split_scheme(std::string_view header) noexcept {
  const std::size_t end = std::min(header.find(' '), header.size());
  return {header.substr(0, end), h1::scan::trimmed(header.substr(end))};
}

}  // namespace

std::shared_ptr<const Authenticator> Authenticator::compile(const services::Auth& config, const std::string& path,
                                                            const ReportProblem& report) {
  if (!config.jwt && !config.basic && !config.api_key) return nullptr;
  std::shared_ptr<Authenticator> made(new Authenticator);
  bool good = true;
  const auto problem = [&](const std::string& at, std::string_view what) {
    good = false;
    report(at, what);
  };
  if (config.jwt) made->jwt_ = JwtVerifier::compile(*config.jwt, path + ".jwt", problem);
  if (config.basic) {
    const services::Basic& basic = *config.basic;
    made->has_basic_ = true;
    made->realm_ = basic.realm;
    if (basic.users.empty()) problem(path + ".basic.users", "expected at least one user");
    if (!h1::is_field_value(basic.realm) || basic.realm.find_first_of("\"\\") != std::string::npos)
      problem(path + ".basic.realm", "expected text without quotes and control characters");
    for (const auto& [name, password] : basic.users) {
      if (name.find(':') != std::string::npos) problem(path + ".basic.users", "a name has no colon (RFC 7617)");
      if (password.empty()) problem(path + ".basic.users." + name, "expected a password");
      made->users_.push_back({name, digest_of(name, password)});
    }
  }
  if (config.api_key) {
    const services::ApiKey& keys = *config.api_key;
    made->has_keys_ = true;
    made->key_header_ = lower(keys.header);
    made->key_query_ = keys.query;
    if (keys.header.empty() && keys.query.empty()) problem(path + ".api_key", "expected a header or a query parameter");
    if (!keys.header.empty() && !h1::is_token(keys.header)) problem(path + ".api_key.header", "expected a header name");
    if (keys.keys.empty()) problem(path + ".api_key.keys", "expected at least one key");
    for (std::size_t i = 0; i < keys.keys.size(); ++i) {
      if (keys.keys[i].empty()) problem(path + ".api_key.keys[" + std::to_string(i) + "]", "expected a key");
      made->key_digests_.push_back(sha256(keys.keys[i]));
    }
  }
  if (!good) return nullptr;
  return made;
}

Authenticator::Outcome Authenticator::refuse(std::string_view why, bool token_was_bad) const {
  Outcome out{401, why, {}};
  if (jwt_ != nullptr || !has_basic_) {
    out.challenge = "Bearer";
    if (token_was_bad) out.challenge.append(" error=\"invalid_token\", error_description=\"").append(why).append("\"");
  }
  if (has_basic_) {
    if (!out.challenge.empty()) out.challenge += ", ";
    out.challenge.append("Basic realm=\"").append(realm_).append("\", charset=\"UTF-8\"");
  }
  return out;
}

Authenticator::Outcome Authenticator::check(const RequestRecord& request, const std::vector<std::string>& scopes, WallTime now,
                                            json::Reader& reader, NodeBuilder& identity) const {
  std::string_view authorization;
  std::string_view key;
  std::size_t authorizations = 0;
  bool has_key = false;
  for (const ViewPair* pair = request.header_begin(); pair != request.header_end(); ++pair) {
    const std::string_view name = request.text(pair->name);
    if (name == "authorization") {
      ++authorizations;
      authorization = request.text(pair->value);
    }
    if (has_keys_ && !has_key && !key_header_.empty() && name == key_header_) {
      has_key = true;
      key = request.text(pair->value);
    }
  }
  const auto needs_no_scope = [&] {
    return scopes.empty() ? Outcome{} : Outcome{403, "The route wants scopes, which only tokens have", {}};
  };
  if (authorizations != 0 && (jwt_ != nullptr || has_basic_)) {
    if (authorizations > 1) return refuse("The request has more than one Authorization header");
    const auto [scheme, credentials] = split_scheme(authorization);
    if (jwt_ != nullptr && h1::scan::equals_lower(scheme, "bearer") && !credentials.empty())
      return check_bearer(credentials, scopes, now, reader, identity);
    if (has_basic_ && h1::scan::equals_lower(scheme, "basic")) {
      return check_basic(credentials, identity) ? needs_no_scope() : refuse("The name or the password is not right");
    }
    return refuse("The Authorization header has no credentials that are taken");
  }
  if (!has_keys_) return refuse("Credentials are missing");
  std::unique_ptr<char[]> memory;
  if (!has_key && !key_query_.empty()) {
    QueryPairs pairs(request.text(request.query));
    for (QueryPair pair; !has_key && pairs.next(pair);) {
      if (!decodes_to(pair.name, key_query_, true)) continue;
      const std::size_t size = max_decoded(pair.value.size());
      memory = std::make_unique_for_overwrite<char[]>(size);
      TextRoom room{memory.get(), memory.get() + size};
      key = decode_query(pair.value, room);
      has_key = true;
    }
  }
  if (!has_key) return refuse("Credentials are missing");
  if (!check_key(key)) return refuse("The API key is not valid");
  identity.begin_object();
  identity.key("method");
  identity.string("api_key");
  identity.end();
  return needs_no_scope();
}

Authenticator::Outcome Authenticator::check_bearer(std::string_view token, const std::vector<std::string>& scopes, WallTime now,
                                                   json::Reader& reader, NodeBuilder& identity) const {
  const JwtVerifier::Outcome found = jwt_->verify(token, now, reader);
  if (found.verdict == JwtVerifier::Verdict::bad) return refuse(found.why, true);
  if (found.verdict == JwtVerifier::Verdict::forbidden) return {403, found.why, {}};
  if (!scopes.empty() && !http::has_scopes(found.claims.root(), scopes)) {
    // RFC 6750 section 3.1.
    Outcome out{403, "The token lacks a scope that the route wants", "Bearer error=\"insufficient_scope\", scope=\""};
    for (std::size_t i = 0; i < scopes.size(); ++i) out.challenge.append(i == 0 ? "" : " ").append(scopes[i]);
    out.challenge += "\"";
    return out;
  }
  identity.begin_object();
  identity.key("method");
  identity.string("jwt");
  identity.key("claims");
  identity.copy(found.claims.root());
  identity.end();
  return {};
}

bool Authenticator::check_basic(std::string_view credentials, NodeBuilder& identity) const {
  const auto text = base64::decode(credentials);
  if (!text) return false;
  const std::size_t colon = text->find(':');
  if (colon == std::string::npos) return false;
  const std::string digest = digest_of(std::string_view(*text).substr(0, colon), std::string_view(*text).substr(colon + 1));
  const User* found = nullptr;
  for (const User& user : users_) {
    if (equal_in_constant_time(user.digest, digest)) found = &user;
  }
  if (found == nullptr) return false;
  identity.begin_object();
  identity.key("method");
  identity.string("basic");
  identity.key("user");
  identity.string(found->name);
  identity.end();
  return true;
}

bool Authenticator::check_key(std::string_view key) const {
  const std::string digest = sha256(key);
  bool found = false;
  for (const std::string& one : key_digests_) found = equal_in_constant_time(one, digest) || found;
  return found;
}

}  // namespace spikard::http
