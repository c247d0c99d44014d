#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "net/mqtt/packet.hpp"

namespace spikard::net::mqtt {

/// The reason code's name in the standard, or `an unknown reason`.
[[nodiscard]] std::string_view reason_name(std::uint8_t code) noexcept;

/// What a reason code from 0x80 on stands for: the one table between MQTT's and ours (MQTT 5, 2.4). The message has the name and,
/// where the server gave one, its own text; context `code`.
[[nodiscard]] Error error_of(std::uint8_t code, const Properties& properties = {});
/// A CONNACK of MQTT 3.1.1 (3.2.2.3).
[[nodiscard]] Error error_of_return_code(std::uint8_t code);
/// A SUBACK of MQTT 3.1.1 knows only 0x80: mostly that we may not.
[[nodiscard]] Error error_of_refused_subscription();

}  // namespace spikard::net::mqtt
