// Style, pattern and topic from the input; the matcher against the obvious recursion over parts.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "messaging/text.hpp"
#include "messaging/topic.hpp"

namespace {

using namespace spikard;
using namespace spikard::messaging;
using Parts = std::vector<std::string>;

Parts split(std::string_view text, char at) {
  Parts out(1);
  for (const char c : text) {
    if (c == at) out.emplace_back();
    else out.back() += c;
  }
  return out;
}

bool nats(const Parts& p, const Parts& t) {
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (p[i].empty() || (p[i] == ">" && i + 1 != p.size())) return false;
    if (p[i].find_first_of(" \t\r\n") != std::string::npos) return false;
  }
  for (const std::string& one : t) {
    if (one.empty()) return false;
  }
  if (p.back() == ">") {
    if (t.size() < p.size()) return false;
  } else if (t.size() != p.size()) {
    return false;
  }
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (p[i] != "*" && p[i] != ">" && p[i] != t[i]) return false;
  }
  return true;
}

bool mqtt(std::string_view pattern, std::string_view topic) {
  if (pattern.empty() || topic.empty()) return false;
  Parts p = split(pattern, '/');
  const Parts t = split(topic, '/');
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (p[i].find_first_of("+#") != std::string::npos && (p[i].size() != 1 || (p[i] == "#" && i + 1 != p.size()))) return false;
  }
  if (topic[0] == '$' && (p[0] == "+" || p[0] == "#")) return false;
  const bool rest = p.back() == "#";
  if (rest) p.pop_back();
  if (rest ? t.size() < p.size() : t.size() != p.size()) return false;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (p[i] != "+" && p[i] != t[i]) return false;
  }
  return true;
}

/// Whole table: whether the first i words of the pattern stand for the first j of the topic.
bool amqp(std::string_view pattern, std::string_view topic) {
  const Parts p = pattern.empty() ? Parts() : split(pattern, '.');
  const Parts t = topic.empty() ? Parts() : split(topic, '.');
  std::vector<std::vector<char>> ok(p.size() + 1, std::vector<char>(t.size() + 1, 0));
  ok[0][0] = 1;
  for (std::size_t i = 1; i <= p.size(); ++i) {
    for (std::size_t j = 0; j <= t.size(); ++j) {
      if (p[i - 1] == "#") ok[i][j] = ok[i - 1][j] != 0 || (j > 0 && ok[i][j - 1] != 0) ? 1 : 0;
      else if (j > 0) ok[i][j] = ok[i - 1][j - 1] != 0 && (p[i - 1] == "*" || p[i - 1] == t[j - 1]) ? 1 : 0;
    }
  }
  return ok[p.size()][t.size()] != 0;
}

void same(bool a, bool b) {
  if (a != b) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 600) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = text.find('\n');
  if (line == std::string_view::npos) return 0;
  const std::string_view pattern = text.substr(0, line);
  const std::string_view topic = text.substr(line + 1);
  same(topic_match(TopicStyle::nats, pattern, topic), nats(split(pattern, '.'), split(topic, '.')));
  same(topic_match(TopicStyle::mqtt, pattern, topic), mqtt(pattern, topic));
  same(topic_match(TopicStyle::amqp, pattern, topic), amqp(pattern, topic));
  (void)topic_match(TopicStyle::auto_, pattern, topic);
  for (const TopicStyle style : {TopicStyle::auto_, TopicStyle::nats, TopicStyle::mqtt, TopicStyle::amqp}) {
    // A compiled pattern says the same; what may be published to is what a consumer of exactly that gets.
    if (const auto compiled = TopicPattern::compile(style, pattern); compiled.ok() && style != TopicStyle::auto_)
      same(compiled->matches(topic), topic_match(style, pattern, topic));
    if (check_topic(style, topic).ok()) {
      const auto exact = TopicPattern::compile(style, topic);
      if (!exact.ok() || !exact->exact() || !exact->matches(topic)) std::abort();
    }
  }
  if (const auto instant = parse_instant(topic)) {
    // Milliseconds stay.
    const auto again = parse_instant(format_instant(*instant));
    if (!again || format_instant(*again) != format_instant(*instant)) std::abort();
  }
  return 0;
}
