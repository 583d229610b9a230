"""Writing of the log's head, and waiting for a current database.

The database is behind if it lacks events that the stored head counts.
"""

from dataclasses import replace
from datetime import timedelta
from threading import Event, Thread

import pytest
from structlog.testing import capture_logs

from domain.ports.errors import UnavailableError
from domain.use_cases.monitoring.owner_letters import ENDED_AFTER
from domain.use_cases.shop_policy import OwnerPolicy
from entrypoints.worker import log_head
from entrypoints.worker.log_head import keep_head, wait_until_current
from tests.domain.use_cases.recovery.test_restored_database import lose
from tests.doubles.container import POLICY, InMemoryShop
from tests.waiting import eventually

OWNER = "owner@shop.example"


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> InMemoryShop:
    monkeypatch.setattr(log_head, "LOOK_AGAIN_SECONDS", 0.01)
    return InMemoryShop(replace(POLICY, owner=OwnerPolicy(email=OWNER)))


def wait(shop: InMemoryShop, stopping: Event) -> bool:
    return wait_until_current(shop.log_heads, stopping, shop.owner_letters)


def letters(shop: InMemoryShop) -> list[str]:
    return [mail.content.subject for mail in shop.mailer.mails_to(OWNER)]


def test_a_worker_begins_once_the_database_is_recovered(shop: InMemoryShop) -> None:
    lose(shop, b"wedding")
    stopping, begun = Event(), Event()

    def begin() -> None:
        if wait(shop, stopping):
            begun.set()

    worker = Thread(target=begin, daemon=True)
    with capture_logs() as logs:
        worker.start()
        assert not begun.wait(0.1)
        shop.restored_database.recover()
        assert begun.wait(5)
    worker.join()
    assert "restoreclick db restored" in logs[0]["problem"]


@pytest.mark.parametrize("workers", [1, 2])
def test_the_owner_gets_one_letter_while_workers_wait_for_the_database(
    shop: InMemoryShop, workers: int
) -> None:
    lose(shop, b"wedding")
    stopping = Event()
    threads = [Thread(target=wait, args=(shop, stopping), daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()
    eventually(lambda: letters(shop) or None)
    assert not stopping.wait(0.1)  # they look again in between
    stopping.set()
    for thread in threads:
        thread.join()
    assert len(letters(shop)) == 1
    assert letters(shop)[0].startswith("Your shop needs you: The database")


def test_a_letter_that_cannot_be_sent_is_tried_again_while_the_worker_waits(shop: InMemoryShop) -> None:
    lose(shop, b"wedding")
    shop.mailer.fault_injector.fail("send", UnavailableError("SendGrid", "it is off"))
    stopping = Event()
    worker = Thread(target=wait, args=(shop, stopping), daemon=True)
    with capture_logs() as logs:
        worker.start()
        eventually(lambda: letters(shop) or None)
        stopping.set()
        worker.join()
    assert len(letters(shop)) == 1
    assert [line["log_level"] for line in logs if line.get("task") == "owner_letters"] == ["warning"]


def test_a_letter_of_an_earlier_restore_does_not_replace_the_one_of_this(shop: InMemoryShop) -> None:
    """The restored table may have a row from before the backup."""
    assert shop.owner_letters.send_of_restored_database() == 1
    shop.clock.advance(seconds=(ENDED_AFTER + timedelta(seconds=1)).total_seconds())
    assert shop.owner_letters.send_of_restored_database() == 1
    assert shop.owner_letters.send_of_restored_database() == 0


def test_a_worker_that_waits_can_be_stopped(shop: InMemoryShop) -> None:
    lose(shop, b"wedding")
    stopping = Event()
    stopping.set()
    assert not wait(shop, stopping)


def test_a_worker_waits_for_an_unavailable_storage(shop: InMemoryShop) -> None:
    shop.storage.fault_injector.fail("keys", UnavailableError("The storage double", "away"))
    with capture_logs() as logs:
        assert wait(shop, Event())
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
