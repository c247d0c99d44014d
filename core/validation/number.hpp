#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/node.hpp"

namespace spikard::validation::detail {

/// A number as decimal digits and an exponent, exact for every JSON number: value = digits * 10^exponent. The slow path of
/// comparisons and multipleOf.
struct Decimal {
  bool negative = false;
  std::string digits;         ///< without leading and trailing zeros; empty for zero
  std::int64_t exponent = 0;  ///< clamped far outside of what can matter

  [[nodiscard]] static Decimal parse(std::string_view text);
  /// A double stands for its shortest decimal form (what the JSON text said, up to 17 digits).
  [[nodiscard]] static Decimal of(Value number);
  [[nodiscard]] bool is_zero() const noexcept { return digits.empty(); }
  [[nodiscard]] bool is_integer() const noexcept { return digits.empty() || exponent >= 0; }
};

/// <0, 0, >0; exact, also between int64, uint64, double and numtext.
[[nodiscard]] int compare_numbers(Value a, Value b);

/// Any number without a fraction: `1.0` is one.
[[nodiscard]] bool is_integral(Value number);

/// `multipleOf`, by decimal arithmetic: 0.0075 is a multiple of 0.0001. The divisor's digits must fit 64 bits.
class MultipleOf {
 public:
  /// False when the divisor is not above zero or has too many digits.
  [[nodiscard]] bool set(Value divisor);
  [[nodiscard]] bool matches(Value number) const;

 private:
  [[nodiscard]] bool matches_decimal(const Decimal& d) const;

  std::int64_t integer_ = 0;  ///< the divisor where it is an int64
  std::uint64_t digits_ = 0;  ///< the divisor is digits_ * 10^exponent_
  std::int64_t exponent_ = 0;
  double scale_ = 0;  ///< 10^-exponent_, for exponents of -1 to -15
};

}  // namespace spikard::validation::detail
