// The ops of `cloudevents` (fixtures/README.md section 5) on the C++ client.
#include "app/cloudevents_operations.hpp"
#include "base/json.hpp"
#include "cloudevents/json_format.hpp"
#include "toolbox/toolbox.hpp"

namespace spikard::e2e {
namespace {

class CloudEventsClient final : public ToolboxClient {
 public:
  Task<Result<Document>> run(std::string op, Document args) override {
    if (op == "encode") co_return encode(args.root());
    if (op == "decode") co_return decode(args.root());
    throw NotBuilt("op " + op);
  }
  Task<Result<Document>> close() override { co_return nothing(); }

 private:
  Result<Document> encode(Value args) {
    only(args, {"binding", "mode", "event", "key_mapper"}, "encode");
    auto result = operations_.call_now(Operation::cloudevents_encode, args);
    if (!result->ok()) return std::move(*result);
    const Value message = (*result)->root();
    NodeBuilder out;
    out.begin_object();
    for (const std::string_view key : {"headers", "properties", "content_type", "body", "key"}) {
      const Value value = message.find(key);
      if (value.is_null() || (key == "body" && !message.find("has_body").as_bool())) continue;
      out.key(key);
      out.copy(value);
    }
    out.end();
    return Document(std::move(out));
  }

  /// The event in the JSON format; a batch is an array of them.
  Result<Document> decode(Value args) {
    only(args, {"binding", "headers", "properties", "content_type", "body"}, "decode");
    NodeBuilder given;
    given.begin_object();
    for (const auto& [key, value] : args.members()) {
      given.key(key);
      // The body as section 1 of the README writes one.
      if (key == "body" && value.is_object()) given.bytes(content_bytes(value));
      else given.copy(value);
    }
    given.end();
    auto result = operations_.call_now(Operation::cloudevents_decode, given.root());
    if (!result->ok()) return std::move(*result);
    const Value events = (*result)->root().find("events");
    std::string text;
    json::Writer out(text);
    if (events.size() != 1) out.begin_array();
    for (const Value one : events.elements()) {
      const auto event = cloudevents::from_json(one);
      if (!event.ok()) return event.error();
      cloudevents::to_json(*event, out);
    }
    if (events.size() != 1) out.end_array();
    return json::parse(text);
  }

  app::EventOperations operations_;
};

Task<Result<std::shared_ptr<ToolboxClient>>> open(Stage&, Document config) {
  only(config.root(), {}, "client.cloudevents");
  std::shared_ptr<ToolboxClient> client = std::make_shared<CloudEventsClient>();
  co_return Result<std::shared_ptr<ToolboxClient>>(std::move(client));
}

}  // namespace

Subsystem cloudevents_subsystem() { return {"cloudevents", {}, &open}; }

}  // namespace spikard::e2e
