"""An uploaded photo is kept while anything may refer to it."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from domain.ports.errors import UnavailableError
from domain.use_cases.checkout.uploads import TooManyPhotosError
from tests.doubles.container import POLICY, InMemoryShop
from tests.doubles.unit_of_work import InMemoryTransaction, InMemoryUnitOfWork


class UnitOfWorkLosingReplies(InMemoryUnitOfWork):
    """Commits everything, and loses the reply."""

    answers: int | None = None  # how many replies still arrive

    @contextmanager
    def transaction(self) -> Iterator[InMemoryTransaction]:
        with super().transaction() as transaction:
            yield transaction
        if self.answers == 0:
            raise UnavailableError("PostgreSQL", "the connection broke")
        self.answers = self.answers and self.answers - 1


def test_a_photo_stays_whose_commit_got_no_answer() -> None:
    unit_of_work = UnitOfWorkLosingReplies()
    shop = InMemoryShop(unit_of_work=unit_of_work)
    session_id = shop.upload()
    unit_of_work.answers = 1  # to the lookup of what exists
    with pytest.raises(UnavailableError):
        shop.add(session_id, b"portrait")
    unit_of_work.answers = None
    (photo,) = shop.upload_service.find(session_id).photos
    assert photo.upload.key in shop.storage.objects


def test_a_photo_that_was_refused_leaves_nothing_behind() -> None:
    shop = InMemoryShop(replace(POLICY, uploads=replace(POLICY.uploads, max_photos=1)))
    session_id = shop.upload(b"portrait")
    with pytest.raises(TooManyPhotosError):
        shop.add(session_id, b"one too many")
    assert len(shop.storage.objects) == 1


def test_the_same_bytes_again_are_the_photo_that_is_there() -> None:
    shop = InMemoryShop()
    session_id = shop.upload(b"portrait")
    (photo,) = shop.upload_service.find(session_id).photos
    again = shop.upload_service.add(session_id, "again.png", io.BytesIO(b"portrait"), 8)
    assert (again.photo, again.is_duplicate) == (photo, True)
    assert shop.upload_service.find(session_id).photos == (photo,)
