"""What the events of an order prove, independent of the shop's model."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.order import events as e
from domain.order.values import Client, DisputeOutcome, DownloadLinkId, EmailId, EmailKind, ImageId, RefundId

File = tuple[DownloadLinkId, ImageId | None]


@dataclass
class Known:
    """What a beginning of a stream proves."""

    paid: int = 0
    checkout_client: Client | None = None
    photos: list[ImageId] = field(default_factory=list)
    kinds: set[type[e.Event]] = field(default_factory=set)
    accepted: dict[EmailId, EmailKind] = field(
        default_factory=dict
    )  # by the mail provider, whatever came later
    returned: set[EmailId] = field(default_factory=set)  # bounced or blocked after that
    served: set[File] = field(default_factory=set)
    fetched: set[File] = field(default_factory=set)
    asked: dict[RefundId, int] = field(default_factory=dict)  # and not dropped
    accepted_refunds: dict[RefundId, int] = field(default_factory=dict)  # and neither paid nor failed
    issued: dict[RefundId, int] = field(default_factory=dict)  # and not failed later
    ever_asked: set[int] = field(default_factory=set)
    ever_issued: set[int] = field(default_factory=set)
    disputes: dict[str, tuple[int, DisputeOutcome | None]] = field(default_factory=dict)

    def apply(self, event: e.Event) -> None:  # noqa: C901, PLR0912 -- a case per event that proves anything
        """Add what one more event proves."""
        self.kinds.add(type(event))
        match event:
            case e.PaymentReceived():
                self.paid = event.paid.amount
                self.checkout_client = event.client
                self.photos = [photo.image_id for photo in event.photos]
            case e.EmailSent():
                self.accepted[event.email_id] = event.kind
            case e.EmailBounced() | e.EmailBlocked():
                self.returned.add(event.email_id)
            case e.ResultServed():
                self.served.add((event.link_id, event.image_id))
            case e.ResultDownloaded():
                self.fetched.add((event.link_id, event.image_id))
            case e.RefundRequested():
                self.asked[event.refund_id] = event.amount.amount
                self.ever_asked.add(event.amount.amount)
            case e.RefundAccepted():
                self.asked.setdefault(event.refund_id, event.amount.amount)
                self.accepted_refunds[event.refund_id] = event.amount.amount
                self.ever_asked.add(event.amount.amount)
            case e.RefundIssued():
                self.accepted_refunds.pop(event.refund_id, None)
                self.asked.setdefault(event.refund_id, event.amount.amount)
                self.issued[event.refund_id] = event.amount.amount
                self.ever_issued.add(event.amount.amount)
            case e.RefundFailed():
                self.accepted_refunds.pop(event.refund_id, None)
                self.issued.pop(event.refund_id, None)
            case e.RefundDropped():
                self.asked.pop(event.refund_id, None)
                self.issued.pop(event.refund_id, None)
            case e.DisputeOpened():
                self.disputes[event.dispute_id] = (event.amount.amount, None)
            case e.DisputeClosed():
                amount = event.amount.amount if event.amount else self.disputes.get(event.dispute_id, (0,))[0]
                self.disputes[event.dispute_id] = (amount, event.outcome)
            case _:
                pass  # proves nothing that a sentence of weight says

    @property
    def link_is_sent(self) -> bool:
        """Whether a mail with the link was accepted and did not bounce."""
        return any(
            kind.brings_a_link and email_id not in self.returned for email_id, kind in self.accepted.items()
        )

    @property
    def is_delivered(self) -> bool:
        """Whether the link was sent, or the customer downloaded something."""
        return self.link_is_sent or bool(self.fetched)

    @property
    def lost(self) -> int:
        """What banks took for good."""
        return sum(amount for amount, outcome in self.disputes.values() if outcome is DisputeOutcome.LOST)

    @property
    def is_all_back(self) -> bool:
        """Whether all that was paid is refunded, by shop or bank."""
        return sum(self.issued.values()) + self.lost >= self.paid

    @property
    def owes_money(self) -> bool:
        """Whether a refund was requested or is due for a failed photo."""
        return bool(self.asked) or bool(self.disputes) or e.RestorationFailed in self.kinds

    def has(self, files: set[File], what: str) -> bool:
        """Whether ``the whole archive`` or ``photo 2`` is among files."""
        number = what.rpartition(" ")[2]
        image_id = self.photos[int(number) - 1] if number.isdecimal() else None
        return any(known == image_id for _, known in files)


def known_from(events: Iterable[e.Event]) -> Known:
    """What some events prove together."""
    known = Known()
    for event in events:
        known.apply(event)
    return known


#: Whether what is known earns a sentence; the mapping has the sentence's own figures and names.
Earned = Callable[[Known, Mapping[str, str | Any]], bool]


def minor_units(found: Mapping[str, str]) -> int:
    """The amount in a sentence, whatever its language puts between the digits."""
    digits = "".join(sign for sign in found["amount"] if sign.isdecimal())
    return -int(digits) if found["amount"].startswith("-") else int(digits)
