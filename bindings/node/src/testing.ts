/** Applications in tests: on a free port, or under a virtual clock. */

import type { App } from './app';
import { Operation } from './_generated/constants';
import type { Faults } from './_generated/manifest';
import { CancelledError, SpikardError } from './errors';
import { native, type AppHandle } from './native';
import type { Binding } from './port';
import { openApp, type Report, serve } from './run';
import { Scope, storage } from './scope';

const asyncDispose: typeof Symbol.asyncDispose = (Symbol as any).asyncDispose ?? Symbol.for('nodejs.asyncDispose');

/** Serves an App in this process, on a free port of 127.0.0.1: `const server = await app.testServer()`. */
export class TestServer {
  readonly host = '127.0.0.1';
  port = 0;
  protected binding: Binding | undefined;
  private core: AppHandle | undefined;
  private over: Promise<Report> | undefined;

  constructor(
    protected readonly app: App<any>,
    private readonly configured = false,
  ) {}

  get url(): string {
    return `http://${this.host}:${this.port}`;
  }

  /** @internal */
  protected adjust(manifest: Record<string, any>): void {
    if (manifest.http !== null && manifest.http !== undefined) manifest.http.listeners = [{ address: this.host, port: 0 }];
  }

  async start(): Promise<this> {
    const plan = this.app.plan();
    this.adjust(plan.manifest);
    const core = openApp(plan.manifest, this.configured);
    try {
      native.start(core);
      if (plan.manifest.http !== null && plan.manifest.http !== undefined) this.port = portOf(JSON.parse(native.info(core)));
      await new Promise<void>((ready, failed) => {
        this.over = serve(plan, core, (binding) => {
          this.binding = binding;
          ready();
        });
        this.over.catch(failed);
      });
    } catch (error) {
      native.close(core);
      throw error;
    }
    this.core = core;
    return this;
  }

  /** @internal */
  here(): Binding {
    if (this.binding === undefined) throw new SpikardError('the server does not run');
    return this.binding;
  }

  /** Runs `fn` inside the application: `await server.run(() => cache.get('k'))`. */
  async run<T>(fn: () => T): Promise<Awaited<T>> {
    return await storage.run(new Scope(this.here(), 0, 0), fn);
  }

  /** fetch, with paths of this server. Keeps no cookies. */
  fetch(path: string, init?: RequestInit): Promise<globalThis.Response> {
    return fetch(path.startsWith('/') ? this.url + path : path, { redirect: 'manual', ...init });
  }

  /** Moves a virtual clock (`clock: virtual`), in ms. */
  async advance(ms: number): Promise<void> {
    await this.here().own(Operation.TEST_ADVANCE, { ms });
  }

  /** Until everything that can run at this time of a virtual clock has run. */
  async settle(): Promise<void> {
    await this.here().own(Operation.TEST_SETTLE, {});
  }

  /** Drains and gives the report; `force` cuts it short. */
  async stop(options: { force?: boolean } = {}): Promise<Report> {
    if (this.core === undefined || this.over === undefined) return {};
    const core = this.core;
    this.core = undefined;
    native.drain(core);
    if (options.force) native.drain(core);
    try {
      return await this.over;
    } finally {
      this.binding = undefined;
      native.close(core);
    }
  }

  async [asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** A fault that was made. */
export interface Fault {
  /** Unix time of the virtual clock, in ms. */
  readonly atMs: number;
  /** `db.default`. */
  readonly client: string;
  /** `commit`, `publish`, `deliver`, ... */
  readonly operation: string;
  /** The statement, the topic or the task. */
  readonly subject: string;
  readonly kind: 'unavailable' | 'lost_answer' | 'delay' | 'repeated';
  /** Which call of this operation with this subject, from 1. */
  readonly n: number;
}

export interface TestAppOptions {
  /** By subsystem and name; replace the application's own. Default: everything in memory. */
  services?: Readonly<Record<string, Readonly<Record<string, any>>>>;
  /** Default: 2026-01-01T00:00:00Z. */
  start?: Date | string;
  /** Makes operations of the clients fail, by chance but always the same for a seed: `{ seed: 7, unavailable: 0.1 }`. */
  faults?: Partial<Faults>;
}

const MEMORY = { cache: 'memory:', storage: 'memory:', db: 'sqlite::memory:', messaging: 'memory:', tasks: 'memory:' } as const;

/**
 * An application under a virtual clock: its time moves only by `advance`, through everything that comes due, in order. A month of a schedule takes a moment.
 *
 * @example
 * const test = await app.testApp();
 * await test.run(() => send.enqueue({ to: 'ann' }));
 * await test.advance(3600_000);
 * await test.stop();
 */
export class TestApp extends TestServer {
  constructor(
    app: App<any>,
    private readonly options: TestAppOptions = {},
  ) {
    super(app);
  }

  /** @internal */
  protected override adjust(manifest: Record<string, any>): void {
    super.adjust(manifest);
    manifest.clock = 'virtual';
    if (this.options.faults !== undefined) manifest.faults = this.options.faults;
    const services = (manifest.services ??= {});
    for (const [group, url] of Object.entries(MEMORY)) {
      const clients = (services[group] ??= {});
      const given = this.options.services?.[group] ?? {};
      for (const name of new Set(['default', ...Object.keys(clients), ...Object.keys(given)])) {
        const own = clients[name] ?? {};
        // What shares a file, and with it transactions, shares it in memory as well.
        const shared = (group === 'messaging' || group === 'tasks') && String(own.url ?? '').startsWith('sqlite:');
        clients[name] = { ...own, url: shared ? 'sqlite::memory:' : url, ...given[name] };
      }
    }
  }

  override async start(): Promise<this> {
    const { start } = this.options;
    const names: Record<string, string> = { SPIKARD_TEST: '1' };
    if (start !== undefined) names.SPIKARD_TEST_START = typeof start === 'string' ? start : start.toISOString();
    const before = Object.keys(names).map((name) => [name, process.env[name]] as const);
    Object.assign(process.env, names);
    try {
      await super.start();
      await this.settle(); // consumers and workers are there before the test goes on
    } finally {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
    return this;
  }

  /** Runs `fn` inside the application, to its end and to the end of all that it has begun. What waits for time gets it: the clock moves a millisecond at a time, only as far as `fn` waits for it. */
  override async run<T>(fn: () => T): Promise<Awaited<T>> {
    const binding = this.here();
    let over = false;
    const work = super.run(fn);
    const ended = (): void => void (over = true);
    work.then(ended, ended);
    while (!(await this.settled(binding, () => over))) await binding.own(Operation.TEST_ADVANCE, { ms: 1 });
    await binding.own(Operation.TEST_SETTLE, {});
    return work;
  }

  /** Lets everything that can run at this time run; whether the work is done then. */
  private async settled(binding: Binding, over: () => boolean): Promise<boolean> {
    for (;;) {
      const waiting = new Set(binding.waiting.keys());
      const begun = binding.users;
      await binding.own(Operation.TEST_SETTLE, {});
      for (let i = 0; i < 3; ++i) await new Promise((resolve) => setImmediate(resolve)); // what was answered goes on
      // An operation that began and ended meanwhile is in neither set, but has taken a number: whoever asked goes on only now.
      const same = binding.waiting.size === waiting.size && [...binding.waiting.keys()].every((user) => waiting.has(user));
      if (over() || (same && binding.users === begun + 1)) return over();
    }
  }

  /** Moves the clock, and returns when everything that can run then has run. */
  override async advance(ms: number): Promise<void> {
    await super.advance(ms);
  }

  /** The faults that were made so far, sorted by time and place: equal for equal runs. */
  async faults(): Promise<Fault[]> {
    const { faults } = await this.here().own(Operation.TEST_FAULTS, {});
    return (faults as any[]).map(({ at_ms, ...rest }) => ({ atMs: at_ms, ...rest }));
  }
}

/** The first bound TCP port that the core names. */
function portOf(info: any): number {
  for (const address of info.addresses ?? []) {
    const at = String(address).lastIndexOf(':');
    if (at >= 0 && /^\d+$/.test(address.slice(at + 1))) return Number(address.slice(at + 1));
  }
  throw new SpikardError(`no address was bound: ${JSON.stringify(info)}`);
}

export { CancelledError };
