"""The ports for e-mail: renderer, provider and webhook events."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from domain.order.values import DownloadLinkId, EmailId, EmailKind, Money, OptOut, OrderId, OrderNumber


@dataclass(frozen=True, kw_only=True)
class Rewards:
    """The referral and points section of an e-mail.

    The points code is secret: it is sent to the customer's mailbox only.
    """

    referral_code: str | None  # none where referrals are switched off
    referral_worth: Money  # of the referral points that each side gets
    points: int  # the customer's balance
    worth: Money
    points_code: str


@dataclass(frozen=True, kw_only=True)
class ResultSize:
    """Pixels of a result and its original; ``name`` is the customer's."""

    name: str
    width: int
    height: int
    original_width: int
    original_height: int

    @property
    def is_changed(self) -> bool:
        """Whether result and original differ in pixels."""
        return (self.width, self.height) != (self.original_width, self.original_height)


@dataclass(frozen=True, kw_only=True)
class EmailFacts:
    """The facts that an e-mail is rendered from.

    Only kinds with a link have ``download_url`` and ``expires_at``.
    """

    kind: EmailKind
    order_id: OrderId
    order_number: OrderNumber
    customer_name: str | None
    locale: str | None
    photos: int
    restored: int
    failed: int  # permanently; a photo may also be neither, because the order was stopped
    paid: Money
    refunded: Money  # in total, issued or pending
    refund_amount: Money | None = None  # of the refund that this e-mail reports
    status_url: str
    download_url: str | None = None  # of the photo page with the download buttons
    redo_days: int | None = None  # how long a redo can be requested there, if it can
    expires_at: datetime | None = None
    is_attached: bool = False
    failed_names: tuple[str, ...] = ()  # the customer's own names of the failed photos
    lost: int = 0  # of the failed photos, those whose files object storage lost
    lost_names: tuple[str, ...] = ()
    redone_name: str | None = None  # the customer's own name of the photo that was redone
    rewards: Rewards | None = None
    sizes: tuple[ResultSize, ...] = ()  # of the results whose originals' sizes are known


@dataclass(frozen=True, kw_only=True)
class RenderedEmail:
    """A rendered e-mail; text and HTML have the same content."""

    subject: str
    text: str
    html: str


class EmailRenderer(Protocol):
    """Renders e-mails from templates."""

    def render(self, facts: EmailFacts) -> RenderedEmail:
        """Render an e-mail in the customer's language, else in English."""


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A file attached to an e-mail."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class OutgoingEmail:
    """An e-mail to one address; webhook events carry its ``email_id``.

    ``order_id`` is none for a letter to the shop's owner. ``link_id`` is the download link in the text: the provider's
    list can then tell which links were sent.
    """

    email_id: EmailId
    order_id: OrderId | None
    to: str
    to_name: str | None
    content: RenderedEmail
    attachment: Attachment | None = None
    link_id: DownloadLinkId | None = None


class Mailer(Protocol):
    """Sends e-mails through a provider."""

    def send(self, mail: OutgoingEmail) -> str:
        """Send an e-mail; return the provider's message id.

        Raise UnavailableError when it was certainly not accepted, LostReplyError when it may have been, and
        RefusedError when it never will be.
        """


class DeliveryStatus(StrEnum):
    """The delivery status of an e-mail, as its provider reports it."""

    ACCEPTED = "accepted"  # processed, delivered, opened...: the provider has it
    DEFERRED = "deferred"  # deferred by the receiving server, and still retried
    BLOCKED = "blocked"  # refused by the receiving server for now; the address may be valid
    UNDELIVERABLE = "undeliverable"  # bounced or dropped; the address cannot be used
    OPTED_OUT = "opted_out"  # delivered, and the customer opted out of its kind
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class EmailWebhookEvent:
    """One event of the provider's event webhook.

    The ids are none for an e-mail that is not ours, and where the provider omitted what we gave it: then one of
    ``message_ids`` is the id that sending returned, if the e-mail is ours.
    """

    event_id: str  # the same in each retry of the event
    email_id: EmailId | None
    order_id: OrderId | None
    message_id: str | None
    fate: DeliveryStatus
    reason: str | None = None
    opt_out: OptOut | None = None  # the kind of opt-out, where ``fate`` is OPTED_OUT
    message_ids: tuple[str, ...] = ()


class EmailWebhookParser(Protocol):
    """Parses the e-mail provider's webhook requests."""

    def read(self, body: bytes, headers: Mapping[str, str]) -> list[EmailWebhookEvent]:
        """Verify the signature of the raw bytes, then parse.

        Raise ForgedMessageError. Header names are lower case.
        """
