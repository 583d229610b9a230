"""An order as its events tell it: what was paid, each image's way, mails, links, refunds, disputes and holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.model.identity import email_id_of
from domain.model.lifecycle import State
from domain.model.values import (
    CustomerId,
    DisputeOutcome,
    DownloadLinkId,
    EmailId,
    EmailKind,
    FailureReason,
    HoldReason,
    ImageId,
    Money,
    OrderId,
    OrderNumber,
    RefundId,
    RefundReason,
    Sha256,
    StoredObject,
    UploadSessionId,
)


class AttemptStatus(StrEnum):
    """What became of one attempt to restore an image."""

    RUNNING = "running"
    FAILED = "failed"
    COMPLETED = "completed"


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One attempt at the provider; ``prediction_id`` is the one that counts, if a lost reply left several."""

    number: int
    status: AttemptStatus
    prediction_id: str | None
    model: str | None = None
    reason: FailureReason | None = None
    superseded: tuple[str, ...] = ()  # predictions of this attempt that nobody waits for


@dataclass(frozen=True, kw_only=True)
class Image:
    """A paid photo on its way: uploaded, original, restored or failed for good."""

    image_id: ImageId
    upload: StoredObject
    share: Money  # of what was paid
    original: StoredObject | None = None
    restored: StoredObject | None = None
    width: int | None = None
    height: int | None = None
    failure: FailureReason | None = None
    attempts: Mapping[int, Attempt] = field(default_factory=dict)

    @property
    def is_settled(self) -> bool:
        """Restored, or failed for good."""
        return self.restored is not None or self.failure is not None

    @property
    def running(self) -> Attempt | None:
        """The attempt the shop waits for, if there is one."""
        return next((a for a in self.attempts.values() if a.status is AttemptStatus.RUNNING), None)

    @property
    def next_attempt(self) -> int:
        """The number the next attempt will have."""
        return len(self.attempts) + 1

    def knows(self, prediction_id: str) -> bool:
        """Whether a prediction is one of this image's attempts."""
        return any(
            prediction_id == attempt.prediction_id or prediction_id in attempt.superseded
            for attempt in self.attempts.values()
        )

    @property
    def open_predictions(self) -> tuple[str, ...]:
        """Predictions that may still run; once nobody waits for this image, they are better stopped."""
        predictions: list[str] = []
        for attempt in self.attempts.values():
            predictions.extend(attempt.superseded)
            if attempt.status is AttemptStatus.RUNNING and attempt.prediction_id is not None:
                predictions.append(attempt.prediction_id)
        return tuple(predictions)


class EmailStatus(StrEnum):
    """How far a mail has come."""

    DUE = "due"
    UNCONFIRMED = "unconfirmed"  # the provider's answer was lost
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Email:
    """A mail the order owes its customer; ``attempt`` counts what may have reached the provider."""

    email_id: EmailId
    kind: EmailKind
    status: EmailStatus = EmailStatus.DUE
    attempt: int = 1
    message_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class DownloadLink:
    """A link to the archive. The token itself is known to nobody but the customer's mailbox."""

    link_id: DownloadLinkId
    archive: StoredObject
    token_sha256: Sha256
    expires_at: datetime
    opened: frozenset[ImageId | None] = frozenset()  # what was fetched through it; None is the archive


class RefundStatus(StrEnum):
    """How far a refund has come."""

    REQUESTED = "requested"
    ISSUED = "issued"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Refund:
    """Money on its way back; ``attempt`` counts definite refusals, each of which needs a fresh try."""

    refund_id: RefundId
    amount: Money
    reason: RefundReason
    image_ids: tuple[ImageId, ...]
    status: RefundStatus = RefundStatus.REQUESTED
    attempt: int = 1
    provider_refund_id: str | None = None
    failed_provider_refund_ids: frozenset[str] = frozenset()  # word of these may still come, late


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
    disputes: Mapping[str, DisputeOutcome | None] = field(default_factory=dict)  # None while it is open
    hold: HoldReason | None = None
    photos_are_purged: bool = False
    entered_at: Mapping[State, datetime] = field(default_factory=dict)  # when each state was first reached

    @property
    def is_held(self) -> bool:
        """Whether the order waits for a person."""
        return self.hold is not None

    @property
    def is_disputed(self) -> bool:
        """Whether a bank has yet to decide about the payment."""
        return any(outcome is None for outcome in self.disputes.values())

    @property
    def restored_images(self) -> tuple[Image, ...]:
        """The images that can be delivered, in the order they were uploaded."""
        return tuple(image for image in self.images.values() if image.restored is not None)

    @property
    def failed_images(self) -> tuple[Image, ...]:
        """The images that failed for good, in the order they were uploaded."""
        return tuple(image for image in self.images.values() if image.failure is not None)

    @property
    def newest_link(self) -> DownloadLink | None:
        """The link the result mail carries."""
        return next(reversed(list(self.links.values())), None)

    @property
    def every_image_is_settled(self) -> bool:
        """Whether the restorer has nothing left to do."""
        return all(image.is_settled for image in self.images.values())

    @property
    def nothing_can_follow(self) -> bool:
        """Whether every image failed and no money has to go back: a free order of which nothing came."""
        return self.every_image_is_settled and not self.restored_images and self.paid_amount == 0

    @property
    def result_is_sent(self) -> bool:
        """Whether the link is with the customer."""
        email = self.emails.get(email_id_of(self.order_id, EmailKind.RESULT))
        return email is not None and email.status is EmailStatus.SENT

    @property
    def money_is_owed(self) -> bool:
        """Whether a failed image's share, or a refund somebody asked for, has not gone back yet."""
        if self.everything_is_refunded:
            return False
        covered = {image_id for refund in self._refunds(RefundStatus.ISSUED) for image_id in refund.image_ids}
        return bool(self._refunds(RefundStatus.REQUESTED, RefundStatus.FAILED)) or any(
            image.share.amount > 0 and image.image_id not in covered for image in self.failed_images
        )

    @property
    def nothing_is_owed(self) -> bool:
        """The opposite of ``money_is_owed``, by a name the lifecycle's table can use."""
        return not self.money_is_owed

    @property
    def result_is_sent_and_money_is_owed(self) -> bool:
        """Whether the restored images are delivered and the failed ones not yet refunded."""
        return self.result_is_sent and self.money_is_owed

    @property
    def everything_is_refunded(self) -> bool:
        """Whether all that was paid went back, and nothing is left that was restored and paid with nothing."""
        was_stopped = any(
            refund.reason is not RefundReason.NOT_RESTORED for refund in self._refunds(RefundStatus.ISSUED)
        )
        return self.refunded_amount >= self.paid_amount > 0 and (was_stopped or not self.restored_images)

    @property
    def paid_amount(self) -> int:
        """What was paid, in minor units."""
        return self.payment.paid.amount if self.payment else 0

    @property
    def refunded_amount(self) -> int:
        """What went back, in minor units."""
        return sum(refund.amount.amount for refund in self._refunds(RefundStatus.ISSUED))

    @property
    def refundable_amount(self) -> int:
        """What may still be asked back, in minor units: paid, less every refund that is on record."""
        return self.paid_amount - sum(refund.amount.amount for refund in self.refunds.values())

    def _refunds(self, *statuses: RefundStatus) -> list[Refund]:
        return [refund for refund in self.refunds.values() if refund.status in statuses]
