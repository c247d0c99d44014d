#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace spikard::store::mysql {

/// What a connection knows when it is asked who it is.
struct AuthContext {
  std::string_view password;
  std::string_view scramble;  ///< 20 bytes, the server's
  bool secret = false;        ///< nobody can listen: TLS, or a UNIX socket
};

/// The answer of an authentication plugin: mysql_native_password, caching_sha2_password, mysql_clear_password (over TLS only).
/// Errors: unsupported for others, permission_denied where the password would go in clear text.
[[nodiscard]] Result<std::string> auth_response(std::string_view plugin, const AuthContext& context);
/// What the plugin says to more data of the server (`0x01`, without it); empty: nothing is to be sent. Errors: as above.
[[nodiscard]] Result<std::string> auth_continue(std::string_view plugin, std::string_view data, const AuthContext& context);

}  // namespace spikard::store::mysql
