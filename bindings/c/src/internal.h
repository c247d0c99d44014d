/* What the parts of the C layer share. */
#ifndef SPIKARD_C_INTERNAL_H
#define SPIKARD_C_INTERNAL_H

#include <pthread.h>
#include <stdint.h>

#include "spikard/service.h"

/* ---- text.c ---- */

typedef struct text {
  char* ptr; /* terminated; NULL while empty */
  size_t len, room;
  int failed; /* out of memory: what is in it is not whole */
} text;
void text_add_n(text* t, const char* s, size_t n);
void text_add(text* t, const char* s);
void text_addf(text* t, const char* format, ...) __attribute__((format(printf, 2, 3)));
void text_json(text* t, const char* s, size_t n); /* as a JSON text */
/* `, ` unless it is the first of a list. */
void text_comma(text* t);
void text_free(text* t);
char* copy_str(const char* s);

/* ---- what was registered (register.c) ---- */

typedef struct handler {
  spk_handler fn;
  void* user;
} handler;
typedef struct handlers {
  handler* all;
  size_t count, room;
} handlers;
/* Its place. */
size_t handlers_add(handlers* list, spk_handler fn, void* user);

struct spk_route {
  spk_service* service;
  struct spk_route* next;
  char *method, *path;
  handler handler;
  text params, members, dependencies;
};

typedef struct member { /* of the manifest, of http or of services */
  struct member* next;
  char *name, *sub; /* sub: the client's */
  text json;
} member;

typedef struct dependency {
  handler make, drop;
} dependency;

typedef struct task {
  struct task* next;
  char* name;
  handler handler;
} task;
typedef struct worker {
  struct worker* next;
  char* queue;
  text options;
  task* tasks;
} worker;

typedef struct endpoint {
  struct endpoint* next;
  char* path;
  text subscriptions, members;
  long any; /* handler of "*", -1: none */
} endpoint;

enum { PHASES = 5 };

struct spk_service {
  char* name;
  member *members, *http, *clients;
  spk_route *routes, **last_route;
  size_t route_count;
  spk_route** route_by_number;
  text hook_names[PHASES];
  handlers hooks[PHASES];
  text dependencies;
  dependency* made; /* by the number of the dependency */
  size_t made_count, made_room;
  text consumers, schedules;
  handlers consumer_handlers, event_handlers;
  worker *workers, **last_worker;
  worker** worker_by_number;
  endpoint *endpoints, **last_endpoint;
  handlers started; /* of operations, by number - 1 */
  unsigned max_threads;
  int failed; /* out of memory while it was built */

  /* run.c */
  spk_app* app;
  pthread_rwlock_t port_lock; /* of `port`: commands read it, its end writes it */
  spk_port* port;
  pthread_t poller;
  int polls; /* the thread is there */
  pthread_mutex_t mutex;
  pthread_cond_t changed; /* opened, over, threads that end, jobs that are done */
  int opened, open_result, over, draining;
  char error[1024];       /* of the start that failed */
  spk_work *first, *last; /* that wait for a thread */
  spk_work* in_hand;      /* all */
  unsigned threads, idle;
  pthread_cond_t work;
  int closing;
  char* report;
  const spk_record* info; /* of spk_info */
  int traced;             /* telemetry is on */
};

/* ---- run.c ---- */

/* The end of an operation or timer, for which a work waits. */
typedef struct waiter {
  int ended, shielded, pause;
  int sent, told;            /* its command; its cancellation, which must not come before that */
  uint32_t status;           /* of a timer */
  spk_done* done;            /* of an operation; NULL: a timer */
  struct spk_stream* stream; /* of an operation with one */
  spk_work* work;
  struct waiter* next; /* of the same work */
} waiter;

struct spk_work {
  spk_service* service;
  spk_work* next;           /* in the queue */
  spk_work *before, *after; /* among those in hand */
  spk_event event;
  handler handler;
  unsigned kind;        /* SPK_EV_*; 0: a job of the program's own, LOADER */
  spk_work* root;       /* whose thread it is: itself, but for a LOADER */
  int blocked;          /* of a root, under the mutex: it waits for an end that has not come */
  unsigned long asked;  /* of a root, under the mutex: ends it has waited for */
  spk_id id;            /* on whose behalf operations are called */
  char traceparent[64]; /* of the span around it; empty: none */
  int answered;
  unsigned cancelled; /* these five under the service's mutex */
  waiter* waiting;
  pthread_cond_t changed;             /* an end, credit, chunks, cancellation */
  int64_t credit;                     /* of a streamed answer */
  struct chunk *chunks, **last_chunk; /* of a streamed request */
  struct chunk* current;
  int body_ended;
  int streaming;
  /* the answer */
  text set, append; /* names and values of headers, each ended by NUL */
  int roused;       /* under the mutex */
  spk_builder context;
  int context_begun;
  int* finished; /* of a job somebody waits for */
  /* of a loader */
  int loaded; /* 0 nothing, 1 a value, 2 failed */
  char* load_value;
  size_t load_size;
};
enum { LOADER = 1000 };

typedef struct chunk {
  struct chunk* next;
  const spk_record* record;
  uint64_t size;
  int last;
  spk_id id;
} chunk;

struct spk_stream {
  spk_service* service;
  spk_work* work;
  uint32_t operation;
  waiter waiter;
  spk_done done;
  spk_id id; /* 0 until its first credit; the rest under the mutex too */
  int64_t credit;
  chunk *chunks, **last_chunk, *current;
};

int submit(spk_service* s, const spk_cmd* cmd);
/* Before the command that ends it. */
void waiter_begin(waiter* w, spk_work* work, spk_done* done);
/* Until it has ended; a cancelled work cancels it unless it is shielded. */
void waiter_wait(waiter* w, int shielded);
void done_from(spk_done* done, const spk_record* record);
void done_failed(spk_done* done, uint32_t status, const char* message);
/* invalid_argument: there is no such client. */
void done_no_client(spk_done* done, spk_service* s, uint32_t operation, const char* name);
/* Its place among those of its subsystem; -1: there is none. */
long client_number(spk_service* s, uint32_t operation, const char* name);
/* A list of chunks: `last` is where the next one goes. Under the mutex. NULL: there is none. */
void chunk_add(chunk*** last, const spk_event* event);
chunk* chunk_take(chunk** first, chunk*** last);
/* Lets the sender go on. */
void chunk_drop(spk_service* s, chunk* one);
void work_begin(spk_work* work, spk_service* s, unsigned kind, handler h, spk_id id);
void work_end(spk_work* work);
void finish(spk_work* work);
void service_close(spk_service* s);
/* `finished` becomes 1, with `changed`, when it has ended. */
int start_job(spk_service* s, spk_handler job, void* user, int* finished);

#endif
