"""Payments that belong to no order."""

import json
import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from msgspec import MsgspecError
from sqlalchemy.exc import DataError

from adapters.payments_stripe.webhooks import webhook_event_of
from domain.order.values import Money, UploadSessionId
from domain.ports.unit_of_work import Database
from domain.unmatched_payment import UnmatchedPayment, UnmatchedStatus
from tests.contracts.stored_streams import MINUTE, NOON
from tests.domain.support.event_builders import euros

WEEK = timedelta(days=7)


def payment(number: int = 1, **facts: Any) -> UnmatchedPayment:
    made = UnmatchedPayment(
        checkout_session_id=f"cs_{number}",
        upload_session_id=UploadSessionId(uuid4()),
        payment_intent_id=f"pi_{number}",
        paid=euros(490),
        reason="The order was paid before.",
        received_at=NOON + number * MINUTE,
    )
    return replace(made, **facts)


def store(unit_of_work: Database, *payments: UnmatchedPayment) -> None:
    with unit_of_work.transaction() as transaction:
        for each in payments:
            transaction.unmatched_payments.add(each)


def test_a_payment_is_stored_and_found_by_checkout_and_payment(unit_of_work: Database) -> None:
    first, other = payment(1), payment(2, upload_session_id=None, payment_intent_id=None)
    store(unit_of_work, first, other)
    with unit_of_work.transaction() as transaction:
        for lock in (False, True):
            assert transaction.unmatched_payments.find("cs_1", lock=lock) == first
            assert transaction.unmatched_payments.find_by_payment("pi_1", lock=lock) == first
        assert transaction.unmatched_payments.find("cs_2") == other
        assert transaction.unmatched_payments.find("cs_3") is None
        assert transaction.unmatched_payments.find_by_payment("pi_2") is None


def signed_payment(amount: int, **ids: str) -> UnmatchedPayment:
    """The payment that Stripe's parser makes of a signed webhook event."""
    session = {"id": "cs_1", "payment_intent": "pi_1", "payment_status": "paid", **ids}
    event = {
        "id": "evt_1",
        "type": "checkout.session.completed",
        "data": {"object": {**session, "amount_total": amount, "currency": "idr"}},
    }
    checkout = webhook_event_of(json.dumps(event).encode()).checkout
    assert checkout is not None
    return payment(
        checkout_session_id=checkout.checkout_session_id,
        payment_intent_id=checkout.payment_intent_id,
        paid=checkout.paid,
    )


def test_the_largest_payment_with_the_longest_ids_that_is_believed_can_be_stored(
    unit_of_work: Database,
) -> None:
    # Of ids that compress well, an index holds longer ones.
    session_id, intent_id = (
        "".join(chr(0x10000 + secrets.randbelow(60_000)) for _ in range(255)) for _ in "ab"
    )
    largest = signed_payment(999_999_999_999, id=session_id, payment_intent=intent_id)
    store(unit_of_work, largest)
    with unit_of_work.transaction() as transaction:
        assert transaction.unmatched_payments.find(session_id) == largest
        assert transaction.unmatched_payments.find_by_payment(intent_id) == largest


@pytest.mark.parametrize("amount", [2**63, 10**30, -(2**63) - 1])
def test_an_amount_beyond_the_column_is_not_stored(unit_of_work: Database, amount: int) -> None:
    with pytest.raises((OverflowError, DataError)):
        store(unit_of_work, payment(1, paid=Money(amount=amount, currency="EUR")))
    store(unit_of_work, payment(2, paid=Money(amount=2**63 - 1, currency="EUR")))
    with pytest.raises(MsgspecError):
        signed_payment(amount)
    with unit_of_work.transaction() as transaction:
        assert [each.checkout_session_id for each in transaction.unmatched_payments.unsettled()] == ["cs_2"]


def test_storing_an_unmatched_payment_again_changes_nothing(unit_of_work: Database) -> None:
    closed = payment(status=UnmatchedStatus.REFUNDED, returned={"re_1": 490})
    store(unit_of_work, closed, payment())
    with unit_of_work.transaction() as transaction:
        assert transaction.unmatched_payments.find("cs_1") == closed


def test_every_change_of_an_unmatched_payment_is_stored(unit_of_work: Database) -> None:
    store(unit_of_work, payment(1), payment(2))
    changed = payment(
        1,
        status=UnmatchedStatus.MATCHED,
        returned={"re_1": 200, "dp_1": 0},
        attempt=3,
        asked_at=NOON + WEEK,
        retry_at=NOON + 2 * WEEK,
        problem="charge_disputed",
        actor="person:bruno",
        note="He had sent the photos twice.",
        decided_at=NOON + WEEK,
        matched_session_id=UploadSessionId(uuid4()),
    )
    with unit_of_work.transaction() as transaction:
        transaction.unmatched_payments.save(changed)
        transaction.unmatched_payments.save(payment(3))
    with unit_of_work.transaction() as transaction:
        assert transaction.unmatched_payments.find("cs_1") == changed
        assert transaction.unmatched_payments.find("cs_3") is None
        assert [one.checkout_session_id for one in transaction.unmatched_payments.unsettled()] == ["cs_2"]


def test_a_payment_neither_refunded_nor_matched_is_unsettled(unit_of_work: Database) -> None:
    store(unit_of_work, *(payment(n, status=status) for n, status in enumerate(reversed(UnmatchedStatus))))
    with unit_of_work.transaction() as transaction:
        unsettled = [one.status for one in transaction.unmatched_payments.unsettled()]
    assert unsettled == [UnmatchedStatus.REFUNDING, UnmatchedStatus.OPEN]


@pytest.mark.parametrize(
    ("facts", "due"),
    [
        ({}, ["cs_1"]),
        ({"received_at": NOON + WEEK}, []),
        ({"upload_session_id": None}, []),
        ({"is_held": True}, []),
        ({"is_held": True, "actor": "person:bruno"}, ["cs_1"]),
        ({"upload_session_id": None, "actor": "person:bruno"}, ["cs_1"]),
        ({"received_at": NOON + WEEK, "actor": "person:bruno"}, ["cs_1"]),
        ({"retry_at": NOON + WEEK + MINUTE}, []),
        ({"retry_at": NOON + WEEK}, ["cs_1"]),
        ({"status": UnmatchedStatus.REFUNDING, "received_at": NOON + WEEK}, ["cs_1"]),
        ({"status": UnmatchedStatus.REFUNDING, "retry_at": NOON + WEEK + MINUTE}, []),
        ({"status": UnmatchedStatus.REFUNDED, "actor": "shop"}, []),
        ({"status": UnmatchedStatus.MATCHED, "actor": "person:bruno"}, []),
    ],
)
def test_a_payment_is_due_after_its_wait_or_when_staff_resolved_it(
    unit_of_work: Database, facts: dict[str, Any], due: list[str]
) -> None:
    store(unit_of_work, payment(**facts))
    with unit_of_work.transaction() as transaction:
        found = transaction.unmatched_payments.due(received_before=NOON + 2 * MINUTE, now=NOON + WEEK)
    assert found == due
