"""A lost file fails its photo, not its order.

An outage of the storage fails nothing.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from adapters.localization.timeline_text import timeline_text_of
from domain.order import events as e
from domain.order.order import Order
from domain.order.states import State
from domain.order.values import FailureReason, HoldReason, ObjectKey, OrderId
from domain.ports.errors import UnavailableError
from domain.use_cases.order_transaction import Cause
from tests.domain.support.assertions import kinds, sent
from tests.domain.support.reconciliation_runs import compare
from tests.doubles.container import InMemoryShop
from tests.doubles.images import PlainInspector

UNAVAILABLE = UnavailableError("The storage", "it is away")

Spoil = Callable[[InMemoryShop, ObjectKey], None]


def lose(shop: InMemoryShop, key: ObjectKey) -> None:
    del shop.storage.objects[key]


def damage(shop: InMemoryShop, key: ObjectKey) -> None:
    shop.storage.objects[key] = shop.storage.objects[key].swapcase()


SPOILS = [(lose, FailureReason.FILE_MISSING), (damage, FailureReason.FILE_DAMAGED)]


def record(shop: InMemoryShop, order_id: OrderId, proposed: e.Event) -> None:
    key = type(proposed).__name__
    shop.command_handler.handle(
        order_id, [proposed], Cause(name="cli", key=key, actor="person:grace", correlation_id=order_id)
    )


def paid(shop: InMemoryShop, *photos: bytes) -> OrderId:
    return shop.pay(shop.upload(*photos))


def upload_key(order: Order, number: int) -> ObjectKey:
    return list(order.images.values())[number].upload.key


def original_key(order: Order, number: int) -> ObjectKey:
    original = list(order.images.values())[number].original
    assert original is not None
    return original.key


@pytest.mark.parametrize(("spoil", "reason"), SPOILS)
def test_one_lost_upload_is_refunded_and_named_and_the_others_are_delivered(
    shop: InMemoryShop, spoil: Spoil, reason: FailureReason
) -> None:
    order_id = paid(shop, b"wedding", b"harvest", b"portrait")
    lost = upload_key(shop.order(order_id), 1)
    spoil(shop, lost)
    order = shop.live(order_id)
    assert order.state is State.COMPLETED
    assert [image.failure for image in order.images.values()] == [None, reason, None]
    (refund,) = order.refunds.values()
    assert refund.amount == order.failed_images[0].share
    assert refund.image_ids == (order.failed_images[0].image_id,)
    assert sent(shop) == ["confirmation", "partial_result"]
    assert "great-aunt-2.jpg" in list(shop.mailer.mailbox.values())[-1].content.html
    with shop.unit_of_work.transaction() as transaction:
        texts = [entry.text for entry in timeline_text_of(transaction.event_store.history(order_id)).entries]
    assert any(text.startswith("Photo 2 was given up: its file") for text in texts)
    assert any(text.startswith("2 of 3 photos were moved") for text in texts)
    assert not order.is_held


@pytest.mark.parametrize(("spoil", "reason"), SPOILS)
@pytest.mark.parametrize("reads_bytes", [True, False])
def test_the_comparison_lists_a_lost_upload(
    shop: InMemoryShop, spoil: Spoil, reason: FailureReason, *, reads_bytes: bool
) -> None:
    order_id = paid(shop, b"wedding", b"harvest")
    lost = upload_key(shop.order(order_id), 1)
    spoil(shop, lost)
    shop.live(order_id)
    listed = compare(shop, reads_bytes=reads_bytes).findings
    what = "object_missing" if reason is FailureReason.FILE_MISSING else "object_differs"
    assert [(each.what, each.subject, each.order_id) for each in listed] == [(what, lost, order_id)]


@pytest.mark.parametrize(("spoil", "reason"), SPOILS)
def test_an_order_of_which_every_upload_is_lost_is_refunded_whole(
    shop: InMemoryShop, spoil: Spoil, reason: FailureReason
) -> None:
    order_id = paid(shop, b"wedding", b"harvest")
    for number in range(2):
        spoil(shop, upload_key(shop.order(order_id), number))
    order = shop.live(order_id)
    assert order.state is State.REFUNDED
    assert order.refunded_amount == order.paid_amount
    assert {image.failure for image in order.images.values()} == {reason}
    assert e.ImagesMoved not in kinds(shop, order_id)
    assert sent(shop)[-1] == "failure"
    assert not shop.restorer.works


def test_an_unavailable_storage_fails_no_photo(shop: InMemoryShop) -> None:
    order_id = paid(shop, b"wedding", b"harvest")
    for _ in range(3):
        shop.storage.fault_injector.fail("copy", UNAVAILABLE)
    order = shop.live(order_id)
    assert order.state is State.COMPLETED
    assert not order.failed_images


def test_a_storage_outage_after_a_lost_upload_was_seen_fails_it_once(shop: InMemoryShop) -> None:
    order_id = paid(shop, b"wedding", b"harvest", b"portrait")
    lose(shop, upload_key(shop.order(order_id), 0))
    shop.storage.fault_injector.fail("copy", UNAVAILABLE)
    order = shop.live(order_id)
    assert len(order.failed_images) == len(order.refunds) == 1
    assert kinds(shop, order_id).count(e.ImagesMoved) == 1


@pytest.mark.parametrize(("spoil", "reason"), SPOILS)
def test_an_original_that_changed_after_the_move_is_noticed_before_it_is_sent_and_fails_its_photo(
    shop: InMemoryShop, spoil: Spoil, reason: FailureReason
) -> None:
    order_id = paid(shop, b"wedding", b"harvest")
    while e.ImagesMoved not in kinds(shop, order_id):
        shop.perform(shop.queue.waiting.popleft())
    lost = original_key(shop.order(order_id), 0)
    spoil(shop, lost)
    order = shop.live(order_id)
    assert order.state is State.COMPLETED
    assert [image.failure for image in order.images.values()] == [reason, None]
    assert len(order.images[next(iter(order.images))].attempts) == 1
    assert [work.picture for work in shop.restorer.works.values()] == [b"harvest"]
    listed = compare(shop, reads_bytes=False).findings
    assert [each.subject for each in listed] == [lost]


@pytest.mark.parametrize(("spoil", "reason"), SPOILS)
def test_an_original_that_is_lost_while_its_photo_is_restored_fails_it(
    shop: InMemoryShop, spoil: Spoil, reason: FailureReason
) -> None:
    order_id = paid(shop, b"wedding", b"harvest")
    shop.work()
    spoil(shop, original_key(shop.order(order_id), 0))
    order = shop.live(order_id)
    assert order.state is State.COMPLETED
    assert [image.failure for image in order.images.values()] == [reason, None]


def test_an_original_without_transparency_is_not_read_again_for_its_result(
    shop: InMemoryShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = PlainInspector.inspect
    monkeypatch.setattr(
        PlainInspector,
        "inspect",
        lambda *given, **named: replace(look(*given, **named), media_type="image/jpeg"),
    )
    order_id = paid(shop, b"wedding")
    shop.work()
    lose(shop, original_key(shop.order(order_id), 0))
    order = shop.live(order_id)
    assert order.state is State.COMPLETED
    assert [image.failure for image in order.images.values()] == [None]


def test_a_redo_whose_original_is_lost_leaves_the_result_that_was_delivered(shop: InMemoryShop) -> None:
    order_id = paid(shop, b"wedding")
    shop.live(order_id)
    token = shop.token_signer.download_token(next(iter(shop.order(order_id).links)))
    (image_id,) = shop.order(order_id).images
    lose(shop, original_key(shop.order(order_id), 0))
    shop.customer_requests.redo(token, image_id, shop.ids.new())
    order = shop.live(order_id)
    assert order.images[image_id].restored is not None
    assert kinds(shop, order_id).count(e.RedoFailed) == 1
    assert order.state is State.COMPLETED


def test_an_order_that_older_code_held_for_a_lost_upload_goes_on_when_it_is_released(
    shop: InMemoryShop,
) -> None:
    order_id = paid(shop, b"wedding", b"harvest")
    lose(shop, upload_key(shop.order(order_id), 0))
    record(shop, order_id, e.OrderHeld(reason=HoldReason.IMAGES_UNAVAILABLE))
    assert shop.live(order_id).state is State.PAID
    record(shop, order_id, e.OrderReleased())
    assert shop.live(order_id).state is State.COMPLETED


@pytest.mark.parametrize("spoil", [lose, damage])
def test_a_result_that_is_not_what_was_recorded_is_never_packed(shop: InMemoryShop, spoil: Spoil) -> None:
    order_id = paid(shop, b"wedding", b"harvest")
    shop.work()
    shop.end_predictions()
    while shop.order(order_id).state is not State.SETTLED:
        shop.perform(shop.queue.waiting.popleft())
    (restored, *_) = (image.restored for image in shop.order(order_id).restored_images)
    assert restored is not None
    spoil(shop, restored.key)
    order = shop.live(order_id, hours=24)
    assert order.state is State.COMPLETED
    assert restored not in [image.restored for image in order.images.values()]
    assert [each.subject for each in compare(shop).findings if each.side == "storage"] == [restored.key]
