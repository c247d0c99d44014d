from spikard import App, Problem, Request, ResponseDraft

app = App("errors", config={"http": {"problem_base": "https://shop.example/problems/"}})


@app.get("/orders/{id:int}")
def read(id: int) -> str:
    if id != 1:
        raise Problem(404, detail=f"No order {id}")
    return "order 1"


@app.get("/crash")
def crash() -> str:
    raise RuntimeError("password is hunter2")


@app.on_error
def support(request: Request, response: ResponseDraft) -> None:
    response.set_header("x-support", "help@shop.example")


if __name__ == "__main__":
    app.run()
