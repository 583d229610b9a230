"""A dossier by hand: one order that went well, as the log, the database, the storage and the providers tell it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from adapters.postgres.read_models import rows_of
from domain.order import events as e
from domain.order.evolve import fold
from domain.order.order import Order
from domain.order.reactions import IssueRefund, MoveImages, Reaction, RestoreImage, SendEmail, reaction_id_of
from domain.order.values import EmailKind, OrderId
from domain.signed_tokens import sha256_of
from tests.chaos.collected_state import ExportArchive, Row
from tests.chaos.provider_records import Json, Ledger
from tests.chaos.schedule import Manner, Visit
from tests.chaos.visits import Ending, Experience, Town
from tests.domain.support.event_builders import ORDER_ID, PAID_AT, Facts
from tests.domain.support.recording import recorded

FACTS = Facts(photos=2)
TOKEN = "a-token-that-only-the-mailbox-knows-and-nobody-else"
_CLAIMED_AT = PAID_AT + timedelta(seconds=1)
_CALLED_AT = (PAID_AT + timedelta(seconds=2)).timestamp()


def history(*events: e.Event) -> list[e.RecordedEvent]:
    """A stream of the order."""
    return list(recorded(Order(order_id=ORDER_ID), *events))


def smooth() -> list[e.Event]:
    """The events of an order of two photos: one restored and delivered, the other paid back."""
    return [
        *(FACTS.paid(), moved(), FACTS.sent(EmailKind.CONFIRMATION)),
        *(FACTS.started(0), FACTS.restored(0), FACTS.failed(1), FACTS.owed(490, 1)),
        *(replace(FACTS.prepared(0), token_sha256=sha256_of(TOKEN)), FACTS.sent(EmailKind.PARTIAL_RESULT)),
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


def dossier(events: Sequence[e.Event] | None = None, **changes: Any) -> ExportArchive:
    """The evidence of such an order, complete and without a breach; what is named is otherwise."""
    stream = history(*(smooth() if events is None else events))
    order = fold(ORDER_ID, stream)
    evidence: dict[str, Any] = {
        "histories": {ORDER_ID: stream},
        "read_models": rows_of(order),
        "reactions": [work(reaction) for reaction in calls()],
        "leases": [claim(reaction) for reaction in calls()],
        "objects": objects_of(stream),
        "stripe": Ledger(objects={"payment_intent": [payment_intent()], "refund": [refund()]}),
        "replicate": Ledger(objects={"prediction": [prediction()]}),
        "sendgrid": Ledger(objects={"mail": [mail(EmailKind.CONFIRMATION), mail(EmailKind.PARTIAL_RESULT)]}),
        "town": Town([customer(order)]),
    }
    return ExportArchive(**{**evidence, **changes})


def calls() -> list[Reaction]:
    """The work that had a provider do something."""
    return [
        SendEmail(FACTS.email(EmailKind.CONFIRMATION), EmailKind.CONFIRMATION, 1),
        SendEmail(FACTS.email(EmailKind.PARTIAL_RESULT), EmailKind.PARTIAL_RESULT, 1),
        RestoreImage(FACTS.image(0), 1),
        IssueRefund(FACTS.refund(), 1),
    ]


def work(reaction: Reaction) -> Row:
    """A reaction's row."""
    arguments = {name: str(getattr(reaction, name)) for name in reaction.__dataclass_fields__}
    return {
        "reaction_id": reaction_id_of(ORDER_ID, reaction),
        "kind": type(reaction).__name__,
        "arguments": arguments,
    }


def claim(reaction: Reaction, at: datetime = _CLAIMED_AT) -> Row:
    """The journal's line of a claim of work that nobody held."""
    return lease(reaction, before=("pending", None), after=("leased", uuid5(ORDER_ID, "claim")), at=at)


def lease(
    reaction: Reaction = MoveImages(),  # noqa: B008 -- a value
    *,
    before: tuple[str, UUID | None],
    after: tuple[str, UUID | None],
    at: datetime = _CLAIMED_AT,
    until: datetime | None = None,
    txid: str = "7",
) -> Row:
    """A line of the journal."""
    return {
        "reaction_id": reaction_id_of(ORDER_ID, reaction),
        "txid": txid,
        "at": at,
        "status_before": before[0],
        "token_before": before[1],
        "status": after[0],
        "token": after[1],
        "leased_until_before": until,
    }


def objects_of(stream: list[e.RecordedEvent]) -> dict[str, str]:
    """What the storage holds when it holds all that a stream names."""
    kept: dict[str, str] = {}
    for one in stream:
        match one.event:
            case e.ImagesMoved(images=images):
                kept |= {image.original.key: image.original.sha256 for image in images}
            case e.RestorationCompleted(restored=restored):
                kept[restored.key] = restored.sha256
            case e.DownloadPrepared(archive=archive):
                kept[archive.key] = archive.sha256
            case _:
                pass
    return kept


def payment_intent(order_id: OrderId = ORDER_ID, amount: int = 980, *, is_ours: bool = True) -> Json:
    """A payment that succeeded, with the seal of this shop or without."""
    metadata = {"seal": "of-this-shop"} if is_ours else {}
    return {"id": f"pi_{order_id.hex}", "amount_received": amount, "metadata": metadata}


def refund(**changes: Any) -> Json:
    """The refund at Stripe that the log tells of."""
    issued = FACTS.refund_issued(490)
    told = {
        "id": issued.provider_refund_id,
        "payment_intent": f"pi_{ORDER_ID.hex}",
        "amount": 490,
        "status": "succeeded",
        "created": int(_CALLED_AT),
        "metadata": {"refund_id": str(issued.refund_id), "order_id": str(ORDER_ID)},
    }
    return {**told, **changes}


def prediction(**changes: Any) -> Json:
    """The prediction at Replicate that the log tells of."""
    started = FACTS.started(0)
    told = {
        "id": started.prediction_id,
        "status": "succeeded",
        "created_at": datetime.fromtimestamp(_CALLED_AT, UTC).isoformat(timespec="milliseconds"),
        "_webhook": f"http://shop/api/webhooks/replicate/{ORDER_ID}/{FACTS.image(0)}/1/mark",
    }
    return {**told, **changes}


def mail(kind: EmailKind, **changes: Any) -> Json:
    """A mail that SendGrid accepted."""
    link = f"http://shop/api/download/{TOKEN} \n" if kind.brings_a_link else ""
    told = {
        "id": f"mail_{kind}",
        "at": _CALLED_AT,
        "subject": "About your photos",
        "text": f"Dear Ada, {link}",
        "html": '<html lang="en" dir="ltr">',
        "to": [{"email": "ada@customer.example"}],
        "custom_args": {"email_id": str(FACTS.email(kind)), "order_id": str(ORDER_ID)},
    }
    return {**told, **changes}


def customer(order: Order, **changes: Any) -> Experience:
    """A customer who has fetched what was restored."""
    visit = Visit(
        number=1,
        at_seconds=0,
        manner=Manner.PAYS,
        email="ada@customer.example",
        photos=(1, 2),
        hesitates_seconds=1,
    )
    delivered = [str(image.restored.sha256) for image in order.restored_images if image.restored]
    lived = Experience(visit, Ending.SERVED, order_id=str(ORDER_ID), link=TOKEN, delivered=delivered)
    return replace(lived, **changes)
