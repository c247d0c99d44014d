#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/node.hpp"
#include "base/result.hpp"
#include "http/record.hpp"
#include "http/router.hpp"
#include "http/urlencoded.hpp"
#include "services/http.gen.hpp"
#include "validation/schema.hpp"

namespace spikard::http {

/// What the parameters of one request are read from. All texts lie in one block after `base`.
struct RequestTexts {
  const char* base = nullptr;
  std::span<const std::string_view> captures{};  ///< Router::match, in the order of the pattern
  std::string_view query{};
  std::span<const ViewPair> headers{};  ///< names in lower case, relative to `base`
};

/// The declared parameters of one route, compiled. Immutable, thread-safe.
class RequestReader {
 public:
  /// Parameters in the order of `route.parameters`; then, in the order of the path, those of the path that are not declared there
  /// (`{id:int}` is an integer, `{id}` any text). A type in the path adds `type` and `format` to a declared schema that lacks
  /// them. Errors: invalid_argument naming the parameter.
  [[nodiscard]] static Result<RequestReader> compile(const services::Route& route,
                                                     const validation::CompileOptions& options = {});

  /// One node tree for each parameter, in order, one after the other, into `nodes` (whose own text room is not used); decoded,
  /// joined and default texts into `text`. Returns false when issues were added or room ran out (`nodes.out_of_room` or
  /// `text.out_of_room`: give more and call again with fresh rooms and issues). Nothing is allocated in the valid case but for
  /// deepObject.
  bool read(const RequestTexts& in, validation::NodeRoom& nodes, TextRoom& text, validation::Issues& issues) const;

  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  /// Room of text that always suffices for a request whose head is this long.
  [[nodiscard]] std::size_t text_room(std::size_t head_bytes) const noexcept;
  [[nodiscard]] const validation::ParameterSpec& spec(std::size_t index) const noexcept;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace spikard::http
