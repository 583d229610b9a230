"""The shop's books: one transaction at a time over uploads, customers, the log and the outstanding work.

BooksError
├── VersionConflictError   somebody else recorded on this stream first: load again and decide again
├── CauseRepeatedError     this cause is on record in this stream already: there is nothing to do
└── LeaseLostError         somebody else owns this reaction now: discard what you did
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from domain.model.events import RecordedEvent
from domain.model.order import Order
from domain.model.reactions import Reaction
from domain.model.values import (
    CustomerId,
    Money,
    OrderId,
    OrderNumber,
    PhotoId,
    Sha256,
    StoredObject,
    UploadSessionId,
)


class BooksError(Exception):
    """The root of what keeps a transaction from being written."""


class VersionConflictError(BooksError):
    """The stream is not at the version the step was decided on."""

    def __init__(self, order_id: OrderId, expected_version: int) -> None:
        self.order_id = order_id
        self.expected_version = expected_version
        super().__init__(f"Order {order_id} is past version {expected_version}: load it and decide again.")


class CauseRepeatedError(BooksError):
    """The same cause was recorded in this stream before."""

    def __init__(self, order_id: OrderId) -> None:
        self.order_id = order_id
        super().__init__(f"What caused this is on record in order {order_id} already: nothing is left to do.")


class LeaseLostError(BooksError):
    """The reaction belongs to somebody else, or is closed."""

    def __init__(self, reaction_id: UUID) -> None:
        self.reaction_id = reaction_id
        super().__init__(f"Reaction {reaction_id} is somebody else's by now: discard this outcome.")


class UploadStatus(StrEnum):
    """Where an upload session stands."""

    OPEN = "open"  # photos may be added
    CHECKOUT = "checkout"  # the price is quoted, the photos are fixed
    PENDING = "pending"  # the customer paid by a method that takes days
    PAID = "paid"  # there is an order
    EXPIRED = "expired"  # nobody paid in time: its photos go


@dataclass(frozen=True, kw_only=True)
class UploadedPhoto:
    """A photo as it was received; the file name is the customer's and never enters the log."""

    photo_id: PhotoId
    file_name: str
    upload: StoredObject
    width: int  # pixels
    height: int  # pixels


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """What was quoted, and the provider's page for it once it is open."""

    attempt: int  # 1-based, part of the idempotency key
    quoted: Money
    reserved_at: datetime
    expires_at: datetime
    checkout_session_id: str | None = None
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class UploadSession:
    """A visitor's photos before they are paid; ``order_id`` is the id the order will have."""

    session_id: UploadSessionId
    order_id: OrderId
    status: UploadStatus
    opened_at: datetime
    photos: tuple[UploadedPhoto, ...] = ()
    checkout: Checkout | None = None


class UploadDesk(Protocol):
    """Upload sessions and their photos."""

    def open(self, session: UploadSession) -> None:
        """Write a new session down."""
        ...

    def find(self, session_id: UploadSessionId, *, lock: bool = False) -> UploadSession | None:
        """The session with its photos in the order they came; ``lock`` keeps others from changing it meanwhile."""
        ...

    def add_photo(self, session_id: UploadSessionId, photo: UploadedPhoto) -> None:
        """Add a photo at the end."""
        ...

    def set_status(self, session_id: UploadSessionId, status: UploadStatus) -> None:
        """Move the session on."""
        ...

    def set_checkout(self, session_id: UploadSessionId, checkout: Checkout) -> None:
        """Write down what was quoted, or where its page is."""
        ...

    def file_names(self, order_id: OrderId) -> dict[PhotoId, str]:
        """The customer's names of an order's photos."""
        ...

    def expire_stale(
        self, opened_before: datetime, checkout_expired_before: datetime, limit: int
    ) -> list[UploadSessionId]:
        """Sessions whose temp objects may go, oldest first; those that nobody paid for are expired from now on.

        Opened before the moment given, not in an open checkout or waiting for a delayed payment, and if there is an
        order, its images are verified under keys of its own, or all its money went back. A session is listed until
        its temp objects are forgotten.
        """
        ...

    def forget_temp_objects(self, session_id: UploadSessionId, now: datetime) -> None:
        """Note that the temp objects are gone; a session without an order disappears altogether."""
        ...


@dataclass(frozen=True, kw_only=True)
class Customer:
    """A person who paid; the only place where name and address are kept."""

    customer_id: CustomerId
    email: str
    name: str | None
    locale: str | None


class CustomerRegister(Protocol):
    """Customers, unique by e-mail address without regard to case; and the counter of their orders."""

    def receive(
        self, customer_id: CustomerId, email: str, name: str | None, locale: str | None, day: date
    ) -> tuple[CustomerId, OrderNumber]:
        """Find or add the customer, and give the next order number of a UTC day.

        Numbers are unique and without a gap: the counter is held until the transaction ends and falls back with it.
        ``customer_id`` is used when the address is new.
        """
        ...

    def find(self, customer_id: CustomerId) -> Customer | None:
        """The customer, unless they were erased."""
        ...


@dataclass(frozen=True, kw_only=True)
class UnmatchedPayment:
    """Money that belongs to no order: it has to go back or be matched by a person."""

    checkout_session_id: str
    payment_intent_id: str | None
    paid: Money
    reason: str
    received_at: datetime


class Inbox(Protocol):
    """What providers posted, each message once."""

    def take(self, source: str, event_id: str, event_type: str, body_sha256: Sha256, now: datetime) -> bool:
        """Whether this message is new; one that was taken before is not, and stays as it was."""
        ...

    def set_aside(self, payment: UnmatchedPayment) -> None:
        """Keep a payment that belongs to no order; repeating it is harmless."""
        ...


@dataclass(frozen=True, kw_only=True)
class Scheduled:
    """A reaction with its id and the moment it becomes due.

    ``sent_at`` is set when whoever commits it sends it to a worker at once; otherwise the sweeper does.
    """

    reaction_id: UUID
    order_id: OrderId
    reaction: Reaction
    due_at: datetime
    sent_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A reaction that is ours until ``leased_until``, proven by ``token``."""

    reaction_id: UUID
    order_id: OrderId
    reaction: Reaction
    token: UUID
    attempts: int  # this one included
    was_interrupted: bool  # the one who had it before never said how it ended
    first_due_at: datetime
    claimed_at: datetime
    leased_until: datetime


class Outcome(StrEnum):
    """How a reaction ended."""

    DONE = "done"
    AGAIN = "pending"  # it did what it could, and the order still wants it
    DROPPED = "dropped"  # the order did not want it any more; it may want it again
    FAILED = "failed"  # its attempts are used up; a person may have it tried again


class ReactionTable(Protocol):
    """The only truth about outstanding work."""

    def schedule(self, reactions: Iterable[Scheduled]) -> None:
        """Insert work; what is there already stays as it is, unless it was dropped or given up: then it reopens."""
        ...

    def claim(self, reaction_id: UUID, token: UUID, now: datetime, lease: timedelta) -> Claim | None:
        """Lease a reaction that is due or was sent as due, and is nobody's or its lease ran out.

        None if it is not to be had.
        """
        ...

    def renew(self, tokens: Iterable[UUID], leased_until: datetime) -> None:
        """Prolong leases that are still held."""
        ...

    def postpone(self, claim: Claim, due_at: datetime, problem: str, *, has_progressed: bool = False) -> None:
        """Give a claimed reaction back for later; raises LeaseLostError.

        Work that ``has_progressed`` did not fail: its attempts are counted from the beginning again.
        """
        ...

    def close(self, claim: Claim, *, outcome: Outcome, problem: str | None = None) -> None:
        """End a claimed reaction that leads to no event; raises LeaseLostError."""
        ...

    def hasten(self, reaction: Scheduled) -> None:
        """Have this work done at ``due_at`` or earlier, inserting it if need be; closed work stays closed.

        Work that is leased meanwhile is done again at once if it is given back for later.
        """
        ...

    def take_unsent(self, now: datetime, resend_after: timedelta, limit: int) -> list[tuple[UUID, Reaction]]:
        """Work that is due and unsent, or sent so long ago that it may be lost; it counts as sent now.

        Each time it is sent in vain ``resend_after`` doubles, up to 64 times as long.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Step:
    """One move of an order, to be written whole or not at all."""

    before: Order
    after: Order
    events: tuple[RecordedEvent, ...]
    reactions: tuple[Scheduled, ...] = ()
    closes: Claim | None = None
    outcome: Outcome = Outcome.DONE  # of the claim that is closed
    again_at: datetime | None = None  # when the claimed work is due anew, if its outcome is AGAIN


@dataclass(frozen=True, order=True)
class LogCursor:
    """A place in the whole log, in commit order."""

    txid: int = 0
    position: int = 0


class OrderLog(Protocol):
    """The audit log of every order and the read models that follow from it."""

    def lock(self, order_id: OrderId) -> None:
        """Keep all others who lock it from recording on this order until the transaction ends.

        Whoever locks does so before the first write: then a stream's events stand in the log in their own order.
        """
        ...

    def load(self, order_id: OrderId) -> Order:
        """The order as its stream tells it; version 0 when there is none."""
        ...

    def load_by_token(self, token_sha256: Sha256) -> Order | None:
        """The order that a download token belongs to."""
        ...

    def load_by_payment(self, payment_intent_id: str) -> Order | None:
        """The order that was paid by this payment intent."""
        ...

    def history(self, order_id: OrderId) -> list[RecordedEvent]:
        """The stream, from the first event on."""
        ...

    def record(self, step: Step) -> None:
        """Append the events, write the read models, insert the reactions and close the claim, all at once.

        Raises VersionConflictError, CauseRepeatedError or LeaseLostError; the transaction is then void.
        """
        ...

    def read_all(self, after: LogCursor, limit: int) -> list[tuple[LogCursor, RecordedEvent]]:
        """The log in commit order from ``after`` on, without ever skipping an event that commits late."""
        ...


@dataclass(frozen=True, kw_only=True)
class OrderSummary:
    """A line of the list of orders."""

    order_id: OrderId
    number: OrderNumber
    state: str
    is_held: bool
    images: int
    restored: int
    paid: Money
    paid_at: datetime


class OrderShelf(Protocol):
    """The read models, for people who look for an order."""

    def newest(self, limit: int) -> list[OrderSummary]:
        """The newest orders first."""
        ...

    def find(self, number: OrderNumber) -> OrderId | None:
        """The order with this number."""
        ...


class Transaction(Protocol):
    """Everything one transaction can touch."""

    uploads: UploadDesk
    customers: CustomerRegister
    inbox: Inbox
    reactions: ReactionTable
    log: OrderLog
    shelf: OrderShelf


class Books(Protocol):
    """Opens transactions."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """A transaction that commits when the block ends and rolls back when it raises.

        Raises UnavailableError when the books cannot be reached; whether a commit arrived may then be unknown.
        """
        ...

    def rebuild(self) -> Iterator[OrderId]:
        """Write every read model anew from the log, telling each order as it is done."""
        ...

    def check(self) -> None:
        """Raise UnavailableError unless the database answers and its schema is current."""
        ...


class ReactionQueue(Protocol):
    """Wakes workers; it may forget, the table does not."""

    def send(self, reactions: Iterable[tuple[UUID, Reaction]]) -> None:
        """Tell workers about work that is due; a queue that is away is no error, the sweeper tells them later."""
        ...
