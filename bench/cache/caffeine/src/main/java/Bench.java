// Caffeine's side of bench/cache/run: see ../../../../main.cpp, whose workloads these are.
import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Random;
import java.util.StringJoiner;
import java.util.TreeMap;

public final class Bench {
  static final byte[] VALUE = "0123456789abcdef".getBytes();
  static final int PASSES = 4;  // the process's CPU time comes in steps of 10 ms
  static volatile Object sink;

  static Cache<String, byte[]> store(long capacity, boolean ttl, boolean inline) {
    Caffeine<Object, Object> builder = Caffeine.newBuilder().maximumSize(capacity);
    if (ttl) builder = builder.expireAfterWrite(Duration.ofHours(1));
    if (inline) builder = builder.executor(Runnable::run);
    return builder.build();
  }

  static double hitRatio(int[] trace, long capacity) {
    Cache<String, byte[]> cache = store(capacity, false, true);
    long hits = 0;
    for (int one : trace) {
      String key = "key:" + one;
      if (cache.getIfPresent(key) != null) {
        hits++;
      } else {
        cache.put(key, VALUE.clone());
      }
    }
    return (double) hits / trace.length;
  }

  static long cpu() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
  }

  static double[] speed(int entries, int threads, boolean ttl) throws Exception {
    Cache<String, byte[]> cache = store(entries, ttl, false);
    String[] keys = new String[4 * entries];
    for (int n = 0; n < keys.length; n++) keys[n] = "key:" + n;
    for (int n = 0; n < entries; n++) cache.put(keys[n], VALUE.clone());
    cache.cleanUp();
    int[] order = new Random(4).ints(1 << 20, 0, entries).toArray();
    double[] out = {Double.MAX_VALUE, Double.MAX_VALUE, Double.MAX_VALUE};
    for (int which = 0; which < 3; which++) {
      final int kind = which;
      for (int round = 0; round < 8; round++) {  // five to warm up
        long before = cpu();
        Thread[] workers = new Thread[threads];
        for (int t = 0; t < threads; t++) {
          final int shift = t * 7919;
          workers[t] = new Thread(() -> {
            Object last = null;
            for (int n = 0; n < PASSES * order.length; n++) {
              int i = order[(n + shift) % order.length];
              switch (kind) {
                case 0 -> last = cache.getIfPresent(keys[i]);
                case 1 -> cache.put(keys[i], VALUE.clone());
                default -> cache.put(keys[(i + n) % keys.length], VALUE.clone());
              }
            }
            sink = last;
          });
          workers[t].start();
        }
        for (Thread worker : workers) worker.join();
        if (round >= 5) out[which] = Math.min(out[which], (double) (cpu() - before) / ((long) PASSES * order.length * threads));
      }
    }
    return out;
  }

  static long used() {
    Runtime runtime = Runtime.getRuntime();
    for (int n = 0; n < 5; n++) System.gc();
    return runtime.totalMemory() - runtime.freeMemory();
  }

  static double overhead() {
    int entries = 200_000;
    long before = used();
    Cache<String, byte[]> cache = store(entries + 20_000, false, true);
    for (int n = 0; n < entries; n++) cache.put(String.format("key:%012d", n), new byte[32]);
    cache.cleanUp();
    double out = (double) (used() - before) / cache.estimatedSize() - 48;
    sink = cache;
    return out;
  }

  public static void main(String[] args) throws Exception {
    if (args[0].equals("-")) {
      double[] v = speed(1000, 1, false);
      System.out.printf(Locale.ROOT, "{\"get\": %.1f, \"set\": %.1f, \"churn\": %.1f}%n", v[0], v[1], v[2]);
      return;
    }
    TreeMap<String, Double> hits = new TreeMap<>();
    try (var paths = Files.list(Path.of(args[0]))) {
      for (Path path : paths.toList()) {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.LITTLE_ENDIAN);
        int[] trace = new int[bytes.remaining() / 4];
        bytes.asIntBuffer().get(trace);
        String name = path.getFileName().toString().replace(".trace", "");
        for (long capacity : new long[] {1_000, 10_000}) hits.put(name + "/" + capacity, hitRatio(trace, capacity));
      }
    }
    TreeMap<String, double[]> ns = new TreeMap<>();
    ns.put("1000 entries", speed(1000, 1, false));
    ns.put("1000 entries, a ttl", speed(1000, 1, true));
    ns.put("1000 entries, 2 threads", speed(1000, 2, false));
    ns.put("100000 entries", speed(100_000, 1, false));
    StringJoiner h = new StringJoiner(", ");
    hits.forEach((k, v) -> h.add(String.format(Locale.ROOT, "\"%s\": %.5f", k, v)));
    StringJoiner s = new StringJoiner(", ");
    ns.forEach((k, v) -> s.add(String.format(Locale.ROOT, "\"%s\": [%.1f, %.1f, %.1f]", k, v[0], v[1], v[2])));
    System.out.printf(Locale.ROOT, "{\"version\": \"3.1.8\", \"hits\": {%s}, \"ns\": {%s}, \"overhead\": %.1f}%n", h, s, overhead());
  }
}
