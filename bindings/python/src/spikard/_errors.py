"""Exceptions of the binding."""

from __future__ import annotations

from ._generated.errors import DEFAULT_RETRY, ErrorKind, RetryClass


class SpikardError(Exception):
    """Something the core refused, or a use of the binding that cannot work."""


class ConfigError(SpikardError):
    """The application as described cannot be started; the text names the field and what was expected."""


class OperationError(SpikardError):
    """An operation of the core that failed; branch on `kind`, and on `detail` where that is too coarse (docs/reference/errors.md)."""

    def __init__(self, kind: ErrorKind, message: str, detail: str = "", retry: int | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.detail = detail
        self.retry = DEFAULT_RETRY[kind] if retry is None else RetryClass(retry)

    @property
    def message(self) -> str:
        return str(self.args[0])

    def __str__(self) -> str:
        code = self.kind.name.lower() + (f"/{self.detail}" if self.detail else "")
        return f"{code}: {self.args[0]}"
