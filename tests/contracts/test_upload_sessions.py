"""Upload sessions, their photos and checkout, and stale temporary objects."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from domain.order.values import Browser, Client, Device, FailureReason, OrderId, UploadSessionId
from domain.ports.unit_of_work import Database
from domain.ports.upload_sessions import UploadedPhoto, UploadSession, UploadStatus
from tests.contracts.stored_streams import MINUTE, NOON, checkout, facts, photo, session, take_order
from tests.domain.support.recording import step

WEEK_AGO = NOON - timedelta(days=7)
LONG_AGO = NOON - timedelta(days=30)


def visited(
    unit_of_work: Database, *photos: UploadedPhoto, visit: UploadSession | None = None
) -> UploadSession:
    """A session opened long ago, with photos."""
    opened = visit or session(LONG_AGO)
    with unit_of_work.transaction() as transaction:
        transaction.upload_sessions.open(opened)
        for each in photos:
            transaction.upload_sessions.add_photo(opened.session_id, each)
    return opened


def find(unit_of_work: Database, session_id: UploadSessionId) -> UploadSession | None:
    with unit_of_work.transaction() as transaction:
        return transaction.upload_sessions.find(session_id)


def set_status(unit_of_work: Database, visit: UploadSession, status: UploadStatus) -> None:
    with unit_of_work.transaction() as transaction:
        transaction.upload_sessions.set_status(visit.session_id, status)


def stale(unit_of_work: Database, limit: int = 10) -> list[UploadSessionId]:
    with unit_of_work.transaction() as transaction:
        return transaction.upload_sessions.expire_stale(WEEK_AGO, NOON, limit)


def test_an_open_session_is_found_as_it_was_written(unit_of_work: Database) -> None:
    visit = visited(unit_of_work)
    assert find(unit_of_work, visit.session_id) == visit
    with unit_of_work.transaction() as transaction:
        assert transaction.upload_sessions.find(visit.session_id, lock=True) == visit


def test_sessions_found_together_are_those_that_exist_with_their_photos(unit_of_work: Database) -> None:
    with_photo = replace(visited(unit_of_work, picnic := photo("picnic.jpg")), photos=(picnic,))
    without = visited(unit_of_work)
    wanted = [without.session_id, UploadSessionId(uuid4()), with_photo.session_id]
    with unit_of_work.transaction() as transaction:
        found = transaction.upload_sessions.find_all_locked(wanted)
        transaction.upload_sessions.set_paid([with_photo.session_id])
    assert found == {without.session_id: without, with_photo.session_id: with_photo}
    paid, still_open = (
        find(unit_of_work, session_id) for session_id in (with_photo.session_id, without.session_id)
    )
    assert paid is not None
    assert still_open is not None
    assert (paid.status, still_open.status) == (UploadStatus.PAID, UploadStatus.OPEN)


def test_an_unknown_session_is_not_found(unit_of_work: Database) -> None:
    assert find(unit_of_work, UploadSessionId(uuid4())) is None


def test_photos_stay_in_the_order_they_came(unit_of_work: Database) -> None:
    photos = tuple(photo(name) for name in ("uncle-1954.png", "great-aunt-1931.jpg", "tante Käthe.heic"))
    visit = visited(unit_of_work, *photos)
    assert find(unit_of_work, visit.session_id) == replace(visit, photos=photos)


def test_a_checkout_fixes_the_session_and_its_page_follows(unit_of_work: Database) -> None:
    visit = visited(unit_of_work)
    with unit_of_work.transaction() as transaction:
        transaction.upload_sessions.set_checkout(visit.session_id, checkout())
    reserved = replace(visit, status=UploadStatus.CHECKOUT, checkout=checkout())
    assert find(unit_of_work, visit.session_id) == reserved
    client = Client(network="203.0.113.0/24", device=Device.PHONE, browser=Browser.SAFARI)
    page = replace(
        checkout(), checkout_session_id=f"cs_{uuid4()}", url="https://pay.example/1", client=client
    )
    with unit_of_work.transaction() as transaction:
        transaction.upload_sessions.set_checkout(visit.session_id, page)
    assert find(unit_of_work, visit.session_id) == replace(reserved, checkout=page)


def test_a_second_checkout_replaces_the_first(unit_of_work: Database) -> None:
    visit = visited(unit_of_work)
    with unit_of_work.transaction() as transaction:
        transaction.upload_sessions.set_checkout(visit.session_id, checkout(1))
        transaction.upload_sessions.set_checkout(visit.session_id, checkout(2))
    found = find(unit_of_work, visit.session_id)
    assert found is not None
    assert found.checkout == checkout(2)


@pytest.mark.parametrize("status", list(UploadStatus))
def test_a_session_changes_its_status(unit_of_work: Database, status: UploadStatus) -> None:
    visit = visited(unit_of_work)
    set_status(unit_of_work, visit, status)
    assert find(unit_of_work, visit.session_id) == replace(visit, status=status)


def test_file_names_are_those_of_an_orders_photos(unit_of_work: Database) -> None:
    uncle, aunt = photo("uncle-1954.png"), photo("great-aunt-1931.jpg")
    visit = visited(unit_of_work, uncle, aunt)
    visited(unit_of_work, photo("another-session.jpg"))
    with unit_of_work.transaction() as transaction:
        names = transaction.upload_sessions.file_names(visit.order_id)
        assert transaction.upload_sessions.file_names(OrderId(uuid4())) == {}
    assert names == {uncle.photo_id: "uncle-1954.png", aunt.photo_id: "great-aunt-1931.jpg"}


def test_an_abandoned_session_expires_and_is_stale_until_cleaned_up(unit_of_work: Database) -> None:
    visit = visited(unit_of_work, photo(), photo())
    empty = visited(unit_of_work, visit=session(LONG_AGO + MINUTE))
    for _ in range(2):
        assert stale(unit_of_work) == [visit.session_id, empty.session_id]
    found = find(unit_of_work, visit.session_id)
    assert found is not None
    assert found.status is UploadStatus.EXPIRED


def test_a_young_session_is_not_stale(unit_of_work: Database) -> None:
    visited(unit_of_work, photo(), visit=session(WEEK_AGO))
    assert stale(unit_of_work) == []
    visited(unit_of_work, photo(), visit=session(WEEK_AGO - timedelta(microseconds=1)))
    assert len(stale(unit_of_work)) == 1


def test_a_session_in_an_open_checkout_is_never_stale(unit_of_work: Database) -> None:
    visit = visited(unit_of_work, photo())
    with unit_of_work.transaction() as transaction:
        transaction.upload_sessions.set_checkout(visit.session_id, checkout(expires_at=NOON))
    assert stale(unit_of_work) == []


def test_a_session_whose_checkout_expired_is_stale(unit_of_work: Database) -> None:
    visit = visited(unit_of_work, photo())
    with unit_of_work.transaction() as transaction:
        transaction.upload_sessions.set_checkout(visit.session_id, checkout(expires_at=NOON - MINUTE))
    assert stale(unit_of_work) == [visit.session_id]


def test_a_session_that_waits_for_a_delayed_payment_is_never_stale(unit_of_work: Database) -> None:
    set_status(unit_of_work, visited(unit_of_work, photo()), UploadStatus.PENDING)
    assert stale(unit_of_work) == []


def test_a_paid_session_without_its_order_is_never_stale(unit_of_work: Database) -> None:
    set_status(unit_of_work, visited(unit_of_work, photo()), UploadStatus.PAID)
    assert stale(unit_of_work) == []


def test_a_paid_session_whose_images_are_not_verified_is_never_stale(unit_of_work: Database) -> None:
    about = facts()
    visit = visited(unit_of_work, photo(), visit=session(LONG_AGO, about.order_id))
    set_status(unit_of_work, visit, UploadStatus.PAID)
    take_order(unit_of_work, about)
    assert stale(unit_of_work) == []


def test_a_paid_session_whose_images_are_verified_is_stale_once(unit_of_work: Database) -> None:
    about = facts()
    photos = (photo(),)
    visit = visited(unit_of_work, *photos, visit=session(LONG_AGO, about.order_id))
    set_status(unit_of_work, visit, UploadStatus.PAID)
    take_order(unit_of_work, about, about.moved())
    assert stale(unit_of_work) == [visit.session_id]
    found = find(unit_of_work, visit.session_id)
    assert found is not None
    assert found.status is UploadStatus.PAID
    with unit_of_work.transaction() as transaction:
        transaction.upload_sessions.forget_temp_objects(visit.session_id, NOON)
    assert stale(unit_of_work) == []
    with unit_of_work.transaction() as transaction:
        assert list(transaction.upload_sessions.file_names(about.order_id)) == [photos[0].photo_id]


def test_a_paid_session_is_stale_when_refunded_before_its_images_were_verified(
    unit_of_work: Database,
) -> None:
    about = facts()
    visit = visited(unit_of_work, photo(), visit=session(LONG_AGO, about.order_id))
    set_status(unit_of_work, visit, UploadStatus.PAID)
    total = about.photos * about.price
    take_order(unit_of_work, about, about.refund_requested(total), about.refund_issued(total))
    assert stale(unit_of_work) == [visit.session_id]


def test_the_oldest_sessions_are_stale_first(unit_of_work: Database) -> None:
    visits = [visited(unit_of_work, visit=session(LONG_AGO + minute * MINUTE)) for minute in (3, 1, 2)]
    oldest_first = [visits[1].session_id, visits[2].session_id, visits[0].session_id]
    assert stale(unit_of_work) == oldest_first
    assert stale(unit_of_work, limit=2) == oldest_first[:2]


def test_a_cleaned_up_unpaid_session_keeps_only_its_row(unit_of_work: Database) -> None:
    visit = visited(unit_of_work, photo())
    set_status(unit_of_work, visit, UploadStatus.EXPIRED)
    with unit_of_work.transaction() as transaction:
        transaction.upload_sessions.forget_temp_objects(visit.session_id, NOON)
        left = transaction.upload_sessions.find(visit.session_id)
        assert left is not None
        assert (left.status, left.photos) == (UploadStatus.EXPIRED, ())
        assert transaction.upload_sessions.file_names(visit.order_id) == {}
        transaction.upload_sessions.forget_temp_objects(visit.session_id, NOON)
    assert stale(unit_of_work) == []


def test_what_an_inspection_found_is_known_until_the_temporary_objects_are_deleted(
    unit_of_work: Database,
) -> None:
    visit, sketched, unsketched = visited(unit_of_work), photo(), photo()
    set_status(unit_of_work, visit, UploadStatus.PAID)
    with unit_of_work.transaction() as transaction:
        transaction.upload_sessions.add_photo(visit.session_id, sketched, sketch=b"relief")
        transaction.upload_sessions.add_photo(visit.session_id, unsketched)
    with unit_of_work.transaction() as transaction:
        found = transaction.upload_sessions.inspected(sketched.photo_id)
        assert found is not None
        assert (found.media_type, found.width, found.height) == (sketched.upload.media_type, 1600, 1200)
        assert found.sketch == b"relief"
        assert transaction.upload_sessions.inspected(unsketched.photo_id) is None
        transaction.upload_sessions.forget_temp_objects(visit.session_id, NOON)
        assert transaction.upload_sessions.inspected(sketched.photo_id) is None
        assert sketched.photo_id in transaction.upload_sessions.file_names(visit.order_id)


def test_rows_of_cleaned_up_unpaid_sessions_are_removed_after_a_while(unit_of_work: Database) -> None:
    tidied, paid, open_one = (visited(unit_of_work, photo()) for _ in range(3))
    set_status(unit_of_work, tidied, UploadStatus.EXPIRED)
    set_status(unit_of_work, paid, UploadStatus.PAID)
    with unit_of_work.transaction() as transaction:
        for each in (tidied, paid):
            transaction.upload_sessions.forget_temp_objects(each.session_id, NOON)
        assert transaction.upload_sessions.remove_tidied(NOON) == 0
        assert transaction.upload_sessions.remove_tidied(NOON + MINUTE) == 1
        assert transaction.upload_sessions.find(tidied.session_id) is None
        assert transaction.upload_sessions.find(paid.session_id) is not None
        assert transaction.upload_sessions.find(open_one.session_id) is not None


def test_checkouts_with_pending_payments_are_found_oldest_first(
    unit_of_work: Database,
) -> None:
    reserved = [NOON - 2 * MINUTE, NOON - 3 * MINUTE, NOON, NOON - 4 * MINUTE]
    for number, at in enumerate(reserved):
        visit = visited(unit_of_work, photo())
        with unit_of_work.transaction() as transaction:
            page = replace(checkout(), reserved_at=at, checkout_session_id=f"cs_{number}")
            transaction.upload_sessions.set_checkout(visit.session_id, page)
        if number != 3:
            set_status(unit_of_work, visit, UploadStatus.PENDING)
    with unit_of_work.transaction() as transaction:
        assert transaction.upload_sessions.pending(NOON) == ["cs_1", "cs_0"]


def test_a_paid_session_is_stale_when_each_image_is_verified_or_lost(unit_of_work: Database) -> None:
    about = facts(photos=2)
    visit = visited(unit_of_work, photo(), photo(), visit=session(LONG_AGO, about.order_id))
    set_status(unit_of_work, visit, UploadStatus.PAID)
    lost = about.failed(1, attempts=0, reason=FailureReason.FILE_MISSING)
    order = take_order(unit_of_work, about, lost)
    assert stale(unit_of_work) == []
    moved = replace(about.moved(), images=about.moved().images[:1])
    with unit_of_work.transaction() as transaction:
        transaction.event_store.append(step(order, moved))
    assert stale(unit_of_work) == [visit.session_id]
