#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/assert.hpp"
#include "validation/format.hpp"
#include "validation/pattern.hpp"

namespace spikard::validation::detail {
namespace {

/// RFC 3492. False for what is not Punycode.
bool punycode(std::string_view text, std::vector<char32_t>& out) {
  std::uint32_t n = 128;
  std::uint32_t i = 0;
  std::uint32_t bias = 72;
  if (const auto basic = text.rfind('-'); basic != std::string_view::npos) {
    for (const char c : text.substr(0, basic)) out.push_back(static_cast<unsigned char>(c));
    text.remove_prefix(basic + 1);
  }
  if (text.empty()) return false;
  while (!text.empty()) {
    const std::uint32_t old = i;
    std::uint32_t weight = 1;
    for (std::uint32_t k = 36;; k += 36) {
      if (text.empty()) return false;
      const char c = text.front();
      text.remove_prefix(1);
      const char lower = static_cast<char>(c | 0x20);
      std::uint32_t d = 36;
      if (c >= '0' && c <= '9') d = static_cast<std::uint32_t>(c - '0') + 26;
      else if (lower >= 'a' && lower <= 'z') d = static_cast<std::uint32_t>(lower - 'a');
      std::uint32_t step = 0;
      if (d >= 36 || __builtin_mul_overflow(d, weight, &step) || __builtin_add_overflow(i, step, &i)) return false;
      const std::uint32_t t = k <= bias ? 1 : (k >= bias + 26 ? 26 : k - bias);
      if (d < t) break;
      if (__builtin_mul_overflow(weight, 36 - t, &weight)) return false;
    }
    const auto size = static_cast<std::uint32_t>(out.size() + 1);
    std::uint32_t delta = old == 0 ? (i - old) / 700 : (i - old) / 2;
    delta += delta / size;
    std::uint32_t k = 0;
    for (; delta > 455; k += 36) delta /= 35;
    bias = k + 36 * delta / (delta + 38);
    if (i / size > 0x10FFFF) return false;
    n += i / size;
    i %= size;
    if (n > 0x10FFFF || (n >= 0xD800 && n <= 0xDFFF)) return false;
    out.insert(out.begin() + i, n);
    ++i;
  }
  return true;
}

std::string utf8(char32_t c) {
  std::string out;
  const auto put = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  const auto tail = [&](unsigned shift) { put(0x80U | (c >> shift & 63U)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0U | c >> 6U);
    tail(0);
  } else if (c < 0x10000) {
    put(0xE0U | c >> 12U);
    tail(6);
    tail(0);
  } else {
    put(0xF0U | c >> 18U);
    tail(12);
    tail(6);
    tail(0);
  }
  return out;
}

/// A set of code points, by the tables of the regex library.
class Set {
 public:
  explicit Set(std::string_view members) {
    auto compiled = Pattern::compile("^[" + std::string(members) + "]$");
    SPIKARD_ASSERT(compiled.ok(), "the sets below are ECMA-262");
    pattern_ = std::move(*compiled);
  }
  [[nodiscard]] bool has(char32_t c) const { return pattern_.match(utf8(c)) == Pattern::Verdict::yes; }

 private:
  Pattern pattern_;
};

/// Code points whose canonical combining class is 9 (RFC 5892 A.1, A.2).
bool is_virama(char32_t c) {
  static constexpr char32_t list[] = {
      0x94D,   0x9CD,   0xA4D,   0xACD,   0xB4D,   0xBCD,   0xC4D,   0xCCD,   0xD3B,   0xD3C,   0xD4D,   0xDCA,   0xE3A,
      0xEBA,   0xF84,   0x1039,  0x103A,  0x1714,  0x1715,  0x1734,  0x17D2,  0x1A60,  0x1B44,  0x1BAA,  0x1BAB,  0x1BF2,
      0x1BF3,  0x2D7F,  0xA806,  0xA82C,  0xA8C4,  0xA953,  0xA9C0,  0xAAF6,  0xABED,  0x10A3F, 0x11046, 0x11070, 0x1107F,
      0x110B9, 0x11133, 0x11134, 0x111C0, 0x11235, 0x112EA, 0x1134D, 0x11442, 0x114C2, 0x115BF, 0x1163F, 0x116B6, 0x1172B,
      0x11839, 0x1193D, 0x1193E, 0x119E0, 0x11A34, 0x11A47, 0x11A99, 0x11C3F, 0x11D44, 0x11D45, 0x11D97};
  return std::binary_search(std::begin(list), std::end(list), c);
}

struct Sets {
  /// RFC 5892 section 2: letters in lower case, marks, digits. Normalisation (code points that NFKC would change) is not looked
  /// at.
  Set allowed{"\\p{Ll}\\p{Lo}\\p{Lm}\\p{Mn}\\p{Mc}\\p{Nd}\\u00DF\\u03C2\\u06FD\\u06FE\\u0F0B\\u3007"};
  Set disallowed{"\\u0640\\u07FA\\u302E\\u302F\\u3031-\\u3035\\u303B"};
  Set mark{"\\p{M}"};
  Set greek{"\\p{Script=Greek}"};
  Set hebrew{"\\p{Script=Hebrew}"};
  Set japanese{"\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Han}"};
  /// Stands for the joining types of A.1: letters of scripts that join.
  Set joining{"\\p{Script=Arabic}\\p{Script=Syriac}\\p{Script=Mongolian}\\p{Script=Nko}\\p{Script=Mandaic}"};
};

/// RFC 5892 appendix A: code points that depend on their neighbours. True: allowed; `applies` says whether there is a rule at
/// all.
bool context_rule(const Sets& sets, const std::vector<char32_t>& label, std::size_t i, bool& applies) {
  const char32_t before = i > 0 ? label[i - 1] : 0;
  const char32_t after = i + 1 < label.size() ? label[i + 1] : 0;
  const auto any = [&](auto predicate) { return std::any_of(label.begin(), label.end(), predicate); };
  applies = true;
  switch (label[i]) {
    case 0x200C: {
      if (is_virama(before)) return true;
      const auto skip = [&](std::size_t at, int step) {
        do at += static_cast<std::size_t>(step);
        while (at < label.size() && sets.mark.has(label[at]));
        return at < label.size() && sets.joining.has(label[at]);
      };
      return skip(i, -1) && skip(i, 1);
    }
    case 0x200D: return is_virama(before);
    case 0xB7: return before == 'l' && after == 'l';
    case 0x375: return after != 0 && sets.greek.has(after);
    case 0x5F3:
    case 0x5F4: return before != 0 && sets.hebrew.has(before);
    case 0x30FB: return any([&](char32_t c) { return c != 0x30FB && sets.japanese.has(c); });
    default: break;
  }
  if (label[i] >= 0x660 && label[i] <= 0x669) return !any([](char32_t c) { return c >= 0x6F0 && c <= 0x6F9; });
  if (label[i] >= 0x6F0 && label[i] <= 0x6F9) return !any([](char32_t c) { return c >= 0x660 && c <= 0x669; });
  applies = false;
  return true;
}

}  // namespace

bool is_a_label(std::string_view text) {
  std::vector<char32_t> label;
  if (text.size() < 5 || !punycode(text.substr(4), label)) return false;
  if (label.front() == '-' || label.back() == '-' || (label.size() >= 4 && label[2] == '-' && label[3] == '-')) return false;
  static const Sets sets;
  if (sets.mark.has(label.front())) return false;
  for (std::size_t i = 0; i < label.size(); ++i) {
    const char32_t c = label[i];
    const bool ascii = (c >= '0' && c <= '9') || ((c | 0x20U) >= 'a' && (c | 0x20U) <= 'z' && c < 128) || c == '-';
    bool applies = false;
    if (!context_rule(sets, label, i, applies)) return false;
    if (!applies && !ascii && (sets.disallowed.has(c) || !sets.allowed.has(c))) return false;
  }
  return true;
}

}  // namespace spikard::validation::detail
