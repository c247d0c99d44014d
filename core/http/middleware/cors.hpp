#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/sink.hpp"
#include "services/http.gen.hpp"
#include "validation/pattern.hpp"

namespace spikard::http {

/// What is wrong with a middleware's configuration: the field below it, and why.
using ConfigProblems = std::vector<std::pair<std::string, std::string>>;

/// Cross-origin requests (Fetch, section 3.2), compiled. Immutable and thread-safe; what it appends are views into it and into
/// the arguments.
class Cors {
 public:
  [[nodiscard]] static std::unique_ptr<const Cors> compile(const services::Cors& config, ConfigProblems& problems);

  [[nodiscard]] bool allows(std::string_view origin) const noexcept;
  /// Requests from other origins get 403.
  [[nodiscard]] bool rejects() const noexcept { return rejects_; }
  /// Whether a preflight may ask for these. `headers`: the value of Access-Control-Request-Headers.
  [[nodiscard]] bool fits(std::string_view method, std::string_view headers) const noexcept;
  /// What every answer has. `origin`: that of the request if it is allowed, else empty.
  void append(std::string_view origin, std::vector<HeaderField>& out) const;
  /// What the answer to a preflight has beside `append`.
  void append_preflight(std::string_view method, std::string_view headers, std::vector<HeaderField>& out) const;

 private:
  std::vector<std::string> origins_;
  std::vector<validation::detail::Pattern> patterns_;
  std::vector<std::string> methods_;
  std::vector<std::string> headers_;
  std::string method_list_;
  std::string header_list_;
  std::string exposed_;
  std::string max_age_;
  std::string_view preflight_vary_;
  bool all_origins_ = false;
  bool all_methods_ = false;
  bool all_headers_ = false;
  bool credentials_ = false;
  bool rejects_ = false;
};

}  // namespace spikard::http
