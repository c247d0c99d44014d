// Generated from spec/operations by codegen. Do not edit.
package dev.spikard;

import dev.spikard.internal.Abi;
import dev.spikard.internal.Arguments;
import dev.spikard.internal.Result;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * The operations of {@code storage}: each waits for its end, or, as {@code ...Async}, gives a future whose cancellation cancels it.
 *
 * <p>Object storage. Keys are UTF-8 text of 1 to 1024 bytes without NUL, a leading or trailing {@code /}, or empty, {@code .} and {@code ..} segments; anything else is invalid_argument, detail invalid_key. They are never decoded or rewritten. Prefixes are free.
 * <p>An object is {@code {key, size, etag, last_modified, content_type, cache_control, content_disposition, metadata}}: {@code etag} is a strong entity-tag with its quotes, {@code last_modified} is in ms since the epoch, the three headers are null where the writer gave none, {@code metadata} is an object of texts with names in lower case.
 * <p>A condition that does not hold is condition_failed, detail condition_not_met. Where the operation only writes, {@code if_match} takes an etag (a key that is not there does not match) and {@code if_none_match} takes {@code *}, so that nothing is overwritten.
 */
public abstract class StorageOperations extends Client {
  StorageOperations(App app, String name) {
    super(app, "storage", name);
  }

  /**
   * What {@code storage.read} gives.
   *
   * @param data The bytes.
   * @param offset Where in the object they begin.
   * @param object The object.
   */
  public record ReadResult(byte[] data, long offset, Object object) {}

  /** What {@code storage.read} may be told besides. */
  public static final class ReadOptions {
    private final Arguments arguments;

    ReadOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** First byte. At or after the end is invalid_argument, detail range_not_satisfiable. */
    public ReadOptions offset(Long offset) {
      arguments.put("offset", offset);
      return this;
    }

    /** How many bytes; an end past the object is cut. 0 is refused. */
    public ReadOptions length(Long length) {
      arguments.put("length", length);
      return this;
    }

    /** The last so many bytes, without {@code offset} and {@code length}. 0 is refused. */
    public ReadOptions suffix(Long suffix) {
      arguments.put("suffix", suffix);
      return this;
    }

    /** Only if the object has this etag. */
    public ReadOptions ifMatch(String ifMatch) {
      arguments.put("if_match", ifMatch);
      return this;
    }

    /** Only if the object has another etag than this. */
    public ReadOptions ifNoneMatch(String ifNoneMatch) {
      arguments.put("if_none_match", ifNoneMatch);
      return this;
    }
  }

  private static Arguments readArguments(String key, Consumer<? super ReadOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("key", key);
    if (options != null) options.accept(new ReadOptions(arguments));
    return arguments;
  }

  private static ReadResult readAnswer(Map<String, Object> result) {
    return new ReadResult(Result.bytes(result.get("data")), Result.int64(result.get("offset")), result.get("object"));
  }

  /**
   * An object, or a part of it, in one piece. At most {@code max_read_bytes} of the store; more is too_large.
   *
   * @param key The key.
   * @throws OperationException of kind invalid_argument, not_found, condition_failed, too_large, unavailable
   */
  public ReadResult read(String key) {
    return readAnswer(call(Abi.OP_STORAGE_READ, readArguments(key, null)));
  }

  /** As above, with options. */
  public ReadResult read(String key, Consumer<? super ReadOptions> options) {
    return readAnswer(call(Abi.OP_STORAGE_READ, readArguments(key, options)));
  }

  /** {@link #read} as a future. */
  public CompletableFuture<ReadResult> readAsync(String key) {
    return start(Abi.OP_STORAGE_READ, readArguments(key, null), StorageOperations::readAnswer);
  }

  /** {@link #read} as a future, with options. */
  public CompletableFuture<ReadResult> readAsync(String key, Consumer<? super ReadOptions> options) {
    return start(Abi.OP_STORAGE_READ, readArguments(key, options), StorageOperations::readAnswer);
  }

  /**
   * What {@code storage.read_stream} gives.
   *
   * @param offset Where in the object the chunks began.
   * @param size How many bytes the chunks had.
   * @param object The object.
   */
  public record ReadStreamResult(long offset, long size, Object object) {}

  /** What {@code storage.read_stream} may be told besides. */
  public static final class ReadStreamOptions {
    private final Arguments arguments;

    ReadStreamOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** First byte. At or after the end is invalid_argument, detail range_not_satisfiable. */
    public ReadStreamOptions offset(Long offset) {
      arguments.put("offset", offset);
      return this;
    }

    /** How many bytes; an end past the object is cut. 0 is refused. */
    public ReadStreamOptions length(Long length) {
      arguments.put("length", length);
      return this;
    }

    /** The last so many bytes, without {@code offset} and {@code length}. 0 is refused. */
    public ReadStreamOptions suffix(Long suffix) {
      arguments.put("suffix", suffix);
      return this;
    }

    /** Only if the object has this etag. */
    public ReadStreamOptions ifMatch(String ifMatch) {
      arguments.put("if_match", ifMatch);
      return this;
    }

    /** Only if the object has another etag than this. */
    public ReadStreamOptions ifNoneMatch(String ifNoneMatch) {
      arguments.put("if_none_match", ifNoneMatch);
      return this;
    }
  }

  private static Arguments readStreamArguments(String key, Consumer<? super ReadStreamOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("key", key);
    if (options != null) options.accept(new ReadStreamOptions(arguments));
    return arguments;
  }

  private static ReadStreamResult readStreamAnswer(Map<String, Object> result) {
    return new ReadStreamResult(Result.int64(result.get("offset")), Result.int64(result.get("size")), result.get("object"));
  }

  /**
   * An object, or a part of it, in chunks. The object read is that of the beginning, whatever is written meanwhile.
   *
   * @param key The key.
   * @throws OperationException of kind invalid_argument, not_found, condition_failed, cancelled, unavailable
   */
  public ByteStream<ReadStreamResult> readStream(String key) {
    return new ByteStream<>(this, Abi.OP_STORAGE_READ_STREAM, readStreamArguments(key, null), StorageOperations::readStreamAnswer);
  }

  /** As above, with options. */
  public ByteStream<ReadStreamResult> readStream(String key, Consumer<? super ReadStreamOptions> options) {
    return new ByteStream<>(this, Abi.OP_STORAGE_READ_STREAM, readStreamArguments(key, options), StorageOperations::readStreamAnswer);
  }

  /** What {@code storage.write} may be told besides. */
  public static final class WriteOptions {
    private final Arguments arguments;

    WriteOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** Content-Type that readers are told. */
    public WriteOptions contentType(String contentType) {
      arguments.put("content_type", contentType);
      return this;
    }

    /** Cache-Control that readers are told. */
    public WriteOptions cacheControl(String cacheControl) {
      arguments.put("cache_control", cacheControl);
      return this;
    }

    /** Content-Disposition that readers are told. */
    public WriteOptions contentDisposition(String contentDisposition) {
      arguments.put("content_disposition", contentDisposition);
      return this;
    }

    /** An object of texts, names and texts together 2048 bytes at most. Names are tokens as in HTTP headers and become lower case. */
    public WriteOptions metadata(Object metadata) {
      arguments.put("metadata", metadata);
      return this;
    }

    /** Only if the object that is there has this etag. */
    public WriteOptions ifMatch(String ifMatch) {
      arguments.put("if_match", ifMatch);
      return this;
    }

    /** {@code *}: only if nothing is there. */
    public WriteOptions ifNoneMatch(String ifNoneMatch) {
      arguments.put("if_none_match", ifNoneMatch);
      return this;
    }
  }

  private static Arguments writeArguments(String key, byte[] data, Consumer<? super WriteOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("key", key);
    arguments.put("data", data);
    if (options != null) options.accept(new WriteOptions(arguments));
    return arguments;
  }

  private static Object writeAnswer(Map<String, Object> result) {
    return result.get("object");
  }

  /**
   * Writes an object whole, metadata included: what was there is replaced in one step. Returns when it is durable.
   *
   * @param key The key.
   * @param data The content; text is its UTF-8.
   * @return The object as it is now.
   * @throws OperationException of kind invalid_argument, condition_failed, too_large, unavailable
   */
  public Object write(String key, byte[] data) {
    return writeAnswer(call(Abi.OP_STORAGE_WRITE, writeArguments(key, data, null)));
  }

  /** As above, with options. */
  public Object write(String key, byte[] data, Consumer<? super WriteOptions> options) {
    return writeAnswer(call(Abi.OP_STORAGE_WRITE, writeArguments(key, data, options)));
  }

  /** As above, for text: its UTF-8. */
  public Object write(String key, String data) {
    return write(key, data.getBytes(StandardCharsets.UTF_8));
  }

  /** As above, for text: its UTF-8. */
  public Object write(String key, String data, Consumer<? super WriteOptions> options) {
    return write(key, data.getBytes(StandardCharsets.UTF_8), options);
  }

  /** {@link #write} as a future. */
  public CompletableFuture<Object> writeAsync(String key, byte[] data) {
    return start(Abi.OP_STORAGE_WRITE, writeArguments(key, data, null), StorageOperations::writeAnswer);
  }

  /** {@link #write} as a future, with options. */
  public CompletableFuture<Object> writeAsync(String key, byte[] data, Consumer<? super WriteOptions> options) {
    return start(Abi.OP_STORAGE_WRITE, writeArguments(key, data, options), StorageOperations::writeAnswer);
  }

  /** What {@code storage.write_stream} may be told besides. */
  public static final class WriteStreamOptions {
    private final Arguments arguments;

    WriteStreamOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** Content-Type that readers are told. */
    public WriteStreamOptions contentType(String contentType) {
      arguments.put("content_type", contentType);
      return this;
    }

    /** Cache-Control that readers are told. */
    public WriteStreamOptions cacheControl(String cacheControl) {
      arguments.put("cache_control", cacheControl);
      return this;
    }

    /** Content-Disposition that readers are told. */
    public WriteStreamOptions contentDisposition(String contentDisposition) {
      arguments.put("content_disposition", contentDisposition);
      return this;
    }

    /** An object of texts, names and texts together 2048 bytes at most. Names are tokens as in HTTP headers and become lower case. */
    public WriteStreamOptions metadata(Object metadata) {
      arguments.put("metadata", metadata);
      return this;
    }

    /** Only if the object that is there has this etag. */
    public WriteStreamOptions ifMatch(String ifMatch) {
      arguments.put("if_match", ifMatch);
      return this;
    }

    /** {@code *}: only if nothing is there. */
    public WriteStreamOptions ifNoneMatch(String ifNoneMatch) {
      arguments.put("if_none_match", ifNoneMatch);
      return this;
    }
  }

  private static Arguments writeStreamArguments(String key, Consumer<? super WriteStreamOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("key", key);
    if (options != null) options.accept(new WriteStreamOptions(arguments));
    return arguments;
  }

  private static Object writeStreamAnswer(Map<String, Object> result) {
    return result.get("object");
  }

  /**
   * As {@code storage.write}, from chunks. A caller that gives up before the last chunk leaves everything as it was: cancelled, detail aborted.
   *
   * @param key The key.
   * @return The object as it is now.
   * @throws OperationException of kind invalid_argument, condition_failed, cancelled, too_large, unavailable
   */
  public Object writeStream(String key, Iterable<byte[]> chunks) {
    return writeStreamAnswer(send(Abi.OP_STORAGE_WRITE_STREAM, writeStreamArguments(key, null), chunks));
  }

  /** As above, with options. */
  public Object writeStream(String key, Iterable<byte[]> chunks, Consumer<? super WriteStreamOptions> options) {
    return writeStreamAnswer(send(Abi.OP_STORAGE_WRITE_STREAM, writeStreamArguments(key, options), chunks));
  }

  private static Arguments statArguments(String key) {
    Arguments arguments = new Arguments();
    arguments.put("key", key);
    return arguments;
  }

  private static Object statAnswer(Map<String, Object> result) {
    return result.get("object");
  }

  /**
   * What is known of an object, without its content.
   *
   * @param key The key.
   * @return The object as it is now.
   * @throws OperationException of kind invalid_argument, not_found, unavailable
   */
  public Object stat(String key) {
    return statAnswer(call(Abi.OP_STORAGE_STAT, statArguments(key)));
  }

  /** {@link #stat} as a future. */
  public CompletableFuture<Object> statAsync(String key) {
    return start(Abi.OP_STORAGE_STAT, statArguments(key), StorageOperations::statAnswer);
  }

  private static Arguments existsArguments(String key) {
    Arguments arguments = new Arguments();
    arguments.put("key", key);
    return arguments;
  }

  private static Boolean existsAnswer(Map<String, Object> result) {
    return Result.bool(result.get("value"));
  }

  /**
   * Whether there is an object of this key.
   *
   * @param key The key.
   * @return Whether it is there.
   * @throws OperationException of kind invalid_argument, unavailable
   */
  public boolean exists(String key) {
    return existsAnswer(call(Abi.OP_STORAGE_EXISTS, existsArguments(key)));
  }

  /** {@link #exists} as a future. */
  public CompletableFuture<Boolean> existsAsync(String key) {
    return start(Abi.OP_STORAGE_EXISTS, existsArguments(key), StorageOperations::existsAnswer);
  }

  private static Arguments deleteArguments(String key) {
    Arguments arguments = new Arguments();
    arguments.put("key", key);
    return arguments;
  }

  private static Void deleteAnswer(Map<String, Object> result) {
    return null;
  }

  /**
   * Deletes an object. One that is not there is no error.
   *
   * @param key The key.
   * @throws OperationException of kind invalid_argument, unavailable
   */
  public void delete(String key) {
    deleteAnswer(call(Abi.OP_STORAGE_DELETE, deleteArguments(key)));
  }

  /** {@link #delete} as a future. */
  public CompletableFuture<Void> deleteAsync(String key) {
    return start(Abi.OP_STORAGE_DELETE, deleteArguments(key), StorageOperations::deleteAnswer);
  }

  private static Arguments deleteManyArguments(List<String> keys) {
    Arguments arguments = new Arguments();
    arguments.put("keys", keys);
    return arguments;
  }

  private static Object deleteManyAnswer(Map<String, Object> result) {
    return result.get("errors");
  }

  /**
   * Deletes objects, each by itself.
   *
   * @param keys The keys, 1000 at most.
   * @return An array of {@code {key, kind, detail, message}}: those that could not be deleted.
   * @throws OperationException of kind invalid_argument, unavailable
   */
  public Object deleteMany(List<String> keys) {
    return deleteManyAnswer(call(Abi.OP_STORAGE_DELETE_MANY, deleteManyArguments(keys)));
  }

  /** {@link #deleteMany} as a future. */
  public CompletableFuture<Object> deleteManyAsync(List<String> keys) {
    return start(Abi.OP_STORAGE_DELETE_MANY, deleteManyArguments(keys), StorageOperations::deleteManyAnswer);
  }

  /**
   * What {@code storage.list} gives.
   *
   * @param entries An array of {@code {key, size, etag, last_modified}}.
   * @param prefixes The rolled-up prefixes, each with its delimiter.
   * @param next {@code token} of the next page; null on the last.
   */
  public record ListResult(Object entries, List<String> prefixes, String next) {}

  /** What {@code storage.list} may be told besides. */
  public static final class ListOptions {
    private final Arguments arguments;

    ListOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** Only keys that begin with this. */
    public ListOptions prefix(String prefix) {
      arguments.put("prefix", prefix);
      return this;
    }

    /** What ends a rolled-up prefix, {@code /} as a rule. Empty: nothing is rolled up. */
    public ListOptions delimiter(String delimiter) {
      arguments.put("delimiter", delimiter);
      return this;
    }

    /** Only what is strictly greater. */
    public ListOptions startAfter(String startAfter) {
      arguments.put("start_after", startAfter);
      return this;
    }

    /** Entries and prefixes of a page together. */
    public ListOptions limit(long limit) {
      arguments.put("limit", limit);
      return this;
    }

    /** {@code next} of the page before, with the same prefix and delimiter. A place in the order of keys, not a snapshot. */
    public ListOptions token(String token) {
      arguments.put("token", token);
      return this;
    }
  }

  private static Arguments listArguments(Consumer<? super ListOptions> options) {
    Arguments arguments = new Arguments();
    if (options != null) options.accept(new ListOptions(arguments));
    return arguments;
  }

  private static ListResult listAnswer(Map<String, Object> result) {
    return new ListResult(result.get("entries"), Result.<String>list(result.get("prefixes")), (String) result.get("next"));
  }

  /**
   * A page of objects in the order of the UTF-8 bytes of their keys. With a delimiter, keys that have it after the prefix are rolled up to one prefix each.
   *
   * @throws OperationException of kind invalid_argument, unavailable
   */
  public ListResult list() {
    return listAnswer(call(Abi.OP_STORAGE_LIST, listArguments(null)));
  }

  /** As above, with options. */
  public ListResult list(Consumer<? super ListOptions> options) {
    return listAnswer(call(Abi.OP_STORAGE_LIST, listArguments(options)));
  }

  /** {@link #list} as a future. */
  public CompletableFuture<ListResult> listAsync() {
    return start(Abi.OP_STORAGE_LIST, listArguments(null), StorageOperations::listAnswer);
  }

  /** {@link #list} as a future, with options. */
  public CompletableFuture<ListResult> listAsync(Consumer<? super ListOptions> options) {
    return start(Abi.OP_STORAGE_LIST, listArguments(options), StorageOperations::listAnswer);
  }

  /** What {@code storage.copy} may be told besides. */
  public static final class CopyOptions {
    private final Arguments arguments;

    CopyOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** Only if the object that is there has this etag. */
    public CopyOptions ifMatch(String ifMatch) {
      arguments.put("if_match", ifMatch);
      return this;
    }

    /** {@code *}: only if nothing is there. */
    public CopyOptions ifNoneMatch(String ifNoneMatch) {
      arguments.put("if_none_match", ifNoneMatch);
      return this;
    }
  }

  private static Arguments copyArguments(String source, String target, Consumer<? super CopyOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("source", source);
    arguments.put("target", target);
    if (options != null) options.accept(new CopyOptions(arguments));
    return arguments;
  }

  private static Object copyAnswer(Map<String, Object> result) {
    return result.get("object");
  }

  /**
   * Copies an object, metadata included, onto another key of the same store.
   *
   * @param source The key that is read.
   * @param target The key that is written; what was there is replaced.
   * @return The object as it is now.
   * @throws OperationException of kind invalid_argument, not_found, condition_failed, too_large, unavailable
   */
  public Object copy(String source, String target) {
    return copyAnswer(call(Abi.OP_STORAGE_COPY, copyArguments(source, target, null)));
  }

  /** As above, with options. */
  public Object copy(String source, String target, Consumer<? super CopyOptions> options) {
    return copyAnswer(call(Abi.OP_STORAGE_COPY, copyArguments(source, target, options)));
  }

  /** {@link #copy} as a future. */
  public CompletableFuture<Object> copyAsync(String source, String target) {
    return start(Abi.OP_STORAGE_COPY, copyArguments(source, target, null), StorageOperations::copyAnswer);
  }

  /** {@link #copy} as a future, with options. */
  public CompletableFuture<Object> copyAsync(String source, String target, Consumer<? super CopyOptions> options) {
    return start(Abi.OP_STORAGE_COPY, copyArguments(source, target, options), StorageOperations::copyAnswer);
  }

  /** What {@code storage.rename} may be told besides. */
  public static final class RenameOptions {
    private final Arguments arguments;

    RenameOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** Only if the object that is there has this etag. */
    public RenameOptions ifMatch(String ifMatch) {
      arguments.put("if_match", ifMatch);
      return this;
    }

    /** {@code *}: only if nothing is there. */
    public RenameOptions ifNoneMatch(String ifNoneMatch) {
      arguments.put("if_none_match", ifNoneMatch);
      return this;
    }
  }

  private static Arguments renameArguments(String source, String target, Consumer<? super RenameOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("source", source);
    arguments.put("target", target);
    if (options != null) options.accept(new RenameOptions(arguments));
    return arguments;
  }

  private static Object renameAnswer(Map<String, Object> result) {
    return result.get("object");
  }

  /**
   * Moves an object, metadata included, to another key of the same store. One step where the backend says so ({@code memory:}, {@code file:}), else a copy and a delete.
   *
   * @param source The key that is read.
   * @param target The key that is written; what was there is replaced.
   * @return The object as it is now.
   * @throws OperationException of kind invalid_argument, not_found, condition_failed, unavailable
   */
  public Object rename(String source, String target) {
    return renameAnswer(call(Abi.OP_STORAGE_RENAME, renameArguments(source, target, null)));
  }

  /** As above, with options. */
  public Object rename(String source, String target, Consumer<? super RenameOptions> options) {
    return renameAnswer(call(Abi.OP_STORAGE_RENAME, renameArguments(source, target, options)));
  }

  /** {@link #rename} as a future. */
  public CompletableFuture<Object> renameAsync(String source, String target) {
    return start(Abi.OP_STORAGE_RENAME, renameArguments(source, target, null), StorageOperations::renameAnswer);
  }

  /** {@link #rename} as a future, with options. */
  public CompletableFuture<Object> renameAsync(String source, String target, Consumer<? super RenameOptions> options) {
    return start(Abi.OP_STORAGE_RENAME, renameArguments(source, target, options), StorageOperations::renameAnswer);
  }

  /**
   * What {@code storage.presign} gives.
   *
   * @param url The URL.
   * @param expiresAt When it ends, in ms since the epoch.
   */
  public record PresignResult(String url, long expiresAt) {}

  /** What {@code storage.presign} may be told besides. */
  public static final class PresignOptions {
    private final Arguments arguments;

    PresignOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** How long it is good for. */
    public PresignOptions expiresS(long expiresS) {
      arguments.put("expires_s", expiresS);
      return this;
    }
  }

  private static Arguments presignArguments(String method, String key, Consumer<? super PresignOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("method", method);
    arguments.put("key", key);
    if (options != null) options.accept(new PresignOptions(arguments));
    return arguments;
  }

  private static PresignResult presignAnswer(Map<String, Object> result) {
    return new PresignResult((String) result.get("url"), Result.int64(result.get("expires_at")));
  }

  /**
   * A URL that lets whoever has it do one thing with one object for a while, without credentials.
   *
   * @param method {@code GET}, {@code PUT} or {@code HEAD}.
   * @param key The key.
   * @throws OperationException of kind invalid_argument, unsupported
   */
  public PresignResult presign(String method, String key) {
    return presignAnswer(call(Abi.OP_STORAGE_PRESIGN, presignArguments(method, key, null)));
  }

  /** As above, with options. */
  public PresignResult presign(String method, String key, Consumer<? super PresignOptions> options) {
    return presignAnswer(call(Abi.OP_STORAGE_PRESIGN, presignArguments(method, key, options)));
  }

  /** {@link #presign} as a future. */
  public CompletableFuture<PresignResult> presignAsync(String method, String key) {
    return start(Abi.OP_STORAGE_PRESIGN, presignArguments(method, key, null), StorageOperations::presignAnswer);
  }

  /** {@link #presign} as a future, with options. */
  public CompletableFuture<PresignResult> presignAsync(String method, String key, Consumer<? super PresignOptions> options) {
    return start(Abi.OP_STORAGE_PRESIGN, presignArguments(method, key, options), StorageOperations::presignAnswer);
  }

  /**
   * What {@code storage.plan_upload} gives.
   *
   * @param upload Opaque, for the two operations below. It can be read, not forged, and is for this key and store only.
   * @param key The key.
   * @param parts An array of {@code {number, method, url, headers, offset, size}}: a request with these headers, whose body is the {@code size} bytes of the object from {@code offset}. Numbers are from 1. Any 2xx says that the part arrived; where parts are ordered, 308 too.
   * @param ordered Whether parts must be sent one after the other ({@code gcs:}).
   * @param expiresAt When the URLs end, in ms since the epoch. The upload can be completed until a day later.
   */
  public record PlanUploadResult(String upload, String key, Object parts, boolean ordered, long expiresAt) {}

  /** What {@code storage.plan_upload} may be told besides. */
  public static final class PlanUploadOptions {
    private final Arguments arguments;

    PlanUploadOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** Size of each part but the last. Rounded up to 256 KiB, and to what 10,000 parts need. */
    public PlanUploadOptions partBytes(long partBytes) {
      arguments.put("part_bytes", partBytes);
      return this;
    }

    /** Content-Type that readers are told. */
    public PlanUploadOptions contentType(String contentType) {
      arguments.put("content_type", contentType);
      return this;
    }

    /** Cache-Control that readers are told. */
    public PlanUploadOptions cacheControl(String cacheControl) {
      arguments.put("cache_control", cacheControl);
      return this;
    }

    /** Content-Disposition that readers are told. */
    public PlanUploadOptions contentDisposition(String contentDisposition) {
      arguments.put("content_disposition", contentDisposition);
      return this;
    }

    /** An object of texts, names and texts together 2048 bytes at most. Names are tokens as in HTTP headers and become lower case. */
    public PlanUploadOptions metadata(Object metadata) {
      arguments.put("metadata", metadata);
      return this;
    }

    /** Only if the object that is there has this etag. */
    public PlanUploadOptions ifMatch(String ifMatch) {
      arguments.put("if_match", ifMatch);
      return this;
    }

    /** {@code *}: only if nothing is there. */
    public PlanUploadOptions ifNoneMatch(String ifNoneMatch) {
      arguments.put("if_none_match", ifNoneMatch);
      return this;
    }

    /** {@code https://HOST[:PORT]} of the pages whose scripts upload: the session of {@code gcs:} answers the browser for no other. Stores besides look at their CORS rules only. */
    public PlanUploadOptions origin(String origin) {
      arguments.put("origin", origin);
      return this;
    }

    /** How long the URLs are good for. A part that has begun by then is taken. */
    public PlanUploadOptions expiresS(long expiresS) {
      arguments.put("expires_s", expiresS);
      return this;
    }
  }

  private static Arguments planUploadArguments(String key, long size, Consumer<? super PlanUploadOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("key", key);
    arguments.put("size", size);
    if (options != null) options.accept(new PlanUploadOptions(arguments));
    return arguments;
  }

  private static PlanUploadResult planUploadAnswer(Map<String, Object> result) {
    return new PlanUploadResult((String) result.get("upload"), (String) result.get("key"), result.get("parts"), Result.bool(result.get("ordered")), Result.int64(result.get("expires_at")));
  }

  /**
   * Lets others, a browser perhaps, upload a large object in parts straight to the store, without credentials: what each part's request is. The object is there once {@code storage.complete_upload} was called.
   *
   * @param key The key.
   * @param size Size of the object.
   * @throws OperationException of kind invalid_argument, unsupported, too_large, unavailable
   */
  public PlanUploadResult planUpload(String key, long size) {
    return planUploadAnswer(call(Abi.OP_STORAGE_PLAN_UPLOAD, planUploadArguments(key, size, null)));
  }

  /** As above, with options. */
  public PlanUploadResult planUpload(String key, long size, Consumer<? super PlanUploadOptions> options) {
    return planUploadAnswer(call(Abi.OP_STORAGE_PLAN_UPLOAD, planUploadArguments(key, size, options)));
  }

  /** {@link #planUpload} as a future. */
  public CompletableFuture<PlanUploadResult> planUploadAsync(String key, long size) {
    return start(Abi.OP_STORAGE_PLAN_UPLOAD, planUploadArguments(key, size, null), StorageOperations::planUploadAnswer);
  }

  /** {@link #planUpload} as a future, with options. */
  public CompletableFuture<PlanUploadResult> planUploadAsync(String key, long size, Consumer<? super PlanUploadOptions> options) {
    return start(Abi.OP_STORAGE_PLAN_UPLOAD, planUploadArguments(key, size, options), StorageOperations::planUploadAnswer);
  }

  /** What {@code storage.complete_upload} may be told besides. */
  public static final class CompleteUploadOptions {
    private final Arguments arguments;

    CompleteUploadOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** The {@code ETag} of each part's answer, in the order of parts: that no other bytes came after it. None, or an empty text, where it is not known ({@code gcs:} and {@code azblob:} tell none). */
    public CompleteUploadOptions etags(List<String> etags) {
      arguments.put("etags", etags);
      return this;
    }
  }

  private static Arguments completeUploadArguments(String key, String upload, Consumer<? super CompleteUploadOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("key", key);
    arguments.put("upload", upload);
    if (options != null) options.accept(new CompleteUploadOptions(arguments));
    return arguments;
  }

  private static Object completeUploadAnswer(Map<String, Object> result) {
    return result.get("object");
  }

  /**
   * Makes the parts the object, in one step. A part that is missing, has another size or another etag is conflict, detail invalid_part: it can be uploaded and the upload completed then. One that the store does not know (any more) is not_found, detail no_such_upload.
   *
   * @param key The key of the plan.
   * @param upload {@code upload} of the plan. Anything else is invalid_argument, detail invalid_upload.
   * @return The object as it is now.
   * @throws OperationException of kind invalid_argument, not_found, condition_failed, conflict, too_large, outcome_unknown, unavailable
   */
  public Object completeUpload(String key, String upload) {
    return completeUploadAnswer(call(Abi.OP_STORAGE_COMPLETE_UPLOAD, completeUploadArguments(key, upload, null)));
  }

  /** As above, with options. */
  public Object completeUpload(String key, String upload, Consumer<? super CompleteUploadOptions> options) {
    return completeUploadAnswer(call(Abi.OP_STORAGE_COMPLETE_UPLOAD, completeUploadArguments(key, upload, options)));
  }

  /** {@link #completeUpload} as a future. */
  public CompletableFuture<Object> completeUploadAsync(String key, String upload) {
    return start(Abi.OP_STORAGE_COMPLETE_UPLOAD, completeUploadArguments(key, upload, null), StorageOperations::completeUploadAnswer);
  }

  /** {@link #completeUpload} as a future, with options. */
  public CompletableFuture<Object> completeUploadAsync(String key, String upload, Consumer<? super CompleteUploadOptions> options) {
    return start(Abi.OP_STORAGE_COMPLETE_UPLOAD, completeUploadArguments(key, upload, options), StorageOperations::completeUploadAnswer);
  }

  private static Arguments abortUploadArguments(String key, String upload) {
    Arguments arguments = new Arguments();
    arguments.put("key", key);
    arguments.put("upload", upload);
    return arguments;
  }

  private static Void abortUploadAnswer(Map<String, Object> result) {
    return null;
  }

  /**
   * Takes away what arrived. One that was completed or aborted is no error, and what was completed stays.
   *
   * @param key The key of the plan.
   * @param upload {@code upload} of the plan. Anything else is invalid_argument, detail invalid_upload.
   * @throws OperationException of kind invalid_argument, unavailable
   */
  public void abortUpload(String key, String upload) {
    abortUploadAnswer(call(Abi.OP_STORAGE_ABORT_UPLOAD, abortUploadArguments(key, upload)));
  }

  /** {@link #abortUpload} as a future. */
  public CompletableFuture<Void> abortUploadAsync(String key, String upload) {
    return start(Abi.OP_STORAGE_ABORT_UPLOAD, abortUploadArguments(key, upload), StorageOperations::abortUploadAnswer);
  }
}
