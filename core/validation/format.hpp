#pragma once

#include <cstdint>
#include <string_view>

namespace spikard::validation::detail {

/// The formats that are asserted (fixtures/README.md, section 2); every other one accepts everything.
struct Format {
  std::string_view name;
  bool (*accepts)(std::string_view text);
  std::string_view error_type;
  std::string_view message;
};

/// nullptr for a format that is not asserted.
[[nodiscard]] const Format* find_format(std::string_view name) noexcept;

bool is_uuid(std::string_view s);
bool is_date(std::string_view s);
bool is_time(std::string_view s);
bool is_date_time(std::string_view s);
bool is_duration(std::string_view s);
bool is_email(std::string_view s);
bool is_hostname(std::string_view s);
bool is_ipv4(std::string_view s);
bool is_ipv6(std::string_view s);
bool is_uri(std::string_view s);
/// An `xn--` label: Punycode of a label that IDNA 2008 (RFC 5892) allows.
bool is_a_label(std::string_view label);

}  // namespace spikard::validation::detail
