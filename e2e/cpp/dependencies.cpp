// Dependencies: values of the case, and factories that leave a trace.
#include <sys/random.h>

#include "case.hpp"

#include <cstdio>

namespace spikard::e2e {
namespace {

std::string random_uuid() {
  unsigned char b[16];
  if (getrandom(b, sizeof b, 0) != static_cast<ssize_t>(sizeof b)) throw std::runtime_error("getrandom");
  b[6] = static_cast<unsigned char>((b[6] & 0x0f) | 0x40);
  b[8] = static_cast<unsigned char>((b[8] & 0x3f) | 0x80);
  char text[37];
  std::snprintf(text, sizeof text, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3],
                b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
  return text;
}

Document produce(Case& play, const std::string& name, Value produces) {
  NodeBuilder out;
  if (!produces || produces.is_object()) {
    const Value object = produces ? produces.find("object") : Value();
    if (object) {
      out.copy(object);
    } else {
      out.null();
    }
  } else if (produces.text() == "uuid") {
    out.string(random_uuid());
  } else if (produces.text() == "counter") {
    const std::lock_guard lock(play.mutex);
    out.begin_object();
    out.key("instance");
    out.integer(++play.counters[name]);
    out.end();
  } else {
    throw NotBuilt("produces " + std::string(produces.text()));
  }
  return Document(std::move(out));
}

}  // namespace

services::Dependency add_dependency(App& app, const std::shared_ptr<Case>& play, Value spec) {
  only(spec, {"name", "kind", "value", "async", "depends_on", "scope", "produces", "cleanup"}, "dependency");
  services::Dependency dependency;
  dependency.name = text_or(spec, "name");
  if (const Value scope = spec.find("scope")) dependency.scope = *services::dependency_scope_from(scope.text());
  if (const Value names = spec.find("depends_on")) {
    for (const Value one : names.elements()) dependency.depends_on.emplace_back(one.text());
  }
  if (spec.find("kind").text() == "value") {
    const Value value = spec.find("value");
    if (value) dependency.type = services::json_type_from(json_type_of(value));
    return app.make_value(std::move(dependency), value ? std::make_shared<Document>(value) : std::make_shared<Document>());
  }
  const std::string name = dependency.name;
  App::RawFactory make = [play, name,
                          spec](std::vector<std::shared_ptr<void>>) -> Task<std::pair<std::shared_ptr<void>, std::string>> {
    play->note("open:" + name);
    auto object = std::make_shared<Document>(produce(*play, name, spec.find("produces")));
    std::string type(json_type_of(object->root()));
    std::pair<std::shared_ptr<void>, std::string> made(std::move(object), std::move(type));
    co_return made;
  };
  App::RawCleanup cleanup;
  if (flag(spec, "cleanup")) {
    cleanup = [play, name](std::shared_ptr<void>) -> Task<void> {
      play->note("close:" + name);
      co_return;
    };
  }
  return app.make_dependency(std::move(dependency), std::move(make), std::move(cleanup));
}

}  // namespace spikard::e2e
