"""Rows that another version of the shop wrote: old ones are upcast, unknown ones stop no other."""

from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text
from structlog.testing import capture_logs

from adapters.postgres.books import PostgresBooks
from adapters.postgres.reaction_codec import reaction_of, version_of
from domain.model.reactions import CancelPrediction, DeletePhotos, MoveImages
from domain.ports.books import UnreadableReactionError
from domain.ports.work import Outcome, Scheduled
from tests.contracts.books_kept import MINUTE, NOON, admit, claim, claimed, facts, schedule, scheduled


@pytest.fixture
def books(own_database_url: str) -> Iterator[PostgresBooks]:
    with closing(PostgresBooks(own_database_url)) as books:
        yield books


def rewrite(url: str, work: Scheduled, change: str) -> None:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        changed = text(f"UPDATE reactions SET {change} WHERE reaction_id = :reaction_id")
        assert connection.execute(changed, {"reaction_id": work.reaction_id}).rowcount == 1
    engine.dispose()


@pytest.mark.parametrize(
    "change",
    ["kind = 'EngraveFrame'", "arguments_version = 99", """arguments = '{"prediction_id": 7}'"""],
)
def test_work_that_cannot_be_read_stops_no_other(
    books: PostgresBooks, own_database_url: str, change: str
) -> None:
    strange, plain = scheduled(facts(), CancelPrediction("orphan")), scheduled(facts())
    schedule(books, strange, plain)
    rewrite(own_database_url, strange, change)
    with capture_logs() as logs, books.transaction() as transaction:
        taken = transaction.reactions.take_unsent(NOON, MINUTE, 10)
    assert taken == [(plain.reaction_id, MoveImages())]
    assert [(line["event"], line["reaction_id"]) for line in logs] == [
        ("reaction_unreadable", str(strange.reaction_id))
    ]
    assert claimed(books, plain) is not None
    assert admit(books) == []
    with pytest.raises(UnreadableReactionError, match="run the version that wrote it"):
        claim(books, strange)


def test_given_up_work_that_cannot_be_read_does_not_hide_the_rest(
    books: PostgresBooks, own_database_url: str
) -> None:
    strange, plain = (
        scheduled(facts(), DeletePhotos(for_good=True)),
        scheduled(facts(), CancelPrediction("a")),
    )
    schedule(books, strange, plain)
    for work in (strange, plain):
        held = claimed(books, work)
        with books.transaction() as transaction:
            transaction.reactions.close(held, outcome=Outcome.FAILED)
    rewrite(own_database_url, strange, "arguments_version = 99")
    with books.transaction() as transaction:
        assert [work.order_id for work in transaction.reactions.given_up()] == [plain.order_id]


def test_work_that_is_needed_anew_is_written_as_this_version_writes_it(
    books: PostgresBooks, own_database_url: str
) -> None:
    work = scheduled(facts(), CancelPrediction("orphan"))
    schedule(books, work)
    rewrite(own_database_url, work, "arguments_version = 99, status = 'failed'")
    schedule(books, work)
    assert claimed(books, work).reaction == CancelPrediction("orphan")


def test_old_arguments_are_upcast_version_by_version() -> None:
    upcasters = {
        ("CancelPrediction", 1): lambda fields: {"prediction": fields["id"]},
        ("CancelPrediction", 2): lambda fields: {"prediction_id": fields["prediction"]},
    }
    assert version_of("CancelPrediction", upcasters) == 3
    assert version_of("MoveImages", upcasters) == 1
    found = reaction_of(uuid4(), "CancelPrediction", 1, {"id": "p"}, upcasters)
    assert found == CancelPrediction("p")
