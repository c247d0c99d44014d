#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spikard::net::http {

/// In the order they came; names as they came.
using Headers = std::vector<std::pair<std::string, std::string>>;

/// The first of that name (any case), or empty.
[[nodiscard]] std::string_view find_header(const Headers& headers, std::string_view name) noexcept;
[[nodiscard]] bool has_header(const Headers& headers, std::string_view name) noexcept;
[[nodiscard]] bool is_field_name(std::string_view name) noexcept;    ///< a token
[[nodiscard]] bool is_field_value(std::string_view value) noexcept;  ///< no control character but tab

}  // namespace spikard::net::http
