"""Events of an order, in the order in which they usually occur.

An event is a fact in the past tense. It carries ids and amounts, never personal data: e-mail addresses, names and
file names are stored in ``customers`` and ``file_uploads``, so erasing a customer never rewrites the log.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import get_args
from uuid import UUID

from domain.order.values import (
    Client,
    CustomerId,
    DisputeOutcome,
    DownloadLinkId,
    DownloadMethod,
    EmailId,
    EmailKind,
    FailureReason,
    HoldReason,
    ImageId,
    Money,
    MovedImage,
    NoteId,
    OptOut,
    OrderId,
    OrderNumber,
    PaidPhoto,
    PointsReason,
    RefundId,
    RefundReason,
    Sha256,
    StoredObject,
    UploadSessionId,
)


@dataclass(frozen=True, kw_only=True)
class PaymentReceived:
    """The payment succeeded; the order's first event."""

    order_number: OrderNumber
    customer_id: CustomerId
    upload_session_id: UploadSessionId
    checkout_session_id: str
    payment_intent_id: str | None  # none for a free order: nothing was charged
    quoted: Money
    discount: Money
    paid: Money  # quoted less discount, plus tax; any other amount holds the order
    photos: tuple[PaidPhoto, ...]
    tax: Money | None = None  # what the provider added to the quoted amount
    client: Client | None = None  # that asked for the checkout; none if it was not recorded


@dataclass(frozen=True, kw_only=True)
class ImagesMoved:
    """Every photo was copied under the order's prefix and verified.

    Each copy was compared with the upload by SHA-256. Photos that have failed are left out.
    """

    images: tuple[MovedImage, ...]


@dataclass(frozen=True, kw_only=True)
class RestorationStarted:
    """A prediction was started for an image; its result is another event."""

    image_id: ImageId
    attempt: int  # 1-based
    prediction_id: str
    model: str


@dataclass(frozen=True, kw_only=True)
class RestorationAttemptFailed:
    """One attempt failed; another may follow."""

    image_id: ImageId
    attempt: int
    prediction_id: str | None  # none when the provider refused to start a prediction
    reason: FailureReason


@dataclass(frozen=True, kw_only=True)
class SmallResultStored:
    """The restored image was stored, smaller than its original.

    It was verified; an attempt to enlarge it follows.
    """

    image_id: ImageId
    attempt: int
    prediction_id: str
    restored: StoredObject
    width: int  # pixels
    height: int  # pixels
    original_width: int  # pixels
    original_height: int  # pixels


@dataclass(frozen=True, kw_only=True)
class RestorationCompleted:
    """The restored image was fetched, verified and stored; it is settled."""

    image_id: ImageId
    attempt: int
    prediction_id: str
    restored: StoredObject
    width: int  # pixels
    height: int  # pixels
    original_width: int | None = None  # pixels; none in events stored before these fields existed
    original_height: int | None = None


@dataclass(frozen=True, kw_only=True)
class RestorationFailed:
    """The image cannot be restored; it is settled, its share is owed."""

    image_id: ImageId
    attempts: int
    reason: FailureReason


@dataclass(frozen=True, kw_only=True)
class RedoRequested:
    """Another attempt at a delivered image was requested.

    Its first result is kept, whatever the attempt yields.
    """

    image_id: ImageId
    by_customer: bool
    note_id: NoteId | None = None


@dataclass(frozen=True, kw_only=True)
class RedoFailed:
    """The requested further attempts failed; the image's earlier result stays."""

    image_id: ImageId
    attempts: int
    reason: FailureReason


@dataclass(frozen=True, kw_only=True)
class DownloadPrepared:
    """The archive of restored images and its link exist.

    Only the SHA-256 of the link's token is stored.
    """

    link_id: DownloadLinkId
    archive: StoredObject
    image_ids: tuple[ImageId, ...]
    token_sha256: Sha256
    expires_at: datetime
    edition: int = 1  # archive revision: one more for each image that was redone


@dataclass(frozen=True, kw_only=True)
class DownloadLinkIssued:
    """Another link to the newest archive; earlier links keep their expiry.

    A shared link is for the customer's family and friends: it shows and saves, and requests nothing.
    """

    link_id: DownloadLinkId
    token_sha256: Sha256
    expires_at: datetime
    note_id: NoteId | None = None
    is_shared: bool = False


@dataclass(frozen=True, kw_only=True)
class DownloadLinkRevoked:
    """A link was revoked: it opens nothing from now on."""

    link_id: DownloadLinkId
    note_id: NoteId | None = None


@dataclass(frozen=True, kw_only=True)
class EmailRequested:
    """An additional e-mail was requested: a repeat or a reminder."""

    email_id: EmailId
    kind: EmailKind
    note_id: NoteId | None = None


@dataclass(frozen=True, kw_only=True)
class EmailSent:
    """The e-mail provider accepted an e-mail."""

    email_id: EmailId
    kind: EmailKind
    message_id: str | None  # none when only the provider's webhook reported it


@dataclass(frozen=True, kw_only=True)
class EmailUnconfirmed:
    """The provider's reply was lost; delivery is uncertain.

    The e-mail is resent once unless it is confirmed in time.
    """

    email_id: EmailId
    kind: EmailKind


@dataclass(frozen=True, kw_only=True)
class EmailFailed:
    """The provider refused an e-mail permanently, or attempts are used up."""

    email_id: EmailId
    kind: EmailKind
    reason: str


@dataclass(frozen=True, kw_only=True)
class EmailBounced:
    """An accepted e-mail bounced."""

    email_id: EmailId
    kind: EmailKind
    reason: str  # an error class, never the provider's text, which may contain the address


@dataclass(frozen=True, kw_only=True)
class EmailDeferred:
    """The receiving server deferred an e-mail; the provider keeps trying."""

    email_id: EmailId
    kind: EmailKind
    reason: str  # an error class, as for a bounce


@dataclass(frozen=True, kw_only=True)
class EmailBlocked:
    """The receiving server blocked an e-mail for now.

    Another is sent later: the address may be valid.
    """

    email_id: EmailId
    kind: EmailKind
    reason: str  # an error class, as for a bounce


@dataclass(frozen=True, kw_only=True)
class EmailOptedOut:
    """The customer reported spam or unsubscribed; no reminders follow."""

    email_id: EmailId
    kind: EmailKind
    how: OptOut


@dataclass(frozen=True, kw_only=True)
class ResultServed:
    """The archive, or one image, was sent to a client.

    The client may be a mail scanner.
    """

    link_id: DownloadLinkId
    image_id: ImageId | None  # none: the whole archive
    client: Client | None = None  # none: the first versions recorded no client


@dataclass(frozen=True, kw_only=True)
class ResultDownloaded:
    """The customer pressed the download button for the archive or an image."""

    link_id: DownloadLinkId
    image_id: ImageId | None  # none: the whole archive
    client: Client
    method: DownloadMethod = DownloadMethod.BUTTON


@dataclass(frozen=True, kw_only=True)
class RefundRequested:
    """The shop decided to refund an amount."""

    refund_id: RefundId
    amount: Money
    reason: RefundReason
    image_ids: tuple[ImageId, ...]  # the images it is for; empty when it is for an amount
    note_id: NoteId | None = None  # staff's reason for it


@dataclass(frozen=True, kw_only=True)
class RefundAccepted:
    """The refund is pending at the payment provider; it may still fail."""

    refund_id: RefundId
    amount: Money
    provider_refund_id: str


@dataclass(frozen=True, kw_only=True)
class RefundIssued:
    """The refund succeeded at the payment provider."""

    refund_id: RefundId
    amount: Money
    provider_refund_id: str
    is_told: bool = True  # by e-mail to the customer; the first versions sent none


@dataclass(frozen=True, kw_only=True)
class RefundFailed:
    """The refund failed, at once or days later; it is still owed."""

    refund_id: RefundId
    provider_refund_id: str | None  # none when the provider never created one
    reason: str


@dataclass(frozen=True, kw_only=True)
class RefundDropped:
    """A requested refund is no longer owed.

    The amount was returned another way.
    """

    refund_id: RefundId


@dataclass(frozen=True, kw_only=True)
class DisputeOpened:
    """The customer's bank disputes the payment; delivery is paused.

    A dispute runs beside the order's state. An inquiry is a question of the bank: it takes no money, prevents no refund
    and pauses nothing.
    """

    dispute_id: str
    amount: Money
    reason: str
    is_inquiry: bool = False  # an inquiry that becomes a chargeback is opened a second time
    respond_by: datetime | None = None  # none where the provider stated none, and in the first versions


@dataclass(frozen=True, kw_only=True)
class DisputeClosed:
    """The bank decided the dispute."""

    dispute_id: str
    outcome: DisputeOutcome
    amount: Money | None = None  # none where only the opening stated it


@dataclass(frozen=True, kw_only=True)
class PointsCredited:
    """Points were credited to a customer because of this order."""

    customer_id: CustomerId
    points: int
    reason: PointsReason


@dataclass(frozen=True, kw_only=True)
class PointsDebited:
    """Points were debited from a customer because of this order."""

    customer_id: CustomerId
    points: int
    reason: PointsReason


@dataclass(frozen=True, kw_only=True)
class OrderHeld:
    """The order is held for staff; no new reaction starts."""

    reason: HoldReason
    note_id: NoteId | None = None


@dataclass(frozen=True, kw_only=True)
class OrderReleased:
    """Staff released the hold; the order continues from its state."""

    note_id: NoteId | None = None


@dataclass(frozen=True, kw_only=True)
class NoteAdded:
    """Staff added a note."""

    note_id: NoteId


@dataclass(frozen=True, kw_only=True)
class PhotosPurged:
    """Retention ended; originals, results and archive were deleted."""


@dataclass(frozen=True, kw_only=True)
class OrderErased:
    """Personal data and photos were deleted; amounts and totals stay."""


#: An attempt at an image began or ended.
AttemptEvent = RestorationStarted | RestorationAttemptFailed | SmallResultStored | RestorationCompleted
RestorationEvent = AttemptEvent | RestorationFailed | RedoRequested | RedoFailed
#: A file was sent or fetched through a link.
FileEvent = ResultServed | ResultDownloaded
LinkEvent = DownloadPrepared | DownloadLinkIssued | DownloadLinkRevoked | FileEvent
EmailOutcome = EmailSent | EmailUnconfirmed | EmailFailed | EmailBounced
EmailEvent = EmailRequested | EmailOutcome
#: What providers report of an e-mail that they accepted.
EmailFeedback = EmailDeferred | EmailBlocked | EmailOptedOut
#: The payment provider has a refund.
RefundProgress = RefundAccepted | RefundIssued
RefundEvent = RefundRequested | RefundProgress | RefundFailed | RefundDropped
DisputeEvent = DisputeOpened | DisputeClosed
PointsEvent = PointsCredited | PointsDebited

#: A new event of a group needs no other entry than in its group.
Event = (
    PaymentReceived
    | ImagesMoved
    | RestorationEvent
    | LinkEvent
    | EmailEvent
    | EmailFeedback
    | RefundEvent
    | DisputeEvent
    | PointsEvent
    | OrderHeld
    | OrderReleased
    | NoteAdded
    | PhotosPurged
    | OrderErased
)

EVENT_TYPES: tuple[type[Event], ...] = get_args(Event)


@dataclass(frozen=True, kw_only=True)
class RecordedEvent:
    """An event with its envelope: actor, time, position and cause."""

    event_id: UUID
    order_id: OrderId
    version: int  # 1-based within the stream, without a gap
    recorded_at: datetime
    cause: str  # the request, reaction or webhook event that caused it
    cause_key: str  # unique within the stream: a cause is recorded at most once
    correlation_id: UUID
    actor: str  # "customer", "worker", "person:NAME" or the name of a provider
    event: Event
    position: int | None = None  # in the whole log; none until it is stored
    sha256: Sha256 | None = (
        None  # over this event and the hash of the previous one in the stream; none until it is stored
    )
