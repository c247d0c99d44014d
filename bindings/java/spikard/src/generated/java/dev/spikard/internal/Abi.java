// Generated from spec/abi, spec/events.yaml and spec/operations by codegen. Do not edit.
package dev.spikard.internal;

/** Numbers and layouts of the port (include/spikard/spikard.h). */
public final class Abi {
  private Abi() {}

  /** What {@code spk_abi} must say. */
  public static final int ABI = 1;
  /** The version of the core that this was generated for. */
  public static final String VERSION = "0.1.0";

  // Types of spk_node.
  public static final int NULL = 0;
  public static final int BOOL = 1;
  public static final int INT = 2;
  public static final int F64 = 3;
  public static final int STR = 4;
  public static final int BYTES = 5;
  public static final int ARR = 6;
  public static final int OBJ = 7;
  public static final int UINT = 8;
  public static final int NUMTEXT = 9;

  // Methods in spk_request.
  public static final int METHOD_GET = 1;
  public static final int METHOD_HEAD = 2;
  public static final int METHOD_POST = 3;
  public static final int METHOD_PUT = 4;
  public static final int METHOD_PATCH = 5;
  public static final int METHOD_DELETE = 6;
  public static final int METHOD_OPTIONS = 7;
  public static final int METHOD_TRACE = 8;
  public static final int METHOD_CONNECT = 9;
  public static final int METHOD_OTHER = 10;

  // Flags of events and commands.
  public static final int F_STREAM = 1;
  public static final int F_LAST = 2;
  public static final int F_TEXT = 4;
  public static final int F_RELEASE = 8;
  public static final int F_MORE = 16;
  public static final int F_UPGRADE = 32;
  public static final int F_CONTINUE = 64;
  public static final int F_REQUEUE = 128;
  public static final int F_FATAL = 256;

  // States of the application, `arg` of SPK_EV_STATE.
  public static final int READY = 1;
  public static final int DRAINING = 2;
  public static final int STOPPED = 3;

  // Why, `arg` of SPK_EV_CANCEL.
  public static final int CANCEL_REQUESTED = 1;
  public static final int CANCEL_DEADLINE = 2;
  public static final int CANCEL_CLIENT_GONE = 3;
  public static final int CANCEL_SHUTDOWN = 4;

  // Phases of hooks, `arg` of SPK_EV_HOOK.
  public static final int HOOK_ON_REQUEST = 0;
  public static final int HOOK_PRE_VALIDATION = 1;
  public static final int HOOK_PRE_HANDLER = 2;
  public static final int HOOK_ON_RESPONSE = 3;
  public static final int HOOK_ON_ERROR = 4;

  // Form of a body in a command.
  public static final int BODY_RAW = 0;
  public static final int BODY_TEXT = 1;
  public static final int BODY_JSON = 2;
  public static final int BODY_NODES = 3;
  public static final int BODY_OPERATION = 4;

  // Errors of functions, returned negated.
  public static final int E_OK = 0;
  public static final int E_STALE = 1;
  public static final int E_CONFIG = 2;
  public static final int E_STATE = 3;
  public static final int E_IO = 4;
  public static final int E_UNSUPPORTED = 5;
  public static final int E_MEMORY = 6;
  public static final int E_ABI = 7;
  public static final int E_BUSY = 8;

  // Core to host.
  public static final int EV_REQUEST = 1;
  public static final int EV_CHUNK = 2;
  public static final int EV_CANCEL = 3;
  public static final int EV_CREDIT = 4;
  public static final int EV_FRAME = 5;
  public static final int EV_MESSAGE = 6;
  public static final int EV_TASK = 7;
  public static final int EV_DONE = 8;
  public static final int EV_HOOK = 9;
  public static final int EV_FACTORY = 10;
  public static final int EV_DISPOSE = 11;
  public static final int EV_CLOUDEVENT = 12;
  public static final int EV_STATE = 13;
  public static final int EV_LOG = 14;

  // Host to core.
  public static final int CMD_REPLY = 1;
  public static final int CMD_HEAD = 2;
  public static final int CMD_CHUNK = 3;
  public static final int CMD_END = 4;
  public static final int CMD_ABORT = 5;
  public static final int CMD_CREDIT = 6;
  public static final int CMD_WS_ACCEPT = 7;
  public static final int CMD_WS_SEND = 8;
  public static final int CMD_WS_CLOSE = 9;
  public static final int CMD_ACK = 10;
  public static final int CMD_NACK = 11;
  public static final int CMD_RETRY = 12;
  public static final int CMD_CALL = 13;
  public static final int CMD_CANCEL = 14;
  public static final int CMD_TIMER = 15;
  public static final int CMD_RESULT = 16;
  public static final int CMD_FAIL = 17;
  public static final int CMD_HOLD = 18;
  public static final int CMD_RELEASE = 19;

  // Operations: arg of CMD_CALL.
  public static final int OP_BACKGROUND_RUN = 1;
  public static final int OP_TEST_ADVANCE = 16;
  public static final int OP_TEST_SETTLE = 17;
  public static final int OP_TEST_FAULTS = 18;
  public static final int OP_CACHE_GET = 32;
  public static final int OP_CACHE_SET = 33;
  public static final int OP_CACHE_DELETE = 34;
  public static final int OP_CACHE_EXISTS = 35;
  public static final int OP_CACHE_TOUCH = 36;
  public static final int OP_CACHE_TTL = 37;
  public static final int OP_CACHE_INCREMENT = 38;
  public static final int OP_CACHE_SET_IF_ABSENT = 39;
  public static final int OP_CACHE_DELETE_IF = 40;
  public static final int OP_CACHE_GET_MANY = 41;
  public static final int OP_CACHE_SET_MANY = 42;
  public static final int OP_CACHE_CLEAR = 43;
  public static final int OP_CACHE_COUNT = 44;
  public static final int OP_CACHE_INVALIDATE_TAGS = 45;
  public static final int OP_CACHE_GET_OR_BEGIN_LOAD = 46;
  public static final int OP_CACHE_END_LOAD = 47;
  public static final int OP_CACHE_STATS = 48;
  public static final int OP_CACHE_INVALIDATE = 49;
  public static final int OP_STORAGE_READ = 64;
  public static final int OP_STORAGE_READ_STREAM = 65;
  public static final int OP_STORAGE_WRITE = 66;
  public static final int OP_STORAGE_WRITE_STREAM = 67;
  public static final int OP_STORAGE_STAT = 68;
  public static final int OP_STORAGE_EXISTS = 69;
  public static final int OP_STORAGE_DELETE = 70;
  public static final int OP_STORAGE_DELETE_MANY = 71;
  public static final int OP_STORAGE_LIST = 72;
  public static final int OP_STORAGE_COPY = 73;
  public static final int OP_STORAGE_RENAME = 74;
  public static final int OP_STORAGE_PRESIGN = 75;
  public static final int OP_STORAGE_PLAN_UPLOAD = 76;
  public static final int OP_STORAGE_COMPLETE_UPLOAD = 77;
  public static final int OP_STORAGE_ABORT_UPLOAD = 78;
  public static final int OP_DB_QUERY = 96;
  public static final int OP_DB_FIRST = 97;
  public static final int OP_DB_EXECUTE = 98;
  public static final int OP_DB_BATCH = 99;
  public static final int OP_DB_QUERY_STREAM = 100;
  public static final int OP_DB_BEGIN = 101;
  public static final int OP_DB_COMMIT = 102;
  public static final int OP_DB_ROLLBACK = 103;
  public static final int OP_DB_SAVEPOINT = 104;
  public static final int OP_DB_OPEN_CURSOR = 105;
  public static final int OP_DB_FETCH = 106;
  public static final int OP_DB_CLOSE_CURSOR = 107;
  public static final int OP_DB_MIGRATE = 108;
  public static final int OP_DB_MIGRATION_STATUS = 109;
  public static final int OP_DB_INBOX = 110;
  public static final int OP_DB_STATS = 111;
  public static final int OP_DB_CLOSE = 112;
  public static final int OP_MESSAGING_PUBLISH = 128;
  public static final int OP_MESSAGING_PUBLISH_BATCH = 129;
  public static final int OP_MESSAGING_START_CONSUMER = 130;
  public static final int OP_MESSAGING_STOP_CONSUMER = 131;
  public static final int OP_MESSAGING_KILL_CONSUMER = 132;
  public static final int OP_MESSAGING_LIST_DEAD_LETTERS = 133;
  public static final int OP_MESSAGING_PEEK_DEAD_LETTER = 134;
  public static final int OP_MESSAGING_REDRIVE_DEAD_LETTERS = 135;
  public static final int OP_MESSAGING_PURGE_DEAD_LETTERS = 136;
  public static final int OP_MESSAGING_SEEK = 137;
  public static final int OP_MESSAGING_GROUPS = 138;
  public static final int OP_MESSAGING_DELETE_GROUP = 139;
  public static final int OP_MESSAGING_TOPIC_MATCH = 140;
  public static final int OP_MESSAGING_STATS = 141;
  public static final int OP_TASKS_ENQUEUE = 160;
  public static final int OP_TASKS_ENQUEUE_MANY = 161;
  public static final int OP_TASKS_ENQUEUE_BATCH = 162;
  public static final int OP_TASKS_BATCH = 163;
  public static final int OP_TASKS_JOB = 164;
  public static final int OP_TASKS_LIST = 165;
  public static final int OP_TASKS_CANCEL = 166;
  public static final int OP_TASKS_RETRY = 167;
  public static final int OP_TASKS_QUEUES = 168;
  public static final int OP_TASKS_PENDING_COUNT = 169;
  public static final int OP_TASKS_PAUSE = 170;
  public static final int OP_TASKS_RESUME = 171;
  public static final int OP_TASKS_SET_RATE_LIMIT = 172;
  public static final int OP_TASKS_PROGRESS = 173;
  public static final int OP_TASKS_HEARTBEAT = 174;
  public static final int OP_TASKS_WAIT = 175;
  public static final int OP_TASKS_START_WORKER = 176;
  public static final int OP_TASKS_STOP_WORKER = 177;
  public static final int OP_TASKS_KILL_WORKER = 178;
  public static final int OP_TASKS_SCHEDULE = 179;
  public static final int OP_TASKS_UNSCHEDULE = 180;
  public static final int OP_TASKS_SCHEDULES = 181;
  public static final int OP_TASKS_START_SCHEDULER = 182;
  public static final int OP_TASKS_STOP_SCHEDULER = 183;
  public static final int OP_CRON_NEXT = 188;
  public static final int OP_CLOUDEVENTS_ENCODE = 192;
  public static final int OP_CLOUDEVENTS_DECODE = 193;
  public static final int OP_CLOUDEVENTS_VALIDATE = 194;
  public static final int OP_CLOUDEVENTS_SEND = 195;
  public static final int OP_CLOUDEVENTS_SEND_BATCH = 196;
  public static final int OP_TELEMETRY_CONTEXT = 224;
  public static final int OP_TELEMETRY_START_SPAN = 225;
  public static final int OP_TELEMETRY_END_SPAN = 226;
  public static final int OP_TELEMETRY_LOG = 227;
  public static final int OP_TELEMETRY_ADD = 228;
  public static final int OP_TELEMETRY_RECORD = 229;
  public static final int OP_TELEMETRY_FLUSH = 230;
  public static final int OP_TELEMETRY_STATISTICS = 231;
  public static final int OP_TELEMETRY_TAKE_SPANS = 240;
  public static final int OP_TELEMETRY_TAKE_LOGS = 241;
  public static final int OP_TELEMETRY_COLLECT_METRICS = 242;
  public static final int OP_TELEMETRY_PARSE_TRACEPARENT = 248;
  public static final int OP_TELEMETRY_PARSE_TRACESTATE = 249;
  public static final int OP_TELEMETRY_PARSE_BAGGAGE = 250;

  // Layouts: sizes, and offsets of members, in bytes.
  public static final int SIZEOF_VIEW = 8;
  public static final int AT_VIEW_OFF = 0;
  public static final int AT_VIEW_LEN = 4;
  public static final int SIZEOF_BYTES = 16;
  public static final int AT_BYTES_PTR = 0;
  public static final int AT_BYTES_LEN = 8;
  public static final int SIZEOF_PAIR = 16;
  public static final int AT_PAIR_NAME = 0;
  public static final int AT_PAIR_VALUE = 8;
  public static final int SIZEOF_NODE = 16;
  public static final int AT_NODE_TYPE = 0;
  public static final int AT_NODE_LEN = 4;
  public static final int AT_NODE_U = 8;
  public static final int SIZEOF_REQUEST = 104;
  public static final int AT_REQUEST_SIZE = 0;
  public static final int AT_REQUEST_ROUTE = 4;
  public static final int AT_REQUEST_ID = 8;
  public static final int AT_REQUEST_METHOD = 16;
  public static final int AT_REQUEST_VERSION = 17;
  public static final int AT_REQUEST_FLAGS = 18;
  public static final int AT_REQUEST_DEADLINE_MS = 20;
  public static final int AT_REQUEST_PATH = 24;
  public static final int AT_REQUEST_QUERY = 32;
  public static final int AT_REQUEST_PEER = 40;
  public static final int AT_REQUEST_BODY = 48;
  public static final int AT_REQUEST_HEADERS = 56;
  public static final int AT_REQUEST_PARAMS = 64;
  public static final int AT_REQUEST_AUTH = 72;
  public static final int AT_REQUEST_CONTEXT = 80;
  public static final int AT_REQUEST_DEPS = 88;
  public static final int AT_REQUEST_JSON = 96;
  public static final int SIZEOF_RECORD = 56;
  public static final int AT_RECORD_SIZE = 0;
  public static final int AT_RECORD_SOURCE = 4;
  public static final int AT_RECORD_ID = 8;
  public static final int AT_RECORD_STATUS = 16;
  public static final int AT_RECORD_ATTEMPT = 20;
  public static final int AT_RECORD_KEY = 24;
  public static final int AT_RECORD_BODY = 32;
  public static final int AT_RECORD_META = 40;
  public static final int AT_RECORD_NODES = 48;
  public static final int SIZEOF_EVENT = 40;
  public static final int AT_EVENT_KIND = 0;
  public static final int AT_EVENT_FLAGS = 2;
  public static final int AT_EVENT_ROUTE = 4;
  public static final int AT_EVENT_ID = 8;
  public static final int AT_EVENT_REC = 16;
  public static final int AT_EVENT_USER = 24;
  public static final int AT_EVENT_ARG = 32;
  public static final int SIZEOF_CMD = 72;
  public static final int AT_CMD_OP = 0;
  public static final int AT_CMD_FLAGS = 2;
  public static final int AT_CMD_STATUS = 4;
  public static final int AT_CMD_FORMAT = 6;
  public static final int AT_CMD_NHEAD = 8;
  public static final int AT_CMD_CLIENT = 12;
  public static final int AT_CMD_ID = 16;
  public static final int AT_CMD_USER = 24;
  public static final int AT_CMD_ARG = 32;
  public static final int AT_CMD_HEAD = 40;
  public static final int AT_CMD_BODY = 56;
}
