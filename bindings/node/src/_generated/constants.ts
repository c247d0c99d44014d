// Generated from spec/abi, spec/events.yaml and spec/operations by codegen. Do not edit.
/** Numbers of the port (include/spikard/spikard.h). */

export const ABI = 1;
export const VERSION = '0.1.0';

/** Core to host (`SPK_EV_*`). */
export const Event = {
  REQUEST: 1,
  CHUNK: 2,
  CANCEL: 3,
  CREDIT: 4,
  FRAME: 5,
  MESSAGE: 6,
  TASK: 7,
  DONE: 8,
  HOOK: 9,
  FACTORY: 10,
  DISPOSE: 11,
  CLOUDEVENT: 12,
  STATE: 13,
  LOG: 14,
} as const;

/** Host to core (`SPK_CMD_*`). */
export const Command = {
  REPLY: 1,
  HEAD: 2,
  CHUNK: 3,
  END: 4,
  ABORT: 5,
  CREDIT: 6,
  WS_ACCEPT: 7,
  WS_SEND: 8,
  WS_CLOSE: 9,
  ACK: 10,
  NACK: 11,
  RETRY: 12,
  CALL: 13,
  CANCEL: 14,
  TIMER: 15,
  RESULT: 16,
  FAIL: 17,
  HOLD: 18,
  RELEASE: 19,
} as const;

/** `arg` of Command.CALL (`SPK_OP_*`). */
export const Operation = {
  BACKGROUND_RUN: 1,
  TEST_ADVANCE: 16,
  TEST_SETTLE: 17,
  TEST_FAULTS: 18,
  CACHE_GET: 32,
  CACHE_SET: 33,
  CACHE_DELETE: 34,
  CACHE_EXISTS: 35,
  CACHE_TOUCH: 36,
  CACHE_TTL: 37,
  CACHE_INCREMENT: 38,
  CACHE_SET_IF_ABSENT: 39,
  CACHE_DELETE_IF: 40,
  CACHE_GET_MANY: 41,
  CACHE_SET_MANY: 42,
  CACHE_CLEAR: 43,
  CACHE_COUNT: 44,
  CACHE_INVALIDATE_TAGS: 45,
  CACHE_GET_OR_BEGIN_LOAD: 46,
  CACHE_END_LOAD: 47,
  CACHE_STATS: 48,
  CACHE_INVALIDATE: 49,
  STORAGE_READ: 64,
  STORAGE_READ_STREAM: 65,
  STORAGE_WRITE: 66,
  STORAGE_WRITE_STREAM: 67,
  STORAGE_STAT: 68,
  STORAGE_EXISTS: 69,
  STORAGE_DELETE: 70,
  STORAGE_DELETE_MANY: 71,
  STORAGE_LIST: 72,
  STORAGE_COPY: 73,
  STORAGE_RENAME: 74,
  STORAGE_PRESIGN: 75,
  STORAGE_PLAN_UPLOAD: 76,
  STORAGE_COMPLETE_UPLOAD: 77,
  STORAGE_ABORT_UPLOAD: 78,
  DB_QUERY: 96,
  DB_FIRST: 97,
  DB_EXECUTE: 98,
  DB_BATCH: 99,
  DB_QUERY_STREAM: 100,
  DB_BEGIN: 101,
  DB_COMMIT: 102,
  DB_ROLLBACK: 103,
  DB_SAVEPOINT: 104,
  DB_OPEN_CURSOR: 105,
  DB_FETCH: 106,
  DB_CLOSE_CURSOR: 107,
  DB_MIGRATE: 108,
  DB_MIGRATION_STATUS: 109,
  DB_INBOX: 110,
  DB_STATS: 111,
  DB_CLOSE: 112,
  MESSAGING_PUBLISH: 128,
  MESSAGING_PUBLISH_BATCH: 129,
  MESSAGING_START_CONSUMER: 130,
  MESSAGING_STOP_CONSUMER: 131,
  MESSAGING_KILL_CONSUMER: 132,
  MESSAGING_LIST_DEAD_LETTERS: 133,
  MESSAGING_PEEK_DEAD_LETTER: 134,
  MESSAGING_REDRIVE_DEAD_LETTERS: 135,
  MESSAGING_PURGE_DEAD_LETTERS: 136,
  MESSAGING_SEEK: 137,
  MESSAGING_GROUPS: 138,
  MESSAGING_DELETE_GROUP: 139,
  MESSAGING_TOPIC_MATCH: 140,
  MESSAGING_STATS: 141,
  TASKS_ENQUEUE: 160,
  TASKS_ENQUEUE_MANY: 161,
  TASKS_ENQUEUE_BATCH: 162,
  TASKS_BATCH: 163,
  TASKS_JOB: 164,
  TASKS_LIST: 165,
  TASKS_CANCEL: 166,
  TASKS_RETRY: 167,
  TASKS_QUEUES: 168,
  TASKS_PENDING_COUNT: 169,
  TASKS_PAUSE: 170,
  TASKS_RESUME: 171,
  TASKS_SET_RATE_LIMIT: 172,
  TASKS_PROGRESS: 173,
  TASKS_HEARTBEAT: 174,
  TASKS_WAIT: 175,
  TASKS_START_WORKER: 176,
  TASKS_STOP_WORKER: 177,
  TASKS_KILL_WORKER: 178,
  TASKS_SCHEDULE: 179,
  TASKS_UNSCHEDULE: 180,
  TASKS_SCHEDULES: 181,
  TASKS_START_SCHEDULER: 182,
  TASKS_STOP_SCHEDULER: 183,
  CRON_NEXT: 188,
  CLOUDEVENTS_ENCODE: 192,
  CLOUDEVENTS_DECODE: 193,
  CLOUDEVENTS_VALIDATE: 194,
  CLOUDEVENTS_SEND: 195,
  CLOUDEVENTS_SEND_BATCH: 196,
  TELEMETRY_CONTEXT: 224,
  TELEMETRY_START_SPAN: 225,
  TELEMETRY_END_SPAN: 226,
  TELEMETRY_LOG: 227,
  TELEMETRY_ADD: 228,
  TELEMETRY_RECORD: 229,
  TELEMETRY_FLUSH: 230,
  TELEMETRY_STATISTICS: 231,
  TELEMETRY_TAKE_SPANS: 240,
  TELEMETRY_TAKE_LOGS: 241,
  TELEMETRY_COLLECT_METRICS: 242,
  TELEMETRY_PARSE_TRACEPARENT: 248,
  TELEMETRY_PARSE_TRACESTATE: 249,
  TELEMETRY_PARSE_BAGGAGE: 250,
} as const;

/** Flags of events and commands (`SPK_F_*`). */
export const Flag = {
  STREAM: 1,
  LAST: 2,
  TEXT: 4,
  RELEASE: 8,
  MORE: 16,
  UPGRADE: 32,
  CONTINUE: 64,
  REQUEUE: 128,
  FATAL: 256,
} as const;

/** Methods in a request (`SPK_METHOD_*`). */
export const Method = {
  GET: 1,
  HEAD: 2,
  POST: 3,
  PUT: 4,
  PATCH: 5,
  DELETE: 6,
  OPTIONS: 7,
  TRACE: 8,
  CONNECT: 9,
  OTHER: 10,
} as const;

/** `arg` of Event.HOOK (`SPK_HOOK_*`). */
export const HookPhase = {
  ON_REQUEST: 0,
  PRE_VALIDATION: 1,
  PRE_HANDLER: 2,
  ON_RESPONSE: 3,
  ON_ERROR: 4,
} as const;

/** `arg` of Event.CANCEL (`SPK_CANCEL_*`). */
export const CancelReason = {
  REQUESTED: 1,
  DEADLINE: 2,
  CLIENT_GONE: 3,
  SHUTDOWN: 4,
} as const;

/** Form of a body in a command (`SPK_BODY_*`). */
export const BodyFormat = {
  RAW: 0,
  TEXT: 1,
  JSON: 2,
  NODES: 3,
  OPERATION: 4,
} as const;

/** What functions of the port return, negated (`SPK_E_*`). */
export const Code = {
  OK: 0,
  STALE: 1,
  CONFIG: 2,
  STATE: 3,
  IO: 4,
  UNSUPPORTED: 5,
  MEMORY: 6,
  ABI: 7,
  BUSY: 8,
} as const;

/** `arg` of Event.STATE. */
export const AppState = { READY: 1, DRAINING: 2, STOPPED: 3 } as const;

/** Byte offsets in the layouts. */
export const Layout = {
  view: { sizeof: 8, off: 0, len: 4 },
  bytes: { sizeof: 16, ptr: 0, len: 8 },
  pair: { sizeof: 16, name: 0, value: 8 },
  node: { sizeof: 16, type: 0, len: 4, u: 8 },
  request: { sizeof: 104, size: 0, route: 4, id: 8, method: 16, version: 17, flags: 18, deadline_ms: 20, path: 24, query: 32, peer: 40, body: 48, headers: 56, params: 64, auth: 72, context: 80, deps: 88, json: 96 },
  record: { sizeof: 56, size: 0, source: 4, id: 8, status: 16, attempt: 20, key: 24, body: 32, meta: 40, nodes: 48 },
  event: { sizeof: 40, kind: 0, flags: 2, route: 4, id: 8, rec: 16, user: 24, arg: 32 },
  cmd: { sizeof: 72, op: 0, flags: 2, status: 4, format: 6, nhead: 8, client: 12, id: 16, user: 24, arg: 32, head: 40, body: 56 },
} as const;
