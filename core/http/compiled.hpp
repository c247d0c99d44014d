#pragma once

#include <memory>
#include <string_view>

#include "base/result.hpp"
#include "services/http.gen.hpp"

namespace spikard::http {

namespace detail {
struct Compiled;
}

/// The HTTP part of a manifest, checked and compiled: router, parameters, schemas, dependency plans. Immutable and thread-safe;
/// all loops share one.
class CompiledHttp {
 public:
  /// Errors: invalid_argument, one line a problem, each naming the field: `http.routes[3].parameters[0].schema: ...`. `path` is
  /// what the names start with.
  [[nodiscard]] static Result<std::shared_ptr<const CompiledHttp>> compile(const services::HttpConfig& config,
                                                                           std::string_view path = "http");
  ~CompiledHttp();
  CompiledHttp(const CompiledHttp&) = delete;
  CompiledHttp& operator=(const CompiledHttp&) = delete;

  [[nodiscard]] const services::HttpConfig& config() const noexcept;
  /// For the server alone (core/http/plan.hpp).
  [[nodiscard]] const detail::Compiled& detail() const noexcept { return *compiled_; }

 private:
  explicit CompiledHttp(std::unique_ptr<const detail::Compiled> compiled);
  std::unique_ptr<const detail::Compiled> compiled_;
};

}  // namespace spikard::http
