"""Recorded reasons for failed refunds tell staff what to do."""

from datetime import datetime, timedelta

import pytest

from domain.order import events as e
from domain.order.ledger import Refund
from domain.order.order import Order
from domain.order.reactions import IssueRefund
from domain.ports.errors import RefusedError
from domain.use_cases.payments.refunds import KEY_LIFETIME, RefundService
from domain.use_cases.support.staff_requests import StaffRequest
from tests.doubles.container import InMemoryShop

ADA = StaffRequest(actor="person:ada", reason="They asked for it on the phone.")


def owed(shop: InMemoryShop) -> tuple[Order, Refund]:
    """An order whose whole payment is to be refunded."""
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.staff_actions.refund(order_id, ADA)
    order = shop.order(order_id)
    (refund,) = order.refunds.values()
    return order, refund


def issue(shop: InMemoryShop, order: Order, refund: Refund, first_due_at: datetime | None = None) -> e.Event:
    refund_service = RefundService(payments=shop.payments, clock=shop.clock)
    work = IssueRefund(refund_id=refund.refund_id, attempt=1)
    (event,) = refund_service.issue(order, work, first_due_at=first_due_at or shop.clock.now())
    return event


@pytest.mark.parametrize(("code", "reason"), [("charge_already_refunded",) * 2, (None, "refused")])
def test_a_refusal_is_recorded_by_the_provider_s_code(
    shop: InMemoryShop, code: str | None, reason: str
) -> None:
    order, refund = owed(shop)
    shop.payments.fault_injector.fail("issue_refund", RefusedError("The double", "no", code=code))
    assert issue(shop, order, refund) == e.RefundFailed(
        refund_id=refund.refund_id, provider_refund_id=None, reason=reason
    )


def test_after_a_day_a_refund_is_only_looked_for(shop: InMemoryShop) -> None:
    order, refund = owed(shop)
    event = issue(shop, order, refund, shop.clock.now() - KEY_LIFETIME - timedelta(microseconds=1))
    assert event == e.RefundFailed(
        refund_id=refund.refund_id, provider_refund_id=None, reason="not known to the provider after a day"
    )
    assert isinstance(issue(shop, order, refund, shop.clock.now() - KEY_LIFETIME), e.RefundIssued)


def test_a_refund_that_fails_at_the_bank_names_the_provider_s_refund(shop: InMemoryShop) -> None:
    order, refund = owed(shop)
    made = issue(shop, order, refund)
    assert isinstance(made, e.RefundIssued)
    assert made.provider_refund_id is not None
    shop.payments.fail_refund(made.provider_refund_id)
    event = issue(shop, order, refund, shop.clock.now() - timedelta(days=2))
    assert event == e.RefundFailed(
        refund_id=refund.refund_id,
        provider_refund_id=made.provider_refund_id,
        reason="the provider could not pay it",
    )
