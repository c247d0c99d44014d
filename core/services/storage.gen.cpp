// Generated from spec/services/storage.yaml by codegen. Do not edit.
#include "services/storage.gen.hpp"

#include <array>
#include <utility>

#include "services/codec.hpp"
#include "services/storage_codec.gen.hpp"

namespace spikard::services {

namespace detail {


void decode(Decoder& d, Value v, StorageConfig& out) {
  static constexpr std::array<std::string_view, 1> known{"url"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "url")) {
    d.text(m.value(), out.url, 1);
  }
}

void encode(const StorageConfig& in, NodeBuilder& out) {
  static const StorageConfig defaults;
  out.begin_object();
  if (!(in.url == defaults.url)) {
    out.key("url");
    out.string(in.url);
  }
  out.end();
}

}  // namespace detail

bool operator==(const StorageConfig& a, const StorageConfig& b) {
  return a.url == b.url;
}

Result<StorageConfig> storage_config_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  StorageConfig out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const StorageConfig& in, NodeBuilder& out) { detail::encode(in, out); }

}  // namespace spikard::services
