// Code generated from spec/abi, spec/events.yaml and spec/operations by codegen. DO NOT EDIT.

package raw

// ABI is checked when an application is opened (SPK_ABI).
const ABI = 1

// Version of the core that this was generated for.
const Version = "0.1.0"

// Types of spk_node.
const (
	// SPK_NULL.
	Null = 0
	// `u.i` is 0 or 1.
	Bool = 1
	// `u.i`.
	Int = 2
	// `u.f`, finite.
	F64 = 3
	// `len` bytes of UTF-8 at base + `u.off`.
	Str = 4
	// `len` bytes at base + `u.off`.
	Bytes = 5
	// `len` elements follow; `u.off` nodes are below this one.
	Arr = 6
	// `len` members follow, each a STR (the key) and a value; `u.off` nodes are below this one.
	Obj = 7
	// `u.off` is a value above INT64_MAX.
	Uint = 8
	// A number that neither an integer nor a double holds; its text as STR.
	Numtext = 9
)

// Methods in spk_request.
const (
	// SPK_METHOD_GET.
	MethodGet = 1
	// SPK_METHOD_HEAD.
	MethodHead = 2
	// SPK_METHOD_POST.
	MethodPost = 3
	// SPK_METHOD_PUT.
	MethodPut = 4
	// SPK_METHOD_PATCH.
	MethodPatch = 5
	// SPK_METHOD_DELETE.
	MethodDelete = 6
	// SPK_METHOD_OPTIONS.
	MethodOptions = 7
	// SPK_METHOD_TRACE.
	MethodTrace = 8
	// SPK_METHOD_CONNECT.
	MethodConnect = 9
	// SPK_METHOD_OTHER.
	MethodOther = 10
)

// Flags of events and commands.
const (
	// The request's body follows as SPK_EV_CHUNK.
	FStream = 1
	// The last chunk.
	FLast = 2
	// A text frame.
	FText = 4
	// Release the record with this command.
	FRelease = 8
	// More of the same follows.
	FMore = 16
	// The request opens a WebSocket.
	FUpgrade = 32
	// No answer; go on.
	FContinue = 64
	// NACK: deliver again.
	FRequeue = 128
	// FAIL: no more tries.
	FFatal = 256
)

// States of the application, `arg` of SPK_EV_STATE.
const (
	// Every required component is ready.
	Ready = 1
	// The drain has begun.
	Draining = 2
	// Nothing is owed any more or it was abandoned.
	Stopped = 3
)

// Why, `arg` of SPK_EV_CANCEL.
const (
	// The application asked for it.
	CancelRequested = 1
	// The time-out passed; it has been answered.
	CancelDeadline = 2
	// The client closed the connection.
	CancelClientGone = 3
	// The drain's time is over.
	CancelShutdown = 4
)

// Phases of hooks, `arg` of SPK_EV_HOOK.
const (
	// SPK_HOOK_ON_REQUEST.
	HookOnRequest = 0
	// SPK_HOOK_PRE_VALIDATION.
	HookPreValidation = 1
	// SPK_HOOK_PRE_HANDLER.
	HookPreHandler = 2
	// SPK_HOOK_ON_RESPONSE.
	HookOnResponse = 3
	// SPK_HOOK_ON_ERROR.
	HookOnError = 4
)

// Form of a body in a command.
const (
	// application/octet-stream unless a Content-Type is given.
	BodyRaw = 0
	// text/plain; charset=utf-8.
	BodyText = 1
	// application/json.
	BodyJSON = 2
	// spk_node at the start of `body`, text offsets relative to `body.ptr`; the core writes them as JSON.
	BodyNodes = 3
	// REPLY only: the core answers by itself with operation `arg` of client `client`, whose arguments are the nodes at `body`. storage.read_stream
	// serves an object (GET and HEAD by RFC 9110: conditions, one range), of the arguments only `key`, and content_type, cache_control,
	// content_disposition that replace the object's; storage.write_stream stores the body of the request, which has not been read, and answers 201;
	// db.query_stream answers with the rows as JSON (no `transaction`). `status` 0: the operation's own.
	BodyOperation = 4
)

// Errors of functions, returned negated.
const (
	// SPK_E_OK.
	EOk = 0
	// The id is over.
	EStale = 1
	// A wrong argument or manifest; the text names the field.
	EConfig = 2
	// Not in this state of the application or port.
	EState = 3
	// The operating system or a service said no.
	EIo = 4
	// This build cannot do it.
	EUnsupported = 5
	// Out of memory.
	EMemory = 6
	// Built against another version of this header.
	EABI = 7
	// Another thread is polling this port.
	EBusy = 8
)

// Events: core to host (SPK_EV_*).
const (
	// A request for `route`. SPK_F_STREAM: the body follows as CHUNK. `rec` is valid until the final command is taken.
	EvRequest = 1
	// A part of a streamed body, or of the streamed result of an operation (`user` is the CALL's): `arg` bytes in `body`; SPK_F_LAST on the last (may be
	// empty). Valid until CREDIT commands of that id have covered it, oldest first, or the final command. 65536 bytes are granted at the start.
	EvChunk = 2
	// Advisory: client gone, deadline passed, or drain (`arg` = SPK_CANCEL_*). The final command is still owed, and then ignored.
	EvCancel = 3
	// A response stream may send `arg` more bytes. An answer begun with HEAD starts with 65536; each CHUNK takes its length off. At or below 0: wait. A
	// CALL with SPK_F_STREAM gets one at its start (`user` as given, `arg` 65536): `id` names the operation in CHUNK, END, ABORT and CREDIT.
	EvCredit = 4
	// A WebSocket message or close, a gRPC message, an SSE resume. Valid until RELEASE.
	EvFrame = 5
	// A broker's delivery. `route`: the consumer's place in the manifest, UINT32_MAX for one started by an operation (`user` as that was told). `rec`:
	// `attempt` the delivery count, `key`, `body`, `meta` the headers, `nodes` {name: topic, key: text or null, tries, enqueued_ms, traceparent where
	// there is a trace}.
	EvMessage = 6
	// A task, a cron firing, or a background task (`rec` NULL, `user` as given to background.run). `rec` as in MESSAGE: `body` the arguments (JSON),
	// `nodes` as well {id, queue, lease, scheduled_at (ms since the epoch) where a schedule made it}, `name` the task; `route` the worker's place in the
	// manifest.
	EvTask = 7
	// The end of a CALL or TIMER: `user` as given, `id` of the operation; `rec`: `status` 0 or an error kind, `nodes` the result, `body` the error
	// message, `key` its detail, `attempt` its retry class. `rec` (when not NULL) is valid until RELEASE of that id. NULL for a timer that fired.
	EvDone = 8
	// Hook number `route` of phase `arg` (SPK_HOOK_*). In ON_RESPONSE and ON_ERROR `user` is the address of a spk_record with the answer so far:
	// `status`, `meta` its headers.
	EvHook = 9
	// Dependency `route` is to be made; `nodes`: an array of the tokens of its depends_on, in order.
	EvFactory = 10
	// Dependency `route` with token `arg` is no longer used.
	EvDispose = 11
	// A CloudEvent to handle. `route`: the number of the handler in the manifest. `rec`: `nodes` {event: the event in the JSON format, `data` as bytes
	// instead of data_base64}. The RESULT's `body` is such an event as nodes.
	EvCloudevent = 12
	// The application is now in state `arg`: SPK_READY, SPK_DRAINING, SPK_STOPPED. Close the port after STOPPED.
	EvState = 13
	// A log record; only when asked for.
	EvLog = 14
)

// Commands: host to core (SPK_CMD_*).
const (
	// The whole answer: `status`; `head`: nhead spk_pair at `head.ptr`, views relative to it; `body` in `format`. A Content-Type among the headers wins
	// over that of the format.
	CmdReply = 1
	// Status and headers of an answer that follows as CHUNK* and END.
	CmdHead = 2
	// The next bytes (`body`) of an answer begun with HEAD, or of the streamed argument of an operation.
	CmdChunk = 3
	// The answer begun with HEAD, or the streamed argument of an operation, is complete.
	CmdEnd = 4
	// The answer ends before its end; the connection is closed. Without HEAD: 500. Of an operation: its streamed argument ends before its end (the
	// operation ends cancelled, detail aborted).
	CmdAbort = 5
	// The host can take `arg` more bytes of the request body, or of an operation's streamed result.
	CmdCredit = 6
	// Opens the WebSocket; `head` may hold further headers.
	CmdWsAccept = 7
	// A message, SPK_F_TEXT or binary.
	CmdWsSend = 8
	// Closes with code `arg`.
	CmdWsClose = 9
	// Done; `body` of a task: its result.
	CmdAck = 10
	// Not done. SPK_F_REQUEUE: again at once; else dead letter.
	CmdNack = 11
	// Again in `arg` ms.
	CmdRetry = 12
	// Operation `arg` (SPK_OP_*) of client number `client` with nodes as `body`: one object. `id`: the request, message or task whose handler waits, or
	// 0. `head`: a traceparent of the host's own span around it, if there is one (from another thread it must be given). SPK_F_STREAM: its argument or
	// result is streamed. Ends in DONE with `user`.
	CmdCall = 13
	// The CALL or TIMER with this `user`. It still ends in DONE.
	CmdCancel = 14
	// DONE with `user` in `arg` ms of the application's clock. `id`: the request that waits, or 0.
	CmdTimer = 15
	// The answer to a HOOK, FACTORY or DISPOSE. For a HOOK: nodes of an object with any of `context`, `set`, `append`, `answer`; empty: go on.
	CmdResult = 16
	// The handler threw. `body`: nodes {type, message, trace}; logged, never sent to clients.
	CmdFail = 17
	// Keeps a record past its final command.
	CmdHold = 18
	// Lets go of a record that was held or that came with DONE.
	CmdRelease = 19
)

// Operations: Arg of CmdCall (SPK_OP_*).
const (
	// background.run
	OpBackgroundRun = 1
	// test.advance
	OpTestAdvance = 16
	// test.settle
	OpTestSettle = 17
	// test.faults
	OpTestFaults = 18
	// cache.get
	OpCacheGet = 32
	// cache.set
	OpCacheSet = 33
	// cache.delete
	OpCacheDelete = 34
	// cache.exists
	OpCacheExists = 35
	// cache.touch
	OpCacheTouch = 36
	// cache.ttl
	OpCacheTTL = 37
	// cache.increment
	OpCacheIncrement = 38
	// cache.set_if_absent
	OpCacheSetIfAbsent = 39
	// cache.delete_if
	OpCacheDeleteIf = 40
	// cache.get_many
	OpCacheGetMany = 41
	// cache.set_many
	OpCacheSetMany = 42
	// cache.clear
	OpCacheClear = 43
	// cache.count
	OpCacheCount = 44
	// cache.invalidate_tags
	OpCacheInvalidateTags = 45
	// cache.get_or_begin_load
	OpCacheGetOrBeginLoad = 46
	// cache.end_load
	OpCacheEndLoad = 47
	// cache.stats
	OpCacheStats = 48
	// cache.invalidate
	OpCacheInvalidate = 49
	// storage.read
	OpStorageRead = 64
	// storage.read_stream
	OpStorageReadStream = 65
	// storage.write
	OpStorageWrite = 66
	// storage.write_stream
	OpStorageWriteStream = 67
	// storage.stat
	OpStorageStat = 68
	// storage.exists
	OpStorageExists = 69
	// storage.delete
	OpStorageDelete = 70
	// storage.delete_many
	OpStorageDeleteMany = 71
	// storage.list
	OpStorageList = 72
	// storage.copy
	OpStorageCopy = 73
	// storage.rename
	OpStorageRename = 74
	// storage.presign
	OpStoragePresign = 75
	// storage.plan_upload
	OpStoragePlanUpload = 76
	// storage.complete_upload
	OpStorageCompleteUpload = 77
	// storage.abort_upload
	OpStorageAbortUpload = 78
	// db.query
	OpDBQuery = 96
	// db.first
	OpDBFirst = 97
	// db.execute
	OpDBExecute = 98
	// db.batch
	OpDBBatch = 99
	// db.query_stream
	OpDBQueryStream = 100
	// db.begin
	OpDBBegin = 101
	// db.commit
	OpDBCommit = 102
	// db.rollback
	OpDBRollback = 103
	// db.savepoint
	OpDBSavepoint = 104
	// db.open_cursor
	OpDBOpenCursor = 105
	// db.fetch
	OpDBFetch = 106
	// db.close_cursor
	OpDBCloseCursor = 107
	// db.migrate
	OpDBMigrate = 108
	// db.migration_status
	OpDBMigrationStatus = 109
	// db.inbox
	OpDBInbox = 110
	// db.stats
	OpDBStats = 111
	// db.close
	OpDBClose = 112
	// messaging.publish
	OpMessagingPublish = 128
	// messaging.publish_batch
	OpMessagingPublishBatch = 129
	// messaging.start_consumer
	OpMessagingStartConsumer = 130
	// messaging.stop_consumer
	OpMessagingStopConsumer = 131
	// messaging.kill_consumer
	OpMessagingKillConsumer = 132
	// messaging.list_dead_letters
	OpMessagingListDeadLetters = 133
	// messaging.peek_dead_letter
	OpMessagingPeekDeadLetter = 134
	// messaging.redrive_dead_letters
	OpMessagingRedriveDeadLetters = 135
	// messaging.purge_dead_letters
	OpMessagingPurgeDeadLetters = 136
	// messaging.seek
	OpMessagingSeek = 137
	// messaging.groups
	OpMessagingGroups = 138
	// messaging.delete_group
	OpMessagingDeleteGroup = 139
	// messaging.topic_match
	OpMessagingTopicMatch = 140
	// messaging.stats
	OpMessagingStats = 141
	// tasks.enqueue
	OpTasksEnqueue = 160
	// tasks.enqueue_many
	OpTasksEnqueueMany = 161
	// tasks.enqueue_batch
	OpTasksEnqueueBatch = 162
	// tasks.batch
	OpTasksBatch = 163
	// tasks.job
	OpTasksJob = 164
	// tasks.list
	OpTasksList = 165
	// tasks.cancel
	OpTasksCancel = 166
	// tasks.retry
	OpTasksRetry = 167
	// tasks.queues
	OpTasksQueues = 168
	// tasks.pending_count
	OpTasksPendingCount = 169
	// tasks.pause
	OpTasksPause = 170
	// tasks.resume
	OpTasksResume = 171
	// tasks.set_rate_limit
	OpTasksSetRateLimit = 172
	// tasks.progress
	OpTasksProgress = 173
	// tasks.heartbeat
	OpTasksHeartbeat = 174
	// tasks.wait
	OpTasksWait = 175
	// tasks.start_worker
	OpTasksStartWorker = 176
	// tasks.stop_worker
	OpTasksStopWorker = 177
	// tasks.kill_worker
	OpTasksKillWorker = 178
	// tasks.schedule
	OpTasksSchedule = 179
	// tasks.unschedule
	OpTasksUnschedule = 180
	// tasks.schedules
	OpTasksSchedules = 181
	// tasks.start_scheduler
	OpTasksStartScheduler = 182
	// tasks.stop_scheduler
	OpTasksStopScheduler = 183
	// cron.next
	OpCronNext = 188
	// cloudevents.encode
	OpCloudeventsEncode = 192
	// cloudevents.decode
	OpCloudeventsDecode = 193
	// cloudevents.validate
	OpCloudeventsValidate = 194
	// cloudevents.send
	OpCloudeventsSend = 195
	// cloudevents.send_batch
	OpCloudeventsSendBatch = 196
	// telemetry.context
	OpTelemetryContext = 224
	// telemetry.start_span
	OpTelemetryStartSpan = 225
	// telemetry.end_span
	OpTelemetryEndSpan = 226
	// telemetry.log
	OpTelemetryLog = 227
	// telemetry.add
	OpTelemetryAdd = 228
	// telemetry.record
	OpTelemetryRecord = 229
	// telemetry.flush
	OpTelemetryFlush = 230
	// telemetry.statistics
	OpTelemetryStatistics = 231
	// telemetry.take_spans
	OpTelemetryTakeSpans = 240
	// telemetry.take_logs
	OpTelemetryTakeLogs = 241
	// telemetry.collect_metrics
	OpTelemetryCollectMetrics = 242
	// telemetry.parse_traceparent
	OpTelemetryParseTraceparent = 248
	// telemetry.parse_tracestate
	OpTelemetryParseTracestate = 249
	// telemetry.parse_baggage
	OpTelemetryParseBaggage = 250
)
