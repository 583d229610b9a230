"""Erasure of a customer's personal data, certified afterwards.

Amounts, dates and ids stay.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from domain.order import events as e
from domain.order.closure import Obstacle, has_good_link, obstacle
from domain.order.errors import ShopError
from domain.order.order import Order
from domain.order.states import State
from domain.order.values import CustomerId, OrderNumber
from domain.ports.clock import Clock
from domain.ports.customers import Customer
from domain.ports.errors import UnavailableError
from domain.ports.ids import Ids
from domain.ports.personal_data import Erasure
from domain.ports.unit_of_work import HasOrders, HasPersonalData, HasUnmatchedPayments, UnitOfWork
from domain.use_cases.order_command_handler import OrderCommandHandler
from domain.use_cases.order_transaction import Cause, OrderTransaction
from domain.use_cases.privacy.erasure_certificate import Certificate, erased_order
from domain.use_cases.privacy.photo_deletion import PhotoDeletion
from domain.use_cases.privacy.unknown_customer import UnknownCustomerError


class ErasureRepositories(HasOrders, HasPersonalData, HasUnmatchedPayments, Protocol):
    """The repositories that a customer is erased from."""


#: Shorter words of a name occur in many sentences.
TELLING_LETTERS = 4


class ErasureBlockedError(ShopError):
    """Some of the customer's orders cannot be erased yet."""

    _ADVICE: ClassVar[Mapping[Obstacle, str]] = {
        Obstacle.IN_WORK: "is still in work: wait until it is completed, or pay all of it back",
        Obstacle.HELD: "is on hold: let it go on, or pay all of it back",
        Obstacle.DISPUTED: "is disputed, and its photos may be evidence: wait for the bank's decision",
        Obstacle.MONEY_OWED: "owes money: see that its refund is issued",
        Obstacle.UNFINISHED: "has a mail or a refund on its way: try again in some minutes",
    }

    def __init__(self, obstacles: Mapping[OrderNumber, Obstacle]) -> None:
        self.obstacles = obstacles
        orders = "; ".join(f"order {number} {self._ADVICE[why]}" for number, why in obstacles.items())
        super().__init__(f"This customer cannot be erased yet: {orders}.")


class MoneyUnmatchedError(ShopError):
    """The customer has a payment that is not matched to an order."""

    def __init__(self, payments: Sequence[str]) -> None:
        self.payments = payments
        super().__init__(
            f"This customer cannot be erased yet: the payment of checkout {', '.join(payments)} belongs to no "
            "order: have it paid back, or match it."
        )


class TellingReasonError(ShopError):
    """The reason would identify the erased customer."""

    def __init__(self) -> None:
        super().__init__(
            "The reason is kept when the person is erased: say it without their name and address."
        )


@dataclass(frozen=True, kw_only=True)
class ErasurePreview:
    """What an erasure would remove."""

    orders: int
    photos: int
    good_links: int  # orders with a valid link that leads to files


@dataclass(eq=False, kw_only=True)
class CustomerErasure:
    """Erases customers on their request."""

    unit_of_work: UnitOfWork[ErasureRepositories]
    command_handler: OrderCommandHandler[ErasureRepositories]
    photo_deletion: PhotoDeletion
    clock: Clock
    ids: Ids

    def look(self, email: str, reason: str) -> ErasurePreview:
        """Return what would be removed; raise every error that ``erase`` would raise."""
        now = self.clock.now()
        with self.unit_of_work.transaction() as repositories:
            customer = _find(repositories, email, reason)
            orders = [
                repositories.event_store.load(order_id)
                for order_id in repositories.personal_data.orders(customer.customer_id)
            ]
            _check_erasable(repositories, customer.customer_id, orders)
        return ErasurePreview(
            orders=len(orders),
            photos=sum(len(order.images) for order in orders),
            good_links=sum(has_good_link(order, now) for order in orders),
        )

    def erase(self, email: str, *, actor: str, reason: str) -> Certificate:
        """Erase the customer with this address, and certify it.

        One transaction records every order as erased and removes the personal data from every row; then the photos
        are deleted, in all versions. If that is interrupted, the orders' reactions complete it. Raises
        UnknownCustomerError, ErasureBlockedError, MoneyUnmatchedError or TellingReasonError, and changes nothing then.
        """
        erasure_id, now = self.ids.new(), self.clock.now()
        name = f"erasure:{erasure_id}"
        cause = Cause(name=name, key=name, actor=actor, correlation_id=erasure_id)

        def work(
            transaction: OrderTransaction[ErasureRepositories],
        ) -> tuple[Erasure, Sequence[Order], Mapping[str, int]]:
            repositories = transaction.repositories
            customer_id = _find(repositories, email, reason).customer_id
            orders = [transaction.load(each) for each in repositories.personal_data.orders(customer_id)]
            _check_erasable(repositories, customer_id, orders)
            for order in orders:
                transaction.record(order, [e.OrderErased()], cause)
            erasure = Erasure(
                erasure_id=erasure_id, customer_id=customer_id, actor=actor, reason=reason, erased_at=now
            )
            return erasure, orders, repositories.personal_data.forget(erasure)

        erasure, orders, removed = self.command_handler.transact(work)
        return Certificate(
            erasure=erasure,
            orders=tuple(erased_order(order) for order in orders),
            removed=removed,
            objects=self._empty(orders),
        )

    def _empty(self, orders: Sequence[Order]) -> int | None:
        try:
            return sum(self.photo_deletion.empty(order) for order in orders)
        except UnavailableError:
            return None  # a reaction of each order deletes them


def _find(repositories: HasPersonalData, email: str, reason: str) -> Customer:
    customer = repositories.personal_data.find(email, lock=True)
    if customer is None:
        raise UnknownCustomerError(email)
    if _tells(reason, customer):
        raise TellingReasonError
    return customer


def _check_erasable(
    repositories: ErasureRepositories, customer_id: CustomerId, orders: Sequence[Order]
) -> None:
    """Raise ErasureBlockedError or MoneyUnmatchedError unless all orders are erasable."""
    obstacles = {
        order.payment.order_number: why
        for order in orders
        if order.payment is not None
        and order.state is not State.ERASED
        and (why := obstacle(order)) is not None
    }
    if obstacles:
        raise ErasureBlockedError(obstacles)
    sessions = set(repositories.personal_data.sessions(customer_id))
    unmatched = [
        payment.checkout_session_id
        for payment in repositories.unmatched_payments.unsettled()
        if payment.upload_session_id in sessions
    ]
    if unmatched:
        raise MoneyUnmatchedError(unmatched)


def _tells(reason: str, customer: Customer) -> bool:
    text = reason.casefold()
    words = set(re.findall(r"\w+", text))
    names = {
        word for word in re.findall(r"\w+", (customer.name or "").casefold()) if len(word) >= TELLING_LETTERS
    }
    return customer.email.casefold() in text or bool(names & words)
