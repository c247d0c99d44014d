/* One client of the toolbox, on a service of its own: under a virtual clock, or in real time where a server owns the waits. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "toolbox.h"

static void run_job(toolbox* t, spk_handler job, op* o) {
  if (t->real_time) spk_service_run(t->service, job, o);
  else spk_test_run(t->service, job, o);
}
static void check(op* o) {
  if (!o->failed) return;
  if (o->error.status == UINT32_MAX) refuse("not_built", "op %s", o->name);
  const spk_done error = o->error;
  refuse_done(&error);
}

/* Goes on while the case does. */
static void stop_later(spk_work* work, void* user) {
  op* o = user;
  spk_done done;
  stop_one(o, work, o->of, 0, spk_int(member(o->args, "drain_timeout_ms"), -1), &done);
  if (!o->failed) {
    out_value(&o->result, done.value);
    spk_done_free(&done);
  }
  __atomic_store_n(&o->finished, 1, __ATOMIC_SEQ_CST);
}
static op* new_op(toolbox* t, const char* name, spk_value args) {
  op* o = kept(sizeof *o);
  o->t = t;
  o->name = name;
  o->args = args;
  o->loads = kept(sizeof *o->loads);
  return o;
}
static void shutdown_begin(spk_work* work, void* user) {
  op* o = user;
  toolbox* t = o->t;
  while (t->running != NULL && t->stopping_count < 16) {
    op* one = new_op(t, o->name, o->args);
    one->of = t->running;
    t->running = one->of->next;
    one->of->next = t->ended;
    t->ended = one->of;
    t->stopping[t->stopping_count++] = one;
    if (spk_background(work, stop_later, one) != 0) fail(o, SPK_KIND_INTERNAL, "", "the background job was refused");
  }
  out_s(&o->result, "null");
}
static void shutdown_wait(spk_work* work, void* user) {
  op* o = user;
  toolbox* t = o->t;
  int drained = 1;
  unsigned long long unfinished = 0;
  for (size_t i = 0; i < t->stopping_count; ++i) {
    op* one = t->stopping[i];
    while (!__atomic_load_n(&one->finished, __ATOMIC_SEQ_CST))
      if (spk_sleep(work, 1) != 0) return fail(o, SPK_KIND_CANCELLED, "", "cancelled");
    if (one->failed) {
      o->failed = 1;
      o->error = one->error;
      return;
    }
    const spk_record* result = NULL;
    spk_json_read(one->result.ptr, one->result.len, &result);
    const spk_value v = spk_value_of(result, result->nodes);
    drained &= spk_bool(spk_member(v, "drained"), 0);
    unfinished += spk_uint(spk_member(v, "unfinished"), 0);
    spk_record_free(result);
    out_free(&one->result);
  }
  t->stopping_count = 0;
  char text[80];
  snprintf(text, sizeof text, "{\"drained\": %s, \"unfinished\": %llu}", drained ? "true" : "false", unfinished);
  out_s(&o->result, text);
}

static void get_or_load_concurrent(toolbox* t, op* first, out* o) {
  const size_t callers = (size_t)spk_int(member(first->args, "callers"), 1);
  void** all = kept(callers * sizeof *all);
  for (size_t i = 0; i < callers; ++i) {
    op* one = new_op(t, first->name, first->args);
    one->loads = first->loads;
    all[i] = one;
  }
  if (t->real_time) refuse("not_built", "get_or_load_concurrent in real time");
  spk_test_run_many(t->service, get_or_load, all, callers);
  for (size_t i = 0; i < callers; ++i) check(all[i]);
  out_s(o, "{\"values\": [");
  for (size_t i = 0; i < callers; ++i) {
    op* one = all[i];
    if (i > 0) out_s(o, ", ");
    out_s(o, one->result.ptr);
    out_free(&one->result);
  }
  char text[48];
  snprintf(text, sizeof text, "], \"loads\": %ld}", *first->loads);
  out_s(o, text);
}

void toolbox_do(toolbox* t, spk_value name, spk_value args, out* o) {
  op* one = new_op(t, text_of(name), args);
  if (strcmp(one->name, "advance_clock") == 0) {
    if (spk_test_advance(t->service, (uint64_t)spk_int(member(args, "ms"), 0)) != 0) refuse("invalid_argument", "advance_clock");
    out_s(o, "null");
    return;
  }
  if (strcmp(one->name, "use_namespace") == 0) {
    t->namespace_ = text_of(member(args, "namespace"));
    out_s(o, "null");
    return;
  }
  if (strcmp(one->name, "get_or_load_concurrent") == 0) {
    get_or_load_concurrent(t, one, o);
    return;
  }
  run_job(t,
          strcmp(one->name, "shutdown_begin") == 0  ? shutdown_begin
          : strcmp(one->name, "shutdown_wait") == 0 ? shutdown_wait
                                                    : run_op,
          one);
  if (one->failed) out_free(&one->result);
  check(one);
  if (strcmp(one->name, "get_or_load") == 0) {
    out_s(o, "{\"value\": ");
    out_s(o, one->result.ptr);
    out_s(o, *one->loads > 0 ? ", \"loaded\": true}" : ", \"loaded\": false}");
  } else {
    out_s(o, one->result.ptr);
  }
  out_free(&one->result);
}

/* ---- opening and closing ---- */

toolbox* toolbox_new(spk_value spec) {
  toolbox* t = kept(sizeof *t);
  spk_value telemetry = {NULL, NULL};
  spk_each it = spk_each_of(spec);
  while (spk_next(&it)) {
    if (spk_text_is(it.key, "telemetry") && spk_count(spec) > 1) {
      telemetry = it.value;
      continue;
    }
    if (t->kind != NULL) refuse("not_built", "client with more than one subsystem");
    t->kind = format_kept("%.*s", (int)it.key.len, it.key.ptr);
    t->config = it.value;
  }
  if (t->kind == NULL ||
      strstr(" cache storage db messaging tasks cron cloudevents telemetry ", format_kept(" %s ", t->kind)) == NULL)
    refuse("not_built", "client %s", t->kind == NULL ? "" : t->kind);
  strcpy(t->folder, "/tmp/spikard-e2e-XXXXXX");
  if (mkdtemp(t->folder) == NULL) refuse("internal", "no temporary folder");
  spk_service* s = t->service = spk_service_new("case");
  spk_service_set(s, "log", "{\"level\": \"error\"}");
  spk_service_set(s, "shutdown", "{\"timeout_ms\": 2000}");
  if (spk_exists(telemetry)) spk_service_set(s, "telemetry", json_of(telemetry));
  if (strstr(" cache storage db messaging tasks ", format_kept(" %s ", t->kind)) != NULL) {
    spk_service_client(s, t->kind, "default", options_of(t));
    make_place(t);
  }
  if (t->schema != NULL && strcmp(t->kind, "tasks") == 0) spk_service_client(s, "db", "default", place_of_schema());
  const spk_value backend = member(t->config, "backend");
  t->capabilities = strcmp(t->kind, "storage") == 0 ? "\"metadata\", \"conditional_write\", \"uploads\"" : "";
  if (strcmp(t->kind, "messaging") == 0) {
    /* Of MQTT the delivery store owns the waits. */
    t->real_time = is(backend, "amqp") || is(backend, "kafka") || is(backend, "nats") || is(backend, "redis");
    t->capabilities = is(backend, "amqp")   ? "\"real_time\""
                      : is(backend, "mqtt") ? ""
                      : t->real_time        ? "\"replay\", \"real_time\""
                                            : "\"replay\"";
  }
  const spk_value clock = member(t->config, "clock");
  const int result = t->real_time ? spk_service_start(s, 0) : spk_test_start(s, spk_exists(clock) ? text_of(clock) : NULL);
  if (result < 0) {
    const char* text = format_kept("%s", spk_service_error(s));
    spk_service_free(s);
    refuse("invalid_argument", "%s", text);
  }
  if (t->schema != NULL) {
    op* o = new_op(t, "CREATE", t->config);
    run_job(t, make_schema, o);
    check(o);
  }
  return t;
}

void toolbox_capabilities(toolbox* t, out* o) {
  out_s(o, ", \"capabilities\": [");
  out_s(o, t->capabilities);
  out_s(o, "]");
}
spk_service* toolbox_service(toolbox* t) { return t->service; }

static void kill_all(spk_work* work, void* user) {
  op* o = user;
  for (named* one = o->t->running; one != NULL; one = one->next) {
    spk_done done;
    o->failed = 0;
    stop_one(o, work, one, 1, -1, &done);
  }
  for (named* tx = o->t->transactions; tx != NULL && (o->t->schema != NULL || o->t->database != NULL); tx = tx->next) {
    o->failed = 0;
    about_tx(o, work, SPK_OP_DB_ROLLBACK, tx->number, 0);
  }
}

static void remove_folder(const char* path) {
  DIR* dir = opendir(path);
  if (dir == NULL) return;
  for (struct dirent* entry; (entry = readdir(dir)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    out name = {0};
    struct stat about;
    out_s(&name, path), out_s(&name, "/"), out_s(&name, entry->d_name);
    if (lstat(name.ptr, &about) == 0 && S_ISDIR(about.st_mode)) remove_folder(name.ptr);
    else unlink(name.ptr);
    out_free(&name);
  }
  closedir(dir);
  rmdir(path);
}

void toolbox_free(toolbox* t) {
  op* o = new_op(t, "DROP", t->config);
  run_job(t, kill_all, o);
  if (t->schema != NULL) {
    o->failed = 0;
    run_job(t, drop_schema, o);
  }
  spk_service_stop(t->service, 0);
  spk_service_free(t->service);
  drop_place(t);
  remove_folder(t->folder);
}
