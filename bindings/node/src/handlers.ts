/** Handlers of messages, tasks and events, as the desk runs them. */

import type { TasksEnqueueOptions, TasksEnqueueResult } from './_generated/clients';
import type { WorkPlan } from './desk';
import { Problem } from './response';
import { type JsonSchema, jsonSchema, parserOf, type Schema } from './schema';
import { Tasks } from './toolbox';
import { CloudEvent, Fatal, Message, Nack, type TaskRun } from './work';

export type MessageHandler<T = any> = (message: Message<T>) => unknown;
export type EventHandler<T = any> = (event: CloudEvent<T>) => unknown;
/** Gets the task's arguments, one value of JSON, and the run itself. */
export type TaskHandler<A = any> = (args: A, run: TaskRun<A>) => unknown;

/** Makes the value by the schema's own parser; what it refuses will be refused again. */
function parsed(value: unknown, parse: (value: unknown) => unknown, refuse: (problem: Problem) => Error, use: (value: any) => unknown): unknown {
  const failed = (error: unknown): never => {
    throw error instanceof Problem ? refuse(error) : error;
  };
  let made: unknown;
  try {
    made = parse(value);
  } catch (error) {
    return failed(error);
  }
  return made instanceof Promise ? made.then(use, failed) : use(made);
}

const said = (problem: Problem): string => ((problem.document.errors as { loc: string[]; msg: string }[]) ?? []).map((e) => `${e.loc.join('.')}: ${e.msg}`).join('; ');

/** @internal */
export function messagePlan(handler: MessageHandler<any>, schema: Schema | undefined): { plan: WorkPlan; json: JsonSchema | undefined } {
  const parse = parserOf(schema, 'body');
  const run = (message: Message): unknown => {
    if (parse === undefined) return handler(message);
    return parsed(message.json, parse, (problem) => new Fatal(said(problem), { cause: problem }), (value) => {
      message.json = value;
      return handler(message);
    });
  };
  return { plan: { run }, json: schema === undefined ? undefined : jsonSchema(schema) };
}

/** @internal */
export function eventPlan(handler: EventHandler<any>, schema: Schema | undefined): WorkPlan {
  const parse = parserOf(schema, 'body');
  const run = (event: CloudEvent): unknown => {
    if (parse === undefined) return handler(event);
    return parsed(event.data, parse, () => new Nack({ requeue: false }), (data) => handler(new CloudEvent({ ...event, data })));
  };
  return { run };
}

/** @internal */
export function taskPlan(handler: TaskHandler<any>, schema?: Schema): WorkPlan {
  const parse = parserOf(schema, 'body');
  const run = (task: TaskRun): unknown => {
    if (parse === undefined) return handler(task.args, task);
    return parsed(task.args, parse, (problem) => new Fatal(`invalid arguments: ${said(problem)}`, { cause: problem }), (value) => handler(value, task));
  };
  return { run };
}

export type TaskOptions = Omit<TasksEnqueueOptions, 'args' | 'queue' | 'transaction' | 'signal'>;

/**
 * A task of the application. `enqueue` lets a worker run it; `run` calls the function here and now.
 *
 * @example
 * const send = app.task('send', async (args: { to: string }) => { ... }, { queue: 'mail' });
 * await send.enqueue({ to: 'ann@example.com' }, { delayMs: 60_000 });
 */
export class Task<A = any> {
  /** @internal */
  constructor(
    readonly name: string,
    readonly queue: string,
    readonly client: string,
    /** @internal */ readonly handler: TaskHandler<A>,
    private readonly options: TaskOptions,
    /** @internal */ readonly schema: Schema | undefined,
  ) {}

  /** Calls the function here and now. */
  run(args: A, run?: TaskRun<A>): unknown {
    return this.handler(args, run as TaskRun<A>);
  }

  /** Gives `id` and `created` (false: a job of this unique key is there). */
  enqueue(args: A, options: Omit<TasksEnqueueOptions, 'args' | 'queue'> = {}): Promise<TasksEnqueueResult> {
    return new Tasks(this.client).enqueue(this.name, { ...this.options, ...options, args, queue: this.queue });
  }

  /** One job for each of these arguments, all of them or none. */
  async enqueueMany(all: readonly A[], options: TaskOptions = {}): Promise<TasksEnqueueResult[]> {
    const own = wire({ ...this.options, ...options });
    return (new Tasks(this.client).enqueueMany as any)(all.map((args) => ({ ...own, task: this.name, queue: this.queue, args })));
  }
}

/** @internal Options in camel case as the members of a document of the core. */
export function wire(options: object): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined) out[name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] = value;
  }
  return out;
}
