"""The side of a peer's process: read requests, answer each in one line."""

import json
import sys
import time
from collections.abc import Callable
from typing import Any


def requests() -> Any:
    """Yield the requests until the parent closes the pipe."""
    for line in sys.stdin:
        yield json.loads(line)


def answer(facts: dict[str, Any]) -> None:
    """Answer a request."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def timed(do: Callable[[], object]) -> float:
    """Return how many seconds a call takes."""
    began = time.perf_counter()
    do()
    return time.perf_counter() - began
