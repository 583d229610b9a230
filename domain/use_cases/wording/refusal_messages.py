"""What cannot be done, in a sentence: why not, where the order stands, and what can be done instead."""

from collections.abc import Mapping

from domain.order import errors
from domain.order.errors import ShopError
from domain.order.image import Image
from domain.order.order import Order
from domain.order.values import ImageId
from domain.use_cases.wording.labels import STATES, alternatives
from domain.use_cases.wording.status_text import number_of, possible_actions

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


class ActionRefusedError(ShopError):
    """A person asked for what the order does not take, as it stands."""

    def __init__(self, order: Order, problem: str) -> None:
        self.order_id = order.order_id
        self.problem = problem
        super().__init__(f"{problem}: {_stands(order)}, and {_ways(order)}.")


def problem_of(order: Order, refusal: ShopError) -> str:
    """Why the model refused a wish, as people at the desk would say it, with photos by their numbers."""
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


def _stands(order: Order) -> str:
    beside = [
        *(["on hold"] if order.is_held else []),
        *(["disputed"] if order.is_disputed else []),
    ]
    return f"the order is {', '.join([STATES[order.state], *beside])}"


def _ways(order: Order) -> str:
    ways = possible_actions(order)
    return f"one can {alternatives(ways)}" if ways else "nothing can be done about it"
