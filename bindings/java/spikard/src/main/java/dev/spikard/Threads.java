package dev.spikard;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedTransferQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Threads for handlers that may block: virtual ones where there are any (Java 21), else a pool that grows as work waits. */
final class Threads {
  private Threads() {}

  /** limit: most threads of the pool; 0: 256. Virtual threads have none. */
  static ExecutorService make(int limit) {
    if (limit == 0) {
      try {
        return (ExecutorService) Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
      } catch (ReflectiveOperationException older) {
        limit = 256;
      }
    }
    AtomicInteger number = new AtomicInteger();
    // A task goes to a thread that is idle, else to a new one, and waits only when there are as many as may be.
    LinkedTransferQueue<Runnable> queue = new LinkedTransferQueue<>() {
      private static final long serialVersionUID = 1;

      @Override
      public boolean offer(Runnable task) {
        return tryTransfer(task);
      }
    };
    return new ThreadPoolExecutor(0, limit, 30, TimeUnit.SECONDS, queue, task -> {
      Thread thread = new Thread(task, "spikard-worker-" + number.incrementAndGet());
      thread.setDaemon(true);
      return thread;
    }, (task, pool) -> {
      if (pool.isShutdown()) throw new java.util.concurrent.RejectedExecutionException("the application has ended");
      queue.put(task);
      // One that ends meanwhile takes nothing more.
      if (pool.isShutdown() && queue.remove(task)) throw new java.util.concurrent.RejectedExecutionException("the application has ended");
    });
  }
}
