/** What handlers return and throw, as commands and as what is logged. */

import { BodyFormat, Command } from './_generated/constants';
import type { Batch } from './batch';
import type { Request, ResponseDraft } from './request';
import { Problem, Response, Served, StreamingResponse } from './response';

/** @internal Gives what a handler returned to the core. */
export function reply(batch: Batch, low: number, high: number, value: unknown, status: number): void {
  if (value instanceof Response || value instanceof Problem) {
    const response = value instanceof Problem ? value.toResponse() : value;
    checkStatus(response.status);
    return content(batch, low, high, response.status, response.headers, response.mediaType, response.content);
  }
  if (value instanceof Served) {
    const [operation, client, args, own] = value.answer();
    return batch.answerNodes(low, high, own, BodyFormat.OPERATION, undefined, undefined, args, operation, client);
  }
  content(batch, low, high, value === undefined && status === 200 ? 204 : status, undefined, undefined, value);
}

function content(batch: Batch, low: number, high: number, status: number, headers: [string, string][] | undefined, mediaType: string | undefined, value: unknown): void {
  if (typeof value === 'string') return batch.answer(Command.REPLY, low, high, status, BodyFormat.TEXT, headers, mediaType, value);
  if (value === undefined) return batch.answer(Command.REPLY, low, high, status, BodyFormat.RAW, headers, mediaType, undefined);
  if (value instanceof Uint8Array) return batch.answer(Command.REPLY, low, high, status, BodyFormat.RAW, headers, mediaType, value);
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    // It has no way to write a bigint; the core has.
    if (!(error instanceof TypeError) || !error.message.includes('BigInt')) throw error;
    return batch.answerNodes(low, high, status, BodyFormat.NODES, headers, mediaType, value);
  }
  if (text === undefined) throw new TypeError(`a ${typeof value} is no answer`);
  batch.answer(Command.REPLY, low, high, status, BodyFormat.JSON, headers, mediaType, text);
}

/** @internal */
export function handle(request: Request): unknown {
  const plan = request.plan!;
  if (plan.checks.length === 0) return plan.handler(request);
  for (let i = 0; i < plan.checks.length; ++i) {
    const check = plan.checks[i];
    const place = check.place;
    const value = check.run(place === 'body' ? request.body : request.params[place]);
    if (typeof (value as any)?.then === 'function') return checkRest(request, i, value as Promise<unknown>);
    setChecked(request, place, value);
  }
  return plan.handler(request);
}

async function checkRest(request: Request, from: number, first: Promise<unknown>): Promise<unknown> {
  const { checks, handler } = request.plan!;
  setChecked(request, checks[from].place, await first);
  for (const check of checks.slice(from + 1)) setChecked(request, check.place, await check.run(check.place === 'body' ? request.body : request.params[check.place]));
  return handler(request);
}

function setChecked(request: Request, place: string, value: any): void {
  if (place === 'body') request.bodyValue = { value };
  else request.params[place as 'path'] = value;
}

/** @internal */
export function isStream(value: unknown): boolean {
  if (value === null || typeof value !== 'object') return false;
  return value instanceof StreamingResponse || Symbol.asyncIterator in value;
}

/** @internal */
export function isGenerator(value: unknown): value is Generator | AsyncGenerator {
  const tag = value === null || typeof value !== 'object' ? '' : (value as any)[Symbol.toStringTag];
  return tag === 'Generator' || tag === 'AsyncGenerator';
}

/** @internal */
export function checkStatus(status: number): void {
  if (!Number.isInteger(status) || status < 100 || status > 999) throw new RangeError(`${status} is no HTTP status`);
}

/** @internal */
export function hookAnswer(value: unknown, draft: ResponseDraft): unknown {
  const response = value instanceof Problem ? value.toResponse() : value instanceof Response ? value : new Response(value, { status: draft.status ?? 200 });
  checkStatus(response.status);
  const headers = [...response.headers];
  if (response.mediaType !== undefined && !headers.some(([name]) => name.toLowerCase() === 'content-type')) headers.push(['content-type', response.mediaType]);
  const content = response.content;
  const [format, body] =
    content === undefined ? [BodyFormat.RAW, new Uint8Array(0)]
    : typeof content === 'string' ? [BodyFormat.TEXT, content]
    : content instanceof Uint8Array ? [BodyFormat.RAW, content]
    : [BodyFormat.NODES, content];
  return { status: response.status, format, headers, body };
}

/** The JSON type of a dependency's value; undefined for what is not JSON's. */
export function jsonType(value: unknown): string | undefined {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  switch (typeof value) {
    case 'boolean':
    case 'string':
      return typeof value;
    case 'bigint':
      return 'integer';
    case 'number':
      return Number.isInteger(value) ? 'integer' : 'number';
    case 'object': {
      const prototype = Object.getPrototypeOf(value);
      return prototype === Object.prototype || prototype === null ? 'object' : undefined;
    }
    default:
      return undefined;
  }
}

/** @internal What is logged of a failure. Clients never see it. */
export function describe(error: unknown): { type: string; message: string; trace: string } {
  try {
    return described(error);
  } catch {
    return { type: typeof error, message: 'what was thrown cannot be shown', trace: '' };
  }
}

function described(error: unknown): { type: string; message: string; trace: string } {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error), trace: '' };
  const type = error.constructor.name === 'Object' ? error.name : error.constructor.name;
  let trace = '';
  let cause: unknown = error;
  for (let depth = 0; cause instanceof Error && depth < 8; ++depth, cause = cause.cause) {
    // From the application's last line to its first: without this package and Node's own.
    const lines = (cause.stack ?? '').split('\n').filter((line) => !line.includes(__dirname) && !line.includes('(node:'));
    trace += `${depth > 0 ? '\ncaused by ' : ''}${lines.join('\n')}`;
  }
  return { type, message: error.message, trace };
}
