"""A worker's parts: periodic tasks, lease renewal and dispatch."""

from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from domain.order.events import ImagesMoved
from domain.order.order import Order
from domain.order.reactions import MoveImages
from domain.order.states import State
from domain.order.values import OrderId, StoredObject
from domain.ports.errors import UnavailableError
from domain.ports.reaction_queue import Claim
from domain.ports.unit_of_work import LeaseLostError
from entrypoints.worker import direct_dispatch
from entrypoints.worker.direct_dispatch import DirectDispatch
from entrypoints.worker.lease_renewal import LeaseRenewal
from entrypoints.worker.periodic_tasks import PeriodicTask, PeriodicTasks
from entrypoints.worker.scheduled_tasks import warn_of_clock
from tests.doubles.container import InMemoryShop
from tests.waiting import eventually

SOON_SECONDS = 5


class Renewals:
    """A reaction runner that records renewals and gives up overdue claims."""

    def __init__(self, *overdue: Claim) -> None:
        self.renewed: list[list[Claim]] = []
        self._overdue = overdue

    def renew(self, held: list[tuple[Claim, Order]]) -> list[Claim]:
        claims = [claim for claim, _ in held]
        self.renewed.append([claim for claim in claims if claim not in self._overdue])
        return [claim for claim in claims if claim in self._overdue]


def order(of: Claim) -> Order:
    return Order(order_id=of.order_id)


def claim() -> Claim:
    now = datetime(2026, 3, 14, tzinfo=UTC)
    return Claim(
        reaction_id=uuid4(),
        order_id=OrderId(uuid4()),
        reaction=MoveImages(),
        token=uuid4(),
        attempts=1,
        was_interrupted=False,
        first_due_at=now,
        claimed_at=now,
        leased_until=now,
    )


@pytest.mark.parametrize(
    ("error", "event", "level", "has_traceback"),
    [
        (ConnectionError("a defect"), "periodic_task_failed", "error", True),
        (UnavailableError("PostgreSQL", "refused"), "periodic_task_postponed", "warning", False),
    ],
)
def test_a_task_that_fails_is_named_in_the_log_and_goes_on(
    error: Exception, event: str, level: str, *, has_traceback: bool
) -> None:
    rounds: list[int] = []
    went_on = Event()

    def fail_at_first() -> None:
        rounds.append(1)
        if len(rounds) == 1:
            raise error
        went_on.set()

    schedule = PeriodicTasks(PeriodicTask(name="sweeper", every_seconds=0.01, do=fail_at_first))
    with capture_logs() as logs:
        schedule.start()
        assert went_on.wait(SOON_SECONDS)
        schedule.stop(SOON_SECONDS)
    assert [(line["event"], line["task"], line["log_level"], "exc_info" in line) for line in logs] == [
        (event, "sweeper", level, has_traceback)
    ]


def test_a_stopped_schedule_lets_the_running_task_end() -> None:
    began, may_end, ended = Event(), Event(), Event()

    def take_long() -> None:
        began.set()
        may_end.wait(SOON_SECONDS)
        ended.set()

    schedule = PeriodicTasks(PeriodicTask(name="housekeeping", every_seconds=60, do=take_long))
    schedule.start()
    assert began.wait(SOON_SECONDS)
    may_end.set()
    schedule.stop(SOON_SECONDS)
    assert ended.is_set()


def test_leases_are_renewed_while_the_work_goes_on_and_not_after_it() -> None:
    services = Renewals()
    keeper = LeaseRenewal(services)  # type: ignore[arg-type]
    ours = claim()
    with keeper.keep(ours, order(ours), "storage"):
        keeper.renew()
    keeper.renew()
    assert services.renewed == [[ours], []]


def test_a_lease_is_given_up_when_the_work_breaks_off() -> None:
    services = Renewals()
    keeper = LeaseRenewal(services)  # type: ignore[arg-type]
    ours = claim()
    with pytest.raises(ConnectionError), keeper.keep(ours, order(ours), "storage"):
        raise ConnectionError
    keeper.renew()
    assert services.renewed == [[]]


def test_what_redis_does_not_take_runs_in_the_worker_and_an_error_ends_nothing() -> None:
    done: list[str] = []
    went_on = Event()
    first, second = uuid4(), uuid4()

    def perform(reaction_id: str) -> None:
        done.append(reaction_id)
        if reaction_id == str(first):
            raise ConnectionError("the database is away")
        went_on.set()

    with capture_logs() as logs:
        direct = DirectDispatch(perform, ["storage"], threads=1)
        direct.submit("storage", first)
        direct.submit("storage", second)
        assert went_on.wait(SOON_SECONDS)
        direct.stop(SOON_SECONDS)
    assert done == [str(first), str(second)]
    assert [(line["event"], line["reaction_id"]) for line in logs] == [("reaction_failed", str(first))]


def test_a_queue_whose_threads_are_busy_keeps_no_other_waiting_and_takes_nothing_twice() -> None:
    may_end, is_busy, other_ran = Event(), Event(), Event()
    slow, waiting, other = uuid4(), uuid4(), uuid4()
    done: list[str] = []

    def perform(reaction_id: str) -> None:
        if reaction_id == str(slow):
            is_busy.set()
            may_end.wait(SOON_SECONDS)
        done.append(reaction_id)
        if reaction_id == str(other):
            other_ran.set()

    direct = DirectDispatch(perform, ["restoration", "email"], threads=1)
    direct.submit("restoration", slow)
    assert is_busy.wait(SOON_SECONDS)
    for _ in range(3):
        direct.submit("restoration", waiting)
    direct.submit("email", other)
    assert other_ran.wait(SOON_SECONDS)
    direct.submit("restoration", last := uuid4())
    may_end.set()
    eventually(lambda: str(last) in done, "the last reaction")
    direct.stop(SOON_SECONDS)
    assert sorted(done) == sorted(map(str, (slow, waiting, other, last)))


def test_no_more_waits_than_can_be_offered_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct_dispatch, "MAX_WAITING", 2)
    may_end, is_busy = Event(), Event()
    done: list[str] = []

    def perform(reaction_id: str) -> None:
        is_busy.set()
        may_end.wait(SOON_SECONDS)
        done.append(reaction_id)

    direct = DirectDispatch(perform, ["email"], threads=1)
    direct.submit("email", uuid4())
    assert is_busy.wait(SOON_SECONDS)
    kept, too_many = [uuid4(), uuid4()], uuid4()
    for each in (*kept, too_many):
        direct.submit("email", each)
    may_end.set()
    eventually(lambda: len(done) == 3, "what was kept")
    assert str(too_many) not in done
    direct.stop(SOON_SECONDS)


def test_a_call_that_was_given_up_is_logged_once_and_counts_as_hanging_until_it_returns() -> None:
    ours = claim()
    services = Renewals(ours)
    keeper = LeaseRenewal(services)  # type: ignore[arg-type]
    with capture_logs() as logs, keeper.keep(ours, order(ours), "storage"):
        keeper.renew()
        keeper.renew()
        assert keeper.hanging() == {"storage": 1}
    assert [(line["event"], line["kind"], line["log_level"]) for line in logs] == [
        ("call_never_returned", "MoveImages", "error")
    ]
    assert services.renewed == [[], []]
    assert keeper.hanging() == {}


def test_work_whose_call_hangs_is_done_by_another_thread_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    shop, began, returns = InMemoryShop(), Event(), Event()
    order_id = shop.pay(shop.upload(b"wedding"))
    keeper = LeaseRenewal(shop.reaction_runner)
    moving = next(
        row.reaction_id for row in shop.own_unit_of_work.pages.work.values() if row.reaction == MoveImages()
    )
    claimed = shop.reaction_runner.claim(moving)
    assert claimed is not None
    copy, lost = shop.storage.copy, []

    def hangs(*arguments: Any) -> StoredObject:
        began.set()
        assert returns.wait(SOON_SECONDS)
        return copy(*arguments)

    def work() -> None:
        try:
            with keeper.keep(*claimed, "storage"):
                shop.reaction_runner.perform(*claimed)
        except LeaseLostError as error:
            lost.append(error.reaction_id)

    with monkeypatch.context() as patch:
        patch.setattr(shop.storage, "copy", hangs)
        hand = Thread(target=work)
        hand.start()
        assert began.wait(SOON_SECONDS)
    shop.clock.advance(hours=3)
    keeper.renew()
    shop.live(order_id)
    returns.set()
    hand.join(SOON_SECONDS)
    assert lost == [moving]
    assert shop.order(order_id).state is State.COMPLETED
    assert [type(event) for event in shop.events(order_id)].count(ImagesMoved) == 1


def test_a_worker_whose_clock_is_off_says_so_in_its_log() -> None:
    def off() -> None:
        raise UnavailableError("This machine's clock", "it is ahead")

    with capture_logs() as logs:
        warn_of_clock(off)
        warn_of_clock(lambda: None)
    assert [line["event"] for line in logs] == ["clock_off"]
