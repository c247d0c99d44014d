#pragma once

#include <string>
#include <string_view>

namespace spikard::net::signing {

/// SHA-256 of `bytes`, 32 bytes.
[[nodiscard]] std::string sha256(std::string_view bytes);
/// HMAC-SHA-256 (RFC 2104), 32 bytes.
[[nodiscard]] std::string hmac_sha256(std::string_view key, std::string_view bytes);
/// In lower case.
[[nodiscard]] std::string hex(std::string_view bytes);
/// Takes as long for any two texts of one length.
[[nodiscard]] bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept;
/// From the system's generator.
[[nodiscard]] std::string random_bytes(std::size_t size);

/// Percent-encodes all but RFC 3986's unreserved characters, with upper-case digits; `/` stays where `keep_slash`.
[[nodiscard]] std::string uri_encode(std::string_view text, bool keep_slash);
/// Undoes percent escapes; a broken one stays as it is.
[[nodiscard]] std::string uri_decode(std::string_view text);

}  // namespace spikard::net::signing
