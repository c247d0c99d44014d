"""Exceptions of the binding."""

from __future__ import annotations


class SpikardError(Exception):
    """Something the core refused, or a use of the binding that cannot work."""


class ConfigError(SpikardError):
    """The application as described cannot be started; the text names the field and what was expected."""
