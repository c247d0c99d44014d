#include "nodes.hpp"
#include "objects.hpp"

#include <structmember.h>
#include <cstring>

namespace spikard::py {
namespace {

RequestObject* self_of(PyObject* object) { return reinterpret_cast<RequestObject*>(object); }

const char* base_of(const RequestObject* self) { return reinterpret_cast<const char*>(self->record); }

bool need_record(RequestObject* self) {
  if (self->record != nullptr) return true;
  PyErr_SetString(self->state->error, "this request is over and nothing of it was kept");
  return false;
}

PyObject* text_of(const RequestObject* self, spk_view view) { return decode_text(base_of(self) + view.off, view.len); }

PyObject* nodes_of(RequestObject* self, spk_view view) {
  if (view.len == 0) Py_RETURN_NONE;
  const auto* node = reinterpret_cast<const spk_node*>(base_of(self) + view.off);
  return decode_nodes(*self->state, node, base_of(self));
}

// ---- lifetime

int traverse(PyObject* object, visitproc visit, void* arg) {
  RequestObject* self = self_of(object);
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(reinterpret_cast<PyObject*>(self->port));
  Py_VISIT(reinterpret_cast<PyObject*>(self->route));
  for (PyObject* o : {self->task, self->arguments, self->variables, self->chunks, self->waiter, self->background, self->context,
                      self->params, self->headers, self->json, self->dependencies, self->extra}) {
    Py_VISIT(o);
  }
  return 0;
}

int clear(PyObject* object) {
  RequestObject* self = self_of(object);
  Py_CLEAR(self->task);
  Py_CLEAR(self->arguments);
  Py_CLEAR(self->variables);
  Py_CLEAR(self->chunks);
  Py_CLEAR(self->waiter);
  Py_CLEAR(self->background);
  Py_CLEAR(self->context);
  Py_CLEAR(self->params);
  Py_CLEAR(self->headers);
  Py_CLEAR(self->json);
  Py_CLEAR(self->dependencies);
  Py_CLEAR(self->extra);
  Py_CLEAR(self->port);
  Py_CLEAR(self->route);
  return 0;
}

void dealloc(PyObject* object) {
  PyObject_GC_UnTrack(object);
  clear(object);
  PyMem_RawFree(self_of(object)->copy);
  PyTypeObject* type = Py_TYPE(object);
  type->tp_free(object);
  Py_DECREF(type);
}

// ---- what the user reads

PyObject* get_method(PyObject* object, void*) {
  static constexpr const char* names[] = {"",       "GET",     "HEAD",  "POST",    "PUT",  "PATCH",
                                          "DELETE", "OPTIONS", "TRACE", "CONNECT", "OTHER"};
  RequestObject* self = self_of(object);
  if (!need_record(self)) return nullptr;
  return PyUnicode_InternFromString(self->record->method < 11 ? names[self->record->method] : "OTHER");
}
PyObject* get_path(PyObject* object, void*) {
  RequestObject* self = self_of(object);
  return need_record(self) ? text_of(self, self->record->path) : nullptr;
}
PyObject* get_query(PyObject* object, void*) {
  RequestObject* self = self_of(object);
  return need_record(self) ? text_of(self, self->record->query) : nullptr;
}
PyObject* get_peer(PyObject* object, void*) {
  RequestObject* self = self_of(object);
  return need_record(self) ? text_of(self, self->record->peer) : nullptr;
}
PyObject* get_body(PyObject* object, void*) {
  RequestObject* self = self_of(object);
  if (!need_record(self)) return nullptr;
  return PyBytes_FromStringAndSize(base_of(self) + self->record->body.off, self->record->body.len);
}
PyObject* get_text(PyObject* object, void*) {
  RequestObject* self = self_of(object);
  if (!need_record(self)) return nullptr;
  return PyUnicode_DecodeUTF8(base_of(self) + self->record->body.off, self->record->body.len, "replace");
}
PyObject* get_json(PyObject* object, void*) {
  RequestObject* self = self_of(object);
  if (self->json == nullptr) {
    if (!need_record(self)) return nullptr;
    self->json = nodes_of(self, self->record->json);
  }
  return Py_XNewRef(self->json);
}
PyObject* get_context(PyObject* object, void*) { return request_context(self_of(object)); }
PyObject* get_auth(PyObject* object, void*) {
  RequestObject* self = self_of(object);
  return need_record(self) ? nodes_of(self, self->record->auth) : nullptr;
}
PyObject* get_id(PyObject* object, void*) { return PyLong_FromUnsignedLongLong(self_of(object)->id); }
PyObject* get_version(PyObject* object, void*) {
  RequestObject* self = self_of(object);
  return need_record(self) ? PyUnicode_FromFormat("%d.%d", self->record->version / 10, self->record->version % 10) : nullptr;
}
PyObject* get_deadline(PyObject* object, void*) {
  RequestObject* self = self_of(object);
  if (!need_record(self)) return nullptr;
  if (self->record->deadline_ms == 0) Py_RETURN_NONE;
  return PyLong_FromUnsignedLong(self->record->deadline_ms);
}
PyObject* get_route(PyObject* object, void*) {
  RequestObject* self = self_of(object);
  if (self->route == nullptr) Py_RETURN_NONE;
  return Py_NewRef(self->route->template_);
}
PyObject* get_error(PyObject* object, void*) {
  RequestObject* self = self_of(object);
  return Py_NewRef(self->extra == nullptr ? Py_None : self->extra);
}
PyObject* get_port(PyObject* object, void*) { return Py_XNewRef(reinterpret_cast<PyObject*>(self_of(object)->port)); }

PyObject* get_headers(PyObject* object, void*) {
  RequestObject* self = self_of(object);
  if (self->headers != nullptr) return Py_NewRef(self->headers);
  if (!need_record(self)) return nullptr;
  Ref dict(PyDict_New());
  if (!dict) return nullptr;
  const auto* pair = reinterpret_cast<const spk_pair*>(base_of(self) + self->record->headers.off);
  for (std::uint32_t i = 0; i < self->record->headers.len; ++i, ++pair) {
    const Ref name(intern_key(*self->state, base_of(self) + pair->name.off, pair->name.len));
    Ref value(text_of(self, pair->value));
    if (!name || !value) return nullptr;
    PyObject* before = PyDict_GetItemWithError(dict.get(), name.get());
    if (before != nullptr) {
      value.reset(PyUnicode_FromFormat("%U, %U", before, value.get()));
      if (!value) return nullptr;
    }
    if (PyErr_Occurred() != nullptr || PyDict_SetItem(dict.get(), name.get(), value.get()) != 0) return nullptr;
  }
  self->headers = dict.release();
  return Py_NewRef(self->headers);
}

/// {"path": {...}, "query": {...}, "headers": {...}, "cookies": {...}}
PyObject* get_params(PyObject* object, void*) {
  RequestObject* self = self_of(object);
  if (self->params != nullptr) return Py_NewRef(self->params);
  if (!need_record(self)) return nullptr;
  Ref all(PyDict_New());
  if (!all) return nullptr;
  for (const char* location : {"path", "query", "headers", "cookies"}) {
    const Ref one(PyDict_New());
    if (!one || PyDict_SetItemString(all.get(), location, one.get()) != 0) return nullptr;
  }
  PyObject* names = self->route == nullptr ? nullptr : self->route->parameters;
  const auto* node = reinterpret_cast<const spk_node*>(base_of(self) + self->record->params.off);
  const spk_node* const end = node + self->record->params.len;
  for (Py_ssize_t i = 0; names != nullptr && i < PyTuple_GET_SIZE(names) && node < end; ++i) {
    PyObject* pair = PyTuple_GET_ITEM(names, i);
    const Ref value(decode_nodes(*self->state, node, base_of(self)));
    if (!value) return nullptr;
    PyObject* into = PyDict_GetItemWithError(all.get(), PyTuple_GET_ITEM(pair, 0));
    if (into == nullptr || PyDict_SetItem(into, PyTuple_GET_ITEM(pair, 1), value.get()) != 0) {
      if (PyErr_Occurred() == nullptr) PyErr_SetString(PyExc_SystemError, "a parameter in no known place");
      return nullptr;
    }
  }
  self->params = all.release();
  return Py_NewRef(self->params);
}

PyObject* get_dependencies(PyObject* object, void*) {
  RequestObject* self = self_of(object);
  if (self->dependencies != nullptr) return Py_NewRef(self->dependencies);
  if (!need_record(self)) return nullptr;
  Ref list(PyList_New(self->record->deps.len));
  if (!list) return nullptr;
  for (std::uint32_t i = 0; i < self->record->deps.len; ++i) {
    PyObject* value = dependency_value(self->port, self->record, i);
    if (value == nullptr) return nullptr;
    PyList_SET_ITEM(list.get(), i, value);
  }
  self->dependencies = list.release();
  return Py_NewRef(self->dependencies);
}

PyObject* header(PyObject* object, PyObject* const* args, Py_ssize_t count) {
  RequestObject* self = self_of(object);
  if (count < 1 || count > 2 || !PyUnicode_Check(args[0])) {
    PyErr_SetString(PyExc_TypeError, "header(name, default=None)");
    return nullptr;
  }
  const Ref headers(get_headers(object, nullptr));
  const Ref lower(PyObject_CallMethod(args[0], "lower", nullptr));
  if (!headers || !lower) return nullptr;
  (void)self;
  PyObject* value = PyDict_GetItemWithError(headers.get(), lower.get());
  if (value == nullptr) {
    if (PyErr_Occurred() != nullptr) return nullptr;
    value = count == 2 ? args[1] : Py_None;
  }
  return Py_NewRef(value);
}

PyObject* background(PyObject* object, PyObject* args, PyObject* kwargs) {
  RequestObject* self = self_of(object);
  if (PyTuple_GET_SIZE(args) < 1 || !PyCallable_Check(PyTuple_GET_ITEM(args, 0))) {
    PyErr_SetString(PyExc_TypeError, "background(fn, *args, **kwargs): fn must be callable");
    return nullptr;
  }
  if (self->background == nullptr) {
    self->background = PyList_New(0);
    if (self->background == nullptr) return nullptr;
  }
  const Ref rest(PyTuple_GetSlice(args, 1, PyTuple_GET_SIZE(args)));
  const Ref job(rest ? PyTuple_Pack(3, PyTuple_GET_ITEM(args, 0), rest.get(), kwargs == nullptr ? Py_None : kwargs) : nullptr);
  if (!job || PyList_Append(self->background, job.get()) != 0) return nullptr;
  Py_RETURN_NONE;
}

// ---- streamed bodies, both ways: the bookkeeping; the waiting is in spikard._runtime

void command(RequestObject* self, Batch& local, std::uint16_t op, std::uint64_t arg) {
  Batch& batch = self->port->batch->writing ? local : *self->port->batch;
  batch.add(op, self->id).arg = arg;
}

bool check_open(RequestObject* self) {
  if (self->port != nullptr && self->port->port != nullptr) return true;
  PyErr_SetString(self->state->error, "the port is closed");
  return false;
}

/// Bytes, None when none are there yet, False behind the last.
PyObject* next_chunk(PyObject* object, PyObject*) {
  RequestObject* self = self_of(object);
  if (!check_open(self)) return nullptr;
  if (self->chunks != nullptr && PyList_GET_SIZE(self->chunks) > 0) {
    const Ref chunk = Ref::borrowed(PyList_GET_ITEM(self->chunks, 0));
    if (PySequence_DelItem(self->chunks, 0) != 0) return nullptr;
    Batch local;
    if (self->owed) command(self, local, SPK_CMD_CREDIT, static_cast<std::uint64_t>(PyBytes_GET_SIZE(chunk.get())));
    if (local.size() != 0) port_submit(self->port, local, false);
    else if (!self->port->polling) port_schedule_flush(self->port);
    return Py_NewRef(chunk.get());
  }
  if (self->body_done) Py_RETURN_FALSE;
  if (self->record != nullptr && self->record->body.len > 0 && (self->record->flags & SPK_F_STREAM) == 0) {
    self->body_done = true;  // a buffered body as a stream of one
    return get_body(object, nullptr);
  }
  if (self->record != nullptr && (self->record->flags & SPK_F_STREAM) == 0) Py_RETURN_FALSE;
  Py_RETURN_NONE;
}

PyObject* start_answer(PyObject* object, PyObject* response) {
  RequestObject* self = self_of(object);
  if (!check_open(self)) return nullptr;
  if (!self->owed || self->head_sent) {
    PyErr_SetString(self->state->error, "this request has been answered");
    return nullptr;
  }
  Batch local;
  Batch& batch = self->port->batch->writing ? local : *self->port->batch;
  if (!add_reply(*self->state, batch, self->id, response, 200, true)) return nullptr;
  self->head_sent = true;
  self->credit = 65536;
  if (local.size() != 0) port_submit(self->port, local, false);
  else if (!self->port->polling) port_schedule_flush(self->port);
  Py_RETURN_NONE;
}

/// Sends bytes or str now. True while more may be sent, False: wait for credit.
PyObject* write_chunk(PyObject* object, PyObject* data) {
  RequestObject* self = self_of(object);
  if (!check_open(self)) return nullptr;
  if (!self->head_sent || !self->owed) {
    PyErr_SetString(self->state->error, "write() belongs between start and end");
    return nullptr;
  }
  Ref bytes;
  if (PyUnicode_Check(data)) bytes.reset(PyUnicode_AsUTF8String(data));
  else if (PyBytes_CheckExact(data)) bytes = Ref::borrowed(data);
  else bytes.reset(PyBytes_FromObject(data));
  if (!bytes) return nullptr;
  const Py_ssize_t length = PyBytes_GET_SIZE(bytes.get());
  if (length != 0) {
    // At once: chunks should arrive as they are made.
    port_flush(self->port);
    if (self->port->port == nullptr) Py_RETURN_TRUE;
    Batch local;
    local.add(SPK_CMD_CHUNK, self->id);
    local.body_of(bytes.get(), PyBytes_AS_STRING(bytes.get()), static_cast<std::size_t>(length));
    port_submit(self->port, local, false);
    self->credit -= length;
  }
  return PyBool_FromLong(self->credit > 0 ? 1 : 0);
}

PyObject* may_write(PyObject* object, void*) { return PyBool_FromLong(self_of(object)->credit > 0 ? 1 : 0); }

/// The end of a started answer.
PyObject* end_answer(PyObject* object, PyObject*) {
  RequestObject* self = self_of(object);
  if (!check_open(self)) return nullptr;
  if (!self->owed) Py_RETURN_NONE;
  Batch local;
  const bool use_local = self->port->batch->writing;
  Batch& batch = use_local ? local : *self->port->batch;
  batch.add(SPK_CMD_END, self->id);
  if (!add_background(*self->state, self->port, batch, self->background)) return nullptr;
  self->owed = false;
  port_forget(self->port, self);
  detach_record(self, 0);
  if (use_local) port_submit(self->port, local, false);
  else if (!self->port->polling) port_schedule_flush(self->port);
  Py_RETURN_NONE;
}

/// Runs a blocking handler: on a worker thread.
PyObject* run_blocking(PyObject* object, PyObject*) {
  RequestObject* self = self_of(object);
  Ref result;
  if (self->arguments == nullptr || self->route == nullptr) {
    PyErr_SetString(PyExc_SystemError, "nothing to run");
    return nullptr;
  }
  {
    const Ref arguments(self->arguments);
    self->arguments = nullptr;
    const Ref variables(self->variables);
    self->variables = nullptr;
    if (self->cancelled) {
      PyErr_SetNone(self->state->cancelled_error);
    } else if (!variables || PyContext_Enter(variables.get()) == 0) {
      PyObject* const* stack = &PyTuple_GET_ITEM(arguments.get(), 0);
      const Py_ssize_t named = self->route->keywords == nullptr ? 0 : PyTuple_GET_SIZE(self->route->keywords);
      result.reset(PyObject_Vectorcall(self->route->handler, stack,
                                       static_cast<std::size_t>(PyTuple_GET_SIZE(arguments.get()) - named),
                                       self->route->keywords));
      if (variables) {
        PyObject* type = nullptr;
        PyObject* value = nullptr;
        PyObject* trace = nullptr;
        PyErr_Fetch(&type, &value, &trace);
        PyContext_Exit(variables.get());
        PyErr_Restore(type, value, trace);
      }
    }
  }
  PortObject* port = self->port;
  if (port != nullptr && !port_is_ours(port))
    return result ? Py_NewRef(Py_None) : nullptr;  // the handler has forked: what it raised ends the child
  if (port == nullptr || port->port == nullptr || !self->owed) {
    PyErr_Clear();
    Py_RETURN_NONE;
  }
  const bool loop_needed =
      result && (PyCoro_CheckExact(result.get()) ||
                 PyObject_TypeCheck(result.get(), reinterpret_cast<PyTypeObject*>(self->state->streaming_type)));
  if (loop_needed) {
    const Ref finish_method(PyObject_GetAttr(object, self->state->s_finish));
    const Ref scheduled(finish_method ? PyObject_CallMethodObjArgs(port->loop, self->state->s_call_soon_threadsafe,
                                                                   finish_method.get(), result.get(), nullptr)
                                      : nullptr);
    return Py_XNewRef(scheduled ? Py_None : nullptr);
  }
  Batch batch;
  if (!result && PyErr_ExceptionMatches(self->state->cancelled_error)) {
    PyErr_Clear();
    batch.add(SPK_CMD_ABORT, self->id);
  } else {
    if (!result && PyErr_ExceptionMatches(self->state->problem_type)) {
      PyObject* type = nullptr;
      PyObject* value = nullptr;
      PyObject* trace = nullptr;
      PyErr_Fetch(&type, &value, &trace);
      PyErr_NormalizeException(&type, &value, &trace);
      Py_XDECREF(type);
      Py_XDECREF(trace);
      result.reset(value);
    }
    if (!result || !add_reply(*self->state, batch, self->id, result.get(), self->route->status, false))
      add_failure(*self->state, port, batch, self->id);
  }
  add_jobs(*self->state, port, batch, result.get(), self);
  self->owed = false;
  port_forget(port, self);
  detach_record(self, 0);
  port_submit(port, batch, true);
  Py_RETURN_NONE;
}

PyObject* finish_method(PyObject* object, PyObject* value) {
  RequestObject* self = self_of(object);
  if (self->port != nullptr && self->port->port != nullptr && self->owed) finish(self->port, self, self->route, self->id, value);
  Py_RETURN_NONE;
}

/// The callback of a task: its result or exception is the answer.
PyObject* task_done(PyObject* object, PyObject* task) {
  RequestObject* self = self_of(object);
  const Ref keep = Ref::borrowed(object);
  const Ref result(PyObject_CallMethodNoArgs(task, self->state->s_result));
  Py_CLEAR(self->task);
  if (self->port == nullptr || self->port->port == nullptr || !self->owed) {
    PyErr_Clear();
    Py_RETURN_NONE;
  }
  finish(self->port, self, self->route, self->id, result.get());
  Py_RETURN_NONE;
}

PyObject* stream(PyObject* object, PyObject*) { return PyObject_CallOneArg(self_of(object)->state->body_stream, object); }

PyObject* sleep(PyObject* object, PyObject* seconds) {
  return PyObject_CallFunctionObjArgs(self_of(object)->state->sleep, object, seconds, nullptr);
}

PyGetSetDef getset[] = {
    {"method", get_method, nullptr, "GET, POST, ...", nullptr},
    {"path", get_path, nullptr, "As sent, without the query", nullptr},
    {"query_string", get_query, nullptr, "As sent, without the question mark", nullptr},
    {"peer", get_peer, nullptr, "Address of the client", nullptr},
    {"version", get_version, nullptr, "1.0 or 1.1", nullptr},
    {"headers", get_headers, nullptr, "Names in lower case; lines of the same name joined", nullptr},
    {"body", get_body, nullptr, "The raw bytes", nullptr},
    {"text", get_text, nullptr, "The body as text", nullptr},
    {"json", get_json, nullptr, "The validated body, defaults filled in", nullptr},
    {"params", get_params, nullptr, "The declared parameters by place: path, query, headers, cookies", nullptr},
    {"context", get_context, nullptr, "What hooks have set", nullptr},
    {"auth", get_auth, nullptr, "Who it is, or None", nullptr},
    {"dependencies", get_dependencies, nullptr, "The injected values in order", nullptr},
    {"id", get_id, nullptr, "The core's id of the request", nullptr},
    {"deadline_ms", get_deadline, nullptr, "Time-out of the request, or None", nullptr},
    {"route", get_route, nullptr, "The path template", nullptr},
    {"error", get_error, nullptr, "In on_error hooks: what the handler raised", nullptr},
    {"_port", get_port, nullptr, nullptr, nullptr},
    {"_may_write", may_write, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyMethodDef methods[] = {
    {"header", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(header)), METH_FASTCALL, "header(name, default=None)"},
    {"background", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(background)), METH_VARARGS | METH_KEYWORDS,
     "background(fn, *args, **kwargs): runs after the reply"},
    {"stream", stream, METH_NOARGS, "The body in chunks: async for"},
    {"sleep", sleep, METH_O, "await sleep(seconds): a timer of the application's clock"},
    {"_next_chunk", next_chunk, METH_NOARGS, nullptr},
    {"_start", start_answer, METH_O, nullptr},
    {"_write", write_chunk, METH_O, nullptr},
    {"_end", end_answer, METH_NOARGS, nullptr},
    {"_run", run_blocking, METH_NOARGS, nullptr},
    {"_finish", finish_method, METH_O, nullptr},
    {"_done", task_done, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr}};

PyMemberDef members[] = {{"cancelled", T_BOOL, offsetof(RequestObject, cancelled), READONLY,
                          "The client has gone, the time is over, or the application ends"},
                         {"_cancel_reason", T_LONG, offsetof(RequestObject, cancel_reason), READONLY, nullptr},
                         {"_owed", T_BOOL, offsetof(RequestObject, owed), READONLY, nullptr},
                         {"_waiter", T_OBJECT, offsetof(RequestObject, waiter), 0, nullptr},
                         {"_extra", T_OBJECT, offsetof(RequestObject, extra), 0, nullptr},
                         {"_context", T_OBJECT, offsetof(RequestObject, context), READONLY, nullptr},
                         {"_background", T_OBJECT, offsetof(RequestObject, background), READONLY, nullptr},
                         {"_variables", T_OBJECT, offsetof(RequestObject, variables), READONLY, nullptr},
                         {nullptr, 0, 0, 0, nullptr}};

PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
                       {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
                       {Py_tp_clear, reinterpret_cast<void*>(clear)},
                       {Py_tp_getset, getset},
                       {Py_tp_methods, methods},
                       {Py_tp_members, members},
                       {0, nullptr}};

}  // namespace

PyType_Spec request_spec = {"spikard.Request", sizeof(RequestObject), 0,
                            Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

RequestObject* make_request(State& state, PortObject* port, RouteObject* route, spk_id id, const spk_request* record) {
  PyObject* object = state.request_type->tp_alloc(state.request_type, 0);
  if (object == nullptr) return nullptr;
  RequestObject* self = self_of(object);
  self->state = &state;
  Py_INCREF(port);
  self->port = port;
  Py_XINCREF(route);
  self->route = route;
  self->record = record;
  self->id = id;
  self->owed = true;
  return self;
}

void detach_record(RequestObject* request, Py_ssize_t held) {
  if (request->record == nullptr || request->copy != nullptr) return;
  if (Py_REFCNT(request) > held) {
    request->copy = static_cast<char*>(PyMem_RawMalloc(request->record->size));
    if (request->copy != nullptr) std::memcpy(request->copy, request->record, request->record->size);
  }
  request->record = reinterpret_cast<const spk_request*>(request->copy);
}

PyObject* request_context(RequestObject* self) {
  if (self->context == nullptr) {
    if (!need_record(self)) return nullptr;
    self->context = self->record->context.len == 0 ? PyDict_New() : nodes_of(self, self->record->context);
  }
  return Py_XNewRef(self->context);
}

PyObject* dependency_value(PortObject* port, const spk_request* record, std::uint32_t index) {
  if (index >= record->deps.len) {
    PyErr_SetString(PyExc_SystemError, "a dependency is missing from the record");
    return nullptr;
  }
  std::uint64_t token = 0;
  std::memcpy(&token, reinterpret_cast<const char*>(record) + record->deps.off + index * sizeof token, sizeof token);
  const Ref key(PyLong_FromUnsignedLongLong(token));
  if (!key) return nullptr;
  PyObject* value = PyDict_GetItemWithError(port->tokens, key.get());
  if (value == nullptr && PyErr_Occurred() == nullptr)
    PyErr_Format(PyExc_SystemError, "no dependency has the token %llu", static_cast<unsigned long long>(token));
  return Py_XNewRef(value);
}

}  // namespace spikard::py
