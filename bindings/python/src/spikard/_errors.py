"""Exceptions of the binding."""

from __future__ import annotations

from ._generated.errors import ErrorKind


class SpikardError(Exception):
    """Something the core refused, or a use of the binding that cannot work."""


class ConfigError(SpikardError):
    """The application as described cannot be started; the text names the field and what was expected."""


class OperationError(SpikardError):
    """An operation of the core that failed; branch on `kind`."""

    def __init__(self, kind: ErrorKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind
