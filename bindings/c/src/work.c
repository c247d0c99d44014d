/* What a handler finds, and what it answers. */
#include <stdio.h>

#include "internal.h"

/* ---- what it finds ---- */

unsigned spk_kind(const spk_work* work) { return work->kind; }
spk_service* spk_service_of(const spk_work* work) { return work->service; }

const spk_request* spk_request_of(const spk_work* work) {
  return work->kind == SPK_EV_REQUEST || work->kind == SPK_EV_HOOK ? work->event.rec : NULL;
}
const spk_record* spk_record_of(const spk_work* work) {
  switch (work->kind) {
    case SPK_EV_HOOK: return (const spk_record*)(uintptr_t)work->event.user;
    case SPK_EV_MESSAGE:
    case SPK_EV_TASK:
    case SPK_EV_CLOUDEVENT:
    case SPK_EV_FACTORY: return work->event.rec;
    default: return NULL;
  }
}

spk_value spk_param(const spk_work* work, unsigned place) {
  const spk_request* r = spk_request_of(work);
  spk_value v = {NULL, NULL};
  if (r == NULL) return v;
  /* Each is one value, which may have nodes below it. */
  v = spk_value_of(r, r->params);
  const spk_node* end = v.node + r->params.len;
  for (; v.node != NULL && v.node < end; v.node += spk_extent(v))
    if (place-- == 0) return v;
  v.node = NULL;
  return v;
}

spk_value spk_body_json(const spk_work* work) {
  const spk_request* r = spk_request_of(work);
  return r == NULL ? (spk_value){NULL, NULL} : spk_value_of(r, r->json);
}

spk_text spk_body(const spk_work* work) {
  const spk_request* r = spk_request_of(work);
  if (r != NULL) return (spk_text){(const char*)r + r->body.off, r->body.len};
  const spk_record* record = spk_record_of(work);
  if (record != NULL) return (spk_text){(const char*)record + record->body.off, record->body.len};
  return (spk_text){NULL, 0};
}

spk_text spk_header(const spk_work* work, const char* name) {
  const spk_request* r = spk_request_of(work);
  const spk_record* record = r == NULL ? spk_record_of(work) : NULL;
  const char* base = r != NULL ? (const char*)r : (const char*)record;
  if (base == NULL) return (spk_text){NULL, 0};
  const spk_view view = r != NULL ? r->headers : record->meta;
  const spk_pair* pairs = (const spk_pair*)(base + view.off);
  for (uint32_t i = 0; i < view.len; ++i) {
    const spk_text one = {base + pairs[i].name.off, pairs[i].name.len};
    if (spk_text_is(one, name)) return (spk_text){base + pairs[i].value.off, pairs[i].value.len};
  }
  return (spk_text){NULL, 0};
}

spk_value spk_nodes(const spk_work* work) {
  const spk_record* record = spk_record_of(work);
  return record == NULL ? (spk_value){NULL, NULL} : spk_value_of(record, record->nodes);
}

spk_value spk_context(const spk_work* work, const char* key) {
  const spk_request* r = spk_request_of(work);
  return r == NULL ? (spk_value){NULL, NULL} : spk_member(spk_value_of(r, r->context), key);
}

void* spk_dependency(const spk_work* work, unsigned place) {
  const spk_request* r = work->kind == SPK_EV_FACTORY ? NULL : spk_request_of(work);
  if (r != NULL) {
    if (place >= r->deps.len) return NULL;
    const uint64_t* tokens = (const uint64_t*)((const char*)r + r->deps.off);
    return (void*)(uintptr_t)tokens[place];
  }
  return (void*)(uintptr_t)spk_uint(spk_item(spk_nodes(work), place), 0);
}

void* spk_token(const spk_work* work) { return work->kind == SPK_EV_DISPOSE ? (void*)(uintptr_t)work->event.arg : NULL; }

unsigned spk_cancelled(const spk_work* work) {
  pthread_mutex_lock(&work->service->mutex);
  const unsigned why = work->cancelled;
  pthread_mutex_unlock(&work->service->mutex);
  return why;
}

/* ---- headers of an answer ---- */

static void add_pair(text* t, const char* name, const char* value) {
  text_add_n(t, name, strlen(name) + 1);
  text_add_n(t, value, strlen(value) + 1);
}
void spk_set_header(spk_work* work, const char* name, const char* value) {
  if (work->kind == SPK_EV_HOOK) {
    add_pair(&work->set, name, value);
    return;
  }
  /* Instead of the one that was set. */
  text kept = {0};
  for (const char* at = work->set.ptr; at != NULL && at < work->set.ptr + work->set.len;) {
    const char* was = at + strlen(at) + 1;
    if (strcmp(at, name) != 0) add_pair(&kept, at, was);
    at = was + strlen(was) + 1;
  }
  add_pair(&kept, name, value);
  text_free(&work->set);
  work->set = kept;
}
void spk_append_header(spk_work* work, const char* name, const char* value) {
  add_pair(work->kind == SPK_EV_HOOK ? &work->append : &work->set, name, value);
}

/* As a command has them; free `memory`. */
static void put_head(const text* headers, spk_cmd* cmd, void** memory) {
  uint32_t count = 0;
  for (size_t i = 0; i < headers->len; ++i) count += headers->ptr[i] == '\0';
  count /= 2;
  *memory = NULL;
  if (count == 0) return;
  const size_t at = count * sizeof(spk_pair);
  char* out = *memory = malloc(at + headers->len);
  if (out == NULL) return;
  memcpy(out + at, headers->ptr, headers->len);
  spk_pair* pairs = (spk_pair*)out;
  size_t pos = at;
  for (uint32_t i = 0; i < count; ++i) {
    pairs[i].name = (spk_view){(uint32_t)pos, (uint32_t)strlen(out + pos)};
    pos += pairs[i].name.len + 1;
    pairs[i].value = (spk_view){(uint32_t)pos, (uint32_t)strlen(out + pos)};
    pos += pairs[i].value.len + 1;
  }
  cmd->nhead = count;
  cmd->head = (spk_bytes){out, at + headers->len};
}

/* Arrays of [name, value]. */
static void put_pairs(spk_builder* b, const char* key, const text* headers) {
  if (headers->len == 0) return;
  spk_put_key(b, key);
  spk_put_array(b);
  for (const char* at = headers->ptr; at < headers->ptr + headers->len;) {
    const char* value = at + strlen(at) + 1;
    spk_put_array(b);
    spk_put_text(b, at);
    spk_put_text(b, value);
    spk_put_end(b);
    at = value + strlen(value) + 1;
  }
  spk_put_end(b);
}

/* ---- the answer ---- */

/* The final command, once. */
static void settle(spk_work* work, spk_cmd cmd) {
  if (work->answered) return;
  work->answered = 1;
  cmd.id = work->id;
  submit(work->service, &cmd);
}

static void fail_with(spk_work* work, const char* type, const char* message, uint16_t flags) {
  spk_builder b = {0};
  spk_put_args(&b, SPK_OBJECT({"type", SPK_TEXT(type)}, {"message", SPK_TEXT(message)}, {"trace", SPK_TEXT("")}));
  settle(work, (spk_cmd){.op = SPK_CMD_FAIL, .flags = flags, .body = spk_built(&b)});
  spk_builder_free(&b);
}
void spk_fail(spk_work* work, const char* type, const char* message) {
  if (work->kind == LOADER) {
    if (work->loaded == 0) {
      work->loaded = 2;
      work->load_value = copy_str(message);
    }
    return;
  }
  fail_with(work, type, message, 0);
}
void spk_reject(spk_work* work, const char* message) { fail_with(work, "Rejected", message, SPK_F_FATAL); }

/* `answer`: what a hook answers instead. */
static void hook_result(spk_work* work, unsigned status, unsigned format, const void* body, size_t n, int answer) {
  spk_builder b = {0};
  spk_put_object(&b);
  if (work->context_begun) {
    spk_put_end(&work->context);
    const spk_bytes context = spk_built(&work->context);
    spk_put_key(&b, "context");
    spk_put(&b, (spk_value){context.ptr, context.ptr});
  }
  if (answer) {
    spk_put_key(&b, "answer");
    spk_put_object(&b);
    spk_put_key(&b, "status"), spk_put_int(&b, status);
    spk_put_key(&b, "format"), spk_put_int(&b, format);
    put_pairs(&b, "headers", &work->set);
    spk_put_key(&b, "body"), spk_put_bytes(&b, body, n);
    spk_put_end(&b);
  } else {
    put_pairs(&b, "set", &work->set);
  }
  put_pairs(&b, "append", &work->append);
  spk_put_end(&b);
  const int empty = b.count == 1;
  settle(work, (spk_cmd){.op = SPK_CMD_RESULT, .body = empty ? (spk_bytes){NULL, 0} : spk_built(&b)});
  spk_builder_free(&b);
}

void spk_reply(spk_work* work, unsigned status, unsigned format, const void* body, size_t n) {
  if (work->kind == SPK_EV_HOOK) {
    hook_result(work, status, format, body, n, 1);
    return;
  }
  if (work->kind != SPK_EV_REQUEST) return;
  spk_cmd cmd = {.op = SPK_CMD_REPLY, .status = (uint16_t)status, .format = (uint16_t)format, .body = {body, n}};
  void* memory;
  put_head(&work->set, &cmd, &memory);
  settle(work, cmd);
  free(memory);
}

void spk_reply_built(spk_work* work, unsigned status, spk_builder* b) {
  const spk_bytes body = spk_built(b);
  if (work->kind == SPK_EV_HOOK) {
    const size_t n = spk_json_write(body.ptr, body.len, NULL, 0);
    char* json = malloc(n + 1);
    if (json != NULL) {
      spk_json_write(body.ptr, body.len, json, n + 1);
      spk_reply(work, status, SPK_BODY_JSON, json, n);
    }
    free(json);
    return;
  }
  spk_reply(work, status, SPK_BODY_NODES, body.ptr, body.len);
}

void spk_reply_json(spk_work* work, unsigned status, const spk_arg* args) {
  spk_builder b = {0};
  spk_put_args(&b, args);
  spk_reply_built(work, status, &b);
  spk_builder_free(&b);
}

void spk_reply_by(spk_work* work, unsigned status, uint32_t operation, const char* client, const spk_arg* args) {
  const long number = client_number(work->service, operation, client);
  if (number < 0) {
    spk_done done;
    done_no_client(&done, work->service, operation, client);
    spk_fail(work, "spk_reply_by", done.message.ptr);
    spk_done_free(&done);
    return;
  }
  spk_builder b = {0};
  spk_put_args(&b, args);
  spk_cmd cmd = {.op = SPK_CMD_REPLY,
                 .status = (uint16_t)status,
                 .format = SPK_BODY_OPERATION,
                 .client = (uint32_t)number,
                 .arg = operation,
                 .body = spk_built(&b)};
  void* memory;
  put_head(&work->set, &cmd, &memory);
  settle(work, cmd);
  free(memory);
  spk_builder_free(&b);
}

void spk_set_context(spk_work* work, const char* key, spk_value value) {
  if (work->kind != SPK_EV_HOOK) return;
  if (!work->context_begun) spk_put_object(&work->context);
  work->context_begun = 1;
  spk_put_key(&work->context, key);
  spk_put(&work->context, value);
}

void spk_provide(spk_work* work, void* value, const char* type) {
  if (work->kind != SPK_EV_FACTORY) return;
  spk_builder b = {0};
  if (type != NULL) spk_put_text(&b, type);
  settle(work, (spk_cmd){.op = SPK_CMD_RESULT, .arg = (uint64_t)(uintptr_t)value, .body = spk_built(&b)});
  spk_builder_free(&b);
}

/* ---- streams of a request ---- */

int spk_stream_begin(spk_work* work, unsigned status, const char* media_type) {
  if (work->kind != SPK_EV_REQUEST || work->answered || work->streaming) return -1;
  if (media_type != NULL) spk_set_header(work, "content-type", media_type);
  spk_cmd cmd = {.op = SPK_CMD_HEAD, .status = (uint16_t)status, .id = work->id};
  void* memory;
  put_head(&work->set, &cmd, &memory);
  const int result = submit(work->service, &cmd);
  free(memory);
  work->streaming = 1;
  return result < 0 ? -1 : 0;
}

int spk_stream_write(spk_work* work, const void* data, size_t n) {
  spk_service* s = work->service;
  if (!work->streaming || work->answered) return -1;
  pthread_mutex_lock(&s->mutex);
  while (work->credit <= 0 && !work->cancelled) pthread_cond_wait(&work->changed, &s->mutex);
  const int gone = work->cancelled != 0;
  if (!gone) work->credit -= (int64_t)n;
  pthread_mutex_unlock(&s->mutex);
  if (gone) return -1;
  const spk_cmd cmd = {.op = SPK_CMD_CHUNK, .id = work->id, .body = {data, n}};
  return submit(s, &cmd) < 0 ? -1 : 0;
}

void spk_stream_end(spk_work* work) {
  if (work->streaming) settle(work, (spk_cmd){.op = SPK_CMD_END});
}

int spk_stream_read(spk_work* work, spk_text* part) {
  spk_service* s = work->service;
  *part = (spk_text){NULL, 0};
  chunk_drop(s, work->current);
  work->current = NULL;
  while (!work->body_ended) {
    pthread_mutex_lock(&s->mutex);
    while (work->chunks == NULL && !work->cancelled) pthread_cond_wait(&work->changed, &s->mutex);
    chunk* one = chunk_take(&work->chunks, &work->last_chunk);
    pthread_mutex_unlock(&s->mutex);
    if (one == NULL) return -1;
    work->body_ended = one->last;
    work->current = one;
    if (one->size > 0) {
      *part = (spk_text){(const char*)one->record + one->record->body.off, one->record->body.len};
      return 1;
    }
    chunk_drop(s, one);
    work->current = NULL;
  }
  return 0;
}

/* ---- outcomes ---- */

void spk_ack(spk_work* work) {
  if (work->kind == SPK_EV_MESSAGE || work->kind == SPK_EV_TASK || work->kind == SPK_EV_CLOUDEVENT)
    settle(work, (spk_cmd){.op = SPK_CMD_ACK});
}
void spk_ack_json(spk_work* work, const char* json, size_t n) {
  if (work->kind == LOADER) {
    if (work->loaded != 0 || (work->load_value = malloc(n + 1)) == NULL) return;
    memcpy(work->load_value, json, n);
    work->load_size = n;
    work->loaded = 1;
    return;
  }
  if (work->kind == SPK_EV_TASK) settle(work, (spk_cmd){.op = SPK_CMD_ACK, .body = {json, n}});
}
void spk_nack(spk_work* work, int requeue) {
  if (work->kind == SPK_EV_MESSAGE || work->kind == SPK_EV_TASK || work->kind == SPK_EV_CLOUDEVENT)
    settle(work, (spk_cmd){.op = SPK_CMD_NACK, .flags = requeue ? SPK_F_REQUEUE : 0});
}
void spk_retry(spk_work* work, uint64_t after_ms) {
  if (work->kind == SPK_EV_MESSAGE || work->kind == SPK_EV_TASK || work->kind == SPK_EV_CLOUDEVENT)
    settle(work, (spk_cmd){.op = SPK_CMD_RETRY, .arg = after_ms});
}
void spk_reply_event(spk_work* work, spk_value event) {
  if (work->kind != SPK_EV_CLOUDEVENT) return;
  spk_builder b = {0};
  spk_put(&b, event);
  settle(work, (spk_cmd){.op = SPK_CMD_RESULT, .body = spk_built(&b)});
  spk_builder_free(&b);
}

/* What was left unsaid. */
void finish(spk_work* work) {
  chunk_drop(work->service, work->current);
  work->current = NULL;
  if (work->answered) return;
  switch (work->kind) {
    case SPK_EV_REQUEST:
      if (work->streaming) settle(work, (spk_cmd){.op = spk_cancelled(work) ? SPK_CMD_ABORT : SPK_CMD_END});
      else spk_fail(work, "NoAnswer", "the handler gave no answer");
      return;
    case SPK_EV_HOOK: hook_result(work, 0, 0, NULL, 0, 0); return;
    case SPK_EV_FACTORY: spk_fail(work, "NoValue", "the dependency was not provided"); return;
    case SPK_EV_DISPOSE: settle(work, (spk_cmd){.op = SPK_CMD_RESULT, .arg = work->event.arg}); return;
    case SPK_EV_MESSAGE:
    case SPK_EV_TASK:
    case SPK_EV_CLOUDEVENT:
      if (work->handler.fn == NULL) spk_reject(work, "there is no handler for it");
      else if (spk_cancelled(work) && work->event.rec != NULL) spk_nack(work, 1); /* nobody waits for it any more */
      else spk_ack(work);
      return;
    default: return;
  }
}

int spk_background(spk_work* work, spk_handler job, void* user) {
  spk_service* s = work->service;
  spk_work* later = malloc(sizeof *later);
  if (later == NULL) return -SPK_E_MEMORY;
  work_begin(later, s, SPK_EV_TASK, (handler){job, user}, 0);
  memcpy(later->traceparent, work->traceparent, sizeof later->traceparent);
  const spk_cmd cmd = {.op = SPK_CMD_CALL, .arg = SPK_OP_BACKGROUND_RUN, .id = work->id, .user = (uint64_t)(uintptr_t)later | 1};
  const int result = submit(s, &cmd);
  if (result >= 0) return 0;
  work_end(later);
  free(later);
  return result;
}

/* ---- problems (RFC 9457) ---- */

static const char* title_of(unsigned status) {
  static const struct {
    unsigned status;
    const char* title;
  } titles[] = {{400, "Bad Request"},
                {401, "Unauthorized"},
                {402, "Payment Required"},
                {403, "Forbidden"},
                {404, "Not Found"},
                {405, "Method Not Allowed"},
                {406, "Not Acceptable"},
                {408, "Request Timeout"},
                {409, "Conflict"},
                {410, "Gone"},
                {412, "Precondition Failed"},
                {413, "Payload Too Large"},
                {415, "Unsupported Media Type"},
                {422, "Unprocessable Content"},
                {423, "Locked"},
                {425, "Too Early"},
                {428, "Precondition Required"},
                {429, "Too Many Requests"},
                {451, "Unavailable For Legal Reasons"},
                {500, "Internal Server Error"},
                {501, "Not Implemented"},
                {502, "Bad Gateway"},
                {503, "Service Unavailable"},
                {504, "Gateway Timeout"}};
  for (size_t i = 0; i < sizeof titles / sizeof *titles; ++i)
    if (titles[i].status == status) return titles[i].title;
  return "Error";
}

void spk_problem(spk_work* work, unsigned status, const char* detail, const char* members) {
  const char* title = title_of(status);
  const spk_record* info = work->service->info;
  const spk_text base = spk_str(spk_member(spk_value_of(info, info->nodes), "problem_base"));
  text type = {0};
  text_add_n(&type, base.ptr, base.len);
  for (const char* c = title; *c != '\0'; ++c) {
    const char lower = *c == ' ' ? '-' : *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    text_add_n(&type, &lower, 1);
  }
  text body = {0};
  text_add(&body, "{\"type\": ");
  text_json(&body, type.ptr, type.len);
  text_addf(&body, ", \"title\": \"%s\", \"status\": %u", title, status);
  if (detail != NULL) {
    text_add(&body, ", \"detail\": ");
    text_json(&body, detail, strlen(detail));
  }
  if (members != NULL && *members != '\0') {
    text_add(&body, ", ");
    text_add(&body, members);
  }
  text_add(&body, "}");
  spk_set_header(work, "content-type", "application/problem+json");
  spk_reply(work, status, SPK_BODY_RAW, body.ptr, body.len);
  text_free(&type);
  text_free(&body);
}

/* ---- cookies (RFC 6265) ---- */

static int all_of(const char* text_, const char* refused) {
  for (const char* c = text_; *c != '\0'; ++c)
    if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f || strchr(refused, *c) != NULL) return 0;
  return 1;
}
/* Of Domain and Path. */
static int is_attribute(const char* text_) {
  for (const char* c = text_; *c != '\0'; ++c)
    if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f || *c == ';') return 0;
  return 1;
}
static const char* same_site_of(const char* text_) {
  static const char* const names[] = {"Strict", "Lax", "None"};
  for (size_t i = 0; i < 3; ++i)
    if ((text_[0] | 0x20) == (names[i][0] | 0x20) && strlen(text_) == strlen(names[i])) return names[i];
  return NULL;
}

int spk_set_cookie(spk_work* work, const spk_cookie* c) {
  const char *value = c->value == NULL ? "" : c->value, *domain = c->domain == NULL ? "" : c->domain,
             *path = c->path == NULL ? "" : c->path;
  const char* same_site = c->same_site == NULL || *c->same_site == '\0' ? "" : same_site_of(c->same_site);
  const size_t n = strlen(value);
  const int quoted = n >= 2 && value[0] == '"' && value[n - 1] == '"';
  text line = {0};
  text_add_n(&line, value + quoted, n - (size_t)(2 * quoted));
  const int good = c->name != NULL && *c->name != '\0' && all_of(c->name, "()<>@,;:\\\"/[]?={}") &&
                   all_of(n > 0 ? line.ptr : "", "\",;\\") && is_attribute(domain) && is_attribute(path) &&
                   (*path == '\0' || *path == '/') && same_site != NULL && (strcmp(same_site, "None") != 0 || c->secure) &&
                   (strncmp(c->name, "__Secure-", 9) != 0 || c->secure) &&
                   (strncmp(c->name, "__Host-", 7) != 0 || (c->secure && strcmp(path, "/") == 0 && *domain == '\0'));
  text_free(&line);
  if (!good) return -1;
  text_add(&line, c->name);
  text_add(&line, "=");
  text_add(&line, value);
  if (c->has_max_age) text_addf(&line, "; Max-Age=%lld", (long long)c->max_age);
  const char* const attributes[][2] = {{"; Domain=", domain}, {"; Path=", path}};
  for (size_t i = 0; i < 2; ++i) {
    if (*attributes[i][1] == '\0') continue;
    text_add(&line, attributes[i][0]);
    text_add(&line, attributes[i][1]);
  }
  if (c->secure) text_add(&line, "; Secure");
  if (c->http_only) text_add(&line, "; HttpOnly");
  if (*same_site != '\0') text_addf(&line, "; SameSite=%s", same_site);
  spk_append_header(work, "set-cookie", line.ptr);
  text_free(&line);
  return 0;
}
