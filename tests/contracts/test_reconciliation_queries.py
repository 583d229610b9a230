"""Batch queries, on the double and on PostgreSQL."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from domain.order import events as e
from domain.order.order import Order
from domain.order.reactions import MoveImages, RestoreImage, reaction_id_of
from domain.order.values import OrderId, Sha256, UploadSessionId
from domain.ports.reaction_queue import Outcome
from domain.ports.reconciliation_rounds import UnfinishedRound
from domain.ports.unit_of_work import Database
from domain.ports.upload_sessions import UploadStatus
from domain.ports.webhook_inbox import UNSEEN
from domain.unmatched_payment import UnmatchedPayment
from tests.contracts.stored_streams import (
    MINUTE,
    NOON,
    admit,
    claimed,
    facts,
    photo,
    schedule,
    scheduled,
    session,
    take_order,
)
from tests.domain.support.event_builders import Facts, euros

DAY = timedelta(days=1)


def checkout_of(order: Order) -> str:
    assert order.payment is not None
    return order.payment.checkout_session_id


def test_orders_of_a_period_have_events_in_it_or_are_open(
    unit_of_work: Database,
) -> None:
    old, over, new = facts(), facts(), facts()
    take_order(unit_of_work, old, at=NOON - 9 * DAY)
    take_order(unit_of_work, over, *over.until_completed()[1:], at=NOON - 9 * DAY)
    take_order(unit_of_work, new, *new.until_completed()[1:], at=NOON)
    with unit_of_work.transaction() as transaction:
        assert set(transaction.reconciliation_queries.orders_since(NOON)) == {old.order_id, new.order_id}
        assert transaction.reconciliation_queries.orders_since(NOON - 9 * DAY) == sorted(
            each.order_id for each in (old, over, new)
        )


def test_an_order_on_hold_is_of_every_period(unit_of_work: Database) -> None:
    held = facts()
    take_order(unit_of_work, held, *held.until_completed()[1:], held.held(), at=NOON - 9 * DAY)
    with unit_of_work.transaction() as transaction:
        assert transaction.reconciliation_queries.orders_since(NOON) == [held.order_id]


def test_streams_are_complete_and_separate(unit_of_work: Database) -> None:
    one, other = facts(), facts()
    take_order(unit_of_work, one, one.moved())
    take_order(unit_of_work, other)
    with unit_of_work.transaction() as transaction:
        asked = [one.order_id, other.order_id, OrderId(uuid4())]
        assert transaction.reconciliation_queries.streams(asked) == {
            each.order_id: transaction.event_store.history(each.order_id) for each in (one, other)
        }
        assert transaction.reconciliation_queries.streams([]) == {}


def test_read_models_that_follow_from_the_log_do_not_differ(unit_of_work: Database) -> None:
    one, other = facts(), facts()
    orders = [
        take_order(unit_of_work, one, *one.until_completed()[1:]),
        take_order(unit_of_work, other, *other.until_restoring()[1:], other.started()),
    ]
    with unit_of_work.transaction() as transaction:
        assert transaction.reconciliation_queries.differing_read_models(orders) == {}
        assert transaction.reconciliation_queries.differing_read_models([]) == {}


def test_a_reaction_is_reported_as_open_until_it_is_closed(unit_of_work: Database) -> None:
    about, other = facts(), facts()
    work, others = scheduled(about), scheduled(other)
    schedule(unit_of_work, work, others)
    reaction_id = reaction_id_of(about.order_id, MoveImages())

    def reported() -> tuple[UUID, str, bool, object]:
        with unit_of_work.transaction() as transaction:
            ((line,),) = transaction.reconciliation_queries.work([about.order_id]).values()
        return line.reaction_id, line.kind, line.is_open, line.free_since

    assert reported() == (reaction_id, "MoveImages", True, NOON)
    claim = claimed(unit_of_work, work, NOON + MINUTE, 5 * MINUTE)
    assert reported() == (reaction_id, "MoveImages", True, NOON + 6 * MINUTE)
    with unit_of_work.transaction() as transaction:
        transaction.reactions.close(claim, outcome=Outcome.DONE)
    assert reported()[2] is False


def test_a_start_is_free_only_from_its_slot_on(unit_of_work: Database) -> None:
    about = facts()
    schedule(unit_of_work, scheduled(about, RestoreImage(about.image(0), 1)))

    def free_since() -> datetime | None:
        with unit_of_work.transaction() as transaction:
            ((line,),) = transaction.reconciliation_queries.work([about.order_id]).values()
        return line.free_since

    assert free_since() is None
    admit(unit_of_work, NOON + MINUTE)
    assert free_since() == NOON + MINUTE


def test_webhook_events_missing_in_the_inbox_are_reported(unit_of_work: Database) -> None:
    with unit_of_work.transaction() as transaction:
        transaction.webhook_inbox.accept("stripe", "evt_1", "refund.created", Sha256("1" * 64), NOON)
        transaction.webhook_inbox.accept("sendgrid", "evt_2", "bounce", Sha256("2" * 64), NOON)
    with unit_of_work.transaction() as transaction:
        assert transaction.reconciliation_queries.unknown_messages("stripe", ["evt_1", "evt_2", "evt_3"]) == {
            "evt_2",
            "evt_3",
        }
        assert transaction.reconciliation_queries.unknown_messages("stripe", []) == set()


@pytest.mark.parametrize("first", [UNSEEN, Sha256("1" * 64)])
def test_a_webhook_event_found_on_a_list_conflicts_with_nothing(
    unit_of_work: Database, first: Sha256
) -> None:
    second = Sha256("1" * 64) if first == UNSEEN else UNSEEN
    with unit_of_work.transaction() as transaction:
        assert transaction.webhook_inbox.accept("stripe", "evt_1", "refund.created", first, NOON)
        assert not transaction.webhook_inbox.accept("stripe", "evt_1", "refund.created", second, NOON)
        assert transaction.webhook_inbox.conflicts() == []


def test_a_payment_is_found_with_an_order_or_without_one(unit_of_work: Database) -> None:
    paid = take_order(unit_of_work, facts())
    unmatched = UnmatchedPayment(
        checkout_session_id="cs_unmatched",
        upload_session_id=None,
        payment_intent_id="pi_unmatched",
        paid=euros(490),
        reason="There is no upload session for it.",
        received_at=NOON,
    )
    with unit_of_work.transaction() as transaction:
        transaction.unmatched_payments.add(unmatched)
        assert transaction.reconciliation_queries.payments(
            [checkout_of(paid), "cs_unmatched", "cs_unknown"]
        ) == {
            checkout_of(paid): paid.payment.paid if paid.payment else None,
            "cs_unmatched": euros(490),
        }


def test_orders_are_found_by_their_payment_intents(unit_of_work: Database) -> None:
    paid = take_order(unit_of_work, facts())
    take_order(unit_of_work, facts())
    assert paid.payment is not None
    intent = str(paid.payment.payment_intent_id)
    with unit_of_work.transaction() as transaction:
        assert transaction.reconciliation_queries.orders_by_payment([intent, "pi_unknown"]) == {
            intent: paid.order_id
        }


def test_delivered_orders_with_photos_are_found_by_their_customers_address(unit_of_work: Database) -> None:
    delivered, under_way, purged = facts(), facts(), facts()
    orders = [
        take_order(unit_of_work, delivered, *delivered.until_completed()[1:]),
        take_order(unit_of_work, under_way),
        take_order(unit_of_work, purged, *purged.until_completed()[1:], purged.purged()),
    ]
    with unit_of_work.transaction() as transaction:
        customers = [transaction.customers.find(each.payment.customer_id) for each in orders if each.payment]
        addresses = [each.email for each in customers if each is not None]
        found = transaction.reconciliation_queries.delivered_orders_of(
            [*map(str.upper, addresses), "stranger@example.com"]
        )
        assert found == {addresses[0].lower(): [delivered.order_id]}
        assert transaction.reconciliation_queries.delivered_orders_of([]) == {}


def test_predictions_are_known_by_the_attempts_on_record(unit_of_work: Database) -> None:
    about = facts()
    started = about.started()
    take_order(unit_of_work, about, *about.until_restoring()[1:], started)
    with unit_of_work.transaction() as transaction:
        asked = [started.prediction_id, "prediction-unknown"]
        assert transaction.reconciliation_queries.known_predictions(asked) == {started.prediction_id}


def test_sessions_are_known_before_and_after_cleanup(unit_of_work: Database) -> None:
    kept, tidied = session(), session()
    unknown = UploadSessionId(uuid4())
    with unit_of_work.transaction() as transaction:
        for each in (kept, tidied):
            transaction.upload_sessions.open(each)
            transaction.upload_sessions.add_photo(each.session_id, photo())
            transaction.upload_sessions.set_status(each.session_id, UploadStatus.PAID)
        transaction.upload_sessions.forget_temp_objects(tidied.session_id, NOON)
        asked = [kept.session_id, tidied.session_id, unknown]
        assert transaction.reconciliation_queries.known_sessions(asked) == {
            kept.session_id,
            tidied.session_id,
        }
        assert transaction.reconciliation_queries.tidied_sessions(asked) == {tidied.session_id}


def test_one_comparison_begins_in_an_interval(unit_of_work: Database) -> None:
    with unit_of_work.transaction() as transaction:
        first = transaction.reconciliation_rounds.begin(NOON, unless_since=NOON - DAY)
        assert first is not None
        assert first.previous is None
        assert (
            transaction.reconciliation_rounds.begin(NOON + MINUTE, unless_since=NOON + MINUTE - DAY) is None
        )
        second = transaction.reconciliation_rounds.begin(NOON + DAY + MINUTE, unless_since=NOON + MINUTE)
        assert second is not None
        assert second.previous is None, "the first one never came to its end"
        transaction.reconciliation_rounds.end(
            NOON + DAY + MINUTE, NOON + DAY + 2 * MINUTE, findings=3, healed=2
        )
        third = transaction.reconciliation_rounds.begin(NOON + 3 * DAY, unless_since=NOON + 2 * DAY)
        assert third is not None
        assert third.previous == NOON + DAY + MINUTE


def test_an_unfinished_comparison_is_taken_once(unit_of_work: Database) -> None:
    with unit_of_work.transaction() as transaction:
        rounds = transaction.reconciliation_rounds
        assert rounds.take_unfinished() is None
        assert rounds.begin(NOON, unless_since=NOON - DAY) is not None
        assert rounds.take_unfinished() is None, "it is being compared"
        unfinished = UnfinishedRound(
            began_at=NOON,
            since=NOON - DAY,
            late_sides=("stripe", "storage"),
            findings=3,
            repaired=2,
            is_flawed=True,
        )
        rounds.interrupt(unfinished)
    with unit_of_work.transaction() as transaction:
        assert transaction.reconciliation_rounds.take_unfinished() == unfinished
        assert transaction.reconciliation_rounds.take_unfinished() is None


def test_an_unfinished_comparison_is_forgotten_once_another_began(unit_of_work: Database) -> None:
    with unit_of_work.transaction() as transaction:
        rounds = transaction.reconciliation_rounds
        assert rounds.begin(NOON, unless_since=NOON - DAY) is not None
        rounds.interrupt(
            UnfinishedRound(
                began_at=NOON,
                since=NOON - DAY,
                late_sides=("stripe",),
                findings=0,
                repaired=0,
                is_flawed=False,
            )
        )
        assert rounds.begin(NOON + 2 * DAY, unless_since=NOON + DAY) is not None
        assert rounds.take_unfinished() is None


def test_queries_of_many_orders_return_these_only(unit_of_work: Database) -> None:
    about: Facts = facts()
    order = take_order(unit_of_work, about)
    other = take_order(unit_of_work, facts())
    with unit_of_work.transaction() as transaction:
        assert set(transaction.reconciliation_queries.streams([order.order_id])) == {order.order_id}
        assert transaction.reconciliation_queries.work([other.order_id]) == {}
        events = [
            each.event
            for each in transaction.reconciliation_queries.streams([order.order_id])[order.order_id]
        ]
    assert [type(event) for event in events] == [e.PaymentReceived]
