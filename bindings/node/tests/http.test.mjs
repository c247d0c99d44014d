// HTTP through the package: what a handler gets, what its answer becomes, what happens when things go wrong.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import { App, CancelledError, ConfigError, Problem, Response, signal, sleep, StreamingResponse } from '../index.mjs';

const quiet = { log: { level: 'off' } };

/** A server for one test. */
async function serving(t, make, config = {}) {
  const app = new App('t', { config: { ...quiet, ...config } });
  make(app);
  const server = await app.testServer();
  t.after(() => server.stop({ force: true }));
  return server;
}

const post = (server, path, body, type = 'application/json') => server.fetch(path, { method: 'POST', body, headers: { 'content-type': type } });

test('typed parameters and their errors', async (t) => {
  const query = { type: 'object', properties: { verbose: { type: 'boolean', default: false }, tags: { type: 'array', items: { type: 'string' } } } };
  const headers = { type: 'object', properties: { 'X-Token': { type: 'string', minLength: 3 } }, required: ['X-Token'] };
  const server = await serving(t, (app) => {
    app.get('/users/{id:int}', { query }, ({ path, query }) => ({ path, query }));
    app.get('/token', { headers, cookies: { type: 'object', properties: { c: { type: 'integer' } } } }, ({ headers, cookies }) => ({ headers, cookies }));
  });
  assert.deepEqual(await (await server.fetch('/users/42?verbose=1&tags=a&tags=b')).json(), { path: { id: 42 }, query: { verbose: true, tags: ['a', 'b'] } });
  assert.deepEqual(await (await server.fetch('/users/42')).json(), { path: { id: 42 }, query: { verbose: false, tags: null } });
  assert.deepEqual(await (await server.fetch('/token', { headers: { 'x-token': 'abc', cookie: 'c=7' } })).json(), { headers: { 'x-token': 'abc' }, cookies: { c: 7 } });
  const refused = await server.fetch('/users/x');
  assert.equal(refused.status, 422);
  assert.deepEqual((await refused.json()).errors[0].loc, ['path', 'id']);
  assert.equal((await server.fetch('/token')).status, 422);
});

test('bodies: JSON with defaults, exact integers, raw bytes, forms', async (t) => {
  const body = { type: 'object', properties: { a: {}, b: { type: 'string', default: 'x' } }, required: ['a'] };
  const server = await serving(t, (app) => {
    app.post('/json', { body }, (request) => request.body);
    app.post('/kind', { body }, (request) => typeof request.body.a);
    app.post('/form', { body, contentTypes: ['application/x-www-form-urlencoded'] }, (request) => request.body);
    app.post('/raw', { raw: true }, (request) => new Response(request.body, { mediaType: 'application/x-own' }));
  });
  assert.equal(await (await post(server, '/json', '{"a": [1, 2.5, null, "ü\\n"]}')).text(), '{"a":[1,2.5,null,"ü\\n"],"b":"x"}');
  for (const digits of ['9007199254740993', '-9223372036854775808', '18446744073709551615', '123456789012345678901234567890']) {
    assert.equal(await (await post(server, '/json', `{"a": ${digits}}`)).text(), `{"a":${digits},"b":"x"}`);
    assert.equal(await (await post(server, '/kind', `{"a": ${digits}}`)).text(), 'bigint');
  }
  assert.equal(await (await post(server, '/json', '{"a": "1234567890123456789", "b": "\\u0000\\""}')).text(), '{"a":"1234567890123456789","b":"\\u0000\\""}');
  assert.deepEqual(await (await post(server, '/form', 'a=1&b=2', 'application/x-www-form-urlencoded')).json(), { a: '1', b: '2' });
  const big = Buffer.alloc(3_000_000, 'abcdefg');
  const raw = await post(server, '/raw', big, 'application/octet-stream');
  assert.equal(raw.headers.get('content-type'), 'application/x-own');
  assert.ok(Buffer.from(await raw.arrayBuffer()).equals(big));
  assert.equal((await post(server, '/json', '{"b": 1}')).status, 422);
  assert.equal((await post(server, '/json', '{')).status, 400);
  assert.equal((await post(server, '/json', 'a', 'text/plain')).status, 415);
});

test('answers', async (t) => {
  const server = await serving(t, (app) => {
    app.get('/text', () => 'ä');
    app.get('/bytes', () => Buffer.from([0, 255]));
    app.get('/nothing', () => undefined);
    app.get('/null', () => null);
    app.get('/number', async () => 7);
    app.get('/own', () => new Response({ a: 1n }, { status: 202, headers: { 'x-a': ['1', '2'] } }).setCookie('c', 'v', { httpOnly: true, sameSite: 'lax' }));
    app.get('/wrong', () => new Response('', { status: 99 }));
    app.get('/symbol', () => Symbol('s'));
    app.get('/circle', () => {
      const circle = {};
      circle.circle = circle;
      return circle;
    });
    app.post('/made', { status: 201 }, () => ({ ok: true }));
  });
  const told = async (path, init) => {
    const r = await server.fetch(path, init);
    return [r.status, r.headers.get('content-type'), await r.text()];
  };
  assert.deepEqual(await told('/text'), [200, 'text/plain; charset=utf-8', 'ä']);
  assert.deepEqual((await told('/bytes')).slice(0, 2), [200, 'application/octet-stream']);
  assert.deepEqual(await told('/nothing'), [204, null, '']);
  assert.deepEqual(await told('/null'), [200, 'application/json', 'null']);
  assert.deepEqual(await told('/number'), [200, 'application/json', '7']);
  assert.deepEqual(await told('/own'), [202, 'application/json', '{"a":1}']);
  const own = await server.fetch('/own');
  assert.deepEqual([own.headers.get('x-a'), own.headers.get('set-cookie')], ['1, 2', 'c=v; SameSite=Lax; HttpOnly']);
  assert.deepEqual((await told('/made', { method: 'POST' })).slice(0, 1), [201]);
  for (const path of ['/wrong', '/symbol', '/circle']) assert.equal((await told(path))[0], 500, path);
});

test('exceptions are problems without what they say; Problem says it', async (t) => {
  const logged = [];
  const app = new App('t', { log: (level, message, error) => logged.push([level, message, error]) });
  const secret = new TypeError('the secret');
  app.get('/fail', () => {
    throw secret;
  });
  app.get('/rejects', async () => {
    await null;
    throw secret;
  });
  app.get('/string', () => {
    throw 'text';
  });
  app.get('/problem', () => {
    throw new Problem(409, { detail: 'taken', type: 'name-taken', extensions: { name: 'x' }, headers: { 'retry-after': '3' } });
  });
  app.onError((request, response) => response.setHeader('x-error', request.error?.message ?? request.error));
  const server = await app.testServer();
  t.after(() => server.stop());
  for (const path of ['/fail', '/rejects']) {
    const r = await server.fetch(path);
    assert.equal(r.status, 500);
    assert.equal(r.headers.get('x-error'), 'the secret');
    assert.ok(!(await r.text()).includes('secret'));
  }
  assert.equal((await server.fetch('/string')).status, 500);
  assert.deepEqual(logged.map(([level, message]) => [level, message]), [['error', 'TypeError: the secret'], ['error', 'TypeError: the secret'], ['error', 'string: text']]);
  assert.equal(logged[0][2], secret);
  const r = await server.fetch('/problem');
  assert.equal(r.headers.get('retry-after'), '3');
  assert.deepEqual(await r.json(), { type: 'https://spikard.dev/problems/name-taken', title: 'Conflict', status: 409, detail: 'taken', name: 'x' });
});

test('answers go out in the order in which they are ready', async (t) => {
  const release = new Map();
  const begun = [];
  const server = await serving(t, (app) => {
    app.get('/wait/{n}', ({ path: { n } }) => new Promise((resolve) => {
      begun.push(n);
      release.set(n, () => resolve(n));
    }));
    app.get('/begun', () => begun.length);
  });
  const order = [];
  const all = ['a', 'b', 'c'].map((n) => server.fetch(`/wait/${n}`).then((r) => r.text()).then((n) => order.push(n)));
  while (begun.length < 3) await new Promise((resolve) => setImmediate(resolve));
  for (const n of ['c', 'a', 'b']) {
    const before = order.length;
    release.get(n)();
    while (order.length === before) await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(all);
  assert.deepEqual(order, ['c', 'a', 'b']);
});

test('pipelined requests on one connection are answered in their order', async (t) => {
  const server = await serving(t, (app) => {
    app.get('/slow', async () => (await sleep(20), 'slow'));
    app.get('/fast', () => 'fast');
  });
  const socket = connect(server.port, server.host);
  socket.end('GET /slow HTTP/1.1\r\nhost: a\r\n\r\nGET /fast HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
  let text = '';
  for await (const chunk of socket) text += chunk;
  assert.deepEqual(text.match(/slow|fast/g), ['slow', 'fast']);
});

test('streams: chunks as they come, back-pressure, an end when the client goes', async (t) => {
  let produced = 0;
  let ended;
  const over = new Promise((resolve) => (ended = resolve));
  const server = await serving(t, (app) => {
    app.get('/three', async function* () {
      for (const text of ['a', 'b', 'c']) yield text;
    });
    app.get('/endless', () => {
      async function* chunks() {
        try {
          for (;;) {
            produced += 65536;
            yield Buffer.alloc(65536);
          }
        } finally {
          ended(produced);
        }
      }
      return new StreamingResponse(chunks());
    });
    app.get('/breaks', () => new StreamingResponse((async function* () {
      yield 'a';
      throw new Error('broken');
    })()));
  });
  assert.equal(await (await server.fetch('/three')).text(), 'abc');
  const response = await server.fetch('/endless');
  const reader = response.body.getReader();
  await reader.read();
  await reader.cancel();
  assert.ok((await over) < 64 * 1024 * 1024, 'it made no more than the client would take');
  await assert.rejects(async () => (await server.fetch('/breaks')).text());
});

test('a streamed body, chunk by chunk', async (t) => {
  const server = await serving(t, (app) => {
    app.put('/upload', { stream: true }, async (request) => {
      let size = 0;
      for await (const chunk of request.stream()) size += chunk.length;
      return { size };
    });
    app.put('/early', { stream: true }, async () => 'not read');
  });
  assert.deepEqual(await (await server.fetch('/upload', { method: 'PUT', body: Buffer.alloc(1_000_001) })).json(), { size: 1_000_001 });
  assert.deepEqual(await (await server.fetch('/upload', { method: 'PUT' })).json(), { size: 0 });
  assert.equal(await (await server.fetch('/early', { method: 'PUT', body: 'abc' })).text(), 'not read');
});

test('a client that goes cancels the handler: signal, sleep, and reason', async (t) => {
  const seen = [];
  let arrived;
  const there = new Promise((resolve) => (arrived = resolve));
  let told;
  const over = new Promise((resolve) => (told = resolve));
  const server = await serving(t, (app) => {
    app.cache({ url: 'memory:' }); // with a client, it is known for whom code runs
    app.get('/wait', async (request) => {
      assert.equal(signal(), request.signal);
      request.signal.addEventListener('abort', () => seen.push('signal'));
      arrived();
      try {
        await sleep(60_000);
      } catch (error) {
        seen.push(error instanceof CancelledError, error.reason, request.cancelled);
        told();
        throw error;
      }
      return 'late';
    });
  });
  const socket = connect(server.port, server.host);
  socket.write('GET /wait HTTP/1.1\r\nhost: a\r\n\r\n');
  await there;
  socket.destroy();
  await once(socket, 'close');
  await over;
  assert.deepEqual(seen, ['signal', true, 'client_gone', true]);
});

test('a time-out answers 408 and cancels', async (t) => {
  let reason;
  const server = await serving(t, (app) => {
    app.get('/slow', { timeoutMs: 30 }, () => sleep(60_000).catch((error) => (reason = error.reason)));
  });
  assert.equal((await server.fetch('/slow')).status, 408);
  assert.equal(reason, 'deadline');
});

test('a request that is kept says that it was answered', async (t) => {
  let kept;
  const server = await serving(t, (app) => app.get('/', (request) => ((kept = request), request.method)));
  assert.equal(await (await server.fetch('/')).text(), 'GET');
  assert.throws(() => kept.rawPath, /has been answered/);
});

test('dependencies: scopes, clean-up in reverse order, after the answer', async (t) => {
  const trace = [];
  const app = new App('t', { config: quiet })
    .value('config', { url: 'x' })
    .dependency('pool', { scope: 'singleton', needs: ['config'], dispose: () => trace.push('close pool') }, ({ config }) => (trace.push(`open pool ${config.url}`), { sessions: 0 }))
    .dependency('session', { needs: ['pool'] }, async function* ({ pool }) {
      trace.push('open session');
      yield { number: ++pool.sessions };
      trace.push('close session');
    });
  app.get('/', { inject: ['session', 'config'] }, ({ deps }) => [deps.session.number, deps.config.url]);
  const server = await app.testServer();
  assert.deepEqual(await (await server.fetch('/')).json(), [1, 'x']);
  assert.deepEqual(await (await server.fetch('/')).json(), [2, 'x']);
  await server.stop();
  assert.deepEqual(trace, ['open pool x', 'open session', 'close session', 'open session', 'close session', 'close pool']);
});

test('hooks: context, headers, answers, and what they throw', async (t) => {
  const server = await serving(t, (app) => {
    app.onRequest(async (request) => void (request.context.user = request.header('x-user') ?? 'nobody'));
    app.preHandler((request) => (request.context.user === 'eve' ? new Response('no', { status: 403 }) : undefined));
    app.preHandler((request) => {
      if (request.context.user === 'bob') throw new Problem(401);
    });
    app.onResponse((request, response) => response.setHeader('x-status', String(response.status)));
    app.get('/', (request) => request.context.user);
  });
  const ask = async (user) => {
    const r = await server.fetch('/', { headers: { 'x-user': user } });
    return [r.status, await r.text(), r.headers.get('x-status')];
  };
  assert.deepEqual(await ask('ann'), [200, 'ann', '200']);
  assert.deepEqual((await ask('eve')).slice(0, 2), [403, 'no']);
  assert.equal((await ask('bob'))[0], 401);
});

test('background work runs after the answer, and the end waits for it', async () => {
  const done = [];
  const app = new App('t', { config: quiet });
  app.get('/', (request) => {
    request.background(async () => {
      await sleep(10);
      done.push('request');
    });
    return new Response('ok', { background: () => done.push('response') });
  });
  const server = await app.testServer();
  assert.equal(await (await server.fetch('/')).text(), 'ok');
  const report = await server.stop();
  assert.deepEqual(done, ['response', 'request']);
  assert.equal(report.components.background.finished, 2);
});

test('wrong applications are refused with what is wrong', async () => {
  const app = new App('t', { config: quiet });
  app.get('/{id:int}', { inject: ['missing'] }, () => 1);
  await assert.rejects(app.testServer(), (error) => error instanceof ConfigError && /missing/.test(error.message));
  assert.throws(() => new App().get('/', {}, 7), TypeError);
  assert.throws(() => new App().addHook('on_nothing', () => {}), ConfigError);
});

test('many at once', async (t) => {
  const server = await serving(t, (app) => app.post('/echo', { body: {} }, async ({ body }) => (await null, body)));
  const all = await Promise.all(Array.from({ length: 300 }, (_, i) => post(server, '/echo', JSON.stringify({ i })).then((r) => r.json())));
  assert.deepEqual(all, Array.from({ length: 300 }, (_, i) => ({ i })));
});

test('each hook of onError hears why; what cannot be shown is a failure like others', async (t) => {
  const seen = [];
  const thrown = [new Error('hunter2'), Object.create(null), Symbol('hunter2'), null, { get name() { throw new Error('hunter2'); } }, Object.assign(new Error('hunter2'), { constructor: undefined })];
  const server = await serving(t, (app) => {
    app.get('/{i:int}', ({ path }) => {
      throw thrown[path.i];
    });
    app.get('/later/{i:int}', async ({ path }) => {
      await null;
      throw thrown[path.i];
    });
    for (let n = 0; n < 2; ++n) app.onError((request) => void seen.push(request.error));
  });
  for (const path of ['', '/later']) {
    for (let i = 0; i < thrown.length; ++i) {
      const answer = await server.fetch(`${path}/${i}`);
      assert.equal(answer.status, 500);
      assert.doesNotMatch(await answer.text(), /hunter2/);
      assert.deepEqual(seen.splice(0), [thrown[i], thrown[i]]);
    }
  }
});

test('a drain under load answers what was begun', async (t) => {
  let open;
  const gate = new Promise((resolve) => (open = resolve));
  let entered = 0;
  let all;
  const inside = new Promise((resolve) => (all = resolve));
  const server = await serving(t, (app) => {
    app.get('/', async () => {
      if (++entered === 32) all();
      await gate;
      return 'done';
    });
  });
  const answers = Array.from({ length: 32 }, () => server.fetch('/').then((r) => r.text()));
  await inside;
  const stopped = server.stop();
  open();
  assert.deepEqual(await Promise.all(answers), Array(32).fill('done'));
  assert.equal((await stopped).exit_code, 0);
  await assert.rejects(server.fetch('/'));
});

test('a client that goes while its handler ends: the others are answered', async (t) => {
  let enter;
  let open;
  const server = await serving(t, (app) => {
    app.get('/wait', async ({ signal }) => {
      enter();
      await new Promise((resolve) => (open = resolve));
      signal.throwIfAborted();
      return 'late';
    });
    app.get('/', () => 'ok');
  });
  for (let i = 0; i < 50; ++i) {
    const inside = new Promise((resolve) => (enter = resolve));
    const socket = connect(server.port, '127.0.0.1', () => socket.write('GET /wait HTTP/1.1\r\nHost: x\r\n\r\n'));
    await inside;
    socket.destroy();
    open();
    assert.equal(await (await server.fetch('/')).text(), 'ok');
  }
  assert.equal((await server.stop()).exit_code, 0);
});
