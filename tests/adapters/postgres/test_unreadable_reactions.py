"""Rows that another version of the shop wrote: old ones are upcast, unknown ones stop no other."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text
from structlog.testing import capture_logs

from adapters.postgres.reaction_codec import reaction_of, version_of
from adapters.postgres.unit_of_work import PostgresBooks
from domain.order.lifecycle import State
from domain.order.reactions import (
    CancelPrediction,
    DeletePhotos,
    MoveImages,
    PrepareDownload,
    Reaction,
    RestoreImage,
    outstanding,
    reaction_id_of,
)
from domain.order.values import ImageId, OrderId
from domain.ports.reaction_queue import Outcome, Scheduled
from domain.ports.unit_of_work import UnreadableReactionError
from domain.use_cases.reconciliation.findings import What
from domain.use_cases.support.attention_list import Attention, Kind
from entrypoints.cli.commands.attention import commands_for
from tests.contracts.stored_streams import MINUTE, NOON, admit, claim, claimed, facts, schedule, scheduled
from tests.domain.support.reconciliation_runs import compare
from tests.doubles.container import POLICY, MemoryShop


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


def test_a_start_that_cannot_be_read_takes_no_slot_from_others(
    books: PostgresBooks, own_database_url: str
) -> None:
    strange = scheduled(facts(), RestoreImage(ImageId(uuid4()), 1))
    plain = scheduled(facts(), RestoreImage(ImageId(uuid4()), 1), due_at=NOON + MINUTE)
    schedule(books, strange, plain)
    rewrite(own_database_url, strange, "arguments_version = 99")
    assert admit(books, NOON + MINUTE, max_running=1) == []
    assert admit(books, NOON + MINUTE, max_running=1) == [(plain.reaction_id, plain.reaction)]


def test_a_start_with_arguments_that_cannot_be_read_is_found_when_its_turn_comes(
    books: PostgresBooks, own_database_url: str
) -> None:
    strange = scheduled(facts(), RestoreImage(ImageId(uuid4()), 1))
    schedule(books, strange)
    rewrite(own_database_url, strange, "arguments = '[7]'")
    assert admit(books) == []
    with books.transaction() as transaction:
        assert [work.reaction_id for work in transaction.reactions.unreadable()] == [strange.reaction_id]


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


CHANGES = ["kind = 'EngraveFrame'", "arguments_version = 99", "arguments = '[7]'"]


def work_of(order_id: OrderId, reaction: Reaction) -> Scheduled:
    return Scheduled(
        reaction_id=reaction_id_of(order_id, reaction), order_id=order_id, reaction=reaction, due_at=NOON
    )


@pytest.mark.parametrize("change", CHANGES)
def test_needed_work_that_cannot_be_read_is_listed_and_rewritten(
    books: PostgresBooks, own_database_url: str, change: str
) -> None:
    shop = MemoryShop(books=books)
    order_id = shop.pay(shop.upload(b"wedding"))
    reaction_id = reaction_id_of(order_id, MoveImages())
    rewrite(own_database_url, work_of(order_id, MoveImages()), change)
    (concern,) = Attention(books=books).needed()
    assert (concern.kind, concern.subject, concern.order_id) == (
        Kind.WORK_UNREADABLE,
        str(reaction_id),
        order_id,
    )
    assert concern.number == "20260314-000001"
    assert concern.work is not None
    assert f"({concern.work.kind}, arguments of version {concern.work.version})" in concern.why
    assert commands_for(concern) == ["restoreclick reconcile --fix"]
    (finding,) = compare(shop).findings
    assert (finding.what, finding.subject) == (What.WORK_UNREADABLE, str(reaction_id))
    (finding,) = compare(shop, heals=True).findings
    assert finding.is_healed
    assert Attention(books=books).needed() == []
    assert shop.live(order_id).state is State.COMPLETED


def test_a_start_that_waits_for_its_turn_and_cannot_be_read_is_rewritten(
    books: PostgresBooks, own_database_url: str
) -> None:
    shop = MemoryShop(replace(POLICY, max_running_predictions=1), books=books)
    order_id = shop.pay(shop.upload(b"wedding", b"harvest"))
    shop.work()
    waiting = next(
        reaction for reaction in outstanding(shop.order(order_id)) if isinstance(reaction, RestoreImage)
    )
    rewrite(own_database_url, work_of(order_id, waiting), "arguments_version = 99")
    shop.clock.advance(minutes=1)
    (finding,) = compare(shop, heals=True).findings
    assert (finding.what, finding.is_healed) == (What.WORK_UNREADABLE, True)
    assert shop.live(order_id).state is State.COMPLETED


def test_unreadable_work_of_an_order_that_was_over_long_ago_is_found_as_well(
    books: PostgresBooks, own_database_url: str
) -> None:
    shop = MemoryShop(books=books)
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.live(order_id)
    stranger = replace(work_of(order_id, PrepareDownload(7)), due_at=shop.clock.now())
    schedule(books, stranger)
    rewrite(own_database_url, stranger, "kind = 'EngraveFrame', arguments_version = 3")
    shop.clock.advance(days=60)
    (finding,) = compare(shop, heals=True).findings
    assert (finding.what, finding.is_healed) == (What.WORK_UNREADABLE, False)
    assert "run the version that wrote it" in finding.advice
    assert finding.wrong == "This version of the shop cannot read EngraveFrame, arguments of version 3."
    (concern,) = Attention(books=books).needed()
    assert "run the version that wrote it" in concern.why
    assert commands_for(concern) == [f"restoreclick orders history {concern.number}"]


def test_work_that_a_newer_version_is_doing_at_this_moment_is_left_alone(
    books: PostgresBooks, own_database_url: str
) -> None:
    shop = MemoryShop(books=books)
    order_id = shop.pay(shop.upload(b"wedding"))
    work = work_of(order_id, MoveImages())
    claimed(books, work, shop.clock.now())
    rewrite(own_database_url, work, "arguments_version = 99")
    assert compare(shop, heals=True).findings == ()
