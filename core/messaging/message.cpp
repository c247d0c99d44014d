#include "messaging/message.hpp"

#include <algorithm>
#include <array>

#include "messaging/text.hpp"
#include "telemetry/propagation.hpp"

namespace spikard::messaging {
namespace {

constexpr std::array dead_letter_headers{original_topic_header, reason_header,      delivery_count_header,
                                         error_header,          first_error_header, trace_id_header,
                                         group_header,          time_header,        validation_errors_header};

/// Where the handler said nothing.
std::string_view error_text(const GivenUp& given_up, std::string_view text) {
  if (!text.empty()) return text;
  return given_up.reason == "rejected" ? "rejected by the handler" : "the handler asked for another try";
}

}  // namespace

const std::string* find_header(const Headers& headers, std::string_view name) noexcept {
  const auto at = std::find_if(headers.rbegin(), headers.rend(), [name](const auto& one) { return one.first == name; });
  return at == headers.rend() ? nullptr : &at->second;
}

void set_header(Headers& headers, std::string_view name, std::string value) {
  std::erase_if(headers, [name](const auto& one) { return one.first == name; });
  headers.emplace_back(name, std::move(value));
}

std::size_t Message::size() const noexcept {
  std::size_t size = topic.size() + payload.size() + (key ? key->size() : 0);
  for (const auto& [name, value] : headers) size += name.size() + value.size();
  return size;
}

Message dead_letter_of(const Message& original, std::string topic, const GivenUp& given_up, WallTime now) {
  Message out(std::move(topic), original.payload, original.key, original.headers);
  std::erase_if(out.headers, [](const auto& one) {
    return std::find(dead_letter_headers.begin(), dead_letter_headers.end(), one.first) != dead_letter_headers.end();
  });
  const auto add = [&out](std::string_view name, std::string_view value) { out.headers.emplace_back(name, value); };
  add(original_topic_header, original.topic);
  add(reason_header, given_up.reason);
  add(delivery_count_header, std::to_string(given_up.delivery_count));
  add(error_header, error_text(given_up, given_up.error));
  add(first_error_header, error_text(given_up, given_up.first_error.empty() ? given_up.error : given_up.first_error));
  if (const std::string* parent = find_header(original.headers, telemetry::traceparent_header)) {
    if (const auto context = telemetry::parse_traceparent(*parent)) add(trace_id_header, telemetry::hex(context->trace_id));
  }
  add(group_header, given_up.group);
  add(time_header, format_instant(now));
  if (!given_up.details.empty()) add(validation_errors_header, given_up.details);
  return out;
}

std::optional<Redriven> redriven(Message dead_letter, std::string_view to) {
  Redriven out;
  std::string topic(to);
  if (to.empty()) {
    const std::string* original = find_header(dead_letter.headers, original_topic_header);
    if (original == nullptr || original->empty()) return std::nullopt;
    topic = *original;
    if (const std::string* group = find_header(dead_letter.headers, group_header)) out.for_group = *group;
  }
  out.message = std::move(dead_letter);
  out.message.topic = std::move(topic);
  std::erase_if(out.message.headers, [](const auto& one) {
    return std::find(dead_letter_headers.begin(), dead_letter_headers.end(), one.first) != dead_letter_headers.end();
  });
  return out;
}

}  // namespace spikard::messaging
