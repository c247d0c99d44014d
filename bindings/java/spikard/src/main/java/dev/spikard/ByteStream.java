package dev.spikard;

import dev.spikard.internal.Arguments;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.util.Iterator;
import java.util.Map;
import java.util.function.Function;

/**
 * A streamed result: its chunks of bytes, and at the end what the operation says of itself. It begins with the first chunk asked for; closing it before the end cancels it.
 *
 * <pre>{@code
 * try (var chunks = storage.readStream("big")) {
 *   for (byte[] chunk : chunks) ...
 * }
 * }</pre>
 *
 * @param <R> what {@link #result} gives
 */
public final class ByteStream<R> implements Iterable<byte[]>, AutoCloseable {
  private final Client client;
  private final int operation;
  private final Arguments arguments;
  private final Function<Map<String, Object>, R> answer;
  private StreamCall call;
  private R result;
  private boolean ended;

  ByteStream(Client client, int operation, Arguments arguments, Function<Map<String, Object>, R> answer) {
    this.client = client;
    this.operation = operation;
    this.arguments = arguments;
    this.answer = answer;
  }

  /** The next chunk; null at the end. */
  public byte[] next() {
    if (ended) return null;
    if (call == null) call = client.open(operation, arguments, false);
    byte[] chunk;
    try {
      chunk = call.read();
    } catch (CancelledException error) {
      call.abort();
      throw error;
    }
    if (chunk == null) {
      ended = true;
      result = answer.apply(call.result());
    }
    return chunk;
  }

  /** All of it. */
  public byte[] readAll() {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] chunk : this) all.writeBytes(chunk);
    return all.toByteArray();
  }

  /** What the operation gave at its end. */
  public R result() {
    if (!ended) throw new IllegalStateException("a stream has its result when it was read to its end");
    return result;
  }

  @Override
  public Iterator<byte[]> iterator() {
    return BodyStream.chunks(this::next);
  }

  /** As a stream of bytes. */
  public InputStream inputStream() {
    return BodyStream.inputStream(this::next);
  }

  @Override
  public void close() {
    if (call != null) call.abort();
  }
}
