package dev.spikard;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Members of one object of the manifest: what was set, and nothing else.
 *
 * @param <T> the class itself
 */
public abstract class ConfigObject<T extends ConfigObject<T>> implements PlainData {
  private final Map<String, Object> members = new LinkedHashMap<>();

  ConfigObject() {}

  @SuppressWarnings("unchecked")
  T put(String name, Object value) {
    members.put(name, value);
    return (T) this;
  }

  static Long millis(Duration span) {
    return Client.millis(span);
  }

  /** The members as plain data, at any depth. */
  @Override
  public Map<String, Object> plain() {
    Map<String, Object> out = new LinkedHashMap<>();
    members.forEach((name, value) -> out.put(name, Maps.plain(value)));
    return out;
  }
}
