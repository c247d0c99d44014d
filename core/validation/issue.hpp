#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/node.hpp"

namespace spikard::validation {

/// One violation, as clients see it: `{type, loc, msg, input, ctx}`.
struct Issue {
  std::string_view type;         ///< static text: `missing`, `int_parsing`, ... (docs: validation)
  std::vector<std::string> loc;  ///< `["body", "items", "2", "sku"]`; array indices are text
  std::string msg;
  Document input;  ///< what the failed check looked at; null when it was missing
  Document ctx;    ///< an object, or empty
};

/// All violations of one request (or message). Not on the valid path: the first one allocates.
/// Bounded, for a small request must not make a huge answer: past `max_input_nodes` copied nodes the `input` of further issues is
/// null, further ones are dropped past `max_issues`.
class Issues {
 public:
  static constexpr std::size_t max_issues = 1000;
  static constexpr std::size_t max_input_nodes = 1 << 16;
  static constexpr std::size_t max_input_text = 4 << 20;

  /// A copy of what is already there is not added again.
  void add(Issue issue);
  /// A copy of `v` for `Issue::input`, within the bounds.
  [[nodiscard]] Document copy_input(Value v);
  /// For each `input` that has a `bytes` node: `fn(Value)` gives what stands in its place.
  template <class F>
  void replace_bytes(const F& fn) {
    for (Issue& issue : list_) {
      const Value v = issue.input.root();
      if (!v) continue;
      bool found = false;
      for (const Node* n = v.ptr(); n != v.ptr()->next(); ++n) found = found || n->type == NodeType::bytes;
      if (found) issue.input = fn(v);
    }
  }
  [[nodiscard]] bool full() const noexcept { return list_.size() >= max_issues; }
  [[nodiscard]] bool empty() const noexcept { return list_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return list_.size(); }
  [[nodiscard]] const std::vector<Issue>& list() const noexcept { return list_; }
  /// By `loc`, segment by segment in code points, then by type.
  void sort();
  /// Writes the JSON array of all of them.
  void write(json::Writer& out) const;
  void clear() { *this = Issues(); }

 private:
  std::vector<Issue> list_;
  std::size_t input_nodes_ = 0;
  std::size_t input_text_ = 0;
};

}  // namespace spikard::validation
