#include "cloudevents/event.hpp"

#include <array>
#include <charconv>
#include <cstdio>

#include "base/base64.hpp"
#include "base/json.hpp"
#include "cloudevents/text.hpp"
#include "validation/format.hpp"

namespace spikard::cloudevents {
namespace {

constexpr std::array<std::pair<std::string_view, std::string Event::*>, 7> standard{{
    {"id", &Event::id},
    {"source", &Event::source},
    {"type", &Event::type},
    {"subject", &Event::subject},
    {"time", &Event::time},
    {"datacontenttype", &Event::datacontenttype},
    {"dataschema", &Event::dataschema},
}};

bool is_standard(std::string_view name) noexcept {
  if (name == "specversion") return true;
  for (const auto& [key, member] : standard) {
    if (key == name) return true;
  }
  return false;
}

}  // namespace

AttributeValue AttributeValue::binary(std::string_view bytes) { return {AttributeType::binary, base64::encode(bytes)}; }
AttributeValue AttributeValue::timestamp(WallTime time) { return {AttributeType::timestamp, to_rfc3339(time)}; }

std::int32_t AttributeValue::as_integer() const noexcept {
  std::int32_t value = 0;
  std::from_chars(text_.data(), text_.data() + text_.size(), value);
  return value;
}

std::string_view AttributeValue::problem() const {
  switch (type_) {
    case AttributeType::boolean: return text_ == "true" || text_ == "false" ? "" : "must be true or false";
    case AttributeType::integer: {
      std::int32_t value = 0;
      const auto [end, code] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
      return code == std::errc() && end == text_.data() + text_.size() ? "" : "must be an integer of 32 bits";
    }
    case AttributeType::string: return detail::string_problem(text_);
    case AttributeType::binary: return base64::decode(text_) ? "" : "must be base64 (RFC 4648)";
    case AttributeType::uri: return validation::detail::is_uri(text_) ? "" : "must be a URI (RFC 3986)";
    case AttributeType::uri_reference: return detail::is_uri_reference(text_) ? "" : "must be a URI-reference (RFC 3986)";
    case AttributeType::timestamp: return validation::detail::is_date_time(text_) ? "" : "must be a time (RFC 3339)";
  }
  return "is of no known type";
}

Result<Data> Data::json_text(std::string text) {
  auto document = json::parse(text);
  if (!document.ok()) return std::move(document).error();
  return Data(Kind::json, std::move(document).value(), std::move(text));
}

std::string Data::to_bytes() const {
  if (kind_ == Kind::json && content_.empty()) return json::to_string(value_.root());
  return content_;
}

void Event::set(std::string_view name, AttributeValue value) {
  for (auto& [key, old] : extensions) {
    if (key == name) {
      old = std::move(value);
      return;
    }
  }
  extensions.emplace_back(std::string(name), std::move(value));
}

const AttributeValue* Event::extension(std::string_view name) const noexcept {
  for (const auto& [key, value] : extensions) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::string_view Event::attribute(std::string_view name) const noexcept {
  if (name == "specversion") return spec_version;
  for (const auto& [key, member] : standard) {
    if (key == name) return this->*member;
  }
  const AttributeValue* value = extension(name);
  return value == nullptr ? std::string_view() : std::string_view(value->text());
}

void Event::set_time(WallTime when) { time = to_rfc3339(when); }

void Problems::add(std::string_view attribute, std::string_view what) {
  if (lines_.size() == max_lines) return;
  // Names come from outside: only a readable, short part of them.
  std::string line(attribute.substr(0, 64));
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F) c = '?';
  }
  line += ": ";
  for (const std::string& other : lines_) {
    if (other.starts_with(line)) return;
  }
  line += what;
  lines_.push_back(std::move(line));
}

Error Problems::error() const {
  std::string text;
  for (const std::string& line : lines_) {
    if (!text.empty()) text += '\n';
    text += line;
  }
  return invalid_argument(std::move(text)).with_detail("invalid_event");
}

void check(const Event& event, Problems& problems) {
  for (const auto& [name, member] : standard) {
    const std::string& value = event.*member;
    if (value.empty()) {
      if (member == &Event::id || member == &Event::source || member == &Event::type) problems.add(name, "is required");
      continue;
    }
    if (const std::string_view what = detail::string_problem(value); !what.empty()) problems.add(name, what);
    else if (member == &Event::source && !detail::is_uri_reference(value))
      problems.add(name, "must be a URI-reference (RFC 3986)");
    else if (member == &Event::dataschema && !validation::detail::is_uri(value)) problems.add(name, "must be a URI (RFC 3986)");
    else if (member == &Event::time && !validation::detail::is_date_time(value)) problems.add(name, "must be a time (RFC 3339)");
    else if (member == &Event::datacontenttype && !detail::is_media_type(value))
      problems.add(name, "must be a media type (RFC 2046)");
  }
  for (const auto& [name, value] : event.extensions) {
    if (!detail::is_attribute_name(name)) problems.add(name, "a name is made of lower-case letters and digits");
    else if (is_standard(name)) problems.add(name, "is no extension");
    else if (const std::string_view what = value.problem(); !what.empty()) problems.add(name, what);
  }
  if (event.data && event.data->kind() == Data::Kind::text) {
    if (!detail::is_utf8(event.data->content())) problems.add("data", "text is not UTF-8");
    else if (event.datacontenttype.empty() || detail::declares_json(event.datacontenttype))
      problems.add("datacontenttype", "must say what the text of data is, and it is not JSON");
  }
}

Result<void> validate(const Event& event) {
  Problems problems;
  check(event, problems);
  if (!problems.empty()) return problems.error();
  return {};
}

std::string to_rfc3339(WallTime when) {
  const auto day = std::chrono::floor<std::chrono::days>(when);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<Duration> time(when - day);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()));
  std::string out = text;
  if (const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(time.subseconds()).count(); ns != 0) {
    std::snprintf(text, sizeof text, ".%09d", static_cast<int>(ns));
    out += text;
    while (out.back() == '0') out.pop_back();
  }
  out += 'Z';
  return out;
}

namespace detail {

std::string* standard_attribute(Event& event, std::string_view name) noexcept {
  for (const auto& [key, member] : standard) {
    if (key == name) return &(event.*member);
  }
  return nullptr;
}

void set_attribute(Event& event, std::string_view name, std::string text) {
  if (std::string* member = standard_attribute(event, name)) *member = std::move(text);
  else event.set(name, AttributeValue::string(std::move(text)));
}

void set_payload(Event& event, std::string_view bytes, Problems& problems) {
  if (declares_json(event.datacontenttype)) {
    auto data = Data::json_text(std::string(bytes));
    if (!data.ok()) problems.add("data", "is not JSON, as datacontenttype says: " + data.error().message());
    else event.data = std::move(data).value();
  } else if (declares_text(event.datacontenttype) && is_utf8(bytes)) {
    event.data = Data::text(std::string(bytes));
  } else {
    event.data = Data::bytes(std::string(bytes));
  }
}

}  // namespace detail
}  // namespace spikard::cloudevents
