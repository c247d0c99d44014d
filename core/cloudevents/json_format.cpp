#include "cloudevents/json_format.hpp"

#include "base/base64.hpp"
#include "cloudevents/text.hpp"

namespace spikard::cloudevents {
namespace {

constexpr std::string_view standard_names[] = {"id", "source", "type", "datacontenttype", "dataschema", "subject", "time"};

void read_extension(Event& event, std::string_view name, Value value, Problems& problems) {
  switch (value.type()) {
    case NodeType::string: event.set(name, AttributeValue::string(std::string(value.text()))); return;
    case NodeType::boolean: event.set(name, AttributeValue::boolean(value.as_bool())); return;
    case NodeType::integer:
      if (value.as_int() >= INT32_MIN && value.as_int() <= INT32_MAX) {
        event.set(name, AttributeValue::integer(static_cast<std::int32_t>(value.as_int())));
        return;
      }
      [[fallthrough]];
    case NodeType::uinteger: problems.add(name, "must fit an integer of 32 bits"); return;
    default: problems.add(name, "must be a string, a boolean or an integer of 32 bits"); return;
  }
}

void read_base64(Event& event, Value value, Problems& problems) {
  if (value.is_null()) return;
  if (!value.is_string()) return problems.add("data_base64", "must be a string");
  auto bytes = base64::decode(value.text());
  if (!bytes) return problems.add("data_base64", "must be base64 (RFC 4648)");
  event.data = Data::bytes(std::move(*bytes));
}

/// datacontenttype is known by now.
void read_data(Event& event, Value value) {
  if (value.is(NodeType::bytes)) event.data = Data::bytes(std::string(value.text()));
  else if (value.is_string() && !event.datacontenttype.empty() && !detail::declares_json(event.datacontenttype))
    event.data = Data::text(std::string(value.text()));
  else event.data = Data::json(value);
}

/// True the second time a name comes.
class Seen {
 public:
  bool again(std::string_view name) {
    for (const std::string_view other : names_) {
      if (other == name) return true;
    }
    names_.push_back(name);
    return false;
  }

 private:
  std::vector<std::string_view> names_;
};

constexpr std::size_t max_members = 256;

void write_attributes(const Event& event, auto&& text, auto&& extension) {
  text("specversion", std::string(spec_version));
  for (const std::string_view name : standard_names) {
    if (const std::string_view value = event.attribute(name); !value.empty()) text(name, value);
  }
  for (const auto& [name, value] : event.extensions) extension(name, value);
}

}  // namespace

std::optional<Event> from_json(Value value, Problems& problems) {
  if (!value.is_object()) {
    problems.add("event", "must be a JSON object");
    return std::nullopt;
  }
  if (value.size() > max_members) {
    problems.add("event", "has too many attributes");
    return std::nullopt;
  }
  Event event;
  Seen seen;
  Value data;
  bool version = false;
  bool base64_there = false;
  for (const auto& [name, member] : value.members()) {
    if (seen.again(name)) {
      problems.add(name, "is there twice");
    } else if (name == "data") {
      data = member;
    } else if (name == "data_base64") {
      base64_there = !member.is_null();
      read_base64(event, member, problems);
    } else if (!detail::is_attribute_name(name)) {
      problems.add(name, "a name is made of lower-case letters and digits");
    } else if (member.is_null()) {
      continue;
    } else if (name == "specversion") {
      version = true;
      if (!member.is_string() || member.text() != spec_version) problems.add(name, "must be \"1.0\"");
    } else if (std::string* text = detail::standard_attribute(event, name)) {
      if (!member.is_string()) problems.add(name, "must be a string");
      else if (member.text().empty()) problems.add(name, "must not be empty");
      else *text = member.text();
    } else {
      read_extension(event, name, member, problems);
    }
  }
  if (!version) problems.add("specversion", "is required");
  if (data.exists()) {
    if (base64_there) problems.add("data", "is there beside data_base64");
    else read_data(event, data);
  }
  check(event, problems);
  if (!problems.empty()) return std::nullopt;
  return event;
}

Result<Event> from_json(Value value) {
  Problems problems;
  std::optional<Event> event = from_json(value, problems);
  if (!event) return problems.error();
  return std::move(*event);
}

Result<std::vector<Event>> batch_from_json(Value events, std::size_t max_events) {
  Problems problems;
  if (!events.is_array()) {
    problems.add("batch", "must be a JSON array");
    return problems.error();
  }
  if (events.size() > max_events) {
    return Error(ErrorKind::too_large, "a batch has at most " + std::to_string(max_events) + " events")
        .with_detail("batch_too_large");
  }
  std::vector<Event> list;
  list.reserve(events.size());
  std::size_t index = 0;
  for (const Value one : events.elements()) {
    Problems own;
    std::optional<Event> event = from_json(one, own);
    const std::string place = "[" + std::to_string(index++) + "].";
    for (const std::string& line : own.lines()) {
      const std::size_t colon = line.find(": ");
      problems.add(place + line.substr(0, colon), line.substr(colon + 2));
    }
    if (event) list.push_back(std::move(*event));
  }
  if (!problems.empty()) return problems.error();
  return list;
}

void to_json(const Event& event, json::Writer& out) {
  out.begin_object();
  write_attributes(
      event,
      [&](std::string_view name, std::string_view value) {
        out.key(name);
        out.string(value);
      },
      [&](std::string_view name, const AttributeValue& value) {
        out.key(name);
        if (value.type() == AttributeType::boolean || value.type() == AttributeType::integer) out.raw(value.text());
        else out.string(value.text());
      });
  if (event.data) {
    switch (event.data->kind()) {
      case Data::Kind::json:
        out.key("data");
        if (event.data->content().empty()) out.write(event.data->value());
        else out.raw(event.data->content());
        break;
      case Data::Kind::text:
        out.key("data");
        out.string(event.data->content());
        break;
      case Data::Kind::bytes:
        out.key("data_base64");
        out.bytes(event.data->content());
        break;
    }
  }
  out.end_object();
}

std::string to_json(const Event& event) {
  std::string text;
  json::Writer out(text);
  to_json(event, out);
  return text;
}

std::string to_json(std::span<const Event> batch) {
  std::string text;
  json::Writer out(text);
  out.begin_array();
  for (const Event& event : batch) to_json(event, out);
  out.end_array();
  return text;
}

void to_nodes(const Event& event, NodeBuilder& out) {
  out.begin_object();
  // A member counts once, with its value: NodeBuilder::key counts nothing.
  write_attributes(
      event,
      [&](std::string_view name, std::string_view value) {
        out.key(name);
        out.string(value);
      },
      [&](std::string_view name, const AttributeValue& value) {
        out.key(name);
        if (value.type() == AttributeType::boolean) out.boolean(value.as_boolean());
        else if (value.type() == AttributeType::integer) out.integer(value.as_integer());
        else out.string(value.text());
      });
  if (event.data) {
    out.key("data");
    switch (event.data->kind()) {
      case Data::Kind::json: out.copy(event.data->value()); break;
      case Data::Kind::text: out.string(event.data->content()); break;
      case Data::Kind::bytes: out.bytes(event.data->content()); break;
    }
  }
  out.end();
}

}  // namespace spikard::cloudevents
