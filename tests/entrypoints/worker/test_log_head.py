"""Writing of the log's head, and waiting for a current database.

The database is behind if it lacks events that the stored head counts.
"""

from threading import Event, Thread

import pytest
from structlog.testing import capture_logs

from domain.ports.errors import UnavailableError
from entrypoints.worker import log_head
from entrypoints.worker.log_head import keep_head, wait_until_current
from tests.domain.use_cases.recovery.test_restored_database import lose
from tests.doubles.container import InMemoryShop


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> InMemoryShop:
    monkeypatch.setattr(log_head, "LOOK_AGAIN_SECONDS", 0.01)
    return InMemoryShop()


def test_a_worker_begins_once_the_database_is_recovered(shop: InMemoryShop) -> None:
    lose(shop, b"wedding")
    stopping, begun = Event(), Event()

    def begin() -> None:
        if wait_until_current(shop.log_heads, stopping):
            begun.set()

    worker = Thread(target=begin, daemon=True)
    with capture_logs() as logs:
        worker.start()
        assert not begun.wait(0.1)
        shop.restored_database.recover()
        assert begun.wait(5)
    worker.join()
    assert "restoreclick db restored" in logs[0]["problem"]


def test_a_worker_that_waits_can_be_stopped(shop: InMemoryShop) -> None:
    lose(shop, b"wedding")
    stopping = Event()
    stopping.set()
    assert not wait_until_current(shop.log_heads, stopping)


def test_a_worker_waits_for_an_unavailable_storage(shop: InMemoryShop) -> None:
    shop.storage.fault_injector.fail("keys", UnavailableError("The storage double", "away"))
    with capture_logs() as logs:
        assert wait_until_current(shop.log_heads, Event())
    assert [line["event"] for line in logs] == ["log_head_unknown"]


def test_a_worker_whose_database_is_restored_under_it_stops(shop: InMemoryShop) -> None:
    stopping = Event()
    shop.pay(shop.upload(b"wedding"))
    keep_head(shop.log_heads, stopping)
    assert shop.log_heads.newest() is not None
    assert not stopping.is_set()
    lose(shop, b"harvest")
    keep_head(shop.log_heads, stopping)
    assert stopping.is_set()
