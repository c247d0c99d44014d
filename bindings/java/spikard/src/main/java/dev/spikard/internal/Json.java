package dev.spikard.internal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** JSON text (RFC 8259) from and to nodes: of payloads and arguments, which the core hands over as they are. Bodies of requests come as nodes already. */
public final class Json {
  private static final int MAX_DEPTH = 512;
  private static final char[] HEX = "0123456789abcdef".toCharArray();

  private final byte[] in;
  private final NodeWriter out;
  private int at;

  private Json(byte[] in, NodeWriter out) {
    this.in = in;
    this.out = out;
  }

  /** The value of a JSON text; see {@link Nodes#value}. */
  public static Object parse(byte[] text) {
    return nodes(text).value();
  }

  public static Object parse(String text) {
    return parse(text.getBytes(StandardCharsets.UTF_8));
  }

  public static Nodes nodes(byte[] text) {
    NodeWriter writer = new NodeWriter();
    Json json = new Json(text, writer);
    json.space();
    json.value(0);
    json.space();
    if (json.at != text.length) throw json.wrong("something after the value");
    return nodes(writer);
  }

  /** Any value that {@link NodeWriter} takes, as nodes to read. */
  public static Nodes nodesOf(Object value) {
    NodeWriter writer = new NodeWriter();
    writer.value(value);
    return nodes(writer);
  }

  private static Nodes nodes(NodeWriter writer) {
    ByteBuffer buffer = ByteBuffer.allocate(writer.size()).order(ByteOrder.LITTLE_ENDIAN);
    writer.copyTo(buffer, 0);
    return new Nodes(buffer, 0, 0);
  }

  private IllegalArgumentException wrong(String what) {
    return new IllegalArgumentException("invalid JSON: " + what + " at byte " + at);
  }

  private void space() {
    while (at < in.length && (in[at] == ' ' || in[at] == '\n' || in[at] == '\r' || in[at] == '\t')) ++at;
  }

  private int peek() {
    if (at >= in.length) throw wrong("the text ends");
    return in[at];
  }

  private void value(int depth) {
    if (depth > MAX_DEPTH) throw wrong("nested deeper than " + MAX_DEPTH);
    switch (peek()) {
      case '{' -> {
        int begun = out.begin(true);
        int n = 0;
        ++at;
        space();
        if (peek() == '}') {
          ++at;
        } else {
          for (;;) {
            if (peek() != '"') throw wrong("expected a member's name");
            out.string(string());
            space();
            if (peek() != ':') throw wrong("expected ':'");
            ++at;
            space();
            value(depth + 1);
            ++n;
            if (!more('}')) break;
          }
        }
        out.end(begun, n);
      }
      case '[' -> {
        int begun = out.begin(false);
        int n = 0;
        ++at;
        space();
        if (peek() == ']') {
          ++at;
        } else {
          do {
            value(depth + 1);
            ++n;
          } while (more(']'));
        }
        out.end(begun, n);
      }
      case '"' -> out.string(string());
      case 't' -> {
        word("true");
        out.bool(true);
      }
      case 'f' -> {
        word("false");
        out.bool(false);
      }
      case 'n' -> {
        word("null");
        out.nul();
      }
      default -> number();
    }
  }

  private boolean more(char end) {
    space();
    int c = peek();
    ++at;
    if (c == end) return false;
    if (c != ',') throw wrong("expected ',' or '" + end + "'");
    space();
    return true;
  }

  private void word(String word) {
    for (int i = 0; i < word.length(); ++i, ++at) {
      if (at >= in.length || in[at] != word.charAt(i)) throw wrong("expected " + word);
    }
  }

  private boolean digit() {
    return at < in.length && in[at] >= '0' && in[at] <= '9';
  }

  private void digits() {
    if (!digit()) throw wrong("expected a digit");
    while (digit()) ++at;
  }

  private void number() {
    int from = at;
    boolean integer = true;
    if (peek() == '-') ++at;
    if (at < in.length && in[at] == '0') ++at;
    else digits();
    if (at < in.length && in[at] == '.') {
      integer = false;
      ++at;
      digits();
    }
    if (at < in.length && (in[at] == 'e' || in[at] == 'E')) {
      integer = false;
      ++at;
      if (at < in.length && (in[at] == '+' || in[at] == '-')) ++at;
      digits();
    }
    String text = new String(in, from, at - from, StandardCharsets.US_ASCII);
    if (integer && text.length() < 19) out.integer(Long.parseLong(text));
    else if (integer) out.value(new java.math.BigInteger(text));
    else if (Double.isInfinite(Double.parseDouble(text))) out.value(new java.math.BigDecimal(text));
    else out.number(Double.parseDouble(text));
  }

  private byte[] string() {
    int from = ++at;
    while (peek() != '"' && in[at] != '\\') {
      if (in[at] >= 0 && in[at] < ' ') throw wrong("a control character in a text");
      ++at;
    }
    if (in[at] == '"') return java.util.Arrays.copyOfRange(in, from, at++);
    StringBuilder text = new StringBuilder(new String(in, from, at - from, StandardCharsets.UTF_8));
    for (;;) {
      int c = peek();
      if (c == '"') {
        ++at;
        return text.toString().getBytes(StandardCharsets.UTF_8);
      }
      if (c != '\\') {
        int begin = at;
        while (peek() != '"' && in[at] != '\\') {
          if (in[at] >= 0 && in[at] < ' ') throw wrong("a control character in a text");
          ++at;
        }
        text.append(new String(in, begin, at - begin, StandardCharsets.UTF_8));
        continue;
      }
      ++at;
      c = peek();
      ++at;
      switch (c) {
        case '"', '\\', '/' -> text.append((char) c);
        case 'b' -> text.append('\b');
        case 'f' -> text.append('\f');
        case 'n' -> text.append('\n');
        case 'r' -> text.append('\r');
        case 't' -> text.append('\t');
        case 'u' -> {
          if (at + 4 > in.length) throw wrong("the text ends");
          int code = 0;
          for (int i = 0; i < 4; ++i) {
            int d = Character.digit(in[at++], 16);
            if (d < 0) throw wrong("expected four hex digits");
            code = code << 4 | d;
          }
          text.append((char) code);
        }
        default -> throw wrong("an unknown escape");
      }
    }
  }

  /** The JSON text of any value that {@link NodeWriter} takes; bytes are base64. */
  public static byte[] write(Object value) {
    return text(value).getBytes(StandardCharsets.UTF_8);
  }

  public static String text(Object value) {
    StringBuilder text = new StringBuilder();
    write(nodesOf(value), text);
    return text.toString();
  }

  private static void write(Nodes nodes, StringBuilder out) {
    switch (nodes.type()) {
      case Abi.ARR -> {
        int n = nodes.enter();
        out.append('[');
        for (int i = 0; i < n; ++i) {
          if (i > 0) out.append(',');
          write(nodes, out);
        }
        out.append(']');
      }
      case Abi.OBJ -> {
        int n = nodes.enter();
        out.append('{');
        for (int i = 0; i < n; ++i) {
          if (i > 0) out.append(',');
          quoted(nodes.text(), out);
          out.append(':');
          write(nodes, out);
        }
        out.append('}');
      }
      case Abi.STR -> quoted(nodes.text(), out);
      case Abi.BYTES -> quoted(java.util.Base64.getEncoder().encodeToString(nodes.bytes()), out);
      case Abi.F64 -> {
        double number = nodes.number();
        if (Double.isNaN(number) || Double.isInfinite(number)) throw new IllegalArgumentException(number + " is no number of JSON");
        out.append(number);
      }
      default -> out.append(nodes.value());
    }
  }

  private static void quoted(String text, StringBuilder out) {
    out.append('"');
    for (int i = 0; i < text.length(); ++i) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        default -> {
          if (c < ' ') out.append("\\u00").append(HEX[c >> 4]).append(HEX[c & 15]);
          else out.append(c);
        }
      }
    }
    out.append('"');
  }
}
