"""A reconciliation run: it confirms agreement, and survives an unavailable provider."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Never

import pytest

from adapters.localization.finding_text import finding_text_of
from domain.order.states import State
from domain.order.values import Sha256
from domain.ports.errors import UnavailableError, UnreadableAnswerError
from domain.ports.payments import PaymentWebhookEvent
from domain.ports.provider_listings import UnreadableEntry
from domain.use_cases.payments.payment_events import Handled
from domain.use_cases.reconciliation.findings import FindingCode, Side
from domain.use_cases.support.staff_requests import StaffRequest
from tests.domain.support.reconciliation_runs import compare, found
from tests.doubles.container import InMemoryShop

DAY = timedelta(days=1)
BY = StaffRequest(actor="person:grace", reason="They asked for it on the phone.")


@pytest.fixture
def delivered(shop: InMemoryShop) -> InMemoryShop:
    """A shop with one order, completed long enough ago."""
    order_id = shop.pay(shop.upload(b"wedding", b"harvest"))
    assert shop.live(order_id).state is State.COMPLETED
    return shop


def test_a_completed_order_has_no_findings(delivered: InMemoryShop) -> None:
    report = compare(delivered)
    assert (report.findings, report.closed, report.cut_off, report.agrees) == ((), {}, {}, True)


def test_a_run_counts_what_it_compares_on_each_side(delivered: InMemoryShop) -> None:
    watched = Counter[Side]()
    since = delivered.clock.now() - timedelta(days=30)
    delivered.reconciliation.compare(since, repairs=False, watch=lambda side, n: watched.update({side: n}))
    counts = {Side.PAYMENTS: 2, Side.RESTORER: 2, Side.MAILER: 2, Side.STORAGE: 12, Side.LOG: 1}
    assert watched == counts


def test_an_empty_shop_has_no_findings(shop: InMemoryShop) -> None:
    assert compare(shop).agrees


def test_what_just_happened_is_on_its_way_and_not_wrong(shop: InMemoryShop) -> None:
    webhook_event = shop.payment(shop.upload(b"wedding"))
    shop.payment_listing.webhook_events.append(webhook_event)
    assert compare(shop).agrees


def test_an_unavailable_side_keeps_its_findings_and_the_others_are_compared(
    delivered: InMemoryShop,
) -> None:
    delivered.payments.states.clear()
    unavailable = UnavailableError("The double", "out for lunch")
    delivered.payments.fault_injector.fail("find_checkout", unavailable)
    delivered.storage.objects.clear()
    report = compare(delivered)
    assert report.cut_off == {Side.PAYMENTS: str(unavailable)}
    assert set(found(report)) == {"object_missing"}
    assert not report.agrees


KINDS = ("event", "checkout", "refund", "dispute", "prediction", "mail")


def garbled(kind: str) -> UnreadableEntry:
    return UnreadableEntry(provider="The double", kind=kind, entry_id=f"{kind}_1", detail="no status")


def test_an_entry_that_cannot_be_read_is_a_finding_and_costs_its_side_nothing(
    delivered: InMemoryShop,
) -> None:
    for ledger in (delivered.payment_listing, delivered.prediction_listing, delivered.email_listing):
        ledger.garbled = [garbled(kind) for kind in KINDS]
    lost = replace(delivered.payment(delivered.upload(b"eve")), created_at=delivered.clock.now())
    delivered.payment_listing.webhook_events.append(lost)
    delivered.mailer.mailbox.popitem()
    original = next(key for key in delivered.storage.objects if key.startswith("uploads/originals/"))
    delivered.storage.garbled.add(original)
    delivered.clock.advance(hours=2)
    report = compare(delivered, repairs=True)
    assert report.cut_off == {}
    unreadable = [each for each in report.findings if each.what is FindingCode.ENTRY_UNREADABLE]
    assert sorted(each.subject for each in unreadable) == sorted([original, *(f"{kind}_1" for kind in KINDS)])
    assert {each.side for each in unreadable} == {Side.PAYMENTS, Side.RESTORER, Side.MAILER, Side.STORAGE}
    others = [(each.what, each.is_repaired) for each in report.findings if each not in unreadable]
    assert sorted(others) == [(FindingCode.MAIL_UNKNOWN_THERE, False), (FindingCode.NOTICE_LOST, True)]


def test_a_prediction_whose_webhook_address_cannot_be_read_is_named_as_one(delivered: InMemoryShop) -> None:
    delivered.pay(delivered.upload(b"eve"))
    delivered.restorer.fault_injector.lose_reply("start")
    delivered.work()
    delivered.clock.advance(hours=2)
    unreadable = UnreadableAnswerError("The double", "a shape of its own")
    delivered.prediction_listing.fault_injector.fail("address_of", unreadable)
    (finding,) = (each for each in compare(delivered).findings if each.side is Side.RESTORER)
    assert (finding.what, finding.subject) == (
        FindingCode.ENTRY_UNREADABLE,
        list(delivered.restorer.works)[-1],
    )
    assert finding_text_of(finding).wrong.startswith("This upload of prediction cannot be read")


@pytest.mark.parametrize("method", ["find_checkout", "look_up_refund"])
def test_a_claim_whose_answer_cannot_be_read_is_a_finding_and_the_others_are_checked(
    delivered: InMemoryShop, method: str
) -> None:
    for name in (b"eve", b"adele"):
        order_id = delivered.pay(delivered.upload(name))
        delivered.live(order_id)
        delivered.staff_actions.refund(order_id, BY, amount=None, photos=[])
        delivered.live(order_id)
    delivered.clock.advance(hours=2)
    delivered.payments.states.clear()
    for payment in delivered.payments.payments.values():
        payment.refunds.clear()
    delivered.payments.fault_injector.fail(method, UnreadableAnswerError("The double", "a shape of its own"))
    report = compare(delivered)
    assert report.cut_off == {}
    counted = Counter(found(report))
    assert counted[FindingCode.ENTRY_UNREADABLE] == 1
    assert counted[FindingCode.PAYMENT_NOT_AT_PROVIDER] + counted[FindingCode.REFUND_NOT_AT_PROVIDER] == 4


def test_an_object_that_cannot_be_read_is_a_finding_while_the_storage_is_there(
    delivered: InMemoryShop,
) -> None:
    broken = UnavailableError("The storage", "InternalError")
    delivered.storage.fault_injector.fail("read", broken)
    missing = list(delivered.storage.objects)[-1]
    del delivered.storage.objects[missing]
    report = compare(delivered)
    assert (report.cut_off, sorted(found(report))) == ({}, ["entry_unreadable", "object_missing"])
    delivered.storage.fault_injector.fail("read", broken)
    delivered.storage.fault_injector.fail("check", broken)
    assert set(compare(delivered).cut_off) == {Side.STORAGE}


def test_a_scheduled_comparison_retries_what_could_not_be_read(shop: InMemoryShop) -> None:
    first = shop.reconciliation.compare_if_due(DAY)
    shop.payment_listing.garbled = [garbled("event")]
    shop.clock.advance(days=2)
    second = shop.reconciliation.compare_if_due(DAY)
    shop.clock.advance(days=2)
    third = shop.reconciliation.compare_if_due(DAY)
    assert first is not None
    assert second is not None
    assert third is not None
    assert third.since == second.since


def test_a_side_that_shows_nothing_is_named_and_the_rest_may_agree(delivered: InMemoryShop) -> None:
    delivered.email_listing.is_closed = True
    report = compare(delivered)
    assert set(report.closed) == {Side.MAILER}
    assert report.agrees


def test_a_side_that_could_not_be_asked_never_counts_as_agreeing(delivered: InMemoryShop) -> None:
    delivered.prediction_listing.fault_injector.fail("predictions", UnavailableError("The double", "away"))
    report = compare(delivered)
    assert (set(report.cut_off), report.agrees) == ({Side.RESTORER}, False)


def test_of_many_workers_one_compares_in_an_interval(delivered: InMemoryShop) -> None:
    assert delivered.reconciliation.compare_if_due(DAY) is not None
    assert delivered.reconciliation.compare_if_due(DAY) is None
    delivered.clock.advance(days=1, seconds=1)
    assert delivered.reconciliation.compare_if_due(DAY) is not None


def test_a_scheduled_comparison_resumes_where_a_side_was_cut_off(shop: InMemoryShop) -> None:
    first = shop.reconciliation.compare_if_due(DAY)
    assert first is not None
    for _ in range(2):
        shop.clock.advance(days=2)
        shop.payment_listing.fault_injector.fail("events", UnavailableError("The double", "out for lunch"))
        cut_off = shop.reconciliation.compare_if_due(DAY)
        assert cut_off is not None
        assert cut_off.since == first.until - DAY
    shop.clock.advance(days=90)
    last = shop.reconciliation.compare_if_due(DAY)
    assert last is not None
    assert last.until - last.since == 31 * DAY


def test_a_scheduled_comparison_looks_back_to_the_last_one_that_came_to_its_end(shop: InMemoryShop) -> None:
    first = shop.reconciliation.compare_if_due(DAY)
    assert first is not None
    assert first.until - first.since == 8 * DAY
    shop.clock.advance(days=5)
    second = shop.reconciliation.compare_if_due(DAY)
    assert second is not None
    assert second.since == first.until - DAY


def test_a_finding_that_cannot_be_stored_costs_no_other_finding_and_no_side(
    shop: InMemoryShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook_events = [
        replace(shop.payment(shop.upload(b"wedding")), created_at=shop.clock.now()) for _ in range(3)
    ]
    shop.payment_listing.webhook_events.extend(webhook_events)
    shop.clock.advance(hours=2)
    take = shop.payment_webhook.handle

    def refuse_one(webhook_event: PaymentWebhookEvent, body_sha256: Sha256) -> Handled:
        if webhook_event == webhook_events[1]:
            raise ValueError("a text with NUL in it cannot be stored")
        return take(webhook_event, body_sha256)

    monkeypatch.setattr(shop.payment_webhook, "handle", refuse_one)
    report = compare(shop, repairs=True)
    assert report.cut_off == {}
    assert [str(defect) for defect in report.defects] == ["a text with NUL in it cannot be stored"] * 2
    (remaining,) = report.remaining
    assert remaining.subject == webhook_events[1].event_id
    assert "a defect of the program (ValueError)" in finding_text_of(remaining).advice
    assert len(shop.own_unit_of_work.pages.orders) == 2


def test_a_defect_in_one_side_does_not_end_the_comparison_of_the_others(
    delivered: InMemoryShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    defect = KeyError("an error that no port announces")

    def fail(*_: object) -> Never:
        raise defect

    monkeypatch.setattr(delivered.payment_listing, "events", fail)
    delivered.storage.objects.clear()
    report = compare(delivered)
    assert set(report.cut_off) == {Side.PAYMENTS}
    assert report.defects == (defect,)
    assert set(found(report)) == {"object_missing"}
