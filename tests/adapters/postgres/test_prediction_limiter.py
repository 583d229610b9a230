"""Prediction slots on a real server: limits and fairness under concurrency."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import chain
from uuid import UUID

import psycopg

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.order.reactions import RestoreImage
from domain.ports.reaction_queue import Outcome, ScheduledReaction
from tests.contracts.stored_streams import MINUTE, NOON, admit, claimed, facts, schedule, scheduled
from tests.waiting import eventually

WORKERS = 8
MAX_RUNNING = 20
_SLOTS = "SELECT count(*) FROM reactions WHERE admitted_at IS NOT NULL AND status IN ('pending', 'leased')"

_WAITS = """SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
    WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted"""


def starts(
    unit_of_work: PostgresUnitOfWork, photos: int, due_at: datetime = NOON
) -> dict[UUID, ScheduledReaction]:
    """The starts of one order, by id."""
    about = facts(photos)
    work = [scheduled(about, RestoreImage(image_id, 1), due_at=due_at) for image_id in about.images]
    schedule(unit_of_work, *work)
    return {start.reaction_id: start for start in work}


def admitted(unit_of_work: PostgresUnitOfWork, max_running: int = MAX_RUNNING) -> list[UUID]:
    return [reaction_id for reaction_id, _ in admit(unit_of_work, max_running=max_running)]


def finish(unit_of_work: PostgresUnitOfWork, start: ScheduledReaction) -> None:
    held = claimed(unit_of_work, start)
    with unit_of_work.transaction() as transaction:
        transaction.reactions.close(held, outcome=Outcome.DONE)


def test_concurrent_workers_share_the_free_slots(unit_of_work: PostgresUnitOfWork) -> None:
    starts(unit_of_work, photos=200)
    with ThreadPoolExecutor(WORKERS) as workers:
        rounds = list(workers.map(lambda _: admitted(unit_of_work), range(5 * WORKERS)))
    everything = list(chain.from_iterable(rounds))
    assert len(everything) == len(set(everything)) == MAX_RUNNING


def test_granting_slots_waits_for_a_grant_in_progress(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    starts(unit_of_work, photos=1)
    with ThreadPoolExecutor(1) as worker, psycopg.connect(own_database_url, autocommit=True) as look:
        with unit_of_work.transaction() as transaction:
            assert len(transaction.prediction_slots.grant(NOON, max_running=1, max_per_minute=1)) == 1
            starts(
                unit_of_work, photos=1, due_at=NOON - MINUTE
            )  # these would come first, and are not committed above
            other = worker.submit(admitted, unit_of_work, 1)
            eventually(lambda: other.done() or look.execute(_WAITS).fetchone() == (1,), "another worker")
        assert other.result() == []


def test_a_start_whose_commit_waits_for_slots_delays_no_other_grant(
    unit_of_work: PostgresUnitOfWork,
) -> None:
    """Both would wait for each other: its commit grants slots itself."""
    (start,) = starts(unit_of_work, photos=1).values()
    with unit_of_work.transaction() as committing:
        committing.reactions.schedule([start])
        assert admitted(unit_of_work) == []
        grants = committing.prediction_slots.grant(NOON, max_running=1, max_per_minute=1)
        assert [reaction_id for reaction_id, _ in grants] == [start.reaction_id]


def test_a_start_whose_commit_waits_for_slots_delays_no_pause(unit_of_work: PostgresUnitOfWork) -> None:
    (start,) = starts(unit_of_work, photos=1).values()
    assert admitted(unit_of_work) == [start.reaction_id]
    with unit_of_work.transaction() as committing:
        committing.reactions.schedule([start])
        with unit_of_work.transaction() as pausing:
            pausing.prediction_slots.pause(NOON + MINUTE)
        assert committing.prediction_slots.grant(NOON, max_running=2, max_per_minute=2) == []


def test_an_order_of_one_gets_a_slot_in_its_first_round(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    work = starts(unit_of_work, photos=200)
    running = admitted(unit_of_work)
    (one,) = own = starts(unit_of_work, photos=1)
    work |= own
    with ThreadPoolExecutor(WORKERS) as workers, psycopg.connect(own_database_url, autocommit=True) as look:

        def end_and_admit(reaction_id: UUID) -> list[UUID]:
            finish(unit_of_work, work[reaction_id])
            return admitted(unit_of_work)

        rounds = 0
        while running:
            rounds += 1
            following = list(chain.from_iterable(workers.map(end_and_admit, running)))
            slots = look.execute(_SLOTS).fetchone()
            assert slots == (len(following),)
            assert len(following) <= MAX_RUNNING
            assert rounds > 1 or one in following
            running = following
    assert rounds == 11  # 20 at a time
