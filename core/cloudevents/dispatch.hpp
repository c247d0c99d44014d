#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "cloudevents/event.hpp"
#include "services/cloudevents.gen.hpp"

namespace spikard::cloudevents {

/// Exact text, or text with `*` for any run of characters, the empty one too. Case counts.
class Pattern {
 public:
  explicit Pattern(std::string text);
  /// Linear in both for one `*`; at worst their product.
  [[nodiscard]] bool matches(std::string_view text) const noexcept;
  [[nodiscard]] bool exact() const noexcept { return exact_; }
  [[nodiscard]] bool any() const noexcept { return text_ == "*"; }
  /// Characters that are not `*`: the more, the finer.
  [[nodiscard]] std::size_t weight() const noexcept { return weight_; }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
  bool exact_;
  std::size_t weight_ = 0;
};

/// Which handler takes an event. The best fit of all subscriptions: by type (exact before pattern, longer before shorter), then
/// by source, then by subject in the same way, then the one that came first. Immutable; thread-safe.
class Dispatch {
 public:
  /// `fallback`: the handler of what no subscription takes.
  Dispatch(const std::vector<services::EventSubscription>& subscriptions, std::optional<std::uint32_t> fallback);
  [[nodiscard]] std::optional<std::uint32_t> handler_of(const Event& event) const;

 private:
  struct Entry {
    Pattern type;
    Pattern source;
    Pattern subject;
    std::uint32_t handler;
  };
  [[nodiscard]] static bool takes(const Entry& entry, const Event& event) noexcept;
  std::unordered_map<std::string, std::vector<Entry>> by_type_;  // exact types, best first
  std::vector<Entry> patterns_;                                  // best first
  std::optional<std::uint32_t> fallback_;
};

}  // namespace spikard::cloudevents
