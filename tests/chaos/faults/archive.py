"""Orders that are over are archived while other faults strike."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from uuid import UUID

from adapters.postgres.log_archive import BATCH_ORDERS, move
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.order.states import TERMINAL
from domain.ports.errors import UnavailableError
from tests.chaos.faults.strike import MissedError, Strike
from tests.chaos.shop_under_test import ShopUnderTest
from tests.waiting import eventually

#: Among them those that mails are still confirmed for, and whose photos are fetched: the command would wait for the end
#: of all that, and for the photos' retention.
_OVER = """SELECT order_id FROM orders
    WHERE state = ANY(%s) AND EXISTS (SELECT FROM ONLY events WHERE events.order_id = orders.order_id)
    ORDER BY order_id LIMIT %s"""
_BACK = "SELECT DISTINCT order_id FROM ONLY events WHERE order_id = ANY(%s)"
#: How long the first order, or the database, may take.
_MOVED_SECONDS = 30.0


@contextmanager
def finished_orders_archived(shop_under_test: ShopUnderTest) -> Iterator[Strike]:
    """Move orders that are over; some come back, because they go on."""
    url = shop_under_test.shop.environment["DATABASE_URL"]

    def moved() -> list[UUID]:
        over = [row["order_id"] for row in shop_under_test.asked(_OVER, [list(TERMINAL), BATCH_ORDERS])]
        with (
            suppress(UnavailableError),  # another fault took the database away meanwhile
            closing(PostgresUnitOfWork(url, connections=1)) as unit_of_work,
            unit_of_work.transaction() as archive,
        ):
            for order_id in over:
                archive.event_store.lock(order_id)
            move(archive.event_store.connection, over)
            return over
        return []

    try:
        orders = eventually(moved, "An order that is over", within_seconds=_MOVED_SECONDS, every_seconds=0.5)
    except TimeoutError as error:
        raise MissedError("no order was over") from error
    strike = Strike()
    yield strike
    back = shop_under_test.ask(_BACK, [orders])
    strike.proof = f"{len(orders)} orders were moved, {len(back)} came back"
