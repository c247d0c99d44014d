// An application of events for cloudevents_sdks.py: `/` takes events and remembers them, GET /events gives them in the JSON
// format, POST /send sends what it is given (`{mode, events}`) where K_SINK says. An event of type `reply` is answered with an
// event, `throw` fails, `later` is to come again.
#include <spikard/spikard.hpp>

#include <mutex>

#include "base/json.hpp"
#include "cloudevents/json_format.hpp"

using namespace spikard;

namespace {

struct Memory {
  std::mutex mutex;
  std::vector<std::string> events;
};

Task<Response> send(Context& context) {
  const Value body = context.request().json();
  const std::string_view mode = body.find("mode").text();
  std::vector<Event> events;
  for (const Value one : body.find("events").elements()) {
    auto event = cloudevents::from_json(one);
    if (!event.ok()) co_return Response::text(event.error().message(), 400);
    events.push_back(std::move(event).value());
  }
  std::string text;
  json::Writer out(text);
  out.begin_array();
  if (mode == "batched") {
    Task<Result<app::EventSent>> sending = context.events().send_batch(context, std::move(events));
    const Result<app::EventSent> sent = co_await std::move(sending);
    out.string(sent.ok() ? std::to_string(sent->status) : sent.error().to_string());
  } else {
    for (Event& event : events) {
      Task<Result<app::EventSent>> sending = context.events().send(context, std::move(event), cloudevents::mode_of(mode));
      const Result<app::EventSent> sent = co_await std::move(sending);
      if (sent.ok() && sent->reply) cloudevents::to_json(*sent->reply, out);
      else out.string(sent.ok() ? std::to_string(sent->status) : sent.error().to_string());
    }
  }
  out.end_array();
  Response response = Response::text(std::move(text));
  response.format = http::BodyFormat::json;
  co_return response;
}

}  // namespace

int main() {
  App app;
  auto memory = std::make_shared<Memory>();
  app.event(
      "*",
      [memory](const Event& event) -> EventOutcome {
        {
          const std::lock_guard lock(memory->mutex);
          memory->events.push_back(cloudevents::to_json(event));
        }
        if (event.type == "throw") throw std::runtime_error("as the event says");
        if (event.type == "later") return EventOutcome::retry(std::chrono::seconds(1));
        if (event.type != "reply") return EventOutcome::ack();
        Event answer("replied", "/spikard", "re:" + event.id);
        answer.set_text("hällo");
        return EventOutcome::reply(std::move(answer));
      },
      "/");
  app.get("/events", [memory]() -> Response {
    const std::lock_guard lock(memory->mutex);
    Response response;
    response.format = http::BodyFormat::json;
    json::Writer out(response.body);
    out.begin_array();
    for (const std::string& event : memory->events) out.raw(event);
    out.end_array();
    memory->events.clear();
    return response;
  });
  services::Route route;
  route.method = services::HttpMethod::post;
  route.path = "/send";
  route.body.emplace();
  app.add_route(std::move(route), [](Context& context) -> Task<Response> { return send(context); });
  return app.run();
}
