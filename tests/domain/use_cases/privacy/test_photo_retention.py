"""Photos are purged after the retention of finished orders, never before."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.order import events as e
from domain.order.deterministic_ids import download_link_id_of
from domain.order.values import DisputeOutcome, HoldReason, Money, OrderId, RefundId, RefundReason
from domain.signed_tokens import sha256_of
from tests.domain.support.orders import delivered, propose
from tests.doubles.container import POLICY, InMemoryShop

DAYS = 90  # as the policy of the doubles' shop has it


def has_photos(shop: InMemoryShop, order_id: OrderId) -> bool:
    return any(str(order_id) in key for key in shop.storage.objects)


def test_photos_go_when_the_retention_is_over_and_not_before(shop: InMemoryShop) -> None:
    order_id = delivered(shop)
    order = shop.order(order_id)
    since = shop.clock.now() - order.entered_at[order.state]
    shop.clock.advance(days=DAYS, seconds=-since.total_seconds() - 1)
    assert shop.photo_retention.purge() == 0
    shop.clock.advance(seconds=2)
    assert shop.photo_retention.purge() == 1
    assert has_photos(shop, order_id), "they go as work of the order, not before the event is on record"
    shop.work()
    assert not shop.storage.objects
    assert isinstance(shop.events(order_id)[-1], e.PhotosPurged)
    assert shop.photo_retention.purge() == 0


def test_every_order_that_is_due_is_found_also_behind_those_that_are_kept(
    shop: InMemoryShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("domain.use_cases.privacy.photo_retention.ROUND", 2)
    orders = [delivered(shop) for _ in range(5)]
    for held in sorted(orders)[:3]:
        propose(shop, held, e.OrderHeld(reason=HoldReason.REQUESTED))
    shop.clock.advance(days=DAYS + 1)
    assert shop.photo_retention.purge() == 2
    shop.work()
    assert [has_photos(shop, order_id) for order_id in sorted(orders)] == [True] * 3 + [False] * 2


def test_photos_are_kept_while_they_may_be_required(shop: InMemoryShop) -> None:
    order_id = delivered(shop)
    euros = Money(amount=100, currency="EUR")
    opened = e.DisputeOpened(dispute_id="dp_1", amount=euros, reason="fraudulent")
    propose(shop, order_id, e.OrderHeld(reason=HoldReason.REQUESTED), opened)
    shop.clock.advance(days=DAYS + 1)
    assert shop.photo_retention.purge() == 0, "it is held"
    propose(shop, order_id, e.OrderReleased())
    assert shop.photo_retention.purge() == 0, "it is disputed"
    propose(shop, order_id, e.DisputeClosed(dispute_id="dp_1", outcome=DisputeOutcome.WON))
    assert shop.photo_retention.purge() == 1


def test_a_link_that_is_still_good_keeps_what_it_leads_to() -> None:
    shop = InMemoryShop(
        replace(POLICY, delivery=replace(POLICY.delivery, link_lifetime=timedelta(days=DAYS + 30)))
    )
    delivered(shop)
    shop.clock.advance(days=DAYS + 29)
    assert shop.photo_retention.purge() == 0
    shop.clock.advance(days=1)
    assert shop.photo_retention.purge() == 1


def test_a_link_that_was_revoked_keeps_nothing() -> None:
    shop = InMemoryShop(
        replace(POLICY, delivery=replace(POLICY.delivery, link_lifetime=timedelta(days=DAYS + 30)))
    )
    order_id = delivered(shop)
    (link,) = shop.order(order_id).links.values()
    shorter = e.DownloadLinkIssued(
        link_id=download_link_id_of(order_id, 2),
        token_sha256=sha256_of("another"),
        expires_at=shop.clock.now() + timedelta(days=1),
    )
    propose(shop, order_id, shorter, e.DownloadLinkRevoked(link_id=link.link_id))
    shop.clock.advance(days=DAYS + 1)
    assert shop.photo_retention.purge() == 1


def test_the_retention_begins_anew_when_an_order_comes_to_another_end(shop: InMemoryShop) -> None:
    order_id = delivered(shop)
    shop.clock.advance(days=DAYS - 1)
    paid = shop.order(order_id).paid_amount
    refund = e.RefundRequested(
        refund_id=RefundId(shop.ids.new()),
        amount=Money(amount=paid, currency="EUR"),
        reason=RefundReason.REQUESTED,
        image_ids=(),
    )
    propose(shop, order_id, refund)
    shop.clock.advance(days=DAYS - 1)
    assert shop.photo_retention.purge() == 0
    shop.clock.advance(days=2)
    assert shop.photo_retention.purge() == 1
