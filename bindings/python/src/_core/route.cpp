#include <vector>

#include "objects.hpp"

namespace spikard::py {
namespace {

RouteObject* self_of(PyObject* object) { return reinterpret_cast<RouteObject*>(object); }

int traverse(PyObject* object, visitproc visit, void* arg) {
  RouteObject* self = self_of(object);
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(self->handler);
  for (std::uint32_t i = 0; i < self->argument_count; ++i) Py_VISIT(self->arguments[i].convert);
  return 0;
}

int clear(PyObject* object) {
  RouteObject* self = self_of(object);
  Py_CLEAR(self->handler);
  for (std::uint32_t i = 0; i < self->argument_count; ++i) Py_CLEAR(self->arguments[i].convert);
  return 0;
}

void dealloc(PyObject* object) {
  PyObject_GC_UnTrack(object);
  clear(object);
  RouteObject* self = self_of(object);
  Py_XDECREF(self->keywords);
  Py_XDECREF(self->parameters);
  Py_XDECREF(self->template_);
  PyMem_RawFree(self->arguments);
  PyMem_RawFree(self->param_slots);
  PyTypeObject* type = Py_TYPE(object);
  type->tp_free(object);
  Py_DECREF(type);
}

/// Route(handler, mode, status, template, parameters, arguments, keywords): arguments are (source, index, convert | None).
PyObject* create(PyTypeObject* type, PyObject* args, PyObject*) {
  PyObject* handler = nullptr;
  int mode = 0;
  unsigned short status = 200;
  PyObject* path = nullptr;
  PyObject* parameters = nullptr;
  PyObject* arguments = nullptr;
  PyObject* keywords = nullptr;
  if (!PyArg_ParseTuple(args, "OiHUO!O!O", &handler, &mode, &status, &path, &PyTuple_Type, &parameters, &PyTuple_Type, &arguments,
                        &keywords))
    return nullptr;
  PyObject* object = type->tp_alloc(type, 0);
  if (object == nullptr) return nullptr;
  RouteObject* self = self_of(object);
  self->handler = Py_NewRef(handler);
  self->mode = static_cast<Mode>(mode);
  self->status = status;
  self->template_ = Py_NewRef(path);
  self->parameters = Py_NewRef(parameters);
  self->keywords =
      keywords == Py_None || !PyTuple_Check(keywords) || PyTuple_GET_SIZE(keywords) == 0 ? nullptr : Py_NewRef(keywords);
  const auto count = static_cast<std::size_t>(PyTuple_GET_SIZE(arguments));
  const auto params = static_cast<std::size_t>(PyTuple_GET_SIZE(parameters));
  self->arguments = static_cast<Argument*>(PyMem_RawCalloc(count + 1, sizeof(Argument)));
  self->param_slots = static_cast<std::int32_t*>(PyMem_RawCalloc(params + 1, sizeof(std::int32_t)));
  if (self->arguments == nullptr || self->param_slots == nullptr) {
    Py_DECREF(object);
    return PyErr_NoMemory();
  }
  self->param_count = static_cast<std::uint32_t>(params);
  for (std::size_t i = 0; i < params; ++i) self->param_slots[i] = -1;
  for (std::size_t i = 0; i < count; ++i) {
    int source = 0;
    unsigned int index = 0;
    PyObject* convert = nullptr;
    if (!PyArg_ParseTuple(PyTuple_GET_ITEM(arguments, static_cast<Py_ssize_t>(i)), "iIO", &source, &index, &convert)) {
      Py_DECREF(object);
      return nullptr;
    }
    self->arguments[i] = {static_cast<Source>(source), index, convert == Py_None ? nullptr : Py_NewRef(convert)};
    self->argument_count = static_cast<std::uint32_t>(i + 1);
    if (self->arguments[i].source == Source::param && index < params) self->param_slots[index] = static_cast<std::int32_t>(i);
  }
  return object;
}

PyType_Slot slots[] = {{Py_tp_new, reinterpret_cast<void*>(create)},
                       {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
                       {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
                       {Py_tp_clear, reinterpret_cast<void*>(clear)},
                       {0, nullptr}};

}  // namespace

PyType_Spec route_spec = {"spikard._core.Route", sizeof(RouteObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, slots};

}  // namespace spikard::py
