/** Databases: rows in JavaScript's own types, transactions, cursors. */

import { type CacheInvalidateOptions, DatabaseClient, type DatabaseBeginOptions, type TasksEnqueueOptions, type TasksEnqueueResult } from './_generated/clients';
import { Operation } from './_generated/constants';
import type { CallOptions, Handle, Stream } from './client';
import { OperationError } from './errors';
import { Decimal, toPlain } from './nodes';
import { Served, type ServedAnswer, StreamingResponse } from './response';
import { Cache, Messaging, type PublishOptions, Tasks } from './toolbox';
import type { Task } from './handlers';

export type Row = Record<string, any>;
/** A list for `$n` and `?`, an object for `:name`. */
export type Params = readonly unknown[] | Readonly<Record<string, unknown>> | null | undefined;

export interface QueryOptions extends CallOptions {
  /** The longest it may take, in ms. Default: as the client is configured. */
  timeoutMs?: number;
}

const FORMS = new Set(['$int64', '$decimal', '$timestamp', '$bytes', '$json', '$float']);

function parameter(value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) return { $float: String(value) };
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array || value instanceof Decimal) return value;
  if (value instanceof Date) return { $timestamp: Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString() };
  const keys = Object.keys(value);
  if (keys.length === 1 && FORMS.has(keys[0])) return value;
  return { $json: value };
}

function parameters(params: Params): unknown {
  if (params === null || params === undefined) return null;
  if (Array.isArray(params)) return params.map(parameter);
  if (typeof params !== 'object') throw new TypeError('params: expected an array or an object');
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, parameter(value)]));
}

function timestamp(value: unknown): unknown {
  if (typeof value !== 'string' || !/(Z|[+-]\d\d:\d\d)$/.test(value)) return value; // without a zone it is no instant
  const date = new Date(value);
  // A Date has milliseconds: what is finer stays text.
  return Number.isNaN(date.getTime()) || /\.\d{4,}/.test(value.replace(/0+(?=Z|[+-]\d\d:\d\d$)/, '')) ? value : date;
}

const TYPES: Record<string, (value: any) => unknown> = {
  decimal: (value) => (value instanceof Decimal ? value : new Decimal(String(value))),
  timestamp,
};

/** Instants as Date, decimals as Decimal, in place. */
function ownTypes(rows: Row[], columns: readonly string[], types: readonly string[]): Row[] {
  for (let i = 0; i < columns.length; ++i) {
    const convert = TYPES[types[i]];
    if (convert === undefined) continue;
    const column = columns[i];
    for (const row of rows) if (row[column] !== null && row[column] !== undefined) row[column] = convert(row[column]);
  }
  return rows;
}

/** The rows of a query, with the names and types of its columns. */
export class Rows<T extends Row = Row> extends Array<T> {
  columns: string[] = [];
  types: string[] = [];

  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }

  /** @internal */
  static make<T extends Row>(rows: T[], columns: string[], types: string[]): Rows<T> {
    const out = new Rows<T>();
    for (const row of rows) out.push(row);
    out.columns = columns;
    out.types = types;
    return out;
  }
}

/** A query that was not run yet: `await` it for its rows. `response()` makes it the answer of a handler: the rows as a JSON array, read from the database no faster than the client takes them. */
export class Query<T extends Row = Row> implements PromiseLike<Rows<T>> {
  private asked: Promise<Rows<T>> | undefined;

  /** @internal */
  constructor(private readonly on: Queries, private readonly sql: string, private readonly params: Params, private readonly options: QueryOptions) {}

  then<A = Rows<T>, B = never>(ok?: ((rows: Rows<T>) => A | PromiseLike<A>) | null, no?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<A | B> {
    return (this.asked ??= this.on.rows<T>(this.sql, this.params, this.options)).then(ok, no);
  }

  /** As the answer of a handler, without its rows coming here: `return db.query('SELECT ...').response()`. */
  response(): Served | StreamingResponse {
    return this.on.served(this.sql, this.params, this.options);
  }
}

class ServedQuery extends Served {
  constructor(private readonly client: Database, private readonly args: unknown) {
    super();
  }

  /** @internal */
  answer(): ServedAnswer {
    return [Operation.DB_QUERY_STREAM, this.client.where().client, this.args, 0];
  }
}

/** What a database and a transaction have in common. */
abstract class Queries {
  /** @internal */
  protected abstract statements(): { client: DatabaseClient; transaction?: Handle };

  /** The rows of a statement, as objects. */
  query<T extends Row = Row>(sql: string, params?: Params, options: QueryOptions = {}): Query<T> {
    return new Query<T>(this, sql, params, options);
  }

  /** @internal */
  async rows<T extends Row>(sql: string, params: Params, options: QueryOptions): Promise<Rows<T>> {
    const { client, transaction } = this.statements();
    const result = await client.query(sql, { ...options, params: parameters(params), transaction });
    const { columns, types } = result as { columns: string[]; types: string[] };
    return Rows.make(ownTypes(result.rows as Row[], columns, types) as T[], columns, types);
  }

  /** @internal */
  abstract served(sql: string, params: Params, options: QueryOptions): Served | StreamingResponse;

  /** The first row, or undefined. */
  async first<T extends Row = Row>(sql: string, params?: Params, options: QueryOptions = {}): Promise<T | undefined> {
    const { client, transaction } = this.statements();
    const result = await client.first(sql, { ...options, params: parameters(params), transaction });
    if (result.row === null || result.row === undefined) return undefined;
    return ownTypes([result.row as Row], Object.keys(result.row as Row), result.types as string[])[0] as T;
  }

  /** The first column of the first row; undefined when there is no row. */
  async value<T = any>(sql: string, params?: Params, options: QueryOptions = {}): Promise<T | undefined> {
    const row = await this.first(sql, params, options);
    return row === undefined ? undefined : (Object.values(row)[0] as T);
  }

  /** Runs a statement; how many rows it matched. */
  async execute(sql: string, params?: Params, options: QueryOptions = {}): Promise<number> {
    const { client, transaction } = this.statements();
    return client.execute(sql, { ...options, params: parameters(params), transaction });
  }

  /** Runs one statement once for each set of parameters, all of it or nothing; how many rows it matched. */
  async batch(sql: string, params: Iterable<Params>, options: QueryOptions = {}): Promise<number> {
    const { client, transaction } = this.statements();
    return (client.batch as any)(sql, [...params].map(parameters), { ...options, transaction });
  }

  /** The rows one by one, read from the database as they are taken: for more than fit into memory. */
  async *iterate<T extends Row = Row>(sql: string, params?: Params, options: QueryOptions & { atOnce?: number } = {}): AsyncGenerator<T, void, undefined> {
    const { client, transaction } = this.statements();
    const opened: any = await client.openCursor(sql, { params: parameters(params), transaction, timeoutMs: options.timeoutMs, signal: options.signal });
    let done = false;
    try {
      while (!done) {
        const page: any = await client.fetch(opened.cursor, { max: options.atOnce ?? 256, signal: options.signal });
        done = page.done;
        yield* ownTypes(page.rows, opened.columns, opened.types) as T[];
      }
    } finally {
      if (!done) await client.closeCursor(opened.cursor).catch(() => {});
    }
  }

  /** The rows as JSON text in chunks: `json` is one array, `ndjson` one object a line. `result` is their number. */
  queryStream(sql: string, params?: Params, options: QueryOptions & { format?: 'json' | 'ndjson' } = {}): Stream<number> {
    const { client, transaction } = this.statements();
    return client.queryStream(sql, { ...options, params: parameters(params), transaction });
  }
}

export interface TransactionOptions {
  /** As the database names it. Default: the database's own. */
  isolation?: DatabaseBeginOptions['isolation'];
  readOnly?: boolean;
}

/** A database. `?`, `$1` and `:name` are placeholders on all of them. */
export class Database extends Queries {
  private readonly client: DatabaseClient;

  constructor(readonly name = 'default') {
    super();
    this.client = new DatabaseClient(name);
  }

  /** The operations as the core has them. */
  get operations(): DatabaseClient {
    return this.client;
  }

  /** @internal */
  where(): ReturnType<DatabaseClient['where']> {
    return this.client.where();
  }

  /** @internal */
  protected statements(): { client: DatabaseClient } {
    return { client: this.client };
  }

  /** @internal */
  served(sql: string, params: Params, options: QueryOptions): Served {
    return new ServedQuery(this, { sql, params: parameters(params), timeout_ms: options.timeoutMs });
  }

  /**
   * Runs `body` in a transaction: commits at its end, rolls back when it throws.
   *
   * @example await db.transaction(async (tx) => { await tx.execute(...); await tx.publish('orders.created', order); });
   */
  async transaction<T>(body: (tx: Transaction) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    const tx = await this.begin(options);
    return tx.through(body);
  }

  /** A transaction by hand: `commit` or `rollback` it. */
  async begin(options: TransactionOptions = {}): Promise<Transaction> {
    const number = await this.client.begin({ isolation: options.isolation, readOnly: options.readOnly });
    return new Transaction(this.client, number as Handle, false);
  }

  /** Applies the migrations that are configured. */
  migrate(...args: Parameters<DatabaseClient['migrate']>): ReturnType<DatabaseClient['migrate']> {
    return this.client.migrate(...args);
  }

  /** Ends its pool; statements after that are refused. */
  async close(): Promise<void> {
    await this.client.close();
  }
}

/** A transaction, or a nested scope of one. Statements, tasks, messages and invalidations in it happen together or not at all. */
export class Transaction extends Queries {
  private over = false;

  /** @internal */
  constructor(
    private readonly client: DatabaseClient,
    /** By which other operations name it. */
    readonly number: Handle,
    private readonly nested: boolean,
  ) {
    super();
  }

  [toPlain](): Handle {
    return this.number;
  }

  /** @internal */
  protected statements(): { client: DatabaseClient; transaction: Handle } {
    if (this.over) throw new OperationError('not_found', 'the transaction has ended');
    return { client: this.client, transaction: this.number };
  }

  /** @internal The rows are read from the transaction, which has to be open until the answer's end: that of a dependency is. */
  served(sql: string, params: Params, options: QueryOptions): StreamingResponse {
    const stream = this.queryStream(sql, params, options);
    let first: IteratorResult<Buffer> | undefined;
    async function* chunks(): AsyncGenerator<Buffer> {
      try {
        for (let step = first; step !== undefined && !step.done; step = await stream.next()) yield step.value;
      } finally {
        await stream.return();
      }
    }
    const response = new StreamingResponse({ [Symbol.asyncIterator]: chunks }, { mediaType: 'application/json' });
    // Before the head of the answer: a query that fails is an error, not a broken answer.
    response.prepare = async () => {
      first = await stream.next();
    };
    return response;
  }

  /** @internal */
  async through<T>(body: (tx: this) => Promise<T>): Promise<T> {
    let value: T;
    try {
      value = await body(this);
    } catch (error) {
      if (!this.over) await this.rollback().catch(() => {}); // the error that brought us here says more
      throw error;
    }
    if (!this.over) await this.commit();
    return value;
  }

  /** Before the body's end, where that matters. */
  async commit(): Promise<void> {
    this.statements();
    this.over = true;
    try {
      await this.client.commit(this.number, { savepoint: this.nested });
    } catch (error) {
      await this.client.rollback(this.number, { savepoint: this.nested }).catch(() => {});
      throw error;
    }
  }

  async rollback(): Promise<void> {
    this.statements();
    this.over = true;
    await this.client.rollback(this.number, { savepoint: this.nested });
  }

  /** A scope that may fail while the transaction goes on. */
  async savepoint<T>(body: (tx: Transaction) => Promise<T>): Promise<T> {
    this.statements();
    await this.client.savepoint(this.number);
    return new Transaction(this.client, this.number, true).through(body);
  }

  // ---- across subsystems

  /** Enqueues a task when the transaction commits. */
  enqueue<A>(task: Task<A>, args: A, options?: Omit<TasksEnqueueOptions, 'args' | 'transaction'>): Promise<TasksEnqueueResult>;
  enqueue(task: string, args?: unknown, options?: Omit<TasksEnqueueOptions, 'args' | 'transaction'>): Promise<TasksEnqueueResult>;
  enqueue(task: string | Task<any>, args?: unknown, options: Omit<TasksEnqueueOptions, 'args' | 'transaction'> = {}): Promise<TasksEnqueueResult> {
    if (typeof task !== 'string') return task.enqueue(args, { ...options, transaction: this.number });
    return new Tasks().enqueue(task, { ...options, args, transaction: this.number });
  }

  /** Publishes a message when the transaction commits (outbox). */
  publish(topic: string, payload: unknown, options: Omit<PublishOptions, 'transaction'> & { client?: string } = {}): Promise<unknown> {
    const { client, ...rest } = options;
    return new Messaging(client).publish(topic, payload, { ...rest, transaction: this.number });
  }

  /** Deletes keys, and what has one of the tags, from a cache when the transaction commits. */
  async invalidate(keys: string | readonly string[], options: Omit<CacheInvalidateOptions, 'keys' | 'transaction'> & { client?: string } = {}): Promise<void> {
    const { client, ...rest } = options;
    await new Cache(client).invalidate({ ...rest, keys: typeof keys === 'string' ? [keys] : keys, transaction: this.number });
  }

  /** Notes (source, id); false when it was there: what this transaction does was done before. */
  async inbox(source: string, id: string): Promise<boolean> {
    return this.client.inbox(this.number, source, id);
  }
}
