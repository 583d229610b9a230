"""Sweeps on PostgreSQL while another sweep has its rows: each takes what is free and waits for nobody's commit."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import pytest

from adapters.postgres.unit_of_work import PostgresBooks
from domain.ports.reaction_queue import Outcome
from domain.ports.unit_of_work import Transaction
from domain.signed_tokens import sha256_of
from tests.adapters.support.waiting_for_locks import until_it_waits_or_ends
from tests.contracts.stored_streams import MINUTE, NOON, claimed, facts, schedule, scheduled, session

LATER = NOON + timedelta(days=60)

#: Takes up to so many rows and tells how many those were.
Sweep = Callable[[Transaction, int], int]


@pytest.fixture
def books(own_database_url: str) -> Iterator[PostgresBooks]:
    with closing(PostgresBooks(own_database_url, connections=4)) as books:
        yield books


def unsent_work(books: PostgresBooks) -> Sweep:
    schedule(books, scheduled(facts()), scheduled(facts()))
    return lambda transaction, limit: len(transaction.reactions.take_unsent(LATER, MINUTE, limit))


def closed_work(books: PostgresBooks) -> Sweep:
    schedule(books, *(works := [scheduled(facts()), scheduled(facts())]))
    for work in works:
        held = claimed(books, work)
        with books.transaction() as transaction:
            transaction.reactions.close(held, outcome=Outcome.DONE)
    return lambda transaction, limit: transaction.reactions.forget_closed(LATER, limit)


def old_messages(books: PostgresBooks) -> Sweep:
    with books.transaction() as transaction:
        for name in ("evt_1", "evt_2"):
            transaction.inbox.take("stripe", name, "charge.updated", sha256_of(name), NOON)
    return lambda transaction, limit: transaction.inbox.forget(LATER, limit)


def stale_sessions(books: PostgresBooks) -> Sweep:
    with books.transaction() as transaction:
        for _ in range(2):
            transaction.uploads.open(session())
    return lambda transaction, limit: len(transaction.uploads.expire_stale(LATER, LATER, limit))


@pytest.mark.parametrize("prepare", [unsent_work, closed_work, old_messages, stale_sessions])
def test_a_sweep_takes_what_another_one_left_without_waiting_for_it(
    books: PostgresBooks, own_database_url: str, prepare: Callable[[PostgresBooks], Sweep]
) -> None:
    sweep = prepare(books)

    def swept() -> int:
        with books.transaction() as transaction:
            return sweep(transaction, 10)

    with ThreadPoolExecutor(1) as other, books.transaction() as transaction:
        assert sweep(transaction, 1) == 1
        meanwhile: Future[int] = other.submit(swept)
        until_it_waits_or_ends(own_database_url, meanwhile)
        assert meanwhile.done(), "it waits for the rows that the other sweep has"
        assert meanwhile.result() == 1
