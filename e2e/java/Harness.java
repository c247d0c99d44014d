import dev.spikard.ConfigException;
import dev.spikard.OperationException;
import dev.spikard.TestServer;
import dev.spikard.internal.Json;
import dev.spikard.internal.Native;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The Java harness of the fixture player (e2e/README.md): JSON lines in and out, one application at a time, built through the binding's public API. */
public final class Harness {
  private static final Pattern DEPENDENCY = Pattern.compile(": ([a-z]+_(?:dependency|mismatch)): ");
  private WebCase web;
  private TestServer server;
  private Toolbox toolbox;
  private final Map<String, List<Object>> told = new LinkedHashMap<>();
  private List<String> environment = List.of();

  private static Map<String, Object> failed(Object... error) {
    return Values.of("ok", false, "error", Values.of(error));
  }

  private Map<String, Object> answer(String line) {
    try {
      Map<String, Object> out = Values.of("ok", true);
      out.putAll(run(Values.map(Json.parse(line))));
      return out;
    } catch (Values.NotBuilt error) {
      return failed("type", "not_built", "message", error.getMessage());
    } catch (ConfigException error) {
      Matcher found = DEPENDENCY.matcher(error.getMessage());
      return failed("type", found.find() ? found.group(1) : "invalid_argument", "message", error.getMessage());
    } catch (OperationException error) {
      return failed("kind", error.kind().text(), "detail", error.detail(), "message", error.getMessage());
    } catch (Throwable error) {
      error.printStackTrace();
      return failed("type", error.getClass().getSimpleName(), "message", String.valueOf(error.getMessage()));
    }
  }

  private Map<String, Object> run(Map<String, Object> request) throws Exception {
    String op = Values.text(request, "op");
    switch (op) {
      case "start": {
        Values.only(request, "op app", "start");
        stop();
        told.clear();
        Map<String, Object> app = Values.map(request.get("app"));
        environment(Values.map(app, "env"));
        web = new WebCase();
        server = TestServer.start(web.make(app), app.containsKey("env"));
        return Values.of("port", server.port());
      }
      case "stop":
        Values.only(request, "op drain_timeout_ms", "stop");
        return Values.of("report", stop());
      case "trace":
        return Values.of("dependency_trace", new ArrayList<>(web.trace));
      case "events":
        return Values.of("events", new ArrayList<>(web.events));
      case "spans", "logs", "metrics":
        return Values.of(op, telemetry(op));
      case "backends":
        Values.only(request, "op subsystem", "backends");
        if (!Driver.known(Values.text(request, "subsystem"))) throw new Values.NotBuilt("client " + request.get("subsystem"));
        return Values.of("backends", Driver.backends(Values.text(request, "subsystem")));
      case "client":
        Values.only(request, "op client", "client");
        close();
        told.clear();
        toolbox = new Toolbox(Values.map(request.get("client")));
        return Values.of("capabilities", toolbox.driver.capabilities());
      case "do":
        Values.only(request, "op do args", "do");
        if (toolbox == null) throw new IllegalStateException("there is no client");
        return Values.of("result", toolbox.op(Values.text(request, "do"), Values.map(request.get("args"))));
      case "close":
        close();
        return Map.of();
      default:
        throw new Values.NotBuilt("op " + op);
    }
  }

  /** Set before the start, and put back by the next. The core reads it. */
  private void environment(Map<String, Object> env) {
    for (String name : environment) Native.setenv(name, System.getenv(name));
    environment = new ArrayList<>(env.keySet());
    env.forEach((name, value) -> Native.setenv(name, (String) value));
  }

  /** Since the start: the exporter gives each once. */
  private Object telemetry(String what) {
    TestServer running = server != null ? server : toolbox.test;
    dev.spikard.Telemetry client = new dev.spikard.App().telemetry();
    if (what.equals("metrics")) return running.run(client::collectMetrics);
    List<Object> all = told.computeIfAbsent(what, key -> new ArrayList<>());
    Object more = running.run(() -> what.equals("spans") ? client.takeSpans() : client.takeLogs());
    ((List<?>) more).forEach(all::add);
    return all;
  }

  private void close() {
    if (toolbox == null) return;
    Toolbox closing = toolbox;
    toolbox = null;
    closing.close();
  }

  private Object stop() {
    if (server == null) return null;
    TestServer stopping = server;
    server = null;
    return stopping.stop();
  }

  public static void main(String[] args) throws Exception {
    // Standard output is the protocol's alone: whatever else prints goes to standard error.
    PrintStream replies = new PrintStream(new java.io.FileOutputStream(java.io.FileDescriptor.out), true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    Harness harness = new Harness();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line; (line = in.readLine()) != null; ) {
      replies.println(Json.text(harness.answer(line)));
    }
    harness.close();
    harness.stop();
    System.exit(0);
  }
}
