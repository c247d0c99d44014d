// Generated from spec/errors.yaml by codegen. Do not edit.
/** Error kinds and their finer codes. */

/** What went wrong. Branch on this, never on a message. */
export type ErrorKind =
  /** What must be there is not. */
  | 'not_found'
  /** What must not be there is. */
  | 'already_exists'
  /** The request or the configuration is wrong, whatever the state. */
  | 'invalid_argument'
  /** The caller may not do this. */
  | 'permission_denied'
  /** A condition that the caller named does not hold. */
  | 'condition_failed'
  /** Somebody else changed the same thing at the same time. */
  | 'conflict'
  /** It took longer than allowed, and did not happen. */
  | 'timeout'
  /** The caller or a shutdown stopped it. */
  | 'cancelled'
  /** A service or resource cannot be reached or is overloaded. */
  | 'unavailable'
  /** Too many requests or no room in a queue. */
  | 'rate_limited'
  /** This backend or build cannot do it. */
  | 'unsupported'
  /** A limit on size was passed. */
  | 'too_large'
  /** Stored or received data cannot be understood. */
  | 'corrupt'
  /** It may have happened or not; the answer was lost. */
  | 'outcome_unknown'
  /** A bug or something that was not foreseen. */
  | 'internal';

/** Kinds by their numbers in the port. */
export const ERROR_KINDS: Readonly<Record<number, ErrorKind>> = {
  1: 'not_found',
  2: 'already_exists',
  3: 'invalid_argument',
  4: 'permission_denied',
  5: 'condition_failed',
  6: 'conflict',
  7: 'timeout',
  8: 'cancelled',
  9: 'unavailable',
  10: 'rate_limited',
  11: 'unsupported',
  12: 'too_large',
  13: 'corrupt',
  14: 'outcome_unknown',
  15: 'internal',
};

/** Whether trying again may help. */
export type RetryClass =
  /** Trying the same again gives the same answer. */
  | 'permanent'
  /** Trying again later may work. */
  | 'temporary'
  /** It was tried as often as allowed. */
  | 'exhausted';

export const RETRY_CLASSES: Readonly<Record<number, RetryClass>> = {
  0: 'permanent',
  1: 'temporary',
  2: 'exhausted',
};

/** The class an error of a kind has unless its maker says otherwise. */
export const DEFAULT_RETRY: Readonly<Record<ErrorKind, RetryClass>> = {
  not_found: 'permanent',
  already_exists: 'permanent',
  invalid_argument: 'permanent',
  permission_denied: 'permanent',
  condition_failed: 'permanent',
  conflict: 'temporary',
  timeout: 'temporary',
  cancelled: 'permanent',
  unavailable: 'temporary',
  rate_limited: 'temporary',
  unsupported: 'permanent',
  too_large: 'permanent',
  corrupt: 'permanent',
  outcome_unknown: 'permanent',
  internal: 'permanent',
};

/** Finer codes of each subsystem, and their kind. */
export const DETAILS = {
  storage: {
    invalid_key: 'invalid_argument',
    range_not_satisfiable: 'invalid_argument',
    condition_not_met: 'condition_failed',
    aborted: 'cancelled',
    invalid_upload: 'invalid_argument',
    no_such_upload: 'not_found',
    invalid_part: 'conflict',
  },
  cache: {
    not_an_integer: 'invalid_argument',
    out_of_range: 'invalid_argument',
    load_failed: 'internal',
  },
  db: {
    parameter_count: 'invalid_argument',
    invalid_parameter: 'invalid_argument',
    out_of_range: 'invalid_argument',
    multiple_statements: 'invalid_argument',
    duplicate_column: 'invalid_argument',
    syntax_error: 'invalid_argument',
    undefined_table: 'invalid_argument',
    unique_violation: 'already_exists',
    foreign_key_violation: 'conflict',
    not_null_violation: 'conflict',
    check_violation: 'conflict',
    transaction_aborted: 'conflict',
    scope_failed: 'internal',
    pool_timeout: 'timeout',
    closed: 'unavailable',
  },
  cron: {
    invalid_cron: 'invalid_argument',
    invalid_timezone: 'invalid_argument',
  },
  cloudevents: {
    invalid_event: 'invalid_argument',
    unknown_format: 'unsupported',
    unsupported_charset: 'unsupported',
    batch_too_large: 'too_large',
  },
} as const satisfies Record<string, Record<string, ErrorKind>>;
