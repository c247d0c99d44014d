// Values, responses and exceptions of the host as commands.
#include "json_writer.hpp"
#include "nodes.hpp"
#include "objects.hpp"

namespace spikard::py {
namespace {

struct Writing {
  explicit Writing(Batch& b) : batch(b), before(b.writing) { batch.writing = true; }
  ~Writing() { batch.writing = before; }
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;
  Batch& batch;
  bool before;
};

/// The head of an answer: pairs first, then text; views count from the first pair.
class Head {
 public:
  explicit Head(Batch& batch) : batch_(batch) {}

  /// `list`: sequence of (name, value), str each. `media_type`: added when no content-type is there.
  bool write(PyObject* list, PyObject* media_type) {
    const Ref fast(list == Py_None ? PyTuple_New(0) : PySequence_Fast(list, "headers must be a list of (name, value)"));
    if (!fast) return false;
    const Py_ssize_t given = PySequence_Fast_GET_SIZE(fast.get());
    bool typed = media_type == Py_None;
    for (Py_ssize_t i = 0; i < given && !typed; ++i) {
      PyObject* pair = PySequence_Fast_GET_ITEM(fast.get(), i);
      if (PyTuple_Check(pair) && PyTuple_GET_SIZE(pair) == 2) typed = is_content_type(PyTuple_GET_ITEM(pair, 0));
    }
    count_ = static_cast<std::uint32_t>(given + (typed ? 0 : 1));
    if (count_ == 0) return true;
    Buffer& arena = batch_.arena();
    if (!arena.align(8)) return false;
    at_ = arena.size();
    if (arena.reserve(count_ * sizeof(spk_pair)) == nullptr) return false;
    arena.advance(count_ * sizeof(spk_pair));
    std::uint32_t index = 0;
    for (; index < given; ++index) {
      PyObject* pair = PySequence_Fast_GET_ITEM(fast.get(), index);
      if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2) {
        PyErr_SetString(PyExc_TypeError, "headers must be a list of (name, value)");
        return false;
      }
      if (!add(index, PyTuple_GET_ITEM(pair, 0), PyTuple_GET_ITEM(pair, 1))) return false;
    }
    if (!typed) {
      const Ref name(PyUnicode_FromString("content-type"));
      if (!name || !add(index, name.get(), media_type)) return false;
    }
    return true;
  }
  void attach() {
    if (count_ != 0) batch_.head_in_arena(at_, batch_.arena().size() - at_, count_);
  }
  /// For a body written between the head and attach().
  void attach(std::size_t end) {
    if (count_ != 0) batch_.head_in_arena(at_, end - at_, count_);
  }

 private:
  static bool is_content_type(PyObject* name) {
    static constexpr char wanted[] = "content-type";
    Py_ssize_t length = 0;
    const char* text = PyUnicode_Check(name) ? PyUnicode_AsUTF8AndSize(name, &length) : nullptr;
    if (text == nullptr) PyErr_Clear();
    if (text == nullptr || length != 12) return false;
    for (int i = 0; i < 12; ++i) {
      if ((text[i] | 0x20) != wanted[i] && text[i] != wanted[i]) return false;
    }
    return true;
  }
  bool add(std::uint32_t index, PyObject* name, PyObject* value) {
    spk_view views[2];
    PyObject* const texts[2] = {name, value};
    Buffer& arena = batch_.arena();
    for (int i = 0; i < 2; ++i) {
      if (!PyUnicode_Check(texts[i])) {
        PyErr_Format(PyExc_TypeError, "header names and values must be str, not %.100s", Py_TYPE(texts[i])->tp_name);
        return false;
      }
      Py_ssize_t length = 0;
      const char* text = PyUnicode_AsUTF8AndSize(texts[i], &length);
      if (text == nullptr) return false;
      views[i] = {static_cast<std::uint32_t>(arena.size() - at_), static_cast<std::uint32_t>(length)};
      if (!arena.append(text, static_cast<std::size_t>(length))) return false;
    }
    auto* pairs = reinterpret_cast<spk_pair*>(arena.data() + at_);
    pairs[index].name = views[0];
    pairs[index].value = views[1];
    return true;
  }
  Batch& batch_;
  std::size_t at_ = 0;
  std::uint32_t count_ = 0;
};

/// Body and format of the last command, which is `cmd`'s. `value` decides the format. The arena's text was written before the
/// command was added.
struct Body {
  std::uint16_t format = SPK_BODY_RAW;
  std::size_t at = 0;
  std::size_t length = 0;
  PyObject* object = nullptr;
  const char* data = nullptr;

  bool write(State& state, Batch& batch, PyObject* value) {
    if (value == Py_None) return true;
    if (PyBytes_CheckExact(value)) {
      object = value;
      data = PyBytes_AS_STRING(value);
      length = static_cast<std::size_t>(PyBytes_GET_SIZE(value));
      return true;
    }
    if (PyUnicode_CheckExact(value)) {
      Py_ssize_t n = 0;
      data = PyUnicode_AsUTF8AndSize(value, &n);
      if (data == nullptr) return false;
      object = value;
      length = static_cast<std::size_t>(n);
      format = SPK_BODY_TEXT;
      return true;
    }
    if (PyByteArray_Check(value) || PyMemoryView_Check(value)) {
      Py_buffer view;
      if (PyObject_GetBuffer(value, &view, PyBUF_SIMPLE) != 0) return false;
      at = batch.arena().size();
      length = static_cast<std::size_t>(view.len);
      const bool ok = batch.arena().append(view.buf, length);
      PyBuffer_Release(&view);
      return ok;
    }
    format = SPK_BODY_JSON;
    at = batch.arena().size();
    if (!write_json(state, value, batch.arena())) return false;
    length = batch.arena().size() - at;
    return true;
  }
  void attach(Batch& batch, spk_cmd& cmd) const {
    cmd.format = format;
    if (object != nullptr) batch.body_of(object, data, length);
    else if (length != 0) batch.body_in_arena(at, length);
  }
};

bool add_response(State& state, Batch& batch, spk_id id, PyObject* response, bool as_head) {
  const Ref status(PyObject_GetAttr(response, state.s_status));
  const Ref headers(PyObject_GetAttr(response, state.s_header_list));
  const Ref media_type(PyObject_GetAttr(response, state.s_media_type));
  if (!status || !headers || !media_type) return false;
  const long code = PyLong_AsLong(status.get());
  if (code == -1 && PyErr_Occurred() != nullptr) return false;
  if (code < 100 || code > 999) {
    PyErr_Format(PyExc_ValueError, "%ld is no HTTP status", code);
    return false;
  }
  Head head(batch);
  if (!head.write(headers.get(), media_type.get())) return false;
  const std::size_t head_end = batch.arena().size();
  Body body;
  if (!as_head) {
    const Ref content(PyObject_GetAttr(response, state.s_content));
    if (!content || !body.write(state, batch, content.get())) return false;
    spk_cmd& cmd = batch.add(SPK_CMD_REPLY, id);
    cmd.status = static_cast<std::uint16_t>(code);
    body.attach(batch, cmd);
  } else {
    batch.add(SPK_CMD_HEAD, id).status = static_cast<std::uint16_t>(code);
  }
  head.attach(head_end);
  return true;
}

}  // namespace

namespace {

/// `_answer()` of what the core answers by itself: (operation, client, arguments, status).
bool add_served(State& state, Batch& batch, spk_id id, PyObject* value) {
  const Ref answer(PyObject_CallMethodNoArgs(value, state.s_answer));
  unsigned long long operation = 0;
  unsigned client = 0, status = 0;
  PyObject* arguments = nullptr;
  if (!answer || !PyArg_ParseTuple(answer.get(), "KIOI", &operation, &client, &arguments, &status)) return false;
  if (!batch.arena().align(8)) return false;
  const std::size_t at = batch.arena().size();
  if (!encode_nodes(state, arguments, batch.arena())) return false;
  spk_cmd& cmd = batch.add(SPK_CMD_REPLY, id);
  cmd.format = SPK_BODY_OPERATION;
  cmd.arg = operation;
  cmd.client = client;
  cmd.status = static_cast<std::uint16_t>(status);
  batch.body_in_arena(at, batch.arena().size() - at);
  return true;
}

}  // namespace

bool add_reply(State& state, Batch& batch, spk_id id, PyObject* value, std::uint16_t status, bool as_head) {
  const Writing writing(batch);
  const std::size_t start = batch.arena().size();
  bool ok = false;
  if (Py_TYPE(value) == reinterpret_cast<PyTypeObject*>(state.response_type) ||
      PyObject_TypeCheck(value, reinterpret_cast<PyTypeObject*>(state.response_type)) ||
      (as_head && PyObject_TypeCheck(value, reinterpret_cast<PyTypeObject*>(state.streaming_type)))) {
    ok = add_response(state, batch, id, value, as_head);
  } else if (PyObject_TypeCheck(value, reinterpret_cast<PyTypeObject*>(state.served_type))) {
    ok = add_served(state, batch, id, value);
  } else if (PyObject_TypeCheck(value, reinterpret_cast<PyTypeObject*>(state.problem_type))) {
    const Ref response(PyObject_CallMethodNoArgs(value, state.s_to_dict));
    ok = response && add_response(state, batch, id, response.get(), false);
  } else {
    Body body;
    ok = body.write(state, batch, value);
    if (ok) {
      spk_cmd& cmd = batch.add(SPK_CMD_REPLY, id);
      cmd.status = value == Py_None && status == 200 ? 204 : status;
      body.attach(batch, cmd);
    }
  }
  if (!ok) batch.arena().truncate(start);
  return ok;
}

bool add_background(State& state, PortObject* port, Batch& batch, PyObject* jobs) {
  (void)state;
  if (jobs == nullptr || jobs == Py_None) return true;
  const Ref fast(PySequence_Fast(jobs, "background must be a list of (fn, args, kwargs)"));
  if (!fast) return false;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast.get()); ++i) {
    const Ref user(PyLong_FromUnsignedLongLong(++port->next_user));
    if (!user || PyDict_SetItem(port->jobs, user.get(), PySequence_Fast_GET_ITEM(fast.get(), i)) != 0) return false;
    spk_cmd& cmd = batch.add(SPK_CMD_CALL, 0);
    cmd.user = port->next_user;
    cmd.arg = SPK_OP_BACKGROUND_RUN;
  }
  return true;
}

void add_jobs(State& state, PortObject* port, Batch& batch, PyObject* value, RequestObject* request) {
  const Ref jobs(value != nullptr && PyObject_TypeCheck(value, reinterpret_cast<PyTypeObject*>(state.response_type))
                     ? PyObject_GetAttr(value, state.s_background)
                     : nullptr);
  if (PyErr_Occurred() != nullptr || !add_background(state, port, batch, jobs.get())) PyErr_WriteUnraisable(value);
  if (request != nullptr && !add_background(state, port, batch, request->background))
    PyErr_WriteUnraisable(reinterpret_cast<PyObject*>(request));
}

void add_failure(State& state, PortObject* port, Batch& batch, spk_id id) {
  PyObject* type = nullptr;
  PyObject* value = nullptr;
  PyObject* trace = nullptr;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  if (value != nullptr && trace != nullptr) PyException_SetTraceback(value, trace);
  const Ref t(type);
  const Ref error(value);
  const Ref tb(trace);
  if (!error) {
    batch.add(SPK_CMD_ABORT, id);
    return;
  }
  if (port->errors != Py_None) {
    const Ref key(PyLong_FromUnsignedLongLong(id));
    if (!key || PyDict_SetItem(port->errors, key.get(), error.get()) != 0) PyErr_Clear();
  }
  const Writing writing(batch);
  const std::size_t start = batch.arena().size();
  const Ref described(PyObject_CallOneArg(state.describe, error.get()));
  std::size_t at = 0;
  if (!described || !batch.arena().align(8) ||
      (at = batch.arena().size(), !encode_nodes(state, described.get(), batch.arena()))) {
    PyErr_WriteUnraisable(error.get());
    batch.arena().truncate(start);
    batch.add(SPK_CMD_FAIL, id);
    return;
  }
  batch.add(SPK_CMD_FAIL, id);
  batch.body_in_arena(at, batch.arena().size() - at);
}

}  // namespace spikard::py
