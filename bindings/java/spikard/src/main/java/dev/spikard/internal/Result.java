package dev.spikard.internal;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Members of results as Java's types. */
public final class Result {
  private Result() {}

  public static boolean bool(Object value) {
    return (Boolean) value;
  }

  public static int int32(Object value) {
    return ((Number) value).intValue();
  }

  public static long int64(Object value) {
    return ((Number) value).longValue();
  }

  public static Boolean optionalBool(Object value) {
    return (Boolean) value;
  }

  public static Integer optionalInt32(Object value) {
    return value == null ? null : int32(value);
  }

  public static Long optionalInt64(Object value) {
    return value == null ? null : int64(value);
  }

  public static Duration span(Object value) {
    return value == null ? null : Duration.ofMillis(int64(value));
  }

  public static byte[] bytes(Object value) {
    return value instanceof String text ? text.getBytes(StandardCharsets.UTF_8) : (byte[]) value;
  }

  @SuppressWarnings("unchecked")
  public static <T> List<T> list(Object value) {
    return (List<T>) value;
  }

  public static <T> List<T> list(Object value, Function<Object, T> item) {
    if (value == null) return null;
    List<T> out = new ArrayList<>();
    for (Object one : (List<?>) value) out.add(item.apply(one));
    return out;
  }

  @SuppressWarnings("unchecked")
  public static <T> Map<String, T> map(Object value) {
    return (Map<String, T>) value;
  }

  public static <T> Map<String, T> map(Object value, Function<Object, T> item) {
    if (value == null) return null;
    Map<String, T> out = new LinkedHashMap<>();
    ((Map<?, ?>) value).forEach((key, one) -> out.put((String) key, item.apply(one)));
    return out;
  }
}
