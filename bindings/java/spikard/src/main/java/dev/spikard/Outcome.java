package dev.spikard;

import java.time.Duration;

/**
 * What becomes of a message, task or event, given or thrown by its handler. Null, or any other value, is done; any other exception is tried again after the backoff.
 */
public abstract class Outcome extends SpikardException {
  private static final long serialVersionUID = 1;

  private Outcome(String message) {
    super(message);
  }

  /** Done. */
  public static Outcome ack() {
    return new Ack();
  }

  /** Not done: comes again at once, or, without {@code requeue}, goes to the dead letters. */
  public static Outcome nack(boolean requeue) {
    return new Nack(requeue);
  }

  /** Comes again after this span, without using up an attempt of a task. */
  public static Outcome retry(Duration after) {
    return new Retry(after);
  }

  /** Trying again is of no use: a message goes to the dead letters, a task is discarded. */
  public static Outcome fatal(String message) {
    return new Fatal(message);
  }

  static final class Ack extends Outcome {
    private static final long serialVersionUID = 1;

    Ack() {
      super("ack");
    }
  }

  static final class Nack extends Outcome {
    private static final long serialVersionUID = 1;
    final boolean requeue;

    Nack(boolean requeue) {
      super("nack, requeue=" + requeue);
      this.requeue = requeue;
    }
  }

  static final class Retry extends Outcome {
    private static final long serialVersionUID = 1;
    final Duration after;

    Retry(Duration after) {
      super("retry after " + after);
      this.after = after;
    }
  }

  static final class Fatal extends Outcome {
    private static final long serialVersionUID = 1;

    Fatal(String message) {
      super(message);
    }
  }
}
