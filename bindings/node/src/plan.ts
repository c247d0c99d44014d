/** What an App becomes. */

import type { WorkPlan, Workers } from './desk';
import type { Request, ResponseDraft, RoutePlan } from './request';

export type Hook = (request: Request, response: ResponseDraft) => unknown;

/** @internal */
export interface Factory {
  make(deps: Record<string, any>): unknown;
  readonly needs: readonly string[];
  readonly dispose?: (value: any) => unknown;
}

/** @internal What an App has become: the manifest and, by its numbers, the code behind it. */
export interface Plan {
  manifest: Record<string, any>;
  routes: RoutePlan[];
  hooks: Hook[][];
  factories: Map<number, Factory>;
  tokens: Map<number, unknown>;
  nextToken: number;
  consumers: WorkPlan[];
  workers: Workers[];
  events: WorkPlan[];
  onStart: (() => unknown)[];
  onStop: (() => unknown)[];
  log?: (level: 'error' | 'info', message: string, error?: unknown) => void;
}
