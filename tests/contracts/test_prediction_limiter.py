"""Admissions: orders take turns, both limits hold, and whatever becomes of a start, its slot comes back."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from domain.order.reactions import CancelPrediction, CollectRestoration, RestoreImage
from domain.ports.event_store import Step
from domain.ports.reaction_queue import Claim, Outcome, Scheduled
from domain.ports.unit_of_work import Books
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


def waiting(books: Books, photos: int = 1, *, about: Facts | None = None) -> list[Scheduled]:
    """The starts of an order, one a photo, scheduled."""
    order = about or facts(photos)
    work = [scheduled(order, RestoreImage(image_id, 1)) for image_id in order.images]
    schedule(books, *work)
    return work


def following(start: Scheduled, kind: type) -> Scheduled:
    """The work that follows when a start has brought a prediction."""
    about = Facts(order_id=start.order_id)
    if kind is CancelPrediction:
        return scheduled(about, CancelPrediction("prediction-1"))
    return scheduled(about, CollectRestoration(about.image(0), 1, "prediction-1"), due_at=NOON + MINUTE)


def taken(books: Books, now: datetime = NOON, *, of: Iterable[Scheduled], max_running: int) -> int:
    """How many of these are admitted."""
    ours = {work.reaction_id for work in of}
    return len(ours & {reaction_id for reaction_id, _ in admit(books, now, max_running=max_running)})


def take_unsent(books: Books, now: datetime) -> list[UUID]:
    with books.transaction() as transaction:
        return [found for found, _ in transaction.reactions.take_unsent(now, 10 * SECOND, 10)]


def pause(books: Books, until: datetime) -> None:
    with books.transaction() as transaction:
        transaction.admissions.pause(until)


def close(books: Books, held: Claim, outcome: Outcome) -> None:
    with books.transaction() as transaction:
        transaction.reactions.close(held, outcome=outcome)


def postpone(books: Books, held: Claim) -> None:
    with books.transaction() as transaction:
        transaction.reactions.postpone(held, NOON + 10 * SECOND, "The provider rests.")


def want_again(books: Books, held: Claim) -> None:
    paid = take_order(books, Facts(order_id=held.order_id))
    again = Step(before=paid, after=paid, events=(), closes=held, outcome=Outcome.AGAIN, again_at=NOON)
    with books.transaction() as transaction:
        transaction.log.record(again)


def test_a_start_is_nobodys_to_have_before_it_is_admitted(books: Books) -> None:
    (start,) = waiting(books)
    assert claim(books, start) is None
    assert take_unsent(books, NOON) == []
    assert admit(books) == [(start.reaction_id, start.reaction)]
    assert claimed(books, start).reaction == start.reaction


def test_a_start_is_admitted_once_and_counts_as_sent(books: Books) -> None:
    (start,) = waiting(books)
    admit(books)
    assert admit(books) == []
    assert take_unsent(books, NOON + 9 * SECOND) == []
    assert take_unsent(books, NOON + 10 * SECOND) == [start.reaction_id]


def test_only_starts_that_are_due_are_admitted_and_no_other_work(books: Books) -> None:
    about = facts(2)
    later = scheduled(about, RestoreImage(about.image(0), 1), due_at=NOON + MINUTE)
    schedule(books, later, scheduled(about), scheduled(about, CancelPrediction("prediction-1")))
    assert admit(books) == []
    assert admit(books, NOON + MINUTE) == [(later.reaction_id, later.reaction)]


def test_no_more_starts_are_admitted_than_may_run(books: Books) -> None:
    waiting(books, photos=9)
    assert len(admit(books, max_running=5)) == 5
    assert admit(books, max_running=5) == []
    assert len(admit(books, max_running=6)) == 1


@pytest.mark.parametrize(
    "end",
    [
        *(lambda books, held, how=how: close(books, held, how) for how in ("done", "failed", "dropped")),
        postpone,
        want_again,
    ],
    ids=["done", "failed", "dropped", "postponed", "wanted again"],
)
def test_a_start_that_ended_gives_its_slot_back(books: Books, end: Callable[[Books, Claim], None]) -> None:
    (start,) = waiting(books)
    admit(books, max_running=1)
    held = claimed(books, start)
    (other,) = waiting(books)
    assert admit(books, max_running=1) == []
    end(books, held)
    assert [found for found, _ in admit(books, max_running=1)] == [other.reaction_id]


@pytest.mark.parametrize("end", [postpone, want_again], ids=["postponed", "wanted again"])
def test_each_try_needs_an_admission_of_its_own(books: Books, end: Callable[[Books, Claim], None]) -> None:
    (start,) = waiting(books)
    admit(books)
    end(books, claimed(books, start))
    assert claim(books, start, NOON + MINUTE) is None
    assert take_unsent(books, NOON + MINUTE) == []
    assert len(admit(books, NOON + MINUTE)) == 1
    assert claimed(books, start, NOON + MINUTE).attempts == 2


def test_a_start_that_reopens_needs_an_admission_of_its_own(books: Books) -> None:
    (start,) = waiting(books)
    admit(books)
    close(books, claimed(books, start), Outcome.DROPPED)
    schedule(books, start)
    assert claim(books, start) is None
    assert len(admit(books)) == 1


@pytest.mark.parametrize("kind", [CollectRestoration, CancelPrediction])
def test_a_prediction_keeps_its_slot_until_it_is_collected_or_cancelled(books: Books, kind: type) -> None:
    (start,) = waiting(books)
    admit(books, max_running=1)
    held = claimed(books, start)
    follower = following(start, kind)
    schedule(books, follower)
    close(books, held, Outcome.DONE)
    waiting(books)
    assert admit(books, max_running=1) == []
    close(books, claimed(books, follower, NOON + MINUTE), Outcome.DONE)
    assert len(admit(books, NOON + MINUTE, max_running=1)) == 1


def test_a_prediction_that_is_to_be_collected_and_to_be_cancelled_has_one_slot(books: Books) -> None:
    (start,) = waiting(books)
    schedule(books, following(start, CollectRestoration), following(start, CancelPrediction))
    assert admit(books, max_running=1) == []
    assert len(admit(books, max_running=2)) == 1


def test_a_start_whose_worker_died_keeps_its_slot_and_is_taken_over(books: Books) -> None:
    (start,) = waiting(books)
    admit(books, max_running=1)
    claimed(books, start, NOON, MINUTE)
    waiting(books)
    assert admit(books, NOON + MINUTE, max_running=1) == []
    assert take_unsent(books, NOON + MINUTE) == [start.reaction_id]
    assert claimed(books, start, NOON + MINUTE).was_interrupted


def test_an_order_of_one_does_not_wait_for_an_order_of_two_hundred(books: Books) -> None:
    waiting(books, photos=200)
    admit(books, max_running=4)
    (one,) = waiting(books)
    assert admit(books, max_running=4) == []
    assert [found for found, _ in admit(books, max_running=5)] == [one.reaction_id]


def test_orders_take_turns(books: Books) -> None:
    orders = [waiting(books, photos=photos) for photos in (20, 3, 20)]
    of = {work.reaction_id: index for index, works in enumerate(orders) for work in works}
    admitted = Counter(of[found] for found, _ in admit(books, max_running=13))
    assert admitted == {0: 5, 1: 3, 2: 5}


def test_an_order_with_predictions_that_run_lets_others_go_first(books: Books) -> None:
    about = facts(9)
    many = waiting(books, about=about)
    running = [
        scheduled(about, CollectRestoration(about.image(index), 1, f"p-{index}")) for index in (1, 2, 3)
    ]
    schedule(books, *running)
    few = waiting(books, photos=4)
    assert taken(books, of=few, max_running=6) == 3
    assert taken(books, of=many, max_running=8) == 1


def test_of_orders_that_have_as_much_comes_first_whose_turn_is_longest_ago(books: Books) -> None:
    """Or else an order of many, whose photos are all done at once, would always be the oldest."""
    many = waiting(books, photos=200)
    ((first, _),) = admit(books, NOON, max_running=1)
    close(books, claimed(books, next(w for w in many if w.reaction_id == first)), Outcome.DONE)
    about = facts(1)
    schedule(books, scheduled(about, RestoreImage(about.image(0), 1), due_at=NOON + SECOND))
    ((second, _),) = admit(books, NOON + SECOND, max_running=1)
    assert second not in {work.reaction_id for work in many}


def test_no_more_starts_are_admitted_within_any_minute_than_allowed(books: Books) -> None:
    waiting(books, photos=9)
    for second in (0, 30):
        admitted = admit(books, NOON + second * SECOND, max_running=second + 2, max_per_minute=3)
        assert len(admitted) == (2 if second == 0 else 1)
    assert admit(books, NOON + 59 * SECOND, max_per_minute=3) == []
    assert len(admit(books, NOON + 60 * SECOND, max_per_minute=3)) == 2
    assert len(admit(books, NOON + 90 * SECOND, max_per_minute=3)) == 1


def test_a_try_that_failed_counts_for_its_minute(books: Books) -> None:
    (start,) = waiting(books)
    admit(books)
    postpone(books, claimed(books, start))
    waiting(books, photos=3)
    assert len(admit(books, max_per_minute=3)) == 2


def test_a_start_that_was_dropped_created_nothing_and_does_not_count(books: Books) -> None:
    (start,) = waiting(books)
    admit(books)
    close(books, claimed(books, start), Outcome.DROPPED)
    waiting(books, photos=3)
    assert len(admit(books, max_per_minute=3)) == 3


def test_nothing_is_admitted_in_a_pause_and_the_longest_pause_counts(books: Books) -> None:
    waiting(books)
    pause(books, NOON + 2 * MINUTE)
    pause(books, NOON + MINUTE)
    assert admit(books, NOON + 2 * MINUTE - SECOND) == []
    assert len(admit(books, NOON + 2 * MINUTE)) == 1


def test_a_pause_takes_back_what_nobody_has_begun(books: Books) -> None:
    begun, admitted = waiting(books, photos=2)
    admit(books)
    held = claimed(books, begun)
    pause(books, NOON + SECOND)
    assert claim(books, admitted) is None
    assert take_unsent(books, NOON + MINUTE / 2) == []
    assert admit(books, NOON + SECOND, max_running=1) == []
    assert len(admit(books, NOON + SECOND, max_running=2, max_per_minute=2)) == 1
    close(books, held, Outcome.DONE)
