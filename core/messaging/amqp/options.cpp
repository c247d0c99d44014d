#include "messaging/amqp/options.hpp"

#include <algorithm>

namespace spikard::messaging::amqp {
namespace {

/// Part of names of queues, which have at most 255 bytes.
bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && !text.starts_with("amq.") && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

Result<void> set(AmqpOptions& out, std::string_view name, const std::string& value) {
  std::uint64_t number = 0;
  if (name == "verify" || name == "ca" || name == "certificate" || name == "key") {
    if (!out.tls) return bad_url(name, "`amqps:` with it");
    if (name == "verify") return read_flag(name, value, out.verify);
    if (value.empty()) return bad_url(name, "a PEM file");
    (name == "ca" ? out.ca : name == "key" ? out.key : out.certificate) = value;
  } else if (name == "auth") {
    if (value != "plain" && value != "external") return bad_url(name, "plain or external");
    out.external = value == "external";
  } else if (name == "name") {
    if (!is_name(value)) return bad_url(name, "1 to 64 letters, digits, `.`, `-` and `_`, not beginning with `amq.`");
    out.name = value;
  } else if (name == "mandatory") {
    return read_flag(name, value, out.mandatory);
  } else if (name == "replicas") {
    SPIKARD_TRY(read_number(name, value, 1, 99, number));
    out.replicas = static_cast<std::uint32_t>(number);
  } else if (name == "heartbeat_s") {
    SPIKARD_TRY(read_number(name, value, 1, 600, number));
    out.heartbeat = std::chrono::seconds(number);
  } else if (name == "timeout_ms") {
    return read_millis(name, value, 100, 600'000, out.timeout);
  } else if (name == "connect_timeout_ms") {
    return read_millis(name, value, 100, 600'000, out.connect_timeout);
  } else {
    return bad_url(
        "option `" + std::string(name) + "`",
        "name, mandatory, replicas, heartbeat_s, timeout_ms, connect_timeout_ms, auth, ca, certificate, key or verify");
  }
  return {};
}

}  // namespace

Result<AmqpOptions> AmqpOptions::parse(std::string_view url) {
  AmqpOptions out;
  out.tls = url.starts_with("amqps://");
  if (!out.tls && !url.starts_with("amqp://")) return bad_url("scheme", "amqp://HOST or amqps://HOST");
  url.remove_prefix(url.find("//") + 2);
  Result<BrokerUrl> read = BrokerUrl::parse(url, out.tls ? 5671 : 5672);
  if (!read.ok()) return std::move(read).error();
  out.servers = std::move(read->servers);
  if (read->user) {
    out.user = std::move(*read->user);
    out.password = read->password.value_or(std::string());
  }
  // `amqp://HOST/` is the default one as well: nobody has a virtual host without a name.
  if (read->path && !read->path->empty()) out.vhost = std::move(*read->path);
  if (out.vhost.size() > 255) return bad_url("virtual host", "at most 255 bytes");
  for (const auto& [name, value] : read->options) SPIKARD_TRY(set(out, name, value));
  if (out.certificate.empty() != out.key.empty()) return bad_url("certificate", "`certificate` and `key` together");
  if (out.external && out.certificate.empty()) return bad_url("auth", "a `certificate` and a `key` with external");
  return out;
}

}  // namespace spikard::messaging::amqp
