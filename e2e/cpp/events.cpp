// CloudEvents of a case's application (fixtures/README.md section 4).
#include "base/json.hpp"
#include "case.hpp"
#include "cloudevents/json_format.hpp"

namespace spikard::e2e {
namespace {

EventOutcome act(const std::shared_ptr<Case>& play, Value spec, const std::string& name, const Event& event) {
  {
    const std::lock_guard lock(play->mutex);
    play->events.emplace_back(cloudevents::to_json(event), name);
  }
  const std::string_view kind = text_or(spec, "kind");
  if (kind == "fail") throw std::runtime_error(std::string(text_or(spec, "message", "fail")));
  if (kind == "echo_event") return EventOutcome::ack();
  auto reply = cloudevents::from_json(spec.find("event"));
  if (!reply.ok()) throw std::runtime_error("handler.event: " + reply.error().message());
  return EventOutcome::reply(std::move(reply).value());
}

}  // namespace

void add_events(App& app, const std::shared_ptr<Case>& play, Value spec) {
  only(spec, {"path", "handler", "dispatch", "allowed_origins", "allowed_rate"}, "cloudevents");
  const Value handler = spec.find("handler");
  only(handler, {"kind", "event", "message"}, "cloudevents.handler");
  const std::string_view kind = text_or(handler, "kind");
  if (kind != "echo_event" && kind != "reply_event" && kind != "fail") throw NotBuilt("handler " + std::string(kind));
  services::EventEndpoint& endpoint = app.event_endpoint(std::string(text_or(spec, "path")));
  if (const Value origins = spec.find("allowed_origins")) {
    for (const Value origin : origins.elements()) endpoint.allowed_origins.emplace_back(origin.text());
  }
  if (const Value rate = spec.find("allowed_rate")) endpoint.allowed_rate = static_cast<std::uint32_t>(rate.as_int());
  const auto add = [&](std::string type, std::string name) {
    app.event(
        std::move(type), [play, handler, name = std::move(name)](const Event& event) { return act(play, handler, name, event); },
        endpoint.path);
  };
  const Value dispatch = spec.find("dispatch");
  bool rest = false;
  if (dispatch) {
    for (const auto& [type, name] : dispatch.members()) {
      add(std::string(type), std::string(name.text()));
      rest = rest || type == "*";
    }
  }
  if (!rest) add("*", "default");
}

}  // namespace spikard::e2e
