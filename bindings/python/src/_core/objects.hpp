#pragma once

#include "state.hpp"

#include <spikard/spikard.h>

#include <chrono>
#include <unordered_map>
#include <vector>

#include "batch.hpp"

namespace spikard::py {

struct AppObject {
  PyObject_HEAD State* state;
  spk_app* app;
  long pid;  ///< of the process that may use and close it
};

/// Where an argument of a handler comes from.
enum class Source : std::uint8_t { param, json, text, bytes, request, dependency, context };

struct Argument {
  Source source;
  std::uint32_t index;  ///< of the parameter or dependency
  PyObject* convert;    ///< callable on what is not None, or null
};

enum class Mode : std::uint8_t { direct, coroutine, blocking };

/// What a route does with a request: fixed at start-up.
struct RouteObject {
  PyObject_HEAD PyObject* handler;
  PyObject* keywords;          ///< tuple of names of the last arguments, or null
  PyObject* parameters;        ///< tuple of (location, name), as declared
  PyObject* template_;         ///< "/users/{id:int}"
  PyObject* default_response;  ///< what finishes a plain value: callable or null
  Argument* arguments;
  std::uint32_t argument_count;
  std::int32_t* param_slots;  ///< argument that takes the nth declared parameter, or -1
  std::uint32_t param_count;
  std::uint16_t status;
  Mode mode;
};

struct PortObject;

/// One request in hand, as handlers and hooks see it. Reads the core's record in place; copies it when somebody still holds the
/// object at the final command.
struct RequestObject {
  PyObject_HEAD State* state;
  PortObject* port;
  RouteObject* route;
  const spk_request* record;
  char* copy;
  spk_id id;
  std::int64_t credit;      ///< bytes the answer may still send
  std::uint64_t uncovered;  ///< delivered body bytes that the consumer has taken and not yet paid for
  bool owed;                ///< a final command is still to be given
  bool registered;          ///< in the port's table
  bool cancelled;
  bool body_done;
  bool head_sent;
  long cancel_reason;
  PyObject* task;
  PyObject* arguments;   ///< tuple, for a worker thread
  PyObject* variables;   ///< contextvars.Context
  PyObject* chunks;      ///< list of bytes that have come and were not taken
  PyObject* waiter;      ///< future of who waits for a chunk or for credit
  PyObject* background;  ///< list of (fn, args, kwargs)
  PyObject* context;
  PyObject* params;
  PyObject* headers;
  PyObject* json;
  PyObject* dependencies;
  PyObject* extra;  ///< anything the Python side wants to keep here
};

struct NodeScratch;

struct PortObject {
  PyObject_HEAD State* state;
  AppObject* app;
  spk_port* port;
  long pid;
  PyObject* loop;
  PyObject* routes;  ///< list of RouteObject
  PyObject* tokens;  ///< dict: token -> value of a dependency
  PyObject* jobs;    ///< dict: user -> background job
  PyObject* errors;  ///< dict: id -> exception, kept while on_error hooks run; None when there are none
  PyObject* pool;    ///< callable(request): runs it on a worker thread
  PyObject* tasks;   ///< dict: id -> task of a hook or factory, which a CANCEL reaches
  PyObject* flush_callback;
  std::unordered_map<spk_id, RequestObject*>* pending;
  Batch* batch;
  NodeScratch* scratch;
  std::vector<spk_event>* held;  ///< work that has come before the application's own start was over
  bool holding;
  std::uint64_t next_user;
  std::chrono::steady_clock::time_point first_pending;
  bool polling;
  bool flush_scheduled;
};

extern PyType_Spec app_spec;
extern PyType_Spec route_spec;
extern PyType_Spec request_spec;
extern PyType_Spec port_spec;
extern PyType_Spec client_spec;

/// Raises spikard's error with the core's text for `code`.
void raise_core_error(State& state, int code, const char* what);

// -- requests
RequestObject* make_request(State& state, PortObject* port, RouteObject* route, spk_id id, const spk_request* record);
/// The final command is on its way: the record goes. `held`: references the caller knows of.
void detach_record(RequestObject* request, Py_ssize_t held);
PyObject* request_context(RequestObject* request);
PyObject* dependency_value(PortObject* port, const spk_request* record, std::uint32_t index);

// -- replies. False with an exception set and nothing added.
bool add_reply(State& state, Batch& batch, spk_id id, PyObject* value, std::uint16_t status, bool as_head);
/// FAIL with the pending exception, which is cleared; ABORT if it cannot be described. Never fails.
void add_failure(State& state, PortObject* port, Batch& batch, spk_id id);
bool add_background(State& state, PortObject* port, Batch& batch, PyObject* jobs);
/// What follows the answer: the jobs of a Response and of the request. Never fails.
void add_jobs(State& state, PortObject* port, Batch& batch, PyObject* value, RequestObject* request);
/// What the handler gave, or its exception (value null), as the final command. Streams start a task. Loop thread.
void finish(PortObject* port, RequestObject* request, RouteObject* route, spk_id id, PyObject* value);

// -- port
/// Opened by this process, not by one that has forked into it.
bool port_is_ours(const PortObject* port);
/// Open, and of this process; else false with an exception.
bool port_usable(PortObject* port);
/// invoke(operation, client, arguments, id[, user, flags]): the result of what completes at once (its error is raised), else the
/// user number that its DONE will have. Any thread.
PyObject* port_invoke(PyObject* port, PyObject* const* args, Py_ssize_t count);
/// command(op, id, arg, flags, body): with the batch. Loop thread.
PyObject* port_command(PyObject* port, PyObject* const* args, Py_ssize_t count);
/// What runs in this context from here on is the handler of `id` (0: of none). False with an exception.
bool set_handling(State& state, std::uint64_t id);
/// Hands a batch over, unless the port is closed or another process's.
void port_submit(PortObject* port, Batch& batch, bool release_gil);
void port_flush(PortObject* port);
void port_schedule_flush(PortObject* port);
void port_register(PortObject* port, RequestObject* request);
void port_forget(PortObject* port, RequestObject* request);
/// A task for a coroutine (stolen), run to its first suspension; its result is finish()ed.
void port_start(PortObject* port, RequestObject* request, RouteObject* route, spk_id id, PyObject* coroutine,
                const spk_request* record);

}  // namespace spikard::py
