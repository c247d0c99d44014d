/** The application: functions and data that become one manifest. */

import type {
  Backoff, CacheConfig, Consumer as ConsumerConfig, DbConfig, EventConsumer, EventEndpoint, Manifest, MessagingConfig, StorageConfig, TasksConfig,
} from './_generated/manifest';
import { Database } from './database';
import { ConfigError } from './errors';
import { eventPlan, type EventHandler, messagePlan, type MessageHandler, Task, taskPlan, type TaskHandler, type TaskOptions, wire } from './handlers';
import { jsonType } from './answers';
import type { Factory, Hook, Plan } from './plan';
import { type Check, type ParameterGroup, type Request, type RoutePlan } from './request';
import { type Infer, jsonSchema, parametersOf, parserOf, type Schema } from './schema';
import { Cache, CloudEvents, Cron, Messaging, Storage, Tasks } from './toolbox';
import type { TaskRun } from './work';
import type { RunOptions } from './run';
import type { TestApp, TestAppOptions, TestServer } from './testing';

export const PHASES = ['on_request', 'pre_validation', 'pre_handler', 'on_response', 'on_error'] as const;
export type Phase = (typeof PHASES)[number];
export type Scopes = 'singleton' | 'request' | 'transient';

/** A manifest of which everything is optional. */
export type Config = { readonly [K in keyof Manifest]?: Manifest[K] extends object | null | undefined ? any : Manifest[K] };

const SEGMENT = /\{([A-Za-z_][A-Za-z0-9_]*)(?::([^{}]+))?\}/g;
const SEGMENT_SCHEMAS: Record<string, object> = {
  int: { type: 'integer' }, float: { type: 'number' }, bool: { type: 'boolean' }, uuid: { type: 'string', format: 'uuid' },
  date: { type: 'string', format: 'date' }, datetime: { type: 'string', format: 'date-time' },
};
const GROUPS: Record<string, ParameterGroup> = { path: 'path', query: 'query', header: 'headers', cookie: 'cookies' };

type SegmentType<T> = T extends 'int' | 'float' ? number : T extends 'bool' ? boolean : string;
type Segments<P extends string> = P extends `${string}{${infer S}}${infer Rest}` ? (S extends `${infer N}:${infer T}` ? { [K in N]: SegmentType<T> } : { [K in S]: string }) & Segments<Rest> : unknown;
type Flat<T> = { [K in keyof T]: T[K] };
/** What the path of a route says of its parameters: `/users/{id:int}` is `{ id: number }`. */
export type PathOf<P extends string> = Flat<Segments<P>>;
type Or<S, Otherwise> = S extends undefined ? Otherwise : unknown extends S ? Otherwise : Infer<S>;

export interface RouteOptions<Q, H, C, B, D> {
  /** An object's schema: its members are parameters of the query string. */
  query?: Q;
  headers?: H;
  cookies?: C;
  /** The body's schema. Without one the handler gets no body; `raw: true` gives its bytes. */
  body?: B;
  /** Media types that the body may have. Default: JSON. */
  contentTypes?: readonly string[];
  /** Default: a body with a schema is required. */
  bodyRequired?: boolean;
  /** `request.body` is the bytes. */
  raw?: boolean;
  /** The body comes by `request.stream()` while the handler runs. */
  stream?: boolean;
  /** Names of dependencies, for `request.deps`. */
  inject?: readonly D[];
  /** The status of plain values. Default: 200, and 204 for undefined. */
  status?: number;
  /** Of the route, in reports and telemetry. */
  name?: string;
  /** In ms. Default: the server's. */
  timeoutMs?: number;
}

export type Handler<P extends string, Q, H, C, B, D extends PropertyKey, Deps> = (
  request: Request<PathOf<P>, Or<Q, Record<string, never>>, Or<H, Record<string, never>>, Or<C, Record<string, never>>, Or<B, any>, { [K in D]: K extends keyof Deps ? Deps[K] : any }>,
) => unknown;

interface Route {
  data: Record<string, any>;
  plan: Omit<RoutePlan, 'parameters'> & { parameters?: RoutePlan['parameters'] };
}

interface Dependency {
  spec: Record<string, any>;
  value: unknown;
  id: number;
  token: number;
}

export interface ConsumerOptions extends Partial<Omit<ConsumerConfig, 'topic' | 'schema' | 'name' | 'max_in_flight' | 'max_retries' | 'dead_letter' | 'ack_wait_ms' | 'handler_timeout_ms' | 'start_from'>> {
  name?: string;
  maxInFlight?: number;
  maxRetries?: number;
  backoff?: Backoff;
  deadLetter?: string;
  ackWaitMs?: number;
  handlerTimeoutMs?: number;
  startFrom?: 'latest' | 'earliest';
}

export interface ScheduleOptions {
  /** Default: the task's name. */
  name?: string;
  /** Default: UTC. */
  timezone?: string;
  args?: unknown;
  priority?: number;
  maxAttempts?: number;
  timeoutMs?: number;
  misfire?: 'skip' | 'once' | 'all';
  overlap?: 'allow' | 'forbid';
}

export interface EventOptions {
  /** Exact, or with `*`. Default: any. */
  source?: string;
  subject?: string;
  /** Where events are posted. Default: /events. */
  path?: string;
  /** A topic of a broker instead. */
  topic?: string;
  group?: string;
  client?: string;
}

export interface AppOptions {
  /** Merged into the manifest: whatever spikard.schema.json allows. */
  config?: Config;
  /** Gets failures and what the package says, and silences the core's own log. */
  log?: (level: 'error' | 'info', message: string, error?: unknown) => void;
}

/**
 * An application. Nothing is opened until it runs.
 *
 * @example
 * const app = new App('users');
 * app.get('/users/{id:int}', { query: z.object({ verbose: z.boolean().default(false) }) }, ({ path, query }) => ({ id: path.id, verbose: query.verbose }));
 * app.run();
 */
export class App<Deps extends object = {}> {
  private readonly config: Record<string, any>;
  private readonly log: AppOptions['log'];
  private readonly routes: Route[] = [];
  private readonly hooks: Record<Phase, { name: string; fn: Hook }[]> = { on_request: [], pre_validation: [], pre_handler: [], on_response: [], on_error: [] };
  private readonly dependencies = new Map<string, Dependency>();
  private readonly routeDependencies: [object, Dependency][] = [];
  private readonly services: Record<string, Record<string, Record<string, any>>> = {};
  private readonly consumers: { data: Record<string, any>; handler: MessageHandler<any>; schema: Schema | undefined }[] = [];
  private readonly tasksByKey = new Map<string, Task>();
  private readonly workerOptions = new Map<string, Record<string, unknown>>();
  private readonly schedules: Record<string, any>[] = [];
  private readonly events: { handler: EventHandler<any>; schema: Schema | undefined }[] = [];
  private readonly eventEndpoints = new Map<string, Record<string, any>>();
  private readonly eventConsumers = new Map<string, Record<string, any>>();
  private readonly starts: (() => unknown)[] = [];
  private readonly stops: (() => unknown)[] = [];
  private nextId = 0;
  private nextToken = 1;

  constructor(
    readonly name = 'app',
    options: AppOptions = {},
  ) {
    this.config = structuredClone(options.config ?? {}) as Record<string, any>;
    this.log = options.log;
  }

  // ---- routes

  /** Registers a handler. HEAD comes with GET. */
  route<P extends string, Q = undefined, H = undefined, C = undefined, B = undefined, D extends PropertyKey = never>(method: string, path: P, options: RouteOptions<Q, H, C, B, D>, handler: Handler<P, Q, H, C, B, D, Deps>): this {
    const where = `${method.toUpperCase()} ${path}`;
    if (typeof handler !== 'function') throw new TypeError(`${where}: the handler is no function`);
    const data: Record<string, any> = { method: method.toUpperCase(), path, name: options.name ?? (handler.name || where) };
    if (options.timeoutMs !== undefined) data.timeout_ms = options.timeoutMs;
    const parameters: Record<string, any>[] = [...path.matchAll(SEGMENT)].map(([, name, kind]) => ({ in: 'path', name, required: true, schema: SEGMENT_SCHEMAS[kind ?? ''] ?? { type: 'string' } }));
    const checks: Check[] = [];
    for (const [place, schema] of [['query', options.query], ['header', options.headers], ['cookie', options.cookies]] as const) {
      if (schema === undefined) continue;
      parameters.push(...parametersOf(schema as Schema, place));
      const run = parserOf(schema as Schema, GROUPS[place]);
      if (run !== undefined) checks.push({ place: GROUPS[place], run });
    }
    data.parameters = parameters;
    let body: RoutePlan['body'] = 'none';
    if (options.stream) {
      if (options.body !== undefined) throw new ConfigError(`${where}: a streamed body has no schema; read it by request.stream()`);
      body = 'stream';
      data.body = { mode: 'stream', required: false, content_types: ['*/*'], as: 'raw' };
    } else if (options.raw) {
      body = 'raw';
      data.body = { content_types: options.contentTypes ?? ['*/*'], required: options.bodyRequired ?? false, as: 'raw' };
    } else if (options.body !== undefined) {
      const types = options.contentTypes ?? ['application/json'];
      body = 'text';
      data.body = { content_types: types, required: options.bodyRequired ?? true, schema: jsonSchema(options.body as Schema), as: 'text' };
      const run = parserOf(options.body as Schema, 'body');
      if (run !== undefined) checks.push({ place: 'body', run });
    }
    if (options.inject !== undefined) data.inject = [...options.inject];
    this.routes.push({ data, plan: { handler, status: options.status ?? 200, path, inject: (options.inject ?? []) as readonly string[], body, checks } });
    return this;
  }

  private method(method: string, path: string, options: any, handler: any): this {
    return handler === undefined ? this.route(method, path, {}, options) : this.route(method, path, options, handler);
  }

  /** `route('GET', ...)`; HEAD comes with it. */
  get: Method<Deps, this> = (path: string, options: any, handler?: any) => this.method('GET', path, options, handler);
  post: Method<Deps, this> = (path: string, options: any, handler?: any) => this.method('POST', path, options, handler);
  put: Method<Deps, this> = (path: string, options: any, handler?: any) => this.method('PUT', path, options, handler);
  patch: Method<Deps, this> = (path: string, options: any, handler?: any) => this.method('PATCH', path, options, handler);
  delete: Method<Deps, this> = (path: string, options: any, handler?: any) => this.method('DELETE', path, options, handler);

  /** A route as data (a route of the manifest). */
  addRoute(data: Record<string, any>, handler: (request: Request) => unknown, options: { status?: number } = {}): this {
    const as = data.body === undefined ? 'none' : data.body.mode === 'stream' ? 'stream' : (data.body.as ?? 'nodes');
    this.routes.push({ data, plan: { handler, status: options.status ?? 200, path: data.path, inject: data.inject ?? [], body: as, checks: [] } });
    return this;
  }

  // ---- hooks

  /** A hook of a phase, plain or async. What it returns answers the request; a Problem it throws does as well. */
  addHook(phase: Phase, fn: Hook, name?: string): this {
    if (this.hooks[phase] === undefined) throw new ConfigError(`'${phase}' is no phase of a request; expected one of ${PHASES.join(', ')}`);
    this.hooks[phase].push({ name: name ?? (fn.name || phase), fn });
    return this;
  }

  /** After routing and authentication, before the body is read. */
  onRequest(fn: Hook): this {
    return this.addHook('on_request', fn);
  }

  /** After the body was read, before it is validated. */
  preValidation(fn: Hook): this {
    return this.addHook('pre_validation', fn);
  }

  /** After validation, before the handler. */
  preHandler(fn: Hook): this {
    return this.addHook('pre_handler', fn);
  }

  /** After the handler has answered. */
  onResponse(fn: Hook): this {
    return this.addHook('on_response', fn);
  }

  /** Instead of onResponse after an exception; it is `request.error`. */
  onError(fn: Hook): this {
    return this.addHook('on_error', fn);
  }

  /** Before the first request; plain or async. */
  onStart(fn: () => unknown): this {
    this.starts.push(fn);
    return this;
  }

  /** After the last request. */
  onStop(fn: () => unknown): this {
    this.stops.push(fn);
    return this;
  }

  // ---- dependencies

  /** A dependency that is there already. */
  value<N extends string, T>(name: N, value: T): App<Deps & { [K in N]: T }> {
    return this.addDependency({ name, kind: 'value' }, value) as any;
  }

  /**
   * A dependency that is made when it is needed. What a generator does after its `yield`, or `dispose`, is the clean-up: after the answer, in reverse order.
   *
   * @example app.dependency('session', { needs: ['pool'] }, async function* ({ pool }) { const session = await pool.open(); yield session; await session.close(); });
   */
  dependency<N extends string, T, K extends keyof Deps = never>(
    name: N,
    options: { scope?: Scopes; needs?: readonly K[]; dispose?: (value: Made<T>) => unknown },
    factory: (deps: Pick<Deps, K>) => T,
  ): App<Deps & { [X in N]: Made<T> }> {
    return this.addDependency({ name, kind: 'factory', scope: options.scope ?? 'request', depends_on: options.needs ?? [] }, factory, { dispose: options.dispose }) as any;
  }

  /** A dependency as data: `{name, kind: value|factory, scope, depends_on}`, with the value or the factory. `route`: only for this one (the data given to addRoute). */
  addDependency(spec: Record<string, any>, value: unknown, options: { route?: object; dispose?: (value: any) => unknown } = {}): this {
    const plain = (spec.kind ?? 'value') === 'value';
    const factory = plain ? value : { make: value, needs: spec.depends_on ?? [], dispose: options.dispose };
    const dependency: Dependency = { spec, value: factory, id: this.nextId++, token: plain ? this.nextToken++ : 0 };
    if (options.route === undefined) this.dependencies.set(spec.name, dependency);
    else this.routeDependencies.push([options.route, dependency]);
    return this;
  }

  // ---- the toolbox

  private service(group: string, name: string, config: Record<string, any>): void {
    const known = (this.services[group] ??= {});
    if (name !== 'default' || Object.keys(config).length > 0) merge((known[name] ??= {}), config);
  }

  /** A cache: `app.cache()`, `app.cache({ url: 'memory:', max_entries: 10000 }, 'sessions')`. Options are those of `services.cache` in the manifest; the configuration of the process is laid over them. */
  cache(config: Partial<CacheConfig> = {}, name = 'default'): Cache {
    this.service('cache', name, config);
    return new Cache(name);
  }

  /** A store of objects; options are those of `services.storage`. */
  storage(config: Partial<StorageConfig> = {}, name = 'default'): Storage {
    this.service('storage', name, config);
    return new Storage(name);
  }

  /** A database; options are those of `services.db`. */
  db(config: Partial<DbConfig> = {}, name = 'default'): Database {
    this.service('db', name, config);
    return new Database(name);
  }

  /** A message broker; options are those of `services.messaging`. */
  messaging(config: Partial<MessagingConfig> = {}, name = 'default'): Messaging {
    this.service('messaging', name, config);
    return new Messaging(name);
  }

  /** A store of tasks; options are those of `services.tasks`. */
  tasks(config: Partial<TasksConfig> = {}, name = 'default'): Tasks {
    this.service('tasks', name, config);
    return new Tasks(name);
  }

  /** What cron expressions mean. */
  cron(): Cron {
    return new Cron();
  }

  /** Where events are sent; options are those of `services.events`. */
  cloudEvents(config: Record<string, any> = {}, name = 'default'): CloudEvents {
    this.service('events', name, config);
    return new CloudEvents(name);
  }

  // ---- messages

  /**
   * A consumer of messages. With a `schema` the payload is JSON, checked by the core before the handler runs: what does not fit goes to the dead letter. Returned or thrown: Nack, Retry and Fatal;
   * nothing is Ack, any other exception comes again after the backoff.
   */
  consumer<S extends Schema | undefined = undefined>(topic: string, options: ConsumerOptions & { schema?: S }, handler: MessageHandler<S extends undefined ? any : Infer<S>>): this {
    const { schema, name, backoff, ...rest } = options;
    const data = { name: name ?? (handler.name || topic), topic, ...wire(rest), ...(backoff === undefined ? {} : { backoff }) };
    this.consumers.push({ data, handler, schema });
    this.service('messaging', options.client ?? 'default', {});
    return this;
  }

  // ---- tasks

  /**
   * A task: `handler(args, run)`. What it returns is the job's result. Retry comes again without using up an attempt, Fatal ends it, any other exception is tried again. `schema`: of its arguments.
   */
  task<A = any>(name: string, handler: TaskHandler<A>, options: TaskOptions & { queue?: string; client?: string; schema?: Schema } = {}): Task<A> {
    const { queue = 'default', client = 'default', schema, ...rest } = options;
    const key = `${client}\n${queue}\n${name}`;
    if (this.tasksByKey.has(key)) throw new ConfigError(`there are two tasks '${name}' in queue '${queue}'`);
    const task = new Task<A>(name, queue, client, handler, rest, schema);
    this.tasksByKey.set(key, task);
    this.service('tasks', client, {});
    return task;
  }

  /** Options of the worker of a queue. Each queue that has a task has one. */
  worker(queue = 'default', options: { name?: string; client?: string; concurrency?: number; leaseMs?: number; timeoutMs?: number } = {}): this {
    const { client = 'default', ...rest } = options;
    this.workerOptions.set(`${client}\n${queue}`, wire(rest));
    return this;
  }

  /** Runs a task by the clock: `app.schedule('0 3 * * *', report, { timezone: 'Europe/Berlin' })`. Each time makes one job for any number of processes; its TaskRun knows which (`scheduledAt`). */
  schedule(cron: string, task: Task<any>, options: ScheduleOptions = {}): this {
    const { name, args, ...rest } = options;
    const data: Record<string, any> = { name: name ?? task.name, cron, task: task.name, queue: task.queue, ...wire(rest) };
    if (args !== undefined) data.args = args;
    if (task.client !== 'default') data.client = task.client;
    this.schedules.push(data);
    return this;
  }

  // ---- events

  /** A handler of CloudEvents by type, source and subject, each exact or with `*`. It may answer with an event; else as a consumer does. `schema`: of the data. */
  event<S extends Schema | undefined = undefined>(type: string, options: EventOptions & { schema?: S }, handler: EventHandler<S extends undefined ? any : Infer<S>>): this {
    const subscription: Record<string, any> = { handler: this.events.length };
    for (const [key, value] of [['type', type], ['source', options.source], ['subject', options.subject]] as const) if (value !== undefined && value !== '*') subscription[key] = value;
    const owner = options.topic === undefined ? this.endpoint(options.path ?? '/events') : this.eventTopic(options.topic, options.group ?? '', options.client ?? 'default');
    (owner.subscriptions ??= []).push(subscription);
    this.events.push({ handler, schema: options.schema });
    return this;
  }

  private endpoint(path: string): Record<string, any> {
    let found = this.eventEndpoints.get(path);
    if (found === undefined) this.eventEndpoints.set(path, (found = { path }));
    return found;
  }

  private eventTopic(topic: string, group: string, client: string): Record<string, any> {
    this.service('messaging', client, {});
    const key = `${client}\n${topic}\n${group}`;
    let found = this.eventConsumers.get(key);
    if (found === undefined) {
      const consumer = { name: `events.${topic}`, topic, ...(group === '' ? {} : { group }), ...(client === 'default' ? {} : { client }) };
      this.eventConsumers.set(key, (found = { consumer }));
    }
    return found;
  }

  /** Options of a path that takes events: those of `events` in the manifest (allowed_origins, allowed_rate, max_batch, inbox, ...). */
  eventEndpoint(path = '/events', options: Partial<EventEndpoint> = {}): this {
    merge(this.endpoint(path), options);
    return this;
  }

  /** Options of a topic whose messages are events: those of `event_consumers` in the manifest. */
  eventConsumer(topic: string, options: Partial<EventConsumer> & { group?: string; client?: string } = {}): this {
    const { group = '', client = 'default', ...rest } = options;
    merge(this.eventTopic(topic, group, client), rest);
    return this;
  }

  // ---- what it becomes

  /** The whole application as data. */
  manifest(): Record<string, any> {
    return this.plan().manifest;
  }

  /** @internal */
  plan(): Plan {
    const factories = new Map<number, Factory>();
    const tokens = new Map<number, unknown>();
    const routes: RoutePlan[] = [];
    const routeData: Record<string, any>[] = [];
    for (const { data: given, plan } of this.routes) {
      const { status: _, dependencies: __, ...data } = given;
      const own = this.routeDependencies.filter(([owner]) => owner === given);
      if (own.length > 0) data.dependencies = own.map(([, d]) => dependencyData(d, factories, tokens));
      const parameters: (readonly [ParameterGroup, string])[] = (data.parameters ?? []).map((p: any) => [GROUPS[p.in], p.in === 'header' ? p.name.toLowerCase() : p.name]);
      // What only the path names comes after those, in its order.
      for (const [, name] of (data.path as string).matchAll(SEGMENT)) if (!parameters.some(([group, other]) => group === 'path' && other === name)) parameters.push(['path', name]);
      routes.push({ ...plan, parameters });
      routeData.push(data);
    }
    const http = {
      listeners: [],
      routes: routeData,
      hooks: Object.fromEntries(PHASES.map((phase) => [phase, this.hooks[phase].map(({ name }) => name)])),
      dependencies: [...this.dependencies.values()].map((d) => dependencyData(d, factories, tokens)),
    };
    const manifest: Record<string, any> = { name: this.name, handle_signals: false, http };
    if (this.log !== undefined) manifest.log = { level: 'off' };
    const services = Object.fromEntries(Object.entries(this.services).filter(([, clients]) => Object.keys(clients).length > 0));
    if (Object.keys(services).length > 0) manifest.services = structuredClone(services);
    const consumers = this.consumers.map(({ data, handler, schema }) => {
      const { plan, json } = messagePlan(handler, schema);
      (manifest.consumers ??= []).push(json === undefined ? data : { ...data, schema: json });
      return plan;
    });
    const workers = this.workers(manifest);
    if (this.schedules.length > 0) manifest.schedules = structuredClone(this.schedules);
    const events = this.events.map(({ handler, schema }) => eventPlan(handler, schema));
    if (this.eventEndpoints.size > 0) manifest.events = structuredClone([...this.eventEndpoints.values()]);
    if (this.eventConsumers.size > 0) manifest.event_consumers = structuredClone([...this.eventConsumers.values()]);
    if ((consumers.length > 0 || workers.length > 0) && routeData.length === 0 && manifest.events === undefined && this.config.http === undefined) delete manifest.http; // nothing is served
    merge(manifest, this.config);
    return {
      manifest, routes, hooks: PHASES.map((phase) => this.hooks[phase].map(({ fn }) => fn)), factories, tokens, nextToken: 4294967296, consumers, workers, events,
      onStart: [...this.starts], onStop: [...this.stops], log: this.log,
    };
  }

  private workers(manifest: Record<string, any>): Plan['workers'] {
    const queues = new Map<string, Task[]>();
    for (const task of this.tasksByKey.values()) {
      const key = `${task.client}\n${task.queue}`;
      queues.set(key, [...(queues.get(key) ?? []), task]);
    }
    for (const key of this.workerOptions.keys()) {
      if (!queues.has(key)) throw new ConfigError(`worker: no task is in queue '${key.split('\n')[1]}' of tasks client '${key.split('\n')[0]}'`);
    }
    return [...queues].map(([key, tasks]) => {
      const [client, queue] = key.split('\n');
      const data: Record<string, any> = { name: client === 'default' ? queue : `${client}.${queue}`, ...this.workerOptions.get(key), queue, tasks: tasks.map(({ name }) => name) };
      if (client !== 'default') data.client = client;
      (manifest.workers ??= []).push(data);
      return { queue, client, tasks: new Map(tasks.map((task) => [task.name, taskPlan(task.handler as (args: any, run: TaskRun) => unknown, task.schema)])) };
    });
  }

  // ---- running

  /**
   * Serves until SIGTERM or SIGINT, then drains; the process then ends with 0 when nothing was abandoned. `workers`: that many threads, each of which runs the program. spikard.toml, PORT and SPIKARD_... of the
   * environment are laid over all of it.
   */
  run(options: RunOptions = {}): Promise<void> {
    return (require('./run') as typeof import('./run')).run(this, options);
  }

  /** Serves on a free port of the loopback interface, in this process. */
  testServer(): Promise<TestServer> {
    const { TestServer } = require('./testing') as typeof import('./testing');
    return new TestServer(this).start();
  }

  /** Runs under a virtual clock, with everything in memory. */
  testApp(options: TestAppOptions = {}): Promise<TestApp> {
    const { TestApp } = require('./testing') as typeof import('./testing');
    return new TestApp(this, options).start();
  }
}

/** `app.get(path, handler)` or `app.get(path, options, handler)`. */
export interface Method<Deps extends object, Self> {
  <P extends string>(path: P, handler: Handler<P, undefined, undefined, undefined, undefined, never, Deps>): Self;
  <P extends string, Q = undefined, H = undefined, C = undefined, B = undefined, D extends PropertyKey = never>(path: P, options: RouteOptions<Q, H, C, B, D>, handler: Handler<P, Q, H, C, B, D, Deps>): Self;
}

/** What a factory's value is: of a generator what it yields, of a promise what it resolves to. */
export type Made<T> = T extends Generator<infer Y> | AsyncGenerator<infer Y> ? Y : Awaited<T>;

function dependencyData(dependency: Dependency, factories: Map<number, Factory>, tokens: Map<number, unknown>): Record<string, any> {
  const { name, kind, scope, depends_on } = dependency.spec;
  const data: Record<string, any> = { name, kind, scope, depends_on, id: dependency.id };
  for (const key of Object.keys(data)) if (data[key] === undefined) delete data[key];
  if ((kind ?? 'value') === 'value') {
    data.token = dependency.token;
    data.type = jsonType(dependency.value) ?? null;
    tokens.set(dependency.token, dependency.value);
  } else {
    // The core says when a value is no longer used, so that nothing made for a request outlives it.
    data.cleanup = true;
    factories.set(dependency.id, dependency.value as Factory);
  }
  return data;
}

/** @internal */
export function merge(into: Record<string, any>, more: object): void {
  for (const [key, value] of Object.entries(more)) {
    const before = into[key];
    if (isPlain(value) && isPlain(before)) merge(before, value);
    else into[key] = structuredClone(value);
  }
}

function isPlain(value: unknown): value is Record<string, any> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
