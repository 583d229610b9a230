"""Wait for facts, never for a length of time: no test sleeps."""

import time
from collections.abc import Callable
from threading import Event
from typing import Literal, TypeVar

T = TypeVar("T")

#: Long enough for a slow machine; a passing test takes a fraction of it.
PATIENCE_SECONDS = 60.0
LOOK_SECONDS = 0.005


def eventually(
    look: Callable[[], T | Literal[False] | None],
    what: str = "The fact",
    *,
    within_seconds: float = PATIENCE_SECONDS,
    every_seconds: float = LOOK_SECONDS,
) -> T:
    """Poll until the result is true and return it; raises TimeoutError."""
    deadline = time.monotonic() + within_seconds
    between_looks = Event()
    while not (answer := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(
                f"{what} did not come true in {within_seconds:g} s; at last it was {answer!r}."
            )
        between_looks.wait(every_seconds)
    return answer
