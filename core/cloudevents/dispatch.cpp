#include "cloudevents/dispatch.hpp"

#include <algorithm>

namespace spikard::cloudevents {
namespace {

/// Whether `a` is the finer of two patterns that both match: -1, 0 or 1.
int finer(const Pattern& a, const Pattern& b) noexcept {
  if (a.exact() != b.exact()) return a.exact() ? 1 : -1;
  if (a.weight() != b.weight()) return a.weight() > b.weight() ? 1 : -1;
  return 0;
}

}  // namespace

Pattern::Pattern(std::string text) : text_(std::move(text)), exact_(text_.find('*') == std::string::npos) {
  weight_ = text_.size() - static_cast<std::size_t>(std::count(text_.begin(), text_.end(), '*'));
}

bool Pattern::matches(std::string_view text) const noexcept {
  if (exact_) return text == text_;
  // Greedy, going back to the last `*` only.
  std::size_t at = 0;
  std::size_t in = 0;
  std::size_t star = std::string::npos;
  std::size_t resume = 0;
  while (at < text.size()) {
    if (in < text_.size() && text_[in] == '*') {
      star = in++;
      resume = at;
    } else if (in < text_.size() && text_[in] == text[at]) {
      ++in;
      ++at;
    } else if (star != std::string::npos) {
      in = star + 1;
      at = ++resume;
    } else {
      return false;
    }
  }
  while (in < text_.size() && text_[in] == '*') ++in;
  return in == text_.size();
}

Dispatch::Dispatch(const std::vector<services::EventSubscription>& subscriptions, std::optional<std::uint32_t> fallback)
    : fallback_(fallback) {
  const auto before = [](const Entry& a, const Entry& b) {
    if (const int c = finer(a.type, b.type); c != 0) return c > 0;
    if (const int c = finer(a.source, b.source); c != 0) return c > 0;
    return finer(a.subject, b.subject) > 0;
  };
  std::vector<Entry> entries;
  for (const services::EventSubscription& s : subscriptions) {
    Entry entry{Pattern(s.type), Pattern(s.source), Pattern(s.subject), s.handler};
    entries.insert(std::upper_bound(entries.begin(), entries.end(), entry, before), std::move(entry));
  }
  for (Entry& entry : entries) {
    if (entry.type.exact()) by_type_[entry.type.text()].push_back(std::move(entry));
    else patterns_.push_back(std::move(entry));
  }
}

bool Dispatch::takes(const Entry& entry, const Event& event) noexcept {
  return entry.type.matches(event.type) && entry.source.matches(event.source) &&
         (entry.subject.any() || (!event.subject.empty() && entry.subject.matches(event.subject)));
}

std::optional<std::uint32_t> Dispatch::handler_of(const Event& event) const {
  if (const auto exact = by_type_.find(event.type); exact != by_type_.end()) {
    for (const Entry& entry : exact->second) {
      if (takes(entry, event)) return entry.handler;
    }
  }
  for (const Entry& entry : patterns_) {
    if (takes(entry, event)) return entry.handler;
  }
  return fallback_;
}

}  // namespace spikard::cloudevents
