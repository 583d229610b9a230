"""``evolve`` takes an order and an event and gives the order that follows.

It never refuses: what is on record has happened. Whether something may be recorded is ``decide``'s word.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import reduce
from typing import assert_never

from domain.model import events as e
from domain.model.identity import email_id_of
from domain.model.lifecycle import State, next_state
from domain.model.order import (
    Attempt,
    AttemptStatus,
    DownloadLink,
    Email,
    EmailStatus,
    Image,
    Order,
    Payment,
    Refund,
    RefundStatus,
)
from domain.model.values import EmailId, EmailKind, OrderId, RefundId


def fold(order_id: OrderId, recorded: Iterable[e.RecordedEvent]) -> Order:
    """The order that a stream tells, from its first event on."""
    return reduce(apply, recorded, Order(order_id=order_id))


def apply(order: Order, recorded: e.RecordedEvent) -> Order:
    """``evolve``, and what only the envelope knows: version, head, and when a state was first reached."""
    after = evolve(order, recorded.event)
    entered_at = {after.state: recorded.recorded_at, **order.entered_at}
    return replace(after, version=recorded.version, head=recorded.sha256, entered_at=entered_at)


def evolve(order: Order, event: e.Event) -> Order:
    """The order that follows from ``event``: its facts first, then the state the lifecycle's table gives."""
    informed = _learn(order, event)
    state = next_state(order.state, event, informed)
    if state is State.REFUNDED is not order.state:
        informed = _owe_email(informed, EmailKind.REFUND)
    return replace(informed, state=state)


def _learn(order: Order, event: e.Event) -> Order:  # noqa: PLR0911, PLR0912, C901 -- one case per event, in the order of life
    match event:
        case e.PaymentReceived():
            return _learn_payment(order, event)
        case e.ImagesMoved():
            moved = {image.image_id: image.original for image in event.images}
            return _with_images(order, (replace(order.images[i], original=moved[i]) for i in moved))
        case e.RestorationStarted() | e.RestorationAttemptFailed() | e.RestorationCompleted():
            return _with_images(order, [_learn_attempt(order.images[event.image_id], event)])
        case e.RestorationFailed():
            return _with_images(order, [replace(order.images[event.image_id], failure=event.reason)])
        case e.DownloadPrepared():
            return _learn_download(order, event)
        case e.EmailSent():
            return _with_email(order, event.email_id, status=EmailStatus.SENT, message_id=event.message_id)
        case e.EmailUnconfirmed():
            again = order.emails[event.email_id].attempt + 1
            return _with_email(order, event.email_id, status=EmailStatus.UNCONFIRMED, attempt=again)
        case e.EmailFailed():
            return _with_email(order, event.email_id, status=EmailStatus.FAILED)
        case e.ResultDownloaded():
            link = order.links[event.link_id]
            opened = replace(link, opened=link.opened | {event.image_id})
            return replace(order, links={**order.links, event.link_id: opened})
        case e.RefundRequested():
            refund = Refund(
                refund_id=event.refund_id,
                amount=event.amount,
                reason=event.reason,
                image_ids=event.image_ids,
            )
            return replace(order, refunds={**order.refunds, refund.refund_id: refund})
        case e.RefundIssued():
            return _with_refund(
                order,
                event.refund_id,
                status=RefundStatus.ISSUED,
                provider_refund_id=event.provider_refund_id,
            )
        case e.RefundFailed():
            return _learn_refund_failure(order, event)
        case e.DisputeOpened():
            return replace(order, disputes={**order.disputes, event.dispute_id: None})
        case e.DisputeClosed():
            return replace(order, disputes={**order.disputes, event.dispute_id: event.outcome})
        case e.OrderHeld():
            return replace(order, hold=event.reason)
        case e.OrderReleased():
            return _reopen_what_failed(replace(order, hold=None))
        case e.PhotosPurged():
            return replace(order, photos_are_purged=True)
        case e.OrderErased() | e.NoteAdded():
            return order
        case _:
            assert_never(event)


def _learn_payment(order: Order, event: e.PaymentReceived) -> Order:
    payment = Payment(
        order_number=event.order_number,
        customer_id=event.customer_id,
        upload_session_id=event.upload_session_id,
        checkout_session_id=event.checkout_session_id,
        payment_intent_id=event.payment_intent_id,
        quoted=event.quoted,
        discount=event.discount,
        paid=event.paid,
    )
    images = (
        Image(image_id=photo.image_id, upload=photo.upload, share=photo.share) for photo in event.photos
    )
    return _owe_email(_with_images(replace(order, payment=payment), images), EmailKind.CONFIRMATION)


def _learn_download(order: Order, event: e.DownloadPrepared) -> Order:
    link = DownloadLink(
        link_id=event.link_id,
        archive=event.archive,
        token_sha256=event.token_sha256,
        expires_at=event.expires_at,
    )
    linked = replace(order, links={**order.links, link.link_id: link})
    return _owe_email(linked, EmailKind.RESULT)


def _learn_attempt(
    image: Image, event: e.RestorationStarted | e.RestorationAttemptFailed | e.RestorationCompleted
) -> Image:
    known = image.attempts.get(event.attempt)
    superseded = known.superseded if known else ()
    if known and known.prediction_id is not None and known.prediction_id != event.prediction_id:
        superseded = (*superseded, known.prediction_id)
    model = known.model if known else None
    attempt = Attempt(
        number=event.attempt,
        status=AttemptStatus.RUNNING,
        prediction_id=event.prediction_id,
        model=event.model if isinstance(event, e.RestorationStarted) else model,
        superseded=superseded,
    )
    match event:
        case e.RestorationStarted():
            return replace(image, attempts={**image.attempts, event.attempt: attempt})
        case e.RestorationAttemptFailed():
            failed = replace(attempt, status=AttemptStatus.FAILED, reason=event.reason)
            return replace(image, attempts={**image.attempts, event.attempt: failed})
        case e.RestorationCompleted():
            completed = replace(attempt, status=AttemptStatus.COMPLETED)
            return replace(
                image,
                attempts={**image.attempts, event.attempt: completed},
                restored=event.restored,
                width=event.width,
                height=event.height,
            )


def _with_images(order: Order, images: Iterable[Image]) -> Order:
    return replace(order, images={**order.images, **{image.image_id: image for image in images}})


def _owe_email(order: Order, kind: EmailKind) -> Order:
    email_id = email_id_of(order.order_id, kind)
    if email_id in order.emails:
        return order
    return replace(order, emails={**order.emails, email_id: Email(email_id=email_id, kind=kind)})


def _with_email(
    order: Order,
    email_id: EmailId,
    *,
    status: EmailStatus,
    attempt: int | None = None,
    message_id: str | None = None,
) -> Order:
    known = order.emails[email_id]
    email = replace(known, status=status, attempt=attempt or known.attempt, message_id=message_id)
    return replace(order, emails={**order.emails, email_id: email})


def _learn_refund_failure(order: Order, event: e.RefundFailed) -> Order:
    known = order.refunds[event.refund_id]
    failed = {event.provider_refund_id} if event.provider_refund_id is not None else set()
    refund = replace(
        known,
        status=RefundStatus.FAILED,
        provider_refund_id=None,
        failed_provider_refund_ids=known.failed_provider_refund_ids | failed,
    )
    return replace(order, refunds={**order.refunds, refund.refund_id: refund})


def _with_refund(
    order: Order, refund_id: RefundId, *, status: RefundStatus, provider_refund_id: str | None = None
) -> Order:
    refund = replace(order.refunds[refund_id], status=status, provider_refund_id=provider_refund_id)
    return replace(order, refunds={**order.refunds, refund_id: refund})


def _reopen_what_failed(order: Order) -> Order:
    """A person let the order go on: what was given up is tried afresh, under a new attempt number."""
    emails = {
        email.email_id: replace(email, status=EmailStatus.DUE, attempt=email.attempt + 1)
        if email.status is EmailStatus.FAILED
        else email
        for email in order.emails.values()
    }
    refunds = {
        refund.refund_id: replace(refund, status=RefundStatus.REQUESTED, attempt=refund.attempt + 1)
        if refund.status is RefundStatus.FAILED
        else refund
        for refund in order.refunds.values()
    }
    return replace(order, emails=emails, refunds=refunds)
