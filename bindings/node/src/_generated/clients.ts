// Generated from spec/operations by codegen. Do not edit.
/** Clients of the toolbox: one method an operation. The classes that applications use build on these (src/toolbox.ts). Spans of time are in milliseconds. */

import { type CallOptions, type Chunks, Client, type Handle, type Json, Stream } from '../client';

/** What `cache.get_or_begin_load` gives. */
export interface CacheGetOrBeginLoadResult {
  /** `value`, or `load`: the caller must load and call `cache.end_load`. */
  state: string;
  /** With `value`: the value; null is known not to exist. */
  value: Buffer | null;
  /** What to give to `cache.end_load`; with `value`: load in the background. */
  flight: Handle | null;
}

/** What `cache.stats` gives. */
export interface CacheStatsResult {
  /** Reads that found a value. */
  hits: number;
  /** Reads that found none. */
  misses: number;
  /** Entries that had to go for want of room. */
  evictions: number;
  /** Entries removed because their time was over. */
  expirations: number;
  /** Loads that succeeded, those that found nothing included. */
  loads: number;
  /** Loads that failed. */
  loadFailures: number;
  /** Entries present, expired ones that are not yet removed included. */
  entries: number;
  /** Their weight, in the unit of the limit. */
  weight: number;
  /** The limit: entries, or bytes. */
  maxWeight: number;
}

/** Options of `cache.get`. */
export interface CacheGetOptions extends CallOptions {
  /** The namespace. Default: `""`. */
  namespace?: string;
}

/** Options of `cache.set`. */
export interface CacheSetOptions extends CallOptions {
  /** How long it lives. Null: as long as the cache's default says. In ms. Default: `null`. */
  ttlMs?: number | null;
  /** No time limit, whatever the default. Default: `false`. */
  forever?: boolean;
  /** What `cache.invalidate_tags` finds it by. Default: `[]`. */
  tags?: readonly string[];
  /** What it counts towards the cache's limit, in its unit (entries or bytes). 0: one entry, or its bytes. Default: `0`. */
  weight?: number;
  /** The namespace. Default: `""`. */
  namespace?: string;
}

/** Options of `cache.delete`. */
export interface CacheDeleteOptions extends CallOptions {
  /** The namespace. Default: `""`. */
  namespace?: string;
}

/** Options of `cache.exists`. */
export interface CacheExistsOptions extends CallOptions {
  /** The namespace. Default: `""`. */
  namespace?: string;
}

/** Options of `cache.touch`. */
export interface CacheTouchOptions extends CallOptions {
  /** How long it lives from now. Null: as long as the cache's default says. In ms. Default: `null`. */
  ttlMs?: number | null;
  /** No time limit, whatever the default. Default: `false`. */
  forever?: boolean;
  /** The namespace. Default: `""`. */
  namespace?: string;
}

/** Options of `cache.ttl`. */
export interface CacheTtlOptions extends CallOptions {
  /** The namespace. Default: `""`. */
  namespace?: string;
}

/** Options of `cache.increment`. */
export interface CacheIncrementOptions extends CallOptions {
  /** What to add; may be negative. Default: `1`. */
  by?: number | bigint;
  /** How long it lives if this makes it. Null: as long as the cache's default says. In ms. Default: `null`. */
  ttlMs?: number | null;
  /** No time limit if this makes it. Default: `false`. */
  forever?: boolean;
  /** The namespace. Default: `""`. */
  namespace?: string;
}

/** Options of `cache.set_if_absent`. */
export interface CacheSetIfAbsentOptions extends CallOptions {
  /** How long it lives. Null: as long as the cache's default says. In ms. Default: `null`. */
  ttlMs?: number | null;
  /** No time limit, whatever the default. Default: `false`. */
  forever?: boolean;
  /** What `cache.invalidate_tags` finds it by. Default: `[]`. */
  tags?: readonly string[];
  /** As in `cache.set`. Default: `0`. */
  weight?: number;
  /** The namespace. Default: `""`. */
  namespace?: string;
}

/** Options of `cache.delete_if`. */
export interface CacheDeleteIfOptions extends CallOptions {
  /** The namespace. Default: `""`. */
  namespace?: string;
}

/** Options of `cache.get_many`. */
export interface CacheGetManyOptions extends CallOptions {
  /** The namespace. Default: `""`. */
  namespace?: string;
}

/** Options of `cache.set_many`. */
export interface CacheSetManyOptions extends CallOptions {
  /** How long they live. Null: as long as the cache's default says. In ms. Default: `null`. */
  ttlMs?: number | null;
  /** No time limit, whatever the default. Default: `false`. */
  forever?: boolean;
  /** What `cache.invalidate_tags` finds them by. Default: `[]`. */
  tags?: readonly string[];
  /** The namespace. Default: `""`. */
  namespace?: string;
}

/** Options of `cache.clear`. */
export interface CacheClearOptions extends CallOptions {
  /** The namespace. Default: `""`. */
  namespace?: string;
}

/** Options of `cache.count`. */
export interface CacheCountOptions extends CallOptions {
  /** The namespace. Default: `""`. */
  namespace?: string;
}

/** Options of `cache.get_or_begin_load`. */
export interface CacheGetOrBeginLoadOptions extends CallOptions {
  /** How long the loaded value lives. Null: as long as the cache's default says. In ms. Default: `null`. */
  ttlMs?: number | null;
  /** No time limit for the loaded value. Default: `false`. */
  forever?: boolean;
  /** How long it is remembered that the loader found nothing. 0: not at all. In ms. Default: `0`. */
  negativeTtlMs?: number;
  /** How long past its time the loaded value is kept, to be answered when a load fails. In ms. Default: `0`. */
  staleIfErrorMs?: number;
  /** A hit with less than this left makes one caller load it again in the background. In ms. Default: `0`. */
  earlyRefreshMs?: number;
  /** How long to wait for another caller's load; then timeout. Null: as long as it takes. In ms. Default: `null`. */
  waitMs?: number | null;
  /** A load that takes longer is given to another caller; its result is then thrown away. In ms. Default: `30000`. */
  loadTimeoutMs?: number;
  /** Tags of the loaded value. Default: `[]`. */
  tags?: readonly string[];
  /** Weight of the loaded value, as in `cache.set`. Default: `0`. */
  weight?: number;
  /** The namespace. Default: `""`. */
  namespace?: string;
}

/** Options of `cache.end_load`. */
export interface CacheEndLoadOptions extends CallOptions {
  /** With `value`: what was loaded. Default: `null`. */
  value?: string | Uint8Array | null;
  /** With `failed`: why, for the callers' errors. Default: `""`. */
  message?: string;
}

/** Options of `cache.invalidate`. */
export interface CacheInvalidateOptions extends CallOptions {
  /** The keys. Default: `[]`. */
  keys?: readonly string[];
  /** The tags, of any namespace. Default: `[]`. */
  tags?: readonly string[];
  /** The namespace of the keys. Default: `""`. */
  namespace?: string;
  /** The transaction of `db`. Default: `null`. */
  transaction?: Handle | null;
}

export class CacheClient extends Client {
  /** @internal */
  readonly group = 'cache';

  /**
   * The value of a key; null for a miss.
   *
   * @param key The key.
   * @throws OperationError of kind `invalid_argument`, `unavailable`, `timeout`
   */
  async get(key: string, options: CacheGetOptions = {}): Promise<Buffer | null> {
    const args: Json = { key: key };
    if (options.namespace !== undefined) args.namespace = options.namespace;
    const result = await this._call(32, args, options.signal);
    return result.value ?? null;
  }

  /**
   * Sets a key, whatever was there.
   *
   * @param key The key.
   * @param value The value.
   * @throws OperationError of kind `invalid_argument`, `too_large`, `unavailable`, `timeout`
   */
  async set(key: string, value: string | Uint8Array, options: CacheSetOptions = {}): Promise<void> {
    const args: Json = { key: key, value: value };
    if (options.ttlMs !== undefined) args.ttl_ms = options.ttlMs;
    if (options.forever !== undefined) args.forever = options.forever;
    if (options.tags !== undefined) args.tags = options.tags;
    if (options.weight !== undefined) args.weight = options.weight;
    if (options.namespace !== undefined) args.namespace = options.namespace;
    await this._call(33, args, options.signal);
  }

  /**
   * Deletes a key.
   *
   * @param key The key.
   * @throws OperationError of kind `invalid_argument`, `unavailable`, `timeout`
   */
  async delete(key: string, options: CacheDeleteOptions = {}): Promise<boolean> {
    const args: Json = { key: key };
    if (options.namespace !== undefined) args.namespace = options.namespace;
    const result = await this._call(34, args, options.signal);
    return result.value;
  }

  /**
   * Whether a key is there. Counts as no use of it.
   *
   * @param key The key.
   * @throws OperationError of kind `invalid_argument`, `unavailable`, `timeout`
   */
  async exists(key: string, options: CacheExistsOptions = {}): Promise<boolean> {
    const args: Json = { key: key };
    if (options.namespace !== undefined) args.namespace = options.namespace;
    const result = await this._call(35, args, options.signal);
    return result.value;
  }

  /**
   * Gives a key a new time to live, from now.
   *
   * @param key The key.
   * @throws OperationError of kind `invalid_argument`, `unavailable`, `timeout`
   */
  async touch(key: string, options: CacheTouchOptions = {}): Promise<boolean> {
    const args: Json = { key: key };
    if (options.ttlMs !== undefined) args.ttl_ms = options.ttlMs;
    if (options.forever !== undefined) args.forever = options.forever;
    if (options.namespace !== undefined) args.namespace = options.namespace;
    const result = await this._call(36, args, options.signal);
    return result.value;
  }

  /**
   * How long a key has left. A miss is not_found.
   *
   * @param key The key.
   * @throws OperationError of kind `not_found`, `invalid_argument`, `unavailable`, `timeout`
   */
  async ttl(key: string, options: CacheTtlOptions = {}): Promise<number | null> {
    const args: Json = { key: key };
    if (options.namespace !== undefined) args.namespace = options.namespace;
    const result = await this._call(37, args, options.signal);
    return result.value ?? null;
  }

  /**
   * Adds to an integer that is kept as decimal text, from nought where there is none. The time to live stays. A value that is no integer of 64 bits is invalid_argument with detail not_an_integer, a result that is none out_of_range; both leave the value.
   *
   * @param key The key.
   * @throws OperationError of kind `invalid_argument`, `unavailable`, `timeout`
   */
  async increment(key: string, options: CacheIncrementOptions = {}): Promise<number | bigint> {
    const args: Json = { key: key };
    if (options.by !== undefined) args.by = options.by;
    if (options.ttlMs !== undefined) args.ttl_ms = options.ttlMs;
    if (options.forever !== undefined) args.forever = options.forever;
    if (options.namespace !== undefined) args.namespace = options.namespace;
    const result = await this._call(38, args, options.signal);
    return result.value;
  }

  /**
   * Sets a key that is not there.
   *
   * @param key The key.
   * @param value The value.
   * @throws OperationError of kind `invalid_argument`, `too_large`, `unavailable`, `timeout`
   */
  async setIfAbsent(key: string, value: string | Uint8Array, options: CacheSetIfAbsentOptions = {}): Promise<boolean> {
    const args: Json = { key: key, value: value };
    if (options.ttlMs !== undefined) args.ttl_ms = options.ttlMs;
    if (options.forever !== undefined) args.forever = options.forever;
    if (options.tags !== undefined) args.tags = options.tags;
    if (options.weight !== undefined) args.weight = options.weight;
    if (options.namespace !== undefined) args.namespace = options.namespace;
    const result = await this._call(39, args, options.signal);
    return result.value;
  }

  /**
   * Deletes a key if it has this value.
   *
   * @param key The key.
   * @param equals The value it must have.
   * @throws OperationError of kind `invalid_argument`, `unavailable`, `timeout`
   */
  async deleteIf(key: string, equals: string | Uint8Array, options: CacheDeleteIfOptions = {}): Promise<boolean> {
    const args: Json = { key: key, equals: equals };
    if (options.namespace !== undefined) args.namespace = options.namespace;
    const result = await this._call(40, args, options.signal);
    return result.value;
  }

  /**
   * The values of keys, in their order; a key may be there twice. At most 65536 keys.
   *
   * @param keys The keys.
   * @throws OperationError of kind `invalid_argument`, `unavailable`, `timeout`
   */
  async getMany(keys: readonly string[], options: CacheGetManyOptions = {}): Promise<(Buffer | null)[]> {
    const args: Json = { keys: keys };
    if (options.namespace !== undefined) args.namespace = options.namespace;
    const result = await this._call(41, args, options.signal);
    return result.value;
  }

  /**
   * Sets many keys, one after the other; not atomic. At most 65536.
   *
   * @param items Values by key.
   * @throws OperationError of kind `invalid_argument`, `too_large`, `unavailable`, `timeout`
   */
  async setMany(items: Readonly<Record<string, string | Uint8Array>>, options: CacheSetManyOptions = {}): Promise<void> {
    const args: Json = { items: items };
    if (options.ttlMs !== undefined) args.ttl_ms = options.ttlMs;
    if (options.forever !== undefined) args.forever = options.forever;
    if (options.tags !== undefined) args.tags = options.tags;
    if (options.namespace !== undefined) args.namespace = options.namespace;
    await this._call(42, args, options.signal);
  }

  /**
   * Deletes every key of the namespace.
   *
   * @throws OperationError of kind `invalid_argument`, `unavailable`, `timeout`
   */
  async clear(options: CacheClearOptions = {}): Promise<void> {
    const args: Json = { };
    if (options.namespace !== undefined) args.namespace = options.namespace;
    await this._call(43, args, options.signal);
  }

  /**
   * How many keys the namespace has. Looks at every entry of the cache.
   *
   * @throws OperationError of kind `invalid_argument`, `unavailable`, `timeout`
   */
  async count(options: CacheCountOptions = {}): Promise<number> {
    const args: Json = { };
    if (options.namespace !== undefined) args.namespace = options.namespace;
    const result = await this._call(44, args, options.signal);
    return result.value;
  }

  /**
   * Deletes every key of any namespace that was set with one of these tags.
   *
   * @param tags The tags.
   * @throws OperationError of kind `invalid_argument`, `unsupported`, `unavailable`, `timeout`
   */
  async invalidateTags(tags: readonly string[], options: CallOptions = {}): Promise<void> {
    const args: Json = { tags: tags };
    await this._call(45, args, options.signal);
  }

  /**
   * The value of a key, or the duty to load it. See above for what a binding makes of it. A load that another caller has begun is waited for; it fails as that one failed (internal, detail load_failed).
   *
   * @param key The key.
   * @throws OperationError of kind `invalid_argument`, `timeout`, `cancelled`, `unavailable`, `internal`
   */
  async getOrBeginLoad(key: string, options: CacheGetOrBeginLoadOptions = {}): Promise<CacheGetOrBeginLoadResult> {
    const args: Json = { key: key };
    if (options.ttlMs !== undefined) args.ttl_ms = options.ttlMs;
    if (options.forever !== undefined) args.forever = options.forever;
    if (options.negativeTtlMs !== undefined) args.negative_ttl_ms = options.negativeTtlMs;
    if (options.staleIfErrorMs !== undefined) args.stale_if_error_ms = options.staleIfErrorMs;
    if (options.earlyRefreshMs !== undefined) args.early_refresh_ms = options.earlyRefreshMs;
    if (options.waitMs !== undefined) args.wait_ms = options.waitMs;
    if (options.loadTimeoutMs !== undefined) args.load_timeout_ms = options.loadTimeoutMs;
    if (options.tags !== undefined) args.tags = options.tags;
    if (options.weight !== undefined) args.weight = options.weight;
    if (options.namespace !== undefined) args.namespace = options.namespace;
    const result = await this._call(46, args, options.signal);
    return { state: result.state, value: result.value ?? null, flight: result.flight ?? null };
  }

  /**
   * Ends a load. `failed` answers the old value where one was kept (`stale_if_error_ms`), else internal with detail load_failed and the message; so it does for all who wait. `given_up` makes one of those who wait the loader. A flight that is over (`load_timeout_ms`) takes no result: the value is answered to its caller, but not kept.
   *
   * @param flight From `cache.get_or_begin_load`.
   * @param outcome `value`, `absent` (there is nothing), `failed` or `given_up`.
   * @throws OperationError of kind `invalid_argument`, `internal`, `unavailable`
   */
  async endLoad(flight: Handle, outcome: string, options: CacheEndLoadOptions = {}): Promise<Buffer | null> {
    const args: Json = { flight: flight, outcome: outcome };
    if (options.value !== undefined) args.value = options.value;
    if (options.message !== undefined) args.message = options.message;
    const result = await this._call(47, args, options.signal);
    return result.value ?? null;
  }

  /**
   * What the cache counted since it was opened, over all namespaces, in this process.
   *
   * @throws OperationError of kind `unavailable`
   */
  async stats(options: CallOptions = {}): Promise<CacheStatsResult> {
    const args: Json = { };
    const result = await this._call(48, args, options.signal);
    return { hits: result.hits, misses: result.misses, evictions: result.evictions, expirations: result.expirations, loads: result.loads, loadFailures: result.load_failures, entries: result.entries, weight: result.weight, maxWeight: result.max_weight };
  }

  /**
   * Deletes keys, and what was set with one of the tags; in a transaction of `db` when it commits, and not at all when it does not.
   *
   * @throws OperationError of kind `invalid_argument`, `not_found`, `unsupported`, `unavailable`, `timeout`
   */
  async invalidate(options: CacheInvalidateOptions = {}): Promise<void> {
    const args: Json = { };
    if (options.keys !== undefined) args.keys = options.keys;
    if (options.tags !== undefined) args.tags = options.tags;
    if (options.namespace !== undefined) args.namespace = options.namespace;
    if (options.transaction !== undefined) args.transaction = options.transaction;
    await this._call(49, args, options.signal);
  }
}

/** What `cloudevents.encode` gives. */
export interface CloudEventsEncodeResult {
  /** Headers as an object of text (http, kafka, redis), else null. */
  headers: any;
  /** Application or user properties as an object of text, with their prefix (amqp, mqtt5), else null. */
  properties: any;
  /** What the names in `properties` begin with. */
  propertyPrefix: string;
  /** The media type of the message, which is also among the headers where they have it; null for none. */
  contentType: any;
  /** The body; empty when there is no data. */
  body: Buffer;
  /** False: the event has no data. */
  hasBody: boolean;
  /** The message's key, or null. */
  key: any;
}

/** What `cloudevents.decode` gives. */
export interface CloudEventsDecodeResult {
  /** The events, valid; one unless it is a batch. */
  events: any;
  /** binary, structured or batched. */
  mode: string;
}

/** What `cloudevents.send` gives. */
export interface CloudEventsSendResult {
  /** The event's id. */
  id: string;
  /** HTTP: the status that took it; 0 for a broker. */
  status: number;
  /** Tries, the last one included. */
  attempts: number;
  /** The event that answered, or null. */
  reply: any;
}

/** What `cloudevents.send_batch` gives. */
export interface CloudEventsSendBatchResult {
  /** Their ids, in order. */
  ids: string[];
  /** HTTP: the status that took them; 0 for a broker. */
  status: number;
  /** Tries, the last one included. */
  attempts: number;
}

/** Options of `cloudevents.encode`. */
export interface CloudEventsEncodeOptions extends CallOptions {
  /** http, kafka, amqp, mqtt3, mqtt5, nats or redis. Default: `"http"`. */
  binding?: string;
  /** binary, structured, or (http) batched. mqtt3 has structured only. Default: `"binary"`. */
  mode?: string;
  /** kafka, redis: the attribute whose value is the message's key, such as partitionkey. Empty: no key. Default: `""`. */
  keyMapper?: string;
}

/** Options of `cloudevents.decode`. */
export interface CloudEventsDecodeOptions extends CallOptions {
  /** http, kafka, amqp, mqtt3, mqtt5, nats or redis. Default: `"http"`. */
  binding?: string;
  /** An object of text, or an array of [name, value] where a name comes more than once. Default: `null`. */
  headers?: unknown;
  /** The same for amqp and mqtt5; amqp's booleans and integers may come as such. Default: `null`. */
  properties?: unknown;
  /** The protocol's own property (amqp, mqtt5). Default: `""`. */
  contentType?: string;
  /** The body; empty for none. Default: `""`. */
  body?: string | Uint8Array;
}

/** Options of `cloudevents.send`. */
export interface CloudEventsSendOptions extends CallOptions {
  /** binary or structured. Empty: as configured. Default: `""`. */
  mode?: string;
  /** Brokers: the message's key. Empty: its `partitionkey`, if it has one. Default: `""`. */
  key?: string;
}

export class CloudEventsClient extends Client {
  /** @internal */
  readonly group = 'cloudevents';

  /**
   * Lays an event out in a message of a protocol. Completes at once.
   *
   * @param event The event. In mode batched an array of events.
   * @throws OperationError of kind `invalid_argument`, `unsupported`
   */
  async encode(event: unknown, options: CloudEventsEncodeOptions = {}): Promise<CloudEventsEncodeResult> {
    const args: Json = { event: event };
    if (options.binding !== undefined) args.binding = options.binding;
    if (options.mode !== undefined) args.mode = options.mode;
    if (options.keyMapper !== undefined) args.key_mapper = options.keyMapper;
    const result = await this._call(192, args, options.signal);
    return { headers: result.headers, properties: result.properties, propertyPrefix: result.property_prefix, contentType: result.content_type, body: result.body, hasBody: result.has_body, key: result.key };
  }

  /**
   * Reads the events of a message. Completes at once.
   *
   * @throws OperationError of kind `invalid_argument`, `unsupported`
   */
  async decode(options: CloudEventsDecodeOptions = {}): Promise<CloudEventsDecodeResult> {
    const args: Json = { };
    if (options.binding !== undefined) args.binding = options.binding;
    if (options.headers !== undefined) args.headers = options.headers;
    if (options.properties !== undefined) args.properties = options.properties;
    if (options.contentType !== undefined) args.content_type = options.contentType;
    if (options.body !== undefined) args.body = options.body;
    const result = await this._call(193, args, options.signal);
    return { events: result.events, mode: result.mode };
  }

  /**
   * Checks an event against the specification, its text included. Completes at once.
   *
   * @param event The event.
   */
  async validate(event: unknown, options: CallOptions = {}): Promise<string[]> {
    const args: Json = { event: event };
    const result = await this._call(194, args, options.signal);
    return result.problems;
  }

  /**
   * Sends an event where `services.events` says and waits until it was taken, with retries. A missing id is made (UUID), a missing source is the sender's, a missing time is now.
   *
   * @param event The event.
   * @throws OperationError of kind `invalid_argument`, `permission_denied`, `not_found`, `unavailable`, `rate_limited`, `timeout`, `cancelled`, `outcome_unknown`, `unsupported`
   */
  async send(event: unknown, options: CloudEventsSendOptions = {}): Promise<CloudEventsSendResult> {
    const args: Json = { event: event };
    if (options.mode !== undefined) args.mode = options.mode;
    if (options.key !== undefined) args.key = options.key;
    const result = await this._call(195, args, options.signal);
    return { id: result.id, status: result.status, attempts: result.attempts, reply: result.reply };
  }

  /**
   * Sends events together: as one batch over HTTP, one message each to a broker.
   *
   * @param events An array of events.
   * @throws OperationError of kind `invalid_argument`, `permission_denied`, `not_found`, `unavailable`, `rate_limited`, `timeout`, `cancelled`, `outcome_unknown`, `unsupported`
   */
  async sendBatch(events: unknown, options: CallOptions = {}): Promise<CloudEventsSendBatchResult> {
    const args: Json = { events: events };
    const result = await this._call(196, args, options.signal);
    return { ids: result.ids, status: result.status, attempts: result.attempts };
  }
}

/** Options of `cron.next`. */
export interface CronNextOptions extends CallOptions {
  /** A name of the IANA data base. Default: `"UTC"`. */
  timezone?: string;
  /** An instant: RFC 3339 text or ms since the epoch. Null: now. Default: `null`. */
  after?: unknown;
  /** How many. Default: `1`. */
  count?: number;
}

export class CronClient extends Client {
  /** @internal */
  readonly group = 'cron';

  /**
   * The next times of an expression, strictly after `after`; fewer when there are no more. Result: `times`, RFC 3339 text in UTC.
   *
   * @param expr Five or six fields, or a macro such as `@daily`.
   * @throws OperationError of kind `invalid_argument`
   */
  async next(expr: string, options: CronNextOptions = {}): Promise<string[]> {
    const args: Json = { expr: expr };
    if (options.timezone !== undefined) args.timezone = options.timezone;
    if (options.after !== undefined) args.after = options.after;
    if (options.count !== undefined) args.count = options.count;
    const result = await this._call(188, args, options.signal);
    return result.times;
  }
}

/** What `db.query` gives. */
export interface DatabaseQueryResult {
  /** A list of objects. */
  rows: any;
  /** Names, in the order of the statement. */
  columns: string[];
  /** Of the columns. */
  types: string[];
}

/** What `db.first` gives. */
export interface DatabaseFirstResult {
  /** An object, or null. */
  row: any;
  /** Of the columns. */
  types: string[];
}

/** What `db.open_cursor` gives. */
export interface DatabaseOpenCursorResult {
  /** Its number. */
  cursor: Handle;
  /** Names, in the order of the statement. */
  columns: string[];
  /** Of the columns. */
  types: string[];
}

/** What `db.fetch` gives. */
export interface DatabaseFetchResult {
  /** A list of objects. */
  rows: any;
  /** There are no more; the cursor is closed. */
  done: boolean;
}

/** What `db.stats` gives. */
export interface DatabaseStatsResult {
  /** The scheme of its URL. */
  backend: string;
  /** Connections in use. */
  inUse: number;
  /** Calls that wait for one. */
  waiting: number;
  /** Open transactions of hosts. */
  transactions: number;
  /** Open cursors. */
  cursors: number;
  /** Entries of the outbox that were not delivered yet. */
  outbox: number;
  /** Entries of the outbox that their target refused for good, set aside. */
  refused: number;
}

/** Options of `db.query`. */
export interface DatabaseQueryOptions extends CallOptions {
  /** Its parameters: a list, or an object; null for none. Default: `null`. */
  params?: unknown;
  /** The transaction it is part of. Default: `null`. */
  transaction?: Handle | null;
  /** Longest it may take. Null: the configuration's `statement_timeout_ms`. In ms. Default: `null`. */
  timeoutMs?: number | null;
}

/** Options of `db.first`. */
export interface DatabaseFirstOptions extends CallOptions {
  /** Its parameters: a list, or an object; null for none. Default: `null`. */
  params?: unknown;
  /** The transaction it is part of. Default: `null`. */
  transaction?: Handle | null;
  /** Longest it may take. Null: the configuration's `statement_timeout_ms`. In ms. Default: `null`. */
  timeoutMs?: number | null;
}

/** Options of `db.execute`. */
export interface DatabaseExecuteOptions extends CallOptions {
  /** Its parameters: a list, or an object; null for none. Default: `null`. */
  params?: unknown;
  /** The transaction it is part of. Default: `null`. */
  transaction?: Handle | null;
  /** Longest it may take. Null: the configuration's `statement_timeout_ms`. In ms. Default: `null`. */
  timeoutMs?: number | null;
}

/** Options of `db.batch`. */
export interface DatabaseBatchOptions extends CallOptions {
  /** The transaction it is part of. Default: `null`. */
  transaction?: Handle | null;
  /** Longest all of it may take. Null: the configuration's `statement_timeout_ms`. In ms. Default: `null`. */
  timeoutMs?: number | null;
}

/** Options of `db.query_stream`. */
export interface DatabaseQueryStreamOptions extends CallOptions {
  /** Its parameters: a list, or an object; null for none. Default: `null`. */
  params?: unknown;
  /** `json` or `ndjson`. Default: `"json"`. */
  format?: string;
  /** The transaction it is part of. Default: `null`. */
  transaction?: Handle | null;
  /** Longest between two parts. Null: the configuration's `statement_timeout_ms`. In ms. Default: `null`. */
  timeoutMs?: number | null;
}

/** Options of `db.begin`. */
export interface DatabaseBeginOptions extends CallOptions {
  /** `read_committed`, `repeatable_read` or `serializable`; empty for the database's default. SQLite always is serializable. Default: `""`. */
  isolation?: string;
  /** It only reads. On SQLite it then does not wait for those that write. Default: `false`. */
  readOnly?: boolean;
}

/** Options of `db.commit`. */
export interface DatabaseCommitOptions extends CallOptions {
  /** Only the innermost nested scope. Default: `false`. */
  savepoint?: boolean;
}

/** Options of `db.rollback`. */
export interface DatabaseRollbackOptions extends CallOptions {
  /** Only the innermost nested scope. Default: `false`. */
  savepoint?: boolean;
}

/** Options of `db.open_cursor`. */
export interface DatabaseOpenCursorOptions extends CallOptions {
  /** Its parameters: a list, or an object; null for none. Default: `null`. */
  params?: unknown;
  /** The transaction it is part of; it cannot do anything else meanwhile. Default: `null`. */
  transaction?: Handle | null;
  /** Longest a `db.fetch` may take. Null: the configuration's `statement_timeout_ms`. In ms. Default: `null`. */
  timeoutMs?: number | null;
}

/** Options of `db.fetch`. */
export interface DatabaseFetchOptions extends CallOptions {
  /** Most rows to give. Default: `256`. */
  max?: number;
}

/** Options of `db.migrate`. */
export interface DatabaseMigrateOptions extends CallOptions {
  /** Another folder than the configuration's `migrations`. Default: `""`. */
  folder?: string;
}

/** Options of `db.migration_status`. */
export interface DatabaseMigrationStatusOptions extends CallOptions {
  /** Another folder than the configuration's `migrations`. Default: `""`. */
  folder?: string;
}

export class DatabaseClient extends Client {
  /** @internal */
  readonly group = 'db';

  /**
   * The rows of a statement.
   *
   * @param sql One statement.
   * @throws OperationError of kind `invalid_argument`, `already_exists`, `conflict`, `too_large`, `timeout`, `unavailable`
   */
  async query(sql: string, options: DatabaseQueryOptions = {}): Promise<DatabaseQueryResult> {
    const args: Json = { sql: sql };
    if (options.params !== undefined) args.params = options.params;
    if (options.transaction !== undefined) args.transaction = options.transaction;
    if (options.timeoutMs !== undefined) args.timeout_ms = options.timeoutMs;
    const result = await this._call(96, args, options.signal);
    return { rows: result.rows, columns: result.columns, types: result.types };
  }

  /**
   * The first row of a statement, null when there is none. The others are not read.
   *
   * @param sql One statement.
   * @throws OperationError of kind `invalid_argument`, `already_exists`, `conflict`, `timeout`, `unavailable`
   */
  async first(sql: string, options: DatabaseFirstOptions = {}): Promise<DatabaseFirstResult> {
    const args: Json = { sql: sql };
    if (options.params !== undefined) args.params = options.params;
    if (options.transaction !== undefined) args.transaction = options.transaction;
    if (options.timeoutMs !== undefined) args.timeout_ms = options.timeoutMs;
    const result = await this._call(97, args, options.signal);
    return { row: result.row ?? null, types: result.types };
  }

  /**
   * Runs a statement and passes over its rows.
   *
   * @param sql One statement.
   * @throws OperationError of kind `invalid_argument`, `already_exists`, `conflict`, `timeout`, `unavailable`
   */
  async execute(sql: string, options: DatabaseExecuteOptions = {}): Promise<number> {
    const args: Json = { sql: sql };
    if (options.params !== undefined) args.params = options.params;
    if (options.transaction !== undefined) args.transaction = options.transaction;
    if (options.timeoutMs !== undefined) args.timeout_ms = options.timeoutMs;
    const result = await this._call(98, args, options.signal);
    return result.affected;
  }

  /**
   * Runs one statement once for each set of parameters, all of it in one transaction (or the one that is named).
   *
   * @param sql One statement.
   * @param params A list with the parameters of each run (lists or objects).
   * @throws OperationError of kind `invalid_argument`, `already_exists`, `conflict`, `timeout`, `unavailable`
   */
  async batch(sql: string, params: unknown, options: DatabaseBatchOptions = {}): Promise<number> {
    const args: Json = { sql: sql, params: params };
    if (options.transaction !== undefined) args.transaction = options.transaction;
    if (options.timeoutMs !== undefined) args.timeout_ms = options.timeoutMs;
    const result = await this._call(99, args, options.signal);
    return result.affected;
  }

  /**
   * Streamed: the rows of a statement as JSON text, read no faster than they are taken. `format` json: one array; ndjson: one object a line. In JSON text decimals are numbers with all their digits, timestamps text, bytes base64.
   *
   * @param sql One statement.
   * @throws OperationError of kind `invalid_argument`, `already_exists`, `conflict`, `cancelled`, `timeout`, `unavailable`
   */
  queryStream(sql: string, options: DatabaseQueryStreamOptions = {}): Stream<number> {
    const args: Json = { sql: sql };
    if (options.params !== undefined) args.params = options.params;
    if (options.format !== undefined) args.format = options.format;
    if (options.transaction !== undefined) args.transaction = options.transaction;
    if (options.timeoutMs !== undefined) args.timeout_ms = options.timeoutMs;
    return new Stream(this, 100, args, (result) => {
      return result.rows;
    }, options.signal);
  }

  /**
   * Begins a transaction. It holds a connection until `db.commit` or `db.rollback`; after `transaction_timeout_ms` it is rolled back. After a failed statement only rollback is left (conflict, transaction_aborted).
   *
   * @throws OperationError of kind `invalid_argument`, `timeout`, `unavailable`
   */
  async begin(options: DatabaseBeginOptions = {}): Promise<Handle> {
    const args: Json = { };
    if (options.isolation !== undefined) args.isolation = options.isolation;
    if (options.readOnly !== undefined) args.read_only = options.readOnly;
    const result = await this._call(101, args, options.signal);
    return result.transaction;
  }

  /**
   * Commits and ends a transaction; with `savepoint` ends the innermost nested scope and keeps what it did.
   *
   * @param transaction The transaction.
   * @throws OperationError of kind `not_found`, `conflict`, `timeout`, `unavailable`, `outcome_unknown`
   */
  async commit(transaction: Handle, options: DatabaseCommitOptions = {}): Promise<void> {
    const args: Json = { transaction: transaction };
    if (options.savepoint !== undefined) args.savepoint = options.savepoint;
    await this._call(102, args, options.signal);
  }

  /**
   * Undoes and ends a transaction; with `savepoint` the innermost nested scope, after which the transaction can go on.
   *
   * @param transaction The transaction.
   * @throws OperationError of kind `not_found`, `conflict`, `unavailable`
   */
  async rollback(transaction: Handle, options: DatabaseRollbackOptions = {}): Promise<void> {
    const args: Json = { transaction: transaction };
    if (options.savepoint !== undefined) args.savepoint = options.savepoint;
    await this._call(103, args, options.signal);
  }

  /**
   * Opens a nested scope in a transaction.
   *
   * @param transaction The transaction.
   * @throws OperationError of kind `not_found`, `conflict`, `timeout`, `unavailable`
   */
  async savepoint(transaction: Handle, options: CallOptions = {}): Promise<void> {
    const args: Json = { transaction: transaction };
    await this._call(104, args, options.signal);
  }

  /**
   * Begins to read the rows of a statement; it holds a connection until `db.close_cursor` or its end.
   *
   * @param sql One statement.
   * @throws OperationError of kind `invalid_argument`, `already_exists`, `conflict`, `timeout`, `unavailable`
   */
  async openCursor(sql: string, options: DatabaseOpenCursorOptions = {}): Promise<DatabaseOpenCursorResult> {
    const args: Json = { sql: sql };
    if (options.params !== undefined) args.params = options.params;
    if (options.transaction !== undefined) args.transaction = options.transaction;
    if (options.timeoutMs !== undefined) args.timeout_ms = options.timeoutMs;
    const result = await this._call(105, args, options.signal);
    return { cursor: result.cursor, columns: result.columns, types: result.types };
  }

  /**
   * The next rows of a cursor. It closes itself at the end and after an error.
   *
   * @param cursor The cursor.
   * @throws OperationError of kind `not_found`, `invalid_argument`, `conflict`, `timeout`, `unavailable`
   */
  async fetch(cursor: Handle, options: DatabaseFetchOptions = {}): Promise<DatabaseFetchResult> {
    const args: Json = { cursor: cursor };
    if (options.max !== undefined) args.max = options.max;
    const result = await this._call(106, args, options.signal);
    return { rows: result.rows, done: result.done };
  }

  /**
   * Ends a cursor. One that is not there is fine.
   *
   * @param cursor The cursor.
   * @throws OperationError of kind `unavailable`
   */
  async closeCursor(cursor: Handle, options: CallOptions = {}): Promise<void> {
    const args: Json = { cursor: cursor };
    await this._call(107, args, options.signal);
  }

  /**
   * Applies the files of the migrations folder that were not applied yet, in order, each in a transaction, once for any number of processes. A file that was changed after it was applied is conflict, and nothing is done.
   *
   * @throws OperationError of kind `invalid_argument`, `not_found`, `conflict`, `timeout`, `unavailable`
   */
  async migrate(options: DatabaseMigrateOptions = {}): Promise<string[]> {
    const args: Json = { };
    if (options.folder !== undefined) args.folder = options.folder;
    const result = await this._call(108, args, options.signal);
    return result.applied;
  }

  /**
   * What is applied and what is not.
   *
   * @throws OperationError of kind `invalid_argument`, `not_found`, `timeout`, `unavailable`
   */
  async migrationStatus(options: DatabaseMigrationStatusOptions = {}): Promise<any> {
    const args: Json = { };
    if (options.folder !== undefined) args.folder = options.folder;
    const result = await this._call(109, args, options.signal);
    return result.migrations;
  }

  /**
   * Notes (source, id) in a transaction and says whether it was new. What a handler does in the same transaction then happens once, however often a message or an event is delivered.
   *
   * @param transaction The transaction.
   * @param source Where it came from: a topic and group, or an event's source.
   * @param id Its identity there.
   * @throws OperationError of kind `not_found`, `conflict`, `timeout`, `unavailable`
   */
  async inbox(transaction: Handle, source: string, id: string, options: CallOptions = {}): Promise<boolean> {
    const args: Json = { transaction: transaction, source: source, id: id };
    const result = await this._call(110, args, options.signal);
    return result.first;
  }

  /**
   * What the client is doing.
   *
   * @throws OperationError of kind `unavailable`
   */
  async stats(options: CallOptions = {}): Promise<DatabaseStatsResult> {
    const args: Json = { };
    const result = await this._call(111, args, options.signal);
    return { backend: result.backend, inUse: result.in_use, waiting: result.waiting, transactions: result.transactions, cursors: result.cursors, outbox: result.outbox, refused: result.refused };
  }

  /**
   * Closes the client; what comes after is unavailable, closed.
   *
   */
  async close(options: CallOptions = {}): Promise<void> {
    const args: Json = { };
    await this._call(112, args, options.signal);
  }
}

/** What `messaging.stop_consumer` gives. */
export interface MessagingStopConsumerResult {
  /** All of them finished. */
  drained: boolean;
  /** Messages whose handlers were cancelled. */
  unfinished: number;
}

/** What `messaging.list_dead_letters` gives. */
export interface MessagingListDeadLettersResult {
  /** An array of objects `{position, topic, original_topic, group, reason, delivery_count, error, first_error, trace_id, validation_errors, key, headers, size, time, payload}`; `payload` is bytes, null if not asked for. */
  messages: any;
  /** `after` for the next page; null when there is none. */
  next: number | null;
}

/** What `messaging.stats` gives. */
export interface MessagingStatsResult {
  /** Confirmed. */
  messagesPublished: number;
  /** Handled. */
  messagesAcked: number;
  /** Gone to a dead letter topic. */
  messagesDeadLettered: number;
  /** Given up where there is no dead letter topic. */
  messagesDropped: number;
}

/** Options of `messaging.publish`. */
export interface MessagingPublishOptions extends CallOptions {
  /** Messages of one key stay in order for consumers that are `ordered`. Default: `null`. */
  key?: string | null;
  /** Any text. Names are kept as they are and are not empty. Default: `{}`. */
  headers?: Readonly<Record<string, string>>;
  /** A transaction of `db`: the message is published when it commits, and not at all when it does not. Default: `null`. */
  transaction?: Handle | null;
}

/** Options of `messaging.start_consumer`. */
export interface MessagingStartConsumerOptions extends CallOptions {
  /** Each message goes to one consumer of a group; empty for `name`. Default: `""`. */
  group?: string;
  /** Handlers at once. Default: `16`. */
  concurrency?: number;
  /** Messages in hand, those included that wait for a handler; 0 for as many as `concurrency`. Default: `0`. */
  maxInFlight?: number;
  /** A message waits until the one before it of the same key is settled. Default: `false`. */
  ordered?: boolean;
  /** After 1 + `max_retries` tries a message goes to the dead letters. Default: `3`. */
  maxRetries?: number;
  /** An object `{kind, initial_ms, factor, max_ms, jitter_percent}`, as `Backoff` of the manifest; null for its defaults. Default: `null`. */
  backoff?: unknown;
  /** Topic for what is given up. Null: it is dropped and counted. Default: `null`. */
  deadLetter?: string | null;
  /** A message whose consumer died goes to another one after this time. In ms. Default: `10000`. */
  ackWaitMs?: number;
  /** The longest a handler may take. Null for no limit. In ms. Default: `null`. */
  handlerTimeoutMs?: number | null;
  /** `latest` or `earliest`: where a new group begins. Default: `"latest"`. */
  startFrom?: string;
  /** JSON Schema 2020-12 of the payload. Default: `null`. */
  schema?: unknown;
  /** Comes back as `user` of its events. Default: `0`. */
  user?: Handle;
}

/** Options of `messaging.stop_consumer`. */
export interface MessagingStopConsumerOptions extends CallOptions {
  /** How long to wait for handlers. In ms. Default: `20000`. */
  drainTimeoutMs?: number;
}

/** Options of `messaging.list_dead_letters`. */
export interface MessagingListDeadLettersOptions extends CallOptions {
  /** Only those behind this position. Default: `0`. */
  after?: number;
  /** How many at most. Default: `100`. */
  limit?: number;
  /** With their payloads. Default: `false`. */
  payloads?: boolean;
}

/** Options of `messaging.redrive_dead_letters`. */
export interface MessagingRedriveDeadLettersOptions extends CallOptions {
  /** Which; null for all. Default: `null`. */
  positions?: readonly number[] | null;
  /** Another topic instead, for all its groups. Default: `null`. */
  to?: string | null;
}

/** Options of `messaging.purge_dead_letters`. */
export interface MessagingPurgeDeadLettersOptions extends CallOptions {
  /** Which; null for all. Default: `null`. */
  positions?: readonly number[] | null;
}

/** Options of `messaging.seek`. */
export interface MessagingSeekOptions extends CallOptions {
  /** A position. Default: `null`. */
  position?: number | null;
  /** When it was published, RFC 3339. Default: `null`. */
  time?: string | null;
  /** `earliest` or `latest`. Default: `null`. */
  from?: string | null;
}

export class MessagingClient extends Client {
  /** @internal */
  readonly group = 'messaging';

  /**
   * Done when the broker has the message: nothing that was confirmed is lost. The trace of the caller goes with it (traceparent) unless the headers have one.
   *
   * @param topic A topic, not a pattern.
   * @param payload Any bytes, also none; text as UTF-8.
   * @throws OperationError of kind `invalid_argument`, `too_large`, `rate_limited`, `unavailable`, `timeout`, `cancelled`, `outcome_unknown`, `unsupported`
   */
  async publish(topic: string, payload: string | Uint8Array, options: MessagingPublishOptions = {}): Promise<number | null> {
    const args: Json = { topic: topic, payload: payload };
    if (options.key !== undefined) args.key = options.key;
    if (options.headers !== undefined) args.headers = options.headers;
    if (options.transaction !== undefined) args.transaction = options.transaction;
    const result = await this._call(128, args, options.signal);
    return result.position ?? null;
  }

  /**
   * Several in one go, in this order: with one confirmation, and on `memory:` and `sqlite:` all or none.
   *
   * @param messages An array of objects `{topic, payload, key, headers}`, as in `messaging.publish`; at most 10000.
   * @throws OperationError of kind `invalid_argument`, `too_large`, `rate_limited`, `unavailable`, `timeout`, `cancelled`, `outcome_unknown`
   */
  async publishBatch(messages: unknown, options: CallOptions = {}): Promise<number[]> {
    const args: Json = { messages: messages };
    const result = await this._call(129, args, options.signal);
    return result.positions;
  }

  /**
   * Starts a consumer beside those of the manifest, with the same options. Its messages come as events of the port, like theirs.
   *
   * @param name Its name in reports, logs and telemetry.
   * @param topic Topic or pattern.
   * @throws OperationError of kind `invalid_argument`, `already_exists`, `unavailable`, `unsupported`
   */
  async startConsumer(name: string, topic: string, options: MessagingStartConsumerOptions = {}): Promise<Handle> {
    const args: Json = { name: name, topic: topic };
    if (options.group !== undefined) args.group = options.group;
    if (options.concurrency !== undefined) args.concurrency = options.concurrency;
    if (options.maxInFlight !== undefined) args.max_in_flight = options.maxInFlight;
    if (options.ordered !== undefined) args.ordered = options.ordered;
    if (options.maxRetries !== undefined) args.max_retries = options.maxRetries;
    if (options.backoff !== undefined) args.backoff = options.backoff;
    if (options.deadLetter !== undefined) args.dead_letter = options.deadLetter;
    if (options.ackWaitMs !== undefined) args.ack_wait_ms = options.ackWaitMs;
    if (options.handlerTimeoutMs !== undefined) args.handler_timeout_ms = options.handlerTimeoutMs;
    if (options.startFrom !== undefined) args.start_from = options.startFrom;
    if (options.schema !== undefined) args.schema = options.schema;
    if (options.user !== undefined) args.user = options.user;
    const result = await this._call(130, args, options.signal);
    return result.consumer;
  }

  /**
   * Takes nothing new, waits for the handlers, then cancels those that are left and hands their messages back at once, without using up a try.
   *
   * @param consumer What `messaging.start_consumer` gave.
   * @throws OperationError of kind `invalid_argument`, `not_found`
   */
  async stopConsumer(consumer: Handle, options: MessagingStopConsumerOptions = {}): Promise<MessagingStopConsumerResult> {
    const args: Json = { consumer: consumer };
    if (options.drainTimeoutMs !== undefined) args.drain_timeout_ms = options.drainTimeoutMs;
    const result = await this._call(131, args, options.signal);
    return { drained: result.drained, unfinished: result.unfinished };
  }

  /**
   * For tests: as if its process had died. Nothing is acked or handed back; its messages come again when their leases run out.
   *
   * @param consumer What `messaging.start_consumer` gave.
   * @throws OperationError of kind `invalid_argument`, `not_found`
   */
  async killConsumer(consumer: Handle, options: CallOptions = {}): Promise<void> {
    const args: Json = { consumer: consumer };
    await this._call(132, args, options.signal);
  }

  /**
   * The dead letters of a topic, oldest first.
   *
   * @param topic The dead letter topic.
   * @throws OperationError of kind `invalid_argument`, `unavailable`, `unsupported`
   */
  async listDeadLetters(topic: string, options: MessagingListDeadLettersOptions = {}): Promise<MessagingListDeadLettersResult> {
    const args: Json = { topic: topic };
    if (options.after !== undefined) args.after = options.after;
    if (options.limit !== undefined) args.limit = options.limit;
    if (options.payloads !== undefined) args.payloads = options.payloads;
    const result = await this._call(133, args, options.signal);
    return { messages: result.messages, next: result.next ?? null };
  }

  /**
   * One dead letter with its payload; it stays where it is.
   *
   * @param topic The dead letter topic.
   * @param position Which.
   * @throws OperationError of kind `invalid_argument`, `not_found`, `unavailable`, `unsupported`
   */
  async peekDeadLetter(topic: string, position: number, options: CallOptions = {}): Promise<any> {
    const args: Json = { topic: topic, position: position };
    const result = await this._call(134, args, options.signal);
    return result.message;
  }

  /**
   * Sends dead letters to where they came from, for the group that gave them up, with all their tries again; each leaves the dead letters as it is sent.
   *
   * @param topic The dead letter topic.
   * @throws OperationError of kind `invalid_argument`, `unavailable`, `unsupported`
   */
  async redriveDeadLetters(topic: string, options: MessagingRedriveDeadLettersOptions = {}): Promise<number> {
    const args: Json = { topic: topic };
    if (options.positions !== undefined) args.positions = options.positions;
    if (options.to !== undefined) args.to = options.to;
    const result = await this._call(135, args, options.signal);
    return result.count;
  }

  /**
   * Deletes dead letters.
   *
   * @param topic The dead letter topic.
   * @throws OperationError of kind `invalid_argument`, `unavailable`, `unsupported`
   */
  async purgeDeadLetters(topic: string, options: MessagingPurgeDeadLettersOptions = {}): Promise<number> {
    const args: Json = { topic: topic };
    if (options.positions !== undefined) args.positions = options.positions;
    const result = await this._call(136, args, options.signal);
    return result.count;
  }

  /**
   * Replay: the group goes on with the first message at or after this place, and gets what comes after it again. Deliveries of later messages that are in hand count no more; earlier ones that are not settled yet stay. Makes the group when it is not there. Exactly one of `position`, `time` and `from`.
   *
   * @param group The group.
   * @param topic Its topic or pattern.
   * @throws OperationError of kind `invalid_argument`, `unavailable`, `unsupported`
   */
  async seek(group: string, topic: string, options: MessagingSeekOptions = {}): Promise<void> {
    const args: Json = { group: group, topic: topic };
    if (options.position !== undefined) args.position = options.position;
    if (options.time !== undefined) args.time = options.time;
    if (options.from !== undefined) args.from = options.from;
    await this._call(137, args, options.signal);
  }

  /**
   * The groups that the broker knows, by topic and name.
   *
   * @throws OperationError of kind `unavailable`, `unsupported`
   */
  async groups(options: CallOptions = {}): Promise<any> {
    const args: Json = { };
    const result = await this._call(138, args, options.signal);
    return result.groups;
  }

  /**
   * Forgets a group that nobody consumes any more: nothing is kept for it from then on.
   *
   * @param group The group.
   * @param topic Its topic or pattern.
   * @throws OperationError of kind `invalid_argument`, `conflict`, `unavailable`, `unsupported`
   */
  async deleteGroup(group: string, topic: string, options: CallOptions = {}): Promise<boolean> {
    const args: Json = { group: group, topic: topic };
    const result = await this._call(139, args, options.signal);
    return result.deleted;
  }

  /**
   * Whether a pattern stands for a topic. A pattern that is not one in this style stands for none.
   *
   * @param style `nats`, `mqtt`, `amqp` or `auto`.
   * @param pattern The pattern.
   * @param topic The topic.
   * @throws OperationError of kind `invalid_argument`
   */
  async topicMatch(style: string, pattern: string, topic: string, options: CallOptions = {}): Promise<boolean> {
    const args: Json = { style: style, pattern: pattern, topic: topic };
    const result = await this._call(140, args, options.signal);
    return result.value;
  }

  /**
   * Counts of this process since its start.
   *
   */
  async stats(options: CallOptions = {}): Promise<MessagingStatsResult> {
    const args: Json = { };
    const result = await this._call(141, args, options.signal);
    return { messagesPublished: result.messages_published, messagesAcked: result.messages_acked, messagesDeadLettered: result.messages_dead_lettered, messagesDropped: result.messages_dropped };
  }
}

/** What `storage.read` gives. */
export interface StorageReadResult {
  /** The bytes. */
  data: Buffer;
  /** Where in the object they begin. In bytes. */
  offset: number;
  /** The object. */
  object: any;
}

/** What `storage.read_stream` gives. */
export interface StorageReadStreamResult {
  /** Where in the object the chunks began. In bytes. */
  offset: number;
  /** How many bytes the chunks had. In bytes. */
  size: number;
  /** The object. */
  object: any;
}

/** What `storage.list` gives. */
export interface StorageListResult {
  /** An array of `{key, size, etag, last_modified}`. */
  entries: any;
  /** The rolled-up prefixes, each with its delimiter. */
  prefixes: string[];
  /** `token` of the next page; null on the last. */
  next: string | null;
}

/** What `storage.presign` gives. */
export interface StoragePresignResult {
  /** The URL. */
  url: string;
  /** When it ends, in ms since the epoch. In ms. */
  expiresAt: number;
}

/** What `storage.plan_upload` gives. */
export interface StoragePlanUploadResult {
  /** Opaque, for the two operations below. It can be read, not forged, and is for this key and store only. */
  upload: string;
  /** The key. */
  key: string;
  /** An array of `{number, method, url, headers, offset, size}`: a request with these headers, whose body is the `size` bytes of the object from `offset`. Numbers are from 1. Any 2xx says that the part arrived; where parts are ordered, 308 too. */
  parts: any;
  /** Whether parts must be sent one after the other (`gcs:`). */
  ordered: boolean;
  /** When the URLs end, in ms since the epoch. The upload can be completed until a day later. In ms. */
  expiresAt: number;
}

/** Options of `storage.read`. */
export interface StorageReadOptions extends CallOptions {
  /** First byte. At or after the end is invalid_argument, detail range_not_satisfiable. In bytes. Default: `null`. */
  offset?: number | null;
  /** How many bytes; an end past the object is cut. 0 is refused. In bytes. Default: `null`. */
  length?: number | null;
  /** The last so many bytes, without `offset` and `length`. 0 is refused. In bytes. Default: `null`. */
  suffix?: number | null;
  /** Only if the object has this etag. Default: `null`. */
  ifMatch?: string | null;
  /** Only if the object has another etag than this. Default: `null`. */
  ifNoneMatch?: string | null;
}

/** Options of `storage.read_stream`. */
export interface StorageReadStreamOptions extends CallOptions {
  /** First byte. At or after the end is invalid_argument, detail range_not_satisfiable. In bytes. Default: `null`. */
  offset?: number | null;
  /** How many bytes; an end past the object is cut. 0 is refused. In bytes. Default: `null`. */
  length?: number | null;
  /** The last so many bytes, without `offset` and `length`. 0 is refused. In bytes. Default: `null`. */
  suffix?: number | null;
  /** Only if the object has this etag. Default: `null`. */
  ifMatch?: string | null;
  /** Only if the object has another etag than this. Default: `null`. */
  ifNoneMatch?: string | null;
}

/** Options of `storage.write`. */
export interface StorageWriteOptions extends CallOptions {
  /** Content-Type that readers are told. Default: `null`. */
  contentType?: string | null;
  /** Cache-Control that readers are told. Default: `null`. */
  cacheControl?: string | null;
  /** Content-Disposition that readers are told. Default: `null`. */
  contentDisposition?: string | null;
  /** An object of texts, names and texts together 2048 bytes at most. Names are tokens as in HTTP headers and become lower case. Default: `null`. */
  metadata?: unknown;
  /** Only if the object that is there has this etag. Default: `null`. */
  ifMatch?: string | null;
  /** `*`: only if nothing is there. Default: `null`. */
  ifNoneMatch?: string | null;
}

/** Options of `storage.write_stream`. */
export interface StorageWriteStreamOptions extends CallOptions {
  /** Content-Type that readers are told. Default: `null`. */
  contentType?: string | null;
  /** Cache-Control that readers are told. Default: `null`. */
  cacheControl?: string | null;
  /** Content-Disposition that readers are told. Default: `null`. */
  contentDisposition?: string | null;
  /** An object of texts, names and texts together 2048 bytes at most. Names are tokens as in HTTP headers and become lower case. Default: `null`. */
  metadata?: unknown;
  /** Only if the object that is there has this etag. Default: `null`. */
  ifMatch?: string | null;
  /** `*`: only if nothing is there. Default: `null`. */
  ifNoneMatch?: string | null;
}

/** Options of `storage.list`. */
export interface StorageListOptions extends CallOptions {
  /** Only keys that begin with this. Default: `""`. */
  prefix?: string;
  /** What ends a rolled-up prefix, `/` as a rule. Empty: nothing is rolled up. Default: `""`. */
  delimiter?: string;
  /** Only what is strictly greater. Default: `""`. */
  startAfter?: string;
  /** Entries and prefixes of a page together. Default: `1000`. */
  limit?: number;
  /** `next` of the page before, with the same prefix and delimiter. A place in the order of keys, not a snapshot. Default: `null`. */
  token?: string | null;
}

/** Options of `storage.copy`. */
export interface StorageCopyOptions extends CallOptions {
  /** Only if the object that is there has this etag. Default: `null`. */
  ifMatch?: string | null;
  /** `*`: only if nothing is there. Default: `null`. */
  ifNoneMatch?: string | null;
}

/** Options of `storage.rename`. */
export interface StorageRenameOptions extends CallOptions {
  /** Only if the object that is there has this etag. Default: `null`. */
  ifMatch?: string | null;
  /** `*`: only if nothing is there. Default: `null`. */
  ifNoneMatch?: string | null;
}

/** Options of `storage.presign`. */
export interface StoragePresignOptions extends CallOptions {
  /** How long it is good for. In s. Default: `900`. */
  expiresS?: number;
}

/** Options of `storage.plan_upload`. */
export interface StoragePlanUploadOptions extends CallOptions {
  /** Size of each part but the last. Rounded up to 256 KiB, and to what 10,000 parts need. In bytes. Default: `8388608`. */
  partBytes?: number;
  /** Content-Type that readers are told. Default: `null`. */
  contentType?: string | null;
  /** Cache-Control that readers are told. Default: `null`. */
  cacheControl?: string | null;
  /** Content-Disposition that readers are told. Default: `null`. */
  contentDisposition?: string | null;
  /** An object of texts, names and texts together 2048 bytes at most. Names are tokens as in HTTP headers and become lower case. Default: `null`. */
  metadata?: unknown;
  /** Only if the object that is there has this etag. Default: `null`. */
  ifMatch?: string | null;
  /** `*`: only if nothing is there. Default: `null`. */
  ifNoneMatch?: string | null;
  /** `https://HOST[:PORT]` of the pages whose scripts upload: the session of `gcs:` answers the browser for no other. Stores besides look at their CORS rules only. Default: `null`. */
  origin?: string | null;
  /** How long the URLs are good for. A part that has begun by then is taken. In s. Default: `3600`. */
  expiresS?: number;
}

/** Options of `storage.complete_upload`. */
export interface StorageCompleteUploadOptions extends CallOptions {
  /** The `ETag` of each part's answer, in the order of parts: that no other bytes came after it. None, or an empty text, where it is not known (`gcs:` and `azblob:` tell none). Default: `[]`. */
  etags?: readonly string[];
}

export class StorageClient extends Client {
  /** @internal */
  readonly group = 'storage';

  /**
   * An object, or a part of it, in one piece. At most `max_read_bytes` of the store; more is too_large.
   *
   * @param key The key.
   * @throws OperationError of kind `invalid_argument`, `not_found`, `condition_failed`, `too_large`, `unavailable`
   */
  async read(key: string, options: StorageReadOptions = {}): Promise<StorageReadResult> {
    const args: Json = { key: key };
    if (options.offset !== undefined) args.offset = options.offset;
    if (options.length !== undefined) args.length = options.length;
    if (options.suffix !== undefined) args.suffix = options.suffix;
    if (options.ifMatch !== undefined) args.if_match = options.ifMatch;
    if (options.ifNoneMatch !== undefined) args.if_none_match = options.ifNoneMatch;
    const result = await this._call(64, args, options.signal);
    return { data: result.data, offset: result.offset, object: result.object };
  }

  /**
   * An object, or a part of it, in chunks. The object read is that of the beginning, whatever is written meanwhile.
   *
   * @param key The key.
   * @throws OperationError of kind `invalid_argument`, `not_found`, `condition_failed`, `cancelled`, `unavailable`
   */
  readStream(key: string, options: StorageReadStreamOptions = {}): Stream<StorageReadStreamResult> {
    const args: Json = { key: key };
    if (options.offset !== undefined) args.offset = options.offset;
    if (options.length !== undefined) args.length = options.length;
    if (options.suffix !== undefined) args.suffix = options.suffix;
    if (options.ifMatch !== undefined) args.if_match = options.ifMatch;
    if (options.ifNoneMatch !== undefined) args.if_none_match = options.ifNoneMatch;
    return new Stream(this, 65, args, (result) => {
      return { offset: result.offset, size: result.size, object: result.object };
    }, options.signal);
  }

  /**
   * Writes an object whole, metadata included: what was there is replaced in one step. Returns when it is durable.
   *
   * @param key The key.
   * @param data The content; text is its UTF-8.
   * @throws OperationError of kind `invalid_argument`, `condition_failed`, `too_large`, `unavailable`
   */
  async write(key: string, data: string | Uint8Array, options: StorageWriteOptions = {}): Promise<any> {
    const args: Json = { key: key, data: data };
    if (options.contentType !== undefined) args.content_type = options.contentType;
    if (options.cacheControl !== undefined) args.cache_control = options.cacheControl;
    if (options.contentDisposition !== undefined) args.content_disposition = options.contentDisposition;
    if (options.metadata !== undefined) args.metadata = options.metadata;
    if (options.ifMatch !== undefined) args.if_match = options.ifMatch;
    if (options.ifNoneMatch !== undefined) args.if_none_match = options.ifNoneMatch;
    const result = await this._call(66, args, options.signal);
    return result.object;
  }

  /**
   * As `storage.write`, from chunks. A caller that gives up before the last chunk leaves everything as it was: cancelled, detail aborted.
   *
   * @param key The key.
   * @throws OperationError of kind `invalid_argument`, `condition_failed`, `cancelled`, `too_large`, `unavailable`
   */
  async writeStream(key: string, chunks: Chunks, options: StorageWriteStreamOptions = {}): Promise<any> {
    const args: Json = { key: key };
    if (options.contentType !== undefined) args.content_type = options.contentType;
    if (options.cacheControl !== undefined) args.cache_control = options.cacheControl;
    if (options.contentDisposition !== undefined) args.content_disposition = options.contentDisposition;
    if (options.metadata !== undefined) args.metadata = options.metadata;
    if (options.ifMatch !== undefined) args.if_match = options.ifMatch;
    if (options.ifNoneMatch !== undefined) args.if_none_match = options.ifNoneMatch;
    const result = await this._send(67, args, chunks, options.signal);
    return result.object;
  }

  /**
   * What is known of an object, without its content.
   *
   * @param key The key.
   * @throws OperationError of kind `invalid_argument`, `not_found`, `unavailable`
   */
  async stat(key: string, options: CallOptions = {}): Promise<any> {
    const args: Json = { key: key };
    const result = await this._call(68, args, options.signal);
    return result.object;
  }

  /**
   * Whether there is an object of this key.
   *
   * @param key The key.
   * @throws OperationError of kind `invalid_argument`, `unavailable`
   */
  async exists(key: string, options: CallOptions = {}): Promise<boolean> {
    const args: Json = { key: key };
    const result = await this._call(69, args, options.signal);
    return result.value;
  }

  /**
   * Deletes an object. One that is not there is no error.
   *
   * @param key The key.
   * @throws OperationError of kind `invalid_argument`, `unavailable`
   */
  async delete(key: string, options: CallOptions = {}): Promise<void> {
    const args: Json = { key: key };
    await this._call(70, args, options.signal);
  }

  /**
   * Deletes objects, each by itself.
   *
   * @param keys The keys, 1000 at most.
   * @throws OperationError of kind `invalid_argument`, `unavailable`
   */
  async deleteMany(keys: readonly string[], options: CallOptions = {}): Promise<any> {
    const args: Json = { keys: keys };
    const result = await this._call(71, args, options.signal);
    return result.errors;
  }

  /**
   * A page of objects in the order of the UTF-8 bytes of their keys. With a delimiter, keys that have it after the prefix are rolled up to one prefix each.
   *
   * @throws OperationError of kind `invalid_argument`, `unavailable`
   */
  async list(options: StorageListOptions = {}): Promise<StorageListResult> {
    const args: Json = { };
    if (options.prefix !== undefined) args.prefix = options.prefix;
    if (options.delimiter !== undefined) args.delimiter = options.delimiter;
    if (options.startAfter !== undefined) args.start_after = options.startAfter;
    if (options.limit !== undefined) args.limit = options.limit;
    if (options.token !== undefined) args.token = options.token;
    const result = await this._call(72, args, options.signal);
    return { entries: result.entries, prefixes: result.prefixes, next: result.next ?? null };
  }

  /**
   * Copies an object, metadata included, onto another key of the same store.
   *
   * @param source The key that is read.
   * @param target The key that is written; what was there is replaced.
   * @throws OperationError of kind `invalid_argument`, `not_found`, `condition_failed`, `too_large`, `unavailable`
   */
  async copy(source: string, target: string, options: StorageCopyOptions = {}): Promise<any> {
    const args: Json = { source: source, target: target };
    if (options.ifMatch !== undefined) args.if_match = options.ifMatch;
    if (options.ifNoneMatch !== undefined) args.if_none_match = options.ifNoneMatch;
    const result = await this._call(73, args, options.signal);
    return result.object;
  }

  /**
   * Moves an object, metadata included, to another key of the same store. One step where the backend says so (`memory:`, `file:`), else a copy and a delete.
   *
   * @param source The key that is read.
   * @param target The key that is written; what was there is replaced.
   * @throws OperationError of kind `invalid_argument`, `not_found`, `condition_failed`, `unavailable`
   */
  async rename(source: string, target: string, options: StorageRenameOptions = {}): Promise<any> {
    const args: Json = { source: source, target: target };
    if (options.ifMatch !== undefined) args.if_match = options.ifMatch;
    if (options.ifNoneMatch !== undefined) args.if_none_match = options.ifNoneMatch;
    const result = await this._call(74, args, options.signal);
    return result.object;
  }

  /**
   * A URL that lets whoever has it do one thing with one object for a while, without credentials.
   *
   * @param method `GET`, `PUT` or `HEAD`.
   * @param key The key.
   * @throws OperationError of kind `invalid_argument`, `unsupported`
   */
  async presign(method: string, key: string, options: StoragePresignOptions = {}): Promise<StoragePresignResult> {
    const args: Json = { method: method, key: key };
    if (options.expiresS !== undefined) args.expires_s = options.expiresS;
    const result = await this._call(75, args, options.signal);
    return { url: result.url, expiresAt: result.expires_at };
  }

  /**
   * Lets others, a browser perhaps, upload a large object in parts straight to the store, without credentials: what each part's request is. The object is there once `storage.complete_upload` was called.
   *
   * @param key The key.
   * @param size Size of the object. In bytes.
   * @throws OperationError of kind `invalid_argument`, `unsupported`, `too_large`, `unavailable`
   */
  async planUpload(key: string, size: number, options: StoragePlanUploadOptions = {}): Promise<StoragePlanUploadResult> {
    const args: Json = { key: key, size: size };
    if (options.partBytes !== undefined) args.part_bytes = options.partBytes;
    if (options.contentType !== undefined) args.content_type = options.contentType;
    if (options.cacheControl !== undefined) args.cache_control = options.cacheControl;
    if (options.contentDisposition !== undefined) args.content_disposition = options.contentDisposition;
    if (options.metadata !== undefined) args.metadata = options.metadata;
    if (options.ifMatch !== undefined) args.if_match = options.ifMatch;
    if (options.ifNoneMatch !== undefined) args.if_none_match = options.ifNoneMatch;
    if (options.origin !== undefined) args.origin = options.origin;
    if (options.expiresS !== undefined) args.expires_s = options.expiresS;
    const result = await this._call(76, args, options.signal);
    return { upload: result.upload, key: result.key, parts: result.parts, ordered: result.ordered, expiresAt: result.expires_at };
  }

  /**
   * Makes the parts the object, in one step. A part that is missing, has another size or another etag is conflict, detail invalid_part: it can be uploaded and the upload completed then. One that the store does not know (any more) is not_found, detail no_such_upload.
   *
   * @param key The key of the plan.
   * @param upload `upload` of the plan. Anything else is invalid_argument, detail invalid_upload.
   * @throws OperationError of kind `invalid_argument`, `not_found`, `condition_failed`, `conflict`, `too_large`, `outcome_unknown`, `unavailable`
   */
  async completeUpload(key: string, upload: string, options: StorageCompleteUploadOptions = {}): Promise<any> {
    const args: Json = { key: key, upload: upload };
    if (options.etags !== undefined) args.etags = options.etags;
    const result = await this._call(77, args, options.signal);
    return result.object;
  }

  /**
   * Takes away what arrived. One that was completed or aborted is no error, and what was completed stays.
   *
   * @param key The key of the plan.
   * @param upload `upload` of the plan. Anything else is invalid_argument, detail invalid_upload.
   * @throws OperationError of kind `invalid_argument`, `unavailable`
   */
  async abortUpload(key: string, upload: string, options: CallOptions = {}): Promise<void> {
    const args: Json = { key: key, upload: upload };
    await this._call(78, args, options.signal);
  }
}

/** What `tasks.enqueue` gives. */
export interface TasksEnqueueResult {
  /** The job's id. */
  id: string;
  /** False: it was there (`unique_key`). */
  created: boolean;
}

/** What `tasks.enqueue_batch` gives. */
export interface TasksEnqueueBatchResult {
  /** The batch's id. */
  batch: string;
  /** For each, in order, `{id, created}`. */
  jobs: any;
  /** Id of the callback's job, or null. */
  callback: any;
}

/** What `tasks.batch` gives. */
export interface TasksBatchResult {
  /** Its id. */
  id: string;
  /** Jobs in it. */
  total: number;
  /** Jobs that have not ended. */
  pending: number;
  /** Jobs that completed. */
  completed: number;
  /** Jobs that were cancelled. */
  cancelled: number;
  /** Jobs that were discarded. */
  discarded: number;
  /** All have ended. */
  done: boolean;
  /** Id of the callback's job, or null. */
  callback: any;
}

/** What `tasks.job` gives. */
export interface TasksJobResult {
  /** Its id. */
  id: string;
  /** Its queue. */
  queue: string;
  /** The task's name. */
  task: string;
  /** Its arguments. */
  args: any;
  /** pending, scheduled, available, running, retryable, completed, cancelled or discarded. */
  state: string;
  /** Its priority. */
  priority: number;
  /** Runs begun, those that do not count left out. */
  attempt: number;
  /** Runs at most. */
  maxAttempts: number;
  /** Not before this instant. In ms. */
  runAt: number;
  /** When it was enqueued. In ms. */
  enqueuedAt: number;
  /** When the latest run began, or null. */
  startedAt: any;
  /** When it ended, or null. */
  endedAt: any;
  /** The occurrence of its schedule that it stands for, or null. */
  scheduledAt: any;
  /** Its schedule, or null. */
  schedule: any;
  /** Who runs it, or null. */
  worker: any;
  /** Its unique key, or null. */
  uniqueKey: any;
  /** Its concurrency key, or null. */
  concurrencyKey: any;
  /** Its batch, or null. */
  batch: any;
  /** The batch whose callback it is, or null. */
  batchDone: any;
  /** Its tags. */
  tags: string[];
  /** What its handler told last, or null. */
  progress: any;
  /** What its handler returned, or null. */
  result: any;
  /** The latest error, or the reason of its cancellation; null for none. */
  error: any;
  /** error, timeout, fatal, lease_lost, unknown_task, dependency or a code of the handler's; null for none. */
  errorCode: any;
}

/** What `tasks.stop_worker` gives. */
export interface TasksStopWorkerResult {
  /** Everything finished in time. */
  drained: boolean;
  /** Handed back. */
  unfinished: number;
}

/** Options of `tasks.enqueue`. */
export interface TasksEnqueueOptions extends CallOptions {
  /** The queue. Default: `"default"`. */
  queue?: string;
  /** What the handler gets, as JSON. Default: `null`. */
  args?: unknown;
  /** Not before this long from now. In ms. Default: `0`. */
  delayMs?: number;
  /** Not before this instant: RFC 3339 text or ms since the epoch. Not with `delay_ms`. Default: `null`. */
  runAt?: unknown;
  /** Higher goes first; first come among equals. Default: `0`. */
  priority?: number;
  /** Runs at most, the first one included. Default: `5`. */
  maxAttempts?: number;
  /** `{initial_ms, factor, max_ms, jitter_percent}` between failed runs. Null: 1000, 2, 300000, 10. An object without `jitter_percent` has none. Default: `null`. */
  backoff?: unknown;
  /** A run that takes longer is cancelled and has failed. 0: the worker's limit. In ms. Default: `0`. */
  timeoutMs?: number;
  /** At most one job of this key that has not ended is in the store. Empty: none. Default: `""`. */
  uniqueKey?: string;
  /** Of the jobs of this key at most `concurrency_limit` run at a time, over all workers. Empty: none. Default: `""`. */
  concurrencyKey?: string;
  /** See `concurrency_key`. Default: `1`. */
  concurrencyLimit?: number;
  /** Ids of jobs that must complete before this one begins. When one is discarded or cancelled, so is this one (cancelled, with the reason). Default: `[]`. */
  dependsOn?: readonly string[];
  /** Id of a batch that is not done, which this job joins. Default: `""`. */
  batch?: string;
  /** For people and lists. Default: `[]`. */
  tags?: readonly string[];
  /** How long the job and its result are kept after its end. 0: the store's default. In ms. Default: `0`. */
  retentionMs?: number;
  /** A transaction of `db`: the task is enqueued when it commits, and not at all when it does not. A store in another database gets it through the outbox; the result then has no id (empty). Default: `null`. */
  transaction?: Handle | null;
}

/** Options of `tasks.enqueue_batch`. */
export interface TasksEnqueueBatchOptions extends CallOptions {
  /** A job (arguments of `tasks.enqueue`) that is pending until the batch is done; it finds the batch by `tasks.batch`, whose id is its `batch_done`. Null: none. Default: `null`. */
  callback?: unknown;
}

/** Options of `tasks.list`. */
export interface TasksListOptions extends CallOptions {
  /** Of this queue only. Default: `""`. */
  queue?: string;
  /** In this state only. Default: `""`. */
  state?: string;
  /** Of this name only. Default: `""`. */
  task?: string;
  /** Of this schedule only. Default: `""`. */
  schedule?: string;
  /** Of this batch only. Default: `""`. */
  batch?: string;
  /** Only ids after this one: the last of the page before. Default: `""`. */
  after?: string;
  /** How many at most. Default: `100`. */
  limit?: number;
}

/** Options of `tasks.cancel`. */
export interface TasksCancelOptions extends CallOptions {
  /** Kept as the job's error. Default: `""`. */
  reason?: string;
}

/** Options of `tasks.pending_count`. */
export interface TasksPendingCountOptions extends CallOptions {
  /** The queue. Default: `"default"`. */
  queue?: string;
}

/** Options of `tasks.pause`. */
export interface TasksPauseOptions extends CallOptions {
  /** The queue. Default: `"default"`. */
  queue?: string;
}

/** Options of `tasks.resume`. */
export interface TasksResumeOptions extends CallOptions {
  /** The queue. Default: `"default"`. */
  queue?: string;
}

/** Options of `tasks.set_rate_limit`. */
export interface TasksSetRateLimitOptions extends CallOptions {
  /** The queue. Default: `"default"`. */
  queue?: string;
  /** So many. 0: no limit. Default: `0`. */
  count?: number;
  /** In this span. In ms. Default: `1000`. */
  periodMs?: number;
  /** So many at once after a rest. 0: as `count`. Default: `0`. */
  burst?: number;
}

/** Options of `tasks.heartbeat`. */
export interface TasksHeartbeatOptions extends CallOptions {
  /** From now. In ms. Default: `10000`. */
  leaseMs?: number;
}

/** Options of `tasks.wait`. */
export interface TasksWaitOptions extends CallOptions {
  /** At most this long; then timeout. In ms. Default: `30000`. */
  timeoutMs?: number;
}

/** Options of `tasks.start_worker`. */
export interface TasksStartWorkerOptions extends CallOptions {
  /** The queue. Default: `"default"`. */
  queue?: string;
  /** Handlers at once. Default: `16`. */
  concurrency?: number;
  /** A job comes back this long after its worker died; renewed every third of it. In ms. Default: `10000`. */
  leaseMs?: number;
  /** For tasks without a limit of their own. 0: none. In ms. Default: `0`. */
  timeoutMs?: number;
  /** Names it has handlers for; any other is discarded with the code unknown_task. Null: all. Default: `null`. */
  tasks?: unknown;
  /** Comes back as `user` of its events. Default: `0`. */
  user?: Handle;
}

/** Options of `tasks.stop_worker`. */
export interface TasksStopWorkerOptions extends CallOptions {
  /** For what runs. In ms. Default: `20000`. */
  timeoutMs?: number;
}

/** Options of `tasks.schedule`. */
export interface TasksScheduleOptions extends CallOptions {
  /** A name of the IANA data base. Default: `"UTC"`. */
  timezone?: string;
  /** Where its jobs go. Default: `"default"`. */
  queue?: string;
  /** The arguments of every job. Default: `null`. */
  args?: unknown;
  /** As in `tasks.enqueue`. Default: `0`. */
  priority?: number;
  /** As in `tasks.enqueue`. Default: `5`. */
  maxAttempts?: number;
  /** As in `tasks.enqueue`. In ms. Default: `0`. */
  timeoutMs?: number;
  /** What becomes of times at which no scheduler ran: skip, once (one job for all of them), all (one for each). Default: `"once"`. */
  misfire?: string;
  /** forbid: a time is left out while the job before has not ended. Default: `"allow"`. */
  overlap?: string;
}

/** Options of `tasks.start_scheduler`. */
export interface TasksStartSchedulerOptions extends CallOptions {
  /** Its name; unique among those that run. Default: `"default"`. */
  name?: string;
}

/** Options of `tasks.stop_scheduler`. */
export interface TasksStopSchedulerOptions extends CallOptions {
  /** Its name. Default: `"default"`. */
  name?: string;
}

export class TasksClient extends Client {
  /** @internal */
  readonly group = 'tasks';

  /**
   * Puts one task into a queue. With `unique_key`, gives the job of that key that has not ended, if there is one.
   *
   * @param task Name of the task; a worker has a handler for it.
   * @throws OperationError of kind `invalid_argument`, `not_found`, `conflict`, `unavailable`
   */
  async enqueue(task: string, options: TasksEnqueueOptions = {}): Promise<TasksEnqueueResult> {
    const args: Json = { task: task };
    if (options.queue !== undefined) args.queue = options.queue;
    if (options.args !== undefined) args.args = options.args;
    if (options.delayMs !== undefined) args.delay_ms = options.delayMs;
    if (options.runAt !== undefined) args.run_at = options.runAt;
    if (options.priority !== undefined) args.priority = options.priority;
    if (options.maxAttempts !== undefined) args.max_attempts = options.maxAttempts;
    if (options.backoff !== undefined) args.backoff = options.backoff;
    if (options.timeoutMs !== undefined) args.timeout_ms = options.timeoutMs;
    if (options.uniqueKey !== undefined) args.unique_key = options.uniqueKey;
    if (options.concurrencyKey !== undefined) args.concurrency_key = options.concurrencyKey;
    if (options.concurrencyLimit !== undefined) args.concurrency_limit = options.concurrencyLimit;
    if (options.dependsOn !== undefined) args.depends_on = options.dependsOn;
    if (options.batch !== undefined) args.batch = options.batch;
    if (options.tags !== undefined) args.tags = options.tags;
    if (options.retentionMs !== undefined) args.retention_ms = options.retentionMs;
    if (options.transaction !== undefined) args.transaction = options.transaction;
    const result = await this._call(160, args, options.signal);
    return { id: result.id, created: result.created };
  }

  /**
   * Puts many tasks into queues in one transaction: all of them or none.
   *
   * @param jobs An array of objects with the arguments of `tasks.enqueue`, 10000 at most.
   * @throws OperationError of kind `invalid_argument`, `not_found`, `conflict`, `unavailable`
   */
  async enqueueMany(jobs: unknown, options: CallOptions = {}): Promise<any> {
    const args: Json = { jobs: jobs };
    const result = await this._call(161, args, options.signal);
    return result.jobs;
  }

  /**
   * Puts many tasks into queues as one batch, in one transaction. When all of them have ended, `callback` is released.
   *
   * @param jobs An array of objects with the arguments of `tasks.enqueue`, 1 to 10000.
   * @throws OperationError of kind `invalid_argument`, `not_found`, `conflict`, `unavailable`
   */
  async enqueueBatch(jobs: unknown, options: TasksEnqueueBatchOptions = {}): Promise<TasksEnqueueBatchResult> {
    const args: Json = { jobs: jobs };
    if (options.callback !== undefined) args.callback = options.callback;
    const result = await this._call(162, args, options.signal);
    return { batch: result.batch, jobs: result.jobs, callback: result.callback };
  }

  /**
   * How far a batch is.
   *
   * @param id The batch's id.
   * @throws OperationError of kind `not_found`
   */
  async batch(id: string, options: CallOptions = {}): Promise<TasksBatchResult> {
    const args: Json = { id: id };
    const result = await this._call(163, args, options.signal);
    return { id: result.id, total: result.total, pending: result.pending, completed: result.completed, cancelled: result.cancelled, discarded: result.discarded, done: result.done, callback: result.callback };
  }

  /**
   * A job as it is now.
   *
   * @param id The job's id.
   * @throws OperationError of kind `not_found`
   */
  async job(id: string, options: CallOptions = {}): Promise<TasksJobResult> {
    const args: Json = { id: id };
    const result = await this._call(164, args, options.signal);
    return { id: result.id, queue: result.queue, task: result.task, args: result.args, state: result.state, priority: result.priority, attempt: result.attempt, maxAttempts: result.max_attempts, runAt: result.run_at, enqueuedAt: result.enqueued_at, startedAt: result.started_at, endedAt: result.ended_at, scheduledAt: result.scheduled_at, schedule: result.schedule, worker: result.worker, uniqueKey: result.unique_key, concurrencyKey: result.concurrency_key, batch: result.batch, batchDone: result.batch_done, tags: result.tags, progress: result.progress, result: result.result, error: result.error, errorCode: result.error_code };
  }

  /**
   * Jobs in the order of their ids.
   *
   * @throws OperationError of kind `invalid_argument`
   */
  async list(options: TasksListOptions = {}): Promise<any> {
    const args: Json = { };
    if (options.queue !== undefined) args.queue = options.queue;
    if (options.state !== undefined) args.state = options.state;
    if (options.task !== undefined) args.task = options.task;
    if (options.schedule !== undefined) args.schedule = options.schedule;
    if (options.batch !== undefined) args.batch = options.batch;
    if (options.after !== undefined) args.after = options.after;
    if (options.limit !== undefined) args.limit = options.limit;
    const result = await this._call(165, args, options.signal);
    return result.jobs;
  }

  /**
   * Ends a job that has not ended. A running handler is told and its result is thrown away; jobs that depend on it are cancelled too.
   *
   * @param id The job's id.
   * @throws OperationError of kind `not_found`
   */
  async cancel(id: string, options: TasksCancelOptions = {}): Promise<boolean> {
    const args: Json = { id: id };
    if (options.reason !== undefined) args.reason = options.reason;
    const result = await this._call(166, args, options.signal);
    return result.cancelled;
  }

  /**
   * Lets a job that has ended run once more.
   *
   * @param id The job's id.
   * @throws OperationError of kind `not_found`, `conflict`
   */
  async retry(id: string, options: CallOptions = {}): Promise<boolean> {
    const args: Json = { id: id };
    const result = await this._call(167, args, options.signal);
    return result.retried;
  }

  /**
   * All queues with their counts and settings.
   *
   */
  async queues(options: CallOptions = {}): Promise<any> {
    const args: Json = { };
    const result = await this._call(168, args, options.signal);
    return result.queues;
  }

  /**
   * Jobs of a queue that neither run nor have ended.
   *
   */
  async pendingCount(options: TasksPendingCountOptions = {}): Promise<number> {
    const args: Json = { };
    if (options.queue !== undefined) args.queue = options.queue;
    const result = await this._call(169, args, options.signal);
    return result.count;
  }

  /**
   * No worker, in no process, takes from this queue until `tasks.resume`. What runs goes on.
   *
   */
  async pause(options: TasksPauseOptions = {}): Promise<void> {
    const args: Json = { };
    if (options.queue !== undefined) args.queue = options.queue;
    await this._call(170, args, options.signal);
  }

  /**
   * Workers take from this queue again.
   *
   */
  async resume(options: TasksResumeOptions = {}): Promise<void> {
    const args: Json = { };
    if (options.queue !== undefined) args.queue = options.queue;
    await this._call(171, args, options.signal);
  }

  /**
   * How many jobs of a queue may begin in a span of time, over all workers of all processes (a token bucket).
   *
   * @throws OperationError of kind `invalid_argument`
   */
  async setRateLimit(options: TasksSetRateLimitOptions = {}): Promise<void> {
    const args: Json = { };
    if (options.queue !== undefined) args.queue = options.queue;
    if (options.count !== undefined) args.count = options.count;
    if (options.periodMs !== undefined) args.period_ms = options.periodMs;
    if (options.burst !== undefined) args.burst = options.burst;
    await this._call(172, args, options.signal);
  }

  /**
   * What a handler tells about its run. conflict when the lease was lost.
   *
   * @param id The job's id.
   * @param lease The run's fencing token.
   * @param progress Any JSON.
   * @throws OperationError of kind `not_found`, `conflict`
   */
  async progress(id: string, lease: Handle, progress: unknown, options: CallOptions = {}): Promise<void> {
    const args: Json = { id: id, lease: lease, progress: progress };
    await this._call(173, args, options.signal);
  }

  /**
   * Renews a run's lease now and says whether it is still this worker's. Workers do so by themselves; this is for a handler that is about to do what cannot be undone.
   *
   * @param id The job's id.
   * @param lease The run's fencing token.
   */
  async heartbeat(id: string, lease: Handle, options: TasksHeartbeatOptions = {}): Promise<boolean> {
    const args: Json = { id: id, lease: lease };
    if (options.leaseMs !== undefined) args.lease_ms = options.leaseMs;
    const result = await this._call(174, args, options.signal);
    return result.held;
  }

  /**
   * Waits until a job has ended and gives it as `tasks.job` does.
   *
   * @param id The job's id.
   * @throws OperationError of kind `not_found`, `timeout`
   */
  async wait(id: string, options: TasksWaitOptions = {}): Promise<any> {
    const args: Json = { id: id };
    if (options.timeoutMs !== undefined) args.timeout_ms = options.timeoutMs;
    const result = await this._call(175, args, options.signal);
    return result.job;
  }

  /**
   * Starts a worker beside those of the manifest. Its tasks come as SPK_EV_TASK.
   *
   * @param name Its name; unique among those that run.
   * @throws OperationError of kind `invalid_argument`, `already_exists`, `unavailable`
   */
  async startWorker(name: string, options: TasksStartWorkerOptions = {}): Promise<void> {
    const args: Json = { name: name };
    if (options.queue !== undefined) args.queue = options.queue;
    if (options.concurrency !== undefined) args.concurrency = options.concurrency;
    if (options.leaseMs !== undefined) args.lease_ms = options.leaseMs;
    if (options.timeoutMs !== undefined) args.timeout_ms = options.timeoutMs;
    if (options.tasks !== undefined) args.tasks = options.tasks;
    if (options.user !== undefined) args.user = options.user;
    await this._call(176, args, options.signal);
  }

  /**
   * Drains a worker: takes no more, finishes what runs within the time, hands back the rest without using up an attempt.
   *
   * @param name Its name.
   * @throws OperationError of kind `not_found`
   */
  async stopWorker(name: string, options: TasksStopWorkerOptions = {}): Promise<TasksStopWorkerResult> {
    const args: Json = { name: name };
    if (options.timeoutMs !== undefined) args.timeout_ms = options.timeoutMs;
    const result = await this._call(177, args, options.signal);
    return { drained: result.drained, unfinished: result.unfinished };
  }

  /**
   * For tests: the worker dies without a word, as if its process were gone.
   *
   * @param name Its name.
   * @throws OperationError of kind `not_found`
   */
  async killWorker(name: string, options: CallOptions = {}): Promise<void> {
    const args: Json = { name: name };
    await this._call(178, args, options.signal);
  }

  /**
   * Makes or changes a schedule, which any running scheduler of this store fires. Times not yet reached follow the new expression.
   *
   * @param name Its name; unique in the store.
   * @param cron Five or six fields, or a macro such as `@daily`.
   * @param task The task's name.
   * @throws OperationError of kind `invalid_argument`
   */
  async schedule(name: string, cron: string, task: string, options: TasksScheduleOptions = {}): Promise<any> {
    const args: Json = { name: name, cron: cron, task: task };
    if (options.timezone !== undefined) args.timezone = options.timezone;
    if (options.queue !== undefined) args.queue = options.queue;
    if (options.args !== undefined) args.args = options.args;
    if (options.priority !== undefined) args.priority = options.priority;
    if (options.maxAttempts !== undefined) args.max_attempts = options.maxAttempts;
    if (options.timeoutMs !== undefined) args.timeout_ms = options.timeoutMs;
    if (options.misfire !== undefined) args.misfire = options.misfire;
    if (options.overlap !== undefined) args.overlap = options.overlap;
    const result = await this._call(179, args, options.signal);
    return result.next;
  }

  /**
   * Takes a schedule away. Its jobs stay.
   *
   * @param name Its name.
   */
  async unschedule(name: string, options: CallOptions = {}): Promise<boolean> {
    const args: Json = { name: name };
    const result = await this._call(180, args, options.signal);
    return result.removed;
  }

  /**
   * All schedules of the store.
   *
   */
  async schedules(options: CallOptions = {}): Promise<any> {
    const args: Json = { };
    const result = await this._call(181, args, options.signal);
    return result.schedules;
  }

  /**
   * Starts a scheduler beside that of the manifest. Any number may run, in any number of processes: each time of a schedule makes one job.
   *
   * @throws OperationError of kind `already_exists`
   */
  async startScheduler(options: TasksStartSchedulerOptions = {}): Promise<void> {
    const args: Json = { };
    if (options.name !== undefined) args.name = options.name;
    await this._call(182, args, options.signal);
  }

  /**
   * Stops a scheduler.
   *
   * @throws OperationError of kind `not_found`
   */
  async stopScheduler(options: TasksStopSchedulerOptions = {}): Promise<void> {
    const args: Json = { };
    if (options.name !== undefined) args.name = options.name;
    await this._call(183, args, options.signal);
  }
}

/** What `telemetry.context` gives. */
export interface TelemetryContextResult {
  /** Null where there is none. */
  traceparent: string | null;
  /** As it came. */
  tracestate: string | null;
  /** As it came. */
  baggage: string | null;
}

/** What `telemetry.start_span` gives. */
export interface TelemetryStartSpanResult {
  /** Its number for `telemetry.end_span`; 0 for one that is not recorded, which need not be ended. */
  span: Handle;
  /** Its context, to hand on. */
  traceparent: string | null;
}

/** What `telemetry.statistics` gives. */
export interface TelemetryStatisticsResult {
  /** `{ended, exported, dropped, failed, waiting}`: dropped did not fit into the queue, failed were given up by the exporter. */
  spans: any;
  /** The same of log records. */
  logs: any;
}

/** Options of `telemetry.start_span`. */
export interface TelemetryStartSpanOptions extends CallOptions {
  /** `internal`, `server`, `client`, `producer` or `consumer`. Default: `"internal"`. */
  kind?: string;
  /** The parent. Default: `null`. */
  traceparent?: string | null;
  /** Of a parent that is given. Default: `null`. */
  tracestate?: string | null;
  /** Of a parent that is given. Default: `null`. */
  baggage?: string | null;
  /** An object of texts, numbers, booleans and lists of one of them. Default: `null`. */
  attributes?: unknown;
  /** A list of traceparents. Default: `null`. */
  links?: unknown;
}

/** Options of `telemetry.end_span`. */
export interface TelemetryEndSpanOptions extends CallOptions {
  /** A new name. Default: `null`. */
  name?: string | null;
  /** Further attributes; they replace those of the same name. Default: `null`. */
  attributes?: unknown;
  /** A list of `{name, time_unix_nano, attributes}`; `exception` is one by the semantic conventions. Default: `null`. */
  events?: unknown;
  /** `unset`, `ok` or `error`. Default: `"unset"`. */
  status?: string;
  /** Of status error. Default: `null`. */
  message?: string | null;
}

/** Options of `telemetry.log`. */
export interface TelemetryLogOptions extends CallOptions {
  /** `trace`, `debug`, `info`, `warn` or `error`. Default: `"info"`. */
  level?: string;
  /** As of a span. Values of names that are secret are redacted. Default: `null`. */
  attributes?: unknown;
  /** The span it belongs to. Default: `null`. */
  traceparent?: string | null;
  /** Off: only the exporter gets it (the host writes the line itself). Default: `true`. */
  line?: boolean;
}

/** Options of `telemetry.add`. */
export interface TelemetryAddOptions extends CallOptions {
  /** A number, not below nought where it only grows; null is 1. Default: `null`. */
  value?: unknown;
  /** The sum goes both ways. Default: `false`. */
  upDown?: boolean;
  /** By UCUM: `s`, `By`, `{order}`. Default: `""`. */
  unit?: string;
  /** For people. Default: `""`. */
  description?: string;
  /** As of a span; of few different values. Default: `null`. */
  attributes?: unknown;
}

/** Options of `telemetry.record`. */
export interface TelemetryRecordOptions extends CallOptions {
  /** By UCUM. Default: `""`. */
  unit?: string;
  /** For people. Default: `""`. */
  description?: string;
  /** Upper bounds of the buckets, ascending; null for those that are advised for seconds. Default: `null`. */
  boundaries?: unknown;
  /** As of a span; of few different values. Default: `null`. */
  attributes?: unknown;
}

/** Options of `telemetry.flush`. */
export interface TelemetryFlushOptions extends CallOptions {
  /** The longest it may take. In ms. Default: `2000`. */
  timeoutMs?: number;
}

export class TelemetryClient extends Client {
  /** @internal */
  readonly group = 'telemetry';

  /**
   * The context of the request, message or task whose handler calls.
   *
   */
  async context(options: CallOptions = {}): Promise<TelemetryContextResult> {
    const args: Json = { };
    const result = await this._call(224, args, options.signal);
    return { traceparent: result.traceparent ?? null, tracestate: result.tracestate ?? null, baggage: result.baggage ?? null };
  }

  /**
   * Begins a span. It must be ended; at most 65536 of an application are open at once, of one more only the context is handed on.
   *
   * @param name What is done, of few different values.
   * @throws OperationError of kind `invalid_argument`
   */
  async startSpan(name: string, options: TelemetryStartSpanOptions = {}): Promise<TelemetryStartSpanResult> {
    const args: Json = { name: name };
    if (options.kind !== undefined) args.kind = options.kind;
    if (options.traceparent !== undefined) args.traceparent = options.traceparent;
    if (options.tracestate !== undefined) args.tracestate = options.tracestate;
    if (options.baggage !== undefined) args.baggage = options.baggage;
    if (options.attributes !== undefined) args.attributes = options.attributes;
    if (options.links !== undefined) args.links = options.links;
    const result = await this._call(225, args, options.signal);
    return { span: result.span, traceparent: result.traceparent ?? null };
  }

  /**
   * Ends a span. A number that is not open any more is ignored.
   *
   * @param span As `telemetry.start_span` gave it.
   * @throws OperationError of kind `invalid_argument`
   */
  async endSpan(span: Handle, options: TelemetryEndSpanOptions = {}): Promise<void> {
    const args: Json = { span: span };
    if (options.name !== undefined) args.name = options.name;
    if (options.attributes !== undefined) args.attributes = options.attributes;
    if (options.events !== undefined) args.events = options.events;
    if (options.status !== undefined) args.status = options.status;
    if (options.message !== undefined) args.message = options.message;
    await this._call(226, args, options.signal);
  }

  /**
   * A log record: a line of the application's log with trace and span id, and a record for the exporter.
   *
   * @param message The text. User information in URLs is redacted.
   * @throws OperationError of kind `invalid_argument`
   */
  async log(message: string, options: TelemetryLogOptions = {}): Promise<void> {
    const args: Json = { message: message };
    if (options.level !== undefined) args.level = options.level;
    if (options.attributes !== undefined) args.attributes = options.attributes;
    if (options.traceparent !== undefined) args.traceparent = options.traceparent;
    if (options.line !== undefined) args.line = options.line;
    await this._call(227, args, options.signal);
  }

  /**
   * Adds to a sum.
   *
   * @param name The instrument, `shop.orders.created`. It is made with the first call.
   * @throws OperationError of kind `invalid_argument`
   */
  async add(name: string, options: TelemetryAddOptions = {}): Promise<void> {
    const args: Json = { name: name };
    if (options.value !== undefined) args.value = options.value;
    if (options.upDown !== undefined) args.up_down = options.upDown;
    if (options.unit !== undefined) args.unit = options.unit;
    if (options.description !== undefined) args.description = options.description;
    if (options.attributes !== undefined) args.attributes = options.attributes;
    await this._call(228, args, options.signal);
  }

  /**
   * Records a value of a distribution.
   *
   * @param name The instrument. It is made with the first call.
   * @param value A number.
   * @throws OperationError of kind `invalid_argument`
   */
  async record(name: string, value: unknown, options: TelemetryRecordOptions = {}): Promise<void> {
    const args: Json = { name: name, value: value };
    if (options.unit !== undefined) args.unit = options.unit;
    if (options.description !== undefined) args.description = options.description;
    if (options.boundaries !== undefined) args.boundaries = options.boundaries;
    if (options.attributes !== undefined) args.attributes = options.attributes;
    await this._call(229, args, options.signal);
  }

  /**
   * Exports what waits now. Done when the collector has it or it was given up.
   *
   */
  async flush(options: TelemetryFlushOptions = {}): Promise<boolean> {
    const args: Json = { };
    if (options.timeoutMs !== undefined) args.timeout_ms = options.timeoutMs;
    const result = await this._call(230, args, options.signal);
    return result.flushed;
  }

  /**
   * What became of spans and log records since the start.
   *
   */
  async statistics(options: CallOptions = {}): Promise<TelemetryStatisticsResult> {
    const args: Json = { };
    const result = await this._call(231, args, options.signal);
    return { spans: result.spans, logs: result.logs };
  }

  /**
   * The spans that ended since the last call, of exporter `memory`.
   *
   * @throws OperationError of kind `unsupported`
   */
  async takeSpans(options: CallOptions = {}): Promise<any> {
    const args: Json = { };
    const result = await this._call(240, args, options.signal);
    return result.spans;
  }

  /**
   * The log records since the last call, of exporter `memory`.
   *
   * @throws OperationError of kind `unsupported`
   */
  async takeLogs(options: CallOptions = {}): Promise<any> {
    const args: Json = { };
    const result = await this._call(241, args, options.signal);
    return result.logs;
  }

  /**
   * All metrics now, whatever the exporter.
   *
   */
  async collectMetrics(options: CallOptions = {}): Promise<any> {
    const args: Json = { };
    const result = await this._call(242, args, options.signal);
    return result.metrics;
  }

  /**
   * Reads a traceparent (W3C Trace Context).
   *
   * @param value The header's text.
   */
  async parseTraceparent(value: string, options: CallOptions = {}): Promise<any> {
    const args: Json = { value: value };
    const result = await this._call(248, args, options.signal);
    return result.value ?? null;
  }

  /**
   * Reads a tracestate (W3C Trace Context).
   *
   * @param values The texts of all header lines, in order.
   * @throws OperationError of kind `invalid_argument`
   */
  async parseTracestate(values: unknown, options: CallOptions = {}): Promise<any> {
    const args: Json = { values: values };
    const result = await this._call(249, args, options.signal);
    return result.value;
  }

  /**
   * Reads baggage (W3C Baggage).
   *
   * @param values The texts of all header lines, in order.
   * @throws OperationError of kind `invalid_argument`
   */
  async parseBaggage(values: unknown, options: CallOptions = {}): Promise<any> {
    const args: Json = { values: values };
    const result = await this._call(250, args, options.signal);
    return result.value;
  }
}
