"""An order as its events tell it: what was paid, each image's way, mails, links, money, points and holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.order.deterministic_ids import email_id_of
from domain.order.image import Image
from domain.order.ledger import Dispute, Ledger, PointsEntry, Refund, RefundStatus
from domain.order.states import DELIVERABLE_STATES, State
from domain.order.values import (
    CustomerId,
    DownloadLinkId,
    EmailId,
    EmailKind,
    HoldReason,
    ImageId,
    Money,
    OptOut,
    OrderId,
    OrderNumber,
    RefundId,
    RefundReason,
    Sha256,
    StoredObject,
    UploadSessionId,
)


class EmailStatus(StrEnum):
    """How far a mail has come."""

    DUE = "due"
    UNCONFIRMED = "unconfirmed"  # the provider's answer was lost
    SENT = "sent"
    FAILED = "failed"
    BOUNCED = "bounced"  # it was accepted, and did not arrive
    REPLACED = "replaced"  # it bounced or was blocked, and another one took its place


@dataclass(frozen=True, kw_only=True)
class Email:
    """A mail the order owes its customer; ``attempt`` counts what may have reached the provider."""

    email_id: EmailId
    kind: EmailKind
    status: EmailStatus = EmailStatus.DUE
    attempt: int = 1
    message_id: str | None = None
    refund_id: RefundId | None = None  # the refund it tells of
    blocked_before: int = 0  # how many mails in whose place it was sent were blocked
    is_deferred: bool = False  # the receiving server has put it off at least once
    opt_out: OptOut | None = None


@dataclass(frozen=True, kw_only=True)
class DownloadLink:
    """A link to an archive. The token itself is known to nobody but the customer's mailbox."""

    link_id: DownloadLinkId
    archive: StoredObject
    token_sha256: Sha256
    expires_at: datetime
    edition: int = 1  # of the archive
    is_revoked: bool = False
    #: Whose bytes were sent to any client, a mail scanner perhaps; None is the archive.
    served: frozenset[ImageId | None] = frozenset()
    #: What the customer pressed the button for; None is the archive.
    fetched: frozenset[ImageId | None] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Payment:
    """What was paid, by whom, for which uploads."""

    order_number: OrderNumber
    customer_id: CustomerId
    upload_session_id: UploadSessionId
    checkout_session_id: str
    payment_intent_id: str | None
    quoted: Money
    discount: Money
    paid: Money
    tax: Money | None = None  # added on top of the quote; a part of what was paid


@dataclass(frozen=True, kw_only=True)
class Order:
    """Everything the log says about one order; a new one knows nothing but its id."""

    order_id: OrderId
    version: int = 0
    #: The newest event's hash, none while it is not stored. It tells about the log: orders are alike without it.
    head: Sha256 | None = field(default=None, compare=False)
    state: State = State.NEW
    payment: Payment | None = None
    images: Mapping[ImageId, Image] = field(default_factory=dict)
    emails: Mapping[EmailId, Email] = field(default_factory=dict)
    links: Mapping[DownloadLinkId, DownloadLink] = field(default_factory=dict)
    refunds: Mapping[RefundId, Refund] = field(default_factory=dict)
    disputes: Mapping[str, Dispute] = field(default_factory=dict)
    points: tuple[PointsEntry, ...] = ()
    hold: HoldReason | None = None
    photos_are_purged: bool = False
    entered_at: Mapping[State, datetime] = field(default_factory=dict)  # when each state was first reached

    # Beside the state.

    @property
    def is_held(self) -> bool:
        """Whether the order waits for a person."""
        return self.hold is not None

    @property
    def work_is_stopped(self) -> bool:
        """Whether a hold keeps work from being begun and results from being sent.

        A refund that cannot be paid needs a person, and is no reason to withhold what was restored.
        """
        return self.hold not in {None, HoldReason.REFUND_NOT_ISSUED}

    @property
    def is_disputed(self) -> bool:
        """Whether a bank has yet to decide about the payment."""
        return self.ledger.is_disputed

    @property
    def has_open_inquiry(self) -> bool:
        """Whether a bank asks about the payment, which takes no money."""
        return self.ledger.has_open_inquiry

    # The photos.

    @property
    def restored_images(self) -> tuple[Image, ...]:
        """The images that can be delivered, in the order they were uploaded."""
        return tuple(image for image in self.images.values() if image.restored is not None)

    @property
    def failed_images(self) -> tuple[Image, ...]:
        """The images that failed for good, in the order they were uploaded."""
        return tuple(image for image in self.images.values() if image.failure is not None)

    @property
    def lost_images(self) -> tuple[Image, ...]:
        """The images that failed because the shop's storage lost their files."""
        return tuple(image for image in self.failed_images if image.failure and image.failure.is_lost_file)

    @property
    def every_image_is_settled(self) -> bool:
        """Whether the restorer has nothing left to do for what was paid."""
        return all(image.is_settled for image in self.images.values())

    @property
    def is_being_redone(self) -> bool:
        """Whether another attempt at an image is going on."""
        return any(image.is_being_redone for image in self.images.values())

    @property
    def is_restoring(self) -> bool:
        """Whether the restorer's answers are waited for: in the first round, or for a redo of what is delivered."""
        return self.state is State.RESTORING or (self.is_being_redone and self.is_deliverable)

    @property
    def is_deliverable(self) -> bool:
        """Whether the results are with the customer, or about to be."""
        return self.state in DELIVERABLE_STATES

    def awaits(self, image_id: ImageId, attempt: int) -> bool:
        """Whether the outcome of an attempt still matters."""
        image = self.images[image_id]
        is_its_turn = self.state is State.RESTORING or (image.is_being_redone and self.is_deliverable)
        return is_its_turn and image.is_in_turn(attempt)

    # What the customer was sent.

    @property
    def newest_link(self) -> DownloadLink | None:
        """The newest link that was not revoked."""
        good = [link for link in self.links.values() if not link.is_revoked]
        return good[-1] if good else None

    @property
    def archive_revision(self) -> int:
        """The edition of the archive that holds every result there is now."""
        return 1 + sum(len(image.earlier) for image in self.images.values())

    @property
    def has_current_archive(self) -> bool:
        """Whether the archive with every result there is now was made."""
        return any(link.edition == self.archive_revision for link in self.links.values())

    @property
    def result_is_sent(self) -> bool:
        """Whether a mail with the link was accepted, and did not come back."""
        return any(
            email.status is EmailStatus.SENT and email.kind.brings_a_link for email in self.emails.values()
        )

    @property
    def link_is_on_its_way(self) -> bool:
        """Whether a mail with the link is due, or may be with the provider already."""
        return any(
            email.status in {EmailStatus.DUE, EmailStatus.UNCONFIRMED} and email.kind.brings_a_link
            for email in self.emails.values()
        )

    @property
    def result_is_undelivered(self) -> bool:
        """Whether no mail with the link is known to have arrived, and the customer fetched nothing."""
        return not self.result_is_sent and not self.is_fetched

    @property
    def is_fetched(self) -> bool:
        """Whether the customer fetched anything; what was only served to a client does not count."""
        return any(link.fetched for link in self.links.values())

    @property
    def has_opted_out(self) -> bool:
        """Whether the customer reported a mail of this order as spam, or unsubscribed."""
        return any(email.opt_out is not None for email in self.emails.values())

    def count_of(self, kind: EmailKind) -> int:
        """How many mails of a kind there are."""
        return sum(email.kind is kind for email in self.emails.values())

    def next_email_id(self, kind: EmailKind) -> EmailId:
        """The id that one more mail of a kind has."""
        return email_id_of(self.order_id, kind, self.count_of(kind) + 1)

    # Money.

    @property
    def ledger(self) -> Ledger:
        """The order's money, worked out."""
        currency = self.payment.paid.currency if self.payment else ""
        return Ledger(paid=self.paid_amount, currency=currency, refunds=self.refunds, disputes=self.disputes)

    @property
    def paid_amount(self) -> int:
        """What was paid, in minor units."""
        return self.payment.paid.amount if self.payment else 0

    @property
    def refunded_amount(self) -> int:
        """What the provider paid back, in minor units."""
        return self.ledger.issued

    @property
    def refundable_amount(self) -> int:
        """What may still be asked back, in minor units: paid, less all that is asked back, disputed or lost."""
        return self.ledger.refundable

    @property
    def uncovered_images(self) -> tuple[Image, ...]:
        """Images that failed for good and whose share nobody has resolved to pay back."""
        covered = self.ledger.covered_images
        return tuple(
            image for image in self.failed_images if image.share.amount > 0 and image.image_id not in covered
        )

    @property
    def money_is_owed(self) -> bool:
        """Whether a failed image's share, or a refund somebody asked for, has not gone back yet."""
        ledger = self.ledger
        if ledger.having(RefundStatus.REQUESTED, RefundStatus.PENDING, RefundStatus.FAILED):
            return True
        return bool(self.uncovered_images) and (ledger.refundable > 0 or ledger.is_disputed)

    @property
    def is_full_refund_pending(self) -> bool:
        """Whether somebody stopped the order, or nothing came of it, so that all that was paid goes back."""
        ledger = self.ledger
        return ledger.pending_refunds_amount >= ledger.paid > 0 and self._was_stopped(
            tuple(ledger.all_but(RefundStatus.DROPPED))
        )

    @property
    def everything_is_refunded(self) -> bool:
        """Whether all that was paid went back, and nothing is left that was restored and paid with nothing."""
        ledger = self.ledger
        is_back = ledger.issued + ledger.lost >= ledger.paid > 0
        return is_back and self._was_stopped(tuple(ledger.having(RefundStatus.ISSUED)))

    @property
    def is_refunded_for_now(self) -> bool:
        """Whether the order was refunded and is not any more: a bank gave the shop back what it had taken."""
        return self.state is State.REFUNDED and self.ledger.returned_amount < self.paid_amount

    def _was_stopped(self, refunds: tuple[Refund, ...]) -> bool:
        """Whether money goes back for another reason than photos that failed while others were restored."""
        by_somebody = any(refund.reason is not RefundReason.NOT_RESTORED for refund in refunds)
        return by_somebody or self.ledger.lost > 0 or not self.restored_images
