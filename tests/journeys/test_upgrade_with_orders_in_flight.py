"""Upgrades from the last three schemas, with orders in every stage.

The earlier version fills its own schema; this one upgrades it, and finishes what was begun.
"""

from contextlib import ExitStack
from pathlib import Path

import pytest

from domain.order.states import State
from domain.order.values import OrderId
from sandbox.demo.http_customer import Customer
from tests.journeys.previous_version import unpack_earlier
from tests.journeys.two_versions import TwoVersions, open_versions
from tests.waiting import eventually

PHOTO = Path(__file__).parent / "harvest-1926.jpg"


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("migrations", [1, 2, 3])
def test_orders_of_an_earlier_schema_are_finished_after_the_upgrade(tmp_path: Path, migrations: int) -> None:
    old_code = tmp_path / "old"
    revisions = unpack_earlier(old_code, migrations)
    with open_versions(tmp_path, old_code, revisions) as shop, ExitStack() as customers:
        shop.upgrade("old")
        assert shop.revision() == revisions[0]
        with shop.running("old", "serve"):
            delivered, held, refunded, started, paid = begun(shop, customers)
            shop.upgrade("new")
            assert shop.revision() == revisions[1]
        assert "each says what was recorded" in shop.command("new", "events", "verify")
        with shop.running("new", "serve"), shop.running("new", "worker"):
            for _, order_id in (started, paid):
                shop.assert_completed(order_id)
            shop.command(
                "new", "orders", "release", str(held[1]), "--actor", "ada", "--reason", "all is well"
            )
            shop.assert_completed(held[1])
            eventually(lambda: shop.state(refunded[1]) is State.REFUNDED, "the refunded order")
            for customer, order_id in (delivered, started, paid, held):
                shop.assert_delivered(customer, order_id)
        shop.command("new", "db", "rebuild")
        shop.command("new", "reconcile", "--since", "1d", "--skip-bytes")


Sale = tuple[Customer, OrderId]


def begun(shop: TwoVersions, customers: ExitStack) -> tuple[Sale, Sale, Sale, Sale, Sale]:
    """Orders: delivered, held, refunded, started, and only paid for."""
    with shop.running("old", "worker"):
        delivered = customers.enter_context(shop.buying(PHOTO))
        shop.assert_completed(delivered[1])
    held, refunded = (customers.enter_context(shop.buying(PHOTO)) for _ in range(2))
    shop.command("old", "orders", "hold", str(held[1]), "--actor", "ada", "--reason", "a doubtful payment")
    shop.command(
        "old", "orders", "refund", str(refunded[1]), "--actor", "ada", "--reason", "ordered twice", "--yes"
    )
    with shop.running("old", "worker") as worker:
        started = customers.enter_context(shop.buying(PHOTO))
        eventually(lambda: shop.events(started[1]) >= 3, "the started restoration", every_seconds=0.002)
        worker.kill()
    paid = customers.enter_context(shop.buying(PHOTO))
    return delivered, held, refunded, started, paid
