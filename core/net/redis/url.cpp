#include "net/redis/url.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

namespace spikard::net::redis {
namespace {

Error wrong(std::string what) { return invalid_argument("url: " + std::move(what)); }

int digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  for (std::size_t n = 0; n < text.size(); ++n) {
    if (text[n] != '%') {
      out.push_back(text[n]);
      continue;
    }
    if (n + 2 >= text.size() || digit(text[n + 1]) < 0 || digit(text[n + 2]) < 0) return std::nullopt;
    out.push_back(static_cast<char>(digit(text[n + 1]) * 16 + digit(text[n + 2])));
    n += 2;
  }
  return out;
}

bool read_number(std::string_view text, std::uint64_t most, std::uint64_t& out) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && !text.empty() && out <= most;
}

Result<Endpoint> read_endpoint(std::string_view text, std::uint16_t usual_port) {
  std::string_view port;
  Endpoint out;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == text.npos) return wrong("the IPv6 address lacks its ]");
    out.host = text.substr(1, close - 1);
    text.remove_prefix(close + 1);
    if (!text.empty() && text[0] != ':') return wrong("expected a port behind ]");
    port = text.empty() ? text : text.substr(1);
    if (out.host.find(':') == std::string::npos) return wrong("only IPv6 addresses stand in brackets");
  } else {
    const auto colon = text.find(':');
    out.host = text.substr(0, colon);
    if (colon != text.npos) port = text.substr(colon + 1);
  }
  if (out.host.empty() || out.host.size() > 253) return wrong("expected a host of 1 to 253 characters");
  for (const char c : out.host) {
    const bool good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
                      c == '_' || c == ':' || c == '%';
    if (!good) return wrong("the host has a character that no host has");
  }
  std::uint64_t number = usual_port;
  if (!port.empty() && (!read_number(port, 65535, number) || number == 0)) return wrong("expected a port from 1 to 65535");
  out.port = static_cast<std::uint16_t>(number);
  return out;
}

Result<void> read_database(std::string_view text, Options& out) {
  std::uint64_t number = 0;
  if (!read_number(text, 1U << 20U, number)) return wrong("expected the number of a database");
  if (number != 0 && out.topology == Topology::cluster) return wrong("a cluster has only database 0");
  out.database = static_cast<std::uint32_t>(number);
  return {};
}

Result<void> read_option(std::string_view name, std::string value, std::span<const std::string_view> extra, Options& out) {
  const auto number = [&](std::uint64_t least, std::uint64_t most) -> Result<std::uint64_t> {
    std::uint64_t n = 0;
    if (!read_number(value, most, n) || n < least) {
      return wrong("option " + std::string(name) + ": expected " + std::to_string(least) + " to " + std::to_string(most));
    }
    return n;
  };
  const auto time = [&](std::uint64_t least, Duration& into) -> Result<void> {
    Result<std::uint64_t> ms = number(least, 86'400'000);
    if (!ms.ok()) return std::move(ms).error();
    into = std::chrono::milliseconds(*ms);
    return {};
  };
  const auto size = [&](std::size_t& into) -> Result<void> {
    Result<std::uint64_t> n = number(1, std::uint64_t{1} << 40U);
    if (!n.ok()) return std::move(n).error();
    into = *n;
    return {};
  };
  if (name == "timeout_ms") return time(1, out.timeout);
  if (name == "connect_timeout_ms") return time(1, out.connect_timeout);
  if (name == "wait_ms") return time(0, out.wait);
  if (name == "max_waiting") return size(out.max_waiting);
  if (name == "max_waiting_bytes") return size(out.max_waiting_bytes);
  if (name == "db") return read_database(value, out);
  if (name == "protocol") {
    Result<std::uint64_t> n = number(2, 3);
    if (!n.ok()) return std::move(n).error();
    out.protocol = static_cast<int>(*n);
    return {};
  }
  if (name == "client_name") {
    const bool good = !value.empty() && std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c < 0x7f; });
    if (!good) return wrong("option client_name: expected printable ASCII without blanks");
    out.client_name = std::move(value);
    return {};
  }
  if (name == "tls_ca" || name == "tls_verify") {
    if (!out.tls) return wrong("option " + std::string(name) + ": only with rediss://");
    if (name == "tls_ca") {
      out.tls_ca = std::move(value);
      return {};
    }
    if (value != "true" && value != "false") return wrong("option tls_verify: expected true or false");
    out.tls_verify = value == "true";
    return {};
  }
  if (name == "sentinel_auth") {
    if (out.topology != Topology::sentinel) return wrong("option sentinel_auth: only with redis+sentinel://");
    if (value != "none" && value != "same") return wrong("option sentinel_auth: expected none or same");
    out.sentinel_auth = value == "same";
    return {};
  }
  if (std::find(extra.begin(), extra.end(), name) != extra.end()) {
    out.extra.insert_or_assign(std::string(name), std::move(value));
    return {};
  }
  std::string known =
      "timeout_ms, connect_timeout_ms, wait_ms, max_waiting, max_waiting_bytes, protocol, client_name, db, tls_ca, tls_verify, "
      "sentinel_auth";
  for (const std::string_view one : extra) known.append(", ").append(one);
  return wrong("there is no such option; expected one of " + known);
}

struct Scheme {
  std::string_view name;
  bool tls;
  bool unix_socket;
  Topology topology;
};
constexpr std::array schemes{
    Scheme{"redis", false, false, Topology::single},
    Scheme{"rediss", true, false, Topology::single},
    Scheme{"redis+unix", false, true, Topology::single},
    Scheme{"unix", false, true, Topology::single},
    Scheme{"redis+sentinel", false, false, Topology::sentinel},
    Scheme{"rediss+sentinel", true, false, Topology::sentinel},
    Scheme{"redis+cluster", false, false, Topology::cluster},
    Scheme{"rediss+cluster", true, false, Topology::cluster},
};

}  // namespace

bool is_scheme(std::string_view scheme) noexcept {
  return std::any_of(schemes.begin(), schemes.end(), [&](const Scheme& one) { return one.name == scheme; });
}

std::string Endpoint::text() const {
  if (!path.empty()) return "unix:" + path;
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<Options> Options::parse(std::string_view url, std::span<const std::string_view> extra) {
  const auto colon = url.find(':');
  const Scheme* scheme = nullptr;
  for (const Scheme& one : schemes) {
    if (one.name == url.substr(0, colon == url.npos ? 0 : colon)) scheme = &one;
  }
  if (scheme == nullptr) {
    return wrong("expected redis://, rediss://, redis+unix://, redis+sentinel:// or redis+cluster://");
  }
  Options out;
  out.tls = scheme->tls;
  out.topology = scheme->topology;
  std::string_view rest = url.substr(colon + 1);
  const bool slashes = rest.starts_with("//");
  if (slashes) rest.remove_prefix(2);
  if (!slashes && scheme->name != "unix") return wrong("expected :// behind the scheme");

  std::string_view query;
  if (const auto at = rest.find('?'); at != rest.npos) {
    query = rest.substr(at + 1);
    rest = rest.substr(0, at);
  }
  if (query.find('#') != query.npos || rest.find('#') != rest.npos) return wrong("a # must be written %23");
  std::string_view authority = rest.substr(0, rest.find('/'));
  std::string_view path = rest.substr(authority.size());
  if (const auto at = authority.rfind('@'); at != authority.npos) {
    const std::string_view login = authority.substr(0, at);
    authority.remove_prefix(at + 1);
    const auto split = login.find(':');
    auto user = decoded(login.substr(0, split));
    auto password = decoded(split == login.npos ? std::string_view() : login.substr(split + 1));
    if (!user || !password) return wrong("the user or password has a % without two hexadecimal digits");
    if (!user->empty() && split == login.npos) return wrong("a user needs a password; of a password alone write :password@");
    out.user = std::move(*user);
    out.password = std::move(*password);
  } else if (rest.find('@') != rest.npos && !scheme->unix_socket) {
    return wrong("a / or ? in the password must be written %2F or %3F");
  }

  if (scheme->unix_socket) {
    if (!authority.empty()) return wrong("expected the path of a socket, which begins with /");
    auto text = decoded(path);
    if (!text || text->size() < 2 || text->find('\0') != std::string::npos) return wrong("expected the path of a socket");
    Endpoint socket;
    socket.path = std::move(*text);
    out.endpoints.push_back(std::move(socket));
  } else {
    const std::uint16_t port = out.topology == Topology::sentinel ? 26379 : 6379;
    while (true) {
      const auto comma = authority.find(',');
      Result<Endpoint> one = read_endpoint(authority.substr(0, comma), port);
      if (!one.ok()) return std::move(one).error();
      out.endpoints.push_back(std::move(*one));
      if (comma == authority.npos) break;
      authority.remove_prefix(comma + 1);
    }
    if (out.topology == Topology::single && out.endpoints.size() > 1) {
      return wrong("more than one host is for redis+sentinel:// and redis+cluster://");
    }
    if (!path.empty()) path.remove_prefix(1);
    if (out.topology == Topology::sentinel) {
      const auto split = path.find('/');
      auto name = decoded(path.substr(0, split));
      if (!name || name->empty()) return wrong("expected the master's name behind the sentinels: /NAME");
      out.master = std::move(*name);
      path = split == path.npos ? std::string_view() : path.substr(split + 1);
    }
    if (!path.empty()) SPIKARD_TRY(read_database(path, out));
  }

  while (!query.empty()) {
    const auto amp = query.find('&');
    const std::string_view pair = query.substr(0, amp);
    query = amp == query.npos ? std::string_view() : query.substr(amp + 1);
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    if (equals == pair.npos) return wrong("expected options as name=value");
    auto value = decoded(pair.substr(equals + 1));
    if (!value) return wrong("an option has a % without two hexadecimal digits");
    SPIKARD_TRY(read_option(pair.substr(0, equals), std::move(*value), extra, out));
  }
  return out;
}

Result<std::string> Options::prefix(std::string_view usual) const {
  const auto given = extra.find("prefix");
  std::string out(given == extra.end() ? usual : std::string_view(given->second));
  if (out.empty() || out.size() > 256 || out.find_first_of("{}") != std::string::npos)
    return invalid_argument("url: option prefix: 1 to 256 bytes without braces");
  return out;
}

}  // namespace spikard::net::redis
