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
 * The operations of {@code messaging}: each waits for its end, or, as {@code ...Async}, gives a future whose cancellation cancels it.
 *
 * <p>A message broker. Instants are RFC 3339 text in UTC. A position is a message's place in the broker's log: later ones are greater.
 */
public abstract class MessagingOperations extends Client {
  MessagingOperations(App app, String name) {
    super(app, "messaging", name);
  }

  /** What {@code messaging.publish} may be told besides. */
  public static final class PublishOptions {
    private final Arguments arguments;

    PublishOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** Messages of one key stay in order for consumers that are {@code ordered}. */
    public PublishOptions key(String key) {
      arguments.put("key", key);
      return this;
    }

    /** Any text. Names are kept as they are and are not empty. */
    public PublishOptions headers(Map<String, String> headers) {
      arguments.put("headers", headers);
      return this;
    }

    /** A transaction of {@code db}: the message is published when it commits, and not at all when it does not. */
    public PublishOptions transaction(Long transaction) {
      arguments.put("transaction", transaction);
      return this;
    }
  }

  private static Arguments publishArguments(String topic, byte[] payload, Consumer<? super PublishOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("topic", topic);
    arguments.put("payload", payload);
    if (options != null) options.accept(new PublishOptions(arguments));
    return arguments;
  }

  private static Long publishAnswer(Map<String, Object> result) {
    return Result.optionalInt64(result.get("position"));
  }

  /**
   * Done when the broker has the message: nothing that was confirmed is lost. The trace of the caller goes with it (traceparent) unless the headers have one.
   *
   * @param topic A topic, not a pattern.
   * @param payload Any bytes, also none; text as UTF-8.
   * @return Null where the broker does not tell, or it is not committed yet.
   * @throws OperationException of kind invalid_argument, too_large, rate_limited, unavailable, timeout, cancelled, outcome_unknown, unsupported
   */
  public Long publish(String topic, byte[] payload) {
    return publishAnswer(call(Abi.OP_MESSAGING_PUBLISH, publishArguments(topic, payload, null)));
  }

  /** As above, with options. */
  public Long publish(String topic, byte[] payload, Consumer<? super PublishOptions> options) {
    return publishAnswer(call(Abi.OP_MESSAGING_PUBLISH, publishArguments(topic, payload, options)));
  }

  /** As above, for text: its UTF-8. */
  public Long publish(String topic, String payload) {
    return publish(topic, payload.getBytes(StandardCharsets.UTF_8));
  }

  /** As above, for text: its UTF-8. */
  public Long publish(String topic, String payload, Consumer<? super PublishOptions> options) {
    return publish(topic, payload.getBytes(StandardCharsets.UTF_8), options);
  }

  /** {@link #publish} as a future. */
  public CompletableFuture<Long> publishAsync(String topic, byte[] payload) {
    return start(Abi.OP_MESSAGING_PUBLISH, publishArguments(topic, payload, null), MessagingOperations::publishAnswer);
  }

  /** {@link #publish} as a future, with options. */
  public CompletableFuture<Long> publishAsync(String topic, byte[] payload, Consumer<? super PublishOptions> options) {
    return start(Abi.OP_MESSAGING_PUBLISH, publishArguments(topic, payload, options), MessagingOperations::publishAnswer);
  }

  private static Arguments publishBatchArguments(Object messages) {
    Arguments arguments = new Arguments();
    arguments.put("messages", messages);
    return arguments;
  }

  private static List<Long> publishBatchAnswer(Map<String, Object> result) {
    return Result.list(result.get("positions"), Result::int64);
  }

  /**
   * Several in one go, in this order: with one confirmation, and on {@code memory:} and {@code sqlite:} all or none.
   *
   * @param messages An array of objects {@code {topic, payload, key, headers}}, as in {@code messaging.publish}; at most 10000.
   * @return In the same order; empty where the broker does not tell.
   * @throws OperationException of kind invalid_argument, too_large, rate_limited, unavailable, timeout, cancelled, outcome_unknown
   */
  public List<Long> publishBatch(Object messages) {
    return publishBatchAnswer(call(Abi.OP_MESSAGING_PUBLISH_BATCH, publishBatchArguments(messages)));
  }

  /** {@link #publishBatch} as a future. */
  public CompletableFuture<List<Long>> publishBatchAsync(Object messages) {
    return start(Abi.OP_MESSAGING_PUBLISH_BATCH, publishBatchArguments(messages), MessagingOperations::publishBatchAnswer);
  }

  /** What {@code messaging.start_consumer} may be told besides. */
  public static final class StartConsumerOptions {
    private final Arguments arguments;

    StartConsumerOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** Each message goes to one consumer of a group; empty for {@code name}. */
    public StartConsumerOptions group(String group) {
      arguments.put("group", group);
      return this;
    }

    /** Handlers at once. */
    public StartConsumerOptions concurrency(long concurrency) {
      arguments.put("concurrency", concurrency);
      return this;
    }

    /** Messages in hand, those included that wait for a handler; 0 for as many as {@code concurrency}. */
    public StartConsumerOptions maxInFlight(long maxInFlight) {
      arguments.put("max_in_flight", maxInFlight);
      return this;
    }

    /** A message waits until the one before it of the same key is settled. */
    public StartConsumerOptions ordered(boolean ordered) {
      arguments.put("ordered", ordered);
      return this;
    }

    /** After 1 + {@code max_retries} tries a message goes to the dead letters. */
    public StartConsumerOptions maxRetries(long maxRetries) {
      arguments.put("max_retries", maxRetries);
      return this;
    }

    /** An object {@code {kind, initial_ms, factor, max_ms, jitter_percent}}, as {@code Backoff} of the manifest; null for its defaults. */
    public StartConsumerOptions backoff(Object backoff) {
      arguments.put("backoff", backoff);
      return this;
    }

    /** Topic for what is given up. Null: it is dropped and counted. */
    public StartConsumerOptions deadLetter(String deadLetter) {
      arguments.put("dead_letter", deadLetter);
      return this;
    }

    /** A message whose consumer died goes to another one after this time. */
    public StartConsumerOptions ackWait(Duration ackWait) {
      arguments.put("ack_wait_ms", millis(ackWait));
      return this;
    }

    /** The longest a handler may take. Null for no limit. */
    public StartConsumerOptions handlerTimeout(Duration handlerTimeout) {
      arguments.put("handler_timeout_ms", millis(handlerTimeout));
      return this;
    }

    /** {@code latest} or {@code earliest}: where a new group begins. */
    public StartConsumerOptions startFrom(String startFrom) {
      arguments.put("start_from", startFrom);
      return this;
    }

    /** JSON Schema 2020-12 of the payload. */
    public StartConsumerOptions schema(Object schema) {
      arguments.put("schema", schema);
      return this;
    }

    /** Comes back as {@code user} of its events. */
    public StartConsumerOptions user(long user) {
      arguments.put("user", user);
      return this;
    }
  }

  private static Arguments startConsumerArguments(String name, String topic, Consumer<? super StartConsumerOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("name", name);
    arguments.put("topic", topic);
    if (options != null) options.accept(new StartConsumerOptions(arguments));
    return arguments;
  }

  private static Long startConsumerAnswer(Map<String, Object> result) {
    return Result.int64(result.get("consumer"));
  }

  /**
   * Starts a consumer beside those of the manifest, with the same options. Its messages come as events of the port, like theirs.
   *
   * @param name Its name in reports, logs and telemetry.
   * @param topic Topic or pattern.
   * @return Its number, for the operations below and in its events.
   * @throws OperationException of kind invalid_argument, already_exists, unavailable, unsupported
   */
  public long startConsumer(String name, String topic) {
    return startConsumerAnswer(call(Abi.OP_MESSAGING_START_CONSUMER, startConsumerArguments(name, topic, null)));
  }

  /** As above, with options. */
  public long startConsumer(String name, String topic, Consumer<? super StartConsumerOptions> options) {
    return startConsumerAnswer(call(Abi.OP_MESSAGING_START_CONSUMER, startConsumerArguments(name, topic, options)));
  }

  /** {@link #startConsumer} as a future. */
  public CompletableFuture<Long> startConsumerAsync(String name, String topic) {
    return start(Abi.OP_MESSAGING_START_CONSUMER, startConsumerArguments(name, topic, null), MessagingOperations::startConsumerAnswer);
  }

  /** {@link #startConsumer} as a future, with options. */
  public CompletableFuture<Long> startConsumerAsync(String name, String topic, Consumer<? super StartConsumerOptions> options) {
    return start(Abi.OP_MESSAGING_START_CONSUMER, startConsumerArguments(name, topic, options), MessagingOperations::startConsumerAnswer);
  }

  /**
   * What {@code messaging.stop_consumer} gives.
   *
   * @param drained All of them finished.
   * @param unfinished Messages whose handlers were cancelled.
   */
  public record StopConsumerResult(boolean drained, long unfinished) {}

  /** What {@code messaging.stop_consumer} may be told besides. */
  public static final class StopConsumerOptions {
    private final Arguments arguments;

    StopConsumerOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** How long to wait for handlers. */
    public StopConsumerOptions drainTimeout(Duration drainTimeout) {
      arguments.put("drain_timeout_ms", millis(drainTimeout));
      return this;
    }
  }

  private static Arguments stopConsumerArguments(long consumer, Consumer<? super StopConsumerOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("consumer", consumer);
    if (options != null) options.accept(new StopConsumerOptions(arguments));
    return arguments;
  }

  private static StopConsumerResult stopConsumerAnswer(Map<String, Object> result) {
    return new StopConsumerResult(Result.bool(result.get("drained")), Result.int64(result.get("unfinished")));
  }

  /**
   * Takes nothing new, waits for the handlers, then cancels those that are left and hands their messages back at once, without using up a try.
   *
   * @param consumer What {@code messaging.start_consumer} gave.
   * @throws OperationException of kind invalid_argument, not_found
   */
  public StopConsumerResult stopConsumer(long consumer) {
    return stopConsumerAnswer(call(Abi.OP_MESSAGING_STOP_CONSUMER, stopConsumerArguments(consumer, null)));
  }

  /** As above, with options. */
  public StopConsumerResult stopConsumer(long consumer, Consumer<? super StopConsumerOptions> options) {
    return stopConsumerAnswer(call(Abi.OP_MESSAGING_STOP_CONSUMER, stopConsumerArguments(consumer, options)));
  }

  /** {@link #stopConsumer} as a future. */
  public CompletableFuture<StopConsumerResult> stopConsumerAsync(long consumer) {
    return start(Abi.OP_MESSAGING_STOP_CONSUMER, stopConsumerArguments(consumer, null), MessagingOperations::stopConsumerAnswer);
  }

  /** {@link #stopConsumer} as a future, with options. */
  public CompletableFuture<StopConsumerResult> stopConsumerAsync(long consumer, Consumer<? super StopConsumerOptions> options) {
    return start(Abi.OP_MESSAGING_STOP_CONSUMER, stopConsumerArguments(consumer, options), MessagingOperations::stopConsumerAnswer);
  }

  private static Arguments killConsumerArguments(long consumer) {
    Arguments arguments = new Arguments();
    arguments.put("consumer", consumer);
    return arguments;
  }

  private static Void killConsumerAnswer(Map<String, Object> result) {
    return null;
  }

  /**
   * For tests: as if its process had died. Nothing is acked or handed back; its messages come again when their leases run out.
   *
   * @param consumer What {@code messaging.start_consumer} gave.
   * @throws OperationException of kind invalid_argument, not_found
   */
  public void killConsumer(long consumer) {
    killConsumerAnswer(call(Abi.OP_MESSAGING_KILL_CONSUMER, killConsumerArguments(consumer)));
  }

  /** {@link #killConsumer} as a future. */
  public CompletableFuture<Void> killConsumerAsync(long consumer) {
    return start(Abi.OP_MESSAGING_KILL_CONSUMER, killConsumerArguments(consumer), MessagingOperations::killConsumerAnswer);
  }

  /**
   * What {@code messaging.list_dead_letters} gives.
   *
   * @param messages An array of objects {@code {position, topic, original_topic, group, reason, delivery_count, error, first_error, trace_id, validation_errors, key, headers, size, time, payload}}; {@code payload} is bytes, null if not asked for.
   * @param next {@code after} for the next page; null when there is none.
   */
  public record ListDeadLettersResult(Object messages, Long next) {}

  /** What {@code messaging.list_dead_letters} may be told besides. */
  public static final class ListDeadLettersOptions {
    private final Arguments arguments;

    ListDeadLettersOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** Only those behind this position. */
    public ListDeadLettersOptions after(long after) {
      arguments.put("after", after);
      return this;
    }

    /** How many at most. */
    public ListDeadLettersOptions limit(long limit) {
      arguments.put("limit", limit);
      return this;
    }

    /** With their payloads. */
    public ListDeadLettersOptions payloads(boolean payloads) {
      arguments.put("payloads", payloads);
      return this;
    }
  }

  private static Arguments listDeadLettersArguments(String topic, Consumer<? super ListDeadLettersOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("topic", topic);
    if (options != null) options.accept(new ListDeadLettersOptions(arguments));
    return arguments;
  }

  private static ListDeadLettersResult listDeadLettersAnswer(Map<String, Object> result) {
    return new ListDeadLettersResult(result.get("messages"), Result.optionalInt64(result.get("next")));
  }

  /**
   * The dead letters of a topic, oldest first.
   *
   * @param topic The dead letter topic.
   * @throws OperationException of kind invalid_argument, unavailable, unsupported
   */
  public ListDeadLettersResult listDeadLetters(String topic) {
    return listDeadLettersAnswer(call(Abi.OP_MESSAGING_LIST_DEAD_LETTERS, listDeadLettersArguments(topic, null)));
  }

  /** As above, with options. */
  public ListDeadLettersResult listDeadLetters(String topic, Consumer<? super ListDeadLettersOptions> options) {
    return listDeadLettersAnswer(call(Abi.OP_MESSAGING_LIST_DEAD_LETTERS, listDeadLettersArguments(topic, options)));
  }

  /** {@link #listDeadLetters} as a future. */
  public CompletableFuture<ListDeadLettersResult> listDeadLettersAsync(String topic) {
    return start(Abi.OP_MESSAGING_LIST_DEAD_LETTERS, listDeadLettersArguments(topic, null), MessagingOperations::listDeadLettersAnswer);
  }

  /** {@link #listDeadLetters} as a future, with options. */
  public CompletableFuture<ListDeadLettersResult> listDeadLettersAsync(String topic, Consumer<? super ListDeadLettersOptions> options) {
    return start(Abi.OP_MESSAGING_LIST_DEAD_LETTERS, listDeadLettersArguments(topic, options), MessagingOperations::listDeadLettersAnswer);
  }

  private static Arguments peekDeadLetterArguments(String topic, long position) {
    Arguments arguments = new Arguments();
    arguments.put("topic", topic);
    arguments.put("position", position);
    return arguments;
  }

  private static Object peekDeadLetterAnswer(Map<String, Object> result) {
    return result.get("message");
  }

  /**
   * One dead letter with its payload; it stays where it is.
   *
   * @param topic The dead letter topic.
   * @param position Which.
   * @return As in {@code messaging.list_dead_letters}.
   * @throws OperationException of kind invalid_argument, not_found, unavailable, unsupported
   */
  public Object peekDeadLetter(String topic, long position) {
    return peekDeadLetterAnswer(call(Abi.OP_MESSAGING_PEEK_DEAD_LETTER, peekDeadLetterArguments(topic, position)));
  }

  /** {@link #peekDeadLetter} as a future. */
  public CompletableFuture<Object> peekDeadLetterAsync(String topic, long position) {
    return start(Abi.OP_MESSAGING_PEEK_DEAD_LETTER, peekDeadLetterArguments(topic, position), MessagingOperations::peekDeadLetterAnswer);
  }

  /** What {@code messaging.redrive_dead_letters} may be told besides. */
  public static final class RedriveDeadLettersOptions {
    private final Arguments arguments;

    RedriveDeadLettersOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** Which; null for all. */
    public RedriveDeadLettersOptions positions(List<Long> positions) {
      arguments.put("positions", positions);
      return this;
    }

    /** Another topic instead, for all its groups. */
    public RedriveDeadLettersOptions to(String to) {
      arguments.put("to", to);
      return this;
    }
  }

  private static Arguments redriveDeadLettersArguments(String topic, Consumer<? super RedriveDeadLettersOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("topic", topic);
    if (options != null) options.accept(new RedriveDeadLettersOptions(arguments));
    return arguments;
  }

  private static Long redriveDeadLettersAnswer(Map<String, Object> result) {
    return Result.int64(result.get("count"));
  }

  /**
   * Sends dead letters to where they came from, for the group that gave them up, with all their tries again; each leaves the dead letters as it is sent.
   *
   * @param topic The dead letter topic.
   * @return How many.
   * @throws OperationException of kind invalid_argument, unavailable, unsupported
   */
  public long redriveDeadLetters(String topic) {
    return redriveDeadLettersAnswer(call(Abi.OP_MESSAGING_REDRIVE_DEAD_LETTERS, redriveDeadLettersArguments(topic, null)));
  }

  /** As above, with options. */
  public long redriveDeadLetters(String topic, Consumer<? super RedriveDeadLettersOptions> options) {
    return redriveDeadLettersAnswer(call(Abi.OP_MESSAGING_REDRIVE_DEAD_LETTERS, redriveDeadLettersArguments(topic, options)));
  }

  /** {@link #redriveDeadLetters} as a future. */
  public CompletableFuture<Long> redriveDeadLettersAsync(String topic) {
    return start(Abi.OP_MESSAGING_REDRIVE_DEAD_LETTERS, redriveDeadLettersArguments(topic, null), MessagingOperations::redriveDeadLettersAnswer);
  }

  /** {@link #redriveDeadLetters} as a future, with options. */
  public CompletableFuture<Long> redriveDeadLettersAsync(String topic, Consumer<? super RedriveDeadLettersOptions> options) {
    return start(Abi.OP_MESSAGING_REDRIVE_DEAD_LETTERS, redriveDeadLettersArguments(topic, options), MessagingOperations::redriveDeadLettersAnswer);
  }

  /** What {@code messaging.purge_dead_letters} may be told besides. */
  public static final class PurgeDeadLettersOptions {
    private final Arguments arguments;

    PurgeDeadLettersOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** Which; null for all. */
    public PurgeDeadLettersOptions positions(List<Long> positions) {
      arguments.put("positions", positions);
      return this;
    }
  }

  private static Arguments purgeDeadLettersArguments(String topic, Consumer<? super PurgeDeadLettersOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("topic", topic);
    if (options != null) options.accept(new PurgeDeadLettersOptions(arguments));
    return arguments;
  }

  private static Long purgeDeadLettersAnswer(Map<String, Object> result) {
    return Result.int64(result.get("count"));
  }

  /**
   * Deletes dead letters.
   *
   * @param topic The dead letter topic.
   * @return How many.
   * @throws OperationException of kind invalid_argument, unavailable, unsupported
   */
  public long purgeDeadLetters(String topic) {
    return purgeDeadLettersAnswer(call(Abi.OP_MESSAGING_PURGE_DEAD_LETTERS, purgeDeadLettersArguments(topic, null)));
  }

  /** As above, with options. */
  public long purgeDeadLetters(String topic, Consumer<? super PurgeDeadLettersOptions> options) {
    return purgeDeadLettersAnswer(call(Abi.OP_MESSAGING_PURGE_DEAD_LETTERS, purgeDeadLettersArguments(topic, options)));
  }

  /** {@link #purgeDeadLetters} as a future. */
  public CompletableFuture<Long> purgeDeadLettersAsync(String topic) {
    return start(Abi.OP_MESSAGING_PURGE_DEAD_LETTERS, purgeDeadLettersArguments(topic, null), MessagingOperations::purgeDeadLettersAnswer);
  }

  /** {@link #purgeDeadLetters} as a future, with options. */
  public CompletableFuture<Long> purgeDeadLettersAsync(String topic, Consumer<? super PurgeDeadLettersOptions> options) {
    return start(Abi.OP_MESSAGING_PURGE_DEAD_LETTERS, purgeDeadLettersArguments(topic, options), MessagingOperations::purgeDeadLettersAnswer);
  }

  /** What {@code messaging.seek} may be told besides. */
  public static final class SeekOptions {
    private final Arguments arguments;

    SeekOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** A position. */
    public SeekOptions position(Long position) {
      arguments.put("position", position);
      return this;
    }

    /** When it was published, RFC 3339. */
    public SeekOptions time(String time) {
      arguments.put("time", time);
      return this;
    }

    /** {@code earliest} or {@code latest}. */
    public SeekOptions from(String from) {
      arguments.put("from", from);
      return this;
    }
  }

  private static Arguments seekArguments(String group, String topic, Consumer<? super SeekOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("group", group);
    arguments.put("topic", topic);
    if (options != null) options.accept(new SeekOptions(arguments));
    return arguments;
  }

  private static Void seekAnswer(Map<String, Object> result) {
    return null;
  }

  /**
   * Replay: the group goes on with the first message at or after this place, and gets what comes after it again. Deliveries of later messages that are in hand count no more; earlier ones that are not settled yet stay. Makes the group when it is not there. Exactly one of {@code position}, {@code time} and {@code from}.
   *
   * @param group The group.
   * @param topic Its topic or pattern.
   * @throws OperationException of kind invalid_argument, unavailable, unsupported
   */
  public void seek(String group, String topic) {
    seekAnswer(call(Abi.OP_MESSAGING_SEEK, seekArguments(group, topic, null)));
  }

  /** As above, with options. */
  public void seek(String group, String topic, Consumer<? super SeekOptions> options) {
    seekAnswer(call(Abi.OP_MESSAGING_SEEK, seekArguments(group, topic, options)));
  }

  /** {@link #seek} as a future. */
  public CompletableFuture<Void> seekAsync(String group, String topic) {
    return start(Abi.OP_MESSAGING_SEEK, seekArguments(group, topic, null), MessagingOperations::seekAnswer);
  }

  /** {@link #seek} as a future, with options. */
  public CompletableFuture<Void> seekAsync(String group, String topic, Consumer<? super SeekOptions> options) {
    return start(Abi.OP_MESSAGING_SEEK, seekArguments(group, topic, options), MessagingOperations::seekAnswer);
  }

  private static Arguments groupsArguments() {
    Arguments arguments = new Arguments();
    return arguments;
  }

  private static Object groupsAnswer(Map<String, Object> result) {
    return result.get("groups");
  }

  /**
   * The groups that the broker knows, by topic and name.
   *
   * @return An array of objects {@code {group, topic, waiting, in_hand, delayed}}: messages not given out yet, given out, and waiting for their next try.
   * @throws OperationException of kind unavailable, unsupported
   */
  public Object groups() {
    return groupsAnswer(call(Abi.OP_MESSAGING_GROUPS, groupsArguments()));
  }

  /** {@link #groups} as a future. */
  public CompletableFuture<Object> groupsAsync() {
    return start(Abi.OP_MESSAGING_GROUPS, groupsArguments(), MessagingOperations::groupsAnswer);
  }

  private static Arguments deleteGroupArguments(String group, String topic) {
    Arguments arguments = new Arguments();
    arguments.put("group", group);
    arguments.put("topic", topic);
    return arguments;
  }

  private static Boolean deleteGroupAnswer(Map<String, Object> result) {
    return Result.bool(result.get("deleted"));
  }

  /**
   * Forgets a group that nobody consumes any more: nothing is kept for it from then on.
   *
   * @param group The group.
   * @param topic Its topic or pattern.
   * @return It was there.
   * @throws OperationException of kind invalid_argument, conflict, unavailable, unsupported
   */
  public boolean deleteGroup(String group, String topic) {
    return deleteGroupAnswer(call(Abi.OP_MESSAGING_DELETE_GROUP, deleteGroupArguments(group, topic)));
  }

  /** {@link #deleteGroup} as a future. */
  public CompletableFuture<Boolean> deleteGroupAsync(String group, String topic) {
    return start(Abi.OP_MESSAGING_DELETE_GROUP, deleteGroupArguments(group, topic), MessagingOperations::deleteGroupAnswer);
  }

  private static Arguments topicMatchArguments(String style, String pattern, String topic) {
    Arguments arguments = new Arguments();
    arguments.put("style", style);
    arguments.put("pattern", pattern);
    arguments.put("topic", topic);
    return arguments;
  }

  private static Boolean topicMatchAnswer(Map<String, Object> result) {
    return Result.bool(result.get("value"));
  }

  /**
   * Whether a pattern stands for a topic. A pattern that is not one in this style stands for none.
   *
   * @param style {@code nats}, {@code mqtt}, {@code amqp} or {@code auto}.
   * @param pattern The pattern.
   * @param topic The topic.
   * @return It does.
   * @throws OperationException of kind invalid_argument
   */
  public boolean topicMatch(String style, String pattern, String topic) {
    return topicMatchAnswer(call(Abi.OP_MESSAGING_TOPIC_MATCH, topicMatchArguments(style, pattern, topic)));
  }

  /** {@link #topicMatch} as a future. */
  public CompletableFuture<Boolean> topicMatchAsync(String style, String pattern, String topic) {
    return start(Abi.OP_MESSAGING_TOPIC_MATCH, topicMatchArguments(style, pattern, topic), MessagingOperations::topicMatchAnswer);
  }

  /**
   * What {@code messaging.stats} gives.
   *
   * @param messagesPublished Confirmed.
   * @param messagesAcked Handled.
   * @param messagesDeadLettered Gone to a dead letter topic.
   * @param messagesDropped Given up where there is no dead letter topic.
   */
  public record StatsResult(long messagesPublished, long messagesAcked, long messagesDeadLettered, long messagesDropped) {}

  private static Arguments statsArguments() {
    Arguments arguments = new Arguments();
    return arguments;
  }

  private static StatsResult statsAnswer(Map<String, Object> result) {
    return new StatsResult(Result.int64(result.get("messages_published")), Result.int64(result.get("messages_acked")), Result.int64(result.get("messages_dead_lettered")), Result.int64(result.get("messages_dropped")));
  }

  /**
   * Counts of this process since its start.
   *
   */
  public StatsResult stats() {
    return statsAnswer(call(Abi.OP_MESSAGING_STATS, statsArguments()));
  }

  /** {@link #stats} as a future. */
  public CompletableFuture<StatsResult> statsAsync() {
    return start(Abi.OP_MESSAGING_STATS, statsArguments(), MessagingOperations::statsAnswer);
  }
}
