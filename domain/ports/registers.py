"""Customers and their order numbers, what providers posted, and the shelf of orders for people who look for one."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from domain.model.values import CustomerId, Money, OrderId, OrderNumber, Sha256


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

    def finished(self, before: datetime, after: OrderId | None, limit: int) -> list[OrderId]:
        """Orders that were completed or refunded before a moment and whose photos are kept, by id from ``after`` on.

        An order may have come to its end more than once; whether the last time was before the moment, its stream
        tells.
        """
        ...
