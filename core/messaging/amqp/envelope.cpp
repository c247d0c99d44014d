#include "messaging/amqp/envelope.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <numeric>
#include <tuple>

#include "net/signing/hash.hpp"

namespace spikard::messaging::amqp {
namespace {

constexpr std::size_t max_short = 255;
constexpr std::string_view own = "x-spikard-";
constexpr std::string_view escaped = "x-spikard-.";  // before the name of a header that the broker or we use ourselves
constexpr std::string_view key_field = "x-spikard-key";
constexpr std::string_view topic_field = "x-spikard-topic";
constexpr std::string_view group_field = "x-spikard-group";
constexpr std::string_view queue_field = "x-spikard-queue";
constexpr std::string_view position_field = "x-spikard-position";
constexpr std::string_view due_field = "x-spikard-due";
constexpr std::string_view tries_field = "x-spikard-tries";
constexpr std::string_view deliveries_field = "x-spikard-deliveries";
constexpr std::string_view failures_field = "x-spikard-failures";
constexpr std::string_view first_error_field = "x-spikard-first-error";
constexpr std::string_view order_field = "x-spikard-order";  // RabbitMQ sorts headers when it adds one
constexpr std::string_view returned_field = "x-delivery-count";
constexpr std::string_view content_type_header = "content-type";

/// What RabbitMQ reads, or writes, in the headers of a message.
bool reserved(std::string_view name) {
  return name == returned_field || name == "CC" || name == "BCC" || name == "x-death" || name.starts_with("x-first-death-") ||
         name.starts_with("x-last-death-") || name.starts_with("x-opt-");
}

std::string wire_name(std::string_view name) {
  return reserved(name) || name.starts_with(own) ? std::string(escaped) + std::string(name) : std::string(name);
}

std::string bounded(std::string name) {
  if (name.size() <= max_short) return name;
  constexpr std::size_t hash = 32;
  const std::string digest = net::signing::hex(net::signing::sha256(name)).substr(0, hash);
  return name.substr(0, max_short - hash) + digest;
}

std::string key_with_dots(std::string_view text) {
  std::string out(text);
  std::replace(out.begin(), out.end(), '/', '.');
  return out;
}

/// Places of the headers when they are sorted by their names on the wire, those of one name in their order.
std::vector<std::size_t> sorted_places(const std::vector<std::string>& names) {
  std::vector<std::size_t> places(names.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  std::sort(places.begin(), places.end(),
            [&](std::size_t a, std::size_t b) { return std::tie(names[a], a) < std::tie(names[b], b); });
  return places;
}

void put_headers(std::string& table, const Headers& headers, const std::vector<std::string>& names,
                 const std::vector<std::size_t>& places, std::optional<std::size_t> content_type) {
  for (std::size_t i = 0; i < places.size();) {
    std::size_t end = i + 1;
    while (end < places.size() && names[places[end]] == names[places[i]]) ++end;
    if (content_type == places[i]) {
      i = end;
      continue;
    }
    if (end == i + 1) {
      put_entry(table, names[places[i]], std::string_view(headers[places[i]].second));
      ++i;
      continue;
    }
    put_short_text(table, names[places[i]]);
    table.push_back('A');
    const Sized array(table);
    for (; i < end; ++i) {
      table.push_back('S');
      put_long_text(table, headers[places[i]].second);
    }
  }
  if (places.size() < 2) return;
  std::string order;
  std::vector<std::size_t> ranks(places.size());
  for (std::size_t i = 0; i < places.size(); ++i) ranks[places[i]] = i;
  for (const std::size_t rank : ranks) order.append(order.empty() ? "" : ",").append(std::to_string(rank));
  put_entry(table, order_field, std::string_view(order));
}

/// Back into the order they were published in; as they came where somebody has added or taken away some.
Headers in_order(std::vector<std::pair<std::string, std::string>> came, std::string_view order) {
  Headers sorted;
  std::vector<std::string> names;
  for (const auto& [name, value] : came) names.push_back(name);
  const std::vector<std::size_t> places = sorted_places(names);
  const auto plain = [](std::pair<std::string, std::string>& header) {
    if (header.first.starts_with(escaped)) header.first.erase(0, escaped.size());
    return std::move(header);
  };
  std::vector<std::size_t> ranks;
  std::vector<bool> seen(places.size(), false);
  while (!order.empty()) {
    std::size_t rank = 0;
    const auto [end, failure] = std::from_chars(order.data(), order.data() + order.size(), rank);
    if (failure != std::errc() || rank >= places.size() || seen[rank]) break;
    seen[rank] = true;
    ranks.push_back(rank);
    order.remove_prefix(static_cast<std::size_t>(end - order.data()));
    if (!order.empty() && order.front() == ',') order.remove_prefix(1);
  }
  Headers out;
  out.reserve(came.size());
  if (ranks.size() == places.size() && order.empty()) {
    for (const std::size_t rank : ranks) out.push_back(plain(came[places[rank]]));
  } else {
    for (auto& header : came) out.push_back(plain(header));
  }
  return out;
}

std::uint32_t count_of(const Field& field) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(field.integer, 0, UINT32_MAX));
}

/// One of ours, or the broker's; false: the publisher's.
bool take_own(Received& out, std::string_view name, const Field& field, std::string& order) {
  if (name == returned_field) {
    out.returned = count_of(field);
    return true;
  }
  if (reserved(name)) return true;
  if (!name.starts_with(own) || name.starts_with(escaped)) return false;
  if (name == key_field) out.message.key = text_of(field);
  else if (name == topic_field) out.message.topic = text_of(field);
  else if (name == group_field) out.for_group = text_of(field);
  else if (name == queue_field) out.queue = text_of(field);
  else if (name == position_field) out.position = static_cast<std::uint64_t>(field.integer);
  else if (name == due_field) out.due_ms = field.integer;
  else if (name == tries_field) out.record.tries = count_of(field);
  else if (name == deliveries_field) out.record.deliveries = count_of(field);
  else if (name == failures_field) out.record.failures = count_of(field);
  else if (name == first_error_field) out.record.first_error = text_of(field);
  else if (name == order_field) order = text_of(field);
  return true;
}

}  // namespace

std::string dead_exchange(std::string_view name) { return std::string(name) + ".dead"; }

std::string dead_queue(std::string_view name, std::string_view topic) {
  return bounded(std::string(name) + ".dead." + key_with_dots(topic));
}

std::string group_queue(std::string_view name, std::string_view group, std::string_view topic) {
  std::string out = std::string(name) + ".group.";
  for (const char c : group) {
    // So that no two pairs are one name.
    if (c == ':') out += "%3A";
    else if (c == '%') out += "%25";
    else out.push_back(c);
  }
  return bounded(out + ":" + std::string(topic));
}

std::string delay_name(std::string_view name, std::uint64_t step_ms) {
  return std::string(name) + ".delay." + std::to_string(step_ms);
}

std::string lock_queue(std::string_view queue) { return bounded(std::string(queue) + ".lock"); }

std::string routing_key(std::string_view topic) { return key_with_dots(topic); }

std::string binding_key(const TopicPattern& pattern) {
  const std::string& text = pattern.text();
  if (pattern.exact()) return key_with_dots(text);
  if (pattern.style() == TopicStyle::amqp) return text;
  std::string out;
  const char separator = pattern.style() == TopicStyle::mqtt ? '/' : '.';
  const std::string_view one = pattern.style() == TopicStyle::mqtt ? "+" : "*";
  for (std::string_view rest = text;;) {
    const std::size_t end = rest.find(separator);
    const std::string_view word = rest.substr(0, end);
    if (word == one) out += "*";
    else if (word == ">") out += "*.#";  // NATS: one or more; MQTT's `#` is AMQP's
    else out += key_with_dots(word);
    if (end == std::string_view::npos) break;
    out.push_back('.');
    rest.remove_prefix(end + 1);
  }
  if (out.size() > max_short) out.erase(out.size() - 3, 2);  // `*.#` becomes `#`, which is more
  return out;
}

std::uint64_t step_of(Duration wait) noexcept {
  const std::int64_t ceiled = (std::max<std::int64_t>(wait.count(), 1) + 999'999) / 1'000'000;
  const auto ms = static_cast<std::uint64_t>(ceiled);
  if (ms >= max_step_ms) return max_step_ms;
  if (ms < 16) return ms;
  const auto shift = static_cast<unsigned>(std::bit_width(ms)) - 4U;  // leaves 8 to 15
  const std::uint64_t step = ((ms + (1ULL << shift) - 1) >> shift) << shift;
  return std::min(step, max_step_ms);
}

Record Record::of(const worker_loop::Settlement& settlement) {
  return {settlement.tries, settlement.delivery_count, settlement.failures, settlement.first_error};
}

Result<std::string> properties_for(const Message& message, const Extras& extras) {
  std::vector<std::string> names;
  names.reserve(message.headers.size());
  std::optional<std::size_t> content_type;
  std::size_t types = 0;
  for (std::size_t i = 0; i < message.headers.size(); ++i) {
    const auto& [name, value] = message.headers[i];
    names.push_back(wire_name(name));
    if (names.back().size() > max_short) {
      return invalid_argument("headers: AMQP carries names of at most 255 bytes").with_operation("messaging.amqp");
    }
    if (name == content_type_header && ++types > 0 && !value.empty() && value.size() <= max_short) content_type = i;
  }
  if (types != 1) content_type.reset();
  std::string table;
  put_headers(table, message.headers, names, sorted_places(names), content_type);
  if (message.key) put_entry(table, key_field, std::string_view(*message.key));
  if (extras.with_topic || message.topic.find('/') != std::string::npos)
    put_entry(table, topic_field, std::string_view(message.topic));
  if (!extras.for_group.empty()) put_entry(table, group_field, extras.for_group);
  if (!extras.queue.empty()) put_entry(table, queue_field, extras.queue);
  if (extras.position != 0) put_entry(table, position_field, static_cast<std::int64_t>(extras.position));
  if (extras.due_ms != 0) put_entry(table, due_field, extras.due_ms);
  const Record& record = extras.record;
  if (record.tries != 0) put_entry(table, tries_field, std::int64_t{record.tries});
  if (record.deliveries != 0) put_entry(table, deliveries_field, std::int64_t{record.deliveries});
  if (record.failures != 0) put_entry(table, failures_field, std::int64_t{record.failures});
  if (!record.first_error.empty()) put_entry(table, first_error_field, std::string_view(record.first_error));
  Properties properties;
  if (content_type) properties.content_type = message.headers[*content_type].second;
  properties.headers = table;
  properties.delivery_mode = 2;  // persistent
  properties.message_id = extras.id;
  const auto seconds = std::chrono::floor<std::chrono::seconds>(extras.time.time_since_epoch()).count();
  properties.timestamp = static_cast<std::uint64_t>(std::max<std::int64_t>(seconds, 0));
  return properties_of(properties);
}

Result<Received> received_of(Incoming& incoming, bool with_payload) {
  Result<Properties> properties = read_properties(incoming.properties);
  if (!properties.ok()) return std::move(properties).error();
  Received out;
  out.message.topic = incoming.routing_key;
  out.id = properties->message_id;
  if (properties->timestamp <= static_cast<std::uint64_t>(INT64_MAX) / 1'000'000'000U)
    out.time = WallTime(std::chrono::seconds(properties->timestamp));
  Headers headers;
  std::string order;
  const bool good = each_entry(properties->headers, [&](std::string_view name, const Field& field) {
    if (take_own(out, name, field, order) || field.kind == Field::Kind::table) return;
    if (field.kind != Field::Kind::array) {
      headers.emplace_back(name, text_of(field));
      return;
    }
    (void)each_element(field.text, [&](const Field& element) {
      if (element.kind != Field::Kind::array && element.kind != Field::Kind::table) headers.emplace_back(name, text_of(element));
    });
  });
  if (!good) return Error(ErrorKind::corrupt, "AMQP: headers that are cut off").with_operation("messaging.amqp");
  if (!properties->content_type.empty()) headers.emplace_back(content_type_header, properties->content_type);
  out.message.headers = in_order(std::move(headers), order);
  if (with_payload) out.message.payload = std::move(incoming.payload);
  return out;
}

}  // namespace spikard::messaging::amqp
