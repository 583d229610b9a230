"""Prediction slots: turns between orders, both limits, release of slots."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from domain.order.reactions import CancelPrediction, CollectRestoration, RestoreImage
from domain.ports.event_store import Commit
from domain.ports.reaction_queue import Claim, Outcome, ScheduledReaction
from domain.ports.unit_of_work import Database
from tests.contracts.stored_streams import (
    MINUTE,
    NOON,
    admit,
    claim,
    claimed,
    facts,
    schedule,
    scheduled,
    take_order,
)
from tests.domain.support.event_builders import Facts

SECOND = timedelta(seconds=1)


def waiting(
    unit_of_work: Database, photos: int = 1, *, about: Facts | None = None
) -> list[ScheduledReaction]:
    """The scheduled starts of an order, one per photo."""
    order = about or facts(photos)
    work = [scheduled(order, RestoreImage(image_id, 1)) for image_id in order.images]
    schedule(unit_of_work, *work)
    return work


def following(start: ScheduledReaction, kind: type) -> ScheduledReaction:
    """The reaction that follows when a start has created a prediction."""
    about = Facts(order_id=start.order_id)
    if kind is CancelPrediction:
        return scheduled(about, CancelPrediction("prediction-1"))
    return scheduled(about, CollectRestoration(about.image(0), 1, "prediction-1"), due_at=NOON + MINUTE)


def taken(
    unit_of_work: Database, now: datetime = NOON, *, of: Iterable[ScheduledReaction], max_running: int
) -> int:
    """The number of these that get a slot."""
    ours = {work.reaction_id for work in of}
    return len(ours & {reaction_id for reaction_id, _ in admit(unit_of_work, now, max_running=max_running)})


def take_unsent(unit_of_work: Database, now: datetime) -> list[UUID]:
    with unit_of_work.transaction() as transaction:
        return [found for found, _ in transaction.reactions.take_unsent(now, 10 * SECOND, 10)]


def pause(unit_of_work: Database, until: datetime) -> None:
    with unit_of_work.transaction() as transaction:
        transaction.prediction_slots.pause(until)


def close(unit_of_work: Database, held: Claim, outcome: Outcome) -> None:
    with unit_of_work.transaction() as transaction:
        transaction.reactions.close(held, outcome=outcome)


def postpone(unit_of_work: Database, held: Claim) -> None:
    with unit_of_work.transaction() as transaction:
        transaction.reactions.postpone(held, NOON + 10 * SECOND, "The provider rests.")


def want_again(unit_of_work: Database, held: Claim) -> None:
    paid = take_order(unit_of_work, Facts(order_id=held.order_id))
    again = Commit(before=paid, after=paid, events=(), closes=held, outcome=Outcome.AGAIN, again_at=NOON)
    with unit_of_work.transaction() as transaction:
        transaction.event_store.append(again)


def test_a_start_cannot_be_claimed_before_its_slot_is_granted(unit_of_work: Database) -> None:
    (start,) = waiting(unit_of_work)
    assert claim(unit_of_work, start) is None
    assert take_unsent(unit_of_work, NOON) == []
    assert admit(unit_of_work) == [(start.reaction_id, start.reaction)]
    assert claimed(unit_of_work, start).reaction == start.reaction


def test_a_start_gets_a_slot_once_and_counts_as_sent(unit_of_work: Database) -> None:
    (start,) = waiting(unit_of_work)
    admit(unit_of_work)
    assert admit(unit_of_work) == []
    assert take_unsent(unit_of_work, NOON + 9 * SECOND) == []
    assert take_unsent(unit_of_work, NOON + 10 * SECOND) == [start.reaction_id]


def test_only_due_starts_get_slots(unit_of_work: Database) -> None:
    about = facts(2)
    later = scheduled(about, RestoreImage(about.image(0), 1), due_at=NOON + MINUTE)
    schedule(unit_of_work, later, scheduled(about), scheduled(about, CancelPrediction("prediction-1")))
    assert admit(unit_of_work) == []
    assert admit(unit_of_work, NOON + MINUTE) == [(later.reaction_id, later.reaction)]


def test_no_more_slots_are_granted_than_may_run(unit_of_work: Database) -> None:
    waiting(unit_of_work, photos=9)
    assert len(admit(unit_of_work, max_running=5)) == 5
    assert admit(unit_of_work, max_running=5) == []
    assert len(admit(unit_of_work, max_running=6)) == 1


@pytest.mark.parametrize(
    "end",
    [
        *(
            lambda unit_of_work, held, how=how: close(unit_of_work, held, how)
            for how in ("done", "failed", "dropped")
        ),
        postpone,
        want_again,
    ],
    ids=["done", "failed", "dropped", "postponed", "wanted again"],
)
def test_a_closed_start_frees_its_slot(
    unit_of_work: Database, end: Callable[[Database, Claim], None]
) -> None:
    (start,) = waiting(unit_of_work)
    admit(unit_of_work, max_running=1)
    held = claimed(unit_of_work, start)
    (other,) = waiting(unit_of_work)
    assert admit(unit_of_work, max_running=1) == []
    end(unit_of_work, held)
    assert [found for found, _ in admit(unit_of_work, max_running=1)] == [other.reaction_id]


@pytest.mark.parametrize("end", [postpone, want_again], ids=["postponed", "wanted again"])
def test_each_attempt_needs_a_slot_of_its_own(
    unit_of_work: Database, end: Callable[[Database, Claim], None]
) -> None:
    (start,) = waiting(unit_of_work)
    admit(unit_of_work)
    end(unit_of_work, claimed(unit_of_work, start))
    assert claim(unit_of_work, start, NOON + MINUTE) is None
    assert take_unsent(unit_of_work, NOON + MINUTE) == []
    assert len(admit(unit_of_work, NOON + MINUTE)) == 1
    assert claimed(unit_of_work, start, NOON + MINUTE).attempts == 2


def test_a_reopened_start_needs_a_slot_of_its_own(unit_of_work: Database) -> None:
    (start,) = waiting(unit_of_work)
    admit(unit_of_work)
    close(unit_of_work, claimed(unit_of_work, start), Outcome.DROPPED)
    schedule(unit_of_work, start)
    assert claim(unit_of_work, start) is None
    assert len(admit(unit_of_work)) == 1


@pytest.mark.parametrize("kind", [CollectRestoration, CancelPrediction])
def test_a_prediction_keeps_its_slot_until_it_is_collected_or_cancelled(
    unit_of_work: Database, kind: type
) -> None:
    (start,) = waiting(unit_of_work)
    admit(unit_of_work, max_running=1)
    held = claimed(unit_of_work, start)
    follower = following(start, kind)
    schedule(unit_of_work, follower)
    close(unit_of_work, held, Outcome.DONE)
    waiting(unit_of_work)
    assert admit(unit_of_work, max_running=1) == []
    close(unit_of_work, claimed(unit_of_work, follower, NOON + MINUTE), Outcome.DONE)
    assert len(admit(unit_of_work, NOON + MINUTE, max_running=1)) == 1


def test_a_prediction_that_is_to_be_collected_and_to_be_cancelled_has_one_slot(
    unit_of_work: Database,
) -> None:
    (start,) = waiting(unit_of_work)
    schedule(unit_of_work, following(start, CollectRestoration), following(start, CancelPrediction))
    assert admit(unit_of_work, max_running=1) == []
    assert len(admit(unit_of_work, max_running=2)) == 1


def test_a_start_whose_worker_died_keeps_its_slot_and_is_claimed_again(unit_of_work: Database) -> None:
    (start,) = waiting(unit_of_work)
    admit(unit_of_work, max_running=1)
    claimed(unit_of_work, start, NOON, MINUTE)
    waiting(unit_of_work)
    assert admit(unit_of_work, NOON + MINUTE, max_running=1) == []
    assert take_unsent(unit_of_work, NOON + MINUTE) == [start.reaction_id]
    assert claimed(unit_of_work, start, NOON + MINUTE).was_interrupted


def test_an_order_of_one_does_not_wait_for_an_order_of_two_hundred(unit_of_work: Database) -> None:
    waiting(unit_of_work, photos=200)
    admit(unit_of_work, max_running=4)
    (one,) = waiting(unit_of_work)
    assert admit(unit_of_work, max_running=4) == []
    assert [found for found, _ in admit(unit_of_work, max_running=5)] == [one.reaction_id]


def test_orders_take_turns(unit_of_work: Database) -> None:
    orders = [waiting(unit_of_work, photos=photos) for photos in (20, 3, 20)]
    of = {work.reaction_id: index for index, works in enumerate(orders) for work in works}
    admitted = Counter(of[found] for found, _ in admit(unit_of_work, max_running=13))
    assert admitted == {0: 5, 1: 3, 2: 5}


def test_an_order_with_running_predictions_comes_after_others(unit_of_work: Database) -> None:
    about = facts(9)
    many = waiting(unit_of_work, about=about)
    running = [
        scheduled(about, CollectRestoration(about.image(index), 1, f"p-{index}")) for index in (1, 2, 3)
    ]
    schedule(unit_of_work, *running)
    few = waiting(unit_of_work, photos=4)
    assert taken(unit_of_work, of=few, max_running=6) == 3
    assert taken(unit_of_work, of=many, max_running=8) == 1


def test_among_equal_orders_the_least_recently_served_comes_first(unit_of_work: Database) -> None:
    """Otherwise an order of many photos would always be the oldest."""
    many = waiting(unit_of_work, photos=200)
    ((first, _),) = admit(unit_of_work, NOON, max_running=1)
    close(unit_of_work, claimed(unit_of_work, next(w for w in many if w.reaction_id == first)), Outcome.DONE)
    about = facts(1)
    schedule(unit_of_work, scheduled(about, RestoreImage(about.image(0), 1), due_at=NOON + SECOND))
    ((second, _),) = admit(unit_of_work, NOON + SECOND, max_running=1)
    assert second not in {work.reaction_id for work in many}


def test_no_more_slots_are_granted_within_any_minute_than_allowed(unit_of_work: Database) -> None:
    waiting(unit_of_work, photos=9)
    for second in (0, 30):
        admitted = admit(unit_of_work, NOON + second * SECOND, max_running=second + 2, max_per_minute=3)
        assert len(admitted) == (2 if second == 0 else 1)
    assert admit(unit_of_work, NOON + 59 * SECOND, max_per_minute=3) == []
    assert len(admit(unit_of_work, NOON + 60 * SECOND, max_per_minute=3)) == 2
    assert len(admit(unit_of_work, NOON + 90 * SECOND, max_per_minute=3)) == 1


def test_a_failed_attempt_counts_for_its_minute(unit_of_work: Database) -> None:
    (start,) = waiting(unit_of_work)
    admit(unit_of_work)
    postpone(unit_of_work, claimed(unit_of_work, start))
    waiting(unit_of_work, photos=3)
    assert len(admit(unit_of_work, max_per_minute=3)) == 2


def test_a_dropped_start_does_not_count(unit_of_work: Database) -> None:
    (start,) = waiting(unit_of_work)
    admit(unit_of_work)
    close(unit_of_work, claimed(unit_of_work, start), Outcome.DROPPED)
    waiting(unit_of_work, photos=3)
    assert len(admit(unit_of_work, max_per_minute=3)) == 3


def test_no_slot_is_granted_in_a_pause_and_the_longest_pause_counts(unit_of_work: Database) -> None:
    waiting(unit_of_work)
    pause(unit_of_work, NOON + 2 * MINUTE)
    pause(unit_of_work, NOON + MINUTE)
    assert admit(unit_of_work, NOON + 2 * MINUTE - SECOND) == []
    assert len(admit(unit_of_work, NOON + 2 * MINUTE)) == 1


def test_a_pause_withdraws_slots_of_unclaimed_starts(unit_of_work: Database) -> None:
    begun, admitted = waiting(unit_of_work, photos=2)
    admit(unit_of_work)
    held = claimed(unit_of_work, begun)
    pause(unit_of_work, NOON + SECOND)
    assert claim(unit_of_work, admitted) is None
    assert take_unsent(unit_of_work, NOON + MINUTE / 2) == []
    assert admit(unit_of_work, NOON + SECOND, max_running=1) == []
    assert len(admit(unit_of_work, NOON + SECOND, max_running=2, max_per_minute=2)) == 1
    close(unit_of_work, held, Outcome.DONE)
