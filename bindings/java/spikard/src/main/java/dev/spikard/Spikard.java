package dev.spikard;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;

/** What code inside an application may ask for wherever it is. */
public final class Spikard {
  private Spikard() {}

  private static Scope here(String what) {
    Scope here = Scope.current();
    if (here == null) throw new SpikardException(what + ": no application runs here; use it in a handler, a hook, a task, or a test's run");
    return here;
  }

  /** Waits by the application's clock: a virtual one knows that the handler is at rest meanwhile. */
  public static void sleep(Duration span) {
    Scope here = here("sleep");
    here.binding.port().timer(Math.max(0, Client.millis(span)), here).await(true);
  }

  /** {@link #sleep} as a future. */
  public static CompletableFuture<Void> sleepAsync(Duration span) {
    Scope here = here("sleep");
    return here.binding.port().timer(Math.max(0, Client.millis(span)), here);
  }

  /** Runs something on another thread that may block, in the name of the handler here. */
  public static <T> CompletableFuture<T> async(Callable<T> fn) {
    Scope here = here("async");
    CompletableFuture<T> future = new CompletableFuture<>();
    here.binding.execute(here, () -> {
      try {
        future.complete(fn.call());
      } catch (Throwable error) {
        future.completeExceptionally(error);
      }
    });
    return future;
  }

  /** Waits for a future; an interrupt leaves it. What it failed with is thrown as it is, a checked exception as a cause. Under a test's virtual clock this thread is known to rest. */
  public static <T> T join(CompletableFuture<T> future) {
    Scope here = Scope.current();
    boolean rests = here != null && here.guest && !future.isDone();
    if (here != null) here.binding.noBlocking();
    java.util.concurrent.CountDownLatch done = new java.util.concurrent.CountDownLatch(1);
    boolean[] resting = {rests};
    if (rests) here.binding.guests.decrementAndGet();
    future.whenComplete((value, error) -> {
      synchronized (resting) {
        if (resting[0]) here.binding.guests.incrementAndGet();
        resting[0] = false;
      }
      done.countDown();
    });
    try {
      done.await();
      return future.get();
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
      throw new CancelledException(here == null || here.work == null || here.work.reason() == null ? CancelReason.REQUESTED : here.work.reason());
    } catch (java.util.concurrent.ExecutionException error) {
      throw Pending.rethrown(error.getCause());
    } finally {
      synchronized (resting) {
        if (resting[0]) here.binding.guests.incrementAndGet();
        resting[0] = false;
      }
    }
  }

  /** Completes when the graceful end begins: a stream without an end of its own ends then, or the drain waits for it until its limit. */
  public static CompletableFuture<Void> stopping() {
    return here("stopping").binding.stopping.copy();
  }

  /** Whether the handler here is still wanted; never null inside a handler. */
  public static Cancellation cancellation() {
    return here("cancellation").work;
  }
}
