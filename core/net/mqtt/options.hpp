#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "net/mqtt/packet.hpp"
#include "net/server.hpp"

namespace spikard::net::mqtt {

/// How to be a client of a broker.
struct ClientOptions {
  ClientOptions() = default;
  std::vector<Server> servers{};  ///< tried in turn
  bool tls = false;
  std::string ca{};  ///< PEM file; empty: the system's
  bool verify = true;
  Version version = Version::v5;
  std::string client_id{};
  std::optional<std::string> user{};
  std::optional<std::string> password{};
  bool clean_start = false;  ///< forgets what the server has of us: the first connection (MQTT 3.1.1: every one)
  std::chrono::seconds session_expiry{std::chrono::hours(24)};  ///< MQTT 5: after the connection; zero: with it
  std::chrono::seconds keep_alive{15};
  std::uint16_t receive_maximum = 256;
  /// Ours under way. MQTT 5: the server's receive maximum where that is less. 0: 1024, and 20 with MQTT 3.1.1, where a server has
  /// no way to say how many and may throw out who sends more (Mosquitto does from 20 on).
  std::uint16_t send_maximum = 0;
  std::uint32_t max_packet = 68U << 20U;
  std::optional<Will> will{};
  Duration connect_timeout{std::chrono::seconds(5)};
  Duration timeout{std::chrono::seconds(10)};  ///< of everything the server is asked
};

/// `mqtt://[USER[:PASSWORD]@]HOST[:PORT][,HOST[:PORT]...][?NAME=VALUE&...]`, or `mqtts://`. Sets what is of the connection; the
/// options it does not know are left in `rest`, decoded.
struct Url {
  ClientOptions client;
  std::vector<std::pair<std::string, std::string>> rest{};
  /// invalid_argument naming the part of the URL, and never a secret.
  [[nodiscard]] static Result<Url> parse(std::string_view url);
};

/// For options of URLs: the whole text as a number of this range.
[[nodiscard]] Result<std::uint64_t> read_number(std::string_view name, std::string_view text, std::uint64_t least,
                                                std::uint64_t most);
/// true, 1, false, 0.
[[nodiscard]] Result<bool> read_flag(std::string_view name, std::string_view text);

}  // namespace spikard::net::mqtt
