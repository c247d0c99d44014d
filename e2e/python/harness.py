"""The Python harness of the fixture player (e2e/README.md): JSON lines in and out, one application at a time, built through the package's public API."""

from __future__ import annotations

import asyncio
import base64
import inspect
import json
import logging
import os
import re
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import spikard
from spikard import App, CloudEvent, ConfigError, Message, OperationError, Problem, Request, Response, ResponseDraft, StreamingResponse, TestServer
from toolbox import DRIVERS, Handled, NotBuilt, Script, Toolbox, events_of, only

Json = dict[str, Any]
_DEPENDENCY_ERROR = re.compile(r": ([a-z]+_(?:dependency|mismatch)): ")


class Case:
    """What the handlers, hooks and factories of one case share."""

    def __init__(self) -> None:
        self.trace: list[str] = []
        self.counters: dict[str, int] = {}
        self.lists: dict[str, list[Any]] = {}
        self.events: list[Json] = []


# ---- what a handler can do (fixtures/README.md section 1) ------------------------------------------------------------


def content_bytes(content: Json) -> bytes:
    if "json" in content:
        return json.dumps(content["json"], ensure_ascii=False).encode()
    return content["text"].encode() if "text" in content else base64.b64decode(content["base64"])


def header_lines(headers: Json) -> list[tuple[str, str]]:
    return [(name, line) for name, value in headers.items() for line in (value if isinstance(value, list) else [value])]


def response_of(spec: Json) -> Response:
    body = spec.get("body")
    content: Any = None
    media_type = body.get("media_type") if body else None
    if body is not None:
        if "text" in body:
            content = body["text"]
        elif "base64" in body or body["json"] is None or isinstance(body["json"], (str, bytes)):
            # A None or a str of its own would be no body, or text: JSON as it stands.
            content = content_bytes(body)
            media_type = media_type or ("application/json" if "json" in body else None)
        else:
            content = body["json"]
    response = Response(content, spec.get("status", 200), header_lines(spec.get("headers", {})), media_type)
    for cookie in spec.get("cookies", []):
        response.set_cookie(cookie["name"], **{"value": "", **{k: v for k, v in cookie.items() if k != "name"}})
    return response


def shown(value: Any) -> Any:
    """Uploaded files as an echo has them: text where the bytes are UTF-8, else base64."""
    if isinstance(value, list):
        return [shown(v) for v in value]
    if not isinstance(value, dict):
        return value
    content = value.get("content")
    if not isinstance(content, bytes):
        return {k: shown(v) for k, v in value.items()}
    file = {k: v for k, v in value.items() if k != "content"}
    try:
        return {**file, "text": content.decode()}
    except UnicodeDecodeError:
        return {**file, "base64": base64.b64encode(content).decode()}


def echo(route: Json, request: Request, spec: Json) -> Response:
    out: Json = {}
    for part in spec.get("parts", []):
        if part in ("path", "query", "headers", "cookies"):
            out[part] = request.params.get(part, {})
        elif part == "body":
            out[part] = shown(request.json)
        elif part == "auth":
            out[part] = request.auth
        elif part == "context":
            out[part] = request.context
        else:
            out[part] = [{"name": n, "value": v} for n, v in zip(route.get("inject", []), request.dependencies, strict=True)]
    return Response(out, spec.get("status", 200))


async def chunks_of(spec: Json) -> AsyncIterator[bytes]:
    fail_after = spec.get("fail_after")
    for i, chunk in enumerate(spec["chunks"]):
        if i == fail_after:
            break
        if i and spec.get("delay_ms"):
            await spikard.sleep(spec["delay_ms"] / 1000)
        yield content_bytes(chunk)
    if fail_after is not None and fail_after <= len(spec["chunks"]):
        raise RuntimeError("the stream fails, as the case says")


def act(case: Case, route: Json, spec: Json, request: Request) -> Any:
    kind = spec["kind"]
    if kind == "respond":
        return response_of(spec)
    if kind == "echo":
        return echo(route, request, spec)
    if kind == "problem":
        raise Problem.from_dict(spec["problem"])
    if kind == "stream":
        return StreamingResponse(chunks_of(spec), media_type=spec["media_type"])
    if kind == "background":
        field = request.json[spec["field"]]
        request.background(lambda: case.lists.setdefault(spec["list"], []).append(field))
        return Response({"queued": True}, 202)
    if kind == "background_list":
        return {spec["list"]: list(case.lists.get(spec["list"], []))}
    raise RuntimeError(spec.get("message", "fail"))


LEVELS = {"trace": logging.DEBUG, "debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}


async def publish(spec: Json) -> Response:
    payload = spec["payload"]
    if isinstance(payload, dict) and payload.keys() <= {"$text", "$bytes"}:
        payload = payload["$text"] if "$text" in payload else base64.b64decode(payload["$bytes"])
    await spikard.Messaging().publish(spec["topic"], payload)
    return Response(None, 202)


HANDLER_KEYS = {
    "respond": "kind status headers cookies body", "echo": "kind status parts", "problem": "kind problem", "fail": "kind message", "sleep": "kind ms then",
    "stream": "kind media_type chunks delay_ms fail_after", "background": "kind list field", "background_list": "kind list",
    "publish": "kind topic payload", "log": "kind level message attributes then",
}


def check_handler(spec: Json) -> None:
    if spec["kind"] not in HANDLER_KEYS:
        raise NotBuilt(f"handler {spec['kind']}")
    only(spec, HANDLER_KEYS[spec["kind"]], "handler")
    if spec["kind"] in ("sleep", "log"):
        check_handler(spec["then"])


def handler_of(case: Case, route: Json, spec: Json) -> Callable[[Request], Any]:
    check_handler(spec)
    if spec["kind"] == "publish":
        return lambda request: publish(spec)
    if spec["kind"] == "log":

        then = handler_of(case, route, spec["then"])

        def logging_one(request: Request) -> Any:
            logging.getLogger("case").log(LEVELS[spec["level"]], spec["message"], extra=spec.get("attributes", {}))
            return then(request)

        return logging_one
    if spec["kind"] != "sleep":
        return lambda request: act(case, route, spec, request)

    then = handler_of(case, route, spec["then"])

    async def sleeping(request: Request) -> Any:
        await spikard.sleep(spec["ms"] / 1000)
        value = then(request)
        return await value if inspect.isawaitable(value) else value

    return sleeping


def add_route(app: App, case: Case, spec: Json) -> None:
    only(spec, "method path parameters body inject inject_types dependencies handler", "route")
    route = {k: v for k, v in spec.items() if k not in ("handler", "dependencies")}
    for dependency in spec.get("dependencies", []):
        add_dependency(app, case, dependency, route)
    # All three ways to run a handler are played: `sleep` on the event loop, what a worker thread can do there, the rest on the loop's thread.
    blocking = spec["handler"]["kind"] in ("respond", "fail", "problem")
    app.add_route(route, handler_of(case, route, spec["handler"]), blocking=blocking)


# ---- hooks -----------------------------------------------------------------------------------------------------------


def unauthorized(had_token: bool) -> Problem:
    return Problem(401, headers=[("www-authenticate", 'Bearer error="invalid_token"' if had_token else "Bearer")])


def hook_of(spec: Json) -> Callable[[Request, ResponseDraft], Any]:
    kind = spec["kind"]

    def set_context(request: Request, response: ResponseDraft) -> None:
        request.context[spec["key"]] = spec["value"]

    def append_context(request: Request, response: ResponseDraft) -> None:
        before = request.context.get(spec["key"], [])
        request.context[spec["key"]] = [*(before if isinstance(before, list) else [before]), spec["value"]]

    def set_response_header(request: Request, response: ResponseDraft) -> None:
        response.set_header(spec["name"], spec["value"])

    def append_response_header(request: Request, response: ResponseDraft) -> None:
        response.append_header(spec["name"], spec["value"])

    async def respond(request: Request, response: ResponseDraft) -> Response:
        return response_of(spec)

    async def fail(request: Request, response: ResponseDraft) -> None:
        raise RuntimeError(spec.get("message", "fail"))

    async def require_bearer(request: Request, response: ResponseDraft) -> None:
        scheme, _, token = (request.header("authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise unauthorized(False)
        if token not in spec["tokens"]:
            raise unauthorized(True)
        for key, value in spec["tokens"][token].items():
            request.context[key] = value

    def require_context(request: Request, response: ResponseDraft) -> None:
        if spec["key"] not in request.context or request.context[spec["key"]] != spec["equals"]:
            raise Problem(403)

    calls = 0

    def limit_calls(request: Request, response: ResponseDraft) -> None:
        nonlocal calls
        calls += 1
        if calls > spec["max"]:
            raise Problem(429, headers=[("retry-after", str(spec.get("retry_after", 1)))])

    known: dict[str, tuple[Callable[..., Any], str]] = {
        "set_context": (set_context, "kind key value"), "append_context": (append_context, "kind key value"),
        "set_response_header": (set_response_header, "kind name value"), "append_response_header": (append_response_header, "kind name value"),
        "respond": (respond, "kind status headers body"), "fail": (fail, "kind message"), "require_bearer": (require_bearer, "kind tokens"),
        "require_context": (require_context, "kind key equals"), "limit_calls": (limit_calls, "kind max retry_after"),
    }
    if kind not in known:
        raise NotBuilt(f"hook {kind}")
    fn, keys = known[kind]
    only(spec, keys, "hook")
    return fn


# ---- dependencies ----------------------------------------------------------------------------------------------------


def produce(case: Case, name: str, produces: Any) -> Any:
    if isinstance(produces, dict):
        only(produces, "object", "produces")
        return produces["object"]
    if produces == "uuid":
        return str(uuid.uuid4())
    if produces == "counter":
        case.counters[name] = case.counters.get(name, 0) + 1
        return {"instance": case.counters[name]}
    if produces is None:
        return None
    raise NotBuilt(f"produces {produces}")


def factory_of(case: Case, spec: Json) -> Callable[..., Any]:
    name, produces = spec["name"], spec.get("produces")

    def make() -> Any:
        case.trace.append(f"open:{name}")
        return produce(case, name, produces)

    def plain(*_: Any) -> Any:
        return make()

    async def coroutine(*_: Any) -> Any:
        await asyncio.sleep(0)
        return make()

    def generator(*_: Any) -> Iterable[Any]:
        yield make()
        case.trace.append(f"close:{name}")

    async def async_generator(*_: Any) -> AsyncIterator[Any]:
        await asyncio.sleep(0)
        yield make()
        await asyncio.sleep(0)
        case.trace.append(f"close:{name}")

    if spec.get("cleanup"):
        return async_generator if spec.get("async") else generator
    return coroutine if spec.get("async") else plain


def add_dependency(app: App, case: Case, spec: Json, route: Json | None = None) -> None:
    only(spec, "name kind value async depends_on scope produces cleanup", "dependency")
    data = {k: v for k, v in spec.items() if k in ("name", "kind", "scope", "depends_on")}
    app.add_dependency(data, spec.get("value") if spec["kind"] == "value" else factory_of(case, spec), route=route)


# ---- the application -------------------------------------------------------------------------------------------------


def add_events(app: App, case: Case, spec: Json) -> None:
    only(spec, "path handler dispatch allowed_origins allowed_rate", "cloudevents")
    handler = spec["handler"]
    only(handler, "kind event message", "cloudevents.handler")
    if handler["kind"] not in ("echo_event", "reply_event", "fail"):
        raise NotBuilt(f"handler {handler['kind']}")
    app.event_endpoint(spec["path"], **{k: spec[k] for k in ("allowed_origins", "allowed_rate") if k in spec})

    def add(type: str, name: str) -> None:
        @app.event(type, path=spec["path"])
        async def handle(event: CloudEvent) -> Any:
            case.events.append({"event": events_of(event), "handler": name})
            if handler["kind"] == "fail":
                raise RuntimeError(handler.get("message", "fail"))
            return CloudEvent.from_dict(handler["event"]) if handler["kind"] == "reply_event" else None

    for type, name in spec.get("dispatch", {}).items():
        add(type, name)
    if "*" not in spec.get("dispatch", {}):
        add("*", "default")


def add_consumer(app: App, spec: Json) -> None:
    only(spec, "topic group handler", "consumers")
    script, handled = Script(spec["handler"]), Handled()

    @app.consumer(spec["topic"], group=spec["group"], name=f"{spec['topic']}.{spec['group']}")
    async def handle(message: Message) -> Any:
        return await handled.run(script.next(message.payload.decode("utf-8", "replace")), {"payload": message.payload})


def make_app(spec: Json, case: Case) -> App:
    only(spec, "config hooks dependencies routes cloudevents consumers env", "app")
    config = dict(spec.get("config", {}))
    only(config, "request_id timeout limits telemetry auth cors compression static_files rate_limit", "config")
    manifest: Any = {"log": {"level": "warn"}, "shutdown": {"timeout_ms": 2000}}
    if "telemetry" in config:
        manifest["telemetry"] = config.pop("telemetry")
    if "consumers" in spec or any(route["handler"]["kind"] == "publish" for route in spec.get("routes", [])):
        manifest["services"] = {"messaging": {"default": {"url": "memory:"}}}
    # A case has the routes it names, and no others: no health routes.
    manifest["http"] = {**config, "health": {"enabled": False}}
    app = App("case", config=manifest)
    if "cloudevents" in spec:
        add_events(app, case, spec["cloudevents"])
    for consumer in spec.get("consumers", []):
        add_consumer(app, consumer)
    for dependency in spec.get("dependencies", []):
        add_dependency(app, case, dependency)
    only(spec.get("hooks", {}), "on_request pre_validation pre_handler on_response on_error", "hooks")
    for phase, hooks in spec.get("hooks", {}).items():
        for hook in hooks:
            app.add_hook(phase, hook_of(hook))
    for route in spec.get("routes", []):
        add_route(app, case, route)
    return app


class Harness:
    def __init__(self) -> None:
        self.case = Case()
        self.server: TestServer | None = None
        self.loops = ("asyncio", "uvloop")
        self.started = 0
        self.toolbox: Toolbox | None = None
        self.told: dict[str, list[Any]] = {"spans": [], "logs": []}
        self.env: dict[str, str | None] = {}

    def answer(self, line: str) -> Json:
        try:
            return {"ok": True, **self.run(json.loads(line))}
        except NotBuilt as error:
            return {"ok": False, "error": {"type": "not_built", "message": str(error)}}
        except ConfigError as error:
            found = _DEPENDENCY_ERROR.search(str(error))
            return {"ok": False, "error": {"type": found[1] if found else "invalid_argument", "message": str(error)}}
        except OperationError as error:
            return {"ok": False, "error": {"kind": error.kind.name.lower(), "detail": error.detail, "message": error.message}}
        except Exception as error:  # noqa: BLE001 - told to the player
            return {"ok": False, "error": {"type": type(error).__name__, "message": str(error)}}

    def run(self, request: Json) -> Json:
        op = request["op"]
        if op == "start":
            only(request, "op app", "start")
            self.stop()
            self.case = Case()
            self.told = {"spans": [], "logs": []}
            self.environment(request["app"].get("env", {}))
            server = TestServer(make_app(request["app"], self.case), loop=self.next_loop(), configured="env" in request["app"])
            server.start()
            self.server = server
            return {"port": server.port}
        if op == "stop":
            only(request, "op drain_timeout_ms", "stop")
            return {"report": self.stop()}
        if op == "trace":
            return {"dependency_trace": list(self.case.trace)}
        if op == "events":
            return {"events": list(self.case.events)}
        if op in ("spans", "logs", "metrics"):
            return {op: self.telemetry(op)}
        if op == "backends":
            only(request, "op subsystem", "backends")
            if request["subsystem"] not in DRIVERS:
                raise NotBuilt(f"client {request['subsystem']}")
            return {"backends": DRIVERS[request["subsystem"]].backends}
        if op == "client":
            only(request, "op client", "client")
            self.close()
            self.told = {"spans": [], "logs": []}
            self.toolbox = Toolbox(request["client"], self.next_loop())
            return {"capabilities": self.toolbox.driver.capabilities}
        if op == "do":
            only(request, "op do args", "do")
            if self.toolbox is None:
                raise RuntimeError("there is no client")
            return {"result": self.toolbox.do(request["do"], request["args"])}
        if op == "close":
            self.close()
            return {}
        raise NotBuilt(f"op {op}")

    def next_loop(self) -> str:
        """Both event loops in turn."""
        self.started += 1
        return self.loops[self.started % len(self.loops)]

    def environment(self, env: dict[str, str]) -> None:
        """Set before the start, and put back by the next."""
        for name, before in self.env.items():
            if before is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = before
        self.env = {name: os.environ.get(name) for name in env}
        os.environ.update(env)

    def telemetry(self, what: str) -> list[Any]:
        """Since the start: the exporter gives each once."""
        server = self.server if self.server is not None else self.toolbox.test if self.toolbox is not None else None
        if server is None:
            raise RuntimeError("nothing runs")
        client = spikard.Telemetry()
        if what == "metrics":
            return server.call(lambda _: client.collect_metrics())
        self.told[what] += server.call(lambda _: client.take_spans() if what == "spans" else client.take_logs())
        return self.told[what]

    def close(self) -> None:
        if self.toolbox is not None:
            toolbox, self.toolbox = self.toolbox, None
            toolbox.close()

    def stop(self) -> Json | None:
        if self.server is None:
            return None
        server, self.server = self.server, None
        return server.stop()


def main() -> None:
    # Standard output is the protocol's alone: whatever else prints goes to standard error.
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    harness = Harness()
    for line in sys.stdin:
        print(json.dumps(harness.answer(line)), file=replies, flush=True)
    harness.close()
    harness.stop()


if __name__ == "__main__":
    main()
