#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "validation/issue.hpp"
#include "validation/runner.hpp"

namespace spikard::validation::detail {

/// Says everything that is wrong with a value that did not pass the Runner. Slow path: it allocates.
class Reporter {
 public:
  Reporter(const Program& program, const char* base, std::span<const std::string_view> prefix, Issues& issues)
      : program_(program), runner_(program, base), issues_(issues), loc_(prefix.begin(), prefix.end()) {}

  void report(BlockId id, const Node* n);

 private:
  using Bits = std::vector<bool>;

  void add(std::string_view type, std::string msg, const Node* input, Document ctx = {});
  void add_at(std::string segment, std::string_view type, std::string msg, const Node* input);
  void type_issue(BlockId id, const Node* n);
  void string_issues(const Block& b, const Node* n);
  void number_issues(const Block& b, const Node* n);
  void array_issues(const Block& b, const Node* n);
  void object_issues(const Block& b, const Node* n);
  void member_issues(const ObjectPart& o, const Node* n);
  void common_issues(const Block& b, const Node* n);
  void unevaluated_issues(const Block& b, const Node* n);
  /// Sets what `id` evaluates of the members or items of `n`; subschemas that must hold count even where they fail, so that
  /// one mistake is one issue.
  void mark(BlockId id, const Node* n, Bits& bits);
  void mark_in_place(const Block& b, const Node* n, Bits& bits);
  void mark_members(const ObjectPart& o, const Node* n, Bits& bits);

  const Program& program_;
  Runner runner_;
  Issues& issues_;
  std::vector<std::string> loc_;
};

}  // namespace spikard::validation::detail
