"""A rebuild of the read models gives the same rows."""

import psycopg
import pytest
from psycopg.rows import dict_row

from adapters.postgres.tables import READ_MODELS
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.order import events as e
from domain.order.values import DisputeOutcome, EmailKind, OrderId, PointsReason
from domain.ports.event_store import LeftOutOrder
from tests.contracts.stored_streams import facts, take_order
from tests.contracts.unreadable_events import DAMAGES, spoil_in_postgres
from tests.domain.support.event_builders import Facts
from tests.domain.support.recording import step

Rows = dict[str, list[dict[str, object]]]


def lives(about: Facts) -> tuple[tuple[e.Event, ...], ...]:
    """Events that give every read model rows and changes."""
    return (
        (),
        about.until_completed()[1:],
        (*about.until_delivered()[1:], about.refund_issued(490), about.downloaded(), about.purged()),
        (about.moved(), about.started(), about.attempt_failed(), about.started(attempt=2), about.held()),
        (about.refund_requested(980), about.refund_issued(980), about.unconfirmed(EmailKind.REFUND)),
        (about.disputed(), about.decided(DisputeOutcome.LOST), about.moved(), about.disputed("dp_2")),
        (*about.until_completed()[1:], about.erased()),
        (about.credited(100), about.debited(30), about.credited(100, PointsReason.REFERRAL), about.moved()),
    )


def keep_a_shop(unit_of_work: PostgresUnitOfWork) -> list[OrderId]:
    """Orders of every kind, each event a commit of its own."""
    kept: list[OrderId] = []
    for index in range(len(lives(facts()))):
        about = facts()
        order = take_order(unit_of_work, about)
        for happened in lives(about)[index]:
            with unit_of_work.transaction() as transaction:
                what = step(order, happened)
                transaction.event_store.append(what)
                order = what.after
        kept.append(about.order_id)
    return kept


def rows(database_url: str) -> Rows:
    """Every row of every read model, without the time it was written."""
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        return {
            table.name: [
                {name: value for name, value in row.items() if name != "updated_at"}
                for row in connection.execute(f"SELECT * FROM {table.name} ORDER BY 1, 2").fetchall()
            ]
            for table in READ_MODELS
        }


def test_a_rebuild_gives_the_same_rows(unit_of_work: PostgresUnitOfWork, own_database_url: str) -> None:
    kept = keep_a_shop(unit_of_work)
    before = rows(own_database_url)
    assert all(before.values())
    assert list(unit_of_work.rebuild()) == sorted(kept)
    assert rows(own_database_url) == before


def test_a_rebuild_corrects_rows_changed_by_hand(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    keep_a_shop(unit_of_work)
    before = rows(own_database_url)
    with psycopg.connect(own_database_url) as connection:
        connection.execute(
            "UPDATE orders SET state = 'completed', refunded_amount = 1931, hold_reason = NULL"
        )
        connection.execute("UPDATE images SET restored_key = NULL WHERE sequence = 1")
        connection.execute("DELETE FROM email_queue")
        connection.execute("DELETE FROM orders WHERE images = 2 AND is_disputed")
        connection.execute(
            "INSERT INTO restoration_jobs (image_id, attempt, status) SELECT image_id, 99, 'running' FROM images"
        )
    assert rows(own_database_url) != before
    list(unit_of_work.rebuild())
    assert rows(own_database_url) == before


def test_a_rebuild_keeps_every_row_of_an_order_that_cannot_be_read(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    kept = keep_a_shop(unit_of_work)
    before = rows(own_database_url)
    for order_id in kept[1:]:
        spoil_in_postgres(own_database_url, order_id, DAMAGES["damaged fields"])
    with psycopg.connect(own_database_url) as connection:
        connection.execute("UPDATE orders SET state = 'completed' WHERE order_id = %s", [kept[0]])
    rebuilt = list(unit_of_work.rebuild())
    assert [each.order_id for each in rebuilt if isinstance(each, LeftOutOrder)] == sorted(kept[1:])
    assert [each for each in rebuilt if not isinstance(each, LeftOutOrder)] == kept[:1]
    assert rows(own_database_url) == before


def test_a_kept_row_that_contradicts_a_rebuilt_one_does_not_stop_the_rebuild(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    spoiled, other = keep_a_shop(unit_of_work)[1:3]
    before = rows(own_database_url)
    spoil_in_postgres(own_database_url, spoiled, DAMAGES["unknown name"])
    with psycopg.connect(own_database_url) as connection:
        numbers = connection.execute("SELECT number FROM orders WHERE order_id = %s", [other]).fetchone()
        assert numbers is not None
        connection.execute("UPDATE orders SET number = '20261231-000001' WHERE order_id = %s", [other])
        connection.execute("UPDATE orders SET number = %s WHERE order_id = %s", [*numbers, spoiled])
    list(unit_of_work.rebuild())
    after = rows(own_database_url)
    assert after["orders"] == [row for row in before["orders"] if row["order_id"] != spoiled]


def test_an_interrupted_rebuild_changes_nothing(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    keep_a_shop(unit_of_work)
    before = rows(own_database_url)
    rebuild = unit_of_work.rebuild()
    next(iter(rebuild))
    rebuild.close()  # type: ignore[attr-defined]
    assert rows(own_database_url) == before


def test_a_rebuild_of_an_empty_log_leaves_nothing(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    assert list(unit_of_work.rebuild()) == []
    assert not any(rows(own_database_url).values())


def test_a_rebuild_streams_the_log_through_a_cursor_of_the_server(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    keep_a_shop(unit_of_work)
    rebuild = unit_of_work.rebuild()
    next(iter(rebuild))
    with psycopg.connect(own_database_url) as connection:
        cursors = connection.execute(
            "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND query ~ '^(DECLARE|FETCH)'"
        ).fetchall()
    assert len(cursors) == 1
    assert len(list(rebuild)) == len(lives(facts())) - 1


def test_appends_wait_for_the_end_of_a_rebuild(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    keep_a_shop(unit_of_work)
    rebuild = unit_of_work.rebuild()
    next(iter(rebuild))
    impatient = psycopg.connect(own_database_url, options="-c lock_timeout=1ms")
    with impatient, pytest.raises(psycopg.errors.LockNotAvailable):
        impatient.execute("LOCK TABLE events IN ROW EXCLUSIVE MODE")
    list(rebuild)
    order = take_order(unit_of_work, facts())
    with unit_of_work.transaction() as transaction:
        assert order.order_id in {line.order_id for line in transaction.order_queries.newest(100)}
