"""What a comparison finds, and the report of it all."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.order.stream_integrity import StreamBreak
from domain.order.values import OrderId
from domain.ports.reconciliation_queries import UnreadableEvent


class Side(StrEnum):
    """Whose books are compared with the log."""

    STRIPE = "stripe"
    LOG = "log"
    STORAGE = "storage"
    REPLICATE = "replicate"
    SENDGRID = "sendgrid"


class FindingCode(StrEnum):
    """What does not agree; programs go by these names, so they never change."""

    NOTICE_LOST = "notice_lost"  # word of something at Stripe never came in
    PAYMENT_NOT_ON_RECORD = "payment_not_on_record"  # Stripe took money that nothing on record tells of
    PAYMENT_OF_ANOTHER_AMOUNT = "payment_of_another_amount"  # Stripe took another amount than is on record
    PAYMENT_NOT_AT_STRIPE = "payment_not_at_stripe"  # a payment is on record that is not like this at Stripe
    REFUND_NOT_ON_RECORD = "refund_not_on_record"  # money went back, and that is not on record
    REFUND_FAILED_THERE = "refund_failed_there"  # a refund counts as issued, and it failed
    REFUND_OF_ANOTHER_AMOUNT = "refund_of_another_amount"  # another amount went back than is on record
    REFUND_NOT_AT_STRIPE = "refund_not_at_stripe"  # a refund is on record that is not like this at Stripe
    DISPUTE_NOT_ON_RECORD = "dispute_not_on_record"  # word of a dispute is not on record
    SESSION_WAITS_IN_VAIN = "session_waits_in_vain"  # its delayed payment has ended
    MESSAGE_IN_TWO_SHAPES = "message_in_two_shapes"  # a provider's message came again with other contents
    WEBHOOK_VERSION_OLD = "webhook_version_old"  # Stripe's events are of a version without refunds of cards
    ENTRY_UNREADABLE = "entry_unreadable"  # one thing on a provider's books has another shape than documented
    STREAM_BROKEN = "stream_broken"  # an order's events cannot be followed
    READ_MODELS_DIFFER = "read_models_differ"  # a read model does not tell what the log tells
    WORK_LOST = "work_lost"  # an order needs work that has no open row
    WORK_OVERDUE = "work_overdue"  # work is due, and nobody does it
    WORK_UNREADABLE = "work_unreadable"  # work is due, and this version of the shop cannot read it
    ORDER_HELD = "order_held"  # an order waits for a person
    OBJECT_MISSING = "object_missing"  # an event names an object that does not exist
    OBJECT_DIFFERS = "object_differs"  # an object is not what was recorded
    STRAY_OBJECT = "stray_object"  # an object of an order that no event names
    STRAY_UPLOAD = "stray_upload"  # an upload of a session that was tidied
    UNKNOWN_UPLOAD = "unknown_upload"  # an upload of a session that the database does not know
    PREDICTION_NOT_ON_RECORD = "prediction_not_on_record"  # a prediction of ours that the log does not know
    PREDICTION_NOT_COLLECTED = "prediction_not_collected"  # it has ended, and its order still waits
    PREDICTION_UNKNOWN_THERE = "prediction_unknown_there"  # an order waits for it in vain
    MAIL_CAME_BACK = "mail_came_back"  # a mail counts as sent, and could not be delivered
    MAIL_IS_KNOWN_THERE = "mail_is_known_there"  # nobody knew whether a mail was sent, and SendGrid has it
    MAIL_UNKNOWN_THERE = "mail_unknown_there"  # a mail counts as sent, and SendGrid does not know it


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that does not agree."""

    side: Side
    what: FindingCode
    subject: str  # the id of what it is about: an order, an event, a key...
    order_id: OrderId | None = None
    since: datetime | None = None
    wrong: str  # a sentence
    advice: str  # a sentence
    is_healed: bool = False


def stream_broken(found: StreamBreak | UnreadableEvent) -> Finding:
    """An order whose events cannot be followed: no other comparison says anything of it."""
    at = found.recorded if isinstance(found, StreamBreak) else found
    return Finding(
        side=Side.LOG,
        what=FindingCode.STREAM_BROKEN,
        subject=str(at.event_id),
        order_id=at.order_id,
        since=at.recorded_at,
        wrong=str(found),
        advice="Nothing in the shop writes such a stream: compare the events with a backup's."
        if isinstance(found, StreamBreak)
        else "Nothing of this order is repaired, refunded or deleted until its events can be read.",
    )


@dataclass(frozen=True, kw_only=True)
class Foreign:
    """Something on the same account or bucket that this shop did not make: listed, left alone, and no finding."""

    side: Side
    kind: str  # payment, refund, dispute, object
    subject: str
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a comparison came to.

    ``closed`` are the sides that show nothing to this account, ``cut_off`` those that were away before all was
    compared, each with a sentence; findings from before that are in ``findings`` all the same. ``foreign`` is what
    other shops made on the same accounts. ``defects`` are errors that no port announces; each cost one finding, or the
    rest of one side.
    """

    since: datetime
    until: datetime
    findings: tuple[Finding, ...]
    closed: Mapping[Side, str]
    cut_off: Mapping[Side, str]
    foreign: tuple[Foreign, ...] = ()
    defects: tuple[Exception, ...] = ()

    @property
    def remaining(self) -> tuple[Finding, ...]:
        """What is wrong now."""
        return tuple(finding for finding in self.findings if not finding.is_healed)

    @property
    def agrees(self) -> bool:
        """Whether all that this account may compare was compared to its end, and nothing is wrong."""
        return not self.remaining and not self.cut_off


def foreign_kinds(foreign: Sequence[Foreign]) -> Mapping[str, int]:
    """How much of each kind another shop made."""
    return Counter(each.kind for each in foreign)
