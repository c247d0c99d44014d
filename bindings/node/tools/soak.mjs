// Memory under 200,000 requests and 100,000 operations: `node --expose-gc tools/soak.mjs [requests] [operations]`. Flat: at the end at most 5 % and 4 MB more than when a fifth was done. Needs wrk.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { App, Cache, Database, Messaging, Storage } from '../index.mjs';

const [requests = 200_000, operations = 100_000] = process.argv.slice(2).map(Number);
const app = new App('soak', { config: { log: { level: 'off' } } });
const memory = { url: 'memory:' };
app.cache(memory);
app.storage(memory);
app.db({ url: 'sqlite::memory:' });
app.messaging({ ...memory, retention_ms: 1000 }); // what was handled is kept for replay for so long
const body = { type: 'object', properties: { items: { type: 'array', items: { type: 'integer' } } }, required: ['items'] };
app.post('/sum', { body }, async (request) => {
  await null;
  return { sum: request.body.items.reduce((a, b) => a + b, 0) };
});
app.get('/fail', () => {
  throw new Error('as asked');
});
app.onError(() => undefined);
let handled = 0;
app.consumer('in', { name: 'in' }, () => void ++handled);

const resident = () => {
  globalThis.gc?.();
  return process.memoryUsage().rss / 2 ** 20;
};
let failures = 0;
/** Five parts; the first is the measure. */
async function flat(what, total, part) {
  let first = 0;
  for (let done = 0, i = 0; i < 5; ++i) {
    done += await part(Math.ceil(total / 5));
    const now = resident();
    first ||= now;
    console.log(`${what}: ${done} of ${total}, ${now.toFixed(1)} MB`);
    if (i === 4 && (now > first * 1.05 || now > first + 4) && ++failures) console.log(`not flat: ${first.toFixed(1)} MB, then ${now.toFixed(1)} MB`);
  }
}

const server = await app.testServer();
const lua = `wrk.method="POST" wrk.body='{"items":[1,2,3]}' wrk.headers["content-type"]="application/json"
local n=0 function request() n=n+1 if n%10==0 then return wrk.format("GET","/fail") end return wrk.format() end`;
const { writeFileSync, mkdtempSync } = await import('node:fs');
const script = `${mkdtempSync('/tmp/soak-')}/soak.lua`;
writeFileSync(script, lua);
await flat('requests', requests, async (n) => {
  let sent = 0;
  while (sent < n) {
    const wrk = spawn('wrk', ['-t1', '-c32', '-d2s', '-s', script, server.url], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    wrk.stdout.on('data', (data) => (text += data));
    await once(wrk, 'close');
    const count = Number(/(\d+) requests in/.exec(text)?.[1] ?? 0);
    if (count === 0) throw new Error(`wrk sent nothing: ${text}`);
    sent += count;
  }
  return sent;
});
await server.run(async () => {
  const [cache, files, db, messages] = [new Cache(), new Storage(), new Database(), new Messaging()];
  await db.execute('CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)');
  await flat('operations', operations, async (n) => {
    for (let i = 0; i < n; i += 8) {
      const k = `k${i % 1000}`;
      await Promise.all([
        cache.set(k, 'v'.repeat(100)), cache.get(k), cache.getOrLoad(`l${k}`, () => 'v'), files.write(k, Buffer.alloc(1000)), files.read(k).catch(() => {}),
        db.query('SELECT ? AS a', [i]), files.stat('none').catch(() => {}), messages.publish('in', k),
      ]);
    }
    return n;
  });
});
console.log(`${handled} messages were handled`);
await server.stop();
process.exitCode = failures > 0 ? 1 : 0;
