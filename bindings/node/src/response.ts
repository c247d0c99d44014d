/** Answers of handlers and hooks. */

import type { Pairs } from './batch';
import { running } from './scope';

export type HeadersLike = Pairs | Readonly<Record<string, string | readonly string[]>> | Headers;
export type Chunk = string | Uint8Array;
export type Background = () => unknown;

/** @internal */
export function headerList(headers: HeadersLike | undefined): [string, string][] {
  if (headers === undefined) return [];
  if (Array.isArray(headers)) return headers.map(([name, value]) => [name, String(value)]);
  if (headers instanceof Headers) return [...headers];
  return Object.entries(headers as Record<string, string | readonly string[]>).flatMap(([name, value]) =>
    Array.isArray(value) ? value.map((line): [string, string] => [name, String(line)]) : [[name, String(value)] as [string, string]],
  );
}

export interface CookieOptions {
  /** In seconds. */
  maxAge?: number;
  domain?: string;
  path?: string;
  sameSite?: 'strict' | 'lax' | 'none' | 'Strict' | 'Lax' | 'None';
  secure?: boolean;
  httpOnly?: boolean;
}

export interface ResponseOptions {
  /** Default: 200. */
  status?: number;
  headers?: HeadersLike;
  /** The Content-Type, unless `headers` have one. */
  mediaType?: string;
  /** Runs after the answer. */
  background?: Background;
}

abstract class Headed {
  status: number;
  headers: [string, string][];
  mediaType: string | undefined;
  /** @internal */ jobs: Background[] | undefined;

  constructor(options: ResponseOptions) {
    this.status = options.status ?? 200;
    this.headers = headerList(options.headers);
    this.mediaType = options.mediaType;
    if (options.background !== undefined) this.jobs = [options.background];
  }

  /** Replaces lines of the same name. */
  setHeader(name: string, value: string): this {
    const lower = name.toLowerCase();
    this.headers = this.headers.filter(([other]) => other.toLowerCase() !== lower);
    this.headers.push([name, value]);
    return this;
  }

  /** Adds a line. */
  appendHeader(name: string, value: string): this {
    this.headers.push([name, value]);
    return this;
  }

  /** Adds a Set-Cookie line (RFC 6265). */
  setCookie(name: string, value = '', options: CookieOptions = {}): this {
    let line = `${name}=${value}`;
    if (options.maxAge !== undefined) line += `; Max-Age=${options.maxAge}`;
    if (options.domain !== undefined) line += `; Domain=${options.domain}`;
    if (options.path !== undefined) line += `; Path=${options.path}`;
    if (options.sameSite !== undefined) line += `; SameSite=${options.sameSite[0].toUpperCase()}${options.sameSite.slice(1).toLowerCase()}`;
    if (options.secure) line += '; Secure';
    if (options.httpOnly) line += '; HttpOnly';
    return this.appendHeader('set-cookie', line);
  }

  /** Runs `job` after this answer. */
  addTask(job: Background): this {
    (this.jobs ??= []).push(job);
    return this;
  }
}

/** An answer with a status, headers and a body: bytes as they are, a string as text, undefined for none, anything else as JSON. */
export class Response extends Headed {
  constructor(
    readonly content?: unknown,
    options: ResponseOptions = {},
  ) {
    super(options);
  }
}

/** An answer whose body is made while it is sent: the next chunk is asked for when the client has taken enough, and the iterator is ended when the client goes. */
export class StreamingResponse extends Headed {
  constructor(
    readonly chunks: AsyncIterable<Chunk> | Iterable<Chunk>,
    options: ResponseOptions = {},
  ) {
    super(options);
    this.mediaType ??= 'application/octet-stream';
  }

  /** @internal Before the head is sent. */
  prepare?(): Promise<void>;
}

/** @internal Operation, number of the client, arguments, status (0: the operation's own). */
export type ServedAnswer = readonly [operation: number, client: number, args: unknown, status: number];

/** An answer that the core makes by itself, without its bytes coming here. */
export abstract class Served {
  /** @internal */
  abstract answer(): ServedAnswer;
}

const TITLES: Record<number, string> = {
  400: 'Bad Request', 401: 'Unauthorized', 402: 'Payment Required', 403: 'Forbidden', 404: 'Not Found', 405: 'Method Not Allowed', 406: 'Not Acceptable',
  408: 'Request Timeout', 409: 'Conflict', 410: 'Gone', 412: 'Precondition Failed', 413: 'Payload Too Large', 415: 'Unsupported Media Type',
  422: 'Unprocessable Content', 423: 'Locked', 425: 'Too Early', 428: 'Precondition Required', 429: 'Too Many Requests', 451: 'Unavailable For Legal Reasons',
  500: 'Internal Server Error', 501: 'Not Implemented', 502: 'Bad Gateway', 503: 'Service Unavailable', 504: 'Gateway Timeout',
};

const PROBLEM_BASE = 'https://spikard.dev/problems/';

export interface ProblemOptions {
  title?: string;
  detail?: string;
  /** A URI; or, without a colon, the last segment of one below the application's `problem_base`. */
  type?: string;
  instance?: string;
  headers?: HeadersLike;
  /** Further members of the document. */
  extensions?: Readonly<Record<string, unknown>>;
  cause?: unknown;
}

/**
 * An RFC 9457 problem document, thrown or returned. Members that are not given are filled in from the status; `Problem.from` fills in nothing.
 *
 * @example throw new Problem(404, `No order ${id}`);
 */
export class Problem extends Error {
  static {
    this.prototype.name = 'Problem';
  }
  readonly status: number;
  document: Record<string, unknown>;
  readonly headers: [string, string][];
  private exact = false;

  constructor(status = 500, options: ProblemOptions | string = {}) {
    const given = typeof options === 'string' ? { detail: options } : options;
    const title = given.title ?? TITLES[status] ?? 'Error';
    super(`${status} ${title}${given.detail ? `: ${given.detail}` : ''}`, given.cause === undefined ? undefined : { cause: given.cause });
    const slug = (TITLES[status] ?? title).toLowerCase().replaceAll(' ', '-');
    this.status = status;
    this.document = { type: given.type ?? slug, title, status };
    if (given.type === '') delete this.document.type;
    if (given.detail !== undefined) this.document.detail = given.detail;
    if (given.instance !== undefined) this.document.instance = given.instance;
    Object.assign(this.document, given.extensions);
    this.headers = headerList(given.headers);
  }

  /** A problem with exactly these members. */
  static from(document: Readonly<Record<string, unknown>>, headers?: HeadersLike): Problem {
    const problem = new Problem(Number(document.status ?? 500), { headers });
    problem.document = { ...document };
    problem.exact = true;
    return problem;
  }

  toResponse(): Response {
    let document = this.document;
    const type = document.type;
    if (!this.exact && typeof type === 'string' && !type.includes(':')) document = { ...document, type: (running()?.problemBase ?? PROBLEM_BASE) + type };
    return new Response(document, { status: this.status, headers: this.headers, mediaType: 'application/problem+json' });
  }
}
