#pragma once

#include "state.hpp"

#include <spikard/spikard.h>

#include <string_view>

#include "buffer.hpp"

namespace spikard::py {

/// The Python value at `node`, and `node` moved behind it. Text is at `base` + its offset. New reference, or null with an
/// exception.
PyObject* decode_nodes(State& state, const spk_node*& node, const char* base);

/// The node behind the value at `node`.
inline const spk_node* skip_node(const spk_node* node) {
  return node + 1 + (node->type == SPK_ARR || node->type == SPK_OBJ ? node->u.off : 0);
}

/// An interned str of these bytes (UTF-8), from the cache if it is short. New reference.
PyObject* intern_key(State& state, const char* text, std::size_t length);

PyObject* decode_text(const char* text, std::size_t length);

/// Appends the nodes of `value` to `out` (8-aligned first), followed by their text; offsets count from the first node. False with
/// an exception for what is not null, bool, int, float, str, bytes, list, tuple or dict of these.
bool encode_nodes(State& state, PyObject* value, Buffer& out);

/// Buffers that are used again and again by who encodes often; not while they are in use.
struct NodeScratch {
  Buffer nodes;
  Buffer text;
  Buffer out;
  bool busy = false;
};
/// The same into `scratch.out`.
bool encode_nodes(State& state, PyObject* value, NodeScratch& scratch);

}  // namespace spikard::py
