/* The port's thread, the threads of the handlers, and the life of a service. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "internal.h"

int submit(spk_service* s, const spk_cmd* cmd) {
  pthread_rwlock_rdlock(&s->port_lock);
  const int result = s->port == NULL ? -SPK_E_STATE : spk_submit(s->port, cmd, 1);
  pthread_rwlock_unlock(&s->port_lock);
  return result;
}

/* ---- what is in hand ---- */

void work_begin(spk_work* work, spk_service* s, unsigned kind, handler h, spk_id id) {
  memset(work, 0, sizeof *work);
  work->service = s;
  work->kind = kind;
  work->handler = h;
  work->id = id;
  work->root = work;
  work->last_chunk = &work->chunks;
  work->credit = 65536;
  pthread_cond_init(&work->changed, NULL);
  pthread_mutex_lock(&s->mutex);
  work->after = s->in_hand;
  if (s->in_hand != NULL) s->in_hand->before = work;
  s->in_hand = work;
  if (s->over) work->cancelled = SPK_CANCEL_SHUTDOWN;
  pthread_mutex_unlock(&s->mutex);
}

void work_end(spk_work* work) {
  spk_service* s = work->service;
  pthread_mutex_lock(&s->mutex);
  if (work->before != NULL) work->before->after = work->after;
  else s->in_hand = work->after;
  if (work->after != NULL) work->after->before = work->before;
  chunk* left = work->chunks;
  work->chunks = NULL;
  if (work->finished != NULL) {
    *work->finished = 1;
    pthread_cond_broadcast(&s->changed);
  }
  pthread_mutex_unlock(&s->mutex);
  free(work->current);
  while (left != NULL) {
    chunk* next = left->next;
    free(left);
    left = next;
  }
  text_free(&work->set);
  text_free(&work->append);
  spk_builder_free(&work->context);
  free(work->load_value);
  pthread_cond_destroy(&work->changed);
}

void chunk_add(chunk*** last, const spk_event* event) {
  chunk* one = calloc(1, sizeof *one);
  if (one == NULL) abort(); /* a body with a hole is worse */
  one->record = event->rec;
  one->size = event->arg;
  one->last = (event->flags & SPK_F_LAST) != 0;
  one->id = event->id;
  **last = one;
  *last = &one->next;
}

chunk* chunk_take(chunk** first, chunk*** last) {
  chunk* one = *first;
  if (one == NULL) return NULL;
  *first = one->next;
  if (*first == NULL) *last = first;
  return one;
}

void chunk_drop(spk_service* s, chunk* one) {
  if (one == NULL) return;
  const spk_cmd cmd = {.op = SPK_CMD_CREDIT, .id = one->id, .arg = one->size};
  if (one->size > 0) submit(s, &cmd);
  free(one);
}

static void* thread_main(void* argument) {
  spk_service* s = argument;
  pthread_mutex_lock(&s->mutex);
  for (;;) {
    while (s->first == NULL && !s->closing) {
      ++s->idle;
      pthread_cond_wait(&s->work, &s->mutex);
      --s->idle;
    }
    if (s->first == NULL) break;
    spk_work* work = s->first;
    s->first = work->next;
    if (s->first == NULL) s->last = NULL;
    pthread_mutex_unlock(&s->mutex);
    if (work->handler.fn != NULL) work->handler.fn(work, work->handler.user);
    finish(work);
    work_end(work);
    free(work);
    pthread_mutex_lock(&s->mutex);
  }
  --s->threads;
  pthread_cond_broadcast(&s->changed);
  pthread_mutex_unlock(&s->mutex);
  return NULL;
}

/* A thread takes it when one is free. */
static void enqueue(spk_work* work) {
  spk_service* s = work->service;
  pthread_mutex_lock(&s->mutex);
  if (s->last != NULL) s->last->next = work;
  else s->first = work;
  s->last = work;
  size_t waiting = 0;
  for (const spk_work* w = s->first; w != NULL && waiting <= s->idle; w = w->next) ++waiting;
  if (waiting > s->idle && s->threads < s->max_threads) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, thread_main, s) == 0) {
      pthread_detach(thread);
      ++s->threads;
    }
  }
  pthread_cond_signal(&s->work);
  pthread_mutex_unlock(&s->mutex);
}

/* ---- waiting ---- */

void waiter_begin(waiter* w, spk_work* work, spk_done* done) {
  memset(w, 0, sizeof *w);
  w->work = work;
  w->done = done;
  if (done != NULL) memset(done, 0, sizeof *done);
  pthread_mutex_lock(&work->service->mutex);
  w->next = work->waiting;
  work->waiting = w;
  w->ended = work->service->over;
  w->status = SPK_KIND_CANCELLED;
  if (w->ended && done != NULL) done_failed(done, SPK_KIND_CANCELLED, "the service has stopped");
  pthread_mutex_unlock(&work->service->mutex);
}

/* Under the mutex: whether it shall end before its time. */
static int unwanted(const waiter* w) {
  const spk_work* work = w->work;
  return (work->cancelled && !w->shielded) || (w->pause && (work->roused || work->service->draining));
}

void waiter_wait(waiter* w, int shielded) {
  spk_work* work = w->work;
  spk_service* s = work->service;
  pthread_mutex_lock(&s->mutex);
  w->shielded = shielded;
  w->sent = 1;
  while (!w->ended) {
    if (unwanted(w) && !w->told) {
      w->told = 1;
      pthread_mutex_unlock(&s->mutex);
      const spk_cmd cmd = {.op = SPK_CMD_CANCEL, .user = (uint64_t)(uintptr_t)w};
      submit(s, &cmd);
      pthread_mutex_lock(&s->mutex);
      continue;
    }
    work->root->blocked = 1;
    if (work->root->kind == 0) pthread_cond_broadcast(&s->changed);
    pthread_cond_wait(&work->changed, &s->mutex);
    work->root->blocked = 0;
  }
  ++work->root->asked;
  waiter** at = &work->waiting;
  while (*at != w) at = &(*at)->next;
  *at = w->next;
  pthread_mutex_unlock(&s->mutex);
}

void done_from(spk_done* done, const spk_record* record) {
  memset(done, 0, sizeof *done);
  if (record == NULL) return;
  done->memory = malloc(record->size);
  if (done->memory == NULL) {
    done_failed(done, SPK_KIND_INTERNAL, "out of memory");
    return;
  }
  const char* base = memcpy(done->memory, record, record->size);
  done->status = record->status;
  done->retry = record->attempt;
  done->value = spk_value_of(base, record->nodes);
  done->message = (spk_text){base + record->body.off, record->body.len};
  done->detail = (spk_text){base + record->key.off, record->key.len};
}

void done_failed(spk_done* done, uint32_t status, const char* message) {
  memset(done, 0, sizeof *done);
  done->status = status;
  done->message = (spk_text){message, strlen(message)};
  done->detail = (spk_text){"", 0};
}

void spk_done_free(spk_done* done) {
  free(done->memory);
  memset(done, 0, sizeof *done);
}

/* ---- events ---- */

/* The request, message or task of this id that is in hand. Under the mutex. */
static spk_work* find(spk_service* s, spk_id id, unsigned kind) {
  for (spk_work* w = s->in_hand; w != NULL; w = w->after)
    if (w->id == id && w->kind == kind) return w;
  return NULL;
}

/* What it waits for ends from here, before the next poll: on a virtual clock no time goes by meanwhile. */
static void on_cancel(spk_service* s, const spk_event* ev) {
  spk_cmd cancels[16];
  uint32_t count = 0;
  pthread_mutex_lock(&s->mutex);
  for (spk_work* w = s->in_hand; w != NULL; w = w->after) {
    if (w->id != ev->id || w->cancelled) continue;
    w->cancelled = (unsigned)ev->arg;
    for (waiter* one = w->waiting; one != NULL && count < 16; one = one->next) {
      if (one->ended || !one->sent || one->shielded || one->told) continue;
      one->told = 1;
      cancels[count++] = (spk_cmd){.op = SPK_CMD_CANCEL, .user = (uint64_t)(uintptr_t)one};
    }
    pthread_cond_broadcast(&w->changed);
  }
  pthread_mutex_unlock(&s->mutex);
  if (count > 0) spk_submit(s->port, cancels, count);
}

/* `user` of a CALL or TIMER is its waiter, of a background job the work with the lowest bit set. */
static void on_done(spk_service* s, const spk_event* ev) {
  const spk_record* record = ev->rec;
  if ((ev->user & 1) != 0) {
    spk_work* job = (spk_work*)(uintptr_t)(ev->user & ~(uint64_t)1);
    fprintf(stderr, "a background job was refused: %.*s\n", (int)record->body.len, (const char*)record + record->body.off);
    work_end(job);
    free(job);
  } else {
    waiter* w = (waiter*)(uintptr_t)ev->user;
    pthread_mutex_lock(&s->mutex);
    if (w->done != NULL) done_from(w->done, record);
    else w->status = record != NULL ? record->status : 0;
    w->ended = 1;
    w->work->root->blocked = 0;
    pthread_cond_broadcast(&w->work->changed);
    pthread_mutex_unlock(&s->mutex);
  }
  if (record == NULL) return;
  const spk_cmd cmd = {.op = SPK_CMD_RELEASE, .id = ev->id};
  submit(s, &cmd);
}

static void on_chunk(spk_service* s, const spk_event* ev) {
  pthread_mutex_lock(&s->mutex);
  spk_work* work = NULL;
  if (ev->user != 0) {
    waiter* w = (waiter*)(uintptr_t)ev->user;
    work = w->work;
    chunk_add(&w->stream->last_chunk, ev);
  } else {
    work = find(s, ev->id, SPK_EV_REQUEST);
    if (work != NULL) chunk_add(&work->last_chunk, ev);
  }
  if (work != NULL) pthread_cond_broadcast(&work->changed);
  pthread_mutex_unlock(&s->mutex);
}

static void on_credit(spk_service* s, const spk_event* ev) {
  pthread_mutex_lock(&s->mutex);
  spk_work* work = NULL;
  if (ev->user != 0) {
    waiter* w = (waiter*)(uintptr_t)ev->user;
    work = w->work;
    w->stream->id = ev->id;
    w->stream->credit += (int64_t)ev->arg;
  } else {
    work = find(s, ev->id, SPK_EV_REQUEST);
    if (work != NULL) work->credit += (int64_t)ev->arg;
  }
  if (work != NULL) pthread_cond_broadcast(&work->changed);
  pthread_mutex_unlock(&s->mutex);
}

static handler handler_of_task(spk_service* s, const spk_event* ev) {
  const spk_record* record = ev->rec;
  if (ev->route == UINT32_MAX) return s->started.all[ev->user - 1];
  const spk_text name = spk_str(spk_member(spk_value_of(record, record->nodes), "name"));
  const worker* w = s->worker_by_number[ev->route];
  handler any = {NULL, NULL};
  for (const task* t = w->tasks; t != NULL; t = t->next) {
    if (spk_text_is(name, t->name)) return t->handler;
    if (*t->name == '\0') any = t->handler;
  }
  return any;
}

/* Only this thread can ask for it. */
static void take_trace(spk_work* work) {
  if (!work->service->traced) return;
  spk_builder b = {0};
  spk_put_args(&b, NULL);
  const spk_cmd cmd = {.op = SPK_CMD_CALL, .id = work->id, .arg = SPK_OP_TELEMETRY_CONTEXT, .body = spk_built(&b)};
  const spk_record* now = NULL;
  if (spk_call(work->service->port, &cmd, &now) == 1) {
    const spk_text text_ = spk_str(spk_member(spk_value_of(now, now->nodes), "traceparent"));
    if (text_.len < sizeof work->traceparent) memcpy(work->traceparent, text_.ptr == NULL ? "" : text_.ptr, text_.len);
  }
  spk_builder_free(&b);
}

static void on_work(spk_service* s, const spk_event* ev) {
  handler h = {NULL, NULL};
  if (ev->kind == SPK_EV_TASK && ev->rec == NULL) { /* a background job */
    spk_work* job = (spk_work*)(uintptr_t)(ev->user & ~(uint64_t)1);
    pthread_mutex_lock(&s->mutex);
    job->event = *ev;
    job->id = ev->id;
    pthread_mutex_unlock(&s->mutex);
    enqueue(job);
    return;
  }
  switch (ev->kind) {
    case SPK_EV_REQUEST: h = s->route_by_number[ev->route]->handler; break;
    case SPK_EV_HOOK: h = s->hooks[ev->arg].all[ev->route]; break;
    case SPK_EV_FACTORY: h = s->made[ev->route].make; break;
    case SPK_EV_DISPOSE: h = s->made[ev->route].drop; break;
    case SPK_EV_CLOUDEVENT: h = s->event_handlers.all[ev->route]; break;
    case SPK_EV_MESSAGE:
      pthread_mutex_lock(&s->mutex);
      h = ev->route == UINT32_MAX ? s->started.all[ev->user - 1] : s->consumer_handlers.all[ev->route];
      pthread_mutex_unlock(&s->mutex);
      break;
    default:
      pthread_mutex_lock(&s->mutex);
      h = handler_of_task(s, ev);
      pthread_mutex_unlock(&s->mutex);
  }
  spk_work* work = malloc(sizeof *work);
  if (work == NULL) {
    const spk_cmd cmd = {.op = SPK_CMD_FAIL, .id = ev->id};
    submit(s, &cmd);
    return;
  }
  work_begin(work, s, ev->kind, h, ev->id);
  work->event = *ev;
  take_trace(work);
  enqueue(work);
}

/* Pauses end with the beginning of the end. */
static void on_draining(spk_service* s) {
  pthread_mutex_lock(&s->mutex);
  s->draining = 1;
  for (spk_work* w = s->in_hand; w != NULL; w = w->after) {
    for (waiter* one = w->waiting; one != NULL; one = one->next) {
      if (!one->pause || one->ended || !one->sent || one->told) continue;
      one->told = 1;
      const spk_cmd cmd = {.op = SPK_CMD_CANCEL, .user = (uint64_t)(uintptr_t)one};
      spk_submit(s->port, &cmd, 1);
    }
  }
  pthread_mutex_unlock(&s->mutex);
}

/* Handles a batch; 1 when all is over. */
static int on_events(spk_service* s, const spk_event* events, int count) {
  int over = 0;
  for (int i = 0; i < count; ++i) {
    const spk_event* ev = &events[i];
    switch (ev->kind) {
      case SPK_EV_CANCEL: on_cancel(s, ev); break;
      case SPK_EV_DONE: on_done(s, ev); break;
      case SPK_EV_CHUNK: on_chunk(s, ev); break;
      case SPK_EV_CREDIT: on_credit(s, ev); break;
      case SPK_EV_STATE:
        if (ev->arg == SPK_DRAINING) on_draining(s);
        over |= ev->arg == SPK_STOPPED;
        break;
      case SPK_EV_FRAME:
      case SPK_EV_LOG: break;
      default: on_work(s, ev);
    }
  }
  return over;
}

/* On the thread that polls, from here on. */
static int open_port(spk_service* s) {
  spk_port* port = NULL;
  const int result = spk_port_open(s->app, &port);
  pthread_rwlock_wrlock(&s->port_lock);
  s->port = port;
  pthread_rwlock_unlock(&s->port_lock);
  return result;
}

static void poll_until_over(spk_service* s) {
  spk_event events[64];
  for (int over = 0; !over;) {
    const int count = spk_poll(s->port, events, 64, -1);
    if (count < 0) break;
    over = on_events(s, events, count);
  }
  pthread_rwlock_wrlock(&s->port_lock);
  spk_port* port = s->port;
  s->port = NULL;
  pthread_rwlock_unlock(&s->port_lock);
  pthread_mutex_lock(&s->mutex);
  s->over = 1;
  /* Whoever still waits hears nothing any more. */
  for (spk_work* w = s->in_hand; w != NULL; w = w->after) {
    if (!w->cancelled) w->cancelled = SPK_CANCEL_SHUTDOWN;
    for (waiter* one = w->waiting; one != NULL; one = one->next) {
      if (one->ended) continue;
      one->ended = 1;
      one->status = SPK_KIND_CANCELLED;
      if (one->done != NULL) done_failed(one->done, SPK_KIND_CANCELLED, "the service has stopped");
    }
    pthread_cond_broadcast(&w->changed);
  }
  pthread_cond_broadcast(&s->changed);
  pthread_mutex_unlock(&s->mutex);
  spk_port_close(port);
}

static void* poller_main(void* argument) {
  spk_service* s = argument;
  const int result = open_port(s);
  pthread_mutex_lock(&s->mutex);
  s->opened = 1;
  s->open_result = result;
  if (result < 0) spk_error(s->error, sizeof s->error);
  pthread_cond_broadcast(&s->changed);
  pthread_mutex_unlock(&s->mutex);
  if (result >= 0) poll_until_over(s);
  return NULL;
}

/* ---- life ---- */

static int numbered(spk_service* s) {
  size_t i = 0;
  s->route_by_number = calloc(s->route_count + 1, sizeof *s->route_by_number);
  if (s->route_by_number == NULL) return -1;
  for (spk_route* r = s->routes; r != NULL; r = r->next) s->route_by_number[i++] = r;
  i = 0;
  for (const worker* w = s->workers; w != NULL; w = w->next) ++i;
  s->worker_by_number = calloc(i + 1, sizeof *s->worker_by_number);
  if (s->worker_by_number == NULL) return -1;
  i = 0;
  for (worker* w = s->workers; w != NULL; w = w->next) s->worker_by_number[i++] = w;
  return 0;
}

static char* told(size_t (*tell)(spk_app*, char*, size_t), spk_app* app) {
  const size_t n = tell(app, NULL, 0);
  char* out = malloc(n + 1);
  if (out != NULL) tell(app, out, n + 1);
  return out;
}

static int open_app(spk_service* s, int configured) {
  char* manifest = spk_service_manifest(s);
  if (manifest == NULL || (s->route_by_number == NULL && numbered(s) != 0)) {
    free(manifest);
    return -SPK_E_MEMORY;
  }
  const int result = configured ? spk_app_open_configured(SPK_ABI, manifest, strlen(manifest), &s->app)
                                : spk_app_open(SPK_ABI, manifest, strlen(manifest), &s->app);
  free(manifest);
  return result;
}

static int start_app(spk_service* s) {
  const int result = spk_app_start(s->app);
  if (result < 0) return result;
  char* info = told(spk_info, s->app);
  if (info != NULL) spk_json_read(info, strlen(info), &s->info);
  free(info);
  if (s->info == NULL) return -SPK_E_MEMORY;
  s->traced = spk_bool(spk_member(spk_value_of(s->info, s->info->nodes), "telemetry"), 0);
  return 0;
}

const char* spk_service_error(const spk_service* s) { return s->error; }

int spk_service_start(spk_service* s, int configured) {
  if (s->app != NULL) {
    snprintf(s->error, sizeof s->error, "the service has been started");
    return -SPK_E_STATE;
  }
  s->error[0] = '\0';
  int result = open_app(s, configured);
  if (result >= 0) result = start_app(s);
  if (result < 0) {
    if (result == -SPK_E_MEMORY) snprintf(s->error, sizeof s->error, "out of memory");
    else spk_error(s->error, sizeof s->error);
    service_close(s);
    return result;
  }
  if (pthread_create(&s->poller, NULL, poller_main, s) != 0) {
    service_close(s);
    return -SPK_E_IO;
  }
  s->polls = 1;
  pthread_mutex_lock(&s->mutex);
  while (!s->opened) pthread_cond_wait(&s->changed, &s->mutex);
  result = s->open_result;
  pthread_mutex_unlock(&s->mutex);
  if (result < 0) service_close(s);
  return result < 0 ? result : 0;
}

int spk_service_port(spk_service* s) {
  if (s->info == NULL) return 0;
  spk_each it = spk_each_of(spk_member(spk_value_of(s->info, s->info->nodes), "addresses"));
  while (spk_next(&it)) {
    const spk_text address = spk_str(it.value);
    size_t at = address.len;
    while (at > 0 && address.ptr[at - 1] != ':') --at;
    int port = 0;
    for (size_t i = at; at > 0 && i < address.len; ++i) {
      const char c = address.ptr[i];
      port = c >= '0' && c <= '9' && port >= 0 ? 10 * port + (c - '0') : -1;
    }
    if (port > 0) return port;
  }
  return 0;
}

/* Waits until the threads of the handlers are gone. */
static void end_threads(spk_service* s) {
  pthread_mutex_lock(&s->mutex);
  s->closing = 1;
  pthread_cond_broadcast(&s->work);
  while (s->threads > 0) pthread_cond_wait(&s->changed, &s->mutex);
  s->closing = 0;
  spk_work* left = s->in_hand; /* background jobs whose turn did not come */
  pthread_mutex_unlock(&s->mutex);
  while (left != NULL) {
    spk_work* next = left->after;
    work_end(left);
    free(left);
    left = next;
  }
}

const char* spk_service_stop(spk_service* s, uint32_t timeout_ms) {
  if (s->app == NULL) return "";
  if (s->polls) {
    spk_drain(s->app, timeout_ms);
    pthread_join(s->poller, NULL);
    s->polls = 0;
  }
  end_threads(s);
  free(s->report);
  s->report = told(spk_report, s->app);
  service_close(s);
  return s->report == NULL ? "" : s->report;
}

void service_close(spk_service* s) {
  if (s->app == NULL) return;
  if (s->polls) {
    spk_drain(s->app, 0);
    spk_drain(s->app, 0);
    pthread_join(s->poller, NULL);
    s->polls = 0;
  }
  end_threads(s);
  spk_record_free(s->info);
  s->info = NULL;
  spk_app_close(s->app);
  s->app = NULL;
  s->opened = s->over = s->draining = 0;
}

int start_job(spk_service* s, spk_handler job, void* user, int* finished) {
  spk_work* work = malloc(sizeof *work);
  if (work == NULL) return -SPK_E_MEMORY;
  work_begin(work, s, 0, (handler){job, user}, 0);
  work->finished = finished;
  enqueue(work);
  return 0;
}

int spk_service_run(spk_service* s, spk_handler job, void* user) {
  int finished = 0;
  const int result = start_job(s, job, user, &finished);
  if (result < 0) return result;
  pthread_mutex_lock(&s->mutex);
  while (!finished) pthread_cond_wait(&s->changed, &s->mutex);
  pthread_mutex_unlock(&s->mutex);
  return 0;
}

/* Drains at the first signal, forces at the second; ends with one that comes when all is over. */
static void* signals_main(void* argument) {
  spk_service* s = argument;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  for (int number; sigwait(&set, &number) == 0;) {
    pthread_mutex_lock(&s->mutex);
    const int over = s->over;
    pthread_mutex_unlock(&s->mutex);
    if (over) break;
    spk_drain(s->app, SPK_DRAIN_DEFAULT);
  }
  return NULL;
}

static int refused(const char* what) {
  char error[1024];
  spk_error(error, sizeof error);
  fprintf(stderr, "%s: %s\n", what, error);
  return 78; /* EX_CONFIG */
}

static int serve(spk_service* s) {
  sigset_t set, before;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, &before);
  int code = 78;
  pthread_t signals;
  if (start_app(s) < 0) {
    refused(s->name);
  } else if (open_port(s) < 0) {
    refused(s->name);
  } else if (pthread_create(&signals, NULL, signals_main, s) != 0) {
    perror(s->name);
  } else {
    poll_until_over(s);
    pthread_kill(signals, SIGTERM);
    pthread_join(signals, NULL);
    end_threads(s);
    s->report = told(spk_report, s->app);
    const spk_record* report = NULL;
    if (s->report != NULL && spk_json_read(s->report, strlen(s->report), &report) == 0)
      code = (int)spk_int(spk_member(spk_value_of(report, report->nodes), "exit_code"), 1);
    spk_record_free(report);
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return code;
}

int spk_service_main_workers(spk_service* s, unsigned workers) {
  const char* print = getenv("SPIKARD_PRINT_MANIFEST");
  if (print != NULL && strcmp(print, "1") == 0) {
    char* manifest = spk_service_manifest(s);
    if (manifest == NULL) return 78;
    puts(manifest);
    free(manifest);
    return 0;
  }
  if (open_app(s, 1) < 0) return refused(s->name);
  int code = -1;
  if (workers > 1) {
    const int supervised = spk_supervise(s->app, workers);
    if (supervised < 0) code = refused(s->name);
    else if ((supervised & SPK_SUPERVISED) != 0) code = supervised & ~SPK_SUPERVISED;
  }
  if (code < 0) code = serve(s);
  service_close(s);
  return code;
}

int spk_service_main(spk_service* s) { return spk_service_main_workers(s, 1); }
