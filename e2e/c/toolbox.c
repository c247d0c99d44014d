/* One client of the toolbox, on a service of its own: under a virtual clock, or in real time where a server owns the waits. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "case.h"

/* ---- scripts: the nth delivery of a payload, or run of a task, takes the nth entry of its sequence, then the default ---- */

struct script {
  pthread_mutex_t mutex;
  spk_value spec;
  unsigned long taken[64]; /* of each of its outcomes */
  struct note {
    struct note* next;
    char *name, *text;
    unsigned long number; /* among those of its name */
  }* done;
  unsigned long begun;
  long now, most, cancellations;
  int dead; /* its consumer was killed */
};

script* script_new(spk_value spec) {
  only(spec, "default known outcomes", "handler");
  script* s = kept(sizeof *s);
  pthread_mutex_init(&s->mutex, NULL);
  s->spec = spec;
  return s;
}

static spk_value next_of(script* s, spk_text name) {
  spk_each it = spk_each_of(member(s->spec, "outcomes"));
  for (size_t i = 0; spk_next(&it) && i < 64; ++i) {
    const spk_value payload = member(it.value, "payload");
    const spk_text is_for = spk_str(spk_exists(payload) ? payload : member(it.value, "task"));
    if (is_for.len != name.len || memcmp(is_for.ptr, name.ptr, name.len) != 0) continue;
    const spk_value sequence = member(it.value, "sequence");
    const unsigned long n = s->taken[i]++;
    if (n < spk_count(sequence)) return spk_item(sequence, (uint32_t)n);
    break;
  }
  return member(s->spec, "default");
}

/* Under the mutex. A try that was cut off hears of it on a thread of its own, perhaps when the next one has ended already; it was
 * before that. */
static void note(script* s, spk_text name, unsigned long number, const char* what, const char* outcome) {
  struct note* one = kept(sizeof *one);
  one->name = format_kept("%.*s", (int)name.len, name.ptr);
  one->number = number;
  one->text =
      format_kept("{%s%s\"outcome\": \"%s\"}", what == NULL ? "" : what, what == NULL || *what == '\0' ? "" : ", ", outcome);
  struct note** at = &s->done;
  while (*at != NULL && !(strcmp((*at)->name, one->name) == 0 && (*at)->number > number)) at = &(*at)->next;
  one->next = *at;
  *at = one;
}

void script_run(script* s, spk_work* work, spk_text name, const char* what) {
  pthread_mutex_lock(&s->mutex);
  spk_value entry = next_of(s, name);
  const unsigned long number = s->begun++;
  ++s->now;
  if (s->now > s->most) s->most = s->now;
  pthread_mutex_unlock(&s->mutex);
  int cancelled = 0;
  for (; !cancelled && spk_exists(spk_member(entry, "sleep_ms")); entry = member(entry, "then"))
    cancelled = spk_sleep(work, (uint64_t)spk_int(spk_member(entry, "sleep_ms"), 0)) != 0;
  pthread_mutex_lock(&s->mutex);
  --s->now;
  if (cancelled) {
    ++s->cancellations;
    if (spk_cancelled(work) == SPK_CANCEL_DEADLINE && !s->dead) note(s, name, number, what, "timeout");
    pthread_mutex_unlock(&s->mutex);
    return;
  }
  const spk_value nack = spk_member(entry, "nack"), retry = spk_member(entry, "retry"), fatal = spk_member(entry, "fatal"),
                  result = spk_member(entry, "result");
  if (!s->dead) {
    note(s, name, number, what,
         is(entry, "ack")     ? "ack"
         : is(entry, "throw") ? "error"
         : spk_exists(nack)   ? "nack"
         : spk_exists(retry)  ? "retry"
         : spk_exists(fatal)  ? "fatal"
                              : "done");
  }
  const int dead = s->dead;
  pthread_mutex_unlock(&s->mutex);
  if (dead) return;
  if (is(entry, "throw")) {
    spk_fail(work, "Error", "the script threw");
  } else if (spk_exists(nack)) {
    spk_nack(work, spk_bool(member(nack, "requeue"), 0));
  } else if (spk_exists(retry)) {
    spk_retry(work, spk_uint(member(retry, "after_ms"), 0));
  } else if (spk_exists(fatal)) {
    char* message = spk_copy_str(spk_str(fatal));
    spk_reject(work, message);
    free(message);
  } else if (spk_exists(result)) {
    out json = {0};
    out_value(&json, result);
    spk_ack_json(work, json.ptr, json.len);
    out_free(&json);
  }
}

/* ---- a client ---- */

typedef struct named {
  struct named* next;
  char* name;
  uint64_t number; /* of a consumer, a transaction */
  script* script;
} named;

struct toolbox {
  spk_service* service;
  const char* kind; /* cache, storage, ... */
  spk_value config;
  char folder[64];
  char* schema; /* of the case's own on PostgreSQL */
  int real_time;
  const char* capabilities;
  char* namespace_;
  named *running, *ended; /* consumers and workers; those that were killed */
  named *transactions, *schedulers;
  spk_done error; /* of the op that failed */
  int failed;
  struct op* stopping[16]; /* shutdown_begin */
  size_t stopping_count;
};

static named* find(named* list, const char* name) {
  while (list != NULL && strcmp(list->name, name) != 0) list = list->next;
  return list;
}
static named* add(named** list, char* name) {
  named* one = kept(sizeof *one);
  one->name = name;
  one->next = *list;
  return *list = one;
}
static void take(named** list, const named* one) {
  while (*list != NULL && *list != one) list = &(*list)->next;
  if (*list != NULL) *list = one->next;
}

/* What runs on a thread of the service. */
typedef struct op {
  toolbox* t;
  const char* name;
  spk_value args;
  out result;
  int failed;
  spk_done error;
  long* loads;
  named* of;    /* of shutdown_begin: what is stopped */
  int finished; /* atomic */
} op;

/* Asks, and keeps the error. 0: it went well, and `done` is the caller's. */
static int ask(op* o, spk_work* work, uint32_t operation, spk_builder* b, spk_done* done) {
  spk_ask_built(work, operation, "default", b, done);
  spk_builder_free(b);
  if (done->status == 0) return 0;
  o->failed = 1;
  o->error = *done;
  return -1;
}
static void fail(op* o, uint32_t status, const char* detail, const char* message) {
  o->failed = 1;
  o->error = (spk_done){.status = status, .message = {message, strlen(message)}, .detail = {detail, strlen(detail)}};
}

/* The members of `from` but those in `without`, into an object that is left open. */
static void copy_args(spk_builder* b, spk_value from, const char* without) {
  spk_put_object(b);
  spk_each it = spk_each_of(from);
  while (spk_next(&it)) {
    char* key = spk_copy_str(it.key);
    const char* at = strstr(without, key);
    const size_t n = strlen(key);
    const int left_out = at != NULL && (at == without || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0');
    if (!left_out) {
      const spk_value bytes =
          spk_type(it.value) == SPK_OBJ && spk_count(it.value) == 1 ? spk_member(it.value, "$bytes") : (spk_value){NULL, NULL};
      spk_put_key(b, key);
      if (spk_exists(bytes) && strcmp(key, "params") != 0) {
        size_t size;
        char* data = from_base64(spk_str(bytes), &size);
        spk_put_bytes(b, data, size);
        free(data);
      } else {
        spk_put(b, it.value);
      }
    }
    free(key);
  }
}

/* The one member, nothing of none, else the whole object. */
static void tell(op* o, spk_value result) {
  spk_each it = spk_each_of(result);
  if (spk_count(result) == 0) return out_s(&o->result, "null");
  if (spk_count(result) > 1) return out_value(&o->result, result);
  spk_next(&it);
  out_value(&o->result, it.value);
}

/* The operation with the op's own arguments. */
static void forward(op* o, spk_work* work, uint32_t operation, const char* without) {
  spk_builder b = {0};
  spk_done done;
  copy_args(&b, o->args, without);
  spk_put_end(&b);
  if (ask(o, work, operation, &b, &done) != 0) return;
  tell(o, done.value);
  spk_done_free(&done);
}

static void put_bytes_of(spk_builder* b, spk_value value) {
  const spk_value bytes = spk_type(value) == SPK_OBJ ? spk_member(value, "$bytes") : (spk_value){NULL, NULL};
  if (!spk_exists(bytes)) return spk_put(b, value);
  size_t size;
  char* data = from_base64(spk_str(bytes), &size);
  spk_put_bytes(b, data, size);
  free(data);
}

/* ---- cache ---- */

static void cache_args(op* o, spk_builder* b, const char* without) {
  const spk_value ttl = member(o->args, "ttl_ms");
  copy_args(b, o->args, without);
  if (spk_exists(ttl) && spk_type(ttl) != SPK_NULL) spk_put_key(b, "ttl_ms"), spk_put(b, ttl);
  if (spk_exists(ttl) && spk_type(ttl) == SPK_NULL) spk_put_key(b, "forever"), spk_put_bool(b, 1);
  if (o->t->namespace_ != NULL) spk_put_key(b, "namespace"), spk_put_text(b, o->t->namespace_);
}
static void cache_op(op* o, spk_work* work, uint32_t operation) {
  spk_builder b = {0};
  spk_done done;
  cache_args(o, &b, "ttl_ms items");
  const spk_value items = member(o->args, "items");
  if (spk_exists(items)) {
    spk_put_key(&b, "items");
    spk_put_object(&b);
    spk_each it = spk_each_of(items);
    while (spk_next(&it)) {
      spk_put_key_n(&b, it.key.ptr, it.key.len);
      put_bytes_of(&b, it.value);
    }
    spk_put_end(&b);
  }
  spk_put_end(&b);
  if (ask(o, work, operation, &b, &done) != 0) return;
  tell(o, done.value);
  spk_done_free(&done);
}

static void load(spk_work* work, void* user) {
  op* o = user;
  const spk_value spec = member(o->args, "load"), failure = member(spec, "fail"), value = member(spec, "value");
  __atomic_fetch_add(o->loads, 1, __ATOMIC_SEQ_CST);
  if (spk_exists(member(spec, "sleep_ms"))) spk_sleep(work, (uint64_t)spk_int(member(spec, "sleep_ms"), 0));
  if (spk_exists(failure)) {
    char* message = spk_copy_str(spk_str(failure));
    spk_fail(work, "Error", message);
    free(message);
  } else if (spk_exists(spk_member(value, "$bytes"))) {
    size_t size;
    char* data = from_base64(spk_str(spk_member(value, "$bytes")), &size);
    spk_ack_json(work, data, size);
    free(data);
  } else if (spk_type(value) == SPK_STR) {
    spk_ack_json(work, spk_str(value).ptr, spk_str(value).len);
  }
}
static void get_or_load(spk_work* work, void* user) {
  op* o = user;
  spk_builder b = {0};
  spk_done done;
  only(member(o->args, "load"), "value fail sleep_ms", "load");
  cache_args(o, &b, "load callers ttl_ms");
  spk_put_end(&b);
  const spk_bytes built = spk_built(&b);
  spk_arg args[8] = {{0}};
  spk_each it = spk_each_of((spk_value){built.ptr, built.ptr});
  char* names[8] = {0};
  for (size_t i = 0; i < 7 && spk_next(&it); ++i) {
    names[i] = spk_copy_str(it.key);
    args[i].name = names[i];
    args[i].what.type = SPK_OBJ;
    args[i].what.value = it.value;
  }
  if (spk_get_or_load(work, "default", args, load, o, &done) != 0) {
    o->failed = 1;
    o->error = done;
  } else {
    out_value(&o->result, spk_member(done.value, "value"));
    spk_done_free(&done);
  }
  for (size_t i = 0; i < 8; ++i) free(names[i]);
  spk_builder_free(&b);
}

/* ---- storage ---- */

static void write_stream(op* o, spk_work* work) {
  const spk_value pattern = member(o->args, "pattern"), abort_after = member(o->args, "abort_after");
  const spk_text repeat = spk_str(member(pattern, "repeat"));
  const int64_t size = spk_int(member(pattern, "bytes"), 0), piece = spk_int(member(o->args, "piece"), 1);
  char* data = malloc((size_t)size + 1);
  for (int64_t i = 0; i < size; ++i) data[i] = repeat.ptr[(size_t)i % repeat.len];
  const spk_text key = spk_str(member(o->args, "key"));
  spk_stream* stream =
      spk_open_stream(work, SPK_OP_STORAGE_WRITE_STREAM, "default", SPK_OBJECT({"key", SPK_TEXT_N(key.ptr, key.len)}));
  int whole = 1;
  for (int64_t at = 0; at < size && whole; at += piece) {
    whole = !spk_exists(abort_after) || at < spk_int(abort_after, 0);
    if (whole && spk_push(stream, data + at, (size_t)(size - at < piece ? size - at : piece)) != 0) break;
  }
  free(data);
  spk_done done;
  if (spk_close_stream(stream, whole, &done) != 0) {
    o->failed = 1;
    o->error = done;
    return;
  }
  out_s(&o->result, "null");
  spk_done_free(&done);
}

/* `{key, ...}` of {object: {...}}, and data first of a read. */
static void storage_op(op* o, spk_work* work, uint32_t operation, const char* part) {
  spk_builder b = {0};
  spk_done done;
  copy_args(&b, o->args, "");
  spk_put_end(&b);
  if (ask(o, work, operation, &b, &done) != 0) return;
  if (part == NULL) out_s(&o->result, "null");
  else if (*part == '\0') out_value(&o->result, done.value);
  else out_value(&o->result, spk_member(done.value, part));
  spk_done_free(&done);
}

/* ---- db ---- */

static void db_args(op* o, spk_builder* b, spk_value from) {
  const spk_value tx = member(o->args, "tx");
  spk_put_object(b);
  spk_put_key(b, "sql"), spk_put(b, member(from, "sql"));
  if (spk_exists(member(from, "params"))) spk_put_key(b, "params"), spk_put(b, member(from, "params"));
  if (!spk_exists(tx)) return;
  char* name = spk_copy_str(spk_str(tx));
  const named* open = find(o->t->transactions, name);
  free(name);
  spk_put_key(b, "transaction"), spk_put_uint(b, open == NULL ? UINT64_MAX : open->number);
}

static void rows(op* o, spk_work* work) {
  spk_builder b = {0};
  spk_done done;
  db_args(o, &b, o->args);
  spk_put_end(&b);
  if (ask(o, work, SPK_OP_DB_QUERY, &b, &done) != 0) return;
  out* r = &o->result;
  out_s(r, "{\"rows\": [");
  spk_each list = spk_each_of(spk_member(done.value, "rows"));
  for (int first = 1; spk_next(&list); first = 0) {
    out_s(r, first ? "{" : ", {");
    spk_each row = spk_each_of(list.value), types = spk_each_of(spk_member(done.value, "types"));
    for (int first_member = 1; spk_next(&row) && spk_next(&types); first_member = 0) {
      if (!first_member) out_s(r, ", ");
      out_json_text(r, row.key);
      out_s(r, ": ");
      /* What JSON has no form for is tagged. */
      const int timestamp = is(types.value, "timestamp") && spk_type(row.value) == SPK_STR,
                decimal = spk_type(row.value) == SPK_NUMTEXT;
      if (timestamp || decimal) {
        out_s(r, timestamp ? "{\"$timestamp\": " : "{\"$decimal\": ");
        out_json_text(r, spk_str(row.value));
        out_s(r, "}");
      } else {
        out_value(r, row.value);
      }
    }
    out_s(r, "}");
  }
  out_s(r, "], \"columns\": ");
  out_value(r, spk_member(done.value, "columns"));
  out_s(r, "}");
  spk_done_free(&done);
}

static void execute(op* o, spk_work* work) {
  spk_builder b = {0};
  spk_done done;
  db_args(o, &b, o->args);
  spk_put_end(&b);
  if (ask(o, work, SPK_OP_DB_EXECUTE, &b, &done) != 0) return;
  out_value(&o->result, done.value);
  spk_done_free(&done);
}

static void about_tx(op* o, spk_work* work, uint32_t operation, uint64_t tx, int savepoint) {
  spk_builder b = {0};
  spk_done done;
  spk_put_object(&b);
  spk_put_key(&b, "transaction"), spk_put_uint(&b, tx);
  if (savepoint) spk_put_key(&b, "savepoint"), spk_put_bool(&b, 1);
  spk_put_end(&b);
  if (ask(o, work, operation, &b, &done) == 0) spk_done_free(&done);
}

/* 0, 1: a scope failed (told by `fail`), -1: a statement did. */
static int scope(op* o, spk_work* work, uint64_t tx, spk_value statements) {
  spk_each it = spk_each_of(statements);
  while (spk_next(&it)) {
    const spk_value failure = member(it.value, "fail"), nested = member(it.value, "nested");
    if (spk_exists(failure)) {
      fail(o, SPK_KIND_INTERNAL, "scope_failed", text_of(failure));
      return 1;
    }
    if (spk_exists(nested)) {
      about_tx(o, work, SPK_OP_DB_SAVEPOINT, tx, 0);
      if (o->failed) return -1;
      const int inner = scope(o, work, tx, nested);
      const spk_done why = o->error;
      const int failed = o->failed;
      o->failed = 0;
      about_tx(o, work, inner == 0 ? SPK_OP_DB_COMMIT : SPK_OP_DB_ROLLBACK, tx, 1);
      if (failed && !(inner == 1 && spk_bool(member(it.value, "swallow"), 0))) {
        o->failed = 1;
        o->error = why;
      }
      if (o->failed) return inner == 0 ? -1 : inner;
      continue;
    }
    spk_builder b = {0};
    spk_done done;
    spk_put_object(&b);
    spk_put_key(&b, "sql"), spk_put(&b, member(it.value, "sql"));
    if (spk_exists(member(it.value, "params"))) spk_put_key(&b, "params"), spk_put(&b, member(it.value, "params"));
    spk_put_key(&b, "transaction"), spk_put_uint(&b, tx);
    spk_put_end(&b);
    if (ask(o, work, SPK_OP_DB_EXECUTE, &b, &done) != 0) return -1;
    spk_done_free(&done);
  }
  return 0;
}
static int transaction_body(spk_work* work, uint64_t tx, void* user) {
  op* o = user;
  return scope(o, work, tx, member(o->args, "body"));
}

static void db_op(op* o, spk_work* work) {
  const char* name = o->name;
  char* tx = text_of(member(o->args, "tx"));
  named* open = find(o->t->transactions, tx);
  if (strcmp(name, "query") == 0) return rows(o, work);
  if (strcmp(name, "execute") == 0) return execute(o, work);
  if (strcmp(name, "close") == 0) return forward(o, work, SPK_OP_DB_CLOSE, "");
  if (strcmp(name, "begin") == 0) {
    forward(o, work, SPK_OP_DB_BEGIN, "tx");
    if (o->failed) return;
    add(&o->t->transactions, tx)->number = strtoull(o->result.ptr, NULL, 10);
    out_free(&o->result);
  } else if (strcmp(name, "transaction") == 0) {
    spk_done done;
    const uint32_t status = spk_transaction(work, "default", NULL, transaction_body, o, &done);
    if (status != 0 && !o->failed) {
      o->failed = 1;
      o->error = done;
    } else {
      spk_done_free(&done);
    }
  } else {
    about_tx(o, work, strcmp(name, "commit") == 0 ? SPK_OP_DB_COMMIT : SPK_OP_DB_ROLLBACK,
             open == NULL ? UINT64_MAX : open->number, 0);
    if (open != NULL && strcmp(name, "drop_transaction") == 0) take(&o->t->transactions, open);
  }
  if (!o->failed) out_s(&o->result, "null");
}

/* ---- messaging and tasks ---- */

static void on_message(spk_work* work, void* user) {
  out what = {0};
  const spk_record* record = spk_record_of(work);
  const spk_text payload = spk_body(work);
  char* text = base64_of(payload.ptr, payload.len);
  out_s(&what, "\"payload\": {\"$bytes\": \"");
  out_s(&what, text);
  out_s(&what, "\"}, \"headers\": {");
  const spk_pair* pairs = (const spk_pair*)((const char*)record + record->meta.off);
  for (uint32_t i = 0; i < record->meta.len; ++i) {
    if (i > 0) out_s(&what, ", ");
    out_json_text(&what, (spk_text){(const char*)record + pairs[i].name.off, pairs[i].name.len});
    out_s(&what, ": ");
    out_json_text(&what, (spk_text){(const char*)record + pairs[i].value.off, pairs[i].value.len});
  }
  char count[64];
  snprintf(count, sizeof count, "}, \"delivery_count\": %u", record->attempt);
  out_s(&what, count);
  script_run(user, work, payload, what.ptr);
  free(text);
  out_free(&what);
}
static void on_task(spk_work* work, void* user) {
  out what = {0};
  const spk_text name = spk_str(spk_member(spk_nodes(work), "name"));
  char attempt[64];
  out_s(&what, "\"task\": ");
  out_json_text(&what, name);
  snprintf(attempt, sizeof attempt, ", \"attempt\": %llu",
           (unsigned long long)spk_uint(spk_member(spk_nodes(work), "tries"), 0) + 1);
  out_s(&what, attempt);
  script_run(user, work, name, what.ptr);
  out_free(&what);
}

/* A consumer or a worker by its name. */
static void start_one(op* o, spk_work* work, uint32_t operation, const char* known) {
  spk_builder b = {0};
  spk_done done;
  only(o->args, known, o->name);
  const int tasks = operation == SPK_OP_TASKS_START_WORKER;
  script* s = script_new(member(o->args, "handler"));
  copy_args(&b, o->args, "handler max_concurrency");
  const spk_value concurrency = member(o->args, "max_concurrency"), names = member(member(o->args, "handler"), "known");
  if (spk_exists(concurrency)) spk_put_key(&b, "concurrency"), spk_put(&b, concurrency);
  if (tasks && spk_exists(names)) spk_put_key(&b, "tasks"), spk_put(&b, names);
  spk_put_key(&b, "user"), spk_put_uint(&b, spk_handler_number(o->t->service, tasks ? on_task : on_message, s));
  spk_put_end(&b);
  /* Before the start: its first message may come before the answer. */
  named* one = add(&o->t->running, text_of(member(o->args, "name")));
  one->script = s;
  if (ask(o, work, operation, &b, &done) != 0) {
    take(&o->t->running, one);
    return;
  }
  one->number = spk_uint(spk_member(done.value, "consumer"), 0);
  spk_done_free(&done);
  out_s(&o->result, "null");
}

static void stop_one(op* o, spk_work* work, const named* one, int kill, int64_t limit_ms, spk_done* done) {
  const int tasks = strcmp(o->t->kind, "tasks") == 0;
  spk_builder b = {0};
  spk_put_object(&b);
  if (tasks) spk_put_key(&b, "name"), spk_put_text(&b, one->name);
  else spk_put_key(&b, "consumer"), spk_put_uint(&b, one->number);
  if (!kill && limit_ms >= 0) spk_put_key(&b, tasks ? "timeout_ms" : "drain_timeout_ms"), spk_put_int(&b, limit_ms);
  spk_put_end(&b);
  ask(o, work,
      tasks ? (kill ? SPK_OP_TASKS_KILL_WORKER : SPK_OP_TASKS_STOP_WORKER)
            : (kill ? SPK_OP_MESSAGING_KILL_CONSUMER : SPK_OP_MESSAGING_STOP_CONSUMER),
      &b, done);
}

static named* handled_by(op* o) {
  const spk_value consumer = member(o->args, "consumer");
  char* name = text_of(spk_exists(consumer) ? consumer : member(o->args, "worker"));
  named* one = find(o->t->running, name);
  return one != NULL ? one : find(o->t->ended, name);
}

/* What consumers and workers have in common. 1: it was one of these. */
static int common_op(op* o, spk_work* work) {
  const char* name = o->name;
  out* r = &o->result;
  named* one = handled_by(o);
  char number[32];
  if (strcmp(name, "expect_handled") == 0 || strcmp(name, "expect_runs") == 0) {
    pthread_mutex_lock(&one->script->mutex);
    out_s(r, "[");
    for (const struct note* n = one->script->done; n != NULL; n = n->next) {
      if (n != one->script->done) out_s(r, ", ");
      out_s(r, n->text);
    }
    out_s(r, "]");
    pthread_mutex_unlock(&one->script->mutex);
  } else if (strcmp(name, "max_in_flight") == 0 || strcmp(name, "cancellations_seen") == 0) {
    pthread_mutex_lock(&one->script->mutex);
    snprintf(number, sizeof number, "%ld", *name == 'm' ? one->script->most : one->script->cancellations);
    pthread_mutex_unlock(&one->script->mutex);
    out_s(r, number);
  } else if (strcmp(name, "stop_consumer") == 0 || strcmp(name, "kill_consumer") == 0 || strcmp(name, "kill_worker") == 0) {
    const int kill = *name == 'k';
    pthread_mutex_lock(&one->script->mutex);
    one->script->dead = kill;
    pthread_mutex_unlock(&one->script->mutex);
    spk_done done;
    take(&o->t->running, one);
    one->next = o->t->ended;
    o->t->ended = one;
    stop_one(o, work, one, kill, -1, &done);
    if (o->failed) return 1;
    spk_done_free(&done);
    out_s(r, "null");
  } else {
    return 0;
  }
  return 1;
}

static void messaging_op(op* o, spk_work* work) {
  const char* name = o->name;
  if (strcmp(name, "publish") == 0) {
    forward(o, work, SPK_OP_MESSAGING_PUBLISH, "");
    if (!o->failed) out_free(&o->result), out_s(&o->result, "null");
  } else if (strcmp(name, "start_consumer") == 0) {
    start_one(o, work, SPK_OP_MESSAGING_START_CONSUMER,
              "name topic group handler max_retries dead_letter backoff ack_wait_ms handler_timeout_ms max_concurrency ordered "
              "start_from");
  } else if (strcmp(name, "expect_dead_letters") == 0) {
    spk_builder b = {0};
    spk_done done;
    copy_args(&b, o->args, "");
    spk_put_key(&b, "payloads"), spk_put_bool(&b, 1);
    spk_put_end(&b);
    if (ask(o, work, SPK_OP_MESSAGING_LIST_DEAD_LETTERS, &b, &done) != 0) return;
    out_value(&o->result, spk_member(done.value, "messages"));
    spk_done_free(&done);
  } else if (strcmp(name, "metric") == 0) {
    spk_builder b = {0};
    spk_done done;
    spk_put_object(&b), spk_put_end(&b);
    if (ask(o, work, SPK_OP_MESSAGING_STATS, &b, &done) != 0) return;
    out_value(&o->result, spk_member(done.value, text_of(member(o->args, "name"))));
    spk_done_free(&done);
  } else if (strcmp(name, "topic_match") == 0) {
    forward(o, work, SPK_OP_MESSAGING_TOPIC_MATCH, "");
  } else if (!common_op(o, work)) {
    fail(o, UINT32_MAX, "not_built", name);
  }
}

static void start_scheduler(op* o, spk_work* work, char* instance) {
  if (o->failed || find(o->t->schedulers, instance) != NULL) return;
  spk_builder b = {0};
  spk_done done;
  spk_put_object(&b);
  spk_put_key(&b, "name"), spk_put_text(&b, instance);
  spk_put_end(&b);
  add(&o->t->schedulers, instance);
  if (ask(o, work, SPK_OP_TASKS_START_SCHEDULER, &b, &done) == 0) spk_done_free(&done);
}

/* 2024-01-01T00:00:00.5Z of ms since the epoch, or null. */
static void out_instant(out* o, spk_value ms) {
  if (spk_type(ms) == SPK_NULL) return out_s(o, "null");
  const int64_t all = spk_int(ms, 0);
  const int64_t days = (all >= 0 ? all : all - 86399999) / 86400000, rest = all - days * 86400000;
  /* Civil from days (Howard Hinnant). */
  const int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
  const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100),
                mp = (5 * doy + 2) / 153;
  const int64_t day = doy - (153 * mp + 2) / 5 + 1, month = mp < 10 ? mp + 3 : mp - 9, year = yoe + era * 400 + (month <= 2);
  char text[64];
  int n = snprintf(text, sizeof text, "\"%04lld-%02lld-%02lldT%02lld:%02lld:%02lld", (long long)year, (long long)month,
                   (long long)day, (long long)(rest / 3600000), (long long)(rest / 60000 % 60), (long long)(rest / 1000 % 60));
  if (rest % 1000 != 0) n += snprintf(text + n, sizeof text - (size_t)n, ".%03lld", (long long)(rest % 1000));
  snprintf(text + n, sizeof text - (size_t)n, "Z\"");
  out_s(o, text);
}

static void tasks_op(op* o, spk_work* work) {
  const char* name = o->name;
  out* r = &o->result;
  if (strcmp(name, "enqueue") == 0) return forward(o, work, SPK_OP_TASKS_ENQUEUE, "");
  if (strcmp(name, "start_worker") == 0)
    return start_one(o, work, SPK_OP_TASKS_START_WORKER, "name queue handler max_concurrency lease_ms");
  if (strcmp(name, "job") == 0) return forward(o, work, SPK_OP_TASKS_JOB, "");
  if (strcmp(name, "retry_job") == 0) return forward(o, work, SPK_OP_TASKS_RETRY, "");
  if (strcmp(name, "cancel") == 0) return forward(o, work, SPK_OP_TASKS_CANCEL, "");
  if (strcmp(name, "pending_count") == 0) return forward(o, work, SPK_OP_TASKS_PENDING_COUNT, "");
  if (strcmp(name, "schedule") == 0) {
    only(o->args, "name cron timezone queue task misfire overlap instance", "schedule");
    forward(o, work, SPK_OP_TASKS_SCHEDULE, "instance");
    const spk_value instance = member(o->args, "instance");
    start_scheduler(o, work, spk_exists(instance) ? text_of(instance) : format_kept("default"));
  } else if (strcmp(name, "start_scheduler") == 0) {
    start_scheduler(o, work, format_kept("default"));
  } else if (strcmp(name, "stop_scheduler") == 0) {
    while (o->t->schedulers != NULL && !o->failed) {
      spk_builder b = {0};
      spk_done done;
      spk_put_object(&b);
      spk_put_key(&b, "name"), spk_put_text(&b, o->t->schedulers->name);
      spk_put_end(&b);
      o->t->schedulers = o->t->schedulers->next;
      if (ask(o, work, SPK_OP_TASKS_STOP_SCHEDULER, &b, &done) == 0) spk_done_free(&done);
    }
  } else if (strcmp(name, "expect_scheduled") == 0) {
    spk_builder b = {0};
    spk_done done;
    spk_put_object(&b);
    spk_put_key(&b, "schedule"), spk_put(&b, member(o->args, "name"));
    spk_put_key(&b, "limit"), spk_put_int(&b, 1000);
    spk_put_end(&b);
    if (ask(o, work, SPK_OP_TASKS_LIST, &b, &done) != 0) return;
    spk_each it = spk_each_of(spk_member(done.value, "jobs"));
    out_s(r, "[");
    for (int first = 1; spk_next(&it); first = 0) {
      if (!first) out_s(r, ", ");
      out_instant(r, spk_member(it.value, "scheduled_at"));
    }
    out_s(r, "]");
    spk_done_free(&done);
    return;
  } else if (!common_op(o, work)) {
    fail(o, UINT32_MAX, "not_built", name);
    return;
  } else {
    return;
  }
  out_free(r);
  out_s(r, "null");
}

/* ---- one op ---- */

static void cloudevents_op(op* o, spk_work* work) {
  spk_builder b = {0};
  spk_done done;
  const int encode = strcmp(o->name, "encode") == 0;
  spk_put_object(&b);
  spk_each it = spk_each_of(o->args);
  while (spk_next(&it)) {
    if (spk_type(it.value) == SPK_NULL) continue;
    spk_put_key_n(&b, it.key.ptr, it.key.len);
    put_bytes_of(&b, it.value);
  }
  spk_put_end(&b);
  if (ask(o, work, encode ? SPK_OP_CLOUDEVENTS_ENCODE : SPK_OP_CLOUDEVENTS_DECODE, &b, &done) != 0) return;
  if (encode) {
    out_s(&o->result, "{");
    int first = 1;
    for (it = spk_each_of(done.value); spk_next(&it);) {
      if (spk_type(it.value) == SPK_NULL) continue;
      if (!first) out_s(&o->result, ", ");
      out_json_text(&o->result, it.key);
      out_s(&o->result, ": ");
      out_value(&o->result, it.value);
      first = 0;
    }
    out_s(&o->result, "}");
  } else {
    out_value(&o->result, spk_item(spk_member(done.value, "events"), 0));
  }
  spk_done_free(&done);
}

static void run_op(spk_work* work, void* user) {
  op* o = user;
  static const struct {
    const char *kind, *name;
    uint32_t operation;
    const char* part; /* of a storage operation: the member that is told, NULL none, "" all */
  } ops[] = {{"cache", "get", SPK_OP_CACHE_GET, NULL},
             {"cache", "set", SPK_OP_CACHE_SET, NULL},
             {"cache", "delete", SPK_OP_CACHE_DELETE, NULL},
             {"cache", "exists", SPK_OP_CACHE_EXISTS, NULL},
             {"cache", "count", SPK_OP_CACHE_COUNT, NULL},
             {"cache", "clear", SPK_OP_CACHE_CLEAR, NULL},
             {"cache", "get_many", SPK_OP_CACHE_GET_MANY, NULL},
             {"cache", "set_many", SPK_OP_CACHE_SET_MANY, NULL},
             {"cache", "set_if_absent", SPK_OP_CACHE_SET_IF_ABSENT, NULL},
             {"cache", "delete_if", SPK_OP_CACHE_DELETE_IF, NULL},
             {"cache", "increment", SPK_OP_CACHE_INCREMENT, NULL},
             {"cache", "touch", SPK_OP_CACHE_TOUCH, NULL},
             {"cache", "ttl", SPK_OP_CACHE_TTL, NULL},
             {"storage", "write", SPK_OP_STORAGE_WRITE, NULL},
             {"storage", "read", SPK_OP_STORAGE_READ, "data"},
             {"storage", "stat", SPK_OP_STORAGE_STAT, "object"},
             {"storage", "exists", SPK_OP_STORAGE_EXISTS, "value"},
             {"storage", "delete", SPK_OP_STORAGE_DELETE, NULL},
             {"storage", "copy", SPK_OP_STORAGE_COPY, NULL},
             {"storage", "list", SPK_OP_STORAGE_LIST, ""},
             {"storage", "presign", SPK_OP_STORAGE_PRESIGN, "url"},
             {"storage", "plan_upload", SPK_OP_STORAGE_PLAN_UPLOAD, ""},
             {"storage", "complete_upload", SPK_OP_STORAGE_COMPLETE_UPLOAD, "object"},
             {"storage", "abort_upload", SPK_OP_STORAGE_ABORT_UPLOAD, NULL},
             {"cron", "next", SPK_OP_CRON_NEXT, ""},
             {"telemetry", "parse_traceparent", SPK_OP_TELEMETRY_PARSE_TRACEPARENT, ""},
             {"telemetry", "parse_tracestate", SPK_OP_TELEMETRY_PARSE_TRACESTATE, ""},
             {"telemetry", "parse_baggage", SPK_OP_TELEMETRY_PARSE_BAGGAGE, ""}};
  const char* kind = o->t->kind;
  for (size_t i = 0; i < sizeof ops / sizeof *ops; ++i) {
    if (strcmp(ops[i].kind, kind) != 0 || strcmp(ops[i].name, o->name) != 0) continue;
    if (strcmp(kind, "cache") == 0) return cache_op(o, work, ops[i].operation);
    if (strcmp(kind, "storage") == 0) return storage_op(o, work, ops[i].operation, ops[i].part);
    return forward(o, work, ops[i].operation, "");
  }
  if (strcmp(kind, "cache") == 0 && strcmp(o->name, "get_or_load") == 0) return get_or_load(work, o);
  if (strcmp(kind, "storage") == 0 && strcmp(o->name, "write_stream") == 0) return write_stream(o, work);
  if (strcmp(kind, "cloudevents") == 0) return cloudevents_op(o, work);
  static const char* const db_ops = " query execute close begin transaction commit rollback drop_transaction ";
  char padded[64];
  snprintf(padded, sizeof padded, " %s ", o->name);
  if (strcmp(kind, "db") == 0 && strstr(db_ops, padded) != NULL) return db_op(o, work);
  if (strcmp(kind, "messaging") == 0) return messaging_op(o, work);
  if (strcmp(kind, "tasks") == 0) return tasks_op(o, work);
  fail(o, UINT32_MAX, "not_built", o->name);
}

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

static const char* server(const char* name) {
  char variable[64];
  snprintf(variable, sizeof variable, "SPIKARD_TEST_%s", name);
  const char* value = getenv(variable);
  return value == NULL ? "" : value;
}

void toolbox_backends(out* o, spk_value subsystem) {
  /* The name of a server's URL, or none: it is always there. */
  static const struct {
    const char *subsystem, *backend, *url;
  } all[] = {{"cache", "memory", NULL},
             {"cache", "redis", "REDIS_URL"},
             {"cache", "tiered", "REDIS_URL"},
             {"storage", "memory", NULL},
             {"storage", "fs", NULL},
             {"storage", "s3", "S3_URL"},
             {"storage", "gcs", "GCS_URL"},
             {"storage", "azblob", "AZBLOB_URL"},
             {"db", "sqlite", NULL},
             {"db", "postgres", "POSTGRES_URL"},
             {"messaging", "memory", NULL},
             {"messaging", "sqlite", NULL},
             {"messaging", "kafka", "KAFKA_URL"},
             {"messaging", "mqtt", "MQTT_URL"},
             {"messaging", "nats", "NATS_URL"},
             {"tasks", "memory", NULL},
             {"tasks", "sqlite", NULL},
             {"tasks", "postgres", "POSTGRES_URL"}};
  static const char* const plain[] = {"cron", "cloudevents", "telemetry"};
  out_s(o, ", \"backends\": [");
  int first = 1, known = 0;
  for (size_t i = 0; i < sizeof plain / sizeof *plain; ++i) known |= is(subsystem, plain[i]);
  for (size_t i = 0; i < sizeof all / sizeof *all; ++i) {
    if (!is(subsystem, all[i].subsystem)) continue;
    known = 1;
    if (all[i].url != NULL && *server(all[i].url) == '\0') continue;
    out_s(o, first ? "\"" : ", \"");
    out_s(o, all[i].backend);
    out_s(o, "\"");
    first = 0;
  }
  out_s(o, "]");
  if (!known) refuse("not_built", "client %s", text_of(subsystem));
}

/* The options of the client at `services`, as the inside of a JSON object. */
static const char* options_of(toolbox* t, const char* kind) {
  static unsigned places;
  const spk_value config = t->config;
  const char* backend = text_of(spk_exists(member(config, "backend")) ? member(config, "backend") : member(config, "driver"));
  const char* own = format_kept("fixture_c_%d_%u", (int)getpid(), ++places);
  char* url = NULL;
  if (strcmp(kind, "cache") == 0) {
    only(config, "backend default_ttl_ms max_entries", "cache");
    if (strcmp(backend, "memory") == 0) url = format_kept("memory:");
    if (strcmp(backend, "redis") == 0) url = format_kept("%s?prefix=%s:", server("REDIS_URL"), own);
    if (strcmp(backend, "tiered") == 0) url = format_kept("tiered+%s?prefix=%s:", server("REDIS_URL"), own);
  } else if (strcmp(kind, "storage") == 0) {
    const int bucket = spk_exists(member(config, "bucket"));
    only(config, bucket ? "backend bucket region endpoint addressing access_key secret_key clock" : "backend", "storage");
    if (strcmp(backend, "memory") == 0) url = format_kept("memory:");
    if (strcmp(backend, "fs") == 0) url = format_kept("file:%s/objects", t->folder);
    if (strcmp(backend, "s3") == 0 && bucket) {
      out o = {0};
      spk_each it = spk_each_of(config);
      while (spk_next(&it)) {
        if (spk_text_is(it.key, "backend") || spk_text_is(it.key, "bucket") || spk_text_is(it.key, "clock")) continue;
        if (o.len > 0) out_s(&o, ", ");
        out_json_text(&o, it.key);
        out_s(&o, ": ");
        out_value(&o, it.value);
      }
      char* text = format_kept("\"url\": \"s3://%s\", \"s3\": {%s}", text_of(member(config, "bucket")), o.ptr);
      out_free(&o);
      return text;
    }
    if (strcmp(backend, "s3") == 0)
      return format_kept(
          "\"url\": \"s3://%s/%s\", \"s3\": {\"endpoint\": \"%s\", \"addressing\": \"path\", \"access_key\": \"%s\", "
          "\"secret_key\": \"%s\"}",
          server("S3_BUCKET"), own, server("S3_URL"), server("S3_ACCESS_KEY"), server("S3_SECRET_KEY"));
    if (strcmp(backend, "gcs") == 0)
      return format_kept(
          "\"url\": \"gcs://%s/%s\", \"gcs\": {\"endpoint\": \"%s\", \"anonymous\": true}, \"presign\": {\"secret\": \"of the "
          "tokens\"}",
          server("GCS_BUCKET"), own, server("GCS_URL"));
    if (strcmp(backend, "azblob") == 0)
      return format_kept(
          "\"url\": \"azblob://%s/%s\", \"azblob\": {\"endpoint\": \"%s\", \"account\": \"%s\", \"account_key\": \"%s\"}",
          server("AZBLOB_CONTAINER"), own, server("AZBLOB_URL"), server("AZBLOB_ACCOUNT"), server("AZBLOB_KEY"));
  } else if (strcmp(backend, "postgres") == 0) {
    t->schema = format_kept("%s", own);
    url = format_kept("%s%coptions=-csearch_path%%3D%s", server("POSTGRES_URL"),
                      strchr(server("POSTGRES_URL"), '?') != NULL ? '&' : '?', own);
  } else if (strcmp(backend, "memory") == 0 && strcmp(kind, "db") != 0) {
    url = format_kept("memory:");
  } else if (strcmp(backend, "sqlite") == 0) {
    url = format_kept("sqlite:%s/test.db", t->folder);
  } else if (strcmp(backend, "nats") == 0) {
    url = format_kept("%s?storage=memory&stream=%s", server("NATS_URL"), own);
  } else if (strcmp(backend, "kafka") == 0) {
    url = format_kept("%s?prefix=%s.", server("KAFKA_URL"), own);
  } else if (strcmp(backend, "mqtt") == 0) {
    return format_kept("\"url\": \"%s?session_expiry_s=60&prefix=%s/\", \"store\": \"sqlite:%s/deliveries.db\"",
                       server("MQTT_URL"), own, t->folder);
  }
  if (url == NULL) refuse("not_built", "backend %s", backend);
  out o = {0};
  static const char* const further[] = {"default_ttl_ms", "max_entries", "pool"};
  out_s(&o, "\"url\": ");
  out_json_text(&o, (spk_text){url, strlen(url)});
  for (size_t i = 0; i < 3; ++i)
    if (spk_exists(member(config, further[i]))) {
      out_s(&o, format_kept(", \"%s\": %s", further[i], json_of(member(config, further[i]))));
    }
  char* text = format_kept("%s", o.ptr);
  out_free(&o);
  return text;
}

static void make_schema(spk_work* work, void* user) {
  op* o = user;
  spk_builder b = {0};
  spk_done done;
  spk_put_object(&b);
  spk_put_key(&b, "sql");
  spk_put_text(&b, format_kept(o->name[0] == 'C' ? "CREATE SCHEMA %s" : "DROP SCHEMA IF EXISTS %s CASCADE", o->t->schema));
  spk_put_end(&b);
  if (ask(o, work, SPK_OP_DB_EXECUTE, &b, &done) == 0) spk_done_free(&done);
}

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
  const int with_client = strstr(" cache storage db messaging tasks ", format_kept(" %s ", t->kind)) != NULL;
  if (strcmp(t->kind, "tasks") == 0) only(t->config, "backend clock", "tasks");
  if (strcmp(t->kind, "messaging") == 0) only(t->config, "backend", "messaging");
  if (strcmp(t->kind, "db") == 0) only(t->config, "driver pool", "db");
  if (with_client) spk_service_client(s, t->kind, "default", options_of(t, t->kind));
  if (t->schema != NULL && strcmp(t->kind, "tasks") == 0)
    spk_service_client(s, "db", "default", format_kept("\"url\": \"%s\"", server("POSTGRES_URL")));
  const spk_value backend = member(t->config, "backend");
  t->capabilities = strcmp(t->kind, "storage") == 0 ? "\"metadata\", \"conditional_write\", \"uploads\"" : "";
  if (strcmp(t->kind, "messaging") == 0) {
    t->real_time = is(backend, "kafka") || is(backend, "nats");
    t->capabilities = t->real_time ? "\"replay\", \"real_time\"" : is(backend, "mqtt") ? "" : "\"replay\"";
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
  for (named* tx = o->t->transactions; tx != NULL && o->t->schema != NULL; tx = tx->next) {
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
    run_job(t, make_schema, o);
  }
  spk_service_stop(t->service, 0);
  spk_service_free(t->service);
  remove_folder(t->folder);
}
