/** The toolbox as applications use it: the generated clients with what is native to JavaScript laid over them. No protocol is here: every method ends in operations of the core. */

import {
  CacheClient, type CacheGetOrBeginLoadOptions, type CacheInvalidateOptions, CloudEventsClient, CronClient, DatabaseClient, MessagingClient, type MessagingPublishOptions,
  type MessagingStartConsumerOptions, type MessagingStopConsumerResult, StorageClient, type StorageReadOptions, type StorageReadResult, type TasksEnqueueOptions, type TasksEnqueueResult,
  TasksClient, type TasksStartWorkerOptions, type TasksStopWorkerResult,
} from './_generated/clients';
import { Operation } from './_generated/constants';
import { type CallOptions, type Handle, type Json, type Stream } from './client';
import { messagePlan, type MessageHandler, taskPlan, type TaskHandler } from './handlers';
import { OperationError } from './errors';
import { toPlain } from './nodes';
import { Served, type ServedAnswer } from './response';
import type { Schema } from './schema';

/** What a message carries: text and bytes as they are, everything else as JSON. */
export function payloadOf(payload: unknown): string | Uint8Array {
  if (typeof payload === 'string' || payload instanceof Uint8Array) return payload;
  const text = JSON.stringify(payload);
  if (text === undefined) throw new TypeError(`a ${typeof payload} is no payload`);
  return text;
}

// ---- cache

export type Loaded = string | Uint8Array | null | undefined;

const WITHOUT_NAMESPACE = new Set<number>([Operation.CACHE_INVALIDATE_TAGS, Operation.CACHE_END_LOAD, Operation.CACHE_STATS]);

/** A cache. Values are bytes; text is its UTF-8. */
export class Cache extends CacheClient {
  private namespace = '';

  /** The same cache, with keys that are other keys than those of another namespace. */
  namespaced(namespace: string): Cache {
    const cache = new Cache(this.name);
    cache.namespace = namespace;
    return cache;
  }

  /** @internal */
  override _call(operation: number, args: Json, signal?: AbortSignal): Promise<any> {
    if (this.namespace !== '' && args.namespace === undefined && !WITHOUT_NAMESPACE.has(operation)) args.namespace = this.namespace;
    return super._call(operation, args, signal);
  }

  /** The value as text; null for a miss. */
  async getText(key: string, options: CallOptions & { namespace?: string } = {}): Promise<string | null> {
    const value = await this.get(key, options);
    return value === null ? null : value.toString();
  }

  /**
   * The value, loaded when it is not there. One caller loads a key at a time, the others wait for it.
   *
   * @param loader gives the value, or null (undefined) when there is nothing to find.
   */
  async getOrLoad(key: string, loader: () => Loaded | Promise<Loaded>, options: CacheGetOrBeginLoadOptions = {}): Promise<Buffer | null> {
    const begun = await this.getOrBeginLoad(key, options);
    if (begun.state !== 'value') return this.load(begun.flight as Handle, loader);
    if (begun.flight !== null) {
      const flight = begun.flight;
      this.where().scope.binding.spawn(() => this.load(flight, loader).catch((error) => {
        if (!(error instanceof OperationError)) throw error;
      }));
    }
    return begun.value;
  }

  private async load(flight: Handle, loader: () => Loaded | Promise<Loaded>): Promise<Buffer | null> {
    let value: Loaded;
    try {
      value = await loader();
    } catch (error) {
      if ((error as Error)?.name === 'AbortError') {
        await this.endLoad(flight, 'given_up');
        throw error;
      }
      try {
        return await this.endLoad(flight, 'failed', { message: (error as Error)?.message || String(error) });
      } catch (failed) {
        if (failed instanceof OperationError) failed.cause = error;
        throw failed;
      }
    }
    return value === null || value === undefined ? this.endLoad(flight, 'absent') : this.endLoad(flight, 'value', { value });
  }
}

// ---- storage

export interface ServedOptions {
  contentType?: string;
  cacheControl?: string;
  contentDisposition?: string;
}

/** See `Storage.object` and `Storage.accept`. */
export class ServedObject extends Served {
  /** @internal */
  constructor(private readonly client: StorageBase, private readonly operation: number, private readonly status: number, private readonly key: string, private readonly options: ServedOptions) {
    super();
  }

  /** @internal */
  answer(): ServedAnswer {
    const { contentType, cacheControl, contentDisposition } = this.options;
    const args = { key: this.key, content_type: contentType, cache_control: cacheControl, content_disposition: contentDisposition };
    return [this.operation, this.client.where().client, args, this.status];
  }
}

/** The generated client; its `read` is `Storage.readObject`. */
class StorageBase extends StorageClient {}

/** A store of objects. */
export class Storage extends (StorageBase as new (name?: string) => Omit<StorageBase, 'read'>) {
  /** The bytes of an object, or of a part of it; `readObject` also gives what is known of it, `readStream` its chunks. */
  async read(key: string, options: StorageReadOptions = {}): Promise<Buffer> {
    return (await this.readObject(key, options)).data;
  }

  /** The bytes of an object together with what is known of it. */
  readObject(key: string, options: StorageReadOptions = {}): Promise<StorageReadResult> {
    return StorageClient.prototype.read.call(this, key, options);
  }

  /** An object as the answer of a handler: `return files.object('reports/1.pdf')`. The core serves it, with ETag, conditions and ranges; one that is not there is a 404. */
  object(key: string, options: ServedOptions = {}): ServedObject {
    return new ServedObject(this as unknown as StorageBase, Operation.STORAGE_READ_STREAM, 0, key, options);
  }

  /** The body of a request as an object: `return files.accept('uploads/1')` from a handler with `stream: true` that has not read it. The core stores it as it comes, and answers. */
  accept(key: string, options: ServedOptions & { status?: number } = {}): ServedObject {
    return new ServedObject(this as unknown as StorageBase, Operation.STORAGE_WRITE_STREAM, options.status ?? 201, key, options);
  }

  /** All objects below a prefix, page by page. */
  async *iterate(prefix = '', options: { startAfter?: string } & CallOptions = {}): AsyncGenerator<any, void, undefined> {
    let token: string | null = null;
    do {
      const page = (await this.list({ prefix, signal: options.signal, ...(token === null ? { startAfter: options.startAfter ?? '' } : { token }) })) as { entries: any[]; next: string | null };
      yield* page.entries;
      token = page.next;
    } while (token !== null);
  }
}

// ---- messaging and tasks

export type PublishOptions = Omit<MessagingPublishOptions, 'transaction'> & { transaction?: Handle | { readonly number: Handle } };

/** A message broker. */
export class Messaging extends (MessagingClient as new (name?: string) => Omit<MessagingClient, 'publish' | 'publishBatch'>) {
  /** Done when the broker has the message. Text and bytes go as they are, everything else as JSON. The message's position, where the broker tells. */
  publish(topic: string, payload: unknown = '', options: PublishOptions = {}): Promise<any> {
    return MessagingClient.prototype.publish.call(this, topic, payloadOf(payload), options as MessagingPublishOptions);
  }

  /** Several `{topic, payload, key, headers}` in one go, in this order. */
  publishBatch(messages: readonly { topic: string; payload?: unknown; key?: string; headers?: Readonly<Record<string, string>> }[], options: CallOptions = {}): Promise<any> {
    return (MessagingClient.prototype.publishBatch as any).call(this, messages.map((m) => ({ ...m, payload: payloadOf(m.payload ?? '') })), options);
  }

  /** Starts a consumer beside those of the application, with the same handlers and options as `app.consumer`; it runs until `stop()`. */
  async consume(topic: string, handler: MessageHandler<any>, options: Omit<MessagingStartConsumerOptions, 'schema' | 'user'> & { name?: string; schema?: Schema } = {}): Promise<Consumer> {
    const { name, schema, ...rest } = options;
    const { plan, json } = messagePlan(handler, schema);
    const binding = this.where().scope.binding;
    const user = binding.dynamic(plan);
    try {
      const number = await this.startConsumer(name ?? (handler.name || topic), topic, { ...rest, ...(json === undefined ? {} : { schema: json }), user } as MessagingStartConsumerOptions);
      return new Consumer(this, number as Handle, user);
    } catch (error) {
      binding.forget(user);
      throw error;
    }
  }
}

/** A consumer that `Messaging.consume` has started. */
export class Consumer {
  /** @internal */
  constructor(private readonly client: Messaging, private readonly number: Handle, private readonly user: number) {}

  /** Takes nothing new, waits for its handlers, hands back what is left. */
  async stop(options: { drainTimeoutMs?: number } = {}): Promise<MessagingStopConsumerResult> {
    try {
      return await this.client.stopConsumer(this.number, { drainTimeoutMs: options.drainTimeoutMs ?? 20000 });
    } finally {
      this.client.where().scope.binding.forget(this.user);
    }
  }

  /** For tests: as if its process had died. */
  async kill(): Promise<void> {
    await this.client.killConsumer(this.number);
  }

  async [(Symbol as any).asyncDispose ?? Symbol.for('asyncDispose')](): Promise<void> {
    await this.stop();
  }
}

/** A store of tasks. Tasks of this application are enqueued by themselves: `await send.enqueue(...)`. */
export class Tasks extends TasksClient {
  /** Starts a worker beside those of the application; it runs until `stop()`. `handlers`: by the tasks' names, or one for all, which asks its TaskRun for the name and arguments. */
  async work(handlers: Readonly<Record<string, TaskHandler<any>>> | ((run: any) => unknown), options: Omit<TasksStartWorkerOptions, 'tasks' | 'user'> & { name?: string } = {}): Promise<Worker> {
    const { name, ...rest } = options;
    const queue = options.queue ?? 'default';
    const all = typeof handlers === 'function';
    const tasks = new Map(all ? [['', { run: handlers as (run: any) => unknown }]] : Object.entries(handlers).map(([task, fn]) => [task, taskPlan(fn)]));
    const binding = this.where().scope.binding;
    const user = binding.dynamic({ queue, client: this.name, tasks });
    try {
      await this.startWorker(name ?? queue, { ...rest, queue, user, ...(all ? {} : { tasks: [...tasks.keys()] }) } as TasksStartWorkerOptions);
      return new Worker(this, name ?? queue, user);
    } catch (error) {
      binding.forget(user);
      throw error;
    }
  }

  /** @internal */
  enqueueIn(task: string, options: TasksEnqueueOptions): Promise<TasksEnqueueResult> {
    return this.enqueue(task, options);
  }
}

/** A worker that `Tasks.work` has started. */
export class Worker {
  /** @internal */
  constructor(private readonly client: Tasks, readonly name: string, private readonly user: number) {}

  /** Takes nothing new, waits for what runs, hands back what is left. */
  async stop(options: { timeoutMs?: number } = {}): Promise<TasksStopWorkerResult> {
    try {
      return await this.client.stopWorker(this.name, { timeoutMs: options.timeoutMs ?? 20000 });
    } finally {
      this.client.where().scope.binding.forget(this.user);
    }
  }

  /** For tests: as if its process had died. */
  async kill(): Promise<void> {
    await this.client.killWorker(this.name);
  }
}

/** What cron expressions mean. */
export class Cron extends CronClient {}

/** Sends events where `services.events` says, and reads and writes messages of them. */
export class CloudEvents extends CloudEventsClient {}

export type { CacheInvalidateOptions, Stream };
export { toPlain };
