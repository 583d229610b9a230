"""The protocol of a peer's process: JSON lines."""

import json
import sys
from collections.abc import Iterator
from typing import Any


def requests() -> Iterator[Any]:
    """Yield the requests until the parent closes the pipe."""
    for line in sys.stdin:
        yield json.loads(line)


def answer(**facts: Any) -> None:
    """Answer a request."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()
