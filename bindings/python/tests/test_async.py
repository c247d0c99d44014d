"""Coroutines started at once, streams, disconnects: what an event loop is for. On asyncio and on uvloop."""

import asyncio
import contextvars
import hashlib
import importlib.util
import socket
import sys
import threading
import time
from typing import Any, AsyncIterator, Iterator, List

import pytest

from spikard import App, BodyStream, Request, Response, StreamingResponse, TestClient, sleep, stopping

LOOPS = ["asyncio"] + (["uvloop"] if importlib.util.find_spec("uvloop") else [])
variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable", default=0)


@pytest.fixture(params=LOOPS)
def loop(request: Any) -> str:
    return str(request.param)


def wait_for(condition: Any, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.005)


def test_one_task_before_and_after_the_first_suspension(loop: str) -> None:
    app = App()

    @app.get("/")
    async def handler() -> Any:
        before = asyncio.current_task()
        assert before is not None and before in asyncio.all_tasks()
        await asyncio.sleep(0)
        return before is asyncio.current_task()

    with TestClient(app, loop=loop) as client:
        assert client.get("/").json() is True


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.timeout and TaskGroup came with 3.11")
def test_timeout_and_task_group_before_the_first_suspension(loop: str) -> None:
    app = App()

    @app.get("/timeout")
    async def timeout() -> Any:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.sleep(60)
        except TimeoutError:
            return "timed out"

    @app.get("/group")
    async def group() -> Any:
        async def part(n: int) -> int:
            await asyncio.sleep(0)
            return n

        async with asyncio.TaskGroup() as tasks:
            parts = [tasks.create_task(part(n)) for n in range(3)]
        return [part.result() for part in parts]

    @app.get("/failing-group")
    async def failing_group() -> Any:
        async def part() -> None:
            raise ValueError("x")

        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(part())
                await asyncio.sleep(60)
        except Exception as error:
            return type(error).__name__
        return None

    with TestClient(app, loop=loop) as client:
        assert client.get("/timeout").text == "timed out"
        assert client.get("/group").json() == [0, 1, 2]
        assert client.get("/failing-group").text == "ExceptionGroup"


def test_anyio(loop: str) -> None:
    anyio = pytest.importorskip("anyio")
    app = App()

    @app.get("/")
    async def handler() -> Any:
        with anyio.move_on_after(0.01) as scope:
            await anyio.sleep(60)
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.sleep, 0)
        return [scope.cancelled_caught, await anyio.to_thread.run_sync(lambda: 5)]

    with TestClient(app, loop=loop) as client:
        assert client.get("/").json() == [True, 5]


def test_context_variables_are_a_requests_own(loop: str) -> None:
    app = App()

    @app.get("/{n:int}")
    async def handler(n: int) -> Any:
        before = variable.get()
        variable.set(n)
        await asyncio.sleep(0.01)
        return [before, variable.get()]

    @app.get("/thread/{n:int}")
    def in_thread(n: int) -> Any:
        before = variable.get()
        variable.set(n)
        return [before, variable.get()]

    @app.get("/direct/{n:int}", blocking=False)
    def direct(n: int) -> Any:
        before = variable.get()
        variable.set(n)
        return [before, variable.get()]

    with TestClient(app, loop=loop) as client:
        for n in (1, 2, 3):
            for path in (f"/{n}", f"/thread/{n}", f"/direct/{n}"):
                assert client.get(path).json() == [0, n]


def test_many_at_once(loop: str) -> None:
    app = App()
    now, most = 0, 0

    @app.get("/")
    async def handler() -> Any:
        nonlocal now, most
        now += 1
        most = max(most, now)
        if now == 20:
            everyone.set()
        await everyone.wait()
        now -= 1
        return "ok"

    everyone = asyncio.Event()
    with TestClient(app, loop=loop) as client:
        answers: List[int] = []

        def one() -> None:
            own = TestClient.__new__(TestClient)
            own.server, own._headers, own._timeout, own._connection = client.server, {}, 20.0, None
            answers.append(own.get("/").status_code)
            assert own._connection is not None
            own._connection.close()

        threads = [threading.Thread(target=one) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == [200] * 20 and most == 20


def test_blocking_handlers_do_not_hold_the_loop() -> None:
    app = App()
    entered, release = threading.Event(), threading.Event()

    @app.get("/blocked")
    def blocked() -> str:
        entered.set()
        assert threading.current_thread().name.startswith("spikard-worker")
        assert release.wait(10)
        return "released"

    @app.get("/free")
    async def free() -> str:
        release.set()
        return "free"

    with TestClient(app) as client:
        results: List[str] = []
        thread = threading.Thread(target=lambda: results.append(client.get("/blocked").text))
        thread.start()
        wait_for(entered.is_set)
        with client.stream("GET", "/free") as other:
            assert other.read() == b"free"
        thread.join()
        assert results == ["released"]


def test_plain_functions_that_give_coroutines() -> None:
    app = App()

    async def inner(n: int) -> int:
        await asyncio.sleep(0)
        return n

    app.get("/a", blocking=False)(lambda: inner(1))
    app.get("/b")(lambda: inner(2))
    with TestClient(app) as client:
        assert [client.get("/a").json(), client.get("/b").json()] == [1, 2]


def test_streamed_answers(loop: str) -> None:
    app = App()
    closed: List[str] = []

    @app.get("/async")
    async def async_chunks() -> StreamingResponse:
        async def chunks() -> AsyncIterator[str]:
            try:
                for n in range(3):
                    yield f"{n};"
                    await asyncio.sleep(0.01)
            finally:
                closed.append("async")

        return StreamingResponse(chunks(), media_type="text/plain", headers={"x-a": "1"})

    @app.get("/plain", blocking=False)
    def plain_chunks() -> StreamingResponse:
        def chunks() -> Iterator[bytes]:
            yield b"a"
            yield b""
            yield b"b"

        return StreamingResponse(chunks(), 201)

    @app.get("/thread")
    def thread_chunks() -> StreamingResponse:
        return StreamingResponse(["x", "y"])

    @app.get("/fails")
    async def fails() -> StreamingResponse:
        async def chunks() -> AsyncIterator[str]:
            yield "a"
            raise RuntimeError("secret")

        return StreamingResponse(chunks())

    with TestClient(app, loop=loop) as client:
        answer = client.get("/async")
        assert (answer.text, answer.headers["x-a"], answer.headers["content-type"]) == ("0;1;2;", "1", "text/plain")
        assert "content-length" not in answer.headers and closed == ["async"]
        assert (client.get("/plain").status_code, client.get("/plain").content) == (201, b"ab")
        assert client.get("/thread").content == b"xy"
        with client.stream("GET", "/async") as stream:
            assert next(iter(stream)) == b"0;"
        with pytest.raises(Exception), client.stream("GET", "/fails") as stream:
            assert b"secret" not in b"".join(stream)
        assert client.get("/thread").content == b"xy"


def test_a_slow_reader_holds_the_writer(loop: str) -> None:
    app = App()
    made = 0

    @app.get("/")
    async def handler() -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            nonlocal made
            for _ in range(2000):
                made += 1
                yield bytes(65536)

        return StreamingResponse(chunks())

    with TestClient(app, loop=loop) as client:
        with client.stream("GET", "/") as stream:
            first = stream.read(1000)
            held = -1
            while held != made:  # until the writer has come to rest
                held = made
                time.sleep(0.1)
            assert held < 1500, "about what socket buffers and one window hold, not all of it"
            total = len(first) + sum(len(chunk) for chunk in stream)
        assert total == 2000 * 65536 and made == 2000


def test_streamed_bodies(loop: str) -> None:
    app = App()

    @app.put("/up", stream=True)
    async def up(request: Request) -> Any:
        digest, chunks = hashlib.sha256(), 0
        async for chunk in request.stream():
            digest.update(chunk)
            chunks += 1
            if chunks % 7 == 0:
                await asyncio.sleep(0)
        return [digest.hexdigest(), chunks]

    @app.post("/typed")
    async def typed(body: BodyStream) -> int:
        return len(await body.read())

    @app.post("/ignored", stream=True)
    async def ignored() -> str:
        return "no thanks"

    data = bytes(range(256)) * 4096 * 8
    with TestClient(app, loop=loop) as client:
        digest, chunks = client.put("/up", content=data, headers={"content-type": "application/octet-stream"}).json()
        assert digest == hashlib.sha256(data).hexdigest() and chunks > 10
        assert client.put("/up", content=b"", headers={"content-type": "application/octet-stream"}).json()[0] == hashlib.sha256(b"").hexdigest()
        pieces = client.post("/typed", content=iter([b"ab", b"cde"]), headers={"content-type": "application/octet-stream"})
        assert pieces.json() == 5
        assert client.post("/ignored", content=b"x" * 100, headers={"content-type": "application/octet-stream"}).text == "no thanks"


def test_a_client_that_goes_cancels_the_handler(loop: str) -> None:
    app = App()
    seen: List[str] = []

    @app.get("/wait")
    async def wait(request: Request) -> None:
        seen.append("started")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.append(f"cancelled {request.cancelled}")
            raise

    @app.get("/feed")
    async def feed() -> StreamingResponse:
        async def chunks() -> AsyncIterator[str]:
            try:
                yield "first"
                await asyncio.sleep(60)
            finally:
                seen.append("feed closed")

        return StreamingResponse(chunks())

    @app.put("/up", stream=True)
    async def up(body: BodyStream) -> None:
        seen.append("upload")
        try:
            await body.read()
        except asyncio.CancelledError:
            seen.append("upload cancelled")
            raise

    with TestClient(app, loop=loop) as client:
        with socket.create_connection((client.server.host, client.server.port)) as connection:
            connection.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
            wait_for(lambda: seen == ["started"])
        wait_for(lambda: seen == ["started", "cancelled True"])
        seen.clear()
        with client.stream("GET", "/feed") as stream:
            assert stream.read() == b"first"
        wait_for(lambda: seen == ["feed closed"])
        seen.clear()
        with socket.create_connection((client.server.host, client.server.port)) as connection:
            connection.sendall(b"PUT /up HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nContent-Type: application/octet-stream\r\n\r\nabc")
            wait_for(lambda: seen == ["upload"])
        wait_for(lambda: seen == ["upload", "upload cancelled"])
        report = client.server.stop()
    assert report["exit_code"] == 0


def test_a_request_kept_after_its_answer(loop: str) -> None:
    app = App()
    kept: List[Request] = []

    @app.post("/a", blocking=False)
    def direct(request: Request, data: dict[str, Any]) -> str:
        kept.append(request)
        return "ok"

    with TestClient(app, loop=loop) as client:
        client.post("/a", json={"n": 1})
        for n in range(100):
            client.post("/a", json={"n": n})
    assert kept[0].json == {"n": 1} and kept[0].text == '{"n": 1}' and kept[50].json == {"n": 49}


def test_sleep_follows_the_virtual_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPIKARD_TEST", "1")
    app = App(config={"clock": "virtual"})
    seen: List[str] = []

    @app.get("/")
    async def handler(request: Request) -> str:
        seen.append("asleep")
        await request.sleep(3600)
        seen.append("awake")
        return "ok"

    async def later() -> None:
        await sleep(60)
        seen.append("background")

    @app.get("/bg")
    async def background() -> Response:
        response = Response("ok")
        response.add_task(later)
        return response

    with TestClient(app) as client:
        results: List[str] = []
        thread = threading.Thread(target=lambda: results.append(client.get("/").text))
        thread.start()
        wait_for(lambda: seen == ["asleep"])
        client.server.advance(3599_000)
        assert seen == ["asleep"]
        client.server.advance(1_000)
        thread.join(5)
        assert results == ["ok"]


def test_concurrent_worker_threads_answer_what_was_asked() -> None:
    app = App(threads=8)

    @app.get("/{n:int}")
    def handler(n: int) -> int:
        time.sleep(0.001 * (n % 3))
        return n

    with TestClient(app) as client:
        wrong: List[Any] = []

        def one(base: int) -> None:
            own = TestClient.__new__(TestClient)
            own.server, own._headers, own._timeout, own._connection = client.server, {}, 20.0, None
            for n in range(base, base + 50):
                if own.get(f"/{n}").json() != n:
                    wrong.append(n)
            assert own._connection is not None
            own._connection.close()

        threads = [threading.Thread(target=one, args=(base * 1000,)) for base in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []


def test_hooks_and_streams_of_one_request(loop: str) -> None:
    app = App()

    @app.on_response
    async def last(request: Request, response: Any) -> None:
        await asyncio.sleep(0)
        response.set_header("x-last", "1")

    @app.get("/")
    async def handler() -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(100):
                yield bytes(65536)

        return StreamingResponse(chunks())

    with TestClient(app, loop=loop) as client:
        for _ in range(3):
            answer = client.get("/")
            assert len(answer.content) == 6553600 and answer.headers["x-last"] == "1"
        assert client.server.call(lambda binding: (binding.port.owed(), len(binding.owed))) == (0, 0)


def test_a_client_that_goes_cancels_hooks_and_factories(loop: str) -> None:
    app = App()
    seen: List[str] = []

    async def wait(name: str) -> None:
        seen.append(name)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.append("cancelled " + name)
            raise

    @app.pre_handler
    async def hook(request: Request) -> None:
        if request.path == "/hook":
            await wait("hook")

    @app.dependency
    async def slow() -> None:
        await wait("factory")

    @app.get("/hook")
    async def one() -> None: ...

    @app.get("/factory")
    async def two(slow: None) -> None: ...

    with TestClient(app, loop=loop) as client:
        for name in ("hook", "factory"):
            seen.clear()
            with socket.create_connection((client.server.host, client.server.port)) as connection:
                connection.sendall(f"GET /{name} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                wait_for(lambda: seen == [name])
            wait_for(lambda: seen == [name, "cancelled " + name])
        assert client.server.stop()["exit_code"] == 0


def test_stopping_ends_streams_without_an_end(loop: str) -> None:
    app = App()

    @app.get("/")
    async def feed() -> StreamingResponse:
        async def chunks() -> AsyncIterator[str]:
            yield "first"
            await stopping().wait()
            yield "last"

        return StreamingResponse(chunks())

    with TestClient(app, loop=loop) as client:
        with client.stream("GET", "/") as stream:
            assert stream.read() == b"first"
            stopped: List[Any] = []
            thread = threading.Thread(target=lambda: stopped.append(client.server.stop()))
            thread.start()
            assert stream.read() == b"last"
            assert stream.read() == b""
        thread.join()
        assert stopped[0]["exit_code"] == 0
