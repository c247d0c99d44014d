#include "messaging/nats/options.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <sstream>

#include "messaging/nats/protocol.hpp"
#include "net/signing/hash.hpp"

namespace spikard::messaging::nats {
namespace {

using net::signing::uri_decode;

Error bad(std::string_view what, std::string_view expected) {
  return invalid_argument("url: " + std::string(what) + ": expected " + std::string(expected));
}

std::optional<std::uint64_t> number(std::string_view text, std::uint64_t least, std::uint64_t most) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value < least || value > most)
    return std::nullopt;
  return value;
}

std::optional<bool> flag(std::string_view text) {
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return std::nullopt;
}

Result<Server> read_server(std::string_view text) {
  constexpr std::string_view expected = "HOST or HOST:PORT, separated by commas";
  Server out;
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return bad("server", expected);
    out.host = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    if (!text.empty() && text.front() != ':') return bad("server", expected);
    port = text.empty() ? text : text.substr(1);
    if (!text.empty() && port.empty()) return bad("server", expected);
  } else {
    const std::size_t colon = text.find(':');
    out.host = text.substr(0, colon);
    if (colon != std::string_view::npos) {
      port = text.substr(colon + 1);
      if (port.empty()) return bad("server", expected);
    }
  }
  if (out.host.empty()) return bad("server", expected);
  if (!port.empty()) {
    const auto value = number(port, 1, 65535);
    if (!value) return bad("server", expected);
    out.port = static_cast<std::uint16_t>(*value);
  }
  return out;
}

Result<std::string> read_file(std::string_view option, const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return invalid_argument("url: " + std::string(option) + ": cannot read " + path);
  return text.str();
}

/// The line between `-----BEGIN WHAT...-----` and the next line of dashes.
std::string section(std::string_view text, std::string_view what) {
  const std::size_t begin = text.find("BEGIN " + std::string(what));
  if (begin == std::string_view::npos) return {};
  const std::size_t line = text.find('\n', begin);
  if (line == std::string_view::npos) return {};
  const std::size_t end = text.find("---", line);
  std::string out(text.substr(line, end == std::string_view::npos ? end : end - line));
  std::erase_if(out, [](char c) { return c == '\n' || c == '\r' || c == ' ' || c == '\t'; });
  return out;
}

/// A name that JetStream takes for a stream: no blanks, dots, wildcards or slashes.
bool stream_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

bool subject_prefix(std::string_view text) {
  return text.empty() ||
         (text.size() <= 128 && is_subject(text) && text.back() == '.' && text.front() != '.' && text.front() != '$' &&
          text.find_first_of("*>") == std::string_view::npos && text.find("..") == std::string_view::npos);
}

Result<void> set(NatsOptions& out, std::string_view name, const std::string& value, bool& prefix_given) {
  const auto boolean = [&](bool& into) -> Result<void> {
    const std::optional<bool> said = flag(value);
    if (!said) return bad(name, "true or false");
    into = *said;
    return {};
  };
  const auto millis = [&](Duration& into, std::uint64_t least, std::uint64_t most) -> Result<void> {
    const auto said = number(value, least, most);
    if (!said) return bad(name, "a number from " + std::to_string(least) + " to " + std::to_string(most));
    into = std::chrono::milliseconds(*said);
    return {};
  };
  if (name == "tls") return boolean(out.tls);
  if (name == "verify") return boolean(out.verify);
  if (name == "jetstream") return boolean(out.jetstream);
  if (name == "create") return boolean(out.create);
  if (name == "timeout_ms") return millis(out.timeout, 100, 600'000);
  if (name == "connect_timeout_ms") return millis(out.connect_timeout, 100, 600'000);
  if (name == "ping_ms") return millis(out.ping, 100, 600'000);
  if (name == "max_age_ms") return millis(out.max_age, 0, 3'155'760'000'000);
  if (name == "token") {
    out.token = value;
  } else if (name == "ca") {
    out.ca = value;
    out.tls = true;
  } else if (name == "creds" || name == "nkey") {
    Result<std::string> text = read_file(name, value);
    if (!text.ok()) return std::move(text).error();
    if (name == "creds") {
      out.jwt = section(*text, "NATS USER JWT");
      out.seed = section(*text, "USER NKEY SEED");
      if (out.jwt.empty() || out.seed.empty()) return bad(name, "a .creds file, with a JWT and a seed");
    } else {
      const std::size_t at = text->find("SU");
      if (at == std::string::npos) return bad(name, "a file with the seed of a user (SU...)");
      out.seed = text->substr(at, std::min(text->find_first_of(" \t\r\n", at), text->size()) - at);
    }
  } else if (name == "stream") {
    if (!stream_name(value)) return bad(name, "1 to 64 letters, digits, `-` and `_`");
    out.stream = value;
  } else if (name == "prefix") {
    if (!subject_prefix(value)) return bad(name, "nothing, or a subject that ends with a dot");
    out.prefix = value;
    prefix_given = true;
  } else if (name == "domain") {
    if (!stream_name(value)) return bad(name, "a name of letters, digits, `-` and `_`");
    out.domain = value;
  } else if (name == "storage") {
    if (value != "file" && value != "memory") return bad(name, "file or memory");
    out.memory_storage = value == "memory";
  } else if (name == "replicas") {
    const auto said = number(value, 1, 5);
    if (!said) return bad(name, "a number from 1 to 5");
    out.replicas = static_cast<std::uint32_t>(*said);
  } else {
    return bad(std::string("option `") + std::string(name) + "`",
               "token, creds, nkey, tls, ca, verify, jetstream, stream, prefix, domain, create, storage, replicas, max_age_ms, "
               "timeout_ms, connect_timeout_ms or ping_ms");
  }
  return {};
}

}  // namespace

std::string Server::text() const {
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

Result<NatsOptions> NatsOptions::parse(std::string_view url) {
  NatsOptions out;
  constexpr std::string_view scheme = "nats://";
  if (!url.starts_with(scheme)) return bad("scheme", "nats://HOST");
  url.remove_prefix(scheme.size());
  const std::size_t question = url.find('?');
  std::string_view query = question == std::string_view::npos ? std::string_view() : url.substr(question + 1);
  std::string_view hosts = url.substr(0, question);
  if (hosts.ends_with('/')) hosts.remove_suffix(1);
  if (const std::size_t at = hosts.rfind('@'); at != std::string_view::npos) {
    const std::string_view user = hosts.substr(0, at);
    hosts.remove_prefix(at + 1);
    const std::size_t colon = user.find(':');
    if (colon == std::string_view::npos) {
      out.token = uri_decode(user);
    } else {
      out.user = uri_decode(user.substr(0, colon));
      out.password = uri_decode(user.substr(colon + 1));
    }
  }
  for (bool more = true; more;) {
    const std::size_t comma = hosts.find(',');
    more = comma != std::string_view::npos;
    Result<Server> server = read_server(hosts.substr(0, comma));
    if (!server.ok()) return std::move(server).error();
    out.servers.push_back(std::move(*server));
    if (more) hosts.remove_prefix(comma + 1);
  }
  bool prefix_given = false;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view one = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const std::size_t equals = std::min(one.find('='), one.size());
    const std::string value = equals == one.size() ? std::string() : uri_decode(one.substr(equals + 1));
    SPIKARD_TRY(set(out, one.substr(0, equals), value, prefix_given));
  }
  if (!prefix_given) out.prefix = out.stream + ".";
  // A stream of every subject would take in the server's own.
  if (out.prefix.empty()) out.create = false;
  return out;
}

}  // namespace spikard::messaging::nats
