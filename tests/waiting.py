"""Waiting for a fact, and never for a length of time: no test sleeps."""

import time
from collections.abc import Callable
from threading import Event
from typing import Literal, TypeVar

T = TypeVar("T")

#: Long enough for a slow machine; what goes well takes a fraction of it.
PATIENCE_SECONDS = 60.0
LOOK_SECONDS = 0.005


def eventually(look: Callable[[], T | Literal[False] | None], what: str = "The fact") -> T:
    """Look again and again, and give the first answer that is true; raises TimeoutError when patience is over."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    between_looks = Event()
    while not (answer := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(
                f"{what} did not come true in {PATIENCE_SECONDS} s; at last it was {answer!r}."
            )
        between_looks.wait(LOOK_SECONDS)
    return answer
