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
from domain.ports.event_store import Step
from domain.ports.payments import (
    CheckoutNotice,
    CheckoutStanding,
    CheckoutState,
    NoticeKind,
    PaymentNotice,
    PaymentProvider,
    ProviderRefund,
    refund_kind,
)
from domain.ports.unit_of_work import Books, Transaction, VersionConflictError
from domain.ports.upload_sessions import UploadStatus
from domain.ports.webhook_inbox import UNSEEN
from domain.unmatched_payment import UnmatchedPayment
from domain.use_cases.order_command_handler import Cause, Recorder
from domain.use_cases.payments.order_placement import Beginning, Word
from domain.use_cases.payments.payment_ownership import PaymentOwnership
from domain.use_cases.payments.refunds import event_of

SOURCE = "stripe"

#: When to ask how delayed money stands of which no word came: the slowest methods take two weeks.
PENDING_PAYMENT = timedelta(days=14)

_REFUNDS = frozenset({NoticeKind.REFUND_PENDING, NoticeKind.REFUND_ISSUED, NoticeKind.REFUND_FAILED})
_DISPUTES = frozenset({NoticeKind.DISPUTE_OPENED, NoticeKind.DISPUTE_CLOSED})
#: In these a checkout can still become a payment.
_UNDECIDED = frozenset({CheckoutStanding.OPEN, CheckoutStanding.PENDING})
#: In these nobody is known to pay for a session's photos.
_UNPAID = frozenset({UploadStatus.OPEN, UploadStatus.CHECKOUT})


class Handled(StrEnum):
    """What became of a notice."""

    RECORDED = "recorded"
    OF_ANOTHER_SHOP = "of_another_shop"  # on the same account
    REFUND_UNKNOWN = "refund_unknown"  # to the provider's API


class Paying:
    """Takes in what the payment provider says.

    Notices come in any order and number. So a notice is taken at its word only where no other can contradict it:
    that money is there. For all else it is the reason to ask the provider how things stand now, always before a
    transaction is opened.
    """

    def __init__(
        self,
        *,
        books: Books,
        payments: PaymentProvider,
        recorder: Recorder,
        beginning: Beginning,
        ownership: PaymentOwnership,
        clock: Clock,
    ) -> None:
        self._books = books
        self._payments = payments
        self._recorder = recorder
        self._beginning = beginning
        self._ownership = ownership
        self._clock = clock

    def take(self, notice: PaymentNotice, body_sha256: Sha256) -> Handled:
        """Write down what a notice means, once: inbox, customer and order in one transaction.

        Another shop's payment on the same account stores nothing. A refund that the provider's API does not know
        changes nothing, whatever the signature says.

        When this returns, the notice may be answered with 200: nothing of it can be lost any more. Raises
        UnavailableError when the provider has to be asked and cannot be, or when what it tells cannot be true before
        something else is known: the notice has to come again.
        """
        if notice.kind is NoticeKind.REFUNDS_CHANGED:
            return self._about_refunds_of(notice, body_sha256)
        if notice.kind in _REFUNDS | _DISPUTES:
            if not self._take_in_what_is_ahead(notice):
                return Handled.OF_ANOTHER_SHOP
            now = self._as_it_is_now(notice)
            if now is None:
                self._write(lambda transaction: self._ignored(transaction, notice, body_sha256))
                return Handled.REFUND_UNKNOWN
            is_of_another_payment = now.payment_intent_id != notice.payment_intent_id
            if is_of_another_payment and not self._take_in_what_is_ahead(now):
                return Handled.OF_ANOTHER_SHOP
            for failed in self._failed_before(now):
                self._write(lambda transaction, one=failed: self._about_money(transaction, one, UNSEEN))  # type: ignore[misc]
            self._write(lambda transaction: self._about_money(transaction, now, body_sha256))
        elif notice.checkout is None:
            self._write(lambda transaction: self._ignored(transaction, notice, body_sha256))
        else:
            if not self._is_ours(notice.checkout):
                return Handled.OF_ANOTHER_SHOP
            state = (
                CheckoutState(standing=CheckoutStanding.PAID, checkout=notice.checkout)
                if notice.kind is NoticeKind.PAID
                else self._payments.find_checkout(notice.checkout.checkout_session_id)
            )
            self._write(lambda transaction: self._about_a_checkout(transaction, notice, body_sha256, state))
        return Handled.RECORDED

    def look(self, checkout_session_id: str) -> None:
        """Ask how a checkout stands, and take that in; raises what the provider says."""
        state = self._payments.find_checkout(checkout_session_id)
        self._write(lambda transaction: self._stands(transaction, state, _word(checkout_session_id)))

    def look_after_pending(self) -> int:
        """Ask about delayed money of which no word came in all the time it may take; tell how much that is.

        Raises UnavailableError if some could not be asked about, after all the others were.
        """
        with self._books.transaction() as transaction:
            waiting = transaction.uploads.pending(self._clock.now() - PENDING_PAYMENT)
        trouble = None
        for checkout_session_id in waiting:
            try:
                self.look(checkout_session_id)
            except UnavailableError as error:
                trouble = error
        if trouble is not None:
            raise trouble
        return len(waiting)

    def _write(self, work: Callable[[Transaction], Step | None]) -> None:
        """Do work in one transaction, then wake the workers."""
        try:
            step = self._in_one_transaction(work)
        except VersionConflictError:
            # Somebody recorded on the order meanwhile; on the second look that is known.
            step = self._in_one_transaction(work)
        if step is not None:
            self._recorder.wake(step)

    def _in_one_transaction(self, work: Callable[[Transaction], Step | None]) -> Step | None:
        with self._books.transaction() as transaction:
            return work(transaction)

    def _ignored(self, transaction: Transaction, notice: PaymentNotice, body_sha256: Sha256) -> None:
        self._is_new(transaction, notice, body_sha256)

    def _about_a_checkout(
        self,
        transaction: Transaction,
        notice: PaymentNotice,
        body_sha256: Sha256,
        state: CheckoutState | None,
    ) -> Step | None:
        if not self._is_new(transaction, notice, body_sha256):
            return None
        return self._stands(transaction, state, _word(notice.event_id))

    def _is_new(self, transaction: Transaction, notice: PaymentNotice, body_sha256: Sha256) -> bool:
        return transaction.inbox.take(
            SOURCE, notice.event_id, notice.event_type, body_sha256, self._clock.now()
        )

    def _stands(self, transaction: Transaction, state: CheckoutState | None, word: Word) -> Step | None:
        """What follows from where a checkout stands now; nothing if another shop opened it."""
        if state is None or state.standing is CheckoutStanding.OPEN:
            return None
        if not self._ownership.is_ours(transaction, state.checkout):
            return None
        if state.standing is CheckoutStanding.PAID:
            return self._beginning.take_in(transaction, state.checkout, word)
        self._unpaid(transaction, state)
        return None

    def _unpaid(self, transaction: Transaction, state: CheckoutState) -> None:
        """The session waits for money that takes days, or is open again because none will come."""
        checkout = state.checkout
        if checkout.upload_session_id is None:
            return
        session = transaction.uploads.find(checkout.upload_session_id, lock=True)
        if session is None or session.checkout is None:
            return
        if session.checkout.checkout_session_id != checkout.checkout_session_id:
            # Another page of the same session: the one that is on record counts, unless the customer went back to it.
            if state.standing is CheckoutStanding.PENDING and session.status in _UNPAID:
                page = replace(session.checkout, checkout_session_id=checkout.checkout_session_id, url=None)
                transaction.uploads.set_checkout(session.session_id, page)
                transaction.uploads.set_status(session.session_id, UploadStatus.PENDING)
            return
        match session.status:
            case UploadStatus.CHECKOUT if state.standing is CheckoutStanding.PENDING:
                transaction.uploads.set_status(session.session_id, UploadStatus.PENDING)
            case UploadStatus.CHECKOUT | UploadStatus.PENDING if state.standing not in _UNDECIDED:
                transaction.uploads.set_status(session.session_id, UploadStatus.OPEN)
            case _:
                pass  # it went on meanwhile, and an end is never taken back

    def _take_in_what_is_ahead(self, notice: PaymentNotice) -> bool:
        """Record the payment that a notice is about first; false if the payment is not this shop's.

        Refunds and disputes do not carry the metadata of the payment, so the payment's checkout is looked up.
        """
        intent = notice.payment_intent_id
        if intent is None:
            return False
        if self._knows(intent):
            return True
        state = self._payments.find_checkout_by_payment(intent)
        if state is None or not self._is_ours(state.checkout):
            return False
        if state.standing in _UNDECIDED:
            raise UnavailableError("The order", "its payment is not there yet")
        if state.standing is CheckoutStanding.PAID:
            word = _word(state.checkout.checkout_session_id)
            self._write(lambda transaction: self._stands(transaction, state, word))
        return True

    def _is_ours(self, checkout: CheckoutNotice) -> bool:
        if self._ownership.is_sealed(checkout):
            return True
        with self._books.transaction() as transaction:
            return self._ownership.is_ours(transaction, checkout)

    def _about_refunds_of(self, notice: PaymentNotice, body_sha256: Sha256) -> Handled:
        """Ask for all refunds of a payment, and record those that are news."""
        if notice.payment_intent_id is None or not self._take_in_what_is_ahead(notice):
            return Handled.OF_ANOTHER_SHOP
        for refund in self._payments.refunds_of(notice.payment_intent_id):
            told = notice_of_refund(refund, event_type=notice.event_type)
            self.take(told, UNSEEN)
        self._write(lambda transaction: self._ignored(transaction, notice, body_sha256))
        return Handled.RECORDED

    def _knows(self, payment_intent_id: str) -> bool:
        with self._books.transaction() as transaction:
            return (
                transaction.log.load_by_payment(payment_intent_id) is not None
                or transaction.unmatched.find_by_payment(payment_intent_id) is not None
            )

    def _as_it_is_now(self, notice: PaymentNotice) -> PaymentNotice | None:
        """A notice about a refund with what the provider's API says of it now; other notices stay as they are.

        None for a refund that the API does not know: a signature alone proves no movement of money.
        """
        if notice.refund is None:
            return notice
        refund = self._payments.look_up_refund(notice.refund.provider_refund_id)
        if refund is None:
            return None
        return replace(
            notice,
            kind=refund_kind(refund),
            refund=refund,
            refund_id=refund.refund_id,
            payment_intent_id=refund.payment_intent_id,
        )

    def _failed_before(self, notice: PaymentNotice) -> list[PaymentNotice]:
        """Refunds that must have failed, because the provider made another one beyond the payment."""
        refund, intent = notice.refund, notice.payment_intent_id
        if refund is None or refund.has_failed or intent is None:
            return []
        with self._books.transaction() as transaction:
            order = transaction.log.load_by_payment(intent)
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
        self, transaction: Transaction, notice: PaymentNotice, body_sha256: Sha256
    ) -> Step | None:
        """Refunds and disputes: what happens to money that is here.

        If neither an order nor a payment set aside was paid with it, it is not this shop's.
        """
        intent = notice.payment_intent_id
        # The payment is looked for first, and locked: somebody may be giving it to an order at this moment.
        unmatched = transaction.unmatched.find_by_payment(intent, lock=True) if intent else None
        order = transaction.log.load_by_payment(intent) if intent else None
        if order is None:
            if self._is_new(transaction, notice, body_sha256) and unmatched is not None:
                transaction.unmatched.save(self._after(unmatched, notice))
            return None
        transaction.log.lock(order.order_id)
        order = transaction.log.load(order.order_id)
        said = _said(notice, order)
        if not self._is_new(transaction, notice, body_sha256) or not said:
            return None
        step = self._recorder.plan(order, said, _cause(notice, order.order_id))
        self._recorder.write(transaction, step)
        return step

    def _after(self, payment: UnmatchedPayment, notice: PaymentNotice) -> UnmatchedPayment:
        """A payment without an order, after a refund or a dispute took some of it, or gave it back."""
        refund, dispute_id, disputed = notice.refund, notice.dispute_id, notice.dispute_amount
        if refund is not None:
            if refund.is_pending:
                return payment
            name, now = refund.provider_refund_id, self._clock.now()
            if refund.has_failed:
                return payment.with_failed_refund(name, notice.refund_id or refund.refund_id, now)
            return payment.with_returned(name, refund.amount.amount, now)
        if dispute_id is None or disputed is None or notice.is_inquiry:
            return payment
        if notice.outcome is DisputeOutcome.INQUIRY_CLOSED and dispute_id not in payment.returned:
            return payment
        if notice.kind is NoticeKind.DISPUTE_OPENED and dispute_id in payment.returned:
            return payment  # its end came first
        # What is disputed in another currency cannot be compared, so it counts for the whole payment.
        taken = disputed if disputed.currency == payment.paid.currency else payment.paid
        amount = taken.amount if notice.outcome in {None, DisputeOutcome.LOST} else 0
        return payment.with_returned(dispute_id, amount, self._clock.now())


def notice_of_refund(refund: ProviderRefund, *, event_type: str) -> PaymentNotice:
    """What a notice about a refund would say that is like this."""
    kind = refund_kind(refund)
    return PaymentNotice(
        event_id=f"{refund.provider_refund_id}:{kind}",
        event_type=event_type,
        kind=kind,
        payment_intent_id=refund.payment_intent_id,
        refund=refund,
        refund_id=refund.refund_id,
    )


def _word(about: str) -> Word:
    return Word(name=f"{SOURCE}:{about}", actor=SOURCE)


def _cause(notice: PaymentNotice, correlation_id: UUID) -> Cause:
    name = f"{SOURCE}:{notice.event_id}"
    return Cause(name=name, key=name, actor=SOURCE, correlation_id=correlation_id)


def _said(notice: PaymentNotice, order: Order) -> list[e.Event]:
    """The events that a notice about an order's money would be; none if it lacks what they need."""
    dispute_id, reason = notice.dispute_id, notice.reason or "no reason given"
    if notice.refund is not None:
        return _said_of_refund(notice, notice.refund, order)
    match notice.kind:
        case NoticeKind.DISPUTE_OPENED if dispute_id is not None and notice.dispute_amount is not None:
            return [
                e.DisputeOpened(
                    dispute_id=dispute_id,
                    amount=notice.dispute_amount,
                    reason=reason,
                    is_inquiry=notice.is_inquiry,
                )
            ]
        case NoticeKind.DISPUTE_CLOSED if dispute_id is not None and notice.outcome is not None:
            amount = notice.dispute_amount
            return [e.DisputeClosed(dispute_id=dispute_id, outcome=notice.outcome, amount=amount)]
        case _:
            return []


def _said_of_refund(notice: PaymentNotice, refund: ProviderRefund, order: Order) -> list[e.Event]:
    """A refund that failed before the order ever heard of it was issued first: so it ends as if heard in time.

    If others have paid back meanwhile what it was to pay, nothing of it is owed, and it is no news at all.
    """
    refund_id = _refund_id(notice, refund, order)
    issued = event_of(refund, refund_id)
    if not refund.has_failed:
        return [issued]
    failed = e.RefundFailed(
        refund_id=refund_id,
        provider_refund_id=refund.provider_refund_id,
        reason=notice.reason or "no reason given",
    )
    if refund_id in order.refunds:
        return [failed]
    is_owed_yet = refund.amount.amount <= order.paid_amount - order.refunded_amount - order.ledger.pending
    return [issued, failed] if is_owed_yet else []


def _refund_id(notice: PaymentNotice, refund: ProviderRefund, order: Order) -> RefundId:
    """Our id of a refund; one that was made in the provider's dashboard is named after the provider's."""
    return notice.refund_id or refund_id_at_provider(order.order_id, refund.provider_refund_id)
