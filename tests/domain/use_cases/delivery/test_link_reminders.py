"""Customers without a download are reminded once before their link expires."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.order import events as e
from domain.order.values import HoldReason
from tests.domain.support.assertions import sent
from tests.domain.support.event_builders import PHONE, SCANNER
from tests.domain.support.orders import delivered, propose
from tests.doubles.container import POLICY, InMemoryShop


def reminders(shop: InMemoryShop) -> int:
    shop.link_reminders.remind()
    shop.work()
    return sent(shop).count("reminder")


def test_a_reminder_goes_out_three_days_before_the_end_and_once(shop: InMemoryShop) -> None:
    delivered(shop)
    shop.clock.advance(days=26)
    assert reminders(shop) == 0
    shop.clock.advance(days=1)
    assert shop.link_reminders.remind() == 1
    assert [reminders(shop) for _ in range(3)] == [1, 1, 1]


def test_a_customer_who_downloaded_a_file_is_not_reminded(shop: InMemoryShop) -> None:
    order_id = delivered(shop)
    link = shop.order(order_id).newest_link
    assert link is not None
    delivery = shop.downloads.find(shop.token_signer.download_token(link.link_id))
    shop.downloads.record_download(delivery, PHONE, shop.ids.new())
    propose(shop, order_id, shop.downloads.new_link(shop.order(order_id)))
    shop.clock.advance(days=28)
    assert reminders(shop) == 0


def test_a_scanner_that_loads_every_file_silences_no_reminder(shop: InMemoryShop) -> None:
    order_id = delivered(shop)
    link = shop.order(order_id).newest_link
    assert link is not None
    token = shop.token_signer.download_token(link.link_id)
    for image_id in (None, *shop.order(order_id).images):
        shop.downloads.record_served(shop.downloads.find(token, image_id), SCANNER, shop.ids.new())
    shop.clock.advance(days=28)
    assert reminders(shop) == 1


def test_each_link_has_a_reminder_of_its_own(shop: InMemoryShop) -> None:
    order_id = delivered(shop)
    shop.clock.advance(days=28)
    assert reminders(shop) == 1
    propose(shop, order_id, shop.downloads.new_link(shop.order(order_id)))
    assert reminders(shop) == 1, "the new one is good for long"
    shop.clock.advance(days=28)
    assert reminders(shop) == 2


def test_an_old_link_is_not_spoken_of_beside_a_new_one(shop: InMemoryShop) -> None:
    order_id = delivered(shop)
    shop.clock.advance(days=20)
    propose(shop, order_id, shop.downloads.new_link(shop.order(order_id)))
    shop.clock.advance(days=8)
    assert reminders(shop) == 0


@pytest.mark.parametrize(
    "proposed",
    [
        e.PhotosPurged(),
        e.OrderErased(),
        e.OrderHeld(reason=HoldReason.REQUESTED),
    ],
)
def test_no_reminder_is_sent_for_unavailable_files(shop: InMemoryShop, proposed: e.Event) -> None:
    propose(shop, delivered(shop), proposed)
    shop.clock.advance(days=28)
    assert reminders(shop) == 0


def test_every_link_that_ends_soon_is_found(shop: InMemoryShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domain.use_cases.delivery.link_reminders.ROUND", 2)
    for _ in range(5):
        delivered(shop)
    shop.clock.advance(days=28)
    assert reminders(shop) == 5


def test_a_shop_may_send_no_reminders() -> None:
    shop = InMemoryShop(replace(POLICY, delivery=replace(POLICY.delivery, link_reminder=timedelta(0))))
    delivered(shop)
    shop.clock.advance(days=29, hours=23)
    assert reminders(shop) == 0
