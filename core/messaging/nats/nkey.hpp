#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace spikard::messaging::nats {

/// The key of a user (nkeys): Ed25519, its seed as text `SU...`.
struct Nkey {
  /// `U...`. invalid_argument, which does not repeat the seed.
  [[nodiscard]] static Result<std::string> public_key(std::string_view seed);
  /// Of a server's nonce, as CONNECT has it (base64 of URLs).
  [[nodiscard]] static Result<std::string> sign(std::string_view seed, std::string_view nonce);
};

}  // namespace spikard::messaging::nats
