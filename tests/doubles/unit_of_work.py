"""The unit of work in memory: serial transactions, rolled back on errors."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from threading import RLock
from typing import Any

from domain.order.closure import OVER
from domain.order.download_link import DownloadLink
from domain.order.email import EmailStatus
from domain.order.events import RecordedEvent
from domain.order.evolve import apply, fold
from domain.order.ledger import Refund
from domain.order.order import Order
from domain.order.states import State
from domain.order.values import CustomerId, DownloadLinkId, EmailId, OrderId, OrderNumber, Sha256
from domain.ports.customers import Customer, Customers
from domain.ports.errors import UnreadableEventError
from domain.ports.event_store import (
    ChainedEvent,
    Commit,
    EventStore,
    LeftOutOrder,
    LogCursor,
    UnreadableEvent,
)
from domain.ports.log_recovery import LogRecovery
from domain.ports.notes import Note, Notes
from domain.ports.order_queries import ALL_ORDERS, REMINDER, OrderFilter, OrderQueries, OrderSummary
from domain.ports.personal_data import PersonalData
from domain.ports.points_balances import PointsBalances
from domain.ports.prediction_limiter import PredictionSlots
from domain.ports.rate_limiter import UsageTotals
from domain.ports.reaction_queue import ReactionTable
from domain.ports.reconciliation_queries import ReconciliationQueries, ReconciliationRounds
from domain.ports.unit_of_work import CauseRepeatedError, Database, VersionConflictError
from domain.ports.unmatched_payments import UnmatchedPayments
from domain.ports.upload_sessions import UploadSessions
from domain.ports.webhook_inbox import UNSEEN, Conflict, WebhookInbox
from domain.referral_program import referral_codes_of
from domain.signed_tokens import sha256_of
from domain.unmatched_payment import UnmatchedPayment, UnmatchedStatus
from tests.doubles.log_recovery import InMemoryLogRecovery
from tests.doubles.personal_data import InMemoryPersonalData
from tests.doubles.points_balances import InMemoryPointsBalances
from tests.doubles.prediction_limiter import InMemoryPredictionSlots
from tests.doubles.reaction_table import InMemoryReactionTable
from tests.doubles.read_models import no_rows, with_changes
from tests.doubles.reconciliation_queries import InMemoryReconciliationQueries, InMemoryReconciliationRounds
from tests.doubles.tables import DraftTables, Tables, hold
from tests.doubles.transaction_overlay import Locks, TransactionWrites
from tests.doubles.upload_sessions import InMemoryUploadSessions
from tests.doubles.usage_totals import InMemoryUsageTotals


class InMemoryTransaction:
    """Everything one transaction can use, on a draft of the tables."""

    upload_sessions: UploadSessions
    customers: Customers
    personal_data: PersonalData
    points_balances: PointsBalances
    webhook_inbox: WebhookInbox
    unmatched_payments: UnmatchedPayments
    reactions: ReactionTable
    prediction_slots: PredictionSlots
    event_store: EventStore
    order_queries: OrderQueries
    reconciliation_queries: ReconciliationQueries
    log_recovery: LogRecovery
    reconciliation_rounds: ReconciliationRounds
    notes: Notes
    usage_totals: UsageTotals

    def __init__(self, pages: DraftTables, writing: TransactionWrites, oldest_txid: int) -> None:
        self.pages = pages
        self.writing = writing
        self.oldest_txid = oldest_txid
        self.is_void = False  # an append was refused: nothing may be kept

    def __getattr__(self, name: str) -> Any:
        """Create each port on first access."""
        port = _PORTS[name](self)
        setattr(self, name, port)
        return port


class InMemoryUnitOfWork(Database):
    """A database in memory; ``pages`` is its ledger.

    Transactions of several threads wait for one another.
    """

    def __init__(self) -> None:
        self.pages = Tables()
        self._locks = Locks()
        self._open: set[int] = set()
        self._turn = RLock()
        self._last_txid = 0

    @contextmanager
    def transaction(self) -> Iterator[InMemoryTransaction]:
        """Commit at the end of the block.

        Nothing is kept if the block raises, or if ``append`` refused a commit.
        """
        with self._turn:
            if self._open:
                raise RuntimeError("A transaction within a transaction would wait for itself.")
            transaction = self.begin()
            try:
                yield transaction
                self.commit(transaction)
            finally:
                self.end(transaction)

    def begin(self) -> InMemoryTransaction:
        """Begin a transaction, which sees committed rows and its own writes."""
        self._last_txid += 1
        self._open.add(self._last_txid)
        writing = TransactionWrites(self._last_txid, self._locks)
        return InMemoryTransaction(self.pages.draft(writing), writing, min(self._open))

    def commit(self, transaction: InMemoryTransaction) -> None:
        """Keep the writes, unless an append was refused."""
        if not transaction.is_void:
            transaction.pages.keep()

    def end(self, transaction: InMemoryTransaction) -> None:
        """Release the locks; uncommitted writes are lost."""
        self._open.discard(transaction.writing.txid)
        self._locks.release(transaction.writing.txid)

    def rebuild(self) -> Iterator[OrderId | LeftOutOrder]:
        """Fold every stream again."""
        with self._turn:
            for order_id, stream in sorted(self.pages.streams.items()):
                if (unreadable := self.pages.unreadable.get(order_id)) is not None:
                    yield LeftOutOrder(order_id, unreadable.detail)
                    continue
                self.pages.orders[order_id] = fold(order_id, stream)
                yield order_id

    def chained_events(self, order_id: OrderId | None = None) -> Iterator[ChainedEvent]:
        """The log with its hashes."""
        heads: dict[OrderId, Sha256 | None] = {}
        for cursor, recorded in sorted(self.pages.log.items()):
            if order_id not in {None, recorded.order_id}:
                continue
            assert recorded.sha256 is not None
            previous = heads.get(recorded.order_id)
            yield ChainedEvent(
                cursor=cursor,
                order_id=recorded.order_id,
                version=recorded.version,
                previous_sha256=previous,
                sha256=recorded.sha256,
                actual_sha256=_event_sha256(recorded, previous),
                is_decodable=not self._is_unreadable(recorded),
            )
            heads[recorded.order_id] = recorded.sha256

    def _is_unreadable(self, recorded: RecordedEvent) -> bool:
        unreadable = self.pages.unreadable.get(recorded.order_id)
        return unreadable is not None and unreadable.version == recorded.version

    def check(self) -> None:
        """Report nothing: memory is always available."""


class InMemoryCustomers(Customers):
    """Customers, unique by case-insensitive address, and the counter of orders."""

    def __init__(self, pages: Tables) -> None:
        self._pages = pages

    def receive(
        self,
        customer_id: CustomerId,
        email: str,
        name: str | None,
        locale: str | None,
        day: date,
        number: OrderNumber | None = None,
    ) -> tuple[CustomerId, OrderNumber]:
        customers = self._pages.customers
        known = next((c for c in customers.values() if c.email.lower() == email.lower()), None)
        if known is None:
            taken = {each.referral_code for each in customers.values()}
            code = next(proposed for proposed in referral_codes_of(customer_id) if proposed not in taken)
            known = Customer(
                customer_id=customer_id, email=email, name=name, locale=locale, referral_code=code
            )
        customers[known.customer_id] = replace(known, name=name or known.name, locale=locale or known.locale)
        if number is not None:
            return known.customer_id, number
        count = self._pages.last_numbers[day] = self._pages.last_numbers.get(day, 0) + 1
        return known.customer_id, OrderNumber(f"{day:%Y%m%d}-{count:06}")

    def find(self, customer_id: CustomerId, *, lock: bool = False) -> Customer | None:
        found = self._pages.customers.get(customer_id)
        if found is not None and lock:
            hold(self._pages.customers, customer_id)
        return found

    def find_by_referral_code(self, code: str, *, lock: bool = False) -> Customer | None:
        found = next((one for one in self._pages.customers.values() if one.referral_code == code), None)
        if found is not None and lock:
            hold(self._pages.customers, found.customer_id)
        return found

    def change_email(self, customer_id: CustomerId, email: str) -> bool:
        customers = self._pages.customers
        others = (each for each in customers.values() if each.customer_id != customer_id)
        if customer_id not in customers or any(each.email.lower() == email.lower() for each in others):
            return False
        customers[customer_id] = replace(customers[customer_id], email=email)
        return True


class InMemoryWebhookInbox(WebhookInbox):
    """Webhook events, each accepted once."""

    def __init__(self, pages: Tables) -> None:
        self._pages = pages

    def accept(self, source: str, event_id: str, event_type: str, body_sha256: Sha256, now: datetime) -> bool:
        is_new = (source, event_id) not in self._pages.inbox
        _, taken_sha256, _ = self._pages.inbox.setdefault((source, event_id), (event_type, body_sha256, now))
        if taken_sha256 != body_sha256 and UNSEEN not in {taken_sha256, body_sha256}:
            conflict = Conflict(
                source=source,
                event_id=event_id,
                event_type=event_type,
                body_sha256=body_sha256,
                taken_sha256=taken_sha256,
                received_at=now,
            )
            self._pages.conflicts.setdefault((source, event_id, body_sha256), conflict)
        return is_new

    def forget(self, before: datetime, limit: int) -> int:
        conflicting = {(source, event_id) for source, event_id, _ in self._pages.conflicts}
        found = [
            key
            for key, (_, _, received_at) in sorted(self._pages.inbox.items(), key=lambda item: item[1][2])
            if received_at < before and key not in conflicting
        ][:limit]
        for key in found:
            del self._pages.inbox[key]
        return len(found)

    def conflicts(self) -> list[Conflict]:
        return sorted(self._pages.conflicts.values(), key=lambda one: (one.received_at, one.event_id))


class InMemoryUnmatchedPayments(UnmatchedPayments):
    """Payments without an order."""

    def __init__(self, pages: Tables) -> None:
        self._pages = pages

    def add(self, payment: UnmatchedPayment) -> None:
        self._pages.unmatched.setdefault(payment.checkout_session_id, payment)

    def find(self, checkout_session_id: str, *, lock: bool = False) -> UnmatchedPayment | None:
        return self._locked(self._pages.unmatched.get(checkout_session_id), lock=lock)

    def find_by_payment(self, payment_intent_id: str, *, lock: bool = False) -> UnmatchedPayment | None:
        found = (one for one in self._pages.unmatched.values() if one.payment_intent_id == payment_intent_id)
        return self._locked(next(found, None), lock=lock)

    def save(self, payment: UnmatchedPayment) -> None:
        if payment.checkout_session_id in self._pages.unmatched:
            self._pages.unmatched[payment.checkout_session_id] = payment

    def unsettled(self) -> list[UnmatchedPayment]:
        unsettled = {UnmatchedStatus.OPEN, UnmatchedStatus.REFUNDING}
        found = (one for one in self._pages.unmatched.values() if one.status in unsettled)
        return sorted(found, key=lambda one: one.received_at)

    def due(self, received_before: datetime, now: datetime) -> list[str]:
        return [
            one.checkout_session_id
            for one in self.unsettled()
            if (one.retry_at is None or one.retry_at <= now)
            and (
                one.status is UnmatchedStatus.REFUNDING
                or one.actor is not None
                or (
                    one.upload_session_id is not None
                    and not one.is_held
                    and one.received_at < received_before
                )
            )
        ]

    def _locked(self, payment: UnmatchedPayment | None, *, lock: bool) -> UnmatchedPayment | None:
        if payment is not None and lock:
            hold(self._pages.unmatched, payment.checkout_session_id)
        return payment


class InMemoryEventStore(EventStore):
    """The streams and their folds."""

    def __init__(self, transaction: InMemoryTransaction) -> None:
        self._transaction = transaction
        self._pages = transaction.pages
        self._writing = transaction.writing

    def lock(self, order_id: OrderId) -> None:
        self._writing.take(("order", order_id))

    def load_locked(self, order_id: OrderId) -> Order:
        self.lock(order_id)
        return self.load(order_id)

    def load(self, order_id: OrderId) -> Order:
        self._require_readable(order_id)
        return self._pages.orders.get(order_id, Order(order_id=order_id))

    def load_by_token(self, token_sha256: Sha256) -> Order | None:
        return self._first(
            order
            for order in self._pages.orders.values()
            if any(link.token_sha256 == token_sha256 for link in order.links.values())
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

    def append(self, commit: Commit) -> None:
        self._transaction.is_void = True  # until the whole commit is written
        for recorded in commit.events:
            self._append(recorded, commit)
        order_id = commit.after.order_id
        written = self._pages.rows.get(order_id) or no_rows(order_id)
        self._pages.rows[order_id] = with_changes(written, commit.before, commit.after)
        reactions = InMemoryReactionTable(self._pages)
        reactions.schedule(commit.reactions)
        if commit.closes is not None:
            reactions.close(commit.closes, outcome=commit.outcome, again_at=commit.again_at)
        self._transaction.is_void = False

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
            sha256=_event_sha256(recorded, stream[-1].sha256 if stream else None),
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


class InMemoryNotes(Notes):
    """Notes of staff about orders."""

    def __init__(self, pages: Tables) -> None:
        self._pages = pages

    def write(self, note: Note) -> None:
        self._pages.notes[note.note_id] = note

    def of(self, order_id: OrderId) -> list[Note]:
        mine = (note for note in self._pages.notes.values() if note.order_id == order_id)
        return sorted(mine, key=lambda note: (note.written_at, note.note_id))


class InMemoryOrderQueries(OrderQueries):
    """Order queries for staff, folded from the log."""

    def __init__(self, pages: Tables) -> None:
        self._pages = pages

    def newest(self, limit: int, wanted: OrderFilter = ALL_ORDERS) -> list[OrderSummary]:
        lines = [_summary(order) for order in self._pages.orders.values() if self._matches(order, wanted)]
        return sorted(lines, key=lambda line: line.paid_at, reverse=True)[:limit]

    def _matches(self, order: Order, wanted: OrderFilter) -> bool:
        assert order.payment is not None
        customer = self._pages.customers.get(order.payment.customer_id)
        email = customer.email if customer is not None else ""
        paid_at = order.entered_at[State.PAID]
        return (
            wanted.state in {None, order.state}
            and (order.is_held or not wanted.is_held)
            and (wanted.email is None or email.lower() == wanted.email.lower())
            and (wanted.paid_from is None or paid_at >= wanted.paid_from)
            and (wanted.paid_before is None or paid_at < wanted.paid_before)
            and (wanted.provider_id is None or _has_provider_id(order, wanted.provider_id))
        )

    def find(self, number: OrderNumber) -> OrderId | None:
        lines = (_summary(order) for order in self._pages.orders.values())
        return next((line.order_id for line in lines if line.number == number), None)

    def unfetched(
        self, ending_after: datetime, ending_before: datetime, after: DownloadLinkId | None, limit: int
    ) -> list[tuple[OrderId, DownloadLinkId]]:
        found = (
            (order.order_id, link.link_id)
            for order in self._pages.orders.values()
            if order.is_deliverable and not (order.is_held or order.is_disputed or order.photos_are_purged)
            if not any(other.has_opted_out for other in self._of_the_same_customer(order))
            if not order.is_fetched
            for link in [max(_good(order), key=lambda link: link.expires_at, default=None)]
            if link is not None and ending_after < link.expires_at <= ending_before
            if after is None or link.link_id > after
            if all(
                recorded.cause != f"{REMINDER}{link.link_id}"
                for recorded in self._pages.streams[order.order_id]
            )
        )
        return sorted(found, key=lambda each: each[1])[:limit]

    def in_trouble(self) -> list[OrderId]:
        undelivered = {EmailStatus.FAILED, EmailStatus.BOUNCED}
        return sorted(
            order.order_id
            for order in self._pages.orders.values()
            if order.is_held
            or order.is_disputed
            or order.has_open_inquiry
            or order.has_opted_out
            or any(email.status in undelivered for email in order.emails.values())
        )

    def find_by_messages(self, message_ids: Collection[str]) -> Mapping[str, tuple[OrderId, EmailId]]:
        return {
            email.message_id: (order.order_id, email.email_id)
            for order in self._pages.orders.values()
            for email in order.emails.values()
            if email.message_id is not None and email.message_id in message_ids
        }

    def _of_the_same_customer(self, order: Order) -> Iterator[Order]:
        for other in self._pages.orders.values():
            if other.payment and order.payment and other.payment.customer_id == order.payment.customer_id:
                yield other

    def finished(self, before: datetime, after: OrderId | None, limit: int) -> list[OrderId]:
        found = (
            order.order_id
            for order in self._pages.orders.values()
            if order.state in OVER and not order.photos_are_purged
            if max(at for state, at in order.entered_at.items() if state in OVER) < before
            if after is None or order.order_id > after
        )
        return sorted(found)[:limit]


def _has_provider_id(order: Order, provider_id: str) -> bool:
    assert order.payment is not None
    attempts = (attempt for image in order.images.values() for attempt in image.attempts.values())
    return (
        provider_id in {order.payment.checkout_session_id, order.payment.payment_intent_id, *order.disputes}
        or provider_id in {id_ for refund in order.refunds.values() for id_ in _refund_ids(refund)}
        or provider_id in {attempt.prediction_id for attempt in attempts}
        or provider_id.partition(".")[0] in {email.message_id for email in order.emails.values()}
    )


def _refund_ids(refund: Refund) -> set[str | None]:
    return {refund.provider_refund_id, *refund.failed_provider_refund_ids}


def _good(order: Order) -> list[DownloadLink]:
    return [link for link in order.links.values() if not link.is_revoked]


def _event_sha256(recorded: RecordedEvent, previous: Sha256 | None) -> Sha256:
    return sha256_of(f"{previous} {replace(recorded, position=None, sha256=None)}")


def _summary(order: Order) -> OrderSummary:
    assert order.payment is not None
    return OrderSummary(
        order_id=order.order_id,
        number=order.payment.order_number,
        state=order.state,
        is_held=order.is_held,
        images=len(order.images),
        restored=len(order.restored_images),
        paid=order.payment.paid,
        paid_at=order.entered_at[State.PAID],
    )


#: The factory of each port of a transaction.
_PORTS: dict[str, Callable[[InMemoryTransaction], object]] = {
    "upload_sessions": lambda of: InMemoryUploadSessions(of.pages.uploads, of.pages.orders),
    "customers": lambda of: InMemoryCustomers(of.pages),
    "personal_data": lambda of: InMemoryPersonalData(of.pages),
    "points_balances": lambda of: InMemoryPointsBalances(of.pages),
    "webhook_inbox": lambda of: InMemoryWebhookInbox(of.pages),
    "unmatched_payments": lambda of: InMemoryUnmatchedPayments(of.pages),
    "reactions": lambda of: InMemoryReactionTable(of.pages),
    "prediction_slots": lambda of: InMemoryPredictionSlots(of.pages, of.writing),
    "event_store": InMemoryEventStore,
    "order_queries": lambda of: InMemoryOrderQueries(of.pages),
    "reconciliation_queries": lambda of: InMemoryReconciliationQueries(of.pages),
    "log_recovery": lambda of: InMemoryLogRecovery(of.pages),
    "reconciliation_rounds": lambda of: InMemoryReconciliationRounds(of.pages, of.writing),
    "notes": lambda of: InMemoryNotes(of.pages),
    "usage_totals": lambda of: InMemoryUsageTotals(of.pages),
}
