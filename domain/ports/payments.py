"""The port for the payment provider."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from domain.order.values import DisputeOutcome, Money, OrderId, RefundId, UploadSessionId
from domain.referral_program import Spending


@dataclass(frozen=True, kw_only=True)
class NewCheckout:
    """A checkout to open; the provider stores our ids with it."""

    upload_session_id: UploadSessionId
    order_id: OrderId
    payment_token: str  # proves that the payment is this shop's, among others on the account
    photos: int
    unit_price: Money
    email: str | None  # prefilled if known
    success_url: str
    cancel_url: str
    expires_at: datetime
    idempotency_key: str
    locale: str | None = None  # the customer's language and region, for later e-mails
    spending: Spending | None = None  # deducted from the price, once, on this checkout only
    asks_for_phone: bool = False  # the page asks for a phone number


@dataclass(frozen=True, kw_only=True)
class OpenedCheckout:
    """The provider's page where the customer pays."""

    checkout_session_id: str
    url: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class NewRefund:
    """A refund to issue; a repeat with the same ``idempotency_key`` is idempotent."""

    refund_id: RefundId
    order_id: OrderId | None  # none for a payment that belongs to no order
    payment_intent_id: str
    amount: Money
    idempotency_key: str


@dataclass(frozen=True, kw_only=True)
class ProviderRefund:
    """The current state of a refund; a pending one may still fail.

    ``payment_intent_id`` and ``refund_id`` are stored with it at the provider: the payment, and our id if it has one.
    """

    provider_refund_id: str
    has_failed: bool
    amount: Money
    is_pending: bool = False
    payment_intent_id: str | None = None
    refund_id: RefundId | None = None


@dataclass(frozen=True, kw_only=True)
class ProviderDispute:
    """A dispute; ``outcome`` is None while open or under appeal."""

    dispute_id: str
    payment_intent_id: str | None
    amount: Money
    is_inquiry: bool = False  # the bank only asks, and takes no money
    reason: str | None = None
    outcome: DisputeOutcome | None = None
    respond_by: datetime | None = None  # none where the provider states none


@dataclass(frozen=True, kw_only=True)
class CheckoutDetails:
    """The details of a checkout at the provider.

    Our ids are none when this shop did not open it.
    """

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
        None  # the points that the checkout was opened with, whatever the final discount
    )
    tax: Money | None = None  # added by the provider to the price; part of what was paid
    payment_token: str | None = None  # as received; whether it is this shop's has to be verified
    phone: str | None = None
    country: str | None = None  # of the billing address, as ISO 3166 has it


class CheckoutStatus(StrEnum):
    """The status of a checkout at the provider."""

    OPEN = "open"  # the customer may still pay
    PENDING = "pending"  # submitted; the payment takes days
    PAID = "paid"  # the payment succeeded, or nothing was charged
    FAILED = "failed"  # the delayed payment failed
    EXPIRED = "expired"  # not paid in time


@dataclass(frozen=True, kw_only=True)
class CheckoutState:
    """The current state of a checkout.

    Nothing of ``checkout`` counts as paid unless ``status`` is PAID.
    """

    status: CheckoutStatus
    checkout: CheckoutDetails


class PaymentProvider(Protocol):
    """Receives and refunds payments.

    Methods raise UnavailableError, LostReplyError or RefusedError.
    """

    def open_checkout(self, request: NewCheckout) -> OpenedCheckout:
        """Open a checkout for exactly this purchase."""

    def expire_checkout(self, checkout_session_id: str) -> CheckoutStatus:
        """Expire an open checkout, so that it cannot be paid.

        Return its status afterwards.
        """

    def issue_refund(self, request: NewRefund) -> ProviderRefund:
        """Issue a refund."""

    def find_refund(self, payment_intent_id: str, refund_id: RefundId) -> ProviderRefund | None:
        """The refund that carries our id, if there is one."""

    def look_up_refund(self, provider_refund_id: str) -> ProviderRefund | None:
        """The current state of a refund, no matter who made it."""

    def refunds_of(self, payment_intent_id: str) -> Sequence[ProviderRefund]:
        """All refunds of a payment, no matter who made them."""

    def look_up_dispute(self, dispute_id: str) -> ProviderDispute | None:
        """The current state of a dispute."""

    def find_checkout(self, checkout_session_id: str) -> CheckoutState | None:
        """The current state of a checkout, no matter which shop opened it.

        None if it is unknown or sells nothing.
        """

    def find_checkout_by_payment(self, payment_intent_id: str) -> CheckoutState | None:
        """The checkout of a payment, if it has one."""


class PaymentEventKind(StrEnum):
    """What a payment provider's webhook event means for the shop."""

    PAID = "paid"  # the payment succeeded
    PENDING = "pending"  # submitted; the payment takes days
    ABANDONED = "abandoned"  # the checkout expired, or the delayed payment failed
    REFUNDS_CHANGED = (
        "refunds_changed"  # some refund of a payment changed; the provider has to be asked which
    )
    REFUND_PENDING = "refund_pending"
    REFUND_ISSUED = "refund_issued"
    REFUND_FAILED = "refund_failed"
    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_CLOSED = "dispute_closed"
    OTHER = "other"  # ignored by the shop


def dispute_kind(dispute: ProviderDispute) -> PaymentEventKind:
    """The kind of a webhook event about a dispute in this status."""
    return PaymentEventKind.DISPUTE_OPENED if dispute.outcome is None else PaymentEventKind.DISPUTE_CLOSED


def refund_kind(refund: ProviderRefund) -> PaymentEventKind:
    """The kind of a webhook event about a refund in this status."""
    if refund.has_failed:
        return PaymentEventKind.REFUND_FAILED
    return PaymentEventKind.REFUND_PENDING if refund.is_pending else PaymentEventKind.REFUND_ISSUED


@dataclass(frozen=True, kw_only=True)
class PaymentWebhookEvent:
    """One signed webhook event, reduced to what the shop needs.

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
    is_inquiry: bool = False  # of a dispute: the bank only asks, and takes no money
    reason: str | None = None
    outcome: DisputeOutcome | None = None
    respond_by: datetime | None = None  # when the bank wants a response to a dispute
    api_version: str | None = None  # the API version that the event is rendered in
    is_of_old_version: bool = False  # a version that omits what the shop needs
    created_at: datetime | None = None  # when the provider created it; UTC, timezone-aware


class PaymentWebhookParser(Protocol):
    """Parses the payment provider's webhook requests."""

    def read(self, body: bytes, headers: Mapping[str, str]) -> PaymentWebhookEvent:
        """Verify the signature of the raw bytes, then parse.

        Raise ForgedMessageError. Header names are lower case.
        """

    def contents(self, body: bytes) -> bytes:
        """The part of a body that is equal in every delivery."""
