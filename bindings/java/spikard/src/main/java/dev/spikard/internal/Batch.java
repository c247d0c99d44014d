package dev.spikard.internal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;

/** Commands to submit at once, with all that they point to. One thread at a time has one. */
public final class Batch {
  private static final int FIRST_COMMANDS = 128;
  private static final int FIRST_ARENA = 64 << 10;
  private static final int KEPT_ARENA = 1 << 20;
  /** Bytes of {@link #reply}. */
  public static final int REPLY = 4096;
  private static final ConcurrentLinkedQueue<Batch> SPARE = new ConcurrentLinkedQueue<>();

  private ByteBuffer commands = direct(FIRST_COMMANDS * Abi.SIZEOF_CMD);
  private long commandsAddress = Native.address(commands);
  private ByteBuffer arena = direct(FIRST_ARENA);
  private long arenaAddress = Native.address(arena);
  private final ByteBuffer reply = direct(REPLY);
  private final long replyAddress = Native.address(reply);
  private int count;
  private int used;
  private final NodeWriter writer = new NodeWriter();

  private static ByteBuffer direct(int size) {
    return ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder());
  }

  /** One for the calling thread, to give back by {@link #release}. */
  public static Batch acquire() {
    Batch batch = SPARE.poll();
    return batch == null ? new Batch() : batch;
  }

  public void release() {
    clear();
    SPARE.offer(this);
  }

  public int count() {
    return count;
  }

  /** Where the record of a call goes that completes at once. */
  public ByteBuffer reply() {
    return reply;
  }

  public long replyAddress() {
    return replyAddress;
  }

  public boolean full() {
    return count >= 96 || used > 256 << 10;
  }

  public void clear() {
    count = 0;
    used = 0;
    if (arena.capacity() > KEPT_ARENA) {
      arena = direct(FIRST_ARENA);
      arenaAddress = Native.address(arena);
    }
  }

  /** A command; the place of its first byte. */
  public int add(int op, long id) {
    int at = count * Abi.SIZEOF_CMD;
    if (at + Abi.SIZEOF_CMD > commands.capacity()) {
      ByteBuffer more = direct(commands.capacity() * 2);
      more.put(0, commands, 0, at);
      commands = more;
      commandsAddress = Native.address(more);
    }
    ++count;
    for (int i = 0; i < Abi.SIZEOF_CMD; i += 8) commands.putLong(at + i, 0);
    commands.putShort(at + Abi.AT_CMD_OP, (short) op);
    commands.putLong(at + Abi.AT_CMD_ID, id);
    return at;
  }

  /** Takes the last command back. */
  public void dropLast() {
    --count;
  }

  public Batch flags(int at, int flags) {
    commands.putShort(at + Abi.AT_CMD_FLAGS, (short) flags);
    return this;
  }

  public Batch status(int at, int status) {
    commands.putShort(at + Abi.AT_CMD_STATUS, (short) status);
    return this;
  }

  public Batch format(int at, int format) {
    commands.putShort(at + Abi.AT_CMD_FORMAT, (short) format);
    return this;
  }

  public Batch arg(int at, long arg) {
    commands.putLong(at + Abi.AT_CMD_ARG, arg);
    return this;
  }

  public Batch user(int at, long user) {
    commands.putLong(at + Abi.AT_CMD_USER, user);
    return this;
  }

  public Batch client(int at, int client) {
    commands.putInt(at + Abi.AT_CMD_CLIENT, client);
    return this;
  }

  private int room(int size) {
    int at = used + 7 & ~7;
    long end = (long) at + size;
    if (end > Integer.MAX_VALUE - 64) throw new IllegalArgumentException("more than 2 GiB in one batch");
    if (end > arena.capacity()) {
      ByteBuffer more = direct((int) Math.min(Integer.MAX_VALUE - 64, Math.max((long) arena.capacity() * 2, end)));
      more.put(0, arena, 0, used);
      arena = more;
      arenaAddress = Native.address(more);
    }
    used = (int) end;
    return at;
  }

  private void part(int at, int member, int from, int length) {
    commands.putLong(at + member, from);
    commands.putLong(at + member + 8, length);
  }

  public Batch body(int at, byte[] bytes) {
    return body(at, bytes, 0, bytes.length);
  }

  public Batch body(int at, byte[] bytes, int offset, int length) {
    int from = room(length);
    arena.put(from, bytes, offset, length);
    part(at, Abi.AT_CMD_BODY, from, length);
    return this;
  }

  /** Nodes of any value. When it throws, the batch is as before: the command has no body. */
  public Batch nodes(int at, Object value) {
    writer.clear().value(value);
    return nodes(at, writer);
  }

  public Batch nodes(int at, NodeWriter nodes) {
    int from = room(nodes.size());
    nodes.copyTo(arena, from);
    part(at, Abi.AT_CMD_BODY, from, nodes.size());
    return this;
  }

  /** Bytes as `head`: a traceparent. */
  public Batch headText(int at, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
    int from = room(bytes.length);
    arena.put(from, bytes);
    part(at, Abi.AT_CMD_HEAD, from, bytes.length);
    return this;
  }

  public Batch headers(int at, List<Map.Entry<String, String>> pairs) {
    int n = pairs.size();
    if (n == 0) return this;
    byte[][] texts = new byte[n * 2][];
    int total = n * Abi.SIZEOF_PAIR;
    for (int i = 0; i < n; ++i) {
      texts[2 * i] = pairs.get(i).getKey().getBytes(StandardCharsets.UTF_8);
      texts[2 * i + 1] = pairs.get(i).getValue().getBytes(StandardCharsets.UTF_8);
      total += texts[2 * i].length + texts[2 * i + 1].length;
    }
    int from = room(total);
    int text = n * Abi.SIZEOF_PAIR;
    for (int i = 0; i < texts.length; ++i) {
      arena.putInt(from + i * 8, text);
      arena.putInt(from + i * 8 + 4, texts[i].length);
      arena.put(from + text, texts[i]);
      text += texts[i].length;
    }
    part(at, Abi.AT_CMD_HEAD, from, total);
    commands.putInt(at + Abi.AT_CMD_NHEAD, n);
    return this;
  }

  /** Offsets become addresses: the arena moves no more. The address of the first command. */
  public long seal() {
    for (int i = 0; i < count; ++i) {
      int at = i * Abi.SIZEOF_CMD;
      if (commands.getLong(at + Abi.AT_CMD_HEAD + 8) != 0) commands.putLong(at + Abi.AT_CMD_HEAD, commands.getLong(at + Abi.AT_CMD_HEAD) + arenaAddress);
      if (commands.getLong(at + Abi.AT_CMD_BODY + 8) != 0) commands.putLong(at + Abi.AT_CMD_BODY, commands.getLong(at + Abi.AT_CMD_BODY) + arenaAddress);
    }
    return commandsAddress;
  }
}
