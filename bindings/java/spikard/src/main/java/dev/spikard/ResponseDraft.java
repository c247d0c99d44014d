package dev.spikard;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** The answer as a hook sees it. Before the handler there is no status yet; headers set here are put on whatever is answered. */
public final class ResponseDraft {
  private final Integer status;
  private final Map<String, String> headers = new TreeMap<>();
  final List<List<String>> set = new ArrayList<>();
  final List<List<String>> append = new ArrayList<>();

  ResponseDraft(Integer status, List<Map.Entry<String, String>> pairs) {
    this.status = status;
    for (Map.Entry<String, String> pair : pairs) headers.merge(pair.getKey().toLowerCase(Locale.ROOT), pair.getValue(), (a, b) -> a + ", " + b);
  }

  /** Null before the handler has answered. */
  public Integer status() {
    return status;
  }

  /** By lower-case names. */
  public Map<String, String> headers() {
    return java.util.Collections.unmodifiableMap(headers);
  }

  public ResponseDraft setHeader(String name, String value) {
    headers.put(name.toLowerCase(Locale.ROOT), value);
    set.add(List.of(name, value));
    return this;
  }

  public ResponseDraft appendHeader(String name, String value) {
    headers.merge(name.toLowerCase(Locale.ROOT), value, (a, b) -> a + ", " + b);
    append.add(List.of(name, value));
    return this;
  }
}
