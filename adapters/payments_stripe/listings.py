"""Stripe's lists of events, checkout sessions, refunds and disputes."""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Protocol
from urllib.parse import urlsplit

import msgspec
import stripe

from adapters.payments_stripe.api import PROVIDER, translated
from adapters.payments_stripe.field_types import Name
from adapters.payments_stripe.sessions import Session, state_of
from adapters.payments_stripe.webhooks import (
    LAST_SECOND,
    SUBSCRIBED_EVENTS,
    is_before_refund_events,
    webhook_event_of,
)
from adapters.webhooks.entries import entries_read
from adapters.webhooks.fields import ProviderId, cleaned
from domain.ports.errors import AccountRefusedError, UnavailableError, UnreadableAnswerError
from domain.ports.payments import PaymentWebhookEvent
from domain.ports.provider_listings import (
    EndpointVersion,
    ListedCheckout,
    TakeUnreadable,
    refuse_unreadable,
)

#: The largest page size Stripe allows.
PAGE = 100


class _Listed(Protocol):
    def to_dict(self) -> Mapping[str, Any]: ...


class _Page(msgspec.Struct):
    data: list[Any]
    has_more: bool = False


class _Entry(msgspec.Struct):
    id: ProviderId
    created: Annotated[int, msgspec.Meta(ge=0, le=LAST_SECOND)]
    status: Name | None = None


class _Endpoint(msgspec.Struct):
    url: str
    status: str
    api_version: str | None = None


#: Requests a page: the newest entries, or those after a cursor.
AskPage = Callable[[dict[str, str]], _Listed]


class StripeListing:
    """Read the lists of one account, page by page.

    ``webhook_urls`` are the addresses of this shop's Stripe webhook.
    """

    def __init__(self, client: stripe.StripeClient, *, webhook_urls: Collection[str] = ()) -> None:
        self._client = client
        self._webhook_urls = {_comparable(url) for url in webhook_urls}

    def events(
        self, since: datetime, unreadable: TakeUnreadable = refuse_unreadable
    ) -> Iterator[PaymentWebhookEvent]:
        """Yield the account's relevant events, of the last thirty days at most."""
        params = _since(since) | {"types": list(SUBSCRIBED_EVENTS)}
        listed = _entries(lambda cursor: self._client.v1.events.list(_page_params(params, cursor)))
        yield from entries_read(listed, _event, provider=PROVIDER, kind="event", unreadable=unreadable)

    def checkouts(
        self, since: datetime, unreadable: TakeUnreadable = refuse_unreadable
    ) -> Iterator[ListedCheckout]:
        """Yield Checkout Sessions with their payments' status.

        Sessions that sell nothing are skipped.
        """
        params = _since(since) | {"expand": ["data.payment_intent"]}
        listed = _entries(lambda cursor: self._client.v1.checkout.sessions.list(_page_params(params, cursor)))
        read = entries_read(listed, _checkout, provider=PROVIDER, kind="checkout", unreadable=unreadable)
        yield from (each for each in read if each is not None)

    def refunds(
        self, since: datetime, unreadable: TakeUnreadable = refuse_unreadable
    ) -> Iterator[PaymentWebhookEvent]:
        listed = _entries(lambda cursor: self._client.v1.refunds.list(_page_params(_since(since), cursor)))
        return _as_events(listed, "refund.updated", kind="refund", unreadable=unreadable)

    def disputes(
        self, since: datetime, unreadable: TakeUnreadable = refuse_unreadable
    ) -> Iterator[PaymentWebhookEvent]:
        listed = _entries(lambda cursor: self._client.v1.disputes.list(_page_params(_since(since), cursor)))
        return _as_events(listed, "charge.dispute.updated", kind="dispute", unreadable=unreadable)

    def endpoint_version(self, unreadable: TakeUnreadable = refuse_unreadable) -> EndpointVersion | None:
        """Return the newest version of this shop's enabled endpoints; see the port.

        While an endpoint is being replaced there are two; the newer one's events are enough.
        """
        params = {"limit": PAGE}
        listed = _entries(lambda cursor: self._client.v1.webhook_endpoints.list(_page_params(params, cursor)))
        read = entries_read(
            listed, _endpoint, provider=PROVIDER, kind="webhook endpoint", unreadable=unreadable
        )
        try:
            ours = [
                each
                for each in read
                if each.status == "enabled" and _comparable(each.url) in self._webhook_urls
            ]
        except AccountRefusedError:
            return None  # a restricted key; the events show the version as well, less exactly
        versions = [each.api_version for each in ours if each.api_version is not None]
        newest = max(versions, default=None)
        is_old = is_before_refund_events(newest)
        if newest is None or (is_old and len(versions) < len(ours)):
            return None
        return EndpointVersion(api_version=newest, is_old=is_old)


def _comparable(url: str) -> tuple[str, str]:
    """Return host and path, without the scheme: a proxy may add TLS."""
    parts = urlsplit(url)
    return parts.netloc.casefold(), parts.path.rstrip("/")


def _endpoint(entry: object) -> _Endpoint:
    return msgspec.convert(entry, _Endpoint)


def _since(since: datetime) -> dict[str, Any]:
    return {"created": {"gte": int(since.timestamp())}, "limit": PAGE}


def _page_params(params: dict[str, Any], cursor: dict[str, str]) -> Any:
    """Return a page's parameters, as Any: the SDK types each list differently."""
    return params | cursor


def _entries(ask: AskPage) -> Iterator[object]:
    """Yield a list's entries, newest first, fetching pages lazily.

    The SDK's own iterator fails where the last entry of a page has no id.
    """
    cursor: dict[str, str] = {}
    while True:
        with translated(is_write=False):
            listed = ask(cursor)
        try:
            page = msgspec.convert(listed.to_dict(), _Page)
        except msgspec.MsgspecError as error:
            raise UnreadableAnswerError(PROVIDER, f"a list that cannot be read: {error}") from error
        # The SDK's JSON decoder accepts lone surrogates, which can be neither encoded nor stored.
        yield from map(cleaned, page.data)
        if not page.has_more:
            return
        last = next((name for each in reversed(page.data) if (name := _id_of(each)) is not None), None)
        if last is None:
            raise UnavailableError(PROVIDER, "a page of a list on which nothing has an id")
        cursor = {"starting_after": last}


def _id_of(entry: object) -> str | None:
    found = entry.get("id") if isinstance(entry, dict) else None
    return found if isinstance(found, str) and found else None


def _event(entry: object) -> PaymentWebhookEvent:
    return webhook_event_of(msgspec.json.encode(entry))


def _checkout(entry: object) -> ListedCheckout | None:
    state = state_of(msgspec.convert(entry, Session))
    if state is None:
        return None
    created = msgspec.convert(entry, _Entry).created
    return ListedCheckout(state=state, created_at=datetime.fromtimestamp(created, UTC))


def _as_events(
    listed: Iterator[object], event_type: str, *, kind: str, unreadable: TakeUnreadable
) -> Iterator[PaymentWebhookEvent]:
    """Convert each listed object to the webhook event that would report it."""
    return entries_read(
        listed,
        lambda about: _as_event(event_type, about),
        provider=PROVIDER,
        kind=kind,
        unreadable=unreadable,
    )


def _as_event(event_type: str, about: object) -> PaymentWebhookEvent:
    entry = msgspec.convert(about, _Entry)
    event = {
        "id": f"{entry.id}:{entry.status}",
        "type": event_type,
        "created": entry.created,
        "data": {"object": about},
    }
    return webhook_event_of(msgspec.json.encode(event))
