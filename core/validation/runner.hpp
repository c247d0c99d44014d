#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "validation/program.hpp"

namespace spikard::validation::detail {

/// Memory that validation reuses, one a thread.
struct Scratch {
  std::vector<std::uint64_t> bits;                              ///< evaluated members and items, a stack of bit sets
  std::vector<std::uint32_t> scopes;                            ///< the dynamic scope: resources, outermost first
  std::vector<std::pair<std::uint64_t, const Node*>> elements;  ///< uniqueItems: hash and element
};
[[nodiscard]] Scratch& thread_scratch() noexcept;

/// Runs a program over one document: true or false, no allocation once the scratch has grown to what it needs.
class Runner {
 public:
  Runner(const Program& program, const char* base);
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  /// Call `valid` from outside: it is `run` unless a limit was hit (nesting, a PCRE2 pattern); then the value counts as invalid.
  [[nodiscard]] bool valid(BlockId id, const Node* n) { return run(id, n) && !aborted_; }
  [[nodiscard]] bool run(BlockId id, const Node* n) { return id == accept || block<false>(id, n, 0); }
  [[nodiscard]] bool aborted() const noexcept { return aborted_; }
  void abort() noexcept { aborted_ = true; }

  // The pieces, for the reporter.
  [[nodiscard]] bool type_fits(std::uint8_t types, const Node* n) const noexcept;
  [[nodiscard]] bool string_op(const Op& op, const Node* n);
  [[nodiscard]] bool number_op(const Op& op, const Node* n) const;
  [[nodiscard]] bool value_op(const Op& op, const Node* n) const;  ///< enum, const
  [[nodiscard]] bool unique(const Node* array);
  [[nodiscard]] bool matches(std::uint32_t pattern, std::string_view text);
  [[nodiscard]] BlockId dynamic_target(const DynamicRef& ref) const noexcept;
  [[nodiscard]] std::string_view text(const Node* n) const noexcept { return {base_ + n->off, n->len}; }
  [[nodiscard]] Value value(const Node* n) const noexcept { return {n, base_}; }
  [[nodiscard]] bool has_member(const Node* object, std::string_view name) const noexcept {
    return value(object).find(name).exists();
  }
  [[nodiscard]] const Program& program() const noexcept { return program_; }

  /// Holds the dynamic scope (and counts the depth) while a block is looked at.
  class Scope {
   public:
    Scope(Runner& runner, const Block& block);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    [[nodiscard]] bool too_deep() const noexcept { return runner_.depth_ > max_depth; }

   private:
    Runner& runner_;
    bool pushed_ = false;
  };
  static constexpr std::uint32_t max_depth = 2000;

 private:
  // `track`: bits of the members or items that were evaluated are set in the scratch from word `at` on.
  template <bool track>
  bool block(BlockId id, const Node* n, std::size_t at);
  bool string_check(const Op& op, const Node* n);
  bool number_check(const Op& op, const Node* n) const;
  bool scalar(const Block& b, const Node* n);
  bool child(BlockId id, const Node* n);
  template <bool track>
  bool body(const Block& b, const Node* n, std::size_t at);
  template <bool track>
  bool common(const Block& b, const Node* n, std::size_t at);
  template <bool track>
  bool array(const Block& b, const Node* n, std::size_t at);
  template <bool track>
  bool contains(const Op& op, const Node* n, std::size_t at);
  template <bool track>
  bool object(const Block& b, const Node* n, std::size_t at);
  template <bool track>
  bool members(const ObjectPart& o, const Node* n, std::size_t at);
  template <bool track>
  bool unknown_member(const ObjectPart& o, const Node* key, bool known, std::size_t at, std::uint32_t index);
  template <bool track>
  bool in_place(BlockId id, const Node* n, std::size_t at);
  bool with_unevaluated(const Block& b, const Node* n, std::size_t at, bool track);
  /// Runs a block whose annotations count only when it holds: into bits of its own, merged when true.
  template <bool track>
  bool branch(BlockId id, const Node* n, std::size_t at);
  void mark(std::size_t at, std::uint32_t index) noexcept { scratch_.bits[at + index / 64] |= std::uint64_t{1} << (index % 64); }
  [[nodiscard]] bool marked(std::size_t at, std::uint32_t index) const noexcept {
    return ((scratch_.bits[at + index / 64] >> (index % 64)) & 1U) != 0;
  }
  static std::size_t words(const Node* n) noexcept { return (std::size_t{n->len} + 63) / 64; }

  const Program& program_;
  const char* base_;
  Scratch& scratch_;
  std::size_t first_scope_;
  std::uint32_t depth_ = 0;
  bool aborted_ = false;
};

[[nodiscard]] std::size_t code_points(std::string_view text) noexcept;

}  // namespace spikard::validation::detail
