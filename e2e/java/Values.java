import dev.spikard.CloudEvent;
import dev.spikard.PlainData;
import java.lang.reflect.RecordComponent;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Forms of values in fixtures, and small helpers for plain data. */
final class Values {
  private Values() {}

  /** A key or a kind of the case that this harness, or the product, does not have. */
  static final class NotBuilt extends RuntimeException {
    private static final long serialVersionUID = 1;

    NotBuilt(String what) {
      super("not built: " + what);
    }
  }

  static void only(Map<String, Object> value, String known, String where) {
    List<String> names = Arrays.asList(known.split(" "));
    for (String key : value.keySet()) {
      if (!names.contains(key)) throw new NotBuilt(where + "." + key);
    }
  }

  @SuppressWarnings("unchecked")
  static Map<String, Object> map(Object value) {
    return (Map<String, Object>) value;
  }

  static Map<String, Object> map(Map<String, Object> of, String name) {
    Object value = of.get(name);
    return value == null ? Map.of() : map(value);
  }

  @SuppressWarnings("unchecked")
  static List<Object> list(Map<String, Object> of, String name) {
    Object value = of.get(name);
    return value == null ? List.of() : (List<Object>) value;
  }

  static String text(Map<String, Object> of, String name) {
    return (String) of.get(name);
  }

  static long number(Object value) {
    return ((Number) value).longValue();
  }

  static Map<String, Object> of(Object... pairs) {
    Map<String, Object> out = new LinkedHashMap<>();
    for (int i = 0; i < pairs.length; i += 2) out.put((String) pairs[i], pairs[i + 1]);
    return out;
  }

  static Map<String, Object> without(Map<String, Object> map, String... names) {
    Map<String, Object> out = new LinkedHashMap<>(map);
    for (String name : names) out.remove(name);
    return out;
  }

  /** Uploaded files as an echo has them: text where the bytes are UTF-8, else base64. */
  static Object shown(Object value) {
    if (value instanceof List<?> list) {
      List<Object> out = new ArrayList<>();
      list.forEach(one -> out.add(shown(one)));
      return out;
    }
    if (!(value instanceof Map<?, ?> map)) return value;
    Map<String, Object> out = new LinkedHashMap<>();
    map.forEach((key, one) -> {
      if (!(one instanceof byte[] content)) {
        out.put((String) key, shown(one));
        return;
      }
      try {
        out.put("text", StandardCharsets.UTF_8.newDecoder().decode(java.nio.ByteBuffer.wrap(content)).toString());
      } catch (java.nio.charset.CharacterCodingException error) {
        out.put("base64", Base64.getEncoder().encodeToString(content));
      }
    });
    return out;
  }

  /** {@code $bytes} as bytes, at any depth; the other forms as they stand. */
  static Object unpacked(Object value) {
    if (value instanceof Map<?, ?> map) {
      if (map.size() == 1 && map.get("$bytes") instanceof String base64) return Base64.getDecoder().decode(base64);
      Map<String, Object> out = new LinkedHashMap<>();
      map.forEach((key, one) -> out.put((String) key, unpacked(one)));
      return out;
    }
    if (value instanceof List<?> list) {
      List<Object> out = new ArrayList<>();
      list.forEach(one -> out.add(unpacked(one)));
      return out;
    }
    return value;
  }

  /** A result as the protocol has it. Members of records are snake_case there. */
  static Object packed(Object value) {
    if (value instanceof byte[] bytes) return of("$bytes", Base64.getEncoder().encodeToString(bytes));
    if (value instanceof BigDecimal decimal) return of("$decimal", decimal.toPlainString());
    if (value instanceof Instant instant) return of("$timestamp", instant.toString());
    if (value instanceof LocalDateTime local) return local.toString().replace('T', ' ');
    if (value instanceof Long number && Math.abs(number) > 1L << 53) return of("$int64", number.toString());
    if (value instanceof PlainData data) return packed(data.plain());
    if (value instanceof Record record) {
      Map<String, Object> out = new LinkedHashMap<>();
      for (RecordComponent component : record.getClass().getRecordComponents()) {
        try {
          var accessor = component.getAccessor();
          accessor.setAccessible(true);
          out.put(component.getName().replaceAll("([a-z0-9])([A-Z])", "$1_$2").toLowerCase(java.util.Locale.ROOT), packed(accessor.invoke(record)));
        } catch (ReflectiveOperationException error) {
          throw new IllegalStateException(error);
        }
      }
      return out;
    }
    if (value instanceof Map<?, ?> map) {
      Map<String, Object> out = new LinkedHashMap<>();
      map.forEach((key, one) -> out.put((String) key, packed(one)));
      return out;
    }
    if (value instanceof Iterable<?> list) {
      List<Object> out = new ArrayList<>();
      list.forEach(one -> out.add(packed(one)));
      return out;
    }
    return value instanceof java.time.temporal.Temporal || value instanceof java.util.UUID ? value.toString() : value;
  }

  /** A SQL parameter in Java's own types. */
  static Object parameter(Object value) {
    if (value instanceof Map<?, ?> map && map.size() == 1) {
      Map.Entry<?, ?> form = map.entrySet().iterator().next();
      String text = String.valueOf(form.getValue());
      switch ((String) form.getKey()) {
        case "$int64":
          return Long.parseLong(text);
        case "$decimal":
          return new BigDecimal(text);
        case "$float":
          return switch (text) {
            case "NaN" -> Double.NaN;
            case "Infinity", "inf" -> Double.POSITIVE_INFINITY;
            case "-Infinity", "-inf" -> Double.NEGATIVE_INFINITY;
            default -> Double.parseDouble(text);
          };
        case "$timestamp":
          try {
            return java.time.OffsetDateTime.parse(text).toInstant();
          } catch (java.time.DateTimeException wrong) {
            return value; // the core says what is wrong with it
          }
        default:
          return value;
      }
    }
    return value;
  }

  /** Bytes that a case gives as text or as bytes. */
  static byte[] bytes(Object value) {
    if (value instanceof Map<?, ?> map && map.get("$text") instanceof String text) return text.getBytes(StandardCharsets.UTF_8);
    return value instanceof byte[] bytes ? bytes : ((String) value).getBytes(StandardCharsets.UTF_8);
  }

  /** The JSON format of an event. */
  static Map<String, Object> event(CloudEvent event) {
    Map<String, Object> out = event.toMap();
    if (out.get("data") instanceof byte[] bytes) {
      out.remove("data");
      out.put("data_base64", Base64.getEncoder().encodeToString(bytes));
    }
    return out;
  }
}
