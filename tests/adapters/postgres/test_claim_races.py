"""Claims on PostgreSQL that wait for another transaction's row lock."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.ports.reaction_queue import Claim, Outcome, ScheduledReaction
from domain.ports.unit_of_work import Transaction
from tests.contracts.stored_streams import MINUTE, NOON, claim, claimed, facts, schedule, scheduled
from tests.waiting import eventually

LEASE_IS_OVER = NOON + MINUTE


@pytest.fixture
def claim_meanwhile(unit_of_work: PostgresUnitOfWork, own_database_url: str) -> "ClaimMeanwhile":
    """Run a change in a transaction while a claim waits for it."""

    def waits() -> bool:
        with psycopg.connect(own_database_url) as connection:
            query = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            return connection.execute(query).fetchone() is not None

    def claim_meanwhile(work: ScheduledReaction, change: Callable[[Transaction], object]) -> Claim | None:
        with ThreadPoolExecutor(1) as other:
            with unit_of_work.transaction() as transaction:
                change(transaction)
                waiting: Future[Claim | None] = other.submit(claim, unit_of_work, work, LEASE_IS_OVER)
                eventually(waits, "the claim that waits for the row")
            return waiting.result()

    return claim_meanwhile


ClaimMeanwhile = Callable[[ScheduledReaction, Callable[[Transaction], object]], Claim | None]


def test_a_claim_that_waited_for_the_end_of_the_work_gets_nothing(
    unit_of_work: PostgresUnitOfWork, claim_meanwhile: ClaimMeanwhile
) -> None:
    schedule(unit_of_work, work := scheduled(facts()))
    held = claimed(unit_of_work, work, NOON, MINUTE)
    assert claim_meanwhile(work, lambda own: own.reactions.close(held, outcome=Outcome.DONE)) is None


def test_a_claim_that_waited_for_another_claim_gets_nothing(
    unit_of_work: PostgresUnitOfWork, claim_meanwhile: ClaimMeanwhile
) -> None:
    schedule(unit_of_work, work := scheduled(facts()))
    claimed(unit_of_work, work, NOON, MINUTE)
    taken = claim_meanwhile(
        work, lambda own: own.reactions.claim(work.reaction_id, uuid4(), LEASE_IS_OVER, MINUTE)
    )
    assert taken is None


def test_a_claim_that_waited_for_a_postponement_is_not_an_interruption(
    unit_of_work: PostgresUnitOfWork, claim_meanwhile: ClaimMeanwhile
) -> None:
    schedule(unit_of_work, work := scheduled(facts()))
    held = claimed(unit_of_work, work, NOON, MINUTE)
    taken = claim_meanwhile(
        work, lambda own: own.reactions.postpone(held, LEASE_IS_OVER, "The provider rests.")
    )
    assert taken is not None
    assert (taken.attempts, taken.was_interrupted) == (2, False)
