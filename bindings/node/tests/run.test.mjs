// A program as it is run: its manifest, signals, exit code, processes, and the package as it is installed.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const here = dirname(dirname(fileURLToPath(import.meta.url)));

function folder(t) {
  const made = mkdtempSync(join(tmpdir(), 'spikard-node-'));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

const PROGRAM = `
const { App, sleep, stopping, StreamingResponse } = require(${JSON.stringify(here)});
const app = new App('program', { config: JSON.parse(process.env.CONFIG ?? '{}') });
app.get('/', () => require('node:worker_threads').threadId);
app.get('/slow', async () => { process.stdout.write('begun\\n'); await sleep(300); return 'done'; });
app.get('/stuck', async () => { process.stdout.write('begun\\n'); await sleep(60000); });
app.get('/die', () => (require('node:worker_threads').isMainThread ? 'main' : process.exit(3)));
app.onStart(() => process.stdout.write('start\\n'));
app.onStop(() => process.stdout.write('stop\\n'));
app.run({ port: Number(process.env.AT ?? 0), workers: Number(process.env.WORKERS ?? 1) });
`;

function start(t, env = {}) {
  const dir = folder(t);
  writeFileSync(join(dir, 'program.cjs'), PROGRAM);
  const child = spawn(process.execPath, ['program.cjs'], { cwd: dir, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  const lines = [];
  const log = [];
  let wake = () => {};
  for (const [stream, into] of [[child.stdout, lines], [child.stderr, log]]) {
    createInterface({ input: stream }).on('line', (line) => {
      into.push(line);
      wake();
    });
  }
  const exited = once(child, 'exit');
  let gone = false;
  exited.then(() => {
    gone = true;
    wake();
  });
  const until = async (find) => {
    for (;;) {
      const found = find();
      if (found !== undefined && found !== false) return found;
      assert.ok(!gone, `it ended: ${log.join('\n')}`);
      await new Promise((resolve) => (wake = resolve));
    }
  };
  const ready = () => until(() => log.map((line) => /"message":"ready".*"listening":"127\.0\.0\.1:(\d+)/.exec(line)?.[1]).find(Boolean));
  return { child, lines, log, exited, until, ready };
}

test('SPIKARD_PRINT_MANIFEST=1 prints it and runs nothing', (t) => {
  const out = execFileSync(process.execPath, ['-e', PROGRAM], { cwd: folder(t), env: { ...process.env, SPIKARD_PRINT_MANIFEST: '1' } }).toString();
  const manifest = JSON.parse(out);
  assert.deepEqual([manifest.name, manifest.http.routes.length, manifest.handle_signals], ['program', 4, false]);
});

test('the configuration of the process is laid over the program', async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'spikard.toml'), 'nonsense = 1\n');
  const child = spawn(process.execPath, ['-e', PROGRAM], { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  for await (const chunk of child.stderr) text += chunk;
  assert.match(text, /ConfigError.*nonsense/);
  const program = start(t, { SPIKARD_NAME: 'other', PORT: '0' });
  await program.ready();
  assert.ok(program.log.some((line) => line.includes('"app":"other"')));
});

test('SIGTERM: what was begun is answered, then it ends with 0', async (t) => {
  const program = start(t);
  const port = await program.ready();
  const answer = fetch(`http://127.0.0.1:${port}/slow`);
  await program.until(() => program.lines.includes('begun'));
  program.child.kill('SIGTERM');
  assert.equal(await (await answer).text(), 'done');
  assert.deepEqual(await program.exited, [0, null]);
  assert.deepEqual(program.lines, ['start', 'begun', 'stop']);
});

test('what does not end in time is cut off, and the exit code says so', async (t) => {
  const program = start(t, { CONFIG: '{"shutdown": {"timeout_ms": 100}}' });
  const port = await program.ready();
  const answer = fetch(`http://127.0.0.1:${port}/stuck`);
  await program.until(() => program.lines.includes('begun'));
  program.child.kill('SIGINT');
  assert.equal((await answer).status, 503);
  const [code] = await program.exited;
  assert.notEqual(code, 0);
});

test('several threads: each has a port on the address, one that dies is replaced, all end together', { timeout: 60_000 }, async (t) => {
  const program = start(t, { WORKERS: '3' });
  const port = await program.ready();
  /** On a connection of its own. */
  const ask = async (path) => {
    const [answer] = await once(get({ port, path, agent: false }), 'response');
    return text(answer);
  };
  const seen = new Set();
  while (seen.size < 3) seen.add(await ask('/'));
  const begun = program.lines.length;
  while (seen.size < 4) {
    // In the main thread process.exit would end it all: only the others are told to die.
    await ask('/die').catch(() => {});
    seen.add(await ask('/'));
  }
  program.child.kill('SIGTERM');
  assert.deepEqual(await program.exited, [0, null]);
  assert.deepEqual(program.lines.slice(begun), ['stop'], 'the start and the end are those of the application, not of each thread');
});

test('the package installs from its archive, and loads by require and import', { timeout: 120_000 }, (t) => {
  const dir = folder(t);
  const [packed] = JSON.parse(execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', dir], { cwd: here }).toString());
  const names = packed.files.map(({ path }) => path);
  for (const name of ['dist/index.js', 'dist/index.d.ts', 'index.mjs', 'native/spikard.node', 'README.md']) assert.ok(names.includes(name), name);
  assert.ok(!names.some((name) => /^(src|tests|node_modules)/.test(name)));
  writeFileSync(join(dir, 'package.json'), '{"private": true}');
  execFileSync('npm', ['install', '--offline', '--no-audit', '--no-fund', '--ignore-scripts', join(dir, packed.filename)], { cwd: dir, stdio: 'pipe' });
  // The archive of a working tree has no library when that is a link: `npm pack` with its scripts copies it (tools/build-addon.mjs --copy).
  execFileSync('cp', ['-L', join(here, 'native/libspikard.so.0'), join(dir, 'node_modules/spikard/native/libspikard.so.0')]);
  const program = "const a = new App('t', { config: { log: { level: 'off' } } }); a.get('/', () => 'up'); const s = await a.testServer(); console.log(await (await s.fetch('/')).text()); await s.stop();";
  assert.equal(execFileSync(process.execPath, ['--input-type=module', '-e', `import { App } from 'spikard'; ${program}`], { cwd: dir }).toString(), 'up\n');
  assert.equal(execFileSync(process.execPath, ['-e', `const { App } = require('spikard'); (async () => { ${program} })()`], { cwd: dir }).toString(), 'up\n');
  assert.equal(execFileSync(process.execPath, ['--input-type=module', '-e', "import { createRequire } from 'node:module'; import { App } from 'spikard'; console.log(App === createRequire(process.cwd() + '/x.js')('spikard').App)"], { cwd: dir }).toString(), 'true\n');
});
