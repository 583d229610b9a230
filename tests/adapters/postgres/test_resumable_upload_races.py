"""Concurrent pieces and completions of one upload, on the real database."""

import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import TypeVar

import pytest

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.ports.resumable_uploads import ResumableUpload
from domain.use_cases.checkout.resumable_uploads import OffsetMismatchError, TooManyUploadsError
from tests.doubles.container import POLICY, InMemoryShop

T = TypeVar("T")

PORTRAIT = b"portrait of great-aunt Adele"
SENDERS = 4


@pytest.fixture
def shop(own_database_url: str) -> Iterator[InMemoryShop]:
    unit_of_work = PostgresUnitOfWork(own_database_url, connections=SENDERS)
    policy = replace(POLICY, uploads=replace(POLICY.uploads, max_photos=1))
    yield InMemoryShop(policy, unit_of_work=unit_of_work)
    unit_of_work.close()


def begin(shop: InMemoryShop) -> ResumableUpload:
    session_id = shop.upload_service.open().session_id
    return shop.resumable_uploads.create(
        session_id, file_name="adele.jpg", metadata="", size_bytes=len(PORTRAIT)
    ).upload


def at_once(act: Callable[[int], T]) -> list[T]:
    together = Barrier(SENDERS)

    def wait_and_act(number: int) -> T:
        together.wait()
        return act(number)

    with ThreadPoolExecutor(SENDERS) as senders:
        return list(senders.map(wait_and_act, range(SENDERS)))


def test_of_concurrent_pieces_one_is_kept_and_the_others_leave_nothing(shop: InMemoryShop) -> None:
    upload = begin(shop)

    def send(number: int) -> bytes | None:
        piece = b"%d" % number * 5
        try:
            shop.resumable_uploads.append(upload, io.BytesIO(piece), len(piece))
        except OffsetMismatchError:
            return None
        return piece

    (kept,) = [piece for piece in at_once(send) if piece is not None]
    assert list(shop.storage.objects.values()) == [kept]
    assert shop.resumable_uploads.find(upload.session_id, upload.upload_id).offset_bytes == len(kept)


def test_concurrent_completions_add_one_photo(shop: InMemoryShop) -> None:
    upload = begin(shop)

    def complete(_: int) -> object:
        return shop.resumable_uploads.complete(upload, io.BytesIO(PORTRAIT), len(PORTRAIT)).photo_id

    (photo_id,) = set(at_once(complete))
    completed = shop.resumable_uploads.find(upload.session_id, upload.upload_id)
    (photo,) = shop.upload_service.find(upload.session_id).photos
    assert (completed.photo_id, completed.is_duplicate) == (photo_id, False)
    assert photo.photo_id == photo_id
    assert list(shop.storage.objects.values()) == [PORTRAIT]


def test_concurrent_creations_do_not_exceed_the_limit(shop: InMemoryShop) -> None:
    session_id = shop.upload_service.open().session_id

    def create(_: int) -> bool:
        try:
            shop.resumable_uploads.create(session_id, file_name="", metadata="", size_bytes=1)
        except TooManyUploadsError:
            return False
        return True

    assert sorted(at_once(create)) == [False, True, True, True]


def test_concurrent_creations_with_one_key_begin_one_upload(shop: InMemoryShop) -> None:
    session_id = shop.upload_service.open().session_id

    def create(_: int) -> tuple[object, bool]:
        begun = shop.resumable_uploads.create(
            session_id, file_name="", metadata="", size_bytes=1, idempotency_key="b6c1f9d0-one-photo"
        )
        return begun.upload.upload_id, begun.is_repeated

    begun = at_once(create)
    assert len({upload_id for upload_id, _ in begun}) == 1
    assert sorted(is_repeated for _, is_repeated in begun) == [False, True, True, True]
