/* The ops of each kind of client, on a thread of the service. */
#include <stdio.h>
#include <stdlib.h>

#include "toolbox.h"

named* find(named* list, const char* name) {
  while (list != NULL && strcmp(list->name, name) != 0) list = list->next;
  return list;
}
static named* add(named** list, char* name) {
  named* one = kept(sizeof *one);
  one->name = name;
  one->next = *list;
  return *list = one;
}
void take(named** list, const named* one) {
  while (*list != NULL && *list != one) list = &(*list)->next;
  if (*list != NULL) *list = one->next;
}

/* Asks, and keeps the error. 0: it went well, and `done` is the caller's. */
int ask(op* o, spk_work* work, uint32_t operation, spk_builder* b, spk_done* done) {
  spk_ask_built(work, operation, "default", b, done);
  spk_builder_free(b);
  if (done->status == 0) return 0;
  o->failed = 1;
  o->error = *done;
  return -1;
}
void fail(op* o, uint32_t status, const char* detail, const char* message) {
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
void get_or_load(spk_work* work, void* user) {
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

void about_tx(op* o, spk_work* work, uint32_t operation, uint64_t tx, int savepoint) {
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

void stop_one(op* o, spk_work* work, const named* one, int kill, int64_t limit_ms, spk_done* done) {
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

void run_op(spk_work* work, void* user) {
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
