// Operations of the toolbox, and the commands that answer what is no request.
#include "nodes.hpp"
#include "objects.hpp"

namespace spikard::py {
namespace {

bool unsigned_of(PyObject* object, std::uint64_t& out) {
  out = PyLong_AsUnsignedLongLong(object);
  return out != static_cast<std::uint64_t>(-1) || PyErr_Occurred() == nullptr;
}

/// The result of a record, or its error raised.
PyObject* result_of(State& state, const spk_record* record) {
  const char* base = reinterpret_cast<const char*>(record);
  if (record->status != 0) {
    const Ref error(PyObject_CallFunction(state.failure, "Is#s#I", record->status, base + record->body.off,
                                          static_cast<Py_ssize_t>(record->body.len), base + record->key.off,
                                          static_cast<Py_ssize_t>(record->key.len), record->attempt));
    if (error) PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.get())), error.get());
    return nullptr;
  }
  if (record->nodes.len == 0) return PyDict_New();
  const auto* node = reinterpret_cast<const spk_node*>(base + record->nodes.off);
  return decode_nodes(state, node, base);
}

}  // namespace

namespace {

/// The result of what completes at once, null with an exception, or null without one: `user` is then the number of its DONE.
PyObject* invoke(PortObject* self, std::uint64_t operation, std::uint64_t client, PyObject* arguments, std::uint64_t id,
                 std::uint64_t& user, std::uint64_t flags) {
  State& state = *self->state;
  if (!port_usable(self)) return nullptr;
  // Writing the arguments may run code that comes here again.
  NodeScratch own;
  NodeScratch& scratch = self->scratch->busy ? own : *self->scratch;
  scratch.busy = true;
  struct Free {
    NodeScratch& scratch;
    ~Free() { scratch.busy = false; }
  } free{scratch};
  if (!encode_nodes(state, arguments, scratch)) return nullptr;
  if (!port_usable(self)) return nullptr;
  spk_cmd command{};
  command.op = SPK_CMD_CALL;
  command.flags = static_cast<std::uint16_t>(flags);
  command.client = static_cast<std::uint32_t>(client);
  command.id = id;
  command.arg = operation;
  if (user == 0) user = ++self->next_user;
  command.user = user;
  command.body.ptr = scratch.out.data();
  command.body.len = scratch.out.size();
  PyObject* found = nullptr;
  if (PyContextVar_Get(state.span, nullptr, &found) != 0) return nullptr;
  const Ref span(found);  // the innermost span of the application's own, as a traceparent
  if (span && PyUnicode_Check(span.get())) {
    Py_ssize_t length = 0;
    const char* text = PyUnicode_AsUTF8AndSize(span.get(), &length);
    if (text == nullptr) return nullptr;
    command.head.ptr = text;
    command.head.len = static_cast<std::size_t>(length);
  }
  const spk_record* record = nullptr;
  const int rc = (flags & SPK_F_STREAM) != 0 ? spk_submit(self->port, &command, 1) : spk_call(self->port, &command, &record);
  if (rc < 0) return raise_core_error(state, rc, "an operation"), nullptr;
  return record == nullptr ? nullptr : result_of(state, record);
}

}  // namespace

PyObject* port_invoke(PyObject* object, PyObject* const* args, Py_ssize_t count) {
  auto* self = reinterpret_cast<PortObject*>(object);
  if (count != 4 && count != 6) return PyErr_Format(PyExc_TypeError, "operation, client, arguments, id[, user, flags]");
  std::uint64_t operation = 0, client = 0, id = 0, user = 0, flags = 0;
  if (!unsigned_of(args[0], operation) || !unsigned_of(args[1], client) || !unsigned_of(args[3], id) ||
      (count == 6 && (!unsigned_of(args[4], user) || !unsigned_of(args[5], flags)))) {
    return nullptr;
  }
  PyObject* result = invoke(self, operation, client, args[2], id, user, flags);
  return result != nullptr || PyErr_Occurred() != nullptr ? result : PyLong_FromUnsignedLongLong(user);
}

PyObject* port_command(PyObject* object, PyObject* const* args, Py_ssize_t count) {
  auto* self = reinterpret_cast<PortObject*>(object);
  std::uint64_t op = 0, id = 0, arg = 0, flags = 0;
  if (count != 5) return PyErr_Format(PyExc_TypeError, "op, id, arg, flags, body");
  if (!unsigned_of(args[0], op) || !unsigned_of(args[1], id) || !unsigned_of(args[2], arg) || !unsigned_of(args[3], flags))
    return nullptr;
  if (args[4] != Py_None && !PyBytes_Check(args[4])) return PyErr_Format(PyExc_TypeError, "body must be bytes or None");
  if (!port_usable(self)) return nullptr;
  Batch local;
  const bool use_local = self->batch->writing;
  Batch& batch = use_local ? local : *self->batch;
  spk_cmd& command = batch.add(static_cast<std::uint16_t>(op), id);
  command.arg = arg;
  command.flags = static_cast<std::uint16_t>(flags);
  if (args[4] != Py_None) {
    batch.body_of(args[4], PyBytes_AS_STRING(args[4]), static_cast<std::size_t>(PyBytes_GET_SIZE(args[4])));
  }
  if (use_local) port_submit(self, local, false);
  else port_schedule_flush(self);
  Py_RETURN_NONE;
}

bool set_handling(State& state, std::uint64_t id) {
  const Ref number(PyLong_FromUnsignedLongLong(id));
  const Ref token(number ? PyContextVar_Set(state.handling, number.get()) : nullptr);
  return static_cast<bool>(token);
}

// ---- clients

namespace {

/// What a client of the toolbox is for coroutines: `_call(operation, arguments)` gives the result of what completes at once, else
/// something to await. It remembers the application that it was last used in.
struct ClientObject {
  PyObject_HEAD State* state;
  PyObject* binding;
  PortObject* port;
  std::uint64_t number;
};

ClientObject* client_of(PyObject* object) { return reinterpret_cast<ClientObject*>(object); }

/// `_resolve()` of the Python side: (binding, port, number) where this runs.
bool resolve(ClientObject* self) {
  const Ref found(PyObject_CallMethodNoArgs(reinterpret_cast<PyObject*>(self), self->state->s_resolve));
  if (!found) return false;
  PyObject *binding = nullptr, *port = nullptr;
  unsigned long long number = 0;
  if (!PyArg_ParseTuple(found.get(), "OO!K", &binding, self->state->port_type, &port, &number)) return false;
  Py_XSETREF(self->binding, Py_NewRef(binding));
  PyObject* old = reinterpret_cast<PyObject*>(self->port);
  self->port = reinterpret_cast<PortObject*>(Py_NewRef(port));
  Py_XDECREF(old);
  self->number = number;
  return true;
}

PyObject* client_call(PyObject* object, PyObject* const* args, Py_ssize_t count) {
  ClientObject* self = client_of(object);
  State& state = *self->state;
  std::uint64_t operation = 0;
  if (count != 2) return PyErr_Format(PyExc_TypeError, "operation, arguments");
  if (!unsigned_of(args[0], operation)) return nullptr;
  PyObject* found = nullptr;
  if (PyContextVar_Get(state.current, nullptr, &found) != 0) return nullptr;
  const Ref binding(found);
  if (!binding || binding.get() != self->binding) {
    if (!resolve(self)) return nullptr;
  }
  found = nullptr;
  if (PyContextVar_Get(state.handling, nullptr, &found) != 0) return nullptr;
  const Ref handling(found);
  std::uint64_t id = 0;
  if (handling && !unsigned_of(handling.get(), id)) return nullptr;
  const Ref keep = Ref::borrowed(reinterpret_cast<PyObject*>(self->port));
  const Ref keep_binding = Ref::borrowed(self->binding);
  std::uint64_t user = 0;
  PyObject* result = invoke(self->port, operation, self->number, args[1], id, user, 0);
  if (result != nullptr || PyErr_Occurred() != nullptr) return result;
  const Ref number(PyLong_FromUnsignedLongLong(user));
  return number ? PyObject_CallMethodOneArg(keep_binding.get(), state.s_wait, number.get()) : nullptr;
}

PyObject* client_new(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* object = type->tp_alloc(type, 0);
  if (object == nullptr) return nullptr;
  // A Python class: the state is that of the base, which the module made.
  PyTypeObject* base = type;
  while (base->tp_base != nullptr && !(base->tp_flags & Py_TPFLAGS_HEAPTYPE && PyType_GetModule(base) != nullptr)) {
    PyErr_Clear();
    base = base->tp_base;
  }
  client_of(object)->state = state_of_type(base);
  return object;
}

int client_traverse(PyObject* object, visitproc visit, void* arg) {
  ClientObject* self = client_of(object);
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(self->binding);
  Py_VISIT(reinterpret_cast<PyObject*>(self->port));
  return 0;
}

int client_clear(PyObject* object) {
  ClientObject* self = client_of(object);
  Py_CLEAR(self->binding);
  Py_CLEAR(self->port);
  return 0;
}

void client_dealloc(PyObject* object) {
  PyObject_GC_UnTrack(object);
  client_clear(object);
  PyTypeObject* type = Py_TYPE(object);
  type->tp_free(object);
  Py_DECREF(type);
}

PyMethodDef client_methods[] = {
    {"_call", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(client_call)), METH_FASTCALL, nullptr},
    {nullptr, nullptr, 0, nullptr}};

PyType_Slot client_slots[] = {{Py_tp_new, reinterpret_cast<void*>(client_new)},
                              {Py_tp_dealloc, reinterpret_cast<void*>(client_dealloc)},
                              {Py_tp_traverse, reinterpret_cast<void*>(client_traverse)},
                              {Py_tp_clear, reinterpret_cast<void*>(client_clear)},
                              {Py_tp_methods, client_methods},
                              {0, nullptr}};

}  // namespace

PyType_Spec client_spec = {"spikard._core.Client", sizeof(ClientObject), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE, client_slots};

}  // namespace spikard::py
