#include <fmt/format.h>

#include <array>
#include <charconv>

#include "validation/compiler.hpp"
#include "validation/uri.hpp"

namespace spikard::validation::detail {
namespace {

constexpr std::array<std::string_view, 11> one_schema{"items",
                                                      "additionalProperties",
                                                      "contains",
                                                      "not",
                                                      "if",
                                                      "then",
                                                      "else",
                                                      "propertyNames",
                                                      "unevaluatedItems",
                                                      "unevaluatedProperties",
                                                      "contentSchema"};
constexpr std::array<std::string_view, 4> schema_list{"allOf", "anyOf", "oneOf", "prefixItems"};
constexpr std::array<std::string_view, 4> schema_map{"properties", "patternProperties", "$defs", "dependentSchemas"};

std::string escaped(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '~') out += "~0";
    else if (c == '/') out += "~1";
    else out.push_back(c);
  }
  return out;
}

std::string unescaped(std::string_view token) {
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] == '~' && i + 1 < token.size() && (token[i + 1] == '0' || token[i + 1] == '1'))
      out.push_back(token[++i] == '0' ? '~' : '/');
    else out.push_back(token[i]);
  }
  return out;
}

std::string_view without_fragment(std::string_view uri) { return uri.substr(0, uri.find('#')); }

}  // namespace

Value SchemaIndex::document(std::string_view uri) const {
  const auto it = options_->documents.find(std::string(uri));
  return it != options_->documents.end() ? it->second : metaschema(uri);
}

void SchemaIndex::add(Value document, const std::string& uri) {
  const auto id = static_cast<std::uint32_t>(resources_.size());
  resources_.push_back({uri, document, {}, {}, all_vocabularies});
  by_uri_.emplace(uri, id);
  walk(document, id, "");
}

std::uint8_t SchemaIndex::vocabularies(Value schema, std::uint8_t inherited) const {
  const Value dialect = schema.find("$schema");
  if (!dialect.is_string()) return inherited;
  const Value meta = document(without_fragment(dialect.text()));
  const Value listed = meta.is_object() ? meta.find("$vocabulary") : Value();
  if (!listed.is_object()) return all_vocabularies;
  const auto has = [&](std::string_view name) {
    return listed.find(fmt::format("https://json-schema.org/draft/2020-12/vocab/{}", name)).exists();
  };
  std::uint8_t out = 0;
  if (has("applicator")) out |= applicator;
  if (has("validation")) out |= validation;
  if (has("unevaluated")) out |= unevaluated;
  if (has("format-annotation") || has("format-assertion")) out |= format;
  return out;
}

void SchemaIndex::walk(Value schema, std::uint32_t resource, const std::string& pointer) {
  if (!schema.is_object()) {
    places_.emplace(schema.ptr(), Place{resource, pointer});
    return;
  }
  const bool root = schema.ptr() == resources_[resource].root.ptr();
  if (const Value id = schema.find("$id"); id.is_string()) {
    const std::string uri(without_fragment(resolve_uri(resources_[resource].uri, id.text())));
    if (root) {
      resources_[resource].uri = uri;
    } else {
      resources_.push_back({uri, schema, {}, {}, resources_[resource].vocabularies});
      resource = static_cast<std::uint32_t>(resources_.size() - 1);
    }
    by_uri_.emplace(uri, resource);
  }
  if (schema.ptr() == resources_[resource].root.ptr()) {
    resources_[resource].vocabularies = vocabularies(schema, resources_[resource].vocabularies);
  }
  if (const Value anchor = schema.find("$anchor"); anchor.is_string())
    resources_[resource].anchors.emplace(anchor.text(), schema);
  if (const Value anchor = schema.find("$dynamicAnchor"); anchor.is_string()) {
    resources_[resource].anchors.emplace(anchor.text(), schema);
    resources_[resource].dynamic_anchors.emplace(anchor.text(), schema);
  }
  places_.emplace(schema.ptr(), Place{resource, pointer});
  walk_children(schema, resource, pointer);
}

void SchemaIndex::walk_children(Value schema, std::uint32_t resource, const std::string& pointer) {
  for (const std::string_view keyword : one_schema) {
    if (const Value v = schema.find(keyword)) walk(v, resource, fmt::format("{}/{}", pointer, keyword));
  }
  for (const std::string_view keyword : schema_list) {
    const Value list = schema.find(keyword);
    if (!list.is_array()) continue;
    std::size_t i = 0;
    for (const Value v : list.elements()) walk(v, resource, fmt::format("{}/{}/{}", pointer, keyword, i++));
  }
  for (const std::string_view keyword : schema_map) {
    const Value map = schema.find(keyword);
    if (!map.is_object()) continue;
    for (const auto& [name, v] : map.members()) walk(v, resource, fmt::format("{}/{}/{}", pointer, keyword, escaped(name)));
  }
}

bool SchemaIndex::find_resource(const std::string& uri, std::uint32_t& resource) {
  auto it = by_uri_.find(uri);
  if (it == by_uri_.end()) {
    if (const Value known = document(uri)) {
      add(known, uri);
      it = by_uri_.find(uri);
    } else if (!all_added_) {
      // An `$id` inside a preloaded document counts too.
      all_added_ = true;
      for (const auto& [name, value] : options_->documents) {
        if (!by_uri_.contains(name)) add(value, name);
      }
      it = by_uri_.find(uri);
    }
  }
  if (it == by_uri_.end()) return false;
  resource = it->second;
  return true;
}

Result<SchemaIndex::Target> SchemaIndex::resolve(std::string_view reference, const Place& from) {
  const std::string uri = resolve_uri(resources_[from.resource].uri, reference);
  const auto hash = uri.find('#');
  const std::string fragment =
      hash == std::string::npos ? std::string() : percent_decoded(std::string_view(uri).substr(hash + 1));
  const std::string base(without_fragment(uri));
  std::uint32_t resource = from.resource;
  if (base != resources_[resource].uri && !find_resource(base, resource)) {
    return invalid_argument(fmt::format(
        "expected a reference inside the schema or to a preloaded document, got \"{}\" (nothing is fetched)", reference));
  }
  if (fragment.empty() || fragment.front() == '/') return by_pointer(resource, fragment);
  const Resource& r = resources_[resource];
  const auto anchor = r.anchors.find(fragment);
  if (anchor == r.anchors.end()) return invalid_argument(fmt::format("no $anchor \"{}\" in \"{}\"", fragment, r.uri));
  const auto dynamic = r.dynamic_anchors.find(fragment);
  const bool is_dynamic = dynamic != r.dynamic_anchors.end() && dynamic->second.ptr() == anchor->second.ptr();
  return Target{anchor->second, resource, is_dynamic, fragment};
}

Result<SchemaIndex::Target> SchemaIndex::by_pointer(std::uint32_t resource, std::string_view pointer) {
  const std::string whole(pointer);
  Value at = resources_[resource].root;
  Place last{resource, places_.at(at.ptr()).pointer};
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const auto slash = pointer.find('/');
    const std::string token = unescaped(pointer.substr(0, slash));
    pointer = slash == std::string_view::npos ? std::string_view() : pointer.substr(slash);
    Value next;
    if (at.is_object()) {
      next = at.find(token);
    } else if (at.is_array()) {
      std::uint32_t index = 0;
      const auto [end, ec] = std::from_chars(token.data(), token.data() + token.size(), index);
      if (ec == std::errc() && end == token.data() + token.size()) next = at.at(index);
    }
    if (!next) return invalid_argument(fmt::format("nothing at \"{}\" in \"{}\"", whole, resources_[resource].uri));
    at = next;
    if (const auto it = places_.find(at.ptr()); it != places_.end()) last = it->second;
    else last.pointer += "/" + escaped(token);
  }
  // Below a keyword that is not known to hold schemas: it does now.
  if (!places_.contains(at.ptr())) walk(at, last.resource, last.pointer);
  return Target{at, places_.at(at.ptr()).resource, false, {}};
}

}  // namespace spikard::validation::detail
