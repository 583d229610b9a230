"""A background cache answers at once and refreshes behind."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest

from adapters.background_cache import MOST_LIFETIMES, BackgroundCache
from domain.ports.errors import UnavailableError
from tests.waiting import eventually

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LIFETIME = timedelta(minutes=1)


class Source:
    """Returns the time, or fails, or waits."""

    def __init__(self) -> None:
        self.reads: list[datetime] = []
        self.problem: Exception | None = None
        self.may_go = Event()
        self.may_go.set()

    def read(self, now: datetime) -> datetime:
        self.reads.append(now)
        self.may_go.wait(30)
        if self.problem is not None:
            raise self.problem
        return now


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def cache(source: Source) -> Iterator[BackgroundCache[datetime]]:
    with closing(BackgroundCache(source.read, LIFETIME)) as cache:
        yield cache
    source.may_go.set()


def test_the_first_value_is_waited_for(cache: BackgroundCache[datetime]) -> None:
    assert cache.get(NOON) == NOON


def test_a_fresh_value_is_not_read_again(cache: BackgroundCache[datetime], source: Source) -> None:
    cache.get(NOON)
    assert cache.get(NOON + LIFETIME / 2) == NOON
    assert source.reads == [NOON]


def test_an_old_value_is_returned_while_it_is_refreshed(
    cache: BackgroundCache[datetime], source: Source
) -> None:
    cache.get(NOON)
    source.may_go.clear()
    later = NOON + LIFETIME
    assert cache.get(later) == NOON
    assert cache.get(later) == NOON
    source.may_go.set()
    eventually(lambda: cache.get(later) == later, "the refreshed value")
    assert source.reads == [NOON, later]


def test_a_value_that_cannot_be_refreshed_is_refused_in_the_end(
    cache: BackgroundCache[datetime], source: Source
) -> None:
    cache.get(NOON)
    source.problem = UnavailableError("PostgreSQL", "it is off")
    assert cache.get(NOON + 2 * LIFETIME) == NOON
    with pytest.raises(UnavailableError):
        cache.get(NOON + MOST_LIFETIMES * LIFETIME + timedelta(seconds=1))


def test_without_a_first_value_its_error_is_raised(cache: BackgroundCache[datetime], source: Source) -> None:
    source.problem = UnavailableError("PostgreSQL", "it is off")
    with pytest.raises(UnavailableError, match="it is off"):
        cache.get(NOON)
    source.problem = None
    assert cache.get(NOON) == NOON
