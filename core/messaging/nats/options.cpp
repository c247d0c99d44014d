#include "messaging/nats/options.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "messaging/nats/protocol.hpp"

namespace spikard::messaging::nats {
namespace {

constexpr std::uint16_t default_port = 4222;

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
  if (name == "tls") return read_flag(name, value, out.tls);
  if (name == "verify") return read_flag(name, value, out.verify);
  if (name == "jetstream") return read_flag(name, value, out.jetstream);
  if (name == "create") return read_flag(name, value, out.create);
  if (name == "timeout_ms") return read_millis(name, value, 100, 600'000, out.timeout);
  if (name == "connect_timeout_ms") return read_millis(name, value, 100, 600'000, out.connect_timeout);
  if (name == "ping_ms") return read_millis(name, value, 100, 600'000, out.ping);
  if (name == "max_age_ms") return read_millis(name, value, 0, 3'155'760'000'000, out.max_age);
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
      if (out.jwt.empty() || out.seed.empty()) return bad_url(name, "a .creds file, with a JWT and a seed");
    } else {
      const std::size_t at = text->find("SU");
      if (at == std::string::npos) return bad_url(name, "a file with the seed of a user (SU...)");
      out.seed = text->substr(at, std::min(text->find_first_of(" \t\r\n", at), text->size()) - at);
    }
  } else if (name == "stream") {
    if (!stream_name(value)) return bad_url(name, "1 to 64 letters, digits, `-` and `_`");
    out.stream = value;
  } else if (name == "prefix") {
    if (!subject_prefix(value)) return bad_url(name, "nothing, or a subject that ends with a dot");
    out.prefix = value;
    prefix_given = true;
  } else if (name == "domain") {
    if (!stream_name(value)) return bad_url(name, "a name of letters, digits, `-` and `_`");
    out.domain = value;
  } else if (name == "storage") {
    if (value != "file" && value != "memory") return bad_url(name, "file or memory");
    out.memory_storage = value == "memory";
  } else if (name == "replicas") {
    std::uint64_t count = 0;
    SPIKARD_TRY(read_number(name, value, 1, 5, count));
    out.replicas = static_cast<std::uint32_t>(count);
  } else {
    return bad_url(
        std::string("option `") + std::string(name) + "`",
        "token, creds, nkey, tls, ca, verify, jetstream, stream, prefix, domain, create, storage, replicas, max_age_ms, "
        "timeout_ms, connect_timeout_ms or ping_ms");
  }
  return {};
}

}  // namespace

Result<NatsOptions> NatsOptions::parse(std::string_view url) {
  NatsOptions out;
  constexpr std::string_view scheme = "nats://";
  if (!url.starts_with(scheme)) return bad_url("scheme", "nats://HOST");
  url.remove_prefix(scheme.size());
  Result<BrokerUrl> read = BrokerUrl::parse(url, default_port);
  if (!read.ok()) return std::move(read).error();
  if (read->path && !read->path->empty()) return bad_url("server", "nothing behind its slash");
  out.servers = std::move(read->servers);
  if (read->password) {
    out.user = std::move(*read->user);
    out.password = std::move(*read->password);
  } else if (read->user) {
    out.token = std::move(*read->user);
  }
  bool prefix_given = false;
  for (const auto& [name, value] : read->options) SPIKARD_TRY(set(out, name, value, prefix_given));
  if (!prefix_given) out.prefix = out.stream + ".";
  // A stream of every subject would take in the server's own.
  if (out.prefix.empty()) out.create = false;
  return out;
}

}  // namespace spikard::messaging::nats
