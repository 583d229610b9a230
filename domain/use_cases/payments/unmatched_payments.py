"""Unmatched payments: refunded after a wait, or matched by staff.

An unmatched payment belongs to no order; ``order_placement`` quarantines it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Protocol

from domain.order.stored_reasons import NOT_SIGNED, PARTLY_REFUNDED, REFUND_UNKNOWN
from domain.order.values import OrderId, UploadSessionId
from domain.ports.clock import Clock
from domain.ports.errors import RefusedError, UnavailableError
from domain.ports.payments import (
    CheckoutDetails,
    CheckoutState,
    CheckoutStatus,
    NewRefund,
    PaymentProvider,
)
from domain.ports.unit_of_work import (
    HasReconciliationQueries,
    HasUnmatchedPayments,
    HasUploadSessions,
    UnitOfWork,
)
from domain.ports.upload_sessions import UploadSession, UploadStatus
from domain.unmatched_payment import (
    NotMatchableError,
    PaymentNotOpenError,
    UnknownPaymentError,
    UnmatchedPayment,
    UnmatchedStatus,
)
from domain.use_cases.deferred_errors import deferring
from domain.use_cases.order_command_handler import OrderCommandHandler
from domain.use_cases.order_transaction import OrderTransaction
from domain.use_cases.payments.order_placement import (
    OrderPlacement,
    PaidCheckout,
    PlacementRepositories,
    Trigger,
    unmatched_payment_of,
)
from domain.use_cases.payments.refunds import issue_once
from domain.use_cases.shop_policy import ShopPolicy


class UnmatchedPaymentRepositories(HasReconciliationQueries, HasUnmatchedPayments, Protocol):
    """The repositories that unmatched payments are found in."""


class MatchRepositories(PlacementRepositories, UnmatchedPaymentRepositories, Protocol):
    """The repositories that matching uses."""


#: The actor of a payment that is refunded without a staff member's decision.
SHOP = "shop"

#: When to retry after a call with unknown outcome; longer than any call takes.
UNKNOWN_AGAIN = timedelta(minutes=30)
#: When to look up a pending refund again, in case its webhook event is lost.
PENDING_AGAIN = timedelta(days=1)
#: When to retry a refund that the provider refused: staff may have removed the cause by then.
REFUSED_AGAIN = timedelta(days=1)


@dataclass(eq=False, kw_only=True)
class UnmatchedPaymentService:
    """Refund unmatched payments or match them with upload sessions."""

    unit_of_work: UnitOfWork[UnmatchedPaymentRepositories]
    payments: PaymentProvider
    command_handler: OrderCommandHandler[MatchRepositories]
    order_placement: OrderPlacement
    clock: Clock
    policy: ShopPolicy

    def refund_due(self) -> int:
        """Refund payments that waited long enough; return how many are settled.

        Also those whose refund staff requested. If the provider is unavailable for some, raises UnavailableError
        after trying all others.
        """
        now = self.clock.now()
        with self.unit_of_work.transaction() as transaction:
            due = transaction.unmatched_payments.due(now - self.policy.payments.unmatched_wait, now)
        settled = 0
        with deferring(UnavailableError) as guard:
            for checkout_session_id in due:
                payment = self._claim(checkout_session_id)
                if payment is not None:
                    with guard():
                        settled += self._pay_back(payment).status is UnmatchedStatus.REFUNDED
        return settled

    def refund(self, checkout_session_id: str, *, actor: str, note: str) -> UnmatchedPayment:
        """Refund a payment at a staff member's request; return its new state.

        A payment without this shop's signed token, which was never quarantined, is fetched from the provider. Raises
        UnknownPaymentError or PaymentNotOpenError. On UnavailableError the refund is retried later.
        """
        now = self.clock.now()
        with self.unit_of_work.transaction() as transaction:
            is_known = transaction.unmatched_payments.find(checkout_session_id) is not None
        state = None if is_known else self.payments.find_checkout(checkout_session_id)
        with self.unit_of_work.transaction() as transaction:
            payment = self._open(transaction, checkout_session_id, state)
            claimed = _claimed(payment, self.clock).resolved(actor, note, now)
            transaction.unmatched_payments.save(claimed)
        return self._pay_back(claimed)

    def match(
        self, checkout_session_id: str, upload_session_id: UploadSessionId, *, actor: str, note: str
    ) -> OrderId:
        """Place a session's order with an unmatched payment; return the order's id.

        The payer's details are fetched from the provider. Raises UnknownPaymentError, PaymentNotOpenError or
        NotMatchableError.
        """
        state = self.payments.find_checkout(checkout_session_id)

        def work(transaction: OrderTransaction[MatchRepositories]) -> OrderId:
            repositories = transaction.repositories
            payment = self._open(repositories, checkout_session_id, state)
            if state is None or state.status is not CheckoutStatus.PAID or state.checkout.email is None:
                raise NotMatchableError(
                    checkout_session_id,
                    upload_session_id,
                    "the payment provider knows no paid checkout with an e-mail address; refund it instead",
                )
            purchase = self._purchase(
                repositories, payment, upload_session_id, state.checkout, state.checkout.email
            )
            trigger = Trigger(name=f"match:{checkout_session_id}", actor=actor)
            order = repositories.event_store.load(purchase.session.order_id)
            self.order_placement.begin(transaction, order, purchase, trigger)
            resolved = payment.resolved(actor, note, self.clock.now())
            repositories.unmatched_payments.save(
                replace(resolved, status=UnmatchedStatus.MATCHED, matched_session_id=upload_session_id)
            )
            return order.order_id

        return self.command_handler.transact(work)

    def _open(
        self, transaction: UnmatchedPaymentRepositories, checkout_session_id: str, state: CheckoutState | None
    ) -> UnmatchedPayment:
        """Lock and return an open payment.

        A payment without our signed token is quarantined now, because a staff member named it.
        """
        if state is not None and state.status is CheckoutStatus.PAID:
            is_an_orders = bool(transaction.reconciliation_queries.payments([checkout_session_id]))
            if not is_an_orders:
                foreign = unmatched_payment_of(state.checkout, NOT_SIGNED, self.clock.now(), is_held=True)
                transaction.unmatched_payments.add(foreign)
        payment = transaction.unmatched_payments.find(checkout_session_id, lock=True)
        if payment is None:
            raise UnknownPaymentError(checkout_session_id)
        if payment.status is not UnmatchedStatus.OPEN:
            raise PaymentNotOpenError(checkout_session_id, payment.status)
        return payment

    def _purchase(
        self,
        transaction: HasUploadSessions,
        payment: UnmatchedPayment,
        upload_session_id: UploadSessionId,
        checkout: CheckoutDetails,
        email: str,
    ) -> PaidCheckout:
        found = transaction.upload_sessions.find(upload_session_id, lock=True)
        session = _check_matchable(payment, upload_session_id, found)
        return PaidCheckout(
            session=session, checkout=checkout, email=email, quoted=self.order_placement.quoted(session)
        )

    def _claim(self, checkout_session_id: str) -> UnmatchedPayment | None:
        """Claim a due payment for refund; None if another worker was faster."""
        with self.unit_of_work.transaction() as transaction:
            payment = transaction.unmatched_payments.find(checkout_session_id, lock=True)
            now = self.clock.now()
            if payment is None or payment.is_settled or (payment.retry_at and payment.retry_at > now):
                return None
            claimed = _claimed(payment, self.clock)
            if claimed.actor is None:
                claimed = claimed.resolved(SHOP, None, now)
            transaction.unmatched_payments.save(claimed)
        return claimed

    def _pay_back(self, payment: UnmatchedPayment) -> UnmatchedPayment:
        """Refund a claimed payment at the provider and save the result."""
        now = self.clock.now()
        if payment.payment_intent_id is None:
            # Nothing was charged, so there is nothing to refund.
            return self._write(payment, lambda current: current.with_full_refund())
        request = NewRefund(
            refund_id=payment.refund_id,
            order_id=None,
            payment_intent_id=payment.payment_intent_id,
            amount=payment.left,
            idempotency_key=(
                f"unmatched:{payment.checkout_session_id}:{payment.attempt}:{payment.left.amount}"
            ),
        )
        waited = now - (payment.asked_at or now)
        try:
            made = issue_once(self.payments, request, waited=waited)
            if made is not None and made.is_pending:
                # A response replayed for the same idempotency key may be older than the current status.
                made = self.payments.look_up_refund(made.provider_refund_id) or made
        except RefusedError as refusal:
            return self._fail(payment, refusal.code or "refused")
        except UnavailableError as error:
            problem = str(error)
            self._write(payment, lambda current: replace(current, problem=problem))
            raise
        if made is None:
            return self._fail(payment, REFUND_UNKNOWN)
        if made.is_pending:
            return self._write(payment, lambda current: current.with_pending_refund(now + PENDING_AGAIN))
        amount = 0 if made.has_failed else made.amount.amount
        after = self._write(
            payment, lambda current: current.with_returned(made.provider_refund_id, amount, now)
        )
        return self._fail(after, PARTLY_REFUNDED) if after.left.amount > 0 else after

    def _fail(self, payment: UnmatchedPayment, problem: str) -> UnmatchedPayment:
        retry_at = self.clock.now() + REFUSED_AGAIN
        return self._write(payment, lambda current: current.failed(problem, retry_at))

    def _write(
        self, claimed: UnmatchedPayment, change: Callable[[UnmatchedPayment], UnmatchedPayment]
    ) -> UnmatchedPayment:
        """Save an attempt's result, unless a webhook event ended it meanwhile."""
        with self.unit_of_work.transaction() as transaction:
            current = transaction.unmatched_payments.find(claimed.checkout_session_id, lock=True) or claimed
            if current.status is not UnmatchedStatus.REFUNDING or current.attempt != claimed.attempt:
                return current
            after = change(current)
            transaction.unmatched_payments.save(after)
        return after


def _claimed(payment: UnmatchedPayment, clock: Clock) -> UnmatchedPayment:
    """The payment in status REFUNDING.

    After a crash the next worker continues the same attempt, with the same idempotency key.
    """
    now = clock.now()
    return replace(
        payment,
        status=UnmatchedStatus.REFUNDING,
        asked_at=payment.asked_at or now,
        retry_at=now + UNKNOWN_AGAIN,
    )


def _check_matchable(
    payment: UnmatchedPayment, upload_session_id: UploadSessionId, session: UploadSession | None
) -> UploadSession:
    refused = partial(NotMatchableError, payment.checkout_session_id, upload_session_id)
    if payment.left != payment.paid:
        raise refused(f"{payment.left} of {payment.paid} is left of it; refund the rest")
    if session is None:
        raise refused("there is no such session; the customer has to send the photos again")
    if session.status is UploadStatus.PAID:
        raise refused("it is paid already; refund the payment or choose another session")
    if session.status is UploadStatus.EXPIRED:
        raise refused("it has expired and its photos are gone; the customer has to send them again")
    if not session.photos:
        raise refused("it holds no photo; the customer has to send some first")
    return session
