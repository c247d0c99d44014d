#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "validation/ecma.hpp"

namespace spikard::validation::detail {

/// Patterns of the shape `^[A-Z]{3}-[0-9]{4}$`: anchored at the start, a sequence of characters and classes with counts, where a
/// greedy match needs no second try. One pass over the bytes; exactly equivalent to RE2 on UTF-8 text (fuzzed).
class SimplePattern {
 public:
  /// False when the pattern has another shape.
  [[nodiscard]] bool set(const Ecma& pattern);
  [[nodiscard]] bool matches(std::string_view text) const noexcept;

 private:
  struct Class {
    std::array<std::uint64_t, 2> ascii{};
    bool others = false;         ///< code points beyond ASCII ...
    bool but_line_ends = false;  ///< ... but U+2028 and U+2029
    [[nodiscard]] bool has(unsigned char c) const noexcept { return ((ascii[c >> 6U] >> (c & 63U)) & 1U) != 0; }
    [[nodiscard]] bool overlaps(const Class& o) const noexcept {
      return (ascii[0] & o.ascii[0]) != 0 || (ascii[1] & o.ascii[1]) != 0 || (others && o.others);
    }
  };
  struct Step {
    Class chars;
    std::uint32_t min;
    std::uint32_t max;
  };
  static bool to_class(const Ecma::Node& node, Class& out);

  std::vector<Step> steps_;
  bool to_end_ = false;
};

/// A compiled ECMA-262 pattern, searched anywhere in the text: SimplePattern where it fits, else RE2, else (look-around, back
/// references, big counts) PCRE2 with match limits. Thread-safe once made.
class Pattern {
 public:
  enum class Engine : std::uint8_t { simple, re2, pcre2 };
  enum class Verdict : std::uint8_t { no, yes, limit };

  Pattern() noexcept;
  ~Pattern();
  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;

  /// Errors: invalid_argument, for what is not ECMA-262 and for what neither engine can run.
  [[nodiscard]] static Result<Pattern> compile(std::string_view pattern, bool allow_simple = true);
  /// `limit`: PCRE2 gave up; nothing is known.
  [[nodiscard]] Verdict match(std::string_view text) const noexcept;
  [[nodiscard]] Engine engine() const noexcept { return engine_; }
  [[nodiscard]] const std::string& source() const noexcept { return source_; }

 private:
  struct Libraries;

  Engine engine_ = Engine::simple;
  SimplePattern simple_;
  std::unique_ptr<Libraries> libraries_;
  std::string source_;
};

}  // namespace spikard::validation::detail
