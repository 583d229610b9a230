"""Refused staff actions in English: why, and what is possible instead."""

from collections.abc import Mapping

from adapters.localization.formats import alternatives
from adapters.localization.labels import STATES
from adapters.localization.status_text import action_texts, number_of
from domain.order import errors
from domain.order.errors import ShopError
from domain.order.image import Image
from domain.order.order import Order
from domain.order.values import ImageId
from domain.use_cases.support.action_refusals import ActionRefusedError

_ILLEGAL: Mapping[str, str] = {
    "OrderHeld": "It cannot be put on hold",
    "OrderReleased": "It cannot be let go on",
    "NoteAdded": "No note can be written about it any more",
    "RefundRequested": "Nothing can be paid back",
    "RefundIssued": "No refund can be settled",
    "RedoRequested": "No photo can be restored once more now",
    "DownloadLinkIssued": "No new link can be sent now",
    "DownloadLinkRevoked": "No link can be revoked now",
    "EmailRequested": "No e-mail can be sent again",
}


def error_text(error: Exception) -> str:
    """An error in one sentence, with the alternatives of a refused action."""
    if not isinstance(error, ActionRefusedError):
        return str(error)
    order = error.order
    problem = _problem(order, error.refusal) if error.refusal else str(error).rstrip(".")
    return f"{problem}: {_status(order)}, and {_alternatives(order)}."


def _problem(order: Order, refusal: ShopError) -> str:
    """Why the model refused an action, with photos by their numbers."""
    match refusal:
        case errors.IllegalMoveError():
            return _ILLEGAL.get(refusal.event, "This cannot be done")
        case errors.NothingToSendError() if order.photos_are_purged:
            return "Its photos are deleted, so there is nothing to send"
        case errors.NothingToSendError():
            return "There is nothing to send now"
        case errors.RefundExceedsPaymentError() if order.refundable_amount == 0:
            return "There is nothing left that could be paid back"
        case errors.RefundExceedsPaymentError():
            return f"{refusal.asked} cannot be paid back, only more than nothing and {refusal.refundable} at most"
        case errors.AmountNotPayableError():
            return f"{refusal.asked} cannot be paid, only {refusal.below} or {refusal.above}"
        case errors.ImageNotRefundableError():
            return _not_refundable(order, ImageId(refusal.image_id))
        case errors.RedoRefusedError():
            photo = f"Photo {number_of(order, ImageId(refusal.image_id))}"
            return f"{photo} cannot be restored once more, because {refusal.why}"
        case _:
            return str(refusal).rstrip(".")


def _not_refundable(order: Order, image_id: ImageId) -> str:
    image: Image = order.images[image_id]
    photo = f"photo {number_of(order, image_id)}"
    if image.restored is not None:
        return f"{photo.capitalize()} is restored, so an amount can be paid back but not the photo itself"
    if image_id in order.ledger.covered_images:
        return f"The money for {photo} has gone back or is on its way"
    return f"{photo.capitalize()} cannot be taken out of the order now"


def _status(order: Order) -> str:
    beside = [
        *(["on hold"] if order.is_held else []),
        *(["disputed"] if order.is_disputed else []),
    ]
    return f"the order is {', '.join([STATES[order.state].label, *beside])}"


def _alternatives(order: Order) -> str:
    actions = action_texts(order)
    return f"one can {alternatives(actions)}" if actions else "nothing can be done about it"
