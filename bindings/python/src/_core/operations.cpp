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

PyObject* port_invoke(PyObject* object, PyObject* const* args, Py_ssize_t count) {
  auto* self = reinterpret_cast<PortObject*>(object);
  if (count != 4 && count != 6) return PyErr_Format(PyExc_TypeError, "operation, client, arguments, id[, user, flags]");
  std::uint64_t operation = 0, client = 0, id = 0, user = 0, flags = 0;
  if (!unsigned_of(args[0], operation) || !unsigned_of(args[1], client) || !unsigned_of(args[3], id) ||
      (count == 6 && (!unsigned_of(args[4], user) || !unsigned_of(args[5], flags)))) {
    return nullptr;
  }
  if (!port_usable(self)) return nullptr;
  Buffer nodes;
  if (!encode_nodes(*self->state, args[2], nodes)) return nullptr;
  if (!port_usable(self)) return nullptr;  // writing the arguments may have run anything
  spk_cmd command{};
  command.op = SPK_CMD_CALL;
  command.flags = static_cast<std::uint16_t>(flags);
  command.client = static_cast<std::uint32_t>(client);
  command.id = id;
  command.arg = operation;
  command.user = user != 0 ? user : ++self->next_user;
  command.body.ptr = nodes.data();
  command.body.len = nodes.size();
  const std::uint64_t mine = command.user;
  const spk_record* record = nullptr;
  const int rc = (flags & SPK_F_STREAM) != 0 ? spk_submit(self->port, &command, 1) : spk_call(self->port, &command, &record);
  if (rc < 0) return raise_core_error(*self->state, rc, "an operation"), nullptr;
  if (record != nullptr) return result_of(*self->state, record);
  return PyLong_FromUnsignedLongLong(mine);
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

}  // namespace spikard::py
