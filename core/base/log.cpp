#include "base/log.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>

#include <unistd.h>

#include "base/json.hpp"
#include "base/json_text.hpp"
#include "base/redact.hpp"

namespace spikard::log {
namespace {

constexpr std::array<std::string_view, 6> names = {"trace", "debug", "info", "warn", "error", "off"};

/// RFC 3339 in UTC with milliseconds.
void append_time(std::string& out, WallTime at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::milliseconds>(at - day));
  char text[40];
  const int length = std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                                   static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                                   static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                                   static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()));
  out.append(text, static_cast<std::size_t>(length));
}

void append_scalar(std::string& out, const Field& field) {
  char text[json::max_number_text];
  switch (field.type()) {
    case Field::Type::null: out += "null"; break;
    case Field::Type::boolean: out += field.integer() != 0 ? "true" : "false"; break;
    case Field::Type::integer: out.append(text, json::put_integer(text, field.integer())); break;
    case Field::Type::uinteger: out.append(text, json::put_uinteger(text, static_cast<std::uint64_t>(field.integer()))); break;
    case Field::Type::number: out.append(text, json::put_number(text, field.number())); break;
    case Field::Type::json: out += field.text(); break;
    case Field::Type::text: json::append_quoted(out, redact_urls(field.text())); break;
  }
}

/// One value; text of one word goes without quotes where `bare`.
void append_value(std::string& out, const Attribute& attribute, bool bare) {
  if (is_secret_name(attribute.key) && attribute.value.type() != Field::Type::null) {
    if (bare) out += redacted;
    else json::append_quoted(out, redacted);
    return;
  }
  if (bare && attribute.value.type() == Field::Type::text && !attribute.value.text().empty() &&
      json::plain_prefix(attribute.value.text()) == attribute.value.text().size() &&
      attribute.value.text().find_first_of(" =") == std::string_view::npos) {
    out += redact_urls(attribute.value.text());
    return;
  }
  append_scalar(out, attribute.value);
}

}  // namespace

std::string_view name_of(Level level) noexcept { return names[static_cast<std::size_t>(level)]; }

std::optional<Level> level_from(std::string_view text) noexcept {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == text) return static_cast<Level>(i);
  }
  return std::nullopt;
}

void FdSink::write(Level, std::string_view line) noexcept {
  const std::lock_guard lock(mutex_);
  while (!line.empty()) {
    const ::ssize_t n = ::write(fd_, line.data(), line.size());
    if (n > 0) line.remove_prefix(static_cast<std::size_t>(n));
    else if (n == 0 || errno != EINTR) return;
  }
}

Logger::Logger(std::shared_ptr<Sink> sink, const Clock& clock, Format format, Level level, std::string app)
    : sink_(std::move(sink)), clock_(clock), format_(format), level_(level), app_(std::move(app)) {}

void Logger::log_fields(Level level, std::string_view message, std::span<const Attribute> attributes) noexcept {
  if (!enabled(level)) return;
  try {
    std::string line;
    line.reserve(160);
    if (format_ == Format::json) write_json(line, level, message, attributes);
    else write_human(line, level, message, attributes);
    line.push_back('\n');
    sink_->write(level, line);
  } catch (...) {
    // Out of memory: the line is lost, the program is not.
  }
}

void Logger::write_json(std::string& line, Level level, std::string_view message, std::span<const Attribute> attributes) const {
  line += "{\"time\":\"";
  append_time(line, clock_.wall());
  line += "\",\"level\":\"";
  line += name_of(level);
  line += "\",\"message\":";
  json::append_quoted(line, redact_urls(message));
  if (!app_.empty()) {
    line += ",\"app\":";
    json::append_quoted(line, app_);
  }
  for (const Attribute& attribute : attributes) {
    line.push_back(',');
    json::append_quoted(line, attribute.key);
    line.push_back(':');
    append_value(line, attribute, false);
  }
  line.push_back('}');
}

void Logger::write_human(std::string& line, Level level, std::string_view message, std::span<const Attribute> attributes) const {
  append_time(line, clock_.wall());
  line.push_back(' ');
  std::string name(name_of(level));
  name.resize(5, ' ');
  line += name;
  line.push_back(' ');
  for (const char c : redact_urls(message)) line.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
  for (const Attribute& attribute : attributes) {
    line.push_back(' ');
    line += attribute.key;
    line.push_back('=');
    append_value(line, attribute, true);
  }
}

}  // namespace spikard::log
