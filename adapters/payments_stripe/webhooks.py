"""Reading Stripe's webhooks: the signature on the raw bytes, then only the fields the shop needs.

The SDK would build its full object of every event, which takes several times as long as all the rest of a webhook.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from adapters.payments_stripe.api import PROVIDER
from adapters.payments_stripe.disputes import Dispute, as_dispute
from adapters.payments_stripe.refunds import Refund, as_refund
from adapters.payments_stripe.sessions import Session, has_settled, told
from adapters.webhooks.fields import plain_code, readable
from adapters.webhooks.signatures import TOLERANCE_SECONDS, check_age, is_any
from domain.ports.clock import Clock
from domain.ports.errors import ForgedMessageError
from domain.ports.payments import PaymentEventKind, PaymentWebhookEvent, dispute_kind, refund_kind

#: The first version of Stripe's API whose endpoints get `refund.*` for refunds of cards.
FIRST_WITH_REFUND_EVENTS = "2024-10-28.acacia"

#: The last moment that has a date.
LAST_SECOND = int(datetime.max.replace(microsecond=0, tzinfo=UTC).timestamp())


class StripeWebhookParser:
    """Reads what Stripe posts; two secrets are good while one is being rolled."""

    def __init__(
        self, secrets: tuple[str, ...], clock: Clock, *, tolerance_seconds: float = TOLERANCE_SECONDS
    ) -> None:
        self._secrets = [secret.encode() for secret in secrets]
        self._clock = clock
        self._tolerance_seconds = tolerance_seconds

    def read(self, body: bytes, headers: Mapping[str, str]) -> PaymentWebhookEvent:
        """Check the signature, then say what the event means to the shop; raises ForgedMessageError."""
        self._check(body, headers.get("stripe-signature", ""))
        try:
            return notice_of(readable(body))
        except (msgspec.MsgspecError, ValueError) as error:
            raise ForgedMessageError(PROVIDER, f"it is no event as Stripe describes it ({error})") from error

    def contents(self, body: bytes) -> bytes:
        """The event without its count of endpoints that have yet to take it: each delivery has its own."""
        event = msgspec.json.decode(readable(body), type=dict[str, msgspec.Raw])
        event.pop("pending_webhooks", None)
        return msgspec.json.encode(event)

    def _check(self, body: bytes, header: str) -> None:
        parts = [part.partition("=") for part in header.split(",")]
        timestamp = next((value for name, _, value in parts if name == "t"), "")
        check_age(PROVIDER, timestamp, self._clock, self._tolerance_seconds)
        signed = b"%b.%b" % (timestamp.encode(), body)
        expected = [hmac.new(secret, signed, hashlib.sha256).hexdigest().encode() for secret in self._secrets]
        if not is_any(expected, (value.encode() for name, _, value in parts if name == "v1")):
            raise ForgedMessageError(PROVIDER, "the signature does not fit")


class _Data(msgspec.Struct):
    object: msgspec.Raw


class _Event(msgspec.Struct):
    id: str
    type: str
    data: _Data
    api_version: str | None = None
    created: Annotated[int, msgspec.Meta(ge=0, le=LAST_SECOND)] | None = None


class _Charge(msgspec.Struct):
    payment_intent: str | None = None


_CHARGE = msgspec.json.Decoder(_Charge)
_EVENT = msgspec.json.Decoder(_Event)
_SESSION = msgspec.json.Decoder(Session)
_REFUND = msgspec.json.Decoder(Refund)
_DISPUTE = msgspec.json.Decoder(Dispute)


def notice_of(event: bytes) -> PaymentWebhookEvent:
    """What an event says that came from Stripe's own API; raises MsgspecError if it is none."""
    return _webhook_event(_EVENT.decode(event))


def _webhook_event(event: _Event) -> PaymentWebhookEvent:
    told = _READERS[event.type](event) if event.type in _READERS else {"kind": PaymentEventKind.OTHER}
    created_at = datetime.fromtimestamp(event.created, UTC) if event.created is not None else None
    return PaymentWebhookEvent(
        event_id=event.id,
        event_type=event.type,
        api_version=event.api_version,
        is_of_old_version=is_before_refund_events(event.api_version),
        created_at=created_at,
        **told,
    )


def _completed(event: _Event) -> dict[str, Any]:
    session = _SESSION.decode(event.data.object)
    return _about_checkout(
        session, PaymentEventKind.PAID if has_settled(session) else PaymentEventKind.PENDING
    )


def _paid_at_last(event: _Event) -> dict[str, Any]:
    return _about_checkout(_SESSION.decode(event.data.object), PaymentEventKind.PAID)


def _abandoned(event: _Event) -> dict[str, Any]:
    return _about_checkout(_SESSION.decode(event.data.object), PaymentEventKind.ABANDONED)


def _about_checkout(session: Session, kind: PaymentEventKind) -> dict[str, Any]:
    checkout = told(session, is_paid=kind is PaymentEventKind.PAID)
    return {"kind": PaymentEventKind.OTHER if checkout is None else kind, "checkout": checkout}


def _refund(event: _Event) -> dict[str, Any]:
    refund = _REFUND.decode(event.data.object)
    told = as_refund(refund, has_failed=event.type == "refund.failed")
    return {
        "kind": refund_kind(told),
        "payment_intent_id": refund.payment_intent,
        "refund": told,
        "refund_id": told.refund_id,
        "reason": plain_code(refund.failure_reason) if told.has_failed else None,
    }


def _dispute(event: _Event) -> dict[str, Any]:
    """What a dispute's status says, whichever event shows it."""
    dispute = as_dispute(_DISPUTE.decode(event.data.object))
    return {
        "kind": dispute_kind(dispute),
        "payment_intent_id": dispute.payment_intent_id,
        "dispute_id": dispute.dispute_id,
        "dispute_amount": dispute.amount,
        "is_inquiry": dispute.is_inquiry,
        "reason": dispute.reason,
        "outcome": dispute.outcome,
    }


def _charge_refunded(event: _Event) -> dict[str, Any]:
    """A hint where the endpoint gets no events about refunds of cards; elsewhere these tell more."""
    if not is_before_refund_events(event.api_version):
        return {"kind": PaymentEventKind.OTHER}
    charge = _CHARGE.decode(event.data.object)
    return {"kind": PaymentEventKind.REFUNDS_CHANGED, "payment_intent_id": charge.payment_intent}


def is_before_refund_events(api_version: str | None) -> bool:
    """Whether an endpoint of this version gets no ``refund.*`` events for refunds of cards."""
    return api_version is not None and api_version < FIRST_WITH_REFUND_EVENTS


_READERS: dict[str, Callable[[_Event], dict[str, Any]]] = {
    "checkout.session.completed": _completed,
    "checkout.session.async_payment_succeeded": _paid_at_last,
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

#: Events that others tell as well: an endpoint may leave them out, so none of them is ever lost.
_HINTS = frozenset(
    {
        "charge.refunded",
        "charge.refund.updated",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
    }
)

#: The events that tell the shop something, and that an endpoint has to be subscribed to.
TELLING_EVENTS = tuple(name for name in _READERS if name not in _HINTS)
