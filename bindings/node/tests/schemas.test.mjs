// Schemas of Zod, Valibot, TypeBox and JSON Schema: the core checks them, their own parsers make the values.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Type } from '@sinclair/typebox';
import * as v from 'valibot';
import { z } from 'zod';
import { App, ConfigError, jsonSchema } from '../index.mjs';

const JSON_SCHEMA = { type: 'object', properties: { name: { type: 'string', minLength: 1 }, age: { type: 'integer', minimum: 0 } }, required: ['name', 'age'] };
const KINDS = {
  json: JSON_SCHEMA,
  zod: z.object({ name: z.string().min(1), age: z.int().min(0) }),
  valibot: v.object({ name: v.pipe(v.string(), v.minLength(1)), age: v.pipe(v.number(), v.integer(), v.minValue(0)) }),
  typebox: Type.Object({ name: Type.String({ minLength: 1 }), age: Type.Integer({ minimum: 0 }) }),
};

for (const [kind, schema] of Object.entries(KINDS)) {
  test(`${kind}: its JSON Schema, and what the core makes of it`, async (t) => {
    const json = jsonSchema(schema);
    assert.equal(json.$schema, undefined);
    assert.deepEqual([json.type, json.properties.name.minLength, json.properties.age.type, json.properties.age.minimum, [...json.required].sort()], ['object', 1, 'integer', 0, ['age', 'name']]);
    const app = new App('t', { config: { log: { level: 'off' } } });
    app.post('/', { body: schema }, ({ body }) => body);
    app.get('/', { query: schema }, ({ query }) => query);
    const server = await app.testServer();
    t.after(() => server.stop());
    const post = (body) => server.fetch('/', { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
    assert.deepEqual(await (await post({ name: 'a', age: 1 })).json(), { name: 'a', age: 1 });
    const refused = await (await post({ name: '', age: -1 })).json();
    assert.deepEqual(refused.errors.map(({ loc }) => loc), [['body', 'age'], ['body', 'name']]);
    assert.deepEqual(await (await server.fetch('/?name=b&age=7')).json(), { name: 'b', age: 7 });
    assert.equal((await server.fetch('/?name=b&age=x')).status, 422);
  });
}

test('what JSON Schema cannot say is the schema\'s own: refinements, transforms, asynchronous ones', async (t) => {
  const app = new App('t', { config: { log: { level: 'off' } } });
  const Range = z.object({ from: z.int(), to: z.int() }).refine(({ from, to }) => from <= to, { message: 'from is after to', path: ['from'] });
  app.post('/range', { body: Range }, ({ body }) => body);
  app.post('/length', { body: z.object({ text: z.string().transform((text) => text.length) }) }, ({ body }) => body.text + 1);
  app.post('/taken', { body: z.object({ name: z.string().refine(async (name) => name !== 'taken', 'is taken') }) }, ({ body }) => body.name);
  app.get('/when', { query: z.object({ at: z.iso.datetime().transform((text) => new Date(text)), n: z.int().default(3), no: z.string().optional() }) }, ({ query }) => [query.at.getTime(), query.n, query.no === undefined]);
  const server = await app.testServer();
  t.after(() => server.stop());
  const post = async (path, body) => (await server.fetch(path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })).json();
  assert.deepEqual(await post('/range', { from: 1, to: 2 }), { from: 1, to: 2 });
  const refused = await post('/range', { from: 3, to: 2 });
  assert.deepEqual([refused.status, refused.errors], [422, [{ type: 'validation_error', loc: ['body', 'from'], msg: 'from is after to', input: null }]]);
  assert.equal(await post('/length', { text: 'abc' }), 4);
  assert.equal((await post('/taken', { name: 'taken' })).errors[0].msg, 'is taken');
  assert.deepEqual(await (await server.fetch('/when?at=2026-01-01T00:00:00Z')).json(), [Date.UTC(2026, 0, 1), 3, true]);
});

test('consumers and tasks take them as well', async (t) => {
  const seen = [];
  const app = new App('t', { config: { log: { level: 'off' } } });
  const messages = app.messaging();
  app.consumer('m', { schema: z.object({ at: z.iso.date().transform((text) => new Date(text)) }), deadLetter: 'dead' }, ({ json }) => void seen.push(json.at.getTime()));
  const task = app.task('t', ({ n }) => void seen.push(n + 1), { schema: z.object({ n: z.int().refine((n) => n !== 13) }) });
  const tasks = app.tasks();
  const running = await app.testApp();
  t.after(() => running.stop({ force: true }));
  await running.run(async () => {
    await messages.publish('m', { at: '2026-01-01' });
    await messages.publish('m', { at: 'never' });
    await task.enqueue({ n: 1 });
  });
  const { id } = await running.run(() => task.enqueue({ n: 13 }));
  await running.settle();
  assert.deepEqual(seen.sort((a, b) => a - b), [2, Date.UTC(2026, 0, 1)]);
  assert.equal((await running.run(() => messages.listDeadLetters('dead'))).messages.length, 1);
  assert.equal((await running.run(() => tasks.job(id))).state, 'discarded');
});

test('a schema that does not say its JSON Schema is refused', () => {
  const own = { '~standard': { version: 1, vendor: 'own', validate: (value) => ({ value }) } };
  assert.throws(() => jsonSchema(own), (error) => error instanceof ConfigError && /own/.test(error.message));
  assert.throws(() => new App().get('/', { query: z.string() }, () => 1), /expected one of an object/);
});
