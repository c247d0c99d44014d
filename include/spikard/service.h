/* service.h - services in C: the port of spikard.h with a thread of its own, and handlers as plain functions that may block.
 *
 *     static void hello(spk_work *work, void *user) {
 *       (void)user;
 *       spk_text name = spk_str(spk_param(work, 0));
 *       spk_reply_json(work, 200, SPK_OBJECT({"hello", SPK_TEXT_N(name.ptr, name.len)}));
 *     }
 *
 *     int main(void) {
 *       spk_service *service = spk_service_new("hello");
 *       spk_route *route = spk_add_route(service, "GET", "/hello/{name}", hello, NULL);
 *       spk_route_param(route, "path", "name", "{\"type\": \"string\"}", 1);
 *       return spk_service_main(service);
 *     }
 *
 * A handler runs on a thread of the service's (`spk_service_threads`), owns its `spk_work` until it returns, and may wait: for an
 * operation (`spk_ask`), a stream, a time. It answers with one of the functions below; what it leaves unsaid when it returns is
 * said for it: a request is answered with 500, a hook goes on, a message, task or event is done. All options are the manifest's
 * (docs/reference/manifest.md), as the inside of a JSON object: "\"group\": \"mail\", \"concurrency\": 4"; what is wrong in them
 * is told when the service starts. Texts given to the functions here are copied unless it is said otherwise.
 *
 * Built on nothing but spikard.h: for callbacks, other threads or a loop of your own use that.
 */
#ifndef SPIKARD_SERVICE_H
#define SPIKARD_SERVICE_H

#include "spikard/nodes.h"
#include "spikard/spikard.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct spk_service spk_service;
typedef struct spk_route spk_route;
/* What a handler has in hand: a request, hook, dependency, message, task, event, background job or job of the program's own. */
typedef struct spk_work spk_work;
typedef void (*spk_handler)(spk_work* work, void* user);

/* ---- the service ---- */

/* NULL only without memory. */
spk_service* spk_service_new(const char* name);
/* Frees it; one that runs is stopped at once. */
void spk_service_free(spk_service* service);
/* A member of the manifest as JSON: `spk_service_set(s, "shutdown", "{\"timeout_ms\": 5000}")`. The last one of a name counts. */
void spk_service_set(spk_service* service, const char* member, const char* json);
/* A client of the toolbox: `spk_service_client(s, "cache", "default", "\"url\": \"memory:\"")`. `kind` is a member of `services`.
 */
void spk_service_client(spk_service* service, const char* kind, const char* name, const char* options);
/* A member of `http`: `spk_service_http(s, "limits", "{\"body_bytes\": 1000}")`. */
void spk_service_http(spk_service* service, const char* member, const char* json);
/* Handlers at once, at most (default 64); threads are made when there is work for them. */
void spk_service_threads(spk_service* service, unsigned threads);

/* The handler of a method and path. Never NULL; valid until the service is freed. */
spk_route* spk_add_route(spk_service* service, const char* method, const char* path, spk_handler handler, void* user);
/* A parameter: `in` is path, query, header or cookie, `schema` JSON Schema or NULL. Handlers find it by its place (spk_param). */
void spk_route_param(spk_route* route, const char* in, const char* name, const char* schema, int required);
/* Further members of the route: `spk_route_set(r, "\"body\": {\"schema\": {...}}")`. */
void spk_route_set(spk_route* route, const char* members);

/* Phases: SPK_HOOK_ON_REQUEST ... A hook that answers (spk_reply...) ends the request there. */
void spk_add_hook(spk_service* service, unsigned phase, const char* name, spk_handler hook, void* user);
/* A dependency: `make` says what it is by spk_provide; `drop` (or NULL) gets it back in spk_token. `route`: only for that one, or
 * NULL. `options`: scope, depends_on. Requests name it in `inject`, and find it by its place there (spk_dependency). */
void spk_add_dependency(spk_service* service, spk_route* route, const char* name, const char* options, spk_handler make,
                        spk_handler drop, void* user);
/* One that is there already. `type`: its JSON type, or NULL. */
void spk_add_value(spk_service* service, spk_route* route, const char* name, const void* value, const char* type);
void spk_add_consumer(spk_service* service, const char* topic, const char* options, spk_handler handler, void* user);
/* `queue` NULL: default. Tasks of one queue and client share a worker; `worker` (or NULL) is what it has beside `tasks`. */
void spk_add_task(spk_service* service, const char* name, const char* queue, const char* worker, spk_handler handler, void* user);
void spk_add_schedule(spk_service* service, const char* name, const char* cron, const char* options);
/* CloudEvents of a type ("*": all others) that come to `path`. */
void spk_add_event(spk_service* service, const char* path, const char* type, spk_handler handler, void* user);
/* Members of the endpoint at `path`: allowed_origins, ... */
void spk_event_endpoint(spk_service* service, const char* path, const char* members);

/* The whole life of a program: configuration of the process, SIGTERM and SIGINT drain (a second one forces). Its exit code: 0
 * when nothing was abandoned, 78 when it cannot start (said on standard error). SPIKARD_PRINT_MANIFEST=1 prints the manifest
 * instead. */
int spk_service_main(spk_service* service);
/* The same with so many processes. */
int spk_service_main_workers(spk_service* service, unsigned workers);

/* For tests and programs with a main of their own: runs on threads of its own until it is stopped. `configured`: files and
 * environment lie over the manifest. 0, or a negative -SPK_E_*, whose text spk_service_error has. */
int spk_service_start(spk_service* service, int configured);
const char* spk_service_error(const spk_service* service);
/* Port of the first TCP listener, 0 without one. */
int spk_service_port(spk_service* service);
/* Drains, with `timeout_ms` or SPK_DRAIN_DEFAULT. The report as JSON, valid until the service is freed. */
const char* spk_service_stop(spk_service* service, uint32_t timeout_ms);
/* Runs `job` on a thread of the service's and waits for it: operations outside of any handler. 0 or -SPK_E_STATE. */
int spk_service_run(spk_service* service, spk_handler job, void* user);
/* The manifest as JSON, for the caller to free. */
char* spk_service_manifest(spk_service* service);

/* ---- tests: time that moves only when it is told to ---- */

/* Starts it on a virtual clock that begins at `start` (RFC 3339; NULL: 2026-01-01T00:00:00Z), with the clients that it did not
 * name in memory. */
int spk_test_start(spk_service* service, const char* start);
/* Runs jobs, each on a thread, to their end and to the end of all that they have begun. Time moves only as far as they wait for
 * it. */
int spk_test_run(spk_service* service, spk_handler job, void* user);
int spk_test_run_many(spk_service* service, spk_handler job, void* const* users, size_t count);
/* Moves the clock, and returns when everything that can run then has run. */
int spk_test_advance(spk_service* service, uint64_t ms);

/* ---- what a handler finds ---- */

/* SPK_EV_REQUEST, SPK_EV_HOOK, SPK_EV_FACTORY, SPK_EV_DISPOSE, SPK_EV_MESSAGE, SPK_EV_TASK, SPK_EV_CLOUDEVENT; 0 of a job of the
 * program's own. */
unsigned spk_kind(const spk_work* work);
spk_service* spk_service_of(const spk_work* work);
/* NULL but for a request, a hook and what a request needs. Valid until the answer. */
const spk_request* spk_request_of(const spk_work* work);
/* Of a message, task, event or dependency; NULL else. Of a hook in ON_RESPONSE and ON_ERROR: the answer so far. */
const spk_record* spk_record_of(const spk_work* work);
/* A declared parameter by its place; of a body, the validated JSON. */
spk_value spk_param(const spk_work* work, unsigned place);
spk_value spk_body_json(const spk_work* work);
/* The body's bytes: of a request that is not streamed, the payload of a message, the arguments (JSON) of a task. */
spk_text spk_body(const spk_work* work);
/* A header of a request, message or task; names of requests are in lower case. */
spk_text spk_header(const spk_work* work, const char* name);
/* `nodes` of the record: of a message {name, key, tries, ...}, a task {id, queue, ...}, an event {event}. */
spk_value spk_nodes(const spk_work* work);
/* What hooks have set on the request. */
spk_value spk_context(const spk_work* work, const char* key);
/* A dependency by its place in `inject`, of a dependency in `depends_on`. */
void* spk_dependency(const spk_work* work, unsigned place);
/* What is to be dropped. */
void* spk_token(const spk_work* work);
/* Why nobody waits for the work any more (SPK_CANCEL_*), 0 while somebody does. Whatever waits inside a handler ends then. */
unsigned spk_cancelled(const spk_work* work);

/* ---- answers to a request ---- */

/* A header of the answer that follows. In a hook: put on whatever is answered; `append` beside others of the name. */
void spk_set_header(spk_work* work, const char* name, const char* value);
void spk_append_header(spk_work* work, const char* name, const char* value);
/* RFC 6265. Members that are NULL or 0 are left out. */
typedef struct spk_cookie {
  const char *name, *value;
  const char *domain, *path;
  const char* same_site; /* Strict, Lax or None */
  int64_t max_age;       /* seconds, with has_max_age */
  int has_max_age, secure, http_only;
} spk_cookie;
/* A Set-Cookie header of the answer that follows. -1, and nothing is set: a text that no cookie may have. */
int spk_set_cookie(spk_work* work, const spk_cookie* cookie);
/* `format`: SPK_BODY_RAW, SPK_BODY_TEXT or SPK_BODY_JSON. */
void spk_reply(spk_work* work, unsigned status, unsigned format, const void* body, size_t n);
/* JSON from arguments (spk_arg below), or from an object, array or value that was built. */
struct spk_arg;
void spk_reply_json(spk_work* work, unsigned status, const struct spk_arg* members);
void spk_reply_built(spk_work* work, unsigned status, spk_builder* builder);
/* Answered by the core with storage.read_stream, storage.write_stream or db.query_stream (SPK_BODY_OPERATION). */
void spk_reply_by(spk_work* work, unsigned status, uint32_t operation, const char* client, const struct spk_arg* args);
/* RFC 9457: `detail` or NULL; `members` further ones as the inside of a JSON object, or NULL. */
void spk_problem(spk_work* work, unsigned status, const char* detail, const char* members);
/* The handler failed: logged, never told to the client. Of a message or task: tried again. */
void spk_fail(spk_work* work, const char* type, const char* message);
/* Of a hook in any phase. */
void spk_set_context(spk_work* work, const char* key, spk_value value);
/* Of a dependency. `type`: its JSON type, or NULL. */
void spk_provide(spk_work* work, void* value, const char* type);

/* An answer in parts. 0; -1 when nobody reads it any more: return then. Waits where the client is slower. */
int spk_stream_begin(spk_work* work, unsigned status, const char* media_type);
int spk_stream_write(spk_work* work, const void* data, size_t n);
void spk_stream_end(spk_work* work);
/* The next part of a streamed request body: 1 with `part` (valid until the next call), 0 at the end, -1 when it broke off. */
int spk_stream_read(spk_work* work, spk_text* part);

/* ---- outcomes of messages, tasks and events ---- */

void spk_ack(spk_work* work);
/* Of a task: its result, as JSON. */
void spk_ack_json(spk_work* work, const char* json, size_t n);
void spk_nack(spk_work* work, int requeue);
void spk_retry(spk_work* work, uint64_t after_ms);
/* Trying again is of no use. */
void spk_reject(spk_work* work, const char* message);
/* The event that answers an event. */
void spk_reply_event(spk_work* work, spk_value event);

/* After the answer, on a thread of the service's; `job` may do what handlers may. 0; else it was refused. */
int spk_background(spk_work* work, spk_handler job, void* user);

/* ---- operations (docs/reference/operations.md) ---- */

/* An argument. The macros make one: {"key", SPK_TEXT("k")}. */
typedef struct spk_arg {
  const char* name; /* NULL ends a list */
  struct {
    uint32_t type; /* of spk_node; SPK_ARR or SPK_OBJ: `value` or `list`; UINT32_MAX: left out */
    int64_t i;
    double f;
    const void* ptr;
    size_t len;
    spk_value value;
    const struct spk_arg* list;
  } what;
} spk_arg;
#ifndef __cplusplus
#define SPK_TEXT(text) {SPK_STR, 0, 0, (text), SIZE_MAX, {0}, 0}
#define SPK_TEXT_N(text, n) {SPK_STR, 0, 0, (text), (n), {0}, 0}
#define SPK_DATA(bytes, n) {SPK_BYTES, 0, 0, (bytes), (n), {0}, 0}
#define SPK_NUMBER(integer) {SPK_INT, (integer), 0, 0, 0, {0}, 0}
#define SPK_REAL(number) {SPK_F64, 0, (number), 0, 0, {0}, 0}
#define SPK_FLAG(flag) {SPK_BOOL, (flag), 0, 0, 0, {0}, 0}
#define SPK_NOTHING {SPK_NULL, 0, 0, 0, 0, {0}, 0}
/* A spk_value from anywhere. */
#define SPK_VALUE(v) {SPK_OBJ, 0, 0, 0, 0, (v), 0}
/* An object or array of further arguments (names of an array's are ""). */
#define SPK_NESTED(...)                                              \
  {                                                                  \
    SPK_OBJ, 0, 0, 0, 0, {0}, (const spk_arg[]) { __VA_ARGS__, {0} } \
  }
#define SPK_LIST(...)                                                \
  {                                                                  \
    SPK_ARR, 0, 0, 0, 0, {0}, (const spk_arg[]) { __VA_ARGS__, {0} } \
  }
#define SPK_OBJECT(...) ((const spk_arg[]){__VA_ARGS__, {0}})
#endif
void spk_put_args(spk_builder* builder, const spk_arg* args);

/* How an operation ended. */
typedef struct spk_done {
  uint32_t status; /* 0, or SPK_KIND_* */
  uint32_t retry;  /* the retry class of an error */
  spk_value value; /* the result: one object */
  spk_text message, detail;
  void* memory; /* spk_done_free */
} spk_done;
void spk_done_free(spk_done* done);

/* Calls an operation of a client ("default"; NULL where the operation has none) and waits for its end. `args` NULL: none. Returns
 * `done->status`; the handler's cancellation ends it with SPK_KIND_CANCELLED. */
uint32_t spk_ask(spk_work* work, uint32_t operation, const char* client, const spk_arg* args, spk_done* done);
/* The same with an object that was built. */
uint32_t spk_ask_built(spk_work* work, uint32_t operation, const char* client, spk_builder* args, spk_done* done);
/* By the application's clock. 0; -1: cancelled. */
int spk_sleep(spk_work* work, uint64_t ms);
/* A sleep that `spk_rouse` ends, from any thread while the handler runs: 1; 0 when the time is over, -1 when it was cancelled or
 * the graceful end has begun: a stream without an end of its own ends then. One rouse is kept for the next pause. */
int spk_pause(spk_work* work, uint64_t ms);
void spk_rouse(spk_work* work);

/* An operation with a streamed argument or result (storage.read_stream, storage.write_stream, db.query_stream). */
typedef struct spk_stream spk_stream;
spk_stream* spk_open_stream(spk_work* work, uint32_t operation, const char* client, const spk_arg* args);
/* As spk_stream_read and spk_stream_write. */
int spk_pull(spk_stream* stream, spk_text* part);
int spk_push(spk_stream* stream, const void* data, size_t n);
/* Ends it: an argument is complete with `whole`, else given up. Frees the stream. */
uint32_t spk_close_stream(spk_stream* stream, int whole, spk_done* done);

/* cache.get_or_begin_load and cache.end_load as one (docs/reference/operations.md): `load` says what it found by spk_ack_json, or
 * fails; at most one at a time for a key. `args`: those of cache.get_or_begin_load. `done->value` has `value`. */
uint32_t spk_get_or_load(spk_work* work, const char* client, const spk_arg* args, spk_handler load, void* user, spk_done* done);
/* A transaction: commits when `body` returns 0, else rolls back; `args` of db.begin. In the body, operations get {"transaction",
 * SPK_NUMBER(tx)}. */
uint32_t spk_transaction(spk_work* work, const char* client, const spk_arg* args,
                         int (*body)(spk_work* work, uint64_t tx, void* user), void* user, spk_done* done);

/* Logged with the trace of the work. `level`: trace, debug, info, warn, error. `attributes` NULL: none. */
void spk_log(spk_work* work, const char* level, const char* message, const spk_arg* attributes);

/* Started handlers of spk_ask(SPK_OP_MESSAGING_START_CONSUMER or SPK_OP_TASKS_START_WORKER): the number for `user`. */
uint64_t spk_handler_number(spk_service* service, spk_handler handler, void* user);

#ifdef __cplusplus
}
#endif

#endif
