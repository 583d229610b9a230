"""Temporary uploads are deleted once unused, and not before."""

import io

import pytest

from domain.order import events as e
from domain.order.states import State
from domain.order.values import ObjectKey
from domain.ports.errors import UnavailableError
from domain.signed_tokens import sha256_of
from domain.use_cases.checkout.uploads import UploadSessionClosedError
from domain.use_cases.order_transaction import Cause
from tests.doubles.container import InMemoryShop

UNAVAILABLE = UnavailableError("The double", "out for lunch")


def test_cleanup_deletes_unpaid_uploads_and_nothing_else(shop: InMemoryShop) -> None:
    abandoned = shop.upload(b"forgotten")
    paid = shop.upload(b"wedding")
    in_checkout = shop.upload(b"wavering")
    order_id = shop.pay(paid)
    shop.clock.advance(days=8)
    shop.checkout_service.open(in_checkout, email=None)
    assert shop.upload_cleanup.tidy() == 1
    held = set(shop.storage.objects)
    assert not any(str(abandoned) in key for key in held)
    assert any(str(paid) in key for key in held), "its images are not verified yet"
    assert any(str(in_checkout) in key for key in held)
    shop.live(order_id)
    shop.upload_cleanup.tidy()
    assert not any(f"temp/{paid}" in key for key in shop.storage.objects)
    assert shop.order(order_id).state is State.COMPLETED


def test_a_payment_for_photos_that_were_tidied_is_refunded_by_itself(shop: InMemoryShop) -> None:
    webhook_event = shop.payment(shop.upload(b"forgotten"))
    shop.clock.advance(days=8)
    shop.upload_cleanup.tidy()
    shop.payment_webhook.handle(webhook_event, sha256_of(b"late"))
    shop.clock.advance(days=8)
    assert shop.unmatched_payment_service.refund_due() == 1


def test_housekeeping_goes_on_with_the_others_when_one_session_cannot_be_tidied(shop: InMemoryShop) -> None:
    sessions = [shop.upload(b"forgotten") for _ in range(3)]
    shop.clock.advance(days=8)
    shop.storage.fault_injector.fail("purge", UNAVAILABLE)
    with pytest.raises(UnavailableError):
        shop.upload_cleanup.tidy()
    assert len(shop.storage.objects) == 1
    with pytest.raises(UploadSessionClosedError):
        shop.checkout_service.open(sessions[0], email=None)
    shop.upload_cleanup.tidy()
    assert not shop.storage.objects


def test_housekeeping_finds_what_a_crash_kept_from_being_written_down(shop: InMemoryShop) -> None:
    session_id = shop.upload(b"forgotten")
    key = ObjectKey(f"uploads/temp/{session_id}/never-written-down")
    shop.storage.put(key, io.BytesIO(b"photo"), size_bytes=5, media_type="image/png")
    shop.clock.advance(days=8)
    shop.upload_cleanup.tidy()
    assert not shop.storage.objects


@pytest.mark.parametrize("failures", [0, 3])
def test_photos_are_deleted_after_their_event_whatever_the_storage_does(
    shop: InMemoryShop, failures: int
) -> None:
    order_id, other = shop.pay(shop.upload(b"wedding")), shop.pay(shop.upload(b"harvest"))
    shop.live(order_id)
    cause = Cause(name="retention", key="retention", actor="worker", correlation_id=order_id)
    for _ in range(failures):
        shop.storage.fault_injector.fail("purge", UNAVAILABLE)
    shop.command_handler.handle(order_id, [e.PhotosPurged()], cause)
    shop.work()
    for _ in range(failures):
        shop.pass_time(minutes=2)
    kept = shop.order(other)
    assert kept.payment is not None
    belongings = (str(other), str(kept.payment.upload_session_id))
    assert shop.storage.objects
    assert all(any(belonging in key for belonging in belongings) for key in shop.storage.objects)


def test_closed_work_and_handled_messages_are_forgotten_and_a_late_message_changes_nothing(
    shop: InMemoryShop,
) -> None:
    session_id = shop.upload(b"wedding")
    webhook_event = shop.payment(session_id)
    shop.payment_webhook.handle(webhook_event, sha256_of(b"webhook event"))
    order_id = shop.upload_service.find(session_id).order_id
    shop.live(order_id)
    pages = shop.own_unit_of_work.pages
    assert shop.upload_cleanup.forget_records() == 0
    shop.clock.moment += shop.policy.retention.records
    assert shop.upload_cleanup.forget_records() > 0
    assert (list(pages.work.values()), list(pages.inbox)) == ([], [])
    before = shop.events(order_id)
    shop.payment_webhook.handle(webhook_event, sha256_of(b"webhook event"))
    shop.live(order_id)
    assert shop.events(order_id) == before
