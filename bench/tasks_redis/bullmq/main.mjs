// BullMQ with its defaults: `main.mjs URL JOBS`; one JSON line, µs of CPU time of this process a job.
import { Queue, Worker } from 'bullmq';

const [url, count] = [process.argv[2], Number(process.argv[3])];
const { hostname: host, port } = new URL(url);
const connection = { host, port: Number(port), maxRetriesPerRequest: null };
const underWay = 100;
const atOnce = 1000;
const data = (i) => ({ order: i, note: 'leave it at the door' });
const cpu = () => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

const queue = new Queue('work', { connection });
await queue.waitUntilReady();
let begun = cpu();
let next = 0;
await Promise.all(
  Array.from({ length: underWay }, async () => {
    while (next < count) await queue.add('work', data(next++));
  }),
);
const add = (cpu() - begun) / count;
begun = cpu();
for (let at = 0; at < count; at += atOnce) {
  await queue.addBulk(Array.from({ length: Math.min(atOnce, count - at) }, (_, i) => ({ name: 'work', data: data(at + i) })));
}
const bulk = (cpu() - begun) / count;
begun = cpu();
const at = performance.now();
let done = 0;
await new Promise((resolve, reject) => {
  const worker = new Worker('work', async () => null, { connection, concurrency: underWay });
  worker.on('completed', () => {
    if (++done === 2 * count) resolve(worker.close());
  });
  worker.on('failed', (_, error) => reject(error));
});
const run = (cpu() - begun) / (2 * count);
const rate = (2 * count) / ((performance.now() - at) / 1000);
await queue.close();
console.log(JSON.stringify({ add, bulk, run, 'run/s': rate }));
process.exit(0);
