#include "net/mqtt/options.hpp"

#include <charconv>

#include "net/signing/hash.hpp"

namespace spikard::net::mqtt {
namespace {

using signing::uri_decode;

Error bad(std::string_view what, std::string_view expected) {
  return invalid_argument("url: " + std::string(what) + ": expected " + std::string(expected));
}

Will& will_of(ClientOptions& client) { return client.will ? *client.will : client.will.emplace(); }

/// Whether it is one of the connection's.
Result<bool> set(ClientOptions& client, std::string_view name, const std::string& value) {
  const auto number = [&](std::uint64_t least, std::uint64_t most) { return read_number(name, value, least, most); };
  const auto flag = [&](bool& into) -> Result<bool> {
    Result<bool> said = read_flag(name, value);
    if (!said.ok()) return said;
    into = *said;
    return true;
  };
  const auto millis = [&](Duration& into) -> Result<bool> {
    Result<std::uint64_t> said = number(100, 600'000);
    if (!said.ok()) return std::move(said).error();
    into = std::chrono::milliseconds(*said);
    return true;
  };
  if (name == "verify") return flag(client.verify);
  if (name == "clean_start") return flag(client.clean_start);
  if (name == "timeout_ms") return millis(client.timeout);
  if (name == "connect_timeout_ms") return millis(client.connect_timeout);
  if (name == "will_retain") return flag(will_of(client).retain);
  if (name == "ca") {
    client.ca = value;
  } else if (name == "version") {
    if (value == "5") client.version = Version::v5;
    else if (value == "3.1.1") client.version = Version::v3_1_1;
    else return bad(name, "5 or 3.1.1");
  } else if (name == "client_id") {
    if (value.empty() || value.size() > 200 || !is_text(value)) return bad(name, "1 to 200 bytes of UTF-8");
    client.client_id = value;
  } else if (name == "session_expiry_s") {
    Result<std::uint64_t> said = number(0, UINT32_MAX);
    if (!said.ok()) return std::move(said).error();
    client.session_expiry = std::chrono::seconds(*said);
  } else if (name == "keep_alive_s") {
    Result<std::uint64_t> said = number(1, 65535);
    if (!said.ok()) return std::move(said).error();
    client.keep_alive = std::chrono::seconds(*said);
  } else if (name == "receive_maximum") {
    Result<std::uint64_t> said = number(1, 65535);
    if (!said.ok()) return std::move(said).error();
    client.receive_maximum = static_cast<std::uint16_t>(*said);
  } else if (name == "send_maximum") {
    Result<std::uint64_t> said = number(1, 65535);
    if (!said.ok()) return std::move(said).error();
    client.send_maximum = static_cast<std::uint16_t>(*said);
  } else if (name == "max_packet_bytes") {
    Result<std::uint64_t> said = number(1024, max_remaining_length);
    if (!said.ok()) return std::move(said).error();
    client.max_packet = static_cast<std::uint32_t>(*said);
  } else if (name == "will_topic") {
    if (!is_topic(value)) return bad(name, "a topic");
    will_of(client).topic = value;
  } else if (name == "will_payload") {
    if (value.size() > 65535) return bad(name, "at most 65535 bytes");
    will_of(client).payload = value;
  } else if (name == "will_qos") {
    Result<std::uint64_t> said = number(0, 2);
    if (!said.ok()) return std::move(said).error();
    will_of(client).qos = static_cast<std::uint8_t>(*said);
  } else if (name == "will_delay_s") {
    Result<std::uint64_t> said = number(0, UINT32_MAX);
    if (!said.ok()) return std::move(said).error();
    will_of(client).properties.add(PropertyId::will_delay, static_cast<std::uint32_t>(*said));
  } else {
    return false;
  }
  return true;
}

}  // namespace

Result<std::uint64_t> read_number(std::string_view name, std::string_view text, std::uint64_t least, std::uint64_t most) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value < least || value > most)
    return bad(name, "a number from " + std::to_string(least) + " to " + std::to_string(most));
  return value;
}

Result<bool> read_flag(std::string_view name, std::string_view text) {
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return bad(name, "true or false");
}

Result<Url> Url::parse(std::string_view url) {
  Url out;
  constexpr std::string_view clear = "mqtt://";
  constexpr std::string_view secure = "mqtts://";
  out.client.tls = url.starts_with(secure);
  if (!out.client.tls && !url.starts_with(clear)) return bad("scheme", "mqtt://HOST or mqtts://HOST");
  url.remove_prefix(out.client.tls ? secure.size() : clear.size());
  const std::size_t question = url.find('?');
  std::string_view query = question == std::string_view::npos ? std::string_view() : url.substr(question + 1);
  std::string_view hosts = url.substr(0, question);
  if (hosts.ends_with('/')) hosts.remove_suffix(1);
  if (const std::size_t at = hosts.rfind('@'); at != std::string_view::npos) {
    const std::string_view user = hosts.substr(0, at);
    hosts.remove_prefix(at + 1);
    const std::size_t colon = user.find(':');
    out.client.user = uri_decode(user.substr(0, colon));
    if (colon != std::string_view::npos) out.client.password = uri_decode(user.substr(colon + 1));
    if (!is_text(*out.client.user)) return bad("user", "UTF-8");
  }
  for (bool more = true; more;) {
    const std::size_t comma = hosts.find(',');
    more = comma != std::string_view::npos;
    Result<Server> server = Server::parse(hosts.substr(0, comma), out.client.tls ? 8883 : 1883);
    if (!server.ok()) return std::move(server).error();
    out.client.servers.push_back(std::move(*server));
    if (more) hosts.remove_prefix(comma + 1);
  }
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view one = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const std::size_t equals = std::min(one.find('='), one.size());
    std::string name = uri_decode(one.substr(0, equals));
    std::string value = equals == one.size() ? std::string() : uri_decode(one.substr(equals + 1));
    Result<bool> known = set(out.client, name, value);
    if (!known.ok()) return std::move(known).error();
    if (!*known) out.rest.emplace_back(std::move(name), std::move(value));
  }
  if (out.client.will && out.client.will->topic.empty()) return bad("will_topic", "a topic, with the other options of a will");
  return out;
}

}  // namespace spikard::net::mqtt
