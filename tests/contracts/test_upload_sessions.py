"""The upload desk: sessions, their photos and their checkout, and which temp objects may go."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from domain.order.values import FailureReason, OrderId, UploadSessionId
from domain.ports.unit_of_work import Books
from domain.ports.upload_sessions import UploadedPhoto, UploadSession, UploadStatus
from tests.contracts.stored_streams import MINUTE, NOON, checkout, facts, photo, session, take_order
from tests.domain.support.recording import step

WEEK_AGO = NOON - timedelta(days=7)
LONG_AGO = NOON - timedelta(days=30)


def visited(books: Books, *photos: UploadedPhoto, visit: UploadSession | None = None) -> UploadSession:
    """A session that was opened long ago, with photos."""
    opened = visit or session(LONG_AGO)
    with books.transaction() as transaction:
        transaction.uploads.open(opened)
        for each in photos:
            transaction.uploads.add_photo(opened.session_id, each)
    return opened


def find(books: Books, session_id: UploadSessionId) -> UploadSession | None:
    with books.transaction() as transaction:
        return transaction.uploads.find(session_id)


def set_status(books: Books, visit: UploadSession, status: UploadStatus) -> None:
    with books.transaction() as transaction:
        transaction.uploads.set_status(visit.session_id, status)


def stale(books: Books, limit: int = 10) -> list[UploadSessionId]:
    with books.transaction() as transaction:
        return transaction.uploads.expire_stale(WEEK_AGO, NOON, limit)


def test_an_open_session_is_found_as_it_was_written(books: Books) -> None:
    visit = visited(books)
    assert find(books, visit.session_id) == visit
    with books.transaction() as transaction:
        assert transaction.uploads.find(visit.session_id, lock=True) == visit


def test_a_session_nobody_opened_is_not_found(books: Books) -> None:
    assert find(books, UploadSessionId(uuid4())) is None


def test_photos_stay_in_the_order_they_came(books: Books) -> None:
    photos = tuple(photo(name) for name in ("uncle-1954.png", "great-aunt-1931.jpg", "tante Käthe.heic"))
    visit = visited(books, *photos)
    assert find(books, visit.session_id) == replace(visit, photos=photos)


def test_a_checkout_fixes_the_session_and_its_page_follows(books: Books) -> None:
    visit = visited(books)
    with books.transaction() as transaction:
        transaction.uploads.set_checkout(visit.session_id, checkout())
    reserved = replace(visit, status=UploadStatus.CHECKOUT, checkout=checkout())
    assert find(books, visit.session_id) == reserved
    page = replace(checkout(), checkout_session_id=f"cs_{uuid4()}", url="https://pay.example/1")
    with books.transaction() as transaction:
        transaction.uploads.set_checkout(visit.session_id, page)
    assert find(books, visit.session_id) == replace(reserved, checkout=page)


def test_a_second_checkout_takes_the_place_of_the_first(books: Books) -> None:
    visit = visited(books)
    with books.transaction() as transaction:
        transaction.uploads.set_checkout(visit.session_id, checkout(1))
        transaction.uploads.set_checkout(visit.session_id, checkout(2))
    found = find(books, visit.session_id)
    assert found is not None
    assert found.checkout == checkout(2)


@pytest.mark.parametrize("status", list(UploadStatus))
def test_a_session_moves_on(books: Books, status: UploadStatus) -> None:
    visit = visited(books)
    set_status(books, visit, status)
    assert find(books, visit.session_id) == replace(visit, status=status)


def test_file_names_are_those_of_an_orders_photos(books: Books) -> None:
    uncle, aunt = photo("uncle-1954.png"), photo("great-aunt-1931.jpg")
    visit = visited(books, uncle, aunt)
    visited(books, photo("somebody-else.jpg"))
    with books.transaction() as transaction:
        names = transaction.uploads.file_names(visit.order_id)
        assert transaction.uploads.file_names(OrderId(uuid4())) == {}
    assert names == {uncle.photo_id: "uncle-1954.png", aunt.photo_id: "great-aunt-1931.jpg"}


def test_an_abandoned_session_expires_and_is_stale_until_it_is_forgotten(books: Books) -> None:
    visit = visited(books, photo(), photo())
    empty = visited(books, visit=session(LONG_AGO + MINUTE))
    for _ in range(2):
        assert stale(books) == [visit.session_id, empty.session_id]
    found = find(books, visit.session_id)
    assert found is not None
    assert found.status is UploadStatus.EXPIRED


def test_a_young_session_is_not_stale(books: Books) -> None:
    visited(books, photo(), visit=session(WEEK_AGO))
    assert stale(books) == []
    visited(books, photo(), visit=session(WEEK_AGO - timedelta(microseconds=1)))
    assert len(stale(books)) == 1


def test_a_session_in_an_open_checkout_is_never_stale(books: Books) -> None:
    visit = visited(books, photo())
    with books.transaction() as transaction:
        transaction.uploads.set_checkout(visit.session_id, checkout(expires_at=NOON))
    assert stale(books) == []


def test_a_session_whose_checkout_expired_is_stale(books: Books) -> None:
    visit = visited(books, photo())
    with books.transaction() as transaction:
        transaction.uploads.set_checkout(visit.session_id, checkout(expires_at=NOON - MINUTE))
    assert stale(books) == [visit.session_id]


def test_a_session_that_waits_for_a_delayed_payment_is_never_stale(books: Books) -> None:
    set_status(books, visited(books, photo()), UploadStatus.PENDING)
    assert stale(books) == []


def test_a_paid_session_without_its_order_is_never_stale(books: Books) -> None:
    set_status(books, visited(books, photo()), UploadStatus.PAID)
    assert stale(books) == []


def test_a_paid_session_whose_images_are_not_verified_is_never_stale(books: Books) -> None:
    about = facts()
    visit = visited(books, photo(), visit=session(LONG_AGO, about.order_id))
    set_status(books, visit, UploadStatus.PAID)
    take_order(books, about)
    assert stale(books) == []


def test_a_paid_session_whose_images_are_verified_is_stale_once(books: Books) -> None:
    about = facts()
    photos = (photo(),)
    visit = visited(books, *photos, visit=session(LONG_AGO, about.order_id))
    set_status(books, visit, UploadStatus.PAID)
    take_order(books, about, about.moved())
    assert stale(books) == [visit.session_id]
    found = find(books, visit.session_id)
    assert found is not None
    assert found.status is UploadStatus.PAID
    with books.transaction() as transaction:
        transaction.uploads.forget_temp_objects(visit.session_id, NOON)
    assert stale(books) == []
    with books.transaction() as transaction:
        assert list(transaction.uploads.file_names(about.order_id)) == [photos[0].photo_id]


def test_a_paid_session_is_stale_when_all_its_money_went_back_before_its_images_were_verified(
    books: Books,
) -> None:
    about = facts()
    visit = visited(books, photo(), visit=session(LONG_AGO, about.order_id))
    set_status(books, visit, UploadStatus.PAID)
    total = about.photos * about.price
    take_order(books, about, about.refund_requested(total), about.refund_issued(total))
    assert stale(books) == [visit.session_id]


def test_the_oldest_sessions_are_stale_first(books: Books) -> None:
    visits = [visited(books, visit=session(LONG_AGO + minute * MINUTE)) for minute in (3, 1, 2)]
    oldest_first = [visits[1].session_id, visits[2].session_id, visits[0].session_id]
    assert stale(books) == oldest_first
    assert stale(books, limit=2) == oldest_first[:2]


def test_of_a_tidied_session_without_an_order_only_its_row_stays(books: Books) -> None:
    visit = visited(books, photo())
    set_status(books, visit, UploadStatus.EXPIRED)
    with books.transaction() as transaction:
        transaction.uploads.forget_temp_objects(visit.session_id, NOON)
        left = transaction.uploads.find(visit.session_id)
        assert left is not None
        assert (left.status, left.photos) == (UploadStatus.EXPIRED, ())
        assert transaction.uploads.file_names(visit.order_id) == {}
        transaction.uploads.forget_temp_objects(visit.session_id, NOON)
    assert stale(books) == []


def test_rows_of_tidied_sessions_without_an_order_are_removed_after_a_while(books: Books) -> None:
    tidied, paid, open_one = (visited(books, photo()) for _ in range(3))
    set_status(books, tidied, UploadStatus.EXPIRED)
    set_status(books, paid, UploadStatus.PAID)
    with books.transaction() as transaction:
        for each in (tidied, paid):
            transaction.uploads.forget_temp_objects(each.session_id, NOON)
        assert transaction.uploads.remove_tidied(NOON) == 0
        assert transaction.uploads.remove_tidied(NOON + MINUTE) == 1
        assert transaction.uploads.find(tidied.session_id) is None
        assert transaction.uploads.find(paid.session_id) is not None
        assert transaction.uploads.find(open_one.session_id) is not None


def test_checkouts_whose_money_is_on_its_way_are_found_by_their_time_oldest_first(books: Books) -> None:
    reserved = [NOON - 2 * MINUTE, NOON - 3 * MINUTE, NOON, NOON - 4 * MINUTE]
    for number, at in enumerate(reserved):
        visit = visited(books, photo())
        with books.transaction() as transaction:
            page = replace(checkout(), reserved_at=at, checkout_session_id=f"cs_{number}")
            transaction.uploads.set_checkout(visit.session_id, page)
        if number != 3:
            set_status(books, visit, UploadStatus.PENDING)
    with books.transaction() as transaction:
        assert transaction.uploads.pending(NOON) == ["cs_1", "cs_0"]


def test_a_paid_session_is_stale_when_each_image_is_verified_or_lost(books: Books) -> None:
    about = facts(photos=2)
    visit = visited(books, photo(), photo(), visit=session(LONG_AGO, about.order_id))
    set_status(books, visit, UploadStatus.PAID)
    lost = about.failed(1, attempts=0, reason=FailureReason.FILE_MISSING)
    order = take_order(books, about, lost)
    assert stale(books) == []
    moved = replace(about.moved(), images=about.moved().images[:1])
    with books.transaction() as transaction:
        transaction.log.record(step(order, moved))
    assert stale(books) == [visit.session_id]
