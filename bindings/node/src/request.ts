/** The request as handlers and hooks see it. It reads the core's memory in place, when it is asked. */

import { Layout } from './_generated/constants';
import { SpikardError } from './errors';
import { decode, decodeAll, parseJson, type View } from './nodes';
import type { Binding } from './port';
import type { Background, Chunk, Response } from './response';
import { Scope } from './scope';

const R = Layout.request;
const METHODS = ['', 'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'OTHER'];

export type ParameterGroup = 'path' | 'query' | 'headers' | 'cookies';
export type Parameters = Record<ParameterGroup, Record<string, any>>;

/** @internal What the binding knows of a route. */
export interface RoutePlan {
  handler: (request: any) => unknown;
  status: number;
  path: string;
  parameters: readonly (readonly [ParameterGroup, string])[];
  inject: readonly string[];
  /** In which form the body is in the record. */
  body: 'none' | 'nodes' | 'text' | 'raw' | 'stream';
  /** Schemas whose own parsers make the values, after the core has checked them. */
  checks: readonly Check[];
}

/** @internal */
export interface Check {
  readonly place: ParameterGroup | 'body';
  readonly run: (value: unknown) => unknown;
}

/** A file or field, a message, an answer: what is a buffer is a Buffer of its own. */
export class Request<Path = any, Query = any, Headers = any, Cookies = any, Body = any, Deps = any> extends Scope {
  /** @internal */ readonly view: View;
  /** @internal */ readonly base: number;
  /** @internal */ readonly plan: RoutePlan | undefined;
  /** @internal */ owed = true;
  /** @internal */ key: bigint | undefined = undefined;
  /** @internal */ jobs: Background[] | undefined = undefined;
  /** @internal */ queue: Buffer[] | undefined = undefined;
  /** @internal */ bodyDone = false;
  /** @internal */ credit = 0;
  /** @internal */ wake: (() => void) | undefined = undefined;
  /** @internal */ values: Parameters | undefined = undefined;
  /** @internal */ bodyValue: { value: any } | undefined = undefined;
  /** @internal */ contextValue: Record<string, any> | undefined = undefined;
  private headerList: [string, string][] | undefined = undefined;
  private depsValue: Deps | undefined = undefined;
  /** In hooks of `onError`: what was thrown. */
  error: unknown = undefined;

  /** @internal */
  constructor(binding: Binding, plan: RoutePlan | undefined, view: View, base: number, low: number, high: number) {
    super(binding, low, high);
    this.plan = plan;
    this.view = view;
    this.base = base;
  }

  private word(at: number): number {
    if (!this.owed) throw new SpikardError('the request has been answered: what is needed later is to be read before');
    return this.view.u32[(this.base + at) >>> 2];
  }

  private text(at: number): string {
    const length = this.word(at + 4);
    const from = this.base + this.word(at);
    return length === 0 ? '' : this.view.bytes.utf8Slice(from, from + length);
  }

  private nodes(at: number): any {
    return this.word(at + 4) === 0 ? undefined : decode(this.view, this.base + this.word(at), this.base);
  }

  get method(): string {
    return METHODS[this.word(R.method) & 0xff];
  }

  /** The path as it was sent, without the query. */
  get rawPath(): string {
    return this.text(R.path);
  }

  /** The path of the route, with its placeholders. */
  get route(): string {
    return this.plan?.path ?? '';
  }

  /** As it was sent, without `?`. */
  get queryString(): string {
    return this.text(R.query);
  }

  /** The client's address. */
  get peer(): string {
    return this.text(R.peer);
  }

  /** 10 or 11 for HTTP/1, 20 for HTTP/2. */
  get version(): number {
    return (this.word(R.method) >>> 8) & 0xff;
  }

  /** The declared parameters, validated and coerced, by where they are from. */
  get params(): Parameters {
    if (this.values !== undefined) return this.values;
    const out: Parameters = { path: {}, query: {}, headers: {}, cookies: {} };
    const names = this.plan?.parameters ?? [];
    const count = Math.min(this.word(R.params + 4), names.length);
    decodeAll(this.view, this.base + this.word(R.params), this.base, count, (value, i) => {
      out[names[i][0]][names[i][1]] = value;
    });
    return (this.values = out);
  }

  /** The parameters in the path. */
  get path(): Path {
    return this.params.path as Path;
  }

  /** The declared parameters of the query string. One that was not sent is its default, or null. */
  get query(): Query {
    return this.params.query as Query;
  }

  /** The declared headers, names in lower case. `header()` reads any. */
  get headers(): Headers {
    return this.params.headers as Headers;
  }

  /** The declared cookies. */
  get cookies(): Cookies {
    return this.params.cookies as Cookies;
  }

  /** The body: validated JSON or form, undefined where there is none. Of a route that takes raw bytes a Buffer. */
  get body(): Body {
    if (this.bodyValue === undefined) this.bodyValue = { value: this.readBody() };
    return this.bodyValue.value as Body;
  }

  private readBody(): any {
    if (this.word(R.json + 4) !== 0) return this.nodes(R.json);
    const length = this.word(R.body + 4);
    if (this.plan?.body === 'text') return length === 0 ? undefined : parseJson(this.text(R.body));
    return this.plan?.body === 'raw' ? this.bytes() : undefined;
  }

  /** The bytes of a buffered body. */
  bytes(): Buffer {
    const from = this.base + this.word(R.body);
    return Buffer.from(this.view.bytes.subarray(from, from + this.word(R.body + 4)));
  }

  /** All headers as they came, names in lower case. */
  get allHeaders(): [string, string][] {
    if (this.headerList !== undefined) return this.headerList;
    return (this.headerList = pairs(this.view, this.base, this.word(R.headers), this.word(R.headers + 4)));
  }

  /** A header by its name in lower case; several lines are joined with `, `. */
  header(name: string): string | undefined {
    const lower = name.toLowerCase();
    const lines = this.allHeaders.filter(([other]) => other === lower);
    return lines.length === 0 ? undefined : lines.map(([, value]) => value).join(', ');
  }

  /** Who it is, where the application authenticates. */
  get auth(): any {
    return this.nodes(R.auth) ?? null;
  }

  /** What hooks have set. In a hook: members set here are seen by what comes after. */
  get context(): Record<string, any> {
    return (this.contextValue ??= this.nodes(R.context) ?? {});
  }

  /** The dependencies that the route injects, by name. */
  get deps(): Deps {
    if (this.depsValue !== undefined) return this.depsValue;
    const out: Record<string, unknown> = {};
    const at = (this.base + this.word(R.deps)) >>> 2;
    const count = this.word(R.deps + 4);
    const names = this.plan?.inject ?? [];
    for (let i = 0; i < count && i < names.length; ++i) {
      out[names[i]] = this.binding.tokens.get(this.view.u32[at + 2 * i] + this.view.u32[at + 2 * i + 1] * 4294967296);
    }
    return (this.depsValue = out as Deps);
  }

  /** Whether nobody waits for the answer any more. */
  get cancelled(): boolean {
    return this.cancelledBy !== undefined;
  }

  /** Runs `job` after the answer. The graceful end waits for it; it is not durable. */
  background(job: Background): void {
    (this.jobs ??= []).push(job);
  }

  /** The body in chunks, of a route with `stream: true`. Taking one lets the client send more. */
  async *stream(): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const chunk = this.queue?.shift();
      if (chunk !== undefined) {
        this.binding.credit(this, chunk.length);
        yield chunk;
      } else if (this.bodyDone) {
        return;
      } else {
        await this.waiting();
      }
    }
  }

  /** @internal Until a chunk, credit, or the end. */
  waiting(): Promise<void> {
    return new Promise((resolve, reject) => {
      const back = this.onCancel((error) => {
        this.wake = undefined;
        reject(error);
      });
      this.wake = () => {
        this.wake = undefined;
        back();
        resolve();
      };
    });
  }
}

/** @internal */
export function pairs(view: View, base: number, at: number, count: number): [string, string][] {
  const out: [string, string][] = [];
  for (let i = (base + at) >>> 2, end = i + count * 4; i < end; i += 4) {
    const name = base + view.u32[i];
    const value = base + view.u32[i + 2];
    out.push([view.bytes.latin1Slice(name, name + view.u32[i + 1]), view.bytes.utf8Slice(value, value + view.u32[i + 3])]);
  }
  return out;
}

/** The answer as a hook sees it. Before the handler there is no status yet; headers set here are put on whatever is answered. */
export class ResponseDraft {
  readonly headers: Record<string, string> = {};
  /** @internal */ readonly set: [string, string][] = [];
  /** @internal */ readonly append: [string, string][] = [];

  /** @internal */
  constructor(
    readonly status: number | undefined,
    headers: [string, string][],
  ) {
    for (const [name, value] of headers) this.headers[name.toLowerCase()] = value;
  }

  setHeader(name: string, value: string): void {
    this.headers[name.toLowerCase()] = value;
    this.set.push([name, value]);
  }

  appendHeader(name: string, value: string): void {
    const before = this.headers[name.toLowerCase()];
    this.headers[name.toLowerCase()] = before === undefined ? value : `${before}, ${value}`;
    this.append.push([name, value]);
  }
}

export type Answer = Response | Chunk | object | number | boolean | null | undefined | void;
