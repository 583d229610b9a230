"""The comparison as a whole: what agrees is told so, and one side that is away does not cost the others."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Never

import pytest

from domain.order.lifecycle import State
from domain.order.values import Sha256
from domain.ports.errors import UnavailableError, UnreadableAnswerError
from domain.ports.payments import PaymentNotice
from domain.ports.provider_listings import UnreadableEntry
from domain.use_cases.payments.payment_webhook import Handled
from domain.use_cases.reconciliation.findings import Side, What
from domain.use_cases.support.staff_actions import Signature
from tests.domain.support.reconciliation_runs import compare, found
from tests.doubles.container import MemoryShop

DAY = timedelta(days=1)
BY = Signature(actor="person:grace", reason="They asked for it on the phone.")


@pytest.fixture
def delivered(shop: MemoryShop) -> MemoryShop:
    """A shop with one order that came all its way, long enough ago."""
    order_id = shop.pay(shop.upload(b"wedding", b"harvest"))
    assert shop.live(order_id).state is State.COMPLETED
    return shop


def test_the_books_of_an_order_that_came_all_its_way_agree(delivered: MemoryShop) -> None:
    report = compare(delivered)
    assert (report.findings, report.closed, report.cut_off, report.agrees) == ((), {}, {}, True)


def test_the_books_of_an_empty_shop_agree(shop: MemoryShop) -> None:
    assert compare(shop).agrees


def test_what_just_happened_is_on_its_way_and_not_wrong(shop: MemoryShop) -> None:
    notice = shop.payment(shop.upload(b"wedding"))
    shop.payment_ledger.told.append(notice)
    assert compare(shop).agrees


def test_a_side_that_is_away_keeps_what_it_told_and_costs_the_others_nothing(delivered: MemoryShop) -> None:
    delivered.payments.states.clear()
    away = UnavailableError("The double", "out for lunch")
    delivered.payments.weather.fail("find_checkout", away)
    delivered.storage.objects.clear()
    report = compare(delivered)
    assert report.cut_off == {Side.STRIPE: str(away)}
    assert set(found(report)) == {"object_missing"}
    assert not report.agrees


KINDS = ("event", "checkout", "refund", "dispute", "prediction", "mail")


def garbled(kind: str) -> UnreadableEntry:
    return UnreadableEntry(provider="The double", kind=kind, entry_id=f"{kind}_1", detail="no status")


def test_an_entry_that_cannot_be_read_is_a_finding_and_costs_its_side_nothing(delivered: MemoryShop) -> None:
    for ledger in (delivered.payment_ledger, delivered.restoration_ledger, delivered.mail_ledger):
        ledger.garbled = [garbled(kind) for kind in KINDS]
    lost = replace(delivered.payment(delivered.upload(b"eve")), created_at=delivered.clock.now())
    delivered.payment_ledger.told.append(lost)
    delivered.mailer.mailbox.popitem()
    original = next(key for key in delivered.storage.objects if key.startswith("uploads/originals/"))
    delivered.storage.garbled.add(original)
    delivered.clock.advance(hours=2)
    report = compare(delivered, heals=True)
    assert report.cut_off == {}
    unreadable = [each for each in report.findings if each.what is What.ENTRY_UNREADABLE]
    assert sorted(each.subject for each in unreadable) == sorted([original, *(f"{kind}_1" for kind in KINDS)])
    assert {each.side for each in unreadable} == {Side.STRIPE, Side.REPLICATE, Side.SENDGRID, Side.STORAGE}
    others = [(each.what, each.is_healed) for each in report.findings if each not in unreadable]
    assert sorted(others) == [(What.MAIL_UNKNOWN_THERE, False), (What.NOTICE_LOST, True)]


@pytest.mark.parametrize("method", ["find_checkout", "look_up_refund"])
def test_a_claim_whose_answer_cannot_be_read_is_a_finding_and_the_others_are_checked(
    delivered: MemoryShop, method: str
) -> None:
    for name in (b"eve", b"adele"):
        order_id = delivered.pay(delivered.upload(name))
        delivered.live(order_id)
        delivered.desk.refund(order_id, BY, amount=None, photos=[])
        delivered.live(order_id)
    delivered.clock.advance(hours=2)
    delivered.payments.states.clear()
    for payment in delivered.payments.payments.values():
        payment.refunds.clear()
    delivered.payments.weather.fail(method, UnreadableAnswerError("The double", "a shape of its own"))
    report = compare(delivered)
    assert report.cut_off == {}
    counted = Counter(found(report))
    assert counted[What.ENTRY_UNREADABLE] == 1
    assert counted[What.PAYMENT_NOT_AT_STRIPE] + counted[What.REFUND_NOT_AT_STRIPE] == 4


def test_an_object_that_cannot_be_read_is_a_finding_while_the_storage_is_there(delivered: MemoryShop) -> None:
    broken = UnavailableError("The storage", "InternalError")
    delivered.storage.weather.fail("read", broken)
    missing = list(delivered.storage.objects)[-1]
    del delivered.storage.objects[missing]
    report = compare(delivered)
    assert (report.cut_off, sorted(found(report))) == ({}, ["entry_unreadable", "object_missing"])
    delivered.storage.weather.fail("read", broken)
    delivered.storage.weather.fail("check", broken)
    assert set(compare(delivered).cut_off) == {Side.STORAGE}


def test_a_scheduled_comparison_goes_back_to_what_could_not_be_read(shop: MemoryShop) -> None:
    first = shop.reconciling.compare_if_due(DAY)
    shop.payment_ledger.garbled = [garbled("event")]
    shop.clock.advance(days=2)
    second = shop.reconciling.compare_if_due(DAY)
    shop.clock.advance(days=2)
    third = shop.reconciling.compare_if_due(DAY)
    assert first is not None
    assert second is not None
    assert third is not None
    assert third.since == second.since


def test_a_side_that_shows_nothing_is_named_and_the_rest_may_agree(delivered: MemoryShop) -> None:
    delivered.mail_ledger.is_closed = True
    report = compare(delivered)
    assert set(report.closed) == {Side.SENDGRID}
    assert report.agrees


def test_a_side_that_could_not_be_asked_never_counts_as_agreeing(delivered: MemoryShop) -> None:
    delivered.restoration_ledger.weather.fail("predictions", UnavailableError("The double", "away"))
    report = compare(delivered)
    assert (set(report.cut_off), report.agrees) == ({Side.REPLICATE}, False)


def test_of_many_workers_one_compares_in_an_interval(delivered: MemoryShop) -> None:
    assert delivered.reconciling.compare_if_due(DAY) is not None
    assert delivered.reconciling.compare_if_due(DAY) is None
    delivered.clock.advance(days=1, seconds=1)
    assert delivered.reconciling.compare_if_due(DAY) is not None


def test_a_scheduled_comparison_goes_back_to_where_a_side_was_cut_off(shop: MemoryShop) -> None:
    first = shop.reconciling.compare_if_due(DAY)
    assert first is not None
    for _ in range(2):
        shop.clock.advance(days=2)
        shop.payment_ledger.weather.fail("events", UnavailableError("The double", "out for lunch"))
        cut_off = shop.reconciling.compare_if_due(DAY)
        assert cut_off is not None
        assert cut_off.since == first.until - DAY
    shop.clock.advance(days=90)
    last = shop.reconciling.compare_if_due(DAY)
    assert last is not None
    assert last.until - last.since == 31 * DAY


def test_a_scheduled_comparison_looks_back_to_the_last_one_that_came_to_its_end(shop: MemoryShop) -> None:
    first = shop.reconciling.compare_if_due(DAY)
    assert first is not None
    assert first.until - first.since == 8 * DAY
    shop.clock.advance(days=5)
    second = shop.reconciling.compare_if_due(DAY)
    assert second is not None
    assert second.since == first.until - DAY


def test_a_finding_that_cannot_be_stored_costs_no_other_finding_and_no_side(
    shop: MemoryShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    notices = [replace(shop.payment(shop.upload(b"wedding")), created_at=shop.clock.now()) for _ in range(3)]
    shop.payment_ledger.told.extend(notices)
    shop.clock.advance(hours=2)
    take = shop.paying.take

    def refuse_one(notice: PaymentNotice, body_sha256: Sha256) -> Handled:
        if notice == notices[1]:
            raise ValueError("a text with NUL in it cannot be stored")
        return take(notice, body_sha256)

    monkeypatch.setattr(shop.paying, "take", refuse_one)
    report = compare(shop, heals=True)
    assert report.cut_off == {}
    assert [str(defect) for defect in report.defects] == ["a text with NUL in it cannot be stored"] * 2
    (remaining,) = report.remaining
    assert remaining.subject == notices[1].event_id
    assert "a defect of the program (ValueError)" in remaining.advice
    assert len(shop.own_books.pages.orders) == 2


def test_a_defect_in_one_side_does_not_end_the_comparison_of_the_others(
    delivered: MemoryShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    defect = KeyError("an error that no port announces")

    def fail(*_: object) -> Never:
        raise defect

    monkeypatch.setattr(delivered.payment_ledger, "events", fail)
    delivered.storage.objects.clear()
    report = compare(delivered)
    assert set(report.cut_off) == {Side.STRIPE}
    assert report.defects == (defect,)
    assert set(found(report)) == {"object_missing"}
