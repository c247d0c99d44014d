#include "http/compiled.hpp"

#include <algorithm>
#include <cmath>

#include "http/media_type.hpp"
#include "http/plan.hpp"

namespace spikard::http {
namespace {

Method method_of(services::HttpMethod m) noexcept {
  switch (m) {
    case services::HttpMethod::get: return Method::get;
    case services::HttpMethod::head: return Method::head;
    case services::HttpMethod::post: return Method::post;
    case services::HttpMethod::put: return Method::put;
    case services::HttpMethod::patch: return Method::patch;
    case services::HttpMethod::del: return Method::del;
    case services::HttpMethod::options: return Method::options;
    case services::HttpMethod::trace: return Method::trace;
  }
  return Method::other;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

/// Collects problems, a line each.
class Report {
 public:
  void add(const std::string& path, std::string_view what) {
    if (!text_.empty()) text_ += '\n';
    text_ += path;
    text_ += ": ";
    text_ += what;
  }
  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }
  /// The finer code of the first problem that has one.
  void detail(std::string_view code) {
    if (detail_.empty()) detail_ = code;
  }
  [[nodiscard]] Error error() && { return invalid_argument(std::move(text_)).with_detail(std::move(detail_)); }

 private:
  std::string text_;
  std::string detail_;
};

void compile_body(const services::Body& body, const std::string& path, detail::RoutePlan& plan, Report& report) {
  plan.takes_body = true;
  plan.body_required = body.required;
  plan.streams_body = body.mode == services::BodyMode::stream;
  plan.body_as = body.as;
  plan.max_body_bytes = body.max_bytes;
  for (std::size_t i = 0; i < body.content_types.size(); ++i) {
    if (!parse_media_type(body.content_types[i])) {
      report.add(path + ".content_types[" + std::to_string(i) + "]",
                 "expected a media type such as application/json, got \"" + body.content_types[i] + "\"");
    }
    plan.content_types.push_back(body.content_types[i]);
  }
  const MediaType multipart{"multipart", "form-data", {}, {}};
  const bool may_be_multipart = std::any_of(body.content_types.begin(), body.content_types.end(),
                                            [&](const std::string& one) { return accepts(one, multipart); });
  for (const auto& [name, field] : body.files) {
    const std::string at = path + ".files." + name;
    if (!may_be_multipart) report.add(at, "expected multipart/form-data among the content_types");
    if (plan.streams_body) report.add(at, "a streamed body is not parsed");
    for (std::size_t i = 0; i < field.content_types.size(); ++i) {
      if (!parse_media_type(field.content_types[i]))
        report.add(at + ".content_types[" + std::to_string(i) + "]",
                   "expected a media type such as image/png, got \"" + field.content_types[i] + "\"");
    }
    plan.files.push_back({name, field.required, field.sniff, field.content_types, field.max_bytes});
  }
  const Value schema = body.schema.root();
  const bool unchecked = !schema.exists() || schema.is_null();
  plan.takes_parts =
      may_be_multipart && !plan.streams_body && !(body.as == services::BodyAs::raw && unchecked && body.files.empty());
  if (unchecked) return;
  if (plan.streams_body) return;  // nothing parses a streamed body
  auto compiled = validation::Schema::compile(schema);
  if (!compiled.ok()) {
    report.add(path + ".schema", compiled.error().message());
    return;
  }
  plan.fills_defaults = compiled->has_defaults();
  plan.schema = std::move(*compiled);
}

bool is_scope(std::string_view text) noexcept {
  // RFC 6749 appendix A.4; these stand in a quoted string of WWW-Authenticate.
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; });
}

void compile_auth(const services::Route& route, const std::shared_ptr<const Authenticator>& application, const std::string& path,
                  detail::RoutePlan& plan, Report& report) {
  bool reported = false;
  plan.auth = application;
  if (route.auth) {
    plan.auth = Authenticator::compile(*route.auth, path + ".auth", [&](const std::string& at, std::string_view what) {
      reported = true;
      report.add(at, what);
    });
  }
  plan.scopes = route.scopes;
  if (!route.scopes.empty() && !reported && (plan.auth == nullptr || !plan.auth->has_scopes()))
    report.add(path + ".scopes", "expected auth.jwt, for only tokens have scopes");
  for (std::size_t i = 0; i < route.scopes.size(); ++i) {
    if (!is_scope(route.scopes[i]))
      report.add(path + ".scopes[" + std::to_string(i) + "]", "expected a scope: no blanks, quotes or backslashes");
  }
}

void compile_route(const services::HttpConfig& config, std::size_t index, const std::string& path,
                   const std::shared_ptr<const Authenticator>& auth, detail::RoutePlan& plan, Report& report) {
  const services::Route& route = config.routes[index];
  plan.id = static_cast<std::uint32_t>(index);
  auto pattern = PathPattern::parse(route.path);
  if (!pattern.ok()) {
    report.add(path + ".path", pattern.error().message());
  } else {
    // One at a time first, so that an error names its parameter's place.
    bool each = true;
    for (std::size_t i = 0; i < route.parameters.size(); ++i) {
      services::Route one;
      one.method = route.method;
      one.path = route.path;
      one.parameters.push_back(route.parameters[i]);
      if (auto single = RequestReader::compile(one); !single.ok()) {
        report.add(path + ".parameters[" + std::to_string(i) + "].schema", single.error().message());
        each = false;
      }
    }
    if (each) {
      auto reader = RequestReader::compile(route);
      if (!reader.ok()) report.add(path + ".parameters", reader.error().message());
      else plan.reader = std::move(*reader), plan.has_parameters = !plan.reader.empty();
    }
  }
  if (route.body) compile_body(*route.body, path + ".body", plan, report);
  compile_auth(route, auth, path, plan, report);
  DiPlanning planning = plan_dependencies(config.dependencies, route);
  for (const DiProblem& problem : planning.problems) {
    // The code in the text as well: hosts get the text alone.
    report.add(path + ".inject", std::string(di_problem_name(problem.type)) + ": " + problem.to_string());
    report.detail(di_problem_name(problem.type));
  }
  plan.dependencies = std::move(planning.plan);
  if (planning.problems.empty()) {
    for (const std::string& name : route.inject) {
      const auto wanted = route.inject_types.find(name);
      plan.inject_types.push_back(wanted == route.inject_types.end() ? std::nullopt : std::optional(wanted->second));
    }
  }
  plan.timeout_ms = route.timeout_ms ? *route.timeout_ms : config.timeout.ms.value_or(0);
}

void compile_limit(const services::RateLimit& limit, const std::string& path, detail::Compiled& compiled, Report& report) {
  const Value rate = limit.per_second.root();
  const double per_second = rate.exists() && rate.node().is_number() ? rate.as_double() : 0;
  if (!(per_second > 0) || !std::isfinite(per_second)) report.add(path + ".per_second", "expected a number over 0");
  const bool by_header = limit.by == services::RateLimitBy::header;
  if (by_header && !h1::is_token(limit.header)) report.add(path + ".header", "expected the name of a header");
  if (!by_header && !limit.header.empty()) report.add(path + ".header", "expected `by: header` with it");
  if (by_header) compiled.limit_header = lower(limit.header);
  compiled.limiter = std::make_unique<RateLimiter>(per_second, std::max<std::uint32_t>(limit.burst, 1), limit.max_keys);
}

void compile_security(const services::SecurityHeaders& headers, const std::string& path, detail::Compiled& compiled,
                      Report& report) {
  const struct {
    std::string_view field;
    std::string_view name;
    const std::string& value;
  } all[] = {{"content_type_options", "x-content-type-options", headers.content_type_options},
             {"frame_options", "x-frame-options", headers.frame_options},
             {"referrer_policy", "referrer-policy", headers.referrer_policy},
             {"content_security_policy", "content-security-policy", headers.content_security_policy},
             {"permissions_policy", "permissions-policy", headers.permissions_policy},
             {"cross_origin_opener_policy", "cross-origin-opener-policy", headers.cross_origin_opener_policy},
             {"cross_origin_resource_policy", "cross-origin-resource-policy", headers.cross_origin_resource_policy},
             {"strict_transport_security", "strict-transport-security", headers.strict_transport_security}};
  for (const auto& one : all) {
    if (!h1::is_field_value(one.value))
      report.add(path + "." + std::string(one.field), "expected text without control characters");
    if (one.value.empty()) continue;
    if (one.field == "strict_transport_security") compiled.transport_security = one.value;
    else compiled.security.push_back({one.name, one.value});
  }
}

void compile_middleware(const std::string& base, detail::Compiled& compiled, Report& report) {
  const services::HttpConfig& config = compiled.config;
  ConfigProblems problems;
  const auto tell = [&](const std::string& where) {
    for (const auto& [field, what] : problems) report.add(where + field, what);
    problems.clear();
  };
  if (config.cors) compiled.cors = Cors::compile(*config.cors, problems);
  tell(base + ".cors.");
  if (!config.static_files.empty()) compiled.folders = StaticFolders::compile(config.static_files, problems);
  tell(base + ".static_files");
  if (config.rate_limit) compile_limit(*config.rate_limit, base + ".rate_limit", compiled, report);
  if (config.compression) {
    const services::Compression& c = *config.compression;
    compiled.codings = CodingSet{c.gzip, c.brotli, c.zstd};
    if (!c.gzip && !c.brotli && !c.zstd) report.add(base + ".compression", "expected gzip, brotli or zstd");
  }
  if (config.security_headers) compile_security(*config.security_headers, base + ".security_headers", compiled, report);
  for (std::size_t i = 0; i < config.trusted_hosts.size(); ++i) {
    std::string host = lower(config.trusted_hosts[i]);
    if (host.starts_with("*.")) host.erase(0, 1);
    // An IPv6 address is in brackets, and has no port either.
    const bool port = !host.starts_with('[') && host.find(':') != std::string::npos;
    if (host.empty() || host.find_first_of("*/@ ") != std::string::npos || port || !h1::is_field_value(host))
      report.add(base + ".trusted_hosts[" + std::to_string(i) + "]",
                 "expected a host such as example.com or *.example.com, got \"" + config.trusted_hosts[i] + "\"");
    compiled.hosts.push_back(std::move(host));
  }
  compiled.decides_early =
      compiled.cors != nullptr || compiled.folders != nullptr || compiled.limiter != nullptr || !compiled.hosts.empty();
  compiled.decorates =
      compiled.cors != nullptr || compiled.codings || !compiled.security.empty() || !compiled.transport_security.empty();
}

}  // namespace

CompiledHttp::CompiledHttp(std::unique_ptr<const detail::Compiled> compiled) : compiled_(std::move(compiled)) {}
CompiledHttp::~CompiledHttp() = default;

const services::HttpConfig& CompiledHttp::config() const noexcept { return compiled_->config; }

Result<std::shared_ptr<const CompiledHttp>> CompiledHttp::compile(const services::HttpConfig& config, std::string_view path) {
  auto compiled = std::make_unique<detail::Compiled>();
  compiled->config = config;
  const std::string base(path);
  Report report;
  compiled->routes.resize(config.routes.size());
  std::shared_ptr<const Authenticator> auth;
  if (config.auth) {
    auth = Authenticator::compile(*config.auth, base + ".auth",
                                  [&](const std::string& at, std::string_view what) { report.add(at, what); });
    compiled->config.auth.reset();  // its keys are wanted no more
  }
  std::vector<RouteSpec> specs;
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    compile_route(compiled->config, i, base + ".routes[" + std::to_string(i) + "]", auth, compiled->routes[i], report);
    compiled->config.routes[i].auth.reset();
    specs.push_back({method_of(config.routes[i].method), compiled->config.routes[i].path, static_cast<std::uint32_t>(i)});
  }
  if (config.decompression) {
    if (config.decompression->encodings.empty()) report.add(base + ".decompression.encodings", "expected at least one coding");
    for (const services::ContentCoding coding : config.decompression->encodings)
      compiled->accept_encoding.append(compiled->accept_encoding.empty() ? "" : ", ").append(services::name_of(coding));
  }
  const services::Limits& limits = config.limits;
  compiled->head_limits = {limits.uri_bytes, limits.header_bytes, limits.header_count};
  if (limits.header_count == 0) report.add(base + ".limits.header_count", "expected at least 1");
  if (limits.pipeline == 0) report.add(base + ".limits.pipeline", "expected at least 1");
  if (config.timeout.status < 400 || config.timeout.status > 599)
    report.add(base + ".timeout.status", "expected a status from 400 to 599");
  const services::Hooks& hooks = config.hooks;
  compiled->hooks = {static_cast<std::uint32_t>(hooks.on_request.size()), static_cast<std::uint32_t>(hooks.pre_validation.size()),
                     static_cast<std::uint32_t>(hooks.pre_handler.size()), static_cast<std::uint32_t>(hooks.on_response.size()),
                     static_cast<std::uint32_t>(hooks.on_error.size())};
  if (config.request_id.enabled) {
    compiled->request_id_header = lower(config.request_id.header);
    if (!h1::is_token(config.request_id.header)) report.add(base + ".request_id.header", "expected a header name");
  }
  compile_middleware(base, *compiled, report);
  if (config.server_header && !h1::is_field_value(*config.server_header))
    report.add(base + ".server_header", "expected text without control characters");
  if (report.empty()) {
    auto router = Router::build(specs);
    if (!router.ok()) report.add(base + ".routes", router.error().message());
    else compiled->router = std::move(*router);
  }
  if (!report.empty()) return std::move(report).error();
  return std::shared_ptr<const CompiledHttp>(new CompiledHttp(std::move(compiled)));
}

}  // namespace spikard::http
