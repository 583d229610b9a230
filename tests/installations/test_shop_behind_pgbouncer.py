"""A whole shop whose processes reach PostgreSQL through PgBouncer."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import psycopg
import pytest

from domain.order.states import State
from sandbox.demo.local_shop import LocalShop
from sandbox.demo.shop_command import output_of
from sandbox.processes import Supervisor
from tests import pgbouncer
from tests.journeys.running_shop import RunningShop
from tests.waiting import eventually

PHOTO = Path(__file__).parents[2] / "tests/journeys/harvest-1926.jpg"
#: Fewer than one process has connections, so that they share sessions all the time.
SESSIONS = 5

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        pgbouncer.program() is None, reason="PgBouncer is not installed (Debian: apt-get install pgbouncer)"
    ),
]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder so short that PostgreSQL's socket is in the data folder."""
    with TemporaryDirectory(prefix="shop-") as name:
        yield Path(name)


def test_orders_are_restored_and_verified_through_few_sessions(folder: Path) -> None:
    data = folder / "data"
    # Where the sandbox's PostgreSQL will listen.
    sockets = quote(str(data / "postgresql/run"), safe="")
    direct = f"postgresql://postgres@/restoreclick?host={sockets}&port=5432"
    with Supervisor() as supervisor:
        pooled = pgbouncer.start(supervisor, folder, direct, pool_size=SESSIONS)
        with ExitStack() as stack:
            shop = stack.enter_context(LocalShop(data, {"DATABASE_URL": pooled}, workers=2))
            environment = dict(shop.environment)
            shop.environment["DATABASE_URL"] = direct  # by which the test looks
            with RunningShop(shop) as running:
                for order_id in [running.buy(PHOTO)[1] for _ in range(3)]:
                    eventually(
                        lambda order_id=order_id: running.order(order_id).state is State.COMPLETED,  # type: ignore[misc]
                        "the completed order",
                        within_seconds=90,
                    )
            assert "each says what was recorded" in output_of(environment, "events", "verify")
            output_of(environment, "reconcile", "--since", "1d", "--skip-bytes")
            with psycopg.connect(direct) as connection:
                (sessions,) = connection.execute(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                ).fetchone() or (0,)
            assert 0 < sessions <= SESSIONS
