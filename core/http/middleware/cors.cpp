#include "http/middleware/cors.hpp"

#include <algorithm>

#include "http/h1/request_parser.hpp"
#include "http/media_type.hpp"

namespace spikard::http {
namespace {

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string joined(const std::vector<std::string>& list) {
  std::string out;
  for (const std::string& one : list) out.append(out.empty() ? "" : ", ").append(one);
  return out;
}

/// scheme "://" host [ ":" port ], or `null`: as a browser sends it, so without a path and in lower case.
bool is_origin(std::string_view text) noexcept {
  if (text == "null") return true;
  const std::size_t at = text.find("://");
  if (at == text.npos || at == 0) return false;
  const std::string_view host = text.substr(at + 3);
  if (host.empty()) return false;
  return std::none_of(text.begin(), text.end(), [](char c) { return c <= ' ' || c >= 0x7f || (c >= 'A' && c <= 'Z'); }) &&
         host.find_first_of("/?#@,") == host.npos;
}

void check_tokens(const std::vector<std::string>& list, std::string_view field, std::string_view what, ConfigProblems& problems) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!h1::is_token(list[i]))
      problems.emplace_back(std::string(field) + "[" + std::to_string(i) + "]",
                            "expected " + std::string(what) + ", got \"" + list[i] + "\"");
  }
}

bool take_star(std::vector<std::string>& list) { return std::erase(list, "*") != 0; }

}  // namespace

std::unique_ptr<const Cors> Cors::compile(const services::Cors& config, ConfigProblems& problems) {
  auto cors = std::make_unique<Cors>();
  cors->origins_ = config.allow_origins;
  cors->all_origins_ = take_star(cors->origins_);
  for (std::size_t i = 0; i < config.allow_origins.size(); ++i) {
    const std::string& origin = config.allow_origins[i];
    if (origin != "*" && !is_origin(origin))
      problems.emplace_back(
          "allow_origins[" + std::to_string(i) + "]",
          "expected an origin such as https://app.example.com (lower case, no path, no / at its end), got \"" + origin + "\"");
  }
  for (std::size_t i = 0; i < config.allow_origin_patterns.size(); ++i) {
    // The whole origin: a pattern without anchors must not let https://app.example.com.evil.test in.
    auto pattern = validation::detail::Pattern::compile("^(?:" + config.allow_origin_patterns[i] + ")$");
    // By itself first: brackets that only close what the anchors opened are no pattern.
    if (auto alone = validation::detail::Pattern::compile(config.allow_origin_patterns[i]); !alone.ok())
      problems.emplace_back("allow_origin_patterns[" + std::to_string(i) + "]", std::string(alone.error().message()));
    else if (!pattern.ok())
      problems.emplace_back("allow_origin_patterns[" + std::to_string(i) + "]", std::string(pattern.error().message()));
    else cors->patterns_.push_back(std::move(*pattern));
  }
  if (config.allow_origins.empty() && config.allow_origin_patterns.empty())
    problems.emplace_back("allow_origins", "expected an origin, `*`, or allow_origin_patterns");
  check_tokens(config.allow_methods, "allow_methods", "a method", problems);
  check_tokens(config.allow_headers, "allow_headers", "a header name", problems);
  check_tokens(config.expose_headers, "expose_headers", "a header name", problems);
  cors->methods_ = config.allow_methods;
  cors->all_methods_ = take_star(cors->methods_);
  cors->headers_ = config.allow_headers;
  cors->all_headers_ = take_star(cors->headers_);
  cors->method_list_ = joined(cors->methods_);
  cors->header_list_ = joined(cors->headers_);
  cors->exposed_ = joined(config.expose_headers);
  if (config.max_age) cors->max_age_ = std::to_string(*config.max_age);
  cors->credentials_ = config.allow_credentials;
  cors->rejects_ = config.on_disallowed == services::CorsDisallowed::reject;
  if (cors->all_methods_ && cors->all_headers_)
    cors->preflight_vary_ = "Access-Control-Request-Method, Access-Control-Request-Headers";
  else if (cors->all_methods_) cors->preflight_vary_ = "Access-Control-Request-Method";
  else if (cors->all_headers_) cors->preflight_vary_ = "Access-Control-Request-Headers";
  return cors;
}

bool Cors::allows(std::string_view origin) const noexcept {
  if (all_origins_) return true;
  return std::find(origins_.begin(), origins_.end(), origin) != origins_.end() ||
         std::any_of(patterns_.begin(), patterns_.end(),
                     [&](const auto& one) { return one.match(origin) == validation::detail::Pattern::Verdict::yes; });
}

bool Cors::fits(std::string_view method, std::string_view headers) const noexcept {
  if (!all_methods_ && std::find(methods_.begin(), methods_.end(), method) == methods_.end()) return false;
  if (all_headers_) return true;
  while (!headers.empty()) {
    const std::size_t comma = std::min(headers.find(','), headers.size());
    const std::string_view name = trimmed(headers.substr(0, comma));
    headers.remove_prefix(std::min(comma + 1, headers.size()));
    if (name.empty()) continue;
    if (std::none_of(headers_.begin(), headers_.end(), [&](const std::string& one) { return equals_ignoring_case(one, name); }))
      return false;
  }
  return true;
}

void Cors::append(std::string_view origin, std::vector<HeaderField>& out) const {
  // An answer that does not vary may be kept for pages of every origin, so it has the header for requests without one as well.
  if (all_origins_ && !credentials_) {
    out.push_back({"access-control-allow-origin", "*"});
  } else {
    out.push_back({"vary", "Origin"});
    if (origin.empty()) return;
    out.push_back({"access-control-allow-origin", origin});
    if (credentials_) out.push_back({"access-control-allow-credentials", "true"});
  }
  if (!exposed_.empty()) out.push_back({"access-control-expose-headers", exposed_});
}

void Cors::append_preflight(std::string_view method, std::string_view headers, std::vector<HeaderField>& out) const {
  // `*` would not stand for Authorization, and for nothing with credentials: what was asked for is named.
  if (const std::string_view methods = all_methods_ ? method : method_list_; !methods.empty())
    out.push_back({"access-control-allow-methods", methods});
  if (const std::string_view names = all_headers_ ? headers : header_list_; !names.empty())
    out.push_back({"access-control-allow-headers", names});
  if (!max_age_.empty()) out.push_back({"access-control-max-age", max_age_});
  if (!preflight_vary_.empty()) out.push_back({"vary", preflight_vary_});
}

}  // namespace spikard::http
