#include "nodes.hpp"

#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace spikard::py {
namespace {

bool is_ascii(const char* text, std::size_t length) {
  std::size_t i = 0;
#if defined(__SSE2__)
  for (; i + 16 <= length; i += 16) {
    if (_mm_movemask_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(text + i))) != 0) return false;
  }
#endif
  for (; i + 8 <= length; i += 8) {
    std::uint64_t word;
    std::memcpy(&word, text + i, 8);
    if ((word & 0x8080808080808080ULL) != 0) return false;
  }
  for (; i < length; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0x80U) != 0) return false;
  }
  return true;
}

/// A number beyond int64, uint64 and double: an int if it is written as one, else a Decimal.
PyObject* decode_numtext(const char* text, std::size_t length) {
  Ref str(PyUnicode_DecodeASCII(text, static_cast<Py_ssize_t>(length), "strict"));
  if (!str) return nullptr;
  for (std::size_t i = 0; i < length; ++i) {
    const char c = text[i];
    if ((c < '0' || c > '9') && c != '-' && c != '+') {
      Ref module(PyImport_ImportModule("decimal"));
      return module ? PyObject_CallMethod(module.get(), "Decimal", "O", str.get()) : nullptr;
    }
  }
  return PyLong_FromUnicodeObject(str.get(), 10);
}

}  // namespace

PyObject* decode_text(const char* text, std::size_t length) {
  if (length == 0) return PyUnicode_New(0, 0);
  if (is_ascii(text, length)) {
    PyObject* str = PyUnicode_New(static_cast<Py_ssize_t>(length), 127);
    if (str != nullptr) std::memcpy(PyUnicode_1BYTE_DATA(str), text, length);
    return str;
  }
  return PyUnicode_DecodeUTF8(text, static_cast<Py_ssize_t>(length), "surrogateescape");
}

PyObject* intern_key(State& state, const char* text, std::size_t length) {
  if (length > KeyCache::max_length) return decode_text(text, length);
  std::uint64_t hash = length * 0x9E3779B97F4A7C15ULL;
  std::size_t i = 0;
  for (; i + 8 <= length; i += 8) {
    std::uint64_t word;
    std::memcpy(&word, text + i, 8);
    hash = (hash ^ word) * 0xFF51AFD7ED558CCDULL;
    hash ^= hash >> 32;
  }
  std::uint64_t tail = 0;
  std::memcpy(&tail, text + i, length - i);
  hash = (hash ^ tail) * 0xFF51AFD7ED558CCDULL;
  PyObject*& entry = state.keys.entries[(hash >> 40) % KeyCache::slots];
  if (entry != nullptr && PyUnicode_GET_LENGTH(entry) == static_cast<Py_ssize_t>(length) &&
      std::memcmp(PyUnicode_1BYTE_DATA(entry), text, length) == 0) {
    return Py_NewRef(entry);
  }
  if (!is_ascii(text, length)) return decode_text(text, length);  // a cached key is ASCII: compared byte by byte above
  PyObject* str = decode_text(text, length);
  if (str == nullptr) return nullptr;
  if (PyObject_Hash(str) == -1) {
    Py_DECREF(str);
    return nullptr;
  }
  PyObject* old = entry;
  entry = Py_NewRef(str);
  Py_XDECREF(old);
  return str;
}

PyObject* decode_nodes(State& state, const spk_node*& node, const char* base) {
  const spk_node* const at = node++;
  switch (at->type) {
    case SPK_NULL: Py_RETURN_NONE;
    case SPK_BOOL: return PyBool_FromLong(at->u.i != 0);
    case SPK_INT: return PyLong_FromLongLong(at->u.i);
    case SPK_UINT: return PyLong_FromUnsignedLongLong(at->u.off);
    case SPK_F64: return PyFloat_FromDouble(at->u.f);
    case SPK_STR: return decode_text(base + at->u.off, at->len);
    case SPK_BYTES: return PyBytes_FromStringAndSize(base + at->u.off, at->len);
    case SPK_NUMTEXT: return decode_numtext(base + at->u.off, at->len);
    case SPK_ARR: {
      Ref list(PyList_New(at->len));
      if (!list) return nullptr;
      for (std::uint32_t i = 0; i < at->len; ++i) {
        PyObject* item = decode_nodes(state, node, base);
        if (item == nullptr) return nullptr;
        PyList_SET_ITEM(list.get(), i, item);
      }
      return list.release();
    }
    case SPK_OBJ: {
      Ref dict(PyDict_New());
      if (!dict) return nullptr;
      for (std::uint32_t i = 0; i < at->len; ++i) {
        Ref key(intern_key(state, base + node->u.off, node->len));
        if (!key) return nullptr;
        ++node;
        Ref value(decode_nodes(state, node, base));
        if (!value || PyDict_SetItem(dict.get(), key.get(), value.get()) != 0) return nullptr;
      }
      return dict.release();
    }
    default: PyErr_Format(PyExc_SystemError, "a node of unknown type %u", at->type); return nullptr;
  }
}

namespace {

/// Nodes and their text side by side; joined at the end.
class Encoder {
 public:
  Encoder(State& state, Buffer& nodes, Buffer& text) : state_(state), nodes_(nodes), text_(text) {}

  bool value(PyObject* object) {
    if (object == Py_None) return node(SPK_NULL, 0, 0);
    if (object == Py_True || object == Py_False) return node(SPK_BOOL, 0, object == Py_True ? 1 : 0);
    if (PyUnicode_Check(object)) return string(object);
    if (PyLong_Check(object)) return integer(object);
    if (PyFloat_Check(object)) {
      spk_node n{};
      n.type = SPK_F64;
      n.u.f = PyFloat_AS_DOUBLE(object);
      return nodes_.append(&n, sizeof n);
    }
    if (PyBytes_Check(object))
      return text(SPK_BYTES, PyBytes_AS_STRING(object), static_cast<std::size_t>(PyBytes_GET_SIZE(object)));
    if (Py_EnterRecursiveCall(" while writing nodes") != 0) return false;
    const bool ok = PyDict_Check(object)                            ? dict(object)
                    : PyList_Check(object) || PyTuple_Check(object) ? list(object)
                                                                    : other(object);
    Py_LeaveRecursiveCall();
    return ok;
  }

  bool finish(Buffer& out) {
    if (!out.align(8)) return false;
    const std::size_t count = nodes_.size() / sizeof(spk_node);
    auto* nodes = reinterpret_cast<spk_node*>(nodes_.data());
    for (std::size_t i = 0; i < count; ++i) {
      if (nodes[i].type == SPK_STR || nodes[i].type == SPK_BYTES || nodes[i].type == SPK_NUMTEXT) nodes[i].u.off += nodes_.size();
    }
    return out.append(nodes_.data(), nodes_.size()) && out.append(text_.data(), text_.size());
  }

 private:
  bool node(std::uint32_t type, std::uint32_t len, std::uint64_t off) {
    spk_node n{};
    n.type = type;
    n.len = len;
    n.u.off = off;
    return nodes_.append(&n, sizeof n);
  }
  bool text(std::uint32_t type, const char* data, std::size_t length) {
    return node(type, static_cast<std::uint32_t>(length), text_.size()) && text_.append(data, length);
  }
  bool string(PyObject* object) {
    Py_ssize_t length = 0;
    const char* data = PyUnicode_AsUTF8AndSize(object, &length);
    return data != nullptr && text(SPK_STR, data, static_cast<std::size_t>(length));
  }
  bool integer(PyObject* object) {
    int overflow = 0;
    const long long v = PyLong_AsLongLongAndOverflow(object, &overflow);
    if (overflow == 0) return (v != -1 || PyErr_Occurred() == nullptr) && node(SPK_INT, 0, static_cast<std::uint64_t>(v));
    Ref digits(PyLong_Type.tp_repr(object));
    if (!digits) return false;
    Py_ssize_t length = 0;
    const char* data = PyUnicode_AsUTF8AndSize(digits.get(), &length);
    return data != nullptr && text(SPK_NUMTEXT, data, static_cast<std::size_t>(length));
  }
  bool close(std::size_t at, std::size_t count) {
    auto* n = reinterpret_cast<spk_node*>(nodes_.data()) + at;
    n->len = static_cast<std::uint32_t>(count);
    n->u.off = nodes_.size() / sizeof(spk_node) - at - 1;
    return true;
  }
  bool list(PyObject* object) {
    const std::size_t at = nodes_.size() / sizeof(spk_node);
    if (!node(SPK_ARR, 0, 0)) return false;
    std::size_t count = 0;
    for (; static_cast<Py_ssize_t>(count) < PySequence_Fast_GET_SIZE(object); ++count) {
      const Ref item = Ref::borrowed(PySequence_Fast_GET_ITEM(object, static_cast<Py_ssize_t>(count)));
      if (!value(item.get())) return false;
    }
    return close(at, count);
  }
  bool dict(PyObject* object) {
    const std::size_t at = nodes_.size() / sizeof(spk_node);
    if (!node(SPK_OBJ, 0, 0)) return false;
    const Ref items(PyDict_Items(object));  // a copy: writing a value may run Python code
    if (!items) return false;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items.get()); ++i) {
      PyObject* pair = PyList_GET_ITEM(items.get(), i);
      PyObject* key = PyTuple_GET_ITEM(pair, 0);
      if (!PyUnicode_Check(key)) {
        PyErr_Format(PyExc_TypeError, "keys must be str, not %.100s", Py_TYPE(key)->tp_name);
        return false;
      }
      if (!string(key) || !value(PyTuple_GET_ITEM(pair, 1))) return false;
    }
    return close(at, static_cast<std::size_t>(PyList_GET_SIZE(items.get())));
  }
  bool other(PyObject* object) {
    if (PyByteArray_Check(object) || PyMemoryView_Check(object)) {
      Py_buffer view;
      if (PyObject_GetBuffer(object, &view, PyBUF_SIMPLE) != 0) return false;
      const bool ok = text(SPK_BYTES, static_cast<const char*>(view.buf), static_cast<std::size_t>(view.len));
      PyBuffer_Release(&view);
      return ok;
    }
    if (state_.to_plain != nullptr) {
      const Ref plain(PyObject_CallOneArg(state_.to_plain, object));
      if (!plain) return false;
      if (plain.get() != Py_NotImplemented) return value(plain.get());
    }
    PyErr_Format(
        PyExc_TypeError,
        "%.200s cannot be handed to the core: only None, bool, int, float, str, bytes, list, tuple and dict can, and what "
        "stands for one of them",
        Py_TYPE(object)->tp_name);
    return false;
  }

  State& state_;
  Buffer& nodes_;
  Buffer& text_;
};

}  // namespace

bool encode_nodes(State& state, PyObject* value, Buffer& out) {
  Buffer nodes;
  Buffer text;
  Encoder encoder(state, nodes, text);
  return encoder.value(value) && encoder.finish(out);
}

bool encode_nodes(State& state, PyObject* value, NodeScratch& scratch) {
  scratch.nodes.clear();
  scratch.text.clear();
  scratch.out.clear();
  Encoder encoder(state, scratch.nodes, scratch.text);
  return encoder.value(value) && encoder.finish(scratch.out);
}

}  // namespace spikard::py
