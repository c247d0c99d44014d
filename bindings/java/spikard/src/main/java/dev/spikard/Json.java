package dev.spikard;

import dev.spikard.internal.Mapper;

/** JSON as the binding reads and writes it wherever the core hands over text: payloads, arguments of tasks, what caches hold. */
public final class Json {
  private Json() {}

  /** null, Boolean, Long, Double, BigInteger, BigDecimal, String, List or Map. */
  public static Object parse(byte[] text) {
    return dev.spikard.internal.Json.parse(text);
  }

  /** A record, or another type that handlers may take. */
  public static <T> T read(byte[] text, Class<T> type) {
    return type.cast(Mapper.of(type).read(dev.spikard.internal.Json.nodes(text)));
  }

  /** Any value that a handler may answer with as JSON; bytes are base64. */
  public static byte[] write(Object value) {
    return dev.spikard.internal.Json.write(value);
  }

  public static String text(Object value) {
    return dev.spikard.internal.Json.text(value);
  }
}
