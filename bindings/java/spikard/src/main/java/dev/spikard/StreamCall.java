package dev.spikard;

import dev.spikard.internal.Abi;
import dev.spikard.internal.Arguments;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** One streamed operation in progress. */
final class StreamCall {
  private static final int CHUNK = 65536;

  private final Port port;
  private final long user;
  private final boolean writes;
  private final Pending<Map<String, Object>> result;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final ArrayDeque<byte[]> chunks = new ArrayDeque<>();
  private final Scope scope;
  private long id;
  private long credit;
  private boolean ended;
  private boolean resting;

  StreamCall(Port port, int operation, int client, Arguments arguments, Scope scope, boolean writes) {
    this.port = port;
    this.scope = scope;
    this.writes = writes;
    user = port.users.incrementAndGet();
    result = new Pending<>(port, user, scope, done -> done, null);
    port.waiting.put(user, result);
    port.streams.put(user, this);
    try {
      port.submit(batch -> {
        int at = batch.add(Abi.CMD_CALL, scope.id());
        batch.arg(at, operation).client(at, client).user(at, user).flags(at, Abi.F_STREAM).nodes(at, arguments);
        if (scope.traceparent != null) batch.headText(at, scope.traceparent);
      });
    } catch (RuntimeException error) {
      port.waiting.remove(user);
      port.streams.remove(user);
      throw error;
    }
    result.whenComplete((value, error) -> {
      port.streams.remove(user);
      wake();
    });
  }

  private void wake() {
    lock.lock();
    try {
      resumed();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void resumed() {
    if (!resting) return;
    resting = false;
    port.binding.guests.incrementAndGet();
  }

  // ---- from the port

  void onCredit(long operation, long bytes) {
    lock.lock();
    try {
      id = operation;
      credit += bytes;
    } finally {
      lock.unlock();
    }
    wake();
  }

  void onChunk(long operation, byte[] bytes) {
    lock.lock();
    try {
      id = operation;
      if (bytes.length > 0) chunks.add(bytes);
    } finally {
      lock.unlock();
    }
    wake();
  }

  // ---- for who has it

  boolean isDone() {
    return result.isDone();
  }

  private void pause() {
    port.noBlocking("a stream");
    if (scope.guest && !resting) {
      resting = true;
      port.binding.guests.decrementAndGet();
    }
    try {
      changed.await();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new CancelledException(scope.work == null || scope.work.reason() == null ? CancelReason.REQUESTED : scope.work.reason());
    } finally {
      resumed();
    }
  }

  void write(byte[] bytes) {
    for (int from = 0; from < bytes.length; from += CHUNK) {
      int offset = from;
      int length = Math.min(CHUNK, bytes.length - from);
      lock.lock();
      try {
        while ((credit <= 0 || id == 0) && !isDone()) pause();
        if (isDone()) return;
        credit -= length;
      } finally {
        lock.unlock();
      }
      port.submit(batch -> batch.body(batch.add(Abi.CMD_CHUNK, id), bytes, offset, length));
    }
  }

  void end() {
    lock.lock();
    try {
      while (id == 0 && !isDone()) pause();
      ended = true;
      if (isDone()) return;
    } finally {
      lock.unlock();
    }
    port.submit(batch -> batch.add(Abi.CMD_END, id));
  }

  /** Gives up, and waits until that is so. */
  void abort() {
    if (isDone()) return;
    long operation;
    lock.lock();
    try {
      operation = id;
    } finally {
      lock.unlock();
    }
    if (writes && operation != 0 && !ended) port.submit(batch -> batch.add(Abi.CMD_ABORT, operation));
    else port.submit(batch -> batch.user(batch.add(Abi.CMD_CANCEL, 0), user));
    if (port.isLoopThread()) return;
    try {
      result.await(false);
    } catch (RuntimeException expected) {
      // It was given up.
    }
  }

  /** The next chunk, or null at the end. Taking one lets the core send more. */
  byte[] read() {
    byte[] chunk;
    lock.lock();
    try {
      while ((chunk = chunks.poll()) == null) {
        if (isDone()) {
          result.await(true);
          return null;
        }
        pause();
      }
    } finally {
      lock.unlock();
    }
    int length = chunk.length;
    if (!isDone()) port.submit(batch -> batch.arg(batch.add(Abi.CMD_CREDIT, id), length));
    return chunk;
  }

  Map<String, Object> result() {
    return result.await(true);
  }
}
