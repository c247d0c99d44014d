#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "cache/cache.hpp"
#include "services/cache.gen.hpp"

namespace spikard::cache {

/// What backends may use of the application.
struct Environment {
  explicit Environment(Clock& of_clock) noexcept : clock(&of_clock) {}
  Clock* clock;  ///< outlives the cache
  telemetry::Tracer tracer{};
  std::string name = "default";  ///< of the cache, in metrics
  /// Puts something before the backend (tests).
  std::function<std::unique_ptr<Backend>(std::unique_ptr<Backend>)> wrap{};
};

/// Backends by the scheme of their URL. A value: register, then open.
class Registry {
 public:
  using Open = Result<std::unique_ptr<Backend>> (*)(const services::CacheConfig& config, const Environment& environment);
  /// `scheme` outlives it.
  void add(std::string_view scheme, Open open) { backends_.emplace_back(scheme, open); }
  /// unsupported for a scheme that this build has not, naming the option that adds it; invalid_argument for a bad URL or option,
  /// naming the member.
  [[nodiscard]] Result<std::shared_ptr<Cache>> open(const services::CacheConfig& config, const Environment& environment) const;

 private:
  std::vector<std::pair<std::string_view, Open>> backends_;
};

void register_memory(Registry& registry);
#ifdef SPIKARD_CACHE_REDIS
/// `redis:` and its kin (net/redis/url.hpp), and `tiered+` before each.
void register_redis(Registry& registry);
#endif
/// Those this build has.
void register_builtin_backends(Registry& registry);

/// `Registry::open` over the built-in backends.
[[nodiscard]] Result<std::shared_ptr<Cache>> open(const services::CacheConfig& config, const Environment& environment);

}  // namespace spikard::cache
