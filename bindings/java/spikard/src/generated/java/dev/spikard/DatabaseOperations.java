// Generated from spec/operations by codegen. Do not edit.
package dev.spikard;

import dev.spikard.internal.Abi;
import dev.spikard.internal.Arguments;
import dev.spikard.internal.Result;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * The operations of {@code db}: each waits for its end, or, as {@code ...Async}, gives a future whose cancellation cancels it.
 *
 * <p>Databases. {@code params} is a list for {@code $n} and {@code ?}, an object for {@code :name}; one style a statement. Without parameters the text is sent as it stands.
 * <p>**Values.** null, booleans, integers of 64 bits, finite doubles and text are themselves, bytes are bytes, a list or another object is JSON. What JSON has no form for is an object of one member: {@code {"$int64": "9007199254740993"}},
 * {@code {"$decimal": "1.10"}}, {@code {"$timestamp": "2024-03-10T12:30:00+02:00"}}, {@code {"$bytes": BASE64}}, {@code {"$json": ANY}} (JSON that looks like one of these, or a bare scalar). A number as exact text (SPK_NUMTEXT) is a decimal when it has a fraction
 * or an exponent; beyond 64 bits without them it is out_of_range.
 * <p>Rows come out as objects, in the order of the columns: decimals as exact numbers, timestamps as RFC 3339 in UTC, JSON columns as what they hold, the rest as itself. {@code types} says for each column what it is ({@code integer}, {@code float}, {@code decimal},
 * {@code text}, {@code bytes}, {@code boolean}, {@code timestamp}, {@code date}, {@code time}, {@code uuid}, {@code json}, or {@code any} where the database does not say), so that a binding gives its language's own types.
 * <p>**Transactions** are integers that name one of the application; they are given to the operations of other subsystems too.
 */
public abstract class DatabaseOperations extends Client {
  DatabaseOperations(App app, String name) {
    super(app, "db", name);
  }

  /**
   * What {@code db.query} gives.
   *
   * @param rows A list of objects.
   * @param columns Names, in the order of the statement.
   * @param types Of the columns.
   */
  public record QueryResult(Object rows, List<String> columns, List<String> types) {}

  /** What {@code db.query} may be told besides. */
  public static final class QueryOptions {
    private final Arguments arguments;

    QueryOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** Its parameters: a list, or an object; null for none. */
    public QueryOptions params(Object params) {
      arguments.put("params", params);
      return this;
    }

    /** The transaction it is part of. */
    public QueryOptions transaction(Long transaction) {
      arguments.put("transaction", transaction);
      return this;
    }

    /** Longest it may take. Null: the configuration's {@code statement_timeout_ms}. */
    public QueryOptions timeout(Duration timeout) {
      arguments.put("timeout_ms", millis(timeout));
      return this;
    }
  }

  private static Arguments queryArguments(String sql, Consumer<? super QueryOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("sql", sql);
    if (options != null) options.accept(new QueryOptions(arguments));
    return arguments;
  }

  private static QueryResult queryAnswer(Map<String, Object> result) {
    return new QueryResult(result.get("rows"), Result.<String>list(result.get("columns")), Result.<String>list(result.get("types")));
  }

  /**
   * The rows of a statement.
   *
   * @param sql One statement.
   * @throws OperationException of kind invalid_argument, already_exists, conflict, too_large, timeout, unavailable
   */
  public QueryResult query(String sql) {
    return queryAnswer(call(Abi.OP_DB_QUERY, queryArguments(sql, null)));
  }

  /** As above, with options. */
  public QueryResult query(String sql, Consumer<? super QueryOptions> options) {
    return queryAnswer(call(Abi.OP_DB_QUERY, queryArguments(sql, options)));
  }

  /** {@link #query} as a future. */
  public CompletableFuture<QueryResult> queryAsync(String sql) {
    return start(Abi.OP_DB_QUERY, queryArguments(sql, null), DatabaseOperations::queryAnswer);
  }

  /** {@link #query} as a future, with options. */
  public CompletableFuture<QueryResult> queryAsync(String sql, Consumer<? super QueryOptions> options) {
    return start(Abi.OP_DB_QUERY, queryArguments(sql, options), DatabaseOperations::queryAnswer);
  }

  /**
   * What {@code db.first} gives.
   *
   * @param row An object, or null.
   * @param types Of the columns.
   */
  public record FirstResult(Object row, List<String> types) {}

  /** What {@code db.first} may be told besides. */
  public static final class FirstOptions {
    private final Arguments arguments;

    FirstOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** Its parameters: a list, or an object; null for none. */
    public FirstOptions params(Object params) {
      arguments.put("params", params);
      return this;
    }

    /** The transaction it is part of. */
    public FirstOptions transaction(Long transaction) {
      arguments.put("transaction", transaction);
      return this;
    }

    /** Longest it may take. Null: the configuration's {@code statement_timeout_ms}. */
    public FirstOptions timeout(Duration timeout) {
      arguments.put("timeout_ms", millis(timeout));
      return this;
    }
  }

  private static Arguments firstArguments(String sql, Consumer<? super FirstOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("sql", sql);
    if (options != null) options.accept(new FirstOptions(arguments));
    return arguments;
  }

  private static FirstResult firstAnswer(Map<String, Object> result) {
    return new FirstResult(result.get("row"), Result.<String>list(result.get("types")));
  }

  /**
   * The first row of a statement, null when there is none. The others are not read.
   *
   * @param sql One statement.
   * @throws OperationException of kind invalid_argument, already_exists, conflict, timeout, unavailable
   */
  public FirstResult first(String sql) {
    return firstAnswer(call(Abi.OP_DB_FIRST, firstArguments(sql, null)));
  }

  /** As above, with options. */
  public FirstResult first(String sql, Consumer<? super FirstOptions> options) {
    return firstAnswer(call(Abi.OP_DB_FIRST, firstArguments(sql, options)));
  }

  /** {@link #first} as a future. */
  public CompletableFuture<FirstResult> firstAsync(String sql) {
    return start(Abi.OP_DB_FIRST, firstArguments(sql, null), DatabaseOperations::firstAnswer);
  }

  /** {@link #first} as a future, with options. */
  public CompletableFuture<FirstResult> firstAsync(String sql, Consumer<? super FirstOptions> options) {
    return start(Abi.OP_DB_FIRST, firstArguments(sql, options), DatabaseOperations::firstAnswer);
  }

  /** What {@code db.execute} may be told besides. */
  public static final class ExecuteOptions {
    private final Arguments arguments;

    ExecuteOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** Its parameters: a list, or an object; null for none. */
    public ExecuteOptions params(Object params) {
      arguments.put("params", params);
      return this;
    }

    /** The transaction it is part of. */
    public ExecuteOptions transaction(Long transaction) {
      arguments.put("transaction", transaction);
      return this;
    }

    /** Longest it may take. Null: the configuration's {@code statement_timeout_ms}. */
    public ExecuteOptions timeout(Duration timeout) {
      arguments.put("timeout_ms", millis(timeout));
      return this;
    }
  }

  private static Arguments executeArguments(String sql, Consumer<? super ExecuteOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("sql", sql);
    if (options != null) options.accept(new ExecuteOptions(arguments));
    return arguments;
  }

  private static Long executeAnswer(Map<String, Object> result) {
    return Result.int64(result.get("affected"));
  }

  /**
   * Runs a statement and passes over its rows.
   *
   * @param sql One statement.
   * @return Rows that matched (were inserted, updated to whatever, deleted); 0 for other statements.
   * @throws OperationException of kind invalid_argument, already_exists, conflict, timeout, unavailable
   */
  public long execute(String sql) {
    return executeAnswer(call(Abi.OP_DB_EXECUTE, executeArguments(sql, null)));
  }

  /** As above, with options. */
  public long execute(String sql, Consumer<? super ExecuteOptions> options) {
    return executeAnswer(call(Abi.OP_DB_EXECUTE, executeArguments(sql, options)));
  }

  /** {@link #execute} as a future. */
  public CompletableFuture<Long> executeAsync(String sql) {
    return start(Abi.OP_DB_EXECUTE, executeArguments(sql, null), DatabaseOperations::executeAnswer);
  }

  /** {@link #execute} as a future, with options. */
  public CompletableFuture<Long> executeAsync(String sql, Consumer<? super ExecuteOptions> options) {
    return start(Abi.OP_DB_EXECUTE, executeArguments(sql, options), DatabaseOperations::executeAnswer);
  }

  /** What {@code db.batch} may be told besides. */
  public static final class BatchOptions {
    private final Arguments arguments;

    BatchOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** The transaction it is part of. */
    public BatchOptions transaction(Long transaction) {
      arguments.put("transaction", transaction);
      return this;
    }

    /** Longest all of it may take. Null: the configuration's {@code statement_timeout_ms}. */
    public BatchOptions timeout(Duration timeout) {
      arguments.put("timeout_ms", millis(timeout));
      return this;
    }
  }

  private static Arguments batchArguments(String sql, Object params, Consumer<? super BatchOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("sql", sql);
    arguments.put("params", params);
    if (options != null) options.accept(new BatchOptions(arguments));
    return arguments;
  }

  private static Long batchAnswer(Map<String, Object> result) {
    return Result.int64(result.get("affected"));
  }

  /**
   * Runs one statement once for each set of parameters, all of it in one transaction (or the one that is named).
   *
   * @param sql One statement.
   * @param params A list with the parameters of each run (lists or objects).
   * @return Rows that matched, of all runs.
   * @throws OperationException of kind invalid_argument, already_exists, conflict, timeout, unavailable
   */
  public long batch(String sql, Object params) {
    return batchAnswer(call(Abi.OP_DB_BATCH, batchArguments(sql, params, null)));
  }

  /** As above, with options. */
  public long batch(String sql, Object params, Consumer<? super BatchOptions> options) {
    return batchAnswer(call(Abi.OP_DB_BATCH, batchArguments(sql, params, options)));
  }

  /** {@link #batch} as a future. */
  public CompletableFuture<Long> batchAsync(String sql, Object params) {
    return start(Abi.OP_DB_BATCH, batchArguments(sql, params, null), DatabaseOperations::batchAnswer);
  }

  /** {@link #batch} as a future, with options. */
  public CompletableFuture<Long> batchAsync(String sql, Object params, Consumer<? super BatchOptions> options) {
    return start(Abi.OP_DB_BATCH, batchArguments(sql, params, options), DatabaseOperations::batchAnswer);
  }

  /** What {@code db.query_stream} may be told besides. */
  public static final class QueryStreamOptions {
    private final Arguments arguments;

    QueryStreamOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** Its parameters: a list, or an object; null for none. */
    public QueryStreamOptions params(Object params) {
      arguments.put("params", params);
      return this;
    }

    /** {@code json} or {@code ndjson}. */
    public QueryStreamOptions format(String format) {
      arguments.put("format", format);
      return this;
    }

    /** The transaction it is part of. */
    public QueryStreamOptions transaction(Long transaction) {
      arguments.put("transaction", transaction);
      return this;
    }

    /** Longest between two parts. Null: the configuration's {@code statement_timeout_ms}. */
    public QueryStreamOptions timeout(Duration timeout) {
      arguments.put("timeout_ms", millis(timeout));
      return this;
    }
  }

  private static Arguments queryStreamArguments(String sql, Consumer<? super QueryStreamOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("sql", sql);
    if (options != null) options.accept(new QueryStreamOptions(arguments));
    return arguments;
  }

  private static Long queryStreamAnswer(Map<String, Object> result) {
    return Result.int64(result.get("rows"));
  }

  /**
   * Streamed: the rows of a statement as JSON text, read no faster than they are taken. {@code format} json: one array; ndjson: one object a line. In JSON text decimals are numbers with all their digits, timestamps text, bytes base64.
   *
   * @param sql One statement.
   * @return How many there were.
   * @throws OperationException of kind invalid_argument, already_exists, conflict, cancelled, timeout, unavailable
   */
  public ByteStream<Long> queryStream(String sql) {
    return new ByteStream<>(this, Abi.OP_DB_QUERY_STREAM, queryStreamArguments(sql, null), DatabaseOperations::queryStreamAnswer);
  }

  /** As above, with options. */
  public ByteStream<Long> queryStream(String sql, Consumer<? super QueryStreamOptions> options) {
    return new ByteStream<>(this, Abi.OP_DB_QUERY_STREAM, queryStreamArguments(sql, options), DatabaseOperations::queryStreamAnswer);
  }

  /** What {@code db.begin} may be told besides. */
  public static final class BeginOptions {
    private final Arguments arguments;

    BeginOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** {@code read_committed}, {@code repeatable_read} or {@code serializable}; empty for the database's default. SQLite always is serializable. */
    public BeginOptions isolation(String isolation) {
      arguments.put("isolation", isolation);
      return this;
    }

    /** It only reads. On SQLite it then does not wait for those that write. */
    public BeginOptions readOnly(boolean readOnly) {
      arguments.put("read_only", readOnly);
      return this;
    }
  }

  private static Arguments beginArguments(Consumer<? super BeginOptions> options) {
    Arguments arguments = new Arguments();
    if (options != null) options.accept(new BeginOptions(arguments));
    return arguments;
  }

  private static Long beginAnswer(Map<String, Object> result) {
    return Result.int64(result.get("transaction"));
  }

  /**
   * Begins a transaction. It holds a connection until {@code db.commit} or {@code db.rollback}; after {@code transaction_timeout_ms} it is rolled back. After a failed statement only rollback is left (conflict, transaction_aborted).
   *
   * @return Its number.
   * @throws OperationException of kind invalid_argument, timeout, unavailable
   */
  public long begin() {
    return beginAnswer(call(Abi.OP_DB_BEGIN, beginArguments(null)));
  }

  /** As above, with options. */
  public long begin(Consumer<? super BeginOptions> options) {
    return beginAnswer(call(Abi.OP_DB_BEGIN, beginArguments(options)));
  }

  /** {@link #begin} as a future. */
  public CompletableFuture<Long> beginAsync() {
    return start(Abi.OP_DB_BEGIN, beginArguments(null), DatabaseOperations::beginAnswer);
  }

  /** {@link #begin} as a future, with options. */
  public CompletableFuture<Long> beginAsync(Consumer<? super BeginOptions> options) {
    return start(Abi.OP_DB_BEGIN, beginArguments(options), DatabaseOperations::beginAnswer);
  }

  /** What {@code db.commit} may be told besides. */
  public static final class CommitOptions {
    private final Arguments arguments;

    CommitOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** Only the innermost nested scope. */
    public CommitOptions savepoint(boolean savepoint) {
      arguments.put("savepoint", savepoint);
      return this;
    }
  }

  private static Arguments commitArguments(long transaction, Consumer<? super CommitOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("transaction", transaction);
    if (options != null) options.accept(new CommitOptions(arguments));
    return arguments;
  }

  private static Void commitAnswer(Map<String, Object> result) {
    return null;
  }

  /**
   * Commits and ends a transaction; with {@code savepoint} ends the innermost nested scope and keeps what it did.
   *
   * @param transaction The transaction.
   * @throws OperationException of kind not_found, conflict, timeout, unavailable, outcome_unknown
   */
  public void commit(long transaction) {
    commitAnswer(call(Abi.OP_DB_COMMIT, commitArguments(transaction, null)));
  }

  /** As above, with options. */
  public void commit(long transaction, Consumer<? super CommitOptions> options) {
    commitAnswer(call(Abi.OP_DB_COMMIT, commitArguments(transaction, options)));
  }

  /** {@link #commit} as a future. */
  public CompletableFuture<Void> commitAsync(long transaction) {
    return start(Abi.OP_DB_COMMIT, commitArguments(transaction, null), DatabaseOperations::commitAnswer);
  }

  /** {@link #commit} as a future, with options. */
  public CompletableFuture<Void> commitAsync(long transaction, Consumer<? super CommitOptions> options) {
    return start(Abi.OP_DB_COMMIT, commitArguments(transaction, options), DatabaseOperations::commitAnswer);
  }

  /** What {@code db.rollback} may be told besides. */
  public static final class RollbackOptions {
    private final Arguments arguments;

    RollbackOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** Only the innermost nested scope. */
    public RollbackOptions savepoint(boolean savepoint) {
      arguments.put("savepoint", savepoint);
      return this;
    }
  }

  private static Arguments rollbackArguments(long transaction, Consumer<? super RollbackOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("transaction", transaction);
    if (options != null) options.accept(new RollbackOptions(arguments));
    return arguments;
  }

  private static Void rollbackAnswer(Map<String, Object> result) {
    return null;
  }

  /**
   * Undoes and ends a transaction; with {@code savepoint} the innermost nested scope, after which the transaction can go on.
   *
   * @param transaction The transaction.
   * @throws OperationException of kind not_found, conflict, unavailable
   */
  public void rollback(long transaction) {
    rollbackAnswer(call(Abi.OP_DB_ROLLBACK, rollbackArguments(transaction, null)));
  }

  /** As above, with options. */
  public void rollback(long transaction, Consumer<? super RollbackOptions> options) {
    rollbackAnswer(call(Abi.OP_DB_ROLLBACK, rollbackArguments(transaction, options)));
  }

  /** {@link #rollback} as a future. */
  public CompletableFuture<Void> rollbackAsync(long transaction) {
    return start(Abi.OP_DB_ROLLBACK, rollbackArguments(transaction, null), DatabaseOperations::rollbackAnswer);
  }

  /** {@link #rollback} as a future, with options. */
  public CompletableFuture<Void> rollbackAsync(long transaction, Consumer<? super RollbackOptions> options) {
    return start(Abi.OP_DB_ROLLBACK, rollbackArguments(transaction, options), DatabaseOperations::rollbackAnswer);
  }

  private static Arguments savepointArguments(long transaction) {
    Arguments arguments = new Arguments();
    arguments.put("transaction", transaction);
    return arguments;
  }

  private static Void savepointAnswer(Map<String, Object> result) {
    return null;
  }

  /**
   * Opens a nested scope in a transaction.
   *
   * @param transaction The transaction.
   * @throws OperationException of kind not_found, conflict, timeout, unavailable
   */
  public void savepoint(long transaction) {
    savepointAnswer(call(Abi.OP_DB_SAVEPOINT, savepointArguments(transaction)));
  }

  /** {@link #savepoint} as a future. */
  public CompletableFuture<Void> savepointAsync(long transaction) {
    return start(Abi.OP_DB_SAVEPOINT, savepointArguments(transaction), DatabaseOperations::savepointAnswer);
  }

  /**
   * What {@code db.open_cursor} gives.
   *
   * @param cursor Its number.
   * @param columns Names, in the order of the statement.
   * @param types Of the columns.
   */
  public record OpenCursorResult(long cursor, List<String> columns, List<String> types) {}

  /** What {@code db.open_cursor} may be told besides. */
  public static final class OpenCursorOptions {
    private final Arguments arguments;

    OpenCursorOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** Its parameters: a list, or an object; null for none. */
    public OpenCursorOptions params(Object params) {
      arguments.put("params", params);
      return this;
    }

    /** The transaction it is part of; it cannot do anything else meanwhile. */
    public OpenCursorOptions transaction(Long transaction) {
      arguments.put("transaction", transaction);
      return this;
    }

    /** Longest a {@code db.fetch} may take. Null: the configuration's {@code statement_timeout_ms}. */
    public OpenCursorOptions timeout(Duration timeout) {
      arguments.put("timeout_ms", millis(timeout));
      return this;
    }
  }

  private static Arguments openCursorArguments(String sql, Consumer<? super OpenCursorOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("sql", sql);
    if (options != null) options.accept(new OpenCursorOptions(arguments));
    return arguments;
  }

  private static OpenCursorResult openCursorAnswer(Map<String, Object> result) {
    return new OpenCursorResult(Result.int64(result.get("cursor")), Result.<String>list(result.get("columns")), Result.<String>list(result.get("types")));
  }

  /**
   * Begins to read the rows of a statement; it holds a connection until {@code db.close_cursor} or its end.
   *
   * @param sql One statement.
   * @throws OperationException of kind invalid_argument, already_exists, conflict, timeout, unavailable
   */
  public OpenCursorResult openCursor(String sql) {
    return openCursorAnswer(call(Abi.OP_DB_OPEN_CURSOR, openCursorArguments(sql, null)));
  }

  /** As above, with options. */
  public OpenCursorResult openCursor(String sql, Consumer<? super OpenCursorOptions> options) {
    return openCursorAnswer(call(Abi.OP_DB_OPEN_CURSOR, openCursorArguments(sql, options)));
  }

  /** {@link #openCursor} as a future. */
  public CompletableFuture<OpenCursorResult> openCursorAsync(String sql) {
    return start(Abi.OP_DB_OPEN_CURSOR, openCursorArguments(sql, null), DatabaseOperations::openCursorAnswer);
  }

  /** {@link #openCursor} as a future, with options. */
  public CompletableFuture<OpenCursorResult> openCursorAsync(String sql, Consumer<? super OpenCursorOptions> options) {
    return start(Abi.OP_DB_OPEN_CURSOR, openCursorArguments(sql, options), DatabaseOperations::openCursorAnswer);
  }

  /**
   * What {@code db.fetch} gives.
   *
   * @param rows A list of objects.
   * @param done There are no more; the cursor is closed.
   */
  public record FetchResult(Object rows, boolean done) {}

  /** What {@code db.fetch} may be told besides. */
  public static final class FetchOptions {
    private final Arguments arguments;

    FetchOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** Most rows to give. */
    public FetchOptions max(long max) {
      arguments.put("max", max);
      return this;
    }
  }

  private static Arguments fetchArguments(long cursor, Consumer<? super FetchOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("cursor", cursor);
    if (options != null) options.accept(new FetchOptions(arguments));
    return arguments;
  }

  private static FetchResult fetchAnswer(Map<String, Object> result) {
    return new FetchResult(result.get("rows"), Result.bool(result.get("done")));
  }

  /**
   * The next rows of a cursor. It closes itself at the end and after an error.
   *
   * @param cursor The cursor.
   * @throws OperationException of kind not_found, invalid_argument, conflict, timeout, unavailable
   */
  public FetchResult fetch(long cursor) {
    return fetchAnswer(call(Abi.OP_DB_FETCH, fetchArguments(cursor, null)));
  }

  /** As above, with options. */
  public FetchResult fetch(long cursor, Consumer<? super FetchOptions> options) {
    return fetchAnswer(call(Abi.OP_DB_FETCH, fetchArguments(cursor, options)));
  }

  /** {@link #fetch} as a future. */
  public CompletableFuture<FetchResult> fetchAsync(long cursor) {
    return start(Abi.OP_DB_FETCH, fetchArguments(cursor, null), DatabaseOperations::fetchAnswer);
  }

  /** {@link #fetch} as a future, with options. */
  public CompletableFuture<FetchResult> fetchAsync(long cursor, Consumer<? super FetchOptions> options) {
    return start(Abi.OP_DB_FETCH, fetchArguments(cursor, options), DatabaseOperations::fetchAnswer);
  }

  private static Arguments closeCursorArguments(long cursor) {
    Arguments arguments = new Arguments();
    arguments.put("cursor", cursor);
    return arguments;
  }

  private static Void closeCursorAnswer(Map<String, Object> result) {
    return null;
  }

  /**
   * Ends a cursor. One that is not there is fine.
   *
   * @param cursor The cursor.
   * @throws OperationException of kind unavailable
   */
  public void closeCursor(long cursor) {
    closeCursorAnswer(call(Abi.OP_DB_CLOSE_CURSOR, closeCursorArguments(cursor)));
  }

  /** {@link #closeCursor} as a future. */
  public CompletableFuture<Void> closeCursorAsync(long cursor) {
    return start(Abi.OP_DB_CLOSE_CURSOR, closeCursorArguments(cursor), DatabaseOperations::closeCursorAnswer);
  }

  /** What {@code db.migrate} may be told besides. */
  public static final class MigrateOptions {
    private final Arguments arguments;

    MigrateOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** Another folder than the configuration's {@code migrations}. */
    public MigrateOptions folder(String folder) {
      arguments.put("folder", folder);
      return this;
    }
  }

  private static Arguments migrateArguments(Consumer<? super MigrateOptions> options) {
    Arguments arguments = new Arguments();
    if (options != null) options.accept(new MigrateOptions(arguments));
    return arguments;
  }

  private static List<String> migrateAnswer(Map<String, Object> result) {
    return Result.<String>list(result.get("applied"));
  }

  /**
   * Applies the files of the migrations folder that were not applied yet, in order, each in a transaction, once for any number of processes. A file that was changed after it was applied is conflict, and nothing is done.
   *
   * @return Files applied now.
   * @throws OperationException of kind invalid_argument, not_found, conflict, timeout, unavailable
   */
  public List<String> migrate() {
    return migrateAnswer(call(Abi.OP_DB_MIGRATE, migrateArguments(null)));
  }

  /** As above, with options. */
  public List<String> migrate(Consumer<? super MigrateOptions> options) {
    return migrateAnswer(call(Abi.OP_DB_MIGRATE, migrateArguments(options)));
  }

  /** {@link #migrate} as a future. */
  public CompletableFuture<List<String>> migrateAsync() {
    return start(Abi.OP_DB_MIGRATE, migrateArguments(null), DatabaseOperations::migrateAnswer);
  }

  /** {@link #migrate} as a future, with options. */
  public CompletableFuture<List<String>> migrateAsync(Consumer<? super MigrateOptions> options) {
    return start(Abi.OP_DB_MIGRATE, migrateArguments(options), DatabaseOperations::migrateAnswer);
  }

  /** What {@code db.migration_status} may be told besides. */
  public static final class MigrationStatusOptions {
    private final Arguments arguments;

    MigrationStatusOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** Another folder than the configuration's {@code migrations}. */
    public MigrationStatusOptions folder(String folder) {
      arguments.put("folder", folder);
      return this;
    }
  }

  private static Arguments migrationStatusArguments(Consumer<? super MigrationStatusOptions> options) {
    Arguments arguments = new Arguments();
    if (options != null) options.accept(new MigrationStatusOptions(arguments));
    return arguments;
  }

  private static Object migrationStatusAnswer(Map<String, Object> result) {
    return result.get("migrations");
  }

  /**
   * What is applied and what is not.
   *
   * @return A list of {@code {name, state, applied_at}}, in order; state is {@code applied}, {@code pending}, {@code changed} (the file differs from what was applied) or {@code missing} (applied, but there is no such file).
   * @throws OperationException of kind invalid_argument, not_found, timeout, unavailable
   */
  public Object migrationStatus() {
    return migrationStatusAnswer(call(Abi.OP_DB_MIGRATION_STATUS, migrationStatusArguments(null)));
  }

  /** As above, with options. */
  public Object migrationStatus(Consumer<? super MigrationStatusOptions> options) {
    return migrationStatusAnswer(call(Abi.OP_DB_MIGRATION_STATUS, migrationStatusArguments(options)));
  }

  /** {@link #migrationStatus} as a future. */
  public CompletableFuture<Object> migrationStatusAsync() {
    return start(Abi.OP_DB_MIGRATION_STATUS, migrationStatusArguments(null), DatabaseOperations::migrationStatusAnswer);
  }

  /** {@link #migrationStatus} as a future, with options. */
  public CompletableFuture<Object> migrationStatusAsync(Consumer<? super MigrationStatusOptions> options) {
    return start(Abi.OP_DB_MIGRATION_STATUS, migrationStatusArguments(options), DatabaseOperations::migrationStatusAnswer);
  }

  private static Arguments inboxArguments(long transaction, String source, String id) {
    Arguments arguments = new Arguments();
    arguments.put("transaction", transaction);
    arguments.put("source", source);
    arguments.put("id", id);
    return arguments;
  }

  private static Boolean inboxAnswer(Map<String, Object> result) {
    return Result.bool(result.get("first"));
  }

  /**
   * Notes (source, id) in a transaction and says whether it was new. What a handler does in the same transaction then happens once, however often a message or an event is delivered.
   *
   * @param transaction The transaction.
   * @param source Where it came from: a topic and group, or an event's source.
   * @param id Its identity there.
   * @return It was not there before.
   * @throws OperationException of kind not_found, conflict, timeout, unavailable
   */
  public boolean inbox(long transaction, String source, String id) {
    return inboxAnswer(call(Abi.OP_DB_INBOX, inboxArguments(transaction, source, id)));
  }

  /** {@link #inbox} as a future. */
  public CompletableFuture<Boolean> inboxAsync(long transaction, String source, String id) {
    return start(Abi.OP_DB_INBOX, inboxArguments(transaction, source, id), DatabaseOperations::inboxAnswer);
  }

  /**
   * What {@code db.stats} gives.
   *
   * @param backend The scheme of its URL.
   * @param inUse Connections in use.
   * @param waiting Calls that wait for one.
   * @param transactions Open transactions of hosts.
   * @param cursors Open cursors.
   * @param outbox Entries of the outbox that were not delivered yet.
   * @param refused Entries of the outbox that their target refused for good, set aside.
   */
  public record StatsResult(String backend, long inUse, long waiting, long transactions, long cursors, long outbox, long refused) {}

  private static Arguments statsArguments() {
    Arguments arguments = new Arguments();
    return arguments;
  }

  private static StatsResult statsAnswer(Map<String, Object> result) {
    return new StatsResult((String) result.get("backend"), Result.int64(result.get("in_use")), Result.int64(result.get("waiting")), Result.int64(result.get("transactions")), Result.int64(result.get("cursors")), Result.int64(result.get("outbox")), Result.int64(result.get("refused")));
  }

  /**
   * What the client is doing.
   *
   * @throws OperationException of kind unavailable
   */
  public StatsResult stats() {
    return statsAnswer(call(Abi.OP_DB_STATS, statsArguments()));
  }

  /** {@link #stats} as a future. */
  public CompletableFuture<StatsResult> statsAsync() {
    return start(Abi.OP_DB_STATS, statsArguments(), DatabaseOperations::statsAnswer);
  }

  private static Arguments closeArguments() {
    Arguments arguments = new Arguments();
    return arguments;
  }

  private static Void closeAnswer(Map<String, Object> result) {
    return null;
  }

  /**
   * Closes the client; what comes after is unavailable, closed.
   */
  public void close() {
    closeAnswer(call(Abi.OP_DB_CLOSE, closeArguments()));
  }

  /** {@link #close} as a future. */
  public CompletableFuture<Void> closeAsync() {
    return start(Abi.OP_DB_CLOSE, closeArguments(), DatabaseOperations::closeAnswer);
  }
}
