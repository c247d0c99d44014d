// The module: per-interpreter state, multi-phase initialisation, no globals.
#include "json_writer.hpp"
#include "maker.hpp"
#include "nodes.hpp"
#include "objects.hpp"

namespace spikard::py {
namespace {

PyObject* configure(PyObject* module, PyObject* args, PyObject* kwargs) {
  State* s = state_of(module);
  static const char* names[] = {
      "error",     "config_error",  "problem_type", "response_type",   "streaming_type", "classify", "describe", "task_factory",
      "task_type", "stream_runner", "dispatch",     "cancelled_error", "body_stream",    "sleep",    "failure",  "to_plain",
      "handling",  "current",       "span",         "served_type",     nullptr};
  PyObject** const into[] = {&s->error,    &s->config_error,    &s->problem_type, &s->response_type, &s->streaming_type,
                             &s->classify, &s->describe,        &s->task_factory, &s->task_type,     &s->stream_runner,
                             &s->dispatch, &s->cancelled_error, &s->body_stream,  &s->sleep,         &s->failure,
                             &s->to_plain, &s->handling,        &s->current,      &s->span,          &s->served_type};
  constexpr std::size_t n = sizeof into / sizeof *into;
  PyObject* values[n] = {};
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOO!O!O!OOOOOOOOOOOOOOO!", const_cast<char**>(names), &values[0], &values[1],
                                   &PyType_Type, &values[2], &PyType_Type, &values[3], &PyType_Type, &values[4], &values[5],
                                   &values[6], &values[7], &values[8], &values[9], &values[10], &values[11], &values[12],
                                   &values[13], &values[14], &values[15], &values[16], &values[17], &values[18], &PyType_Type,
                                   &values[19])) {
    return nullptr;
  }
  for (std::size_t i = 0; i < n; ++i) Py_XSETREF(*into[i], Py_NewRef(values[i]));
  Py_RETURN_NONE;
}

PyObject* dumps(PyObject* module, PyObject* value) {
  Buffer out;
  if (!write_json(*state_of(module), value, out)) return nullptr;
  return PyBytes_FromStringAndSize(out.data(), static_cast<Py_ssize_t>(out.size()));
}

/// What `value` becomes on its way through the core's nodes: for tests.
PyObject* through_nodes(PyObject* module, PyObject* value) {
  State& state = *state_of(module);
  Buffer out;
  if (!encode_nodes(state, value, out)) return nullptr;
  const auto* node = reinterpret_cast<const spk_node*>(out.data());
  return decode_nodes(state, node, out.data());
}

PyObject* abi(PyObject*, PyObject*) { return PyLong_FromUnsignedLong(SPK_ABI); }

PyMethodDef methods[] = {
    {"configure", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(configure)), METH_VARARGS | METH_KEYWORDS, nullptr},
    {"dumps", dumps, METH_O, "JSON text of a value, as bytes"},
    {"through_nodes", through_nodes, METH_O, nullptr},
    {"abi", abi, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr}};

// clang-format off: it never settles on these lines
#define SPIKARD_OBJECTS(X) \
  X(error) \
  X(config_error) \
  X(problem_type) X(response_type) X(streaming_type) X(classify) X(describe) X(task_factory) X(task_type) X(stream_runner) \
      X(dispatch) X(cancelled_error) X(body_stream) X(sleep) X(failure) X(to_plain) X(handling) X(current) X(span) X(served_type) X(encoders) X(kw_task) X(s_content) X(s_status) X(s_header_list) \
          X(s_media_type) X(s_background) X(s_done) X(s_result) X(s_cancel) X(s_add_done_callback) X(s_call_soon) \
              X(s_call_soon_threadsafe) X(s_to_dict) X(s_finish) X(s_flush) X(s_done_callback) X(s_resolve) X(s_wait) X(s_answer) X(empty_tuple)
// clang-format on

int add_type(PyObject* module, PyType_Spec* spec, PyTypeObject** into, const char* name) {
  *into = reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, spec, nullptr));
  return *into == nullptr ? -1 : PyModule_AddObjectRef(module, name, reinterpret_cast<PyObject*>(*into));
}

int execute(PyObject* module) {
  State* s = state_of(module);
  if (add_type(module, &app_spec, &s->app_type, "App") != 0 || add_type(module, &port_spec, &s->port_type, "Port") != 0 ||
      add_type(module, &request_spec, &s->request_type, "Request") != 0 ||
      add_type(module, &route_spec, &s->route_type, "Route") != 0 ||
      add_type(module, &maker_spec, &s->maker_type, "Maker") != 0 ||
      add_type(module, &reader_spec, &s->reader_type, "Reader") != 0 ||
      add_type(module, &client_spec, &s->client_type, "Client") != 0) {
    return -1;
  }
  struct Name {
    PyObject** into;
    const char* text;
  };
  for (const Name& name : {Name{&s->s_content, "content"},
                           {&s->s_status, "status"},
                           {&s->s_header_list, "header_list"},
                           {&s->s_media_type, "media_type"},
                           {&s->s_background, "background"},
                           {&s->s_done, "done"},
                           {&s->s_result, "result"},
                           {&s->s_cancel, "cancel"},
                           {&s->s_add_done_callback, "add_done_callback"},
                           {&s->s_call_soon, "call_soon"},
                           {&s->s_call_soon_threadsafe, "call_soon_threadsafe"},
                           {&s->s_to_dict, "to_response"},
                           {&s->s_finish, "_finish"},
                           {&s->s_flush, "flush"},
                           {&s->s_done_callback, "_done"},
                           {&s->s_resolve, "_resolve"},
                           {&s->s_wait, "_wait"},
                           {&s->s_answer, "_answer"}}) {
    *name.into = PyUnicode_InternFromString(name.text);
    if (*name.into == nullptr) return -1;
  }
  s->encoders = PyDict_New();
  s->kw_task = Py_BuildValue("(ss)", "loop", "eager_start");
  s->empty_tuple = PyTuple_New(0);
  for (PyObject** object : {&s->error, &s->config_error}) *object = Py_NewRef(PyExc_RuntimeError);
  return s->encoders == nullptr || s->kw_task == nullptr || s->empty_tuple == nullptr ? -1 : 0;
}

int traverse(PyObject* module, visitproc visit, void* arg) {
  State* s = state_of(module);
  if (s == nullptr) return 0;
  Py_VISIT(s->app_type);
  Py_VISIT(s->port_type);
  Py_VISIT(s->request_type);
  Py_VISIT(s->route_type);
  Py_VISIT(s->maker_type);
  Py_VISIT(s->reader_type);
  Py_VISIT(s->client_type);
#define X(name) Py_VISIT(s->name);
  SPIKARD_OBJECTS(X)
#undef X
  return 0;
}

int clear(PyObject* module) {
  State* s = state_of(module);
  if (s == nullptr) return 0;
  Py_CLEAR(s->app_type);
  Py_CLEAR(s->port_type);
  Py_CLEAR(s->request_type);
  Py_CLEAR(s->route_type);
  Py_CLEAR(s->maker_type);
  Py_CLEAR(s->reader_type);
  Py_CLEAR(s->client_type);
#define X(name) Py_CLEAR(s->name);
  SPIKARD_OBJECTS(X)
#undef X
  for (PyObject*& entry : s->keys.entries) Py_CLEAR(entry);
  return 0;
}

void release(void* module) { clear(static_cast<PyObject*>(module)); }

PyModuleDef_Slot slots[] = {{Py_mod_exec, reinterpret_cast<void*>(execute)},
#if PY_VERSION_HEX >= 0x030C0000
                            {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
                            {0, nullptr}};

PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                          "spikard._core",
                          "The port of Spikard's core",
                          sizeof(State),
                          methods,
                          slots,
                          traverse,
                          clear,
                          release};

}  // namespace
}  // namespace spikard::py

PyMODINIT_FUNC PyInit__core() { return PyModuleDef_Init(&spikard::py::definition); }
