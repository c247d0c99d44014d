/** One application in this thread's event loop: the port's events to handlers, and their answers back. */

import { AppState, Command, Event, Flag, HookPhase, Layout, Operation } from './_generated/constants';
import { checkStatus, describe, handle, hookAnswer, isGenerator, isStream, jsonType, reply } from './answers';
import { Batch } from './batch';
import { Calls, doneOf, failure } from './calls';
import { CancelledError, ConfigError, SpikardError } from './errors';
import { type AppHandle, native, type PortHandle } from './native';
import { decode, View } from './nodes';
import type { Plan } from './plan';
import { Problem, Response, StreamingResponse, type Background } from './response';
import { pairs, Request, ResponseDraft } from './request';
import { closed, opened, Scope, storage } from './scope';
import { type StreamCall } from './client';
import { type Work, WorkDesk, type WorkPlan, type Workers } from './desk';

const WORDS = 12;
const BATCH = 64;
const [NOWHERE, REGION, SPILL] = [0, 1, 2];
const RECORD = Layout.record;
const SPILL_BYTES = 256 * 1024;
const TWO_32 = 4294967296;
/** A slow handler must not hold the replies before it: they are sent after so many milliseconds. */
const LONGEST_HOLD = 0.2;
/** Groups of operations that another subsystem's clients have. */
const OWNERS: Record<string, string> = { cron: 'tasks' };

interface Waiter {
  resolve(value: any): void;
  reject(error: unknown): void;
}

/** @internal */
export class Binding {
  readonly tokens: Map<number, unknown>;
  readonly problemBase: string | undefined;
  readonly traced: boolean;
  readonly stopping = new AbortController();
  readonly waiting = new Map<number, Waiter>();
  readonly streams = new Map<number, StreamCall>();
  readonly info: any;
  closed = false;
  users = 0;
  private readonly handle: PortHandle;
  private readonly batch = new Batch();
  private readonly events = new Uint32Array(BATCH * WORDS);
  private readonly blocks: ArrayBuffer[] = [];
  private readonly spill: View;
  private readonly region: View | undefined;
  private readonly calls: Calls;
  private readonly pending = new Map<bigint, Request>();
  private readonly owed = new Map<bigint, Scope>();
  private readonly jobs = new Map<number, Background>();
  private readonly closers = new Map<number, () => unknown>();
  // Why the request in a slot has failed, for onError. Not each failure has its hooks (the client may be gone): what is left over is overwritten by the next.
  private readonly errors: Map<number, { high: number; error: unknown }> | undefined;
  private readonly desk: WorkDesk;
  private readonly scoped: boolean;
  private nextToken: number;
  private held: (() => void)[] | undefined;
  private stopped!: () => void;
  readonly done = new Promise<void>((resolve) => (this.stopped = resolve));

  constructor(
    readonly plan: Plan,
    readonly app: AppHandle,
  ) {
    this.tokens = new Map(plan.tokens);
    this.nextToken = plan.nextToken;
    this.errors = plan.hooks[HookPhase.ON_ERROR].length > 0 ? new Map() : undefined;
    this.info = JSON.parse(native.info(app));
    this.problemBase = this.info.problem_base;
    this.traced = this.info.telemetry === true;
    // Without clients, spans or a virtual clock nobody asks for whom something is done.
    this.scoped = this.traced || plan.manifest.clock === 'virtual' || Object.values(this.info.clients ?? {}).some((names) => (names as string[]).length > 0);
    const spill = new ArrayBuffer(SPILL_BYTES);
    this.handle = native.openPort(app, (n) => this.take(n), this.events.buffer as ArrayBuffer, this.batch.state.buffer as ArrayBuffer, this.batch.commandMemory, this.batch.arenaMemory, this.batch.externals, this.blocks);
    this.batch.attach(this.handle);
    native.memory(this.handle, 2, spill);
    this.calls = new Calls(this.handle);
    const region = native.region(this.handle);
    this.region = region === undefined ? undefined : new View(region);
    this.spill = new View(spill);
    this.desk = new WorkDesk(this);
    opened(this);
  }

  /** From here on work is kept back; `begin` starts it, in its order. */
  hold(): void {
    this.held = [];
  }

  begin(): void {
    const held = this.held;
    this.held = undefined;
    for (const one of held ?? []) one();
  }

  close(): void {
    if (this.closed) return;
    for (const scope of [...this.pending.values(), ...this.owed.values()]) scope.cancel(4);
    for (const waiter of this.waiting.values()) waiter.reject(new CancelledError('shutdown'));
    this.waiting.clear();
    this.batch.flush();
    this.closed = true;
    this.batch.detach();
    for (const request of this.pending.values()) request.owed = false;
    this.pending.clear();
    closed(this);
    native.closePort(this.handle);
  }

  // ---- events

  private view(at: number): View {
    const where = this.events[at + 5];
    return where === REGION ? (this.region as View) : where === SPILL ? this.spill : new View(this.blocks[this.events[at + 6]]);
  }

  private take(n: number): void {
    const e = this.events;
    let first = 0;
    for (let i = 0, at = 0; i < n; ++i, at += WORDS) {
      if (this.closed) return;
      const kind = e[at];
      if (kind === Event.REQUEST && this.held === undefined) {
        const where = e[at + 5];
        const view = where === REGION ? (this.region as View) : this.view(at);
        this.onRequest(view, where === REGION ? e[at + 6] : 0, e[at + 2], e[at + 3], e[at + 4]);
      } else {
        this.other(kind, at);
      }
      if (this.batch.size !== 0) {
        const now = performance.now();
        if (first === 0) first = now;
        else if (now - first > LONGEST_HOLD) {
          this.batch.flush();
          first = 0;
        }
      }
    }
    if (this.blocks.length > 0) this.blocks.length = 0;
  }

  private other(kind: number, at: number): void {
    const e = this.events;
    const [flags, route, low, high] = [e[at + 1], e[at + 2], e[at + 3], e[at + 4]];
    const user = e[at + 8] + e[at + 9] * TWO_32;
    const arg = e[at + 10] + e[at + 11] * TWO_32;
    const where = e[at + 5];
    const view = where === NOWHERE ? undefined : this.view(at);
    const base = where === REGION || where === SPILL ? e[at + 6] : 0;
    switch (kind) {
      case Event.REQUEST:
        this.held!.push(this.later(view!, base, e[at + 7], (v, b) => this.onRequest(v, b, route, low, high), where === REGION));
        return;
      case Event.DONE:
        return this.onDone(user, low, high, view, base);
      case Event.CHUNK:
        return this.onChunk(low, high, user, flags, view, base);
      case Event.CREDIT: {
        const request = this.pending.get(key(low, high));
        if (request !== undefined) {
          request.credit += arg;
          if (request.credit > 0) request.wake?.();
        } else {
          this.streams.get(user)?.onCredit(low, high, arg);
        }
        return;
      }
      case Event.CANCEL: {
        const name = key(low, high);
        this.pending.get(name)?.cancel(arg);
        this.owed.get(name)?.cancel(arg);
        return;
      }
      case Event.STATE:
        if (arg >= AppState.DRAINING) this.stopping.abort();
        if (arg === AppState.STOPPED) this.stopped();
        return;
      case Event.HOOK: {
        const answer = user % TWO_32 === NOWHERE ? undefined : this.answerSoFar(user, at);
        this.start(view!, base, e[at + 7], where === REGION, (v, b) => this.onHook(arg, route, low, high, v, b, answer));
        return;
      }
      case Event.FACTORY: {
        const tokens = (this.nodesOf(view!, base) ?? []) as number[];
        return this.startNow(() => this.make(route, low, high, tokens));
      }
      case Event.DISPOSE:
        return this.startNow(() => this.dispose(low, high, arg));
      case Event.TASK:
      case Event.MESSAGE:
      case Event.CLOUDEVENT: {
        if (view === undefined) return this.startNow(() => this.background(low, high, user));
        const subject: Work = this.desk.read(kind, route, user, view, base);
        return this.startNow(() => this.desk.run(subject, low, high));
      }
    }
  }

  /** Now, or when the application's own start is over. */
  private startNow(run: () => void): void {
    if (this.held === undefined) run();
    else this.held.push(run);
  }

  private start(view: View, base: number, size: number, stays: boolean, run: (view: View, base: number) => void): void {
    if (this.held === undefined) run(view, base);
    else this.held.push(this.later(view, base, size, run, stays));
  }

  private later(view: View, base: number, size: number, run: (view: View, base: number) => void, stays: boolean): () => void {
    if (stays) return () => run(view, base);
    const copy = new ArrayBuffer((size + 7) & ~7);
    new Uint8Array(copy).set(view.bytes.subarray(base, base + size));
    return () => run(new View(copy), 0);
  }

  private nodesOf(view: View, base: number): any {
    const w = base >>> 2;
    return view.u32[w + RECORD.nodes / 4 + 1] === 0 ? undefined : decode(view, base + view.u32[w + RECORD.nodes / 4], base);
  }

  // ---- requests

  private onRequest(view: View, base: number, route: number, low: number, high: number): void {
    const plan = this.plan.routes[route];
    const request = new Request(this, plan, view, base, low, high);
    if (plan.body === 'stream') this.register(request);
    let value: unknown;
    try {
      value = this.scoped ? storage.run(request, handle, request) : handle(request);
      if (typeof (value as PromiseLike<unknown> | undefined)?.then === 'function') {
        this.register(request);
        (value as PromiseLike<unknown>).then(
          (answer) => this.finish(request, answer),
          (error) => this.failed(request, error),
        );
        return;
      }
    } catch (error) {
      return this.failed(request, error);
    }
    this.finish(request, value);
  }

  private register(request: Request): void {
    if (request.key !== undefined) return;
    request.key = key(request.low, request.high);
    this.pending.set(request.key, request);
  }

  private over(request: Request): void {
    request.owed = false;
    if (request.key !== undefined) this.pending.delete(request.key);
  }

  private finish(request: Request, value: unknown): void {
    if (!request.owed || this.closed) return;
    try {
      if (isStream(value)) {
        this.register(request);
        const response = value instanceof StreamingResponse ? value : new StreamingResponse(value as AsyncIterable<Uint8Array>, { status: request.plan!.status });
        const run = (): Promise<void> => this.stream(request, response);
        void (this.scoped ? storage.run(request, run) : run());
        return;
      }
      reply(this.batch, request.low, request.high, value, request.plan!.status);
      const jobs = value instanceof Response ? value.jobs : undefined;
      this.over(request);
      if (jobs !== undefined) for (const job of jobs) this.addJob(job);
      if (request.jobs !== undefined) for (const job of request.jobs) this.addJob(job);
    } catch (error) {
      this.failed(request, error);
    }
  }

  private failed(request: Request, error: unknown): void {
    if (!request.owed || this.closed) return;
    if (request.cancelled && (error as Error)?.name === 'AbortError') {
      this.batch.simple(Command.ABORT, request.low, request.high);
    } else if (error instanceof Problem) {
      reply(this.batch, request.low, request.high, error, 500);
    } else {
      this.errors?.set(request.low, { high: request.high, error });
      this.fail(request.low, request.high, error);
    }
    this.over(request);
    if (request.jobs !== undefined) for (const job of request.jobs) this.addJob(job);
  }

  /** FAIL: told to the log, never to clients. */
  fail(low: number, high: number, error: unknown, flags = 0): void {
    const described = describe(error);
    this.plan.log?.('error', `${described.type}: ${described.message}`, error);
    this.batch.nodes(Command.FAIL, low, high, described, 0, flags);
  }

  private async stream(request: Request, response: StreamingResponse): Promise<void> {
    let iterator: AsyncIterator<string | Uint8Array> | Iterator<string | Uint8Array> | undefined;
    let gone: () => void = () => {};
    try {
      if (response.prepare !== undefined) await response.prepare();
      if (request.cancelled) throw new CancelledError(request.cancelledBy);
      checkStatus(response.status);
      const chunks = response.chunks as AsyncIterable<string | Uint8Array> & Iterable<string | Uint8Array>;
      iterator = chunks[Symbol.asyncIterator]?.() ?? chunks[Symbol.iterator]();
      request.credit = 65536;
      this.batch.answer(Command.HEAD, request.low, request.high, response.status, 0, response.headers, response.mediaType, undefined);
      for (const job of response.jobs ?? []) request.background(job);
      const cancelled = new Promise<never>((_, reject) => (gone = request.onCancel(reject)));
      cancelled.catch(() => {});
      for (;;) {
        const step = iterator.next();
        const next = step instanceof Promise || typeof (step as any).then === 'function' ? await Promise.race([step, cancelled]) : (step as IteratorResult<string | Uint8Array>);
        if (request.cancelled) throw new CancelledError(request.cancelledBy);
        if (next.done) break;
        const data = typeof next.value === 'string' ? Buffer.from(next.value) : next.value;
        for (let at = 0; at < data.length; at += 65536) {
          const part = data.length <= 65536 ? data : data.subarray(at, at + 65536);
          this.batch.bytes(Command.CHUNK, request.low, request.high, part);
          request.credit -= part.length;
          while (request.credit <= 0) await request.waiting();
        }
      }
      iterator = undefined;
      if (!request.owed || this.closed) return;
      this.batch.simple(Command.END, request.low, request.high);
      this.over(request);
      for (const job of request.jobs ?? []) this.addJob(job);
    } catch (error) {
      this.failed(request, error);
    } finally {
      gone();
      try {
        // An async generator that waits for something ends when that is over: nobody waits for it here.
        const ended = iterator?.return?.();
        if (ended !== undefined) Promise.resolve(ended).catch(() => {});
      } catch {
        // what a stream says at its end interests nobody any more
      }
    }
  }

  private onChunk(low: number, high: number, user: number, flags: number, view: View | undefined, base: number): void {
    const request = this.pending.get(key(low, high));
    let data: Buffer | undefined;
    if (view !== undefined) {
      const w = base >>> 2;
      const from = base + view.u32[w + RECORD.body / 4];
      data = Buffer.from(view.bytes.subarray(from, from + view.u32[w + RECORD.body / 4 + 1]));
    }
    if (request === undefined) {
      if (user !== 0 && data !== undefined) this.streams.get(user)?.onChunk(low, high, data);
      return;
    }
    if (data !== undefined && data.length > 0) (request.queue ??= []).push(data);
    if ((flags & Flag.LAST) !== 0) request.bodyDone = true;
    request.wake?.();
  }

  /** @internal */
  credit(request: Request, bytes: number): void {
    if (request.owed && !this.closed) this.batch.simple(Command.CREDIT, request.low, request.high, bytes);
  }

  // ---- hooks and dependencies

  private answerSoFar(user: number, at: number): { status: number; headers: [string, string][] } {
    const where = user % TWO_32;
    const offset = Math.floor(user / TWO_32);
    const view = where === REGION ? (this.region as View) : where === SPILL ? this.spill : new View(this.blocks[BATCH + at / WORDS]);
    const base = where === REGION || where === SPILL ? offset : 0;
    const w = base >>> 2;
    return { status: view.u32[w + RECORD.status / 4], headers: pairs(view, base, view.u32[w + RECORD.meta / 4], view.u32[w + RECORD.meta / 4 + 1]) };
  }

  /** Runs what may be asynchronous for an owed event. `end` gets its value, `fail` what it threw. */
  private run(scope: Scope, fn: () => unknown, end: (value: any) => void, fail: (error: unknown) => void): void {
    const name = key(scope.low, scope.high);
    const finish = (value: unknown): void => {
      if (this.closed) return;
      try {
        end(value);
      } catch (error) {
        fail(error);
      }
    };
    let value: unknown;
    try {
      value = storage.run(scope, fn);
    } catch (error) {
      return fail(error);
    }
    if (typeof (value as PromiseLike<unknown> | undefined)?.then !== 'function') return finish(value);
    if (scope.low !== 0 || scope.high !== 0) this.owed.set(name, scope);
    const over = (): void => {
      if (this.owed.get(name) === scope) this.owed.delete(name);
    };
    (value as PromiseLike<unknown>).then(
      (result) => {
        over();
        finish(result);
      },
      (error) => {
        over();
        if (!this.closed) fail(error);
      },
    );
  }

  /** @internal For messages, tasks and events. */
  work(scope: Scope, fn: () => unknown, end: (value: any) => void, fail: (error: unknown) => void): void {
    this.run(scope, fn, end, fail);
  }

  private onHook(phase: number, index: number, low: number, high: number, view: View, base: number, answer: { status: number; headers: [string, string][] } | undefined): void {
    const request = new Request(this, this.plan.routes[view.u32[(base + Layout.request.route) >>> 2]], view, base, low, high);
    const draft = new ResponseDraft(answer?.status, answer?.headers ?? []);
    if (this.errors !== undefined && phase === HookPhase.ON_ERROR) {
      const failed = this.errors.get(low);
      if (failed?.high === high) request.error = failed.error;
      if (index === this.plan.hooks[phase].length - 1) this.errors.delete(low); // the others look at it as well
    }
    const finish = (value: unknown): void => {
      const result: Record<string, unknown> = {};
      if (request.contextValue !== undefined) result.context = request.contextValue;
      if (draft.set.length > 0) result.set = draft.set;
      if (draft.append.length > 0) result.append = draft.append;
      if (value !== undefined) result.answer = hookAnswer(value, draft);
      this.result(low, high, Object.keys(result).length === 0 ? undefined : result);
      request.owed = false;
    };
    this.run(
      request,
      () => this.plan.hooks[phase][index](request, draft),
      finish,
      (error) => {
        if (error instanceof Problem) return finish(error);
        this.fail(low, high, error);
        request.owed = false;
      },
    );
  }

  private result(low: number, high: number, value: unknown, arg = 0): void {
    if (value === undefined) this.batch.simple(Command.RESULT, low, high, arg);
    else this.batch.nodes(Command.RESULT, low, high, value, arg);
  }

  /** @internal RESULT with a value. */
  resultOf(low: number, high: number, value: unknown): void {
    this.result(low, high, value);
  }

  private make(dependency: number, low: number, high: number, tokens: number[]): void {
    const factory = this.plan.factories.get(dependency)!;
    const deps: Record<string, unknown> = {};
    tokens.forEach((token, i) => (deps[factory.needs[i]] = this.tokens.get(Number(token))));
    const finish = (value: unknown, close?: () => unknown): void => {
      const token = this.nextToken++;
      this.tokens.set(token, value);
      if (close !== undefined) this.closers.set(token, close);
      else if (factory.dispose !== undefined) this.closers.set(token, () => factory.dispose!(value));
      this.result(low, high, jsonType(value), token);
    };
    const scope = new Scope(this, low, high);
    this.run(
      scope,
      () => {
        const value = factory.make(deps);
        if (!isGenerator(value)) return typeof (value as any)?.then === 'function' ? (value as Promise<unknown>).then((made) => ({ made })) : { made: value };
        const rest = (): unknown => value.next();
        const first = value.next() as any;
        return typeof first.then === 'function' ? first.then((step: any) => ({ made: step.value, rest })) : { made: first.value, rest };
      },
      ({ made, rest }) => finish(made, rest),
      (error) => this.fail(low, high, error),
    );
  }

  private dispose(low: number, high: number, token: number): void {
    this.tokens.delete(token);
    const close = this.closers.get(token);
    this.closers.delete(token);
    const arg = low === 0 && high === 0 ? token : 0;
    if (close === undefined) return this.result(low, high, undefined, arg);
    this.run(new Scope(this, 0, 0), close, () => this.result(low, high, undefined, arg), (error) => this.fail(low, high, error));
  }

  // ---- background jobs

  private addJob(job: Background): void {
    const user = ++this.users;
    this.jobs.set(user, job);
    this.batch.simple(Command.CALL, 0, 0, Operation.BACKGROUND_RUN, 0, user);
  }

  private background(low: number, high: number, user: number): void {
    const job = this.jobs.get(user)!;
    this.jobs.delete(user);
    this.run(new Scope(this, low, high), job, () => this.command(Command.ACK, low, high), (error) => this.fail(low, high, error));
  }

  // ---- operations

  private onDone(user: number, low: number, high: number, view: View | undefined, base: number): void {
    const done = view === undefined ? undefined : doneOf(view, base);
    if (view !== undefined) this.batch.simple(Command.RELEASE, low, high);
    const job = this.jobs.get(user);
    if (job !== undefined) {
      this.jobs.delete(user);
      const log = this.plan.log ?? ((_: string, message: string) => process.emitWarning(message));
      log('error', `a background task was refused: ${done?.message ?? ''}`);
      return;
    }
    const waiter = this.waiting.get(user);
    if (waiter === undefined) return;
    this.waiting.delete(user);
    if (done === undefined || done.status === 0) waiter.resolve(done?.nodes ?? {});
    else waiter.reject(failure(done));
  }

  command(op: number, low: number, high: number, arg = 0, flags = 0): void {
    if (!this.closed) this.batch.simple(op, low, high, arg, flags);
  }

  commandBytes(op: number, low: number, high: number, body: string | Uint8Array, flags = 0): void {
    if (!this.closed) this.batch.bytes(op, low, high, body, flags);
  }

  /** CANCEL of a CALL or TIMER. */
  cancel(user: number): void {
    if (!this.closed) this.batch.simple(Command.CANCEL, 0, 0, 0, 0, user);
  }

  /** Until DONE with this number. Cancelled with the scope or the signal, at once. */
  wait(user: number, scope: Scope, signal?: AbortSignal): Promise<any> {
    return new Promise((resolve, reject) => {
      let off: () => void = () => {};
      const settle = (): void => {
        back();
        off();
      };
      const give = (error: unknown): void => {
        if (!this.waiting.delete(user)) return;
        settle();
        this.cancel(user);
        reject(error);
      };
      const back = scope.onCancel(give);
      this.waiting.set(user, {
        resolve: (value) => {
          settle();
          resolve(value);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      });
      if (signal !== undefined) {
        const abort = (): void => give(signal.reason);
        if (signal.aborted) return abort();
        signal.addEventListener('abort', abort, { once: true });
        off = () => signal.removeEventListener('abort', abort);
      }
    });
  }

  sleep(milliseconds: number, scope: Scope, signal?: AbortSignal): Promise<void> {
    if (!(milliseconds >= 0)) throw new RangeError(`sleep: ${milliseconds} is no number of milliseconds`);
    const user = ++this.users;
    this.batch.simple(Command.TIMER, scope.low, scope.high, Math.round(milliseconds), 0, user);
    return this.wait(user, scope, signal).then(() => {});
  }

  clientNumber(group: string, name: string): number {
    const names: string[] = this.info.clients?.[OWNERS[group] ?? group] ?? [];
    const at = names.indexOf(name);
    if (at < 0) throw new ConfigError(`there is no ${group} client '${name}'; those of the application: ${names.join(', ') || 'none'}`);
    return at;
  }

  /** Starts an operation: its result when it completes at once, else the number of its DONE. */
  invoke(operation: number, client: number, args: unknown, scope: Scope, flags = 0, user = ++this.users): { result: any } | { user: number } {
    if (this.closed) throw new SpikardError('the application has ended');
    return this.calls.invoke(operation, client, args, scope, flags, user);
  }

  /** An operation to its end. */
  async call(operation: number, client: number, args: unknown, scope: Scope, signal?: AbortSignal): Promise<any> {
    signal?.throwIfAborted();
    const begun = this.invoke(operation, client, args, scope);
    return 'user' in begun ? this.wait(begun.user, scope, signal) : begun.result;
  }

  /** An operation of the port itself, for nobody. */
  own(operation: number, args: unknown): Promise<any> {
    return this.call(operation, 0, args, new Scope(this, 0, 0));
  }

  /** Notes a handler for what an operation starts; the number to tell it. */
  dynamic(plan: WorkPlan | Workers): number {
    return this.desk.note(++this.users, plan);
  }

  forget(user: number): void {
    this.desk.forget(user);
  }

  /** Work of its own, which nobody waits for. */
  spawn(fn: () => Promise<unknown>): void {
    const scope = new Scope(this, 0, 0);
    storage.run(scope, fn).catch((error) => this.plan.log?.('error', 'background work failed', error));
  }

  keepAlive(keep: boolean): void {
    if (!this.closed) native.ref(this.handle, keep ? 1 : 0);
  }
}

function key(low: number, high: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}
