#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include <simdjson.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/base64.hpp"
#include "base/json.hpp"
#include "base/json_out.hpp"
#include "base/json_text.hpp"

namespace spikard::json {
namespace {

constexpr auto digit_pairs = [] {
  struct Table {
    char at[200]{};
  } table;
  for (int i = 0; i < 100; ++i) {
    table.at[2 * i] = static_cast<char>('0' + i / 10);
    table.at[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return table;
}();

/// What stands for a byte below 0x80: 0 is itself, `u` a \u00XX, else the character after the backslash.
constexpr auto escapes = [] {
  struct Table {
    char at[256]{};
  } table;
  for (int i = 0; i < 0x20; ++i) table.at[i] = 'u';
  table.at['"'] = '"';
  table.at['\\'] = '\\';
  table.at['\b'] = 'b';
  table.at['\f'] = 'f';
  table.at['\n'] = 'n';
  table.at['\r'] = 'r';
  table.at['\t'] = 't';
  return table;
}();

char* put_escape(char* out, unsigned char c) noexcept {
  const char kind = escapes.at[c];
  *out++ = '\\';
  *out++ = kind;
  if (kind == 'u') {
    constexpr char hex[] = "0123456789abcdef";
    *out++ = '0';
    *out++ = '0';
    *out++ = hex[c >> 4];
    *out++ = hex[c & 15];
  }
  return out;
}

/// Length of the well-formed UTF-8 sequence that starts at `p` (lead byte above 0x7F), or 0.
std::size_t sequence_length(const char* p, const char* end) noexcept {
  const auto lead = static_cast<unsigned char>(*p);
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  return static_cast<std::size_t>(end - p) >= length && simdjson::validate_utf8(p, length) ? length : 0;
}

/// The general case; `checked` says that the text is UTF-8.
char* put_escaped(char* out, std::string_view v, bool checked) noexcept {
  const char* p = v.data();
  const char* const end = p + v.size();
  while (p != end) {
    const std::size_t plain = plain_prefix({p, static_cast<std::size_t>(end - p)});
    std::memcpy(out, p, plain);
    out += plain;
    p += plain;
    if (p == end) break;
    const auto c = static_cast<unsigned char>(*p);
    if (c < 0x80) {
      out = put_escape(out, c);
      ++p;
    } else if (checked) {
      while (p != end && static_cast<unsigned char>(*p) >= 0x80) *out++ = *p++;
    } else if (const std::size_t length = sequence_length(p, end); length != 0) {
      std::memcpy(out, p, length);
      out += length;
      p += length;
    } else {
      std::memcpy(out, "\xEF\xBF\xBD", 3);
      out += 3;
      ++p;
    }
  }
  return out;
}

}  // namespace

std::size_t plain_prefix(std::string_view v) noexcept {
  const char* p = v.data();
  const char* const end = p + v.size();
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i first_plain = _mm_set1_epi8(0x20);
  while (end - p >= 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    // A signed compare takes control characters and bytes above 0x7F in one.
    const __m128i special = _mm_or_si128(_mm_cmplt_epi8(block, first_plain),
                                         _mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)));
    const int hits = _mm_movemask_epi8(special);
    if (hits != 0)
      return static_cast<std::size_t>(p - v.data()) + static_cast<std::size_t>(std::countr_zero(static_cast<unsigned>(hits)));
    p += 16;
  }
#endif
  while (p != end && static_cast<unsigned char>(*p) < 0x80 && escapes.at[static_cast<unsigned char>(*p)] == 0) ++p;
  return static_cast<std::size_t>(p - v.data());
}

char* put_uinteger(char* out, std::uint64_t v) noexcept {
  if (v < 10) {
    *out = static_cast<char>('0' + v);
    return out + 1;
  }
  char buffer[20];
  char* p = buffer + sizeof buffer;
  while (v >= 100) {
    p -= 2;
    std::memcpy(p, digit_pairs.at + 2 * (v % 100), 2);
    v /= 100;
  }
  if (v >= 10) {
    p -= 2;
    std::memcpy(p, digit_pairs.at + 2 * v, 2);
  } else {
    *--p = static_cast<char>('0' + v);
  }
  const auto length = static_cast<std::size_t>(buffer + sizeof buffer - p);
  std::memcpy(out, p, length);
  return out + length;
}

char* put_integer(char* out, std::int64_t v) noexcept {
  auto u = static_cast<std::uint64_t>(v);
  if (v < 0) {
    *out++ = '-';
    u = 0 - u;
  }
  return put_uinteger(out, u);
}

char* put_number(char* out, double v) noexcept {
  if (!std::isfinite(v)) {
    std::memcpy(out, "null", 4);
    return out + 4;
  }
  if (std::signbit(v)) {
    *out++ = '-';
    v = -v;
  }
  // At most 15 digits, four of them behind the point: no two such decimals share a double, so where it reads back it is the
  // shortest.
  if (v < 1e11) {
    const auto scaled = static_cast<std::uint64_t>(v * 1e4 + 0.5);
    if (static_cast<double>(scaled) / 1e4 == v) {
      out = put_uinteger(out, scaled / 10000);
      auto fraction = static_cast<unsigned>(scaled % 10000);
      *out++ = '.';
      std::memcpy(out, digit_pairs.at + 2 * (fraction / 100), 2);
      std::memcpy(out + 2, digit_pairs.at + 2 * (fraction % 100), 2);
      std::size_t digits = 4;
      while (digits > 1 && out[digits - 1] == '0') --digits;
      return out + digits;
    }
  }
  if (v < 1e15 && v == std::floor(v)) {
    out = put_uinteger(out, static_cast<std::uint64_t>(v));
    std::memcpy(out, ".0", 2);
    return out + 2;
  }
  char* const end = std::to_chars(out, out + max_number_text - 3, v).ptr;
  for (const char* p = out; p != end; ++p) {
    if (*p == '.' || *p == 'e') return end;
  }
  std::memcpy(end, ".0", 2);
  return end + 2;
}

char* put_quoted(char* out, std::string_view v) noexcept {
  *out++ = '"';
  const std::size_t plain = plain_prefix(v);
  if (plain != 0) std::memcpy(out, v.data(), plain);
  out += plain;
  if (plain != v.size()) {
    v.remove_prefix(plain);
    out = put_escaped(out, v, simdjson::validate_utf8(v.data(), v.size()));
  }
  *out++ = '"';
  return out;
}

void append_quoted(std::string& out, std::string_view v) {
  const std::size_t plain = plain_prefix(v);
  out.push_back('"');
  out.append(v.data(), plain);
  v.remove_prefix(plain);
  if (!v.empty()) {
    const bool checked = simdjson::validate_utf8(v.data(), v.size());
    // In pieces, so that a long text does not ask for six times its length.
    char buffer[512 * 6];
    while (!v.empty()) {
      std::size_t piece = std::min<std::size_t>(v.size(), 512);
      // No piece ends inside a sequence.
      while (piece < v.size() && piece > 508 && (static_cast<unsigned char>(v[piece]) & 0xC0) == 0x80) --piece;
      out.append(buffer, put_escaped(buffer, v.substr(0, piece), checked));
      v.remove_prefix(piece);
    }
  }
  out.push_back('"');
}

void Writer::integer(std::int64_t v) {
  char buffer[max_number_text];
  value({buffer, static_cast<std::size_t>(put_integer(buffer, v) - buffer)});
}

void Writer::uinteger(std::uint64_t v) {
  char buffer[max_number_text];
  value({buffer, static_cast<std::size_t>(put_uinteger(buffer, v) - buffer)});
}

void Writer::number(double v) {
  char buffer[max_number_text];
  value({buffer, static_cast<std::size_t>(put_number(buffer, v) - buffer)});
}

void Writer::string(std::string_view v) {
  comma();
  append_quoted(*out_, v);
}

void Writer::bytes(std::string_view v) {
  comma();
  out_->push_back('"');
  base64::encode(v, *out_);
  out_->push_back('"');
}

void Writer::key(std::string_view name) {
  comma();
  append_quoted(*out_, name);
  out_->push_back(':');
  fresh_ = true;
}

namespace {

/// A std::string as a buffer with a cursor: it is kept as long as its capacity, and cut at the end.
class StringOut {
 public:
  explicit StringOut(std::string& text) : text_(text), used_(text.size()) { text_.resize(text_.capacity()); }
  ~StringOut() { text_.resize(used_); }
  StringOut(const StringOut&) = delete;
  StringOut& operator=(const StringOut&) = delete;
  char* room(std::size_t n) {
    if (text_.size() - used_ < n) {
      text_.reserve(std::max(text_.capacity() * 2, used_ + n));
      text_.resize(text_.capacity());
    }
    return text_.data() + used_;
  }
  void advance_to(char* at) noexcept { used_ = static_cast<std::size_t>(at - text_.data()); }

 private:
  std::string& text_;
  std::size_t used_;
};

/// The nodes are in preorder, so only the ends of the open containers must be remembered.
template <class Out>
void write_nodes(Out& out, Value v) {
  struct Open {
    const Node* end;
    bool object;
  };
  Open shallow[32];
  std::vector<Open> deep;
  std::size_t depth = 0;
  const auto innermost = [&]() -> const Open& { return depth <= 32 ? shallow[depth - 1] : deep.back(); };
  const auto close = [&] {
    char* const to = out.room(1);
    *to = innermost().object ? '}' : ']';
    out.advance_to(to + 1);
    if (depth > 32) deep.pop_back();
    --depth;
  };

  const char* const base = v.base();
  const Node* n = v.ptr();
  const Node* const last = n->next();
  bool first = true;
  bool key_next = false;
  while (true) {
    while (depth > 0 && n == innermost().end) {
      close();
      first = false;
      key_next = depth > 0 && innermost().object;
    }
    if (n == last) return;
    const std::string_view text(
        base + (n->type == NodeType::string || n->type == NodeType::numtext || n->type == NodeType::bytes ? n->off : 0), n->len);
    const bool textual = n->type == NodeType::string || n->type == NodeType::numtext || n->type == NodeType::bytes;
    char* to = out.room(textual ? max_quoted(text.size()) + 2 : max_number_text + 2);
    if (!first) *to++ = ',';
    first = false;
    const bool is_key = key_next;
    switch (n->type) {
      case NodeType::null:
        std::memcpy(to, "null", 4);
        to += 4;
        break;
      case NodeType::boolean:
        if (n->i != 0) std::memcpy(to, "true", 4), to += 4;
        else std::memcpy(to, "false", 5), to += 5;
        break;
      case NodeType::integer: to = put_integer(to, n->i); break;
      case NodeType::uinteger: to = put_uinteger(to, n->off); break;
      case NodeType::number: to = put_number(to, n->f); break;
      case NodeType::numtext:
        std::memcpy(to, text.data(), text.size());
        to += text.size();
        break;
      case NodeType::string: to = put_quoted(to, text); break;
      case NodeType::bytes: {
        const std::string coded = base64::encode(text);
        *to++ = '"';
        std::memcpy(to, coded.data(), coded.size());
        to += coded.size();
        *to++ = '"';
        break;
      }
      case NodeType::array:
      case NodeType::object: {
        const bool object = n->type == NodeType::object;
        *to++ = object ? '{' : '[';
        const Open open{n->next(), object};
        if (depth < 32) shallow[depth] = open;
        else deep.push_back(open);
        ++depth;
        first = true;
        break;
      }
    }
    if (is_key) {
      *to++ = ':';
      first = true;
    }
    out.advance_to(to);
    key_next = !is_key && depth > 0 && innermost().object;
    ++n;
  }
}

}  // namespace

void Writer::write(Value v) {
  comma();
  StringOut out(*out_);
  write_nodes(out, v);
}

std::string to_string(Value v) {
  std::string out;
  Writer(out).write(v);
  return out;
}

}  // namespace spikard::json

namespace spikard {

void JsonOut::value(Value v) { json::write_nodes(*this, v); }

JsonOut& JsonOut::scratch() {
  constexpr std::ptrdiff_t keep = 1 << 20;
  thread_local JsonOut out;
  if (out.end_ - out.begin_.get() > keep) {
    out.begin_.reset();
    out.end_ = nullptr;
  }
  out.clear();
  return out;
}

void JsonOut::grow(std::size_t n) {
  const std::size_t used = size();
  std::size_t room = begin_ == nullptr ? 1024 : 2 * static_cast<std::size_t>(end_ - begin_.get());
  while (room < used + n) room *= 2;
  std::unique_ptr<char[]> bigger(new char[room]);
  if (used > 0) std::memcpy(bigger.get(), begin_.get(), used);
  begin_ = std::move(bigger);
  at_ = begin_.get() + used;
  end_ = begin_.get() + room;
}

}  // namespace spikard
