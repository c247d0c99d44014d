/* What an application is made of, and its manifest. */
#include <stdio.h>

#include "internal.h"

size_t handlers_add(handlers* list, spk_handler fn, void* user) {
  if (list->count == list->room) {
    const size_t room = 2 * list->room + 8;
    handler* more = realloc(list->all, room * sizeof *more);
    if (more == NULL) return SIZE_MAX;
    list->all = more;
    list->room = room;
  }
  list->all[list->count] = (handler){fn, user};
  return list->count++;
}

static void* made(spk_service* s, size_t size) {
  void* out = calloc(1, size);
  if (out == NULL) s->failed = 1;
  return out;
}
static char* kept(spk_service* s, const char* text_) {
  char* out = copy_str(text_);
  if (out == NULL) s->failed = 1;
  return out;
}

spk_service* spk_service_new(const char* name) {
  spk_service* s = calloc(1, sizeof *s);
  if (s == NULL) return NULL;
  s->name = kept(s, name);
  s->last_route = &s->routes;
  s->last_worker = &s->workers;
  s->last_endpoint = &s->endpoints;
  s->max_threads = 64;
  pthread_mutex_init(&s->mutex, NULL);
  pthread_cond_init(&s->changed, NULL);
  pthread_cond_init(&s->work, NULL);
  pthread_rwlock_init(&s->port_lock, NULL);
  return s;
}

static void free_members(member* m) {
  while (m != NULL) {
    member* next = m->next;
    free(m->name);
    free(m->sub);
    text_free(&m->json);
    free(m);
    m = next;
  }
}

void spk_service_free(spk_service* s) {
  if (s == NULL) return;
  service_close(s);
  free_members(s->members);
  free_members(s->http);
  free_members(s->clients);
  while (s->routes != NULL) {
    spk_route* r = s->routes;
    s->routes = r->next;
    free(r->method);
    free(r->path);
    text_free(&r->params);
    text_free(&r->members);
    text_free(&r->dependencies);
    free(r);
  }
  for (int i = 0; i < PHASES; ++i) {
    text_free(&s->hook_names[i]);
    free(s->hooks[i].all);
  }
  text_free(&s->dependencies);
  free(s->made);
  text_free(&s->consumers);
  text_free(&s->schedules);
  free(s->consumer_handlers.all);
  free(s->event_handlers.all);
  free(s->started.all);
  while (s->workers != NULL) {
    worker* w = s->workers;
    s->workers = w->next;
    while (w->tasks != NULL) {
      task* t = w->tasks;
      w->tasks = t->next;
      free(t->name);
      free(t);
    }
    free(w->queue);
    text_free(&w->options);
    free(w);
  }
  while (s->endpoints != NULL) {
    endpoint* e = s->endpoints;
    s->endpoints = e->next;
    free(e->path);
    text_free(&e->subscriptions);
    text_free(&e->members);
    free(e);
  }
  free(s->route_by_number);
  free(s->worker_by_number);
  free(s->report);
  free(s->name);
  pthread_rwlock_destroy(&s->port_lock);
  pthread_cond_destroy(&s->work);
  pthread_cond_destroy(&s->changed);
  pthread_mutex_destroy(&s->mutex);
  free(s);
}

static member* member_of(spk_service* s, member** list, const char* name, const char* sub) {
  while (*list != NULL) {
    if (strcmp((*list)->name, name) == 0 && (sub == NULL || strcmp((*list)->sub, sub) == 0)) return *list;
    list = &(*list)->next;
  }
  member* m = made(s, sizeof *m);
  if (m == NULL) return NULL;
  m->name = kept(s, name);
  if (sub != NULL) m->sub = kept(s, sub);
  *list = m;
  return m;
}

static void set_member(spk_service* s, member** list, const char* name, const char* sub, const char* json) {
  member* m = member_of(s, list, name, sub);
  if (m == NULL) return;
  m->json.len = 0;
  text_add(&m->json, json);
  s->failed |= m->json.failed;
}

void spk_service_set(spk_service* s, const char* name, const char* json) { set_member(s, &s->members, name, NULL, json); }
void spk_service_http(spk_service* s, const char* name, const char* json) { set_member(s, &s->http, name, NULL, json); }
void spk_service_client(spk_service* s, const char* kind, const char* name, const char* options) {
  set_member(s, &s->clients, kind, name, options);
}
void spk_service_threads(spk_service* s, unsigned threads) { s->max_threads = threads > 0 ? threads : 1; }

spk_route* spk_add_route(spk_service* s, const char* method, const char* path, spk_handler fn, void* user) {
  spk_route* r = made(s, sizeof *r);
  if (r == NULL) abort(); /* before anything runs */
  r->service = s;
  r->method = kept(s, method);
  r->path = kept(s, path);
  r->handler = (handler){fn, user};
  *s->last_route = r;
  s->last_route = &r->next;
  ++s->route_count;
  return r;
}

void spk_route_param(spk_route* r, const char* in, const char* name, const char* schema, int required) {
  text* t = &r->params;
  text_comma(t);
  text_add(t, "{\"in\": ");
  text_json(t, in, strlen(in));
  text_add(t, ", \"name\": ");
  text_json(t, name, strlen(name));
  if (required) text_add(t, ", \"required\": true");
  if (schema != NULL) {
    text_add(t, ", \"schema\": ");
    text_add(t, schema);
  }
  text_add(t, "}");
}

void spk_route_set(spk_route* r, const char* members) {
  if (*members == '\0') return;
  text_comma(&r->members);
  text_add(&r->members, members);
}

void spk_add_hook(spk_service* s, unsigned phase, const char* name, spk_handler fn, void* user) {
  if (phase >= PHASES) { /* the start says that there is no such member */
    text wrong = {0};
    text_addf(&wrong, "hooks of phase %u", phase);
    if (wrong.ptr != NULL) spk_service_http(s, wrong.ptr, "[]");
    text_free(&wrong);
    return;
  }
  text_comma(&s->hook_names[phase]);
  text_json(&s->hook_names[phase], name, strlen(name));
  if (handlers_add(&s->hooks[phase], fn, user) == SIZE_MAX) s->failed = 1;
}

/* Begins one; the rest of its members follow. */
static text* begin_dependency(spk_service* s, spk_route* route, const char* name, dependency what) {
  if (s->made_count == s->made_room) {
    const size_t room = 2 * s->made_room + 8;
    dependency* more = realloc(s->made, room * sizeof *more);
    if (more == NULL) {
      s->failed = 1;
      return NULL;
    }
    s->made = more;
    s->made_room = room;
  }
  s->made[s->made_count] = what;
  text* t = route != NULL ? &route->dependencies : &s->dependencies;
  text_comma(t);
  text_addf(t, "{\"id\": %zu, \"name\": ", s->made_count++);
  text_json(t, name, strlen(name));
  return t;
}

void spk_add_dependency(spk_service* s, spk_route* route, const char* name, const char* options, spk_handler make,
                        spk_handler drop, void* user) {
  text* t = begin_dependency(s, route, name, (dependency){{make, user}, {drop, user}});
  if (t == NULL) return;
  text_add(t, ", \"kind\": \"factory\"");
  if (drop != NULL) text_add(t, ", \"cleanup\": true");
  if (options != NULL && *options != '\0') {
    text_comma(t);
    text_add(t, options);
  }
  text_add(t, "}");
}

void spk_add_value(spk_service* s, spk_route* route, const char* name, const void* value, const char* type) {
  text* t = begin_dependency(s, route, name, (dependency){{NULL, NULL}, {NULL, NULL}});
  if (t == NULL) return;
  text_addf(t, ", \"kind\": \"value\", \"token\": %llu", (unsigned long long)(uintptr_t)value);
  if (type != NULL) text_addf(t, ", \"type\": \"%s\"", type);
  text_add(t, "}");
}

void spk_add_consumer(spk_service* s, const char* topic, const char* options, spk_handler fn, void* user) {
  text* t = &s->consumers;
  text_comma(t);
  text_add(t, "{\"topic\": ");
  text_json(t, topic, strlen(topic));
  if (options != NULL && *options != '\0') {
    text_comma(t);
    text_add(t, options);
  }
  text_add(t, "}");
  if (handlers_add(&s->consumer_handlers, fn, user) == SIZE_MAX) s->failed = 1;
}

void spk_add_task(spk_service* s, const char* name, const char* queue, const char* options, spk_handler fn, void* user) {
  if (queue == NULL) queue = "default";
  worker* w = s->workers;
  while (w != NULL && strcmp(w->queue, queue) != 0) w = w->next;
  if (w == NULL) {
    w = made(s, sizeof *w);
    if (w == NULL) return;
    w->queue = kept(s, queue);
    *s->last_worker = w;
    s->last_worker = &w->next;
  }
  if (options != NULL && *options != '\0') {
    w->options.len = 0;
    text_add(&w->options, options);
  }
  task* t = made(s, sizeof *t);
  if (t == NULL) return;
  t->name = kept(s, name);
  t->handler = (handler){fn, user};
  t->next = w->tasks;
  w->tasks = t;
}

void spk_add_schedule(spk_service* s, const char* name, const char* cron, const char* options) {
  text* t = &s->schedules;
  text_comma(t);
  text_add(t, "{\"name\": ");
  text_json(t, name, strlen(name));
  text_add(t, ", \"cron\": ");
  text_json(t, cron, strlen(cron));
  if (options != NULL && *options != '\0') {
    text_comma(t);
    text_add(t, options);
  }
  text_add(t, "}");
}

static endpoint* endpoint_of(spk_service* s, const char* path) {
  for (endpoint* e = s->endpoints; e != NULL; e = e->next)
    if (strcmp(e->path, path) == 0) return e;
  endpoint* e = made(s, sizeof *e);
  if (e == NULL) return NULL;
  e->path = kept(s, path);
  e->any = -1;
  *s->last_endpoint = e;
  s->last_endpoint = &e->next;
  return e;
}

void spk_add_event(spk_service* s, const char* path, const char* type, spk_handler fn, void* user) {
  endpoint* e = endpoint_of(s, path);
  const size_t number = handlers_add(&s->event_handlers, fn, user);
  if (e == NULL || number == SIZE_MAX) {
    s->failed = 1;
    return;
  }
  if (strcmp(type, "*") == 0) {
    e->any = (long)number;
    return;
  }
  text_comma(&e->subscriptions);
  text_add(&e->subscriptions, "{\"type\": ");
  text_json(&e->subscriptions, type, strlen(type));
  text_addf(&e->subscriptions, ", \"handler\": %zu}", number);
}

void spk_event_endpoint(spk_service* s, const char* path, const char* members) {
  endpoint* e = endpoint_of(s, path);
  if (e == NULL || *members == '\0') return;
  text_comma(&e->members);
  text_add(&e->members, members);
}

uint64_t spk_handler_number(spk_service* s, spk_handler fn, void* user) {
  pthread_mutex_lock(&s->mutex);
  const size_t at = handlers_add(&s->started, fn, user);
  pthread_mutex_unlock(&s->mutex);
  return at == SIZE_MAX ? 0 : at + 1;
}

/* ---- the manifest ---- */

static void add_text(text* out, const text* t) {
  if (t->failed) out->failed = 1;
  else if (t->len > 0) text_add_n(out, t->ptr, t->len);
}

/* `, "name": [all]` */
static void add_list(text* out, const char* name, const text* all) {
  if (all->len == 0 && !all->failed) return;
  text_addf(out, ", \"%s\": [", name);
  add_text(out, all);
  text_add(out, "]");
}

static void add_routes(text* out, const spk_service* s) {
  text_add(out, ", \"routes\": [");
  for (const spk_route* r = s->routes; r != NULL; r = r->next) {
    text_add(out, r == s->routes ? "{\"method\": " : ", {\"method\": ");
    text_json(out, r->method, strlen(r->method));
    text_add(out, ", \"path\": ");
    text_json(out, r->path, strlen(r->path));
    add_list(out, "parameters", &r->params);
    add_list(out, "dependencies", &r->dependencies);
    if (r->members.len > 0) {
      text_add(out, ", ");
      add_text(out, &r->members);
    }
    text_add(out, "}");
  }
  text_add(out, "]");
}

static void add_http(text* out, const spk_service* s) {
  text_add(out, ", \"http\": {\"hooks\": {");
  static const char* const phases[PHASES] = {"on_request", "pre_validation", "pre_handler", "on_response", "on_error"};
  int first = 1;
  for (int i = 0; i < PHASES; ++i) {
    if (s->hook_names[i].len == 0) continue;
    text_addf(out, "%s\"%s\": [", first ? "" : ", ", phases[i]);
    add_text(out, &s->hook_names[i]);
    text_add(out, "]");
    first = 0;
  }
  text_add(out, "}");
  add_list(out, "dependencies", &s->dependencies);
  add_routes(out, s);
  for (const member* m = s->http; m != NULL; m = m->next) {
    text_add(out, ", ");
    text_json(out, m->name, strlen(m->name));
    text_add(out, ": ");
    add_text(out, &m->json);
  }
  text_add(out, "}");
}

static void add_services(text* out, const spk_service* s) {
  text_add(out, ", \"services\": {");
  int first = 1;
  for (const member* kind = s->clients; kind != NULL; kind = kind->next) {
    int seen = 0;
    for (const member* m = s->clients; m != kind; m = m->next) seen |= strcmp(m->name, kind->name) == 0;
    if (seen) continue;
    text_add(out, first ? "" : ", ");
    text_json(out, kind->name, strlen(kind->name));
    text_add(out, ": {");
    int first_name = 1;
    for (const member* m = kind; m != NULL; m = m->next) {
      if (strcmp(m->name, kind->name) != 0) continue;
      text_add(out, first_name ? "" : ", ");
      text_json(out, m->sub, strlen(m->sub));
      text_add(out, ": {");
      add_text(out, &m->json);
      text_add(out, "}");
      first_name = 0;
    }
    text_add(out, "}");
    first = 0;
  }
  text_add(out, "}");
}

static void add_workers(text* out, const spk_service* s) {
  if (s->workers == NULL) return;
  text_add(out, ", \"workers\": [");
  for (const worker* w = s->workers; w != NULL; w = w->next) {
    text_add(out, w == s->workers ? "{\"name\": " : ", {\"name\": ");
    text_json(out, w->queue, strlen(w->queue));
    text_add(out, ", \"queue\": ");
    text_json(out, w->queue, strlen(w->queue));
    text_add(out, ", \"tasks\": [");
    int all = 0;
    for (const task* t = w->tasks; t != NULL; t = t->next) all |= *t->name == '\0';
    for (const task* t = w->tasks; t != NULL && !all; t = t->next) {
      if (t != w->tasks) text_add(out, ", ");
      text_json(out, t->name, strlen(t->name));
    }
    text_add(out, "]");
    if (w->options.len > 0) {
      text_add(out, ", ");
      add_text(out, &w->options);
    }
    text_add(out, "}");
  }
  text_add(out, "]");
}

static void add_events(text* out, const spk_service* s) {
  if (s->endpoints == NULL) return;
  text_add(out, ", \"events\": [");
  for (const endpoint* e = s->endpoints; e != NULL; e = e->next) {
    text_add(out, e == s->endpoints ? "{\"path\": " : ", {\"path\": ");
    text_json(out, e->path, strlen(e->path));
    add_list(out, "subscriptions", &e->subscriptions);
    if (e->any >= 0) text_addf(out, ", \"handler\": %ld", e->any);
    if (e->members.len > 0) {
      text_add(out, ", ");
      add_text(out, &e->members);
    }
    text_add(out, "}");
  }
  text_add(out, "]");
}

static const member* own(const spk_service* s, const char* name) {
  for (const member* m = s->members; m != NULL; m = m->next)
    if (strcmp(m->name, name) == 0) return m;
  return NULL;
}

char* spk_service_manifest(spk_service* s) {
  text out = {0};
  text_add(&out, "{\"name\": ");
  text_json(&out, s->name, strlen(s->name));
  if (own(s, "http") == NULL && (s->routes != NULL || s->endpoints != NULL || s->http != NULL)) add_http(&out, s);
  if (own(s, "services") == NULL) add_services(&out, s);
  add_list(&out, "consumers", &s->consumers);
  add_workers(&out, s);
  add_list(&out, "schedules", &s->schedules);
  add_events(&out, s);
  for (const member* m = s->members; m != NULL; m = m->next) {
    text_add(&out, ", ");
    text_json(&out, m->name, strlen(m->name));
    text_add(&out, ": ");
    add_text(&out, &m->json);
  }
  text_add(&out, "}");
  if (out.failed || s->failed) {
    text_free(&out);
    return NULL;
  }
  return out.ptr;
}
