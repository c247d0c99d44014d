package dev.spikard.internal;

import java.util.LinkedHashMap;
import java.util.Map;

/** The arguments of one operation: what was given, by the names of spec/operations. */
public final class Arguments {
  private final Map<String, Object> values = new LinkedHashMap<>();

  public Arguments put(String name, Object value) {
    values.put(name, value);
    return this;
  }

  public boolean has(String name) {
    return values.containsKey(name);
  }

  public Map<String, Object> values() {
    return values;
  }
}
