"""Every table declares its personal data."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy.exc import IntegrityError

from adapters.postgres.personal_data import HOLDINGS
from adapters.postgres.tables import READ_MODELS, metadata
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.order.values import CustomerId
from tests.contracts.stored_streams import NOON
from tests.contracts.test_personal_data import GRACE, buy, erasure
from tests.domain.support.recording import step

#: Counters, hashes of webhook bodies, responses kept for a day, erasures, which letters the owner got, and how backups
#: ended (PostgreSQL's messages without the lines that quote rows): none identifies a customer.
WITHOUT_PERSONAL_DATA = frozenset(
    {
        "order_numbers",
        "webhook_inbox",
        "webhook_conflicts",
        "admission_pause",
        "backup_runs",
        "erasures",
        "idempotency_keys",
        "owner_letters",
        "reconciliations",
        "schema_compatibility",
        "usage_totals",
    }
)


def test_every_table_declares_its_personal_data() -> None:
    assert set(HOLDINGS) | WITHOUT_PERSONAL_DATA == set(metadata.tables)
    assert not set(HOLDINGS) & WITHOUT_PERSONAL_DATA


def test_an_erased_customer_is_in_no_table_but_the_erasure_is(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    _, customer_id = buy(unit_of_work)
    done = erasure(customer_id)
    with unit_of_work.transaction() as transaction:
        transaction.personal_data.forget(done)
    with psycopg.connect(own_database_url) as connection:
        for table in metadata.tables:
            rows = str(connection.execute(f"SELECT to_jsonb(t)::text FROM {table} t").fetchall())
            assert "grace" not in rows.casefold(), table
        (kept,) = connection.execute("SELECT erasure_id, actor, reason, erased_at FROM erasures").fetchall()
        ((customer,),) = connection.execute("SELECT to_jsonb(customers) FROM customers").fetchall()
    assert kept == (done.erasure_id, "person:ada", "asked by mail", NOON)
    assert customer["customer_id"] == str(customer_id), "the log refers to the row"
    remaining = {column for column, value in customer.items() if value not in (None, {})}
    assert remaining == {"customer_id", "erased_at", "created_at", "updated_at"}


def test_no_row_is_erased_by_half(unit_of_work: PostgresUnitOfWork, own_database_url: str) -> None:
    buy(unit_of_work)
    with psycopg.connect(own_database_url) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute("UPDATE customers SET erased_at = now(), email = NULL")


def test_the_read_models_of_erased_customers_are_rebuilt_to_the_same_rows(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    about, customer_id = buy(unit_of_work)
    with unit_of_work.transaction() as transaction:
        order = transaction.event_store.load(about.order_id)
        transaction.event_store.append(step(order, about.erased()))
        transaction.personal_data.forget(erasure(customer_id))
    before = rows(own_database_url)
    assert list(unit_of_work.rebuild()) == [about.order_id]
    assert rows(own_database_url) == before
    with unit_of_work.transaction() as transaction:
        assert transaction.personal_data.find(GRACE) is None


def rows(database_url: str) -> list[str]:
    with psycopg.connect(database_url) as connection:
        return [
            row
            for table in READ_MODELS
            for (row,) in connection.execute(f"SELECT (to_jsonb(t) - 'updated_at')::text FROM {table.name} t")
        ]


def test_an_erasure_is_of_one_customer_and_once(unit_of_work: PostgresUnitOfWork) -> None:
    _, customer_id = buy(unit_of_work)
    with unit_of_work.transaction() as transaction:
        transaction.personal_data.forget(erasure(customer_id))
    with pytest.raises(IntegrityError), unit_of_work.transaction() as transaction:
        transaction.personal_data.forget(erasure(customer_id))


def test_a_payment_during_an_erasure_is_a_new_customers(unit_of_work: PostgresUnitOfWork) -> None:
    _, customer_id = buy(unit_of_work)
    is_waiting = Event()

    def pay() -> CustomerId:
        with unit_of_work.transaction() as transaction:
            is_waiting.set()
            paid_by, _ = transaction.customers.receive(CustomerId(uuid4()), GRACE, "Grace", None, NOON.date())
            return paid_by

    with ThreadPoolExecutor(1) as payments:
        with unit_of_work.transaction() as transaction:
            assert transaction.personal_data.find(GRACE, lock=True) is not None
            payment = payments.submit(pay)
            assert is_waiting.wait(10)
            assert not payment.done(), "it waits for the erasure"
            transaction.personal_data.forget(erasure(customer_id))
        assert payment.result(10) != customer_id
    with unit_of_work.transaction() as transaction:
        found = transaction.personal_data.find(GRACE)
        assert found is not None
        assert found.customer_id == payment.result()
