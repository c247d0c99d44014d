// Generated from spec/services/db.yaml by codegen. Do not edit.
#include "services/db.gen.hpp"

#include <array>
#include <utility>

#include "services/codec.hpp"
#include "services/db_codec.gen.hpp"

namespace spikard::services {

namespace detail {


void decode(Decoder& d, Value v, DbPool& out) {
  static constexpr std::array<std::string_view, 2> known{"max", "acquire_timeout_ms"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "max")) {
    d.integer(m.value(), out.max, 1U, 1024U);
  }
  if (const auto m = d.member(v, "acquire_timeout_ms")) {
    d.integer(m.value(), out.acquire_timeout_ms, 0U, 3600000U);
  }
}

void encode(const DbPool& in, NodeBuilder& out) {
  static const DbPool defaults;
  out.begin_object();
  if (!(in.max == defaults.max)) {
    out.key("max");
    out.uinteger(in.max);
  }
  if (!(in.acquire_timeout_ms == defaults.acquire_timeout_ms)) {
    out.key("acquire_timeout_ms");
    out.uinteger(in.acquire_timeout_ms);
  }
  out.end();
}

void decode(Decoder& d, Value v, DbConfig& out) {
  static constexpr std::array<std::string_view, 8> known{"url", "pool", "statement_timeout_ms", "transaction_timeout_ms", "statement_cache", "max_rows", "migrations", "migrate_on_start"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "url")) {
    d.text(m.value(), out.url, 1);
  }
  if (const auto m = d.member(v, "pool")) {
    decode(d, m.value(), out.pool);
  }
  if (const auto m = d.member(v, "statement_timeout_ms")) {
    if (m.value().is_null()) {
      out.statement_timeout_ms.reset();
    } else {
      d.integer(m.value(), out.statement_timeout_ms.emplace(), 1U, 86400000U);
    }
  }
  if (const auto m = d.member(v, "transaction_timeout_ms")) {
    if (m.value().is_null()) {
      out.transaction_timeout_ms.reset();
    } else {
      d.integer(m.value(), out.transaction_timeout_ms.emplace(), 1U, 86400000U);
    }
  }
  if (const auto m = d.member(v, "statement_cache")) {
    d.integer(m.value(), out.statement_cache, 1U, 65536U);
  }
  if (const auto m = d.member(v, "max_rows")) {
    d.integer(m.value(), out.max_rows, 1U, 4294967295U);
  }
  if (const auto m = d.member(v, "migrations")) {
    d.text(m.value(), out.migrations);
  }
  if (const auto m = d.member(v, "migrate_on_start")) {
    d.boolean(m.value(), out.migrate_on_start);
  }
}

void encode(const DbConfig& in, NodeBuilder& out) {
  static const DbConfig defaults;
  out.begin_object();
  if (!(in.url == defaults.url)) {
    out.key("url");
    out.string(in.url);
  }
  if (!(in.pool == defaults.pool)) {
    out.key("pool");
    encode(in.pool, out);
  }
  if (!(in.statement_timeout_ms == defaults.statement_timeout_ms)) {
    out.key("statement_timeout_ms");
    out.uinteger(*in.statement_timeout_ms);
  }
  if (!(in.transaction_timeout_ms == defaults.transaction_timeout_ms)) {
    out.key("transaction_timeout_ms");
    out.uinteger(*in.transaction_timeout_ms);
  }
  if (!(in.statement_cache == defaults.statement_cache)) {
    out.key("statement_cache");
    out.uinteger(in.statement_cache);
  }
  if (!(in.max_rows == defaults.max_rows)) {
    out.key("max_rows");
    out.uinteger(in.max_rows);
  }
  if (!in.migrations.empty()) {
    out.key("migrations");
    out.string(in.migrations);
  }
  if (in.migrate_on_start) {
    out.key("migrate_on_start");
    out.boolean(in.migrate_on_start);
  }
  out.end();
}

}  // namespace detail

bool operator==(const DbPool& a, const DbPool& b) {
  return a.max == b.max &&
         a.acquire_timeout_ms == b.acquire_timeout_ms;
}

Result<DbPool> db_pool_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  DbPool out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const DbPool& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const DbConfig& a, const DbConfig& b) {
  return a.url == b.url &&
         a.pool == b.pool &&
         a.statement_timeout_ms == b.statement_timeout_ms &&
         a.transaction_timeout_ms == b.transaction_timeout_ms &&
         a.statement_cache == b.statement_cache &&
         a.max_rows == b.max_rows &&
         a.migrations == b.migrations &&
         a.migrate_on_start == b.migrate_on_start;
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
