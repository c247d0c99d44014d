#include "json_writer.hpp"

#include <charconv>
#include <cmath>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace spikard::py {
namespace {

constexpr char hex_digits[] = "0123456789abcdef";

/// 0: as it stands; 'u': \u00XX; else the letter behind the backslash.
constexpr auto escapes = [] {
  struct Table {
    char of[256];
  } t{};
  for (int i = 0; i < 0x20; ++i) t.of[i] = 'u';
  t.of[static_cast<int>('\b')] = 'b';
  t.of[static_cast<int>('\f')] = 'f';
  t.of[static_cast<int>('\n')] = 'n';
  t.of[static_cast<int>('\r')] = 'r';
  t.of[static_cast<int>('\t')] = 't';
  t.of[static_cast<int>('"')] = '"';
  t.of[static_cast<int>('\\')] = '\\';
  return t;
}();

#if defined(__SSE2__)
/// Sixteen bytes of which some may lie behind the text, on the same page.
__attribute__((no_sanitize("address", "undefined"))) inline __m128i load_tail(const char* text) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(text));
}
inline unsigned unclean(__m128i bytes) {
  const __m128i bad =
      _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))),
                   _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1F)), bytes));
  return static_cast<unsigned>(_mm_movemask_epi8(bad));
}
#endif

/// `to` has room for 6 * length + 16 bytes. Returns the end.
char* escape(char* to, const char* text, std::size_t length) {
  const char* const end = text + length;
#if defined(__SSE2__)
  while (end - text >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
    const unsigned mask = unclean(bytes);
    if (mask == 0) {
      text += 16;
      to += 16;
      continue;
    }
    const int clean = __builtin_ctz(mask);
    text += clean;
    to += clean;
    const auto c = static_cast<unsigned char>(*text++);
    *to++ = '\\';
    *to++ = escapes.of[c];
    if (escapes.of[c] == 'u') {
      *to++ = '0';
      *to++ = '0';
      *to++ = hex_digits[c >> 4U];
      *to++ = hex_digits[c & 15U];
    }
  }
  const auto rest = static_cast<unsigned>(end - text);
  if (rest != 0 && (reinterpret_cast<std::uintptr_t>(text) & 4095U) <= 4080U) {
    const __m128i bytes = load_tail(text);
    if ((unclean(bytes) & ((1U << rest) - 1U)) == 0) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
      return to + rest;
    }
  }
#endif
  while (text != end) {
    const auto c = static_cast<unsigned char>(*text++);
    const char e = escapes.of[c];
    if (e == 0) {
      *to++ = static_cast<char>(c);
      continue;
    }
    *to++ = '\\';
    *to++ = e;
    if (e == 'u') {
      *to++ = '0';
      *to++ = '0';
      *to++ = hex_digits[c >> 4U];
      *to++ = hex_digits[c & 15U];
    }
  }
  return to;
}

/// Shortest text of a number with at most four decimals and 15 digits, as prices and the like have; null for others. Exact: two
/// decimals of at most 15 digits never name the same double, so the first one found that names `v` is the shortest.
char* few_decimals(char* to, double v) {
  if (!(v > -1e10 && v < 1e10) || (v == 0.0 && std::signbit(v))) return nullptr;
  double scale = 1.0;
  for (int decimals = 0; decimals <= 4; ++decimals, scale *= 10.0) {
    const double scaled = v * scale;
    const auto digits = static_cast<long long>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    if (static_cast<double>(digits) / scale != v) continue;
    if (decimals == 0) {
      to = std::to_chars(to, to + 24, digits).ptr;
      *to++ = '.';
      *to++ = '0';
      return to;
    }
    if (digits < 0) *to++ = '-';
    const unsigned long long all =
        digits < 0 ? 0ULL - static_cast<unsigned long long>(digits) : static_cast<unsigned long long>(digits);
    const auto power = static_cast<unsigned long long>(scale);
    to = std::to_chars(to, to + 24, all / power).ptr;
    *to++ = '.';
    unsigned long long fraction = all % power;
    for (int i = decimals - 1; i >= 0; --i, fraction /= 10) to[i] = static_cast<char>('0' + fraction % 10);
    return to + decimals;
  }
  return nullptr;
}

class Writer {
 public:
  Writer(State& state, Buffer& out) : state_(state), out_(out) {}

  bool value(PyObject* object) {
    PyTypeObject* type = Py_TYPE(object);
    if (type == &PyUnicode_Type) return string(object);
    if (type == &PyLong_Type) return integer(object);
    if (object == Py_None) return out_.append("null", 4);
    if (object == Py_True) return out_.append("true", 4);
    if (object == Py_False) return out_.append("false", 5);
    if (type == &PyFloat_Type) return number(PyFloat_AS_DOUBLE(object));
    if (++depth_ > max_depth) {
      PyErr_SetString(PyExc_RecursionError, "more than 1000 containers inside each other, or one inside itself");
      return false;
    }
    const bool ok = type == &PyDict_Type                            ? dict(object)
                    : type == &PyList_Type || type == &PyTuple_Type ? list(object)
                                                                    : other(object, type);
    --depth_;
    return ok;
  }

 private:
  bool string(PyObject* object) {
    const char* text;
    Py_ssize_t length = 0;
    if (PyUnicode_IS_COMPACT_ASCII(object)) {
      text = static_cast<const char*>(static_cast<void*>(PyUnicode_1BYTE_DATA(object)));
      length = PyUnicode_GET_LENGTH(object);
    } else {
      text = PyUnicode_AsUTF8AndSize(object, &length);
      if (text == nullptr) return false;
    }
    return quoted(text, static_cast<std::size_t>(length));
  }
  bool quoted(const char* text, std::size_t length) {
    char* const begin = out_.reserve(length * 6 + 32);
    if (begin == nullptr) return false;
    char* to = begin;
    *to++ = '"';
    to = escape(to, text, length);
    *to++ = '"';
    out_.advance(static_cast<std::size_t>(to - begin));
    return true;
  }
  bool integer(PyObject* object) {
    int overflow = 0;
    const long long v = PyLong_AsLongLongAndOverflow(object, &overflow);
    if (overflow != 0) {
      const Ref digits(PyLong_Type.tp_repr(object));
      if (!digits) return false;
      return out_.append(PyUnicode_1BYTE_DATA(digits.get()), static_cast<std::size_t>(PyUnicode_GET_LENGTH(digits.get())));
    }
    if (v == -1 && PyErr_Occurred() != nullptr) return false;
    char* to = out_.reserve(24);
    if (to == nullptr) return false;
    out_.advance(static_cast<std::size_t>(std::to_chars(to, to + 24, v).ptr - to));
    return true;
  }
  bool number(double v) {
    if (!std::isfinite(v)) {
      PyErr_SetString(PyExc_ValueError, "JSON has no NaN and no infinity");
      return false;
    }
    char* to = out_.reserve(40);
    if (to == nullptr) return false;
    if (char* end = few_decimals(to, v)) {
      out_.advance(static_cast<std::size_t>(end - to));
      return true;
    }
    char* end = std::to_chars(to, to + 36, v).ptr;
    if (std::memchr(to, '.', static_cast<std::size_t>(end - to)) == nullptr &&
        std::memchr(to, 'e', static_cast<std::size_t>(end - to)) == nullptr) {
      *end++ = '.';
      *end++ = '0';
    }
    out_.advance(static_cast<std::size_t>(end - to));
    return true;
  }
  bool list(PyObject* object) {
    if (!out_.put('[')) return false;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(object); ++i) {
      if (i != 0 && !out_.put(',')) return false;
      PyObject* item = PySequence_Fast_GET_ITEM(object, i);
      Py_INCREF(item);  // writing it may run code that changes the list
      const bool ok = value(item);
      Py_DECREF(item);
      if (!ok) return false;
    }
    return out_.put(']');
  }
  bool dict(PyObject* object) {
    if (!out_.put('{')) return false;
    Py_ssize_t position = 0;
    const Py_ssize_t size = PyDict_GET_SIZE(object);
    bool first = true;
    PyObject* name = nullptr;
    PyObject* item = nullptr;
    while (PyDict_Next(object, &position, &name, &item)) {
      if (!first && !out_.put(',')) return false;
      first = false;
      Py_INCREF(name);
      Py_INCREF(item);
      const bool ok = (PyUnicode_CheckExact(name) ? string(name) : key(name)) && out_.put(':') && value(item);
      Py_DECREF(name);
      Py_DECREF(item);
      if (!ok) return false;
      if (PyDict_GET_SIZE(object) != size) {
        PyErr_SetString(PyExc_RuntimeError, "dictionary changed size while it was written");
        return false;
      }
    }
    return out_.put('}');
  }
  /// Keys that are not str: as their JSON text would stand, or as the text they are written as.
  bool key(PyObject* name) {
    if (PyUnicode_Check(name)) {
      Py_ssize_t length = 0;
      const char* text = PyUnicode_AsUTF8AndSize(name, &length);
      return text != nullptr && quoted(text, static_cast<std::size_t>(length));
    }
    const std::size_t at = out_.size();
    if (!value(name)) return false;
    if (out_.data()[at] == '"') return true;
    if (out_.data()[at] == '{' || out_.data()[at] == '[') {
      PyErr_Format(PyExc_TypeError, "keys must be str, not %.100s", Py_TYPE(name)->tp_name);
      return false;
    }
    const std::size_t length = out_.size() - at;
    if (out_.reserve(2) == nullptr) return false;
    std::memmove(out_.data() + at + 1, out_.data() + at, length);
    out_.data()[at] = '"';
    out_.data()[at + 1 + length] = '"';
    out_.advance(2);
    return true;
  }

  bool other(PyObject* object, PyTypeObject* type) {
    PyObject* encoder = PyDict_GetItemWithError(state_.encoders, reinterpret_cast<PyObject*>(type));
    Ref made;
    if (encoder == nullptr) {
      if (PyErr_Occurred() != nullptr) return false;
      made.reset(PyObject_CallOneArg(state_.classify, reinterpret_cast<PyObject*>(type)));
      if (!made) return false;
      if (made.get() == Py_None) {
        PyErr_Format(PyExc_TypeError, "%.200s cannot be written as JSON", type->tp_name);
        return false;
      }
      if (!PyTuple_Check(made.get()) || PyTuple_GET_SIZE(made.get()) != 2) {
        PyErr_SetString(PyExc_TypeError, "classify must give (kind, data)");
        return false;
      }
      if (PyLong_AsLong(PyTuple_GET_ITEM(made.get(), 0)) == encode_fields &&
          plain_attributes(type, PyTuple_GET_ITEM(made.get(), 1))) {
        made.reset(Py_BuildValue("(iO)", encode_dict_fields, PyTuple_GET_ITEM(made.get(), 1)));
        if (!made) return false;
      }
      if (PyDict_SetItem(state_.encoders, reinterpret_cast<PyObject*>(type), made.get()) != 0) return false;
      encoder = made.get();
    }
    const Ref keep = Ref::borrowed(encoder);
    PyObject* data = PyTuple_GET_ITEM(encoder, 1);
    switch (PyLong_AsLong(PyTuple_GET_ITEM(encoder, 0))) {
      case encode_fields: return fields(object, data);
      case encode_dict_fields: return dict_fields(object, data);
      case encode_text: {
        const Ref text(PyObject_CallOneArg(data, object));
        return text && string(text.get());
      }
      case encode_raw: {
        const Ref raw(PyObject_CallOneArg(data, object));
        if (!raw) return false;
        if (!PyBytes_Check(raw.get())) {
          PyErr_SetString(PyExc_TypeError, "an encoder must give bytes");
          return false;
        }
        return out_.append(PyBytes_AS_STRING(raw.get()), static_cast<std::size_t>(PyBytes_GET_SIZE(raw.get())));
      }
      case encode_convert: {
        const Ref converted(PyObject_CallOneArg(data, object));
        return converted && value(converted.get());
      }
      case encode_str: return base(object);
      default: PyErr_SetString(PyExc_SystemError, "unknown encoder kind"); return false;
    }
  }
  bool base(PyObject* object) {
    if (PyUnicode_Check(object)) {
      Py_ssize_t length = 0;
      const char* text = PyUnicode_AsUTF8AndSize(object, &length);
      return text != nullptr && quoted(text, static_cast<std::size_t>(length));
    }
    if (PyLong_Check(object)) return integer(object);
    if (PyFloat_Check(object)) return number(PyFloat_AS_DOUBLE(object));
    if (PyDict_Check(object)) return dict(object);
    return list(object);
  }
  /// True when the fields of the type's instances live in their `__dict__` alone: the usual attribute look-up, and no property or
  /// slot of a field's name.
  static bool plain_attributes(PyTypeObject* type, PyObject* plan) {
    if (type->tp_getattro != PyObject_GenericGetAttr ||
        PyObject_HasAttrString(reinterpret_cast<PyObject*>(type), "__getattr__") != 0)
      return false;
    if (type->tp_dictoffset == 0) return false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(plan); ++i) {
      const Ref found(PyObject_GetAttr(reinterpret_cast<PyObject*>(type), PyTuple_GET_ITEM(PyTuple_GET_ITEM(plan, i), 0)));
      if (!found) {
        PyErr_Clear();
        continue;
      }
      if (Py_TYPE(found.get())->tp_descr_set != nullptr) return false;
    }
    return true;
  }
  /// `fields` without a look-up a field: instances hold their attributes in the order they were first set, which is the fields'
  /// order.
  bool dict_fields(PyObject* object, PyObject* plan) {
    const Ref attributes(PyObject_GenericGetDict(object, nullptr));
    if (!attributes) return false;
    if (!out_.put('{')) return false;
    const Py_ssize_t count = PyTuple_GET_SIZE(plan);
    Py_ssize_t position = 0;
    for (Py_ssize_t i = 0; i < count; ++i) {
      PyObject* field = PyTuple_GET_ITEM(plan, i);
      PyObject* name = nullptr;
      PyObject* item = nullptr;
      if (PyDict_Next(attributes.get(), &position, &name, &item) == 0 || name != PyTuple_GET_ITEM(field, 0)) {
        position = PY_SSIZE_T_MAX;  // another order: look the rest up
        item = PyDict_GetItemWithError(attributes.get(), PyTuple_GET_ITEM(field, 0));
        if (item == nullptr && PyErr_Occurred() != nullptr) return false;
      }
      const Ref keep = item != nullptr ? Ref::borrowed(item) : Ref(PyObject_GetAttr(object, PyTuple_GET_ITEM(field, 0)));
      if (!keep) return false;
      PyObject* text = PyTuple_GET_ITEM(field, 1);
      if (!out_.append(PyBytes_AS_STRING(text), static_cast<std::size_t>(PyBytes_GET_SIZE(text))) || !value(keep.get()))
        return false;
    }
    return out_.put('}');
  }
  bool fields(PyObject* object, PyObject* plan) {
    if (!out_.put('{')) return false;
    const Py_ssize_t count = PyTuple_GET_SIZE(plan);
    for (Py_ssize_t i = 0; i < count; ++i) {
      PyObject* field = PyTuple_GET_ITEM(plan, i);
      const Ref item(PyObject_GetAttr(object, PyTuple_GET_ITEM(field, 0)));
      if (!item) return false;
      PyObject* text = PyTuple_GET_ITEM(field, 1);  // b'"name":', with its comma from the second on
      if (!out_.append(PyBytes_AS_STRING(text), static_cast<std::size_t>(PyBytes_GET_SIZE(text))) || !value(item.get()))
        return false;
    }
    return out_.put('}');
  }

  static constexpr int max_depth = 1000;
  State& state_;
  Buffer& out_;
  int depth_ = 0;
};

}  // namespace

bool write_json(State& state, PyObject* value, Buffer& out) { return Writer(state, out).value(value); }

}  // namespace spikard::py
