package dev.spikard;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** A database. */
public final class Database extends Queries {
  private final App app;

  Database(App app, String name) {
    this(app, new Operations(app, name), null);
  }

  private Database(App app, DatabaseOperations client, Duration timeout) {
    super(client, timeout);
    this.app = app;
  }

  private static final class Operations extends DatabaseOperations {
    Operations(App app, String name) {
      super(app, name);
    }

    /** Nobody has the transaction that was begun: it would hold its connection until its time is over. */
    @Override
    Consumer<Map<String, Object>> late(int operation) {
      if (operation != dev.spikard.internal.Abi.OP_DB_BEGIN) return null;
      return result -> begin(dev.spikard.internal.Abi.OP_DB_ROLLBACK, new dev.spikard.internal.Arguments().put("transaction", result.get("transaction")), none -> none);
    }
  }

  @Override
  Long number() {
    return null;
  }

  /** All operations as spec/operations has them. */
  public DatabaseOperations operations() {
    return client;
  }

  public String name() {
    return client.name();
  }

  /** The same database with a limit for each statement. */
  public Database withTimeout(Duration timeout) {
    return new Database(app, client, timeout);
  }

  /** A query as the answer of a handler: the rows as a JSON array, read from the database no faster than the client takes them; neither rows nor bytes come to Java. */
  public Served rows(String sql, Object... params) {
    return new Served(dev.spikard.internal.Abi.OP_DB_QUERY_STREAM, client, arguments(sql, params), 0);
  }

  /** Begins a transaction. Close it: what was not committed then is rolled back. */
  public Transaction begin() {
    return begin("", false);
  }

  /**
   * @param isolation "" for the database's default, or read_committed, repeatable_read, serializable
   * @param readOnly whether it only reads
   */
  public Transaction begin(String isolation, boolean readOnly) {
    long number = client.begin(given -> {
      if (!isolation.isEmpty()) given.isolation(isolation);
      if (readOnly) given.readOnly(true);
    });
    return new Transaction(client, timeout, number, null);
  }

  /** What is done in a transaction. */
  @FunctionalInterface
  public interface Body<T> {
    T run(Transaction tx) throws Exception;
  }

  /** Runs something in a transaction: commits at its end, rolls back when it throws. What it throws unchecked passes as it is, anything else as the cause of a SpikardException. */
  public <T> T transaction(Body<T> body) {
    return Transaction.scoped(begin(), body);
  }

  public List<String> migrate(String folder) {
    return client.migrate(given -> given.folder(folder));
  }

  /** Ends it: what comes afterwards is unavailable, closed. */
  public void close() {
    client.close();
  }

  /** What its pool does. */
  public DatabaseOperations.StatsResult stats() {
    return client.stats();
  }
}
