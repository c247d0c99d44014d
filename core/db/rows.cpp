#include "db/rows.hpp"

#include <algorithm>

#include "base/json.hpp"

namespace spikard::db {

std::string_view name_of(ColumnType type) noexcept {
  switch (type) {
    case ColumnType::any: return "any";
    case ColumnType::integer: return "integer";
    case ColumnType::real: return "float";
    case ColumnType::decimal: return "decimal";
    case ColumnType::text: return "text";
    case ColumnType::bytes: return "bytes";
    case ColumnType::boolean: return "boolean";
    case ColumnType::timestamp: return "timestamp";
    case ColumnType::date: return "date";
    case ColumnType::time: return "time";
    case ColumnType::uuid: return "uuid";
    case ColumnType::json: return "json";
  }
  return "any";
}

Result<void> check_columns(std::span<const Column> columns) {
  std::vector<std::string_view> names;
  names.reserve(columns.size());
  for (const Column& column : columns) names.push_back(column.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice == names.end()) return {};
  return Error(ErrorKind::invalid_argument, "two columns of the name " + std::string(*twice) + ": give one an alias")
      .with_detail("duplicate_column")
      .with("column", std::string(*twice));
}

void NodeRows::begin(std::span<const Column> columns) {
  columns_.assign(columns.begin(), columns.end());
  nodes_.clear();
  any_ = false;
  if (form_ != Form::array) {
    nodes_.begin_object();
    nodes_.key(form_ == Form::rows ? "rows" : "row");
  }
  if (form_ != Form::row) nodes_.begin_array();
}

void NodeRows::begin_row() {
  any_ = true;
  nodes_.begin_object();
  at_ = 0;
}

void NodeRows::json(std::string_view document) {
  key();
  Result<Document> parsed = json::parse(document);
  if (parsed.ok()) {
    nodes_.copy(parsed->root());
  } else {
    nodes_.string(document);
  }
}

Document NodeRows::result() {
  if (form_ == Form::row) {
    if (!any_) nodes_.null();
  } else {
    nodes_.end();
    nodes_.key("columns");
    nodes_.begin_array();
    for (const Column& column : columns_) nodes_.string(column.name);
    nodes_.end();
  }
  nodes_.key("types");
  nodes_.begin_array();
  for (const Column& column : columns_) nodes_.string(name_of(column.type));
  nodes_.end();
  nodes_.end();
  return Document(std::move(nodes_));
}

Document NodeRows::take() {
  nodes_.end();
  Document rows(std::move(nodes_));
  nodes_ = NodeBuilder();
  nodes_.begin_array();
  return rows;
}

}  // namespace spikard::db
