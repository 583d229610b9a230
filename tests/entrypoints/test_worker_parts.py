"""What a worker is made of: chores that come back, and leases that are kept while work goes on."""

from datetime import UTC, datetime
from threading import Event
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from domain.model.reactions import MoveImages
from domain.model.values import OrderId
from domain.ports.work import Claim
from entrypoints.worker.leases import LeaseKeeper
from entrypoints.worker.schedule import Chore, Schedule

SOON_SECONDS = 5


class Renewals:
    """Stands for the services: remembers which claims were renewed."""

    def __init__(self) -> None:
        self.renewed: list[list[Claim]] = []

    def renew(self, claims: list[Claim]) -> None:
        self.renewed.append(claims)


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


def test_a_chore_that_fails_is_named_in_the_log_and_goes_on() -> None:
    rounds: list[int] = []
    went_on = Event()

    def fail_at_first() -> None:
        rounds.append(1)
        if len(rounds) == 1:
            raise ConnectionError("the database is away")
        went_on.set()

    schedule = Schedule(Chore(name="sweeper", every_seconds=0.01, do=fail_at_first))
    with capture_logs() as logs:
        schedule.start()
        assert went_on.wait(SOON_SECONDS)
        schedule.stop(SOON_SECONDS)
    assert [(line["event"], line["chore"], line["log_level"]) for line in logs] == [
        ("chore_failed", "sweeper", "error")
    ]


def test_a_stopped_schedule_lets_the_chore_in_hand_come_to_its_end() -> None:
    began, may_end, ended = Event(), Event(), Event()

    def take_long() -> None:
        began.set()
        may_end.wait(SOON_SECONDS)
        ended.set()

    schedule = Schedule(Chore(name="housekeeping", every_seconds=60, do=take_long))
    schedule.start()
    assert began.wait(SOON_SECONDS)
    may_end.set()
    schedule.stop(SOON_SECONDS)
    assert ended.is_set()


def test_leases_are_renewed_while_the_work_goes_on_and_not_after_it() -> None:
    services = Renewals()
    keeper = LeaseKeeper(services)  # type: ignore[arg-type]
    ours = claim()
    with keeper.keep(ours):
        keeper.renew()
    keeper.renew()
    assert services.renewed == [[ours], []]


def test_a_lease_is_given_up_when_the_work_breaks_off() -> None:
    services = Renewals()
    keeper = LeaseKeeper(services)  # type: ignore[arg-type]
    with pytest.raises(ConnectionError), keeper.keep(claim()):
        raise ConnectionError
    keeper.renew()
    assert services.renewed == [[]]
