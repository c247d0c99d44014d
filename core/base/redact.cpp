#include "base/redact.hpp"

#include <cstddef>

namespace spikard {
namespace {

constexpr std::string_view secret_words[] = {"password", "passwd",     "secret", "token",     "authorization",
                                             "cookie",   "credential", "apikey", "privatekey"};

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

/// `word` at `at`, not counting `-`, `_` and blanks between its letters.
bool word_at(std::string_view name, std::size_t at, std::string_view word) noexcept {
  std::size_t matched = 0;
  for (; at < name.size() && matched < word.size(); ++at) {
    const char c = lower(name[at]);
    if (c == word[matched]) ++matched;
    else if (matched == 0 || (c != '-' && c != '_' && c != ' ')) return false;
  }
  return matched == word.size();
}

bool ends_authority(char c) noexcept {
  return c == '/' || c == '?' || c == '#' || c == '"' || c == '\'' || c == '<' || c == '>' ||
         static_cast<unsigned char>(c) <= ' ';
}

}  // namespace

bool is_secret_name(std::string_view name) noexcept {
  for (std::size_t at = 0; at < name.size(); ++at) {
    for (const std::string_view word : secret_words) {
      if (word_at(name, at, word)) return true;
    }
  }
  return false;
}

std::string redact_urls(std::string_view text) {
  std::string out;
  std::size_t done = 0;
  for (std::size_t at = text.find("://"); at != std::string_view::npos; at = text.find("://", at)) {
    at += 3;
    std::size_t end = at;
    std::size_t host = std::string_view::npos;
    while (end < text.size() && !ends_authority(text[end])) {
      if (text[end] == '@') host = end;
      ++end;
    }
    if (host == std::string_view::npos) continue;
    out.append(text, done, at - done);
    out.append(redacted);
    done = host;
  }
  out.append(text.substr(done));
  return out;
}

}  // namespace spikard
