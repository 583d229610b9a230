"""Customers and their numbers, what providers posted, money without an order, and the shelf of orders for people."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from domain.order.values import (
    CustomerId,
    DownloadLinkId,
    EmailId,
    Money,
    NoteId,
    OrderId,
    OrderNumber,
    Sha256,
)
from domain.ports.order_queries import ALL_ORDERS, OrderFilter
from domain.unmatched_payment import UnmatchedPayment


@dataclass(frozen=True, kw_only=True)
class Customer:
    """A person who paid; the only place where name and address are kept."""

    customer_id: CustomerId
    email: str
    name: str | None
    locale: str | None
    referral_code: str


class CustomerRegister(Protocol):
    """Customers, unique by e-mail address without regard to case; and the counter of their orders."""

    def receive(
        self,
        customer_id: CustomerId,
        email: str,
        name: str | None,
        locale: str | None,
        day: date,
        number: OrderNumber | None = None,
    ) -> tuple[CustomerId, OrderNumber]:
        """Find or add the customer, and give the next order number of a UTC day, unless the order has a number.

        Numbers are unique and without a gap: the counter is held until the transaction ends and falls back with it.
        ``customer_id`` is used when the address is new. Whoever is new gets a referral code that nobody else has.
        """
        ...

    def find(self, customer_id: CustomerId, *, lock: bool = False) -> Customer | None:
        """The customer, unless they were erased; ``lock`` keeps others who lock them from spending their points."""
        ...

    def find_by_referral_code(self, code: str, *, lock: bool = False) -> Customer | None:
        """The customer with this code; ``lock`` is as for ``find``."""
        ...

    def change_email(self, customer_id: CustomerId, email: str) -> bool:
        """Give a customer another address; false, and nothing is changed, if it is another's or they were erased."""
        ...


#: In place of the fingerprint of a message that was never posted, but found on its provider's own list: should it be
#: posted yet, it conflicts with nothing.
UNSEEN = Sha256("0" * 64)


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """A message under the id of another one, with other contents: one of the two is not what it seems."""

    source: str
    event_id: str
    event_type: str
    body_sha256: Sha256  # of the message that was set aside
    taken_sha256: Sha256  # of the one that was taken
    received_at: datetime


class Inbox(Protocol):
    """What providers posted, each message once."""

    def take(self, source: str, event_id: str, event_type: str, body_sha256: Sha256, now: datetime) -> bool:
        """Whether this message is new; one that was taken before is not, and stays as it was.

        Another message under the same id is set aside as a conflict and changes nothing.
        """
        ...

    def forget(self, before: datetime, limit: int) -> int:
        """Delete messages that were received before then, and return how many; such would be new again."""
        ...

    def conflicts(self) -> list[Conflict]:
        """The messages that were set aside, oldest first, each once however often it came."""
        ...


class UnmatchedPayments(Protocol):
    """Payments that belong to no order."""

    def set_aside(self, payment: UnmatchedPayment) -> None:
        """Keep a payment; one that is there already stays as it is."""
        ...

    def find(self, checkout_session_id: str, *, lock: bool = False) -> UnmatchedPayment | None:
        """The payment of a checkout; ``lock`` keeps others from changing it meanwhile."""
        ...

    def find_by_payment(self, payment_intent_id: str, *, lock: bool = False) -> UnmatchedPayment | None:
        """The payment of a payment intent; ``lock`` is as for ``find``."""
        ...

    def save(self, payment: UnmatchedPayment) -> None:
        """Write down how a payment that is there stands now."""
        ...

    def unsettled(self) -> list[UnmatchedPayment]:
        """The payments that have neither gone back nor been matched, oldest first."""
        ...

    def due(self, received_before: datetime, now: datetime) -> list[str]:
        """The checkouts whose payments should go back now, oldest first.

        Of those that are open and not put off beyond ``now``: what a checkout of this shop brought before the moment
        given and is not held, and what a person decided to pay back. And those on their way back whose time to try
        again has come.
        """
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


@dataclass(frozen=True, kw_only=True)
class Note:
    """A person's words about an order, kept outside the log so that they can be erased; ``actor`` wrote them."""

    note_id: NoteId
    order_id: OrderId
    actor: str
    text: str
    written_at: datetime


class NoteBook(Protocol):
    """What people wrote about orders: the log only knows that they did."""

    def write(self, note: Note) -> None:
        """Keep a note."""
        ...

    def of(self, order_id: OrderId) -> list[Note]:
        """An order's notes, oldest first."""
        ...


#: What the cause of an event begins with that reminds of a link; the link's id follows.
REMINDER = "reminder:"


class OrderShelf(Protocol):
    """The read models, for people who look for an order."""

    def newest(self, limit: int, wanted: OrderFilter = ALL_ORDERS) -> list[OrderSummary]:
        """The orders that match ``wanted``, the newest first."""
        ...

    def find(self, number: OrderNumber) -> OrderId | None:
        """The order with this number."""
        ...

    def unfetched(
        self, ending_after: datetime, ending_before: datetime, after: DownloadLinkId | None, limit: int
    ) -> list[tuple[OrderId, DownloadLinkId]]:
        """Links that end between two moments, and of which their customers should be reminded; by id from ``after`` on.

        Not revoked and none that ends later beside it, in an order whose results are shown and of which nothing was
        ever fetched, not held, not disputed, and not reminded of this link before. Customers who opted out of mail
        in any order of theirs are left out.
        """
        ...

    def in_trouble(self) -> list[OrderId]:
        """The orders held or disputed, or with a mail that failed, bounced or was opted out of, by id."""
        ...

    def find_by_messages(self, message_ids: Collection[str]) -> Mapping[str, tuple[OrderId, EmailId]]:
        """The order and mail behind each of the mail provider's message ids that is on record."""
        ...

    def finished(self, before: datetime, after: OrderId | None, limit: int) -> list[OrderId]:
        """Orders that were completed or refunded before a moment and whose photos are kept, by id from ``after`` on.

        An order may have come to its end more than once; whether the last time was before the moment, its stream
        tells.
        """
        ...
