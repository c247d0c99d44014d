#include "messaging/url.hpp"

#include <algorithm>
#include <charconv>

#include "net/signing/hash.hpp"

namespace spikard::messaging {
namespace {

using net::signing::uri_decode;

}  // namespace

Result<BrokerUrl> BrokerUrl::parse(std::string_view rest, std::uint16_t default_port) {
  BrokerUrl out;
  const std::size_t question = std::min(rest.find('?'), rest.size());
  std::string_view query = rest.substr(std::min(question + 1, rest.size()));
  std::string_view hosts = rest.substr(0, question);
  if (const std::size_t at = hosts.rfind('@'); at != std::string_view::npos) {
    const std::string_view user = hosts.substr(0, at);
    hosts.remove_prefix(at + 1);
    const std::size_t colon = user.find(':');
    out.user = uri_decode(user.substr(0, colon));
    if (colon != std::string_view::npos) out.password = uri_decode(user.substr(colon + 1));
  }
  if (const std::size_t slash = hosts.find('/'); slash != std::string_view::npos) {
    out.path = uri_decode(hosts.substr(slash + 1));
    hosts = hosts.substr(0, slash);
  }
  for (bool more = true; more;) {
    const std::size_t comma = hosts.find(',');
    more = comma != std::string_view::npos;
    Result<Server> server = Server::parse(hosts.substr(0, comma), default_port);
    if (!server.ok()) return std::move(server).error();
    out.servers.push_back(std::move(*server));
    if (more) hosts.remove_prefix(comma + 1);
  }
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view one = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (one.empty()) continue;
    const std::size_t equals = std::min(one.find('='), one.size());
    out.options.emplace_back(one.substr(0, equals), equals == one.size() ? std::string() : uri_decode(one.substr(equals + 1)));
  }
  return out;
}

Error bad_url(std::string_view what, std::string_view expected) {
  return invalid_argument("url: " + std::string(what) + ": expected " + std::string(expected));
}

Result<void> read_flag(std::string_view name, std::string_view text, bool& into) {
  if (text != "true" && text != "1" && text != "false" && text != "0") return bad_url(name, "true or false");
  into = text == "true" || text == "1";
  return {};
}

Result<void> read_number(std::string_view name, std::string_view text, std::uint64_t least, std::uint64_t most,
                         std::uint64_t& into) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value < least || value > most)
    return bad_url(name, "a number from " + std::to_string(least) + " to " + std::to_string(most));
  into = value;
  return {};
}

Result<void> read_millis(std::string_view name, std::string_view text, std::uint64_t least, std::uint64_t most, Duration& into) {
  std::uint64_t value = 0;
  SPIKARD_TRY(read_number(name, text, least, most, value));
  into = std::chrono::milliseconds(value);
  return {};
}

}  // namespace spikard::messaging
