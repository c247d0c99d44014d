package dev.spikard;

import dev.spikard.internal.Abi;
import dev.spikard.internal.Arguments;
import dev.spikard.internal.Json;
import dev.spikard.internal.Native;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

/** Serves an App in this process, on a free port of 127.0.0.1: {@code try (TestServer server = TestServer.start(app)) ...}. */
public class TestServer implements AutoCloseable {
  final App app;
  private final boolean configured;
  private long core;
  Binding binding;
  private int port;
  private Map<String, Object> report = new LinkedHashMap<>();

  TestServer(App app, boolean configured) {
    this.app = app;
    this.configured = configured;
  }

  public static TestServer start(App app) {
    return start(app, false);
  }

  /** configured: with what spikard.toml and the environment say, as when it is run. */
  public static TestServer start(App app, boolean configured) {
    TestServer server = new TestServer(app, configured);
    server.begin();
    return server;
  }

  /** Changes the manifest before it is opened. */
  void adjust(Map<String, Object> manifest) {
    if (manifest.get("http") instanceof Map<?, ?>) Maps.child(manifest, "http").put("listeners", new ArrayList<>(List.of(Maps.of("address", "127.0.0.1", "port", 0))));
  }

  void begin() {
    Plan plan = app.plan();
    adjust(plan.manifest);
    core = Runtime.open(plan, configured);
    Runtime.started(core);
    try {
      if (plan.manifest.get("http") instanceof Map<?, ?>) port = portOf(Json.parse(Native.info(core)));
      binding = new Binding(plan, core);
      app.running(binding);
      binding.start(app.portCount());
    } catch (RuntimeException | Error error) {
      app.running(null);
      binding = null;
      Native.appClose(core);
      throw error;
    }
  }

  private static int portOf(Object info) {
    for (String member : List.of("listeners", "addresses")) {
      if (!(((Map<?, ?>) info).get(member) instanceof List<?> all)) continue;
      for (Object one : all) {
        if (one instanceof Map<?, ?> listener && listener.get("port") instanceof Long number && number != 0) return number.intValue();
        if (one instanceof String address && address.contains(":")) return Integer.parseInt(address.substring(address.lastIndexOf(':') + 1));
      }
    }
    throw new SpikardException("no address was bound: " + info);
  }

  public int port() {
    return port;
  }

  /** {@code http://127.0.0.1:PORT}. */
  public String url() {
    return "http://127.0.0.1:" + port;
  }

  Binding live() {
    if (binding == null) throw new SpikardException("the server does not run");
    return binding;
  }

  /** Runs something inside the application, on this thread: clients of the toolbox work in it. */
  public <T> T run(Callable<T> fn) {
    return inside(live().scope, fn);
  }

  static <T> T inside(Scope scope, Callable<T> fn) {
    try {
      return scope.call(fn);
    } catch (RuntimeException error) {
      throw error;
    } catch (Exception error) {
      throw new SpikardException(String.valueOf(error.getMessage()), error);
    }
  }

  Map<String, Object> operation(int operation, Arguments arguments) {
    Binding binding = live();
    return binding.port().call(operation, 0, arguments, binding.scope, result -> result, null).await(true);
  }

  /** Moves a virtual clock ({@code "clock": "virtual"}). */
  public void advance(Duration span) {
    operation(Abi.OP_TEST_ADVANCE, new Arguments().put("ms", span.toMillis()));
  }

  /** Waits until everything that can run at this time of a virtual clock has run. */
  public void settle() {
    operation(Abi.OP_TEST_SETTLE, new Arguments());
  }

  /** Drains and gives the report. */
  public Map<String, Object> stop() {
    return stop(false);
  }

  /** force: cuts it short. */
  public Map<String, Object> stop(boolean force) {
    if (binding == null) return report;
    Native.drain(core, -1);
    if (force) Native.drain(core, -1);
    try {
      report = binding.join(true);
    } finally {
      app.running(null);
      binding = null;
      Native.appClose(core);
    }
    return report;
  }

  /** {@link #stop}. */
  @Override
  public void close() {
    stop();
  }
}
