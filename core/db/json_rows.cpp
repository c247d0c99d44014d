#include "db/json_rows.hpp"

#include "base/base64.hpp"
#include "base/json.hpp"

namespace spikard::db {

void JsonRows::begin(std::span<const Column> columns) {
  keys_.clear();
  for (const Column& column : columns) {
    std::string& key = keys_.emplace_back(keys_.empty() ? "{" : ",");
    json::append_quoted(key, column.name);
    key.push_back(':');
  }
  out_.clear();
  any_ = false;
  if (format_ == JsonFormat::array) out_.put('[');
}

void JsonRows::begin_row() {
  at_ = 0;
  if (format_ == JsonFormat::array && any_) out_.put(',');
  any_ = true;
  if (keys_.empty()) out_.put('{');
}

void JsonRows::end_row() {
  out_.put('}');
  if (format_ == JsonFormat::ndjson) out_.put('\n');
}

void JsonRows::bytes(std::string_view v) {
  key();
  out_.put('"');
  out_.raw(base64::encode(v));
  out_.put('"');
}

void JsonRows::json(std::string_view document) {
  key();
  if (format_ == JsonFormat::ndjson && document.find_first_of("\n\r") != std::string_view::npos) {
    // One row a line: written without its line breaks.
    if (const Result<Document> parsed = json::parse(document); parsed.ok()) return out_.raw(json::to_string(parsed->root()));
  }
  out_.raw(document);
}

void JsonRows::finish() {
  if (format_ == JsonFormat::array) out_.put(']');
}

}  // namespace spikard::db
