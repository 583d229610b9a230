"""The note that an event refers to, stored outside the log."""

from domain.order import events as e
from domain.order.deterministic_ids import note_of_payment_by_hand
from domain.order.values import NoteId


def note_id_of(event: e.Event) -> NoteId | None:
    """The note with staff's reason for an event, if it has one."""
    match event:
        case e.RefundIssued():
            return note_of_payment_by_hand(event.provider_refund_id)
        case (
            e.RedoRequested()
            | e.DownloadLinkIssued()
            | e.DownloadLinkRevoked()
            | e.EmailRequested()
            | e.RefundRequested()
            | e.OrderHeld()
            | e.OrderReleased()
            | e.NoteAdded()
        ):
            return event.note_id
        case _:
            return None
