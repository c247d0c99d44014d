package dev.spikard.internal;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A cursor over the nodes of a record (spk_node, in preorder). Little-endian. */
public final class Nodes {
  private final ByteBuffer buffer;
  private final int base;
  private int at;

  /** base: the record's first byte, to which texts are relative; at: the first node. Both are places in `buffer`. */
  public Nodes(ByteBuffer buffer, int base, int at) {
    this.buffer = buffer;
    this.base = base;
    this.at = at;
  }

  public int type() {
    return buffer.getInt(at);
  }

  /** Elements or members of the container here; bytes of the text here. */
  public int length() {
    return buffer.getInt(at + 4);
  }

  public boolean isNull() {
    return type() == Abi.NULL;
  }

  /** Into the container here. */
  public int enter() {
    int length = length();
    at += Abi.SIZEOF_NODE;
    return length;
  }

  public void skip() {
    int type = type();
    long below = type == Abi.ARR || type == Abi.OBJ ? buffer.getLong(at + 8) : 0;
    at += (int) (Abi.SIZEOF_NODE * (below + 1));
  }

  public long integer() {
    long value = buffer.getLong(at + 8);
    at += Abi.SIZEOF_NODE;
    return value;
  }

  public double number() {
    double value = buffer.getDouble(at + 8);
    at += Abi.SIZEOF_NODE;
    return value;
  }

  public String text() {
    String value = Text.read(buffer, base + (int) buffer.getLong(at + 8), length());
    at += Abi.SIZEOF_NODE;
    return value;
  }

  public byte[] bytes() {
    byte[] value = new byte[length()];
    buffer.get(base + (int) buffer.getLong(at + 8), value);
    at += Abi.SIZEOF_NODE;
    return value;
  }

  /** Whether the text here is this one; it is not passed. */
  public boolean isText(byte[] utf8) {
    if (length() != utf8.length) return false;
    int from = base + (int) buffer.getLong(at + 8);
    for (int i = 0; i < utf8.length; ++i) {
      if (buffer.get(from + i) != utf8[i]) return false;
    }
    return true;
  }

  /** The value here: null, Boolean, Long, Double, BigInteger, BigDecimal, String, byte[], List or Map. */
  public Object value() {
    int type = type();
    switch (type) {
      case Abi.NULL:
        at += Abi.SIZEOF_NODE;
        return null;
      case Abi.BOOL:
        return integer() != 0;
      case Abi.INT:
        return integer();
      case Abi.F64:
        return number();
      case Abi.STR:
        return text();
      case Abi.BYTES:
        return bytes();
      case Abi.UINT:
        return new BigInteger(Long.toUnsignedString(integer()));
      case Abi.NUMTEXT:
        return big(text());
      case Abi.ARR: {
        int n = enter();
        List<Object> list = new ArrayList<>(n);
        for (int i = 0; i < n; ++i) list.add(value());
        return list;
      }
      case Abi.OBJ: {
        int n = enter();
        Map<String, Object> map = new LinkedHashMap<>(n + n / 2 + 1);
        for (int i = 0; i < n; ++i) {
          String key = text();
          map.put(key, value());
        }
        return map;
      }
      default:
        throw new IllegalStateException("a node of unknown type " + type);
    }
  }

  private static Object big(String text) {
    for (int i = 0; i < text.length(); ++i) {
      char c = text.charAt(i);
      if (c == '.' || c == 'e' || c == 'E') return new BigDecimal(text);
    }
    return new BigInteger(text);
  }

  /** UTF-8 in buffers. */
  public static final class Text {
    private Text() {}

    public static String read(ByteBuffer buffer, int at, int length) {
      if (length == 0) return "";
      if (buffer.hasArray()) return new String(buffer.array(), buffer.arrayOffset() + at, length, StandardCharsets.UTF_8);
      byte[] bytes = new byte[length];
      buffer.get(at, bytes);
      return new String(bytes, StandardCharsets.UTF_8);
    }
  }
}
