#include <unistd.h>

#include "maker.hpp"
#include "nodes.hpp"
#include "objects.hpp"

namespace spikard::py {
namespace {

constexpr std::uint32_t batch_events = 64;
constexpr auto longest_hold = std::chrono::microseconds(200);  // a slow handler must not hold the replies before it

PortObject* self_of(PyObject* object) { return reinterpret_cast<PortObject*>(object); }

// ---- lifetime

PyObject* create(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"app", "loop", "routes", "tokens", "jobs", "errors", "pool", "tasks", nullptr};
  State* state = state_of_type(type);
  PyObject *app = nullptr, *loop = nullptr, *routes = nullptr, *tokens = nullptr, *jobs = nullptr, *errors = nullptr,
           *pool = nullptr, *tasks = nullptr;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!OO!O!O!OOO!", const_cast<char**>(names), state->app_type, &app, &loop,
                                   &PyList_Type, &routes, &PyDict_Type, &tokens, &PyDict_Type, &jobs, &errors, &pool,
                                   &PyDict_Type, &tasks)) {
    return nullptr;
  }
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(routes); ++i) {
    if (!Py_IS_TYPE(PyList_GET_ITEM(routes, i), state->route_type)) {
      PyErr_SetString(PyExc_TypeError, "routes must be a list of Route");
      return nullptr;
    }
  }
  PyObject* object = type->tp_alloc(type, 0);
  if (object == nullptr) return nullptr;
  PortObject* self = self_of(object);
  self->state = state;
  self->app = reinterpret_cast<AppObject*>(Py_NewRef(app));
  self->pid = static_cast<long>(getpid());
  self->loop = Py_NewRef(loop);
  self->routes = PyList_GetSlice(routes, 0, PyList_GET_SIZE(routes));
  self->tokens = Py_NewRef(tokens);
  self->jobs = Py_NewRef(jobs);
  self->errors = Py_NewRef(errors);
  self->pool = Py_NewRef(pool);
  self->tasks = Py_NewRef(tasks);
  self->pending = new std::unordered_map<spk_id, RequestObject*>();
  self->batch = new Batch();
  self->scratch = new NodeScratch();
  self->held = new std::vector<spk_event>();
  if (self->routes == nullptr) {
    Py_DECREF(object);
    return nullptr;
  }
  int rc = -SPK_E_STATE;
  if (self->app->app != nullptr) {
    Py_BEGIN_ALLOW_THREADS rc = spk_port_open(self->app->app, &self->port);
    Py_END_ALLOW_THREADS
  }
  if (rc < 0) {
    raise_core_error(*state, rc, "opening a port");
    Py_DECREF(object);
    return nullptr;
  }
  return object;
}

void forget_all(PortObject* self) {
  if (self->pending == nullptr) return;
  std::unordered_map<spk_id, RequestObject*> pending;
  pending.swap(*self->pending);
  for (auto& [id, request] : pending) {
    request->registered = false;
    request->owed = false;
    detach_record(request, 1);
    Py_DECREF(request);
  }
}

PyObject* close(PyObject* object, PyObject*) {
  PortObject* self = self_of(object);
  spk_port* port = self->port;
  self->port = nullptr;
  if (self->batch != nullptr) self->batch->drop();
  forget_all(self);
  if (port != nullptr && self->pid == static_cast<long>(getpid())) {
    Py_BEGIN_ALLOW_THREADS spk_port_close(port);
    Py_END_ALLOW_THREADS
  }
  Py_RETURN_NONE;
}

int traverse(PyObject* object, visitproc visit, void* arg) {
  PortObject* self = self_of(object);
  Py_VISIT(Py_TYPE(object));
  for (PyObject* o : {reinterpret_cast<PyObject*>(self->app), self->loop, self->routes, self->tokens, self->jobs, self->errors,
                      self->pool, self->tasks, self->flush_callback}) {
    Py_VISIT(o);
  }
  if (self->pending != nullptr) {
    for (auto& [id, request] : *self->pending) Py_VISIT(reinterpret_cast<PyObject*>(request));
  }
  return 0;
}

int clear(PyObject* object) {
  PortObject* self = self_of(object);
  Py_XDECREF(close(object, nullptr));
  Py_CLEAR(self->loop);
  Py_CLEAR(self->routes);
  Py_CLEAR(self->tokens);
  Py_CLEAR(self->jobs);
  Py_CLEAR(self->errors);
  Py_CLEAR(self->pool);
  Py_CLEAR(self->tasks);
  Py_CLEAR(self->flush_callback);
  Py_CLEAR(self->app);
  return 0;
}

void dealloc(PyObject* object) {
  PyObject_GC_UnTrack(object);
  clear(object);
  PortObject* self = self_of(object);
  delete self->pending;
  delete self->batch;
  delete self->scratch;
  delete self->held;
  PyTypeObject* type = Py_TYPE(object);
  type->tp_free(object);
  Py_DECREF(type);
}

bool usable(PortObject* self) { return port_usable(self); }

}  // namespace

bool port_usable(PortObject* self) {
  if (self->port != nullptr && self->pid == static_cast<long>(getpid())) return true;
  PyErr_SetString(self->state->error, self->port == nullptr ? "the port is closed"
                                                            : "the port belongs to the process that opened it, not to its fork");
  return false;
}

namespace {

// ---- events

class Stack {
 public:
  Stack() = default;
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  ~Stack() {
    for (std::size_t i = 0; i < count; ++i) Py_XDECREF(slots()[i]);
    if (heap_ != nullptr) PyMem_RawFree(heap_);
  }
  bool make(std::size_t n) {
    if (n > inline_count) {
      heap_ = static_cast<PyObject**>(PyMem_RawCalloc(n + 1, sizeof(PyObject*)));
      if (heap_ == nullptr) return PyErr_NoMemory() != nullptr;
    } else {
      for (std::size_t i = 0; i <= n; ++i) inline_[i] = nullptr;
    }
    count = n;
    return true;
  }
  /// One free slot before it (PY_VECTORCALL_ARGUMENTS_OFFSET).
  PyObject** slots() { return (heap_ != nullptr ? heap_ : inline_) + 1; }
  std::size_t count = 0;

 private:
  static constexpr std::size_t inline_count = 16;
  PyObject* inline_[inline_count + 1];
  PyObject** heap_ = nullptr;
};

bool set_slot(PyObject*& slot, PyObject* value, PyObject* convert) {
  if (value == nullptr) return false;
  if (convert != nullptr && value != Py_None) {
    PyObject* converted = PyObject_CallOneArg(convert, value);
    Py_DECREF(value);
    value = converted;
  }
  slot = value;
  return value != nullptr;
}

/// The arguments of the handler. `request` is made when one of them needs it.
bool collect(PortObject* self, RouteObject* route, const spk_event& event, Stack& stack, RequestObject*& request) {
  State& state = *self->state;
  const auto* record = static_cast<const spk_request*>(event.rec);
  const char* base = static_cast<const char*>(event.rec);
  if (!stack.make(route->argument_count)) return false;
  PyObject** slots = stack.slots();
  const auto* node = reinterpret_cast<const spk_node*>(base + record->params.off);
  const spk_node* const end = node + record->params.len;
  for (std::uint32_t i = 0; i < route->param_count && node < end; ++i) {
    const std::int32_t slot = route->param_slots[i];
    if (slot < 0) {
      node = skip_node(node);
    } else if (!set_slot(slots[slot], decode_nodes(state, node, base), route->arguments[slot].convert)) {
      return false;
    }
  }
  for (std::uint32_t i = 0; i < route->argument_count; ++i) {
    const Argument& argument = route->arguments[i];
    PyObject* value = nullptr;
    switch (argument.source) {
      case Source::param:
        if (slots[i] == nullptr) slots[i] = Py_NewRef(Py_None);
        continue;
      case Source::json:
        if (record->json.len == 0) {
          value = Py_NewRef(Py_None);
        } else {
          const auto* at = reinterpret_cast<const spk_node*>(base + record->json.off);
          if (argument.convert != nullptr && Py_TYPE(argument.convert) == state.reader_type && at->type != SPK_NULL) {
            slots[i] = read_nodes(state, argument.convert, at, base);
            if (slots[i] == nullptr) return false;
            continue;
          }
          value = decode_nodes(state, at, base);
        }
        break;
      case Source::text: value = PyUnicode_DecodeUTF8(base + record->body.off, record->body.len, "replace"); break;
      case Source::bytes: value = PyBytes_FromStringAndSize(base + record->body.off, record->body.len); break;
      case Source::dependency: value = dependency_value(self, record, argument.index); break;
      case Source::request:
      case Source::context:
        if (request == nullptr) request = make_request(state, self, route, event.id, record);
        if (request == nullptr) return false;
        value = argument.source == Source::request ? Py_NewRef(reinterpret_cast<PyObject*>(request)) : request_context(request);
        break;
    }
    if (!set_slot(slots[i], value, argument.convert)) return false;
  }
  return true;
}

void to_pool(PortObject* self, RouteObject* route, const spk_event& event, Stack& stack, RequestObject* request) {
  const Ref made(request == nullptr
                     ? reinterpret_cast<PyObject*>(request = make_request(*self->state, self, route, event.id,
                                                                          static_cast<const spk_request*>(event.rec)))
                     : Py_NewRef(reinterpret_cast<PyObject*>(request)));
  if (made) {
    request->arguments = PyTuple_New(static_cast<Py_ssize_t>(stack.count));
    request->variables = PyContext_CopyCurrent();
    if (request->arguments != nullptr && request->variables != nullptr) {
      for (std::size_t i = 0; i < stack.count; ++i) {
        PyTuple_SET_ITEM(request->arguments, static_cast<Py_ssize_t>(i), stack.slots()[i]);
        stack.slots()[i] = nullptr;
      }
      port_register(self, request);
      const Ref put(PyObject_CallOneArg(self->pool, made.get()));
      if (put) return;
    }
    finish(self, request, route, event.id, nullptr);
    return;
  }
  finish(self, nullptr, route, event.id, nullptr);
}

void on_request(PortObject* self, const spk_event& event) {
  State& state = *self->state;
  if (event.route >= static_cast<std::size_t>(PyList_GET_SIZE(self->routes))) {
    self->batch->add(SPK_CMD_FAIL, event.id);
    return;
  }
  auto* route = reinterpret_cast<RouteObject*>(PyList_GET_ITEM(self->routes, event.route));
  RequestObject* request = nullptr;
  Ref result;
  {
    Stack stack;
    if (set_handling(state, event.id) && collect(self, route, event, stack, request)) {
      if (route->mode == Mode::blocking) {
        const Ref keep(reinterpret_cast<PyObject*>(request));
        to_pool(self, route, event, stack, request);
        return;
      }
      const std::size_t named = route->keywords == nullptr ? 0 : static_cast<std::size_t>(PyTuple_GET_SIZE(route->keywords));
      const std::size_t flags = (stack.count - named) | PY_VECTORCALL_ARGUMENTS_OFFSET;
      if (route->mode == Mode::coroutine) {
        result.reset(PyObject_Vectorcall(route->handler, stack.slots(), flags, route->keywords));
      } else {
        const Ref variables(PyContext_CopyCurrent());
        if (variables && PyContext_Enter(variables.get()) == 0) {
          result.reset(PyObject_Vectorcall(route->handler, stack.slots(), flags, route->keywords));
          PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
          if (!result) PyErr_Fetch(&type, &value, &trace);
          PyContext_Exit(variables.get());
          if (!result) PyErr_Restore(type, value, trace);
        }
      }
    }
  }
  const Ref keep(reinterpret_cast<PyObject*>(request));
  if (result && PyCoro_CheckExact(result.get())) {
    port_start(self, request, route, event.id, result.release(), static_cast<const spk_request*>(event.rec));
    return;
  }
  if (request == nullptr && result && PyObject_TypeCheck(result.get(), reinterpret_cast<PyTypeObject*>(state.streaming_type))) {
    request = make_request(state, self, route, event.id, static_cast<const spk_request*>(event.rec));
    const Ref made(reinterpret_cast<PyObject*>(request));
    finish(self, request, route, event.id, made ? result.get() : nullptr);
    return;
  }
  finish(self, request, route, event.id, result.get());
}

RequestObject* find(PortObject* self, spk_id id) {
  const auto it = self->pending->find(id);
  return it == self->pending->end() ? nullptr : it->second;
}

void wake_waiter(RequestObject* request) {
  if (request->waiter == nullptr || request->waiter == Py_None) return;
  const Ref waiter(request->waiter);
  request->waiter = nullptr;
  const Ref done(PyObject_CallMethodNoArgs(waiter.get(), request->state->s_done));
  if (!done) return PyErr_WriteUnraisable(waiter.get());
  if (done.get() == Py_True) return;
  const Ref set(PyObject_CallMethod(waiter.get(), "set_result", "O", Py_None));
  if (!set) PyErr_WriteUnraisable(waiter.get());
}

void to_python(PortObject* self, const spk_event& event);

void on_chunk(PortObject* self, const spk_event& event) {
  RequestObject* request = find(self, event.id);
  const auto* record = static_cast<const spk_record*>(event.rec);
  if (request == nullptr && event.user != 0) return to_python(self, event);  // of an operation
  if (request == nullptr || record == nullptr) return;
  if (request->chunks == nullptr) request->chunks = PyList_New(0);
  if (record->body.len > 0 && request->chunks != nullptr) {
    const Ref bytes(PyBytes_FromStringAndSize(static_cast<const char*>(event.rec) + record->body.off, record->body.len));
    if (!bytes || PyList_Append(request->chunks, bytes.get()) != 0) PyErr_WriteUnraisable(reinterpret_cast<PyObject*>(self));
  }
  if ((event.flags & SPK_F_LAST) != 0) request->body_done = true;
  wake_waiter(request);
}

/// The reason is the argument of the task's CancelledError.
void cancel_task(PortObject* self, PyObject* task, std::uint64_t reason) {
  const Ref keep = Ref::borrowed(task);
  const char* name = reason == SPK_CANCEL_DEADLINE      ? "deadline"
                     : reason == SPK_CANCEL_SHUTDOWN    ? "shutdown"
                     : reason == SPK_CANCEL_CLIENT_GONE ? "client_gone"
                                                        : "requested";
  const Ref message(PyUnicode_FromString(name));
  const Ref cancelled(message ? PyObject_CallMethodOneArg(task, self->state->s_cancel, message.get()) : nullptr);
  if (!cancelled) PyErr_WriteUnraisable(task);
}

void on_cancel(PortObject* self, const spk_event& event) {
  if (RequestObject* request = find(self, event.id)) {
    const Ref keep = Ref::borrowed(reinterpret_cast<PyObject*>(request));
    request->cancelled = true;
    request->cancel_reason = static_cast<long>(event.arg);
    if (request->task != nullptr) cancel_task(self, request->task, event.arg);
  }
  if (PyDict_GET_SIZE(self->tasks) != 0) {  // a hook or a factory at work for it
    const Ref id(PyLong_FromUnsignedLongLong(event.id));
    PyObject* task = id ? PyDict_GetItemWithError(self->tasks, id.get()) : nullptr;
    if (task != nullptr) cancel_task(self, task, event.arg);
    else if (PyErr_Occurred() != nullptr) PyErr_WriteUnraisable(self->tasks);
  }
}

/// A list of (name, value).
PyObject* pairs_of(const char* base, const spk_view& view) {
  Ref list(PyList_New(view.len));
  const auto* pair = reinterpret_cast<const spk_pair*>(base + view.off);
  for (std::uint32_t i = 0; list && i < view.len; ++i, ++pair) {
    PyObject* name = decode_text(base + pair->name.off, pair->name.len);
    PyObject* text = decode_text(base + pair->value.off, pair->value.len);
    PyObject* item = name != nullptr && text != nullptr ? PyTuple_Pack(2, name, text) : nullptr;
    Py_XDECREF(name);
    Py_XDECREF(text);
    if (item == nullptr) return nullptr;
    PyList_SET_ITEM(list.get(), i, item);
  }
  return list.release();
}

/// Everything else is rare enough for Python: dispatch(port, kind, route, id, arg, user, request, value).
void to_python(PortObject* self, const spk_event& event) {
  State& state = *self->state;
  Ref request;
  Ref value = Ref::borrowed(Py_None);
  const char* base = static_cast<const char*>(event.rec);
  if (event.kind == SPK_EV_HOOK) {
    const auto* record = static_cast<const spk_request*>(event.rec);
    RouteObject* route = nullptr;
    if (record->route < static_cast<std::size_t>(PyList_GET_SIZE(self->routes)))
      route = reinterpret_cast<RouteObject*>(PyList_GET_ITEM(self->routes, record->route));
    request.reset(reinterpret_cast<PyObject*>(make_request(state, self, route, event.id, record)));
    if (event.user != 0) {
      const auto* answer = reinterpret_cast<const spk_record*>(static_cast<std::uintptr_t>(event.user));
      const char* answer_base = reinterpret_cast<const char*>(answer);
      const Ref headers(pairs_of(answer_base, answer->meta));
      if (headers) value.reset(Py_BuildValue("(IO)", answer->status, headers.get()));
    }
  } else if (event.rec != nullptr) {
    const auto* record = static_cast<const spk_record*>(event.rec);
    Ref nodes = Ref::borrowed(Py_None);
    if (record->nodes.len > 0) {
      const auto* node = reinterpret_cast<const spk_node*>(base + record->nodes.off);
      nodes.reset(decode_nodes(state, node, base));
    }
    const Ref meta(record->meta.len > 0 ? pairs_of(base, record->meta) : PyList_New(0));
    value.reset(nodes && meta ? Py_BuildValue("(IOy#s#IO)", record->status, nodes.get(), base + record->body.off,
                                              static_cast<Py_ssize_t>(record->body.len), base + record->key.off,
                                              static_cast<Py_ssize_t>(record->key.len), record->attempt, meta.get())
                              : nullptr);
  }
  if (event.kind == SPK_EV_DONE && event.rec != nullptr) self->batch->add(SPK_CMD_RELEASE, event.id);
  const bool owed = event.kind == SPK_EV_HOOK || event.kind == SPK_EV_FACTORY || event.kind == SPK_EV_DISPOSE ||
                    event.kind == SPK_EV_TASK || event.kind == SPK_EV_MESSAGE || event.kind == SPK_EV_CLOUDEVENT;
  Ref done;
  if (value && PyErr_Occurred() == nullptr && set_handling(state, owed ? event.id : 0)) {
    done.reset(PyObject_CallFunction(
        state.dispatch, "OIIKKKOO", reinterpret_cast<PyObject*>(self), static_cast<unsigned>(event.kind),
        static_cast<unsigned>(event.route), static_cast<unsigned long long>(event.id), static_cast<unsigned long long>(event.arg),
        static_cast<unsigned long long>(event.user), request ? request.get() : Py_None, value.get()));
  }
  if (!done) {
    // Whatever went wrong: what is owed is given.
    if (owed) add_failure(state, self, *self->batch, event.id);
    else PyErr_WriteUnraisable(reinterpret_cast<PyObject*>(self));
  }
}

void on_event(PortObject* self, const spk_event& event) {
  switch (event.kind) {
    case SPK_EV_REQUEST: on_request(self, event); break;
    case SPK_EV_CHUNK: on_chunk(self, event); break;
    case SPK_EV_CANCEL: on_cancel(self, event); break;
    case SPK_EV_CREDIT:
      if (RequestObject* request = find(self, event.id)) {
        request->credit += static_cast<std::int64_t>(event.arg);
        if (request->credit > 0) wake_waiter(request);
      } else if (event.user != 0) {
        to_python(self, event);
      }
      break;
    default: to_python(self, event); break;
  }
}

/// Work waits until the application's own start is over; answers to what that start asks for do not.
bool waits_for_start(const PortObject* self, const spk_event& event) {
  if (!self->holding || event.kind == SPK_EV_DONE || event.kind == SPK_EV_STATE) return false;
  return !((event.kind == SPK_EV_CHUNK || event.kind == SPK_EV_CREDIT) && event.user != 0);
}

/// hold(): from here on work is kept back. release_held(): it is begun, in its order.
PyObject* hold(PyObject* object, PyObject*) {
  self_of(object)->holding = true;
  Py_RETURN_NONE;
}

PyObject* release_held(PyObject* object, PyObject*) {
  PortObject* self = self_of(object);
  const Ref keep = Ref::borrowed(object);
  self->holding = false;
  std::vector<spk_event> held;
  held.swap(*self->held);
  self->polling = true;
  for (const spk_event& event : held) {
    if (self->port == nullptr) break;
    on_event(self, event);
  }
  self->polling = false;
  port_flush(self);
  Py_RETURN_NONE;
}

PyObject* on_readable(PyObject* object, PyObject*) {
  PortObject* self = self_of(object);
  if (self->port == nullptr || self->polling) Py_RETURN_NONE;
  if (!port_is_ours(self))
    return PyObject_CallMethod(self->loop, "stop", nullptr);  // a fork's copy of the loop has nothing to do here
  const Ref keep = Ref::borrowed(object);
  spk_event events[batch_events];
  port_flush(self);  // what tasks have answered since the last turn
  if (self->port == nullptr) Py_RETURN_NONE;
  const int n = spk_poll(self->port, events, batch_events, 0);
  if (n < 0) return raise_core_error(*self->state, n, "polling"), nullptr;
  self->polling = true;
  for (int i = 0; i < n && self->port != nullptr; ++i) {
    const std::size_t before = self->batch->size();
    if (before == 0) self->first_pending = {};
    if (waits_for_start(self, events[i])) {
      self->held->push_back(events[i]);
      continue;
    }
    on_event(self, events[i]);
    if (self->batch->size() != 0) {
      const auto now = std::chrono::steady_clock::now();
      if (before == 0) self->first_pending = now;
      else if (now - self->first_pending > longest_hold || self->batch->full()) port_flush(self);
    }
  }
  self->polling = false;
  port_flush(self);
  Py_RETURN_NONE;
}

// ---- commands for spikard._runtime

/// Adds a command through `fill(batch)`, now or with the batch.
template <class Fill>
PyObject* command(PortObject* self, Fill fill) {
  if (!usable(self)) return nullptr;
  if (self->batch->writing) {
    Batch local;
    if (!fill(local)) return nullptr;
    port_submit(self, local, false);
  } else {
    if (!fill(*self->batch)) return nullptr;
    port_schedule_flush(self);
  }
  Py_RETURN_NONE;
}

/// result(id, value, arg=0): RESULT; value None is no body.
PyObject* result(PyObject* object, PyObject* args) {
  PortObject* self = self_of(object);
  unsigned long long id = 0;
  unsigned long long arg = 0;
  PyObject* value = nullptr;
  if (!PyArg_ParseTuple(args, "KO|K", &id, &value, &arg)) return nullptr;
  return command(self, [&](Batch& batch) {
    std::size_t at = 0;
    if (value != Py_None) {
      if (!batch.arena().align(8)) return false;
      at = batch.arena().size();
      if (!encode_nodes(*self->state, value, batch.arena())) {
        batch.arena().truncate(at);
        return false;
      }
    }
    batch.add(SPK_CMD_RESULT, id).arg = arg;
    if (value != Py_None) batch.body_in_arena(at, batch.arena().size() - at);
    return true;
  });
}

/// fail(id, exception, fatal=False)
PyObject* fail(PyObject* object, PyObject* args) {
  PortObject* self = self_of(object);
  unsigned long long id = 0;
  PyObject* error = nullptr;
  int fatal = 0;
  if (!PyArg_ParseTuple(args, "KO|p", &id, &error, &fatal)) return nullptr;
  return command(self, [&](Batch& batch) {
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error)), error);
    add_failure(*self->state, self, batch, id);
    if (fatal != 0) batch.last().flags |= SPK_F_FATAL;
    return true;
  });
}

PyObject* ack(PyObject* object, PyObject* args) {
  unsigned long long id = 0;
  if (!PyArg_ParseTuple(args, "K", &id)) return nullptr;
  return command(self_of(object), [&](Batch& batch) {
    batch.add(SPK_CMD_ACK, id);
    return true;
  });
}

/// timer(ms, user, request id)
PyObject* timer(PyObject* object, PyObject* args) {
  unsigned long long ms = 0;
  unsigned long long user = 0;
  unsigned long long id = 0;
  if (!PyArg_ParseTuple(args, "KK|K", &ms, &user, &id)) return nullptr;
  return command(self_of(object), [&](Batch& batch) {
    spk_cmd& cmd = batch.add(SPK_CMD_TIMER, id);
    cmd.arg = ms;
    cmd.user = user;
    return true;
  });
}

PyObject* cancel(PyObject* object, PyObject* args) {
  unsigned long long user = 0;
  if (!PyArg_ParseTuple(args, "K", &user)) return nullptr;
  return command(self_of(object), [&](Batch& batch) {
    batch.add(SPK_CMD_CANCEL, 0).user = user;
    return true;
  });
}

/// call(operation, user, arguments)
PyObject* call(PyObject* object, PyObject* args) {
  PortObject* self = self_of(object);
  unsigned long long operation = 0;
  unsigned long long user = 0;
  PyObject* value = nullptr;
  if (!PyArg_ParseTuple(args, "KKO", &operation, &user, &value)) return nullptr;
  return command(self, [&](Batch& batch) {
    std::size_t at = 0;
    if (value != Py_None) {
      if (!batch.arena().align(8)) return false;
      at = batch.arena().size();
      if (!encode_nodes(*self->state, value, batch.arena())) {
        batch.arena().truncate(at);
        return false;
      }
    }
    spk_cmd& cmd = batch.add(SPK_CMD_CALL, 0);
    cmd.arg = operation;
    cmd.user = user;
    if (value != Py_None) batch.body_in_arena(at, batch.arena().size() - at);
    return true;
  });
}

PyObject* next_user(PyObject* object, PyObject*) { return PyLong_FromUnsignedLongLong(++self_of(object)->next_user); }

PyObject* release(PyObject* object, PyObject* request) {
  PortObject* self = self_of(object);
  if (!Py_IS_TYPE(request, self->state->request_type)) return PyErr_Format(PyExc_TypeError, "a Request");
  auto* r = reinterpret_cast<RequestObject*>(request);
  r->owed = false;
  Py_CLEAR(r->task);
  detach_record(r, 0);
  Py_RETURN_NONE;
}

PyObject* flush(PyObject* object, PyObject*) {
  PortObject* self = self_of(object);
  self->flush_scheduled = false;
  if (!self->polling) port_flush(self);
  Py_RETURN_NONE;
}

PyObject* fd(PyObject* object, PyObject*) {
  PortObject* self = self_of(object);
  return usable(self) ? PyLong_FromLong(spk_fd(self->port)) : nullptr;
}

PyObject* owed(PyObject* object, PyObject*) { return PyLong_FromSize_t(self_of(object)->pending->size()); }

PyMethodDef methods[] = {
    {"on_readable", on_readable, METH_NOARGS, "Takes a batch of events and answers it"},
    {"flush", flush, METH_NOARGS, nullptr},
    {"fd", fd, METH_NOARGS, nullptr},
    {"close", close, METH_NOARGS, nullptr},
    {"result", result, METH_VARARGS, nullptr},
    {"fail", fail, METH_VARARGS, nullptr},
    {"ack", ack, METH_VARARGS, nullptr},
    {"timer", timer, METH_VARARGS, nullptr},
    {"cancel", cancel, METH_VARARGS, nullptr},
    {"call", call, METH_VARARGS, nullptr},
    {"invoke", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(port_invoke)), METH_FASTCALL, nullptr},
    {"command", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(port_command)), METH_FASTCALL, nullptr},
    {"next_user", next_user, METH_NOARGS, nullptr},
    {"hold", hold, METH_NOARGS, nullptr},
    {"release_held", release_held, METH_NOARGS, nullptr},
    {"release", release, METH_O, nullptr},
    {"owed", owed, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr}};

PyType_Slot slots[] = {{Py_tp_new, reinterpret_cast<void*>(create)},
                       {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
                       {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
                       {Py_tp_clear, reinterpret_cast<void*>(clear)},
                       {Py_tp_methods, methods},
                       {0, nullptr}};

}  // namespace

PyType_Spec port_spec = {"spikard._core.Port", sizeof(PortObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, slots};

bool port_is_ours(const PortObject* self) { return self->pid == static_cast<long>(getpid()); }

void port_flush(PortObject* self) {
  if (self->port == nullptr || self->batch->size() == 0 || self->batch->writing) return;
  port_submit(self, *self->batch, false);
}

void port_submit(PortObject* self, Batch& batch, bool release_gil) {
  if (self->port == nullptr || !port_is_ours(self)) return batch.drop();
  const int rc = batch.submit(self->port, release_gil);
  if (rc < 0 && rc != -SPK_E_STALE) {
    PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
    PyErr_Fetch(&type, &value, &trace);
    raise_core_error(*self->state, rc, "submitting");
    PyErr_WriteUnraisable(reinterpret_cast<PyObject*>(self));
    PyErr_Restore(type, value, trace);
  }
}

void port_schedule_flush(PortObject* self) {
  if (self->polling || self->flush_scheduled || self->port == nullptr) return;
  if (self->flush_callback == nullptr) {
    self->flush_callback = PyObject_GetAttr(reinterpret_cast<PyObject*>(self), self->state->s_flush);
    if (self->flush_callback == nullptr) return PyErr_WriteUnraisable(nullptr);
  }
  const Ref handle(PyObject_CallMethodOneArg(self->loop, self->state->s_call_soon, self->flush_callback));
  if (!handle) {
    PyErr_WriteUnraisable(self->loop);
    port_flush(self);
    return;
  }
  self->flush_scheduled = true;
}

void port_register(PortObject* self, RequestObject* request) {
  if (request->registered) return;
  const auto [it, fresh] = self->pending->try_emplace(request->id, request);
  Py_INCREF(request);
  if (!fresh) {
    RequestObject* old = it->second;
    it->second = request;
    old->registered = false;
    Py_DECREF(old);
  }
  request->registered = true;
}

void port_forget(PortObject* self, RequestObject* request) {
  if (!request->registered) return;
  request->registered = false;
  self->pending->erase(request->id);
  Py_DECREF(request);
}

void port_start(PortObject* self, RequestObject* request, RouteObject* route, spk_id id, PyObject* coroutine_,
                const spk_request* record) {
  State& state = *self->state;
  const Ref coroutine(coroutine_);
  // Reachable by CANCEL, CHUNK and CREDIT from its first step on only if a request object is there already.
  if (request != nullptr) port_register(self, request);
  Ref task;
  if (state.task_factory == Py_None) {
    PyObject* const args[] = {nullptr, coroutine.get(), self->loop, Py_True};
    task.reset(PyObject_Vectorcall(state.task_type, args + 1, 1 | PY_VECTORCALL_ARGUMENTS_OFFSET, state.kw_task));
  } else {
    PyObject* const args[] = {nullptr, self->loop, coroutine.get()};
    task.reset(PyObject_Vectorcall(state.task_factory, args + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr));
  }
  if (!task) return finish(self, request, route, id, nullptr);
  const Ref done(PyObject_CallMethodNoArgs(task.get(), state.s_done));
  if (done.get() == Py_True) {
    const Ref result(PyObject_CallMethodNoArgs(task.get(), state.s_result));
    task.reset();
    if (result && request == nullptr && PyObject_TypeCheck(result.get(), reinterpret_cast<PyTypeObject*>(state.streaming_type))) {
      const Ref made(reinterpret_cast<PyObject*>(make_request(state, self, route, id, record)));
      return finish(self, reinterpret_cast<RequestObject*>(made.get()), route, id, made ? result.get() : nullptr);
    }
    return finish(self, request, route, id, result.get());
  }
  const Ref made(request == nullptr ? reinterpret_cast<PyObject*>(make_request(state, self, route, id, record))
                                    : Py_NewRef(reinterpret_cast<PyObject*>(request)));
  if (!made) return finish(self, nullptr, route, id, nullptr);
  auto* r = reinterpret_cast<RequestObject*>(made.get());
  Py_XSETREF(r->task, Py_NewRef(task.get()));
  port_register(self, r);
  const Ref callback(PyObject_GetAttr(made.get(), state.s_done_callback));
  const Ref added(callback ? PyObject_CallMethodOneArg(task.get(), state.s_add_done_callback, callback.get()) : nullptr);
  if (!added) finish(self, r, route, id, nullptr);
}

void finish(PortObject* self, RequestObject* request, RouteObject* route, spk_id id, PyObject* value) {
  State& state = *self->state;
  if (request != nullptr && !request->owed) {
    if (value == nullptr) PyErr_WriteUnraisable(reinterpret_cast<PyObject*>(request));
    return;
  }
  Batch local;
  const bool use_local = self->batch->writing;
  Batch& batch = use_local ? local : *self->batch;
  Ref problem;
  if (value != nullptr && request != nullptr &&
      PyObject_TypeCheck(value, reinterpret_cast<PyTypeObject*>(state.streaming_type))) {
    PyObject* const args[] = {nullptr, reinterpret_cast<PyObject*>(request), value};
    PyObject* coroutine = PyObject_Vectorcall(state.stream_runner, args + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr);
    if (coroutine != nullptr) return port_start(self, request, route, id, coroutine, request->record);
    value = nullptr;
  }
  if (value != nullptr && PyCoro_CheckExact(value))
    return port_start(self, request, route, id, Py_NewRef(value), request == nullptr ? nullptr : request->record);
  if (value == nullptr && PyErr_ExceptionMatches(state.problem_type)) {
    PyObject *type = nullptr, *error = nullptr, *trace = nullptr;
    PyErr_Fetch(&type, &error, &trace);
    PyErr_NormalizeException(&type, &error, &trace);
    Py_XDECREF(type);
    Py_XDECREF(trace);
    problem.reset(error);
    value = error;
  }
  if (value == nullptr && request != nullptr && request->cancelled && PyErr_ExceptionMatches(state.cancelled_error)) {
    PyErr_Clear();
    batch.add(SPK_CMD_ABORT, id);
  } else if (value == nullptr || !add_reply(state, batch, id, value, route == nullptr ? 200 : route->status, false)) {
    add_failure(state, self, batch, id);
  }
  add_jobs(state, self, batch, value, request);
  if (request != nullptr) {
    request->owed = false;
    Py_CLEAR(request->task);
    const bool registered = request->registered;
    port_forget(self, request);
    detach_record(request, registered ? 0 : 1);
  }
  if (use_local) port_submit(self, local, false);
  else port_schedule_flush(self);
}

}  // namespace spikard::py
