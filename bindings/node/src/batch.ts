/** Commands on their way to the core, in memory that the addon reads (PORT: the structs of spikard.h). */

import { Command, Layout } from './_generated/constants';
import { Encoder } from './nodes';
import { native, type PortHandle } from './native';

const SIZE = Layout.cmd.sizeof;
const LIMIT = 256;
const ARENA = 256 * 1024;
const MOST = 1024 * 1024;
// A body as long or longer is not copied: the core reads it where it is.
const EXTERNAL = 16 * 1024;
const LONG_TEXT = 256 * 1024;
const COMMANDS = 0;
const EXTERNALS = 1;

interface Writable extends Buffer {
  utf8Write(text: string, at: number, length?: number): number;
}

/** @internal */
export type Pairs = readonly (readonly [string, string])[];

/** @internal */
export class Batch {
  readonly state = new Uint32Array(2);
  readonly externals: unknown[] = [];
  commandMemory = new ArrayBuffer(LIMIT * SIZE);
  arenaMemory = new ArrayBuffer(ARENA);
  private commands = new Uint32Array(this.commandMemory);
  private arena = Buffer.from(this.arenaMemory) as Writable;
  private used = 0;
  private readonly encoder = new Encoder();
  private port: PortHandle | undefined;

  attach(port: PortHandle): void {
    this.port = port;
  }

  detach(): void {
    this.port = undefined;
  }

  flush(): void {
    if (this.port !== undefined && this.state[COMMANDS] !== 0) native.flush(this.port);
  }

  /** Commands that wait. Once none do the arena is free again. */
  get size(): number {
    return this.state[COMMANDS];
  }

  private begin(): void {
    const n = this.state[COMMANDS];
    if (n === 0) {
      this.used = 0;
      if (this.arena.length > MOST) this.renew(ARENA); // one large answer does not keep its memory for ever
    } else if (n >= LIMIT || this.used > ARENA / 2) {
      this.flush();
      this.used = 0;
    }
  }

  private room(length: number): void {
    this.used = (this.used + 7) & ~7;
    if (this.used + length <= this.arena.length) return;
    this.renew(Math.max(this.arena.length * 2, this.used + length));
  }

  private renew(size: number): void {
    const more = new ArrayBuffer(size);
    const next = Buffer.from(more) as Writable;
    this.arena.copy(next, 0, 0, this.used);
    this.arenaMemory = more;
    this.arena = next;
    if (this.port !== undefined) native.memory(this.port, 1, more);
  }

  /** The place of a new command in `commands`; all of it is written. */
  private command(op: number, flags: number, status: number, format: number, low: number, high: number): number {
    if (this.port === undefined) throw new Error('the port is closed');
    const at = this.state[COMMANDS]++ * (SIZE / 4);
    const c = this.commands;
    c.fill(0, at, at + SIZE / 4);
    c[at] = op | (flags << 16);
    c[at + 1] = status | (format << 16);
    c[at + 4] = low;
    c[at + 5] = high;
    return at;
  }

  /** op, id and what is a number. */
  simple(op: number, low: number, high: number, arg = 0, flags = 0, user = 0): void {
    this.begin();
    const at = this.command(op, flags, 0, 0, low, high);
    const c = this.commands;
    c[at + 6] = user;
    c[at + 7] = user / 4294967296;
    c[at + 8] = arg;
    c[at + 9] = arg / 4294967296;
  }

  /** With text or bytes as its body. */
  bytes(op: number, low: number, high: number, body: string | Uint8Array, flags = 0): void {
    this.begin();
    const [where, length, external] = this.put(body);
    const at = this.command(op, flags, 0, 0, low, high);
    this.body(at, where, length, external);
  }

  /** With a value as its body, in nodes. Nothing of the command is there when the value cannot be written. */
  nodes(op: number, low: number, high: number, value: unknown, arg = 0, flags = 0, user = 0): void {
    this.begin();
    const encoder = this.encoder.busy ? new Encoder() : this.encoder;
    const length = encoder.encode(value);
    this.begin(); // writing may have run code that came here
    this.room(length);
    const where = this.used;
    encoder.copy(this.arena, where);
    this.used += length;
    const at = this.command(op, flags, 0, 0, low, high);
    const c = this.commands;
    c[at + 6] = user;
    c[at + 7] = user / 4294967296;
    c[at + 8] = arg;
    c[at + 9] = arg / 4294967296;
    this.body(at, where, length, 0);
  }

  /** An answer (REPLY, or HEAD without body). */
  answer(op: number, low: number, high: number, status: number, format: number, headers: Pairs | undefined, mediaType: string | undefined, body: string | Uint8Array | undefined): void {
    this.begin();
    let head = 0;
    let headLength = 0;
    let pairs = 0;
    if (headers !== undefined || mediaType !== undefined) {
      const list = mediaType === undefined ? headers ?? [] : typed(headers, mediaType);
      pairs = list.length;
      if (pairs !== 0) [head, headLength] = this.head(list);
    }
    let where = 0;
    let length = 0;
    let external = 0;
    if (body !== undefined) [where, length, external] = this.put(body);
    const at = this.command(op, 0, status, format, low, high);
    const c = this.commands;
    c[at + 2] = pairs;
    c[at + 10] = head;
    c[at + 12] = headLength;
    this.body(at, where, length, external);
  }

  /** An answer that the core writes as JSON itself: for what JSON.stringify cannot. */
  answerNodes(low: number, high: number, status: number, format: number, headers: Pairs | undefined, mediaType: string | undefined, value: unknown, operation = 0, client = 0): void {
    this.begin();
    const encoder = this.encoder.busy ? new Encoder() : this.encoder;
    const length = encoder.encode(value);
    this.begin();
    let head = 0;
    let headLength = 0;
    const list = mediaType === undefined ? headers ?? [] : typed(headers, mediaType);
    if (list.length !== 0) [head, headLength] = this.head(list);
    this.room(length);
    const where = this.used;
    encoder.copy(this.arena, where);
    this.used += length;
    const at = this.command(Command.REPLY, 0, status, format, low, high);
    const c = this.commands;
    c[at + 2] = list.length;
    c[at + 3] = client;
    c[at + 8] = operation;
    c[at + 10] = head;
    c[at + 12] = headLength;
    this.body(at, where, length, 0);
  }

  private body(at: number, where: number, length: number, external: number): void {
    const c = this.commands;
    c[at + 14] = where;
    c[at + 15] = external;
    c[at + 16] = length;
  }

  private put(body: string | Uint8Array): [number, number, number] {
    if (typeof body === 'string' && body.length >= LONG_TEXT) body = Buffer.from(body); // in the arena it would take three times its length
    if (typeof body !== 'string') {
      if (body.length >= EXTERNAL) {
        const n = this.state[EXTERNALS]++;
        this.externals[n] = body;
        return [n, body.length, 1];
      }
      this.room(body.length);
      const at = this.used;
      this.arena.set(body, at);
      this.used += body.length;
      return [at, body.length, 0];
    }
    const most = body.length * 3;
    this.room(most);
    const at = this.used;
    const length = this.arena.utf8Write(body, at, most);
    this.used += length;
    return [at, length, 0];
  }

  /** Pairs first, then their text; views count from the first pair. */
  private head(list: Pairs): [number, number] {
    let most = list.length * 16;
    for (const [name, value] of list) {
      if (typeof name !== 'string' || typeof value !== 'string') throw new TypeError('headers are pairs of text');
      most += (name.length + value.length) * 3;
    }
    this.room(most);
    const from = this.used;
    const arena = this.arena;
    let text = from + list.length * 16;
    for (let i = 0; i < list.length; ++i) {
      for (let part = 0; part < 2; ++part) {
        const length = arena.utf8Write(list[i][part], text, list[i][part].length * 3);
        arena.writeUInt32LE(text - from, from + i * 16 + part * 8);
        arena.writeUInt32LE(length, from + i * 16 + part * 8 + 4);
        text += length;
      }
    }
    this.used = text;
    return [from, text - from];
  }
}

function typed(headers: Pairs | undefined, mediaType: string): Pairs {
  if (headers === undefined || headers.length === 0) return [['content-type', mediaType]];
  return headers.some(([name]) => name.toLowerCase() === 'content-type') ? headers : [...headers, ['content-type', mediaType]];
}
