"""Synchronize upload sessions and orders with their checkouts at the provider."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Protocol

from domain.order.actors import PAYMENT_PROVIDER
from domain.ports.clock import Clock
from domain.ports.errors import UnavailableError
from domain.ports.payments import CheckoutDetails, CheckoutState, CheckoutStatus, PaymentProvider
from domain.ports.unit_of_work import HasReconciliationQueries, HasUploadSessions, UnitOfWork
from domain.ports.upload_sessions import UploadStatus
from domain.use_cases.deferred_errors import deferring
from domain.use_cases.order_command_handler import OrderCommandHandler
from domain.use_cases.order_transaction import OrderTransaction
from domain.use_cases.payments.order_placement import (
    OrderPlacement,
    PaymentReport,
    PlacementRepositories,
    Trigger,
)
from domain.use_cases.payments.payment_ownership import PaymentOwnership


class CheckoutSyncRepositories(PlacementRepositories, HasReconciliationQueries, Protocol):
    """The repositories that a checkout's status changes."""


#: When to poll a delayed payment whose webhook event is missing: the slowest methods take two weeks.
PENDING_PAYMENT = timedelta(days=14)

#: Checkout statuses from which a payment is still possible.
UNDECIDED = frozenset({CheckoutStatus.OPEN, CheckoutStatus.PENDING})
#: Session statuses in which no payment is known.
_UNPAID = frozenset({UploadStatus.OPEN, UploadStatus.CHECKOUT})


@dataclass(eq=False, kw_only=True)
class CheckoutSync:
    """Apply the provider's checkout status to upload sessions and orders."""

    unit_of_work: UnitOfWork[CheckoutSyncRepositories]
    payments: PaymentProvider
    command_handler: OrderCommandHandler[CheckoutSyncRepositories]
    order_placement: OrderPlacement
    ownership: PaymentOwnership
    clock: Clock

    def sync_checkout(self, checkout_session_id: str) -> None:
        """Fetch a checkout's status and apply it; raises the provider's errors."""
        state = self.payments.find_checkout(checkout_session_id)
        trigger = trigger_of(checkout_session_id)
        self.command_handler.transact(partial(self.apply_status, state=state, trigger=trigger))

    def poll_pending_payments(self) -> int:
        """Sync delayed payments with overdue webhook events; return their number.

        If the provider is unavailable for some, raises UnavailableError after trying all others.
        """
        with self.unit_of_work.transaction() as repositories:
            waiting = repositories.upload_sessions.pending(self.clock.now() - PENDING_PAYMENT)
        with deferring(UnavailableError) as guard:
            for checkout_session_id in waiting:
                with guard():
                    self.sync_checkout(checkout_session_id)
        return len(waiting)

    def is_ours(self, checkout: CheckoutDetails) -> bool:
        """Whether this shop opened the checkout."""
        if self.ownership.has_valid_token(checkout):
            return True
        with self.unit_of_work.transaction() as repositories:
            return self.ownership.is_ours(repositories, checkout)

    def apply_status(
        self,
        transaction: OrderTransaction[CheckoutSyncRepositories],
        state: CheckoutState | None,
        trigger: Trigger,
    ) -> None:
        """Place a paid checkout's order, or update an unpaid one's session.

        Open checkouts and those of other shops are ignored.
        """
        if state is None or state.status is CheckoutStatus.OPEN:
            return
        if state.status is CheckoutStatus.PAID:
            self.apply_paid(transaction, [PaymentReport(checkout=state.checkout, trigger=trigger)])
        elif self.ownership.is_ours(transaction.repositories, state.checkout):
            _apply_unpaid(transaction.repositories, state)

    def apply_paid(
        self, transaction: OrderTransaction[CheckoutSyncRepositories], reports: Sequence[PaymentReport]
    ) -> None:
        """Place the orders of paid checkouts, as ``OrderPlacement.place_all`` does.

        Checkouts of other shops are ignored.
        """
        foreign = self.ownership.foreign_among(
            transaction.repositories, [report.checkout for report in reports]
        )
        ours = [report for report in reports if report.checkout.checkout_session_id not in foreign]
        self.order_placement.place_all(transaction, ours)


def trigger_of(subject: str) -> Trigger:
    """The trigger of an order whose payment was reported by the provider.

    ``subject`` is the id of a webhook event or of a checkout session.
    """
    return Trigger(name=f"{PAYMENT_PROVIDER}:{subject}", actor=PAYMENT_PROVIDER)


def _apply_unpaid(repositories: HasUploadSessions, state: CheckoutState) -> None:
    """Mark the session as pending, or reopen it if payment is impossible."""
    checkout = state.checkout
    if checkout.upload_session_id is None:
        return
    session = repositories.upload_sessions.find(checkout.upload_session_id, lock=True)
    if session is None or session.checkout is None:
        return
    if session.checkout.checkout_session_id != checkout.checkout_session_id:
        # Another page of the same session: ignore it, unless the customer chose a delayed payment on it.
        if state.status is CheckoutStatus.PENDING and session.status in _UNPAID:
            page = replace(session.checkout, checkout_session_id=checkout.checkout_session_id, url=None)
            repositories.upload_sessions.set_checkout(session.session_id, page)
            repositories.upload_sessions.set_status(session.session_id, UploadStatus.PENDING)
        return
    match session.status:
        case UploadStatus.CHECKOUT if state.status is CheckoutStatus.PENDING:
            repositories.upload_sessions.set_status(session.session_id, UploadStatus.PENDING)
        case UploadStatus.CHECKOUT | UploadStatus.PENDING if state.status not in UNDECIDED:
            repositories.upload_sessions.set_status(session.session_id, UploadStatus.OPEN)
        case _:
            pass  # the session has moved on, and a final status is never reverted
