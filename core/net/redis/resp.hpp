#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace spikard::net::redis {

/// Kinds of RESP2 and RESP3 values. `text` is a bulk, simple or verbatim string (without its format); both kinds of error are
/// `error`; `null` is every way to say nothing.
enum class Kind : std::uint8_t { null, text, error, integer, real, big, boolean, array, map, set, push };

namespace detail {
/// A value in a tree that is laid out flat, children behind their parent.
struct Node {
  std::uint32_t at = 0;    ///< of its text, from the reply's first byte
  std::uint32_t size = 0;  ///< of its text; or how many children
  std::uint32_t skip = 1;  ///< it and all below it
  Kind kind = Kind::null;
};
}  // namespace detail

/// A value, borrowed: valid as long as what it was taken from (a callback's argument until it returns, a Reply while it lives).
class View {
 public:
  View(const char* base, const detail::Node* node) noexcept : base_(base), node_(node) {}

  [[nodiscard]] Kind kind() const noexcept { return node_->kind; }
  [[nodiscard]] bool is_null() const noexcept { return node_->kind == Kind::null; }
  [[nodiscard]] bool is_error() const noexcept { return node_->kind == Kind::error; }
  [[nodiscard]] bool is_text() const noexcept { return node_->kind == Kind::text; }
  [[nodiscard]] bool has_elements() const noexcept { return node_->kind >= Kind::array; }
  /// As it was sent: text, the message of an error, digits of numbers, `t` or `f`. Empty for the others.
  [[nodiscard]] std::string_view text() const noexcept {
    return has_elements() ? std::string_view() : std::string_view(base_ + node_->at, node_->size);
  }
  /// Of an integer, or of text that is one (scripts, RESP2).
  [[nodiscard]] std::optional<std::int64_t> integer() const noexcept;
  /// Of a real number, or of text that is one.
  [[nodiscard]] std::optional<double> real() const noexcept;
  /// `true`, 1 and `OK`.
  [[nodiscard]] bool truth() const noexcept;

  /// Elements; a map has two an entry.
  [[nodiscard]] std::size_t size() const noexcept { return has_elements() ? node_->size : 0; }
  /// O(n) in general: walk with the iterator.
  [[nodiscard]] View operator[](std::size_t n) const noexcept {
    const detail::Node* at = node_ + 1;
    for (; n > 0; --n) at += at->skip;
    return View(base_, at);
  }
  /// The value of a map's entry, in RESP2 of a flat list of names and values; null-kind for none.
  [[nodiscard]] std::optional<View> find(std::string_view name) const noexcept;

  class Iterator {
   public:
    Iterator(const char* base, const detail::Node* node) noexcept : base_(base), node_(node) {}
    [[nodiscard]] View operator*() const noexcept { return View(base_, node_); }
    Iterator& operator++() noexcept {
      node_ += node_->skip;
      return *this;
    }
    [[nodiscard]] bool operator==(const Iterator& other) const noexcept { return node_ == other.node_; }

   private:
    const char* base_;
    const detail::Node* node_;
  };
  [[nodiscard]] Iterator begin() const noexcept { return {base_, node_ + 1}; }
  [[nodiscard]] Iterator end() const noexcept { return {base_, has_elements() ? node_ + node_->skip : node_ + 1}; }

 private:
  friend class Reply;
  const char* base_;
  const detail::Node* node_;
};

/// A value of its own: one copy of the bytes.
class Reply {
 public:
  Reply() : nodes_(1) {}
  explicit Reply(View view);
  [[nodiscard]] View view() const noexcept { return View(bytes_.data(), nodes_.data()); }
  [[nodiscard]] Kind kind() const noexcept { return view().kind(); }
  [[nodiscard]] bool is_null() const noexcept { return view().is_null(); }
  [[nodiscard]] std::string_view text() const noexcept { return view().text(); }
  [[nodiscard]] std::optional<std::int64_t> integer() const noexcept { return view().integer(); }

 private:
  std::string bytes_;
  std::vector<detail::Node> nodes_;
};

struct Limits {
  Limits() noexcept {}
  std::uint32_t depth = 32;
  std::uint32_t bytes = 512U << 20U;  ///< of one reply
  std::uint32_t values = 1U << 22U;   ///< in one reply
  std::uint32_t line = 65536;         ///< of a simple string, error or number
};

/// Reads one reply at a time from the front of a buffer, which it neither owns nor copies: where bytes are missing it goes on
/// with a longer buffer, from where it stopped. No I/O. Memory is bounded by `Limits`, and by what really came: lengths that were
/// only announced reserve nothing.
class Parser {
 public:
  explicit Parser(Limits limits = {}) noexcept : limits_(limits) {}

  enum class Status : std::uint8_t { more, done, broken };
  /// `in` begins with this reply's first byte, every time.
  [[nodiscard]] Status parse(std::string_view in);
  /// After `done`. Valid until `next`, for the buffer that was parsed.
  [[nodiscard]] View view(std::string_view in) const noexcept { return View(in.data(), nodes_.data()); }
  [[nodiscard]] std::size_t consumed() const noexcept { return pos_; }
  /// After `done`: begins with the next reply, whose first byte is behind the consumed ones.
  void next() noexcept;
  /// After `more`: the reply is at least so long.
  [[nodiscard]] std::size_t wanted() const noexcept { return wanted_; }
  /// After `broken`.
  [[nodiscard]] std::string_view problem() const noexcept { return problem_; }

 private:
  struct Open {
    std::uint32_t node;
    std::uint32_t left;
    bool attribute;
  };
  [[nodiscard]] Status broken(std::string_view why) noexcept;
  [[nodiscard]] Status open(char type, std::string_view line);
  /// True when the outermost value is complete.
  [[nodiscard]] bool close();

  Limits limits_;
  std::vector<detail::Node> nodes_;
  std::vector<Open> open_;
  std::size_t pos_ = 0;      // of the next value
  std::size_t scanned_ = 0;  // no line end before it
  std::size_t wanted_ = 0;
  std::string_view problem_;
};

}  // namespace spikard::net::redis
