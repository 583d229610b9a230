"""The database's clock is used whatever the machine's clock shows."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import create_engine, text

from adapters.postgres.clock import RETRY_SECONDS, SYNC_SECONDS, ClockOffError, DatabaseClock
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.order.states import State
from domain.ports.clock import Clock
from domain.ports.errors import UnavailableError
from domain.use_cases.privacy.photo_retention import PhotoRetention
from tests.contracts.stored_streams import MINUTE, claim, facts, schedule, scheduled, take_order
from tests.doubles.clock import StoppedClock
from tests.doubles.container import InMemoryShop

DAYS_AHEAD = timedelta(days=400)
SOON = timedelta(seconds=30)


@dataclass
class Monotonic:
    """Monotonic seconds that a test advances."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


def ahead() -> datetime:
    """The time of a machine whose clock is 400 days ahead."""
    return datetime.now(UTC) + DAYS_AHEAD


def database_now(url: str) -> datetime:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        now: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    engine.dispose()
    return now


@pytest.fixture
def clock(own_database_url: str) -> Iterator[DatabaseClock]:
    with closing(DatabaseClock(own_database_url, wall=ahead)) as clock:
        yield clock


def photo_retention(unit_of_work: PostgresUnitOfWork, clock: Clock) -> PhotoRetention:
    return InMemoryShop(unit_of_work=unit_of_work).with_ports(clock=clock).photo_retention


def test_the_time_is_the_databases_on_a_machine_whose_clock_is_far_ahead(
    clock: DatabaseClock, own_database_url: str
) -> None:
    assert abs(clock.now() - database_now(own_database_url)) < SOON


def test_between_two_queries_time_passes_by_the_monotonic_clock(own_database_url: str) -> None:
    monotonic = Monotonic()
    with closing(DatabaseClock(own_database_url, monotonic=monotonic)) as clock:
        first = clock.now()
        monotonic.seconds += SYNC_SECONDS - 1
        assert clock.now() - first == timedelta(seconds=SYNC_SECONDS - 1)
        monotonic.seconds += 1
        assert clock.now() - first < SOON  # the database was asked again: hardly any time has passed there


def test_only_a_machine_whose_clock_is_off_is_reported(clock: DatabaseClock, own_database_url: str) -> None:
    with pytest.raises(ClockOffError, match=r"seconds ahead of the database's; have NTP set both clocks\.$"):
        clock.check()
    for behind, is_off in ((timedelta(seconds=10), True), (timedelta(seconds=1), False)):
        wall = lambda behind=behind: database_now(own_database_url) - behind  # noqa: E731 -- a clock of its own
        with closing(DatabaseClock(own_database_url, wall=wall)) as other:
            if is_off:
                with pytest.raises(ClockOffError, match="behind"):
                    other.check()
            else:
                other.check()


def test_a_database_that_answered_once_is_extrapolated(own_database_url: str) -> None:
    with (
        closing(DatabaseClock("postgresql://nobody@127.0.0.1:1/none")) as clock,
        pytest.raises(UnavailableError),
    ):
        clock.now()
    monotonic = Monotonic()
    with closing(DatabaseClock(own_database_url, monotonic=monotonic)) as clock:
        first = clock.now()
        clock.close()
        monotonic.seconds += SYNC_SECONDS
        clock._engine = DatabaseClock("postgresql://nobody@127.0.0.1:1/none")._engine  # noqa: SLF001 -- it goes away
        assert clock.now() - first == timedelta(seconds=SYNC_SECONDS)
        monotonic.seconds += RETRY_SECONDS / 2
        assert clock.now() - first == timedelta(seconds=SYNC_SECONDS + RETRY_SECONDS / 2)


def test_nothing_is_purged_early_by_a_machine_whose_clock_is_far_ahead(
    unit_of_work: PostgresUnitOfWork, clock: DatabaseClock, own_database_url: str
) -> None:
    delivered_at = database_now(own_database_url) - timedelta(hours=1)
    about = facts(photos=1)
    order = take_order(unit_of_work, about, *about.until_completed()[1:], at=delivered_at)
    assert order.state is State.COMPLETED
    assert photo_retention(unit_of_work, clock).purge() == 0
    when_it_is_over = StoppedClock(delivered_at + DAYS_AHEAD)
    assert photo_retention(unit_of_work, when_it_is_over).purge() == 1


def test_a_lease_holds_against_a_machine_whose_clock_is_far_ahead(
    unit_of_work: PostgresUnitOfWork, clock: DatabaseClock, own_database_url: str
) -> None:
    with closing(DatabaseClock(own_database_url)) as other:
        work = scheduled(facts(), due_at=other.now() - MINUTE)
        schedule(unit_of_work, work)
        assert claim(unit_of_work, work, other.now()) is not None
    assert claim(unit_of_work, work, clock.now()) is None
