"""Concurrent sweeps on PostgreSQL skip each other's locked rows."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import pytest

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.ports.reaction_queue import Outcome
from domain.ports.unit_of_work import Transaction
from domain.signed_tokens import sha256_of
from tests.adapters.support.waiting_for_locks import until_it_waits_or_ends
from tests.contracts.stored_streams import MINUTE, NOON, claimed, facts, schedule, scheduled, session

LATER = NOON + timedelta(days=60)

#: Process up to this many rows; return their number.
Sweep = Callable[[Transaction, int], int]


def unsent_work(unit_of_work: PostgresUnitOfWork) -> Sweep:
    schedule(unit_of_work, scheduled(facts()), scheduled(facts()))
    return lambda transaction, limit: len(transaction.reactions.take_unsent(LATER, MINUTE, limit))


def closed_work(unit_of_work: PostgresUnitOfWork) -> Sweep:
    schedule(unit_of_work, *(works := [scheduled(facts()), scheduled(facts())]))
    for work in works:
        held = claimed(unit_of_work, work)
        with unit_of_work.transaction() as transaction:
            transaction.reactions.close(held, outcome=Outcome.DONE)
    return lambda transaction, limit: transaction.reactions.forget_closed(LATER, limit)


def old_messages(unit_of_work: PostgresUnitOfWork) -> Sweep:
    with unit_of_work.transaction() as transaction:
        for name in ("evt_1", "evt_2"):
            transaction.webhook_inbox.accept("stripe", name, "charge.updated", sha256_of(name), NOON)
    return lambda transaction, limit: transaction.webhook_inbox.forget(LATER, limit)


def stale_sessions(unit_of_work: PostgresUnitOfWork) -> Sweep:
    with unit_of_work.transaction() as transaction:
        for _ in range(2):
            transaction.upload_sessions.open(session())
    return lambda transaction, limit: len(transaction.upload_sessions.expire_stale(LATER, LATER, limit))


@pytest.mark.parametrize("prepare", [unsent_work, closed_work, old_messages, stale_sessions])
def test_a_sweep_skips_rows_that_another_one_locked(
    unit_of_work: PostgresUnitOfWork, own_database_url: str, prepare: Callable[[PostgresUnitOfWork], Sweep]
) -> None:
    sweep = prepare(unit_of_work)

    def swept() -> int:
        with unit_of_work.transaction() as transaction:
            return sweep(transaction, 10)

    with ThreadPoolExecutor(1) as other, unit_of_work.transaction() as transaction:
        assert sweep(transaction, 1) == 1
        meanwhile: Future[int] = other.submit(swept)
        until_it_waits_or_ends(own_database_url, meanwhile)
        assert meanwhile.done(), "it waits for the rows that the other sweep has"
        assert meanwhile.result() == 1
