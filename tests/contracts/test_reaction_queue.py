"""The reactions table: the only truth about outstanding work, whoever does it."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from domain.order.reactions import (
    CancelPrediction,
    CollectRestoration,
    DeletePhotos,
    IssueRefund,
    MoveImages,
    PrepareDownload,
    Reaction,
    RestoreImage,
    SendEmail,
)
from domain.order.values import EmailKind
from domain.ports.event_store import Step
from domain.ports.reaction_queue import Claim, GivenUp, Outcome, Scheduled
from domain.ports.unit_of_work import Books, LeaseLostError
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

ABOUT = Facts()
LATER = NOON + 10 * MINUTE
RETRY_AFTER = 2 * MINUTE


def close(books: Books, held: Claim, outcome: Outcome) -> None:
    with books.transaction() as transaction:
        transaction.reactions.close(held, outcome=outcome)


def postpone(books: Books, held: Claim, due_at: timedelta, *, has_progressed: bool = False) -> None:
    with books.transaction() as transaction:
        transaction.reactions.postpone(
            held, NOON + due_at, "The provider rests.", has_progressed=has_progressed
        )


def hasten(books: Books, work: Scheduled) -> None:
    with books.transaction() as transaction:
        transaction.reactions.hasten(work)


def take_unsent(books: Books, now: timedelta, limit: int = 10) -> list[UUID]:
    with books.transaction() as transaction:
        taken = transaction.reactions.take_unsent(NOON + now, RETRY_AFTER, limit)
    return [reaction_id for reaction_id, _ in taken]


@pytest.mark.parametrize(
    "reaction",
    [
        MoveImages(),
        RestoreImage(ABOUT.image(0), 2),
        CollectRestoration(ABOUT.image(0), 2, "prediction-0-2"),
        CancelPrediction("prediction-0-1"),
        PrepareDownload(),
        SendEmail(ABOUT.email(EmailKind.RESULT), EmailKind.RESULT, 1),
        IssueRefund(ABOUT.refund(), 3),
        DeletePhotos(for_good=True),
    ],
    ids=lambda reaction: type(reaction).__name__,
)
def test_work_is_claimed_as_it_was_scheduled(books: Books, reaction: Reaction) -> None:
    work = scheduled(facts(), reaction)
    schedule(books, work)
    admit(books)
    token = uuid4()
    with books.transaction() as transaction:
        held = transaction.reactions.claim(work.reaction_id, token, NOON, 5 * MINUTE)
    assert held == Claim(
        reaction_id=work.reaction_id,
        order_id=work.order_id,
        reaction=reaction,
        token=token,
        attempts=1,
        was_interrupted=False,
        first_due_at=NOON,
        claimed_at=NOON,
        leased_until=NOON + 5 * MINUTE,
    )


def test_work_nobody_scheduled_is_not_to_be_had(books: Books) -> None:
    assert claim(books, scheduled(facts())) is None


def test_work_is_to_be_had_from_the_moment_it_is_due(books: Books) -> None:
    work = scheduled(facts(), due_at=LATER)
    schedule(books, work)
    assert claim(books, work, LATER - timedelta(microseconds=1)) is None
    assert claim(books, work, LATER) is not None


def test_claimed_work_is_not_to_be_had_until_its_lease_runs_out(books: Books) -> None:
    work = scheduled(facts())
    schedule(books, work)
    claimed(books, work, NOON, 5 * MINUTE)
    assert claim(books, work, NOON + 5 * MINUTE - timedelta(microseconds=1)) is None
    again = claimed(books, work, NOON + 5 * MINUTE)
    assert (again.attempts, again.was_interrupted, again.first_due_at) == (2, True, NOON)


def test_of_many_who_claim_the_same_work_one_gets_it(books: Books) -> None:
    work = scheduled(facts())
    schedule(books, work)
    with ThreadPoolExecutor(4) as workers:
        claims = list(workers.map(lambda _: claim(books, work), range(8)))
    assert len([held for held in claims if held is not None]) == 1


def test_a_renewed_lease_holds_longer(books: Books) -> None:
    work, other = scheduled(facts()), scheduled(facts())
    schedule(books, work, other)
    held = claimed(books, work, NOON, MINUTE)
    claimed(books, other, NOON, MINUTE)
    with books.transaction() as transaction:
        transaction.reactions.renew([held.token, uuid4()], LATER)
    assert claim(books, work, LATER - MINUTE) is None
    assert claim(books, other, LATER - MINUTE) is not None
    assert claim(books, work, LATER) is not None


def test_a_lease_that_somebody_else_took_over_is_not_renewed(books: Books) -> None:
    work = scheduled(facts())
    schedule(books, work)
    lost = claimed(books, work, NOON, MINUTE)
    claimed(books, work, NOON + MINUTE, MINUTE)
    with books.transaction() as transaction:
        transaction.reactions.renew([lost.token], LATER)
    assert claim(books, work, NOON + 2 * MINUTE) is not None


def test_postponed_work_comes_back_when_it_is_due_and_counts_its_attempts(books: Books) -> None:
    work = scheduled(facts())
    schedule(books, work)
    postpone(books, claimed(books, work), 3 * MINUTE)
    assert claim(books, work, NOON + 2 * MINUTE) is None
    again = claimed(books, work, NOON + 3 * MINUTE)
    assert (again.attempts, again.was_interrupted, again.first_due_at) == (2, False, NOON)


def test_postponed_work_that_has_progressed_counts_from_the_beginning(books: Books) -> None:
    work = scheduled(facts())
    schedule(books, work)
    postpone(books, claimed(books, work), MINUTE, has_progressed=True)
    assert claimed(books, work, NOON + MINUTE).attempts == 1


@pytest.mark.parametrize("outcome", [Outcome.DONE, Outcome.DROPPED, Outcome.FAILED])
def test_closed_work_is_not_to_be_had(books: Books, outcome: Outcome) -> None:
    work = scheduled(facts())
    schedule(books, work)
    close(books, claimed(books, work), outcome)
    assert claim(books, work, LATER) is None
    assert take_unsent(books, 10 * MINUTE) == []


@pytest.mark.parametrize("outcome", [Outcome.DONE, Outcome.DROPPED, Outcome.FAILED])
def test_closed_work_reopens_when_it_is_needed_anew(books: Books, outcome: Outcome) -> None:
    about = facts()
    schedule(books, scheduled(about))
    close(books, claimed(books, scheduled(about)), outcome)
    schedule(books, scheduled(about, due_at=LATER))
    assert claim(books, scheduled(about), LATER - MINUTE) is None
    again = claimed(books, scheduled(about), LATER)
    assert (again.attempts, again.was_interrupted, again.first_due_at) == (1, False, LATER)


@pytest.mark.parametrize("reaction", [CancelPrediction("prediction-0-1"), DeletePhotos(for_good=False)])
def test_work_that_is_done_once_stays_done_and_reopens_only_if_it_was_not_done(
    books: Books, reaction: Reaction
) -> None:
    done, failed = scheduled(facts(), reaction), scheduled(facts(), reaction)
    schedule(books, done, failed)
    close(books, claimed(books, done), Outcome.DONE)
    close(books, claimed(books, failed), Outcome.FAILED)
    schedule(books, done, failed)
    assert claim(books, done, LATER) is None
    assert claim(books, failed, LATER) is not None


def test_work_that_is_done_stays_done_when_hastened(books: Books) -> None:
    work = scheduled(facts())
    schedule(books, work)
    close(books, claimed(books, work), Outcome.DONE)
    hasten(books, work)
    assert claim(books, work, LATER) is None


def test_scheduling_what_is_there_already_changes_nothing(books: Books) -> None:
    about = facts()
    schedule(books, scheduled(about, due_at=LATER))
    schedule(books, scheduled(about, due_at=NOON))
    assert claim(books, scheduled(about), NOON) is None
    held = claimed(books, scheduled(about), LATER)
    schedule(books, scheduled(about, due_at=LATER))
    assert claim(books, scheduled(about), LATER) is None
    close(books, held, Outcome.DONE)


@pytest.mark.parametrize("ending", ["postpone", "close"])
def test_only_who_holds_the_lease_ends_the_work(books: Books, ending: str) -> None:
    work = scheduled(facts())
    schedule(books, work)
    lost = claimed(books, work, NOON, MINUTE)
    owner = claimed(books, work, NOON + MINUTE)
    with pytest.raises(LeaseLostError) as refusal:
        postpone(books, lost, 0 * MINUTE) if ending == "postpone" else close(books, lost, Outcome.DONE)
    assert refusal.value.reaction_id == work.reaction_id
    assert claim(books, work, NOON + MINUTE) is None
    close(books, owner, Outcome.DONE)
    with pytest.raises(LeaseLostError):
        close(books, owner, Outcome.DONE)


def test_a_lease_that_ran_out_is_still_its_holders_while_nobody_else_has_it(books: Books) -> None:
    work = scheduled(facts())
    schedule(books, work)
    close(books, claimed(books, work, NOON, MINUTE), Outcome.DONE)
    assert claim(books, work, LATER) is None


def test_open_work_is_rewritten_and_due_then(books: Books) -> None:
    work = scheduled(facts(), due_at=NOON + 5 * MINUTE)
    schedule(books, work)
    with books.transaction() as transaction:
        transaction.reactions.rewrite([replace(work, due_at=NOON)])
        assert transaction.reactions.unreadable() == []
    assert claimed(books, work).reaction == work.reaction


@pytest.mark.parametrize("outcome", [Outcome.DONE, Outcome.DROPPED, Outcome.FAILED])
def test_closed_work_is_not_rewritten(books: Books, outcome: Outcome) -> None:
    work = scheduled(facts())
    schedule(books, work)
    held = claimed(books, work)
    with books.transaction() as transaction:
        transaction.reactions.close(held, outcome=outcome)
        transaction.reactions.rewrite([work])
    assert claim(books, work, NOON + 60 * MINUTE) is None


def test_work_under_a_lease_is_not_rewritten(books: Books) -> None:
    work = scheduled(facts())
    schedule(books, work)
    held = claimed(books, work, NOON, 5 * MINUTE)
    with books.transaction() as transaction:
        transaction.reactions.rewrite([replace(work, due_at=NOON + MINUTE)])
        transaction.reactions.close(held, outcome=Outcome.DONE)


def test_hastened_work_is_done_earlier_and_never_later(books: Books) -> None:
    about = facts()
    schedule(books, scheduled(about, due_at=LATER))
    hasten(books, scheduled(about, due_at=NOON + MINUTE))
    hasten(books, scheduled(about, due_at=NOON + 5 * MINUTE))
    assert claim(books, scheduled(about), NOON) is None
    assert claimed(books, scheduled(about), NOON + MINUTE).first_due_at == LATER


def test_work_that_is_not_there_is_inserted_when_hastened(books: Books) -> None:
    work = scheduled(facts())
    hasten(books, work)
    assert claim(books, work) is not None


def test_claimed_work_is_not_hastened(books: Books) -> None:
    about = facts()
    schedule(books, scheduled(about))
    held = claimed(books, scheduled(about))
    hasten(books, scheduled(about))
    assert claim(books, scheduled(about)) is None
    close(books, held, Outcome.DONE)


def test_dropped_work_stays_dropped_when_hastened(books: Books) -> None:
    work = scheduled(facts())
    schedule(books, work)
    close(books, claimed(books, work), Outcome.DROPPED)
    hasten(books, work)
    assert claim(books, work, LATER) is None


def test_work_that_is_due_and_unsent_is_taken_once(books: Books) -> None:
    due, later = scheduled(facts()), scheduled(facts(), due_at=LATER)
    schedule(books, due, later)
    assert take_unsent(books, 0 * MINUTE) == [due.reaction_id]
    assert take_unsent(books, MINUTE) == []
    assert take_unsent(books, 10 * MINUTE) == [due.reaction_id, later.reaction_id]


def test_taken_work_says_what_it_is(books: Books) -> None:
    about = facts()
    work = scheduled(about, CancelPrediction("prediction-0-1"))
    schedule(books, work)
    with books.transaction() as transaction:
        assert transaction.reactions.take_unsent(NOON, RETRY_AFTER, 10) == [
            (work.reaction_id, CancelPrediction("prediction-0-1"))
        ]


def test_work_sent_by_who_committed_it_is_taken_only_when_it_may_be_lost(books: Books) -> None:
    work = scheduled(facts(), sent_at=NOON)
    schedule(books, work)
    assert take_unsent(books, RETRY_AFTER - MINUTE) == []
    assert take_unsent(books, RETRY_AFTER) == [work.reaction_id]


def test_claimed_work_is_taken_again_only_after_its_lease(books: Books) -> None:
    work = scheduled(facts())
    schedule(books, work)
    claimed(books, work, NOON, 5 * MINUTE)
    assert take_unsent(books, 4 * MINUTE) == []
    assert take_unsent(books, 5 * MINUTE) == [work.reaction_id]


def test_postponed_work_is_taken_as_soon_as_it_is_due(books: Books) -> None:
    work = scheduled(facts(), sent_at=NOON)
    schedule(books, work)
    postpone(books, claimed(books, work), MINUTE)
    assert take_unsent(books, 0 * MINUTE) == []
    assert take_unsent(books, MINUTE) == [work.reaction_id]


def test_hastened_work_counts_as_sent_by_who_hastened_it(books: Books) -> None:
    about = facts()
    schedule(books, scheduled(about, due_at=LATER))
    hasten(books, scheduled(about, due_at=NOON, sent_at=NOON))
    assert take_unsent(books, MINUTE) == []
    assert take_unsent(books, RETRY_AFTER) == [scheduled(about).reaction_id]


def test_reopened_work_counts_as_sent_by_who_reopened_it(books: Books) -> None:
    about = facts()
    schedule(books, scheduled(about))
    close(books, claimed(books, scheduled(about)), Outcome.FAILED)
    schedule(books, scheduled(about, sent_at=NOON))
    assert take_unsent(books, MINUTE) == []


def test_no_more_work_is_taken_than_asked_for_and_the_oldest_first(books: Books) -> None:
    works = [scheduled(facts(), due_at=NOON - minutes * MINUTE) for minutes in range(5)]
    schedule(books, *works)
    assert set(take_unsent(books, 0 * MINUTE, limit=2)) == {works[4].reaction_id, works[3].reaction_id}
    assert set(take_unsent(books, 0 * MINUTE, limit=2)) == {works[2].reaction_id, works[1].reaction_id}


def test_work_that_is_wanted_again_is_due_anew(books: Books) -> None:
    about = facts()
    paid = take_order(books, about)
    work = scheduled(about)
    schedule(books, work)
    held = claimed(books, work)
    again = Step(
        before=paid, after=paid, events=(), closes=held, outcome=Outcome.AGAIN, again_at=NOON + MINUTE
    )
    with books.transaction() as transaction:
        transaction.log.record(again)
    assert claim(books, work, NOON) is None
    assert claimed(books, work, NOON + MINUTE).attempts == 2


def test_work_that_was_sent_is_to_be_had_even_if_this_clock_is_behind(books: Books) -> None:
    work = scheduled(facts(), due_at=NOON, sent_at=NOON)
    schedule(books, work)
    assert claim(books, work, NOON - MINUTE) is not None


def test_work_that_is_hastened_while_it_is_leased_is_done_again_at_once(books: Books) -> None:
    work = scheduled(facts())
    schedule(books, work)
    held = claimed(books, work)
    hasten(books, replace(work, due_at=NOON + timedelta(seconds=1)))
    postpone(books, held, 10 * MINUTE)
    assert claim(books, work, NOON + MINUTE) is not None


def test_each_sending_in_vain_doubles_the_wait_for_the_next(books: Books) -> None:
    work = scheduled(facts())
    schedule(books, work)
    sent_at = [minute for minute in range(70) if take_unsent(books, minute * MINUTE) == [work.reaction_id]]
    waits = [later - earlier for earlier, later in itertools.pairwise(sent_at)]
    assert waits == sorted(waits)
    assert waits[-1] > waits[0] > 0


def test_what_was_given_up_and_no_event_tells_of_is_listed_until_it_is_reopened(books: Books) -> None:
    about, other = facts(), facts()
    cancel = scheduled(about, CancelPrediction("orphan"), due_at=NOON + MINUTE)
    delete = scheduled(other, DeletePhotos(for_good=False))
    move, done = scheduled(about, MoveImages()), scheduled(other, CancelPrediction("other"))
    schedule(books, cancel, delete, move, done)
    for work, outcome in [(cancel, Outcome.FAILED), (delete, Outcome.FAILED), (move, Outcome.FAILED)]:
        close(books, claimed(books, work, NOON + MINUTE), outcome)
    close(books, claimed(books, done), Outcome.DONE)
    with books.transaction() as transaction:
        assert transaction.reactions.given_up() == [
            GivenUp(order_id=other.order_id, reaction=DeletePhotos(for_good=False), since=NOON),
            GivenUp(order_id=about.order_id, reaction=CancelPrediction("orphan"), since=NOON + MINUTE),
        ]
    schedule(books, cancel)
    with books.transaction() as transaction:
        assert [work.order_id for work in transaction.reactions.given_up()] == [other.order_id]


def test_closed_work_is_forgotten_after_a_while_and_can_be_needed_anew(books: Books) -> None:
    closed, fresh, left, given_up = (
        scheduled(facts()),
        scheduled(facts(), due_at=LATER),
        scheduled(facts()),
        scheduled(facts(), CancelPrediction("orphan")),
    )
    schedule(books, closed, fresh, left, given_up)
    close(books, claimed(books, closed), Outcome.DONE)
    close(books, claimed(books, fresh, LATER), Outcome.DONE)
    close(books, claimed(books, given_up), Outcome.FAILED)
    with books.transaction() as transaction:
        assert transaction.reactions.forget_closed(NOON + MINUTE, 10) == 1
        assert transaction.reactions.forget_closed(NOON + MINUTE, 10) == 0
        assert [work.order_id for work in transaction.reactions.given_up()] == [given_up.order_id]
    assert claim(books, left) is not None
    schedule(books, closed)
    assert claimed(books, closed).attempts == 1
