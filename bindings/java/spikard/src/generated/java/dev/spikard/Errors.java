// Generated from spec/errors.yaml by codegen. Do not edit.
package dev.spikard;

/** One exception for each kind of error: {@code catch (Errors.NotFound e)}. */
public final class Errors {
  private Errors() {}

  /** What must be there is not. */
  public static final class NotFound extends OperationException {
    private static final long serialVersionUID = 1;

    public NotFound(String message, String detail, RetryClass retry) {
      super(ErrorKind.NOT_FOUND, message, detail, retry);
    }
  }

  /** What must not be there is. */
  public static final class AlreadyExists extends OperationException {
    private static final long serialVersionUID = 1;

    public AlreadyExists(String message, String detail, RetryClass retry) {
      super(ErrorKind.ALREADY_EXISTS, message, detail, retry);
    }
  }

  /** The request or the configuration is wrong, whatever the state. */
  public static final class InvalidArgument extends OperationException {
    private static final long serialVersionUID = 1;

    public InvalidArgument(String message, String detail, RetryClass retry) {
      super(ErrorKind.INVALID_ARGUMENT, message, detail, retry);
    }
  }

  /** The caller may not do this. */
  public static final class PermissionDenied extends OperationException {
    private static final long serialVersionUID = 1;

    public PermissionDenied(String message, String detail, RetryClass retry) {
      super(ErrorKind.PERMISSION_DENIED, message, detail, retry);
    }
  }

  /** A condition that the caller named does not hold. */
  public static final class ConditionFailed extends OperationException {
    private static final long serialVersionUID = 1;

    public ConditionFailed(String message, String detail, RetryClass retry) {
      super(ErrorKind.CONDITION_FAILED, message, detail, retry);
    }
  }

  /** Somebody else changed the same thing at the same time. */
  public static final class Conflict extends OperationException {
    private static final long serialVersionUID = 1;

    public Conflict(String message, String detail, RetryClass retry) {
      super(ErrorKind.CONFLICT, message, detail, retry);
    }
  }

  /** It took longer than allowed, and did not happen. */
  public static final class Timeout extends OperationException {
    private static final long serialVersionUID = 1;

    public Timeout(String message, String detail, RetryClass retry) {
      super(ErrorKind.TIMEOUT, message, detail, retry);
    }
  }

  /** The caller or a shutdown stopped it. */
  public static final class Cancelled extends OperationException {
    private static final long serialVersionUID = 1;

    public Cancelled(String message, String detail, RetryClass retry) {
      super(ErrorKind.CANCELLED, message, detail, retry);
    }
  }

  /** A service or resource cannot be reached or is overloaded. */
  public static final class Unavailable extends OperationException {
    private static final long serialVersionUID = 1;

    public Unavailable(String message, String detail, RetryClass retry) {
      super(ErrorKind.UNAVAILABLE, message, detail, retry);
    }
  }

  /** Too many requests or no room in a queue. */
  public static final class RateLimited extends OperationException {
    private static final long serialVersionUID = 1;

    public RateLimited(String message, String detail, RetryClass retry) {
      super(ErrorKind.RATE_LIMITED, message, detail, retry);
    }
  }

  /** This backend or build cannot do it. */
  public static final class Unsupported extends OperationException {
    private static final long serialVersionUID = 1;

    public Unsupported(String message, String detail, RetryClass retry) {
      super(ErrorKind.UNSUPPORTED, message, detail, retry);
    }
  }

  /** A limit on size was passed. */
  public static final class TooLarge extends OperationException {
    private static final long serialVersionUID = 1;

    public TooLarge(String message, String detail, RetryClass retry) {
      super(ErrorKind.TOO_LARGE, message, detail, retry);
    }
  }

  /** Stored or received data cannot be understood. */
  public static final class Corrupt extends OperationException {
    private static final long serialVersionUID = 1;

    public Corrupt(String message, String detail, RetryClass retry) {
      super(ErrorKind.CORRUPT, message, detail, retry);
    }
  }

  /** It may have happened or not; the answer was lost. */
  public static final class OutcomeUnknown extends OperationException {
    private static final long serialVersionUID = 1;

    public OutcomeUnknown(String message, String detail, RetryClass retry) {
      super(ErrorKind.OUTCOME_UNKNOWN, message, detail, retry);
    }
  }

  /** A bug or something that was not foreseen. */
  public static final class Internal extends OperationException {
    private static final long serialVersionUID = 1;

    public Internal(String message, String detail, RetryClass retry) {
      super(ErrorKind.INTERNAL, message, detail, retry);
    }
  }

  /** The exception of a kind. */
  public static OperationException of(ErrorKind kind, String message, String detail, RetryClass retry) {
    return switch (kind) {
      case NOT_FOUND -> new NotFound(message, detail, retry);
      case ALREADY_EXISTS -> new AlreadyExists(message, detail, retry);
      case INVALID_ARGUMENT -> new InvalidArgument(message, detail, retry);
      case PERMISSION_DENIED -> new PermissionDenied(message, detail, retry);
      case CONDITION_FAILED -> new ConditionFailed(message, detail, retry);
      case CONFLICT -> new Conflict(message, detail, retry);
      case TIMEOUT -> new Timeout(message, detail, retry);
      case CANCELLED -> new Cancelled(message, detail, retry);
      case UNAVAILABLE -> new Unavailable(message, detail, retry);
      case RATE_LIMITED -> new RateLimited(message, detail, retry);
      case UNSUPPORTED -> new Unsupported(message, detail, retry);
      case TOO_LARGE -> new TooLarge(message, detail, retry);
      case CORRUPT -> new Corrupt(message, detail, retry);
      case OUTCOME_UNKNOWN -> new OutcomeUnknown(message, detail, retry);
      case INTERNAL -> new Internal(message, detail, retry);
    };
  }
}
