#include "app/cloudevents_operations.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "app/event_client.hpp"
#include "cloudevents/json_format.hpp"
#include "cloudevents/message.hpp"

namespace spikard::app {
namespace {

using namespace cloudevents;

Error bad(std::string_view argument, std::string_view expected) {
  return invalid_argument(std::string(argument) + ": expected " + std::string(expected));
}

/// Text of an argument; `fallback` where it is absent or null.
Result<std::string> text_of(Value args, std::string_view name, std::string_view fallback) {
  const Value v = args.find(name);
  if (!v || v.is_null()) return std::string(fallback);
  if (!v.is_string()) return bad(name, "text");
  return std::string(v.text());
}

Result<Binding> binding_argument(Value args) {
  auto name = text_of(args, "binding", "http");
  if (!name.ok()) return std::move(name).error();
  const std::optional<Binding> binding = binding_of(*name);
  if (!binding) return bad("binding", "http, kafka, amqp, mqtt3, mqtt5, nats or redis");
  return *binding;
}

/// An object of values, or an array of [name, value], as properties. Only AMQP has types of its own.
Result<std::vector<Property>> properties_of(Value args, std::string_view name) {
  std::vector<Property> list;
  const Value given = args.find(name);
  if (!given || given.is_null()) return list;
  const auto add = [&](std::string_view key, Value value) {
    switch (value.type()) {
      case NodeType::string:
      case NodeType::bytes: list.push_back({key, AttributeValue::string(std::string(value.text()))}); return true;
      case NodeType::boolean: list.push_back({key, AttributeValue::boolean(value.as_bool())}); return true;
      case NodeType::integer:
        if (value.as_int() < INT32_MIN || value.as_int() > INT32_MAX) return false;
        list.push_back({key, AttributeValue::integer(static_cast<std::int32_t>(value.as_int()))});
        return true;
      default: return false;
    }
  };
  if (given.is_object()) {
    for (const auto& [key, value] : given.members()) {
      if (!add(key, value)) return bad(name, "values of text, booleans or integers of 32 bits");
    }
  } else if (given.is_array()) {
    for (const Value pair : given.elements()) {
      if (!pair.is_array() || pair.size() != 2 || !pair.at(0).is_string() || !add(pair.at(0).text(), pair.at(1)))
        return bad(name, "pairs of a name and a value");
    }
  } else {
    return bad(name, "an object, or an array of [name, value]");
  }
  return list;
}

void write_fields(NodeBuilder& out, const Fields& fields) {
  out.begin_object();
  for (const auto& [key, value] : fields) {
    out.key(key);
    out.string(value);
  }
  out.end();
}

/// A text or null.
void write_text(NodeBuilder& out, std::string_view key, const std::optional<std::string>& value) {
  out.key(key);
  if (value) out.string(*value);
  else out.null();
}

Document encoded(const Fields* headers, const Fields* properties, std::string_view prefix,
                 const std::optional<std::string>& content_type, const std::optional<std::string>& body,
                 const std::optional<std::string>& key) {
  NodeBuilder out;
  out.begin_object();
  out.key("headers");
  if (headers != nullptr) write_fields(out, *headers);
  else out.null();
  out.key("properties");
  if (properties != nullptr) write_fields(out, *properties);
  else out.null();
  out.key("property_prefix");
  out.string(prefix);
  write_text(out, "content_type", content_type);
  out.key("body");
  out.bytes(body ? std::string_view(*body) : std::string_view());
  out.key("has_body");
  out.boolean(body.has_value());
  write_text(out, "key", key);
  out.end();
  return Document(std::move(out));
}

Result<Document> encode(Value args) {
  auto binding = binding_argument(args);
  if (!binding.ok()) return std::move(binding).error();
  auto mode_name = text_of(args, "mode", "binary");
  if (!mode_name.ok()) return std::move(mode_name).error();
  const std::optional<Mode> mode = mode_of(*mode_name);
  if (!mode) return bad("mode", "binary, structured or batched");
  auto key_mapper = text_of(args, "key_mapper", "");
  if (!key_mapper.ok()) return std::move(key_mapper).error();
  const Value given = args.find("event");
  if (!given) return bad("event", "an event");
  if (*binding == Binding::http) {
    Result<HttpMessage> message = HttpMessage{};
    bool has_body = true;
    if (*mode == Mode::batched) {
      auto events = batch_from_json(given);
      if (!events.ok()) return std::move(events).error();
      message = encode_http(*events);
    } else {
      auto event = from_json(given);
      if (!event.ok()) return std::move(event).error();
      has_body = *mode == Mode::structured || event->data.has_value();
      message = encode_http(*event, *mode);
    }
    if (!message.ok()) return std::move(message).error();
    std::optional<std::string> content_type;
    for (const auto& [name, value] : message->headers) {
      if (name == "content-type") content_type = value;
    }
    return encoded(&message->headers, nullptr, prefix_of(*binding), content_type,
                   has_body ? std::optional(message->body) : std::nullopt, std::nullopt);
  }
  auto event = from_json(given);
  if (!event.ok()) return std::move(event).error();
  auto message = encode_broker(*event, *binding, *mode, *key_mapper);
  if (!message.ok()) return std::move(message).error();
  const bool properties = *binding == Binding::amqp || *binding == Binding::mqtt5;
  const bool neither = *binding == Binding::mqtt3;
  std::optional<std::string> content_type = message->content_type;
  for (const auto& [name, value] : message->fields) {
    if (name == "content-type") content_type = value;
  }
  return encoded(properties || neither ? nullptr : &message->fields, properties ? &message->fields : nullptr, prefix_of(*binding),
                 content_type, message->body, message->key);
}

Result<Document> decode(Value args) {
  auto binding = binding_argument(args);
  if (!binding.ok()) return std::move(binding).error();
  auto headers = properties_of(args, "headers");
  if (!headers.ok()) return std::move(headers).error();
  auto properties = properties_of(args, "properties");
  if (!properties.ok()) return std::move(properties).error();
  auto content_type = text_of(args, "content_type", "");
  if (!content_type.ok()) return std::move(content_type).error();
  std::string_view body;
  if (const Value given = args.find("body"); given && !given.is_null()) {
    if (!given.is_string() && !given.is(NodeType::bytes)) return bad("body", "text or bytes");
    body = given.text();
  }
  Result<Decoded> decoded = Decoded{};
  if (*binding == Binding::http) {
    std::vector<FieldView> views;
    for (const Property& header : *headers) views.push_back({header.name, header.value.text()});
    if (!content_type->empty()) views.push_back({"content-type", *content_type});
    decoded = decode_http(views, body);
  } else {
    headers->insert(headers->end(), properties->begin(), properties->end());
    decoded = decode_broker(*binding, *headers, *content_type, body);
  }
  if (!decoded.ok()) return std::move(decoded).error();
  NodeBuilder out;
  out.begin_object();
  out.key("events");
  out.begin_array();
  for (const Event& event : decoded->events) to_nodes(event, out);
  out.end();
  out.key("mode");
  out.string(name_of(decoded->mode));
  out.end();
  return Document(std::move(out));
}

Result<Document> validate(Value args) {
  const Value given = args.find("event");
  if (!given) return bad("event", "an event");
  Problems problems;
  (void)from_json(given, problems);
  NodeBuilder out;
  out.begin_object();
  out.key("problems");
  out.begin_array();
  for (const std::string& line : problems.lines()) out.string(line);
  out.end();
  out.end();
  return Document(std::move(out));
}

}  // namespace

EventOperations::EventOperations(std::shared_ptr<EventClient> client)
    : client_([client = std::move(client)]() -> Result<std::shared_ptr<EventClient>> { return client; }) {}

std::optional<Result<Document>> EventOperations::call_now(Operation operation, Value args) {
  std::optional<Result<Document>> result;
  switch (operation) {
    case Operation::cloudevents_encode: result = encode(args); break;
    case Operation::cloudevents_decode: result = decode(args); break;
    case Operation::cloudevents_validate: result = validate(args); break;
    default: return std::nullopt;
  }
  if (!result->ok()) result = Error(std::move(*result).error()).with_operation(std::string(name_of(operation)));
  return result;
}

namespace {

/// An event of an application's code: specversion, id, source and time may be left to the client.
Result<Event> given_event(Value given, const EventClient& client, const Clock& clock) {
  if (!given || !given.is_object()) return bad("event", "an object");
  Event filled;
  client.complete(clock, filled);
  NodeBuilder nodes;
  nodes.begin_object();
  for (const auto& [key, value] : given.members()) {
    if (value.is_null() && key != "data") continue;
    nodes.key(key);
    nodes.copy(value);
  }
  const auto missing = [&](std::string_view name, std::string_view value) {
    if (const Value there = given.find(name); (there && !there.is_null()) || value.empty()) return;
    nodes.key(name);
    nodes.string(value);
  };
  missing("specversion", spec_version);
  missing("id", filled.id);
  missing("source", filled.source);
  missing("time", filled.time);
  nodes.end();
  return from_json(nodes.root());
}

Document sent_document(const EventSent& sent, bool batch) {
  NodeBuilder out;
  out.begin_object();
  if (batch) {
    out.key("ids");
    out.begin_array();
    for (const std::string& id : sent.ids) out.string(id);
    out.end();
  } else {
    out.key("id");
    out.string(sent.ids.empty() ? std::string_view() : std::string_view(sent.ids[0]));
  }
  out.key("status");
  out.uinteger(sent.status);
  out.key("attempts");
  out.uinteger(sent.attempts);
  if (!batch) {
    out.key("reply");
    if (sent.reply) to_nodes(*sent.reply, out);
    else out.null();
  }
  out.end();
  return Document(std::move(out));
}

}  // namespace

Task<Result<Document>> EventOperations::call(net::Caller caller, Operation operation, Document args, net::OperationStream*) {
  if (std::optional<Result<Document>> now = call_now(operation, args.root())) co_return std::move(*now);
  const std::string name(name_of(operation));
  const bool batch = operation == Operation::cloudevents_send_batch;
  if (!batch && operation != Operation::cloudevents_send)
    co_return Result<Document>(Error(ErrorKind::unsupported, "no operation of events").with_operation(name));
  Result<std::shared_ptr<EventClient>> found = Error(ErrorKind::unsupported, "there is no sender of events");
  if (client_) found = client_();
  if (!found.ok()) co_return Result<Document>(Error(found.error()).with_operation(name));
  const std::shared_ptr<EventClient> client = std::move(found).value();
  const Clock& clock = caller.loop->clock();
  Result<EventSent> sent = EventSent{};
  if (batch) {
    const Value given = args.root().find("events");
    if (!given || !given.is_array()) co_return Result<Document>(bad("events", "an array of events").with_operation(name));
    std::vector<Event> events;
    for (const Value one : given.elements()) {
      Result<Event> event = given_event(one, *client, clock);
      if (!event.ok()) co_return Result<Document>(Error(event.error()).with_operation(name));
      events.push_back(std::move(event).value());
    }
    sent = co_await client->send_batch(caller, std::move(events));
  } else {
    auto mode_name = text_of(args.root(), "mode", "");
    auto key = text_of(args.root(), "key", "");
    if (!mode_name.ok()) co_return Result<Document>(Error(mode_name.error()).with_operation(name));
    if (!key.ok()) co_return Result<Document>(Error(key.error()).with_operation(name));
    std::optional<Mode> mode = mode_of(*mode_name);
    if (!mode_name->empty() && (!mode || *mode == Mode::batched))
      co_return Result<Document>(bad("mode", "binary or structured").with_operation(name));
    Result<Event> event = given_event(args.root().find("event"), *client, clock);
    if (!event.ok()) co_return Result<Document>(Error(event.error()).with_operation(name));
    sent = co_await client->send(caller, std::move(event).value(), mode, std::move(key).value());
  }
  if (!sent.ok()) co_return Result<Document>(Error(sent.error()).with_operation(name));
  co_return Result<Document>(sent_document(*sent, batch));
}

}  // namespace spikard::app
