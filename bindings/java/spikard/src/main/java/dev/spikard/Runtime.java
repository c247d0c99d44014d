package dev.spikard;

import dev.spikard.internal.Json;
import dev.spikard.internal.Native;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** How an application runs as a program. */
final class Runtime {
  private Runtime() {}

  private static final Object LOCK = new Object();
  /** The application that signals end; 0: none. */
  private static long live;

  static long open(Plan plan, boolean configured) {
    long app = Native.appOpen(Json.write(plan.manifest), configured);
    if (app < 0 && app > -4096) throw new ConfigException(Native.lastError());
    return app;
  }

  static void started(long app) {
    if (Native.appStart(app) < 0) {
      String text = Native.lastError();
      Native.appClose(app);
      throw new SpikardException(text);
    }
  }

  /** What the program says about its first listener. The configuration of the process is laid over it by the core. */
  @SuppressWarnings("unchecked")
  static void listen(Map<String, Object> manifest, String host, Integer port) {
    if (host == null && port == null) return;
    if (!(manifest.get("http") instanceof Map<?, ?> http)) throw new ConfigException("host, port: expected an application that serves HTTP; this one has no routes, no event endpoints and no http in its config");
    List<Object> listeners = new ArrayList<>((List<Object>) ((Map<String, Object>) http).getOrDefault("listeners", List.of()));
    Map<String, Object> first = new LinkedHashMap<>(listeners.isEmpty() ? Map.of("address", "127.0.0.1", "port", 8000) : (Map<String, Object>) listeners.get(0));
    if (host != null) first.put("address", host);
    if (port != null) first.put("port", port);
    if (listeners.isEmpty()) listeners.add(first);
    else listeners.set(0, first);
    ((Map<String, Object>) http).put("listeners", listeners);
  }

  static int run(App app, String host, Integer port) {
    Plan plan = app.plan();
    listen(plan.manifest, host, port);
    if ("1".equals(System.getenv("SPIKARD_PRINT_MANIFEST"))) {
      byte[] text = Json.write(plan.manifest);
      System.out.println(new String(text, StandardCharsets.UTF_8));
      System.out.flush();
      return 0;
    }
    long core = open(plan, true);
    started(core);
    Binding binding = new Binding(plan, core);
    synchronized (LOCK) {
      live = core;
    }
    signals(core);
    try {
      app.running(binding);
      binding.start(app.portCount());
      Object code = binding.join(true).get("exit_code");
      return code instanceof Number number ? number.intValue() : 0;
    } finally {
      app.running(null);
      synchronized (LOCK) {
        live = 0;
      }
      Native.appClose(core);
    }
  }

  /** SIGTERM and SIGINT begin the drain; a second one cancels what is in flight. */
  private static void signals(long core) {
    for (String name : List.of("TERM", "INT")) {
      try {
        sun.misc.Signal.handle(new sun.misc.Signal(name), signal -> {
          synchronized (LOCK) {
            if (live == core) Native.drain(core, -1);
          }
        });
      } catch (IllegalArgumentException taken) {
        // The JVM was started with -Xrs, or another owner has it: then only a call of drain ends the application.
        System.getLogger("dev.spikard").log(System.Logger.Level.WARNING, "SIG" + name + " is not handled: " + taken.getMessage());
      }
    }
  }
}
