"""The account: clock, objects, events and their webhooks."""

import hashlib
import hmac
import json
import secrets
import string
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase

from sandbox.twins.common import Delivery, Json, RuntimeOptions, TwinSettings, TwinState, WebhookSender
from sandbox.twins.common.runtime_options import QUICK_THEN_GROWING_SECONDS
from sandbox.twins.stripe.errors import MissingError

API_VERSION = "2026-10-28.endive"
_HOURLY_TO_THE_THIRD_DAY = (300.0, 1800.0, *[3600.0] * 71)
_ALPHABET = string.ascii_letters + string.digits

#: The kind of webhook endpoints.
ENDPOINT = "webhook_endpoint"

#: The request field of an event that no API request caused.
NO_REQUEST = {"id": None, "idempotency_key": None}


class StripeSettings(TwinSettings, kw_only=True):
    """The settings of the Stripe twin."""

    webhook_url: str = ""
    webhook_delays_seconds: tuple[float, ...] = QUICK_THEN_GROWING_SECONDS + _HOURLY_TO_THE_THIRD_DAY
    #: The webhook endpoint's event types; `*` is a wildcard.
    enabled_events: tuple[str, ...] = (
        "checkout.session.async_payment_failed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.completed",
        "checkout.session.expired",
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "charge.refunded",
        "refund.created",
        "refund.failed",
        "refund.updated",
        "charge.dispute.closed",
        "charge.dispute.created",
        "charge.dispute.funds_reinstated",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
    )
    #: The webhook endpoint's status: enabled or disabled.
    endpoint_status: str = "enabled"
    #: Whether the account may charge customers and is paid out.
    charges_enabled: bool = True
    payouts_enabled: bool = True
    #: The account's default version, in which events are written.
    api_version: str = API_VERSION
    #: The webhook endpoint's own version; null: the account's. The list of events is in the account's.
    endpoint_api_version: str | None = None
    #: Refunds begin as pending until they are settled.
    refunds_pending: bool = False
    #: Percentage of automatic tax that Checkout adds to the price once it knows the customer.
    tax_on_top_percent: int = 0
    #: Whether `customer_details` of paid sessions is null, so that the customer is named only where the shop did.
    hides_customer_details: bool = False
    #: Seconds until a bank debit settles by itself; null: never.
    debit_settles_after_seconds: float | None = None
    #: Offset of the account's clock, to see sessions expire and keys pruned.
    clock_ahead_seconds: float = 0.0


class Account:
    """State that the parts of the twin share, changed in transactions only."""

    def __init__(self, ledger: TwinState, settings: RuntimeOptions[StripeSettings], url: str) -> None:
        self.ledger = ledger
        self.url = url
        self._settings = settings
        self._webhooks: WebhookSender | None = None
        self._request: Json = NO_REQUEST

    @property
    def settings(self) -> StripeSettings:
        """Return the current settings."""
        return self._settings.current

    def set_webhooks(self, webhooks: WebhookSender) -> None:
        """Set the webhook sender."""
        self._webhooks = webhooks

    def now(self) -> int:
        """Return the account's time, in whole Unix seconds."""
        return int(time.time() + self.settings.clock_ahead_seconds)

    @contextmanager
    def requested_by(self, request_id: str, idempotency_key: str | None) -> Iterator[None]:
        """Run a transaction whose events name the API request as their cause."""
        with self.ledger.transaction():
            self._request = {"id": request_id, "idempotency_key": idempotency_key}
            try:
                yield
            finally:
                self._request = NO_REQUEST

    def save(self, stored: Json) -> None:
        """Store an object under its own kind and id."""
        self.ledger.put(stored["object"], stored["id"], stored)

    def load(self, kind: str, object_id: str, param: str = "id") -> Json:
        """Return an object; raise MissingError if unknown."""
        found = self.ledger.get(kind, object_id)
        if found is None:
            raise MissingError(kind, object_id, param)
        return found

    def set_timer(self, session_id: str, what: str, at: float) -> None:
        """Schedule `expire` or `settle` for a session, which has one timer."""
        self.ledger.put("alarm", session_id, {"session": session_id, "what": what, "at": at})

    def clear_timer(self, session_id: str) -> None:
        """Cancel the session's timer."""
        self.ledger.remove("alarm", session_id)

    def emit(self, event_type: str, about: Json) -> None:
        """Create an event of the object, and deliver it if subscribed to."""
        wanted = [
            endpoint
            for endpoint in endpoints_of(self)
            if endpoint["status"] == "enabled"
            and any(fnmatchcase(event_type, pattern) for pattern in endpoint["enabled_events"])
        ]
        event: Json = {
            "id": new_id("evt"),
            "object": "event",
            "account": None,
            "api_version": self.settings.api_version,
            "context": None,
            "created": self.now(),
            "data": {"object": about},
            "livemode": False,
            "pending_webhooks": len(wanted),
            "request": self._request,
            "type": event_type,
        }
        self.save(event)
        if self._webhooks is None:
            return
        for endpoint in wanted:
            version = endpoint["api_version"] or self.settings.api_version
            body = json.dumps(event | {"api_version": version}, indent=2).encode()
            self._webhooks.send(event["id"], event_type, endpoint["url"], body)

    def was_delivered(self, event: Json) -> bool:
        """Whether the event was delivered, or not subscribed to."""
        return self._webhooks is None or self._webhooks.was_delivered(event["id"])


def endpoints_of(account: Account) -> list[Json]:
    """Return the account's webhook endpoints, newest first; created ones have secrets."""
    settings = account.settings
    endpoint: Json = {
        "id": "we_twin",
        "object": ENDPOINT,
        "api_version": settings.endpoint_api_version,
        "application": None,
        "created": 0,
        "description": None,
        "enabled_events": list(settings.enabled_events),
        "livemode": False,
        "metadata": {},
        "status": settings.endpoint_status,
        "url": settings.webhook_url,
    }
    return [*account.ledger.find(ENDPOINT), *([endpoint] if settings.webhook_url else [])]


def account_object(account: Account) -> Json:
    """Return the account as the API shows it to its owner."""
    settings = account.settings
    return {
        "id": "acct_twin",
        "object": "account",
        "business_profile": {"name": "Sandbox"},
        "capabilities": {"card_payments": "active" if settings.charges_enabled else "inactive"},
        "charges_enabled": settings.charges_enabled,
        "country": "DE",
        "default_currency": "eur",
        "details_submitted": True,
        "email": None,
        "metadata": {},
        "payouts_enabled": settings.payouts_enabled,
        "settings": {"dashboard": {"display_name": "Sandbox", "timezone": "Etc/UTC"}},
        "type": "standard",
    }


def new_id(prefix: str, length: int = 24) -> str:
    """Return a new id such as `pi_Vh3...`."""
    return f"{prefix}_{''.join(secrets.choice(_ALPHABET) for _ in range(length))}"


def secrets_of(account: Account, own_secrets: Sequence[str], url: str) -> Sequence[str]:
    """Return the secrets of the endpoint at an address."""
    created = [one["secret"] for one in account.ledger.find(ENDPOINT) if one["url"] == url]
    return [*created, *(own_secrets if url == account.settings.webhook_url or not created else [])]


def signature_headers(webhook_secrets: Sequence[str], delivery: Delivery) -> Mapping[str, str]:
    """Sign one attempt with each secret, as Stripe does during rotation."""
    timestamp = int(time.time())
    signed = f"{timestamp}.".encode() + delivery.body
    signatures = [
        f"v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}" for secret in webhook_secrets
    ]
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Stripe-Signature": ",".join([f"t={timestamp}", *signatures]),
    }
