"""Concurrent uploads of the same bytes: one photo, one object."""

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from sqlalchemy.exc import IntegrityError

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.use_cases.checkout.uploads import TooManyPhotosError
from tests.contracts.stored_streams import photo, session
from tests.doubles.container import POLICY, InMemoryShop

SENDERS = 4


def test_concurrent_uploads_of_the_same_bytes_add_one_photo(own_database_url: str) -> None:
    unit_of_work = PostgresUnitOfWork(own_database_url, connections=SENDERS)
    shop = InMemoryShop(unit_of_work=unit_of_work)
    session_id, together = shop.upload_service.open().session_id, Barrier(SENDERS)

    def send(number: int) -> tuple[object, bool]:
        together.wait()
        added = shop.upload_service.add(session_id, f"{number}.jpg", io.BytesIO(b"portrait"), 8)
        return added.photo.photo_id, added.is_duplicate

    with ThreadPoolExecutor(SENDERS) as senders:
        answers = list(senders.map(send, range(SENDERS)))
    (kept,) = shop.upload_service.find(session_id).photos
    assert {photo_id for photo_id, _ in answers} == {kept.photo_id}
    assert sorted(is_duplicate for _, is_duplicate in answers) == [False, *[True] * (SENDERS - 1)]
    assert list(shop.storage.objects) == [kept.upload.key]
    unit_of_work.close()


def test_concurrent_uploads_do_not_exceed_an_orders_limit(own_database_url: str) -> None:
    unit_of_work = PostgresUnitOfWork(own_database_url, connections=SENDERS)
    shop = InMemoryShop(
        replace(POLICY, uploads=replace(POLICY.uploads, max_photos=1)), unit_of_work=unit_of_work
    )
    session_id, together = shop.upload_service.open().session_id, Barrier(SENDERS)

    def send(number: int) -> bool:
        together.wait()
        try:
            shop.upload_service.add(session_id, f"{number}.jpg", io.BytesIO(b"%d" % number), 1)
        except TooManyPhotosError:
            return False
        return True

    with ThreadPoolExecutor(SENDERS) as senders:
        assert sum(senders.map(send, range(SENDERS))) == 1
    assert len(shop.upload_service.find(session_id).photos) == len(shop.storage.objects) == 1
    unit_of_work.close()


def test_the_database_itself_refuses_the_same_bytes_twice(own_database_url: str) -> None:
    unit_of_work = PostgresUnitOfWork(own_database_url, connections=1)
    visit, first, other = session(), photo(), photo()
    again = replace(other, upload=replace(other.upload, sha256=first.upload.sha256))
    with unit_of_work.transaction() as transaction:
        transaction.upload_sessions.open(visit)
        transaction.upload_sessions.add_photo(visit.session_id, first)
    with pytest.raises(IntegrityError), unit_of_work.transaction() as transaction:
        transaction.upload_sessions.add_photo(visit.session_id, again)
    unit_of_work.close()
