/** Values of the port: 16-byte nodes in preorder, read from records and written as arguments. */

/** @internal A piece of memory with records in it. */
export class View {
  readonly u32: Uint32Array;
  readonly f64: Float64Array;
  readonly i64: BigInt64Array;
  readonly bytes: Slices;

  constructor(memory: ArrayBuffer) {
    this.u32 = new Uint32Array(memory);
    this.f64 = new Float64Array(memory);
    this.i64 = new BigInt64Array(memory);
    this.bytes = Buffer.from(memory) as Slices;
  }
}

// Methods of Buffer that its types leave out; they do not look for an encoding's name.
interface Slices extends Buffer {
  utf8Slice(start: number, end: number): string;
  latin1Slice(start: number, end: number): string;
  utf8Write(text: string, at: number, length?: number): number;
}

const [NULL, BOOL, INT, F64, STR, BYTES, ARR, OBJ, UINT, NUMTEXT] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const TWO_32 = 4294967296;
let cursor = 0;
let exact = false;

function read(view: View, base: number): any {
  const at = cursor >>> 2;
  const length = view.u32[at + 1];
  cursor += 16;
  switch (view.u32[at]) {
    case NULL:
      return null;
    case BOOL:
      return view.u32[at + 2] !== 0;
    case INT: {
      const n = (view.u32[at + 3] | 0) * TWO_32 + view.u32[at + 2];
      return Number.isSafeInteger(n) ? n : view.i64[(at + 2) >>> 1];
    }
    case F64:
      return view.f64[(at + 2) >>> 1];
    case STR: {
      if (length === 0) return '';
      const from = base + view.u32[at + 2];
      return view.bytes.utf8Slice(from, from + length);
    }
    case BYTES: {
      const from = base + view.u32[at + 2];
      return Buffer.from(view.bytes.subarray(from, from + length));
    }
    case ARR: {
      const out = new Array<unknown>(length);
      for (let i = 0; i < length; ++i) out[i] = read(view, base);
      return out;
    }
    case OBJ: {
      const out: Record<string, unknown> = {};
      for (let i = 0; i < length; ++i) {
        const key = read(view, base) as string;
        if (key === '__proto__') Object.defineProperty(out, key, { value: read(view, base), enumerable: true, configurable: true, writable: true });
        else out[key] = read(view, base);
      }
      return out;
    }
    case UINT:
      return BigInt.asUintN(64, view.i64[(at + 2) >>> 1]);
    case NUMTEXT: {
      const from = base + view.u32[at + 2];
      const text = view.bytes.latin1Slice(from, from + length);
      return /^-?\d+$/.test(text) ? BigInt(text) : exact ? new Decimal(text) : Number(text);
    }
    default:
      throw new RangeError('a node of no type');
  }
}

/** @internal The value whose first node is `at` bytes into the memory, of the record at `base`. Integers that a number does not hold exactly are bigints. */
export function decode(view: View, at: number, base: number): any {
  cursor = at;
  return read(view, base);
}

/** @internal As `decode`, with decimals that a number does not hold as Decimal: results of operations. */
export function decodeExact(view: View, at: number, base: number): any {
  exact = true;
  try {
    return decode(view, at, base);
  } finally {
    exact = false;
  }
}

/** @internal `count` values one after the other; `each` gets them. */
export function decodeAll(view: View, at: number, base: number, count: number, each: (value: any, index: number) => void): void {
  cursor = at;
  for (let i = 0; i < count; ++i) each(read(view, base), i);
}

/** An object that is plain data of another shape on its way into the core. */
export const toPlain = Symbol.for('spikard.plain');

/** An exact decimal, as text. */
export class Decimal {
  constructor(readonly text: string) {}
  toString(): string {
    return this.text;
  }
  toJSON(): string {
    return this.text;
  }
  [toPlain](): unknown {
    return { $decimal: this.text };
  }
}

const MOST = 1024 * 1024;

/** @internal Values as nodes. One at a time: a `toJSON` that comes back here needs another encoder. */
export class Encoder {
  busy = false;
  private nodes = new DataView(new ArrayBuffer(4096));
  private count = 0;
  private text = Buffer.allocUnsafeSlow(4096) as Slices;
  private used = 0;

  /** How many bytes the value takes; `copy` then writes them. */
  encode(value: unknown): number {
    this.busy = true;
    this.count = 0;
    this.used = 0;
    // One large value does not keep its memory for ever.
    if (this.nodes.byteLength > MOST) this.nodes = new DataView(new ArrayBuffer(4096));
    if (this.text.length > MOST) this.text = Buffer.allocUnsafeSlow(4096) as Slices;
    try {
      this.value(value);
    } finally {
      this.busy = false;
    }
    const shift = this.count * 16;
    for (let at = 0; at < shift; at += 16) {
      const type = this.nodes.getUint32(at, true);
      if (type === STR || type === BYTES || type === NUMTEXT) this.nodes.setUint32(at + 8, this.nodes.getUint32(at + 8, true) + shift, true);
    }
    return shift + this.used;
  }

  copy(into: Buffer, at: number): void {
    const length = this.count * 16;
    into.set(new Uint8Array(this.nodes.buffer, 0, length), at);
    into.set(this.text.subarray(0, this.used), at + length);
  }

  private node(type: number, length: number, low: number, high: number): number {
    const at = this.count++ * 16;
    if (at + 16 > this.nodes.byteLength) {
      const more = new ArrayBuffer(this.nodes.byteLength * 2);
      new Uint8Array(more).set(new Uint8Array(this.nodes.buffer));
      this.nodes = new DataView(more);
    }
    this.nodes.setUint32(at, type, true);
    this.nodes.setUint32(at + 4, length, true);
    this.nodes.setUint32(at + 8, low, true);
    this.nodes.setUint32(at + 12, high, true);
    return at;
  }

  private room(length: number): void {
    if (this.used + length <= this.text.length) return;
    const more = Buffer.allocUnsafeSlow(Math.max(this.text.length * 2, this.used + length)) as Slices;
    this.text.copy(more, 0, 0, this.used);
    this.text = more;
  }

  private string(text: string, type = STR): void {
    this.room(text.length * 3);
    const length = this.text.utf8Write(text, this.used, text.length * 3);
    this.node(type, length, this.used, 0);
    this.used += length;
  }

  private value(value: unknown): void {
    switch (typeof value) {
      case 'string':
        return this.string(value);
      case 'boolean':
        this.node(BOOL, 0, value ? 1 : 0, 0);
        return;
      case 'number':
        if (Number.isSafeInteger(value)) {
          this.node(INT, 0, value >>> 0, Math.floor(value / TWO_32) >>> 0);
        } else {
          if (!Number.isFinite(value)) throw new TypeError(`${value} is no value of JSON`);
          const at = this.node(F64, 0, 0, 0);
          this.nodes.setFloat64(at + 8, value, true);
        }
        return;
      case 'bigint':
        if (BigInt.asIntN(64, value) === value) this.nodes.setBigInt64(this.node(INT, 0, 0, 0) + 8, value, true);
        else if (BigInt.asUintN(64, value) === value) this.nodes.setBigUint64(this.node(UINT, 0, 0, 0) + 8, value, true);
        else this.string(value.toString(), NUMTEXT);
        return;
      case 'object':
        if (value === null) break;
        if (value instanceof Uint8Array) {
          this.room(value.length);
          this.text.set(value, this.used);
          this.node(BYTES, value.length, this.used, 0);
          this.used += value.length;
          return;
        }
        return this.object(value);
      default:
        if (value !== undefined) throw new TypeError(`a ${typeof value} is no value of JSON`);
    }
    this.node(NULL, 0, 0, 0);
  }

  private object(value: object): void {
    const first = this.count;
    if (Array.isArray(value)) {
      const at = this.node(ARR, value.length, 0, 0);
      for (let i = 0; i < value.length; ++i) this.value(value[i]);
      this.nodes.setUint32(at + 8, this.count - first - 1, true);
      return;
    }
    const plain = (value as { [toPlain]?: () => unknown })[toPlain];
    if (typeof plain === 'function') return this.value(plain.call(value));
    const json = (value as { toJSON?: () => unknown }).toJSON;
    if (typeof json === 'function') return this.value(json.call(value));
    if (value instanceof ArrayBuffer) return this.value(new Uint8Array(value));
    if (value instanceof Set) return this.value([...value]);
    const entries = value instanceof Map ? [...value] : Object.entries(value);
    const at = this.node(OBJ, 0, 0, 0);
    let members = 0;
    for (const [key, member] of entries) {
      if (member === undefined || typeof member === 'function' || typeof member === 'symbol') continue;
      this.string(String(key));
      this.value(member);
      ++members;
    }
    this.nodes.setUint32(at + 4, members, true);
    this.nodes.setUint32(at + 8, this.count - first - 1, true);
  }
}

const LONG = /[0-9]{16}/;
const TOKENS = /"(?:[^"\\]|\\.)*"|-?[0-9]{16,}(?![0-9.eE])/g;
const MARK = `\u0000spikard:${Math.random().toString(36).slice(2)}:`;

/** @internal JSON text as a value, its long integers exact. */
export function parseJson(text: string): any {
  if (!LONG.test(text)) return JSON.parse(text);
  const marked = text.replace(TOKENS, (token) => (token[0] === '"' ? token : JSON.stringify(MARK + token)));
  return JSON.parse(marked, (_, value) => {
    if (typeof value !== 'string' || !value.startsWith(MARK)) return value;
    const digits = value.slice(MARK.length);
    const n = Number(digits);
    return Number.isSafeInteger(n) ? n : BigInt(digits);
  });
}
