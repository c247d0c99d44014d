#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/node.hpp"
#include "base/result.hpp"
#include "validation/issue.hpp"

namespace spikard::validation {

struct CompileOptions {
  /// Documents that `$ref` may name, by URI. Nothing is ever fetched; a reference to anything else fails compilation.
  std::map<std::string, Value> documents;
  std::string base_uri;
  bool assert_format = true;
};

namespace detail {
struct Program;
}

/// A JSON Schema 2020-12 compiled to a flat program. Immutable and thread-safe once made; copies share the program.
class Schema {
 public:
  /// Errors: invalid_argument, the message naming the JSON pointer of the faulty keyword and what was expected.
  [[nodiscard]] static Result<Schema> compile(Value schema, const CompileOptions& options = {});

  /// No allocation when valid. Stops at the first violation.
  [[nodiscard]] bool valid(Value instance) const;
  /// `valid`, and if not, every violation with `loc_prefix` in front.
  bool check(Value instance, std::span<const std::string_view> loc_prefix, Issues& issues) const;

  /// True when the schema has a `default` that could be filled in somewhere (properties, also behind $ref and allOf).
  [[nodiscard]] bool has_defaults() const noexcept;
  /// A copy of `instance` with the defaults of missing members filled in; defaults are not validated.
  void with_defaults(Value instance, NodeBuilder& out) const;
  /// The schema's own `default`, or a Value that does not exist.
  [[nodiscard]] Value default_value() const noexcept;

  /// Text to typed (fixtures/README.md section 2, coercion). `text_tree` is what a form decodes to: strings, arrays and objects
  /// of strings. Every string is coerced to the type its schema asks for; where it cannot be, an Issue is added, the string
  /// stays, and `check` must not report that place again: so call `coerce_and_check`, which does both in the right order.
  bool coerce_and_check(Value text_tree, std::span<const std::string_view> loc_prefix, NodeBuilder& out, Issues& issues) const;

 private:
  std::shared_ptr<const detail::Program> program_;
};

/// How a parameter's text is laid out.
enum class Style : std::uint8_t { form, simple, pipe_delimited, space_delimited, semicolon_delimited, deep_object };

struct ParameterSpec {
  std::string_view source;  ///< static: "path", "query", "headers", "cookie"
  std::string name;         ///< headers in lower case
  bool required = false;
  Style style = Style::form;
  bool explode = true;
};

/// Where coerced parameters are written: nodes into room the caller owns, text borrowed from memory at or after `base`.
/// Text that is not in the request (a string in a default, a deepObject) goes to `text`, also at or after `base`.
struct NodeRoom {
  const char* base;
  Node* nodes;
  std::size_t room;
  std::size_t used = 0;
  bool out_of_room = false;
  char* text = nullptr;
  std::size_t text_room = 0;
  std::size_t text_used = 0;
  bool out_of_text = false;  ///< set beside out_of_room when it was `text` that ran out
};

/// One declared parameter, compiled: coercion to its type, then validation.
class Parameter {
 public:
  [[nodiscard]] static Result<Parameter> compile(ParameterSpec spec, Value schema, const CompileOptions& options = {});
  [[nodiscard]] const ParameterSpec& spec() const noexcept;
  /// True for arrays (all texts of the name are wanted) and deepObject.
  [[nodiscard]] bool wants_all() const noexcept;
  [[nodiscard]] bool is_deep_object() const noexcept;
  /// Bytes of `NodeRoom::text` and nodes that the default takes: what `read` needs beyond one node for each text.
  [[nodiscard]] std::size_t default_text() const noexcept;
  [[nodiscard]] std::size_t default_nodes() const noexcept;

  /// `texts`: the decoded values of this name in order (scalars take the first); they lie at or after `room.base`. Writes exactly
  /// one value (the default, or null, when there is no text). Returns false when an Issue was added or room ran out; then null
  /// was written. No allocation in the valid case.
  bool read(std::span<const std::string_view> texts, NodeRoom& room, Issues& issues) const;
  /// deepObject: the bracket paths of this name as a text tree (`f[a]=1` is {"a": "1"}); a Value that does not exist when there
  /// are none. Defaults of members are filled in.
  bool read_object(Value text_tree, NodeRoom& room, NodeBuilder& scratch, Issues& issues) const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace spikard::validation
