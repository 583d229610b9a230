"""The account: its clock, its objects, its events, and who hears of them."""

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

#: What an event that nobody asked for by API says of its request.
NO_REQUEST = {"id": None, "idempotency_key": None}


class StripeSettings(TwinSettings, kw_only=True):
    """The knobs of the Stripe twin."""

    webhook_url: str = ""
    webhook_delays_seconds: tuple[float, ...] = QUICK_THEN_GROWING_SECONDS + _HOURLY_TO_THE_THIRD_DAY
    #: What the webhook endpoint has subscribed to; `*` stands for anything.
    enabled_events: tuple[str, ...] = (
        "checkout.session.*",
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "charge.refunded",
        "refund.*",
        "charge.dispute.*",
    )
    #: The version that events are written in: the account's default.
    api_version: str = API_VERSION
    #: The webhook endpoint's own version; null: the account's. The list of events is in the account's.
    endpoint_api_version: str | None = None
    #: Refunds begin as pending and wait to be settled.
    refunds_pending: bool = False
    #: Tax that Checkout adds on top of the price once it knows the customer, in percent: automatic tax.
    tax_on_top_percent: int = 0
    #: Whether a paid session names its customer only where the shop did: `customer_details` is null then.
    hides_customer_details: bool = False
    #: A bank debit settles by itself after so long; null: it waits to be settled.
    debit_settles_after_seconds: float | None = None
    #: How far the account's clock is ahead of the machine's, to see sessions expire and keys pruned.
    clock_ahead_seconds: float = 0.0


class Account:
    """All that the parts of the twin share. Everything is done under the ledger's lock, in a transaction."""

    def __init__(self, ledger: TwinState, settings: RuntimeOptions[StripeSettings], url: str) -> None:
        self.ledger = ledger
        self.url = url
        self._settings = settings
        self._webhooks: WebhookSender | None = None
        self._request: Json = NO_REQUEST

    @property
    def settings(self) -> StripeSettings:
        """The knobs as they stand."""
        return self._settings.current

    def deliver_with(self, webhooks: WebhookSender) -> None:
        """Say who carries the webhooks."""
        self._webhooks = webhooks

    def now(self) -> int:
        """Return the account's time as Stripe writes time: whole seconds since 1970."""
        return int(time.time() + self.settings.clock_ahead_seconds)

    @contextmanager
    def requested_by(self, request_id: str, idempotency_key: str | None) -> Iterator[None]:
        """Have the events of this block name the API request that caused them."""
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
        """Return an object.

        Raises:
            MissingError: there is none.
        """
        found = self.ledger.get(kind, object_id)
        if found is None:
            raise MissingError(kind, object_id, param)
        return found

    def set_alarm(self, session_id: str, what: str, at: float) -> None:
        """Have something happen to a session by itself: `expire` or `settle`. One alarm a session."""
        self.ledger.put("alarm", session_id, {"session": session_id, "what": what, "at": at})

    def clear_alarm(self, session_id: str) -> None:
        """Let nothing more happen by itself."""
        self.ledger.remove("alarm", session_id)

    def emit(self, event_type: str, about: Json) -> None:
        """Make an event of the object as it is now, and have it delivered if the endpoint wants its type."""
        wanted = bool(self.settings.webhook_url) and any(
            fnmatchcase(event_type, pattern) for pattern in self.settings.enabled_events
        )
        event: Json = {
            "id": new_id("evt"),
            "object": "event",
            "account": None,
            "api_version": self.settings.api_version,
            "context": None,
            "created": self.now(),
            "data": {"object": about},
            "livemode": False,
            "pending_webhooks": int(wanted),
            "request": self._request,
            "type": event_type,
        }
        self.save(event)
        if wanted and self._webhooks is not None:
            version = self.settings.endpoint_api_version or self.settings.api_version
            body = json.dumps(event | {"api_version": version}, indent=2).encode()
            self._webhooks.send(event["id"], event_type, self.settings.webhook_url, body)

    def was_delivered(self, event: Json) -> bool:
        """Whether the endpoint has had this event, or never wanted it."""
        return self._webhooks is None or self._webhooks.was_delivered(event["id"])


def new_id(prefix: str, length: int = 24) -> str:
    """Return a fresh id such as `pi_Vh3...`."""
    return f"{prefix}_{''.join(secrets.choice(_ALPHABET) for _ in range(length))}"


def signature_headers(webhook_secrets: Sequence[str], delivery: Delivery) -> Mapping[str, str]:
    """Sign one attempt with each secret in force: while one is rolled, Stripe signs with both."""
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
