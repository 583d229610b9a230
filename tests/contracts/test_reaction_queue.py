"""The reactions table, the source of truth about outstanding work."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from domain.order.reactions import (
    REACTION_TYPES,
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
from domain.ports.event_store import Commit
from domain.ports.reaction_queue import Claim, ExhaustedReaction, Outcome, ScheduledReaction
from domain.ports.unit_of_work import Database, LeaseLostError
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
EXAMPLES: tuple[Reaction, ...] = (
    MoveImages(),
    RestoreImage(ABOUT.image(0), 2),
    CollectRestoration(ABOUT.image(0), 2, "prediction-0-2"),
    CancelPrediction("prediction-0-1"),
    PrepareDownload(),
    SendEmail(ABOUT.email(EmailKind.RESULT), EmailKind.RESULT, 1),
    IssueRefund(ABOUT.refund(), 3),
    DeletePhotos(for_good=True),
)


def test_there_is_an_example_of_every_kind() -> None:
    assert [type(reaction) for reaction in EXAMPLES] == list(REACTION_TYPES)


def close(unit_of_work: Database, held: Claim, outcome: Outcome) -> None:
    with unit_of_work.transaction() as transaction:
        transaction.reactions.close(held, outcome=outcome)


def postpone(unit_of_work: Database, held: Claim, due_at: timedelta, *, has_progressed: bool = False) -> None:
    with unit_of_work.transaction() as transaction:
        transaction.reactions.postpone(
            held, NOON + due_at, "The provider rests.", has_progressed=has_progressed
        )


def expedite(unit_of_work: Database, work: ScheduledReaction) -> None:
    with unit_of_work.transaction() as transaction:
        transaction.reactions.expedite(work)


def take_unsent(unit_of_work: Database, now: timedelta, limit: int = 10) -> list[UUID]:
    with unit_of_work.transaction() as transaction:
        taken = transaction.reactions.take_unsent(NOON + now, RETRY_AFTER, limit)
    return [reaction_id for reaction_id, _ in taken]


@pytest.mark.parametrize("reaction", EXAMPLES, ids=lambda reaction: type(reaction).__name__)
def test_a_reaction_is_claimed_as_it_was_scheduled(unit_of_work: Database, reaction: Reaction) -> None:
    work = scheduled(facts(), reaction)
    schedule(unit_of_work, work)
    admit(unit_of_work)
    token = uuid4()
    with unit_of_work.transaction() as transaction:
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


def test_an_unknown_reaction_cannot_be_claimed(unit_of_work: Database) -> None:
    assert claim(unit_of_work, scheduled(facts())) is None


def test_a_reaction_is_claimable_once_it_is_due(unit_of_work: Database) -> None:
    work = scheduled(facts(), due_at=LATER)
    schedule(unit_of_work, work)
    assert claim(unit_of_work, work, LATER - timedelta(microseconds=1)) is None
    assert claim(unit_of_work, work, LATER) is not None


def test_a_leased_reaction_is_not_claimable_until_its_lease_expires(unit_of_work: Database) -> None:
    work = scheduled(facts())
    schedule(unit_of_work, work)
    claimed(unit_of_work, work, NOON, 5 * MINUTE)
    assert claim(unit_of_work, work, NOON + 5 * MINUTE - timedelta(microseconds=1)) is None
    again = claimed(unit_of_work, work, NOON + 5 * MINUTE)
    assert (again.attempts, again.was_interrupted, again.first_due_at) == (2, True, NOON)


def test_concurrent_claims_of_a_reaction_succeed_once(unit_of_work: Database) -> None:
    work = scheduled(facts())
    schedule(unit_of_work, work)
    with ThreadPoolExecutor(4) as workers:
        claims = list(workers.map(lambda _: claim(unit_of_work, work), range(8)))
    assert len([held for held in claims if held is not None]) == 1


def test_a_renewed_lease_holds_longer(unit_of_work: Database) -> None:
    work, other = scheduled(facts()), scheduled(facts())
    schedule(unit_of_work, work, other)
    held = claimed(unit_of_work, work, NOON, MINUTE)
    claimed(unit_of_work, other, NOON, MINUTE)
    with unit_of_work.transaction() as transaction:
        transaction.reactions.renew([held.token, uuid4()], LATER)
    assert claim(unit_of_work, work, LATER - MINUTE) is None
    assert claim(unit_of_work, other, LATER - MINUTE) is not None
    assert claim(unit_of_work, work, LATER) is not None


def test_a_lost_lease_is_not_renewed(unit_of_work: Database) -> None:
    work = scheduled(facts())
    schedule(unit_of_work, work)
    lost = claimed(unit_of_work, work, NOON, MINUTE)
    claimed(unit_of_work, work, NOON + MINUTE, MINUTE)
    with unit_of_work.transaction() as transaction:
        transaction.reactions.renew([lost.token], LATER)
    assert claim(unit_of_work, work, NOON + 2 * MINUTE) is not None


def test_a_postponed_reaction_is_due_again_and_counts_its_attempts(unit_of_work: Database) -> None:
    work = scheduled(facts())
    schedule(unit_of_work, work)
    postpone(unit_of_work, claimed(unit_of_work, work), 3 * MINUTE)
    assert claim(unit_of_work, work, NOON + 2 * MINUTE) is None
    again = claimed(unit_of_work, work, NOON + 3 * MINUTE)
    assert (again.attempts, again.was_interrupted, again.first_due_at) == (2, False, NOON)


def test_a_postponed_reaction_that_progressed_resets_its_attempts(unit_of_work: Database) -> None:
    work = scheduled(facts())
    schedule(unit_of_work, work)
    postpone(unit_of_work, claimed(unit_of_work, work), MINUTE, has_progressed=True)
    assert claimed(unit_of_work, work, NOON + MINUTE).attempts == 1


@pytest.mark.parametrize("outcome", [Outcome.DONE, Outcome.DROPPED, Outcome.FAILED])
def test_a_closed_reaction_is_not_claimable(unit_of_work: Database, outcome: Outcome) -> None:
    work = scheduled(facts())
    schedule(unit_of_work, work)
    close(unit_of_work, claimed(unit_of_work, work), outcome)
    assert claim(unit_of_work, work, LATER) is None
    assert take_unsent(unit_of_work, 10 * MINUTE) == []


@pytest.mark.parametrize("outcome", [Outcome.DONE, Outcome.DROPPED, Outcome.FAILED])
def test_a_closed_reaction_reopens_when_required_again(unit_of_work: Database, outcome: Outcome) -> None:
    about = facts()
    schedule(unit_of_work, scheduled(about))
    close(unit_of_work, claimed(unit_of_work, scheduled(about)), outcome)
    schedule(unit_of_work, scheduled(about, due_at=LATER))
    assert claim(unit_of_work, scheduled(about), LATER - MINUTE) is None
    again = claimed(unit_of_work, scheduled(about), LATER)
    assert (again.attempts, again.was_interrupted, again.first_due_at) == (1, False, LATER)


@pytest.mark.parametrize("reaction", [CancelPrediction("prediction-0-1"), DeletePhotos(for_good=False)])
def test_a_reaction_that_runs_once_reopens_only_if_not_done(
    unit_of_work: Database, reaction: Reaction
) -> None:
    done, failed = scheduled(facts(), reaction), scheduled(facts(), reaction)
    schedule(unit_of_work, done, failed)
    close(unit_of_work, claimed(unit_of_work, done), Outcome.DONE)
    close(unit_of_work, claimed(unit_of_work, failed), Outcome.FAILED)
    schedule(unit_of_work, done, failed)
    assert claim(unit_of_work, done, LATER) is None
    assert claim(unit_of_work, failed, LATER) is not None


def test_a_done_reaction_stays_done_when_expedited(unit_of_work: Database) -> None:
    work = scheduled(facts())
    schedule(unit_of_work, work)
    close(unit_of_work, claimed(unit_of_work, work), Outcome.DONE)
    expedite(unit_of_work, work)
    assert claim(unit_of_work, work, LATER) is None


def test_scheduling_an_existing_reaction_changes_nothing(unit_of_work: Database) -> None:
    about = facts()
    schedule(unit_of_work, scheduled(about, due_at=LATER))
    schedule(unit_of_work, scheduled(about, due_at=NOON))
    assert claim(unit_of_work, scheduled(about), NOON) is None
    held = claimed(unit_of_work, scheduled(about), LATER)
    schedule(unit_of_work, scheduled(about, due_at=LATER))
    assert claim(unit_of_work, scheduled(about), LATER) is None
    close(unit_of_work, held, Outcome.DONE)


@pytest.mark.parametrize("ending", ["postpone", "close"])
def test_only_the_leases_holder_can_end_a_reaction(unit_of_work: Database, ending: str) -> None:
    work = scheduled(facts())
    schedule(unit_of_work, work)
    lost = claimed(unit_of_work, work, NOON, MINUTE)
    owner = claimed(unit_of_work, work, NOON + MINUTE)
    with pytest.raises(LeaseLostError) as refusal:
        postpone(unit_of_work, lost, 0 * MINUTE) if ending == "postpone" else close(
            unit_of_work, lost, Outcome.DONE
        )
    assert refusal.value.reaction_id == work.reaction_id
    assert claim(unit_of_work, work, NOON + MINUTE) is None
    close(unit_of_work, owner, Outcome.DONE)
    with pytest.raises(LeaseLostError):
        close(unit_of_work, owner, Outcome.DONE)


def test_an_expired_lease_is_valid_until_it_is_claimed_again(unit_of_work: Database) -> None:
    work = scheduled(facts())
    schedule(unit_of_work, work)
    close(unit_of_work, claimed(unit_of_work, work, NOON, MINUTE), Outcome.DONE)
    assert claim(unit_of_work, work, LATER) is None


def test_an_open_reaction_is_rewritten_and_due(unit_of_work: Database) -> None:
    work = scheduled(facts(), due_at=NOON + 5 * MINUTE)
    schedule(unit_of_work, work)
    with unit_of_work.transaction() as transaction:
        transaction.reactions.rewrite([replace(work, due_at=NOON)])
        assert transaction.reactions.unreadable() == []
    assert claimed(unit_of_work, work).reaction == work.reaction


@pytest.mark.parametrize("outcome", [Outcome.DONE, Outcome.DROPPED, Outcome.FAILED])
def test_a_closed_reaction_is_not_rewritten(unit_of_work: Database, outcome: Outcome) -> None:
    work = scheduled(facts())
    schedule(unit_of_work, work)
    held = claimed(unit_of_work, work)
    with unit_of_work.transaction() as transaction:
        transaction.reactions.close(held, outcome=outcome)
        transaction.reactions.rewrite([work])
    assert claim(unit_of_work, work, NOON + 60 * MINUTE) is None


def test_a_leased_reaction_is_not_rewritten(unit_of_work: Database) -> None:
    work = scheduled(facts())
    schedule(unit_of_work, work)
    held = claimed(unit_of_work, work, NOON, 5 * MINUTE)
    with unit_of_work.transaction() as transaction:
        transaction.reactions.rewrite([replace(work, due_at=NOON + MINUTE)])
    postpone(unit_of_work, held, 30 * MINUTE)
    assert claim(unit_of_work, work, NOON + 29 * MINUTE) is None, "it got the time of the rewrite"
    assert claim(unit_of_work, work, NOON + 30 * MINUTE) is not None


def test_an_expedited_reaction_is_due_earlier_and_never_later(unit_of_work: Database) -> None:
    about = facts()
    schedule(unit_of_work, scheduled(about, due_at=LATER))
    expedite(unit_of_work, scheduled(about, due_at=NOON + MINUTE))
    expedite(unit_of_work, scheduled(about, due_at=NOON + 5 * MINUTE))
    assert claim(unit_of_work, scheduled(about), NOON) is None
    assert claimed(unit_of_work, scheduled(about), NOON + MINUTE).first_due_at == LATER


def test_an_unknown_reaction_is_inserted_when_expedited(unit_of_work: Database) -> None:
    work = scheduled(facts())
    expedite(unit_of_work, work)
    assert claim(unit_of_work, work) is not None


def test_a_leased_reaction_is_not_expedited(unit_of_work: Database) -> None:
    about = facts()
    schedule(unit_of_work, scheduled(about))
    held = claimed(unit_of_work, scheduled(about))
    expedite(unit_of_work, scheduled(about))
    assert claim(unit_of_work, scheduled(about)) is None
    close(unit_of_work, held, Outcome.DONE)


def test_a_dropped_reaction_stays_dropped_when_expedited(unit_of_work: Database) -> None:
    work = scheduled(facts())
    schedule(unit_of_work, work)
    close(unit_of_work, claimed(unit_of_work, work), Outcome.DROPPED)
    expedite(unit_of_work, work)
    assert claim(unit_of_work, work, LATER) is None


def test_a_due_unsent_reaction_is_taken_once(unit_of_work: Database) -> None:
    due, later = scheduled(facts()), scheduled(facts(), due_at=LATER)
    schedule(unit_of_work, due, later)
    assert take_unsent(unit_of_work, 0 * MINUTE) == [due.reaction_id]
    assert take_unsent(unit_of_work, MINUTE) == []
    # In any order: an UPDATE returns its rows as they were joined.
    assert set(take_unsent(unit_of_work, 10 * MINUTE)) == {due.reaction_id, later.reaction_id}


def test_a_taken_reaction_is_complete(unit_of_work: Database) -> None:
    about = facts()
    work = scheduled(about, CancelPrediction("prediction-0-1"))
    schedule(unit_of_work, work)
    with unit_of_work.transaction() as transaction:
        assert transaction.reactions.take_unsent(NOON, RETRY_AFTER, 10) == [
            (work.reaction_id, CancelPrediction("prediction-0-1"))
        ]


def test_only_reactions_of_the_given_kinds_are_taken(unit_of_work: Database) -> None:
    about = facts()
    move, cancel = scheduled(about), scheduled(about, CancelPrediction("prediction-0-1"))
    schedule(unit_of_work, move, cancel)
    with unit_of_work.transaction() as transaction:
        assert transaction.reactions.take_unsent(NOON, RETRY_AFTER, 10, [CancelPrediction]) == [
            (cancel.reaction_id, cancel.reaction)
        ]
    assert take_unsent(unit_of_work, 0 * MINUTE) == [move.reaction_id]


def test_without_a_wait_a_sent_reaction_is_taken_again_and_again(unit_of_work: Database) -> None:
    work = scheduled(facts(), sent_at=NOON)
    schedule(unit_of_work, work)
    for _ in range(10):
        with unit_of_work.transaction() as transaction:
            taken = transaction.reactions.take_unsent(NOON, timedelta(), 10)
        assert [reaction_id for reaction_id, _ in taken] == [work.reaction_id]


def test_a_sent_reaction_is_taken_only_when_it_may_be_lost(unit_of_work: Database) -> None:
    work = scheduled(facts(), sent_at=NOON)
    schedule(unit_of_work, work)
    assert take_unsent(unit_of_work, RETRY_AFTER - MINUTE) == []
    assert take_unsent(unit_of_work, RETRY_AFTER) == [work.reaction_id]


def test_a_leased_reaction_is_taken_only_after_its_lease(unit_of_work: Database) -> None:
    work = scheduled(facts())
    schedule(unit_of_work, work)
    claimed(unit_of_work, work, NOON, 5 * MINUTE)
    assert take_unsent(unit_of_work, 4 * MINUTE) == []
    assert take_unsent(unit_of_work, 5 * MINUTE) == [work.reaction_id]


def test_a_postponed_reaction_is_taken_when_due(unit_of_work: Database) -> None:
    work = scheduled(facts(), sent_at=NOON)
    schedule(unit_of_work, work)
    postpone(unit_of_work, claimed(unit_of_work, work), MINUTE)
    assert take_unsent(unit_of_work, 0 * MINUTE) == []
    assert take_unsent(unit_of_work, MINUTE) == [work.reaction_id]


def test_an_expedited_reaction_counts_as_sent(unit_of_work: Database) -> None:
    about = facts()
    schedule(unit_of_work, scheduled(about, due_at=LATER))
    expedite(unit_of_work, scheduled(about, due_at=NOON, sent_at=NOON))
    assert take_unsent(unit_of_work, MINUTE) == []
    assert take_unsent(unit_of_work, RETRY_AFTER) == [scheduled(about).reaction_id]


def test_a_reopened_reaction_counts_as_sent(unit_of_work: Database) -> None:
    about = facts()
    schedule(unit_of_work, scheduled(about))
    close(unit_of_work, claimed(unit_of_work, scheduled(about)), Outcome.FAILED)
    schedule(unit_of_work, scheduled(about, sent_at=NOON))
    assert take_unsent(unit_of_work, MINUTE) == []


def test_reactions_are_taken_oldest_first_up_to_the_limit(unit_of_work: Database) -> None:
    works = [scheduled(facts(), due_at=NOON - minutes * MINUTE) for minutes in range(5)]
    schedule(unit_of_work, *works)
    assert set(take_unsent(unit_of_work, 0 * MINUTE, limit=2)) == {works[4].reaction_id, works[3].reaction_id}
    assert set(take_unsent(unit_of_work, 0 * MINUTE, limit=2)) == {works[2].reaction_id, works[1].reaction_id}


def test_a_reaction_required_again_is_due_again(unit_of_work: Database) -> None:
    about = facts()
    paid = take_order(unit_of_work, about)
    work = scheduled(about)
    schedule(unit_of_work, work)
    held = claimed(unit_of_work, work)
    again = Commit(
        before=paid, after=paid, events=(), closes=held, outcome=Outcome.AGAIN, again_at=NOON + MINUTE
    )
    with unit_of_work.transaction() as transaction:
        transaction.event_store.append(again)
    assert claim(unit_of_work, work, NOON) is None
    assert claimed(unit_of_work, work, NOON + MINUTE).attempts == 2


def test_a_sent_reaction_is_claimable_even_if_this_clock_is_behind(unit_of_work: Database) -> None:
    work = scheduled(facts(), due_at=NOON, sent_at=NOON)
    schedule(unit_of_work, work)
    assert claim(unit_of_work, work, NOON - MINUTE) is not None


def test_a_reaction_expedited_while_leased_is_due_again_at_once(unit_of_work: Database) -> None:
    work = scheduled(facts())
    schedule(unit_of_work, work)
    held = claimed(unit_of_work, work)
    expedite(unit_of_work, replace(work, due_at=NOON + timedelta(seconds=1)))
    postpone(unit_of_work, held, 10 * MINUTE)
    assert claim(unit_of_work, work, NOON + MINUTE) is not None


def test_each_resend_doubles_the_wait_for_the_next(unit_of_work: Database) -> None:
    work = scheduled(facts())
    schedule(unit_of_work, work)
    sent_at = [
        minute for minute in range(70) if take_unsent(unit_of_work, minute * MINUTE) == [work.reaction_id]
    ]
    waits = [later - earlier for earlier, later in itertools.pairwise(sent_at)]
    assert waits == sorted(waits)
    assert waits[-1] > waits[0] > 0


def test_an_exhausted_reaction_is_listed_until_it_is_reopened(
    unit_of_work: Database,
) -> None:
    about, other = facts(), facts()
    cancel = scheduled(about, CancelPrediction("orphan"), due_at=NOON + MINUTE)
    delete = scheduled(other, DeletePhotos(for_good=False))
    move, done = scheduled(about, MoveImages()), scheduled(other, CancelPrediction("other"))
    schedule(unit_of_work, cancel, delete, move, done)
    for work, outcome in [(cancel, Outcome.FAILED), (delete, Outcome.FAILED), (move, Outcome.FAILED)]:
        close(unit_of_work, claimed(unit_of_work, work, NOON + MINUTE), outcome)
    close(unit_of_work, claimed(unit_of_work, done), Outcome.DONE)
    with unit_of_work.transaction() as transaction:
        assert transaction.reactions.exhausted() == [
            ExhaustedReaction(order_id=other.order_id, kind=DeletePhotos, since=NOON),
            ExhaustedReaction(order_id=about.order_id, kind=CancelPrediction, since=NOON + MINUTE),
        ]
    schedule(unit_of_work, cancel)
    with unit_of_work.transaction() as transaction:
        assert [work.order_id for work in transaction.reactions.exhausted()] == [other.order_id]


def test_a_closed_reaction_is_deleted_after_a_while_and_can_be_required_again(
    unit_of_work: Database,
) -> None:
    closed, fresh, left, given_up = (
        scheduled(facts()),
        scheduled(facts(), due_at=LATER),
        scheduled(facts()),
        scheduled(facts(), CancelPrediction("orphan")),
    )
    schedule(unit_of_work, closed, fresh, left, given_up)
    close(unit_of_work, claimed(unit_of_work, closed), Outcome.DONE)
    close(unit_of_work, claimed(unit_of_work, fresh, LATER), Outcome.DONE)
    close(unit_of_work, claimed(unit_of_work, given_up), Outcome.FAILED)
    with unit_of_work.transaction() as transaction:
        assert transaction.reactions.forget_closed(NOON + MINUTE, 10) == 1
        assert transaction.reactions.forget_closed(NOON + MINUTE, 10) == 0
        assert [work.order_id for work in transaction.reactions.exhausted()] == [given_up.order_id]
    assert claim(unit_of_work, left) is not None
    schedule(unit_of_work, closed)
    assert claimed(unit_of_work, closed).attempts == 1
