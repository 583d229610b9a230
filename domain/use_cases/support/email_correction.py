"""A customer's e-mail address turns out to be wrong: it is corrected in the register, and noted on their orders."""

import re
from collections.abc import Sequence

from domain.order import events as e
from domain.order.errors import ShopError
from domain.order.lifecycle import State
from domain.order.order import Order
from domain.order.values import OrderId
from domain.ports.clock import Clock
from domain.ports.customers import Customer
from domain.ports.event_store import Commit
from domain.ports.ids import Ids
from domain.ports.unit_of_work import Transaction, UnitOfWork
from domain.use_cases.order_command_handler import Cause, OrderCommandHandler
from domain.use_cases.support.staff_actions import ActionResult, StaffRequest, note_of, was_done
from domain.use_cases.wording.refusal_messages import ActionRefusedError

#: Enough to catch a slip of the finger; whether an address exists only a mail can tell.
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_LONGEST_EMAIL = 254


class NoAddressError(ShopError):
    """What was given is no e-mail address; the message does not repeat it."""

    def __init__(self) -> None:
        super().__init__("This is not an e-mail address: write it like name@example.com.")


class AddressTakenError(ShopError):
    """The address is another customer's, whose orders must not be mixed up with these."""

    def __init__(self) -> None:
        super().__init__("This address is another customer's: ask for one that only this customer has.")


class AddressKnownError(ShopError):
    """The customer has this address already."""

    def __init__(self) -> None:
        super().__init__("This is the address on file already: nothing was changed.")


def is_address(text: str) -> bool:
    """Whether this looks like an e-mail address."""
    return len(text) <= _LONGEST_EMAIL and _EMAIL.fullmatch(text) is not None


class EmailCorrection:
    """Corrects addresses. The log never knows one: it says that a note was written, and the note says why."""

    def __init__(
        self, *, unit_of_work: UnitOfWork, command_handler: OrderCommandHandler, clock: Clock, ids: Ids
    ) -> None:
        self._unit_of_work = unit_of_work
        self._command_handler = command_handler
        self._clock = clock
        self._ids = ids

    def correct(self, order_id: OrderId, by: StaffRequest, email: str) -> tuple[ActionResult, int]:
        """Give the order's customer another address, and tell of how many orders that was noted.

        What is mailed from now on goes there, and what an order on hold has to mail once it is released. Raises
        NoAddressError, AddressTakenError, AddressKnownError or ActionRefusedError, and nothing is changed then.
        """
        if not is_address(email):
            raise NoAddressError
        key = by.cause_key("address", self._ids)
        with self._unit_of_work.transaction() as transaction:
            customer, orders = _look(transaction, order_id)
            order = next(each for each in orders if each.order_id == order_id)
            if by.key is not None and was_done(transaction, order_id, key):
                return ActionResult(order=order, events=()), 0
            if customer is None:
                raise ActionRefusedError(order, "There is no address to correct")
            if customer.email == email:
                raise AddressKnownError
            if not transaction.customers.change_email(customer.customer_id, email):
                raise AddressTakenError
            steps = self._note(transaction, orders, by, key)
        for step in steps:
            self._command_handler.wake(step)
        mine = next(step for step in steps if step.before.order_id == order_id)
        return ActionResult(order=mine.after, events=mine.events), len(steps)

    def _note(
        self, transaction: Transaction, orders: Sequence[Order], by: StaffRequest, key: str
    ) -> list[Commit]:
        steps = []
        for order in orders:
            if order.state is State.ERASED:
                continue
            note = note_of(order.order_id, by, self._ids, self._clock)
            cause = Cause(name="desk:address", key=key, actor=by.actor, correlation_id=note.note_id)
            step = self._command_handler.plan(order, [e.NoteAdded(note_id=note.note_id)], cause)
            transaction.notes.write(note)
            self._command_handler.write(transaction, step)
            steps.append(step)
        return steps


def _look(transaction: Transaction, order_id: OrderId) -> tuple[Customer | None, list[Order]]:
    """An order's customer and all their orders, each locked, in an order that others keep to as well."""
    order = transaction.event_store.load(order_id)
    if order.payment is None:
        raise ActionRefusedError(order, "It has no customer yet")
    customer_id = order.payment.customer_id
    order_ids = transaction.personal_data.orders(customer_id)
    for each in order_ids:
        transaction.event_store.lock(each)
    orders = [transaction.event_store.load(each) for each in order_ids]
    return transaction.customers.find(customer_id), orders
