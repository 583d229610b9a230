"""The set-up of a Stripe account, read and completed by its operator."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec
import stripe

from adapters.answer_time import answer_time
from adapters.payments_stripe.api import StripePayments, translated
from adapters.payments_stripe.listings import PAGE
from adapters.payments_stripe.webhooks import SUBSCRIBED_EVENTS, is_before_refund_events
from adapters.webhooks.fields import cleaned
from domain.ports.errors import AccountRefusedError, OutsideError

#: Not in SUBSCRIBED_EVENTS, because newer versions send `refund.*` for the same; older ones send nothing else.
REFUND_EVENT_OF_OLD_VERSIONS = "charge.refunded"

#: The name of the fingerprint among an endpoint's metadata.
FINGERPRINT_LABEL = "restoreclick_secret"


class _Account(msgspec.Struct):
    charges_enabled: bool = False
    payouts_enabled: bool = False


class _Endpoint(msgspec.Struct):
    id: str
    url: str
    status: str
    enabled_events: list[str]
    api_version: str | None = None
    metadata: dict[str, str] = {}


@dataclass(frozen=True, kw_only=True)
class StripeAccountFacts:
    """The account of a key; ``answered_at`` is Stripe's time of the answer."""

    can_charge: bool
    can_pay_out: bool
    answered_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class WebhookEndpoint:
    """A webhook endpoint of the account.

    ``missing_events`` are event types that the shop needs and the endpoint does not send. ``secret_fingerprint`` is of
    the secret that it was made with, if the shop made it: Stripe tells a secret only once.
    """

    endpoint_id: str
    url: str
    is_enabled: bool
    missing_events: Sequence[str]
    api_version: str | None
    is_of_old_version: bool
    secret_fingerprint: str | None = None


class StripeAccount:
    """Reads the account, and creates the shop's webhook endpoint."""

    def __init__(self, payments: StripePayments) -> None:
        self._client = payments.client

    def describe(self) -> StripeAccountFacts:
        """Read the account; raises AccountRefusedError for a wrong key."""
        with translated(is_write=False):
            answer = self._client.v1.accounts.retrieve_current()
        account = msgspec.convert(answer.to_dict(), _Account)
        return StripeAccountFacts(
            can_charge=account.charges_enabled,
            can_pay_out=account.payouts_enabled,
            answered_at=answer_time(answer.last_response.headers if answer.last_response else {}),
        )

    def webhook_endpoints(self) -> Sequence[WebhookEndpoint]:
        """List all endpoints, those of other shops too."""
        with translated(is_write=False):
            listed = self._client.v1.webhook_endpoints.list({"limit": PAGE}).auto_paging_iter()
            return [_endpoint(each.to_dict()) for each in listed]

    def create_webhook_endpoint(self, url: str) -> str:
        """Create an endpoint with the shop's events; return its secret.

        Its version is that of the SDK, whose objects the shop reads. It keeps the secret's fingerprint, if Stripe is
        still available for that.
        """
        params: Any = {
            "url": url,
            "enabled_events": list(SUBSCRIBED_EVENTS),
            "api_version": stripe.api_version,
            "description": "RestoreClick",
        }
        with translated(is_write=True):
            made = self._client.v1.webhook_endpoints.create(params)
        if not made.secret:
            raise AccountRefusedError("Stripe", "it returned no signing secret of the new endpoint")
        labelled: Any = {"metadata": {FINGERPRINT_LABEL: fingerprint_of(made.secret)}}
        with suppress(OutsideError), translated(is_write=True):
            self._client.v1.webhook_endpoints.update(made.id, labelled)
        return made.secret

    def undelivered_events(self, within: timedelta) -> int:
        """Count recent events that no endpoint accepted, a page at most."""
        since = int((datetime.now(UTC) - within).timestamp())
        params: Any = {
            "created": {"gte": since},
            "delivery_success": False,
            "types": list(SUBSCRIBED_EVENTS),
            "limit": PAGE,
        }
        with translated(is_write=False):
            return len(self._client.v1.events.list(params).data)


def fingerprint_of(secret: str) -> str:
    """What tells one random secret from another and reveals neither."""
    return hashlib.sha256(secret.encode()).hexdigest()[:16]


def is_same_address(one: str, other: str) -> bool:
    """Whether two addresses lead to the same host and path."""
    parts, others = urlsplit(one), urlsplit(other)
    return (parts.netloc.casefold(), parts.path.rstrip("/")) == (
        others.netloc.casefold(),
        others.path.rstrip("/"),
    )


def _endpoint(found: object) -> WebhookEndpoint:
    endpoint = msgspec.convert(cleaned(found), _Endpoint)
    is_old = is_before_refund_events(endpoint.api_version)
    required = {*SUBSCRIBED_EVENTS, *([REFUND_EVENT_OF_OLD_VERSIONS] if is_old else [])}
    sent = set(endpoint.enabled_events)
    return WebhookEndpoint(
        endpoint_id=endpoint.id,
        url=endpoint.url,
        is_enabled=endpoint.status == "enabled",
        missing_events=[] if "*" in sent else sorted(required - sent),
        api_version=endpoint.api_version,
        is_of_old_version=is_old,
        secret_fingerprint=endpoint.metadata.get(FINGERPRINT_LABEL),
    )
