/** Errors of the package. */

import { DEFAULT_RETRY, type ErrorKind, type RetryClass } from './_generated/errors';

/** Whatever this package throws by itself. */
export class SpikardError extends Error {
  static {
    this.prototype.name = 'SpikardError';
  }
}

/** The application, or its configuration, is wrong. */
export class ConfigError extends SpikardError {
  static {
    this.prototype.name = 'ConfigError';
  }
}

/** An operation of the toolbox failed. Branch on `kind` (and `detail`), never on the message. */
export class OperationError extends SpikardError {
  static {
    this.prototype.name = 'OperationError';
  }
  readonly kind: ErrorKind;
  /** A finer code, or ''. */
  readonly detail: string;
  /** Whether trying again may help. */
  readonly retry: RetryClass;

  constructor(kind: ErrorKind, message: string, detail = '', retry: RetryClass = DEFAULT_RETRY[kind], options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
    this.detail = detail;
    this.retry = retry;
  }
}

export type CancelReason = 'requested' | 'deadline' | 'client_gone' | 'shutdown';

/** What a handler waited for is not waited for any more: its client has gone, its time is over, or the application ends. The reason of its `signal`. */
export class CancelledError extends SpikardError {
  static {
    this.prototype.name = 'AbortError';
  }
  readonly code = 'ABORT_ERR';
  readonly reason: CancelReason;

  constructor(reason: CancelReason = 'requested') {
    super(`cancelled: ${reason}`);
    this.reason = reason;
  }
}
