# Generated from spec/errors.yaml by codegen. Do not edit.
from enum import IntEnum
from typing import Final

class ErrorKind(IntEnum):
    NOT_FOUND = 1
    TIMEOUT = 7

class RetryClass(IntEnum):
    PERMANENT = 0
    TEMPORARY = 1

DEFAULT_RETRY: Final[dict[ErrorKind, RetryClass]]
DETAILS: Final[dict[str, dict[str, ErrorKind]]]
