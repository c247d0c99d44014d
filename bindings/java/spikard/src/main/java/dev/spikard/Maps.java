package dev.spikard;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Plain data: Maps and Lists, copied and merged. */
final class Maps {
  private Maps() {}

  static Object plain(Object value) {
    if (value instanceof PlainData data) return plain(data.plain());
    if (value instanceof ConfigText named) return named.text();
    if (value instanceof Map<?, ?> map) {
      Map<String, Object> out = new LinkedHashMap<>();
      map.forEach((key, one) -> out.put((String) key, plain(one)));
      return out;
    }
    if (value instanceof Iterable<?> list && !(value instanceof java.nio.file.Path)) {
      List<Object> out = new ArrayList<>();
      for (Object one : list) out.add(plain(one));
      return out;
    }
    return value;
  }

  /** Lays `more` over `into`, member by member; both are plain, and `into` can be changed. */
  @SuppressWarnings("unchecked")
  static Map<String, Object> merge(Map<String, Object> into, Map<String, Object> more) {
    more.forEach((key, value) -> {
      if (value instanceof Map<?, ?> map && into.get(key) instanceof Map<?, ?> there) merge((Map<String, Object>) there, (Map<String, Object>) map);
      else into.put(key, plain(value));
    });
    return into;
  }

  static Map<String, Object> of(Object... pairs) {
    Map<String, Object> out = new LinkedHashMap<>();
    for (int i = 0; i < pairs.length; i += 2) {
      if (pairs[i + 1] != null) out.put((String) pairs[i], pairs[i + 1]);
    }
    return out;
  }

  @SuppressWarnings("unchecked")
  static Map<String, Object> child(Map<String, Object> map, String name) {
    return (Map<String, Object>) map.computeIfAbsent(name, key -> new LinkedHashMap<String, Object>());
  }
}
