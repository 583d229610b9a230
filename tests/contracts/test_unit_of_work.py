"""Transactions, the event log and the order queries."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from uuid import uuid4

import pytest

from domain.order.order import Order
from domain.order.reactions import CancelPrediction
from domain.order.states import State
from domain.order.values import EmailKind, HoldReason, OrderId, OrderNumber, Sha256
from domain.ports.event_store import Commit, LogCursor
from domain.ports.order_queries import OrderFilter, OrderVersion
from domain.ports.reaction_queue import Claim, Outcome, ScheduledReaction
from domain.ports.unit_of_work import CauseRepeatedError, Database, LeaseLostError, VersionConflictError
from domain.ports.upload_sessions import UploadStatus
from tests.contracts.list_reading import read_whole_log
from tests.contracts.stored_streams import (
    MINUTE,
    NOON,
    claim,
    claimed,
    facts,
    pay,
    photo,
    rolled_back,
    schedule,
    scheduled,
    session,
    take_order,
)
from tests.domain.support.event_builders import euros
from tests.domain.support.recording import step


def load(unit_of_work: Database, order_id: OrderId) -> Order:
    with unit_of_work.transaction() as transaction:
        return transaction.event_store.load(order_id)


def record(unit_of_work: Database, what: Commit) -> None:
    with unit_of_work.transaction() as transaction:
        transaction.event_store.append(what)


def test_an_order_that_was_never_recorded_is_new(unit_of_work: Database) -> None:
    order_id = OrderId(uuid4())
    assert load(unit_of_work, order_id) == Order(order_id=order_id)
    with unit_of_work.transaction() as transaction:
        assert transaction.event_store.history(order_id) == []


def test_a_recorded_order_is_loaded_from_its_stream(unit_of_work: Database) -> None:
    about = facts()
    after = take_order(unit_of_work, about, *about.until_completed()[1:], about.downloaded())
    assert load(unit_of_work, about.order_id) == after
    assert after.state is State.COMPLETED


def test_an_order_that_was_read_before_is_brought_up_to_date(unit_of_work: Database) -> None:
    about = facts()
    known = [take_order(unit_of_work, about), load(unit_of_work, about.order_id)]
    for events in ([], [about.moved()], [about.started(), about.restored()]):
        if events:
            record(unit_of_work, step(load(unit_of_work, about.order_id), *events))
        present = load(unit_of_work, about.order_id)
        for earlier in (*known, Order(order_id=about.order_id)):
            with unit_of_work.transaction() as transaction:
                found = transaction.event_store.load_locked(about.order_id, earlier)
                assert transaction.event_store.load_repeatedly(about.order_id) == found
            assert (found, found.head) == (present, present.head)
        known.append(present)


def test_a_stream_is_stored_unchanged_with_its_envelopes(unit_of_work: Database) -> None:
    about = facts()
    with unit_of_work.transaction() as transaction:
        first = step(about.order_id, pay(transaction, about), about.moved())
        transaction.event_store.append(first)
    record(unit_of_work, step(first.after, about.started(), about.restored(), at=NOON + MINUTE))
    with unit_of_work.transaction() as transaction:
        history = transaction.event_store.history(about.order_id)
    assert [event.version for event in history] == [1, 2, 3, 4]
    kept = history[0]
    appended = first.events[0]
    assert kept.position is not None
    assert (kept.event_id, kept.event, kept.recorded_at) == (
        appended.event_id,
        appended.event,
        appended.recorded_at,
    )
    assert (kept.cause, kept.cause_key, kept.correlation_id, kept.actor) == (
        appended.cause,
        appended.cause_key,
        appended.correlation_id,
        appended.actor,
    )
    positions = [event.position or 0 for event in history]
    assert all(earlier < later for earlier, later in pairwise(positions))


def test_a_commit_on_an_old_version_is_a_conflict_and_writes_nothing(unit_of_work: Database) -> None:
    about = facts()
    paid = take_order(unit_of_work, about)
    record(unit_of_work, step(paid, about.moved()))
    with pytest.raises(VersionConflictError) as conflict:
        record(unit_of_work, step(paid, about.held(), reactions=[scheduled(about)]))
    assert (conflict.value.order_id, conflict.value.expected_version) == (about.order_id, 1)
    after = load(unit_of_work, about.order_id)
    assert (after.version, after.hold) == (2, None)
    assert claim(unit_of_work, scheduled(about)) is None


def test_orders_together_are_appended_and_loaded(unit_of_work: Database) -> None:
    first, second, unknown = facts(), facts(), OrderId(uuid4())
    with unit_of_work.transaction() as transaction:
        commits = [step(about.order_id, pay(transaction, about)) for about in (first, second)]
        transaction.event_store.append(*commits)
    with unit_of_work.transaction() as transaction:
        loaded = transaction.event_store.load_all([second.order_id, unknown, first.order_id])
    assert loaded == {
        **{commit.after.order_id: commit.after for commit in commits},
        unknown: Order(order_id=unknown),
    }


def test_one_conflict_among_orders_together_names_its_order_and_writes_nothing(
    unit_of_work: Database,
) -> None:
    first, second = facts(), facts()
    paid, outdated = take_order(unit_of_work, first), take_order(unit_of_work, second)
    record(unit_of_work, step(outdated, second.moved()))
    with pytest.raises(VersionConflictError) as conflict, unit_of_work.transaction() as transaction:
        transaction.event_store.append(step(paid, first.moved()), step(outdated, second.held()))
    assert conflict.value.order_id == second.order_id
    assert load(unit_of_work, first.order_id) == paid


def test_two_first_commits_of_one_order_are_a_conflict(unit_of_work: Database) -> None:
    about = facts()
    take_order(unit_of_work, about)
    with pytest.raises(VersionConflictError), unit_of_work.transaction() as transaction:
        transaction.event_store.append(step(about.order_id, pay(transaction, about)))


def test_the_same_cause_is_recorded_once_in_a_stream(unit_of_work: Database) -> None:
    about = facts()
    paid = take_order(unit_of_work, about)
    held = step(paid, about.held(), cause_key="stripe:evt_1#1")
    record(unit_of_work, held)
    with pytest.raises(CauseRepeatedError) as repeated:
        record(unit_of_work, step(held.after, about.released(), cause_key="stripe:evt_1#1"))
    assert repeated.value.order_id == about.order_id
    assert load(unit_of_work, about.order_id).hold is HoldReason.REQUESTED


def test_the_same_cause_may_concern_two_orders(unit_of_work: Database) -> None:
    one, other = facts(), facts()
    for about in (one, other):
        paid = take_order(unit_of_work, about)
        record(unit_of_work, step(paid, about.held(), cause_key="stripe:evt_2#1"))
        assert load(unit_of_work, about.order_id).is_held


def test_a_repeated_cause_on_an_old_version_is_a_conflict_first(unit_of_work: Database) -> None:
    """A caller that loads and decides again then finds it recorded."""
    about = facts()
    paid = take_order(unit_of_work, about)
    record(unit_of_work, step(paid, about.held(), cause_key="stripe:evt_3#1"))
    with pytest.raises(VersionConflictError):
        record(unit_of_work, step(paid, about.held(), cause_key="stripe:evt_3#1"))


def test_a_commit_schedules_reactions_and_closes_its_claim(unit_of_work: Database) -> None:
    about = facts()
    paid = take_order(unit_of_work, about)
    moving, following = scheduled(about), scheduled(about, CancelPrediction("prediction-0-1"))
    schedule(unit_of_work, moving)
    claim_of_moving = claimed(unit_of_work, moving)
    record(unit_of_work, step(paid, about.moved(), reactions=[following], closes=claim_of_moving))
    assert claimed(unit_of_work, following).reaction == CancelPrediction("prediction-0-1")
    assert claim(unit_of_work, moving, NOON + 60 * MINUTE) is None


def test_a_commit_claims_a_reaction_that_it_schedules(unit_of_work: Database) -> None:
    about = facts()
    paid = take_order(unit_of_work, about)
    following = leased(scheduled(about, CancelPrediction("prediction-0-1"), sent_at=NOON))
    with unit_of_work.transaction() as transaction:
        moved = step(paid, about.moved(), reactions=[following, scheduled(about)])
        assert set(transaction.event_store.append(moved)) == {following.reaction_id}
    assert following.claim is not None
    with unit_of_work.transaction() as transaction:
        assert transaction.reactions.take_unsent(NOON + MINUTE, MINUTE, 10) == [
            (scheduled(about).reaction_id, scheduled(about).reaction)
        ]
    assert claim(unit_of_work, following, NOON + MINUTE) is None
    record(unit_of_work, step(moved.after, about.held(), closes=following.claim))
    assert claim(unit_of_work, following, NOON + 60 * MINUTE) is None


def test_a_reaction_that_its_commit_claimed_is_anothers_once_the_lease_expires(
    unit_of_work: Database,
) -> None:
    about = facts()
    paid = take_order(unit_of_work, about)
    following = leased(scheduled(about, CancelPrediction("prediction-0-1"), sent_at=NOON))
    record(unit_of_work, step(paid, about.moved(), reactions=[following]))
    assert following.claim is not None
    end = following.claim.leased_until
    assert claim(unit_of_work, following, end - timedelta(microseconds=1)) is None
    with unit_of_work.transaction() as transaction:
        assert [found for found, _ in transaction.reactions.take_unsent(end, MINUTE, 10)] == [
            following.reaction_id
        ]
    next_claim = claimed(unit_of_work, following, end)
    assert (next_claim.attempts, next_claim.was_interrupted) == (2, True)


@pytest.mark.parametrize("outcome", [None, Outcome.DONE, Outcome.DROPPED], ids=["leased", "done", "dropped"])
def test_a_commit_claims_what_it_reopens_and_nothing_else(
    unit_of_work: Database, outcome: Outcome | None
) -> None:
    about = facts()
    paid = take_order(unit_of_work, about)
    cancelling = scheduled(about, CancelPrediction("prediction-0-1"))
    schedule(unit_of_work, cancelling)
    owner = claimed(unit_of_work, cancelling)
    if outcome is not None:
        with unit_of_work.transaction() as transaction:
            transaction.reactions.close(owner, outcome=outcome)
    with unit_of_work.transaction() as transaction:
        found = transaction.event_store.append(step(paid, about.moved(), reactions=[leased(cancelling)]))
    assert list(found) == ([cancelling.reaction_id] if outcome is Outcome.DROPPED else [])
    if outcome is None:
        record(unit_of_work, step(load(unit_of_work, about.order_id), about.held(), closes=owner))


def leased(work: ScheduledReaction) -> ScheduledReaction:
    """A reaction with the claim of the commit that schedules it."""
    first = Claim(
        reaction_id=work.reaction_id,
        order_id=work.order_id,
        reaction=work.reaction,
        token=uuid4(),
        attempts=1,
        was_interrupted=False,
        first_due_at=work.due_at,
        claimed_at=work.due_at,
        leased_until=work.due_at + 5 * MINUTE,
    )
    return replace(work, claim=first)


def test_a_commit_whose_lease_was_lost_writes_and_closes_nothing(unit_of_work: Database) -> None:
    about = facts()
    paid = take_order(unit_of_work, about)
    moving, following = scheduled(about), scheduled(about, CancelPrediction("prediction-0-1"))
    schedule(unit_of_work, moving)
    lost = claimed(unit_of_work, moving, NOON, MINUTE)
    owner = claimed(unit_of_work, moving, NOON + MINUTE)
    with pytest.raises(LeaseLostError) as refusal:
        record(unit_of_work, step(paid, about.moved(), reactions=[following], closes=lost))
    assert refusal.value.reaction_id == moving.reaction_id
    assert load(unit_of_work, about.order_id) == paid
    assert claim(unit_of_work, following) is None
    record(unit_of_work, step(paid, about.moved(), closes=owner))
    assert load(unit_of_work, about.order_id).state is State.RESTORING


def test_a_claim_closed_by_a_commit_may_be_dropped_or_failed_and_reopens(unit_of_work: Database) -> None:
    for outcome in (Outcome.DROPPED, Outcome.FAILED):
        about = facts()
        paid = take_order(unit_of_work, about)
        schedule(unit_of_work, scheduled(about))
        held = step(paid, about.held(), closes=claimed(unit_of_work, scheduled(about)), outcome=outcome)
        record(unit_of_work, held)
        record(unit_of_work, step(held.after, about.released(), reactions=[scheduled(about)]))
        assert claimed(unit_of_work, scheduled(about)).attempts == 1


def test_a_commit_without_events_only_closes_its_claim(unit_of_work: Database) -> None:
    about = facts()
    paid = take_order(unit_of_work, about)
    schedule(unit_of_work, scheduled(about))
    record(unit_of_work, step(paid, closes=claimed(unit_of_work, scheduled(about))))
    assert load(unit_of_work, about.order_id) == paid
    assert claim(unit_of_work, scheduled(about), NOON + 60 * MINUTE) is None


def test_a_transaction_that_raises_leaves_nothing(unit_of_work: Database) -> None:
    about, visit = facts(), session()
    with rolled_back(unit_of_work) as transaction:
        transaction.upload_sessions.open(visit)
        transaction.upload_sessions.add_photo(visit.session_id, photo())
        paid = pay(transaction, about)
        transaction.event_store.append(step(about.order_id, paid, reactions=[scheduled(about)]))
        assert transaction.webhook_inbox.accept("stripe", "evt_4", "charge.refunded", Sha256("0" * 64), NOON)
    with unit_of_work.transaction() as transaction:
        assert transaction.upload_sessions.find(visit.session_id) is None
        assert transaction.customers.find(paid.customer_id) is None
        assert transaction.event_store.load(about.order_id).version == 0
        assert transaction.order_queries.find(paid.order_number) is None
        assert transaction.webhook_inbox.accept("stripe", "evt_4", "charge.refunded", Sha256("0" * 64), NOON)
        assert transaction.reactions.take_unsent(NOON, MINUTE, 10) == []
    assert read_whole_log(unit_of_work) == []


def test_a_transaction_sees_what_it_has_written(unit_of_work: Database) -> None:
    about, visit = facts(), session()
    with unit_of_work.transaction() as transaction:
        transaction.upload_sessions.open(visit)
        transaction.event_store.append(step(about.order_id, pay(transaction, about)))
        transaction.upload_sessions.set_status(visit.session_id, UploadStatus.PAID)
        found = transaction.upload_sessions.find(visit.session_id)
        assert found is not None
        assert found.status is UploadStatus.PAID
        assert transaction.event_store.load(about.order_id).state is State.PAID


def test_a_download_token_belongs_to_one_order(unit_of_work: Database) -> None:
    about, other = facts(), facts()
    ready = take_order(unit_of_work, about, *about.until_ready()[1:])
    take_order(unit_of_work, other, *other.until_ready()[1:])
    with unit_of_work.transaction() as transaction:
        assert transaction.event_store.load_by_token(about.prepared().token_sha256) == ready
        assert transaction.event_store.load_by_token(Sha256("f" * 64)) is None


def test_a_payment_belongs_to_one_order(unit_of_work: Database) -> None:
    about = facts()
    paid = take_order(unit_of_work, about)
    take_order(unit_of_work, facts())
    assert paid.payment is not None
    assert paid.payment.payment_intent_id is not None
    with unit_of_work.transaction() as transaction:
        assert transaction.event_store.load_by_payment(paid.payment.payment_intent_id) == paid
        assert transaction.event_store.load_by_payment("pi_unknown") is None


def test_the_whole_log_is_read_in_the_order_it_was_committed(unit_of_work: Database) -> None:
    one, other = facts(), facts()
    first = take_order(unit_of_work, one)
    second = take_order(unit_of_work, other)
    record(unit_of_work, step(first, one.moved(), one.started()))
    record(unit_of_work, step(second, other.moved()))
    lines = read_whole_log(unit_of_work, expected=5)
    assert [(line.order_id, line.version) for _, line in lines] == [
        (one.order_id, 1),
        (other.order_id, 1),
        (one.order_id, 2),
        (one.order_id, 3),
        (other.order_id, 2),
    ]
    assert all(earlier < later for (earlier, _), (later, _) in pairwise(lines))


def test_the_whole_log_is_read_on_from_any_line_and_in_pages(unit_of_work: Database) -> None:
    about = facts()
    take_order(unit_of_work, about, *about.until_completed()[1:])
    lines = read_whole_log(unit_of_work, expected=len(about.until_completed()))
    with unit_of_work.transaction() as transaction:
        for index, (cursor, _) in enumerate(lines):
            assert transaction.event_store.read_all(cursor, 3) == lines[index + 1 : index + 4]
        assert transaction.event_store.read_all(LogCursor(), 2) == lines[:2]


def test_the_whole_log_contains_committed_events_only(unit_of_work: Database) -> None:
    about = facts()
    with unit_of_work.transaction() as transaction:
        transaction.event_store.append(step(about.order_id, pay(transaction, about)))
        assert transaction.event_store.read_all(LogCursor(), 10) == []
    assert len(read_whole_log(unit_of_work, expected=1)) == 1


def test_each_event_carries_the_hash_of_its_predecessor_and_its_own(unit_of_work: Database) -> None:
    one, other = facts(), facts()
    first, second = take_order(unit_of_work, one, one.moved()), take_order(unit_of_work, other)
    record(unit_of_work, step(load(unit_of_work, one.order_id), one.started(), one.restored()))
    record(unit_of_work, step(second, other.moved()))
    record(unit_of_work, step(load(unit_of_work, one.order_id), one.held()))
    read_whole_log(unit_of_work, expected=first.version + 5)
    chain = list(unit_of_work.chained_events())
    for about, versions in ((one, 5), (other, 2)):
        with unit_of_work.transaction() as transaction:
            hashes = [recorded.sha256 for recorded in transaction.event_store.history(about.order_id)]
            assert transaction.event_store.load(about.order_id).head == hashes[-1]
        stream = [event for event in chain if event.order_id == about.order_id]
        assert [event.version for event in stream] == list(range(1, versions + 1))
        assert [event.sha256 for event in stream] == hashes
        assert [event.previous_sha256 for event in stream] == [None, *hashes[:-1]]
        assert all(event.actual_sha256 == event.sha256 and event.is_readable for event in stream)
    assert len({event.sha256 for event in chain}) == len(chain)


def test_the_chain_contains_committed_events_in_commit_order(
    unit_of_work: Database,
) -> None:
    one, other = facts(), facts()
    first, second = take_order(unit_of_work, one), take_order(unit_of_work, other)
    record(unit_of_work, step(first, one.moved()))
    lines = read_whole_log(unit_of_work, expected=3)
    with unit_of_work.transaction() as transaction:
        transaction.event_store.append(step(second, other.moved()))
        assert [event.cursor for event in unit_of_work.chained_events()] == [cursor for cursor, _ in lines]


def test_the_chain_of_one_order_contains_its_committed_events_only(
    unit_of_work: Database,
) -> None:
    one, other = facts(), facts()
    take_order(unit_of_work, one, one.moved())
    second = take_order(unit_of_work, other)
    with unit_of_work.transaction() as transaction:
        transaction.event_store.append(step(second, other.moved()))  # a slow transaction of another order
        chain = list(unit_of_work.chained_events(one.order_id))
    assert [(event.order_id, event.version) for event in chain] == [(one.order_id, 1), (one.order_id, 2)]
    assert all(event.actual_sha256 == event.sha256 and event.is_readable for event in chain)
    assert [event.previous_sha256 for event in chain] == [None, chain[0].sha256]
    assert list(unit_of_work.chained_events(OrderId(uuid4()))) == []


def test_turnarounds_are_those_of_the_newest_orders_that_are_complete(unit_of_work: Database) -> None:
    done, running = facts(), facts()
    after = take_order(unit_of_work, done, *done.until_completed()[1:])
    take_order(unit_of_work, running, at=NOON + timedelta(days=1))
    took = after.entered_at[State.COMPLETED] - after.entered_at[State.PAID]
    with unit_of_work.transaction() as transaction:
        assert transaction.order_queries.recent_turnarounds(10) == [took]
        assert transaction.order_queries.recent_turnarounds(1) == []  # the newest order is not complete


def test_orders_are_listed_newest_first(unit_of_work: Database) -> None:
    old, new = facts(), facts(photos=3)
    take_order(unit_of_work, old, *old.until_delivered()[1:], old.held())
    take_order(unit_of_work, new, at=NOON + timedelta(days=1))
    with unit_of_work.transaction() as transaction:
        newest, oldest = transaction.order_queries.newest(10)
        assert transaction.order_queries.newest(1) == [newest]
    assert (newest.order_id, newest.state, newest.images, newest.restored) == (new.order_id, "paid", 3, 0)
    assert (newest.number, newest.paid, newest.is_held) == ("20261123-000001", euros(1470), False)
    assert newest.paid_at == NOON + timedelta(days=1)
    assert (oldest.order_id, oldest.state, oldest.images, oldest.restored) == (
        old.order_id,
        "delivered",
        2,
        1,
    )
    assert oldest.is_held


def test_orders_are_filtered_by_state_hold_date_customer_and_provider_id(unit_of_work: Database) -> None:
    done, fresh = facts(), facts()
    finished = take_order(unit_of_work, done, *done.until_delivered()[1:], done.refund_issued(490))
    held = take_order(unit_of_work, fresh, fresh.held(), at=NOON + timedelta(days=1))
    assert finished.payment is not None
    assert held.payment is not None
    sent = next(email.message_id for email in finished.emails.values() if email.message_id)
    prediction = next(iter(finished.images.values())).attempts[1].prediction_id
    [refund] = finished.refunds.values()
    with unit_of_work.transaction() as transaction:
        customer = transaction.customers.find(finished.payment.customer_id)
    assert customer is not None
    only_finished = [
        OrderFilter(state=finished.state),
        OrderFilter(paid_before=NOON + timedelta(days=1)),
        OrderFilter(email=customer.email.upper()),
        OrderFilter(provider_id=finished.payment.checkout_session_id),
        OrderFilter(provider_id=finished.payment.payment_intent_id),
        OrderFilter(provider_id=prediction),
        OrderFilter(provider_id=sent),
        OrderFilter(provider_id=f"{sent}.recvd-5f8c.0"),
        OrderFilter(provider_id=refund.provider_refund_id),
    ]
    only_held = [OrderFilter(is_held=True), OrderFilter(paid_from=NOON + timedelta(days=1))]
    neither = [
        OrderFilter(is_held=True, state=finished.state),
        OrderFilter(email="nobody@customer.example"),
        OrderFilter(provider_id="re_unknown"),
    ]
    with unit_of_work.transaction() as transaction:
        found = [
            [line.order_id for line in transaction.order_queries.newest(10, wanted)]
            for wanted in (*only_finished, *only_held, *neither)
        ]
    assert found == [
        *[[finished.order_id]] * len(only_finished),
        *[[held.order_id]] * len(only_held),
        *[[]] * len(neither),
    ]


def test_an_order_is_found_by_its_number(unit_of_work: Database) -> None:
    order = take_order(unit_of_work, facts())
    assert order.payment is not None
    with unit_of_work.transaction() as transaction:
        assert transaction.order_queries.find(order.payment.order_number) == order.order_id
        versions = transaction.order_queries.versions([order.order_id, OrderId(uuid4())])
        assert versions == {order.order_id: OrderVersion(order.version, order.state)}
        assert transaction.order_queries.find(OrderNumber("20261122-999999")) is None


def test_a_rebuild_yields_every_order_once_and_changes_nothing(unit_of_work: Database) -> None:
    one, other = facts(), facts()
    take_order(unit_of_work, one, *one.until_delivered()[1:])
    take_order(unit_of_work, other, other.moved(), other.sent(EmailKind.CONFIRMATION))
    with unit_of_work.transaction() as transaction:
        order_queries = transaction.order_queries.newest(10)
    assert list(unit_of_work.rebuild()) == sorted([one.order_id, other.order_id])
    with unit_of_work.transaction() as transaction:
        assert sorted(transaction.order_queries.newest(10), key=str) == sorted(order_queries, key=str)
        assert transaction.event_store.load_by_token(one.prepared().token_sha256) is not None


def test_a_working_database_passes_its_check(unit_of_work: Database) -> None:
    unit_of_work.check()
