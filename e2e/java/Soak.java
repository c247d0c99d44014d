import dev.spikard.App;
import dev.spikard.Cache;
import dev.spikard.Config;
import dev.spikard.Database;
import dev.spikard.Storage;
import dev.spikard.TestServer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** Operations of the toolbox, as many as are asked for; prints how many are done and what is resident (MB), twenty times. `e2e/scenarios/soak.py java` judges. */
final class Soak {
  private Soak() {}

  private static double resident() throws Exception {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmRSS:")) return Long.parseLong(line.replaceAll("[^0-9]", "")) / 1024.0;
    }
    throw new IllegalStateException("no VmRSS");
  }

  public static void main(String[] args) throws Exception {
    int operations = Integer.parseInt(args[0]);
    App app = new App("soak").config(Map.of("log", Map.of("level", "off")));
    Cache cache = app.cache();
    Storage storage = app.storage("default", new Config.StorageConfig().url("memory:"));
    Database db = app.db("default", new Config.DbConfig().url("sqlite::memory:"));
    try (TestServer server = TestServer.start(app)) {
      server.run(() -> {
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)");
        db.execute("INSERT INTO t VALUES (1, 0)");
        int done = 0;
        for (int part = 1; part <= 20; ++part) {
          for (; done < operations / 20 * part; done += 10) {
            String key = "k" + done % 1000;
            cache.set(key, "v".repeat(100 + done % 8000)); // at once, some larger than a reply's buffer
            if (cache.get(key) == null) throw new IllegalStateException("a miss");
            cache.getOrLoad("l" + done % 500, () -> "loaded".getBytes(StandardCharsets.UTF_8));
            CompletableFuture<byte[]> later = cache.getAsync(key);
            storage.write("o" + done % 50, new byte[10_000]);
            if (storage.read("o" + done % 50).data().length != 10_000) throw new IllegalStateException("cut");
            db.execute("UPDATE t SET n = n + 1 WHERE id = ?", 1);
            db.first("SELECT n FROM t WHERE id = ?", 1);
            CompletableFuture<Long> begun = db.operations().beginAsync();
            if (done % 20 != 0 || !begun.cancel(true)) db.operations().rollback(begun.get());
            later.get();
          }
          System.out.printf(java.util.Locale.ROOT, "%d %.1f%n", done, resident());
        }
        return null;
      });
    }
  }
}
