package dev.spikard;

/**
 * Whether a handler's work is still wanted: its client may have gone, its time may be over, the application may end. A handler on a thread of its own is interrupted as well, a future that a handler gave is
 * cancelled.
 */
public interface Cancellation {
  boolean isCancelled();

  /** Null while it is wanted. */
  CancelReason reason();

  /** Called once when it is no longer wanted; at once if that is so already. On a thread of the core's: it must not block. */
  void onCancel(Runnable fn);

  /** Throws {@link CancelledException} when it is no longer wanted. */
  default void throwIfCancelled() {
    CancelReason reason = reason();
    if (reason != null) throw new CancelledException(reason);
  }
}
