// @ts-check
// The orders service: ../orders/API.md is its interface, docs/guide/orders.md its story. Run it with `node orders.mjs`.
import { createHash } from 'node:crypto';
import { on, EventEmitter } from 'node:events';
import { pathToFileURL, fileURLToPath } from 'node:url';
import { App, CloudEvent, log, Nack, Problem, Response, stopping, StreamingResponse } from 'spikard';

/** @typedef {import('spikard').Database | import('spikard').Transaction} Where */
/** @typedef {'new' | 'confirmed' | 'shipped' | 'cancelled'} Status */
/** @typedef {{ sku: string, quantity: number, price: number }} Item */
/** @typedef {{ id: number, customer: string, status: Status, items: Item[], note: string | null, total: number, attachment: { size: number, sha256: string } | null }} Order */
/** @typedef {'created' | 'updated' | 'confirmed' | 'attached'} Change */

// One file for rows, messages and tasks, so that a transaction holds all three; a folder for objects.
const FILE = 'sqlite:data/orders.db';
const MIGRATIONS = fileURLToPath(new URL('../orders/migrations', import.meta.url));

export const app = new App('orders', { config: { http: { limits: { body_bytes: 100 * 1024 * 1024 } } } });
export const db = app.db({ url: FILE, migrations: MIGRATIONS, migrate_on_start: true });
app.messaging({ url: FILE });
app.tasks({ url: FILE });
export const files = app.storage({ url: 'file:data/objects' });
const cache = app.cache();

// ---- the types, as JSON Schema: the core checks them, and what handlers get is typed by them

const Statuses = /** @type {const} */ ({ enum: ['new', 'confirmed', 'shipped', 'cancelled'] });
const Note = /** @type {const} */ ({ type: ['string', 'null'], maxLength: 500 });
const Item = /** @type {const} */ ({
  type: 'object',
  properties: { sku: { type: 'string', pattern: '^[A-Z]{3}-[0-9]{4}$' }, quantity: { type: 'integer', minimum: 1, maximum: 1000 }, price: { type: 'number', minimum: 0 } },
  required: ['sku', 'quantity', 'price'],
  additionalProperties: false,
});
const NewOrder = /** @type {const} */ ({
  type: 'object',
  properties: { customer: { type: 'string', minLength: 1, maxLength: 100 }, items: { type: 'array', items: Item, minItems: 1, maxItems: 50 }, note: { ...Note, default: null } },
  required: ['customer', 'items'],
  additionalProperties: false,
});
const OrderPatch = /** @type {const} */ ({ type: 'object', properties: { status: Statuses, note: Note }, additionalProperties: false });
const Page = /** @type {const} */ ({
  type: 'object',
  properties: { status: Statuses, limit: { type: 'integer', minimum: 1, maximum: 100, default: 20 }, offset: { type: 'integer', minimum: 0, default: 0 } },
});

// ---- the orders in SQL

const COLUMNS = 'id, customer, status, items, note, total, attachment';

/** @type {(where: Where, id: number) => Promise<Order | undefined>} */
const find = (where, id) => where.first(`SELECT ${COLUMNS} FROM orders WHERE id = ?`, [id]);

/** By the cache: of many who ask at once one loads. @param {number} id @returns {Promise<Order | undefined>} */
async function cached(id) {
  const text = await cache.getOrLoad(`order:${id}`, async () => {
    const order = await find(db, id);
    return order === undefined ? null : JSON.stringify(order);
  }, { ttlMs: 600_000 });
  return text === null ? undefined : JSON.parse(text.toString());
}

/** What every change does, in its transaction: the row, a message that says so, and the order out of the cache. @param {import('spikard').Transaction} tx @param {Change} change @param {Order} order */
async function save(tx, change, order) {
  await tx.execute('UPDATE orders SET status = ?, note = ?, attachment = ? WHERE id = ?', [order.status, order.note, order.attachment, order.id]);
  await tx.publish(`orders.${change === 'attached' ? 'updated' : change}`, order, { key: String(order.id) });
  await tx.invalidate(`order:${order.id}`);
}

/** @param {number} id */
const none = (id) => new Problem(404, `No order ${id}`);

// ---- HTTP

// The row, the message and the task are one transaction: all of them, or none.
app.post('/orders', { body: NewOrder }, async ({ body }) => {
  const total = Math.floor(body.items.reduce((sum, item) => sum + item.quantity * item.price, 0) * 100 + 0.5) / 100;
  const order = await db.transaction(async (tx) => {
    const made = /** @type {Order} */ (
      await tx.first(`INSERT INTO orders (customer, items, note, total, placed_at) VALUES (?, ?, ?, ?, CURRENT_TIMESTAMP) RETURNING ${COLUMNS}`, [body.customer, body.items, body.note, total])
    );
    await tx.publish('orders.created', made, { key: String(made.id) });
    await tx.enqueue(invoice, made.id);
    return made;
  });
  tell('created', order);
  return new Response(order, { status: 201, headers: { location: `/orders/${order.id}` } });
});

app.get('/orders', { query: Page }, async ({ query: { status, limit, offset } }) => {
  const orders = await db.query(`SELECT ${COLUMNS} FROM orders WHERE ($1 IS NULL OR status = $1) ORDER BY id LIMIT $2 OFFSET $3`, [status, limit, offset]);
  return { orders, total: await db.value('SELECT count(*) FROM orders WHERE ($1 IS NULL OR status = $1)', [status]) };
});

app.get('/orders/{id:int}', async ({ path: { id } }) => {
  const order = await cached(id);
  if (order === undefined) throw none(id);
  return order;
});

app.patch('/orders/{id:int}', { body: OrderPatch }, async ({ path: { id }, body }) => {
  const order = await db.transaction(async (tx) => {
    const found = await find(tx, id);
    if (found === undefined) throw none(id);
    if (found.status === 'shipped' || found.status === 'cancelled') throw new Problem(409, `Order ${id} is ${found.status}`);
    Object.assign(found, body);
    await save(tx, 'updated', found);
    return found;
  });
  tell('updated', order);
  return order;
});

// Streamed into the store; nothing of it is seen before all of it is there.
app.put('/orders/{id:int}/attachment', { stream: true }, async (request) => {
  const { id } = request.path;
  if ((await cached(id)) === undefined) throw none(id);
  const digest = createHash('sha256');
  let size = 0;
  async function* chunks() {
    for await (const chunk of request.stream()) {
      digest.update(chunk);
      size += chunk.length;
      yield chunk;
    }
  }
  await files.writeStream(`attachments/${id}`, chunks());
  const sha256 = digest.digest('hex');
  const order = await db.transaction(async (tx) => {
    const found = await find(tx, id);
    if (found === undefined) throw none(id);
    found.attachment = { size, sha256 };
    await save(tx, 'attached', found);
    return found;
  });
  tell('attached', order);
  return { order: id, size, sha256 };
});

// A link that works for fifteen minutes without any credentials.
app.get('/orders/{id:int}/invoice', async ({ path: { id } }) => {
  if (!(await files.exists(invoiceKey(id)))) throw new Problem(404, `No invoice for order ${id} yet`);
  return { url: (await files.presign('GET', invoiceKey(id), { expiresS: 900 })).url };
});

app.get('/customers/{name}', async ({ path: { name } }) => {
  const row = await db.first('SELECT name, orders, spent FROM customers WHERE name = ?', [name]);
  if (row === undefined) throw new Problem(404, `No customer ${name}`);
  return row;
});

const changes = new EventEmitter().setMaxListeners(0);

/** To everyone who follows the feed of this process. @param {Change} change @param {Order} order */
function tell(change, order) {
  changes.emit('order', `event: order\ndata: ${JSON.stringify({ change, order })}\n\n`);
}

app.get('/orders/feed', ({ signal }) => {
  // Listening begins here, before the client hears that it is connected.
  const end = new AbortController();
  const events = on(changes, 'order', { signal: end.signal });
  for (const one of [signal, stopping()]) one.addEventListener('abort', () => end.abort(), { once: true });
  async function* feed() {
    try {
      yield ': connected\n\n';
      for await (const [event] of events) yield event;
    } catch (error) {
      if (!end.signal.aborted) throw error;
    } finally {
      end.abort();
    }
    if (!signal.aborted) yield 'retry: 1000\n\n';
  }
  return new StreamingResponse(feed(), { mediaType: 'text/event-stream', headers: { 'cache-control': 'no-cache' } });
});

// ---- what follows from an order, after the answer

// Who has ordered what. The inbox makes it once, however often the message comes.
app.consumer('orders.created', { group: 'customers', startFrom: 'earliest', deadLetter: 'orders.dead' }, async function countCustomer(message) {
  /** @type {Order} */
  const order = message.json;
  await db.transaction(async (tx) => {
    if (!(await tx.inbox('customers', String(order.id)))) return;
    await tx.execute('INSERT INTO customers (name, orders, spent) VALUES ($1, 1, $2) ON CONFLICT (name) DO UPDATE SET orders = customers.orders + 1, spent = customers.spent + excluded.spent', [order.customer, order.total]);
  });
});

/** @param {number} id */
const invoiceKey = (id) => `invoices/${id}.html`;
/** @param {string} text */
const escape = (text) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

/** @param {Order} order */
function render(order) {
  const title = `Invoice ${order.id}`;
  const rows = order.items.map((i) => `<tr><td>${escape(i.sku)}</td><td>${i.quantity}</td><td>${i.price.toFixed(2)}</td></tr>\n`).join('');
  return `<!doctype html><meta charset="utf-8"><title>${title}</title>\n<h1>${title}</h1>\n<p>${escape(order.customer)}</p>\n<table>\n${rows}</table>\n<p>Total: ${order.total.toFixed(2)}</p>\n`;
}

// Renders the invoice, then confirms the order. Run twice it does the same again.
export const invoice = app.task('invoice', async (/** @type {number} */ id) => {
  const key = invoiceKey(id);
  const order = await cached(id);
  if (order === undefined) throw new Error(`no order ${id}`);
  await files.write(key, render(order), { contentType: 'text/html; charset=utf-8', cacheControl: 'private, max-age=3600' });
  const confirmed = await db.transaction(async (tx) => {
    const found = await find(tx, id);
    if (found === undefined || found.status !== 'new') return undefined;
    found.status = 'confirmed';
    await save(tx, 'confirmed', found);
    return found;
  });
  if (confirmed === undefined) return key;
  tell('confirmed', confirmed);
  log('info', 'the invoice was rendered', { 'order.id': id, 'order.invoice': key });
  return key;
});

// Every night: what was sold, by customer, as an object of its own.
const report = app.task('report', async (_, run) => {
  const rows = await db.query('SELECT name, orders, spent FROM customers ORDER BY spent DESC, name');
  const key = `reports/${(run.scheduledAt ?? new Date()).toISOString().slice(0, 10)}.json`;
  await files.write(key, JSON.stringify(rows), { contentType: 'application/json' });
  return key;
});
app.schedule('0 3 * * *', report, { name: 'nightly' });

app.event('com.example.shipment.sent', {}, async (event) => {
  const id = event.data?.order;
  if (!Number.isInteger(id)) throw new Nack({ requeue: false }); // expected {"order": id}: it comes to nothing, however often it is sent
  const order = await db.transaction(async (tx) => {
    const found = await find(tx, id);
    if (found === undefined || found.status === 'shipped') return undefined;
    found.status = 'shipped';
    await save(tx, 'updated', found);
    return found;
  });
  if (order !== undefined) tell('updated', order);
});

// `orders.confirmed` goes to whoever listens there, as a CloudEvent.
const url = process.env.ORDERS_EVENTS_URL;
if (url) {
  const events = app.cloudEvents({ url, source: '/orders' });
  app.consumer('orders.confirmed', { group: 'events', deadLetter: 'orders.dead' }, async function tellOthers({ json: order }) {
    await events.send(new CloudEvent({ type: 'com.example.order.confirmed', source: '/orders', id: `order-${order.id}-confirmed`, subject: `orders/${order.id}`, data: order }));
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await app.run();
