import dev.spikard.App;
import dev.spikard.Cache;
import dev.spikard.CloudEventsOperations;
import dev.spikard.Errors;
import dev.spikard.RetryClass;
import dev.spikard.Spikard;
import dev.spikard.Storage;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;

/** One client of a case: its configuration and its ops. */
abstract class Driver {
  static final List<String> CLIENTS = List.of("cache", "storage", "db", "messaging", "tasks", "cron", "cloudevents", "telemetry");

  final App app;
  final Map<String, Object> config;
  final Path folder;

  Driver(App app, Map<String, Object> config, Path folder) {
    this.app = app;
    this.config = config;
    this.folder = folder;
  }

  static boolean known(String name) {
    return CLIENTS.contains(name);
  }

  static Driver make(String name, App app, Map<String, Object> config, Path folder) {
    return switch (name) {
      case "cache" -> new OfCache(app, config, folder);
      case "storage" -> new OfStorage(app, config, folder);
      case "db" -> new WorkDrivers.OfDb(app, config, folder);
      case "messaging" -> new WorkDrivers.OfMessaging(app, config, folder);
      case "tasks" -> new WorkDrivers.OfTasks(app, config, folder);
      case "cron" -> new OfCron(app, config, folder);
      case "cloudevents" -> new OfCloudEvents(app, config, folder);
      default -> new OfTelemetry(app, config, folder);
    };
  }

  /** A setting of tools/services; empty: the server is not there. */
  static String setting(String name) {
    return System.getenv().getOrDefault("SPIKARD_TEST_" + name, "");
  }

  private static List<String> with(List<String> always, String... servers) {
    List<String> out = new ArrayList<>(always);
    for (String server : servers) {
      if (!setting(server.toUpperCase(java.util.Locale.ROOT) + "_URL").isEmpty()) out.add(server);
    }
    return out;
  }

  /** What `any` stands for. */
  static List<String> backends(String name) {
    return switch (name) {
      case "cache" -> {
        List<String> out = with(List.of("memory"), "redis");
        if (out.contains("redis")) out.add("tiered");
        yield out;
      }
      case "storage" -> with(List.of("memory", "fs"), "s3", "gcs", "azblob");
      case "db" -> with(List.of("sqlite"), "postgres", "mysql");
      case "messaging" -> with(List.of("memory", "sqlite"), "amqp", "kafka", "mqtt", "nats", "redis");
      case "tasks" -> with(List.of("memory", "sqlite"), "postgres", "mysql", "redis");
      default -> List.of();
    };
  }

  Map<String, Object> services() {
    return Values.of();
  }

  /** A server owns the waits: no virtual clock. */
  boolean realTime() {
    return false;
  }

  List<String> capabilities() {
    return List.of();
  }

  void open() {}

  void close() {}

  abstract Object op(String name, Map<String, Object> args) throws Exception;

  Values.NotBuilt unknown(String name) {
    return new Values.NotBuilt("op " + name);
  }

  String url(String kind, Map<String, String> schemes) {
    if (!schemes.containsKey(kind)) throw new Values.NotBuilt("backend " + kind);
    return schemes.get(kind).replace("FOLDER", folder.toString());
  }

  static Duration ms(Object value) {
    return Duration.ofMillis(Values.number(value));
  }

  static List<String> texts(Map<String, Object> args, String name) {
    List<String> out = new ArrayList<>();
    Values.list(args, name).forEach(one -> out.add((String) one));
    return out;
  }

  // ---- cache

  private static final class OfCache extends Driver {
    private Cache cache;

    OfCache(App app, Map<String, Object> config, Path folder) {
      super(app, config, folder);
    }

    @Override
    Map<String, Object> services() {
      Values.only(config, "backend default_ttl_ms max_entries", "cache");
      Map<String, Object> one = Values.without(config, "backend");
      Map<String, String> urls = new LinkedHashMap<>(Map.of("memory", "memory:"));
      if (!setting("REDIS_URL").isEmpty()) {
        String empty = setting("REDIS_URL") + "?prefix=e2e:" + UUID.randomUUID().toString().replace("-", "");
        urls.put("redis", empty);
        urls.put("tiered", "tiered+" + empty);
      }
      one.put("url", url(Values.text(config, "backend"), urls));
      return Values.of("cache", Values.of("default", one));
    }

    @Override
    void open() {
      cache = app.cache();
    }

    private Callable<byte[]> loader(Map<String, Object> load, AtomicInteger count) {
      Values.only(load, "value fail sleep_ms", "load");
      return () -> {
        count.incrementAndGet();
        if (load.get("sleep_ms") != null && Values.number(load.get("sleep_ms")) > 0) Spikard.sleep(ms(load.get("sleep_ms")));
        if (load.containsKey("fail")) throw new IllegalStateException(Values.text(load, "fail"));
        return Values.bytes(load.get("value"));
      };
    }

    @Override
    Object op(String name, Map<String, Object> args) throws Exception {
      String key = Values.text(args, "key");
      boolean forever = args.containsKey("ttl_ms") && args.get("ttl_ms") == null;
      Duration ttl = args.get("ttl_ms") == null ? null : ms(args.get("ttl_ms"));
      switch (name) {
        case "get":
          return cache.get(key);
        case "set":
          if (args.size() == 2) cache.set(key, Values.bytes(args.get("value")));
          else cache.set(key, Values.bytes(args.get("value")), given -> {
            if (forever) given.forever(true);
            else given.ttl(ttl);
          });
          return null;
        case "delete":
          return cache.delete(key);
        case "exists":
          return cache.exists(key);
        case "count":
          return cache.count();
        case "clear":
          cache.clear();
          return null;
        case "get_many":
          return cache.getMany(texts(args, "keys"));
        case "set_many":
          Map<String, byte[]> items = new LinkedHashMap<>();
          Values.map(args.get("items")).forEach((each, value) -> items.put(each, Values.bytes(value)));
          cache.setMany(items, given -> {
            if (forever) given.forever(true);
            else if (ttl != null) given.ttl(ttl);
          });
          return null;
        case "set_if_absent":
          return cache.setIfAbsent(key, Values.bytes(args.get("value")), given -> {
            if (forever) given.forever(true);
            else if (ttl != null) given.ttl(ttl);
          });
        case "delete_if":
          return cache.deleteIf(key, Values.bytes(args.get("equals")));
        case "increment":
          return args.containsKey("by") ? cache.increment(key, given -> given.by(Values.number(args.get("by")))) : cache.increment(key);
        case "touch":
          return cache.touch(key, given -> {
            if (forever) given.forever(true);
            else if (ttl != null) given.ttl(ttl);
          });
        case "ttl": {
          Duration left = cache.ttl(key);
          return left == null ? null : left.toMillis();
        }
        case "use_namespace":
          cache = app.cache().namespaced(Values.text(args, "namespace"));
          return null;
        case "get_or_load": {
          AtomicInteger count = new AtomicInteger();
          byte[] value = cache.getOrLoad(key, loader(Values.map(args.get("load")), count), given -> {
            if (forever) given.forever(true);
            else if (ttl != null) given.ttl(ttl);
          });
          return Values.of("value", value, "loaded", count.get() > 0);
        }
        case "get_or_load_concurrent": {
          AtomicInteger count = new AtomicInteger();
          Callable<byte[]> loader = loader(Values.map(args.get("load")), count);
          return concurrent(args, count, () -> cache.getOrLoad(key, loader, given -> {
            if (forever) given.forever(true);
            else if (ttl != null) given.ttl(ttl);
          }));
        }
        default:
          throw unknown(name);
      }
    }

    private Object concurrent(Map<String, Object> args, AtomicInteger count, Callable<byte[]> call) throws Exception {
      List<CompletableFuture<byte[]>> calls = new ArrayList<>();
      for (long i = 1; i < Values.number(args.get("callers")); ++i) calls.add(Spikard.async(call));
      List<Object> values = new ArrayList<>();
      Exception failed = null;
      try {
        values.add(call.call());
      } catch (Exception error) {
        failed = error;
      }
      for (CompletableFuture<byte[]> one : calls) {
        try {
          values.add(Spikard.join(one));
        } catch (CompletionException error) {
          failed = (Exception) error.getCause();
        } catch (RuntimeException error) {
          failed = error;
        }
      }
      if (failed != null) throw failed;
      return Values.of("values", values, "loads", count.get());
    }
  }

  // ---- storage

  private static final class OfStorage extends Driver {
    private Storage storage;

    OfStorage(App app, Map<String, Object> config, Path folder) {
      super(app, config, folder);
    }

    @Override
    List<String> capabilities() {
      return List.of("metadata", "conditional_write", "uploads");
    }

    private static Map<String, Object> onServer(String kind) {
      String place = "e2e-" + UUID.randomUUID();
      switch (kind) {
        case "s3":
          return Values.of("url", "s3://" + setting("S3_BUCKET") + "/" + place, "s3",
              Values.of("endpoint", setting("S3_URL"), "addressing", "path", "access_key", setting("S3_ACCESS_KEY"), "secret_key", setting("S3_SECRET_KEY")));
        case "gcs":
          return Values.of("url", "gcs://" + setting("GCS_BUCKET") + "/" + place, "gcs", Values.of("endpoint", setting("GCS_URL"), "anonymous", true), "presign",
              Values.of("secret", "of the tokens"));
        default:
          return Values.of("url", "azblob://" + setting("AZBLOB_CONTAINER") + "/" + place, "azblob",
              Values.of("endpoint", setting("AZBLOB_URL"), "account", setting("AZBLOB_ACCOUNT"), "account_key", setting("AZBLOB_KEY")));
      }
    }

    @Override
    Map<String, Object> services() {
      String kind = Values.text(config, "backend");
      Map<String, Object> one;
      if (List.of("s3", "gcs", "azblob").contains(kind) && !config.containsKey("bucket")) {
        Values.only(config, "backend", "storage");
        one = onServer(kind);
      } else if (kind.equals("s3")) {
        Values.only(config, "backend bucket region endpoint addressing access_key secret_key clock", "storage");
        one = Values.of("url", "s3://" + config.get("bucket"), "s3", Values.without(config, "backend", "bucket", "clock"));
      } else {
        Values.only(config, "backend", "storage");
        one = Values.of("url", url(kind, Map.of("memory", "memory:", "fs", "file:FOLDER/objects")));
      }
      return Values.of("storage", Values.of("default", one));
    }

    @Override
    void open() {
      storage = app.storage();
    }

    private Iterable<byte[]> pieces(Map<String, Object> args) {
      Map<String, Object> pattern = Values.map(args.get("pattern"));
      byte[] repeat = Values.text(pattern, "repeat").getBytes(StandardCharsets.UTF_8);
      byte[] data = new byte[(int) Values.number(pattern.get("bytes"))];
      for (int i = 0; i < data.length; ++i) data[i] = repeat[i % repeat.length];
      int piece = (int) Values.number(args.get("piece"));
      long abortAfter = args.get("abort_after") == null ? Long.MAX_VALUE : Values.number(args.get("abort_after"));
      return () -> new Iterator<>() {
        private int at;

        @Override
        public boolean hasNext() {
          if (at >= abortAfter) throw new GaveUp();
          return at < data.length;
        }

        @Override
        public byte[] next() {
          byte[] one = Arrays.copyOfRange(data, at, Math.min(data.length, at + piece));
          at += one.length;
          return one;
        }
      };
    }

    private static final class GaveUp extends RuntimeException {
      private static final long serialVersionUID = 1;
    }

    @Override
    Object op(String name, Map<String, Object> args) {
      String key = Values.text(args, "key");
      switch (name) {
        case "write":
          Values.only(args, "key data content_type cache_control content_disposition metadata if_none_match if_match", "write");
          storage.write(key, Values.bytes(args.get("data")), given -> {
            if (args.containsKey("content_type")) given.contentType(Values.text(args, "content_type"));
            if (args.containsKey("cache_control")) given.cacheControl(Values.text(args, "cache_control"));
            if (args.containsKey("content_disposition")) given.contentDisposition(Values.text(args, "content_disposition"));
            if (args.containsKey("metadata")) given.metadata(strings(Values.map(args.get("metadata"))));
            if (args.containsKey("if_none_match")) given.ifNoneMatch(Values.text(args, "if_none_match"));
            if (args.containsKey("if_match")) given.ifMatch(Values.text(args, "if_match"));
          });
          return null;
        case "write_stream":
          try {
            storage.writeStream(key, pieces(args));
          } catch (GaveUp error) {
            throw new Errors.Cancelled("the writer gave up", "aborted", RetryClass.values()[0]);
          }
          return null;
        case "read":
          Values.only(args, "key offset length suffix if_match if_none_match", "read");
          return storage.read(key, given -> {
            if (args.containsKey("offset")) given.offset(Values.number(args.get("offset")));
            if (args.containsKey("length")) given.length(Values.number(args.get("length")));
            if (args.containsKey("suffix")) given.suffix(Values.number(args.get("suffix")));
          }).data();
        case "stat":
          return storage.stat(key);
        case "exists":
          return storage.exists(key);
        case "delete":
          storage.delete(key);
          return null;
        case "copy":
          storage.copy(Values.text(args, "source"), Values.text(args, "target"));
          return null;
        case "list":
          Values.only(args, "prefix delimiter start_after limit token", "list");
          return storage.list(given -> {
            if (args.containsKey("prefix")) given.prefix(Values.text(args, "prefix"));
            if (args.containsKey("delimiter")) given.delimiter(Values.text(args, "delimiter"));
            if (args.containsKey("start_after")) given.startAfter(Values.text(args, "start_after"));
            if (args.containsKey("limit")) given.limit(Values.number(args.get("limit")));
            if (args.containsKey("token")) given.token(Values.text(args, "token"));
          });
        case "presign":
          return storage.presign(Values.text(args, "method"), key, given -> given.expiresS(Values.number(args.get("expires_s")))).url();
        case "plan_upload":
          Values.only(args, "key size part_bytes content_type cache_control content_disposition metadata if_match if_none_match origin expires_s", "plan_upload");
          return storage.planUpload(key, Values.number(args.get("size")), given -> {
            if (args.containsKey("part_bytes")) given.partBytes(Values.number(args.get("part_bytes")));
            if (args.containsKey("content_type")) given.contentType(Values.text(args, "content_type"));
            if (args.containsKey("cache_control")) given.cacheControl(Values.text(args, "cache_control"));
            if (args.containsKey("content_disposition")) given.contentDisposition(Values.text(args, "content_disposition"));
            if (args.containsKey("metadata")) given.metadata(args.get("metadata"));
            if (args.containsKey("if_match")) given.ifMatch(Values.text(args, "if_match"));
            if (args.containsKey("if_none_match")) given.ifNoneMatch(Values.text(args, "if_none_match"));
            if (args.containsKey("origin")) given.origin(Values.text(args, "origin"));
            if (args.containsKey("expires_s")) given.expiresS(Values.number(args.get("expires_s")));
          });
        case "complete_upload":
          Values.only(args, "key upload etags", "complete_upload");
          return storage.completeUpload(key, Values.text(args, "upload"), given -> {
            if (args.containsKey("etags")) given.etags(texts(args, "etags"));
          });
        case "abort_upload":
          Values.only(args, "key upload", "abort_upload");
          storage.abortUpload(key, Values.text(args, "upload"));
          return null;
        default:
          throw unknown(name);
      }
    }
  }

  static Map<String, String> strings(Map<String, Object> map) {
    Map<String, String> out = new LinkedHashMap<>();
    map.forEach((key, value) -> out.put(key, (String) value));
    return out;
  }

  // ---- without a backend

  private static final class OfCron extends Driver {
    OfCron(App app, Map<String, Object> config, Path folder) {
      super(app, config, folder);
    }

    @Override
    Object op(String name, Map<String, Object> args) {
      if (!name.equals("next")) throw unknown(name);
      Values.only(args, "expr timezone after count", "next");
      return app.cron().next(Values.text(args, "expr"), given -> {
        if (args.containsKey("timezone")) given.timezone(Values.text(args, "timezone"));
        if (args.containsKey("after")) given.after(args.get("after"));
        if (args.containsKey("count")) given.count(Values.number(args.get("count")));
      });
    }
  }

  private static final class OfCloudEvents extends Driver {
    OfCloudEvents(App app, Map<String, Object> config, Path folder) {
      super(app, config, folder);
    }

    @Override
    @SuppressWarnings("unchecked")
    Object op(String name, Map<String, Object> args) {
      if (name.equals("encode")) {
        Values.only(args, "event binding mode key_mapper", "encode");
        CloudEventsOperations.EncodeResult result = app.cloudEvents().encode(args.get("event"), given -> {
          if (args.containsKey("binding")) given.binding(Values.text(args, "binding"));
          if (args.containsKey("mode")) given.mode(Values.text(args, "mode"));
          if (args.get("key_mapper") != null) given.keyMapper(Values.text(args, "key_mapper"));
        });
        Map<String, Object> out = Values.map(Values.packed(result));
        out.values().removeIf(java.util.Objects::isNull);
        return out;
      }
      if (!name.equals("decode")) throw unknown(name);
      Values.only(args, "binding headers properties body content_type key", "decode");
      Object decoded = app.cloudEvents().decode(given -> {
        if (args.get("binding") != null) given.binding(Values.text(args, "binding"));
        if (args.get("headers") != null) given.headers(args.get("headers"));
        if (args.get("properties") != null) given.properties(args.get("properties"));
        if (args.get("body") != null) given.body(Values.bytes(args.get("body")));
        if (args.get("content_type") != null) given.contentType(Values.text(args, "content_type"));
      }).events();
      Map<String, Object> event = new LinkedHashMap<>(((List<Map<String, Object>>) decoded).get(0));
      if (event.containsKey("data") && event.get("data") == null) event.remove("data");
      return event;
    }
  }

  private static final class OfTelemetry extends Driver {
    OfTelemetry(App app, Map<String, Object> config, Path folder) {
      super(app, config, folder);
    }

    @Override
    Object op(String name, Map<String, Object> args) {
      return switch (name) {
        case "parse_traceparent" -> app.telemetry().parseTraceparent(Values.text(args, "value"));
        case "parse_tracestate" -> app.telemetry().parseTracestate(texts(args, "values"));
        case "parse_baggage" -> app.telemetry().parseBaggage(texts(args, "values"));
        default -> throw unknown(name);
      };
    }
  }
}
