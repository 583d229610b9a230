"""The small words everything else is said in: ids, money, stored objects and the reasons things happen."""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import NewType, Self
from uuid import UUID

OrderId = NewType("OrderId", UUID)
OrderNumber = NewType("OrderNumber", str)  # YYYYMMDD-000001, a counter per UTC day
CustomerId = NewType("CustomerId", UUID)
UploadSessionId = NewType("UploadSessionId", UUID)
PhotoId = NewType("PhotoId", UUID)  # what a customer sends
ImageId = NewType("ImageId", UUID)  # a photo that belongs to an order; keeps the photo's UUID
RefundId = NewType("RefundId", UUID)
EmailId = NewType("EmailId", UUID)
DownloadLinkId = NewType("DownloadLinkId", UUID)
NoteId = NewType("NoteId", UUID)  # the text itself is kept outside the log, where it can be erased
Sha256 = NewType("Sha256", str)  # 64 lower-case hexadecimal digits
ObjectKey = NewType("ObjectKey", str)  # where an object lies in the storage

#: Currencies whose minor unit is no hundredth, as Stripe counts them (https://docs.stripe.com/currencies). It counts
#: ISK and UGX in hundredths, too, although nobody pays with less than one.
_WITHOUT_MINOR_UNIT = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]
)
_WITH_THOUSANDTHS = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
#: Currencies whose last digits have to be zero, because nobody pays with less (same page).
_STEPS = {**dict.fromkeys(_WITH_THOUSANDTHS, 10), "ISK": 100, "UGX": 100}


@dataclass(frozen=True, kw_only=True)
class Money:
    """An amount in minor units (cents) of an ISO 4217 currency, upper case."""

    amount: int
    currency: str

    @property
    def minor_digits(self) -> int:
        """How many digits a minor unit stands behind the decimal point: 2 for cents."""
        if self.currency in _WITHOUT_MINOR_UNIT:
            return 0
        return 3 if self.currency in _WITH_THOUSANDTHS else 2

    @property
    def step(self) -> int:
        """The minor units that every amount of the currency is a multiple of: 1 for most, 10 for fils."""
        return _STEPS.get(self.currency, 1)

    @property
    def is_payable(self) -> bool:
        """Whether a payment provider takes such an amount: it is a multiple of the currency's step."""
        return self.amount % self.step == 0

    @property
    def rounded_down(self) -> Self:
        """The amount, or the nearest one below it that is a multiple of the currency's step."""
        return replace(self, amount=self.amount - self.amount % self.step)

    @property
    def major(self) -> Decimal:
        """The amount in the units that people speak of: 4.90 for 490 cents."""
        return Decimal(self.amount).scaleb(-self.minor_digits)

    def __add__(self, other: Self) -> Self:
        """Add two amounts; raises ValueError when the currencies differ."""
        self._refuse_other_currency(other)
        return type(self)(amount=self.amount + other.amount, currency=self.currency)

    def __sub__(self, other: Self) -> Self:
        """Subtract an amount; raises ValueError when the currencies differ."""
        self._refuse_other_currency(other)
        return type(self)(amount=self.amount - other.amount, currency=self.currency)

    def split(self, parts: int) -> tuple[Self, ...]:
        """Share the amount in ``parts`` that differ by one step of the currency at most and add up exactly.

        What is left of an amount that is no multiple of the step goes to the first share.
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
    """An object in the storage and what its bytes were when the shop verified them."""

    key: ObjectKey
    sha256: Sha256
    size_bytes: int
    media_type: str


@dataclass(frozen=True, kw_only=True)
class PaidPhoto:
    """One photo of a payment: where it was uploaded, its fingerprint and its share of the amount paid."""

    image_id: ImageId
    upload: StoredObject
    share: Money


@dataclass(frozen=True, kw_only=True)
class MovedImage:
    """An image whose original now lies, verified, under the order's own key."""

    image_id: ImageId
    original: StoredObject


class EmailKind(StrEnum):
    """The mails an order may owe its customer."""

    CONFIRMATION = "confirmation"  # we have your money and your photos
    RESULT = "result"  # here is your link
    PARTIAL_RESULT = "partial_result"  # here is your link to some of them; the share of the others goes back
    REFUND = "refund"  # somebody stopped or reduced the order: your money goes back
    FAILURE = "failure"  # nothing could be restored: all of your money goes back
    NEW_LINK = "new_link"  # the link you asked for, in place of an older one
    REMINDER = "reminder"  # your link expires soon, and you have not used it
    REDONE = "redone"  # the other attempt you asked for is there, beside your first result
    REDO_FAILED = "redo_failed"  # the other attempt you asked for is no better: your first result stays

    @property
    def brings_a_link(self) -> bool:
        """Whether the customer can fetch restored photos with it."""
        return self not in {EmailKind.CONFIRMATION, EmailKind.REFUND, EmailKind.FAILURE}


class OptOut(StrEnum):
    """How a customer let the mail provider know that they want no more mail."""

    SPAM_REPORT = "spam_report"
    UNSUBSCRIBED = "unsubscribed"
    GROUP_UNSUBSCRIBED = "group_unsubscribed"  # from one group of mails


class Variant(StrEnum):
    """Which way a photo is restored."""

    FIRST = "first"
    SECOND = "second"  # the second model, or the first with other settings
    ENLARGE = "enlarge"  # a model that enlarges what another restored


class FailureReason(StrEnum):
    """Why an attempt to restore an image came to nothing."""

    UNREADABLE_INPUT = "unreadable_input"  # the photo itself cannot be decoded, whoever is asked
    REFUSED_INPUT = "refused_input"  # the provider does not take this picture, now or ever
    CONTENT_FILTER = "content_filter"  # the model's safety filter stopped it
    PROVIDER_ERROR = "provider_error"  # the provider broke down on it
    TIMED_OUT = "timed_out"  # no end before the deadline
    UNAVAILABLE = "unavailable"  # the provider, or our own storage, could not be reached for hours
    CANCELED = "canceled"  # somebody else ended the prediction
    BAD_OUTPUT = "bad_output"  # an output that is missing, corrupt or of another shape
    WRONG_OUTPUT = "wrong_output"  # an output that shows something else: the answer to another photo
    FILE_MISSING = "file_missing"  # our storage has lost what the customer sent
    FILE_DAMAGED = "file_damaged"  # what our storage has is not what the customer sent
    FLAT_OUTPUT = "flat_output"  # an output of one plain colour, mostly black, unlike the original
    REPEATED_OUTPUT = "repeated_output"  # the same bytes as a result that the customer has already
    RESULT_LOST = "result_lost"  # our storage has lost the result, or has other bytes than were recorded
    WITHDRAWN = "withdrawn"  # a person took the photo out of the order and paid for it back

    @property
    def is_final(self) -> bool:
        """Whether the same input would only be refused again."""
        return self in {
            FailureReason.UNREADABLE_INPUT,
            FailureReason.REFUSED_INPUT,
            FailureReason.CONTENT_FILTER,
        }

    @property
    def is_lost_file(self) -> bool:
        """Whether there is nothing left that could be restored."""
        return self in {FailureReason.FILE_MISSING, FailureReason.FILE_DAMAGED}


class HoldReason(StrEnum):
    """Why an order waits for a person."""

    AMOUNT_MISMATCH = "amount_mismatch"  # what was paid is not what was quoted
    IMAGES_UNAVAILABLE = "images_unavailable"  # an uploaded photo is missing or differs from what was sent
    STORAGE_UNAVAILABLE = "storage_unavailable"  # the storage could not be reached for hours
    DOWNLOAD_NOT_PREPARED = "download_not_prepared"  # the archive could not be made
    EMAIL_NOT_SENT = "email_not_sent"  # the result is ready but its mail is refused
    EMAIL_BOUNCED = "email_bounced"  # the mail with the link did not reach its address
    REFUND_NOT_ISSUED = "refund_not_issued"  # money is owed and the provider refuses to pay it
    OVERPAID = "overpaid"  # more was refunded than was paid
    OTHER_CURRENCY = "other_currency"  # money moved in another currency than the order's
    REQUESTED = "requested"  # a person asked for it


class RefundReason(StrEnum):
    """Why money goes back."""

    NOT_RESTORED = "not_restored"  # the share of images that failed for good
    REQUESTED = "requested"  # a person asked for it
    AT_PROVIDER = "at_provider"  # it was made in the provider's dashboard


class DisputeOutcome(StrEnum):
    """How the bank decided."""

    WON = "won"
    LOST = "lost"
    PREVENTED = "prevented"  # it ended before it became a chargeback; no money was taken
    INQUIRY_CLOSED = "inquiry_closed"  # the bank only asked; no money was taken


class DownloadMethod(StrEnum):
    """How a customer showed that they wanted a file, not only followed a link."""

    BUTTON = "button"  # a form's POST: scanners follow links, they press no buttons


class Device(StrEnum):
    """What kind of client sent a request, by its own user agent."""

    DESKTOP = "desktop"
    PHONE = "phone"
    TABLET = "tablet"
    SCANNER = "scanner"  # calls itself a scanner, a bot, a preview or a headless browser
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
    """Where a request came from, as coarse as the log may know it: no address, no user agent."""

    network: str | None  # the /24 of an IPv4 address or the /48 of an IPv6 one; none if there was no address
    device: Device
    browser: Browser | None = None  # none: no known browser


class PointsReason(StrEnum):
    """Why points come and go."""

    WELCOME = "welcome"  # a first order, with a friend's referral code
    REFERRAL = "referral"  # a friend's first order
    SPENT = "spent"  # they became a discount
    TAKEN_BACK = "taken_back"  # the order that had earned them was refunded
    RETURNED = "returned"  # the order they were spent on was refunded
