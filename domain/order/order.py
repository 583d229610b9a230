"""The order aggregate, folded from its events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain.order.deterministic_ids import email_id_of
from domain.order.download_link import DownloadLink
from domain.order.email import Email, EmailStatus
from domain.order.events import PaymentReceived
from domain.order.image import Image
from domain.order.ledger import Dispute, Ledger, PointsEntry, Refund, RefundStatus
from domain.order.states import DELIVERABLE_STATES, State
from domain.order.values import (
    DownloadLinkId,
    EmailId,
    EmailKind,
    HoldReason,
    ImageId,
    OrderId,
    RefundId,
    RefundReason,
    Sha256,
)


@dataclass(frozen=True, kw_only=True)
class Order:
    """The state of one order; a new one has only its id."""

    order_id: OrderId
    version: int = 0
    #: The newest event's hash; none until it is stored. It identifies the log: equality of orders ignores it.
    head: Sha256 | None = field(default=None, compare=False)
    state: State = State.NEW
    payment: PaymentReceived | None = None
    images: Mapping[ImageId, Image] = field(default_factory=dict)
    emails: Mapping[EmailId, Email] = field(default_factory=dict)
    links: Mapping[DownloadLinkId, DownloadLink] = field(default_factory=dict)
    shared_links: Mapping[DownloadLinkId, DownloadLink] = field(default_factory=dict)
    refunds: Mapping[RefundId, Refund] = field(default_factory=dict)
    disputes: Mapping[str, Dispute] = field(default_factory=dict)
    points: tuple[PointsEntry, ...] = ()
    hold: HoldReason | None = None
    photos_are_purged: bool = False
    entered_at: Mapping[State, datetime] = field(default_factory=dict)  # when each state was first reached

    # Flags beside the state.

    @property
    def is_held(self) -> bool:
        """Whether the order is held for staff."""
        return self.hold is not None

    @property
    def work_is_stopped(self) -> bool:
        """Whether a hold stops new reactions and delivery.

        A refund that cannot be paid needs staff, but is no reason to withhold restored photos.
        """
        return self.hold not in {None, HoldReason.REFUND_NOT_ISSUED}

    @property
    def is_disputed(self) -> bool:
        """Whether a bank dispute about the payment is undecided."""
        return self.ledger.is_disputed

    @property
    def has_open_inquiry(self) -> bool:
        """Whether a bank inquiry is open; an inquiry takes no money."""
        return self.ledger.has_open_inquiry

    # Photos.

    @property
    def restored_images(self) -> tuple[Image, ...]:
        """The images that can be delivered, in upload order."""
        return tuple(image for image in self.images.values() if image.restored is not None)

    @property
    def failed_images(self) -> tuple[Image, ...]:
        """The images that failed permanently, in upload order."""
        return tuple(image for image in self.images.values() if image.failure is not None)

    @property
    def lost_images(self) -> tuple[Image, ...]:
        """The images that failed because object storage lost their files."""
        return tuple(image for image in self.failed_images if image.failure and image.failure.is_lost_file)

    @property
    def every_image_is_settled(self) -> bool:
        """Whether every paid image is restored or has failed permanently."""
        # Images are mostly settled in upload order: from the end, one that is not is found soon.
        return all(image.is_settled for image in reversed(self.images.values()))  # type: ignore[call-overload]

    @property
    def is_being_redone(self) -> bool:
        """Whether a redo of any image is in progress."""
        return any(image.is_being_redone for image in self.images.values())

    @property
    def is_restoring(self) -> bool:
        """Whether predictions are awaited, in the first round or a redo."""
        return self.state is State.RESTORING or (self.is_being_redone and self.is_deliverable)

    @property
    def is_deliverable(self) -> bool:
        """Whether the customer has the results, or is about to."""
        return self.state in DELIVERABLE_STATES

    def awaits(self, image_id: ImageId, attempt: int) -> bool:
        """Whether the outcome of an attempt is still required."""
        image = self.images[image_id]
        is_its_turn = self.state is State.RESTORING or (image.is_being_redone and self.is_deliverable)
        return is_its_turn and image.is_in_turn(attempt)

    # E-mails and links.

    @property
    def newest_link(self) -> DownloadLink | None:
        """The newest link that was not revoked."""
        good = [link for link in self.links.values() if not link.is_revoked]
        return good[-1] if good else None

    @property
    def all_links(self) -> Mapping[DownloadLinkId, DownloadLink]:
        """The customer's links, and those that they made for others."""
        return {**self.links, **self.shared_links}

    @property
    def shared_link(self) -> DownloadLink | None:
        """The link for others that is not revoked, if any."""
        return next((link for link in self.shared_links.values() if not link.is_revoked), None)

    @property
    def archive_revision(self) -> int:
        """The revision of the archive that holds every current result."""
        return 1 + sum(len(image.earlier) for image in self.images.values())

    @property
    def has_current_archive(self) -> bool:
        """Whether the archive of every current result exists."""
        return any(link.edition == self.archive_revision for link in self.links.values())

    @property
    def result_is_sent(self) -> bool:
        """Whether an e-mail with the link was accepted and did not bounce."""
        return any(
            email.status is EmailStatus.SENT and email.kind.brings_a_link for email in self.emails.values()
        )

    @property
    def link_is_on_its_way(self) -> bool:
        """Whether an e-mail with the link is due or unconfirmed."""
        return any(
            email.status in {EmailStatus.DUE, EmailStatus.UNCONFIRMED} and email.kind.brings_a_link
            for email in self.emails.values()
        )

    @property
    def result_is_undelivered(self) -> bool:
        """Whether no result e-mail arrived and no file was fetched."""
        return not self.result_is_sent and not self.is_fetched

    @property
    def is_fetched(self) -> bool:
        """Whether the customer fetched anything; serving a client does not count."""
        return any(link.fetched for link in self.links.values())

    @property
    def has_opted_out(self) -> bool:
        """Whether the customer reported spam or unsubscribed."""
        return any(email.opt_out is not None for email in self.emails.values())

    def count_of(self, kind: EmailKind) -> int:
        """The number of e-mails of a kind."""
        return sum(email.kind is kind for email in self.emails.values())

    def next_email_id(self, kind: EmailKind) -> EmailId:
        """The id of the next e-mail of a kind."""
        return email_id_of(self.order_id, kind, self.count_of(kind) + 1)

    # Money.

    @property
    def ledger(self) -> Ledger:
        """The order's ledger, computed from payment, refunds and disputes."""
        currency = self.payment.paid.currency if self.payment else ""
        return Ledger(paid=self.paid_amount, currency=currency, refunds=self.refunds, disputes=self.disputes)

    @property
    def paid_amount(self) -> int:
        """The amount paid, in minor units."""
        return self.payment.paid.amount if self.payment else 0

    @property
    def refunded_amount(self) -> int:
        """The amount the provider refunded, in minor units."""
        return self.ledger.issued

    @property
    def refundable_amount(self) -> int:
        """The amount that may still be refunded, in minor units.

        It is what was paid, less everything that is requested, refunded, disputed or lost.
        """
        return self.ledger.refundable

    @property
    def uncovered_images(self) -> tuple[Image, ...]:
        """Permanently failed images whose share has no refund yet."""
        covered = self.ledger.covered_images
        return tuple(
            image for image in self.failed_images if image.share.amount > 0 and image.image_id not in covered
        )

    @property
    def money_is_owed(self) -> bool:
        """Whether a failed image's share or a requested refund is still owed."""
        ledger = self.ledger
        if ledger.having(RefundStatus.REQUESTED, RefundStatus.PENDING, RefundStatus.FAILED):
            return True
        return bool(self.uncovered_images) and (ledger.refundable > 0 or ledger.is_disputed)

    @property
    def is_full_refund_pending(self) -> bool:
        """Whether the full payment is to be refunded.

        That is so when the order was stopped or yielded no result.
        """
        ledger = self.ledger
        return ledger.pending_refunds_amount >= ledger.paid > 0 and self._was_stopped(
            tuple(ledger.all_but(RefundStatus.DROPPED))
        )

    @property
    def everything_is_refunded(self) -> bool:
        """Whether the full payment of a stopped or failed order is refunded.

        A full refund whose only reason is failed images counts only if no image was restored.
        """
        ledger = self.ledger
        is_back = ledger.issued + ledger.lost >= ledger.paid > 0
        return is_back and self._was_stopped(tuple(ledger.having(RefundStatus.ISSUED)))

    @property
    def is_refunded_for_now(self) -> bool:
        """Whether a refunded order still waits for part of its money.

        A bank returned to the shop what it had taken, or a refund is pending beside a dispute in another currency,
        whose amount counts as the whole payment.
        """
        is_returned = self.ledger.returned_amount >= self.paid_amount and not self.ledger.pending
        return self.state is State.REFUNDED and not is_returned

    def _was_stopped(self, refunds: tuple[Refund, ...]) -> bool:
        """Whether a refund has another cause than some failed photos.

        That is: another reason, a lost dispute, or no restored image.
        """
        was_requested = any(refund.reason is not RefundReason.NOT_RESTORED for refund in refunds)
        nothing_came = self.every_image_is_settled and not self.restored_images
        return was_requested or self.ledger.lost > 0 or nothing_came
