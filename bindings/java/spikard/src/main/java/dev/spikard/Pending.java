package dev.spikard;

import dev.spikard.internal.Abi;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Function;

/** An operation or timer whose DONE has not come. As a future it can be cancelled, and then the operation is. */
final class Pending<T> extends CompletableFuture<T> {
  final Port port;
  final long user;
  final Scope scope;
  final Function<Map<String, Object>, T> answer;
  /** Gets the result of an operation that was given up and came to its end all the same, for what it holds; on the loop's thread. Null: it holds nothing. */
  private final Consumer<Map<String, Object>> late;
  /** Where it completes: on the loop's thread when it was begun there, else on a thread of the executor. */
  final boolean onLoop;
  /** A thread waits in {@link #await}: completing runs nobody's code. */
  volatile boolean awaited;
  // Of a guest's thread: it rests here, and from `completing` on it does so no more. Guarded by this.
  private boolean resting;
  private boolean completing;

  Pending(Port port, long user, Scope scope, Function<Map<String, Object>, T> answer, Consumer<Map<String, Object>> late) {
    this.late = late;
    this.port = port;
    this.user = user;
    this.scope = scope;
    this.answer = answer;
    this.onLoop = port.isLoopThread();
  }

  @Override
  public Executor defaultExecutor() {
    return port.binding.executor();
  }

  @Override
  public <U> CompletableFuture<U> newIncompleteFuture() {
    return new CompletableFuture<>();
  }

  @Override
  public boolean cancel(boolean mayInterrupt) {
    if (!super.cancel(mayInterrupt)) return false;
    // With `late` it is known until its DONE.
    boolean known = late == null ? port.waiting.remove(user) != null : port.waiting.containsKey(user);
    if (known) port.submit(batch -> batch.user(batch.add(Abi.CMD_CANCEL, 0), user));
    return true;
  }

  /** By the port: the DONE has come. */
  void done(Map<String, Object> result, OperationException error) {
    resumed(true);
    if (isCancelled()) {
      tooLate(result, error);
    } else if (awaited || getNumberOfDependents() == 0 || onLoop) {
      Scope before = Scope.enter(scope);
      try {
        if (!settle(result, error)) tooLate(result, error);
      } finally {
        Scope.restore(before);
      }
    } else {
      port.binding.execute(scope, () -> {
        if (!settle(result, error) && late != null) port.post(() -> tooLate(result, error));
      });
    }
  }

  private void tooLate(Map<String, Object> result, OperationException error) {
    if (late != null && error == null && isCancelled()) late.accept(result);
  }

  /** By the port: it ends, and there will be no DONE. */
  void ended() {
    resumed(true);
    port.binding.execute(scope, () -> completeExceptionally(new CancelledException(CancelReason.SHUTDOWN)));
  }

  /** False: it was complete, or cancelled. */
  boolean settle(Map<String, Object> result, OperationException error) {
    if (error != null) return completeExceptionally(error);
    T value;
    try {
      value = answer.apply(result);
    } catch (RuntimeException wrong) {
      return completeExceptionally(wrong);
    }
    return complete(value);
  }

  /** The result, waited for by this thread. An interrupt cancels the operation. */
  T await(boolean interruptible) {
    awaited = true;
    boolean interrupted = false;
    try {
      for (;;) {
        try {
          if (!isDone()) {
            port.noBlocking("an operation");
            if (scope != null && scope.work != null) scope.work.rest();
            rest();
          }
          return get();
        } catch (InterruptedException error) {
          interrupted = true;
          // What has ended meanwhile has its result.
          if (interruptible && cancel(true)) {
            CancelReason reason = scope == null || scope.work == null || scope.work.reason() == null ? CancelReason.REQUESTED : scope.work.reason();
            throw new CancelledException(reason);
          }
        }
      }
    } catch (ExecutionException error) {
      throw rethrown(error.getCause());
    } catch (java.util.concurrent.CancellationException error) {
      throw new CancelledException(scope == null || scope.work == null || scope.work.reason() == null ? CancelReason.SHUTDOWN : scope.work.reason());
    } finally {
      resumed(false);
      if (interrupted) Thread.currentThread().interrupt();
    }
  }

  private synchronized void rest() {
    if (scope == null || !scope.guest || completing || resting || isDone()) return;
    resting = true;
    port.binding.guests.decrementAndGet();
  }

  private synchronized void resumed(boolean byPort) {
    completing |= byPort;
    if (!resting) return;
    resting = false;
    port.binding.guests.incrementAndGet();
  }

  /** An error as thrown here: its trace is that of the caller. */
  static RuntimeException rethrown(Throwable error) {
    if (error instanceof OperationException failed) {
      failed.setStackTrace(Thread.currentThread().getStackTrace());
      return failed;
    }
    if (error instanceof RuntimeException unchecked) return unchecked;
    if (error instanceof Error fatal) throw fatal;
    return new SpikardException(String.valueOf(error.getMessage()), error);
  }
}
