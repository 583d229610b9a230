"""Checkout sessions and refunds through the Stripe SDK."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NoReturn, TypeVar

import msgspec
import stripe

from adapters.payments_stripe.disputes import Dispute, as_dispute
from adapters.payments_stripe.refunds import FAILED_REFUNDS, Refund, as_refund
from adapters.payments_stripe.sessions import Session, points_metadata, state_of
from adapters.retry_after import wait_seconds
from adapters.webhooks.fields import plain_code
from domain.order.values import RefundId
from domain.ports.errors import (
    AccountRefusedError,
    DisputedError,
    LostReplyError,
    RefusedError,
    UnavailableError,
    UnreadableAnswerError,
)
from domain.ports.payments import (
    CheckoutState,
    CheckoutStatus,
    NewCheckout,
    NewRefund,
    OpenedCheckout,
    ProviderDispute,
    ProviderRefund,
)
from domain.referral_program import Spending

PROVIDER = "Stripe"

CONNECT_TIMEOUT_SECONDS = 5.0

#: Shown to the customer on Stripe's page and on the receipt.
PRODUCT_NAME = "Photo restoration"
COUPON_NAME = "Your points"

T = TypeVar("T")

_PAGE_SIZE = 100
_MISSING = "resource_missing"
_DISPUTED = "charge_disputed"


class StripePayments:
    """Create and read checkout sessions and refunds of one Stripe account.

    The SDK's retries are off: the caller retries from the reactions table, with the same idempotency key.
    """

    def __init__(self, secret_key: str, api_base: str, *, timeout_seconds: float = 20.0) -> None:
        # Below this level the SDK logs request bodies, which contain e-mail addresses.
        logging.getLogger("stripe").setLevel(logging.WARNING)
        # It tells Stripe of this machine, and keeps an id in the user's home, without which the SDK fails.
        stripe.enable_telemetry = False
        self._http = stripe.RequestsClient(timeout=(CONNECT_TIMEOUT_SECONDS, timeout_seconds))
        self._client = stripe.StripeClient(
            secret_key, base_addresses={"api": api_base}, max_network_retries=0, http_client=self._http
        )

    @property
    def client(self) -> stripe.StripeClient:
        """Return the SDK's client, which the listings share."""
        return self._client

    def open_checkout(self, request: NewCheckout) -> OpenedCheckout:
        """Open a Checkout Session; see the port.

        Our ids are stored in the metadata of the session and of its payment, points in the session's.
        """
        metadata = {
            "upload_session_id": str(request.upload_session_id),
            "order_id": str(request.order_id),
            "seal": request.payment_token,
        }
        # Stripe's own locale field accepts about forty locales and rejects all others.
        spoken = {"locale": request.locale} if request.locale is not None else {}
        price: stripe.params.checkout.SessionCreateParamsLineItemPriceData = {
            "currency": request.unit_price.currency.lower(),
            "unit_amount": request.unit_price.amount,
            "product_data": {"name": PRODUCT_NAME},
        }
        params: stripe.params.checkout.SessionCreateParams = {
            "mode": "payment",
            "line_items": [{"price_data": price, "quantity": request.photos}],
            "success_url": request.success_url,
            "cancel_url": request.cancel_url,
            "expires_at": int(request.expires_at.timestamp()),
            "metadata": metadata | spoken | points_metadata(request.spending),
            "payment_intent_data": {"metadata": metadata},
        }
        if request.email is not None:
            params["customer_email"] = request.email
        if request.asks_for_phone:
            params["phone_number_collection"] = {"enabled": True}
        if request.spending is not None:
            params["discounts"] = [{"coupon": self._coupon(request, request.spending)}]
        with translated(is_write=True):
            session = self._client.v1.checkout.sessions.create(
                params, {"idempotency_key": request.idempotency_key}
            )
        if session.url is None:
            # An old idempotency key: the session that it opened has ended.
            raise RefusedError(PROVIDER, f"checkout {session.id} is {session.status}", code=session.status)
        return OpenedCheckout(
            checkout_session_id=session.id,
            url=session.url,
            expires_at=datetime.fromtimestamp(session.expires_at, UTC),
        )

    def _coupon(self, request: NewCheckout, spending: Spending) -> str:
        """Create a coupon for one payment of this session."""
        params: stripe.params.CouponCreateParams = {
            "amount_off": spending.discount.amount,
            "currency": spending.discount.currency.lower(),
            "duration": "once",
            "max_redemptions": 1,
            "redeem_by": int(request.expires_at.timestamp()),
            "name": COUPON_NAME,
            "metadata": {"upload_session_id": str(request.upload_session_id)},
        }
        with translated(is_write=True):
            made = self._client.v1.coupons.create(
                params, {"idempotency_key": f"{request.idempotency_key}:coupon"}
            )
        return made.id

    def expire_checkout(self, checkout_session_id: str) -> CheckoutStatus:
        """Expire a Checkout Session; if Stripe refuses, return its current status."""
        try:
            with translated(is_write=True):
                self._client.v1.checkout.sessions.expire(checkout_session_id)
        except RefusedError as refusal:
            state = self.find_checkout(checkout_session_id)
            if state is None:
                return CheckoutStatus.EXPIRED
            if state.status is CheckoutStatus.OPEN:
                raise UnavailableError(
                    PROVIDER, f"an open checkout was not expired: {refusal.code}"
                ) from refusal
            return state.status
        return CheckoutStatus.EXPIRED

    def issue_refund(self, request: NewRefund) -> ProviderRefund:
        """Refund a payment; raise RefusedError if that fails at once."""
        metadata = {"refund_id": str(request.refund_id)}
        if request.order_id is not None:
            metadata["order_id"] = str(request.order_id)
        params: stripe.params.RefundCreateParams = {
            "payment_intent": request.payment_intent_id,
            "amount": request.amount.amount,
            "metadata": metadata,
        }
        with translated(is_write=True):
            refund = self._client.v1.refunds.create(params, {"idempotency_key": request.idempotency_key})
        if refund.status in FAILED_REFUNDS:
            reason = plain_code(refund.failure_reason) or "no reason given"
            raise RefusedError(PROVIDER, f"refund {refund.id} is {refund.status}: {reason}", code=reason)
        try:
            return _provider_refund(refund)
        except UnreadableAnswerError as error:
            raise LostReplyError(PROVIDER, error.detail) from error

    def find_refund(self, payment_intent_id: str, refund_id: RefundId) -> ProviderRefund | None:
        """Return the newest refund with our id, failed ones last."""
        with translated(is_write=False):
            refunds = self._client.v1.refunds.list(
                {"payment_intent": payment_intent_id, "limit": _PAGE_SIZE}
            ).auto_paging_iter()
            ours = [one for one in map(_provider_refund, refunds) if one.refund_id == refund_id]
        return min(ours, key=lambda refund: refund.has_failed, default=None)

    def look_up_refund(self, provider_refund_id: str) -> ProviderRefund | None:
        found = _unless_missing(lambda: self._client.v1.refunds.retrieve(provider_refund_id))
        return _provider_refund(found) if found is not None else None

    def refunds_of(self, payment_intent_id: str) -> Sequence[ProviderRefund]:
        with translated(is_write=False):
            refunds = self._client.v1.refunds.list(
                {"payment_intent": payment_intent_id, "limit": _PAGE_SIZE}
            ).auto_paging_iter()
            return [_provider_refund(one) for one in refunds]

    def look_up_dispute(self, dispute_id: str) -> ProviderDispute | None:
        found = _unless_missing(lambda: self._client.v1.disputes.retrieve(dispute_id))
        if found is None:
            return None
        with _readable("a dispute"):
            return as_dispute(msgspec.convert(found.to_dict(), Dispute))

    def find_checkout(self, checkout_session_id: str) -> CheckoutState | None:
        sessions = self._client.v1.checkout.sessions
        found = _unless_missing(
            lambda: sessions.retrieve(checkout_session_id, {"expand": ["payment_intent"]})
        )
        return _checkout_state(found) if found is not None else None

    def find_checkout_by_payment(self, payment_intent_id: str) -> CheckoutState | None:
        """Return the payment intent's Checkout Session; there is at most one."""
        sessions = self._client.v1.checkout.sessions
        params: stripe.params.checkout.SessionListParams = {
            "payment_intent": payment_intent_id,
            "limit": 1,
            "expand": ["data.payment_intent"],
        }
        found = _unless_missing(lambda: sessions.list(params))
        return _checkout_state(found.data[0]) if found is not None and found.data else None

    def close(self) -> None:
        """Close the calling thread's connections.

        The SDK keeps connections per thread; the others end with their threads.
        """
        self._http.close()  # type: ignore[no-untyped-call]


def _checkout_state(session: stripe.checkout.Session) -> CheckoutState | None:
    with _readable("a checkout"):
        return state_of(msgspec.convert(session.to_dict(), Session))


def _provider_refund(refund: stripe.Refund) -> ProviderRefund:
    with _readable("a refund"):
        return as_refund(msgspec.convert(refund.to_dict(), Refund))


@contextmanager
def _readable(what: str) -> Iterator[None]:
    """Translate decoding errors; the message has types and paths, no values."""
    try:
        yield
    except msgspec.MsgspecError as error:
        raise UnreadableAnswerError(PROVIDER, f"{what} that cannot be read: {error}") from error


def _unless_missing(look: Callable[[], T]) -> T | None:
    """Return what ``look`` returns, or None for an unknown object."""
    try:
        with translated(is_write=False):
            return look()
    except RefusedError as refusal:
        if refusal.code == _MISSING:
            return None
        raise


@contextmanager
def translated(*, is_write: bool) -> Iterator[None]:
    """Translate the SDK's errors without their messages, which may quote secrets."""
    try:
        yield
    except stripe.RateLimitError as error:
        wait = wait_seconds((error.headers or {}).get("Retry-After"))
        raise UnavailableError(PROVIDER, "rate limit", retry_after_seconds=wait) from error
    except (stripe.APIConnectionError, stripe.APIError) as error:
        detail = f"status {error.http_status}" if error.http_status else "no answer"
        raise (LostReplyError if is_write else UnavailableError)(PROVIDER, detail) from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise AccountRefusedError(PROVIDER, type(error).__name__) from error
    except stripe.StripeError as error:
        _refuse(error)


def _refuse(error: stripe.StripeError) -> NoReturn:
    code = error.code or type(error).__name__
    param = getattr(error, "param", None)
    about = f" about {param}" if param else ""
    raise (DisputedError if code == _DISPUTED else RefusedError)(
        PROVIDER, f"{code}{about} (status {error.http_status}, request {error.request_id})", code=code
    ) from error
