"""Deterministic ids: the same thing always gets the same id.

Creating it twice is therefore idempotent.
"""

from uuid import UUID, uuid5

from domain.order.values import DownloadLinkId, EmailId, EmailKind, NoteId, OrderId, RefundId

_BY_HAND = "by-hand:"


def email_id_of(order_id: OrderId, kind: EmailKind, sequence: int = 1) -> EmailId:
    """The id of an order's ``sequence``-th e-mail of this kind, 1-based."""
    return EmailId(_derive(order_id, "email", kind, *([sequence] if sequence > 1 else [])))


def refund_id_of(order_id: OrderId, sequence: int) -> RefundId:
    """The id of an order's ``sequence``-th refund, 1-based."""
    return RefundId(_derive(order_id, "refund", sequence))


def refund_id_at_provider(order_id: OrderId, provider_refund_id: str) -> RefundId:
    """Our id of a refund that was made at the provider."""
    return RefundId(_derive(order_id, "provider-refund", provider_refund_id))


def provider_refund_id_by_hand(note_id: NoteId) -> str:
    """The provider's refund id of a manual refund.

    It names the note of the staff member who paid by other means.
    """
    return f"{_BY_HAND}{note_id}"


def note_of_payment_by_hand(provider_refund_id: str) -> NoteId | None:
    """The note about a manual refund; none if the provider paid."""
    if not provider_refund_id.startswith(_BY_HAND):
        return None
    return NoteId(UUID(provider_refund_id.removeprefix(_BY_HAND)))


def shared_link_id_of(order_id: OrderId, sequence: int) -> DownloadLinkId:
    """The id of an order's ``sequence``-th link for others, 1-based.

    It is not an id of a download link: a rebuilt order must not issue one as the customer's own.
    """
    return DownloadLinkId(_derive(order_id, "shared-link", sequence))


def download_link_id_of(order_id: OrderId, sequence: int) -> DownloadLinkId:
    """The id of an order's ``sequence``-th download link, 1-based."""
    return DownloadLinkId(_derive(order_id, "download-link", sequence))


def _derive(order_id: OrderId, *parts: object) -> UUID:
    return uuid5(order_id, ":".join(str(part) for part in parts))
