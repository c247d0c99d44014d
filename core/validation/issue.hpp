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
  Document input;                ///< what the failed check looked at; null when it was missing
  Document ctx;                  ///< an object, or empty
};

/// All violations of one request (or message). Not on the valid path: the first one allocates.
class Issues {
 public:
  void add(Issue issue) { list_.push_back(std::move(issue)); }
  [[nodiscard]] bool empty() const noexcept { return list_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return list_.size(); }
  [[nodiscard]] const std::vector<Issue>& list() const noexcept { return list_; }
  /// By `loc`, segment by segment in code points, then by type.
  void sort();
  /// Writes the JSON array of all of them.
  void write(json::Writer& out) const;
  void clear() { list_.clear(); }

 private:
  std::vector<Issue> list_;
};

}  // namespace spikard::validation
