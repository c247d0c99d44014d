// Generated from spec/services/cache.yaml by codegen. Do not edit.
#include "services/cache.gen.hpp"

#include <array>
#include <utility>

#include "services/codec.hpp"
#include "services/cache_codec.gen.hpp"

namespace spikard::services {

namespace detail {


void decode(Decoder& d, Value v, CacheConfig& out) {
  static constexpr std::array<std::string_view, 4> known{"url", "max_bytes", "max_entries", "default_ttl_ms"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "url")) {
    d.text(m.value(), out.url, 1);
  }
  if (const auto m = d.member(v, "max_bytes")) {
    if (m.value().is_null()) {
      out.max_bytes.reset();
    } else {
      d.integer(m.value(), out.max_bytes.emplace(), 4096U, 18446744073709551615ULL);
    }
  }
  if (const auto m = d.member(v, "max_entries")) {
    if (m.value().is_null()) {
      out.max_entries.reset();
    } else {
      d.integer(m.value(), out.max_entries.emplace(), 1U, 18446744073709551615ULL);
    }
  }
  if (const auto m = d.member(v, "default_ttl_ms")) {
    if (m.value().is_null()) {
      out.default_ttl_ms.reset();
    } else {
      d.integer(m.value(), out.default_ttl_ms.emplace(), 1U, 18446744073709551615ULL);
    }
  }
}

void encode(const CacheConfig& in, NodeBuilder& out) {
  static const CacheConfig defaults;
  out.begin_object();
  if (!(in.url == defaults.url)) {
    out.key("url");
    out.string(in.url);
  }
  if (in.max_bytes.has_value()) {
    out.key("max_bytes");
    out.uinteger(*in.max_bytes);
  }
  if (in.max_entries.has_value()) {
    out.key("max_entries");
    out.uinteger(*in.max_entries);
  }
  if (in.default_ttl_ms.has_value()) {
    out.key("default_ttl_ms");
    out.uinteger(*in.default_ttl_ms);
  }
  out.end();
}

}  // namespace detail

bool operator==(const CacheConfig& a, const CacheConfig& b) {
  return a.url == b.url &&
         a.max_bytes == b.max_bytes &&
         a.max_entries == b.max_entries &&
         a.default_ttl_ms == b.default_ttl_ms;
}

Result<CacheConfig> cache_config_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  CacheConfig out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const CacheConfig& in, NodeBuilder& out) { detail::encode(in, out); }

}  // namespace spikard::services
