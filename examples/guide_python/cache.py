from spikard import App, Problem

app = App("cache")
cache = app.cache()
visits = cache.namespaced("visits")
asked = 0  # how often the slow source was


@app.get("/users/{id:int}")
async def user(id: int) -> str:
    async def load() -> str | None:
        global asked
        asked += 1
        return None if id > 100 else f"user {id}"

    # negative_ttl remembers who does not exist; with stale_if_error an old answer stands in for a load that failed; in the last minute one caller renews it.
    found = await cache.get_or_load(f"user:{id}", load, ttl=600, negative_ttl=30, stale_if_error=3600, early_refresh=60, tags=["users"])
    if found is None:
        raise Problem(404, detail=f"No user {id}")
    return found.decode()


@app.get("/asked")
def how_often() -> str:
    return str(asked)


@app.post("/renamed")
async def renamed() -> str:
    await cache.invalidate_tags(["users"])
    return "forgotten"


@app.post("/visits")
async def visit() -> str:
    # Keys of a namespace are its own; a counter lives as long as it was given when it began.
    return str(await visits.increment("today", ttl=24 * 3600))


if __name__ == "__main__":
    app.run()
