"""Correction of a customer's e-mail address, with a note on their orders."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from domain.order import events as e
from domain.order.actors import CUSTOMER
from domain.order.commands import Proposal, RequestEmail
from domain.order.customer_request_limits import check_correction
from domain.order.decide_delivery import is_on_its_way
from domain.order.errors import CorrectionRefusedError, ShopError
from domain.order.order import Order
from domain.order.states import State
from domain.order.values import CustomerId, EmailKind, OrderId
from domain.ports.clock import Clock
from domain.ports.customers import Customer
from domain.ports.errors import UnreadableEventError
from domain.ports.event_store import Commit
from domain.ports.ids import Ids
from domain.ports.unit_of_work import HasCustomers, HasNotes, HasOrders, HasPersonalData
from domain.use_cases.order_command_handler import OrderCommandHandler
from domain.use_cases.order_transaction import Cause, OrderTransaction
from domain.use_cases.support.action_refusals import ActionProblem, ActionRefusedError
from domain.use_cases.support.staff_requests import ActionResult, StaffRequest, note_of, was_done


class EmailCorrectionRepositories(HasCustomers, HasOrders, HasNotes, HasPersonalData, Protocol):
    """The repositories that an address is corrected in."""


#: Enough to catch typing errors; only sending an e-mail shows whether an address exists.
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_LONGEST_EMAIL = 254


class NoAddressError(ShopError):
    """The text is not an e-mail address.

    The message does not repeat it.
    """

    def __init__(self) -> None:
        super().__init__("This is not an e-mail address: write it like name@example.com.")


class AddressTakenError(ShopError):
    """The address belongs to another customer.

    The orders of two customers must not be mixed up.
    """

    def __init__(self) -> None:
        super().__init__("This address is another customer's: ask for one that only this customer has.")


class AddressKnownError(ShopError):
    """The customer has this address already."""

    def __init__(self) -> None:
        super().__init__("This is the address on file already: nothing was changed.")


def is_address(text: str) -> bool:
    """Whether this looks like an e-mail address."""
    return len(text) <= _LONGEST_EMAIL and _EMAIL.fullmatch(text) is not None


@dataclass(eq=False, kw_only=True)
class EmailCorrection:
    """Corrects addresses.

    The log records only a note, because it never holds an address.
    """

    command_handler: OrderCommandHandler[EmailCorrectionRepositories]
    clock: Clock
    ids: Ids

    def correct(self, order_id: OrderId, by: StaffRequest, email: str) -> tuple[ActionResult, int]:
        """Change the address of the order's customer.

        Returns also the number of orders that received a note. E-mails sent from now on use the new address, also
        those of an order on hold once it is released. Raises NoAddressError, AddressTakenError, AddressKnownError or
        ActionRefusedError, and changes nothing then. Repeating the request's key is idempotent.
        """
        if not is_address(email):
            raise NoAddressError
        key = by.cause_key("address", self.ids)

        def work(transaction: OrderTransaction[EmailCorrectionRepositories]) -> tuple[ActionResult, int]:
            repositories = transaction.repositories
            orders = _load_all(transaction, order_id)
            order = orders[order_id]
            if by.key is not None and was_done(repositories, order_id, key):
                return ActionResult(order=order, events=()), 0
            customer = repositories.customers.find(_customer_of(order))
            if customer is None:
                raise ActionRefusedError(order, ActionProblem.NO_ADDRESS)
            _change(repositories, customer, email)
            live = [each for each in orders.values() if each.state is not State.ERASED]
            commits = {each.order_id: self._note(transaction, each, by, key) for each in live}
            mine = commits[order_id]
            return ActionResult(order=mine.after, events=mine.events), len(commits)

        return self.command_handler.transact(work)

    def correct_by_customer(
        self, order_id: OrderId, email: str, *, note: str, note_if_taken: str, correlation_id: UUID
    ) -> ActionResult:
        """Change a mistyped address before the result, and send the confirmation there.

        Within the limits of ``check_correction``, and only for a customer with this order alone: one payment must not
        redirect the e-mails of other orders. Raises NoAddressError, AddressTakenError, AddressKnownError,
        CorrectionRefusedError or AskedTooOftenError, and changes no address then. ``note`` is what staff read about it.
        An address that is taken counts as a correction, with ``note_if_taken``: the refusal shows that its owner is a
        customer.
        """
        if not is_address(email):
            raise NoAddressError

        def work(transaction: OrderTransaction[EmailCorrectionRepositories]) -> ActionResult | None:
            repositories = transaction.repositories
            order = transaction.load(order_id)
            check_correction(order, repositories.event_store.history(order_id))
            customer = repositories.customers.find(_customer_of(order))
            if customer is None or len(repositories.personal_data.orders(customer.customer_id)) > 1:
                raise CorrectionRefusedError
            try:
                _change(repositories, customer, email)
                is_taken = False
            except AddressTakenError:
                is_taken = True
            by = StaffRequest(actor=CUSTOMER, reason=note_if_taken if is_taken else note)
            written = note_of(order_id, by, self.ids, self.clock)
            repositories.notes.write(written)
            proposed: list[Proposal] = [e.NoteAdded(note_id=written.note_id)]
            if not is_taken and not is_on_its_way(order, EmailKind.CONFIRMATION):
                proposed.append(RequestEmail(kind=EmailKind.CONFIRMATION))
            cause = Cause(
                name="address",
                key=by.cause_key("address", self.ids),
                actor=CUSTOMER,
                correlation_id=correlation_id,
            )
            commit = transaction.record(order, proposed, cause)
            return None if is_taken else ActionResult(order=commit.after, events=commit.events)

        result = self.command_handler.transact(work)
        if result is None:
            raise AddressTakenError
        return result

    def _note(
        self,
        transaction: OrderTransaction[EmailCorrectionRepositories],
        order: Order,
        by: StaffRequest,
        key: str,
    ) -> Commit:
        note = note_of(order.order_id, by, self.ids, self.clock)
        cause = Cause(name="desk:address", key=key, actor=by.actor, correlation_id=note.note_id)
        transaction.repositories.notes.write(note)
        return transaction.record(order, [e.NoteAdded(note_id=note.note_id)], cause)


def _change(repositories: EmailCorrectionRepositories, customer: Customer, email: str) -> None:
    """Change the stored address; raises AddressKnownError or AddressTakenError."""
    if customer.email == email:
        raise AddressKnownError
    if not repositories.customers.change_email(customer.customer_id, email):
        raise AddressTakenError


def _load_all(
    transaction: OrderTransaction[EmailCorrectionRepositories], order_id: OrderId
) -> Mapping[OrderId, Order]:
    """Load all readable orders of the order's customer, locking each.

    The lock order is always the same, which prevents deadlocks. Raises UnreadableEventError for the order itself alone.
    """
    repositories = transaction.repositories
    customer_id = _customer_of(repositories.event_store.load(order_id))
    orders = {}
    for each in repositories.personal_data.orders(customer_id):
        with suppress(UnreadableEventError):  # it gets no note
            orders[each] = transaction.load(each)
    return orders


def _customer_of(order: Order) -> CustomerId:
    if order.payment is None:
        raise ActionRefusedError(order, ActionProblem.NO_CUSTOMER)
    return order.payment.customer_id
