// Code generated from spec/abi, spec/events.yaml and spec/operations by codegen. DO NOT EDIT.

//! The C ABI as it is (include/spikard/spikard.h): numbers, layouts, functions. Everything else in this crate is a safe layer above it.

use std::ffi::{c_char, c_int, c_void};

/// Checked when an application is opened.
pub const SPK_ABI: u32 = 1;
/// Version of the core that this was generated for.
pub const SPK_VERSION: &str = "0.1.0";
/// For spk_drain: the manifest's shutdown.timeout_ms.
pub const SPK_DRAIN_DEFAULT: u32 = u32::MAX;

/// The application.
#[repr(C)]
pub struct spk_app {
    _private: [u8; 0],
}

/// One poller thread of an application.
#[repr(C)]
pub struct spk_port {
    _private: [u8; 0],
}

/// Names what commands are for.
pub type spk_id = u64;

// Types of spk_node.
pub const SPK_NULL: u32 = 0;
/// `u.i` is 0 or 1.
pub const SPK_BOOL: u32 = 1;
/// `u.i`.
pub const SPK_INT: u32 = 2;
/// `u.f`, finite.
pub const SPK_F64: u32 = 3;
/// `len` bytes of UTF-8 at base + `u.off`.
pub const SPK_STR: u32 = 4;
/// `len` bytes at base + `u.off`.
pub const SPK_BYTES: u32 = 5;
/// `len` elements follow; `u.off` nodes are below this one.
pub const SPK_ARR: u32 = 6;
/// `len` members follow, each a STR (the key) and a value; `u.off` nodes are below this one.
pub const SPK_OBJ: u32 = 7;
/// `u.off` is a value above INT64_MAX.
pub const SPK_UINT: u32 = 8;
/// A number that neither an integer nor a double holds; its text as STR.
pub const SPK_NUMTEXT: u32 = 9;

// Methods in spk_request.
pub const SPK_METHOD_GET: u8 = 1;
pub const SPK_METHOD_HEAD: u8 = 2;
pub const SPK_METHOD_POST: u8 = 3;
pub const SPK_METHOD_PUT: u8 = 4;
pub const SPK_METHOD_PATCH: u8 = 5;
pub const SPK_METHOD_DELETE: u8 = 6;
pub const SPK_METHOD_OPTIONS: u8 = 7;
pub const SPK_METHOD_TRACE: u8 = 8;
pub const SPK_METHOD_CONNECT: u8 = 9;
pub const SPK_METHOD_OTHER: u8 = 10;

// Flags of events and commands.
/// The request's body follows as SPK_EV_CHUNK.
pub const SPK_F_STREAM: u16 = 1;
/// The last chunk.
pub const SPK_F_LAST: u16 = 2;
/// A text frame.
pub const SPK_F_TEXT: u16 = 4;
/// Release the record with this command.
pub const SPK_F_RELEASE: u16 = 8;
/// More of the same follows.
pub const SPK_F_MORE: u16 = 16;
/// The request opens a WebSocket.
pub const SPK_F_UPGRADE: u16 = 32;
/// No answer; go on.
pub const SPK_F_CONTINUE: u16 = 64;
/// NACK: deliver again.
pub const SPK_F_REQUEUE: u16 = 128;
/// FAIL: no more tries.
pub const SPK_F_FATAL: u16 = 256;

// States of the application, `arg` of SPK_EV_STATE.
/// Every required component is ready.
pub const SPK_READY: u64 = 1;
/// The drain has begun.
pub const SPK_DRAINING: u64 = 2;
/// Nothing is owed any more or it was abandoned.
pub const SPK_STOPPED: u64 = 3;

// Why, `arg` of SPK_EV_CANCEL.
/// The application asked for it.
pub const SPK_CANCEL_REQUESTED: u64 = 1;
/// The time-out passed; it has been answered.
pub const SPK_CANCEL_DEADLINE: u64 = 2;
/// The client closed the connection.
pub const SPK_CANCEL_CLIENT_GONE: u64 = 3;
/// The drain's time is over.
pub const SPK_CANCEL_SHUTDOWN: u64 = 4;

// Phases of hooks, `arg` of SPK_EV_HOOK.
pub const SPK_HOOK_ON_REQUEST: u64 = 0;
pub const SPK_HOOK_PRE_VALIDATION: u64 = 1;
pub const SPK_HOOK_PRE_HANDLER: u64 = 2;
pub const SPK_HOOK_ON_RESPONSE: u64 = 3;
pub const SPK_HOOK_ON_ERROR: u64 = 4;

// Form of a body in a command.
/// application/octet-stream unless a Content-Type is given.
pub const SPK_BODY_RAW: u16 = 0;
/// text/plain; charset=utf-8.
pub const SPK_BODY_TEXT: u16 = 1;
/// application/json.
pub const SPK_BODY_JSON: u16 = 2;
/// spk_node at the start of `body`, text offsets relative to `body.ptr`; the core writes them as JSON.
pub const SPK_BODY_NODES: u16 = 3;
/// REPLY only: the core answers by itself with operation `arg` of client `client`, whose arguments are the nodes at `body`. storage.read_stream serves an
/// object (GET and HEAD by RFC 9110: conditions, one range), of the arguments only `key`, and content_type, cache_control, content_disposition that
/// replace the object's; storage.write_stream stores the body of the request, which has not been read, and answers 201; db.query_stream answers with the
/// rows as JSON (no `transaction`). `status` 0: the operation's own.
pub const SPK_BODY_OPERATION: u16 = 4;

// Errors of functions, returned negated.
pub const SPK_E_OK: i32 = 0;
/// The id is over.
pub const SPK_E_STALE: i32 = 1;
/// A wrong argument or manifest; the text names the field.
pub const SPK_E_CONFIG: i32 = 2;
/// Not in this state of the application or port.
pub const SPK_E_STATE: i32 = 3;
/// The operating system or a service said no.
pub const SPK_E_IO: i32 = 4;
/// This build cannot do it.
pub const SPK_E_UNSUPPORTED: i32 = 5;
/// Out of memory.
pub const SPK_E_MEMORY: i32 = 6;
/// Built against another version of this header.
pub const SPK_E_ABI: i32 = 7;
/// Another thread is polling this port.
pub const SPK_E_BUSY: i32 = 8;

// Events: core to host.
/// A request for `route`. SPK_F_STREAM: the body follows as CHUNK. `rec` is valid until the final command is taken.
pub const SPK_EV_REQUEST: u16 = 1;
/// A part of a streamed body, or of the streamed result of an operation (`user` is the CALL's): `arg` bytes in `body`; SPK_F_LAST on the last (may be
/// empty). Valid until CREDIT commands of that id have covered it, oldest first, or the final command. 65536 bytes are granted at the start.
pub const SPK_EV_CHUNK: u16 = 2;
/// Advisory: client gone, deadline passed, or drain (`arg` = SPK_CANCEL_*). The final command is still owed, and then ignored.
pub const SPK_EV_CANCEL: u16 = 3;
/// A response stream may send `arg` more bytes. An answer begun with HEAD starts with 65536; each CHUNK takes its length off. At or below 0: wait. A CALL
/// with SPK_F_STREAM gets one at its start (`user` as given, `arg` 65536): `id` names the operation in CHUNK, END, ABORT and CREDIT.
pub const SPK_EV_CREDIT: u16 = 4;
/// A WebSocket message or close, a gRPC message, an SSE resume. Valid until RELEASE.
pub const SPK_EV_FRAME: u16 = 5;
/// A broker's delivery. `route`: the consumer's place in the manifest, UINT32_MAX for one started by an operation (`user` as that was told). `rec`:
/// `attempt` the delivery count, `key`, `body`, `meta` the headers, `nodes` {name: topic, key: text or null, tries, enqueued_ms, traceparent where there
/// is a trace}.
pub const SPK_EV_MESSAGE: u16 = 6;
/// A task, a cron firing, or a background task (`rec` NULL, `user` as given to background.run). `rec` as in MESSAGE: `body` the arguments (JSON), `nodes`
/// as well {id, queue, lease, scheduled_at (ms since the epoch) where a schedule made it}, `name` the task; `route` the worker's place in the manifest.
pub const SPK_EV_TASK: u16 = 7;
/// The end of a CALL or TIMER: `user` as given, `id` of the operation; `rec`: `status` 0 or an error kind, `nodes` the result, `body` the error message,
/// `key` its detail, `attempt` its retry class. `rec` (when not NULL) is valid until RELEASE of that id. NULL for a timer that fired.
pub const SPK_EV_DONE: u16 = 8;
/// Hook number `route` of phase `arg` (SPK_HOOK_*). In ON_RESPONSE and ON_ERROR `user` is the address of a spk_record with the answer so far: `status`,
/// `meta` its headers.
pub const SPK_EV_HOOK: u16 = 9;
/// Dependency `route` is to be made; `nodes`: an array of the tokens of its depends_on, in order.
pub const SPK_EV_FACTORY: u16 = 10;
/// Dependency `route` with token `arg` is no longer used.
pub const SPK_EV_DISPOSE: u16 = 11;
/// A CloudEvent to handle. `route`: the number of the handler in the manifest. `rec`: `nodes` {event: the event in the JSON format, `data` as bytes
/// instead of data_base64}. The RESULT's `body` is such an event as nodes.
pub const SPK_EV_CLOUDEVENT: u16 = 12;
/// The application is now in state `arg`: SPK_READY, SPK_DRAINING, SPK_STOPPED. Close the port after STOPPED.
pub const SPK_EV_STATE: u16 = 13;
/// A log record; only when asked for.
pub const SPK_EV_LOG: u16 = 14;

// Commands: host to core.
/// The whole answer: `status`; `head`: nhead spk_pair at `head.ptr`, views relative to it; `body` in `format`. A Content-Type among the headers wins over
/// that of the format.
pub const SPK_CMD_REPLY: u16 = 1;
/// Status and headers of an answer that follows as CHUNK* and END.
pub const SPK_CMD_HEAD: u16 = 2;
/// The next bytes (`body`) of an answer begun with HEAD, or of the streamed argument of an operation.
pub const SPK_CMD_CHUNK: u16 = 3;
/// The answer begun with HEAD, or the streamed argument of an operation, is complete.
pub const SPK_CMD_END: u16 = 4;
/// The answer ends before its end; the connection is closed. Without HEAD: 500. Of an operation: its streamed argument ends before its end (the operation
/// ends cancelled, detail aborted).
pub const SPK_CMD_ABORT: u16 = 5;
/// The host can take `arg` more bytes of the request body, or of an operation's streamed result.
pub const SPK_CMD_CREDIT: u16 = 6;
/// Opens the WebSocket; `head` may hold further headers.
pub const SPK_CMD_WS_ACCEPT: u16 = 7;
/// A message, SPK_F_TEXT or binary.
pub const SPK_CMD_WS_SEND: u16 = 8;
/// Closes with code `arg`.
pub const SPK_CMD_WS_CLOSE: u16 = 9;
/// Done; `body` of a task: its result.
pub const SPK_CMD_ACK: u16 = 10;
/// Not done. SPK_F_REQUEUE: again at once; else dead letter.
pub const SPK_CMD_NACK: u16 = 11;
/// Again in `arg` ms.
pub const SPK_CMD_RETRY: u16 = 12;
/// Operation `arg` (SPK_OP_*) of client number `client` with nodes as `body`: one object. `id`: the request, message or task whose handler waits, or 0.
/// `head`: a traceparent of the host's own span around it, if there is one (from another thread it must be given). SPK_F_STREAM: its argument or result
/// is streamed. Ends in DONE with `user`.
pub const SPK_CMD_CALL: u16 = 13;
/// The CALL or TIMER with this `user`. It still ends in DONE.
pub const SPK_CMD_CANCEL: u16 = 14;
/// DONE with `user` in `arg` ms of the application's clock. `id`: the request that waits, or 0.
pub const SPK_CMD_TIMER: u16 = 15;
/// The answer to a HOOK, FACTORY or DISPOSE. For a HOOK: nodes of an object with any of `context`, `set`, `append`, `answer`; empty: go on.
pub const SPK_CMD_RESULT: u16 = 16;
/// The handler threw. `body`: nodes {type, message, trace}; logged, never sent to clients.
pub const SPK_CMD_FAIL: u16 = 17;
/// Keeps a record past its final command.
pub const SPK_CMD_HOLD: u16 = 18;
/// Lets go of a record that was held or that came with DONE.
pub const SPK_CMD_RELEASE: u16 = 19;

// Operations: `arg` of SPK_CMD_CALL.
pub const SPK_OP_BACKGROUND_RUN: u64 = 1;
pub const SPK_OP_TEST_ADVANCE: u64 = 16;
pub const SPK_OP_TEST_SETTLE: u64 = 17;
pub const SPK_OP_TEST_FAULTS: u64 = 18;
pub const SPK_OP_CACHE_GET: u64 = 32;
pub const SPK_OP_CACHE_SET: u64 = 33;
pub const SPK_OP_CACHE_DELETE: u64 = 34;
pub const SPK_OP_CACHE_EXISTS: u64 = 35;
pub const SPK_OP_CACHE_TOUCH: u64 = 36;
pub const SPK_OP_CACHE_TTL: u64 = 37;
pub const SPK_OP_CACHE_INCREMENT: u64 = 38;
pub const SPK_OP_CACHE_SET_IF_ABSENT: u64 = 39;
pub const SPK_OP_CACHE_DELETE_IF: u64 = 40;
pub const SPK_OP_CACHE_GET_MANY: u64 = 41;
pub const SPK_OP_CACHE_SET_MANY: u64 = 42;
pub const SPK_OP_CACHE_CLEAR: u64 = 43;
pub const SPK_OP_CACHE_COUNT: u64 = 44;
pub const SPK_OP_CACHE_INVALIDATE_TAGS: u64 = 45;
pub const SPK_OP_CACHE_GET_OR_BEGIN_LOAD: u64 = 46;
pub const SPK_OP_CACHE_END_LOAD: u64 = 47;
pub const SPK_OP_CACHE_STATS: u64 = 48;
pub const SPK_OP_CACHE_INVALIDATE: u64 = 49;
pub const SPK_OP_STORAGE_READ: u64 = 64;
pub const SPK_OP_STORAGE_READ_STREAM: u64 = 65;
pub const SPK_OP_STORAGE_WRITE: u64 = 66;
pub const SPK_OP_STORAGE_WRITE_STREAM: u64 = 67;
pub const SPK_OP_STORAGE_STAT: u64 = 68;
pub const SPK_OP_STORAGE_EXISTS: u64 = 69;
pub const SPK_OP_STORAGE_DELETE: u64 = 70;
pub const SPK_OP_STORAGE_DELETE_MANY: u64 = 71;
pub const SPK_OP_STORAGE_LIST: u64 = 72;
pub const SPK_OP_STORAGE_COPY: u64 = 73;
pub const SPK_OP_STORAGE_RENAME: u64 = 74;
pub const SPK_OP_STORAGE_PRESIGN: u64 = 75;
pub const SPK_OP_STORAGE_PLAN_UPLOAD: u64 = 76;
pub const SPK_OP_STORAGE_COMPLETE_UPLOAD: u64 = 77;
pub const SPK_OP_STORAGE_ABORT_UPLOAD: u64 = 78;
pub const SPK_OP_DB_QUERY: u64 = 96;
pub const SPK_OP_DB_FIRST: u64 = 97;
pub const SPK_OP_DB_EXECUTE: u64 = 98;
pub const SPK_OP_DB_BATCH: u64 = 99;
pub const SPK_OP_DB_QUERY_STREAM: u64 = 100;
pub const SPK_OP_DB_BEGIN: u64 = 101;
pub const SPK_OP_DB_COMMIT: u64 = 102;
pub const SPK_OP_DB_ROLLBACK: u64 = 103;
pub const SPK_OP_DB_SAVEPOINT: u64 = 104;
pub const SPK_OP_DB_OPEN_CURSOR: u64 = 105;
pub const SPK_OP_DB_FETCH: u64 = 106;
pub const SPK_OP_DB_CLOSE_CURSOR: u64 = 107;
pub const SPK_OP_DB_MIGRATE: u64 = 108;
pub const SPK_OP_DB_MIGRATION_STATUS: u64 = 109;
pub const SPK_OP_DB_INBOX: u64 = 110;
pub const SPK_OP_DB_STATS: u64 = 111;
pub const SPK_OP_DB_CLOSE: u64 = 112;
pub const SPK_OP_MESSAGING_PUBLISH: u64 = 128;
pub const SPK_OP_MESSAGING_PUBLISH_BATCH: u64 = 129;
pub const SPK_OP_MESSAGING_START_CONSUMER: u64 = 130;
pub const SPK_OP_MESSAGING_STOP_CONSUMER: u64 = 131;
pub const SPK_OP_MESSAGING_KILL_CONSUMER: u64 = 132;
pub const SPK_OP_MESSAGING_LIST_DEAD_LETTERS: u64 = 133;
pub const SPK_OP_MESSAGING_PEEK_DEAD_LETTER: u64 = 134;
pub const SPK_OP_MESSAGING_REDRIVE_DEAD_LETTERS: u64 = 135;
pub const SPK_OP_MESSAGING_PURGE_DEAD_LETTERS: u64 = 136;
pub const SPK_OP_MESSAGING_SEEK: u64 = 137;
pub const SPK_OP_MESSAGING_GROUPS: u64 = 138;
pub const SPK_OP_MESSAGING_DELETE_GROUP: u64 = 139;
pub const SPK_OP_MESSAGING_TOPIC_MATCH: u64 = 140;
pub const SPK_OP_MESSAGING_STATS: u64 = 141;
pub const SPK_OP_TASKS_ENQUEUE: u64 = 160;
pub const SPK_OP_TASKS_ENQUEUE_MANY: u64 = 161;
pub const SPK_OP_TASKS_ENQUEUE_BATCH: u64 = 162;
pub const SPK_OP_TASKS_BATCH: u64 = 163;
pub const SPK_OP_TASKS_JOB: u64 = 164;
pub const SPK_OP_TASKS_LIST: u64 = 165;
pub const SPK_OP_TASKS_CANCEL: u64 = 166;
pub const SPK_OP_TASKS_RETRY: u64 = 167;
pub const SPK_OP_TASKS_QUEUES: u64 = 168;
pub const SPK_OP_TASKS_PENDING_COUNT: u64 = 169;
pub const SPK_OP_TASKS_PAUSE: u64 = 170;
pub const SPK_OP_TASKS_RESUME: u64 = 171;
pub const SPK_OP_TASKS_SET_RATE_LIMIT: u64 = 172;
pub const SPK_OP_TASKS_PROGRESS: u64 = 173;
pub const SPK_OP_TASKS_HEARTBEAT: u64 = 174;
pub const SPK_OP_TASKS_WAIT: u64 = 175;
pub const SPK_OP_TASKS_START_WORKER: u64 = 176;
pub const SPK_OP_TASKS_STOP_WORKER: u64 = 177;
pub const SPK_OP_TASKS_KILL_WORKER: u64 = 178;
pub const SPK_OP_TASKS_SCHEDULE: u64 = 179;
pub const SPK_OP_TASKS_UNSCHEDULE: u64 = 180;
pub const SPK_OP_TASKS_SCHEDULES: u64 = 181;
pub const SPK_OP_TASKS_START_SCHEDULER: u64 = 182;
pub const SPK_OP_TASKS_STOP_SCHEDULER: u64 = 183;
pub const SPK_OP_CRON_NEXT: u64 = 188;
pub const SPK_OP_CLOUDEVENTS_ENCODE: u64 = 192;
pub const SPK_OP_CLOUDEVENTS_DECODE: u64 = 193;
pub const SPK_OP_CLOUDEVENTS_VALIDATE: u64 = 194;
pub const SPK_OP_CLOUDEVENTS_SEND: u64 = 195;
pub const SPK_OP_CLOUDEVENTS_SEND_BATCH: u64 = 196;
pub const SPK_OP_TELEMETRY_CONTEXT: u64 = 224;
pub const SPK_OP_TELEMETRY_START_SPAN: u64 = 225;
pub const SPK_OP_TELEMETRY_END_SPAN: u64 = 226;
pub const SPK_OP_TELEMETRY_LOG: u64 = 227;
pub const SPK_OP_TELEMETRY_ADD: u64 = 228;
pub const SPK_OP_TELEMETRY_RECORD: u64 = 229;
pub const SPK_OP_TELEMETRY_FLUSH: u64 = 230;
pub const SPK_OP_TELEMETRY_STATISTICS: u64 = 231;
pub const SPK_OP_TELEMETRY_TAKE_SPANS: u64 = 240;
pub const SPK_OP_TELEMETRY_TAKE_LOGS: u64 = 241;
pub const SPK_OP_TELEMETRY_COLLECT_METRICS: u64 = 242;
pub const SPK_OP_TELEMETRY_PARSE_TRACEPARENT: u64 = 248;
pub const SPK_OP_TELEMETRY_PARSE_TRACESTATE: u64 = 249;
pub const SPK_OP_TELEMETRY_PARSE_BAGGAGE: u64 = 250;

/// A part of a record, relative to the first byte of the record that holds it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spk_view {
    /// Offset.
    pub off: u32,
    /// Bytes, or a count where it says so.
    pub len: u32,
}
const _: () = assert!(std::mem::size_of::<spk_view>() == 8);
const _: () = assert!(std::mem::offset_of!(spk_view, off) == 0);
const _: () = assert!(std::mem::offset_of!(spk_view, len) == 4);

/// Host memory, read only during the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spk_bytes {
    /// NULL only with len 0.
    pub ptr: *const c_void,
    /// Bytes.
    pub len: u64,
}
const _: () = assert!(std::mem::size_of::<spk_bytes>() == 16);
const _: () = assert!(std::mem::offset_of!(spk_bytes, ptr) == 0);
const _: () = assert!(std::mem::offset_of!(spk_bytes, len) == 8);

/// A header (name in lower case), a metadata pair.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spk_pair {
    pub name: spk_view,
    pub value: spk_view,
}
const _: () = assert!(std::mem::size_of::<spk_pair>() == 16);
const _: () = assert!(std::mem::offset_of!(spk_pair, name) == 0);
const _: () = assert!(std::mem::offset_of!(spk_pair, value) == 8);

/// One value of a document in preorder: typed parameters, JSON bodies, rows, arguments, results.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spk_node {
    /// SPK_NULL to SPK_NUMTEXT.
    pub r#type: u32,
    /// Bytes of text, elements or members.
    pub len: u32,
    /// i, f or off, by type.
    pub u: u64,
}
const _: () = assert!(std::mem::size_of::<spk_node>() == 16);
const _: () = assert!(std::mem::offset_of!(spk_node, r#type) == 0);
const _: () = assert!(std::mem::offset_of!(spk_node, len) == 4);
const _: () = assert!(std::mem::offset_of!(spk_node, u) == 8);

/// A request: contiguous, self-contained (memcpy of `size` bytes moves it), 8-aligned, read-only.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spk_request {
    /// Bytes of the whole record.
    pub size: u32,
    /// Index of the route in the manifest.
    pub route: u32,
    /// Names it in commands.
    pub id: spk_id,
    /// SPK_METHOD_*.
    pub method: u8,
    /// 10 or 11 (HTTP/1).
    pub version: u8,
    /// SPK_F_STREAM.
    pub flags: u16,
    /// The time-out, 0 for none.
    pub deadline_ms: u32,
    /// As sent, without the query.
    pub path: spk_view,
    /// As sent, without `?`.
    pub query: spk_view,
    /// Address of the client.
    pub peer: spk_view,
    /// Raw bytes, when buffered.
    pub body: spk_view,
    /// len = number of spk_pair; names in lower case.
    pub headers: spk_view,
    /// len = number of spk_node: the declared parameters in the order of the manifest.
    pub params: spk_view,
    /// Nodes: who it is.
    pub auth: spk_view,
    /// Nodes of one object: what hooks have set.
    pub context: spk_view,
    /// len = number of uint64_t: tokens, in the order of inject.
    pub deps: spk_view,
    /// len = number of spk_node: the validated body, 0 when there is none.
    pub json: spk_view,
}
const _: () = assert!(std::mem::size_of::<spk_request>() == 104);
const _: () = assert!(std::mem::offset_of!(spk_request, size) == 0);
const _: () = assert!(std::mem::offset_of!(spk_request, route) == 4);
const _: () = assert!(std::mem::offset_of!(spk_request, id) == 8);
const _: () = assert!(std::mem::offset_of!(spk_request, method) == 16);
const _: () = assert!(std::mem::offset_of!(spk_request, version) == 17);
const _: () = assert!(std::mem::offset_of!(spk_request, flags) == 18);
const _: () = assert!(std::mem::offset_of!(spk_request, deadline_ms) == 20);
const _: () = assert!(std::mem::offset_of!(spk_request, path) == 24);
const _: () = assert!(std::mem::offset_of!(spk_request, query) == 32);
const _: () = assert!(std::mem::offset_of!(spk_request, peer) == 40);
const _: () = assert!(std::mem::offset_of!(spk_request, body) == 48);
const _: () = assert!(std::mem::offset_of!(spk_request, headers) == 56);
const _: () = assert!(std::mem::offset_of!(spk_request, params) == 64);
const _: () = assert!(std::mem::offset_of!(spk_request, auth) == 72);
const _: () = assert!(std::mem::offset_of!(spk_request, context) == 80);
const _: () = assert!(std::mem::offset_of!(spk_request, deps) == 88);
const _: () = assert!(std::mem::offset_of!(spk_request, json) == 96);

/// What comes with other events: contiguous, self-contained, 8-aligned, read-only.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spk_record {
    /// Bytes of the whole record.
    pub size: u32,
    /// Subscription, task or kind of call.
    pub source: u32,
    /// Names it in commands.
    pub id: spk_id,
    /// Error kind or 0; status of an answer.
    pub status: u32,
    /// Delivery count.
    pub attempt: u32,
    /// Bytes.
    pub key: spk_view,
    /// Bytes.
    pub body: spk_view,
    /// len = number of spk_pair.
    pub meta: spk_view,
    /// len = number of spk_node.
    pub nodes: spk_view,
}
const _: () = assert!(std::mem::size_of::<spk_record>() == 56);
const _: () = assert!(std::mem::offset_of!(spk_record, size) == 0);
const _: () = assert!(std::mem::offset_of!(spk_record, source) == 4);
const _: () = assert!(std::mem::offset_of!(spk_record, id) == 8);
const _: () = assert!(std::mem::offset_of!(spk_record, status) == 16);
const _: () = assert!(std::mem::offset_of!(spk_record, attempt) == 20);
const _: () = assert!(std::mem::offset_of!(spk_record, key) == 24);
const _: () = assert!(std::mem::offset_of!(spk_record, body) == 32);
const _: () = assert!(std::mem::offset_of!(spk_record, meta) == 40);
const _: () = assert!(std::mem::offset_of!(spk_record, nodes) == 48);

/// From the core. Only `rec` is a pointer, valid in this process.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spk_event {
    /// SPK_EV_*.
    pub kind: u16,
    /// SPK_F_*.
    pub flags: u16,
    /// Route, hook or dependency.
    pub route: u32,
    pub id: spk_id,
    /// spk_request or spk_record, by kind; NULL for CANCEL, CREDIT, STATE.
    pub rec: *const c_void,
    /// Value given with the command that caused it.
    pub user: u64,
    /// By kind.
    pub arg: u64,
}
const _: () = assert!(std::mem::size_of::<spk_event>() == 40);
const _: () = assert!(std::mem::offset_of!(spk_event, kind) == 0);
const _: () = assert!(std::mem::offset_of!(spk_event, flags) == 2);
const _: () = assert!(std::mem::offset_of!(spk_event, route) == 4);
const _: () = assert!(std::mem::offset_of!(spk_event, id) == 8);
const _: () = assert!(std::mem::offset_of!(spk_event, rec) == 16);
const _: () = assert!(std::mem::offset_of!(spk_event, user) == 24);
const _: () = assert!(std::mem::offset_of!(spk_event, arg) == 32);

/// To the core.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spk_cmd {
    /// SPK_CMD_*.
    pub op: u16,
    /// SPK_F_*.
    pub flags: u16,
    /// HTTP status.
    pub status: u16,
    /// SPK_BODY_*.
    pub format: u16,
    /// Number of spk_pair at head.ptr.
    pub nhead: u32,
    /// CALL: number of the client, its place in `clients` of spk_info; else 0.
    pub client: u32,
    pub id: spk_id,
    /// Given back with what it causes.
    pub user: u64,
    /// By op.
    pub arg: u64,
    /// Pairs, then their text; views are relative to head.ptr.
    pub head: spk_bytes,
    /// In `format`.
    pub body: spk_bytes,
}
const _: () = assert!(std::mem::size_of::<spk_cmd>() == 72);
const _: () = assert!(std::mem::offset_of!(spk_cmd, op) == 0);
const _: () = assert!(std::mem::offset_of!(spk_cmd, flags) == 2);
const _: () = assert!(std::mem::offset_of!(spk_cmd, status) == 4);
const _: () = assert!(std::mem::offset_of!(spk_cmd, format) == 6);
const _: () = assert!(std::mem::offset_of!(spk_cmd, nhead) == 8);
const _: () = assert!(std::mem::offset_of!(spk_cmd, client) == 12);
const _: () = assert!(std::mem::offset_of!(spk_cmd, id) == 16);
const _: () = assert!(std::mem::offset_of!(spk_cmd, user) == 24);
const _: () = assert!(std::mem::offset_of!(spk_cmd, arg) == 32);
const _: () = assert!(std::mem::offset_of!(spk_cmd, head) == 40);
const _: () = assert!(std::mem::offset_of!(spk_cmd, body) == 56);

extern "C" {
    /// SPK_ABI of the library that is loaded.
    pub fn spk_abi() -> u32;
    /// Checks the manifest, all of it, and makes an application. Opens no socket, starts no thread.
    pub fn spk_app_open(abi: u32, manifest_json: *const c_char, n: usize, out: *mut *mut spk_app) -> c_int;
    /// As spk_app_open, with the configuration of this process over the manifest: $SPIKARD_CONFIG or spikard.toml of the working directory, then PORT,
    /// then SPIKARD_... of the environment (docs/guide/configuration.md). An HTTP server without a listener gets 127.0.0.1:8000. For programs; tests use
    /// spk_app_open.
    pub fn spk_app_open_configured(abi: u32, manifest_json: *const c_char, n: usize, out: *mut *mut spk_app) -> c_int;
    /// Reserves the addresses and forks `workers` processes. Returns in each child with its index; in the parent when all have ended, with SPK_SUPERVISED
    /// | exit code. The parent restarts a worker that dies, with backoff, and forwards signals.
    pub fn spk_supervise(app: *mut spk_app, workers: u32) -> c_int;
    /// Reserves the addresses (port 0 is resolved), connects services, starts service threads. Fork before this, open ports after it.
    pub fn spk_app_start(app: *mut spk_app) -> c_int;
    /// The addresses that were bound and the state, as JSON: `{"name": "orders", "state": "ready", "addresses": ["127.0.0.1:8000"], "pid": 42,
    /// "problem_base": "https://..."}` (the last with HTTP: what relative problem types stand below). Returns the length needed, without the NUL; writes
    /// at most `cap` bytes, NUL included.
    pub fn spk_info(app: *mut spk_app, json: *mut c_char, cap: usize) -> usize;
    /// Makes a port for the calling thread and listens on the addresses (SO_REUSEPORT). The first port makes the application ready.
    pub fn spk_port_open(app: *mut spk_app, out: *mut *mut spk_port) -> c_int;
    /// Begins the drain (docs/guide/shutdown.md). SPK_EV_STATE with SPK_STOPPED when it is over: keep polling until then. A second call cancels what is
    /// in flight at once.
    pub fn spk_drain(app: *mut spk_app, deadline_ms: u32) -> c_int;
    /// Closes a port and frees every record of it. What is still owed counts as abandoned.
    pub fn spk_port_close(port: *mut spk_port);
    /// Ends the application: after STOPPED, or at once. Its ports must have been closed.
    pub fn spk_app_close(app: *mut spk_app);
    /// What the drain did, as JSON; empty before STOPPED. Returns the length needed, without the NUL; writes at most `cap` bytes, NUL included.
    pub fn spk_report(app: *mut spk_app, json: *mut c_char, cap: usize) -> usize;
    /// The text of this thread's last error. Returns the length needed, without the NUL; writes at most `cap` bytes, NUL included.
    pub fn spk_error(buf: *mut c_char, cap: usize) -> usize;
    /// A descriptor that is readable (level) whenever spk_poll would return more than 0. For the host's own loop; the port's, never close it. Under
    /// edge-triggered watching poll until 0.
    pub fn spk_fd(port: *mut spk_port) -> c_int;
    /// Does the I/O (inline drive) and takes events. Returns how many; 0 when the time is over or spk_wake was called.
    pub fn spk_poll(port: *mut spk_port, ev: *mut spk_event, max: u32, timeout_ms: i32) -> c_int;
    /// Carries out commands in order. On the poller's thread answers are written at once; from another thread commands are copied and posted. More than
    /// 0: events wait, poll again.
    pub fn spk_submit(port: *mut spk_port, cmd: *const spk_cmd, n: u32) -> c_int;
    /// spk_submit and then spk_poll in one crossing. An error of the submit is returned without polling.
    pub fn spk_step(port: *mut spk_port, cmd: *const spk_cmd, n: u32, ev: *mut spk_event, max: u32, timeout_ms: i32) -> c_int;
    /// One operation (SPK_CMD_CALL) that may complete at once: 1 when it did, without an event; 0 when SPK_EV_DONE will follow.
    pub fn spk_call(port: *mut spk_port, cmd: *const spk_cmd, out: *mut *const spk_record) -> c_int;
    /// Makes a blocked spk_poll return 0.
    pub fn spk_wake(port: *mut spk_port) -> c_int;
    /// The memory in which records lie, for hosts that map it once (a ByteBuffer, an ArrayBuffer). A record outside it has a block of its own (a large
    /// body). NULL and 0 in an application without HTTP.
    pub fn spk_region(port: *mut spk_port, base: *mut *const c_void, size: *mut u64) -> c_int;
    /// JSON text as nodes, for hosts without a parser of their own.
    pub fn spk_json_read(json: *const c_char, n: usize, out: *mut *const spk_record) -> c_int;
    /// Nodes as JSON text, as the core writes an answer (SPK_BODY_NODES). Returns the length needed, without the NUL, and writes at most `cap` bytes, NUL
    /// included; 0 when the nodes are malformed.
    pub fn spk_json_write(nodes: *const c_void, n: usize, buf: *mut c_char, cap: usize) -> usize;
    /// Frees a record of spk_json_read, and no other.
    pub fn spk_record_free(record: *const spk_record);
}
