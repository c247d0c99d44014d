/** What the generated clients of the toolbox stand on: operations by number, and their streams. */

import { Command, Flag } from './_generated/constants';
import { SpikardError } from './errors';
import type { Binding } from './port';
import { type Scope, scopeOf } from './scope';

/** A number that the core gave out: only to be handed back. */
export type Handle = number | bigint;
export type Chunks = AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>;
/** @internal */
export type Json = Record<string, unknown>;

export interface CallOptions {
  /** Ends the operation; it then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** What a host may have of a stream that it has not taken; the core's own figure. */
const CREDIT = 65536;

/** A client by its name in `services` of the manifest. It belongs to no application: each use goes to the one that runs where it is used, so it may be kept in a global. */
export abstract class Client {
  /** @internal */
  abstract readonly group: string;
  private known: Binding | undefined;
  private number = 0;

  constructor(readonly name = 'default') {}

  /** @internal */
  where(): { scope: Scope; client: number } {
    const scope = scopeOf(`${this.group} client '${this.name}'`);
    if (this.known !== scope.binding) {
      this.number = scope.binding.clientNumber(this.group, this.name);
      this.known = scope.binding;
    }
    return { scope, client: this.number };
  }

  /** @internal */
  async _call(operation: number, args: Json, signal?: AbortSignal): Promise<any> {
    const { scope, client } = this.where();
    return scope.binding.call(operation, client, args, scope, signal);
  }

  /** @internal An operation with a streamed argument. When the chunks fail, so does the operation, and nothing is written. */
  async _send(operation: number, args: Json, chunks: Chunks, signal?: AbortSignal): Promise<any> {
    const { scope, client } = this.where();
    signal?.throwIfAborted();
    const call = new StreamCall(scope, operation, client, args, true, signal);
    try {
      for await (const chunk of chunks) {
        if (call.done) break;
        await call.write(chunk);
      }
      call.end();
    } catch (error) {
      await call.abort();
      throw error;
    }
    return call.result;
  }
}

/** @internal One streamed operation in progress. */
export class StreamCall {
  readonly user: number;
  readonly result: Promise<any>;
  done = false;
  private readonly binding: Binding;
  private readonly queue: Buffer[] = [];
  private low = 0;
  private high = 0;
  private named = false;
  private credit = 0;
  private ended = false;
  private wake: (() => void) | undefined;

  constructor(scope: Scope, operation: number, client: number, args: Json, private readonly writes: boolean, signal?: AbortSignal) {
    this.binding = scope.binding;
    this.user = ++this.binding.users;
    this.binding.streams.set(this.user, this);
    this.result = this.binding.wait(this.user, scope, signal);
    const over = (): void => {
      this.done = true;
      this.binding.streams.delete(this.user);
      this.awake();
    };
    this.result.then(over, over);
    try {
      this.binding.invoke(operation, client, args, scope, Flag.STREAM, this.user);
    } catch (error) {
      this.binding.waiting.get(this.user)?.reject(error);
      this.binding.waiting.delete(this.user);
      throw error;
    }
  }

  onCredit(low: number, high: number, amount: number): void {
    this.name(low, high);
    this.credit += amount;
    this.awake();
  }

  onChunk(low: number, high: number, data: Buffer): void {
    this.name(low, high);
    this.queue.push(data);
    this.awake();
  }

  private name(low: number, high: number): void {
    this.low = low;
    this.high = high;
    if (this.named) return;
    this.named = true;
    if (this.ended) this.binding.command(Command.END, low, high);
  }

  private awake(): void {
    const wake = this.wake;
    this.wake = undefined;
    wake?.();
  }

  private turn(): Promise<void> {
    return new Promise((resolve) => (this.wake = resolve));
  }

  async write(chunk: string | Uint8Array): Promise<void> {
    const data = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    for (let at = 0; at < data.length; at += CREDIT) {
      while (this.credit <= 0 || !this.named) {
        if (this.done) return;
        await this.turn();
      }
      const part = data.length <= CREDIT ? data : data.subarray(at, at + CREDIT);
      this.credit -= part.length;
      this.binding.commandBytes(Command.CHUNK, this.low, this.high, part);
    }
  }

  end(): void {
    this.ended = true;
    if (this.named && !this.done) this.binding.command(Command.END, this.low, this.high);
  }

  /** Gives up, and waits until that is so. */
  async abort(): Promise<void> {
    if (!this.done) {
      if (this.writes && this.named && !this.ended) this.binding.command(Command.ABORT, this.low, this.high);
      else this.binding.cancel(this.user);
    }
    await this.result.catch(() => {});
  }

  /** The next chunk, or undefined at the end. Taking one lets the core send more. */
  async read(): Promise<Buffer | undefined> {
    while (this.queue.length === 0) {
      if (this.done) {
        await this.result;
        return undefined;
      }
      await this.turn();
    }
    const data = this.queue.shift() as Buffer;
    if (!this.done) this.binding.command(Command.CREDIT, this.low, this.high, data.length);
    return data;
  }
}

/**
 * A streamed result: iterate over its chunks. It begins with the first chunk asked for; what it says of itself is `result` after the last. Leaving the loop before the end cancels it.
 *
 * @example for await (const chunk of storage.readStream('big')) ...
 */
export class Stream<T> implements AsyncIterableIterator<Buffer> {
  private begun: StreamCall | undefined;
  private told: { value: T } | undefined;

  /** @internal */
  constructor(
    private readonly client: Client,
    private readonly operation: number,
    private readonly args: Json,
    private readonly make: (result: any) => T,
    private readonly signal?: AbortSignal,
  ) {}

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Buffer, undefined>> {
    if (this.begun === undefined) {
      const { scope, client } = this.client.where();
      this.signal?.throwIfAborted();
      this.begun = new StreamCall(scope, this.operation, client, this.args, false, this.signal);
    }
    const value = await this.begun.read();
    if (value !== undefined) return { done: false, value };
    this.told = { value: this.make(await this.begun.result) };
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<Buffer, undefined>> {
    await this.begun?.abort();
    return { done: true, value: undefined };
  }

  /** What the operation gave at its end. */
  get result(): T {
    if (this.told === undefined) throw new SpikardError('a stream has its result when it was read to its end');
    return this.told.value;
  }

  /** All of it. */
  async bytes(): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const chunk of this) parts.push(chunk);
    return Buffer.concat(parts);
  }
}
