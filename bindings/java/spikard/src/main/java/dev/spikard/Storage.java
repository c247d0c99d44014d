package dev.spikard;

import dev.spikard.internal.Abi;
import dev.spikard.internal.Arguments;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.function.Consumer;

/** A store of objects. */
public final class Storage extends StorageOperations {
  Storage(App app, String name) {
    super(app, name);
  }

  /** The bytes of an object; {@link #read} also gives what is known of it, {@link #readStream} its chunks. */
  public byte[] readBytes(String key) {
    return read(key).data();
  }

  /** Writes what a stream gives, in chunks, without having all of it in memory. */
  public void write(String key, InputStream in, Consumer<? super WriteStreamOptions> options) {
    writeStream(key, () -> new Iterator<>() {
      private byte[] ahead;
      private boolean ended;

      @Override
      public boolean hasNext() {
        if (ahead == null && !ended) {
          try {
            byte[] some = in.readNBytes(65536);
            if (some.length == 0) ended = true;
            else ahead = some;
          } catch (IOException error) {
            throw new UncheckedIOException(error);
          }
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
    }, options == null ? given -> {} : options);
  }

  /** How an object is answered: what is given here replaces the object's own. */
  public static final class ServeOptions {
    private final Arguments arguments = new Arguments();

    public ServeOptions contentType(String value) {
      arguments.put("content_type", value);
      return this;
    }

    public ServeOptions cacheControl(String value) {
      arguments.put("cache_control", value);
      return this;
    }

    public ServeOptions contentDisposition(String value) {
      arguments.put("content_disposition", value);
      return this;
    }
  }

  /** An object as the answer of a handler: {@code return storage.object("reports/1.pdf")}. The core serves it, with ETag, conditions, and ranges; one that is not there is a 404. */
  public Served object(String key) {
    return object(key, null);
  }

  /** As above, with options. */
  public Served object(String key, Consumer<? super ServeOptions> options) {
    return served(Abi.OP_STORAGE_READ_STREAM, key, options, 0);
  }

  /** The body of a request as an object: {@code return storage.accept("uploads/1", null)} from a handler with {@code stream} that has not read it. The core stores it as it comes, and answers 201. */
  public Served accept(String key, Consumer<? super ServeOptions> options) {
    return served(Abi.OP_STORAGE_WRITE_STREAM, key, options, 201);
  }

  private Served served(int operation, String key, Consumer<? super ServeOptions> options, int status) {
    ServeOptions given = new ServeOptions();
    given.arguments.put("key", key);
    if (options != null) options.accept(given);
    return new Served(operation, this, given.arguments, status);
  }

  /** All objects below a prefix, page by page. */
  @SuppressWarnings("unchecked")
  public Iterable<Map<String, Object>> iterate(String prefix) {
    return () -> new Iterator<>() {
      private final ArrayDeque<Map<String, Object>> page = new ArrayDeque<>();
      private String token;
      private boolean ended;

      @Override
      public boolean hasNext() {
        while (page.isEmpty() && !ended) {
          ListResult next = list(given -> {
            given.prefix(prefix);
            if (token != null) given.token(token);
          });
          for (Object entry : (Iterable<Object>) next.entries()) page.add((Map<String, Object>) entry);
          token = next.next();
          ended = token == null;
        }
        return !page.isEmpty();
      }

      @Override
      public Map<String, Object> next() {
        if (!hasNext()) throw new NoSuchElementException(Arrays.asList(prefix).toString());
        return page.poll();
      }
    };
  }
}
