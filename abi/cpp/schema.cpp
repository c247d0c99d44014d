#include "spikard/schema.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace spikard::detail {

void SchemaWriter::apply(std::span<const Constraint> constraints) {
  for (const Constraint& c : constraints) {
    if (c.keyword.empty()) continue;
    writer_.key(c.keyword);
    switch (c.kind) {
      case Constraint::Kind::integer: writer_.integer(c.integer); break;
      case Constraint::Kind::number: writer_.number(c.number); break;
      case Constraint::Kind::text: writer_.string(c.text); break;
      case Constraint::Kind::flag: writer_.boolean(c.integer != 0); break;
    }
  }
}

void SchemaWriter::type(std::string_view name, bool nullable) {
  writer_.key("type");
  if (!nullable) {
    writer_.string(name);
    return;
  }
  writer_.begin_array();
  writer_.string(name);
  writer_.string("null");
  writer_.end_array();
}

void SchemaWriter::range(std::span<const Constraint> constraints, std::int64_t low, std::uint64_t high) {
  const auto stated = [&](std::string_view inclusive, std::string_view exclusive) {
    return std::any_of(constraints.begin(), constraints.end(),
                       [&](const Constraint& c) { return c.keyword == inclusive || c.keyword == exclusive; });
  };
  if (!stated("minimum", "exclusiveMinimum")) {
    writer_.key("minimum");
    writer_.integer(low);
  }
  if (!stated("maximum", "exclusiveMaximum")) {
    writer_.key("maximum");
    writer_.uinteger(high);
  }
}

bool SchemaWriter::reference(const void* id, Write write, bool nullable) {
  if (std::find(open_.begin(), open_.end(), id) == open_.end()) return false;
  std::string target = "#";
  if (id != root_) {
    auto at = std::find_if(definitions_.begin(), definitions_.end(), [&](const Definition& d) { return d.type == id; });
    if (at == definitions_.end()) at = definitions_.insert(definitions_.end(), {id, write});
    target = "#/$defs/T" + std::to_string(at - definitions_.begin());
  }
  if (nullable) {
    writer_.key("anyOf");
    writer_.begin_array();
    writer_.begin_object();
  }
  writer_.key("$ref");
  writer_.string(target);
  if (nullable) {
    writer_.end_object();
    writer_.begin_object();
    writer_.key("type");
    writer_.string("null");
    writer_.end_object();
    writer_.end_array();
  }
  return true;
}

void SchemaWriter::names(std::string_view keyword, const std::vector<std::string_view>& list) {
  writer_.key(keyword);
  writer_.begin_array();
  for (const std::string_view name : list) writer_.string(name);
  writer_.end_array();
}

Document SchemaWriter::finish() {
  if (!definitions_.empty()) {
    // Definitions go into the root object, whose brace is the last character written. Writing one may add another.
    text_.pop_back();
    writer_.key("$defs");
    writer_.begin_object();
    for (std::size_t i = 0; i < definitions_.size(); ++i) {
      writer_.key("T" + std::to_string(i));
      writer_.begin_object();
      definitions_[i].write(*this);
      writer_.end_object();
    }
    writer_.end_object();
    writer_.end_object();
  }
  auto document = json::parse(text_, {.max_depth = 1024});
  SPIKARD_ASSERT(document.ok(), "the schema writer writes JSON");
  return std::move(document).value();
}

}  // namespace spikard::detail
