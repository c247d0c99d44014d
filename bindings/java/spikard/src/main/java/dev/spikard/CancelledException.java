package dev.spikard;

/** Thrown where a handler waits when nobody waits for it any more, or its thread was interrupted. Let it pass. */
public final class CancelledException extends SpikardException {
  private static final long serialVersionUID = 1;

  private final transient CancelReason reason;

  public CancelledException(CancelReason reason) {
    super("cancelled: " + reason.name().toLowerCase(java.util.Locale.ROOT));
    this.reason = reason;
  }

  public CancelReason reason() {
    return reason;
  }
}
