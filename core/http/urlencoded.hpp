#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/node.hpp"

namespace spikard::http {

/// Memory of the caller that decoded text is written to; of one block with the nodes' base when it is to be pointed to from
/// nodes.
struct TextRoom {
  char* at = nullptr;
  char* end = nullptr;
  bool out_of_room = false;  ///< give more and start again

  [[nodiscard]] std::size_t left() const noexcept { return static_cast<std::size_t>(end - at); }
  /// Null and `out_of_room` when it is not there.
  char* take(std::size_t size) noexcept {
    if (left() < size) {
      out_of_room = true;
      return nullptr;
    }
    char* p = at;
    at += size;
    return p;
  }
};

/// The room that decoding `size` bytes in any number of parts may take (an invalid byte becomes the three of U+FFFD).
[[nodiscard]] constexpr std::size_t max_decoded(std::size_t size) noexcept { return size * 4; }

/// Undoes percent escapes, and in queries and forms `+`. A broken escape stays as it is; what is not UTF-8 afterwards becomes
/// U+FFFD (one for each maximal ill-formed part, as browsers do). Returns `text` itself when there is nothing to do. Out of room:
/// empty, and the room says so.
[[nodiscard]] std::string_view decode_component(std::string_view text, TextRoom& room, bool plus_is_blank) noexcept;
/// A query or form part.
[[nodiscard]] inline std::string_view decode_query(std::string_view text, TextRoom& room) noexcept {
  return decode_component(text, room, true);
}
/// A path segment (or the rest of a path): `+` is a plus.
[[nodiscard]] inline std::string_view decode_path(std::string_view text, TextRoom& room) noexcept {
  return decode_component(text, room, false);
}
/// `text` itself when it is UTF-8; else a copy with U+FFFD. For headers and cookies, which are not decoded.
[[nodiscard]] std::string_view utf8_text(std::string_view text, TextRoom& room) noexcept;
/// `decode_component(text) == plain`, without memory. `plain` must be UTF-8.
[[nodiscard]] bool decodes_to(std::string_view text, std::string_view plain, bool plus_is_blank) noexcept;

/// One `name=value` of a query or form, not decoded.
struct QueryPair {
  std::string_view name;
  std::string_view value;  ///< empty for `name` and `name=` alike
};

/// Goes through `a=1&b=2`; empty parts (`&&`) are skipped, a part with an empty name is not.
class QueryPairs {
 public:
  explicit QueryPairs(std::string_view text) noexcept : rest_(text) {}
  [[nodiscard]] bool next(QueryPair& out) noexcept;

 private:
  std::string_view rest_;
};

/// Why a form cannot be a tree; static text for the detail of a 400.
struct FormError {
  std::string_view message{};
};

struct FormLimits {
  std::uint32_t max_depth = 32;  ///< brackets of a name
};

/// A form body (or the deepObject pairs of a query) as a text tree: one object of strings, arrays and objects, appended to `out`
/// as one value. `a=1` is a string, the same name again makes an array of its values in order; `a[b]=1` an object; `a[]=1` an
/// array; `a[0][b]=1` an array of objects, indices from 0 without gaps, else an error; each `a[][b]=1` is an object of its own.
/// Where all keys at one place are indices (`0`, `12`, not `01`) they make an array. Dots mean nothing; a name whose brackets are
/// not in order is taken literally. Two shapes at one place (`a=1&a[b]=2`) are an error. Members are in the order of their first
/// appearance. False and `error` set when refused; `out` is then as it was.
[[nodiscard]] bool form_to_tree(std::string_view body, const FormLimits& limits, NodeBuilder& out, FormError& error);
/// A field of a multipart body; of a file `value` is what stands for it, and becomes a `bytes` node.
struct FormField {
  std::string_view name;
  std::string_view value;
  bool file = false;
};
/// As form_to_tree, of fields that are decoded already.
[[nodiscard]] bool fields_to_tree(std::span<const FormField> fields, const FormLimits& limits, NodeBuilder& out,
                                  FormError& error);
/// The value of the tree at `name` only (for deepObject): pairs `name[...]`. `found` is false when there is none; then nothing is
/// appended.
[[nodiscard]] bool deep_object_to_tree(std::string_view query, std::string_view name, const FormLimits& limits, NodeBuilder& out,
                                       bool& found, FormError& error);

}  // namespace spikard::http
