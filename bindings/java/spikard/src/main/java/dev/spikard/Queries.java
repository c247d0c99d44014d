package dev.spikard;

import dev.spikard.internal.Abi;
import dev.spikard.internal.Arguments;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZonedDateTime;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/**
 * Statements of a database or a transaction. {@code ?}, {@code $1} and {@code :name} are placeholders; parameters follow the statement, those with names as one Map. Instants, BigDecimal, bytes and UUIDs are
 * parameters as they are; a Map, a List and a record go as JSON.
 */
public abstract class Queries {
  private static final java.util.Set<String> FORMS = java.util.Set.of("$int64", "$decimal", "$timestamp", "$bytes", "$json", "$float");
  final DatabaseOperations client;
  final Duration timeout;

  Queries(DatabaseOperations client, Duration timeout) {
    this.client = client;
    this.timeout = timeout;
  }

  /** Null outside a transaction. */
  abstract Long number();

  Arguments arguments(String sql, Object[] params) {
    Arguments arguments = new Arguments().put("sql", sql);
    Object given = parameters(params);
    if (given != null) arguments.put("params", given);
    Long transaction = number();
    if (transaction != null) arguments.put("transaction", transaction);
    if (timeout != null) arguments.put("timeout_ms", Client.millis(timeout));
    return arguments;
  }

  static Object parameters(Object[] params) {
    if (params == null) return Collections.singletonList(null); // a lone null
    if (params.length == 0) return null;
    if (params.length == 1 && params[0] instanceof Map<?, ?> named && !(named.size() == 1 && FORMS.contains(String.valueOf(named.keySet().iterator().next())))) {
      Map<String, Object> out = new LinkedHashMap<>();
      named.forEach((name, value) -> out.put((String) name, parameter(value)));
      return out;
    }
    List<Object> out = new ArrayList<>(params.length);
    for (Object one : params) out.add(parameter(one));
    return out;
  }

  private static Object parameter(Object value) {
    if (value instanceof BigDecimal decimal) return Map.of("$decimal", decimal.toPlainString());
    if (value instanceof Instant || value instanceof OffsetDateTime) return Map.of("$timestamp", value.toString());
    if (value instanceof ZonedDateTime zoned) return Map.of("$timestamp", zoned.toOffsetDateTime().toString());
    if (value instanceof LocalDateTime local) return local.toString().replace('T', ' ');
    if (value instanceof Map<?, ?> map && map.size() == 1 && FORMS.contains(String.valueOf(map.keySet().iterator().next()))) return value;
    if (value instanceof Map<?, ?> || value instanceof Iterable<?> || value instanceof Record) return Map.of("$json", value);
    return value;
  }

  private static Rows rows(Map<String, Object> result) {
    return Rows.of(result.get("rows"), dev.spikard.internal.Result.list(result.get("columns")), dev.spikard.internal.Result.list(result.get("types")));
  }

  /** The rows of a statement; at most the {@code max_rows} of the client. */
  public Rows query(String sql, Object... params) {
    return client.begin(Abi.OP_DB_QUERY, arguments(sql, params), Queries::rows).await(true);
  }

  public CompletableFuture<Rows> queryAsync(String sql, Object... params) {
    return client.start(Abi.OP_DB_QUERY, arguments(sql, params), Queries::rows);
  }

  private static Row first(Map<String, Object> result) {
    if (!(result.get("row") instanceof Map<?, ?> row)) return null;
    @SuppressWarnings("unchecked")
    Map<String, Object> columns = (Map<String, Object>) row;
    return Rows.row(columns, new ArrayList<>(columns.keySet()), dev.spikard.internal.Result.list(result.get("types")));
  }

  /** The first row; null when there is none. */
  public Row first(String sql, Object... params) {
    return client.begin(Abi.OP_DB_FIRST, arguments(sql, params), Queries::first).await(true);
  }

  public CompletableFuture<Row> firstAsync(String sql, Object... params) {
    return client.start(Abi.OP_DB_FIRST, arguments(sql, params), Queries::first);
  }

  /** The first column of the first row; null when there is no row. */
  public Object value(String sql, Object... params) {
    Row row = first(sql, params);
    return row == null ? null : row.values().iterator().next();
  }

  /** Runs a statement; how many rows it matched. */
  public long execute(String sql, Object... params) {
    return client.begin(Abi.OP_DB_EXECUTE, arguments(sql, params), affected("affected")).await(true);
  }

  public CompletableFuture<Long> executeAsync(String sql, Object... params) {
    return client.start(Abi.OP_DB_EXECUTE, arguments(sql, params), affected("affected"));
  }

  private static Function<Map<String, Object>, Long> affected(String member) {
    return result -> ((Number) result.getOrDefault(member, result.values().iterator().next())).longValue();
  }

  /** Runs one statement once for each set of parameters (a List, or a Map by name), all of it or nothing; how many rows it matched. */
  public long batch(String sql, Iterable<?> sets) {
    List<Object> all = new ArrayList<>();
    for (Object one : sets) all.add(parameters(one instanceof List<?> list ? list.toArray() : new Object[] {one}));
    Arguments arguments = arguments(sql, new Object[0]);
    arguments.put("params", all);
    return client.begin(Abi.OP_DB_BATCH, arguments, affected("affected")).await(true);
  }

  /** The rows as JSON text in chunks: one array. The result is their number. */
  public ByteStream<Long> queryStream(String sql, Object... params) {
    return new ByteStream<>(client, Abi.OP_DB_QUERY_STREAM, arguments(sql, params), affected("rows"));
  }

  /** The rows one by one, read from the database as they are taken: for more than fit into memory. Close it when it was not read to its end. */
  public Cursor iterate(String sql, Object... params) {
    return new Cursor(client, arguments(sql, params));
  }

  /** Rows read as they are taken. */
  public static final class Cursor implements Iterable<Row>, Iterator<Row>, AutoCloseable {
    private final DatabaseOperations client;
    private final Arguments arguments;
    private final ArrayDeque<Row> page = new ArrayDeque<>();
    private DatabaseOperations.OpenCursorResult opened;
    private boolean done;

    Cursor(DatabaseOperations client, Arguments arguments) {
      this.client = client;
      this.arguments = arguments;
    }

    @Override
    public Iterator<Row> iterator() {
      return this;
    }

    @Override
    public boolean hasNext() {
      if (opened == null && !done) {
        opened = client.begin(Abi.OP_DB_OPEN_CURSOR, arguments, result -> new DatabaseOperations.OpenCursorResult(((Number) result.get("cursor")).longValue(),
            dev.spikard.internal.Result.list(result.get("columns")), dev.spikard.internal.Result.list(result.get("types")))).await(true);
      }
      while (page.isEmpty() && !done) {
        DatabaseOperations.FetchResult next = client.fetch(opened.cursor());
        done = next.done();
        page.addAll(Rows.of(next.rows(), opened.columns(), opened.types()));
      }
      return !page.isEmpty();
    }

    @Override
    public Row next() {
      if (!hasNext()) throw new NoSuchElementException();
      return page.poll();
    }

    @Override
    public void close() {
      if (done || opened == null) return;
      done = true;
      client.callUninterrupted(Abi.OP_DB_CLOSE_CURSOR, new Arguments().put("cursor", opened.cursor()));
    }
  }
}
