"""The port for customers and order numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from domain.order.values import (
    CustomerId,
    OrderNumber,
)


@dataclass(frozen=True, kw_only=True)
class Customer:
    """A customer; name, address and phone number are stored only here.

    ``metadata`` has what else the payment provider said of them, such as their ``country``.
    """

    customer_id: CustomerId
    email: str
    name: str | None
    locale: str | None
    referral_code: str
    phone: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Payer:
    """Who paid for an order."""

    customer_id: CustomerId  # for a new customer
    email: str
    name: str | None
    locale: str | None
    number: OrderNumber | None = None  # of an order that has one already
    phone: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


class Customers(Protocol):
    """Customers, unique by case-insensitive e-mail address, and order numbers."""

    def receive(
        self,
        customer_id: CustomerId,
        email: str,
        name: str | None,
        locale: str | None,
        day: date,
        number: OrderNumber | None = None,
        *,
        phone: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> tuple[CustomerId, OrderNumber]:
        """``receive_all`` of one payer."""
        payer = Payer(
            customer_id=customer_id,
            email=email,
            name=name,
            locale=locale,
            number=number,
            phone=phone,
            metadata=metadata or {},
        )
        [received] = self.receive_all([payer], day)
        return received

    def receive_all(self, payers: Sequence[Payer], day: date) -> Sequence[tuple[CustomerId, OrderNumber]]:
        """Find or add customers and allocate the next order numbers.

        Both are in the order of the payers. Numbers count per UTC day, unique and without a gap: the counter is
        locked until the transaction ends and is rolled back with it. An order that has a ``number`` keeps it.
        ``customer_id`` is used when the address is new; a new customer gets a referral code that no other customer has.
        No two payers have the same address. A known customer keeps what is not given.
        """

    def find(self, customer_id: CustomerId, *, lock: bool = False) -> Customer | None:
        """The customer, or None once erased.

        ``lock`` prevents other transactions that lock the customer from spending the same points.
        """

    def find_by_referral_code(self, code: str, *, lock: bool = False) -> Customer | None:
        """The customer with this code; ``lock`` is as for ``find``."""

    def change_email(self, customer_id: CustomerId, email: str) -> bool:
        """Change a customer's address.

        False, without any change, if the address is another customer's or the customer was erased.
        """
