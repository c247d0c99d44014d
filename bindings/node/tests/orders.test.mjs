// examples/orders_node, by its interface (examples/orders/API.md): everything in memory, on a virtual clock.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const here = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(here, '../../examples/orders_node');
// As `npm install` there does it.
mkdirSync(join(folder, 'node_modules'), { recursive: true });
if (!existsSync(join(folder, 'node_modules/spikard'))) symlinkSync(here, join(folder, 'node_modules/spikard'));
const orders = await import(join(folder, 'orders.mjs'));

const ADA = { customer: 'Ada', items: [{ sku: 'ABC-0001', quantity: 2, price: 9.5 }] };
const json = { 'content-type': 'application/json' };
const EVENT = { 'ce-specversion': '1.0', 'ce-type': 'com.example.shipment.sent', 'ce-source': '/warehouse', 'ce-id': 's-1', ...json };

async function running(t) {
  const app = await orders.app.testApp();
  t.after(() => app.stop({ force: true }));
  const send = async (method, path, body, headers = json) => {
    const r = await app.fetch(path, { method, headers, body: body === undefined || typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body) });
    const text = await r.text();
    return { status: r.status, headers: r.headers, text, json: r.headers.get('content-type')?.includes('json') ? JSON.parse(text) : undefined };
  };
  return { app, send };
}

test('create, read, list, patch', async (t) => {
  const { app, send } = await running(t);
  const made = await send('POST', '/orders', ADA);
  assert.deepEqual([made.status, made.headers.get('location')], [201, '/orders/1']);
  assert.deepEqual(made.json, { id: 1, customer: 'Ada', status: 'new', items: ADA.items, note: null, total: 19, attachment: null });
  await app.settle();
  assert.equal((await send('GET', '/orders/1')).json.status, 'confirmed', 'the invoice was rendered');
  await send('POST', '/orders', ADA);
  await app.settle();
  const listed = (await send('GET', '/orders?limit=1')).json;
  assert.deepEqual([listed.total, listed.orders.map(({ id }) => id)], [2, [1]]);
  assert.equal((await send('GET', '/orders?offset=1')).json.orders[0].id, 2);
  assert.equal((await send('GET', '/orders?status=shipped')).text, '{"orders":[],"total":0}');
  assert.deepEqual((await send('GET', '/orders?status=lost')).json.errors[0].ctx, { expected: "'new', 'confirmed', 'shipped' or 'cancelled'" });
  assert.equal((await send('PATCH', '/orders/2', { note: 'ring twice' })).json.note, 'ring twice');
  const shipped = (await send('PATCH', '/orders/2', { status: 'shipped' })).json;
  assert.deepEqual([shipped.status, shipped.note], ['shipped', 'ring twice']);
  assert.deepEqual((await send('PATCH', '/orders/2', { note: null })).json, { type: 'https://spikard.dev/problems/conflict', title: 'Conflict', status: 409, detail: 'Order 2 is shipped' });
  assert.equal((await send('PATCH', '/orders/1', { note: 'x' })).json.note, 'x');
  assert.equal((await send('PATCH', '/orders/1', { note: null })).json.note, null);
  assert.deepEqual((await send('GET', '/orders/7')).json, { type: 'https://spikard.dev/problems/not-found', title: 'Not Found', status: 404, detail: 'No order 7' });
  assert.equal((await send('PATCH', '/orders/7', {})).status, 404);
  assert.equal((await send('POST', '/orders', { ...ADA, extra: 1 })).status, 422);
});

test('an order is counted and invoiced after the answer', async (t) => {
  const { app, send } = await running(t);
  assert.equal((await send('GET', '/orders/1/invoice')).status, 404);
  await send('POST', '/orders', ADA);
  await send('POST', '/orders', ADA);
  await app.settle();
  assert.deepEqual((await send('GET', '/customers/Ada')).json, { name: 'Ada', orders: 2, spent: 38 });
  assert.equal((await send('GET', '/customers/Bob')).json.detail, 'No customer Bob');
  const { url } = (await send('GET', '/orders/1/invoice')).json;
  const invoice = await send('GET', url);
  assert.deepEqual([invoice.status, invoice.headers.get('content-type')], [200, 'text/html; charset=utf-8']);
  assert.match(invoice.text, /<p>Total: 19.00<\/p>/);
  assert.equal((await send('GET', `${url}0`)).status, 403, 'another signature');
  await app.advance(16 * 60_000);
  assert.equal((await send('GET', url)).status, 403, 'expired');
});

test('an attachment is streamed into the store', async (t) => {
  const { app, send } = await running(t);
  const data = Buffer.alloc(1_000_000, 'attachment');
  const sha256 = createHash('sha256').update(data).digest('hex');
  assert.equal((await send('PUT', '/orders/1/attachment', data, {})).status, 404);
  await send('POST', '/orders', ADA);
  assert.deepEqual((await send('PUT', '/orders/1/attachment', data, {})).json, { order: 1, size: data.length, sha256 });
  assert.deepEqual((await send('GET', '/orders/1')).json.attachment, { size: data.length, sha256 });
  assert.ok((await app.run(() => orders.files.read('attachments/1'))).equals(data));
});

test('shipments and the nightly report', async (t) => {
  const { app, send } = await running(t);
  await send('POST', '/orders', ADA);
  await app.settle();
  assert.equal((await send('POST', '/events', { order: 1 }, EVENT)).status, 204);
  assert.equal((await send('GET', '/orders/1')).json.status, 'shipped');
  for (const wrong of [{ order: 'x' }, {}, null]) assert.equal((await send('POST', '/events', wrong, { ...EVENT, 'ce-id': 's-2' })).status, 400);
  await app.advance(24 * 3600_000);
  const report = await app.run(() => orders.files.read('reports/2026-01-01.json'));
  assert.deepEqual(JSON.parse(report), [{ name: 'Ada', orders: 1, spent: 19 }]);
});

test('the feed tells every change, and ends with the application', async (t) => {
  const { app, send } = await running(t);
  const response = await app.fetch('/orders/feed');
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const until = async (part) => {
    while (!text.includes(part)) {
      const { value, done } = await reader.read();
      if (done) break;
      text += value;
    }
    assert.ok(text.includes(part), `${part} in ${text}`);
  };
  await until(': connected');
  await send('POST', '/orders', ADA);
  await until('"change":"created"');
  await until('"change":"confirmed"');
  const stopped = app.stop();
  await until('retry: 1000');
  await stopped;
});
