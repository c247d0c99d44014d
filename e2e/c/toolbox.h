/* What the parts of the toolbox's side share: script.c, ops.c, places.c, toolbox.c. */
#ifndef SPIKARD_E2E_TOOLBOX_H
#define SPIKARD_E2E_TOOLBOX_H

#include <string.h>

#include "case.h"

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
  char *schema, *database; /* of the case's own on PostgreSQL, on MySQL */
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

/* ---- ops.c ---- */

named* find(named* list, const char* name);
void take(named** list, const named* one);
/* Asks, and keeps the error. 0: it went well, and `done` is the caller's. */
int ask(op* o, spk_work* work, uint32_t operation, spk_builder* b, spk_done* done);
void fail(op* o, uint32_t status, const char* detail, const char* message);
void get_or_load(spk_work* work, void* user);
void about_tx(op* o, spk_work* work, uint32_t operation, uint64_t tx, int savepoint);
void stop_one(op* o, spk_work* work, const named* one, int kill, int64_t limit_ms, spk_done* done);
void run_op(spk_work* work, void* user);

/* ---- places.c ---- */

/* The options of the client in a place where nobody was before, as the inside of a JSON object. */
const char* options_of(toolbox* t);
/* Its database: there before the service connects to it, and gone behind it. */
void make_place(toolbox* t);
void drop_place(toolbox* t);
/* Its schema, through the client itself, or one that `place_of_schema` has the options of. */
const char* place_of_schema(void);
void make_schema(spk_work* work, void* user);
void drop_schema(spk_work* work, void* user);

#endif
