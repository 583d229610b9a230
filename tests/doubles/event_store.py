"""The event store in memory."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from domain.order.events import RecordedEvent
from domain.order.evolve import apply
from domain.order.order import Order
from domain.order.values import OrderId, Sha256
from domain.ports.errors import UnreadableEventError
from domain.ports.event_store import (
    Commit,
    EventStore,
    LogCursor,
    UnreadableEvent,
)
from domain.ports.unit_of_work import CauseRepeatedError, VersionConflictError
from domain.signed_tokens import sha256_of
from tests.doubles.reaction_table import InMemoryReactionTable
from tests.doubles.read_models import no_rows, with_changes

if TYPE_CHECKING:
    from tests.doubles.unit_of_work import InMemoryTransaction


class InMemoryEventStore(EventStore):
    """The streams and their folds."""

    def __init__(self, transaction: "InMemoryTransaction") -> None:
        self._transaction = transaction
        self._pages = transaction.pages
        self._writing = transaction.writing

    def lock(self, order_id: OrderId) -> None:
        self._writing.take(("order", order_id))

    def load_locked(self, order_id: OrderId, known: Order | None = None) -> Order:  # noqa: ARG002 -- of the port
        self.lock(order_id)
        return self.load(order_id)

    def load_repeatedly(self, order_id: OrderId) -> Order:
        return self.load(order_id)

    def load(self, order_id: OrderId) -> Order:
        self._require_readable(order_id)
        return self._pages.orders.get(order_id, Order(order_id=order_id))

    def load_all(self, order_ids: Sequence[OrderId]) -> Mapping[OrderId, Order]:
        return {order_id: self.load(order_id) for order_id in order_ids}

    def load_by_token(self, token_sha256: Sha256) -> Order | None:
        return self._first(
            order
            for order in self._pages.orders.values()
            if any(link.token_sha256 == token_sha256 for link in order.all_links.values())
        )

    def load_by_payment(self, payment_intent_id: str) -> Order | None:
        return self._first(
            order
            for order in self._pages.orders.values()
            if order.payment and order.payment.payment_intent_id == payment_intent_id
        )

    def _first(self, orders: Iterator[Order]) -> Order | None:
        order = next(orders, None)
        return None if order is None else self.load(order.order_id)

    def _require_readable(self, order_id: OrderId) -> None:
        unreadable = self._pages.unreadable.get(order_id)
        if unreadable is not None:
            raise UnreadableEventError(unreadable.detail, order_id)

    def history(self, order_id: OrderId) -> list[RecordedEvent]:
        self._require_readable(order_id)
        return list(self._pages.streams.get(order_id, ()))

    def read(self, order_id: OrderId) -> list[RecordedEvent | UnreadableEvent]:
        return [self._as_read(recorded) for recorded in self._pages.streams.get(order_id, ())]

    def append(self, *commits: Commit) -> Collection[UUID]:
        self._transaction.is_void = True  # until all of them are written
        leased = {reaction_id for commit in commits for reaction_id in self._write(commit)}
        self._transaction.is_void = False
        return leased

    def _write(self, commit: Commit) -> Collection[UUID]:
        for recorded in commit.events:
            self._append(recorded, commit)
        order_id = commit.after.order_id
        written = self._pages.rows.get(order_id) or no_rows(order_id)
        self._pages.rows[order_id] = with_changes(written, commit.before, commit.after)
        reactions = InMemoryReactionTable(self._pages)
        reactions.schedule(commit.reactions)
        if commit.closes is not None:
            reactions.close(commit.closes, outcome=commit.outcome, again_at=commit.again_at)
        return {
            each.reaction_id
            for each in commit.reactions
            if each.claim is not None and self._pages.work[each.reaction_id].token == each.claim.token
        }

    def read_all(
        self, after: LogCursor, limit: int
    ) -> list[tuple[LogCursor, RecordedEvent | UnreadableEvent]]:
        settled = LogCursor(txid=self._transaction.oldest_txid)  # what is older can be overtaken by nothing
        lines = sorted(line for line in self._pages.log.items() if after < line[0] < settled)
        return [(cursor, self._as_read(recorded)) for cursor, recorded in lines[:limit]]

    def _as_read(self, recorded: RecordedEvent) -> RecordedEvent | UnreadableEvent:
        unreadable = self._pages.unreadable.get(recorded.order_id)
        is_this = unreadable is not None and unreadable.version == recorded.version
        return unreadable if unreadable is not None and is_this else recorded

    def _append(self, recorded: RecordedEvent, commit: Commit) -> None:
        order_id = recorded.order_id
        stream = self._pages.streams.get(order_id, ())
        self._require_new(recorded, stream, commit)
        position = len(self._pages.log) + 1
        stored = replace(
            recorded,
            position=position,
            sha256=event_sha256(recorded, stream[-1].sha256 if stream else None),
        )
        self._pages.log[LogCursor(self._writing.txid, position)] = stored
        self._pages.streams[order_id] = (*stream, stored)
        self._pages.orders[order_id] = apply(self.load(order_id), stored)

    def _require_new(
        self, recorded: RecordedEvent, stream: tuple[RecordedEvent, ...], commit: Commit
    ) -> None:
        """Enforce what the database's constraints do."""
        if any(known.version == recorded.version for known in stream):
            raise VersionConflictError(recorded.order_id, commit.before.version)
        if any(known.cause_key == recorded.cause_key for known in stream):
            raise CauseRepeatedError(recorded.order_id)


def event_sha256(recorded: RecordedEvent, previous: Sha256 | None) -> Sha256:
    """A hash over an event and the one before it."""
    return sha256_of(f"{previous} {replace(recorded, position=None, sha256=None)}")
