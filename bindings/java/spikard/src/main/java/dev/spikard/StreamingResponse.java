package dev.spikard;

import java.nio.charset.StandardCharsets;
import java.util.Iterator;

/**
 * An answer whose body is made while it is sent. What writes it runs on a thread that may block; a write waits until the client has taken enough, and is thrown out of by {@link CancelledException} when the
 * client is gone.
 *
 * <pre>{@code
 * return new StreamingResponse("text/plain", out -> {
 *   for (String line : lines) out.write(line);
 * });
 * }</pre>
 */
public final class StreamingResponse extends Response {
  /** Writes the body. */
  @FunctionalInterface
  public interface Body {
    void writeTo(Out out) throws Exception;
  }

  /** Where the body goes. */
  public interface Out {
    /** Sends these bytes; they may be changed afterwards. */
    void write(byte[] bytes);

    default void write(String text) {
      write(text.getBytes(StandardCharsets.UTF_8));
    }

    Cancellation cancellation();
  }

  private final Body body;

  public StreamingResponse(String mediaType, Body body) {
    super(Form.EMPTY, null);
    mediaType(mediaType);
    this.body = body;
  }

  /** Chunks as they come from an iterator; it is closed at the end if it is AutoCloseable. */
  public static StreamingResponse of(String mediaType, Iterable<byte[]> chunks) {
    return new StreamingResponse(mediaType, out -> {
      Iterator<byte[]> each = chunks.iterator();
      try {
        while (each.hasNext()) out.write(each.next());
      } finally {
        if (chunks instanceof AutoCloseable closeable) closeable.close();
      }
    });
  }

  Body body() {
    return body;
  }
}

