"""The call depth of a Stripe webhook, from HTTP handler to append."""

import traceback
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from domain.ports.event_store import Commit
from domain.ports.payments import PaymentEventKind, PaymentWebhookEvent
from tests.domain.use_cases.payments.test_webhooks_in_any_order import of_dispute, of_refund
from tests.doubles.event_store import InMemoryEventStore
from tests.entrypoints.support.http_fixtures import PORTRAIT, ApiClient

#: How many project frames an engineer has to follow, at most, from the HTTP handler to the append.
MAX_FRAMES = 12

_PROJECT = Path(__file__).parents[3]
_OURS = tuple(str(_PROJECT / package) for package in ("domain", "adapters", "entrypoints"))


class FixedParser:
    """A parser that reads the same event out of every body."""

    def __init__(self, webhook_event: PaymentWebhookEvent) -> None:
        self._webhook_event = webhook_event

    def read(self, _body: bytes, _headers: object) -> PaymentWebhookEvent:
        return self._webhook_event

    def contents(self, body: bytes) -> bytes:
        return body


def payment(api: ApiClient) -> PaymentWebhookEvent:
    return api.shop.payment(api.shop.upload(PORTRAIT))


def dispute_before_its_payment(api: ApiClient) -> PaymentWebhookEvent:
    paid = payment(api)
    assert paid.checkout is not None
    return of_dispute(paid.checkout.payment_intent_id)


def refund_before_its_payment(api: ApiClient) -> PaymentWebhookEvent:
    paid = payment(api)
    assert paid.checkout is not None
    intent = paid.checkout.payment_intent_id
    assert intent is not None
    refund = api.shop.payments.refund_by_hand(intent, 100)
    return of_refund(intent, refund)


def changed_refunds_before_their_payment(api: ApiClient) -> PaymentWebhookEvent:
    one = refund_before_its_payment(api)
    return PaymentWebhookEvent(
        event_id="evt_changed",
        event_type="charge.refunded",
        kind=PaymentEventKind.REFUNDS_CHANGED,
        payment_intent_id=one.payment_intent_id,
    )


@pytest.mark.parametrize(
    "make",
    [
        payment,
        dispute_before_its_payment,
        refund_before_its_payment,
        changed_refunds_before_their_payment,
    ],
)
def test_a_stripe_webhook_reaches_the_append_within_twelve_project_frames(
    api: ApiClient, monkeypatch: pytest.MonkeyPatch, make: Callable[[ApiClient], PaymentWebhookEvent]
) -> None:
    webhook_event, ways = make(api), []
    append = InMemoryEventStore.append

    def measured(event_store: InMemoryEventStore, *commits: Commit) -> Collection[UUID]:
        frames = [frame for frame in traceback.extract_stack() if frame.filename.startswith(_OURS)]
        ways.append([f"{Path(frame.filename).name}:{frame.name}" for frame in frames])
        return append(event_store, *commits)

    monkeypatch.setattr(InMemoryEventStore, "append", measured)
    parser = FixedParser(webhook_event)
    api.shop.ports = replace(api.shop.ports, payment_webhook_parser=parser)
    assert api.http.post("/api/webhooks/stripe", content=b"{}").status_code == 200
    deepest = max(ways, key=len)
    assert "order_transaction.py" in deepest[-1]
    assert len(deepest) + 1 <= MAX_FRAMES, deepest  # the adapter's own `append` is the last frame
