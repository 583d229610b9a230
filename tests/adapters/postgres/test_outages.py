"""Outages of the database are reported until the server is back."""

import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from adapters.postgres import connections, session_settings
from adapters.postgres.schema_upgrade import upgrade
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.order.values import OrderId
from domain.ports.errors import NoAnswerError, UnavailableError
from sandbox.processes import Supervisor
from sandbox.services import postgres_server
from tests.adapters.support.waiting_for_locks import waiting_sessions
from tests.contracts.stored_streams import facts, take_order
from tests.silence import silent_listener, stopped
from tests.waiting import eventually


def test_a_server_that_cannot_be_reached_is_unavailable(tmp_path: Path) -> None:
    unit_of_work = PostgresUnitOfWork(f"postgresql://postgres@/shop?host={tmp_path}", connections=1)
    with pytest.raises(UnavailableError, match="PostgreSQL"), unit_of_work.transaction():
        pass
    with pytest.raises(UnavailableError, match="and DATABASE_URL"):
        unit_of_work.check()
    unit_of_work.close()


def test_connections_that_are_cut_are_an_outage_once_and_all_replaced(own_database_url: str) -> None:
    with closing(PostgresUnitOfWork(own_database_url, connections=2)) as unit_of_work:
        read_on_two_connections(unit_of_work)
        cut_connections(own_database_url)
        with pytest.raises(UnavailableError), unit_of_work.transaction() as transaction:
            transaction.event_store.load(OrderId(uuid4()))
        read_on_two_connections(unit_of_work)


def read_on_two_connections(unit_of_work: PostgresUnitOfWork) -> None:
    with unit_of_work.transaction() as first, unit_of_work.transaction() as second:
        for transaction in (first, second):
            assert transaction.event_store.load(OrderId(uuid4())).version == 0


def test_a_server_whose_disk_is_full_says_so(own_database_url: str) -> None:
    """As PostgreSQL refuses when a file of it cannot grow."""
    with psycopg.connect(own_database_url, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE disk_full USING MESSAGE = 'could not extend file'; END $$"
        )
        connection.execute("CREATE TRIGGER refused BEFORE INSERT ON events EXECUTE FUNCTION refuse()")
    with (
        closing(PostgresUnitOfWork(own_database_url, connections=1)) as unit_of_work,
        pytest.raises(UnavailableError, match="its disk is full"),
    ):
        take_order(unit_of_work, facts())


def test_an_outage_names_the_server_s_reason(own_database_url: str) -> None:
    with closing(PostgresUnitOfWork(own_database_url, connections=1)) as unit_of_work:
        with unit_of_work.transaction() as transaction:
            transaction.event_store.load(OrderId(uuid4()))
        cut_connections(own_database_url)
        with (
            pytest.raises(UnavailableError, match="AdminShutdown"),
            unit_of_work.transaction() as transaction,
        ):
            transaction.event_store.load(OrderId(uuid4()))


def test_no_more_connections_are_opened_than_allowed(
    own_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "POOL_TIMEOUT_SECONDS", 0.05)
    with closing(PostgresUnitOfWork(own_database_url, connections=1)) as unit_of_work:
        with (
            pytest.raises(UnavailableError, match="all connections are in use"),
            unit_of_work.transaction(),
            unit_of_work.transaction(),
        ):
            pass
        with unit_of_work.transaction() as transaction:
            assert transaction.event_store.load(OrderId(uuid4())).version == 0


def test_a_client_stopped_in_a_transaction_loses_its_locks(
    own_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_settings, "IDLE_IN_TRANSACTION_SECONDS", 0.2)
    stopped, going_on = (PostgresUnitOfWork(own_database_url, connections=1) for _ in range(2))
    order_id = OrderId(uuid4())

    went_on: list[OrderId] = []

    def stop_in_the_middle() -> None:
        with stopped.transaction() as silent:
            silent.event_store.lock(order_id)
            with going_on.transaction() as transaction:
                transaction.event_store.lock(order_id)
                went_on.append(order_id)
            silent.event_store.lock(order_id)

    with pytest.raises(UnavailableError):
        stop_in_the_middle()
    assert went_on == [order_id], "the session that does nothing kept its lock"
    for unit_of_work in (stopped, going_on):
        unit_of_work.close()


def test_a_statement_that_takes_too_long_is_ended_by_the_server_itself(own_database_url: str) -> None:
    """A client-side time-out alone would leave the statement waiting on the server."""
    with (
        closing(PostgresUnitOfWork(own_database_url, connections=1)) as holding,
        closing(
            PostgresUnitOfWork(own_database_url, connections=1, statement_timeout_seconds=0.2)
        ) as waiting,
    ):
        order_id = OrderId(uuid4())
        with holding.transaction() as holder:
            holder.event_store.lock(order_id)
            with pytest.raises(UnavailableError), waiting.transaction() as transaction:
                transaction.event_store.lock(order_id)
            assert waiting_sessions(own_database_url) == 0
        with waiting.transaction() as transaction:
            transaction.event_store.lock(order_id)


def test_a_database_that_only_reads_is_an_outage_until_it_takes_writes_again(own_database_url: str) -> None:
    with closing(PostgresUnitOfWork(own_database_url, connections=2)) as unit_of_work:
        take_order(unit_of_work, facts())
        alter(own_database_url, "SET default_transaction_read_only = on")
        cut_connections(own_database_url)
        for _ in ("the connections that were cut", "new ones"):
            with pytest.raises(UnavailableError):
                take_order(unit_of_work, facts())
        with pytest.raises(UnavailableError, match="it only reads"):
            unit_of_work.check()
        alter(own_database_url, "RESET default_transaction_read_only")
        take_order(unit_of_work, facts())
        unit_of_work.check()


def test_a_server_that_lost_its_writes_is_an_outage_until_a_writer_answers(tmp_path: Path) -> None:
    """Pooled connections still answer, and are replaced at the first refusal."""
    with Supervisor() as server:
        url = postgres_server.start(server, tmp_path)
        upgrade(url)
        with closing(PostgresUnitOfWork(url, connections=2)) as unit_of_work:
            take_order(unit_of_work, facts())
            alter_system(url, "SET default_transaction_read_only = on")
            with pytest.raises(UnavailableError, match="it only reads"):
                take_order(unit_of_work, facts())
            with pytest.raises(UnavailableError, match="it only reads"):
                unit_of_work.check()
            alter_system(url, "RESET default_transaction_read_only")
            take_order(unit_of_work, facts())
            unit_of_work.check()


def test_a_standby_that_the_shop_was_left_on_is_an_outage_until_it_is_promoted(tmp_path: Path) -> None:
    with Supervisor() as primary:
        upgrade(postgres_server.start(primary, tmp_path))
    (tmp_path / "postgresql" / "data" / "standby.signal").touch()
    with Supervisor() as standby:
        url = postgres_server.start(standby, tmp_path)
        strict, lenient = (stack_of(standby, address) for address in (url, f"{url}&target_session_attrs=any"))
        for unit_of_work in (strict, lenient):
            with pytest.raises(UnavailableError, match="it only reads"):
                take_order(unit_of_work, facts())
            with pytest.raises(UnavailableError, match="it only reads"):
                unit_of_work.check()
        with pytest.raises(UnavailableError, match="it only reads"):
            list(lenient.rebuild())
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SELECT pg_promote()")
        for unit_of_work in (strict, lenient):
            take_order(unit_of_work, facts())
            unit_of_work.check()


def test_a_hanging_server_is_waited_for_once(tmp_path: Path) -> None:
    with Supervisor() as server:
        url = postgres_server.start(server, tmp_path)
        upgrade(url)
        with closing(PostgresUnitOfWork(url, connections=4, statement_timeout_seconds=0.2)) as unit_of_work:
            take_order(unit_of_work, facts())
            with stopped(server.processes[-1].pid):
                began = time.monotonic()
                with pytest.raises(NoAnswerError):
                    take_order(unit_of_work, facts())
                waited = time.monotonic() - began
                began = time.monotonic()
                for _ in range(50):
                    with pytest.raises(UnavailableError, match="it does not answer"):
                        take_order(unit_of_work, facts())
                assert time.monotonic() - began < waited
            eventually(
                lambda: succeeds(lambda: take_order(unit_of_work, facts())), "the shop that works again"
            )


def test_a_silent_listener_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "CONNECT_TIMEOUT_SECONDS", 2)  # libpq takes no less
    with (
        silent_listener() as port,
        closing(PostgresUnitOfWork(f"postgresql://127.0.0.1:{port}/shop")) as unit_of_work,
    ):
        with pytest.raises(NoAnswerError):
            unit_of_work.check()
        began = time.monotonic()
        with pytest.raises(UnavailableError, match="it does not answer"):
            unit_of_work.check()
        assert time.monotonic() - began < 1


def test_commands_are_not_slowed_by_a_server_that_refuses_at_once(tmp_path: Path) -> None:
    """Fast failures do not open the breaker."""
    with closing(
        PostgresUnitOfWork(f"postgresql://postgres@/shop?host={tmp_path}", connections=1)
    ) as unit_of_work:
        for _ in range(3):
            with pytest.raises(UnavailableError, match="no connection; check that it runs, and DATABASE_URL"):
                unit_of_work.check()


def succeeds(call: Callable[[], object]) -> bool:
    try:
        call()
    except UnavailableError:
        return False
    return True


def stack_of(stack: ExitStack, url: str) -> PostgresUnitOfWork:
    return stack.enter_context(closing(PostgresUnitOfWork(url, connections=2)))


def alter(database_url: str, change: str) -> None:
    """Change settings of the database, for new sessions."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        database = connection.info.dbname
        connection.execute(f'ALTER DATABASE "{database}" {change}'.encode())


def alter_system(url: str, change: str) -> None:
    """Change settings of the server, for all sessions."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"ALTER SYSTEM {change}".encode())
        connection.execute("SELECT pg_reload_conf()")
    expected = "on" if "= on" in change else "off"

    def is_reloaded() -> bool:
        with psycopg.connect(url) as connection:
            row = connection.execute("SHOW default_transaction_read_only").fetchone()
        return row == (expected,)

    eventually(is_reloaded, "the new configuration")


def cut_connections(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
