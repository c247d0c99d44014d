// Generated from spec/errors.yaml by codegen. Do not edit.
package dev.spikard;

/** One exception for each kind of error: {@code catch (Errors.NotFound e)}. */
public final class Errors {
  private Errors() {}

  /** Not there. */
  public static final class NotFound extends OperationException {
    private static final long serialVersionUID = 1;

    public NotFound(String message, String detail, RetryClass retry) {
      super(ErrorKind.NOT_FOUND, message, detail, retry);
    }
  }

  /** Too long, by far. */
  public static final class Timeout extends OperationException {
    private static final long serialVersionUID = 1;

    public Timeout(String message, String detail, RetryClass retry) {
      super(ErrorKind.TIMEOUT, message, detail, retry);
    }
  }

  /** The exception of a kind. */
  public static OperationException of(ErrorKind kind, String message, String detail, RetryClass retry) {
    return switch (kind) {
      case NOT_FOUND -> new NotFound(message, detail, retry);
      case TIMEOUT -> new Timeout(message, detail, retry);
    };
  }
}
