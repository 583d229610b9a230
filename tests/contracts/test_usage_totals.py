"""Usage totals count and limit exactly."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.ports.rate_limiter import Quota
from domain.ports.unit_of_work import Database
from tests.contracts.stored_streams import NOON, facts, rolled_back, take_order

HOUR = timedelta(hours=1)
GUESSES = Quota(name="code_guesses", amount=3, window=HOUR)
SESSIONS = Quota(name="sessions", amount=100, window=HOUR)


def test_a_quota_is_used_up_exactly_and_afresh_in_each_window(unit_of_work: Database) -> None:
    with unit_of_work.transaction() as transaction:
        usage = transaction.usage_totals
        assert [usage.take(GUESSES, NOON, amount) for amount in (1, 3, 2, 1)] == [True, False, True, False]
        assert (usage.taken(GUESSES, NOON), usage.taken(SESSIONS, NOON)) == (3, 0)
        assert usage.take(GUESSES, NOON + HOUR)
        assert not usage.take(GUESSES, NOON + 2 * HOUR, 4)
        assert usage.taken(GUESSES, NOON + 2 * HOUR) == 0


def test_what_is_rolled_back_is_not_counted(unit_of_work: Database) -> None:
    with rolled_back(unit_of_work) as transaction:
        transaction.usage_totals.take(GUESSES, NOON, 3)
    with unit_of_work.transaction() as transaction:
        assert transaction.usage_totals.take(GUESSES, NOON, 3)


def test_past_windows_are_deleted(unit_of_work: Database) -> None:
    with unit_of_work.transaction() as transaction:
        transaction.usage_totals.take(GUESSES, NOON)
        transaction.usage_totals.take(GUESSES, NOON + HOUR)
        transaction.usage_totals.forget(NOON + HOUR)
        assert [transaction.usage_totals.taken(GUESSES, at) for at in (NOON, NOON + HOUR)] == [0, 1]


def test_concurrent_requests_do_not_exceed_a_quota(own_database_url: str) -> None:
    unit_of_work = PostgresUnitOfWork(own_database_url, connections=8)

    def take(_: int) -> bool:
        with unit_of_work.transaction() as transaction:
            return transaction.usage_totals.take(SESSIONS, NOON)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(150))) == SESSIONS.amount
    unit_of_work.close()


def test_the_stored_size_includes_photos_results_and_archives(unit_of_work: Database) -> None:
    with unit_of_work.transaction() as transaction:
        assert transaction.usage_totals.stored_bytes() == 0
    about = facts(photos=2)
    order = take_order(unit_of_work, about, *about.until_completed()[1:])
    originals = sum(image.upload.size_bytes for image in order.images.values())
    results = sum(image.restored.size_bytes for image in order.images.values() if image.restored)
    archives = sum(link.archive.size_bytes for link in order.links.values())
    assert min(originals, results, archives) > 0
    with unit_of_work.transaction() as transaction:
        assert transaction.usage_totals.stored_bytes() == originals + results + archives
