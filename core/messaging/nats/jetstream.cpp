#include "messaging/nats/jetstream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>

#include "base/json.hpp"
#include "net/signing/hash.hpp"

namespace spikard::messaging::nats {
namespace {

struct Known {
  int code;
  ErrorKind kind;
};
constexpr std::array known_errors{
    Known{10003, ErrorKind::invalid_argument},  // bad request
    Known{10008, ErrorKind::unavailable},       // JetStream system temporarily unavailable
    Known{10009, ErrorKind::unavailable},       // JetStream cluster has no leader
    Known{10013, ErrorKind::already_exists},    // consumer name already in use
    Known{10014, ErrorKind::not_found},         // consumer not found
    Known{10023, ErrorKind::rate_limited},      // insufficient resources
    Known{10028, ErrorKind::rate_limited},      // resource limits exceeded for account
    Known{10037, ErrorKind::not_found},         // no message found
    Known{10039, ErrorKind::unsupported},       // JetStream not enabled for account
    Known{10047, ErrorKind::rate_limited},      // insufficient storage resources available
    Known{10054, ErrorKind::too_large},         // message size exceeds maximum allowed
    Known{10058, ErrorKind::already_exists},    // stream name already in use with a different configuration
    Known{10059, ErrorKind::not_found},         // stream not found
    Known{10065, ErrorKind::conflict},          // subjects overlap with an existing stream
    Known{10071, ErrorKind::condition_failed},  // wrong last sequence
    Known{10076, ErrorKind::unsupported},       // JetStream not enabled
    Known{10077, ErrorKind::rate_limited},      // maximum messages or bytes exceeded
    Known{10148, ErrorKind::already_exists},    // consumer already exists
    Known{10164, ErrorKind::condition_failed},  // wrong last sequence, of a subject
};

ErrorKind kind_of(int code) noexcept {
  switch (code) {
    case 400: return ErrorKind::invalid_argument;
    case 401:
    case 403: return ErrorKind::permission_denied;
    case 404: return ErrorKind::not_found;
    case 408: return ErrorKind::timeout;
    case 409: return ErrorKind::conflict;
    case 429: return ErrorKind::rate_limited;
    case 503: return ErrorKind::unavailable;
    default: return ErrorKind::internal;
  }
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || text.empty() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

int integer(Value value, std::string_view name) {
  const Value found = value.find(name);
  return found.exists() && found.node().is_number() ? static_cast<int>(found.as_int()) : 0;
}

std::string text_of(Value value, std::string_view name) {
  const Value found = value.find(name);
  return found.is_string() ? std::string(found.text()) : std::string();
}

/// One token between separators.
void append_token(std::string& out, std::string_view token) {
  constexpr char hex[] = "0123456789ABCDEF";
  if (token.empty()) out.push_back('%');
  for (const char c : token) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > ' ' && byte != 0x7f && c != '*' && c != '>' && c != '%') {
      out.push_back(c);
      continue;
    }
    out.push_back('%');
    out.push_back(hex[byte >> 4U]);
    out.push_back(hex[byte & 15U]);
  }
}

void each_token(std::string_view text, std::string_view separators, const std::function<void(std::string_view)>& take) {
  for (;;) {
    const std::size_t end = text.find_first_of(separators);
    take(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

void nanos(json::Writer& out, std::string_view name, Duration value) {
  out.key(name);
  out.integer(value.count());
}
void put_text(json::Writer& out, std::string_view name, std::string_view value) {
  out.key(name);
  out.string(value);
}
void put_count(json::Writer& out, std::string_view name, std::int64_t value) {
  out.key(name);
  out.integer(value);
}
void yes(json::Writer& out, std::string_view name) {
  out.key(name);
  out.boolean(true);
}

std::string instant(WallTime time) {
  using std::chrono::floor;
  const auto day = floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

}  // namespace

Error jetstream_error(int code, int err_code, std::string_view description) {
  ErrorKind kind = kind_of(code);
  for (const Known& one : known_errors) {
    if (one.code == err_code) kind = one.kind;
  }
  return Error(kind, "JetStream: " + std::string(description))
      .with_operation("messaging.nats")
      .with("err_code", std::to_string(err_code));
}

Result<Document> answer_of(const Reply& reply) {
  if (reply.error) return *reply.error;
  if (reply.status >= 400) return jetstream_error(reply.status, 0, reply.description);
  Result<Document> read = json::parse(reply.payload);
  if (!read.ok() || !read->root().is_object()) return Error(ErrorKind::corrupt, "JetStream: an answer that is no JSON object");
  if (const Value failure = read->root().find("error"); failure.is_object())
    return jetstream_error(integer(failure, "code"), integer(failure, "err_code"), text_of(failure, "description"));
  return read;
}

Result<std::uint64_t> sequence_of(const Reply& reply) {
  if (reply.error) return *reply.error;
  // {"stream":"S","seq":12}
  constexpr std::string_view name = "\"seq\":";
  const std::string_view text = reply.payload;
  if (const std::size_t at = text.find(name); at != std::string_view::npos && text.find("\"error\"") == std::string_view::npos) {
    std::size_t begin = at + name.size();
    while (begin < text.size() && text[begin] == ' ') ++begin;
    std::uint64_t value = 0;
    const auto [end, failure] = std::from_chars(text.data() + begin, text.data() + text.size(), value);
    if (failure == std::errc() && value > 0) return value;
  }
  Result<Document> answer = answer_of(reply);
  if (!answer.ok()) return std::move(answer).error();
  return Error(ErrorKind::corrupt, "JetStream: an acknowledgement without a sequence");
}

std::string subject_of(std::string_view prefix, std::string_view topic) {
  std::string out(prefix);
  bool first = true;
  each_token(topic, "./", [&](std::string_view token) {
    if (!std::exchange(first, false)) out.push_back('.');
    append_token(out, token);
  });
  return out;
}

std::vector<std::string> filters_of(std::string_view prefix, const TopicPattern& pattern) {
  if (pattern.exact()) return {subject_of(prefix, pattern.text())};
  const bool mqtt = pattern.style() == TopicStyle::mqtt;
  const bool amqp = pattern.style() == TopicStyle::amqp;
  std::string out;
  bool rest = false;   // `>` from here on
  bool level = false;  // and the one above
  bool last = false;
  each_token(pattern.text(), mqtt ? "/" : ".", [&](std::string_view token) {
    if (rest) {
      last = false;
      return;
    }
    const bool tail = (mqtt || amqp) ? token == "#" : token == ">";
    if (tail) {
      rest = last = true;
      level = mqtt || amqp;
      return;
    }
    if (!out.empty()) out.push_back('.');
    if (token == (mqtt ? "+" : "*")) {
      out.push_back('*');
      return;
    }
    // A level of MQTT may have dots in it, a token of NATS slashes.
    out += subject_of({}, token);
  });
  std::string head = std::string(prefix) + out;
  if (!rest) return {head};
  if (out.empty()) return {head + ">"};
  if (level && last) return {head, head + ".>"};
  return {head + ".>"};
}

std::string group_id(std::string_view group, std::string_view topic) {
  std::string out;
  for (const char c : group.substr(0, 32)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    out.push_back(plain ? c : '-');
  }
  std::string both(group);
  both.push_back('\0');
  both += topic;
  return out + "_" + net::signing::hex(net::signing::sha256(both)).substr(0, 16);
}

std::string header_block(std::string_view prefix, const Message& message, const HeaderExtras& extras) {
  std::string out(headers_begin);
  if (!extras.id.empty() && find_header(message.headers, id_header) == nullptr)
    out.append(id_header).append(": ").append(extras.id).append("\r\n");
  if (message.key) append_own(out, key_header, *message.key);
  if (subject_of(prefix, message.topic).compare(prefix.size(), std::string::npos, message.topic) != 0)
    append_own(out, topic_header, message.topic);
  if (!extras.for_group.empty()) append_own(out, for_group_header, extras.for_group);
  if (extras.dead) append_own(out, dead_header, "1");
  if (extras.keep) out += "Nats-TTL: never\r\n";
  for (const auto& [name, value] : message.headers) append_header(out, name, value);
  out += "\r\n";
  return out;
}

std::optional<Delivered> delivered_of(std::string_view reply) {
  // $JS.ACK.STREAM.CONSUMER.COUNT.SEQUENCE.CONSUMER_SEQUENCE.TIME.PENDING, or with DOMAIN.ACCOUNT before the stream.
  std::array<std::string_view, 12> tokens;
  std::size_t count = 0;
  each_token(reply, ".", [&](std::string_view token) {
    if (count < tokens.size()) tokens[count] = token;
    ++count;
  });
  if (count < 9 || tokens[0] != "$JS" || tokens[1] != "ACK") return std::nullopt;
  const std::size_t at = count == 9 ? 4 : 6;
  if (count == 10) return std::nullopt;
  const auto times = number(tokens[at]);
  const auto sequence = number(tokens[at + 1]);
  const auto time = number(tokens[at + 3]);
  if (!times || !sequence || !time) return std::nullopt;
  Delivered out;
  out.count = *times;
  out.sequence = *sequence;
  out.published = WallTime(Duration(static_cast<std::int64_t>(*time)));
  return out;
}

Received received_of(std::string_view prefix, std::string_view subject, Headers headers, const Headers& own,
                     std::string payload) {
  Received out;
  if (subject.starts_with(prefix)) subject.remove_prefix(prefix.size());
  out.message.topic = subject;
  out.message.payload = std::move(payload);
  for (const auto& [name, value] : own) {
    if (name == key_header) out.message.key = value;
    else if (name == topic_header) out.message.topic = value;
    else if (name == for_group_header) out.for_group = value;
    else if (name == dead_header) out.dead = value == "1";
  }
  out.message.headers = std::move(headers);
  std::erase_if(out.message.headers, [&](const auto& one) {
    return (one.first == id_header && one.second.starts_with(id_prefix)) || (out.dead && one.first == "Nats-TTL");
  });
  return out;
}

std::string consumer_request(std::string_view stream, const ConsumerConfig& config) {
  std::string out;
  json::Writer writer(out);
  writer.begin_object();
  put_text(writer, "stream_name", stream);
  writer.key("config");
  writer.begin_object();
  const bool durable = !config.name.empty();
  if (durable) {
    put_text(writer, "name", config.name);
    put_text(writer, "durable_name", config.name);
    put_text(writer, "description", config.description);
  } else {
    nanos(writer, "inactive_threshold", std::chrono::seconds(30));
    yes(writer, "mem_storage");
    put_count(writer, "num_replicas", 1);
  }
  put_text(writer, "ack_policy", durable ? "explicit" : "none");
  if (durable) {
    nanos(writer, "ack_wait", config.ack_wait);
    put_count(writer, "max_ack_pending", -1);
    put_count(writer, "max_waiting", 4096);
  }
  put_count(writer, "max_deliver", -1);
  put_text(writer, "replay_policy", "instant");
  if (config.filters.size() == 1) {
    put_text(writer, "filter_subject", config.filters.front());
  } else if (!config.filters.empty()) {
    writer.key("filter_subjects");
    writer.begin_array();
    for (const std::string& one : config.filters) writer.string(one);
    writer.end_array();
  }
  if (config.headers_only) yes(writer, "headers_only");
  switch (config.start) {
    case Start::earliest: put_text(writer, "deliver_policy", config.last_per_subject ? "last_per_subject" : "all"); break;
    case Start::latest: put_text(writer, "deliver_policy", "new"); break;
    case Start::sequence:
      put_text(writer, "deliver_policy", "by_start_sequence");
      writer.key("opt_start_seq");
      writer.uinteger(std::max<std::uint64_t>(config.sequence, 1));
      break;
    case Start::time:
      put_text(writer, "deliver_policy", "by_start_time");
      put_text(writer, "opt_start_time", instant(config.time));
      break;
  }
  writer.end_object();
  writer.end_object();
  return out;
}

std::string stream_request(const NatsOptions& options) {
  std::string out;
  json::Writer writer(out);
  writer.begin_object();
  put_text(writer, "name", options.stream);
  put_text(writer, "description", "spikard: messages");
  writer.key("subjects");
  writer.begin_array();
  writer.string(options.prefix + ">");
  writer.end_array();
  put_text(writer, "retention", "limits");
  put_text(writer, "storage", options.memory_storage ? "memory" : "file");
  put_count(writer, "num_replicas", options.replicas);
  nanos(writer, "max_age", options.max_age);
  nanos(writer, "duplicate_window",
        options.max_age > Duration::zero() ? std::min<Duration>(options.max_age, std::chrono::minutes(2))
                                           : std::chrono::minutes(2));
  for (const std::string_view limit : {"max_msgs", "max_bytes", "max_consumers", "max_msg_size", "max_msgs_per_subject"})
    put_count(writer, limit, -1);
  put_text(writer, "discard", "old");
  yes(writer, "allow_direct");
  yes(writer, "allow_msg_ttl");
  writer.end_object();
  return out;
}

std::string state_stream_request(const NatsOptions& options) {
  const std::string bucket = options.stream + "_state";
  std::string out;
  json::Writer writer(out);
  writer.begin_object();
  put_text(writer, "name", "KV_" + bucket);
  put_text(writer, "description", "spikard: groups, and messages that come again");
  writer.key("subjects");
  writer.begin_array();
  writer.string("$KV." + bucket + ".>");
  writer.end_array();
  put_text(writer, "retention", "limits");
  put_text(writer, "storage", options.memory_storage ? "memory" : "file");
  put_count(writer, "num_replicas", options.replicas);
  put_count(writer, "max_msgs_per_subject", 1);
  for (const std::string_view limit : {"max_msgs", "max_bytes", "max_consumers", "max_msg_size"}) put_count(writer, limit, -1);
  nanos(writer, "duplicate_window", std::chrono::minutes(2));
  put_text(writer, "discard", "new");
  yes(writer, "allow_rollup_hdrs");
  yes(writer, "deny_delete");
  yes(writer, "allow_direct");
  writer.end_object();
  return out;
}

std::string pull_request(std::uint32_t batch, Duration expires, Duration heartbeat) {
  return fmt::format(R"({{"batch":{},"expires":{},"idle_heartbeat":{}}})", batch, expires.count(), heartbeat.count());
}

std::string nak(Duration after) {
  return after > Duration::zero() ? fmt::format(R"(-NAK {{"delay":{}}})", after.count()) : std::string("-NAK");
}

std::string GroupRecord::text() const {
  std::string out;
  json::Writer writer(out);
  writer.begin_object();
  put_text(writer, "group", group);
  put_text(writer, "topic", topic);
  put_text(writer, "style", style == TopicStyle::mqtt ? "mqtt" : style == TopicStyle::amqp ? "amqp" : "nats");
  writer.key("exact");
  writer.boolean(exact);
  put_text(writer, "consumer", consumer);
  writer.end_object();
  return out;
}

std::optional<GroupRecord> GroupRecord::parse(std::string_view text) {
  Result<Document> read = json::parse(text);
  if (!read.ok() || !read->root().is_object()) return std::nullopt;
  const Value root = read->root();
  GroupRecord out;
  out.group = text_of(root, "group");
  out.topic = text_of(root, "topic");
  const std::string style = text_of(root, "style");
  out.style = style == "mqtt" ? TopicStyle::mqtt : style == "amqp" ? TopicStyle::amqp : TopicStyle::nats;
  if (const Value exact = root.find("exact"); exact.is(NodeType::boolean)) out.exact = exact.as_bool();
  out.consumer = text_of(root, "consumer");
  if (out.group.empty() || out.topic.empty() || out.consumer.empty()) return std::nullopt;
  return out;
}

}  // namespace spikard::messaging::nats
