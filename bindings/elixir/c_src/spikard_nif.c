/* The port in a thread of its own: its events become messages, commands of any process go to it in batches. It moves data and
 * knows nothing of what it means. */
#include "spikard_nif.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct atoms atoms;

enum { batch_events = 64 };

/* ---- the application */

struct app {
  spk_app* app;
};
static ErlNifResourceType *app_type, *port_type;
static atomic_uint_fast64_t users;

ERL_NIF_TERM text_term(ErlNifEnv* env, const char* data, size_t n) {
  ERL_NIF_TERM out;
  memcpy(enif_make_new_binary(env, n, &out), data, n);
  return out;
}

ERL_NIF_TERM failed(ErlNifEnv* env, int rc) {
  const size_t n = spk_error(NULL, 0);
  char* text = enif_alloc(n + 1);
  spk_error(text, n + 1);
  const ERL_NIF_TERM out = enif_make_tuple3(env, atoms.error, enif_make_int(env, -rc), text_term(env, text, n));
  enif_free(text);
  return out;
}

static void app_gone(ErlNifEnv* env, void* data) {
  (void)env;
  struct app* self = data;
  if (self->app != NULL) spk_app_close(self->app);
  self->app = NULL;
}

static struct app* app_of(ErlNifEnv* env, ERL_NIF_TERM term) {
  void* data = NULL;
  if (!enif_get_resource(env, term, app_type, &data)) return NULL;
  return ((struct app*)data)->app == NULL ? NULL : data;
}

/* sync_env(Pairs): the runtime keeps an environment of its own; the core reads that of the process. */
static ERL_NIF_TERM sync_env(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
  (void)argc;
  extern char** environ;
  ERL_NIF_TERM head, tail = argv[0];
  const ERL_NIF_TERM* pair;
  int n = 0;
  struct buffer names = {0};
  while (enif_get_list_cell(env, tail, &head, &tail)) {
    ErlNifBinary name, value;
    if (!enif_get_tuple(env, head, &n, &pair) || n != 2 || !enif_inspect_binary(env, pair[0], &name) ||
        !enif_inspect_binary(env, pair[1], &value))
      continue;
    char* text = malloc(name.size + value.size + 2);
    memcpy(text, name.data, name.size);
    text[name.size] = '\0';
    memcpy(text + name.size + 1, value.data, value.size);
    text[name.size + 1 + value.size] = '\0';
    const char* before = getenv(text);
    if (before == NULL || strcmp(before, text + name.size + 1) != 0) setenv(text, text + name.size + 1, 1);
    buffer_add(&names, text, name.size + 1);
    free(text);
  }
  /* What is not there any more. */
  for (char** at = environ; at != NULL && *at != NULL;) {
    const char* equals = strchr(*at, '=');
    bool found = equals == NULL;
    for (size_t i = 0; !found && i < names.used; i += strlen(names.data + i) + 1)
      found = strlen(names.data + i) == (size_t)(equals - *at) && memcmp(names.data + i, *at, (size_t)(equals - *at)) == 0;
    if (found) {
      ++at;
      continue;
    }
    char* name = strndup(*at, (size_t)(equals - *at));
    unsetenv(name);
    free(name);
    at = environ;
  }
  buffer_free(&names);
  return atoms.ok;
}

static ERL_NIF_TERM app_open(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
  (void)argc;
  ErlNifBinary manifest;
  if (!enif_inspect_iolist_as_binary(env, argv[0], &manifest)) return enif_make_badarg(env);
  spk_app* app = NULL;
  const bool configured = enif_is_identical(argv[1], atoms.true_);
  const int rc = configured ? spk_app_open_configured(SPK_ABI, (const char*)manifest.data, manifest.size, &app)
                            : spk_app_open(SPK_ABI, (const char*)manifest.data, manifest.size, &app);
  if (rc < 0) return failed(env, rc);
  struct app* self = enif_alloc_resource(app_type, sizeof *self);
  self->app = app;
  const ERL_NIF_TERM term = enif_make_resource(env, self);
  enif_release_resource(self);
  return enif_make_tuple2(env, atoms.ok, term);
}

static ERL_NIF_TERM app_start(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
  (void)argc;
  struct app* self = app_of(env, argv[0]);
  if (self == NULL) return enif_make_badarg(env);
  const int rc = spk_app_start(self->app);
  return rc < 0 ? failed(env, rc) : atoms.ok;
}

static ERL_NIF_TERM app_text(ErlNifEnv* env, ERL_NIF_TERM term, size_t (*ask)(spk_app*, char*, size_t)) {
  struct app* self = app_of(env, term);
  if (self == NULL) return enif_make_badarg(env);
  size_t size = ask(self->app, NULL, 0) + 1;
  for (;;) {
    char* text = enif_alloc(size);
    const size_t n = ask(self->app, text, size);
    if (n < size) {
      const ERL_NIF_TERM out = text_term(env, text, n);
      enif_free(text);
      return out;
    }
    enif_free(text);
    size = n + 1;
  }
}

static ERL_NIF_TERM app_info(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
  (void)argc;
  return app_text(env, argv[0], spk_info);
}

static ERL_NIF_TERM app_report(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
  (void)argc;
  return app_text(env, argv[0], spk_report);
}

/* drain(App, Milliseconds | nil) */
static ERL_NIF_TERM app_drain(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
  (void)argc;
  struct app* self = app_of(env, argv[0]);
  unsigned ms = 0;
  if (self == NULL) return enif_make_badarg(env);
  const int rc = spk_drain(self->app, enif_get_uint(env, argv[1], &ms) ? ms : SPK_DRAIN_DEFAULT);
  return rc < 0 ? failed(env, rc) : atoms.ok;
}

static ERL_NIF_TERM app_close(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
  (void)argc;
  struct app* self = app_of(env, argv[0]);
  if (self != NULL) app_gone(env, self);
  return atoms.ok;
}

/* ---- the port */

/* A command with what it points to behind it. */
struct command {
  struct command* next;
  spk_cmd cmd;
};

/* Who waits for the end of an operation or timer. */
struct waiter {
  uint64_t user;
  ErlNifPid pid;
};

struct port {
  struct app* app;
  spk_port* port;
  ErlNifTid thread;
  ErlNifMutex* lock;
  ErlNifCond* opened;
  ErlNifPid owner;
  bool ready, closing, closed, joined, awake;
  int error;
  char message[512];
  struct command *first, **last;
  /* Open addressing; user 0 is free, places of those that are over are filled up. */
  struct waiter* waiters;
  size_t room, waiting;
  uint64_t begun;
};

static size_t place_of(const struct port* self, uint64_t user) {
  size_t at = (size_t)(user * 0x9E3779B97F4A7C15ULL >> 20) & (self->room - 1);
  while (self->waiters[at].user != 0 && self->waiters[at].user != user) at = (at + 1) & (self->room - 1);
  return at;
}

static void wait_for(struct port* self, uint64_t user, ErlNifPid pid) {
  if ((self->waiting + 1) * 2 > self->room) {
    const size_t before = self->room;
    struct waiter* old = self->waiters;
    self->room = before == 0 ? 64 : before * 2;
    self->waiters = enif_alloc(self->room * sizeof *old);
    memset(self->waiters, 0, self->room * sizeof *old);
    for (size_t i = 0; i < before; ++i)
      if (old[i].user != 0) self->waiters[place_of(self, old[i].user)] = old[i];
    enif_free(old);
  }
  self->waiters[place_of(self, user)] = (struct waiter){user, pid};
  ++self->waiting;
}

/* Whose it is; `over`: it waits no more. */
static bool waiter_of(struct port* self, uint64_t user, ErlNifPid* pid, bool over) {
  bool found = false;
  if (user == 0) return false;
  enif_mutex_lock(self->lock);
  if (self->room != 0) {
    size_t at = place_of(self, user);
    found = self->waiters[at].user == user;
    if (found) *pid = self->waiters[at].pid;
    if (found && over) {
      --self->waiting;
      self->waiters[at].user = 0;
      for (size_t next = (at + 1) & (self->room - 1); self->waiters[next].user != 0; next = (next + 1) & (self->room - 1)) {
        const struct waiter moved = self->waiters[next];
        self->waiters[next].user = 0;
        self->waiters[place_of(self, moved.user)] = moved;
      }
    }
  }
  enif_mutex_unlock(self->lock);
  return found;
}

static struct command* command_of(size_t head, size_t body) {
  const size_t pad = (head + 7) & ~(size_t)7;
  struct command* self = malloc(sizeof *self + pad + body);
  if (self == NULL) return NULL;
  *self = (struct command){0};
  self->cmd.head = (spk_bytes){head == 0 ? NULL : (char*)(self + 1), head};
  self->cmd.body = (spk_bytes){body == 0 ? NULL : (char*)(self + 1) + pad, body};
  return self;
}

/* Queues it; false: the port is closed. `user` and `pid`: who waits for its end. */
static bool push(struct port* self, struct command* command, const ErlNifPid* pid) {
  enif_mutex_lock(self->lock);
  const bool open = !self->closing && !self->closed;
  if (open) {
    if (pid != NULL) {
      wait_for(self, command->cmd.user, *pid);
      ++self->begun;
    }
    *self->last = command;
    self->last = &command->next;
    if (!self->awake) {
      self->awake = true;
      spk_wake(self->port);
    }
  }
  enif_mutex_unlock(self->lock);
  if (!open) free(command);
  return open;
}

static ERL_NIF_TERM record_term(ErlNifEnv* env, const void* record) {
  if (record == NULL) return atoms.nil;
  uint32_t size;
  memcpy(&size, record, sizeof size);
  return text_term(env, record, size);
}

static ERL_NIF_TERM body_term(ErlNifEnv* env, const spk_record* record) {
  return record == NULL ? text_term(env, "", 0) : text_term(env, (const char*)record + record->body.off, record->body.len);
}

/* A message to who waits for this operation; false: it is not one of those. */
static bool to_waiter(struct port* self, ErlNifEnv* env, const spk_event* event) {
  ErlNifPid pid;
  ERL_NIF_TERM message;
  const ERL_NIF_TERM user = enif_make_uint64(env, event->user), id = enif_make_uint64(env, event->id);
  if (event->kind != SPK_EV_DONE && event->kind != SPK_EV_CHUNK && event->kind != SPK_EV_CREDIT) return false;
  if (!waiter_of(self, event->user, &pid, event->kind == SPK_EV_DONE)) return false;
  if (event->kind == SPK_EV_DONE) message = enif_make_tuple3(env, atoms.done, user, record_term(env, event->rec));
  else if (event->kind == SPK_EV_CHUNK) message = enif_make_tuple4(env, atoms.chunk, user, id, body_term(env, event->rec));
  else message = enif_make_tuple4(env, atoms.credit, user, id, enif_make_uint64(env, event->arg));
  enif_send(NULL, &pid, env, message);
  enif_clear_env(env);
  return true;
}

static void deliver(struct port* self, const spk_event* events, int n) {
  ErlNifEnv *batch = enif_alloc_env(), *single = enif_alloc_env();
  ERL_NIF_TERM items[batch_events];
  spk_cmd releases[batch_events];
  unsigned count = 0;
  uint32_t released = 0;
  for (int i = 0; i < n; ++i) {
    const spk_event* e = events + i;
    if (e->kind == SPK_EV_DONE && e->rec != NULL) releases[released++] = (spk_cmd){.op = SPK_CMD_RELEASE, .id = e->id};
    if (to_waiter(self, single, e)) continue;
    const ERL_NIF_TERM answer =
        e->kind == SPK_EV_HOOK && e->user != 0 ? record_term(batch, (const void*)(uintptr_t)e->user) : atoms.nil;
    items[count++] =
        enif_make_tuple(batch, 8, enif_make_uint(batch, e->kind), enif_make_uint(batch, e->flags),
                        enif_make_uint(batch, e->route), enif_make_uint64(batch, e->id), enif_make_uint64(batch, e->user),
                        enif_make_uint64(batch, e->arg), record_term(batch, e->rec), answer);
  }
  if (count > 0)
    enif_send(NULL, &self->owner, batch, enif_make_tuple2(batch, atoms.events, enif_make_list_from_array(batch, items, count)));
  if (released > 0) spk_submit(self->port, releases, released);
  enif_free_env(single);
  enif_free_env(batch);
}

static void submit_all(struct port* self, struct command* first) {
  spk_cmd ready[256];
  while (first != NULL) {
    struct command* at = first;
    uint32_t n = 0;
    for (; at != NULL && n < sizeof ready / sizeof *ready; at = at->next) ready[n++] = at->cmd;
    spk_submit(self->port, ready, n);
    while (first != at) {
      struct command* next = first->next;
      free(first);
      first = next;
    }
  }
}

static void* run_port(void* data) {
  struct port* self = data;
  spk_event events[batch_events];
  const int rc = spk_port_open(self->app->app, &self->port);
  enif_mutex_lock(self->lock);
  self->ready = true;
  self->error = rc;
  if (rc < 0) {
    spk_error(self->message, sizeof self->message);
    self->closed = true;
  }
  enif_cond_broadcast(self->opened);
  enif_mutex_unlock(self->lock);
  while (rc >= 0) {
    enif_mutex_lock(self->lock);
    struct command* first = self->first;
    self->first = NULL;
    self->last = &self->first;
    self->awake = false;
    const bool closing = self->closing;
    enif_mutex_unlock(self->lock);
    submit_all(self, first);
    if (closing) break;
    const int n = spk_poll(self->port, events, batch_events, -1);
    if (n > 0) {
      deliver(self, events, n);
    } else if (n < 0) {
      break;
    }
  }
  if (rc >= 0) {
    enif_mutex_lock(self->lock);
    self->closed = true;
    enif_mutex_unlock(self->lock);
    spk_port_close(self->port);
    self->port = NULL;
    ErlNifEnv* env = enif_alloc_env();
    for (size_t i = 0; i < self->room; ++i) {
      if (self->waiters[i].user == 0) continue;
      enif_send(NULL, &self->waiters[i].pid, env,
                enif_make_tuple3(env, atoms.done, enif_make_uint64(env, self->waiters[i].user), atoms.closed));
      enif_clear_env(env);
    }
    enif_free_env(env);
  }
  return NULL;
}

static void end_port(struct port* self) {
  enif_mutex_lock(self->lock);
  const bool join = !self->joined;
  self->joined = true;
  self->closing = true;
  if (!self->closed && self->port != NULL) spk_wake(self->port);
  enif_mutex_unlock(self->lock);
  if (join) enif_thread_join(self->thread, NULL);
}

static void port_gone(ErlNifEnv* env, void* data) {
  (void)env;
  struct port* self = data;
  end_port(self);
  for (struct command* at = self->first; at != NULL;) {
    struct command* next = at->next;
    free(at);
    at = next;
  }
  enif_free(self->waiters);
  enif_cond_destroy(self->opened);
  enif_mutex_destroy(self->lock);
  enif_release_resource(self->app);
}

static struct port* port_of(ErlNifEnv* env, ERL_NIF_TERM term) {
  void* data = NULL;
  return enif_get_resource(env, term, port_type, &data) ? data : NULL;
}

/* port_open(App, Pid): the port in a thread of its own; events go to Pid. */
static ERL_NIF_TERM port_open(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
  (void)argc;
  struct app* app = app_of(env, argv[0]);
  ErlNifPid owner;
  if (app == NULL || !enif_get_local_pid(env, argv[1], &owner)) return enif_make_badarg(env);
  struct port* self = enif_alloc_resource(port_type, sizeof *self);
  memset(self, 0, sizeof *self);
  self->app = app;
  enif_keep_resource(app);
  self->owner = owner;
  self->last = &self->first;
  self->lock = enif_mutex_create("spikard port");
  self->opened = enif_cond_create("spikard port");
  const ERL_NIF_TERM term = enif_make_resource(env, self);
  if (enif_thread_create("spikard port", &self->thread, run_port, self, NULL) != 0) {
    self->joined = true;
    enif_release_resource(self);
    return enif_make_tuple3(env, atoms.error, enif_make_int(env, SPK_E_MEMORY), text_term(env, "no thread", 9));
  }
  enif_mutex_lock(self->lock);
  while (!self->ready) enif_cond_wait(self->opened, self->lock);
  const int rc = self->error;
  enif_mutex_unlock(self->lock);
  const ERL_NIF_TERM out =
      rc < 0 ? enif_make_tuple3(env, atoms.error, enif_make_int(env, -rc), text_term(env, self->message, strlen(self->message)))
             : enif_make_tuple2(env, atoms.ok, term);
  enif_release_resource(self);
  return out;
}

static ERL_NIF_TERM port_close(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
  (void)argc;
  struct port* self = port_of(env, argv[0]);
  if (self == NULL) return enif_make_badarg(env);
  end_port(self);
  return atoms.ok;
}

static ERL_NIF_TERM next_user(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
  (void)argc;
  (void)argv;
  return enif_make_uint64(env, atomic_fetch_add(&users, 1) + 1);
}

/* waiting(Port): {how many were begun, those that wait}: for tests on a virtual clock. */
static ERL_NIF_TERM waiting(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
  (void)argc;
  struct port* self = port_of(env, argv[0]);
  if (self == NULL) return enif_make_badarg(env);
  enif_mutex_lock(self->lock);
  ERL_NIF_TERM list = enif_make_list(env, 0);
  for (size_t i = 0; i < self->room; ++i)
    if (self->waiters[i].user != 0)
      list = enif_make_list_cell(
          env, enif_make_tuple2(env, enif_make_uint64(env, self->waiters[i].user), enif_make_pid(env, &self->waiters[i].pid)),
          list);
  const ERL_NIF_TERM out = enif_make_tuple2(env, enif_make_uint64(env, self->begun), list);
  enif_mutex_unlock(self->lock);
  return out;
}

/* ---- commands */

ERL_NIF_TERM refused(ErlNifEnv* env, enum encoded why) {
  return enif_make_tuple2(env, atoms.error,
                          why == encoded_prepare  ? atoms.prepare
                          : why == encoded_memory ? atoms.memory
                                                  : atoms.bad);
}

/* [{Name, Value}] as pairs and their text; -1: they are no pairs of text. */
static int pairs(ErlNifEnv* env, ERL_NIF_TERM list, struct buffer* out) {
  unsigned n = 0;
  if (!enif_get_list_length(env, list, &n)) return -1;
  struct buffer text = {0};
  ERL_NIF_TERM head, tail = list;
  while (enif_get_list_cell(env, tail, &head, &tail)) {
    const ERL_NIF_TERM* parts;
    int size = 0;
    ErlNifBinary bin[2];
    if (!enif_get_tuple(env, head, &size, &parts) || size != 2 || !enif_inspect_iolist_as_binary(env, parts[0], &bin[0]) ||
        !enif_inspect_iolist_as_binary(env, parts[1], &bin[1])) {
      buffer_free(&text);
      return -1;
    }
    spk_pair pair;
    spk_view* views[2] = {&pair.name, &pair.value};
    for (int i = 0; i < 2; ++i) {
      *views[i] = (spk_view){(uint32_t)(n * sizeof pair + text.used), (uint32_t)bin[i].size};
      buffer_add(&text, bin[i].data, bin[i].size);
    }
    buffer_add(out, &pair, sizeof pair);
  }
  buffer_add(out, text.data, text.used);
  buffer_free(&text);
  return (int)n;
}

/* submit(Port, Op, Id, Flags, Status, Format, User, Arg, Client, Head, Body, Pid): Head a list of pairs, a traceparent or nil;
   Body nil, {nodes, Term} or iodata; Pid gets the end of what begins with it, nil for nobody. */
static ERL_NIF_TERM submit(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
  (void)argc;
  struct port* self = port_of(env, argv[0]);
  ErlNifUInt64 number[8];
  ErlNifPid pid;
  if (self == NULL) return enif_make_badarg(env);
  for (int i = 0; i < 8; ++i)
    if (!enif_get_uint64(env, argv[1 + i], &number[i])) return enif_make_badarg(env);
  const bool waits = enif_get_local_pid(env, argv[11], &pid);
  struct buffer head = {0}, body = {0};
  int count = 0;
  ErlNifBinary bin;
  if (enif_is_list(env, argv[9])) {
    count = pairs(env, argv[9], &head);
  } else if (enif_inspect_binary(env, argv[9], &bin)) {
    buffer_add(&head, bin.data, bin.size);
  }
  const ERL_NIF_TERM* parts;
  int size = 0;
  enum encoded state = count < 0 ? encoded_bad : encoded_ok;
  if (state == encoded_ok && enif_get_tuple(env, argv[10], &size, &parts) && size == 2 &&
      enif_is_identical(parts[0], atoms.nodes)) {
    state = encode(env, parts[1], &body);
    bin.data = (unsigned char*)body.data;
    bin.size = body.used;
  } else if (enif_is_identical(argv[10], atoms.nil)) {
    bin.size = 0;
  } else if (!enif_inspect_iolist_as_binary(env, argv[10], &bin)) {
    state = encoded_bad;
  }
  struct command* command = state == encoded_ok ? command_of(head.used, bin.size) : NULL;
  if (state == encoded_ok && command == NULL) state = encoded_memory;
  ERL_NIF_TERM out = atoms.ok;
  if (command != NULL) {
    if (head.used > 0) memcpy((void*)(uintptr_t)command->cmd.head.ptr, head.data, head.used);
    if (bin.size > 0) memcpy((void*)(uintptr_t)command->cmd.body.ptr, bin.data, bin.size);
    command->cmd.op = (uint16_t)number[0];
    command->cmd.id = number[1];
    command->cmd.flags = (uint16_t)number[2];
    command->cmd.status = (uint16_t)number[3];
    command->cmd.format = (uint16_t)number[4];
    command->cmd.user = number[5];
    command->cmd.arg = number[6];
    command->cmd.client = (uint32_t)number[7];
    command->cmd.nhead = (uint32_t)count;
    if (!push(self, command, waits ? &pid : NULL)) out = enif_make_tuple2(env, atoms.error, atoms.closed);
    enif_consume_timeslice(env, (int)(1 + (head.used + bin.size) / 16384 < 100 ? 1 + (head.used + bin.size) / 16384 : 100));
  } else {
    out = refused(env, state);
  }
  buffer_free(&head);
  buffer_free(&body);
  return out;
}

static ERL_NIF_TERM abi(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
  (void)argc;
  (void)argv;
  return enif_make_uint(env, spk_abi());
}

static int load(ErlNifEnv* env, void** priv, ERL_NIF_TERM info) {
  (void)priv;
  (void)info;
  const struct {
    ERL_NIF_TERM* where;
    const char* name;
  } all[] = {{&atoms.nil, "nil"},
             {&atoms.true_, "true"},
             {&atoms.false_, "false"},
             {&atoms.ok, "ok"},
             {&atoms.error, "error"},
             {&atoms.struct_, "__struct__"},
             {&atoms.bytes, "bytes"},
             {&atoms.number, "number"},
             {&atoms.nodes, "nodes"},
             {&atoms.prepare, "prepare"},
             {&atoms.bad, "bad"},
             {&atoms.memory, "memory"},
             {&atoms.closed, "closed"},
             {&atoms.events, "spikard_events"},
             {&atoms.done, "spikard_done"},
             {&atoms.chunk, "spikard_chunk"},
             {&atoms.credit, "spikard_credit"},
             {&atoms.signal, "spikard_signal"}};
  for (size_t i = 0; i < sizeof all / sizeof *all; ++i) *all[i].where = enif_make_atom(env, all[i].name);
  const ErlNifResourceFlags flags = ERL_NIF_RT_CREATE | ERL_NIF_RT_TAKEOVER;
  app_type = enif_open_resource_type(env, NULL, "spikard_app", app_gone, flags, NULL);
  port_type = enif_open_resource_type(env, NULL, "spikard_port", port_gone, flags, NULL);
  return app_type == NULL || port_type == NULL || !signals_ready() ? 1 : 0;
}

static ErlNifFunc functions[] = {
    {"abi", 0, abi, 0},
    {"sync_env", 1, sync_env, 0},
    {"app_open", 2, app_open, ERL_NIF_DIRTY_JOB_IO_BOUND},
    {"app_start", 1, app_start, ERL_NIF_DIRTY_JOB_IO_BOUND},
    {"app_info", 1, app_info, 0},
    {"app_report", 1, app_report, 0},
    {"app_drain", 2, app_drain, ERL_NIF_DIRTY_JOB_IO_BOUND},
    {"app_close", 1, app_close, ERL_NIF_DIRTY_JOB_IO_BOUND},
    {"port_open", 2, port_open, ERL_NIF_DIRTY_JOB_IO_BOUND},
    {"port_close", 1, port_close, ERL_NIF_DIRTY_JOB_IO_BOUND},
    {"next_user", 0, next_user, 0},
    {"waiting", 1, waiting, 0},
    {"submit", 12, submit, 0},
    {"nodes", 4, nif_nodes, 0},
    {"pairs", 3, nif_read_pairs, 0},
    {"json_read", 2, nif_json_read, 0},
    {"json_write", 1, nif_json_write, 0},
    {"signals", 1, nif_signals, ERL_NIF_DIRTY_JOB_IO_BOUND},
};

ERL_NIF_INIT(Elixir.Spikard.Native, functions, load, NULL, NULL, NULL)
