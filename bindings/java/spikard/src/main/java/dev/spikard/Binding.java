package dev.spikard;

import dev.spikard.internal.Abi;
import dev.spikard.internal.Json;
import dev.spikard.internal.Native;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/** The live side of a Plan: its ports, its threads, and what events mean. */
final class Binding {
  /** Groups of operations that another subsystem's clients have. */
  private static final Map<String, String> OWNERS = Map.of("cron", "tasks");

  final Plan plan;
  final long app;
  final Scope scope;
  final String problemBase;
  /** Telemetry is on. */
  final boolean traced;
  /** Time is a test's. */
  private final boolean virtual;
  private final Map<String, Object> clients;
  final Map<Long, Object> tokens = new ConcurrentHashMap<>();
  final Map<Long, AutoCloseable> closers = new ConcurrentHashMap<>();
  final AtomicLong nextToken = new AtomicLong(1L << 32);
  /** Handlers of what operations started, by the number that these were told. */
  final Map<Long, Plan.WorkSource> dynamic = new ConcurrentHashMap<>();
  /** Threads that run for a test and do not rest. */
  final AtomicInteger guests = new AtomicInteger();
  final CountDownLatch stopped = new CountDownLatch(1);
  final CompletableFuture<Void> stopping = new CompletableFuture<>();
  private final ExecutorService executor;
  private final Http http;
  private final WorkHandlers work;
  private volatile Throwable failure;
  private Port[] ports = {};
  private Thread[] threads = {};

  @SuppressWarnings("unchecked")
  Binding(Plan plan, long app) {
    this.plan = plan;
    this.app = app;
    Map<String, Object> info = (Map<String, Object>) Json.parse(Native.info(app));
    problemBase = (String) info.getOrDefault("problem_base", Problem.BASE);
    virtual = "virtual".equals(plan.manifest.get("clock"));
    traced = Boolean.TRUE.equals(info.get("telemetry"));
    clients = (Map<String, Object>) info.getOrDefault("clients", Map.of());
    scope = new Scope(this, null, null, false);
    tokens.putAll(plan.tokens);
    executor = plan.executor != null ? plan.executor : Threads.make(plan.threads);
    http = new Http(this);
    work = new WorkHandlers(this);
  }

  // ---- threads

  Executor executor() {
    return executor;
  }

  /** Runs something on a thread that may block; on this one when there is none any more: the application ends, and what waits is told so here. */
  void execute(Scope in, Runnable fn) {
    execute(in, fn, refused -> fn.run());
  }

  /** As above; `refused` gets why no thread takes it. */
  void execute(Scope in, Runnable fn, Consumer<Throwable> refused) {
    boolean guest = in != null && in.guest;
    if (guest) guests.incrementAndGet();
    try {
      executor.execute(() -> {
        try {
          if (in == null) fn.run();
          else in.run(fn);
        } catch (Throwable error) {
          log("on a thread of the executor", error);
        } finally {
          if (guest) guests.decrementAndGet();
        }
      });
    } catch (RuntimeException | Error error) { // an executor that is full or at its end, or no memory for a thread
      if (guest) guests.decrementAndGet();
      refused.accept(error);
    }
  }

  /** The port for what begins on this thread. */
  Port port() {
    Scope here = Scope.current();
    if (here != null && here.binding == this && here.work != null) return here.work.port;
    Port[] all = ports;
    if (all.length == 0) throw new SpikardException("the application does not run");
    if (all.length > 1) {
      for (Port port : all) {
        if (port.isLoopThread()) return port;
      }
      return all[(int) (Thread.currentThread().getId() % all.length)];
    }
    return all[0];
  }

  void noBlocking() {
    for (Port port : ports) port.noBlocking("a future");
  }

  /** How many operations and timers were begun. */
  long begun() {
    long n = 0;
    for (Port port : ports) n += port.users.get();
    return n;
  }

  /** Operations and timers whose end has not come, streams, jobs, and what is owed to the core. */
  int held() {
    int n = 0;
    for (Port port : ports) n += port.waiting.size() + port.streams.size() + port.jobs.size() + port.owed.size();
    return n;
  }

  int clientNumber(String group, String name) {
    Object known = clients.get(OWNERS.getOrDefault(group, group));
    int at = known instanceof List<?> names ? names.indexOf(name) : -1;
    if (at < 0) throw new ConfigException("there is no " + group + " client '" + name + "'; those of the application: " + (known == null ? "none" : known));
    return at;
  }

  // ---- events

  void onEvent(Port port, Port.Event event) {
    switch (event.kind) {
      case Abi.EV_REQUEST -> http.request(port, event);
      case Abi.EV_HOOK -> http.hook(port, event);
      case Abi.EV_FACTORY -> http.factory(port, event);
      case Abi.EV_DISPOSE -> http.dispose(port, event);
      case Abi.EV_CHUNK -> {
        byte[] bytes = Port.Records.bytes(event.rec, event.base, Abi.AT_RECORD_BODY);
        StreamCall stream = event.user == 0 ? null : port.streams.get(event.user);
        Work of = stream == null ? port.owed.get(event.id) : null;
        if (stream != null) stream.onChunk(event.id, bytes);
        else if (of != null) of.onChunk(bytes, (event.flags & Abi.F_LAST) != 0);
      }
      case Abi.EV_CREDIT -> {
        StreamCall stream = event.user == 0 ? null : port.streams.get(event.user);
        Work of = stream == null ? port.owed.get(event.id) : null;
        if (stream != null) stream.onCredit(event.id, event.arg);
        else if (of != null) of.onCredit(event.arg);
      }
      case Abi.EV_CANCEL -> {
        Work of = port.owed.get(event.id);
        if (of != null) {
          of.cancel(CancelReason.of(event.arg));
          if (virtual) of.awaitReaction();
        }
      }
      case Abi.EV_TASK -> {
        if (event.rec == null) background(port, event.id, event.user);
        else work.handle(port, event);
      }
      case Abi.EV_MESSAGE, Abi.EV_CLOUDEVENT -> work.handle(port, event);
      case Abi.EV_STATE -> {
        if (event.arg >= Abi.DRAINING && !stopping.isDone()) execute(null, () -> stopping.complete(null));
        if (event.arg == Abi.STOPPED) port.stop();
      }
      default -> {
      }
    }
  }

  /** In whose name a thread runs a handler. Only the loop's thread can ask for the handler's span, so it does so here. */
  Scope scopeOf(Port port, Work of) {
    Scope plain = new Scope(this, of, null, false);
    if (!traced) return plain;
    Pending<String> context = port.call(Abi.OP_TELEMETRY_CONTEXT, 0, new dev.spikard.internal.Arguments(), plain, result -> (String) result.get("traceparent"), null);
    String traceparent = context.getNow(null);
    return traceparent == null ? plain : plain.span(traceparent);
  }

  private void background(Port port, long id, long user) {
    Work.Job job = port.jobs.remove(user);
    Work of = new Work(port, id);
    port.owed.put(id, of);
    Runnable run = () -> {
      if (!job.loop()) of.begin();
      Throwable thrown = null;
      try {
        job.code().run();
      } catch (Throwable error) {
        thrown = error;
      }
      if (!job.loop()) of.leave();
      port.owed.remove(id);
      of.finish();
      if (thrown == null) port.submit(batch -> batch.add(Abi.CMD_ACK, id));
      else fail(port, id, thrown, 0);
    };
    if (job.loop()) {
      new Scope(this, of, null, false).run(run);
      return;
    }
    execute(scopeOf(port, of), run, refused -> {
      port.owed.remove(id);
      fail(port, id, refused, 0);
    });
  }

  /** FAIL with what is logged of an exception. Clients never see it. */
  void fail(Port port, long id, Throwable error, int flags) {
    Map<String, Object> what = new LinkedHashMap<>();
    StringWriter trace = new StringWriter();
    error.printStackTrace(new PrintWriter(trace));
    what.put("type", error.getClass().getName());
    what.put("message", String.valueOf(error.getMessage()));
    what.put("trace", trace.toString());
    if (plan.failures != null) {
      try {
        plan.failures.accept(error);
      } catch (RuntimeException worse) {
        log("the listener of failures failed", worse);
      }
    }
    port.submit(batch -> {
      int at = batch.add(Abi.CMD_FAIL, id);
      batch.flags(at, flags).nodes(at, what);
    });
  }

  void log(String what, Throwable error) {
    System.Logger logger = System.getLogger("dev.spikard");
    if (error == null) logger.log(System.Logger.Level.ERROR, what);
    else logger.log(System.Logger.Level.ERROR, what, error);
  }

  // ---- life

  /** Opens the ports, runs what is to run at the start, and lets work come. */
  void start(int count) {
    boolean holding = !plan.onStart.isEmpty();
    ports = new Port[count];
    threads = new Thread[count];
    for (int i = 0; i < count; ++i) {
      ports[i] = new Port(this, holding);
      threads[i] = new Thread(ports[i], "spikard-port-" + i);
      threads[i].start();
    }
    try {
      for (Port port : ports) port.opened.join();
      for (Runnable fn : plan.onStart) scope.run(fn);
    } catch (Throwable error) {
      Native.drain(app, 0);
      Native.drain(app, 0);
      for (Port port : ports) {
        port.post(port::releaseHeld);
      }
      join(false);
      if (error instanceof java.util.concurrent.CompletionException wrapped && wrapped.getCause() instanceof RuntimeException cause) throw cause;
      throw error;
    }
    if (holding) {
      for (Port port : ports) port.post(port::releaseHeld);
    }
  }

  void portFailed(Throwable error) {
    failure = error;
    log("the port failed", error);
    Native.drain(app, 0);
  }

  /** Waits until the drain is over; gives its report. */
  Map<String, Object> join(boolean hooks) {
    boolean interrupted = false;
    for (Thread thread : threads) {
      for (;;) {
        try {
          thread.join();
          break;
        } catch (InterruptedException error) {
          interrupted = true;
          Native.drain(app, -1);
        }
      }
    }
    if (hooks) {
      for (Runnable fn : plan.onStop) {
        try {
          scope.run(fn);
        } catch (RuntimeException error) {
          log("at the end of the application", error);
        }
      }
    }
    ports = new Port[0];
    if (plan.executor == null) {
      executor.shutdown();
      try {
        if (!executor.awaitTermination(1, TimeUnit.SECONDS)) executor.shutdownNow();
      } catch (InterruptedException error) {
        interrupted = true;
        executor.shutdownNow();
      }
    }
    stopped.countDown();
    if (interrupted) Thread.currentThread().interrupt();
    if (failure != null) throw new SpikardException("the port failed: " + failure.getMessage(), failure);
    byte[] report = Native.report(app);
    return report == null || report.length == 0 ? new LinkedHashMap<>() : reportOf(report);
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> reportOf(byte[] json) {
    return (Map<String, Object>) Json.parse(new String(json, StandardCharsets.UTF_8));
  }
}
