/** Hands messages, tasks and events to their handlers, and the outcomes back. */

import { Command, Event, Flag, Layout } from './_generated/constants';
import { decode, parseJson, type View } from './nodes';
import type { Binding } from './port';
import { pairs } from './request';
import { Scope } from './scope';
import { Tasks } from './toolbox';
import { CloudEvent, Fatal, Message, Nack, Outcome, Retry, TaskRun } from './work';

const RECORD = Layout.record;
/** `route` of what was started by an operation: its `user` says what it is. */
const BY_OPERATION = 0xffffffff;

/** @internal One handler: what it makes of what came. */
export interface WorkPlan {
  run(subject: any): unknown;
}

/** @internal The tasks of one worker, by name; '' is for all others. */
export interface Workers {
  readonly queue: string;
  readonly client: string;
  readonly tasks: ReadonlyMap<string, WorkPlan>;
}

/** @internal What came, read out of its record. */
export interface Work {
  kind: number;
  plan: WorkPlan | undefined;
  subject: (scope: Scope) => unknown;
  problem?: string;
}

/** @internal */
export class WorkDesk {
  private readonly dynamic = new Map<number, WorkPlan | Workers>();

  constructor(private readonly binding: Binding) {}

  note(user: number, plan: WorkPlan | Workers): number {
    this.dynamic.set(user, plan);
    return user;
  }

  forget(user: number): void {
    this.dynamic.delete(user);
  }

  read(kind: number, route: number, user: number, view: View, base: number): Work {
    const w = base >>> 2;
    const u = view.u32;
    const plan = this.binding.plan;
    const nodes = decode(view, base + u[w + RECORD.nodes / 4], base);
    if (kind === Event.CLOUDEVENT) {
      const event = CloudEvent.from(nodes.event);
      return { kind, plan: plan.events[route], subject: () => event };
    }
    const bodyAt = base + u[w + RECORD.body / 4];
    const bodyLength = u[w + RECORD.body / 4 + 1];
    const headers = pairs(view, base, u[w + RECORD.meta / 4], u[w + RECORD.meta / 4 + 1]);
    if (kind === Event.MESSAGE) {
      const payload = Buffer.from(view.bytes.subarray(bodyAt, bodyAt + bodyLength));
      const attempt = u[w + RECORD.attempt / 4];
      const source = (route === BY_OPERATION ? this.dynamic.get(user) : plan.consumers[route]) as WorkPlan | undefined;
      return { kind, plan: source, subject: (scope) => new Message(nodes.name, payload, nodes.key, headers, attempt, nodes.tries, new Date(Number(nodes.enqueued_ms)), () => scope.signal) };
    }
    const source = (route === BY_OPERATION ? this.dynamic.get(user) : plan.workers[route]) as Workers | undefined;
    const args = bodyLength === 0 ? null : parseJson(view.bytes.utf8Slice(bodyAt, bodyAt + bodyLength));
    const task = source?.tasks.get(nodes.name) ?? source?.tasks.get('');
    return {
      kind,
      plan: task,
      problem: `there is no task '${nodes.name}' here`,
      subject: (scope) =>
        new TaskRun(nodes.name, args, nodes.tries + 1, nodes.id ?? '', nodes.queue ?? source?.queue, Object.fromEntries(headers), instant(nodes.enqueued_ms), instant(nodes.scheduled_at), nodes.lease ?? 0,
          () => new Tasks(source?.client), () => scope.signal),
    };
  }

  run(work: Work, low: number, high: number): void {
    const binding = this.binding;
    const scope = new Scope(binding, low, high);
    const fail = (error: unknown): void => {
      if (scope.cancelledBy !== undefined && (error as Error)?.name === 'AbortError') {
        binding.command(Command.NACK, low, high, 0, Flag.REQUEUE); // nobody waits for it any more
      } else if (error instanceof Outcome) {
        this.settle(work.kind, low, high, error);
      } else {
        binding.fail(low, high, error);
      }
    };
    const plan = work.plan;
    if (plan === undefined) return fail(new Fatal(work.problem));
    binding.work(scope, () => plan.run(work.subject(scope)), (value) => this.settle(work.kind, low, high, value), fail);
  }

  private settle(kind: number, low: number, high: number, value: unknown): void {
    const binding = this.binding;
    if (value instanceof Retry) {
      if (!(value.afterMs >= 0)) throw new RangeError(`Retry: ${value.afterMs} is no number of milliseconds`);
      binding.command(Command.RETRY, low, high, Math.round(value.afterMs));
    } else if (value instanceof Nack) {
      binding.command(Command.NACK, low, high, 0, value.requeue ? Flag.REQUEUE : 0);
    } else if (value instanceof Fatal) {
      binding.fail(low, high, value, Flag.FATAL);
    } else if (kind === Event.CLOUDEVENT && value !== null && typeof value === 'object' && !(value instanceof Outcome)) {
      binding.resultOf(low, high, value);
    } else if (kind === Event.TASK && value !== undefined && !(value instanceof Outcome)) {
      const text = JSON.stringify(value);
      if (text === undefined) throw new TypeError(`a ${typeof value} is no result of a task`);
      binding.commandBytes(Command.ACK, low, high, text);
    } else {
      binding.command(Command.ACK, low, high);
    }
  }
}

function instant(ms: unknown): Date | undefined {
  return ms === undefined || ms === null ? undefined : new Date(Number(ms));
}
