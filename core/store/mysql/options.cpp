#include "store/mysql/options.hpp"

#include "store/url.hpp"

namespace spikard::store::mysql {
namespace {

Error bad(std::string message) { return Error(ErrorKind::invalid_argument, "url: " + std::move(message)); }

Result<void> set(const std::string& name, std::string value, Options& out) {
  if (name == "ssl-mode") {
    if (value == "disabled") out.ssl = Options::Ssl::disabled;
    else if (value == "preferred") out.ssl = Options::Ssl::preferred;
    else if (value == "required") out.ssl = Options::Ssl::required;
    else if (value == "verify_ca") out.ssl = Options::Ssl::verify_ca;
    else if (value == "verify_identity") out.ssl = Options::Ssl::verify_identity;
    else return bad("ssl-mode: expected disabled, preferred, required, verify_ca or verify_identity");
  } else if (name == "ssl-ca") {
    out.ca = std::move(value);
  } else if (name == "ssl-cert") {
    out.certificate = std::move(value);
  } else if (name == "ssl-key") {
    out.key = std::move(value);
  } else if (name == "socket") {
    if (!out.hosts.empty()) return bad("socket: there are hosts before the database already");
    if (!value.starts_with('/')) return bad("socket: expected the path of a UNIX socket");
    out.hosts.push_back({std::move(value), 0});
  } else if (name == "connect_timeout") {
    const std::optional<std::uint32_t> seconds = seconds_of(value);
    if (!seconds) return bad("connect_timeout: expected seconds from 1 to 3600");
    out.connect_timeout = std::chrono::seconds(*seconds);
  } else {
    return bad("there is no option " + name + "; there are ssl-mode, ssl-ca, ssl-cert, ssl-key, socket and connect_timeout");
  }
  return {};
}

}  // namespace

Result<Options> Options::from_url(std::string_view url) {
  std::string_view rest = url;
  if (rest.starts_with("mysql://")) rest.remove_prefix(8);
  else if (rest.starts_with("mariadb://")) rest.remove_prefix(10);
  else return bad("expected mysql://USER:PASSWORD@HOST:PORT/DATABASE");
  Result<ServerUrl> parts = ServerUrl::parse(rest);
  if (!parts.ok()) return std::move(parts).error();
  Options out;
  if (parts->user) out.user = std::move(*parts->user);
  out.password = std::move(parts->password);
  out.database = std::move(parts->database);
  for (ServerUrl::Host& host : parts->hosts) {
    const std::uint16_t port = host.port != 0 ? host.port : 3306;
    out.hosts.push_back({std::move(host.name), port});
  }
  for (auto& [name, value] : parts->options) SPIKARD_TRY(set(name, std::move(value), out));
  if (out.hosts.empty()) out.hosts.push_back({"localhost", 3306});
  if (out.database.empty()) return bad("expected a database: mysql://USER:PASSWORD@HOST:PORT/DATABASE");
  if (out.certificate.empty() != out.key.empty()) return bad("ssl-cert and ssl-key belong together");
  if (!out.ca.empty() && out.ssl != Options::Ssl::verify_ca && out.ssl != Options::Ssl::verify_identity)
    return bad("ssl-ca: nothing is checked by it; expected ssl-mode=verify_ca or verify_identity");
  if (out.user.size() > 4096 || out.database.size() > 4096) return bad("a name of more than 4096 bytes");
  return out;
}

std::string Options::id() const {
  std::string out = "mysql:" + user + "@";
  for (const Host& host : hosts) out += host.name + ":" + std::to_string(host.port) + ",";
  out.back() = '/';
  return out + database;
}

}  // namespace spikard::store::mysql
