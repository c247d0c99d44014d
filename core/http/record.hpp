#pragma once

#include <cstdint>

#include "base/node.hpp"

namespace spikard::http {

/// Offset and length relative to the first byte of the record that holds it (`spk_view`).
struct View {
  std::uint32_t off = 0;
  std::uint32_t len = 0;
};
struct ViewPair {
  View name;
  View value;
};

enum class Method : std::uint8_t { get = 1, head, post, put, patch, del, options, trace, connect, other };

enum RecordFlags : std::uint16_t { record_stream = 1 };

/// One request as one contiguous, relocatable record: the connection's receive buffer with this header in front. The same layout
/// as `spk_request` in include/spikard/spikard.h (abi/ asserts it). Everything the handler sees lies inside `size` bytes.
struct RequestRecord {
  std::uint32_t size = 0;
  std::uint32_t route = 0;
  std::uint64_t id = 0;
  Method method{};
  std::uint8_t version = 11;  ///< 10 or 11
  std::uint16_t flags = 0;
  std::uint32_t deadline_ms = 0;  ///< 0: none
  View path;                      ///< as sent, without the query
  View query;                     ///< as sent, without `?`
  View peer;
  View body;     ///< raw, when buffered
  View headers;  ///< len = number of ViewPair; names in lower case
  View params;   ///< len = number of Node; the declared parameters in the order of the manifest
  View auth;
  View context;  ///< nodes of one object: what hooks have set
  View deps;     ///< len = number of uint64_t tokens, in the order of `inject`
  View json;     ///< nodes of the validated body (JSON or form), 0 when there is none

  [[nodiscard]] const char* base() const noexcept { return reinterpret_cast<const char*>(this); }
  [[nodiscard]] std::string_view text(View v) const noexcept { return {base() + v.off, v.len}; }
  [[nodiscard]] const ViewPair* header_begin() const noexcept { return reinterpret_cast<const ViewPair*>(base() + headers.off); }
  [[nodiscard]] const ViewPair* header_end() const noexcept { return header_begin() + headers.len; }
  [[nodiscard]] const Node* nodes(View v) const noexcept {
    return v.len == 0 ? nullptr : reinterpret_cast<const Node*>(base() + v.off);
  }
  [[nodiscard]] Value value(View v) const noexcept { return {nodes(v), base()}; }
};
static_assert(sizeof(RequestRecord) == 104);

}  // namespace spikard::http
