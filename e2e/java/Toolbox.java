import dev.spikard.App;
import dev.spikard.TestApp;
import dev.spikard.TestServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The client of a case, in an application of its own under a virtual clock, or in real time where a server owns the waits. */
final class Toolbox {
  final Driver driver;
  final TestServer test;
  private final Path folder;

  Toolbox(Map<String, Object> client) throws IOException {
    Object telemetry = client.size() > 1 ? client.get("telemetry") : null;
    List<String> names = client.keySet().stream().filter(name -> !(name.equals("telemetry") && client.size() > 1)).toList();
    if (names.size() != 1 || !Driver.known(names.get(0))) throw new Values.NotBuilt("client " + client.keySet());
    Map<String, Object> config = Values.map(client.get(names.get(0)));
    folder = Files.createTempDirectory("spikard-e2e-");
    App app = new App("case");
    Map<String, Object> manifest = Values.of("log", Values.of("level", "error"), "http", null, "shutdown", Values.of("timeout_ms", 2000));
    if (telemetry != null) manifest.put("telemetry", telemetry);
    driver = Driver.make(names.get(0), app, config, folder);
    Map<String, Object> services = driver.services();
    if (driver.realTime()) {
      manifest.put("services", services);
      app.config(manifest);
      test = TestServer.start(app);
    } else {
      app.config(manifest);
      TestApp virtual = TestApp.of(app).services(services);
      if (config.get("clock") instanceof String clock) virtual.at(Instant.parse(clock));
      test = virtual.start();
    }
    try {
      test.run(() -> {
        driver.open();
        return null;
      });
    } catch (RuntimeException error) {
      close();
      throw error;
    }
  }

  Object op(String op, Map<String, Object> args) {
    if (op.equals("advance_clock")) {
      test.advance(Duration.ofMillis(Values.number(args.get("ms"))));
      return null;
    }
    return Values.packed(test.run(() -> driver.op(op, Values.map(Values.unpacked(args)))));
  }

  void close() {
    try {
      test.run(() -> {
        driver.close();
        return null;
      });
    } finally {
      test.stop(true);
      try (Stream<Path> files = Files.walk(folder)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) Files.deleteIfExists(file);
      } catch (IOException left) {
        System.err.println(left);
      }
    }
  }

  static Map<String, Object> copy(Map<String, Object> map) {
    return new LinkedHashMap<>(map);
  }
}
