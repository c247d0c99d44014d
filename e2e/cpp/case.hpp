#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <spikard/spikard.hpp>

namespace spikard::e2e {

/// A key or a kind of the case that this harness, or the product, does not have: an error of the start, never silently passed
/// over.
struct NotBuilt : std::runtime_error {
  explicit NotBuilt(const std::string& what) : std::runtime_error("not built: " + what) {}
};

/// An error of the product where the harness opens something; its kind and detail go to the player.
struct Failed : std::runtime_error {
  explicit Failed(Error what) : std::runtime_error(what.to_string()), error(std::move(what)) {}
  Error error;
};

/// What the handlers, hooks and factories of one case share. Everything they look at in `app` (the case's `app`) lives as long as
/// this.
struct Case {
  explicit Case(Document document) : app(std::move(document)) {}

  Document app;
  std::mutex mutex;  // the harness reads the trace from its own thread
  std::vector<std::string> trace;
  std::map<std::string, std::int64_t, std::less<>> counters;
  std::map<std::string, std::vector<Json>, std::less<>> lists;
  std::vector<std::pair<std::string, std::string>> events;  // CloudEvents that handlers got: JSON, name of the handler

  void note(std::string event) {
    const std::lock_guard lock(mutex);
    trace.push_back(std::move(event));
  }
};

/// Throws NotBuilt for a member of `object` that is not among `known`.
void only(Value object, std::initializer_list<std::string_view> known, std::string_view where);
[[nodiscard]] std::string_view text_or(Value object, std::string_view key, std::string_view fallback = {});
[[nodiscard]] std::int64_t int_or(Value object, std::string_view key, std::int64_t fallback);
[[nodiscard]] bool flag(Value object, std::string_view key);
/// Name and value of each line; a list gives several lines.
[[nodiscard]] Headers header_lines(Value headers);
/// The bytes of `{json}`, `{text}` or `{base64}`.
[[nodiscard]] std::string content_bytes(Value content);
/// `status` (200), `headers`, `cookies`, `body`.
[[nodiscard]] Response response_of(Value spec);
[[nodiscard]] std::string_view json_type_of(Value value);

// application.cpp: everything that is data, as the manifest has it; throws NotBuilt, or std::runtime_error for what the manifest
// refuses.
[[nodiscard]] std::unique_ptr<App> make_app(const std::shared_ptr<Case>& play);

// dependencies.cpp
[[nodiscard]] services::Dependency add_dependency(App& app, const std::shared_ptr<Case>& play, Value spec);

// handlers.cpp
void add_route(App& app, const std::shared_ptr<Case>& play, services::Route route, Value handler);

// events.cpp
void add_events(App& app, const std::shared_ptr<Case>& play, Value spec);

// hooks.cpp
void add_hook(App& app, http::HookPhase phase, Value spec);

}  // namespace spikard::e2e
