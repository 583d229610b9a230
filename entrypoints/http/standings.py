"""Where an order or an upload stands, as pages for its owner: plain words, and nothing that opens anything."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from litestar import Response

from domain.model.image import Image
from domain.model.lifecycle import TERMINAL, State
from domain.model.order import Order
from domain.model.values import ImageId, Money
from domain.ports.uploads import UploadSession, UploadStatus
from domain.services.policy import Policy
from entrypoints.http import upload_views, views
from entrypoints.http.pages import page

#: How soon a page looks again while work goes on, and while a person or a bank takes their time.
REFRESH_SECONDS, PATIENT_REFRESH_SECONDS = 5, 60

_CLOSE = "You may close this page: we write to you as soon as your photos are ready."
_READY = "Your photos are ready: look into your e-mail"
_LINK = "You find the link to them there, and what to do should one not be quite right."
_SORRY = "We could not restore your photos"

#: Heading and sentence of an order that goes its way.
_ORDERS: Mapping[State, tuple[str, str]] = {
    State.PAID: ("Thank you, your payment has arrived", f"Your photos are about to be restored. {_CLOSE}"),
    State.RESTORING: ("We are restoring your photos", _CLOSE),
    State.SETTLED: ("We are packing your photos", _CLOSE),
    State.READY: ("Your photos are ready", "We send you the link to them by e-mail."),
    State.DELIVERED: (_READY, f"{_LINK} The money we owe you is on its way back."),
    State.COMPLETED: (_READY, _LINK),
    State.REFUNDING: (
        "Your order is stopped",
        "All that you paid is on its way back; your bank may take some days to show it.",
    ),
    State.REFUNDED: (
        "Your money is on its way back",
        "All that you paid has gone back; your bank may take some days to show it.",
    ),
    State.ERASED: ("This order is closed", "Your photos and everything we knew about you are erased."),
}

_FREE = ("Thank you, your order has arrived", f"Your photos are about to be restored. {_CLOSE}")
_HELD = (
    "It is on hold: a person is looking after it",
    "You need not do anything. Should we have a question, we write to you.",
)
_DISPUTED = (
    "Your bank is looking into the payment",
    "You or your bank questioned it; we go on as soon as the bank has decided.",
)
_REFUNDING = (_SORRY, "Your money is on its way back; your bank may take some days to show it.")
_FREE_AND_FAILED = (_SORRY, "We are sorry. You paid nothing, so there is nothing to send back.")
_FETCHED = ("Your photos are ready", "You have fetched them through the link that we sent you.")
_PURGED = ("Your photos are no longer kept", "As we promised, we deleted them when their time was over.")

_UPLOADS: Mapping[UploadStatus, tuple[str, str]] = {
    UploadStatus.OPEN: ("Your photos are not ordered yet", "Nothing is paid, and nothing is owed."),
    UploadStatus.CHECKOUT: (
        "We are waiting for word of your payment",
        "If you have just paid, it arrives in a moment, and this page goes on by itself.",
    ),
    UploadStatus.PENDING: (
        "Your payment is being confirmed",
        "With the way you chose this can take some days. We write to you as soon as it has arrived.",
    ),
    UploadStatus.EXPIRED: (
        "This upload has ended",
        "Its photos were not ordered in time and are deleted; nothing was charged. You may send them again.",
    ),
}

_PHOTOS: Mapping[str, str] = {
    "uploaded": "received",
    "waiting": "waiting its turn",
    "restoring": "being restored",
    "restored": "restored",
    "failed": "could not be restored",
    "lost": "could not be restored: its file was damaged in our storage, you may send it again",
}


def of_order(seen: Order, names: Mapping[ImageId, str]) -> Response[Any]:
    """The page of an order; it renews itself until the order has ended."""
    heading, sentence = _words(seen)
    has_ended = seen.state in TERMINAL
    parts = [_paragraph(sentence)]
    if not has_ended:
        parts.append(_bar(sum(image.is_settled for image in seen.images.values()), len(seen.images)))
    if seen.state is not State.ERASED:
        parts.append(
            _photos(
                [
                    (names.get(image.image_id), _photo_state(image, names, has_ended=has_ended))
                    for image in seen.images.values()
                ]
            )
        )
    if seen.payment is not None:
        facts = {"Order number": seen.payment.order_number, "Paid": str(seen.payment.paid)}
        if seen.refunded_amount:
            facts["Sent back"] = str(Money(amount=seen.refunded_amount, currency=seen.payment.paid.currency))
        if on_its_way := seen.ledger.on_its_way:
            facts["On its way back"] = str(Money(amount=on_its_way, currency=seen.payment.paid.currency))
        parts.append(_facts(facts))
    may_ask = heading == _READY and not seen.is_disputed
    if may_ask:
        parts.insert(1, '<form method="post"><p><button>Send me the e-mail again</button></p></form>')
    return page(heading, "\n".join(parts), refresh_seconds=_refresh(seen), has_forms=may_ask)


def of_upload(session: UploadSession, policy: Policy) -> Response[Any]:
    """The page of an upload session that is not paid; it renews itself while a payment is awaited."""
    heading, sentence = _UPLOADS[session.status]
    told = upload_views.upload(session, policy)
    parts = [_paragraph(sentence)]
    if told.checkout is not None:
        parts.append(f'<p>If not, <a href="{escape(told.checkout.url)}">go on to the payment</a>.</p>')
    if session.status is not UploadStatus.EXPIRED:
        parts.append(_photos([(each.file_name, _PHOTOS["uploaded"]) for each in told.photos]))
        if told.quote is not None:
            parts.append(
                _facts({"Price": str(Money(amount=told.quote.amount, currency=told.quote.currency))})
            )
    refresh = {UploadStatus.CHECKOUT: REFRESH_SECONDS, UploadStatus.PENDING: PATIENT_REFRESH_SECONDS}
    return page(heading, "\n".join(parts), refresh_seconds=refresh.get(session.status))


def _words(seen: Order) -> tuple[str, str]:
    """The heading, and the sentence below it; what keeps an order from going on comes first."""
    if seen.is_held:
        return _HELD
    if _waits_for_a_bank(seen):
        return _DISPUTED
    if seen.state is State.PAID and not seen.paid_amount:
        return _FREE
    if seen.state is State.REFUNDED and not seen.paid_amount:
        return _FREE_AND_FAILED
    if seen.every_image_is_settled and not seen.restored_images and seen.state not in TERMINAL:
        return _REFUNDING
    if seen.is_refunded_for_now:
        return _DISPUTED if seen.is_disputed else _ORDERS[State.REFUNDING]
    if seen.state is State.COMPLETED and seen.photos_are_purged:
        return _PURGED
    if seen.state in {State.DELIVERED, State.COMPLETED} and not seen.result_is_sent:
        return _FETCHED
    return _ORDERS[seen.state]


def _waits_for_a_bank(seen: Order) -> bool:
    return seen.is_disputed and seen.state not in {State.PAID, *TERMINAL}


def _refresh(seen: Order) -> int | None:
    if seen.state in TERMINAL:
        return None
    return PATIENT_REFRESH_SECONDS if seen.is_held or _waits_for_a_bank(seen) else REFRESH_SECONDS


def _photo_state(image: Image, names: Mapping[ImageId, str], *, has_ended: bool) -> str:
    if image.failure is not None and image.failure.is_lost_file:
        return _PHOTOS["lost"]
    state = views.photo(image, names).state
    return "not restored" if has_ended and state not in {"restored", "failed"} else _PHOTOS[state]


def _bar(done: int, total: int) -> str:
    told = f"{done} of {total} photos done" if total > 1 else f"{done} of 1 photo done"
    return (
        f'<p><progress max="{total}" value="{done}" aria-label="{told}"></progress><small>{told}</small></p>'
    )


def _photos(photos: Sequence[tuple[str | None, str]]) -> str:
    """The photos under the customer's own names, which are a stranger's text."""
    if not photos:
        return ""
    lines = (
        f"<li><bdi>{escape(name or f'Photo {number}')}</bdi> <span>{escape(state)}</span></li>"
        for number, (name, state) in enumerate(photos, start=1)
    )
    return f'<ul aria-label="Your photos">{"".join(lines)}</ul>'


def _facts(facts: Mapping[str, str]) -> str:
    lines = (f"<div><dt>{escape(name)}</dt><dd>{escape(fact)}</dd></div>" for name, fact in facts.items())
    return f"<dl>{''.join(lines)}</dl>"


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"
