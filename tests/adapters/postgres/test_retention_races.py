"""Retention on PostgreSQL while an order changes before it is locked."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import pytest

from domain.order import events as e
from domain.order.deterministic_ids import download_link_id_of
from domain.order.values import HoldReason, Money, OrderId, RefundId, RefundReason
from domain.signed_tokens import sha256_of
from domain.use_cases.order_transaction import Cause
from tests.adapters.support.waiting_for_locks import until_it_waits_or_ends
from tests.doubles.container import InMemoryShop

Change = Callable[[InMemoryShop, OrderId], Sequence[e.Event]]


def a_hold(_shop: InMemoryShop, _order_id: OrderId) -> Sequence[e.Event]:
    return [e.OrderHeld(reason=HoldReason.REQUESTED)]


def a_new_link(shop: InMemoryShop, order_id: OrderId) -> Sequence[e.Event]:
    return [
        e.DownloadLinkIssued(
            link_id=download_link_id_of(order_id, 2),
            token_sha256=sha256_of("another"),
            expires_at=shop.clock.now() + timedelta(days=1),
        )
    ]


def another_end(shop: InMemoryShop, order_id: OrderId) -> Sequence[e.Event]:
    """All is refunded and a mail sent: the retention begins again."""
    refund_id, paid = RefundId(shop.ids.new()), Money(amount=shop.order(order_id).paid_amount, currency="EUR")
    return [
        e.RefundRequested(refund_id=refund_id, amount=paid, reason=RefundReason.REQUESTED, image_ids=()),
        e.RefundIssued(refund_id=refund_id, amount=paid, provider_refund_id="re_1", is_told=False),
    ]


@pytest.mark.parametrize("happens", [a_hold, a_new_link, another_end])
def test_photos_are_kept_if_their_order_changes_before_the_lock(
    shop: InMemoryShop, own_database_url: str, happens: Change
) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.live(order_id, hours=0.2)
    shop.clock.advance(seconds=shop.policy.retention.photos.total_seconds() + 1)
    proposed = happens(shop, order_id)
    cause = Cause(name="a test", key="a test", actor="person:grace", correlation_id=order_id)
    with ThreadPoolExecutor(1) as other:
        with shop.unit_of_work.transaction() as transaction:
            transaction.event_store.lock(order_id)
            order = transaction.event_store.load(order_id)
            transaction.event_store.append(shop.command_handler.preview(order, proposed, cause))
            purging: Future[object] = other.submit(shop.photo_retention.purge)
            until_it_waits_or_ends(own_database_url, purging)
        assert purging.result() == 0
    assert not any(isinstance(event, e.PhotosPurged) for event in shop.events(order_id))
    assert shop.storage.objects
