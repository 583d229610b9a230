"""Concurrent requests of customers on a real database."""

from functools import partial

import pytest

from domain.order import events as e
from domain.order.errors import AskedTooOftenError
from domain.order.values import EmailKind, OrderId
from tests.adapters.postgres.test_unmatched_payment_races import at_once
from tests.doubles.container import InMemoryShop

MANY = 8


@pytest.fixture
def order_id(shop: InMemoryShop) -> OrderId:
    """An order whose result was sent six minutes ago."""
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    shop.end_predictions()
    shop.work()
    shop.clock.advance(minutes=6)
    return order_id


def requests(shop: InMemoryShop, order_id: OrderId) -> list[e.Event]:
    kinds = (e.EmailRequested, e.DownloadLinkIssued, e.RedoRequested)
    return [event for event in shop.events(order_id) if isinstance(event, kinds)]


def test_concurrent_requests_for_an_email_send_one(shop: InMemoryShop, order_id: OrderId) -> None:
    refused = at_once(
        *[partial(shop.customer_requests.resend, order_id, shop.ids.new()) for _ in range(MANY)]
    )
    shop.work()
    refused += at_once(
        *[partial(shop.customer_requests.resend, order_id, shop.ids.new()) for _ in range(MANY)]
    )
    assert [type(refusal) for refusal in refused] == [AskedTooOftenError] * MANY
    (asked,) = requests(shop, order_id)
    assert isinstance(asked, e.EmailRequested)
    assert asked.kind is EmailKind.RESULT


def test_concurrent_requests_for_a_link_or_a_redo_cause_one(shop: InMemoryShop, order_id: OrderId) -> None:
    token = shop.token_signer.download_token(next(iter(shop.order(order_id).links)))
    image_id = next(iter(shop.order(order_id).images))
    assert (
        at_once(*[partial(shop.customer_requests.redo, token, image_id, shop.ids.new()) for _ in range(MANY)])
        == []
    )
    shop.clock.advance(days=31)
    assert (
        at_once(*[partial(shop.customer_requests.renew_link, token, shop.ids.new()) for _ in range(MANY)])
        == []
    )
    assert [type(event) for event in requests(shop, order_id)] == [e.RedoRequested, e.DownloadLinkIssued]


def test_concurrent_workers_record_a_reminder_once(shop: InMemoryShop, order_id: OrderId) -> None:
    shop.clock.advance(days=28)
    assert at_once(*[shop.link_reminders.remind for _ in range(MANY)]) == []
    shop.work()
    assert shop.link_reminders.remind() == 0
    assert [event.kind for event in requests(shop, order_id) if isinstance(event, e.EmailRequested)] == [
        EmailKind.REMINDER
    ]
