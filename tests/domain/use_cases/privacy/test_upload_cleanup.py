"""Temp uploads go when nobody needs them, and not before."""

import io

import pytest

from domain.order import events as e
from domain.order.lifecycle import State
from domain.order.values import ObjectKey
from domain.ports.errors import UnavailableError
from domain.signed_tokens import sha256_of
from domain.use_cases.checkout.uploads import UploadSessionClosedError
from domain.use_cases.order_command_handler import Cause
from tests.doubles.container import MemoryShop

AWAY = UnavailableError("The double", "out for lunch")


def test_housekeeping_takes_what_nobody_paid_for_and_nothing_else(shop: MemoryShop) -> None:
    abandoned = shop.upload(b"forgotten")
    paid = shop.upload(b"wedding")
    in_checkout = shop.upload(b"wavering")
    order_id = shop.pay(paid)
    shop.clock.advance(days=8)
    shop.checking_out.open(in_checkout, email=None)
    shop.housekeeping.tidy()
    held = set(shop.storage.objects)
    assert not any(str(abandoned) in key for key in held)
    assert any(str(paid) in key for key in held), "its images are not verified yet"
    assert any(str(in_checkout) in key for key in held)
    shop.live(order_id)
    shop.housekeeping.tidy()
    assert not any(f"temp/{paid}" in key for key in shop.storage.objects)
    assert shop.order(order_id).state is State.COMPLETED


def test_a_payment_for_photos_that_were_tidied_is_refunded_by_itself(shop: MemoryShop) -> None:
    notice = shop.payment(shop.upload(b"forgotten"))
    shop.clock.advance(days=8)
    shop.housekeeping.tidy()
    shop.paying.take(notice, sha256_of(b"late"))
    shop.clock.advance(days=8)
    assert shop.matching.refund_due() == 1


def test_housekeeping_goes_on_with_the_others_when_one_session_cannot_be_tidied(shop: MemoryShop) -> None:
    sessions = [shop.upload(b"forgotten") for _ in range(3)]
    shop.clock.advance(days=8)
    shop.storage.weather.fail("purge", AWAY)
    with pytest.raises(UnavailableError):
        shop.housekeeping.tidy()
    assert len(shop.storage.objects) == 1
    with pytest.raises(UploadSessionClosedError):
        shop.checking_out.open(sessions[0], email=None)
    shop.housekeeping.tidy()
    assert not shop.storage.objects


def test_housekeeping_finds_what_a_crash_kept_from_being_written_down(shop: MemoryShop) -> None:
    session_id = shop.upload(b"forgotten")
    key = ObjectKey(f"uploads/temp/{session_id}/never-written-down")
    shop.storage.put(key, io.BytesIO(b"photo"), size_bytes=5, media_type="image/png")
    shop.clock.advance(days=8)
    shop.housekeeping.tidy()
    assert not shop.storage.objects


@pytest.mark.parametrize("failures", [0, 3])
def test_photos_are_deleted_after_their_event_whatever_the_storage_does(
    shop: MemoryShop, failures: int
) -> None:
    order_id, other = shop.pay(shop.upload(b"wedding")), shop.pay(shop.upload(b"harvest"))
    shop.live(order_id)
    cause = Cause(name="retention", key="retention", actor="worker", correlation_id=order_id)
    for _ in range(failures):
        shop.storage.weather.fail("purge", AWAY)
    shop.recorder.record(order_id, [e.PhotosPurged()], cause)
    shop.work()
    for _ in range(failures):
        shop.pass_time(minutes=2)
    kept = shop.order(other)
    assert kept.payment is not None
    belongings = (str(other), str(kept.payment.upload_session_id))
    assert shop.storage.objects
    assert all(any(mark in key for mark in belongings) for key in shop.storage.objects)


def test_closed_work_and_handled_messages_are_forgotten_and_a_late_message_changes_nothing(
    shop: MemoryShop,
) -> None:
    session_id = shop.upload(b"wedding")
    notice = shop.payment(session_id)
    shop.paying.take(notice, sha256_of(b"notice"))
    order_id = shop.uploading.find(session_id).order_id
    shop.live(order_id)
    pages = shop.own_books.pages
    assert shop.housekeeping.forget_records() == 0
    shop.clock.moment += shop.policy.record_retention
    assert shop.housekeeping.forget_records() > 0
    assert (list(pages.work.values()), list(pages.inbox)) == ([], [])
    before = shop.events(order_id)
    shop.paying.take(notice, sha256_of(b"notice"))
    shop.live(order_id)
    assert shop.events(order_id) == before
