"""The ports for providers' listings, which reconciliation compares with the log.

Every listing is bounded by a moment and read page by page while it is iterated. An entry that cannot be read is passed
to ``unreadable`` and left out, and the listing continues; by default it ends with UnreadableAnswerError. Methods raise
UnavailableError while the provider is unavailable, and ListingClosedError where this account may not list.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.order.values import DownloadLinkId, EmailId, ObjectKey, OrderId
from domain.ports.email import DeliveryStatus
from domain.ports.errors import OutsideError, UnreadableAnswerError
from domain.ports.payments import CheckoutState, PaymentWebhookEvent
from domain.ports.restorer import PredictionStatus


class ListingClosedError(OutsideError):
    """The provider does not let this account list these entries."""

    def __init__(self, provider: str, detail: str) -> None:
        self.provider = provider
        self.detail = detail
        super().__init__(f"{provider} cannot be compared, because {detail}.")


@dataclass(frozen=True, kw_only=True)
class UnreadableEntry:
    """A listed entry without the documented shape; ``detail`` quotes no values."""

    provider: str
    kind: str  # checkout, refund, prediction...
    entry_id: str | None  # none if it cannot be read either
    detail: str


#: A callback for entries that cannot be read.
TakeUnreadable = Callable[[UnreadableEntry], object]


def refuse_unreadable(entry: UnreadableEntry) -> None:
    """End the listing: raise UnreadableAnswerError."""
    raise UnreadableAnswerError(
        entry.provider,
        f"a {entry.kind}, {entry.entry_id or 'without an id'}, that cannot be read: {entry.detail}",
    )


@dataclass(frozen=True, kw_only=True)
class ListedCheckout:
    """A checkout in the payment provider's listing, in its current state."""

    state: CheckoutState
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class EndpointVersion:
    """The API version that is configured for this shop's webhook endpoint."""

    api_version: str
    is_old: bool  # it omits webhook events that the shop needs


class PaymentListing(Protocol):
    """Payments, as the payment provider lists them."""

    def events(
        self, since: datetime, unreadable: TakeUnreadable = refuse_unreadable
    ) -> Iterator[PaymentWebhookEvent]:
        """The webhook events that the shop handles, newest first.

        They include those that the provider failed to deliver.
        """

    def checkouts(
        self, since: datetime, unreadable: TakeUnreadable = refuse_unreadable
    ) -> Iterator[ListedCheckout]:
        """Checkouts opened since, of this shop and of others."""

    def refunds(
        self, since: datetime, unreadable: TakeUnreadable = refuse_unreadable
    ) -> Iterator[PaymentWebhookEvent]:
        """Refunds made since, each as a webhook event of its status.

        The kind is REFUND_ISSUED or REFUND_FAILED; the event id is derived from the refund's id and its status.
        """

    def disputes(
        self, since: datetime, unreadable: TakeUnreadable = refuse_unreadable
    ) -> Iterator[PaymentWebhookEvent]:
        """Disputes opened since, each as a webhook event of its status.

        The kind is DISPUTE_OPENED or DISPUTE_CLOSED; the event id is derived as for refunds.
        """

    def endpoint_version(self, unreadable: TakeUnreadable = refuse_unreadable) -> EndpointVersion | None:
        """The API version of this shop's webhook endpoint.

        None if the endpoint has the account's version, is not listed, or this account may not list endpoints.
        """


@dataclass(frozen=True, kw_only=True)
class ListedPrediction:
    """A listed prediction; ``name_tag`` leads to its webhook address."""

    prediction_id: str
    status: PredictionStatus
    created_at: datetime
    ended_at: datetime | None = None
    name_tag: str | None = None


class PredictionListing(Protocol):
    """Predictions, as the restorer lists them."""

    def predictions(
        self, since: datetime, unreadable: TakeUnreadable = refuse_unreadable
    ) -> Iterator[ListedPrediction]:
        """The account's predictions created since, newest first, other shops' included."""

    def address_of(self, listed: ListedPrediction) -> str | None:
        """A prediction's webhook address; none if it is not available."""


@dataclass(frozen=True, kw_only=True)
class ListedEmail:
    """An e-mail in the provider's listing, by its message id."""

    message_id: str
    fate: DeliveryStatus
    last_event_at: datetime
    to: str | None = None


class EmailListing(Protocol):
    """E-mails, as their provider lists them."""

    def messages(
        self, since: datetime, unreadable: TakeUnreadable = refuse_unreadable
    ) -> Iterator[ListedEmail]:
        """The e-mails with activity since, each once."""

    def find(self, email_id: EmailId) -> ListedEmail | None:
        """The e-mail that carries our id, if the provider has it."""

    def about(self, order_id: OrderId) -> list[ListedEmail]:
        """The e-mails about an order, newest first."""

    def find_link(self, link_id: DownloadLinkId) -> ListedEmail | None:
        """The newest e-mail with this download link, if the provider has one."""


@dataclass(frozen=True, kw_only=True)
class ListedObject:
    """An object in the storage's listing."""

    key: ObjectKey
    size_bytes: int
    stored_at: datetime


class ObjectListing(Protocol):
    """Objects, as object storage lists them."""

    def objects_under(
        self, prefix: str, unreadable: TakeUnreadable = refuse_unreadable
    ) -> Iterator[ListedObject]:
        """Every object whose key starts with ``prefix``."""
