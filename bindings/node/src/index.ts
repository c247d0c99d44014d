/** Spikard for Node.js: a service framework and toolbox on one C++ core. docs/guide/node.md is where to begin. */

export { App, type AppOptions, type Config, type ConsumerOptions, type EventOptions, type Handler, type Made, type PathOf, type Phase, type RouteOptions, type ScheduleOptions } from './app';
export type { CallOptions, Chunks, Handle } from './client';
export { Stream } from './client';
export { Database, type Params, Query, type QueryOptions, type Row, Rows, Transaction, type TransactionOptions } from './database';
export { CancelledError, type CancelReason, ConfigError, OperationError, SpikardError } from './errors';
export { type EventHandler, type MessageHandler, Task, type TaskHandler, type TaskOptions } from './handlers';
export type { Hook } from './plan';
export { Decimal } from './nodes';
export { Request, ResponseDraft } from './request';
export { type CookieOptions, type HeadersLike, Problem, type ProblemOptions, Response, type ResponseOptions, Served, StreamingResponse } from './response';
export type { Report, RunOptions } from './run';
export { type Infer, type JsonSchema, jsonSchema, type Schema, type StandardSchema } from './schema';
export { signal, sleep, stopping } from './scope';
export { type Attributes, type Level, log, Span, span, type SpanKind, type SpanOptions, Telemetry, traceparent } from './telemetry';
export { type Fault, TestApp, type TestAppOptions, TestServer } from './testing';
export { Cache, CloudEvents, Consumer, Cron, type Loaded, Messaging, type PublishOptions, Storage, Tasks, Worker } from './toolbox';
export { Ack, CloudEvent, type CloudEventInit, Fatal, Message, Nack, Outcome, Retry, TaskRun } from './work';
export type { ErrorKind, RetryClass } from './_generated/errors';
export type * from './_generated/clients';
export type * as manifest from './_generated/manifest';
export { VERSION } from './_generated/constants';
