"""Customers and their numbers, what providers posted, money without an order, and the shelf of orders for people."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from domain.order.values import (
    CustomerId,
    OrderNumber,
)


@dataclass(frozen=True, kw_only=True)
class Customer:
    """A person who paid; the only place where name and address are kept."""

    customer_id: CustomerId
    email: str
    name: str | None
    locale: str | None
    referral_code: str


class Customers(Protocol):
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
