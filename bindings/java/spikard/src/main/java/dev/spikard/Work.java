package dev.spikard;

import dev.spikard.internal.Abi;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** One owed event while its handler is at work: who is to be told when it is cancelled, and the streams of a request. */
final class Work implements Cancellation {
  final Port port;
  final long id;
  final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private volatile CancelReason reason;
  private Thread runner;
  private CompletableFuture<?> future;
  private List<Runnable> listeners;
  private final ArrayDeque<byte[]> chunks = new ArrayDeque<>();
  private boolean bodyDone;
  private long credit = 65536;
  private boolean over;
  /** Its thread waits for something since it was cancelled. */
  private boolean rests;
  /** Of a request: jobs to run after the answer. */
  List<Job> background;

  /** Something to run after an answer: on the loop's thread, or on one that may block. */
  record Job(Runnable code, boolean loop) {}

  Work(Port port, long id) {
    this.port = port;
    this.id = id;
  }

  @Override
  public boolean isCancelled() {
    return reason != null;
  }

  @Override
  public CancelReason reason() {
    return reason;
  }

  @Override
  public void onCancel(Runnable fn) {
    lock.lock();
    try {
      if (reason == null) {
        if (listeners == null) listeners = new ArrayList<>();
        listeners.add(fn);
        return;
      }
    } finally {
      lock.unlock();
    }
    fn.run();
  }

  void cancel(CancelReason why) {
    List<Runnable> told;
    CompletableFuture<?> stage;
    lock.lock();
    try {
      if (reason != null || over) return;
      reason = why;
      if (runner != null) runner.interrupt();
      stage = future;
      told = listeners;
      listeners = null;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    if (stage != null) stage.cancel(true);
    if (told != null) {
      for (Runnable fn : told) {
        try {
          fn.run();
        } catch (RuntimeException error) {
          port.binding.log("a listener of a cancellation failed", error);
        }
      }
    }
  }

  /** Its thread waits for an operation, cancelled or not. One that is interrupted does not: it has yet to hear of it. */
  void rest() {
    if (reason == null) return;
    lock.lock();
    try {
      if (runner == Thread.currentThread() && runner.isInterrupted()) return;
      rests = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  boolean rests() {
    lock.lock();
    try {
      return rests;
    } finally {
      lock.unlock();
    }
  }

  /** Under a virtual clock: what was cancelled has come to its end, or to its next wait, before time goes on. Bounded, for a handler may not listen. */
  void awaitReaction() {
    long left = 2_000_000_000L;
    lock.lock();
    try {
      while (runner != null && !over && !rests && left > 0) left = changed.awaitNanos(left);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    } finally {
      lock.unlock();
    }
  }

  /** This thread runs its handler from here on; false: it is cancelled, and the thread interrupted. */
  void begin() {
    lock.lock();
    try {
      runner = Thread.currentThread();
      if (reason != null) runner.interrupt();
    } finally {
      lock.unlock();
    }
  }

  /** From here on nobody interrupts this thread for it. */
  void leave() {
    lock.lock();
    try {
      runner = null;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    Thread.interrupted();
  }

  /** What is to be cancelled with it. */
  void await(CompletableFuture<?> stage) {
    lock.lock();
    try {
      future = stage;
      if (reason == null) return;
    } finally {
      lock.unlock();
    }
    stage.cancel(true);
  }

  /** True once: the final command may be sent. */
  boolean finish() {
    lock.lock();
    try {
      if (over) return false;
      over = true;
      chunks.clear();
      changed.signalAll();
      return true;
    } finally {
      lock.unlock();
    }
  }

  boolean isOver() {
    lock.lock();
    try {
      return over;
    } finally {
      lock.unlock();
    }
  }

  // ---- streams

  void onChunk(byte[] bytes, boolean last) {
    lock.lock();
    try {
      if (bytes.length > 0) chunks.add(bytes);
      if (last) bodyDone = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  void onCredit(long bytes) {
    lock.lock();
    try {
      credit += bytes;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void pause() {
    port.noBlocking("a stream");
    try {
      changed.await();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new CancelledException(reason == null ? CancelReason.REQUESTED : reason);
    }
  }

  /** The next chunk of the body; null at its end. */
  byte[] nextChunk() {
    byte[] chunk;
    lock.lock();
    try {
      for (;;) {
        if (reason != null) throw new CancelledException(reason);
        if (over) throw new IllegalStateException("the request has been answered");
        chunk = chunks.poll();
        if (chunk != null) break;
        if (bodyDone) return null;
        pause();
      }
    } finally {
      lock.unlock();
    }
    int length = chunk.length;
    port.submit(batch -> batch.arg(batch.add(Abi.CMD_CREDIT, id), length));
    return chunk;
  }

  /** Waits until the client has taken enough, and takes the length off. */
  void takeCredit(int length) {
    lock.lock();
    try {
      while (credit <= 0) {
        if (reason != null) throw new CancelledException(reason);
        if (over) return;
        pause();
      }
      if (reason != null) throw new CancelledException(reason);
      credit -= length;
    } finally {
      lock.unlock();
    }
  }
}
