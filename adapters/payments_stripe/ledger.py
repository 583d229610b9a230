"""Stripe's own books, list by list."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Protocol, cast

import msgspec
import stripe

from adapters.payments_stripe.api import PROVIDER, translated
from adapters.payments_stripe.notices import TELLING_EVENTS, notice_of
from adapters.payments_stripe.sessions import Session, state_of
from adapters.webhooks.fields import cleaned
from domain.ports.errors import UnavailableError
from domain.ports.ledgers import ListedCheckout
from domain.ports.payments import PaymentNotice

#: As many as Stripe gives.
PAGE = 100


class _Listed(Protocol):
    """What a list gives, as the SDK has it."""

    def auto_paging_iter(self) -> Iterator[Any]: ...


class StripeLedger:
    """Reads the lists of one account, a page at a time."""

    def __init__(self, client: stripe.StripeClient) -> None:
        self._client = client

    def events(self, since: datetime) -> Iterator[PaymentNotice]:
        """The events of the last thirty days at most that tell the shop something."""
        params: stripe.params.EventListParams = {
            "created": {"gte": _seconds(since)},
            "limit": PAGE,
            "types": list(TELLING_EVENTS),
        }
        for event in _read(lambda: self._client.v1.events.list(params)):
            with _readable():
                yield notice_of(msgspec.json.encode(event))

    def checkouts(self, since: datetime) -> Iterator[ListedCheckout]:
        """Checkout Sessions with what became of their payments; such as sell nothing are left out."""
        params: stripe.params.checkout.SessionListParams = {
            "created": {"gte": _seconds(since)},
            "limit": PAGE,
            "expand": ["data.payment_intent"],
        }
        for session in _read(lambda: self._client.v1.checkout.sessions.list(params)):
            with _readable():
                state = state_of(msgspec.convert(session, Session))
            if state is not None:
                created_at = datetime.fromtimestamp(session["created"], UTC)
                yield ListedCheckout(state=state, created_at=created_at)

    def refunds(self, since: datetime) -> Iterator[PaymentNotice]:
        """Refunds, as an event that told of their present standing would tell it."""
        params: stripe.params.RefundListParams = {"created": {"gte": _seconds(since)}, "limit": PAGE}
        for refund in _read(lambda: self._client.v1.refunds.list(params)):
            yield _as_event("refund.updated", refund)

    def disputes(self, since: datetime) -> Iterator[PaymentNotice]:
        """Disputes, likewise."""
        params: stripe.params.DisputeListParams = {"created": {"gte": _seconds(since)}, "limit": PAGE}
        for dispute in _read(lambda: self._client.v1.disputes.list(params)):
            yield _as_event("charge.dispute.updated", dispute)


def _seconds(since: datetime) -> int:
    return int(since.timestamp())


def _read(ask: Any) -> Iterator[dict[str, Any]]:
    """The objects of a list, newest first, each page asked for when the one before is used up."""
    with translated(is_write=False):
        listed: _Listed = ask()
        for each in listed.auto_paging_iter():
            # The SDK's JSON reader passes on halves of characters, which can be neither encoded nor stored.
            yield cast("dict[str, Any]", cleaned(each.to_dict()))


def _as_event(event_type: str, about: dict[str, Any]) -> PaymentNotice:
    event = {
        "id": f"{about['id']}:{about['status']}",
        "type": event_type,
        "created": about["created"],
        "data": {"object": about},
    }
    with _readable():
        return notice_of(msgspec.json.encode(event))


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except msgspec.MsgspecError as error:
        raise UnavailableError(PROVIDER, f"a list that cannot be read: {error}") from error
