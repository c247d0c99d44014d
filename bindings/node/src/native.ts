/** The addon (native/addon.cpp), and what it cannot say by itself. */

import { constants } from 'node:os';
import { join } from 'node:path';
import { ConfigError, SpikardError } from './errors';
import { ABI, Code } from './_generated/constants';

/** @internal */ export type AppHandle = { readonly __app: unique symbol };
/** @internal */ export type PortHandle = { readonly __port: unique symbol };

interface Addon {
  readonly abi: number;
  open(manifest: string, configured: boolean): AppHandle;
  start(app: AppHandle): void;
  info(app: AppHandle): string;
  report(app: AppHandle): string;
  drain(app: AppHandle, milliseconds?: number): void;
  close(app: AppHandle): void;
  share(app: AppHandle): number;
  unshare(number: number): void;
  adopt(number: number): AppHandle;
  openPort(app: AppHandle, callback: (n: number) => void, events: ArrayBuffer, state: ArrayBuffer, commands: ArrayBuffer, arena: ArrayBuffer, externals: unknown[], blocks: ArrayBuffer[]): PortHandle;
  region(port: PortHandle): ArrayBuffer | undefined;
  memory(port: PortHandle, which: number, buffer: ArrayBuffer): void;
  flush(port: PortHandle): void;
  call(port: PortHandle): 0 | 1 | ArrayBuffer;
  closePort(port: PortHandle): void;
  ref(port: PortHandle, keep: 0 | 1): void;
}

function load(): Addon {
  const path = process.env.SPIKARD_NODE_ADDON ?? join(__dirname, '..', 'native', 'spikard.node');
  let addon: Addon;
  try {
    // Node.js exports an OpenSSL, zlib, nghttp2 and c-ares of its own: the core is bound to those that it was built with.
    const module: { exports: unknown } = { exports: {} };
    const { RTLD_NOW, RTLD_DEEPBIND } = constants.dlopen as { RTLD_NOW: number; RTLD_DEEPBIND?: number };
    process.dlopen(module, path, process.env.SPIKARD_NODE_NO_DEEPBIND === undefined ? RTLD_NOW | (RTLD_DEEPBIND ?? 0) : RTLD_NOW);
    addon = module.exports as Addon;
  } catch (error) {
    throw new SpikardError(`spikard: the addon ${path} cannot be loaded: ${(error as Error).message}`, { cause: error });
  }
  if (addon.abi !== ABI) throw new SpikardError(`spikard: the core has ABI ${addon.abi}, this package expects ${ABI}`);
  return addon;
}

const addon = load();

/** Errors of the core as errors of this package. */
function told<A extends unknown[], R>(fn: (...args: A) => R): (...args: A) => R {
  return (...args) => {
    try {
      return fn(...args);
    } catch (error) {
      const code = (error as { spk?: number }).spk;
      if (code === undefined) throw error;
      const message = (error as Error).message;
      throw code === Code.CONFIG || code === Code.UNSUPPORTED ? new ConfigError(message) : new SpikardError(message);
    }
  };
}

/** @internal */
export const native: Omit<Addon, 'abi'> = {
  ...addon,
  open: told(addon.open),
  start: told(addon.start),
  drain: told(addon.drain),
  openPort: told(addon.openPort),
  call: told(addon.call),
};
