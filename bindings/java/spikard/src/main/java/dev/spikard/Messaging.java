package dev.spikard;

import dev.spikard.internal.Abi;
import dev.spikard.internal.Arguments;
import dev.spikard.internal.Json;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** A message broker. */
public final class Messaging extends MessagingOperations {
  Messaging(App app, String name) {
    super(app, name);
  }

  /** Handles a message: null is done; see {@link Outcome}. */
  @FunctionalInterface
  public interface MessageHandler {
    Object handle(Message message) throws Exception;
  }

  /** What a message carries: text and bytes as they are, everything else as JSON. */
  static byte[] bytes(Object payload) {
    if (payload instanceof byte[] bytes) return bytes;
    return payload instanceof CharSequence text ? text.toString().getBytes(StandardCharsets.UTF_8) : Json.write(payload);
  }

  /** Publishes a record, a Map, or anything else that is JSON. Done when the broker has the message. */
  public Long publishJson(String topic, Object payload) {
    return publish(topic, Json.write(payload));
  }

  /** As above, with options. */
  public Long publishJson(String topic, Object payload, Consumer<? super PublishOptions> options) {
    return publish(topic, Json.write(payload), options);
  }

  /** A message to publish with others. */
  public record Outgoing(String topic, Object payload, String key, Map<String, String> headers) {
    public Outgoing(String topic, Object payload) {
      this(topic, payload, null, null);
    }
  }

  /** Several messages in one go, in this order; their positions, where the broker tells. */
  public List<Long> publishAll(List<Outgoing> messages) {
    List<Object> all = new ArrayList<>();
    for (Outgoing one : messages) {
      Map<String, Object> message = new LinkedHashMap<>();
      message.put("topic", one.topic());
      message.put("payload", bytes(one.payload()));
      if (one.key() != null) message.put("key", one.key());
      if (one.headers() != null) message.put("headers", one.headers());
      all.add(message);
    }
    Object positions = call(Abi.OP_MESSAGING_PUBLISH_BATCH, new Arguments().put("messages", all)).values().stream().findFirst().orElse(List.of());
    return dev.spikard.internal.Result.list(positions);
  }

  /** Starts a consumer beside those of the application; it runs until it is stopped. */
  public Consumption consume(String name, String topic, MessageHandler handler, Consumer<? super StartConsumerOptions> options) {
    Binding binding = binding();
    long user = binding.nextToken.getAndIncrement();
    binding.dynamic.put(user, new Plan.WorkSource("", name(), Map.of("", new Plan.WorkPlan(subject -> handler.handle((Message) subject), Plan.Mode.BLOCKING, null))));
    try {
      long number = startConsumer(name, topic, given -> {
        if (options != null) options.accept(given);
        given.user(user);
      });
      return new Consumption(this, binding, number, user);
    } catch (RuntimeException error) {
      binding.dynamic.remove(user);
      throw error;
    }
  }

  /** A consumer that {@link #consume} has started. */
  public static final class Consumption implements AutoCloseable {
    private final Messaging client;
    private final Binding binding;
    private final long number;
    private final long user;

    Consumption(Messaging client, Binding binding, long number, long user) {
      this.client = client;
      this.binding = binding;
      this.number = number;
      this.user = user;
    }

    /** Takes nothing new, waits for its handlers, hands back what is left. */
    public StopConsumerResult stop(Duration drainTimeout) {
      try {
        return client.stopConsumer(number, given -> given.drainTimeout(drainTimeout));
      } finally {
        binding.dynamic.remove(user);
      }
    }

    /** For tests: as if its process had died. */
    public void kill() {
      client.killConsumer(number);
    }

    /** {@link #stop} with the core's time limit. */
    @Override
    public void close() {
      try {
        client.stopConsumer(number);
      } finally {
        binding.dynamic.remove(user);
      }
    }
  }
}
