#include "validation/ecma.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace spikard::validation::detail {
namespace {

using Kind = Ecma::Kind;
using Interval = Ecma::Interval;

constexpr char32_t max_code_point = 0x10FFFF;
constexpr std::uint32_t max_nesting = 200;
constexpr std::uint32_t max_count = 1'000'000;

constexpr std::array<Interval, 1> digits{{{'0', '9'}}};
constexpr std::array<Interval, 4> word{{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}};
constexpr std::array<Interval, 10> space{{{0x09, 0x0D},
                                          {0x20, 0x20},
                                          {0xA0, 0xA0},
                                          {0x1680, 0x1680},
                                          {0x2000, 0x200A},
                                          {0x2028, 0x2029},
                                          {0x202F, 0x202F},
                                          {0x205F, 0x205F},
                                          {0x3000, 0x3000},
                                          {0xFEFF, 0xFEFF}}};
constexpr std::array<Interval, 3> line_ends{{{0x0A, 0x0A}, {0x0D, 0x0D}, {0x2028, 0x2029}}};

/// Names of general categories (UCD PropertyValueAliases) that are longer than the one or two letters regex libraries know.
constexpr std::array<std::pair<std::string_view, std::string_view>, 43> categories{{{"Letter", "L"},
                                                                                    {"Cased_Letter", "LC"},
                                                                                    {"Uppercase_Letter", "Lu"},
                                                                                    {"Lowercase_Letter", "Ll"},
                                                                                    {"Titlecase_Letter", "Lt"},
                                                                                    {"Modifier_Letter", "Lm"},
                                                                                    {"Other_Letter", "Lo"},
                                                                                    {"Mark", "M"},
                                                                                    {"Combining_Mark", "M"},
                                                                                    {"Nonspacing_Mark", "Mn"},
                                                                                    {"Spacing_Mark", "Mc"},
                                                                                    {"Enclosing_Mark", "Me"},
                                                                                    {"Number", "N"},
                                                                                    {"Decimal_Number", "Nd"},
                                                                                    {"digit", "Nd"},
                                                                                    {"Letter_Number", "Nl"},
                                                                                    {"Other_Number", "No"},
                                                                                    {"Punctuation", "P"},
                                                                                    {"punct", "P"},
                                                                                    {"Connector_Punctuation", "Pc"},
                                                                                    {"Dash_Punctuation", "Pd"},
                                                                                    {"Open_Punctuation", "Ps"},
                                                                                    {"Close_Punctuation", "Pe"},
                                                                                    {"Initial_Punctuation", "Pi"},
                                                                                    {"Final_Punctuation", "Pf"},
                                                                                    {"Other_Punctuation", "Po"},
                                                                                    {"Symbol", "S"},
                                                                                    {"Math_Symbol", "Sm"},
                                                                                    {"Currency_Symbol", "Sc"},
                                                                                    {"Modifier_Symbol", "Sk"},
                                                                                    {"Other_Symbol", "So"},
                                                                                    {"Separator", "Z"},
                                                                                    {"Space_Separator", "Zs"},
                                                                                    {"Line_Separator", "Zl"},
                                                                                    {"Paragraph_Separator", "Zp"},
                                                                                    {"Other", "C"},
                                                                                    {"Control", "Cc"},
                                                                                    {"cntrl", "Cc"},
                                                                                    {"Format", "Cf"},
                                                                                    {"Surrogate", "Cs"},
                                                                                    {"Private_Use", "Co"},
                                                                                    {"Unassigned", "Cn"},
                                                                                    {"Any", "Any"}}};
constexpr std::string_view short_categories =
    " L Lu Ll Lt Lm Lo M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po S Sm Sc Sk So Z Zs Zl Zp C Cc Cf Cs Co Cn LC ";

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$';
}
int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void normalise(std::vector<Interval>& list) {
  std::sort(list.begin(), list.end(), [](Interval a, Interval b) { return a.first < b.first; });
  std::vector<Interval> out;
  for (const Interval i : list) {
    if (!out.empty() && i.first <= out.back().last + 1) out.back().last = std::max(out.back().last, i.last);
    else out.push_back(i);
  }
  list = std::move(out);
}

template <class List>
void add_complement(const List& sorted, std::vector<Interval>& out) {
  char32_t next = 0;
  for (const Interval i : sorted) {
    if (i.first > next) out.push_back({next, i.first - 1});
    next = i.last + 1;
  }
  if (next <= max_code_point) out.push_back({next, max_code_point});
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Ecma> run() {
    count_groups();
    const std::uint32_t root = alternation(0);
    if (!failed() && at_ < text_.size()) fail(text_[at_] == ')' ? "unmatched ')'" : "unexpected character");
    if (failed()) return invalid_argument(fmt::format("{} at byte {} of the pattern", error_, error_at_));
    out_.root = root;
    return std::move(out_);
  }

 private:
  bool failed() const { return error_ != nullptr; }
  void fail(const char* message) { fail_at(message, at_); }
  void fail_at(const char* message, std::size_t at) {
    if (failed()) return;
    error_ = message;
    error_at_ = at;
  }
  bool more() const { return !failed() && at_ < text_.size(); }
  bool take(char c) {
    if (!more() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::uint32_t add(Ecma::Node node) {
    out_.nodes.push_back(std::move(node));
    return static_cast<std::uint32_t>(out_.nodes.size() - 1);
  }
  std::uint32_t add(Kind kind) {
    Ecma::Node n;
    n.kind = kind;
    return add(std::move(n));
  }

  void count_groups() {
    bool in_set = false;
    for (std::size_t i = 0; i < text_.size(); ++i) {
      if (text_[i] == '\\') {
        ++i;
        continue;
      }
      if (in_set) {
        in_set = text_[i] != ']';
        continue;
      }
      if (text_[i] == '[') {
        in_set = true;
        continue;
      }
      if (text_[i] != '(') continue;
      if (i + 1 >= text_.size() || text_[i + 1] != '?') {
        ++groups_;
        continue;
      }
      if (i + 3 < text_.size() && text_[i + 2] == '<' && text_[i + 3] != '=' && text_[i + 3] != '!') {
        ++groups_;
        const auto close = text_.find('>', i);
        if (close != std::string_view::npos) names_.emplace_back(std::string(text_.substr(i + 3, close - i - 3)), groups_);
      }
    }
  }

  std::uint32_t alternation(std::uint32_t depth) {
    if (depth > max_nesting) {
      fail("groups nested too deeply");
      return 0;
    }
    std::vector<std::uint32_t> branches{sequence(depth)};
    while (take('|')) branches.push_back(sequence(depth));
    if (branches.size() == 1) return branches[0];
    Ecma::Node n;
    n.kind = Kind::alternation;
    n.children = std::move(branches);
    return add(std::move(n));
  }

  std::uint32_t sequence(std::uint32_t depth) {
    std::vector<std::uint32_t> parts;
    while (more() && text_[at_] != '|' && text_[at_] != ')') parts.push_back(term(depth));
    if (parts.size() == 1) return parts[0];
    Ecma::Node n;
    n.kind = parts.empty() ? Kind::empty : Kind::sequence;
    n.children = std::move(parts);
    return add(std::move(n));
  }

  std::uint32_t term(std::uint32_t depth) {
    const std::size_t from = at_;
    const std::uint32_t atom_node = atom(depth);
    if (failed() || at_ >= text_.size()) return atom_node;
    std::uint32_t min = 0;
    std::uint32_t max = 0;
    if (!quantifier(min, max)) return atom_node;
    const Kind kind = out_.nodes[atom_node].kind;
    if (kind == Kind::start || kind == Kind::end || kind == Kind::word_boundary || kind == Kind::not_word_boundary ||
        kind == Kind::look) {
      fail_at("nothing to repeat", from);
      return 0;
    }
    if (min > max) {
      fail_at("the bounds of a repetition are out of order", from);
      return 0;
    }
    Ecma::Node n;
    n.kind = Kind::repeat;
    n.min = min;
    n.max = max;
    n.lazy = take('?');
    n.children = {atom_node};
    return add(std::move(n));
  }

  bool quantifier(std::uint32_t& min, std::uint32_t& max) {
    if (take('*')) {
      min = 0;
      max = Ecma::unbounded;
      return true;
    }
    if (take('+')) {
      min = 1;
      max = Ecma::unbounded;
      return true;
    }
    if (take('?')) {
      min = 0;
      max = 1;
      return true;
    }
    if (text_[at_] != '{') return false;
    std::size_t i = at_ + 1;
    const auto number = [&](std::uint32_t& v) {
      const std::size_t first = i;
      v = 0;
      while (i < text_.size() && text_[i] >= '0' && text_[i] <= '9') {
        v = std::min(v * 10 + static_cast<std::uint32_t>(text_[i] - '0'), max_count);
        ++i;
      }
      return i > first;
    };
    if (!number(min)) return false;
    if (i < text_.size() && text_[i] == ',') {
      ++i;
      if (!number(max)) max = Ecma::unbounded;
    } else {
      max = min;
    }
    if (i >= text_.size() || text_[i] != '}') return false;
    if (min >= max_count || (max >= max_count && max != Ecma::unbounded)) fail("a count of a million or more");
    at_ = i + 1;
    return true;
  }

  char32_t code_point() {
    const auto byte = [&](std::size_t i) { return i < text_.size() ? static_cast<unsigned char>(text_[i]) : 0U; };
    const unsigned b = byte(at_);
    unsigned length = b < 0x80 ? 1 : (b >> 5) == 6 ? 2 : (b >> 4) == 14 ? 3 : (b >> 3) == 30 ? 4 : 0;
    if (length == 0 || at_ + length > text_.size()) {
      fail("the pattern is not UTF-8");
      return 0;
    }
    char32_t v = length == 1 ? b : b & (0x7FU >> length);
    for (unsigned i = 1; i < length; ++i) {
      if ((byte(at_ + i) & 0xC0U) != 0x80) {
        fail("the pattern is not UTF-8");
        return 0;
      }
      v = (v << 6U) | (byte(at_ + i) & 0x3FU);
    }
    at_ += length;
    return v;
  }

  std::uint32_t atom(std::uint32_t depth) {
    const char c = text_[at_];
    switch (c) {
      case '^': ++at_; return add(Kind::start);
      case '$': ++at_; return add(Kind::end);
      case '(': return group(depth);
      case '[': return character_class();
      case '\\': return escape();
      case '.': {
        ++at_;
        Ecma::Node n;
        n.kind = Kind::set;
        n.negated = true;
        n.intervals.assign(line_ends.begin(), line_ends.end());
        return add(std::move(n));
      }
      case '*':
      case '+':
      case '?': fail("nothing to repeat"); return 0;
      default: break;
    }
    if (c == '{') {
      std::uint32_t min = 0;
      std::uint32_t max = 0;
      if (quantifier(min, max)) {
        fail("nothing to repeat");
        return 0;
      }
    }
    return character(code_point());
  }

  std::uint32_t character(char32_t c) {
    Ecma::Node n;
    n.kind = Kind::character;
    n.character = c;
    return add(std::move(n));
  }

  std::uint32_t group(std::uint32_t depth) {
    const std::size_t open = at_++;
    Ecma::Node n;
    n.kind = Kind::group;
    if (take('?')) {
      if (take('=') || take('!')) {
        n.kind = Kind::look;
        n.negated = text_[at_ - 1] == '!';
      } else if (take('<')) {
        if (take('=') || take('!')) {
          n.kind = Kind::look;
          n.behind = true;
          n.negated = text_[at_ - 1] == '!';
        } else {
          const std::size_t first = at_;
          while (more() && is_name_char(text_[at_])) ++at_;
          if (at_ == first || !take('>')) {
            fail("bad name of a group");
            return 0;
          }
          n.capturing = true;
        }
      } else if (!take(':')) {
        fail("unknown kind of group");
        return 0;
      }
    } else {
      n.capturing = true;
    }
    if (n.kind == Kind::look) out_.needs_pcre = true;
    n.children = {alternation(depth + 1)};
    if (!take(')')) {
      fail_at("unclosed group", open);
      return 0;
    }
    return add(std::move(n));
  }

  /// After `\`: a code point that is written as an escape. False when it is none (at_ stays).
  bool character_escape(char32_t& c, bool in_class) {
    if (at_ >= text_.size()) {
      fail("a lone backslash at the end");
      return true;
    }
    const std::size_t from = at_;
    const char e = text_[at_++];
    const auto hex = [&](unsigned count, char32_t& v) {
      v = 0;
      for (unsigned i = 0; i < count; ++i) {
        const int d = at_ + i < text_.size() ? hex_digit(text_[at_ + i]) : -1;
        if (d < 0) return false;
        v = v * 16 + static_cast<char32_t>(d);
      }
      at_ += count;
      return true;
    };
    switch (e) {
      case 't': c = '\t'; return true;
      case 'n': c = '\n'; return true;
      case 'v': c = '\v'; return true;
      case 'f': c = '\f'; return true;
      case 'r': c = '\r'; return true;
      case '0':
        if (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') fail_at("octal escapes are not ECMA-262", from);
        c = 0;
        return true;
      case 'c': {
        const char l = at_ < text_.size() ? text_[at_] : '\0';
        if (!((l >= 'a' && l <= 'z') || (l >= 'A' && l <= 'Z'))) {
          fail_at("\\c needs a letter", from);
          return true;
        }
        ++at_;
        c = static_cast<char32_t>(l) % 32;
        return true;
      }
      case 'x':
        if (!hex(2, c)) fail_at("\\x needs two hexadecimal digits", from);
        return true;
      case 'u': {
        if (at_ < text_.size() && text_[at_] == '{') {
          ++at_;
          c = 0;
          const std::size_t first = at_;
          while (at_ < text_.size() && hex_digit(text_[at_]) >= 0 && c <= max_code_point)
            c = c * 16 + static_cast<char32_t>(hex_digit(text_[at_++]));
          if (at_ == first || c > max_code_point || !take('}')) fail_at("bad \\u{...} escape", from);
          return true;
        }
        if (!hex(4, c)) {
          fail_at("\\u needs four hexadecimal digits", from);
          return true;
        }
        if (c >= 0xD800 && c < 0xDC00 && text_.substr(at_).starts_with("\\u")) {
          const std::size_t second = at_;
          at_ += 2;
          char32_t low = 0;
          if (hex(4, low) && low >= 0xDC00 && low < 0xE000) c = 0x10000 + ((c - 0xD800) << 10U) + (low - 0xDC00);
          else at_ = second;
        }
        return true;
      }
      case 'b':
        if (in_class) {
          c = '\b';
          return true;
        }
        break;
      default: break;
    }
    at_ = from;
    const bool letter = (e >= 'a' && e <= 'z') || (e >= 'A' && e <= 'Z') || (e >= '0' && e <= '9');
    if (letter) return false;
    c = code_point();  // an escaped punctuation mark (or any other character) stands for itself
    return true;
  }

  /// After `\`: \d \D \w \W \s \S \p \P.
  bool class_escape(Ecma::Node& set) {
    const char e = text_[at_];
    const auto use = [&](const auto& list, bool negated) {
      ++at_;
      if (negated) add_complement(list, set.intervals);
      else set.intervals.insert(set.intervals.end(), list.begin(), list.end());
      return true;
    };
    switch (e) {
      case 'd':
      case 'D': return use(digits, e == 'D');
      case 'w':
      case 'W': return use(word, e == 'W');
      case 's':
      case 'S': return use(space, e == 'S');
      case 'p':
      case 'P': property(set); return true;
      default: return false;
    }
  }

  void property(Ecma::Node& set) {
    const std::size_t from = at_;
    Ecma::Property p;
    p.negated = text_[at_++] == 'P';
    if (!take('{')) {
      fail_at("\\p needs a name in braces", from);
      return;
    }
    const auto close = text_.find('}', at_);
    if (close == std::string_view::npos || close == at_) {
      fail_at("\\p needs a name in braces", from);
      return;
    }
    std::string_view name = text_.substr(at_, close - at_);
    at_ = close + 1;
    const auto equals = name.find('=');
    std::string_view key;
    if (equals != std::string_view::npos) {
      key = name.substr(0, equals);
      name = name.substr(equals + 1);
    }
    for (const char c : name) {
      if (!is_name_char(c) || c == '$') {
        fail_at("bad name of a property", from);
        return;
      }
    }
    p.name = name;
    if (key.empty() || key == "gc" || key == "General_Category") {
      const auto* it = std::find_if(categories.begin(), categories.end(), [&](const auto& e) { return e.first == name; });
      if (it != categories.end()) p.name = it->second;
      const bool category =
          it != categories.end() || short_categories.find(" " + std::string(name) + " ") != std::string_view::npos;
      if (!category && !key.empty()) {
        fail_at("unknown general category", from);
        return;
      }
      if (p.name == "ASCII" || p.name == "Any") {
        const std::array<Interval, 1> range{{{0, p.name == "Any" ? max_code_point : char32_t{0x7F}}}};
        if (p.negated) add_complement(range, set.intervals);
        else set.intervals.push_back(range[0]);
        return;
      }
      if (p.name == "LC" || p.name == "Cn" || !category) p.pcre_only = true;  // binary properties: PCRE2 knows many, RE2 none
      if (p.name == "LC") p.name = "L&";
    } else if (key == "sc" || key == "Script") {
      p.script = true;
    } else if (key == "scx" || key == "Script_Extensions") {
      p.name = "scx:" + p.name;
      p.pcre_only = true;
    } else {
      fail_at("unknown property", from);
      return;
    }
    out_.needs_pcre = out_.needs_pcre || p.pcre_only;
    set.properties.push_back(std::move(p));
  }

  std::uint32_t escape() {
    const std::size_t from = at_++;
    if (at_ >= text_.size()) {
      fail_at("a lone backslash at the end", from);
      return 0;
    }
    const char e = text_[at_];
    if (e == 'b' || e == 'B') {
      ++at_;
      return add(e == 'b' ? Kind::word_boundary : Kind::not_word_boundary);
    }
    if (e >= '1' && e <= '9') {
      std::uint32_t number = 0;
      while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9')
        number = std::min(number * 10 + static_cast<std::uint32_t>(text_[at_++] - '0'), max_count);
      if (number > groups_) {
        fail_at("a back reference to a group that is not there", from);
        return 0;
      }
      return back_reference(number);
    }
    if (e == 'k') {
      ++at_;
      const auto close = text_.find('>', at_);
      if (!take('<') || close == std::string_view::npos) {
        fail_at("\\k needs the name of a group", from);
        return 0;
      }
      const std::string_view name = text_.substr(at_, close - at_);
      at_ = close + 1;
      for (const auto& [known, number] : names_) {
        if (known == name) return back_reference(number);
      }
      fail_at("a back reference to a group that is not there", from);
      return 0;
    }
    Ecma::Node set;
    set.kind = Kind::set;
    if (class_escape(set)) {
      normalise(set.intervals);
      return add(std::move(set));
    }
    char32_t c = 0;
    if (character_escape(c, false)) return character(c);
    fail_at("an escape that ECMA-262 does not know", from);
    return 0;
  }

  std::uint32_t back_reference(std::uint32_t number) {
    out_.needs_pcre = true;
    Ecma::Node n;
    n.kind = Kind::back_reference;
    n.reference = number;
    return add(std::move(n));
  }

  std::uint32_t character_class() {
    const std::size_t open = at_++;
    Ecma::Node set;
    set.kind = Kind::set;
    set.negated = take('^');
    while (more() && text_[at_] != ']') {
      char32_t first = 0;
      const bool single = class_atom(set, first);
      if (failed()) return 0;
      if (at_ + 1 < text_.size() && text_[at_] == '-' && text_[at_ + 1] != ']') {
        if (!single) {  // as in Annex B: [\w-x] has a literal dash
          continue;
        }
        const std::size_t dash = at_++;
        char32_t last = 0;
        const bool single_last = class_atom(set, last);
        if (failed()) return 0;
        if (!single_last) {
          set.intervals.push_back({first, first});
          set.intervals.push_back({'-', '-'});
          continue;
        }
        if (last < first) {
          fail_at("a range out of order in a class", dash);
          return 0;
        }
        set.intervals.push_back({first, last});
      } else if (single) {
        set.intervals.push_back({first, first});
      }
    }
    if (!take(']')) {
      fail_at("unclosed class", open);
      return 0;
    }
    normalise(set.intervals);
    return add(std::move(set));
  }

  /// True when one character was read; false when a class escape was added to the set.
  bool class_atom(Ecma::Node& set, char32_t& c) {
    if (text_[at_] != '\\') {
      c = code_point();
      return true;
    }
    const std::size_t from = at_++;
    if (at_ >= text_.size()) {
      fail_at("a lone backslash at the end", from);
      return true;
    }
    if (class_escape(set)) return false;
    if (!character_escape(c, true)) fail_at("an escape that ECMA-262 does not know", from);
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  const char* error_ = nullptr;
  std::size_t error_at_ = 0;
  std::uint32_t groups_ = 0;
  std::vector<std::pair<std::string, std::uint32_t>> names_;
  Ecma out_;
};

void put_character(std::string& out, char32_t c) {
  const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  if (plain) out.push_back(static_cast<char>(c));
  else out += fmt::format("\\x{{{:x}}}", static_cast<std::uint32_t>(c));
}

void put_set(std::string& out, const Ecma::Node& n, bool for_pcre) {
  // Surrogates cannot occur in UTF-8; the libraries refuse them in a class.
  std::vector<Interval> parts;
  for (const Interval i : n.intervals) {
    if (i.first < 0xD800) parts.push_back({i.first, std::min<char32_t>(i.last, 0xD7FF)});
    if (i.last > 0xDFFF) parts.push_back({std::max<char32_t>(i.first, 0xE000), i.last});
  }
  if (parts.empty() && n.properties.empty()) {
    out += n.negated ? "[\\x{0}-\\x{10ffff}]" : "[^\\x{0}-\\x{10ffff}]";
    return;
  }
  out += n.negated ? "[^" : "[";
  for (const Interval i : parts) {
    put_character(out, i.first);
    if (i.last == i.first) continue;
    out.push_back('-');
    put_character(out, i.last);
  }
  for (const Ecma::Property& p : n.properties) {
    out += fmt::format("\\{}{{{}{}}}", p.negated ? 'P' : 'p', for_pcre && p.script ? "sc:" : "", p.name);
  }
  out.push_back(']');
}

}  // namespace

Result<Ecma> Ecma::parse(std::string_view pattern) { return Parser(pattern).run(); }

std::string Ecma::translate(bool for_pcre) const {
  std::string out;
  const auto emit = [&](const auto& self, std::uint32_t id) -> void {
    const Node& n = nodes[id];
    switch (n.kind) {
      case Kind::empty: break;
      case Kind::character:
        if (n.character >= 0xD800 && n.character <= 0xDFFF) out += "[^\\x{0}-\\x{10ffff}]";  // a lone surrogate matches nothing
        else put_character(out, n.character);
        break;
      case Kind::set: put_set(out, n, for_pcre); break;
      case Kind::sequence:
        for (const std::uint32_t c : n.children) {
          const bool wrap = nodes[c].kind == Kind::alternation;
          if (wrap) out += "(?:";
          self(self, c);
          if (wrap) out += ")";
        }
        break;
      case Kind::alternation:
        for (std::size_t i = 0; i < n.children.size(); ++i) {
          if (i > 0) out += "|";
          self(self, n.children[i]);
        }
        break;
      case Kind::group:
        // Groups capture only where a back reference could want them.
        out += n.capturing && for_pcre ? "(" : "(?:";
        self(self, n.children[0]);
        out += ")";
        break;
      case Kind::repeat: {
        out += "(?:";
        self(self, n.children[0]);
        out += ")";
        if (n.min == 0 && n.max == unbounded) out += "*";
        else if (n.min == 1 && n.max == unbounded) out += "+";
        else if (n.min == 0 && n.max == 1) out += "?";
        else if (n.max == unbounded) out += fmt::format("{{{},}}", n.min);
        else if (n.max == n.min) out += fmt::format("{{{}}}", n.min);
        else out += fmt::format("{{{},{}}}", n.min, n.max);
        if (n.lazy) out += "?";
        break;
      }
      case Kind::start: out += "\\A"; break;
      case Kind::end: out += "\\z"; break;
      case Kind::word_boundary: out += "\\b"; break;
      case Kind::not_word_boundary: out += "\\B"; break;
      case Kind::look:
        out += n.behind ? (n.negated ? "(?<!" : "(?<=") : (n.negated ? "(?!" : "(?=");
        self(self, n.children[0]);
        out += ")";
        break;
      case Kind::back_reference: out += fmt::format("\\g{{{}}}", n.reference); break;
    }
  };
  emit(emit, root);
  return out;
}

}  // namespace spikard::validation::detail
