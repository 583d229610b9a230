"""Prediction limits are fair: orders take turns, and waiting loses no photo."""

from dataclasses import replace
from uuid import UUID

import pytest

from domain.order import events as e
from domain.order.reactions import CollectRestoration, MoveImages, Reaction, RestoreImage
from domain.order.states import State
from domain.order.values import FailureReason, HoldReason, OrderId, RefundId, RefundReason
from domain.ports.errors import BusyError, UnavailableError
from domain.ports.restorer import PredictionStatus
from domain.use_cases.order_transaction import Cause
from tests.domain.support.assertions import kinds
from tests.doubles.container import POLICY, InMemoryShop

BUSY = BusyError("The double", "busy", retry_after_seconds=7)


@pytest.fixture
def shop() -> InMemoryShop:
    """A shop that allows few concurrent predictions."""
    return InMemoryShop(
        replace(POLICY, predictions=replace(POLICY.predictions, max_running=3, max_per_minute=30))
    )


def photos(count: int, of: bytes = b"wedding") -> list[bytes]:
    """So many photos, each with other bytes."""
    return [b"%b %d" % (of, number) for number in range(count)]


def running(shop: InMemoryShop) -> list[OrderId]:
    """The orders of the running predictions."""
    works = shop.restorer.works.values()
    return [
        OrderId(UUID(work.webhook_url.split("/")[-4]))
        for work in works
        if work.prediction.status is PredictionStatus.RUNNING
    ]


def starts(shop: InMemoryShop) -> int:
    return sum(call.method == "start" for call in shop.restorer.fault_injector.calls)


def test_an_order_of_many_and_an_order_of_one_are_both_restored_the_one_within_a_round(
    shop: InMemoryShop,
) -> None:
    many = shop.pay(shop.upload(*photos(20)))
    shop.work()
    one = shop.pay(shop.upload(b"harvest"))
    shop.work()
    assert running(shop) == [many] * 3
    shop.end_predictions()
    shop.work()
    assert one in running(shop)
    shop.end_predictions()
    shop.work()
    assert shop.order(one).state is State.COMPLETED
    assert not shop.order(many).every_image_is_settled
    for _ in range(20):
        assert len(running(shop)) <= 3
        shop.end_predictions()
        shop.pass_time(seconds=10)
    assert shop.order(many).state is State.COMPLETED


def follow_starts(shop: InMemoryShop, reaction_id: UUID) -> list[type[Reaction]]:
    """Perform a reaction and the starts that follow; return their kinds."""
    performed = []
    claimed = shop.reaction_runner.claim(reaction_id)
    while claimed is not None:
        performed.append(type(claimed[0].reaction))
        claimed = shop.reaction_runner.perform(
            *claimed, lambda reaction: isinstance(reaction, RestoreImage) and len(performed) == 1
        )
    return performed


def test_a_thread_goes_on_with_a_start_of_its_order_that_gets_a_slot(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(*photos(4)))
    moving = shop.queue.waiting.popleft()
    shop.queue.waiting.clear()
    assert follow_starts(shop, moving) == [MoveImages, RestoreImage]
    assert starts(shop) == 1
    assert len(shop.queue.waiting) == 2, "the other slots are for any worker; one start waits"
    shop.work()
    assert running(shop) == [order_id] * 3


def test_a_thread_that_dies_before_it_goes_on_leaves_the_start_to_the_next_worker(shop: InMemoryShop) -> None:
    shop.pay(shop.upload(*photos(1)))
    claimed = shop.reaction_runner.claim(shop.queue.waiting.popleft())
    assert claimed is not None
    assert shop.reaction_runner.perform(*claimed, lambda _: True)  # and dies
    shop.pass_time(seconds=20)
    assert starts(shop) == 0
    shop.pass_time(seconds=20)
    assert starts(shop) == 1


def test_a_thread_does_not_go_on_with_a_start_of_another_order(shop: InMemoryShop) -> None:
    """It knows only its own; any worker gets that slot."""
    shop.pay(shop.upload(*photos(3)))
    shop.work()
    shop.pay(shop.upload(b"harvest"))
    shop.work()
    shop.end_predictions()
    collecting = shop.queue.waiting.popleft()
    shop.queue.waiting.clear()
    assert follow_starts(shop, collecting) == [CollectRestoration]
    assert len(shop.queue.waiting) == 1


def test_no_more_predictions_are_begun_within_a_minute_than_allowed() -> None:
    shop = InMemoryShop(
        replace(POLICY, predictions=replace(POLICY.predictions, max_running=3, max_per_minute=5))
    )
    order_id = shop.pay(shop.upload(*photos(12)))
    begun = []
    for _ in range(30):
        shop.pass_time(seconds=6)
        begun.append(starts(shop))
        shop.end_predictions()
    assert max(later - earlier for earlier, later in zip(begun, begun[9:], strict=False)) == 5
    assert shop.order(order_id).state is State.COMPLETED


@pytest.mark.parametrize("reason", [FailureReason.PROVIDER_ERROR, FailureReason.CONTENT_FILTER])
def test_a_prediction_that_fails_leaves_its_place_to_the_next(
    shop: InMemoryShop, reason: FailureReason
) -> None:
    shop.pay(shop.upload(*photos(6)))
    shop.work()
    shop.end_predictions(reason)
    shop.work()
    assert len(running(shop)) == 3


def test_an_order_that_is_held_or_paid_back_meanwhile_leaves_its_places_to_others(shop: InMemoryShop) -> None:
    first, second = (shop.pay(shop.upload(*photos(6))) for _ in range(2))
    shop.work()
    person = Cause(name="cli", key="one", actor="person:grace", correlation_id=first)
    shop.command_handler.handle(first, [e.OrderHeld(reason=HoldReason.REQUESTED)], person)
    paid = shop.order(second).payment
    assert paid is not None
    refund = e.RefundRequested(
        refund_id=RefundId(shop.ids.new()), amount=paid.paid, reason=RefundReason.REQUESTED, image_ids=()
    )
    shop.command_handler.handle(second, [refund], replace(person, correlation_id=second))
    shop.work()
    third = shop.pay(shop.upload(*photos(3, b"harvest")))
    for _ in range(3):
        shop.pass_time(minutes=1)
        shop.end_predictions()
    shop.work()
    assert shop.order(third).state is State.COMPLETED


def test_a_busy_provider_is_left_alone_for_as_long_as_it_asks(shop: InMemoryShop) -> None:
    shop.restorer.fault_injector.fail("start", BUSY)
    order_id = shop.pay(shop.upload(*photos(3)))
    shop.work()
    assert starts(shop) == 1
    shop.pass_time(seconds=6)
    assert starts(shop) == 1
    shop.pass_time(seconds=1)
    assert starts(shop) == 4
    assert shop.live(order_id).state is State.COMPLETED


@pytest.mark.parametrize("method", ["start", "look"])
@pytest.mark.parametrize("wait", [7, None])
def test_a_provider_that_is_busy_for_long_makes_no_photo_fail(
    shop: InMemoryShop, method: str, wait: float | None
) -> None:
    for _ in range(50):
        shop.restorer.fault_injector.fail(method, BusyError("The double", "busy", retry_after_seconds=wait))
    shop.restorer.fault_injector.fail(method, UnavailableError("The double", "out for lunch"))
    order_id = shop.pay(shop.upload(b"wedding"))
    order = shop.live(order_id, hours=3)
    assert order.state is State.COMPLETED
    assert e.RestorationAttemptFailed not in kinds(shop, order_id)


def test_an_unavailable_provider_frees_its_places_at_each_try(shop: InMemoryShop) -> None:
    for _ in range(9):
        shop.restorer.fault_injector.fail("start", UnavailableError("The double", "out for lunch"))
    order_id = shop.pay(shop.upload(*photos(4)))
    assert shop.live(order_id, hours=1).state is State.COMPLETED


def test_a_worker_that_dies_with_a_start_gives_its_place_back_in_the_end(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(*photos(4)))
    while e.ImagesMoved not in kinds(shop, order_id):
        shop.perform(shop.queue.waiting.popleft())
    for reaction_id in list(shop.queue.waiting):
        shop.reaction_runner.claim(reaction_id)  # and dies
    shop.queue.waiting.clear()
    assert shop.live(order_id, hours=1).state is State.COMPLETED
    assert len(shop.restorer.works) == 4
