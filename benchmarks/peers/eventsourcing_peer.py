"""The library `eventsourcing` on PostgreSQL: orders whose events carry what ours do."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import cycle
from typing import Any
from uuid import UUID, uuid4

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from sqlalchemy import make_url

from benchmarks.peers.answering import answer, requests
from benchmarks.threads import in_threads

PAGE = 500


class Order(Aggregate):
    """An order that knows its photos, links and mails."""

    @event("PaymentReceived")
    def __init__(self, number: str, customer_id: UUID, paid: int, photos: list[dict[str, Any]]) -> None:
        self.number = number
        self.customer_id = customer_id
        self.paid = paid
        self.images: dict[str, dict[str, Any]] = {photo["image_id"]: photo for photo in photos}
        self.links: dict[UUID, dict[str, Any]] = {}
        self.mails: dict[UUID, str] = {}

    @event("ImagesMoved")
    def move(self, images: list[dict[str, Any]]) -> None:
        """Keep each photo's original."""
        for image in images:
            self.images[image["image_id"]]["original"] = image["original"]

    @event("RestorationStarted")
    def start(self, image_id: UUID, attempt: int, prediction_id: str, model: str) -> None:
        """Keep an attempt."""
        self.images[str(image_id)]["attempt"] = (attempt, prediction_id, model)

    @event("RestorationCompleted")
    def complete(self, image_id: UUID, prediction_id: str, restored: dict[str, Any], size: list[int]) -> None:
        """Keep a result."""
        self.images[str(image_id)] |= {"restored": restored, "size": size, "prediction_id": prediction_id}

    @event("DownloadPrepared")
    def prepare(self, link_id: UUID, archive: dict[str, Any], token: str, expires_at: datetime) -> None:
        """Keep a link."""
        self.links[link_id] = {"archive": archive, "token": token, "expires_at": expires_at}

    @event("EmailSent")
    def mail(self, email_id: UUID, kind: str, message_id: str) -> None:
        """Keep a mail."""
        self.mails[email_id] = f"{kind} {message_id}"


def stored(key: str) -> dict[str, Any]:
    """Return a stored object, as our events describe it."""
    return {"key": f"uploads/{key}", "sha256": "0" * 64, "size_bytes": 1000, "media_type": "image/jpeg"}


def new_order(photos: int) -> Order:
    """Place an order."""
    paid = [{"image_id": str(uuid4()), "share": 490} for _ in range(photos)]
    photo_list = [{**photo, "upload": stored(f"temp/{photo['image_id']}")} for photo in paid]
    return Order("20261122-000001", uuid4(), 490 * photos, photo_list)


def changes(order: Order) -> Iterator[Callable[[Order], None]]:
    """Yield what follows the payment: two events a photo, and four more."""
    ids = list(order.images)
    yield lambda order: order.move([{"image_id": each, "original": stored(each)} for each in ids])
    for each in ids:
        image_id, prediction_id = UUID(each), uuid4().hex
        yield lambda order, image_id=image_id, prediction_id=prediction_id: order.start(  # type: ignore[misc]
            image_id, 1, prediction_id, "restore-image"
        )
        yield lambda order, image_id=image_id, prediction_id=prediction_id: order.complete(  # type: ignore[misc]
            image_id, prediction_id, stored(prediction_id), [2048, 1536]
        )
    link_id = uuid4()
    yield lambda order: order.prepare(link_id, stored("archive"), "0" * 64, datetime.now(UTC))
    yield lambda order: order.mail(uuid4(), "confirmation", uuid4().hex)
    yield lambda order: order.mail(uuid4(), "result", uuid4().hex)


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
        for _ in range(options.get("orders", 0)):
            order = new_order(options["photos"])
            for change in changes(order):
                change(order)
            for _ in range(options.get("notes", 0)):
                order.mail(uuid4(), "note", uuid4().hex)
            self.application.save(order)
            self.ids.append(order.id)

    def append(self, _: int) -> Callable[[], object]:
        """Return a function that gets an order and saves one more event."""
        order_id: UUID | None = None
        coming: Iterator[Callable[[Order], None]] = iter(())

        def commit() -> None:
            nonlocal order_id, coming
            change = next(coming, None)
            if order_id is None or change is None:
                order = new_order(1)
                order_id, coming = order.id, changes(order)
            else:
                order = self.application.repository.get(order_id)
                change(order)
            self.application.save(order)

        return commit

    def load(self, _: int) -> Callable[[], object]:
        """Return a function that gets an order."""
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
