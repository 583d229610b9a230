"""Two shops on one payment account do not touch each other's payments."""

from dataclasses import replace

import pytest

from domain.order.states import State
from domain.order.values import DisputeOutcome, OrderId
from domain.ports.payments import PaymentEventKind, PaymentWebhookEvent
from tests.domain.support.reconciliation_runs import compare
from tests.domain.use_cases.payments.test_webhooks_in_any_order import of_dispute, of_refund, take
from tests.doubles.clock import CountingIds
from tests.doubles.container import InMemoryShop
from tests.doubles.payments import InMemoryPayments


class TwoShops:
    """A shop with delivered orders, and a new one, sharing all webhooks."""

    def __init__(self) -> None:
        self.payments = InMemoryPayments()
        self.old = InMemoryShop(
            payments=self.payments, secret_key=b"the old shop's key, thirty-two characters"
        )
        self.fresh = InMemoryShop(
            payments=self.payments,
            secret_key=b"the fresh shop's key, thirty-two or more",
            ids=CountingIds(given=1_000_000),
        )

    def post(self, *webhook_events: PaymentWebhookEvent) -> None:
        """Deliver webhook events to both shops, like all endpoints of an account."""
        for webhook_event in webhook_events:
            for shop in (self.old, self.fresh):
                take(shop, webhook_event)
                shop.payment_listing.webhook_events.append(
                    replace(webhook_event, created_at=shop.clock.now())
                )

    def sell(self, shop: InMemoryShop) -> tuple[OrderId, str]:
        """Sell and deliver; return the order and its payment intent."""
        webhook_event = shop.payment(shop.upload(b"wedding"))
        self.post(webhook_event)
        assert webhook_event.checkout is not None
        assert webhook_event.checkout.order_id is not None
        assert webhook_event.checkout.payment_intent_id is not None
        assert shop.live(webhook_event.checkout.order_id).state is State.COMPLETED
        return webhook_event.checkout.order_id, webhook_event.checkout.payment_intent_id

    def let_weeks_pass(self) -> None:
        """Let each shop reconcile with repairs and refund what is due, twice."""
        for shop in (self.fresh, self.old, self.fresh):
            shop.clock.advance(days=10)
            compare(shop, repairs=True)
            shop.unmatched_payment_service.refund_due()
            shop.work()

    def refunded(self) -> int:
        return sum(payment.paid.amount - payment.left for payment in self.payments.payments.values())


@pytest.fixture
def shops() -> TwoShops:
    return TwoShops()


def test_neither_shop_refunds_or_stores_what_the_other_sold(shops: TwoShops) -> None:
    shops.sell(shops.old)
    shops.let_weeks_pass()
    shops.sell(shops.fresh)
    shops.let_weeks_pass()
    assert shops.refunded() == 0
    for shop in (shops.old, shops.fresh):
        assert len(shop.own_unit_of_work.pages.orders) == 1
        assert not shop.own_unit_of_work.pages.unmatched
        assert sum(source == "stripe" for source, _ in shop.own_unit_of_work.pages.inbox) == 1


def test_each_reconciliation_is_clean_and_lists_the_other_shops_payments(shops: TwoShops) -> None:
    _, intent = shops.sell(shops.old)
    shops.post(of_refund(intent, shops.payments.refund_by_hand(intent, 100)))
    dispute = replace(of_dispute(intent), created_at=shops.fresh.clock.now())
    shops.post(dispute)
    shops.fresh.payment_listing.disputed.append(dispute)
    shops.fresh.clock.advance(hours=3)
    report = compare(shops.fresh, repairs=True)
    assert report.agrees
    assert not report.findings
    ((checkout, _),) = shops.payments.states.items()
    assert [(each.kind, each.subject) for each in report.foreign] == [
        ("payment", checkout),
        ("refund", shops.payments.payments[intent].refunds[0][1].provider_refund_id),
        ("dispute", dispute.dispute_id),
    ]


def test_refunds_and_disputes_of_the_other_shops_payments_change_nothing(shops: TwoShops) -> None:
    order_id, intent = shops.sell(shops.old)
    refund = shops.payments.refund_by_hand(intent, 100)
    shops.post(of_refund(intent, refund), of_dispute(intent), of_dispute(intent, DisputeOutcome.WON))
    shops.let_weeks_pass()
    pages = shops.fresh.own_unit_of_work.pages
    assert not pages.inbox
    assert not pages.streams
    assert not pages.unmatched
    assert shops.old.order(order_id).refunded_amount == 100


def test_the_other_shops_open_pages_and_delayed_payments_are_left_alone(shops: TwoShops) -> None:
    session_id = shops.old.upload(b"wedding")
    checkout = shops.old.checkout(session_id)
    shops.payments.pay_later(checkout)
    shops.post(shops.old.webhook_event(checkout, PaymentEventKind.PENDING))
    shops.let_weeks_pass()
    shops.payments.settle(checkout, has_failed=True)
    shops.post(shops.old.webhook_event(checkout, PaymentEventKind.ABANDONED))
    shops.let_weeks_pass()
    assert not shops.fresh.own_unit_of_work.pages.inbox


def test_a_refund_webhook_before_its_payment_is_recorded_by_the_selling_shop_only(
    shops: TwoShops,
) -> None:
    webhook_event = shops.old.payment(shops.old.upload(b"wedding"))
    assert webhook_event.checkout is not None
    intent = webhook_event.checkout.payment_intent_id
    assert intent is not None
    shops.post(of_refund(intent, shops.payments.refund_by_hand(intent, 490)), webhook_event)
    assert webhook_event.checkout.order_id is not None
    assert shops.old.order(webhook_event.checkout.order_id).refunded_amount == 490
    assert not shops.fresh.own_unit_of_work.pages.streams


def test_a_changed_secret_key_loses_no_payment_that_the_database_knows(shops: TwoShops) -> None:
    webhook_event = shops.old.payment(shops.old.upload(b"wedding"))
    renewed = InMemoryShop(
        unit_of_work=shops.old.unit_of_work,
        payments=shops.payments,
        secret_key=b"another key, of thirty-two or more",
        ids=CountingIds(given=2_000_000),
    )
    take(renewed, webhook_event)
    assert len(shops.old.own_unit_of_work.pages.orders) == 1
