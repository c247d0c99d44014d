#include "cache/registry.hpp"

#include <array>

#include "cache/memory/memory.hpp"
#ifdef SPIKARD_CACHE_REDIS
#include "cache/redis/redis.hpp"
#include "cache/tiered/tiered.hpp"
#endif

namespace spikard::cache {

namespace {

Result<std::unique_ptr<Backend>> open_memory(const services::CacheConfig& config, const Environment& environment) {
  if (config.url != "memory:") return invalid_argument("url: nothing comes after `memory:`");
  MemoryOptions options;
  options.max_bytes = config.max_bytes.value_or(0);
  options.max_entries = config.max_entries.value_or(0);
  return std::unique_ptr<Backend>(std::make_unique<Memory>(*environment.clock, options));
}

#ifdef SPIKARD_CACHE_REDIS
constexpr std::string_view tiered = "tiered+";
constexpr std::array<std::string_view, 1> redis_options{"prefix"};

Result<std::unique_ptr<Backend>> open_redis(const services::CacheConfig& config, const Environment& environment) {
  std::string_view url = config.url;
  const bool front = url.starts_with(tiered);
  if (front) url.remove_prefix(tiered.size());
  Result<net::redis::Options> options = net::redis::Options::parse(url, redis_options);
  if (!options.ok()) return std::move(options).error();
  Result<std::string> prefix = options->prefix("spikard:cache");
  if (!prefix.ok()) return std::move(prefix).error();
  if (options->client_name.empty()) options->client_name = "spikard-cache";
  if (!front) {
    if (config.max_bytes || config.max_entries)
      return invalid_argument(
          "max_bytes and max_entries are bounds of `memory:` and `tiered+redis:`; of `redis:` the server's own count");
    return std::unique_ptr<Backend>(std::make_unique<Redis>(*environment.clock, std::move(*options), std::move(*prefix)));
  }
  if (options->topology == net::redis::Topology::cluster)
    return Error(ErrorKind::unsupported, "url: `tiered+` is not there for a cluster, where one connection hears one node only");
  if (options->protocol != 3) return invalid_argument("url: `tiered+` needs protocol 3");
  MemoryOptions near;
  near.max_bytes = config.max_bytes.value_or(0);
  near.max_entries = config.max_entries.value_or(0);
  return std::unique_ptr<Backend>(std::make_unique<Tiered>(*environment.clock, near, std::move(*options), std::move(*prefix)));
}
#endif

}  // namespace

void register_memory(Registry& registry) { registry.add("memory", open_memory); }

#ifdef SPIKARD_CACHE_REDIS
void register_redis(Registry& registry) {
  for (const std::string_view scheme :
       {"redis", "rediss", "redis+unix", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster", "tiered+redis",
        "tiered+rediss", "tiered+redis+unix", "tiered+redis+sentinel", "tiered+rediss+sentinel", "tiered+redis+cluster",
        "tiered+rediss+cluster"})
    registry.add(scheme, open_redis);
}
#endif

void register_builtin_backends(Registry& registry) {
  register_memory(registry);
#ifdef SPIKARD_CACHE_REDIS
  register_redis(registry);
#endif
}

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
  if (scheme.find("redis") != scheme.npos) {
    return Error(ErrorKind::unsupported, "url: this build has no `redis:` cache (option SPIKARD_CACHE_REDIS)");
  }
  return Error(ErrorKind::unsupported,
               "url: no cache of the scheme `" + std::string(scheme) + ":`; expected memory:, redis://... or tiered+redis://...");
}

Result<std::shared_ptr<Cache>> open(const services::CacheConfig& config, const Environment& environment) {
  Registry registry;
  register_builtin_backends(registry);
  return registry.open(config, environment);
}

}  // namespace spikard::cache
