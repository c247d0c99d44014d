// Compiled plans: dataclass instances straight from nodes, without the dicts between. spikard._plans says what is made how.
#include "maker.hpp"

#include <cstring>

#include "nodes.hpp"

namespace spikard::py {
namespace {

enum class Kind : std::uint8_t { plain, integer, real, list, some, object, call };

/// How one value is made. `object`: the Maker or the callable.
struct Op {
  Kind kind = Kind::plain;
  PyObject* object = nullptr;
  Op* inner = nullptr;
};

enum class Missing : std::uint8_t { error, value, factory };

struct Field {
  PyObject* attribute;  ///< interned
  PyObject* key;        ///< its member; owns `text`
  PyObject* fallback;   ///< default value or factory, or null
  const char* text;
  std::uint32_t length;
  Missing missing;
  Op op;
};

/// Makes instances of one class.
struct MakerObject {
  PyObject_HEAD PyTypeObject* type;
  PyObject* plan;      ///< the same in Python, for what is no object
  PyObject* keywords;  ///< names of the last arguments, or null
  Field* fields;
  std::uint32_t count;
  bool direct;  ///< attributes are set on a bare instance: what the generated __init__ would do
};

/// A whole body: an op, and the same in Python for values that are no nodes.
struct ReaderObject {
  PyObject_HEAD State* state;
  PyObject* plan;
  PyObject* refused;  ///< called with a ValueError, raises what stands for it; or null
  Op op;
};

constexpr std::uint32_t max_fields = 64;

MakerObject* maker_of(PyObject* object) { return reinterpret_cast<MakerObject*>(object); }
ReaderObject* reader_of(PyObject* object) { return reinterpret_cast<ReaderObject*>(object); }

void drop(Op& op) {
  op.kind = Kind::plain;
  Py_CLEAR(op.object);
  if (op.inner != nullptr) {
    drop(*op.inner);
    PyMem_Free(op.inner);
    op.inner = nullptr;
  }
}

int visit_op(const Op& op, visitproc visit, void* arg) {
  Py_VISIT(op.object);
  return op.inner == nullptr ? 0 : visit_op(*op.inner, visit, arg);
}

/// None, "int", "float", ("list", spec), ("some", spec), a Maker or a callable.
bool compile(State& state, PyObject* spec, Op& op) {
  if (spec == Py_None) return true;
  if (Py_TYPE(spec) == state.maker_type) {
    op.kind = Kind::object;
  } else if (PyUnicode_Check(spec)) {
    op.kind = PyUnicode_CompareWithASCIIString(spec, "int") == 0 ? Kind::integer : Kind::real;
    return true;
  } else if (PyTuple_Check(spec) && PyTuple_GET_SIZE(spec) == 2 && PyUnicode_Check(PyTuple_GET_ITEM(spec, 0))) {
    op.kind = PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(spec, 0), "list") == 0 ? Kind::list : Kind::some;
    op.inner = static_cast<Op*>(PyMem_Calloc(1, sizeof(Op)));
    if (op.inner == nullptr) {
      PyErr_NoMemory();
      return false;
    }
    return compile(state, PyTuple_GET_ITEM(spec, 1), *op.inner);
  } else if (PyCallable_Check(spec)) {
    op.kind = Kind::call;
  } else {
    PyErr_SetString(PyExc_TypeError, "a plan is None, a name, a pair, a Maker or a callable");
    return false;
  }
  op.object = Py_NewRef(spec);
  return true;
}

PyObject* make_object(State& state, MakerObject* self, const spk_node* node, const char* base);

/// The value at `node`.
PyObject* make(State& state, const Op& op, const spk_node* node, const char* base) {
  switch (op.kind) {
    case Kind::plain: return decode_nodes(state, node, base);
    case Kind::integer: {
      if (node->type == SPK_INT) return PyLong_FromLongLong(node->u.i);
      const Ref value(decode_nodes(state, node, base));
      if (!value) return nullptr;
      return PyLong_CheckExact(value.get()) ? Py_NewRef(value.get())
                                            : PyObject_CallOneArg(reinterpret_cast<PyObject*>(&PyLong_Type), value.get());
    }
    case Kind::real: {
      if (node->type == SPK_F64) return PyFloat_FromDouble(node->u.f);
      const Ref value(decode_nodes(state, node, base));
      return value ? PyObject_CallOneArg(reinterpret_cast<PyObject*>(&PyFloat_Type), value.get()) : nullptr;
    }
    case Kind::list: {
      if (node->type != SPK_ARR) {
        if (node->type == SPK_NULL) PyErr_SetString(PyExc_TypeError, "'NoneType' object is not iterable");
        else PyErr_SetString(PyExc_TypeError, "a value that should be a list is none");
        return nullptr;
      }
      const std::uint32_t count = node->len;
      Ref list(PyList_New(count));
      if (!list) return nullptr;
      ++node;
      for (std::uint32_t i = 0; i < count; ++i, node = skip_node(node)) {
        PyObject* item = make(state, *op.inner, node, base);
        if (item == nullptr) return nullptr;
        PyList_SET_ITEM(list.get(), i, item);
      }
      return list.release();
    }
    case Kind::some:
      if (node->type == SPK_NULL) Py_RETURN_NONE;
      return make(state, *op.inner, node, base);
    case Kind::object: return make_object(state, maker_of(op.object), node, base);
    case Kind::call: {
      const Ref value(decode_nodes(state, node, base));
      return value ? PyObject_CallOneArg(op.object, value.get()) : nullptr;
    }
  }
  return nullptr;
}

/// The value of one field: of its member, or its default.
PyObject* field_value(State& state, const Field& field, const spk_node* node, const char* base) {
  if (node != nullptr) return make(state, field.op, node, base);
  switch (field.missing) {
    case Missing::value: return Py_NewRef(field.fallback);
    case Missing::factory: return PyObject_CallNoArgs(field.fallback);
    case Missing::error: break;
  }
  PyErr_SetObject(PyExc_KeyError, field.key);
  return nullptr;
}

PyObject* make_object(State& state, MakerObject* self, const spk_node* node, const char* base) {
  if (node->type != SPK_OBJ) {
    const Ref value(decode_nodes(state, node, base));
    return value ? PyObject_CallOneArg(self->plan, value.get()) : nullptr;
  }
  // Where each field's member is. Members mostly come in the order of the fields: the next one is looked at first.
  const std::uint32_t count = self->count;
  const spk_node* found[max_fields];
  std::memset(found, 0, count * sizeof *found);
  std::uint32_t next = 0;
  const spk_node* member = node + 1;
  for (std::uint32_t i = 0; i < node->len; ++i) {
    const char* text = base + member->u.off;
    const std::uint32_t length = member->len;
    const auto is = [&](const Field& field) { return field.length == length && std::memcmp(field.text, text, length) == 0; };
    ++member;
    std::uint32_t at = next;
    if (at >= count || !is(self->fields[at])) {
      for (at = 0; at < count && !is(self->fields[at]);) ++at;
    }
    if (at < count) {
      found[at] = member;  // of members of one name the last counts
      next = at + 1;
    }
    member = skip_node(member);
  }
  if (self->direct) {
    Ref object(self->type->tp_new(self->type, state.empty_tuple, nullptr));
    if (!object) return nullptr;
    for (std::uint32_t i = 0; i < count; ++i) {
      const Ref value(field_value(state, self->fields[i], found[i], base));
      if (!value || PyObject_GenericSetAttr(object.get(), self->fields[i].attribute, value.get()) != 0) return nullptr;
    }
    return object.release();
  }
  PyObject* slots[max_fields + 1];
  PyObject** const values = slots + 1;
  std::uint32_t made = 0;
  for (; made < count; ++made) {
    values[made] = field_value(state, self->fields[made], found[made], base);
    if (values[made] == nullptr) break;
  }
  PyObject* object = nullptr;
  if (made == count) {
    const std::size_t named = self->keywords == nullptr ? 0 : static_cast<std::size_t>(PyTuple_GET_SIZE(self->keywords));
    object = PyObject_Vectorcall(reinterpret_cast<PyObject*>(self->type), values,
                                 (count - named) | PY_VECTORCALL_ARGUMENTS_OFFSET, self->keywords);
  }
  for (std::uint32_t i = 0; i < made; ++i) Py_DECREF(values[i]);
  return object;
}

// ---- Maker(type, direct, plan); fill(fields, keywords)

PyObject* maker_new(PyTypeObject* type, PyObject* args, PyObject*) {
  PyObject* made = nullptr;
  PyObject* plan = nullptr;
  int direct = 0;
  if (!PyArg_ParseTuple(args, "O!pO", &PyType_Type, &made, &direct, &plan)) return nullptr;
  PyObject* object = type->tp_alloc(type, 0);
  if (object == nullptr) return nullptr;
  MakerObject* self = maker_of(object);
  self->type = reinterpret_cast<PyTypeObject*>(Py_NewRef(made));
  self->plan = Py_NewRef(plan);
  self->direct = direct != 0;
  return object;
}

/// Fields are (attribute, key, plan, 0 required | 1 default | 2 factory, default). Apart from the constructor: types mention
/// themselves.
PyObject* fill(PyObject* object, PyObject* args) {
  MakerObject* self = maker_of(object);
  State& state = *state_of_type(Py_TYPE(object));
  PyObject* fields = nullptr;
  PyObject* keywords = nullptr;
  if (!PyArg_ParseTuple(args, "O!O", &PyTuple_Type, &fields, &keywords)) return nullptr;
  const Py_ssize_t count = PyTuple_GET_SIZE(fields);
  if (count > max_fields || self->fields != nullptr) {
    PyErr_SetString(PyExc_ValueError, "too many fields, or filled already");
    return nullptr;
  }
  self->fields = static_cast<Field*>(PyMem_Calloc(static_cast<std::size_t>(count) + 1, sizeof(Field)));
  if (self->fields == nullptr) return PyErr_NoMemory();
  for (Py_ssize_t i = 0; i < count; ++i) {
    Field& field = self->fields[i];
    PyObject* attribute = nullptr;
    PyObject* key = nullptr;
    PyObject* plan = nullptr;
    PyObject* fallback = nullptr;
    int missing = 0;
    if (!PyArg_ParseTuple(PyTuple_GET_ITEM(fields, i), "UUOiO", &attribute, &key, &plan, &missing, &fallback)) return nullptr;
    Py_ssize_t length = 0;
    field.text = PyUnicode_AsUTF8AndSize(key, &length);
    if (field.text == nullptr) return nullptr;
    field.length = static_cast<std::uint32_t>(length);
    field.key = Py_NewRef(key);
    field.attribute = Py_NewRef(attribute);
    PyUnicode_InternInPlace(&field.attribute);
    field.missing = static_cast<Missing>(missing);
    field.fallback = Py_NewRef(fallback);
    ++self->count;
    if (!compile(state, plan, field.op)) return nullptr;
  }
  if (PyTuple_Check(keywords) && PyTuple_GET_SIZE(keywords) != 0) self->keywords = Py_NewRef(keywords);
  Py_RETURN_NONE;
}

int maker_traverse(PyObject* object, visitproc visit, void* arg) {
  MakerObject* self = maker_of(object);
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(reinterpret_cast<PyObject*>(self->type));
  Py_VISIT(self->plan);
  for (std::uint32_t i = 0; i < self->count; ++i) {
    Py_VISIT(self->fields[i].fallback);
    if (const int rc = visit_op(self->fields[i].op, visit, arg); rc != 0) return rc;
  }
  return 0;
}

int maker_clear(PyObject* object) {
  MakerObject* self = maker_of(object);
  Field* const fields = self->fields;
  const std::uint32_t count = self->count;
  self->fields = nullptr;
  self->count = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    drop(fields[i].op);
    Py_CLEAR(fields[i].fallback);
    Py_CLEAR(fields[i].attribute);
    Py_CLEAR(fields[i].key);
  }
  PyMem_Free(fields);
  Py_CLEAR(self->keywords);
  Py_CLEAR(self->plan);
  Py_CLEAR(self->type);
  return 0;
}

void maker_dealloc(PyObject* object) {
  PyObject_GC_UnTrack(object);
  maker_clear(object);
  PyTypeObject* type = Py_TYPE(object);
  type->tp_free(object);
  Py_DECREF(type);
}

// ---- Reader(op, plan, refused)

PyObject* reader_new(PyTypeObject* type, PyObject* args, PyObject*) {
  PyObject* op = nullptr;
  PyObject* plan = nullptr;
  PyObject* refused = nullptr;
  if (!PyArg_ParseTuple(args, "OOO", &op, &plan, &refused)) return nullptr;
  PyObject* object = type->tp_alloc(type, 0);
  if (object == nullptr) return nullptr;
  ReaderObject* self = reader_of(object);
  self->state = state_of_type(type);
  self->plan = Py_NewRef(plan);
  self->refused = refused == Py_None ? nullptr : Py_NewRef(refused);
  if (!compile(*self->state, op, self->op)) {
    Py_DECREF(object);
    return nullptr;
  }
  return object;
}

PyObject* reader_call(PyObject* object, PyObject* args, PyObject* kwargs) {
  return PyObject_Call(reader_of(object)->plan, args, kwargs);
}

/// What a value becomes on its way through nodes: for tests.
PyObject* reader_through_nodes(PyObject* object, PyObject* value) {
  State& state = *reader_of(object)->state;
  Buffer out;
  if (!encode_nodes(state, value, out)) return nullptr;
  return read_nodes(state, object, reinterpret_cast<const spk_node*>(out.data()), out.data());
}

int reader_traverse(PyObject* object, visitproc visit, void* arg) {
  ReaderObject* self = reader_of(object);
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(self->plan);
  Py_VISIT(self->refused);
  return visit_op(self->op, visit, arg);
}

int reader_clear(PyObject* object) {
  ReaderObject* self = reader_of(object);
  drop(self->op);
  Py_CLEAR(self->plan);
  Py_CLEAR(self->refused);
  return 0;
}

void reader_dealloc(PyObject* object) {
  PyObject_GC_UnTrack(object);
  reader_clear(object);
  PyTypeObject* type = Py_TYPE(object);
  type->tp_free(object);
  Py_DECREF(type);
}

PyMethodDef maker_methods[] = {{"fill", fill, METH_VARARGS, nullptr}, {nullptr, nullptr, 0, nullptr}};
PyType_Slot maker_slots[] = {{Py_tp_new, reinterpret_cast<void*>(maker_new)},
                             {Py_tp_dealloc, reinterpret_cast<void*>(maker_dealloc)},
                             {Py_tp_traverse, reinterpret_cast<void*>(maker_traverse)},
                             {Py_tp_clear, reinterpret_cast<void*>(maker_clear)},
                             {Py_tp_methods, maker_methods},
                             {0, nullptr}};

PyMethodDef reader_methods[] = {{"through_nodes", reader_through_nodes, METH_O, nullptr}, {nullptr, nullptr, 0, nullptr}};
PyType_Slot reader_slots[] = {{Py_tp_new, reinterpret_cast<void*>(reader_new)},
                              {Py_tp_dealloc, reinterpret_cast<void*>(reader_dealloc)},
                              {Py_tp_traverse, reinterpret_cast<void*>(reader_traverse)},
                              {Py_tp_clear, reinterpret_cast<void*>(reader_clear)},
                              {Py_tp_call, reinterpret_cast<void*>(reader_call)},
                              {Py_tp_methods, reader_methods},
                              {0, nullptr}};

}  // namespace

PyType_Spec maker_spec = {"spikard._core.Maker", sizeof(MakerObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, maker_slots};
PyType_Spec reader_spec = {"spikard._core.Reader", sizeof(ReaderObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
                           reader_slots};

PyObject* read_nodes(State& state, PyObject* reader, const spk_node* node, const char* base) {
  ReaderObject* self = reader_of(reader);
  PyObject* value = make(state, self->op, node, base);
  if (value != nullptr || self->refused == nullptr || PyErr_ExceptionMatches(PyExc_ValueError) == 0) return value;
  PyObject* type = nullptr;
  PyObject* error = nullptr;
  PyObject* trace = nullptr;
  PyErr_Fetch(&type, &error, &trace);
  PyErr_NormalizeException(&type, &error, &trace);
  if (error != nullptr && trace != nullptr) PyException_SetTraceback(error, trace);
  const Ref t(type);
  const Ref e(error);
  const Ref tb(trace);
  // It raises.
  return e ? PyObject_CallOneArg(self->refused, e.get()) : nullptr;
}

}  // namespace spikard::py
