# Generated from spec/errors.yaml by codegen. Do not edit.
"""Error kinds and their finer codes."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class ErrorKind(IntEnum):
    """What went wrong. Branch on this, never on a message."""

    NOT_FOUND = 1
    """Not there."""
    TIMEOUT = 7
    """Too long, by far."""


class RetryClass(IntEnum):
    """Whether trying again may help."""

    PERMANENT = 0
    """Never."""
    TEMPORARY = 1
    """Later."""


DEFAULT_RETRY: Final[dict[ErrorKind, RetryClass]] = {
    ErrorKind.NOT_FOUND: RetryClass.PERMANENT,
    ErrorKind.TIMEOUT: RetryClass.TEMPORARY,
}
"""The class an error of a kind has unless its maker says otherwise."""

DETAILS: Final[dict[str, dict[str, ErrorKind]]] = {
    "shop": {
        "no_bike": ErrorKind.NOT_FOUND,
    },
}
"""Finer codes of each subsystem, and their kind."""
