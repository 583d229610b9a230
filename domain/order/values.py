"""Value types: ids, money, stored objects and reason codes."""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import NewType, Self
from uuid import UUID

OrderId = NewType("OrderId", UUID)
OrderNumber = NewType("OrderNumber", str)  # YYYYMMDD-000001, a counter per UTC day
CustomerId = NewType("CustomerId", UUID)
UploadSessionId = NewType("UploadSessionId", UUID)
PhotoId = NewType("PhotoId", UUID)  # a photo as uploaded
ImageId = NewType("ImageId", UUID)  # a paid photo; keeps the photo's UUID
RefundId = NewType("RefundId", UUID)
EmailId = NewType("EmailId", UUID)
DownloadLinkId = NewType("DownloadLinkId", UUID)
NoteId = NewType("NoteId", UUID)  # the text is stored outside the log, where it can be erased
Sha256 = NewType("Sha256", str)  # 64 lower-case hexadecimal digits
ObjectKey = NewType("ObjectKey", str)  # the key of an object in object storage

#: Currencies whose minor unit is not a hundredth, as the payment provider counts them. It counts ISK and UGX in
#: hundredths, too, although no smaller amount than one can be paid.
_WITHOUT_MINOR_UNIT = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]
)
_WITH_THOUSANDTHS = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
#: Currencies whose last digits must be zero, because no smaller amount can be paid.
_STEPS = {**dict.fromkeys(_WITH_THOUSANDTHS, 10), "ISK": 100, "UGX": 100}


@dataclass(frozen=True, kw_only=True)
class Money:
    """An amount in minor units of an ISO 4217 currency, upper case."""

    amount: int
    currency: str

    @property
    def minor_digits(self) -> int:
        """The number of decimal places of the minor unit: 2 for cents."""
        if self.currency in _WITHOUT_MINOR_UNIT:
            return 0
        return 3 if self.currency in _WITH_THOUSANDTHS else 2

    @property
    def step(self) -> int:
        """The smallest payable unit, in minor units.

        It is 1 for most currencies and 10 for fils; every payable amount is a multiple of it.
        """
        return _STEPS.get(self.currency, 1)

    @property
    def is_payable(self) -> bool:
        """Whether a payment provider accepts it: a multiple of ``step``."""
        return self.amount % self.step == 0

    @property
    def rounded_down(self) -> Self:
        """The nearest payable amount that is not greater."""
        return replace(self, amount=self.amount - self.amount % self.step)

    @property
    def major(self) -> Decimal:
        """The amount in major units: 4.90 for 490 cents."""
        return Decimal(self.amount).scaleb(-self.minor_digits)

    def __add__(self, other: Self) -> Self:
        """Add an amount; raise ValueError when the currencies differ."""
        self._refuse_other_currency(other)
        return type(self)(amount=self.amount + other.amount, currency=self.currency)

    def __sub__(self, other: Self) -> Self:
        """Subtract an amount; raise ValueError when the currencies differ."""
        self._refuse_other_currency(other)
        return type(self)(amount=self.amount - other.amount, currency=self.currency)

    def split(self, parts: int) -> tuple[Self, ...]:
        """Split the amount into ``parts`` that add up exactly.

        The parts differ by at most one ``step`` of the currency; a remainder below one step is added to the first part.
        """
        steps, rest = divmod(self.amount, self.step)
        share, remainder = divmod(steps, parts)
        shares = [(share + (1 if index < remainder else 0)) * self.step for index in range(parts)]
        shares[0] += rest
        return tuple(replace(self, amount=amount) for amount in shares)

    def __str__(self) -> str:
        return f"{self.major:f} {self.currency}"

    def _refuse_other_currency(self, other: Self) -> None:
        if other.currency != self.currency:
            raise ValueError(f"Cannot combine {other.currency} with {self.currency}: convert first.")


@dataclass(frozen=True, kw_only=True)
class StoredObject:
    """A stored object, as it was when the shop verified it."""

    key: ObjectKey
    sha256: Sha256
    size_bytes: int
    media_type: str


@dataclass(frozen=True, kw_only=True)
class PaidPhoto:
    """One photo of a payment: its upload and its share.

    The share is a part of the amount paid.
    """

    image_id: ImageId
    upload: StoredObject
    share: Money


@dataclass(frozen=True, kw_only=True)
class MovedImage:
    """An image whose original is stored, verified, under the order's prefix."""

    image_id: ImageId
    original: StoredObject


class EmailKind(StrEnum):
    """The kinds of e-mail that an order may owe its customer."""

    CONFIRMATION = "confirmation"  # payment and photos were received
    RESULT = "result"  # the link to the restored photos
    PARTIAL_RESULT = "partial_result"  # the link to some photos; the shares of the others are refunded
    REFUND = "refund"  # the order was stopped or reduced: the payment is refunded
    FAILURE = "failure"  # nothing could be restored: the full payment is refunded
    NEW_LINK = "new_link"  # a requested link that replaces an older one
    REMINDER = "reminder"  # the link expires soon and was not used
    REDONE = "redone"  # the redo is ready, beside the first result
    REDO_FAILED = "redo_failed"  # the redo failed: the first result stays

    @property
    def brings_a_link(self) -> bool:
        """Whether the e-mail contains a link to restored photos."""
        return self not in {EmailKind.CONFIRMATION, EmailKind.REFUND, EmailKind.FAILURE}


class OptOut(StrEnum):
    """How a customer opted out of e-mail at the provider."""

    SPAM_REPORT = "spam_report"
    UNSUBSCRIBED = "unsubscribed"
    GROUP_UNSUBSCRIBED = "group_unsubscribed"  # from one unsubscribe group


class Variant(StrEnum):
    """How a photo is restored."""

    FIRST = "first"
    SECOND = "second"  # the second model, or the first with other settings
    ENLARGE = "enlarge"  # a model that enlarges another model's result


class FailureReason(StrEnum):
    """Why an attempt to restore an image failed."""

    UNREADABLE_INPUT = "unreadable_input"  # the photo cannot be decoded, by any model
    REFUSED_INPUT = "refused_input"  # the provider does not accept this photo, now or later
    CONTENT_FILTER = "content_filter"  # the model's safety filter stopped it
    PROVIDER_ERROR = "provider_error"  # the provider failed while processing it
    TIMED_OUT = "timed_out"  # not finished before the deadline
    UNAVAILABLE = "unavailable"  # the provider, or object storage, could not be reached for hours
    CANCELED = "canceled"  # the prediction was canceled outside the shop
    BAD_OUTPUT = "bad_output"  # an output that is missing, corrupt or of another shape
    WRONG_OUTPUT = "wrong_output"  # an output that shows another photo
    FILE_MISSING = "file_missing"  # object storage has lost the upload
    FILE_DAMAGED = "file_damaged"  # object storage has other bytes than were uploaded
    FLAT_OUTPUT = "flat_output"  # an output of one plain colour, mostly black, unlike the original
    REPEATED_OUTPUT = "repeated_output"  # the same bytes as a result that the customer already has
    RESULT_LOST = "result_lost"  # object storage has lost the result, or has other bytes than were recorded
    WITHDRAWN = "withdrawn"  # staff withdrew the photo and refunded it

    @property
    def is_final(self) -> bool:
        """Whether the same input would be refused again."""
        return self in {
            FailureReason.UNREADABLE_INPUT,
            FailureReason.REFUSED_INPUT,
            FailureReason.CONTENT_FILTER,
        }

    @property
    def is_lost_file(self) -> bool:
        """Whether the file to restore is lost."""
        return self in {FailureReason.FILE_MISSING, FailureReason.FILE_DAMAGED}


class RedoObstacle(StrEnum):
    """Why an image is not redone, most for customers only."""

    NOT_RESTORED = "not_restored"
    RUNNING = "running"
    USED_UP = "used_up"
    ORDER_STOPPED = "order_stopped"
    ORDER_HELD = "order_held"
    DISPUTED = "disputed"
    NOT_SENT = "not_sent"
    TOO_LATE = "too_late"
    PHOTOS_DELETED = "photos_deleted"
    NO_RESULT = "no_result"
    SHARED_LINK = "shared_link"  # it was requested through a link for others


class HoldReason(StrEnum):
    """Why an order is held for staff."""

    AMOUNT_MISMATCH = "amount_mismatch"  # the amount paid differs from the quoted one
    IMAGES_UNAVAILABLE = (
        "images_unavailable"  # an uploaded photo is missing or differs from its recorded checksum
    )
    STORAGE_UNAVAILABLE = "storage_unavailable"  # object storage could not be reached for hours
    DOWNLOAD_NOT_PREPARED = "download_not_prepared"  # the archive could not be made
    EMAIL_NOT_SENT = "email_not_sent"  # the result is ready but its e-mail is refused
    EMAIL_BOUNCED = "email_bounced"  # the e-mail with the link bounced
    REFUND_NOT_ISSUED = "refund_not_issued"  # an amount is owed and the provider refuses to refund it
    OVERPAID = "overpaid"  # more was refunded than was paid
    OTHER_CURRENCY = "other_currency"  # a refund or dispute in another currency than the order's
    REQUESTED = "requested"  # requested by staff


class RefundReason(StrEnum):
    """Why an amount is refunded."""

    NOT_RESTORED = "not_restored"  # the share of images that failed permanently
    REQUESTED = "requested"  # requested by staff
    AT_PROVIDER = "at_provider"  # made in the provider's dashboard


class DisputeOutcome(StrEnum):
    """The outcome of a dispute."""

    WON = "won"
    LOST = "lost"
    PREVENTED = "prevented"  # ended before it became a chargeback; no money was taken
    INQUIRY_CLOSED = "inquiry_closed"  # the bank only asked; no money was taken


class DownloadMethod(StrEnum):
    """How a customer confirmed a download, beyond following a link."""

    BUTTON = "button"  # a form's POST: mail scanners follow links but submit no forms


class Device(StrEnum):
    """The kind of client, according to its user agent."""

    DESKTOP = "desktop"
    PHONE = "phone"
    TABLET = "tablet"
    SCANNER = "scanner"  # identifies itself as a scanner, bot, preview or headless browser
    PROGRAM = "program"  # a command line or a library
    UNKNOWN = "unknown"


class Browser(StrEnum):
    """A family of browsers."""

    CHROME = "chrome"
    EDGE = "edge"
    FIREFOX = "firefox"
    SAFARI = "safari"
    OPERA = "opera"
    SAMSUNG = "samsung"


@dataclass(frozen=True, kw_only=True)
class Client:
    """The origin of a request, coarse enough to be logged.

    It contains no address and no user agent.
    """

    network: str | None  # the /24 of an IPv4 address or the /48 of an IPv6 one; none if there was no address
    device: Device
    browser: Browser | None = None  # none: no known browser


class PointsReason(StrEnum):
    """Why points are credited or debited."""

    WELCOME = "welcome"  # a first order, with a friend's referral code
    REFERRAL = "referral"  # a friend's first order
    SPENT = "spent"  # spent on a discount
    TAKEN_BACK = "taken_back"  # debited: the order that had earned them was refunded
    RETURNED = "returned"  # credited again: the order they were spent on was refunded
