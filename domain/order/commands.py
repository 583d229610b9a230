"""What people ask of an order; ``decide`` answers with the events that follow, or refuses.

What providers and the shop itself report is no command: it is proposed as the event that it would be.
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
    """Begin no work for the order until it is released."""

    reason: HoldReason = HoldReason.REQUESTED
    note_id: NoteId | None = None


@dataclass(frozen=True, kw_only=True)
class Release:
    """Continue the order from where it was held."""

    note_id: NoteId | None = None


@dataclass(frozen=True, kw_only=True)
class RequestRefund:
    """Refund an amount; without one, what was paid for the images, or all that is left."""

    refund_id: RefundId
    amount: Money | None = None
    image_ids: tuple[ImageId, ...] = ()  # they are withdrawn from the work
    note_id: NoteId | None = None


@dataclass(frozen=True, kw_only=True)
class RecordManualRefund:
    """Record that a failed refund was paid another way."""

    refund_id: RefundId
    amount: Money
    note_id: NoteId


@dataclass(frozen=True, kw_only=True)
class RequestRedo:
    """Restore a delivered image once more, and keep its results."""

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


@dataclass(frozen=True, kw_only=True)
class RevokeLink:
    """Make a download link open nothing any more."""

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

#: What ``decide`` takes.
Proposal = Command | Event
