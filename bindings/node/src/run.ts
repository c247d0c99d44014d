/** Running an application: on this thread, or on several of the process. */

import { isMainThread, Worker, workerData } from 'node:worker_threads';
import type { App } from './app';
import { ConfigError } from './errors';
import { type AppHandle, native } from './native';
import type { Plan } from './plan';
import { Binding } from './port';
import { running, Scope, storage } from './scope';
import { bridgeConsole } from './telemetry';

export interface RunOptions {
  /** Default: as configured, else 127.0.0.1. */
  host?: string;
  /** Default: as configured, else 8000. */
  port?: number;
  /** Threads, each with a port of its own on the same addresses (SO_REUSEPORT): the program runs in each. Default: 1. */
  workers?: number;
}

/** What a drain did: counts per component (finished, handed back, abandoned) and the exit code. */
export type Report = Record<string, any>;

/** @internal */
export function openApp(manifest: Record<string, any>, configured: boolean): AppHandle {
  return native.open(JSON.stringify(manifest), configured);
}

/** @internal Serves until the drain is over; gives its report. `app` has been started. */
export async function serve(plan: Plan, app: AppHandle, started: (binding: Binding) => void): Promise<Report> {
  const binding = new Binding(plan, app);
  const scope = new Scope(binding, 0, 0);
  const unbridge = binding.traced ? bridgeConsole(binding) : undefined;
  try {
    if (plan.onStart.length > 0) {
      // Its operations are answered while work that comes meanwhile waits.
      binding.hold();
      await storage.run(scope, async () => {
        for (const fn of plan.onStart) await fn();
      });
      binding.begin();
    }
    started(binding);
    await binding.done;
    await storage.run(scope, async () => {
      for (const fn of plan.onStop) await fn();
    });
  } finally {
    unbridge?.();
    binding.close();
  }
  const report = native.report(app);
  return report === '' ? {} : (JSON.parse(report) as Report);
}

/** What the program says about its first listener. The configuration of the process is laid over it by the core. */
function listen(plan: Plan, { host, port }: RunOptions): void {
  if (host === undefined && port === undefined) return;
  const http = plan.manifest.http;
  if (http === undefined || http === null) throw new ConfigError('host, port: expected an application that serves HTTP; this one has no routes, no event endpoints and no `http` in its config');
  const [first = { address: '127.0.0.1', port: 8000 }, ...rest] = http.listeners ?? [];
  http.listeners = [{ ...first, ...(host === undefined ? {} : { address: host }), ...(port === undefined ? {} : { port }) }, ...rest];
}

interface Shared {
  spikard: number;
}

/** @internal */
export async function run(app: App<any>, options: RunOptions): Promise<void> {
  const plan = app.plan();
  const shared = isMainThread ? undefined : (workerData as Shared | null)?.spikard;
  if (shared !== undefined) return inThread(plan, shared);
  listen(plan, options);
  if (process.env.SPIKARD_PRINT_MANIFEST === '1') {
    process.stdout.write(`${JSON.stringify(plan.manifest)}\n`);
    return;
  }
  const workers = options.workers ?? 1;
  if (!Number.isInteger(workers) || workers < 1) throw new ConfigError(`workers: expected a number from 1, not ${workers}`);
  if (workers > 1 && (plan.manifest.http?.dependencies ?? []).some((one: any) => one.kind === 'factory' && one.scope === 'singleton')) {
    throw new ConfigError('workers: a singleton that a factory makes belongs to one thread; make it in the module, or inject a value');
  }
  const core = openApp(plan.manifest, true);
  let code: number;
  try {
    native.start(core);
    const drain = (): void => native.drain(core);
    let threads: Threads | undefined;
    let report: Report;
    try {
      report = await serve(plan, core, () => {
        for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, drain);
        if (workers > 1) threads = new Threads(core, workers - 1);
      });
      await threads?.ended();
    } finally {
      for (const name of ['SIGTERM', 'SIGINT'] as const) process.off(name, drain);
    }
    code = Number(report.exit_code ?? 0);
  } finally {
    native.close(core);
  }
  process.exitCode = code;
}

/** In a worker thread: the same program, on a port of its own of the main thread's application. */
async function inThread(plan: Plan, number: number): Promise<void> {
  const core = native.adopt(number);
  try {
    await serve({ ...plan, onStart: [], onStop: [] }, core, () => {});
  } finally {
    native.close(core);
  }
}

/** Threads that run the program again, each with a port of its own; one that dies is started again, later each time. */
class Threads {
  private readonly number: number;
  private readonly live = new Set<Worker>();
  private stopping = false;
  private failures = 0;
  private over: () => void = () => {};

  constructor(core: AppHandle, count: number) {
    this.number = native.share(core);
    for (let i = 0; i < count; ++i) this.start();
  }

  private start(): void {
    if (this.stopping) return;
    const begun = Date.now();
    const worker = new Worker(process.argv[1], { workerData: { spikard: this.number } satisfies Shared });
    this.live.add(worker);
    worker.on('error', (error) => process.stderr.write(`spikard: a thread failed: ${error?.stack ?? error}\n`));
    worker.on('exit', () => {
      this.live.delete(worker);
      if (this.stopping || stoppingHere()) return this.live.size === 0 ? this.over() : undefined;
      this.failures = Date.now() - begun > 10_000 ? 0 : this.failures + 1;
      setTimeout(() => this.start(), this.failures <= 1 ? 0 : Math.min(30_000, 100 * 2 ** this.failures)).unref();
    });
  }

  /** When the application is over: until all have ended. */
  async ended(): Promise<void> {
    this.stopping = true;
    // One that was only just starting has no port to hear it from.
    const late = setTimeout(() => this.live.forEach((worker) => void worker.terminate()), 1000);
    if (this.live.size > 0) await new Promise<void>((resolve) => (this.over = resolve));
    clearTimeout(late);
    native.unshare(this.number);
  }
}

function stoppingHere(): boolean {
  return running()?.stopping.signal.aborted ?? true;
}
