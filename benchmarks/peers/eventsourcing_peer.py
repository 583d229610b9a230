"""The library `eventsourcing` on PostgreSQL.

With a text of 200 bytes, its stored events are about as large as ours.
"""

import os
from collections.abc import Callable
from itertools import cycle
from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from sqlalchemy import make_url

from benchmarks.peers.answering import answer, requests
from benchmarks.threads import in_threads

BODY = "x" * 200
PAGE = 500

#: As many events as a one-photo order has.
LIFE = 7


class Order(Aggregate):
    """An order that only keeps its notes' number."""

    @event("Placed")
    def __init__(self, body: str) -> None:
        self.notes = len(body)

    @event("Noted")
    def note(self, body: str) -> None:
        """Count a note."""
        self.notes += len(body)


class Peer:
    """An application with a pool of connections."""

    def __init__(self, options: dict[str, Any]) -> None:
        url = make_url(options["database_url"])
        self.threads = options.get("threads", 1)
        os.environ |= {
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": str(url.database),
            "POSTGRES_HOST": str(url.query["host"]),
            "POSTGRES_PORT": "5432",
            "POSTGRES_USER": str(url.username),
            "POSTGRES_PASSWORD": "",
            "POSTGRES_POOL_SIZE": str(self.threads),
            "POSTGRES_PRE_PING": "n",
        }
        self.application: Application[UUID] = Application()
        self.ids: list[UUID] = []
        for _ in range(options.get("aggregates", 0)):
            order = Order(BODY)
            for _ in range(options["events"] - 1):
                order.note(BODY)
            self.application.save(order)
            self.ids.append(order.id)

    def append(self, _: int) -> Callable[[], object]:
        """Return a function that gets an aggregate and saves one more event."""
        ids: list[UUID] = []
        done = 0

        def commit() -> None:
            nonlocal done
            if done % LIFE == 0:
                order = Order(BODY)
                ids.append(order.id)
            else:
                order = self.application.repository.get(ids[-1])
                order.note(BODY)
            self.application.save(order)
            done += 1

        return commit

    def load(self, _: int) -> Callable[[], object]:
        """Return a function that gets an aggregate."""
        ids = cycle(self.ids)
        return lambda: self.application.repository.get(next(ids))

    def read_log(self, operations: int) -> None:
        """Select and decode all notifications; raise if some are missing."""
        start, found = 1, 0
        while True:
            page = self.application.recorder.select_notifications(start=start, limit=PAGE)
            if not page:
                break
            found += len([self.application.mapper.to_domain_event(each) for each in page])
            start = page[-1].id + 1
        if found != operations:
            raise AssertionError(f"{found} of {operations} events were read.")


def main() -> None:
    """Answer requests."""
    coming = requests()
    peer = Peer(next(coming))
    answer(ready=True)
    for request in coming:
        operations = request["operations"]
        if request["do"] == "read_log":
            peer.read_log(operations)
        else:
            worker_of = peer.append if request["do"] == "append" else peer.load
            in_threads(peer.threads, operations, worker_of)()
        answer(done=operations)


if __name__ == "__main__":
    main()
