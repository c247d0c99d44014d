#include "messaging/kafka/settings.hpp"

#include <algorithm>
#include <charconv>

#include "net/tls.hpp"

namespace spikard::messaging::kafka {
namespace {

constexpr std::size_t max_name = 249;
constexpr std::uint16_t default_port = 9092;
/// Topics that are made here take a message at the client's limit with its key, its headers and those of a dead letter.
constexpr std::string_view made_max_message = "1441792";

Error bad(std::string_view option, std::string_view why) {
  return invalid_argument("url: " + std::string(option) + ": " + std::string(why));
}

std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned byte = 0;
    if (i + 2 >= text.size()) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16);
    if (error != std::errc() || end != text.data() + i + 3) return std::nullopt;
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

bool legal(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t h = 0xcbf29ce484222325ULL;
  for (const char c : text) h = (h ^ static_cast<std::uint8_t>(c)) * 0x100000001b3ULL;
  return h;
}

std::string hex(std::uint64_t v, int digits) {
  std::string out;
  for (int shift = digits * 4 - 4; shift >= 0; shift -= 4) out += "0123456789abcdef"[(v >> static_cast<unsigned>(shift)) & 15U];
  return out;
}

Result<void> add_broker(std::string_view text, net::kafka::ClusterOptions& out) {
  std::string host;
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return bad("brokers", "expected `]` after an IPv6 address");
    host = text.substr(1, end - 1);
    port = text.substr(end + 1);
  } else {
    const std::size_t colon = text.find(':');
    host = text.substr(0, colon);
    port = colon == std::string_view::npos ? std::string_view() : text.substr(colon);
  }
  std::uint16_t number = default_port;
  if (!port.empty()) {
    const auto [end, error] = std::from_chars(port.data() + 1, port.data() + port.size(), number);
    if (port[0] != ':' || error != std::errc() || end != port.data() + port.size() || number == 0)
      return bad("brokers", "expected a port from 1 to 65535");
  }
  if (host.empty()) return bad("brokers", "expected `host[:port]`, several with commas");
  out.bootstrap.emplace_back(std::move(host), number);
  return {};
}

struct Parsed {
  net::kafka::ClusterOptions cluster;
  net::kafka::ConnectionOptions connection;
  net::TlsClientOptions tls;
  bool secure = false;
  std::optional<net::kafka::SaslMechanism> sasl;
};

Result<bool> flag(std::string_view name, std::string_view value) {
  if (value == "true") return true;
  if (value == "false") return false;
  return bad(name, "expected `true` or `false`");
}

Result<std::int32_t> count(std::string_view name, std::string_view value, std::int32_t most) {
  std::int32_t out = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), out);
  if (error != std::errc() || end != value.data() + value.size() || out < 1 || out > most)
    return bad(name, "expected a number from 1 to " + std::to_string(most));
  return out;
}

Result<void> option(std::string_view name, std::string value, Parsed& parsed, Settings& out) {
  using net::kafka::Compression;
  using net::kafka::SaslMechanism;
  if (name == "prefix") {
    if (!legal(value) || value.size() > 100) return bad(name, "expected at most 100 letters, digits, `.`, `_`, `-`");
    out.prefix = std::move(value);
  } else if (name == "partitions") {
    Result<std::int32_t> number = count(name, value, 10'000);
    if (!number.ok()) return std::move(number).error();
    parsed.cluster.topics.partitions = *number;
  } else if (name == "replication") {
    Result<std::int32_t> number = count(name, value, 100);
    if (!number.ok()) return std::move(number).error();
    parsed.cluster.topics.replication = static_cast<std::int16_t>(*number);
  } else if (name == "create") {
    Result<bool> on = flag(name, value);
    if (!on.ok()) return std::move(on).error();
    parsed.cluster.topics.create = *on;
  } else if (name == "compression") {
    constexpr std::string_view names[] = {"none", "gzip", "snappy", "lz4", "zstd"};
    const auto* const at = std::find(std::begin(names), std::end(names), value);
    if (at == std::end(names)) return bad(name, "expected none, gzip, snappy, lz4 or zstd");
    out.producer.compression = static_cast<Compression>(at - std::begin(names));
  } else if (name == "sasl") {
    if (value == "plain") parsed.sasl = SaslMechanism::plain;
    else if (value == "scram-sha-256") parsed.sasl = SaslMechanism::scram_sha_256;
    else if (value == "scram-sha-512") parsed.sasl = SaslMechanism::scram_sha_512;
    else return bad(name, "expected plain, scram-sha-256 or scram-sha-512");
  } else if (name == "ca") {
    if (!parsed.secure) return bad(name, "only with `kafkas:`");
    parsed.tls.ca = std::move(value);
  } else if (name == "verify") {
    Result<bool> on = flag(name, value);
    if (!on.ok()) return std::move(on).error();
    if (!parsed.secure) return bad(name, "only with `kafkas:`");
    parsed.tls.verify = *on;
  } else if (name == "instance") {
    if (value.empty()) return bad(name, "expected a name");
    out.instance = std::move(value);
  } else if (name == "client_id") {
    if (value.empty() || value.size() > 200) return bad(name, "expected 1 to 200 bytes");
    parsed.connection.client_id = std::move(value);
  } else {
    return bad(name, "there is no such option");
  }
  return {};
}

}  // namespace

Result<Settings> Settings::parse(std::string_view url) {
  Settings out;
  Parsed parsed;
  parsed.secure = url.starts_with("kafkas:");
  url.remove_prefix(url.find(':') + 1);
  if (!url.starts_with("//")) return bad("brokers", "expected `kafka://host[:port][,host:port]`");
  url.remove_prefix(2);
  const std::size_t mark = url.find('?');
  std::string_view query = mark == std::string_view::npos ? std::string_view() : url.substr(mark + 1);
  std::string_view brokers = url.substr(0, mark);
  if (const std::size_t at = brokers.rfind('@'); at != std::string_view::npos) {
    const std::string_view who = brokers.substr(0, at);
    brokers.remove_prefix(at + 1);
    const std::size_t colon = who.find(':');
    const auto user = decoded(who.substr(0, colon));
    const auto password = colon == std::string_view::npos ? std::string() : decoded(who.substr(colon + 1));
    if (!user || user->empty() || !password) return bad("user", "expected `user:password@`, percent-encoded");
    parsed.connection.user = *user;
    parsed.connection.password = *password;
    parsed.sasl = net::kafka::SaslMechanism::scram_sha_512;
  }
  if (brokers.ends_with('/')) brokers.remove_suffix(1);
  for (;;) {
    const std::size_t comma = brokers.find(',');
    SPIKARD_TRY(add_broker(brokers.substr(0, comma), parsed.cluster));
    if (comma == std::string_view::npos) break;
    brokers.remove_prefix(comma + 1);
  }
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view one = query.substr(0, end);
    const std::size_t equals = one.find('=');
    const std::string_view name = one.substr(0, equals);
    auto value = equals == std::string_view::npos ? std::string() : decoded(one.substr(equals + 1));
    if (!value) return bad(name, "expected percent-encoding");
    SPIKARD_TRY(option(name, std::move(*value), parsed, out));
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
  }
  if (parsed.sasl && parsed.connection.user.empty()) return bad("sasl", "expected `user:password@` in front of the brokers");
  parsed.connection.sasl = parsed.sasl.value_or(net::kafka::SaslMechanism::none);
  out.tls = parsed.secure;
  out.ca = parsed.tls.ca;
  out.verify = parsed.tls.verify;
  if (parsed.secure) {
    Result<std::shared_ptr<net::TlsContext>> tls = net::TlsContext::client(std::move(parsed.tls));
    if (!tls.ok()) return std::move(tls).error();
    parsed.connection.tls = std::move(tls).value();
  }
  parsed.cluster.topics.configs = {{"max.message.bytes", std::string(made_max_message)}};
  parsed.cluster.connection = std::make_shared<net::kafka::ConnectionOptions>(std::move(parsed.connection));
  out.cluster = std::make_shared<net::kafka::ClusterOptions>(std::move(parsed.cluster));
  return out;
}

std::string Settings::retry_topic(std::string_view topic, std::string_view group) const {
  std::string safe;
  for (const char c : group) {
    const bool plain = legal({&c, 1}) && c != '_' && c != '.';
    if (plain) safe += c;
    else safe += "_" + hex(static_cast<std::uint8_t>(c), 2);
  }
  std::string out = prefix + std::string(topic) + "." + safe + ".retry";
  if (out.size() <= max_name) return out;
  const std::uint64_t sum = fnv1a(out);
  out.resize(max_name - 24);
  return out + "." + hex(sum, 16) + ".retry";
}

Result<void> check_name(std::string_view topic) {
  if (topic.empty() || topic.size() > max_name || topic == "." || topic == ".." || !legal(topic))
    return invalid_argument("topic: Kafka takes 1 to 249 letters, digits, `.`, `_` and `-`");
  return {};
}

std::int64_t millis_of(WallTime time) noexcept {
  return std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count();
}
WallTime time_of(std::int64_t millis) noexcept { return WallTime(std::chrono::milliseconds(millis)); }

std::optional<std::uint64_t> number_of(std::string_view text) noexcept {
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

net::kafka::OutRecord to_record(std::string topic, Message message, std::int64_t time_ms) {
  net::kafka::OutRecord out;
  out.topic = std::move(topic);
  out.record.timestamp_ms = time_ms;
  out.record.key = std::move(message.key);
  out.record.value = std::move(message.payload);
  out.record.headers = std::move(message.headers);
  return out;
}

Message to_message(std::string topic, net::kafka::Record record) {
  return Message(std::move(topic), std::move(record.value).value_or(std::string()), std::move(record.key),
                 std::move(record.headers));
}

}  // namespace spikard::messaging::kafka
