"""Customers' wishes on real books, while many arrive at the same moment."""

from functools import partial

import pytest

from domain.order import events as e
from domain.order.errors import AskedTooOftenError
from domain.order.values import EmailKind, OrderId
from tests.adapters.postgres.test_unmatched_payment_races import at_once
from tests.doubles.container import MemoryShop

MANY = 8


@pytest.fixture
def order_id(shop: MemoryShop) -> OrderId:
    """An order whose result went out six minutes ago."""
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    shop.end_predictions()
    shop.work()
    shop.clock.advance(minutes=6)
    return order_id


def wishes(shop: MemoryShop, order_id: OrderId) -> list[e.Event]:
    kinds = (e.EmailRequested, e.DownloadLinkIssued, e.RedoRequested)
    return [event for event in shop.events(order_id) if isinstance(event, kinds)]


def test_many_who_ask_for_a_mail_at_once_get_one(shop: MemoryShop, order_id: OrderId) -> None:
    refused = at_once(*[partial(shop.asking.resend, order_id, shop.ids.new()) for _ in range(MANY)])
    shop.work()
    refused += at_once(*[partial(shop.asking.resend, order_id, shop.ids.new()) for _ in range(MANY)])
    assert [type(refusal) for refusal in refused] == [AskedTooOftenError] * MANY
    (asked,) = wishes(shop, order_id)
    assert isinstance(asked, e.EmailRequested)
    assert asked.kind is EmailKind.RESULT


def test_many_who_renew_a_link_or_ask_for_another_attempt_at_once_cause_one(
    shop: MemoryShop, order_id: OrderId
) -> None:
    token = shop.sealer.download_token(next(iter(shop.order(order_id).links)))
    image_id = next(iter(shop.order(order_id).images))
    assert at_once(*[partial(shop.asking.redo, token, image_id, shop.ids.new()) for _ in range(MANY)]) == []
    shop.clock.advance(days=31)
    assert at_once(*[partial(shop.asking.renew, token, shop.ids.new()) for _ in range(MANY)]) == []
    assert [type(event) for event in wishes(shop, order_id)] == [e.RedoRequested, e.DownloadLinkIssued]


def test_a_reminder_is_found_and_recorded_once_by_workers_that_look_at_once(
    shop: MemoryShop, order_id: OrderId
) -> None:
    shop.clock.advance(days=28)
    assert at_once(*[shop.reminding.remind for _ in range(MANY)]) == []
    shop.work()
    assert shop.reminding.remind() == 0
    assert [event.kind for event in wishes(shop, order_id) if isinstance(event, e.EmailRequested)] == [
        EmailKind.REMINDER
    ]
