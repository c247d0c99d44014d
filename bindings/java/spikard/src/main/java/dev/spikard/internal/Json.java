package dev.spikard.internal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** JSON text as the core reads and writes it: of payloads and arguments, which come as they are. Bodies of requests come as nodes already. */
public final class Json {
  private Json() {}

  /** The value of a JSON text; see {@link Nodes#value}. */
  public static Object parse(byte[] text) {
    return nodes(text).value();
  }

  public static Object parse(String text) {
    return parse(text.getBytes(StandardCharsets.UTF_8));
  }

  public static Nodes nodes(byte[] text) {
    byte[] record = Native.jsonRead(text);
    if (record == null) throw new IllegalArgumentException("invalid JSON: " + Native.lastError());
    ByteBuffer buffer = ByteBuffer.wrap(record).order(ByteOrder.LITTLE_ENDIAN);
    return new Nodes(buffer, 0, buffer.getInt(Abi.AT_RECORD_NODES));
  }

  private static ByteBuffer buffer(Object value) {
    NodeWriter writer = new NodeWriter();
    writer.value(value);
    ByteBuffer buffer = ByteBuffer.allocate(writer.size()).order(ByteOrder.LITTLE_ENDIAN);
    writer.copyTo(buffer, 0);
    return buffer;
  }

  /** Any value that {@link NodeWriter} takes, as nodes to read. */
  public static Nodes nodesOf(Object value) {
    return new Nodes(buffer(value), 0, 0);
  }

  /** The JSON text of any value that {@link NodeWriter} takes. */
  public static byte[] write(Object value) {
    byte[] text = Native.jsonWrite(buffer(value).array());
    if (text == null) throw new IllegalArgumentException("no value of JSON: " + Native.lastError());
    return text;
  }

  public static String text(Object value) {
    return new String(write(value), StandardCharsets.UTF_8);
  }
}
