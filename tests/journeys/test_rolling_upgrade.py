"""A rolling upgrade: an earlier version and this one share a schema.

It is the newest schema; the earlier version is the one before the newest migration, or the last release.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from domain.order.values import OrderId
from tests.journeys.previous_version import unpack_last_release, unpack_neighbour
from tests.journeys.two_versions import TwoVersions, open_versions
from tests.waiting import eventually


@pytest.fixture(params=[unpack_neighbour, unpack_last_release])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TwoVersions]:
    unpack: Callable[[Path], tuple[str, str]] = request.param
    old_code = tmp_path / "old"
    revisions = unpack(old_code)
    with open_versions(tmp_path, old_code, revisions) as versions:
        yield versions


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_each_version_works_what_the_other_has_taken_while_an_upgrade_rolls(shop: TwoVersions) -> None:
    photo = Path(__file__).parent / "harvest-1926.jpg"
    before, now = shop.revisions
    shop.upgrade("old")
    assert shop.revision() == before
    with shop.running("old", "serve"):
        shop.upgrade("new")
        assert shop.revision() == now
        assert httpx2.get(f"{shop.url}/health/ready").json()["status"] == "ok"
        with shop.running("new", "worker"), shop.buying(photo) as (customer, order_id):
            shop.assert_completed(order_id)
            if shop.old_can_read(order_id):
                shop.assert_delivered(customer, order_id)
                assert_old_goes_on_with_archived(shop, order_id)
    # A process of the old version that dies meanwhile can be restarted.
    with shop.running("new", "serve"), shop.buying(photo) as (customer, order_id):
        with shop.running("old", "worker") as old_worker:
            if shop.old_can_read(order_id):
                shop.assert_delivered(customer, order_id)
                assert_nothing_is_wrong(shop)
                return
            # The newer version records more than the older one can read: such an order waits for the newer
            # worker.
            eventually(
                lambda: "The log holds" in old_worker.output() or "its log holds" in old_worker.output()
            )
            assert set(shop.attempts(order_id)) == {0}
        with shop.running("new", "worker"):
            shop.assert_delivered(customer, order_id)
            assert_nothing_is_wrong(shop)


def assert_old_goes_on_with_archived(shop: TwoVersions, order_id: OrderId) -> None:
    """Archive an order; the old version records a note on it."""
    shop.archive(order_id)
    assert shop.live_events(order_id) == 0
    before = shop.events(order_id)
    shop.command("old", "orders", "note", str(order_id), "--reason", "The customer called.")
    # A worker may record on it meanwhile that a mail arrived.
    assert shop.live_events(order_id) == shop.events(order_id) > before


def assert_nothing_is_wrong(shop: TwoVersions) -> None:
    """Run commands of the new version that find what is wrong."""
    shop.command("new", "events", "verify")
    shop.command("new", "reconcile")
    shop.command("new", "db", "rebuild")
    shop.command("new", "events", "verify")
