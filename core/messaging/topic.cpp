#include "messaging/topic.hpp"

#include "base/json.hpp"
#include "messaging/text.hpp"

namespace spikard::messaging {
namespace {

/// The parts of a text between separators; an empty text has one empty part.
class Parts {
 public:
  Parts(std::string_view text, char separator) noexcept : rest_(text), separator_(separator) {}
  [[nodiscard]] bool done() const noexcept { return done_; }
  /// After the last part: nothing is left.
  std::string_view next() noexcept {
    const std::size_t at = rest_.find(separator_);
    const std::string_view part = rest_.substr(0, at);
    if (at == std::string_view::npos) done_ = true;
    else rest_.remove_prefix(at + 1);
    return part;
  }

 private:
  std::string_view rest_;
  char separator_;
  bool done_ = false;
};

enum class Kind : std::uint8_t { topic, pattern, invalid };

Kind kind_nats(std::string_view text) noexcept {
  bool wild = false;
  for (Parts parts(text, '.'); !parts.done();) {
    const std::string_view token = parts.next();
    if (token.empty() || token.find_first_of(" \t\r\n") != std::string_view::npos) return Kind::invalid;
    if (token == ">") {
      if (!parts.done()) return Kind::invalid;
      wild = true;
    }
    wild = wild || token == "*";
  }
  return wild ? Kind::pattern : Kind::topic;
}

Kind kind_mqtt(std::string_view text) noexcept {
  if (text.empty()) return Kind::invalid;
  bool wild = false;
  for (Parts parts(text, '/'); !parts.done();) {
    const std::string_view level = parts.next();
    if (level.find_first_of("+#") == std::string_view::npos) continue;
    if (level.size() != 1 || (level == "#" && !parts.done())) return Kind::invalid;
    wild = true;
  }
  return wild ? Kind::pattern : Kind::topic;
}

Kind kind_amqp(std::string_view text) noexcept {
  for (Parts parts(text, '.'); !parts.done();) {
    const std::string_view word = parts.next();
    if (word == "*" || word == "#") return Kind::pattern;
  }
  return Kind::topic;
}

bool match_nats(std::string_view pattern, std::string_view topic) noexcept {
  Parts p(pattern, '.');
  Parts t(topic, '.');
  while (!p.done()) {
    const std::string_view want = p.next();
    if (t.done()) return false;
    const std::string_view have = t.next();
    if (have.empty()) return false;
    if (want == ">" && p.done()) {
      while (!t.done()) {
        if (t.next().empty()) return false;
      }
      return true;
    }
    if (want != "*" && want != have) return false;
  }
  return t.done();
}

bool match_mqtt(std::string_view pattern, std::string_view topic) noexcept {
  if (topic.empty()) return false;
  if (topic.front() == '$' && (pattern.front() == '+' || pattern.front() == '#')) return false;
  Parts p(pattern, '/');
  Parts t(topic, '/');
  while (!p.done()) {
    const std::string_view want = p.next();
    if (want == "#") return true;  // what is left, and the level above
    if (t.done()) return false;
    const std::string_view have = t.next();
    if (want != "+" && want != have) return false;
  }
  return t.done();
}

/// The words of an AMQP routing key; an empty one has none.
class Words {
 public:
  explicit Words(std::string_view text) noexcept : rest_(text), done_(text.empty()) {}
  [[nodiscard]] bool done() const noexcept { return done_; }
  std::string_view next() noexcept {
    const std::size_t at = rest_.find('.');
    const std::string_view word = rest_.substr(0, at);
    if (at == std::string_view::npos) done_ = true;
    else rest_.remove_prefix(at + 1);
    return word;
  }

 private:
  std::string_view rest_;
  bool done_;
};

/// Goes back to the last `#` only, as with `*` in file names: at most words(pattern) * words(topic) steps.
bool match_amqp(std::string_view pattern, std::string_view topic) noexcept {
  Words p(pattern);
  Words t(topic);
  Words after_hash(pattern);
  Words retry(topic);
  bool hash = false;
  while (true) {
    Words ahead = p;
    const std::string_view want = ahead.done() ? std::string_view() : ahead.next();
    if (!p.done() && want == "#") {
      p = after_hash = ahead;
      retry = t;
      hash = true;
      continue;
    }
    if (p.done() && t.done()) return true;
    if (!p.done() && !t.done()) {
      Words behind = t;
      if (const std::string_view have = behind.next(); want == "*" || want == have) {
        p = ahead;
        t = behind;
        continue;
      }
    }
    if (!hash || retry.done()) return false;
    (void)retry.next();
    p = after_hash;
    t = retry;
  }
}

Kind kind_of(TopicStyle style, std::string_view text) noexcept {
  switch (style) {
    case TopicStyle::nats: return kind_nats(text);
    case TopicStyle::mqtt: return kind_mqtt(text);
    default: return kind_amqp(text);
  }
}

bool match(TopicStyle style, std::string_view pattern, std::string_view topic) noexcept {
  switch (style) {
    case TopicStyle::nats: return match_nats(pattern, topic);
    case TopicStyle::mqtt: return match_mqtt(pattern, topic);
    default: return match_amqp(pattern, topic);
  }
}

/// NATS or MQTT where the text is a pattern of one of these; else nothing.
TopicStyle resolve(std::string_view text) noexcept {
  if (kind_nats(text) == Kind::pattern) return TopicStyle::nats;
  if (kind_mqtt(text) == Kind::pattern) return TopicStyle::mqtt;
  return TopicStyle::auto_;
}

Error bad(std::string_view what, std::string_view text, std::string_view why) {
  std::string message(what);
  message.append(" ");
  json::append_quoted(message, text.substr(0, max_topic_bytes));
  message.append(": ").append(why);
  return invalid_argument(std::move(message));
}

Result<void> check_text(std::string_view what, std::string_view text) {
  if (text.size() > max_topic_bytes) return bad(what, text, "longer than 255 bytes");
  if (!is_utf8(text)) return bad(what, text, "not UTF-8");
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return bad(what, text, "control characters");
  }
  return {};
}

}  // namespace

Result<TopicPattern> TopicPattern::compile(TopicStyle style, std::string_view text) {
  SPIKARD_TRY(check_text("the pattern", text));
  if (text.empty() && style != TopicStyle::amqp) return bad("the pattern", text, "empty");
  if (style == TopicStyle::auto_) {
    style = resolve(text);
    if (style == TopicStyle::auto_) return TopicPattern(TopicStyle::nats, text, true);
    return TopicPattern(style, text, false);
  }
  const Kind kind = kind_of(style, text);
  if (kind == Kind::invalid) {
    return bad("the pattern", text,
               style == TopicStyle::nats ? "tokens are not empty and have no blanks, and `>` is the last one"
                                         : "`+` and `#` are whole levels, and `#` is the last one");
  }
  return TopicPattern(style, text, kind == Kind::topic);
}

bool TopicPattern::matches(std::string_view topic) const noexcept {
  return exact_ ? topic == text_ : match(style_, text_, topic);
}

Result<void> check_topic(TopicStyle style, std::string_view topic) {
  if (topic.empty()) return bad("the topic", topic, "empty");
  SPIKARD_TRY(check_text("the topic", topic));
  if (style == TopicStyle::auto_) {
    if (resolve(topic) != TopicStyle::auto_) return bad("the topic", topic, "has wildcards");
    return {};
  }
  switch (kind_of(style, topic)) {
    case Kind::topic: return {};
    case Kind::pattern: return bad("the topic", topic, "has wildcards");
    case Kind::invalid: break;
  }
  return bad("the topic", topic, style == TopicStyle::nats ? "tokens are not empty and have no blanks" : "has `+` or `#`");
}

bool topic_match(TopicStyle style, std::string_view pattern, std::string_view topic) {
  if (style == TopicStyle::auto_) {
    style = resolve(pattern);
    if (style == TopicStyle::auto_) return !pattern.empty() && pattern == topic;
  }
  return kind_of(style, pattern) != Kind::invalid && match(style, pattern, topic);
}

}  // namespace spikard::messaging
