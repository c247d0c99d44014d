// Generated from spec/operations by codegen. Do not edit.
package dev.spikard;

import dev.spikard.internal.Abi;
import dev.spikard.internal.Arguments;
import dev.spikard.internal.Result;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * The operations of {@code tasks}: each waits for its end, or, as {@code ...Async}, gives a future whose cancellation cancels it.
 *
 * <p>Durable tasks: queues, workers, batches, schedules (docs/guide/tasks.md). Instants are ms since the epoch in results; in arguments RFC 3339 text or ms since the epoch. A job is written as {@code tasks.job} says it.
 */
public abstract class TasksOperations extends Client {
  TasksOperations(App app, String name) {
    super(app, "tasks", name);
  }

  /**
   * What {@code tasks.enqueue} gives.
   *
   * @param id The job's id.
   * @param created False: it was there ({@code unique_key}).
   */
  public record EnqueueResult(String id, boolean created) {}

  /** What {@code tasks.enqueue} may be told besides. */
  public static final class EnqueueOptions {
    private final Arguments arguments;

    EnqueueOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** The queue. */
    public EnqueueOptions queue(String queue) {
      arguments.put("queue", queue);
      return this;
    }

    /** What the handler gets, as JSON. */
    public EnqueueOptions args(Object args) {
      arguments.put("args", args);
      return this;
    }

    /** Not before this long from now. */
    public EnqueueOptions delay(Duration delay) {
      arguments.put("delay_ms", millis(delay));
      return this;
    }

    /** Not before this instant: RFC 3339 text or ms since the epoch. Not with {@code delay_ms}. */
    public EnqueueOptions runAt(Object runAt) {
      arguments.put("run_at", runAt);
      return this;
    }

    /** Higher goes first; first come among equals. */
    public EnqueueOptions priority(int priority) {
      arguments.put("priority", priority);
      return this;
    }

    /** Runs at most, the first one included. */
    public EnqueueOptions maxAttempts(long maxAttempts) {
      arguments.put("max_attempts", maxAttempts);
      return this;
    }

    /** {@code {initial_ms, factor, max_ms, jitter_percent}} between failed runs. Null: 1000, 2, 300000, 10. An object without {@code jitter_percent} has none. */
    public EnqueueOptions backoff(Object backoff) {
      arguments.put("backoff", backoff);
      return this;
    }

    /** A run that takes longer is cancelled and has failed. 0: the worker's limit. */
    public EnqueueOptions timeout(Duration timeout) {
      arguments.put("timeout_ms", millis(timeout));
      return this;
    }

    /** At most one job of this key that has not ended is in the store. Empty: none. */
    public EnqueueOptions uniqueKey(String uniqueKey) {
      arguments.put("unique_key", uniqueKey);
      return this;
    }

    /** Of the jobs of this key at most {@code concurrency_limit} run at a time, over all workers. Empty: none. */
    public EnqueueOptions concurrencyKey(String concurrencyKey) {
      arguments.put("concurrency_key", concurrencyKey);
      return this;
    }

    /** See {@code concurrency_key}. */
    public EnqueueOptions concurrencyLimit(long concurrencyLimit) {
      arguments.put("concurrency_limit", concurrencyLimit);
      return this;
    }

    /** Ids of jobs that must complete before this one begins. When one is discarded or cancelled, so is this one (cancelled, with the reason). */
    public EnqueueOptions dependsOn(List<String> dependsOn) {
      arguments.put("depends_on", dependsOn);
      return this;
    }

    /** Id of a batch that is not done, which this job joins. */
    public EnqueueOptions batch(String batch) {
      arguments.put("batch", batch);
      return this;
    }

    /** For people and lists. */
    public EnqueueOptions tags(List<String> tags) {
      arguments.put("tags", tags);
      return this;
    }

    /** How long the job and its result are kept after its end. 0: the store's default. */
    public EnqueueOptions retention(Duration retention) {
      arguments.put("retention_ms", millis(retention));
      return this;
    }

    /** A transaction of {@code db}: the task is enqueued when it commits, and not at all when it does not. A store in another database gets it through the outbox; the result then has no id (empty). */
    public EnqueueOptions transaction(Long transaction) {
      arguments.put("transaction", transaction);
      return this;
    }
  }

  private static Arguments enqueueArguments(String task, Consumer<? super EnqueueOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("task", task);
    if (options != null) options.accept(new EnqueueOptions(arguments));
    return arguments;
  }

  private static EnqueueResult enqueueAnswer(Map<String, Object> result) {
    return new EnqueueResult((String) result.get("id"), Result.bool(result.get("created")));
  }

  /**
   * Puts one task into a queue. With {@code unique_key}, gives the job of that key that has not ended, if there is one.
   *
   * @param task Name of the task; a worker has a handler for it.
   * @throws OperationException of kind invalid_argument, not_found, conflict, unavailable
   */
  public EnqueueResult enqueue(String task) {
    return enqueueAnswer(call(Abi.OP_TASKS_ENQUEUE, enqueueArguments(task, null)));
  }

  /** As above, with options. */
  public EnqueueResult enqueue(String task, Consumer<? super EnqueueOptions> options) {
    return enqueueAnswer(call(Abi.OP_TASKS_ENQUEUE, enqueueArguments(task, options)));
  }

  /** {@link #enqueue} as a future. */
  public CompletableFuture<EnqueueResult> enqueueAsync(String task) {
    return start(Abi.OP_TASKS_ENQUEUE, enqueueArguments(task, null), TasksOperations::enqueueAnswer);
  }

  /** {@link #enqueue} as a future, with options. */
  public CompletableFuture<EnqueueResult> enqueueAsync(String task, Consumer<? super EnqueueOptions> options) {
    return start(Abi.OP_TASKS_ENQUEUE, enqueueArguments(task, options), TasksOperations::enqueueAnswer);
  }

  private static Arguments enqueueManyArguments(Object jobs) {
    Arguments arguments = new Arguments();
    arguments.put("jobs", jobs);
    return arguments;
  }

  private static Object enqueueManyAnswer(Map<String, Object> result) {
    return result.get("jobs");
  }

  /**
   * Puts many tasks into queues in one transaction: all of them or none.
   *
   * @param jobs An array of objects with the arguments of {@code tasks.enqueue}, 10000 at most.
   * @return For each, in order, {@code {id, created}}.
   * @throws OperationException of kind invalid_argument, not_found, conflict, unavailable
   */
  public Object enqueueMany(Object jobs) {
    return enqueueManyAnswer(call(Abi.OP_TASKS_ENQUEUE_MANY, enqueueManyArguments(jobs)));
  }

  /** {@link #enqueueMany} as a future. */
  public CompletableFuture<Object> enqueueManyAsync(Object jobs) {
    return start(Abi.OP_TASKS_ENQUEUE_MANY, enqueueManyArguments(jobs), TasksOperations::enqueueManyAnswer);
  }

  /**
   * What {@code tasks.enqueue_batch} gives.
   *
   * @param batch The batch's id.
   * @param jobs For each, in order, {@code {id, created}}.
   * @param callback Id of the callback's job, or null.
   */
  public record EnqueueBatchResult(String batch, Object jobs, Object callback) {}

  /** What {@code tasks.enqueue_batch} may be told besides. */
  public static final class EnqueueBatchOptions {
    private final Arguments arguments;

    EnqueueBatchOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** A job (arguments of {@code tasks.enqueue}) that is pending until the batch is done; it finds the batch by {@code tasks.batch}, whose id is its {@code batch_done}. Null: none. */
    public EnqueueBatchOptions callback(Object callback) {
      arguments.put("callback", callback);
      return this;
    }
  }

  private static Arguments enqueueBatchArguments(Object jobs, Consumer<? super EnqueueBatchOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("jobs", jobs);
    if (options != null) options.accept(new EnqueueBatchOptions(arguments));
    return arguments;
  }

  private static EnqueueBatchResult enqueueBatchAnswer(Map<String, Object> result) {
    return new EnqueueBatchResult((String) result.get("batch"), result.get("jobs"), result.get("callback"));
  }

  /**
   * Puts many tasks into queues as one batch, in one transaction. When all of them have ended, {@code callback} is released.
   *
   * @param jobs An array of objects with the arguments of {@code tasks.enqueue}, 1 to 10000.
   * @throws OperationException of kind invalid_argument, not_found, conflict, unavailable
   */
  public EnqueueBatchResult enqueueBatch(Object jobs) {
    return enqueueBatchAnswer(call(Abi.OP_TASKS_ENQUEUE_BATCH, enqueueBatchArguments(jobs, null)));
  }

  /** As above, with options. */
  public EnqueueBatchResult enqueueBatch(Object jobs, Consumer<? super EnqueueBatchOptions> options) {
    return enqueueBatchAnswer(call(Abi.OP_TASKS_ENQUEUE_BATCH, enqueueBatchArguments(jobs, options)));
  }

  /** {@link #enqueueBatch} as a future. */
  public CompletableFuture<EnqueueBatchResult> enqueueBatchAsync(Object jobs) {
    return start(Abi.OP_TASKS_ENQUEUE_BATCH, enqueueBatchArguments(jobs, null), TasksOperations::enqueueBatchAnswer);
  }

  /** {@link #enqueueBatch} as a future, with options. */
  public CompletableFuture<EnqueueBatchResult> enqueueBatchAsync(Object jobs, Consumer<? super EnqueueBatchOptions> options) {
    return start(Abi.OP_TASKS_ENQUEUE_BATCH, enqueueBatchArguments(jobs, options), TasksOperations::enqueueBatchAnswer);
  }

  /**
   * What {@code tasks.batch} gives.
   *
   * @param id Its id.
   * @param total Jobs in it.
   * @param pending Jobs that have not ended.
   * @param completed Jobs that completed.
   * @param cancelled Jobs that were cancelled.
   * @param discarded Jobs that were discarded.
   * @param done All have ended.
   * @param callback Id of the callback's job, or null.
   */
  public record BatchResult(String id, long total, long pending, long completed, long cancelled, long discarded, boolean done, Object callback) {}

  private static Arguments batchArguments(String id) {
    Arguments arguments = new Arguments();
    arguments.put("id", id);
    return arguments;
  }

  private static BatchResult batchAnswer(Map<String, Object> result) {
    return new BatchResult((String) result.get("id"), Result.int64(result.get("total")), Result.int64(result.get("pending")), Result.int64(result.get("completed")), Result.int64(result.get("cancelled")), Result.int64(result.get("discarded")), Result.bool(result.get("done")), result.get("callback"));
  }

  /**
   * How far a batch is.
   *
   * @param id The batch's id.
   * @throws OperationException of kind not_found
   */
  public BatchResult batch(String id) {
    return batchAnswer(call(Abi.OP_TASKS_BATCH, batchArguments(id)));
  }

  /** {@link #batch} as a future. */
  public CompletableFuture<BatchResult> batchAsync(String id) {
    return start(Abi.OP_TASKS_BATCH, batchArguments(id), TasksOperations::batchAnswer);
  }

  /**
   * What {@code tasks.job} gives.
   *
   * @param id Its id.
   * @param queue Its queue.
   * @param task The task's name.
   * @param args Its arguments.
   * @param state pending, scheduled, available, running, retryable, completed, cancelled or discarded.
   * @param priority Its priority.
   * @param attempt Runs begun, those that do not count left out.
   * @param maxAttempts Runs at most.
   * @param runAt Not before this instant.
   * @param enqueuedAt When it was enqueued.
   * @param startedAt When the latest run began, or null.
   * @param endedAt When it ended, or null.
   * @param scheduledAt The occurrence of its schedule that it stands for, or null.
   * @param schedule Its schedule, or null.
   * @param worker Who runs it, or null.
   * @param uniqueKey Its unique key, or null.
   * @param concurrencyKey Its concurrency key, or null.
   * @param batch Its batch, or null.
   * @param batchDone The batch whose callback it is, or null.
   * @param tags Its tags.
   * @param progress What its handler told last, or null.
   * @param result What its handler returned, or null.
   * @param error The latest error, or the reason of its cancellation; null for none.
   * @param errorCode error, timeout, fatal, lease_lost, unknown_task, dependency or a code of the handler's; null for none.
   */
  public record JobResult(String id, String queue, String task, Object args, String state, int priority, long attempt, long maxAttempts, long runAt, long enqueuedAt, Object startedAt, Object endedAt, Object scheduledAt, Object schedule, Object worker, Object uniqueKey, Object concurrencyKey, Object batch, Object batchDone, List<String> tags, Object progress, Object result, Object error, Object errorCode) {}

  private static Arguments jobArguments(String id) {
    Arguments arguments = new Arguments();
    arguments.put("id", id);
    return arguments;
  }

  private static JobResult jobAnswer(Map<String, Object> result) {
    return new JobResult((String) result.get("id"), (String) result.get("queue"), (String) result.get("task"), result.get("args"), (String) result.get("state"), Result.int32(result.get("priority")), Result.int64(result.get("attempt")), Result.int64(result.get("max_attempts")), Result.int64(result.get("run_at")), Result.int64(result.get("enqueued_at")), result.get("started_at"), result.get("ended_at"), result.get("scheduled_at"), result.get("schedule"), result.get("worker"), result.get("unique_key"), result.get("concurrency_key"), result.get("batch"), result.get("batch_done"), Result.<String>list(result.get("tags")), result.get("progress"), result.get("result"), result.get("error"), result.get("error_code"));
  }

  /**
   * A job as it is now.
   *
   * @param id The job's id.
   * @throws OperationException of kind not_found
   */
  public JobResult job(String id) {
    return jobAnswer(call(Abi.OP_TASKS_JOB, jobArguments(id)));
  }

  /** {@link #job} as a future. */
  public CompletableFuture<JobResult> jobAsync(String id) {
    return start(Abi.OP_TASKS_JOB, jobArguments(id), TasksOperations::jobAnswer);
  }

  /** What {@code tasks.list} may be told besides. */
  public static final class ListOptions {
    private final Arguments arguments;

    ListOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** Of this queue only. */
    public ListOptions queue(String queue) {
      arguments.put("queue", queue);
      return this;
    }

    /** In this state only. */
    public ListOptions state(String state) {
      arguments.put("state", state);
      return this;
    }

    /** Of this name only. */
    public ListOptions task(String task) {
      arguments.put("task", task);
      return this;
    }

    /** Of this schedule only. */
    public ListOptions schedule(String schedule) {
      arguments.put("schedule", schedule);
      return this;
    }

    /** Of this batch only. */
    public ListOptions batch(String batch) {
      arguments.put("batch", batch);
      return this;
    }

    /** Only ids after this one: the last of the page before. */
    public ListOptions after(String after) {
      arguments.put("after", after);
      return this;
    }

    /** How many at most. */
    public ListOptions limit(long limit) {
      arguments.put("limit", limit);
      return this;
    }
  }

  private static Arguments listArguments(Consumer<? super ListOptions> options) {
    Arguments arguments = new Arguments();
    if (options != null) options.accept(new ListOptions(arguments));
    return arguments;
  }

  private static Object listAnswer(Map<String, Object> result) {
    return result.get("jobs");
  }

  /**
   * Jobs in the order of their ids.
   *
   * @return Each as {@code tasks.job} gives it.
   * @throws OperationException of kind invalid_argument
   */
  public Object list() {
    return listAnswer(call(Abi.OP_TASKS_LIST, listArguments(null)));
  }

  /** As above, with options. */
  public Object list(Consumer<? super ListOptions> options) {
    return listAnswer(call(Abi.OP_TASKS_LIST, listArguments(options)));
  }

  /** {@link #list} as a future. */
  public CompletableFuture<Object> listAsync() {
    return start(Abi.OP_TASKS_LIST, listArguments(null), TasksOperations::listAnswer);
  }

  /** {@link #list} as a future, with options. */
  public CompletableFuture<Object> listAsync(Consumer<? super ListOptions> options) {
    return start(Abi.OP_TASKS_LIST, listArguments(options), TasksOperations::listAnswer);
  }

  /** What {@code tasks.cancel} may be told besides. */
  public static final class CancelOptions {
    private final Arguments arguments;

    CancelOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** Kept as the job's error. */
    public CancelOptions reason(String reason) {
      arguments.put("reason", reason);
      return this;
    }
  }

  private static Arguments cancelArguments(String id, Consumer<? super CancelOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("id", id);
    if (options != null) options.accept(new CancelOptions(arguments));
    return arguments;
  }

  private static Boolean cancelAnswer(Map<String, Object> result) {
    return Result.bool(result.get("cancelled"));
  }

  /**
   * Ends a job that has not ended. A running handler is told and its result is thrown away; jobs that depend on it are cancelled too.
   *
   * @param id The job's id.
   * @return False: it had ended.
   * @throws OperationException of kind not_found
   */
  public boolean cancel(String id) {
    return cancelAnswer(call(Abi.OP_TASKS_CANCEL, cancelArguments(id, null)));
  }

  /** As above, with options. */
  public boolean cancel(String id, Consumer<? super CancelOptions> options) {
    return cancelAnswer(call(Abi.OP_TASKS_CANCEL, cancelArguments(id, options)));
  }

  /** {@link #cancel} as a future. */
  public CompletableFuture<Boolean> cancelAsync(String id) {
    return start(Abi.OP_TASKS_CANCEL, cancelArguments(id, null), TasksOperations::cancelAnswer);
  }

  /** {@link #cancel} as a future, with options. */
  public CompletableFuture<Boolean> cancelAsync(String id, Consumer<? super CancelOptions> options) {
    return start(Abi.OP_TASKS_CANCEL, cancelArguments(id, options), TasksOperations::cancelAnswer);
  }

  private static Arguments retryArguments(String id) {
    Arguments arguments = new Arguments();
    arguments.put("id", id);
    return arguments;
  }

  private static Boolean retryAnswer(Map<String, Object> result) {
    return Result.bool(result.get("retried"));
  }

  /**
   * Lets a job that has ended run once more.
   *
   * @param id The job's id.
   * @return False: it has not ended.
   * @throws OperationException of kind not_found, conflict
   */
  public boolean retry(String id) {
    return retryAnswer(call(Abi.OP_TASKS_RETRY, retryArguments(id)));
  }

  /** {@link #retry} as a future. */
  public CompletableFuture<Boolean> retryAsync(String id) {
    return start(Abi.OP_TASKS_RETRY, retryArguments(id), TasksOperations::retryAnswer);
  }

  private static Arguments queuesArguments() {
    Arguments arguments = new Arguments();
    return arguments;
  }

  private static Object queuesAnswer(Map<String, Object> result) {
    return result.get("queues");
  }

  /**
   * All queues with their counts and settings.
   *
   * @return Each {@code {queue, paused, rate_limit, pending, scheduled, available, running, retryable, completed, cancelled, discarded}}.
   */
  public Object queues() {
    return queuesAnswer(call(Abi.OP_TASKS_QUEUES, queuesArguments()));
  }

  /** {@link #queues} as a future. */
  public CompletableFuture<Object> queuesAsync() {
    return start(Abi.OP_TASKS_QUEUES, queuesArguments(), TasksOperations::queuesAnswer);
  }

  /** What {@code tasks.pending_count} may be told besides. */
  public static final class PendingCountOptions {
    private final Arguments arguments;

    PendingCountOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** The queue. */
    public PendingCountOptions queue(String queue) {
      arguments.put("queue", queue);
      return this;
    }
  }

  private static Arguments pendingCountArguments(Consumer<? super PendingCountOptions> options) {
    Arguments arguments = new Arguments();
    if (options != null) options.accept(new PendingCountOptions(arguments));
    return arguments;
  }

  private static Long pendingCountAnswer(Map<String, Object> result) {
    return Result.int64(result.get("count"));
  }

  /**
   * Jobs of a queue that neither run nor have ended.
   *
   * @return How many.
   */
  public long pendingCount() {
    return pendingCountAnswer(call(Abi.OP_TASKS_PENDING_COUNT, pendingCountArguments(null)));
  }

  /** As above, with options. */
  public long pendingCount(Consumer<? super PendingCountOptions> options) {
    return pendingCountAnswer(call(Abi.OP_TASKS_PENDING_COUNT, pendingCountArguments(options)));
  }

  /** {@link #pendingCount} as a future. */
  public CompletableFuture<Long> pendingCountAsync() {
    return start(Abi.OP_TASKS_PENDING_COUNT, pendingCountArguments(null), TasksOperations::pendingCountAnswer);
  }

  /** {@link #pendingCount} as a future, with options. */
  public CompletableFuture<Long> pendingCountAsync(Consumer<? super PendingCountOptions> options) {
    return start(Abi.OP_TASKS_PENDING_COUNT, pendingCountArguments(options), TasksOperations::pendingCountAnswer);
  }

  /** What {@code tasks.pause} may be told besides. */
  public static final class PauseOptions {
    private final Arguments arguments;

    PauseOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** The queue. */
    public PauseOptions queue(String queue) {
      arguments.put("queue", queue);
      return this;
    }
  }

  private static Arguments pauseArguments(Consumer<? super PauseOptions> options) {
    Arguments arguments = new Arguments();
    if (options != null) options.accept(new PauseOptions(arguments));
    return arguments;
  }

  private static Void pauseAnswer(Map<String, Object> result) {
    return null;
  }

  /**
   * No worker, in no process, takes from this queue until {@code tasks.resume}. What runs goes on.
   */
  public void pause() {
    pauseAnswer(call(Abi.OP_TASKS_PAUSE, pauseArguments(null)));
  }

  /** As above, with options. */
  public void pause(Consumer<? super PauseOptions> options) {
    pauseAnswer(call(Abi.OP_TASKS_PAUSE, pauseArguments(options)));
  }

  /** {@link #pause} as a future. */
  public CompletableFuture<Void> pauseAsync() {
    return start(Abi.OP_TASKS_PAUSE, pauseArguments(null), TasksOperations::pauseAnswer);
  }

  /** {@link #pause} as a future, with options. */
  public CompletableFuture<Void> pauseAsync(Consumer<? super PauseOptions> options) {
    return start(Abi.OP_TASKS_PAUSE, pauseArguments(options), TasksOperations::pauseAnswer);
  }

  /** What {@code tasks.resume} may be told besides. */
  public static final class ResumeOptions {
    private final Arguments arguments;

    ResumeOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** The queue. */
    public ResumeOptions queue(String queue) {
      arguments.put("queue", queue);
      return this;
    }
  }

  private static Arguments resumeArguments(Consumer<? super ResumeOptions> options) {
    Arguments arguments = new Arguments();
    if (options != null) options.accept(new ResumeOptions(arguments));
    return arguments;
  }

  private static Void resumeAnswer(Map<String, Object> result) {
    return null;
  }

  /**
   * Workers take from this queue again.
   */
  public void resume() {
    resumeAnswer(call(Abi.OP_TASKS_RESUME, resumeArguments(null)));
  }

  /** As above, with options. */
  public void resume(Consumer<? super ResumeOptions> options) {
    resumeAnswer(call(Abi.OP_TASKS_RESUME, resumeArguments(options)));
  }

  /** {@link #resume} as a future. */
  public CompletableFuture<Void> resumeAsync() {
    return start(Abi.OP_TASKS_RESUME, resumeArguments(null), TasksOperations::resumeAnswer);
  }

  /** {@link #resume} as a future, with options. */
  public CompletableFuture<Void> resumeAsync(Consumer<? super ResumeOptions> options) {
    return start(Abi.OP_TASKS_RESUME, resumeArguments(options), TasksOperations::resumeAnswer);
  }

  /** What {@code tasks.set_rate_limit} may be told besides. */
  public static final class SetRateLimitOptions {
    private final Arguments arguments;

    SetRateLimitOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** The queue. */
    public SetRateLimitOptions queue(String queue) {
      arguments.put("queue", queue);
      return this;
    }

    /** So many. 0: no limit. */
    public SetRateLimitOptions count(long count) {
      arguments.put("count", count);
      return this;
    }

    /** In this span. */
    public SetRateLimitOptions period(Duration period) {
      arguments.put("period_ms", millis(period));
      return this;
    }

    /** So many at once after a rest. 0: as {@code count}. */
    public SetRateLimitOptions burst(long burst) {
      arguments.put("burst", burst);
      return this;
    }
  }

  private static Arguments setRateLimitArguments(Consumer<? super SetRateLimitOptions> options) {
    Arguments arguments = new Arguments();
    if (options != null) options.accept(new SetRateLimitOptions(arguments));
    return arguments;
  }

  private static Void setRateLimitAnswer(Map<String, Object> result) {
    return null;
  }

  /**
   * How many jobs of a queue may begin in a span of time, over all workers of all processes (a token bucket).
   * @throws OperationException of kind invalid_argument
   */
  public void setRateLimit() {
    setRateLimitAnswer(call(Abi.OP_TASKS_SET_RATE_LIMIT, setRateLimitArguments(null)));
  }

  /** As above, with options. */
  public void setRateLimit(Consumer<? super SetRateLimitOptions> options) {
    setRateLimitAnswer(call(Abi.OP_TASKS_SET_RATE_LIMIT, setRateLimitArguments(options)));
  }

  /** {@link #setRateLimit} as a future. */
  public CompletableFuture<Void> setRateLimitAsync() {
    return start(Abi.OP_TASKS_SET_RATE_LIMIT, setRateLimitArguments(null), TasksOperations::setRateLimitAnswer);
  }

  /** {@link #setRateLimit} as a future, with options. */
  public CompletableFuture<Void> setRateLimitAsync(Consumer<? super SetRateLimitOptions> options) {
    return start(Abi.OP_TASKS_SET_RATE_LIMIT, setRateLimitArguments(options), TasksOperations::setRateLimitAnswer);
  }

  private static Arguments progressArguments(String id, long lease, Object progress) {
    Arguments arguments = new Arguments();
    arguments.put("id", id);
    arguments.put("lease", lease);
    arguments.put("progress", progress);
    return arguments;
  }

  private static Void progressAnswer(Map<String, Object> result) {
    return null;
  }

  /**
   * What a handler tells about its run. conflict when the lease was lost.
   *
   * @param id The job's id.
   * @param lease The run's fencing token.
   * @param progress Any JSON.
   * @throws OperationException of kind not_found, conflict
   */
  public void progress(String id, long lease, Object progress) {
    progressAnswer(call(Abi.OP_TASKS_PROGRESS, progressArguments(id, lease, progress)));
  }

  /** {@link #progress} as a future. */
  public CompletableFuture<Void> progressAsync(String id, long lease, Object progress) {
    return start(Abi.OP_TASKS_PROGRESS, progressArguments(id, lease, progress), TasksOperations::progressAnswer);
  }

  /** What {@code tasks.heartbeat} may be told besides. */
  public static final class HeartbeatOptions {
    private final Arguments arguments;

    HeartbeatOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** From now. */
    public HeartbeatOptions leaseMs(long leaseMs) {
      arguments.put("lease_ms", leaseMs);
      return this;
    }
  }

  private static Arguments heartbeatArguments(String id, long lease, Consumer<? super HeartbeatOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("id", id);
    arguments.put("lease", lease);
    if (options != null) options.accept(new HeartbeatOptions(arguments));
    return arguments;
  }

  private static Boolean heartbeatAnswer(Map<String, Object> result) {
    return Result.bool(result.get("held"));
  }

  /**
   * Renews a run's lease now and says whether it is still this worker's. Workers do so by themselves; this is for a handler that is about to do what cannot be undone.
   *
   * @param id The job's id.
   * @param lease The run's fencing token.
   * @return False: lost or cancelled.
   */
  public boolean heartbeat(String id, long lease) {
    return heartbeatAnswer(call(Abi.OP_TASKS_HEARTBEAT, heartbeatArguments(id, lease, null)));
  }

  /** As above, with options. */
  public boolean heartbeat(String id, long lease, Consumer<? super HeartbeatOptions> options) {
    return heartbeatAnswer(call(Abi.OP_TASKS_HEARTBEAT, heartbeatArguments(id, lease, options)));
  }

  /** {@link #heartbeat} as a future. */
  public CompletableFuture<Boolean> heartbeatAsync(String id, long lease) {
    return start(Abi.OP_TASKS_HEARTBEAT, heartbeatArguments(id, lease, null), TasksOperations::heartbeatAnswer);
  }

  /** {@link #heartbeat} as a future, with options. */
  public CompletableFuture<Boolean> heartbeatAsync(String id, long lease, Consumer<? super HeartbeatOptions> options) {
    return start(Abi.OP_TASKS_HEARTBEAT, heartbeatArguments(id, lease, options), TasksOperations::heartbeatAnswer);
  }

  /** What {@code tasks.wait} may be told besides. */
  public static final class WaitOptions {
    private final Arguments arguments;

    WaitOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** At most this long; then timeout. */
    public WaitOptions timeout(Duration timeout) {
      arguments.put("timeout_ms", millis(timeout));
      return this;
    }
  }

  private static Arguments waitArguments(String id, Consumer<? super WaitOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("id", id);
    if (options != null) options.accept(new WaitOptions(arguments));
    return arguments;
  }

  private static Object waitAnswer(Map<String, Object> result) {
    return result.get("job");
  }

  /**
   * Waits until a job has ended and gives it as {@code tasks.job} does.
   *
   * @param id The job's id.
   * @return The job.
   * @throws OperationException of kind not_found, timeout
   */
  public Object wait(String id) {
    return waitAnswer(call(Abi.OP_TASKS_WAIT, waitArguments(id, null)));
  }

  /** As above, with options. */
  public Object wait(String id, Consumer<? super WaitOptions> options) {
    return waitAnswer(call(Abi.OP_TASKS_WAIT, waitArguments(id, options)));
  }

  /** {@link #wait} as a future. */
  public CompletableFuture<Object> waitAsync(String id) {
    return start(Abi.OP_TASKS_WAIT, waitArguments(id, null), TasksOperations::waitAnswer);
  }

  /** {@link #wait} as a future, with options. */
  public CompletableFuture<Object> waitAsync(String id, Consumer<? super WaitOptions> options) {
    return start(Abi.OP_TASKS_WAIT, waitArguments(id, options), TasksOperations::waitAnswer);
  }

  /** What {@code tasks.start_worker} may be told besides. */
  public static final class StartWorkerOptions {
    private final Arguments arguments;

    StartWorkerOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** The queue. */
    public StartWorkerOptions queue(String queue) {
      arguments.put("queue", queue);
      return this;
    }

    /** Handlers at once. */
    public StartWorkerOptions concurrency(long concurrency) {
      arguments.put("concurrency", concurrency);
      return this;
    }

    /** A job comes back this long after its worker died; renewed every third of it. */
    public StartWorkerOptions lease(Duration lease) {
      arguments.put("lease_ms", millis(lease));
      return this;
    }

    /** For tasks without a limit of their own. 0: none. */
    public StartWorkerOptions timeout(Duration timeout) {
      arguments.put("timeout_ms", millis(timeout));
      return this;
    }

    /** Names it has handlers for; any other is discarded with the code unknown_task. Null: all. */
    public StartWorkerOptions tasks(Object tasks) {
      arguments.put("tasks", tasks);
      return this;
    }

    /** Comes back as {@code user} of its events. */
    public StartWorkerOptions user(long user) {
      arguments.put("user", user);
      return this;
    }
  }

  private static Arguments startWorkerArguments(String name, Consumer<? super StartWorkerOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("name", name);
    if (options != null) options.accept(new StartWorkerOptions(arguments));
    return arguments;
  }

  private static Void startWorkerAnswer(Map<String, Object> result) {
    return null;
  }

  /**
   * Starts a worker beside those of the manifest. Its tasks come as SPK_EV_TASK.
   *
   * @param name Its name; unique among those that run.
   * @throws OperationException of kind invalid_argument, already_exists, unavailable
   */
  public void startWorker(String name) {
    startWorkerAnswer(call(Abi.OP_TASKS_START_WORKER, startWorkerArguments(name, null)));
  }

  /** As above, with options. */
  public void startWorker(String name, Consumer<? super StartWorkerOptions> options) {
    startWorkerAnswer(call(Abi.OP_TASKS_START_WORKER, startWorkerArguments(name, options)));
  }

  /** {@link #startWorker} as a future. */
  public CompletableFuture<Void> startWorkerAsync(String name) {
    return start(Abi.OP_TASKS_START_WORKER, startWorkerArguments(name, null), TasksOperations::startWorkerAnswer);
  }

  /** {@link #startWorker} as a future, with options. */
  public CompletableFuture<Void> startWorkerAsync(String name, Consumer<? super StartWorkerOptions> options) {
    return start(Abi.OP_TASKS_START_WORKER, startWorkerArguments(name, options), TasksOperations::startWorkerAnswer);
  }

  /**
   * What {@code tasks.stop_worker} gives.
   *
   * @param drained Everything finished in time.
   * @param unfinished Handed back.
   */
  public record StopWorkerResult(boolean drained, long unfinished) {}

  /** What {@code tasks.stop_worker} may be told besides. */
  public static final class StopWorkerOptions {
    private final Arguments arguments;

    StopWorkerOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** For what runs. */
    public StopWorkerOptions timeout(Duration timeout) {
      arguments.put("timeout_ms", millis(timeout));
      return this;
    }
  }

  private static Arguments stopWorkerArguments(String name, Consumer<? super StopWorkerOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("name", name);
    if (options != null) options.accept(new StopWorkerOptions(arguments));
    return arguments;
  }

  private static StopWorkerResult stopWorkerAnswer(Map<String, Object> result) {
    return new StopWorkerResult(Result.bool(result.get("drained")), Result.int64(result.get("unfinished")));
  }

  /**
   * Drains a worker: takes no more, finishes what runs within the time, hands back the rest without using up an attempt.
   *
   * @param name Its name.
   * @throws OperationException of kind not_found
   */
  public StopWorkerResult stopWorker(String name) {
    return stopWorkerAnswer(call(Abi.OP_TASKS_STOP_WORKER, stopWorkerArguments(name, null)));
  }

  /** As above, with options. */
  public StopWorkerResult stopWorker(String name, Consumer<? super StopWorkerOptions> options) {
    return stopWorkerAnswer(call(Abi.OP_TASKS_STOP_WORKER, stopWorkerArguments(name, options)));
  }

  /** {@link #stopWorker} as a future. */
  public CompletableFuture<StopWorkerResult> stopWorkerAsync(String name) {
    return start(Abi.OP_TASKS_STOP_WORKER, stopWorkerArguments(name, null), TasksOperations::stopWorkerAnswer);
  }

  /** {@link #stopWorker} as a future, with options. */
  public CompletableFuture<StopWorkerResult> stopWorkerAsync(String name, Consumer<? super StopWorkerOptions> options) {
    return start(Abi.OP_TASKS_STOP_WORKER, stopWorkerArguments(name, options), TasksOperations::stopWorkerAnswer);
  }

  private static Arguments killWorkerArguments(String name) {
    Arguments arguments = new Arguments();
    arguments.put("name", name);
    return arguments;
  }

  private static Void killWorkerAnswer(Map<String, Object> result) {
    return null;
  }

  /**
   * For tests: the worker dies without a word, as if its process were gone.
   *
   * @param name Its name.
   * @throws OperationException of kind not_found
   */
  public void killWorker(String name) {
    killWorkerAnswer(call(Abi.OP_TASKS_KILL_WORKER, killWorkerArguments(name)));
  }

  /** {@link #killWorker} as a future. */
  public CompletableFuture<Void> killWorkerAsync(String name) {
    return start(Abi.OP_TASKS_KILL_WORKER, killWorkerArguments(name), TasksOperations::killWorkerAnswer);
  }

  /** What {@code tasks.schedule} may be told besides. */
  public static final class ScheduleOptions {
    private final Arguments arguments;

    ScheduleOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** A name of the IANA data base. */
    public ScheduleOptions timezone(String timezone) {
      arguments.put("timezone", timezone);
      return this;
    }

    /** Where its jobs go. */
    public ScheduleOptions queue(String queue) {
      arguments.put("queue", queue);
      return this;
    }

    /** The arguments of every job. */
    public ScheduleOptions args(Object args) {
      arguments.put("args", args);
      return this;
    }

    /** As in {@code tasks.enqueue}. */
    public ScheduleOptions priority(int priority) {
      arguments.put("priority", priority);
      return this;
    }

    /** As in {@code tasks.enqueue}. */
    public ScheduleOptions maxAttempts(long maxAttempts) {
      arguments.put("max_attempts", maxAttempts);
      return this;
    }

    /** As in {@code tasks.enqueue}. */
    public ScheduleOptions timeout(Duration timeout) {
      arguments.put("timeout_ms", millis(timeout));
      return this;
    }

    /** What becomes of times at which no scheduler ran: skip, once (one job for all of them), all (one for each). */
    public ScheduleOptions misfire(String misfire) {
      arguments.put("misfire", misfire);
      return this;
    }

    /** forbid: a time is left out while the job before has not ended. */
    public ScheduleOptions overlap(String overlap) {
      arguments.put("overlap", overlap);
      return this;
    }
  }

  private static Arguments scheduleArguments(String name, String cron, String task, Consumer<? super ScheduleOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("name", name);
    arguments.put("cron", cron);
    arguments.put("task", task);
    if (options != null) options.accept(new ScheduleOptions(arguments));
    return arguments;
  }

  private static Object scheduleAnswer(Map<String, Object> result) {
    return result.get("next");
  }

  /**
   * Makes or changes a schedule, which any running scheduler of this store fires. Times not yet reached follow the new expression.
   *
   * @param name Its name; unique in the store.
   * @param cron Five or six fields, or a macro such as {@code @daily}.
   * @param task The task's name.
   * @return The next time, ms since the epoch, or null.
   * @throws OperationException of kind invalid_argument
   */
  public Object schedule(String name, String cron, String task) {
    return scheduleAnswer(call(Abi.OP_TASKS_SCHEDULE, scheduleArguments(name, cron, task, null)));
  }

  /** As above, with options. */
  public Object schedule(String name, String cron, String task, Consumer<? super ScheduleOptions> options) {
    return scheduleAnswer(call(Abi.OP_TASKS_SCHEDULE, scheduleArguments(name, cron, task, options)));
  }

  /** {@link #schedule} as a future. */
  public CompletableFuture<Object> scheduleAsync(String name, String cron, String task) {
    return start(Abi.OP_TASKS_SCHEDULE, scheduleArguments(name, cron, task, null), TasksOperations::scheduleAnswer);
  }

  /** {@link #schedule} as a future, with options. */
  public CompletableFuture<Object> scheduleAsync(String name, String cron, String task, Consumer<? super ScheduleOptions> options) {
    return start(Abi.OP_TASKS_SCHEDULE, scheduleArguments(name, cron, task, options), TasksOperations::scheduleAnswer);
  }

  private static Arguments unscheduleArguments(String name) {
    Arguments arguments = new Arguments();
    arguments.put("name", name);
    return arguments;
  }

  private static Boolean unscheduleAnswer(Map<String, Object> result) {
    return Result.bool(result.get("removed"));
  }

  /**
   * Takes a schedule away. Its jobs stay.
   *
   * @param name Its name.
   * @return False: there was none.
   */
  public boolean unschedule(String name) {
    return unscheduleAnswer(call(Abi.OP_TASKS_UNSCHEDULE, unscheduleArguments(name)));
  }

  /** {@link #unschedule} as a future. */
  public CompletableFuture<Boolean> unscheduleAsync(String name) {
    return start(Abi.OP_TASKS_UNSCHEDULE, unscheduleArguments(name), TasksOperations::unscheduleAnswer);
  }

  private static Arguments schedulesArguments() {
    Arguments arguments = new Arguments();
    return arguments;
  }

  private static Object schedulesAnswer(Map<String, Object> result) {
    return result.get("schedules");
  }

  /**
   * All schedules of the store.
   *
   * @return Each with the arguments of {@code tasks.schedule}, {@code next} and {@code last} (ms since the epoch, or null).
   */
  public Object schedules() {
    return schedulesAnswer(call(Abi.OP_TASKS_SCHEDULES, schedulesArguments()));
  }

  /** {@link #schedules} as a future. */
  public CompletableFuture<Object> schedulesAsync() {
    return start(Abi.OP_TASKS_SCHEDULES, schedulesArguments(), TasksOperations::schedulesAnswer);
  }

  /** What {@code tasks.start_scheduler} may be told besides. */
  public static final class StartSchedulerOptions {
    private final Arguments arguments;

    StartSchedulerOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** Its name; unique among those that run. */
    public StartSchedulerOptions name(String name) {
      arguments.put("name", name);
      return this;
    }
  }

  private static Arguments startSchedulerArguments(Consumer<? super StartSchedulerOptions> options) {
    Arguments arguments = new Arguments();
    if (options != null) options.accept(new StartSchedulerOptions(arguments));
    return arguments;
  }

  private static Void startSchedulerAnswer(Map<String, Object> result) {
    return null;
  }

  /**
   * Starts a scheduler beside that of the manifest. Any number may run, in any number of processes: each time of a schedule makes one job.
   * @throws OperationException of kind already_exists
   */
  public void startScheduler() {
    startSchedulerAnswer(call(Abi.OP_TASKS_START_SCHEDULER, startSchedulerArguments(null)));
  }

  /** As above, with options. */
  public void startScheduler(Consumer<? super StartSchedulerOptions> options) {
    startSchedulerAnswer(call(Abi.OP_TASKS_START_SCHEDULER, startSchedulerArguments(options)));
  }

  /** {@link #startScheduler} as a future. */
  public CompletableFuture<Void> startSchedulerAsync() {
    return start(Abi.OP_TASKS_START_SCHEDULER, startSchedulerArguments(null), TasksOperations::startSchedulerAnswer);
  }

  /** {@link #startScheduler} as a future, with options. */
  public CompletableFuture<Void> startSchedulerAsync(Consumer<? super StartSchedulerOptions> options) {
    return start(Abi.OP_TASKS_START_SCHEDULER, startSchedulerArguments(options), TasksOperations::startSchedulerAnswer);
  }

  /** What {@code tasks.stop_scheduler} may be told besides. */
  public static final class StopSchedulerOptions {
    private final Arguments arguments;

    StopSchedulerOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** Its name. */
    public StopSchedulerOptions name(String name) {
      arguments.put("name", name);
      return this;
    }
  }

  private static Arguments stopSchedulerArguments(Consumer<? super StopSchedulerOptions> options) {
    Arguments arguments = new Arguments();
    if (options != null) options.accept(new StopSchedulerOptions(arguments));
    return arguments;
  }

  private static Void stopSchedulerAnswer(Map<String, Object> result) {
    return null;
  }

  /**
   * Stops a scheduler.
   * @throws OperationException of kind not_found
   */
  public void stopScheduler() {
    stopSchedulerAnswer(call(Abi.OP_TASKS_STOP_SCHEDULER, stopSchedulerArguments(null)));
  }

  /** As above, with options. */
  public void stopScheduler(Consumer<? super StopSchedulerOptions> options) {
    stopSchedulerAnswer(call(Abi.OP_TASKS_STOP_SCHEDULER, stopSchedulerArguments(options)));
  }

  /** {@link #stopScheduler} as a future. */
  public CompletableFuture<Void> stopSchedulerAsync() {
    return start(Abi.OP_TASKS_STOP_SCHEDULER, stopSchedulerArguments(null), TasksOperations::stopSchedulerAnswer);
  }

  /** {@link #stopScheduler} as a future, with options. */
  public CompletableFuture<Void> stopSchedulerAsync(Consumer<? super StopSchedulerOptions> options) {
    return start(Abi.OP_TASKS_STOP_SCHEDULER, stopSchedulerArguments(options), TasksOperations::stopSchedulerAnswer);
  }
}
