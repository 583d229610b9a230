"""What staff may do with an order now."""

from enum import StrEnum

from domain.order import events as e
from domain.order.decide_delivery import requestable_email
from domain.order.errors import NothingToSendError
from domain.order.lifecycle import allowed
from domain.order.order import Order


class StaffAction(StrEnum):
    """What staff may do, in the order it is offered."""

    HOLD = "hold"
    RELEASE = "release"
    REFUND = "refund"
    RECORD_MANUAL_REFUND = "record_manual_refund"
    REDO = "redo"
    RENEW_LINK = "renew_link"
    REVOKE_LINK = "revoke_link"
    RESEND_EMAIL = "resend_email"
    WRITE_NOTE = "write_note"
    PURGE_PHOTOS = "purge_photos"
    ERASE = "erase"


def possible_actions(order: Order) -> list[StaffAction]:
    """The actions that the lifecycle allows and that would change something."""
    may = allowed(order.state)
    has_photos = bool(order.restored_images) and not order.photos_are_purged
    actions: list[tuple[StaffAction, type[e.Event], bool]] = [
        (StaffAction.HOLD, e.OrderHeld, not order.work_is_stopped),
        (StaffAction.RELEASE, e.OrderReleased, order.is_held),
        (StaffAction.REFUND, e.RefundRequested, order.refundable_amount > 0),
        (StaffAction.RECORD_MANUAL_REFUND, e.RefundIssued, order.ledger.failed > 0),
        (StaffAction.REDO, e.RedoRequested, has_photos),
        (StaffAction.RENEW_LINK, e.DownloadLinkIssued, has_photos),
        (StaffAction.REVOKE_LINK, e.DownloadLinkRevoked, order.newest_link is not None),
        (StaffAction.RESEND_EMAIL, e.EmailRequested, _calls_for_email(order)),
        (StaffAction.WRITE_NOTE, e.NoteAdded, True),
        (StaffAction.PURGE_PHOTOS, e.PhotosPurged, not order.photos_are_purged),
        (StaffAction.ERASE, e.OrderErased, True),
    ]
    return [action for action, event, makes_sense in actions if event in may and makes_sense]


def _calls_for_email(order: Order) -> bool:
    try:
        kind = requestable_email(order)
    except NothingToSendError:
        return False
    return not (kind.brings_a_link and (order.photos_are_purged or order.newest_link is None))
