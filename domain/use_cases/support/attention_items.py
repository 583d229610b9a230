"""What can need attention from staff, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.order.values import HoldReason, OrderId, OrderNumber
from domain.ports.reaction_queue import UnreadableWork


class AttentionKind(StrEnum):
    """The reason why staff have to look."""

    ON_HOLD = "on_hold"
    REFUND_FAILED = "refund_failed"
    MAIL_FAILED = "mail_failed"
    MAIL_BOUNCED = "mail_bounced"
    MAIL_OPTED_OUT = "mail_opted_out"
    OVERPAID = "overpaid"
    DISPUTED = "disputed"
    INQUIRY = "inquiry"
    WORK_GIVEN_UP = "work_given_up"
    WORK_UNREADABLE = "work_unreadable"
    STREAM_BROKEN = "stream_broken"
    PAYMENT_UNMATCHED = "payment_unmatched"
    WEBHOOK_CONFLICT = "webhook_conflict"


@dataclass(frozen=True, kw_only=True)
class AttentionItem:
    """An item that waits for staff.

    ``subject`` is the id of what it is about, at the provider or ours.
    """

    kind: AttentionKind
    since: datetime
    subject: str
    facts: Mapping[str, object]
    order_id: OrderId | None = None
    number: OrderNumber | None = None
    hold: HoldReason | None = None
    work: UnreadableWork | None = None
    is_repairable: bool = False  # a reconciliation that repairs takes care of it
