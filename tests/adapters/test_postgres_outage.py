"""A database that is away is an outage to the shop, not a defect: it says so, and goes on when the server is back."""

from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from adapters.postgres import books as postgres
from adapters.postgres.books import PostgresBooks
from domain.model.values import OrderId
from domain.ports.errors import UnavailableError


def test_a_server_nobody_answers_for_is_not_available(tmp_path: Path) -> None:
    books = PostgresBooks(f"postgresql://postgres@/shop?host={tmp_path}", connections=1)
    with pytest.raises(UnavailableError, match="PostgreSQL"), books.transaction():
        pass
    with pytest.raises(UnavailableError, match="check DATABASE_URL"):
        books.check()
    books.close()


def test_a_connection_that_is_cut_is_an_outage_once_and_replaced(own_database_url: str) -> None:
    books = PostgresBooks(own_database_url, connections=1)
    with books.transaction() as transaction:
        assert transaction.log.load(OrderId(uuid4())).version == 0
    with psycopg.connect(own_database_url, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    with pytest.raises(UnavailableError), books.transaction() as transaction:
        transaction.log.load(OrderId(uuid4()))
    with books.transaction() as transaction:
        assert transaction.log.load(OrderId(uuid4())).version == 0
    books.close()


def test_whoever_is_stopped_in_the_middle_of_a_transaction_does_not_keep_its_locks(
    own_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "IDLE_IN_TRANSACTION_SECONDS", 0.2)
    stopped, going_on = (PostgresBooks(own_database_url, connections=1) for _ in range(2))
    order_id = OrderId(uuid4())

    def stop_in_the_middle() -> None:
        with stopped.transaction() as silent:
            silent.log.lock(order_id)
            with going_on.transaction() as transaction:
                transaction.log.lock(order_id)
            silent.log.lock(order_id)

    with pytest.raises(UnavailableError):
        stop_in_the_middle()
    for books in (stopped, going_on):
        books.close()
