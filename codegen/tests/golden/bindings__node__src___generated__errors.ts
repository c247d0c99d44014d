// Generated from spec/errors.yaml by codegen. Do not edit.
/** Error kinds and their finer codes. */

/** What went wrong. Branch on this, never on a message. */
export type ErrorKind =
  /** Not there. */
  | 'not_found'
  /** Too long, by far. */
  | 'timeout';

/** Kinds by their numbers in the port. */
export const ERROR_KINDS: Readonly<Record<number, ErrorKind>> = {
  1: 'not_found',
  7: 'timeout',
};

/** Whether trying again may help. */
export type RetryClass =
  /** Never. */
  | 'permanent'
  /** Later. */
  | 'temporary';

export const RETRY_CLASSES: Readonly<Record<number, RetryClass>> = {
  0: 'permanent',
  1: 'temporary',
};

/** The class an error of a kind has unless its maker says otherwise. */
export const DEFAULT_RETRY: Readonly<Record<ErrorKind, RetryClass>> = {
  not_found: 'permanent',
  timeout: 'temporary',
};

/** Finer codes of each subsystem, and their kind. */
export const DETAILS = {
  shop: {
    no_bike: 'not_found',
  },
} as const satisfies Record<string, Record<string, ErrorKind>>;
