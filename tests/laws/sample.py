"""A snapshot by hand: one order of two photos that went well."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from adapters.postgres.read_models import rows_of
from domain.order import events as e
from domain.order.order import Order
from domain.order.reactions import IssueRefund, MoveImages, Reaction, RestoreImage, SendEmail, reaction_id_of
from domain.order.values import EmailKind
from domain.signed_tokens import sha256_of
from tests.domain.support.event_builders import ORDER_ID, PAID_AT, Facts
from tests.domain.support.recording import recorded
from tests.laws.photos import objects_named_in
from tests.laws.snapshot import (
    AcceptedMail,
    Claim,
    Fetched,
    LeaseChange,
    LinkOpening,
    OrderStream,
    ProviderCall,
    ProviderPayment,
    ProviderPrediction,
    ProviderRefund,
    Snapshot,
    StoredEvent,
    whole_stream,
    work_name,
)

FACTS = Facts(photos=2)
TOKEN = "a-token-that-only-the-mailbox-knows"
RESULT, CONFIRMATION = EmailKind.PARTIAL_RESULT, EmailKind.CONFIRMATION
MINE, THEIRS = UUID(int=1), UUID(int=2)
CALLED_AT = PAID_AT + timedelta(seconds=2)
CUSTOMER = "ada@customer.example"


def smooth() -> list[e.Event]:
    """The order's events: one photo delivered, the other refunded."""
    return [
        *(FACTS.paid(), moved(), FACTS.sent(CONFIRMATION)),
        *(FACTS.started(0), FACTS.restored(0), FACTS.failed(1), FACTS.owed(490, 1)),
        *(replace(FACTS.prepared(0), token_sha256=sha256_of(TOKEN)), FACTS.sent(RESULT)),
        FACTS.refund_issued(490),
    ]


def moved() -> e.ImagesMoved:
    """Every original is byte for byte what was uploaded."""
    uploads = {photo.image_id: photo.upload for photo in FACTS.paid().photos}
    return e.ImagesMoved(
        images=tuple(
            replace(image, original=replace(image.original, sha256=uploads[image.image_id].sha256))
            for image in FACTS.moved().images
        )
    )


def stream_of(*events: e.Event) -> OrderStream:
    """A stream of the order."""
    return whole_stream(ORDER_ID, list(recorded(Order(order_id=ORDER_ID), *events)))


def snapshot(events: Sequence[e.Event] | None = None, **changes: Any) -> Snapshot:
    """A snapshot of the order at rest, with changes."""
    stream = stream_of(*(smooth() if events is None else events))
    assert stream.order.payment is not None
    observed: dict[str, Any] = {
        "is_at_rest": True,
        "time_is_up": True,
        "streams": {ORDER_ID: stream},
        "read_models": rows_of(stream.order),
        "reaction_outcomes": {},
        "calls": [call(work) for work in provider_work()],
        "claims": claims(*provider_work()),
        "payments": [payment()],
        "predictions": [prediction()],
        "mails": [mail(CONFIRMATION), mail(RESULT)],
        "objects": objects(),
        "customers": {stream.order.payment.customer_id: CUSTOMER},
        "fetched": [fetched()],
        "tokens": frozenset({TOKEN}),
    }
    return Snapshot(**{**observed, **changes})


def provider_work() -> list[Reaction]:
    """The work that made a provider do something."""
    return [
        SendEmail(FACTS.email(CONFIRMATION), CONFIRMATION, 1),
        SendEmail(FACTS.email(RESULT), RESULT, 1),
        RestoreImage(FACTS.image(0), 1),
        IssueRefund(FACTS.refund(), 1),
    ]


def call(reaction: Reaction) -> ProviderCall:
    """The call at a provider that a reaction made."""
    return ProviderCall(work=work_name(reaction) or (), at=CALLED_AT, sentence=str(reaction))


def claims(*reactions: Reaction, after_call: bool = False) -> dict[Any, list[Claim]]:
    """A claim of each, a second before the call, or after it."""
    at = CALLED_AT + timedelta(seconds=1 if after_call else -1)
    return {work_name(reaction): [Claim(uuid5(ORDER_ID, "claim"), at)] for reaction in reactions}


def lease(holder: UUID | None = None, **changes: Any) -> LeaseChange:
    """The end of a lease that ``holder`` had."""
    change = LeaseChange(
        reaction_id=reaction_id_of(ORDER_ID, MoveImages()),
        transaction="7",
        at=PAID_AT,
        is_claim=False,
        token_before=holder,
    )
    return replace(change, **changes)


def moved_by(token: UUID, *, exhausted: bool = False) -> StoredEvent:
    """The row of an event that a claim of that work recorded."""
    cause = f"reaction:{reaction_id_of(ORDER_ID, MoveImages())}:{token}{':spent' if exhausted else ''}#1"
    return StoredEvent(order_id=ORDER_ID, version=2, cause_key=cause, transaction="7")


def objects(*, without: str | None = None) -> dict[str, str]:
    """All that the stream names, without the keys that contain a word."""
    named = objects_named_in(smooth())
    return {one.key: one.sha256 for one in named if without is None or without not in one.key}


def payment(*refunds: ProviderRefund, **changes: Any) -> ProviderPayment:
    """The payment at the provider, by default with the order's refund."""
    made = ProviderPayment(payment_intent_id=f"pi_{ORDER_ID.hex}", amount=980, refunds=refunds or (refund(),))
    return replace(made, **changes)


def refund(**changes: Any) -> ProviderRefund:
    """The refund at the provider that the log names."""
    issued = FACTS.refund_issued(490)
    made = ProviderRefund(
        provider_refund_id=issued.provider_refund_id, amount=490, refund_id=str(issued.refund_id)
    )
    return replace(made, **changes)


def prediction(**changes: Any) -> ProviderPrediction:
    """The prediction that the log names."""
    made = ProviderPrediction(
        prediction_id=FACTS.started(0).prediction_id,
        order_id=str(ORDER_ID),
        image_id=str(FACTS.image(0)),
        has_succeeded=True,
    )
    return replace(made, **changes)


def mail(kind: EmailKind, text: str = "Dear Ada,", language: str = "en", **changes: Any) -> AcceptedMail:
    """A mail that the provider accepted."""
    made = AcceptedMail(
        message_id=f"mail_{kind}",
        email_id=str(FACTS.email(kind)),
        order_id=str(ORDER_ID),
        addresses=frozenset({CUSTOMER}),
        token=TOKEN if kind.brings_a_link else None,
        texts={language: ("About your photos", text)},
    )
    return replace(made, **changes)


def fetched(**changes: Any) -> Fetched:
    """A customer who has fetched what was restored."""
    made = Fetched(
        who="Ada",
        order_id=str(ORDER_ID),
        token_sha256=sha256_of(TOKEN),
        pictures=[str(FACTS.restored(0).restored.sha256)],
    )
    return replace(made, **changes)


def opening(**changes: Any) -> LinkOpening:
    """A request for the archive that brought it."""
    order = stream_of(*smooth()).order
    link = order.newest_link
    assert link is not None
    made = LinkOpening(
        token_sha256=link.token_sha256,
        target="archive",
        status=200,
        began_at=PAID_AT,
        answered_at=PAID_AT,
        before=order,
        link=link,
        after=order,
        content=link.archive.sha256,
    )
    return replace(made, **changes)
