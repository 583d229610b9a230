"""A result lost by the storage is restored again, without a hold."""

from collections.abc import Callable

import pytest

from domain.order import events as e
from domain.order.states import State
from domain.order.values import FailureReason, HoldReason, ObjectKey, OrderId
from domain.use_cases.support.staff_requests import StaffRequest
from tests.domain.support.assertions import sent
from tests.domain.use_cases.restoration.test_missing_originals import damage, lose
from tests.doubles.container import InMemoryShop

ADA = StaffRequest(actor="person:ada", reason="They asked for it on the phone.")

Spoil = Callable[[InMemoryShop, ObjectKey], None]
SPOILS = [lose, damage]


def settle(shop: InMemoryShop, order_id: OrderId) -> None:
    """Let an order's photos be restored, and stop before they are archived."""
    while shop.order(order_id).state is not State.SETTLED:
        if not shop.queue.waiting:
            shop.pass_time(minutes=0)
            shop.end_predictions()
        else:
            shop.perform(shop.queue.waiting.popleft())


def restored_and_not_packed(shop: InMemoryShop, *photos: bytes) -> OrderId:
    order_id = shop.pay(shop.upload(*photos))
    settle(shop, order_id)
    return order_id


def result_key(shop: InMemoryShop, order_id: OrderId, number: int = 0) -> ObjectKey:
    result = list(shop.order(order_id).images.values())[number].restored
    assert result is not None
    return result.key


@pytest.mark.parametrize("spoil", SPOILS)
def test_a_lost_result_is_restored_once_more_and_the_others_are_kept(
    shop: InMemoryShop, spoil: Spoil
) -> None:
    order_id = restored_and_not_packed(shop, b"wedding", b"harvest")
    kept = result_key(shop, order_id, 1)
    spoil(shop, result_key(shop, order_id))
    order = shop.live(order_id)
    assert order.state is State.COMPLETED
    assert len(order.restored_images) == 2
    assert result_key(shop, order_id, 1) == kept
    failures = [each for each in shop.events(order_id) if isinstance(each, e.RestorationAttemptFailed)]
    assert [failure.reason for failure in failures] == [FailureReason.RESULT_LOST]
    assert len(shop.restorer.works) == 3
    assert sent(shop) == ["confirmation", "result"]
    assert not any(isinstance(each, e.OrderHeld) for each in shop.events(order_id))


def test_results_that_are_lost_together_are_restored_together(shop: InMemoryShop) -> None:
    order_id = restored_and_not_packed(shop, b"wedding", b"harvest")
    for number in range(2):
        lose(shop, result_key(shop, order_id, number))
    shop.work()
    order = shop.order(order_id)
    assert order.state is State.RESTORING
    assert [image.restored for image in order.images.values()] == [None, None]
    assert shop.live(order_id).state is State.COMPLETED


def test_a_photo_whose_original_is_lost_as_well_is_refunded(shop: InMemoryShop) -> None:
    order_id = restored_and_not_packed(shop, b"wedding", b"harvest")
    image = shop.order(order_id).restored_images[0]
    assert image.original is not None
    lose(shop, image.original.key)
    lose(shop, result_key(shop, order_id))
    order = shop.live(order_id)
    assert order.state is State.COMPLETED
    (refund,) = order.refunds.values()
    assert refund.image_ids == (image.image_id,)
    assert sent(shop) == ["confirmation", "partial_result"]


def test_results_that_are_lost_again_and_again_end_in_a_refund(shop: InMemoryShop) -> None:
    order_id = restored_and_not_packed(shop, b"wedding")
    for _ in range(shop.policy.limits.max_restoration_attempts - 1):
        lose(shop, result_key(shop, order_id))
        shop.perform(shop.queue.waiting.popleft())
        assert shop.order(order_id).state is State.RESTORING
        settle(shop, order_id)
    lose(shop, result_key(shop, order_id))
    assert shop.live(order_id).state is State.REFUNDED


@pytest.mark.parametrize("spoil", SPOILS)
def test_an_earlier_result_that_is_lost_is_left_out_of_the_next_archive(
    shop: InMemoryShop, spoil: Spoil
) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.live(order_id)
    spoil(shop, result_key(shop, order_id))
    redo(shop, order_id)
    order = shop.live(order_id)
    assert order.has_current_archive
    assert not order.is_held


def test_a_result_that_is_lost_beside_a_redo_of_another_photo_is_restored_anew(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding", b"harvest"))
    shop.live(order_id)
    lose(shop, result_key(shop, order_id, 1))
    redo(shop, order_id)
    order = shop.live(order_id)
    assert order.has_current_archive
    assert not order.is_held
    assert order.state is State.COMPLETED
    assert list(order.refunds) == []


def test_a_result_that_is_lost_and_cannot_be_restored_anew_is_left_to_a_person(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding", b"harvest"))
    shop.live(order_id)
    other = list(shop.order(order_id).images.values())[1]
    assert other.original is not None
    lose(shop, other.original.key)
    lose(shop, result_key(shop, order_id, 1))
    redo(shop, order_id)
    assert shop.live(order_id, hours=30).hold is HoldReason.DOWNLOAD_NOT_PREPARED


def redo(shop: InMemoryShop, order_id: OrderId) -> None:
    shop.staff_actions.redo(order_id, ADA, photos=(1,))


def test_an_archive_has_earlier_results_in_a_folder_of_their_own(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.live(order_id)
    redo(shop, order_id)
    link = shop.live(order_id).newest_link
    assert link is not None
    content = shop.storage.objects[link.archive.key]
    assert content.count(b"earlier results/1-great-aunt-1") == 1
    assert content.startswith(b"great-aunt-1"), "the newest result comes first, outside"
