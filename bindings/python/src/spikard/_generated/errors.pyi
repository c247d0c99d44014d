# Generated from spec/errors.yaml by codegen. Do not edit.
from enum import IntEnum
from typing import Final

class ErrorKind(IntEnum):
    NOT_FOUND = 1
    ALREADY_EXISTS = 2
    INVALID_ARGUMENT = 3
    PERMISSION_DENIED = 4
    CONDITION_FAILED = 5
    CONFLICT = 6
    TIMEOUT = 7
    CANCELLED = 8
    UNAVAILABLE = 9
    RATE_LIMITED = 10
    UNSUPPORTED = 11
    TOO_LARGE = 12
    CORRUPT = 13
    OUTCOME_UNKNOWN = 14
    INTERNAL = 15

class RetryClass(IntEnum):
    PERMANENT = 0
    TEMPORARY = 1
    EXHAUSTED = 2

DEFAULT_RETRY: Final[dict[ErrorKind, RetryClass]]
DETAILS: Final[dict[str, dict[str, ErrorKind]]]
