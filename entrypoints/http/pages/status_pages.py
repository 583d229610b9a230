"""Where an order or an upload stands, as pages for its owner: plain words, and nothing that opens anything."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from litestar import Response

from domain.order.image import Image
from domain.order.lifecycle import TERMINAL, State
from domain.order.order import Order
from domain.order.values import ImageId, Money
from domain.ports.upload_sessions import UploadSession, UploadStatus
from domain.use_cases.shop_policy import ShopPolicy
from entrypoints.bootstrap.page_languages import Localization
from entrypoints.http.api import order_schemas, upload_schemas
from entrypoints.http.pages.html_pages import page, paragraph

#: How soon a page looks again while work goes on, and while a person or a bank takes their time.
REFRESH_SECONDS, PATIENT_REFRESH_SECONDS = 5, 60

#: What a photo is called here that was not done when its order ended.
_ENDED_WITHOUT_RESULT = "not_restored"


def of_order(seen: Order, names: Mapping[ImageId, str], speech: Localization) -> Response[Any]:
    """The page of an order; it renews itself until the order has ended."""
    standing = _standing(seen)
    has_ended = seen.state in TERMINAL
    parts = [paragraph(speech.say(f"order_page.{standing}"))]
    if not has_ended:
        done = sum(image.is_settled for image in seen.images.values())
        parts.append(_bar(done, len(seen.images), speech))
    if seen.state is not State.ERASED:
        parts.append(
            _photos(
                [
                    (names.get(image.image_id), _photo_state(image, names, has_ended=has_ended))
                    for image in seen.images.values()
                ],
                speech,
            )
        )
    if seen.payment is not None:
        currency = seen.payment.paid.currency
        facts = {"number": seen.payment.order_number, "amount": speech.money(seen.payment.paid)}
        if seen.refunded_amount:
            facts["sent_back"] = speech.money(Money(amount=seen.refunded_amount, currency=currency))
        if pending_refunds_at_provider := seen.ledger.pending_refunds_at_provider:
            facts["on_its_way_back"] = speech.money(
                Money(amount=pending_refunds_at_provider, currency=currency)
            )
        parts.append(_facts({speech.say(f"order_page.{name}"): fact for name, fact in facts.items()}))
    may_ask = standing in {"delivered", "completed"} and not seen.is_disputed
    if may_ask:
        button = f"<button>{escape(speech.say('order_page.again'))}</button>"
        parts.insert(1, f'<form method="post"><p>{button}</p></form>')
    title = speech.say(f"order_page.{standing}_title")
    return page(title, "\n".join(parts), speech, refresh_seconds=_refresh(seen), has_forms=may_ask)


def of_upload(session: UploadSession, policy: ShopPolicy, speech: Localization) -> Response[Any]:
    """The page of an upload session that is not paid; it renews itself while a payment is awaited."""
    seen = upload_schemas.upload(session, policy)
    parts = [paragraph(speech.say(f"upload_page.{session.status}"))]
    if seen.checkout is not None:
        parts.append(
            f'<p><a href="{escape(seen.checkout.url)}">{escape(speech.say("upload_page.pay"))}</a></p>'
        )
    if session.status is not UploadStatus.EXPIRED:
        parts.append(_photos([(each.file_name, "uploaded") for each in seen.photos], speech))
        if seen.quote is not None:
            price = Money(amount=seen.quote.amount, currency=seen.quote.currency)
            parts.append(_facts({speech.say("upload_page.price"): speech.money(price)}))
    refresh = {UploadStatus.CHECKOUT: REFRESH_SECONDS, UploadStatus.PENDING: PATIENT_REFRESH_SECONDS}
    title = speech.say(f"upload_page.{session.status}_title")
    return page(title, "\n".join(parts), speech, refresh_seconds=refresh.get(session.status))


def _standing(seen: Order) -> str:
    """Which phrases tell how an order is; what keeps it from going on comes first."""
    standing: str = seen.state
    if seen.is_held:
        standing = "held"
    elif _waits_for_a_bank(seen):
        standing = "disputed"
    elif seen.state is State.PAID and not seen.paid_amount:
        standing = "free"
    elif seen.state is State.REFUNDED and not seen.paid_amount:
        standing = "failed_free"
    elif seen.every_image_is_settled and not seen.restored_images and seen.state not in TERMINAL:
        standing = "failed"
    elif seen.is_refunded_for_now:
        standing = "disputed" if seen.is_disputed else "refunding"
    elif seen.state is State.COMPLETED and seen.photos_are_purged:
        standing = "purged"
    elif seen.state in {State.DELIVERED, State.COMPLETED} and not seen.result_is_sent:
        standing = "fetched"
    return standing


def _waits_for_a_bank(seen: Order) -> bool:
    return seen.is_disputed and seen.state not in {State.PAID, *TERMINAL}


def _refresh(seen: Order) -> int | None:
    if seen.state in TERMINAL:
        return None
    return PATIENT_REFRESH_SECONDS if seen.is_held or _waits_for_a_bank(seen) else REFRESH_SECONDS


def _photo_state(image: Image, names: Mapping[ImageId, str], *, has_ended: bool) -> str:
    if image.failure is not None and image.failure.is_lost_file:
        return "lost"
    state = order_schemas.photo(image, names).state
    return _ENDED_WITHOUT_RESULT if has_ended and state not in {"restored", "failed"} else state


def _bar(done: int, total: int, speech: Localization) -> str:
    label = escape(speech.say("order_page.done", total, done=str(done)))
    return (
        f'<p><progress max="{total}" value="{done}" aria-label="{label}"></progress>'
        f"<small>{label}</small></p>"
    )


def _photos(photos: Sequence[tuple[str | None, str]], speech: Localization) -> str:
    """The photos under the customer's own names, which are a stranger's text."""
    if not photos:
        return ""
    lines = (
        f"<li><bdi>{escape(name or speech.say('page.photo', number=str(number)))}</bdi> "
        f"<span>{escape(speech.say(f'photo_state.{state}'))}</span></li>"
        for number, (name, state) in enumerate(photos, start=1)
    )
    return f'<ul aria-label="{escape(speech.say("order_page.photos"))}">{"".join(lines)}</ul>'


def _facts(facts: Mapping[str, str]) -> str:
    lines = (f"<div><dt>{escape(name)}</dt><dd>{escape(fact)}</dd></div>" for name, fact in facts.items())
    return f"<dl>{''.join(lines)}</dl>"
