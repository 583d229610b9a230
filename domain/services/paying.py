"""Chapter 3: the provider says the money is there, and with it the order begins."""

from datetime import timedelta
from uuid import UUID

from domain.model import events as e
from domain.model.errors import AlreadyPaidError
from domain.model.identity import refund_id_at_provider
from domain.model.order import Order
from domain.model.unmatched import UnmatchedPayment
from domain.model.values import CustomerId, ImageId, Money, PaidPhoto, RefundId, Sha256
from domain.ports.books import Books, Transaction, VersionConflictError
from domain.ports.errors import UnavailableError
from domain.ports.log import Step
from domain.ports.payments import CheckoutNotice, NoticeKind, PaymentNotice, ProviderRefund
from domain.ports.uploads import UploadSession, UploadStatus
from domain.ports.world import Clock, Ids
from domain.services.recording import Cause, Recorder

SOURCE = "stripe"

#: How long a notice about an order's money may be ahead of the notice of its payment.
PAYMENT_MAY_COME = timedelta(hours=1)

_ABOUT_AN_ORDER = frozenset(
    {
        NoticeKind.REFUND_ISSUED,
        NoticeKind.REFUND_FAILED,
        NoticeKind.DISPUTE_OPENED,
        NoticeKind.DISPUTE_CLOSED,
    }
)


class Paying:
    """Takes in what the payment provider says."""

    def __init__(self, *, books: Books, recorder: Recorder, clock: Clock, ids: Ids) -> None:
        self._books = books
        self._recorder = recorder
        self._clock = clock
        self._ids = ids

    def take(self, notice: PaymentNotice, body_sha256: Sha256) -> None:
        """Write down what a notice means, once: inbox, customer and order in one transaction.

        When this returns, the notice may be answered with 200: nothing of it can be lost any more.
        """
        try:
            step = self._take(notice, body_sha256)
        except VersionConflictError:
            # Somebody recorded on the order meanwhile; on the second look that is known.
            step = self._take(notice, body_sha256)
        if step is not None:
            self._recorder.wake(step)

    def _take(self, notice: PaymentNotice, body_sha256: Sha256) -> Step | None:
        with self._books.transaction() as transaction:
            if notice.kind in _ABOUT_AN_ORDER:
                return self._about_an_order(transaction, notice, body_sha256)
            if not self._is_new(transaction, notice, body_sha256) or notice.checkout is None:
                return None
            if notice.kind is NoticeKind.PAID:
                return self._paid(transaction, notice, notice.checkout)
            if notice.kind in {NoticeKind.PENDING, NoticeKind.ABANDONED}:
                self._unpaid(transaction, notice.kind, notice.checkout)
            return None

    def _is_new(self, transaction: Transaction, notice: PaymentNotice, body_sha256: Sha256) -> bool:
        return transaction.inbox.take(
            SOURCE, notice.event_id, notice.event_type, body_sha256, self._clock.now()
        )

    def _paid(self, transaction: Transaction, notice: PaymentNotice, checkout: CheckoutNotice) -> Step | None:
        session_id = checkout.upload_session_id
        session = transaction.uploads.find(session_id, lock=True) if session_id is not None else None
        if session is None:
            self._set_aside(transaction, checkout, "There is no upload session for it.")
            return None
        if session.status is UploadStatus.EXPIRED:
            self._set_aside(transaction, checkout, "Its upload session had expired, the photos are gone.")
            return None
        if checkout.email is None or session.checkout is None:
            self._set_aside(transaction, checkout, "It carries no e-mail address, or nothing was quoted.")
            return None
        order = transaction.log.load(session.order_id)
        if order.payment and order.payment.checkout_session_id == checkout.checkout_session_id:
            return None
        received = self._payment(transaction, session, checkout, checkout.email, session.checkout.quoted)
        cause = _cause(notice, session.order_id)
        try:
            step = self._recorder.plan(order, [received], cause)
        except AlreadyPaidError:
            self._set_aside(transaction, checkout, "The order was paid before.")
            return None
        self._recorder.write(transaction, step)
        transaction.uploads.set_status(session.session_id, UploadStatus.PAID)
        return step

    def _payment(
        self,
        transaction: Transaction,
        session: UploadSession,
        checkout: CheckoutNotice,
        email: str,
        quoted: Money,
    ) -> e.PaymentReceived:
        customer_id, number = transaction.customers.receive(
            CustomerId(self._ids.new()), email, checkout.name, checkout.locale, self._clock.now().date()
        )
        shares = checkout.paid.split(len(session.photos))
        return e.PaymentReceived(
            order_number=number,
            customer_id=customer_id,
            upload_session_id=session.session_id,
            checkout_session_id=checkout.checkout_session_id,
            payment_intent_id=checkout.payment_intent_id,
            quoted=quoted,
            discount=checkout.discount,
            paid=checkout.paid,
            photos=tuple(
                PaidPhoto(image_id=ImageId(photo.photo_id), upload=photo.upload, share=share)
                for photo, share in zip(session.photos, shares, strict=True)
            ),
        )

    def _unpaid(self, transaction: Transaction, kind: NoticeKind, checkout: CheckoutNotice) -> None:
        """The session waits for money that takes days, or is open again because none will come."""
        if checkout.upload_session_id is None:
            return
        session = transaction.uploads.find(checkout.upload_session_id, lock=True)
        if session is None or session.status is UploadStatus.PAID or session.checkout is None:
            return
        if session.checkout.checkout_session_id != checkout.checkout_session_id:
            return  # another page of the same session: the one that is on record counts
        is_pending = kind is NoticeKind.PENDING
        transaction.uploads.set_status(
            session.session_id, UploadStatus.PENDING if is_pending else UploadStatus.OPEN
        )

    def _about_an_order(
        self, transaction: Transaction, notice: PaymentNotice, body_sha256: Sha256
    ) -> Step | None:
        """Refunds and disputes: what happens to the money of an order that exists.

        Stripe promises no order of its notices. One that comes before its payment is refused for now, so that Stripe
        sends it again; one whose payment never comes is about money that is not this shop's.
        """
        intent = notice.payment_intent_id
        order = transaction.log.load_by_payment(intent) if intent is not None else None
        if order is None:
            if notice.created_at and self._clock.now() - notice.created_at < PAYMENT_MAY_COME:
                raise UnavailableError("The order", "its payment is not known yet")
            self._is_new(transaction, notice, body_sha256)
            return None
        transaction.log.lock(order.order_id)
        order = transaction.log.load(order.order_id)
        said = _said(notice, order)
        if not self._is_new(transaction, notice, body_sha256) or said is None:
            return None
        step = self._recorder.plan(order, [said], _cause(notice, order.order_id))
        self._recorder.write(transaction, step)
        return step

    def _set_aside(self, transaction: Transaction, checkout: CheckoutNotice, reason: str) -> None:
        transaction.unmatched.set_aside(
            UnmatchedPayment(
                checkout_session_id=checkout.checkout_session_id,
                upload_session_id=checkout.upload_session_id,
                payment_intent_id=checkout.payment_intent_id,
                paid=checkout.paid,
                reason=reason,
                received_at=self._clock.now(),
            )
        )


def _cause(notice: PaymentNotice, correlation_id: UUID) -> Cause:
    name = f"{SOURCE}:{notice.event_id}"
    return Cause(name=name, key=name, actor=SOURCE, correlation_id=correlation_id)


def _said(notice: PaymentNotice, order: Order) -> e.Event | None:
    """The event that a notice about an order's money would be; none if it lacks what the event needs."""
    refund, dispute_id = notice.refund, notice.dispute_id
    reason = notice.reason or "no reason given"
    match notice.kind:
        case NoticeKind.REFUND_ISSUED if refund is not None:
            return e.RefundIssued(
                refund_id=_refund_id(notice, refund, order),
                amount=refund.amount,
                provider_refund_id=refund.provider_refund_id,
            )
        case NoticeKind.REFUND_FAILED if refund is not None:
            return e.RefundFailed(
                refund_id=_refund_id(notice, refund, order),
                provider_refund_id=refund.provider_refund_id,
                reason=reason,
            )
        case NoticeKind.DISPUTE_OPENED if dispute_id is not None and notice.dispute_amount is not None:
            return e.DisputeOpened(dispute_id=dispute_id, amount=notice.dispute_amount, reason=reason)
        case NoticeKind.DISPUTE_CLOSED if dispute_id is not None and notice.outcome is not None:
            return e.DisputeClosed(dispute_id=dispute_id, outcome=notice.outcome)
        case _:
            return None


def _refund_id(notice: PaymentNotice, refund: ProviderRefund, order: Order) -> RefundId:
    """Our id of a refund; one that was made in the provider's dashboard is named after the provider's."""
    return notice.refund_id or refund_id_at_provider(order.order_id, refund.provider_refund_id)
