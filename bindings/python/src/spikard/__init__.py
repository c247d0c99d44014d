"""Spikard for Python: handlers, types and data over one C++ core."""

from __future__ import annotations

from ._app import App, Context
from ._core import Request
from ._errors import ConfigError, OperationError, SpikardError
from ._generated.errors import ErrorKind, RetryClass
from ._generated.manifest import Faults
from ._responses import Problem, Response, StreamingResponse
from ._runtime import BackgroundTasks, BodyStream, ResponseDraft, sleep, stopping
from ._schema import document as json_schema
from ._telemetry import LogHandler, Telemetry, span, traceparent
from ._toolbox import Cache, CloudEvents, Consumer, Cron, Database, Messaging, Query as SqlQuery, Storage, Tasks, Transaction, UploadPart, UploadPlan, Worker
from ._values import convert, to_json
from ._work import Ack, CloudEvent, Fatal, Message, Nack, Outcome, Retry, Task, TaskRun
from .params import Body, Cookie, Depends, Field, Form, Header, Inject, Path, Query, closed
from .testing import Fault, TestApp, TestClient, TestServer

__version__ = "0.1.0"

__all__ = [
    "Ack",
    "App",
    "BackgroundTasks",
    "Body",
    "BodyStream",
    "Cache",
    "CloudEvent",
    "CloudEvents",
    "ConfigError",
    "Consumer",
    "Context",
    "Cookie",
    "Cron",
    "Database",
    "Depends",
    "ErrorKind",
    "Fault",
    "Faults",
    "Fatal",
    "Field",
    "Form",
    "Header",
    "Inject",
    "LogHandler",
    "Message",
    "Messaging",
    "Nack",
    "OperationError",
    "Outcome",
    "Path",
    "Problem",
    "Query",
    "Request",
    "Response",
    "ResponseDraft",
    "Retry",
    "RetryClass",
    "SpikardError",
    "SqlQuery",
    "Storage",
    "StreamingResponse",
    "Task",
    "TaskRun",
    "Tasks",
    "Telemetry",
    "TestApp",
    "TestClient",
    "TestServer",
    "Transaction",
    "UploadPart",
    "UploadPlan",
    "Worker",
    "closed",
    "convert",
    "json_schema",
    "sleep",
    "span",
    "stopping",
    "to_json",
    "traceparent",
]
