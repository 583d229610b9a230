"""A shop on a restored backup waits until one command repairs it."""

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from domain.order.states import State
from domain.order.values import OrderId
from entrypoints.bootstrap.container import Container
from entrypoints.cli.support.open_shop import open_shop
from sandbox.demo.http_customer import Customer, ShopAnswerError
from sandbox.demo.local_shop import LocalShop
from sandbox.processes import Process
from tests.adapters.support.cluster_backup import base_backup, put_back
from tests.entrypoints.support.shell import Shell
from tests.journeys.conftest import PACE
from tests.journeys.outcomes import completes_with_two_mails
from tests.journeys.running_shop import RunningShop
from tests.waiting import PATIENCE_SECONDS, eventually

#: Longer than the restore of the backup takes: the photo is at the restorer all that time.
RESTORER_SECONDS = 25


@dataclass
class Lost:
    """What a shop did after its backup, and what its customers see."""

    before: OrderId  # delivered before the backup, with a redo after it
    delivered: OrderId
    in_work: OrderId
    session_id: str
    links: dict[OrderId, str]
    numbers: dict[OrderId, str]


@pytest.fixture(scope="module")
def own_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalShop]:
    with LocalShop(tmp_path_factory.mktemp("restored") / "shop", PACE) as shop:
        yield shop


def processes_of(shop: LocalShop) -> tuple[Process, Process, Process]:
    return shop.processes["PostgreSQL"], shop.processes["The API"], shop.processes["The worker"]


def number_of(running_shop: RunningShop, order_id: OrderId) -> str:
    payment = running_shop.order(order_id).payment
    assert payment is not None
    return payment.order_number


def link_of(customer: Customer) -> str:
    return next(link for mail in reversed(customer.mails()) if (link := customer.link_in(mail)))


def live_after_the_backup(
    running_shop: RunningShop, photo: Path, shell: Shell, first: tuple[Customer, OrderId]
) -> Lost:
    """Deliver an order and a redo, begin an order, and upload photos."""
    customer, before = first
    redone = shell("orders", "redo", str(before), "--photo", "1", "--reason", "The left edge is blurred.")
    assert redone.status == 0, redone.err
    second, delivered = running_shop.buy(photo, photo)
    completes_with_two_mails(running_shop, second, delivered)
    eventually(lambda: len(customer.mails()) == 3, "the mail about the second result")
    renewed = shell("orders", "link", str(before), "--revoke", "--yes", "--reason", "It was forwarded.")
    assert renewed.status == 0, renewed.err
    eventually(lambda: len(customer.mails()) == 4, "the mail with the new link")
    running_shop.turn("replicate", start_delay_seconds=RESTORER_SECONDS)
    _, in_work = running_shop.buy(photo)
    running_shop.waits_for("RestorationStarted", in_work)
    running_shop.turn("replicate", start_delay_seconds=0)
    buyer = running_shop.customer()
    session_id = buyer.open_session()
    buyer.send(photo, "harvest.jpg")
    orders = (before, delivered, in_work)
    return Lost(
        before=before,
        delivered=delivered,
        in_work=in_work,
        session_id=session_id,
        links={before: link_of(customer), delivered: link_of(second)},
        numbers={order_id: number_of(running_shop, order_id) for order_id in orders},
    )


def restore(shop: LocalShop, backup: Path, cluster: Path) -> None:
    """Stop everything, restore the backup, and start everything."""
    database, api, worker = processes_of(shop)
    for process in (worker, api):
        process.stop()
    database.stop(by=signal.SIGINT)
    put_back(backup, cluster)
    database.start_again()
    eventually(lambda: answers(shop.environment["DATABASE_URL"]), "the restored database")
    for process in (api, worker):
        process.start_again()
    api.wait_for_line('{"listening"', PATIENCE_SECONDS)


def answers(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def head_is_kept(shop: Container) -> bool:
    """Whether the storage has the head of the log's newest event."""
    head = shop.log_heads.newest()
    with shop.ports.unit_of_work.transaction() as transaction:
        newest = transaction.log_recovery.newest_event()
    return head is not None and newest is not None and head.event_id == newest.event_id


def refused(customer: Customer) -> int:
    with pytest.raises(ShopAnswerError) as refusal:
        customer.ask_for_checkout()
    return refusal.value.status


def takes_payments(customer: Customer) -> bool:
    try:
        customer.ask_for_checkout()
    except ShopAnswerError as refusal:
        if refusal.status != httpx2.codes.SERVICE_UNAVAILABLE:
            raise
        return False
    return True


def opens(customer: Customer, link: str) -> bool:
    with customer.fetching(link) as chunks:
        return next(chunks).startswith(b"PK")


@pytest.mark.slow
def test_a_shop_goes_on_after_its_database_was_restored(
    own_shop: LocalShop,
    photo: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in own_shop.environment.items():
        monkeypatch.setenv(name, value)
    shell = Shell(capsys)
    backup, cluster = tmp_path / "backup", own_shop.data_dir / "postgresql" / "data"
    with RunningShop(own_shop) as running_shop:
        customer, before = running_shop.buy(photo)
        completes_with_two_mails(running_shop, customer, before, restored=1)
        base_backup(own_shop.environment["DATABASE_URL"], backup)
        lost = live_after_the_backup(running_shop, photo, shell, (customer, before))
        with open_shop() as shop:
            eventually(lambda: head_is_kept(shop), "the head of the log in the storage")
    restore(own_shop, backup, cluster)
    with RunningShop(own_shop) as running_shop:
        waits(running_shop, photo)
        recovery = json.loads(shell("db", "restored", "--json").out)
        own_shop.worker.wait_for_line('{"worker"', PATIENCE_SECONDS)
        goes_on(running_shop, photo, lost, recovery)


def waits(running_shop: RunningShop, photo: Path) -> None:
    """Neither checkouts nor reactions begin before the database is repaired."""
    visitor = running_shop.customer()
    visitor.open_session()
    visitor.send(photo, "wedding.jpg")
    assert refused(visitor) == httpx2.codes.SERVICE_UNAVAILABLE
    worker = running_shop.shop.worker
    eventually(lambda: "database_behind_log" in worker.output(), "the worker that waits")
    assert '{"worker"' not in worker.output()


def goes_on(running_shop: RunningShop, photo: Path, lost: Lost, recovery: dict[str, Any]) -> None:
    """Deliveries are unchanged, paid orders are delivered, and the shop sells."""
    assert set(recovery["rebuilt"]) == {str(lost.delivered), str(lost.in_work)}
    assert (recovery["held"], recovery["unplaced"]) == ([], [])
    assert (recovery["relinked"], recovery["reopened"]) == ([str(lost.before)], [str(lost.before)])
    assert (recovery["unknown_emails"], recovery["links_problem"]) == ([], None)
    assert set(recovery["unknown_referrals"]) == set(recovery["rebuilt"])
    # The API looks for a newer head every 15 seconds.
    waiting = running_shop.customer()
    waiting.open_session()
    waiting.send(photo, "harvest.jpg")
    eventually(lambda: takes_payments(waiting), "a shop that takes payments again", within_seconds=60)
    fresh, order_id = running_shop.buy(photo)
    completes_with_two_mails(running_shop, fresh, order_id, restored=1)
    for known in (lost.before, lost.delivered, lost.in_work):
        eventually(lambda known=known: running_shop.order(known).state is State.COMPLETED, f"order {known}")  # type: ignore[misc]
    numbers = {known: number_of(running_shop, known) for known in lost.numbers}
    assert numbers[lost.before] == lost.numbers[lost.before]
    assert numbers[lost.delivered] == lost.numbers[lost.delivered]
    assert number_of(running_shop, order_id) not in lost.numbers.values()
    assert len({*numbers.values(), number_of(running_shop, order_id)}) == len(numbers) + 1
    assert running_shop.ledger("stripe").get("refund", []) == []
    for known, link in lost.links.items():
        assert opens(fresh, link), f"the link of order {known}"
    assert len(running_shop.order(lost.before).restored_images[0].results) == 2
    assert any(lost.session_id in finding["subject"] for finding in recovery["remaining"])
