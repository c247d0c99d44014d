#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>

#include <simdjson.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/json.hpp"

namespace spikard::json {
namespace {

/// Above this the scan buffers of one big text are given back after it.
constexpr std::size_t keep_capacity = std::size_t{1} << 20;
constexpr std::size_t first_capacity = 4096;

enum CharClass : std::uint8_t { other_char = 0, separator = 1 };

/// What may stand after a number or a literal.
constexpr auto separators = [] {
  struct Table {
    std::uint8_t at[256]{};
  } table;
  for (const char c : {' ', '\t', '\n', '\r', ',', ':', '[', ']', '{', '}'}) table.at[static_cast<unsigned char>(c)] = separator;
  return table;
}();

bool is_digit(char c) noexcept { return static_cast<unsigned char>(c - '0') < 10; }

/// Powers of ten that a double holds exactly.
constexpr double exact_power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/// First `"` or `\` at or after `p`; `end` when there is none.
const char* find_quote_or_backslash(const char* p, const char* end) noexcept {
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  while (end - p >= 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const int hits = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)));
    if (hits != 0) return p + std::countr_zero(static_cast<unsigned>(hits));
    p += 16;
  }
#endif
  while (p != end && *p != '"' && *p != '\\') ++p;
  return p;
}

int hex_digit(char c) noexcept {
  if (is_digit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// The four hex digits at `p`, or -1.
int hex4(const char* p, const char* end) noexcept {
  if (end - p < 4) return -1;
  int v = 0;
  for (int k = 0; k < 4; ++k) {
    const int digit = hex_digit(p[k]);
    if (digit < 0) return -1;
    v = v << 4 | digit;
  }
  return v;
}

char* put_utf8(char* out, std::uint32_t c) noexcept {
  if (c < 0x80) {
    *out++ = static_cast<char>(c);
  } else if (c < 0x800) {
    *out++ = static_cast<char>(0xC0 | c >> 6);
    *out++ = static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    *out++ = static_cast<char>(0xE0 | c >> 12);
    *out++ = static_cast<char>(0x80 | (c >> 6 & 0x3F));
    *out++ = static_cast<char>(0x80 | (c & 0x3F));
  } else {
    *out++ = static_cast<char>(0xF0 | c >> 18);
    *out++ = static_cast<char>(0x80 | (c >> 12 & 0x3F));
    *out++ = static_cast<char>(0x80 | (c >> 6 & 0x3F));
    *out++ = static_cast<char>(0x80 | (c & 0x3F));
  }
  return out;
}

/// Offset of the first byte that is not part of well-formed UTF-8; only for the message of a refused text.
std::size_t first_bad_utf8(std::string_view text) noexcept {
  std::size_t at = 0;
  while (at < text.size()) {
    // Every prefix that ends before the bad sequence is valid: find it by growing one sequence at a time.
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (at + length > text.size() || !simdjson::validate_utf8(text.data() + at, length)) return at;
    at += length;
  }
  return at;
}

/// Offset of the first control character inside a string, or the size; only for messages.
std::size_t first_control_in_string(std::string_view text) noexcept {
  bool inside = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"') inside = !inside;
    else if (inside && c == '\\') ++at;
    else if (inside && static_cast<unsigned char>(c) < 0x20) return at;
  }
  return text.size();
}

/// The second stage: one pass over the structural positions, writing nodes. While a container is open its `off` holds the index
/// of its parent, so there is no stack beside the nodes.
class Stage2 {
 public:
  Stage2(std::string_view text, const std::uint32_t* structurals, std::uint32_t count, const ReadLimits& limits,
         Reader::Target& target, ReadError& error) noexcept
      : text_(text.data()),
        end_(text.data() + text.size()),
        next_(structurals),
        last_(structurals + count),
        limits_(limits),
        target_(target),
        error_(error),
        node_(target.nodes),
        nodes_end_(target.nodes + target.node_room),
        scratch_(target.scratch),
        scratch_end_(target.scratch + target.scratch_room) {}

  bool run() noexcept;

 private:
  bool fail(const char* message, const char* at) noexcept {
    error_.message = message;
    error_.offset = static_cast<std::size_t>(at - text_);
    return false;
  }
  bool no_room() noexcept {
    target_.out_of_room = true;
    return false;
  }
  /// The next structural position; the end of the text after the last.
  const char* advance() noexcept { return next_ == last_ ? end_ : text_ + *next_++; }

  bool scalar(const char* at) noexcept;
  bool string(const char* at) noexcept;
  bool escaped_string(const char* start, const char* at) noexcept;
  bool number(const char* at) noexcept;
  bool slow_number(const char* at, const char* stop, bool integral, std::int64_t leading) noexcept;
  bool literal(const char* at, const char* word, std::size_t length, Node value) noexcept;

  bool ends_here(const char* at) const noexcept {
    return at == end_ || separators.at[static_cast<unsigned char>(*at)] == separator;
  }
  void put(Node n) noexcept { *node_++ = n; }
  void put_text(NodeType type, const char* from, std::size_t length) noexcept {
    put(Node::make(type, static_cast<std::uint32_t>(length), static_cast<std::uint64_t>(from - target_.base)));
  }

  const char* text_;
  const char* end_;
  const std::uint32_t* next_;
  const std::uint32_t* last_;
  const ReadLimits& limits_;
  Reader::Target& target_;
  ReadError& error_;
  Node* node_;
  Node* nodes_end_;
  char* scratch_;
  char* scratch_end_;
};

bool Stage2::run() noexcept {
  constexpr std::uint64_t no_parent = ~std::uint64_t{0};
  Node* const first = target_.nodes;
  Node* open = nullptr;  // the innermost open container
  std::uint32_t depth = 0;
  const char* at = advance();

value:
  if (node_ == nodes_end_) return no_room();
  if (open != nullptr) ++open->len;
  if (at == end_) return fail("the text ends where a value is expected", at);
  if (*at == '"') {
    if (!string(at)) return false;
  } else if (*at == '{' || *at == '[') {
    if (depth == limits_.max_depth) return fail("nested too deep", at);
    ++depth;
    const bool object = *at == '{';
    put(Node::make(object ? NodeType::object : NodeType::array, 0,
                   open == nullptr ? no_parent : static_cast<std::uint64_t>(open - first)));
    open = node_ - 1;
    at = advance();
    if (at == end_) return fail(object ? "an object is not closed" : "an array is not closed", at);
    if (object) {
      if (*at == '}') goto close;
      goto key;
    }
    if (*at == ']') goto close;
    goto value;
  } else if (!scalar(at)) {
    return false;
  }

after_value:
  at = advance();
  if (open == nullptr) {
    if (at != end_) return fail("something follows the value", at);
    target_.node_count = static_cast<std::size_t>(node_ - first);
    target_.scratch_used = static_cast<std::size_t>(scratch_ - target_.scratch);
    return true;
  }
  if (open->type == NodeType::object) {
    if (at == end_) return fail("an object is not closed", at);
    if (*at == ',') {
      at = advance();
      goto key;
    }
    if (*at != '}') return fail("expected `,` or `}`", at);
  } else {
    if (at == end_) return fail("an array is not closed", at);
    if (*at == ',') {
      at = advance();
      goto value;
    }
    if (*at != ']') return fail("expected `,` or `]`", at);
  }

close: {
  const std::uint64_t parent = open->off;
  open->off = static_cast<std::uint64_t>(node_ - open - 1);
  open = parent == no_parent ? nullptr : first + parent;
  --depth;
  goto after_value;
}

key:
  if (at == end_ || *at != '"') return fail("expected a member's name in quotes", at);
  if (node_ == nodes_end_) return no_room();
  if (!string(at)) return false;
  at = advance();
  if (at == end_ || *at != ':') return fail("expected `:` after a member's name", at);
  at = advance();
  goto value;
}

bool Stage2::string(const char* at) noexcept {
  const char* const start = at + 1;
  const char* const stop = find_quote_or_backslash(start, end_);
  if (stop == end_) return fail("a string is not closed", at);
  if (*stop == '\\') return escaped_string(start, stop);
  put_text(NodeType::string, start, static_cast<std::size_t>(stop - start));
  return true;
}

bool Stage2::escaped_string(const char* start, const char* at) noexcept {
  char* out = scratch_;
  const char* from = start;
  while (true) {
    const auto plain = static_cast<std::size_t>(at - from);
    // Room for the plain part and the longest thing an escape makes.
    if (static_cast<std::size_t>(scratch_end_ - out) < plain) return no_room();
    std::memcpy(out, from, plain);
    out += plain;
    if (at == end_) return fail("a string is not closed", start - 1);
    if (*at == '"') break;
    if (end_ - at < 2) return fail("a string is not closed", start - 1);
    std::uint32_t c = 0;
    const char* const escape = at;
    switch (at[1]) {
      case '"': c = '"'; break;
      case '\\': c = '\\'; break;
      case '/': c = '/'; break;
      case 'b': c = '\b'; break;
      case 'f': c = '\f'; break;
      case 'n': c = '\n'; break;
      case 'r': c = '\r'; break;
      case 't': c = '\t'; break;
      case 'u': {
        const int unit = hex4(at + 2, end_);
        if (unit < 0) return fail("\\u needs four hexadecimal digits", escape);
        c = static_cast<std::uint32_t>(unit);
        if (c >= 0xDC00 && c < 0xE000) return fail("a low surrogate stands alone", escape);
        if (c >= 0xD800 && c < 0xDC00) {
          const char* const second = at + 6;
          const int low = end_ - second >= 6 && second[0] == '\\' && second[1] == 'u' ? hex4(second + 2, end_) : -1;
          if (low < 0xDC00 || low >= 0xE000) return fail("a high surrogate stands alone", escape);
          c = 0x10000 + ((c - 0xD800) << 10) + (static_cast<std::uint32_t>(low) - 0xDC00);
          at += 6;
        }
        at += 4;
        break;
      }
      default: return fail("unknown escape", escape);
    }
    at += 2;
    if (scratch_end_ - out < 4) {
      char buffer[4];
      const auto length = put_utf8(buffer, c) - buffer;
      if (scratch_end_ - out < length) return no_room();
      std::memcpy(out, buffer, static_cast<std::size_t>(length));
      out += length;
    } else {
      out = put_utf8(out, c);
    }
    from = at;
    at = find_quote_or_backslash(at, end_);
  }
  put_text(NodeType::string, scratch_, static_cast<std::size_t>(out - scratch_));
  scratch_ = out;
  return true;
}

bool Stage2::literal(const char* at, const char* word, std::size_t length, Node value) noexcept {
  if (static_cast<std::size_t>(end_ - at) < length || std::memcmp(at, word, length) != 0 || !ends_here(at + length)) {
    return fail("expected a value", at);
  }
  put(value);
  return true;
}

bool Stage2::scalar(const char* at) noexcept {
  switch (*at) {
    case 't': return literal(at, "true", 4, Node::boolean(true));
    case 'f': return literal(at, "false", 5, Node::boolean(false));
    case 'n': return literal(at, "null", 4, Node::null());
    default: return number(at);
  }
}

bool Stage2::number(const char* const at) noexcept {
  const char* p = at;
  const bool negative = *p == '-';
  if (negative) ++p;
  if (p == end_ || !is_digit(*p)) return fail(negative ? "a digit must follow `-`" : "expected a value", at);
  const char* const digits = p;
  std::uint64_t mantissa = 0;
  while (p != end_ && is_digit(*p)) mantissa = mantissa * 10 + static_cast<std::uint64_t>(*p++ - '0');
  auto significant = static_cast<std::size_t>(p - digits);
  if (*digits == '0' && significant > 1) return fail("a number starts with 0", at);

  if (ends_here(p)) {
    if (significant <= 18) {
      // -0 stays a negative zero.
      if (negative && mantissa == 0) put(Node::number(-0.0));
      else put(Node::integer(negative ? -static_cast<std::int64_t>(mantissa) : static_cast<std::int64_t>(mantissa)));
      return true;
    }
    return slow_number(at, p, true, 0);
  }

  const char* const dot = p;
  std::int64_t exponent = 0;
  // Where the first digit that is not 0 stands: its power of ten.
  std::int64_t leading = *digits == '0' ? std::numeric_limits<std::int64_t>::min() : static_cast<std::int64_t>(significant) - 1;
  if (*p == '.') {
    ++p;
    const char* const fraction = p;
    while (p != end_ && is_digit(*p)) {
      if (*p != '0' && leading == std::numeric_limits<std::int64_t>::min()) leading = -(p - dot);
      mantissa = mantissa * 10 + static_cast<std::uint64_t>(*p++ - '0');
    }
    if (p == fraction) return fail("a digit must follow `.`", at);
    exponent = -(p - fraction);
    significant += static_cast<std::size_t>(p - fraction);
  }
  if (p != end_ && (*p == 'e' || *p == 'E')) {
    ++p;
    const bool down = p != end_ && *p == '-';
    if (p != end_ && (*p == '-' || *p == '+')) ++p;
    const char* const first = p;
    std::int64_t explicit_exponent = 0;
    while (p != end_ && is_digit(*p)) {
      if (explicit_exponent < 1'000'000'000'000) explicit_exponent = explicit_exponent * 10 + (*p - '0');
      ++p;
    }
    if (p == first) return fail("a digit must follow the exponent's `e`", at);
    if (down) explicit_exponent = -explicit_exponent;
    exponent += explicit_exponent;
    if (leading != std::numeric_limits<std::int64_t>::min()) leading += explicit_exponent;
  }
  if (!ends_here(p)) return fail("a number is malformed", at);
  if (significant <= 19 && mantissa <= (std::uint64_t{1} << 53) && exponent >= -22 && exponent <= 22) {
    // Both are exact in a double, and so one rounding gives the nearest.
    double v = static_cast<double>(mantissa);
    v = exponent < 0 ? v / exact_power[-exponent] : v * exact_power[exponent];
    put(Node::number(negative ? -v : v));
    return true;
  }
  return slow_number(at, p, false, leading);
}

/// 19 digits and more, and doubles beyond the exact path. `leading` is the power of ten of the first digit that counts.
bool Stage2::slow_number(const char* at, const char* stop, bool integral, std::int64_t leading) noexcept {
  if (integral) {
    std::int64_t i = 0;
    if (auto [p, ec] = std::from_chars(at, stop, i); ec == std::errc()) {
      put(Node::integer(i));
      return true;
    }
    std::uint64_t u = 0;
    if (*at != '-') {
      if (auto [p, ec] = std::from_chars(at, stop, u); ec == std::errc()) {
        put(Node::uinteger(u));
        return true;
      }
    }
    put_text(NodeType::numtext, at, static_cast<std::size_t>(stop - at));
    return true;
  }
  double v = 0;
  const auto [p, ec] = std::from_chars(at, stop, v);
  if (ec == std::errc::result_out_of_range || std::isinf(v)) {
    if (leading < 0) {
      put(Node::number(*at == '-' ? -0.0 : 0.0));
    } else {
      put_text(NodeType::numtext, at, static_cast<std::size_t>(stop - at));
    }
    return true;
  }
  put(Node::number(v));
  return true;
}

bool refuse(ReadError& error, const char* message, std::size_t offset) noexcept {
  error = {message, offset};
  return false;
}

}  // namespace

struct Reader::Impl {
  const simdjson::implementation* implementation = simdjson::get_active_implementation();
  std::unique_ptr<simdjson::internal::dom_parser_implementation> parser;
  std::vector<Node> nodes;
  std::string scratch;

  bool reserve(std::size_t length) noexcept {
    if (parser == nullptr)
      return implementation->create_dom_parser_implementation(std::max(length, first_capacity), 1, parser) == simdjson::SUCCESS;
    return parser->capacity() >= length || parser->set_capacity(std::max(length, parser->capacity() * 2)) == simdjson::SUCCESS;
  }
};

Reader::Reader() : impl_(std::make_unique<Impl>()) {}
Reader::~Reader() = default;
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;

bool Reader::read_into(std::string_view text, const ReadLimits& limits, Target& target, ReadError& error) noexcept {
  target.node_count = 0;
  target.scratch_used = 0;
  target.out_of_room = false;
  if (text.empty()) return refuse(error, "the text is empty", 0);
  if (text.size() > std::numeric_limits<std::uint32_t>::max() - 128) return refuse(error, "the text is 4 GiB or longer", 0);
  if (!impl_->reserve(text.size())) return refuse(error, "out of memory", 0);
  auto& parser = *impl_->parser;
  const auto code =
      parser.stage1(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), simdjson::stage1_mode::regular);
  bool ok = false;
  switch (code) {
    case simdjson::SUCCESS:
      ok = Stage2(text, parser.structural_indexes.get(), parser.n_structural_indexes, limits, target, error).run();
      break;
    case simdjson::EMPTY: refuse(error, "the text is empty", text.size()); break;
    case simdjson::UTF8_ERROR: refuse(error, "the text is not UTF-8", first_bad_utf8(text)); break;
    case simdjson::UNESCAPED_CHARS: refuse(error, "a control character stands in a string", first_control_in_string(text)); break;
    case simdjson::UNCLOSED_STRING: refuse(error, "a string is not closed", text.size()); break;
    default: refuse(error, "the text is not JSON", 0); break;
  }
  if (parser.capacity() > keep_capacity) impl_->parser.reset();
  return ok;
}

Result<Document> Reader::read(std::string_view text, const ReadLimits& limits) {
  impl_->nodes.resize(max_nodes(text.size(), limits));
  impl_->scratch.assign(text);
  impl_->scratch.resize(text.size() * 2);
  Target target{.base = impl_->scratch.data(),
                .nodes = impl_->nodes.data(),
                .node_room = impl_->nodes.size(),
                .scratch = impl_->scratch.data() + text.size(),
                .scratch_room = text.size()};
  ReadError error;
  const std::string_view own(impl_->scratch.data(), text.size());
  const bool ok = read_into(own, limits, target, error);
  Result<Document> result = ok ? Result<Document>(Document(Value(impl_->nodes.data(), impl_->scratch.data())))
                               : Result<Document>(invalid_argument("not JSON: " + std::string(error.message) + " at byte " +
                                                                   std::to_string(error.offset)));
  if (impl_->nodes.capacity() * sizeof(Node) > keep_capacity) std::vector<Node>().swap(impl_->nodes);
  if (impl_->scratch.capacity() > keep_capacity) std::string().swap(impl_->scratch);
  return result;
}

Result<Document> parse(std::string_view text, const ReadLimits& limits) { return Reader().read(text, limits); }

}  // namespace spikard::json
