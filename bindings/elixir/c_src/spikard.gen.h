/* spikard.h - generated from spec/abi, spec/events.yaml and spec/operations by codegen. Do not edit.
 *
 * The completion port of Spikard. C11; plain data; no function pointer crosses this line in either direction.
 *
 * The host opens an application from a manifest (JSON), opens a port, polls batches of events and submits batches of commands.
 * docs/reference/abi.md and abi/README.md say how each event and command is used.
 *
 * Threads    one poller a port (spk_poll, spk_step). spk_submit, spk_call and spk_wake from any thread; DONE goes to the port called on.
 * Errors     int results are >= 0 or -SPK_E_*; spk_error gives the text of this thread's last one. Nothing throws.
 * Records    the core's; valid from the poll that returned them until spk_submit takes the final command (REPLY, END, ABORT, ACK, ...).
 *            CHUNK: until its CREDIT. DONE, FRAME and held ones: until RELEASE. CANCEL frees nothing. To keep one longer, copy `size` bytes.
 * Commands   the host's; everything reachable from one is copied or written out before spk_submit returns.
 * Ids        never dangling: a command for an id that is over does nothing (SPK_E_STALE only from a spk_submit of a single command).
 * Owed       each owed event gets exactly one final command. Dropping it is a leak that the drain reports, never a crash.
 */
#ifndef SPIKARD_SPIKARD_H
#define SPIKARD_SPIKARD_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__) || defined(__clang__)
#define SPK_EXPORT __attribute__((visibility("default")))
#else
#define SPK_EXPORT
#endif

#ifdef __cplusplus
#define SPK_STATIC_ASSERT(condition, text) static_assert(condition, text)
extern "C" {
#else
#define SPK_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#endif

/* Checked by spk_app_open. Structs only grow at their end, and then this number changes. */
#define SPK_ABI 1u
#define SPK_VERSION "0.1.0"
#define SPK_VERSION_MAJOR 0
#define SPK_VERSION_MINOR 1
#define SPK_VERSION_PATCH 0

/* The application, one a process or more: manifest, services, pools, service threads, drain. */
typedef struct spk_app spk_app;
/* One poller thread of an application. */
typedef struct spk_port spk_port;
/* slot | generation << 32. A stale id is ignored, never unsafe. */
typedef uint64_t spk_id;

/* ---- constants ---- */

/* Types of spk_node. */
enum {
  SPK_NULL = 0,
  SPK_BOOL = 1,  /* `u.i` is 0 or 1. */
  SPK_INT = 2,  /* `u.i`. */
  SPK_F64 = 3,  /* `u.f`, finite. */
  SPK_STR = 4,  /* `len` bytes of UTF-8 at base + `u.off`. */
  SPK_BYTES = 5,  /* `len` bytes at base + `u.off`. */
  SPK_ARR = 6,  /* `len` elements follow; `u.off` nodes are below this one. */
  SPK_OBJ = 7,  /* `len` members follow, each a STR (the key) and a value; `u.off` nodes are below this one. */
  SPK_UINT = 8,  /* `u.off` is a value above INT64_MAX. */
  SPK_NUMTEXT = 9  /* A number that neither an integer nor a double holds; its text as STR. */
};

/* Methods in spk_request. */
enum {
  SPK_METHOD_GET = 1,
  SPK_METHOD_HEAD = 2,
  SPK_METHOD_POST = 3,
  SPK_METHOD_PUT = 4,
  SPK_METHOD_PATCH = 5,
  SPK_METHOD_DELETE = 6,
  SPK_METHOD_OPTIONS = 7,
  SPK_METHOD_TRACE = 8,
  SPK_METHOD_CONNECT = 9,
  SPK_METHOD_OTHER = 10
};

/* Flags of events and commands. */
enum {
  SPK_F_STREAM = 1,  /* The request's body follows as SPK_EV_CHUNK. */
  SPK_F_LAST = 2,  /* The last chunk. */
  SPK_F_TEXT = 4,  /* A text frame. */
  SPK_F_RELEASE = 8,  /* Release the record with this command. */
  SPK_F_MORE = 16,  /* More of the same follows. */
  SPK_F_UPGRADE = 32,  /* The request opens a WebSocket. */
  SPK_F_CONTINUE = 64,  /* No answer; go on. */
  SPK_F_REQUEUE = 128,  /* NACK: deliver again. */
  SPK_F_FATAL = 256  /* FAIL: no more tries. */
};

/* States of the application, `arg` of SPK_EV_STATE. */
enum {
  SPK_READY = 1,  /* Every required component is ready. */
  SPK_DRAINING = 2,  /* The drain has begun. */
  SPK_STOPPED = 3  /* Nothing is owed any more or it was abandoned. */
};

/* Why, `arg` of SPK_EV_CANCEL. */
enum {
  SPK_CANCEL_REQUESTED = 1,  /* The application asked for it. */
  SPK_CANCEL_DEADLINE = 2,  /* The time-out passed; it has been answered. */
  SPK_CANCEL_CLIENT_GONE = 3,  /* The client closed the connection. */
  SPK_CANCEL_SHUTDOWN = 4  /* The drain's time is over. */
};

/* Phases of hooks, `arg` of SPK_EV_HOOK. */
enum {
  SPK_HOOK_ON_REQUEST = 0,
  SPK_HOOK_PRE_VALIDATION = 1,
  SPK_HOOK_PRE_HANDLER = 2,
  SPK_HOOK_ON_RESPONSE = 3,
  SPK_HOOK_ON_ERROR = 4
};

/* Form of a body in a command. */
enum {
  SPK_BODY_RAW = 0,  /* application/octet-stream unless a Content-Type is given. */
  SPK_BODY_TEXT = 1,  /* text/plain; charset=utf-8. */
  SPK_BODY_JSON = 2,  /* application/json. */
  SPK_BODY_NODES = 3,  /* spk_node at the start of `body`, text offsets relative to `body.ptr`; the core writes them as JSON. */
  SPK_BODY_OPERATION = 4  /* REPLY only: the core answers by itself with operation `arg` of client `client`, whose arguments are the nodes at `body`. storage.read_stream serves an object (GET and HEAD by RFC 9110: conditions, one range), of the arguments only `key`, and content_type, cache_control, content_disposition that replace the object's; storage.write_stream stores the body of the request, which has not been read, and answers 201; db.query_stream answers with the rows as JSON (no `transaction`). `status` 0: the operation's own. */
};

/* Errors of functions, returned negated. */
enum {
  SPK_E_OK = 0,
  SPK_E_STALE = 1,  /* The id is over. */
  SPK_E_CONFIG = 2,  /* A wrong argument or manifest; the text names the field. */
  SPK_E_STATE = 3,  /* Not in this state of the application or port. */
  SPK_E_IO = 4,  /* The operating system or a service said no. */
  SPK_E_UNSUPPORTED = 5,  /* This build cannot do it. */
  SPK_E_MEMORY = 6,  /* Out of memory. */
  SPK_E_ABI = 7,  /* Built against another version of this header. */
  SPK_E_BUSY = 8  /* Another thread is polling this port. */
};

/* Bit of the result of spk_supervise in the parent; the low bits are the exit code. */
#define SPK_SUPERVISED (1 << 30)
/* For spk_drain: the manifest's shutdown.timeout_ms. */
#define SPK_DRAIN_DEFAULT UINT32_MAX

/* Error kinds: `status` of SPK_EV_DONE. */
enum {
  SPK_KIND_NOT_FOUND = 1,  /* What must be there is not. */
  SPK_KIND_ALREADY_EXISTS = 2,  /* What must not be there is. */
  SPK_KIND_INVALID_ARGUMENT = 3,  /* The request or the configuration is wrong, whatever the state. */
  SPK_KIND_PERMISSION_DENIED = 4,  /* The caller may not do this. */
  SPK_KIND_CONDITION_FAILED = 5,  /* A condition that the caller named does not hold. */
  SPK_KIND_CONFLICT = 6,  /* Somebody else changed the same thing at the same time. */
  SPK_KIND_TIMEOUT = 7,  /* It took longer than allowed, and did not happen. */
  SPK_KIND_CANCELLED = 8,  /* The caller or a shutdown stopped it. */
  SPK_KIND_UNAVAILABLE = 9,  /* A service or resource cannot be reached or is overloaded. */
  SPK_KIND_RATE_LIMITED = 10,  /* Too many requests or no room in a queue. */
  SPK_KIND_UNSUPPORTED = 11,  /* This backend or build cannot do it. */
  SPK_KIND_TOO_LARGE = 12,  /* A limit on size was passed. */
  SPK_KIND_CORRUPT = 13,  /* Stored or received data cannot be understood. */
  SPK_KIND_OUTCOME_UNKNOWN = 14,  /* It may have happened or not; the answer was lost. */
  SPK_KIND_INTERNAL = 15  /* A bug or something that was not foreseen. */
};

/* ---- layouts ---- */

/* A part of a record, relative to the first byte of the record that holds it. */
typedef struct spk_view {
  uint32_t off;  /* Offset. */
  uint32_t len;  /* Bytes, or a count where it says so. */
} spk_view;
SPK_STATIC_ASSERT(sizeof(spk_view) == 8, "layout of spk_view");
SPK_STATIC_ASSERT(offsetof(spk_view, off) == 0, "layout of spk_view");
SPK_STATIC_ASSERT(offsetof(spk_view, len) == 4, "layout of spk_view");

/* Host memory, read only during the call. */
typedef struct spk_bytes {
  const void *ptr;  /* NULL only with len 0. */
  uint64_t len;  /* Bytes. */
} spk_bytes;
SPK_STATIC_ASSERT(sizeof(spk_bytes) == 16, "layout of spk_bytes");
SPK_STATIC_ASSERT(offsetof(spk_bytes, ptr) == 0, "layout of spk_bytes");
SPK_STATIC_ASSERT(offsetof(spk_bytes, len) == 8, "layout of spk_bytes");

/* A header (name in lower case), a metadata pair. */
typedef struct spk_pair {
  spk_view name;
  spk_view value;
} spk_pair;
SPK_STATIC_ASSERT(sizeof(spk_pair) == 16, "layout of spk_pair");
SPK_STATIC_ASSERT(offsetof(spk_pair, name) == 0, "layout of spk_pair");
SPK_STATIC_ASSERT(offsetof(spk_pair, value) == 8, "layout of spk_pair");

/* One value of a document in preorder: typed parameters, JSON bodies, rows, arguments, results. */
typedef struct spk_node {
  uint32_t type;  /* SPK_NULL to SPK_NUMTEXT. */
  uint32_t len;  /* Bytes of text, elements or members. */
  union { int64_t i; double f; uint64_t off; } u;  /* i, f or off, by type. */
} spk_node;
SPK_STATIC_ASSERT(sizeof(spk_node) == 16, "layout of spk_node");
SPK_STATIC_ASSERT(offsetof(spk_node, type) == 0, "layout of spk_node");
SPK_STATIC_ASSERT(offsetof(spk_node, len) == 4, "layout of spk_node");
SPK_STATIC_ASSERT(offsetof(spk_node, u) == 8, "layout of spk_node");

/* A request: contiguous, self-contained (memcpy of `size` bytes moves it), 8-aligned, read-only. */
typedef struct spk_request {
  uint32_t size;  /* Bytes of the whole record. */
  uint32_t route;  /* Index of the route in the manifest. */
  spk_id id;  /* Names it in commands. */
  uint8_t method;  /* SPK_METHOD_*. */
  uint8_t version;  /* 10 or 11 (HTTP/1). */
  uint16_t flags;  /* SPK_F_STREAM. */
  uint32_t deadline_ms;  /* The time-out, 0 for none. */
  spk_view path;  /* As sent, without the query. */
  spk_view query;  /* As sent, without `?`. */
  spk_view peer;  /* Address of the client. */
  spk_view body;  /* Raw bytes, when buffered. */
  spk_view headers;  /* len = number of spk_pair; names in lower case. */
  spk_view params;  /* len = number of spk_node: the declared parameters in the order of the manifest. */
  spk_view auth;  /* Nodes: who it is. */
  spk_view context;  /* Nodes of one object: what hooks have set. */
  spk_view deps;  /* len = number of uint64_t: tokens, in the order of inject. */
  spk_view json;  /* len = number of spk_node: the validated body, 0 when there is none. */
} spk_request;
SPK_STATIC_ASSERT(sizeof(spk_request) == 104, "layout of spk_request");
SPK_STATIC_ASSERT(offsetof(spk_request, size) == 0, "layout of spk_request");
SPK_STATIC_ASSERT(offsetof(spk_request, route) == 4, "layout of spk_request");
SPK_STATIC_ASSERT(offsetof(spk_request, id) == 8, "layout of spk_request");
SPK_STATIC_ASSERT(offsetof(spk_request, method) == 16, "layout of spk_request");
SPK_STATIC_ASSERT(offsetof(spk_request, version) == 17, "layout of spk_request");
SPK_STATIC_ASSERT(offsetof(spk_request, flags) == 18, "layout of spk_request");
SPK_STATIC_ASSERT(offsetof(spk_request, deadline_ms) == 20, "layout of spk_request");
SPK_STATIC_ASSERT(offsetof(spk_request, path) == 24, "layout of spk_request");
SPK_STATIC_ASSERT(offsetof(spk_request, query) == 32, "layout of spk_request");
SPK_STATIC_ASSERT(offsetof(spk_request, peer) == 40, "layout of spk_request");
SPK_STATIC_ASSERT(offsetof(spk_request, body) == 48, "layout of spk_request");
SPK_STATIC_ASSERT(offsetof(spk_request, headers) == 56, "layout of spk_request");
SPK_STATIC_ASSERT(offsetof(spk_request, params) == 64, "layout of spk_request");
SPK_STATIC_ASSERT(offsetof(spk_request, auth) == 72, "layout of spk_request");
SPK_STATIC_ASSERT(offsetof(spk_request, context) == 80, "layout of spk_request");
SPK_STATIC_ASSERT(offsetof(spk_request, deps) == 88, "layout of spk_request");
SPK_STATIC_ASSERT(offsetof(spk_request, json) == 96, "layout of spk_request");

/* What comes with other events: contiguous, self-contained, 8-aligned, read-only. */
typedef struct spk_record {
  uint32_t size;  /* Bytes of the whole record. */
  uint32_t source;  /* Subscription, task or kind of call. */
  spk_id id;  /* Names it in commands. */
  uint32_t status;  /* Error kind or 0; status of an answer. */
  uint32_t attempt;  /* Delivery count. */
  spk_view key;  /* Bytes. */
  spk_view body;  /* Bytes. */
  spk_view meta;  /* len = number of spk_pair. */
  spk_view nodes;  /* len = number of spk_node. */
} spk_record;
SPK_STATIC_ASSERT(sizeof(spk_record) == 56, "layout of spk_record");
SPK_STATIC_ASSERT(offsetof(spk_record, size) == 0, "layout of spk_record");
SPK_STATIC_ASSERT(offsetof(spk_record, source) == 4, "layout of spk_record");
SPK_STATIC_ASSERT(offsetof(spk_record, id) == 8, "layout of spk_record");
SPK_STATIC_ASSERT(offsetof(spk_record, status) == 16, "layout of spk_record");
SPK_STATIC_ASSERT(offsetof(spk_record, attempt) == 20, "layout of spk_record");
SPK_STATIC_ASSERT(offsetof(spk_record, key) == 24, "layout of spk_record");
SPK_STATIC_ASSERT(offsetof(spk_record, body) == 32, "layout of spk_record");
SPK_STATIC_ASSERT(offsetof(spk_record, meta) == 40, "layout of spk_record");
SPK_STATIC_ASSERT(offsetof(spk_record, nodes) == 48, "layout of spk_record");

/* From the core. Only `rec` is a pointer, valid in this process. */
typedef struct spk_event {
  uint16_t kind;  /* SPK_EV_*. */
  uint16_t flags;  /* SPK_F_*. */
  uint32_t route;  /* Route, hook or dependency. */
  spk_id id;
  const void *rec;  /* spk_request or spk_record, by kind; NULL for CANCEL, CREDIT, STATE. */
  uint64_t user;  /* Value given with the command that caused it. */
  uint64_t arg;  /* By kind. */
} spk_event;
SPK_STATIC_ASSERT(sizeof(spk_event) == 40, "layout of spk_event");
SPK_STATIC_ASSERT(offsetof(spk_event, kind) == 0, "layout of spk_event");
SPK_STATIC_ASSERT(offsetof(spk_event, flags) == 2, "layout of spk_event");
SPK_STATIC_ASSERT(offsetof(spk_event, route) == 4, "layout of spk_event");
SPK_STATIC_ASSERT(offsetof(spk_event, id) == 8, "layout of spk_event");
SPK_STATIC_ASSERT(offsetof(spk_event, rec) == 16, "layout of spk_event");
SPK_STATIC_ASSERT(offsetof(spk_event, user) == 24, "layout of spk_event");
SPK_STATIC_ASSERT(offsetof(spk_event, arg) == 32, "layout of spk_event");

/* To the core. */
typedef struct spk_cmd {
  uint16_t op;  /* SPK_CMD_*. */
  uint16_t flags;  /* SPK_F_*. */
  uint16_t status;  /* HTTP status. */
  uint16_t format;  /* SPK_BODY_*. */
  uint32_t nhead;  /* Number of spk_pair at head.ptr. */
  uint32_t client;  /* CALL: number of the client, its place in `clients` of spk_info; else 0. */
  spk_id id;
  uint64_t user;  /* Given back with what it causes. */
  uint64_t arg;  /* By op. */
  spk_bytes head;  /* Pairs, then their text; views are relative to head.ptr. */
  spk_bytes body;  /* In `format`. */
} spk_cmd;
SPK_STATIC_ASSERT(sizeof(spk_cmd) == 72, "layout of spk_cmd");
SPK_STATIC_ASSERT(offsetof(spk_cmd, op) == 0, "layout of spk_cmd");
SPK_STATIC_ASSERT(offsetof(spk_cmd, flags) == 2, "layout of spk_cmd");
SPK_STATIC_ASSERT(offsetof(spk_cmd, status) == 4, "layout of spk_cmd");
SPK_STATIC_ASSERT(offsetof(spk_cmd, format) == 6, "layout of spk_cmd");
SPK_STATIC_ASSERT(offsetof(spk_cmd, nhead) == 8, "layout of spk_cmd");
SPK_STATIC_ASSERT(offsetof(spk_cmd, client) == 12, "layout of spk_cmd");
SPK_STATIC_ASSERT(offsetof(spk_cmd, id) == 16, "layout of spk_cmd");
SPK_STATIC_ASSERT(offsetof(spk_cmd, user) == 24, "layout of spk_cmd");
SPK_STATIC_ASSERT(offsetof(spk_cmd, arg) == 32, "layout of spk_cmd");
SPK_STATIC_ASSERT(offsetof(spk_cmd, head) == 40, "layout of spk_cmd");
SPK_STATIC_ASSERT(offsetof(spk_cmd, body) == 56, "layout of spk_cmd");

/* ---- events: core to host ---- */

enum {
  /* A request for `route`. SPK_F_STREAM: the body follows as CHUNK. `rec` is valid until the final command is taken. Owed: REPLY, END (after HEAD),
     ABORT, WS_CLOSE or FAIL. rec: spk_request. */
  SPK_EV_REQUEST = 1,
  /* A part of a streamed body, or of the streamed result of an operation (`user` is the CALL's): `arg` bytes in `body`; SPK_F_LAST on the last (may be
     empty). Valid until CREDIT commands of that id have covered it, oldest first, or the final command. 65536 bytes are granted at the start. rec:
     spk_record. */
  SPK_EV_CHUNK = 2,
  /* Advisory: client gone, deadline passed, or drain (`arg` = SPK_CANCEL_*). The final command is still owed, and then ignored. */
  SPK_EV_CANCEL = 3,
  /* A response stream may send `arg` more bytes. An answer begun with HEAD starts with 65536; each CHUNK takes its length off. At or below 0: wait. A
     CALL with SPK_F_STREAM gets one at its start (`user` as given, `arg` 65536): `id` names the operation in CHUNK, END, ABORT and CREDIT. */
  SPK_EV_CREDIT = 4,
  /* A WebSocket message or close, a gRPC message, an SSE resume. Valid until RELEASE. rec: spk_record. */
  SPK_EV_FRAME = 5,
  /* A broker's delivery. `route`: the consumer's place in the manifest, UINT32_MAX for one started by an operation (`user` as that was told). `rec`:
     `attempt` the delivery count, `key`, `body`, `meta` the headers, `nodes` {name: topic, key: text or null, tries, enqueued_ms, traceparent where there
     is a trace}. Owed: ACK, NACK (SPK_F_REQUEUE: again; else dead letter), RETRY or FAIL. rec: spk_record. */
  SPK_EV_MESSAGE = 6,
  /* A task, a cron firing, or a background task (`rec` NULL, `user` as given to background.run). `rec` as in MESSAGE: `body` the arguments (JSON),
     `nodes` as well {id, queue, lease, scheduled_at (ms since the epoch) where a schedule made it}, `name` the task; `route` the worker's place in the
     manifest. Owed: ACK (body: the result), RETRY or FAIL (SPK_F_FATAL: no more tries). rec: spk_record. */
  SPK_EV_TASK = 7,
  /* The end of a CALL or TIMER: `user` as given, `id` of the operation; `rec`: `status` 0 or an error kind, `nodes` the result, `body` the error message,
     `key` its detail, `attempt` its retry class. `rec` (when not NULL) is valid until RELEASE of that id. NULL for a timer that fired. rec: spk_record.
     */
  SPK_EV_DONE = 8,
  /* Hook number `route` of phase `arg` (SPK_HOOK_*). In ON_RESPONSE and ON_ERROR `user` is the address of a spk_record with the answer so far: `status`,
     `meta` its headers. Owed: RESULT or FAIL with the request's id. rec: spk_request. */
  SPK_EV_HOOK = 9,
  /* Dependency `route` is to be made; `nodes`: an array of the tokens of its depends_on, in order. Owed: RESULT (`arg`: the new token; `body`: its JSON
     type as a string node, or nothing) or FAIL. rec: spk_record. */
  SPK_EV_FACTORY = 10,
  /* Dependency `route` with token `arg` is no longer used. Owed: RESULT or FAIL; with `id` 0 (a singleton, at the end) `arg` is given back. */
  SPK_EV_DISPOSE = 11,
  /* A CloudEvent to handle. `route`: the number of the handler in the manifest. `rec`: `nodes` {event: the event in the JSON format, `data` as bytes
     instead of data_base64}. The RESULT's `body` is such an event as nodes. Owed: ACK, NACK, RETRY, or RESULT with a reply event. rec: spk_record. */
  SPK_EV_CLOUDEVENT = 12,
  /* The application is now in state `arg`: SPK_READY, SPK_DRAINING, SPK_STOPPED. Close the port after STOPPED. */
  SPK_EV_STATE = 13,
  /* A log record; only when asked for. rec: spk_record. */
  SPK_EV_LOG = 14
};

/* ---- commands: host to core ---- */

enum {
  /* The whole answer: `status`; `head`: nhead spk_pair at `head.ptr`, views relative to it; `body` in `format`. A Content-Type among the headers wins
     over that of the format. Final. */
  SPK_CMD_REPLY = 1,
  /* Status and headers of an answer that follows as CHUNK* and END. */
  SPK_CMD_HEAD = 2,
  /* The next bytes (`body`) of an answer begun with HEAD, or of the streamed argument of an operation. */
  SPK_CMD_CHUNK = 3,
  /* The answer begun with HEAD, or the streamed argument of an operation, is complete. Final. */
  SPK_CMD_END = 4,
  /* The answer ends before its end; the connection is closed. Without HEAD: 500. Of an operation: its streamed argument ends before its end (the
     operation ends cancelled, detail aborted). Final. */
  SPK_CMD_ABORT = 5,
  /* The host can take `arg` more bytes of the request body, or of an operation's streamed result. */
  SPK_CMD_CREDIT = 6,
  /* Opens the WebSocket; `head` may hold further headers. */
  SPK_CMD_WS_ACCEPT = 7,
  /* A message, SPK_F_TEXT or binary. */
  SPK_CMD_WS_SEND = 8,
  /* Closes with code `arg`. Final. */
  SPK_CMD_WS_CLOSE = 9,
  /* Done; `body` of a task: its result. Final. */
  SPK_CMD_ACK = 10,
  /* Not done. SPK_F_REQUEUE: again at once; else dead letter. Final. */
  SPK_CMD_NACK = 11,
  /* Again in `arg` ms. Final. */
  SPK_CMD_RETRY = 12,
  /* Operation `arg` (SPK_OP_*) of client number `client` with nodes as `body`: one object. `id`: the request, message or task whose handler waits, or 0.
     `head`: a traceparent of the host's own span around it, if there is one (from another thread it must be given). SPK_F_STREAM: its argument or result
     is streamed. Ends in DONE with `user`. */
  SPK_CMD_CALL = 13,
  /* The CALL or TIMER with this `user`. It still ends in DONE. */
  SPK_CMD_CANCEL = 14,
  /* DONE with `user` in `arg` ms of the application's clock. `id`: the request that waits, or 0. */
  SPK_CMD_TIMER = 15,
  /* The answer to a HOOK, FACTORY or DISPOSE. For a HOOK: nodes of an object with any of `context`, `set`, `append`, `answer`; empty: go on. Final. */
  SPK_CMD_RESULT = 16,
  /* The handler threw. `body`: nodes {type, message, trace}; logged, never sent to clients. Final. */
  SPK_CMD_FAIL = 17,
  /* Keeps a record past its final command. */
  SPK_CMD_HOLD = 18,
  /* Lets go of a record that was held or that came with DONE. */
  SPK_CMD_RELEASE = 19
};

/* ---- operations: `arg` of SPK_CMD_CALL; arguments and errors in docs/reference/operations.md ---- */

enum {
  SPK_OP_BACKGROUND_RUN = 1,
  SPK_OP_TEST_ADVANCE = 16,
  SPK_OP_TEST_SETTLE = 17,
  SPK_OP_TEST_FAULTS = 18,
  SPK_OP_CACHE_GET = 32,
  SPK_OP_CACHE_SET = 33,
  SPK_OP_CACHE_DELETE = 34,
  SPK_OP_CACHE_EXISTS = 35,
  SPK_OP_CACHE_TOUCH = 36,
  SPK_OP_CACHE_TTL = 37,
  SPK_OP_CACHE_INCREMENT = 38,
  SPK_OP_CACHE_SET_IF_ABSENT = 39,
  SPK_OP_CACHE_DELETE_IF = 40,
  SPK_OP_CACHE_GET_MANY = 41,
  SPK_OP_CACHE_SET_MANY = 42,
  SPK_OP_CACHE_CLEAR = 43,
  SPK_OP_CACHE_COUNT = 44,
  SPK_OP_CACHE_INVALIDATE_TAGS = 45,
  SPK_OP_CACHE_GET_OR_BEGIN_LOAD = 46,
  SPK_OP_CACHE_END_LOAD = 47,
  SPK_OP_CACHE_STATS = 48,
  SPK_OP_CACHE_INVALIDATE = 49,
  SPK_OP_STORAGE_READ = 64,
  SPK_OP_STORAGE_READ_STREAM = 65,
  SPK_OP_STORAGE_WRITE = 66,
  SPK_OP_STORAGE_WRITE_STREAM = 67,
  SPK_OP_STORAGE_STAT = 68,
  SPK_OP_STORAGE_EXISTS = 69,
  SPK_OP_STORAGE_DELETE = 70,
  SPK_OP_STORAGE_DELETE_MANY = 71,
  SPK_OP_STORAGE_LIST = 72,
  SPK_OP_STORAGE_COPY = 73,
  SPK_OP_STORAGE_RENAME = 74,
  SPK_OP_STORAGE_PRESIGN = 75,
  SPK_OP_STORAGE_PLAN_UPLOAD = 76,
  SPK_OP_STORAGE_COMPLETE_UPLOAD = 77,
  SPK_OP_STORAGE_ABORT_UPLOAD = 78,
  SPK_OP_DB_QUERY = 96,
  SPK_OP_DB_FIRST = 97,
  SPK_OP_DB_EXECUTE = 98,
  SPK_OP_DB_BATCH = 99,
  SPK_OP_DB_QUERY_STREAM = 100,
  SPK_OP_DB_BEGIN = 101,
  SPK_OP_DB_COMMIT = 102,
  SPK_OP_DB_ROLLBACK = 103,
  SPK_OP_DB_SAVEPOINT = 104,
  SPK_OP_DB_OPEN_CURSOR = 105,
  SPK_OP_DB_FETCH = 106,
  SPK_OP_DB_CLOSE_CURSOR = 107,
  SPK_OP_DB_MIGRATE = 108,
  SPK_OP_DB_MIGRATION_STATUS = 109,
  SPK_OP_DB_INBOX = 110,
  SPK_OP_DB_STATS = 111,
  SPK_OP_DB_CLOSE = 112,
  SPK_OP_MESSAGING_PUBLISH = 128,
  SPK_OP_MESSAGING_PUBLISH_BATCH = 129,
  SPK_OP_MESSAGING_START_CONSUMER = 130,
  SPK_OP_MESSAGING_STOP_CONSUMER = 131,
  SPK_OP_MESSAGING_KILL_CONSUMER = 132,
  SPK_OP_MESSAGING_LIST_DEAD_LETTERS = 133,
  SPK_OP_MESSAGING_PEEK_DEAD_LETTER = 134,
  SPK_OP_MESSAGING_REDRIVE_DEAD_LETTERS = 135,
  SPK_OP_MESSAGING_PURGE_DEAD_LETTERS = 136,
  SPK_OP_MESSAGING_SEEK = 137,
  SPK_OP_MESSAGING_GROUPS = 138,
  SPK_OP_MESSAGING_DELETE_GROUP = 139,
  SPK_OP_MESSAGING_TOPIC_MATCH = 140,
  SPK_OP_MESSAGING_STATS = 141,
  SPK_OP_TASKS_ENQUEUE = 160,
  SPK_OP_TASKS_ENQUEUE_MANY = 161,
  SPK_OP_TASKS_ENQUEUE_BATCH = 162,
  SPK_OP_TASKS_BATCH = 163,
  SPK_OP_TASKS_JOB = 164,
  SPK_OP_TASKS_LIST = 165,
  SPK_OP_TASKS_CANCEL = 166,
  SPK_OP_TASKS_RETRY = 167,
  SPK_OP_TASKS_QUEUES = 168,
  SPK_OP_TASKS_PENDING_COUNT = 169,
  SPK_OP_TASKS_PAUSE = 170,
  SPK_OP_TASKS_RESUME = 171,
  SPK_OP_TASKS_SET_RATE_LIMIT = 172,
  SPK_OP_TASKS_PROGRESS = 173,
  SPK_OP_TASKS_HEARTBEAT = 174,
  SPK_OP_TASKS_WAIT = 175,
  SPK_OP_TASKS_START_WORKER = 176,
  SPK_OP_TASKS_STOP_WORKER = 177,
  SPK_OP_TASKS_KILL_WORKER = 178,
  SPK_OP_TASKS_SCHEDULE = 179,
  SPK_OP_TASKS_UNSCHEDULE = 180,
  SPK_OP_TASKS_SCHEDULES = 181,
  SPK_OP_TASKS_START_SCHEDULER = 182,
  SPK_OP_TASKS_STOP_SCHEDULER = 183,
  SPK_OP_CRON_NEXT = 188,
  SPK_OP_CLOUDEVENTS_ENCODE = 192,
  SPK_OP_CLOUDEVENTS_DECODE = 193,
  SPK_OP_CLOUDEVENTS_VALIDATE = 194,
  SPK_OP_CLOUDEVENTS_SEND = 195,
  SPK_OP_CLOUDEVENTS_SEND_BATCH = 196,
  SPK_OP_TELEMETRY_CONTEXT = 224,
  SPK_OP_TELEMETRY_START_SPAN = 225,
  SPK_OP_TELEMETRY_END_SPAN = 226,
  SPK_OP_TELEMETRY_LOG = 227,
  SPK_OP_TELEMETRY_ADD = 228,
  SPK_OP_TELEMETRY_RECORD = 229,
  SPK_OP_TELEMETRY_FLUSH = 230,
  SPK_OP_TELEMETRY_STATISTICS = 231,
  SPK_OP_TELEMETRY_TAKE_SPANS = 240,
  SPK_OP_TELEMETRY_TAKE_LOGS = 241,
  SPK_OP_TELEMETRY_COLLECT_METRICS = 242,
  SPK_OP_TELEMETRY_PARSE_TRACEPARENT = 248,
  SPK_OP_TELEMETRY_PARSE_TRACESTATE = 249,
  SPK_OP_TELEMETRY_PARSE_BAGGAGE = 250
};

/* ---- functions ---- */

/* SPK_ABI of the library that is loaded.
 * Thread: any
 * Lifecycle: unstable */
SPK_EXPORT uint32_t spk_abi(void);

/* Checks the manifest, all of it, and makes an application. Opens no socket, starts no thread.
 * Thread: any
 * abi: SPK_ABI, as the host was compiled.
 * manifest_json: UTF-8 JSON, `n` bytes, need not end in NUL. Borrowed during the call. NULL: SPK_E_CONFIG.
 * n: Its length.
 * out: The application, owned by the caller until spk_app_close; NULL on error. NULL itself: SPK_E_CONFIG.
 * Errors: -SPK_E_CONFIG, -SPK_E_ABI, -SPK_E_UNSUPPORTED, -SPK_E_MEMORY
 * Lifecycle: unstable */
SPK_EXPORT int spk_app_open(uint32_t abi, const char *manifest_json, size_t n, spk_app **out);

/* As spk_app_open, with the configuration of this process over the manifest: $SPIKARD_CONFIG or spikard.toml of the working directory, then PORT,
 *   then SPIKARD_... of the environment (docs/guide/configuration.md). An HTTP server without a listener gets 127.0.0.1:8000. For programs; tests use
 *   spk_app_open.
 * Thread: Any; nobody changes the environment meanwhile.
 * abi: SPK_ABI, as the host was compiled.
 * manifest_json: UTF-8 JSON, `n` bytes, need not end in NUL. Borrowed during the call. NULL: SPK_E_CONFIG.
 * n: Its length.
 * out: The application, owned by the caller until spk_app_close; NULL on error. NULL itself: SPK_E_CONFIG.
 * Errors: -SPK_E_CONFIG, -SPK_E_ABI, -SPK_E_UNSUPPORTED, -SPK_E_MEMORY
 * Lifecycle: unstable */
SPK_EXPORT int spk_app_open_configured(uint32_t abi, const char *manifest_json, size_t n, spk_app **out);

/* Reserves the addresses and forks `workers` processes. Returns in each child with its index; in the parent when all have ended, with SPK_SUPERVISED
 *   | exit code. The parent restarts a worker that dies, with backoff, and forwards signals.
 * Thread: The only thread of the process, before spk_app_start.
 * app: NULL: SPK_E_CONFIG.
 * workers: Number of processes.
 * Errors: -SPK_E_CONFIG, -SPK_E_STATE, -SPK_E_IO, -SPK_E_MEMORY
 * Lifecycle: unstable */
SPK_EXPORT int spk_supervise(spk_app *app, uint32_t workers);

/* Reserves the addresses (port 0 is resolved), connects services, starts service threads. Fork before this, open ports after it.
 * Thread: Any, once.
 * app: NULL: SPK_E_CONFIG.
 * Errors: -SPK_E_CONFIG, -SPK_E_STATE, -SPK_E_IO, -SPK_E_MEMORY
 * Lifecycle: unstable */
SPK_EXPORT int spk_app_start(spk_app *app);

/* The addresses that were bound and the state, as JSON: `{"name": "orders", "state": "ready", "addresses": ["127.0.0.1:8000"], "pid": 42,
 *   "problem_base": "https://..."}` (the last with HTTP: what relative problem types stand below). Returns the length needed, without the NUL; writes
 *   at most `cap` bytes, NUL included.
 * Thread: any
 * app: NULL: 0.
 * json: The caller's memory; NULL to ask for the length.
 * cap: Its size.
 * Lifecycle: unstable */
SPK_EXPORT size_t spk_info(spk_app *app, char *json, size_t cap);

/* Makes a port for the calling thread and listens on the addresses (SO_REUSEPORT). The first port makes the application ready.
 * Thread: The one that will poll it; after spk_app_start.
 * app: NULL: SPK_E_CONFIG. Must outlive the port.
 * out: The port, owned by the caller until spk_port_close; NULL on error. NULL itself: SPK_E_CONFIG.
 * Errors: -SPK_E_CONFIG, -SPK_E_STATE, -SPK_E_IO, -SPK_E_MEMORY
 * Lifecycle: unstable */
SPK_EXPORT int spk_port_open(spk_app *app, spk_port **out);

/* Begins the drain (docs/guide/shutdown.md). SPK_EV_STATE with SPK_STOPPED when it is over: keep polling until then. A second call cancels what is in
 *   flight at once.
 * Thread: Any; not from a signal handler.
 * app: NULL: SPK_E_CONFIG.
 * deadline_ms: Replaces shutdown.timeout_ms; SPK_DRAIN_DEFAULT keeps it.
 * Errors: -SPK_E_CONFIG, -SPK_E_STATE, -SPK_E_MEMORY
 * Lifecycle: unstable */
SPK_EXPORT int spk_drain(spk_app *app, uint32_t deadline_ms);

/* Closes a port and frees every record of it. What is still owed counts as abandoned.
 * Thread: The one that polls it, not inside a poll.
 * port: NULL: nothing.
 * Lifecycle: unstable */
SPK_EXPORT void spk_port_close(spk_port *port);

/* Ends the application: after STOPPED, or at once. Its ports must have been closed.
 * Thread: any
 * app: NULL: nothing.
 * Lifecycle: unstable */
SPK_EXPORT void spk_app_close(spk_app *app);

/* What the drain did, as JSON; empty before STOPPED. Returns the length needed, without the NUL; writes at most `cap` bytes, NUL included.
 * Thread: any
 * app: NULL: 0.
 * json: The caller's memory; NULL to ask for the length.
 * cap: Its size.
 * Lifecycle: unstable */
SPK_EXPORT size_t spk_report(spk_app *app, char *json, size_t cap);

/* The text of this thread's last error. Returns the length needed, without the NUL; writes at most `cap` bytes, NUL included.
 * Thread: any
 * buf: The caller's memory; NULL to ask for the length.
 * cap: Its size.
 * Lifecycle: unstable */
SPK_EXPORT size_t spk_error(char *buf, size_t cap);

/* A descriptor that is readable (level) whenever spk_poll would return more than 0. For the host's own loop; the port's, never close it. Under
 *   edge-triggered watching poll until 0.
 * Thread: any
 * port: NULL: SPK_E_CONFIG.
 * Errors: -SPK_E_CONFIG
 * Lifecycle: unstable */
SPK_EXPORT int spk_fd(spk_port *port);

/* Does the I/O (inline drive) and takes events. Returns how many; 0 when the time is over or spk_wake was called.
 * Thread: The poller of the port.
 * port: NULL: SPK_E_CONFIG.
 * ev: The caller's memory, room for `max`. NULL: SPK_E_CONFIG.
 * max: At most so many; 64 is a good number.
 * timeout_ms: 0 never blocks, -1 until there is an event.
 * Errors: -SPK_E_CONFIG, -SPK_E_STATE, -SPK_E_MEMORY
 * Lifecycle: unstable */
SPK_EXPORT int spk_poll(spk_port *port, spk_event *ev, uint32_t max, int32_t timeout_ms);

/* Carries out commands in order. On the poller's thread answers are written at once; from another thread commands are copied and posted. More than 0:
 *   events wait, poll again.
 * Thread: any
 * port: NULL: SPK_E_CONFIG.
 * cmd: `n` commands; they and all they point to are borrowed during the call. NULL only with n = 0.
 * n: How many.
 * Errors: -SPK_E_CONFIG, -SPK_E_STALE, -SPK_E_STATE, -SPK_E_MEMORY
 * Lifecycle: unstable */
SPK_EXPORT int spk_submit(spk_port *port, const spk_cmd *cmd, uint32_t n);

/* spk_submit and then spk_poll in one crossing. An error of the submit is returned without polling.
 * Thread: The poller of the port.
 * port: NULL: SPK_E_CONFIG.
 * cmd: As for spk_submit.
 * n: How many.
 * ev: As for spk_poll.
 * max: As for spk_poll.
 * timeout_ms: As for spk_poll.
 * Errors: -SPK_E_CONFIG, -SPK_E_STALE, -SPK_E_STATE, -SPK_E_MEMORY
 * Lifecycle: unstable */
SPK_EXPORT int spk_step(spk_port *port, const spk_cmd *cmd, uint32_t n, spk_event *ev, uint32_t max, int32_t timeout_ms);

/* One operation (SPK_CMD_CALL) that may complete at once: 1 when it did, without an event; 0 when SPK_EV_DONE will follow.
 * Thread: any
 * port: NULL: SPK_E_CONFIG.
 * cmd: Borrowed during the call. NULL: SPK_E_CONFIG.
 * out: The result when 1 is returned, as DONE brings it, valid until the next spk_call of this thread; else NULL. NULL itself: SPK_E_CONFIG.
 * Errors: -SPK_E_CONFIG, -SPK_E_STATE, -SPK_E_MEMORY
 * Lifecycle: unstable */
SPK_EXPORT int spk_call(spk_port *port, const spk_cmd *cmd, const spk_record **out);

/* Makes a blocked spk_poll return 0.
 * Thread: any
 * port: NULL: SPK_E_CONFIG.
 * Errors: -SPK_E_CONFIG
 * Lifecycle: unstable */
SPK_EXPORT int spk_wake(spk_port *port);

/* The memory in which records lie, for hosts that map it once (a ByteBuffer, an ArrayBuffer). A record outside it has a block of its own (a large
 *   body). NULL and 0 in an application without HTTP.
 * Thread: any
 * port: NULL: SPK_E_CONFIG.
 * base: Its first byte; valid until spk_port_close. NULL itself: SPK_E_CONFIG.
 * size: Its bytes. NULL itself: SPK_E_CONFIG.
 * Errors: -SPK_E_CONFIG
 * Lifecycle: unstable */
SPK_EXPORT int spk_region(spk_port *port, const void **base, uint64_t *size);

/* JSON text as nodes, for hosts without a parser of their own.
 * Thread: any
 * json: UTF-8 JSON, `n` bytes, need not end in NUL. Borrowed during the call. NULL: SPK_E_CONFIG.
 * n: Its length.
 * out: A record with the document as `nodes`, owned by the caller until spk_record_free; NULL on error. NULL itself: SPK_E_CONFIG.
 * Errors: -SPK_E_CONFIG, -SPK_E_MEMORY
 * Lifecycle: unstable */
SPK_EXPORT int spk_json_read(const char *json, size_t n, const spk_record **out);

/* Nodes as JSON text, as the core writes an answer (SPK_BODY_NODES). Returns the length needed, without the NUL, and writes at most `cap` bytes, NUL
 *   included; 0 when the nodes are malformed.
 * Thread: any
 * nodes: Nodes at its start, text offsets relative to it, 8-aligned. Borrowed during the call. NULL: 0.
 * n: Bytes, the text included.
 * buf: The caller's memory; NULL to ask for the length.
 * cap: Its size.
 * Lifecycle: unstable */
SPK_EXPORT size_t spk_json_write(const void *nodes, size_t n, char *buf, size_t cap);

/* Frees a record of spk_json_read, and no other.
 * Thread: any
 * record: NULL: nothing.
 * Lifecycle: unstable */
SPK_EXPORT void spk_record_free(const spk_record *record);

#ifdef __cplusplus
}
#endif

#endif
