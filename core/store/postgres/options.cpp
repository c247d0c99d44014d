#include "store/postgres/options.hpp"

#include <optional>

#include "store/url.hpp"

namespace spikard::store::postgres {
namespace {

Error bad(std::string message) { return Error(ErrorKind::invalid_argument, "url: " + std::move(message)); }

void take_hosts(std::vector<ServerUrl::Host> hosts, Options& out) {
  for (ServerUrl::Host& host : hosts) {
    const std::uint16_t port = host.port != 0 ? host.port : 5432;
    out.hosts.push_back({std::move(host.name), port});
  }
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
    Result<std::vector<ServerUrl::Host>> hosts = ServerUrl::parse_hosts(value);
    if (!hosts.ok()) return std::move(hosts).error();
    take_hosts(std::move(*hosts), out);
  } else if (name == "application_name") {
    out.application_name = std::move(value);
  } else if (name == "options") {
    out.startup_options = std::move(value);
  } else if (name == "connect_timeout") {
    const std::optional<std::uint32_t> seconds = seconds_of(value);
    if (!seconds) return one_of("seconds from 1 to 3600");
    out.connect_timeout = std::chrono::seconds(*seconds);
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
  Result<ServerUrl> url_parts = ServerUrl::parse(rest);
  if (!url_parts.ok()) return std::move(url_parts).error();
  Options out;
  out.database = std::move(url_parts->database);
  if (url_parts->user) out.user = std::move(*url_parts->user);
  out.password = std::move(url_parts->password);
  take_hosts(std::move(url_parts->hosts), out);
  for (auto& [name, value] : url_parts->options) SPIKARD_TRY(set(name, std::move(value), out));
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
