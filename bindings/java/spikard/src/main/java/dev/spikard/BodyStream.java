package dev.spikard;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.util.Iterator;
import java.util.NoSuchElementException;

/** A request's body chunk by chunk. Taking a chunk lets the client send more. For threads that may block. */
public final class BodyStream implements Iterable<byte[]> {
  private final Work work;

  BodyStream(Work work) {
    this.work = work;
  }

  /** The next chunk; null at the end. Throws {@link CancelledException} when the client is gone. */
  public byte[] next() {
    return work.nextChunk();
  }

  /** All of it. */
  public byte[] readAll() {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] chunk : this) all.writeBytes(chunk);
    return all.toByteArray();
  }

  @Override
  public Iterator<byte[]> iterator() {
    return chunks(this::next);
  }

  /** As a stream of bytes. */
  public InputStream inputStream() {
    return inputStream(this::next);
  }

  static Iterator<byte[]> chunks(java.util.function.Supplier<byte[]> source) {
    return new Iterator<>() {
      private byte[] ahead;
      private boolean ended;

      @Override
      public boolean hasNext() {
        if (ahead == null && !ended) {
          ahead = source.get();
          ended = ahead == null;
        }
        return ahead != null;
      }

      @Override
      public byte[] next() {
        if (!hasNext()) throw new NoSuchElementException();
        byte[] chunk = ahead;
        ahead = null;
        return chunk;
      }
    };
  }

  static InputStream inputStream(java.util.function.Supplier<byte[]> source) {
    Iterator<byte[]> chunks = chunks(source);
    return new InputStream() {
      private byte[] chunk = {};
      private int at;

      private boolean more() {
        while (at >= chunk.length) {
          if (!chunks.hasNext()) return false;
          chunk = chunks.next();
          at = 0;
        }
        return true;
      }

      @Override
      public int read() {
        return more() ? chunk[at++] & 0xff : -1;
      }

      @Override
      public int read(byte[] into, int offset, int length) {
        if (length == 0) return 0;
        if (!more()) return -1;
        int n = Math.min(length, chunk.length - at);
        System.arraycopy(chunk, at, into, offset, n);
        at += n;
        return n;
      }
    };
  }
}
