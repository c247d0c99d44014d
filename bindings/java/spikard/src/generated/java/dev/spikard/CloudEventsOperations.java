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
 * The operations of {@code cloudevents}: each waits for its end, or, as {@code ...Async}, gives a future whose cancellation cancels it.
 *
 * <p>CloudEvents 1.0.2 (docs/guide/cloudevents.md). An event is an object in the JSON event format: attributes as members, {@code data} (any JSON, or text) or {@code data_base64}; bytes as {@code data} are taken as well.
 */
public abstract class CloudEventsOperations extends Client {
  CloudEventsOperations(App app, String name) {
    super(app, "cloudevents", name);
  }

  /**
   * What {@code cloudevents.encode} gives.
   *
   * @param headers Headers as an object of text (http, kafka, redis), else null.
   * @param properties Application or user properties as an object of text, with their prefix (amqp, mqtt5), else null.
   * @param propertyPrefix What the names in {@code properties} begin with.
   * @param contentType The media type of the message, which is also among the headers where they have it; null for none.
   * @param body The body; empty when there is no data.
   * @param hasBody False: the event has no data.
   * @param key The message's key, or null.
   */
  public record EncodeResult(Object headers, Object properties, String propertyPrefix, Object contentType, byte[] body, boolean hasBody, Object key) {}

  /** What {@code cloudevents.encode} may be told besides. */
  public static final class EncodeOptions {
    private final Arguments arguments;

    EncodeOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** http, kafka, amqp, mqtt3, mqtt5, nats or redis. */
    public EncodeOptions binding(String binding) {
      arguments.put("binding", binding);
      return this;
    }

    /** binary, structured, or (http) batched. mqtt3 has structured only. */
    public EncodeOptions mode(String mode) {
      arguments.put("mode", mode);
      return this;
    }

    /** kafka, redis: the attribute whose value is the message's key, such as partitionkey. Empty: no key. */
    public EncodeOptions keyMapper(String keyMapper) {
      arguments.put("key_mapper", keyMapper);
      return this;
    }
  }

  private static Arguments encodeArguments(Object event, Consumer<? super EncodeOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("event", event);
    if (options != null) options.accept(new EncodeOptions(arguments));
    return arguments;
  }

  private static EncodeResult encodeAnswer(Map<String, Object> result) {
    return new EncodeResult(result.get("headers"), result.get("properties"), (String) result.get("property_prefix"), result.get("content_type"), Result.bytes(result.get("body")), Result.bool(result.get("has_body")), result.get("key"));
  }

  /**
   * Lays an event out in a message of a protocol. Completes at once.
   *
   * @param event The event. In mode batched an array of events.
   * @throws OperationException of kind invalid_argument, unsupported
   */
  public EncodeResult encode(Object event) {
    return encodeAnswer(call(Abi.OP_CLOUDEVENTS_ENCODE, encodeArguments(event, null)));
  }

  /** As above, with options. */
  public EncodeResult encode(Object event, Consumer<? super EncodeOptions> options) {
    return encodeAnswer(call(Abi.OP_CLOUDEVENTS_ENCODE, encodeArguments(event, options)));
  }

  /** {@link #encode} as a future. */
  public CompletableFuture<EncodeResult> encodeAsync(Object event) {
    return start(Abi.OP_CLOUDEVENTS_ENCODE, encodeArguments(event, null), CloudEventsOperations::encodeAnswer);
  }

  /** {@link #encode} as a future, with options. */
  public CompletableFuture<EncodeResult> encodeAsync(Object event, Consumer<? super EncodeOptions> options) {
    return start(Abi.OP_CLOUDEVENTS_ENCODE, encodeArguments(event, options), CloudEventsOperations::encodeAnswer);
  }

  /**
   * What {@code cloudevents.decode} gives.
   *
   * @param events The events, valid; one unless it is a batch.
   * @param mode binary, structured or batched.
   */
  public record DecodeResult(Object events, String mode) {}

  /** What {@code cloudevents.decode} may be told besides. */
  public static final class DecodeOptions {
    private final Arguments arguments;

    DecodeOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** http, kafka, amqp, mqtt3, mqtt5, nats or redis. */
    public DecodeOptions binding(String binding) {
      arguments.put("binding", binding);
      return this;
    }

    /** An object of text, or an array of [name, value] where a name comes more than once. */
    public DecodeOptions headers(Object headers) {
      arguments.put("headers", headers);
      return this;
    }

    /** The same for amqp and mqtt5; amqp's booleans and integers may come as such. */
    public DecodeOptions properties(Object properties) {
      arguments.put("properties", properties);
      return this;
    }

    /** The protocol's own property (amqp, mqtt5). */
    public DecodeOptions contentType(String contentType) {
      arguments.put("content_type", contentType);
      return this;
    }

    /** The body; empty for none. */
    public DecodeOptions body(byte[] body) {
      arguments.put("body", body);
      return this;
    }
  }

  private static Arguments decodeArguments(Consumer<? super DecodeOptions> options) {
    Arguments arguments = new Arguments();
    if (options != null) options.accept(new DecodeOptions(arguments));
    return arguments;
  }

  private static DecodeResult decodeAnswer(Map<String, Object> result) {
    return new DecodeResult(result.get("events"), (String) result.get("mode"));
  }

  /**
   * Reads the events of a message. Completes at once.
   *
   * @throws OperationException of kind invalid_argument, unsupported
   */
  public DecodeResult decode() {
    return decodeAnswer(call(Abi.OP_CLOUDEVENTS_DECODE, decodeArguments(null)));
  }

  /** As above, with options. */
  public DecodeResult decode(Consumer<? super DecodeOptions> options) {
    return decodeAnswer(call(Abi.OP_CLOUDEVENTS_DECODE, decodeArguments(options)));
  }

  /** {@link #decode} as a future. */
  public CompletableFuture<DecodeResult> decodeAsync() {
    return start(Abi.OP_CLOUDEVENTS_DECODE, decodeArguments(null), CloudEventsOperations::decodeAnswer);
  }

  /** {@link #decode} as a future, with options. */
  public CompletableFuture<DecodeResult> decodeAsync(Consumer<? super DecodeOptions> options) {
    return start(Abi.OP_CLOUDEVENTS_DECODE, decodeArguments(options), CloudEventsOperations::decodeAnswer);
  }

  private static Arguments validateArguments(Object event) {
    Arguments arguments = new Arguments();
    arguments.put("event", event);
    return arguments;
  }

  private static List<String> validateAnswer(Map<String, Object> result) {
    return Result.<String>list(result.get("problems"));
  }

  /**
   * Checks an event against the specification, its text included. Completes at once.
   *
   * @param event The event.
   * @return What is wrong, a line each; empty: the event is valid.
   */
  public List<String> validate(Object event) {
    return validateAnswer(call(Abi.OP_CLOUDEVENTS_VALIDATE, validateArguments(event)));
  }

  /** {@link #validate} as a future. */
  public CompletableFuture<List<String>> validateAsync(Object event) {
    return start(Abi.OP_CLOUDEVENTS_VALIDATE, validateArguments(event), CloudEventsOperations::validateAnswer);
  }

  /**
   * What {@code cloudevents.send} gives.
   *
   * @param id The event's id.
   * @param status HTTP: the status that took it; 0 for a broker.
   * @param attempts Tries, the last one included.
   * @param reply The event that answered, or null.
   */
  public record SendResult(String id, int status, long attempts, Object reply) {}

  /** What {@code cloudevents.send} may be told besides. */
  public static final class SendOptions {
    private final Arguments arguments;

    SendOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** binary or structured. Empty: as configured. */
    public SendOptions mode(String mode) {
      arguments.put("mode", mode);
      return this;
    }

    /** Brokers: the message's key. Empty: its {@code partitionkey}, if it has one. */
    public SendOptions key(String key) {
      arguments.put("key", key);
      return this;
    }
  }

  private static Arguments sendArguments(Object event, Consumer<? super SendOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("event", event);
    if (options != null) options.accept(new SendOptions(arguments));
    return arguments;
  }

  private static SendResult sendAnswer(Map<String, Object> result) {
    return new SendResult((String) result.get("id"), Result.int32(result.get("status")), Result.int64(result.get("attempts")), result.get("reply"));
  }

  /**
   * Sends an event where {@code services.events} says and waits until it was taken, with retries. A missing id is made (UUID), a missing source is the sender's, a missing time is now.
   *
   * @param event The event.
   * @throws OperationException of kind invalid_argument, permission_denied, not_found, unavailable, rate_limited, timeout, cancelled, outcome_unknown, unsupported
   */
  public SendResult send(Object event) {
    return sendAnswer(call(Abi.OP_CLOUDEVENTS_SEND, sendArguments(event, null)));
  }

  /** As above, with options. */
  public SendResult send(Object event, Consumer<? super SendOptions> options) {
    return sendAnswer(call(Abi.OP_CLOUDEVENTS_SEND, sendArguments(event, options)));
  }

  /** {@link #send} as a future. */
  public CompletableFuture<SendResult> sendAsync(Object event) {
    return start(Abi.OP_CLOUDEVENTS_SEND, sendArguments(event, null), CloudEventsOperations::sendAnswer);
  }

  /** {@link #send} as a future, with options. */
  public CompletableFuture<SendResult> sendAsync(Object event, Consumer<? super SendOptions> options) {
    return start(Abi.OP_CLOUDEVENTS_SEND, sendArguments(event, options), CloudEventsOperations::sendAnswer);
  }

  /**
   * What {@code cloudevents.send_batch} gives.
   *
   * @param ids Their ids, in order.
   * @param status HTTP: the status that took them; 0 for a broker.
   * @param attempts Tries, the last one included.
   */
  public record SendBatchResult(List<String> ids, int status, long attempts) {}

  private static Arguments sendBatchArguments(Object events) {
    Arguments arguments = new Arguments();
    arguments.put("events", events);
    return arguments;
  }

  private static SendBatchResult sendBatchAnswer(Map<String, Object> result) {
    return new SendBatchResult(Result.<String>list(result.get("ids")), Result.int32(result.get("status")), Result.int64(result.get("attempts")));
  }

  /**
   * Sends events together: as one batch over HTTP, one message each to a broker.
   *
   * @param events An array of events.
   * @throws OperationException of kind invalid_argument, permission_denied, not_found, unavailable, rate_limited, timeout, cancelled, outcome_unknown, unsupported
   */
  public SendBatchResult sendBatch(Object events) {
    return sendBatchAnswer(call(Abi.OP_CLOUDEVENTS_SEND_BATCH, sendBatchArguments(events)));
  }

  /** {@link #sendBatch} as a future. */
  public CompletableFuture<SendBatchResult> sendBatchAsync(Object events) {
    return start(Abi.OP_CLOUDEVENTS_SEND_BATCH, sendBatchArguments(events), CloudEventsOperations::sendBatchAnswer);
  }
}
