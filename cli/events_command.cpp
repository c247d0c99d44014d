// Sending a CloudEvent by hand.
#include <optional>

#include "app/event_client.hpp"
#include "base/json.hpp"
#include "command.hpp"
#include "runtime.hpp"

namespace spikard::cli {

int send_event(const EventToSend& what, const Common& common) {
  cloudevents::Event event(what.type, what.source, what.id);
  event.subject = what.subject;
  if (!what.data.empty()) {
    auto data = cloudevents::Data::json_text(what.data);
    if (!data.ok()) return fail("--data", data.error());
    event.data = std::move(*data);
    event.datacontenttype = "application/json";
  }
  RealClock clock;
  auto loop = net::Loop::create(clock);
  if (!loop.ok()) return fail(loop.error());
  services::EventSender config;
  config.url = what.url;
  config.mode = what.structured ? services::EventMode::structured : services::EventMode::binary;
  app::EventClientOptions options;
  options.http = std::make_shared<app::HttpClients>();
  auto client = app::EventClient::create(std::move(config), options);
  if (!client.ok()) return fail(client.error());
  std::optional<Result<app::EventSent>> sent;
  spawn((*client)->send(net::Caller(**loop), std::move(event)),
        [&](const std::exception_ptr&, std::optional<Result<app::EventSent>> value) {
          if (value) sent = std::move(value);
          else sent.emplace(internal_error("exception"));
        });
  while (!sent) (*loop)->turn(1000);
  options.http->forget(**loop);
  if (!sent->ok()) return fail(sent->error());
  const app::EventSent& done = **sent;
  if (common.json) {
    NodeBuilder out;
    out.begin_object();
    out.key("id"), out.string(done.ids.at(0));
    out.key("status"), out.integer(done.status);
    out.key("attempts"), out.integer(done.attempts);
    out.end();
    print_json(out.root());
  } else {
    std::printf("%s taken with %u\n", done.ids.at(0).c_str(), done.status);
  }
  return 0;
}

}  // namespace spikard::cli
