#include "store/postgres/options.hpp"

#include <charconv>
#include <optional>

namespace spikard::store::postgres {
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

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (code != std::errc() || stop != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

template <class F>
bool each_of(std::string_view list, char between, F fn) {
  while (true) {
    const std::size_t end = list.find(between);
    if (!fn(list.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    list.remove_prefix(end + 1);
  }
}

Result<void> read_hosts(std::string_view authority, Options& out) {
  std::string wrong;
  const bool good = each_of(authority, ',', [&](std::string_view one) {
    Options::Host host;
    std::string_view name = one;
    std::string_view port;
    if (one.starts_with('[')) {
      const std::size_t end = one.find(']');
      if (end == std::string_view::npos) {
        wrong = "expected ] behind an IPv6 address";
        return false;
      }
      name = one.substr(1, end - 1);
      port = one.substr(end + 1);
      if (!port.empty() && !port.starts_with(':')) wrong = "expected a port behind ]";
      if (!port.empty()) port.remove_prefix(1);
    } else if (const std::size_t colon = one.rfind(':'); colon != std::string_view::npos) {
      name = one.substr(0, colon);
      port = one.substr(colon + 1);
    }
    if (!port.empty()) {
      const auto number = port_of(port);
      if (!number) wrong = "expected a port from 1 to 65535";
      host.port = number.value_or(0);
    }
    std::optional<std::string> decoded = decode(name);
    if (!decoded) wrong = "a broken % escape";
    host.name = decoded.value_or("");
    if (host.name.empty()) host.name = "localhost";
    out.hosts.push_back(std::move(host));
    return wrong.empty();
  });
  if (!good) return bad(std::move(wrong));
  return {};
}

Result<void> set(std::string_view name, std::string value, Options& out) {
  const auto one_of = [&](std::string_view expected) { return bad(std::string(name) + ": expected " + std::string(expected)); };
  if (name == "sslmode") {
    if (value == "disable") out.ssl = Options::Ssl::disable;
    else if (value == "allow" || value == "prefer") out.ssl = Options::Ssl::prefer;
    else if (value == "require") out.ssl = Options::Ssl::require;
    else if (value == "verify-ca") out.ssl = Options::Ssl::verify_ca;
    else if (value == "verify-full") out.ssl = Options::Ssl::verify_full;
    else return one_of("disable, prefer, require, verify-ca or verify-full");
  } else if (name == "target_session_attrs") {
    if (value == "any") out.target = Options::Target::any;
    else if (value == "read-write") out.target = Options::Target::read_write;
    else if (value == "read-only") out.target = Options::Target::read_only;
    else if (value == "primary") out.target = Options::Target::primary;
    else if (value == "standby") out.target = Options::Target::standby;
    else if (value == "prefer-standby") out.target = Options::Target::prefer_standby;
    else return one_of("any, read-write, read-only, primary, standby or prefer-standby");
  } else if (name == "sslrootcert") {
    out.ca = value == "system" ? std::string() : std::move(value);
  } else if (name == "sslcert") {
    out.certificate = std::move(value);
  } else if (name == "sslkey") {
    out.key = std::move(value);
  } else if (name == "user") {
    out.user = std::move(value);
  } else if (name == "password") {
    out.password = std::move(value);
  } else if (name == "dbname") {
    out.database = std::move(value);
  } else if (name == "host") {
    // A folder of sockets cannot stand between the slashes; `host=` beside hosts would mean two things.
    if (!out.hosts.empty()) return bad("host: there are hosts before the database already");
    return read_hosts(value, out);
  } else if (name == "application_name") {
    out.application_name = std::move(value);
  } else if (name == "options") {
    out.startup_options = std::move(value);
  } else if (name == "connect_timeout") {
    std::uint32_t seconds = 0;
    const auto [stop, code] = std::from_chars(value.data(), value.data() + value.size(), seconds);
    if (code != std::errc() || stop != value.data() + value.size() || seconds == 0 || seconds > 3600)
      return one_of("seconds from 1 to 3600");
    out.connect_timeout = std::chrono::seconds(seconds);
  } else if (name == "prepared") {
    if (value != "true" && value != "false") return one_of("true or false");
    out.prepared = value == "true";
  } else {
    return bad("there is no option " + std::string(name) +
               "; there are sslmode, sslrootcert, sslcert, sslkey, target_session_attrs, application_name, options, "
               "connect_timeout, prepared, host, user, password and dbname");
  }
  return {};
}

}  // namespace

Result<Options> Options::from_url(std::string_view url) {
  std::string_view rest = url;
  if (rest.starts_with("postgres://")) rest.remove_prefix(11);
  else if (rest.starts_with("postgresql://")) rest.remove_prefix(13);
  else return bad("expected postgres://USER:PASSWORD@HOST:PORT/DATABASE");
  Options out;
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
    const std::string_view who = rest.substr(0, at);
    rest.remove_prefix(at + 1);
    const std::size_t colon = who.find(':');
    const std::optional<std::string> user = decode(who.substr(0, colon));
    const std::optional<std::string> password =
        colon == std::string_view::npos ? std::optional<std::string>("") : decode(who.substr(colon + 1));
    if (!user || !password) return bad("a broken % escape");
    if (!user->empty()) out.user = *user;
    out.password = *password;
  }
  if (!rest.empty()) SPIKARD_TRY(read_hosts(rest, out));
  if (!query.empty()) {
    Result<void> result;
    const bool good = each_of(query, '&', [&](std::string_view pair) {
      const std::size_t equals = pair.find('=');
      const std::optional<std::string> value = equals == std::string_view::npos ? std::nullopt : decode(pair.substr(equals + 1));
      if (!value) result = bad("expected name=value behind the question mark");
      else result = set(pair.substr(0, equals), *value, out);
      return result.ok();
    });
    if (!good) return std::move(result).error();
  }
  if (out.hosts.empty()) out.hosts.push_back({"localhost", 5432});
  if (out.database.empty()) out.database = out.user;
  if (out.certificate.empty() != out.key.empty()) return bad("sslcert and sslkey belong together");
  for (const std::string* text : {&out.user, &out.database, &out.application_name, &out.startup_options}) {
    if (text->size() > 4096) return bad("a name of more than 4096 bytes");
  }
  return out;
}

std::string Options::id() const {
  std::string out = "postgres:" + user + "@";
  for (const Host& host : hosts) out += host.name + ":" + std::to_string(host.port) + ",";
  out.back() = '/';
  out += database;
  if (!startup_options.empty()) out += "?" + startup_options;
  return out;
}

}  // namespace spikard::store::postgres
