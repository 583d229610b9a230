"""Of two workers that claim the same letter, one gets it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from tests.adapters.support.waiting_for_locks import until_it_waits_or_ends

NOW = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
SUBJECT = "condition:money_owed"


def claim(unit_of_work: PostgresUnitOfWork) -> bool:
    with unit_of_work.transaction() as transaction:
        return transaction.owner_letters.claim(SUBJECT, NOW)


def test_a_claim_that_waited_for_another_gets_nothing(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    with ThreadPoolExecutor(1) as other:
        with unit_of_work.transaction() as transaction:
            assert transaction.owner_letters.claim(SUBJECT, NOW)
            second = other.submit(claim, unit_of_work)
            until_it_waits_or_ends(own_database_url, second)
        assert second.result() is False
