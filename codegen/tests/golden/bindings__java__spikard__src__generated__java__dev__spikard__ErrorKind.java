// Generated from spec/errors.yaml by codegen. Do not edit.
package dev.spikard;

/** What went wrong. Branch on this, or on the exception's class, never on a message. */
public enum ErrorKind {
  /** Not there. */
  NOT_FOUND(1, RetryClass.PERMANENT),
  /** Too long, by far. */
  TIMEOUT(7, RetryClass.TEMPORARY);

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
