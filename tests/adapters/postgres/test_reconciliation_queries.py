"""Changes by hand are found in every read model."""

import psycopg
import pytest

from adapters.postgres.tables import READ_MODELS
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from tests.contracts.stored_streams import facts, take_order

#: A change to each read model that a fold would not produce.
CHANGES = {
    "orders": "UPDATE orders SET state = 'paid'",
    "images": "UPDATE images SET width = 1",
    "restoration_jobs": "DELETE FROM restoration_jobs",
    "email_queue": "UPDATE email_queue SET message_id = 'another'",
    "download_links": "UPDATE download_links SET openings = 7",
    "points": "UPDATE points SET points = 1000",
}


@pytest.mark.parametrize("table", [table.name for table in READ_MODELS])
def test_a_read_model_that_was_changed_is_named(
    unit_of_work: PostgresUnitOfWork, own_database_url: str, table: str
) -> None:
    about = facts()
    order = take_order(unit_of_work, about, about.credited(100), *about.until_completed()[1:])
    with psycopg.connect(own_database_url, autocommit=True) as connection:
        assert connection.execute(CHANGES[table].encode()).rowcount > 0
    with unit_of_work.transaction() as transaction:
        assert transaction.reconciliation_queries.differing_read_models([order]) == {order.order_id: [table]}


def test_an_order_missing_in_the_read_models_is_found_by_its_events(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    about = facts()
    order = take_order(unit_of_work, about)
    with psycopg.connect(own_database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM orders")
    with unit_of_work.transaction() as transaction:
        since = next(iter(order.entered_at.values()))
        assert transaction.reconciliation_queries.orders_since(since) == [order.order_id]
        assert (
            transaction.reconciliation_queries.differing_read_models([order])[order.order_id][0] == "orders"
        )
