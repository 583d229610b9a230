"""The owner gets urgent letters at once, and one every morning."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.order.values import Money, OrderId, OrderNumber
from domain.ports.email import OutgoingEmail, RenderedEmail
from domain.ports.errors import LostReplyError, RefusedError, UnavailableError
from domain.ports.shop_facts import (
    CurrentFacts,
    OpenDispute,
    OrderTotals,
    OwedRefund,
    PeriodFacts,
    TotalFacts,
    WorkFacts,
)
from domain.use_cases.monitoring.figures_reader import CURRENT_CACHED_FOR, TOTALS_CACHED_FOR
from domain.use_cases.monitoring.owner_letters import CLAIM_LASTS
from domain.use_cases.shop_policy import OwnerPolicy
from tests.domain.support.event_builders import ORDER_ID
from tests.doubles.container import POLICY, InMemoryShop

OWNER = "owner@shop.example"
EUROS = Money(amount=490, currency="EUR")
NUMBER = OrderNumber("20261122-000001")
BERLIN = ZoneInfo("Europe/Berlin")
MIDDAY = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)


def shop_of(last_letter: str | None = "2026-11-21", **owner: object) -> InMemoryShop:
    policy = OwnerPolicy(email=OWNER, **owner)  # type: ignore[arg-type]
    shop = InMemoryShop(replace(POLICY, owner=policy))
    shop.clock.moment = MIDDAY
    if last_letter is not None:
        with shop.ports.unit_of_work.transaction() as transaction:
            transaction.owner_letters.claim(f"morning:{last_letter}", MIDDAY)
    return shop


@pytest.fixture
def shop() -> InMemoryShop:
    """A shop at midday, whose owner has had the morning letter."""
    shop = shop_of()
    shop.owner_letters.send_due()
    shop.mailer.mailbox.clear()
    return shop


def owe(shop: InMemoryShop, *, since: datetime) -> None:
    owed = OwedRefund(order_id=OrderId(ORDER_ID), number=NUMBER, amount=EUROS, since=since)
    shop.shop_facts.given_current = CurrentFacts(owed_refunds=[owed])


def letters(shop: InMemoryShop) -> list[OutgoingEmail]:
    return shop.mailer.mails_to(OWNER)


def later(shop: InMemoryShop, span: timedelta = TOTALS_CACHED_FOR) -> int:
    shop.clock.advance(seconds=max(span, CURRENT_CACHED_FOR).total_seconds())
    return shop.owner_letters.send_due()


def test_without_an_address_nothing_is_written() -> None:
    shop = InMemoryShop()
    owe(shop, since=shop.clock.now() - timedelta(days=2))
    assert shop.owner_letters.send_due() == 0
    assert shop.mailer.mailbox == {}


def test_what_cannot_wait_is_written_about_at_once_and_once(shop: InMemoryShop) -> None:
    owe(shop, since=shop.clock.now() - timedelta(days=2))
    assert later(shop) == 1
    assert later(shop) == 0
    [letter] = letters(shop)
    assert letter.content.subject == (
        "Your shop needs you: A customer has been waiting for a refund for 2 days"
    )
    assert "Something in your shop cannot wait." in letter.content.text
    assert "the order's history" in " ".join(letter.content.text.split())
    assert letter.order_id is None


def test_a_storage_that_failed_once_is_not_written_about(shop: InMemoryShop) -> None:
    shop.storage.fault_injector.fail("keys", UnavailableError("The storage", "it stumbled"))
    assert later(shop) == 0
    assert later(shop) == 0
    for _ in range(3):
        shop.storage.fault_injector.fail("keys", UnavailableError("The storage", "it is off"))
    assert [later(shop), later(shop), later(shop)] == [0, 1, 0]
    [letter] = letters(shop)
    assert letter.content.subject == (
        "Your shop needs you: The storage does not serve the shop: photos are neither accepted nor restored nor "
        "delivered"
    )


def test_what_can_wait_is_not_written_about_at_once(shop: InMemoryShop) -> None:
    shop.shop_facts.given_current = CurrentFacts(work=[WorkFacts(kind="SendEmail", waiting=101)])
    assert later(shop) == 0


def test_a_condition_that_ended_and_begins_again_is_written_about_again(shop: InMemoryShop) -> None:
    owe(shop, since=shop.clock.now() - timedelta(days=2))
    assert later(shop) == 1
    shop.shop_facts.given_current = CurrentFacts()
    assert later(shop, timedelta(minutes=30)) == 0
    owe(shop, since=shop.clock.now() - timedelta(days=2))
    assert later(shop) == 0  # it came and went within the hour
    shop.shop_facts.given_current = CurrentFacts()
    assert later(shop, timedelta(minutes=61)) == 0
    owe(shop, since=shop.clock.now() - timedelta(days=2))
    assert later(shop) == 1
    assert len(letters(shop)) == 2


def test_two_workers_write_one_letter(shop: InMemoryShop) -> None:
    other = shop.with_ports()
    owe(shop, since=shop.clock.now() - timedelta(days=2))
    shop.clock.advance(seconds=TOTALS_CACHED_FOR.total_seconds())
    assert shop.owner_letters.send_due() + other.owner_letters.send_due() == 1


def test_a_letter_that_was_not_sent_is_sent_later(shop: InMemoryShop) -> None:
    owe(shop, since=shop.clock.now() - timedelta(days=2))
    shop.mailer.fault_injector.fail("send", UnavailableError("SendGrid", "it is off"))
    with pytest.raises(UnavailableError):
        later(shop)
    assert later(shop) == 1
    assert len(letters(shop)) == 1


def test_a_morning_letter_whose_facts_cannot_be_read_is_sent_later(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = shop_of()

    def time_out(_since: datetime, _until: datetime) -> PeriodFacts:
        raise UnavailableError("PostgreSQL", "the statement took too long")

    with monkeypatch.context() as patched:
        patched.setattr(shop.shop_facts, "period", time_out)
        with pytest.raises(UnavailableError):
            shop.owner_letters.send_due()
    assert later(shop) == 1
    assert len(letters(shop)) == 1


def test_an_urgent_letter_that_cannot_be_written_is_sent_later(
    shop: InMemoryShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    owe(shop, since=shop.clock.now() - timedelta(days=2))

    def fail(*_: object) -> RenderedEmail:
        raise KeyError("a sentence is missing")

    with monkeypatch.context() as patched:
        patched.setattr(shop.owner_letters.writer, "urgent", fail)
        with pytest.raises(KeyError):
            later(shop)
    assert later(shop) == 1


def test_an_urgent_letter_whose_worker_died_is_sent_after_ten_minutes(
    shop: InMemoryShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    owe(shop, since=shop.clock.now() - timedelta(days=2))

    def die(_: OutgoingEmail) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(shop.mailer, "send", die)
        with pytest.raises(SystemExit):
            later(shop)
    assert later(shop, CLAIM_LASTS - timedelta(minutes=1)) == 0
    assert later(shop, timedelta(minutes=1, seconds=1)) == 1
    assert len(letters(shop)) == 1
    assert later(shop, CLAIM_LASTS) == 0


def test_a_letter_whose_reply_was_lost_is_not_sent_twice(shop: InMemoryShop) -> None:
    owe(shop, since=shop.clock.now() - timedelta(days=2))
    shop.mailer.fault_injector.fail("send", LostReplyError("SendGrid", "no reply"))
    later(shop)
    assert later(shop) == 0


def test_a_refused_letter_is_reported_and_tried_again_after_an_hour(shop: InMemoryShop) -> None:
    owe(shop, since=shop.clock.now() - timedelta(days=2))
    shop.mailer.fault_injector.fail("send", RefusedError("SendGrid", "no such sender", code="403"))
    with pytest.raises(RefusedError):
        later(shop)
    assert later(shop) == 0
    shop.clock.advance(hours=1)
    assert later(shop) == 1
    shop.clock.advance(hours=1)
    assert later(shop) == 0


def test_a_new_shop_gets_its_first_letter_on_its_first_morning() -> None:
    shop = shop_of(last_letter=None)
    sent = []
    for minute in range(0, 46 * 60, 10):
        shop.clock.moment = MIDDAY + timedelta(minutes=minute)
        if shop.owner_letters.send_due():
            sent.append(shop.clock.moment)
    assert [(moment.day, moment.hour) for moment in sent] == [(23, 7), (24, 7)]


def test_an_older_shop_gets_the_letter_of_a_morning_that_its_workers_missed() -> None:
    shop = shop_of(last_letter=None)
    shop.live(shop.pay(shop.upload(b"wedding")))
    shop.log_heads.write()
    shop.shop_facts.after_head = MIDDAY - timedelta(days=9)
    assert shop.owner_letters.send_due() > 0
    assert any(letter.content.subject.startswith("Your shop, 22 November") for letter in letters(shop))


def test_the_morning_letter_comes_once_a_day_at_its_hour() -> None:
    shop = shop_of("2026-11-20", letter_hour=7, time_zone=BERLIN)
    shop.clock.moment = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)  # six o'clock in Berlin
    assert shop.owner_letters.send_due() == 1  # the one of yesterday, which was missed
    sent = []
    for minute in range(0, 49 * 60, 10):
        shop.clock.moment = datetime(2026, 11, 22, 5, 0, tzinfo=UTC) + timedelta(minutes=minute)
        if shop.owner_letters.send_due():
            sent.append(shop.clock.moment.astimezone(BERLIN))
    assert [(moment.day, moment.hour, moment.minute) for moment in sent] == [(22, 7, 0), (23, 7, 0)]


def full_day(shop: InMemoryShop) -> None:
    """A day with orders, money, a dispute and faults."""
    shop.shop_facts.given_period = PeriodFacts(
        events={
            "order.payment_received": 3,
            "order.restoration_failed": 1,
            "order.email_bounced": 2,
        },
        received=[Money(amount=1470, currency="EUR")],
        refunded=[EUROS],
        findings=1,
    )
    shop.shop_facts.given_current = CurrentFacts(work=[WorkFacts(kind="SendEmail", waiting=120)])
    dispute = OpenDispute(
        order_id=OrderId(ORDER_ID),
        number=NUMBER,
        dispute_id="dp_1926",
        amount=EUROS,
        opened_at=MIDDAY,
        respond_by=datetime(2026, 12, 10, 22, 59, tzinfo=UTC),
    )
    totals = OrderTotals(
        state="restoring",
        currency="EUR",
        orders=2,
        received=980,
        refunded=0,
        photos=2,
        restored=0,
        failed=0,
    )
    shop.shop_facts.given_totals = TotalFacts(orders=[totals], disputes=[dispute])


def test_the_morning_letter_says_what_happened_and_what_waits() -> None:
    shop = shop_of(time_zone=BERLIN)
    full_day(shop)
    assert shop.owner_letters.send_due() == 1
    [letter] = letters(shop)
    assert letter.content.subject == "Your shop, 22 November 2026: 3 orders"
    text = " ".join(letter.content.text.split())
    for sentence in (
        "This is what happened from Saturday, 07:00 to Sunday, 07:00, and what waits now.",
        "3 orders were paid.",
        "Received: €14.70.",
        "Refunded: €4.90.",
        "2 orders are in work.",
        "120 steps of orders wait for a worker.",
        "Order 20261122-000001, €4.90: the response is due by Thursday, 10 December 2026.",
        "One photo could not be restored; its share is refunded.",
        "2 e-mails did not reach their customers.",
        "The comparison with the providers found one difference",
    ):
        assert sentence in text
    for line in letter.content.text.splitlines():
        assert len(line) <= 72
    assert "<h2" in letter.content.html
    assert "€14.70" in letter.content.html


def test_a_quiet_morning_is_a_short_letter() -> None:
    shop = shop_of()
    shop.owner_letters.send_due()
    [letter] = letters(shop)
    text = " ".join(letter.content.text.split())
    assert "0 orders were paid." in text
    assert "What needs you Nothing does." in text
    assert "Disputes" not in text
    assert "What went wrong" not in text


def test_the_owner_is_written_to_in_german() -> None:
    shop = shop_of(locale="de", time_zone=BERLIN)
    full_day(shop)
    owed = OwedRefund(
        order_id=OrderId(ORDER_ID), number=NUMBER, amount=EUROS, since=MIDDAY - timedelta(days=2)
    )
    shop.shop_facts.given_current = replace(shop.shop_facts.given_current, owed_refunds=[owed])
    assert shop.owner_letters.send_due() == 2
    urgent, morning = letters(shop)
    assert (
        urgent.content.subject
        == "Ihr Laden braucht Sie: Jemand wartet schon lange auf eine Rückzahlung (2 Tage)"
    )
    assert morning.content.subject == "Ihr Laden, 22. November 2026: 3 Bestellungen"
    assert "Eingegangen: 14,70 €." in morning.content.text.replace("\xa0", " ")
    assert "Donnerstag, 10. Dezember 2026" in " ".join(morning.content.text.split())
