"""A rebuild of the read models gives the same rows."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Event

import psycopg
import pytest
from psycopg.rows import dict_row

from adapters.postgres import rebuilding
from adapters.postgres.tables import READ_MODELS
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.order import events as e
from domain.order.values import DisputeOutcome, EmailKind, OrderId, PointsReason
from domain.ports.errors import UnavailableError
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


def definitions(database_url: str) -> set[tuple[object, ...]]:
    """The indexes, constraints, triggers and grants of all tables."""
    with psycopg.connect(database_url) as connection:
        return set(
            connection.execute(
                """SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
                UNION ALL SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) || convalidated
                    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
                UNION ALL SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid)
                    FROM pg_trigger WHERE NOT tgisinternal
                UNION ALL SELECT grantee, table_name, privilege_type
                    FROM information_schema.role_table_grants WHERE table_schema = 'public'"""
            ).fetchall()
        )


def schemas(database_url: str) -> set[str]:
    with psycopg.connect(database_url) as connection:
        found = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)'"
        )
        return {name for (name,) in found}


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
    assert schemas(own_database_url) == {"public"}


def test_a_rebuild_of_an_empty_log_leaves_nothing(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    assert list(unit_of_work.rebuild()) == []
    assert not any(rows(own_database_url).values())


def test_a_rebuild_reads_the_log_in_batches_of_whole_orders(
    unit_of_work: PostgresUnitOfWork, own_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = keep_a_shop(unit_of_work)
    before = rows(own_database_url)
    monkeypatch.setattr(rebuilding, "BATCH_EVENTS", 1)
    assert list(unit_of_work.rebuild()) == sorted(kept)
    assert rows(own_database_url) == before


def test_a_rebuild_keeps_every_index_constraint_trigger_and_grant(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    keep_a_shop(unit_of_work)
    with psycopg.connect(own_database_url) as connection:
        connection.execute("GRANT SELECT ON orders, points TO PUBLIC")
    before = definitions(own_database_url)
    list(unit_of_work.rebuild())
    assert definitions(own_database_url) == before


def test_orders_are_recorded_while_a_rebuild_runs(
    unit_of_work: PostgresUnitOfWork, own_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_a_shop(unit_of_work)
    monkeypatch.setattr(rebuilding, "BATCH_EVENTS", 1)
    monkeypatch.setattr(rebuilding, "CATCH_UPS", 1)  # the rest is left to the swap
    stopping = Event()

    def record_until_stopped() -> int:
        orders = 0
        with closing(PostgresUnitOfWork(own_database_url, connections=1)) as shop:
            while not stopping.is_set() or orders == 0:
                about = facts()
                order = take_order(shop, about)
                for happened in about.until_delivered()[1:]:
                    with shop.transaction() as transaction:
                        order = transaction.event_store.load_locked(about.order_id)
                        transaction.event_store.append(step(order, happened))
                orders += 1
        return orders

    with ThreadPoolExecutor(2) as threads:
        shops = [threads.submit(record_until_stopped) for _ in range(2)]
        try:
            for _ in range(2):
                list(unit_of_work.rebuild())
        finally:
            stopping.set()
        assert all(shop.result() > 0 for shop in shops)
    after = rows(own_database_url)
    with psycopg.connect(own_database_url) as connection:
        newest = connection.execute(
            "SELECT order_id, max(version) FROM events GROUP BY 1 ORDER BY 1"
        ).fetchall()
    assert [(row["order_id"], row["version"]) for row in after["orders"]] == newest
    list(unit_of_work.rebuild())
    assert rows(own_database_url) == after


def test_a_killed_rebuild_harms_nothing_and_the_next_one_cleans_up(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    keep_a_shop(unit_of_work)
    before = rows(own_database_url)
    rebuild = unit_of_work.rebuild()
    next(iter(rebuild))
    with psycopg.connect(own_database_url) as connection:
        connection.execute(
            """SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database ON pg_database.oid = database
            WHERE locktype = 'advisory' AND datname = current_database()"""
        )
    with pytest.raises(UnavailableError):
        list(rebuild)
    assert schemas(own_database_url) == {"public", "rebuilt_read_models"}
    assert rows(own_database_url) == before
    new = take_order(unit_of_work, facts())
    assert new.order_id in set(unit_of_work.rebuild())
    assert schemas(own_database_url) == {"public"}


def test_a_rebuild_that_gets_no_lock_lets_the_shop_go_on_and_says_what_to_do(
    unit_of_work: PostgresUnitOfWork, own_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_a_shop(unit_of_work)
    before = rows(own_database_url)
    monkeypatch.setattr(rebuilding, "LOCK_ATTEMPTS", 2)
    monkeypatch.setattr(rebuilding, "LOCK_TIMEOUT_MS", 1)
    monkeypatch.setattr(rebuilding, "LOCK_PAUSE_SECONDS", 0)
    with psycopg.connect(own_database_url) as reader:
        reader.execute("SELECT FROM orders")
        with pytest.raises(rebuilding.ReadModelsInUseError, match="db rebuild"):
            list(unit_of_work.rebuild())
        take_order(unit_of_work, facts())
    assert schemas(own_database_url) == {"public"}
    assert len(rows(own_database_url)["orders"]) == len(before["orders"]) + 1
