"""Chapter 3: the payment provider says what became of the money, and the shop writes it down."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from domain.order import events as e
from domain.order.deterministic_ids import note_of_payment_by_hand, refund_id_at_provider
from domain.order.ledger import RefundStatus
from domain.order.order import Order
from domain.order.values import DisputeOutcome, RefundId, Sha256
from domain.ports.clock import Clock
from domain.ports.errors import UnavailableError
from domain.ports.event_store import Commit
from domain.ports.payments import (
    CheckoutDetails,
    CheckoutState,
    CheckoutStatus,
    PaymentEventKind,
    PaymentProvider,
    PaymentWebhookEvent,
    ProviderRefund,
    refund_kind,
)
from domain.ports.unit_of_work import Transaction, UnitOfWork, VersionConflictError
from domain.ports.upload_sessions import UploadStatus
from domain.ports.webhook_inbox import UNSEEN
from domain.unmatched_payment import UnmatchedPayment
from domain.use_cases.order_command_handler import Cause, OrderCommandHandler
from domain.use_cases.payments.order_placement import OrderPlacement, Trigger
from domain.use_cases.payments.payment_ownership import PaymentOwnership
from domain.use_cases.payments.refunds import event_of

SOURCE = "stripe"

#: When to ask how delayed money stands of which no word came: the slowest methods take two weeks.
PENDING_PAYMENT = timedelta(days=14)

_REFUNDS = frozenset(
    {PaymentEventKind.REFUND_PENDING, PaymentEventKind.REFUND_ISSUED, PaymentEventKind.REFUND_FAILED}
)
_DISPUTES = frozenset({PaymentEventKind.DISPUTE_OPENED, PaymentEventKind.DISPUTE_CLOSED})
#: In these a checkout can still become a payment.
_UNDECIDED = frozenset({CheckoutStatus.OPEN, CheckoutStatus.PENDING})
#: In these nobody is known to pay for a session's photos.
_UNPAID = frozenset({UploadStatus.OPEN, UploadStatus.CHECKOUT})


class Handled(StrEnum):
    """What became of a notice."""

    RECORDED = "recorded"
    OF_ANOTHER_SHOP = "of_another_shop"  # on the same account
    REFUND_UNKNOWN = "refund_unknown"  # to the provider's API


class PaymentWebhook:
    """Takes in what the payment provider says.

    Notices come in any order and number. So a notice is taken at its word only where no other can contradict it:
    that money is there. For all else it is the reason to ask the provider how things stand now, always before a
    transaction is opened.
    """

    def __init__(
        self,
        *,
        unit_of_work: UnitOfWork,
        payments: PaymentProvider,
        command_handler: OrderCommandHandler,
        order_placement: OrderPlacement,
        ownership: PaymentOwnership,
        clock: Clock,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._payments = payments
        self._command_handler = command_handler
        self._order_placement = order_placement
        self._ownership = ownership
        self._clock = clock

    def handle(self, webhook_event: PaymentWebhookEvent, body_sha256: Sha256) -> Handled:
        """Write down what a notice means, once: inbox, customer and order in one transaction.

        Another shop's payment on the same account stores nothing. A refund that the provider's API does not know
        changes nothing, whatever the signature says.

        When this returns, the notice may be answered with 200: nothing of it can be lost any more. Raises
        UnavailableError when the provider has to be asked and cannot be, or when what it tells cannot be true before
        something else is known: the notice has to come again.
        """
        if webhook_event.kind is PaymentEventKind.REFUNDS_CHANGED:
            return self._about_refunds_of(webhook_event, body_sha256)
        if webhook_event.kind in _REFUNDS | _DISPUTES:
            if not self._take_in_what_is_ahead(webhook_event):
                return Handled.OF_ANOTHER_SHOP
            now = self._as_it_is_now(webhook_event)
            if now is None:
                self._write(lambda transaction: self._ignored(transaction, webhook_event, body_sha256))
                return Handled.REFUND_UNKNOWN
            is_of_another_payment = now.payment_intent_id != webhook_event.payment_intent_id
            if is_of_another_payment and not self._take_in_what_is_ahead(now):
                return Handled.OF_ANOTHER_SHOP
            for failed in self._failed_before(now):
                self._write(lambda transaction, one=failed: self._about_money(transaction, one, UNSEEN))  # type: ignore[misc]
            self._write(lambda transaction: self._about_money(transaction, now, body_sha256))
        elif webhook_event.checkout is None:
            self._write(lambda transaction: self._ignored(transaction, webhook_event, body_sha256))
        else:
            if not self._is_ours(webhook_event.checkout):
                return Handled.OF_ANOTHER_SHOP
            state = (
                CheckoutState(status=CheckoutStatus.PAID, checkout=webhook_event.checkout)
                if webhook_event.kind is PaymentEventKind.PAID
                else self._payments.find_checkout(webhook_event.checkout.checkout_session_id)
            )
            self._write(
                lambda transaction: self._about_a_checkout(transaction, webhook_event, body_sha256, state)
            )
        return Handled.RECORDED

    def sync_checkout(self, checkout_session_id: str) -> None:
        """Ask how a checkout stands, and take that in; raises what the provider says."""
        state = self._payments.find_checkout(checkout_session_id)
        self._write(lambda transaction: self._stands(transaction, state, _word(checkout_session_id)))

    def poll_pending_payments(self) -> int:
        """Ask about delayed money of which no word came in all the time it may take; tell how much that is.

        Raises UnavailableError if some could not be asked about, after all the others were.
        """
        with self._unit_of_work.transaction() as transaction:
            waiting = transaction.upload_sessions.pending(self._clock.now() - PENDING_PAYMENT)
        trouble = None
        for checkout_session_id in waiting:
            try:
                self.sync_checkout(checkout_session_id)
            except UnavailableError as error:
                trouble = error
        if trouble is not None:
            raise trouble
        return len(waiting)

    def _write(self, work: Callable[[Transaction], Commit | None]) -> None:
        """Do work in one transaction, then wake the workers."""
        try:
            step = self._in_one_transaction(work)
        except VersionConflictError:
            # Somebody recorded on the order meanwhile; on the second look that is known.
            step = self._in_one_transaction(work)
        if step is not None:
            self._command_handler.wake(step)

    def _in_one_transaction(self, work: Callable[[Transaction], Commit | None]) -> Commit | None:
        with self._unit_of_work.transaction() as transaction:
            return work(transaction)

    def _ignored(
        self, transaction: Transaction, webhook_event: PaymentWebhookEvent, body_sha256: Sha256
    ) -> None:
        self._is_new(transaction, webhook_event, body_sha256)

    def _about_a_checkout(
        self,
        transaction: Transaction,
        webhook_event: PaymentWebhookEvent,
        body_sha256: Sha256,
        state: CheckoutState | None,
    ) -> Commit | None:
        if not self._is_new(transaction, webhook_event, body_sha256):
            return None
        return self._stands(transaction, state, _word(webhook_event.event_id))

    def _is_new(
        self, transaction: Transaction, webhook_event: PaymentWebhookEvent, body_sha256: Sha256
    ) -> bool:
        return transaction.webhook_inbox.accept(
            SOURCE, webhook_event.event_id, webhook_event.event_type, body_sha256, self._clock.now()
        )

    def _stands(self, transaction: Transaction, state: CheckoutState | None, word: Trigger) -> Commit | None:
        """What follows from where a checkout stands now; nothing if another shop opened it."""
        if state is None or state.status is CheckoutStatus.OPEN:
            return None
        if not self._ownership.is_ours(transaction, state.checkout):
            return None
        if state.status is CheckoutStatus.PAID:
            return self._order_placement.place(transaction, state.checkout, word)
        self._unpaid(transaction, state)
        return None

    def _unpaid(self, transaction: Transaction, state: CheckoutState) -> None:
        """The session waits for money that takes days, or is open again because none will come."""
        checkout = state.checkout
        if checkout.upload_session_id is None:
            return
        session = transaction.upload_sessions.find(checkout.upload_session_id, lock=True)
        if session is None or session.checkout is None:
            return
        if session.checkout.checkout_session_id != checkout.checkout_session_id:
            # Another page of the same session: the one that is on record counts, unless the customer went back to it.
            if state.status is CheckoutStatus.PENDING and session.status in _UNPAID:
                page = replace(session.checkout, checkout_session_id=checkout.checkout_session_id, url=None)
                transaction.upload_sessions.set_checkout(session.session_id, page)
                transaction.upload_sessions.set_status(session.session_id, UploadStatus.PENDING)
            return
        match session.status:
            case UploadStatus.CHECKOUT if state.status is CheckoutStatus.PENDING:
                transaction.upload_sessions.set_status(session.session_id, UploadStatus.PENDING)
            case UploadStatus.CHECKOUT | UploadStatus.PENDING if state.status not in _UNDECIDED:
                transaction.upload_sessions.set_status(session.session_id, UploadStatus.OPEN)
            case _:
                pass  # it went on meanwhile, and an end is never taken back

    def _take_in_what_is_ahead(self, webhook_event: PaymentWebhookEvent) -> bool:
        """Record the payment that a notice is about first; false if the payment is not this shop's.

        Refunds and disputes do not carry the metadata of the payment, so the payment's checkout is looked up.
        """
        intent = webhook_event.payment_intent_id
        if intent is None:
            return False
        if self._knows(intent):
            return True
        state = self._payments.find_checkout_by_payment(intent)
        if state is None or not self._is_ours(state.checkout):
            return False
        if state.status in _UNDECIDED:
            raise UnavailableError("The order", "its payment is not there yet")
        if state.status is CheckoutStatus.PAID:
            word = _word(state.checkout.checkout_session_id)
            self._write(lambda transaction: self._stands(transaction, state, word))
        return True

    def _is_ours(self, checkout: CheckoutDetails) -> bool:
        if self._ownership.is_sealed(checkout):
            return True
        with self._unit_of_work.transaction() as transaction:
            return self._ownership.is_ours(transaction, checkout)

    def _about_refunds_of(self, webhook_event: PaymentWebhookEvent, body_sha256: Sha256) -> Handled:
        """Ask for all refunds of a payment, and record those that are news."""
        if webhook_event.payment_intent_id is None or not self._take_in_what_is_ahead(webhook_event):
            return Handled.OF_ANOTHER_SHOP
        for refund in self._payments.refunds_of(webhook_event.payment_intent_id):
            told = notice_of_refund(refund, event_type=webhook_event.event_type)
            self.handle(told, UNSEEN)
        self._write(lambda transaction: self._ignored(transaction, webhook_event, body_sha256))
        return Handled.RECORDED

    def _knows(self, payment_intent_id: str) -> bool:
        with self._unit_of_work.transaction() as transaction:
            return (
                transaction.event_store.load_by_payment(payment_intent_id) is not None
                or transaction.unmatched_payments.find_by_payment(payment_intent_id) is not None
            )

    def _as_it_is_now(self, webhook_event: PaymentWebhookEvent) -> PaymentWebhookEvent | None:
        """A notice about a refund with what the provider's API says of it now; other notices stay as they are.

        None for a refund that the API does not know: a signature alone proves no movement of money.
        """
        if webhook_event.refund is None:
            return webhook_event
        refund = self._payments.look_up_refund(webhook_event.refund.provider_refund_id)
        if refund is None:
            return None
        return replace(
            webhook_event,
            kind=refund_kind(refund),
            refund=refund,
            refund_id=refund.refund_id,
            payment_intent_id=refund.payment_intent_id,
        )

    def _failed_before(self, webhook_event: PaymentWebhookEvent) -> list[PaymentWebhookEvent]:
        """Refunds that must have failed, because the provider made another one beyond the payment."""
        refund, intent = webhook_event.refund, webhook_event.payment_intent_id
        if refund is None or refund.has_failed or intent is None:
            return []
        with self._unit_of_work.transaction() as transaction:
            order = transaction.event_store.load_by_payment(intent)
        if order is None:
            return []
        ledger = order.ledger
        counted = {
            known.provider_refund_id: known
            for known in ledger.having(RefundStatus.PENDING, RefundStatus.ISSUED)
        }
        is_counted = refund.provider_refund_id in counted
        if is_counted or ledger.issued + ledger.pending + refund.amount.amount <= ledger.paid:
            return []
        others = [
            self._payments.look_up_refund(name)
            for name in counted
            if name is not None and note_of_payment_by_hand(name) is None
        ]
        return [
            notice_of_refund(other, event_type="refund.failed")
            for other in others
            if other is not None and other.has_failed
        ]

    def _about_money(
        self, transaction: Transaction, webhook_event: PaymentWebhookEvent, body_sha256: Sha256
    ) -> Commit | None:
        """Refunds and disputes: what happens to money that is here.

        If neither an order nor a payment set aside was paid with it, it is not this shop's.
        """
        intent = webhook_event.payment_intent_id
        # The payment is looked for first, and locked: somebody may be giving it to an order at this moment.
        unmatched = transaction.unmatched_payments.find_by_payment(intent, lock=True) if intent else None
        order = transaction.event_store.load_by_payment(intent) if intent else None
        if order is None:
            if self._is_new(transaction, webhook_event, body_sha256) and unmatched is not None:
                transaction.unmatched_payments.save(self._after(unmatched, webhook_event))
            return None
        transaction.event_store.lock(order.order_id)
        order = transaction.event_store.load(order.order_id)
        proposed = _proposed(webhook_event, order)
        if not self._is_new(transaction, webhook_event, body_sha256) or not proposed:
            return None
        step = self._command_handler.plan(order, proposed, _cause(webhook_event, order.order_id))
        self._command_handler.write(transaction, step)
        return step

    def _after(self, payment: UnmatchedPayment, webhook_event: PaymentWebhookEvent) -> UnmatchedPayment:
        """A payment without an order, after a refund or a dispute took some of it, or gave it back."""
        refund, dispute_id, disputed = (
            webhook_event.refund,
            webhook_event.dispute_id,
            webhook_event.dispute_amount,
        )
        if refund is not None:
            if refund.is_pending:
                return payment
            name, now = refund.provider_refund_id, self._clock.now()
            if refund.has_failed:
                return payment.with_failed_refund(name, webhook_event.refund_id or refund.refund_id, now)
            return payment.with_returned(name, refund.amount.amount, now)
        if dispute_id is None or disputed is None or webhook_event.is_inquiry:
            return payment
        if webhook_event.outcome is DisputeOutcome.INQUIRY_CLOSED and dispute_id not in payment.returned:
            return payment
        if webhook_event.kind is PaymentEventKind.DISPUTE_OPENED and dispute_id in payment.returned:
            return payment  # its end came first
        # What is disputed in another currency cannot be compared, so it counts for the whole payment.
        taken = disputed if disputed.currency == payment.paid.currency else payment.paid
        amount = taken.amount if webhook_event.outcome in {None, DisputeOutcome.LOST} else 0
        return payment.with_returned(dispute_id, amount, self._clock.now())


def notice_of_refund(refund: ProviderRefund, *, event_type: str) -> PaymentWebhookEvent:
    """What a notice about a refund would say that is like this."""
    kind = refund_kind(refund)
    return PaymentWebhookEvent(
        event_id=f"{refund.provider_refund_id}:{kind}",
        event_type=event_type,
        kind=kind,
        payment_intent_id=refund.payment_intent_id,
        refund=refund,
        refund_id=refund.refund_id,
    )


def _word(about: str) -> Trigger:
    return Trigger(name=f"{SOURCE}:{about}", actor=SOURCE)


def _cause(webhook_event: PaymentWebhookEvent, correlation_id: UUID) -> Cause:
    name = f"{SOURCE}:{webhook_event.event_id}"
    return Cause(name=name, key=name, actor=SOURCE, correlation_id=correlation_id)


def _proposed(webhook_event: PaymentWebhookEvent, order: Order) -> list[e.Event]:
    """The events that a notice about an order's money would be; none if it lacks what they need."""
    dispute_id, reason = webhook_event.dispute_id, webhook_event.reason or "no reason given"
    if webhook_event.refund is not None:
        return _said_of_refund(webhook_event, webhook_event.refund, order)
    match webhook_event.kind:
        case PaymentEventKind.DISPUTE_OPENED if (
            dispute_id is not None and webhook_event.dispute_amount is not None
        ):
            return [
                e.DisputeOpened(
                    dispute_id=dispute_id,
                    amount=webhook_event.dispute_amount,
                    reason=reason,
                    is_inquiry=webhook_event.is_inquiry,
                )
            ]
        case PaymentEventKind.DISPUTE_CLOSED if dispute_id is not None and webhook_event.outcome is not None:
            amount = webhook_event.dispute_amount
            return [e.DisputeClosed(dispute_id=dispute_id, outcome=webhook_event.outcome, amount=amount)]
        case _:
            return []


def _said_of_refund(
    webhook_event: PaymentWebhookEvent, refund: ProviderRefund, order: Order
) -> list[e.Event]:
    """A refund that failed before the order ever heard of it was issued first: so it ends as if heard in time.

    If others have paid back meanwhile what it was to pay, nothing of it is owed, and it is no news at all.
    """
    refund_id = _refund_id(webhook_event, refund, order)
    issued = event_of(refund, refund_id)
    if not refund.has_failed:
        return [issued]
    failed = e.RefundFailed(
        refund_id=refund_id,
        provider_refund_id=refund.provider_refund_id,
        reason=webhook_event.reason or "no reason given",
    )
    if refund_id in order.refunds:
        return [failed]
    is_owed_yet = refund.amount.amount <= order.paid_amount - order.refunded_amount - order.ledger.pending
    return [issued, failed] if is_owed_yet else []


def _refund_id(webhook_event: PaymentWebhookEvent, refund: ProviderRefund, order: Order) -> RefundId:
    """Our id of a refund; one that was made in the provider's dashboard is named after the provider's."""
    return webhook_event.refund_id or refund_id_at_provider(order.order_id, refund.provider_refund_id)
