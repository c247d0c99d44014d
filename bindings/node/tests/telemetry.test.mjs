// Spans, logs and metrics of the application's own, and @opentelemetry/api over the core.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import * as api from '@opentelemetry/api';
import { App, log, sleep, span, Telemetry, traceparent } from '../index.mjs';

const { install } = createRequire(import.meta.url)('../dist/otel.js');
const telemetry = new Telemetry();
const PARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

async function serving(t, make) {
  const app = new App('t', { config: { log: { level: 'off' }, telemetry: { exporter: 'memory', sampler: 'always_on' } } });
  make(app);
  const server = await app.testServer();
  t.after(() => server.stop({ force: true }));
  const spans = [];
  /** Until this many spans have ended. */
  const ended = async (n) => {
    while (spans.length < n) {
      spans.push(...(await server.run(() => telemetry.takeSpans())));
      await new Promise((resolve) => setImmediate(resolve));
    }
    return Object.fromEntries(spans.map((one) => [one.name, one]));
  };
  return { server, ended };
}

test('spans nest under the request, also after an await; an exception is noted', async (t) => {
  const { server, ended } = await serving(t, (app) => {
    app.get('/', () => span('outer', { attributes: { a: 1 } }, async (outer) => {
      await sleep(1);
      outer.setAttribute('b', [1, 2]);
      await span('inner', async () => {
        await null;
        throw new TypeError('broken');
      }).catch(() => {});
      return traceparent();
    }));
  });
  const here = await (await server.fetch('/', { headers: { traceparent: PARENT } })).text();
  const { outer, inner, 'GET /': request } = await ended(3);
  assert.equal(request.trace_id, PARENT.split('-')[1]);
  assert.deepEqual([outer.parent_span_id, inner.parent_span_id], [request.span_id, outer.span_id]);
  assert.equal(here.split('-')[2], outer.span_id);
  assert.deepEqual([outer.attributes.a, outer.attributes.b, outer.status], [1, [1, 2], 'unset']);
  assert.deepEqual([inner.status, inner.status_message, inner.events[0].attributes['exception.type']], ['error', 'broken', 'TypeError']);
});

test('log records and console lines belong to their span', async (t) => {
  const { server, ended } = await serving(t, (app) => {
    app.get('/', () => {
      log('warn', 'told', { n: 1, error: new RangeError('why') });
      console.error('printed %d', 7);
    });
  });
  await server.fetch('/');
  const { 'GET /': request } = await ended(1);
  const logs = await server.run(() => telemetry.takeLogs());
  const told = logs.find(({ body }) => body === 'told');
  const printed = logs.find(({ body }) => body === 'printed 7');
  assert.deepEqual([told.span_id, told.attributes.n, told.attributes['exception.type']], [request.span_id, 1, 'RangeError']);
  assert.equal(printed.span_id, request.span_id);
});

test('metrics', async (t) => {
  const { server } = await serving(t, (app) => app.get('/', async () => telemetry.add('shop.orders', { value: 2, attributes: { kind: 'a' } })));
  await server.fetch('/');
  await server.fetch('/');
  const metrics = await server.run(() => telemetry.collectMetrics());
  assert.ok(JSON.stringify(metrics).includes('shop.orders'));
});

test('@opentelemetry/api: its spans are of the same trace, both ways', async (t) => {
  install();
  const tracer = api.trace.getTracer('library');
  const { server, ended } = await serving(t, (app) => {
    app.get('/', () => tracer.startActiveSpan('library', { kind: api.SpanKind.CLIENT, attributes: { k: 'v' } }, async (theirs) => {
      await sleep(1);
      const ours = await span('ours', async () => {
        await null;
        return api.trace.getActiveSpan().spanContext().spanId;
      });
      theirs.setStatus({ code: api.SpanStatusCode.ERROR, message: 'm' });
      theirs.end();
      return [theirs.spanContext().spanId, ours];
    }));
  });
  const [theirs, ours] = await (await server.fetch('/')).json();
  const spans = await ended(3);
  assert.deepEqual([spans.library.span_id, spans.ours.span_id], [theirs, ours]);
  assert.deepEqual([spans.library.parent_span_id, spans.ours.parent_span_id], [spans['GET /'].span_id, theirs]);
  assert.deepEqual([spans.library.kind, spans.library.attributes.k, spans.library.status], ['client', 'v', 'error']);
});
