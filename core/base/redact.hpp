#pragma once

#include <string>
#include <string_view>

namespace spikard {

inline constexpr std::string_view redacted = "[redacted]";

/// True for names whose values must never be logged: those that contain password, passwd, secret, token, authorization, cookie,
/// credential, private key or api key (any case; `-`, `_` and nothing between the two words alike).
[[nodiscard]] bool is_secret_name(std::string_view name) noexcept;

/// A copy of `text` in which the user information of every URL (`scheme://user:password@host`) is `[redacted]`.
[[nodiscard]] std::string redact_urls(std::string_view text);

}  // namespace spikard
