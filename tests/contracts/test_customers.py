"""Customers, order numbers and the webhook inbox."""

from dataclasses import replace
from datetime import date
from uuid import uuid4

import pytest

from domain.order.values import CustomerId, EmailKind, OrderNumber, Sha256
from domain.ports.customers import Customer, Payer
from domain.ports.order_queries import REMINDER
from domain.ports.personal_data import Erasure
from domain.ports.unit_of_work import Database
from domain.ports.webhook_inbox import Conflict, ReceivedEvent
from domain.referral_program import referral_codes_of
from tests.contracts.stored_streams import MINUTE, NOON, facts, pay, rolled_back, take_order
from tests.domain.support.recording import step

DAY = date(2026, 11, 22)
DIGEST = Sha256("a" * 64)


def receive(
    unit_of_work: Database, email: str, name: str | None = None, day: date = DAY
) -> tuple[CustomerId, str]:
    with unit_of_work.transaction() as transaction:
        return transaction.customers.receive(CustomerId(uuid4()), email, name, "de", day)


def take(unit_of_work: Database, source: str, event_id: str) -> bool:
    with unit_of_work.transaction() as transaction:
        return transaction.webhook_inbox.accept(source, event_id, "checkout.session.completed", DIGEST, NOON)


def test_a_new_address_is_a_new_customer_under_the_id_given(unit_of_work: Database) -> None:
    customer_id = CustomerId(uuid4())
    with unit_of_work.transaction() as transaction:
        transaction.customers.receive(customer_id, "Eileen@Example.org", "Eileen", "en", DAY)
        assert transaction.customers.find(customer_id) == Customer(
            customer_id=customer_id,
            email="Eileen@Example.org",
            name="Eileen",
            locale="en",
            referral_code=referral_codes_of(customer_id)[0],
        )


def test_a_customer_is_the_same_without_regard_to_case(unit_of_work: Database) -> None:
    first, _ = receive(unit_of_work, "Eileen@Example.org")
    again, _ = receive(unit_of_work, "eileen@EXAMPLE.org")
    other, _ = receive(unit_of_work, "eileen@example.com")
    assert again == first != other


def test_a_returning_customer_keeps_fields_that_are_not_given(unit_of_work: Database) -> None:
    customer_id, _ = receive(unit_of_work, "eileen@example.org", "Eileen")
    receive(unit_of_work, "EILEEN@example.org", None)
    with unit_of_work.transaction() as transaction:
        kept = transaction.customers.find(customer_id)
    assert kept == Customer(
        customer_id=customer_id,
        email="eileen@example.org",
        name="Eileen",
        locale="de",
        referral_code=referral_codes_of(customer_id)[0],
    )
    receive(unit_of_work, "eileen@example.org", "Eileen Collins")
    with unit_of_work.transaction() as transaction:
        renamed = transaction.customers.find(customer_id)
    assert renamed is not None
    assert renamed.name == "Eileen Collins"


def test_a_returning_customer_keeps_phone_and_metadata_that_are_not_given(unit_of_work: Database) -> None:
    def again(phone: str | None, metadata: dict[str, str] | None) -> Customer | None:
        with unit_of_work.transaction() as transaction:
            customer_id, _ = transaction.customers.receive(
                CustomerId(uuid4()), "eileen@example.org", None, None, DAY, phone=phone, metadata=metadata
            )
            return transaction.customers.find(customer_id)

    first, second, third = (
        again("+43 1 5550", {"country": "AT"}),
        again(None, None),
        again("+49 30 5550", {"a": "b"}),
    )
    assert first is not None
    assert (first.phone, first.metadata) == ("+43 1 5550", {"country": "AT"})
    assert second == first
    assert third is not None
    assert (third.phone, third.metadata) == ("+49 30 5550", {"country": "AT", "a": "b"})


def test_a_customer_is_found_by_the_code_they_were_given_when_they_were_new(unit_of_work: Database) -> None:
    customer_id, _ = receive(unit_of_work, "eileen@example.org")
    code = referral_codes_of(customer_id)[0]
    receive(unit_of_work, "Eileen@example.org")
    with unit_of_work.transaction() as transaction:
        found = transaction.customers.find_by_referral_code(code, lock=True)
        assert found == transaction.customers.find(customer_id)
        assert transaction.customers.find_by_referral_code(code[:-1]) is None


def test_a_referral_code_is_given_once(unit_of_work: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("adapters.postgres.customers", "tests.doubles.customers"):
        monkeypatch.setattr(f"{module}.referral_codes_of", lambda _: ("SAMESAME", "AN0THER1"))
    with unit_of_work.transaction() as transaction:
        for address in ("eileen@example.org", "grace@example.org"):
            transaction.customers.receive(CustomerId(uuid4()), address, None, None, DAY)
        found = [transaction.customers.find_by_referral_code(code) for code in ("SAMESAME", "AN0THER1")]
    assert [customer and customer.email for customer in found] == ["eileen@example.org", "grace@example.org"]


def test_an_unknown_customer_is_not_found(unit_of_work: Database) -> None:
    with unit_of_work.transaction() as transaction:
        assert transaction.customers.find(CustomerId(uuid4())) is None


def test_a_customer_gets_another_address_unless_it_is_taken(unit_of_work: Database) -> None:
    eileen, _ = receive(unit_of_work, "eilen@example.org", "Eileen")
    bruno, _ = receive(unit_of_work, "bruno@example.org")
    with unit_of_work.transaction() as transaction:
        assert transaction.customers.change_email(eileen, "Eileen@example.org")
        assert transaction.customers.change_email(eileen, "eileen@example.org")
        assert not transaction.customers.change_email(bruno, "EILEEN@example.org")
        assert not transaction.customers.change_email(CustomerId(uuid4()), "clara@example.org")
        found = [transaction.customers.find(customer_id) for customer_id in (eileen, bruno)]
    assert [customer.email for customer in found if customer] == ["eileen@example.org", "bruno@example.org"]
    assert receive(unit_of_work, "EILEEN@example.org")[0] == eileen


def test_a_customer_who_was_erased_gets_no_address(unit_of_work: Database) -> None:
    customer_id, _ = receive(unit_of_work, "eileen@example.org")
    erasure = Erasure(
        erasure_id=uuid4(), customer_id=customer_id, actor="person:ada", reason="asked for it", erased_at=NOON
    )
    with unit_of_work.transaction() as transaction:
        transaction.personal_data.forget(erasure)
        assert not transaction.customers.change_email(customer_id, "eileen@example.org")


def test_orders_needing_attention_are_held_disputed_or_without_delivered_email(
    unit_of_work: Database,
) -> None:
    held, disputed, failed, bounced, well, settled = (facts() for _ in range(6))
    take_order(unit_of_work, held, held.held())
    take_order(unit_of_work, disputed, disputed.disputed())
    take_order(unit_of_work, failed, failed.email_failed(EmailKind.CONFIRMATION))
    take_order(unit_of_work, bounced, bounced.bounced(EmailKind.CONFIRMATION))
    take_order(unit_of_work, well, *well.until_completed()[1:])
    take_order(
        unit_of_work, settled, settled.held(), settled.released(), settled.disputed(), settled.decided()
    )
    with unit_of_work.transaction() as transaction:
        needing_attention = transaction.order_queries.needing_attention()
    assert needing_attention == sorted(each.order_id for each in (held, disputed, failed, bounced))


def test_order_numbers_count_from_one_each_day(unit_of_work: Database) -> None:
    numbers = [receive(unit_of_work, f"{guest}@example.org")[1] for guest in ("adele", "bruno", "clara")]
    assert numbers == ["20261122-000001", "20261122-000002", "20261122-000003"]
    assert receive(unit_of_work, "adele@example.org", day=date(2026, 11, 23))[1] == "20261123-000001"
    assert receive(unit_of_work, "bruno@example.org")[1] == "20261122-000004"


@pytest.mark.parametrize("failures", [1, 3])
def test_a_number_that_was_not_committed_is_given_again(unit_of_work: Database, failures: int) -> None:
    assert receive(unit_of_work, "adele@example.org")[1] == "20261122-000001"
    for _ in range(failures):
        with rolled_back(unit_of_work) as transaction:
            _, number = transaction.customers.receive(
                CustomerId(uuid4()), "bruno@example.org", None, None, DAY
            )
            assert number == "20261122-000002"
    assert receive(unit_of_work, "clara@example.org")[1] == "20261122-000002"


def test_payers_together_get_numbers_in_their_order(unit_of_work: Database) -> None:
    known, _ = receive(unit_of_work, "Clara@example.org", "Clara")
    new = [CustomerId(uuid4()) for _ in range(3)]
    payers = [
        Payer(customer_id=new[0], email="bruno@example.org", name="Bruno", locale=None),
        Payer(customer_id=new[1], email="clara@EXAMPLE.org", name=None, locale="it"),
        Payer(customer_id=new[2], email="adele@example.org", name=None, locale=None),
    ]
    with unit_of_work.transaction() as transaction:
        received = transaction.customers.receive_all(payers, DAY)
        found = [transaction.customers.find(customer_id) for customer_id, _ in received]
    assert list(received) == [
        (new[0], "20261122-000002"),
        (known, "20261122-000003"),
        (new[2], "20261122-000004"),
    ]
    assert [customer and (customer.name, customer.locale) for customer in found] == [
        ("Bruno", None),
        ("Clara", "it"),
        (None, None),
    ]


def test_a_payer_whose_order_has_a_number_takes_none_from_the_others(unit_of_work: Database) -> None:
    restored = OrderNumber("20261101-000007")
    payers = [
        Payer(customer_id=CustomerId(uuid4()), email=email, name=None, locale=None, number=number)
        for email, number in (
            ("adele@example.org", None),
            ("bruno@example.org", restored),
            ("clara@example.org", None),
        )
    ]
    with unit_of_work.transaction() as transaction:
        received = transaction.customers.receive_all(payers, DAY)
    assert [number for _, number in received] == ["20261122-000001", restored, "20261122-000002"]
    assert receive(unit_of_work, "dario@example.org")[1] == "20261122-000003"


def test_of_webhook_events_together_the_new_ones_are_accepted(unit_of_work: Database) -> None:
    assert take(unit_of_work, "stripe", "evt_2")
    received = [
        ReceivedEvent(event_id=event_id, event_type="checkout.session.completed", body_sha256=body)
        for event_id, body in (("evt_1", DIGEST), ("evt_2", Sha256("b" * 64)), ("evt_3", DIGEST))
    ]
    with unit_of_work.transaction() as transaction:
        assert transaction.webhook_inbox.accept_all("stripe", received, NOON) == {"evt_1", "evt_3"}
        assert transaction.webhook_inbox.accept_all("stripe", received, NOON) == set()
        assert [conflict.event_id for conflict in transaction.webhook_inbox.conflicts()] == ["evt_2"]


def test_a_webhook_event_is_accepted_once(unit_of_work: Database) -> None:
    assert take(unit_of_work, "stripe", "evt_1")
    assert not take(unit_of_work, "stripe", "evt_1")
    assert take(unit_of_work, "stripe", "evt_2")


def test_two_providers_may_use_the_same_id(unit_of_work: Database) -> None:
    assert take(unit_of_work, "stripe", "1")
    assert take(unit_of_work, "sendgrid", "1")


def test_a_webhook_event_whose_transaction_failed_is_still_new(unit_of_work: Database) -> None:
    with rolled_back(unit_of_work) as transaction:
        assert transaction.webhook_inbox.accept("stripe", "evt_1", "charge.refunded", DIGEST, NOON)
        assert not transaction.webhook_inbox.accept("stripe", "evt_1", "charge.refunded", DIGEST, NOON)
    assert take(unit_of_work, "stripe", "evt_1")


def test_a_conflicting_webhook_event_is_quarantined_once(
    unit_of_work: Database,
) -> None:
    assert take(unit_of_work, "stripe", "evt_1")
    for _ in range(2):
        with unit_of_work.transaction() as transaction:
            assert not transaction.webhook_inbox.accept(
                "stripe", "evt_1", "refund.created", Sha256("b" * 64), NOON
            )
    assert not take(unit_of_work, "stripe", "evt_1")
    assert take(unit_of_work, "stripe", "evt_2")
    with unit_of_work.transaction() as transaction:
        assert transaction.webhook_inbox.conflicts() == [
            Conflict(
                source="stripe",
                event_id="evt_1",
                event_type="refund.created",
                body_sha256=Sha256("b" * 64),
                taken_sha256=DIGEST,
                received_at=NOON,
            )
        ]


def test_finished_orders_are_those_closed_before_a_time_with_photos(
    unit_of_work: Database,
) -> None:
    old, purged, refunded, recent, unfinished = (facts() for _ in range(5))
    take_order(unit_of_work, old, *old.until_completed()[1:])
    take_order(unit_of_work, purged, *purged.until_completed()[1:], purged.purged())
    take_order(unit_of_work, refunded, *refunded.until_refunded()[1:])
    take_order(unit_of_work, recent, *recent.until_completed()[1:], at=NOON + 10 * MINUTE)
    take_order(unit_of_work, unfinished, *unfinished.until_ready()[1:])
    expected = sorted([old.order_id, refunded.order_id])
    with unit_of_work.transaction() as transaction:
        assert transaction.order_queries.finished(NOON + 5 * MINUTE, None, 10) == expected
        assert transaction.order_queries.finished(NOON + 5 * MINUTE, None, 1) == expected[:1]
        assert transaction.order_queries.finished(NOON + 5 * MINUTE, expected[0], 10) == expected[1:]
        assert transaction.order_queries.finished(NOON, None, 10) == []


def test_links_due_for_a_reminder_expire_soon_and_were_not_used(
    unit_of_work: Database,
) -> None:
    due, also_due, reminded, fetched, held, purged, renewed, withdrawn = (facts() for _ in range(8))
    orders = {
        about: take_order(unit_of_work, about, *about.until_completed()[1:]) for about in (due, reminded)
    }
    without_second = (also_due.link_issued(), also_due.link_revoked(2))
    orders[also_due] = take_order(
        unit_of_work, also_due, *also_due.until_completed()[1:], *without_second, also_due.served()
    )
    take_order(unit_of_work, fetched, *fetched.until_completed()[1:], fetched.downloaded())
    take_order(unit_of_work, held, *held.until_completed()[1:], held.held())
    take_order(unit_of_work, purged, *purged.until_completed()[1:], purged.purged())
    take_order(unit_of_work, renewed, *renewed.until_completed()[1:], renewed.link_issued())
    take_order(unit_of_work, withdrawn, *withdrawn.until_completed()[1:], withdrawn.link_revoked())
    (link,) = orders[due].links.values()
    (link,) = orders[reminded].links.values()
    asked = reminded.email_requested(EmailKind.REMINDER)
    with unit_of_work.transaction() as transaction:
        transaction.event_store.append(step(orders[reminded], asked, cause=f"{REMINDER}{link.link_id}"))
    ends = link.expires_at
    expected = sorted(
        ((about.order_id, next(iter(orders[about].links))) for about in (due, also_due)),
        key=lambda each: each[1],
    )
    with unit_of_work.transaction() as transaction:
        order_queries = transaction.order_queries
        assert order_queries.unfetched(ends - MINUTE, ends, None, 10) == expected
        assert order_queries.unfetched(ends - MINUTE, ends, None, 1) == expected[:1]
        assert order_queries.unfetched(ends - MINUTE, ends, expected[0][1], 10) == expected[1:]
        assert order_queries.unfetched(ends, ends + MINUTE, None, 10) == []
        assert order_queries.unfetched(ends - MINUTE, ends - MINUTE, None, 10) == []


def test_a_link_for_others_opens_the_order_and_leaves_the_customers_reminder_as_it_is(
    unit_of_work: Database,
) -> None:
    about = facts()
    shared = replace(about.link_issued(), is_shared=True)
    order = take_order(unit_of_work, about, *about.until_completed()[1:], shared)
    (own,) = order.links.values()
    assert shared.expires_at > own.expires_at
    with unit_of_work.transaction() as transaction:
        assert transaction.event_store.load_by_token(shared.token_sha256) == order
        assert transaction.event_store.load(about.order_id).shared_links.keys() == {shared.link_id}
        reminded = transaction.order_queries.unfetched(own.expires_at - MINUTE, shared.expires_at, None, 10)
    assert reminded == [(about.order_id, own.link_id)]


def test_an_email_is_found_by_its_message_id(unit_of_work: Database) -> None:
    about, other = facts(), facts()
    order = take_order(unit_of_work, about, about.sent(EmailKind.CONFIRMATION, "m1"))
    take_order(unit_of_work, other, other.sent(EmailKind.CONFIRMATION, "m2"))
    (email,) = order.emails.values()
    with unit_of_work.transaction() as transaction:
        found = transaction.order_queries.find_by_messages(["m1", "m1.recvd", "unknown"])
        assert found == {"m1": (about.order_id, email.email_id)}
        assert transaction.order_queries.find_by_messages([]) == {}


def test_a_customer_who_opted_out_needs_attention_and_gets_no_reminder(
    unit_of_work: Database,
) -> None:
    first, second, other = facts(), facts(), facts()
    opted_out = first.opted_out(EmailKind.RESULT)
    order = take_order(unit_of_work, first, *first.until_completed()[1:], opted_out)
    assert order.payment is not None
    customer_id = order.payment.customer_id
    with unit_of_work.transaction() as transaction:
        paid = replace(pay(transaction, second), customer_id=customer_id)
        transaction.event_store.append(step(second.order_id, paid, *second.until_completed()[1:], at=NOON))
    kept = take_order(unit_of_work, other, *other.until_completed()[1:])
    (link,) = kept.links.values()
    with unit_of_work.transaction() as transaction:
        assert transaction.order_queries.needing_attention() == [first.order_id]
        reminded = transaction.order_queries.unfetched(link.expires_at - MINUTE, link.expires_at, None, 10)
    assert reminded == [(other.order_id, link.link_id)]


def test_old_webhook_events_are_deleted_unless_in_conflict(
    unit_of_work: Database,
) -> None:
    with unit_of_work.transaction() as transaction:
        for event_id, age in (("evt_old", 3), ("evt_older", 4), ("evt_conflict", 5), ("evt_new", 0)):
            transaction.webhook_inbox.accept(
                "stripe", event_id, "charge.refunded", DIGEST, NOON - age * MINUTE
            )
        transaction.webhook_inbox.accept("stripe", "evt_conflict", "charge.refunded", Sha256("b" * 64), NOON)
    with unit_of_work.transaction() as transaction:
        assert transaction.webhook_inbox.forget(NOON - MINUTE, 1) == 1
        assert transaction.reconciliation_queries.unknown_messages("stripe", ["evt_old", "evt_older"]) == {
            "evt_older"
        }
        assert transaction.webhook_inbox.forget(NOON - MINUTE, 10) == 1
        assert transaction.webhook_inbox.forget(NOON - MINUTE, 10) == 0
    asked = ["evt_old", "evt_older", "evt_conflict", "evt_new"]
    with unit_of_work.transaction() as transaction:
        assert transaction.reconciliation_queries.unknown_messages("stripe", asked) == {
            "evt_old",
            "evt_older",
        }
