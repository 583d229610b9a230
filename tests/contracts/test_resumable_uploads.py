"""Resumable uploads: their offset, their completion and their end."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

import pytest

from domain.order.values import ObjectKey, PhotoId
from domain.ports.resumable_uploads import ResumableUpload
from domain.ports.unit_of_work import Database
from tests.contracts.stored_streams import NOON, resumable, session

FIRST, SECOND = ObjectKey("uploads/temp/1/2/3"), ObjectKey("uploads/temp/1/2/4")


@pytest.fixture
def begun(unit_of_work: Database) -> ResumableUpload:
    """An upload of 100 bytes, none of which is stored yet."""
    visit = session()
    upload = resumable(visit.session_id, size_bytes=100)
    with unit_of_work.transaction() as transaction:
        transaction.upload_sessions.open(visit)
        transaction.resumable_uploads.add(upload)
    return upload


def found(unit_of_work: Database, upload: ResumableUpload) -> ResumableUpload | None:
    with unit_of_work.transaction() as transaction:
        return transaction.resumable_uploads.find(upload.session_id, upload.upload_id)


def advance(unit_of_work: Database, upload: ResumableUpload, start: int, end: int, *keys: ObjectKey) -> bool:
    with unit_of_work.transaction() as transaction:
        return transaction.resumable_uploads.advance(
            upload.upload_id, expected_offset_bytes=start, offset_bytes=end, part_keys=keys
        )


def test_an_upload_is_found_in_its_own_session_only(unit_of_work: Database, begun: ResumableUpload) -> None:
    assert found(unit_of_work, begun) == begun
    assert found(unit_of_work, replace(begun, session_id=session().session_id)) is None


def test_pieces_move_the_offset_one_after_the_other(unit_of_work: Database, begun: ResumableUpload) -> None:
    assert advance(unit_of_work, begun, 0, 60, FIRST)
    assert advance(unit_of_work, begun, 60, 99, FIRST, SECOND)
    assert found(unit_of_work, begun) == replace(begun, offset_bytes=99, part_keys=(FIRST, SECOND))


def test_a_piece_for_another_offset_changes_nothing(unit_of_work: Database, begun: ResumableUpload) -> None:
    advance(unit_of_work, begun, 0, 60, FIRST)
    before = found(unit_of_work, begun)
    assert not advance(unit_of_work, begun, 0, 50, SECOND)
    assert found(unit_of_work, begun) == before


def test_of_pieces_at_the_same_time_one_counts(unit_of_work: Database, begun: ResumableUpload) -> None:
    with ThreadPoolExecutor(4) as clients:
        moved = list(clients.map(lambda _: advance(unit_of_work, begun, 0, 60, FIRST), range(4)))
    assert sorted(moved) == [False, False, False, True]


def test_a_complete_upload_names_its_photo_and_takes_no_more(
    unit_of_work: Database, begun: ResumableUpload
) -> None:
    photo_id = PhotoId(uuid4())
    advance(unit_of_work, begun, 0, 60, FIRST)
    with unit_of_work.transaction() as transaction:
        assert transaction.resumable_uploads.complete(begun.upload_id, photo_id, is_duplicate=False)
    assert found(unit_of_work, begun) == replace(begun, offset_bytes=100, photo_id=photo_id)
    assert not advance(unit_of_work, begun, 100, 100, SECOND)


@pytest.mark.parametrize("answers", [(True, False), (False, True)])
def test_a_photo_that_one_of_two_requests_added_is_no_duplicate(
    unit_of_work: Database, begun: ResumableUpload, answers: tuple[bool, bool]
) -> None:
    photo_id = PhotoId(uuid4())
    for is_duplicate in answers:
        with unit_of_work.transaction() as transaction:
            transaction.resumable_uploads.complete(begun.upload_id, photo_id, is_duplicate=is_duplicate)
    completed = found(unit_of_work, begun)
    assert completed is not None
    assert not completed.is_duplicate


def test_a_removed_upload_is_gone(unit_of_work: Database, begun: ResumableUpload) -> None:
    for _ in range(2):
        with unit_of_work.transaction() as transaction:
            transaction.resumable_uploads.remove(begun.upload_id)
    assert found(unit_of_work, begun) is None
    assert not advance(unit_of_work, begun, 0, 60, FIRST)
    with unit_of_work.transaction() as transaction:
        assert not transaction.resumable_uploads.complete(
            begun.upload_id, PhotoId(uuid4()), is_duplicate=False
        )


def test_uploads_are_counted_by_session(unit_of_work: Database, begun: ResumableUpload) -> None:
    with unit_of_work.transaction() as transaction:
        transaction.resumable_uploads.add(resumable(begun.session_id))
        assert transaction.resumable_uploads.count(begun.session_id) == 2
        assert transaction.resumable_uploads.count(session().session_id) == 0


def test_uploads_end_with_the_temporary_objects_of_their_session(
    unit_of_work: Database, begun: ResumableUpload
) -> None:
    with unit_of_work.transaction() as transaction:
        transaction.upload_sessions.forget_temp_objects(begun.session_id, NOON)
    assert found(unit_of_work, begun) is None


def test_the_stored_size_includes_incomplete_uploads(unit_of_work: Database, begun: ResumableUpload) -> None:
    advance(unit_of_work, begun, 0, 60, FIRST)
    with unit_of_work.transaction() as transaction:
        assert transaction.usage_totals.stored_bytes() == 60
        transaction.resumable_uploads.complete(begun.upload_id, PhotoId(uuid4()), is_duplicate=True)
        assert transaction.usage_totals.stored_bytes() == 0
