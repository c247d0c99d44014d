// The addon: the port in libuv's loop. It moves events and commands between the core and memory that JavaScript sees; all else is
// JavaScript (src/).
#include <dlfcn.h>
#include <node_api.h>
#include <unistd.h>
#include <uv.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include <spikard/spikard.h>

namespace {

constexpr std::uint32_t batch_events = 64;
// What JavaScript gets of an event, as 32-bit words; src/port.ts reads the same.
enum Word : std::uint32_t {
  w_kind,
  w_flags,
  w_route,
  w_id_lo,
  w_id_hi,
  w_where,
  w_offset,
  w_size,
  w_user_lo,
  w_user_hi,
  w_arg_lo,
  w_arg_hi,
  words
};
// Where its record lies.
enum Where : std::uint32_t { nowhere, in_region, in_spill, in_block };
// Words that both sides write (`state`).
enum State : std::uint32_t { s_commands, s_externals, state_words };
// `ptr` of a body whose high word is this: its low word is a place in `externals`, else an offset in the arena.
constexpr std::uint64_t external_bit = 1ULL << 32U;

void throw_core(napi_env env, int rc, const char* what) {
  std::string text(spk_error(nullptr, 0) + 1, '\0');
  text.resize(spk_error(text.data(), text.size()));
  if (text.empty()) text = std::string(what) + " failed (" + std::to_string(-rc) + ")";
  napi_value message, error, code;
  if (napi_create_string_utf8(env, text.data(), text.size(), &message) != napi_ok ||
      napi_create_error(env, nullptr, message, &error) != napi_ok)
    return;
  if (napi_create_int32(env, -rc, &code) == napi_ok) napi_set_named_property(env, error, "spk", code);
  napi_throw(env, error);
}

napi_value undefined(napi_env env) {
  napi_value value = nullptr;
  napi_get_undefined(env, &value);
  return value;
}

// ---- the application

struct App {
  spk_app* app = nullptr;
  std::atomic<std::uint32_t> users{1};  // the handles of JavaScript, the ports, and the table below
  void release() {
    if (--users != 0) return;
    spk_app_close(app);
    delete this;
  }
};

/// Applications that other threads of the process may open ports of, by number: a handle belongs to one thread.
struct Shared {
  std::mutex mutex;
  std::unordered_map<std::uint32_t, App*> apps;
  std::uint32_t next = 0;
};

Shared& shared() {
  static Shared table;
  return table;
}

struct Args {
  Args(napi_env e, napi_callback_info info) : env(e) { napi_get_cb_info(env, info, &count, values, nullptr, nullptr); }
  napi_env env;
  std::size_t count = 8;
  napi_value values[8] = {};

  template <class T>
  T* handle(std::size_t i) const {
    void* data = nullptr;
    if (i < count && napi_get_value_external(env, values[i], &data) == napi_ok && data != nullptr) return static_cast<T*>(data);
    napi_throw_type_error(env, nullptr, "a handle of the addon was expected");
    return nullptr;
  }
  std::uint32_t number(std::size_t i) const {
    std::uint32_t n = 0;
    if (i < count) napi_get_value_uint32(env, values[i], &n);
    return n;
  }
};

/// The addon is bound to its own libraries first (src/native.ts), and so to libc's `environ`, where process.env sets that of the
/// program.
void share_environment() {
  void* program = dlopen(nullptr, RTLD_NOW);
  if (program == nullptr) return;
  auto* theirs = static_cast<char***>(dlsym(program, "environ"));
  if (theirs != nullptr && theirs != &environ) environ = *theirs;
  dlclose(program);
}

struct AppHandle {
  App* app;
};

napi_value handle_of(napi_env env, App* app);

napi_value app_open(napi_env env, napi_callback_info info) {
  const Args args(env, info);
  std::size_t length = 0;
  bool configured = false;
  if (args.count < 2 || napi_get_value_string_utf8(env, args.values[0], nullptr, 0, &length) != napi_ok) {
    napi_throw_type_error(env, nullptr, "open(manifest, configured)");
    return nullptr;
  }
  std::string manifest(length + 1, '\0');
  napi_get_value_string_utf8(env, args.values[0], manifest.data(), manifest.size(), &length);
  napi_get_value_bool(env, args.values[1], &configured);
  share_environment();
  spk_app* app = nullptr;
  const int rc = configured ? spk_app_open_configured(SPK_ABI, manifest.data(), length, &app)
                            : spk_app_open(SPK_ABI, manifest.data(), length, &app);
  if (rc < 0) {
    throw_core(env, rc, "opening the application");
    return nullptr;
  }
  auto* made = new App;
  made->app = app;
  return handle_of(env, made);
}

napi_value handle_of(napi_env env, App* app) {
  auto* handle = new AppHandle{app};
  napi_value result = nullptr;
  napi_create_external(
      env, handle,
      [](napi_env, void* data, void*) {
        auto* h = static_cast<AppHandle*>(data);
        if (h->app != nullptr) h->app->release();
        delete h;
      },
      nullptr, &result);
  return result;
}

/// share(app): its number for `adopt`, until `unshare`.
napi_value app_share(napi_env env, napi_callback_info info) {
  auto* handle = Args(env, info).handle<AppHandle>(0);
  napi_value result = nullptr;
  if (handle == nullptr || handle->app == nullptr) return undefined(env);
  const std::lock_guard lock(shared().mutex);
  ++handle->app->users;
  shared().apps.emplace(++shared().next, handle->app);
  napi_create_uint32(env, shared().next, &result);
  return result;
}

napi_value app_unshare(napi_env env, napi_callback_info info) {
  const std::uint32_t number = Args(env, info).number(0);
  App* app = nullptr;
  {
    const std::lock_guard lock(shared().mutex);
    const auto at = shared().apps.find(number);
    if (at == shared().apps.end()) return undefined(env);
    app = at->second;
    shared().apps.erase(at);
  }
  app->release();
  return undefined(env);
}

napi_value app_adopt(napi_env env, napi_callback_info info) {
  const std::uint32_t number = Args(env, info).number(0);
  const std::lock_guard lock(shared().mutex);
  const auto at = shared().apps.find(number);
  if (at == shared().apps.end()) {
    napi_throw_error(env, nullptr, "the application is over");
    return nullptr;
  }
  ++at->second->users;
  return handle_of(env, at->second);
}

spk_app* app_of(const Args& args, std::size_t i = 0) {
  auto* handle = args.handle<AppHandle>(i);
  if (handle == nullptr) return nullptr;
  if (handle->app == nullptr) {
    napi_throw_error(args.env, nullptr, "the application is closed");
    return nullptr;
  }
  return handle->app->app;
}

napi_value app_start(napi_env env, napi_callback_info info) {
  spk_app* app = app_of(Args(env, info));
  if (app == nullptr) return nullptr;
  share_environment();
  if (const int rc = spk_app_start(app); rc < 0) throw_core(env, rc, "starting the application");
  return undefined(env);
}

template <std::size_t (*Ask)(spk_app*, char*, std::size_t)>
napi_value app_text(napi_env env, napi_callback_info info) {
  spk_app* app = app_of(Args(env, info));
  if (app == nullptr) return nullptr;
  std::string text(Ask(app, nullptr, 0) + 1, '\0');
  const std::size_t n = Ask(app, text.data(), text.size());
  napi_value result = nullptr;
  napi_create_string_utf8(env, text.data(), n < text.size() ? n : text.size() - 1, &result);
  return result;
}

/// drain(app, milliseconds or nothing)
napi_value app_drain(napi_env env, napi_callback_info info) {
  const Args args(env, info);
  spk_app* app = app_of(args);
  if (app == nullptr) return nullptr;
  std::uint32_t deadline = SPK_DRAIN_DEFAULT;
  napi_valuetype type = napi_undefined;
  if (args.count > 1) napi_typeof(env, args.values[1], &type);
  if (type == napi_number) deadline = args.number(1);
  if (const int rc = spk_drain(app, deadline); rc < 0) throw_core(env, rc, "draining");
  return undefined(env);
}

napi_value app_close(napi_env env, napi_callback_info info) {
  auto* handle = Args(env, info).handle<AppHandle>(0);
  if (handle != nullptr && handle->app != nullptr) {
    handle->app->release();
    handle->app = nullptr;
  }
  return undefined(env);
}

// ---- the port

/// Memory of an ArrayBuffer that JavaScript keeps alive as long as this does.
struct Memory {
  napi_ref ref = nullptr;
  char* data = nullptr;
  std::size_t size = 0;

  bool set(napi_env env, napi_value buffer) {
    void* at = nullptr;
    std::size_t length = 0;
    if (napi_get_arraybuffer_info(env, buffer, &at, &length) != napi_ok) return false;
    clear(env);
    data = static_cast<char*>(at);
    size = length;
    return napi_create_reference(env, buffer, 1, &ref) == napi_ok;
  }
  void clear(napi_env env) {
    if (ref != nullptr) napi_delete_reference(env, ref);
    ref = nullptr;
    data = nullptr;
    size = 0;
  }
};

struct Port {
  napi_env env = nullptr;
  App* app = nullptr;
  spk_port* port = nullptr;
  const char* region = nullptr;
  std::uint64_t region_size = 0;
  uv_poll_t poll{};
  uv_prepare_t prepare{};
  int handles = 0;
  bool polling = false;
  bool finalized = false;
  bool closed = false;
  Memory events, state, commands, arena, spill, call_command, call_arena, call_out;
  napi_ref callback = nullptr, externals = nullptr, blocks = nullptr, region_ref = nullptr;
  napi_async_context context = nullptr;
  napi_async_cleanup_hook_handle hook = nullptr;
  std::vector<spk_cmd> ready;

  std::uint32_t* words_of(const Memory& memory) const { return reinterpret_cast<std::uint32_t*>(memory.data); }
};

void maybe_delete(Port* self) {
  if (self->handles != 0 || !self->closed) return;
  if (self->hook != nullptr) {
    napi_remove_async_cleanup_hook(self->hook);
    self->hook = nullptr;
  }
  if (self->finalized) delete self;
}

napi_value value_of(napi_env env, napi_ref ref) {
  napi_value value = nullptr;
  if (ref != nullptr) napi_get_reference_value(env, ref, &value);
  return value;
}

void close_port(Port* self) {
  if (self->closed) return;
  self->closed = true;
  napi_env env = self->env;
  napi_handle_scope scope = nullptr;
  napi_open_handle_scope(env, &scope);
  uv_poll_stop(&self->poll);
  uv_prepare_stop(&self->prepare);
  const auto gone = [](uv_handle_t* handle) {
    auto* port = static_cast<Port*>(handle->data);
    --port->handles;
    maybe_delete(port);
  };
  uv_close(reinterpret_cast<uv_handle_t*>(&self->poll), gone);
  uv_close(reinterpret_cast<uv_handle_t*>(&self->prepare), gone);
  // Views of the region become empty before it goes.
  if (napi_value region = value_of(env, self->region_ref); region != nullptr) napi_detach_arraybuffer(env, region);
  spk_port_close(self->port);
  self->port = nullptr;
  self->app->release();
  self->app = nullptr;
  for (napi_ref* ref : {&self->callback, &self->externals, &self->blocks, &self->region_ref}) {
    if (*ref != nullptr) napi_delete_reference(env, *ref);
    *ref = nullptr;
  }
  for (Memory* memory : {&self->events, &self->state, &self->commands, &self->arena, &self->spill, &self->call_command,
                         &self->call_arena, &self->call_out})
    memory->clear(env);
  if (self->context != nullptr) napi_async_destroy(env, self->context);
  self->context = nullptr;
  napi_close_handle_scope(env, scope);
}

/// The bytes that a command of JavaScript means, or false.
bool resolve(const Memory& arena, spk_bytes& bytes) {
  if (bytes.len == 0) {
    bytes.ptr = nullptr;
    return true;
  }
  const auto at = reinterpret_cast<std::uint64_t>(bytes.ptr);
  if (at > arena.size || bytes.len > arena.size - at) return false;
  bytes.ptr = arena.data + at;
  return true;
}

/// Hands over the commands that JavaScript has written since the last time.
int submit(Port* self) {
  if (self->port == nullptr) return 0;
  std::uint32_t* state = self->words_of(self->state);
  const std::uint32_t n = state[s_commands];
  if (n == 0) return 0;
  const std::uint32_t externals = state[s_externals];
  napi_env env = self->env;
  napi_handle_scope scope = nullptr;
  napi_value list = nullptr;
  if (externals != 0) {
    napi_open_handle_scope(env, &scope);
    list = value_of(env, self->externals);
  }
  self->ready.clear();
  const auto* commands = reinterpret_cast<const spk_cmd*>(self->commands.data);
  for (std::uint32_t i = 0; i < n && (i + 1) * sizeof(spk_cmd) <= self->commands.size; ++i) {
    spk_cmd command = commands[i];
    bool ok = resolve(self->arena, command.head);
    const auto at = reinterpret_cast<std::uint64_t>(command.body.ptr);
    if (command.body.len != 0 && (at & external_bit) != 0) {
      napi_value item = nullptr;
      void* data = nullptr;
      std::size_t length = 0;
      ok = ok && list != nullptr && napi_get_element(env, list, static_cast<std::uint32_t>(at), &item) == napi_ok &&
           napi_get_buffer_info(env, item, &data, &length) == napi_ok && command.body.len <= length;
      command.body.ptr = data;
    } else {
      ok = ok && resolve(self->arena, command.body);
    }
    if (ok) self->ready.push_back(command);
  }
  const int rc = spk_submit(self->port, self->ready.data(), static_cast<std::uint32_t>(self->ready.size()));
  state[s_commands] = 0;
  if (externals != 0) {
    napi_value empty = undefined(env);
    for (std::uint32_t i = 0; i < externals; ++i) napi_set_element(env, list, i, empty);
    state[s_externals] = 0;
    napi_close_handle_scope(env, scope);
  }
  return rc;
}

/// A record where JavaScript can read it: in the region as it lies, else copied, once.
struct Placer {
  Port* self;
  std::size_t spilled = 0;

  void place(const void* record, bool lasts, std::uint32_t* out, std::uint32_t index) {
    out[w_where] = nowhere;
    if (record == nullptr) return;
    const auto* at = static_cast<const char*>(record);
    std::uint32_t size = 0;
    std::memcpy(&size, at, sizeof size);
    out[w_size] = size;
    if (self->region != nullptr && at >= self->region && at < self->region + self->region_size) {
      out[w_where] = in_region;
      out[w_offset] = static_cast<std::uint32_t>(at - self->region);
      return;
    }
    if (!lasts && size <= self->spill.size - spilled) {
      std::memcpy(self->spill.data + spilled, at, size);
      out[w_where] = in_spill;
      out[w_offset] = static_cast<std::uint32_t>(spilled);
      spilled += (size + 7U) & ~std::size_t{7};
      return;
    }
    void* data = nullptr;
    napi_value block = nullptr, list = value_of(self->env, self->blocks);
    if (napi_create_arraybuffer(self->env, (size + 7U) & ~std::size_t{7}, &data, &block) != napi_ok) return;
    std::memcpy(data, at, size);
    napi_set_element(self->env, list, index, block);
    out[w_where] = in_block;
    out[w_offset] = index;
  }
};

void dispatch(Port* self) {
  if (self->polling || self->port == nullptr) return;
  submit(self);
  spk_event events[batch_events];
  const int n = spk_poll(self->port, events, batch_events, 0);
  if (n == 0) return;
  napi_env env = self->env;
  napi_handle_scope scope = nullptr;
  napi_open_handle_scope(env, &scope);
  self->polling = true;
  Placer placer{self};
  std::uint32_t* out = self->words_of(self->events);
  for (int i = 0; i < n; ++i, out += words) {
    const spk_event& event = events[i];
    std::uint64_t user = event.user;
    const auto index = static_cast<std::uint32_t>(i);
    placer.place(event.rec, event.kind == SPK_EV_REQUEST || event.kind == SPK_EV_HOOK, out, index);
    if (event.kind == SPK_EV_HOOK && user != 0) {
      // The answer so far is a record as well: its place instead of its address.
      std::uint32_t place[words];
      placer.place(reinterpret_cast<const void*>(static_cast<std::uintptr_t>(user)), false, place, batch_events + index);
      user = (static_cast<std::uint64_t>(place[w_offset]) << 32U) | place[w_where];
    }
    out[w_kind] = event.kind;
    out[w_flags] = event.flags;
    out[w_route] = event.route;
    std::memcpy(out + w_id_lo, &event.id, sizeof event.id);
    std::memcpy(out + w_user_lo, &user, sizeof user);
    std::memcpy(out + w_arg_lo, &event.arg, sizeof event.arg);
  }
  napi_value callback = value_of(env, self->callback), receiver = nullptr, argument = nullptr, result = nullptr;
  napi_get_global(env, &receiver);
  napi_create_int32(env, n, &argument);
  // Leaving it runs nextTick and microtasks: what handlers answer until then goes out below, at once.
  const napi_status status = napi_make_callback(env, self->context, receiver, callback, 1, &argument, &result);
  if (status == napi_pending_exception) {
    napi_value error = nullptr;
    napi_get_and_clear_last_exception(env, &error);
    napi_fatal_exception(env, error);
  }
  self->polling = false;
  submit(self);
  napi_close_handle_scope(env, scope);
}

/// open(app, callback(n), events, state, commands, arena, externals, blocks): the port, in this thread's loop.
napi_value port_open(napi_env env, napi_callback_info info) {
  const Args args(env, info);
  auto* handle = args.handle<AppHandle>(0);
  if (handle == nullptr) return nullptr;
  if (handle->app == nullptr || args.count < 8) {
    napi_throw_error(env, nullptr, "the application is closed");
    return nullptr;
  }
  spk_port* port = nullptr;
  if (const int rc = spk_port_open(handle->app->app, &port); rc < 0) {
    throw_core(env, rc, "opening a port");
    return nullptr;
  }
  auto* self = new Port;
  self->env = env;
  self->port = port;
  self->app = handle->app;
  ++self->app->users;
  napi_create_reference(env, args.values[1], 1, &self->callback);
  napi_create_reference(env, args.values[6], 1, &self->externals);
  napi_create_reference(env, args.values[7], 1, &self->blocks);
  napi_value name = nullptr;
  napi_create_string_utf8(env, "spikard", NAPI_AUTO_LENGTH, &name);
  napi_async_init(env, nullptr, name, &self->context);
  uv_loop_t* loop = nullptr;
  napi_get_uv_event_loop(env, &loop);
  uv_poll_init(loop, &self->poll, spk_fd(port));
  uv_prepare_init(loop, &self->prepare);
  self->handles = 2;
  self->poll.data = self->prepare.data = self;
  const bool ok = self->events.set(env, args.values[2]) && self->state.set(env, args.values[3]) &&
                  self->commands.set(env, args.values[4]) && self->arena.set(env, args.values[5]) &&
                  self->events.size >= batch_events * words * sizeof(std::uint32_t) &&
                  self->state.size >= state_words * sizeof(std::uint32_t);
  uv_poll_start(&self->poll, UV_READABLE, [](uv_poll_t* poll, int, int) { dispatch(static_cast<Port*>(poll->data)); });
  // Before the loop sleeps: what was answered outside of a batch.
  uv_prepare_start(&self->prepare, [](uv_prepare_t* prepare) { submit(static_cast<Port*>(prepare->data)); });
  uv_unref(reinterpret_cast<uv_handle_t*>(&self->prepare));
  napi_add_async_cleanup_hook(
      env,
      [](napi_async_cleanup_hook_handle, void* data) {
        auto* p = static_cast<Port*>(data);
        close_port(p);
        maybe_delete(p);
      },
      self, &self->hook);
  napi_value result = nullptr;
  napi_create_external(
      env, self,
      [](napi_env, void* data, void*) {
        auto* p = static_cast<Port*>(data);
        p->finalized = true;
        close_port(p);
        maybe_delete(p);
      },
      nullptr, &result);
  if (!ok) {
    napi_throw_type_error(env, nullptr, "the port's memory is too small");
    return nullptr;
  }
  return result;
}

Port* port_of(const Args& args) {
  auto* self = args.handle<Port>(0);
  if (self == nullptr) return nullptr;
  if (self->port != nullptr) return self;
  napi_throw_error(args.env, nullptr, "the port is closed");
  return nullptr;
}

/// region(port): all records of requests, as an ArrayBuffer; undefined where there are none or this runtime allows no such
/// buffer.
napi_value port_region(napi_env env, napi_callback_info info) {
  Port* self = port_of(Args(env, info));
  if (self == nullptr) return nullptr;
  const void* base = nullptr;
  std::uint64_t size = 0;
  napi_value result = nullptr;
  if (spk_region(self->port, &base, &size) < 0 || base == nullptr || size == 0 || size > UINT32_MAX) return undefined(env);
  if (napi_create_external_arraybuffer(
          env, const_cast<void*>(base), size, [](napi_env, void*, void*) {}, nullptr, &result) != napi_ok)
    return undefined(env);
  napi_create_reference(env, result, 1, &self->region_ref);
  self->region = static_cast<const char*>(base);
  self->region_size = size;
  return result;
}

/// memory(port, which, buffer): replaces one of the port's buffers. 0 commands, 1 arena, 2 spill, 3 command of a call, 4 arena of
/// a call, 5 result of a call.
napi_value port_memory(napi_env env, napi_callback_info info) {
  const Args args(env, info);
  Port* self = port_of(args);
  if (self == nullptr) return nullptr;
  Memory* const all[] = {&self->commands, &self->arena, &self->spill, &self->call_command, &self->call_arena, &self->call_out};
  const std::uint32_t which = args.number(1);
  if (which >= 6 || args.count < 3 || !all[which]->set(env, args.values[2]))
    napi_throw_type_error(env, nullptr, "memory(port, which, buffer)");
  return undefined(env);
}

napi_value port_flush(napi_env env, napi_callback_info info) {
  Port* self = port_of(Args(env, info));
  if (self == nullptr) return nullptr;
  submit(self);
  return undefined(env);
}

/// call(port): the operation in the call's memory. 0: its DONE follows. 1: its record is in the result's memory. Else its record.
napi_value port_call(napi_env env, napi_callback_info info) {
  Port* self = port_of(Args(env, info));
  if (self == nullptr) return nullptr;
  spk_cmd command{};
  if (self->call_command.size < sizeof command) return undefined(env);
  std::memcpy(&command, self->call_command.data, sizeof command);
  napi_value result = nullptr;
  if (!resolve(self->call_arena, command.head) || !resolve(self->call_arena, command.body)) {
    napi_throw_range_error(env, nullptr, "an operation's arguments are outside of its memory");
    return nullptr;
  }
  const spk_record* record = nullptr;
  const int rc =
      (command.flags & SPK_F_STREAM) != 0 ? spk_submit(self->port, &command, 1) : spk_call(self->port, &command, &record);
  if (rc < 0) {
    throw_core(env, rc, "an operation");
    return nullptr;
  }
  if (record == nullptr) {
    napi_create_uint32(env, 0, &result);
  } else if (record->size <= self->call_out.size) {
    std::memcpy(self->call_out.data, record, record->size);
    napi_create_uint32(env, 1, &result);
  } else {
    void* data = nullptr;
    napi_create_arraybuffer(env, (record->size + 7U) & ~std::size_t{7}, &data, &result);
    std::memcpy(data, record, record->size);
  }
  return result;
}

napi_value port_close(napi_env env, napi_callback_info info) {
  auto* self = Args(env, info).handle<Port>(0);
  if (self != nullptr) close_port(self);
  return undefined(env);
}

/// ref(port, keep): whether it keeps the process alive.
napi_value port_ref(napi_env env, napi_callback_info info) {
  const Args args(env, info);
  Port* self = port_of(args);
  if (self == nullptr) return nullptr;
  auto* handle = reinterpret_cast<uv_handle_t*>(&self->poll);
  args.number(1) != 0 ? uv_ref(handle) : uv_unref(handle);
  return undefined(env);
}

napi_value init(napi_env env, napi_value exports) {
  const struct {
    const char* name;
    napi_callback fn;
  } functions[] = {
      {"open", app_open},      {"start", app_start},  {"info", app_text<spk_info>}, {"report", app_text<spk_report>},
      {"drain", app_drain},    {"close", app_close},  {"openPort", port_open},      {"region", port_region},
      {"memory", port_memory}, {"flush", port_flush}, {"share", app_share},         {"unshare", app_unshare},
      {"adopt", app_adopt},    {"call", port_call},   {"closePort", port_close},    {"ref", port_ref},
  };
  for (const auto& [name, fn] : functions) {
    napi_value function = nullptr;
    if (napi_create_function(env, name, NAPI_AUTO_LENGTH, fn, nullptr, &function) == napi_ok)
      napi_set_named_property(env, exports, name, function);
  }
  napi_value abi = nullptr;
  napi_create_uint32(env, spk_abi(), &abi);
  napi_set_named_property(env, exports, "abi", abi);
  return exports;
}

}  // namespace

NAPI_MODULE(spikard, init)
