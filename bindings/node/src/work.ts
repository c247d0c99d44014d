/** Messages, tasks and events: what their handlers get, and what they may say. */

import type { Handle } from './client';
import { toPlain } from './nodes';
import type { Tasks } from './toolbox';
import { parseJson } from './nodes';

/** What becomes of a message or task, returned or thrown by its handler. Nothing, or any other value, is Ack; any other exception is tried again after the backoff. */
export abstract class Outcome extends Error {}

/** Done. */
export class Ack extends Outcome {}

/** Not done: comes again at once, or, without `requeue`, goes to the dead letters. */
export class Nack extends Outcome {
  readonly requeue: boolean;
  constructor(options: { requeue?: boolean } = {}) {
    super(`requeue: ${options.requeue ?? true}`);
    this.requeue = options.requeue ?? true;
  }
}

/** Comes again after this many milliseconds. */
export class Retry extends Outcome {
  constructor(readonly afterMs: number) {
    super(`after ${afterMs} ms`);
  }
}

/** Trying again is of no use: a message goes to the dead letters, a task is discarded. */
export class Fatal extends Outcome {
  constructor(message = 'fatal', options?: ErrorOptions) {
    super(message, options);
  }
}

/** A message in hand. */
export class Message<T = any> {
  private parsed: { value: T } | undefined;

  /** @internal */
  constructor(
    readonly topic: string,
    readonly payload: Buffer,
    readonly key: string | null,
    /** All lines, in their order. */
    readonly headerList: [string, string][],
    /** This one included, whatever the causes were. */
    readonly deliveryCount: number,
    /** Used up before this one. */
    readonly tries: number,
    readonly published: Date,
    private readonly cancelled: () => AbortSignal,
  ) {}

  /** Aborted when nobody waits for it any more. */
  get signal(): AbortSignal {
    return this.cancelled();
  }

  get headers(): Record<string, string> {
    return Object.fromEntries(this.headerList);
  }

  get text(): string {
    return this.payload.toString();
  }

  /** The payload as JSON. Where the consumer has a schema it fits it. */
  get json(): T {
    return (this.parsed ??= { value: this.payload.length === 0 ? null : parseJson(this.text) }).value;
  }

  /** @internal */
  set json(value: T) {
    this.parsed = { value };
  }
}

/** A run of a task. */
export class TaskRun<T = any> {
  /** @internal */
  constructor(
    readonly name: string,
    readonly args: T,
    /** Counts the first run; one that a shutdown interrupted does not count. */
    readonly attempt: number,
    readonly id: string,
    readonly queue: string,
    readonly headers: Record<string, string>,
    readonly enqueued: Date | undefined,
    /** The time of the schedule that this job stands for. */
    readonly scheduledAt: Date | undefined,
    /** The run's fencing token. */
    readonly lease: Handle,
    private readonly tasks: () => Tasks,
    private readonly cancelled: () => AbortSignal,
  ) {}

  /** Aborted when the job is cancelled, its time is over, or the application ends. */
  get signal(): AbortSignal {
    return this.cancelled();
  }

  /** What others see of this run (`Tasks.job`). */
  progress(value: unknown): Promise<void> {
    return this.tasks().progress(this.id, this.lease, value);
  }

  /** Whether this run still holds its job: to ask before what cannot be undone. Leases are renewed without it. */
  heartbeat(): Promise<boolean> {
    return this.tasks().heartbeat(this.id, this.lease);
  }
}

const ATTRIBUTES = ['specversion', 'id', 'source', 'type', 'subject', 'time', 'datacontenttype', 'dataschema'] as const;

export interface CloudEventInit<T = unknown> {
  type: string;
  source: string;
  /** Default: the core makes one. */
  id?: string;
  data?: T;
  subject?: string;
  /** RFC 3339. Default: the core's time. */
  time?: string;
  datacontenttype?: string;
  dataschema?: string;
  specversion?: string;
  /** Attributes that the specification does not name. */
  extensions?: Readonly<Record<string, unknown>>;
}

/** An event (CloudEvents 1.0.2): its attributes and data. */
export class CloudEvent<T = any> {
  readonly type: string;
  readonly source: string;
  readonly id: string;
  readonly subject: string | undefined;
  readonly time: string | undefined;
  readonly datacontenttype: string | undefined;
  readonly dataschema: string | undefined;
  readonly specversion: string;
  readonly extensions: Readonly<Record<string, unknown>>;
  /** JSON, text, or a Buffer; undefined for none. */
  readonly data: T;

  constructor(init: CloudEventInit<T>) {
    this.type = init.type;
    this.source = init.source;
    this.id = init.id ?? '';
    this.subject = init.subject;
    this.time = init.time;
    this.datacontenttype = init.datacontenttype;
    this.dataschema = init.dataschema;
    this.specversion = init.specversion ?? '1.0';
    this.extensions = init.extensions ?? {};
    this.data = init.data as T;
  }

  /** From the JSON format; `data_base64` is a Buffer in `data`. */
  static from(event: Readonly<Record<string, any>>): CloudEvent {
    const extensions: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(event)) {
      if (!(ATTRIBUTES as readonly string[]).includes(name) && name !== 'data' && name !== 'data_base64') extensions[name] = value;
    }
    const data = event.data_base64 === undefined ? event.data : Buffer.from(event.data_base64, 'base64');
    return new CloudEvent({ ...(event as CloudEventInit), data, extensions });
  }

  [toPlain](): Record<string, unknown> {
    const out: Record<string, unknown> = {};
    for (const name of ATTRIBUTES) if (this[name] !== undefined && this[name] !== '') out[name] = this[name];
    Object.assign(out, this.extensions);
    if (this.data !== undefined) out.data = this.data;
    return out;
  }

  /** The JSON format; bytes as `data_base64`. */
  toJSON(): Record<string, unknown> {
    const { data, ...out } = this[toPlain]();
    if (data instanceof Uint8Array) out.data_base64 = Buffer.from(data).toString('base64');
    else if (data !== undefined) out.data = data;
    return out;
  }
}
