#include "services/config_layers.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <memory>
#include <sstream>
#include <utility>
#include <vector>

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include "base/json.hpp"
#include "services/codec.hpp"
#include "services/config_table.gen.hpp"

namespace spikard::services {
namespace {

// ---- spikard.toml

template <class T>
std::string as_text(const T& value) {
  std::ostringstream out;
  out << value;
  return std::move(out).str();
}

void put(const toml::node& node, NodeBuilder& out) {
  if (const auto* table = node.as_table()) {
    out.begin_object();
    for (const auto& [key, value] : *table) {
      out.key(key.str());
      put(value, out);
    }
    out.end();
  } else if (const auto* array = node.as_array()) {
    out.begin_array();
    for (const auto& value : *array) put(value, out);
    out.end();
  } else if (const auto* text = node.as_string()) {
    out.string(text->get());
  } else if (const auto* integer = node.as_integer()) {
    out.integer(integer->get());
  } else if (const auto* boolean = node.as_boolean()) {
    out.boolean(boolean->get());
  } else if (const auto* number = node.as_floating_point()) {
    if (std::isfinite(number->get())) out.number(number->get());
    else out.string(as_text(number->get()));  // refused where a number is wanted
  } else if (const auto* date = node.as_date()) {
    out.string(as_text(date->get()));
  } else if (const auto* time = node.as_time()) {
    out.string(as_text(time->get()));
  } else if (const auto* date_time = node.as_date_time()) {
    out.string(as_text(date_time->get()));
  } else {
    out.null();
  }
}

Result<Document> read_toml(std::string_view text, const std::string& name) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    const auto& error = parsed.error();
    return invalid_argument(name + ':' + std::to_string(error.source().begin.line) + ':' + std::to_string(error.source().begin.column) + ": " +
                            std::string(error.description()));
  }
  NodeBuilder out;
  put(parsed.table(), out);
  return Document(std::move(out));
}

void merge(Value below, Value above, NodeBuilder& out) {
  if (!below.is_object() || !above.is_object()) return out.copy(above);
  out.begin_object();
  for (const auto member : below.members()) {
    out.key(member.key);
    if (const Value over = above.find(member.key)) merge(member.value, over, out);
    else out.copy(member.value);
  }
  for (const auto member : above.members()) {
    if (below.find(member.key)) continue;
    out.key(member.key);
    out.copy(member.value);
  }
  out.end();
}

Document merged(Value below, Value above) {
  if (!below.exists()) return Document(above);
  NodeBuilder out;
  merge(below, above, out);
  return Document(std::move(out));
}

// ---- environment

/// What the variables say, as a tree of paths. A node has a value or children; both is a conflict.
struct Overlay {
  std::map<std::string, Overlay, std::less<>> children;
  std::optional<Document> value;
  std::string variable;  // the first that named this place
};

constexpr std::size_t max_list_index = 1024;

std::optional<std::size_t> list_index(std::string_view text) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (error != std::errc() || end != text.data() + text.size() || index > max_list_index) return std::nullopt;
  return index;
}

Error refused(std::string_view variable, const std::string& expected) { return invalid_argument(std::string(variable) + ": " + expected); }

Result<Document> read_text(std::string_view variable, std::string_view text, ConfigType type, ConfigType item, bool nullable) {
  NodeBuilder out;
  const auto json = [&](const char* expected, auto fits) -> Result<Document> {
    auto document = json::parse(text);
    if (!document.ok() || !fits(document->root())) return refused(variable, std::string("expected ") + expected + " as JSON; got \"" + std::string(text.substr(0, 60)) + '"');
    return document;
  };
  if (nullable && text == "null") {
    out.null();
    return Document(std::move(out));
  }
  switch (type) {
    case ConfigType::string: out.string(text); break;
    case ConfigType::boolean:
      if (text != "true" && text != "false" && text != "1" && text != "0") {
        return refused(variable, "expected true or false; got \"" + std::string(text.substr(0, 60)) + '"');
      }
      out.boolean(text == "true" || text == "1");
      break;
    case ConfigType::integer: {
      std::uint64_t magnitude = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), magnitude);
      if (error != std::errc() || text.empty() || end != text.data() + text.size()) {
        return refused(variable, "expected an integer; got \"" + std::string(text.substr(0, 60)) + '"');
      }
      out.uinteger(magnitude);
      break;
    }
    case ConfigType::list:
      if (text.starts_with('[') || item == ConfigType::object || item == ConfigType::json) {
        return json("an array", [](Value v) { return v.is_array(); });
      }
      out.begin_array();
      while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        auto element = read_text(variable, text.substr(0, comma), item, ConfigType::json, false);
        if (!element.ok()) return std::move(element).error();
        out.copy(element->root());
        text.remove_prefix(std::min(comma + 1, text.size()));
      }
      out.end();
      break;
    case ConfigType::map:
    case ConfigType::object: return json("an object", [](Value v) { return v.is_object(); });
    case ConfigType::json: return json("a value", [](Value) { return true; });
  }
  return Document(std::move(out));
}

const ConfigField* find_field(const ConfigStruct& in, std::string_view name) {
  for (const auto& field : in.fields) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

std::vector<std::string_view> names_of(const ConfigStruct& in) {
  std::vector<std::string_view> names;
  for (const auto& field : in.fields) names.push_back(field.name);
  return names;
}

/// Puts one variable where it belongs. `path` is what follows SPIKARD_, in lower case.
Result<void> place(Overlay& root, std::string_view variable, std::string_view path, std::string_view text) {
  Overlay* at = &root;
  const ConfigStruct* in = &manifest_config;
  ConfigType type = ConfigType::object, item = ConfigType::json;
  bool nullable = false;
  while (true) {
    const std::size_t cut = std::min(path.find("__"), path.size());
    const std::string_view segment = path.substr(0, cut);
    if (type == ConfigType::object && in != nullptr) {
      const ConfigField* field = find_field(*in, segment);
      if (field == nullptr) {
        const auto names = names_of(*in);
        const auto meant = detail::did_you_mean(segment, names);
        return refused(variable, "there is no \"" + std::string(segment) + "\" in " + std::string(in->name) +
                                     (meant.empty() ? std::string() : "; did you mean \"" + std::string(meant) + "\"?"));
      }
      type = field->type;
      item = field->item;
      nullable = field->nullable;
      in = field->object;
    } else if (type == ConfigType::list) {
      if (!list_index(segment)) return refused(variable, "expected a place in a list (0, 1, ...); got \"" + std::string(segment) + '"');
      type = item;
      item = ConfigType::json;
      nullable = false;
    } else if (type == ConfigType::map) {
      type = item;
      item = ConfigType::json;
      nullable = false;
    } else {
      return refused(variable, "nothing lies below this place; \"" + std::string(segment) + "\" is one level too deep");
    }
    at = &at->children[std::string(segment)];
    if (at->variable.empty()) at->variable = variable;
    if (cut == path.size()) break;
    path.remove_prefix(cut + 2);
  }
  auto value = read_text(variable, text, type, item, nullable);
  if (!value.ok()) return std::move(value).error();
  at->value = std::move(value).value();
  return {};
}

void apply(Value below, const Overlay& over, NodeBuilder& out, bool list);

void apply_children(Value below, const Overlay& over, NodeBuilder& out) {
  const bool list = !over.children.empty() && list_index(over.children.begin()->first).has_value();
  apply(below, over, out, list);
}

void apply(Value below, const Overlay& over, NodeBuilder& out, bool list) {
  // A value is what lies below its own children: SPIKARD_HTTP={...} and SPIKARD_HTTP__LIMITS__... go together.
  if (over.value) below = over.value->root();
  if (over.children.empty()) return out.copy(below);
  if (list) {
    std::size_t size = below.exists() && below.is_array() ? below.size() : 0;
    for (const auto& [name, child] : over.children) size = std::max(size, list_index(name).value_or(0) + 1);
    out.begin_array();
    for (std::size_t i = 0; i < size; ++i) {
      const Value element = below.exists() && below.is_array() && i < below.size() ? below.at(static_cast<std::uint32_t>(i)) : Value();
      const auto child = over.children.find(std::to_string(i));
      if (child != over.children.end()) {
        apply_children(element, child->second, out);
      } else if (element.exists()) {
        out.copy(element);
      } else {
        out.begin_object();  // a place that was jumped over gets the defaults
        out.end();
      }
    }
    return out.end();
  }
  out.begin_object();
  if (below.exists() && below.is_object()) {
    for (const auto member : below.members()) {
      if (over.children.contains(member.key)) continue;
      out.key(member.key);
      out.copy(member.value);
    }
  }
  for (const auto& [name, child] : over.children) {
    out.key(name);
    apply_children(below.exists() && below.is_object() ? below.find(name) : Value(), child, out);
  }
  out.end();
}

/// PORT as the path it stands for, or empty when there is nothing to set.
Result<std::string> port_path(Value manifest, std::string_view text) {
  std::uint32_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port > 65535) {
    return invalid_argument("PORT: expected an integer from 0 to 65535; got \"" + std::string(text.substr(0, 60)) + '"');
  }
  const Value http = manifest.exists() && manifest.is_object() ? manifest.find("http") : Value();
  if (!http.is_object()) return std::string();
  const Value listeners = http.find("listeners");
  std::size_t index = 0;
  if (listeners.is_array()) {
    for (const Value listener : listeners.elements()) {
      const Value address = listener.is_object() ? listener.find("address") : Value();
      if (!address.is_string() || !address.text().starts_with("unix:")) break;
      ++index;
    }
  }
  return "http__listeners__" + std::to_string(index) + "__port";
}

}  // namespace

Result<Document> layered_manifest(Value manifest, const ConfigSources& sources) {
  Document result = manifest.exists() ? Document(manifest) : Document();
  if (sources.toml) {
    auto file = read_toml(*sources.toml, sources.toml_name);
    if (!file.ok()) return std::move(file).error();
    result = merged(result.root(), file->root());
  }
  Overlay overlay;
  if (const auto port = sources.environment.find("PORT"); port != sources.environment.end() && !port->second.empty()) {
    auto path = port_path(result.root(), port->second);
    if (!path.ok()) return std::move(path).error();
    if (!path->empty()) SPIKARD_TRY(place(overlay, "PORT", *path, port->second));
  }
  constexpr std::string_view prefix = "SPIKARD_";
  const auto top = names_of(manifest_config);
  for (auto it = sources.environment.lower_bound(prefix); it != sources.environment.end() && it->first.starts_with(prefix); ++it) {
    std::string path = it->first.substr(prefix.size());
    for (char& c : path) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    const bool nested = path.find("__") != std::string::npos;
    if (!nested && std::find(top.begin(), top.end(), path) == top.end() && detail::did_you_mean(path, top).empty()) continue;
    SPIKARD_TRY(place(overlay, it->first, path, it->second));
  }
  if (!overlay.children.empty()) {
    NodeBuilder out;
    apply(result.root(), overlay, out, false);
    result = Document(std::move(out));
  }
  if (result.empty()) {
    NodeBuilder out;
    out.begin_object();
    out.end();
    result = Document(std::move(out));
  }
  return result;
}

}  // namespace spikard::services
