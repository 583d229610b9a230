"""What each provider's own books say, for the shop to compare its own with.

Every list is bounded by a moment and read page by page while it is iterated. An entry that cannot be read is handed to
``unreadable`` and left out, and the list goes on; by default it ends the list with UnreadableAnswerError. Methods raise
UnavailableError while the provider is away, and ListingClosedError where it does not show its books to this account.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.order.values import EmailId, ObjectKey
from domain.ports.email import DeliveryStatus
from domain.ports.errors import OutsideError, UnreadableAnswerError
from domain.ports.payments import CheckoutState, PaymentWebhookEvent
from domain.ports.restorer import PredictionStatus


class ListingClosedError(OutsideError):
    """The provider does not show this account what would have to be compared."""

    def __init__(self, provider: str, detail: str) -> None:
        self.provider = provider
        self.detail = detail
        super().__init__(f"{provider} cannot be compared, because {detail}.")


@dataclass(frozen=True, kw_only=True)
class UnreadableEntry:
    """An entry of a provider's list that has another shape than documented; ``detail`` quotes none of its values."""

    provider: str
    kind: str  # checkout, refund, prediction...
    entry_id: str | None  # none if not even that can be read
    detail: str


#: Takes what cannot be read.
TakeUnreadable = Callable[[UnreadableEntry], object]


def refuse_unreadable(entry: UnreadableEntry) -> None:
    """End the list; raises UnreadableAnswerError."""
    name = entry.entry_id or "without an id"
    raise UnreadableAnswerError(
        entry.provider, f"a {entry.kind}, {name}, that cannot be read: {entry.detail}"
    )


@dataclass(frozen=True, kw_only=True)
class ListedCheckout:
    """A checkout of the payment provider's list, as it stands now."""

    state: CheckoutState
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class EndpointVersion:
    """The API version that this shop's webhook endpoint has of its own."""

    api_version: str
    is_old: bool  # it leaves out webhook events that the shop needs


class PaymentListing(Protocol):
    """Money, as the payment provider has it on its books."""

    def events(
        self, since: datetime, unreadable: TakeUnreadable = refuse_unreadable
    ) -> Iterator[PaymentWebhookEvent]:
        """What the provider posted, or should have, and the shop acts upon; the newest first."""
        ...

    def checkouts(
        self, since: datetime, unreadable: TakeUnreadable = refuse_unreadable
    ) -> Iterator[ListedCheckout]:
        """Checkouts that were opened since, this shop's and others'."""
        ...

    def refunds(
        self, since: datetime, unreadable: TakeUnreadable = refuse_unreadable
    ) -> Iterator[PaymentWebhookEvent]:
        """Refunds that were made since, each as a notice of how it stands now: REFUND_ISSUED or REFUND_FAILED.

        The notice's event id is made of the refund's own id and of that standing.
        """
        ...

    def disputes(
        self, since: datetime, unreadable: TakeUnreadable = refuse_unreadable
    ) -> Iterator[PaymentWebhookEvent]:
        """Disputes that were opened since, told like refunds: DISPUTE_OPENED or DISPUTE_CLOSED."""
        ...

    def endpoint_version(self, unreadable: TakeUnreadable = refuse_unreadable) -> EndpointVersion | None:
        """The version of this shop's webhook endpoint.

        None if the endpoint has the account's version, is not on the list, or this account may not list endpoints.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class ListedPrediction:
    """A line of the restorer's list; ``name_tag`` leads to the address its end is posted to."""

    prediction_id: str
    status: PredictionStatus
    created_at: datetime
    ended_at: datetime | None = None
    name_tag: str | None = None


class PredictionListing(Protocol):
    """Predictions, as the restorer has them on its books."""

    def predictions(
        self, since: datetime, unreadable: TakeUnreadable = refuse_unreadable
    ) -> Iterator[ListedPrediction]:
        """The account's predictions that were created since, the newest first; others' may be among them."""
        ...

    def address_of(self, listed: ListedPrediction) -> str | None:
        """The address that the end of a prediction is posted to; none if it tells none, or not any more."""
        ...


@dataclass(frozen=True, kw_only=True)
class ListedEmail:
    """A mail the provider knows, by the message id that sending it told."""

    message_id: str
    fate: DeliveryStatus
    last_event_at: datetime


class EmailListing(Protocol):
    """Mails, as their provider has them on its books."""

    def messages(
        self, since: datetime, unreadable: TakeUnreadable = refuse_unreadable
    ) -> Iterator[ListedEmail]:
        """The mails about which something happened since, each once."""
        ...

    def find(self, email_id: EmailId) -> ListedEmail | None:
        """The mail that carries this id of ours; none if the provider knows of none."""
        ...


@dataclass(frozen=True, kw_only=True)
class ListedObject:
    """An object as the storage lists it."""

    key: ObjectKey
    size_bytes: int
    stored_at: datetime


class ObjectListing(Protocol):
    """Objects, as the storage has them on its books."""

    def objects_under(
        self, prefix: str, unreadable: TakeUnreadable = refuse_unreadable
    ) -> Iterator[ListedObject]:
        """Every object whose key starts with ``prefix``."""
        ...
