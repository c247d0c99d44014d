#include "validation/number.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace spikard::validation::detail {
namespace {

constexpr std::int64_t exponent_bound = 1'000'000'000'000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int sign_of(const Decimal& d) { return d.is_zero() ? 0 : (d.negative ? -1 : 1); }

}  // namespace

Decimal Decimal::parse(std::string_view text) {
  Decimal d;
  std::size_t i = 0;
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) d.negative = text[i++] == '-';
  bool fraction = false;
  for (; i < text.size(); ++i) {
    if (is_digit(text[i])) {
      d.digits.push_back(text[i]);
      if (fraction) --d.exponent;
    } else if (text[i] == '.') {
      fraction = true;
    } else {
      break;
    }
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    bool negative = false;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) negative = text[i++] == '-';
    std::int64_t e = 0;
    for (; i < text.size() && is_digit(text[i]); ++i) e = std::min(e * 10 + (text[i] - '0'), exponent_bound);
    d.exponent += negative ? -e : e;
  }
  d.digits.erase(0, std::min(d.digits.find_first_not_of('0'), d.digits.size()));
  while (!d.digits.empty() && d.digits.back() == '0') {
    d.digits.pop_back();
    ++d.exponent;
  }
  if (d.digits.empty()) {
    d.negative = false;
    d.exponent = 0;
  }
  return d;
}

Decimal Decimal::of(Value number) {
  char buffer[32];
  std::to_chars_result r{};
  switch (number.type()) {
    case NodeType::integer: r = std::to_chars(buffer, buffer + sizeof buffer, number.as_int()); break;
    case NodeType::uinteger: r = std::to_chars(buffer, buffer + sizeof buffer, number.as_uint()); break;
    case NodeType::number: r = std::to_chars(buffer, buffer + sizeof buffer, number.as_double()); break;
    default: return parse(number.text());
  }
  return parse({buffer, static_cast<std::size_t>(r.ptr - buffer)});
}

int compare_numbers(Value a, Value b) {
  if (a.type() == NodeType::integer && b.type() == NodeType::integer) {
    return a.as_int() < b.as_int() ? -1 : (a.as_int() > b.as_int() ? 1 : 0);
  }
  if (a.type() != NodeType::numtext && b.type() != NodeType::numtext) {
    // 64 bits of mantissa hold every int64, uint64 and double exactly.
    static_assert(std::numeric_limits<long double>::digits >= 64);
    const auto wide = [](Value v) -> long double {
      switch (v.type()) {
        case NodeType::integer: return static_cast<long double>(v.as_int());
        case NodeType::uinteger: return static_cast<long double>(v.as_uint());
        default: return static_cast<long double>(v.as_double());
      }
    };
    const long double x = wide(a);
    const long double y = wide(b);
    return x < y ? -1 : (x > y ? 1 : 0);
  }
  const Decimal x = Decimal::of(a);
  const Decimal y = Decimal::of(b);
  if (sign_of(x) != sign_of(y)) return sign_of(x) < sign_of(y) ? -1 : 1;
  if (x.is_zero()) return 0;
  const auto magnitude = [](const Decimal& d) { return static_cast<std::int64_t>(d.digits.size()) + d.exponent; };
  int order = 0;
  if (magnitude(x) != magnitude(y)) order = magnitude(x) < magnitude(y) ? -1 : 1;
  else order = x.digits.compare(y.digits);
  order = order < 0 ? -1 : (order > 0 ? 1 : 0);
  return x.negative ? -order : order;
}

bool is_integral(Value number) {
  switch (number.type()) {
    case NodeType::integer:
    case NodeType::uinteger: return true;
    case NodeType::number: return std::floor(number.as_double()) == number.as_double();
    case NodeType::numtext: return Decimal::parse(number.text()).is_integer();
    default: return false;
  }
}

bool MultipleOf::set(Value divisor) {
  const Decimal d = Decimal::of(divisor);
  if (d.is_zero() || d.negative || d.digits.size() > 19) return false;
  const auto [end, ec] = std::from_chars(d.digits.data(), d.digits.data() + d.digits.size(), digits_);
  if (ec != std::errc()) return false;
  exponent_ = d.exponent;
  integer_ = 0;
  if (exponent_ >= 0 && exponent_ <= 18) {
    std::uint64_t v = digits_;
    bool fits = true;
    for (std::int64_t i = 0; i < exponent_; ++i) fits = fits && !__builtin_mul_overflow(v, std::uint64_t{10}, &v);
    if (fits && v <= INT64_MAX) integer_ = static_cast<std::int64_t>(v);
  }
  scale_ = 0;
  if (exponent_ < 0 && exponent_ >= -15) {
    scale_ = 1;
    for (std::int64_t i = 0; i > exponent_; --i) scale_ *= 10;  // exact up to 10^22
  }
  return true;
}

bool MultipleOf::matches(Value number) const {
  if (number.type() == NodeType::integer && integer_ != 0) return number.as_int() % integer_ == 0;
  if (number.type() == NodeType::number && scale_ != 0) {
    // When r / 10^k with r below 10^15 rounds to this very double, r * 10^-k is its shortest decimal form.
    const double v = std::fabs(number.as_double());
    const double r = std::nearbyint(v * scale_);
    if (r < 1e15 && r / scale_ == v) return static_cast<std::uint64_t>(r) % digits_ == 0;
  }
  return matches_decimal(Decimal::of(number));
}

bool MultipleOf::matches_decimal(const Decimal& d) const {
  if (d.is_zero()) return true;
  // The quotient would need a factor 10 in d's digits, which end in another digit than 0.
  if (d.exponent < exponent_) return false;
  const auto mul = [m = digits_](std::uint64_t a, std::uint64_t b) {
    return static_cast<std::uint64_t>(static_cast<unsigned __int128>(a) * b % m);
  };
  std::uint64_t rest = 0;
  for (const char c : d.digits) {
    rest = static_cast<std::uint64_t>((static_cast<unsigned __int128>(rest) * 10 + static_cast<unsigned>(c - '0')) % digits_);
  }
  std::uint64_t power = 10 % digits_;
  for (std::uint64_t n = static_cast<std::uint64_t>(d.exponent - exponent_); n != 0; n >>= 1) {
    if ((n & 1) != 0) rest = mul(rest, power);
    power = mul(power, power);
  }
  return rest == 0;
}

}  // namespace spikard::validation::detail
