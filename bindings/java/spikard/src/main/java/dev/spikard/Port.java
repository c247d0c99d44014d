package dev.spikard;

import dev.spikard.internal.Abi;
import dev.spikard.internal.Batch;
import dev.spikard.internal.Native;
import dev.spikard.internal.Nodes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.StampedLock;
import java.util.function.Consumer;
import java.util.function.Function;

/** One port and the thread that polls it: submits what was answered and takes the next events in one crossing. */
final class Port implements Runnable {
  private static final int EVENTS = 64;
  private static final int SCRATCH = 256 << 10;
  /** Answers of one batch of events are kept at most this long. */
  private static final long LONGEST_HOLD_NS = 200_000;

  final Binding binding;
  final ConcurrentHashMap<Long, Pending<?>> waiting = new ConcurrentHashMap<>();
  final ConcurrentHashMap<Long, StreamCall> streams = new ConcurrentHashMap<>();
  final ConcurrentHashMap<Long, Work> owed = new ConcurrentHashMap<>();
  final ConcurrentHashMap<Long, Work.Job> jobs = new ConcurrentHashMap<>();
  final AtomicLong users = new AtomicLong();
  final CompletableFuture<Void> opened = new CompletableFuture<>();

  private final ByteBuffer events = ByteBuffer.allocateDirect(EVENTS * Abi.SIZEOF_EVENT + SCRATCH).order(ByteOrder.nativeOrder());
  private final long eventsAddress = Native.address(events);
  private final long scratchAddress = eventsAddress + EVENTS * Abi.SIZEOF_EVENT;
  private final Batch batch = Batch.acquire();
  private final ConcurrentLinkedQueue<Runnable> posted = new ConcurrentLinkedQueue<>();
  /** Read: the handle is in use by another thread than the loop's, which alone changes it. */
  private final StampedLock life = new StampedLock();
  private final List<Event> held = new ArrayList<>();
  private boolean holding;
  private long handle;
  private ByteBuffer region;
  private long regionAddress;
  private long regionSize;
  private volatile Thread thread;
  private boolean stopped;

  /** One event; `rec` and `answer` are null or begin at `base` and `answerBase`. */
  static final class Event {
    int kind;
    int flags;
    int route;
    long id;
    long user;
    long arg;
    ByteBuffer rec;
    int base;
    ByteBuffer answer;
    int answerBase;
  }

  Port(Binding binding, boolean holding) {
    this.binding = binding;
    this.holding = holding;
  }

  boolean isLoopThread() {
    return Thread.currentThread() == thread;
  }

  /** Throws when this is the loop's thread: everything else would wait. */
  void noBlocking(String what) {
    if (isLoopThread()) throw new SpikardException("waiting for " + what + " here would block the loop's thread; use the ...Async methods, or a handler that may block");
  }

  // ---- commands

  /** Adds commands: to those that go with the next crossing on the loop's thread, else at once. */
  void submit(Consumer<Batch> fill) {
    if (isLoopThread()) {
      int before = batch.count();
      try {
        fill.accept(batch);
      } catch (Throwable error) {
        while (batch.count() > before) batch.dropLast();
        throw error;
      }
      if (batch.full()) flush();
      return;
    }
    Batch own = Batch.acquire();
    try {
      fill.accept(own);
      long stamp = life.readLock();
      try {
        if (handle != 0 && own.count() > 0) check(Native.submit(handle, own.seal(), own.count()), "submitting");
      } finally {
        life.unlockRead(stamp);
      }
    } finally {
      own.release();
    }
  }

  private void check(int rc, String what) {
    if (rc < 0 && rc != -Abi.E_STALE) binding.log(what + ": " + Native.lastError(), null);
  }

  void flush() {
    if (batch.count() == 0 || handle == 0) return;
    check(Native.submit(handle, batch.seal(), batch.count()), "submitting");
    batch.clear();
  }

  /** Runs something on the loop's thread. */
  void post(Runnable fn) {
    posted.add(fn);
    long stamp = life.readLock();
    try {
      if (handle != 0) Native.wake(handle);
    } finally {
      life.unlockRead(stamp);
    }
  }

  // ---- operations

  /** Begins an operation. What completes at once is complete when this returns. late: see {@link Pending}. */
  <T> Pending<T> call(int operation, int client, Object arguments, Scope scope, Function<Map<String, Object>, T> answer, Consumer<Map<String, Object>> late) {
    long user = users.incrementAndGet();
    Pending<T> pending = new Pending<>(this, user, scope, answer, late);
    waiting.put(user, pending);
    Batch own = Batch.acquire();
    try {
      int at = own.add(Abi.CMD_CALL, scope == null ? 0 : scope.id());
      own.arg(at, operation).client(at, client).user(at, user).nodes(at, arguments);
      if (scope != null && scope.traceparent != null) own.headText(at, scope.traceparent);
      ByteBuffer record = asked(own);
      if (record != null) {
        waiting.remove(user);
        OperationException error = Records.failure(record, 0);
        pending.settle(error == null ? Records.result(record, 0) : null, error);
      }
    } catch (Throwable error) {
      waiting.remove(user);
      throw error;
    } finally {
      own.release();
    }
    return pending;
  }

  /** The record of an operation that completed at once, read before the batch is given back; null: DONE follows. */
  private ByteBuffer asked(Batch own) {
    byte[][] large = new byte[1][];
    long command = own.seal();
    int rc;
    long stamp = isLoopThread() ? 0 : life.readLock();
    try {
      if (handle == 0) throw new SpikardException("the application has ended");
      rc = Native.call(handle, command, own.replyAddress(), Batch.REPLY, large);
    } finally {
      if (stamp != 0) life.unlockRead(stamp);
    }
    if (rc < 0) throw new SpikardException("an operation: " + Native.lastError());
    if (rc == 0) return null;
    return large[0] == null ? own.reply() : ByteBuffer.wrap(large[0]).order(ByteOrder.LITTLE_ENDIAN);
  }

  Pending<Void> timer(long ms, Scope scope) {
    long user = users.incrementAndGet();
    Pending<Void> pending = new Pending<>(this, user, scope, result -> null, null);
    waiting.put(user, pending);
    submit(b -> {
      int at = b.add(Abi.CMD_TIMER, scope == null ? 0 : scope.id());
      b.arg(at, ms).user(at, user);
    });
    return pending;
  }

  // ---- the loop

  /** Until STOPPED. Opens the port, for a port is its thread's. */
  @Override
  public void run() {
    thread = Thread.currentThread();
    Scope.enter(binding.scope);
    try {
      long made = Native.portOpen(binding.app);
      if (made < 0 && made > -4096) throw new SpikardException("opening a port: " + Native.lastError());
      long[] where = new long[2];
      Native.region(made, where);
      regionAddress = where[0];
      regionSize = where[1];
      if (regionAddress != 0) region = Native.view(regionAddress, regionSize).order(ByteOrder.nativeOrder());
      long stamp = life.writeLock();
      handle = made;
      life.unlockWrite(stamp);
      opened.complete(null);
      loop();
    } catch (Throwable error) {
      if (!opened.completeExceptionally(error)) binding.portFailed(error);
    } finally {
      close();
    }
  }

  private void loop() {
    while (!stopped) {
      for (Runnable fn; (fn = posted.poll()) != null; ) guarded(fn);
      int n = Native.step(handle, batch.seal(), batch.count(), eventsAddress, EVENTS, posted.isEmpty() ? -1 : 0, scratchAddress, SCRATCH, regionAddress, regionSize);
      boolean submitted = batch.count() > 0;
      batch.clear();
      if (n < 0) {
        if (n != -Abi.E_STALE) {
          String text = Native.lastError();
          if (!submitted) throw new SpikardException("polling: " + text);
          binding.log("submitting: " + text, null);
        }
        continue;
      }
      long first = 0;
      Event event = new Event();
      for (int i = 0; i < n && !stopped; ++i) {
        read(i, event);
        if (waitsForStart(event)) {
          held.add(kept(event));
          continue;
        }
        dispatch(event);
        if (batch.count() > 0 && i + 1 < n) {
          long now = System.nanoTime();
          if (first == 0) first = now;
          else if (now - first > LONGEST_HOLD_NS) {
            flush();
            first = 0;
          }
        }
      }
    }
    flush();
  }

  private void guarded(Runnable fn) {
    try {
      fn.run();
    } catch (Throwable error) {
      binding.log("on the loop's thread", error);
    }
  }

  private void dispatch(Event event) {
    Scope.enter(binding.scope);
    try {
      if (event.kind == Abi.EV_DONE) onDone(event);
      else binding.onEvent(this, event);
    } catch (Throwable error) {
      binding.log("an event could not be handled", error);
    }
  }

  private void read(int i, Event event) {
    int at = i * Abi.SIZEOF_EVENT;
    event.kind = events.getShort(at + Abi.AT_EVENT_KIND) & 0xffff;
    event.flags = events.getShort(at + Abi.AT_EVENT_FLAGS) & 0xffff;
    event.route = events.getInt(at + Abi.AT_EVENT_ROUTE);
    event.id = events.getLong(at + Abi.AT_EVENT_ID);
    event.user = events.getLong(at + Abi.AT_EVENT_USER);
    event.arg = events.getLong(at + Abi.AT_EVENT_ARG);
    event.rec = buffer(events.getLong(at + Abi.AT_EVENT_REC));
    event.base = found;
    event.answer = null;
    if (event.kind == Abi.EV_HOOK && event.user != 0) {
      event.answer = buffer(event.user);
      event.answerBase = found;
    }
  }

  private int found;

  private ByteBuffer buffer(long place) {
    found = 0;
    if (place == 0) return null;
    if (place < 0) {
      found = EVENTS * Abi.SIZEOF_EVENT + (int) place;
      return events;
    }
    if ((place & Native.IN_REGION) != 0) {
      found = (int) place;
      return region;
    }
    int size = Native.view(place, 4).order(ByteOrder.nativeOrder()).getInt(0);
    return Native.view(place, size & 0xffffffffL).order(ByteOrder.nativeOrder());
  }

  // ---- until the application has started

  /** Work waits until the application's own start is over; answers to what that start asks for do not. */
  private boolean waitsForStart(Event event) {
    if (!holding || event.kind == Abi.EV_DONE || event.kind == Abi.EV_STATE) return false;
    return !((event.kind == Abi.EV_CHUNK || event.kind == Abi.EV_CREDIT) && event.user != 0);
  }

  private static Event kept(Event event) {
    Event copy = new Event();
    copy.kind = event.kind;
    copy.flags = event.flags;
    copy.route = event.route;
    copy.id = event.id;
    copy.user = event.user;
    copy.arg = event.arg;
    copy.rec = event.rec == null ? null : Records.copy(event.rec, event.base);
    copy.answer = event.answer == null ? null : Records.copy(event.answer, event.answerBase);
    return copy;
  }

  /** Begins what was kept back, in its order. */
  void releaseHeld() {
    holding = false;
    List<Event> events = new ArrayList<>(held);
    held.clear();
    for (Event event : events) dispatch(event);
  }

  // ---- events

  private void onDone(Event event) {
    OperationException error = null;
    Map<String, Object> result = null;
    if (event.rec != null) {
      error = Records.failure(event.rec, event.base);
      if (error == null) result = Records.result(event.rec, event.base);
      batch.add(Abi.CMD_RELEASE, event.id);
    }
    if (jobs.remove(event.user) != null) {
      binding.log("a background task was refused: " + (error == null ? "" : error.getMessage()), null);
      return;
    }
    Pending<?> pending = waiting.remove(event.user);
    if (pending != null) pending.done(result == null ? Map.of() : result, error);
  }

  void stop() {
    stopped = true;
  }

  private void close() {
    long stamp = life.writeLock();
    long closing = handle;
    handle = 0;
    life.unlockWrite(stamp);
    batch.clear();
    region = null;
    if (closing != 0) Native.portClose(closing);
    for (Work work : owed.values()) work.cancel(CancelReason.SHUTDOWN);
    for (Pending<?> pending : waiting.values()) {
      waiting.remove(pending.user);
      pending.ended();
    }
    Scope.restore(null);
  }

  /** Records of the port, read. */
  static final class Records {
    private Records() {}

    static ByteBuffer copy(ByteBuffer buffer, int base) {
      int size = buffer.getInt(base + Abi.AT_RECORD_SIZE);
      byte[] bytes = new byte[size];
      buffer.get(base, bytes);
      return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    static byte[] bytes(ByteBuffer buffer, int base, int view) {
      byte[] out = new byte[buffer.getInt(base + view + 4)];
      buffer.get(base + buffer.getInt(base + view), out);
      return out;
    }

    static String text(ByteBuffer buffer, int base, int view) {
      return Nodes.Text.read(buffer, base + buffer.getInt(base + view), buffer.getInt(base + view + 4));
    }

    static int count(ByteBuffer buffer, int base, int view) {
      return buffer.getInt(base + view + 4);
    }

    static Nodes nodes(ByteBuffer buffer, int base, int view) {
      return new Nodes(buffer, base, base + buffer.getInt(base + view));
    }

    static Object value(ByteBuffer buffer, int base, int view) {
      return count(buffer, base, view) == 0 ? null : nodes(buffer, base, view).value();
    }

    static List<Map.Entry<String, String>> pairs(ByteBuffer buffer, int base, int view) {
      int n = count(buffer, base, view);
      List<Map.Entry<String, String>> out = new ArrayList<>(n);
      int at = base + buffer.getInt(base + view);
      for (int i = 0; i < n; ++i, at += Abi.SIZEOF_PAIR) {
        String name = Nodes.Text.read(buffer, base + buffer.getInt(at), buffer.getInt(at + 4));
        out.add(Map.entry(name, Nodes.Text.read(buffer, base + buffer.getInt(at + 8), buffer.getInt(at + 12))));
      }
      return out;
    }

    @SuppressWarnings("unchecked")
    static Map<String, Object> result(ByteBuffer buffer, int base) {
      Object value = value(buffer, base, Abi.AT_RECORD_NODES);
      return value instanceof Map<?, ?> map ? (Map<String, Object>) map : Map.of();
    }

    /** The error that a DONE tells of; null for none. */
    static OperationException failure(ByteBuffer buffer, int base) {
      int status = buffer.getInt(base + Abi.AT_RECORD_STATUS);
      if (status == 0) return null;
      String message = text(buffer, base, Abi.AT_RECORD_BODY);
      return Errors.of(ErrorKind.of(status), message, text(buffer, base, Abi.AT_RECORD_KEY), RetryClass.of(buffer.getInt(base + Abi.AT_RECORD_ATTEMPT)));
    }
  }
}
