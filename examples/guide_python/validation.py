from dataclasses import dataclass
from typing import Annotated

from spikard import App, Field, Query

app = App("validation")


@dataclass
class Guest:
    name: Annotated[str, Field(min_length=1, max_length=50)]
    age: Annotated[int, Field(ge=0, le=150)]


@dataclass
class Booking:
    room: Annotated[str, Field(pattern="^[A-Z][0-9]{3}$")]
    guests: Annotated[list[Guest], Field(min_length=1, max_length=4)]
    nights: Annotated[int, Field(ge=1, le=30)] = 1


@app.post("/bookings", status=201)
def book(booking: Booking) -> Booking:
    return booking


@app.get("/rooms")
def rooms(floor: Annotated[int, Query(ge=0, le=9)], sea_view: bool = False) -> str:
    return f"floor {floor}" + (", sea view" if sea_view else "")


if __name__ == "__main__":
    app.run()
