"""An order's status in English, and what staff may do."""

from collections.abc import Iterable, Mapping
from typing import assert_never

from adapters.localization.formats import counted, listed, ordinal
from adapters.localization.labels import FAILURES, HOLDS, MAILS
from adapters.localization.state_text import HELD, STATES, TAKEN, money_of
from domain.order.email import EmailStatus
from domain.order.image import Image
from domain.order.order import Order
from domain.order.reactions import (
    CancelPrediction,
    CollectRestoration,
    DeletePhotos,
    IssueRefund,
    MoveImages,
    PrepareDownload,
    Reaction,
    RestoreImage,
    SendEmail,
    required_reactions,
)
from domain.order.states import State
from domain.order.values import ImageId
from domain.use_cases.support.possible_actions import StaffAction, possible_actions

_ACTIONS: Mapping[StaffAction, str] = {
    StaffAction.HOLD: "put it on hold",
    StaffAction.RELEASE: "let it go on",
    StaffAction.RECORD_MANUAL_REFUND: "put on record that a failed refund was paid another way",
    StaffAction.REDO: "have a photo restored once more",
    StaffAction.RENEW_LINK: "send a new download link",
    StaffAction.REVOKE_LINK: "revoke a download link",
    StaffAction.RESEND_EMAIL: "send the mail again that its state calls for",
    StaffAction.WRITE_NOTE: "write a note about it",
    StaffAction.PURGE_PHOTOS: "delete its photos once their retention is over",
    StaffAction.ERASE: "erase the customer's data",
}


def status_of(order: Order) -> str:
    """One sentence or two: the order's status, and what is awaited."""
    awaited = [reaction_text(work, order) for work in required_reactions(order)]
    reached = STATES[order.state].staff(order)
    if order.state is State.NEW:
        return reached
    if order.hold is not None:
        return (
            f"The order is on hold, because {HOLDS[order.hold]}: a person has to release it or pay it back."
        )
    if order.is_disputed:
        return f"{reached} The bank's decision on the dispute is awaited."
    pending = order.ledger.pending
    inquiry = (
        " The bank asks about the payment (an inquiry): answer it in Stripe."
        if order.has_open_inquiry
        else ""
    )
    confirmed = (
        f" Stripe has yet to confirm that {money_of(order, pending)} was paid back." if pending else ""
    )
    if awaited:
        return f"{reached} Still to do: {'; '.join(awaited)}.{confirmed}{inquiry}"
    if confirmed or inquiry:
        return f"{reached}{confirmed}{inquiry}"
    return f"{reached} Nothing is awaited."


def owner_sentence_of(order: Order) -> str:
    """The order's status as a sentence for its owner."""
    if order.is_held:
        return HELD
    if order.state is State.REFUNDED and order.ledger.is_lost_in_another_currency:
        return TAKEN
    return STATES[State.REFUNDING if order.is_refunded_for_now else order.state].owner


def reaction_text(work: Reaction, order: Order) -> str:
    """A pending reaction as people would say it."""
    match work:
        case MoveImages():
            return "the photos have to be moved to the order's own place and verified"
        case RestoreImage(image_id=image_id, attempt=attempt):
            again = f", for the {ordinal(attempt)} time" if attempt > 1 else ""
            return f"photo {number_of(order, image_id)} has to go to the restorer{again}"
        case CollectRestoration(image_id=image_id):
            return f"the restorer's answer for photo {number_of(order, image_id)} is awaited"
        case CancelPrediction():
            return "a restoration that is no longer required has to be cancelled"
        case PrepareDownload():
            return "the restored photos have to be packed and their link made"
        case SendEmail(email_id=email_id, kind=kind):
            if order.emails[email_id].status is EmailStatus.UNCONFIRMED:
                return f"{MAILS[kind]} has to be confirmed, or sent once more"
            return f"{MAILS[kind]} has to be sent"
        case IssueRefund(refund_id=refund_id):
            return f"{order.refunds[refund_id].amount} has to be paid back"
        case DeletePhotos():
            return "its photos have to be deleted"
        case _:
            assert_never(work)


def action_texts(order: Order) -> list[str]:
    """What staff may do with the order now."""
    return [_action_text(action, order) for action in possible_actions(order)]


def _action_text(action: StaffAction, order: Order) -> str:
    if action is StaffAction.REFUND:
        return f"pay back up to {money_of(order, order.refundable_amount)}"
    return _ACTIONS[action]


def image_status_of(image: Image, order: Order) -> str:
    """How far one photo has come."""
    running = image.running
    if image.is_being_redone:
        where = "at the restorer" if running is not None else "waits for the restorer"
        return f"restored, and tried once more: {where}, {ordinal(len(image.attempts))} attempt"
    if image.restored is not None:
        return f"{'restored and sent' if order.result_is_sent else 'restored'}{_redone(image)}"
    if image.failure is not None:
        return f"not restored: {FAILURES[image.failure]}"
    if running is not None:
        return f"at the restorer, {ordinal(running.number)} attempt"
    if image.original is not None:
        return f"waits for its {ordinal(image.next_attempt)} attempt at the restorer"
    return "uploaded and paid"


def _redone(image: Image) -> str:
    """How often a photo was redone, and what is kept."""
    if not image.was_redone:
        return ""
    tries = "once more" if image.redos == 1 else f"{image.redos} times more"
    some = "" if image.redos == image.redos_by_customer else f"{image.redos_by_customer} of them "
    by = f", {some}as the customer asked" if image.redos_by_customer else ""
    kept = f", {counted(len(image.earlier), 'earlier result')} kept" if image.earlier else ""
    return f"; tried {tries}{by}{kept}"


def number_of(order: Order, image_id: ImageId) -> int:
    """The photo's number, 1-based, in the order of upload."""
    return list(order.images).index(image_id) + 1


def photo_text(order: Order, image_id: ImageId) -> str:
    """``photo 2``."""
    return f"photo {number_of(order, image_id)}"


def photos_text(order: Order, image_ids: Iterable[ImageId]) -> str:
    """``photo 2``, ``photos 2 and 3``."""
    numbers = [str(number_of(order, image_id)) for image_id in image_ids]
    return f"{'photo' if len(numbers) == 1 else 'photos'} {listed(numbers)}"
