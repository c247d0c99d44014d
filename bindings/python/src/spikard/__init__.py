"""Spikard for Python: handlers, types and data over one C++ core."""

from __future__ import annotations

from ._app import App, Context
from ._core import Request
from ._errors import ConfigError, OperationError, SpikardError
from ._generated.errors import ErrorKind
from ._responses import Problem, Response, StreamingResponse
from ._runtime import BackgroundTasks, BodyStream, ResponseDraft, sleep, stopping
from ._schema import document as json_schema
from .params import Body, Cookie, Depends, Field, Form, Header, Inject, Path, Query, closed
from .testing import TestClient, TestServer

__version__ = "0.1.0"

__all__ = [
    "App",
    "BackgroundTasks",
    "Body",
    "BodyStream",
    "ConfigError",
    "Context",
    "Cookie",
    "Depends",
    "ErrorKind",
    "Field",
    "Form",
    "Header",
    "Inject",
    "OperationError",
    "Path",
    "Problem",
    "Query",
    "Request",
    "Response",
    "ResponseDraft",
    "SpikardError",
    "StreamingResponse",
    "TestClient",
    "TestServer",
    "closed",
    "json_schema",
    "sleep",
    "stopping",
]
