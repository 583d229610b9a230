"""The event that a command proposes."""

from collections.abc import Sequence
from typing import assert_never

from domain.order import commands as c
from domain.order import events as e
from domain.order.deterministic_ids import provider_refund_id_by_hand
from domain.order.order import Order
from domain.order.values import ImageId, Money, RefundReason


def requested_event(order: Order, command: c.Command) -> e.Event:
    """The event that a command proposes; ``decide`` accepts or refuses it."""
    match command:
        case c.Hold():
            return e.OrderHeld(reason=command.reason, note_id=command.note_id)
        case c.Release():
            return e.OrderReleased(note_id=command.note_id)
        case c.RequestRefund():
            return e.RefundRequested(
                refund_id=command.refund_id,
                amount=command.amount or _amount_due(order, command.image_ids),
                reason=RefundReason.REQUESTED,
                image_ids=command.image_ids,
                note_id=command.note_id,
            )
        case c.RecordManualRefund():
            return e.RefundIssued(
                refund_id=command.refund_id,
                amount=command.amount,
                provider_refund_id=provider_refund_id_by_hand(command.note_id),
            )
        case c.RequestRedo():
            return e.RedoRequested(
                image_id=command.image_id, by_customer=command.by_customer, note_id=command.note_id
            )
        case c.IssueLink():
            return e.DownloadLinkIssued(
                link_id=command.link_id,
                token_sha256=command.token_sha256,
                expires_at=command.expires_at,
                note_id=command.note_id,
                is_shared=command.is_shared,
            )
        case c.RevokeLink():
            return e.DownloadLinkRevoked(link_id=command.link_id, note_id=command.note_id)
        case c.RequestEmail():
            return e.EmailRequested(
                email_id=order.next_email_id(command.kind), kind=command.kind, note_id=command.note_id
            )
        case _:
            assert_never(command)


def _amount_due(order: Order, image_ids: Sequence[ImageId]) -> Money:
    """The default amount of a refund.

    It is the shares of the images, or everything if none is named, and at most what is still refundable.
    """
    left = order.refundable_amount
    shares = [order.images[image_id].share.amount for image_id in image_ids if image_id in order.images]
    return Money(amount=min(sum(shares), left) if image_ids else left, currency=order.ledger.currency)
