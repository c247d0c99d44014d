#include "net/mqtt/reason.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

namespace spikard::net::mqtt {
namespace {

struct Reason {
  std::uint8_t code;
  std::string_view name;
  ErrorKind kind;
  RetryClass retry;
};
using K = ErrorKind;
constexpr RetryClass temporary = RetryClass::temporary;
constexpr RetryClass permanent = RetryClass::permanent;
constexpr std::array reasons{
    Reason{0x80, "unspecified error", K::unavailable, temporary},
    Reason{0x81, "malformed packet", K::internal, permanent},
    Reason{0x82, "protocol error", K::internal, permanent},
    Reason{0x83, "implementation specific error", K::unavailable, temporary},
    Reason{0x84, "unsupported protocol version", K::unsupported, permanent},
    Reason{0x85, "client identifier not valid", K::invalid_argument, permanent},
    Reason{0x86, "bad user name or password", K::permission_denied, permanent},
    Reason{0x87, "not authorized", K::permission_denied, permanent},
    Reason{0x88, "server unavailable", K::unavailable, temporary},
    Reason{0x89, "server busy", K::unavailable, temporary},
    Reason{0x8a, "banned", K::permission_denied, permanent},
    Reason{0x8b, "server shutting down", K::unavailable, temporary},
    Reason{0x8c, "bad authentication method", K::permission_denied, permanent},
    Reason{0x8d, "keep alive timeout", K::unavailable, temporary},
    Reason{0x8e, "session taken over", K::conflict, temporary},
    Reason{0x8f, "topic filter invalid", K::invalid_argument, permanent},
    Reason{0x90, "topic name invalid", K::invalid_argument, permanent},
    Reason{0x91, "packet identifier in use", K::conflict, temporary},
    Reason{0x92, "packet identifier not found", K::outcome_unknown, permanent},
    Reason{0x93, "receive maximum exceeded", K::internal, permanent},
    Reason{0x94, "topic alias invalid", K::internal, permanent},
    Reason{0x95, "packet too large", K::too_large, permanent},
    Reason{0x96, "message rate too high", K::rate_limited, temporary},
    Reason{0x97, "quota exceeded", K::rate_limited, temporary},
    Reason{0x98, "administrative action", K::unavailable, temporary},
    Reason{0x99, "payload format invalid", K::invalid_argument, permanent},
    Reason{0x9a, "retain not supported", K::unsupported, permanent},
    Reason{0x9b, "QoS not supported", K::unsupported, permanent},
    Reason{0x9c, "use another server", K::unavailable, temporary},
    Reason{0x9d, "server moved", K::unavailable, permanent},
    Reason{0x9e, "shared subscriptions not supported", K::unsupported, permanent},
    Reason{0x9f, "connection rate exceeded", K::rate_limited, temporary},
    Reason{0xa0, "maximum connect time", K::unavailable, temporary},
    Reason{0xa1, "subscription identifiers not supported", K::unsupported, permanent},
    Reason{0xa2, "wildcard subscriptions not supported", K::unsupported, permanent},
};

const Reason* find(std::uint8_t code) noexcept {
  const auto at = std::find_if(reasons.begin(), reasons.end(), [code](const Reason& one) { return one.code == code; });
  return at == reasons.end() ? nullptr : &*at;
}

constexpr std::size_t max_server_text = 200;

}  // namespace

std::string_view reason_name(std::uint8_t code) noexcept {
  const Reason* found = find(code);
  return found == nullptr ? std::string_view("an unknown reason") : found->name;
}

Error error_of(std::uint8_t code, const Properties& properties) {
  const Reason* found = find(code);
  std::string message = "the MQTT server says: " + std::string(reason_name(code));
  if (const std::string* text = properties.text(PropertyId::reason_string); text != nullptr && !text->empty())
    message.append(" (").append(text->substr(0, max_server_text)).append(")");
  return Error(found == nullptr ? ErrorKind::unavailable : found->kind, std::move(message))
      .with_retry(found == nullptr ? temporary : found->retry)
      .with("code", fmt::format("0x{:02x}", code))
      .with_operation("net.mqtt");
}

Error error_of_return_code(std::uint8_t code) {
  switch (code) {
    case 1: return error_of(0x84);
    case 2: return error_of(0x85);
    case 3: return error_of(0x88);
    case 4: return error_of(0x86);
    case 5: return error_of(0x87);
    default: return error_of(0x80);
  }
}

Error error_of_refused_subscription() {
  return Error(ErrorKind::permission_denied, "the MQTT server refused the subscription")
      .with("code", "0x80")
      .with_operation("net.mqtt");
}

}  // namespace spikard::net::mqtt
