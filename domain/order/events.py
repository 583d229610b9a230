"""What can happen to an order, in the order an order lives it.

An event is a fact in the past tense. It carries ids and figures, never personal data: e-mail, name and file
names live in ``customers`` and ``file_uploads``, so erasing a person never rewrites history.
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
    """The provider has the customer's money; with it the order begins."""

    order_number: OrderNumber
    customer_id: CustomerId
    upload_session_id: UploadSessionId
    checkout_session_id: str
    payment_intent_id: str | None  # none for a free order: nothing was charged
    quoted: Money
    discount: Money
    paid: Money  # quoted less discount, and tax; any other amount holds the order
    photos: tuple[PaidPhoto, ...]
    tax: Money | None = None  # what the provider added on top of the quote


@dataclass(frozen=True, kw_only=True)
class ImagesMoved:
    """The photos that have not failed are under the order's own keys, byte for byte what was uploaded."""

    images: tuple[MovedImage, ...]


@dataclass(frozen=True, kw_only=True)
class RestorationStarted:
    """The provider took an image in hand; its answer will be a new fact."""

    image_id: ImageId
    attempt: int  # 1-based
    prediction_id: str
    model: str


@dataclass(frozen=True, kw_only=True)
class RestorationAttemptFailed:
    """One attempt came to nothing; another one may follow."""

    image_id: ImageId
    attempt: int
    prediction_id: str | None  # none when the provider refused even to start
    reason: FailureReason


@dataclass(frozen=True, kw_only=True)
class SmallResultStored:
    """The restored image was verified and stored, smaller than its original: an attempt to enlarge it follows."""

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
    """The restored image was fetched, verified and stored: this image is settled."""

    image_id: ImageId
    attempt: int
    prediction_id: str
    restored: StoredObject
    width: int  # pixels
    height: int  # pixels
    original_width: int | None = None  # pixels; none in events from before they were recorded
    original_height: int | None = None


@dataclass(frozen=True, kw_only=True)
class RestorationFailed:
    """This image cannot be restored: it is settled, and its share of the money is owed."""

    image_id: ImageId
    attempts: int
    reason: FailureReason


@dataclass(frozen=True, kw_only=True)
class RedoRequested:
    """Somebody asked for another attempt at a delivered image; its first result is kept, whatever comes of it."""

    image_id: ImageId
    by_customer: bool
    note_id: NoteId | None = None


@dataclass(frozen=True, kw_only=True)
class RedoFailed:
    """The further attempts at a delivered image brought nothing: the result it had stays."""

    image_id: ImageId
    attempts: int
    reason: FailureReason


@dataclass(frozen=True, kw_only=True)
class DownloadPrepared:
    """The restored images lie in one archive with a link to it; only the hash of its token is known."""

    link_id: DownloadLinkId
    archive: StoredObject
    image_ids: tuple[ImageId, ...]
    token_sha256: Sha256
    expires_at: datetime
    edition: int = 1  # one more for each image that came back from a further attempt


@dataclass(frozen=True, kw_only=True)
class DownloadLinkIssued:
    """The newest archive has one more link; those before it open as long as they did."""

    link_id: DownloadLinkId
    token_sha256: Sha256
    expires_at: datetime
    note_id: NoteId | None = None


@dataclass(frozen=True, kw_only=True)
class DownloadLinkRevoked:
    """A link opens nothing from now on."""

    link_id: DownloadLinkId
    note_id: NoteId | None = None


@dataclass(frozen=True, kw_only=True)
class EmailRequested:
    """A mail is wanted beside those an order brings by itself: again, or as a reminder."""

    email_id: EmailId
    kind: EmailKind
    note_id: NoteId | None = None


@dataclass(frozen=True, kw_only=True)
class EmailSent:
    """The mail provider accepted a mail."""

    email_id: EmailId
    kind: EmailKind
    message_id: str | None  # none when only the provider's event webhook told us


@dataclass(frozen=True, kw_only=True)
class EmailUnconfirmed:
    """The provider's answer was lost: the mail is sent once more if nothing confirms it in time."""

    email_id: EmailId
    kind: EmailKind


@dataclass(frozen=True, kw_only=True)
class EmailFailed:
    """The mail provider refused a mail for good, or all attempts are used up."""

    email_id: EmailId
    kind: EmailKind
    reason: str


@dataclass(frozen=True, kw_only=True)
class EmailBounced:
    """A mail that the provider had accepted did not reach its address."""

    email_id: EmailId
    kind: EmailKind
    reason: str  # the provider's class of trouble, never its words: they may hold the address


@dataclass(frozen=True, kw_only=True)
class EmailDeferred:
    """The receiving server put a mail off; the mail provider keeps trying to deliver it."""

    email_id: EmailId
    kind: EmailKind
    reason: str  # the provider's class of trouble, as for a bounce


@dataclass(frozen=True, kw_only=True)
class EmailBlocked:
    """The receiving server refused a mail for now: another one is sent later, the address may be good."""

    email_id: EmailId
    kind: EmailKind
    reason: str  # the provider's class of trouble, as for a bounce


@dataclass(frozen=True, kw_only=True)
class EmailOptedOut:
    """The customer reported a delivered mail as spam, or unsubscribed: no reminders follow."""

    email_id: EmailId
    kind: EmailKind
    how: OptOut


@dataclass(frozen=True, kw_only=True)
class ResultServed:
    """The bytes of the archive, or of one image, were sent to a client that may be a mail scanner."""

    link_id: DownloadLinkId
    image_id: ImageId | None  # none: the whole archive
    client: Client | None = None  # none: the first versions of the shop kept nothing about it


@dataclass(frozen=True, kw_only=True)
class ResultDownloaded:
    """The customer pressed the button for the archive, or for one image, on the page behind the link."""

    link_id: DownloadLinkId
    image_id: ImageId | None  # none: the whole archive
    client: Client
    method: DownloadMethod = DownloadMethod.BUTTON


@dataclass(frozen=True, kw_only=True)
class RefundRequested:
    """The shop owes money back and has resolved to pay it."""

    refund_id: RefundId
    amount: Money
    reason: RefundReason
    image_ids: tuple[ImageId, ...]  # the images it is for; empty when it is for an amount
    note_id: NoteId | None = None  # a person's reason for it


@dataclass(frozen=True, kw_only=True)
class RefundAccepted:
    """The payment provider accepted the refund, which is pending: it may still fail."""

    refund_id: RefundId
    amount: Money
    provider_refund_id: str


@dataclass(frozen=True, kw_only=True)
class RefundIssued:
    """The payment provider paid the refund."""

    refund_id: RefundId
    amount: Money
    provider_refund_id: str
    is_told: bool = True  # by a mail to the customer; the first versions of the shop sent none


@dataclass(frozen=True, kw_only=True)
class RefundFailed:
    """The payment provider refused the refund, at once or days later: the money is still owed."""

    refund_id: RefundId
    provider_refund_id: str | None  # none when there never was one
    reason: str


@dataclass(frozen=True, kw_only=True)
class RefundDropped:
    """A refund that was resolved is not owed any more: the money went back another way."""

    refund_id: RefundId


@dataclass(frozen=True, kw_only=True)
class DisputeOpened:
    """The customer's bank disputes the payment. It runs beside the order's state and pauses delivery.

    An inquiry is a question of the bank: it takes no money, bars no refund and pauses nothing.
    """

    dispute_id: str
    amount: Money
    reason: str
    is_inquiry: bool = False  # one that becomes a chargeback is opened a second time


@dataclass(frozen=True, kw_only=True)
class DisputeClosed:
    """The bank has decided."""

    dispute_id: str
    outcome: DisputeOutcome
    amount: Money | None = None  # none where only the dispute's opening told it


@dataclass(frozen=True, kw_only=True)
class PointsCredited:
    """A customer got points because of this order."""

    customer_id: CustomerId
    points: int
    reason: PointsReason


@dataclass(frozen=True, kw_only=True)
class PointsDebited:
    """A customer lost points because of this order."""

    customer_id: CustomerId
    points: int
    reason: PointsReason


@dataclass(frozen=True, kw_only=True)
class OrderHeld:
    """The order waits for a person: no work is begun for it."""

    reason: HoldReason
    note_id: NoteId | None = None


@dataclass(frozen=True, kw_only=True)
class OrderReleased:
    """A person let the order go on from where it was."""

    note_id: NoteId | None = None


@dataclass(frozen=True, kw_only=True)
class NoteAdded:
    """A person wrote something down about the order."""

    note_id: NoteId


@dataclass(frozen=True, kw_only=True)
class PhotosPurged:
    """The retention is over: originals, results and archive are gone from the storage."""


@dataclass(frozen=True, kw_only=True)
class OrderErased:
    """The customer's personal data and photos are gone; the figures stay, so the books still add up."""


Event = (
    PaymentReceived
    | ImagesMoved
    | RestorationStarted
    | RestorationAttemptFailed
    | SmallResultStored
    | RestorationCompleted
    | RestorationFailed
    | RedoRequested
    | RedoFailed
    | DownloadPrepared
    | DownloadLinkIssued
    | DownloadLinkRevoked
    | EmailRequested
    | EmailSent
    | EmailUnconfirmed
    | EmailFailed
    | EmailBounced
    | EmailDeferred
    | EmailBlocked
    | EmailOptedOut
    | ResultServed
    | ResultDownloaded
    | RefundRequested
    | RefundAccepted
    | RefundIssued
    | RefundFailed
    | RefundDropped
    | DisputeOpened
    | DisputeClosed
    | PointsCredited
    | PointsDebited
    | OrderHeld
    | OrderReleased
    | NoteAdded
    | PhotosPurged
    | OrderErased
)

EVENT_TYPES: tuple[type[Event], ...] = get_args(Event)


@dataclass(frozen=True, kw_only=True)
class RecordedEvent:
    """An event with its envelope: who recorded it, when, where in the log and because of what."""

    event_id: UUID
    order_id: OrderId
    version: int  # 1-based within the stream, without a gap
    recorded_at: datetime
    cause: str  # the request, reaction or provider's event it came from
    cause_key: str  # unique within the stream: the same cause is never recorded twice
    correlation_id: UUID
    actor: str  # who did it: "customer", "stripe", "worker", "person:NAME"
    event: Event
    position: int | None = None  # in the whole log; known once it is stored
    sha256: Sha256 | None = (
        None  # of all this and of the event before it in the stream; known once it is stored
    )
