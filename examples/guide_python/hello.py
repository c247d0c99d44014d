from spikard import App

app = App("hello")


@app.get("/hello/{name}")
def hello(name: str) -> str:
    return f"hello {name}"


if __name__ == "__main__":
    app.run()
