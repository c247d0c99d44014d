// The Node.js harness of the fixture player (e2e/README.md): JSON lines in and out, one application at a time, built through the package's public API.
'use strict';
const { isUtf8 } = require('node:buffer');
const { randomUUID } = require('node:crypto');
const { openSync, writeSync } = require('node:fs');
const { createInterface } = require('node:readline');
const spikard = require('../../bindings/node');
const { backends, Handled, NotBuilt, only, Script, Toolbox, exact, told } = require('./toolbox.cjs');
const { App, CloudEvent, ConfigError, OperationError, Problem, Response, StreamingResponse, TestServer } = spikard;

// ---- what a handler can do (fixtures/README.md section 1)

const contentBytes = (content) => ('json' in content ? JSON.stringify(content.json) : 'text' in content ? content.text : Buffer.from(content.base64, 'base64'));
const headerLines = (headers) => Object.entries(headers).flatMap(([name, value]) => (Array.isArray(value) ? value : [value]).map((line) => [name, line]));

function responseOf(spec) {
  const { body } = spec;
  let content;
  let mediaType = body?.media_type;
  if (body !== undefined) {
    if ('text' in body) content = body.text;
    else if ('base64' in body) content = contentBytes(body);
    else if (typeof body.json === 'string') {
      content = JSON.stringify(body.json); // a string of its own would be text
      mediaType ??= 'application/json';
    } else content = body.json;
  }
  const response = new Response(content, { status: spec.status ?? 200, headers: headerLines(spec.headers ?? {}), mediaType });
  for (const c of spec.cookies ?? []) {
    response.setCookie(c.name, c.value ?? '', { maxAge: c.max_age, domain: c.domain, path: c.path, sameSite: c.same_site, secure: c.secure, httpOnly: c.http_only });
  }
  return response;
}

// Uploaded files as an echo has them: text where the bytes are UTF-8, else base64.
function shown(value) {
  if (Array.isArray(value)) return value.map(shown);
  if (value === null || typeof value !== 'object') return value;
  if (!(value.content instanceof Uint8Array)) return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, shown(one)]));
  const { content, ...file } = value;
  const bytes = Buffer.from(content);
  return isUtf8(bytes) ? { ...file, text: bytes.toString() } : { ...file, base64: bytes.toString('base64') };
}

function echo(route, request, spec) {
  const out = {};
  for (const part of spec.parts ?? []) {
    if (['path', 'query', 'headers', 'cookies'].includes(part)) out[part] = request[part];
    else if (part === 'body') out.body = shown(request.body ?? null);
    else if (part === 'auth') out.auth = request.auth;
    else if (part === 'context') out.context = request.context;
    else out[part] = (route.inject ?? []).map((name) => ({ name, value: request.deps[name] ?? null }));
  }
  return new Response(out, { status: spec.status ?? 200 });
}

async function* chunksOf(spec) {
  for (const [i, chunk] of spec.chunks.entries()) {
    if (i === spec.fail_after) break;
    if (i > 0 && spec.delay_ms) await spikard.sleep(spec.delay_ms);
    yield contentBytes(chunk);
  }
  if (spec.fail_after !== undefined && spec.fail_after <= spec.chunks.length) throw new Error('the stream fails, as the case says');
}

async function publish(spec) {
  let { payload } = spec;
  if (payload !== null && typeof payload === 'object') payload = payload.$text ?? (payload.$bytes === undefined ? payload : Buffer.from(payload.$bytes, 'base64'));
  await new spikard.Messaging().publish(spec.topic, payload);
  return new Response(undefined, { status: 202 });
}

const HANDLER_KEYS = {
  respond: 'kind status headers cookies body', echo: 'kind status parts', problem: 'kind problem', fail: 'kind message', sleep: 'kind ms then',
  stream: 'kind media_type chunks delay_ms fail_after', background: 'kind list field', background_list: 'kind list', publish: 'kind topic payload', log: 'kind level message attributes then',
};

function handlerOf(state, route, spec) {
  if (HANDLER_KEYS[spec.kind] === undefined) throw new NotBuilt(`handler ${spec.kind}`);
  only(spec, HANDLER_KEYS[spec.kind], 'handler');
  const then = spec.then === undefined ? undefined : handlerOf(state, route, spec.then);
  switch (spec.kind) {
    case 'respond':
      return () => responseOf(spec);
    case 'echo':
      return (request) => echo(route, request, spec);
    case 'problem':
      return async () => {
        throw Problem.from(spec.problem);
      };
    case 'fail':
      return () => {
        throw new Error(spec.message ?? 'fail');
      };
    case 'sleep':
      return async (request) => {
        await spikard.sleep(spec.ms);
        return then(request);
      };
    case 'stream':
      return () => new StreamingResponse(chunksOf(spec), { mediaType: spec.media_type });
    case 'background':
      return (request) => {
        const value = request.body[spec.field];
        request.background(() => (state.lists[spec.list] ??= []).push(value));
        return new Response({ queued: true }, { status: 202 });
      };
    case 'background_list':
      return () => ({ [spec.list]: state.lists[spec.list] ?? [] });
    case 'publish':
      return () => publish(spec);
    default:
      return (request) => {
        spikard.log(spec.level, spec.message, spec.attributes);
        return then(request);
      };
  }
}

function addRoute(app, state, spec) {
  only(spec, 'method path parameters body inject inject_types dependencies handler', 'route');
  const { handler, dependencies, ...route } = spec;
  if (route.body !== undefined) {
    // JSON is taken as text, as typed routes take it; what may be a form as nodes.
    const types = route.body.content_types ?? ['application/json'];
    route.body = { ...route.body, as: types.every((type) => type.includes('json')) ? 'text' : 'nodes' };
  }
  for (const dependency of dependencies ?? []) addDependency(app, state, dependency, route);
  app.addRoute(route, handlerOf(state, route, handler));
}

// ---- hooks

const unauthorized = (hadToken) => new Problem(401, { headers: [['www-authenticate', hadToken ? 'Bearer error="invalid_token"' : 'Bearer']] });

const HOOKS = {
  set_context: ['kind key value', (spec) => (request) => void (request.context[spec.key] = spec.value)],
  append_context: ['kind key value', (spec) => (request) => {
    const before = request.context[spec.key] ?? [];
    request.context[spec.key] = [...(Array.isArray(before) ? before : [before]), spec.value];
  }],
  set_response_header: ['kind name value', (spec) => (_, response) => response.setHeader(spec.name, spec.value)],
  append_response_header: ['kind name value', (spec) => (_, response) => response.appendHeader(spec.name, spec.value)],
  respond: ['kind status headers body', (spec) => async () => responseOf(spec)],
  fail: ['kind message', (spec) => async () => {
    throw new Error(spec.message ?? 'fail');
  }],
  require_bearer: ['kind tokens', (spec) => async (request) => {
    const [scheme, token] = (request.header('authorization') ?? '').split(/ (.*)/s);
    if (scheme.toLowerCase() !== 'bearer' || !token) throw unauthorized(false);
    if (!Object.hasOwn(spec.tokens, token)) throw unauthorized(true);
    Object.assign(request.context, spec.tokens[token]);
  }],
  require_context: ['kind key equals', (spec) => (request) => {
    if (JSON.stringify(request.context[spec.key]) !== JSON.stringify(spec.equals)) throw new Problem(403);
  }],
  limit_calls: ['kind max retry_after', (spec) => {
    let calls = 0;
    return () => {
      if (++calls > spec.max) throw new Problem(429, { headers: [['retry-after', String(spec.retry_after ?? 1)]] });
    };
  }],
};

function hookOf(spec) {
  const known = HOOKS[spec.kind];
  if (known === undefined) throw new NotBuilt(`hook ${spec.kind}`);
  only(spec, known[0], 'hook');
  return known[1](spec);
}

// ---- dependencies

function produce(state, name, produces) {
  if (produces === undefined || produces === null) return null;
  if (typeof produces === 'object') {
    only(produces, 'object', 'produces');
    return produces.object;
  }
  if (produces === 'uuid') return randomUUID();
  if (produces === 'counter') return { instance: (state.counters[name] = (state.counters[name] ?? 0) + 1) };
  throw new NotBuilt(`produces ${produces}`);
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

function factoryOf(state, spec) {
  const { name } = spec;
  const make = () => {
    state.trace.push(`open:${name}`);
    return produce(state, name, spec.produces);
  };
  const close = () => state.trace.push(`close:${name}`);
  if (spec.cleanup && spec.async) {
    return async function* () {
      await turn();
      yield make();
      await turn();
      close();
    };
  }
  if (spec.cleanup) {
    return function* () {
      yield make();
      close();
    };
  }
  return spec.async ? async () => (await turn(), make()) : make;
}

function addDependency(app, state, spec, route) {
  only(spec, 'name kind value async depends_on scope produces cleanup', 'dependency');
  const { name, kind, scope, depends_on } = spec;
  const data = Object.fromEntries(Object.entries({ name, kind, scope, depends_on }).filter(([, value]) => value !== undefined));
  app.addDependency(data, kind === 'value' ? (spec.value ?? null) : factoryOf(state, spec), { route });
}

// ---- the application

function addEvents(app, state, spec) {
  only(spec, 'path handler dispatch allowed_origins allowed_rate', 'cloudevents');
  const { handler, path, dispatch = {} } = spec;
  only(handler, 'kind event message', 'cloudevents.handler');
  if (!['echo_event', 'reply_event', 'fail'].includes(handler.kind)) throw new NotBuilt(`handler ${handler.kind}`);
  app.eventEndpoint(path, Object.fromEntries(['allowed_origins', 'allowed_rate'].filter((key) => key in spec).map((key) => [key, spec[key]])));
  const add = (type, name) =>
    app.event(type, { path }, async (event) => {
      state.events.push({ event: event.toJSON(), handler: name });
      if (handler.kind === 'fail') throw new Error(handler.message ?? 'fail');
      return handler.kind === 'reply_event' ? CloudEvent.from(handler.event) : undefined;
    });
  for (const [type, name] of Object.entries(dispatch)) add(type, name);
  if (dispatch['*'] === undefined) add('*', 'default');
}

function addConsumer(app, spec) {
  only(spec, 'topic group handler', 'consumers');
  const script = new Script(spec.handler);
  const handled = new Handled();
  app.consumer(spec.topic, { group: spec.group, name: `${spec.topic}.${spec.group}` }, (message) => handled.run(script.next(message.text), { payload: message.payload }));
}

function makeApp(spec, state) {
  only(spec, 'config hooks dependencies routes cloudevents consumers env', 'app');
  const { telemetry, ...http } = spec.config ?? {};
  only(spec.config ?? {}, 'request_id timeout limits telemetry auth cors compression static_files rate_limit', 'config');
  // A case has the routes it names, and no others: no health routes.
  const config = { log: { level: 'warn' }, shutdown: { timeout_ms: 2000 }, http: { ...http, health: { enabled: false } } };
  if (telemetry !== undefined) config.telemetry = telemetry;
  if (spec.consumers !== undefined || (spec.routes ?? []).some((route) => route.handler.kind === 'publish')) config.services = { messaging: { default: { url: 'memory:' } } };
  const app = new App('case', { config });
  if (spec.cloudevents !== undefined) addEvents(app, state, spec.cloudevents);
  for (const consumer of spec.consumers ?? []) addConsumer(app, consumer);
  for (const dependency of spec.dependencies ?? []) addDependency(app, state, dependency);
  only(spec.hooks ?? {}, 'on_request pre_validation pre_handler on_response on_error', 'hooks');
  for (const [phase, hooks] of Object.entries(spec.hooks ?? {})) for (const hook of hooks) app.addHook(phase, hookOf(hook));
  for (const route of spec.routes ?? []) addRoute(app, state, route);
  return app;
}

class Harness {
  state = { trace: [], counters: {}, lists: {}, events: [] };
  server = undefined;
  toolbox = undefined;
  told = { spans: [], logs: [] };
  env = {};

  async answer(line) {
    try {
      return { ok: true, ...(await this.run(exact(line))) };
    } catch (error) {
      if (error instanceof NotBuilt) return { ok: false, error: { type: 'not_built', message: error.message } };
      if (error instanceof ConfigError) return { ok: false, error: { type: /: ([a-z]+_(?:dependency|mismatch)): /.exec(error.message)?.[1] ?? 'invalid_argument', message: error.message } };
      if (error instanceof OperationError) return { ok: false, error: { kind: error.kind, detail: error.detail, message: error.message } };
      return { ok: false, error: { type: error?.constructor?.name ?? 'error', message: String(error?.stack ?? error) } };
    }
  }

  async run(request) {
    switch (request.op) {
      case 'start': {
        only(request, 'op app', 'start');
        await this.stop();
        this.state = { trace: [], counters: {}, lists: {}, events: [] };
        this.told = { spans: [], logs: [] };
        this.environment(request.app.env ?? {});
        this.server = await new TestServer(makeApp(request.app, this.state), 'env' in request.app).start();
        return { port: this.server.port };
      }
      case 'stop':
        only(request, 'op drain_timeout_ms', 'stop');
        return { report: await this.stop() };
      case 'trace':
        return { dependency_trace: this.state.trace };
      case 'events':
        return { events: this.state.events };
      case 'spans':
      case 'logs':
      case 'metrics':
        return { [request.op]: await this.telemetry(request.op) };
      case 'backends':
        only(request, 'op subsystem', 'backends');
        return { backends: backends(request.subsystem) };
      case 'client':
        only(request, 'op client', 'client');
        await this.close();
        this.told = { spans: [], logs: [] };
        this.toolbox = await Toolbox.open(request.client);
        return { capabilities: this.toolbox.driver.capabilities };
      case 'do':
        only(request, 'op do args', 'do');
        return { result: await this.toolbox.do(request.do, request.args) };
      case 'close':
        await this.close();
        return {};
      default:
        throw new NotBuilt(`op ${request.op}`);
    }
  }

  /** Set before the start, and put back by the next. */
  environment(env) {
    for (const [name, before] of Object.entries(this.env)) before === undefined ? delete process.env[name] : (process.env[name] = before);
    this.env = Object.fromEntries(Object.keys(env).map((name) => [name, process.env[name]]));
    Object.assign(process.env, env);
  }

  /** Since the start: the exporter gives each once. */
  async telemetry(what) {
    const running = this.server ?? this.toolbox.test;
    const client = new spikard.Telemetry();
    const ask = (fn) => TestServer.prototype.run.call(running, fn); // as it is: a virtual clock does not move for it
    if (what === 'metrics') return ask(() => client.collectMetrics());
    this.told[what].push(...(await ask(() => (what === 'spans' ? client.takeSpans() : client.takeLogs()))));
    return this.told[what];
  }

  async close() {
    const { toolbox } = this;
    this.toolbox = undefined;
    await toolbox?.close();
  }

  async stop() {
    const { server } = this;
    this.server = undefined;
    return server === undefined ? null : server.stop();
  }
}

async function main() {
  // Standard output is the protocol's alone: whatever else prints goes to standard error.
  const out = openSync('/proc/self/fd/1', 'w');
  console.log = console.info = console.debug = console.error;
  const harness = new Harness();
  for await (const line of createInterface({ input: process.stdin })) writeSync(out, `${told(await harness.answer(line))}\n`);
  await harness.close();
  await harness.stop();
}

main().then(() => process.exit(0));
