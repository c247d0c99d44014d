#pragma once

#include <string_view>

#include "base/error.hpp"

namespace spikard::net::redis {

/// What the server's error means. `text` is its message (`WRONGTYPE Operation against...`); the code before the first blank is in
/// the context as `redis.error`.
[[nodiscard]] Error error_of(std::string_view text);

/// The code of a server's error: its first word.
[[nodiscard]] std::string_view code_of(std::string_view text) noexcept;

}  // namespace spikard::net::redis
