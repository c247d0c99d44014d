#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace spikard::validation::detail {

/// A regular expression of ECMA-262 (Unicode mode, as JSON Schema asks; escapes of punctuation that Unicode mode would refuse are
/// taken literally, as in most schemas found in the wild), parsed. The matchers are made from this, never from the text.
struct Ecma {
  enum class Kind : std::uint8_t {
    empty,
    character,
    set,
    sequence,
    alternation,
    group,
    repeat,
    start,
    end,
    word_boundary,
    not_word_boundary,
    look,
    back_reference
  };
  struct Interval {
    char32_t first;
    char32_t last;
  };
  struct Property {
    std::string name;  ///< for RE2 and PCRE2 alike: `L`, `Greek`; with `pcre_only` only for PCRE2
    bool negated = false;
    bool pcre_only = false;
    bool script = false;  ///< `Script=`: PCRE2 takes a bare name for Script_Extensions
  };
  struct Node {
    Kind kind = Kind::empty;
    char32_t character = 0;
    std::vector<Interval> intervals;   ///< set: sorted, disjoint
    std::vector<Property> properties;  ///< set: any of them, beside the intervals
    bool negated = false;              ///< set; look: negative
    bool behind = false;               ///< look
    bool lazy = false;                 ///< repeat
    bool capturing = false;            ///< group
    std::uint32_t min = 0;
    std::uint32_t max = 0;        ///< repeat; `unbounded` for none
    std::uint32_t reference = 0;  ///< back_reference: number of the group, from 1
    std::vector<std::uint32_t> children;
  };
  static constexpr std::uint32_t unbounded = UINT32_MAX;

  std::vector<Node> nodes;
  std::uint32_t root = 0;
  bool needs_pcre = false;  ///< look-around, back references or a property RE2 does not know

  /// Errors: invalid_argument, saying what is wrong and at which byte.
  [[nodiscard]] static Result<Ecma> parse(std::string_view pattern);
  /// The same language for RE2 or PCRE2 (both without flags but UTF).
  [[nodiscard]] std::string translate(bool for_pcre) const;
};

}  // namespace spikard::validation::detail
