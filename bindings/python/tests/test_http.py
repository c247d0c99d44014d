"""Handlers over real sockets: arguments, answers, errors, hooks, dependencies, background work."""

import asyncio
import dataclasses
import datetime
import enum
import time
import uuid
from typing import Annotated, Any, AsyncIterator, Dict, Iterator, List, Literal, Optional, TypedDict

import pytest

from spikard import (
    App,
    BackgroundTasks,
    Body,
    ConfigError,
    Context,
    Cookie,
    Depends,
    Field,
    Form,
    Header,
    Inject,
    Path,
    Problem,
    Query,
    Request,
    Response,
    TestClient,
)


class Color(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Item:
    sku: Annotated[str, Field(pattern="^[A-Z]+$")]
    quantity: Annotated[int, Field(ge=1)] = 1


@dataclasses.dataclass
class Order:
    customer: str
    items: Annotated[List[Item], Field(min_length=1)]
    when: Optional[datetime.date] = None


class Patch(TypedDict, total=False):
    note: Optional[str]


def test_typed_parameters() -> None:
    app = App()

    @app.get("/{a:int}/{b}", blocking=False)
    def handler(
        a: int,
        b: Annotated[str, Path(min_length=2)],
        flag: bool = False,
        ids: Annotated[List[int], Query()] = [],  # noqa: B006
        color: Optional[Color] = None,
        key: Annotated[Optional[uuid.UUID], Query(name="the-key")] = None,
        x_trace: Annotated[str, Header()] = "none",
        session: Annotated[Optional[str], Cookie()] = None,
        kind: Literal["x", "y"] = "x",
        *,
        limit: int = Query(10, ge=1, le=20),
    ) -> Any:
        return [a, b, flag, ids, repr(color), key, x_trace, session, kind, limit]

    with TestClient(app) as client:
        assert client.get("/7/ab").json() == [7, "ab", False, [], "None", None, "none", None, "x", 10]
        key = uuid.uuid4()
        answer = client.get(
            "/-7/a%20b",
            params={"flag": "1", "ids": [1, 2], "color": "red", "the-key": str(key), "kind": "y", "limit": 20},
            headers={"X-Trace": "t"},
            cookies={"session": "s"},
        )
        assert answer.json() == [-7, "a b", True, [1, 2], repr(Color.RED), str(key), "t", "s", "y", 20]
        bad = client.get("/7/a", params={"limit": 0, "color": "green"})
        assert bad.status_code == 422
        assert [(e["type"], e["loc"]) for e in bad.json()["errors"]] == [
            ("string_too_short", ["path", "b"]),
            ("enum", ["query", "color"]),
            ("greater_than_equal", ["query", "limit"]),
        ]


def test_bodies() -> None:
    app = App()

    @app.post("/order", status=201)
    async def order(order: Order) -> Order:
        assert isinstance(order.items[0], Item)
        return order

    @app.post("/dict")
    async def plain(data: Dict[str, Any]) -> Any:
        return data

    @app.patch("/patch")
    async def patch(change: Patch) -> Any:
        return sorted(change)

    @app.post("/two")
    async def two(item: Item, color: Annotated[Color, Body()], note: Annotated[str, Body()] = "-") -> Any:
        return [item, color, note]

    @app.post("/bytes")
    async def raw(data: Annotated[bytes, Body()]) -> bytes:
        return data[::-1]

    @app.post("/form")
    async def form(name: Annotated[str, Form()], age: Annotated[int, Form()] = 3) -> Any:
        return [name, age]

    @app.post("/formed")
    async def formed(item: Annotated[Item, Form()]) -> Any:
        return item

    @app.post("/optional")
    async def optional(item: Optional[Item] = None) -> Any:
        return "nothing" if item is None else item

    with TestClient(app) as client:
        answer = client.post("/order", json={"customer": "Ada", "items": [{"sku": "A"}], "when": "2024-02-29"})
        assert answer.status_code == 201
        assert answer.json() == {"customer": "Ada", "items": [{"sku": "A", "quantity": 1}], "when": "2024-02-29"}
        bad = client.post("/order", json={"customer": 1, "items": [{"sku": "a", "quantity": 0}]})
        assert [(e["type"], e["loc"]) for e in bad.json()["errors"]] == [
            ("string_type", ["body", "customer"]),
            ("greater_than_equal", ["body", "items", "0", "quantity"]),
            ("string_pattern_mismatch", ["body", "items", "0", "sku"]),
        ]
        big = {"n": 10**30, "i": 2**63, "f": 1.5, "s": "é", "l": [None, True]}
        assert client.post("/dict", json=big).json() == big
        assert client.patch("/patch", json={"note": None}).json() == ["note"]
        assert client.patch("/patch", json={}).json() == []
        assert client.post("/two", json={"item": {"sku": "A", "quantity": 2}, "color": "red"}).json() == [{"sku": "A", "quantity": 2}, "red", "-"]
        assert client.post("/bytes", content=b"abc", headers={"content-type": "application/octet-stream"}).content == b"cba"
        assert client.post("/form", data={"name": "a b"}).json() == ["a b", 3]
        assert client.post("/form", data={"age": "x"}).status_code == 422
        assert client.post("/formed", data={"sku": "A", "quantity": "4"}).json() == {"sku": "A", "quantity": 4}
        assert client.post("/optional").text == "nothing"
        assert client.post("/dict", content="{", headers={"content-type": "application/json"}).status_code == 400
        assert client.post("/dict", content="{}", headers={"content-type": "text/plain"}).status_code == 415


def test_models() -> None:
    msgspec = pytest.importorskip("msgspec")
    pydantic = pytest.importorskip("pydantic")

    class Struct(msgspec.Struct):
        a: Annotated[int, msgspec.Meta(ge=1)]
        when: datetime.date

    class Model(pydantic.BaseModel):
        n: int = pydantic.Field(gt=0)

        @pydantic.field_validator("n")
        @classmethod
        def even(cls, value: int) -> int:
            if value % 2:
                raise ValueError("must be even")
            return value

    app = App()

    @app.post("/struct")
    async def struct(data: Struct) -> Any:
        assert isinstance(data, Struct)
        return data

    @app.post("/model")
    async def model(data: Model) -> Any:
        assert isinstance(data, Model)
        return data

    with TestClient(app) as client:
        assert client.post("/struct", json={"a": 1, "when": "2024-01-01"}).json() == {"a": 1, "when": "2024-01-01"}
        assert client.post("/struct", json={"a": 0, "when": "2024-01-01"}).json()["errors"][0]["type"] == "greater_than_equal"
        assert client.post("/model", json={"n": 2}).json() == {"n": 2}
        assert client.post("/model", json={"n": 0}).json()["errors"][0]["type"] == "greater_than"
        own = client.post("/model", json={"n": 3})
        assert own.status_code == 422 and own.json()["errors"][0]["loc"] == ["body", "n"]


def test_answers() -> None:
    app = App()
    values: Dict[str, Any] = {
        "dict": {"a": 1},
        "list": [1],
        "text": "héllo",
        "bytes": b"\x00\x01",
        "none": None,
        "number": 3,
        "order": Order("a", [Item("A")]),
        "response": Response({"a": 1}, 202, {"x-a": "1"}),
        "typed": Response("<p>", media_type="text/html"),
        "own": Response(b"x", headers=[("Content-Type", "image/png"), ("x-b", "1"), ("x-b", "2")]),
    }

    @app.get("/v/{name}", blocking=False)
    def value(name: str) -> Any:
        return values[name]

    @app.get("/cookie")
    async def cookie() -> Response:
        response = Response("ok")
        response.set_cookie("a", "b", max_age=5, path="/", same_site="lax", secure=True, http_only=True)
        return response

    @app.delete("/none", status=204)
    async def nothing() -> None:
        return None

    with TestClient(app) as client:
        assert client.get("/v/dict").content == b'{"a":1}'
        assert client.get("/v/dict").headers["content-type"] == "application/json"
        assert client.get("/v/text").text == "héllo" and client.get("/v/text").headers["content-type"] == "text/plain; charset=utf-8"
        assert client.get("/v/bytes").content == b"\x00\x01"
        assert client.get("/v/none").status_code == 204
        assert client.get("/v/number").json() == 3
        answer = client.get("/v/response")
        assert (answer.status_code, answer.headers["x-a"], answer.json()) == (202, "1", {"a": 1})
        assert client.get("/v/typed").headers["content-type"] == "text/html"
        own = client.get("/v/own")
        assert own.headers["content-type"] == "image/png" and own.headers["x-b"] == "1, 2"
        assert client.get("/cookie").headers["set-cookie"] == "a=b; Max-Age=5; Path=/; SameSite=Lax; Secure; HttpOnly"
        assert client.delete("/none").status_code == 204
        head = client.head("/v/dict")
        assert head.content == b"" and head.headers["content-length"] == "7"


def test_the_request_object() -> None:
    app = App()
    kept: List[Request] = []

    @app.post("/r/{id:int}")
    async def handler(request: Request, id: int, data: Dict[str, Any]) -> Any:
        kept.append(request)
        await asyncio.sleep(0)
        return {
            "method": request.method,
            "path": request.path,
            "query": request.query_string,
            "header": request.header("X-A"),
            "missing": request.header("x-b", "-"),
            "body": request.text,
            "json": request.json,
            "params": request.params,
            "route": request.route,
            "version": request.version,
            "peer": request.peer.rsplit(":", 1)[0],
        }

    with TestClient(app) as client:
        answer = client.post("/r/5?q=1", json={"a": 1}, headers={"X-A": "1"}).json()
        assert answer == {
            "method": "POST",
            "path": "/r/5",
            "query": "q=1",
            "header": "1",
            "missing": "-",
            "body": '{"a": 1}',
            "json": {"a": 1},
            "params": {"path": {"id": 5}, "query": {}, "headers": {}, "cookies": {}},
            "route": "/r/{id:int}",
            "version": "1.1",
            "peer": "127.0.0.1",
        }
        for _ in range(50):
            client.post("/r/9", json={"b": 2})
        first = kept[0]
        assert (first.path, first.text, first.json, first.headers["x-a"]) == ("/r/5", '{"a": 1}', {"a": 1}, "1")


def test_errors_become_problems_and_do_not_leak() -> None:
    app = App()

    @app.get("/async")
    async def fails() -> None:
        raise KeyError("secret")

    @app.get("/late")
    async def fails_late() -> None:
        await asyncio.sleep(0)
        raise KeyError("secret")

    @app.get("/thread")
    def fails_in_thread() -> None:
        raise KeyError("secret")

    @app.get("/direct", blocking=False)
    def fails_directly() -> None:
        raise KeyError("secret")

    @app.get("/unwritable")
    async def unwritable() -> Any:
        return {"a": object()}

    @app.get("/header")
    async def bad_header() -> Any:
        return Response("x", headers={"x-a": "a\r\nx-b: c"})

    @app.get("/problem")
    async def problem() -> None:
        raise Problem(409, detail="taken", instance="/x", headers={"retry-after": "3"}, code=7)

    @app.get("/thread-problem")
    def thread_problem() -> None:
        raise Problem(404)

    @app.get("/exact", blocking=False)
    def exact() -> Any:
        return Problem.from_dict({"type": "t", "title": "T", "status": 418, "x": None})

    with TestClient(app) as client:
        for path in ("/async", "/late", "/thread", "/direct", "/unwritable", "/header"):
            answer = client.get(path)
            assert answer.status_code == 500, path
            assert answer.json()["type"].endswith("/internal-server-error") and "secret" not in answer.text and "x-b" not in answer.headers
        answer = client.get("/problem")
        assert answer.status_code == 409 and answer.headers["retry-after"] == "3"
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json() == {
            "type": "https://spikard.dev/problems/conflict",
            "title": "Conflict",
            "status": 409,
            "detail": "taken",
            "instance": "/x",
            "code": 7,
        }
        assert client.get("/thread-problem").status_code == 404
        assert client.get("/exact").json() == {"type": "t", "title": "T", "status": 418, "x": None}


def test_problems_stand_below_the_applications_base() -> None:
    app = App(config={"http": {"problem_base": "https://shop.example/errors/"}})

    @dataclasses.dataclass
    class Even:
        n: int

        def __post_init__(self) -> None:
            if self.n % 2:
                raise ValueError("n must be even")

    @app.post("/even")
    async def even(data: Even) -> int:
        return data.n

    @app.get("/coroutine")
    async def coroutine() -> None:
        raise Problem(404)

    @app.get("/thread")
    def thread() -> None:
        raise Problem(404)

    @app.get("/direct", blocking=False)
    def direct() -> Problem:
        return Problem(409, type="sold-out")

    @app.get("/absolute")
    async def absolute() -> None:
        raise Problem(409, type="about:blank")

    @app.get("/none")
    async def none() -> None:
        raise Problem(409, type="")

    @app.get("/exact")
    async def exact() -> None:
        raise Problem.from_dict({"type": "t", "status": 400})

    @app.get("/hook")
    async def hooked() -> int:
        return 1

    @app.pre_handler
    async def refuse(request: Request) -> None:
        if request.path == "/hook":
            await asyncio.sleep(0)
            raise Problem(403)

    base = "https://shop.example/errors/"
    with TestClient(app) as client:
        assert client.post("/even", json={"n": 1}).json()["type"] == base + "validation-error"
        assert client.post("/even", json={"n": "x"}).json()["type"] == base + "validation-error"
        assert client.get("/coroutine").json()["type"] == base + "not-found"
        assert client.get("/thread").json()["type"] == base + "not-found"
        assert client.get("/direct").json()["type"] == base + "sold-out"
        assert client.get("/absolute").json()["type"] == "about:blank"
        assert "type" not in client.get("/none").json()
        assert client.get("/exact").json()["type"] == "t"
        assert client.get("/hook").json()["type"] == base + "forbidden"
    assert Problem(404).to_response().content["type"] == "https://spikard.dev/problems/not-found"


def test_the_traceback_shows_the_users_line(capfd: pytest.CaptureFixture[str]) -> None:
    app = App()

    @app.get("/x")
    async def fails() -> None:
        raise KeyError("secret")  # the user's line

    with TestClient(app) as client:
        client.get("/x")
    error = capfd.readouterr().err
    assert "the user's line" in error and "KeyError" in error and "_runtime.py" not in error


def test_failures_go_to_logging_when_asked(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    app = App(log_to="logging")

    @app.get("/x")
    def fails() -> None:
        raise KeyError("secret")

    with TestClient(app) as client:
        client.get("/x")
    assert "KeyError" in caplog.text and "raise KeyError" in caplog.text
    assert "KeyError" not in capfd.readouterr().err.replace(caplog.text, "")


def test_hooks() -> None:
    app = App()
    seen: List[Any] = []

    @app.on_request
    def first(request: Request, response: Any) -> None:
        request.context["user"] = {"name": "ada"}
        response.set_header("x-first", "1")

    @app.pre_validation
    async def second(request: Request) -> None:
        await asyncio.sleep(0)
        assert request.context == {"user": {"name": "ada"}}
        request.context["n"] = 1

    @app.pre_handler
    async def third(request: Request) -> Any:
        if request.header("x-stop"):
            return Response({"stopped": True}, 403, {"x-by": "third"})
        if request.header("x-problem"):
            raise Problem(401, headers={"www-authenticate": "Bearer"})
        if request.header("x-fail"):
            raise RuntimeError("secret")
        return None

    @app.on_response
    def last(request: Request, response: Any) -> None:
        seen.append(response.status)
        response.append_header("x-last", "a")
        response.append_header("x-last", "b")

    @app.on_error
    def error(request: Request, response: Any) -> Any:
        seen.append((response.status, type(request.error).__name__))
        return {"failed": True}

    @app.get("/")
    async def handler(context: Context) -> Any:
        return context

    with TestClient(app) as client:
        answer = client.get("/")
        assert answer.json() == {"user": {"name": "ada"}, "n": 1}
        assert answer.headers["x-first"] == "1" and answer.headers["x-last"].replace(" ", "") == "a,b"
        stopped = client.get("/", headers={"x-stop": "1"})
        assert (stopped.status_code, stopped.json(), stopped.headers["x-by"]) == (403, {"stopped": True}, "third")
        assert client.get("/", headers={"x-problem": "1"}).headers["www-authenticate"] == "Bearer"
        failed = client.get("/", headers={"x-fail": "1"})
        assert (failed.status_code, failed.json()) == (500, {"failed": True})
        assert seen == [200, 403, 401, (500, "RuntimeError")]


def test_dependencies() -> None:
    app = App()
    trace: List[str] = []
    counter = iter(range(1000))
    app.value("config", {"url": "x"})

    @app.dependency(scope="singleton")
    async def pool(config: Any) -> Any:
        await asyncio.sleep(0)
        trace.append("pool")
        return ["pool", config["url"], next(counter)]

    @app.dependency
    def session(pool: Any) -> Iterator[Any]:
        trace.append("open")
        yield ["session", *pool]
        trace.append("close")

    @app.dependency("user")
    async def make_user(session: Any) -> AsyncIterator[str]:
        trace.append("open user")
        yield "ada"
        await asyncio.sleep(0)
        trace.append("close user")

    def fresh() -> int:
        return next(counter)

    @app.get("/a")
    async def a(session: Any, user: str, number: Annotated[int, Depends(fresh)], c: Any = Inject("config")) -> Any:
        return [session, user, number, c]

    with TestClient(app) as client:
        for n in (1, 2):
            assert client.get("/a").json() == [["session", "pool", "x", 0], "ada", n, {"url": "x"}]
            end = time.monotonic() + 5  # the clean-up follows the answer
            while client.server.call(lambda binding: (len(binding.closers), len(binding.tokens))) != (0, 2):
                assert time.monotonic() < end, "only config and pool should be left"
    assert trace == ["pool"] + ["open", "open user", "close user", "close"] * 2


def test_a_factory_that_fails() -> None:
    app = App()

    @app.dependency
    def broken() -> Any:
        raise RuntimeError("secret")

    @app.get("/")
    async def handler(broken: Any) -> Any:
        return 1

    with TestClient(app) as client:
        answer = client.get("/")
        assert answer.status_code == 500 and "secret" not in answer.text


def test_configuration_errors_name_the_place() -> None:
    app = App()

    @app.get("/")
    async def handler(missing: Annotated[Any, Inject("nowhere")]) -> Any:
        return 1

    with pytest.raises(ConfigError, match="nowhere"), TestClient(app):
        pass
    circle = App()
    circle.add_dependency({"name": "a", "kind": "factory", "depends_on": ["b"]}, lambda b: 1)
    circle.add_dependency({"name": "b", "kind": "factory", "depends_on": ["a"]}, lambda a: 1)
    circle.add_route({"method": "GET", "path": "/", "inject": ["a"]}, lambda request: 1)
    with pytest.raises(ConfigError, match="a.*b|circular"), TestClient(circle):
        pass
    with pytest.raises(ConfigError, match="colour"), TestClient(App(config={"colour": 1})):
        pass


def test_background_work_follows_the_answer() -> None:
    app = App()
    done: List[Any] = []

    async def later(value: int) -> None:
        await asyncio.sleep(0.01)
        done.append(value)

    def in_thread(value: int) -> None:
        time.sleep(0.01)
        done.append(value)

    async def broken() -> None:
        raise RuntimeError("secret")

    @app.post("/", status=202)
    async def handler(request: Request, tasks: BackgroundTasks) -> Any:
        request.background(later, 1)
        tasks.add(in_thread, value=2)
        tasks.add(broken)
        return len(done)

    @app.post("/response")
    def response() -> Response:
        answer = Response("ok")
        answer.add_task(later, 3)
        return answer

    with TestClient(app) as client:
        assert client.post("/").json() == 0
        client.post("/response")
        report = client.server.stop()
    assert sorted(done) == [1, 2, 3]
    assert report["components"]["background"]["finished"] == 4 and report["exit_code"] == 0


def test_start_and_stop_functions() -> None:
    app = App()
    seen: List[str] = []

    @app.on_start
    async def start() -> None:
        seen.append("start")

    @app.on_stop
    def stop() -> None:
        seen.append("stop")

    with TestClient(app):
        assert seen == ["start"]
    assert seen == ["start", "stop"]


def test_data_only_routes() -> None:
    app = App("case", config={"http": {"request_id": {"enabled": True}}})

    def echo(request: Request) -> Any:
        return {"params": request.params, "json": request.json, "deps": request.dependencies, "context": request.context}

    route = {
        "method": "POST",
        "path": "/x/{id:int}",
        "parameters": [
            {"in": "query", "name": "n", "schema": {"type": "integer", "default": 4}},
            {"in": "header", "name": "X-Key", "required": True, "schema": {"type": "string"}},
            {"in": "path", "name": "id", "required": True, "schema": {"type": "integer"}},
        ],
        "body": {"content_types": ["application/json"], "schema": {"type": "object"}},
        "inject": ["v"],
    }
    app.add_dependency({"name": "v", "kind": "value"}, "app")
    app.add_dependency({"name": "v", "kind": "value"}, "route", route=route)
    app.add_route(route, echo)
    app.add_hook("on_request", lambda request: request.context.update(a=1), "mark")
    with TestClient(app) as client:
        answer = client.post("/x/3", json={"b": 1}, headers={"x-key": "k"})
        assert answer.json() == {
            "params": {"path": {"id": 3}, "query": {"n": 4}, "headers": {"x-key": "k"}, "cookies": {}},
            "json": {"b": 1},
            "deps": ["route"],
            "context": {"a": 1},
        }
        assert answer.headers["x-request-id"]


def test_timeouts_cancel_the_handler() -> None:
    app = App(config={"http": {"timeout": {"ms": 60}}})
    cancelled: List[str] = []

    @app.get("/slow")
    async def slow() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append("slow")
            raise

    @app.get("/own", timeout=5)
    async def own() -> int:
        await asyncio.sleep(0.1)
        return 1

    with TestClient(app) as client:
        assert client.get("/slow").status_code == 408
        assert client.get("/own").json() == 1
        assert cancelled == ["slow"]
