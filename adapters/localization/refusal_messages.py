"""Errors in English: why something is refused, and what is possible instead."""

from collections.abc import Mapping

from adapters.localization.catalog import FALLBACK, own_catalogs
from adapters.localization.formats import alternatives
from adapters.localization.locales import Localization, localization_for
from adapters.localization.state_text import STATES
from adapters.localization.status_text import action_texts, number_of
from domain.order import errors, events
from domain.order.image import Image
from domain.order.ledger import RefundStatus
from domain.order.order import Order
from domain.order.values import ImageId, RedoObstacle
from domain.ports.errors import DatabaseBehindError, RefusalValue, UnreadableImageError
from domain.unmatched_payment import UnknownPaymentError
from domain.use_cases.audit.dispute_evidence import NothingToProveError
from domain.use_cases.delivery.downloads import LinkExpiredError, LinkRevokedError
from domain.use_cases.support.action_refusals import ActionProblem, ActionRefusedError

#: By the event that a staff member's command proposes.
_ILLEGAL: Mapping[type[events.Event], str] = {
    events.OrderHeld: "It cannot be put on hold",
    events.OrderReleased: "It cannot be let go on",
    events.NoteAdded: "No note can be written about it any more",
    events.RefundRequested: "Nothing can be paid back",
    events.RefundIssued: "No refund can be settled",
    events.RedoRequested: "No photo can be restored once more now",
    events.DownloadLinkIssued: "No new link can be sent now",
    events.DownloadLinkRevoked: "No link can be revoked now",
    events.EmailRequested: "No e-mail can be sent again",
}
ILLEGAL_BY_NAME = {event.__name__: text for event, text in _ILLEGAL.items()}

_PROBLEMS: Mapping[ActionProblem, str] = {
    ActionProblem.NOTHING_TO_DO: "There is nothing to do for it",
    ActionProblem.NOTHING_PAID: "Nothing was paid",
    ActionProblem.ON_HOLD_ALREADY: "It is on hold already",
    ActionProblem.NOT_ON_HOLD: "It is not on hold",
    ActionProblem.REDO_RUNNING: "That is being done already",
    ActionProblem.NO_LINK_TO_REVOKE: "There is no link that could be revoked without a new one",
    ActionProblem.LINK_EXPIRED: "The link in the e-mail has expired, so a new one has to be sent",
    ActionProblem.EMAIL_ON_ITS_WAY: "This e-mail is on its way already",
    ActionProblem.NO_SUCH_PHOTO: "There is no photo {number} among the {photos} of this order",
    ActionProblem.NO_REFUND_FAILED: "No refund of it has failed",
    ActionProblem.REFUND_NOT_FAILED: "Refund {number} is none that has failed",
    ActionProblem.SEVERAL_REFUNDS_FAILED: "Several refunds of it have failed ({failed}), so say which one",
    ActionProblem.NO_ADDRESS: "There is no address to correct",
    ActionProblem.NO_CUSTOMER: "It has no customer yet",
}

#: Errors whose next step is a command or a route, which the domain does not know; their fields fill the braces.
_NEXT_STEPS: Mapping[type[Exception], str] = {
    DatabaseBehindError: (
        "The database is older than the shop's log, as after a backup was restored: run `restoreclick db restored`, "
        "until then no payments are taken and no work is done."
    ),
    UnknownPaymentError: (
        "No payment of checkout {checkout_session_id} is without an order, here or at the payment provider: "
        "`restoreclick payments unmatched` lists those that are."
    ),
    NothingToProveError: (
        "The log does not hold how order {order_id} began, so it has no timeline: "
        "run `restoreclick events verify`."
    ),
    LinkExpiredError: (
        "This link has expired: have a new one sent to the address on file, with a POST to this link's /renew, or "
        "answer the e-mail it came with, and a person will help you."
    ),
}


def error_text(error: Exception) -> str:
    """An error in one sentence, with the alternatives of a refused action."""
    match error:
        case ActionRefusedError(order=order):
            return f"{_problem(error)}: {_status(order)}, and {_alternatives(order)}."
        case errors.RedoRefusedError(image_id=image_id, why=why):
            return f"Image {image_id} cannot be tried once more, because {redo_obstacle_text(why)}."
        case LinkExpiredError(is_renewable=False):
            return str(error)
        case LinkExpiredError(is_shared=True) | LinkRevokedError(is_shared=True):
            return "This link has ended: ask the person who shared it with you for another one."
        case UnreadableImageError():
            return unreadable_text(error, localization_for(FALLBACK, own_catalogs()))
        case _ if type(error) in _NEXT_STEPS:
            return _NEXT_STEPS[type(error)].format(**vars(error))
        case _:
            return str(error)


def unreadable_text(error: UnreadableImageError, localization: Localization) -> str:
    """Why a picture cannot be read, and what to send instead."""

    def filled(value: RefusalValue) -> str:
        if isinstance(value, int):
            return str(value)
        return "".join(say(name, numbers) for name, numbers in value)

    def say(name: str, values: Mapping[str, RefusalValue]) -> str:
        count = values.get("count")
        rest = {each: filled(value) for each, value in values.items() if each != "count"}
        return localization.say(f"picture.{name}", count if isinstance(count, int) else None, **rest)

    return say(error.refusal, error.values)


def redo_obstacle_text(why: RedoObstacle) -> str:
    """Why an image is not redone, as half a sentence."""
    return own_catalogs()[FALLBACK].say(f"no_redo.{why}")


def _problem(error: ActionRefusedError) -> str:
    """Why an action is refused, with photos and refunds by their numbers."""
    order, refusal = error.order, error.problem
    match refusal:
        case ActionProblem():
            failed = [
                str(n)
                for n, each in enumerate(order.refunds.values(), 1)
                if each.status is RefundStatus.FAILED
            ]
            return _PROBLEMS[refusal].format(
                number=error.number, photos=len(order.images), failed=", ".join(failed)
            )
        case errors.IllegalMoveError():
            return ILLEGAL_BY_NAME.get(refusal.event, "This cannot be done")
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
            return f"{photo} cannot be restored once more, because {redo_obstacle_text(refusal.why)}"
        case _:
            return error_text(refusal).rstrip(".")


def _not_refundable(order: Order, image_id: ImageId) -> str:
    image: Image = order.images[image_id]
    photo = f"photo {number_of(order, image_id)}"
    if image.restored is not None:
        return f"{photo.capitalize()} is restored, so an amount can be paid back but not the photo itself"
    if image_id in order.ledger.covered_images:
        return f"The money for {photo} was refunded or is being refunded"
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
