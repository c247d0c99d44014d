#include "messaging/redis/entry.hpp"

#include <charconv>
#include <limits>

namespace spikard::messaging::redis {
namespace {

constexpr unsigned number_bits = 21;  // of a position, below its milliseconds: enough until the year 2109
constexpr std::uint64_t number_mask = (std::uint64_t{1} << number_bits) - 1;
constexpr std::uint64_t most_ms = (std::uint64_t{1} << (63U - number_bits)) - 1;
constexpr std::string_view header_prefix = "h:";
constexpr std::string_view envelope = "\x01spk1";  // no text begins so

template <class T>
bool read_number(std::string_view text, T& out) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && !text.empty() && end == text.data() + text.size();
}

void put_text(std::string& out, std::string_view text) {
  for (unsigned shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>(text.size() >> shift & 0xffU));
  out += text;
}
/// False when it is not there as a whole.
bool take_text(std::string_view& in, std::string_view& out) noexcept {
  if (in.size() < 4) return false;
  std::size_t size = 0;
  for (unsigned i = 0; i < 4; ++i) size |= static_cast<std::size_t>(static_cast<unsigned char>(in[i])) << (8 * i);
  if (in.size() - 4 < size) return false;
  out = in.substr(4, size);
  in.remove_prefix(4 + size);
  return true;
}

bool read_envelope(std::string_view in, Message& out) {
  if (in.empty()) return false;
  const bool has_key = in.front() == 1;
  if (!has_key && in.front() != 0) return false;
  in.remove_prefix(1);
  std::string_view text;
  if (has_key) {
    if (!take_text(in, text)) return false;
    out.key = std::string(text);
  }
  if (!take_text(in, text)) return false;
  out.payload = text;
  while (!in.empty()) {
    std::string_view value;
    if (!take_text(in, text) || !take_text(in, value)) return false;
    out.headers.emplace_back(text, value);
  }
  return true;
}

}  // namespace

std::optional<EntryId> EntryId::parse(std::string_view text) noexcept {
  EntryId out;
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos || !read_number(text.substr(0, dash), out.ms) ||
      !read_number(text.substr(dash + 1), out.number))
    return std::nullopt;
  return out;
}

EntryId EntryId::at(std::uint64_t position) noexcept { return {position >> number_bits, position & number_mask}; }

std::uint64_t EntryId::position() const noexcept {
  // More in one millisecond than there is room for are told with the last place in it.
  return std::min(ms, most_ms) << number_bits | std::min(number, number_mask);
}

std::string EntryId::text() const { return std::to_string(ms) + "-" + std::to_string(number); }

EntryId EntryId::before() const noexcept {
  if (number > 0) return {ms, number - 1};
  return ms > 0 ? EntryId{ms - 1, std::numeric_limits<std::uint64_t>::max()} : EntryId();
}

std::string Names::channels_of(const TopicPattern& pattern) const {
  const std::string& text = pattern.text();
  std::size_t fixed = text.size();
  if (!pattern.exact()) {
    fixed = 0;
    while (fixed < text.size() && text[fixed] != '*' && text[fixed] != '>' && text[fixed] != '+' && text[fixed] != '#') ++fixed;
    if (fixed > 0) --fixed;  // `a/#` is `a` too
  }
  std::string out;
  for (const char c : channel(std::string_view(text).substr(0, fixed))) {
    if (c == '*' || c == '?' || c == '[' || c == ']' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  if (!pattern.exact()) out.push_back('*');
  return out;
}

std::string GroupRecord::field(std::string_view group, std::string_view topic) {
  return std::string(topic) + "\n" + std::string(group);  // no topic has one
}

std::optional<GroupName> GroupRecord::read_field(std::string_view field) {
  const std::size_t end = field.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  return GroupName{std::string(field.substr(end + 1)), std::string(field.substr(0, end))};
}

std::optional<GroupRecord> GroupRecord::parse(std::string_view text) {
  GroupRecord out;
  const std::size_t first = text.find(' ');
  const std::size_t second = first == std::string_view::npos ? first : text.find(' ', first + 1);
  std::int64_t lease = 0;
  if (second == std::string_view::npos || !read_number(text.substr(first + 1, second - first - 1), lease)) return std::nullopt;
  if (lease < 0 || lease > 86'400'000) return std::nullopt;
  out.style = text.substr(0, first);
  out.lease = std::chrono::milliseconds(lease);
  out.name = text.substr(second + 1);
  return out;
}

TopicPattern GroupRecord::pattern(const std::string& topic) const {
  if (const auto known = services::topic_style_from(style)) {
    if (Result<TopicPattern> made = TopicPattern::compile(*known, topic); made.ok()) return std::move(made).value();
  }
  return TopicPattern::topic(topic);
}

std::string_view style_of(const TopicPattern& pattern) noexcept {
  return pattern.exact() ? "topic" : services::name_of(pattern.style());
}

void append_fields(net::redis::Command& command, const Message& message, std::string_view for_group) {
  command.arg("payload").arg(message.payload);
  if (message.key) command.arg("key").arg(*message.key);
  if (!for_group.empty()) command.arg("for").arg(for_group);
  std::string name(header_prefix);
  for (const auto& [header, value] : message.headers) {
    name.resize(header_prefix.size());
    name += header;
    command.arg(name).arg(value);
  }
}

std::size_t fields_size(const Message& message) noexcept { return message.size() + 128 + 32 * message.headers.size(); }

Entry read_fields(net::redis::View fields, std::string_view topic) {
  Entry out;
  out.message.topic = topic;
  bool payload = false;
  for (auto at = fields.begin(); at != fields.end(); ++at) {
    const std::string_view name = (*at).text();
    ++at;
    if (at == fields.end()) break;
    const std::string_view value = (*at).text();
    if (name.starts_with(header_prefix)) {
      out.message.headers.emplace_back(name.substr(header_prefix.size()), value);
    } else if (name == "payload" && !payload) {
      payload = true;
      out.message.payload = value;
    } else if (name == "key" && !out.message.key) {
      out.message.key = std::string(value);
    } else if (name == "for" && out.for_group.empty()) {
      out.for_group = value;
    } else {
      out.message.headers.emplace_back(name, value);
    }
  }
  return out;
}

std::string channel_text(const Message& message) {
  if (!message.key && message.headers.empty() && !message.payload.starts_with(envelope)) return message.payload;
  std::string out(envelope);
  out.push_back(message.key ? '\1' : '\0');
  if (message.key) put_text(out, *message.key);
  put_text(out, message.payload);
  for (const auto& [name, value] : message.headers) {
    put_text(out, name);
    put_text(out, value);
  }
  return out;
}

Message read_channel_text(std::string_view topic, std::string_view text) {
  Message out;
  out.topic = topic;
  if (text.starts_with(envelope) && read_envelope(text.substr(envelope.size()), out)) return out;
  return Message(std::string(topic), std::string(text));
}

}  // namespace spikard::messaging::redis
