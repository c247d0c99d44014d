# Generated from spec/abi, spec/events.yaml and spec/operations by codegen. Do not edit.
"""Numbers of the port (include/spikard/spikard.h)."""

from __future__ import annotations

from enum import IntEnum, IntFlag

ABI = 1
VERSION = "0.1.0"


class Event(IntEnum):
    """Core to host (`SPK_EV_*`)."""

    REQUEST = 1
    CHUNK = 2
    CANCEL = 3
    CREDIT = 4
    FRAME = 5
    MESSAGE = 6
    TASK = 7
    DONE = 8
    HOOK = 9
    FACTORY = 10
    DISPOSE = 11
    CLOUDEVENT = 12
    STATE = 13
    LOG = 14


class Command(IntEnum):
    """Host to core (`SPK_CMD_*`)."""

    REPLY = 1
    HEAD = 2
    CHUNK = 3
    END = 4
    ABORT = 5
    CREDIT = 6
    WS_ACCEPT = 7
    WS_SEND = 8
    WS_CLOSE = 9
    ACK = 10
    NACK = 11
    RETRY = 12
    CALL = 13
    CANCEL = 14
    TIMER = 15
    RESULT = 16
    FAIL = 17
    HOLD = 18
    RELEASE = 19


class Operation(IntEnum):
    """`arg` of Command.CALL (`SPK_OP_*`)."""

    BACKGROUND_RUN = 1
    TEST_ADVANCE = 16
    TEST_SETTLE = 17
    TEST_FAULTS = 18
    CACHE_GET = 32
    CACHE_SET = 33
    CACHE_DELETE = 34
    CACHE_EXISTS = 35
    CACHE_TOUCH = 36
    CACHE_TTL = 37
    CACHE_INCREMENT = 38
    CACHE_SET_IF_ABSENT = 39
    CACHE_DELETE_IF = 40
    CACHE_GET_MANY = 41
    CACHE_SET_MANY = 42
    CACHE_CLEAR = 43
    CACHE_COUNT = 44
    CACHE_INVALIDATE_TAGS = 45
    CACHE_GET_OR_BEGIN_LOAD = 46
    CACHE_END_LOAD = 47
    CACHE_STATS = 48
    CACHE_INVALIDATE = 49
    STORAGE_READ = 64
    STORAGE_READ_STREAM = 65
    STORAGE_WRITE = 66
    STORAGE_WRITE_STREAM = 67
    STORAGE_STAT = 68
    STORAGE_EXISTS = 69
    STORAGE_DELETE = 70
    STORAGE_DELETE_MANY = 71
    STORAGE_LIST = 72
    STORAGE_COPY = 73
    STORAGE_RENAME = 74
    STORAGE_PRESIGN = 75
    DB_QUERY = 96
    DB_FIRST = 97
    DB_EXECUTE = 98
    DB_BATCH = 99
    DB_QUERY_STREAM = 100
    DB_BEGIN = 101
    DB_COMMIT = 102
    DB_ROLLBACK = 103
    DB_SAVEPOINT = 104
    DB_OPEN_CURSOR = 105
    DB_FETCH = 106
    DB_CLOSE_CURSOR = 107
    DB_MIGRATE = 108
    DB_MIGRATION_STATUS = 109
    DB_INBOX = 110
    DB_STATS = 111
    DB_CLOSE = 112
    MESSAGING_PUBLISH = 128
    MESSAGING_PUBLISH_BATCH = 129
    MESSAGING_START_CONSUMER = 130
    MESSAGING_STOP_CONSUMER = 131
    MESSAGING_KILL_CONSUMER = 132
    MESSAGING_LIST_DEAD_LETTERS = 133
    MESSAGING_PEEK_DEAD_LETTER = 134
    MESSAGING_REDRIVE_DEAD_LETTERS = 135
    MESSAGING_PURGE_DEAD_LETTERS = 136
    MESSAGING_SEEK = 137
    MESSAGING_GROUPS = 138
    MESSAGING_DELETE_GROUP = 139
    MESSAGING_TOPIC_MATCH = 140
    MESSAGING_STATS = 141
    TASKS_ENQUEUE = 160
    TASKS_ENQUEUE_MANY = 161
    TASKS_ENQUEUE_BATCH = 162
    TASKS_BATCH = 163
    TASKS_JOB = 164
    TASKS_LIST = 165
    TASKS_CANCEL = 166
    TASKS_RETRY = 167
    TASKS_QUEUES = 168
    TASKS_PENDING_COUNT = 169
    TASKS_PAUSE = 170
    TASKS_RESUME = 171
    TASKS_SET_RATE_LIMIT = 172
    TASKS_PROGRESS = 173
    TASKS_HEARTBEAT = 174
    TASKS_WAIT = 175
    TASKS_START_WORKER = 176
    TASKS_STOP_WORKER = 177
    TASKS_KILL_WORKER = 178
    TASKS_SCHEDULE = 179
    TASKS_UNSCHEDULE = 180
    TASKS_SCHEDULES = 181
    TASKS_START_SCHEDULER = 182
    TASKS_STOP_SCHEDULER = 183
    CRON_NEXT = 188
    CLOUDEVENTS_ENCODE = 192
    CLOUDEVENTS_DECODE = 193
    CLOUDEVENTS_VALIDATE = 194
    CLOUDEVENTS_SEND = 195
    CLOUDEVENTS_SEND_BATCH = 196
    TELEMETRY_CONTEXT = 224
    TELEMETRY_START_SPAN = 225
    TELEMETRY_END_SPAN = 226
    TELEMETRY_LOG = 227
    TELEMETRY_ADD = 228
    TELEMETRY_RECORD = 229
    TELEMETRY_FLUSH = 230
    TELEMETRY_STATISTICS = 231
    TELEMETRY_TAKE_SPANS = 240
    TELEMETRY_TAKE_LOGS = 241
    TELEMETRY_COLLECT_METRICS = 242
    TELEMETRY_PARSE_TRACEPARENT = 248
    TELEMETRY_PARSE_TRACESTATE = 249
    TELEMETRY_PARSE_BAGGAGE = 250


class Flag(IntFlag):
    """Flags of events and commands (`SPK_F_*`)."""

    STREAM = 1
    LAST = 2
    TEXT = 4
    RELEASE = 8
    MORE = 16
    UPGRADE = 32
    CONTINUE = 64
    REQUEUE = 128
    FATAL = 256


class Method(IntEnum):
    """Methods in a request (`SPK_METHOD_*`)."""

    GET = 1
    HEAD = 2
    POST = 3
    PUT = 4
    PATCH = 5
    DELETE = 6
    OPTIONS = 7
    TRACE = 8
    CONNECT = 9
    OTHER = 10


class HookPhase(IntEnum):
    """`arg` of Event.HOOK (`SPK_HOOK_*`)."""

    ON_REQUEST = 0
    PRE_VALIDATION = 1
    PRE_HANDLER = 2
    ON_RESPONSE = 3
    ON_ERROR = 4


class CancelReason(IntEnum):
    """`arg` of Event.CANCEL (`SPK_CANCEL_*`)."""

    REQUESTED = 1
    DEADLINE = 2
    CLIENT_GONE = 3
    SHUTDOWN = 4


class BodyFormat(IntEnum):
    """Form of a body in a command (`SPK_BODY_*`)."""

    RAW = 0
    TEXT = 1
    JSON = 2
    NODES = 3
    OPERATION = 4


class AppState(IntEnum):
    """`arg` of Event.STATE."""

    READY = 1
    DRAINING = 2
    STOPPED = 3


class Code(IntEnum):
    """What functions of the port return, negated (`SPK_E_*`)."""

    OK = 0
    STALE = 1
    CONFIG = 2
    STATE = 3
    IO = 4
    UNSUPPORTED = 5
    MEMORY = 6
    ABI = 7
    BUSY = 8
