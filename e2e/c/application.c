/* A case's application: what handlers, hooks, dependencies and events can do (fixtures/README.md). */
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "case.h"

typedef struct list {
  struct list* next;
  char* name;
  out items;
} list;
typedef struct counter {
  struct counter* next;
  char* name;
  long value;
} counter;

/* ---- what is answered ---- */

typedef struct content {
  char* data; /* to be freed */
  size_t size;
  unsigned format;
} content;
static content content_of(spk_value spec) {
  content c = {NULL, 0, SPK_BODY_RAW};
  const spk_value json = member(spec, "json");
  const spk_value text = member(spec, "text");
  if (spk_exists(json)) {
    out o = {0};
    out_value(&o, json);
    c = (content){o.ptr, o.len, SPK_BODY_JSON};
  } else if (spk_exists(text)) {
    c = (content){spk_copy_str(spk_str(text)), spk_str(text).len, SPK_BODY_TEXT};
  } else {
    c.data = from_base64(spk_str(member(spec, "base64")), &c.size);
  }
  return c;
}

static void put_headers(spk_work* work, spk_value headers) {
  spk_each it = spk_each_of(headers);
  while (spk_next(&it)) {
    char* name = spk_copy_str(it.key);
    spk_each lines = spk_each_of(it.value);
    if (spk_type(it.value) == SPK_ARR) {
      while (spk_next(&lines)) {
        char* line = spk_copy_str(spk_str(lines.value));
        spk_append_header(work, name, line);
        free(line);
      }
    } else {
      char* line = spk_copy_str(spk_str(it.value));
      spk_append_header(work, name, line);
      free(line);
    }
    free(name);
  }
}

static void put_cookies(spk_work* work, spk_value cookies) {
  spk_each it = spk_each_of(cookies);
  while (spk_next(&it)) {
    const spk_value v = it.value;
    char *name = spk_copy_str(spk_str(member(v, "name"))), *value = spk_copy_str(spk_str(member(v, "value")));
    char *domain = spk_copy_str(spk_str(member(v, "domain"))), *path = spk_copy_str(spk_str(member(v, "path")));
    char* same_site = spk_copy_str(spk_str(member(v, "same_site")));
    spk_cookie cookie = {.name = name,
                         .value = value == NULL ? "" : value,
                         .domain = domain,
                         .path = path,
                         .same_site = same_site,
                         .has_max_age = spk_exists(member(v, "max_age")),
                         .max_age = spk_int(member(v, "max_age"), 0),
                         .secure = spk_bool(member(v, "secure"), 0),
                         .http_only = spk_bool(member(v, "http_only"), 0)};
    if (spk_set_cookie(work, &cookie) != 0) spk_fail(work, "Cookie", "it was refused");
    free(name), free(value), free(domain), free(path), free(same_site);
  }
}

static void respond(spk_work* work, spk_value spec) {
  const spk_value body = member(spec, "body");
  put_headers(work, member(spec, "headers"));
  put_cookies(work, member(spec, "cookies"));
  const content c = spk_exists(body) ? content_of(body) : (content){NULL, 0, SPK_BODY_RAW};
  const spk_value media_type = member(body, "media_type");
  if (spk_exists(media_type)) {
    char* text = spk_copy_str(spk_str(media_type));
    spk_append_header(work, "content-type", text);
    free(text);
  }
  spk_reply(work, (unsigned)spk_int(member(spec, "status"), 200), c.format, c.data, c.size);
  free(c.data);
}

/* ---- handlers ---- */

typedef struct named {
  const char* part; /* path, query, headers, cookies */
  char* name;
} named;
typedef struct route {
  app* of;
  spk_value handler, inject;
  named* params;
  size_t param_count;
} route;

static void write_params(out* o, const char* part, const route* r, spk_work* work) {
  int first = 1;
  out_s(o, "{");
  for (size_t i = 0; i < r->param_count; ++i) {
    if (strcmp(r->params[i].part, part) != 0) continue;
    if (!first) out_s(o, ", ");
    out_json_text(o, (spk_text){r->params[i].name, strlen(r->params[i].name)});
    out_s(o, ": ");
    out_value(o, spk_param(work, (unsigned)i));
    first = 0;
  }
  out_s(o, "}");
}

static int is_utf8(spk_text t) {
  for (size_t i = 0; i < t.len;) {
    const unsigned char c = (unsigned char)t.ptr[i];
    const size_t more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    if (more == 0 && ++i) continue;
    if (c < 0xc2 || c > 0xf4 || t.len - i <= more) return 0;
    unsigned long code = c & (0x3fu >> more);
    for (size_t k = 1; k <= more; ++k) {
      const unsigned char next = (unsigned char)t.ptr[i + k];
      if ((next & 0xc0) != 0x80) return 0;
      code = code << 6 | (next & 0x3f);
    }
    if ((more == 2 && (code < 0x800 || (code >= 0xd800 && code < 0xe000))) || (more == 3 && (code < 0x10000 || code > 0x10ffff)))
      return 0;
    i += more + 1;
  }
  return 1;
}

/* Uploaded files as an echo has them: text where the bytes are UTF-8, else base64. */
static void out_shown(out* o, spk_value v) {
  spk_each it = spk_each_of(v);
  if (!spk_is_container(v)) return out_value(o, v);
  out_s(o, it.object ? "{" : "[");
  for (int first = 1; spk_next(&it); first = 0) {
    const int bytes = spk_type(it.value) == SPK_BYTES;
    if (!first) out_s(o, ", ");
    if (bytes && is_utf8(spk_str(it.value))) {
      out_s(o, "\"text\": ");
      out_json_text(o, spk_str(it.value));
    } else if (bytes) {
      char* text = base64_of(spk_str(it.value).ptr, spk_str(it.value).len);
      out_s(o, "\"base64\": \"");
      out_s(o, text);
      out_s(o, "\"");
      free(text);
    } else {
      if (it.object) {
        out_json_text(o, it.key);
        out_s(o, ": ");
      }
      out_shown(o, it.value);
    }
  }
  out_s(o, it.object ? "}" : "]");
}

static void echo(const route* r, spk_value spec, spk_work* work) {
  out o = {0};
  out_s(&o, "{");
  spk_each it = spk_each_of(member(spec, "parts"));
  for (int first = 1; spk_next(&it); first = 0) {
    const spk_text part = spk_str(it.value);
    if (!first) out_s(&o, ", ");
    out_json_text(&o, part);
    out_s(&o, ": ");
    if (spk_text_is(part, "body")) {
      out_shown(&o, spk_body_json(work));
    } else if (spk_text_is(part, "auth")) {
      const spk_request* request = spk_request_of(work);
      out_value(&o, spk_value_of(request, request->auth));
    } else if (spk_text_is(part, "context")) {
      const spk_request* request = spk_request_of(work);
      const spk_value context = spk_value_of(request, request->context);
      if (spk_exists(context)) out_value(&o, context);
      else out_s(&o, "{}");
    } else if (spk_text_is(part, "dependencies")) {
      out_s(&o, "[");
      spk_each names = spk_each_of(r->inject);
      for (unsigned i = 0; spk_next(&names); ++i) {
        const spk_record* value = spk_dependency(work, i);
        out_s(&o, i == 0 ? "{\"name\": " : ", {\"name\": ");
        out_value(&o, names.value);
        out_s(&o, ", \"value\": ");
        out_value(&o, spk_value_of(value, value->nodes));
        out_s(&o, "}");
      }
      out_s(&o, "]");
    } else {
      char* name = spk_copy_str(part);
      write_params(&o, name, r, work);
      free(name);
    }
  }
  out_s(&o, "}");
  spk_reply(work, (unsigned)spk_int(member(spec, "status"), 200), SPK_BODY_JSON, o.ptr, o.len);
  out_free(&o);
}

static void stream(spk_value spec, spk_work* work) {
  char* media_type = spk_copy_str(spk_str(member(spec, "media_type")));
  const int64_t fail_after = spk_int(member(spec, "fail_after"), -1);
  const int64_t delay = spk_int(member(spec, "delay_ms"), 0);
  int gone = spk_stream_begin(work, 200, media_type);
  free(media_type);
  spk_each it = spk_each_of(member(spec, "chunks"));
  int64_t written = 0;
  while (gone == 0 && written != fail_after && spk_next(&it)) {
    if (written > 0 && delay > 0) gone = spk_sleep(work, (uint64_t)delay);
    const content c = content_of(it.value);
    if (gone == 0) gone = spk_stream_write(work, c.data, c.size);
    free(c.data);
    ++written;
  }
  if (gone == 0 && written == fail_after) spk_fail(work, "Error", "the stream fails, as the case says");
}

typedef struct later {
  app* of;
  char* list;
  out item;
} later;
static list* list_of(app* a, const char* name) {
  for (list* l = a->lists; l != NULL; l = l->next)
    if (strcmp(l->name, name) == 0) return l;
  list* l = calloc(1, sizeof *l);
  l->name = spk_copy_str((spk_text){name, strlen(name)});
  l->next = a->lists;
  a->lists = l;
  return l;
}
static void append_later(spk_work* work, void* user) {
  (void)work;
  later* one = user;
  pthread_mutex_lock(&one->of->mutex);
  list* l = list_of(one->of, one->list);
  if (l->items.len > 0) out_s(&l->items, ", ");
  out_n(&l->items, one->item.ptr, one->item.len);
  pthread_mutex_unlock(&one->of->mutex);
  out_free(&one->item);
  free(one->list);
  free(one);
}
static void background(const route* r, spk_value spec, spk_work* work) {
  later* one = calloc(1, sizeof *one);
  char* field = spk_copy_str(spk_str(member(spec, "field")));
  one->of = r->of;
  one->list = spk_copy_str(spk_str(member(spec, "list")));
  out_value(&one->item, spk_member(spk_body_json(work), field));
  free(field);
  if (spk_background(work, append_later, one) != 0) spk_fail(work, "Error", "the background job was refused");
  spk_reply(work, 202, SPK_BODY_JSON, "{\"queued\": true}", 16);
}
static void background_list(const route* r, spk_value spec, spk_work* work) {
  char* name = spk_copy_str(spk_str(member(spec, "list")));
  out o = {0};
  out_s(&o, "{");
  out_json_text(&o, (spk_text){name, strlen(name)});
  out_s(&o, ": [");
  pthread_mutex_lock(&r->of->mutex);
  const list* l = list_of(r->of, name);
  out_n(&o, l->items.ptr, l->items.len);
  pthread_mutex_unlock(&r->of->mutex);
  out_s(&o, "]}");
  spk_reply(work, 200, SPK_BODY_JSON, o.ptr, o.len);
  out_free(&o);
  free(name);
}

static void publish(spk_value spec, spk_work* work) {
  const spk_value payload = member(spec, "payload");
  content c;
  if (spk_exists(spk_member(payload, "$text"))) {
    c = (content){spk_copy_str(spk_str(spk_member(payload, "$text"))), spk_str(spk_member(payload, "$text")).len, 0};
  } else if (spk_exists(spk_member(payload, "$bytes"))) {
    c.data = from_base64(spk_str(spk_member(payload, "$bytes")), &c.size);
  } else {
    c = (content){spk_copy_str(spk_str(payload)), spk_str(payload).len, 0};
  }
  spk_done done;
  const spk_text topic = spk_str(member(spec, "topic"));
  if (spk_ask(work, SPK_OP_MESSAGING_PUBLISH, "default",
              SPK_OBJECT({"topic", SPK_TEXT_N(topic.ptr, topic.len)}, {"payload", SPK_DATA(c.data, c.size)}), &done) == 0)
    spk_reply(work, 202, SPK_BODY_RAW, NULL, 0);
  else spk_fail(work, "Error", "the message was refused");
  spk_done_free(&done);
  free(c.data);
}

static void log_one(spk_value spec, spk_work* work) {
  spk_builder b = {0};
  spk_done done;
  spk_put_object(&b);
  spk_put_key(&b, "level"), spk_put(&b, member(spec, "level"));
  spk_put_key(&b, "message"), spk_put(&b, member(spec, "message"));
  spk_put_key(&b, "attributes"), spk_put(&b, member(spec, "attributes"));
  spk_put_end(&b);
  spk_ask_built(work, SPK_OP_TELEMETRY_LOG, NULL, &b, &done);
  spk_done_free(&done);
  spk_builder_free(&b);
}

static void handle(spk_work* work, void* user) {
  const route* r = user;
  spk_value spec = r->handler;
  for (;; spec = member(spec, "then")) {
    const spk_value kind = member(spec, "kind");
    if (is(kind, "sleep")) {
      if (spk_sleep(work, (uint64_t)spk_int(member(spec, "ms"), 0)) != 0)
        return spk_fail(work, "Error", "the sleep was cancelled");
      continue;
    }
    if (is(kind, "log")) {
      log_one(spec, work);
      continue;
    }
    if (is(kind, "respond")) return respond(work, spec);
    if (is(kind, "echo")) return echo(r, spec, work);
    if (is(kind, "stream")) return stream(spec, work);
    if (is(kind, "background")) return background(r, spec, work);
    if (is(kind, "background_list")) return background_list(r, spec, work);
    if (is(kind, "publish")) return publish(spec, work);
    if (is(kind, "problem")) {
      const spk_value problem = member(spec, "problem");
      out o = {0};
      out_value(&o, problem);
      spk_set_header(work, "content-type", "application/problem+json");
      spk_reply(work, (unsigned)spk_int(member(problem, "status"), 500), SPK_BODY_RAW, o.ptr, o.len);
      return out_free(&o);
    }
    char* message = spk_copy_str(spk_str(member(spec, "message")));
    spk_fail(work, "Error", message == NULL ? "fail" : message);
    return free(message);
  }
}

static void check_handler(spk_value spec) {
  static const char* const kinds[][2] = {{"respond", "kind status headers cookies body"},
                                         {"echo", "kind status parts"},
                                         {"problem", "kind problem"},
                                         {"fail", "kind message"},
                                         {"sleep", "kind ms then"},
                                         {"stream", "kind media_type chunks delay_ms fail_after"},
                                         {"background", "kind list field"},
                                         {"background_list", "kind list"},
                                         {"publish", "kind topic payload"},
                                         {"log", "kind level message attributes then"}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
    if (!is(member(spec, "kind"), kinds[i][0])) continue;
    only(spec, kinds[i][1], "handler");
    if (spk_exists(member(spec, "then"))) check_handler(member(spec, "then"));
    return;
  }
  refuse("not_built", "handler %s", text_of(member(spec, "kind")));
}

/* ---- hooks ---- */

typedef struct hook {
  spk_value spec;
  pthread_mutex_t mutex;
  long calls;
} hook;

static int same(spk_value a, spk_value b) {
  out left = {0}, right = {0};
  out_value(&left, a);
  out_value(&right, b);
  const int equal = left.len == right.len && memcmp(left.ptr, right.ptr, left.len) == 0;
  out_free(&left), out_free(&right);
  return equal;
}

static void unauthorized(spk_work* work, int had_token) {
  spk_set_header(work, "www-authenticate", had_token ? "Bearer error=\"invalid_token\"" : "Bearer");
  spk_problem(work, 401, NULL, NULL);
}

static void require_bearer(spk_work* work, spk_value tokens) {
  static const char scheme[] = "bearer ";
  const spk_text given = spk_header(work, "authorization");
  if (given.len <= sizeof scheme - 1) return unauthorized(work, 0);
  for (size_t i = 0; i < sizeof scheme - 1; ++i)
    if ((given.ptr[i] | 0x20) != (scheme[i] | 0x20)) return unauthorized(work, 0);
  const spk_value found = spk_member_n(tokens, given.ptr + sizeof scheme - 1, given.len - (sizeof scheme - 1));
  if (!spk_exists(found)) return unauthorized(work, 1);
  spk_each it = spk_each_of(found);
  while (spk_next(&it)) {
    char* key = spk_copy_str(it.key);
    spk_set_context(work, key, it.value);
    free(key);
  }
}

static void append_context(spk_work* work, const char* key, spk_value value) {
  spk_builder b = {0};
  const spk_value before = spk_context(work, key);
  spk_put_array(&b);
  if (spk_type(before) == SPK_ARR) {
    spk_each it = spk_each_of(before);
    while (spk_next(&it)) spk_put(&b, it.value);
  } else if (spk_exists(before)) {
    spk_put(&b, before);
  }
  spk_put(&b, value);
  spk_put_end(&b);
  const spk_bytes all = spk_built(&b);
  spk_set_context(work, key, (spk_value){all.ptr, all.ptr});
  spk_builder_free(&b);
}

static void run_hook(spk_work* work, void* user) {
  hook* h = user;
  const spk_value kind = member(h->spec, "kind");
  char *key = spk_copy_str(spk_str(member(h->spec, "key"))), *name = spk_copy_str(spk_str(member(h->spec, "name")));
  char *text = spk_copy_str(spk_str(member(h->spec, "value"))), *message = spk_copy_str(spk_str(member(h->spec, "message")));
  if (is(kind, "set_context")) spk_set_context(work, key, member(h->spec, "value"));
  else if (is(kind, "append_context")) append_context(work, key, member(h->spec, "value"));
  else if (is(kind, "set_response_header")) spk_set_header(work, name, text);
  else if (is(kind, "append_response_header")) spk_append_header(work, name, text);
  else if (is(kind, "respond")) respond(work, h->spec);
  else if (is(kind, "fail")) spk_fail(work, "Error", message == NULL ? "fail" : message);
  else if (is(kind, "require_bearer")) require_bearer(work, member(h->spec, "tokens"));
  else if (is(kind, "require_context")) {
    const spk_value have = spk_context(work, key);
    if (!spk_exists(have) || !same(have, member(h->spec, "equals"))) spk_problem(work, 403, NULL, NULL);
  } else { /* limit_calls */
    pthread_mutex_lock(&h->mutex);
    const long calls = ++h->calls;
    pthread_mutex_unlock(&h->mutex);
    if (calls > spk_int(member(h->spec, "max"), 0)) {
      char after[32];
      snprintf(after, sizeof after, "%lld", (long long)spk_int(member(h->spec, "retry_after"), 1));
      spk_set_header(work, "retry-after", after);
      spk_problem(work, 429, NULL, NULL);
    }
  }
  free(key), free(name), free(text), free(message);
}

static void add_hooks(app* a, spk_value hooks) {
  static const char* const phases[] = {"on_request", "pre_validation", "pre_handler", "on_response", "on_error"};
  static const char* const kinds[][2] = {
      {"set_context", "kind key value"},          {"append_context", "kind key value"},
      {"set_response_header", "kind name value"}, {"append_response_header", "kind name value"},
      {"respond", "kind status headers body"},    {"fail", "kind message"},
      {"require_bearer", "kind tokens"},          {"require_context", "kind key equals"},
      {"limit_calls", "kind max retry_after"}};
  only(hooks, "on_request pre_validation pre_handler on_response on_error", "hooks");
  for (unsigned phase = 0; phase < 5; ++phase) {
    spk_each it = spk_each_of(member(hooks, phases[phase]));
    while (spk_next(&it)) {
      size_t i = 0;
      while (i < sizeof kinds / sizeof *kinds && !is(member(it.value, "kind"), kinds[i][0])) ++i;
      if (i == sizeof kinds / sizeof *kinds) refuse("not_built", "hook %s", text_of(member(it.value, "kind")));
      only(it.value, kinds[i][1], "hook");
      hook* h = kept(sizeof *h);
      h->spec = it.value;
      pthread_mutex_init(&h->mutex, NULL);
      spk_add_hook(a->service, phase, kinds[i][0], run_hook, h);
    }
  }
}

/* ---- dependencies: values are records of spk_json_read ---- */

typedef struct factory {
  app* of;
  spk_value spec;
  char* name;
} factory;

static void note(app* a, const char* what, const char* name) {
  pthread_mutex_lock(&a->mutex);
  if (a->trace.len > 0) out_s(&a->trace, ", ");
  out text = {0};
  out_s(&text, what);
  out_s(&text, name);
  out_json_text(&a->trace, (spk_text){text.ptr, text.len});
  out_free(&text);
  pthread_mutex_unlock(&a->mutex);
}

static const char* type_of(spk_value v) {
  static const char* const types[] = {"null",   "boolean", "integer", "number",  "string",
                                      "string", "array",   "object",  "integer", "number"};
  return types[spk_type(v)];
}

static const spk_record* record_of(const char* json) {
  const spk_record* record = NULL;
  spk_json_read(json, strlen(json), &record);
  return record;
}

static void make(spk_work* work, void* user) {
  const factory* f = user;
  const spk_value produces = member(f->spec, "produces");
  char* json = NULL;
  char text[64];
  note(f->of, "open:", f->name);
  if (is(produces, "uuid")) {
    unsigned char b[16];
    if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b) return spk_fail(work, "Error", "no random numbers");
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40), b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    snprintf(text, sizeof text, "\"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x\"", b[0], b[1], b[2],
             b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
  } else if (is(produces, "counter")) {
    pthread_mutex_lock(&f->of->mutex);
    counter* c = f->of->counters;
    while (c != NULL && strcmp(c->name, f->name) != 0) c = c->next;
    if (c == NULL) {
      c = calloc(1, sizeof *c);
      c->name = f->name;
      c->next = f->of->counters;
      f->of->counters = c;
    }
    snprintf(text, sizeof text, "{\"instance\": %ld}", ++c->value);
    pthread_mutex_unlock(&f->of->mutex);
  } else if (spk_exists(spk_member(produces, "object"))) {
    out o = {0};
    out_value(&o, spk_member(produces, "object"));
    json = o.ptr;
  } else {
    snprintf(text, sizeof text, "null");
  }
  const spk_record* record = record_of(json != NULL ? json : text);
  free(json);
  spk_provide(work, (void*)record, type_of(spk_value_of(record, record->nodes)));
}
static void drop(spk_work* work, void* user) {
  const factory* f = user;
  note(f->of, "close:", f->name);
  spk_record_free(spk_token(work));
}

static void add_dependency(app* a, spk_route* route, spk_value spec) {
  only(spec, "name kind value async depends_on scope produces cleanup", "dependency");
  char* name = text_of(member(spec, "name"));
  if (is(member(spec, "kind"), "value")) {
    const spk_value value = member(spec, "value");
    spk_add_value(a->service, route, name, record_of(spk_exists(value) ? json_of(value) : "null"), type_of(value));
    return;
  }
  if (spk_type(member(spec, "produces")) == SPK_STR && !is(member(spec, "produces"), "uuid") &&
      !is(member(spec, "produces"), "counter"))
    refuse("not_built", "produces %s", text_of(member(spec, "produces")));
  factory* f = kept(sizeof *f);
  *f = (factory){a, spec, name};
  const spk_value scope = member(spec, "scope"), depends = member(spec, "depends_on");
  const char* options = format_kept("\"scope\": %s, \"depends_on\": %s", spk_exists(scope) ? json_of(scope) : "\"request\"",
                                    spk_exists(depends) ? json_of(depends) : "[]");
  spk_add_dependency(a->service, route, name, options, make, spk_bool(member(spec, "cleanup"), 0) ? drop : NULL, f);
}

/* ---- routes ---- */

/* The names in the order their values come: the declared ones, then those that only the path has. */
static void name_params(route* r, spk_value spec, const char* path) {
  static const char* const places[][2] = {{"path", "path"}, {"query", "query"}, {"header", "headers"}, {"cookie", "cookies"}};
  const spk_value declared = member(spec, "parameters");
  r->params = kept((spk_count(declared) + strlen(path) + 1) * sizeof *r->params);
  spk_each it = spk_each_of(declared);
  while (spk_next(&it)) {
    named* n = &r->params[r->param_count++];
    n->name = text_of(member(it.value, "name"));
    for (size_t i = 0; i < 4; ++i)
      if (is(member(it.value, "in"), places[i][0])) n->part = places[i][1];
    for (char* c = n->name; strcmp(n->part, "headers") == 0 && *c != '\0'; ++c)
      if (*c >= 'A' && *c <= 'Z') *c = (char)(*c + 32);
  }
  const size_t of_spec = r->param_count;
  for (const char* at = strchr(path, '{'); at != NULL; at = strchr(at + 1, '{')) {
    const size_t n = strcspn(at + 1, ":}");
    char* name = kept(n + 1);
    memcpy(name, at + 1, n);
    size_t i = 0;
    while (i < of_spec && (strcmp(r->params[i].part, "path") != 0 || strcmp(r->params[i].name, name) != 0)) ++i;
    if (i == of_spec) r->params[r->param_count++] = (named){"path", name};
  }
}

static void add_route(app* a, spk_value spec) {
  only(spec, "method path parameters body inject inject_types dependencies handler", "route");
  const spk_value handler = member(spec, "handler"), body = member(spec, "body");
  check_handler(handler);
  route* r = kept(sizeof *r);
  *r = (route){.of = a, .handler = handler, .inject = member(spec, "inject")};
  char* path = text_of(member(spec, "path"));
  name_params(r, spec, path);
  spk_route* added = spk_add_route(a->service, text_of(member(spec, "method")), path, handle, r);
  spk_each it = spk_each_of(spec);
  while (spk_next(&it)) {
    if (spk_text_is(it.key, "parameters") || spk_text_is(it.key, "inject") || spk_text_is(it.key, "inject_types"))
      spk_route_set(added, format_kept("\"%.*s\": %s", (int)it.key.len, it.key.ptr, json_of(it.value)));
  }
  if (spk_exists(body)) spk_route_set(added, format_kept("\"body\": %s", json_of(body)));
  spk_each own = spk_each_of(member(spec, "dependencies"));
  while (spk_next(&own)) add_dependency(a, added, own.value);
}

/* ---- events and messages ---- */

typedef struct event_handler {
  app* of;
  spk_value spec;
  char* name;
} event_handler;

static void on_event(spk_work* work, void* user) {
  event_handler* h = user;
  const spk_value event = spk_member(spk_nodes(work), "event");
  pthread_mutex_lock(&h->of->mutex);
  out* o = &h->of->events;
  if (o->len > 0) out_s(o, ", ");
  out_s(o, "{\"event\": {");
  spk_each it = spk_each_of(event);
  for (int first = 1; spk_next(&it); first = 0) {
    if (!first) out_s(o, ", ");
    if (spk_text_is(it.key, "data") && spk_type(it.value) == SPK_BYTES) {
      char* text = base64_of(spk_str(it.value).ptr, spk_str(it.value).len);
      out_s(o, "\"data_base64\": \"");
      out_s(o, text);
      out_s(o, "\"");
      free(text);
    } else {
      out_json_text(o, it.key);
      out_s(o, ": ");
      out_value(o, it.value);
    }
  }
  out_s(o, "}, \"handler\": ");
  out_json_text(o, (spk_text){h->name, strlen(h->name)});
  out_s(o, "}");
  pthread_mutex_unlock(&h->of->mutex);
  if (is(member(h->spec, "kind"), "fail")) {
    char* message = spk_copy_str(spk_str(member(h->spec, "message")));
    spk_fail(work, "Error", message == NULL ? "fail" : message);
    free(message);
  } else if (is(member(h->spec, "kind"), "reply_event")) {
    spk_reply_event(work, member(h->spec, "event"));
  }
}

static void add_events(app* a, spk_value spec) {
  only(spec, "path handler dispatch allowed_origins allowed_rate", "cloudevents");
  const spk_value handler = member(spec, "handler");
  only(handler, "kind event message", "cloudevents.handler");
  if (!is(member(handler, "kind"), "echo_event") && !is(member(handler, "kind"), "reply_event") &&
      !is(member(handler, "kind"), "fail"))
    refuse("not_built", "handler %s", text_of(member(handler, "kind")));
  char* path = text_of(member(spec, "path"));
  static const char* const members[] = {"allowed_origins", "allowed_rate"};
  for (size_t i = 0; i < 2; ++i)
    if (spk_exists(member(spec, members[i])))
      spk_event_endpoint(a->service, path, format_kept("\"%s\": %s", members[i], json_of(member(spec, members[i]))));
  int rest = 0;
  spk_each it = spk_each_of(member(spec, "dispatch"));
  while (spk_next(&it)) {
    event_handler* h = kept(sizeof *h);
    *h = (event_handler){a, handler, text_of(it.value)};
    rest |= spk_text_is(it.key, "*");
    spk_add_event(a->service, path, format_kept("%.*s", (int)it.key.len, it.key.ptr), on_event, h);
  }
  if (rest) return;
  event_handler* h = kept(sizeof *h);
  *h = (event_handler){a, handler, "default"};
  spk_add_event(a->service, path, "*", on_event, h);
}

static void on_message(spk_work* work, void* user) { script_run(user, work, spk_body(work), NULL); }

static void add_consumer(app* a, spk_value spec) {
  only(spec, "topic group handler", "consumers");
  char *topic = text_of(member(spec, "topic")), *group = text_of(member(spec, "group"));
  spk_add_consumer(a->service, topic, format_kept("\"group\": \"%s\", \"name\": \"%s.%s\"", group, topic, group), on_message,
                   script_new(member(spec, "handler")));
}

/* ---- the application ---- */

app* app_new(spk_value spec) {
  only(spec, "config hooks dependencies routes cloudevents consumers env", "app");
  app* a = kept(sizeof *a);
  pthread_mutex_init(&a->mutex, NULL);
  a->service = spk_service_new("case");
  spk_service_set(a->service, "log", "{\"level\": \"warn\"}");
  spk_service_set(a->service, "shutdown", "{\"timeout_ms\": 2000}");
  /* A case has the routes it names, and no others. */
  spk_service_http(a->service, "health", "{\"enabled\": false}");
  spk_service_http(a->service, "listeners", "[{\"address\": \"127.0.0.1\", \"port\": 0}]");
  spk_each config = spk_each_of(member(spec, "config"));
  only(member(spec, "config"), "request_id timeout limits telemetry auth cors compression static_files rate_limit", "config");
  while (spk_next(&config)) {
    const char* name = format_kept("%.*s", (int)config.key.len, config.key.ptr);
    if (strcmp(name, "telemetry") == 0) spk_service_set(a->service, name, json_of(config.value));
    else spk_service_http(a->service, name, json_of(config.value));
  }
  spk_service_client(a->service, "messaging", "default", "\"url\": \"memory:\"");
  if (spk_exists(member(spec, "cloudevents"))) add_events(a, member(spec, "cloudevents"));
  spk_each it = spk_each_of(member(spec, "consumers"));
  while (spk_next(&it)) add_consumer(a, it.value);
  for (it = spk_each_of(member(spec, "dependencies")); spk_next(&it);) add_dependency(a, NULL, it.value);
  add_hooks(a, member(spec, "hooks"));
  for (it = spk_each_of(member(spec, "routes")); spk_next(&it);) add_route(a, it.value);
  return a;
}

void app_free(app* a) {
  spk_service_free(a->service);
  while (a->lists != NULL) {
    list* l = a->lists;
    a->lists = l->next;
    out_free(&l->items);
    free(l->name);
    free(l);
  }
  while (a->counters != NULL) {
    counter* c = a->counters;
    a->counters = c->next;
    free(c);
  }
  out_free(&a->trace);
  out_free(&a->events);
}
