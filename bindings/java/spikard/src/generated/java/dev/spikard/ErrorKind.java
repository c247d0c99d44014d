// Generated from spec/errors.yaml by codegen. Do not edit.
package dev.spikard;

/** What went wrong. Branch on this, or on the exception's class, never on a message. */
public enum ErrorKind {
  /** What must be there is not. */
  NOT_FOUND(1, RetryClass.PERMANENT),
  /** What must not be there is. */
  ALREADY_EXISTS(2, RetryClass.PERMANENT),
  /** The request or the configuration is wrong, whatever the state. */
  INVALID_ARGUMENT(3, RetryClass.PERMANENT),
  /** The caller may not do this. */
  PERMISSION_DENIED(4, RetryClass.PERMANENT),
  /** A condition that the caller named does not hold. */
  CONDITION_FAILED(5, RetryClass.PERMANENT),
  /** Somebody else changed the same thing at the same time. */
  CONFLICT(6, RetryClass.TEMPORARY),
  /** It took longer than allowed, and did not happen. */
  TIMEOUT(7, RetryClass.TEMPORARY),
  /** The caller or a shutdown stopped it. */
  CANCELLED(8, RetryClass.PERMANENT),
  /** A service or resource cannot be reached or is overloaded. */
  UNAVAILABLE(9, RetryClass.TEMPORARY),
  /** Too many requests or no room in a queue. */
  RATE_LIMITED(10, RetryClass.TEMPORARY),
  /** This backend or build cannot do it. */
  UNSUPPORTED(11, RetryClass.PERMANENT),
  /** A limit on size was passed. */
  TOO_LARGE(12, RetryClass.PERMANENT),
  /** Stored or received data cannot be understood. */
  CORRUPT(13, RetryClass.PERMANENT),
  /** It may have happened or not; the answer was lost. */
  OUTCOME_UNKNOWN(14, RetryClass.PERMANENT),
  /** A bug or something that was not foreseen. */
  INTERNAL(15, RetryClass.PERMANENT);

  private static final ErrorKind[] ALL = values();
  private final int number;
  private final RetryClass retry;

  ErrorKind(int number, RetryClass retry) {
    this.number = number;
    this.retry = retry;
  }

  /** The number in the port. */
  public int number() {
    return number;
  }

  /** Whether trying again may help, unless the error says otherwise. */
  public RetryClass retry() {
    return retry;
  }

  /** The name that all languages use: {@code not_found}. */
  public String text() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }

  /** The kind of a number; INTERNAL for one that this version does not know. */
  public static ErrorKind of(int number) {
    for (ErrorKind kind : ALL) {
      if (kind.number == number) return kind;
    }
    return INTERNAL;
  }
}
