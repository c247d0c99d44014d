#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace spikard::net::kafka {

enum class SaslMechanism : std::uint8_t { none, plain, scram_sha_256, scram_sha_512 };
[[nodiscard]] std::string_view name_of(SaslMechanism mechanism) noexcept;

/// The client's side of SCRAM (RFC 5802, 7677), without channel binding. One exchange.
class Scram {
 public:
  /// `nonce`: printable, without comma.
  Scram(SaslMechanism mechanism, std::string user, std::string password, std::string nonce);
  [[nodiscard]] std::string first() const;
  /// The answer to the server's first message. permission_denied for one that is not for us or asks for too little or too much
  /// work.
  [[nodiscard]] Result<std::string> last(std::string_view server_first);
  /// The server knows the password as well.
  [[nodiscard]] Result<void> verify(std::string_view server_last) const;

 private:
  SaslMechanism mechanism_;
  std::string password_;
  std::string nonce_;
  std::string bare_;
  std::string server_signature_;
};
/// From the system's random numbers.
[[nodiscard]] std::string scram_nonce();

}  // namespace spikard::net::kafka
