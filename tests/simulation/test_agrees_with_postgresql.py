"""Compare the in-memory unit of work with PostgreSQL, statement by statement.

A world's transactions are replayed on PostgreSQL and must get the same results.
"""

from collections.abc import Iterator
from dataclasses import is_dataclass, replace
from typing import Any
from uuid import uuid4

import pytest

from adapters.postgres import order_snapshots
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.order.events import RecordedEvent
from domain.order.evolve import fold
from domain.ports.reconciliation_queries import ReactionSummary
from domain.ports.unit_of_work import Database, UnitOfWorkError
from tests.simulation.faults import Plan
from tests.simulation.journal import Journal, Statement
from tests.simulation.world import World


@pytest.fixture
def postgres(own_database_url: str) -> Iterator[PostgresUnitOfWork]:
    unit_of_work = PostgresUnitOfWork(own_database_url, connections=2)
    yield unit_of_work
    unit_of_work.close()


def lived(seed: int) -> tuple[World, Journal]:
    """Run a world with serial transactions, and provider faults of every kind."""
    journal = Journal()
    world = World(seed, plan=Plan(), journal=journal)
    try:
        world.live()
    finally:
        world.close()
    return world, journal


@pytest.mark.parametrize(
    ("seed", "every_events"),
    [
        pytest.param(7, order_snapshots.EVERY_EVENTS, marks=pytest.mark.slow),
        pytest.param(28, 2, id="nearly every order is loaded by a snapshot"),
    ],
)
def test_postgresql_answers_every_statement_as_the_unit_of_work_in_memory_does(
    seed: int, every_events: int, postgres: PostgresUnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_snapshots, "EVERY_EVENTS", every_events)
    world, journal = lived(seed)
    assert sum(1 for _ in journal.statements()) > 500
    for number, transaction in enumerate(journal.transactions):
        with postgres.transaction() as repeated:
            for statement in transaction:
                found = getattr(getattr(repeated, statement.port), statement.method)(
                    *statement.args, **statement.kwargs
                )
                assert comparable(found) == comparable(statement.found), (number, _shown(statement))
    for order_id, stream in world.own_unit_of_work.pages.streams.items():
        with postgres.transaction() as repeated:
            assert repeated.event_store.load(order_id) == fold(order_id, stream)


def test_both_refuse_alike_what_a_world_has_recorded_already(postgres: PostgresUnitOfWork) -> None:
    world, journal = lived(9)
    replay(postgres, journal)
    steps = [one.args[0] for one in journal.statements() if one.method == "append" and one.args[0].events]
    assert len(steps) > 50
    for step in steps:
        events = tuple(replace(each, event_id=uuid4()) for each in step.events)
        refusals = []
        for unit_of_work in (postgres, InMemory(world)):
            with pytest.raises(UnitOfWorkError) as refusal, unit_of_work.transaction() as repeated:
                repeated.event_store.append(replace(step, events=events, closes=None))
            refusals.append(type(refusal.value))
        assert refusals[0] is refusals[1]


def replay(unit_of_work: Database, journal: Journal) -> None:
    """Replay a world's transactions, whatever the results."""
    for transaction in journal.transactions:
        with unit_of_work.transaction() as repeated:
            for statement in transaction:
                getattr(getattr(repeated, statement.port), statement.method)(
                    *statement.args, **statement.kwargs
                )


class InMemory:
    """The in-memory database of a finished world, without its scheduler."""

    def __init__(self, world: World) -> None:
        self._unit_of_work = world.own_unit_of_work

    def transaction(self) -> Any:
        """Begin a transaction that runs alone."""
        return super(type(self._unit_of_work), self._unit_of_work).transaction()


def comparable(found: Any) -> Any:
    """Reduce a result to what both stores promise.

    Hashes, positions and the display of rows belong to one store. A list without a promised order is sorted.
    """
    if isinstance(found, RecordedEvent):
        return replace(found, position=None, sha256=None)
    if isinstance(found, dict):
        return {key: comparable(value) for key, value in found.items()}
    if isinstance(found, list) and all(isinstance(each, dict) for each in found):
        return len(found)
    if isinstance(found, list):
        alike = [comparable(each) for each in found]
        is_ordered = all(is_dataclass(each) and not isinstance(each, ReactionSummary) for each in alike)
        return alike if is_ordered else sorted(alike, key=repr)
    return found


def _shown(statement: Statement) -> str:
    return f"{statement.port}.{statement.method}{statement.args} {statement.kwargs}"[:600]
