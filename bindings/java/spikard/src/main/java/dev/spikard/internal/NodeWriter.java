package dev.spikard.internal;

import dev.spikard.ConfigText;
import dev.spikard.PlainData;
import java.lang.reflect.Array;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.temporal.Temporal;
import java.util.Arrays;
import java.util.Date;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/** Values as nodes: nodes and texts side by side, joined at the end. */
public final class NodeWriter {
  private static final int MAX_DEPTH = 512;
  private static final BigInteger MIN = BigInteger.valueOf(Long.MIN_VALUE);
  private static final BigInteger MAX = BigInteger.valueOf(Long.MAX_VALUE);

  private long[] nodes = new long[64];
  private int count; // longs in use: two a node
  private byte[] text = new byte[256];
  private int used;
  private int depth;

  public NodeWriter clear() {
    count = 0;
    used = 0;
    depth = 0;
    if (text.length > 1 << 20) text = new byte[256];
    if (nodes.length > 1 << 17) nodes = new long[64];
    return this;
  }

  public boolean isEmpty() {
    return count == 0;
  }

  private void node(int type, int length, long value) {
    if (count + 2 > nodes.length) nodes = Arrays.copyOf(nodes, nodes.length * 2);
    nodes[count++] = type & 0xffffffffL | (long) length << 32;
    nodes[count++] = value;
  }

  private void text(int type, byte[] bytes) {
    node(type, bytes.length, used);
    if (text.length - used < bytes.length) text = Arrays.copyOf(text, Math.max(text.length * 2, Math.addExact(used, bytes.length)));
    System.arraycopy(bytes, 0, text, used, bytes.length);
    used += bytes.length;
  }

  public void nul() {
    node(Abi.NULL, 0, 0);
  }

  public void bool(boolean value) {
    node(Abi.BOOL, 0, value ? 1 : 0);
  }

  public void integer(long value) {
    node(Abi.INT, 0, value);
  }

  public void number(double value) {
    node(Abi.F64, 0, Double.doubleToRawLongBits(value));
  }

  public void string(String value) {
    text(Abi.STR, value.getBytes(StandardCharsets.UTF_8));
  }

  /** The UTF-8 of a text. */
  public void string(byte[] utf8) {
    text(Abi.STR, utf8);
  }

  public void bytes(byte[] value) {
    text(Abi.BYTES, value);
  }

  private void number(String digits) {
    text(Abi.NUMTEXT, digits.getBytes(StandardCharsets.US_ASCII));
  }

  /** Begins an object or array; what it gives goes to {@link #end}. */
  public int begin(boolean object) {
    if (++depth > MAX_DEPTH) throw new IllegalArgumentException("a value nested deeper than " + MAX_DEPTH);
    node(object ? Abi.OBJ : Abi.ARR, 0, 0);
    return count - 2;
  }

  public void end(int at, int members) {
    --depth;
    nodes[at] = nodes[at] & 0xffffffffL | (long) members << 32;
    nodes[at + 1] = (count - at) / 2 - 1;
  }

  /**
   * Any value of JSON, bytes, and what stands for one: numbers, texts, Map, Iterable, arrays, records, enums, Optional, UUID, java.time, {@link PlainData}.
   */
  public void value(Object value) {
    if (value == null) nul();
    else if (value instanceof String s) string(s);
    else if (value instanceof Long || value instanceof Integer || value instanceof Short || value instanceof Byte) integer(((Number) value).longValue());
    else if (value instanceof Boolean b) bool(b);
    else if (value instanceof Double || value instanceof Float) number(((Number) value).doubleValue());
    else if (value instanceof byte[] b) bytes(b);
    else if (value instanceof Map<?, ?> map) map(map);
    else if (value instanceof Iterable<?> list) list(list);
    else if (value instanceof Record) Records.of(value.getClass()).write((Record) value, this);
    else other(value);
  }

  private void map(Map<?, ?> map) {
    int at = begin(true);
    int n = 0;
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      string(key(entry.getKey()));
      value(entry.getValue());
      ++n;
    }
    end(at, n);
  }

  private static String key(Object key) {
    if (key instanceof String text) return text;
    if (key instanceof Enum<?> || key instanceof Number || key instanceof UUID || key instanceof Character) return plainText(key);
    throw new IllegalArgumentException("keys must be text, not " + (key == null ? "null" : key.getClass().getName()));
  }

  private static String plainText(Object value) {
    return value instanceof Enum<?> one ? Records.enumText(one) : value.toString();
  }

  private void list(Iterable<?> list) {
    int at = begin(false);
    int n = 0;
    for (Object one : list) {
      value(one);
      ++n;
    }
    end(at, n);
  }

  private void other(Object value) {
    if (value instanceof BigInteger big) {
      if (big.compareTo(MIN) >= 0 && big.compareTo(MAX) <= 0) integer(big.longValue());
      else number(big.toString());
    } else if (value instanceof BigDecimal big) {
      number(big.toString().replace("E+", "E"));
    } else if (value instanceof ConfigText named) {
      string(named.text());
    } else if (value instanceof Enum<?> one) {
      string(Records.enumText(one));
    } else if (value instanceof PlainData data) {
      value(data.plain());
    } else if (value instanceof Arguments arguments) {
      map(arguments.values());
    } else if (value instanceof Optional<?> optional) {
      value(optional.orElse(null));
    } else if (value instanceof CharSequence || value instanceof Character || value instanceof UUID || value instanceof Temporal || value instanceof Duration || value instanceof Path || value instanceof java.net.URI) {
      string(value.toString());
    } else if (value instanceof Date date) {
      string(date.toInstant().toString());
    } else if (value instanceof ByteBuffer buffer) {
      byte[] copy = new byte[buffer.remaining()];
      buffer.duplicate().get(copy);
      bytes(copy);
    } else if (value instanceof Number number) {
      number(number.toString());
    } else if (value.getClass().isArray()) {
      int n = Array.getLength(value);
      int at = begin(false);
      for (int i = 0; i < n; ++i) value(Array.get(value, i));
      end(at, n);
    } else {
      throw new IllegalArgumentException(value.getClass().getName() + " cannot be handed to the core: only values of JSON, bytes, records, and what stands for one of them can");
    }
  }

  public int size() {
    return count * 8 + used;
  }

  /** At `at`, which is 8-aligned; there is room for {@link #size}. */
  public void copyTo(ByteBuffer out, int at) {
    int shift = count * 8;
    for (int i = 0; i < count; i += 2) {
      int type = (int) nodes[i];
      out.putLong(at + i * 8, nodes[i]);
      out.putLong(at + i * 8 + 8, type == Abi.STR || type == Abi.BYTES || type == Abi.NUMTEXT ? nodes[i + 1] + shift : nodes[i + 1]);
    }
    out.put(at + shift, text, 0, used);
  }
}
