// Generated from spec/operations by codegen. Do not edit.
/** Clients of the toolbox: one method an operation. The classes that applications use build on these (src/toolbox.ts). Spans of time are in milliseconds. */

import { type CallOptions, type Chunks, Client, type Handle, type Json, Stream } from '../client';

/** What `shop.buy` gives. */
export interface ShopBuyResult {
  /** Its number. */
  id: number;
  /** How long. In ms. */
  takesMs: number | null;
  /** When. In ms. */
  boughtAt: number;
  /** Its parts; null for what is missing. */
  parts: (Buffer | null)[];
}

/** Options of `shop.buy`. */
export interface ShopBuyOptions extends CallOptions {
  /** Where. Default: `[]`. */
  in?: readonly string[];
  /** Notes. Default: `{}`. */
  byName?: Readonly<Record<string, string | Uint8Array>>;
  /** How long. Null: as long as it takes. In ms. Default: `null`. */
  waitMs?: number | null;
  /** How long it is held. In ms. Default: `1500`. */
  holdMs?: number;
  /** Wrapped. Default: `true`. */
  gift?: boolean;
  /** A note. Default: `""`. */
  note?: string | Uint8Array;
}

/** Options of `shop.write`. */
export interface ShopWriteOptions extends CallOptions {
  /** Any. Default: `null`. */
  kind?: unknown;
}

export class ShopClient extends Client {
  /** @internal */
  readonly group = 'shop';

  /**
   * Buys.
   * 
   * In full: "a\b".
   *
   * @param what A name, in full.
   * @throws OperationError of kind `not_found`
   */
  async buy(what: string, options: ShopBuyOptions = {}): Promise<ShopBuyResult> {
    const args: Json = { what: what };
    if (options.in !== undefined) args.in = options.in;
    if (options.byName !== undefined) args.by_name = options.byName;
    if (options.waitMs !== undefined) args.wait_ms = options.waitMs;
    if (options.holdMs !== undefined) args.hold_ms = options.holdMs;
    if (options.gift !== undefined) args.gift = options.gift;
    if (options.note !== undefined) args.note = options.note;
    const result = await this._call(40, args, options.signal);
    return { id: result.id, takesMs: result.takes_ms ?? null, boughtAt: result.bought_at, parts: result.parts };
  }

  /**
   * Reads.
   *
   * @param what What.
   */
  read(what: string): Stream<number> {
    const args: Json = { what: what };
    return new Stream(this, 41, args, (result) => {
      return result.size;
    });
  }

  /**
   * Writes.
   *
   * @param what What.
   */
  async write(what: string, chunks: Chunks, options: ShopWriteOptions = {}): Promise<void> {
    const args: Json = { what: what };
    if (options.kind !== undefined) args.kind = options.kind;
    await this._send(42, args, chunks, options.signal);
  }
}
