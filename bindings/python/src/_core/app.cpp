#include <unistd.h>
#include <cstdlib>
#include <string>

#include "objects.hpp"

namespace spikard::py {
namespace {

AppObject* self_of(PyObject* object) { return reinterpret_cast<AppObject*>(object); }

PyObject* create(PyTypeObject* type, PyObject* args, PyObject*) {
  const char* manifest = nullptr;
  Py_ssize_t length = 0;
  int configured = 0;  ///< with the configuration of this process over the manifest
  if (!PyArg_ParseTuple(args, "s#|p", &manifest, &length, &configured)) return nullptr;
  State* state = state_of_type(type);
  PyObject* object = type->tp_alloc(type, 0);
  if (object == nullptr) return nullptr;
  AppObject* self = self_of(object);
  self->state = state;
  self->pid = static_cast<long>(getpid());
  const int rc =
      (configured != 0 ? spk_app_open_configured : spk_app_open)(SPK_ABI, manifest, static_cast<std::size_t>(length), &self->app);
  if (rc < 0) {
    raise_core_error(*state, rc, "opening the application");
    Py_DECREF(object);
    return nullptr;
  }
  return object;
}

bool usable(AppObject* self) {
  if (self->app != nullptr && self->pid == static_cast<long>(getpid())) return true;
  PyErr_SetString(self->state->error, self->app == nullptr
                                          ? "the application is closed"
                                          : "the application belongs to the process that opened it, not to its fork");
  return false;
}

PyObject* close(PyObject* object, PyObject*) {
  AppObject* self = self_of(object);
  spk_app* app = self->app;
  self->app = nullptr;
  if (app != nullptr && self->pid == static_cast<long>(getpid())) {
    Py_BEGIN_ALLOW_THREADS spk_app_close(app);
    Py_END_ALLOW_THREADS
  }
  Py_RETURN_NONE;
}

void dealloc(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  Py_XDECREF(close(object, nullptr));
  type->tp_free(object);
  Py_DECREF(type);
}

PyObject* start(PyObject* object, PyObject*) {
  AppObject* self = self_of(object);
  if (!usable(self)) return nullptr;
  int rc = 0;
  Py_BEGIN_ALLOW_THREADS rc = spk_app_start(self->app);
  Py_END_ALLOW_THREADS if (rc < 0) return raise_core_error(*self->state, rc, "starting the application"), nullptr;
  Py_RETURN_NONE;
}

/// (worker index, None) in a child, (None, exit code) in the parent when all workers have ended.
PyObject* supervise(PyObject* object, PyObject* argument) {
  AppObject* self = self_of(object);
  if (!usable(self)) return nullptr;
  const unsigned long workers = PyLong_AsUnsignedLong(argument);
  if (workers == static_cast<unsigned long>(-1) && PyErr_Occurred() != nullptr) return nullptr;
  PyOS_BeforeFork();
  const int rc = spk_supervise(self->app, static_cast<std::uint32_t>(workers));
  const bool child = self->pid != static_cast<long>(getpid());
  if (child) {
    PyOS_AfterFork_Child();
    self->pid = static_cast<long>(getpid());
  } else {
    PyOS_AfterFork_Parent();
  }
  if (rc < 0) return raise_core_error(*self->state, rc, "starting the workers"), nullptr;
  if ((rc & SPK_SUPERVISED) != 0) return Py_BuildValue("(Oi)", Py_None, rc & ~SPK_SUPERVISED);
  return Py_BuildValue("(iO)", rc, Py_None);
}

PyObject* text(AppObject* self, std::size_t (*fn)(spk_app*, char*, std::size_t)) {
  if (!usable(self)) return nullptr;
  std::string out(1024, '\0');
  while (true) {
    const std::size_t n = fn(self->app, out.data(), out.size());
    if (n < out.size()) return PyUnicode_DecodeUTF8(out.data(), static_cast<Py_ssize_t>(n), "replace");
    out.resize(n + 1);
  }
}
PyObject* info(PyObject* object, PyObject*) { return text(self_of(object), spk_info); }
PyObject* report(PyObject* object, PyObject*) { return text(self_of(object), spk_report); }

PyObject* drain(PyObject* object, PyObject* args) {
  AppObject* self = self_of(object);
  unsigned int deadline = SPK_DRAIN_DEFAULT;
  if (!PyArg_ParseTuple(args, "|I", &deadline) || !usable(self)) return nullptr;
  const int rc = spk_drain(self->app, deadline);
  if (rc < 0) return raise_core_error(*self->state, rc, "draining"), nullptr;
  Py_RETURN_NONE;
}

PyMethodDef methods[] = {
    {"start", start, METH_NOARGS, "Connects services and reserves the addresses"},
    {"supervise", supervise, METH_O, "Forks workers: (index, None) in each child, (None, exit code) in the parent at the end"},
    {"info", info, METH_NOARGS, "Bound addresses and state, as JSON"},
    {"report", report, METH_NOARGS, "What the drain did, as JSON"},
    {"drain", drain, METH_VARARGS, "Begins the graceful end; a second call cuts it short"},
    {"close", close, METH_NOARGS, "Frees everything"},
    {nullptr, nullptr, 0, nullptr}};

PyType_Slot slots[] = {{Py_tp_new, reinterpret_cast<void*>(create)},
                       {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
                       {Py_tp_methods, methods},
                       {0, nullptr}};

}  // namespace

PyType_Spec app_spec = {"spikard._core.App", sizeof(AppObject), 0, Py_TPFLAGS_DEFAULT, slots};

void raise_core_error(State& state, int code, const char* what) {
  char text[2048];
  const std::size_t n = spk_error(text, sizeof text);
  text[n < sizeof text ? n : sizeof text - 1] = '\0';
  PyObject* type = -code == SPK_E_CONFIG ? state.config_error : state.error;
  if (-code == SPK_E_MEMORY) type = PyExc_MemoryError;
  if (n == 0) PyErr_Format(type, "%s: error %d", what, -code);
  else PyErr_Format(type, "%s", text);
}

}  // namespace spikard::py
