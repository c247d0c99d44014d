#include "db/sqlite/run.hpp"

#include <simdjson.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include "base/json.hpp"
#include "db/instant.hpp"

namespace spikard::db::sqlite {
namespace {

namespace engine = store::sqlite;

std::string declared(std::string_view type) {
  std::string out;
  for (char c : type) {
    if (c == '(') break;  // DECIMAL(10,2)
    out.push_back(static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

bool has(std::string_view text, std::string_view part) noexcept { return text.find(part) != std::string_view::npos; }

/// What a column's declaration says (docs/guide/db.md has the table). The rest goes by SQLite's own rules of affinity.
ColumnType type_of(std::string_view declaration) {
  const std::string type = declared(declaration);
  if (type.empty()) return ColumnType::any;
  if (type == "BOOLEAN" || type == "BOOL") return ColumnType::boolean;
  if (type == "DECIMAL_TEXT") return ColumnType::decimal;
  if (type.starts_with("TIMESTAMP") || type == "DATETIME") return ColumnType::timestamp;
  if (type == "DATE") return ColumnType::date;
  if (type == "TIME") return ColumnType::time;
  if (type == "UUID") return ColumnType::uuid;
  if (type == "JSON" || type == "JSONB") return ColumnType::json;
  if (has(type, "INT")) return ColumnType::integer;
  if (has(type, "CHAR") || has(type, "CLOB") || has(type, "TEXT")) return ColumnType::text;
  if (has(type, "BLOB") || type == "BYTEA" || has(type, "BINARY")) return ColumnType::bytes;
  if (has(type, "REAL") || has(type, "FLOA") || has(type, "DOUB")) return ColumnType::real;
  return ColumnType::any;
}

/// A number as RFC 8259 has it: those that DECIMAL_TEXT holds go out as numbers, others as the text they are.
bool is_json_number(std::string_view text) noexcept {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t start = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at - start;
  };
  if (at < text.size() && text[at] == '-') ++at;
  const std::size_t first = at;
  const std::size_t whole = digits();
  if (whole == 0 || (whole > 1 && text[first] == '0')) return false;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (digits() == 0) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (digits() == 0) return false;
  }
  return at == text.size();
}

void write_text(std::string_view text, ColumnType type, RowWriter& rows) {
  switch (type) {
    case ColumnType::decimal:
      if (is_json_number(text)) return rows.decimal(text);
      break;
    case ColumnType::timestamp:
      if (const auto at = parse_sql_timestamp(text); at.has_value()) return rows.timestamp(to_rfc3339(*at));
      break;
    case ColumnType::json:
      if (json::parse(text).ok()) return rows.json(text);
      break;
    default: break;
  }
  if (!simdjson::validate_utf8(text.data(), text.size())) return rows.bytes(text);
  rows.text(text);
}

}  // namespace

Way way_of(std::string_view keyword) noexcept {
  if (keyword == "SELECT" || keyword == "WITH" || keyword == "VALUES" || keyword == "EXPLAIN") return Way::read;
  if (keyword == "VACUUM" || keyword == "PRAGMA") return Way::alone;
  return Way::write;
}

Result<void> check_pragma(std::string_view sql) {
  // PRAGMA [schema.]name[(argument) | = value]
  static constexpr std::string_view allowed[] = {
      "application_id",    "collation_list",   "compile_options", "data_version",  "database_list", "encoding",
      "foreign_key_check", "foreign_key_list", "freelist_count",  "function_list", "index_info",    "index_list",
      "index_xinfo",       "integrity_check",  "optimize",        "page_count",    "page_size",     "quick_check",
      "schema_version",    "table_info",       "table_list",      "table_xinfo",   "user_version",  "wal_checkpoint"};
  static constexpr std::string_view readable[] = {"foreign_keys", "journal_mode", "synchronous", "busy_timeout", "cache_size"};
  std::string name;
  std::string last;
  bool assigned = false;
  bool word = false;
  for (char c : sql) {
    const char lower = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if ((lower >= 'a' && lower <= 'z') || lower == '_' || (lower >= '0' && lower <= '9')) {
      if (!word) last.clear();
      word = true;
      last.push_back(lower);
      continue;
    }
    word = false;
    if (c == '=' || c == '(') {
      assigned = true;
      break;
    }
    if (c == ';') break;
  }
  name = last;
  if (std::find(std::begin(allowed), std::end(allowed), name) != std::end(allowed)) return {};
  if (!assigned && std::find(std::begin(readable), std::end(readable), name) != std::end(readable)) return {};
  return Error(ErrorKind::unsupported, "PRAGMA " + name + " changes one connection of many; options are in the database's URL");
}

std::vector<Column> columns_of(const engine::Statement& statement) {
  std::vector<Column> columns(static_cast<std::size_t>(statement.columns()));
  for (std::size_t i = 0; i < columns.size(); ++i) {
    columns[i].name = statement.column_name(static_cast<int>(i));
    columns[i].type = type_of(statement.declared_type(static_cast<int>(i)));
  }
  return columns;
}

Result<void> bind(engine::Statement& statement, std::span<const Parameter> parameters) {
  if (statement.parameters() != static_cast<int>(parameters.size())) {
    return Error(ErrorKind::invalid_argument, "the statement has " + std::to_string(statement.parameters()) +
                                                  " placeholders, and there are " + std::to_string(parameters.size()) +
                                                  " parameters")
        .with_detail("parameter_count");
  }
  int index = 0;
  for (const Parameter& parameter : parameters) {
    ++index;
    switch (parameter.kind) {
      case Parameter::Kind::null: statement.bind(index, nullptr); break;
      case Parameter::Kind::boolean:
      case Parameter::Kind::integer: statement.bind(index, parameter.integer); break;
      case Parameter::Kind::real: statement.bind(index, parameter.real); break;
      case Parameter::Kind::bytes: statement.bind(index, engine::Blob{parameter.text}); break;
      case Parameter::Kind::timestamp: {
        statement.bind_copy(index, to_sql_timestamp(parameter.integer));
        break;
      }
      case Parameter::Kind::text:
      case Parameter::Kind::decimal:
      case Parameter::Kind::json: statement.bind(index, std::string_view(parameter.text)); break;
    }
  }
  return {};
}

Result<void> write_row(const engine::Statement& statement, std::span<const Column> columns, RowWriter& rows) {
  rows.begin_row();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const int at = static_cast<int>(i);
    switch (statement.type(at)) {
      case engine::ColumnType::null: rows.null(); break;
      case engine::ColumnType::integer: {
        const std::int64_t value = statement.integer(at);
        if (columns[i].type == ColumnType::boolean && (value == 0 || value == 1)) {
          rows.boolean(value == 1);
        } else {
          rows.integer(value);
        }
        break;
      }
      case engine::ColumnType::real: {
        const double value = statement.real(at);
        if (!std::isfinite(value)) {
          return Error(ErrorKind::invalid_argument, "column " + columns[i].name + " holds an infinity, which JSON cannot write")
              .with_detail("out_of_range");
        }
        rows.real(value);
        break;
      }
      case engine::ColumnType::text: write_text(statement.text(at), columns[i].type, rows); break;
      case engine::ColumnType::blob: rows.bytes(statement.blob(at)); break;
    }
  }
  rows.end_row();
  return {};
}

Result<std::optional<Outcome>> run(engine::Connection& connection, const Statement& statement, RowWriter* rows, RowLimits limits,
                                   bool reader) {
  Result<engine::Statement> prepared = connection.prepare(statement.sql);
  if (!prepared.ok()) return std::move(prepared).error();
  if (reader && !prepared->reads_only()) return std::optional<Outcome>();
  SPIKARD_TRY(bind(*prepared, statement.parameters));
  std::vector<Column> columns;
  if (rows != nullptr) {
    columns = columns_of(*prepared);
    SPIKARD_TRY(check_columns(columns));
    rows->begin(columns);
  }
  Outcome outcome;
  const std::int64_t before = connection.total_changes();
  for (;;) {
    Result<bool> row = prepared->step();
    if (!row.ok()) return std::move(row).error();
    if (!*row) break;
    if (rows == nullptr || columns.empty()) continue;
    if (outcome.rows >= limits.rows || rows->size() >= limits.bytes) {
      if (!limits.partial) {
        return Error(ErrorKind::too_large, "more than " + std::to_string(outcome.rows) + " rows: stream them, or use a cursor");
      }
      outcome.more = true;
      break;
    }
    SPIKARD_TRY(write_row(*prepared, columns, *rows));
    ++outcome.rows;
  }
  // What is not an INSERT, UPDATE or DELETE leaves the last one's number.
  if (connection.total_changes() != before) outcome.affected = static_cast<std::uint64_t>(connection.changes());
  return std::optional<Outcome>(outcome);
}

Result<Outcome> run(engine::Connection& connection, const Batch& batch) {
  Outcome outcome;
  if (batch.sets.empty()) return outcome;
  Result<engine::Statement> prepared = connection.prepare(batch.sql);
  if (!prepared.ok()) return std::move(prepared).error();
  for (const std::vector<Parameter>& set : batch.sets) {
    const std::int64_t before = connection.total_changes();
    prepared->reset();
    SPIKARD_TRY(bind(*prepared, set));
    SPIKARD_TRY(prepared->run());
    if (connection.total_changes() != before) outcome.affected += static_cast<std::uint64_t>(connection.changes());
  }
  return outcome;
}

}  // namespace spikard::db::sqlite
