#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "services/messaging.gen.hpp"

namespace spikard::messaging {

using services::TopicStyle;

inline constexpr std::size_t max_topic_bytes = 255;

/// What a consumer subscribes to: one topic, or a pattern in the style of NATS, MQTT or AMQP. A value; matching allocates
/// nothing.
class TopicPattern {
 public:
  /// invalid_argument for a text that is no pattern of this style: an empty or misplaced wildcard (`a.>.b`, `a/b#`), an empty
  /// token of NATS, control characters, more than max_topic_bytes.
  [[nodiscard]] static Result<TopicPattern> compile(TopicStyle style, std::string_view text);

  /// This topic and no other, whatever it looks like.
  [[nodiscard]] static TopicPattern topic(std::string_view text) { return {TopicStyle::nats, text, true}; }

  [[nodiscard]] bool matches(std::string_view topic) const noexcept;
  /// One topic: `text()`.
  [[nodiscard]] bool exact() const noexcept { return exact_; }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  /// Never `auto_`.
  [[nodiscard]] TopicStyle style() const noexcept { return style_; }

 private:
  TopicPattern(TopicStyle style, std::string_view text, bool exact) : text_(text), style_(style), exact_(exact) {}
  std::string text_;
  TopicStyle style_;
  bool exact_;
};

/// A topic that may be published to: 1 to max_topic_bytes bytes of UTF-8, no control characters, no wildcards of the style (with
/// `auto_`: of NATS or MQTT), for NATS no blanks and no empty tokens. invalid_argument otherwise.
[[nodiscard]] Result<void> check_topic(TopicStyle style, std::string_view topic);

/// Whether `pattern` stands for `topic`; false for what is no pattern. Case counts. With MQTT, a wildcard at the beginning stands
/// for no topic that begins with `$` (MQTT 5, 4.7.2).
[[nodiscard]] bool topic_match(TopicStyle style, std::string_view pattern, std::string_view topic);

}  // namespace spikard::messaging
