"""The rest of a comparison goes to one of two workers."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.ports.reconciliation_rounds import UnfinishedRound
from tests.adapters.support.waiting_for_locks import until_it_waits_or_ends

NOW = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
DAY = timedelta(days=1)
LACKING = UnfinishedRound(
    began_at=NOW, since=NOW - DAY, late_sides=("stripe",), findings=0, repaired=0, is_flawed=False
)


def take(unit_of_work: PostgresUnitOfWork) -> UnfinishedRound | None:
    with unit_of_work.transaction() as transaction:
        return transaction.reconciliation_rounds.take_unfinished()


def test_a_call_that_waited_for_another_gets_nothing(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    with unit_of_work.transaction() as transaction:
        assert transaction.reconciliation_rounds.begin(NOW, unless_since=NOW - DAY) is not None
        transaction.reconciliation_rounds.interrupt(LACKING)
    with ThreadPoolExecutor(1) as other:
        with unit_of_work.transaction() as transaction:
            assert transaction.reconciliation_rounds.take_unfinished() == LACKING
            second = other.submit(take, unit_of_work)
            until_it_waits_or_ends(own_database_url, second)
        assert second.result() is None
