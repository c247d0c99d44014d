/* What the parts of the C harness (e2e/README.md) share. */
#ifndef SPIKARD_E2E_CASE_H
#define SPIKARD_E2E_CASE_H

#include <pthread.h>
#include <setjmp.h>
#include <stddef.h>

#include "spikard/service.h"

/* A text that grows. */
typedef struct out {
  char* ptr;
  size_t len, room;
} out;
void out_n(out* o, const char* text, size_t n);
void out_s(out* o, const char* text);
void out_json_text(out* o, spk_text text);
/* A value as JSON, bytes as {"$bytes": BASE64}. */
void out_value(out* o, spk_value value);
void out_free(out* o);

char* base64_of(const void* data, size_t n);
/* For the caller to free; NULL: not base64. */
char* from_base64(spk_text text, size_t* n);

/* Ends the request with an error of this type: `not_built` for a key or kind that this harness, or the product, does not have. */
_Noreturn void refuse(const char* type, const char* format, ...) __attribute__((format(printf, 2, 3)));
/* The same with what an operation met. */
_Noreturn void refuse_done(const spk_done* done);
/* Every key is one of `known`, a list with spaces. */
void only(spk_value object, const char* known, const char* where);

/* Lives until the next case; `text_of` has a NUL behind it. */
void* kept(size_t n);
char* text_of(spk_value value);
char* json_of(spk_value value);
char* format_kept(const char* format, ...) __attribute__((format(printf, 1, 2)));
spk_value member(spk_value object, const char* name);
int is(spk_value value, const char* text);

/* ---- application.c ---- */

/* What handlers, hooks and factories of one application share. */
typedef struct app {
  pthread_mutex_t mutex;
  spk_service* service;
  out trace; /* elements of an array */
  out events;
  struct list* lists;
  struct counter* counters;
} app;
app* app_new(spk_value spec);
void app_free(app* a);

/* ---- scripts of consumers and workers (toolbox.c) ---- */

typedef struct script script;
script* script_new(spk_value spec);
/* Runs what is next for this name; `what` are members of what is noted, or NULL. */
void script_run(script* s, spk_work* work, spk_text name, const char* what);

/* ---- toolbox.c ---- */

typedef struct toolbox toolbox;
void toolbox_backends(out* o, spk_value subsystem);
toolbox* toolbox_new(spk_value client);
void toolbox_capabilities(toolbox* t, out* o);
spk_service* toolbox_service(toolbox* t);
void toolbox_do(toolbox* t, spk_value op, spk_value args, out* o);
void toolbox_free(toolbox* t);

#endif
