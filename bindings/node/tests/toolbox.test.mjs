// The toolbox and its handlers, everything in memory under a virtual clock.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { App, CancelledError, CloudEvent, ConfigError, Decimal, Fatal, Message, Nack, OperationError, Retry, sleep, TaskRun } from '../index.mjs';

const quiet = { log: { level: 'off' } };

async function testing(t, make = () => {}, options = {}) {
  const app = new App('t', { config: quiet });
  const made = make(app);
  const running = await app.testApp(options);
  t.after(() => running.stop({ force: true }));
  return { app, test: running, made };
}

test('cache: bytes, text, ttl, namespaces, counters', async (t) => {
  const { test, made: cache } = await testing(t, (app) => app.cache());
  await test.run(async () => {
    assert.equal(await cache.get('k'), null);
    await cache.set('k', 'ä', { ttlMs: 1000 });
    assert.equal(await cache.getText('k'), 'ä');
    assert.ok(Buffer.isBuffer(await cache.get('k')));
    assert.equal(await cache.ttl('k'), 1000);
    assert.equal(await cache.namespaced('n').get('k'), null);
    assert.equal(await cache.increment('n'), 1);
    assert.equal(await cache.increment('n', { by: 9007199254740993n }), 9007199254740994n);
    await cache.setMany({ a: '1', b: Buffer.from([0]) }, { tags: ['t'] });
    assert.deepEqual(await cache.getMany(['a', 'x', 'b']), [Buffer.from('1'), null, Buffer.from([0])]);
    await cache.invalidateTags(['t']);
    assert.equal(await cache.exists('a'), false);
    await assert.rejects(cache.increment('k'), (error) => error instanceof OperationError && error.kind === 'invalid_argument' && error.detail === 'not_an_integer' && error.retry === 'permanent');
  });
  await test.advance(1001);
  assert.equal(await test.run(() => cache.get('k')), null);
});

test('getOrLoad: one load at a time, errors with their cause, refresh in the background', async (t) => {
  const { test, made: cache } = await testing(t, (app) => app.cache());
  let loads = 0;
  const load = async () => {
    ++loads;
    await sleep(10);
    return `v${loads}`;
  };
  const values = await test.run(() => Promise.all([1, 2, 3].map(() => cache.getOrLoad('k', load, { ttlMs: 1000, earlyRefreshMs: 500 }))));
  assert.deepEqual([values.map(String), loads], [['v1', 'v1', 'v1'], 1]);
  await test.advance(600);
  assert.equal(String(await test.run(() => cache.getOrLoad('k', load, { ttlMs: 1000, earlyRefreshMs: 500 }))), 'v1');
  await test.advance(20);
  assert.equal(String(await test.run(() => cache.get('k'))), 'v2');
  const broken = new Error('broken');
  await assert.rejects(test.run(() => cache.getOrLoad('e', () => Promise.reject(broken))), (error) => error instanceof OperationError && error.detail === 'load_failed' && error.cause === broken);
  assert.equal(await test.run(() => cache.getOrLoad('none', () => undefined)), null);
});

test('storage: objects, ranges, streams both ways, a stream that fails writes nothing', async (t) => {
  const { test, made: files } = await testing(t, (app) => app.storage());
  await test.run(async () => {
    await files.write('a/b', 'hello', { contentType: 'text/plain', metadata: { k: 'v' } });
    assert.equal((await files.read('a/b', { offset: 1, length: 3 })).toString(), 'ell');
    const { object } = await files.readObject('a/b');
    assert.deepEqual([object.content_type, object.metadata, object.size], ['text/plain', { k: 'v' }, 5]);
    const big = Buffer.alloc(1_000_000, '0123456789');
    await files.writeStream('big', (function* () {
      for (let at = 0; at < big.length; at += 70_000) yield big.subarray(at, at + 70_000);
    })());
    const stream = files.readStream('big');
    assert.ok((await stream.bytes()).equals(big));
    assert.equal(stream.result.size, big.length);
    for await (const chunk of files.readStream('big')) {
      assert.ok(chunk.length > 0);
      break; // the rest is not read
    }
    const broken = new Error('broken');
    await assert.rejects(files.writeStream('no', (async function* () {
      yield 'a';
      throw broken;
    })()), (error) => error === broken);
    assert.equal(await files.exists('no'), false);
    const keys = [];
    for await (const { key } of files.iterate('a/')) keys.push(key);
    assert.deepEqual(keys, ['a/b']);
    await assert.rejects(files.read('none'), { kind: 'not_found' });
  });
});

test('db: values of JavaScript, transactions, savepoints, cursors, streams', async (t) => {
  const { test, made: db } = await testing(t, (app) => app.db());
  await test.run(async () => {
    await db.execute('CREATE TABLE t (id INTEGER PRIMARY KEY, d DECIMAL_TEXT, at TIMESTAMP, b BLOB, j TEXT)');
    const at = new Date('2026-03-01T12:00:00.123Z');
    assert.equal(await db.execute('INSERT INTO t VALUES (?, ?, ?, ?, ?)', [9007199254740993n, new Decimal('1.10'), at, Buffer.from([1, 2]), { a: [1] }]), 1);
    const rows = await db.query('SELECT * FROM t WHERE id = :id', { id: 9007199254740993n });
    assert.deepEqual(rows.columns, ['id', 'd', 'at', 'b', 'j']);
    assert.equal(rows[0].id, 9007199254740993n);
    assert.deepEqual([String(rows[0].d), rows[0].at, rows[0].b, JSON.parse(rows[0].j)], ['1.10', at, Buffer.from([1, 2]), { a: [1] }]);
    assert.equal(await db.first('SELECT * FROM t WHERE id = 1'), undefined);
    await assert.rejects(db.execute('INSERT INTO t (id) VALUES (?)', [9007199254740993n]), { kind: 'already_exists', detail: 'unique_violation' });
    await assert.rejects(db.execute('INSERT INTO t (id) VALUES (?)', [Number.NaN]), { kind: 'invalid_argument' });
    await assert.rejects(db.transaction(async (tx) => {
      await tx.execute('INSERT INTO t (id) VALUES (1)');
      throw new RangeError('out');
    }), RangeError);
    assert.equal(await db.value('SELECT count(*) FROM t'), 1);
    await db.transaction(async (tx) => {
      await tx.execute('INSERT INTO t (id) VALUES (1)');
      await tx.savepoint((inner) => inner.execute('INSERT INTO t (id) VALUES (1)')).catch(() => {});
      await tx.savepoint((inner) => inner.execute('INSERT INTO t (id) VALUES (2)'));
    });
    await db.batch('INSERT INTO t (id) VALUES (?)', [[3], [4], [5]]);
    const ids = [];
    for await (const row of db.iterate('SELECT id FROM t WHERE id < 100 ORDER BY id', [], { atOnce: 2 })) ids.push(row.id);
    assert.deepEqual(ids, [1, 2, 3, 4, 5]);
    for await (const row of db.iterate('SELECT id FROM t', [], { atOnce: 1 })) {
      assert.ok(row.id);
      break;
    }
    const stream = db.queryStream('SELECT id FROM t WHERE id < 3 ORDER BY id', [], { format: 'ndjson' });
    assert.equal((await stream.bytes()).toString(), '{"id":1}\n{"id":2}\n');
    assert.equal(stream.result, 2);
    const tx = await db.begin();
    await tx.commit();
    await assert.rejects(tx.execute('SELECT 1'), { kind: 'not_found' });
  });
});

test('rows and objects as answers that the core makes', async (t) => {
  const { test } = await testing(t, (app) => {
    const db = app.db();
    const files = app.storage();
    app.onStart(() => db.execute('CREATE TABLE t (id INTEGER)'));
    app.post('/t/{id:int}', ({ path }) => db.execute('INSERT INTO t VALUES (?)', [path.id]));
    app.get('/t', () => db.query('SELECT id FROM t ORDER BY id').response());
    app.get('/tx', () => db.transaction(async (tx) => [...(await tx.query('SELECT id FROM t ORDER BY id'))]));
    app.put('/files/{name}', { stream: true }, ({ path }) => files.accept(path.name));
    app.get('/files/{name}', ({ path }) => files.object(path.name));
  });
  for (const id of [1, 2]) assert.equal(await (await test.fetch(`/t/${id}`, { method: 'POST' })).text(), '1');
  for (const path of ['/t', '/tx']) assert.equal(await (await test.fetch(path)).text(), '[{"id":1},{"id":2}]');
  assert.equal((await test.fetch('/files/a', { method: 'PUT', body: 'hello', headers: { 'content-type': 'text/x-own' } })).status, 201);
  const part = await test.fetch('/files/a', { headers: { range: 'bytes=1-2' } });
  assert.deepEqual([part.status, part.headers.get('content-type'), await part.text()], [206, 'text/x-own', 'el']);
  assert.equal((await test.fetch('/files/none')).status, 404);
});

test('consumers: schema, outcomes, dead letters', async (t) => {
  const seen = [];
  let tries = 0;
  const { test, made: messages } = await testing(t, (app) => {
    app.consumer('orders.*', { group: 'g', schema: { type: 'object', properties: { id: { type: 'integer' } }, required: ['id'] }, maxRetries: 1, backoff: { initial_ms: 100 }, deadLetter: 'dead' }, async (message) => {
      assert.ok(message instanceof Message);
      seen.push([message.topic, message.json.id, message.deliveryCount, message.headers.h]);
      if (message.json.id === 2) throw new Error('always');
      if (message.json.id === 3) return new Nack({ requeue: false });
      if (message.json.id === 4 && ++tries === 1) return new Retry(1000);
    });
    return app.messaging();
  });
  await test.run(async () => {
    for (const id of [1, 2, 3, 4, 'wrong']) await messages.publish('orders.made', { id }, { headers: { h: 'v' } });
  });
  await test.advance(2000);
  assert.deepEqual(seen.map(([, id]) => id).sort(), [1, 2, 2, 3, 4, 4]);
  assert.deepEqual(seen[0], ['orders.made', 1, 1, 'v']);
  const dead = (await test.run(() => messages.listDeadLetters('dead', { payloads: true }))).messages;
  assert.equal(dead.length, 3);
});

test('tasks: results, retries, fatal, unknown, cancellation, schedules', async (t) => {
  const seen = [];
  const { test, made } = await testing(t, (app) => {
    const add = app.task('add', ({ a, b }, run) => {
      assert.ok(run instanceof TaskRun);
      return { sum: a + b, attempt: run.attempt };
    });
    const fatal = app.task('fatal', () => {
      throw new Fatal('no use');
    }, { queue: 'other' });
    const slow = app.task('slow', async (_, run) => {
      await run.progress({ at: 1 });
      try {
        await sleep(10_000);
      } catch (error) {
        seen.push(error instanceof CancelledError, run.signal.aborted);
        throw error;
      }
    });
    const tick = app.task('tick', (_, run) => void seen.push(run.scheduledAt.toISOString()));
    app.schedule('0 3 * * *', tick, { name: 'nightly' });
    app.worker('other', { concurrency: 1 });
    return { add, fatal, slow, tasks: app.tasks() };
  });
  const { id } = await test.run(() => made.add.enqueue({ a: 1, b: 2 }, { delayMs: 1000 }));
  await test.advance(1000);
  const job = await test.run(() => made.tasks.job(id));
  assert.deepEqual([job.state, job.result], ['completed', { sum: 3, attempt: 1 }]);
  const lost = await test.run(() => made.fatal.enqueue(null));
  await test.settle();
  assert.equal((await test.run(() => made.tasks.job(lost.id))).state, 'discarded');
  const slow = await test.run(() => made.slow.enqueue(null));
  await test.advance(1);
  assert.equal(await test.run(() => made.tasks.cancel(slow.id)), true);
  await test.advance(10_000);
  assert.deepEqual(seen, [true, true]);
  seen.length = 0;
  await test.advance(48 * 3600_000);
  assert.deepEqual(seen, ['2026-01-01T03:00:00.000Z', '2026-01-02T03:00:00.000Z']);
});

test('a transaction holds rows, messages, tasks and purges, or none of them', async (t) => {
  const seen = [];
  const { test, made } = await testing(t, (app) => {
    const url = 'sqlite:one.db'; // a test has it in memory
    const db = app.db({ url });
    app.messaging({ url });
    app.tasks({ url });
    const cache = app.cache();
    app.consumer('made', { startFrom: 'earliest' }, (message) => void seen.push(['message', message.json]));
    const task = app.task('task', (args) => void seen.push(['task', args]));
    return { db, cache, task };
  });
  const { db, cache, task } = made;
  const both = async (fail) => db.transaction(async (tx) => {
    await tx.publish('made', 1);
    await tx.enqueue(task, 2);
    await tx.invalidate('k');
    if (fail) throw new Error('no');
  });
  await test.run(() => cache.set('k', 'v'));
  await assert.rejects(test.run(() => both(true)), /no/);
  await test.settle();
  assert.deepEqual([seen, await test.run(() => cache.getText('k'))], [[], 'v']);
  await test.run(() => both(false));
  await test.advance(1000);
  assert.deepEqual([seen.sort(), await test.run(() => cache.get('k'))], [[['message', 1], ['task', 2]], null]);
});

test('CloudEvents over HTTP, with a reply', async (t) => {
  const seen = [];
  const { test, made: events } = await testing(t, (app) => {
    app.event('com.example.*', {}, (event) => {
      seen.push(event);
      return new CloudEvent({ type: 'com.example.reply', source: '/me', id: 'r', data: { to: event.id } });
    });
    app.event('typed', { schema: { type: 'object' } }, () => new Nack({ requeue: false }));
    return app.cloudEvents();
  });
  const headers = { 'ce-specversion': '1.0', 'ce-type': 'com.example.x', 'ce-source': '/s', 'ce-id': 'i', 'ce-own': 'o', 'content-type': 'application/json' };
  const r = await test.fetch('/events', { method: 'POST', headers, body: '{"a":1}' });
  assert.deepEqual([r.status, r.headers.get('ce-type'), await r.json()], [200, 'com.example.reply', { to: 'i' }]);
  assert.deepEqual([seen[0].data, seen[0].extensions], [{ a: 1 }, { own: 'o' }]);
  assert.equal((await test.fetch('/events', { method: 'POST', headers: { ...headers, 'ce-type': 'typed' }, body: '{}' })).status, 400);
  assert.equal((await test.fetch('/events', { method: 'POST', headers: { ...headers, 'ce-type': 'unknown' }, body: '{}' })).status, 400);
  await test.run(async () => {
    const encoded = await events.encode(seen[0], { mode: 'structured' });
    assert.equal(JSON.parse(encoded.body.toString()).own, 'o');
    assert.equal((await events.decode({ headers: encoded.headers, body: encoded.body })).events[0].id, 'i');
  });
});

test('operations end with their signal, their handler, and the application', async (t) => {
  const app = new App('t', { config: quiet });
  app.cache();
  const server = await app.testServer();
  const abort = new AbortController();
  const waiting = assert.rejects(server.run(() => sleep(60_000, { signal: abort.signal })), (error) => error === abort.signal.reason);
  setImmediate(() => abort.abort(new Error('enough')));
  await waiting;
  const ended = assert.rejects(server.run(() => sleep(60_000)), { name: 'AbortError', reason: 'shutdown' });
  await server.stop({ force: true });
  await ended;
  await assert.rejects(app.cache().get('k'), /no application runs here/);
  t.diagnostic('ended');
});

test('faults are made, and are the same for a seed', async (t) => {
  const runs = [];
  for (let i = 0; i < 2; ++i) {
    const { test, made: db } = await testing(t, (app) => app.db(), { faults: { seed: 7, unavailable: 0.3 } });
    const outcomes = [];
    for (let n = 0; n < 20; ++n) outcomes.push(await test.run(() => db.value('SELECT 1').then(() => 'ok', (error) => error.kind)));
    runs.push(JSON.stringify([outcomes, await test.faults()]));
  }
  assert.equal(runs[0], runs[1]);
  assert.match(runs[0], /"unavailable"/);
});

test('an unknown client is named with those there are', async (t) => {
  const { test } = await testing(t);
  const { Cache } = await import('../index.mjs');
  await assert.rejects(test.run(() => new Cache('sessions').get('k')), (error) => error instanceof ConfigError && /'sessions'.*default/.test(error.message));
});
