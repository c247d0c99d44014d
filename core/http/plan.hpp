#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/di_plan.hpp"
#include "http/h1/request_parser.hpp"
#include "http/middleware/auth.hpp"
#include "http/middleware/compression.hpp"
#include "http/middleware/cors.hpp"
#include "http/middleware/rate_limit.hpp"
#include "http/middleware/static_files.hpp"
#include "http/request_reader.hpp"
#include "http/router.hpp"
#include "http/sink.hpp"
#include "services/http.gen.hpp"
#include "validation/schema.hpp"

namespace spikard::http::detail {

/// A file field of a multipart body.
struct FilePlan {
  std::string name;
  bool required = false;
  bool sniff = false;
  std::vector<std::string> content_types;
  std::optional<std::uint64_t> max_bytes;
};

/// One route, compiled.
struct RoutePlan {
  std::uint32_t id = 0;
  RequestReader reader;
  bool has_parameters = false;

  bool takes_body = false;  ///< the route declares a body
  bool body_required = false;
  bool streams_body = false;
  std::optional<std::uint64_t> max_body_bytes;  ///< instead of limits.body_bytes
  services::BodyAs body_as = services::BodyAs::raw;
  std::vector<std::string> content_types;
  std::optional<validation::Schema> schema;
  bool fills_defaults = false;
  bool takes_parts = false;  ///< multipart bodies are parsed while they arrive
  std::vector<FilePlan> files;
  [[nodiscard]] const FilePlan* find_file(std::string_view field) const noexcept {
    for (const FilePlan& file : files) {
      if (file.name == field) return &file;
    }
    return nullptr;
  }

  std::shared_ptr<const Authenticator> auth;  ///< null: everybody may
  std::vector<std::string> scopes;

  DiPlan dependencies;
  std::vector<std::optional<services::JsonType>> inject_types;  ///< of DiPlan::inject
  std::uint32_t timeout_ms = 0;                                 ///< 0: none
};

struct Compiled {
  services::HttpConfig config;
  std::vector<RoutePlan> routes;
  Router router;
  h1::HeadLimits head_limits;
  std::array<std::uint32_t, 5> hooks{};  ///< how many, by HookPhase
  std::string request_id_header;         ///< lower case; empty when off
  std::string accept_encoding;           ///< the codings of request bodies, for a 415

  // Middleware; null or empty where it is off.
  std::unique_ptr<const Cors> cors;
  std::unique_ptr<const StaticFolders> folders;
  std::unique_ptr<RateLimiter> limiter;  ///< the one thing here that changes; thread-safe
  std::string limit_header;              ///< in lower case; empty: by address
  std::optional<CodingSet> codings;
  std::vector<std::string> hosts;         ///< in lower case; `.example.com` for all below
  std::vector<HeaderField> security;      ///< views into `config`
  std::string_view transport_security{};  ///< of encrypted connections
  bool decides_early = false;             ///< something is asked before routing
  bool decorates = false;                 ///< something is added to answers, but the request id

  [[nodiscard]] std::uint32_t hook_count(HookPhase phase) const noexcept { return hooks[static_cast<std::size_t>(phase)]; }
};

}  // namespace spikard::http::detail
