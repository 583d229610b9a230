"""Payment webhooks lead to the same result in any order, however repeated."""

from dataclasses import replace
from itertools import permutations
from uuid import uuid4

import pytest

from domain.order import events as e
from domain.order.states import State
from domain.order.values import DisputeOutcome, HoldReason, Money
from domain.ports.errors import UnavailableError
from domain.ports.payments import (
    CheckoutState,
    PaymentEventKind,
    PaymentWebhookEvent,
    ProviderDispute,
    ProviderRefund,
)
from domain.ports.upload_sessions import UploadStatus
from domain.signed_tokens import sha256_of
from domain.use_cases.checkout.uploads import UploadSessionClosedError
from domain.use_cases.payments.checkout_sync import PENDING_PAYMENT
from domain.use_cases.payments.payment_events import Handled
from tests.domain.support.assertions import kinds, order_of
from tests.doubles.container import InMemoryShop

UNAVAILABLE = UnavailableError("The double", "out for lunch")


def take(shop: InMemoryShop, *webhook_events: PaymentWebhookEvent) -> None:
    """Handle webhook events, each of them twice."""
    for webhook_event in webhook_events:
        for _ in range(2):
            shop.payment_webhook.handle(webhook_event, sha256_of(webhook_event.event_id))


def of_refund(intent: str | None, refund: ProviderRefund, *, has_failed: bool = False) -> PaymentWebhookEvent:
    return PaymentWebhookEvent(
        event_id=f"evt_{uuid4()}",
        event_type="refund.updated",
        kind=PaymentEventKind.REFUND_FAILED if has_failed else PaymentEventKind.REFUND_ISSUED,
        payment_intent_id=intent,
        refund=replace(refund, has_failed=has_failed),
    )


def of_dispute(intent: str | None, outcome: DisputeOutcome | None = None) -> PaymentWebhookEvent:
    return PaymentWebhookEvent(
        event_id=f"evt_{uuid4()}",
        event_type="charge.dispute.closed" if outcome else "charge.dispute.created",
        kind=PaymentEventKind.DISPUTE_CLOSED if outcome else PaymentEventKind.DISPUTE_OPENED,
        payment_intent_id=intent,
        dispute_id="dp_1",
        dispute_amount=Money(amount=490, currency="EUR"),
        reason="fraudulent",
        outcome=outcome,
    )


def disputed_at_provider(shop: InMemoryShop, intent: str, outcome: DisputeOutcome | None) -> None:
    shop.payments.disputes["dp_1"] = ProviderDispute(
        dispute_id="dp_1",
        payment_intent_id=intent,
        amount=Money(amount=490, currency="EUR"),
        reason="fraudulent",
        outcome=outcome,
    )


LOST_THEN_WON = (None, DisputeOutcome.LOST, DisputeOutcome.WON)


@pytest.mark.parametrize("order_of_arrival", list(permutations(range(3))))
def test_an_appeal_that_was_won_counts_in_whatever_order_its_events_arrive(
    shop: InMemoryShop, order_of_arrival: tuple[int, ...]
) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    payment = shop.order(order_id).payment
    assert payment is not None
    assert payment.payment_intent_id is not None
    events = [of_dispute(payment.payment_intent_id, outcome) for outcome in LOST_THEN_WON]
    disputed_at_provider(shop, payment.payment_intent_id, DisputeOutcome.WON)
    take(shop, *(events[number] for number in order_of_arrival))
    assert shop.order(order_id).disputes["dp_1"].outcome is DisputeOutcome.WON


@pytest.mark.parametrize("order_of_arrival", list(permutations(range(3))))
def test_an_appeal_about_an_unmatched_payment_counts_in_whatever_order_its_events_arrive(
    shop: InMemoryShop, order_of_arrival: tuple[int, ...]
) -> None:
    session_id = shop.upload(b"wedding")
    shop.pay(session_id)
    twice = replace(shop.payment(shop.upload(b"again")), event_id="evt_again")
    assert twice.checkout is not None
    checkout = replace(twice.checkout, email=None)
    intent = checkout.payment_intent_id
    assert intent is not None
    take(shop, replace(twice, checkout=checkout))
    events = [of_dispute(intent, outcome) for outcome in LOST_THEN_WON]
    disputed_at_provider(shop, intent, DisputeOutcome.WON)
    take(shop, *(events[number] for number in order_of_arrival))
    with shop.unit_of_work.transaction() as transaction:
        unmatched = transaction.unmatched_payments.find_by_payment(intent)
    assert unmatched is not None
    assert unmatched.returned == {"dp_1": 0}


def test_an_outcome_under_appeal_stays_until_the_appeal_is_decided(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    payment = shop.order(order_id).payment
    assert payment is not None
    assert payment.payment_intent_id is not None
    intent = payment.payment_intent_id
    take(shop, of_dispute(intent, DisputeOutcome.LOST))
    disputed_at_provider(shop, intent, None)
    take(shop, of_dispute(intent), of_dispute(intent, DisputeOutcome.WON))
    assert shop.order(order_id).disputes["dp_1"].outcome is DisputeOutcome.LOST


def test_a_changed_outcome_waits_for_the_provider_and_is_not_believed_without_it(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    payment = shop.order(order_id).payment
    assert payment is not None
    intent = payment.payment_intent_id
    take(shop, of_dispute(intent, DisputeOutcome.WON))
    changed = of_dispute(intent, DisputeOutcome.LOST)
    shop.payments.fault_injector.fail("look_up_dispute", UNAVAILABLE)
    with pytest.raises(UnavailableError):
        shop.payment_webhook.handle(changed, sha256_of(b"lost"))
    assert shop.payment_webhook.handle(changed, sha256_of(b"lost")) is Handled.DISPUTE_UNKNOWN
    assert shop.order(order_id).disputes["dp_1"].outcome is DisputeOutcome.WON


def test_money_that_takes_days_keeps_its_photos_and_then_makes_the_order(shop: InMemoryShop) -> None:
    session_id = shop.upload(b"wedding")
    checkout = shop.checkout(session_id)
    shop.payments.pay_later(checkout)
    take(shop, shop.webhook_event(checkout, PaymentEventKind.PENDING))
    assert shop.upload_service.find(session_id).status is UploadStatus.PENDING
    shop.clock.advance(days=30)
    shop.upload_cleanup.tidy()
    shop.payments.settle(checkout, has_failed=False)
    paid = shop.webhook_event(checkout, PaymentEventKind.PAID)
    take(shop, paid)
    assert shop.live(order_of(paid)).state is State.COMPLETED


@pytest.mark.parametrize("has_failed", [True, False], ids=["failed", "expired"])
def test_an_abandoned_checkout_frees_its_photos(shop: InMemoryShop, has_failed: bool) -> None:  # noqa: FBT001 -- a parameter
    session_id = shop.upload(b"wedding")
    checkout = shop.checkout(session_id)
    if has_failed:
        shop.payments.pay_later(checkout)
        take(shop, shop.webhook_event(checkout, PaymentEventKind.PENDING))
        shop.payments.settle(checkout, has_failed=True)
    else:
        shop.payments.expire(checkout)
    take(shop, shop.webhook_event(checkout, PaymentEventKind.ABANDONED))
    assert shop.upload_service.find(session_id).status is UploadStatus.OPEN
    shop.clock.advance(days=8)
    shop.upload_cleanup.tidy()
    assert not shop.storage.objects


@pytest.mark.parametrize(("has_failed", "end"), [(True, UploadStatus.OPEN), (False, UploadStatus.PAID)])
def test_webhooks_of_a_delayed_payment_may_come_in_any_order(has_failed: bool, end: UploadStatus) -> None:  # noqa: FBT001 -- a parameter
    last = PaymentEventKind.ABANDONED if has_failed else PaymentEventKind.PAID
    for order in permutations([PaymentEventKind.PENDING, last]):
        shop = InMemoryShop()
        session_id = shop.upload(b"wedding")
        checkout = shop.checkout(session_id)
        shop.payments.pay_later(checkout)
        shop.payments.settle(checkout, has_failed=has_failed)
        take(shop, *(shop.webhook_event(checkout, kind) for kind in order))
        session = shop.upload_service.find(session_id)
        assert session.status is end
        assert kinds(shop, session.order_id) == ([] if has_failed else [e.PaymentReceived])


def test_an_answer_that_is_stale_when_it_is_written_down_takes_no_end_back(
    shop: InMemoryShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = shop.upload(b"wedding")
    checkout = shop.checkout(session_id)
    shop.payments.pay_later(checkout)
    ask = shop.payments.find_checkout

    def ask_and_be_overtaken(checkout_session_id: str) -> CheckoutState | None:
        monkeypatch.undo()
        stale = ask(checkout_session_id)
        shop.payments.settle(checkout, has_failed=True)
        take(shop, shop.webhook_event(checkout, PaymentEventKind.ABANDONED))
        return stale

    monkeypatch.setattr(shop.payments, "find_checkout", ask_and_be_overtaken)
    take(shop, shop.webhook_event(checkout, PaymentEventKind.PENDING))
    assert shop.upload_service.find(session_id).status is UploadStatus.OPEN


def test_an_expired_session_whose_photos_are_on_their_way_out_does_not_open_again(shop: InMemoryShop) -> None:
    session_id = shop.upload(b"forgotten")
    checkout = shop.checkout(session_id)
    shop.payments.expire(checkout)
    shop.clock.advance(days=8)
    shop.storage.fault_injector.fail("purge", UNAVAILABLE)
    with pytest.raises(UnavailableError):
        shop.upload_cleanup.tidy()
    take(shop, shop.webhook_event(checkout, PaymentEventKind.ABANDONED))
    assert shop.upload_service.find(session_id).status is UploadStatus.EXPIRED


def test_a_webhook_that_cannot_be_verified_at_the_provider_is_retried(
    shop: InMemoryShop,
) -> None:
    session_id = shop.upload(b"wedding")
    checkout = shop.checkout(session_id)
    shop.payments.pay_later(checkout)
    webhook_event = shop.webhook_event(checkout, PaymentEventKind.PENDING)
    shop.payments.fault_injector.fail("find_checkout", UNAVAILABLE)
    with pytest.raises(UnavailableError):
        shop.payment_webhook.handle(webhook_event, sha256_of(webhook_event.event_id))
    assert shop.upload_service.find(session_id).status is UploadStatus.CHECKOUT
    take(shop, webhook_event)
    assert shop.upload_service.find(session_id).status is UploadStatus.PENDING


def test_a_webhook_of_an_older_page_does_not_reopen_a_session_while_a_new_page_opens(
    shop: InMemoryShop,
) -> None:
    session_id = shop.upload(b"wedding")
    old = shop.checkout(session_id)
    shop.payments.expire(old)
    shop.clock.advance(hours=2)
    shop.payments.fault_injector.fail("open_checkout", UNAVAILABLE)
    with pytest.raises(UnavailableError):
        shop.checkout_service.open(session_id, email=None)
    take(shop, shop.webhook_event(old, PaymentEventKind.ABANDONED))
    assert shop.upload_service.find(session_id).status is UploadStatus.CHECKOUT


def test_money_that_takes_days_keeps_its_photos_also_when_it_comes_from_an_older_page(
    shop: InMemoryShop,
) -> None:
    session_id = shop.upload(b"wedding")
    old = shop.checkout(session_id)
    shop.clock.advance(hours=2)
    new = shop.checkout(session_id)
    assert old != new
    shop.payments.pay_later(old)
    take(shop, shop.webhook_event(old, PaymentEventKind.PENDING))
    shop.payments.expire(new)
    take(shop, shop.webhook_event(new, PaymentEventKind.ABANDONED))
    with pytest.raises(UploadSessionClosedError):
        shop.add(session_id, b"harvest")
    shop.clock.advance(days=30)
    shop.upload_cleanup.tidy()
    shop.payments.settle(old, has_failed=False)
    take(shop, paid := shop.webhook_event(old, PaymentEventKind.PAID))
    assert shop.live(order_of(paid)).state is State.COMPLETED


def test_money_that_fails_on_an_older_page_frees_its_photos(shop: InMemoryShop) -> None:
    session_id = shop.upload(b"wedding")
    old = shop.checkout(session_id)
    shop.clock.advance(hours=2)
    shop.checkout(session_id)
    shop.payments.pay_later(old)
    take(shop, shop.webhook_event(old, PaymentEventKind.PENDING))
    shop.payments.settle(old, has_failed=True)
    take(shop, shop.webhook_event(old, PaymentEventKind.ABANDONED))
    assert shop.upload_service.find(session_id).status is UploadStatus.OPEN


def test_photos_that_came_after_the_quote_are_quoted_anew_whenever_the_money_comes(
    shop: InMemoryShop,
) -> None:
    session_id = shop.upload(b"wedding")
    page = shop.checkout(session_id)
    shop.payments.expire(page)
    take(shop, shop.webhook_event(page, PaymentEventKind.ABANDONED))
    shop.add(session_id, b"harvest")
    shop.payments.pay(page)
    take(shop, paid := shop.webhook_event(page, PaymentEventKind.PAID))
    order = shop.live(order_of(paid))
    assert order.payment is not None
    assert (order.payment.paid.amount, order.payment.quoted.amount) == (490, 980)
    assert (order.hold, order.state) == (HoldReason.AMOUNT_MISMATCH, State.PAID)


def test_a_session_whose_end_is_never_reported_is_looked_up_once_it_is_over(shop: InMemoryShop) -> None:
    sessions = [shop.upload(b"wedding"), shop.upload(b"harvest"), shop.upload(b"portrait")]
    checkouts = [shop.checkout(session_id) for session_id in sessions]
    for checkout in checkouts:
        shop.payments.pay_later(checkout)
        take(shop, shop.webhook_event(checkout, PaymentEventKind.PENDING))
    shop.payments.settle(checkouts[0], has_failed=False)
    shop.payments.settle(checkouts[1], has_failed=True)
    shop.clock.advance(seconds=PENDING_PAYMENT.total_seconds())
    assert shop.checkout_sync.poll_pending_payments() == 0
    shop.clock.advance(seconds=1)
    shop.payments.fault_injector.fail("find_checkout", UNAVAILABLE)
    with pytest.raises(UnavailableError):
        shop.checkout_sync.poll_pending_payments()
    shop.checkout_sync.poll_pending_payments()
    assert [shop.upload_service.find(session_id).status for session_id in sessions] == [
        UploadStatus.PAID,
        UploadStatus.OPEN,
        UploadStatus.PENDING,
    ]
    assert shop.live(shop.upload_service.find(sessions[0]).order_id).state is State.COMPLETED


@pytest.mark.parametrize("has_failed", [False, True], ids=["issued", "failed"])
def test_webhooks_of_a_payment_and_its_refund_may_come_in_any_order(has_failed: bool) -> None:  # noqa: FBT001 -- a parameter
    ends = set()
    for sequence in permutations(range(3)):
        shop = InMemoryShop()
        checkout = shop.checkout(shop.upload(b"wedding"))
        intent = shop.payments.pay(checkout)
        made = shop.payments.refund_by_hand(intent, 490)
        if has_failed:
            shop.payments.fail_refund(made.provider_refund_id)
        paid = shop.webhook_event(checkout, PaymentEventKind.PAID)
        webhook_events = [paid, of_refund(intent, made), of_refund(intent, made, has_failed=has_failed)]
        take(shop, *(webhook_events[number] for number in sequence))
        order = shop.order(order_of(paid))
        assert kinds(shop, order.order_id).count(e.PaymentReceived) == 1
        assert not shop.own_unit_of_work.pages.unmatched
        refunds = tuple((refund.amount, refund.status) for refund in order.refunds.values())
        ends.add((order.state, order.hold, refunds))
    assert len(ends) == 1
    assert {hold for _, hold, _ in ends} == {HoldReason.REFUND_NOT_ISSUED if has_failed else None}


def test_webhooks_of_a_dispute_and_its_end_may_come_before_the_payment(shop: InMemoryShop) -> None:
    checkout = shop.checkout(shop.upload(b"wedding"))
    intent = shop.payments.pay(checkout)
    take(shop, of_dispute(intent, DisputeOutcome.WON), of_dispute(intent))
    paid = shop.webhook_event(checkout, PaymentEventKind.PAID)
    take(shop, paid)
    order = shop.live(order_of(paid))
    assert {d.dispute_id: d.outcome for d in order.disputes.values()} == {"dp_1": DisputeOutcome.WON}
    assert order.state is State.COMPLETED


def test_what_a_bank_took_is_known_even_if_its_dispute_is_never_reported(shop: InMemoryShop) -> None:
    checkout = shop.checkout(shop.upload(b"wedding"))
    intent = shop.payments.pay(checkout)
    take(shop, of_dispute(intent, DisputeOutcome.LOST))
    order = shop.order(order_of(shop.webhook_event(checkout, PaymentEventKind.PAID)))
    assert order.ledger.lost == 490
    assert order.state is State.REFUNDED


def test_a_refund_made_after_another_one_failed_has_the_failure_looked_up_first(shop: InMemoryShop) -> None:
    checkout = shop.checkout(shop.upload(b"wedding"))
    intent = shop.payments.pay(checkout)
    first = shop.payments.refund_by_hand(intent, 490)
    take(shop, of_refund(intent, first))
    shop.payments.fail_refund(first.provider_refund_id)
    second = of_refund(intent, shop.payments.refund_by_hand(intent, 100))
    take(shop, second, of_refund(intent, first, has_failed=True))
    order = shop.order(order_of(shop.webhook_event(checkout, PaymentEventKind.PAID)))
    assert (order.ledger.issued, order.ledger.requested) == (100, 390)


def test_an_unreported_failed_refund_changes_nothing_once_another_one_paid_it_all_back(
    shop: InMemoryShop,
) -> None:
    checkout = shop.checkout(shop.upload(b"wedding"))
    intent = shop.payments.pay(checkout)
    first = shop.payments.refund_by_hand(intent, 100)
    shop.payments.fail_refund(first.provider_refund_id)
    take(shop, of_refund(intent, shop.payments.refund_by_hand(intent, 490)), of_refund(intent, first))
    order = shop.order(order_of(shop.webhook_event(checkout, PaymentEventKind.PAID)))
    assert (order.state, order.is_held, len(order.refunds)) == (State.REFUNDED, False, 1)


def test_a_refund_ahead_of_its_payment_comes_again_only_when_the_provider_cannot_be_asked(
    shop: InMemoryShop,
) -> None:
    checkout = shop.checkout(shop.upload(b"wedding"))
    intent = shop.payments.pay(checkout)
    early = of_refund(intent, shop.payments.refund_by_hand(intent, 490))
    for question in ("find_checkout_by_payment", "look_up_refund"):
        shop.payments.fault_injector.fail(question, UNAVAILABLE)
        with pytest.raises(UnavailableError):
            shop.payment_webhook.handle(early, sha256_of(b"1"))
    assert not shop.own_unit_of_work.pages.inbox
    shop.payment_webhook.handle(early, sha256_of(b"1"))
    assert shop.order(order_of(shop.webhook_event(checkout, PaymentEventKind.PAID))).state is State.REFUNDED


def test_a_webhook_about_another_shops_payment_is_accepted_and_ignored(
    shop: InMemoryShop,
) -> None:
    by_hand = ProviderRefund(
        provider_refund_id="re_9", has_failed=False, amount=Money(amount=490, currency="EUR")
    )
    take(shop, of_refund("pi_foreign", by_hand), of_refund(None, by_hand), of_dispute("pi_foreign"))
    assert not shop.own_unit_of_work.pages.inbox
    assert not shop.own_unit_of_work.pages.streams
    assert not shop.own_unit_of_work.pages.unmatched


def test_a_webhook_about_a_payment_still_pending_is_retried(shop: InMemoryShop) -> None:
    checkout = shop.checkout(shop.upload(b"wedding"))
    intent = shop.payments.pay_later(checkout)
    with pytest.raises(UnavailableError):
        shop.payment_webhook.handle(of_dispute(intent), sha256_of(b"1"))
    shop.payments.settle(checkout, has_failed=False)
    take(shop, of_dispute(intent))
    assert shop.order(order_of(shop.webhook_event(checkout, PaymentEventKind.PAID))).is_disputed
