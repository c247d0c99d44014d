#include "http/openapi.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

namespace spikard::http {
namespace {

constexpr std::string_view local_definition = "#/$defs/";
constexpr std::string_view shared_definition = "#/components/schemas/";

/// The shared schemas of a document, by name, and how one body's own names map to them.
class Schemas {
 public:
  /// Takes over the `$defs` of `schema`; returns the names they got.
  std::map<std::string, std::string, std::less<>> share(Value schema) {
    std::map<std::string, std::string, std::less<>> names;
    const Value definitions = schema.is_object() ? schema.find("$defs") : Value();
    if (!definitions.is_object()) return names;
    for (const auto& [name, definition] : definitions.members()) names.emplace(name, free_name(name, definition));
    for (const auto& [name, definition] : definitions.members()) {
      const std::string& shared = names.find(name)->second;
      if (given_.contains(shared)) continue;
      given_.emplace(shared, Document(definition));
      NodeBuilder out;
      write(definition, names, out);
      written_.emplace(shared, Document(std::move(out)));
    }
    return names;
  }

  /// `schema` without its `$defs`, its references pointing to the shared ones.
  static void write(Value schema, const std::map<std::string, std::string, std::less<>>& names, NodeBuilder& out) {
    if (schema.is_array()) {
      out.begin_array();
      for (const Value element : schema.elements()) write(element, names, out);
      return out.end();
    }
    if (!schema.is_object()) return out.copy(schema);
    out.begin_object();
    for (const auto& [key, value] : schema.members()) {
      if (key == "$defs") continue;
      out.key(key);
      if (key == "$ref" && value.is_string() && value.text().starts_with(local_definition)) {
        const auto shared = names.find(value.text().substr(local_definition.size()));
        out.string(shared == names.end() ? std::string(value.text()) : std::string(shared_definition) + shared->second);
      } else {
        write(value, names, out);
      }
    }
    out.end();
  }

  [[nodiscard]] const std::map<std::string, Document>& written() const noexcept { return written_; }

 private:
  std::string free_name(std::string_view wanted, Value definition) const {
    std::string base;
    for (const char c : wanted) {
      const bool plain =
          (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
      base.push_back(plain ? c : '_');
    }
    std::string name = base;
    for (int i = 2;; ++i) {
      const auto there = given_.find(name);
      if (there == given_.end() || equal(there->second.root(), definition)) return name;
      name = base + "_" + std::to_string(i);
    }
  }

  std::map<std::string, Document> given_;
  std::map<std::string, Document> written_;
};

/// `/users/{id:int}` as `/users/{id}`, and the names with their types.
std::pair<std::string, std::vector<std::pair<std::string, std::string>>> template_of(const std::string& path) {
  std::string out;
  std::vector<std::pair<std::string, std::string>> names;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t open = path.find('{', at);
    const std::size_t close = open == std::string::npos ? open : path.find('}', open);
    if (close == std::string::npos) {
      out += path.substr(at);
      break;
    }
    const std::string inside = path.substr(open + 1, close - open - 1);
    const std::size_t colon = inside.find(':');
    names.emplace_back(inside.substr(0, colon), colon == std::string::npos ? "str" : inside.substr(colon + 1));
    out += path.substr(at, open - at) + "{" + names.back().first + "}";
    at = close + 1;
  }
  return {std::move(out), std::move(names)};
}

void write_path_type(std::string_view type, NodeBuilder& out) {
  out.begin_object();
  out.key("type");
  out.string(type == "int" ? "integer" : type == "float" ? "number" : type == "bool" ? "boolean" : "string");
  if (type == "uuid" || type == "date" || type == "datetime") {
    out.key("format");
    out.string(type == "datetime" ? "date-time" : type);
  }
  out.end();
}

void write_parameters(const services::Route& route, const std::vector<std::pair<std::string, std::string>>& in_path,
                      Schemas& schemas, NodeBuilder& out) {
  out.key("parameters");
  out.begin_array();
  const auto begin = [&](std::string_view name, std::string_view in, bool required) {
    out.begin_object();
    out.key("name"), out.string(name);
    out.key("in"), out.string(in);
    if (required) out.key("required"), out.boolean(true);
  };
  for (const auto& [name, type] : in_path) {
    const bool declared =
        std::any_of(route.parameters.begin(), route.parameters.end(),
                    [&, n = name](const services::Parameter& p) { return p.in == services::ParameterIn::path && p.name == n; });
    if (declared) continue;
    begin(name, "path", true);
    out.key("schema");
    write_path_type(type, out);
    out.end();
  }
  for (const services::Parameter& parameter : route.parameters) {
    begin(parameter.name, services::name_of(parameter.in), parameter.required || parameter.in == services::ParameterIn::path);
    // deepObject and the delimited styles exist in OpenAPI under the same names, but for `;`.
    if (parameter.style && *parameter.style != services::ParameterStyle::semicolon_delimited)
      out.key("style"), out.string(services::name_of(*parameter.style));
    if (parameter.explode) out.key("explode"), out.boolean(*parameter.explode);
    out.key("schema");
    const Value schema = parameter.schema.root();
    if (schema.exists() && !schema.is_null()) {
      const auto names = schemas.share(schema);
      Schemas::write(schema, names, out);
    } else {
      write_path_type("str", out);
    }
    out.end();
  }
  out.end();
}

void write_body(const services::Body& body, Schemas& schemas, NodeBuilder& out) {
  out.key("requestBody");
  out.begin_object();
  if (body.required) out.key("required"), out.boolean(true);
  out.key("content");
  out.begin_object();
  const Value schema = body.schema.root();
  const bool has_schema = schema.exists() && !schema.is_null();
  const auto names = has_schema ? schemas.share(schema) : std::map<std::string, std::string, std::less<>>{};
  for (const std::string& type : body.content_types) {
    out.key(type);
    out.begin_object();
    if (has_schema) {
      out.key("schema");
      Schemas::write(schema, names, out);
    }
    out.end();
  }
  out.end();
  out.end();
}

void write_problem_answer(std::string_view status, std::string_view description, NodeBuilder& out) {
  out.key(status);
  out.begin_object();
  out.key("description"), out.string(description);
  out.key("content");
  out.begin_object();
  out.key("application/problem+json");
  out.begin_object();
  out.key("schema");
  out.begin_object();
  out.key("$ref"), out.string(std::string(shared_definition) + "Problem");
  out.end();
  out.end();
  out.end();
  out.end();
}

void write_operation(const services::Route& route, const std::vector<std::pair<std::string, std::string>>& in_path,
                     Schemas& schemas, NodeBuilder& out) {
  out.begin_object();
  if (!route.name.empty()) out.key("operationId"), out.string(route.name);
  if (!route.parameters.empty() || !in_path.empty()) write_parameters(route, in_path, schemas, out);
  if (route.body) write_body(*route.body, schemas, out);
  out.key("responses");
  out.begin_object();
  out.key("200");
  out.begin_object();
  out.key("description"), out.string("Successful response");
  out.end();
  if (!route.parameters.empty() || route.body || !in_path.empty()) write_problem_answer("422", "Validation failed", out);
  write_problem_answer("default", "Any other failure", out);
  out.end();
  out.end();
}

/// RFC 9457, and the list of errors that validation adds.
void write_problem_schema(NodeBuilder& out) {
  const auto typed = [&](std::string_view key, std::string_view type) {
    out.key(key);
    out.begin_object();
    out.key("type"), out.string(type);
    out.end();
  };
  out.begin_object();
  out.key("type"), out.string("object");
  out.key("properties");
  out.begin_object();
  for (const std::string_view key : {"type", "title", "detail", "instance"}) typed(key, "string");
  typed("status", "integer");
  out.key("errors");
  out.begin_object();
  out.key("type"), out.string("array");
  out.key("items");
  out.begin_object();
  out.key("type"), out.string("object");
  out.key("required");
  out.begin_array();
  for (const std::string_view key : {"type", "loc", "msg"}) out.string(key);
  out.end();
  out.key("properties");
  out.begin_object();
  typed("type", "string");
  out.key("loc");
  out.begin_object();
  out.key("type"), out.string("array");
  out.key("items");
  out.begin_object();
  out.key("type"), out.string("string");
  out.end();
  out.end();
  typed("msg", "string");
  typed("ctx", "object");
  out.end();
  out.end();
  out.end();
  out.end();
  out.key("required");
  out.begin_array();
  for (const std::string_view key : {"type", "title", "status"}) out.string(key);
  out.end();
  out.end();
}

}  // namespace

Document openapi(const services::HttpConfig& http, const OpenApiInfo& info) {
  // A path's operations go together, in the order in which its first route was declared.
  std::vector<std::pair<std::string, std::vector<const services::Route*>>> paths;
  for (const services::Route& route : http.routes) {
    std::string path = template_of(route.path).first;
    const auto there = std::find_if(paths.begin(), paths.end(), [&](const auto& p) { return p.first == path; });
    if (there == paths.end()) paths.emplace_back(std::move(path), std::vector{&route});
    else there->second.push_back(&route);
  }
  Schemas schemas;
  NodeBuilder out;
  out.begin_object();
  out.key("openapi"), out.string("3.1.0");
  out.key("info");
  out.begin_object();
  out.key("title"), out.string(info.title);
  out.key("version"), out.string(info.version);
  out.end();
  out.key("paths");
  out.begin_object();
  for (const auto& [path, routes] : paths) {
    out.key(path);
    out.begin_object();
    for (const services::Route* route : routes) {
      std::string method(services::name_of(route->method));
      std::transform(method.begin(), method.end(), method.begin(),
                     [](char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
      out.key(method);
      write_operation(*route, template_of(route->path).second, schemas, out);
    }
    out.end();
  }
  out.end();
  out.key("components");
  out.begin_object();
  out.key("schemas");
  out.begin_object();
  for (const auto& [name, schema] : schemas.written()) {
    out.key(name);
    out.copy(schema.root());
  }
  if (!schemas.written().contains("Problem")) {
    out.key("Problem");
    write_problem_schema(out);
  }
  out.end();
  out.end();
  out.end();
  return Document(std::move(out));
}

}  // namespace spikard::http
