"""Points of customers, and what is reserved of them."""

from dataclasses import replace
from uuid import uuid4

from domain.order.values import CustomerId, PointsReason
from domain.ports.points_balances import PointsLine
from domain.ports.unit_of_work import Database
from domain.ports.upload_sessions import UploadSession, UploadStatus
from domain.referral_program import Spending
from tests.contracts.stored_streams import MINUTE, NOON, checkout, facts, pay, session
from tests.domain.support.event_builders import euros
from tests.domain.support.recording import step

EXPIRY = NOON + 30 * MINUTE


def new_customer_id() -> CustomerId:
    return CustomerId(uuid4())


def reserve(
    unit_of_work: Database,
    customer_id: CustomerId,
    points: int,
    status: UploadStatus = UploadStatus.CHECKOUT,
) -> UploadSession:
    opened = session()
    spending = Spending(customer_id=customer_id, points=points, discount=euros(2 * points))
    with unit_of_work.transaction() as transaction:
        transaction.upload_sessions.open(opened)
        transaction.upload_sessions.set_checkout(
            opened.session_id, replace(checkout(expires_at=EXPIRY), spending=spending)
        )
        transaction.upload_sessions.set_status(opened.session_id, status)
    return opened


def test_a_balance_is_the_sum_over_all_orders(unit_of_work: Database) -> None:
    customer_id, first, second = new_customer_id(), facts(), facts()
    earned = first.credited(100, customer_id=customer_id)
    more = second.credited(100, PointsReason.REFERRAL, customer_id=customer_id)
    spent = second.debited(150, customer_id=customer_id)
    with unit_of_work.transaction() as transaction:
        transaction.event_store.append(
            step(first.order_id, pay(transaction, first), earned, first.credited(7))
        )
        transaction.event_store.append(step(second.order_id, pay(transaction, second), more, spent))
    with unit_of_work.transaction() as transaction:
        assert transaction.points_balances.balance(customer_id) == 50
        assert transaction.points_balances.balance(new_customer_id()) == 0
        lines = transaction.points_balances.lines(customer_id)
    assert [(line.points, line.reason) for line in lines] == [
        (100, PointsReason.WELCOME),
        (100, PointsReason.REFERRAL),
        (-150, PointsReason.SPENT),
    ]
    assert all(isinstance(line, PointsLine) for line in lines)
    assert lines[0].order_number < lines[1].order_number == lines[2].order_number


def test_points_are_reserved_while_their_checkout_can_be_paid(unit_of_work: Database) -> None:
    customer_id = new_customer_id()
    reserve(unit_of_work, customer_id, 30)
    reserve(unit_of_work, new_customer_id(), 7)
    pending = reserve(unit_of_work, customer_id, 5, UploadStatus.PENDING)
    for over in (UploadStatus.OPEN, UploadStatus.PAID, UploadStatus.EXPIRED):
        reserve(unit_of_work, customer_id, 1000, over)
    with unit_of_work.transaction() as transaction:
        points = transaction.points_balances
        assert points.reserved(customer_id, EXPIRY) == 35
        assert points.reserved(customer_id, EXPIRY, besides=pending.session_id) == 30
        assert points.reserved(customer_id, EXPIRY + MINUTE) == 5, "delayed money may take days"


def test_a_checkout_stores_its_points_and_referrer(
    unit_of_work: Database,
) -> None:
    about = session()
    whole = replace(
        checkout(),
        referrer_id=new_customer_id(),
        spending=Spending(customer_id=new_customer_id(), points=3, discount=euros(6)),
    )
    with unit_of_work.transaction() as transaction:
        transaction.upload_sessions.open(about)
        for kept in (whole, checkout(attempt=2)):
            transaction.upload_sessions.set_checkout(about.session_id, kept)
            found = transaction.upload_sessions.find(about.session_id)
            assert found is not None
            assert found.checkout == kept
