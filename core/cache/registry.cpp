#include "cache/registry.hpp"

#include "cache/memory/memory.hpp"

namespace spikard::cache {

namespace {

Result<std::unique_ptr<Backend>> open_memory(const services::CacheConfig& config, const Environment& environment) {
  if (config.url != "memory:") return invalid_argument("url: nothing comes after `memory:`");
  MemoryOptions options;
  options.max_bytes = config.max_bytes.value_or(0);
  options.max_entries = config.max_entries.value_or(0);
  return std::unique_ptr<Backend>(std::make_unique<Memory>(*environment.clock, options));
}

}  // namespace

void register_memory(Registry& registry) { registry.add("memory", open_memory); }

void register_builtin_backends(Registry& registry) { register_memory(registry); }

Result<std::shared_ptr<Cache>> Registry::open(const services::CacheConfig& config, const Environment& environment) const {
  const std::size_t colon = config.url.find(':');
  if (colon == std::string::npos) return invalid_argument("url: expected the URL of a cache, such as `memory:`");
  const std::string_view scheme = std::string_view(config.url).substr(0, colon);
  for (const auto& [name, backend] : backends_) {
    if (name != scheme) continue;
    Result<std::unique_ptr<Backend>> opened = backend(config, environment);
    if (!opened.ok()) return std::move(opened).error();
    if (environment.wrap) *opened = environment.wrap(std::move(*opened));
    Cache::Options options(*environment.clock);
    options.default_ttl = static_cast<Millis>(std::min<std::uint64_t>(config.default_ttl_ms.value_or(forever), forever));
    options.tracer = environment.tracer;
    options.name = environment.name;
    return std::make_shared<Cache>(std::move(opened).value(), std::move(options));
  }
  if (scheme == "redis" || scheme == "rediss") {
    return Error(ErrorKind::unsupported, "url: this build has no `redis:` cache (option SPIKARD_CACHE_REDIS)");
  }
  return Error(ErrorKind::unsupported, "url: no cache of the scheme `" + std::string(scheme) + ":`");
}

Result<std::shared_ptr<Cache>> open(const services::CacheConfig& config, const Environment& environment) {
  Registry registry;
  register_builtin_backends(registry);
  return registry.open(config, environment);
}

}  // namespace spikard::cache
