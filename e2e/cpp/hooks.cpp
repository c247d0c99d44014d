// The closed set of what a hook can do (fixtures/README.md section 1).
#include "case.hpp"

#include <memory>

namespace spikard::e2e {
namespace {

Problem unauthorized(bool had_token) {
  Problem problem = Problem::unauthorized();
  problem.headers.emplace_back("www-authenticate", had_token ? "Bearer error=\"invalid_token\"" : "Bearer");
  return problem;
}

void require_bearer(Hook& hook, Value tokens) {
  const auto given = hook.request().header("authorization");
  constexpr std::string_view scheme = "Bearer ";
  if (!given || given->size() <= scheme.size()) throw unauthorized(false);
  for (std::size_t i = 0; i < scheme.size(); ++i) {
    if (((*given)[i] | 0x20) != (scheme[i] | 0x20)) throw unauthorized(false);
  }
  const Value found = tokens.find(given->substr(scheme.size()));
  if (!found) throw unauthorized(true);
  for (const auto& [key, value] : found.members()) hook.set_context_json(key, Json(value));
}

void append_context(Hook& hook, std::string_view key, Value value) {
  NodeBuilder list;
  list.begin_array();
  const Value context = hook.request().context();
  if (const Value before = context ? context.find(key) : Value()) {
    if (before.is_array()) {
      for (const Value item : before.elements()) list.copy(item);
    } else {
      list.copy(before);
    }
  }
  list.copy(value);
  list.end();
  hook.set_context_json(key, Json(std::move(list)));
}

void require_context(Hook& hook, std::string_view key, Value wanted) {
  const Value context = hook.request().context();
  const Value have = context ? context.find(key) : Value();
  if (!have || !equal(have, wanted)) throw Problem::forbidden();
}

void limit_calls(std::int64_t calls, Value spec) {
  if (calls <= int_or(spec, "max", 0)) return;
  Problem problem(429, "too-many-requests", std::string());
  problem.headers.emplace_back("retry-after", std::to_string(int_or(spec, "retry_after", 1)));
  throw problem;
}

}  // namespace

void add_hook(App& app, http::HookPhase phase, Value spec) {
  const std::string_view kind = text_or(spec, "kind");
  const auto add = [&](std::initializer_list<std::string_view> known, auto fn) {
    only(spec, known, "hook");
    app.hook(phase, [spec, fn](Hook& hook) mutable { fn(hook, spec); });
  };
  if (kind == "set_context") {
    add({"kind", "key", "value"}, [](Hook& h, Value s) { h.set_context_json(text_or(s, "key"), Json(s.find("value"))); });
  } else if (kind == "append_context") {
    add({"kind", "key", "value"}, [](Hook& h, Value s) { append_context(h, text_or(s, "key"), s.find("value")); });
  } else if (kind == "set_response_header") {
    add({"kind", "name", "value"},
        [](Hook& h, Value s) { h.set_header(std::string(text_or(s, "name")), std::string(text_or(s, "value"))); });
  } else if (kind == "append_response_header") {
    add({"kind", "name", "value"},
        [](Hook& h, Value s) { h.append_header(std::string(text_or(s, "name")), std::string(text_or(s, "value"))); });
  } else if (kind == "respond") {
    add({"kind", "status", "headers", "body"}, [](Hook& h, Value s) { h.respond(response_of(s)); });
  } else if (kind == "fail") {
    add({"kind", "message"}, [](Hook&, Value s) { throw std::runtime_error(std::string(text_or(s, "message", "fail"))); });
  } else if (kind == "require_bearer") {
    add({"kind", "tokens"}, [](Hook& h, Value s) { require_bearer(h, s.find("tokens")); });
  } else if (kind == "require_context") {
    add({"kind", "key", "equals"}, [](Hook& h, Value s) { require_context(h, text_or(s, "key"), s.find("equals")); });
  } else if (kind == "limit_calls") {
    add({"kind", "max", "retry_after"}, [calls = std::int64_t{0}](Hook&, Value s) mutable { limit_calls(++calls, s); });
  } else {
    throw NotBuilt("hook " + std::string(kind));
  }
}

}  // namespace spikard::e2e
