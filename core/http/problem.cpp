#include "http/problem.hpp"

#include "base/json.hpp"
#include "http/h1/response_writer.hpp"

namespace spikard::http {

namespace problems {

const ProblemKind* find(std::string_view slug) noexcept {
  static constexpr const ProblemKind* all[] = {
      &bad_request,
      &unauthorized,
      &forbidden,
      &not_found,
      &method_not_allowed,
      &request_timeout,
      &payload_too_large,
      &uri_too_long,
      &unsupported_media_type,
      &unsupported_charset,
      &expectation_failed,
      &validation_error,
      &too_many_requests,
      &header_fields_too_large,
      &internal_server_error,
      &dependency_error,
      &not_implemented,
      &service_unavailable,
      &version_not_supported,
  };
  for (const ProblemKind* kind : all) {
    if (kind->slug == slug) return kind;
  }
  return nullptr;
}

}  // namespace problems

void append_problem(std::string& out, std::string_view base, const ProblemKind& kind, std::string_view detail,
                    std::uint16_t status, std::string_view instance, std::string_view errors_json) {
  json::Writer json(out);
  json.begin_object();
  json.key("type");
  std::string type(base);
  type += kind.slug;
  json.string(type);
  json.key("title");
  json.string(kind.title);
  json.key("status");
  json.integer(status == 0 ? kind.status : status);
  if (!detail.empty()) {
    json.key("detail");
    json.string(detail);
  }
  if (!instance.empty()) {
    json.key("instance");
    json.string(instance);
  }
  if (!errors_json.empty()) {
    json.key("errors");
    json.raw(errors_json);
  }
  json.end_object();
}

void append_validation_problem(std::string& out, std::string_view base, validation::Issues& issues) {
  issues.sort();
  std::string errors;
  json::Writer writer(errors);
  issues.write(writer);
  const std::string detail =
      std::to_string(issues.size()) + (issues.size() == 1 ? " validation error in request" : " validation errors in request");
  append_problem(out, base, problems::validation_error, detail, 0, {}, errors);
}

Result<std::uint16_t> append_custom_problem(std::string& out, Value members) {
  if (!members.is_object()) return invalid_argument("a problem must be an object");
  constexpr std::string_view standard[] = {"type", "title", "status", "detail", "instance"};
  const auto member = [&](std::string_view name) {
    const Value v = members.find(name);
    return v.is_null() ? Value() : v;
  };
  for (const std::string_view name : {"type", "title", "detail", "instance"}) {
    const Value v = member(name);
    if (v.exists() && !v.is_string())
      return invalid_argument("the member '" + std::string(name) + "' of a problem must be a string");
  }
  std::uint16_t status = 500;
  if (const Value v = member("status"); v.exists()) {
    if (!v.is(NodeType::integer)) return invalid_argument("the member 'status' of a problem must be an integer");
    if (v.as_int() >= 200 && v.as_int() <= 599) status = static_cast<std::uint16_t>(v.as_int());
  }
  json::Writer json(out);
  json.begin_object();
  json.key("type");
  json.string(member("type").exists() ? member("type").text() : "about:blank");
  json.key("title");
  json.string(member("title").exists() ? member("title").text() : h1::reason_of(status));
  json.key("status");
  json.integer(status);
  for (const std::string_view name : {"detail", "instance"}) {
    if (const Value v = member(name); v.exists()) {
      json.key(name);
      json.string(v.text());
    }
  }
  for (const auto& [key, value] : members.members()) {
    bool is_standard = false;
    for (const std::string_view name : standard) is_standard |= key == name;
    if (is_standard) continue;
    json.key(key);
    json.write(value);
  }
  json.end_object();
  return status;
}

}  // namespace spikard::http
