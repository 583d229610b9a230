"""Reconciliation with Stripe finds and repairs missed payments, refunds and disputes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.localization.finding_text import finding_text_of
from domain.order import events as e
from domain.order.ledger import RefundStatus
from domain.order.states import State
from domain.order.values import DisputeOutcome, Money, OrderId, RefundId
from domain.ports.errors import UnavailableError
from domain.ports.payments import (
    CheckoutStatus,
    PaymentEventKind,
    PaymentWebhookEvent,
    ProviderDispute,
    ProviderRefund,
)
from domain.ports.provider_listings import EndpointVersion
from domain.ports.upload_sessions import UploadStatus
from domain.signed_tokens import sha256_of
from domain.use_cases.reconciliation.findings import FindingCode
from domain.use_cases.support.staff_requests import StaffRequest
from tests.domain.support.assertions import kinds, order_of
from tests.domain.support.reconciliation_runs import compare, found, only
from tests.doubles.container import InMemoryShop

BY = StaffRequest(actor="person:grace", reason="They asked for it on the phone.")


def lost_payment(shop: InMemoryShop) -> PaymentWebhookEvent:
    """A payment whose webhook was lost."""
    webhook_event = replace(shop.payment(shop.upload(b"wedding")), created_at=shop.clock.now())
    shop.payment_listing.webhook_events.append(webhook_event)
    shop.clock.advance(hours=2)
    return webhook_event


def completed(shop: InMemoryShop) -> tuple[OrderId, str]:
    """A completed order, and its payment intent."""
    order_id = shop.pay(shop.upload(b"wedding"))
    order = shop.live(order_id)
    assert order.payment is not None
    assert order.payment.payment_intent_id is not None
    return order_id, order.payment.payment_intent_id


def dispute(
    shop: InMemoryShop, intent: str, kind: PaymentEventKind, outcome: DisputeOutcome | None
) -> PaymentWebhookEvent:
    return PaymentWebhookEvent(
        event_id=f"du_1:{outcome}",
        event_type="charge.dispute.updated",
        kind=kind,
        payment_intent_id=intent,
        dispute_id="du_1",
        dispute_amount=Money(amount=490, currency="EUR"),
        reason="fraudulent",
        outcome=outcome,
        created_at=shop.clock.now(),
    )


def test_a_lost_webhook_is_found_and_nothing_is_changed_without_a_request(shop: InMemoryShop) -> None:
    webhook_event = lost_payment(shop)
    finding = only(compare(shop))
    assert (finding.what, finding.subject, finding.since) == (
        "notice_lost",
        webhook_event.event_id,
        webhook_event.created_at,
    )
    assert not finding.is_repaired
    assert not shop.events(order_of(webhook_event))


def test_a_lost_webhook_that_is_applied_completes_the_order(shop: InMemoryShop) -> None:
    webhook_event = lost_payment(shop)
    assert only(compare(shop, repairs=True)).is_repaired
    assert shop.live(order_of(webhook_event)).state is State.COMPLETED
    assert compare(shop).agrees


def test_a_webhook_that_comes_after_it_was_made_up_for_changes_nothing(shop: InMemoryShop) -> None:
    webhook_event = lost_payment(shop)
    compare(shop, repairs=True)
    shop.payment_webhook.handle(webhook_event, sha256_of(b"as it was posted"))
    assert kinds(shop, order_of(webhook_event)) == [e.PaymentReceived]
    with shop.unit_of_work.transaction() as transaction:
        assert transaction.webhook_inbox.conflicts() == []


def test_lost_webhooks_are_applied_in_the_order_of_creation(shop: InMemoryShop) -> None:
    webhook_event = lost_payment(shop)
    assert webhook_event.checkout is not None
    assert webhook_event.checkout.payment_intent_id is not None
    refund = shop.payments.refund_by_hand(webhook_event.checkout.payment_intent_id, 490)
    shop.payment_listing.webhook_events.append(
        PaymentWebhookEvent(
            event_id="evt_refund",
            event_type="refund.created",
            kind=PaymentEventKind.REFUND_ISSUED,
            payment_intent_id=webhook_event.checkout.payment_intent_id,
            refund=refund,
            created_at=webhook_event.created_at,
        )
    )
    report = compare(shop, repairs=True)
    assert [finding.subject for finding in report.findings] == [webhook_event.event_id, "evt_refund"]
    assert report.agrees
    assert shop.order(order_of(webhook_event)).state is State.REFUNDED


def test_a_payment_without_a_listed_webhook_is_recorded(shop: InMemoryShop) -> None:
    webhook_event = lost_payment(shop)
    shop.payment_listing.webhook_events.clear()
    finding = only(compare(shop, repairs=True))
    assert (finding.what, finding.is_repaired) == ("payment_not_on_record", True)
    assert shop.live(order_of(webhook_event)).state is State.COMPLETED


def test_a_payment_of_another_amount_is_reported_and_left_to_staff(shop: InMemoryShop) -> None:
    completed(shop)
    ((name, state),) = shop.payments.states.items()
    other = replace(state.checkout, paid=Money(amount=980, currency="EUR"))
    shop.payments.states[name] = replace(state, checkout=other)
    finding = only(compare(shop, repairs=True))
    assert (finding.what, finding.is_repaired) == ("payment_of_another_amount", False)
    assert "9.80 EUR" in finding_text_of(finding).wrong


def test_a_payment_unknown_to_provider_is_reported(shop: InMemoryShop) -> None:
    order_id, _ = completed(shop)
    shop.payments.states.clear()
    finding = only(compare(shop, repairs=True))
    assert (finding.what, finding.order_id) == ("payment_not_at_stripe", order_id)


@pytest.mark.parametrize("status", [one for one in CheckoutStatus if one is not CheckoutStatus.PAID])
def test_a_recorded_payment_of_an_unpaid_checkout_is_reported(
    shop: InMemoryShop, status: CheckoutStatus
) -> None:
    order_id, _ = completed(shop)
    [(name, state)] = shop.payments.states.items()
    shop.payments.states[name] = replace(state, status=status)
    finding = next(one for one in compare(shop).findings if one.what is FindingCode.PAYMENT_NOT_AT_PROVIDER)
    assert (finding.subject, finding.order_id) == (name, order_id)


def test_a_payment_that_came_just_now_may_be_new_to_stripes_lists(shop: InMemoryShop) -> None:
    shop.pay(shop.upload(b"wedding"))
    shop.payments.states.clear()
    assert compare(shop).agrees


def test_a_manual_refund_without_a_webhook_is_recorded(shop: InMemoryShop) -> None:
    order_id, intent = completed(shop)
    shop.payments.refund_by_hand(intent, 200)
    assert not only(compare(shop)).is_repaired
    finding = only(compare(shop, repairs=True))
    assert (finding.what, finding.is_repaired) == ("refund_not_on_record", True)
    assert shop.order(order_id).refunded_amount == 200
    assert compare(shop).agrees


def test_a_refund_that_failed_later_is_recorded(shop: InMemoryShop) -> None:
    order_id, intent = completed(shop)
    made = shop.payments.refund_by_hand(intent, 200)
    compare(shop, repairs=True)
    shop.payments.fail_refund(made.provider_refund_id)
    finding = next(
        each for each in compare(shop, repairs=True).findings if each.what == "refund_failed_there"
    )
    assert finding.is_repaired
    assert shop.order(order_id).refunded_amount == 0


def test_a_refund_unknown_to_provider_is_reported(shop: InMemoryShop) -> None:
    _, intent = completed(shop)
    shop.payments.refund_by_hand(intent, 200)
    compare(shop, repairs=True)
    shop.clock.advance(hours=2)
    shop.payments.payments[intent].refunds.clear()
    assert "refund_not_at_stripe" in found(compare(shop))


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [(PaymentEventKind.DISPUTE_OPENED, None), (PaymentEventKind.DISPUTE_CLOSED, DisputeOutcome.WON)],
)
def test_a_dispute_without_a_webhook_is_recorded(
    shop: InMemoryShop, kind: PaymentEventKind, outcome: DisputeOutcome | None
) -> None:
    order_id, intent = completed(shop)
    shop.payment_listing.disputed.append(dispute(shop, intent, kind, outcome))
    finding = only(compare(shop, repairs=True))
    assert (finding.what, finding.is_repaired) == ("dispute_not_on_record", True)
    assert shop.order(order_id).is_disputed is (outcome is None)
    assert compare(shop).agrees


def test_money_of_another_shop_is_no_finding(shop: InMemoryShop) -> None:
    shop.payment_listing.disputed.append(dispute(shop, "pi_foreign", PaymentEventKind.DISPUTE_OPENED, None))
    session_id = shop.upload(b"wedding")
    checkout = shop.checkout_service.open(session_id, email=None)
    name = str(checkout.checkout_session_id)
    shop.payments.pay(name)
    state = shop.payments.states[name]
    shop.payments.states[name] = replace(
        state, checkout=replace(state.checkout, upload_session_id=None, order_id=None)
    )
    shop.clock.advance(hours=2)
    assert compare(shop).agrees


@pytest.mark.parametrize(("has_failed", "then"), [(True, UploadStatus.OPEN), (False, UploadStatus.PAID)])
def test_a_session_that_waits_for_a_payment_which_has_ended_goes_on(
    shop: InMemoryShop, *, has_failed: bool, then: UploadStatus
) -> None:
    session_id = shop.upload(b"wedding")
    name = str(shop.checkout_service.open(session_id, email=None).checkout_session_id)
    shop.payments.pay_later(name)
    shop.checkout_sync.sync_checkout(name)
    assert shop.upload_service.find(session_id).status is UploadStatus.PENDING
    shop.clock.advance(days=40)
    assert compare(shop).agrees
    shop.payments.settle(name, has_failed=has_failed)
    finding = only(compare(shop, repairs=True))
    assert (finding.what, finding.is_repaired) == ("session_waits_in_vain", True)
    assert shop.upload_service.find(session_id).status is then


def refund_event(
    shop: InMemoryShop, intent: str, refund: ProviderRefund, refund_id: RefundId | None = None
) -> PaymentWebhookEvent:
    """The webhook event that the provider would have posted about a refund."""
    return PaymentWebhookEvent(
        event_id=f"evt_{refund.provider_refund_id}_{refund.has_failed}",
        event_type="refund.updated",
        kind=PaymentEventKind.REFUND_FAILED if refund.has_failed else PaymentEventKind.REFUND_ISSUED,
        payment_intent_id=intent,
        refund=refund,
        refund_id=refund_id,
        created_at=shop.clock.now(),
    )


def test_a_lost_refund_webhook_is_applied_after_the_lost_one_that_it_depends_on(shop: InMemoryShop) -> None:
    order_id, intent = completed(shop)
    shop.staff_actions.refund(order_id, BY, amount=None, photos=[])
    shop.work()
    ((request, ours),) = shop.payments.payments[intent].refunds
    # It fails, the whole sum is refunded in the dashboard instead, and the webhook about that is reported
    # first.
    shop.payments.fail_refund(ours.provider_refund_id)
    by_hand = shop.payments.refund_by_hand(intent, 490)
    failed = replace(ours, has_failed=True)
    shop.payment_listing.webhook_events += [
        refund_event(shop, intent, by_hand),
        refund_event(shop, intent, failed, request.refund_id),
    ]
    shop.clock.advance(hours=2)
    report = compare(shop, repairs=True)
    lost = [finding for finding in report.findings if finding.what is FindingCode.NOTICE_LOST]
    assert [(finding.subject, finding.is_repaired) for finding in lost] == [
        (f"evt_{by_hand.provider_refund_id}_False", True),  # its failed predecessor is looked up for it
        (f"evt_{failed.provider_refund_id}_True", True),
    ]
    issued = list(shop.order(order_id).ledger.having(RefundStatus.ISSUED))
    assert [refund.provider_refund_id for refund in issued] == [by_hand.provider_refund_id]
    assert not shop.order(order_id).ledger.requested


def test_a_scheduled_comparison_retries_lost_webhooks_that_could_not_be_applied(shop: InMemoryShop) -> None:
    order_id, intent = completed(shop)
    shop.payment_listing.webhook_events.append(
        refund_event(shop, intent, shop.payments.refund_by_hand(intent, 490))
    )
    shop.clock.advance(hours=2)
    for _ in range(3):
        for _ in range(9):
            shop.payments.fault_injector.fail("look_up_refund", UnavailableError("The double", "away"))
        report = shop.reconciliation.compare_if_due(timedelta(days=1))
        assert report is not None
        assert not report.cut_off
        shop.payments.fault_injector.clear_up()
        shop.clock.advance(days=2)  # more than two comparisons have in common
    assert not shop.order(order_id).ledger.issued
    shop.reconciliation.compare_if_due(timedelta(days=1))
    assert shop.order(order_id).ledger.issued == 490


def test_a_late_event_that_overwrote_the_outcome_of_an_appeal_is_found_and_repaired(
    shop: InMemoryShop,
) -> None:
    order_id, intent = completed(shop)
    won = dispute(shop, intent, PaymentEventKind.DISPUTE_CLOSED, DisputeOutcome.WON)
    lost = dispute(shop, intent, PaymentEventKind.DISPUTE_CLOSED, DisputeOutcome.LOST)
    at_provider = ProviderDispute(
        dispute_id="du_1",
        payment_intent_id=intent,
        amount=Money(amount=490, currency="EUR"),
        outcome=DisputeOutcome.LOST,
    )
    shop.payments.disputes["du_1"] = at_provider
    for event in (won, lost):
        shop.payment_webhook.handle(event, sha256_of(event.event_id.encode()))
    assert shop.order(order_id).disputes["du_1"].outcome is DisputeOutcome.LOST
    shop.payments.disputes["du_1"] = replace(at_provider, outcome=DisputeOutcome.WON)
    shop.payment_listing.disputed.append(replace(won, event_id="du_1:won, as listed"))
    shop.clock.advance(hours=2)
    finding = next(
        each for each in compare(shop, repairs=True).findings if each.what == "dispute_not_on_record"
    )
    assert finding.is_repaired
    assert shop.order(order_id).disputes["du_1"].outcome is DisputeOutcome.WON


OLD = {"api_version": "2023-10-16", "is_of_old_version": True}


def heard_payment(shop: InMemoryShop, **version: object) -> PaymentWebhookEvent:
    """A payment whose webhook event was listed and received."""
    webhook_event = replace(shop.payment(shop.upload(b"wedding")), created_at=shop.clock.now(), **version)  # type: ignore[arg-type]
    shop.payment_listing.webhook_events.append(webhook_event)
    shop.payment_webhook.handle(webhook_event, sha256_of(webhook_event.event_id.encode()))
    shop.clock.advance(hours=2)
    return webhook_event


def test_events_of_an_old_version_are_one_finding_with_what_to_do(shop: InMemoryShop) -> None:
    heard_payment(shop, **OLD)
    newest = heard_payment(shop, **OLD)
    (finding,) = [each for each in compare(shop).findings if each.what == "webhook_version_old"]
    assert (finding.subject, finding.since, finding.is_repaired) == ("2023-10-16", newest.created_at, False)
    assert "Raise the webhook endpoint's API version in Stripe's dashboard" in finding_text_of(finding).advice


def test_an_old_version_that_was_raised_since_is_no_finding(shop: InMemoryShop) -> None:
    heard_payment(shop, **OLD)
    heard_payment(shop)
    assert "webhook_version_old" not in found(compare(shop))


@pytest.mark.parametrize("endpoint_is_old", [True, False])
@pytest.mark.parametrize("events", [OLD, {}])
def test_the_endpoints_own_version_counts_whatever_the_events_are_listed_in(
    shop: InMemoryShop,
    events: dict[str, object],
    endpoint_is_old: bool,  # noqa: FBT001 -- a parameter
) -> None:
    newest = heard_payment(shop, **events)
    version = "2024-06-20" if endpoint_is_old else "2026-10-28.endive"
    shop.payment_listing.endpoint = EndpointVersion(api_version=version, is_old=endpoint_is_old)
    findings = [each for each in compare(shop).findings if each.what == "webhook_version_old"]
    assert [(each.subject, each.since) for each in findings] == [
        (version, newest.created_at)
    ] * endpoint_is_old


def test_an_old_version_of_another_shops_events_is_no_finding(shop: InMemoryShop) -> None:
    foreign = InMemoryShop()
    webhook_event = foreign.payment(foreign.upload(b"harvest"))
    assert webhook_event.checkout is not None
    stranger = replace(webhook_event.checkout, payment_token=None, upload_session_id=None, order_id=None)
    foreign_event = replace(webhook_event, checkout=stranger, created_at=shop.clock.now(), **OLD)  # type: ignore[arg-type]
    shop.payment_listing.webhook_events.append(foreign_event)
    shop.clock.advance(hours=2)
    assert "webhook_version_old" not in found(compare(shop))


@pytest.mark.parametrize("came_in", [True, False])
def test_a_refunds_event_that_came_in_shows_that_the_endpoint_has_a_newer_version(
    shop: InMemoryShop,
    came_in: bool,  # noqa: FBT001 -- a parameter
) -> None:
    paid = heard_payment(shop, **OLD)
    assert paid.checkout is not None
    intent = paid.checkout.payment_intent_id
    assert intent is not None
    refunded = replace(
        refund_event(shop, intent, shop.payments.refund_by_hand(intent, 100)),
        created_at=shop.clock.now(),
        **OLD,  # type: ignore[arg-type]
    )
    shop.payment_listing.webhook_events.append(refunded)
    if came_in:
        shop.payment_webhook.handle(refunded, sha256_of(refunded.event_id.encode()))
    shop.clock.advance(hours=2)
    assert ("webhook_version_old" in found(compare(shop))) is not came_in


def test_an_inquiry_that_is_not_on_record_is_called_one(shop: InMemoryShop) -> None:
    _, intent = completed(shop)
    asked = replace(dispute(shop, intent, PaymentEventKind.DISPUTE_OPENED, None), is_inquiry=True)
    shop.payment_listing.disputed.append(asked)
    shop.clock.advance(hours=2)
    finding = only(compare(shop))
    assert (finding.what, finding_text_of(finding).wrong) == (
        "dispute_not_on_record",
        "An inquiry is open at Stripe, and that is not on record.",
    )


def test_a_refund_of_an_unknown_payment_is_ours_if_its_checkout_carries_our_token(
    shop: InMemoryShop,
) -> None:
    paid = shop.payment(shop.upload(b"wedding"))
    assert paid.checkout is not None
    intent = paid.checkout.payment_intent_id
    assert intent is not None
    shop.payments.began_at[paid.checkout.checkout_session_id] = shop.clock.now() - timedelta(days=60)
    refunded = refund_event(shop, intent, shop.payments.refund_by_hand(intent, 490))
    shop.payment_listing.webhook_events.append(replace(refunded, created_at=shop.clock.now()))
    shop.clock.advance(hours=2)
    report = compare(shop)
    assert (report.cut_off, report.foreign) == ({}, ())
    assert only(report).what == "notice_lost"
