package dev.spikard;

import dev.spikard.internal.Abi;
import dev.spikard.internal.Arguments;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;

/**
 * A transaction, or a nested scope of one. Statements, tasks, messages and invalidations in it happen together or not at all.
 *
 * <pre>{@code
 * try (Transaction tx = db.begin()) {
 *   tx.execute("INSERT INTO orders (id) VALUES (?)", id);
 *   tx.publish("orders.placed", order);
 *   tx.commit();
 * }
 * }</pre>
 */
public final class Transaction extends Queries implements AutoCloseable, PlainData {
  private final long number;
  private final Transaction outer;
  private boolean ended;

  Transaction(DatabaseOperations client, Duration timeout, long number, Transaction outer) {
    super(client, timeout);
    this.number = number;
    this.outer = outer;
  }

  @Override
  Long number() {
    return number;
  }

  /** By which other operations name it. */
  public long id() {
    return number;
  }

  @Override
  public Object plain() {
    return number;
  }

  private Arguments end() {
    Arguments arguments = new Arguments().put("transaction", number);
    if (outer != null) arguments.put("savepoint", true);
    return arguments;
  }

  public void commit() {
    ended = true;
    try {
      client.call(Abi.OP_DB_COMMIT, end());
    } catch (RuntimeException error) {
      drop();
      throw error;
    }
  }

  public void rollback() {
    ended = true;
    client.callUninterrupted(Abi.OP_DB_ROLLBACK, end());
  }

  private void drop() {
    try {
      client.callUninterrupted(Abi.OP_DB_ROLLBACK, end());
    } catch (RuntimeException over) {
      // What brought us here says more.
    }
  }

  /** Rolls back, unless it was committed. */
  @Override
  public void close() {
    if (ended) return;
    ended = true;
    drop();
  }

  /** A scope that may fail while the transaction goes on. */
  public Transaction savepoint() {
    client.savepoint(number);
    return new Transaction(client, timeout, number, this);
  }

  /** Runs something in a nested scope. */
  public <T> T nested(Database.Body<T> body) {
    return scoped(savepoint(), body);
  }

  static <T> T scoped(Transaction tx, Database.Body<T> body) {
    try (tx) {
      T value = body.run(tx);
      if (!tx.ended) tx.commit();
      return value;
    } catch (RuntimeException error) {
      throw error;
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new CancelledException(CancelReason.REQUESTED);
    } catch (Exception error) {
      throw new SpikardException("in a transaction: " + error.getMessage(), error);
    }
  }

  // ---- across subsystems

  /** Enqueues a task when the transaction commits. */
  public TasksOperations.EnqueueResult enqueue(String task, Object args) {
    return enqueue(task, args, null);
  }

  /** As above, with the options of {@link Tasks#enqueue}. */
  public TasksOperations.EnqueueResult enqueue(String task, Object args, Consumer<? super TasksOperations.EnqueueOptions> options) {
    return new Tasks(client.app(), "default").enqueue(task, given -> {
      given.args(args).transaction(number);
      if (options != null) options.accept(given);
    });
  }

  /** Publishes a message when the transaction commits (outbox). Text and bytes go as they are, everything else as JSON. */
  public void publish(String topic, Object payload) {
    publish(topic, payload, null);
  }

  /** As above, with the options of {@link Messaging#publish}. */
  public void publish(String topic, Object payload, Consumer<? super MessagingOperations.PublishOptions> options) {
    new Messaging(client.app(), "default").publish(topic, Messaging.bytes(payload), given -> {
      given.transaction(number);
      if (options != null) options.accept(given);
    });
  }

  /** Deletes keys from a cache when the transaction commits. */
  public void invalidate(String... keys) {
    new Cache(client.app(), "default", null).invalidate(given -> given.keys(List.of(keys)).transaction(number));
  }

  /** Notes (source, id); false when it was there: what this transaction does was done before. */
  public boolean inbox(String source, String id) {
    return client.inbox(number, source, id);
  }
}
