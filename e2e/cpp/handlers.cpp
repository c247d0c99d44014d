// The closed set of what a handler can do (fixtures/README.md section 1).
#include "case.hpp"

#include <algorithm>

#include "base/json.hpp"

namespace spikard::e2e {
namespace {

struct Named {
  std::string_view part;  // path, query, headers, cookies
  std::string name;
};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

/// The names of a route's parameters in the order their values come in: the declared ones, then those that only the path has.
std::vector<Named> parameter_names(const services::Route& route) {
  static constexpr std::string_view parts[] = {"path", "query", "headers", "cookies"};
  std::vector<Named> names;
  for (const services::Parameter& p : route.parameters) {
    names.push_back({parts[static_cast<std::size_t>(p.in)], p.in == services::ParameterIn::header ? lower(p.name) : p.name});
  }
  const std::size_t declared = names.size();
  for (std::size_t at = route.path.find('{'); at != std::string::npos; at = route.path.find('{', at + 1)) {
    const std::string inside = route.path.substr(at + 1, route.path.find('}', at) - at - 1);
    std::string name = inside.substr(0, inside.find(':'));
    const auto same = [&](const Named& n) { return n.part == "path" && n.name == name; };
    if (std::none_of(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(declared), same))
      names.push_back({"path", std::move(name)});
  }
  return names;
}

/// What a route's handler needs beside the request.
struct Route {
  std::shared_ptr<Case> play;
  std::vector<Named> parameters;
  std::vector<std::string> inject;
};

void write_parameters(json::Writer& out, std::string_view part, const Route& route, const Request& request) {
  out.begin_object();
  Value value = request.first_parameter();
  for (const Named& named : route.parameters) {
    if (named.part == part) {
      out.key(named.name);
      out.write(value);
    }
    value = Value(value.ptr()->next(), value.base());
  }
  out.end_object();
}

/// The writer puts U+FFFD where text is not UTF-8.
bool is_utf8(std::string_view text) {
  std::string quoted;
  json::append_quoted(quoted, text);
  const auto read = json::parse(quoted);
  return read.ok() && read->root().text() == text;
}

/// Uploaded files as an echo has them: text where the bytes are UTF-8, else base64.
void write_shown(json::Writer& out, Value v) {
  if (v.is_array()) {
    out.begin_array();
    for (const Value one : v.elements()) write_shown(out, one);
    return out.end_array();
  }
  if (!v.is_object()) return out.write(v);
  out.begin_object();
  for (const auto& [key, value] : v.members()) {
    if (!value.is(NodeType::bytes)) {
      out.key(key);
      write_shown(out, value);
    } else if (is_utf8(value.text())) {
      out.key("text");
      out.string(value.text());
    } else {
      out.key("base64");
      out.bytes(value.text());
    }
  }
  out.end_object();
}

Response echo(const Route& route, const Context& context, Value spec) {
  const Request request = context.request();
  Response response;
  response.status = static_cast<std::uint16_t>(int_or(spec, "status", 200));
  response.format = http::BodyFormat::json;
  json::Writer out(response.body);
  out.begin_object();
  if (const Value parts = spec.find("parts")) {
    for (const Value one : parts.elements()) {
      const std::string_view part = one.text();
      out.key(part);
      if (part == "path" || part == "query" || part == "headers" || part == "cookies") {
        write_parameters(out, part, route, request);
      } else if (part == "body") {
        if (const Value body = request.json()) {
          write_shown(out, body);
        } else {
          out.null();
        }
      } else if (part == "auth") {
        if (const Value auth = request.auth()) {
          out.write(auth);
        } else {
          out.null();
        }
      } else if (part == "context") {
        if (const Value set = request.context()) {
          out.write(set);
        } else {
          out.raw("{}");
        }
      } else if (part == "dependencies") {
        out.begin_array();
        for (std::size_t i = 0; i < route.inject.size(); ++i) {
          out.begin_object();
          out.key("name");
          out.string(route.inject[i]);
          out.key("value");
          out.write(static_cast<const Document*>(detail::object_of(request.dependencies()[i]))->root());
          out.end_object();
        }
        out.end_array();
      }
    }
  }
  out.end_object();
  return response;
}

[[noreturn]] void raise_problem(Value members) {
  Problem problem(static_cast<std::uint16_t>(int_or(members, "status", 500)));
  problem.type = text_or(members, "type");
  problem.title = text_or(members, "title");
  problem.detail = text_or(members, "detail");
  problem.instance = text_or(members, "instance");
  NodeBuilder rest;
  rest.begin_object();
  for (const auto& [key, value] : members.members()) {
    if (key == "type" || key == "title" || key == "status" || key == "detail" || key == "instance") continue;
    rest.key(key);
    rest.copy(value);
  }
  rest.end();
  problem.extensions = Document(std::move(rest));
  throw problem;
}

StreamingResponse stream(const Context& context, Value spec) {
  StreamingResponse response;
  response.media_type = text_or(spec, "media_type");
  net::Loop* const loop = &context.loop();
  response.produce = [loop, spec](BodyWriter& writer) -> Task<void> {
    const auto delay = std::chrono::milliseconds(int_or(spec, "delay_ms", 0));
    const std::int64_t fail_after = int_or(spec, "fail_after", -1);
    std::int64_t written = 0;
    for (const Value chunk : spec.find("chunks").elements()) {
      if (written == fail_after) break;
      if (written > 0 && delay.count() > 0) {
        const auto slept = co_await net::sleep(*loop, delay);
        if (!slept.ok()) co_return;
      }
      std::string bytes = content_bytes(chunk);
      const auto sent = co_await writer.write(std::move(bytes));
      if (!sent.ok()) co_return;
      ++written;
    }
    if (written == fail_after) throw std::runtime_error("the stream fails, as the case says");
  };
  return response;
}

Response put_into_background(const Route& route, Context& context, Value spec) {
  std::string list(text_or(spec, "list"));
  const Value body = context.request().json();
  const Value field = body && body.is_object() ? body.find(text_or(spec, "field")) : Value();
  auto item = std::make_shared<Json>(field ? Json(field) : Json());
  context.background([play = route.play, list = std::move(list), item] {
    const std::lock_guard lock(play->mutex);
    play->lists[list].push_back(std::move(*item));
  });
  Response response;
  response.status = 202;
  response.format = http::BodyFormat::json;
  response.body = R"({"queued":true})";
  return response;
}

Response background_list(const Route& route, Value spec) {
  const std::string list(text_or(spec, "list"));
  Response response;
  response.format = http::BodyFormat::json;
  json::Writer out(response.body);
  const std::lock_guard lock(route.play->mutex);
  out.begin_object();
  out.key(list);
  out.begin_array();
  for (const Json& item : route.play->lists[list]) out.write(item.root());
  out.end_array();
  out.end_object();
  return response;
}

AnyResponse act(const Route& route, Context& context, Value spec) {
  const std::string_view kind = text_or(spec, "kind");
  if (kind == "respond") return response_of(spec);
  if (kind == "echo") return echo(route, context, spec);
  if (kind == "problem") raise_problem(spec.find("problem"));
  if (kind == "stream") return stream(context, spec);
  if (kind == "background") return put_into_background(route, context, spec);
  if (kind == "background_list") return background_list(route, spec);
  throw std::runtime_error(std::string(text_or(spec, "message", "fail")));  // kind "fail": `check` lets no other through
}

void check(Value spec) {
  const std::string_view kind = text_or(spec, "kind");
  if (kind == "sleep") {
    only(spec, {"kind", "ms", "then"}, "handler");
    return check(spec.find("then"));
  }
  if (kind == "respond") return only(spec, {"kind", "status", "headers", "cookies", "body"}, "handler");
  if (kind == "echo") {
    return only(spec, {"kind", "status", "parts"}, "handler");
  }
  if (kind == "problem") return only(spec, {"kind", "problem"}, "handler");
  if (kind == "fail") return only(spec, {"kind", "message"}, "handler");
  if (kind == "stream") return only(spec, {"kind", "media_type", "chunks", "delay_ms", "fail_after"}, "handler");
  if (kind == "log") {
    only(spec, {"kind", "level", "message", "attributes", "then"}, "handler");
    return check(spec.find("then"));
  }
  if (kind == "publish") return only(spec, {"kind", "topic", "payload"}, "handler");
  if (kind == "background") return only(spec, {"kind", "list", "field"}, "handler");
  if (kind == "background_list") return only(spec, {"kind", "list"}, "handler");
  throw NotBuilt("handler " + std::string(kind));
}

}  // namespace

void add_route(App& app, const std::shared_ptr<Case>& play, services::Route spec, Value handler) {
  check(handler);
  auto route = std::make_shared<const Route>(Route{play, parameter_names(spec), spec.inject});
  const std::string_view kind = text_or(handler, "kind");
  if (kind != "sleep" && kind != "log" && kind != "publish") {
    app.add_route(std::move(spec), [route, handler](Context& context) -> AnyResponse { return act(*route, context, handler); });
    return;
  }
  app.add_route(std::move(spec), [route, handler](Context& context) -> Task<AnyResponse> {
    Value now = handler;
    for (;;) {
      const std::string_view step = text_or(now, "kind");
      if (step == "log") {
        const auto level = log::level_from(text_or(now, "level", "info"));
        context.log_json(level.value_or(log::Level::info), text_or(now, "message"), now.find("attributes"));
        now = now.find("then");
        continue;
      }
      if (step == "publish") {
        messaging::Message message(std::string(text_or(now, "topic")), content_bytes(now.find("payload")));
        const auto published = co_await context.messaging().publish(context, std::move(message));
        if (!published.ok()) throw std::runtime_error(published.error().to_string());
        Response response;
        response.status = 202;
        co_return AnyResponse(std::move(response));
      }
      if (step != "sleep") break;
      const auto slept = co_await context.sleep(std::chrono::milliseconds(int_or(now, "ms", 0)));
      if (!slept.ok()) throw std::runtime_error("the sleep was cancelled");
      now = now.find("then");
    }
    co_return act(*route, context, now);
  });
}

}  // namespace spikard::e2e
