# Generated from spec/errors.yaml by codegen. Do not edit.
"""Error kinds and their finer codes."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class ErrorKind(IntEnum):
    """What went wrong. Branch on this, never on a message."""

    NOT_FOUND = 1
    """What must be there is not."""
    ALREADY_EXISTS = 2
    """What must not be there is."""
    INVALID_ARGUMENT = 3
    """The request or the configuration is wrong, whatever the state."""
    PERMISSION_DENIED = 4
    """The caller may not do this."""
    CONDITION_FAILED = 5
    """A condition that the caller named does not hold."""
    CONFLICT = 6
    """Somebody else changed the same thing at the same time."""
    TIMEOUT = 7
    """It took longer than allowed, and did not happen."""
    CANCELLED = 8
    """The caller or a shutdown stopped it."""
    UNAVAILABLE = 9
    """A service or resource cannot be reached or is overloaded."""
    RATE_LIMITED = 10
    """Too many requests or no room in a queue."""
    UNSUPPORTED = 11
    """This backend or build cannot do it."""
    TOO_LARGE = 12
    """A limit on size was passed."""
    CORRUPT = 13
    """Stored or received data cannot be understood."""
    OUTCOME_UNKNOWN = 14
    """It may have happened or not; the answer was lost."""
    INTERNAL = 15
    """A bug or something that was not foreseen."""


class RetryClass(IntEnum):
    """Whether trying again may help."""

    PERMANENT = 0
    """Trying the same again gives the same answer."""
    TEMPORARY = 1
    """Trying again later may work."""
    EXHAUSTED = 2
    """It was tried as often as allowed."""


DEFAULT_RETRY: Final[dict[ErrorKind, RetryClass]] = {
    ErrorKind.NOT_FOUND: RetryClass.PERMANENT,
    ErrorKind.ALREADY_EXISTS: RetryClass.PERMANENT,
    ErrorKind.INVALID_ARGUMENT: RetryClass.PERMANENT,
    ErrorKind.PERMISSION_DENIED: RetryClass.PERMANENT,
    ErrorKind.CONDITION_FAILED: RetryClass.PERMANENT,
    ErrorKind.CONFLICT: RetryClass.TEMPORARY,
    ErrorKind.TIMEOUT: RetryClass.TEMPORARY,
    ErrorKind.CANCELLED: RetryClass.PERMANENT,
    ErrorKind.UNAVAILABLE: RetryClass.TEMPORARY,
    ErrorKind.RATE_LIMITED: RetryClass.TEMPORARY,
    ErrorKind.UNSUPPORTED: RetryClass.PERMANENT,
    ErrorKind.TOO_LARGE: RetryClass.PERMANENT,
    ErrorKind.CORRUPT: RetryClass.PERMANENT,
    ErrorKind.OUTCOME_UNKNOWN: RetryClass.PERMANENT,
    ErrorKind.INTERNAL: RetryClass.PERMANENT,
}
"""The class an error of a kind has unless its maker says otherwise."""

DETAILS: Final[dict[str, dict[str, ErrorKind]]] = {
    "storage": {
        "invalid_key": ErrorKind.INVALID_ARGUMENT,
        "range_not_satisfiable": ErrorKind.INVALID_ARGUMENT,
        "condition_not_met": ErrorKind.CONDITION_FAILED,
        "aborted": ErrorKind.CANCELLED,
        "invalid_upload": ErrorKind.INVALID_ARGUMENT,
        "no_such_upload": ErrorKind.NOT_FOUND,
        "invalid_part": ErrorKind.CONFLICT,
    },
    "cache": {
        "not_an_integer": ErrorKind.INVALID_ARGUMENT,
        "out_of_range": ErrorKind.INVALID_ARGUMENT,
        "load_failed": ErrorKind.INTERNAL,
    },
    "db": {
        "parameter_count": ErrorKind.INVALID_ARGUMENT,
        "invalid_parameter": ErrorKind.INVALID_ARGUMENT,
        "out_of_range": ErrorKind.INVALID_ARGUMENT,
        "multiple_statements": ErrorKind.INVALID_ARGUMENT,
        "duplicate_column": ErrorKind.INVALID_ARGUMENT,
        "syntax_error": ErrorKind.INVALID_ARGUMENT,
        "undefined_table": ErrorKind.INVALID_ARGUMENT,
        "unique_violation": ErrorKind.ALREADY_EXISTS,
        "foreign_key_violation": ErrorKind.CONFLICT,
        "not_null_violation": ErrorKind.CONFLICT,
        "check_violation": ErrorKind.CONFLICT,
        "transaction_aborted": ErrorKind.CONFLICT,
        "scope_failed": ErrorKind.INTERNAL,
        "pool_timeout": ErrorKind.TIMEOUT,
        "closed": ErrorKind.UNAVAILABLE,
    },
    "cron": {
        "invalid_cron": ErrorKind.INVALID_ARGUMENT,
        "invalid_timezone": ErrorKind.INVALID_ARGUMENT,
    },
    "cloudevents": {
        "invalid_event": ErrorKind.INVALID_ARGUMENT,
        "unknown_format": ErrorKind.UNSUPPORTED,
        "unsupported_charset": ErrorKind.UNSUPPORTED,
        "batch_too_large": ErrorKind.TOO_LARGE,
    },
}
"""Finer codes of each subsystem, and their kind."""
