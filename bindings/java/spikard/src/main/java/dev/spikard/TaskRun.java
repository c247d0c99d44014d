package dev.spikard;

import dev.spikard.internal.Json;
import dev.spikard.internal.Mapper;
import java.time.Instant;
import java.util.Map;

/** A run of a task. */
public final class TaskRun {
  private final String name;
  private final byte[] args;
  private final long attempt;
  private final String id;
  private final String queue;
  private final Map<String, String> headers;
  private final Instant enqueued;
  private final Instant scheduledAt;
  private final long lease;
  private final String client;

  TaskRun(String name, byte[] args, long attempt, String id, String queue, Map<String, String> headers, Instant enqueued, Instant scheduledAt, long lease, String client) {
    this.name = name;
    this.args = args;
    this.attempt = attempt;
    this.id = id;
    this.queue = queue;
    this.headers = headers;
    this.enqueued = enqueued;
    this.scheduledAt = scheduledAt;
    this.lease = lease;
    this.client = client;
  }

  /** The task's name. */
  public String name() {
    return name;
  }

  /** The arguments as plain JSON. */
  public Object args() {
    return args.length == 0 ? null : Json.parse(args);
  }

  /** The arguments as a record, or another type read from JSON. */
  @SuppressWarnings("unchecked")
  public <T> T args(Class<T> type) {
    Mapper mapper = Mapper.of(type);
    return (T) (args.length == 0 ? mapper.absent() : mapper.read(Json.nodes(args)));
  }

  byte[] argsJson() {
    return args;
  }

  /** Counts the first run; one that a shutdown interrupted does not count. */
  public long attempt() {
    return attempt;
  }

  public String id() {
    return id;
  }

  public String queue() {
    return queue;
  }

  public Map<String, String> headers() {
    return headers;
  }

  public Instant enqueued() {
    return enqueued;
  }

  /** The time of the schedule that this job stands for; null for one that was enqueued by hand. */
  public Instant scheduledAt() {
    return scheduledAt;
  }

  /** What others see of this run ({@link Tasks#job}). */
  public void progress(Object value) {
    new Tasks(null, client).progress(id, lease, value);
  }

  /** Whether this run still holds its job: to ask before what cannot be undone. Leases are renewed without it. */
  public boolean heartbeat() {
    return new Tasks(null, client).heartbeat(id, lease);
  }
}
