// Builds native/spikard.node against the core of a build tree: SPIKARD_PREBUILT_DIR, else build/full of the repository. The library comes to lie beside it.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, realpathSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const here = dirname(dirname(fileURLToPath(import.meta.url)));
const root = resolve(here, '../..');
const copy = process.argv.includes('--copy');
const trees = process.env.SPIKARD_PREBUILT_DIR ? [process.env.SPIKARD_PREBUILT_DIR] : ['full', 'default'].map((name) => join(root, 'build', name));
const library = trees.map((tree) => join(tree, 'abi', 'libspikard.so')).find((path) => existsSync(path));
if (!library) {
  console.error(`build-addon: no abi/libspikard.so in ${trees.join(', ')}; build the core first (make build), or name its build tree in SPIKARD_PREBUILT_DIR`);
  process.exit(1);
}
const require = createRequire(import.meta.url);
const nodeHeaders = [dirname(dirname(process.execPath)) + '/include/node', '/usr/include/node', '/usr/include/nodejs/src'];
const uv = [...nodeHeaders, '/usr/include'].find((folder) => existsSync(join(folder, 'uv.h')));
if (!uv) {
  console.error(`build-addon: no uv.h in ${[...nodeHeaders, '/usr/include'].join(', ')}; install libuv1-dev`);
  process.exit(1);
}
const compiler = process.env.CXX ?? ['clang++-19', 'clang++', 'g++'].find((name) => {
  try {
    execFileSync(name, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
});
const sanitize = process.env.SPIKARD_SANITIZE ? [`-fsanitize=${process.env.SPIKARD_SANITIZE}`, '-shared-libsan', '-fno-omit-frame-pointer'] : [];
const out = join(here, 'native', 'spikard.node');
const soname = join(here, 'native', 'libspikard.so.0');
mkdirSync(dirname(out), { recursive: true });
rmSync(soname, { force: true });
if (copy) {
  copyFileSync(realpathSync(library), soname);
  execFileSync('strip', ['--strip-unneeded', soname]);
} else {
  symlinkSync(realpathSync(library), soname);
}
const source = join(here, 'native', 'addon.cpp');
execFileSync(
  compiler,
  ['-std=c++20', '-O2', '-g', '-fPIC', '-shared', '-fvisibility=hidden', '-fno-exceptions', '-fno-rtti', '-Wall', '-Wextra', '-Wno-missing-field-initializers', '-DNAPI_VERSION=8',
    ...sanitize, '-I', join(root, 'include'), '-I', require('node-api-headers').include_dir, '-I', uv, source, library, '-Wl,-rpath,$ORIGIN', '-o', out],
  { stdio: 'inherit' },
);
if (copy) execFileSync('strip', ['--strip-unneeded', out]);
console.log(`${out} (${statSync(out).size} bytes) with ${realpathSync(library)}`);
