"""Money, as the shop needs it from a payment provider."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from domain.order.values import DisputeOutcome, Money, OrderId, RefundId, UploadSessionId
from domain.referral_program import Spending


@dataclass(frozen=True, kw_only=True)
class NewCheckout:
    """What a customer is about to pay; the provider's page shows it and keeps the ids for us."""

    upload_session_id: UploadSessionId
    order_id: OrderId
    payment_token: str  # proves to this shop, and to no other on the account, that the payment is its own
    photos: int
    unit_price: Money
    email: str | None  # prefilled when the customer gave it already
    success_url: str
    cancel_url: str
    expires_at: datetime
    idempotency_key: str
    locale: str | None = None  # the customer's language and region, for the mails to come
    spending: Spending | None = None  # taken off the price, once, on this page alone


@dataclass(frozen=True, kw_only=True)
class OpenedCheckout:
    """The page where the customer pays."""

    checkout_session_id: str
    url: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class NewRefund:
    """Money to pay back; a repeat with the same ``idempotency_key`` pays once."""

    refund_id: RefundId
    order_id: OrderId | None  # none for money that belongs to no order
    payment_intent_id: str
    amount: Money
    idempotency_key: str


@dataclass(frozen=True, kw_only=True)
class ProviderRefund:
    """A refund at the provider, as it is now; one that is pending may still fail.

    ``payment_intent_id`` and ``refund_id`` are what the provider keeps with it: the payment, and our id if it has one.
    """

    provider_refund_id: str
    has_failed: bool
    amount: Money
    is_pending: bool = False
    payment_intent_id: str | None = None
    refund_id: RefundId | None = None


@dataclass(frozen=True, kw_only=True)
class ProviderDispute:
    """A dispute at the provider, as it is now; ``outcome`` is None while it is open, or under appeal."""

    dispute_id: str
    payment_intent_id: str | None
    amount: Money
    is_inquiry: bool = False  # the bank asks, and takes no money
    reason: str | None = None
    outcome: DisputeOutcome | None = None


@dataclass(frozen=True, kw_only=True)
class CheckoutDetails:
    """A checkout as the provider tells it; our ids are none when the checkout was not opened by this shop."""

    checkout_session_id: str
    upload_session_id: UploadSessionId | None
    order_id: OrderId | None
    payment_intent_id: str | None
    paid: Money
    discount: Money
    email: str | None
    name: str | None
    locale: str | None
    spending: Spending | None = (
        None  # the points that the page was opened with, whatever was taken off in the end
    )
    tax: Money | None = None  # added by the provider on top of the price, and a part of what was paid
    payment_token: str | None = None  # as it came: whether it is this shop's has to be checked


class CheckoutStatus(StrEnum):
    """Where a checkout stands at the provider."""

    OPEN = "open"  # the customer may pay yet
    PENDING = "pending"  # the customer is done, the money takes days
    PAID = "paid"  # the money is there, or none was asked for
    FAILED = "failed"  # the money that was on its way never came
    EXPIRED = "expired"  # nobody paid in time


@dataclass(frozen=True, kw_only=True)
class CheckoutState:
    """A checkout as it is now; nothing of ``checkout`` counts as paid before it stands as PAID."""

    status: CheckoutStatus
    checkout: CheckoutDetails


class PaymentProvider(Protocol):
    """Takes and returns money. Methods raise UnavailableError, LostReplyError or RefusedError."""

    def open_checkout(self, wish: NewCheckout) -> OpenedCheckout:
        """Open a page where exactly this can be paid."""
        ...

    def expire_checkout(self, checkout_session_id: str) -> CheckoutStatus:
        """Close a page that is open, so that it cannot be paid any more; gives how the checkout stands then."""
        ...

    def issue_refund(self, wish: NewRefund) -> ProviderRefund:
        """Pay money back."""
        ...

    def find_refund(self, payment_intent_id: str, refund_id: RefundId) -> ProviderRefund | None:
        """The refund that carries our id, if the provider has one."""
        ...

    def look_up_refund(self, provider_refund_id: str) -> ProviderRefund | None:
        """A refund as it is now, whoever made it."""
        ...

    def refunds_of(self, payment_intent_id: str) -> Sequence[ProviderRefund]:
        """All refunds of a payment as they are now, whoever made them."""
        ...

    def look_up_dispute(self, dispute_id: str) -> ProviderDispute | None:
        """A dispute as it is now."""
        ...

    def find_checkout(self, checkout_session_id: str) -> CheckoutState | None:
        """A checkout as it is now, whoever opened it; none if it sells nothing."""
        ...

    def find_checkout_by_payment(self, payment_intent_id: str) -> CheckoutState | None:
        """The checkout that a payment was made on, if it was made on one."""
        ...


class PaymentEventKind(StrEnum):
    """What a payment provider's notice tells the shop."""

    PAID = "paid"  # the money is there
    PENDING = "pending"  # the customer is done, the money takes days
    ABANDONED = "abandoned"  # the checkout expired, or the delayed payment failed
    REFUNDS_CHANGED = "refunds_changed"  # some refund of a payment; which one, the provider has to be asked
    REFUND_PENDING = "refund_pending"
    REFUND_ISSUED = "refund_issued"
    REFUND_FAILED = "refund_failed"
    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_CLOSED = "dispute_closed"
    OTHER = "other"  # nothing the shop acts upon


def dispute_kind(dispute: ProviderDispute) -> PaymentEventKind:
    """The kind of a webhook event about a dispute in this status."""
    return PaymentEventKind.DISPUTE_OPENED if dispute.outcome is None else PaymentEventKind.DISPUTE_CLOSED


def refund_kind(refund: ProviderRefund) -> PaymentEventKind:
    """The kind of a notice about a refund that is like this."""
    if refund.has_failed:
        return PaymentEventKind.REFUND_FAILED
    return PaymentEventKind.REFUND_PENDING if refund.is_pending else PaymentEventKind.REFUND_ISSUED


@dataclass(frozen=True, kw_only=True)
class PaymentWebhookEvent:
    """One signed message of the payment provider, reduced to what the shop needs; the rest stays with the provider.

    ``checkout`` belongs to PAID, PENDING and ABANDONED; ``refund``, ``refund_id`` and ``payment_intent_id`` to the
    refund kinds; ``dispute_id``, ``dispute_amount``, ``reason``, ``outcome`` and ``payment_intent_id`` to disputes.
    """

    event_id: str
    event_type: str
    kind: PaymentEventKind
    checkout: CheckoutDetails | None = None
    payment_intent_id: str | None = None
    refund: ProviderRefund | None = None
    refund_id: RefundId | None = None  # none for a refund made in the provider's dashboard
    dispute_id: str | None = None
    dispute_amount: Money | None = None
    is_inquiry: bool = False  # of a dispute: the bank asks, and takes no money
    reason: str | None = None
    outcome: DisputeOutcome | None = None
    api_version: str | None = None  # the version of the provider's API that the message is written in
    is_of_old_version: bool = False  # one that leaves out what the shop needs to hear of
    created_at: datetime | None = None  # when it came to be at the provider; UTC, aware


class PaymentWebhookParser(Protocol):
    """Reads what the payment provider posts."""

    def read(self, body: bytes, headers: Mapping[str, str]) -> PaymentWebhookEvent:
        """Check the signature on the raw bytes, then parse; raises ForgedMessageError. Header names are lower case."""
        ...

    def contents(self, body: bytes) -> bytes:
        """What of a body that was read is the same whenever its message is posted."""
        ...
