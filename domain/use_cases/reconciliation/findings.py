"""The findings of a reconciliation, and its report."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.order import actors
from domain.order.stream_integrity import StreamBreak
from domain.order.values import OrderId
from domain.ports.event_store import UnreadableEvent


class Side(StrEnum):
    """The system that is compared with the log."""

    PAYMENTS = actors.PAYMENT_PROVIDER
    LOG = "log"
    STORAGE = "storage"
    RESTORER = actors.RESTORER
    MAILER = actors.MAILER


class FindingCode(StrEnum):
    """A kind of discrepancy; codes never change, for programs use them."""

    NOTICE_LOST = "notice_lost"  # a webhook event of a payment was never received
    PAYMENT_NOT_ON_RECORD = "payment_not_on_record"  # the provider took money that is not recorded
    PAYMENT_OF_ANOTHER_AMOUNT = (
        "payment_of_another_amount"  # the provider took an amount that differs from the log
    )
    PAYMENT_NOT_AT_PROVIDER = "payment_not_at_stripe"  # a recorded payment is missing or differs there
    REFUND_NOT_ON_RECORD = "refund_not_on_record"  # a refund there is not recorded
    REFUND_FAILED_THERE = "refund_failed_there"  # a refund is recorded as issued, and failed there
    REFUND_OF_ANOTHER_AMOUNT = (
        "refund_of_another_amount"  # the provider refunded another amount than is recorded
    )
    REFUND_NOT_AT_PROVIDER = "refund_not_at_stripe"  # a recorded refund is missing or differs there
    DISPUTE_NOT_ON_RECORD = "dispute_not_on_record"  # a dispute or its outcome is not recorded
    SESSION_WAITS_IN_VAIN = "session_waits_in_vain"  # a session waits for a delayed payment that has ended
    MESSAGE_IN_TWO_SHAPES = "message_in_two_shapes"  # a provider's message was repeated with other contents
    WEBHOOK_VERSION_OLD = (
        "webhook_version_old"  # the provider's events have a version without refunds of cards
    )
    ENTRY_UNREADABLE = "entry_unreadable"  # an entry at a provider does not have the documented format
    STREAM_BROKEN = "stream_broken"  # an order's events cannot be read or folded
    READ_MODELS_DIFFER = "read_models_differ"  # a read model differs from the log
    WORK_LOST = "work_lost"  # a required reaction has no open row
    WORK_OVERDUE = "work_overdue"  # a reaction is due, and no worker processes it
    WORK_UNREADABLE = "work_unreadable"  # a reaction is due, and this version cannot read it
    ORDER_HELD = "order_held"  # an order is on hold for staff
    OBJECT_MISSING = "object_missing"  # an event names an object that does not exist
    OBJECT_DIFFERS = "object_differs"  # an object differs from what was recorded
    STRAY_OBJECT = "stray_object"  # an object of an order that no event names
    STRAY_UPLOAD = "stray_upload"  # an upload of a session that was cleaned up
    UNKNOWN_UPLOAD = "unknown_upload"  # an upload of a session that the database does not know
    PREDICTION_NOT_ON_RECORD = "prediction_not_on_record"  # a prediction of ours that the log does not know
    PREDICTION_NOT_COLLECTED = "prediction_not_collected"  # it has ended, and its order still waits for it
    PREDICTION_UNKNOWN_THERE = "prediction_unknown_there"  # an order waits for one that does not exist
    MAIL_CAME_BACK = "mail_came_back"  # an e-mail recorded as sent was not delivered
    MAIL_IS_KNOWN_THERE = "mail_is_known_there"  # an e-mail recorded as unconfirmed is known to the mailer
    MAIL_UNKNOWN_THERE = "mail_unknown_there"  # an e-mail recorded as sent is unknown to the mailer


class FindingCase(StrEnum):
    """What tells findings of one code apart."""

    ILLEGAL_EVENT = "illegal_event"  # of a broken stream
    UNREADABLE_EVENT = "unreadable_event"
    REWRITABLE = "rewritable"  # of unreadable work
    NOT_REQUIRED = "not_required"
    PENDING = "pending"  # of a refund
    PAID = "paid"
    INQUIRY = "inquiry"  # of a dispute
    DISPUTE = "dispute"
    SIZE = "size"  # of an object that differs
    CONTENTS = "contents"
    OF_THIS_SHOP = "of_this_shop"  # of an unknown upload
    UNMARKED = "unmarked"
    LISTED = "listed"  # of a prediction
    UNLISTED = "unlisted"
    STILL_REQUIRED = "still_required"
    STILL_RUNNING = "still_running"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One discrepancy: a code, its case if any, and facts."""

    side: Side
    what: FindingCode
    subject: str  # the id of the order, event, object key... in question
    order_id: OrderId | None = None
    since: datetime | None = None
    case: FindingCase | None = None
    facts: Mapping[str, object] = field(default_factory=dict, hash=False)
    is_repaired: bool = False
    repair_error: Exception | None = None  # why a repair that was tried did not succeed


def stream_broken(found: StreamBreak | UnreadableEvent) -> Finding:
    """Return the finding for an order whose events cannot be folded.

    No other comparison reports anything about such an order.
    """
    at = found.recorded if isinstance(found, StreamBreak) else found
    return Finding(
        side=Side.LOG,
        what=FindingCode.STREAM_BROKEN,
        subject=str(at.event_id),
        order_id=at.order_id,
        since=at.recorded_at,
        case=FindingCase.ILLEGAL_EVENT if isinstance(found, StreamBreak) else FindingCase.UNREADABLE_EVENT,
        facts={"problem": found},
    )


@dataclass(frozen=True, kw_only=True)
class Foreign:
    """An item of another shop on the same account or bucket.

    It is listed and left unchanged, and is not a finding.
    """

    side: Side
    kind: str  # payment, refund, dispute, object
    subject: str
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Report:
    """The result of a reconciliation.

    ``closed`` are the sides that this account may not list, ``cut_off`` those that became unavailable before
    everything was compared, each with a sentence; findings made before that are in ``findings``. ``foreign`` are
    items of other shops on the same accounts. ``defects`` are errors that no port declares; each cost one finding, or
    the rest of one side. ``late`` are sides that were cut off because the time was over; the next one compares them.
    """

    since: datetime
    until: datetime
    findings: tuple[Finding, ...]
    closed: Mapping[Side, str]
    cut_off: Mapping[Side, str]
    foreign: tuple[Foreign, ...] = ()
    defects: tuple[Exception, ...] = ()
    late: tuple[Side, ...] = ()

    @property
    def remaining(self) -> tuple[Finding, ...]:
        """The findings that were not repaired."""
        return tuple(finding for finding in self.findings if not finding.is_repaired)

    @property
    def agrees(self) -> bool:
        """Whether every accessible side was compared completely and no finding remains."""
        return not self.remaining and not self.cut_off


def foreign_kinds(foreign: Sequence[Foreign]) -> Mapping[str, int]:
    """Count the items of other shops by kind."""
    return Counter(each.kind for each in foreign)
