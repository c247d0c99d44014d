package dev.spikard;

import dev.spikard.internal.Json;
import dev.spikard.internal.Mapper;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;

/**
 * A message in hand.
 *
 * @param topic where it was published
 * @param payload its bytes
 * @param key its key, or null
 * @param headers its headers
 * @param deliveryCount this one included, whatever the causes were
 * @param tries used up before this one
 * @param published when
 */
public record Message(String topic, byte[] payload, String key, Map<String, String> headers, long deliveryCount, long tries, Instant published) {
  /** The payload as text. */
  public String text() {
    return new String(payload, StandardCharsets.UTF_8);
  }

  /** The payload as JSON: null, Boolean, Long, Double, String, List or Map. */
  public Object json() {
    return payload.length == 0 ? null : Json.parse(payload);
  }

  /** The payload as a record, or another type read from JSON. */
  @SuppressWarnings("unchecked")
  public <T> T json(Class<T> type) {
    Mapper mapper = Mapper.of(type);
    return (T) (payload.length == 0 ? mapper.absent() : mapper.read(Json.nodes(payload)));
  }
}
