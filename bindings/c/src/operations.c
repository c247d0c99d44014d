/* Operations of the toolbox, as calls that wait. */
#include <stdio.h>

#include "internal.h"

static void put_arg(spk_builder* b, const spk_arg* arg) {
  switch (arg->what.type) {
    case SPK_NULL: spk_put_null(b); return;
    case SPK_BOOL: spk_put_bool(b, (int)arg->what.i); return;
    case SPK_INT: spk_put_int(b, arg->what.i); return;
    case SPK_F64: spk_put_f64(b, arg->what.f); return;
    case SPK_STR: {
      const char* text_ = arg->what.ptr;
      if (text_ == NULL) spk_put_null(b);
      else spk_put_text_n(b, text_, arg->what.len == SIZE_MAX ? strlen(text_) : arg->what.len);
      return;
    }
    case SPK_BYTES: spk_put_bytes(b, arg->what.ptr, arg->what.len); return;
    case SPK_ARR:
      spk_put_array(b);
      for (const spk_arg* one = arg->what.list; one->name != NULL; ++one) put_arg(b, one);
      spk_put_end(b);
      return;
    default:
      if (arg->what.list != NULL) spk_put_args(b, arg->what.list);
      else spk_put(b, arg->what.value);
  }
}

void spk_put_args(spk_builder* b, const spk_arg* args) {
  spk_put_object(b);
  for (; args != NULL && args->name != NULL; ++args) {
    if (args->what.type == UINT32_MAX) continue;
    spk_put_key(b, args->name);
    put_arg(b, args);
  }
  spk_put_end(b);
}

static const char* subsystem_of(uint32_t operation) {
  static const struct {
    uint32_t first;
    const char* name;
  } groups[] = {{SPK_OP_TELEMETRY_CONTEXT, "telemetry"},
                {SPK_OP_CLOUDEVENTS_ENCODE, "cloudevents"},
                {SPK_OP_TASKS_ENQUEUE, "tasks"},
                {SPK_OP_MESSAGING_PUBLISH, "messaging"},
                {SPK_OP_DB_QUERY, "db"},
                {SPK_OP_STORAGE_READ, "storage"},
                {SPK_OP_CACHE_GET, "cache"}};
  for (size_t i = 0; i < sizeof groups / sizeof *groups; ++i)
    if (operation >= groups[i].first) return groups[i].name;
  return NULL;
}

long client_number(spk_service* s, uint32_t operation, const char* name) {
  const char* subsystem = subsystem_of(operation);
  if (name == NULL || subsystem == NULL) return 0;
  spk_each it = spk_each_of(spk_member(spk_member(spk_value_of(s->info, s->info->nodes), "clients"), subsystem));
  for (long i = 0; spk_next(&it); ++i)
    if (spk_text_is(spk_str(it.value), name)) return i;
  return -1;
}

void done_no_client(spk_done* done, spk_service* s, uint32_t operation, const char* name) {
  const char* subsystem = subsystem_of(operation);
  text message = {0};
  text_add(&message, "there is no ");
  text_add(&message, subsystem);
  text_add(&message, " client \"");
  text_add(&message, name);
  text_add(&message, "\"; those of the application: ");
  spk_each it = spk_each_of(spk_member(spk_member(spk_value_of(s->info, s->info->nodes), "clients"), subsystem));
  const uint32_t count = it.left;
  for (int first = 1; spk_next(&it); first = 0) {
    if (!first) text_add(&message, ", ");
    text_add_n(&message, spk_str(it.value).ptr, spk_str(it.value).len);
  }
  if (count == 0) text_add(&message, "none");
  done_failed(done, SPK_KIND_INVALID_ARGUMENT, message.failed ? "there is no such client" : message.ptr);
  done->memory = message.ptr;
}

/* Waits for the end, whatever becomes of the work when it is shielded. */
static uint32_t ask(spk_work* work, uint32_t operation, const char* client, spk_builder* args, spk_done* done, int shielded) {
  spk_service* s = work->service;
  const long number = client_number(s, operation, client);
  const spk_bytes body = spk_built(args);
  if (number < 0) {
    done_no_client(done, s, operation, client);
    return done->status;
  }
  if (body.len == 0) {
    done_failed(done, SPK_KIND_INVALID_ARGUMENT, "arguments: expected one object, built to its end");
    return done->status;
  }
  waiter w;
  waiter_begin(&w, work, done);
  const spk_cmd cmd = {.op = SPK_CMD_CALL,
                       .client = (uint32_t)number,
                       .id = work->id,
                       .user = (uint64_t)(uintptr_t)&w,
                       .arg = operation,
                       .head = {work->traceparent, strlen(work->traceparent)},
                       .body = body};
  const spk_record* now = NULL;
  pthread_rwlock_rdlock(&s->port_lock);
  const int gone = s->port == NULL;
  const int result = gone ? -SPK_E_STATE : spk_call(s->port, &cmd, &now);
  pthread_rwlock_unlock(&s->port_lock);
  if (result != 0) {
    spk_done ended;
    if (result > 0) {
      done_from(&ended, now);
    } else if (gone) {
      done_failed(&ended, SPK_KIND_CANCELLED, "the service has stopped");
    } else {
      static _Thread_local char error[512];
      spk_error(error, sizeof error);
      done_failed(&ended, SPK_KIND_INTERNAL, error);
    }
    pthread_mutex_lock(&s->mutex);
    w.ended = 1;
    *done = ended;
    pthread_mutex_unlock(&s->mutex);
  }
  waiter_wait(&w, shielded);
  return done->status;
}

uint32_t spk_ask_built(spk_work* work, uint32_t operation, const char* client, spk_builder* args, spk_done* done) {
  return ask(work, operation, client, args, done, 0);
}

static uint32_t ask_args(spk_work* work, uint32_t operation, const char* client, const spk_arg* args, spk_done* done,
                         int shielded) {
  spk_builder b = {0};
  spk_put_args(&b, args);
  const uint32_t status = ask(work, operation, client, &b, done, shielded);
  spk_builder_free(&b);
  return status;
}

uint32_t spk_ask(spk_work* work, uint32_t operation, const char* client, const spk_arg* args, spk_done* done) {
  return ask_args(work, operation, client, args, done, 0);
}

static uint32_t time_of(spk_work* work, uint64_t ms, int pause) {
  spk_service* s = work->service;
  waiter w;
  waiter_begin(&w, work, NULL);
  w.pause = pause;
  const spk_cmd cmd = {.op = SPK_CMD_TIMER, .id = work->id, .user = (uint64_t)(uintptr_t)&w, .arg = ms};
  if (submit(s, &cmd) < 0) {
    pthread_mutex_lock(&s->mutex);
    w.ended = 1;
    w.status = SPK_KIND_CANCELLED;
    pthread_mutex_unlock(&s->mutex);
  }
  waiter_wait(&w, 0);
  return w.status;
}

int spk_sleep(spk_work* work, uint64_t ms) { return time_of(work, ms, 0) == 0 ? 0 : -1; }

int spk_pause(spk_work* work, uint64_t ms) {
  const uint32_t status = time_of(work, ms, 1);
  pthread_mutex_lock(&work->service->mutex);
  const int roused = work->roused, gone = work->cancelled != 0 || work->service->draining;
  work->roused = 0;
  pthread_mutex_unlock(&work->service->mutex);
  return gone ? -1 : roused ? 1 : status == 0 ? 0 : -1;
}

void spk_rouse(spk_work* work) {
  spk_service* s = work->service;
  pthread_mutex_lock(&s->mutex);
  work->roused = 1;
  pthread_cond_broadcast(&work->changed); /* its own thread ends the pause, if it has begun */
  pthread_mutex_unlock(&s->mutex);
}

/* ---- streams ---- */

spk_stream* spk_open_stream(spk_work* work, uint32_t operation, const char* client, const spk_arg* args) {
  spk_stream* stream = calloc(1, sizeof *stream);
  if (stream == NULL) return NULL;
  stream->service = work->service;
  stream->operation = operation;
  stream->work = work;
  stream->last_chunk = &stream->chunks;
  waiter_begin(&stream->waiter, work, &stream->done);
  stream->waiter.stream = stream;
  const long number = client_number(work->service, operation, client);
  spk_builder b = {0};
  spk_put_args(&b, args);
  const spk_cmd cmd = {.op = SPK_CMD_CALL,
                       .flags = SPK_F_STREAM,
                       .client = (uint32_t)(number < 0 ? 0 : number),
                       .id = work->id,
                       .user = (uint64_t)(uintptr_t)&stream->waiter,
                       .arg = operation,
                       .head = {work->traceparent, strlen(work->traceparent)},
                       .body = spk_built(&b)};
  const int sent = number >= 0 && submit(work->service, &cmd) >= 0;
  pthread_mutex_lock(&work->service->mutex);
  stream->waiter.sent = 1;
  if (!sent) {
    stream->waiter.ended = 1;
    if (number < 0) done_no_client(&stream->done, work->service, operation, client);
    else done_failed(&stream->done, SPK_KIND_CANCELLED, "the service has stopped");
  }
  pthread_mutex_unlock(&work->service->mutex);
  spk_builder_free(&b);
  return stream;
}

int spk_pull(spk_stream* stream, spk_text* part) {
  spk_service* s = stream->service;
  spk_work* work = stream->work;
  *part = (spk_text){NULL, 0};
  chunk_drop(s, stream->current);
  stream->current = NULL;
  for (;;) {
    pthread_mutex_lock(&s->mutex);
    while (stream->chunks == NULL && !stream->waiter.ended && !work->cancelled) pthread_cond_wait(&work->changed, &s->mutex);
    chunk* one = chunk_take(&stream->chunks, &stream->last_chunk);
    const int failed = !stream->waiter.ended || stream->done.status != 0;
    pthread_mutex_unlock(&s->mutex);
    if (one == NULL) return failed ? -1 : 0;
    stream->current = one;
    if (one->size > 0) {
      *part = (spk_text){(const char*)one->record + one->record->body.off, one->record->body.len};
      return 1;
    }
    chunk_drop(s, one);
    stream->current = NULL;
  }
}

int spk_push(spk_stream* stream, const void* data, size_t n) {
  spk_service* s = stream->service;
  spk_work* work = stream->work;
  pthread_mutex_lock(&s->mutex);
  while (stream->credit <= 0 && !stream->waiter.ended && !work->cancelled) pthread_cond_wait(&work->changed, &s->mutex);
  const int over = stream->waiter.ended || work->cancelled;
  if (!over) stream->credit -= (int64_t)n;
  pthread_mutex_unlock(&s->mutex);
  if (over) return -1;
  const spk_cmd cmd = {.op = SPK_CMD_CHUNK, .id = stream->id, .body = {data, n}};
  return submit(s, &cmd) < 0 ? -1 : 0;
}

uint32_t spk_close_stream(spk_stream* stream, int whole, spk_done* done) {
  spk_service* s = stream->service;
  spk_work* work = stream->work;
  pthread_mutex_lock(&s->mutex);
  while (stream->id == 0 && !stream->waiter.ended) pthread_cond_wait(&work->changed, &s->mutex);
  const int ended = stream->waiter.ended;
  pthread_mutex_unlock(&s->mutex);
  if (!ended) {
    const int cancelled = spk_cancelled(work) != 0;
    const int argument = stream->operation == SPK_OP_STORAGE_WRITE_STREAM;
    const spk_cmd cmd = {.op = whole && !cancelled ? SPK_CMD_END : SPK_CMD_ABORT, .id = stream->id};
    if (argument) submit(s, &cmd);
    if (cancelled || (!argument && !whole)) {
      const spk_cmd cancel = {.op = SPK_CMD_CANCEL, .user = (uint64_t)(uintptr_t)&stream->waiter};
      submit(s, &cancel);
    }
  }
  /* What has not been read is let go, so that the operation comes to its end. */
  for (;;) {
    spk_text part;
    pthread_mutex_lock(&s->mutex);
    while (stream->chunks == NULL && !stream->waiter.ended) pthread_cond_wait(&work->changed, &s->mutex);
    const int more = stream->chunks != NULL || stream->current != NULL;
    pthread_mutex_unlock(&s->mutex);
    if (!more) break;
    if (spk_pull(stream, &part) <= 0) {
      chunk_drop(s, stream->current);
      stream->current = NULL;
    }
  }
  waiter_wait(&stream->waiter, 1);
  const uint32_t status = stream->done.status;
  if (done != NULL) *done = stream->done;
  else spk_done_free(&stream->done);
  free(stream);
  return status;
}

/* ---- built on several ---- */

static void load(spk_work* work, const char* client, uint64_t flight, spk_handler loader, void* user, spk_done* done) {
  spk_work loading;
  work_begin(&loading, work->service, LOADER, (handler){loader, user}, work->id);
  loading.root = work->root;
  memcpy(loading.traceparent, work->traceparent, sizeof loading.traceparent);
  loading.cancelled = spk_cancelled(work);
  loader(&loading, user);
  const char* outcome = loading.loaded == 1 ? "value" : loading.loaded == 2 ? "failed" : "absent";
  if (spk_cancelled(&loading)) outcome = "given_up";
  spk_builder b = {0};
  spk_put_object(&b);
  spk_put_key(&b, "flight"), spk_put_uint(&b, flight);
  spk_put_key(&b, "outcome"), spk_put_text(&b, outcome);
  if (strcmp(outcome, "value") == 0) spk_put_key(&b, "value"), spk_put_bytes(&b, loading.load_value, loading.load_size);
  if (strcmp(outcome, "failed") == 0) spk_put_key(&b, "message"), spk_put_text(&b, loading.load_value);
  spk_put_end(&b);
  work_end(&loading);
  ask(work, SPK_OP_CACHE_END_LOAD, client, &b, done, 1);
  spk_builder_free(&b);
}

typedef struct refresh {
  char* client;
  uint64_t flight;
  spk_handler loader;
  void* user;
} refresh;

static void load_again(spk_work* work, void* user) {
  refresh* r = user;
  spk_done done;
  load(work, r->client, r->flight, r->loader, r->user, &done);
  spk_done_free(&done); /* nobody waits for it */
  free(r->client);
  free(r);
}

uint32_t spk_get_or_load(spk_work* work, const char* client, const spk_arg* args, spk_handler loader, void* user,
                         spk_done* done) {
  if (spk_ask(work, SPK_OP_CACHE_GET_OR_BEGIN_LOAD, client, args, done) != 0) return done->status;
  const spk_value flight = spk_member(done->value, "flight");
  if (spk_text_is(spk_str(spk_member(done->value, "state")), "value")) {
    if (spk_type(flight) != SPK_NULL) {
      refresh* r = malloc(sizeof *r);
      if (r != NULL) {
        *r = (refresh){client == NULL ? NULL : copy_str(client), spk_uint(flight, 0), loader, user};
        if (spk_background(work, load_again, r) != 0) {
          free(r->client);
          free(r);
        }
      }
    }
    return 0;
  }
  const uint64_t number = spk_uint(flight, 0);
  spk_done_free(done);
  load(work, client, number, loader, user, done);
  return done->status;
}

uint32_t spk_transaction(spk_work* work, const char* client, const spk_arg* args,
                         int (*body)(spk_work* work, uint64_t tx, void* user), void* user, spk_done* done) {
  if (spk_ask(work, SPK_OP_DB_BEGIN, client, args, done) != 0) return done->status;
  const uint64_t tx = spk_uint(spk_member(done->value, "transaction"), 0);
  spk_done_free(done);
  const spk_arg transaction[] = {{"transaction", SPK_NUMBER((int64_t)tx)}, {0}};
  if (body(work, tx, user) == 0) return spk_ask(work, SPK_OP_DB_COMMIT, client, transaction, done);
  return ask_args(work, SPK_OP_DB_ROLLBACK, client, transaction, done, 1);
}

void spk_log(spk_work* work, const char* level, const char* message, const spk_arg* attributes) {
  spk_done done;
  spk_arg args[] = {{"level", SPK_TEXT(level)}, {"message", SPK_TEXT(message)}, {"attributes", SPK_NOTHING}, {0}};
  if (attributes == NULL) args[2] = (spk_arg){0};
  else args[2].what.type = SPK_OBJ, args[2].what.list = attributes;
  ask_args(work, SPK_OP_TELEMETRY_LOG, NULL, args, &done, 1);
  spk_done_free(&done);
}
