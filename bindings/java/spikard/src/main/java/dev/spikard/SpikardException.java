package dev.spikard;

/** What Spikard throws. */
public class SpikardException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public SpikardException(String message) {
    super(message);
  }

  public SpikardException(String message, Throwable cause) {
    super(message, cause);
  }
}
