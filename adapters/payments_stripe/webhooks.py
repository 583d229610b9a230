"""Verify and parse Stripe's webhooks.

The SDK would build a full object of every event, which takes several times as long as the rest of a webhook.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from adapters.payments_stripe.api import PROVIDER
from adapters.payments_stripe.disputes import Dispute, as_dispute
from adapters.payments_stripe.field_types import EventId, Name
from adapters.payments_stripe.refunds import Refund, as_refund
from adapters.payments_stripe.sessions import Session, checkout_details, has_settled
from adapters.webhooks.fields import ProviderId, plain_code, readable
from adapters.webhooks.signatures import TOLERANCE_SECONDS, check_age, matches_any
from domain.ports.clock import Clock
from domain.ports.errors import ForgedMessageError
from domain.ports.payments import PaymentEventKind, PaymentWebhookEvent, dispute_kind, refund_kind

#: The first version of Stripe's API that sends `refund.*` events for card refunds.
FIRST_WITH_REFUND_EVENTS = "2024-10-28.acacia"

#: The last second that datetime can represent.
LAST_SECOND = int(datetime.max.replace(microsecond=0, tzinfo=UTC).timestamp())


class StripeWebhookParser:
    """Verify and parse Stripe's webhooks; several secrets allow rotation."""

    def __init__(
        self, secrets: tuple[str, ...], clock: Clock, *, tolerance_seconds: float = TOLERANCE_SECONDS
    ) -> None:
        self._secrets = [secret.encode() for secret in secrets]
        self._clock = clock
        self._tolerance_seconds = tolerance_seconds

    def read(self, body: bytes, headers: Mapping[str, str]) -> PaymentWebhookEvent:
        self._check(body, headers.get("stripe-signature", ""))
        try:
            return webhook_event_of(readable(body))
        except (msgspec.MsgspecError, ValueError) as error:
            raise ForgedMessageError(PROVIDER, f"it is not a valid Stripe event ({error})") from error

    def contents(self, body: bytes) -> bytes:
        """Return the event without ``pending_webhooks``, which differs per delivery."""
        event = msgspec.json.decode(readable(body), type=dict[str, msgspec.Raw])
        event.pop("pending_webhooks", None)
        return msgspec.json.encode(event)

    def _check(self, body: bytes, header: str) -> None:
        parts = [part.partition("=") for part in header.split(",")]
        timestamp = next((value for name, _, value in parts if name == "t"), "")
        check_age(PROVIDER, timestamp, self._clock, self._tolerance_seconds)
        signed = b"%b.%b" % (timestamp.encode(), body)
        expected = [hmac.new(secret, signed, hashlib.sha256).hexdigest().encode() for secret in self._secrets]
        if not matches_any(expected, (value.encode() for name, _, value in parts if name == "v1")):
            raise ForgedMessageError(PROVIDER, "the signature does not match")


class _Data(msgspec.Struct):
    object: msgspec.Raw


class _Event(msgspec.Struct):
    id: EventId
    type: Name
    data: _Data
    api_version: Name | None = None
    created: Annotated[int, msgspec.Meta(ge=0, le=LAST_SECOND)] | None = None


class _Charge(msgspec.Struct):
    payment_intent: ProviderId | None = None


_CHARGE = msgspec.json.Decoder(_Charge)
_EVENT = msgspec.json.Decoder(_Event)
_SESSION = msgspec.json.Decoder(Session)
_REFUND = msgspec.json.Decoder(Refund)
_DISPUTE = msgspec.json.Decoder(Dispute)


def webhook_event_of(event: bytes) -> PaymentWebhookEvent:
    """Parse an event from Stripe's API; raise MsgspecError if invalid."""
    return _webhook_event(_EVENT.decode(event))


def _webhook_event(event: _Event) -> PaymentWebhookEvent:
    read = _READERS[event.type](event) if event.type in _READERS else {"kind": PaymentEventKind.OTHER}
    created_at = datetime.fromtimestamp(event.created, UTC) if event.created is not None else None
    return PaymentWebhookEvent(
        event_id=event.id,
        event_type=event.type,
        api_version=event.api_version,
        is_of_old_version=is_before_refund_events(event.api_version),
        created_at=created_at,
        **read,
    )


def _completed(event: _Event) -> dict[str, Any]:
    session = _SESSION.decode(event.data.object)
    return _checkout_event(
        session, PaymentEventKind.PAID if has_settled(session) else PaymentEventKind.PENDING
    )


def _paid_later(event: _Event) -> dict[str, Any]:
    return _checkout_event(_SESSION.decode(event.data.object), PaymentEventKind.PAID)


def _abandoned(event: _Event) -> dict[str, Any]:
    return _checkout_event(_SESSION.decode(event.data.object), PaymentEventKind.ABANDONED)


def _checkout_event(session: Session, kind: PaymentEventKind) -> dict[str, Any]:
    checkout = checkout_details(session, is_paid=kind is PaymentEventKind.PAID)
    return {"kind": PaymentEventKind.OTHER if checkout is None else kind, "checkout": checkout}


def _refund(event: _Event) -> dict[str, Any]:
    received = _REFUND.decode(event.data.object)
    refund = as_refund(received, has_failed=event.type == "refund.failed")
    return {
        "kind": refund_kind(refund),
        "payment_intent_id": received.payment_intent,
        "refund": refund,
        "refund_id": refund.refund_id,
        "reason": plain_code(received.failure_reason) if refund.has_failed else None,
    }


def _dispute(event: _Event) -> dict[str, Any]:
    """Map a dispute by its status, whatever the event."""
    dispute = as_dispute(_DISPUTE.decode(event.data.object))
    return {
        "kind": dispute_kind(dispute),
        "payment_intent_id": dispute.payment_intent_id,
        "dispute_id": dispute.dispute_id,
        "dispute_amount": dispute.amount,
        "is_inquiry": dispute.is_inquiry,
        "reason": dispute.reason,
        "outcome": dispute.outcome,
        "respond_by": dispute.respond_by,
    }


def _charge_refunded(event: _Event) -> dict[str, Any]:
    """Map to a hint where the endpoint gets no card refund events."""
    if not is_before_refund_events(event.api_version):
        return {"kind": PaymentEventKind.OTHER}
    charge = _CHARGE.decode(event.data.object)
    return {"kind": PaymentEventKind.REFUNDS_CHANGED, "payment_intent_id": charge.payment_intent}


def is_before_refund_events(api_version: str | None) -> bool:
    """Whether endpoints of this version get no ``refund.*`` events for card refunds."""
    return api_version is not None and api_version < FIRST_WITH_REFUND_EVENTS


_READERS: dict[str, Callable[[_Event], dict[str, Any]]] = {
    "checkout.session.completed": _completed,
    "checkout.session.async_payment_succeeded": _paid_later,
    "checkout.session.async_payment_failed": _abandoned,
    "checkout.session.expired": _abandoned,
    "charge.refunded": _charge_refunded,
    "charge.refund.updated": _refund,
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund,
    "charge.dispute.created": _dispute,
    "charge.dispute.updated": _dispute,
    "charge.dispute.funds_withdrawn": _dispute,
    "charge.dispute.funds_reinstated": _dispute,
    "charge.dispute.closed": _dispute,
}

#: Events whose content others carry as well: an endpoint may leave them out without loss.
_HINTS = frozenset(
    {
        "charge.refunded",
        "charge.refund.updated",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
    }
)

#: The events an endpoint has to subscribe to.
SUBSCRIBED_EVENTS = tuple(name for name in _READERS if name not in _HINTS)
