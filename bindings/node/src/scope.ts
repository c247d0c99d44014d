/** Where code runs: for which request, message or task, of which application. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { CancelledError, type CancelReason, SpikardError } from './errors';
import type { Binding } from './port';

const REASONS: Record<number, CancelReason> = { 1: 'requested', 2: 'deadline', 3: 'client_gone', 4: 'shutdown' };

/** One handler at work; what it waits for ends with it. */
export class Scope {
  /** @internal */ binding: Binding;
  /** @internal */ low: number;
  /** @internal */ high: number;
  /** @internal The innermost span of the application's own, as a traceparent. */
  span: string | undefined = undefined;
  /** Why nobody waits any more, or undefined. */
  cancelledBy: CancelReason | undefined = undefined;
  private controller: AbortController | undefined = undefined;
  private outer: Scope | undefined = undefined;
  private waits: Set<(error: CancelledError) => void> | undefined = undefined;

  /** @internal */
  constructor(binding: Binding, low: number, high: number) {
    this.binding = binding;
    this.low = low;
    this.high = high;
  }

  /** Aborted when the client has gone, the time is over, or the application ends; its reason is a CancelledError. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.cancelledBy !== undefined) this.controller.abort(new CancelledError(this.cancelledBy));
    }
    return this.controller.signal;
  }

  /** @internal For spans: the same handler, inside of another span. */
  inside(span: string | undefined): Scope {
    const inner = new Scope(this.binding, this.low, this.high);
    inner.outer = this.root();
    inner.span = span;
    return inner;
  }

  /** @internal */
  root(): Scope {
    return this.outer ?? this;
  }

  /** @internal Calls `end` when this is cancelled; gives what takes it back. */
  onCancel(end: (error: CancelledError) => void): () => void {
    const root = this.root();
    const waits = (root.waits ??= new Set());
    waits.add(end);
    return () => waits.delete(end);
  }

  /** @internal */
  cancel(reason: number): void {
    this.cancelledBy = REASONS[reason] ?? 'requested';
    const error = new CancelledError(this.cancelledBy);
    const waits = this.waits;
    this.waits = undefined;
    this.controller?.abort(error);
    for (const end of waits ?? []) end(error);
  }
}

/** @internal */
export const storage = new AsyncLocalStorage<Scope>();
const live = new Set<Binding>();
let only: Scope | undefined;

/** @internal */
export function opened(binding: Binding): void {
  live.add(binding);
  only = live.size === 1 ? new Scope(binding, 0, 0) : undefined;
}

/** @internal */
export function closed(binding: Binding): void {
  live.delete(binding);
  const [one] = live;
  only = live.size === 1 ? new Scope(one, 0, 0) : undefined;
}

/** @internal The scope here; where code runs outside of any handler, that of the only application of this thread. */
export function scopeHere(): Scope | undefined {
  const here = storage.getStore();
  return here !== undefined && !here.binding.closed ? here : only;
}

/** @internal */
export function running(): Binding | undefined {
  return scopeHere()?.binding;
}

/** @internal */
export function scopeOf(what: string): Scope {
  const scope = scopeHere();
  if (scope === undefined) throw new SpikardError(`${what}: no application runs here; use it in a handler, a task, or between start and stop`);
  return scope;
}

/** Waits by the application's clock: a virtual one knows that the handler is at rest meanwhile. Ends with a CancelledError when the handler is cancelled. */
export function sleep(milliseconds: number, options: { signal?: AbortSignal } = {}): Promise<void> {
  const scope = scopeOf('sleep');
  return scope.binding.sleep(milliseconds, scope, options.signal);
}

/** Aborted when the graceful end begins: a stream without an end of its own ends then, or the drain waits for it until its limit. */
export function stopping(): AbortSignal {
  return scopeOf('stopping').binding.stopping.signal;
}

/** Aborted when the handler that runs here is cancelled. */
export function signal(): AbortSignal {
  return scopeOf('signal').root().signal;
}
