#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace spikard::store::postgres {

/// SCRAM-SHA-256 (RFC 5802, 7677) as a client, without channel binding. PostgreSQL takes the user's name from the startup
/// message, so the one in here is empty.
class Scram {
 public:
  /// `nonce`: random printable text without a comma.
  Scram(std::string password, std::string nonce);

  [[nodiscard]] const std::string& first() const noexcept { return first_; }
  /// The answer to the server's first message. permission_denied for one that does not fit ours.
  [[nodiscard]] Result<std::string> answer(std::string_view server_first);
  /// Checks that the server knows the password as well.
  [[nodiscard]] Result<void> verify(std::string_view server_final) const;

  [[nodiscard]] static std::string random_nonce();

 private:
  std::string password_;
  std::string nonce_;
  std::string first_;
  std::string server_signature_;
};

/// What PostgreSQL's md5 method wants.
[[nodiscard]] std::string md5_password(std::string_view user, std::string_view password, std::string_view salt);

}  // namespace spikard::store::postgres
