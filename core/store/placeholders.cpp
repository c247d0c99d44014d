#include "store/placeholders.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace spikard::store {
namespace {

constexpr std::uint32_t max_parameters = 65535;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool starts_word(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool in_word(char c) noexcept { return starts_word(c) || is_digit(c) || c == '$'; }
bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'; }
char upper(char c) noexcept { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

enum class Kind : std::uint8_t { end, space, comment, word, number, quoted, mark, numbered, named, semicolon, other };

struct Token {
  Kind kind = Kind::end;
  std::string_view text;
};

/// SQL as far as placeholders need it: where strings, names and comments end.
class Scanner {
 public:
  Scanner(std::string_view sql, Dialect dialect) noexcept : sql_(sql), dialect_(dialect) {}

  Token next() noexcept {
    const std::size_t start = at_;
    if (start == sql_.size()) return {};
    const Kind kind = scan();
    return {kind, sql_.substr(start, at_ - start)};
  }

 private:
  [[nodiscard]] char peek(std::size_t ahead) const noexcept { return at_ + ahead < sql_.size() ? sql_[at_ + ahead] : '\0'; }

  Kind scan() noexcept {
    const char c = sql_[at_];
    if (is_space(c)) {
      while (at_ < sql_.size() && is_space(sql_[at_])) ++at_;
      return Kind::space;
    }
    if (starts_word(c)) return word();
    if (is_digit(c)) {
      // 1e5, 0x1F and 12abc are one word for databases, too.
      while (at_ < sql_.size() && in_word(sql_[at_])) ++at_;
      return Kind::number;
    }
    switch (c) {
      case '\'': return quoted('\'', dialect_ == Dialect::mysql);
      case '"': return quoted('"', dialect_ == Dialect::mysql);
      case '`':
        if (dialect_ == Dialect::postgres) break;
        return quoted('`', false);
      case '[':
        if (dialect_ != Dialect::sqlite) break;
        at_ = after(']');
        return Kind::quoted;
      case '-':
        if (peek(1) == '-' && (dialect_ != Dialect::mysql || at_ + 2 >= sql_.size() || is_space(peek(2)))) return line_comment();
        break;
      case '#':
        if (dialect_ == Dialect::mysql) return line_comment();
        break;
      case '/':
        if (peek(1) == '*') return block_comment();
        break;
      case '$': return dollar();
      case '?': return question();
      case ':': return colon();
      case ';': ++at_; return Kind::semicolon;
      default: break;
    }
    ++at_;
    return Kind::other;
  }

  Kind word() noexcept {
    const std::size_t start = at_;
    while (at_ < sql_.size() && in_word(sql_[at_])) ++at_;
    // E'it\'s'
    if (dialect_ == Dialect::postgres && at_ - start == 1 && upper(sql_[start]) == 'E' && peek(0) == '\'')
      return quoted('\'', true);
    return Kind::word;
  }

  Kind quoted(char quote, bool backslash) noexcept {
    for (++at_; at_ < sql_.size(); ++at_) {
      if (backslash && sql_[at_] == '\\') {
        ++at_;
        if (at_ == sql_.size()) break;
      } else if (sql_[at_] == quote) {
        if (peek(1) != quote) {
          ++at_;
          return Kind::quoted;
        }
        ++at_;
      }
    }
    at_ = sql_.size();
    return Kind::quoted;
  }

  [[nodiscard]] std::size_t after(char c) const noexcept {
    const std::size_t found = sql_.find(c, at_);
    return found == std::string_view::npos ? sql_.size() : found + 1;
  }

  Kind line_comment() noexcept {
    at_ = after('\n');
    return Kind::comment;
  }

  Kind block_comment() noexcept {
    std::size_t depth = 1;
    for (at_ += 2; at_ < sql_.size();) {
      if (sql_[at_] == '*' && peek(1) == '/') {
        at_ += 2;
        if (--depth == 0) return Kind::comment;
      } else if (dialect_ == Dialect::postgres && sql_[at_] == '/' && peek(1) == '*') {
        at_ += 2;
        ++depth;
      } else {
        ++at_;
      }
    }
    return Kind::comment;
  }

  Kind dollar() noexcept {
    if (is_digit(peek(1))) {
      for (++at_; at_ < sql_.size() && is_digit(sql_[at_]);) ++at_;
      return Kind::numbered;
    }
    if (dialect_ == Dialect::postgres) {
      std::size_t end = at_ + 1;
      while (end < sql_.size() && (starts_word(sql_[end]) || is_digit(sql_[end]))) ++end;
      if (end < sql_.size() && sql_[end] == '$') {
        const std::string_view tag = sql_.substr(at_, end + 1 - at_);
        const std::size_t close = sql_.find(tag, end + 1);
        at_ = close == std::string_view::npos ? sql_.size() : close + tag.size();
        return Kind::quoted;
      }
    }
    // $name of SQLite.
    for (++at_; at_ < sql_.size() && in_word(sql_[at_]);) ++at_;
    return Kind::other;
  }

  Kind question() noexcept {
    if (peek(1) == '?') {
      at_ += 2;
      return Kind::mark;
    }
    ++at_;
    if (dialect_ != Dialect::sqlite || !is_digit(peek(0))) return Kind::mark;
    while (at_ < sql_.size() && is_digit(sql_[at_])) ++at_;  // ?12 of SQLite
    return Kind::numbered;
  }

  Kind colon() noexcept {
    ++at_;
    if (peek(0) == ':') {
      while (peek(0) == ':') ++at_;
      return Kind::other;
    }
    const char first = peek(0);
    if (!((first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') || first == '_')) return Kind::other;
    while (at_ < sql_.size() && (is_digit(sql_[at_]) || (starts_word(sql_[at_]) && static_cast<unsigned char>(sql_[at_]) < 0x80)))
      ++at_;
    return Kind::named;
  }

  std::string_view sql_;
  Dialect dialect_;
  std::size_t at_ = 0;
};

Error wrong(std::string_view detail, std::string message) {
  return Error(ErrorKind::invalid_argument, std::move(message)).with_detail(std::string(detail));
}

class Binder {
 public:
  Binder(Dialect dialect, ParameterShape shape) noexcept : dialect_(dialect), shape_(shape) {}

  Result<BoundText> run(std::string_view sql) {
    if (sql.find('\0') != std::string_view::npos) return wrong("syntax_error", "a statement has no NUL");
    out_.sql.reserve(sql.size() + 16);
    Scanner scanner(sql, dialect_);
    for (Token token = scanner.next(); token.kind != Kind::end; token = scanner.next()) SPIKARD_TRY(take(token));
    if (style_ == Kind::numbered) {
      for (std::uint32_t n = 0; n < out_.count; ++n) {
        if (!seen_[n]) return wrong("parameter_count", "$" + std::to_string(n + 1) + " does not occur");
      }
    }
    return std::move(out_);
  }

 private:
  Result<void> take(const Token& token) {
    switch (token.kind) {
      case Kind::mark:
        if (token.text.size() == 2) {  // ??
          out_.sql.push_back('?');
          return {};
        }
        if (shape_ == ParameterShape::object) break;
        SPIKARD_TRY(style(Kind::mark));
        if (out_.count == max_parameters) return wrong("parameter_count", "too many placeholders");
        put(out_.count++);
        return {};
      case Kind::numbered: {
        if (shape_ == ParameterShape::object) break;
        SPIKARD_TRY(style(Kind::numbered));
        std::uint32_t number = 0;
        for (char c : token.text.substr(1)) {
          number = number * 10 + static_cast<std::uint32_t>(c - '0');
          if (number > max_parameters) break;
        }
        if (number == 0 || number > max_parameters)
          return wrong("parameter_count", std::string(token.text) + ": placeholders count from 1 to 65535");
        if (number > out_.count) {
          out_.count = number;
          seen_.resize(number);
        }
        seen_[number - 1] = true;
        put(number - 1);
        return {};
      }
      case Kind::named: {
        if (shape_ == ParameterShape::list) break;
        const std::string_view name = token.text.substr(1);
        const auto [place, fresh] = indices_.try_emplace(std::string(name), out_.count);
        if (fresh) {
          if (out_.count == max_parameters) return wrong("parameter_count", "too many placeholders");
          ++out_.count;
          out_.names.emplace_back(name);
        }
        put(place->second);
        return {};
      }
      default: break;
    }
    out_.sql.append(token.text);
    return {};
  }

  Result<void> style(Kind kind) {
    if (style_ != Kind::end && style_ != kind) return wrong("syntax_error", "a statement has either $n or ?, not both");
    style_ = kind;
    return {};
  }

  void put(std::uint32_t index) {
    switch (dialect_) {
      case Dialect::sqlite: out_.sql.append("?").append(std::to_string(index + 1)); break;
      case Dialect::postgres: out_.sql.append("$").append(std::to_string(index + 1)); break;
      case Dialect::mysql:
        out_.sql.push_back('?');
        out_.order.push_back(index);
        break;
    }
  }

  const Dialect dialect_;
  const ParameterShape shape_;
  Kind style_ = Kind::end;
  BoundText out_;
  std::vector<bool> seen_;
  std::map<std::string, std::uint32_t> indices_;
};

std::string to_upper(std::string_view word) {
  std::string out(word);
  std::transform(out.begin(), out.end(), out.begin(), upper);
  return out;
}

}  // namespace

Result<BoundText> bind_placeholders(std::string_view sql, Dialect dialect, ParameterShape shape) {
  return Binder(dialect, shape).run(sql);
}

std::string first_keyword(std::string_view sql, Dialect dialect) {
  Scanner scanner(sql, dialect);
  for (Token token = scanner.next(); token.kind != Kind::end; token = scanner.next()) {
    if (token.kind == Kind::space || token.kind == Kind::comment || token.kind == Kind::semicolon || token.text == "(") continue;
    return token.kind == Kind::word ? to_upper(token.text) : std::string();
  }
  return {};
}

std::string without_literals(std::string_view sql, Dialect dialect) {
  std::string out;
  out.reserve(sql.size());
  Scanner scanner(sql, dialect);
  for (Token token = scanner.next(); token.kind != Kind::end; token = scanner.next()) {
    const char first = token.text.front();
    const bool name = token.kind == Kind::quoted && (first == '`' || first == '[' || (first == '"' && dialect != Dialect::mysql));
    if (token.kind == Kind::number || (token.kind == Kind::quoted && !name)) {
      // X'00', N'x': the letter before belongs to it, and says nothing.
      out.push_back('?');
    } else if (token.kind != Kind::comment) {
      out.append(token.text);
    }
  }
  return out;
}

namespace {
bool has_body(std::string_view word, Dialect dialect) noexcept {
  if (word == "TRIGGER") return true;
  return dialect == Dialect::mysql && (word == "PROCEDURE" || word == "FUNCTION" || word == "EVENT");
}
}  // namespace

std::vector<std::string_view> split_statements(std::string_view script, Dialect dialect) {
  std::vector<std::string_view> statements;
  Scanner scanner(script, dialect);
  const char* begin = script.data();
  bool something = false;
  bool create = false;   // the statement begins with CREATE
  bool trigger = false;  // and makes a trigger, or what has a body with semicolons of its own
  bool ended = false;    // the word before was END
  std::size_t depth = 0;
  std::size_t words = 0;
  const std::size_t most_words = dialect == Dialect::mysql ? 8 : 3;  // OR REPLACE DEFINER = x@y AGGREGATE FUNCTION
  for (;;) {
    const Token token = scanner.next();
    if (token.kind == Kind::end || (token.kind == Kind::semicolon && depth == 0)) {
      const char* end = token.kind == Kind::end ? script.data() + script.size() : token.text.data();
      if (something) statements.emplace_back(begin, static_cast<std::size_t>(end - begin));
      if (token.kind == Kind::end) return statements;
      begin = end + 1;
      something = create = trigger = ended = false;
      words = 0;
      continue;
    }
    if (token.kind == Kind::space || token.kind == Kind::comment) continue;
    something = true;
    if (token.kind != Kind::word) {
      ended = false;
      continue;
    }
    const std::string word = to_upper(token.text);
    if (++words == 1) create = word == "CREATE";
    if (create && words <= most_words && has_body(word, dialect)) trigger = true;
    if (!trigger || dialect == Dialect::postgres) continue;
    const bool behind_end = std::exchange(ended, word == "END");
    if (behind_end) {
      // `END IF` ends no BEGIN, and `END CASE` is the end of a CASE, not another one.
      const bool block = word == "IF" || word == "LOOP" || word == "REPEAT" || word == "WHILE";
      if (block) ++depth;
      if (block || word == "CASE") continue;
    }
    if (word == "BEGIN" || word == "CASE") ++depth;
    if (word == "END" && depth > 0) --depth;
  }
}

}  // namespace spikard::store
