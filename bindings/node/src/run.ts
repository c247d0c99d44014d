/** Running an application: in this process, or as several of node:cluster. */

import cluster from 'node:cluster';
import type { App } from './app';
import { ConfigError } from './errors';
import { type AppHandle, native } from './native';
import { Binding, type Plan } from './port';
import { Scope, storage } from './scope';
import { bridgeConsole } from './telemetry';

export interface RunOptions {
  /** Default: as configured, else 127.0.0.1. */
  host?: string;
  /** Default: as configured, else 8000. */
  port?: number;
  /** Processes, kept alive by this one. Default: 1. */
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

/** @internal */
export async function run(app: App<any>, options: RunOptions): Promise<void> {
  const plan = app.plan();
  listen(plan, options);
  if (process.env.SPIKARD_PRINT_MANIFEST === '1') {
    process.stdout.write(`${JSON.stringify(plan.manifest)}\n`);
    return;
  }
  const workers = options.workers ?? 1;
  if (!Number.isInteger(workers) || workers < 1) throw new ConfigError(`workers: expected a number from 1, not ${workers}`);
  if (workers > 1 && cluster.isPrimary) return supervise(plan, workers);
  const core = openApp(plan.manifest, true);
  let code: number;
  try {
    native.start(core);
    const drain = (): void => native.drain(core);
    let report: Report;
    try {
      report = await serve(plan, core, () => {
        for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, drain);
        if (cluster.isWorker) process.on('disconnect', drain);
      });
    } finally {
      for (const name of ['SIGTERM', 'SIGINT'] as const) process.off(name, drain);
      if (cluster.isWorker) process.off('disconnect', drain);
    }
    code = Number(report.exit_code ?? 0);
  } finally {
    native.close(core);
  }
  process.exitCode = code;
  if (cluster.isWorker) process.exit(code);
}

/** Keeps `workers` processes alive, each with a port of its own on the same addresses; one that dies is started again, later each time. Ends when they have ended after a signal. */
function supervise(plan: Plan, workers: number): Promise<void> {
  const core = openApp(plan.manifest, true); // a wrong manifest fails here, once
  native.close(core);
  for (const { port } of plan.manifest.http?.listeners ?? []) if (port === 0) throw new ConfigError('workers: several processes cannot share port 0; name one');
  return new Promise((resolve) => {
    let stopping = false;
    let code = 0;
    let failures = 0;
    const begun = new Map<number, number>();
    const start = (): void => {
      const worker = cluster.fork();
      begun.set(worker.id, Date.now());
    };
    const stop = (name: NodeJS.Signals): void => {
      stopping = true;
      for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill(name);
    };
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => stop(name));
    cluster.on('exit', (worker, status, killed) => {
      if (stopping) {
        code ||= killed ? 1 : status;
        if (Object.keys(cluster.workers ?? {}).length === 0) {
          process.exitCode = code;
          resolve();
          process.exit(code);
        }
        return;
      }
      failures = Date.now() - (begun.get(worker.id) ?? 0) > 10_000 ? 0 : failures + 1;
      process.stderr.write(`spikard: worker ${worker.process.pid} ended (${killed ?? status}); starting another\n`);
      setTimeout(() => stopping || start(), failures === 0 ? 0 : Math.min(30_000, 100 * 2 ** failures));
    });
    for (let i = 0; i < workers; ++i) start();
  });
}
