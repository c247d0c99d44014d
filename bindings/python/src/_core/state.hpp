#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstddef>
#include <cstdint>

namespace spikard::py {

/// Interned key strings by their bytes: a direct-mapped cache, so that the keys of a body cost a compare and not a new str.
struct KeyCache {
  static constexpr std::size_t slots = 1024;
  static constexpr std::size_t max_length = 48;
  PyObject* entries[slots];
};

/// Everything the extension keeps for one interpreter. No globals: reached from the module or from a type of the module.
struct State {
  PyTypeObject* app_type;
  PyTypeObject* port_type;
  PyTypeObject* request_type;
  PyTypeObject* route_type;
  PyTypeObject* maker_type;
  PyTypeObject* reader_type;
  PyTypeObject* client_type;

  // Given by spikard._runtime through `configure`.
  PyObject* error;         ///< exception class
  PyObject* config_error;  ///< exception class
  PyObject* problem_type;  ///< raised or returned: answered as it stands
  PyObject* response_type;
  PyObject* streaming_type;
  PyObject* classify;  ///< type -> (kind, data), how the JSON writer treats it
  PyObject* describe;  ///< exception -> (type, message, trace)
  PyObject*
      task_factory;     ///< (loop, coroutine) -> Task that has run to its first suspension; None: asyncio.Task(eager_start=True)
  PyObject* task_type;  ///< asyncio.Task
  PyObject* stream_runner;    ///< (request, StreamingResponse) -> coroutine
  PyObject* dispatch;         ///< (port, kind, route, id, arg, request | None, nodes | None): everything that is not a request
  PyObject* cancelled_error;  ///< asyncio.CancelledError
  PyObject* failure;          ///< (status, message, detail, retry class) -> exception
  PyObject* to_plain;         ///< what nodes do not know -> what they do
  PyObject* handling;         ///< ContextVar: the id of the request, message or task in hand
  PyObject* current;          ///< ContextVar: the application that runs here
  PyObject* served_type;      ///< what the core answers by itself
  PyObject* span;             ///< ContextVar: the traceparent of the span of the application's own around this, or None
  PyObject* body_stream;      ///< (request) -> async iterator over its body
  PyObject* sleep;            ///< (request, seconds) -> awaitable

  PyObject* encoders;  ///< dict: type -> (kind, data)
  PyObject* kw_task;   ///< ("loop", "eager_start")
  PyObject* s_content;
  PyObject* s_status;
  PyObject* s_header_list;
  PyObject* s_media_type;
  PyObject* s_background;
  PyObject* s_done;
  PyObject* s_result;
  PyObject* s_cancel;
  PyObject* s_add_done_callback;
  PyObject* s_call_soon;
  PyObject* s_call_soon_threadsafe;
  PyObject* s_to_dict;
  PyObject* s_finish;
  PyObject* s_flush;
  PyObject* s_done_callback;
  PyObject* s_resolve;
  PyObject* s_wait;
  PyObject* s_answer;
  PyObject* empty_tuple;

  KeyCache keys;
};

inline State* state_of(PyObject* module) { return static_cast<State*>(PyModule_GetState(module)); }
inline State* state_of_type(PyTypeObject* type) { return static_cast<State*>(PyType_GetModuleState(type)); }

/// Owns one reference.
class Ref {
 public:
  Ref() noexcept = default;
  explicit Ref(PyObject* object) noexcept : object_(object) {}
  static Ref borrowed(PyObject* object) noexcept {
    Py_XINCREF(object);
    return Ref(object);
  }
  Ref(const Ref&) = delete;
  Ref& operator=(const Ref&) = delete;
  Ref(Ref&& other) noexcept : object_(other.release()) {}
  Ref& operator=(Ref&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~Ref() { Py_XDECREF(object_); }
  [[nodiscard]] PyObject* get() const noexcept { return object_; }
  [[nodiscard]] PyObject* release() noexcept {
    PyObject* o = object_;
    object_ = nullptr;
    return o;
  }
  void reset(PyObject* object = nullptr) noexcept {
    PyObject* old = object_;
    object_ = object;
    Py_XDECREF(old);
  }
  explicit operator bool() const noexcept { return object_ != nullptr; }

 private:
  PyObject* object_ = nullptr;
};

}  // namespace spikard::py
