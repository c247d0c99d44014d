#pragma once

#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/node.hpp"
#include "base/result.hpp"

namespace spikard::services::detail {

/// Walks a document and collects what is wrong with it, each with its path (`http.routes[3].method`). Decoding goes on after a
/// problem, so that one run tells all of them (at most `max_problems`).
class Decoder {
 public:
  static constexpr std::size_t max_problems = 32;

  explicit Decoder(std::string root) : path_(std::move(root)) {}

  /// A member that is there; leaving the scope takes its name off the path.
  class Member {
   public:
    Member(Decoder& decoder, Value value, std::size_t length) noexcept : decoder_(decoder), value_(value), length_(length) {}
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;
    ~Member() { decoder_.path_.resize(length_); }
    explicit operator bool() const noexcept { return value_.exists(); }
    [[nodiscard]] Value value() const noexcept { return value_; }

   private:
    Decoder& decoder_;
    Value value_;
    std::size_t length_;
  };

  /// False, with a problem, when `v` is no object; a problem for each member that is not in `known`.
  bool object(Value v, std::span<const std::string_view> known);
  [[nodiscard]] Member member(Value object, std::string_view name, bool required = false);
  [[nodiscard]] Member element(Value value, std::size_t index);
  [[nodiscard]] Member entry(Value value, std::string_view name);

  bool array(Value v);
  bool any_object(Value v);
  void text(Value v, std::string& out, std::size_t min_length = 0, std::size_t max_length = SIZE_MAX);
  void boolean(Value v, bool& out);
  void json(Value v, Document& out);
  template <std::unsigned_integral T>
  void integer(Value v, T& out, std::uint64_t min, std::uint64_t max) {
    if (std::uint64_t n = 0; unsigned_integer(v, n, min, max)) out = static_cast<T>(n);
  }
  template <std::signed_integral T>
  void integer(Value v, T& out, std::int64_t min, std::int64_t max) {
    if (std::int64_t n = 0; signed_integer(v, n, min, max)) out = static_cast<T>(n);
  }
  /// The place of `v`'s text in `names`.
  [[nodiscard]] std::optional<std::size_t> choice(Value v, std::span<const std::string_view> names);

  void problem(std::string text);
  [[nodiscard]] Result<void> finish() const;

 private:
  bool unsigned_integer(Value v, std::uint64_t& out, std::uint64_t min, std::uint64_t max);
  bool signed_integer(Value v, std::int64_t& out, std::int64_t min, std::int64_t max);

  std::string path_;
  std::vector<std::string> problems_;
};

/// Equality of two documents; both empty is equal.
[[nodiscard]] bool same(const Document& a, const Document& b);

/// The one of `known` that is closest to `name`, when it is close enough to be meant, or empty.
[[nodiscard]] std::string_view did_you_mean(std::string_view name, std::span<const std::string_view> known);

}  // namespace spikard::services::detail
