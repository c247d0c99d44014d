// Generated from spec/errors.yaml by codegen. Do not edit.
package dev.spikard;

/** Whether trying again may help. */
public enum RetryClass {
  /** Trying the same again gives the same answer. */
  PERMANENT(0),
  /** Trying again later may work. */
  TEMPORARY(1),
  /** It was tried as often as allowed. */
  EXHAUSTED(2);

  private final int number;

  RetryClass(int number) {
    this.number = number;
  }

  /** The class of a number; the first one for a number that this version does not know. */
  public static RetryClass of(int number) {
    for (RetryClass one : values()) {
      if (one.number == number) return one;
    }
    return values()[0];
  }
}
