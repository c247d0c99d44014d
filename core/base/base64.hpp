#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace spikard::base64 {

/// RFC 4648, section 4, padded. Appends.
void encode(std::string_view bytes, std::string& out);
[[nodiscard]] std::string encode(std::string_view bytes);
/// RFC 4648, section 5 (`-` and `_`), without padding.
[[nodiscard]] std::string encode_url(std::string_view bytes);

/// Strict: padding is required, no other characters, and the unused bits are 0 (one text for each value). Nothing when refused.
[[nodiscard]] std::optional<std::string> decode(std::string_view text);
/// The URL alphabet without padding, as strict.
[[nodiscard]] std::optional<std::string> decode_url(std::string_view text);

}  // namespace spikard::base64
