"""An order watched by its server-sent events."""

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import httpx2

from tests.chaos.visits import Experience, RefusedError

if TYPE_CHECKING:
    from tests.chaos.customers import Visitors

#: How long a thread reads a quiet stream, before it lets another visitor go on.
_LOOK_SECONDS = 3.0


class EventStream:
    """The stream of one order, resumed with Last-Event-ID at each look."""

    def __init__(self, visitors: "Visitors", lived: Experience) -> None:
        self._visitors = visitors
        self._lived = lived
        self._version = 0

    def look(self) -> dict[str, Any] | None:
        """The newest progress of the stream; None if there is none.

        Raises RefusedError if a version is not newer than the one before.
        """
        address = f"{self._visitors.shop}/api/orders/{self._lived.order_id}/events"
        headers = {"Last-Event-ID": str(self._version)} if self._version else {}
        newest: dict[str, Any] | None = None
        try:
            with self._visitors.http.stream("GET", address, headers=headers, timeout=_LOOK_SECONDS) as answer:
                if answer.status_code != httpx2.codes.OK:
                    return None
                for version, newest in _events(answer.iter_lines()):  # noqa: B007 -- the last one is the result
                    if version <= self._version:
                        raise RefusedError(f"{address} went from version {self._version} to {version}")
                    self._version = version
                    self._lived.stream_events += 1
        except httpx2.TransportError:
            pass  # quiet for now, or broken by a fault
        return newest


def _events(lines: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    version = 0
    for line in lines:
        name, _, value = line.partition(": ")
        if name == "id":
            version = int(value)
        elif name == "data":
            yield version, json.loads(value)
