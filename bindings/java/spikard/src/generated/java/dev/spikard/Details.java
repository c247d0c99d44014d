// Generated from spec/errors.yaml by codegen. Do not edit.
package dev.spikard;

/** Finer codes of errors: what {@link OperationException#detail()} gives. */
public final class Details {
  private Details() {}

  /** Of storage. */
  public static final class Storage {
    private Storage() {}

    /** A key with a leading or trailing {@code /}, an empty, {@code .} or {@code ..} segment, a NUL, or of the wrong length. Kind: {@link ErrorKind#INVALID_ARGUMENT}. */
    public static final String INVALID_KEY = "invalid_key";

    /** The range begins after the end of the object. Kind: {@link ErrorKind#INVALID_ARGUMENT}. */
    public static final String RANGE_NOT_SATISFIABLE = "range_not_satisfiable";

    /** If-Match or If-None-Match does not hold. Kind: {@link ErrorKind#CONDITION_FAILED}. */
    public static final String CONDITION_NOT_MET = "condition_not_met";

    /** The writer gave up before the end. Kind: {@link ErrorKind#CANCELLED}. */
    public static final String ABORTED = "aborted";

    /** A token of an upload that was not given out for this key and store, or whose time is over. Kind: {@link ErrorKind#INVALID_ARGUMENT}. */
    public static final String INVALID_UPLOAD = "invalid_upload";

    /** An upload in parts that was completed, aborted or taken away. Kind: {@link ErrorKind#NOT_FOUND}. */
    public static final String NO_SUCH_UPLOAD = "no_such_upload";

    /** A part of an upload is missing or has another size or etag. Kind: {@link ErrorKind#CONFLICT}. */
    public static final String INVALID_PART = "invalid_part";
  }

  /** Of cache. */
  public static final class Cache {
    private Cache() {}

    /** {@code increment} of a value that is no integer. Kind: {@link ErrorKind#INVALID_ARGUMENT}. */
    public static final String NOT_AN_INTEGER = "not_an_integer";

    /** The result does not fit 64 bits. Kind: {@link ErrorKind#INVALID_ARGUMENT}. */
    public static final String OUT_OF_RANGE = "out_of_range";

    /** The loader of {@code get_or_load} failed. Kind: {@link ErrorKind#INTERNAL}. */
    public static final String LOAD_FAILED = "load_failed";
  }

  /** Of db. */
  public static final class Db {
    private Db() {}

    /** More or fewer parameters than placeholders. Kind: {@link ErrorKind#INVALID_ARGUMENT}. */
    public static final String PARAMETER_COUNT = "parameter_count";

    /** A value the database cannot hold. Kind: {@link ErrorKind#INVALID_ARGUMENT}. */
    public static final String INVALID_PARAMETER = "invalid_parameter";

    /** A number outside its column's type. Kind: {@link ErrorKind#INVALID_ARGUMENT}. */
    public static final String OUT_OF_RANGE = "out_of_range";

    /** More than one statement in one call. Kind: {@link ErrorKind#INVALID_ARGUMENT}. */
    public static final String MULTIPLE_STATEMENTS = "multiple_statements";

    /** Two columns of a result with one name. Kind: {@link ErrorKind#INVALID_ARGUMENT}. */
    public static final String DUPLICATE_COLUMN = "duplicate_column";

    /** The statement cannot be parsed. Kind: {@link ErrorKind#INVALID_ARGUMENT}. */
    public static final String SYNTAX_ERROR = "syntax_error";

    /** A table that is not there. Kind: {@link ErrorKind#INVALID_ARGUMENT}. */
    public static final String UNDEFINED_TABLE = "undefined_table";

    /** A unique constraint. Kind: {@link ErrorKind#ALREADY_EXISTS}. */
    public static final String UNIQUE_VIOLATION = "unique_violation";

    /** A foreign key constraint. Kind: {@link ErrorKind#CONFLICT}. */
    public static final String FOREIGN_KEY_VIOLATION = "foreign_key_violation";

    /** A NOT NULL constraint. Kind: {@link ErrorKind#CONFLICT}. */
    public static final String NOT_NULL_VIOLATION = "not_null_violation";

    /** A CHECK constraint. Kind: {@link ErrorKind#CONFLICT}. */
    public static final String CHECK_VIOLATION = "check_violation";

    /** A statement of this transaction failed; only rollback is left. Kind: {@link ErrorKind#CONFLICT}. */
    public static final String TRANSACTION_ABORTED = "transaction_aborted";

    /** The function run in a transaction threw; it was rolled back. Kind: {@link ErrorKind#INTERNAL}. */
    public static final String SCOPE_FAILED = "scope_failed";

    /** No connection became free in time. Kind: {@link ErrorKind#TIMEOUT}. */
    public static final String POOL_TIMEOUT = "pool_timeout";

    /** The client was closed. Kind: {@link ErrorKind#UNAVAILABLE}. */
    public static final String CLOSED = "closed";
  }

  /** Of cron. */
  public static final class Cron {
    private Cron() {}

    /** An expression that cannot be parsed or never fires. Kind: {@link ErrorKind#INVALID_ARGUMENT}. */
    public static final String INVALID_CRON = "invalid_cron";

    /** A time zone that is not known. Kind: {@link ErrorKind#INVALID_ARGUMENT}. */
    public static final String INVALID_TIMEZONE = "invalid_timezone";
  }

  /** Of cloudevents. */
  public static final class Cloudevents {
    private Cloudevents() {}

    /** Something that is not a valid event; the message has a line for each thing that is wrong. Kind: {@link ErrorKind#INVALID_ARGUMENT}. */
    public static final String INVALID_EVENT = "invalid_event";

    /** An event format that is not known, such as application/cloudevents+avro. Kind: {@link ErrorKind#UNSUPPORTED}. */
    public static final String UNKNOWN_FORMAT = "unknown_format";

    /** A JSON event in another charset than UTF-8. Kind: {@link ErrorKind#UNSUPPORTED}. */
    public static final String UNSUPPORTED_CHARSET = "unsupported_charset";

    /** More events in a batch than allowed. Kind: {@link ErrorKind#TOO_LARGE}. */
    public static final String BATCH_TOO_LARGE = "batch_too_large";
  }
}
