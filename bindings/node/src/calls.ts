/** Operations: their arguments into the core, and their records back. */

import { Command, Layout } from './_generated/constants';
import { ERROR_KINDS, RETRY_CLASSES } from './_generated/errors';
import { OperationError } from './errors';
import { native, type PortHandle } from './native';
import { decodeExact, Encoder, View } from './nodes';
import type { Scope } from './scope';

const RECORD = Layout.record;
const TWO_32 = 4294967296;
const ARENA = 64 * 1024;
const MOST = 1024 * 1024;

/** @internal The record of an operation. */
export interface Done {
  status: number;
  nodes: any;
  message: string;
  detail: string;
  retry: number;
}

/** @internal */
export function doneOf(view: View, base: number): Done {
  const w = base >>> 2;
  const u = view.u32;
  const text = (at: number): string => view.bytes.utf8Slice(base + u[w + at / 4], base + u[w + at / 4] + u[w + at / 4 + 1]);
  const status = u[w + RECORD.status / 4];
  if (status === 0) return { status, nodes: u[w + RECORD.nodes / 4 + 1] === 0 ? undefined : decodeExact(view, base + u[w + RECORD.nodes / 4], base), message: '', detail: '', retry: 0 };
  return { status, nodes: undefined, message: text(RECORD.body), detail: text(RECORD.key), retry: u[w + RECORD.attempt / 4] };
}

/** @internal */
export function failure(done: Done): OperationError {
  return new OperationError(ERROR_KINDS[done.status] ?? 'internal', done.message, done.detail, RETRY_CLASSES[done.retry]);
}

/** @internal The one call that is made at a time, in memory that the addon reads. */
export class Calls {
  private readonly words: Uint32Array;
  private arena = Buffer.from(new ArrayBuffer(ARENA));
  private readonly out: View;
  private encoder = new Encoder();

  constructor(private readonly handle: PortHandle) {
    const command = new ArrayBuffer(Layout.cmd.sizeof);
    const out = new ArrayBuffer(64 * 1024);
    this.words = new Uint32Array(command);
    this.out = new View(out);
    native.memory(handle, 3, command);
    native.memory(handle, 4, this.arena.buffer as ArrayBuffer);
    native.memory(handle, 5, out);
  }

  /** Starts an operation: its result when it completes at once, else the number of its DONE. */
  invoke(operation: number, client: number, args: unknown, scope: Scope, flags = 0, user: number): { result: any } | { user: number } {
    const encoder = this.encoder.busy ? new Encoder() : this.encoder;
    const length = encoder.encode(args);
    const span = scope.span ?? '';
    const need = length + span.length;
    // One large object does not keep its memory for ever.
    if (need > this.arena.length || (this.arena.length > MOST && need < MOST)) {
      this.arena = Buffer.from(new ArrayBuffer(Math.max(ARENA, 2 * need)));
      native.memory(this.handle, 4, this.arena.buffer as ArrayBuffer);
    }
    encoder.copy(this.arena, 0);
    const c = this.words;
    c.fill(0);
    c[0] = Command.CALL | (flags << 16);
    c[3] = client;
    c[4] = scope.low;
    c[5] = scope.high;
    c[6] = user;
    c[7] = user / TWO_32;
    c[8] = operation;
    c[16] = length;
    if (span.length > 0) {
      this.arena.write(span, length, 'latin1');
      c[10] = length;
      c[12] = span.length;
    }
    const out = native.call(this.handle);
    if (out === 0) return { user };
    const done = out === 1 ? doneOf(this.out, 0) : doneOf(new View(out), 0);
    if (done.status !== 0) throw failure(done);
    return { result: done.nodes ?? {} };
  }
}
