#pragma once

#include <string>

#include "base/node.hpp"
#include "services/http.gen.hpp"

namespace spikard::http {

struct OpenApiInfo {
  std::string title;
  std::string version = "0.1.0";
};

/// The OpenAPI 3.1.0 document of the routes, derived from what validates requests. Definitions of body schemas (`$defs`) are
/// shared under components/schemas; one that differs under the same name gets a number behind it. What the manifest does not say
/// (the shapes of answers) the document does not say either.
[[nodiscard]] Document openapi(const services::HttpConfig& http, const OpenApiInfo& info);

}  // namespace spikard::http
