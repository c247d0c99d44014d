// Generated from spec/services/db.yaml by codegen. Do not edit.
#include "services/db.gen.hpp"

#include <array>
#include <utility>

#include "services/codec.hpp"
#include "services/db_codec.gen.hpp"

namespace spikard::services {

namespace detail {


void decode(Decoder& d, Value v, DbConfig& out) {
  static constexpr std::array<std::string_view, 1> known{"url"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "url")) {
    d.text(m.value(), out.url, 1);
  }
}

void encode(const DbConfig& in, NodeBuilder& out) {
  static const DbConfig defaults;
  out.begin_object();
  if (!(in.url == defaults.url)) {
    out.key("url");
    out.string(in.url);
  }
  out.end();
}

}  // namespace detail

bool operator==(const DbConfig& a, const DbConfig& b) {
  return a.url == b.url;
}

Result<DbConfig> db_config_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  DbConfig out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const DbConfig& in, NodeBuilder& out) { detail::encode(in, out); }

}  // namespace spikard::services
