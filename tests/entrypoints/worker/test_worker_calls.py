"""Calls do the work of a worker: within limits, and beside workers."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from threading import Event

import psycopg
import pytest

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.order.states import State
from domain.ports.errors import DatabaseBehindError, UnavailableError
from domain.use_cases.reconciliation.comparison import ComparisonContext
from domain.use_cases.reconciliation.findings import Finding, Side
from domain.use_cases.shop_policy import OwnerPolicy
from entrypoints.settings import Settings
from entrypoints.worker import worker_calls
from entrypoints.worker.worker_calls import Worker, WorkerBusyError, WorkerCalls
from tests.domain.use_cases.recovery.test_restored_database import lose
from tests.doubles.clock import StoppedClock
from tests.doubles.container import POLICY, InMemoryShop
from tests.waiting import eventually

TICK = timedelta(microseconds=10)


@pytest.fixture
def shop() -> InMemoryShop:
    return InMemoryShop()


@pytest.fixture
def calls(shop: InMemoryShop) -> WorkerCalls:
    return calls_of(shop)


def calls_of(shop: InMemoryShop) -> WorkerCalls:
    return WorkerCalls(shop, Settings.model_construct())


def test_calls_alone_deliver_an_order(shop: InMemoryShop, calls: WorkerCalls) -> None:
    order_id = shop.pay(shop.upload(b"great-aunt Adele, 1931"))
    first = calls.call(Worker.RESTORATION, reactions=100, seconds=20)
    assert first.performed == {"MoveImages": 1, "RestoreImage": 1}
    shop.end_predictions()
    second = calls.call(Worker.RESTORATION, reactions=100, seconds=20)
    assert second.performed == {"CollectRestoration": 1, "PrepareDownload": 1}
    mails = calls.call(Worker.EMAIL, reactions=100, seconds=20)
    assert mails.performed == {"SendEmail": 2}
    assert (mails.is_finished, mails.is_more, mails.failed) == (True, False, 0)
    assert shop.order(order_id).state is State.COMPLETED


def test_the_sweeper_performs_every_kind_and_keeps_the_head(shop: InMemoryShop, calls: WorkerCalls) -> None:
    order_id = shop.pay(shop.upload(b"great-aunt Adele, 1931"))
    assert "SendEmail" in calls.call(Worker.SWEEPER, reactions=100, seconds=20).performed
    shop.end_predictions()
    calls.call(Worker.SWEEPER, reactions=100, seconds=20)
    assert shop.order(order_id).state is State.COMPLETED
    assert shop.log_heads.newest() is not None


def test_a_call_ends_after_its_number_of_reactions(shop: InMemoryShop, calls: WorkerCalls) -> None:
    for _ in range(3):
        shop.pay(shop.upload(b"great-aunt Adele, 1931"))
    report = calls.call(Worker.EMAIL, reactions=2, seconds=20)
    assert (report.performed.total(), report.is_more) == (2, True)
    report = calls.call(Worker.EMAIL, reactions=2, seconds=20)
    assert (report.performed.total(), report.is_more) == (1, False)


def test_a_call_begins_nothing_after_its_time(shop: InMemoryShop, calls: WorkerCalls) -> None:
    shop.pay(shop.upload(b"great-aunt Adele, 1931"))
    report = calls.call(Worker.RESTORATION, reactions=100, seconds=0)
    assert (report.performed.total(), report.is_more, report.is_finished) == (0, True, True)


def test_a_call_answers_while_something_hangs_and_only_one_is_at_work(
    shop: InMemoryShop, calls: WorkerCalls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_calls, "GRACE_SECONDS", 0.05)
    released = Event()
    monkeypatch.setattr(shop.reaction_runner, "resend_due", lambda: released.wait(20))
    report = calls.call(Worker.SWEEPER, reactions=100, seconds=0)
    assert not report.is_finished
    with pytest.raises(WorkerBusyError):
        calls.call(Worker.SWEEPER, reactions=100, seconds=0)
    assert calls.call(Worker.EMAIL, reactions=100, seconds=5).is_finished
    released.set()
    eventually(lambda: report.is_finished, "the end of the first call")
    assert calls.call(Worker.SWEEPER, reactions=100, seconds=5).is_finished


def test_the_cleanup_says_what_each_task_did(shop: InMemoryShop, calls: WorkerCalls) -> None:
    shop.upload(b"never paid")
    shop.clock.advance(days=30)
    report = calls.call(Worker.CLEANUP, reactions=100, seconds=20)
    assert report.tasks["housekeeping"] == 1
    assert {"records", "unmatched_payments", "pending_payments", "retention", "reminders"} <= set(
        report.tasks
    )


def test_a_cleanup_that_is_cut_off_goes_on_with_the_next_task(
    shop: InMemoryShop, calls: WorkerCalls, monkeypatch: pytest.MonkeyPatch
) -> None:
    def outage() -> int:
        raise UnavailableError("The storage", "it rests")

    tasks = list(calls.call(Worker.CLEANUP, reactions=1, seconds=20).tasks)
    assert calls.call(Worker.CLEANUP, reactions=1, seconds=0).tasks == {}
    monkeypatch.setattr(shop.upload_cleanup.storage, "purge", lambda _: outage())
    shop.upload(b"never paid")
    shop.clock.advance(days=30)
    report = calls_of(shop).call(Worker.CLEANUP, reactions=1, seconds=20)
    assert report.tasks["housekeeping"] == "failed: UnavailableError"
    assert list(report.tasks) == tasks


def test_a_reconciliation_runs_once_per_interval(calls: WorkerCalls) -> None:
    first = calls.call(Worker.RECONCILE, reactions=1, seconds=20).reconciliation
    assert first is not None
    assert not first.cut_off
    assert calls.call(Worker.RECONCILE, reactions=1, seconds=20).reconciliation is None


def test_a_reconciliation_out_of_time_says_which_sides_lack(shop: InMemoryShop, calls: WorkerCalls) -> None:
    shop.pay(shop.upload(b"great-aunt Adele, 1931"))
    shop.live(shop.pay(shop.upload(b"the wedding")))
    report = calls.call(Worker.RECONCILE, reactions=1, seconds=0)
    assert report.is_more
    assert report.reconciliation is not None
    assert Side.LOG in report.reconciliation.cut_off


def test_calls_of_any_process_go_on_with_a_reconciliation_until_every_side_was_compared(
    shop: InMemoryShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.live(shop.pay(shop.upload(b"the wedding")))
    compared: list[Side] = []
    over = False

    def compare(comparison: OneThing, context: ComparisonContext) -> Iterator[Finding]:
        nonlocal over
        context.watch(1)
        compared.append(comparison.side)
        over = True  # after one side a call
        return iter(())

    monkeypatch.setattr(OneThing, "compare", compare)
    monkeypatch.setattr("entrypoints.worker.worker_calls._Limits.is_over", property(lambda _: over))
    shop.reconciliation.comparisons = [OneThing(side) for side in (Side.LOG, Side.PAYMENTS, Side.STORAGE)]
    began_at = shop.clock.now()
    answers = []
    for _ in range(4):
        over = False
        answers.append(calls_of(shop).call(Worker.RECONCILE, reactions=1, seconds=20))
    assert [answer.is_more for answer in answers] == [True, True, False, False]
    assert answers[3].reconciliation is None
    assert compared == [Side.LOG, Side.PAYMENTS, Side.STORAGE]
    with shop.unit_of_work.transaction() as transaction:
        later = shop.clock.now() + timedelta(days=2)
        turn = transaction.reconciliation_rounds.begin(later, unless_since=later)
    assert turn is not None
    assert turn.previous is not None
    assert turn.previous >= began_at


def test_a_side_too_long_for_a_call_of_its_own_stays_cut_off(shop: InMemoryShop, calls: WorkerCalls) -> None:
    shop.live(shop.pay(shop.upload(b"the wedding")))
    answers = [calls.call(Worker.RECONCILE, reactions=1, seconds=0)]
    while answers[-1].is_more:
        assert len(answers) <= len(Side)
        answers.append(calls.call(Worker.RECONCILE, reactions=1, seconds=0))
    last = answers[-1].reconciliation
    assert last is not None
    assert last.cut_off


@dataclass
class OneThing:
    """A side on which there is one thing to compare."""

    side: Side

    def compare(self, context: ComparisonContext) -> Iterator[Finding]:
        context.watch(1)
        return iter(())


def test_nothing_is_done_on_a_database_that_is_behind(shop: InMemoryShop, calls: WorkerCalls) -> None:
    lose(shop, b"the wedding")
    for worker in Worker:
        with pytest.raises(DatabaseBehindError):
            calls.call(worker, reactions=100, seconds=20)


def test_calls_write_to_the_owner_once_about_a_database_that_is_behind() -> None:
    shop = InMemoryShop(replace(POLICY, owner=OwnerPolicy(email="owner@shop.example")))
    lose(shop, b"the wedding")
    calls = calls_of(shop)
    for _ in range(2):
        with pytest.raises(DatabaseBehindError):
            calls.call(Worker.SWEEPER, reactions=100, seconds=20)
    [letter] = shop.mailer.mails_to("owner@shop.example")
    assert letter.content.subject.startswith("Your shop needs you: The database")


@pytest.fixture
def stored_shop(own_database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemoryShop]:
    with closing(PostgresUnitOfWork(own_database_url)) as unit_of_work:
        shop = InMemoryShop(unit_of_work=unit_of_work)
        ticks = count()
        # A webhook must come after the claim that it overtakes, not at the same moment.
        monkeypatch.setattr(StoppedClock, "now", lambda clock: clock.moment + next(ticks) * TICK)
        yield shop


def test_calls_and_workers_race_and_perform_each_reaction_once(
    stored_shop: InMemoryShop, own_database_url: str
) -> None:
    shop = stored_shop
    orders = [shop.pay(shop.upload(b"photo %d" % number, b"another %d" % number)) for number in range(6)]
    ends_at = time.monotonic() + 60

    def is_done() -> bool:
        shop.end_predictions()
        return all(shop.order(each).state is State.COMPLETED for each in orders)

    def call() -> None:
        calls = calls_of(shop)
        while not finished.is_set() and time.monotonic() < ends_at:
            for worker in (Worker.RESTORATION, Worker.EMAIL, Worker.SWEEPER):
                calls.call(worker, reactions=5, seconds=5)

    def work() -> None:
        while not finished.is_set() and time.monotonic() < ends_at:
            try:
                shop.perform(shop.queue.waiting.popleft())
            except IndexError:
                finished.wait(0.01)

    finished = Event()
    with ThreadPoolExecutor() as racers:
        running = [racers.submit(each) for each in (call, call, work)]
        try:
            eventually(is_done, "the completed orders")
        finally:
            finished.set()
    for each in running:
        each.result()
    with psycopg.connect(own_database_url) as connection:
        claims = connection.execute("SELECT kind, attempts FROM reactions").fetchall()
    # A look at a prediction that still runs is none too many.
    once = [(kind, attempts) for kind, attempts in claims if kind != "CollectRestoration"]
    assert len(once) == (1 + 2 + 1 + 2) * len(orders)
    assert {attempts for _, attempts in once} == {1}
