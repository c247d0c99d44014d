/* The C harness: JSON lines on standard input and output (e2e/README.md), one application and one client at a time. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "case.h"

/* ---- texts ---- */

void out_n(out* o, const char* text, size_t n) {
  if (n == 0 && o->ptr != NULL) return;
  if (o->room - o->len <= n) {
    o->room = 2 * o->room + n + 256;
    o->ptr = realloc(o->ptr, o->room);
    if (o->ptr == NULL) abort();
  }
  if (n > 0) memcpy(o->ptr + o->len, text, n);
  o->len += n;
  o->ptr[o->len] = '\0';
}
void out_s(out* o, const char* text) { out_n(o, text, strlen(text)); }
void out_free(out* o) {
  free(o->ptr);
  memset(o, 0, sizeof *o);
}

void out_json_text(out* o, spk_text text) {
  spk_builder b = {0};
  spk_put_text_n(&b, text.ptr == NULL ? "" : text.ptr, text.len);
  const spk_bytes built = spk_built(&b);
  const size_t n = spk_json_write(built.ptr, built.len, NULL, 0);
  char* json = malloc(n + 1);
  spk_json_write(built.ptr, built.len, json, n + 1);
  out_n(o, json, n);
  free(json);
  spk_builder_free(&b);
}

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
char* base64_of(const void* data, size_t n) {
  const unsigned char* in = data;
  char *text = malloc(4 * ((n + 2) / 3) + 1), *at = text;
  for (size_t i = 0; i < n; i += 3) {
    const unsigned long v =
        (unsigned long)in[i] << 16 | (i + 1 < n ? (unsigned long)in[i + 1] << 8 : 0) | (i + 2 < n ? in[i + 2] : 0);
    *at++ = digits[v >> 18], *at++ = digits[v >> 12 & 63];
    *at++ = i + 1 < n ? digits[v >> 6 & 63] : '=', *at++ = i + 2 < n ? digits[v & 63] : '=';
  }
  *at = '\0';
  return text;
}
char* from_base64(spk_text text, size_t* n) {
  char* data = malloc(text.len + 1);
  unsigned long v = 0;
  int bits = 0;
  *n = 0;
  for (size_t i = 0; i < text.len && text.ptr[i] != '='; ++i) {
    const char* at = strchr(digits, text.ptr[i]);
    if (at == NULL || *at == '\0') {
      free(data);
      return NULL;
    }
    v = v << 6 | (unsigned long)(at - digits);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      data[(*n)++] = (char)(v >> bits & 255);
    }
  }
  data[*n] = '\0';
  return data;
}

void out_value(out* o, spk_value v) {
  spk_each it = spk_each_of(v);
  char* text;
  switch (spk_type(v)) {
    case SPK_BYTES:
      text = base64_of(spk_str(v).ptr, spk_str(v).len);
      out_s(o, "{\"$bytes\": \"");
      out_s(o, text);
      out_s(o, "\"}");
      free(text);
      return;
    case SPK_NUMTEXT: out_n(o, spk_str(v).ptr, spk_str(v).len); return;
    case SPK_ARR:
      out_s(o, "[");
      for (int first = 1; spk_next(&it); first = 0) {
        if (!first) out_s(o, ", ");
        out_value(o, it.value);
      }
      out_s(o, "]");
      return;
    case SPK_OBJ:
      out_s(o, "{");
      for (int first = 1; spk_next(&it); first = 0) {
        if (!first) out_s(o, ", ");
        out_json_text(o, it.key);
        out_s(o, ": ");
        out_value(o, it.value);
      }
      out_s(o, "}");
      return;
    default: {
      spk_builder b = {0};
      char small[64];
      spk_put(&b, v);
      const spk_bytes built = spk_built(&b);
      const size_t n = spk_json_write(built.ptr, built.len, small, sizeof small);
      if (n < sizeof small) {
        out_n(o, small, n);
      } else {
        text = malloc(n + 1);
        spk_json_write(built.ptr, built.len, text, n + 1);
        out_n(o, text, n);
        free(text);
      }
      spk_builder_free(&b);
    }
  }
}

/* ---- what lives as long as a case ---- */

typedef struct block {
  struct block* next;
  max_align_t data[];
} block;
static block* blocks;
static block** keeping = &blocks;
static pthread_mutex_t blocks_mutex = PTHREAD_MUTEX_INITIALIZER;

void* kept(size_t n) {
  block* b = calloc(1, sizeof *b + n);
  if (b == NULL) abort();
  pthread_mutex_lock(&blocks_mutex);
  b->next = *keeping;
  *keeping = b;
  pthread_mutex_unlock(&blocks_mutex);
  return b->data;
}
static void free_blocks(block** list) {
  while (*list != NULL) {
    block* next = (*list)->next;
    free(*list);
    *list = next;
  }
}
char* text_of(spk_value value) {
  const spk_text t = spk_str(value);
  char* copy = kept(t.len + 1);
  if (t.len > 0) memcpy(copy, t.ptr, t.len);
  return copy;
}
char* json_of(spk_value value) {
  out o = {0};
  out_value(&o, value);
  char* copy = kept(o.len + 1);
  memcpy(copy, o.ptr, o.len);
  out_free(&o);
  return copy;
}
char* format_kept(const char* format, ...) {
  va_list args;
  va_start(args, format);
  const int n = vsnprintf(NULL, 0, format, args);
  va_end(args);
  char* text = kept((size_t)n + 1);
  va_start(args, format);
  vsnprintf(text, (size_t)n + 1, format, args);
  va_end(args);
  return text;
}
spk_value member(spk_value object, const char* name) { return spk_member(object, name); }
int is(spk_value value, const char* text) { return spk_text_is(spk_str(value), text); }

/* ---- refusals ---- */

static _Thread_local jmp_buf* refused;
static _Thread_local out refusal;

static void say(const char* first, const char* first_value, const char* detail, spk_text message) {
  out_free(&refusal);
  out_s(&refusal, "{\"ok\": false, \"error\": {\"");
  out_s(&refusal, first);
  out_s(&refusal, "\": \"");
  out_s(&refusal, first_value);
  if (detail != NULL) {
    out_s(&refusal, "\", \"detail\": \"");
    out_s(&refusal, detail);
  }
  out_s(&refusal, "\", \"message\": ");
  out_json_text(&refusal, message);
  out_s(&refusal, "}}");
}
_Noreturn void refuse(const char* type, const char* format, ...) {
  char text[2048];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  say("type", type, NULL, (spk_text){text, strlen(text)});
  longjmp(*refused, 1);
}
_Noreturn void refuse_done(const spk_done* done) {
  static const char* const kinds[] = {
      "",          "not_found", "already_exists",  "invalid_argument", "permission_denied", "condition_failed",
      "conflict",  "timeout",   "cancelled",       "unavailable",      "rate_limited",      "unsupported",
      "too_large", "corrupt",   "outcome_unknown", "internal"};
  char* detail = spk_copy_str(done->detail);
  say("kind", done->status < 16 ? kinds[done->status] : "internal", detail == NULL ? "" : detail, done->message);
  free(detail);
  longjmp(*refused, 1);
}
void only(spk_value object, const char* known, const char* where) {
  spk_each it = spk_each_of(object);
  while (spk_next(&it)) {
    const char* at = known;
    while (at != NULL && (strncmp(at, it.key.ptr, it.key.len) != 0 || (at[it.key.len] != ' ' && at[it.key.len] != '\0'))) {
      at = strchr(at, ' ');
      if (at != NULL) ++at;
    }
    if (at == NULL) refuse("not_built", "not built: %s.%.*s", where, (int)it.key.len, it.key.ptr);
  }
}

/* ---- the protocol ---- */

static app* running;
static const spk_record* running_spec; /* what its handlers refer to */
static toolbox* client;
static const spk_record* client_spec;
static out told_spans, told_logs; /* since the start: the exporter gives each once */

static const char* stop(uint32_t timeout_ms, out* o) {
  if (running == NULL) return NULL;
  const char* report = spk_service_stop(running->service, timeout_ms);
  if (o != NULL) out_s(o, *report == '\0' ? "null" : report);
  app_free(running);
  running = NULL;
  spk_record_free(running_spec);
  running_spec = NULL;
  return NULL;
}

static char* saved[64][2]; /* the environment as it was */
static size_t saved_count;
static void environment(spk_value env) {
  for (; saved_count > 0; --saved_count) {
    char** one = saved[saved_count - 1];
    if (one[1] != NULL) setenv(one[0], one[1], 1);
    else unsetenv(one[0]);
    free(one[0]), free(one[1]);
  }
  spk_each it = spk_each_of(env);
  while (spk_next(&it) && saved_count < 64) {
    char** one = saved[saved_count++];
    one[0] = spk_copy_str(it.key);
    const char* before = getenv(one[0]);
    one[1] = before == NULL ? NULL : spk_copy_str((spk_text){before, strlen(before)});
    char* value = spk_copy_str(spk_str(it.value));
    setenv(one[0], value, 1);
    free(value);
  }
}

/* What the start says of a dependency that does not fit: its code stands in the text. */
static const char* code_of(const char* message) {
  static const char* const codes[] = {"missing_dependency", "circular_dependency", "type_mismatch"};
  for (size_t i = 0; i < 3; ++i)
    if (strstr(message, codes[i]) != NULL) return codes[i];
  return "invalid_argument";
}

static void start(spk_value spec, out* o) {
  environment(member(spec, "env"));
  running = app_new(spec);
  const int result = spk_service_start(running->service, spk_exists(member(spec, "env")));
  if (result < 0) {
    const char* text = spk_service_error(running->service);
    refuse(code_of(text), "%s", text);
  }
  char port[32];
  snprintf(port, sizeof port, ", \"port\": %d", spk_service_port(running->service));
  out_s(o, port);
}

typedef struct telling {
  uint32_t operation;
  out items;
} telling;
static void tell(spk_work* work, void* user) {
  telling* t = user;
  spk_done done;
  if (spk_ask(work, t->operation, NULL, NULL, &done) == 0) {
    spk_each it = spk_each_of(done.value); /* one member: the list */
    spk_next(&it);
    spk_each items = spk_each_of(it.value);
    for (int first = 1; spk_next(&items); first = 0) {
      if (!first) out_s(&t->items, ", ");
      out_value(&t->items, items.value);
    }
  }
  spk_done_free(&done);
}
static void telemetry(const char* what, out* o) {
  spk_service* s = running != NULL ? running->service : client != NULL ? toolbox_service(client) : NULL;
  if (s == NULL) refuse("protocol", "nothing runs");
  const int spans = strcmp(what, "spans") == 0, metrics = strcmp(what, "metrics") == 0;
  telling t = {metrics ? SPK_OP_TELEMETRY_COLLECT_METRICS
               : spans ? SPK_OP_TELEMETRY_TAKE_SPANS
                       : SPK_OP_TELEMETRY_TAKE_LOGS,
               {0}};
  spk_service_run(s, tell, &t);
  out* all = metrics ? &t.items : spans ? &told_spans : &told_logs;
  if (!metrics && t.items.len > 0) {
    if (all->len > 0) out_s(all, ", ");
    out_n(all, t.items.ptr, t.items.len);
  }
  out_s(o, ", \"");
  out_s(o, what);
  out_s(o, "\": [");
  if (all->len > 0) out_n(o, all->ptr, all->len);
  out_s(o, "]");
  out_free(&t.items);
}

static void list(out* o, const char* name, const out* items) {
  out_s(o, ", \"");
  out_s(o, name);
  out_s(o, "\": [");
  if (items != NULL && items->len > 0) out_n(o, items->ptr, items->len);
  out_s(o, "]");
}

/* Requests of the client: scripts and what goes on after an op refer to them. */
static const spk_record** held;
static size_t held_count;
static void hold(const spk_record* request) {
  held = realloc(held, (held_count + 1) * sizeof *held);
  if (held == NULL) abort();
  held[held_count++] = request;
}

static void close_client(void) {
  toolbox* was = client;
  client = NULL;
  if (was != NULL) toolbox_free(was);
  while (held_count > 0) spk_record_free(held[--held_count]);
  spk_record_free(client_spec);
  client_spec = NULL;
}

static void run(const spk_record* request, int* keeps, out* o) {
  const spk_value in = spk_value_of(request, request->nodes);
  const char* op = text_of(member(in, "op"));
  out_s(o, "{\"ok\": true");
  if (strcmp(op, "start") == 0) {
    only(in, "op app", "start");
    stop(0, NULL);
    out_free(&told_spans), out_free(&told_logs);
    running_spec = request;
    *keeps = 1;
    start(member(in, "app"), o);
  } else if (strcmp(op, "stop") == 0) {
    only(in, "op drain_timeout_ms", "stop");
    out_s(o, ", \"report\": ");
    const size_t before = o->len;
    stop((uint32_t)spk_uint(member(in, "drain_timeout_ms"), SPK_DRAIN_DEFAULT), o);
    if (o->len == before) out_s(o, "null");
  } else if (strcmp(op, "trace") == 0) {
    if (running != NULL) pthread_mutex_lock(&running->mutex);
    list(o, "dependency_trace", running == NULL ? NULL : &running->trace);
    if (running != NULL) pthread_mutex_unlock(&running->mutex);
  } else if (strcmp(op, "events") == 0) {
    if (running != NULL) pthread_mutex_lock(&running->mutex);
    list(o, "events", running == NULL ? NULL : &running->events);
    if (running != NULL) pthread_mutex_unlock(&running->mutex);
  } else if (strcmp(op, "spans") == 0 || strcmp(op, "logs") == 0 || strcmp(op, "metrics") == 0) {
    telemetry(op, o);
  } else if (strcmp(op, "backends") == 0) {
    only(in, "op subsystem", "backends");
    toolbox_backends(o, member(in, "subsystem"));
  } else if (strcmp(op, "client") == 0) {
    only(in, "op client", "client");
    close_client();
    out_free(&told_spans), out_free(&told_logs);
    client_spec = request;
    *keeps = 1;
    client = toolbox_new(member(in, "client"));
    toolbox_capabilities(client, o);
  } else if (strcmp(op, "do") == 0) {
    only(in, "op do args", "do");
    if (client == NULL) refuse("protocol", "there is no client");
    hold(request);
    *keeps = 1;
    out_s(o, ", \"result\": ");
    toolbox_do(client, member(in, "do"), member(in, "args"), o);
  } else if (strcmp(op, "close") == 0) {
    close_client();
  } else {
    refuse("not_built", "op %s", op);
  }
  out_s(o, "}");
}

int main(void) {
  /* Standard output is the protocol's alone: whatever else prints goes to standard error. */
  FILE* replies = fdopen(dup(STDOUT_FILENO), "w");
  if (replies == NULL || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) return 1;
  char* line = NULL;
  size_t room = 0;
  for (ssize_t n; (n = getline(&line, &room, stdin)) > 0;) {
    const spk_record* request = NULL;
    static jmp_buf back;
    static out reply; /* these live through longjmp */
    static int keeps;
    out_free(&reply);
    keeps = 0;
    refused = &back;
    if (spk_json_read(line, (size_t)n, &request) < 0) return 1;
    if (setjmp(back) == 0) {
      run(request, &keeps, &reply);
    } else {
      out_free(&reply);
      out_s(&reply, refusal.ptr);
      if (running != NULL && running_spec == request) stop(0, NULL), keeps = 1; /* freed with it */
      else if (running_spec == request) running_spec = NULL, keeps = 0;
      if (client_spec == request && client == NULL) client_spec = NULL, keeps = 0;
    }
    if (!keeps) spk_record_free(request);
    out_s(&reply, "\n");
    if (fwrite(reply.ptr, 1, reply.len, replies) != reply.len || fflush(replies) != 0) return 1;
    if (running == NULL && client == NULL) free_blocks(&blocks);
  }
  free(line);
  close_client();
  free(held);
  stop(0, NULL);
  return 0;
}
