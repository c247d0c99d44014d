package dev.spikard;

/** An operation of the toolbox that failed. Each kind has a class of its own in {@link Errors}. */
public abstract class OperationException extends SpikardException {
  private static final long serialVersionUID = 1;

  private final ErrorKind kind;
  private final String detail;
  private final RetryClass retry;

  OperationException(ErrorKind kind, String message, String detail, RetryClass retry) {
    super(message);
    this.kind = kind;
    this.detail = detail == null ? "" : detail;
    this.retry = retry == null ? kind.retry() : retry;
  }

  public ErrorKind kind() {
    return kind;
  }

  /** A finer code ({@link Details}); empty when there is none. */
  public String detail() {
    return detail;
  }

  /** Whether trying again may help. */
  public RetryClass retry() {
    return retry;
  }

  @Override
  public String toString() {
    return getClass().getName() + ": " + kind.text() + (detail.isEmpty() ? "" : ", " + detail) + ": " + getMessage();
  }
}
