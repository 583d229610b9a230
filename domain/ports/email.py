"""Mail, as the shop needs it: letters that are written from templates, a provider that carries them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from domain.order.values import EmailId, EmailKind, Money, OptOut, OrderId, OrderNumber


@dataclass(frozen=True, kw_only=True)
class Rewards:
    """What a customer is told of points; the points code is a secret between the shop and their mailbox."""

    referral_code: str | None  # none where recommendations bring nothing
    referral_worth: Money  # of what it brings each side
    points: int  # that the customer has
    worth: Money
    points_code: str


@dataclass(frozen=True, kw_only=True)
class ResultSize:
    """The pixels of a result and of its original; ``name`` is the customer's own."""

    name: str
    width: int
    height: int
    original_width: int
    original_height: int

    @property
    def is_changed(self) -> bool:
        """Whether the result has other pixels than its original."""
        return (self.width, self.height) != (self.original_width, self.original_height)


@dataclass(frozen=True, kw_only=True)
class EmailFacts:
    """What a letter tells; only the kinds that bring a link have its page and its end."""

    kind: EmailKind
    order_id: OrderId
    order_number: OrderNumber
    customer_name: str | None
    locale: str | None
    photos: int
    restored: int
    failed: int  # for good; a photo may also be neither, because the order was stopped
    paid: Money
    refunded: Money  # in all, issued or on its way
    refund_amount: Money | None = None  # of the one refund that this letter is about
    status_url: str
    download_url: str | None = None  # of the page with the photos and the buttons that save them
    redo_days: int | None = None  # how long another attempt can be asked for there, if it can
    expires_at: datetime | None = None
    is_attached: bool = False
    failed_names: tuple[str, ...] = ()  # the customer's own names for the photos that could not be restored
    lost: int = 0  # of the failed photos: how many failed because our storage lost their files
    lost_names: tuple[str, ...] = ()
    redone_name: str | None = None  # and for the one of which another attempt was asked
    rewards: Rewards | None = None
    sizes: tuple[ResultSize, ...] = ()  # of the results whose originals' sizes are known


@dataclass(frozen=True, kw_only=True)
class RenderedEmail:
    """A written letter: subject, plain text and HTML that say the same."""

    subject: str
    text: str
    html: str


class EmailRenderer(Protocol):
    """Writes letters from templates."""

    def render(self, facts: EmailFacts) -> RenderedEmail:
        """The letter for these facts, in the customer's language where there is one, else in English."""
        ...


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A file that travels with a letter."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class OutgoingEmail:
    """A letter on its way to one address; the provider carries ``email_id`` back in its notices."""

    email_id: EmailId
    order_id: OrderId
    to: str
    to_name: str | None
    content: RenderedEmail
    attachment: Attachment | None = None


class Mailer(Protocol):
    """Hands mail to a provider."""

    def send(self, mail: OutgoingEmail) -> str:
        """Have a mail accepted and tell the provider's message id.

        Raises UnavailableError when it was certainly not accepted, LostReplyError when it may have been, and
        RefusedError when it never will be.
        """
        ...


class DeliveryStatus(StrEnum):
    """What became of a mail, as its provider tells it later."""

    ACCEPTED = "accepted"  # processed, delivered, opened...: the provider has it
    DEFERRED = "deferred"  # put off by the receiving server: still on its way
    BLOCKED = "blocked"  # refused by the receiving server for now: the address may be good
    UNDELIVERABLE = "undeliverable"  # bounced or dropped: the address cannot be used
    OPTED_OUT = "opted_out"  # delivered, and the customer wants no more of its kind
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class EmailWebhookEvent:
    """What one line of the provider's event webhook says.

    The ids are none for a mail that is not ours, and where the provider left out what we gave it: then one of
    ``message_ids`` is the id that sending returned, if the mail is ours.
    """

    event_id: str  # stable across the provider's retries of the same fact
    email_id: EmailId | None
    order_id: OrderId | None
    message_id: str | None
    fate: DeliveryStatus
    reason: str | None = None
    opt_out: OptOut | None = None  # how, where the fate is that
    message_ids: tuple[str, ...] = ()


class EmailWebhookParser(Protocol):
    """Reads what the mail provider posts."""

    def read(self, body: bytes, headers: Mapping[str, str]) -> list[EmailWebhookEvent]:
        """Check the signature on the raw bytes, then parse; raises ForgedMessageError. Header names are lower case."""
        ...
