"""Chapter 3: the provider says the money is there, and with it the order begins."""

from uuid import UUID

from domain.model import events as e
from domain.model.errors import AlreadyPaidError
from domain.model.values import CustomerId, ImageId, Money, PaidPhoto, Sha256
from domain.ports.books import (
    Books,
    Step,
    Transaction,
    UnmatchedPayment,
    UploadSession,
    UploadStatus,
    VersionConflictError,
)
from domain.ports.payments import CheckoutNotice, NoticeKind, PaymentNotice
from domain.ports.world import Clock, Ids
from domain.services.recording import Cause, Recorder

SOURCE = "stripe"


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
            is_new = transaction.inbox.take(
                SOURCE, notice.event_id, notice.event_type, body_sha256, self._clock.now()
            )
            if not is_new:
                return None
            match notice.kind:
                case NoticeKind.PAID if notice.checkout is not None:
                    return self._paid(transaction, notice, notice.checkout)
                case NoticeKind.PENDING | NoticeKind.ABANDONED if notice.checkout is not None:
                    self._unpaid(transaction, notice.kind, notice.checkout)
                    return None
                case NoticeKind.OTHER:
                    return None
                case _:
                    return self._later(transaction, notice)

    def _paid(self, transaction: Transaction, notice: PaymentNotice, checkout: CheckoutNotice) -> Step | None:
        session_id = checkout.upload_session_id
        session = transaction.uploads.find(session_id, lock=True) if session_id is not None else None
        if session is None:
            self._set_aside(transaction, checkout, "There is no upload session for it.")
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
        if session.checkout.checkout_session_id not in {None, checkout.checkout_session_id}:
            return  # an older page of the same session: the newer one counts
        is_pending = kind is NoticeKind.PENDING
        transaction.uploads.set_status(
            session.session_id, UploadStatus.PENDING if is_pending else UploadStatus.OPEN
        )

    def _later(self, transaction: Transaction, notice: PaymentNotice) -> Step | None:
        """Refunds and disputes: what happens to the money of an order that exists."""
        if notice.payment_intent_id is None:
            return None
        order = transaction.log.load_by_payment(notice.payment_intent_id)
        said = _said(notice)
        if order is None or said is None:
            return None
        step = self._recorder.plan(order, [said], _cause(notice, order.order_id))
        self._recorder.write(transaction, step)
        return step

    def _set_aside(self, transaction: Transaction, checkout: CheckoutNotice, reason: str) -> None:
        transaction.inbox.set_aside(
            UnmatchedPayment(
                checkout_session_id=checkout.checkout_session_id,
                payment_intent_id=checkout.payment_intent_id,
                paid=checkout.paid,
                reason=reason,
                received_at=self._clock.now(),
            )
        )


def _cause(notice: PaymentNotice, correlation_id: UUID) -> Cause:
    name = f"{SOURCE}:{notice.event_id}"
    return Cause(name=name, key=name, actor=SOURCE, correlation_id=correlation_id)


def _said(notice: PaymentNotice) -> e.Event | None:
    """The event that a notice about an order's money would be; none if it lacks what the event needs."""
    refund, dispute_id = notice.refund, notice.dispute_id
    match notice.kind:
        case NoticeKind.REFUND_ISSUED if refund is not None and notice.refund_id is not None:
            return e.RefundIssued(
                refund_id=notice.refund_id,
                amount=refund.amount,
                provider_refund_id=refund.provider_refund_id,
            )
        case NoticeKind.REFUND_FAILED if notice.refund_id is not None:
            return e.RefundFailed(refund_id=notice.refund_id, reason=notice.reason or "no reason given")
        case NoticeKind.DISPUTE_OPENED if dispute_id is not None and notice.dispute_amount is not None:
            return e.DisputeOpened(
                dispute_id=dispute_id,
                amount=notice.dispute_amount,
                reason=notice.reason or "no reason given",
            )
        case NoticeKind.DISPUTE_CLOSED if dispute_id is not None and notice.outcome is not None:
            return e.DisputeClosed(dispute_id=dispute_id, outcome=notice.outcome)
        case _:
            return None
