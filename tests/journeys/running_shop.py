"""Act on a running shop: buy, inspect its database, and stop processes."""

import os
import signal
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any, Self
from uuid import UUID, uuid4

import httpx2
import psycopg
import redis

from adapters.postgres.tables import READ_MODELS, metadata
from adapters.queue_dramatiq import DramatiqQueue
from domain.order.events import DownloadLinkIssued, RecordedEvent
from domain.order.evolve import apply, fold
from domain.order.order import Order
from domain.order.reactions import MoveImages
from domain.order.values import DownloadLinkId, NoteId, OrderId
from domain.ports.event_store import Commit, LeftOutOrder
from domain.ports.notes import Note
from domain.ports.unit_of_work import Database
from domain.signed_tokens import TokenSigner, sha256_of
from entrypoints.bootstrap.database import open_unit_of_work
from sandbox.demo.http_customer import Customer
from sandbox.demo.local_shop import LocalShop
from tests.waiting import eventually


def unit_of_work_of(shop: LocalShop) -> AbstractContextManager[Database]:
    """The database of a local shop."""
    return open_unit_of_work(shop.environment["DATABASE_URL"])


class RunningShop:
    """Helpers of a journey.

    Every customer has a separate address, so that journeys can share one shop.
    """

    def __init__(self, shop: LocalShop) -> None:
        self.shop = shop
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._folder = Path(self._stack.enter_context(TemporaryDirectory()))
        self._unit_of_work = self._stack.enter_context(unit_of_work_of(self.shop))
        self._database = self._stack.enter_context(
            psycopg.connect(self.shop.environment["DATABASE_URL"], autocommit=True)
        )
        self._queue = DramatiqQueue(self.shop.environment["REDIS_URL"])
        self._stack.callback(self._queue.close)
        self._twins = self._stack.enter_context(httpx2.Client(timeout=10))
        return self

    def __exit__(self, *_: object) -> None:
        for name in ("stripe", "replicate", "sendgrid"):
            self._twins.delete(f"{self.shop.addresses[name]}/_twin/faults")
        self._stack.close()

    def customer(self, email: str | None = None) -> Customer:
        """A new customer."""
        address = email or f"{uuid4().hex}@customer.example"
        return self._stack.enter_context(
            Customer(self.shop.url, self.shop.addresses["sendgrid"], email=address)
        )

    def buy(self, *photos: Path, email: str | None = None) -> tuple[Customer, OrderId]:
        """Upload and pay; return the customer and the order."""
        customer = self.customer(email)
        customer.open_session()
        for number, photo in enumerate(photos, start=1):
            is_new = customer.send(self._with_own_bytes(photo, number), f"{number}-{photo.name}")
            assert is_new
        customer.pay(customer.ask_for_checkout()["url"])
        return customer, OrderId(UUID(eventually(customer.order_id, "the order")))

    def _with_own_bytes(self, photo: Path, number: int) -> Path:
        """The same picture with other bytes: a number in a JPEG comment.

        A shop accepts the same bytes once.
        """
        content, comment = photo.read_bytes(), b"%d" % number
        assert content.startswith(b"\xff\xd8")
        numbered = self._folder / f"{number}-{photo.name}"
        segment = b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment
        numbered.write_bytes(content[:2] + segment + content[2:])
        return numbered

    def order(self, order_id: OrderId) -> Order:
        """Load the order from its log."""
        with self._unit_of_work.transaction() as transaction:
            return fold(order_id, transaction.event_store.history(order_id))

    def history(self, order_id: OrderId) -> Sequence[RecordedEvent]:
        """The order's events so far."""
        with self._unit_of_work.transaction() as transaction:
            return transaction.event_store.history(order_id)

    def event_names(self, order_id: OrderId) -> list[str]:
        """The names of an order's events so far."""
        return [type(recorded.event).__name__ for recorded in self.history(order_id)]

    def waits_for(self, event_name: str, order_id: OrderId) -> None:
        """Wait until an event is recorded."""
        eventually(lambda: event_name in self.event_names(order_id), event_name)

    def misbehave(self, twin: str, rule: dict[str, Any]) -> Callable[[], bool]:
        """Add a fault rule to a twin, until the journey ends.

        Returns a function that says whether the rule has struck.
        """
        faults = f"{self.shop.addresses[twin]}/_twin/faults"
        self._twins.post(faults, json=rule).raise_for_status()
        return lambda: any(rule["fired"] for rule in self._twins.get(faults).json())

    def turn(self, twin: str, **knobs: object) -> None:
        """Change the settings of a twin, for all journeys."""
        url = f"{self.shop.addresses[twin]}/_twin/settings"
        self._twins.put(url, json=knobs).raise_for_status()

    def act_at_provider(self, twin: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Act as a bank or the provider's staff; return the result."""
        answer = self._twins.post(f"{self.shop.addresses[twin]}/_twin/{path}", json=body).raise_for_status()
        done: dict[str, Any] = answer.json()
        return done

    def payment_intent(self, order_id: OrderId) -> str:
        """The payment provider's id of an order's payment."""
        payment = self.order(order_id).payment
        assert payment is not None
        assert payment.payment_intent_id is not None
        return payment.payment_intent_id

    def ledger(self, twin: str) -> dict[str, list[dict[str, Any]]]:
        """A provider's objects by kind."""
        state = self._twins.get(f"{self.shop.addresses[twin]}/_twin/ledger").raise_for_status().json()
        objects: dict[str, list[dict[str, Any]]] = state["objects"]
        return objects

    def histories(self) -> dict[OrderId, list[RecordedEvent]]:
        """Every order's stream."""
        order_ids = [
            order_id for (order_id,) in self._database.execute("SELECT DISTINCT order_id FROM events")
        ]
        with self._unit_of_work.transaction() as transaction:
            return {
                OrderId(order_id): transaction.event_store.history(OrderId(order_id))
                for order_id in order_ids
            }

    def open_work(self) -> int:
        """How many reactions are not closed."""
        found = self._database.execute("SELECT count(*) FROM reactions WHERE status IN ('pending', 'leased')")
        row = found.fetchone()
        assert row is not None
        count: int = row[0]
        return count

    def claimed_work(self) -> list[tuple[str, dict[str, Any]]]:
        """Kind and arguments of every reaction with a committed claim."""
        rows = self._database.execute("SELECT kind, arguments FROM reactions WHERE attempts >= 1")
        return [(kind, arguments) for kind, arguments in rows]

    def upload_sessions(self) -> set[str]:
        """The id of every upload session."""
        return {str(found) for (found,) in self._database.execute("SELECT session_id FROM upload_sessions")}

    def expire_session(self, session_id: str) -> None:
        """Give an upload session the status that the cleanup gives it."""
        self._database.execute(
            "UPDATE upload_sessions SET status = 'expired' WHERE session_id = %s", (session_id,)
        )

    def unmatched_payments(self) -> set[str]:
        """The payment intents of unmatched payments."""
        rows = self._database.execute("SELECT payment_intent_id FROM unmatched_payments")
        return {intent for (intent,) in rows}

    def rebuild(self) -> list[OrderId | LeftOutOrder]:
        """Rebuild the read models from the log."""
        return list(self._unit_of_work.rebuild())

    def read_models(self) -> dict[str, list[str]]:
        """Every row of every read model, without its time of writing."""
        return {
            table.name: sorted(
                row
                for (row,) in self._database.execute(
                    f"SELECT (to_jsonb(t) - 'updated_at')::text FROM {table.name} t"
                )
            )
            for table in READ_MODELS
        }

    def rows_as_text(self, table: str) -> list[str]:
        """A table's rows as PostgreSQL prints them."""
        return [row for (row,) in self._database.execute(f"SELECT to_jsonb(t)::text FROM {table} t")]

    def everything_stored(self) -> Iterator[str]:
        """Every row of every table."""
        for table in metadata.tables:
            yield from self.rows_as_text(table)

    def download_token(self, link_id: DownloadLinkId) -> str:
        """The token that only the customer's mail and the shop's key reveal."""
        return TokenSigner(self.shop.environment["LINK_SIGNING_KEY"].encode()).download_token(link_id)

    def issue_link(self, order_id: OrderId, *, expires_at: datetime, is_shared: bool = False) -> str:
        """Record a link with any expiry; return its address."""
        link_id = DownloadLinkId(uuid4())
        token = self.download_token(link_id)
        issued = DownloadLinkIssued(
            link_id=link_id, token_sha256=sha256_of(token), expires_at=expires_at, is_shared=is_shared
        )
        with self._unit_of_work.transaction() as transaction:
            before = transaction.event_store.load_locked(order_id)
            recorded = RecordedEvent(
                event_id=uuid4(),
                order_id=order_id,
                version=before.version + 1,
                recorded_at=datetime.now(UTC),
                cause="a journey",
                cause_key=f"journey:{link_id}",
                correlation_id=order_id,
                actor="person:grace",
                event=issued,
            )
            after = apply(before, recorded)
            transaction.event_store.append(Commit(before=before, after=after, events=(recorded,)))
        return f"{self.shop.url}/api/download/{token}/photos"

    def note(self, order_id: OrderId, text: str) -> None:
        """Write a note about an order, as a staff member."""
        note = Note(
            note_id=NoteId(uuid4()),
            order_id=order_id,
            actor="person:grace",
            text=text,
            written_at=datetime.now(UTC),
        )
        with self._unit_of_work.transaction() as transaction:
            transaction.notes.write(note)

    def expedite(self, order_id: OrderId) -> None:
        """Make an order's pending reactions due now, and await their end."""
        self._database.execute(
            "UPDATE reactions SET due_at = now() WHERE order_id = %s AND status = 'pending'", (order_id,)
        )
        eventually(lambda: not self._is_busy(order_id), "the end of the order's work")

    def _is_busy(self, order_id: OrderId) -> bool:
        found = self._database.execute(
            "SELECT FROM reactions WHERE status IN ('pending', 'leased') AND order_id = %s", (order_id,)
        )
        return found.fetchone() is not None

    def empty_redis(self) -> None:
        """FLUSHALL."""
        client = redis.Redis.from_url(self.shop.environment["REDIS_URL"])
        client.flushall()
        client.close()

    @contextmanager
    def worker_asleep(self) -> Iterator[None]:
        """SIGSTOP the worker, and SIGCONT it at the end of the block."""
        os.kill(self.shop.worker.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.shop.worker.pid, signal.SIGCONT)

    def kill_worker(self) -> None:
        """SIGKILL the worker; it stays down until ``restart`` is called."""
        self.shop.worker.kill()

    def restart(self) -> None:
        """Restart the processes that died."""
        assert list(self.shop.restart_what_died())

    @contextmanager
    def every_message_again(self, order_id: OrderId) -> Iterator[list[int]]:
        """Send the id of each of the order's reactions repeatedly.

        Yields a list whose only element counts the messages.
        """
        stopping, sent = Event(), [0]

        def repeat() -> None:
            while not stopping.is_set():
                rows = self._database.execute(
                    "SELECT reaction_id, kind FROM reactions WHERE order_id = %s", (order_id,)
                ).fetchall()
                # The claim does not depend on the queue.
                self._queue.send([(reaction_id, MoveImages()) for reaction_id, _ in rows])
                sent[0] += len(rows)
                stopping.wait(0.02)

        thread = Thread(target=repeat)
        thread.start()
        try:
            yield sent
        finally:
            stopping.set()
            thread.join()
