#pragma once

#include "state.hpp"

#include <spikard/spikard.h>

namespace spikard::py {

extern PyType_Spec maker_spec;
extern PyType_Spec reader_spec;

/// The value of a reader's type, straight from nodes. New reference, or null with an exception (what a constructor refuses is the
/// client's error).
PyObject* read_nodes(State& state, PyObject* reader, const spk_node* node, const char* base);

}  // namespace spikard::py
