from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from spikard import App, Cookie, Header, Problem, Query, Request, Response, StreamingResponse

app = App("web", config={"http": {"request_id": {"enabled": True}, "timeout": {"ms": 5000}}})


# Parameters from everywhere; one with a default may be missing.
@app.get("/search")
def search(
    q: str,
    tag: Annotated[list[str] | None, Query()] = None,
    language: Annotated[str | None, Header(name="accept-language")] = None,
    theme: Annotated[str, Cookie()] = "light",
) -> str:
    return f"{q}, {len(tag or [])} tags, {language or 'any'}, {theme}"


# What is made once, and injected by its type or name.
@dataclass
class Counter:
    value: int = 0


@app.dependency(scope="singleton")
def counter() -> Counter:
    return Counter()


@app.post("/count")
def count(counter: Counter) -> str:
    counter.value += 1
    return str(counter.value)


# A hook before every handler may answer itself.
@app.pre_handler
def guard(request: Request) -> None:
    if request.path == "/private" and request.header("authorization") != "Bearer sesame":
        raise Problem(401, detail="Say the word")


@app.get("/private")
def private() -> str:
    return "treasure"


# A streamed answer; the iterator is asked for more when the client can take more.
@app.get("/lines")
async def lines(n: Annotated[int, Query(ge=1, le=1000)] = 3) -> StreamingResponse:
    async def text() -> AsyncIterator[str]:
        for i in range(1, n + 1):
            yield f"line {i}\n"

    return StreamingResponse(text(), media_type="text/plain")


# Work after the answer.
@app.post("/mail")
async def mail(request: Request) -> Response:
    request.background(send)
    return Response("queued", 202)


async def send() -> None: ...


if __name__ == "__main__":
    app.run()
