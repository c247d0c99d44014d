// From a case's `app` to an application: what is data goes into the manifest as it stands.
#include "case.hpp"

#include <algorithm>

#include "base/base64.hpp"
#include "base/json.hpp"
#include "toolbox/toolbox.hpp"

namespace spikard::e2e {
namespace {

template <class T>
T checked(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.error().message());
  return std::move(result).value();
}

/// A copy of `object` without some of its members, for the manifest's own reader.
Document without(Value object, std::initializer_list<std::string_view> left_out) {
  NodeBuilder out;
  out.begin_object();
  for (const auto& [key, value] : object.members()) {
    if (std::find(left_out.begin(), left_out.end(), key) != left_out.end()) continue;
    out.key(key);
    out.copy(value);
  }
  out.end();
  return Document(std::move(out));
}

void configure(App& app, Value config) {
  only(config, {"request_id", "timeout", "limits", "telemetry", "auth", "cors", "compression", "static_files", "rate_limit"},
       "config");
  if (const Value v = config.find("telemetry"))
    app.manifest().telemetry = checked(services::telemetry_config_from_json(v, "config.telemetry"));
  services::HttpConfig& http = app.http();
  if (const Value v = config.find("request_id"))
    http.request_id = checked(services::request_id_from_json(v, "config.request_id"));
  if (const Value v = config.find("timeout")) http.timeout = checked(services::timeout_from_json(v, "config.timeout"));
  if (const Value v = config.find("auth")) http.auth = checked(services::auth_from_json(v, "config.auth"));
  if (const Value v = config.find("limits")) http.limits = checked(services::limits_from_json(v, "config.limits"));
  if (const Value v = config.find("cors")) http.cors = checked(services::cors_from_json(v, "config.cors"));
  if (const Value v = config.find("compression"))
    http.compression = checked(services::compression_from_json(v, "config.compression"));
  if (const Value v = config.find("rate_limit"))
    http.rate_limit = checked(services::rate_limit_from_json(v, "config.rate_limit"));
  if (const Value v = config.find("static_files")) {
    for (const Value one : v.elements())
      http.static_files.push_back(checked(services::static_files_from_json(one, "config.static_files")));
  }
}

services::Route route_of(Value spec, const std::string& path) {
  return checked(services::route_from_json(without(spec, {"handler", "dependencies"}).root(), path));
}

}  // namespace

std::unique_ptr<App> make_app(const std::shared_ptr<Case>& play) {
  const Value spec = play->app.root();
  only(spec, {"config", "hooks", "dependencies", "routes", "cloudevents", "consumers", "env"}, "app");
  auto app = std::make_unique<App>();
  app->manifest().name = "case";
  app->manifest().handle_signals = false;
  app->manifest().log.level = services::LogLevel::warn;
  app->manifest().shutdown.timeout_ms = 2000;
  app->http().health.enabled = false;  // a case has the routes it names, and no others
  app->listen(0);
  if (const Value config = spec.find("config")) configure(*app, config);
  if (const Value dependencies = spec.find("dependencies")) {
    for (const Value one : dependencies.elements()) app->http().dependencies.push_back(add_dependency(*app, play, one));
  }
  if (const Value hooks = spec.find("hooks")) {
    only(hooks, {"on_request", "pre_validation", "pre_handler", "on_response", "on_error"}, "hooks");
    static constexpr std::string_view phases[] = {"on_request", "pre_validation", "pre_handler", "on_response", "on_error"};
    for (std::size_t i = 0; i < std::size(phases); ++i) {
      const Value list = hooks.find(phases[i]);
      if (!list) continue;
      for (const Value hook : list.elements()) add_hook(*app, static_cast<http::HookPhase>(i), hook);
    }
  }
  if (const Value routes = spec.find("routes")) {
    std::size_t index = 0;
    for (const Value one : routes.elements()) {
      services::Route route = route_of(one, "routes[" + std::to_string(index++) + "]");
      if (const Value own = one.find("dependencies")) {
        for (const Value dependency : own.elements()) route.dependencies.push_back(add_dependency(*app, play, dependency));
      }
      add_route(*app, play, std::move(route), one.find("handler"));
    }
  }
  if (const Value consumers = spec.find("consumers")) {
    for (const Value one : consumers.elements()) {
      only(one, {"topic", "group", "handler"}, "consumer");
      auto script = std::make_shared<Script>(one.find("handler"));
      services::Consumer consumer;
      consumer.group = std::string(one.find("group").text());
      app->consumer(std::string(one.find("topic").text()), std::move(consumer),
                    [script](Message& message) -> Task<worker_loop::Outcome> {
                      Task<Result<worker_loop::Outcome>> acting = act(message.loop(), script->next(message.payload()));
                      Result<worker_loop::Outcome> outcome = co_await acting;
                      if (!outcome.ok()) throw std::runtime_error(outcome.error().message());
                      co_return std::move(outcome).value();
                    });
    }
  }
  if (const Value events = spec.find("cloudevents")) add_events(*app, play, events);
  return app;
}

void only(Value object, std::initializer_list<std::string_view> known, std::string_view where) {
  for (const auto& [key, value] : object.members()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) throw NotBuilt(std::string(where) + "." + std::string(key));
  }
}

std::string_view text_or(Value object, std::string_view key, std::string_view fallback) {
  const Value v = object.find(key);
  return v ? v.text() : fallback;
}
std::int64_t int_or(Value object, std::string_view key, std::int64_t fallback) {
  const Value v = object.find(key);
  return v ? static_cast<std::int64_t>(v.as_double()) : fallback;
}
bool flag(Value object, std::string_view key) {
  const Value v = object.find(key);
  return v && v.as_bool();
}

Headers header_lines(Value headers) {
  Headers out;
  if (!headers) return out;
  for (const auto& [name, value] : headers.members()) {
    if (value.is_array()) {
      for (const Value line : value.elements()) out.emplace_back(name, line.text());
    } else if (value.is_string()) {
      out.emplace_back(name, value.text());
    } else {
      throw NotBuilt("a header that is no text: " + std::string(name));
    }
  }
  return out;
}

std::string content_bytes(Value content) {
  if (const Value json = content.find("json")) return json::to_string(json);
  if (const Value text = content.find("text")) return std::string(text.text());
  auto bytes = base64::decode(content.find("base64").text());
  if (!bytes) throw std::runtime_error("body.base64: not base64");
  return std::move(*bytes);
}

Response response_of(Value spec) {
  Response response;
  response.status = static_cast<std::uint16_t>(int_or(spec, "status", 200));
  response.headers = header_lines(spec.find("headers"));
  if (const Value cookies = spec.find("cookies")) {
    for (const Value one : cookies.elements()) {
      SetCookie cookie;
      cookie.name = text_or(one, "name");
      cookie.value = text_or(one, "value");
      if (const Value age = one.find("max_age")) cookie.max_age = age.as_int();
      cookie.domain = text_or(one, "domain");
      cookie.path = text_or(one, "path");
      cookie.same_site = text_or(one, "same_site");
      cookie.secure = flag(one, "secure");
      cookie.http_only = flag(one, "http_only");
      response = std::move(response).cookie(cookie);
    }
  }
  const Value body = spec.find("body");
  if (!body) return response;
  response.body = content_bytes(body);
  response.format = body.find("json")   ? http::BodyFormat::json
                    : body.find("text") ? http::BodyFormat::text
                                        : http::BodyFormat::raw;
  if (const Value type = body.find("media_type")) response.headers.emplace_back("content-type", type.text());
  return response;
}

std::string_view json_type_of(Value value) {
  switch (value.type()) {
    case NodeType::null: return "null";
    case NodeType::boolean: return "boolean";
    case NodeType::integer:
    case NodeType::uinteger: return "integer";
    case NodeType::string:
    case NodeType::bytes: return "string";
    case NodeType::array: return "array";
    case NodeType::object: return "object";
    default: return "number";
  }
}

}  // namespace spikard::e2e
