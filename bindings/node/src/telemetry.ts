/** Spans, log records and metrics of the application's own code, beside those of the core. */

import { TelemetryClient } from './_generated/clients';
import { Operation } from './_generated/constants';
import type { Binding } from './port';
import { Scope, scopeHere, storage } from './scope';

export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer';
export type AttributeValue = string | number | boolean | readonly string[] | readonly number[] | readonly boolean[];
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** Metrics of the application's own, and what became of its telemetry. */
export class Telemetry extends TelemetryClient {}

/** An operation that completes at once. */
function now(binding: Binding, operation: number, args: unknown, scope: Scope): any {
  const done = binding.invoke(operation, 0, args, scope);
  return 'result' in done ? done.result : {};
}

export interface SpanOptions {
  kind?: SpanKind;
  attributes?: Attributes;
  /** Traceparents of other spans. */
  links?: readonly string[];
  /** A traceparent instead of the span around it; '' begins a trace. */
  parent?: string;
  tracestate?: string;
}

/** A span of the application's own. Does nothing where no application runs. */
export class Span {
  private attributes: Record<string, unknown> = {};
  private readonly events: Record<string, unknown>[] = [];
  private status: 'unset' | 'ok' | 'error' = 'unset';
  private message: string | undefined;
  private name: string | undefined;
  private number: number | bigint = 0;
  private readonly scope: Scope | undefined;
  /** Its context, to hand on. */
  readonly traceparent: string | undefined;

  constructor(name: string, options: SpanOptions = {}) {
    this.scope = scopeHere();
    if (this.scope === undefined) return;
    const parent = options.parent ?? this.scope.span;
    const begun = now(this.scope.binding, Operation.TELEMETRY_START_SPAN, { name, kind: options.kind ?? 'internal', traceparent: parent, tracestate: options.tracestate, attributes: options.attributes, links: options.links }, this.scope);
    this.number = begun.span;
    this.traceparent = begun.traceparent ?? undefined;
  }

  get recording(): boolean {
    return this.number !== 0;
  }

  setAttribute(name: string, value: AttributeValue): this {
    this.attributes[name] = value;
    return this;
  }

  /** `timeUnixNano`: default now. */
  addEvent(name: string, attributes: Attributes = {}, timeUnixNano: bigint | number = BigInt(Date.now()) * 1_000_000n): this {
    this.events.push({ name, time_unix_nano: timeUnixNano, attributes });
    return this;
  }

  recordException(error: unknown, attributes: Attributes = {}): this {
    const e = error instanceof Error ? error : new Error(String(error));
    return this.addEvent('exception', { 'exception.type': e.constructor.name, 'exception.message': e.message, 'exception.stacktrace': e.stack ?? '', ...attributes });
  }

  setStatus(status: 'ok' | 'error', message?: string): this {
    this.status = status;
    this.message = message;
    return this;
  }

  rename(name: string): this {
    this.name = name;
    return this;
  }

  /** Ends it; more than once is once. */
  end(): void {
    const number = this.number;
    this.number = 0;
    if (number === 0 || this.scope === undefined || this.scope.binding.closed) return;
    now(this.scope.binding, Operation.TELEMETRY_END_SPAN, {
      span: number, name: this.name, message: this.message, status: this.status,
      attributes: Object.keys(this.attributes).length > 0 ? this.attributes : undefined, events: this.events.length > 0 ? this.events : undefined,
    }, this.scope);
  }

  /** Runs `body` with this as the current span, and ends it. An exception is noted and makes its status error. */
  run<T>(body: (span: this) => T): T {
    const fail = (error: unknown): never => {
      this.recordException(error);
      if (this.status === 'unset') this.setStatus('error', (error as Error)?.message ?? String(error));
      this.end();
      throw error;
    };
    let value: T;
    try {
      value = this.scope === undefined || this.traceparent === undefined ? body(this) : storage.run(this.scope.inside(this.traceparent), body, this);
    } catch (error) {
      return fail(error);
    }
    if (typeof (value as any)?.then === 'function') {
      return (value as any).then((result: unknown) => {
        this.end();
        return result;
      }, fail);
    }
    this.end();
    return value;
  }
}

/**
 * Runs `body` in a span of its own. Its parent is the span around it, or that of the request, message or task in hand.
 *
 * @example await span('charge', { attributes: { 'shop.items': 3 } }, async (charge) => { ... });
 */
export function span<T>(name: string, body: (span: Span) => T): T;
export function span<T>(name: string, options: SpanOptions, body: (span: Span) => T): T;
export function span<T>(name: string, options: SpanOptions | ((span: Span) => T), body?: (span: Span) => T): T {
  return typeof options === 'function' ? new Span(name).run(options) : new Span(name, options).run(body as (span: Span) => T);
}

/** The context of the innermost span here, as the header `traceparent` carries it: for calls to other services. */
export function traceparent(): string | undefined {
  const scope = scopeHere();
  if (scope === undefined) return undefined;
  return scope.span ?? now(scope.binding, Operation.TELEMETRY_CONTEXT, {}, scope).traceparent ?? undefined;
}

export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/** @internal */
export function record(binding: Binding, level: Level, message: string, attributes: Record<string, unknown>, line: boolean): void {
  if (binding.closed) return;
  const here = scopeHere();
  const scope = here?.binding === binding ? here : new Scope(binding, 0, 0);
  const plain: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (value instanceof Error) {
      plain['exception.type'] = value.constructor.name;
      plain['exception.message'] = value.message;
      plain['exception.stacktrace'] = value.stack ?? '';
    } else if (['string', 'boolean'].includes(typeof value) || (typeof value === 'number' && Number.isFinite(value))) {
      plain[name] = value;
    }
  }
  now(binding, Operation.TELEMETRY_LOG, { level, message, attributes: plain, traceparent: scope.span, line }, scope);
}

/**
 * A record of the application's log: a line, and a record for the exporter, with the trace and span that it belongs to. `attributes` may have an Error (`{ error }`).
 *
 * Loggers hand their records over by it: `pino({ hooks: { logMethod(args, method, level) { ... log('info', ...) } } })`, or a winston transport whose `log(info, next)` calls it.
 */
export function log(level: Level, message: string, attributes: Record<string, unknown> = {}): void {
  const binding = scopeHere()?.binding;
  if (binding !== undefined) record(binding, level, message, attributes, true);
}

/** @internal What `console` prints becomes a record for the exporter as well; the line itself is printed as before. */
export function bridgeConsole(binding: Binding): () => void {
  const levels = { debug: 'debug', log: 'info', info: 'info', warn: 'warn', error: 'error' } as const;
  const before = {} as Record<keyof typeof levels, (...args: unknown[]) => void>;
  const mine = {} as typeof before;
  const { format } = require('node:util') as typeof import('node:util');
  for (const name of Object.keys(levels) as (keyof typeof levels)[]) {
    before[name] = console[name];
    mine[name] = console[name] = (...args: unknown[]) => {
      before[name](...args);
      const here = scopeHere();
      if (here !== undefined && here.binding !== binding) return; // that of another application, which has a bridge of its own
      const error = args.find((arg) => arg instanceof Error);
      record(binding, levels[name], format(...args), error === undefined ? {} : { error }, false);
    };
  }
  return () => {
    for (const name of Object.keys(levels) as (keyof typeof levels)[]) if (console[name] === mine[name]) console[name] = before[name];
  };
}
