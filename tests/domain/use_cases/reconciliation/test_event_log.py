"""Consistency of the log: streams, read models, reactions and held orders."""

from dataclasses import replace

import pytest

from adapters.localization.finding_text import finding_text_of
from domain.order import events as e
from domain.order.reactions import MoveImages, reaction_id_of
from domain.order.states import State
from domain.order.values import Money, OrderId, RefundId, Sha256
from domain.ports.reaction_queue import Outcome
from tests.domain.support.reconciliation_runs import compare, found, only
from tests.doubles.container import POLICY, InMemoryShop


def paid(shop: InMemoryShop) -> OrderId:
    return shop.pay(shop.upload(b"wedding"))


def move_reaction_id(order_id: OrderId) -> str:
    return str(reaction_id_of(order_id, MoveImages()))


def spoil_stream(shop: InMemoryShop, order_id: OrderId, *stream: e.RecordedEvent) -> None:
    shop.own_unit_of_work.pages.streams[order_id] = stream


def test_work_that_no_worker_knows_of_is_found_and_scheduled(shop: InMemoryShop) -> None:
    order_id = paid(shop)
    shop.own_unit_of_work.pages.work.clear()
    shop.queue.waiting.clear()
    assert move_reaction_id(order_id) in {
        finding.subject for finding in compare(shop).findings if finding.what == "work_lost"
    }
    report = compare(shop, repairs=True)
    assert report.agrees
    assert set(found(report)) == {"work_lost"}
    assert shop.live(order_id).state is State.COMPLETED


@pytest.mark.parametrize("outcome", [Outcome.DONE, Outcome.DROPPED, Outcome.FAILED])
def test_closed_work_that_the_order_needs_is_found_and_reopened(shop: InMemoryShop, outcome: Outcome) -> None:
    order_id = paid(shop)
    shop.queue.waiting.clear()
    pages = shop.own_unit_of_work.pages
    reaction_id = reaction_id_of(order_id, MoveImages())
    pages.work[reaction_id] = replace(pages.work[reaction_id], outcome=outcome)
    assert only(compare(shop)).what == "work_lost"
    assert only(compare(shop, repairs=True)).is_repaired
    assert compare(shop).agrees
    assert shop.live(order_id).state is State.COMPLETED


def test_an_overdue_reaction_is_reported(shop: InMemoryShop) -> None:
    paid(shop)
    assert compare(shop).agrees
    shop.clock.advance(hours=2)
    overdue = [finding for finding in compare(shop).findings if finding.what == "work_overdue"]
    assert {finding_text_of(finding).wrong for finding in overdue} == {
        "MoveImages is due, and no worker processes it.",
        "SendEmail is due, and no worker processes it.",
    }


def test_a_photo_that_waits_for_its_orders_turn_is_not_overdue() -> None:
    shop = InMemoryShop(replace(POLICY, predictions=replace(POLICY.predictions, max_running=1)))
    shop.pay(shop.upload(b"wedding", b"harvest"))
    shop.work()
    shop.clock.advance(hours=2)
    overdue = [
        finding_text_of(finding).wrong for finding in compare(shop).findings if finding.what == "work_overdue"
    ]
    assert overdue == ["CollectRestoration is due, and no worker processes it."]


def test_an_order_on_hold_is_reported_with_its_reason(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"), paid=Money(amount=1, currency="EUR"))
    shop.live(order_id)
    finding = next(each for each in compare(shop).findings if each.what == "order_held")
    assert (finding.order_id, finding.since) == (order_id, shop.order(order_id).entered_at[State.PAID])
    assert "amount_mismatch" in finding_text_of(finding).wrong


def test_an_order_on_hold_is_reported_however_old_it_is(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"), paid=Money(amount=1, currency="EUR"))
    shop.live(order_id)
    shop.clock.advance(days=300)
    assert "order_held" in found(compare(shop))


def test_read_models_that_differ_from_the_log_are_reported(shop: InMemoryShop) -> None:
    order_id = paid(shop)
    shop.live(order_id)
    pages = shop.own_unit_of_work.pages
    pages.orders[order_id] = replace(pages.orders[order_id], state=State.PAID)
    finding = only(compare(shop, repairs=True))
    assert (finding.what, finding.is_repaired) == ("read_models_differ", False)
    assert "`restoreclick db rebuild`" in finding_text_of(finding).advice


def test_a_stream_with_a_gap_is_reported_and_does_not_block_other_comparisons(shop: InMemoryShop) -> None:
    order_id, other = paid(shop), paid(shop)
    shop.live(order_id)
    first, _, *others = shop.own_unit_of_work.pages.streams[order_id]
    spoil_stream(shop, order_id, first, *others)
    del shop.own_unit_of_work.pages.orders[other]
    assert {"stream_broken", "read_models_differ"} <= set(found(compare(shop)))


def test_a_stream_with_a_transition_outside_the_lifecycle_is_reported(shop: InMemoryShop) -> None:
    order_id = paid(shop)
    (first,) = shop.own_unit_of_work.pages.streams[order_id]
    prepared = e.PhotosPurged()
    spoil_stream(shop, order_id, first, replace(first, version=2, event=prepared))
    finding = next(each for each in compare(shop).findings if each.what == "stream_broken")
    assert "an order that is paid cannot take it" in finding_text_of(finding).wrong


def test_a_stream_that_refers_to_unknown_objects_is_reported(shop: InMemoryShop) -> None:
    order_id = paid(shop)
    first, *_ = shop.own_unit_of_work.pages.streams[order_id]
    unknown = e.RefundFailed(refund_id=RefundId(shop.ids.new()), provider_refund_id=None, reason="")
    spoil_stream(shop, order_id, first, replace(first, version=2, event=unknown))
    assert "stream_broken" in found(compare(shop))


def test_a_message_received_with_two_contents_is_reported(shop: InMemoryShop) -> None:
    webhook_event = shop.payment(shop.upload(b"wedding"))
    for contents in "12":
        shop.payment_webhook.handle(webhook_event, Sha256(contents * 64))
    finding = next(each for each in compare(shop).findings if each.what == "message_in_two_shapes")
    assert finding.subject == webhook_event.event_id
