#include "store/url.hpp"

#include <charconv>

namespace spikard::store {
namespace {

Error bad(std::string message) { return Error(ErrorKind::invalid_argument, "url: " + std::move(message)); }

int hex(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size() || hex(text[i + 1]) < 0 || hex(text[i + 2]) < 0) return std::nullopt;
    out.push_back(static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2])));
    i += 2;
  }
  if (out.find('\0') != std::string::npos) return std::nullopt;
  return out;
}

template <class T>
std::optional<T> number_of(std::string_view text) noexcept {
  T value = 0;
  const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || stop != text.data() + text.size() || value == 0) return std::nullopt;
  return value;
}

/// The part before `between`, taken off with it; all of it where there is none.
std::string_view cut(std::string_view& rest, char between) {
  const std::size_t end = rest.find(between);
  const std::string_view part = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return part;
}

Result<ServerUrl::Host> host_of(std::string_view one) {
  ServerUrl::Host host;
  std::string_view name = one;
  std::string_view port;
  if (one.starts_with('[')) {
    const std::size_t end = one.find(']');
    if (end == std::string_view::npos) return bad("expected ] behind an IPv6 address");
    name = one.substr(1, end - 1);
    port = one.substr(end + 1);
    if (!port.empty() && !port.starts_with(':')) return bad("expected a port behind ]");
    if (!port.empty()) port.remove_prefix(1);
  } else if (const std::size_t colon = one.rfind(':'); colon != std::string_view::npos) {
    name = one.substr(0, colon);
    port = one.substr(colon + 1);
  }
  if (!port.empty()) {
    const auto number = number_of<std::uint16_t>(port);
    if (!number) return bad("expected a port from 1 to 65535");
    host.port = *number;
  }
  std::optional<std::string> decoded = decode(name);
  if (!decoded) return bad("a broken % escape");
  host.name = decoded->empty() ? "localhost" : std::move(*decoded);
  return host;
}

}  // namespace

std::optional<std::uint32_t> seconds_of(std::string_view text) noexcept {
  const auto seconds = number_of<std::uint32_t>(text);
  if (!seconds || *seconds > 3600) return std::nullopt;
  return seconds;
}

Result<std::vector<ServerUrl::Host>> ServerUrl::parse_hosts(std::string_view list) {
  std::vector<Host> out;
  do {
    Result<Host> host = host_of(cut(list, ','));
    if (!host.ok()) return std::move(host).error();
    out.push_back(std::move(*host));
  } while (!list.empty());
  return out;
}

Result<ServerUrl> ServerUrl::parse(std::string_view rest) {
  ServerUrl out;
  std::string_view query;
  if (const std::size_t at = rest.find('?'); at != std::string_view::npos) {
    query = rest.substr(at + 1);
    rest = rest.substr(0, at);
  }
  if (const std::size_t slash = rest.find('/'); slash != std::string_view::npos) {
    const std::optional<std::string> database = decode(rest.substr(slash + 1));
    if (!database) return bad("a broken % escape");
    out.database = *database;
    rest = rest.substr(0, slash);
  }
  if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
    std::string_view who = rest.substr(0, at);
    rest.remove_prefix(at + 1);
    std::optional<std::string> user = decode(cut(who, ':'));
    std::optional<std::string> password = decode(who);
    if (!user || !password) return bad("a broken % escape");
    if (!user->empty()) out.user = std::move(user);
    out.password = std::move(*password);
  }
  if (!rest.empty()) {
    Result<std::vector<Host>> hosts = parse_hosts(rest);
    if (!hosts.ok()) return std::move(hosts).error();
    out.hosts = std::move(*hosts);
  }
  while (!query.empty()) {
    const std::string_view pair = cut(query, '&');
    const std::size_t equals = pair.find('=');
    std::optional<std::string> value = equals == std::string_view::npos ? std::nullopt : decode(pair.substr(equals + 1));
    if (!value) return bad("expected name=value behind the question mark");
    out.options.emplace_back(pair.substr(0, equals), std::move(*value));
  }
  return out;
}

}  // namespace spikard::store
