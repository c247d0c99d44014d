#pragma once

#include "state.hpp"

#include "buffer.hpp"

namespace spikard::py {

/// How the writer treats an instance of a type that is none of JSON's own. The first member of what `classify` gives, kept a
/// type.
enum EncoderKind : long {
  encode_fields = 1,       ///< data: tuple of (attribute name, b'"key":'), written as an object
  encode_text = 2,         ///< data: callable(value) -> str
  encode_raw = 3,          ///< data: callable(value) -> bytes of JSON text, taken as it stands
  encode_convert = 4,      ///< data: callable(value) -> another value to write
  encode_str = 5,          ///< subclass of str, int, float, dict, list, tuple: as its base
  encode_dict_fields = 6,  ///< made of encode_fields by the writer itself, for types whose instances hold all in their `__dict__`
};

/// Appends `value` as JSON text. False with an exception; the buffer's end is then anywhere behind where it was.
bool write_json(State& state, PyObject* value, Buffer& out);

}  // namespace spikard::py
