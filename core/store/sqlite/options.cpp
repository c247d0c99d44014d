#include <charconv>

#include "store/sqlite/database.hpp"

namespace spikard::store::sqlite {
namespace {

Error bad(std::string_view url, std::string message) {
  return Error(ErrorKind::invalid_argument, std::move(message)).with("url", std::string(url));
}

int hex(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool decode(std::string_view text, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size() || hex(text[i + 1]) < 0 || hex(text[i + 2]) < 0) return false;
    out.push_back(static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2])));
    i += 2;
  }
  return out.find('\0') == std::string::npos;
}

}  // namespace

Result<DatabaseOptions> DatabaseOptions::from_url(std::string_view url) {
  constexpr std::string_view scheme = "sqlite:";
  if (!url.starts_with(scheme)) return bad(url, "expected sqlite:FILE or sqlite::memory:");
  std::string_view rest = url.substr(scheme.size());
  std::string_view query;
  if (const std::size_t at = rest.find('?'); at != std::string_view::npos) {
    query = rest.substr(at + 1);
    rest = rest.substr(0, at);
  }
  DatabaseOptions options;
  if (rest == ":memory:") {
    options.memory = true;
  } else {
    // sqlite:///absolute is how others write it.
    if (rest.starts_with("///")) rest.remove_prefix(2);
    if (rest.starts_with("//")) return bad(url, "sqlite: takes a file, no host");
    if (!decode(rest, options.path)) return bad(url, "a broken % escape");
    if (options.path.empty()) return bad(url, "expected a file after sqlite:");
    if (options.path.ends_with('/')) return bad(url, "expected a file, not a folder");
  }
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    if (pair == "synchronous=full") {
      options.full_sync = true;
    } else if (pair == "synchronous=normal") {
      options.full_sync = false;
    } else if (constexpr std::string_view busy = "busy_timeout_ms="; pair.starts_with(busy)) {
      const std::string_view number = pair.substr(busy.size());
      const auto [stop, code] = std::from_chars(number.data(), number.data() + number.size(), options.busy_timeout_ms);
      if (code != std::errc() || stop != number.data() + number.size() || options.busy_timeout_ms > 3600000)
        return bad(url, "busy_timeout_ms: expected a number up to 3600000");
    } else {
      return bad(url, "expected synchronous=full|normal or busy_timeout_ms=N, not " + std::string(pair));
    }
  }
  return options;
}

}  // namespace spikard::store::sqlite
