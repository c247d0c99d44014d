/**
 * @opentelemetry/api over the core: `install()` at start-up. Libraries that make spans by that API then add to the same traces, and see the span of the request, message or task in hand as the current
 * one. Needs the package `@opentelemetry/api`; the SDK is not needed, for the core samples and exports, and times spans itself: `startTime` and `endTime` are not taken over.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import * as api from '@opentelemetry/api';
import { scopeHere, storage } from './scope';
import { type AttributeValue, Span as Inner, traceparent, type SpanKind } from './telemetry';

const KINDS: Record<api.SpanKind, SpanKind> = {
  [api.SpanKind.INTERNAL]: 'internal', [api.SpanKind.SERVER]: 'server', [api.SpanKind.CLIENT]: 'client', [api.SpanKind.PRODUCER]: 'producer', [api.SpanKind.CONSUMER]: 'consumer',
};

function textOf(context: api.SpanContext): string | undefined {
  if (!api.isSpanContextValid(context)) return undefined;
  return `00-${context.traceId}-${context.spanId}-${context.traceFlags.toString(16).padStart(2, '0')}`;
}

function contextOf(text: string | undefined): api.SpanContext {
  if (text === undefined) return api.INVALID_SPAN_CONTEXT;
  const [, traceId, spanId, flags] = text.split('-');
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) };
}

function plain(attributes: api.Attributes | undefined): Record<string, AttributeValue> {
  const out: Record<string, AttributeValue> = {};
  for (const [name, value] of Object.entries(attributes ?? {})) if (value !== undefined && value !== null) out[name] = value as AttributeValue;
  return out;
}

class Span implements api.Span {
  private readonly context: api.SpanContext;

  constructor(private readonly inner: Inner) {
    this.context = contextOf(inner.traceparent);
  }

  spanContext(): api.SpanContext {
    return this.context;
  }

  setAttribute(key: string, value: api.AttributeValue): this {
    this.inner.setAttribute(key, value as AttributeValue);
    return this;
  }

  setAttributes(attributes: api.Attributes): this {
    for (const [key, value] of Object.entries(plain(attributes))) this.inner.setAttribute(key, value);
    return this;
  }

  addEvent(name: string, attributes?: api.Attributes | api.TimeInput): this {
    this.inner.addEvent(name, attributes === undefined || attributes instanceof Date || Array.isArray(attributes) || typeof attributes === 'number' ? {} : plain(attributes as api.Attributes));
    return this;
  }

  addLink(): this {
    return this; // the core takes links at the start only
  }

  addLinks(): this {
    return this;
  }

  setStatus(status: api.SpanStatus): this {
    if (status.code !== api.SpanStatusCode.UNSET) this.inner.setStatus(status.code === api.SpanStatusCode.OK ? 'ok' : 'error', status.message);
    return this;
  }

  updateName(name: string): this {
    this.inner.rename(name);
    return this;
  }

  end(): void {
    this.inner.end();
  }

  isRecording(): boolean {
    return this.inner.recording;
  }

  recordException(exception: api.Exception): void {
    this.inner.recordException(exception);
  }
}

class Tracer implements api.Tracer {
  startSpan(name: string, options: api.SpanOptions = {}, context: api.Context = api.context.active()): api.Span {
    const parent = options.root ? undefined : api.trace.getSpanContext(context);
    const links = (options.links ?? []).map((link) => textOf(link.context)).filter((text) => text !== undefined);
    return new Span(
      new Inner(name, {
        kind: KINDS[options.kind ?? api.SpanKind.INTERNAL],
        attributes: plain(options.attributes),
        ...(links.length > 0 ? { links } : {}),
        parent: (parent === undefined ? undefined : textOf(parent)) ?? '',
        tracestate: parent?.traceState?.serialize(),
      }),
    );
  }

  startActiveSpan(name: string, ...rest: any[]): any {
    const fn = rest.pop() as (span: api.Span) => unknown;
    const [options, context = api.context.active()] = rest as [api.SpanOptions?, api.Context?];
    const span = this.startSpan(name, options, context);
    return api.context.with(api.trace.setSpan(context, span), fn, undefined, span);
  }
}

const attached = new AsyncLocalStorage<api.Context>();

/** The context of @opentelemetry/api, in which the current span is that of the core: what was made current here, a `span` around it, or that of the handler. */
class ContextManager implements api.ContextManager {
  active(): api.Context {
    const context = attached.getStore() ?? api.ROOT_CONTEXT;
    const text = traceparent();
    const current = api.trace.getSpanContext(context);
    if (text === undefined || (current !== undefined && textOf(current) === text)) return context;
    return api.trace.setSpan(context, api.trace.wrapSpanContext(contextOf(text)));
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(context: api.Context, fn: F, self?: ThisParameterType<F>, ...args: A): ReturnType<F> {
    const scope = scopeHere();
    const own = api.trace.getSpanContext(context);
    const text = own === undefined ? undefined : textOf(own);
    const call = (): ReturnType<F> => attached.run(context, () => fn.call(self as any, ...args));
    return scope === undefined || text === undefined ? call() : storage.run(scope.inside(text), call);
  }

  bind<T>(context: api.Context, target: T): T {
    if (typeof target !== 'function') return target;
    const manager = this;
    return function (this: unknown, ...args: unknown[]) {
      return manager.with(context, target as any, this as any, ...(args as []));
    } as unknown as T;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    return this;
  }
}

/** Makes the core the provider of spans for @opentelemetry/api in this process. Once, at start-up. */
export function install(): void {
  const tracer = new Tracer();
  api.context.setGlobalContextManager(new ContextManager());
  api.trace.setGlobalTracerProvider({ getTracer: () => tracer });
}
