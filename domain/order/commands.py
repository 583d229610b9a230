"""Commands for an order; ``decide`` returns their events or refuses.

What providers and the shop itself report is not a command: it is proposed as an event.
"""

from dataclasses import dataclass
from datetime import datetime

from domain.order.events import Event
from domain.order.values import (
    DownloadLinkId,
    EmailKind,
    HoldReason,
    ImageId,
    Money,
    NoteId,
    RefundId,
    Sha256,
)


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Hold the order: start no reaction until it is released."""

    reason: HoldReason = HoldReason.REQUESTED
    note_id: NoteId | None = None


@dataclass(frozen=True, kw_only=True)
class Release:
    """Continue the order from where it was held."""

    note_id: NoteId | None = None


@dataclass(frozen=True, kw_only=True)
class RequestRefund:
    """Refund an amount, some images or, with neither, all that is left."""

    refund_id: RefundId
    amount: Money | None = None
    image_ids: tuple[ImageId, ...] = ()  # they are withdrawn from restoration
    note_id: NoteId | None = None


@dataclass(frozen=True, kw_only=True)
class RecordManualRefund:
    """Record that a failed refund was paid by other means."""

    refund_id: RefundId
    amount: Money
    note_id: NoteId


@dataclass(frozen=True, kw_only=True)
class RequestRedo:
    """Restore a delivered image once more; keep its earlier results."""

    image_id: ImageId
    by_customer: bool
    note_id: NoteId | None = None


@dataclass(frozen=True, kw_only=True)
class IssueLink:
    """Add a download link to the newest archive."""

    link_id: DownloadLinkId
    token_sha256: Sha256
    expires_at: datetime
    note_id: NoteId | None = None
    is_shared: bool = False


@dataclass(frozen=True, kw_only=True)
class RevokeLink:
    """Revoke a download link: it opens nothing any more."""

    link_id: DownloadLinkId
    note_id: NoteId | None = None


@dataclass(frozen=True, kw_only=True)
class RequestEmail:
    """Send one more e-mail of a kind."""

    kind: EmailKind
    note_id: NoteId | None = None


Command = (
    Hold | Release | RequestRefund | RecordManualRefund | RequestRedo | IssueLink | RevokeLink | RequestEmail
)

#: What ``decide`` accepts.
Proposal = Command | Event
